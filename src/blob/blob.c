/* SPDX-License-Identifier: Apache-2.0 */
/* The seam: every call goes to its keeper. */
#include "blob/blob.h"

#include <string.h>

#include "blob/blob_impl.h"

struct blob_store *
blob_close(struct blob_store *store)
{
	return store ? store->ops->close(store) : NULL;
}

int
blob_begin(
	struct blob_store *store, uint64_t bytes_max, struct blob_writer **ret, struct err *err)
{
	return store->ops->begin(store, bytes_max, ret, err);
}

int
blob_write(struct blob_writer *writer, const void *data, size_t len, struct err *err)
{
	return writer->ops->write(writer, data, len, err);
}

int
blob_commit(struct blob_writer *writer, char ret_hex[BLOB_HEX_LEN + 1], uint64_t *ret_size,
	struct err *err)
{
	return writer->ops->commit(writer, ret_hex, ret_size, err);
}

struct blob_writer *
blob_abort(struct blob_writer *writer)
{
	return writer ? writer->ops->abort(writer) : NULL;
}

bool
blob_is_hex(const char *hex)
{
	return strlen(hex) == BLOB_HEX_LEN && strspn(hex, "0123456789abcdef") == BLOB_HEX_LEN;
}

int
blob_open_read(struct blob_store *store, const char *hex, int *ret_fd, uint64_t *ret_size,
	struct err *err)
{
	return blob_is_hex(hex) ? store->ops->open_read(store, hex, ret_fd, ret_size, err)
				: BLOB_NONE;
}

int
blob_remove(struct blob_store *store, const char *hex, struct err *err)
{
	return blob_is_hex(hex) ? store->ops->remove(store, hex, err) : 0;
}

int
blob_scratch(struct blob_store *store, int *ret_fd, struct err *err)
{
	return store->ops->scratch(store, ret_fd, err);
}

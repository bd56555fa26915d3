/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind blob.h: a table of functions, first member of each keeper's own structs.
 */
#pragma once

#include "blob/blob.h"

struct blob_ops {
	struct blob_store *(*close)(struct blob_store *store);
	int (*begin)(struct blob_store *store, uint64_t bytes_max, struct blob_writer **ret,
		struct err *err);
	int (*write)(struct blob_writer *writer, const void *data, size_t len, struct err *err);
	int (*commit)(
		struct blob_writer *writer, char *ret_hex, uint64_t *ret_size, struct err *err);
	struct blob_writer *(*abort)(struct blob_writer *writer);
	int (*open_read)(struct blob_store *store, const char *hex, int *ret_fd,
		uint64_t *ret_size, struct err *err);
	int (*remove)(struct blob_store *store, const char *hex, struct err *err);
	int (*scratch)(struct blob_store *store, int *ret_fd, struct err *err);
};

struct blob_store {
	const struct blob_ops *ops;
};

struct blob_writer {
	const struct blob_ops *ops;
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs as files: DIR/ab/cdef…, written to DIR/tmp first.
 *
 * Order of a commit: bytes fsynced under the temporary name, renamed to the final one, folder
 * fsynced. A crash before the rename leaves a temporary file, which the next start removes; a
 * crash after it leaves a whole blob.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "blob/blob_impl.h"

struct file_store {
	struct blob_store base;
	int dir;
	atomic_bool is_kept[256]; /* the folder of this first byte outlives a power cut */
};

struct file_writer {
	struct blob_writer base;
	struct file_store *store;
	int fd;
	char temp[40]; /* below dir */
	uint64_t size, bytes_max;
	crypto_hash_sha256_state hash;
};

static const struct blob_ops file_ops;

static struct blob_store *
file_close(struct blob_store *base)
{
	struct file_store *store = container_of(base, struct file_store, base);

	close(store->dir);
	free(store);
	return NULL;
}

static int
make_dir(int dir, const char *name, struct err *err)
{
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(
			err, ERR_UNAVAILABLE, errno, "cannot make the blob folder %s", name);
	return 0;
}

static int
sync_fd(int fd, struct err *err)
{
	if (fault_hit(FAULT_FSYNC))
		return err_sys(err, ERR_UNAVAILABLE, EIO, "injected fault: sync");
	if (fsync(fd) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot sync a blob");
	return 0;
}

static int
sync_folder(int dir, const char *name, struct err *err)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot open the blob folder");
	return sync_fd(fd, err);
}

int
blob_open_files(struct blob_store **ret, const char *dir, struct err *err)
{
	if (mkdir_p(dir, 0700, err) < 0)
		return err_wrap(err, "blob folder");
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(
			err, ERR_UNAVAILABLE, errno, "cannot open the blob folder %s", dir);
	if (tree_remove(fd, "tmp", err) < 0 || make_dir(fd, "tmp", err) < 0 ||
		sync_folder(fd, "..", err) < 0)
		return -1;

	struct file_store *store = xcalloc(1, sizeof *store);
	store->base.ops = &file_ops;
	store->dir = TAKE_FD(fd);
	*ret = &store->base;
	return 0;
}

static struct blob_writer *
file_abort(struct blob_writer *base)
{
	struct file_writer *writer = container_of(base, struct file_writer, base);

	if (writer->fd >= 0)
		close(writer->fd);
	if (writer->temp[0])
		(void)unlinkat(
			writer->store->dir, writer->temp, 0); /* the next start tries again */
	free(writer);
	return NULL;
}

static int
file_begin(
	struct blob_store *base, uint64_t bytes_max, struct blob_writer **ret, struct err *err)
{
	struct file_store *store = container_of(base, struct file_store, base);
	struct file_writer *writer = xcalloc(1, sizeof *writer);
	uint8_t random[16];
	char hex[33];

	rand_bytes(random, sizeof random);
	hex_encode(random, sizeof random, hex);
	(void)snprintf(writer->temp, sizeof writer->temp, "tmp/%s", hex);
	writer->base.ops = &file_ops;
	writer->store = store;
	writer->bytes_max = bytes_max;
	crypto_hash_sha256_init(&writer->hash);
	writer->fd =
		openat(store->dir, writer->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writer->fd < 0) {
		int sys = errno;
		writer->temp[0] = '\0';
		file_abort(&writer->base);
		return err_sys(err, ERR_UNAVAILABLE, sys, "cannot begin a blob");
	}
	*ret = &writer->base;
	return 0;
}

static int
file_write(struct blob_writer *base, const void *data, size_t len, struct err *err)
{
	struct file_writer *writer = container_of(base, struct file_writer, base);

	if (len > writer->bytes_max - writer->size)
		return err_set(err, ERR_LIMIT, "more than %llu bytes",
			(unsigned long long)writer->bytes_max);
	if (fd_write_all(writer->fd, data, len, err) < 0) {
		err->code = ERR_UNAVAILABLE; /* a full or broken disk is nobody's bad input */
		return err_wrap(err, "writing a blob");
	}
	crypto_hash_sha256_update(&writer->hash, data, len);
	writer->size += len;
	return 0;
}

/* "ab/cdef…" of a blob. */
static void
blob_path(const char *hex, char out[BLOB_HEX_LEN + 2])
{
	(void)snprintf(out, BLOB_HEX_LEN + 2, "%.2s/%s", hex, hex + 2);
}

/* That somebody else made the folder does not say that it is on the disk yet. */
static int
keep_folder(struct file_store *store, uint8_t first, const char *name, struct err *err)
{
	if (atomic_load(&store->is_kept[first]))
		return 0;
	if (make_dir(store->dir, name, err) < 0 || sync_folder(store->dir, ".", err) < 0)
		return -1;
	atomic_store(&store->is_kept[first], true);
	return 0;
}

static int
keep_under_name(struct file_writer *writer, const uint8_t hash[crypto_hash_sha256_BYTES],
	const char *hex, struct err *err)
{
	char path[BLOB_HEX_LEN + 2], folder[3] = { hex[0], hex[1], '\0' };
	int dir = writer->store->dir;

	if (sync_fd(writer->fd, err) < 0 ||
		keep_folder(writer->store, hash[0], folder, err) < 0)
		return -1;
	blob_path(hex, path);
	/* The same content may be there already: the new file simply takes its place. */
	if (fault_hit(FAULT_RENAME))
		return err_sys(err, ERR_UNAVAILABLE, EIO, "injected fault: rename");
	if (renameat(dir, writer->temp, dir, path) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot name a blob");
	writer->temp[0] = '\0';
	return sync_folder(dir, folder, err);
}

static int
file_commit(struct blob_writer *base, char *ret_hex, uint64_t *ret_size, struct err *err)
{
	struct file_writer *writer = container_of(base, struct file_writer, base);
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_final(&writer->hash, hash);
	hex_encode(hash, sizeof hash, ret_hex);
	*ret_size = writer->size;
	int rc = keep_under_name(writer, hash, ret_hex, err);
	file_abort(base);
	return rc;
}

static int
file_open_read(struct blob_store *base, const char *hex, int *ret_fd, uint64_t *ret_size,
	struct err *err)
{
	struct file_store *store = container_of(base, struct file_store, base);
	char path[BLOB_HEX_LEN + 2];
	struct stat st;

	blob_path(hex, path);
	_cleanup_close_ int fd = openat(store->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return BLOB_NONE;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot open a blob");
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int
file_remove(struct blob_store *base, const char *hex, struct err *err)
{
	struct file_store *store = container_of(base, struct file_store, base);
	char path[BLOB_HEX_LEN + 2];

	blob_path(hex, path);
	if (unlinkat(store->dir, path, 0) < 0 && errno != ENOENT)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot remove a blob");
	return 0;
}

/* Not O_TMPFILE: some file systems have none. */
static int
file_scratch(struct blob_store *base, int *ret_fd, struct err *err)
{
	struct file_store *store = container_of(base, struct file_store, base);
	uint8_t random[16];
	char hex[33], name[40];

	rand_bytes(random, sizeof random);
	hex_encode(random, sizeof random, hex);
	(void)snprintf(name, sizeof name, "tmp/%s", hex);
	*ret_fd = openat(store->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return err_sys(
			err, ERR_UNAVAILABLE, errno, "cannot make a file beside the blobs");
	(void)unlinkat(store->dir, name, 0); /* the next start tries again */
	return 0;
}

static const struct blob_ops file_ops = {
	.close = file_close,
	.begin = file_begin,
	.write = file_write,
	.commit = file_commit,
	.abort = file_abort,
	.open_read = file_open_read,
	.remove = file_remove,
	.scratch = file_scratch,
};

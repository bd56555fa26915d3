/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs: the bytes of artifacts and bundles, named by their content (SHA-256, 64 lower-case hex
 * digits).
 *
 * A seam with room for other keepers; files are the first. Every function may be called from
 * several threads at a time; one writer belongs to one thread at a time. All of them may block
 * on the disk: call them on libuv's pool.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { BLOB_HEX_LEN = 64 }; /* without the NUL */

struct blob_store;
struct blob_writer;

/* Keeps blobs as files below dir, which is made (0700) when it is not there. Removes what a
 * crash left half written. */
int blob_open_files(struct blob_store **ret, const char *dir, struct err *err) MUST_CHECK;
struct blob_store *blob_close(struct blob_store *store); /* NULL is fine; always NULL */
DEFINE_CLEANUP(struct blob_store *, blob_close)

/* Begins a blob of at most bytes_max bytes. End it with commit or abort. */
int blob_begin(struct blob_store *store, uint64_t bytes_max, struct blob_writer **ret,
	struct err *err) MUST_CHECK;
/* -1: LIMIT past bytes_max, UNAVAILABLE when the disk is full or broken; then only abort is
 * left. */
int blob_write(struct blob_writer *writer, const void *data, size_t len, struct err *err)
	MUST_CHECK;
/* Durable once it returns 0: name and bytes are on disk. The writer is gone in either case. */
int blob_commit(struct blob_writer *writer, char ret_hex[BLOB_HEX_LEN + 1], uint64_t *ret_size,
	struct err *err) MUST_CHECK;
struct blob_writer *blob_abort(struct blob_writer *writer); /* NULL is fine; always NULL */
DEFINE_CLEANUP(struct blob_writer *, blob_abort)

enum { BLOB_NONE = 1 }; /* there is no such blob */

/* Opens for reading; the caller owns *ret_fd. hex that is not a name is BLOB_NONE. */
int blob_open_read(struct blob_store *store, const char *hex, int *ret_fd, uint64_t *ret_size,
	struct err *err) MUST_CHECK;

/* Removes it; absent is fine. The caller knows that nothing names it any more. */
int blob_remove(struct blob_store *store, const char *hex, struct err *err) MUST_CHECK;

/* An empty file beside the blobs for what is too large for memory; it has no name and goes with
 * its descriptor, which the caller owns. */
int blob_scratch(struct blob_store *store, int *ret_fd, struct err *err) MUST_CHECK;

bool blob_is_hex(const char *hex);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors, files and folders. Every descriptor opened here is O_CLOEXEC; every error names
 * the path. Calls block: not for the loop thread, except fd_set_nonblock().
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

int fd_set_nonblock(int fd, struct err *err) MUST_CHECK;

/* Sets or clears FD_CLOEXEC. */
int fd_set_cloexec(int fd, int on, struct err *err) MUST_CHECK;

/* Writes all of it, going on after EINTR and short writes, waiting where fd is nonblocking. */
int fd_write_all(int fd, const void *data, size_t len, struct err *err) MUST_CHECK;

/*
 * Appends a regular file's content to *buf. -1 with err: NOT_FOUND, LIMIT when the file holds
 * more than max bytes or buf's maximum is passed, DENIED, UNAVAILABLE. On error buf is as
 * before.
 */
int file_read(const char *path, size_t max, struct buf *buf, struct err *err) MUST_CHECK;

/*
 * Replaces path so that a reader or a crash sees the old or the new content, never a part: a
 * temporary name in the same folder, fsync, rename, fsync of the folder. When it returns 0 the
 * content survives power loss. On error the old file is untouched and the temporary one
 * removed.
 */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
	struct err *err) MUST_CHECK;

/* Makes the folder and its parents; existing ones are fine (and keep their mode). */
int mkdir_p(const char *path, mode_t mode, struct err *err) MUST_CHECK;

/* Makes the names inside a folder durable. */
int dir_sync(const char *path, struct err *err) MUST_CHECK;

/*
 * Removes `name` below dirfd (AT_FDCWD: the current folder) with everything in it. Symbolic
 * links are removed, never followed; folders without permissions are opened up first; entries
 * that vanish meanwhile are fine, new ones are removed in further rounds (a bounded number). No
 * such name is success. -1: the first thing that could not be removed; the rest has been
 * removed.
 */
int tree_remove(int dirfd, const char *name, struct err *err) MUST_CHECK;

/*
 * "dir/name" without a doubled slash, or name alone when dir is "". NULL: past the arena's
 * maximum. Does not look at ".." or the file system: check names from outside before.
 */
char *path_join(struct arena *arena, const char *dir, const char *name) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"

static int
change_flag(int fd, int get, int set, int flag, bool on, struct err *err)
{
	int flags = fcntl(fd, get);

	if (flags >= 0 && ((flags & flag) != 0) != on)
		flags = fcntl(fd, set, on ? flags | flag : flags & ~flag);
	if (flags < 0)
		return err_sys(err, ERR_INTERNAL, errno, "descriptor %d", fd);
	return 0;
}

int
fd_set_nonblock(int fd, struct err *err)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, true, err);
}

int
fd_set_cloexec(int fd, int on, struct err *err)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on, err);
}

int
fd_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = fault_hit(FAULT_WRITE) ? (errno = EIO, -1) : write(fd, p, len);
		if (n < 0 && errno == EAGAIN) {
			/* Fails only by signal, and then the next write() decides. */
			(void)poll(&(struct pollfd) { .fd = fd, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, err_code_of_errno(errno), errno, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
open_file(const char *path, int flags, mode_t mode)
{
	if (fault_hit(FAULT_OPEN)) {
		errno = EIO;
		return -1;
	}
	return open(path, flags | O_CLOEXEC, mode);
}

static int
sync_fd(int fd)
{
	if (fault_hit(FAULT_FSYNC)) {
		errno = EIO;
		return -1;
	}
	return fsync(fd);
}

/* Reads to the end of the file; stops one byte after `max` so that the caller can see it. */
static int
read_to_end(int fd, size_t max, struct buf *buf, struct err *err)
{
	char step[4096];
	size_t total = 0;

	for (;;) {
		ssize_t n = fault_hit(FAULT_READ) ? (errno = EIO, -1)
						  : read(fd, step, sizeof(step));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, err_code_of_errno(errno), errno, "read");
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max || buf_add(buf, step, (size_t)n) < 0)
			return err_set(err, ERR_LIMIT, "more than %zu bytes",
				max < buf->max ? max : buf->max);
	}
}

int
file_read(const char *path, size_t max, struct buf *buf, struct err *err)
{
	/* Nonblocking, so that a FIFO in the way cannot hang us before we see what it is. */
	_cleanup_close_ int fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "%s: not a regular file", path);

	size_t len = buf->len;
	if (read_to_end(fd, max, buf, err) < 0) {
		buf_truncate(buf, len);
		return err_wrap(err, "%s", path);
	}
	return 0;
}

/* The folder that a path's last part is in; free(). */
static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	if (slash == path)
		return xstrdup("/");
	return xstrndup(path, (size_t)(slash - path));
}

/* Content, mode and fsync of the temporary file. */
static int
fill_file(int fd, const void *data, size_t len, mode_t mode, struct err *err)
{
	if (fd_write_all(fd, data, len, err) < 0)
		return -1;
	/* Again, because open() let the umask take bits away. */
	if (fchmod(fd, mode) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "mode");
	if (sync_fd(fd) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "sync");
	return 0;
}

static int
rename_file(const char *from, const char *to)
{
	if (fault_hit(FAULT_RENAME)) {
		errno = EIO;
		return -1;
	}
	return rename(from, to);
}

int
file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	uint64_t unique;

	rand_bytes(&unique, sizeof(unique));
	_cleanup_free_ char *temp =
		xasprintf("%s.tmp-%016llx", path, (unsigned long long)unique);
	_cleanup_close_ int fd =
		open_file(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", temp);

	int rc = fill_file(fd, data, len, mode, err);
	if (rc < 0)
		err_wrap(err, "%s", temp);
	else if (rename_file(temp, path) < 0)
		rc = err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	if (rc < 0) {
		(void)unlink(temp); /* the first error is the one to tell */
		return -1;
	}
	_cleanup_free_ char *dir = parent_of(path);
	return dir_sync(dir, err);
}

int
mkdir_p(const char *path, mode_t mode, struct err *err)
{
	_cleanup_free_ char *part = xstrdup(path);
	struct stat st;

	for (char *p = part; *p;) {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		char after = *p;
		*p = '\0';
		if (part[0] != '\0' && mkdir(part, mode) < 0 && errno != EEXIST)
			return err_sys(err, err_code_of_errno(errno), errno, "%s", part);
		*p = after;
	}
	/* EEXIST is also what a plain file answers. */
	if (stat(path, &st) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFLICT, "%s: not a folder", path);
	return 0;
}

int
dir_sync(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open_file(path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 || sync_fd(fd) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	return 0;
}

char *
path_join(struct arena *arena, const char *dir, const char *name)
{
	size_t len = strlen(dir);

	if (len == 0)
		return arena_strdup(arena, name);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len > INT_MAX)
		return NULL;
	const char *slash = len == 1 && dir[0] == '/' ? "" : "/";
	return arena_printf(arena, "%.*s%s%s", (int)len, dir, slash, name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker is dead when its lock can be taken. Everything of it is then ended by the marker in
 * its environment before its folder goes.
 */
#include "worker/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "worker/cgroup.h"
#include "worker/sweep.h"

enum { KILL_ROUNDS_MAX = 100, KILL_PAUSE_US = 10 * 1000 };

static const char *const parts[] = { "run", "artifacts", "tmp" };

/* Ends what a dead worker's runs left, should even their shepherds have been killed. */
static void
end_processes(const char *tag)
{
	_cleanup_free_ char *marker = xasprintf("PROCTOR_WORKER=%s", tag);
	_cleanup_free_ char *group = xasprintf("proctor-%s", tag);

	for (int round = 0; round < KILL_ROUNDS_MAX; round++) {
		if (sweep_marked(marker, SIGKILL) <= 0)
			break;
		usleep(KILL_PAUSE_US);
	}
	cgroup_clean_stale(group);
}

static void
remove_stale(int parent_fd, const char *name)
{
	_cleanup_free_ char *lock = xasprintf("%s/lock", name);
	_cleanup_close_ int fd = openat(parent_fd, lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct err err;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return; /* it lives */
	if (fd < 0 && errno != ENOENT)
		return;
	end_processes(name + 2);
	if (tree_remove(parent_fd, name, &err) < 0)
		log_warn("worker.stale", NULL, "cannot remove the folder of a dead worker: %s",
			err.text);
}

static void
remove_all_stale(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, "w-", 2) == 0)
			remove_stale(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
}

/* A lock is taken in a folder of another name and then renamed, so that a starting worker never
 * looks like a dead one. */
static int
make_locked(struct rundir *dirs, const char *parent, const char *tag, struct err *err)
{
	_cleanup_free_ char *fresh = xasprintf("%s/new-%s", parent, tag);
	_cleanup_free_ char *lock = xasprintf("%s/lock", fresh);

	if (mkdir_p(fresh, 0700, err) < 0)
		return -1;
	dirs->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (dirs->lock_fd < 0 || flock(dirs->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", lock);
	dirs->base = xasprintf("%s/w-%s", parent, tag);
	if (rename(fresh, dirs->base) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", dirs->base);
	return 0;
}

int
rundir_init(struct rundir *ret, const char *data_dir, const char *tag, struct err *err)
{
	_cleanup_free_ char *wanted = xasprintf("%s/worker", data_dir);
	_cleanup_free_ char *cache = xasprintf("%s/cache/bundles", wanted);

	*ret = (struct rundir) { .lock_fd = -1 };
	if (mkdir_p(wanted, 0700, err) < 0 || mkdir_p(cache, 0700, err) < 0)
		return -1;
	_cleanup_free_ char *parent = realpath(wanted, NULL);
	if (!parent)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", wanted);
	remove_all_stale(parent);
	ret->cache = xasprintf("%s/cache", parent);
	return make_locked(ret, parent, tag, err);
}

void
rundir_deinit(struct rundir *dirs)
{
	struct err err;

	if (dirs->base && tree_remove(AT_FDCWD, dirs->base, &err) < 0)
		log_warn("worker.rundir", NULL, "%s", err.text);
	cleanup_close(&dirs->lock_fd);
	dirs->lock_fd = -1;
	free(dirs->base);
	free(dirs->cache);
	dirs->base = dirs->cache = NULL;
}

int
rundir_make(const struct rundir *dirs, unsigned n, char **ret, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/%u", dirs->base, n);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		_cleanup_free_ char *part = xasprintf("%s/%s", dir, parts[i]);
		if (mkdir_p(part, 0700, err) < 0)
			return -1;
	}
	*ret = TAKE(dir);
	return 0;
}

/* Removes everything inside a folder. One that was replaced or lost is made anew. */
static int
empty_folder(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (tree_remove(AT_FDCWD, path, err) < 0)
			return -1;
		return mkdir_p(path, 0700, err);
	}
	(void)fchmod(fd, 0700);
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", path);
	(void)TAKE_FD(copy);
	struct dirent *entry;
	int r = 0;
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = tree_remove(fd, entry->d_name, err);
	closedir(dir);
	return r;
}

int
rundir_clear(const char *dir, bool keeps_tmp, struct err *err)
{
	_cleanup_free_ char *log = xasprintf("%s/output.log", dir);

	(void)unlink(log); /* made anew with O_EXCL: what stays is seen then */
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		_cleanup_free_ char *part = xasprintf("%s/%s", dir, parts[i]);
		if (keeps_tmp && strcmp(parts[i], "tmp") == 0)
			continue;
		if (empty_folder(part, err) < 0)
			return -1;
	}
	return 0;
}

static int64_t
count_bytes(int parent_fd, const char *name, int64_t enough, int depth)
{
	_cleanup_close_ int fd =
		openat(parent_fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int64_t sum = 0;

	if (fd < 0 || depth > DIR_DEPTH_MAX)
		return 0;
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return 0;
	(void)TAKE_FD(copy);
	struct dirent *entry;
	while (sum < enough && (entry = readdir(dir))) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += (int64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode))
			sum += count_bytes(fd, entry->d_name, enough - sum, depth + 1);
	}
	closedir(dir);
	return sum;
}

int64_t
rundir_bytes(const char *dir, int64_t enough)
{
	return count_bytes(AT_FDCWD, dir, enough, 0);
}

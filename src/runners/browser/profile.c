/* SPDX-License-Identifier: Apache-2.0 */
/* The private folder of a browser, and what its processes use of the machine. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/chromium_impl.h"

enum {
	YOUNG_MS = 60 * 1000, /* a folder that may not be locked yet */
};

static const char name_start[] = "proctor-chromium-";

/* --- The folder --- */

/* Memory where there is plenty of it: a profile is written a lot and never needed again. */
static const char *
best_place(void)
{
	const char *tmp = getenv("TMPDIR");
	struct statvfs st;

	if (statvfs("/dev/shm", &st) == 0 &&
		(int64_t)(st.f_bavail * st.f_frsize) >= 4 * CHROMIUM_SHM_BYTES_MIN &&
		access("/dev/shm", W_OK | X_OK) == 0)
		return "/dev/shm";
	return tmp && tmp[0] == '/' ? tmp : "/tmp";
}

/* Removes one folder if it is ours and nobody holds its lock. */
static void
sweep_one(int parent_fd, const char *name)
{
	struct stat st;
	_cleanup_close_ int fd =
		openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
		return;
	if (clock_wall_ms() - (int64_t)st.st_mtim.tv_sec * 1000 < YOUNG_MS)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)tree_remove(parent_fd, name, NULL); /* the next one tries again */
}

static void
sweep(const char *parent)
{
	DIR *dir = opendir(parent);

	if (!dir)
		return;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (strncmp(entry->d_name, name_start, sizeof name_start - 1) == 0)
			sweep_one(dirfd(dir), entry->d_name);
	}
	(void)closedir(dir);
}

int
profile_new(char **ret_path, int *ret_fd, const char *parent, struct err *err)
{
	if (!parent)
		parent = best_place();
	sweep(parent);
	_cleanup_free_ char *path = xasprintf("%s/%sXXXXXX", parent, name_start);
	if (!mkdtemp(path))
		return err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_sys(err, err_code_of_errno(errno), errno, "%s", path);
		(void)rmdir(path);
		return -1;
	}
	*ret_path = TAKE(path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void
profile_remove(const char *path, int fd)
{
	struct err err;

	if (path && tree_remove(AT_FDCWD, path, &err) < 0)
		fprintf(stderr, "browser profile: %s\n", err.text);
	cleanup_close(&fd);
}

/* --- Processes --- */

/* The process group in /proc/PID/stat, behind the name, which may hold anything; -1: none. */
static pid_t
read_group(int proc_fd, const char *pid)
{
	char path[40], text[512];
	int parent, group;

	snprintf(path, sizeof path, "%.20s/stat", pid);
	_cleanup_close_ int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	const char *behind = strrchr(text, ')');
	char state;
	if (!behind || sscanf(behind + 1, " %c %d %d", &state, &parent, &group) != 3)
		return -1;
	return group;
}

/* Bytes that are the process's own and that it may share, from /proc/PID/statm. */
static void
read_memory(int proc_fd, const char *pid, int64_t *ret_own, int64_t *ret_shared)
{
	char path[40], text[200];
	long size, resident, shared;

	*ret_own = *ret_shared = 0;
	snprintf(path, sizeof path, "%.20s/statm", pid);
	_cleanup_close_ int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%ld %ld %ld", &size, &resident, &shared) != 3)
		return;
	int64_t page = sysconf(_SC_PAGESIZE);
	*ret_own = (resident - shared) * page;
	*ret_shared = shared * page;
}

struct group_usage
group_usage(pid_t group)
{
	struct group_usage usage = { 0 };
	int64_t shared_max = 0;
	DIR *dir = group > 0 ? opendir("/proc") : NULL;

	if (!dir)
		return usage;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		int64_t own, shared;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			read_group(dirfd(dir), entry->d_name) != group)
			continue;
		read_memory(dirfd(dir), entry->d_name, &own, &shared);
		usage.n_processes++;
		usage.memory_bytes += own;
		shared_max = shared > shared_max ? shared : shared_max;
	}
	(void)closedir(dir);
	usage.memory_bytes += shared_max;
	return usage;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own group is the "0::" line of /proc/self/cgroup below the mount point of type cgroup2.
 */
#include "worker/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

enum { TEXT_BYTES_MAX = 1 << 20 };

#define RUNNER_PROCESSES_MAX "4096"

/* Mount point of the v2 tree; owned, NULL: there is none. */
static char *
mount_point(void)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES_MAX);

	if (file_read("/proc/self/mounts", TEXT_BYTES_MAX, &text, NULL) < 0)
		return NULL;
	struct str rest = buf_str(&text);
	while (rest.p && rest.n > 0) {
		struct str line = str_split_first(&rest, '\n');

		(void)str_split_first(&line, ' ');
		struct str dir = str_split_first(&line, ' ');
		struct str type = str_split_first(&line, ' ');
		if (str_eqz(type, "cgroup2"))
			return xstrndup(dir.p, dir.n);
	}
	return NULL;
}

/* Path of our group below the mount point; owned, NULL: unknown. */
static char *
own_path(void)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES_MAX);

	if (file_read("/proc/self/cgroup", TEXT_BYTES_MAX, &text, NULL) < 0)
		return NULL;
	struct str rest = buf_str(&text);
	while (rest.p && rest.n > 0) {
		struct str line = str_split_first(&rest, '\n');

		if (str_starts(line, STR("0::/")))
			return xstrndup(line.p + 3, line.n - 3);
	}
	return NULL;
}

/* Folder of our own group; owned, NULL: none. */
static char *
own_dir(void)
{
	_cleanup_free_ char *mount = mount_point();
	_cleanup_free_ char *path = own_path();

	if (!mount || !path || strstr(path, "/.."))
		return NULL;
	return xasprintf("%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
}

static bool
has_kill(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/cgroup.kill", dir);

	return access(path, W_OK) == 0;
}

static void
write_word(const char *dir, const char *name, const char *word)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* The controller may not have been handed to us: does without. */
	if (fd >= 0 && write(fd, word, strlen(word)) < 0)
		return;
}

int
cgroup_make(const char *base, const char *name, char **ret)
{
	_cleanup_free_ char *dir = base ? xasprintf("%s/%s", base, name) : NULL;

	if (!dir || (mkdir(dir, 0755) < 0 && errno != EEXIST))
		return CGROUP_NONE;
	if (!has_kill(dir)) { /* before Linux 5.14 */
		(void)rmdir(dir);
		return CGROUP_NONE;
	}
	/* More processes than any browser needs are a fork bomb. */
	write_word(dir, "pids.max", RUNNER_PROCESSES_MAX);
	*ret = TAKE(dir);
	return 0;
}

int
cgroup_make_base(const char *name, char **ret)
{
	_cleanup_free_ char *own = own_dir();

	if (cgroup_make(own, name, ret) == CGROUP_NONE)
		return CGROUP_NONE;
	write_word(*ret, "pids.max", "max");
	write_word(*ret, "cgroup.subtree_control", "+pids");
	return 0;
}

void
cgroup_kill(const char *dir)
{
	if (dir)
		write_word(dir, "cgroup.kill", "1");
}

void
cgroup_remove(const char *dir)
{
	DIR *list = dir ? opendir(dir) : NULL;
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		_cleanup_free_ char *below = xasprintf("%s/%s", dir, entry->d_name);
		cgroup_remove(below);
	}
	if (list)
		closedir(list);
	if (dir)
		(void)rmdir(dir);
}

void
cgroup_clean_stale(const char *name)
{
	_cleanup_free_ char *own = own_dir();
	_cleanup_free_ char *dir = own ? xasprintf("%s/%s", own, name) : NULL;

	if (!dir || access(dir, F_OK) < 0)
		return;
	cgroup_kill(dir);
	cgroup_remove(dir);
}

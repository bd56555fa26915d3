/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_remove(): what a hostile test leaves behind must go too. Only descriptors and single
 * names are used, so nothing outside the tree can be reached by swapping a folder for a link;
 * depth costs no stack: folders below DIR_DEPTH_MAX are first moved up to the top of the tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/rand.h"

enum {
	ROUNDS_MAX = 20000, /* how often folders are read again because they were not empty */
};

/* One removal. */
struct removal {
	int top_fd; /* topmost folder of the tree; -1 before it is open */
	unsigned rounds_left;
	unsigned failures;
	struct err first; /* first thing that went wrong */
};

static void
note_failure(struct removal *removal, const char *name, int sys)
{
	if (removal->failures++ == 0)
		err_sys(&removal->first, err_code_of_errno(sys), sys, "remove %s", name);
}

/* Gives us the rights to read and change a folder that may have none. */
static int
open_up(int dirfd, const char *name)
{
	char path[64];
	_cleanup_close_ int fd =
		openat(dirfd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	/* An O_PATH descriptor has no fchmod(); its place in /proc follows no foreign link. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, S_IRWXU);
}

static int
open_folder(int dirfd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dirfd, name, flags);

	if (fd < 0 && errno == EACCES && open_up(dirfd, name) == 0)
		fd = openat(dirfd, name, flags);
	if (fd < 0)
		return -1;
	struct stat st;
	if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
		(void)fchmod(fd, S_IRWXU); /* if it matters, removing will say so */
	return fd;
}

static void remove_name(struct removal *removal, int dirfd, const char *name, unsigned depth);

/* Moves a folder that is too deep to the top, where a later round finds it. */
static void
move_up(struct removal *removal, int dirfd, const char *name)
{
	uint64_t unique;
	char flat[32];

	rand_bytes(&unique, sizeof(unique));
	snprintf(flat, sizeof(flat), ".deep-%016" PRIx64, unique);
	/* Moving a folder writes its "..", so it must be writable itself. */
	if (renameat(dirfd, name, removal->top_fd, flat) == 0)
		return;
	if (errno == EACCES && open_up(dirfd, name) == 0 &&
		renameat(dirfd, name, removal->top_fd, flat) == 0)
		return;
	if (errno != ENOENT)
		note_failure(removal, name, errno);
}

/* Removes every entry that one pass over the folder shows; takes the descriptor. */
static void
remove_entries(struct removal *removal, int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		note_failure(removal, ".", errno);
		(void)close(fd);
		return;
	}
	if (depth == 0)
		removal->top_fd = fd;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			remove_name(removal, fd, name, depth + 1);
	}
	(void)closedir(dir);
}

/* Empties and removes a folder; again while somebody, or moving up, adds to it. */
static void
remove_folder(struct removal *removal, int dirfd, const char *name, unsigned depth)
{
	unsigned failures = removal->failures;

	while (removal->failures == failures) {
		int fd = open_folder(dirfd, name);
		if (fd < 0) {
			if (errno != ENOENT)
				note_failure(removal, name, errno);
			return;
		}
		remove_entries(removal, fd, depth);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return;
		bool again = errno == ENOTEMPTY || errno == EEXIST;
		if (!again || removal->rounds_left == 0)
			note_failure(removal, name, errno);
		else
			removal->rounds_left--;
	}
}

static void
remove_name(struct removal *removal, int dirfd, const char *name, unsigned depth)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return;
	if (errno != EISDIR) {
		note_failure(removal, name, errno);
		return;
	}
	/* An empty folder needs no descriptor. */
	if (depth > 0 && unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return;
	if (depth > DIR_DEPTH_MAX)
		move_up(removal, dirfd, name);
	else
		remove_folder(removal, dirfd, name, depth);
}

int
tree_remove(int dirfd, const char *name, struct err *err)
{
	struct removal removal = { .top_fd = -1, .rounds_left = ROUNDS_MAX };

	remove_name(&removal, dirfd, name, 0);
	if (removal.failures == 0)
		return 0;
	if (err)
		*err = removal.first;
	return -1;
}

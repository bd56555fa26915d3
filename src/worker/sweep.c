/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over /proc gives number, parent, state and start time of every process; the
 * descendants of a root are then found by closure over the parents.
 */
#include "worker/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

enum {
	PROCESSES_MAX = 1 << 20,
	ENVIRON_BYTES_MAX =
		2 << 20, /* of one process; the marker is set first, so near the front */
	STOP_ROUNDS_MAX = 50,
};

struct process {
	pid_t pid, parent;
	char state;
	unsigned long long start; /* clock ticks since boot */
	bool chosen;
};

struct processes {
	struct process *item;
	size_t n, cap;
};

/* Reads a small file below /proc. Returns the number of bytes, or -1. */
static ssize_t
read_proc(const char *path, char *to, size_t max)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -1;
	while (len + 1 < max) {
		ssize_t n = read(fd, to + len, max - 1 - len);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	to[len] = '\0';
	return (ssize_t)len;
}

static bool
read_process(pid_t pid, struct process *ret)
{
	char path[64], text[1024];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_proc(path, text, sizeof text) < 0)
		return false;
	const char *rest = strrchr(text, ')'); /* the name may hold anything, even ')' */
	int parent;
	if (!rest ||
		sscanf(rest + 1,
			" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			"%*d %*d %llu",
			&ret->state, &parent, &ret->start) != 3)
		return false;
	ret->pid = pid;
	ret->parent = parent;
	ret->chosen = false;
	return true;
}

static int
list_processes(struct processes *all)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		int64_t pid;
		struct process process;

		if (parse_i64(str_of(entry->d_name), 1, INT32_MAX, &pid, NULL) < 0 ||
			!read_process((pid_t)pid, &process) || all->n >= PROCESSES_MAX)
			continue;
		if (all->n == all->cap) {
			all->cap = all->cap ? 2 * all->cap : 256;
			all->item = xreallocarray(all->item, all->cap, sizeof *all->item);
		}
		all->item[all->n++] = process;
	}
	closedir(dir);
	return 0;
}

static struct process *
find(const struct processes *all, pid_t pid)
{
	/* Nearly always in order of number, so try a binary search and fall back to looking. */
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (all->item[mid].pid == pid)
			return &all->item[mid];
		if (all->item[mid].pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].pid == pid)
			return &all->item[i];
	return NULL;
}

/* Chooses every process with root among its ancestors. */
static void
choose_descendants(struct processes *all, pid_t root)
{
	bool grew = true;

	while (grew) {
		grew = false;
		for (size_t i = 0; i < all->n; i++) {
			struct process *one = &all->item[i];
			if (one->chosen || one->pid == root)
				continue;
			const struct process *parent =
				one->parent == root ? NULL : find(all, one->parent);
			if (one->parent != root && (!parent || !parent->chosen))
				continue;
			one->chosen = true;
			grew = true;
		}
	}
}

/* The signal reaches the process that was listed or nobody. */
static void
signal_process(const struct process *process, int sig)
{
	struct process now;
	_cleanup_close_ int fd = pidfd_open(process->pid, 0);

	if (fd < 0 || !read_process(process->pid, &now) || now.start != process->start)
		return;
	(void)pidfd_send_signal(fd, sig, NULL, 0);
}

static bool
is_dead(const struct process *process)
{
	return process->state == 'Z' || process->state == 'X';
}

/* Signals what is chosen. Returns how many counted. */
static int
signal_chosen(const struct processes *all, pid_t spare, int sig)
{
	int n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct process *one = &all->item[i];

		if (!one->chosen || one->pid == spare || is_dead(one))
			continue;
		if (sig == SIGSTOP && one->state == 'T')
			continue;
		n++;
		signal_process(one, sig);
	}
	return n;
}

int
sweep_descendants(pid_t root, pid_t spare, int sig)
{
	struct processes all = { 0 };
	int n = -1;

	if (list_processes(&all) == 0) {
		choose_descendants(&all, root);
		n = signal_chosen(&all, spare, sig);
	}
	free(all.item);
	return n;
}

int
sweep_kill_descendants(pid_t root, pid_t spare)
{
	for (int round = 0; round < STOP_ROUNDS_MAX; round++)
		if (sweep_descendants(root, spare, SIGSTOP) <= 0)
			break;
	return sweep_descendants(root, spare, SIGKILL);
}

static bool
has_marker(pid_t pid, struct str marker)
{
	char path[64];
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(ENVIRON_BYTES_MAX);

	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && buf_reserve(&text, 65536) == 0) {
		ssize_t n = read(fd, text.data + text.len, 65536);
		if (n <= 0)
			break;
		text.len += (size_t)n;
	}
	struct str rest = buf_str(&text);
	while (rest.p && rest.n > 0)
		if (str_eq(str_split_first(&rest, '\0'), marker))
			return true;
	return false;
}

int
sweep_marked(const char *marker, int sig)
{
	struct processes all = { 0 };
	int n = -1;

	if (list_processes(&all) == 0) {
		for (size_t i = 0; i < all.n; i++)
			all.item[i].chosen = all.item[i].pid != getpid() &&
				!is_dead(&all.item[i]) &&
				has_marker(all.item[i].pid, str_of(marker));
		n = signal_chosen(&all, 0, sig);
	}
	free(all.item);
	return n;
}

/* Adds the numbers in the text of a `children` file. */
static int
add_children(struct str text, pid_t *ret, int n, int max)
{
	while (text.p && text.n > 0) {
		struct str word = str_split_first(&text, ' ');
		int64_t pid;

		if (parse_i64(word, 1, INT32_MAX, &pid, NULL) < 0)
			continue;
		if (n < max)
			ret[n] = (pid_t)pid;
		n++;
	}
	return n;
}

int
sweep_children(pid_t pid, pid_t *ret, int max)
{
	char path[96];
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -1;
	struct dirent *entry;
	while (n >= 0 && (entry = readdir(dir))) {
		char text[65536];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid,
			entry->d_name);
		ssize_t len = read_proc(path, text, sizeof text);
		if (len < 0 && access(path, F_OK) == 0)
			continue; /* that thread has just ended */
		n = len < 0 ? -1 : add_children(str_from(text, (size_t)len), ret, n, max);
	}
	closedir(dir);
	return n;
}

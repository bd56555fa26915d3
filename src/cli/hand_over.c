/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"

#define VARIABLE "PROCTOR_HAND_OVER"

enum {
	LISTEN_FDS_FIRST = 3, /* systemd's, always */
	ARGUMENTS_BYTES_MAX = MIB(1),
};

/* --- Signals --- */

static sigset_t
restart_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR2);
	return set;
}

void
hand_over_unblock(void)
{
	sigset_t set = restart_signals();

	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* --- Reading --- */

/* A number of the list; the rest moves on. */
static int
next_number(struct str *rest, int64_t max, int *ret, struct err *err)
{
	int64_t n;

	if (parse_i64(str_split_first(rest, ':'), 0, max, &n, err) < 0)
		return -1;
	*ret = (int)n;
	return 0;
}

static int
check_fd(int fd, struct err *err)
{
	if (fd > 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_sys(err, ERR_INVALID, errno, "descriptor %d", fd);
	return 0;
}

/* "PID:LISTEN:VIEW:WORKER:PIDFD:STDIN:ID" */
static int
read_variable(struct hand_over *ret, const char *text, struct err *err)
{
	struct str rest = str_of(text);
	struct local_worker_child *worker = &ret->worker;
	int pid;

	if (next_number(&rest, INT32_MAX, &pid, err) < 0)
		return -1;
	if (pid != getpid())
		return 0; /* somebody else's, inherited */
	if (next_number(&rest, INT32_MAX, &ret->listen_fd, err) < 0 ||
		next_number(&rest, INT32_MAX, &ret->view_fd, err) < 0 ||
		next_number(&rest, INT32_MAX, &worker->pid, err) < 0 ||
		next_number(&rest, INT32_MAX, &worker->pidfd, err) < 0 ||
		next_number(&rest, INT32_MAX, &worker->stdin_fd, err) < 0)
		return -1;
	ret->has_worker = worker->pid > 0;
	if (ret->has_worker && uuid_parse(rest, &worker->id.u) < 0)
		return err_set(err, ERR_INVALID, "no worker's id");
	if (check_fd(ret->listen_fd, err) < 0 || check_fd(ret->view_fd, err) < 0)
		return -1;
	if (ret->has_worker &&
		(check_fd(worker->pidfd, err) < 0 || check_fd(worker->stdin_fd, err) < 0))
		return -1;
	return 0;
}

/* Sockets of systemd: the first is the API's, the second, if any, that of reports. */
static int
read_systemd(struct hand_over *ret, struct err *err)
{
	const char *pid_text = getenv("LISTEN_PID"), *n_text = getenv("LISTEN_FDS");
	int64_t pid, n;

	if (!pid_text || !n_text)
		return 0;
	if (parse_i64(str_of(pid_text), 1, INT32_MAX, &pid, err) < 0 ||
		parse_i64(str_of(n_text), 0, INT32_MAX, &n, err) < 0)
		return err_wrap(err, "LISTEN_PID, LISTEN_FDS");
	if (pid != getpid() || n == 0)
		return 0;
	ret->listen_fd = LISTEN_FDS_FIRST;
	ret->view_fd = n > 1 ? LISTEN_FDS_FIRST + 1 : 0;
	return 0;
}

static int
read_arguments(struct hand_over *ret, struct arena *arena, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(ARGUMENTS_BYTES_MAX);
	char path[PATH_BYTES_MAX];
	size_t n = 0, at = 0;
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

	if (len < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "/proc/self/exe");
	path[len] = '\0';
	ret->program = arena_strdup(arena, path);
	if (file_read("/proc/self/cmdline", ARGUMENTS_BYTES_MAX, &text, err) < 0)
		return -1;
	char *copy = arena_strndup(arena, text.data, text.len);

	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == '\0';
	if (!copy)
		return err_set(err, ERR_LIMIT, "the arguments are too long");
	memcpy(copy, text.data, text.len);
	ret->argv = arena_xalloc(arena, (n + 1) * sizeof *ret->argv);
	for (size_t i = 0; i < n; i++) {
		ret->argv[i] = copy + at;
		at += strlen(copy + at) + 1;
	}
	ret->argv[n] = NULL;
	return 0;
}

int
hand_over_read(struct hand_over *ret, struct arena *arena, struct err *err)
{
	const char *text = getenv(VARIABLE);
	int r = 0;

	*ret = (struct hand_over) { 0 };
	if (read_arguments(ret, arena, err) < 0)
		return -1;
	r = text ? read_variable(ret, text, err) : read_systemd(ret, err);
	(void)unsetenv(VARIABLE);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return r < 0 ? err_wrap(err, VARIABLE) : 0;
}

/* --- Leaving --- */

int
hand_over_check(const struct hand_over *self, struct err *err)
{
	struct stat st;

	if (stat(self->program, &st) < 0 || access(self->program, X_OK) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno,
			"no restart: the program %s cannot be run", self->program);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(
			err, ERR_UNAVAILABLE, "no restart: %s is no program", self->program);
	return 0;
}

static void
keep_open(int fd)
{
	if (fd > 0)
		(void)fcntl(fd, F_SETFD, 0);
}

void
hand_over_exec(const struct hand_over *self, const struct hand_over *next, struct err *err)
{
	const struct local_worker_child *worker = &next->worker;
	char id[UUID_TEXT_LEN + 1];
	sigset_t set = restart_signals();

	uuid_format(&worker->id.u, id);
	_cleanup_free_ char *text = next->has_worker
		? xasprintf("%d:%d:%d:%d:%d:%d:%s", (int)getpid(), next->listen_fd,
			  next->view_fd, worker->pid, worker->pidfd, worker->stdin_fd, id)
		: xasprintf("%d:%d:%d:0:0:0:", (int)getpid(), next->listen_fd, next->view_fd);

	keep_open(next->listen_fd);
	keep_open(next->view_fd);
	if (next->has_worker) {
		keep_open(worker->pidfd);
		keep_open(worker->stdin_fd);
	}
	/* Blocked ones stay so and pending, instead of ending a program that has no handler
	 * yet. */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	if (setenv(VARIABLE, text, 1) == 0)
		(void)execv(self->program, self->argv);
	(void)err_sys(err, ERR_UNAVAILABLE, errno, "run %s", self->program);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-threaded on poll(2): the worker's socket and a signalfd for ended children. Nothing
 * here depends on the runner's good will.
 */
#include "worker/shepherd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "worker/cgroup.h"
#include "worker/sweep.h"

enum {
	AGAIN_MS_MIN = 2,   /* between two rounds of killing */
	AGAIN_MS_MAX = 100, /* the same, when it drags on: something hangs in the kernel */
};

struct shepherd {
	const char *dir, *cgroup; /* cgroup NULL: none */
	pid_t runner;             /* 0: has ended */
	int signal_fd;
	bool worker_gone;
	bool kills;   /* everything must go */
	bool cleans;  /* everything but the runner must go */
	int again_ms; /* pause before the next round */
};

/* --- Speaking --- */

static void
say(const struct shepherd *shepherd, const struct shepherd_note *note)
{
	if (shepherd->worker_gone)
		return;
	/* A full or broken socket: the worker sees our end of file in any case. */
	if (send(SHEPHERD_FD_CONTROL, note, sizeof *note, MSG_NOSIGNAL) < 0)
		return;
}

/* --- Children --- */

static int64_t
ms_of(struct timeval time)
{
	return time.tv_sec * INT64_C(1000) + time.tv_usec / 1000;
}

/* Processor time of everything that has ended and been waited for, by us or below us. */
static int64_t
ended_cpu_ms(int64_t *ret_peak_kib)
{
	struct rusage usage = { 0 };

	(void)getrusage(RUSAGE_CHILDREN, &usage); /* cannot fail with this argument */
	*ret_peak_kib = usage.ru_maxrss;
	return ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
}

/* The same of a process that lives, and of those that it waited for. 0: it cannot be read. */
static int64_t
live_cpu_ms(pid_t pid)
{
	static const int first = 14, last = 17; /* utime, stime, cutime, cstime: see proc(5) */
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	char path[40];
	int64_t ticks = 0, hertz = sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (hertz <= 0 || file_read(path, KIB(4), &text, NULL) < 0)
		return 0;
	/* The name in brackets may hold anything: the fields begin behind the last one. */
	const char *end = memrchr(text.data, ')', text.len);
	struct str rest = { 0 };

	if (end && end + 2 < text.data + text.len)
		rest = str_from(end + 2, (size_t)(text.data + text.len - (end + 2)));

	for (int field = 3; rest.p && field <= last; field++) {
		struct str word = str_split_first(&rest, ' ');
		int64_t value;

		if (field >= first && parse_i64(word, 0, INT64_MAX / 8, &value, NULL) == 0)
			ticks += value;
	}
	return ticks * 1000 / hertz;
}

/* Takes the status of every ended child. False when there is no child left at all. */
static bool
reap(struct shepherd *shepherd)
{
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0)
			return errno != ECHILD;
		if (info.si_pid == 0)
			return true;
		if (info.si_pid != shepherd->runner)
			continue;
		shepherd->runner = 0;
		shepherd->kills = true; /* what it left behind */
		const struct shepherd_note note = {
			.word = SHEPHERD_EXITED, .code = info.si_code, .status = info.si_status
		};
		say(shepherd, &note);
	}
}

/* One round of killing everything. */
static void
kill_round(struct shepherd *shepherd)
{
	cgroup_kill(shepherd->cgroup);
	(void)sweep_kill_descendants(getpid(), 0);
}

/* One round of killing all but the runner. Ends `cleans` when nothing is left. */
static void
clean_round(struct shepherd *shepherd)
{
	struct shepherd_note note = { .word = SHEPHERD_CLEANED };

	if (shepherd->runner == 0)
		return;
	/* Orphans become our children: the usual end is one child, the runner, without any. */
	pid_t child;
	bool is_alone = sweep_children(getpid(), &child, 1) == 1 &&
		sweep_children(shepherd->runner, &child, 1) == 0;
	if (!is_alone && sweep_kill_descendants(getpid(), shepherd->runner) != 0)
		return;
	shepherd->cleans = false;
	(void)reap(shepherd); /* what was just ended counts */
	note.cpu_ms = ended_cpu_ms(&note.peak_kib) + live_cpu_ms(shepherd->runner);
	say(shepherd, &note);
}

/* --- Orders --- */

static void
take_order(struct shepherd *shepherd)
{
	char order;
	ssize_t n = recv(SHEPHERD_FD_CONTROL, &order, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		shepherd->worker_gone = true;
		shepherd->kills = true;
		return;
	}
	switch ((enum shepherd_order)order) {
	case SHEPHERD_TERM:
		(void)sweep_descendants(getpid(), 0, SIGTERM);
		break;
	case SHEPHERD_KILL:
		shepherd->kills = true;
		break;
	case SHEPHERD_CLEAN:
		shepherd->cleans = true;
		break;
	}
	shepherd->again_ms = AGAIN_MS_MIN;
}

static void
wait_for_news(struct shepherd *shepherd)
{
	struct pollfd fds[] = {
		{ .fd = shepherd->worker_gone ? -1 : SHEPHERD_FD_CONTROL, .events = POLLIN },
		{ .fd = shepherd->signal_fd, .events = POLLIN },
	};
	bool busy = shepherd->kills || shepherd->cleans;

	if (poll(fds, 2, busy ? shepherd->again_ms : -1) == 0 &&
		shepherd->again_ms < AGAIN_MS_MAX)
		shepherd->again_ms *= 2;
	if (fds[1].revents) {
		struct signalfd_siginfo info;
		/* Only a wake-up: several ends may share one signal. */
		if (read(shepherd->signal_fd, &info, sizeof info) < 0)
			return;
	}
	if (fds[0].revents)
		take_order(shepherd);
}

/* Follows the runner until nothing of it is left. */
static void
guard(struct shepherd *shepherd)
{
	while (reap(shepherd)) {
		if (shepherd->kills)
			kill_round(shepherd);
		else if (shepherd->cleans)
			clean_round(shepherd);
		wait_for_news(shepherd);
	}
}

/* --- Life --- */

static int
start_runner(struct shepherd *shepherd, const char *cwd, char **argv, struct err *err)
{
	static const struct spawn_fd map[] = {
		{ SHEPHERD_FD_REQUESTS, 3 },
		{ SHEPHERD_FD_REPLIES, 4 },
	};
	struct spawn_spec spec = {
		.argv = (const char *const *)argv,
		.cwd = cwd,
		.fd_in = -1,
		.fd_out = STDOUT_FILENO,
		.fd_err = STDERR_FILENO,
		.map = map,
		.n_map = 2,
		.cgroup_dir = shepherd->cgroup,
		.new_session = true,
		.death_signal = true,
	};
	struct spawn_child child;

	int r = spawn_start(&child, &spec, err);
	if (r < 0 && shepherd->cgroup) {
		/* The group may be there and still not take processes. */
		spec.cgroup_dir = NULL;
		r = spawn_start(&child, &spec, err);
	}
	if (r < 0)
		return -1;
	shepherd->runner = child.pid;
	close(child.pidfd);
	return 0;
}

static int
set_up(struct shepherd *shepherd)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
	sigset_t child;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	(void)prctl(PR_SET_NAME, "proctor-shepherd");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -1;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	shepherd->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	for (int fd = SHEPHERD_FD_CONTROL; fd <= SHEPHERD_FD_REPLIES; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -1;
	return shepherd->signal_fd < 0 ? -1 : 0;
}

int
shepherd_main(int argc, char **argv)
{
	struct shepherd shepherd = { .again_ms = AGAIN_MS_MIN };
	struct shepherd_note note = { 0 };
	struct err err;

	if (argc < 5 || fcntl(SHEPHERD_FD_CONTROL, F_GETFD) < 0) {
		fprintf(stderr, "%s: only a worker starts this\n", argc > 0 ? argv[0] : "?");
		return 2;
	}
	shepherd.dir = argv[1];
	shepherd.cgroup = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
	if (set_up(&shepherd) < 0)
		return 1;
	if (start_runner(&shepherd, argv[3], argv + 4, &err) < 0) {
		note.word = SHEPHERD_FAILED;
		memcpy(note.text, err.text, sizeof note.text);
		say(&shepherd, &note);
	} else {
		note.word = SHEPHERD_STARTED;
		note.pid = shepherd.runner;
		say(&shepherd, &note);
	}
	/* Only the runner may hold these now: their ends of file mean its end. */
	close(SHEPHERD_FD_REQUESTS);
	close(SHEPHERD_FD_REPLIES);

	guard(&shepherd);
	cgroup_remove(shepherd.cgroup);
	if (shepherd.worker_gone)
		(void)tree_remove(AT_FDCWD, shepherd.dir, NULL);
	note = (struct shepherd_note) { .word = SHEPHERD_EMPTY };
	note.cpu_ms = ended_cpu_ms(&note.peak_kib);
	say(&shepherd, &note);
	return 0;
}

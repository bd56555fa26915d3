/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that may allocate, look up or fail with a long story is done before fork(); the
 * child then walks through a prepared plan with system calls only and reports the step that
 * failed through a pipe that exec closes.
 */
#include "base/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	SPAWN_FDS_ALL = 3 + SPAWN_FDS_MAX,
	FD_SWEEP_MAX =
		65536, /* where close_range() is refused: descriptors looked at one by one */
};

/* What the child was doing when it failed. */
enum step {
	STEP_GROUP,
	STEP_DEATH_SIGNAL,
	STEP_CGROUP,
	STEP_CWD,
	STEP_FDS,
	STEP_RLIMIT,
	STEP_EXEC,
};

struct failure {
	enum step step;
	int sys;
};

/* Everything the child needs, made before fork(). */
struct plan {
	const struct spawn_spec *spec;
	char *path;       /* of the program; owned */
	char *const *env; /* borrowed */
	int null_fd;      /* /dev/null, or -1 when nobody needs it; owned */
	int cgroup_fd;    /* cgroup.procs, or -1; owned */
	int report_fd;    /* the pipe's writing end; owned */
	pid_t parent_pid;
	sigset_t old_mask;                 /* of the starting thread */
	struct spawn_fd fd[SPAWN_FDS_ALL]; /* by target, ascending: 0, 1, 2, … */
	size_t n_fd;
};

static void
plan_deinit(struct plan *plan)
{
	free(plan->path);
	cleanup_close(&plan->null_fd);
	cleanup_close(&plan->cgroup_fd);
	cleanup_close(&plan->report_fd);
}

/* --- The child, from here on only async-signal-safe calls --- */

static _Noreturn void
child_fail(int report_fd, enum step step)
{
	struct failure failure = { .step = step, .sys = errno };

	ssize_t n = write(report_fd, &failure, sizeof(failure));
	(void)n; /* nobody else to tell */
	_exit(127);
}

static void
child_reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	/* The two that the C library keeps for itself answer EINVAL. */
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &action, NULL);
}

/*
 * Lifts every source over every target, so that no dup2() overwrites one that is still needed.
 */
static int
child_lift_fds(struct plan *plan)
{
	int base = plan->fd[plan->n_fd - 1].to + 1;

	plan->report_fd = fcntl(plan->report_fd, F_DUPFD_CLOEXEC, base);
	if (plan->report_fd < 0)
		return -1;
	for (size_t i = 0; i < plan->n_fd; i++) {
		plan->fd[i].from = fcntl(plan->fd[i].from, F_DUPFD_CLOEXEC, base);
		if (plan->fd[i].from < 0)
			return -1;
	}
	return 0;
}

/* Marks first … last to be closed by exec. */
static void
child_mark_range(unsigned first, unsigned last)
{
	if (first > last || close_range(first, last, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	/*
	 * An old kernel or a sandbox: the hard way. Ours are O_CLOEXEC; this is for libraries'.
	 */
	if (last > FD_SWEEP_MAX)
		last = FD_SWEEP_MAX;
	for (unsigned fd = first; fd <= last; fd++)
		(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static int
child_place_fds(struct plan *plan)
{
	int report_fd = plan->report_fd;

	if (child_lift_fds(plan) < 0) {
		plan->report_fd = report_fd;
		return -1;
	}
	unsigned next = 0;
	for (size_t i = 0; i < plan->n_fd; i++) {
		if (dup2(plan->fd[i].from, plan->fd[i].to) < 0)
			return -1;
		unsigned to = (unsigned)plan->fd[i].to;
		if (to > 0)
			child_mark_range(next, to - 1);
		next = to + 1;
	}
	child_mark_range(next, ~0u);
	return 0;
}

static int
child_set_rlimits(const struct spawn_spec *spec)
{
	for (size_t i = 0; i < spec->n_rlimits; i++) {
		const struct spawn_rlimit *limit = &spec->rlimits[i];
		struct rlimit value = {
			.rlim_cur = limit->soft == UINT64_MAX ? RLIM_INFINITY : limit->soft,
			.rlim_max = limit->hard == UINT64_MAX ? RLIM_INFINITY : limit->hard,
		};
		if (setrlimit((__rlimit_resource_t)limit->resource, &value) < 0)
			return -1;
	}
	return 0;
}

static _Noreturn void
child_run(struct plan *plan)
{
	const struct spawn_spec *spec = plan->spec;

	child_reset_signals();
	if (spec->new_session ? setsid() < 0 : spec->new_group && setpgid(0, 0) < 0)
		child_fail(plan->report_fd, STEP_GROUP);
	if (spec->death_signal) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			child_fail(plan->report_fd, STEP_DEATH_SIGNAL);
		if (getppid() != plan->parent_pid)
			_exit(127); /* it died before the line above */
	}
	if (plan->cgroup_fd >= 0 && write(plan->cgroup_fd, "0\n", 2) != 2)
		child_fail(plan->report_fd, STEP_CGROUP);
	if (spec->cwd && chdir(spec->cwd) < 0)
		child_fail(plan->report_fd, STEP_CWD);
	if (child_place_fds(plan) < 0)
		child_fail(plan->report_fd, STEP_FDS);
	/* Late, because a limit on descriptors or files would hit our own steps. */
	if (child_set_rlimits(spec) < 0)
		child_fail(plan->report_fd, STEP_RLIMIT);

	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with these arguments */
	execve(plan->path, (char *const *)spec->argv, plan->env);
	child_fail(plan->report_fd, STEP_EXEC);
}

/* --- The parent --- */

static const char *
find_path(char *const *env)
{
	for (; *env; env++) {
		if (strncmp(*env, "PATH=", 5) == 0)
			return *env + 5;
	}
	return "/usr/local/bin:/usr/bin:/bin";
}

/* The program's path, looked up as a shell does; NULL when there is none. */
static char *
find_program(const char *name, char *const *env)
{
	if (strchr(name, '/'))
		return xstrdup(name);

	struct str rest = str_of(find_path(env));
	while (rest.p) {
		struct str dir = str_split_first(&rest, ':');
		char *path = dir.n > 0 ? xasprintf(STR_FMT "/%s", STR_ARG(dir), name)
				       : xasprintf("./%s", name);
		struct stat st;
		if (access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode))
			return path;
		free(path);
	}
	return NULL;
}

/* Puts a descriptor into the plan, which stays sorted by target. -1: the target is taken. */
static int
plan_add_fd(struct plan *plan, int from, int to)
{
	size_t at = plan->n_fd;

	for (; at > 0 && plan->fd[at - 1].to >= to; at--) {
		if (plan->fd[at - 1].to == to)
			return -1;
	}
	memmove(&plan->fd[at + 1], &plan->fd[at], (plan->n_fd - at) * sizeof(plan->fd[0]));
	plan->fd[at] = (struct spawn_fd) { .from = from, .to = to };
	plan->n_fd++;
	return 0;
}

static int
plan_fds(struct plan *plan, struct err *err)
{
	const struct spawn_spec *spec = plan->spec;
	const int standard[3] = { spec->fd_in, spec->fd_out, spec->fd_err };

	if (spec->n_map > SPAWN_FDS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d descriptors", SPAWN_FDS_MAX);
	if (spec->fd_in < 0 || spec->fd_out < 0 || spec->fd_err < 0) {
		plan->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (plan->null_fd < 0)
			return err_sys(err, ERR_UNAVAILABLE, errno, "/dev/null");
	}
	for (int to = 0; to < 3; to++) {
		int from = standard[to] >= 0 ? standard[to] : plan->null_fd;
		(void)plan_add_fd(plan, from, to); /* three different targets */
	}
	for (size_t i = 0; i < spec->n_map; i++) {
		if (spec->map[i].to < 3 ||
			plan_add_fd(plan, spec->map[i].from, spec->map[i].to) < 0)
			return err_set(
				err, ERR_INVALID, "descriptor %d is not free", spec->map[i].to);
	}
	return 0;
}

static int
plan_cgroup(struct plan *plan, struct err *err)
{
	if (!plan->spec->cgroup_dir)
		return 0;
	_cleanup_free_ char *path = xasprintf("%s/cgroup.procs", plan->spec->cgroup_dir);
	plan->cgroup_fd = open(path, O_WRONLY | O_CLOEXEC);
	if (plan->cgroup_fd < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	return 0;
}

static int
plan_make(struct plan *plan, const struct spawn_spec *spec, struct err *err)
{
	*plan = (struct plan) {
		.spec = spec,
		.env = spec->env ? (char *const *)spec->env : environ,
		.null_fd = -1,
		.cgroup_fd = -1,
		.report_fd = -1,
		.parent_pid = getpid(),
	};
	assert(spec->argv && spec->argv[0]);
	plan->path = find_program(spec->argv[0], plan->env);
	if (!plan->path)
		return err_set(
			err, ERR_NOT_FOUND, "%s: there is no such program", spec->argv[0]);
	if (plan_fds(plan, err) < 0)
		return -1;
	return plan_cgroup(plan, err);
}

/* Waits for exec or for the report of what failed: 0, or -1 with err. */
static int
read_report(int fd, const struct plan *plan, struct err *err)
{
	static const char *const steps[] = {
		[STEP_GROUP] = "new process group",
		[STEP_DEATH_SIGNAL] = "death signal",
		[STEP_CGROUP] = "cgroup",
		[STEP_CWD] = "working folder",
		[STEP_FDS] = "descriptors",
		[STEP_RLIMIT] = "resource limit",
		[STEP_EXEC] = "exec",
	};
	struct failure failure;
	ssize_t n;

	do
		n = read(fd, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(failure) || (unsigned)failure.step >= ARRAY_LEN(steps))
		return err_set(err, ERR_INTERNAL, "%s: no report of the child", plan->path);
	return err_sys(err, err_code_of_errno(failure.sys), failure.sys, "%s: %s", plan->path,
		steps[failure.step]);
}

/* fork() with all signals blocked, so that no handler of ours ever runs in the child. */
static pid_t
fork_child(struct plan *plan)
{
	sigset_t all;

	if (fault_hit(FAULT_FORK)) {
		errno = EAGAIN;
		return -1;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &plan->old_mask);
	pid_t pid = fork();
	if (pid == 0)
		child_run(plan);
	int saved_errno = errno;
	pthread_sigmask(SIG_SETMASK, &plan->old_mask, NULL);
	errno = saved_errno;
	return pid;
}

static void
reap_failed(pid_t pid)
{
	(void)kill(pid, SIGKILL); /* it may have gone already */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
spawn_start(struct spawn_child *ret, const struct spawn_spec *spec, struct err *err)
{
	_cleanup_(plan_deinit) struct plan plan;
	if (plan_make(&plan, spec, err) < 0)
		return -1;

	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	_cleanup_close_ int report_fd = ends[0];
	plan.report_fd = ends[1];

	pid_t pid = fork_child(&plan);
	if (pid < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "fork");
	cleanup_close(&plan.report_fd);
	plan.report_fd = -1;

	_cleanup_close_ int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		err_sys(err, ERR_UNAVAILABLE, errno, "pidfd");
		reap_failed(pid);
		return -1;
	}
	if (read_report(report_fd, &plan, err) < 0) {
		reap_failed(pid);
		return -1;
	}
	*ret = (struct spawn_child) { .pid = pid, .pidfd = TAKE_FD(pidfd) };
	return 0;
}

static int
signal_result(int rc, const char *what, struct err *err)
{
	if (rc == 0)
		return 0;
	if (errno == ESRCH)
		return SPAWN_GONE;
	return err_sys(err, err_code_of_errno(errno), errno, "%s", what);
}

int
spawn_signal(int pidfd, int sig, struct err *err)
{
	return signal_result(pidfd_send_signal(pidfd, sig, NULL, 0), "signal a process", err);
}

int
spawn_signal_group(pid_t pid, int sig, struct err *err)
{
	assert(pid > 1);
	return signal_result(kill(-pid, sig), "signal a process group", err);
}

int
spawn_reap(int pidfd, siginfo_t *ret, struct err *err)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
		return err_sys(err, ERR_INTERNAL, errno, "reap a process");
	if (info.si_pid == 0)
		return SPAWN_RUNNING;
	*ret = info;
	return 0;
}

int
spawn_wait(int pidfd, int timeout_ms, siginfo_t *ret, struct err *err)
{
	int64_t end_ms = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;

	for (;;) {
		struct pollfd pollfd = { .fd = pidfd, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1 : end_ms - clock_mono_ms();
		int n = poll(&pollfd, 1, timeout_ms >= 0 && left < 0 ? 0 : (int)left);
		if (n < 0 && errno != EINTR)
			return err_sys(err, ERR_INTERNAL, errno, "wait for a process");
		if (n > 0)
			return spawn_reap(pidfd, ret, err);
		if (n == 0)
			return SPAWN_RUNNING;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/str.h"
#include "unit.h"

enum {
	WAIT_MS = 20000,
};

static const char *const plain_env[] = { "PATH=/usr/bin:/bin", "WHO=child", NULL };

/* Runs a spec with its stdout captured; returns the exit status, or 1000 + the signal. */
static int
run_captured(struct spawn_spec *spec, struct buf *out)
{
	int ends[2];
	struct err err;
	struct spawn_child child = SPAWN_CHILD_INIT;
	siginfo_t info;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spec->fd_out = ends[1];
	if (spawn_start(&child, spec, &err) < 0)
		fail_msg("%s", err.text);
	close(ends[1]);
	char data[500];
	for (ssize_t n = read(ends[0], data, sizeof(data)); n > 0;
		n = read(ends[0], data, sizeof(data)))
		assert_int_equal(buf_add(out, data, (size_t)n), 0);
	close(ends[0]);
	assert_int_equal(spawn_wait(child.pidfd, WAIT_MS, &info, &err), 0);
	assert_int_equal(info.si_pid, child.pid);
	close(child.pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : 1000 + info.si_status;
}

static void
expect_output(struct spawn_spec spec, const char *script, const char *wanted)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(100000);
	const char *argv[] = { "sh", "-c", script, NULL };

	spec.argv = argv;
	spec.env = plain_env;
	spec.fd_in = spec.fd_err = -1;
	assert_int_equal(run_captured(&spec, &out), 0);
	assert_string_equal(buf_text(&out), wanted);
}

static void
runs_with_environment_and_folder(void **state)
{
	(void)state;
	expect_output((struct spawn_spec) { 0 }, "echo $WHO; cat", "child\n");
	expect_output((struct spawn_spec) { .cwd = "/usr" }, "pwd", "/usr\n");
}

static void
inherits_only_what_is_named(void **state)
{
	(void)state;
	/* An open descriptor without O_CLOEXEC, as a library might leave it. */
	int stray = fcntl(STDOUT_FILENO, F_DUPFD, 50);
	expect_output((struct spawn_spec) { 0 },
		"for f in /proc/self/fd/*; do n=${f##*/}; "
		"if test $n -ge 3 && test -e /proc/$$/fd/$n; then echo $n; fi; done",
		"");
	close(stray);
}

static void
maps_descriptors_in_any_order(void **state)
{
	(void)state;
	int one[2], two[2];
	assert_int_equal(pipe2(one, O_CLOEXEC), 0);
	assert_int_equal(pipe2(two, O_CLOEXEC), 0);
	assert_int_equal(write(one[1], "first\n", 6), 6);
	assert_int_equal(write(two[1], "second\n", 7), 7);
	/* The targets are the other's source number: a swap. */
	struct spawn_fd map[] = { { one[0], two[0] }, { two[0], one[0] } };
	char script[100];
	snprintf(
		script, sizeof(script), "read a <&%d; read b <&%d; echo $a $b", two[0], one[0]);
	expect_output((struct spawn_spec) { .map = map, .n_map = 2 }, script, "first second\n");
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
	struct spawn_fd null_at_9 = { STDIN_FILENO, 9 };
	expect_output((struct spawn_spec) { .map = &null_at_9, .n_map = 1 },
		"test -e /proc/$$/fd/9 && test ! -e /proc/$$/fd/8 && echo yes", "yes\n");
}

static void
resets_signals(void **state)
{
	(void)state;
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	/* Signals 32 and 33 are the C library's: whoever ran us through posix_spawn (make does)
	 * may have left them ignored, and sigaction refuses to touch them. */
	expect_output((struct spawn_spec) { 0 },
		"while read -r k v; do case $k in SigBlk:|SigIgn:) "
		"echo $((0x$v & ~0x180000000));; esac; done < /proc/self/status",
		"0\n0\n");
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
applies_limits(void **state)
{
	(void)state;
	struct spawn_rlimit limit = { .resource = RLIMIT_NOFILE, .soft = 20, .hard = 30 };
	expect_output((struct spawn_spec) { .rlimits = &limit, .n_rlimits = 1 },
		"ulimit -S -n; ulimit -H -n", "20\n30\n");
}

static void
reports_failures_and_leaves_nothing(void **state)
{
	(void)state;
	const char *const none[] = { "no-such-program-here", NULL };
	const char *const nowhere[] = { "/no/such/program", NULL };
	const char *const folder[] = { "/usr", NULL };
	const char *const yes[] = { "true", NULL };
	struct spawn_rlimit bad_limit = { .resource = 9999 };
	struct spawn_fd low = { 0, 2 };
	struct spawn_fd twice[] = { { 0, 5 }, { 1, 5 } };
	struct spawn_fd closed = { 999, 5 };
	/* Every number near ours is a target; the report of the failure must get through. */
	struct spawn_fd many[SPAWN_FDS_MAX];
	for (int i = 0; i < SPAWN_FDS_MAX; i++)
		many[i] = (struct spawn_fd) { STDIN_FILENO, 3 + i };
	const struct {
		struct spawn_spec spec;
		enum err_code code;
		const char *text;
	} cases[] = {
		{ { .argv = none }, ERR_NOT_FOUND, "no-such-program-here" },
		{ { .argv = nowhere }, ERR_NOT_FOUND, "exec" },
		{ { .argv = folder }, ERR_DENIED, "exec" },
		{ { .argv = nowhere, .map = many, .n_map = SPAWN_FDS_MAX }, ERR_NOT_FOUND,
			"exec" },
		{ { .argv = yes, .cwd = "/no/such" }, ERR_NOT_FOUND, "working folder" },
		{ { .argv = yes, .rlimits = &bad_limit, .n_rlimits = 1 }, ERR_INVALID,
			"limit" },
		{ { .argv = yes, .map = &low, .n_map = 1 }, ERR_INVALID, "descriptor 2" },
		{ { .argv = yes, .map = twice, .n_map = 2 }, ERR_INVALID, "descriptor 5" },
		{ { .argv = yes, .map = &closed, .n_map = 1 }, ERR_UNAVAILABLE, "descriptors" },
		{ { .argv = yes, .map = &low, .n_map = 1000 }, ERR_LIMIT, "more than" },
		{ { .argv = yes, .cgroup_dir = "/no/such" }, ERR_NOT_FOUND, "cgroup.procs" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spawn_child child = SPAWN_CHILD_INIT;
		struct err err = { 0 };
		assert_int_equal(spawn_start(&child, &cases[i].spec, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		if (!strstr(err.text, cases[i].text))
			fail_msg("%s", err.text);
		assert_int_equal(child.pid, -1);
	}
	fault_arm(FAULT_FORK, 1);
	struct spawn_child child;
	struct err err;
	assert_int_equal(spawn_start(&child, &(struct spawn_spec) { .argv = yes }, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	/* Not one child, running or dead, is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
signals_reach_the_whole_group(void **state)
{
	(void)state;
	int ends[2];
	struct err err;
	siginfo_t info;
	struct spawn_child child = SPAWN_CHILD_INIT;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	/* Both the shell and its child hold the pipe; it ends when both are gone. */
	const char *const argv[] = { "sh", "-c", "sleep 1000 & echo x; wait", NULL };
	struct spawn_spec spec = { .argv = argv,
		.fd_in = -1,
		.fd_out = ends[1],
		.fd_err = -1,
		.new_group = true,
		.death_signal = true };
	assert_int_equal(spawn_start(&child, &spec, &err), 0);
	close(ends[1]);
	char byte;
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(spawn_reap(child.pidfd, &info, &err), SPAWN_RUNNING);
	assert_int_equal(spawn_wait(child.pidfd, 0, &info, &err), SPAWN_RUNNING);
	assert_int_equal(spawn_signal_group(child.pid, SIGKILL, &err), 0);
	while (read(ends[0], &byte, 1) > 0)
		;
	close(ends[0]);
	assert_int_equal(spawn_wait(child.pidfd, WAIT_MS, &info, &err), 0);
	assert_int_equal(info.si_code, CLD_KILLED);
	assert_int_equal(info.si_status, SIGKILL);
	assert_int_equal(spawn_signal(child.pidfd, SIGTERM, &err), SPAWN_GONE);
	close(child.pidfd);
}

static void
new_session_and_single_signal(void **state)
{
	(void)state;
	struct err err;
	siginfo_t info;
	struct spawn_child child = SPAWN_CHILD_INIT;
	const char *const argv[] = { "sleep", "1000", NULL };
	struct spawn_spec spec = {
		.argv = argv, .fd_in = -1, .fd_out = -1, .fd_err = -1, .new_session = true
	};
	assert_int_equal(spawn_start(&child, &spec, &err), 0);
	assert_int_equal(getsid(child.pid), child.pid);
	assert_int_equal(spawn_signal(child.pidfd, SIGTERM, &err), 0);
	assert_int_equal(spawn_wait(child.pidfd, -1, &info, &err), 0);
	assert_int_equal(info.si_status, SIGTERM);
	close(child.pidfd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_with_environment_and_folder),
		cmocka_unit_test(inherits_only_what_is_named),
		cmocka_unit_test(maps_descriptors_in_any_order),
		cmocka_unit_test(resets_signals),
		cmocka_unit_test(applies_limits),
		cmocka_unit_test(reports_failures_and_leaves_nothing),
		cmocka_unit_test(signals_reach_the_whole_group),
		cmocka_unit_test(new_session_and_single_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

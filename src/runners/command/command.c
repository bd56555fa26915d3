/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of kind `command`: writes the test's files, starts the program (never through a
 * shell), follows it, and makes a verdict of its end and its report.
 *
 * Verdicts. Exit status 0 is passed, another one failed (`exit_status`); a program that cannot
 * be started is errored (`exec`), one that died of a signal too (`signal`): neither says
 * anything about the product. A report can make a good exit failed, never a bad exit passed.
 */
#include "runners/command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "runners/command/report.h"
#include "runners/kit/kit.h"

enum {
	TERM_WAIT_MS = 3000, /* from SIGTERM to SIGKILL after a cancel */
	PIPE_READ_BYTES = 65536,
	OUTPUT_BYTES_MAX = 16 * 1048576, /* standard output kept for TAP and JSON */
	REPORT_FILES_MAX = 1000,
};

/* One program under way. */
struct child {
	struct spawn_child process;
	int fd_out;     /* our end of its stdout; -1: it writes to the log itself */
	int fd_in;      /* our end of its stdin; -1: none or all written */
	size_t written; /* bytes of the test's stdin */
	struct buf out; /* standard output, the last OUTPUT_BYTES_MAX of it */
	siginfo_t status;
};

/* --- Files and folders --- */

static int
write_files(const char *base, json_t *files, struct err *err)
{
	const char *path;
	json_t *content;

	json_object_foreach(files, path, content)
	{
		_cleanup_free_ char *full = xasprintf("%s/%s", base, path);
		char *slash = strrchr(full, '/');

		*slash = '\0';
		if (mkdir_p(full, 0700, err) < 0)
			return -1;
		*slash = '/';
		/* A file that begins with "#!" is a program. */
		bool is_script = strncmp(json_string_value(content), "#!", 2) == 0;
		_cleanup_close_ int fd =
			open(full, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
				is_script ? 0700 : 0600);
		if (fd < 0)
			return err_sys(err, ERR_UNAVAILABLE, errno, "cannot write %s", path);
		if (fd_write_all(fd, json_string_value(content), json_string_length(content),
			    err) < 0)
			return -1;
	}
	return 0;
}

/* --- Starting --- */

static int
start(struct child *child, const struct command *command, const char *cwd, struct err *err)
{
	_cleanup_close_ int out_write = -1;
	_cleanup_close_ int in_read = -1;
	int pipe_out[2], pipe_in[2];

	if (command->parse == COMMAND_PARSE_TAP || command->parse == COMMAND_PARSE_JSON) {
		if (pipe2(pipe_out, O_CLOEXEC) < 0)
			return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
		child->fd_out = pipe_out[0];
		out_write = pipe_out[1];
		if (fd_set_nonblock(child->fd_out, err) < 0)
			return -1;
	}
	if (command->input) {
		if (pipe2(pipe_in, O_CLOEXEC) < 0)
			return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
		in_read = pipe_in[0];
		child->fd_in = pipe_in[1];
		if (fd_set_nonblock(child->fd_in, err) < 0)
			return -1;
	}
	const struct spawn_spec spec = {
		.argv = command->argv,
		.env = command->env,
		.cwd = cwd,
		.fd_in = in_read,
		.fd_out = out_write >= 0 ? out_write : STDOUT_FILENO,
		.fd_err = STDERR_FILENO,
		.new_group = true,
		.death_signal = true,
	};
	return spawn_start(&child->process, &spec, err);
}

/* --- Following --- */

/* Copies what the program wrote to the log and keeps it for the parser. False: end of file. */
static bool
take_output(struct child *child)
{
	char bytes[PIPE_READ_BYTES];
	ssize_t n = read(child->fd_out, bytes, sizeof bytes);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	(void)fd_write_all(STDOUT_FILENO, bytes, (size_t)n, NULL);
	if (child->out.len + (size_t)n > OUTPUT_BYTES_MAX)
		buf_consume(&child->out, child->out.len / 2); /* the verdict is at the end */
	(void)buf_add(&child->out, bytes, (size_t)n);
	return true;
}

static void
give_input(struct child *child, const struct command *command)
{
	ssize_t n = write(child->fd_in, command->input + child->written,
		command->input_len - child->written);

	if (n > 0)
		child->written += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
		child->written == command->input_len) {
		close(child->fd_in);
		child->fd_in = -1;
	}
}

static bool
has_ended(struct child *child)
{
	return spawn_reap(child->process.pidfd, &child->status, NULL) == 0;
}

/* Waits for the end. 0, or -1 when the run was cancelled first. */
static int
follow(struct kit *kit, struct child *child, const struct command *command)
{
	for (;;) {
		struct pollfd fds[3] = {
			{ .fd = child->process.pidfd, .events = POLLIN },
			{ .fd = child->fd_out, .events = POLLIN },
			{ .fd = child->fd_in, .events = POLLOUT },
		};

		if (kit_poll(kit, fds, ARRAY_LEN(fds), -1) < 0)
			return -1;
		if (fds[2].revents)
			give_input(child, command);
		if (fds[1].revents && !take_output(child)) {
			close(child->fd_out);
			child->fd_out = -1;
		}
		if (fds[0].revents && has_ended(child))
			return 0;
	}
}

/* What is in the pipe when the program has ended; others may still hold its other end. */
static void
drain(struct child *child)
{
	struct pollfd fd = { .fd = child->fd_out, .events = POLLIN };

	while (child->fd_out >= 0 && poll(&fd, 1, 0) > 0 && take_output(child))
		;
}

/* SIGTERM to the group, SIGKILL when that does not help. The shepherd takes what is left. */
static void
stop_child(struct child *child)
{
	struct pollfd fd = { .fd = child->process.pidfd, .events = POLLIN };

	(void)spawn_signal_group(child->process.pid, SIGTERM, NULL);
	int64_t end_ms = clock_mono_ms() + TERM_WAIT_MS;
	while (poll(&fd, 1, 20) <= 0 && clock_mono_ms() < end_ms)
		if (child->fd_out >= 0)
			(void)take_output(child);
	(void)spawn_signal_group(child->process.pid, SIGKILL, NULL);
	(void)spawn_wait(child->process.pidfd, -1, &child->status, NULL);
	drain(child);
}

/* --- Verdict --- */

static json_t *
exit_verdict(const siginfo_t *status)
{
	if (status->si_code != CLD_EXITED && status->si_status == SIGXFSZ)
		return kit_result(
			"errored", "limit_disk", "the program wrote a file larger than it may");
	if (status->si_code != CLD_EXITED)
		return kit_result("errored", "signal",
			"the program was ended by signal %d (%s)", status->si_status,
			strsignal(status->si_status));
	if (status->si_status != 0)
		return kit_result("failed", "exit_status", "the program ended with status %d",
			status->si_status);
	return kit_result("passed", NULL, NULL);
}

static void
send_cases(struct kit *kit, const struct report *report)
{
	size_t i;
	json_t *one;

	json_array_foreach(report->cases, i, one)
	{
		json_t *members = json_copy(one);

		json_object_del(members, "attempts");
		json_object_set_new(members, "attempt", json_integer(1));
		kit_case(kit, members);
	}
}

/* Joins what the report says with how the program ended. Takes base. */
static json_t *
report_verdict(struct kit *kit, const struct report *report, json_t *base)
{
	_cleanup_(json_unrefp) json_t *ended = base;
	const char *outcome = json_string_value(json_object_get(ended, "outcome"));
	size_t total = report->passed + report->failed + report->skipped + report->flaky;
	json_t *result;

	send_cases(kit, report);
	if (strcmp(outcome, "errored") == 0)
		result = TAKE(ended);
	else if (report->is_bailed)
		result = kit_result("errored", "bail_out", "%s", report->message);
	else if (report->failed > 0)
		result = kit_result("failed", "assertion", "%s", report->message);
	else if (report->is_broken)
		result = kit_result("failed", "plan", "%s", report->message);
	else if (strcmp(outcome, "failed") == 0)
		result = TAKE(ended);
	else if (total == 0)
		result = kit_result("errored", "no_tests", "the report has no test case");
	else if (total == report->skipped)
		result = kit_result("skipped", NULL, NULL);
	else
		result = kit_result("passed", NULL, NULL);

	json_object_set(result, "cases", report->cases);
	json_object_set_new(result, "counts",
		json_pack("{s:I, s:I, s:I, s:I}", "passed", (json_int_t)report->passed,
			"failed", (json_int_t)report->failed, "skipped",
			(json_int_t)report->skipped, "flaky", (json_int_t)report->flaky));
	if (report->n_dropped > 0)
		json_object_set_new(result, "warnings",
			json_pack("[s]", "more than 10,000 cases: the rest is only counted"));
	return result;
}

static int
read_one_report(struct report *report, const char *path, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(REPORT_BYTES_IN_MAX);

	if (file_read(path, REPORT_BYTES_IN_MAX, &text, err) < 0)
		return -1;
	if (junit_parse(report, buf_text(&text), text.len, err) < 0)
		return err_wrap(err, "%s", path);
	return 0;
}

/* Reads every file that a pattern names. Returns how many, or -1. */
static int
read_reports(struct report *report, const struct command *command, struct err *err)
{
	int n = 0;

	for (const char **pattern = command->reports; *pattern; pattern++) {
		glob_t found = { 0 };
		int r = 0;

		if (glob(*pattern, GLOB_NOSORT, NULL, &found) == 0)
			for (size_t i = 0; i < found.gl_pathc && r == 0 && n < REPORT_FILES_MAX;
				i++, n++)
				r = read_one_report(report, found.gl_pathv[i], err);
		globfree(&found);
		if (r < 0)
			return -1;
	}
	return n;
}

static json_t *
junit_verdict(struct kit *kit, const struct command *command, const char *cwd,
	const siginfo_t *status)
{
	struct report report;
	struct err err;
	json_t *result;
	int n = 0;

	report_init(&report);
	if (chdir(cwd) < 0)
		n = err_sys(&err, ERR_UNAVAILABLE, errno, "%s", cwd);
	else
		n = read_reports(&report, command, &err);
	if (n < 0)
		result = kit_result("errored", "report", "%s", err.text);
	else if (n == 0 && status->si_code == CLD_EXITED)
		result = kit_result("errored", "no_report",
			"no file matches %s; the program ended with status %d",
			command->reports[0], status->si_status);
	else
		result = report_verdict(kit, &report, exit_verdict(status));
	report_deinit(&report);
	return result;
}

static json_t *
tap_verdict(struct kit *kit, const struct child *child)
{
	struct report report;

	report_init(&report);
	tap_parse(&report, buf_text(&child->out), child->out.len);
	json_t *result = report_verdict(kit, &report, exit_verdict(&child->status));
	report_deinit(&report);
	return result;
}

static json_t *
json_verdict(const struct child *child)
{
	_cleanup_(json_unrefp) json_t *ended = exit_verdict(&child->status);
	const char *outcome = json_string_value(json_object_get(ended, "outcome"));
	struct err err;

	if (strcmp(outcome, "errored") == 0)
		return TAKE(ended);
	_cleanup_(json_unrefp) json_t *own =
		verdict_parse(buf_text(&child->out), child->out.len, &err);
	if (!own) {
		if (strcmp(outcome, "failed") == 0)
			return TAKE(ended);
		return kit_result("errored", "no_verdict", "%s", err.text);
	}
	bool claims_pass =
		strcmp(json_string_value(json_object_get(own, "outcome")), "passed") == 0;
	if (claims_pass && strcmp(outcome, "failed") == 0)
		return TAKE(ended);
	return TAKE(own);
}

static json_t *
verdict(struct kit *kit, const struct command *command, const char *cwd, struct child *child)
{
	switch (command->parse) {
	case COMMAND_PARSE_JUNIT:
		return junit_verdict(kit, command, cwd, &child->status);
	case COMMAND_PARSE_TAP:
		return tap_verdict(kit, child);
	case COMMAND_PARSE_JSON:
		return json_verdict(child);
	case COMMAND_PARSE_EXIT:
	case COMMAND_PARSE_COUNT:
		break;
	}
	return exit_verdict(&child->status);
}

/* --- One run --- */

static void
child_deinit(struct child *child)
{
	if (child->fd_out >= 0)
		close(child->fd_out);
	if (child->fd_in >= 0)
		close(child->fd_in);
	if (child->process.pidfd >= 0)
		close(child->process.pidfd);
	buf_deinit(&child->out);
}

static json_t *
run_program(struct kit *kit, const struct command *command, const char *cwd)
{
	_cleanup_(child_deinit) struct child child = {
		.process = SPAWN_CHILD_INIT,
		.fd_out = -1,
		.fd_in = -1,
		.out = BUF_INIT(OUTPUT_BYTES_MAX + PIPE_READ_BYTES),
	};
	struct err err;

	if (start(&child, command, cwd, &err) < 0)
		return kit_result(
			"errored", "exec", "cannot start %s: %s", command->argv[0], err.text);
	kit_started(kit, -1);
	if (follow(kit, &child, command) < 0) {
		stop_child(&child);
		return kit_result("cancelled", NULL, NULL);
	}
	drain(&child);
	return verdict(kit, command, cwd, &child);
}

static json_t *
carry_out(struct kit *kit, const struct kit_request *request)
{
	_cleanup_(command_deinit) struct command command = { 0 };
	const char *base = request->files ? request->files : request->dir;
	struct err err;

	/* For people who look at a process, and for a test that wants to name its traces. */
	if (setenv("PROCTOR_RUN", request->run, 1) < 0)
		abort();
	if (command_read(&command, request->test, &err) < 0)
		return kit_result("errored", "config", "%s", err.text);
	if (command.files && write_files(base, command.files, &err) < 0)
		return kit_result("errored", "files", "%s", err.text);

	_cleanup_free_ char *cwd = !command.cwd ? xstrdup(base)
		: command.cwd[0] == '/'         ? xstrdup(command.cwd)
						: xasprintf("%s/%s", base, command.cwd);
	struct stat st;
	if (stat(cwd, &st) < 0 || !S_ISDIR(st.st_mode))
		return kit_result("errored", "config", "the working directory %s is not there",
			command.cwd ? command.cwd : cwd);
	return run_program(kit, &command, cwd);
}

int
runner_command_main(void)
{
	static const struct kit_spec spec = {
		.name = "command",
		.kind = "command",
		.reusable = true,
		.carry_out = carry_out,
	};

	return kit_serve(&spec);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Playwright's own tools make of a job: its trace viewer, and one HTML report of all runs.
 * Both come with the Playwright of the runner, on this machine; the files come from the server.
 */
#include "cli/cmd_playwright.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "cli/artifacts.h"
#include "cli/cli.h"
#include "cli/job_view.h"
#include "cli/remote.h"
#include "worker/kinds.h"

enum { TOOL_ARGS_MAX = 12 };

/* A folder of its own; removed by drop_folder(). */
static int
make_folder(char **ret, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir = xasprintf("%s/proctor-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");

	if (!mkdtemp(dir))
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", dir);
	*ret = TAKE(dir);
	return 0;
}

static void
drop_folder(const char *dir)
{
	struct err ignored; /* the system clears what is left */

	if (dir)
		(void)tree_remove(AT_FDCWD, dir, &ignored);
}

/*
 * A signal that ends us is the tool's: it is handed on, and when the tool has ended its folder
 * is removed. Handlers can only see globals.
 */
static volatile sig_atomic_t tool_pid, stop_signal;

static void
hand_on(int number)
{
	int saved = errno;

	stop_signal = number;
	if (tool_pid > 0)
		(void)kill((pid_t)tool_pid, number);
	errno = saved;
}

static void
catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = hand_on };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

/* Its exit status, 128 and more for a signal; -1 with err. */
static int
wait_for_tool(const struct spawn_child *child, struct err *err)
{
	siginfo_t info;

	tool_pid = (sig_atomic_t)child->pid;
	if (stop_signal) /* it came before there was anybody to hand it to */
		(void)kill(child->pid, stop_signal);
	int r = spawn_wait(child->pidfd, -1, &info, err);

	tool_pid = 0;
	(void)close(child->pidfd);
	if (r < 0)
		return -1;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* Runs Playwright's command line with the arguments until it ends; its exit status. */
static int
run_tool(const char *const *args, struct err *err)
{
	struct kind_places places;
	struct spawn_child child = SPAWN_CHILD_INIT;
	const char *argv[TOOL_ARGS_MAX + 3] = { NULL };

	kind_places_init(&places, NULL, NULL, NULL);
	int r = kind_available(kind_find("playwright"), &places, err);
	if (r == 0) {
		_cleanup_free_ char *tool =
			xasprintf("%s/playwright/node_modules/@playwright/test/cli.js",
				places.runners_dir);
		argv[0] = places.node;
		argv[1] = tool;
		for (size_t i = 0; args[i] && i < TOOL_ARGS_MAX; i++)
			argv[i + 2] = args[i];
		const struct spawn_spec spec = { .argv = argv,
			.fd_in = -1,
			.fd_out = STDOUT_FILENO,
			.fd_err = STDERR_FILENO,
			.death_signal = true };
		r = spawn_start(&child, &spec, err);
	}
	kind_places_deinit(&places);
	return r < 0 ? -1 : wait_for_tool(&child, err);
}

/* --- Traces --- */

/* The first trace of the job, or of the run. *ret is a new array of one; *ret_n counts all. */
static int
find_trace(struct remote *remote, const struct cli *cli, json_t **ret, size_t *ret_n,
	struct err *err)
{
	const char *run = cli->n_args > 1 ? cli->args[1] : NULL;
	_cleanup_(json_unrefp) json_t *items = NULL;
	_cleanup_(json_unrefp) json_t *first = json_array();
	json_t *item;
	size_t i, n = 0;

	if (artifacts_list(remote, cli->args[0], "trace", &items, err) < 0)
		return -1;
	json_array_foreach(items, i, item)
	{
		if (run && strcmp(json_text(item, "run"), run) != 0)
			continue;
		if (n++ == 0)
			(void)json_array_append(first, item);
	}
	if (n == 0)
		return err_set(err, ERR_NOT_FOUND,
			"the %s has no trace; traces are made with config.trace: on or on-failure",
			run ? "run" : "job");
	*ret = TAKE(first);
	*ret_n = n;
	return 0;
}

static int
show_trace(const struct cli *cli, const char *dir, const json_t *trace, struct err *err)
{
	const char *port = cli_text(cli, "port");
	_cleanup_free_ char *file =
		xasprintf("%s/%s/%s", dir, json_text(trace, "run"), json_text(trace, "name"));
	const char *const args[] = { "show-trace", "--host", "127.0.0.1", "--port",
		port ? port : "0", file, NULL };

	cli_note("%s; Ctrl-C ends the viewer", json_text(trace, "name"));
	return run_tool(args, err);
}

int
cmd_job_trace(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *traces = NULL;
	_cleanup_free_ char *dir = NULL;
	struct err err;
	size_t n = 0;

	if (remote_open(&remote, cli, &err) < 0 ||
		find_trace(&remote, cli, &traces, &n, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (n > 1)
		cli_note(
			"%zu traces; this is the first. Others: proctor job artifacts %s --kind trace",
			n, cli->args[0]);
	catch_signals();
	int status = make_folder(&dir, &err);
	if (status == 0)
		status = artifacts_fetch(&remote, cli->args[0], traces, dir, false, &err);
	if (status == 0)
		status = show_trace(cli, dir, json_array_get(traces, 0), &err);
	drop_folder(dir);
	if (status < 0)
		return remote_fail(cli, &remote, &err);
	return status == 128 + SIGINT ? CLI_OK : status;
}

/* --- One report --- */

/* Fetches every run's blob.zip to DIR/RUN.zip, as merge-reports wants them. */
static int
fetch_blobs(struct remote *remote, const char *job, const char *dir, struct err *err)
{
	_cleanup_(json_unrefp) json_t *items = NULL;
	_cleanup_(json_unrefp) json_t *blobs = json_array();
	json_t *item;
	size_t i;

	if (artifacts_list(remote, job, "file", &items, err) < 0)
		return -1;
	json_array_foreach(items, i, item)
	{
		if (strcmp(json_text(item, "name"), "blob.zip") == 0)
			(void)json_array_append(blobs, item);
	}
	if (json_array_size(blobs) == 0)
		return err_set(err, ERR_NOT_FOUND,
			"no run of the job has kept a blob report; config.blob: true keeps one, and "
			"--shard sets it");
	if (artifacts_fetch(remote, job, blobs, dir, false, err) < 0)
		return -1;
	json_array_foreach(blobs, i, item)
	{
		const char *run = json_text(item, "run");
		_cleanup_free_ char *from = xasprintf("%s/%s/blob.zip", dir, run);
		_cleanup_free_ char *to = xasprintf("%s/%s.zip", dir, run);
		if (rename(from, to) < 0)
			return err_sys(err, ERR_UNAVAILABLE, errno, "%s", to);
	}
	return 0;
}

/*
 * Runs have folders of their own, so the pieces differ in where their tests lay. A
 * configuration that names any folder makes Playwright take the paths below it as the same.
 */
static int
write_config(const char *dir, char **ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/merge.config.js", dir);
	static const char text[] = "module.exports = { testDir: __dirname };\n";

	if (file_write_atomic(path, text, sizeof text - 1, 0600, err) < 0)
		return -1;
	*ret = TAKE(path);
	return 0;
}

int
playwright_report(struct cli *cli, struct remote *remote, struct err *err)
{
	const char *output = cli_text(cli, "output");
	_cleanup_free_ char *dir = NULL;
	_cleanup_free_ char *config = NULL;

	if (!output || strcmp(output, "-") == 0)
		return err_set(err, ERR_INVALID, "--format playwright needs --output FOLDER");
	if (mkdir_p(output, 0777, err) < 0)
		return -1;
	_cleanup_free_ char *target = realpath(output, NULL);
	if (!target)
		return err_sys(err, ERR_INVALID, errno, "%s", output);
	catch_signals();
	int status = make_folder(&dir, err);
	if (status == 0)
		status = fetch_blobs(remote, cli->args[0], dir, err);
	if (status == 0)
		status = write_config(dir, &config, err);
	if (status == 0) {
		const char *const args[] = { "merge-reports", "--reporter=html", "--config",
			config, dir, NULL };
		(void)setenv("PLAYWRIGHT_HTML_OUTPUT_DIR", target, 1);
		(void)setenv("PLAYWRIGHT_HTML_OPEN", "never", 1);
		status = run_tool(args, err);
	}
	drop_folder(dir);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `proctor run`: one job from its files to its report, without a server that somebody has to
 * start. The job itself is as durable as any: it lies in the data directory.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cli/artifacts.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/embedded.h"
#include "cli/failures.h"
#include "cli/follow.h"
#include "cli/job_file.h"
#include "cli/job_view.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/services.h"
#include "cli/shard.h"

struct run {
	struct cli *cli;
	struct arena arena;
	struct job_file file;
	struct embedded embedded;
	struct services services;
	const char *data_dir;
	char job_id[UUID_TEXT_LEN + 1];
	json_t *job;         /* as accepted; owned */
	bool json_on_stdout; /* then nothing else goes there */
};

/* --- Signals before the job exists --- */

static volatile sig_atomic_t interrupted;

static void
on_early_signal(int signum)
{
	(void)signum;
	interrupted = 1;
}

static bool
is_interrupted(void)
{
	return interrupted;
}

/* While the job runs its follower handles signals; before and after, they only leave a mark. */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_early_signal };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/* --- Submit --- */

/* A key, so that a request that is repeated after a broken connection makes one job. */
static char *
idempotency_header(void)
{
	unsigned char bytes[16];
	char hex[2 * sizeof bytes + 1];

	rand_bytes(bytes, sizeof bytes);
	hex_encode(bytes, sizeof bytes, hex);
	return xasprintf("Idempotency-Key: run-%s", hex);
}

static int
submit(struct run *run, struct err *err)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_free_ char *header = idempotency_header();

	if (remote_call_with(&run->embedded.remote, "POST", "/jobs", run->file.job, header,
		    &answer, err) < 0)
		return -1;
	if (strlen(json_text(answer, "id")) != UUID_TEXT_LEN)
		return err_set(err, ERR_CORRUPT, "the server named no job");
	(void)snprintf(run->job_id, sizeof run->job_id, "%s", json_text(answer, "id"));
	/* The answer to a POST is short; the tests' names are in the job itself. */
	_cleanup_free_ char *path = xasprintf("/jobs/%s", run->job_id);
	return remote_call(&run->embedded.remote, "GET", path, NULL, &run->job, err);
}

/* --- Reports --- */

/*
 * How the page of --html finds what --artifacts fetched: by a path relative to the page where
 * both are below one folder, else by the absolute path. Caller frees; "" for no links.
 */
static char *
link_prefix(const char *page, const char *dir)
{
	const char *slash = strrchr(page, '/');
	size_t len = slash ? (size_t)(slash + 1 - page) : 0;

	if (strncmp(page, dir, len) == 0 && (len > 0 || dir[0] != '/'))
		return xasprintf("%s/", dir + len);
	_cleanup_free_ char *real = realpath(dir, NULL);
	return real ? xasprintf("%s/", real) : xstrdup("");
}

static int
report_path(const struct run *run, const char *format, const char *file, struct buf *path)
{
	const char *dir = cli_text(run->cli, "artifacts");

	if (buf_addf(path, "/jobs/%s/report?format=%s", run->job_id, format) < 0)
		return -1;
	if (!dir || strcmp(format, "html") != 0 || strcmp(file, "-") == 0)
		return 0;
	_cleanup_free_ char *prefix = link_prefix(file, dir);
	if (!prefix[0])
		return 0;
	return buf_adds(path, "&artifacts=") < 0 ? -1 : remote_quote(path, prefix);
}

static int
fetch_report(struct run *run, const char *format, const char *file, struct err *err)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (report_path(run, format, file, &path) < 0)
		return err_set(err, ERR_LIMIT, "the path of --artifacts is too long");
	if (strcmp(file, "-") == 0)
		return remote_fetch(&run->embedded.remote, path.data, STDOUT_FILENO, err);
	return remote_fetch_file(&run->embedded.remote, path.data, file, err);
}

static int
fetch_artifacts(struct run *run, struct err *err)
{
	const char *dir = cli_text(run->cli, "artifacts");
	_cleanup_(json_unrefp) json_t *items = NULL;

	if (!dir)
		return 0;
	if (artifacts_list(&run->embedded.remote, run->job_id, NULL, &items, err) < 0 ||
		artifacts_fetch(&run->embedded.remote, run->job_id, items, dir, false, err) < 0)
		return err_wrap(err, "--artifacts");
	return 0;
}

static int
write_reports(struct run *run, struct err *err)
{
	static const char *const formats[] = { "html", "junit", "json" };

	if (fetch_artifacts(run, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		const char *file = cli_text(run->cli, formats[i]);
		if (file && fetch_report(run, formats[i], file, err) < 0)
			return err_wrap(err, "--%s", formats[i]);
	}
	return 0;
}

static int
print_end(struct run *run, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/jobs/%s/report?format=json", run->job_id);
	_cleanup_(json_unrefp) json_t *report = NULL;

	if (run->json_on_stdout)
		return 0;
	if (remote_call(&run->embedded.remote, "GET", path, NULL, &report, err) < 0)
		return -1;
	failures_print(report, colour_wanted(STDOUT_FILENO));
	const char *html = cli_text(run->cli, "html");
	if (html)
		cli_print("report: %s\n", html);
	return 0;
}

/* --- Follow --- */

static int
finish(struct run *run, int end, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/jobs/%s", run->job_id);
	_cleanup_(json_unrefp) json_t *job = NULL;

	if (end == FOLLOW_LEFT)
		return CLI_INTERRUPTED;
	if (remote_call(&run->embedded.remote, "GET", path, NULL, &job, err) < 0 ||
		print_end(run, err) < 0 || write_reports(run, err) < 0)
		return -1;
	if (end == FOLLOW_INTERRUPTED)
		return CLI_INTERRUPTED;
	if (end == FOLLOW_GAVE_UP)
		return CLI_GAVE_UP;
	return job_exit_status(job);
}

static int
follow(struct run *run, struct err *err)
{
	struct progress progress;
	const char *name = json_text(run->file.job, "name");
	const json_t *planned = json_object_get(run->job, "progress");

	progress_init(&progress, name, cli_flag(run->cli, "quiet") || run->json_on_stdout);
	progress.tests = json_object_get(run->job, "tests");
	progress.hooks = json_object_get(run->job, "hooks");
	progress.is_grouped = json_object_get(run->job, "fixtures") != NULL;
	if (json_object_get(planned, "runsTotal"))
		progress.runs_total = json_int(planned, "runsTotal");
	if (!progress.is_live && !progress.is_quiet)
		cli_print("job %s  %s\n", run->job_id, name);
	int end = follow_job(
		&run->embedded, run->job_id, &progress, cli_number(run->cli, "give-up"), err);
	progress_deinit(&progress);
	return end < 0 ? -1 : finish(run, end, err);
}

/* --- The whole --- */

static int
start_services(struct run *run, struct err *err)
{
	if (!run->file.services)
		return 0;
	return services_start(&run->services, run->file.services, run->file.dir, run->data_dir,
		is_interrupted, err);
}

/* What went wrong before there was a job: usage, or the environment. */
static int
early_failure(struct run *run, const struct err *err)
{
	if (interrupted)
		return CLI_INTERRUPTED;
	if (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)
		return cli_fail_with(run->cli, CLI_ERRORED, err);
	return remote_fail_file(run->cli, &run->embedded.remote, run->file.path,
		run->file.yaml.root ? &run->file.yaml : NULL, err);
}

/* What the job asks for in plain numbers; a parameter is not looked into. */
static int
wanted_connections(const json_t *job)
{
	size_t n_groups = json_array_size(json_object_get(job, "browsers"));
	json_int_t concurrency = json_int(job, "concurrency");

	if (concurrency < 1 || concurrency > RUN_CONNECTIONS_MAX)
		concurrency = concurrency < 1 ? 1 : RUN_CONNECTIONS_MAX;
	concurrency *= n_groups > 1 ? (json_int_t)n_groups : 1;
	return (int)(concurrency < RUN_CONNECTIONS_MAX ? concurrency : RUN_CONNECTIONS_MAX);
}

static int
run_job(struct run *run)
{
	struct embedded_wants wants = { .connections = wanted_connections(run->file.job) };
	struct err err;

	embedded_want_needs(&wants, run->file.job);
	job_file_localize(&run->file);
	if (embedded_start(&run->embedded, run->data_dir, &wants, &err) < 0)
		return early_failure(run, &err);
	int r = shard_apply(&run->file, run->cli, &run->embedded.remote, &err);
	if (r == SHARD_NOTHING_FAILED)
		return CLI_OK;
	if (r < 0 || start_services(run, &err) < 0 || submit(run, &err) < 0)
		return early_failure(run, &err);
	int status = follow(run, &err);
	if (status < 0)
		return cli_fail_with(
			run->cli, err.code == ERR_INVALID ? CLI_USAGE : CLI_ERRORED, &err);
	return status;
}

int
cmd_run(struct cli *cli)
{
	struct run run = { .cli = cli, .embedded = { .pidfd = -1, .stdin_fd = -1 } };
	const char *json = cli_text(cli, "json");
	struct err err;
	int status;

	catch_signals();
	arena_init(&run.arena, MIB(1));
	run.json_on_stdout = json && strcmp(json, "-") == 0;
	run.data_dir = paths_data_dir(&run.arena, cli_text(cli, "data"), &err);
	if (!run.data_dir)
		status = cli_fail(cli, &err);
	else if (job_file_load(&run.file, cli, &err) < 0)
		status = job_file_fail(cli, &run.file, &err);
	else
		status = run_job(&run);
	services_stop(&run.services);
	embedded_stop(&run.embedded);
	json_decref(run.job);
	job_file_deinit(&run.file);
	arena_deinit(&run.arena);
	return status;
}

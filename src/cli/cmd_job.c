/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor job …`: everything about jobs through the HTTP interface. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/artifacts.h"
#include "cli/bundle.h"
#include "cli/cli.h"
#include "cli/cmd_playwright.h"
#include "cli/job_file.h"
#include "cli/job_view.h"
#include "cli/job_wait.h"
#include "cli/params.h"
#include "cli/remote.h"
#include "cli/shard.h"

/* "/jobs/ID" with what follows; the id is quoted. Caller frees. */
static char *
job_path(const char *id, const char *rest)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (buf_adds(&path, "/jobs/") < 0 || remote_quote(&path, id) < 0 ||
		buf_adds(&path, rest) < 0)
		return xstrdup("/jobs/-"); /* no id is that long */
	return buf_steal(&path);
}

static int
show_answer(struct cli *cli, const json_t *answer, void (*print)(const json_t *))
{
	if (cli->json)
		cli_print_json(answer);
	else
		print(answer);
	return CLI_OK;
}

/* --- Submit --- */

static int
after_submit(struct cli *cli, struct remote *remote, json_t *job)
{
	int64_t timeout_ms = cli_number(cli, "timeout");
	struct err err;

	if (!cli_flag(cli, "wait")) {
		if (cli->json)
			cli_print_json(job);
		else
			cli_print("%s\n", json_text(job, "id"));
		return CLI_OK;
	}
	if (!cli->json)
		cli_note("submitted %s", json_text(job, "id"));
	_cleanup_(json_unrefp) json_t *end = NULL;
	int r = job_wait(remote, json_text(job, "id"), timeout_ms, &end, &err);
	if (r < 0)
		return remote_fail(cli, remote, &err);
	(void)show_answer(cli, end, job_print);
	return r == JOB_WAIT_GAVE_UP ? CLI_GAVE_UP : job_exit_status(end);
}

static int
submit_body(struct cli *cli, struct remote *remote, const json_t *body, json_t **ret,
	struct err *err)
{
	const char *key = cli_text(cli, "key");
	_cleanup_free_ char *header = key ? xasprintf("Idempotency-Key: %s", key) : NULL;
	const char *path = cli_flag(cli, "dry-run") ? "/jobs?dryRun=true" : "/jobs";

	return remote_call_with(remote, "POST", path, body, header, ret, err);
}

/* Texts from the command line get the types that the template's parameters have. */
static int
type_params(struct remote *remote, const char *template, json_t *params, struct err *err)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;

	if (json_object_size(params) == 0)
		return 0;
	if (buf_adds(&path, "/templates/") < 0 || remote_quote(&path, template) < 0)
		return err_set(err, ERR_LIMIT, "the template's name is too long");
	if (remote_call(remote, "GET", buf_text(&path), NULL, &answer, err) < 0)
		return -1;
	return params_retype(params, json_object_get(answer, "params"), err);
}

int
cmd_job_submit(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(job_file_deinit) struct job_file file = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;

	if (job_file_load(&file, cli, &err) < 0)
		return job_file_fail(cli, &file, &err);
	if (file.services)
		cli_note("%s: its services are for `proctor run`; the server starts none",
			file.path);
	const char *template = json_text(file.job, "template");
	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	if (template[0] && cli_given(cli, "param") &&
		type_params(&remote, template, json_object_get(file.job, "params"), &err) < 0)
		return remote_fail(cli, &remote, &err);
	job_file_localize_paths(&file);
	int r = shard_apply(&file, cli, &remote, &err);
	if (r == SHARD_NOTHING_FAILED)
		return CLI_OK;
	if (r < 0)
		return remote_fail(cli, &remote, &err);
	if (!cli_flag(cli, "dry-run") && bundle_upload_all(&file, &remote, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (submit_body(cli, &remote, file.job, &answer, &err) < 0)
		return remote_fail_file(
			cli, &remote, file.path, file.yaml.root ? &file.yaml : NULL, &err);
	if (cli_flag(cli, "dry-run")) {
		cli_print_json(answer);
		return CLI_OK;
	}
	return after_submit(cli, &remote, answer);
}

int
cmd_template_invoke(struct cli *cli)
{
	const struct cli_value *params = cli_all(cli, "param");
	const char *key = cli_text(cli, "key");
	_cleanup_free_ char *header = key ? xasprintf("Idempotency-Key: %s", key) : NULL;
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_(json_unrefp) json_t *body = json_object();
	struct err err;

	if (params->n > 0)
		(void)json_object_set_new(
			body, "params", params_given(params->text, params->n));
	if (buf_adds(&path, "/templates/") < 0 || remote_quote(&path, cli->args[0]) < 0 ||
		buf_adds(&path, "/invoke") < 0)
		return CLI_USAGE;
	if (remote_open(&remote, cli, &err) < 0 ||
		type_params(&remote, cli->args[0], json_object_get(body, "params"), &err) < 0 ||
		remote_call_with(
			&remote, "POST", buf_text(&path), body, header, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	return after_submit(cli, &remote, answer);
}

/* --- List and show --- */

/* Appends "&name=value" for each value of the option. */
static int
add_filter(struct buf *path, const struct cli *cli, const char *option, const char *name)
{
	const struct cli_value *value = cli_all(cli, option);

	for (size_t i = 0; i < value->n; i++) {
		if (buf_addf(path, "&%s=", name) < 0 || remote_quote(path, value->text[i]) < 0)
			return -1;
	}
	return 0;
}

static int
list_path(const struct cli *cli, struct buf *path)
{
	static const struct {
		const char *option, *name;
	} filters[] = { { "status", "status" }, { "tag", "tag" }, { "name", "name" },
		{ "queue", "queue" }, { "template", "template" },
		{ "created-after", "createdAfter" }, { "created-before", "createdBefore" },
		{ "sort", "sort" }, { "cursor", "cursor" } };

	if (buf_addf(path, "/jobs?limit=%" PRId64, cli_number(cli, "limit")) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		if (add_filter(path, cli, filters[i].option, filters[i].name) < 0)
			return -1;
	}
	return 0;
}

int
cmd_job_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *job;
	size_t i;

	if (list_path(cli, &path) < 0) {
		(void)err_set(&err, ERR_LIMIT, "too many filters");
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", buf_text(&path), NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	job_print_head();
	json_array_foreach(json_object_get(answer, "items"), i, job) job_print_line(job);
	if (json_text(answer, "nextCursor")[0])
		cli_note("more: --cursor %s", json_text(answer, "nextCursor"));
	return CLI_OK;
}

int
cmd_job_show(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *path = job_path(cli->args[0], "");
	_cleanup_free_ char *runs_path = job_path(cli->args[0], "/runs?limit=1000");
	_cleanup_(json_unrefp) json_t *job = NULL;
	_cleanup_(json_unrefp) json_t *runs = NULL;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &job, &err) < 0 ||
		remote_call(&remote, "GET", runs_path, NULL, &runs, &err) < 0)
		return remote_fail(cli, &remote, &err);
	json_t *items = json_object_get(runs, "items");
	if (cli->json) {
		(void)json_object_set(job, "runs", items);
		cli_print_json(job);
		return CLI_OK;
	}
	job_print(job);
	job_print_runs(items);
	return CLI_OK;
}

/* --- Wait and follow --- */

int
cmd_job_wait(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *job = NULL;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	int r = job_wait(&remote, cli->args[0], cli_number(cli, "timeout"), &job, &err);
	if (r < 0)
		return remote_fail(cli, &remote, &err);
	(void)show_answer(cli, job, job_print);
	return r == JOB_WAIT_GAVE_UP ? CLI_GAVE_UP : job_exit_status(job);
}

struct shown {
	struct cli *cli;
	json_t *tests;    /* of the job; borrowed */
	struct map names; /* id of a run → char *, owned */
};

/* An event tells the test of its run once, when the run is made: later ones only its id. */
static const char *
learn_run(struct shown *shown, const json_t *event)
{
	const json_t *data = json_object_get(event, "data");
	const char *run = json_text(event, "run");
	const json_t *index = json_object_get(data, "testIndex");

	if (index && run[0]) {
		const json_t *test =
			json_array_get(shown->tests, (size_t)json_integer_value(index));
		const char *target = json_text(data, "target");
		char *name = xasprintf("%s #%" PRId64 "%s%s%s", json_text(test, "name"),
			json_int(data, "iteration"), target[0] ? " [" : "", target,
			target[0] ? "]" : "");
		free(map_put(&shown->names, run, strlen(run), name));
	}
	const char *name = map_get(&shown->names, run, strlen(run));
	return name ? name : "";
}

static void
shown_deinit(struct shown *shown)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&shown->names, &at, &entry);)
		free(entry.value);
	map_deinit(&shown->names);
}

static int
show_event(void *arg, json_t *event)
{
	struct shown *shown = arg;

	if (shown->cli->json) {
		_cleanup_free_ char *text = json_dumps(event, JSON_COMPACT);
		cli_print("%s\n", text);
	} else {
		job_print_event(event, learn_run(shown, event));
	}
	return 0;
}

/* "…/events?type=a&type=b" */
static int
types_path(const struct cli *cli, const char *events, struct buf *path)
{
	const struct cli_value *types = cli_all(cli, "type");

	if (buf_adds(path, events) < 0 || remote_quote(path, types->text[0]) < 0)
		return -1;
	for (size_t i = 1; i < types->n; i++) {
		if (buf_adds(path, "&type=") < 0 || remote_quote(path, types->text[i]) < 0)
			return -1;
	}
	return 0;
}

int
cmd_job_follow(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *job = NULL;
	_cleanup_free_ char *job_itself = job_path(cli->args[0], "");
	_cleanup_free_ char *events = job_path(cli->args[0], "/events?type=");
	_cleanup_(json_unrefp) json_t *before = NULL;
	_cleanup_(shown_deinit) struct shown shown = { .cli = cli };
	int64_t after = cli_given(cli, "after") ? cli_number(cli, "after") : -1;
	struct err err;

	map_init(&shown.names, MAP_KEYS_COPIED);

	/* Without a filter the query is left out. */
	if (cli_given(cli, "type") ? types_path(cli, events, &path) < 0
				   : buf_add(&path, events, strcspn(events, "?")) < 0) {
		(void)err_set(&err, ERR_LIMIT, "too many types");
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", job_itself, NULL, &before, &err) < 0)
		return remote_fail(cli, &remote, &err);
	shown.tests = json_object_get(before, "tests");
	if (remote_events(&remote, path.data, after, show_event, &shown, &err) < 0 ||
		remote_call(&remote, "GET", job_itself, NULL, &job, &err) < 0)
		return remote_fail(cli, &remote, &err);
	return job_is_over(job) ? job_exit_status(job) : CLI_OK;
}

/* --- Commands --- */

static int
command_one(
	struct cli *cli, struct remote *remote, const char *id, json_t **ret, struct err *err)
{
	const char *verb = cli->command->verb;
	bool is_delete = strcmp(verb, "delete") == 0;
	_cleanup_free_ char *rest = xasprintf("/%s", verb);
	_cleanup_free_ char *path = job_path(id, is_delete ? "" : rest);

	return remote_call(remote, is_delete ? "DELETE" : "POST", path, NULL, ret, err);
}

int
cmd_job_command(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	int status = CLI_OK;
	struct err err;

	if ((cli->n_args == 0) != cli_has_filter(cli)) {
		(void)err_set(&err, ERR_INVALID,
			"ids of jobs are expected, or filters such as --status and --tag");
		return cli_fail(cli, &err);
	}
	if (cli->n_args > 0 && cli_flag(cli, "dry-run")) {
		(void)err_set(&err, ERR_INVALID, "--dry-run goes with filters, not with ids");
		return cli_fail(cli, &err);
	}
	if (cli->n_args == 0)
		return cli_job_each(cli);
	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	for (size_t i = 0; i < cli->n_args; i++) {
		_cleanup_(json_unrefp) json_t *job = NULL;
		if (command_one(cli, &remote, cli->args[i], &job, &err) < 0)
			status = remote_fail(cli, &remote, &err);
		else if (cli->json && job)
			cli_print_json(job);
		else if (!cli->json)
			cli_print("%s  %s\n", cli->args[i],
				json_text(job, "status")[0] ? json_text(job, "status")
							    : "deleted");
	}
	return status;
}

/* Of a job that waits: when it begins, or why nobody can tell. */
static void
print_forecast(const json_t *forecast, const char *status)
{
	const char *begin = json_text(forecast, "startAt");
	const char *unknown = json_text(json_object_get(forecast, "basis"), "unknown");

	if (strcmp(status, "queued") != 0)
		return;
	if (begin[0])
		cli_print("  %-18s about %s\n", "begins", begin);
	else if (unknown[0])
		cli_print("  %-18s unknown: %s\n", "begins", unknown);
}

int
cmd_job_explain(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *path = job_path(cli->args[0], "/explain");
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *blocker;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%s\n", json_text(answer, "sentence"));
	json_array_foreach(json_object_get(answer, "blockers"), i, blocker) cli_print(
		"  %-18s %s\n", json_text(blocker, "kind"), json_text(blocker, "text"));
	print_forecast(json_object_get(answer, "forecast"), json_text(answer, "status"));
	return CLI_OK;
}

/* --- Report and artifacts --- */

int
cmd_job_report(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	const char *format = cli->json ? "json" : cli_text(cli, "format");
	const char *file = cli_text(cli, "output");
	_cleanup_free_ char *rest = xasprintf("/report?format=%s", format);
	_cleanup_free_ char *path = job_path(cli->args[0], rest);
	struct err err;

	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	if (strcmp(format, "playwright") == 0) {
		int status = playwright_report(cli, &remote, &err);
		return status < 0 ? remote_fail(cli, &remote, &err) : status;
	}
	int r = file && strcmp(file, "-") != 0
		? remote_fetch_file(&remote, path, file, &err)
		: remote_fetch(&remote, path, STDOUT_FILENO, &err);
	return r < 0 ? remote_fail(cli, &remote, &err) : CLI_OK;
}

static void
print_artifact(const json_t *artifact)
{
	_cleanup_(buf_deinit) struct buf name = BUF_INIT(KIB(1));

	put_plain(&name, json_text(artifact, "name"));
	cli_print("%-36s  %-10s  %10" PRId64 "  %s\n", json_text(artifact, "run"),
		json_text(artifact, "kind"), json_int(artifact, "size"), buf_text(&name));
}

int
cmd_job_artifacts(struct cli *cli)
{
	const char *dir = cli_text(cli, "output"), *kind = cli_text(cli, "kind");
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *items = NULL;
	json_t *artifact;
	struct err err;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		artifacts_list(&remote, cli->args[0], kind, &items, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (dir) {
		if (artifacts_fetch(&remote, cli->args[0], items, dir, true, &err) < 0)
			return remote_fail(cli, &remote, &err);
		return CLI_OK;
	}
	if (cli->json) {
		_cleanup_(json_unrefp) json_t *answer = json_pack("{s:O}", "items", items);
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%-36s  %-10s  %10s  %s\n", "RUN", "KIND", "BYTES", "NAME");
	json_array_foreach(items, i, artifact) print_artifact(artifact);
	return CLI_OK;
}

/* The address of the page "…/index.html" of a run, good for a browser without a token. */
static int
view_one(struct remote *remote, const char *job, const char *run, const char *page, json_t *ret,
	struct err *err)
{
	_cleanup_free_ char *rest = xasprintf("/runs/%s/view", run);
	_cleanup_free_ char *path = job_path(job, rest);
	_cleanup_(json_unrefp) json_t *view = NULL;

	if (remote_call(remote, "POST", path, NULL, &view, err) < 0)
		return -1;
	_cleanup_free_ char *url = xasprintf("%s%s", json_text(view, "url"), page);
	(void)json_array_append_new(ret,
		json_pack("{s:s, s:s, s:s}", "run", run, "url", url, "expiresAt",
			json_text(view, "expiresAt")));
	return 0;
}

/* Reports that runs of Playwright kept. */
static int
view_reports(struct remote *remote, const char *job, json_t *ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *files = NULL;
	json_t *file;
	size_t i;

	if (artifacts_list(remote, job, "report", &files, err) < 0)
		return -1;
	json_array_foreach(files, i, file)
	{
		if (strcmp(json_text(file, "name"), "report/index.html") == 0 &&
			view_one(remote, job, json_text(file, "run"), json_text(file, "name"),
				ret, err) < 0)
			return -1;
	}
	return 0;
}

/* Screens of browsers at work. */
static int
view_screens(struct remote *remote, const char *job, json_t *ret, struct err *err)
{
	_cleanup_free_ char *path = job_path(job, "/runs?status=leased&limit=100");
	_cleanup_(json_unrefp) json_t *runs = NULL;
	json_t *run;
	size_t i;

	if (remote_call(remote, "GET", path, NULL, &runs, err) < 0)
		return -1;
	json_array_foreach(json_object_get(runs, "items"), i, run)
	{
		if (strcmp(json_text(run, "kind"), "browser") == 0 &&
			view_one(remote, job, json_text(run, "id"), "~screen", ret, err) < 0)
			return -1;
	}
	return 0;
}

/* Proctor's own report, as a page in a new folder for a browser that has no token. */
static int
view_own_report(struct remote *remote, const char *job, json_t *ret, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir =
		xasprintf("%s/proctor-report-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	_cleanup_free_ char *path = job_path(job, "/report?format=html");

	if (!mkdtemp(dir))
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", dir);
	_cleanup_free_ char *file = xasprintf("%s/report.html", dir);
	if (remote_fetch_file(remote, path, file, err) < 0) {
		(void)rmdir(dir);
		return -1;
	}
	_cleanup_free_ char *url = xasprintf("file://%s", file);
	(void)json_array_append_new(ret, json_pack("{s:s}", "url", url));
	return 0;
}

int
cmd_job_view(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *views = json_array();
	json_t *view;
	struct err err;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		view_screens(&remote, cli->args[0], views, &err) < 0 ||
		view_reports(&remote, cli->args[0], views, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (json_array_size(views) == 0 &&
		view_own_report(&remote, cli->args[0], views, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		_cleanup_(json_unrefp) json_t *answer = json_pack("{s:O}", "items", views);
		cli_print_json(answer);
		return CLI_OK;
	}
	json_array_foreach(views, i, view) cli_print("%s\n", json_text(view, "url"));
	return CLI_OK;
}

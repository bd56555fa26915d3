/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor stats …`: figures of what ended, as tables. Each verb is a route and its columns. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/job_view.h"
#include "cli/remote.h"

enum {
	PATH_BYTES = KIB(4),
	GROUP_WIDTH = 40,
	SPARK_MAX = 80,
	TIME_SHOWN = 16, /* "2026-11-22T10:11" */
	DATE_SHOWN = 10,
};

/* ---- asking ---- */

static int
add_param(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return 0;
	if (buf_addf(path, "%c%s=", memchr(path->data, '?', path->len) ? '&' : '?', name) < 0)
		return -1;
	return remote_quote(path, value);
}

/* Durations and numbers go as they were typed: the server reads the same forms. */
static int
add_options(const struct cli *cli, struct buf *path, bool is_table)
{
	static const char *const filters[] = { "last", "queue", "template", "tag", "kind",
		"team" };
	static const struct {
		const char *option, *param;
	} of_tables[] = { { "by", "groupBy" }, { "sort", "sort" }, { "limit", "limit" },
		{ "min-runs", "minRuns" } };

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		if (add_param(path, filters[i], cli_text(cli, filters[i])) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(of_tables) && is_table; i++) {
		if (add_param(path, of_tables[i].param, cli_text(cli, of_tables[i].option)) < 0)
			return -1;
	}
	return 0;
}

static int
ask(struct cli *cli, struct remote *remote, struct buf *path, json_t **ret)
{
	struct err err;

	if (remote_open(remote, cli, &err) < 0 ||
		remote_call(remote, "GET", buf_text(path), NULL, ret, &err) < 0)
		return remote_fail(cli, remote, &err);
	return CLI_OK;
}

static int
too_long(const struct cli *cli)
{
	struct err err;

	(void)err_set(&err, ERR_LIMIT, "the options are too long");
	return cli_fail(cli, &err);
}

/* ---- showing ---- */

/* "850 ms", "12.3 s", "4m05s", "3h20m" */
static void
put_ms(struct buf *out, int64_t ms)
{
	int rc;

	if (ms < 1000)
		rc = buf_addf(out, "%" PRId64 " ms", ms);
	else if (ms < MINUTES_MS(1))
		rc = buf_addf(out, "%.1f s", (double)ms / 1000);
	else if (ms < HOURS_MS(1))
		rc = buf_addf(
			out, "%" PRId64 "m%02" PRId64 "s", ms / MINUTES_MS(1), ms / 1000 % 60);
	else
		rc = buf_addf(out, "%" PRId64 "h%02" PRId64 "m", ms / HOURS_MS(1),
			ms / MINUTES_MS(1) % 60);
	(void)rc; /* two dozen bytes */
}

static void
print_ms(const json_t *figures, const char *of, const char *name, int width)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(64);
	const json_t *holder = of ? json_object_get(figures, of) : figures;
	const json_t *value = json_object_get(holder, name);

	if (value)
		put_ms(&text, json_integer_value(value));
	cli_print("  %*s", width, value ? buf_text(&text) : "-");
}

static void
print_rate(const json_t *figures, const char *name)
{
	const json_t *rate = json_object_get(figures, name);

	if (rate)
		cli_print("  %6.1f%%", 100 * json_number_value(rate));
	else
		cli_print("  %7s", "-");
}

/* Names come from tests: nothing of them may steer the terminal. */
static void
print_plain(const char *text, int width)
{
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(4));

	put_plain(&plain, text && *text ? text : "(none)");
	cli_print("%-*.*s", width, width > 0 ? width : (int)plain.len, buf_text(&plain));
}

static int64_t
failures_of(const json_t *figures)
{
	const json_t *by_status = json_object_get(figures, "byStatus");

	if (by_status)
		return json_int(by_status, "failed") + json_int(by_status, "invalid");
	return json_int(figures, "failed") + json_int(figures, "errored") +
		json_int(figures, "timedOut");
}

static void
print_figures(const json_t *figures)
{
	cli_print("  %9" PRId64 "  %9" PRId64, json_int(figures, "n"), failures_of(figures));
	print_rate(figures, "successRate");
	print_ms(figures, "queue", "p50Ms", 8);
	print_ms(figures, "run", "p50Ms", 8);
	print_ms(figures, "run", "p95Ms", 8);
	print_ms(figures, "run", "p99Ms", 8);
	cli_print("\n");
}

static void
print_flaky(const json_t *figures)
{
	cli_print("  %9" PRId64 "  %9" PRId64 "  %8" PRId64, json_int(figures, "n"),
		json_int(figures, "transitions"), json_int(figures, "flaky"));
	print_rate(figures, "flakiness");
	print_rate(figures, "successRate");
	cli_print("\n");
}

static void
print_cost(const json_t *figures)
{
	const json_t *cost = json_object_get(figures, "cost");

	cli_print("  %9" PRId64 "  %9" PRId64, json_int(figures, "n"),
		json_int(figures, "attempts"));
	print_ms(figures, NULL, "busyMs", 8);
	print_ms(cost, NULL, "cpuMs", 8);
	if (json_object_get(cost, "peakKib"))
		cli_print("  %6.0f MiB", (double)json_int(cost, "peakKib") / 1024);
	else
		cli_print("  %10s", "-");
	cli_print("  %9" PRId64 "\n", json_int(cost, "tokens"));
}

/* ---- tables ---- */

static const struct view {
	const char *verb, *route, *first;
	const char *head;
	void (*print)(const json_t *figures);
} views[] = {
#define USUAL "        N   FAILURES  SUCCESS     QUEUE       P50       P95       P99"
	{ "jobs", "/stats/jobs", "TEMPLATE", USUAL, print_figures },
	{ "tests", "/stats/tests", "TEST", USUAL, print_figures },
	{ "queues", "/stats/queues", "QUEUE", USUAL, print_figures },
	{ "workers", "/stats/workers", "WORKER", USUAL, print_figures },
	{ "teams", "/stats/teams", "TEAM", USUAL, print_figures },
	{ "slow", "/stats/slowest", "TEST", USUAL, print_figures },
	{ "flaky", "/stats/flakiest", "TEST",
		"        N    CHANGES   RETRIED  FLAKINESS  SUCCESS", print_flaky },
	{ "cost", "/stats/cost", "TEST",
		"        N       RUNS  DURATION       CPU       MEMORY     TOKENS",
		print_cost },
#undef USUAL
};

static void
print_rows(const struct view *view, const char *first, const json_t *rows)
{
	json_t *row;
	size_t i;

	cli_print("%-*s  %s\n", GROUP_WIDTH, first, view->head);
	json_array_foreach(rows, i, row)
	{
		const char *name = json_text(row, "name");

		print_plain(*name ? name : json_text(row, "group"), GROUP_WIDTH);
		view->print(row);
	}
}

/* What was counted: whole days, or whole hours where there are such. */
static void
print_span(const json_t *answer)
{
	bool by_hour = strcmp(json_text(answer, "scale"), "hour") == 0;
	int shown = by_hour ? TIME_SHOWN : DATE_SHOWN;

	cli_print("%.*s … %.*s UTC, by %s\n", shown, json_text(answer, "from"), shown,
		json_text(answer, "to"), by_hour ? "hour" : "day");
}

static void
note_backlog(const json_t *answer)
{
	if (json_int(answer, "backlog") > 0)
		cli_note("%" PRId64 " older jobs are not counted yet",
			json_int(answer, "backlog"));
}

int
cmd_stats_table(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(PATH_BYTES);
	const struct view *view = views;

	while (strcmp(view->verb, cli->command->verb) != 0)
		view++;
	if (buf_adds(&path, view->route) < 0 || add_options(cli, &path, true) < 0)
		return too_long(cli);
	int status = ask(cli, &remote, &path, &answer);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	print_span(answer);
	print_rows(view, cli_given(cli, "by") ? "GROUP" : view->first,
		json_object_get(answer, "items"));
	if (json_object_get(answer, "nextCursor"))
		cli_note("%" PRId64 " in all: --limit shows more", json_int(answer, "groups"));
	note_backlog(answer);
	return CLI_OK;
}

/* ---- the summary ---- */

static void
print_now(const json_t *now)
{
	const char *name;
	json_t *n;

	cli_print("now      ");
	json_object_foreach((json_t *)(uintptr_t)now, name, n)
	{
		if (json_integer_value(n) > 0)
			cli_print("  %" JSON_INTEGER_FORMAT " %s", json_integer_value(n), name);
	}
	cli_print("\n");
}

static void
print_jobs(const char *title, const json_t *jobs)
{
	json_t *job;
	size_t i;

	if (json_array_size(jobs) == 0)
		return;
	cli_print("\n%s\n", title);
	json_array_foreach(jobs, i, job)
	{
		const char *at = json_text(job, "completedAt");

		cli_print("  %s  %-10s  %-16.16s  ", json_text(job, "id"),
			json_text(job, "status"), *at ? at : json_text(job, "startedAt"));
		print_plain(json_text(job, "name"), 0);
		cli_print("\n");
	}
}

static void
print_summary(const json_t *answer)
{
	const json_t *jobs = json_object_get(answer, "jobs");

	print_span(answer);
	cli_print("ended      %" PRId64 ", %" PRId64 " of them failed, success",
		json_int(jobs, "n"), failures_of(jobs));
	print_rate(jobs, "successRate");
	cli_print("\nqueue   ");
	print_ms(jobs, "queue", "p50Ms", 0);
	cli_print(" (median)");
	print_ms(jobs, "queue", "p95Ms", 0);
	cli_print(" (95 of 100)\nrun     ");
	print_ms(jobs, "run", "p50Ms", 0);
	cli_print(" (median)");
	print_ms(jobs, "run", "p95Ms", 0);
	cli_print(" (95 of 100)\n");
	print_now(json_object_get(answer, "now"));
	print_jobs("running", json_object_get(answer, "running"));
	print_jobs("running for long", json_object_get(answer, "longRunning"));
	print_jobs("failed last", json_object_get(answer, "recentFailures"));
	cli_print("\n");
	print_rows(&views[2], "QUEUE", json_object_get(answer, "queues"));
}

int
cmd_stats_summary(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(PATH_BYTES);

	if (buf_adds(&path, "/stats/summary") < 0 || add_options(cli, &path, false) < 0 ||
		add_param(&path, "threshold", cli_text(cli, "threshold")) < 0)
		return too_long(cli);
	int status = ask(cli, &remote, &path, &answer);

	if (status != CLI_OK)
		return status;
	if (cli->json)
		cli_print_json(answer);
	else
		print_summary(answer);
	note_backlog(answer);
	return CLI_OK;
}

/* ---- trends ---- */

/* One sign for each point, at most SPARK_MAX of the last ones. */
static void
print_spark(const char *title, const json_t *points, double (*value_of)(const json_t *point))
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	size_t n = json_array_size(points), from = n > SPARK_MAX ? n - SPARK_MAX : 0;
	double greatest = 0;

	for (size_t i = from; i < n; i++) {
		double value = value_of(json_array_get(points, i));
		greatest = value > greatest ? value : greatest;
	}
	cli_print("%-10s", title);
	for (size_t i = from; i < n; i++) {
		double value = value_of(json_array_get(points, i));

		if (value < 0 || greatest <= 0)
			cli_print(" ");
		else
			cli_print("%s", bars[(int)(value / greatest * 7 + 0.5)]);
	}
	cli_print("\n");
}

static double
count_of(const json_t *point)
{
	return (double)json_int(point, "n");
}

static double
rate_of(const json_t *point)
{
	const json_t *rate = json_object_get(point, "successRate");

	return rate ? json_number_value(rate) : -1;
}

static double
run_of(const json_t *point)
{
	const json_t *run = json_object_get(point, "run");

	return run ? (double)json_int(run, "p95Ms") : -1;
}

static void
print_trend(const json_t *answer)
{
	const json_t *points = json_object_get(answer, "items");
	json_t *point;
	size_t i;

	if (isatty(STDOUT_FILENO)) {
		print_spark("ended", points, count_of);
		print_spark("success", points, rate_of);
		print_spark("run p95", points, run_of);
		cli_print("\n");
	}
	cli_print("%-*s  %s\n", TIME_SHOWN, "AT", views[0].head);
	json_array_foreach(points, i, point)
	{
		cli_print("%-*.*s", TIME_SHOWN, TIME_SHOWN, json_text(point, "at"));
		print_figures(point);
	}
}

int
cmd_stats_trends(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(PATH_BYTES);

	if (buf_adds(&path, "/stats/trends") < 0 || add_options(cli, &path, false) < 0 ||
		add_param(&path, "by", cli_text(cli, "by")) < 0 ||
		add_param(&path, "test", cli_text(cli, "test")) < 0)
		return too_long(cli);
	int status = ask(cli, &remote, &path, &answer);

	if (status != CLI_OK)
		return status;
	if (cli->json)
		cli_print_json(answer);
	else
		print_trend(answer);
	note_backlog(answer);
	return CLI_OK;
}

/* ---- errors and histories ---- */

static void
print_cluster(const json_t *cluster)
{
	json_t *class;
	size_t i;

	cli_print("%9" PRId64 "  ", json_int(cluster, "n"));
	print_plain(json_text(cluster, "text"), 0);
	cli_print("\n");
	json_array_foreach(json_object_get(cluster, "classes"), i, class)
	{
		cli_print("           %s  %9" PRId64 "  last %.16s in ", json_text(class, "id"),
			json_int(class, "n"), json_text(class, "lastSeenAt"));
		print_plain(json_text(class, "lastTest"), 0);
		cli_print("\n");
	}
}

int
cmd_stats_errors(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(PATH_BYTES);
	json_t *cluster;
	size_t i;

	if (buf_adds(&path, "/stats/errors") < 0 || add_options(cli, &path, false) < 0 ||
		add_param(&path, "limit", cli_text(cli, "limit")) < 0)
		return too_long(cli);
	int status = ask(cli, &remote, &path, &answer);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(answer, "items"), i, cluster) print_cluster(cluster);
	note_backlog(answer);
	return CLI_OK;
}

int
cmd_stats_history(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(PATH_BYTES);
	json_t *unit;
	size_t i;

	if (buf_adds(&path, "/stats/tests/") < 0 || remote_quote(&path, cli->args[0]) < 0 ||
		buf_adds(&path, "/history") < 0 ||
		add_param(&path, "limit", cli_text(cli, "limit")) < 0)
		return too_long(cli);
	int status = ask(cli, &remote, &path, &answer);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%-16s  %-10s  %7s  %9s  %-36s  %s\n", "FINISHED", "OUTCOME", "ATTEMPT",
		"DURATION", "JOB", "ERROR");
	json_array_foreach(json_object_get(answer, "items"), i, unit)
	{
		cli_print("%-16.16s  %-10s  %7" PRId64, json_text(unit, "finishedAt"),
			json_text(unit, "outcome"), json_int(unit, "attempt"));
		print_ms(unit, NULL, "durationMs", 9);
		cli_print("  %s  %s\n", json_text(unit, "job"), json_text(unit, "errorClass"));
	}
	return CLI_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `proctor schedule …`: what is started when. Whoever saves one sees its next ten runs before,
 * in local time.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job_file.h"
#include "cli/job_view.h"
#include "cli/params.h"
#include "cli/remote.h"

/* "/schedules/NAME" with what follows. Caller frees. */
static char *
schedule_path(const char *name, const char *rest)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (buf_adds(&path, "/schedules/") < 0 || remote_quote(&path, name) < 0 ||
		buf_adds(&path, rest) < 0)
		return xstrdup("/schedules/-"); /* no name is that long */
	return buf_steal(&path);
}

/* --- Showing --- */

static void
print_plain(const char *text, int width)
{
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(4));

	put_plain(&plain, text);
	cli_print("%-*s", width, buf_text(&plain));
}

/* "every 15m": in the largest unit of which it is a whole number. */
static int
put_every(struct buf *text, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { DAYS_MS(1), "d" }, { HOURS_MS(1), "h" }, { MINUTES_MS(1), "m" },
		{ 1000, "s" }, { 1, "ms" } };
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	return buf_addf(text, "every %" PRId64 "%s", ms / units[i].ms, units[i].name);
}

/* "cron 30 2 * * *", "every 15m", "at …". */
static void
print_when(const json_t *schedule)
{
	const json_t *every = json_object_get(schedule, "every");
	const json_t *at = json_object_get(schedule, "at");
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(1));
	int r = 0;

	if (json_object_get(schedule, "cron"))
		r = buf_adds(&text, json_text(schedule, "cron"));
	else if (json_is_integer(every))
		r = put_every(&text, json_integer_value(every));
	else if (every)
		r = buf_addf(&text, "every %s", json_text(schedule, "every"));
	else if (json_is_array(at))
		r = json_array_size(at) == 1
			? buf_addf(&text, "at %s", json_string_value(json_array_get(at, 0)))
			: buf_addf(&text, "at %zu instants", json_array_size(at));
	else
		r = buf_addf(&text, "at %s", json_text(schedule, "at"));
	if (r == 0)
		print_plain(buf_text(&text), 22);
}

static const char *
zone_text(const json_t *schedule)
{
	return json_object_get(schedule, "timezone") ? json_text(schedule, "timezone") : "UTC";
}

static void
print_row(const json_t *schedule)
{
	const json_t *next = json_object_get(schedule, "next");

	print_plain(json_text(schedule, "name"), 24);
	cli_print("  ");
	print_when(schedule);
	cli_print("  %-18s  %-8s  %-25s  %6" PRId64 "  %6" PRId64 "\n", zone_text(schedule),
		json_text(schedule, "state"), next ? json_text(next, "local") : "-",
		json_int(schedule, "fired"),
		json_int(schedule, "missedCount") + json_int(schedule, "failed"));
}

int
cmd_schedule_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *schedule;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", "/schedules", NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%-24s  %-22s  %-18s  %-8s  %-25s  %6s  %6s\n", "NAME", "WHEN", "ZONE",
		"STATE", "NEXT", "FIRED", "MISSED");
	json_array_foreach(json_object_get(answer, "items"), i, schedule) print_row(schedule);
	return CLI_OK;
}

/* One occurrence a line: local time, UTC, and what there is to say. */
static void
print_occurrences(const json_t *items)
{
	json_t *one;
	size_t i;

	json_array_foreach(items, i, one)
	{
		cli_print("  %s  %s%s%s%s\n", json_text(one, "local"), json_text(one, "at"),
			json_object_get(one, "dueAt") ? "  due " : "", json_text(one, "dueAt"),
			json_is_true(json_object_get(one, "blackout")) ? "  blackout" : "");
	}
}

static void
print_waiting(const json_t *schedule, const char *key)
{
	json_t *one, *job;
	size_t i, k;

	json_array_foreach(json_object_get(schedule, key), i, one)
	{
		cli_print("%-10s %s (%s)", key, json_text(one, "at"), json_text(one, "cause"));
		json_array_foreach(json_object_get(one, "blockedBy"), k, job) cli_print("%s%s",
			k == 0 ? ", until these have ended: " : " ", json_string_value(job));
		cli_print("\n");
	}
}

static void
print_firing(const json_t *firing)
{
	cli_print("  %s  %-6s  %s\n", json_text(firing, "at"), json_text(firing, "cause"),
		json_text(firing, "job"));
}

static void
print_one(const json_t *schedule, const json_t *next, const json_t *firings)
{
	const json_t *error = json_object_get(schedule, "lastError");
	json_t *item;
	size_t i;

	print_plain(json_text(schedule, "name"), 0);
	cli_print("  ");
	print_when(schedule);
	cli_print("  %s  %s\n", zone_text(schedule), json_text(schedule, "state"));
	json_array_foreach(json_object_get(schedule, "active"), i, item)
		cli_print("%-10s %s\n", "active", json_string_value(item));
	print_waiting(schedule, "pending");
	print_waiting(schedule, "waiting");
	if (error)
		cli_print("%-10s %s  %s\n", "error", json_text(error, "at"),
			json_text(error, "error"));
	if (json_array_size(json_object_get(next, "items")) > 0)
		cli_print("next runs:\n");
	print_occurrences(json_object_get(next, "items"));
	if (json_array_size(json_object_get(firings, "items")) > 0)
		cli_print("fired:\n");
	json_array_foreach(json_object_get(firings, "items"), i, item) print_firing(item);
}

int
cmd_schedule_show(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *schedule = NULL, *next = NULL, *firings = NULL;
	_cleanup_free_ char *path = schedule_path(cli->args[0], "");
	_cleanup_free_ char *next_path = schedule_path(cli->args[0], "/next?n=5");
	_cleanup_free_ char *firings_path = schedule_path(cli->args[0], "/firings?limit=10");
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &schedule, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(schedule);
		return CLI_OK;
	}
	if (remote_call(&remote, "GET", next_path, NULL, &next, &err) < 0 ||
		remote_call(&remote, "GET", firings_path, NULL, &firings, &err) < 0)
		return remote_fail(cli, &remote, &err);
	print_one(schedule, next, firings);
	return CLI_OK;
}

int
cmd_schedule_next(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_free_ char *rest = xasprintf("/next?n=%" PRId64, cli_number(cli, "count"));
	_cleanup_free_ char *path = schedule_path(cli->args[0], rest);
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		print_occurrences(json_object_get(answer, "items"));
	return CLI_OK;
}

/* --- Saving --- */

/* Of a dry run it is the answer. Else it goes to stderr: stdout has the answer alone. */
static void PRINTF_LIKE(2, 3) say(const struct cli *cli, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	if (cli_flag(cli, "dry-run"))
		cli_print("%s\n", line);
	else
		cli_note("%s", line);
}

static int
show_preview(struct cli *cli, struct remote *remote, const json_t *schedule, struct err *err)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;
	json_t *one;
	size_t i;

	if (remote_call(remote, "POST", "/schedules:preview", schedule, &answer, err) < 0)
		return -1;
	if (cli_flag(cli, "dry-run") && cli->json) {
		cli_print_json(answer);
		return 0;
	}
	say(cli, "next runs (%s):", json_text(answer, "timezone"));
	json_array_foreach(json_object_get(answer, "next"), i, one)
		say(cli, "  %s%s", json_text(one, "local"),
			json_is_true(json_object_get(one, "blackout")) ? "  blackout" : "");
	return 0;
}

static int
save(struct cli *cli, struct remote *remote, const json_t *schedule, bool is_new)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_free_ char *path = schedule_path(json_text(schedule, "name"), "");
	struct err err;

	if (show_preview(cli, remote, schedule, &err) < 0)
		return remote_fail(cli, remote, &err);
	if (cli_flag(cli, "dry-run"))
		return CLI_OK;
	if (remote_call(remote, is_new ? "POST" : "PUT", is_new ? "/schedules" : path, schedule,
		    &answer, &err) < 0)
		return remote_fail(cli, remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		cli_print("%s  revision %" PRId64 "  %s\n", json_text(answer, "name"),
			json_int(answer, "revision"), json_text(answer, "state"));
	return CLI_OK;
}

int
cmd_schedule_put(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	struct yaml file = { 0 };
	struct err err;
	int status;

	if (job_file_read_any(&file, cli->args[0], &err) < 0)
		return cli_fail(cli, &err);
	if (!json_is_string(json_object_get(file.root, "name"))) {
		(void)err_set(&err, ERR_INVALID, "%.100s: a schedule has a name", cli->args[0]);
		status = cli_fail(cli, &err);
	} else if (remote_open(&remote, cli, &err) < 0) {
		status = remote_fail(cli, &remote, &err);
	} else {
		status = save(cli, &remote, file.root, false);
	}
	yaml_deinit(&file);
	return status;
}

static void
put_text(json_t *schedule, const struct cli *cli, const char *option, const char *member)
{
	if (cli_given(cli, option))
		(void)json_object_set_new(schedule, member, json_string(cli_text(cli, option)));
}

static void
put_ms(json_t *schedule, const struct cli *cli, const char *option, const char *member)
{
	if (cli_given(cli, option))
		(void)json_object_set_new(
			schedule, member, json_integer(cli_number(cli, option)));
}

static json_t *
schedule_of_options(const struct cli *cli)
{
	const struct cli_value *at = cli_all(cli, "at"), *params = cli_all(cli, "param");
	const char *what = cli_given(cli, "template") ? "template" : "flow";
	json_t *schedule = json_object(), *start = json_object(), *list = json_array();

	(void)json_object_set_new(schedule, "name", json_string(cli->args[0]));
	put_text(schedule, cli, "cron", "cron");
	put_ms(schedule, cli, "every", "every");
	for (size_t i = 0; i < at->n; i++)
		(void)json_array_append_new(list, json_string(at->text[i]));
	if (at->n > 0)
		(void)json_object_set(schedule, "at", list);
	json_decref(list);
	put_text(schedule, cli, "zone", "timezone");
	put_text(schedule, cli, "missed", "missed");
	put_text(schedule, cli, "overlap", "overlap");
	put_ms(schedule, cli, "jitter", "jitter");
	if (cli_flag(cli, "paused"))
		(void)json_object_set_new(schedule, "paused", json_true());
	(void)json_object_set_new(start, what, json_string(cli_text(cli, what)));
	if (params->n > 0)
		(void)json_object_set_new(
			start, "params", params_given(params->text, params->n));
	(void)json_object_set_new(schedule, "start", start);
	return schedule;
}

int
cmd_schedule_add(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *schedule = NULL;
	struct err err;

	if (cli_given(cli, "template") == cli_given(cli, "flow")) {
		(void)err_set(&err, ERR_INVALID,
			"--template or --flow says what is started; \"schedule put FILE\" takes any job");
		return cli_fail(cli, &err);
	}
	schedule = schedule_of_options(cli);
	if (remote_open(&remote, cli, &err) < 0)
		return remote_fail(cli, &remote, &err);
	return save(cli, &remote, schedule, true);
}

/* --- Commands --- */

/* pause, resume */
int
cmd_schedule_command(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_free_ char *rest = xasprintf("/%s", cli->command->verb);
	_cleanup_free_ char *path = schedule_path(cli->args[0], rest);
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "POST", path, NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		cli_print("%s  %s\n", json_text(answer, "name"), json_text(answer, "state"));
	return CLI_OK;
}

int
cmd_schedule_fire(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL, *body = json_object();
	_cleanup_free_ char *path = schedule_path(cli->args[0], "/fire");
	struct err err;

	put_text(body, cli, "overlap", "overlap");
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "POST", path, body, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		cli_print("%s  fires as %s\n", cli->args[0], json_text(answer, "at"));
	return CLI_OK;
}

int
cmd_schedule_delete(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *path = schedule_path(cli->args[0], "");
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "DELETE", path, NULL, NULL, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (!cli->json)
		cli_print("%s  deleted; its jobs stay\n", cli->args[0]);
	return CLI_OK;
}

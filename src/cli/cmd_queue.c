/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor queue …`, and what changes jobs that wait: docs/protocol/queues.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/job_view.h"
#include "cli/remote.h"

/* "/queues/NAME" with what follows; the name is quoted. -1: it is too long. */
static int
queue_path(struct buf *path, const char *name, const char *rest, struct err *err)
{
	if (buf_adds(path, "/queues/") < 0 || remote_quote(path, name) < 0 ||
		buf_adds(path, rest) < 0)
		return err_set(err, ERR_LIMIT, "the queue's name is too long");
	return 0;
}

/* ---- showing ---- */

static void
print_queue(const json_t *queue)
{
	const json_t *figures = json_object_get(queue, "figures");
	int64_t most = json_int(queue, "concurrency");
	_cleanup_(buf_deinit) struct buf name = BUF_INIT(KIB(4));
	char limit[24] = "-";

	put_plain(&name, json_text(queue, "name"));
	if (most > 0)
		(void)snprintf(limit, sizeof limit, "%" PRId64, most);
	cli_print("%-24s  %-8s  %8" PRId64 "  %7" PRId64 "  %5s  %6" PRId64 "  %6" PRId64
		  "  %s\n",
		buf_text(&name), json_text(queue, "state"), json_int(queue, "priority"),
		json_int(figures, "running"), limit, json_int(figures, "ready"),
		json_int(figures, "held"),
		json_text(figures, "oldestAt")[0] ? json_text(figures, "oldestAt") : "-");
}

static void
print_head(void)
{
	cli_print("%-24s  %-8s  %8s  %7s  %5s  %6s  %6s  %s\n", "QUEUE", "STATE", "PRIORITY",
		"RUNNING", "LIMIT", "READY", "HELD", "OLDEST");
}

int
cmd_queue_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *queue;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", "/queues", NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	print_head();
	json_array_foreach(json_object_get(answer, "items"), i, queue) print_queue(queue);
	return CLI_OK;
}

static int
call_queue(struct cli *cli, const char *method, const char *rest, const json_t *body)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;

	if (queue_path(&path, cli->args[0], rest, &err) < 0)
		return cli_fail(cli, &err);
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, method, buf_text(&path), body, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json || strcmp(method, "GET") == 0)
		cli_print_json(answer);
	else
		cli_print("%s  %s\n", cli->args[0], json_text(answer, "state"));
	return CLI_OK;
}

int
cmd_queue_show(struct cli *cli)
{
	return call_queue(cli, "GET", "", NULL);
}

int
cmd_queue_command(struct cli *cli)
{
	_cleanup_(buf_deinit) struct buf rest = BUF_INIT(64);

	if (buf_addf(&rest, "/%s", cli->command->verb) < 0)
		return CLI_ERRORED;
	return call_queue(cli, "POST", buf_text(&rest), NULL);
}

/* ---- settings ---- */

/* "10/1m" or "10/1m/3". NULL with err: it is none. */
static json_t *
rate_of_text(const char *text, struct err *err)
{
	struct str rest = str_of(text);
	struct str limit = str_split_first(&rest, '/'), per = str_split_first(&rest, '/');
	json_t *rate;
	char number[24];
	long long n, burst = 0;
	int end = 0;

	(void)snprintf(number, sizeof number, STR_FMT, STR_ARG(limit));
	if (limit.n == 0 || limit.n >= sizeof number || per.n == 0 ||
		sscanf(number, "%lld%n", &n, &end) != 1 || number[end] != '\0')
		goto refuse;
	rate = json_pack("{s:I, s:s#}", "limit", (json_int_t)n, "per", per.p, (int)per.n);
	if (rest.n > 0) {
		(void)snprintf(number, sizeof number, STR_FMT, STR_ARG(rest));
		if (sscanf(number, "%lld%n", &burst, &end) != 1 || number[end] != '\0') {
			json_decref(rate);
			goto refuse;
		}
		(void)json_object_set_new(rate, "burst", json_integer(burst));
	}
	return rate;
refuse:
	(void)err_set(err, ERR_INVALID,
		"\"%.60s\" is no rate: NUMBER/TIME or NUMBER/TIME/BURST, as 10/1m", text);
	return NULL;
}

/* "site=2", "site=slow.example:1", "site=10/1m", "site=slow.example:1/1h". */
static json_t *
limit_of_text(const char *text, struct err *err)
{
	struct str rest = str_of(text);
	struct str key = str_split_first(&rest, '=');
	const char *colon = rest.n > 0 ? memrchr(rest.p, ':', rest.n) : NULL;
	struct str amount =
		colon ? str_from(colon + 1, rest.n - (size_t)(colon + 1 - rest.p)) : rest;
	_cleanup_(json_unrefp) json_t *limit = NULL;
	char number[64];
	long long n;
	int end = 0;

	if (key.n == 0 || amount.n == 0 || amount.n >= sizeof number)
		goto refuse;
	limit = json_pack("{s:s#}", "key", key.p, (int)key.n);
	if (colon)
		(void)json_object_set_new(
			limit, "value", json_stringn(rest.p, (size_t)(colon - rest.p)));
	(void)snprintf(number, sizeof number, STR_FMT, STR_ARG(amount));
	if (strchr(number, '/')) {
		json_t *rate = rate_of_text(number, err);
		if (!rate)
			return NULL;
		(void)json_object_set_new(limit, "rate", rate);
	} else if (sscanf(number, "%lld%n", &n, &end) == 1 && number[end] == '\0') {
		(void)json_object_set_new(limit, "concurrency", json_integer(n));
	} else {
		goto refuse;
	}
	return TAKE(limit);
refuse:
	(void)err_set(err, ERR_INVALID,
		"\"%.60s\" is no limit: KEY=RUNS, KEY=VALUE:RUNS, or with a rate for RUNS",
		text);
	return NULL;
}

static void
set_number(json_t *body, const struct cli *cli, const char *option, const char *member)
{
	if (cli_given(cli, option))
		(void)json_object_set_new(body, member, json_integer(cli_number(cli, option)));
}

/* NULL with err. */
static json_t *
settings_of_options(const struct cli *cli, struct err *err)
{
	_cleanup_(json_unrefp) json_t *body = json_object();
	const struct cli_value *limits = cli_all(cli, "limit");
	const char *rate = cli_text(cli, "rate"), *fair = cli_text(cli, "fair-by");

	set_number(body, cli, "priority", "priority");
	set_number(body, cli, "concurrency", "concurrency");
	set_number(body, cli, "ageing", "ageing");
	set_number(body, cli, "share", "share");
	if (fair)
		(void)json_object_set_new(body, "fairBy", json_string(fair));
	if (rate) {
		json_t *value =
			strcmp(rate, "none") == 0 ? json_null() : rate_of_text(rate, err);
		if (!value)
			return NULL;
		(void)json_object_set_new(body, "rate", value);
	}
	if (limits->n == 0)
		return TAKE(body);
	json_t *list = json_array();
	(void)json_object_set_new(body, "limits", list);
	for (size_t i = 0; i < limits->n && strcmp(limits->text[i], "none") != 0; i++) {
		json_t *limit = limit_of_text(limits->text[i], err);
		if (!limit)
			return NULL;
		(void)json_array_append_new(list, limit);
	}
	return TAKE(body);
}

int
cmd_queue_set(struct cli *cli)
{
	struct err err;
	_cleanup_(json_unrefp) json_t *body = settings_of_options(cli, &err);

	if (!body)
		return cli_fail(cli, &err);
	return call_queue(cli, "PUT", "", body);
}

/* ---- jobs that wait ---- */

static int
call_job(struct cli *cli, const char *method, const char *rest, const json_t *body)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;

	if (buf_adds(&path, "/jobs/") < 0 || remote_quote(&path, cli->args[0]) < 0 ||
		buf_adds(&path, rest) < 0) {
		(void)err_set(&err, ERR_LIMIT, "the id is too long");
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, method, buf_text(&path), body, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		job_print(answer);
	return CLI_OK;
}

/* NAME=VALUE of each; numbers stay numbers when asked for. */
static void
set_pairs(json_t *body, const struct cli *cli, const char *option, const char *member,
	bool numbers)
{
	const struct cli_value *pairs = cli_all(cli, option);
	json_t *object = json_object();

	for (size_t i = 0; i < pairs->n; i++) {
		struct str value = str_of(pairs->text[i]);
		struct str name = str_split_first(&value, '=');
		char key[LABEL_BYTES_MAX + 1];
		double amount;
		int end = 0;

		(void)snprintf(key, sizeof key, STR_FMT, STR_ARG(name));
		const char *text = value.p ? value.p : "";
		bool is_number = numbers && sscanf(text, "%lf%n", &amount, &end) == 1 &&
			text[end] == '\0';
		(void)json_object_set_new(
			object, key, is_number ? json_real(amount) : json_string(text));
	}
	if (pairs->n > 0)
		(void)json_object_set_new(body, member, object);
	else
		json_decref(object);
}

static json_t *
edit_of_options(const struct cli *cli)
{
	json_t *body = json_object();

	set_number(body, cli, "priority", "priority");
	set_number(body, cli, "expires-after", "expiresAfter");
	if (cli_given(cli, "queue"))
		(void)json_object_set_new(body, "queue", json_string(cli_text(cli, "queue")));
	if (cli_given(cli, "run-at"))
		(void)json_object_set_new(body, "runAt", json_string(cli_text(cli, "run-at")));
	set_pairs(body, cli, "label", "labels", false);
	set_pairs(body, cli, "job-key", "keys", false);
	set_pairs(body, cli, "need", "needs", true);
	return body;
}

int
cmd_job_edit(struct cli *cli)
{
	_cleanup_(json_unrefp) json_t *body = edit_of_options(cli);

	return call_job(cli, "PATCH", "", body);
}

int
cmd_job_move(struct cli *cli)
{
	_cleanup_(json_unrefp) json_t *body = json_object();

	if (cli_given(cli, "before"))
		(void)json_object_set_new(body, "before", json_string(cli_text(cli, "before")));
	if (cli_given(cli, "after"))
		(void)json_object_set_new(body, "after", json_string(cli_text(cli, "after")));
	if (cli_flag(cli, "top"))
		(void)json_object_set_new(body, "top", json_true());
	return call_job(cli, "POST", "/move", body);
}

/* ---- many jobs ---- */

static const struct {
	const char *option, *member;
	bool is_list;
} filters[] = { { "status", "status", true }, { "tag", "tag", true }, { "name", "name", false },
	{ "queue", "queue", false }, { "template", "template", false },
	{ "created-after", "createdAfter", false },
	{ "created-before", "createdBefore", false } };

bool
cli_has_filter(const struct cli *cli)
{
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		if (cli_given(cli, filters[i].option))
			return true;
	}
	return false;
}

static json_t *
filter_of_options(const struct cli *cli)
{
	json_t *filter = json_object();

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		const struct cli_value *value = cli_all(cli, filters[i].option);
		json_t *list = json_array();

		for (size_t k = 0; k < value->n; k++)
			(void)json_array_append_new(list, json_string(value->text[k]));
		if (value->n > 0)
			(void)json_object_set(filter, filters[i].member,
				filters[i].is_list ? list : json_array_get(list, 0));
		json_decref(list);
	}
	return filter;
}

static int
show_matching(const struct cli *cli, const json_t *dry)
{
	json_t *job;
	size_t i;

	if (cli->json) {
		cli_print_json(dry);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(dry, "sample"), i, job) cli_print("%s  %s  %s\n",
		json_text(job, "id"), json_text(job, "status"), json_text(job, "name"));
	cli_print("%s: %" PRId64 " jobs match; nothing was done\n", cli->command->verb,
		json_int(dry, "count"));
	return CLI_OK;
}

/* Shows what it is about and asks. A pipe cannot answer: --yes says so there. */
static bool
is_wanted(const struct cli *cli, const json_t *dry)
{
	char answer[8];
	json_t *job;
	size_t i;

	if (cli_flag(cli, "yes"))
		return true;
	json_array_foreach(json_object_get(dry, "sample"), i, job) cli_note("%s  %s  %s",
		json_text(job, "id"), json_text(job, "status"), json_text(job, "name"));
	cli_note("%s %" PRId64 " jobs? [y/N]", cli->command->verb, json_int(dry, "count"));
	if (!isatty(STDIN_FILENO) || !fgets(answer, sizeof answer, stdin))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

int
cli_job_each(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *dry = NULL, *done = NULL;
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s, s:o, s:b}", "action",
		cli->command->verb, "filter", filter_of_options(cli), "dryRun", 1);
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "POST", "/jobs:action", body, &dry, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli_flag(cli, "dry-run"))
		return show_matching(cli, dry);
	if (json_int(dry, "count") == 0 || !is_wanted(cli, dry)) {
		cli_note("nothing was done: %" PRId64 " jobs match%s", json_int(dry, "count"),
			json_int(dry, "count") > 0 ? "; --yes does it" : "");
		return json_int(dry, "count") == 0 ? CLI_OK : CLI_USAGE;
	}
	(void)json_object_set_new(body, "dryRun", json_false());
	(void)json_object_set(body, "expect", json_object_get(dry, "count"));
	if (remote_call(&remote, "POST", "/jobs:action", body, &done, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(done);
	else
		cli_print("%s: %" PRId64 " done, %" PRId64 " not\n", cli->command->verb,
			json_int(done, "done"), json_int(done, "failed"));
	return CLI_OK;
}

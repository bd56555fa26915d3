/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `proctor flow …`: flows on a server, or with one of this command's own, as `proctor run` has.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/embedded.h"
#include "cli/flow_request.h"
#include "cli/flow_view.h"
#include "cli/follow.h"
#include "cli/job_file.h"
#include "cli/job_view.h"
#include "cli/params.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/services.h"

enum { NO_CONDITION = -1 };

struct flow_cmd {
	struct cli *cli;
	struct arena arena;
	struct job_file file; /* of run FILE; else empty */
	bool has_file;
	struct embedded embedded;
	struct services services;
	char id[UUID_TEXT_LEN + 1];
};

/* "/flow-runs/ID" with what follows. Caller frees. */
static char *
run_path(const char *id, const char *rest)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (buf_adds(&path, "/flow-runs/") < 0 || remote_quote(&path, id) < 0 ||
		buf_adds(&path, rest) < 0)
		return xstrdup("/flow-runs/-"); /* no id is that long */
	return buf_steal(&path);
}

/* --- The server --- */

static bool
names_server(const struct cli *cli)
{
	return cli_given(cli, "url");
}

/* The server that is named or has the data directory; else one that leaves with this command.
 */
static int
open_server(struct flow_cmd *cmd, struct err *err)
{
	struct embedded_wants wants = { 0 };
	const char *data_dir;

	if (names_server(cmd->cli))
		return remote_open(&cmd->embedded.remote, cmd->cli, err);
	data_dir = paths_data_dir(&cmd->arena, cli_text(cmd->cli, "data"), err);
	if (!data_dir)
		return -1;
	embedded_want_needs(&wants, cmd->file.job);
	return embedded_start(&cmd->embedded, data_dir, &wants, err);
}

static int
start_services(struct flow_cmd *cmd, struct err *err)
{
	const char *log_dir;

	if (!cmd->file.services)
		return 0;
	log_dir = paths_data_dir(&cmd->arena, cli_text(cmd->cli, "data"), err);
	if (!log_dir)
		return -1;
	return services_start(
		&cmd->services, cmd->file.services, cmd->file.dir, log_dir, NULL, err);
}

static void
deinit(struct flow_cmd *cmd)
{
	services_stop(&cmd->services);
	if (names_server(cmd->cli))
		remote_deinit(&cmd->embedded.remote);
	else
		embedded_stop(&cmd->embedded);
	if (cmd->has_file)
		job_file_deinit(&cmd->file);
	arena_deinit(&cmd->arena);
}

static void
init(struct flow_cmd *cmd, struct cli *cli)
{
	*cmd = (struct flow_cmd) { .cli = cli, .embedded = { .pidfd = -1, .stdin_fd = -1 } };
	arena_init(&cmd->arena, MIB(1));
}

/* What went wrong, with the lines of the file that it is about. */
static int
fail(struct flow_cmd *cmd, const struct err *err)
{
	const struct remote *remote = &cmd->embedded.remote;

	if (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)
		return cli_fail_with(
			cmd->cli, names_server(cmd->cli) ? CLI_UNREACHABLE : CLI_ERRORED, err);
	if (cmd->has_file)
		return remote_fail_file(cmd->cli, remote, cmd->file.path,
			cmd->file.yaml.root ? &cmd->file.yaml : NULL, err);
	if (cmd->cli->n_args == 0)
		flow_request_name_offences(cmd->cli, remote->problem);
	return remote_fail(cmd->cli, remote, err);
}

/* --- Starting --- */

static bool
is_path(const char *text)
{
	struct stat info;

	return stat(text, &info) == 0;
}

static int
post(struct flow_cmd *cmd, const char *path, const json_t *body, json_t **ret, struct err *err)
{
	return remote_call(&cmd->embedded.remote, "POST", path, body, ret, err);
}

/* A saved flow by name. */
static int
start_saved(struct flow_cmd *cmd, const char *name, json_t **ret, struct err *err)
{
	const struct cli_value *given = cli_all(cmd->cli, "param");
	_cleanup_(json_unrefp) json_t *params = params_given(given->text, given->n);
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:O}", "params", params);
	_cleanup_(json_unrefp) json_t *saved = NULL;
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (buf_adds(&path, "/flows/") < 0 || remote_quote(&path, name) < 0)
		return err_set(err, ERR_LIMIT, "the name is too long");
	if (remote_call(&cmd->embedded.remote, "GET", path.data, NULL, &saved, err) < 0 ||
		params_retype(params, json_object_get(saved, "params"), err) < 0)
		return -1;
	if (buf_adds(&path, "/start") < 0)
		return err_set(err, ERR_LIMIT, "the name is too long");
	return post(cmd, path.data, body, ret, err);
}

static int
start_file(struct flow_cmd *cmd, json_t **ret, struct err *err)
{
	job_file_localize(&cmd->file);
	return post(cmd, "/jobs", cmd->file.job, ret, err);
}

static int
start_line(struct flow_cmd *cmd, json_t **ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *flow =
		flow_request_line(cmd->cli, &cmd->embedded.remote, err);

	return flow ? post(cmd, "/jobs", flow, ret, err) : -1;
}

/* A file that is named is read, with those of its stages, before any server is bothered. */
static int
read_file(struct flow_cmd *cmd, struct err *err)
{
	if (cmd->cli->n_args == 0 || !is_path(cmd->cli->args[0]))
		return 0;
	cmd->has_file = true;
	if (job_file_load(&cmd->file, cmd->cli, err) < 0)
		return -1;
	return flow_request_files(&cmd->file, err);
}

static int
start_flow(struct flow_cmd *cmd, json_t **ret, struct err *err)
{
	int r;

	if (cmd->has_file)
		r = start_file(cmd, ret, err);
	else if (cmd->cli->n_args > 0)
		r = start_saved(cmd, cmd->cli->args[0], ret, err);
	else
		r = start_line(cmd, ret, err);
	if (r < 0)
		return -1;
	(void)snprintf(cmd->id, sizeof cmd->id, "%s", json_text(*ret, "id"));
	return 0;
}

/* --- Following --- */

static int
end_status(struct flow_cmd *cmd, int end, struct err *err)
{
	_cleanup_free_ char *path = run_path(cmd->id, "");
	_cleanup_(json_unrefp) json_t *flow = NULL;

	if (end == FOLLOW_LEFT)
		return CLI_INTERRUPTED;
	if (remote_call(&cmd->embedded.remote, "GET", path, NULL, &flow, err) < 0)
		return -1;
	if (cmd->cli->json)
		cli_print_json(flow);
	else
		flow_print(flow);
	if (end == FOLLOW_INTERRUPTED)
		return CLI_INTERRUPTED;
	if (end == FOLLOW_GAVE_UP)
		return CLI_GAVE_UP;
	return flow_exit_status(flow);
}

static int
write_report(struct flow_cmd *cmd, const char *format, struct err *err)
{
	const char *file = cli_text(cmd->cli, format);
	_cleanup_free_ char *path = xasprintf("/jobs/%s/report?format=%s", cmd->id, format);

	if (!file)
		return 0;
	if (remote_fetch_file(&cmd->embedded.remote, path, file, err) < 0)
		return err_wrap(err, "--%s", format);
	return 0;
}

static int
follow(struct flow_cmd *cmd, const char *name, bool writes_reports, struct err *err)
{
	struct progress progress;

	progress_init(&progress, name, cli_flag(cmd->cli, "quiet") || cmd->cli->json);
	progress.is_live = false; /* its lines are worth keeping */
	if (!progress.is_quiet)
		cli_print("flow %s  %s\n", cmd->id, name);
	int end = follow_job(&cmd->embedded, cmd->id, &progress, 0, err);
	progress_deinit(&progress);
	if (end < 0)
		return -1;
	int status = end_status(cmd, end, err);
	if (status >= 0 && writes_reports &&
		(write_report(cmd, "html", err) < 0 || write_report(cmd, "junit", err) < 0))
		return -1;
	return status;
}

static int
check_run_args(const struct cli *cli, struct err *err)
{
	bool is_line = cli_text(cli, "until") != NULL;

	if (is_line == (cli->n_args > 0))
		return err_set(err, ERR_INVALID,
			"name a file, a folder or a saved flow, or say --until with --prepare and --then");
	return 0;
}

int
cmd_flow_run(struct cli *cli)
{
	_cleanup_(json_unrefp) json_t *flow = NULL;
	struct flow_cmd cmd;
	struct err err;
	int status;

	init(&cmd, cli);
	if (check_run_args(cli, &err) < 0)
		status = cli_fail(cli, &err);
	else if (read_file(&cmd, &err) < 0)
		status = job_file_fail(cli, &cmd.file, &err);
	else if (open_server(&cmd, &err) < 0 || start_services(&cmd, &err) < 0 ||
		start_flow(&cmd, &flow, &err) < 0)
		status = fail(&cmd, &err);
	else
		status = follow(&cmd, json_text(flow, "name"), true, &err);
	if (status < 0)
		status = fail(&cmd, &err);
	deinit(&cmd);
	return status;
}

/* --- On a server: start, watch, show, list --- */

/* Starts what was made and prints its id, or follows it. */
static int
submit(struct cli *cli, struct remote *remote, const json_t *body)
{
	_cleanup_(json_unrefp) json_t *flow = NULL;
	struct err err;

	if (remote_call(remote, "POST", "/jobs", body, &flow, &err) < 0) {
		flow_request_name_offences(cli, remote->problem);
		return remote_fail(cli, remote, &err);
	}
	if (cli->json)
		cli_print_json(flow);
	else
		cli_print("%s\n", json_text(flow, "id"));
	return CLI_OK;
}

int
cmd_flow_start(struct cli *cli)
{
	_cleanup_(json_unrefp) json_t *flow = NULL;
	struct flow_cmd cmd;
	struct err err;
	int status = CLI_OK;

	init(&cmd, cli);
	if (check_run_args(cli, &err) < 0) {
		status = cli_fail(cli, &err);
	} else if (read_file(&cmd, &err) < 0) {
		status = job_file_fail(cli, &cmd.file, &err);
	} else if (remote_open(&cmd.embedded.remote, cli, &err) < 0 ||
		start_flow(&cmd, &flow, &err) < 0) {
		status = fail(&cmd, &err);
	} else if (cli->json) {
		cli_print_json(flow);
	} else {
		cli_print("%s\n", cmd.id);
	}
	remote_deinit(&cmd.embedded.remote);
	if (cmd.has_file)
		job_file_deinit(&cmd.file);
	arena_deinit(&cmd.arena);
	return status;
}

struct watching {
	struct cli *cli;
	bool is_over;
};

static int
on_watched(void *arg, json_t *event)
{
	_cleanup_(buf_deinit) struct buf line = BUF_INIT(MIB(1));
	struct watching *watching = arg;

	if (watching->cli->json) {
		_cleanup_free_ char *text = json_dumps(event, JSON_COMPACT);
		cli_print("%s\n", text ? text : "");
		return 0;
	}
	if (cli_flag(watching->cli, "quiet"))
		return 0;
	flow_put_event(&line, event, colour_wanted(STDOUT_FILENO));
	if (line.len > 0)
		cli_write(line.data, line.len);
	return 0;
}

int
cmd_flow_watch(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *events = xasprintf("/jobs/%s/events", cli->args[0]);
	_cleanup_free_ char *path = run_path(cli->args[0], "");
	_cleanup_(json_unrefp) json_t *flow = NULL;
	struct watching watching = { .cli = cli };
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &flow, &err) < 0 ||
		remote_events(&remote, events, 0, on_watched, &watching, &err) < 0)
		return remote_fail(cli, &remote, &err);
	json_decref(TAKE(flow));
	if (remote_call(&remote, "GET", path, NULL, &flow, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (!cli->json)
		flow_print(flow);
	return flow_exit_status(flow);
}

int
cmd_flow_show(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *path = run_path(cli->args[0], "");
	_cleanup_(json_unrefp) json_t *flow = NULL;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &flow, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(flow);
	else
		flow_print(flow);
	return CLI_OK;
}

static void
print_runs(const json_t *answer)
{
	json_t *job;
	size_t i;

	job_print_head();
	json_array_foreach(json_object_get(answer, "items"), i, job) job_print_line(job);
	if (json_text(answer, "nextCursor")[0])
		cli_note("more: --cursor %s", json_text(answer, "nextCursor"));
}

int
cmd_flow_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	const struct cli_value *states = cli_all(cli, "status");
	const char *cursor = cli_text(cli, "cursor");
	struct err err;
	int r = buf_addf(&path, "/flow-runs?limit=%" PRId64, cli_number(cli, "limit"));

	for (size_t i = 0; r == 0 && i < states->n; i++)
		r = buf_adds(&path, "&status=") < 0 ? -1 : remote_quote(&path, states->text[i]);
	if (r == 0 && cursor)
		r = buf_adds(&path, "&cursor=") < 0 ? -1 : remote_quote(&path, cursor);
	if (r < 0) {
		(void)err_set(&err, ERR_LIMIT, "too many filters");
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path.data, NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		print_runs(answer);
	return CLI_OK;
}

/* --- Decisions and signals --- */

static char *
stage_path(struct cli *cli, const char *verb)
{
	_cleanup_(buf_deinit) struct buf rest = BUF_INIT(URL_BYTES_MAX);

	if (buf_adds(&rest, "/stages/") < 0 || remote_quote(&rest, cli->args[1]) < 0 ||
		buf_addf(&rest, "/%s", verb) < 0)
		return run_path(cli->args[0], "/stages/-");
	return run_path(cli->args[0], rest.data);
}

/* The place of the condition with that name, among those of the stage. -1: err. */
static int
find_condition(const json_t *flow, const char *stage, const char *name, struct err *err)
{
	json_t *one, *condition;
	size_t i, k;

	json_array_foreach(json_object_get(flow, "stages"), i, one)
	{
		if (strcmp(json_text(one, "name"), stage) != 0)
			continue;
		json_array_foreach(json_object_get(one, "conditions"), k, condition)
		{
			if (strcmp(json_text(condition, "name"), name) == 0)
				return (int)k;
		}
	}
	return err_set(err, ERR_NOT_FOUND,
		"--condition: stage \"%.100s\" waits for nothing that is called \"%.100s\"",
		stage, name);
}

/* What --condition says, by name or place. NO_CONDITION: nothing. -2: err. */
static int
condition_of(struct cli *cli, struct remote *remote, struct err *err)
{
	const char *text = cli_text(cli, "condition");
	_cleanup_free_ char *path = run_path(cli->args[0], "");
	_cleanup_(json_unrefp) json_t *flow = NULL;
	int64_t place;

	if (!text)
		return NO_CONDITION;
	if (parse_i64(str_of(text), 0, WAIT_CONDITIONS_MAX - 1, &place, NULL) == 0)
		return (int)place;
	if (remote_call(remote, "GET", path, NULL, &flow, err) < 0 ||
		(place = find_condition(flow, cli->args[1], text, err)) < 0)
		return -2;
	return (int)place;
}

/* A signal's body is its payload, so there the condition is in the address. */
static int
send_to_stage(struct cli *cli, const char *verb, json_t *body, bool is_signal)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *plain = stage_path(cli, verb), *path = NULL;
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	int condition;

	if (remote_open(&remote, cli, &err) < 0 ||
		(condition = condition_of(cli, &remote, &err)) == -2)
		return remote_fail(cli, &remote, &err);
	if (condition != NO_CONDITION && !is_signal)
		(void)json_object_set_new(body, "condition", json_integer(condition));
	path = condition != NO_CONDITION && is_signal
		? xasprintf("%s?condition=%d", plain, condition)
		: TAKE(plain);
	if (remote_call(&remote, "POST", path, body, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		flow_print(answer);
	return CLI_OK;
}

/* NULL: nobody knows, as in a container whose user has no name. */
static const char *
login_name(void)
{
	const char *user = getenv("USER");
	const struct passwd *entry = user && user[0] ? NULL : getpwuid(getuid());

	return user && user[0] ? user : entry ? entry->pw_name : NULL;
}

int
cmd_flow_decide(struct cli *cli)
{
	_cleanup_(json_unrefp) json_t *body = json_object();
	const char *by = cli_text(cli, "by"), *note = cli_text(cli, "note");

	if (!by)
		by = login_name();
	if (by)
		(void)json_object_set_new(body, "by", json_string(by));
	if (note)
		(void)json_object_set_new(body, "note", json_string(note));
	return send_to_stage(cli, cli->command->verb, body, false);
}

int
cmd_flow_signal(struct cli *cli)
{
	const char *text = cli_text(cli, "payload");
	_cleanup_(json_unrefp) json_t *payload = NULL;
	struct err err;

	if (text) {
		payload = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);
		if (!payload) {
			(void)err_wrap(&err, "--payload");
			return cli_fail(cli, &err);
		}
	}
	return send_to_stage(cli, "signal", payload, true);
}

/* --- Again --- */

int
cmd_flow_restart(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *body = json_object(), *job = NULL;
	const char *stage = cli_text(cli, "stage"), *from = cli_text(cli, "from");
	struct err err;

	if (stage && cli_given(cli, "from")) {
		(void)err_set(&err, ERR_INVALID,
			"--stage and --from do not go together: both say where to begin");
		return cli_fail(cli, &err);
	}
	(void)json_object_set_new(body, "from", json_string(stage ? "stage" : from));
	if (stage)
		(void)json_object_set_new(body, "stage", json_string(stage));
	if (buf_adds(&path, "/jobs/") < 0 || remote_quote(&path, cli->args[0]) < 0 ||
		buf_adds(&path, "/start") < 0) {
		(void)err_set(&err, ERR_LIMIT, "no id is that long");
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "POST", path.data, body, &job, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(job);
	else
		cli_print("%s  %s\n", json_text(job, "id"), json_text(job, "status"));
	return CLI_OK;
}

/* --- The short forms --- */

static json_t *
params_of(const struct cli *cli)
{
	const struct cli_value *given = cli_all(cli, "param");

	return params_given(given->text, given->n);
}

/* One request for each name. NULL: err. */
static json_t *
requests_of(struct cli *cli, struct remote *remote, struct err *err)
{
	_cleanup_(json_unrefp) json_t *params = params_of(cli), *list = json_array();

	for (size_t i = 0; i < cli->n_args; i++) {
		json_t *one = flow_request_of_name(remote, cli->args[i], params, NULL, err);

		if (!one)
			return NULL;
		(void)json_array_append_new(list, one);
	}
	return json_incref(list);
}

static json_t *
named(const struct cli *cli, const char *preset)
{
	const char *name = cli_text(cli, "name");

	return json_pack("{s:s}", "name", name ? name : preset);
}

int
cmd_flow_chain(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *body = named(cli, "chain"), *list = NULL;
	const struct cli_value *pass = cli_all(cli, "pass");
	struct err err;

	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	list = requests_of(cli, &remote, &err);
	if (!list)
		return remote_fail(cli, &remote, &err);
	(void)json_object_set(body, "chain", list);
	if (pass->n > 0)
		(void)json_object_set_new(body, "pass", params_given(pass->text, pass->n));
	return submit(cli, &remote, body);
}

int
cmd_flow_parallel(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *body = named(cli, "parallel"), *list = NULL;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	list = requests_of(cli, &remote, &err);
	if (!list)
		return remote_fail(cli, &remote, &err);
	(void)json_object_set(body, "parallel", list);
	if (cli_given(cli, "limit"))
		(void)json_object_set_new(
			body, "limit", json_integer(cli_number(cli, "limit")));
	if (cli_flag(cli, "allow-failures"))
		(void)json_object_set_new(body, "allowFailures", json_true());
	return submit(cli, &remote, body);
}

static void
set_duration(json_t *object, const struct cli *cli, const char *option, const char *member)
{
	if (cli_given(cli, option))
		(void)json_object_set_new(
			object, member, json_integer(cli_number(cli, option)));
}

/* -1: err. */
static int
set_factor(json_t *object, const struct cli *cli, struct err *err)
{
	const char *text = cli_text(cli, "factor");
	double factor;

	if (!text)
		return 0;
	if (parse_double(str_of(text), 1, RETRY_FACTOR_MAX, &factor, err) < 0)
		return err_wrap(err, "--factor");
	(void)json_object_set_new(object, "factor", json_real(factor));
	return 0;
}

int
cmd_flow_retry(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *body = named(cli, cli->args[0]), *list = NULL;
	json_t *attempts, *name;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	list = requests_of(cli, &remote, &err);
	if (!list)
		return remote_fail(cli, &remote, &err);
	name = json_object_get(json_array_get(list, 0), "name");
	if (name && !cli_text(cli, "name"))
		(void)json_object_set(body, "name", name);
	attempts = json_pack("{s:I, s:O}", "max", (json_int_t)cli_number(cli, "attempts"),
		"run", json_array_get(list, 0));
	set_duration(attempts, cli, "delay", "delay");
	set_duration(attempts, cli, "timeout", "timeout");
	(void)json_object_set_new(body, "attempts", attempts);
	if (set_factor(attempts, cli, &err) < 0)
		return cli_fail(cli, &err);
	return submit(cli, &remote, body);
}

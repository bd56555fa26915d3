/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is evaluated here: `$` names become expressions, which the server fills in. */
#include "cli/flow_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/job_view.h"
#include "cli/params.h"
#include "core/params.h"

#define PREPARE "prepare"
#define WAIT "wait"
#define VALIDATE "validate"

/* --- Names --- */

static bool
is_file(const char *name)
{
	struct stat info;

	return stat(name, &info) == 0 && S_ISREG(info.st_mode);
}

static int
get(struct remote *remote, const char *kind, const char *name, json_t **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (buf_addf(&path, "/%s/", kind) < 0 || remote_quote(&path, name) < 0)
		return err_set(err, ERR_LIMIT, "\"%.60s…\" is too long for a name", name);
	return remote_call(remote, "GET", path.data, NULL, ret, err);
}

/* The given ones get the types of the declarations. What is required besides is a result of
 * the stage before. */
static json_t *
of_template(const json_t *template, const json_t *params, const char *before, struct err *err)
{
	json_t *declared = json_object_get(template, "params"), *declaration;
	_cleanup_(json_unrefp) json_t *values = json_object();
	const char *name;

	json_object_foreach(declared, name, declaration)
	{
		json_t *given = json_object_get(params, name);
		if (given)
			(void)json_object_set(values, name, given);
	}
	if (params_retype(values, declared, err) < 0)
		return NULL;
	json_object_foreach(declared, name, declaration)
	{
		if (before && params_is_required(declaration) && !json_object_get(values, name))
			(void)json_object_set_new(values, name,
				json_sprintf("${{ stages.%s.results.%s }}", before, name));
	}
	return json_pack(
		"{s:O, s:O}", "template", json_object_get(template, "name"), "params", values);
}

static json_t *
with_params(json_t *job, const json_t *params)
{
	if (json_object_size(params) > 0)
		(void)json_object_set_new(job, "params", json_deep_copy(params));
	return job;
}

/* --- Files --- */

/* Declared, without a default and not given: a result of the stage before. */
static void
take_results(json_t *params, const char *before)
{
	json_t *value;
	const char *name;
	void *next;

	json_object_foreach_safe(params, next, name, value)
	{
		if (params_is_required(value))
			(void)json_object_set_new(params, name,
				json_sprintf("${{ stages.%s.results.%s }}", before, name));
	}
}

/* Its parameters stay with it: the server lays them over the flow's. */
static json_t *
of_file(const char *path, const json_t *params, const char *before, struct err *err)
{
	_cleanup_(job_file_deinit) struct job_file file = { 0 };

	if (job_file_load_part(&file, path, params, err) < 0)
		return NULL;
	job_file_localize(&file);
	if (before)
		take_results(json_object_get(file.job, "params"), before);
	return json_incref(file.job);
}

/* --- Names --- */

json_t *
flow_request_of_name(struct remote *remote, const char *name, const json_t *params,
	const char *before, struct err *err)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;

	if (is_file(name))
		return of_file(name, params, before, err);
	if (get(remote, "templates", name, &answer, err) == 0)
		return of_template(answer, params, before, err);
	if (err->code != ERR_NOT_FOUND)
		return NULL;
	if (get(remote, "tests", name, &answer, err) == 0)
		return with_params(
			json_pack("{s:s, s:[{s:s}]}", "name", name, "tests", "test", name),
			params);
	if (err->code != ERR_NOT_FOUND)
		return NULL;
	return with_params(
		json_pack("{s:s, s:[{s:s}]}", "name", name, "tests", "tags", name), params);
}

/* --- `$` --- */

static bool
is_name_char(char c, bool is_first)
{
	return isalpha((unsigned char)c) || c == '_' ||
		(!is_first && isdigit((unsigned char)c));
}

static bool
is_upper(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (islower((unsigned char)name.p[i]))
			return false;
	return true;
}

/* A method, and not an address that is all capitals. */
static bool
is_method(struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] < 'A' || word.p[i] > 'Z')
			return false;
	return word.n > 0;
}

/* The parameter of that name, or of the name in small letters. NULL: there is none. */
static const char *
param_of(const json_t *params, struct str name, char key[NAME_BYTES_MAX + 1])
{
	memcpy(key, name.p, name.n);
	key[name.n] = '\0';
	if (json_object_get(params, key))
		return key;
	for (size_t i = 0; i < name.n; i++)
		key[i] = (char)tolower((unsigned char)key[i]);
	return is_upper(name) && json_object_get(params, key) ? key : NULL;
}

/* Text that must not be taken for an expression. */
static int
add_literal(struct buf *out, const char *text)
{
	for (; *text; text++)
		if ((strncmp(text, "${{", 3) == 0 && buf_addc(out, '$') < 0) ||
			buf_addc(out, *text) < 0)
			return -1;
	return 0;
}

static int
add_name(struct buf *out, struct str name, const json_t *params, const char *before,
	struct err *err)
{
	char key[NAME_BYTES_MAX + 1], plain[NAME_BYTES_MAX + 1];
	int r;

	if (name.n > NAME_BYTES_MAX)
		return err_set(err, ERR_INVALID, "$" STR_FMT ": too long", STR_ARG(name));
	memcpy(plain, name.p, name.n);
	plain[name.n] = '\0';
	if (param_of(params, name, key))
		r = buf_addf(out, "${{ params.%s }}", key);
	else if (is_upper(name) && getenv(plain))
		r = add_literal(out, getenv(plain));
	else if (!is_upper(name) && before)
		r = buf_addf(out, "${{ stages.%s.results.%s }}", before, plain);
	else
		return err_set(err, ERR_INVALID,
			"$%s: neither a parameter (--param) nor in the environment%s", plain,
			before ? "" : ", and there is no preparation");
	return r < 0 ? err_set(err, ERR_LIMIT, "the address is too long") : 0;
}

/* $NAME and ${NAME}; $$ is a dollar sign. */
static int
substitute(struct str text, const json_t *params, const char *before, struct buf *out,
	struct err *err)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t n = 0, begin = i + 1;
		bool braced;

		if (text.p[i] != '$') {
			if (buf_addc(out, text.p[i]) < 0)
				return err_set(err, ERR_LIMIT, "the address is too long");
			continue;
		}
		braced = begin < text.n && text.p[begin] == '{';
		begin += braced;
		while (begin + n < text.n && is_name_char(text.p[begin + n], n == 0))
			n++;
		if (n > 0 && (!braced || (begin + n < text.n && text.p[begin + n] == '}'))) {
			if (add_name(out, str_from(text.p + begin, n), params, before, err) < 0)
				return -1;
			i = begin + n - (braced ? 0 : 1);
			continue;
		}
		i += begin < text.n && text.p[begin] == '$' && !braced;
		if (buf_addc(out, '$') < 0)
			return err_set(err, ERR_LIMIT, "the address is too long");
	}
	return 0;
}

json_t *
flow_request_until(const char *text, const json_t *params, const char *before, struct err *err)
{
	_cleanup_(buf_deinit) struct buf request = BUF_INIT(URL_BYTES_MAX);
	struct str rest = str_trim(str_of(text)), url;
	struct str method = str_split_first(&rest, ' ');

	if (is_method(method)) {
		rest = str_trim(rest);
		url = str_split_first(&rest, ' ');
	} else {
		url = method;
		method = STR("GET");
	}
	rest = rest.p ? str_trim(rest) : rest;
	if (url.n == 0)
		goto malformed;
	if (buf_addf(&request, STR_FMT " ", STR_ARG(method)) < 0 ||
		substitute(url, params, before, &request, err) < 0) {
		(void)err_wrap(err, "--until");
		return NULL;
	}
	json_t *http = json_pack("{s:s}", "request", request.data);

	if (rest.n > 0)
		(void)json_object_set_new(http, "until", json_stringn(rest.p, rest.n));
	return http;
malformed:
	(void)err_set(err, ERR_INVALID, "--until: expected \"METHOD ADDRESS CONDITION\"");
	return NULL;
}

/* --- The one line --- */

static json_t *
given_params(const struct cli *cli)
{
	const struct cli_value *given = cli_all(cli, "param");

	return params_given(given->text, given->n);
}

static int
add_job(json_t *stages, struct remote *remote, const char *stage, const char *name,
	const json_t *params, const char *before, struct err *err)
{
	json_t *run = flow_request_of_name(remote, name, params, before, err);

	if (!run)
		return -1;
	(void)json_array_append_new(stages, json_pack("{s:s, s:o}", "name", stage, "run", run));
	return 0;
}

static int
add_wait(json_t *stages, const struct cli *cli, const json_t *params, const char *before,
	struct err *err)
{
	json_t *http = flow_request_until(cli_text(cli, "until"), params, before, err), *stage;

	if (!http)
		return -1;
	if (cli_text(cli, "fail-if"))
		(void)json_object_set_new(
			http, "failIf", json_string(cli_text(cli, "fail-if")));
	if (cli_given(cli, "every"))
		(void)json_object_set_new(http, "interval",
			json_pack("{s:I}", "every", (json_int_t)cli_number(cli, "every")));
	stage = json_pack("{s:s, s:{s:o}}", "name", WAIT, "wait", "http", http);
	if (cli_given(cli, "timeout"))
		(void)json_object_set_new(
			stage, "timeout", json_integer(cli_number(cli, "timeout")));
	(void)json_array_append_new(stages, stage);
	return 0;
}

json_t *
flow_request_line(const struct cli *cli, struct remote *remote, struct err *err)
{
	const char *prepare = cli_text(cli, "prepare"), *then = cli_text(cli, "then");
	const char *name = cli_text(cli, "name"), *before = prepare ? PREPARE : NULL;
	_cleanup_(json_unrefp) json_t *params = given_params(cli), *stages = json_array();

	if (!cli_text(cli, "until")) {
		(void)err_set(err, ERR_INVALID, "--until is needed: what to wait for");
		return NULL;
	}
	if ((prepare && add_job(stages, remote, PREPARE, prepare, params, NULL, err) < 0) ||
		add_wait(stages, cli, params, before, err) < 0 ||
		(then && add_job(stages, remote, VALIDATE, then, params, before, err) < 0))
		return NULL;
	return json_pack("{s:s, s:O, s:O}", "name",
		name              ? name
			: then    ? then
			: prepare ? prepare
				  : "wait",
		"params", params, "stages", stages);
}

/* --- Where offences are --- */

struct place {
	char pointer[32];
	const char *name; /* on the command line */
};

/* Of the one line. Returns how many. */
static size_t
places_of_line(const struct cli *cli, struct place places[3])
{
	const char *prepare = cli_text(cli, "prepare");
	int wait = prepare ? 1 : 0;

	places[0] = (struct place) { "/stages/0/run", prepare };
	places[1] = (struct place) { .name = "--until" };
	places[2] = (struct place) { .name = cli_text(cli, "then") };
	(void)snprintf(places[1].pointer, sizeof places[1].pointer, "/stages/%d/wait", wait);
	(void)snprintf(places[2].pointer, sizeof places[2].pointer, "/stages/%d/run", wait + 1);
	return 3;
}

/* Of the arguments of chain, parallel and retry. */
static struct place
place_of_argument(const struct cli *cli, size_t i)
{
	struct place place = { "/attempts/run", cli->args[i] };

	if (strcmp(cli->command->verb, "retry") != 0)
		(void)snprintf(
			place.pointer, sizeof place.pointer, "/%s/%zu", cli->command->verb, i);
	return place;
}

static void
name_offence(json_t *offence, const struct place *place)
{
	const char *pointer = json_string_value(json_object_get(offence, "pointer"));
	size_t n = strlen(place->pointer);

	if (!pointer || !place->name || strncmp(pointer, place->pointer, n) != 0 ||
		(pointer[n] != '/' && pointer[n]))
		return;
	(void)json_object_set_new(offence, "pointer",
		json_sprintf("%s%s%s", place->name, pointer[n] ? ": " : "", pointer + n));
}

void
flow_request_name_offences(const struct cli *cli, json_t *problem)
{
	struct place line[3];
	bool is_line = strcmp(cli->command->verb, "run") == 0 ||
		strcmp(cli->command->verb, "start") == 0;
	size_t i, n = is_line ? places_of_line(cli, line) : cli->n_args;
	json_t *offence;

	json_array_foreach(json_object_get(problem, "errors"), i, offence)
	{
		for (size_t k = 0; k < n; k++) {
			struct place place = is_line ? line[k] : place_of_argument(cli, k);

			name_offence(offence, &place);
		}
	}
}

/* --- Files of stages --- */

static int
load_stage(struct job_file *file, json_t *run, struct err *err)
{
	const char *name = json_string_value(json_object_get(run, "file"));
	_cleanup_(json_unrefp) json_t *loaded = NULL;
	json_t *params = json_object_get(run, "params");
	const char *path;

	if (!name)
		return 0;
	path = name[0] == '/' ? name : path_join(&file->arena, file->dir, name);
	if (!path)
		return err_set(err, ERR_LIMIT, "%s: path too long", name);
	loaded = of_file(path, params, NULL, err);
	if (!loaded)
		return -1;
	(void)json_object_del(loaded, "services"); /* the flow's own are meant */
	(void)json_object_del(run, "file");
	(void)json_object_del(run, "params");
	(void)json_object_update_missing(run, loaded);
	return 0;
}

int
flow_request_files(struct job_file *file, struct err *err)
{
	json_t *stage;
	size_t i;

	json_array_foreach(json_object_get(file->job, "stages"), i, stage)
	{
		json_t *run = json_object_get(stage, "run");

		if (json_is_object(run) && load_stage(file, run, err) < 0)
			return -1;
	}
	return 0;
}

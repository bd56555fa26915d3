/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and checking flows: names, needs, circles, expressions, sizes. */
#include "core/flow_json.h"

#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/expr.h"
#include "core/flow_request.h"
#include "core/json_schema.h"
#include "core/lang.h"
#include "core/params.h"

/* clang-format off */
struct flow_request {
	const char *name, *description;
	json_t *params, *stages, *chain, *pass, *parallel, *attempts, *extra;
	struct strs tags;
	int64_t limit, timeout_ms;
	bool allow_failures;
};

#define FLOW(member) .offset = offsetof(struct flow_request, member)
const struct json_field flow_fields[] = {
	{ .name = "name", .kind = FIELD_STR, FLOW(name), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "description", .kind = FIELD_STR, FLOW(description), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ .name = "params", .kind = FIELD_OBJ, FLOW(params), .min = 0, .max = PARAMS_MAX },
	{ .name = "stages", .kind = FIELD_ARR, FLOW(stages), .min = 1, .max = FLOW_STAGES_MAX },
	{ .name = "limit", .kind = FIELD_INT, FLOW(limit), .min = 1, .max = FLOW_STAGES_MAX },
	{ .name = "timeout", .kind = FIELD_DURATION, FLOW(timeout_ms), .min = 0, .max = JOB_TIMEOUT_MS_MAX },
	{ .name = "chain", .kind = FIELD_ARR, FLOW(chain), .min = 1, .max = FLOW_STAGES_MAX },
	{ .name = "pass", .kind = FIELD_OBJ, FLOW(pass), .min = 0, .max = PARAMS_MAX },
	{ .name = "parallel", .kind = FIELD_ARR, FLOW(parallel), .min = 1, .max = FLOW_STAGES_MAX },
	{ .name = "allowFailures", .kind = FIELD_FLAG, FLOW(allow_failures) },
	{ .name = "attempts", .kind = FIELD_OBJ, FLOW(attempts), .min = 1, .max = 20 },
	{ .name = "tags", .kind = FIELD_STRS, FLOW(tags), .min = 0, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX },
	{ .name = "extra", .kind = FIELD_OBJ, FLOW(extra), .min = 0, .max = 1000 },
	{ 0 },
};
/* clang-format on */

/* ---- checking ---- */

struct check {
	json_t *params; /* their names; NULL: not known */
	bool is_saved;  /* parameters have no values yet: texts may stand for anything */
	const char *pointer;
	struct arena *arena;
	struct issues *issues;
	struct flow_spec flow;
	struct stage_request *in;
	int32_t at;                                              /* stage that is checked now */
	const char **stage_names, **signal_names, **param_names; /* NULL-terminated */
};

static bool
is_name(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return text[strspn(text, letters)] == '\0';
}

static const char *
stage_pointer(const struct check *check, int32_t at)
{
	return json_pointer_index(check->arena,
		json_pointer_member(check->arena, check->pointer, "stages"), (size_t)at);
}

static const char *const known_facts[] = { "state", "results", "items", "job", "value",
	"values", "attempts", "error", NULL };

/* What one expression reads of stages. */
struct stage_reads {
	struct check *check;
	struct err *err;
	bool is_wrong;
};

static void
check_path(void *arg, const struct lang_path *path)
{
	struct stage_reads *reads = arg;
	const struct check *check = reads->check;
	char name[STAGE_NAME_BYTES_MAX + 1];
	int32_t other;

	if (reads->is_wrong || !str_eqz(path->root, "stages") || path->n == 0 ||
		path->name[0].n > STAGE_NAME_BYTES_MAX)
		return;
	memcpy(name, path->name[0].p, path->name[0].n);
	name[path->name[0].n] = '\0';
	other = flow_stage_find(&check->flow, name);
	if (other < 0)
		return; /* lang_check names the nearest */
	if (!stage_is_above(&check->flow.stages[check->at], other)) {
		reads->is_wrong = true;
		(void)err_set(reads->err, ERR_INVALID,
			"character %zu: stage \"%s\" is not needed by this one, directly or through others",
			path->at, name);
		return;
	}
	if (path->n < 2)
		return;
	for (size_t i = 0; known_facts[i]; i++) {
		if (str_eqz(path->name[1], known_facts[i]))
			return;
	}
	reads->is_wrong = true;
	(void)err_set(reads->err, ERR_INVALID,
		"character %zu: a stage has state, results, items, job, value, values, attempts and error",
		path->at);
}

enum expr_place { PLACE_WHEN, PLACE_LOOK, PLACE_TEXT, PLACE_RUN };

static int
check_lang(struct check *check, const struct lang *lang, enum expr_place place, struct err *err)
{
	static const char *const flow_facts[] = { "id", "name", "incarnation", "startedAt",
		"url", NULL };
	struct stage_reads reads = { .check = check, .err = err };
	struct lang_root roots[8] = {
		{ "params", check->param_names },
		{ "stages", check->stage_names },
		{ "flow", flow_facts },
	};
	struct lang_rules rules = {
		.roots = roots,
		.has_value = place == PLACE_LOOK,
		.has_now = true,
	};
	size_t n = 3;

	if (place == PLACE_LOOK) {
		roots[n++] = (struct lang_root) { "status", NULL };
		roots[n++] = (struct lang_root) { "headers", NULL };
		roots[n++] = (struct lang_root) { "body", NULL };
	}
	if (place == PLACE_TEXT || place == PLACE_RUN)
		roots[n++] = (struct lang_root) { "signals", check->signal_names };
	if (place == PLACE_RUN) {
		roots[n++] = (struct lang_root) { "run", expr_run_facts };
		if (check->flow.stages[check->at].matrix.n > 0)
			roots[n++] = (struct lang_root) { "matrix", NULL };
	}
	roots[n] = (struct lang_root) { 0 };
	lang_each_path(lang, check_path, &reads);
	return reads.is_wrong ? -1 : lang_check(lang, &rules, err);
}

/* An expression that is a member of its own: when, until, failIf. */
static void
check_expression(struct check *check, const char *text, enum expr_place place,
	const char *pointer, const char *member)
{
	struct lang *lang;
	struct err err;

	if (!text || (check->is_saved && expr_in_text(str_of(text))))
		return;
	if (lang_parse(str_of(text), check->arena, &lang, &err) < 0 ||
		check_lang(check, lang, place, &err) < 0)
		issues_add_member(
			check->issues, pointer, member, ISSUE_INVALID, "%s", err.text);
}

static int
check_run_text(void *arg, const struct lang *lang, const char *pointer, struct issues *issues)
{
	struct err err;

	if (check_lang(arg, lang, PLACE_RUN, &err) == 0)
		return 0;
	issues_add(issues, pointer, ISSUE_INVALID, "%s", err.text);
	return -1;
}

static int
check_plain_text(void *arg, const struct lang *lang, const char *pointer, struct issues *issues)
{
	struct err err;

	if (check_lang(arg, lang, PLACE_TEXT, &err) == 0)
		return 0;
	issues_add(issues, pointer, ISSUE_INVALID, "%s", err.text);
	return -1;
}

/* Expressions inside texts. What is wrong is in issues. */
static void
check_texts(struct check *check, const json_t *tree, bool is_run, const char *pointer)
{
	if (tree)
		(void)(expr_each(tree, is_run ? check_run_text : check_plain_text, check,
			       pointer, check->issues) < 0);
}

/* ---- one stage ---- */

static void
check_http(struct check *check, const struct wait_spec *spec, json_t *http, const char *pointer)
{
	const char *select = json_string_value(json_object_get(http, "select"));
	json_t *interval = json_object_get(http, "interval");

	check_expression(check, spec->until, PLACE_LOOK, pointer, "until");
	check_expression(check, spec->fail_if, PLACE_LOOK, pointer, "failIf");
	if (select && *select && *select != '/' && !expr_in_text(str_of(select)))
		issues_add_member(check->issues, pointer, "select", ISSUE_INVALID,
			"a JSON Pointer such as /state is expected");
	if (json_object_get(interval, "max") && spec->interval_max_ms == spec->every_ms &&
		spec->factor > 1)
		issues_add_member(check->issues, pointer, "interval", ISSUE_INVALID,
			"max is to be more than every when factor makes it grow");
	for (const char *const *name =
			(const char *const[]) { "request", "headers", "body", "select", NULL };
		*name; name++)
		check_texts(check, json_object_get(http, *name), false,
			json_pointer_member(check->arena, pointer, *name));
}

static void
check_timer(
	struct check *check, const struct wait_spec *spec, json_t *timer, const char *pointer)
{
	struct err err;
	int64_t ms;

	check_texts(check, timer, false, pointer);
	if (spec->timer_for && !expr_in_text(str_of(spec->timer_for)) &&
		parse_duration_ms(str_of(spec->timer_for), STAGE_TIMEOUT_MS_MAX, &ms, &err) < 0)
		issues_add_member(check->issues, pointer, "for", ISSUE_INVALID, "%s", err.text);
	if (spec->timer_until && !expr_in_text(str_of(spec->timer_until)) &&
		time_parse(str_of(spec->timer_until), &ms, &err) < 0)
		issues_add_member(
			check->issues, pointer, "until", ISSUE_INVALID, "%s", err.text);
}

static void
check_condition(
	struct check *check, const struct wait_spec *spec, json_t *in, const char *pointer)
{
	const char *at = json_pointer_member(check->arena, pointer, wait_kind_name(spec->kind));
	json_t *inner = json_object_get(in, wait_kind_name(spec->kind));
	struct uuid id;

	if (spec->name && !is_name(spec->name))
		issues_add_member(check->issues, pointer, "name", ISSUE_INVALID,
			"letters, digits, _ and - are expected");
	if (spec->kind == WAIT_HTTP)
		check_http(check, spec, inner, at);
	else if (spec->kind == WAIT_TIMER)
		check_timer(check, spec, inner, at);
	else if (inner)
		check_texts(check, inner, false, at);
	if (spec->kind == WAIT_JOB && spec->job && !expr_in_text(str_of(spec->job)) &&
		uuid_parse(str_of(spec->job), &id) < 0)
		issues_add(check->issues, at, ISSUE_INVALID,
			"the id of a job, or an expression that gives one, is expected");
}

static void
check_wait(
	struct check *check, const struct stage_spec *spec, json_t *wait, const char *pointer)
{
	const char *mode = spec->mode == WAIT_ANY ? "any" : "all";

	if (spec->mode == WAIT_ONE) {
		check_condition(check, &spec->conditions[0], wait, pointer);
		return;
	}
	pointer = json_pointer_member(check->arena, pointer, mode);
	for (size_t i = 0; i < spec->n_conditions; i++) {
		const char *at = json_pointer_index(check->arena, pointer, i);

		check_condition(check, &spec->conditions[i],
			json_array_get(json_object_get(wait, mode), i), at);
		for (size_t k = 0; k < i && spec->conditions[i].name; k++) {
			if (spec->conditions[k].name &&
				strcmp(spec->conditions[k].name, spec->conditions[i].name) == 0)
				issues_add_member(check->issues, at, "name", ISSUE_DUPLICATE,
					"another condition has this name");
		}
	}
}

static void
check_matrix(struct check *check, json_t *matrix, const char *pointer)
{
	struct err err;
	_cleanup_(json_unrefp) json_t *items = NULL;
	const char *at = json_pointer_member(check->arena, pointer, "matrix");
	struct str text = check->flow.stages[check->at].matrix;

	check_texts(check, matrix, false, at);
	if (text.n == 0 || memmem(text.p, text.n, "${{", 3))
		return; /* known when the stage begins */
	items = flow_matrix_items(matrix, &err);
	if (!items)
		issues_add(check->issues, at,
			err.code == ERR_LIMIT ? ISSUE_LIMIT : ISSUE_INVALID, "%s", err.text);
	else if (json_array_size(items) == 0)
		issues_add(check->issues, at, ISSUE_INVALID, "the matrix has no items");
}

/* Names of the flow's parameters and of the run's own. */
static const char **
names_in_run(struct check *check, json_t *own, json_t *pass)
{
	size_t n = 0,
	       n_max = json_object_size(check->params) + json_object_size(own) +
		json_object_size(pass);
	const char **names = arena_xalloc(check->arena, (n_max + 1) * sizeof *names);
	json_t *const objects[] = { own, pass }, *ignored;
	const char *key;

	for (const char **name = check->param_names; *name; name++)
		names[n++] = *name;
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		json_object_foreach(objects[i], key, ignored) names[n++] =
			arena_strdup(check->arena, key);
	}
	return names;
}

/* What is declared and gets no value from anywhere. */
static void
check_required(struct check *check, json_t *own, json_t *pass, const char *at)
{
	const char *name;
	json_t *value;

	json_object_foreach(own, name, value)
	{
		if (params_is_required(value) && !json_object_get(pass, name))
			issues_add_member(check->issues, at, name, ISSUE_MISSING,
				"the parameter \"%s\" is required: it is declared without a default "
				"and not passed",
				name);
	}
}

/* Parameters are worked out with the flow's, everything else with both. */
static void
check_run_texts(struct check *check, json_t *stage, const char *at)
{
	json_t *run = json_object_get(stage, "run"), *own = json_object_get(run, "params");
	json_t *pass = json_object_get(stage, "pass");
	_cleanup_(json_unrefp) json_t *rest = json_copy(run);
	const char **outer = check->param_names;
	const char *at_params = json_pointer_member(check->arena, at, "params");

	(void)json_object_del(rest, "params");
	check_texts(check, own, true, at_params);
	if (flow_stage_has_params(stage)) {
		check_required(check, own, pass, at_params);
		if (outer)
			check->param_names = names_in_run(check, own, pass);
	}
	check_texts(check, rest, true, at);
	check->param_names = outer;
}

static void
check_run(struct check *check, json_t *stage, const char *pointer)
{
	const char *at = json_pointer_member(check->arena, pointer, "run");
	json_t *run = json_object_get(stage, "run");

	for (size_t i = 0; flow_forms[i]; i++) {
		if (json_object_get(run, flow_forms[i])) {
			issues_add_member(check->issues, at, flow_forms[i], ISSUE_INVALID,
				"a flow inside a flow is saved and named by `flow`");
			return;
		}
	}
	job_request_check(run, at, check->issues);
	check_run_texts(check, stage, at);
}

static void
check_schema(struct check *check, json_t *schema, const char *pointer)
{
	struct issues found = { .arena = check->arena };
	struct json_schema *compiled;
	const char *at = json_pointer_member(check->arena, pointer, "outputSchema");

	if (json_schema_compile(schema, check->arena, &compiled, &found) == 0)
		return;
	for (size_t i = 0; i < found.n; i++)
		issues_add(check->issues,
			arena_printf(check->arena, "%s%s", at, found.item[i].pointer),
			ISSUE_INVALID, "%s", found.item[i].detail);
}

/* One stage with one job's results: those of a matrix are a list. */
static void
check_pass(struct check *check, const struct stage_spec *spec, const char *pointer)
{
	if (spec->n_needs != 1)
		issues_add_member(check->issues, pointer, "pass", ISSUE_INVALID,
			"it takes from the one stage that is needed; here are %d",
			(int)spec->n_needs);
	else if (check->in[spec->needs[0]].matrix)
		issues_add_member(check->issues, pointer, "pass", ISSUE_INVALID,
			"the results of a stage with a matrix are a list: "
			"take what is meant in params, ${{ stages.NAME.results }}");
}

/* Members that mean nothing beside the others. */
static void
check_kind(
	struct check *check, json_t *stage, const struct stage_request *in, const char *pointer)
{
	static const char *const of_run[] = { "matrix", "maxParallel", "retry", "pass",
		"outputSchema", NULL };

	if (!in->run == !in->wait)
		issues_add(check->issues, pointer, ISSUE_INVALID,
			"a stage has either run or wait");
	for (size_t i = 0; in->wait && of_run[i]; i++) {
		if (json_object_get(stage, of_run[i]))
			issues_add_member(check->issues, pointer, of_run[i], ISSUE_INVALID,
				"only a stage with run has %s", of_run[i]);
	}
	if (in->pass)
		check_pass(check, &check->flow.stages[check->at], pointer);
}

/* A failure that it could begin after. */
static bool
may_fail_before(const struct check *check, int32_t at)
{
	for (int32_t i = 0; i < check->flow.n; i++) {
		if (stage_is_above(&check->flow.stages[at], i) &&
			!check->flow.stages[i].goes_on)
			return true;
	}
	return false;
}

static void
check_stage(struct check *check, json_t *stage, const char *pointer)
{
	const struct stage_spec *spec = &check->flow.stages[check->at];
	const struct stage_request *in = &check->in[check->at];

	check_kind(check, stage, in, pointer);
	if (spec->when == WHEN_EXPRESSION)
		check_expression(check, spec->when_text, PLACE_WHEN, pointer, "when");
	if (spec->when == WHEN_FAILURE && !may_fail_before(check, check->at))
		issues_add_member(check->issues, pointer, "when", ISSUE_INVALID,
			"it could never begin: nothing that it needs can fail");
	if (in->matrix)
		check_matrix(check, json_object_get(stage, "matrix"), pointer);
	if (in->run)
		check_run(check, stage, pointer);
	if (spec->is_wait && spec->conditions)
		check_wait(check, spec, in->wait,
			json_pointer_member(check->arena, pointer, "wait"));
	if (in->schema)
		check_schema(check, in->schema, pointer);
}

/* ---- all stages ---- */

/* A matrix that is one expression is written as such. */
static void
wrap_matrix(json_t *stage)
{
	const char *text = json_string_value(json_object_get(stage, "matrix"));

	if (text && !expr_in_text(str_of(text)))
		(void)json_object_set_new(stage, "matrix", json_sprintf("${{ %s }}", text));
}

static void
check_name(struct check *check, int32_t at)
{
	const char *name = check->flow.stages[at].name;

	if (!name)
		return;
	if (!is_name(name))
		issues_add_member(check->issues, stage_pointer(check, at), "name",
			ISSUE_INVALID, "letters, digits, _ and - are expected");
	else if (flow_stage_find(&check->flow, name) != at)
		issues_add_member(check->issues, stage_pointer(check, at), "name",
			ISSUE_DUPLICATE, "another stage has this name");
}

static bool
sends_signals(const struct stage_spec *spec)
{
	for (size_t i = 0; i < spec->n_conditions && spec->conditions; i++) {
		if (spec->conditions[i].kind == WAIT_SIGNAL)
			return true;
	}
	return false;
}

static void
collect_names(struct check *check)
{
	size_t n = (size_t)check->flow.n, n_stages = 0, n_signals = 0, n_params = 0;
	const char *key;
	json_t *ignored;

	check->stage_names = arena_xalloc(check->arena, (n + 1) * sizeof(char *));
	check->signal_names = arena_xalloc(check->arena, (n + 1) * sizeof(char *));
	for (size_t i = 0; i < n; i++) {
		const struct stage_spec *spec = &check->flow.stages[i];

		if (spec->name)
			check->stage_names[n_stages++] = spec->name;
		if (spec->name && sends_signals(spec))
			check->signal_names[n_signals++] = spec->name;
	}
	if (!check->params)
		return;
	check->param_names = arena_xalloc(
		check->arena, (json_object_size(check->params) + 1) * sizeof(char *));
	json_object_foreach(check->params, key, ignored) check->param_names[n_params++] =
		arena_strdup(check->arena, key);
}

static void
read_stages(struct check *check, json_t *stages)
{
	for (int32_t i = 0; i < check->flow.n; i++) {
		json_t *stage = json_array_get(stages, (size_t)i);

		wrap_matrix(stage);
		flow_stage_read(stage, stage_pointer(check, i), check->issues, &check->in[i],
			&check->flow.stages[i]);
	}
	for (int32_t i = 0; i < check->flow.n; i++) {
		check_name(check, i);
		flow_needs_read(
			&check->flow, i, &check->in[i], stage_pointer(check, i), check->issues);
	}
	int32_t circle = flow_close(&check->flow);

	if (circle >= 0)
		issues_add_member(check->issues, stage_pointer(check, circle), "needs",
			ISSUE_INVALID, "stage \"%s\" needs itself in the end: a circle",
			check->flow.stages[circle].name ? check->flow.stages[circle].name : "");
}

/* Before expressions are looked at: what stands for a value that parameters will give cannot be
 * of a wrong type yet. */
static void
forgive(const struct check *check, json_t *job)
{
	struct issues *issues = check->issues;
	size_t n = 0;

	for (size_t i = 0; i < issues->n; i++) {
		json_t *value = json_pointer_get(job, issues->item[i].pointer);

		if (json_is_string(value) && expr_is_whole(str_of(json_string_value(value))))
			continue;
		issues->item[n++] = issues->item[i];
	}
	issues->n = n;
}

static const char *
kept_text(struct check *check, json_t *job)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(FLOW_BYTES_MAX);
	json_t *limit = json_object_get(job, "limit");
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_key(&jw, "params");
	if (check->params)
		jw_tree(&jw, check->params);
	else
		jw_raw(&jw, "{}");
	if (json_is_integer(limit))
		jw_ki64(&jw, "limit", json_integer_value(limit));
	jw_key(&jw, "stages");
	jw_tree(&jw, json_object_get(job, "stages"));
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0) {
		issues_add(check->issues, check->pointer, ISSUE_LIMIT,
			"the flow is larger than %d bytes", (int)FLOW_BYTES_MAX);
		return NULL;
	}
	return arena_strndup(check->arena, out.data, out.len);
}

int
flow_stages_check(json_t *job, json_t *params, bool is_saved, const char *pointer,
	struct arena *arena, struct issues *issues, const char **ret)
{
	json_t *stages = json_object_get(job, "stages");
	size_t n = json_array_size(stages), first = issues->n;
	struct check check = {
		.params = params,
		.is_saved = is_saved,
		.pointer = pointer,
		.arena = arena,
		.issues = issues,
		.flow.n = (int32_t)n,
	};

	if (n == 0 || n > FLOW_STAGES_MAX) {
		issues_add_member(issues, pointer, "stages", ISSUE_INVALID,
			"a list of 1 to %d stages is expected", FLOW_STAGES_MAX);
		return -1;
	}
	check.flow.stages = arena_xalloc(arena, n * sizeof *check.flow.stages);
	check.in = arena_xalloc(arena, n * sizeof *check.in);
	read_stages(&check, stages);
	if (is_saved)
		forgive(&check, job);
	collect_names(&check);
	for (check.at = 0; check.at < check.flow.n; check.at++)
		check_stage(&check, json_array_get(stages, (size_t)check.at),
			stage_pointer(&check, check.at));
	if (issues->n > first || issues->n_more > 0)
		return -1;
	const char *text = kept_text(&check, job);

	if (ret)
		*ret = text;
	return text ? 0 : -1;
}

int
flow_definition_read(
	json_t *flow, struct arena *arena, struct issues *issues, struct definition_head *ret)
{
	struct flow_request in = { 0 };
	json_t *params = json_object_get(flow, "params");
	_cleanup_(json_unrefp) json_t *copy = json_deep_copy(flow);

	/* What is wrong is in issues. */
	(void)(json_decode(flow, flow_fields, &in, "", issues) < 0);
	if (!json_object_get(flow, "name"))
		issues_add(issues, "/name", ISSUE_MISSING, "a flow has a name");
	if (json_is_object(params))
		(void)(params_check(params, "/params", issues) < 0);
	const char *form = flow_form(copy);
	size_t first = issues->n;

	flow_write_out(copy, "", issues);
	if (!json_object_get(copy, "stages"))
		issues_add(issues, "/stages", ISSUE_MISSING, "at least one stage is expected");
	else
		(void)(flow_stages_check(copy, json_is_object(params) ? params : NULL, true, "",
			       arena, issues, NULL) < 0);
	flow_name_places(form, "", issues, first);
	if (issues->n > 0 || issues->n_more > 0)
		return -1;
	ret->name = in.name;
	ret->tags = job_strs_json(arena, &in.tags);
	return 0;
}

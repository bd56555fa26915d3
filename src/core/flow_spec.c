/* SPDX-License-Identifier: Apache-2.0 */
/* The form of flows as tables, and the text that a job keeps back into a struct. */
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "core/flow_impl.h"
#include "core/flow_request.h"
#include "core/job_json_impl.h"
#include "core/run.h"

/* clang-format off */
#define INTERVAL(member) .offset = offsetof(struct interval_request, member)
const struct json_field flow_interval_fields[] = {
	{ .name = "every", .kind = FIELD_DURATION, INTERVAL(every_ms), .min = WAIT_EVERY_MS_MIN, .max = WAIT_INTERVAL_MS_MAX },
	{ .name = "factor", .kind = FIELD_NUM, INTERVAL(factor), .min = 1, .max = RETRY_FACTOR_MAX },
	{ .name = "max", .kind = FIELD_DURATION, INTERVAL(max_ms), .min = WAIT_EVERY_MS_MIN, .max = WAIT_INTERVAL_MS_MAX },
	{ .name = "jitter", .kind = FIELD_NUM, INTERVAL(jitter), .min = 0, .max = 1 },
	{ 0 },
};

#define HTTP(member) .offset = offsetof(struct http_request, member)
const struct json_field flow_http_fields[] = {
	{ .name = "request", .kind = FIELD_STR, .required = true, HTTP(request), .min = 1, .max = URL_BYTES_MAX },
	{ .name = "headers", .kind = FIELD_OBJ, HTTP(headers), .min = 0, .max = PROBE_HEADERS_MAX },
	{ .name = "body", .kind = FIELD_ANY, HTTP(body) },
	{ .name = "select", .kind = FIELD_STR, HTTP(select), .min = 0, .max = JSON_POINTER_BYTES_MAX },
	{ .name = "until", .kind = FIELD_STR, HTTP(until), .min = 1, .max = LANG_BYTES_MAX },
	{ .name = "failIf", .kind = FIELD_STR, HTTP(fail_if), .min = 1, .max = LANG_BYTES_MAX },
	{ .name = "statuses", .kind = FIELD_ARR, HTTP(statuses), .min = 1, .max = STATUS_RANGES_MAX },
	{ .name = "interval", .kind = FIELD_SUB, HTTP(interval), .sub = flow_interval_fields },
	{ .name = "transportErrors", .kind = FIELD_INT, HTTP(misses_max), .min = 0, .max = WAIT_MISSES_MAX },
	{ .name = "timeout", .kind = FIELD_DURATION, HTTP(timeout_ms), .min = 1, .max = PROBE_TIMEOUT_MS_MAX },
	{ 0 },
};

#define TIMER(member) .offset = offsetof(struct timer_request, member)
const struct json_field flow_timer_fields[] = {
	{ .name = "for", .kind = FIELD_ANY, TIMER(duration) },
	{ .name = "until", .kind = FIELD_STR, TIMER(until), .min = 1, .max = LANG_BYTES_MAX },
	{ 0 },
};

#define APPROVAL(member) .offset = offsetof(struct approval_request, member)
const struct json_field flow_approval_fields[] = {
	{ .name = "text", .kind = FIELD_STR, APPROVAL(text), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ 0 },
};

static const struct json_field signal_fields[] = { { 0 } };

static const char *const final_names[] = { "completed", "failed", "stopped", "invalid", NULL };

#define CONDITION(member) .offset = offsetof(struct condition_request, member)
#define CONDITION_FIELDS \
	{ .name = "name", .kind = FIELD_STR, CONDITION(name), .min = 1, .max = STAGE_NAME_BYTES_MAX }, \
	{ .name = "http", .kind = FIELD_OBJ, CONDITION(http), .min = 0, .max = 20 }, \
	{ .name = "signal", .kind = FIELD_OBJ, CONDITION(signal), .min = 0, .max = 20 }, \
	{ .name = "timer", .kind = FIELD_OBJ, CONDITION(timer), .min = 0, .max = 20 }, \
	{ .name = "approval", .kind = FIELD_OBJ, CONDITION(approval), .min = 0, .max = 20 }, \
	{ .name = "job", .kind = FIELD_STR, CONDITION(job), .min = 1, .max = LANG_BYTES_MAX }, \
	{ .name = "state", .kind = FIELD_ENUM, CONDITION(state), .names = final_names }

const struct json_field flow_condition_fields[] = {
	CONDITION_FIELDS,
	{ 0 },
};

const struct json_field flow_wait_fields[] = {
	CONDITION_FIELDS,
	{ .name = "any", .kind = FIELD_ARR, CONDITION(any), .min = 1, .max = WAIT_CONDITIONS_MAX },
	{ .name = "all", .kind = FIELD_ARR, CONDITION(all), .min = 1, .max = WAIT_CONDITIONS_MAX },
	{ 0 },
};

#define STAGE(member) .offset = offsetof(struct stage_request, member)
const struct json_field flow_stage_fields[] = {
	{ .name = "name", .kind = FIELD_STR, .required = true, STAGE(name), .min = 1, .max = STAGE_NAME_BYTES_MAX },
	{ .name = "needs", .kind = FIELD_STRS, STAGE(needs), .set_offset = offsetof(struct stage_request, has_needs),
	  .min = 0, .max = FLOW_STAGES_MAX, .item_max = STAGE_NAME_BYTES_MAX },
	{ .name = "when", .kind = FIELD_STR, STAGE(when), .min = 1, .max = LANG_BYTES_MAX },
	{ .name = "run", .kind = FIELD_OBJ, STAGE(run), .min = 1, .max = 1000 },
	{ .name = "pass", .kind = FIELD_OBJ, STAGE(pass), .min = 0, .max = PARAMS_MAX },
	{ .name = "wait", .kind = FIELD_OBJ, STAGE(wait), .min = 1, .max = 20 },
	{ .name = "matrix", .kind = FIELD_ANY, STAGE(matrix) },
	{ .name = "maxParallel", .kind = FIELD_INT, STAGE(max_parallel), .min = 1, .max = FLOW_ITEMS_MAX },
	{ .name = "retry", .kind = FIELD_SUB, STAGE(retry), .sub = job_retries_fields },
	{ .name = "continueOnFailure", .kind = FIELD_FLAG, STAGE(goes_on) },
	{ .name = "timeout", .kind = FIELD_DURATION, STAGE(timeout_ms), .min = 1, .max = STAGE_TIMEOUT_MS_MAX },
	{ .name = "outputSchema", .kind = FIELD_OBJ, STAGE(schema), .min = 0, .max = 1000 },
	{ 0 },
};

static const char *const kind_names[WAIT_KIND_COUNT] = {
	[WAIT_HTTP] = "http",
	[WAIT_SIGNAL] = "signal",
	[WAIT_TIMER] = "timer",
	[WAIT_APPROVAL] = "approval",
	[WAIT_JOB] = "job",
};
/* clang-format on */

const char *
wait_kind_name(enum wait_kind kind)
{
	return kind_names[kind];
}

/* ---- conditions ---- */

/* 200, or "200-299". */
static int
read_status(const json_t *item, struct status_range *ret)
{
	struct err ignored;
	int64_t from = json_integer_value(item), to = from;

	if (json_is_string(item)) {
		struct str rest = str_of(json_string_value(item));
		struct str first = str_split_first(&rest, '-');

		if (parse_i64(first, 100, 599, &from, &ignored) < 0 ||
			(rest.p && parse_i64(rest, 100, 599, &to, &ignored) < 0))
			return -1;
		if (!rest.p)
			to = from;
	} else if (!json_is_integer(item)) {
		return -1;
	}
	if (from < 100 || to > 599 || from > to)
		return -1;
	*ret = (struct status_range) { from, to };
	return 0;
}

static void
read_statuses(
	const json_t *list, const char *pointer, struct issues *issues, struct wait_spec *ret)
{
	size_t n = json_array_size(list);

	ret->statuses = arena_xalloc(issues->arena,
		((n < STATUS_RANGES_MAX ? n : STATUS_RANGES_MAX) + 1) * sizeof *ret->statuses);
	if (!list) {
		ret->statuses[ret->n_statuses++] = (struct status_range) { 200, 299 };
		return;
	}
	for (size_t i = 0; i < n && i < STATUS_RANGES_MAX; i++) {
		if (read_status(json_array_get(list, i), &ret->statuses[ret->n_statuses]) < 0)
			issues_add(issues, json_pointer_index(issues->arena, pointer, i),
				ISSUE_INVALID,
				"a status or a range such as \"200-299\" is expected");
		else
			ret->n_statuses++;
	}
}

static void
read_http(json_t *http, const char *pointer, struct issues *issues, struct wait_spec *ret)
{
	struct http_request in = {
		.interval = { .every_ms = WAIT_EVERY_MS_DEFAULT, .factor = 1, .jitter = 0.1 },
		.misses_max = WAIT_MISSES_DEFAULT,
		.timeout_ms = PROBE_TIMEOUT_MS_DEFAULT,
	};

	/* What is wrong is in issues. */
	(void)(json_decode(http, flow_http_fields, &in, pointer, issues) < 0);
	*ret = (struct wait_spec) {
		.kind = WAIT_HTTP,
		.selects = in.select != NULL,
		.names_statuses = in.statuses != NULL,
		.until = in.until,
		.fail_if = in.fail_if,
		.every_ms = in.interval.every_ms,
		.interval_max_ms =
			in.interval.max_ms ? in.interval.max_ms : WAIT_INTERVAL_MS_DEFAULT,
		.factor = in.interval.factor,
		.jitter = in.interval.jitter,
		.misses_max = in.misses_max,
		.look_timeout_ms = in.timeout_ms,
	};
	if (ret->interval_max_ms < ret->every_ms)
		ret->interval_max_ms = ret->every_ms;
	read_statuses(in.statuses, json_pointer_member(issues->arena, pointer, "statuses"),
		issues, ret);
	(void)json_object_set_new(http, "timeout", json_integer(in.timeout_ms));
	ret->body = json_tree_text(issues->arena, http, FLOW_BYTES_MAX);
}

static void
read_timer(json_t *timer, const char *pointer, struct issues *issues, struct wait_spec *ret)
{
	struct timer_request in = { 0 };

	(void)(json_decode(timer, flow_timer_fields, &in, pointer, issues) < 0);
	ret->kind = WAIT_TIMER;
	ret->timer_until = in.until;
	if (json_is_string(in.duration))
		ret->timer_for = arena_strdup(issues->arena, json_string_value(in.duration));
	else if (json_is_integer(in.duration))
		ret->timer_for = arena_printf(issues->arena, "%" JSON_INTEGER_FORMAT,
			json_integer_value(in.duration));
	else if (in.duration)
		issues_add_member(
			issues, pointer, "for", ISSUE_INVALID, "a duration is expected");
	if (!in.duration == !in.until)
		issues_add(issues, pointer, ISSUE_INVALID, "either for or until is expected");
}

static void
read_approval(
	json_t *approval, const char *pointer, struct issues *issues, struct wait_spec *ret)
{
	struct approval_request in = { 0 };

	(void)(json_decode(approval, flow_approval_fields, &in, pointer, issues) < 0);
	ret->kind = WAIT_APPROVAL;
	ret->text = in.text;
}

static void
read_condition(const struct condition_request *in, const char *pointer, struct issues *issues,
	struct wait_spec *ret)
{
	struct arena *arena = issues->arena;
	int n = !!in->http + !!in->signal + !!in->timer + !!in->approval + !!in->job;

	*ret = (struct wait_spec) { .kind = WAIT_SIGNAL };
	if (n != 1)
		issues_add(issues, pointer, ISSUE_INVALID,
			"one of http, signal, timer, approval and job is expected");
	if (in->state >= 0 && !in->job)
		issues_add_member(issues, pointer, "state", ISSUE_INVALID,
			"only a condition on a job has a state");
	if (in->http)
		read_http(in->http, json_pointer_member(arena, pointer, "http"), issues, ret);
	else if (in->timer)
		read_timer(
			in->timer, json_pointer_member(arena, pointer, "timer"), issues, ret);
	else if (in->approval)
		read_approval(in->approval, json_pointer_member(arena, pointer, "approval"),
			issues, ret);
	else if (in->signal &&
		json_decode(in->signal, signal_fields, NULL,
			json_pointer_member(arena, pointer, "signal"), issues) < 0)
		return;
	if (in->job) {
		ret->kind = WAIT_JOB;
		ret->job = in->job;
		ret->wanted = in->state >= 0 ? final_names[in->state] : NULL;
	}
	ret->name = in->name;
}

static const struct condition_request no_condition = { .state = -1 };

static void
read_conditions(
	json_t *list, const char *pointer, struct issues *issues, struct stage_spec *stage)
{
	size_t index;
	json_t *item;

	json_array_foreach(list, index, item)
	{
		struct condition_request in = no_condition;
		const char *at = json_pointer_index(issues->arena, pointer, index);

		if (index >= WAIT_CONDITIONS_MAX)
			return;
		if (json_decode(item, flow_condition_fields, &in, at, issues) == 0)
			read_condition(&in, at, issues, &stage->conditions[index]);
	}
}

void
flow_wait_read(
	json_t *wait, const char *pointer, struct issues *issues, struct stage_spec *stage)
{
	struct condition_request in = no_condition;

	if (json_decode(wait, flow_wait_fields, &in, pointer, issues) < 0)
		return;
	stage->n_conditions = in.any ? json_array_size(in.any)
		: in.all             ? json_array_size(in.all)
				     : 1;
	stage->mode = in.any ? WAIT_ANY : in.all ? WAIT_ALL : WAIT_ONE;
	stage->conditions =
		arena_xalloc(issues->arena, stage->n_conditions * sizeof *stage->conditions);
	if (stage->mode == WAIT_ONE) {
		read_condition(&in, pointer, issues, stage->conditions);
		return;
	}
	if ((in.any && in.all) || in.http || in.signal || in.timer || in.approval || in.job ||
		in.name)
		issues_add(issues, pointer, ISSUE_INVALID,
			"either one condition, or any, or all is expected");
	read_conditions(in.any ? in.any : in.all,
		json_pointer_member(issues->arena, pointer, in.any ? "any" : "all"), issues,
		stage);
}

/* ---- stages ---- */

static void
read_when(const char *text, struct stage_spec *ret)
{
	static const char *const words[] = {
		[WHEN_SUCCESS] = "success", [WHEN_FAILURE] = "failure", [WHEN_ALWAYS] = "always"
	};

	for (size_t i = 0; text && i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			ret->when = (enum stage_when)i;
			return;
		}
	}
	if (text) {
		ret->when = WHEN_EXPRESSION;
		ret->when_text = text;
	}
}

static void
read_pass(json_t *pass, const char *pointer, struct issues *issues, struct stage_spec *ret)
{
	const char *key;
	json_t *value;

	ret->pass =
		arena_xalloc(issues->arena, (json_object_size(pass) + 1) * sizeof *ret->pass);
	json_object_foreach(pass, key, value)
	{
		if (!json_is_string(value)) {
			issues_add_member(issues, pointer, key, ISSUE_INVALID,
				"the name of a member of the results is expected");
			continue;
		}
		ret->pass[ret->n_pass++] = (struct stage_pass) {
			.param = arena_strdup(issues->arena, key),
			.member = arena_strdup(issues->arena, json_string_value(value)),
		};
	}
}

void
flow_stage_read(json_t *stage, const char *pointer, struct issues *issues,
	struct stage_request *in, struct stage_spec *ret)
{
	struct arena *arena = issues->arena;

	*ret = (struct stage_spec) { 0 };
	*in = (struct stage_request) {
		.max_parallel = STAGE_PARALLEL_DEFAULT,
		.retry = { .factor = 1 },
	};
	if (json_decode(stage, flow_stage_fields, in, pointer, issues) < 0 && !in->name)
		return;
	ret->name = in->name;
	read_when(in->when, ret);
	ret->is_wait = in->wait && !in->run;
	ret->max_parallel = (int32_t)in->max_parallel;
	ret->goes_on = in->goes_on;
	ret->timeout_ms = in->timeout_ms;
	if (ret->is_wait && ret->timeout_ms == 0)
		ret->timeout_ms = WAIT_TIMEOUT_MS_DEFAULT;
	job_retries_read(&in->retry,
		1u << OUTCOME_FAILED | 1u << OUTCOME_ERRORED | 1u << OUTCOME_TIMED_OUT,
		json_pointer_member(arena, pointer, "retry"), issues, &ret->retry);
	if (in->run)
		ret->run = json_tree_text(arena, in->run, FLOW_BYTES_MAX);
	if (in->matrix)
		ret->matrix = json_tree_text(arena, in->matrix, FLOW_BYTES_MAX);
	if (in->schema)
		ret->schema = json_tree_text(arena, in->schema, FLOW_BYTES_MAX);
	if (in->pass)
		read_pass(in->pass, json_pointer_member(arena, pointer, "pass"), issues, ret);
	if (ret->is_wait)
		flow_wait_read(
			in->wait, json_pointer_member(arena, pointer, "wait"), issues, ret);
}

int32_t
flow_stage_find(const struct flow_spec *flow, const char *name)
{
	for (int32_t i = 0; i < flow->n; i++) {
		if (flow->stages[i].name && strcmp(flow->stages[i].name, name) == 0)
			return i;
	}
	return -1;
}

void
flow_needs_read(struct flow_spec *flow, int32_t at, const struct stage_request *in,
	const char *pointer, struct issues *issues)
{
	struct stage_spec *stage = &flow->stages[at];
	size_t n = in->has_needs ? in->needs.n : 1;

	stage->needs = arena_xalloc(issues->arena, (n + 1) * sizeof *stage->needs);
	if (!in->has_needs) {
		if (at > 0)
			stage->needs[stage->n_needs++] = at - 1;
		return;
	}
	const char *list = json_pointer_member(issues->arena, pointer, "needs");
	for (size_t i = 0; i < in->needs.n; i++) {
		int32_t other = flow_stage_find(flow, in->needs.item[i]);

		if (other < 0 || other == at)
			issues_add(issues, json_pointer_index(issues->arena, list, i),
				ISSUE_INVALID,
				other < 0 ? "there is no stage \"%.100s\""
					  : "stage \"%.100s\" cannot need itself",
				in->needs.item[i]);
		else
			stage->needs[stage->n_needs++] = other;
	}
}

/* Visits what a stage needs before it. False: it needs itself in the end. */
static bool
close_above(struct flow_spec *flow, int32_t at, uint8_t *seen)
{
	struct stage_spec *stage = &flow->stages[at];

	if (seen[at])
		return seen[at] == 2;
	seen[at] = 1;
	for (int32_t i = 0; i < stage->n_needs; i++) {
		int32_t other = stage->needs[i];

		if (!close_above(flow, other, seen))
			return false;
		stage->above[other / 64] |= UINT64_C(1) << (other % 64);
		for (size_t w = 0; w < ARRAY_LEN(stage->above); w++)
			stage->above[w] |= flow->stages[other].above[w];
	}
	seen[at] = 2;
	return true;
}

int32_t
flow_close(struct flow_spec *flow)
{
	uint8_t seen[FLOW_STAGES_MAX] = { 0 };

	for (int32_t i = 0; i < flow->n; i++) {
		if (!close_above(flow, i, seen))
			return i;
	}
	return -1;
}

/* ---- matrix ---- */

/* Every item gets the next factor's values: the first name varies slowest. */
static json_t *
multiply(json_t *items, const char *name, json_t *values)
{
	json_t *product = json_array();
	size_t i, k;
	json_t *item, *value;

	json_array_foreach(items, i, item)
	{
		json_array_foreach(values, k, value)
		{
			json_t *copy = json_copy(item);

			(void)json_object_set(copy, name, value);
			(void)json_array_append_new(product, copy);
		}
	}
	return product;
}

json_t *
flow_matrix_items(json_t *matrix, struct err *err)
{
	json_t *items, *values;
	const char *name;

	if (json_is_array(matrix)) {
		if (json_array_size(matrix) > FLOW_ITEMS_MAX)
			goto too_many;
		return json_incref(matrix);
	}
	if (!json_is_object(matrix)) {
		(void)err_set(err, ERR_INVALID,
			"a matrix is an object of lists, or an expression that gives a list");
		return NULL;
	}
	items = json_pack("[{}]");
	json_object_foreach(matrix, name, values)
	{
		size_t n = json_array_size(values);

		if (!json_is_array(values)) {
			json_decref(items);
			(void)err_set(
				err, ERR_INVALID, "\"%.60s\" of the matrix is no list", name);
			return NULL;
		}
		if (n * json_array_size(items) > FLOW_ITEMS_MAX || n > FLOW_ITEMS_MAX) {
			json_decref(items);
			goto too_many;
		}
		json_t *product = multiply(items, name, values);

		json_decref(items);
		items = product;
	}
	return items;
too_many:
	(void)err_set(err, ERR_LIMIT, "the matrix has more than %d items", FLOW_ITEMS_MAX);
	return NULL;
}

/* ---- the whole ---- */

static int
read_all(json_t *tree, struct issues *issues, struct flow_spec *ret)
{
	json_t *stages = json_object_get(tree, "stages");
	size_t n = json_array_size(stages);
	struct stage_request *in = arena_xalloc(issues->arena, (n + 1) * sizeof *in);

	if (n == 0 || n > FLOW_STAGES_MAX)
		return -1;
	*ret = (struct flow_spec) {
		.stages = arena_xalloc(issues->arena, n * sizeof *ret->stages),
		.n = (int32_t)n,
		.params = json_tree_text(
			issues->arena, json_object_get(tree, "params"), FLOW_BYTES_MAX),
		.limit = (int32_t)json_integer_value(json_object_get(tree, "limit")),
	};
	for (size_t i = 0; i < n; i++)
		flow_stage_read(json_array_get(stages, i), "", issues, &in[i], &ret->stages[i]);
	for (size_t i = 0; i < n; i++)
		flow_needs_read(ret, (int32_t)i, &in[i], "", issues);
	return issues->n > 0 || flow_close(ret) >= 0 ? -1 : 0;
}

int
flow_spec_read(const char *text, struct arena *arena, struct flow_spec *ret, struct err *err)
{
	struct issues issues = { .arena = arena };
	_cleanup_(json_unrefp) json_t *tree =
		json_read(text, strlen(text), JSON_DEPTH_MAX, err);

	if (!tree)
		return err_wrap(err, "a flow");
	if (read_all(tree, &issues, ret) < 0)
		return err_set(err, ERR_CORRUPT, "a flow: %.100s",
			issues.n > 0 ? issues.item[0].detail : "its stages");
	return 0;
}

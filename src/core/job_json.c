/* SPDX-License-Identifier: Apache-2.0 */
/* Reading jobs, and checking tests and templates before they are saved. */
#include "core/job_json.h"

#include <string.h>

#include "base/limits.h"
#include "core/expr.h"
#include "core/flow_json.h"
#include "core/job_json_impl.h"
#include "core/job_queueing.h"
#include "core/lane.h"
#include "core/params.h"
#include "core/run.h"
#include "core/test_kinds.h"

/* A job request as the table decodes it. */
struct job_request {
	const char *name, *tmpl, *queue;
	struct job_queueing queueing;
	json_t *params, *tests, *labels, *config, *output_schema, *extra;
	json_t *browsers, *fixtures, *hooks, *library, *quarantine, *stop;
	struct strs tags;
	int64_t concurrency, iterations, failures_to_ignore, priority;
	int64_t timeout_ms, run_timeout_ms, start_timeout_ms, hook_timeout_ms, run_at_ms;
	struct job_retries retries;
	const char *description;

	/* of a flow: core/flow_json.h reads them */
	const char *flow;
	json_t *stages, *chain, *pass, *parallel, *attempts;
	int64_t limit;
	bool allow_failures;
};

struct test_ref {
	const char *test;
	struct selector_request select;
	int64_t revision;
	bool skip, only;
};

/* clang-format off */
#define RETRY(member) .offset = offsetof(struct job_retries, member)
const struct json_field job_retries_fields[] = {
	{ .name = "max", .kind = FIELD_INT, RETRY(max), .min = 0, .max = RETRIES_MAX },
	{ .name = "delay", .kind = FIELD_DURATION, RETRY(delay_ms), .min = 0, .max = RETRY_DELAY_MS_MAX },
	{ .name = "factor", .kind = FIELD_NUM, RETRY(factor), .min = 1, .max = RETRY_FACTOR_MAX },
	{ .name = "maxDelay", .kind = FIELD_DURATION, RETRY(delay_max_ms), .min = 0, .max = RETRY_DELAY_MS_MAX },
	{ .name = "jitter", .kind = FIELD_NUM, RETRY(jitter), .min = 0, .max = 1 },
	{ .name = "on", .kind = FIELD_STRS, RETRY(on), .min = 1, .max = 3, .item_max = 20 },
	{ 0 },
};

#define REF(member) .offset = offsetof(struct test_ref, member)
const struct json_field job_test_ref_fields[] = {
	{ .name = "test", .kind = FIELD_STR, REF(test), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "tags", .kind = FIELD_ANY, REF(select.tags) },
	{ .name = "name", .kind = FIELD_ANY, REF(select.name) },
	{ .name = "last", .kind = FIELD_ANY, REF(select.last) },
	{ .name = "exclude", .kind = FIELD_OBJ, REF(select.exclude), .min = 1, .max = 3 },
	{ .name = "revision", .kind = FIELD_INT, REF(revision), .min = 1, .max = INT64_MAX },
	{ .name = "skip", .kind = FIELD_FLAG, REF(skip) },
	{ .name = "only", .kind = FIELD_FLAG, REF(only) },
	{ 0 },
};

#define JOB(member) .offset = offsetof(struct job_request, member)
#define JOB_FIELDS \
	{ .name = "name", .kind = FIELD_STR, JOB(name), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "tests", .kind = FIELD_ARR, JOB(tests), .min = 1, .max = TESTS_PER_JOB_MAX }, \
	{ .name = "fixtures", .kind = FIELD_ARR, JOB(fixtures), .min = 1, .max = FIXTURES_PER_JOB_MAX }, \
	{ .name = "hooks", .kind = FIELD_OBJ, JOB(hooks), .min = 0, .max = 4 }, \
	{ .name = "library", .kind = FIELD_OBJ, JOB(library), .min = 0, .max = 1000 }, \
	{ .name = "browsers", .kind = FIELD_ARR, JOB(browsers), .min = 1, .max = TARGETS_PER_JOB_MAX }, \
	{ .name = "concurrency", .kind = FIELD_INT, JOB(concurrency), .min = 1, .max = CONCURRENCY_MAX }, \
	{ .name = "iterations", .kind = FIELD_INT, JOB(iterations), .min = 0, .max = ITERATIONS_MAX }, \
	{ .name = "failuresToIgnore", .kind = FIELD_INT, JOB(failures_to_ignore), .min = 0, .max = FAILURES_TO_IGNORE_MAX }, \
	{ .name = "stopOnFirstFailure", .kind = FIELD_ANY, JOB(stop) }, \
	{ .name = "quarantine", .kind = FIELD_ANY, JOB(quarantine) }, \
	{ .name = "retries", .kind = FIELD_SUB, JOB(retries), .sub = job_retries_fields }, \
	{ .name = "timeout", .kind = FIELD_DURATION, JOB(timeout_ms), .min = 0, .max = JOB_TIMEOUT_MS_MAX }, \
	{ .name = "runTimeout", .kind = FIELD_DURATION, JOB(run_timeout_ms), .min = 0, .max = RUN_TIMEOUT_MS_MAX }, \
	{ .name = "startTimeout", .kind = FIELD_DURATION, JOB(start_timeout_ms), .min = 1, .max = RUN_TIMEOUT_MS_MAX }, \
	{ .name = "hookTimeout", .kind = FIELD_DURATION, JOB(hook_timeout_ms), .min = 1, .max = RUN_TIMEOUT_MS_MAX }, \
	{ .name = "queue", .kind = FIELD_STR, JOB(queue), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "priority", .kind = FIELD_INT, JOB(priority), .min = PRIORITY_MIN, .max = PRIORITY_MAX }, \
	{ .name = "labels", .kind = FIELD_OBJ, JOB(labels), .min = 0, .max = LABELS_MAX }, \
	{ .name = "runAt", .kind = FIELD_INSTANT, JOB(run_at_ms), .min = 0, .max = TIME_AT_MS_MAX }, \
	{ .name = "expiresAfter", .kind = FIELD_DURATION, JOB(queueing.expires_after_ms), .min = 0, .max = EXPIRES_MS_MAX }, \
	{ .name = "keys", .kind = FIELD_OBJ, JOB(queueing.keys), .min = 0, .max = JOB_KEYS_MAX }, \
	{ .name = "needs", .kind = FIELD_OBJ, JOB(queueing.needs), .min = 0, .max = RESOURCES_MAX }, \
	{ .name = "unique", .kind = FIELD_SUB, JOB(queueing.unique), .sub = job_unique_fields, .set_offset = offsetof(struct job_request, queueing.has_unique) }, \
	{ .name = "config", .kind = FIELD_OBJ, JOB(config), .min = 0, .max = 1000 }, \
	{ .name = "outputSchema", .kind = FIELD_OBJ, JOB(output_schema), .min = 0, .max = 1000 }, \
	{ .name = "tags", .kind = FIELD_STRS, JOB(tags), .min = 0, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX }, \
	{ .name = "extra", .kind = FIELD_OBJ, JOB(extra), .min = 0, .max = 1000 }, \
	{ .name = "params", .kind = FIELD_OBJ, JOB(params), .min = 0, .max = PARAMS_MAX }

/* A job that is a flow. */
#define FLOW_FIELDS \
	{ .name = "flow", .kind = FIELD_STR, JOB(flow), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "stages", .kind = FIELD_ARR, JOB(stages), .min = 1, .max = FLOW_STAGES_MAX }, \
	{ .name = "limit", .kind = FIELD_INT, JOB(limit), .min = 1, .max = FLOW_STAGES_MAX }, \
	{ .name = "chain", .kind = FIELD_ARR, JOB(chain), .min = 1, .max = FLOW_STAGES_MAX }, \
	{ .name = "pass", .kind = FIELD_OBJ, JOB(pass), .min = 0, .max = PARAMS_MAX }, \
	{ .name = "parallel", .kind = FIELD_ARR, JOB(parallel), .min = 1, .max = FLOW_STAGES_MAX }, \
	{ .name = "allowFailures", .kind = FIELD_FLAG, JOB(allow_failures) }, \
	{ .name = "attempts", .kind = FIELD_OBJ, JOB(attempts), .min = 1, .max = 20 }

/* The end of the year 9999: what four digits can say. */
#define TIME_AT_MS_MAX INT64_C(253402300799999)

const struct json_field job_fields[] = {
	JOB_FIELDS,
	{ .name = "template", .kind = FIELD_STR, JOB(tmpl), .min = 1, .max = NAME_BYTES_MAX },
	FLOW_FIELDS,
	{ 0 },
};

const struct json_field template_fields[] = {
	JOB_FIELDS,
	{ .name = "description", .kind = FIELD_STR, JOB(description), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ 0 },
};

struct invocation { json_t *params, *overrides; };
const struct json_field invoke_fields[] = {
	{ .name = "params", .kind = FIELD_OBJ, .offset = offsetof(struct invocation, params), .min = 0, .max = PARAMS_MAX },
	{ .name = "overrides", .kind = FIELD_OBJ, .offset = offsetof(struct invocation, overrides), .min = 0, .max = 100 },
	{ 0 },
};
/* clang-format on */

/* --- Texts --- */

const char *
job_strs_json(struct arena *arena, const struct strs *strs)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(64 * 1024);
	struct jw jw;

	if (strs->n == 0)
		return "[]";
	jw_init(&jw, &out);
	jw_arr(&jw);
	for (size_t i = 0; i < strs->n; i++)
		jw_str(&jw, strs->item[i]);
	jw_end_arr(&jw);
	return jw_done(&jw) < 0 ? NULL : arena_strndup(arena, out.data, out.len);
}

/* --- Saved things under the request --- */

bool
job_is_plain_selector(const json_t *item)
{
	return json_object_get(item, "last") || json_object_get(item, "exclude") ||
		json_is_string(json_object_get(item, "tags"));
}

/* A test has a kind. Tags in a list and a name are also members of tests. */
bool
job_is_selector(const json_t *item)
{
	static const char *const own[] = { "tags", "name", "skip", "only" };
	size_t n = 0;

	if (!json_is_object(item) || json_object_get(item, "kind") ||
		json_object_get(item, "test"))
		return false;
	if (job_is_plain_selector(item))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		n += json_object_get(item, own[i]) != NULL;
	return n == json_object_size(item) &&
		(json_object_get(item, "tags") || json_object_get(item, "name"));
}

static bool
is_ref(const json_t *item)
{
	return json_object_get(item, "test") || job_is_selector(item);
}

static bool
has_ref(const json_t *tests)
{
	size_t n = json_array_size(tests);

	for (size_t i = 0; i < n; i++)
		if (is_ref(json_array_get(tests, i)))
			return true;
	return false;
}

static bool
hooks_have_ref(const json_t *hooks)
{
	return is_ref(json_object_get(hooks, "before")) ||
		is_ref(json_object_get(hooks, "after"));
}

static bool
names_saved_things(const json_t *job)
{
	const json_t *fixtures = json_object_get(job, "fixtures");

	if (json_object_get(job, "flow"))
		return true;
	if (flow_is_asked_for(job))
		return flow_names_saved_things(job);
	if (json_object_get(job, "template") || has_ref(json_object_get(job, "tests")) ||
		hooks_have_ref(json_object_get(job, "hooks")))
		return true;
	for (size_t i = 0; i < json_array_size(fixtures); i++) {
		const json_t *fixture = json_array_get(fixtures, i);

		if (has_ref(json_object_get(fixture, "tests")) || hooks_have_ref(fixture))
			return true;
	}
	return false;
}

static bool
is_merged(const char *key)
{
	static const char *const names[] = { "config", "labels", "extra", "library", "keys",
		"needs" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

/* The template's members where the request has none; objects of settings member by member. */
static void
lay_under(json_t *job, json_t *body)
{
	const char *key;
	json_t *value;

	json_object_foreach(body, key, value)
	{
		json_t *own = json_object_get(job, key);

		if (strcmp(key, "params") == 0 || strcmp(key, "description") == 0)
			continue;
		if (!own)
			(void)json_object_set(job, key, value);
		else if (is_merged(key) && json_is_object(own) && json_is_object(value))
			(void)json_object_update_missing(own, value);
	}
}

/* Lays the saved template or flow that the member `what` names under the request. */
static int
apply_saved(struct reading *reading, json_t *job, const char *what)
{
	const struct job_source *source = reading->source;
	const char *name = json_string_value(json_object_get(job, what));
	int r;

	if (!name || !*name) {
		issues_add_member(reading->issues, reading->pointer, what, ISSUE_INVALID,
			"the name or id of a %s is expected", what);
		return -1;
	}
	r = (strcmp(what, "flow") == 0 ? source->flow : source->tmpl)(
		source->arg, name, &reading->tmpl, reading->err);
	if (r == JOB_SOURCE_NONE) {
		issues_add_member(reading->issues, reading->pointer, what, ISSUE_INVALID,
			"there is no %s \"%.100s\"", what, name);
		return -1;
	}
	if (r < 0)
		return -1;
	lay_under(job, reading->tmpl.body);
	return 0;
}

static int
settle_params(struct reading *reading, json_t *job)
{
	json_t *given = json_object_get(job, "params");
	json_t *declared =
		reading->tmpl.body ? json_object_get(reading->tmpl.body, "params") : NULL;

	if ((!given && !declared) || (given && !json_is_object(given)))
		return 0; /* nothing to settle, or the table will say so */
	return params_settle(declared, reading->tmpl.body != NULL, given,
		json_pointer_member(reading->arena, reading->pointer, "params"),
		reading->issues, &reading->params);
}

/* The values that expressions see. */
static json_t *
params_of(struct reading *reading)
{
	if (!reading->params)
		reading->params = json_object();
	return reading->params;
}

/* No later pass reads these members: what was escaped in them is a text from here on. */
static void
settle_texts(struct reading *reading, json_t *job)
{
	static const char *const members[] = { "name", "tags", "labels", "queue", "keys",
		"unique", "extra" };
	_cleanup_(json_unrefp) json_t *none = json_object();
	const struct expr_scope scope = { .roots = none };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *value = json_object_get(job, members[i]);

		if (!value || !tree_has_expr(value))
			continue;
		value = json_deep_copy(value);
		/* The pass before has refused what is malformed. */
		(void)(expr_expand(&value, &scope, reading->pointer, reading->issues) < 0);
		(void)json_object_set_new(job, members[i], value);
	}
}

/* Fills in the request's own texts; its `params` and `template` are not looked at. */
static int
expand_job(struct reading *reading, json_t *job, const char *const *later)
{
	_cleanup_(json_unrefp) json_t *roots = json_pack("{s:O}", "params", params_of(reading));
	const struct expr_scope scope = { .roots = roots, .later = later };
	json_t *params = json_incref(json_object_get(job, "params"));
	json_t *whole = job;

	if (params)
		(void)json_object_del(job, "params");
	int r = expr_expand(&whole, &scope, reading->pointer, reading->issues);

	if (r == 0)
		settle_texts(reading, job);
	if (params)
		(void)json_object_set_new(job, "params", params);
	return r;
}

/* --- Tests --- */

static struct read_test *
new_test(struct reading *reading)
{
	/* Hooks of every fixture and of the job come behind the tests. */
	size_t max = reading->in_hook ? SIZE_MAX : TESTS_PER_JOB_MAX;

	if (reading->n_tests >= max) {
		issues_add(reading->issues, reading->at, ISSUE_LIMIT,
			"the job has more than %d tests", TESTS_PER_JOB_MAX);
		return NULL;
	}
	if (reading->n_tests == reading->cap_tests) {
		size_t cap = reading->cap_tests ? reading->cap_tests * 2 : 4;
		struct read_test *more = arena_calloc(reading->arena, cap, sizeof *more);

		if (!more) {
			issues_add(reading->issues, reading->at, ISSUE_LIMIT,
				"the tests are too large together");
			return NULL;
		}
		if (reading->n_tests > 0)
			memcpy(more, reading->tests, reading->n_tests * sizeof *more);
		reading->tests = more;
		reading->cap_tests = cap;
	}
	return &reading->tests[reading->n_tests];
}

static int
push_test(struct reading *reading, const struct test_common *common, json_t *test)
{
	const struct fixture_request *fixture = reading->fixture;
	struct read_test *read = new_test(reading);

	if (!read || job_compose_test(reading, common, test) < 0)
		return -1;
	*read = (struct read_test) {
		.fixture = fixture ? (int32_t)(fixture - reading->fixtures) : -1,
		.only = common->only || reading->ref_only || (fixture && fixture->only),
		.spec.name = common->name ? common->name : common->kind,
		.spec.kind = common->kind,
		.spec.timeout_ms = common->timeout_ms,
		.spec.skip = common->skip || reading->ref_skip || (fixture && fixture->skip),
	};
	if (!common->name)
		(void)json_object_set_new(test, "name", json_string(read->spec.name));
	read->spec.body = json_tree_text(reading->arena, test, 2 * DEFINITION_BYTES_MAX);
	if (!read->spec.body.p) {
		issues_add(reading->issues, reading->at, ISSUE_LIMIT, "the test is too large");
		return -1;
	}
	reading->n_tests++;
	return 0;
}

/* A saved test: checked again with its parameters filled in. Takes the item's body. */
static int
take_saved(void *arg, struct job_source_item *item)
{
	struct reading *reading = arg;
	_cleanup_(json_unrefp) json_t *roots = json_pack("{s:O}", "params", params_of(reading));
	const struct expr_scope scope = { .roots = roots, .later = expr_later_than_job };
	_cleanup_(json_unrefp) json_t *body = TAKE(item->body);
	struct libraries around = job_libraries(reading);
	struct issues *issues = reading->issues;
	struct test_common common;
	size_t first = issues->n;

	(void)json_object_del(body, "extra"); /* belongs to what is saved */
	if (tree_has_expr(body) && expr_expand(&body, &scope, "", issues) < 0)
		goto offences;
	if (test_read(body, false, &around, "", issues, &common) < 0)
		goto offences;
	return push_test(reading, &common, body);
offences:
	/* The pointers are into the saved test, the request only names it. */
	for (size_t i = first; i < issues->n; i++) {
		const char *detail = arena_printf(reading->arena, "in test \"%s\", %s: %s",
			item->name, issues->item[i].pointer, issues->item[i].detail);

		issues->item[i].detail = detail ? detail : "";
		issues->item[i].pointer = reading->at;
	}
	return -1;
}

static int
read_selected(struct reading *reading, const struct selector_request *request)
{
	struct selector selector;
	struct selector_counts counts = { 0 };
	const char *member, *why;

	if (selector_read(request, false, reading->at, reading->arena, reading->issues,
		    &selector) < 0)
		return -1;
	if (reading->source->selected(reading->source->arg, &selector, &counts, take_saved,
		    reading, reading->err) < 0)
		return -1;
	if (counts.chosen > 0)
		return 0;
	why = selector_why_none(&selector, &counts, reading->arena, &member);
	issues_add(reading->issues,
		member ? json_pointer_member(reading->arena, reading->at, member) : reading->at,
		ISSUE_INVALID, "no test is selected: %s", why);
	return -1;
}

static int
read_named(struct reading *reading, const struct test_ref *ref)
{
	struct job_source_item saved = { 0 };
	int r = reading->source->test(
		reading->source->arg, ref->test, ref->revision, &saved, reading->err);

	if (r == JOB_SOURCE_NONE) {
		issues_add_member(reading->issues, reading->at, "test", ISSUE_INVALID,
			"there is no test \"%.100s\"%s", ref->test,
			ref->revision ? " with that revision" : "");
		return -1;
	}
	return r < 0 ? -1 : take_saved(reading, &saved);
}

/* By its name, or by what it has: not both. */
static int
check_ref(const struct test_ref *ref, const char *at, struct issues *issues)
{
	const struct selector_request *select = &ref->select;

	if (!(select->tags || select->name || select->last || select->exclude) ||
		!(ref->test || ref->revision))
		return 0;
	issues_add_member(issues, at,
		select->tags           ? "tags"
			: select->name ? "name"
			: select->last ? "last"
				       : "exclude",
		ISSUE_INVALID, "test and revision stand without tags, name, last and exclude");
	return -1;
}

static int
read_ref(struct reading *reading, json_t *item)
{
	struct test_ref ref = { 0 };

	if (json_decode(item, job_test_ref_fields, &ref, reading->at, reading->issues) < 0)
		return -1;
	if (check_ref(&ref, reading->at, reading->issues) < 0)
		return -1;
	reading->ref_skip = ref.skip;
	reading->ref_only = ref.only;
	int r = ref.test ? read_named(reading, &ref) : read_selected(reading, &ref.select);

	reading->ref_skip = reading->ref_only = false;
	return r;
}

int
job_read_item(struct reading *reading, json_t *item)
{
	struct libraries around = job_libraries(reading);
	struct test_common common;

	if (is_ref(item))
		return read_ref(reading, item);
	if (test_read(item, false, &around, reading->at, reading->issues, &common) < 0)
		return -1;
	return push_test(reading, &common, item);
}

int
job_read_tests(struct reading *reading, json_t *tests, const char *pointer)
{
	size_t index;
	json_t *item;
	int r = 0;

	json_array_foreach(tests, index, item)
	{
		reading->at = json_pointer_index(reading->arena, pointer, index);
		reading->err->code = 0;
		if (job_read_item(reading, item) < 0)
			r = -1;
		if (r < 0 && reading->err->code != 0)
			return -1; /* the source failed */
	}
	return r;
}

/* --- The rest of a job --- */

void
job_retries_read(const struct job_retries *retries, uint32_t on_default, const char *pointer,
	struct issues *issues, struct retry_policy *ret)
{
	static const enum run_outcome allowed[] = { OUTCOME_FAILED, OUTCOME_ERRORED,
		OUTCOME_TIMED_OUT };
	uint32_t on = retries->on.n == 0 ? on_default : 0;

	for (size_t i = 0; i < retries->on.n; i++) {
		uint32_t bit = 0;

		for (size_t j = 0; j < ARRAY_LEN(allowed); j++)
			if (strcmp(retries->on.item[i], run_outcome_name(allowed[j])) == 0)
				bit = 1u << allowed[j];
		if (bit == 0)
			issues_add_member(issues, pointer, "on", ISSUE_INVALID,
				"\"%.40s\" is none of failed, errored, timed_out",
				retries->on.item[i]);
		on |= bit;
	}
	*ret = (struct retry_policy) {
		.max = (int32_t)retries->max,
		.delay_ms = retries->delay_ms,
		.factor = retries->factor,
		.delay_max_ms = retries->delay_max_ms,
		.jitter = retries->jitter,
		.on = on,
	};
}

static void
write_tree(struct jw *jw, const char *key, const json_t *value)
{
	if (!value || json_object_size(value) == 0)
		return;
	jw_key(jw, key);
	jw_tree(jw, value);
}

/* What only answers and leases need. Empty when there is nothing of it. */
static int
write_options(struct reading *reading, const struct job_request *request, struct str *ret)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(2 * DEFINITION_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	if (reading->tmpl.body) {
		jw_kstr(&jw, request->flow ? "flow" : "template", reading->tmpl.name);
		jw_ki64(&jw, request->flow ? "flowRevision" : "templateRevision",
			reading->tmpl.revision);
	}
	write_tree(&jw, "params", reading->params);
	write_tree(&jw, "config", request->config);
	write_tree(&jw, "outputSchema", request->output_schema);
	write_tree(&jw, "extra", request->extra);
	if (request->browsers) {
		jw_key(&jw, "browsers");
		jw_tree(&jw, request->browsers);
	}
	if (request->start_timeout_ms > 0)
		jw_ki64(&jw, "startTimeoutMs", request->start_timeout_ms);
	if (request->hook_timeout_ms > 0)
		jw_ki64(&jw, "hookTimeoutMs", request->hook_timeout_ms);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0) {
		issues_add(reading->issues, reading->pointer, ISSUE_LIMIT,
			"params, config, outputSchema and extra are too large together");
		return -1;
	}
	*ret = out.len > 2 ? str_from(arena_strndup(reading->arena, out.data, out.len), out.len)
			   : (struct str) { 0 };
	return 0;
}

/* All but the tests. */
static void
fill_spec(struct reading *reading, const struct job_request *request, struct job_spec *spec)
{
	*spec = (struct job_spec) {
		.name = request->name ? request->name : reading->tmpl.name,
		.tags = job_strs_json(reading->arena, &request->tags),
		.template_id = reading->tmpl.id,
		.priority = (int32_t)request->priority,
		.queue = request->queue,
		.labels = "",
		.before = -1,
		.after = -1,
		.iterations = request->iterations,
		.concurrency = (int32_t)request->concurrency,
		.failures_to_ignore = request->failures_to_ignore,
		.timeout_ms = request->timeout_ms,
		.run_timeout_ms = request->run_timeout_ms,
		.run_at_ms = request->run_at_ms,
	};
	if (request->labels)
		spec->labels = labels_canonical(reading->arena, request->labels,
			json_pointer_member(reading->arena, reading->pointer, "labels"),
			reading->issues);
	job_queueing_read(
		&request->queueing, reading->pointer, reading->arena, reading->issues, spec);
	job_read_browsers(reading, request->browsers, spec);
	job_retries_read(&request->retries, 1u << OUTCOME_ERRORED,
		json_pointer_member(reading->arena, reading->pointer, "retries"),
		reading->issues, &spec->retry);
	job_read_quarantine(reading, request->quarantine, spec);
	job_read_stop(reading, request->stop, spec);
}

static const struct job_request job_defaults = {
	.concurrency = 1,
	.iterations = 1,
	.run_timeout_ms = RUN_TIMEOUT_MS_DEFAULT,
	.retries = { .factor = 1, .delay_ms = 0 },
};

/* Members that say how tests are carried out: a flow has none of its own. */
static void
refuse_members(struct reading *reading, const json_t *job)
{
	static const char *const names[] = { "tests", "fixtures", "hooks", "library",
		"browsers", "concurrency", "iterations", "failuresToIgnore",
		"stopOnFirstFailure", "quarantine", "retries", "runTimeout", "startTimeout",
		"hookTimeout", "labels", "queue", "priority", "keys", "needs", "config",
		"outputSchema", "template" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (json_object_get(job, names[i]))
			issues_add_member(reading->issues, reading->pointer, names[i],
				ISSUE_INVALID,
				"a flow has no %s; it belongs into run of a stage", names[i]);
	}
}

static int
expand_flow(struct reading *reading, json_t *job)
{
	json_t *taken = flow_take_runs(job);
	int r = expand_job(reading, job, expr_later_than_flow);

	flow_give_back_runs(job, taken);
	json_decref(taken);
	return r;
}

static int
read_stages(struct reading *reading, json_t *job, struct job_spec *ret)
{
	struct job_request request = job_defaults;
	struct issues *issues = reading->issues;
	size_t first = issues->n;

	flow_write_out(job, reading->pointer, issues);
	if (settle_params(reading, job) < 0)
		return -1;
	if (tree_has_expr(job) && expand_flow(reading, job) < 0)
		return -1;
	int r = json_decode(job, job_fields, &request, reading->pointer, issues);

	refuse_members(reading, job);
	fill_spec(reading, &request, ret);
	if (flow_stages_check(job, params_of(reading), false, reading->pointer, reading->arena,
		    issues, &ret->flow) < 0)
		r = -1;
	if (!ret->name)
		ret->name = "flow";
	ret->n_targets = 1;
	if (r < 0 || issues->n > first || issues->n_more > 0)
		return -1;
	return write_options(reading, &request, &ret->options);
}

static int
check_names(struct reading *reading, const json_t *job, size_t first)
{
	if (flow_names_check(
		    job, reading->source, reading->pointer, reading->issues, reading->err) < 0)
		return -1;
	return reading->issues->n > first || reading->issues->n_more > 0 ? -1 : 0;
}

static int
read_flow(struct reading *reading, json_t *job, struct job_spec *ret)
{
	size_t first = reading->issues->n;

	if (json_object_get(job, "flow") && apply_saved(reading, job, "flow") < 0)
		return -1;
	const char *form = flow_form(job);
	int r = read_stages(reading, job, ret);

	if (r == 0 && reading->source)
		r = check_names(reading, job, first);
	flow_name_places(form, reading->pointer, reading->issues, first);
	return r;
}

static int
read_whole(struct reading *reading, json_t *job, struct job_spec *ret)
{
	struct job_request request = job_defaults;
	struct issues *issues = reading->issues;
	size_t first = issues->n;

	if (reading->source && json_object_get(job, "template") &&
		apply_saved(reading, job, "template") < 0)
		return -1;
	if (settle_params(reading, job) < 0)
		return -1;
	if (tree_has_expr(job) && expand_job(reading, job, expr_later_than_job) < 0)
		return -1;
	int r = json_decode(job, job_fields, &request, reading->pointer, issues);

	if (!json_object_get(job, "tests") && !json_object_get(job, "fixtures"))
		issues_add_member(issues, reading->pointer, "tests", ISSUE_MISSING,
			"at least one test is expected");
	/* Also after offences: these find the ones that no table knows of. */
	fill_spec(reading, &request, ret);
	if (job_read_fixtures(reading, job,
		    request.hook_timeout_ms ? request.hook_timeout_ms : HOOK_TIMEOUT_MS_DEFAULT,
		    ret) < 0)
		return -1;
	job_check_browsers(reading, job, ret);
	if (!ret->name)
		ret->name = ret->n_tests > 0 ? ret->tests[0].name : "job";
	if (r < 0 || issues->n > first || issues->n_more > 0)
		return -1;
	return write_options(reading, &request, &ret->options);
}

int
job_spec_read(json_t *job, const struct job_source *source, const char *pointer,
	struct arena *arena, struct issues *issues, struct job_spec *ret, struct err *err)
{
	struct reading reading = {
		.source = source,
		.pointer = pointer,
		.arena = arena,
		.issues = issues,
		.err = err,
	};

	err->code = 0;
	if (!json_is_object(job)) {
		issues_add(issues, pointer, ISSUE_INVALID, "a job is an object");
		return -1;
	}
	if (!source && names_saved_things(job))
		return JOB_NEEDS_SOURCE;
	int r = flow_is_asked_for(job) ? read_flow(&reading, job, ret)
				       : read_whole(&reading, job, ret);

	json_decref(reading.params);
	json_decref(reading.tmpl.body);
	return r;
}

int
job_from_invoke(json_t *invoke, const char *template_name, const char *pointer,
	struct issues *issues, json_t **ret)
{
	struct invocation in = { 0 };
	json_t *job;

	if (json_decode(invoke, invoke_fields, &in, pointer, issues) < 0)
		return -1;
	if (in.overrides && json_object_get(in.overrides, "template")) {
		issues_add(issues, "/overrides/template", ISSUE_INVALID,
			"the template is the one that is invoked");
		return -1;
	}
	job = in.overrides ? json_deep_copy(in.overrides) : json_object();
	(void)json_object_set_new(job, "template", json_string(template_name));
	if (in.params)
		(void)json_object_set(job, "params", in.params);
	*ret = job;
	return 0;
}

/* --- Definitions --- */

int
test_definition_read(
	json_t *test, struct arena *arena, struct issues *issues, struct definition_head *ret)
{
	struct test_common common;

	if (test_read(test, true, NULL, "", issues, &common) < 0)
		return -1;
	if (!common.name)
		issues_add(issues, "/name", ISSUE_MISSING, "a saved test has a name");
	if (expr_check(test, NULL, "", issues) < 0 || !common.name)
		return -1;
	ret->name = common.name;
	ret->tags = job_strs_json(arena, &common.tags);
	return 0;
}

/* What can be said of a template's tests before its parameters have values. */
static int
check_template_tests(json_t *tests, const struct libraries *around, const char *pointer,
	struct issues *issues)
{
	struct arena *arena = issues->arena;
	struct test_common common;
	size_t index;
	json_t *item;
	int r = 0;

	json_array_foreach(tests, index, item)
	{
		const char *at = json_pointer_index(arena, pointer, index);
		struct test_ref ref = { 0 };
		struct selector selector;

		if (!is_ref(item)) {
			r = test_read(item, true, around, at, issues, &common) < 0 ? -1 : r;
			continue;
		}
		if (json_decode(item, job_test_ref_fields, &ref, at, issues) < 0 ||
			check_ref(&ref, at, issues) < 0 ||
			(!ref.test &&
				selector_read(&ref.select, true, at, arena, issues, &selector) <
					0))
			r = -1;
	}
	return r;
}

/* Members that no table knows whole. */
static void
check_template_groups(json_t *tmpl, const struct job_request *request, struct issues *issues)
{
	struct err err;
	struct reading reading = {
		.pointer = "", .arena = issues->arena, .issues = issues, .err = &err
	};
	struct job_spec spec = { .retry.max = (int32_t)request->retries.max };

	job_read_browsers(&reading, request->browsers, &spec);
	job_read_quarantine(&reading, request->quarantine, &spec);
	job_read_stop(&reading, request->stop, &spec);
	job_check_browsers(&reading, tmpl, &spec);
}

static void
forgive_template(json_t *tmpl, struct issues *issues)
{
	size_t n = 0;

	for (size_t i = 0; i < issues->n; i++) {
		json_t *value = json_pointer_get(tmpl, issues->item[i].pointer);

		if (json_is_string(value) && expr_in_text(str_of(json_string_value(value))))
			continue;
		issues->item[n++] = issues->item[i];
	}
	issues->n = n;
}

void
job_request_check(json_t *job, const char *pointer, struct issues *issues)
{
	struct job_request request = job_defaults;
	struct issues found = { .arena = issues->arena };

	/* Also what stands for a value of another type; those are told apart below. */
	if (json_decode(job, job_fields, &request, "", &found) < 0)
		forgive_template(job, &found);
	for (size_t i = 0; i < found.n; i++)
		issues_add(issues,
			arena_printf(issues->arena, "%s%s", pointer, found.item[i].pointer),
			found.item[i].code, "%s", found.item[i].detail);
	if (!json_object_get(job, "tests") && !json_object_get(job, "fixtures") &&
		!json_object_get(job, "template") && !json_object_get(job, "flow"))
		issues_add(issues, pointer, ISSUE_MISSING,
			"template, tests, fixtures or flow is expected");
}

int
template_definition_read(
	json_t *tmpl, struct arena *arena, struct issues *issues, struct definition_head *ret)
{
	struct job_request request = job_defaults;
	json_t *params = json_object_get(tmpl, "params");
	struct libraries around = { { NULL, json_object_get(tmpl, "library") } };
	_cleanup_(json_unrefp) json_t *names = NULL;
	/* Offences end in issues, which is looked at below. */
	(void)(json_decode(tmpl, template_fields, &request, "", issues) < 0);
	job_check_template_fixtures(tmpl, issues, check_template_tests);
	check_template_groups(tmpl, &request, issues);
	forgive_template(tmpl, issues);
	if (!json_object_get(tmpl, "name"))
		issues_add(issues, "/name", ISSUE_MISSING, "a template has a name");
	if (!json_object_get(tmpl, "tests") && !json_object_get(tmpl, "fixtures"))
		issues_add(issues, "/tests", ISSUE_MISSING, "at least one test is expected");
	if (json_is_object(params))
		(void)(params_check(params, "/params", issues) < 0);
	(void)(check_template_tests(json_object_get(tmpl, "tests"), &around, "/tests", issues) <
		0);
	names = json_is_object(params) ? json_incref(params) : json_object();
	(void)(expr_check(tmpl, names, "", issues) < 0);
	if (issues->n > 0 || issues->n_more > 0)
		return -1;
	ret->name = request.name;
	ret->tags = job_strs_json(arena, &request.tags);
	return 0;
}

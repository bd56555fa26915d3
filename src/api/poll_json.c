/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polls carry most of a busy server's bytes: texts are copied once, into the intent's arena,
 * and the answer is written without a tree.
 */
#include "api/poll_json.h"

#include <string.h>

#include "base/limits.h"
#include "core/expr.h"
#include "core/needs.h"

struct hold_in {
	struct uuid run;
	int64_t fence;
	bool stopping, watching;
};

struct result_in {
	struct uuid run;
	int64_t fence, duration_ms;
	int outcome;
	const char *reason;
	json_t *error, *result;
	struct usage_in {
		int64_t cpu_ms, peak_kib, tokens;
	} usage;
};

struct event_in {
	struct uuid run;
	int64_t fence, n, at_ms;
	const char *type;
	json_t *data;
};

struct poll_in {
	struct uuid worker;
	const char *name, *version;
	struct strs kinds;
	json_t *labels, *resources;
	int64_t capacity, wait_ms;
	bool claim;
	struct subs holds, results, events;
};

/* Index = enum run_outcome - 1; then what is no outcome of a run. */
static const char *const outcome_names[] = { "passed", "failed", "errored", "skipped",
	"cancelled", "timed_out", "lost", NULL };

enum { OUTCOME_NAME_LOST = OUTCOME_COUNT - 1 };
_Static_assert(ARRAY_LEN(outcome_names) == OUTCOME_NAME_LOST + 2, "lost is the last name");

/* clang-format off */
#define HOLD(member) .offset = offsetof(struct hold_in, member)
static const struct json_field hold_fields[] = {
	{ .name = "run", .kind = FIELD_UUID, HOLD(run), .required = true },
	{ .name = "fence", .kind = FIELD_INT, HOLD(fence), .min = 0, .max = INT64_MAX, .required = true },
	{ .name = "stopping", .kind = FIELD_FLAG, HOLD(stopping) },
	{ .name = "watching", .kind = FIELD_FLAG, HOLD(watching) },
	{ 0 },
};

#define USAGE(member) .offset = offsetof(struct usage_in, member)
static const struct json_field usage_fields[] = {
	{ .name = "cpuMs", .kind = FIELD_INT, USAGE(cpu_ms), .min = 0, .max = USAGE_MAX },
	{ .name = "peakKib", .kind = FIELD_INT, USAGE(peak_kib), .min = 0, .max = USAGE_MAX },
	{ .name = "tokens", .kind = FIELD_INT, USAGE(tokens), .min = 0, .max = USAGE_MAX },
	{ 0 },
};

#define RESULT(member) .offset = offsetof(struct result_in, member)
static const struct json_field result_fields[] = {
	{ .name = "run", .kind = FIELD_UUID, RESULT(run), .required = true },
	{ .name = "fence", .kind = FIELD_INT, RESULT(fence), .min = 0, .max = INT64_MAX, .required = true },
	{ .name = "outcome", .kind = FIELD_ENUM, RESULT(outcome), .names = outcome_names, .required = true },
	{ .name = "reason", .kind = FIELD_STR, RESULT(reason), .min = 0, .max = REASON_BYTES_MAX, .null_ok = true },
	{ .name = "error", .kind = FIELD_OBJ, RESULT(error), .min = 0, .max = 1000, .null_ok = true },
	{ .name = "durationMs", .kind = FIELD_INT, RESULT(duration_ms), .min = 0, .max = INT64_MAX },
	{ .name = "usage", .kind = FIELD_SUB, RESULT(usage), .sub = usage_fields },
	{ .name = "result", .kind = FIELD_OBJ, RESULT(result), .min = 0, .max = 1000, .null_ok = true },
	{ 0 },
};

#define EVENT(member) .offset = offsetof(struct event_in, member)
static const struct json_field event_fields[] = {
	{ .name = "run", .kind = FIELD_UUID, EVENT(run), .required = true },
	{ .name = "fence", .kind = FIELD_INT, EVENT(fence), .min = 0, .max = INT64_MAX, .required = true },
	{ .name = "n", .kind = FIELD_INT, EVENT(n), .min = 1, .max = INT64_MAX, .required = true },
	{ .name = "type", .kind = FIELD_STR, EVENT(type), .min = 1, .max = 40, .required = true },
	{ .name = "at", .kind = FIELD_INSTANT, EVENT(at_ms) },
	{ .name = "data", .kind = FIELD_OBJ, EVENT(data), .min = 0, .max = 1000 },
	{ 0 },
};

#define POLL(member) .offset = offsetof(struct poll_in, member)
const struct json_field poll_fields[] = {
	{ .name = "worker", .kind = FIELD_UUID, POLL(worker), .required = true },
	{ .name = "name", .kind = FIELD_STR, POLL(name), .min = 0, .max = NAME_BYTES_MAX },
	{ .name = "version", .kind = FIELD_STR, POLL(version), .min = 0, .max = 100 },
	{ .name = "kinds", .kind = FIELD_STRS, POLL(kinds), .min = 0, .max = 64, .item_max = 40 },
	{ .name = "labels", .kind = FIELD_OBJ, POLL(labels), .min = 0, .max = LABELS_MAX },
	{ .name = "resources", .kind = FIELD_OBJ, POLL(resources), .min = 0, .max = RESOURCES_MAX },
	{ .name = "capacity", .kind = FIELD_INT, POLL(capacity), .min = 0, .max = WORKER_SLOTS_MAX },
	{ .name = "claim", .kind = FIELD_FLAG, POLL(claim) },
	{ .name = "waitMs", .kind = FIELD_INT, POLL(wait_ms), .min = 0, .max = HOURS_MS(1) },
	{ .name = "holds", .kind = FIELD_SUBS, POLL(holds), .min = 0, .max = WORKER_SLOTS_MAX, .sub = hold_fields, .sub_bytes = sizeof(struct hold_in) },
	{ .name = "results", .kind = FIELD_SUBS, POLL(results), .min = 0, .max = POLL_RESULTS_MAX, .sub = result_fields, .sub_bytes = sizeof(struct result_in) },
	{ .name = "events", .kind = FIELD_SUBS, POLL(events), .min = 0, .max = POLL_EVENTS_MAX, .sub = event_fields, .sub_bytes = sizeof(struct event_in) },
	{ 0 },
};
/* clang-format on */

/* A tree as text in the arena; { NULL, 0 } and an issue when it is longer than max. */
static struct str
tree_text(struct intent *intent, const json_t *tree, size_t max, const char *list, size_t i,
	const char *member, struct issues *issues)
{
	struct str text = { 0 };

	if (!tree)
		return text;
	text = json_tree_text(&intent->arena, tree, max);
	if (!text.p)
		issues_add_member(issues, json_pointer_index(issues->arena, list, i), member,
			ISSUE_LIMIT, "longer than %zu bytes", max);
	return text;
}

static void
take_holds(struct intent *intent, const struct poll_in *in)
{
	const struct hold_in *from = in->holds.items;
	struct run_ref *to = arena_xalloc(&intent->arena, (in->holds.n + 1) * sizeof *to);

	for (size_t i = 0; i < in->holds.n; i++)
		to[i] = (struct run_ref) { { from[i].run }, from[i].fence, from[i].stopping,
			from[i].watching };
	intent->in.poll.holds = to;
	intent->in.poll.n_holds = in->holds.n;
}

static void
take_results(struct intent *intent, const struct poll_in *in, struct issues *issues)
{
	const struct result_in *from = in->results.items;
	struct poll_result *to = arena_xalloc(&intent->arena, (in->results.n + 1) * sizeof *to);

	for (size_t i = 0; i < in->results.n; i++) {
		to[i].run.u = from[i].run;
		to[i].fence = from[i].fence;
		to[i].is_lost = from[i].outcome == OUTCOME_NAME_LOST;
		to[i].result = (struct run_result) {
			.outcome = to[i].is_lost ? OUTCOME_ERRORED
						 : (enum run_outcome)(from[i].outcome + 1),
			.reason = from[i].reason,
			.error = tree_text(intent, from[i].error, RUN_ERROR_BYTES_MAX,
				"/results", i, "error", issues)
					 .p,
			.result = tree_text(intent, from[i].result, RUN_RESULT_BYTES_MAX,
				"/results", i, "result", issues)
					  .p,
			.duration_ms = from[i].duration_ms,
			.cpu_ms = from[i].usage.cpu_ms,
			.peak_kib = from[i].usage.peak_kib,
			.tokens = from[i].usage.tokens,
		};
	}
	intent->in.poll.results = to;
	intent->in.poll.n_results = in->results.n;
}

static void
take_events(struct intent *intent, const struct poll_in *in, struct issues *issues)
{
	const struct event_in *from = in->events.items;
	struct poll_event *to = arena_xalloc(&intent->arena, (in->events.n + 1) * sizeof *to);

	for (size_t i = 0; i < in->events.n; i++) {
		enum event_type type;

		if (event_type_parse(str_of(from[i].type), &type) < 0 ||
			!event_type_from_worker(type)) {
			issues_add_member(issues,
				json_pointer_index(issues->arena, "/events", i), "type",
				ISSUE_INVALID, "no worker sends \"%s\"", from[i].type);
			continue;
		}
		to[i] = (struct poll_event) {
			.run = { from[i].run },
			.fence = from[i].fence,
			.n = from[i].n,
			.type = type,
			.at_ms = from[i].at_ms,
			.data = from[i].data
				? tree_text(intent, from[i].data, EVENT_DATA_BYTES_MAX,
					  "/events", i, "data", issues)
				: STR("{}"),
		};
	}
	intent->in.poll.events = to;
	intent->in.poll.n_events = in->events.n;
}

static bool
kind_is_valid(const char *kind)
{
	size_t n = strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && kind[n] == '\0';
}

static void
take_kinds(struct intent *intent, const struct poll_in *in, struct issues *issues)
{
	struct poll *poll = &intent->in.poll;
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(64 * 41 + 1);

	for (size_t i = 0; i < in->kinds.n; i++) {
		if (!kind_is_valid(in->kinds.item[i]))
			issues_add(issues, json_pointer_index(issues->arena, "/kinds", i),
				ISSUE_INVALID,
				"lower-case letters, digits, _ and - are expected");
		(void)(buf_adds(&text, i > 0 ? "," : "") < 0 ||
			buf_adds(&text, in->kinds.item[i]) <
				0); /* sized for the table's limits */
	}
	poll->kinds = arena_strndup(&intent->arena, buf_text(&text), text.len);
	poll->kind_list = in->kinds.item;
	poll->n_kinds = in->kinds.n;
}

int
poll_read(json_t *json, struct intent *intent, struct issues *issues)
{
	struct poll_in in = { .name = "", .version = "" };
	struct poll *poll = &intent->in.poll;

	if (json_decode(json, poll_fields, &in, "", issues) < 0)
		return -1;
	*poll = (struct poll) {
		.worker = { in.worker },
		.name = in.name,
		.version = in.version,
		.labels = "",
		.capacity = (int32_t)in.capacity,
		.claim = in.claim,
		.wait_ms = in.wait_ms,
	};
	take_kinds(intent, &in, issues);
	if (in.resources)
		poll->resources =
			needs_canonical(&intent->arena, in.resources, "/resources", issues);
	if (in.labels)
		poll->labels = labels_canonical(&intent->arena, in.labels, "/labels", issues);
	take_holds(intent, &in);
	take_results(intent, &in, issues);
	take_events(intent, &in, issues);
	return issues->n > 0 ? -1 : 0;
}

/* --- The answer --- */

static json_t *
run_facts(const struct lease *lease)
{
	char run[UUID_TEXT_LEN + 1], job[UUID_TEXT_LEN + 1];
	json_t *facts = json_object();

	uuid_format(&lease->run.u, run);
	uuid_format(&lease->job.u, job);
	(void)json_object_set_new(facts, "id", json_string(run));
	(void)json_object_set_new(facts, "job", json_string(job));
	(void)json_object_set_new(facts, "jobName", json_string(lease->job_name));
	(void)json_object_set_new(facts, "iteration", json_integer(lease->iteration));
	(void)json_object_set_new(facts, "test", json_integer(lease->test_index));
	(void)json_object_set_new(
		facts, "target", json_string(lease->target ? lease->target : ""));
	(void)json_object_set_new(facts, "attempt", json_integer(lease->attempt));
	return facts;
}

/* The test with the facts of the run filled in; texts without expressions are passed on as they
 * are. */
static void
write_test(struct jw *jw, const struct lease *lease)
{
	struct issues issues = { 0 };
	struct arena arena;
	struct err ignored;

	jw_key(jw, "test");
	if (!expr_in_text(lease->test)) {
		jw_rawn(jw, lease->test.p, lease->test.n);
		return;
	}
	arena_init(&arena, MIB(16));
	issues.arena = &arena;
	_cleanup_(json_unrefp) json_t *test =
		json_read(lease->test.p, lease->test.n, JSON_DEPTH_MAX, &ignored);
	_cleanup_(json_unrefp) json_t *roots = json_pack("{s:o}", "run", run_facts(lease));
	const struct expr_scope scope = { .roots = roots };

	/* Checked when the job was made: what fails nevertheless stays as it is written. */
	if (test)
		(void)(expr_expand(&test, &scope, "", &issues) < 0);
	if (test)
		jw_tree(jw, test);
	else
		jw_rawn(jw, lease->test.p, lease->test.n);
	arena_deinit(&arena);
}

/* What the job says, for tests of every kind; else only browsers begin at once. */
static int64_t
start_timeout(const struct lease *lease, const json_t *options)
{
	const json_t *own = json_object_get(options, "startTimeoutMs");

	if (own)
		return json_integer_value(own);
	return strcmp(lease->kind, "browser") == 0 ? START_TIMEOUT_MS_DEFAULT : 0;
}

/* The group's entry of the job's `browsers`, and the start time limit. */
static void
write_group_options(struct jw *jw, const struct lease *lease, const json_t *options)
{
	const json_t *browsers = json_object_get(options, "browsers");
	json_t *browser = json_array_get(browsers, (size_t)lease->group);
	int64_t start_ms = start_timeout(lease, options);

	if (browser) {
		/* A text is short for an object; the name is the group's, with its number. */
		_cleanup_(json_unrefp) json_t *whole = json_is_object(browser)
			? json_copy(browser)
			: json_pack("{s:O}", "browser", browser);

		if (lease->target)
			json_object_set_new(whole, "name", json_string(lease->target));
		jw_key(jw, "browser");
		jw_tree(jw, whole);
	}
	if (start_ms > 0)
		jw_ki64(jw, "startTimeoutMs", start_ms);
}

static void
write_options(struct jw *jw, const struct lease *lease)
{
	static const char *const names[] = { "config", "params", "outputSchema" };
	struct err ignored;
	_cleanup_(json_unrefp) json_t *options = lease->options.n > 2
		? json_read(lease->options.p, lease->options.n, JSON_DEPTH_MAX + 2, &ignored)
		: NULL;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *value = json_object_get(options, names[i]);

		if (!value && i == 2)
			continue;
		jw_key(jw, names[i]);
		if (value)
			jw_tree(jw, value);
		else
			jw_raw(jw, "{}");
	}
	write_group_options(jw, lease, options);
}

/* What the before hooks gave: the `output` of their results. */
static void
write_ctx(struct jw *jw, const struct lease *lease)
{
	static const char *const names[RESULTS_PER_LEASE] = {
		[RESULT_OF_JOB] = "job",
		[RESULT_OF_FIXTURE] = "fixture",
	};
	struct err ignored;

	jw_kobj(jw, "ctx");
	for (int k = 0; k < RESULTS_PER_LEASE; k++) {
		struct str text = lease->results[k];
		_cleanup_(json_unrefp) json_t *result = text.n > 0
			? json_read(text.p, text.n, JSON_DEPTH_MAX + 2, &ignored)
			: NULL;
		json_t *output = json_object_get(result, "output");

		if (!output)
			continue;
		jw_key(jw, names[k]);
		jw_tree(jw, output);
	}
	jw_end_obj(jw);
}

static void
write_lease(struct jw *jw, const struct lease *lease)
{
	jw_obj(jw);
	jw_kuuid(jw, "run", &lease->run.u);
	jw_ki64(jw, "fence", lease->fence);
	jw_kuuid(jw, "job", &lease->job.u);
	jw_kstr(jw, "jobName", lease->job_name);
	jw_ki64(jw, "incarnation", lease->incarnation);
	jw_ki64(jw, "iteration", lease->iteration);
	jw_ki64(jw, "testIndex", lease->test_index);
	jw_kstr_opt(jw, "target", lease->target);
	jw_ki64(jw, "attempt", lease->attempt);
	jw_kstr_opt(jw, "role", lease->role);
	if (lease->connection > 0) {
		jw_ki64(jw, "group", lease->group);
		jw_ki64(jw, "connection", lease->connection);
		write_ctx(jw, lease);
	}
	write_test(jw, lease);
	write_options(jw, lease);
	jw_ki64(jw, "timeoutMs", lease->timeout_ms);
	jw_end_obj(jw);
}

static void
write_directive(struct jw *jw, const struct poll_directive *directive)
{
	static const char *const names[] = {
		[POLL_DO_STOP] = "stop",
		[POLL_DO_DROP] = "drop",
		[POLL_DO_WATCH] = "watch",
		[POLL_DO_DRAIN] = "drain",
	};

	jw_obj(jw);
	if (!uuid_is_zero(&directive->run.u)) {
		jw_kuuid(jw, "run", &directive->run.u);
		jw_ki64(jw, "fence", directive->fence);
	}
	jw_kstr(jw, "do", names[directive->what]);
	jw_kstr_opt(jw, "reason", directive->reason);
	jw_end_obj(jw);
}

void
poll_write(struct jw *jw, const struct intent *intent)
{
	const struct poll_answer *answer = &intent->out.poll;

	jw_obj(jw);
	jw_ki64(jw, "leaseMs", answer->lease_ms);
	jw_ki64(jw, "pollMs", answer->poll_ms);
	jw_karr(jw, "leases");
	for (size_t i = 0; i < answer->n_leases; i++)
		write_lease(jw, &answer->leases[i]);
	jw_end_arr(jw);
	jw_karr(jw, "directives");
	for (size_t i = 0; i < answer->n_directives; i++)
		write_directive(jw, &answer->directives[i]);
	jw_end_arr(jw);
	jw_end_obj(jw);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Stages that carry out jobs: items, attempts, their ends. */
#include <string.h>

#include "core/flow_impl.h"
#include "core/json_schema.h"
#include "core/run.h"

/* ---- asking ---- */

static size_t
effect_bytes(const struct uow *uow)
{
	size_t bytes = 0;

	for (size_t i = 0; i < uow->effects.n; i++)
		bytes += uow->effects.item[i].body.n + uow->effects.item[i].scope.n;
	return bytes;
}

bool
flow_ask(struct uow *uow, struct flow_run *run, const struct effect *effect)
{
	if (effect_bytes(uow) > FLOW_EFFECTS_BYTES_MAX) {
		run->has_more = true;
		return false;
	}
	UOW_PUSH(uow, &uow->effects, *effect);
	return true;
}

void
flow_follow(struct uow *uow, const struct job *job, enum follow_kind kind, struct job_id other,
	enum job_command command)
{
	struct follow_up follow = {
		.kind = kind,
		.project = job->project,
		.job = other,
		.command = command,
		.flow = job->id,
	};

	UOW_PUSH(uow, &uow->follow_ups, follow);
}

void
stage_command(struct uow *uow, struct job *job, const struct flow_stage *stage,
	enum job_command command)
{
	for (int32_t i = 0; i < stage->n_items; i++) {
		if (stage->items[i].phase == ITEM_RUNNING)
			flow_follow(uow, job, FOLLOW_COMMAND, stage->items[i].job, command);
	}
}

/* ---- moving ---- */

static bool
is_failure(enum stage_state state)
{
	return state == STAGE_FAILED || state == STAGE_TIMED_OUT || state == STAGE_CANCELLED;
}

const char *
flow_short_copy(struct uow *uow, const char *text)
{
	return text ? arena_strndup(uow->arena, text, utf8_cut_len(text, STAGE_ERROR_BYTES_MAX))
		    : NULL;
}

void
stage_move(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	enum stage_state to, const char *error)
{
	struct flow_stage *stage = &run->stages[at];

	stage->state = to;
	if (error)
		stage->error = flow_short_copy(uow, error);
	if (stage_is_over(to)) {
		stage->ended_ms = uow->now_ms;
		/* What ends because the flow is ended is no reason for its end. */
		if (is_failure(to) && run->failed < 0 && !run->spec.stages[at].goes_on &&
			job->state != JOB_STOPPING && job->state != JOB_RESTARTING)
			run->failed = at;
	}
	run->is_changed = true;
	flow_event_stage(uow, job, run, at, -1);
}

/* ---- items ---- */

static bool
item_is_open(const struct stage_item *item)
{
	return item->phase != ITEM_ENDED;
}

bool
stage_has_children(const struct flow_stage *stage)
{
	for (int32_t i = 0; i < stage->n_items; i++) {
		if (stage->items[i].phase == ITEM_RUNNING)
			return true;
	}
	return false;
}

static void
end_item(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t item,
	enum stage_state end, const char *error)
{
	struct stage_item *it = &run->stages[at].items[item];

	it->phase = ITEM_ENDED;
	it->end = end;
	it->due_ms = 0;
	if (error)
		it->error = flow_short_copy(uow, error);
	run->is_changed = true;
	flow_event_stage(uow, job, run, at, item);
}

void
stage_item_failed(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	int32_t item, const char *error)
{
	end_item(uow, job, run, at, item, STAGE_FAILED, error);
}

/* `stages["build"].results["url"]` as a text for the launch to fill in. */
static json_t *
pass_text(const char *stage, const char *member)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LANG_BYTES_MAX);
	struct jw jw;
	int r = buf_adds(&out, "${{ stages[");

	jw_init(&jw, &out);
	jw_str(&jw, stage);
	r |= jw_done(&jw) | buf_adds(&out, "].results[");
	jw_init(&jw, &out);
	jw_str(&jw, member);
	r |= jw_done(&jw) | buf_adds(&out, "] }}");
	return r < 0 ? NULL : json_stringn(out.data, out.len);
}

/* What `pass` adds: the members that the results before it have. */
static struct str
passed_body(struct uow *uow, const struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct err ignored;

	if (spec->n_pass == 0 || spec->n_needs != 1 || run->stages[spec->needs[0]].n_items != 1)
		return spec->run;
	const struct stage_item *before = &run->stages[spec->needs[0]].items[0];
	_cleanup_(json_unrefp) json_t *body =
		json_read(spec->run.p, spec->run.n, JSON_DEPTH_MAX, &ignored);
	_cleanup_(json_unrefp) json_t *results =
		json_read(before->results.p, before->results.n, JSON_DEPTH_MAX, &ignored);
	json_t *params = json_object_get(body, "params");

	if (!params)
		(void)json_object_set_new(body, "params", params = json_object());
	for (size_t i = 0; i < spec->n_pass; i++) {
		const struct stage_pass *pass = &spec->pass[i];

		if (json_object_get(results, pass->member))
			(void)json_object_set_new(params, pass->param,
				pass_text(run->spec.stages[spec->needs[0]].name, pass->member));
	}
	return json_tree_text(uow->arena, body, 2 * FLOW_BYTES_MAX);
}

/* What the jobs of a stage have in common: made once for all that a turn asks for. */
struct launches {
	struct str body, scope;
	json_t *values; /* of the matrix; NULL: none */
	bool is_ready;
};

static void
launches_deinit(struct launches *launches)
{
	json_decref(launches->values);
}

/* With a matrix the items' own values are put in later. */
static void
launches_prepare(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	struct launches *ret)
{
	_cleanup_(json_unrefp) json_t *scope = NULL;

	if (ret->is_ready)
		return;
	ret->is_ready = true;
	ret->body = passed_body(uow, run, at);
	scope = flow_scope(uow, job, run, at,
		memmem(ret->body.p, ret->body.n, "stages", strlen("stages")) != NULL);
	ret->scope = json_tree_text(uow->arena, scope, FLOW_STATE_BYTES_MAX);
	if (run->spec.stages[at].matrix.n > 0)
		ret->values = flow_matrix_values(run, at);
}

static struct str
scope_of_item(struct uow *uow, const struct launches *launches, int32_t item)
{
	const json_t *value = json_array_get(launches->values, (size_t)item);
	struct str scope = launches->scope, matrix;
	const char *text;

	if (!value || scope.n == 0)
		return scope;
	matrix = json_tree_text(uow->arena, value, FLOW_STATE_BYTES_MAX);
	text = arena_printf(uow->arena, "%.*s,\"matrix\":%.*s}", (int)scope.n - 1, scope.p,
		(int)matrix.n, matrix.n > 0 ? matrix.p : "");
	return matrix.n > 0 ? str_of(text) : scope;
}

/* False: the turn has no room for it. */
static bool
ask_launch(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t item,
	int32_t attempt, struct launches *launches)
{
	struct effect effect = {
		.kind = EFFECT_FLOW_LAUNCH,
		.project = job->project,
		.flow = job->id,
		.stage = run->spec.stages[at].name,
		.item = item,
		.attempt = attempt,
	};

	launches_prepare(uow, job, run, at, launches);
	effect.body = launches->body;
	effect.scope = scope_of_item(uow, launches, item);
	return flow_ask(uow, run, &effect);
}

/* Small, so there is always room for it. */
static void
ask_collect(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t item)
{
	const struct stage_item *it = &run->stages[at].items[item];
	struct effect effect = {
		.kind = EFFECT_FLOW_COLLECT,
		.project = job->project,
		.flow = job->id,
		.stage = run->spec.stages[at].name,
		.item = item,
		.attempt = it->attempt,
		.job = it->job,
	};

	UOW_PUSH(uow, &uow->effects, effect);
}

/* Items of a flow whose jobs are being made. */
static int32_t
n_starting(const struct flow_run *run)
{
	int32_t n = 0;

	for (int32_t i = 0; i < run->spec.n; i++) {
		const struct flow_stage *stage = &run->stages[i];

		for (int32_t k = 0; k < stage->n_items; k++)
			n += stage->items[k].phase == ITEM_STARTING;
	}
	return n;
}

static int32_t
n_active(const struct flow_stage *stage)
{
	int32_t n = 0;

	for (int32_t i = 0; i < stage->n_items; i++)
		n += stage->items[i].phase == ITEM_STARTING ||
			stage->items[i].phase == ITEM_RUNNING;
	return n;
}

static void
launch_more(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];
	int32_t places = spec->max_parallel - n_active(stage);
	int32_t n_more = FLOW_LAUNCHES_MAX - n_starting(run);
	_cleanup_(launches_deinit) struct launches launches = { 0 };

	for (int32_t i = 0; i < stage->n_items && places > 0 && n_more > 0; i++) {
		struct stage_item *item = &stage->items[i];
		int32_t attempt = item->attempt > stage->attempts_before
			? item->attempt + 1
			: stage->attempts_before + 1;

		if (item->phase != ITEM_WAITING || item->due_ms > uow->now_ms)
			continue;
		if (!ask_launch(uow, job, run, at, i, attempt, &launches))
			return;
		item->phase = ITEM_STARTING;
		item->attempt = attempt;
		item->due_ms = 0;
		item->job = (struct job_id) { 0 };
		item->was_paused = false;
		item->error = NULL;
		run->is_changed = true;
		flow_event_stage(uow, job, run, at, i);
		places--;
		n_more--;
	}
}

/* What found no room in this turn begins anew in the next one. */
static void
launch_again(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t place,
	struct launches *launches)
{
	struct stage_item *item = &run->stages[at].items[place];

	if (ask_launch(uow, job, run, at, place, item->attempt, launches) ||
		job->state != JOB_RUNNING)
		return;
	item->phase = ITEM_WAITING;
	item->attempt--;
	run->is_changed = true;
}

/* After a start of the engine: what it may have lost. */
static void
ask_again(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	struct flow_stage *stage = &run->stages[at];
	_cleanup_(launches_deinit) struct launches launches = { 0 };

	for (int32_t i = 0; i < stage->n_items; i++) {
		const struct stage_item *item = &stage->items[i];

		if (item->phase == ITEM_STARTING)
			launch_again(uow, job, run, at, i, &launches);
		if (item->phase == ITEM_COLLECTING)
			ask_collect(uow, job, run, at, i);
		if (item->phase != ITEM_RUNNING)
			continue;
		flow_follow(uow, job, FOLLOW_CHILD, item->job, JOB_CMD_COUNT);
		if (job->state == JOB_PAUSED)
			flow_follow(uow, job, FOLLOW_COMMAND, item->job, JOB_CMD_PAUSE);
		if (job->state == JOB_RUNNING && item->was_paused)
			flow_follow(uow, job, FOLLOW_COMMAND, item->job, JOB_CMD_UNPAUSE);
		if (job->state == JOB_STOPPING || job->state == JOB_RESTARTING ||
			stage->is_timing_out)
			flow_follow(uow, job, FOLLOW_COMMAND, item->job,
				job->reason == JOB_REASON_CANCELLED ? JOB_CMD_CANCEL
								    : JOB_CMD_STOP);
	}
}

/* ---- beginning ---- */

static int32_t
n_items_of_all(const struct flow_run *run)
{
	int32_t n = 0;

	for (int32_t i = 0; i < run->spec.n; i++)
		n += run->stages[i].n_items;
	return n;
}

/* The matrix with its expressions filled in. -1: err. */
static int
read_matrix(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t *ret_n,
	struct err *err)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	_cleanup_(json_unrefp) json_t *items = NULL, *scope = NULL;
	_cleanup_(json_unrefp) json_t *matrix =
		json_read(spec->matrix.p, spec->matrix.n, JSON_DEPTH_MAX, err);
	bool is_cut = false;

	if (!matrix)
		return -1;
	if (memmem(spec->matrix.p, spec->matrix.n, "${{", 3)) {
		scope = flow_scope(uow, job, run, at, true);
		if (flow_expand(uow, &matrix, scope, err) < 0)
			return -1;
		items = flow_matrix_items(matrix, err);
		if (!items)
			return -1;
		struct str text = json_tree_text(uow->arena, items, FLOW_VALUES_BYTES_MAX);

		run->stages[at].matrix =
			flow_keep(uow, run, text, FLOW_VALUES_BYTES_MAX, &is_cut);
	} else {
		items = flow_matrix_items(matrix, err);
	}
	if (!items)
		return -1;
	if (is_cut)
		return err_set(err, ERR_LIMIT, "the values of the matrix are too large");
	*ret_n = (int32_t)json_array_size(items);
	return 0;
}

void
stage_begin(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];
	struct err err;
	int32_t n = 1;

	stage->started_ms = uow->now_ms;
	stage->deadline_ms = spec->timeout_ms > 0 ? uow->now_ms + spec->timeout_ms : 0;
	if (spec->is_wait) {
		wait_begin(uow, job, run, at);
		return;
	}
	if (spec->matrix.n > 0 && read_matrix(uow, job, run, at, &n, &err) < 0) {
		stage->matrix = (struct str) { 0 };
		stage_move(uow, job, run, at, STAGE_FAILED, err.text);
		return;
	}
	if (n_items_of_all(run) + n > FLOW_ITEMS_TOTAL_MAX) {
		stage_move(uow, job, run, at, STAGE_FAILED,
			"the stages of the flow have more items together than it may have");
		return;
	}
	stage->items = arena_xalloc(uow->arena, (size_t)(n + 1) * sizeof *stage->items);
	stage->n_items = n;
	for (int32_t i = 0; i < n; i++)
		stage->items[i].attempt = stage->attempts_before;
	stage_move(uow, job, run, at, STAGE_STARTING, NULL);
}

/* ---- ending ---- */

static void
end_stage(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	static const enum stage_state order[] = { STAGE_FAILED, STAGE_TIMED_OUT,
		STAGE_CANCELLED };
	struct flow_stage *stage = &run->stages[at];
	const struct stage_item *first = NULL;
	int32_t n_failed = 0;

	for (int32_t i = 0; i < stage->n_items; i++)
		n_failed += is_failure(stage->items[i].end);
	for (size_t o = 0; o < ARRAY_LEN(order) && !first; o++) {
		for (int32_t i = 0; i < stage->n_items && !first; i++) {
			if (stage->items[i].end == order[o])
				first = &stage->items[i];
		}
	}
	if (stage->is_timing_out)
		stage_move(uow, job, run, at, STAGE_TIMED_OUT, "its time was over");
	else if (!first)
		stage_move(uow, job, run, at, STAGE_SUCCEEDED, NULL);
	else if (stage->n_items == 1)
		stage_move(uow, job, run, at, first->end, first->error);
	else
		stage_move(uow, job, run, at, first->end,
			arena_printf(uow->arena,
				"%d of %d items did not succeed; the first: %s", (int)n_failed,
				(int)stage->n_items,
				first->error ? first->error : stage_state_name(first->end)));
	plan_event_progress(uow, job);
}

void
stage_end_now(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	enum job_command command)
{
	struct flow_stage *stage = &run->stages[at];

	if (stage_is_over(stage->state))
		return;
	if (stage->state == STAGE_WAITING || stage->state == STAGE_READY) {
		stage_move(uow, job, run, at, STAGE_SKIPPED, NULL);
		return;
	}
	if (run->spec.stages[at].is_wait) {
		stage_move(uow, job, run, at, STAGE_CANCELLED, NULL);
		return;
	}
	stage_command(uow, job, stage, command);
	for (int32_t i = 0; i < stage->n_items; i++) {
		struct stage_item *item = &stage->items[i];

		if (item->phase == ITEM_WAITING || item->phase == ITEM_STARTING)
			end_item(uow, job, run, at, i, STAGE_CANCELLED, NULL);
		else if (item->phase == ITEM_COLLECTING)
			end_item(uow, job, run, at, i, item->end, NULL);
	}
	if (!stage_has_children(stage))
		end_stage(uow, job, run, at);
}

static void
time_out(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	struct flow_stage *stage = &run->stages[at];

	stage->is_timing_out = true;
	run->is_changed = true;
	stage_command(uow, job, stage, JOB_CMD_STOP);
	for (int32_t i = 0; i < stage->n_items; i++) {
		if (stage->items[i].phase == ITEM_WAITING ||
			stage->items[i].phase == ITEM_STARTING)
			end_item(uow, job, run, at, i, STAGE_TIMED_OUT,
				"the stage's time was over");
	}
}

void
stage_step(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, bool again)
{
	struct flow_stage *stage = &run->stages[at];
	bool is_open = false;

	if (run->spec.stages[at].is_wait) {
		wait_step(uow, job, run, at, again);
		return;
	}
	if (stage->deadline_ms > 0 && stage->deadline_ms <= uow->now_ms &&
		!stage->is_timing_out && job->state != JOB_STOPPING)
		time_out(uow, job, run, at);
	if (again)
		ask_again(uow, job, run, at);
	if (job->state == JOB_RUNNING && !stage->is_timing_out)
		launch_more(uow, job, run, at);
	for (int32_t i = 0; i < stage->n_items; i++)
		is_open = is_open || item_is_open(&stage->items[i]);
	if (!is_open)
		end_stage(uow, job, run, at);
}

int64_t
stage_due_ms(const struct flow_run *run, int32_t at, bool is_paused, int64_t now_ms)
{
	const struct flow_stage *stage = &run->stages[at];
	int64_t due = 0;

	if (stage->state != STAGE_STARTING && stage->state != STAGE_RUNNING)
		return 0;
	if (run->spec.stages[at].is_wait)
		return wait_due_ms(run, at, is_paused);
	if (!stage->is_timing_out)
		due = stage->deadline_ms;
	for (int32_t i = 0; i < stage->n_items && !is_paused; i++) {
		/* One whose time has come waits for a place, which the end of another gives. */
		if (stage->items[i].phase == ITEM_WAITING && stage->items[i].due_ms > now_ms)
			due = plan_earlier(due, stage->items[i].due_ms);
	}
	return due;
}

/* ---- ends of jobs ---- */

/* As `retry.on` and the stage's state see it; OUTCOME_NONE: by hand, or in a way that another
 * attempt would not mend. */
static enum run_outcome
outcome_of(const struct flow_job_end *end)
{
	if (end->is_gone || end->state != JOB_FAILED)
		return OUTCOME_NONE;
	switch (end->reason) {
	case JOB_REASON_TESTS_FAILED:
	case JOB_REASON_STAGE_FAILED:
	case JOB_REASON_WAIT_FAILED:
	case JOB_REASON_REJECTED:
		return OUTCOME_FAILED;
	case JOB_REASON_TIMEOUT:
	case JOB_REASON_WAIT_TIMED_OUT:
	case JOB_REASON_EXPIRED:
		return OUTCOME_TIMED_OUT;
	case JOB_REASON_NONE:
	case JOB_REASON_PASSED:
	case JOB_REASON_RUNNER_ERROR:
	case JOB_REASON_WORKER_LOST:
	case JOB_REASON_STOPPED:
	case JOB_REASON_CANCELLED:
	case JOB_REASON_INVALID_DEFINITION:
	case JOB_REASON_HOOK_FAILED:
	case JOB_REASON_SUPERSEDED:
	case JOB_REASON_COUNT:
		break;
	}
	return OUTCOME_ERRORED;
}

static enum stage_state
state_of(const struct flow_job_end *end)
{
	if (end->state == JOB_COMPLETED)
		return STAGE_SUCCEEDED;
	if (end->state == JOB_STOPPED)
		return STAGE_CANCELLED;
	return outcome_of(end) == OUTCOME_TIMED_OUT ? STAGE_TIMED_OUT : STAGE_FAILED;
}

void
flow_add_counts(struct job_counts *to, const struct job_counts *add)
{
	to->passed += add->passed;
	to->failed += add->failed;
	to->errored += add->errored;
	to->timed_out += add->timed_out;
	to->cancelled += add->cancelled;
	to->skipped += add->skipped;
	to->flaky += add->flaky;
	to->quarantined += add->quarantined;
}

static const char *
end_text(struct uow *uow, const struct flow_job_end *end)
{
	const char *reason = job_reason_name(end->reason);

	if (end->is_gone)
		return "its job was deleted";
	if (end->state == JOB_COMPLETED)
		return NULL;
	return arena_printf(uow->arena, "its job ended %s (%s)", job_state_name(end->state),
		reason ? reason : "no reason recorded");
}

void
stage_item_ended(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	int32_t item, const struct flow_job_end *end)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];
	struct stage_item *it = &stage->items[item];
	int32_t made = it->attempt - stage->attempts_before;
	enum run_outcome outcome = outcome_of(end);

	it->error = flow_short_copy(uow, end_text(uow, end));
	run->is_changed = true;
	if (outcome != OUTCOME_NONE && retry_wanted(&spec->retry, made, (int)outcome) &&
		!stage->is_timing_out && job->state != JOB_STOPPING &&
		job->state != JOB_RESTARTING) {
		it->phase = ITEM_WAITING;
		it->due_ms = uow->now_ms + retry_delay_ms(&spec->retry, made, uow->rng);
		flow_event_stage(uow, job, run, at, item);
		return;
	}
	flow_add_counts(&stage->counts, &end->counts);
	flow_add_counts(&job->counts, &end->counts);
	it->end = state_of(end);
	if (end->is_gone || job->state == JOB_STOPPING || job->state == JOB_RESTARTING) {
		end_item(uow, job, run, at, item, it->end, NULL);
		return;
	}
	it->phase = ITEM_COLLECTING;
	ask_collect(uow, job, run, at, item);
}

/* NULL: the results fit the schema. */
static const char *
broken_schema(struct uow *uow, const struct stage_spec *spec, struct str results)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct issues issues = { .arena = &arena };
	struct json_schema *schema;
	struct err err;
	_cleanup_(json_unrefp) json_t *tree =
		json_read(spec->schema.p, spec->schema.n, JSON_DEPTH_MAX, &err);
	_cleanup_(json_unrefp) json_t *value = results.n > 0
		? json_read(results.p, results.n, JSON_DEPTH_MAX, &err)
		: json_null();

	arena_init(&arena, FLOW_SCHEMA_BYTES_MAX);
	if (!tree || !value)
		return "its results cannot be read";
	if (json_schema_compile(tree, &arena, &schema, &issues) == 0) {
		json_schema_limit_steps(schema, FLOW_SCHEMA_STEPS_MAX);
		if (json_schema_validate(schema, value, "", &issues) == 0)
			return NULL;
	}
	if (issues.n == 0)
		return "its results do not fit outputSchema";
	return arena_printf(uow->arena, "its results do not fit outputSchema: %s%s%s",
		issues.item[0].pointer, *issues.item[0].pointer ? ": " : "",
		issues.item[0].detail);
}

void
stage_collected(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_report *report)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];
	const char *broken = NULL;
	bool is_cut = false;

	if (report->item < 0 || report->item >= stage->n_items)
		return;
	struct stage_item *item = &stage->items[report->item];

	if (item->phase != ITEM_COLLECTING || item->attempt != report->attempt)
		return;
	if (item->end == STAGE_SUCCEEDED && spec->schema.n > 0)
		broken = broken_schema(uow, spec, report->outputs);
	item->results = flow_keep(uow, run, report->outputs, JOB_RESULTS_BYTES_MAX, &is_cut);
	if (is_cut)
		stage->warning = "results were too large to be kept";
	else if (report->error)
		stage->warning = flow_short_copy(uow, report->error);
	end_item(uow, job, run, at, report->item, broken ? STAGE_FAILED : item->end, broken);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a flow stands, as text and back. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/flow_impl.h"

static const char *const state_names[STAGE_STATE_COUNT] = {
	[STAGE_WAITING] = "waiting",
	[STAGE_READY] = "ready",
	[STAGE_STARTING] = "starting",
	[STAGE_RUNNING] = "running",
	[STAGE_SUCCEEDED] = "succeeded",
	[STAGE_FAILED] = "failed",
	[STAGE_TIMED_OUT] = "timed_out",
	[STAGE_CANCELLED] = "cancelled",
	[STAGE_SKIPPED] = "skipped",
};

const char *
stage_state_name(enum stage_state state)
{
	return state_names[state];
}

bool
stage_is_over(enum stage_state state)
{
	return state >= STAGE_SUCCEEDED;
}

/* ---- reading ---- */

static int64_t
number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool
flag_of(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static const char *
text_of(struct arena *arena, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? arena_strdup(arena, text) : NULL;
}

static struct str
value_of(struct arena *arena, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value ? json_tree_text(arena, value, FLOW_STATE_BYTES_MAX) : (struct str) { 0 };
}

static struct job_id
id_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	struct job_id id = { 0 };

	if (text && uuid_parse(str_of(text), &id.u) < 0)
		id = (struct job_id) { 0 };
	return id;
}

/* A number that is a member of an enum; -1: it is none. */
static int
enum_of(const json_t *object, const char *name, int count)
{
	int64_t value = number_of(object, name);

	return value >= 0 && value < count ? (int)value : -1;
}

static int
read_item(const json_t *in, struct arena *arena, struct stage_item *ret)
{
	int phase = enum_of(in, "phase", ITEM_PHASE_COUNT);
	int end = enum_of(in, "end", STAGE_STATE_COUNT);

	if (phase < 0 || end < 0)
		return -1;
	*ret = (struct stage_item) {
		.phase = (enum item_phase)phase,
		.end = (enum stage_state)end,
		.attempt = (int32_t)number_of(in, "attempt"),
		.due_ms = number_of(in, "due"),
		.job = id_of(in, "job"),
		.was_paused = flag_of(in, "paused"),
		.results = value_of(arena, in, "results"),
		.error = text_of(arena, in, "error"),
	};
	return 0;
}

static int
read_condition(const json_t *in, struct arena *arena, struct stage_condition *ret)
{
	int state = enum_of(in, "state", CONDITION_STATE_COUNT);

	if (state < 0)
		return -1;
	*ret = (struct stage_condition) {
		.state = (enum condition_state)state,
		.n = number_of(in, "n"),
		.n_looks = number_of(in, "looks"),
		.n_misses = number_of(in, "misses"),
		.next_ms = number_of(in, "next"),
		.asked_ms = number_of(in, "asked"),
		.last_ms = number_of(in, "last"),
		.status = (int32_t)number_of(in, "status"),
		.shown = value_of(arena, in, "shown"),
		.value = value_of(arena, in, "value"),
		.error = text_of(arena, in, "error"),
		.is_rejected = flag_of(in, "rejected"),
		.job = id_of(in, "job"),
		.n_repeats = number_of(in, "repeats"),
	};
	return 0;
}

static int64_t *
count_at(struct job_counts *counts, size_t i)
{
	int64_t *const all[] = { &counts->passed, &counts->failed, &counts->errored,
		&counts->timed_out, &counts->cancelled, &counts->skipped, &counts->flaky,
		&counts->quarantined };

	return i < ARRAY_LEN(all) ? all[i] : NULL;
}

static int
read_stage(const json_t *in, const struct stage_spec *spec, struct arena *arena,
	struct flow_stage *ret)
{
	const json_t *items = json_object_get(in, "items");
	const json_t *conditions = json_object_get(in, "conditions");
	const json_t *counts = json_object_get(in, "counts");
	int state = enum_of(in, "state", STAGE_STATE_COUNT);
	size_t n = json_array_size(items);

	if (state < 0 || n > FLOW_ITEMS_MAX)
		return -1;
	*ret = (struct flow_stage) {
		.state = (enum stage_state)state,
		.started_ms = number_of(in, "started"),
		.ended_ms = number_of(in, "ended"),
		.deadline_ms = number_of(in, "deadline"),
		.is_timing_out = flag_of(in, "timingOut"),
		.attempts_before = (int32_t)number_of(in, "attemptsBefore"),
		.error = text_of(arena, in, "error"),
		.warning = text_of(arena, in, "warning"),
		.matrix = value_of(arena, in, "matrix"),
		.items = arena_xalloc(arena, (n + 1) * sizeof *ret->items),
		.n_items = (int32_t)n,
		.conditions =
			arena_xalloc(arena, (spec->n_conditions + 1) * sizeof *ret->conditions),
	};
	for (size_t i = 0; count_at(&ret->counts, i); i++)
		*count_at(&ret->counts, i) = json_integer_value(json_array_get(counts, i));
	for (size_t i = 0; i < n; i++) {
		if (read_item(json_array_get(items, i), arena, &ret->items[i]) < 0)
			return -1;
	}
	for (size_t i = 0; i < spec->n_conditions && i < json_array_size(conditions); i++) {
		if (read_condition(json_array_get(conditions, i), arena, &ret->conditions[i]) <
			0)
			return -1;
	}
	return 0;
}

static int
read_plan(const json_t *tree, struct arena *arena, struct flow_run *run)
{
	const json_t *stages = json_object_get(tree, "stages");
	const json_t *restart = json_object_get(tree, "restart");

	if (json_array_size(stages) != (size_t)run->spec.n)
		return -1;
	run->depth = (int32_t)number_of(tree, "depth");
	run->failed = json_object_get(tree, "failed") ? (int32_t)number_of(tree, "failed") : -1;
	if (restart) {
		run->is_fresh = true;
		run->start.from = (enum flow_from)number_of(restart, "from");
		run->start.stage = text_of(arena, restart, "stage");
	}
	for (int32_t i = 0; i < run->spec.n; i++) {
		if (read_stage(json_array_get(stages, (size_t)i), &run->spec.stages[i], arena,
			    &run->stages[i]) < 0)
			return -1;
	}
	return run->failed >= run->spec.n ? -1 : 0;
}

static void
begin_stages(struct flow_run *run, struct arena *arena)
{
	for (int32_t i = 0; i < run->spec.n; i++)
		run->stages[i] = (struct flow_stage) {
			.conditions = arena_xalloc(arena,
				(run->spec.stages[i].n_conditions + 1) *
					sizeof *run->stages[i].conditions),
		};
	run->failed = -1;
}

int
flow_run_read(const char *flow, const char *plan, struct arena *arena, struct flow_run **ret,
	struct err *err)
{
	struct flow_run *run = arena_xalloc(arena, sizeof *run);
	_cleanup_(json_unrefp) json_t *tree = NULL;

	*run = (struct flow_run) { .failed = -1 };
	if (flow_spec_read(flow, arena, &run->spec, err) < 0)
		return -1;
	run->stages = arena_xalloc(arena, (size_t)run->spec.n * sizeof *run->stages);
	begin_stages(run, arena);
	*ret = run;
	if (!plan)
		return 0;
	tree = json_read(plan, strlen(plan), JSON_DEPTH_MAX + 8, err);
	if (!tree || read_plan(tree, arena, run) < 0)
		begin_stages(run, arena);
	return 0;
}

/* One without stages, which cannot be read, is over as soon as it is looked at. */
struct flow_run *
flow_of(struct uow *uow, struct job *job)
{
	struct flow_run *run;
	struct err err;

	if (job->flow_run)
		return job->flow_run;
	if (flow_run_read(job->flow, job->plan, uow->arena, &run, &err) < 0) {
		run = arena_xalloc(uow->arena, sizeof *run);
		*run = (struct flow_run) { .failed = -1 };
	}
	job->flow_run = run;
	return run;
}

/* ---- writing ---- */

static void
write_flag(struct jw *jw, const char *name, bool value)
{
	if (value)
		jw_kbool(jw, name, true);
}

static void
write_number(struct jw *jw, const char *name, int64_t value)
{
	if (value != 0)
		jw_ki64(jw, name, value);
}

void
flow_write_value(struct jw *jw, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	jw_key(jw, name);
	jw_rawn(jw, value.p, value.n);
}

static void
write_id(struct jw *jw, const char *name, struct job_id id)
{
	if (!uuid_is_zero(&id.u))
		jw_kuuid(jw, name, &id.u);
}

static void
write_item(struct jw *jw, const struct stage_item *item)
{
	jw_obj(jw);
	write_number(jw, "phase", item->phase);
	write_number(jw, "end", item->end);
	write_number(jw, "attempt", item->attempt);
	write_number(jw, "due", item->due_ms);
	write_id(jw, "job", item->job);
	write_flag(jw, "paused", item->was_paused);
	flow_write_value(jw, "results", item->results);
	jw_kstr_opt(jw, "error", item->error);
	jw_end_obj(jw);
}

static void
write_condition(struct jw *jw, const struct stage_condition *condition)
{
	jw_obj(jw);
	write_number(jw, "state", condition->state);
	write_number(jw, "n", condition->n);
	write_number(jw, "looks", condition->n_looks);
	write_number(jw, "misses", condition->n_misses);
	write_number(jw, "next", condition->next_ms);
	write_number(jw, "asked", condition->asked_ms);
	write_number(jw, "last", condition->last_ms);
	write_number(jw, "status", condition->status);
	flow_write_value(jw, "shown", condition->shown);
	flow_write_value(jw, "value", condition->value);
	jw_kstr_opt(jw, "error", condition->error);
	write_flag(jw, "rejected", condition->is_rejected);
	write_id(jw, "job", condition->job);
	write_number(jw, "repeats", condition->n_repeats);
	jw_end_obj(jw);
}

static void
write_counts(struct jw *jw, const struct job_counts *counts)
{
	struct job_counts copy = *counts, none = { 0 };

	if (memcmp(&copy, &none, sizeof copy) == 0)
		return;
	jw_karr(jw, "counts");
	for (size_t i = 0; count_at(&copy, i); i++)
		jw_i64(jw, *count_at(&copy, i));
	jw_end_arr(jw);
}

static void
write_stage(struct jw *jw, const struct flow_stage *stage, size_t n_conditions)
{
	jw_obj(jw);
	write_number(jw, "state", stage->state);
	write_number(jw, "started", stage->started_ms);
	write_number(jw, "ended", stage->ended_ms);
	write_number(jw, "deadline", stage->deadline_ms);
	write_flag(jw, "timingOut", stage->is_timing_out);
	write_number(jw, "attemptsBefore", stage->attempts_before);
	jw_kstr_opt(jw, "error", stage->error);
	jw_kstr_opt(jw, "warning", stage->warning);
	write_counts(jw, &stage->counts);
	flow_write_value(jw, "matrix", stage->matrix);
	if (stage->n_items > 0) {
		jw_karr(jw, "items");
		for (int32_t i = 0; i < stage->n_items; i++)
			write_item(jw, &stage->items[i]);
		jw_end_arr(jw);
	}
	if (n_conditions > 0) {
		jw_karr(jw, "conditions");
		for (size_t i = 0; i < n_conditions; i++)
			write_condition(jw, &stage->conditions[i]);
		jw_end_arr(jw);
	}
	jw_end_obj(jw);
}

/* Values, items, conditions and errors all have limits: it fits. */
static const char *
write_plan(struct arena *arena, const struct flow_run *run)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(FLOW_STATE_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	write_number(&jw, "depth", run->depth);
	if (run->failed >= 0)
		jw_ki64(&jw, "failed", run->failed);
	if (run->is_fresh) {
		jw_kobj(&jw, "restart");
		jw_ki64(&jw, "from", run->start.from);
		jw_kstr_opt(&jw, "stage", run->start.stage);
		jw_end_obj(&jw);
	}
	jw_karr(&jw, "stages");
	for (int32_t i = 0; i < run->spec.n; i++)
		write_stage(&jw, &run->stages[i], run->spec.stages[i].n_conditions);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	int fits = jw_done(&jw);
	assert(fits == 0);
	char *text = arena_xalloc(arena, out.len + 1);

	memcpy(text, buf_text(&out), out.len);
	return text;
}

void
flow_save_changed(struct uow *uow)
{
	for (size_t i = 0; i < uow->jobs.n; i++) {
		struct job *job = uow->jobs.item[i];

		if (!job->flow_run || !job->flow_run->is_changed || job->change == ROW_DELETED)
			continue;
		job->plan = write_plan(uow->arena, job->flow_run);
		job->flow_run->is_changed = false;
		uow_touch_job(uow, job);
	}
}

/* ---- small changes ---- */

static int32_t
attempts_made(const struct flow_stage *stage)
{
	int32_t most = stage->attempts_before;

	for (int32_t i = 0; i < stage->n_items; i++)
		if (stage->items[i].attempt > most)
			most = stage->items[i].attempt;
	return most;
}

void
stage_reset(struct flow_run *run, int32_t at, bool keeps_signals)
{
	struct flow_stage *stage = &run->stages[at];
	int32_t attempts = attempts_made(stage);
	const struct stage_spec *spec = &run->spec.stages[at];

	for (size_t i = 0; i < spec->n_conditions; i++) {
		struct stage_condition *condition = &stage->conditions[i];

		if (keeps_signals && stage->started_ms == 0 &&
			spec->conditions[i].kind == WAIT_SIGNAL)
			continue;
		*condition = (struct stage_condition) { .n = condition->n };
	}
	*stage = (struct flow_stage) {
		.attempts_before = attempts,
		.conditions = stage->conditions,
	};
}

size_t
flow_value_bytes(const struct flow_run *run)
{
	size_t bytes = 0;

	for (int32_t i = 0; i < run->spec.n; i++) {
		const struct flow_stage *stage = &run->stages[i];

		bytes += stage->matrix.n;
		for (int32_t k = 0; k < stage->n_items; k++)
			bytes += stage->items[k].results.n;
		for (size_t k = 0; k < run->spec.stages[i].n_conditions; k++)
			bytes += stage->conditions[k].value.n + stage->conditions[k].shown.n;
	}
	return bytes;
}

/* Nothing else may get into the text: it would not be read again. */
static bool
is_json(struct str value)
{
	struct err ignored;
	json_t *tree = json_read(value.p, value.n, JSON_DEPTH_MAX, &ignored);

	json_decref(tree);
	return tree != NULL;
}

struct str
flow_keep(struct uow *uow, struct flow_run *run, struct str value, size_t max, bool *ret_is_cut)
{
	*ret_is_cut = false;
	if (value.n == 0)
		return value;
	*ret_is_cut = value.n > max ||
		flow_value_bytes(run) + value.n > FLOW_VALUES_BYTES_MAX || !is_json(value);
	if (*ret_is_cut)
		return STR("{\"truncated\":true}");
	char *copy = arena_xalloc(uow->arena, value.n + 1);

	memcpy(copy, value.p, value.n);
	return str_from(copy, value.n);
}

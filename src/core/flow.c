/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a flow: which stage may begin, what reports mean, what commands do. */
#include "core/flow.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/flow_impl.h"
#include "core/flow_request.h"
#include "core/run.h"

/* ---- whether a stage begins ---- */

static bool
has_failed(const struct flow_run *run, int32_t at)
{
	enum stage_state state = run->stages[at].state;

	return !run->spec.stages[at].goes_on &&
		(state == STAGE_FAILED || state == STAGE_TIMED_OUT || state == STAGE_CANCELLED);
}

/* Looks at each stage once: there may be very many ways from one to another. */
static bool
look_for_failure(const struct flow_run *run, int32_t at, bool *seen)
{
	const struct stage_spec *spec = &run->spec.stages[at];

	for (int32_t i = 0; i < spec->n_needs; i++) {
		int32_t other = spec->needs[i];

		if (seen[other])
			continue;
		seen[other] = true;
		if (has_failed(run, other) ||
			(run->stages[other].state == STAGE_SKIPPED &&
				look_for_failure(run, other, seen)))
			return true;
	}
	return false;
}

/* One that it needs failed, directly or through others that were skipped. */
static bool
fails_before(const struct flow_run *run, int32_t at)
{
	bool seen[FLOW_STAGES_MAX] = { false };

	return look_for_failure(run, at, seen);
}

static bool
needs_are_over(const struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];

	for (int32_t i = 0; i < spec->n_needs; i++) {
		if (!stage_is_over(run->stages[spec->needs[i]].state))
			return false;
	}
	return true;
}

/* -1: the expression cannot be worked out. */
static int
holds(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, bool *ret,
	struct err *err)
{
	const struct stage_spec *spec = &run->spec.stages[at];

	switch (spec->when) {
	case WHEN_SUCCESS:
		*ret = !fails_before(run, at);
		return 0;
	case WHEN_FAILURE:
		*ret = fails_before(run, at);
		return 0;
	case WHEN_ALWAYS:
		*ret = true;
		return 0;
	case WHEN_EXPRESSION:
		break;
	}
	_cleanup_(json_unrefp) json_t *scope = flow_scope(uow, job, run, at, true);

	return flow_test(uow, spec->when_text, scope, NULL, ret, err);
}

static void
judge_when(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	struct err err;
	bool is_true = false;

	if (holds(uow, job, run, at, &is_true, &err) < 0)
		stage_move(uow, job, run, at, STAGE_FAILED,
			arena_printf(uow->arena, "when: %s", err.text));
	else
		stage_move(uow, job, run, at, is_true ? STAGE_READY : STAGE_SKIPPED, NULL);
}

/* A place is free for one more run stage. */
static bool
has_place(const struct flow_run *run, int32_t at)
{
	int32_t n = 0;

	if (run->spec.limit == 0 || run->spec.stages[at].is_wait)
		return true;
	for (int32_t i = 0; i < run->spec.n; i++)
		n += !run->spec.stages[i].is_wait &&
			(run->stages[i].state == STAGE_STARTING ||
				run->stages[i].state == STAGE_RUNNING);
	return n < run->spec.limit;
}

/* ---- the whole ---- */

/* The first stage that failed gives the reason. */
static enum job_reason
reason_of(const struct flow_run *run)
{
	const struct stage_spec *spec = &run->spec.stages[run->failed];
	const struct flow_stage *stage = &run->stages[run->failed];

	if (!spec->is_wait)
		return JOB_REASON_STAGE_FAILED;
	if (stage->state == STAGE_TIMED_OUT)
		return JOB_REASON_WAIT_TIMED_OUT;
	for (size_t i = 0; i < spec->n_conditions; i++) {
		if (stage->conditions[i].is_rejected)
			return JOB_REASON_REJECTED;
	}
	return JOB_REASON_WAIT_FAILED;
}

static void
end_flow(struct uow *uow, struct job *job, struct flow_run *run)
{
	if (run->spec.n == 0)
		plan_end(uow, job, JOB_INVALID, JOB_REASON_INVALID_DEFINITION);
	else if (run->failed >= 0)
		plan_end(uow, job, JOB_FAILED, reason_of(run));
	else
		plan_end(uow, job, JOB_COMPLETED, JOB_REASON_PASSED);
}

static bool
has_children(const struct flow_run *run)
{
	for (int32_t i = 0; i < run->spec.n; i++) {
		if (stage_has_children(&run->stages[i]))
			return true;
	}
	return false;
}

static bool
is_over(const struct flow_run *run)
{
	for (int32_t i = 0; i < run->spec.n; i++) {
		if (!stage_is_over(run->stages[i].state))
			return false;
	}
	return true;
}

static bool
goes_on(const struct job *job)
{
	return job->state == JOB_RUNNING || job->state == JOB_PAUSED ||
		job->state == JOB_STOPPING;
}

/* One stage, as far as it can go. True: something changed. */
static bool
step_stage(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, bool again)
{
	struct flow_stage *stage = &run->stages[at];
	enum stage_state before = stage->state;

	switch (before) {
	case STAGE_WAITING:
		if (job->state == JOB_RUNNING && needs_are_over(run, at))
			judge_when(uow, job, run, at);
		break;
	case STAGE_READY:
		if (job->state == JOB_RUNNING && has_place(run, at))
			stage_begin(uow, job, run, at);
		break;
	case STAGE_STARTING:
	case STAGE_RUNNING:
		stage_step(uow, job, run, at, again);
		break;
	case STAGE_SUCCEEDED:
	case STAGE_FAILED:
	case STAGE_TIMED_OUT:
	case STAGE_CANCELLED:
	case STAGE_SKIPPED:
	case STAGE_STATE_COUNT:
		break;
	}
	return stage->state != before;
}

/* Until nothing changes any more: each change brings a stage nearer to its end. */
static void
step_stages(struct uow *uow, struct job *job, struct flow_run *run, bool again)
{
	bool has_changed = true;

	while (has_changed) {
		has_changed = false;
		for (int32_t i = 0; i < run->spec.n; i++)
			has_changed = step_stage(uow, job, run, i, again) || has_changed;
		again = false;
	}
}

/* ---- incarnations ---- */

static bool
is_kept(const struct flow_run *run, int32_t at, int32_t from)
{
	if (run->start.from == FLOW_FROM_BEGIN)
		return false;
	if (run->start.from == FLOW_FROM_STAGE)
		return at != from && !stage_is_above(&run->spec.stages[at], from);
	return run->stages[at].state == STAGE_SUCCEEDED;
}

/* What needs a stage that begins again begins again, too. */
static void
reset_stages(struct flow_run *run)
{
	int32_t from = run->start.stage ? flow_stage_find(&run->spec, run->start.stage) : -1;
	bool *reset = xcalloc((size_t)run->spec.n + 1, sizeof *reset);

	for (int32_t i = 0; i < run->spec.n; i++)
		reset[i] = !is_kept(run, i, from);
	for (int32_t i = 0; i < run->spec.n; i++) {
		for (int32_t k = 0; k < run->spec.n && !reset[i]; k++)
			reset[i] = stage_is_above(&run->spec.stages[i], k) &&
				!is_kept(run, k, from);
	}
	for (int32_t i = 0; i < run->spec.n; i++) {
		if (reset[i])
			stage_reset(run, i, run->start.from != FLOW_FROM_BEGIN);
	}
	free(reset);
}

static void
begin_incarnation(struct job *job, struct flow_run *run)
{
	reset_stages(run);
	run->failed = -1;
	for (int32_t i = run->spec.n; i-- > 0;) {
		if (has_failed(run, i))
			run->failed = i; /* it is kept, and so is what it means */
	}
	run->is_fresh = false;
	run->start = (struct flow_start) { 0 };
	run->is_changed = true;
	job->counts = (struct job_counts) { 0 };
	for (int32_t i = 0; i < run->spec.n; i++)
		flow_add_counts(&job->counts, &run->stages[i].counts);
}

/* From queued or restarting on. */
static void
begin(struct uow *uow, struct job *job, struct flow_run *run)
{
	if (run->is_fresh)
		begin_incarnation(job, run);
	plan_note_start(uow, job);
	job_move(job, JOB_RUNNING);
	plan_event(uow, job, EV_JOB_STARTED);
	run->is_changed = true;
}

/* ---- due ---- */

int64_t
flow_due_ms(struct uow *uow, struct job *job)
{
	struct flow_run *run;
	int64_t due = 0;

	if (!goes_on(job))
		return 0;
	run = flow_of(uow, job);
	if (run->has_more)
		return uow->now_ms;
	if (job->state == JOB_STOPPING)
		return 0; /* only ends of children count any more */
	due = job->deadline_ms;
	for (int32_t i = 0; i < run->spec.n; i++)
		due = plan_earlier(
			due, stage_due_ms(run, i, job->state == JOB_PAUSED, uow->now_ms));
	return due;
}

/* Stages that are over, for job_percent. */
static int32_t
n_over(const struct flow_run *run)
{
	int32_t n = 0;

	for (int32_t i = 0; i < run->spec.n; i++)
		n += stage_is_over(run->stages[i].state);
	return n;
}

void
flow_update(struct uow *uow, struct job *job)
{
	job->due_ms = flow_due_ms(uow, job);
	if (plan_takes_runs(job) && job->run_at_ms > uow->now_ms)
		job->due_ms = plan_earlier(job->due_ms, job->run_at_ms);
	job->next_target = n_over(flow_of(uow, job));
	uow_touch_job(uow, job);
}

/* ---- stepping ---- */

void
flow_step(struct uow *uow, struct job *job, bool again)
{
	struct flow_run *run;

	if (job_state_is_final(job->state))
		return;
	run = flow_of(uow, job);
	run->has_more = false;
	if ((job->state == JOB_QUEUED && job->run_at_ms <= uow->now_ms) ||
		(job->state == JOB_RESTARTING && !has_children(run)))
		begin(uow, job, run);
	for (int32_t i = 0; i < run->spec.n && job->state == JOB_RESTARTING && again; i++)
		if (stage_has_children(&run->stages[i]))
			stage_step(uow, job, run, i, true);
	if ((job->state == JOB_RUNNING || job->state == JOB_PAUSED) && job->deadline_ms > 0 &&
		job->deadline_ms <= uow->now_ms)
		flow_stop(uow, job, JOB_REASON_TIMEOUT);
	if (goes_on(job))
		step_stages(uow, job, run, again);
	if (job->state == JOB_RUNNING && is_over(run))
		end_flow(uow, job, run);
	else if (job->state == JOB_STOPPING && !has_children(run))
		plan_end(uow, job, job->reason == JOB_REASON_TIMEOUT ? JOB_FAILED : JOB_STOPPED,
			job->reason);
	flow_update(uow, job);
}

void
flow_create(struct uow *uow, struct job *job, int32_t depth)
{
	struct flow_run *run = flow_of(uow, job);

	run->depth = depth;
	run->is_changed = true;
	job->n_targets = run->spec.n > 0 ? run->spec.n : 1;
	flow_step(uow, job, false);
}

int32_t
flow_depth(struct uow *uow, struct job *job)
{
	return flow_of(uow, job)->depth;
}

/* ---- commands ---- */

static void
command_all(struct uow *uow, struct job *job, struct flow_run *run, enum job_command command)
{
	for (int32_t i = 0; i < run->spec.n; i++)
		stage_command(uow, job, &run->stages[i], command);
}

void
flow_pause(struct uow *uow, struct job *job)
{
	struct flow_run *run = flow_of(uow, job);

	job_move(job, JOB_PAUSED);
	plan_event(uow, job, EV_JOB_PAUSED);
	command_all(uow, job, run, JOB_CMD_PAUSE);
	/* Jobs that are not made yet, and looks under way: as if nobody had asked for them. A
	 * report that comes nevertheless says the same as the next one would. */
	for (int32_t i = 0; i < run->spec.n; i++) {
		struct flow_stage *stage = &run->stages[i];

		for (int32_t k = 0; k < stage->n_items; k++) {
			struct stage_item *item = &stage->items[k];

			item->was_paused = item->was_paused || item->phase == ITEM_RUNNING;
			if (item->phase == ITEM_STARTING) {
				item->phase = ITEM_WAITING;
				item->attempt--;
			}
			run->is_changed = true;
		}
	}
	flow_update(uow, job);
}

void
flow_unpause(struct uow *uow, struct job *job)
{
	job_move(job, job->started_ms == 0 ? JOB_QUEUED : JOB_RUNNING);
	plan_event(uow, job, EV_JOB_UNPAUSED);
	command_all(uow, job, flow_of(uow, job), JOB_CMD_UNPAUSE);
	flow_step(uow, job, false);
}

void
flow_stop(struct uow *uow, struct job *job, enum job_reason reason)
{
	struct flow_run *run = flow_of(uow, job);
	enum job_command command =
		reason == JOB_REASON_CANCELLED || reason == JOB_REASON_SUPERSEDED
		? JOB_CMD_CANCEL
		: JOB_CMD_STOP;

	job->reason = reason;
	if (job->state == JOB_QUEUED) {
		plan_end(uow, job, JOB_STOPPED, reason);
		flow_update(uow, job);
		return;
	}
	job_move(job, JOB_STOPPING);
	plan_event_stopping(uow, job);
	for (int32_t i = 0; i < run->spec.n; i++)
		stage_end_now(uow, job, run, i, command);
	if (!has_children(run))
		plan_end(uow, job, reason == JOB_REASON_TIMEOUT ? JOB_FAILED : JOB_STOPPED,
			reason);
	flow_update(uow, job);
}

int
flow_start_from(
	struct uow *uow, struct job *job, const struct flow_start *start, struct err *err)
{
	struct flow_run *run = flow_of(uow, job);

	if (start->from == FLOW_FROM_STAGE &&
		(!start->stage || flow_stage_find(&run->spec, start->stage) < 0))
		return err_set(err, ERR_NOT_FOUND, "there is no stage \"%.100s\"",
			start->stage ? start->stage : "");
	run->start = *start;
	return 0;
}

void
flow_restart(struct uow *uow, struct job *job)
{
	struct flow_run *run = flow_of(uow, job);

	run->is_fresh = run->is_changed = true;
	for (int32_t i = 0; i < run->spec.n; i++) {
		enum stage_state state = run->stages[i].state;

		/* Those that never began stay as they are: nothing is to be told. */
		if (state == STAGE_STARTING || state == STAGE_RUNNING)
			stage_end_now(uow, job, run, i, JOB_CMD_CANCEL);
	}
	flow_step(uow, job, false);
}

void
flow_delete(struct uow *uow, struct job *job)
{
	flow_follow(uow, job, FOLLOW_CHILDREN, job->id, JOB_CMD_DELETE);
}

/* ---- reports ---- */

/* The stage of that name; -1: there is none. */
static int32_t
stage_of(const struct flow_run *run, const char *name)
{
	return name ? flow_stage_find(&run->spec, name) : -1;
}

/* The item that asked for this launch and still wants it; NULL: nobody does. */
static struct stage_item *
item_of_launch(
	struct uow *uow, struct job *job, const struct flow_report *report, int32_t *ret_at)
{
	struct flow_run *run = flow_of(uow, job);
	int32_t at = stage_of(run, report->stage);

	*ret_at = at;
	if (report->what != EFFECT_FLOW_LAUNCH || at < 0 || job->state != JOB_RUNNING)
		return NULL;
	struct flow_stage *stage = &run->stages[at];

	if ((stage->state != STAGE_STARTING && stage->state != STAGE_RUNNING) ||
		report->item < 0 || report->item >= stage->n_items)
		return NULL;
	struct stage_item *item = &stage->items[report->item];

	return item->phase == ITEM_STARTING && item->attempt == report->attempt ? item : NULL;
}

bool
flow_wants_job(struct uow *uow, struct job *job, const struct flow_report *report)
{
	int32_t at;

	return report->spec && !report->error && item_of_launch(uow, job, report, &at) &&
		!(report->spec->flow && flow_of(uow, job)->depth + 1 > FLOW_DEPTH_MAX);
}

void
flow_launched(struct uow *uow, struct job *job, const struct flow_report *report,
	const struct job *child)
{
	struct flow_run *run = flow_of(uow, job);
	int32_t at;
	struct stage_item *item = item_of_launch(uow, job, report, &at);

	assert(item && at >= 0);
	item->phase = ITEM_RUNNING;
	item->job = child->id;
	run->is_changed = true;
	if (run->stages[at].state == STAGE_STARTING)
		stage_move(uow, job, run, at, STAGE_RUNNING, NULL);
	flow_event_stage(uow, job, run, at, report->item);
	flow_step(uow, job, false);
}

static void
launch_failed(struct uow *uow, struct job *job, const struct flow_report *report)
{
	struct flow_run *run = flow_of(uow, job);
	int32_t at;
	struct stage_item *item = item_of_launch(uow, job, report, &at);
	const char *error = report->error;

	if (!item || at < 0)
		return;
	if (!error)
		error = report->spec
			? arena_printf(uow->arena, "flows are more than %d deep inside others",
				  FLOW_DEPTH_MAX)
			: "its job cannot be made";
	stage_item_failed(uow, job, run, at, report->item, error);
}

void
flow_report(struct uow *uow, struct job *job, const struct flow_report *report)
{
	struct flow_run *run = flow_of(uow, job);
	int32_t at = stage_of(run, report->stage);

	if (at < 0 || job_state_is_final(job->state))
		return;
	bool is_wait = run->spec.stages[at].is_wait;

	if (report->what == EFFECT_FLOW_LAUNCH && !is_wait)
		launch_failed(uow, job, report);
	else if (report->what == EFFECT_FLOW_COLLECT && is_wait)
		wait_collected(uow, job, run, at, report);
	else if (report->what == EFFECT_FLOW_COLLECT)
		stage_collected(uow, job, run, at, report);
	else if (report->what == EFFECT_FLOW_PROBE && is_wait)
		wait_looked(uow, job, run, at, report);
	flow_step(uow, job, false);
}

/* The item whose job it is. False: nobody's, or not any more. */
static bool
find_child(const struct flow_run *run, struct job_id child, int32_t *ret_at, int32_t *ret_item)
{
	for (int32_t at = 0; at < run->spec.n; at++) {
		const struct flow_stage *stage = &run->stages[at];

		for (int32_t i = 0; i < stage->n_items; i++) {
			if (stage->items[i].phase != ITEM_RUNNING ||
				!uuid_eq(&stage->items[i].job.u, &child.u))
				continue;
			*ret_at = at;
			*ret_item = i;
			return true;
		}
	}
	return false;
}

void
flow_child_ended(struct uow *uow, struct job *job, const struct flow_job_end *end)
{
	struct flow_run *run = flow_of(uow, job);
	int32_t at, item;

	if (job_state_is_final(job->state) || !find_child(run, end->job, &at, &item))
		return;
	stage_item_ended(uow, job, run, at, item, end);
	if (job->state == JOB_RESTARTING && !stage_has_children(&run->stages[at]))
		stage_step(uow, job, run, at, false);
	flow_step(uow, job, false);
}

void
flow_job_ended(struct uow *uow, struct job *job, const struct flow_job_end *end)
{
	struct flow_run *run = flow_of(uow, job);

	if (!goes_on(job))
		return;
	for (int32_t i = 0; i < run->spec.n; i++) {
		if (run->spec.stages[i].is_wait && run->stages[i].state == STAGE_RUNNING)
			wait_job_ended(uow, job, run, i, end);
	}
	flow_step(uow, job, false);
}

int
flow_signal(struct uow *uow, struct job *job, const struct flow_signal *signal, struct err *err)
{
	struct flow_run *run = flow_of(uow, job);
	int32_t at = stage_of(run, signal->stage);

	if (at < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no stage \"%.100s\"",
			signal->stage ? signal->stage : "");
	if (wait_signal(uow, job, run, at, signal, err) < 0)
		return -1;
	flow_step(uow, job, false);
	return 0;
}

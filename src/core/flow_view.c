/* SPDX-License-Identifier: Apache-2.0 */
/* Flows as people see them: stages with times, jobs and looks, and what a flow waits for. */
#include <stdarg.h>
#include <string.h>

#include "core/flow_impl.h"

/* ---- stages ---- */

static const char *
item_state(const struct stage_item *item)
{
	static const char *const phases[] = {
		[ITEM_WAITING] = "waiting",
		[ITEM_STARTING] = "starting",
		[ITEM_RUNNING] = "running",
		[ITEM_COLLECTING] = "running",
	};

	return item->phase == ITEM_ENDED ? stage_state_name(item->end) : phases[item->phase];
}

static void
write_item(struct jw *jw, const struct flow_stage *stage, int32_t place, const json_t *value)
{
	const struct stage_item *item = &stage->items[place];

	jw_obj(jw);
	jw_kstr(jw, "state", item_state(item));
	if (value) {
		jw_key(jw, "matrix");
		jw_tree(jw, value);
	}
	jw_ki64(jw, "attempt", item->attempt - stage->attempts_before);
	if (!uuid_is_zero(&item->job.u))
		jw_kuuid(jw, "job", &item->job.u);
	jw_ktime(jw, "dueAt", item->due_ms);
	jw_kstr_opt(jw, "error", item->error);
	flow_write_value(jw, "results", item->results);
	jw_end_obj(jw);
}

static void
write_condition(struct jw *jw, const struct wait_spec *spec,
	const struct stage_condition *condition, bool is_live)
{
	static const char *const states[] = { "waiting", "satisfied", "failed" };

	jw_obj(jw);
	jw_kstr_opt(jw, "name", spec->name);
	jw_kstr(jw, "kind", wait_kind_name(spec->kind));
	jw_kstr(jw, "state", states[condition->state]);
	jw_kstr_opt(jw, "text", spec->text);
	if (spec->kind == WAIT_HTTP || spec->kind == WAIT_SIGNAL)
		jw_ki64(jw, "n", condition->n);
	jw_ktime(jw, "lastAt", condition->last_ms);
	if (condition->status > 0)
		jw_ki64(jw, "status", condition->status);
	flow_write_value(jw, "lastValue", condition->shown);
	flow_write_value(jw, "value", condition->value);
	jw_kstr_opt(jw, "error", condition->error);
	if (is_live && condition->state == CONDITION_WAITING)
		jw_ktime(
			jw, spec->kind == WAIT_TIMER ? "endsAt" : "nextAt", condition->next_ms);
	if (!uuid_is_zero(&condition->job.u))
		jw_kuuid(jw, "job", &condition->job.u);
	jw_end_obj(jw);
}

static void
write_run_part(struct jw *jw, const struct flow_run *run, int32_t at)
{
	const struct flow_stage *stage = &run->stages[at];
	_cleanup_(json_unrefp) json_t *values =
		run->spec.stages[at].matrix.n > 0 ? flow_matrix_values(run, at) : NULL;

	if (run->spec.stages[at].matrix.n == 0 && stage->n_items == 1) {
		const struct stage_item *item = &stage->items[0];

		jw_ki64(jw, "attempt", item->attempt - stage->attempts_before);
		if (!uuid_is_zero(&item->job.u))
			jw_kuuid(jw, "job", &item->job.u);
		flow_write_value(jw, "results", item->results);
	}
	jw_karr(jw, "items");
	for (int32_t i = 0; i < stage->n_items; i++)
		write_item(jw, stage, i, json_array_get(values, (size_t)i));
	jw_end_arr(jw);
}

static void
write_wait_part(struct jw *jw, const struct stage_spec *spec, const struct flow_stage *stage)
{
	bool is_live = stage->state == STAGE_RUNNING;

	if (spec->mode == WAIT_ONE)
		flow_write_value(jw, "value", stage->conditions[0].value);
	else
		jw_kstr(jw, "mode", spec->mode == WAIT_ANY ? "any" : "all");
	jw_karr(jw, "conditions");
	for (size_t i = 0; i < spec->n_conditions; i++)
		write_condition(jw, &spec->conditions[i], &stage->conditions[i], is_live);
	jw_end_arr(jw);
}

/* What a stage runs, in a word: the template, the flow, or the job's own name. */
static const char *
name_of_run(const struct stage_spec *spec, struct arena *arena)
{
	static const char *const members[] = { "template", "flow", "name" };
	struct err ignored;
	_cleanup_(json_unrefp) json_t *run = spec->run.n > 0
		? json_read(spec->run.p, spec->run.n, JSON_DEPTH_MAX, &ignored)
		: NULL;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *name = json_string_value(json_object_get(run, members[i]));

		if (name)
			return arena_strdup(arena, name);
	}
	return NULL;
}

static void
write_stage(struct jw *jw, const struct flow_run *run, int32_t at, struct arena *arena)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	const struct flow_stage *stage = &run->stages[at];

	jw_obj(jw);
	jw_kstr(jw, "name", spec->name);
	jw_kstr(jw, "kind", spec->is_wait ? "wait" : "run");
	jw_kstr(jw, "state", stage_state_name(stage->state));
	jw_kstr_opt(jw, "runs", name_of_run(spec, arena));
	jw_karr(jw, "needs");
	for (int32_t i = 0; i < spec->n_needs; i++)
		jw_str(jw, run->spec.stages[spec->needs[i]].name);
	jw_end_arr(jw);
	if (spec->goes_on)
		jw_kbool(jw, "continueOnFailure", true);
	if (run->failed == at)
		jw_kbool(jw, "failedFlow", true);
	jw_ktime(jw, "startedAt", stage->started_ms);
	jw_ktime(jw, "endedAt", stage->ended_ms);
	if (!stage_is_over(stage->state))
		jw_ktime(jw, "deadlineAt", stage->deadline_ms);
	jw_kstr_opt(jw, "error", stage->error);
	jw_kstr_opt(jw, "warning", stage->warning);
	if (spec->is_wait)
		write_wait_part(jw, spec, stage);
	else
		write_run_part(jw, run, at);
	jw_end_obj(jw);
}

int
flow_stages_write(struct jw *jw, const struct job *job, struct arena *arena, struct err *err)
{
	struct flow_run *run;

	if (flow_run_read(job->flow, job->plan, arena, &run, err) < 0)
		return -1;
	jw_arr(jw);
	for (int32_t i = 0; i < run->spec.n; i++)
		write_stage(jw, run, i, arena);
	jw_end_arr(jw);
	return 0;
}

/* ---- explain ---- */

/* What is to be said, the most useful first. */
struct list {
	struct arena *arena;
	struct explanation *to;
	size_t max;
};

static struct blocker *add(struct list *list, enum blocker_kind kind, const char *subject,
	const char *fmt, ...) PRINTF_LIKE(4, 5);

static struct blocker *
add(struct list *list, enum blocker_kind kind, const char *subject, const char *fmt, ...)
{
	/* What finds no room is written behind the end and not read. */
	struct blocker *blocker = &list->to->blockers[list->max];
	va_list ap;

	if (list->to->n_blockers < list->max)
		blocker = &list->to->blockers[list->to->n_blockers++];
	va_start(ap, fmt);
	*blocker = (struct blocker) {
		.kind = kind,
		.subject = subject ? arena_strdup(list->arena, subject) : NULL,
		.text = arena_vprintf(list->arena, fmt, ap),
	};
	va_end(ap);
	if (!blocker->text)
		blocker->text = "";
	return blocker;
}

static const char *
last_look(struct list *list, const struct stage_condition *condition)
{
	if (condition->last_ms == 0)
		return "nobody has looked yet";
	if (condition->error)
		return arena_printf(list->arena, "the last look: %.200s", condition->error);
	if (condition->shown.n > 0 && condition->shown.n <= 200)
		return arena_printf(list->arena, "the last look found %.*s",
			(int)condition->shown.n, condition->shown.p);
	return arena_printf(
		list->arena, "the last look was answered with %d", (int)condition->status);
}

static bool
ends_a_sentence(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	return n > 0 && strchr(".?!", text[n - 1]);
}

static void
explain_condition(struct list *list, const char *stage, const struct wait_spec *spec,
	const struct stage_condition *condition)
{
	switch (spec->kind) {
	case WAIT_HTTP:
		add(list, BLOCKER_FLOW_HTTP, stage, "Stage \"%s\" looks at an address: %s%s%s.",
			stage, last_look(list, condition),
			condition->next_ms > 0 ? "; the next is at " : "",
			condition->next_ms > 0 ? arena_time(list->arena, condition->next_ms)
					       : "")
			->until_ms = condition->next_ms;
		break;
	case WAIT_SIGNAL:
		add(list, BLOCKER_FLOW_SIGNAL, stage,
			"Stage \"%s\" waits for a signal at its callback address.", stage);
		break;
	case WAIT_TIMER:
		add(list, BLOCKER_FLOW_TIMER, stage, "Stage \"%s\" waits until %s.", stage,
			arena_time(list->arena, condition->next_ms))
			->until_ms = condition->next_ms;
		break;
	case WAIT_APPROVAL:
		add(list, BLOCKER_FLOW_APPROVAL, stage,
			"Stage \"%s\" waits for a person to approve%s%.200s%s", stage,
			spec->text ? ": " : "", spec->text ? spec->text : "",
			ends_a_sentence(spec->text) ? "" : ".");
		break;
	case WAIT_JOB: {
		char id[UUID_TEXT_LEN + 1];

		uuid_format(&condition->job.u, id);
		add(list, BLOCKER_FLOW_JOB, stage, "Stage \"%s\" waits for the end of job %s.",
			stage, id);
		break;
	}
	case WAIT_KIND_COUNT:
		break;
	}
}

static void
explain_wait(struct list *list, const struct stage_spec *spec, const struct flow_stage *stage)
{
	for (size_t i = 0; i < spec->n_conditions; i++) {
		if (stage->conditions[i].state == CONDITION_WAITING)
			explain_condition(
				list, spec->name, &spec->conditions[i], &stage->conditions[i]);
	}
	if (list->to->n_blockers > 0 && stage->deadline_ms > 0)
		add(list, BLOCKER_FLOW_DEADLINE, spec->name,
			"Stage \"%s\" gives up waiting at %s.", spec->name,
			arena_time(list->arena, stage->deadline_ms))
			->until_ms = stage->deadline_ms;
}

static void
explain_items(struct list *list, const struct stage_spec *spec, const struct flow_stage *stage)
{
	int32_t n_running = 0, n_starting = 0;
	int64_t due = 0;

	for (int32_t i = 0; i < stage->n_items; i++) {
		n_running += stage->items[i].phase == ITEM_RUNNING;
		n_starting += stage->items[i].phase == ITEM_STARTING;
		if (stage->items[i].phase == ITEM_WAITING)
			due = plan_earlier(due, stage->items[i].due_ms);
	}
	if (n_running > 0)
		add(list, BLOCKER_FLOW_RUN, spec->name,
			"Stage \"%s\" has %d of %d jobs under way.", spec->name, (int)n_running,
			(int)stage->n_items)
			->count = n_running;
	else if (n_starting > 0)
		add(list, BLOCKER_FLOW_RUN, spec->name,
			"The jobs of stage \"%s\" are being made.", spec->name);
	else if (due > 0)
		add(list, BLOCKER_FLOW_RUN, spec->name,
			"The next attempt of stage \"%s\" is due at %s.", spec->name,
			arena_time(list->arena, due))
			->until_ms = due;
}

/* The first job of a stage that did not end well; NULL: none was made. */
static const struct job_id *
failed_job(const struct flow_stage *stage)
{
	for (int32_t i = 0; i < stage->n_items; i++) {
		const struct stage_item *item = &stage->items[i];

		if (item->end != STAGE_SUCCEEDED && !uuid_is_zero(&item->job.u))
			return &item->job;
	}
	return NULL;
}

/* How it ended, and where to read on. */
static const char *
sentence_of_end(const struct job *job, const struct flow_run *run, struct arena *arena)
{
	const char *reason = job_reason_name(job_shown_reason(job));
	const char *ended = arena_printf(arena, "It has ended: %s (%s).",
		job_state_name(job->state), reason ? reason : "no reason recorded");
	const struct flow_stage *stage = run->failed >= 0 ? &run->stages[run->failed] : NULL;
	const struct job_id *child = stage ? failed_job(stage) : NULL;
	char id[UUID_TEXT_LEN + 1] = "";

	if (!stage || job->state == JOB_COMPLETED)
		return ended;
	if (child)
		uuid_format(&child->u, id);
	return arena_printf(arena, "%s Stage \"%s\" %s%s%.200s%s%s%s.", ended,
		run->spec.stages[run->failed].name,
		stage->state == STAGE_TIMED_OUT ? "ran out of time" : "failed",
		stage->error ? ": " : "", stage->error ? stage->error : "",
		child ? "; see job " : "", id, child ? " for why" : "");
}

static const char *
sentence_of(const struct job *job, const struct flow_run *run,
	const struct explanation *explanation, struct arena *arena)
{
	if (job_state_is_final(job->state))
		return sentence_of_end(job, run, arena);
	if (job->state == JOB_STOPPING || job->state == JOB_RESTARTING)
		return arena_printf(arena, "It is %s: jobs of its stages have to end first.",
			job_state_name(job->state));
	if (explanation->n_blockers > 0)
		return explanation->blockers[0].text;
	return "Nothing holds it back.";
}

struct explanation *
flow_explain(struct uow *uow, struct job *job, struct arena *arena)
{
	const struct flow_run *run = flow_of(uow, job);
	struct explanation *explanation = arena_xalloc(arena, sizeof *explanation);
	struct list list = { .arena = arena, .to = explanation, .max = BLOCKER_KIND_COUNT };

	*explanation = (struct explanation) {
		.id = job->id,
		.state = job->state,
		.blockers = arena_xalloc(arena, (list.max + 1) * sizeof(struct blocker)),
	};
	if (job->state == JOB_PAUSED)
		add(&list, BLOCKER_PAUSED, NULL, "It is paused; unpause lets it go on.");
	if (job->state == JOB_QUEUED && job->run_at_ms > uow->now_ms)
		add(&list, BLOCKER_START_TIME, NULL, "It is to start at %s.",
			arena_time(list.arena, job->run_at_ms))
			->until_ms = job->run_at_ms;
	for (int32_t i = 0; i < run->spec.n; i++) {
		if (run->stages[i].state != STAGE_STARTING &&
			run->stages[i].state != STAGE_RUNNING)
			continue;
		if (run->spec.stages[i].is_wait)
			explain_wait(&list, &run->spec.stages[i], &run->stages[i]);
		else
			explain_items(&list, &run->spec.stages[i], &run->stages[i]);
	}
	explanation->sentence = sentence_of(job, run, explanation, arena);
	return explanation;
}

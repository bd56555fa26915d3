/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows in the turn: reports and signals, and the list of what is to be done in a later turn
 * because the rules asked for it: commands to children, ends of children and of jobs that
 * stages wait for, children of deleted flows.
 *
 * The list is in memory only. What it holds follows from the rows: when the engine starts,
 * every flow that goes on is stepped and asks again, and children without their flow are
 * deleted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/flow.h"
#include "engine/engine_impl.h"

/* Flows that wait for the end of a job. */
struct flow_watch {
	struct job_id job; /* the map's key */
	struct job_id *flows;
	size_t n, cap;
};

/* ---- the list ---- */

static void
todo_add(struct engine *engine, const struct flow_todo *todo)
{
	struct flow_todos *list = &engine->todos;

	if (list->first + list->n == list->cap && list->first > list->n) {
		memcpy(list->item, list->item + list->first, list->n * sizeof *list->item);
		list->first = 0;
	}
	if (list->first + list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->item = xreallocarray(list->item, list->cap, sizeof *list->item);
	}
	list->item[list->first + list->n++] = *todo;
}

static const struct flow_todo *
todo_at(const struct turn *turn, size_t i)
{
	return &turn->engine->todos.item[turn->engine->todos.first + i];
}

void
flows_boot(struct engine *engine, const struct store_boot *boot)
{
	for (size_t i = 0; i < boot->n_flows; i++) {
		struct flow_todo todo = {
			.what = { .kind = FOLLOW_STEP, .flow = boot->flows[i] },
			.again = true,
		};
		todo_add(engine, &todo);
	}
	for (size_t i = 0; i < boot->n_orphans; i++) {
		struct flow_todo todo = {
			.what = { .kind = FOLLOW_CHILDREN, .flow = boot->orphans[i] },
		};
		todo_add(engine, &todo);
	}
}

static struct flow_watch *
watch_free(struct flow_watch *watch)
{
	free(watch->flows);
	free(watch);
	return NULL;
}

void
flows_deinit(struct engine *engine)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&engine->flow_watches, &at, &entry);)
		(void)watch_free(entry.value);
	map_deinit(&engine->flow_watches);
	free(engine->todos.item);
}

bool
flows_have_todo(const struct engine *engine)
{
	return engine->todos.n > 0;
}

/* ---- loading ---- */

void
flows_take(struct turn *turn)
{
	size_t n = turn->engine->todos.n;

	turn->n_todos = n < FLOW_TODO_MAX ? n : FLOW_TODO_MAX;
}

bool
flows_take_less(struct turn *turn)
{
	if (turn->n_todos == 0)
		return false;
	turn->n_todos /= 2;
	return true;
}

void
flows_keys(struct turn *turn)
{
	for (size_t i = 0; i < turn->n_todos; i++) {
		const struct flow_todo *todo = todo_at(turn, i);

		if (todo->what.kind == FOLLOW_CHILDREN) {
			struct parent_key key = { todo->what.flow, FLOW_TODO_MAX };

			UOW_PUSH(&turn->uow, &turn->keys.parents, key);
			continue;
		}
		if (todo->what.kind != FOLLOW_COMMAND)
			UOW_PUSH(&turn->uow, &turn->keys.jobs, todo->what.flow);
		if (todo->what.kind != FOLLOW_STEP && !todo->is_known)
			UOW_PUSH(&turn->uow, &turn->keys.jobs, todo->what.job);
	}
}

void
flow_keys(struct turn *turn, struct intent *intent)
{
	UOW_PUSH(&turn->uow, &turn->keys.jobs,
		intent->kind == INTENT_FLOW_REPORT ? intent->in.flow_report.flow
						   : intent->in.flow_signal.flow);
}

/* ---- doing what is on the list ---- */

/* A job that is there; NULL: it is not, or is no more. */
static struct job *
find_job(const struct turn *turn, struct job_id id)
{
	struct job *job = uow_job(&turn->uow, id);

	return job && job->change != ROW_DELETED ? job : NULL;
}

static struct job *
find_flow(const struct turn *turn, struct job_id id)
{
	struct job *job = find_job(turn, id);

	return job && job->flow ? job : NULL;
}

static struct flow_job_end
end_of(const struct job *job)
{
	return (struct flow_job_end) {
		.job = job->id,
		.state = job->state,
		.reason = job->reason,
		.counts = job->counts,
	};
}

static void
do_command(struct turn *turn, const struct flow_todo *todo)
{
	struct job *job = find_job(turn, todo->what.job);
	struct err ignored; /* it has come to a state in which the command means nothing */

	if (job && job->project == todo->what.project &&
		job_allows(job->state, todo->what.command))
		(void)(plan_command(&turn->uow, &turn->engine->lanes, job, todo->what.command,
			       &ignored) < 0);
}

static void
watch_add(struct engine *engine, struct job_id job, struct job_id flow)
{
	struct flow_watch *watch = map_get(&engine->flow_watches, &job, sizeof job);

	if (!watch) {
		watch = xcalloc(1, sizeof *watch);
		watch->job = job;
		map_put(&engine->flow_watches, &watch->job, sizeof watch->job, watch);
	}
	for (size_t i = 0; i < watch->n; i++) {
		if (uuid_eq(&watch->flows[i].u, &flow.u))
			return;
	}
	if (watch->n == watch->cap) {
		watch->cap = watch->cap ? watch->cap * 2 : 2;
		watch->flows = xrealloc(watch->flows, watch->cap * sizeof *watch->flows);
	}
	watch->flows[watch->n++] = flow;
}

/* A child or a watched job: how it stands, as the list knows or as it was loaded. */
static void
do_look(struct turn *turn, const struct flow_todo *todo)
{
	struct job *flow = find_flow(turn, todo->what.flow);
	struct job *job = todo->is_known ? NULL : find_job(turn, todo->what.job);
	struct flow_job_end end = todo->end;

	if (!flow)
		return;
	if (!todo->is_known) {
		if (job && job->project != flow->project)
			job = NULL;
		end = job ? end_of(job)
			  : (struct flow_job_end) { .job = todo->what.job, .is_gone = true };
	}
	if (!end.is_gone && !job_state_is_final(end.state)) {
		if (todo->what.kind == FOLLOW_WATCH)
			watch_add(turn->engine, todo->what.job, todo->what.flow);
		return;
	}
	if (todo->what.kind == FOLLOW_WATCH)
		flow_job_ended(&turn->uow, flow, &end);
	else
		flow_child_ended(&turn->uow, flow, &end);
}

static void
delete_children(struct turn *turn, const struct flow_todo *todo)
{
	struct uow *uow = &turn->uow;
	struct err ignored; /* every state allows it */
	size_t n = uow->jobs.n, n_deleted = 0;

	if (find_job(turn, todo->what.flow))
		return; /* it is there after all: nothing of it is left over */
	for (size_t i = 0; i < n; i++) {
		struct job *job = uow->jobs.item[i];

		if (!uuid_eq(&job->parent.u, &todo->what.flow.u) || job->change == ROW_DELETED)
			continue;
		(void)(plan_command(uow, &turn->engine->lanes, job, JOB_CMD_DELETE, &ignored) <
			0);
		n_deleted++;
	}
	if (n_deleted > 0 || uow->is_cut) /* until none is found */
		UOW_PUSH(uow, &uow->follow_ups, todo->what);
}

void
flows_apply(struct turn *turn)
{
	for (size_t i = 0; i < turn->n_todos; i++) {
		const struct flow_todo *todo = todo_at(turn, i);
		struct job *flow;

		switch (todo->what.kind) {
		case FOLLOW_COMMAND:
			do_command(turn, todo);
			break;
		case FOLLOW_CHILD:
		case FOLLOW_WATCH:
			do_look(turn, todo);
			break;
		case FOLLOW_STEP:
			flow = find_flow(turn, todo->what.flow);
			if (flow)
				flow_step(&turn->uow, flow, todo->again);
			break;
		case FOLLOW_CHILDREN:
			delete_children(turn, todo);
			break;
		}
	}
}

/* ---- after the commit ---- */

static void
note_end(struct engine *engine, const struct job *job, bool is_gone)
{
	struct flow_watch *watch = map_get(&engine->flow_watches, &job->id, sizeof job->id);
	struct flow_todo todo = {
		.what = { .kind = FOLLOW_CHILD, .project = job->project, .job = job->id },
		.is_known = true,
		.end = end_of(job),
	};

	todo.end.is_gone = is_gone;
	if (!uuid_is_zero(&job->parent.u)) {
		todo.what.flow = job->parent;
		todo_add(engine, &todo);
	}
	if (!watch)
		return;
	todo.what.kind = FOLLOW_WATCH;
	for (size_t i = 0; i < watch->n; i++) {
		todo.what.flow = watch->flows[i];
		todo_add(engine, &todo);
	}
	map_remove(&engine->flow_watches, &job->id, sizeof job->id);
	(void)watch_free(watch);
}

void
flows_settle(struct turn *turn)
{
	struct engine *engine = turn->engine;
	struct uow *uow = &turn->uow;

	engine->todos.first += turn->n_todos;
	engine->todos.n -= turn->n_todos;
	for (size_t i = 0; i < uow->ended.n; i++) {
		if (uow->ended.item[i]->change != ROW_DELETED)
			note_end(engine, uow->ended.item[i], false);
	}
	for (size_t i = 0; i < uow->jobs.n; i++) {
		if (uow->jobs.item[i]->change == ROW_DELETED)
			note_end(engine, uow->jobs.item[i], true);
	}
	for (size_t i = 0; i < uow->follow_ups.n; i++) {
		struct flow_todo todo = { .what = uow->follow_ups.item[i] };

		todo_add(engine, &todo);
	}
}

/* ---- intents ---- */

static void
apply_launch(struct turn *turn, struct intent *intent, struct job *flow)
{
	const struct flow_report *report = &intent->in.flow_report;
	struct flow_report refused = *report;
	struct job *child;

	if (report->spec->unique.mode != UNIQUE_NONE)
		(void)intent_fail(turn, intent, ERR_INVALID,
			"the job of a stage cannot be unique among others");
	child = intent->status == INTENT_OK ? intent_make_job(turn, intent, report->spec)
					    : NULL;
	if (child) {
		flow_launched(&turn->uow, flow, report, child);
		intent_answer(turn, intent);
		return;
	}
	refused.error = arena_strdup(turn->uow.arena, intent->err.text);
	flow_report(&turn->uow, flow, &refused);
}

static void
apply_report(struct turn *turn, struct intent *intent, struct job *flow)
{
	const struct flow_report *report = &intent->in.flow_report;

	if (flow && flow_wants_job(&turn->uow, flow, report)) {
		apply_launch(turn, intent, flow);
		return;
	}
	if (flow)
		flow_report(&turn->uow, flow, report);
	intent_answer(turn, intent);
}

static void
apply_signal(struct turn *turn, struct intent *intent, struct job *flow)
{
	if (!flow) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such flow");
		return;
	}
	if (flow_signal(&turn->uow, flow, &intent->in.flow_signal, &intent->err) < 0) {
		intent->status = INTENT_IS_ERROR;
		if (intent->err.code == ERR_CONFLICT)
			intent->conflict = CONFLICT_STATE;
		intent->out.state = flow->state;
		intent_answer(turn, intent);
		return;
	}
	intent->out.jobs = arena_xalloc(&intent->arena, sizeof *intent->out.jobs);
	intent->out.n_jobs = 1;
	job_snapshot(&intent->arena, flow, intent->out.jobs);
	intent_answer(turn, intent);
}

void
flow_apply(struct turn *turn, struct intent *intent)
{
	bool is_report = intent->kind == INTENT_FLOW_REPORT;
	struct job *flow = find_flow(
		turn, is_report ? intent->in.flow_report.flow : intent->in.flow_signal.flow);

	if (flow && flow->project != intent->project)
		flow = NULL;
	if (is_report)
		apply_report(turn, intent, flow);
	else
		apply_signal(turn, intent, flow);
}

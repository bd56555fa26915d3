/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intents about retention, and rows that nobody needs any more.
 *
 * What a sweep found is judged again here: meanwhile a job may have been pinned or started
 * again, and the policy may say something else.
 */
#include "core/retention.h"

#include "base/limits.h"
#include "engine/engine_impl.h"
#include "store/store_stats.h"

enum {
	WORKERS_SLICE = 100,
	HOURS_SLICE = 500,
};

static void
answer_policy(struct turn *turn, struct intent *intent, const struct retention *policy)
{
	intent->out.retention = arena_xalloc(&intent->arena, sizeof *intent->out.retention);
	retention_snapshot(&intent->arena, policy, intent->out.retention);
	intent_answer(turn, intent);
}

/* The policy that is meant; NULL: the intent was refused. */
static struct retention *
find_policy(struct turn *turn, struct intent *intent)
{
	const struct retention_change *change = &intent->in.retention;
	struct retention *policy =
		retention_list_get(&turn->engine->retention, intent->project, &change->id);

	if (!policy) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such policy");
		return NULL;
	}
	if (change->if_revision > 0 && change->if_revision != policy->revision) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "it was changed meanwhile");
		return NULL;
	}
	return policy;
}

static void
put_apply(struct turn *turn, struct intent *intent)
{
	const struct retention_change *change = &intent->in.retention;
	struct retention *policy = NULL;
	struct err err;

	if (!project_is_open(turn, intent))
		return;
	if (!uuid_is_zero(&change->id)) {
		policy = find_policy(turn, intent);
		if (!policy)
			return;
	}
	if (retention_list_put(&turn->engine->retention, &turn->uow, intent->project, policy,
		    &change->put, &policy, &err) < 0) {
		if (err.code == ERR_CONFLICT)
			intent_conflict(turn, intent, CONFLICT_TAKEN, err.text);
		else
			(void)intent_fail(turn, intent, err.code, "%s", err.text);
		return;
	}
	intent_keep_idem(turn, intent, &policy->id, 1);
	answer_policy(turn, intent, policy);
}

/* --- What a sweep found --- */

static bool
may_go(const struct job *job, int64_t project)
{
	return job && job->project == project && job->change != ROW_DELETED &&
		job_state_is_final(job->state) && !job->pinned && uuid_is_zero(&job->parent.u);
}

static bool
sweep_job(struct turn *turn, struct job *job, bool only_files)
{
	struct err err;

	if (only_files) {
		UOW_PUSH(&turn->uow, &turn->uow.fileless, job->seq);
		return true;
	}
	return plan_command(&turn->uow, &turn->engine->lanes, job, JOB_CMD_DELETE, &err) == 0;
}

/* A policy that was changed meanwhile ends its sweep: the next one goes by what it says now. */
static void
sweep_apply(struct turn *turn, struct intent *intent)
{
	const struct sweep_report *report = &intent->in.sweep;
	struct retention_list *list = &turn->engine->retention;
	struct retention *policy = retention_list_get(list, intent->project, &report->policy);

	if (!policy) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "the policy is no more");
		return;
	}
	if (report->is_last) {
		if (report->revision != 0 && policy->revision != report->revision)
			policy->is_wanted = true;
		else if (!report->figures.error)
			policy->files_done_ms = report->files_done_ms;
		retention_swept(list, &turn->uow, policy, &report->figures);
		intent_answer(turn, intent);
		return;
	}
	if (policy->revision != report->revision || policy->is_paused) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "the policy was changed");
		return;
	}
	for (size_t i = 0; i < report->n; i++) {
		struct job *job = uow_job(&turn->uow, report->ids[i]);

		if (may_go(job, intent->project))
			intent->out.n_swept += sweep_job(turn, job, report->only_files);
	}
	intent_answer(turn, intent);
}

void
retention_keys(struct turn *turn, struct intent *intent)
{
	for (size_t i = 0; i < intent->in.sweep.n; i++)
		UOW_PUSH(&turn->uow, &turn->keys.jobs, intent->in.sweep.ids[i]);
}

void
retention_apply(struct turn *turn, struct intent *intent)
{
	struct retention *policy;

	if (intent->kind == INTENT_SWEEP) {
		sweep_apply(turn, intent);
		return;
	}
	if (intent->kind == INTENT_RETENTION_PUT) {
		put_apply(turn, intent);
		return;
	}
	policy = find_policy(turn, intent);
	if (!policy)
		return;
	if (intent->kind == INTENT_RETENTION_RUN)
		retention_sweep_now(policy);
	answer_policy(turn, intent, policy);
	if (intent->kind == INTENT_RETENTION_DELETE)
		retention_list_remove(&turn->engine->retention, &turn->uow, policy);
}

/* --- Rows that nobody needs --- */

/* Workers that went long ago, and figures by hour that nobody can ask for any more: some in
 * each turn until none is left; an hour later it looks again. */
static int
clear_old(struct engine *engine, struct err *err)
{
	int64_t hours_ms = engine->now_ms - STAT_HOURS_KEPT_MS - HOURS_MS(1);
	int workers = store_purge_workers(
		engine->store, engine->now_ms - WORKER_KEPT_MS, WORKERS_SLICE, err);
	int hours =
		workers < 0 ? -1 : store_purge_hours(engine->store, hours_ms, HOURS_SLICE, err);
	bool has_more = workers == STORE_MORE || hours == STORE_MORE;

	engine->workers_due_ms = engine->now_ms + (has_more ? 0 : HOURS_MS(1));
	return hours < 0 ? -1 : 0;
}

/* Files that rows no longer name: whoever looks after them asks whether others do. */
static void
ask_for_blobs(struct uow *uow)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(16));

	for (size_t i = 0; i < uow->loose.n; i++)
		if (buf_addf(&text, "%s\n", uow->loose.item[i]) < 0)
			break; /* bytes that stay are a waste of room, no wrong answer */
	if (text.len == 0)
		return;
	struct effect effect = {
		.kind = EFFECT_BLOBS,
		.body = str_from(arena_strndup(uow->arena, text.data, text.len), text.len),
	};
	UOW_PUSH(uow, &uow->effects, effect);
}

/* The rest of a large job, and of a project, goes in turns of its own, between which others
 * have theirs. */
int
retention_clear(struct turn *turn, struct err *err)
{
	struct engine *engine = turn->engine;

	projects_see_late(turn);
	if (turn->uow.has_remains) {
		engine->remains_due_ms = engine->now_ms; /* the next turn */
	} else if (engine->remains_due_ms > 0 && engine->remains_due_ms <= engine->now_ms) {
		int rc = store_purge_deleted(engine->store, DELETE_ROWS_MAX, &turn->uow, err);

		if (rc == 0)
			rc = projects_clear(engine, err);
		if (rc < 0)
			return -1;
		engine->remains_due_ms = rc == STORE_MORE ? engine->now_ms : 0;
	}
	ask_for_blobs(&turn->uow);
	if (engine->workers_due_ms > 0 && engine->workers_due_ms <= engine->now_ms)
		return clear_old(engine, err);
	return 0;
}

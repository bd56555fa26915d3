/* SPDX-License-Identifier: Apache-2.0 */
/* What a poll of a worker means: docs/protocol/worker.md. */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "engine/engine_impl.h"

static bool
is_held(const struct poll *poll, const struct member_run *run)
{
	for (size_t i = 0; i < poll->n_holds; i++) {
		if (poll->holds[i].fence == run->fence &&
			uuid_eq(&poll->holds[i].run.u, &run->run.u))
			return true;
	}
	for (size_t i = 0; i < poll->n_results; i++) {
		if (poll->results[i].fence == run->fence &&
			uuid_eq(&poll->results[i].run.u, &run->run.u))
			return true;
	}
	return false;
}

static void
key_run(struct turn *turn, struct run_id run)
{
	UOW_PUSH(&turn->uow, &turn->keys.runs, run);
}

void
member_keys(struct turn *turn, const struct member *member)
{
	for (size_t i = 0; i < member->n_runs; i++)
		key_run(turn, member->runs[i].run);
}

void
poll_keys(struct turn *turn, struct intent *intent)
{
	const struct poll *poll = &intent->in.poll;
	const struct member *member = member_find(turn->engine, poll->worker);

	for (size_t i = 0; i < poll->n_results; i++)
		key_run(turn, poll->results[i].run);
	for (size_t i = 0; i < poll->n_events; i++) {
		if (i == 0 || !uuid_eq(&poll->events[i].run.u, &poll->events[i - 1].run.u))
			key_run(turn, poll->events[i].run);
	}
	if (!member) {
		UOW_PUSH(&turn->uow, &turn->keys.workers, poll->worker);
		return;
	}
	for (size_t i = 0; poll->claim && i < member->n_runs; i++) {
		if (!is_held(poll, &member->runs[i]))
			key_run(turn, member->runs[i].run);
	}
}

/* ---- who is it ---- */

static void
worker_event(struct turn *turn, const struct worker_row *row, enum event_type type)
{
	struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct event event = {
		.at_ms = turn->uow.now_ms,
		.project = row->project,
		.type = type,
	};
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kuuid(&jw, "worker", &row->id.u);
	jw_kstr(&jw, "name", row->name);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0) {
		const char *text = arena_strndup(turn->uow.arena, buf.data, buf.len);
		event.data = str_from(text, buf.len);
	}
	buf_deinit(&buf);
	uow_event(&turn->uow, &event);
}

static struct member *
join(struct turn *turn, const struct poll *poll, const struct worker_row *said)
{
	struct worker_row *stored = uow_worker(&turn->uow, poll->worker);
	struct worker_row row = *said;

	row.joined_ms = turn->uow.now_ms;
	if (stored)
		row.lease_until_ms = stored->lease_until_ms;
	struct member *member = member_add(turn->engine, &row);
	if (!member)
		return NULL;
	if (stored)
		member_adopt_runs(turn->engine, member, stored);
	member_save(turn, member, stored ? ROW_CHANGED : ROW_NEW);
	worker_event(turn, &member->row, EV_WORKER_JOINED);
	return member;
}

static struct member *
recognise(struct turn *turn, struct intent *intent)
{
	const struct poll *poll = &intent->in.poll;
	struct worker_row said = {
		.id = poll->worker,
		.project = intent->project,
		.name = poll->name,
		.version = poll->version,
		.kinds = poll->kinds,
		.labels = poll->labels,
		.resources = poll->resources,
		.capacity = poll->capacity,
		.state = WORKER_ONLINE,
		.seen_ms = turn->uow.now_ms,
	};
	struct member *member = member_find(turn->engine, poll->worker);

	if (!member)
		member = join(turn, poll, &said);
	else if (poll->claim && member_describe(member, &said))
		member_save(turn, member, ROW_CHANGED);
	if (member)
		member_heard(turn->engine, member);
	return member;
}

/* ---- what it brings ---- */

/* The run, when it is this worker's under this number; NULL: it is not, or not any more. */
static struct run *
own_run(struct turn *turn, const struct poll *poll, struct run_id id, int64_t fence)
{
	struct run *run = uow_run(&turn->uow, id);

	if (!run || run->job->change == ROW_DELETED || run->state != RUN_LEASED ||
		run->fence != fence || !uuid_eq(&run->worker.u, &poll->worker.u))
		return NULL;
	return run;
}

static void
take_events(struct turn *turn, const struct poll *poll)
{
	for (size_t i = 0; i < poll->n_events; i++) {
		const struct poll_event *event = &poll->events[i];
		struct run *run = own_run(turn, poll, event->run, event->fence);

		if (!run || event->n <= run->event_n || event->n > RUN_EVENTS_MAX)
			continue;
		run->event_n = event->n;
		uow_touch_run(&turn->uow, run);
		if (event->type == EV_RUN_STARTED)
			plan_started(&turn->uow, run);
		uow_event_job(&turn->uow, run->job, run, event->type, event->data);
	}
}

static void
stale_result(struct turn *turn, const struct poll *poll, const struct run *run,
	const struct poll_result *result)
{
	struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kuuid(&jw, "worker", &poll->worker.u);
	jw_ki64(&jw, "fence", result->fence);
	jw_kstr(&jw, "outcome", run_outcome_name(result->result.outcome));
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0)
		uow_event_job(&turn->uow, run->job, run, EV_RUN_STALE_RESULT,
			str_from(arena_strndup(turn->uow.arena, buf.data, buf.len), buf.len));
	buf_deinit(&buf);
	atomic_fetch_add_explicit(&turn->engine->stats.stale_results, 1, memory_order_relaxed);
}

/* Its browser died: it has no verdict and begins again. */
static void
take_lost(struct turn *turn, struct run *run, const struct poll_result *result)
{
	struct engine *engine = turn->engine;
	const char *reason = result->result.reason;

	plan_lost(&turn->uow, &engine->lanes, run, true,
		reason && reason[0] ? reason : "browser_disconnected");
	atomic_fetch_add_explicit(&engine->stats.runs_lost, 1, memory_order_relaxed);
}

static void
take_result(struct turn *turn, const struct poll *poll, const struct poll_result *result)
{
	struct engine *engine = turn->engine;
	struct run *known = uow_run(&turn->uow, result->run);
	struct run *run = own_run(turn, poll, result->run, result->fence);

	if (run && result->is_lost) {
		take_lost(turn, run, result);
		member_remove_run(engine, poll->worker, result->run);
		return;
	}
	if (run) {
		plan_finish(&turn->uow, &engine->lanes, run, &result->result);
		member_remove_run(engine, poll->worker, run->id);
		atomic_fetch_add_explicit(
			&engine->stats.runs_finished, 1, memory_order_relaxed);
		return;
	}
	/* Deleted with its job, or said before and counted then: nothing to say. */
	bool is_repetition = known && known->fence == result->fence &&
		(known->state >= RUN_HELD || result->is_lost);
	if (known && known->job->change != ROW_DELETED && !is_repetition)
		stale_result(turn, poll, known, result);
}

static void
return_run(struct turn *turn, const struct member *member, struct run_id id, bool is_loss)
{
	struct run *run = uow_run(&turn->uow, id);

	if (run && run->state == RUN_LEASED && run->job->change != ROW_DELETED &&
		uuid_eq(&run->worker.u, &member->row.id.u)) {
		plan_lost(&turn->uow, &turn->engine->lanes, run, is_loss, NULL);
		if (is_loss)
			atomic_fetch_add_explicit(
				&turn->engine->stats.runs_lost, 1, memory_order_relaxed);
	}
}

/* Leases whose answer never arrived. */
static void
return_unheld(struct turn *turn, struct member *member, const struct poll *poll)
{
	for (size_t i = member->n_runs; i-- > 0;) {
		struct member_run run = member->runs[i];

		if (is_held(poll, &run))
			continue;
		return_run(turn, member, run.run, false);
		member->runs[i] = member->runs[--member->n_runs];
	}
}

/* At most one claiming poll of a worker is under way: the newest. */
static void
supersede(struct turn *turn, struct member *member, struct intent *intent)
{
	struct intent *old =
		member->claiming ? member->claiming : member_unpark(turn->engine, member);

	member->claiming = intent;
	if (!old)
		return;
	old->out.poll.superseded = true;
	poll_answer(turn, member, old, NULL);
}

/* It takes nothing, has nothing and waits for nothing: it leaves. */
static bool
is_goodbye(const struct poll *poll)
{
	return poll->capacity == 0 && poll->n_holds == 0 && poll->wait_ms == 0;
}

void
poll_apply(struct turn *turn, struct intent *intent)
{
	struct engine *engine = turn->engine;
	const struct poll *poll = &intent->in.poll;
	struct member *member = recognise(turn, intent);

	if (!member) {
		(void)intent_fail(turn, intent, ERR_LIMIT,
			"%d workers are online, more are not served", WORKERS_MAX);
		return;
	}
	if (poll->claim)
		supersede(turn, member, intent);
	take_events(turn, poll);
	for (size_t i = 0; i < poll->n_results; i++)
		take_result(turn, poll, &poll->results[i]);
	if (poll->claim)
		return_unheld(turn, member, poll);
	member_renew_lease(turn, member);
	if (!poll->claim) {
		poll_answer(turn, member, intent, NULL);
		return;
	}
	if (is_goodbye(poll)) {
		member->claiming = NULL;
		poll_answer(turn, member, intent, NULL);
		member_lost(turn, member, WORKER_GONE);
		return;
	}
	int64_t wait_max = member->n_runs > 0 ? engine->options.lease_ms / 3 : POLL_PARK_MS_MAX;
	intent->park_until_ms =
		engine->now_ms + (poll->wait_ms < wait_max ? poll->wait_ms : wait_max);
	UOW_PUSH(&turn->uow, &turn->claiming, intent);
}

void
poll_cancel(struct turn *turn, const struct poll_cancel *cancel)
{
	struct member *member = member_find(turn->engine, cancel->worker);

	/* A newer poll of the same worker may have taken its place. */
	if (member && member->parked && member->parked->user == cancel->user) {
		struct intent *parked = member_unpark(turn->engine, member);
		if (cancel->is_over)
			poll_answer(turn, member, parked, NULL);
		else
			(void)intent_fail(
				turn, parked, ERR_UNAVAILABLE, "the connection is gone");
	} else if (member && member->claiming && member->claiming->user == cancel->user) {
		(void)intent_fail(
			turn, member->claiming, ERR_UNAVAILABLE, "the connection is gone");
		member->claiming = NULL;
	}
}

/* ---- what it hears ---- */

static void
add_directive(struct poll_answer *answer, const struct run_ref *ref, enum poll_do what,
	const char *reason)
{
	answer->directives[answer->n_directives++] = (struct poll_directive) {
		.run = ref->run,
		.fence = ref->fence,
		.what = what,
		.reason = reason,
	};
}

bool
must_drain(const struct member *member, const struct poll *poll)
{
	return member->row.state == WORKER_DRAINING && poll->capacity > 0;
}

/* Everything the worker holds and should not, or should end. */
static void
add_directives(struct engine *engine, struct poll_answer *answer, const struct member *member,
	const struct poll *poll, struct arena *arena)
{
	answer->directives =
		arena_xalloc(arena, (poll->n_holds + 1) * sizeof *answer->directives);
	for (size_t i = 0; i < poll->n_holds; i++) {
		const struct run_ref *hold = &poll->holds[i];
		const struct member_run *run = member_run(member, hold->run, hold->fence);

		if (!run)
			add_directive(answer, hold, POLL_DO_DROP, "not_yours");
		else if (run->stop_reason && !hold->stopping)
			add_directive(answer, hold, POLL_DO_STOP, run->stop_reason);
		else if (watch_is_news(engine, hold)) {
			add_directive(answer, hold, POLL_DO_WATCH, NULL);
			watch_told(engine, hold);
		}
	}
	if (must_drain(member, poll))
		add_directive(answer, &(struct run_ref) { .fence = 0 }, POLL_DO_DRAIN, "drain");
}

void
poll_answer(struct turn *turn, struct member *member, struct intent *intent,
	const struct offered *offer)
{
	struct poll_answer *answer = &intent->out.poll;

	answer->lease_ms = turn->engine->options.lease_ms;
	answer->poll_ms = member->n_runs > 0 ? answer->lease_ms / 3 : POLL_PARK_MS_MAX;
	if (intent->in.poll.claim && !answer->superseded)
		add_directives(turn->engine, answer, member, &intent->in.poll, &intent->arena);
	if (offer) {
		answer->leases = offer->leases;
		answer->n_leases = offer->n;
	}
	intent_answer(turn, intent);
}

/* ---- when it is gone ---- */

void
member_lost(struct turn *turn, struct member *member, enum worker_state state)
{
	struct intent *parked = member_unpark(turn->engine, member);

	if (parked)
		(void)intent_fail(turn, parked, ERR_UNAVAILABLE, "the worker is gone");
	if (member->claiming)
		(void)intent_fail(
			turn, member->claiming, ERR_UNAVAILABLE, "the worker is gone");
	for (size_t i = 0; i < member->n_runs; i++)
		return_run(turn, member, member->runs[i].run, true);
	member->row.state = state;
	member->row.lease_until_ms = 0;
	member_save(turn, member, ROW_CHANGED);
	worker_event(turn, &member->row,
		member->row.state == WORKER_LOST ? EV_WORKER_LOST : EV_WORKER_DRAINED);
	member_drop(turn->engine, member);
}

void
worker_row_lost(struct turn *turn, struct worker_row *row)
{
	for (size_t i = 0; i < row->n_runs; i++) {
		if (row->runs[i]->state == RUN_LEASED)
			plan_lost(&turn->uow, &turn->engine->lanes, row->runs[i], true, NULL);
	}
	row->state = WORKER_LOST;
	row->lease_until_ms = 0;
	uow_touch_worker(row);
	worker_event(turn, row, EV_WORKER_LOST);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn: collect, load, apply, save, commit once, answer.
 *
 * What the engine keeps in memory (lanes, queues' running counts, workers, parked polls)
 * follows from the store and is read from it at the start. When the store fails, memory and
 * disk may differ: the engine then refuses everything.
 */
#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/group.h"
#include "engine/engine_impl.h"

/* ---- outputs ---- */

static struct turn_output *
output_new(void)
{
	struct turn_output *out = xcalloc(1, sizeof *out);

	list_init(&out->node);
	list_init(&out->done);
	arena_init(&out->arena, ARENA_TURN_BYTES_MAX);
	return out;
}

struct turn_output *
turn_output_free(struct turn_output *out)
{
	if (!out)
		return NULL;
	LIST_FOR_EACH_SAFE(node, &out->done)
		intent_free(list_entry(node, struct intent, node));
	list_remove(&out->node);
	arena_deinit(&out->arena);
	free(out);
	return NULL;
}

/* ---- start and end ---- */

/* The runs of known workers, so that holds and stops are judged as if nothing had happened. */
static int
boot_member(struct engine *engine, struct worker_id worker, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct turn_keys keys = { 0 };
	struct uow uow;

	arena_init(&arena, ARENA_TURN_BYTES_MAX);
	uow_init(&uow, &arena, &engine->rng, engine->now_ms);
	UOW_PUSH(&uow, &keys.workers, worker);
	int rc = store_load(engine->store, &keys, &uow, err);
	for (size_t i = 0; rc == 0 && i < uow.workers.n; i++) {
		const struct worker_row *row = uow.workers.item[i];
		struct member *member = member_add(engine, row);
		if (!member)
			break;
		member_heard(engine, member); /* a whole lease to be heard of */
		member_adopt_runs(engine, member, row);
	}
	uow_deinit(&uow);
	return rc;
}

/* One after the other: the jobs of all of them together may be too much. */
static int
boot_members(struct engine *engine, const struct store_boot *boot, struct err *err)
{
	for (size_t i = 0; i < boot->n_workers; i++) {
		if (boot_member(engine, boot->workers[i].id, err) < 0)
			return -1;
	}
	return 0;
}

static int
boot(struct engine *engine, struct err *err)
{
	struct store_boot facts = { 0 };

	if (store_boot(engine->store, &engine->arena, &facts, err) < 0)
		return -1;
	for (size_t i = 0; i < facts.n_queues; i++)
		lanes_restore_queue(&engine->lanes, &facts.queues[i]);
	for (size_t i = 0; i < facts.n_keyed; i++)
		places_restore_running(&engine->lanes, facts.keyed[i].queue,
			facts.keyed[i].keys, facts.keyed[i].running);
	for (size_t i = 0; i < facts.n_held; i++)
		places_restore_held(&engine->lanes, facts.held[i]);
	for (size_t i = 0; i < facts.n_buckets; i++)
		places_restore_bucket(&engine->lanes, &facts.buckets[i]);
	for (size_t i = 0; i < facts.n_quarantine; i++)
		quarantine_list_restore(&engine->quarantine, &facts.quarantine[i]);
	for (size_t i = 0; i < facts.n_schedules; i++) {
		schedule_list_restore(&engine->schedules, &facts.schedules[i]);
		/* A schedule may change without an event. */
		if (facts.schedules[i].updated_ms > engine->now_ms)
			engine->now_ms = facts.schedules[i].updated_ms;
	}
	for (size_t i = 0; i < facts.n_projects; i++)
		project_list_set(&engine->projects, &facts.projects[i]);
	for (size_t i = 0; i < facts.n_lanes; i++)
		lanes_restore_lane(&engine->lanes, &facts.lanes[i]);
	for (size_t i = 0; i < facts.n_retention; i++)
		retention_list_restore(&engine->retention, &facts.retention[i]);
	flows_boot(engine, &facts);
	engine->store_due_ms = facts.next_due_ms;
	if (facts.now_floor_ms > engine->now_ms)
		engine->now_ms = facts.now_floor_ms;
	engine->purge_due_ms = engine->now_ms + HOURS_MS(1);
	engine->idem_kept_ms = engine->now_ms;
	engine->remains_due_ms = facts.has_remains ? engine->now_ms : 0;
	projects_boot(engine);
	engine->workers_due_ms = facts.n_workers > 0 ? engine->now_ms + HOURS_MS(1) : 0;
	if (boot_members(engine, &facts, err) < 0 || stats_boot(engine, err) < 0)
		return -1;
	arena_reset(&engine->arena);
	return 0;
}

int
engine_open(struct engine **ret, struct store *store, const struct engine_options *options,
	int64_t now_ms, struct err *err)
{
	struct engine *engine = xcalloc(1, sizeof *engine);

	engine->store = store;
	engine->options = *options;
	engine->now_ms = now_ms;
	if (engine->options.load_bytes_max == 0)
		engine->options.load_bytes_max = TURN_LOAD_BYTES_MAX;
	if (engine->options.lease_ms == 0)
		engine->options.lease_ms = LEASE_MS_DEFAULT;
	if (engine->options.ageing_ms < 0)
		engine->options.ageing_ms = AGEING_MS_DEFAULT;
	if (options->seed != 0)
		rng_seed(&engine->rng, options->seed);
	else
		rng_seed_os(&engine->rng);
	lanes_init(&engine->lanes, engine->options.ageing_ms);
	quarantine_list_init(&engine->quarantine, (size_t)engine->options.quarantine_max);
	schedule_list_init(&engine->schedules);
	retention_list_init(&engine->retention);
	map_init(&engine->members, MAP_KEYS_BORROWED);
	map_init(&engine->watched, MAP_KEYS_BORROWED);
	map_init(&engine->flow_watches, MAP_KEYS_BORROWED);
	list_init(&engine->parked);
	heap_init(&engine->timers);
	arena_init(&engine->arena, ARENA_TURN_BYTES_MAX);
	if (boot(engine, err) < 0) {
		engine_close(engine, NULL);
		return err_wrap(err, "reading the store");
	}
	*ret = engine;
	return 0;
}

struct engine *
engine_close(struct engine *engine, struct turn_output *out)
{
	if (!engine)
		return NULL;
	LIST_FOR_EACH_SAFE(node, &engine->parked) {
		struct member *member = list_entry(node, struct member, node);
		struct intent *intent = member_unpark(engine, member);

		if (!out) {
			intent_free(intent);
			continue;
		}
		intent->status = INTENT_IS_ERROR;
		(void)err_set(&intent->err, ERR_UNAVAILABLE, "the server is stopping");
		list_push_back(&out->done, &intent->node);
	}
	heap_deinit(&engine->timers); /* its nodes are the members' */
	members_deinit(engine);
	watches_deinit(engine);
	flows_deinit(engine);
	lanes_deinit(&engine->lanes);
	quarantine_list_deinit(&engine->quarantine);
	schedule_list_deinit(&engine->schedules);
	retention_list_deinit(&engine->retention);
	projects_deinit(engine);
	arena_deinit(&engine->arena);
	free(engine);
	return NULL;
}

/* ---- the turn ---- */

static bool
polls_now(const struct turn *turn, const struct member *member)
{
	for (size_t i = 0; i < turn->n_intents; i++) {
		if (turn->intents[i]->kind == INTENT_POLL &&
			uuid_eq(&turn->intents[i]->in.poll.worker.u, &member->row.id.u))
			return true;
	}
	return false;
}

/* Members whose time has come: a parked poll to be answered, or silence that means loss. */
static void
expire_timers(struct turn *turn)
{
	struct engine *engine = turn->engine;

	for (;;) {
		struct heap_node *node = heap_peek(&engine->timers);
		if (!node || node->key > engine->now_ms)
			return;
		struct member *member = container_of(node, struct member, timer);
		heap_remove(&engine->timers, node);
		if (member->parked || polls_now(turn, member))
			continue; /* dispatch_answer sees that its time is over; a poll renews
				     it */
		UOW_PUSH_IN(&turn->out->arena, &turn->silent, member);
	}
}

static void
collect_keys(struct turn *turn)
{
	struct engine *engine = turn->engine;

	turn->keys = (struct turn_keys) { .bytes_max = turn->bytes_max };
	for (size_t i = 0; i < turn->silent.n; i++)
		member_keys(turn, turn->silent.item[i]);
	flows_keys(turn);
	for (size_t i = 0; i < turn->n_intents; i++)
		intent_keys(turn, turn->intents[i]);
	dispatch_keys(turn);
	if (engine->store_due_ms > 0 && engine->store_due_ms <= engine->now_ms) {
		turn->keys.due_ms = engine->now_ms;
		turn->keys.due_max = DUE_ROWS_MAX;
	}
}

/* The younger half of the intents is refused; a single one that asks for too much by itself is
 * told so. Their workers are alive. */
static void
refuse_half(struct turn *turn, const struct err *err)
{
	size_t n_kept = turn->n_intents / 2;

	for (size_t i = n_kept; i < turn->n_intents; i++) {
		struct intent *intent = turn->intents[i];
		struct member *member = intent->kind == INTENT_POLL
			? member_find(turn->engine, intent->in.poll.worker)
			: NULL;

		if (member)
			member_heard(turn->engine, member);
		intent->status = INTENT_IS_ERROR;
		if (turn->n_intents == 1)
			intent->err = *err;
		else
			(void)err_set(&intent->err, ERR_UNAVAILABLE,
				"too much to do at once, try again");
		list_push_back(&turn->out->done, &intent->node);
	}
	turn->n_intents = n_kept;
}

/* The next turn sees to half of the workers that were lost. */
static void
postpone_half(struct turn *turn)
{
	struct engine *engine = turn->engine;
	size_t n_kept = turn->silent.n / 2;

	for (size_t i = n_kept; i < turn->silent.n; i++)
		heap_update(&engine->timers, &turn->silent.item[i]->timer, engine->now_ms);
	turn->silent.n = n_kept;
}

/* Nothing has been changed yet: the turn begins again with less. */
static void
load_again(struct turn *turn, const struct err *err)
{
	struct engine *engine = turn->engine;

	if (flows_take_less(turn))
		; /* the rest of them waits for another turn */
	else if (turn->n_intents > 0)
		refuse_half(turn, err);
	else if (turn->silent.n > 1)
		postpone_half(turn);
	else
		turn->bytes_max = 0; /* one lost worker: as much as the arena holds */
	uow_deinit(&turn->uow);
	arena_reset(&engine->arena);
	uow_init(&turn->uow, &engine->arena, &engine->rng, engine->now_ms);
}

/*
 * Loads what the turn needs. When that is more than TURN_LOAD_BYTES_MAX, so many intents are
 * refused, and then so many lost workers postponed, that it is less: a turn that fails would
 * fail again after every start.
 */
static int
load(struct turn *turn, struct err *err)
{
	turn->bytes_max = turn->engine->options.load_bytes_max;
	flows_take(turn);
	for (;;) {
		collect_keys(turn);
		if (store_load(turn->engine->store, &turn->keys, &turn->uow, err) == 0)
			return 0;
		if (err->code != ERR_LIMIT || turn->bytes_max == 0)
			return -1;
		load_again(turn, err);
	}
}

static void
apply_due(struct turn *turn)
{
	struct engine *engine = turn->engine;
	struct uow *uow = &turn->uow;

	for (size_t i = 0; i < uow->due_jobs.n; i++)
		plan_due(uow, &engine->lanes, uow->due_jobs.item[i]);
	for (size_t i = 0; i < uow->due_workers.n; i++) {
		struct worker_row *row = uow->due_workers.item[i];
		struct member *member = member_find(engine, row->id);
		if (member)
			member_renew_lease(
				turn, member); /* it is heard of; its own timer decides */
		else
			worker_row_lost(turn, row);
	}
}

static void
apply(struct turn *turn)
{
	quarantine_list_expire(&turn->engine->quarantine, &turn->uow);
	schedule_list_run(&turn->engine->schedules, &turn->uow);
	apply_due(turn);
	for (size_t i = 0; i < turn->silent.n; i++) {
		struct member *member = turn->silent.item[i];
		bool has_left = member->row.state == WORKER_DRAINING && member->n_runs == 0;
		member_lost(turn, member, has_left ? WORKER_GONE : WORKER_LOST);
	}
	flows_apply(turn);
	for (size_t i = 0; i < turn->n_intents; i++)
		intent_apply(turn, turn->intents[i]);
	retention_list_run(&turn->engine->retention, &turn->uow);
	dispatch(turn);
	queues_settle(turn);
}

static void
note_due(struct turn *turn)
{
	struct engine *engine = turn->engine;

	for (size_t i = 0; i < turn->uow.jobs.n; i++) {
		const struct job *job = turn->uow.jobs.item[i];
		if (job->due_ms > 0 &&
			(engine->store_due_ms == 0 || job->due_ms < engine->store_due_ms))
			engine->store_due_ms = job->due_ms;
	}
	for (size_t i = 0; i < turn->uow.workers.n; i++) {
		int64_t due = turn->uow.workers.item[i]->lease_until_ms;
		if (due > 0 && (engine->store_due_ms == 0 || due < engine->store_due_ms))
			engine->store_due_ms = due;
	}
}

/* Events of old are no news. */
static bool
is_news(const struct uow *uow, const struct event *event)
{
	for (size_t i = 0; i < uow->staged.n; i++) {
		if (uow->staged.item[i].job_seq == event->job_seq)
			return false;
	}
	return true;
}

static void
note_finished(struct turn *turn)
{
	const struct uow *uow = &turn->uow;
	uint64_t n = 0;

	for (size_t i = 0; i < uow->events.n; i++)
		n += event_type_is_final(uow->events.item[i].type) &&
			is_news(uow, &uow->events.item[i]);
	atomic_fetch_add_explicit(&turn->engine->stats.jobs_finished, n, memory_order_relaxed);
}

/* Old idempotency keys go, some in each turn until none is left; an hour later it looks again,
 * as long as there may be any. */
static int
purge(struct engine *engine, struct err *err)
{
	int64_t before_ms = engine->now_ms - IDEMPOTENCY_KEEP_MS;
	int rc = store_purge_idem(engine->store, before_ms, TURN_INTENTS_MAX * 16, err);

	if (rc < 0)
		return -1;
	if (rc == STORE_MORE)
		engine->purge_due_ms = engine->now_ms;
	else if (engine->idem_kept_ms >= before_ms)
		engine->purge_due_ms = engine->now_ms + HOURS_MS(1);
	else
		engine->purge_due_ms = 0;
	return 0;
}

/* Saves and commits, when there is anything to be saved. */
static int
save(struct turn *turn, struct err *err)
{
	struct engine *engine = turn->engine;

	group_save_changed(&turn->uow);
	flow_save_changed(&turn->uow);
	if (!uow_is_empty(&turn->uow)) {
		uow_number_events(&turn->uow);
		int rc = store_save(engine->store, &turn->uow, err);
		if (rc == STORE_CONFLICT)
			return err_set(
				err, ERR_UNAVAILABLE, "another server changed the same rows");
		if (rc < 0)
			return -1;
		atomic_fetch_add_explicit(&engine->stats.commits, 1, memory_order_relaxed);
		note_due(turn);
		note_finished(turn);
	}
	if (turn->keys.due_ms > 0 &&
		store_next_due(engine->store, &engine->store_due_ms, err) < 0)
		return -1;
	if (engine->purge_due_ms > 0 && engine->purge_due_ms <= engine->now_ms)
		return purge(engine, err);
	return 0;
}

static void
publish(struct turn *turn)
{
	struct uow *uow = &turn->uow;
	struct turn_output *out = turn->out;

	if (uow->events.n == 0)
		return;
	out->last_event_seq = uow->events.item[uow->events.n - 1].seq;
	if (!atomic_load_explicit(&turn->engine->interested, memory_order_acquire))
		return;
	out->events = arena_xalloc(&out->arena, uow->events.n * sizeof *out->events);
	for (size_t i = 0; i < uow->events.n; i++) {
		if (!is_news(uow, &uow->events.item[i]))
			continue;
		struct event *copy = &out->events[out->n_events++];
		*copy = uow->events.item[i];
		char *data = arena_xalloc(&out->arena, copy->data.n + 1);
		memcpy(data, copy->data.p, copy->data.n);
		copy->data.p = data;
	}
	if (out->n_events == 0)
		out->last_event_seq = 0; /* nobody missed anything */
}

/* Everything of the turn and every parked poll gets the failure; nothing is acknowledged any
 * more. */
static void
fail_all(struct turn *turn, const struct err *err)
{
	struct engine *engine = turn->engine;

	for (size_t i = 0; i < turn->n_intents; i++) {
		struct intent *intent = turn->intents[i];
		intent->status = INTENT_IS_ERROR;
		(void)err_set(&intent->err, ERR_UNAVAILABLE, "%s", err->text);
		list_push_back(&turn->out->done, &intent->node);
	}
	LIST_FOR_EACH_SAFE(node, &engine->parked) {
		struct member *member = list_entry(node, struct member, node);
		struct intent *intent = member_unpark(engine, member);
		intent->status = INTENT_IS_ERROR;
		(void)err_set(&intent->err, ERR_UNAVAILABLE, "%s", err->text);
		list_push_back(&turn->out->done, &intent->node);
	}
}

static struct str
copy_str(struct arena *arena, struct str text)
{
	return text.n > 0 ? str_from(arena_strndup(arena, text.p, text.n), text.n) : text;
}

static void
hand_out_effects(struct turn *turn)
{
	struct uow *uow = &turn->uow;
	struct turn_output *out = turn->out;

	if (uow->effects.n == 0)
		return;
	out->effects = arena_xalloc(&out->arena, uow->effects.n * sizeof *out->effects);
	for (size_t i = 0; i < uow->effects.n; i++) {
		struct effect *copy = &out->effects[i];
		*copy = uow->effects.item[i];
		copy->stage = copy->stage ? arena_strdup(&out->arena, copy->stage) : NULL;
		copy->body = copy_str(&out->arena, copy->body);
		copy->scope = copy_str(&out->arena, copy->scope);
	}
	out->n_effects = uow->effects.n;
}

static int
run_turn(struct turn *turn, struct err *err)
{
	struct engine *engine = turn->engine;

	expire_timers(turn);
	if (load(turn, err) < 0)
		return err_wrap(err, "load");
	dispatch_loaded(turn);
	apply(turn);
	if (dispatch_load(turn, err) < 0)
		return err_wrap(err, "load tests");
	quarantine_list_settle(&engine->quarantine, &turn->uow);
	quarantine_list_save(&engine->quarantine, &turn->uow);
	schedule_list_settle(&engine->schedules, &turn->uow);
	schedule_list_save(&engine->schedules, &turn->uow);
	if (stats_of_turn(turn, err) < 0)
		return err_wrap(err, "figures");
	if (save(turn, err) < 0)
		return -1;
	if (retention_clear(turn, err) < 0)
		return -1;
	return stats_backlog(turn, err);
}

static void
answer(struct turn *turn)
{
	flows_settle(turn);
	dispatch_answer(turn);
	publish(turn);
	hand_out_effects(turn);
	for (size_t i = 0; i < turn->answered.n; i++)
		list_push_back(&turn->out->done, &turn->answered.item[i]->node);
}

/* The intents that polls superseded or cancelled in this turn were parked before: they are in
 * no array of the turn. */
static void
take_back_answered(struct turn *turn)
{
	for (size_t i = 0; i < turn->answered.n; i++) {
		struct intent *intent = turn->answered.item[i];
		bool is_of_turn = false;

		for (size_t k = 0; k < turn->n_intents && !is_of_turn; k++)
			is_of_turn = turn->intents[k] == intent;
		if (is_of_turn)
			continue;
		intent->status = INTENT_IS_ERROR;
		(void)err_set(&intent->err, ERR_UNAVAILABLE, "the store failed");
		list_push_back(&turn->out->done, &intent->node);
	}
}

int
engine_turn(struct engine *engine, struct intent **intents, size_t n, int64_t now_ms,
	struct turn_output **ret, struct err *err)
{
	struct turn turn = {
		.engine = engine, .intents = intents, .n_intents = n, .out = output_new()
	};
	int rc = -1;

	if (now_ms > engine->now_ms)
		engine->now_ms = now_ms;
	atomic_fetch_add_explicit(&engine->stats.turns, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&engine->stats.intents, n, memory_order_relaxed);
	uow_init(&turn.uow, &engine->arena, &engine->rng, engine->now_ms);
	if (engine->failed)
		*err = engine->failure;
	else
		rc = run_turn(&turn, err);
	if (rc == 0) {
		answer(&turn);
	} else {
		engine->failed = true;
		engine->failure = *err;
		take_back_answered(&turn);
		fail_all(&turn, err);
	}
	uow_deinit(&turn.uow);
	arena_reset(&engine->arena);
	*ret = turn.out;
	return rc;
}

int64_t
engine_next_due(const struct engine *engine)
{
	const struct heap_node *timer = heap_peek(&engine->timers);
	int64_t due = timer ? timer->key : INT64_MAX;
	int64_t leaves = quarantine_list_due(&engine->quarantine);
	int64_t fires = schedule_list_due(&engine->schedules);

	if (engine->failed)
		return INT64_MAX;
	if (engine->has_more || flows_have_todo(engine))
		return engine->now_ms;
	if (engine->store_due_ms > 0 && engine->store_due_ms < due)
		due = engine->store_due_ms;
	if (engine->purge_due_ms > 0 && engine->purge_due_ms < due)
		due = engine->purge_due_ms;
	if (engine->backlog_due_ms > 0 && engine->backlog_due_ms < due)
		due = engine->backlog_due_ms;
	if (engine->remains_due_ms > 0 && engine->remains_due_ms < due)
		due = engine->remains_due_ms;
	if (engine->workers_due_ms > 0 && engine->workers_due_ms < due)
		due = engine->workers_due_ms;
	if (retention_list_due(&engine->retention) < due)
		due = retention_list_due(&engine->retention);
	if (engine->wake_ms > 0 && engine->wake_ms < due)
		due = engine->wake_ms;
	const struct heap_node *token = heap_peek(&engine->lanes.places.timers);
	if (token && token->key < due)
		due = token->key;
	if (leaves > 0 && leaves < due)
		due = leaves;
	if (fires > 0 && fires < due)
		due = fires;
	return due;
}

int64_t
engine_now(const struct engine *engine)
{
	return engine->now_ms;
}

void
engine_set_interest(struct engine *engine, bool interested)
{
	atomic_store_explicit(&engine->interested, interested, memory_order_release);
}

void
engine_note_turn(struct engine *engine, int64_t took_ns)
{
	atomic_fetch_add_explicit(
		&engine->stats.turn_ns, (uint64_t)took_ns, memory_order_relaxed);
}

void
engine_stats(const struct engine *engine, struct engine_stats *ret)
{
#define READ(name) atomic_load_explicit(&engine->stats.name, memory_order_relaxed)
	*ret = (struct engine_stats) {
		.turns = READ(turns),
		.commits = READ(commits),
		.intents = READ(intents),
		.jobs_created = READ(jobs_created),
		.jobs_finished = READ(jobs_finished),
		.runs_leased = READ(runs_leased),
		.runs_finished = READ(runs_finished),
		.runs_lost = READ(runs_lost),
		.stale_results = READ(stale_results),
		.polls_parked = READ(parked),
		.workers_online = READ(online),
		.turn_ns_sum = READ(turn_ns),
	};
#undef READ
}

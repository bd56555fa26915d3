/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of queues: docs/protocol/queues.md §1. */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "engine/engine_impl.h"

static void
queue_event(struct turn *turn, const struct queue *queue, enum event_type type)
{
	struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct event event = {
		.at_ms = turn->uow.now_ms,
		.project = queue->project,
		.type = type,
	};
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kstr(&jw, "queue", queue->name);
	jw_ki64(&jw, "revision", queue->revision);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0)
		event.data =
			str_from(arena_strndup(turn->uow.arena, buf.data, buf.len), buf.len);
	buf_deinit(&buf);
	uow_event(&turn->uow, &event);
}

static void
set_queue(struct turn *turn, struct queue *queue, const struct queue *settings, bool is_new)
{
	bool was_paused = queue->paused && !is_new;

	lanes_set_queue(&turn->engine->lanes, queue, settings);
	if (!is_new)
		queue->revision++;
	queue->updated_ms = turn->uow.now_ms;
	lanes_touch_queue(&turn->uow, queue);
	if (was_paused != queue->paused)
		queue_event(turn, queue, queue->paused ? EV_QUEUE_PAUSED : EV_QUEUE_RESUMED);
	else
		queue_event(turn, queue, EV_QUEUE_CHANGED);
	/* Lanes and places that it closed were not looked at in this turn. */
	turn->again = true;
}

static struct queue
settings_of(const struct queue *queue, const struct queue_put *put)
{
	struct queue settings = *queue;

	settings.paused = put->paused;
	settings.draining = put->draining && !put->paused;
	if (put->is_command)
		return settings;
	settings.priority = put->priority;
	settings.concurrency = put->concurrency;
	settings.ageing_ms = put->ageing_ms;
	settings.rate = put->rate;
	settings.limits = put->limits;
	settings.fair_by = put->fair_by;
	settings.share = put->share;
	return settings;
}

static void
answer_queue(struct turn *turn, struct intent *intent, const struct queue *queue)
{
	struct arena *arena = &intent->arena;
	struct queue *copy = arena_xalloc(arena, sizeof *copy);

	*copy = *queue;
	copy->name = arena_strdup(arena, queue->name);
	copy->limits = queue->limits ? arena_strdup(arena, queue->limits) : NULL;
	copy->fair_by = queue->fair_by ? arena_strdup(arena, queue->fair_by) : NULL;
	copy->limit = NULL;
	copy->load = NULL;
	intent->out.queue = copy;
	intent_answer(turn, intent);
}

void
queue_put_apply(struct turn *turn, struct intent *intent)
{
	struct lanes *lanes = &turn->engine->lanes;
	const struct queue_put *put = &intent->in.queue;
	struct queue *queue = lanes_find_queue(lanes, intent->project, put->name);

	if (!project_is_open(turn, intent))
		return;
	if (put->if_revision > 0 && (!queue || queue->revision != put->if_revision)) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "it was changed meanwhile");
		return;
	}
	if (!queue && put->is_command) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such queue");
		return;
	}
	bool is_new = !queue;
	queue = lanes_get_queue(lanes, &turn->uow, intent->project, put->name);
	if (!queue) {
		(void)intent_fail(turn, intent, ERR_LIMIT, "there are %d queues, the maximum",
			QUEUES_MAX);
		return;
	}
	const struct queue settings = settings_of(queue, put);
	set_queue(turn, queue, &settings, is_new);
	answer_queue(turn, intent, queue);
}

/* ---- draining ---- */

/* Nobody has to do anything, and it will be ready: runAt, the pause before an attempt. */
static bool
is_due_later(const struct job *job)
{
	return job->due_ms > 0 && !job->flow && job->state <= JOB_RUNNING;
}

/* Some job of it is ready or waits for a key or a time, as far as this turn knows. */
static bool
turn_has_work(const struct turn *turn, const struct queue *queue)
{
	for (size_t i = 0; i < turn->uow.jobs.n; i++) {
		const struct job *job = turn->uow.jobs.item[i];
		if (job->queue == queue->id && job->change != ROW_DELETED &&
			(job->ready || job->held_key || is_due_later(job)))
			return true;
	}
	return false;
}

static bool
places_have_work(const struct lanes *lanes, const struct queue *queue)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&lanes->places.by_name, &at, &entry);) {
		const struct place *place = entry.value;
		if (place->maybe_held &&
			(place->scope == queue->id || place->scope == -queue->project))
			return true;
	}
	return false;
}

static bool
store_has_work(const struct turn *turn, const struct queue *queue)
{
	const struct lanes *lanes = &turn->engine->lanes;
	struct err ignored;
	int64_t n = 1;

	for (size_t i = 0; i < lanes->lane.n; i++) {
		const struct lane *lane = lanes->lane.item[i];

		if (lane->queue != queue->id || !lane->maybe_ready)
			continue;
		if (store_count_ahead(turn->engine->store, lane->id, INT64_MIN, INT64_MAX, 1,
			    &n, &ignored) < 0 ||
			n > 0)
			return true;
	}
	return store_count_due(turn->engine->store, queue->id, 1, &n, &ignored) < 0 || n > 0;
}

/* What the store has of a job is what was before this turn. */
static bool
turn_has_changes(const struct turn *turn)
{
	for (size_t i = 0; i < turn->uow.jobs.n; i++)
		if (turn->uow.jobs.item[i]->change != ROW_CLEAN)
			return true;
	return false;
}

/* A job that ended in this turn or went elsewhere is still there in the store: the next turn
 * looks again. */
static void
settle(struct turn *turn, struct queue *queue)
{
	struct queue settings = *queue;

	if (queue->running > 0 || turn_has_work(turn, queue) ||
		places_have_work(&turn->engine->lanes, queue))
		return;
	if (store_has_work(turn, queue)) {
		turn->engine->has_more = turn->engine->has_more || turn_has_changes(turn);
		return;
	}
	settings.draining = false;
	settings.paused = true;
	set_queue(turn, queue, &settings, false);
}

void
queues_settle(struct turn *turn)
{
	const struct lanes *lanes = &turn->engine->lanes;

	for (size_t i = 0; i < lanes->queue.n; i++) {
		if (lanes->queue.item[i]->draining)
			settle(turn, lanes->queue.item[i]);
	}
}

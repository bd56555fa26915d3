/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a job that waits: docs/protocol/queues.md §8. */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "core/plan_impl.h"

/* Above every rank that a priority gives; the later one goes first. */
#define RANK_TOP (INT64_C(1) << 60)

static int
check(const struct job *job, const struct queue *queue, const struct job *neighbour,
	struct err *err)
{
	int64_t queue_then = queue ? queue->id : job->queue;

	if (job_state_is_final(job->state) || job->state == JOB_STOPPING)
		return err_set(err, ERR_CONFLICT, "a job that is %s is not changed any more",
			job_state_name(job->state));
	if (job->running > 0)
		return err_set(err, ERR_CONFLICT,
			"a run of the job is under way: only what waits can be changed");
	if (!neighbour)
		return 0;
	if (job_state_is_final(neighbour->state) || neighbour->queue != queue_then ||
		neighbour == job)
		return err_set(err, ERR_INVALID,
			"the neighbour is not another job that waits in the same queue");
	return 0;
}

/* Jobs of the same rank stand in order of age. */
static int64_t
rank_beside(const struct job *job, const struct job *neighbour, bool is_before)
{
	bool is_older = job->seq < neighbour->seq;

	if (is_before)
		return is_older ? neighbour->rank : neighbour->rank + 1;
	return is_older ? neighbour->rank - 1 : neighbour->rank;
}

static void
set_place(const struct uow *uow, struct job *job, const struct job_edit *edit,
	const struct job *neighbour)
{
	switch (edit->place) {
	case PLACE_KEPT:
		break;
	case PLACE_TOP:
		/* Grows with every edit, each of which is an event. */
		job->rank = RANK_TOP + uow->next_event_seq + (int64_t)uow->events.n;
		break;
	case PLACE_BEFORE:
	case PLACE_AFTER:
		job->rank = rank_beside(job, neighbour, edit->place == PLACE_BEFORE);
		break;
	}
}

static void
set_members(const struct uow *uow, struct job *job, const struct job_edit *edit)
{
	struct arena *arena = uow->arena;

	if (edit->has_run_at)
		job->run_at_ms = edit->run_at_ms;
	if (edit->has_expires)
		job->expires_ms =
			plan_expiry(uow->now_ms, job->run_at_ms, edit->expires_after_ms);
	if (edit->has_labels)
		job->labels = arena_strdup(arena, edit->labels);
	if (edit->has_keys)
		job->keys = arena_strdup(arena, edit->keys);
	if (edit->has_needs)
		job->needs = arena_strdup(arena, edit->needs);
}

static void
event_edited(struct uow *uow, const struct job *job, const struct queue *queue)
{
	struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kstr(&jw, "queue", queue->name);
	jw_ki64(&jw, "priority", job->priority);
	jw_ktime(&jw, "runAt", job->run_at_ms);
	jw_ktime(&jw, "expiresAt", job->expires_ms);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0)
		uow_event_job(uow, job, NULL, EV_JOB_EDITED,
			str_from(arena_strndup(uow->arena, buf.data, buf.len), buf.len));
	buf_deinit(&buf);
}

int
plan_edit(struct uow *uow, struct lanes *lanes, struct job *job, const struct job_edit *edit,
	struct queue *queue, const struct job *neighbour, struct err *err)
{
	if (check(job, queue, neighbour, err) < 0)
		return -1;
	if (lanes->lane.n + 2 > LANES_MAX)
		return err_set(err, ERR_LIMIT,
			"there are %d combinations of queue, kind and labels, the maximum",
			LANES_MAX);
	if (queue)
		job->queue = queue->id;
	if (edit->has_priority)
		job->priority = edit->priority;
	queue = lanes_queue(lanes, job->queue);
	if (edit->has_priority || edit->queue)
		job->rank = rank_of(job->priority, job->created_ms, queue->ageing_ms);
	set_members(uow, job, edit);
	set_place(uow, job, edit, neighbour);
	job->lane = 0;
	job->is_edited = true;
	event_edited(uow, job, queue);
	plan_update(uow, lanes, job);
	return 0;
}

void
plan_pin(struct uow *uow, struct job *job, bool is_pinned, const char *note)
{
	struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct jw jw;

	job->pinned = is_pinned;
	job->pin_note = is_pinned && note ? arena_strdup(uow->arena, note) : NULL;
	uow_touch_job(uow, job);
	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kstr_opt(&jw, "note", job->pin_note);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0)
		uow_event_job(uow, job, NULL, is_pinned ? EV_JOB_PINNED : EV_JOB_UNPINNED,
			str_from(arena_strndup(uow->arena, buf.data, buf.len), buf.len));
	buf_deinit(&buf);
}

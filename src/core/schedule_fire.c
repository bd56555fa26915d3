/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to an occurrence that has come due: it becomes pending, waits, or is told as
 * missed. A pending one is asked for as an effect; with its job it is taken off.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/schedule_impl.h"

static bool
is_busy(const struct schedule_live *live)
{
	return live->n_active > 0 || live->n_pending > 0;
}

static void
tell_missed(struct uow *uow, struct schedule *schedule, int64_t at_ms, const char *reason)
{
	schedule->live->missed++;
	schedule_event(uow, schedule, EV_SCHEDULE_MISSED, NULL,
		&(struct schedule_told) { .at_ms = at_ms, .reason = reason });
}

/* ---- pending ---- */

/* What expressions in the start see. */
static struct str
scope_text(struct uow *uow, const struct schedule *schedule, int64_t at_ms)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kobj(&jw, "schedule");
	jw_kuuid(&jw, "id", &schedule->id);
	jw_kstr(&jw, "name", schedule->name);
	jw_ktime(&jw, "at", at_ms);
	jw_end_obj(&jw);
	jw_end_obj(&jw);
	int rc = jw_done(&jw);
	assert(rc == 0); /* a name is short */
	(void)rc;
	return str_from(arena_strndup(uow->arena, text.data, text.len), text.len);
}

void
schedule_ask(struct uow *uow, const struct schedule *schedule, int64_t at_ms)
{
	struct str start = schedule->live->spec.start;
	struct effect effect = {
		.kind = EFFECT_SCHEDULE_FIRE,
		.project = schedule->project,
		.what = schedule->id,
		.at_ms = at_ms,
		/* The schedule may change in this turn. */
		.body = str_from(arena_strndup(uow->arena, start.p ? start.p : "{}",
					 start.p ? start.n : 2),
			start.p ? start.n : 2),
		.scope = scope_text(uow, schedule, at_ms),
	};

	UOW_PUSH(uow, &uow->effects, effect);
}

static void
make_pending(struct uow *uow, struct schedule *schedule, struct occurrence occurrence)
{
	struct schedule_live *live = schedule->live;

	occurrences_push(&live->pending, &live->n_pending, occurrence);
	schedule_ask(uow, schedule, occurrence.at_ms);
}

void
schedule_drain(struct schedule_list *list, struct uow *uow, struct schedule *schedule)
{
	struct schedule_live *live = schedule->live;

	if (live->n_waiting == 0 || is_busy(live) || live->fault ||
		schedule->change == ROW_DELETED ||
		(schedule->is_paused && live->waiting[0].cause != FIRE_MANUAL))
		return;
	struct occurrence first = live->waiting[0];
	occurrences_take(live->waiting, &live->n_waiting, 0);
	make_pending(uow, schedule, first);
	schedule_touch(list, uow, schedule);
}

/* ---- overlap ---- */

static void
cancel_job(struct uow *uow, const struct schedule *schedule, struct job_id job)
{
	struct follow_up follow_up = {
		.project = schedule->project,
		.job = job,
		.command = JOB_CMD_CANCEL,
	};

	UOW_PUSH(uow, &uow->follow_ups, follow_up);
}

/* Only the latest waits for what is cancelled. */
static void
wait_for_cancelled(struct uow *uow, struct schedule *schedule, struct occurrence occurrence)
{
	struct schedule_live *live = schedule->live;

	for (size_t i = 0; i < live->n_active; i++)
		cancel_job(uow, schedule, live->active[i]);
	for (size_t i = 0; i < live->n_waiting; i++)
		tell_missed(uow, schedule, live->waiting[i].at_ms, "superseded");
	live->n_waiting = 0;
	occurrences_push(&live->waiting, &live->n_waiting, occurrence);
}

static void
queue_up(struct uow *uow, struct schedule *schedule, struct occurrence occurrence)
{
	struct schedule_live *live = schedule->live;

	if (live->n_waiting >= SCHEDULE_WAITING_MAX)
		tell_missed(uow, schedule, occurrence.at_ms, "queue_full");
	else
		occurrences_push(&live->waiting, &live->n_waiting, occurrence);
}

/* The occurrence has come due, on time. */
static void
begin(struct uow *uow, struct schedule *schedule, struct occurrence occurrence,
	enum schedule_overlap overlap)
{
	struct schedule_live *live = schedule->live;

	if (overlap == OVERLAP_PARALLEL &&
		live->n_active + live->n_pending >= SCHEDULE_ACTIVE_MAX) {
		tell_missed(uow, schedule, occurrence.at_ms, "too_many");
		return;
	}
	if (overlap == OVERLAP_PARALLEL || (!is_busy(live) && live->n_waiting == 0)) {
		make_pending(uow, schedule, occurrence);
		return;
	}
	switch (overlap) {
	case OVERLAP_QUEUE:
		queue_up(uow, schedule, occurrence);
		return;
	case OVERLAP_CANCEL:
		wait_for_cancelled(uow, schedule, occurrence);
		return;
	case OVERLAP_SKIP:
	case OVERLAP_PARALLEL:
		tell_missed(uow, schedule, occurrence.at_ms, "overlap");
		return;
	}
}

/* ---- after an outage ---- */

/* Occurrences that nobody was there for: the last `wanted` of them, the oldest first. */
struct missed {
	struct occurrence last[SCHEDULE_MISSED_MAX];
	size_t n, wanted;
	int64_t seen; /* with those in a blackout */
	int64_t count, from_ms, to_ms;
	bool has_more;
};

static void
note_missed(struct missed *missed, const struct schedule *schedule, int64_t at_ms)
{
	missed->to_ms = at_ms;
	missed->seen++;
	if (schedule_spec_is_black(&schedule->live->spec, at_ms))
		return;
	if (missed->from_ms == 0)
		missed->from_ms = at_ms;
	missed->count++;
	if (missed->wanted == 0)
		return;
	if (missed->n == missed->wanted) {
		memmove(&missed->last[0], &missed->last[1],
			(missed->n - 1) * sizeof missed->last[0]);
		missed->n--;
	}
	missed->last[missed->n++] = (struct occurrence) {
		.at_ms = at_ms,
		.due_ms = at_ms +
			schedule_spec_jitter(&schedule->live->spec, &schedule->id, at_ms),
		.cause = FIRE_MISSED,
	};
}

/* Notes occurrences behind after_ms that were due by until_ms, at most max. True: there are
 * more. */
static bool
note_span(struct missed *missed, const struct schedule *schedule, int64_t after_ms,
	int64_t until_ms, int64_t max)
{
	const struct schedule_spec *spec = &schedule->live->spec;
	int64_t at_ms;

	for (int64_t n = 0;
		schedule_spec_next(spec, schedule->created_ms, after_ms, &at_ms) == 0; n++) {
		if (at_ms + schedule_spec_jitter(spec, &schedule->id, at_ms) > until_ms)
			return false;
		if (n == max)
			return true;
		note_missed(missed, schedule, at_ms);
		after_ms = at_ms;
	}
	return false;
}

/*
 * There are too many to look at all. Goes back from the end in growing steps until there are
 * enough, so that an outage of a year costs a schedule of each second no more than a short one.
 */
static void
note_last(struct missed *missed, const struct schedule *schedule, int64_t until_ms)
{
	int64_t back_ms = SECONDS_MS(SCHEDULE_MISSED_MAX);
	int64_t cursor_ms = schedule->live->cursor_ms;

	for (;;) {
		struct missed last = { .wanted = missed->wanted };
		int64_t after_ms = until_ms - back_ms;

		if (after_ms <= cursor_ms)
			after_ms = cursor_ms;
		(void)note_span(&last, schedule, after_ms, until_ms, INT64_MAX);
		if (last.to_ms > 0 &&
			(last.n == last.wanted || after_ms == cursor_ms ||
				last.seen >= SCHEDULE_MISSED_COUNT_MAX * 10)) {
			last.from_ms = missed->from_ms;
			last.count = missed->count;
			last.has_more = true;
			*missed = last;
			return;
		}
		if (after_ms == cursor_ms)
			return;
		back_ms *= 2;
	}
}

static size_t
wanted_of(const struct schedule_spec *spec)
{
	switch (spec->missed) {
	case MISSED_SKIP:
		return 0;
	case MISSED_ONCE:
		return 1;
	case MISSED_ALL:
		return (size_t)spec->missed_max;
	}
	return 0;
}

/* Those that are made up for wait for each other, whatever else overlap says. */
static void
make_up(struct uow *uow, struct schedule *schedule, const struct missed *missed)
{
	struct schedule_live *live = schedule->live;

	for (size_t i = 0; i < missed->n; i++) {
		if (live->spec.overlap == OVERLAP_PARALLEL)
			begin(uow, schedule, missed->last[i], OVERLAP_PARALLEL);
		else
			occurrences_push(&live->waiting, &live->n_waiting, missed->last[i]);
	}
}

static void
catch_up(struct schedule_list *list, struct uow *uow, struct schedule *schedule)
{
	struct schedule_live *live = schedule->live;
	int64_t until_ms = uow->now_ms - SCHEDULE_LATE_MS;
	struct missed missed = { .wanted = wanted_of(&live->spec) };

	if (live->due_ms == 0 || live->due_ms > until_ms)
		return;
	if (note_span(&missed, schedule, live->cursor_ms, until_ms, SCHEDULE_MISSED_COUNT_MAX))
		note_last(&missed, schedule, until_ms);
	live->cursor_ms = missed.to_ms;
	live->missed += missed.count - (int64_t)missed.n;
	schedule_look_ahead(schedule);
	schedule_touch(list, uow, schedule);
	if (missed.count > 0)
		schedule_event(uow, schedule, EV_SCHEDULE_MISSED, NULL,
			&(struct schedule_told) {
				.reason = "outage",
				.has_count = true,
				.count = missed.count,
				.fired = (int64_t)missed.n,
				.has_more = missed.has_more,
				.from_ms = missed.from_ms,
				.to_ms = missed.to_ms,
			});
	make_up(uow, schedule, &missed);
}

/* ---- what is due ---- */

static void
run_one(struct schedule_list *list, struct uow *uow, struct schedule *schedule)
{
	struct schedule_live *live = schedule->live;

	catch_up(list, uow, schedule);
	while (live->due_ms > 0 && live->due_ms <= uow->now_ms) {
		struct occurrence occurrence = { live->next_ms, live->due_ms, FIRE_TIME };

		live->cursor_ms = occurrence.at_ms;
		schedule_look_ahead(schedule);
		schedule_touch(list, uow, schedule);
		if (schedule_spec_is_black(&live->spec, occurrence.at_ms))
			tell_missed(uow, schedule, occurrence.at_ms, "blackout");
		else
			begin(uow, schedule, occurrence, live->spec.overlap);
	}
	schedule_drain(list, uow, schedule);
}

static void
ask_again(struct schedule_list *list, struct uow *uow)
{
	list->is_resumed = true;
	for (size_t i = 0; i < list->n; i++) {
		const struct schedule_live *live = list->item[i]->live;
		for (size_t k = 0; k < live->n_pending; k++)
			schedule_ask(uow, list->item[i], live->pending[k].at_ms);
	}
}

void
schedule_list_run(struct schedule_list *list, struct uow *uow)
{
	if (!list->is_resumed)
		ask_again(list, uow);
	if (list->due_ms == 0 || list->due_ms > uow->now_ms)
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct schedule *schedule = list->item[i];
		if (!schedule->is_paused && schedule->live->due_ms > 0 &&
			schedule->live->due_ms <= uow->now_ms)
			run_one(list, uow, schedule);
	}
}

/* ---- by hand ---- */

/* Its own instant, so that it is an occurrence like any other. */
static int64_t
manual_instant(const struct schedule_live *live, int64_t now_ms)
{
	for (size_t i = 0; i < live->n_pending; i++)
		if (live->pending[i].at_ms >= now_ms)
			now_ms = live->pending[i].at_ms + 1;
	for (size_t i = 0; i < live->n_waiting; i++)
		if (live->waiting[i].at_ms >= now_ms)
			now_ms = live->waiting[i].at_ms + 1;
	if (live->last_fired_ms >= now_ms)
		now_ms = live->last_fired_ms + 1;
	return now_ms;
}

int
schedule_list_fire_now(struct schedule_list *list, struct uow *uow, struct schedule *schedule,
	int32_t overlap, int64_t *ret_ms, struct err *err)
{
	struct schedule_live *live = schedule->live;
	enum schedule_overlap rule =
		overlap < 0 ? live->spec.overlap : (enum schedule_overlap)overlap;
	bool is_full = rule == OVERLAP_PARALLEL
		? live->n_active + live->n_pending >= SCHEDULE_ACTIVE_MAX
		: rule == OVERLAP_QUEUE && live->n_waiting >= SCHEDULE_WAITING_MAX;

	if (live->fault)
		return err_set(err, ERR_CONFLICT, "it cannot fire: %s", live->fault);
	if (rule == OVERLAP_SKIP && (is_busy(live) || live->n_waiting > 0))
		return err_set(err, ERR_CONFLICT,
			"an earlier job of it has not ended, and overlap is \"skip\"");
	if (is_full)
		return err_set(err, ERR_CONFLICT, "too many of its occurrences wait or run");
	*ret_ms = manual_instant(live, uow->now_ms);
	begin(uow, schedule, (struct occurrence) { *ret_ms, *ret_ms, FIRE_MANUAL }, rule);
	schedule_touch(list, uow, schedule);
	return 0;
}

/* ---- what came of it ---- */

static size_t
find_pending(const struct schedule_live *live, int64_t at_ms)
{
	for (size_t i = 0; i < live->n_pending; i++)
		if (live->pending[i].at_ms == at_ms)
			return i;
	return SIZE_MAX;
}

bool
schedule_is_pending(const struct schedule *schedule, int64_t at_ms)
{
	return find_pending(schedule->live, at_ms) != SIZE_MAX;
}

static struct occurrence
take_pending(struct schedule_live *live, int64_t at_ms)
{
	size_t at = find_pending(live, at_ms);

	assert(at != SIZE_MAX);
	struct occurrence occurrence = live->pending[at];
	occurrences_take(live->pending, &live->n_pending, at);
	return occurrence;
}

void
schedule_fired(struct schedule_list *list, struct uow *uow, struct schedule *schedule,
	int64_t at_ms, struct job *job)
{
	struct schedule_live *live = schedule->live;
	struct occurrence occurrence = take_pending(live, at_ms);
	struct firing firing = {
		.schedule = schedule->seq,
		.at_ms = at_ms,
		.project = schedule->project,
		.job = job->id,
		.cause = occurrence.cause,
		.fired_ms = uow->now_ms,
	};

	UOW_PUSH(uow, &uow->firings, firing);
	live->active = xreallocarray(live->active, live->n_active + 1, sizeof *live->active);
	live->active[live->n_active++] = job->id;
	live->fired++;
	live->last_fired_ms = at_ms > uow->now_ms ? at_ms : uow->now_ms;
	live->last_job = job->id;
	schedule_touch(list, uow, schedule);
	schedule_event(uow, schedule, EV_SCHEDULE_FIRED, job,
		&(struct schedule_told) {
			.at_ms = at_ms,
			.cause = fire_cause_name(occurrence.cause),
			.late_ms = uow->now_ms - occurrence.due_ms > 0
				? uow->now_ms - occurrence.due_ms
				: 0,
		});
	/* While it was on its way another one came, which has it cancelled. */
	if (live->spec.overlap == OVERLAP_CANCEL && live->n_waiting > 0 &&
		live->waiting[0].cause != FIRE_MISSED)
		cancel_job(uow, schedule, job->id);
}

void
schedule_failed(struct schedule_list *list, struct uow *uow, struct schedule *schedule,
	int64_t at_ms, const char *error)
{
	struct schedule_live *live = schedule->live;

	(void)take_pending(live, at_ms);
	live->failed++;
	free(live->last_error);
	live->last_error = xstrndup(error, utf8_cut_len(error, REASON_BYTES_MAX));
	live->last_error_ms = uow->now_ms;
	schedule_touch(list, uow, schedule);
	schedule_event(uow, schedule, EV_SCHEDULE_FAILED, NULL,
		&(struct schedule_told) { .at_ms = at_ms, .error = live->last_error });
	schedule_drain(list, uow, schedule);
}

static struct schedule *
find_seq(const struct schedule_list *list, int64_t seq)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (list->item[mid]->seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low < list->n && list->item[low]->seq == seq ? list->item[low] : NULL;
}

static bool
take_active(struct schedule_live *live, struct job_id job)
{
	for (size_t i = 0; i < live->n_active; i++) {
		if (!uuid_eq(&live->active[i].u, &job.u))
			continue;
		memmove(&live->active[i], &live->active[i + 1],
			(live->n_active - i - 1) * sizeof *live->active);
		live->n_active--;
		return true;
	}
	return false;
}

void
schedule_list_settle(struct schedule_list *list, struct uow *uow)
{
	for (size_t i = 0; i < uow->ended.n; i++) {
		const struct job *job = uow->ended.item[i];
		struct schedule *schedule =
			job->schedule != 0 ? find_seq(list, job->schedule) : NULL;

		if (!schedule || !take_active(schedule->live, job->id))
			continue; /* it is gone, or the job was started again by hand */
		schedule_touch(list, uow, schedule);
		schedule_drain(list, uow, schedule);
	}
}

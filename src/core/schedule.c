/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list. Each schedule owns its texts and what is decoded of them; list->due_ms is the
 * least of theirs, so that a turn in which nothing is due looks at one number.
 */
#include "core/schedule.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/schedule_impl.h"

enum {
	ITEMS_CAP_MIN = 16,
};

/* ---- the list ---- */

void
schedule_list_init(struct schedule_list *list)
{
	*list = (struct schedule_list) { 0 };
}

static void
schedule_free(struct schedule *schedule)
{
	schedule_live_free(schedule->live);
	free((char *)schedule->name);
	free((char *)schedule->spec);
	free((char *)schedule->state);
	free(schedule);
}

void
schedule_list_deinit(struct schedule_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		schedule_free(list->item[i]);
	free(list->item);
	*list = (struct schedule_list) { 0 };
}

static void
note_due(struct schedule_list *list, int64_t due_ms)
{
	if (due_ms > 0 && (list->due_ms == 0 || due_ms < list->due_ms))
		list->due_ms = due_ms;
}

static void
find_due(struct schedule_list *list)
{
	list->due_ms = 0;
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->change != ROW_DELETED && !list->item[i]->is_paused)
			note_due(list, list->item[i]->live->due_ms);
}

static void
append(struct schedule_list *list, struct schedule *schedule)
{
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : ITEMS_CAP_MIN;
		list->item = xreallocarray(list->item, list->cap, sizeof *list->item);
	}
	if (schedule->seq > list->last_seq)
		list->last_seq = schedule->seq;
	list->item[list->n++] = schedule;
}

void
schedule_list_restore(struct schedule_list *list, const struct schedule *row)
{
	struct schedule *schedule = xcalloc(1, sizeof *schedule);

	*schedule = *row;
	schedule->name = xstrdup(row->name);
	schedule->spec = xstrdup(row->spec);
	schedule->state = xstrdup(row->state);
	schedule->change = ROW_CLEAN;
	schedule_open(schedule);
	append(list, schedule);
	if (!schedule->is_paused)
		note_due(list, schedule->live->due_ms);
}

struct schedule *
schedule_list_get(const struct schedule_list *list, int64_t project, const struct uuid *id)
{
	for (size_t i = 0; i < list->n; i++) {
		struct schedule *schedule = list->item[i];
		if ((project == 0 || schedule->project == project) &&
			uuid_eq(&schedule->id, id) && schedule->change != ROW_DELETED)
			return schedule;
	}
	return NULL;
}

struct schedule *
schedule_list_named(const struct schedule_list *list, int64_t project, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		struct schedule *schedule = list->item[i];
		if (schedule->project == project && strcmp(schedule->name, name) == 0 &&
			schedule->change != ROW_DELETED)
			return schedule;
	}
	return NULL;
}

void
schedule_touch(struct schedule_list *list, struct uow *uow, struct schedule *schedule)
{
	if (schedule->change == ROW_CLEAN)
		schedule->change = ROW_CHANGED;
	schedule->updated_ms = uow->now_ms;
	list->is_touched = true;
}

void
schedule_look_ahead(struct schedule *schedule)
{
	struct schedule_live *live = schedule->live;

	live->next_ms = live->due_ms = 0;
	if (live->fault ||
		schedule_spec_next(&live->spec, schedule->created_ms, live->cursor_ms,
			&live->next_ms) != 0)
		return;
	live->due_ms =
		live->next_ms + schedule_spec_jitter(&live->spec, &schedule->id, live->next_ms);
}

/* ---- events ---- */

void
schedule_event(struct uow *uow, const struct schedule *schedule, enum event_type type,
	const struct job *job, const struct schedule_told *told)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kuuid(&jw, "id", &schedule->id);
	jw_kstr(&jw, "name", schedule->name);
	jw_kstr_opt(&jw, "change", told->change);
	if (job)
		jw_kuuid(&jw, "job", &job->id.u);
	jw_ktime(&jw, "at", told->at_ms);
	jw_kstr_opt(&jw, "cause", told->cause);
	if (told->late_ms >= 0 && type == EV_SCHEDULE_FIRED)
		jw_ki64(&jw, "lateMs", told->late_ms);
	jw_kstr_opt(&jw, "reason", told->reason);
	if (told->has_count) {
		jw_ki64(&jw, "count", told->count);
		jw_ki64(&jw, "fired", told->fired);
		if (told->has_more)
			jw_kbool(&jw, "more", true);
	}
	jw_ktime(&jw, "from", told->from_ms);
	jw_ktime(&jw, "to", told->to_ms);
	jw_kstr_opt(&jw, "error", told->error);
	jw_end_obj(&jw);
	int r = jw_done(&jw);
	assert(r == 0); /* names and texts have limits far below */
	(void)r;

	struct event event = {
		.at_ms = uow->now_ms,
		.project = schedule->project,
		.type = type,
		.data = str_from(arena_strndup(uow->arena, text.data, text.len), text.len),
	};
	uow_event(uow, &event);
}

static void
tell_change(struct uow *uow, const struct schedule *schedule, const char *change)
{
	schedule_event(uow, schedule, EV_SCHEDULE_CHANGED, NULL,
		&(struct schedule_told) { .change = change });
}

/* ---- changes by people ---- */

static struct schedule *
new_schedule(struct schedule_list *list, struct uow *uow, int64_t project)
{
	struct schedule *schedule = xcalloc(1, sizeof *schedule);

	/* Those that have gone are forgotten: time keeps their numbers from coming again. */
	schedule->seq = uow->now_ms > list->last_seq ? uow->now_ms : list->last_seq + 1;
	schedule->project = project;
	schedule->created_ms = uow->now_ms;
	schedule->change = ROW_NEW;
	schedule->state = xstrdup("{}"); /* written at the save */
	uuid_v7(&schedule->id, uow->now_ms, uow->rng);
	append(list, schedule);
	return schedule;
}

/* What came up to now is not made up for. */
static void
skip_to_now(const struct uow *uow, struct schedule_live *live)
{
	if (uow->now_ms > live->cursor_ms)
		live->cursor_ms = uow->now_ms;
}

/* Takes over what is asked for; where it stands stays, but for the times up to now. */
static void
set_spec(struct uow *uow, struct schedule *schedule, struct schedule_live *live,
	const struct schedule_change *change)
{
	struct schedule_live *old = schedule->live;

	if (old) {
		struct arena arena = live->arena;
		struct schedule_spec spec = live->spec;

		arena_deinit(&old->arena);
		old->arena = arena;
		old->spec = spec;
		old->fault = NULL;
		free(live);
		live = old;
	}
	free((char *)schedule->name);
	free((char *)schedule->spec);
	schedule->name = xstrdup(change->name);
	schedule->spec = xstrdup(change->spec);
	schedule->live = live;
	schedule->is_paused = live->spec.is_paused;
	schedule->revision++;
	skip_to_now(uow, live);
	schedule_look_ahead(schedule);
}

/* Bytes of all specs but that of `old`. */
static int64_t
specs_bytes(const struct schedule_list *list, const struct schedule *old)
{
	int64_t sum = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->item[i] != old && list->item[i]->change != ROW_DELETED)
			sum += (int64_t)strlen(list->item[i]->spec);
	return sum;
}

static int
check_put(const struct schedule_list *list, int64_t project, const struct schedule *old,
	const struct schedule_change *change, struct err *err)
{
	const struct schedule *same = schedule_list_named(list, project, change->name);

	if (same && same != old)
		return err_set(err, ERR_CONFLICT, "another schedule has that name");
	if (!old && list->n >= SCHEDULES_MAX)
		return err_set(
			err, ERR_LIMIT, "there are %d schedules, the maximum", SCHEDULES_MAX);
	if (specs_bytes(list, old) + (int64_t)strlen(change->spec) > SCHEDULES_BYTES_MAX)
		return err_set(err, ERR_LIMIT,
			"all schedules together may have %" PRId64
			" bytes; templates and flows keep what they start short",
			SCHEDULES_BYTES_MAX);
	return 0;
}

int
schedule_list_put(struct schedule_list *list, struct uow *uow, int64_t project,
	struct schedule *old, const struct schedule_change *change, struct schedule **ret,
	struct err *err)
{
	struct schedule_live *live;
	bool is_new = !old;
	int64_t next_ms;

	if (check_put(list, project, old, change, err) < 0)
		return -1;
	live = schedule_live_new();
	schedule_live_read(live, change->spec);
	if (live->fault)
		(void)err_set(err, ERR_INVALID, "%s", live->fault);
	else if (schedule_spec_next(&live->spec, old ? old->created_ms : uow->now_ms,
			 uow->now_ms, &next_ms) != 0)
		(void)err_set(err, ERR_INVALID, "it would never fire");
	else {
		if (is_new)
			old = new_schedule(list, uow, project);
		set_spec(uow, old, live, change);
		schedule_touch(list, uow, old);
		tell_change(uow, old, is_new ? "created" : "updated");
		schedule_drain(list, uow, old);
		find_due(list);
		*ret = old;
		return 0;
	}
	schedule_live_free(live);
	return -1;
}

void
schedule_list_remove(struct schedule_list *list, struct uow *uow, struct schedule *schedule)
{
	schedule_touch(list, uow, schedule);
	schedule->change =
		ROW_DELETED; /* one that was made in this turn is no row: that is fine */
	tell_change(uow, schedule, "deleted");
	find_due(list);
}

void
schedule_list_drop_project(struct schedule_list *list, struct uow *uow, int64_t project)
{
	for (size_t i = 0; i < list->n; i++) {
		struct schedule *schedule = list->item[i];
		if (schedule->project == project && schedule->change != ROW_DELETED)
			schedule_list_remove(list, uow, schedule);
	}
}

void
schedule_list_pause(
	struct schedule_list *list, struct uow *uow, struct schedule *schedule, bool is_paused)
{
	if (schedule->is_paused == is_paused)
		return;
	schedule_touch(list, uow, schedule);
	schedule->is_paused = is_paused;
	schedule->revision++;
	skip_to_now(uow, schedule->live);
	schedule_look_ahead(schedule);
	tell_change(uow, schedule, is_paused ? "paused" : "resumed");
	schedule_drain(list, uow, schedule);
	find_due(list);
}

/* ---- the turn ---- */

void
schedule_list_save(struct schedule_list *list, struct uow *uow)
{
	size_t n = 0;

	if (!list->is_touched)
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct schedule *schedule = list->item[i];

		if (schedule->change != ROW_CLEAN) {
			struct schedule *row = arena_xalloc(uow->arena, sizeof *row);

			schedule->version++;
			schedule_snapshot(uow->arena, schedule, row);
			UOW_PUSH(uow, &uow->schedules, row);
		}
		if (schedule->change == ROW_DELETED) {
			schedule_free(schedule);
			continue;
		}
		schedule->change = ROW_CLEAN;
		list->item[n++] = schedule;
	}
	list->n = n;
	list->is_touched = false;
	find_due(list);
}

static bool
has_pending(const struct schedule_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->live->n_pending > 0)
			return true;
	return false;
}

int64_t
schedule_list_due(const struct schedule_list *list)
{
	return !list->is_resumed && has_pending(list) ? 1 : list->due_ms;
}

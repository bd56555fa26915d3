/* SPDX-License-Identifier: Apache-2.0 */
/* Where a schedule stands, as JSON text and decoded. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/schedule_impl.h"

enum {
	STATE_BYTES_MAX = 64 * 1024, /* all arrays full: some 30 KiB */
	ERROR_BYTES_MAX = 1000,      /* of last_error; cut */
};

static const char *const cause_names[FIRE_CAUSE_COUNT + 1] = {
	[FIRE_TIME] = "time",
	[FIRE_MISSED] = "missed",
	[FIRE_MANUAL] = "manual",
};

const char *
fire_cause_name(int32_t cause)
{
	assert(cause >= 0 && cause < FIRE_CAUSE_COUNT);
	return cause_names[cause];
}

/* ---- live ---- */

struct schedule_live *
schedule_live_new(void)
{
	struct schedule_live *live = xcalloc(1, sizeof *live);

	arena_init(&live->arena, MIB(1));
	return live;
}

struct schedule_live *
schedule_live_free(struct schedule_live *live)
{
	if (!live)
		return NULL;
	free(live->pending);
	free(live->waiting);
	free(live->active);
	free(live->last_error);
	arena_deinit(&live->arena);
	free(live);
	return NULL;
}

void
occurrences_push(struct occurrence **items, size_t *n, struct occurrence occurrence)
{
	*items = xreallocarray(*items, *n + 1, sizeof **items);
	(*items)[(*n)++] = occurrence;
}

void
occurrences_take(struct occurrence *items, size_t *n, size_t at)
{
	assert(at < *n);
	memmove(&items[at], &items[at + 1], (*n - at - 1) * sizeof *items);
	(*n)--;
}

void
schedule_live_read(struct schedule_live *live, const char *spec)
{
	struct issues issues = { .arena = &live->arena };
	_cleanup_(json_unrefp) json_t *json = NULL;
	struct err err;

	live->fault = NULL;
	json = json_read(spec, strlen(spec), JSON_DEPTH_MAX, &err);
	if (!json)
		live->fault = arena_strdup(&live->arena, err.text);
	else if (schedule_spec_read(json, false, &issues, &live->spec) < 0)
		live->fault = arena_printf(
			&live->arena, "%s: %s", issues.item[0].pointer, issues.item[0].detail);
	if (live->fault)
		live->spec.zone = zone_utc();
}

/* ---- writing ---- */

static void
write_occurrences(struct jw *jw, const char *key, const struct occurrence *items, size_t n)
{
	if (n == 0)
		return;
	jw_karr(jw, key);
	for (size_t i = 0; i < n; i++) {
		jw_obj(jw);
		jw_ki64(jw, "at", items[i].at_ms);
		jw_ki64(jw, "due", items[i].due_ms);
		jw_kstr(jw, "cause", fire_cause_name(items[i].cause));
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

const char *
schedule_state_write(const struct schedule_live *live, struct arena *arena)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(STATE_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_ki64(&jw, "cursor", live->cursor_ms);
	write_occurrences(&jw, "pending", live->pending, live->n_pending);
	write_occurrences(&jw, "waiting", live->waiting, live->n_waiting);
	if (live->n_active > 0) {
		jw_karr(&jw, "active");
		for (size_t i = 0; i < live->n_active; i++)
			jw_uuid(&jw, &live->active[i].u);
		jw_end_arr(&jw);
	}
	jw_ki64(&jw, "fired", live->fired);
	jw_ki64(&jw, "missed", live->missed);
	jw_ki64(&jw, "failed", live->failed);
	if (live->last_fired_ms > 0) {
		jw_ki64(&jw, "lastFired", live->last_fired_ms);
		jw_kuuid(&jw, "lastJob", &live->last_job.u);
	}
	if (live->last_error) {
		jw_ki64(&jw, "lastErrorAt", live->last_error_ms);
		jw_kstr(&jw, "lastError", live->last_error);
	}
	jw_end_obj(&jw);
	int rc = jw_done(&jw);
	assert(rc == 0); /* the arrays have limits far below */
	(void)rc;
	char *copy = arena_xalloc(arena, text.len + 1);
	return memcpy(copy, text.data, text.len);
}

/* ---- reading ---- */

struct state_occurrence {
	int64_t at_ms, due_ms;
	int cause;
};

struct state_in {
	int64_t cursor_ms, fired, missed, failed, last_fired_ms, last_error_ms;
	struct uuid last_job;
	struct subs pending, waiting;
	struct strs active;
	const char *last_error;
};

/* clang-format off */
#define OCCURRENCE(member) .offset = offsetof(struct state_occurrence, member)
static const struct json_field occurrence_fields[] = {
	{ .name = "at", .kind = FIELD_INT, OCCURRENCE(at_ms), .required = true },
	{ .name = "due", .kind = FIELD_INT, OCCURRENCE(due_ms), .required = true },
	{ .name = "cause", .kind = FIELD_ENUM, OCCURRENCE(cause), .names = cause_names },
	{ 0 },
};

#define STATE(member) .offset = offsetof(struct state_in, member)
static const struct json_field state_fields[] = {
	{ .name = "cursor", .kind = FIELD_INT, STATE(cursor_ms), .required = true },
	{ .name = "pending", .kind = FIELD_SUBS, STATE(pending), .sub = occurrence_fields, .sub_bytes = sizeof(struct state_occurrence) },
	{ .name = "waiting", .kind = FIELD_SUBS, STATE(waiting), .sub = occurrence_fields, .sub_bytes = sizeof(struct state_occurrence) },
	{ .name = "active", .kind = FIELD_STRS, STATE(active) },
	{ .name = "fired", .kind = FIELD_INT, STATE(fired) },
	{ .name = "missed", .kind = FIELD_INT, STATE(missed) },
	{ .name = "failed", .kind = FIELD_INT, STATE(failed) },
	{ .name = "lastFired", .kind = FIELD_INT, STATE(last_fired_ms) },
	{ .name = "lastJob", .kind = FIELD_UUID, STATE(last_job) },
	{ .name = "lastErrorAt", .kind = FIELD_INT, STATE(last_error_ms) },
	{ .name = "lastError", .kind = FIELD_STR, STATE(last_error) },
	{ 0 },
};
/* clang-format on */

static void
take_occurrences(const struct subs *subs, struct occurrence **ret, size_t *ret_n)
{
	const struct state_occurrence *items = subs->items;

	for (size_t i = 0; i < subs->n; i++)
		occurrences_push(ret, ret_n,
			(struct occurrence) {
				items[i].at_ms, items[i].due_ms, items[i].cause });
}

static int
take_active(const struct strs *strs, struct schedule_live *live)
{
	live->active = xcalloc(strs->n + 1, sizeof *live->active);
	for (size_t i = 0; i < strs->n; i++)
		if (uuid_parse(str_of(strs->item[i]), &live->active[live->n_active++].u) < 0)
			return -1;
	return 0;
}

int
schedule_state_read(const char *text, struct schedule_live *live, struct err *err)
{
	_cleanup_(json_unrefp) json_t *json =
		json_read(text, strlen(text), JSON_DEPTH_MAX, err);
	_cleanup_(arena_deinit) struct arena arena;
	struct issues issues = { .arena = &arena };
	struct state_in in = { 0 };

	arena_init(&arena, MIB(1));
	if (!json)
		return err_wrap(err, "state of a schedule");
	if (json_decode(json, state_fields, &in, "", &issues) < 0 ||
		take_active(&in.active, live) < 0)
		return err_set(err, ERR_CORRUPT, "state of a schedule: %s",
			issues.n > 0 ? issues.item[0].detail : "an id is none");
	take_occurrences(&in.pending, &live->pending, &live->n_pending);
	take_occurrences(&in.waiting, &live->waiting, &live->n_waiting);
	live->cursor_ms = in.cursor_ms;
	live->fired = in.fired;
	live->missed = in.missed;
	live->failed = in.failed;
	live->last_fired_ms = in.last_fired_ms;
	live->last_job.u = in.last_job;
	live->last_error_ms = in.last_error_ms;
	live->last_error = in.last_error
		? xstrndup(in.last_error, utf8_cut_len(in.last_error, ERROR_BYTES_MAX))
		: NULL;
	return 0;
}

/* ---- rows ---- */

void
schedule_open(struct schedule *row)
{
	struct err err;

	row->live = schedule_live_new();
	schedule_live_read(row->live, row->spec);
	if (schedule_state_read(row->state, row->live, &err) < 0)
		row->live->fault = arena_strdup(&row->live->arena, err.text);
	schedule_look_ahead(row);
}

void
schedule_close(struct schedule *row)
{
	row->live = schedule_live_free(row->live);
}

static const char *
copy_text(struct arena *arena, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(arena_xalloc(arena, n), text, n);
}

void
schedule_snapshot(struct arena *arena, const struct schedule *schedule, struct schedule *ret)
{
	*ret = *schedule;
	ret->name = copy_text(arena, schedule->name);
	ret->spec = copy_text(arena, schedule->spec);
	ret->state = schedule->live ? schedule_state_write(schedule->live, arena)
				    : copy_text(arena, schedule->state);
	ret->live = NULL;
}

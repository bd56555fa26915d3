/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: what is started when (docs/protocol/schedules.md, 6). */
#include <inttypes.h>
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/clock.h"
#include "base/parse.h"
#include "core/expr.h"
#include "core/job_json.h"
#include "core/schedule.h"
#include "store/source.h"

enum {
	NEXT_DEFAULT = 10,
	LOOK_AHEAD_MAX = 1000, /* occurrences inside blackouts that are passed over */
};

/* --- As JSON --- */

static const struct zone *
zone_of(const struct schedule_spec *spec)
{
	return spec->zone ? spec->zone : zone_utc();
}

/* jitter_ms negative: not known yet. */
static void
occurrence_write(struct jw *jw, const struct schedule_spec *spec, int64_t at_ms,
	int64_t jitter_ms, bool is_black)
{
	char local[ZONE_TIME_TEXT_LEN + 1];

	zone_format(zone_of(spec), at_ms, local);
	jw_obj(jw);
	jw_ktime(jw, "at", at_ms);
	jw_kstr(jw, "local", local);
	if (jitter_ms >= 0 && spec->jitter_ms > 0)
		jw_ktime(jw, "dueAt", at_ms + jitter_ms);
	if (is_black)
		jw_kbool(jw, "blackout", true);
	jw_end_obj(jw);
}

/* The next n; id NULL: it has none yet. */
static void
occurrences_write(struct jw *jw, const struct schedule_spec *spec, const struct uuid *id,
	int64_t created_ms, int64_t after_ms, int64_t n)
{
	int64_t at_ms = after_ms;

	while (n-- > 0 && schedule_spec_next(spec, created_ms, at_ms, &at_ms) == 0)
		occurrence_write(jw, spec, at_ms,
			id ? schedule_spec_jitter(spec, id, at_ms) : -1,
			schedule_spec_is_black(spec, at_ms));
}

/* The next one that fires; false: none is in sight. */
static bool
next_firing(const struct schedule *schedule, int64_t *ret_ms)
{
	const struct schedule_live *live = schedule->live;
	int64_t at_ms = live->cursor_ms;

	for (int i = 0; i < LOOK_AHEAD_MAX && !live->fault; i++) {
		if (schedule_spec_next(&live->spec, schedule->created_ms, at_ms, &at_ms) != 0)
			return false;
		if (schedule_spec_is_black(&live->spec, at_ms))
			continue;
		*ret_ms = at_ms;
		return true;
	}
	return false;
}

static void
write_waiting(struct jw *jw, const char *key, const struct occurrence *items, size_t n,
	const struct schedule_live *live)
{
	if (n == 0)
		return;
	jw_karr(jw, key);
	for (size_t i = 0; i < n; i++) {
		jw_obj(jw);
		jw_ktime(jw, "at", items[i].at_ms);
		jw_kstr(jw, "cause", fire_cause_name(items[i].cause));
		if (items == live->waiting) {
			jw_karr(jw, "blockedBy");
			for (size_t k = 0; k < live->n_active; k++)
				jw_uuid(jw, &live->active[k].u);
			jw_end_arr(jw);
		}
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* Where it stands. */
static void
write_state(struct jw *jw, const struct schedule *schedule)
{
	const struct schedule_live *live = schedule->live;

	jw_karr(jw, "active");
	for (size_t i = 0; i < live->n_active; i++)
		jw_uuid(jw, &live->active[i].u);
	jw_end_arr(jw);
	write_waiting(jw, "pending", live->pending, live->n_pending, live);
	write_waiting(jw, "waiting", live->waiting, live->n_waiting, live);
	jw_ki64(jw, "fired", live->fired);
	jw_ki64(jw, "missedCount", live->missed);
	jw_ki64(jw, "failed", live->failed);
	jw_ktime(jw, "lastFiredAt", live->last_fired_ms);
	if (live->last_fired_ms > 0)
		jw_kuuid(jw, "lastJob", &live->last_job.u);
	if (live->last_error || live->fault) {
		jw_kobj(jw, "lastError");
		jw_ktime(jw, "at", live->last_error_ms);
		jw_kstr(jw, "error", live->fault ? live->fault : live->last_error);
		jw_end_obj(jw);
	}
}

/* What was asked for, but for what has a place of its own. */
static void
splice_spec(struct jw *jw, const char *spec)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *tree =
		json_read(spec, strlen(spec), JSON_DEPTH_MAX, &ignored);
	const char *key;
	json_t *value;

	json_object_foreach(tree, key, value)
	{
		if (strcmp(key, "name") == 0 || strcmp(key, "paused") == 0)
			continue;
		jw_key(jw, key);
		jw_tree(jw, value);
	}
}

/* The row must be open. */
static void
schedule_write(struct jw *jw, const struct schedule *schedule, const char *durable)
{
	const struct schedule_live *live = schedule->live;
	int64_t next_ms;
	bool has_next = next_firing(schedule, &next_ms);

	jw_obj(jw);
	jw_kuuid(jw, "id", &schedule->id);
	jw_kstr(jw, "project", api_project_name(schedule->project));
	jw_ki64(jw, "revision", schedule->revision);
	jw_kstr(jw, "name", schedule->name);
	splice_spec(jw, schedule->spec);
	jw_kbool(jw, "paused", schedule->is_paused);
	jw_kstr(jw, "state",
		schedule->is_paused         ? "paused"
			: live->next_ms > 0 ? "active"
					    : "finished");
	if (has_next && !schedule->is_paused) {
		jw_key(jw, "next");
		occurrence_write(jw, &live->spec, next_ms,
			schedule_spec_jitter(&live->spec, &schedule->id, next_ms), false);
	}
	write_state(jw, schedule);
	jw_ktime(jw, "createdAt", schedule->created_ms);
	jw_ktime(jw, "updatedAt", schedule->updated_ms);
	jw_kstr_opt(jw, "durable", durable);
	jw_end_obj(jw);
}

static void
write_row(struct jw *jw, struct schedule *row, const char *durable)
{
	schedule_open(row);
	schedule_write(jw, row, durable);
	schedule_close(row);
}

/* --- Finding --- */

int
schedule_find(struct call *call, struct store_reader *reader, const char *id_or_name,
	struct schedule **ret, struct err *err)
{
	struct schedule *rows;
	struct uuid id;
	bool by_id = uuid_parse(str_of(id_or_name), &id) == 0;
	size_t n;

	if (read_schedules(reader, call->project, call->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (by_id ? !uuid_eq(&rows[i].id, &id) : strcmp(rows[i].name, id_or_name) != 0)
			continue;
		*ret = &rows[i];
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "there is no schedule \"%.100s\"", id_or_name);
}

/* --- Reading --- */

int
schedules_list(struct call *call, struct store_reader *reader, struct err *err)
{
	struct schedule *rows;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_schedules(reader, call->project, call->arena, &rows, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		write_row(&jw, &rows[i], NULL);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
schedule_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct schedule *row;
	struct jw jw = call_jw(call);

	if (schedule_find(call, reader, call->arg[0], &row, err) < 0)
		return -1;
	call_etag(call, row->revision);
	write_row(&jw, row, NULL);
	return call_written(call, &jw, err);
}

int
schedule_next(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct next_query *query = call->query;
	struct schedule *row;
	struct jw jw = call_jw(call);

	if (schedule_find(call, reader, call->arg[0], &row, err) < 0)
		return -1;
	schedule_open(row);
	jw_obj(&jw);
	jw_karr(&jw, "items");
	if (!row->is_paused && !row->live->fault)
		occurrences_write(&jw, &row->live->spec, &row->id, row->created_ms,
			row->live->cursor_ms, query->n);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	schedule_close(row);
	return call_written(call, &jw, err);
}

static void
firing_write(struct jw *jw, const struct firing *firing)
{
	jw_obj(jw);
	jw_ktime(jw, "at", firing->at_ms);
	jw_ktime(jw, "firedAt", firing->fired_ms);
	jw_kuuid(jw, "job", &firing->job.u);
	jw_kstr(jw, "cause", fire_cause_name(firing->cause));
	jw_end_obj(jw);
}

int
schedule_firings(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct page_query *query = call->query;
	size_t limit = (size_t)query->limit, n;
	int64_t before_ms = INT64_MAX;
	struct firing *firings;
	struct schedule *row;
	struct jw jw = call_jw(call);

	if (query->cursor &&
		parse_i64(str_of(query->cursor), 0, INT64_MAX, &before_ms, err) < 0)
		return err_wrap(err, "cursor");
	if (schedule_find(call, reader, call->arg[0], &row, err) < 0 ||
		read_firings(reader, row->seq, before_ms, limit + 1, call->arena, &firings, &n,
			err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n && i < limit; i++)
		firing_write(&jw, &firings[i]);
	jw_end_arr(&jw);
	if (n > limit) {
		char cursor[24];
		(void)snprintf(cursor, sizeof cursor, "%" PRId64, firings[limit - 1].at_ms);
		jw_kstr(&jw, "nextCursor", cursor);
	}
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* --- Checking what is asked for --- */

struct edit {
	struct schedule_spec spec;
	struct schedule *old;
	bool is_draft, is_put;
	const char *text; /* JSON as it is kept */
	int64_t n;        /* occurrences that are shown */
};

/* What answers have and requests may send back unchanged. */
static void
drop_answer_members(json_t *json)
{
	static const char *const names[] = { "id", "project", "revision", "state", "next",
		"active", "pending", "waiting", "fired", "missedCount", "failed", "lastFiredAt",
		"lastJob", "lastError", "createdAt", "updatedAt", "durable" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)json_object_del(json, names[i]); /* absent is fine */
}

/* What expressions of the start will see, with an instant for the sake of the check. */
static json_t *
sample_scope(const struct edit *edit)
{
	char at[TIME_TEXT_LEN + 1], id[UUID_TEXT_LEN + 1];

	time_format(clock_wall_ms(), at);
	uuid_format(edit->old ? &edit->old->id : &(struct uuid) { { 0 } }, id);
	return json_pack("{s:{s:s, s:s, s:s}}", "schedule", "id", id, "name",
		edit->spec.name ? edit->spec.name : "", "at", at);
}

/* The job request as it would be carried out now, so that a wrong name is told at once. */
static int
check_start(struct call *call, struct store_reader *reader, struct err *err)
{
	struct edit *edit = call->state;
	struct str text = edit->spec.start;
	_cleanup_(json_unrefp) json_t *scope = sample_scope(edit);
	_cleanup_(json_unrefp) json_t *start =
		text.n > 0 ? json_read(text.p, text.n, 2 * JSON_DEPTH_MAX, err) : NULL;
	struct store_source state = {
		.reader = reader,
		.project = call->project,
		.arena = call->arena,
	};
	struct job_source source = store_source(&state);
	struct job_spec ignored;
	const struct expr_scope pass = { .roots = scope, .now_ms = clock_wall_ms() };

	if (text.n == 0)
		return 0;
	if (!start)
		return -1;
	if (expr_expand(&start, &pass, "/start", &call->issues) < 0)
		return 0; /* issues */
	if (job_spec_read(start, &source, "/start", call->arena, &call->issues, &ignored, err) <
			0 &&
		call->issues.n == 0)
		return -1;
	return 0;
}

static void
check_future(struct call *call, const struct edit *edit)
{
	int64_t now_ms = clock_wall_ms(), next_ms;
	const struct schedule_spec *spec = &edit->spec;

	if (schedule_spec_next(
		    spec, edit->old ? edit->old->created_ms : now_ms, now_ms, &next_ms) == 0)
		return;
	issues_add(&call->issues,
		spec->cron_text              ? "/cron"
			: spec->every_ms > 0 ? "/endsAt"
					     : "/at",
		ISSUE_INVALID, "it would never fire");
}

/* On the pool: the schedule that is there, and whether the start can be carried out. */
static int
read_for_edit(struct call *call, struct store_reader *reader, struct err *err)
{
	struct edit *edit = call->state;
	struct uuid id;

	if (edit->is_put) {
		int r = schedule_find(call, reader, call->arg[0], &edit->old, err);
		bool by_id = uuid_parse(str_of(call->arg[0]), &id) == 0;

		if (r < 0 && (err->code != ERR_NOT_FOUND || by_id))
			return -1;
		if (!edit->old)
			call_check_new_name(call);
	}
	check_future(call, edit);
	return check_start(call, reader, err);
}

/* Decodes the body. False: answered. */
static bool
read_body(struct call *call, struct edit *edit)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(SCHEDULE_BYTES_MAX);
	struct jw jw;

	if (json_is_object(call->json)) {
		drop_answer_members(call->json);
		if (edit->is_put && !json_object_get(call->json, "name"))
			(void)json_object_set_new(
				call->json, "name", json_string(call->arg[0]));
	}
	call->state = edit;
	int r = schedule_spec_read(call->json, edit->is_draft, &call->issues, &edit->spec);
	jw_init(&jw, &text);
	jw_tree(&jw, call->json);
	if (jw_done(&jw) < 0)
		issues_add(&call->issues, "", ISSUE_LIMIT, "the schedule is too large");
	if (r < 0 || call->issues.n > 0) {
		call_issues(call);
		return false;
	}
	edit->text = arena_strndup(call->arena, text.data, text.len);
	return true;
}

/* False: answered. */
static bool
was_read(struct call *call)
{
	if (call->read_result < 0)
		call_read_error(call);
	else if (call->issues.n > 0)
		call_issues(call);
	else
		return true;
	return false;
}

/* --- Preview --- */

static void
on_preview(struct call *call)
{
	struct edit *edit = call->state;
	int64_t now_ms = clock_wall_ms();
	struct jw jw = call_jw(call);

	if (!was_read(call))
		return;
	jw_obj(&jw);
	jw_kbool(&jw, "dryRun", true);
	jw_kstr(&jw, "timezone", zone_name(zone_of(&edit->spec)));
	jw_karr(&jw, "next");
	occurrences_write(&jw, &edit->spec, NULL, now_ms, now_ms, edit->n);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

void
schedules_preview(struct call *call)
{
	const struct next_query *query = call->query;
	struct edit *edit = arena_xalloc(call->arena, sizeof *edit);

	edit->is_draft = true;
	edit->n = query->n;
	if (read_body(call, edit))
		call_read(call, read_for_edit, on_preview);
}

/* --- Writing --- */

static int
read_replayed(struct call *call, struct store_reader *reader, struct err *err)
{
	char id[UUID_TEXT_LEN + 1];
	struct schedule *row;
	struct jw jw = call_jw(call);

	uuid_format(&call->intent->out.jobs[0].id.u, id);
	if (schedule_find(call, reader, id, &row, err) < 0)
		return -1;
	call_etag(call, row->revision);
	write_row(&jw, row, call->api->durable);
	return call_written(call, &jw, err);
}

/* False: it was an error or a replay, and is answered. */
static bool
was_applied(struct call *call, unsigned ok)
{
	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return false;
	}
	if (!call->intent->replayed)
		return true;
	call->status = ok;
	http_header_add(call->req, "Idempotency-Replayed", "true");
	call->api->counters.idem_replays++;
	call_read(call, read_replayed, NULL);
	return false;
}

static void
reply_schedule(struct call *call, unsigned ok)
{
	struct schedule *row = call->intent->out.schedule;
	struct jw jw = call_jw(call);

	call_etag(call, row->revision);
	write_row(&jw, row, call->api->durable);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, ok);
}

static void
on_saved(struct call *call)
{
	const struct edit *edit = call->state;
	unsigned ok = edit->old ? 200 : 201;

	if (was_applied(call, ok))
		reply_schedule(call, ok);
}

/* True when If-Match is well formed. */
static bool
check_if_match(struct call *call, int64_t *ret)
{
	*ret = call_if_match(call);
	if (*ret >= 0)
		return true;
	call_problem(call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
	return false;
}

static void
on_checked(struct call *call)
{
	struct edit *edit = call->state;
	int64_t if_match;

	if (!was_read(call) || !check_if_match(call, &if_match))
		return;
	if (!edit->old && if_match > 0) {
		call_problem(call, PROBLEM_REVISION_MISMATCH, "there is no such schedule yet");
		return;
	}
	call->intent = call_intent(call, INTENT_SCHEDULE_PUT);
	if (!call->intent)
		return;
	call->intent->in.schedule = (struct schedule_change) {
		.id = edit->old ? edit->old->id : (struct uuid) { { 0 } },
		.name = arena_strdup(&call->intent->arena, edit->spec.name),
		.spec = arena_strdup(&call->intent->arena, edit->text),
		.if_revision = edit->old ? if_match : -1,
	};
	call_submit(call, call->intent, on_saved);
}

void
schedule_create(struct call *call)
{
	const struct dry_query *query = call->query;
	struct edit *edit = arena_xalloc(call->arena, sizeof *edit);

	edit->n = NEXT_DEFAULT;
	if (read_body(call, edit))
		call_read(call, read_for_edit, query->dry_run ? on_preview : on_checked);
}

void
schedule_put(struct call *call)
{
	struct edit *edit = arena_xalloc(call->arena, sizeof *edit);

	edit->is_put = true;
	if (read_body(call, edit))
		call_read(call, read_for_edit, on_checked);
}

/* --- Commands --- */

/* An intent about the schedule that the path names. NULL: answered. */
static struct intent *
intent_about(struct call *call, enum intent_kind kind)
{
	int64_t if_match;

	if (!check_if_match(call, &if_match))
		return NULL;
	call->intent = call_intent(call, kind);
	if (!call->intent)
		return NULL;
	struct schedule_change *change = &call->intent->in.schedule;
	*change = (struct schedule_change) { .if_revision = if_match, .overlap = -1 };
	if (uuid_parse(str_of(call->arg[0]), &change->id) < 0)
		change->name = arena_strdup(&call->intent->arena, call->arg[0]);
	return call->intent;
}

static void
on_deleted(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_reply_empty(call, 204);
}

void
schedule_delete(struct call *call)
{
	if (intent_about(call, INTENT_SCHEDULE_DELETE))
		call_submit(call, call->intent, on_deleted);
}

static void
on_commanded(struct call *call)
{
	if (was_applied(call, 200))
		reply_schedule(call, 200);
}

static void
command(struct call *call, enum schedule_command command)
{
	if (!intent_about(call, INTENT_SCHEDULE_COMMAND))
		return;
	call->intent->in.schedule.command = command;
	call_submit(call, call->intent, on_commanded);
}

void
schedule_pause(struct call *call)
{
	command(call, SCHEDULE_PAUSE);
}

void
schedule_resume(struct call *call)
{
	command(call, SCHEDULE_RESUME);
}

static void
on_fired(struct call *call)
{
	const struct intent *intent = call->intent;
	struct jw jw = call_jw(call);

	if (!was_applied(call, 202))
		return;
	jw_obj(&jw);
	jw_kuuid(&jw, "schedule", &intent->out.schedule->id);
	jw_ktime(&jw, "at", intent->out.schedule_at_ms);
	jw_kstr(&jw, "durable", call->api->durable);
	jw_end_obj(&jw);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 202);
}

struct fire_in {
	int overlap;
};

const struct json_field schedule_fire_fields[] = {
	{ .name = "overlap",
		.kind = FIELD_ENUM,
		.offset = offsetof(struct fire_in, overlap),
		.names = schedule_overlap_names },
	{ 0 },
};

void
schedule_fire(struct call *call)
{
	struct fire_in in = { .overlap = -1 };

	if (call->json &&
		json_decode(call->json, schedule_fire_fields, &in, "", &call->issues) < 0) {
		call_issues(call);
		return;
	}
	if (!intent_about(call, INTENT_SCHEDULE_COMMAND))
		return;
	call->intent->in.schedule.command = SCHEDULE_FIRE;
	call->intent->in.schedule.overlap = in.overlap;
	call_submit(call, call->intent, on_fired);
}

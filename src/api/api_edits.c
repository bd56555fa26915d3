/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of jobs that wait, and actions for many jobs: docs/protocol/queues.md §8. */
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/job_queueing.h"

/* ---- one job ---- */

static int
read_edited(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job *job;
	int r = read_job(
		reader, call->project, call->intent->out.jobs[0].id, call->arena, &job, err);

	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "the job was deleted meanwhile");
	return r < 0 ? -1 : write_job_whole(call, reader, job, call->api->durable, err);
}

static void
on_edited(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	call_etag(call, call->intent->out.jobs[0].version);
	call_read(call, read_edited, NULL);
}

static void
submit_edit(struct call *call, const struct job_edit *edit)
{
	int64_t if_match = call_if_match(call);
	struct job_id id;

	if (call_uuid(call->arg[0], "job", &id.u, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	if (if_match < 0) {
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
		return;
	}
	call->intent = call_intent(call, INTENT_JOB_EDIT);
	if (!call->intent)
		return;
	call->intent->in.edit = (struct job_edit_request) {
		.id = id,
		.if_version = if_match,
		.edit = *edit,
	};
	call_submit(call, call->intent, on_edited);
}

/* runAt as far ahead as that of a new job. */
static bool
is_soon(struct call *call, const struct job_edit *edit)
{
	if (!edit->has_run_at || edit->run_at_ms <= clock_wall_ms() + RUN_AT_AHEAD_MS_MAX)
		return true;
	issues_add(&call->issues, "/runAt", ISSUE_LIMIT, "more than ten years ahead");
	return false;
}

void
job_patch(struct call *call)
{
	struct job_edit edit;

	if (job_edit_read(call->json, "", call->arena, &call->issues, &edit) < 0 ||
		!is_soon(call, &edit))
		call_issues(call);
	else
		submit_edit(call, &edit);
}

void
job_move_place(struct call *call)
{
	struct job_edit edit;

	if (job_move_read(call->json, &call->issues, &edit) < 0)
		call_issues(call);
	else
		submit_edit(call, &edit);
}

/* ---- pins: docs/protocol/retention.md §3 ---- */

const struct json_field job_pin_fields[] = {
	{ .name = "note",
		.kind = FIELD_STR,
		.offset = 0,
		.min = 0,
		.max = REASON_BYTES_MAX,
		.null_ok = true },
	{ 0 },
};

void
job_pin(struct call *call)
{
	struct job_edit edit = { .pin = PIN_SET };
	struct {
		const char *note;
	} in = { 0 };

	if (call->json && json_decode(call->json, job_pin_fields, &in, "", &call->issues) < 0) {
		call_issues(call);
		return;
	}
	edit.pin_note = in.note && *in.note ? in.note : NULL;
	submit_edit(call, &edit);
}

void
job_unpin(struct call *call)
{
	submit_edit(call, &(struct job_edit) { .pin = PIN_CLEARED });
}

/* ---- many ---- */

static const char *const action_names[] = { "pause", "unpause", "stop", "start", "cancel",
	"delete", "edit", "pin", "unpin", NULL };
enum { ACTION_EDIT = JOB_CMD_COUNT, ACTION_PIN, ACTION_UNPIN };
_Static_assert(ARRAY_LEN(action_names) == JOB_CMD_COUNT + 4, "every command, edit and pins");

struct action_in {
	int action;
	json_t *filter, *set;
	bool dry_run;
	int64_t expect, tolerance;
};

#define ACTION(member) .offset = offsetof(struct action_in, member)
/* clang-format off */
const struct json_field job_action_fields[] = {
	{ .name = "action", .kind = FIELD_ENUM, ACTION(action), .names = action_names, .required = true },
	{ .name = "filter", .kind = FIELD_OBJ, ACTION(filter), .min = 0, .max = 40, .required = true },
	{ .name = "set", .kind = FIELD_OBJ, ACTION(set), .min = 1, .max = 20 },
	{ .name = "dryRun", .kind = FIELD_FLAG, ACTION(dry_run) },
	{ .name = "expect", .kind = FIELD_INT, ACTION(expect), .min = 0, .max = BULK_ACTION_JOBS_MAX },
	{ .name = "tolerance", .kind = FIELD_INT, ACTION(tolerance), .min = 0, .max = BULK_ACTION_JOBS_MAX },
	{ 0 },
};
/* clang-format on */

struct bulk {
	struct action_in in;
	struct job_edit edit;
	struct jobs_query query;
	struct job_id *ids; /* owned, as seqs */
	int64_t *seqs;
	size_t n, at; /* at: those before it are done */
	size_t n_batch;
	size_t results[4];  /* by enum each_result */
	const char **blobs; /* of the batch; owned */
	size_t n_blobs, cap_blobs;
};

static void
drop_blobs(struct bulk *bulk)
{
	for (size_t i = 0; i < bulk->n_blobs; i++)
		free((char *)(uintptr_t)bulk->blobs[i]);
	bulk->n_blobs = 0;
}

static void
bulk_cleanup(struct call *call)
{
	struct bulk *bulk = call->state;

	drop_blobs(bulk);
	free(bulk->blobs);
	free(bulk->ids);
	free(bulk->seqs);
}

static void
write_head(struct jw *jw, const struct bulk *bulk)
{
	jw_obj(jw);
	jw_kstr(jw, "action", action_names[bulk->in.action]);
	jw_ki64(jw, "count", (int64_t)bulk->n);
}

static void
write_sample(struct jw *jw, const struct job *job)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &job->id.u);
	jw_kstr(jw, "name", job->name);
	jw_kstr(jw, "status", job_state_name(job->state));
	jw_end_obj(jw);
}

/* One page of what the filter lets through; its memory goes with it. STORE_NONE: the last. */
static int
collect_page(struct bulk *bulk, struct store_reader *reader, struct job_filter *filter,
	char *cursor, struct jw *samples, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct job_page page;

	arena_init(&arena, MIB(64));
	filter->cursor = str_of(cursor);
	if (read_jobs(reader, filter, &arena, &page, err) < 0)
		return -1;
	if (bulk->n + page.n > BULK_ACTION_JOBS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d jobs: the filter must be narrower",
			BULK_ACTION_JOBS_MAX);
	bulk->ids = xreallocarray(bulk->ids, bulk->n + page.n + 1, sizeof *bulk->ids);
	bulk->seqs = xreallocarray(bulk->seqs, bulk->n + page.n + 1, sizeof *bulk->seqs);
	for (size_t i = 0; i < page.n; i++) {
		if (bulk->in.dry_run && bulk->n < BULK_ACTION_SAMPLE)
			write_sample(samples, page.items[i]);
		bulk->ids[bulk->n] = page.items[i]->id;
		bulk->seqs[bulk->n++] = page.items[i]->seq;
	}
	if (!page.next_cursor)
		return STORE_NONE;
	(void)snprintf(cursor, CURSOR_BYTES_MAX, "%s", page.next_cursor);
	return 0;
}

/* Whom it is about; a dry run is answered with that. */
static int
read_matching(struct call *call, struct store_reader *reader, struct err *err)
{
	struct bulk *bulk = call->state;
	char cursor[CURSOR_BYTES_MAX] = "";
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(BODY_BYTES_MAX);
	struct job_filter filter;
	struct jw samples, jw = call_jw(call);

	call->query = &bulk->query;
	int r = jobs_query_filter(call, reader, &filter, err);
	if (r < 0)
		return -1;
	filter.sort = JOB_SORT_CREATED;
	filter.descending = filter.count = false;
	filter.limit = PAGE_MAX;
	jw_init(&samples, &text);
	jw_arr(&samples);
	while (r == 0)
		r = collect_page(bulk, reader, &filter, cursor, &samples, err);
	jw_end_arr(&samples);
	if (r < 0 || jw_done(&samples) < 0)
		return -1;
	if (!bulk->in.dry_run)
		return 0;
	write_head(&jw, bulk);
	jw_key(&jw, "sample");
	jw_rawn(&jw, text.data, text.len);
	jw_kbool(&jw, "dryRun", true);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

static void
answer_bulk(struct call *call)
{
	static const char *const reasons[] = {
		[EACH_NOT_FOUND] = "not_found",
		[EACH_WRONG_STATE] = "wrong_state",
		[EACH_REFUSED] = "refused",
	};
	struct bulk *bulk = call->state;
	struct jw jw = call_jw(call);

	write_head(&jw, bulk);
	jw_ki64(&jw, "done", (int64_t)bulk->results[EACH_DONE]);
	jw_ki64(&jw, "failed", (int64_t)(bulk->n - bulk->results[EACH_DONE]));
	jw_kobj(&jw, "reasons");
	for (size_t i = EACH_DONE + 1; i < ARRAY_LEN(reasons); i++) {
		if (bulk->results[i] > 0)
			jw_ki64(&jw, reasons[i], (int64_t)bulk->results[i]);
	}
	jw_end_obj(&jw);
	jw_kstr(&jw, "durable", call->api->durable);
	jw_end_obj(&jw);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

static void next_batch(struct call *call);

static int
remove_blobs_of_batch(struct call *call, struct store_reader *reader, struct err *err)
{
	struct bulk *bulk = call->state;

	(void)err;
	for (size_t i = 0; i < bulk->n_blobs; i++)
		api_blob_remove_unused(call->api, reader, bulk->blobs[i]);
	drop_blobs(bulk);
	return 0;
}

static void
on_batch(struct call *call)
{
	struct bulk *bulk = call->state;
	const struct intent *intent = call->intent;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	for (size_t i = 0; i < bulk->n_batch; i++)
		bulk->results[intent->out.each[i]]++;
	bulk->at += bulk->n_batch;
	call->intent = intent_free(call->intent);
	if (bulk->n_blobs > 0)
		call_read(call, remove_blobs_of_batch, next_batch);
	else
		next_batch(call);
}

static void
submit_batch(struct call *call)
{
	struct bulk *bulk = call->state;

	if (call->read_result < 0) {
		call_read_error(call);
		return;
	}
	call->intent = call_intent(call, INTENT_JOB_EACH);
	if (!call->intent)
		return;
	call->intent->idem_key = (struct str) { 0 }; /* asking again does no harm */
	call->intent->in.each = (struct job_each) {
		.ids = bulk->ids + bulk->at,
		.n = bulk->n_batch,
		.is_edit = bulk->in.action >= ACTION_EDIT,
		.command = (enum job_command)bulk->in.action,
		.edit = bulk->edit,
	};
	call_submit(call, call->intent, on_batch);
}

/* Files of jobs that are to be deleted. */
static int
read_blobs_of_batch(struct call *call, struct store_reader *reader, struct err *err)
{
	struct bulk *bulk = call->state;
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, MIB(64));
	for (size_t i = 0; i < bulk->n_batch; i++) {
		struct artifact *artifacts;
		size_t n;
		if (read_artifacts(reader, bulk->seqs[bulk->at + i], 0, &arena, &artifacts, &n,
			    err) < 0)
			return -1;
		for (size_t k = 0; k < n; k++) {
			if (bulk->n_blobs == bulk->cap_blobs) {
				bulk->cap_blobs = bulk->cap_blobs * 2 + 16;
				bulk->blobs = xreallocarray(
					bulk->blobs, bulk->cap_blobs, sizeof *bulk->blobs);
			}
			if (artifacts[k].blob)
				bulk->blobs[bulk->n_blobs++] = xstrdup(artifacts[k].blob);
		}
		arena_reset(&arena);
	}
	return 0;
}

static void
next_batch(struct call *call)
{
	struct bulk *bulk = call->state;

	if (bulk->at >= bulk->n) {
		answer_bulk(call);
		return;
	}
	bulk->n_batch = bulk->n - bulk->at;
	if (bulk->n_batch > BULK_ACTION_BATCH)
		bulk->n_batch = BULK_ACTION_BATCH;
	call->read_result = 0;
	if (bulk->in.action == JOB_CMD_DELETE)
		call_read(call, read_blobs_of_batch, submit_batch);
	else
		submit_batch(call);
}

static void
on_matching(struct call *call)
{
	struct bulk *bulk = call->state;
	int64_t off = (int64_t)bulk->n - bulk->in.expect;

	if (call->read_result < 0 || bulk->in.dry_run) {
		call_finish_read(call);
		return;
	}
	if (bulk->in.expect >= 0 && (off > bulk->in.tolerance || -off > bulk->in.tolerance)) {
		call_problem(call, PROBLEM_CONFLICT,
			"the filter lets %zu jobs through, %lld were expected", bulk->n,
			(long long)bulk->in.expect);
		return;
	}
	next_batch(call);
}

/* A single value stands for a list of one, as in a query. */
static void
widen_lists(json_t *filter)
{
	for (const struct json_field *field = jobs_query_fields; field->name; field++) {
		json_t *value = json_object_get(filter, field->name);
		if (field->kind == FIELD_STRS && json_is_string(value))
			(void)json_object_set_new(filter, field->name, json_pack("[O]", value));
	}
}

/* The action is for all jobs of the filter: whoever says limit expects something else. */
static void
refuse_paging(struct call *call, json_t *filter)
{
	static const char *const names[] = { "cursor", "limit", "sort", "count" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_object_get(filter, names[i]))
			issues_add_member(&call->issues, "/filter", names[i], ISSUE_UNKNOWN,
				"is of the list: the action is for all that the filter lets through");
}

static int
decode_action(struct call *call, struct bulk *bulk)
{
	bulk->in.expect = -1;
	if (json_decode(call->json, job_action_fields, &bulk->in, "", &call->issues) < 0)
		return -1;
	widen_lists(bulk->in.filter);
	bulk->query = jobs_query_defaults;
	if (json_decode(bulk->in.filter, jobs_query_fields, &bulk->query, "/filter",
		    &call->issues) < 0)
		return -1;
	refuse_paging(call, bulk->in.filter);
	if (call->issues.n > 0)
		return -1;
	if ((bulk->in.action == ACTION_EDIT) != (bulk->in.set != NULL)) {
		issues_add(&call->issues, "/set", ISSUE_INVALID,
			"edit has `set`, and no other action");
		return -1;
	}
	if (bulk->in.action == ACTION_PIN || bulk->in.action == ACTION_UNPIN)
		bulk->edit.pin = bulk->in.action == ACTION_PIN ? PIN_SET : PIN_CLEARED;
	if (!bulk->in.set)
		return 0;
	if (job_edit_read(bulk->in.set, "/set", call->arena, &call->issues, &bulk->edit) < 0)
		return -1;
	return is_soon(call, &bulk->edit) ? 0 : -1;
}

void
jobs_action(struct call *call)
{
	struct bulk *bulk = arena_xalloc(call->arena, sizeof *bulk);

	call->state = bulk;
	call->cleanup = bulk_cleanup;
	if (decode_action(call, bulk) < 0)
		call_issues(call);
	else
		call_read(call, read_matching, on_matching);
}

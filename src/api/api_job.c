/* SPDX-License-Identifier: Apache-2.0 */
/* One job: showing, waiting, commands, explanation, report; and the list of jobs. */
#include <string.h>

#include "api/forecast.h"
#include "api/handlers.h"
#include "api/hub.h"
#include "api/resource.h"
#include "base/clock.h"
#include "base/log.h"
#include "blob/blob.h"
#include "report/report.h"
#include "store/source.h"

int
read_path_job(struct call *call, struct store_reader *reader, struct job **ret, struct err *err)
{
	struct job_id id;
	int r;

	if (call_uuid(call->arg[0], "job", &id.u, err) < 0)
		return -1;
	r = read_job(reader, call->project, id, call->arena, ret, err);
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "there is no job \"%.60s\"", call->arg[0]);
	return r;
}

int
write_job_whole(struct call *call, struct store_reader *reader, const struct job *job,
	const char *durable, struct err *err)
{
	struct job_more more = { .durable = durable, .arena = call->arena };
	struct job_test *tests;
	struct incarnation *incarnations;
	struct jw jw = call_jw(call);

	if (read_job_options(reader, job->seq, call->arena, &more.options, err) < 0 ||
		read_job_tests(reader, job->seq, call->arena, &tests, &more.n_tests, err) < 0 ||
		read_incarnations(reader, job->seq, call->arena, &incarnations,
			&more.n_incarnations, err) < 0)
		return -1;
	more.tests = tests;
	more.incarnations = incarnations;
	more.queue = api_queue_name(call->api, reader, job->queue);
	if (job->schedule != 0) {
		struct schedule *schedule;
		int r = read_schedule(reader, job->schedule, call->arena, &schedule, err);

		if (r < 0)
			return -1;
		more.schedule = r == 0 ? schedule : NULL;
	}
	if (job_outcome_read(call, reader, job, &more, err) < 0)
		return -1;
	job_write(&jw, job, &more);
	return call_written(call, &jw, err);
}

/* --- List --- */

/* Bits of the words, or an issue. */
static uint32_t
word_set(struct call *call, const char *name, const struct strs *words,
	const char *(*word_of)(int), int count)
{
	uint32_t set = 0;

	for (size_t i = 0; i < words->n; i++) {
		uint32_t bit = 0;

		for (int j = 0; j < count; j++) {
			const char *word = word_of(j);
			if (word && strcmp(word, words->item[i]) == 0)
				bit = UINT32_C(1) << j;
		}
		if (bit == 0)
			issues_add_member(&call->issues, "?", name, ISSUE_INVALID,
				"there is no %s \"%.40s\"", name, words->item[i]);
		set |= bit;
	}
	return set;
}

static const char *
state_word(int i)
{
	return job_state_name((enum job_state)i);
}

static const char *
reason_word(int i)
{
	return job_reason_name((enum job_reason)i);
}

/* Names of the query become keys of the filter. STORE_NONE: nothing can match. */
static int
resolve_names(struct call *call, struct store_reader *reader, struct job_filter *filter,
	struct err *err)
{
	const struct jobs_query *query = call->query;
	struct definition *def;
	struct queue *queues;
	size_t n;
	int r;

	if (query->tmpl) {
		r = source_definition(reader, call->project, DEF_TEMPLATE, query->tmpl, 0,
			call->arena, &def, err);
		if (r < 0)
			return -1;
		/* A deleted template may still be named by its id. */
		if (r == STORE_NONE &&
			uuid_parse(str_of(query->tmpl), &filter->template_id.u) < 0)
			return STORE_NONE;
		if (r == 0)
			filter->template_id = def->id;
	}
	if (query->parent && uuid_parse(str_of(query->parent), &filter->parent.u) < 0)
		return STORE_NONE;
	if (query->schedule) {
		struct schedule *schedule;

		r = schedule_find(call, reader, query->schedule, &schedule, err);
		if (r < 0)
			return err->code == ERR_NOT_FOUND ? STORE_NONE : -1;
		filter->schedule = schedule->seq;
	}
	if (query->queue) {
		if (read_queues(reader, call->project, call->arena, &queues, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (strcmp(queues[i].name, query->queue) == 0)
				filter->queue = queues[i].id;
		if (filter->queue == 0)
			return STORE_NONE;
	}
	return 0;
}

/* Schedules that fired jobs of one answer: each is read once. */
struct fired_by {
	struct schedule *item;
	size_t n;
};

/* Adds it with id and name alone; without a name it is gone. */
static int
read_fired_by(struct call *call, struct store_reader *reader, int64_t seq,
	struct fired_by *seen, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena; /* a schedule is larger than its name */
	struct schedule *schedule, *item = &seen->item[seen->n];

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	int r = read_schedule(reader, seq, &arena, &schedule, err);
	if (r < 0)
		return -1;
	*item = (struct schedule) { .seq = seq };
	if (r == 0) {
		item->id = schedule->id;
		item->name = arena_strdup(call->arena, schedule->name);
	}
	seen->n++;
	return 0;
}

/* *ret NULL: the schedule is gone. */
static int
find_fired_by(struct call *call, struct store_reader *reader, int64_t seq,
	struct fired_by *seen, const struct schedule **ret, struct err *err)
{
	size_t at = 0;

	while (at < seen->n && seen->item[at].seq != seq)
		at++;
	if (at == seen->n && read_fired_by(call, reader, seq, seen, err) < 0)
		return -1;
	*ret = seen->item[at].name ? &seen->item[at] : NULL;
	return 0;
}

int
jobs_write(struct call *call, struct store_reader *reader, struct jw *jw,
	const struct job_page *page, struct err *err)
{
	struct fired_by seen = {
		.item = arena_xalloc(call->arena, (page->n + 1) * sizeof *seen.item),
	};

	for (size_t i = 0; i < page->n; i++) {
		const struct job *job = page->items[i];
		struct job_more more = {
			.queue = api_queue_name(call->api, reader, job->queue),
		};

		if (job->schedule != 0 &&
			find_fired_by(call, reader, job->schedule, &seen, &more.schedule, err) <
				0)
			return -1;
		job_write(jw, job, &more);
	}
	return 0;
}

static void
write_page_end(struct jw *jw, const char *next_cursor, int64_t total)
{
	jw_end_arr(jw);
	jw_kstr_opt(jw, "nextCursor", next_cursor);
	if (total >= 0)
		jw_ki64(jw, "total", total);
	jw_end_obj(jw);
}

static void
fill_filter(struct call *call, struct job_filter *filter)
{
	const struct jobs_query *query = call->query;

	*filter = (struct job_filter) {
		.project = call->project,
		.states = word_set(call, "status", &query->status, state_word, JOB_STATE_COUNT),
		.reasons =
			word_set(call, "reason", &query->reason, reason_word, JOB_REASON_COUNT),
		.tags = query->tag.item,
		.n_tags = query->tag.n,
		.name = query->name,
		.name_contains = query->search,
		.kind = query->kind,
		.created_after_ms = query->created_after,
		.created_before_ms = query->created_before,
		.completed_after_ms = query->completed_after,
		.completed_before_ms = query->completed_before,
		.min_run_ms = query->min_run_ms,
		.now_ms = clock_wall_ms(),
		.sort = (enum job_sort)(query->sort / 2),
		.descending = query->sort % 2 == 1,
		.cursor = str_of(query->cursor),
		.limit = (size_t)query->limit,
		.count = query->count,
	};
}

int
jobs_query_filter(
	struct call *call, struct store_reader *reader, struct job_filter *ret, struct err *err)
{
	fill_filter(call, ret);
	return call->issues.n > 0 ? -1 : resolve_names(call, reader, ret, err);
}

static int
list(struct call *call, struct store_reader *reader, bool only_flows, struct err *err)
{
	const struct jobs_query *query = call->query;
	struct job_filter filter;
	struct job_page page = { .total = query->count ? 0 : -1 };
	struct jw jw = call_jw(call);
	int r;

	fill_filter(call, &filter);
	filter.is_flow = only_flows;
	if (call->issues.n > 0)
		return -1;
	r = resolve_names(call, reader, &filter, err);
	if (r < 0)
		return -1;
	if (r == 0 && read_jobs(reader, &filter, call->arena, &page, err) < 0) {
		if (err->code == ERR_INVALID)
			call->code = PROBLEM_INVALID_PARAMETER;
		return -1;
	}
	jw_obj(&jw);
	jw_karr(&jw, "items");
	if (jobs_write(call, reader, &jw, &page, err) < 0)
		return -1;
	write_page_end(&jw, page.next_cursor, page.total);
	return call_written(call, &jw, err);
}

int
jobs_list(struct call *call, struct store_reader *reader, struct err *err)
{
	return list(call, reader, false, err);
}

int
flow_runs_list(struct call *call, struct store_reader *reader, struct err *err)
{
	return list(call, reader, true, err);
}

/* --- Show and wait --- */

struct waiting {
	struct job_id id;
	int64_t until_mono_ms;
	bool is_looking; /* with the next wait already registered, so that nothing slips between
			  */
	bool is_final;
};

static int
read_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct waiting *waiting = call->state;
	struct job *job;

	if (read_path_job(call, reader, &job, err) < 0)
		return -1;
	buf_clear(&call->out);
	if (waiting)
		waiting->is_final = job_state_is_final(job->state);
	else
		call_etag(call, job->version);
	return write_job_whole(call, reader, job, NULL, err);
}

static void on_waited(struct call *call);
static void on_looked(struct call *call);

/* Waits first and looks then: an end in between is noticed. */
static void
look_and_wait(struct call *call, int64_t now)
{
	struct waiting *waiting = call->state;

	waiting->is_looking = true;
	hub_wait(call->api->hub, call, &waiting->id, waiting->until_mono_ms - now, on_waited);
	call_read(call, read_show, on_looked);
}

/*
 * The job has ended, perhaps, or the time is over. While a look is under way nothing is done
 * here: on_looked() comes back to it.
 */
static void
on_waited(struct call *call)
{
	struct waiting *waiting = call->state;
	int64_t now = clock_mono_ms();

	if (waiting->is_looking)
		return;
	if (now >= waiting->until_mono_ms || call->api->handing_over)
		call_read(call, read_show, NULL);
	else
		look_and_wait(call, now);
}

static void
on_looked(struct call *call)
{
	struct waiting *waiting = call->state;

	waiting->is_looking = false;
	if (call->read_result < 0 || waiting->is_final) {
		(void)hub_unwait(call->api->hub, call);
		call_finish_read(call);
	} else if (!call->waiter) {
		on_waited(call);
	} else {
		http_watch_peer(call->req);
	}
}

void
job_show(struct call *call)
{
	const struct wait_query *query = call->query;
	struct waiting *waiting;

	if (query->wait_ms == 0 || call->api->handing_over) {
		call_read(call, read_show, NULL);
		return;
	}
	waiting = arena_xalloc(call->arena, sizeof *waiting);
	call->state = waiting;
	if (call_uuid(call->arg[0], "job", &waiting->id.u, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	waiting->until_mono_ms = clock_mono_ms() + query->wait_ms;
	look_and_wait(call, clock_mono_ms());
}

/* --- Commands --- */

static int
read_after_command(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job_more more = { .durable = call->api->durable, .arena = call->arena };
	const struct job *job = &call->intent->out.jobs[0];
	struct job *now;
	struct jw jw = call_jw(call);
	int r = read_job(reader, call->project, job->id, call->arena, &now, err);

	if (r < 0)
		return -1;
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "the job was deleted meanwhile");
	if (call->intent->replayed)
		job = now; /* a replay knows the id alone */
	if (read_job_options(reader, now->seq, call->arena, &more.options, err) < 0)
		return -1;
	more.queue = api_queue_name(call->api, reader, job->queue);
	job_write(&jw, job, &more);
	return call_written(call, &jw, err);
}

static void
on_command(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	if (call->intent->replayed) {
		http_header_add(call->req, "Idempotency-Replayed", "true");
		call->api->counters.idem_replays++;
	}
	call_read(call, read_after_command, NULL);
}

static bool
check_no_members(struct call *call)
{
	if (!call->json || (json_is_object(call->json) && json_object_size(call->json) == 0))
		return true;
	issues_add(&call->issues, "", ISSUE_UNKNOWN, "no body or an empty object is expected");
	call_issues(call);
	return false;
}

static void
submit_command(struct call *call, enum job_command what, const struct flow_start *start)
{
	struct job_id id;

	if (call_uuid(call->arg[0], "job", &id.u, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	call->intent = call_intent(call, INTENT_JOB_COMMAND);
	if (!call->intent)
		return;
	call->intent->in.command.id = id;
	call->intent->in.command.command = what;
	call->intent->in.command.start = *start;
	call->intent->in.command.start.stage = arena_strdup(&call->intent->arena, start->stage);
	call_submit(call, call->intent, on_command);
}

static void
command(struct call *call, enum job_command what)
{
	if (check_no_members(call))
		submit_command(call, what, &(struct flow_start) { 0 });
}

void
job_pause(struct call *call)
{
	command(call, JOB_CMD_PAUSE);
}

void
job_unpause(struct call *call)
{
	command(call, JOB_CMD_UNPAUSE);
}

void
job_stop(struct call *call)
{
	command(call, JOB_CMD_STOP);
}

/* Where a flow begins again; a job without stages begins at the beginning. */
struct start_in {
	int from;
	const char *stage;
};

static const char *const from_names[] = { [FLOW_FROM_FAILED] = "failed",
	[FLOW_FROM_BEGIN] = "begin",
	[FLOW_FROM_STAGE] = "stage",
	NULL };

/* clang-format off */
#define AT(member) .offset = offsetof(struct start_in, member)
const struct json_field start_fields[] = {
	{ .name = "from", .kind = FIELD_ENUM, AT(from), .names = from_names },
	{ .name = "stage", .kind = FIELD_STR, AT(stage), .min = 1, .max = STAGE_NAME_BYTES_MAX },
	{ 0 },
};
#undef AT
/* clang-format on */

void
job_start(struct call *call)
{
	struct start_in in = { .from = FLOW_FROM_FAILED };

	if (call->json && json_decode(call->json, start_fields, &in, "", &call->issues) == 0 &&
		(in.from == FLOW_FROM_STAGE) != (in.stage != NULL))
		issues_add(&call->issues, "/stage", ISSUE_INVALID,
			"it belongs to \"from\": \"stage\", which needs it");
	if (call->issues.n > 0) {
		call_issues(call);
		return;
	}
	submit_command(call, JOB_CMD_START,
		&(struct flow_start) { .from = (enum flow_from)in.from, .stage = in.stage });
}

void
job_cancel(struct call *call)
{
	command(call, JOB_CMD_CANCEL);
}

/* --- Delete --- */

struct deletion {
	struct job_id id;
	const char **blobs;
	size_t n_blobs;
};

/* What it leaves: bytes that perhaps nothing names any more. */
static int
read_blobs(struct call *call, struct store_reader *reader, struct err *err)
{
	struct deletion *deletion = call->state;
	struct artifact *artifacts;
	struct job *job;

	if (read_path_job(call, reader, &job, err) < 0 ||
		read_artifacts(reader, job->seq, 0, call->arena, &artifacts, &deletion->n_blobs,
			err) < 0)
		return -1;
	deletion->id = job->id;
	deletion->blobs =
		arena_xalloc(call->arena, (deletion->n_blobs + 1) * sizeof *deletion->blobs);
	for (size_t i = 0; i < deletion->n_blobs; i++)
		deletion->blobs[i] = artifacts[i].blob;
	return 0;
}

/* Nobody keeps a blob between the questions and the removal. */
void
api_blob_remove_unused(struct api *api, struct store_reader *reader, const char *blob)
{
	bool used = true;
	struct err err;

	uv_rwlock_wrlock(&api->blob_lock);
	if (!api_blob_is_fresh(api, blob) && read_blob_in_use(reader, blob, &used, &err) == 0 &&
		!used && blob_remove(api->blobs, blob, &err) < 0)
		/* Bytes that stay are a waste of room, not a wrong answer. */
		log_warn("blob.remove", NULL, "%s", err.text);
	uv_rwlock_wrunlock(&api->blob_lock);
}

void
api_drop_blob(struct api *api, struct store_reader *reader, const char *blob)
{
	api_blob_remove_unused(api, reader, blob);
}

static int
remove_blobs(struct call *call, struct store_reader *reader, struct err *err)
{
	struct deletion *deletion = call->state;
	struct jw jw = call_jw(call);

	for (size_t i = 0; i < deletion->n_blobs; i++)
		if (deletion->blobs[i])
			api_blob_remove_unused(call->api, reader, deletion->blobs[i]);
	jw_obj(&jw);
	jw_kuuid(&jw, "id", &deletion->id.u);
	jw_kbool(&jw, "deleted", true);
	jw_kstr(&jw, "durable", call->api->durable);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

static void
on_deleted(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_read(call, remove_blobs, NULL);
}

static void
on_blobs_known(struct call *call)
{
	struct deletion *deletion = call->state;

	if (call->read_result < 0) {
		call_read_error(call);
		return;
	}
	call->intent = call_intent(call, INTENT_JOB_COMMAND);
	if (!call->intent)
		return;
	call->intent->in.command.id = deletion->id;
	call->intent->in.command.command = JOB_CMD_DELETE;
	call_submit(call, call->intent, on_deleted);
}

void
job_delete(struct call *call)
{
	call->state = arena_xalloc(call->arena, sizeof(struct deletion));
	call_read(call, read_blobs, on_blobs_known);
}

/* --- Explanation --- */

static int
read_forecast(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct explanation *explanation = call->intent->out.explanation;
	struct forecast forecast;
	struct job *job;
	struct jw jw = call_jw(call);

	if (read_path_job(call, reader, &job, err) < 0 ||
		forecast_job(call, reader, job, explanation, &forecast, err) < 0)
		return -1;
	explanation_write(&jw, explanation, &forecast);
	return call_written(call, &jw, err);
}

static void
on_explained(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_read(call, read_forecast, NULL);
}

void
job_explain(struct call *call)
{
	struct job_id id;

	if (call_uuid(call->arg[0], "job", &id.u, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	call->intent = call_intent(call, INTENT_JOB_EXPLAIN);
	if (!call->intent)
		return;
	call->intent->in.explain = id;
	call_submit(call, call->intent, on_explained);
}

/* --- Report --- */

static int
make_report(struct call *call, struct store_reader *reader, struct job_id id, unsigned tight,
	struct err *err)
{
	const struct report_query *query = call->query;
	struct report_options options = { .artifact_base = query->artifacts };
	_cleanup_(arena_deinit) struct arena arena;
	struct report_model *model;

	arena_init(&arena, REPORT_MEMORY_BYTES_MAX);
	int r = report_load(
		reader, call->api->blobs, call->project, id, tight, &arena, &model, err);
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "there is no job \"%.60s\"", call->arg[0]);
	if (r < 0)
		return -1;
	buf_clear(&call->out);
	return report_write(
		(enum report_format)query->format, model, &options, &call->out, err);
}

int
job_report(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct report_query *query = call->query;
	enum report_format format = (enum report_format)query->format;
	struct job_id id;

	if (call_uuid(call->arg[0], "job", &id.u, err) < 0)
		return -1;
	call->out.max = REPORT_BYTES_MAX;
	call->type = report_content_type(format);
	http_header_add(call->req, "X-Content-Type-Options", "nosniff");
	if (format == REPORT_HTML)
		http_header_add(call->req, "Content-Security-Policy",
			"sandbox allow-scripts allow-downloads; default-src 'none'; "
			"script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:");
	for (unsigned tight = 0;; tight++) {
		int r = make_report(call, reader, id, tight, err);
		if (r == 0 || err->code != ERR_LIMIT || tight == REPORT_TIGHT_MAX)
			return r;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of a job, their artifacts and logs. */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "api/send.h"
#include "api/ticket.h"
#include "base/clock.h"
#include "base/parse.h"
#include "blob/blob.h"

/* The whole log, as the worker sends it when the run is over (docs/internals/supervision.md).
 */
static const char log_name[] = "output.log";

/* The run of the path (after its job, when the path has one). */
static int
read_path_run(struct call *call, struct store_reader *reader, int at, struct run **ret,
	struct job_id *ret_job, struct err *err)
{
	struct run_id id;
	int r;

	if (call_uuid(call->arg[at], "run", &id.u, err) < 0)
		return -1;
	r = read_run(reader, call->project, id, call->arena, ret, ret_job, err);
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "there is no run \"%.60s\"", call->arg[at]);
	return r;
}

int
read_path_run_of_job(struct call *call, struct store_reader *reader, struct job **ret_job,
	struct run **ret, struct err *err)
{
	struct job_id owner;

	if (read_path_job(call, reader, ret_job, err) < 0 ||
		read_path_run(call, reader, 1, ret, &owner, err) < 0)
		return -1;
	if (!uuid_eq(&owner.u, &(*ret_job)->id.u))
		return err_set(err, ERR_NOT_FOUND, "the run belongs to another job");
	return 0;
}

static uint32_t
run_words(struct call *call, const char *name, const struct strs *words, bool outcomes)
{
	uint32_t set = 0;

	for (size_t i = 0; i < words->n; i++) {
		enum run_outcome outcome = OUTCOME_NONE;
		enum run_state state = RUN_WAITING;
		int r = outcomes ? run_outcome_parse(words->item[i], &outcome)
				 : run_state_parse(words->item[i], &state);

		if (r == 0 && !outcomes && state == RUN_HELD)
			r = -1; /* a word of the inside */
		if (r < 0)
			issues_add_member(&call->issues, "?", name, ISSUE_INVALID,
				"there is no %s \"%.40s\"", name, words->item[i]);
		else
			set |= 1u << (outcomes ? (int)outcome : (int)state);
		/* To everybody else a run that is held has finished. */
		if (r == 0 && !outcomes && state == RUN_FINISHED)
			set |= 1u << RUN_HELD;
	}
	return set;
}

static int
fill_filter(struct call *call, const struct job *job, struct run_filter *filter)
{
	const struct runs_query *query = call->query;
	struct err err;

	*filter = (struct run_filter) {
		.job_seq = job->seq,
		.incarnation =
			query->incarnation < 0 ? job->incarnation : (int32_t)query->incarnation,
		.states = run_words(call, "status", &query->status, false),
		.outcomes = run_words(call, "outcome", &query->outcome, true),
		.test = (int32_t)query->test,
		.iteration = query->iteration,
		.only_last = query->last,
		.limit = (size_t)query->limit + 1,
	};
	if (query->cursor &&
		parse_i64(str_of(query->cursor), 0, INT64_MAX, &filter->after_seq, &err) < 0)
		issues_add_member(&call->issues, "?", "cursor", ISSUE_INVALID,
			"it is none that this list gave");
	return call->issues.n > 0 ? -1 : 0;
}

int
runs_list(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct runs_query *query = call->query;
	struct run_more more = { 0 };
	struct run_filter filter;
	struct job_test *tests;
	struct run *runs;
	struct job *job;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_path_job(call, reader, &job, err) < 0 || fill_filter(call, job, &filter) < 0 ||
		read_job_tests(reader, job->seq, call->arena, &tests, &more.n_tests, err) < 0 ||
		read_runs(reader, &filter, call->arena, &runs, &n, err) < 0)
		return -1;
	size_t shown = n > (size_t)query->limit ? (size_t)query->limit : n;

	more.job = job;
	more.tests = tests;
	more.layout = job_layout(job, call->arena);
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < shown; i++)
		run_write(&jw, &runs[i], &more);
	jw_end_arr(&jw);
	if (shown < n) {
		char text[24];

		(void)snprintf(text, sizeof text, "%lld", (long long)runs[shown - 1].seq);
		jw_kstr(&jw, "nextCursor", text);
	}
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
run_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct run_more more = { .has_artifacts = true };
	struct artifact *artifacts;
	struct job_test *tests;
	struct job *job;
	struct run *run;
	struct jw jw = call_jw(call);

	if (read_path_run_of_job(call, reader, &job, &run, err) < 0 ||
		read_job_tests(reader, job->seq, call->arena, &tests, &more.n_tests, err) < 0 ||
		read_run_result(reader, run->seq, call->arena, &more.result, err) < 0 ||
		read_artifacts(reader, job->seq, run->seq, call->arena, &artifacts,
			&more.n_artifacts, err) < 0)
		return -1;
	more.job = job;
	more.tests = tests;
	more.layout = job_layout(job, call->arena);
	more.artifacts = artifacts;
	run_write(&jw, run, &more);
	return call_written(call, &jw, err);
}

/* --- Artifacts --- */

static int
write_artifacts(struct call *call, struct store_reader *reader, int64_t job_seq,
	int64_t run_seq, struct err *err)
{
	struct artifact *artifacts;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_artifacts(reader, job_seq, run_seq, call->arena, &artifacts, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		artifact_write(&jw, &artifacts[i]);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
run_artifacts(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job *job;
	struct run *run;

	if (read_path_run_of_job(call, reader, &job, &run, err) < 0)
		return -1;
	return write_artifacts(call, reader, job->seq, run->seq, err);
}

int
job_artifacts(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job *job;

	if (read_path_job(call, reader, &job, err) < 0)
		return -1;
	return write_artifacts(call, reader, job->seq, 0, err);
}

int
run_artifact(struct call *call, struct store_reader *reader, struct err *err)
{
	struct artifact *artifact;
	struct job *job;
	struct run *run;
	int r;

	if (read_path_run_of_job(call, reader, &job, &run, err) < 0)
		return -1;
	r = read_artifact(reader, run->seq, call->arg[2], call->arena, &artifact, err);
	if (r == STORE_NONE)
		return err_set(
			err, ERR_NOT_FOUND, "the run has no artifact \"%.100s\"", call->arg[2]);
	if (r < 0)
		return -1;
	/* This origin is the API's: what a test left must not run in it. */
	http_header_add(call->req, "Content-Security-Policy", "sandbox; default-src 'none'");
	return send_blob(call, artifact->blob, artifact->content_type, err);
}

/* The log is an artifact with a known name; while it is not there yet, the log events are it.
 */
static int
write_log_events(struct call *call, struct store_reader *reader, const struct job *job,
	const struct run *run, struct err *err)
{
	struct event_filter filter = {
		.project = call->project,
		.job_seq = job->seq,
		.types = UINT64_C(1) << EV_RUN_LOG,
		.limit = EVENTS_PAGE_MAX,
		.bytes_max = (size_t)MIB(4),
	};
	_cleanup_(arena_deinit) struct arena page;
	struct event *events;
	size_t n;

	arena_init(&page, ARENA_REQUEST_BYTES_MAX);
	call->type = "text/plain; charset=utf-8";
	do {
		arena_reset(&page);
		if (read_events(reader, &filter, &page, &events, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			struct err ignored;
			_cleanup_(json_unrefp) json_t *data = NULL;
			const char *text;

			if (!uuid_eq(&events[i].run.u, &run->id.u))
				continue;
			data = json_read(
				events[i].data.p, events[i].data.n, JSON_DEPTH_MAX, &ignored);
			text = json_string_value(json_object_get(data, "text"));
			if (text &&
				(buf_adds(&call->out, text) < 0 ||
					buf_addc(&call->out, '\n') < 0))
				return err_set(err, ERR_LIMIT, "the log is too long");
		}
		filter.after_seq = n > 0 ? events[n - 1].seq : 0;
	} while (n > 0); /* a page ends by its number or by its bytes */
	return 0;
}

int
run_log(struct call *call, struct store_reader *reader, struct err *err)
{
	struct artifact *artifacts;
	struct job *job;
	struct run *run;
	size_t n;

	if (read_path_run_of_job(call, reader, &job, &run, err) < 0 ||
		read_artifacts(reader, job->seq, run->seq, call->arena, &artifacts, &n, err) <
			0)
		return -1;
	http_header_add(call->req, "Content-Security-Policy", "sandbox; default-src 'none'");
	for (size_t i = 0; i < n; i++)
		if (strcmp(artifacts[i].name, log_name) == 0)
			return send_blob(
				call, artifacts[i].blob, "text/plain; charset=utf-8", err);
	return write_log_events(call, reader, job, run, err);
}

/* --- Tickets for browsers --- */

static int
read_view(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job *job;
	struct run *run;
	int64_t until = clock_wall_ms() + TICKET_KEEP_MS;
	char ticket[TICKET_TEXT_MAX];
	const char *url;
	struct jw jw = call_jw(call);

	if (read_path_run_of_job(call, reader, &job, &run, err) < 0)
		return -1;
	ticket_make(call->api->ticket_key, call->project, &run->id, until, ticket);
	url = arena_printf(call->arena, "%s/view/%s/", call->api->view_url, ticket);
	jw_obj(&jw);
	jw_kstr(&jw, "url", url);
	jw_ktime(&jw, "expiresAt", until);
	jw_end_obj(&jw);
	call->status = 201;
	return call_written(call, &jw, err);
}

void
run_view(struct call *call)
{
	call_read(call, read_view, NULL);
}

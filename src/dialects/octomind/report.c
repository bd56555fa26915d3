/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports from jobs and runs. A result is one unit: the case at its place in
 * extra.octomind.cases, and the attempt that decided it. Behind a gate the runs are those of
 * the flow's child.
 */
#include "dialects/octomind/report.h"

#include <string.h>

#include "api/ticket.h"
#include "api/view.h"
#include "base/clock.h"
#include "core/flow.h"
#include "core/run.h"

#define REPORT_KEEP_MS DAYS_MS(7) /* a pull request lives longer than a working day */

enum {
	PAGE_RUNS = 1000,
	PAGE_REPORTS = 20,
	REPORTS_LOOKED_MAX = 2000, /* jobs that a filter is tried on for one page */
	NOTIFICATIONS_MAX = 50,
};

struct report {
	struct call *call;
	struct store_reader *reader;
	struct arena arena; /* of this report: a page has many */
	const struct job *job;
	const struct octo_target *target;
	json_t *own;                /* extra.octomind; owned */
	const struct job *work;     /* that has the runs; NULL: not made yet */
	const struct run **last;    /* by place of the case; NULL: nothing decided yet */
	struct artifact *artifacts; /* of all runs */
	size_t n_artifacts;
	bool is_final;
	const char *why; /* of a report as a whole; NULL: nothing went wrong with it */
};

/* --- Loading --- */

static json_t *
own_of(struct str options)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *tree = options.n > 0
		? json_read(options.p, options.n, JSON_DEPTH_MAX, &ignored)
		: NULL;

	return json_incref(json_object_get(json_object_get(tree, "extra"), "octomind"));
}

/* What the stage that failed the flow says; "" when it says nothing. */
static const char *
stage_error(struct report *report)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(RESPONSE_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *stages = NULL;
	struct err ignored;
	json_t *stage;
	struct jw jw;
	size_t i;

	jw_init(&jw, &text);
	if (!report->job->flow || !report->job->plan ||
		flow_stages_write(&jw, report->job, &report->arena, &ignored) < 0 ||
		jw_done(&jw) < 0)
		return "";
	stages = json_read(buf_text(&text), text.len, 2 * JSON_DEPTH_MAX, &ignored);
	json_array_foreach(stages, i, stage)
	{
		const char *error = json_string_value(json_object_get(stage, "error"));
		json_t *condition = json_array_get(json_object_get(stage, "conditions"), 0);
		json_t *value = json_object_get(condition, "lastValue");
		_cleanup_free_ char *seen =
			value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

		if (error && json_is_true(json_object_get(stage, "failedFlow")))
			return arena_printf(&report->arena, ": %s%s%.200s", error,
				seen ? "; seen was " : "", seen ? seen : "");
	}
	return "";
}

/* Why a job ended in which no test decided. */
static const char *
why_of(struct report *report)
{
	const struct job *job = report->job;
	static const char *const texts[JOB_REASON_COUNT] = {
		[JOB_REASON_TIMEOUT] = "the execution took too long",
		[JOB_REASON_RUNNER_ERROR] = "tests could not be carried out",
		[JOB_REASON_WORKER_LOST] = "the machine that ran the tests was lost",
		[JOB_REASON_STOPPED] = "the execution was stopped",
		[JOB_REASON_CANCELLED] = "the execution was cancelled",
		[JOB_REASON_INVALID_DEFINITION] = "a test is not as it should be",
		[JOB_REASON_WAIT_FAILED] = "the gate failed: what was waited for cannot come "
					   "any more",
		[JOB_REASON_WAIT_TIMED_OUT] = "the gate did not open in time",
		[JOB_REASON_REJECTED] = "the approval was refused",
		[JOB_REASON_EXPIRED] = "the execution did not begin in time",
		[JOB_REASON_SUPERSEDED] = "a newer execution took its place",
	};
	const char *said = json_string_value(json_object_get(report->own, "errorMessage"));

	if (said)
		return said;
	if (job->state == JOB_FAILED && job->reason == JOB_REASON_WAIT_FAILED)
		return arena_printf(
			&report->arena, "%s%s", texts[job->reason], stage_error(report));
	return job_state_is_final(job->state) ? texts[job->reason] : NULL;
}

/* The job of a flow's second stage: the newest attempt. */
static int
find_work(struct report *report, struct err *err)
{
	struct call *call = report->call;
	const struct job_filter filter = {
		.project = call->project,
		.parent = report->job->id,
		.sort = JOB_SORT_CREATED,
		.descending = true,
		.limit = 1,
	};
	struct job_page page;

	report->work = report->job;
	if (!report->job->flow)
		return 0;
	if (read_jobs(report->reader, &filter, &report->arena, &page, err) < 0)
		return -1;
	report->work = page.n > 0 ? page.items[0] : NULL;
	return 0;
}

static int
find_runs(struct report *report, size_t n_cases, struct err *err)
{
	struct run_filter filter = {
		.job_seq = report->work->seq,
		.incarnation = report->work->incarnation,
		.test = -1,
		.only_last = true,
		.limit = PAGE_RUNS,
	};
	struct run *runs;
	size_t n;

	do {
		if (read_runs(report->reader, &filter, &report->arena, &runs, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (runs[i].test >= 0 && (size_t)runs[i].test < n_cases &&
				runs[i].state == RUN_FINISHED)
				report->last[runs[i].test] = &runs[i];
		filter.after_seq = n > 0 ? runs[n - 1].seq : 0;
	} while (n == PAGE_RUNS);
	return read_artifacts(report->reader, report->work->seq, 0, &report->arena,
		&report->artifacts, &report->n_artifacts, err);
}

/* --- One result --- */

static const char *
result_status(const struct report *report, const struct run *run)
{
	if (!run)
		return report->is_final ? "FAILED" : "WAITING";
	switch (run->outcome) {
	case OUTCOME_PASSED:
	case OUTCOME_SKIPPED:
		return "PASSED";
	case OUTCOME_ERRORED:
		return "ERROR";
	case OUTCOME_NONE:
	case OUTCOME_FAILED:
	case OUTCOME_CANCELLED:
	case OUTCOME_TIMED_OUT:
	case OUTCOME_COUNT:
		break;
	}
	return "FAILED";
}

/* Version 8: of the job and the place, so that it is known before anything ran. */
static void
result_id(const struct job *job, size_t place, struct uuid *ret)
{
	*ret = job->id.u;
	for (size_t i = 0; i < 4; i++)
		ret->b[12 + i] ^= (uint8_t)((place + 1) >> (8 * i));
	ret->b[6] = (uint8_t)(0x80 | (ret->b[6] & 0x0f));
}

static const char *
result_error(struct report *report, const struct run *run)
{
	struct err ignored;
	const char *text;

	if (!run)
		return report->is_final ? (report->why ? report->why : "the test did not run")
					: NULL;
	if (run->outcome == OUTCOME_PASSED || run->outcome == OUTCOME_SKIPPED)
		return NULL;
	_cleanup_(json_unrefp) json_t *error = run->error
		? json_read(run->error, strlen(run->error), JSON_DEPTH_MAX, &ignored)
		: NULL;

	text = json_string_value(json_object_get(error, "message"));
	if (text)
		return arena_strdup(&report->arena, text);
	if (run->outcome == OUTCOME_TIMED_OUT)
		return "the test took too long";
	if (run->outcome == OUTCOME_CANCELLED)
		return "the test was cancelled";
	return run->reason ? run->reason : run_outcome_name(run->outcome);
}

/* The file that tells most, first. */
static int
rank_of_file(const struct artifact *artifact)
{
	static const char *const kinds[] = { "trace", "report", "video", "snapshot",
		"screenshot" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (artifact->kind && strcmp(artifact->kind, kinds[i]) == 0)
			return (int)i;
	return (int)ARRAY_LEN(kinds);
}

static void
add_percent(struct buf *out, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	/* Names of files have 255 bytes at most: the buffer has room for three times that. */
	for (; *name; name++) {
		if (strchr(plain, *name))
			(void)!buf_addc(out, *name);
		else
			(void)!buf_addf(out, "%%%02X", (unsigned char)*name);
	}
}

static const char *
trace_url(struct report *report, const struct run *run)
{
	_cleanup_(buf_deinit) struct buf url = BUF_INIT(KIB(4));
	const struct api *api = report->call->api;
	const struct artifact *best = NULL;
	char ticket[TICKET_TEXT_MAX];

	for (size_t i = 0; run && i < report->n_artifacts; i++) {
		const struct artifact *artifact = &report->artifacts[i];

		if (artifact->run_seq == run->seq &&
			(!best || rank_of_file(artifact) < rank_of_file(best)))
			best = artifact;
	}
	if (!best)
		return NULL;
	ticket_make(api->ticket_key, report->call->project, &run->id,
		clock_wall_ms() + TICKET_KEEP_MS, ticket);
	if (buf_addf(&url, "%s/view/%s/", api->view_url, ticket) < 0)
		return NULL;
	add_percent(&url, best->name);
	return arena_strndup(&report->arena, url.data, url.len);
}

static void
write_id(struct jw *jw, const char *key, json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));

	jw_kstr(jw, key, text ? text : "");
}

static void
write_result(struct jw *jw, struct report *report, size_t place, json_t *item)
{
	const struct run *run = report->last[place];
	const struct job *job = report->job;
	const char *error = result_error(report, run);
	struct uuid id;

	result_id(job, place, &id);
	jw_obj(jw);
	jw_kuuid(jw, "id", &id);
	jw_kuuid(jw, "testTargetId", &report->target->project->id);
	jw_kuuid(jw, "testReportId", &job->id.u);
	write_id(jw, "testCaseId", item, "id");
	write_id(jw, "testCaseVersionId", item, "versionId");
	jw_ktime(jw, "createdAt", job->created_ms);
	jw_ktime(jw, "updatedAt", run ? run->finished_ms : job->updated_ms);
	jw_kstr(jw, "status", result_status(report, run));
	jw_kstr_opt(jw, "errorMessage", error);
	jw_kstr_opt(jw, "error", error);
	jw_kstr_opt(jw, "traceUrl", trace_url(report, run));
	if (run)
		jw_ki64(jw, "duration", run->duration_ms);
	jw_karr(jw, "steps");
	jw_end_arr(jw);
	write_id(jw, "breakpoint", report->own, "breakpoint");
	write_id(jw, "browser", report->own, "browser");
	jw_end_obj(jw);
}

/* --- The report --- */

static const char *
report_status(const struct report *report)
{
	if (json_object_get(report->own, "errorMessage"))
		return "FAILED";
	if (!report->is_final)
		return "WAITING";
	return report->job->state == JOB_COMPLETED ? "PASSED" : "FAILED";
}

static void
write_report(struct jw *jw, struct report *report, json_t *cases)
{
	const char *status = report_status(report);
	size_t index;
	json_t *item;

	jw_obj(jw);
	jw_kuuid(jw, "id", &report->job->id.u);
	jw_kuuid(jw, "testTargetId", &report->target->project->id);
	jw_ktime(jw, "createdAt", report->job->created_ms);
	jw_ktime(jw, "updatedAt", report->job->updated_ms);
	write_id(jw, "executionUrl", report->own, "executionUrl");
	jw_kstr(jw, "status", status);
	if (strcmp(status, "FAILED") == 0)
		jw_kstr_opt(jw, "errorMessage", report->why);
	jw_key(jw, "context");
	jw_tree(jw, json_object_get(report->own, "context"));
	write_id(jw, "breakpoint", report->own, "breakpoint");
	write_id(jw, "browser", report->own, "browser");
	if (json_object_get(report->own, "environmentId"))
		write_id(jw, "environmentId", report->own, "environmentId");
	jw_karr(jw, "testResults");
	json_array_foreach(cases, index, item)
	{
		write_result(jw, report, index, item);
	}
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static int
load_and_write(struct report *report, struct jw *jw, struct err *err)
{
	json_t *cases = json_object_get(report->own, "cases");
	size_t n = json_array_size(cases);

	report->is_final = job_state_is_final(report->job->state);
	report->why = why_of(report);
	report->last = arena_calloc(&report->arena, n + 1, sizeof *report->last);
	if (!report->last)
		return err_set(err, ERR_LIMIT, "the report is too large");
	if (find_work(report, err) < 0 || (report->work && find_runs(report, n, err) < 0))
		return -1;
	write_report(jw, report, cases);
	return 0;
}

int
octo_report_write(struct call *call, struct store_reader *reader, const struct job *job,
	const struct octo_target *target, struct jw *jw, struct err *err)
{
	struct report report = { .call = call, .reader = reader, .job = job, .target = target };
	struct str options = { 0 };

	arena_init(&report.arena, ARENA_REQUEST_BYTES_MAX);
	int r = read_job_options(reader, job->seq, &report.arena, &options, err);

	if (r >= 0) {
		report.own = own_of(options);
		r = load_and_write(&report, jw, err);
	}
	json_decref(report.own);
	arena_deinit(&report.arena);
	return r;
}

/* The report of the path, and its target. */
static int
find_report(struct call *call, struct store_reader *reader, struct octo_target *ret_target,
	struct job **ret, struct err *err)
{
	struct job_id id;
	struct str options;
	int r;

	if (octo_target(call, call->arg[0], ret_target, err) < 0 ||
		call_uuid(call->arg[1], "test report", &id.u, err) < 0)
		return -1;
	r = read_job(reader, call->project, id, call->arena, ret, err);
	if (r == 0)
		r = read_job_options(reader, (*ret)->seq, call->arena, &options, err);
	if (r < 0)
		return -1;
	_cleanup_(json_unrefp) json_t *own = r == 0 ? own_of(options) : NULL;

	if (!json_is_true(json_object_get(own, "report")))
		return err_set(
			err, ERR_NOT_FOUND, "there is no test report \"%.60s\"", call->arg[1]);
	return 0;
}

int
octo_report_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct job *job;
	struct jw jw = call_jw(call);

	if (find_report(call, reader, &target, &job, err) < 0 ||
		octo_report_write(call, reader, job, &target, &jw, err) < 0)
		return -1;
	return call_written(call, &jw, err);
}

/* Clients print it for people to click on, who have no token at hand. */
const char *
octo_report_url(const struct call *call, const struct job *job)
{
	const struct run_id id = { .u = job->id.u };
	char ticket[TICKET_TEXT_MAX];

	ticket_make(call->api->ticket_key, call->project, &id, clock_wall_ms() + REPORT_KEEP_MS,
		ticket);
	return arena_printf(
		call->arena, "%s/view/%s/" VIEW_REPORT, call->api->view_url, ticket);
}

/* The page that people are sent to is the native report. */
int
octo_report_page(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct job *job;
	char project[UUID_TEXT_LEN + 1], id[UUID_TEXT_LEN + 1];

	if (find_report(call, reader, &target, &job, err) < 0)
		return -1;
	uuid_format(&target.project->id, project);
	uuid_format(&job->id.u, id);
	const char *url = arena_printf(call->arena, "%s/api/v1/jobs/%s/report?project=%s",
		octo_base_url(call), id, project);

	if (!url)
		return err_set(err, ERR_LIMIT, "the address is too long");
	http_header_add(call->req, "Location", url);
	call->status = 302;
	call->is_done = true;
	return 0;
}

/* --- Lists --- */

struct listing {
	struct job_filter filter;
	const char *environment, *status; /* or NULL */
};

static const char *const report_tags[] = { OCTO_REPORT_TAG };

/* { key, operator, value } or { key, value: { operator, value } }. */
static void
take_condition(json_t *item, const struct octo_at *at, struct listing *listing,
	struct octo_issues *issues)
{
	const char *key = json_string_value(json_object_get(item, "key"));
	json_t *value = json_object_get(item, "value");
	json_t *operator= json_object_get(item, "operator");

	if (json_is_object(value)) {
		operator= json_object_get(value, "operator");
		value = json_object_get(value, "value");
	}
	if (!key || !json_is_string(value)) {
		octo_issues_type(issues, at, "object", item);
	} else if (json_is_string(operator) &&
		strcasecmp(json_string_value(operator), "equals") != 0) {
		octo_issues_add(issues, at, "invalid_enum_value", "EQUALS",
			json_string_value(operator), "EQUALS is the only operator");
	} else if (strcmp(key, "environmentId") == 0) {
		listing->environment = json_string_value(value);
	} else if (strcmp(key, "status") == 0) {
		listing->status = json_string_value(value);
	} else {
		octo_issues_add(issues, at, "unrecognized_keys", "", key,
			"there is no key \"%.60s\" to filter by", key);
	}
}

static void
take_conditions(
	json_t *list, const char *name, struct listing *listing, struct octo_issues *issues)
{
	const struct octo_at *at = OCTO_MEMBER(NULL, name);
	size_t index;
	json_t *item;

	if (!list)
		return;
	if (!json_is_array(list))
		octo_issues_type(issues, at, "array", list);
	json_array_foreach(list, index, item)
	{
		take_condition(item, OCTO_ITEM(at, index), listing, issues);
	}
}

static void
take_key(json_t *key, struct listing *listing, struct octo_issues *issues)
{
	struct page_key {
		int64_t created_ms;
	} in = { 0 };
	static const struct json_field fields[] = {
		{ .name = "createdAt", .kind = FIELD_INSTANT, .min = 1, .max = INT64_MAX },
		{ 0 },
	};
	struct issues native = { .arena = issues->arena };

	if (!key)
		return;
	if (json_decode(key, fields, &in, "", &native) < 0)
		octo_issues_type(issues, OCTO_MEMBER(NULL, "key"), "{ createdAt }", key);
	listing->filter.created_before_ms = in.created_ms;
}

static bool
is_text(json_t *own, const char *name, const char *wanted)
{
	const char *text = json_string_value(json_object_get(own, name));

	return !wanted || (text && strcmp(text, wanted) == 0);
}

/* Whether the job is a report that the listing wants. */
static int
is_wanted(struct call *call, struct store_reader *reader, const struct job *job,
	const struct listing *listing, struct err *err)
{
	struct report report = { .job = job, .is_final = job_state_is_final(job->state) };
	struct str options = { 0 };

	if (read_job_options(reader, job->seq, call->arena, &options, err) < 0)
		return -1;
	_cleanup_(json_unrefp) json_t *own = own_of(options);

	report.own = own;
	return json_is_true(json_object_get(own, "report")) &&
		is_text(own, "environmentId", listing->environment) &&
		(!listing->status || strcmp(report_status(&report), listing->status) == 0);
}

/* Jobs of one page of reports, and one more when there is one. A page ends between two times:
 * the time of its last report is the key of the next. */
static int
collect(struct call *call, struct store_reader *reader, struct listing *listing, size_t want,
	struct job **ret, size_t *ret_n, bool *ret_more, struct err *err)
{
	struct job_page page;
	size_t n = 0, looked = 0;

	*ret_more = false;
	listing->filter.limit = 2 * want;
	do {
		if (read_jobs(reader, &listing->filter, call->arena, &page, err) < 0)
			return -1;
		for (size_t i = 0; i < page.n; i++) {
			struct job *job = page.items[i];
			int r = is_wanted(call, reader, job, listing, err);

			if (r < 0)
				return -1;
			looked++;
			if (n >= want && ret[n - 1]->created_ms != job->created_ms) {
				*ret_more = true;
				*ret_n = n;
				return 0;
			}
			if (r > 0 && n < 2 * want)
				ret[n++] = job;
		}
		listing->filter.cursor = str_of(page.next_cursor);
	} while (page.next_cursor && looked < REPORTS_LOOKED_MAX);
	*ret_more = page.next_cursor != NULL && n > 0;
	*ret_n = n;
	return 0;
}

static void
listing_init(struct listing *listing, const struct call *call)
{
	*listing = (struct listing) { .filter = {
					      .project = call->project,
					      .tags = report_tags,
					      .n_tags = 1,
					      .sort = JOB_SORT_CREATED,
					      .descending = true,
				      } };
}

static int
write_page(struct call *call, struct store_reader *reader, const struct octo_target *target,
	struct listing *listing, struct err *err)
{
	struct job *jobs[2 * PAGE_REPORTS];
	size_t n;
	bool has_more;
	struct jw jw = call_jw(call);

	if (collect(call, reader, listing, PAGE_REPORTS, jobs, &n, &has_more, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "data");
	for (size_t i = 0; i < n; i++)
		if (octo_report_write(call, reader, jobs[i], target, &jw, err) < 0)
			return -1;
	jw_end_arr(&jw);
	if (n > 0) {
		jw_kobj(&jw, "key");
		jw_ktime(&jw, "createdAt", jobs[n - 1]->created_ms);
		jw_end_obj(&jw);
	}
	jw_kbool(&jw, "hasNextPage", has_more);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
octo_reports_list(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_issues issues = { .arena = call->arena };
	_cleanup_(json_unrefp) json_t *key = octo_json_param(call, "key", &issues);
	_cleanup_(json_unrefp) json_t *filter = octo_json_param(call, "filter", &issues);
	_cleanup_(json_unrefp) json_t *filters = octo_json_param(call, "filters", &issues);
	struct octo_target target;
	struct listing listing;

	if (octo_target(call, call->arg[0], &target, err) < 0)
		return -1;
	listing_init(&listing, call);
	take_key(key, &listing, &issues);
	take_conditions(filter, "filter", &listing, &issues);
	take_conditions(filters, "filters", &listing, &issues);
	if (issues.n > 0)
		return octo_refuse_read(call, &issues, err);
	return write_page(call, reader, &target, &listing, err);
}

/* --- Notifications --- */

static void
write_notification(struct jw *jw, const struct job *job, const struct octo_target *target)
{
	struct uuid id;

	result_id(job, SIZE_MAX - 1, &id); /* no place of a case */
	jw_obj(jw);
	jw_kuuid(jw, "id", &id);
	jw_kuuid(jw, "testTargetId", &target->project->id);
	jw_ktime(jw, "createdAt", job->completed_ms ? job->completed_ms : job->updated_ms);
	jw_ktime(jw, "updatedAt", job->completed_ms ? job->completed_ms : job->updated_ms);
	jw_kobj(jw, "payload");
	jw_kuuid(jw, "testReportId", &job->id.u);
	jw_kbool(jw, "failed", job->state != JOB_COMPLETED);
	jw_end_obj(jw);
	jw_kstr(jw, "type", "REPORT_EXECUTION_FINISHED");
	jw_knull(jw, "ack");
	jw_end_obj(jw);
}

int
octo_notifications(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct listing listing;
	struct job_page page;
	struct jw jw = call_jw(call);

	if (octo_target(call, call->arg[0], &target, err) < 0)
		return -1;
	listing_init(&listing, call);
	listing.filter.sort = JOB_SORT_COMPLETED;
	listing.filter.limit = NOTIFICATIONS_MAX;
	for (int i = 0; i < JOB_STATE_COUNT; i++)
		if (job_state_is_final((enum job_state)i))
			listing.filter.states |= UINT32_C(1) << i;
	if (read_jobs(reader, &listing.filter, call->arena, &page, err) < 0)
		return -1;
	jw_arr(&jw);
	for (size_t i = 0; i < page.n; i++)
		write_notification(&jw, page.items[i], &target);
	jw_end_arr(&jw);
	return call_written(call, &jw, err);
}

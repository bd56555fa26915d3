/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of exactly the jobs that are named or match: from their rows, not from cells. */
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "api/stats_json.h"

enum { SHOWN_MAX = 10 };

struct analyze_in {
	struct strs ids;
	json_t *filter;
};

#define ANALYZE(member) .offset = offsetof(struct analyze_in, member)
/* clang-format off */
const struct json_field analyze_fields[] = {
	{ .name = "ids", .kind = FIELD_STRS, ANALYZE(ids), .min = 1, .max = STAT_JOBS_MAX, .item_max = 40 },
	{ .name = "filter", .kind = FIELD_OBJ, ANALYZE(filter) },
	{ 0 },
};
/* clang-format on */

struct analysis {
	struct call *call;
	struct stat_sum sum; /* of those that ended */
	int64_t n;
	int64_t open[JOB_STATE_COUNT]; /* the others */
	UOW_ARRAY(const char *) missing;
	UOW_ARRAY(const struct job *) ended;
};

static void
take(struct analysis *analysis, const struct job *job)
{
	analysis->n++;
	if (!job_state_is_final(job->state)) {
		analysis->open[job->state]++;
		return;
	}
	stat_sum_add_job(&analysis->sum, job);
	UOW_PUSH_IN(analysis->call->arena, &analysis->ended, job);
}

static int
take_ids(struct analysis *analysis, struct store_reader *reader, const struct strs *ids,
	struct err *err)
{
	struct call *call = analysis->call;

	for (size_t i = 0; i < ids->n; i++) {
		struct job_id id;
		struct job *job;
		int rc = uuid_parse(str_of(ids->item[i]), &id.u) < 0
			? STORE_NONE
			: read_job(reader, call->project, id, call->arena, &job, err);

		if (rc < 0)
			return -1;
		if (rc == STORE_NONE)
			UOW_PUSH_IN(call->arena, &analysis->missing, ids->item[i]);
		else
			take(analysis, job);
	}
	return 0;
}

static int
take_matching(struct analysis *analysis, struct store_reader *reader, struct err *err)
{
	struct call *call = analysis->call;
	struct job_filter filter;
	struct job_page page = { 0 };
	int rc = jobs_query_filter(call, reader, &filter, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	filter.limit = PAGE_MAX;
	do {
		if (read_jobs(reader, &filter, call->arena, &page, err) < 0)
			return -1;
		if (analysis->n + (int64_t)page.n > STAT_JOBS_MAX)
			return err_set(err, ERR_INVALID,
				"more than %d jobs match: /stats/jobs adds up any number",
				STAT_JOBS_MAX);
		for (size_t i = 0; i < page.n; i++)
			take(analysis, page.items[i]);
		filter.cursor = str_of(page.next_cursor);
	} while (page.next_cursor);
	return 0;
}

static int64_t
run_ms(const struct job *job)
{
	return job->started_ms > 0 ? job->completed_ms - job->started_ms : 0;
}

static int
slowest_first(const void *a, const void *b)
{
	const struct job *x = *(const struct job *const *)a, *y = *(const struct job *const *)b;

	if (run_ms(x) != run_ms(y))
		return run_ms(x) < run_ms(y) ? 1 : -1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static void
write_brief(struct jw *jw, const struct job *job)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &job->id.u);
	jw_kstr_opt(jw, "name", job->name);
	jw_kstr(jw, "status", job_state_name(job->state));
	jw_kstr_opt(jw, "reason", job_reason_name(job->reason));
	jw_ki64(jw, "runMs", run_ms(job));
	jw_ktime(jw, "completedAt", job->completed_ms);
	jw_end_obj(jw);
}

static void
write_lists(struct jw *jw, struct analysis *analysis)
{
	size_t n = analysis->ended.n, shown = 0;

	if (n > 1)
		qsort(analysis->ended.item, n, sizeof *analysis->ended.item, slowest_first);
	jw_karr(jw, "slowest");
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
		write_brief(jw, analysis->ended.item[i]);
	jw_end_arr(jw);
	jw_karr(jw, "failures");
	for (size_t i = 0; i < n && shown < SHOWN_MAX; i++) {
		const struct job *job = analysis->ended.item[i];

		if (job->state != JOB_FAILED && job->state != JOB_INVALID)
			continue;
		write_brief(jw, job);
		shown++;
	}
	jw_end_arr(jw);
	jw_karr(jw, "missing");
	for (size_t i = 0; i < analysis->missing.n; i++)
		jw_str(jw, analysis->missing.item[i]);
	jw_end_arr(jw);
}

static int
read_analysis(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct analyze_in *in = call->state;
	struct analysis analysis = { .call = call };
	struct jw jw = call_jw(call);

	stat_sum_init(&analysis.sum, call->arena);
	if (in->filter ? take_matching(&analysis, reader, err) < 0
		       : take_ids(&analysis, reader, &in->ids, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_ki64(&jw, "jobs", analysis.n);
	jw_kobj(&jw, "open");
	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		if (analysis.open[i] > 0)
			jw_ki64(&jw, job_state_name((enum job_state)i), analysis.open[i]);
	}
	jw_end_obj(&jw);
	figures_write(&jw, &analysis.sum, STAT_JOB);
	write_lists(&jw, &analysis);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

void
stats_analyze(struct call *call)
{
	struct analyze_in *in = arena_xalloc(call->arena, sizeof *in);

	*in = (struct analyze_in) { 0 };
	if (json_decode(call->json, analyze_fields, in, "", &call->issues) == 0 &&
		(in->ids.n > 0) == (in->filter != NULL))
		issues_add(&call->issues, "/ids", ISSUE_MISSING, "either ids or a filter");
	if (call->issues.n == 0 && in->filter) {
		struct jobs_query *query = arena_xalloc(call->arena, sizeof *query);

		*query = jobs_query_defaults;
		call->query = query;
		(void)(json_decode(in->filter, jobs_query_fields, query, "/filter",
			       &call->issues) < 0); /* what is wrong is among the issues */
	}
	if (call->issues.n > 0) {
		call_issues(call);
		return;
	}
	call->state = in;
	call_read(call, read_analysis, NULL);
}

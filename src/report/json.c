/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON: the model as it is, with the API's names. */
#include <string.h>

#include "base/json.h"
#include "report/writers.h"

static void
put_counts(struct jw *jw, const char *key, const struct job_counts *counts)
{
	jw_kobj(jw, key);
	jw_ki64(jw, "passed", counts->passed);
	jw_ki64(jw, "failed", counts->failed);
	jw_ki64(jw, "errored", counts->errored);
	jw_ki64(jw, "timedOut", counts->timed_out);
	jw_ki64(jw, "cancelled", counts->cancelled);
	jw_ki64(jw, "skipped", counts->skipped);
	jw_ki64(jw, "flaky", counts->flaky);
	jw_ki64(jw, "quarantined", counts->quarantined);
	jw_end_obj(jw);
}

static void
put_error(struct jw *jw, const struct report_error *error)
{
	if (!error)
		return;
	jw_kobj(jw, "error");
	jw_kstr(jw, "message", error->message);
	jw_kstr_opt(jw, "file", error->file);
	if (error->line > 0)
		jw_ki64(jw, "line", error->line);
	if (error->column > 0)
		jw_ki64(jw, "column", error->column);
	jw_kstr_opt(jw, "snippet", error->snippet);
	jw_kstr_opt(jw, "expected", error->expected);
	jw_kstr_opt(jw, "actual", error->actual);
	jw_kstr_opt(jw, "stack", error->stack);
	jw_kstr_opt(jw, "screenshot", error->screenshot);
	jw_end_obj(jw);
}

static void
put_steps(struct jw *jw, const struct report_step *steps, size_t n)
{
	if (n == 0)
		return;
	jw_karr(jw, "steps");
	for (size_t i = 0; i < n; i++) {
		jw_obj(jw);
		jw_kstr(jw, "title", steps[i].title);
		jw_kstr(jw, "status", steps[i].status);
		if (steps[i].attempt > 1)
			jw_ki64(jw, "attempt", steps[i].attempt);
		if (steps[i].duration_ms >= 0)
			jw_ki64(jw, "durationMs", steps[i].duration_ms);
		put_error(jw, steps[i].error);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

static void
put_case(struct jw *jw, const struct report_case *one)
{
	jw_obj(jw);
	jw_kstr(jw, "id", one->id);
	jw_kstr(jw, "title", one->title);
	if (one->path[0])
		jw_kstr(jw, "path", one->path);
	jw_kstr(jw, "status", one->status);
	jw_kstr_opt(jw, "file", one->file);
	if (one->line > 0)
		jw_ki64(jw, "line", one->line);
	jw_ki64(jw, "attempts", one->attempts);
	if (one->duration_ms >= 0)
		jw_ki64(jw, "durationMs", one->duration_ms);
	put_error(jw, one->error);
	put_steps(jw, one->steps, one->n_steps);
	jw_end_obj(jw);
}

static void
put_artifacts(struct jw *jw, const struct report_run *run)
{
	if (run->n_artifacts == 0)
		return;
	jw_karr(jw, "artifacts");
	for (size_t i = 0; i < run->n_artifacts; i++) {
		const struct artifact *row = run->artifacts[i].row;
		jw_obj(jw);
		jw_kstr(jw, "name", row->name);
		jw_kstr(jw, "kind", row->kind);
		jw_kstr(jw, "contentType", row->content_type);
		jw_ki64(jw, "size", row->size);
		jw_kstr_opt(jw, "case", row->case_id);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

static void
put_run(struct jw *jw, const struct report_run *run)
{
	jw_obj(jw);
	jw_kstr(jw, "id", run->id);
	jw_ki64(jw, "attempt", run->row->attempt);
	jw_kstr(jw, "outcome", run->outcome);
	jw_kstr_opt(jw, "reason", run->row->reason);
	jw_kstr_opt(jw, "worker", run->worker);
	if (run->row->losses > 0)
		jw_ki64(jw, "losses", run->row->losses);
	jw_kstr_opt(jw, "lostReason", run->lost_reason);
	jw_ktime(jw, "startedAt", run->start_ms);
	jw_ktime(jw, "finishedAt", run->end_ms);
	if (run->end_ms > 0)
		jw_ki64(jw, "durationMs", run->row->duration_ms);
	put_error(jw, run->error);
	if (run->n_cases > 0) {
		jw_karr(jw, "cases");
		for (size_t i = 0; i < run->n_cases; i++)
			put_case(jw, &run->cases[i]);
		jw_end_arr(jw);
	}
	put_steps(jw, run->steps, run->n_steps);
	if (run->n_warnings > 0) {
		jw_karr(jw, "warnings");
		for (size_t i = 0; i < run->n_warnings; i++)
			jw_str(jw, run->warnings[i]);
		jw_end_arr(jw);
	}
	put_artifacts(jw, run);
	jw_kraw(jw, "output", run->output);
	jw_end_obj(jw);
}

/* Place in the order of release, group by group. */
static void
put_order(struct jw *jw, const struct report_model *model, const struct report_test *test,
	const struct report_unit *unit)
{
	int64_t start_n = unit->attempts[0]->row->start_n;

	if (start_n > 0 && (size_t)test->index < model->n_tests)
		jw_ki64(jw, "startOrder", start_n);
}

static void
put_test(struct jw *jw, const struct report_model *model, const struct report_test *test)
{
	jw_obj(jw);
	jw_kstr(jw, "name", test->name);
	jw_kstr(jw, "kind", test->kind);
	jw_kstr_opt(jw, "fixture", test->fixture);
	put_counts(jw, "counts", &test->counts);
	if (test->n_not_run > 0)
		jw_ki64(jw, "notRun", test->n_not_run);
	jw_karr(jw, "units");
	for (size_t i = 0; i < test->n_units; i++) {
		const struct report_unit *unit = &test->units[i];
		jw_obj(jw);
		jw_ki64(jw, "iteration", unit->iteration);
		jw_kstr_opt(jw, "target", unit->target);
		jw_kstr(jw, "outcome", unit->outcome);
		jw_kbool(jw, "flaky", unit->is_flaky);
		if (unit->is_unstable)
			jw_kbool(jw, "unstable", true);
		if (unit->is_quarantined)
			jw_kbool(jw, "quarantined", true);
		put_order(jw, model, test, unit);
		jw_karr(jw, "runs");
		for (size_t a = 0; a < unit->n_attempts; a++)
			put_run(jw, unit->attempts[a]);
		jw_end_arr(jw);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static void
put_left_out(struct jw *jw, const struct report_left_out *left_out)
{
	if (left_out->runs > 0)
		jw_ki64(jw, "runsLeftOut", left_out->runs);
	if (left_out->cases > 0)
		jw_ki64(jw, "casesLeftOut", left_out->cases);
	if (left_out->steps > 0)
		jw_ki64(jw, "stepsLeftOut", left_out->steps);
	if (left_out->warnings > 0)
		jw_ki64(jw, "warningsLeftOut", left_out->warnings);
	if (left_out->outputs > 0)
		jw_ki64(jw, "outputsLeftOut", left_out->outputs);
	if (left_out->files > 0)
		jw_ki64(jw, "artifactsLeftOut", left_out->files);
}

static void put_stages(struct jw *jw, const struct report_model *model);

static void
put_looks(struct jw *jw, const struct report_stage *stage)
{
	jw_karr(jw, "observations");
	for (size_t i = 0; i < stage->n_looks; i++) {
		const struct report_look *look = &stage->looks[i];

		jw_obj(jw);
		jw_ktime(jw, "at", look->at_ms);
		jw_ki64(jw, "n", look->n);
		jw_kstr_opt(jw, "kind", look->kind);
		if (look->status > 0)
			jw_ki64(jw, "status", look->status);
		jw_kstr_opt(jw, "value", look->value);
		jw_kstr_opt(jw, "error", look->error);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
	if (stage->n_more_looks > 0)
		jw_ki64(jw, "observationsLeftOut", stage->n_more_looks);
}

static void
put_job(struct jw *jw, const struct report_model *job)
{
	jw_obj(jw);
	jw_kstr(jw, "id", job->id);
	jw_kstr(jw, "name", job->job->name);
	jw_kstr(jw, "status", job->status);
	jw_kstr_opt(jw, "reason", job->reason);
	jw_ki64(jw, "item", job->job->stage_item);
	jw_ki64(jw, "attempt", job->job->stage_attempt);
	if (job->is_past)
		jw_kbool(jw, "earlier", true);
	put_counts(jw, "results", &job->results);
	jw_karr(jw, "tests");
	for (size_t i = 0; i < job->n_tests; i++)
		put_test(jw, job, &job->tests[i]);
	jw_end_arr(jw);
	put_stages(jw, job);
	jw_end_obj(jw);
}

static void
put_stages(struct jw *jw, const struct report_model *model)
{
	if (model->n_stages == 0)
		return;
	jw_karr(jw, "stages");
	for (size_t i = 0; i < model->n_stages; i++) {
		const struct report_stage *stage = &model->stages[i];

		jw_obj(jw);
		jw_kstr(jw, "name", stage->name);
		jw_kstr(jw, "kind", stage->is_wait ? "wait" : "run");
		jw_kstr(jw, "state", stage->state);
		jw_kstr_opt(jw, "error", stage->error);
		jw_ktime(jw, "startedAt", stage->start_ms);
		jw_ktime(jw, "endedAt", stage->end_ms);
		if (stage->is_wait)
			put_looks(jw, stage);
		jw_karr(jw, "jobs");
		for (size_t k = 0; k < stage->n_jobs; k++)
			put_job(jw, stage->jobs[k]);
		jw_end_arr(jw);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
	if (model->n_more_jobs > 0)
		jw_ki64(jw, "jobsLeftOut", model->n_more_jobs);
}

int
report_write_json(
	const struct report_model *model, const struct report_options *options, struct buf *out)
{
	const struct job *job = model->job;
	struct jw jw;

	(void)options;
	jw_init(&jw, out);
	jw_obj(&jw);
	jw_kstr(&jw, "id", model->id);
	jw_kstr(&jw, "name", job->name);
	jw_kstr(&jw, "status", model->status);
	jw_kstr_opt(&jw, "reason", model->reason);
	jw_ki64(&jw, "incarnation", job->incarnation);
	jw_ktime(&jw, "createdAt", job->created_ms);
	jw_ktime(&jw, "startedAt", job->started_ms);
	jw_ktime(&jw, "completedAt", job->completed_ms);
	jw_ktime(&jw, "reportedAt", model->now_ms);
	if (job->completed_ms > 0 && job->started_ms > 0)
		jw_ki64(&jw, "runMs", job->completed_ms - job->started_ms);
	put_counts(&jw, "counts", &job->counts);
	put_counts(&jw, "results", &model->results);
	put_left_out(&jw, &model->left_out);
	jw_karr(&jw, "tests");
	for (size_t i = 0; i < model->n_tests; i++)
		put_test(&jw, model, &model->tests[i]);
	jw_end_arr(&jw);
	if (model->n_hooks > 0) {
		jw_karr(&jw, "hooks");
		for (size_t i = 0; i < model->n_hooks; i++)
			put_test(&jw, model, &model->hooks[i]);
		jw_end_arr(&jw);
	}
	put_stages(&jw, model);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return -1;
	return buf_addc(out, '\n');
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as JUnit XML: one suite for each unit (a test on a target in an iteration), one
 * testcase for each case of its last attempt.
 *
 * Kept to what both common schemas know, Ant's and Jenkins': no attributes outside them, and
 * the elements that Ant's wants in every suite are there even when they are empty.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "report/out.h"
#include "report/writers.h"

enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_ERRORED, VERDICT_SKIPPED };

/* A testcase, wherever it comes from. */
struct testcase {
	const char *name, *class_name;
	int64_t duration_ms;
	enum verdict verdict;
	const char *type; /* of a failure or error; why it was skipped */
	const struct report_error *error;
};

struct totals {
	int tests, failures, errors, skipped;
	int64_t duration_ms;
};

static enum verdict
verdict_of_outcome(const char *outcome)
{
	if (strcmp(outcome, "passed") == 0)
		return VERDICT_PASSED;
	if (strcmp(outcome, "failed") == 0)
		return VERDICT_FAILED;
	if (strcmp(outcome, "errored") == 0 || strcmp(outcome, "timed_out") == 0)
		return VERDICT_ERRORED;
	return VERDICT_SKIPPED;
}

static enum verdict
verdict_of_case(const char *status)
{
	if (strcmp(status, "passed") == 0 || strcmp(status, "flaky") == 0)
		return VERDICT_PASSED;
	if (strcmp(status, "failed") == 0)
		return VERDICT_FAILED;
	return strcmp(status, "running") == 0 ? VERDICT_ERRORED : VERDICT_SKIPPED;
}

static void
put_seconds(struct out *out, int64_t ms)
{
	int64_t known = ms > 0 ? ms : 0;

	out_putf(out, "%" PRId64 ".%03" PRId64, known / 1000, known % 1000);
}

static void
put_problem(struct out *out, const char *element, const struct testcase *one)
{
	const struct report_error *error = one->error;

	out_putf(out, "\n      <%s message=\"", element);
	out_attr(out, error ? error->message : one->type);
	out_put(out, "\" type=\"");
	out_attr(out, one->type);
	out_put(out, "\">");
	if (error) {
		if (error->file) {
			out_text(out, error->file);
			if (error->line > 0)
				out_putf(out, ":%" PRId64, error->line);
			out_put(out, "\n");
		}
		out_text(out, error->message);
		if (error->snippet) {
			out_put(out, "\n\n");
			out_text(out, error->snippet);
		}
		if (error->stack) {
			out_put(out, "\n\n");
			out_text(out, error->stack);
		}
	}
	out_putf(out, "</%s>\n    ", element);
}

static void
put_testcase(struct out *out, const struct testcase *one, struct totals *totals)
{
	totals->tests++;
	out_put(out, "    <testcase name=\"");
	out_attr(out, one->name);
	out_put(out, "\" classname=\"");
	out_attr(out, one->class_name);
	out_put(out, "\" time=\"");
	put_seconds(out, one->duration_ms);
	out_put(out, "\">");
	switch (one->verdict) {
	case VERDICT_FAILED:
		totals->failures++;
		put_problem(out, "failure", one);
		break;
	case VERDICT_ERRORED:
		totals->errors++;
		put_problem(out, "error", one);
		break;
	case VERDICT_SKIPPED:
		totals->skipped++;
		out_put(out, "<skipped/>");
		break;
	case VERDICT_PASSED:
		break;
	}
	out_put(out, "</testcase>\n");
}

/* What fails in quarantine is no failure to whoever counts them: it is told in properties and
 * in system-out. */
static enum verdict
forgive(enum verdict verdict, const struct report_unit *unit)
{
	return report_unit_is_forgiven(unit) && verdict != VERDICT_PASSED ? VERDICT_SKIPPED
									  : verdict;
}

static const char *
class_of(const struct report_test *test)
{
	if (test->fixture)
		return test->fixture;
	return test->kind[0] ? test->kind : "test";
}

static void
put_cases(struct out *out, const struct report_test *test, const struct report_unit *unit,
	struct totals *totals)
{
	const struct report_run *run = unit->attempts[unit->n_attempts - 1];

	for (size_t i = 0; i < run->n_cases; i++) {
		const struct report_case *one = &run->cases[i];
		struct testcase testcase = { .name = one->title,
			.class_name = one->path[0] ? one->path : test->name,
			.duration_ms = one->duration_ms,
			.verdict = forgive(verdict_of_case(one->status), unit),
			.type = strcmp(one->status, "running") == 0 ? "interrupted" : "failed",
			.error = one->error };
		put_testcase(out, &testcase, totals);
	}
}

/* The run itself as a testcase: when it has no cases, or when they do not tell its outcome. */
static void
put_whole_run(struct out *out, const struct report_test *test, const struct report_unit *unit,
	struct totals *totals)
{
	const struct report_run *run = unit->attempts[unit->n_attempts - 1];

	struct testcase testcase = { .name = test->name,
		.class_name = class_of(test),
		.duration_ms = run->row->duration_ms,
		.verdict = forgive(verdict_of_outcome(run->outcome), unit),
		.type = run->row->reason ? run->row->reason : run->outcome,
		.error = run->error };

	put_testcase(out, &testcase, totals);
}

static void
put_property(struct out *out, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	out_putf(out, "      <property name=\"%s\" value=\"", name);
	out_attr(out, value);
	out_put(out, "\"/>\n");
}

static void
put_properties(struct out *out, const struct report_model *model,
	const struct report_test *test, const struct report_unit *unit)
{
	char number[24];

	out_put(out, "    <properties>\n");
	put_property(out, "job", model->id);
	put_property(out, "kind", test->kind);
	put_property(out, "fixture", test->fixture);
	if (!unit)
		put_property(out, "notRun", model->why_not_run);
	if (unit) {
		(void)snprintf(number, sizeof number, "%" PRId64, unit->iteration);
		put_property(out, "iteration", number);
		put_property(out, "target", unit->target);
		(void)snprintf(number, sizeof number, "%zu", unit->n_attempts);
		put_property(out, "attempts", number);
		put_property(out, "flaky", unit->is_flaky ? "true" : "false");
		put_property(out, "unstable", unit->is_unstable ? "true" : NULL);
		put_property(out, "quarantined", unit->is_quarantined ? "true" : NULL);
		put_property(out, "outcome", unit->outcome);
	}
	out_put(out, "    </properties>\n");
}

/* The schema's form of a time has neither fraction nor zone. */
static void
put_timestamp(struct out *out, int64_t ms)
{
	char text[TIME_TEXT_LEN + 1];

	time_format(ms, text);
	out_putf(out, "%.19s", text);
}

static void
put_suite_head(struct out *out, const struct report_model *model,
	const struct report_test *test, const struct report_unit *unit, int id,
	const struct totals *totals)
{
	const struct report_run *first = unit ? unit->attempts[0] : NULL;

	out_putf(out, "  <testsuite id=\"%d\" package=\"", id);
	out_attr(out, model->job->name);
	out_put(out, "\" name=\"");
	out_attr(out, test->name);
	if (unit && unit->target) {
		out_put(out, " [");
		out_attr(out, unit->target);
		out_put(out, "]");
	}
	if (unit && model->job->iterations != 1)
		out_putf(out, " #%" PRId64, unit->iteration);
	out_put(out, "\" timestamp=\"");
	put_timestamp(out, first && first->start_ms ? first->start_ms : model->job->created_ms);
	out_put(out, "\" hostname=\"");
	out_attr(out, first && first->worker ? first->worker : "none");
	out_putf(out, "\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" time=\"",
		totals->tests, totals->failures, totals->errors, totals->skipped);
	put_seconds(out, totals->duration_ms);
	out_put(out, "\">\n");
}

/* Attempts before the last, and what quarantine forgave: what the testcases do not show. */
static void
put_system_out(struct out *out, const struct report_unit *unit)
{
	size_t n = unit ? unit->n_attempts - !report_unit_is_forgiven(unit) : 0;

	if (n == 0) {
		out_put(out, "    <system-out/>\n");
		return;
	}
	out_put(out, "    <system-out>");
	for (size_t i = 0; i < n; i++) {
		const struct report_run *run = unit->attempts[i];
		out_putf(out, "attempt %" PRId32 ": %s", run->row->attempt, run->outcome);
		if (run->error) {
			out_put(out, ": ");
			out_text(out, run->error->message);
		}
		out_put(out, "\n");
	}
	out_put(out, "</system-out>\n");
}

static void
put_suite(struct out *out, const struct report_model *model, const struct report_test *test,
	const struct report_unit *unit, int id)
{
	_cleanup_(buf_deinit) struct buf cases = BUF_INIT(out->buf->max);
	struct out inner = { .buf = &cases };
	struct totals totals = { 0 };

	if (unit) {
		const struct report_run *last = unit->attempts[unit->n_attempts - 1];
		for (size_t i = 0; i < unit->n_attempts; i++)
			totals.duration_ms += unit->attempts[i]->row->duration_ms;
		put_cases(&inner, test, unit, &totals);
		if (report_run_stands_alone(last))
			put_whole_run(&inner, test, unit, &totals);
	} else {
		struct testcase never = { .name = test->name,
			.class_name = class_of(test),
			.verdict = VERDICT_SKIPPED };
		put_testcase(&inner, &never, &totals);
	}
	put_suite_head(out, model, test, unit, id, &totals);
	put_properties(out, model, test, unit);
	out->failed = out->failed || inner.failed;
	out_put(out, buf_text(&cases));
	put_system_out(out, unit);
	out_put(out, "    <system-err/>\n  </testsuite>\n");
}

/* --- Flows: one suite for each stage --- */

static enum verdict
verdict_of_stage(const char *state)
{
	if (strcmp(state, "succeeded") == 0)
		return VERDICT_PASSED;
	if (strcmp(state, "failed") == 0)
		return VERDICT_FAILED;
	return strcmp(state, "timed_out") == 0 ? VERDICT_ERRORED : VERDICT_SKIPPED;
}

static void
put_stage_test(struct out *out, const struct report_test *test, struct totals *totals)
{
	for (size_t u = 0; u < test->n_units; u++) {
		const struct report_unit *unit = &test->units[u];
		const struct report_run *last = unit->attempts[unit->n_attempts - 1];

		for (size_t i = 0; i < unit->n_attempts; i++)
			totals->duration_ms += unit->attempts[i]->row->duration_ms;
		put_cases(out, test, unit, totals);
		if (report_run_stands_alone(last))
			put_whole_run(out, test, unit, totals);
	}
}

/* Of the present jobs: an earlier attempt is no result. */
static void
put_stage_tests(struct out *out, const struct report_stage *stage, struct totals *totals)
{
	for (size_t i = 0; i < stage->n_jobs; i++) {
		const struct report_model *job = stage->jobs[i];

		if (job->is_past)
			continue;
		for (size_t t = 0; t < job->n_tests; t++)
			put_stage_test(out, &job->tests[t], totals);
		for (size_t s = 0; s < job->n_stages; s++)
			put_stage_tests(out, &job->stages[s], totals);
	}
}

/* The stage itself: a wait, or one whose tests do not tell how it went. */
static void
put_stage_itself(struct out *out, const struct report_model *model,
	const struct report_stage *stage, struct totals *totals)
{
	const struct report_error error = { .message = stage->error ? stage->error
								    : stage->state };
	const struct testcase testcase = { .name = stage->name,
		.class_name = model->job->name,
		.duration_ms = stage->start_ms > 0 ? stage->end_ms - stage->start_ms : 0,
		.verdict = verdict_of_stage(stage->state),
		.type = stage->state,
		.error = &error };

	totals->duration_ms += testcase.duration_ms;
	put_testcase(out, &testcase, totals);
}

static void
put_stage_looks(struct out *out, const struct report_stage *stage)
{
	if (stage->n_looks == 0) {
		out_put(out, "    <system-out/>\n");
		return;
	}
	out_put(out, "    <system-out>");
	for (size_t i = 0; i < stage->n_looks; i++) {
		const struct report_look *look = &stage->looks[i];

		out_putf(out, "look %" PRId64 ":", look->n);
		if (look->status > 0)
			out_putf(out, " %" PRId32, look->status);
		out_put(out, " ");
		out_text(out, look->value);
		out_put(out, look->error ? " " : "");
		out_text(out, look->error);
		out_put(out, "\n");
	}
	out_put(out, "</system-out>\n");
}

static void
put_stage_suite(struct out *out, const struct report_model *model,
	const struct report_stage *stage, int id)
{
	_cleanup_(buf_deinit) struct buf cases = BUF_INIT(out->buf->max);
	struct out inner = { .buf = &cases };
	struct totals totals = { 0 };

	put_stage_tests(&inner, stage, &totals);
	if (totals.tests == 0 ||
		(verdict_of_stage(stage->state) != VERDICT_PASSED &&
			totals.failures + totals.errors == 0))
		put_stage_itself(&inner, model, stage, &totals);
	out_putf(out, "  <testsuite id=\"%d\" package=\"", id);
	out_attr(out, model->job->name);
	out_put(out, "\" name=\"");
	out_attr(out, stage->name);
	out_put(out, "\" timestamp=\"");
	put_timestamp(out, stage->start_ms > 0 ? stage->start_ms : model->job->created_ms);
	out_putf(out,
		"\" hostname=\"none\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" time=\"",
		totals.tests, totals.failures, totals.errors, totals.skipped);
	put_seconds(out, totals.duration_ms);
	out_put(out, "\">\n    <properties>\n");
	put_property(out, "flow", model->id);
	put_property(out, "state", stage->state);
	out_put(out, "    </properties>\n");
	out->failed = out->failed || inner.failed;
	out_put(out, buf_text(&cases));
	put_stage_looks(out, stage);
	out_put(out, "    <system-err/>\n  </testsuite>\n");
}

int
report_write_junit(
	const struct report_model *model, const struct report_options *options, struct buf *buf)
{
	struct out out = { .buf = buf };
	int id = 0;

	(void)options;
	out_put(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (size_t t = 0; t < model->n_tests; t++) {
		const struct report_test *test = &model->tests[t];
		for (size_t u = 0; u < test->n_units; u++)
			put_suite(&out, model, test, &test->units[u], id++);
		if (test->n_units == 0 || test->n_not_run > 0)
			put_suite(&out, model, test, NULL, id++);
	}
	for (size_t i = 0; i < model->n_stages; i++)
		put_stage_suite(&out, model, &model->stages[i], id++);
	/* Readers of JUnit have no word for it. */
	if (model->left_out.runs > 0)
		out_putf(&out, "<!-- %" PRId64 " more runs are left out -->\n",
			model->left_out.runs);
	if (model->left_out.cases > 0)
		out_putf(&out, "<!-- %" PRId64 " more cases are left out -->\n",
			model->left_out.cases);
	out_put(&out, "</testsuites>\n");
	return out.failed ? -1 : 0;
}

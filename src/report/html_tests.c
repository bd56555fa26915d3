/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests of the report. A row is what the filter counts and finds: a case, or a run that
 * stands for itself. Rows that went wrong are open.
 */
#include <inttypes.h>
#include <string.h>

#include "report/html.h"

static const char chevron[] =
	"<svg class=\"chevron\" viewBox=\"0 0 10 10\" aria-hidden=\"true\">"
	"<path d=\"M3 1l4 4-4 4\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\"/></svg>";

/* --- Cases --- */

static bool
has_artifacts(const struct report_run *run, const struct report_case *one)
{
	for (size_t i = 0; i < run->n_artifacts; i++) {
		const char *id = run->artifacts[i].row->case_id;
		if (id && strcmp(id, one->id) == 0 && !run->artifacts[i].in_tree)
			return true;
	}
	return false;
}

/* "cart.spec.ts:12 › Cart": the path, with the line behind the file where it begins with it. */
static void
put_place(struct out *out, const struct report_case *one)
{
	size_t len = one->file ? strlen(one->file) : 0;
	bool begins = len > 0 && strncmp(one->path, one->file, len) == 0;
	const char *rest = begins ? one->path + len : one->path;

	if (!begins && one->path[0]) {
		out_text(out, one->path);
		rest = "";
		if (one->file)
			out_put(out, " · ");
	}
	out_text(out, one->file);
	if (one->file && one->line > 0)
		out_putf(out, ":%" PRId64, one->line);
	out_text(out, rest);
}

static void
put_case_line(struct html *html, const struct report_case *one)
{
	struct out *out = &html->out;

	html_sign(html, one->status);
	out_put(out, "<span class=\"name\">");
	out_text(out, one->title);
	if (one->path[0] || one->file) {
		out_put(out, "<span class=\"where\">");
		put_place(out, one);
		out_put(out, "</span>");
	}
	out_put(out, "</span>");
	if (strcmp(one->status, "flaky") == 0)
		out_putf(out, "<span class=\"note flaky\">flaky, %" PRId64 " attempts</span>",
			one->attempts);
	else if (one->attempts > 1)
		out_putf(
			out, "<span class=\"note\">%" PRId64 " attempts</span>", one->attempts);
	out_put(out, "<span class=\"time\">");
	if (strcmp(one->status, "skipped") == 0)
		out_put(out, "skipped");
	else
		out_duration(out, one->duration_ms);
	out_put(out, "</span>");
}

static void
put_case(struct html *html, const struct report_run *run, size_t index, bool is_row)
{
	const struct report_case *one = &run->cases[index];
	struct out *out = &html->out;
	bool is_bad = html_is_bad(one->status);
	bool has_body = one->error || one->n_steps > 0 || has_artifacts(run, one);

	out_putf(out, "<%s class=\"row%s\" id=\"c-%s-%zu\"", has_body ? "details" : "div",
		is_bad ? " is-failed" : "", run->id, index);
	if (is_row)
		out_putf(out, " data-state=\"%s\"", one->status);
	out_put(out, has_body && is_bad && is_row ? " open>" : ">");
	out_put(out, has_body ? "<summary>" : "<div class=\"line\">");
	/* Without anything inside there is nothing to open, but the signs stay in line. */
	out_put(out, has_body ? chevron : "<span class=\"chevron\"></span>");
	put_case_line(html, one);
	out_put(out, has_body ? "</summary>\n<div class=\"body\">\n" : "</div>");
	if (has_body) {
		html_error(html, one->error, false);
		html_steps(html, one->steps, one->n_steps);
		html_artifacts(html, run, one);
		out_put(out, "</div>");
	}
	out_putf(out, "</%s>\n", has_body ? "details" : "div");
}

/* --- Runs --- */

/* A case that already shows the run's error. */
static bool
is_told_by_case(const struct report_run *run)
{
	for (size_t i = 0; run->error && i < run->n_cases; i++) {
		const struct report_error *error = run->cases[i].error;
		if (error && strcmp(error->message, run->error->message) == 0)
			return true;
	}
	return false;
}

/* The last of the losses stands for them all. */
static const char *
what_was_lost(const struct report_run *run)
{
	const char *reason = run->lost_reason ? run->lost_reason : run->row->reason;

	if (reason && strcmp(reason, "browser_disconnected") == 0)
		return "the browser died";
	if (!reason || strcmp(reason, "worker_lost") == 0)
		return "a worker was lost";
	return "its runner was lost";
}

static void
put_run_line(struct html *html, const struct report_run *run)
{
	struct out *out = &html->out;

	out_put(out, "<p class=\"runline\">");
	if (run->row->reason) {
		out_put(out, "<span>reason ");
		out_text(out, run->row->reason);
		out_put(out, "</span>");
	}
	if (run->worker) {
		out_put(out, "<span>on ");
		out_text(out, run->worker);
		out_put(out, "</span>");
	}
	if (run->start_ms) {
		out_put(out, "<span>started ");
		html_time(html, run->start_ms);
		out_put(out, "</span>");
	}
	if (run->row->losses > 0)
		out_putf(out, "<span>%s (%" PRId32 "×)</span>", what_was_lost(run),
			run->row->losses);
	out_putf(out, "<span>run <span class=\"mono\">%s</span></span></p>\n", run->id);
}

static void
put_warnings(struct out *out, const struct report_run *run)
{
	if (run->n_warnings == 0)
		return;
	out_put(out, "<ul>\n");
	for (size_t i = 0; i < run->n_warnings; i++) {
		out_put(out, "<li><span class=\"errored\">Note:</span> ");
		out_text(out, run->warnings[i]);
		out_put(out, "</li>\n");
	}
	out_put(out, "</ul>\n");
}

static void
put_run(struct html *html, const struct report_run *run, bool is_row)
{
	struct out *out = &html->out;

	put_run_line(html, run);
	if (!is_told_by_case(run))
		html_error(html, run->error, strcmp(run->outcome, "failed") != 0);
	put_warnings(out, run);
	html_steps(html, run->steps, run->n_steps);
	if (run->n_cases > 0) {
		out_put(out, "<div class=\"rows\">\n");
		for (size_t i = 0; i < run->n_cases; i++)
			put_case(html, run, i, is_row);
		out_put(out, "</div>\n");
	}
	html_artifacts(html, run, NULL);
	if (run->output) {
		out_put(out,
			"<details class=\"more\"><summary>Output</summary><pre tabindex=\"0\">");
		out_text(out, run->output);
		out_put(out, "</pre></details>\n");
	}
}

/* --- Units --- */

static void
put_earlier_attempt(struct html *html, const struct report_run *run)
{
	struct out *out = &html->out;

	out_putf(out, "<details class=\"row\" id=\"r-%s\"><summary>%s", run->id, chevron);
	html_sign(html, run->outcome);
	out_putf(out, "<span class=\"name\">Attempt %" PRId32 "</span><span class=\"time\">",
		run->row->attempt);
	out_duration(out, run->row->duration_ms);
	out_put(out, "</span></summary>\n<div class=\"body\">\n");
	put_run(html, run, false);
	out_put(out, "</div></details>\n");
}

static void
put_attempts(struct html *html, const struct report_unit *unit)
{
	struct out *out = &html->out;
	size_t n = unit->n_attempts;

	if (n > 1) {
		out_put(out,
			"<div><p class=\"label\">Earlier attempts</p><div class=\"rows\">\n");
		for (size_t i = 0; i + 1 < n; i++)
			put_earlier_attempt(html, unit->attempts[i]);
		out_put(out, "</div></div>\n");
	}
	put_run(html, unit->attempts[n - 1], true);
}

static void
put_unit_name(struct html *html, const struct report_test *test, const struct report_unit *unit)
{
	struct out *out = &html->out;
	bool is_named = false;

	if (test->n_units == 1) {
		out_text(out, test->name);
		is_named = true;
	} else if (html->model->job->iterations != 1) {
		out_putf(out, "Iteration %" PRId64, unit->iteration);
		is_named = true;
	}
	if (unit->target && test->n_units > 1) {
		out_put(out, is_named ? ", " : "");
		out_text(out, unit->target);
		is_named = true;
	}
	if (!is_named)
		out_put(out, "Run");
	if (test->n_units == 1) {
		out_put(out, "<span class=\"where\">");
		out_text(out, test->kind);
		out_put(out, unit->target ? ", " : "");
		out_text(out, unit->target ? unit->target : "");
		out_put(out, "</span>");
	}
}

static int64_t
unit_duration(const struct report_unit *unit)
{
	int64_t sum = 0;

	for (size_t i = 0; i < unit->n_attempts; i++)
		sum += unit->attempts[i]->row->duration_ms;
	return sum;
}

static void
put_unit(struct html *html, const struct report_test *test, const struct report_unit *unit)
{
	struct out *out = &html->out;
	const struct report_run *last = unit->attempts[unit->n_attempts - 1];
	const char *state = html_unit_state(unit);
	bool is_bad = html_is_bad(state) && !unit->is_quarantined;

	out_putf(out, "<details class=\"row%s%s\" id=\"r-%s\"", is_bad ? " is-failed" : "",
		last->n_cases > 0 ? " group" : "", last->id);
	/* With cases inside, those are the rows, and perhaps the run beside them. */
	if ((size_t)test->index < html->model->n_tests &&
		(last->n_cases == 0 || report_run_stands_alone(last)))
		out_putf(out, " data-state=\"%s\"", state);
	out_putf(out, "%s><summary>%s", is_bad ? " open" : "", chevron);
	html_sign(html, state);
	out_put(out, "<span class=\"name\">");
	put_unit_name(html, test, unit);
	out_put(out, "</span>");
	if (unit->is_flaky)
		out_put(out, "<span class=\"note flaky\">flaky</span>");
	else if (unit->is_unstable)
		out_put(out, "<span class=\"note flaky\">unstable</span>");
	if (unit->is_quarantined)
		out_put(out, "<span class=\"note\">in quarantine</span>");
	if (unit->n_attempts > 1)
		out_putf(out, "<span class=\"note\">%zu attempts</span>", unit->n_attempts);
	else if (last->n_cases > 0)
		out_putf(out, "<span class=\"note\">%zu cases</span>", last->n_cases);
	out_put(out, "<span class=\"time\">");
	out_duration(out, unit_duration(unit));
	out_put(out, "</span></summary>\n<div class=\"body\">\n");
	put_attempts(html, unit);
	out_put(out, "</div></details>\n");
}

/* --- Tests --- */

static void
put_head_counts(struct out *out, const struct job_counts *counts)
{
	const struct {
		const char *word, *state;
		int64_t n;
	} parts[] = { { "passed", "passed", counts->passed },
		{ "failed", "failed", counts->failed },
		{ "errored", "errored", counts->errored },
		{ "timed out", "timed_out", counts->timed_out },
		{ "skipped", "skipped", counts->skipped },
		{ "cancelled", "cancelled", counts->cancelled },
		{ "in quarantine", "skipped", counts->quarantined } };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].n > 0)
			out_putf(out, "<span class=\"%s num\">%" PRId64 " %s</span> ",
				parts[i].state, parts[i].n, parts[i].word);
	}
}

/* One unit whose cases are the interesting rows: they stand directly under the test's name. */
static void
put_single_unit(struct html *html, const struct report_unit *unit)
{
	const struct report_run *last = unit->attempts[unit->n_attempts - 1];

	out_putf(&html->out, "<div class=\"single\" id=\"r-%s\">\n", last->id);
	put_attempts(html, unit);
	out_put(&html->out, "</div>\n");
}

static bool
has_cases(const struct report_test *test)
{
	const struct report_unit *unit = test->n_units > 0 ? &test->units[0] : NULL;

	return unit && unit->attempts[unit->n_attempts - 1]->n_cases > 0;
}

static bool
is_single_with_cases(const struct report_test *test)
{
	const struct report_unit *unit = test->n_units == 1 ? &test->units[0] : NULL;

	return unit && has_cases(test) && test->n_not_run == 0 &&
		!report_run_stands_alone(unit->attempts[unit->n_attempts - 1]);
}

static void
put_never_run(struct html *html, const struct report_test *test)
{
	struct out *out = &html->out;

	out_put(out,
		"<div class=\"row\" data-state=\"waiting\"><div class=\"line\">"
		"<span class=\"chevron\"></span>");
	html_sign(html, "waiting");
	out_put(out, "<span class=\"name\">");
	out_text(out, test->name);
	out_put(out, "<span class=\"where\">");
	out_text(out, test->kind);
	out_put(out, "</span></span><span class=\"time\">");
	if (test->n_units > 0)
		out_putf(out, "%" PRId64 " more ", test->n_not_run);
	out_put(out, html->model->why_not_run);
	out_put(out, "</span></div></div>\n");
}

static void
put_test(struct html *html, const struct report_test *test)
{
	struct out *out = &html->out;

	const char *job = html->nested ? html->nested : "";

	out_putf(out,
		"<section class=\"test group\" aria-labelledby=\"t-%s%" PRId32 "\">\n<header>",
		job, test->index);
	out_putf(out, "<h3 id=\"t-%s%" PRId32 "\">", job, test->index);
	out_text(out, test->name);
	out_put(out, "</h3><span class=\"soft\">");
	out_text(out, test->kind);
	out_put(out, "</span> ");
	if (test->n_units > 1)
		put_head_counts(out, &test->counts);
	out_put(out, "</header>\n");
	if (is_single_with_cases(test)) {
		put_single_unit(html, &test->units[0]);
	} else {
		out_put(out, "<div class=\"rows\">\n");
		for (size_t i = 0; i < test->n_units; i++)
			put_unit(html, test, &test->units[i]);
		if (test->n_not_run > 0)
			put_never_run(html, test);
		out_put(out, "</div>\n");
	}
	out_put(out, "</section>\n");
}

/* Tests that are one row each share one list. */
static bool
is_one_row(const struct report_test *test)
{
	return test->n_units == 0 ||
		(test->n_units == 1 && test->n_not_run == 0 && !is_single_with_cases(test));
}

static bool
is_same_fixture(const struct report_test *a, const struct report_test *b)
{
	if (!a->fixture || !b->fixture)
		return !a->fixture && !b->fixture;
	return strcmp(a->fixture, b->fixture) == 0;
}

static void
put_list(struct html *html, const struct report_test *tests, size_t n)
{
	struct out *out = &html->out;
	bool is_open = false;

	for (size_t i = 0; i < n; i++) {
		const struct report_test *test = &tests[i];
		if (is_one_row(test) != is_open) {
			out_put(out,
				is_open ? "</div></section>\n"
					: "<section class=\"test group\"><div class=\"rows\">\n");
			is_open = !is_open;
		}
		if (test->n_units == 0)
			put_never_run(html, test);
		else if (is_one_row(test))
			put_unit(html, test, &test->units[0]);
		else
			put_test(html, test);
	}
	if (is_open)
		out_put(out, "</div></section>\n");
}

/* Runs of hooks, on their own: they are in no count. */
static void
put_hooks(struct html *html)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;
	size_t n = 0;

	for (size_t i = 0; i < model->n_hooks; i++)
		n += model->hooks[i].n_units;
	if (n == 0)
		return;
	out_put(out, "<section class=\"fixture\"><h3 class=\"fixture\">Hooks</h3>\n");
	put_list(html, model->hooks, model->n_hooks);
	out_put(out, "</section>\n");
}

void
html_tests(struct html *html)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;

	for (size_t i = 0, n; i < model->n_tests; i += n) {
		const struct report_test *first = &model->tests[i];
		for (n = 1; i + n < model->n_tests && is_same_fixture(first, first + n); n++) {
		}
		if (first->fixture) {
			out_put(out, "<section class=\"fixture\"><h3 class=\"fixture\">");
			out_text(out, first->fixture);
			out_put(out, "</h3>\n");
		}
		put_list(html, first, n);
		if (first->fixture)
			out_put(out, "</section>\n");
	}
	put_hooks(html);
}

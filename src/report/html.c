/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one HTML page that needs nothing else: style, script and pictures are inside, a
 * content security policy keeps everything out that is not ours, and every text of others is
 * escaped.
 */
#include "report/html.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "report/report_assets.h"
#include "report/writers.h"

enum {
	WRONG_MAX = 50, /* entries of "What went wrong"; the tests below show all */
};

/* --- Small parts --- */

/* Signs are drawn, so that no font is needed; the same shapes for states that mean the same. */
static const struct {
	const char *state, *symbol, *word;
} signs[] = {
	{ "passed", "yes", "passed" },
	{ "completed", "yes", "completed" },
	{ "failed", "no", "failed" },
	{ "errored", "alert", "errored" },
	{ "timed_out", "alert", "timed out" },
	{ "invalid", "alert", "invalid" },
	{ "flaky", "wave", "flaky" },
	{ "skipped", "dash", "skipped" },
	{ "cancelled", "dash", "cancelled" },
	{ "stopped", "dash", "stopped" },
	{ "waiting", "dash", "did not run" },
};

static const char symbols[] =
	"<svg width=\"0\" height=\"0\" class=\"hidden\" aria-hidden=\"true\"><defs>"
	"<g id=\"yes\"><path d=\"M3 8.5l3.4 3.4L13 4.6\" fill=\"none\" stroke=\"currentColor\" "
	"stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/></g>"
	"<g id=\"no\"><path d=\"M4 4l8 8M12 4l-8 8\" fill=\"none\" stroke=\"currentColor\" "
	"stroke-width=\"2\" stroke-linecap=\"round\"/></g>"
	"<g id=\"alert\"><path d=\"M8 2.8v6.4\" fill=\"none\" stroke=\"currentColor\" "
	"stroke-width=\"2.2\" stroke-linecap=\"round\"/><circle cx=\"8\" cy=\"12.7\" r=\"1.35\" "
	"fill=\"currentColor\"/></g>"
	"<g id=\"wave\"><path d=\"M2.5 9.5c1.8-4 3.7-4 5.5-1.5s3.7 2.5 5.5-1.5\" fill=\"none\" "
	"stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\"/></g>"
	"<g id=\"dash\"><path d=\"M4 8h8\" fill=\"none\" stroke=\"currentColor\" "
	"stroke-width=\"2\" stroke-linecap=\"round\"/></g>"
	"<g id=\"dot\"><circle cx=\"8\" cy=\"8\" r=\"3.5\" fill=\"currentColor\"/></g>"
	"</defs></svg>\n";

void
html_sign(struct html *html, const char *state)
{
	const char *symbol = "dot", *word = state;

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (strcmp(signs[i].state, state) == 0) {
			symbol = signs[i].symbol;
			word = signs[i].word;
		}
	}
	out_putf(&html->out,
		"<svg class=\"sign %s\" viewBox=\"0 0 16 16\" role=\"img\" aria-label=\"%s\">"
		"<use href=\"#%s\"/></svg>",
		strcmp(state, "completed") == 0 ? "passed" : state, word, symbol);
}

void
html_time(struct html *html, int64_t ms)
{
	char text[TIME_TEXT_LEN + 1];

	if (ms == 0)
		return;
	time_format(ms, text);
	out_putf(&html->out, "<time datetime=\"%s\">%.10s %.8s UTC</time>", text, text,
		text + 11);
}

const char *
html_unit_state(const struct report_unit *unit)
{
	return unit->is_flaky ? "flaky" : unit->outcome;
}

bool
html_is_bad(const char *state)
{
	return strcmp(state, "failed") == 0 || strcmp(state, "errored") == 0 ||
		strcmp(state, "timed_out") == 0;
}

void
html_words(struct html *html, const char *name)
{
	for (const char *at = name; *at; at++)
		out_textn(&html->out, *at == '_' ? " " : at, 1);
}

/* --- Head --- */

/* 'sha256-…' of a style or script: the policy then allows exactly this text. */
static void
put_hash(struct out *out, const char *text)
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	out_put(out, "'sha256-");
	if (!out->failed && base64_encode(out->buf, hash, sizeof hash, BASE64_STANDARD) < 0)
		out->failed = true;
	out_put(out, "'");
}

static void
put_head(struct html *html)
{
	struct out *out = &html->out;

	out_put(out,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"img-src data:; base-uri 'none'; form-action 'none'; style-src ");
	put_hash(out, report_css);
	out_put(out, "; script-src ");
	put_hash(out, report_js);
	out_put(out,
		"\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<title>");
	out_text(out, html->model->job->name);
	out_putf(out, ": %s</title>\n<style>", html->model->status);
	out_put(out, report_css);
	out_put(out,
		"</style>\n</head>\n<body>\n"
		"<a class=\"skip\" href=\"#tests\">To the tests</a>\n");
	out_put(out, symbols);
}

/* Of a job that passed: whether everything did. */
static const char *
sentence_of_success(const struct report_model *model)
{
	const struct job_counts *counts = &model->results;

	if (counts->failed + counts->errored + counts->timed_out > 0)
		return model->n_stages > 0 ? "What failed does not count."
					   : "No more failed than the job ignores.";
	if (counts->quarantined > 0)
		return "What failed is in quarantine.";
	if (counts->flaky > 0)
		return "Every test passed, some only after another attempt.";
	return "Every test passed.";
}

/* What the reason means, for people who do not know the word. */
static const char *
sentence(const struct report_model *model)
{
	static const struct {
		const char *reason, *text;
	} sentences[] = {
		{ "tests_failed", "Tests failed." },
		{ "hook_failed", "A hook failed." },
		{ "timeout", "The time limit of the job passed." },
		{ "runner_error", "The environment failed, not the thing under test." },
		{ "worker_lost", "A worker or browser was lost too often." },
		{ "stopped", "Somebody stopped the job." },
		{ "cancelled", "Somebody cancelled the job." },
		{ "invalid_definition", "The definition cannot run." },
		{ "stage_failed", "A stage failed." },
		{ "wait_failed", "What was waited for cannot come any more." },
		{ "wait_timed_out", "What was waited for did not come in time." },
		{ "rejected", "Somebody refused the approval." },
		{ "expired", "It did not start in time." },
		{ "superseded", "A newer job took its place." },
	};

	if (model->reason && strcmp(model->reason, "passed") == 0)
		return sentence_of_success(model);
	for (size_t i = 0; model->reason && i < ARRAY_LEN(sentences); i++) {
		if (strcmp(sentences[i].reason, model->reason) == 0)
			return sentences[i].text;
	}
	return job_state_is_final(model->job->state) ? "" : "The job is not over yet.";
}

/* Of a flow: which stage it was. */
static void
put_failed_stage(struct html *html)
{
	const struct report_model *model = html->model;

	for (size_t i = 0; i < model->n_stages; i++) {
		if (!model->stages[i].failed_flow)
			continue;
		out_putf(&html->out, " <a href=\"#stage-%zu\">Stage: ", i);
		out_text(&html->out, model->stages[i].name);
		out_put(&html->out, "</a>");
	}
}

static void
put_title(struct html *html)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;
	const char *state = strcmp(model->status, "completed") == 0 ? "passed" : model->status;

	out_put(out, "<header>\n<div class=\"title\"><h1>");
	out_text(out, model->job->name);
	out_putf(out, "</h1><span class=\"badge %s\">", state);
	html_sign(html, model->status);
	out_putf(out, "%s</span></div>\n<p class=\"lead\">%s", model->status, sentence(model));
	put_failed_stage(html);
	for (size_t i = 0; i < model->n_tags; i++) {
		out_put(out, i == 0 ? " <span class=\"hidden\">Tags:</span> " : "");
		out_put(out, "<span class=\"tag\">");
		out_text(out, model->tags[i]);
		out_put(out, "</span>");
	}
	out_put(out, "</p>\n</header>\n");
}

/* --- Summary --- */

struct figure {
	const char *word, *state;
	int64_t n;
	bool always;
};

static int64_t
sum_of(const struct job_counts *counts)
{
	return counts->passed + counts->failed + counts->errored + counts->timed_out +
		counts->cancelled + counts->skipped + counts->quarantined;
}

static void
put_share(struct out *out, const struct figure *figures, size_t n, int64_t total)
{
	double x = 0;

	out_put(out, "<svg class=\"share\" aria-hidden=\"true\">");
	for (size_t i = 0; i < n && total > 0; i++) {
		double width = 100.0 * (double)figures[i].n / (double)total;
		if (figures[i].n == 0)
			continue;
		out_putf(out, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" height=\"6\"/>",
			figures[i].state, x, width);
		x += width;
	}
	out_put(out, "</svg>\n");
}

static void
put_figures(struct out *out, const struct figure *figures, size_t n, int64_t total)
{
	out_putf(out,
		"<dl class=\"figures\"><div class=\"figure\"><dt>Results</dt>"
		"<dd class=\"%s\">%" PRId64 "</dd></div>",
		total ? "" : "zero", total);
	for (size_t i = 0; i < n; i++) {
		if (figures[i].n == 0 && !figures[i].always)
			continue;
		out_putf(out,
			"<div class=\"figure\"><dt>%s</dt><dd class=\"%s\">%" PRId64
			"</dd></div>",
			figures[i].word, figures[i].n ? figures[i].state : "zero",
			figures[i].n);
	}
	out_put(out, "</dl>\n");
}

static void
open_fact(struct out *out, const char *name)
{
	out_putf(out, "<div><dt>%s</dt><dd>", name);
}

static void
put_count_fact(struct out *out, const char *name, int64_t n)
{
	open_fact(out, name);
	out_putf(out, "%" PRId64 "</dd></div>", n);
}

static void
put_facts(struct html *html)
{
	const struct report_model *model = html->model;
	const struct job *job = model->job;
	struct out *out = &html->out;
	int64_t end_ms = job->completed_ms ? job->completed_ms : model->now_ms;

	out_put(out, "<dl class=\"facts\">");
	open_fact(out, "Created");
	html_time(html, job->created_ms);
	out_put(out, "</dd></div>");
	if (job->started_ms > 0) {
		open_fact(out, "Took");
		out_duration(out, end_ms - job->started_ms);
		out_put(out, "</dd></div>");
		open_fact(out, "Waited before");
		out_duration(out, job->queued_ms);
		out_put(out, "</dd></div>");
	}
	if (model->n_stages > 0)
		put_count_fact(out, "Stages", (int64_t)model->n_stages);
	else
		put_count_fact(out, "Runs", (int64_t)model->n_runs + model->left_out.runs);
	if (job->iterations == 0)
		out_put(out, "<div><dt>Iterations</dt><dd>endless</dd></div>");
	else if (job->iterations != 1)
		put_count_fact(out, "Iterations", job->iterations);
	if (model->n_lanes > 0)
		put_count_fact(out, "Connections used", (int64_t)model->n_lanes);
	if (job->incarnation > 1)
		put_count_fact(out, "Incarnation", job->incarnation);
	if (job->retry.max > 0)
		put_count_fact(out, "Retries allowed", job->retry.max);
	out_put(out, "<div class=\"wide\"><dt>Job</dt><dd>");
	out_putf(out, "<span class=\"mono\">%s</span></dd></div></dl>\n", model->id);
}

static void
put_summary(struct html *html)
{
	const struct job_counts *counts = &html->model->results;
	const struct figure figures[] = {
		{ "Passed", "passed", counts->passed - counts->flaky, true },
		{ "Flaky", "flaky", counts->flaky, false },
		{ "Failed", "failed", counts->failed, true },
		{ "Errored", "errored", counts->errored, false },
		{ "Timed out", "errored", counts->timed_out, false },
		{ "Cancelled", "skipped", counts->cancelled, false },
		{ "Skipped", "skipped", counts->skipped, false },
		{ "In quarantine", "skipped", counts->quarantined, false },
	};
	int64_t total = sum_of(counts);

	out_put(&html->out, "<section class=\"summary\" aria-label=\"Summary\">\n");
	put_share(&html->out, figures, ARRAY_LEN(figures), total);
	put_figures(&html->out, figures, ARRAY_LEN(figures), total);
	put_facts(html);
	out_put(&html->out, "</section>\n");
}

/* --- What went wrong --- */

static void
put_wrong(struct html *html, const char *state, const char *anchor, const char *name,
	const char *where, const char *message)
{
	struct out *out = &html->out;

	out_putf(out, "<li class=\"%s\"><a href=\"#%s\">", state, anchor);
	html_sign(html, state);
	out_put(out, " ");
	out_text(out, name);
	out_put(out, "</a>");
	if (where && where[0]) {
		out_put(out, " <span class=\"soft\">");
		out_text(out, where);
		out_put(out, "</span>");
	}
	if (message) {
		out_put(out, "<p>");
		out_text(out, message);
		out_put(out, "</p>");
	}
	out_put(out, "</li>\n");
}

/* "iteration 3, chromium": which unit of the test it is; "" when there is only one. */
static const char *
unit_words(struct html *html, const struct report_unit *unit, char words[300])
{
	bool iterates = html->model->job->iterations != 1;

	words[0] = '\0';
	if (iterates)
		(void)snprintf(words, 300, "iteration %" PRId64 "%s%s", unit->iteration,
			unit->target ? ", " : "", unit->target ? unit->target : "");
	else if (unit->target)
		(void)snprintf(words, 300, "%s", unit->target);
	return words;
}

/* The bad rows of one unit, at most `room` of them; returns how many there are. */
static size_t
put_wrong_unit(struct html *html, const struct report_test *test,
	const struct report_unit *unit, size_t room)
{
	const struct report_run *run = unit->attempts[unit->n_attempts - 1];
	char anchor[80], words[300];
	size_t n = 0;

	if (html_is_bad(unit->outcome) && report_run_stands_alone(run) && n++ < room) {
		(void)snprintf(anchor, sizeof anchor, "r-%s", run->id);
		put_wrong(html, unit->outcome, anchor, test->name,
			unit_words(html, unit, words),
			run->error ? run->error->message : run->row->reason);
	}
	for (size_t i = 0; i < run->n_cases; i++) {
		const struct report_case *one = &run->cases[i];
		if (!html_is_bad(one->status) || n++ >= room)
			continue;
		(void)snprintf(anchor, sizeof anchor, "c-%s-%zu", run->id, i);
		put_wrong(html, one->status, anchor, one->title, one->path,
			one->error ? one->error->message : NULL);
	}
	return n;
}

/* Those of the model's tests; n that are told already are counted on. */
static size_t
put_wrong_tests(struct html *html, size_t n)
{
	const struct report_model *model = html->model;

	for (size_t t = 0; t < model->n_tests; t++) {
		const struct report_test *test = &model->tests[t];
		for (size_t u = 0; u < test->n_units; u++)
			n += report_unit_is_forgiven(&test->units[u])
				? 0
				: put_wrong_unit(html, test, &test->units[u],
					  n < WRONG_MAX ? WRONG_MAX - n : 0);
	}
	return n;
}

/* A stage whose tests do not tell that it failed, and every present job of every stage;
 * those of a flow inside have no rows of their own above. */
static size_t
put_wrong_stages(struct html *html, size_t n)
{
	const struct report_model *flow = html->model;
	const char *outer = html->nested;
	char anchor[80];

	for (size_t i = 0; i < flow->n_stages; i++) {
		const struct report_stage *stage = &flow->stages[i];

		if (report_stage_stands_alone(stage) && n++ < WRONG_MAX) {
			if (html->nested)
				(void)snprintf(anchor, sizeof anchor, "job-%s", flow->id);
			else
				(void)snprintf(anchor, sizeof anchor, "stage-%zu", i);
			put_wrong(html, stage->state, anchor, stage->name,
				stage->goes_on ? "a stage that may fail" : "a stage",
				stage->error);
		}
		for (size_t k = 0; k < stage->n_jobs; k++) {
			if (stage->jobs[k]->is_past)
				continue;
			html->model = stage->jobs[k];
			html->nested = html->model->id;
			n = put_wrong_stages(html, put_wrong_tests(html, n));
			html->nested = outer;
		}
	}
	html->model = flow;
	return n;
}

static void
put_all_wrong(struct html *html)
{
	const struct job_counts *counts = &html->model->results;
	size_t n;

	if (counts->failed + counts->errored + counts->timed_out == 0)
		return;
	out_put(&html->out,
		"<section aria-labelledby=\"wrong\"><h2 id=\"wrong\">What went wrong</h2>\n"
		"<ul class=\"wrong\">\n");
	n = put_wrong_stages(html, put_wrong_tests(html, 0));
	out_put(&html->out, "</ul>\n");
	if (n > WRONG_MAX)
		out_putf(&html->out, "<p class=\"soft\">and %zu more below</p>\n",
			n - WRONG_MAX);
	out_put(&html->out, "</section>\n");
}

/* --- Tests and end --- */

static void
put_filter(struct html *html)
{
	const struct job_counts *counts = &html->model->results;
	const struct {
		const char *value, *label;
		bool is_wanted;
	} choices[] = { { "all", "All", true },
		{ "failed", "Failed",
			counts->failed + counts->errored + counts->timed_out > 0 },
		{ "flaky", "Flaky", counts->flaky > 0 },
		{ "passed", "Passed", counts->passed > counts->flaky },
		{ "skipped", "Not run", counts->skipped + counts->cancelled > 0 } };
	struct out *out = &html->out;

	/* The script shows it: without one it would do nothing. */
	out_put(out,
		"<div class=\"filter\" role=\"search\" hidden>\n"
		"<input id=\"search\" type=\"search\" placeholder=\"Filter by words ( / )\" "
		"aria-label=\"Filter the tests by words\">\n"
		"<div class=\"choices\" role=\"group\" aria-label=\"Filter by result\">\n");
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		if (choices[i].is_wanted)
			out_putf(out,
				"<button type=\"button\" value=\"%s\" aria-pressed=\"%s\">%s</button>\n",
				choices[i].value, i == 0 ? "true" : "false", choices[i].label);
	}
	out_put(out,
		"</div>\n<span id=\"shown\" class=\"soft num\" role=\"status\"></span>\n</div>\n");
}

static void
put_end(struct html *html)
{
	struct out *out = &html->out;

	out_put(out,
		"<dialog aria-label=\"Screenshot\"><header><span></span>"
		"<form method=\"dialog\"><button>Close</button></form></header>"
		"<img alt=\"\"></dialog>\n<footer>Made by Proctor " PROCTOR_VERSION ", ");
	html_time(html, html->model->now_ms);
	out_put(out, ".</footer>\n<script>");
	out_put(out, report_js);
	out_put(out, "</script>\n</body>\n</html>\n");
}

static void
put_more(struct html *html, int64_t n, const char *bound, const char *what)
{
	if (n > 0)
		out_putf(&html->out,
			"<p class=\"none\">%" PRId64 "%s more %s%s not shown.</p>\n", n, bound,
			what, n == 1 && !bound[0] ? " is" : "s are");
}

static void
put_left_out(struct html *html)
{
	const struct report_left_out *left_out = &html->model->left_out;

	put_more(html, left_out->runs, "", "run");
	put_more(html, left_out->cases, "", "case");
	put_more(html, left_out->steps, left_out->has_more_steps ? " or" : "", "step");
	put_more(html, left_out->warnings, "", "warning");
	put_more(html, left_out->outputs, "", "output");
	put_more(html, left_out->files, "", "file");
}

int
report_write_html(
	const struct report_model *model, const struct report_options *options, struct buf *buf)
{
	struct html html = { .out = { .buf = buf }, .model = model, .options = options };

	put_head(&html);
	put_title(&html);
	out_put(&html.out, "<main>\n");
	put_summary(&html);
	put_all_wrong(&html);
	html_timeline(&html);
	html_stages(&html);
	out_put(&html.out,
		"<section id=\"tests\" aria-labelledby=\"all\"><h2 id=\"all\">Tests</h2>\n");
	put_filter(&html);
	html_tests(&html);
	html_stage_tests(&html);
	out_put(&html.out,
		"<p id=\"none\" class=\"none\" hidden>Nothing matches the filter.</p>\n");
	put_left_out(&html);
	out_put(&html.out, "</section>\n</main>\n");
	put_end(&html);
	return html.out.failed ? -1 : 0;
}

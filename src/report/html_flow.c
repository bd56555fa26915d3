/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of a flow: a list in their order, looks of waits, and below them the tests of each. */
#include <inttypes.h>
#include <string.h>

#include "report/html.h"

/* The sign of a stage is that of a result. */
static const char *
sign_of(const char *state)
{
	static const char *const words[][2] = { { "succeeded", "passed" },
		{ "cancelled", "skipped" }, { "timed_out", "errored" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i][0], state) == 0)
			return words[i][1];
	return state;
}

static void
put_look(struct html *html, const struct report_look *look)
{
	struct out *out = &html->out;

	out_put(out, "<tr><td>");
	html_time(html, look->at_ms);
	out_putf(out, "</td><td class=\"num\">%" PRId64 "</td><td>", look->n);
	if (look->status > 0)
		out_putf(out, "%" PRId32, look->status);
	else
		out_text(out, look->kind);
	out_put(out, "</td><td class=\"mono\">");
	out_text(out, look->value);
	out_put(out, "</td><td>");
	out_text(out, look->error ? look->error : look->is_end ? "what it waited for" : NULL);
	out_put(out, "</td></tr>\n");
}

static void
put_looks(struct html *html, const struct report_stage *stage)
{
	struct out *out = &html->out;

	if (stage->n_looks == 0)
		return;
	out_put(out, "<details class=\"looks\"><summary>What it saw</summary>\n");
	if (stage->n_more_looks > 0)
		out_putf(out, "<p class=\"soft\">%" PRId64 " earlier ones are not shown.</p>\n",
			stage->n_more_looks);
	out_put(out,
		"<table><thead><tr><th>Time</th><th>Look</th><th>Answer</th><th>Value</th>"
		"<th>Note</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < stage->n_looks; i++)
		put_look(html, &stage->looks[i]);
	out_put(out, "</tbody></table></details>\n");
}

/* Links lead to the tests below: a page that was saved has nothing behind it. */
static void
put_jobs(struct html *html, const struct report_stage *stage)
{
	struct out *out = &html->out;

	for (size_t i = 0; i < stage->n_jobs; i++) {
		const struct report_model *job = stage->jobs[i];

		out_put(out, "<p class=\"job\">");
		html_sign(html, job->status);
		out_putf(out, " <a href=\"#job-%s\">", job->id);
		out_text(out, job->job->name);
		out_put(out, "</a> <span class=\"soft\">");
		html_words(html, job->status);
		out_put(out, job->is_past ? ", an earlier attempt" : "");
		out_put(out, "</span></p>\n");
	}
}

static void
put_stage(struct html *html, const struct report_stage *stage)
{
	struct out *out = &html->out;

	out_putf(out, "<li class=\"stage\" id=\"stage-%zu\"><h3>",
		(size_t)(stage - html->model->stages));
	html_sign(html, sign_of(stage->state));
	out_put(out, " ");
	out_text(out, stage->name);
	out_put(out, "</h3> <span class=\"soft\">");
	out_put(out, stage->is_wait ? "wait, " : "");
	html_words(html, stage->state);
	out_put(out, stage->goes_on ? ", may fail" : "");
	if (stage->start_ms > 0) {
		out_put(out, ", ");
		out_duration(out,
			(stage->end_ms ? stage->end_ms : html->model->now_ms) -
				stage->start_ms);
	}
	if (stage->needs[0]) {
		out_put(out, ", after ");
		out_text(out, stage->needs);
	}
	out_put(out, "</span>\n");
	if (stage->error) {
		out_put(out, "<p>");
		out_text(out, stage->error);
		out_put(out, "</p>\n");
	}
	put_jobs(html, stage);
	put_looks(html, stage);
	out_put(out, "</li>\n");
}

void
html_stages(struct html *html)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;

	if (model->n_stages == 0)
		return;
	out_put(out,
		"<section aria-labelledby=\"stages\"><h2 id=\"stages\">Stages</h2>\n"
		"<ol class=\"stages\">\n");
	for (size_t i = 0; i < model->n_stages; i++)
		put_stage(html, &model->stages[i]);
	out_put(out, "</ol>\n");
	if (model->n_more_jobs > 0)
		out_putf(out,
			"<p class=\"none\">%" PRId64
			" more jobs have reports of their own.</p>\n",
			model->n_more_jobs);
	out_put(out, "</section>\n");
}

static void
put_stage_tests(struct html *html, const struct report_stage *stage)
{
	const struct report_model *flow = html->model;
	const char *outer = html->nested;
	struct out *out = &html->out;

	for (size_t i = 0; i < stage->n_jobs; i++) {
		out_putf(out, "<section class=\"fixture\" id=\"job-%s\"><h3 class=\"fixture\">",
			stage->jobs[i]->id);
		out_text(out, stage->name);
		if (stage->n_jobs > 1) {
			out_put(out, " · ");
			out_text(out, stage->jobs[i]->job->name);
			out_putf(out, " #%zu", i + 1);
		}
		out_put(out, stage->jobs[i]->is_past ? " · an earlier attempt" : "");
		out_put(out, "</h3>\n");
		html->model = stage->jobs[i];
		html->nested = html->model->id;
		html_tests(html);
		html_stage_tests(html);
		html->model = flow;
		html->nested = outer;
		out_put(out, "</section>\n");
	}
}

void
html_stage_tests(struct html *html)
{
	const struct report_model *model = html->model;

	for (size_t i = 0; i < model->n_stages; i++)
		put_stage_tests(html, &model->stages[i]);
}

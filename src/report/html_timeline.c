/* SPDX-License-Identifier: Apache-2.0 */
/* Runs over connections: one line for each connection, drawn in percent, so that it fits
 * anywhere. */
#include <inttypes.h>

#include "report/html.h"

enum {
	TICKS_MAX = 6,         /* of the axis */
	TIMELINE_RUNS_MIN = 2, /* one run needs no picture */
};

static double
place_of(const struct report_model *model, int64_t ms)
{
	int64_t span = model->end_ms - model->begin_ms;

	return span > 0 ? 100.0 * (double)(ms - model->begin_ms) / (double)span : 0;
}

static const char *
test_name(const struct report_model *model, const struct report_run *run)
{
	size_t index = (size_t)run->row->test;

	return index < model->n_tests + model->n_hooks ? model->tests[index].name : "run";
}

static void
put_bar(struct html *html, const struct report_run *run)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;
	int64_t end_ms = run->end_ms ? run->end_ms : model->now_ms;
	double x = place_of(model, run->start_ms);
	double width = place_of(model, end_ms) - x;

	out_putf(out,
		"<a href=\"#r-%s\"><rect class=\"bar %s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"2\" "
		"height=\"14\" rx=\"2\"><title>",
		run->id, run->outcome, x, width > 0.3 ? width : 0.3);
	out_text(out, test_name(model, run));
	if (run->target) {
		out_put(out, " [");
		out_text(out, run->target);
		out_put(out, "]");
	}
	if (model->job->iterations != 1)
		out_putf(out, " #%" PRId64, run->row->iteration);
	out_putf(out, ": %s, ", run->outcome);
	out_duration(out, end_ms - run->start_ms);
	out_put(out, "</title></rect></a>\n");
}

static int64_t
tick_step(int64_t span_ms)
{
	static const int64_t steps[] = { 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
		15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, 3600000, 7200000,
		21600000, 43200000, 86400000 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (span_ms / steps[i] <= TICKS_MAX)
			return steps[i];
	}
	return span_ms / TICKS_MAX;
}

static void
put_axis(struct html *html)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;
	int64_t span = model->end_ms - model->begin_ms;
	int64_t step = tick_step(span);

	out_put(out, "<div></div><svg class=\"axis\" aria-hidden=\"true\">");
	for (int64_t at = 0; step > 0 && at <= span; at += step) {
		double x = place_of(model, model->begin_ms + at);
		out_putf(out, "<line x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"0\" y2=\"5\"/>", x, x);
		out_putf(out, "<text x=\"%.3f%%\" y=\"17\" text-anchor=\"%s\">", x,
			at == 0          ? "start"
				: x > 95 ? "end"
					 : "middle");
		if (at == 0)
			out_put(out, "0");
		else
			out_duration(out, at);
		out_put(out, "</text>");
	}
	out_put(out, "</svg>\n");
}

void
html_timeline(struct html *html)
{
	const struct report_model *model = html->model;
	struct out *out = &html->out;

	if (model->n_lanes == 0 || model->n_runs < TIMELINE_RUNS_MIN)
		return;
	out_put(out,
		"<section aria-labelledby=\"timeline\"><h2 id=\"timeline\">Runs over connections"
		"</h2>\n<div class=\"timeline\" tabindex=\"0\" role=\"group\" "
		"aria-labelledby=\"timeline\">\n");
	for (size_t lane = 0; lane < model->n_lanes; lane++) {
		out_put(out, "<div class=\"lane-name\">");
		out_text(out, model->lanes[lane].worker);
		out_putf(out,
			" <span class=\"soft num\">%" PRId32
			"</span></div><svg class=\"lane\">\n",
			model->lanes[lane].number);
		for (size_t i = 0; i < model->n_runs; i++) {
			if (model->runs[i].lane == (int32_t)lane)
				put_bar(html, &model->runs[i]);
		}
		out_put(out, "</svg>\n");
	}
	put_axis(html);
	out_put(out, "</div></section>\n");
}

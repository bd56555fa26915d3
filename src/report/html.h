/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the HTML report that its files share. */
#pragma once

#include "core/report_model.h"
#include "report/out.h"
#include "report/report.h"

struct html {
	struct out out;
	const struct report_model *model;
	const struct report_options *options;
	const char *
		nested; /* id of the job of a stage that is being shown; NULL: the job itself */
};

/* A state's sign with its word for those who do not see it. */
void html_sign(struct html *html, const char *state);

/* "2026-11-21 23:20:05 UTC" in a time element; nothing for 0. */
void html_time(struct html *html, int64_t ms);

/* "flaky" for a passed unit that needed more than one attempt, else its outcome. */
const char *html_unit_state(const struct report_unit *unit);

/* True for the states that the list of failures shows. */
bool html_is_bad(const char *state);

/* "timed out" for "timed_out". */
void html_words(struct html *html, const char *name);

/* html_timeline.c: nothing when there is nothing to compare. */
void html_timeline(struct html *html);

/* html_flow.c: the stages of a flow with what their waits saw; the tests of their jobs. Nothing
 * for other jobs. */
void html_stages(struct html *html);
void html_stage_tests(struct html *html);

/* html_tests.c: all tests with everything in them. */
void html_tests(struct html *html);

/* html_run.c: error, steps, screenshots, logs and files of a run or of one of its cases. */
void html_error(struct html *html, const struct report_error *error, bool is_errored);
void html_steps(struct html *html, const struct report_step *steps, size_t n);
/* one == NULL: those that belong to no case that is shown. */
void html_artifacts(
	struct html *html, const struct report_run *run, const struct report_case *one);

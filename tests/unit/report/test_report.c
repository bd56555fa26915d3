/* SPDX-License-Identifier: Apache-2.0 */
/* The model and its three writers, on the sample and on what a sample cannot show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <expat.h>

#include "base/json.h"
#include "base/limits.h"
#include "report/out.h"
#include "report/report.h"
#include "sample.h"

struct fixture {
	struct arena arena;
	struct report_model *model;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	arena_init(&fixture->arena, MIB(16));
	fixture->model = sample_model(&fixture->arena);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	arena_deinit(&fixture->arena);
	free(fixture);
	return 0;
}

static char *
render(struct fixture *fixture, enum report_format format)
{
	struct buf out = BUF_INIT(REPORT_BYTES_MAX);
	struct err err;

	assert_int_equal(report_write(format, fixture->model, NULL, &out, &err), 0);
	return buf_steal(&out);
}

static size_t
count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

/* --- Model --- */

static void
test_units(void **state)
{
	struct report_model *model = ((struct fixture *)*state)->model;

	assert_int_equal(model->n_tests, 5);
	assert_int_equal(model->tests[0].n_units, 1);
	assert_int_equal(model->tests[1].n_units, 1);
	assert_int_equal(model->tests[1].units[0].n_attempts, 2);
	assert_string_equal(model->tests[1].units[0].outcome, "passed");
	assert_true(model->tests[1].units[0].is_flaky);
	assert_int_equal(model->tests[2].n_units, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(model->tests[2].units[i].iteration, i + 1);
	assert_int_equal(model->tests[2].counts.passed, 2);
	assert_int_equal(model->tests[2].counts.timed_out, 1);
	assert_int_equal(model->tests[4].n_units, 0);
}

static void
test_results(void **state)
{
	const struct job_counts *results = &((struct fixture *)*state)->model->results;

	/* Five cases of checkout, and six runs that have none. */
	assert_int_equal(results->passed, 3 + 1 + 2);
	assert_int_equal(results->flaky, 2);
	assert_int_equal(results->failed, 1);
	assert_int_equal(results->errored, 1);
	assert_int_equal(results->timed_out, 1);
	assert_int_equal(results->cancelled, 1);
	assert_int_equal(results->skipped, 1);
}

static void
test_cases(void **state)
{
	const struct report_run *run = &((struct fixture *)*state)->model->runs[0];

	assert_int_equal(run->n_cases, 5);
	assert_string_equal(run->cases[0].path, "cart.spec.ts \xe2\x80\xba Cart");
	assert_string_equal(run->cases[2].status, "flaky");
	/* Colours of terminals and control characters are gone. */
	assert_string_equal(
		run->cases[2].error->message, "Timed out waiting for the list of deals");
	assert_non_null(strstr(run->cases[4].title, "&amp; bold"));
	assert_int_equal(run->cases[3].error->line, 27);
	assert_int_equal(run->cases[3].n_steps, 3);
	assert_int_equal(run->n_warnings, 1);
}

static void
test_steps_from_events(void **state)
{
	const struct report_run *run = &((struct fixture *)*state)->model->runs[3];

	assert_int_equal(run->n_steps, 2);
	assert_string_equal(run->steps[1].title, "/status equals \"ok\"");
	assert_int_equal(run->steps[1].duration_ms, -1);
}

/* What lost tries told is no part of the attempt; why they were lost is. */
static void
test_steps_of_lost_tries(void **state)
{
	struct fixture *fixture = *state;
	struct job job = { .name = "lost", .iterations = 1, .n_tests = 1 };
	struct job_test test = { .name = "t", .kind = "browser" };
	struct run run = { .seq = 1,
		.iteration = 1,
		.attempt = 1,
		.losses = 1,
		.state = RUN_FINISHED,
		.outcome = OUTCOME_PASSED };
	const struct event events[] = {
		{ .type = EV_RUN_STEP,
			.data = STR("{\"title\":\"old\",\"status\":\"passed\"}") },
		{ .type = EV_RUN_RESTARTED,
			.data = STR("{\"reason\":\"browser_disconnected\"}") },
		{ .type = EV_RUN_STEP,
			.data = STR("{\"title\":\"new\",\"status\":\"passed\"}") },
	};
	struct report_input in = { .job = &job,
		.tests = &test,
		.n_tests = 1,
		.runs = &run,
		.n_runs = 1,
		.events = events,
		.n_events = ARRAY_LEN(events),
		.now_ms = 1000 };

	fixture->model = report_model_build(&in, &fixture->arena);
	assert_int_equal(fixture->model->runs[0].n_steps, 1);
	assert_string_equal(fixture->model->runs[0].steps[0].title, "new");
	_cleanup_free_ char *html = render(fixture, REPORT_HTML);
	assert_non_null(strstr(html, "the browser died (1"));
	_cleanup_free_ char *json = render(fixture, REPORT_JSON);
	assert_non_null(strstr(json, "\"lostReason\":\"browser_disconnected\""));
}

static void
test_lanes(void **state)
{
	struct report_model *model = ((struct fixture *)*state)->model;

	/* local carries two runs at a time, office-1 one after the other. */
	assert_int_equal(model->n_lanes, 3);
	for (size_t i = 0; i < model->n_runs; i++) {
		for (size_t k = i + 1; k < model->n_runs; k++) {
			const struct report_run *a = &model->runs[i], *b = &model->runs[k];
			if (a->lane == b->lane)
				assert_true(
					a->end_ms <= b->start_ms || b->end_ms <= a->start_ms);
		}
	}
}

static void
test_nothing_ran(void **state)
{
	struct fixture *fixture = *state;
	struct job job = { .name = "empty", .iterations = 1, .n_tests = 1 };
	struct report_input in = { .job = &job, .now_ms = 1000 };

	fixture->model = report_model_build(&in, &fixture->arena);
	for (int f = 0; f < REPORT_FORMAT_COUNT; f++)
		free(render(fixture, (enum report_format)f));
	assert_int_equal(fixture->model->n_lanes, 0);
}

/* A result that is no JSON, or nothing like a result, must not cost the report. */
static void
test_broken_results(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "3", "{\"cases\":3}",
		"{\"cases\":[1,null,{},{\"title\":7,\"path\":{},\"status\":\"odd\",\"steps\":[3,{}]}]}",
		"{\"cases\":[{\"error\":{}}],\"warnings\":{\"a\":1},\"output\":[[]]}" };
	struct fixture *fixture = *state;
	struct job job = { .name = "broken", .iterations = 1, .n_tests = 1 };
	struct job_test test = { .name = "t", .kind = "command" };
	struct run run = { .seq = 1,
		.iteration = 1,
		.attempt = 1,
		.state = RUN_FINISHED,
		.outcome = OUTCOME_PASSED,
		.error = "}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct report_result result = { 1, str_of(texts[i]) };
		struct report_input in = { .job = &job,
			.tests = &test,
			.n_tests = 1,
			.runs = &run,
			.n_runs = 1,
			.results = &result,
			.n_results = 1,
			.now_ms = 1000 };
		fixture->model = report_model_build(&in, &fixture->arena);
		for (int f = 0; f < REPORT_FORMAT_COUNT; f++)
			free(render(fixture, (enum report_format)f));
	}
}

/* --- HTML --- */

static void
test_html_escapes(void **state)
{
	char *html = render(*state, REPORT_HTML);

	/* Hostile texts are there, but never as markup: one script and one style, ours. */
	assert_int_equal(count_of(html, "<script"), 1);
	assert_int_equal(count_of(html, "</script"), 1);
	assert_int_equal(count_of(html, "<style"), 1);
	assert_int_equal(count_of(html, "<title>"), 1 + 8); /* page and bars */
	assert_null(strstr(html, "<img src=x"));
	assert_null(strstr(html, "<b>"));
	assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
	/* SVG may hold scripts: it is never shown. */
	assert_null(strstr(html, "data:image/svg"));
	assert_non_null(strstr(html, "data:image/png;base64,iVBOR"));
	free(html);
}

static void
test_html_is_self_contained(void **state)
{
	char *html = render(*state, REPORT_HTML);

	assert_non_null(strstr(html, "default-src 'none'"));
	assert_null(strstr(html, "http://"));
	assert_null(strstr(html, "https://"));
	assert_null(strstr(html, " style="));
	assert_null(strstr(html, " onclick="));
	assert_true(utf8_valid(html, strlen(html)));
	free(html);
}

static void
test_html_links(void **state)
{
	struct fixture *fixture = *state;
	struct report_options options = { .artifact_base = "\"><x>/" };
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(REPORT_BYTES_MAX);
	struct err err;

	assert_int_equal(report_write(REPORT_HTML, fixture->model, &options, &out, &err), 0);
	assert_non_null(strstr(out.data, "href=\"&quot;&gt;&lt;x&gt;/0193"));
	assert_non_null(
		strstr(out.data, "/a%22%3E%3Cscript%3Ealert%285%29%3C/script%3E.svg\""));
	buf_clear(&out);
	options.artifact_base = "javascript:alert(1)//";
	assert_int_equal(report_write(REPORT_HTML, fixture->model, &options, &out, &err), 0);
	assert_null(strstr(out.data, "javascript:"));
	/* A kept report is one link, not one for each of its files. */
	assert_non_null(strstr(out.data, "report/index.html"));
	assert_null(strstr(out.data, "report/data/1.zip"));
}

static void
test_too_large(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(5000);
	struct err err;

	for (int f = 0; f < REPORT_FORMAT_COUNT; f++) {
		buf_clear(&out);
		out.max = f == REPORT_HTML ? 5000 : 500;
		assert_int_equal(
			report_write((enum report_format)f, fixture->model, NULL, &out, &err),
			-1);
		assert_int_equal(err.code, ERR_LIMIT);
	}
}

/* --- JUnit --- */

struct junit {
	int suites, cases, failures, errors, skipped;
	int said_cases, said_failures, said_errors, said_skipped;
	char first_failure[200];
};

static int
attribute(const char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2) {
		if (strcmp(attributes[0], name) == 0) {
			char *end;
			return (int)strtod(attributes[1], &end);
		}
	}
	fail_msg("no attribute %s", name);
	return 0;
}

static void
on_element(void *arg, const char *name, const char **attributes)
{
	struct junit *junit = arg;

	if (strcmp(name, "testsuite") == 0) {
		junit->suites++;
		junit->said_cases += attribute(attributes, "tests");
		junit->said_failures += attribute(attributes, "failures");
		junit->said_errors += attribute(attributes, "errors");
		junit->said_skipped += attribute(attributes, "skipped");
	}
	junit->cases += strcmp(name, "testcase") == 0;
	junit->failures += strcmp(name, "failure") == 0;
	junit->errors += strcmp(name, "error") == 0;
	junit->skipped += strcmp(name, "skipped") == 0;
}

static struct junit
parse_junit(const char *xml)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	struct junit junit = { 0 };

	XML_SetUserData(parser, &junit);
	XML_SetElementHandler(parser, on_element, NULL);
	if (XML_Parse(parser, xml, (int)strlen(xml), 1) != XML_STATUS_OK)
		fail_msg("line %lu: %s", XML_GetCurrentLineNumber(parser),
			XML_ErrorString(XML_GetErrorCode(parser)));
	XML_ParserFree(parser);
	return junit;
}

static void
test_junit(void **state)
{
	char *xml = render(*state, REPORT_JUNIT);
	struct junit junit = parse_junit(xml);

	assert_int_equal(junit.suites, 8);
	assert_int_equal(junit.cases, 12);
	assert_int_equal(junit.failures, 1);
	assert_int_equal(junit.errors, 2);
	assert_int_equal(junit.skipped, 3);
	assert_int_equal(junit.said_cases, junit.cases);
	assert_int_equal(junit.said_failures, junit.failures);
	assert_int_equal(junit.said_errors, junit.errors);
	assert_int_equal(junit.said_skipped, junit.skipped);
	free(xml);
}

static void
test_escape(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *text, *attr;
	} rows[] = {
		{ "a<b>&\"'", 7, "a&lt;b&gt;&amp;&quot;&#39;", "a&lt;b&gt;&amp;&quot;&#39;" },
		{ "a\nb\tc", 5, "a\nb\tc", "a&#10;b&#9;c" },
		{ "a\0b", 3,
			"a\xef\xbf\xbd"
			"b",
			NULL },
		{ "\x01\x1b\x7f", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", NULL },
		{ "\xff\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd", NULL },
		{ "\xef\xbf\xbe\xef\xbf\xbf", 6, "\xef\xbf\xbd\xef\xbf\xbd", NULL },
		{ "\xe2\x9c\x93 \xf0\x9f\x98\x80", 8, "\xe2\x9c\x93 \xf0\x9f\x98\x80", NULL },
		{ "", 0, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_deinit) struct buf buf = BUF_INIT(1000);
		struct out out = { .buf = &buf };
		out_textn(&out, rows[i].in, rows[i].len);
		assert_false(out.failed);
		assert_string_equal(buf_text(&buf), rows[i].text);
		buf_clear(&buf);
		out_attr(&out, rows[i].in);
		if (rows[i].attr)
			assert_string_equal(buf_text(&buf), rows[i].attr);
	}
}

/* --- JSON --- */

static void
test_json(void **state)
{
	char *text = render(*state, REPORT_JSON);
	struct err err;
	json_t *root = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);

	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "status")), "failed");
	json_t *first = json_pointer_get(root, "/tests/0/units/0/runs/0/cases/3/error/line");
	assert_int_equal(json_integer_value(first), 27);
	assert_int_equal(json_integer_value(json_pointer_get(root, "/results/failed")), 1);
	assert_int_equal(json_array_size(json_pointer_get(root, "/tests/1/units/0/runs")), 2);
	json_decref(root);
	free(text);
}

/* --- Flows --- */

/*
 * "oops" may fail and did; "last" failed by what it handed on, after an attempt whose test
 * failed; "wait" ran out of time; "never" was not begun.
 */
static void
make_flow(struct fixture *fixture)
{
	struct arena *arena = &fixture->arena;
	struct report_model *flow = sample_model(arena), *failed = fixture->model,
			    *passed = arena_calloc(arena, 1, sizeof *passed),
			    *past = arena_calloc(arena, 1, sizeof *past);
	struct report_stage *stages = arena_calloc(arena, 4, sizeof *stages);
	struct report_model **jobs = arena_calloc(arena, 3, sizeof *jobs);

	*passed = *failed;
	passed->n_tests = 0;
	passed->results = (struct job_counts) { .passed = 1 };
	(void)snprintf(passed->id, sizeof passed->id, "passed");
	*past = *failed;
	past->is_past = true;
	(void)snprintf(past->id, sizeof past->id, "past");
	jobs[0] = failed;
	jobs[1] = past;
	jobs[2] = passed;
	stages[0] = (struct report_stage) { .name = "oops",
		.state = "failed",
		.needs = "",
		.goes_on = true,
		.start_ms = 1000,
		.end_ms = 2000,
		.jobs = jobs,
		.n_jobs = 1 };
	stages[1] = (struct report_stage) { .name = "last",
		.state = "failed",
		.needs = "oops",
		.error = "its results are wrong",
		.failed_flow = true,
		.start_ms = 2000,
		.end_ms = 3000,
		.jobs = jobs + 1,
		.n_jobs = 2 };
	stages[2] = (struct report_stage) { .name = "wait",
		.state = "timed_out",
		.needs = "",
		.is_wait = true,
		.start_ms = 1000,
		.end_ms = 2500 };
	stages[3] = (struct report_stage) { .name = "never",
		.state = "skipped",
		.needs = "last",
		.end_ms = INT64_C(1795338442285) };
	flow->tests = NULL;
	flow->n_tests = 0;
	flow->reason = "stage_failed";
	flow->stages = stages;
	flow->n_stages = 4;
	flow->results = failed->results;
	flow->results.passed++;
	flow->results.failed++;
	flow->results.timed_out++;
	fixture->model = flow;
}

static void
test_flow_junit(void **state)
{
	size_t n_past;
	char *xml, *suite;

	xml = render(*state, REPORT_JUNIT);
	n_past = count_of(xml, "<failure ");
	free(xml);
	make_flow(*state);
	xml = render(*state, REPORT_JUNIT);
	struct junit junit = parse_junit(xml);
	assert_int_equal(junit.suites, 4);
	assert_int_equal(junit.said_cases, junit.cases);
	assert_int_equal(junit.said_failures, junit.failures);
	assert_int_equal(count_of(xml, "<failure "), n_past + 1); /* not of the past job */
	suite = strstr(xml, "name=\"never\"");
	assert_non_null(suite);
	assert_non_null(strstr(suite, "<testcase name=\"never\""));
	assert_null(strstr(xml, "179533844"));
	assert_int_equal(count_of(suite, "time=\"0.000\""), 2);
	free(xml);
}

static void
test_flow_html(void **state)
{
	struct fixture *fixture = *state;
	char *html, *wrong, *end;

	make_flow(fixture);
	html = render(fixture, REPORT_HTML);
	assert_non_null(strstr(html, "A stage failed. <a href=\"#stage-1\">Stage: last</a>"));
	assert_null(strstr(html, "href=\"../"));
	for (const char *at = strstr(html, "href=\"#"); at; at = strstr(at + 1, "href=\"#")) {
		char target[200];
		size_t n = strcspn(at + 7, "\"");

		(void)snprintf(target, sizeof target, "id=\"%.*s\"", (int)n, at + 7);
		if (!strstr(html, target))
			fail_msg("nothing has %s", target);
	}
	wrong = strstr(html, "id=\"wrong\"");
	assert_non_null(wrong);
	end = strstr(wrong, "</section>");
	*end = '\0';
	assert_non_null(strstr(wrong, "its results are wrong"));
	assert_int_equal(count_of(wrong, "href=\"#stage-"), 2); /* last and wait */
	*end = '<';
	assert_null(strstr(html, ">timed_out<"));
	assert_non_null(strstr(html, "an earlier attempt"));
	free(html);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_units),
		CASE(test_results),
		CASE(test_cases),
		CASE(test_steps_from_events),
		CASE(test_steps_of_lost_tries),
		CASE(test_lanes),
		CASE(test_nothing_ran),
		CASE(test_broken_results),
		CASE(test_html_escapes),
		CASE(test_html_is_self_contained),
		CASE(test_html_links),
		CASE(test_too_large),
		CASE(test_junit),
		CASE(test_escape),
		CASE(test_json),
		CASE(test_flow_junit),
		CASE(test_flow_html),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

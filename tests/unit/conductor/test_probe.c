/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at addresses: what is seen, what is refused, what is bounded. */
#include "desk.h"

#include <stdio.h>

#include "base/limits.h"

#define assert_str(text, expected)                                                            \
	do {                                                                                  \
		const char *expected_ = (expected);                                           \
		struct str text_ = (text);                                                    \
		if (!str_eqz(text_, expected_))                                               \
			fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(text_), expected_); \
	} while (0)

static void
selects_a_value(void **state)
{
	const struct flow_report *report =
		desk_look(*state, "/json", ",\"select\":\"/task/state\"");

	assert_null(report->error);
	assert_int_equal(report->what, EFFECT_FLOW_PROBE);
	assert_string_equal(report->stage, "s");
	assert_int_equal(report->look.status, 200);
	assert_str(report->look.value, "\"SUCCESS\"");
	assert_str(report->look.body, "{\"task\":{\"state\":\"SUCCESS\",\"id\":7}}");
	assert_non_null(
		strstr(report->look.headers.p, "\"content-type\":\"application/json\""));
}

static void
gives_the_whole_body_without_a_selection(void **state)
{
	assert_str(desk_look(*state, "/json", "")->look.value,
		"{\"task\":{\"state\":\"SUCCESS\",\"id\":7}}");
	assert_str(desk_look(*state, "/text", "")->look.value, "\"plain \\\"words\\\"\"");
}

static void
says_why_there_is_no_value(void **state)
{
	const struct flow_report *report =
		desk_look(*state, "/json", ",\"select\":\"/task/other\"");

	assert_string_equal(report->look.error, "the answer has nothing at /task/other");
	assert_int_equal(report->look.status, 200);
	assert_false(report->look.is_transport);
	report = desk_look(*state, "/text", ",\"select\":\"/a\"");
	assert_non_null(strstr(report->look.error, "the answer is no JSON"));
}

static void
tells_other_statuses_and_how_long_to_wait(void **state)
{
	const struct flow_report *report = desk_look(*state, "/404", "");

	assert_int_equal(report->look.status, 404);
	assert_str(report->look.value, "{\"no\":1}");
	report = desk_look(*state, "/busy", "");
	assert_int_equal(report->look.status, 503);
	assert_int_equal(report->look.retry_after_ms, 7000);
}

static void
follows_no_redirect(void **state)
{
	struct desk *desk = *state;
	const struct flow_report *report = desk_look(desk, "/away", "");

	assert_int_equal(report->look.status, 302);
	assert_int_equal(desk->n_requests, 1);
}

static void
sends_method_headers_and_body(void **state)
{
	struct desk *desk = *state;
	char body[512];

	(void)snprintf(body, sizeof body,
		"{\"request\":\"POST http://127.0.0.1:%u/echo\","
		"\"headers\":{\"X-One\":\"1 ${{ params.a }}\",\"X-Empty\":\"\"},"
		"\"body\":{\"id\":\"${{ stages.prepare.results.id }}\"}}",
		desk->port);
	const struct effect effect = desk_effect(EFFECT_FLOW_PROBE, body,
		"{\"params\":{\"a\":\"b\"},\"stages\":{\"prepare\":{\"results\":{\"id\":7}}}}");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, 1);
	const struct flow_report *report = desk_report(desk);
	assert_null(report->error);
	const char *seen = report->look.value.p;
	assert_non_null(strstr(seen, "POST /echo HTTP/1.1"));
	assert_non_null(strstr(seen, "X-One: 1 b\\r\\n"));
	assert_non_null(strstr(seen, "X-Empty:\\r\\n"));
	assert_non_null(strstr(seen, "Content-Type: application/json\\r\\n"));
	assert_non_null(strstr(seen, "{\\\"id\\\":7}"));
	assert_non_null(strstr(report->look.headers.p, "\"x-twice\":\"a, b\""));
}

static void
bounds_what_it_reads(void **state)
{
	const struct flow_report *report = desk_look(*state, "/long", "");

	assert_non_null(strstr(report->look.error, "the answer is longer than"));
	assert_false(report->look.is_transport);
	assert_int_equal(report->look.value.n, 0);
}

static void
gives_up_in_time(void **state)
{
	const struct flow_report *report = desk_look(*state, "/never", ",\"timeout\":100");

	assert_non_null(report->look.error);
	assert_true(report->look.is_transport);
	assert_in_range(report->look.took_ms, 90, 20000);
	report = desk_look(*state, "/drip", ",\"timeout\":200");
	assert_non_null(report->look.error);
	assert_true(report->look.is_transport);
}

static void
tells_that_nobody_is_there(void **state)
{
	struct desk *desk = *state;
	const struct effect effect =
		desk_effect(EFFECT_FLOW_PROBE, "{\"request\":\"http://127.0.0.1:1/\"}", "{}");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, 1);
	const struct flow_report *report = desk_report(desk);
	assert_null(report->error);
	assert_true(report->look.is_transport);
	assert_int_equal(report->look.status, 0);
}

/* What will be wrong the next time too ends the wait, and nothing is sent. */
static void
refuses_for_good(void **state)
{
	static const struct {
		const char *body, *why;
	} rows[] = {
		{ "{\"request\":\"GET http://169.254.169.254/latest/meta-data/\"}",
			"not public" },
		{ "{\"request\":\"GET http://[fd00:ec2::254]/latest\"}", "not public" },
		{ "{\"request\":\"GET http://10.0.0.1/\"}", "not public" },
		{ "{\"request\":\"GET http://[::ffff:10.0.0.1]/\"}", "not public" },
		{ "{\"request\":\"GET http://93.184.216.34:22/\"}", "port 22 is not allowed" },
		{ "{\"request\":\"GET http://2130706433/\"}", "four decimal numbers" },
		{ "{\"request\":\"GET http://u:p@127.0.0.1/\"}", "names and passwords" },
		{ "{\"request\":\"GET file:///etc/passwd\"}", "only http and https" },
		{ "{\"request\":\"GET http://127.0.0.1/\\r\\nX: y\"}", "blanks, controls" },
		{ "{\"request\":\"GET http://127.0.0.1/a b\"}", "blanks, controls" },
		{ "{\"request\":\"CONNECT http://127.0.0.1/\"}", "no method" },
		{ "{\"request\":\"GET\\r\\nX http://127.0.0.1/\"}", "no method" },
		{ "{\"request\":\"GET http://127.0.0.1/\",\"headers\":{\"A\":\"b\\r\\nC: d\"}}",
			"line break" },
		{ "{\"request\":\"GET http://127.0.0.1/\",\"headers\":{\"A\\r\\nB\":\"c\"}}",
			"no header name" },
		{ "{\"request\":\"GET http://127.0.0.1/\",\"headers\":{\"Content-Length\":\"1\"}}",
			"not free" },
		{ "{\"request\":\"GET ${{ params.no }}\"}", "no" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct effect effect =
			desk_effect(EFFECT_FLOW_PROBE, rows[i].body, "{\"params\":{}}");

		desk_ask(desk, &effect, 1);
		desk_wait(desk, desk->n_reports + 1);
		const struct flow_report *report = desk_report(desk);
		if (!report->error || !strstr(report->error, rows[i].why))
			fail_msg("%s: %s", rows[i].body,
				report->error ? report->error : "no error");
	}
	assert_int_equal(desk->n_requests, 0);
}

/* A name says nothing about where it leads: what it resolves to is checked, and used. */
static void
checks_what_a_name_resolves_to(void **state)
{
	struct desk *desk = *state;
	char body[128];

	(void)snprintf(body, sizeof body, "{\"request\":\"GET http://localhost:%u/json\"}",
		desk->port);
	const struct effect effect = desk_effect(EFFECT_FLOW_PROBE, body, "{}");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, 1);
	assert_int_equal(desk_report(desk)->look.status, 200);
	desk->guard.loopback = false;
	desk->guard.ports = (const uint16_t[]) { (uint16_t)desk->port };
	desk->guard.n_ports = 1;
	desk_ask(desk, &effect, 1);
	desk_wait(desk, 2);
	assert_non_null(strstr(desk_report(desk)->error, "not public"));
	assert_int_equal(desk->n_requests, 1);
}

static void
breaks_off_at_the_end(void **state)
{
	struct desk *desk = *state;
	char body[128];

	(void)snprintf(body, sizeof body, "{\"request\":\"GET http://127.0.0.1:%u/never\"}",
		desk->port);
	const struct effect effect = desk_effect(EFFECT_FLOW_PROBE, body, "{}");

	desk_ask(desk, &effect, 1);
	while (desk->n_requests == 0)
		(void)uv_run(&desk->loop, UV_RUN_ONCE);
	conductor_stop(desk->conductor);
	assert_int_equal(conductor_stats(desk->conductor).under_way, 0);
	assert_int_equal(desk->n_reports, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(selects_a_value, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			gives_the_whole_body_without_a_selection, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			says_why_there_is_no_value, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			tells_other_statuses_and_how_long_to_wait, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(follows_no_redirect, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			sends_method_headers_and_body, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			bounds_what_it_reads, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(gives_up_in_time, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			tells_that_nobody_is_there, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(refuses_for_good, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			checks_what_a_name_resolves_to, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			breaks_off_at_the_end, desk_setup, desk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

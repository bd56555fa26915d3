/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions on a response, as a table: what holds, what does not, and what is no expectation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "runners/http/expect.h"

static const struct http_header headers[] = {
	{ STR_INIT("Content-Type"), STR_INIT("application/json") },
	{ STR_INIT("X-A"), STR_INIT("1") },
	{ STR_INIT("x-a"), STR_INIT("2") },
	{ STR_INIT("Content-Length"), STR_INIT("42") },
};

static const struct http_seen seen = {
	.status = 204,
	.headers = headers,
	.n_headers = ARRAY_LEN(headers),
	.body = STR_INIT("{\"status\":\"ok\",\"n\":3,\"list\":[1,2.0,{\"a\":null}],\"a/b\":1}"),
	.total_ms = 120,
	.certificate_end_ms = DAYS_MS(40) + 5,
	.now_ms = DAYS_MS(10),
};

static int n_steps;

static void
on_step(void *arg, const char *title, const char *message, json_t *expected, json_t *actual)
{
	(void)arg, (void)title, (void)message, (void)expected, (void)actual;
	n_steps++;
}

static int
check(const struct http_seen *what, const char *text, struct err *err)
{
	_cleanup_(json_unrefp) json_t *expect =
		text ? json_read(text, strlen(text), 16, err) : NULL;

	if (text)
		assert_non_null(expect);
	n_steps = 0;
	return expect_response(what, expect, on_step, NULL, err);
}

static void
assertions_hold_or_not(void **state)
{
	static const struct {
		const char *expect;
		int n_failed;
	} cases[] = {
		{ "{}", 0 },
		{ "{\"status\":204}", 0 },
		{ "{\"status\":200}", 1 },
		{ "{\"status\":\"2xx\"}", 0 },
		{ "{\"status\":\"3XX\"}", 1 },
		{ "{\"status\":\"200-299\"}", 0 },
		{ "{\"status\":[200,\"204\"]}", 0 },
		{ "{\"headers\":{\"content-type\":\"application/json\"}}", 0 },
		{ "{\"headers\":{\"X-A\":\"1, 2\"}}", 0 },
		{ "{\"headers\":{\"content-length\":{\"min\":40,\"max\":50}}}", 0 },
		{ "{\"headers\":{\"content-length\":{\"max\":40}}}", 1 },
		{ "{\"headers\":{\"none\":\"\"}}", 1 },
		{ "{\"headers\":{\"none\":{\"exists\":false}}}", 0 },
		{ "{\"headers\":{\"x-a\":{\"exists\":false}}}", 1 },
		{ "{\"json\":{\"/status\":\"ok\",\"/n\":3.0,\"/a~1b\":1}}", 0 },
		{ "{\"json\":{\"/n\":\"3\"}}", 1 },
		{ "{\"json\":{\"/list\":[1,2,{\"a\":null}]}}", 0 },
		{ "{\"json\":{\"/list/2\":{\"a\":null}}}", 0 },
		{ "{\"json\":{\"/list/2\":{\"equals\":{\"a\":null}}}}", 0 },
		{ "{\"json\":{\"/list\":{\"contains\":2}}}", 0 },
		{ "{\"json\":{\"/none\":null}}", 1 },
		{ "{\"json\":{\"/none\":{\"exists\":false},\"/n\":{\"min\":4}}}", 1 },
		{ "{\"json\":{\"/status\":{\"matches\":\"^o.$\"}}}", 0 },
		{ "{\"body\":{\"contains\":\"status\",\"matches\":\"\\\"n\\\":\\\\d\"}}", 0 },
		{ "{\"body\":\"x\"}", 1 },
		{ "{\"within\":\"120ms\"}", 0 },
		{ "{\"within\":119}", 1 },
		{ "{\"certificateDays\":30}", 0 },
		{ "{\"certificateDays\":31}", 1 },
		{ "{\"status\":1000,\"body\":\"x\",\"within\":1}", 3 },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int n = check(&seen, cases[i].expect, &err);
		if (n != cases[i].n_failed)
			fail_msg("%s: %d (%s)", cases[i].expect, n, n < 0 ? err.text : "");
		assert_true(n_steps > 0);
	}
}

static void
wrong_expectations_are_errors(void **state)
{
	static const char *const bad[] = { "{\"stats\":1}", "{\"status\":true}",
		"{\"status\":\"ok\"}", "{\"status\":\"6xx\"}", "{\"headers\":[]}",
		"{\"json\":{\"status\":1}}", "{\"json\":{\"/n\":{\"min\":\"x\"}}}",
		"{\"json\":{\"/status\":{\"matches\":\"(\"}}}", "{\"body\":{\"min\":1}}",
		"{\"body\":[]}", "{\"within\":\"soon\"}", "{\"certificateDays\":\"x\"}" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (check(&seen, bad[i], &err) != -1)
			fail_msg("accepted %s", bad[i]);
}

static void
without_expectations_status_counts(void **state)
{
	struct http_seen bad = seen;
	struct err err;

	(void)state;
	assert_int_equal(check(&seen, NULL, &err), 0);
	bad.status = 503;
	assert_int_equal(check(&bad, NULL, &err), 1);
	bad.status = 204;
	bad.body = STR("no json");
	assert_int_equal(check(&bad, "{\"json\":{\"/a\":1}}", &err), 1);
	bad.certificate_end_ms = 0;
	assert_int_equal(check(&bad, "{\"certificateDays\":1}", &err), 1);
}

/* A pattern that would run for ages is an error of the test within a moment. */
static void
costly_patterns_are_stopped(void **state)
{
	static char body[64 * 1024];
	struct http_seen long_body = seen;
	struct err err;

	(void)state;
	memset(body, 'a', sizeof body);
	body[sizeof body - 1] = '!';
	long_body.body = str_from(body, sizeof body);
	assert_int_equal(check(&long_body, "{\"body\":{\"matches\":\"^(a+)+$\"}}", &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void
certificate_times_are_read(void **state)
{
	int64_t a, b;

	(void)state;
	assert_int_equal(certificate_time_parse(STR("Dec  1 02:03:04 2026 GMT"), &a), 0);
	assert_int_equal(certificate_time_parse(STR("2026-12-01 02:03:04 GMT"), &b), 0);
	assert_true(a == b && a == INT64_C(1796090584000));
	assert_int_equal(certificate_time_parse(STR("soon"), &a), -1);
	assert_int_equal(certificate_time_parse(STR("Foo 1 02:03:04 2026 GMT"), &a), -1);
	assert_int_equal(certificate_time_parse(STR(""), &a), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assertions_hold_or_not),
		cmocka_unit_test(wrong_expectations_are_errors),
		cmocka_unit_test(without_expectations_status_counts),
		cmocka_unit_test(costly_patterns_are_stopped),
		cmocka_unit_test(certificate_times_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JUnit XML, TAP, a JSON verdict, and the definition of a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "runners/command/command.h"
#include "runners/command/report.h"

static const char *
text_at(json_t *object, const char *pointer)
{
	const char *text = json_string_value(json_pointer_get(object, pointer));

	return text ? text : "(none)";
}

/* --- JUnit --- */

static void
junit_cases_are_read(void **state)
{
	static const char xml[] =
		"<?xml version='1.0'?><testsuites><testsuite name='outer'><testsuite name='inner'>"
		"<properties><property name='a' value='b'/></properties>"
		"<testcase name='fine' classname='C' time='1.25' file='f.py' line='3'/>"
		"<testcase name='bad'><failure message='a &lt; b'>stack\nline</failure>"
		"<system-out>noise</system-out></testcase>"
		"<testcase name='worse'><error>only text</error></testcase>"
		"<testcase name='not now'><skipped/></testcase>"
		"<testcase name='shaky'><flakyFailure message='once'/></testcase>"
		"</testsuite></testsuite></testsuites>";
	struct report report;
	struct err err;

	(void)state;
	report_init(&report);
	assert_int_equal(junit_parse(&report, xml, sizeof xml - 1, &err), 0);
	assert_int_equal(report.passed, 1);
	assert_int_equal(report.failed, 2);
	assert_int_equal(report.skipped, 1);
	assert_int_equal(report.flaky, 1);
	assert_string_equal(report.message, "bad: a < b");
	assert_string_equal(text_at(report.cases, "/0/title"), "fine");
	assert_string_equal(text_at(report.cases, "/0/path/1"), "inner");
	assert_string_equal(text_at(report.cases, "/0/path/2"), "C");
	assert_string_equal(text_at(report.cases, "/0/id"), "outer › inner › C › fine");
	assert_int_equal(
		json_integer_value(json_pointer_get(report.cases, "/0/durationMs")), 1250);
	assert_int_equal(json_integer_value(json_pointer_get(report.cases, "/0/line")), 3);
	assert_string_equal(text_at(report.cases, "/1/error/message"), "a < b");
	assert_string_equal(text_at(report.cases, "/1/error/stack"), "stack\nline");
	assert_string_equal(text_at(report.cases, "/2/error/message"), "only text");
	report_deinit(&report);
}

static void
refuse_junit(const char *xml, const char *why)
{
	struct report report;
	struct err err;

	report_init(&report);
	assert_int_equal(junit_parse(&report, xml, strlen(xml), &err), -1);
	if (!strstr(err.text, why))
		fail_msg("expected \"%s\", got \"%s\"", why, err.text);
	report_deinit(&report);
}

static void
hostile_junit_is_refused(void **state)
{
	_cleanup_(buf_deinit) struct buf deep = BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_adds(&deep, "<testsuite>"), 0);
	refuse_junit(buf_text(&deep), "deep");
	refuse_junit("<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><testsuite/>",
		"entities");
	refuse_junit("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
		     "<testsuite name='&a;'/>",
		"entities");
	refuse_junit("<html/>", "root");
	refuse_junit("<testsuite>", "line 1");
	refuse_junit("", "line 1");
	refuse_junit("<testsuite name='\xff'/>", "line 1");
}

static void
too_many_cases_are_counted(void **state)
{
	_cleanup_(buf_deinit) struct buf xml = BUF_INIT(4 << 20);
	struct report report;
	struct err err;

	(void)state;
	assert_int_equal(buf_adds(&xml, "<testsuite>"), 0);
	for (int i = 0; i < REPORT_CASES_MAX + 5; i++)
		assert_int_equal(buf_adds(&xml, "<testcase name='c'/>"), 0);
	assert_int_equal(buf_adds(&xml, "</testsuite>"), 0);
	report_init(&report);
	assert_int_equal(junit_parse(&report, xml.data, xml.len, &err), 0);
	assert_int_equal(json_array_size(report.cases), REPORT_CASES_MAX);
	assert_int_equal(report.passed, REPORT_CASES_MAX + 5);
	assert_int_equal(report.n_dropped, 5);
	report_deinit(&report);
}

/* --- TAP --- */

struct tap_case {
	const char *text;
	size_t passed, failed, skipped;
	bool is_broken, is_bailed;
	const char *message; /* NULL: none */
};

static void
tap_is_read(void **state)
{
	static const struct tap_case cases[] = {
		{ "1..2\nok 1 - a\nok 2 - b\n", 2, 0, 0, false, false, NULL },
		{ "TAP version 14\nok\nok\n1..2\n", 2, 0, 0, false, false, NULL },
		{ "1..1\r\nok 1\r\n", 1, 0, 0, false, false, NULL },
		{ "1..2\nok 1\nnot ok 2 - b\n", 1, 1, 0, false, false, "b" },
		{ "1..3\nok 1 # skip no db\nnot ok 2 # TO"
		  "DO later\nok 3 # Todo\n",
			1, 0, 2, false, false, NULL },
		{ "1..0 # SKIP nothing here\n", 0, 0, 0, false, false, NULL },
		{ "ok 1\n", 1, 0, 0, true, false, "no plan (1..N) in the output" },
		{ "1..3\nok 1\n", 1, 0, 0, true, false,
			"the plan announced 3 tests, 1 were reported" },
		{ "1..9\nok 1\nBail out! disk is full\nok 2\n", 1, 0, 0, false, true,
			"disk is full" },
		{ "noise\nokay\nnot okay\n1..1\n    ok 1 - inner\nok 1 - outer\n", 1, 0, 0,
			false, false, NULL },
		{ "1..1\nnot ok 1 - a\n  ---\n  message: why\n  ...\n", 0, 1, 0, false, false,
			"a: message: why" },
		{ "1..1\nok 1 - hash \\# skip\n", 1, 0, 0, false, false, NULL },
		{ "", 0, 0, 0, true, false, "no plan (1..N) in the output" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct report report;

		report_init(&report);
		tap_parse(&report, cases[i].text, strlen(cases[i].text));
		if (report.passed != cases[i].passed || report.failed != cases[i].failed ||
			report.skipped != cases[i].skipped ||
			report.is_broken != cases[i].is_broken ||
			report.is_bailed != cases[i].is_bailed)
			fail_msg("case %zu: %zu %zu %zu %d %d", i, report.passed, report.failed,
				report.skipped, report.is_broken, report.is_bailed);
		if (cases[i].message)
			assert_string_equal(report.message, cases[i].message);
		else
			assert_null(report.message);
		report_deinit(&report);
	}
}

/* --- A JSON verdict --- */

static void
the_last_line_is_the_verdict(void **state)
{
	static const char good[] =
		"noise\n{\"outcome\":\"passed\"}\nmore\n"
		"{\"outcome\":\"failed\",\"message\":\"m\",\"output\":[1]}\n\n";
	static const char *const bad[] = { "", "\n\n", "text", "{", "[]", "{}",
		"{\"outcome\":\"great\"}", "{\"outcome\":\"passed\",\"cases\":{}}",
		"{\"outcome\":\"passed\"}\nthe end" };
	struct err err;

	(void)state;
	_cleanup_(json_unrefp) json_t *verdict = verdict_parse(good, sizeof good - 1, &err);
	assert_non_null(verdict);
	assert_string_equal(text_at(verdict, "/outcome"), "failed");
	assert_string_equal(text_at(verdict, "/error/message"), "m");
	assert_int_equal(json_integer_value(json_pointer_get(verdict, "/output/0")), 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(verdict_parse(bad[i], strlen(bad[i]), &err));
	assert_null(verdict_parse("{\"token\":1}", 11, &err));
	assert_non_null(strstr(err.text, "\"output\"")); /* the form it should have */
}

/* --- Definitions --- */

static int
read_definition(const char *text, struct err *err)
{
	_cleanup_(json_unrefp) json_t *test = json_read(text, strlen(text), 16, err);
	struct command command;

	assert_non_null(test);
	int r = command_read(&command, test, err);
	if (r == 0)
		command_deinit(&command);
	return r;
}

static void
definitions_are_checked(void **state)
{
	static const char *const good[] = {
		"{\"argv\":[\"true\"]}",
		"{\"argv\":[\"a\",\"\"],\"env\":{\"A\":1,\"B\":true,\"C\":null},\"parse\":\"tap\"}",
		"{\"argv\":[\"a\"],\"files\":{\"a/b\":\"\"},\"report\":[\"*.xml\",\"x/*.xml\"]}",
	};
	static const char *const bad[] = { "{}", "{\"argv\":[]}", "{\"argv\":[\"\"]}",
		"{\"argv\":[1]}", "{\"argv\":\"ls\"}",
		"{\"argv\":[\"a\"],\"env\":{\"A=B\":\"\"}}",
		"{\"argv\":[\"a\"],\"env\":{\"A\":[]}}",
		"{\"argv\":[\"a\"],\"files\":{\"../a\":\"\"}}",
		"{\"argv\":[\"a\"],\"files\":{\"/a\":\"\"}}",
		"{\"argv\":[\"a\"],\"files\":{\"a\":1}}",
		"{\"argv\":[\"a\"],\"parse\":\"xunit\"}", "{\"argv\":[\"a\"],\"cwd\":1}",
		"{\"argv\":[\"a\"],\"report\":\"/etc/*\"}",
		"{\"argv\":[\"a\"],\"report\":\"../*\"}" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(read_definition(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_definition(bad[i], &err) != -1)
			fail_msg("accepted %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(junit_cases_are_read),
		cmocka_unit_test(hostile_junit_is_refused),
		cmocka_unit_test(too_many_cases_are_counted),
		cmocka_unit_test(tap_is_read),
		cmocka_unit_test(the_last_line_is_the_verdict),
		cmocka_unit_test(definitions_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

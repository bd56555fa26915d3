/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to specs, with a source of saved things that is a table in memory. */
#include "core/job_json.h"

#include "base/limits.h"
#include "core/run.h"
#include "job_reader.h"

static void
defaults_are_filled_in(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok("{\"tests\":[" HI "]}");

	assert_string_equal(spec.name, "hi");
	assert_string_equal(spec.tags, "[]");
	assert_int_equal(spec.iterations, 1);
	assert_int_equal(spec.concurrency, 1);
	assert_int_equal(spec.n_targets, 1);
	assert_int_equal(spec.retry.on, 1u << OUTCOME_ERRORED);
	assert_int_equal(spec.run_timeout_ms, RUN_TIMEOUT_MS_DEFAULT);
	assert_int_equal(spec.options.n, 0);
}

static void
every_member_arrives(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(
		"{\"name\":\"n\",\"tests\":[" HI "],\"browsers\":[\"a\",\"b\"],"
		"\"concurrency\":4,\"iterations\":0,\"failuresToIgnore\":2,\"stopOnFirstFailure\":true,"
		"\"retries\":{\"max\":3,\"delay\":\"10s\",\"factor\":2,\"maxDelay\":\"5m\",\"jitter\":0.5,"
		"\"on\":[\"failed\",\"timed_out\"]},\"timeout\":\"1h\",\"runTimeout\":5000,\"queue\":\"q\","
		"\"priority\":-5,\"labels\":{\"z\":\"1\",\"a\":\"2\"},\"runAt\":\"2026-12-01T02:00:00Z\","
		"\"config\":{\"x\":1},\"tags\":[\"t\"],\"extra\":{\"k\":1},\"params\":{\"p\":\"v\"}}");

	assert_string_equal(spec.targets, "a,b");
	assert_int_equal(spec.n_targets, 2);
	assert_int_equal(spec.iterations, 0);
	assert_int_equal(spec.retry.max, 3);
	assert_int_equal(spec.retry.delay_ms, 10000);
	assert_int_equal(spec.retry.delay_max_ms, 300000);
	assert_int_equal(spec.retry.on, 1u << OUTCOME_FAILED | 1u << OUTCOME_TIMED_OUT);
	assert_int_equal(spec.timeout_ms, 3600000);
	assert_int_equal(spec.priority, -5);
	assert_string_equal(spec.labels, "a=2\nz=1");
	assert_string_equal(spec.tags, "[\"t\"]");
	assert_memory_equal(spec.options.p,
		"{\"params\":{\"p\":\"v\"},\"config\":{\"x\":1},\"extra\":{\"k\":1},"
		"\"browsers\":[\"a\",\"b\"]}",
		spec.options.n);
}

static void
offences_are_named(void **state)
{
	(void)state;
	reader_refuses("[]", "", ISSUE_INVALID);
	reader_refuses("{}", "/tests", ISSUE_MISSING);
	reader_refuses("{\"tests\":[]}", "/tests", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" HI "],\"iteration\":1}", "/iteration", ISSUE_UNKNOWN);
	reader_refuses(
		"{\"tests\":[" HI "],\"iterations\":\"x\"}", "/iterations", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" HI "],\"concurrency\":0}", "/concurrency", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" HI "],\"retries\":{\"on\":[\"passed\"]}}", "/retries/on",
		ISSUE_INVALID);
	reader_refuses(
		"{\"tests\":[" HI "],\"browsers\":[\"a,b\"]}", "/browsers/0", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"kind\":\"comand\"}]}", "/tests/0/kind", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{}]}", "/tests/0/kind", ISSUE_MISSING);
	reader_refuses("{\"tests\":[{\"kind\":\"command\"}]}", "/tests/0/argv", ISSUE_MISSING);
	reader_refuses(
		"{\"tests\":[{\"kind\":\"command\",\"argv\":[\"x\"],\"files\":{\"../a\":\"\"}}]}",
		"/tests/0/files/..~1a", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"kind\":\"http\",\"request\":{\"uri\":\"x\"}}]}",
		"/tests/0/request/uri", ISSUE_UNKNOWN);
	reader_refuses("{\"tests\":[{\"kind\":\"playwright\"}]}", "/tests/0", ISSUE_MISSING);
	reader_refuses("{\"tests\":[{\"kind\":\"testcafe\"}]}", "/tests/0", ISSUE_MISSING);
	reader_refuses(
		"{\"tests\":[{\"kind\":\"testcafe\",\"path\":\"/t\",\"meta\":{\"a\":1}}]}",
		"/tests/0/meta/a", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"kind\":\"testcafe\",\"path\":\"/t\",\"browsers\":[]}]}",
		"/tests/0/browsers", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"test\":\"nope\"}]}", "/tests/0/test", ISSUE_INVALID);
	reader_refuses(
		"{\"tests\":[{\"tags\":\"smoke and\"}]}", "/tests/0/tags", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"tags\":\"nobody\"}]}", "/tests/0/tags", ISSUE_INVALID);
}

static void
several_at_once(void **state)
{
	json_t *job =
		reader_json("{\"tests\":[" HI
			    ",{\"kind\":\"command\",\"argv\":1}],\"priority\":5000,\"x\":1}");
	struct job_spec spec;

	(void)state;
	assert_int_equal(job_spec_read(job, &reader_source, "", &reader_arena, &reader_issues,
				 &spec, &reader_err),
		-1);
	assert_int_equal(reader_issues.n, 3);
	json_decref(job);
}

static void
saved_things_need_a_source_and_change_nothing(void **state)
{
	json_t *job = reader_json("{\"template\":\"shop\",\"params\":{\"bin\":\"x\"}}");
	json_t *copy = json_deep_copy(job);
	struct job_spec spec;

	(void)state;
	assert_int_equal(
		job_spec_read(job, NULL, "", &reader_arena, &reader_issues, &spec, &reader_err),
		JOB_NEEDS_SOURCE);
	assert_true(json_equal(job, copy));
	json_decref(job);
	json_decref(copy);
}

static void
templates_lie_under_the_request(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(
		"{\"template\":\"shop\",\"params\":{\"bin\":\"b\"},\"config\":{\"b\":3},\"concurrency\":7}");

	assert_string_equal(spec.name, "shop");
	assert_int_equal(spec.iterations, 2);
	assert_int_equal(spec.concurrency, 7);
	assert_int_equal(spec.template_id.u.b[0], 9);
	assert_int_equal(spec.n_tests, 1);
	assert_non_null(strstr(spec.tests[0].body.p, "\"argv\":[\"b\"]"));
	assert_non_null(strstr(spec.options.p, "\"templateRevision\":4"));
	assert_non_null(strstr(spec.options.p, "\"b\":3"));
	assert_non_null(strstr(spec.options.p, "\"a\":1"));
}

static void
parameters_are_typed(void **state)
{
	(void)state;
	reader_refuses("{\"template\":\"shop\"}", "/params/bin", ISSUE_MISSING);
	reader_refuses(
		"{\"template\":\"shop\",\"params\":{\"bin\":1}}", "/params/bin", ISSUE_INVALID);
	reader_refuses("{\"template\":\"shop\",\"params\":{\"bin\":\"x\",\"n\":9}}",
		"/params/n", ISSUE_INVALID);
	reader_refuses("{\"template\":\"shop\",\"params\":{\"bin\":\"x\",\"zz\":9}}",
		"/params/zz", ISSUE_UNKNOWN);
	reader_refuses("{\"template\":\"nope\"}", "/template", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"test\":\"checkout\"}]}", "/tests/0", ISSUE_INVALID);
	/* Declarations of a job file count with their default. */
	struct job_spec spec =
		reader_ok("{\"params\":{\"bin\":{\"type\":\"string\",\"default\":\"d\"}},"
			  "\"tests\":[{\"test\":\"checkout\"}]}");

	assert_non_null(strstr(spec.tests[0].body.p, "\"argv\":[\"d\"]"));
}

static void
tags_choose_tests(void **state)
{
	(void)state;
	assert_int_equal(
		reader_ok("{\"params\":{\"bin\":\"x\"},\"tests\":[{\"tags\":\"smoke\"}]}")
			.n_tests,
		2);
	assert_string_equal(
		reader_ok("{\"tests\":[{\"tags\":\"slow\"}]}").tests[0].name, "search");
}

static void
selectors_choose_tests(void **state)
{
	(void)state;
	assert_string_equal(
		reader_ok("{\"tests\":[{\"name\":\"s*\"}]}").tests[0].name, "search");
	assert_string_equal(
		reader_ok("{\"tests\":[{\"tags\":[\"slow\",\"other\"],\"last\":\"new\"}]}")
			.tests[0]
			.name,
		"search");
	assert_string_equal(reader_ok("{\"tests\":[{\"tags\":\"smoke\","
				      "\"exclude\":{\"last\":[\"failed\"]}}]}")
				    .tests[0]
				    .name,
		"search");
	reader_refuses("{\"tests\":[{\"name\":\"s*\",\"last\":\"failed\"}]}", "/tests/0/last",
		ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"name\":\"nobody\",\"last\":\"failed\"}]}",
		"/tests/0/name", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"last\":\"odd\"}]}", "/tests/0/last", ISSUE_INVALID);
	reader_refuses("{\"tests\":[{\"last\":\"new\",\"exclude\":{\"x\":1}}]}",
		"/tests/0/exclude/x", ISSUE_UNKNOWN);
	/* What has members of tests besides is a test without its kind. */
	reader_refuses("{\"tests\":[{\"name\":\"s*\",\"argv\":[\"x\"]}]}", "/tests/0/kind",
		ISSUE_MISSING);
}

static void
definitions_may_hold_expressions(void **state)
{
	struct definition_head head;
	json_t *test = reader_json("{\"name\":\"t\",\"kind\":\"command\",\"argv\":[\"x\"],"
				   "\"timeout\":\"${{ params.t }}\",\"tags\":[\"a\"]}");
	json_t *tmpl = reader_json(reader_shop);
	json_t *bad = reader_json(
		"{\"name\":\"t\",\"tests\":[" HI "],\"iterations\":\"${{ params.zz }}\"}");

	(void)state;
	assert_int_equal(test_definition_read(test, &reader_arena, &reader_issues, &head), 0);
	assert_string_equal(head.tags, "[\"a\"]");
	assert_int_equal(
		template_definition_read(tmpl, &reader_arena, &reader_issues, &head), 0);
	assert_string_equal(head.name, "shop");
	assert_int_equal(
		template_definition_read(bad, &reader_arena, &reader_issues, &head), -1);
	assert_string_equal(reader_issues.item[0].pointer, "/iterations");
	json_decref(test);
	json_decref(tmpl);
	json_decref(bad);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, reader_setup, reader_teardown)
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_filled_in),
		TEST(every_member_arrives),
		TEST(offences_are_named),
		TEST(several_at_once),
		TEST(saved_things_need_a_source_and_change_nothing),
		TEST(templates_lie_under_the_request),
		TEST(parameters_are_typed),
		TEST(tags_choose_tests),
		TEST(selectors_choose_tests),
		TEST(definitions_may_hold_expressions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

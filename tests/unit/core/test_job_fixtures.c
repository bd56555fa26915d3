/* SPDX-License-Identifier: Apache-2.0 */
/* Browsers, fixtures, hooks and quarantine of job requests. */
#include "base/limits.h"
#include "core/run.h"
#include "job_reader.h"

#define STEP "{\"log\":\"x\"}"
#define STEPS "[" STEP "]"
#define BROWSER(name, more) \
	"{\"name\":\"" name "\",\"kind\":\"browser\",\"steps\":" STEPS more "}"

/* --- Browsers --- */

static void
browsers_become_groups(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(
		"{\"tests\":[" HI "],\"browsers\":[\"chromium\",\"chromium\","
		"{\"browser\":\"chromium\",\"name\":\"phone\",\"config\":{\"mobile\":true}},\"chromium#2\"]}");

	assert_true(spec.is_grouped);
	assert_int_equal(spec.n_targets, 4);
	assert_string_equal(spec.targets, "chromium,chromium#2,phone,chromium#2#2");
	assert_non_null(strstr(spec.options.p, "\"config\":{\"mobile\":true}"));
	assert_int_equal(spec.n_fixtures, 1);
	assert_string_equal(spec.fixtures[0].name, "");
	assert_int_equal(spec.fixtures[0].mode, FIXTURE_SHARED);
	assert_false(reader_ok("{\"tests\":[" HI "]}").is_grouped);
}

static void
bad_browsers_are_named(void **state)
{
	(void)state;
#define BROWSERS(list) "{\"tests\":[" HI "],\"browsers\":" list "}"
	reader_refuses(BROWSERS("[]"), "/browsers", ISSUE_INVALID);
	reader_refuses(BROWSERS("\"chromium\""), "/browsers", ISSUE_INVALID);
	reader_refuses(BROWSERS("[\"a\",7]"), "/browsers/1", ISSUE_INVALID);
	reader_refuses(BROWSERS("[\"a,b\"]"), "/browsers/0", ISSUE_INVALID);
	reader_refuses(BROWSERS("[\"\"]"), "/browsers/0", ISSUE_INVALID);
	reader_refuses(BROWSERS("[{\"name\":\"x\"}]"), "/browsers/0/browser", ISSUE_MISSING);
	reader_refuses(BROWSERS("[{\"browser\":\"x\",\"name\":\"a,b\"}]"), "/browsers/0/name",
		ISSUE_INVALID);
	reader_refuses(BROWSERS("[{\"browser\":\"x\",\"size\":1}]"), "/browsers/0/size",
		ISSUE_UNKNOWN);
}

/* Only tests of kind browser ask which browsers there are. */
static void
browsers_that_there_are_not_are_refused(void **state)
{
	(void)state;
#define IN(list, ...) "{\"browsers\":" list ",\"tests\":[" __VA_ARGS__ "]}"
	reader_refuses(IN("[\"chromium\",\"firefox\"]", BROWSER("a", "")), "/browsers/1",
		ISSUE_INVALID);
	reader_refuses(IN("[{\"browser\":\"webkit\",\"name\":\"w\"}]", HI "," BROWSER("a", "")),
		"/browsers/0/browser", ISSUE_INVALID);
	reader_refuses("{\"browsers\":[\"firefox\"],\"hooks\":{\"before\":" STEPS
		       "},\"tests\":[" HI "]}",
		"/browsers/0", ISSUE_INVALID);
	reader_issues.n = 0;
	(void)reader_ok(IN("[\"firefox\"]", HI));
	(void)reader_ok(IN("[\"Chromium\",\"chrome\",\"chromium-full\"]", BROWSER("a", "")));
}

#define BAD_SIZE "\"config\":{\"viewport\":{\"width\":0,\"height\":600}}"

/* Each layer is checked where it stands. */
static void
bad_configs_of_browser_tests_are_named(void **state)
{
	(void)state;
	reader_refuses("{\"tests\":[" BROWSER("a", "") "]," BAD_SIZE "}",
		"/config/viewport/width", ISSUE_INVALID);
	reader_refuses(
		IN("[\"chromium\",{\"browser\":\"chromium\"," BAD_SIZE "}]", BROWSER("a", "")),
		"/browsers/1/config/viewport/width", ISSUE_INVALID);
	reader_refuses(
		"{\"fixtures\":[{\"name\":\"A\",\"tests\":[{\"name\":\"a\",\"steps\":" STEPS
		"}]," BAD_SIZE "}]}",
		"/fixtures/0/config/viewport/width", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" HI "," BROWSER("a", "," BAD_SIZE) "]}",
		"/tests/1/config/viewport/width", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" BROWSER("a", ",\"config\":{\"viewprt\":1}") "]}",
		"/tests/0/config/viewprt", ISSUE_UNKNOWN);
	reader_refuses("{\"tests\":[" HI "],\"hooks\":{\"before\":{\"kind\":\"browser\","
		       "\"steps\":" STEPS "," BAD_SIZE "}}}",
		"/hooks/before/config/viewport/width", ISSUE_INVALID);
	/* One of a test does not hide one of its job. */
	reader_refuses("{\"tests\":[" BROWSER("a", "," BAD_SIZE) "],\"config\":{\"mobile\":7}}",
		"/config/mobile", ISSUE_INVALID);
	/* A saved test is of kind browser as well. */
	reader_refuses("{\"tests\":[{\"test\":\"page\"}]," BAD_SIZE "}",
		"/config/viewport/width", ISSUE_INVALID);
	reader_refuses(
		"{\"fixtures\":[{\"name\":\"A\",\"tests\":[{\"test\":\"page\"}]," BAD_SIZE
		"}]}",
		"/fixtures/0/config/viewport/width", ISSUE_INVALID);
}

static void
configs_that_serve_others_too_are_taken(void **state)
{
	(void)state;
	/* Other kinds have a config of their own. */
	(void)reader_ok("{\"tests\":[" HI "]," BAD_SIZE "}");
	(void)reader_ok("{\"tests\":[" BROWSER("a", "") "],\"config\":{\"trace\":\"on\"}}");
	/* The address of a cookie may come from another layer. */
	(void)reader_ok("{\"config\":{\"baseURL\":\"http://shop/\"},\"tests\":[" BROWSER(
		"a", ",\"config\":{\"cookies\":[{\"name\":\"a\",\"value\":\"1\"}]}") "]}");
	(void)reader_ok("{\"params\":{\"w\":800},\"tests\":[" BROWSER("a",
		",\"config\":{\"viewport\":{\"width\":\"${{ params.w }}\",\"height\":600}}") "]}");
}

/* Before parameters have values, what will be one is let pass. */
static void
configs_of_templates_are_checked(void **state)
{
	struct definition_head head;
	json_t *good =
		reader_json("{\"name\":\"t\",\"params\":{\"b\":{\"type\":\"string\"}},"
			    "\"browsers\":[\"${{ params.b }}\"],"
			    "\"config\":{\"locale\":\"${{ params.b }}\"},\"tests\":[" BROWSER(
				    "a", "") "]}");
	json_t *bad = reader_json("{\"name\":\"t\",\"browsers\":[\"opera\"]," BAD_SIZE
				  ",\"tests\":[" BROWSER("a", "," BAD_SIZE) "]}");

	(void)state;
	assert_int_equal(
		template_definition_read(good, &reader_arena, &reader_issues, &head), 0);
	assert_int_equal(
		template_definition_read(bad, &reader_arena, &reader_issues, &head), -1);
	assert_int_equal(reader_issues.n, 3);
	json_decref(good);
	json_decref(bad);
}

/* --- Fixtures --- */

static const char shop[] =
	"{\"browsers\":[\"chromium\",\"chromium-full\"],\"hookTimeout\":\"5s\",\"startTimeout\":700,"
	"\"hooks\":{\"before\":" STEPS ",\"after\":[],\"beforeEach\":[{\"log\":\"job\"}]},"
	"\"tests\":[" BROWSER("home", "") "," BROWSER("about",
		"") "],"
		    "\"fixtures\":[{\"name\":\"Checkout\",\"disableConcurrency\":true,\"config\":{\"locale\":\"de\",\"mobile\":true},"
		    "\"before\":{\"kind\":\"http\",\"request\":\"GET http://x/\",\"timeout\":\"9s\"},\"after\":" STEPS
		    ","
		    "\"beforeEach\":[{\"log\":\"each\"}],\"afterEach\":[{\"log\":\"after each\"}],"
		    "\"tests\":[{\"name\":\"card\",\"steps\":" STEPS
		    ",\"config\":{\"locale\":\"en\"},\"before\":[{\"log\":\"own\"}]},"
		    "{\"name\":\"cash\",\"steps\":" STEPS ",\"after\":[],\"skip\":true}]},"
		    "{\"name\":\"Alone\",\"disableConcurrency\":\"isolated\",\"tests\":[" BROWSER(
			    "one", "") "]}]}";

static void
fixtures_cover_all_tests_in_order(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(shop);

	assert_true(spec.is_grouped);
	assert_int_equal(spec.n_tests, 5);
	assert_int_equal(spec.n_fixtures, 3);
	assert_string_equal(spec.fixtures[0].name, "");
	assert_int_equal(spec.fixtures[0].n_tests, 2);
	assert_string_equal(spec.fixtures[1].name, "Checkout");
	assert_int_equal(spec.fixtures[1].first, 2);
	assert_int_equal(spec.fixtures[1].n_tests, 2);
	assert_int_equal(spec.fixtures[1].mode, FIXTURE_SERIAL);
	assert_int_equal(spec.fixtures[2].first, 4);
	assert_int_equal(spec.fixtures[2].mode, FIXTURE_ISOLATED);
	assert_false(spec.tests[2].skip);
	assert_true(spec.tests[3].skip);
	assert_string_equal(spec.tests[2].kind, "browser");
	assert_non_null(strstr(spec.options.p, "\"startTimeoutMs\":700"));
}

static void
hooks_stand_behind_the_tests(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(shop);
	const struct fixture_spec *checkout = &spec.fixtures[1];

	assert_int_equal(spec.n_hooks, 3);
	assert_int_equal(spec.after, -1); /* an empty list is no hook */
	assert_in_range(spec.before, 5, 7);
	assert_string_equal(spec.tests[spec.before].name, "before of the job");
	assert_int_equal(spec.tests[spec.before].timeout_ms, 5000);
	assert_string_equal(spec.tests[spec.before].kind, "browser");
	assert_string_equal(spec.tests[checkout->before].name, "before of fixture Checkout");
	assert_string_equal(spec.tests[checkout->before].kind, "http");
	assert_int_equal(spec.tests[checkout->before].timeout_ms, 9000);
	assert_string_equal(spec.tests[checkout->after].name, "after of fixture Checkout");
	assert_string_equal(
		reader_body(&spec, (size_t)checkout->after, "/config/locale"), "\"de\"");
	assert_string_equal(reader_body(&spec, (size_t)checkout->after, "/setup"), "");
	assert_int_equal(spec.fixtures[0].before, -1);
	assert_int_equal(spec.fixtures[2].after, -1);
}

/* Order of the job's and the fixture's steps; a test's own replace the fixture's. */
static void
S54_S55_each_hooks_are_put_into_the_tests(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(shop);

	assert_string_equal(reader_body(&spec, 0, "/setup"),
		"[{\"in\":\"beforeEach of the job\",\"steps\":[{\"log\":\"job\"}]}]");
	assert_string_equal(reader_body(&spec, 0, "/teardown"), "");
	assert_string_equal(reader_body(&spec, 2, "/setup"),
		"[{\"in\":\"beforeEach of the job\",\"steps\":[{\"log\":\"job\"}]},"
		"{\"in\":\"before of the test\",\"steps\":[{\"log\":\"own\"}]}]");
	assert_string_equal(reader_body(&spec, 2, "/teardown"),
		"[{\"in\":\"afterEach of fixture Checkout\",\"steps\":[{\"log\":\"after each\"}]}]");
	assert_string_equal(
		reader_body(&spec, 3, "/setup/1/in"), "\"beforeEach of fixture Checkout\"");
	assert_string_equal(reader_body(&spec, 3, "/teardown"), ""); /* its own empty list */
	assert_string_equal(reader_body(&spec, 2, "/before"), "");
	assert_string_equal(reader_body(&spec, 2, "/fixture"), "\"Checkout\"");
	assert_string_equal(reader_body(&spec, 0, "/fixture"), "");
	assert_string_equal(reader_body(&spec, 3, "/skip"), "");
}

static void
config_of_a_fixture_lies_under_the_tests_own(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(shop);

	assert_string_equal(reader_body(&spec, 2, "/config/locale"), "\"en\"");
	assert_string_equal(reader_body(&spec, 2, "/config/mobile"), "true");
	assert_string_equal(reader_body(&spec, 3, "/config/locale"), "\"de\"");
	assert_string_equal(reader_body(&spec, 0, "/config"), "");
}

static void
a_test_without_hooks_around_it_keeps_its_own(void **state)
{
	(void)state;
	struct job_spec spec =
		reader_ok("{\"tests\":[" BROWSER("t", ",\"before\":[{\"log\":\"own\"}]") "]}");

	assert_false(spec.is_grouped);
	assert_string_equal(reader_body(&spec, 0, "/before"), "[{\"log\":\"own\"}]");
	assert_string_equal(reader_body(&spec, 0, "/setup"), "");
}

static void
only_leaves_the_others_out(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(
		"{\"tests\":[" HI "],\"fixtures\":["
		"{\"name\":\"A\",\"tests\":[" BROWSER("a1", "") "," BROWSER("a2",
			",\"only\":true") "]},{\"name\":\"B\",\"before\":" STEPS
					  ",\"tests\":[" BROWSER("b1",
						  "") "]},"
						      "{\"name\":\"C\",\"only\":true,\"after\":" STEPS
						      ",\"tests\":[" BROWSER("c1", "") "]}]}");

	assert_int_equal(spec.n_tests, 2);
	assert_int_equal(spec.n_hooks, 1); /* B is gone with its hook */
	assert_string_equal(spec.tests[0].name, "a2");
	assert_string_equal(spec.tests[1].name, "c1");
	assert_int_equal(spec.n_fixtures, 2);
	assert_string_equal(spec.fixtures[1].name, "C");
	assert_int_equal(spec.fixtures[1].first, 1);
	assert_int_equal(spec.fixtures[1].after, 2);
	assert_string_equal(reader_body(&spec, 0, "/only"), "");
}

static void
saved_tests_stand_in_fixtures_too(void **state)
{
	static const char text[] =
		"{\"params\":{\"bin\":\"x\"},\"fixtures\":[{\"name\":\"A\",\"before\":{\"test\":\"search\"},"
		"\"tests\":[{\"tags\":\"smoke\"},{\"test\":\"search\",\"skip\":true}]}]}";
	json_t *job = reader_json(text);
	struct job_spec spec;

	(void)state;
	assert_int_equal(
		job_spec_read(job, NULL, "", &reader_arena, &reader_issues, &spec, &reader_err),
		JOB_NEEDS_SOURCE);
	json_decref(job);
	spec = reader_ok(text);
	assert_int_equal(spec.n_tests, 3);
	assert_false(spec.tests[1].skip);
	assert_true(spec.tests[2].skip);
	assert_int_equal(spec.fixtures[0].before, 3);
	assert_int_equal(spec.fixtures[0].n_tests, 3);
}

static void
a_skipped_test_makes_a_job_grouped(void **state)
{
	(void)state;
	assert_true(reader_ok(
		"{\"tests\":[{\"kind\":\"command\",\"argv\":[\"x\"],\"skip\":true}," HI "]}")
			    .is_grouped);
}

static void
bad_fixtures_are_named(void **state)
{
	(void)state;
#define FIXTURE(more) \
	"{\"fixtures\":[{\"name\":\"A\",\"tests\":[" BROWSER("a", "") "]" more "}]}"
	reader_refuses("{\"fixtures\":[]}", "/fixtures", ISSUE_INVALID);
	reader_refuses("{\"fixtures\":[7]}", "/fixtures/0", ISSUE_INVALID);
	reader_refuses("{\"fixtures\":[{\"name\":\"A\"}]}", "/fixtures/0/tests", ISSUE_MISSING);
	reader_refuses(
		"{\"fixtures\":[{\"tests\":[" HI "]}]}", "/fixtures/0/name", ISSUE_MISSING);
	reader_refuses(FIXTURE(",\"disableConcurrency\":\"alone\""),
		"/fixtures/0/disableConcurrency", ISSUE_INVALID);
	reader_refuses(FIXTURE(",\"afterAll\":[]"), "/fixtures/0/afterAll", ISSUE_UNKNOWN);
	reader_refuses(FIXTURE(",\"skip\":1"), "/fixtures/0/skip", ISSUE_INVALID);
	reader_refuses("{\"fixtures\":[{\"name\":\"A\",\"tests\":[" HI ",{\"name\":\"b\"}]}]}",
		"/fixtures/0/tests/1/steps", ISSUE_MISSING);
	reader_refuses(
		"{\"fixtures\":[{\"name\":\"A\",\"tests\":[{\"steps\":[{\"click\":7}]}]}]}",
		"/fixtures/0/tests/0/steps/0/click", ISSUE_INVALID);
	reader_refuses("{\"fixtures\":[{\"name\":\"A\",\"beforeEach\":" STEPS ",\"tests\":[" HI
		       "]}]}",
		"/fixtures/0/tests/0", ISSUE_INVALID);
}

/* S57: a hook that is none is refused before anything runs. */
static void
S57_bad_hooks_are_named(void **state)
{
	(void)state;
#define HOOKS(more) "{\"tests\":[" BROWSER("a", "") "],\"hooks\":{" more "}}"
	reader_refuses(HOOKS("\"before\":\"x\""), "/hooks/before", ISSUE_INVALID);
	reader_refuses(HOOKS("\"before\":7"), "/hooks/before", ISSUE_INVALID);
	reader_refuses(
		HOOKS("\"before\":{\"tags\":\"smoke\"}"), "/hooks/before", ISSUE_INVALID);
	reader_refuses(
		HOOKS("\"after\":[{\"clic\":\"#a\"}]"), "/hooks/after/0/clic", ISSUE_UNKNOWN);
	reader_refuses(HOOKS("\"beforeEach\":[" STEP ",{\"click\":7}]"),
		"/hooks/beforeEach/1/click", ISSUE_INVALID);
	reader_refuses(HOOKS("\"afterEach\":{}"), "/hooks/afterEach", ISSUE_INVALID);
	reader_refuses(HOOKS("\"beforeAll\":[]"), "/hooks/beforeAll", ISSUE_UNKNOWN);
	reader_refuses(HOOKS("\"before\":{\"kind\":\"http\"}"), "/hooks/before/request",
		ISSUE_MISSING);
	reader_refuses(FIXTURE(",\"before\":[{\"click\":7}]"), "/fixtures/0/before/0/click",
		ISSUE_INVALID);
	reader_refuses(FIXTURE(",\"before\":true"), "/fixtures/0/before", ISSUE_INVALID);
	reader_refuses(FIXTURE(",\"afterEach\":[{\"click\":7}]"),
		"/fixtures/0/afterEach/0/click", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" HI "],\"hookTimeout\":0}", "/hookTimeout", ISSUE_INVALID);
	reader_refuses(
		"{\"tests\":[" HI "],\"startTimeout\":\"x\"}", "/startTimeout", ISSUE_INVALID);
}

/* --- Quarantine --- */

static void
quarantine_is_filled_in(void **state)
{
	static const struct {
		const char *json;
		int limit, threshold;
	} cases[] = {
		{ "true", 5, 3 },
		{ "false", 0, 0 },
		{ "{}", 5, 3 },
		{ "{\"attemptLimit\":4}", 4, 3 },
		{ "{\"successThreshold\":1}", 5, 1 },
		{ "{\"attemptLimit\":2,\"successThreshold\":1}", 2, 1 },
		{ "{\"attemptLimit\":1000,\"successThreshold\":999}", 1000, 999 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job_spec spec = reader_ok(arena_printf(&reader_arena,
			"{\"tests\":[" HI "],\"quarantine\":%s}", cases[i].json));

		assert_int_equal(spec.quarantine.attempt_limit, cases[i].limit);
		assert_int_equal(spec.quarantine.success_threshold, cases[i].threshold);
	}
}

/* S25, S26 and D05 (1.12-5): every bad value has its name, none repeats for ever. */
static void
S25_S26_D05_bad_quarantine_is_named(void **state)
{
	static const struct {
		const char *json, *pointer, *code;
	} cases[] = {
		{ "{\"attemptLimit\":3,\"successThreshold\":3}", "/successThreshold",
			ISSUE_INVALID },
		{ "{\"attemptLimit\":3,\"successThreshold\":4}", "/successThreshold",
			ISSUE_INVALID },
		{ "{\"attemptLimit\":2}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":3}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"successThreshold\":5}", "/successThreshold", ISSUE_INVALID },
		{ "{\"attemptLimit\":1}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":0}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":-3}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":1001}", "/attemptLimit", ISSUE_LIMIT },
		{ "{\"attemptLimit\":1000000000}", "/attemptLimit", ISSUE_LIMIT },
		{ "{\"attemptLimit\":2.5}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":\"abc\"}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":\"NaN\"}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":\"5\"}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":true}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"attemptLimit\":null}", "/attemptLimit", ISSUE_INVALID },
		{ "{\"successThreshold\":0}", "/successThreshold", ISSUE_INVALID },
		{ "{\"successThreshold\":-1}", "/successThreshold", ISSUE_INVALID },
		{ "{\"successThreshold\":1.5}", "/successThreshold", ISSUE_INVALID },
		{ "{\"successThreshold\":\"\"}", "/successThreshold", ISSUE_INVALID },
		{ "{\"attempts\":4}", "/attempts", ISSUE_UNKNOWN },
		{ "{\"attemptlimit\":4}", "/attemptlimit", ISSUE_UNKNOWN },
		{ "\"\"", "", ISSUE_INVALID },
		{ "\"on\"", "", ISSUE_INVALID },
		{ "null", "", ISSUE_INVALID },
		{ "[]", "", ISSUE_INVALID },
		{ "5", "", ISSUE_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		reader_refuses(arena_printf(&reader_arena,
				       "{\"tests\":[" HI "],\"quarantine\":%s}", cases[i].json),
			arena_printf(&reader_arena, "/quarantine%s", cases[i].pointer),
			cases[i].code);
	reader_refuses("{\"tests\":[" HI "],\"quarantine\":true,\"retries\":{\"max\":1}}",
		"/quarantine", ISSUE_INVALID);
}

static void
stop_on_first_failure_may_cancel(void **state)
{
	(void)state;
	struct job_spec spec =
		reader_ok("{\"tests\":[" HI "],\"stopOnFirstFailure\":\"cancel\"}");

	assert_true(spec.stop_on_first_failure);
	assert_true(spec.cancel_on_first_failure);
	spec = reader_ok("{\"tests\":[" HI "],\"stopOnFirstFailure\":true}");
	assert_true(spec.stop_on_first_failure);
	assert_false(spec.cancel_on_first_failure);
	assert_false(reader_ok("{\"tests\":[" HI "],\"stopOnFirstFailure\":false}")
			     .stop_on_first_failure);
	reader_refuses("{\"tests\":[" HI "],\"stopOnFirstFailure\":\"stop\"}",
		"/stopOnFirstFailure", ISSUE_INVALID);
	reader_refuses("{\"tests\":[" HI "],\"stopOnFirstFailure\":1}", "/stopOnFirstFailure",
		ISSUE_INVALID);
}

/* --- Templates --- */

static void
templates_have_fixtures(void **state)
{
	struct definition_head head;
	json_t *good = reader_json(
		"{\"name\":\"t\",\"params\":{\"q\":{\"type\":\"object\"}},\"quarantine\":\"${{ params.q }}\","
		"\"fixtures\":[{\"name\":\"A\",\"tests\":[{\"name\":\"a\",\"steps\":" STEPS
		"}]}]}");
	json_t *bad = reader_json(
		"{\"name\":\"t\",\"fixtures\":[{\"name\":\"A\",\"tests\":[{\"kind\":\"comand\"}]}]}");

	(void)state;
	assert_int_equal(
		template_definition_read(good, &reader_arena, &reader_issues, &head), 0);
	assert_int_equal(
		template_definition_read(bad, &reader_arena, &reader_issues, &head), -1);
	assert_string_equal(reader_issues.item[0].pointer, "/fixtures/0/tests/0/kind");
	reader_issues.n = 0;
	json_t *worse = reader_json(
		"{\"name\":\"t\",\"tests\":[" HI "],\"quarantine\":{\"attemptLimit\":1},"
		"\"stopOnFirstFailure\":5,\"browsers\":[7]}");
	assert_int_equal(
		template_definition_read(worse, &reader_arena, &reader_issues, &head), -1);
	assert_int_equal(reader_issues.n, 3);
	json_decref(good);
	json_decref(bad);
	json_decref(worse);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, reader_setup, reader_teardown)
	const struct CMUnitTest tests[] = {
		TEST(browsers_become_groups),
		TEST(bad_browsers_are_named),
		TEST(browsers_that_there_are_not_are_refused),
		TEST(bad_configs_of_browser_tests_are_named),
		TEST(configs_that_serve_others_too_are_taken),
		TEST(configs_of_templates_are_checked),
		TEST(fixtures_cover_all_tests_in_order),
		TEST(hooks_stand_behind_the_tests),
		TEST(S54_S55_each_hooks_are_put_into_the_tests),
		TEST(config_of_a_fixture_lies_under_the_tests_own),
		TEST(a_test_without_hooks_around_it_keeps_its_own),
		TEST(only_leaves_the_others_out),
		TEST(saved_tests_stand_in_fixtures_too),
		TEST(a_skipped_test_makes_a_job_grouped),
		TEST(bad_fixtures_are_named),
		TEST(S57_bad_hooks_are_named),
		TEST(quarantine_is_filled_in),
		TEST(S25_S26_D05_bad_quarantine_is_named),
		TEST(stop_on_first_failure_may_cancel),
		TEST(templates_have_fixtures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

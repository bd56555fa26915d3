/* SPDX-License-Identifier: Apache-2.0 */
/* Named steps of a job and of fixtures: who uses them, and what is wrong with them. */
#include "job_reader.h"

#define STEPS "[{\"log\":\"x\"}]"
#define BROWSER(name, more) \
	"{\"name\":\"" name "\",\"kind\":\"browser\",\"steps\":" STEPS more "}"
#define USE(name) "[{\"use\":\"" name "\"}]"
#define LOG(text) "[{\"log\":\"" text "\"}]"
#define USER(name, of, more) \
	"{\"name\":\"" name "\",\"kind\":\"browser\",\"steps\":" USE(of) more "}"

/* A test takes along what it uses, through whatever that uses; the nearest library counts. */
static void
libraries_are_lent_to_their_tests(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok("{\"library\":{\"a\":" LOG("job") ",\"b\":" LOG("job") ",\"c\":" USE(
		"d") ","
		     "\"d\":{\"params\":[\"x\"],\"steps\":" LOG(
			     "job") "},\"unused\":" STEPS "},"
				    "\"tests\":[" USER("0", "c", "") "," BROWSER("1",
					    "") "," HI "],"
						"\"fixtures\":[{\"name\":\"F\",\"library\":{\"b\":" LOG(
							"fixture") "},"
								   "\"tests\":[" USER("3", "b",
									   "") "," USER("4",
									   "a",
									   ",\"library\":{\"a\":" USE(
										   "b") "}") ","
											     "{\"name\":\"5\",\"steps\":[{\"repeat\":{\"times\":2,\"steps\":[{\"use\":"
											     "{\"steps\":\"d\",\"with\":{\"x\":1}}}]}}],\"after\":" USE(
												     "a") "}]}]}");

	assert_string_equal(reader_body(&spec, 0, "/library"),
		"{\"c\":[{\"use\":\"d\"}],\"d\":{\"params\":[\"x\"],\"steps\":[{\"log\":\"job\"}]}}");
	assert_string_equal(reader_body(&spec, 1, "/library"), "");
	assert_string_equal(reader_body(&spec, 2, "/library"), "");
	assert_string_equal(
		reader_body(&spec, 3, "/library"), "{\"b\":[{\"log\":\"fixture\"}]}");
	assert_string_equal(reader_body(&spec, 4, "/library"),
		"{\"a\":[{\"use\":\"b\"}],\"b\":[{\"log\":\"fixture\"}]}");
	assert_string_equal(reader_body(&spec, 5, "/library/a/0/log"), "\"job\"");
	assert_string_equal(reader_body(&spec, 5, "/library/d/steps/0/log"), "\"job\"");
}

/* Hooks that are runs, and those that become part of the tests. */
static void
libraries_are_lent_to_hooks(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok("{\"library\":{\"j\":" LOG(
		"job") "},"
		       "\"hooks\":{\"before\":" USE("j") ",\"beforeEach\":" USE(
			       "j") "},"
				    "\"fixtures\":[{\"name\":\"F\",\"library\":{\"f\":" USE(
					    "j") "},"
						 "\"after\":" USE("f") ",\"afterEach\":" USE(
							 "f") ","
							      "\"tests\":[" BROWSER(
								      "0", "") "]}]}");

	assert_int_equal(spec.n_hooks, 2);
	assert_string_equal(reader_body(&spec, 0, "/library/j/0/log"), "\"job\"");
	assert_string_equal(reader_body(&spec, 0, "/library/f/0/use"), "\"j\"");
	assert_string_equal(
		reader_body(&spec, (size_t)spec.fixtures[0].after, "/library/j/0/log"),
		"\"job\"");
	assert_string_equal(reader_body(&spec, (size_t)spec.before, "/library"),
		"{\"j\":[{\"log\":\"job\"}]}");
}

/* A name that a variable decides may be any of them. */
static void
all_is_lent_when_a_variable_decides(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok("{\"library\":{\"a\":" STEPS ",\"b\":" STEPS "},"
					 "\"tests\":[" USER("0", "{{which}}", "") "]}");

	assert_string_equal(reader_body(&spec, 0, "/library/a"), STEPS);
	assert_string_equal(reader_body(&spec, 0, "/library/b"), STEPS);
}

static void
bad_libraries_are_named(void **state)
{
	(void)state;
	const char *bad_job = "{\"library\":{\"a b\":[{\"clik\":\"x\"}]},\"tests\":[" USER(
		"0", "a b", "") "]}";

	reader_refuses(bad_job, "/library/a b/0/clik", ISSUE_UNKNOWN);
	reader_issues.n = 0;
	reader_refuses("{\"library\":[],\"tests\":[" HI "]}", "/library", ISSUE_INVALID);
	reader_refuses(
		"{\"tests\":[" USER("0", "a", "") "]}", "/tests/0/steps/0/use", ISSUE_INVALID);
	/* A job does not know what its fixtures have. */
	reader_refuses(
		"{\"library\":{\"a\":" USE("f") "},\"fixtures\":[{\"name\":\"F\","
						"\"library\":{\"f\":" STEPS
						"},\"tests\":[" USER("0", "f", "") "]}]}",
		"/library/a/0/use", ISSUE_INVALID);
	reader_refuses(
		"{\"fixtures\":[{\"name\":\"F\",\"library\":{\"f\":{\"params\":[\"x\"]}},"
		"\"tests\":[" BROWSER("0", "") "]}]}",
		"/fixtures/0/library/f/steps", ISSUE_MISSING);
	/* A neighbour's library is not one's own. */
	reader_refuses("{\"fixtures\":[{\"name\":\"F\",\"library\":{\"f\":" STEPS "},"
		       "\"tests\":[" BROWSER("0", "") "]},{\"name\":\"G\",\"tests\":[" USER(
			       "1", "f", "") "],\"beforeEach\":" USE("f") "}]}",
		"/fixtures/1/beforeEach/0/use", ISSUE_INVALID);
}

static void
libraries_of_templates_are_checked(void **state)
{
	(void)state;
	struct definition_head head;
	json_t *good = reader_json(
		"{\"name\":\"t\",\"params\":{\"n\":{\"type\":\"integer\"}},"
		"\"library\":{\"a\":[{\"repeat\":{\"times\":\"${{ params.n }}\",\"steps\":" STEPS
		"}}]},\"tests\":[" USER("0", "a", "") "]}");
	json_t *bad = reader_json("{\"name\":\"t\",\"library\":{\"a\":[{\"clik\":1}]},"
				  "\"tests\":[" USER("0", "b", "") "]}");

	reader_issues.n = 0;
	assert_int_equal(
		template_definition_read(good, &reader_arena, &reader_issues, &head), 0);
	assert_int_equal(
		template_definition_read(bad, &reader_arena, &reader_issues, &head), -1);
	assert_int_equal(reader_issues.n, 2);
	assert_string_equal(reader_issues.item[0].pointer, "/library/a/0/clik");
	assert_string_equal(reader_issues.item[1].pointer, "/tests/0/steps/0/use");
	json_decref(good);
	json_decref(bad);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, reader_setup, reader_teardown)
	const struct CMUnitTest tests[] = {
		TEST(libraries_are_lent_to_their_tests),
		TEST(libraries_are_lent_to_hooks),
		TEST(all_is_lent_when_a_variable_decides),
		TEST(bad_libraries_are_named),
		TEST(libraries_of_templates_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

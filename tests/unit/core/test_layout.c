/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a grouped job as text and back. */
#include "base/limits.h"
#include "core/layout.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

static void
a_layout_comes_back_as_it_was(void **state)
{
	struct stage *s = *state;
	struct layout layout;
	struct err err;
	int32_t fixture;

	fixtures(s, "{ aB =<cd> !e> }");
	s->fixtures[1].name = "quotes \" and \\ and \xc3\xa9";
	const char *text = layout_write(&s->spec, &s->arena);
	assert_int_equal(layout_read(text, 5, &s->arena, &layout, &err), 0);
	assert_int_equal(layout.n_fixtures, 3);
	assert_int_equal(layout.n_tests, 5);
	assert_int_equal(layout.n_live, 4);
	for (int32_t i = 0; i < 3; i++) {
		assert_string_equal(layout.fixtures[i].name, s->fixtures[i].name);
		assert_int_equal(layout.fixtures[i].first, s->fixtures[i].first);
		assert_int_equal(layout.fixtures[i].n_tests, s->fixtures[i].n_tests);
		assert_int_equal(layout.fixtures[i].mode, s->fixtures[i].mode);
		assert_int_equal(layout.fixtures[i].before, s->fixtures[i].before);
		assert_int_equal(layout.fixtures[i].after, s->fixtures[i].after);
	}
	for (int32_t i = 0; i < 5; i++) {
		assert_int_equal(layout.skip[i], i == 1);
		assert_int_equal(layout_role(&layout, i, &fixture), RUN_ROLE_TEST);
		assert_int_equal(fixture, i < 2 ? 0 : i < 4 ? 1 : 2);
	}
	assert_int_equal(layout_role(&layout, s->spec.before, &fixture), RUN_ROLE_BEFORE_JOB);
	assert_int_equal(fixture, -1);
	assert_int_equal(layout_role(&layout, s->spec.after, &fixture), RUN_ROLE_AFTER_JOB);
	assert_int_equal(
		layout_role(&layout, s->fixtures[1].before, &fixture), RUN_ROLE_BEFORE_FIXTURE);
	assert_int_equal(fixture, 1);
	assert_int_equal(
		layout_role(&layout, s->fixtures[2].after, &fixture), RUN_ROLE_AFTER_FIXTURE);
	assert_int_equal(fixture, 2);
	assert_int_equal(layout_fixture_of(&layout, s->spec.before), -1);
}

static void
a_fixture_of_skipped_tests_is_idle(void **state)
{
	struct stage *s = *state;
	struct layout layout;
	struct err err;

	fixtures(s, "aB CD");
	const char *text = layout_write(&s->spec, &s->arena);
	assert_int_equal(layout_read(text, 4, &s->arena, &layout, &err), 0);
	assert_false(layout_is_idle(&layout, 0));
	assert_true(layout_is_idle(&layout, 1));
}

/* The largest there may be: all names as long as they can be, and of what is escaped longest.
 */
static void
the_largest_layout_fits(void **state)
{
	struct stage *s = *state;
	struct layout layout;
	struct err err;
	static char name[NAME_BYTES_MAX + 1];

	memset(name, 1, NAME_BYTES_MAX);
	s->spec.n_fixtures = FIXTURES_PER_JOB_MAX;
	s->spec.n_tests = TESTS_PER_JOB_MAX;
	struct fixture_spec *fixture =
		arena_xalloc(&s->arena, s->spec.n_fixtures * sizeof *fixture);
	struct test_spec *tests = arena_xalloc(&s->arena, s->spec.n_tests * sizeof *tests);
	for (int32_t i = 0; i < FIXTURES_PER_JOB_MAX; i++)
		fixture[i] = (struct fixture_spec) {
			.name = name, .first = i * 10, .n_tests = 10, .before = -1, .after = -1
		};
	for (size_t i = 0; i < s->spec.n_tests; i++)
		tests[i] = (struct test_spec) { .name = "t", .kind = "browser", .skip = true };
	s->spec.fixtures = fixture;
	s->spec.tests = tests;
	const char *text = layout_write(&s->spec, &s->arena);
	assert_true(strlen(text) > 0 && strlen(text) < LAYOUT_BYTES_MAX / 2);
	assert_int_equal(layout_read(text, TESTS_PER_JOB_MAX, &s->arena, &layout, &err), 0);
	assert_int_equal(layout.n_live, 0);
}

static void
a_text_that_is_no_layout_is_refused(void **state)
{
	struct stage *s = *state;
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"fixtures\":[],\"before\":-1,\"after\":-1,\"skip\":[]}",
		"{\"fixtures\":[[\"\",0,1,0,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[]}",
		"{\"fixtures\":[[\"\",0,3,0,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[]}",
		"{\"fixtures\":[[\"\",1,2,0,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[]}",
		"{\"fixtures\":[[\"\",0,2,9,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[]}",
		"{\"fixtures\":[[\"\",0,2,0,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[2]}",
		"{\"fixtures\":[[\"\",0,2,0,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[-1]}",
		"{\"fixtures\":[[7,0,2,0,-1,-1]],\"before\":-1,\"after\":-1,\"skip\":[]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct layout layout;
		struct err err;
		assert_int_equal(layout_read(texts[i], 2, &s->arena, &layout, &err), -1);
		assert_int_equal(err.code, ERR_CORRUPT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_layout_comes_back_as_it_was),
		T(a_fixture_of_skipped_tests_is_idle),
		T(the_largest_layout_fits),
		T(a_text_that_is_no_layout_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

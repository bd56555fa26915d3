/* SPDX-License-Identifier: Apache-2.0 */
/* Why a grouped job runs no more than it does. */
#include <stdio.h>

#include "base/limits.h"
#include "core/explain.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

static struct explanation *
explain(struct stage *s)
{
	(void)group_of(&s->uow, s->job);
	return explain_job(
		&(struct explain_facts) { .job = s->job, .now_ms = s->uow.now_ms }, &s->arena);
}

/* The first blocker of the kind, which must be there. */
static const struct blocker *
blocker(struct stage *s, enum blocker_kind kind)
{
	const struct explanation *explanation = explain(s);

	for (size_t i = 0; i < explanation->n_blockers; i++) {
		if (explanation->blockers[i].kind == kind)
			return &explanation->blockers[i];
	}
	fail_msg("%s is not named", blocker_kind_name(kind));
	return &explanation->blockers[0];
}

static void
hooks_that_run_are_named(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "{ <a>");
	struct run *run = take(s, 0, "{@1");
	assert_string_equal(
		blocker(s, BLOCKER_HOOK)->text, "The before hook of the job is running.");
	ends(s, run, 'P');
	run = take(s, 0, "<1@1");
	assert_string_equal(
		blocker(s, BLOCKER_HOOK)->text, "The before hook of fixture \"a\" is running.");
	ends(s, run, 'P');
	run = take(s, 0, "a@1");
	assert_int_equal(explain(s)->n_blockers, 0);
	ends(s, run, 'P');
	assert_int_equal(explain(s)->n_blockers, 0); /* its after hook may start */
	(void)take(s, 0, ">1@1");
	assert_string_equal(
		blocker(s, BLOCKER_HOOK)->text, "The after hook of fixture \"a\" is running.");
}

static void
a_fixture_that_runs_alone_is_named(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "a !b c");
	struct run *run = take(s, 0, "a@1");
	const struct blocker *found = blocker(s, BLOCKER_ALONE);
	assert_string_equal(
		found->text, "Fixture \"b\" is to run alone and waits for 1 other run.");
	ends(s, run, 'P');
	(void)take(s, 0, "b@1");
	found = blocker(s, BLOCKER_ALONE);
	assert_string_equal(found->text, "Fixture \"b\" runs alone.");
	assert_string_equal(found->subject, "b");
}

static void
a_connection_that_is_kept_is_named(void **state)
{
	struct stage *s = *state;

	set_up(s, "=ab");
	ends(s, take(s, 0, "a@1"), 'P');
	const struct blocker *found = blocker(s, BLOCKER_KEPT);
	assert_string_equal(found->text,
		"Fixture \"a\" keeps to connection 1 of its worker, at least until "
		"2026-01-01T00:00:15.000Z.");
	assert_int_equal(found->until_ms, s->uow.now_ms + CONNECTION_KEPT_MS);
	pass(s, CONNECTION_KEPT_MS);
	assert_int_equal(explain(s)->n_blockers, 0);
}

static void
too_many_held_results_are_named(void **state)
{
	struct stage *s = *state;
	static struct test_spec tests[2000];
	struct fixture_spec fixture = { "", 0, 2000, FIXTURE_SHARED, -1, -1 };

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tests[i] = (struct test_spec) {
			.name = "t", .kind = "browser", .body = STR_INIT("{}")
		};
	s->spec.tests = tests;
	s->spec.n_tests = ARRAY_LEN(tests);
	s->spec.fixtures = &fixture;
	s->spec.n_fixtures = 1;
	s->spec.before = s->spec.after = -1;
	s->spec.concurrency = 2;
	set_up(s, NULL);
	(void)take_any(s);
	for (int i = 0; i < RUNS_HELD_MAX; i++)
		ends(s, take_any(s), 'P');
	const struct blocker *found = blocker(s, BLOCKER_HELD);
	assert_string_equal(
		found->text, "1000 results wait for the release of an earlier one.");
	assert_int_equal(found->count, 1000);
}

/* Connections of all groups: the job's concurrency is that of each. */
static void
the_concurrency_of_all_groups_is_used_up(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "abc");
	(void)take_any(s);
	assert_int_equal(explain(s)->n_blockers, 0);
	(void)take_any(s);
	assert_int_equal(blocker(s, BLOCKER_CONCURRENCY)->count, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(hooks_that_run_are_named),
		T(a_fixture_that_runs_alone_is_named),
		T(a_connection_that_is_kept_is_named),
		T(too_many_held_results_are_named),
		T(the_concurrency_of_all_groups_is_used_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

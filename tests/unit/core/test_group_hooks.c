/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of fixtures and of the job: docs/protocol/browser-jobs.md, 4. */
#include "base/limits.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

static void
s03_a_before_hook_runs_once_and_every_test_sees_it_finished(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 5;
	set_up(s, "{ <abcde");
	struct run *job_hook = take(s, 0, "{@1");
	take_none(s, 1);
	pass(s, 3000);
	ends(s, job_hook, 'P');
	struct run *hook = take(s, 1, "<1@1");
	take_none(s, 0);
	pass(s, 10000);
	ends(s, hook, 'P');
	struct run *run[5];
	for (int i = 0; i < 5; i++)
		run[i] = take_any(s);
	take_none(s, 0);
	for (int i = 0; i < 5; i++)
		ends(s, run[i], 'P');
	assert_told(s,
		"job.queued job.starting +{ job.started {:P +<1 <1:P +a +b +c +d +e a:P !a:P "
		"b:P !b:P c:P !c:P d:P !d:P e:P !e:P job.completed");
}

static void
s49_hooks_run_once_and_a_fixture_of_skipped_tests_has_none(void **state)
{
	struct stage *s = *state;

	set_up(s, "<ab> <c <D>");
	play_all(s, 'P');
	assert_told(s,
		"job.queued job.starting +<1 job.started <1:P +a a:P !a:P +b b:P +>1 >1:P "
		"!b:P +<2 <2:P +c d:S c:P !c:P !d:S job.completed");
	assert_counts(s, "passed 3 skipped 1");
}

static void
s50_a_failing_after_hook_fails_the_test_that_ended_last(void **state)
{
	struct stage *s = *state;

	set_up(s, "a> b> c");
	ends(s, take(s, 0, "a@1"), 'F');
	ends_with(s, take(s, 0, ">1@1"), 'F', NULL, "{\"message\":\"No way out.\"}");
	ends(s, take(s, 0, "b@1"), 'P');
	ends(s, take(s, 0, ">2@1"), 'F');
	ends(s, take(s, 0, "c@1"), 'P');
	assert_told(s,
		"job.queued job.starting +a job.started a:F +>1 >1:F !a:F +b b:P +>2 >2:F "
		"!b:F +c c:P !c:P job.failed");
	const struct run *a = s->uow.runs.item[0], *b = s->uow.runs.item[2];
	assert_string_equal(a->error,
		"{\"message\":\"It is wrong.\\nThe after hook of fixture "
		"\\\"a\\\" failed: No way out.\"}");
	assert_string_equal(b->error,
		"{\"message\":\"The after hook of fixture \\\"b\\\" failed: It is wrong.\"}");
	assert_string_equal(b->reason, "after_hook");
	assert_counts(s, "passed 1 failed 2");
}

/* Nobody who ran is left to blame. */
static void
an_after_hook_that_fails_behind_a_skipped_result_fails_the_job(void **state)
{
	struct stage *s = *state;

	set_up(s, "a>");
	ends(s, take(s, 0, "a@1"), 'S');
	ends(s, take(s, 0, ">1@1"), 'F');
	assert_is(s, JOB_FAILED, JOB_REASON_HOOK_FAILED);
	assert_counts(s, "skipped 1");
}

/* The one that ended last, not the one that began last; and no further attempt. */
static void
the_after_hook_blames_who_ended_last(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.quarantine = (struct quarantine_policy) { 5, 3 };
	set_up(s, "abC>");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'P');
	ends(s, a, 'P');
	assert_string_equal(released(s), "");
	ends(s, take(s, 0, ">1@1"), 'F');
	assert_string_equal(released(s), "a:F b:P c:S");
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 1 failed 1 skipped 1");
}

static void
s51_a_failing_before_hook_fails_all_tests_in_every_group(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "<abc");
	struct run *one = take(s, 0, "1/<1@1"), *two = take(s, 1, "2/<1@1");
	ends(s, one, 'F');
	ends(s, two, 'F');
	assert_string_equal(released(s), "1/a:F 1/b:F 1/c:F 2/a:F 2/b:F 2/c:F");
	assert_counts(s, "failed 6");
	const struct run *a = s->uow.runs.item[2];
	assert_string_equal(a->reason, "before_hook");
	assert_non_null(strstr(a->error, "before hook of fixture"));
}

/* D19: after still runs, nothing is repeated, everything is reported. */
static void
d19_after_still_runs_when_before_failed(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 5, 3 };
	set_up(s, "<aBc> d");
	ends(s, take(s, 0, "<1@1"), 'F');
	assert_string_equal(released(s), "a:F b:S");
	ends(s, take(s, 0, ">1@1"), 'P');
	ends(s, take(s, 0, "d@1"), 'P');
	assert_string_equal(released(s), "c:F d:P");
	assert_counts(s, "passed 1 failed 2 skipped 1");
}

static void
both_hooks_of_a_fixture_fail(void **state)
{
	struct stage *s = *state;

	set_up(s, "<ab>");
	ends(s, take(s, 0, "<1@1"), 'F');
	ends(s, take(s, 0, ">1@1"), 'F');
	assert_counts(s, "failed 2");
	const struct run *b = s->uow.runs.item[2];
	assert_int_equal(b->test, 1);
	assert_non_null(strstr(b->error, "before hook"));
	assert_non_null(strstr(b->error, "after hook"));
}

static void
a_hook_that_errors_passes_its_outcome_on(void **state)
{
	struct stage *s = *state;

	set_up(s, "<a> b>");
	ends(s, take(s, 0, "<1@1"), 'E');
	ends(s, take(s, 0, ">1@1"), 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	ends(s, take(s, 0, ">2@1"), 'E');
	assert_string_equal(released(s), "a:E b:E");
	assert_is(s, JOB_FAILED, JOB_REASON_RUNNER_ERROR);
}

static void
a_hook_that_times_out_passes_its_outcome_on(void **state)
{
	struct stage *s = *state;

	set_up(s, "<ab");
	ends(s, take(s, 0, "<1@1"), 'T');
	assert_counts(s, "timed_out 2");
}

/* D06: the job's before hook holds back every test, on every connection. */
static void
d06_defect_6_no_test_starts_before_the_jobs_before_hook_ended(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "{ a b }");
	struct run *one = take(s, 0, "1/{@1"), *two = take(s, 1, "2/{@1");
	take_none(s, 0);
	pass(s, 60);
	take_none(s, 1);
	ends(s, one, 'P');
	struct run *a = take(s, 0, "1/a@1"), *b = take(s, 0, "1/b@2");
	take_none(s, 1);
	ends(s, two, 'P');
	struct run *c = take(s, 1, "2/a@1"), *d = take(s, 1, "2/b@2");
	ends(s, b, 'P');
	take_none(s, 0); /* the after hook waits for everything of its group */
	ends(s, a, 'P');
	ends(s, take(s, 0, "1/}@1"), 'P');
	ends(s, c, 'P');
	ends(s, d, 'P');
	ends(s, take(s, 0, "2/}@1"), 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 4");
}

static void
a_failing_before_hook_of_the_job_fails_its_group_only(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "{ <aB> c }");
	struct run *one = take(s, 0, "1/{@1"), *two = take(s, 1, "2/{@1");
	ends(s, one, 'F');
	assert_string_equal(released(s), "1/a:F 1/b:S 1/c:F");
	one = take(s, 0, "1/}@1");
	ends(s, two, 'P');
	ends(s, one, 'P');
	play_all(s, 'P');
	assert_counts(s, "passed 2 failed 2 skipped 2");
}

static void
a_failing_after_hook_of_the_job_fails_the_job(void **state)
{
	struct stage *s = *state;

	s->spec.failures_to_ignore = 3;
	set_up(s, "a }");
	ends(s, take(s, 0, "a@1"), 'P');
	ends(s, take(s, 0, "}@1"), 'F');
	assert_is(s, JOB_FAILED, JOB_REASON_HOOK_FAILED);
	assert_counts(s, "passed 1");
}

/* S55 as far as it is a scheduler's; hooks around each test are the runner's. */
static void
s55_hooks_run_from_the_outside_in_and_back(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ <a> }");
	play_all(s, 'P');
	assert_told(s,
		"job.queued job.starting +{ job.started {:P +<1 <1:P +a a:P +>1 >1:P !a:P "
		"+} }:P job.completed");
}

static void
hooks_of_fixtures_run_in_each_iteration_and_those_of_the_job_once(void **state)
{
	struct stage *s = *state;

	s->spec.iterations = 2;
	set_up(s, "{ <a> }");
	play_all(s, 'P');
	assert_told(s,
		"job.queued job.starting +{ job.started {:P +<1 <1:P +a a:P +>1 >1:P !a:P "
		"+2.<1 2.<1:P +2.a 2.a:P +2.>1 2.>1:P !2.a:P +2.} 2.}:P job.completed");
}

/* A lease carries what the before hooks found out. */
static void
later_runs_know_their_before_hooks(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ <a> b");
	struct run *job_hook = take(s, 0, "{@1");
	ends(s, job_hook, 'P');
	struct run *hook = take(s, 0, "<1@1");
	ends(s, hook, 'P');
	struct group *group = &group_of(&s->uow, s->job)->groups[0];
	assert_int_equal(group->before_run, job_hook->seq);
	assert_int_equal(group_open_fixture(group, 0)->before_run, hook->seq);
	play_all(s, 'P');
	assert_counts(s, "passed 2");
}

static void
a_lost_before_hook_goes_first_again(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "<a> b");
	struct run *hook = take(s, 0, "<1@1");
	vanishes(s, hook, true);
	assert_ptr_equal(take(s, 1, "<1@1"), hook);
	ends(s, take(s, 0, "b@2"), 'P');
	ends(s, hook, 'P');
	ends(s, take(s, 0, "a@1"), 'P');
	vanishes(s, take(s, 0, ">1@1"), false);
	ends(s, take(s, 0, ">1@1"), 'P');
	assert_counts(s, "passed 2");
}

static void
a_before_hook_lost_thrice_makes_its_tests_errored(void **state)
{
	struct stage *s = *state;

	set_up(s, "<ab> c");
	for (int i = 0; i < RUN_LOSSES_MAX; i++)
		vanishes(s, take(s, 0, "<1@1"), false);
	ends(s, take(s, 0, ">1@1"), 'P');
	ends(s, take(s, 0, "c@1"), 'P');
	assert_string_equal(released(s), "a:E b:E c:P");
	assert_counts(s, "passed 1 errored 2");
}

static void
an_after_hook_lost_thrice_makes_the_last_test_errored(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab> }");
	ends(s, take(s, 0, "a@1"), 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	for (int i = 0; i < RUN_LOSSES_MAX; i++)
		vanishes(s, take(s, 0, ">1@1"), true);
	assert_string_equal(released(s), "a:P b:E");
	for (int i = 0; i < RUN_LOSSES_MAX; i++)
		vanishes(s, take(s, 0, "}@1"), true);
	assert_is(s, JOB_FAILED, JOB_REASON_RUNNER_ERROR);
}

/* After hooks of a serial fixture stay on its connection, and before hooks decide which. */
static void
hooks_of_a_serial_fixture_run_on_its_connection(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "a =<bc>");
	struct run *a = take(s, 0, "a@1");
	ends(s, take(s, 1, "<2@2"), 'P');
	ends(s, a, 'P');
	take_none(s, 0);
	ends(s, take(s, 1, "b@2"), 'P');
	take_none(s, 0);
	ends(s, take(s, 1, "c@2"), 'P');
	take_none(s, 0);
	ends(s, take(s, 1, ">2@2"), 'P');
	assert_counts(s, "passed 3");
}

/* What the hooks of a group cannot run without is not there: they say so at once. */
static void
a_hook_with_a_bad_definition_makes_the_job_invalid(void **state)
{
	struct stage *s = *state;

	set_up(s, "<a> b");
	ends_with(s, take(s, 0, "<1@1"), 'E', "invalid_definition", NULL);
	ends(s, take(s, 0, ">1@1"), 'P');
	assert_is(s, JOB_INVALID, JOB_REASON_INVALID_DEFINITION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(s03_a_before_hook_runs_once_and_every_test_sees_it_finished),
		T(s49_hooks_run_once_and_a_fixture_of_skipped_tests_has_none),
		T(s50_a_failing_after_hook_fails_the_test_that_ended_last),
		T(an_after_hook_that_fails_behind_a_skipped_result_fails_the_job),
		T(the_after_hook_blames_who_ended_last),
		T(s51_a_failing_before_hook_fails_all_tests_in_every_group),
		T(d19_after_still_runs_when_before_failed),
		T(both_hooks_of_a_fixture_fail),
		T(a_hook_that_errors_passes_its_outcome_on),
		T(a_hook_that_times_out_passes_its_outcome_on),
		T(d06_defect_6_no_test_starts_before_the_jobs_before_hook_ended),
		T(a_failing_before_hook_of_the_job_fails_its_group_only),
		T(a_failing_after_hook_of_the_job_fails_the_job),
		T(s55_hooks_run_from_the_outside_in_and_back),
		T(hooks_of_fixtures_run_in_each_iteration_and_those_of_the_job_once),
		T(later_runs_know_their_before_hooks),
		T(a_lost_before_hook_goes_first_again),
		T(a_before_hook_lost_thrice_makes_its_tests_errored),
		T(an_after_hook_lost_thrice_makes_the_last_test_errored),
		T(hooks_of_a_serial_fixture_run_on_its_connection),
		T(a_hook_with_a_bad_definition_makes_the_job_invalid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

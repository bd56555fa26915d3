/* SPDX-License-Identifier: Apache-2.0 */
/* How grouped jobs end before their time, pause, and begin again:
 * docs/protocol/browser-jobs.md, 1 and 4. */
#include "base/limits.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

/* The worker under the run is told to stop, and says so. */
static void
obeys(struct stage *s, struct run *run)
{
	const char *reason;

	assert_int_equal(plan_directive(run, &reason), DIRECTIVE_STOP);
	assert_non_null(reason);
	ends(s, run, 'C');
}

static void
goes_on(struct run *run)
{
	const char *reason;

	assert_int_equal(plan_directive(run, &reason), DIRECTIVE_NONE);
}

/* ---- stop on first failure ---- */

static void
s58_nothing_new_starts_after_the_first_failure(void **state)
{
	struct stage *s = *state;

	s->spec.stop_on_first_failure = true;
	set_up(s, "abc");
	ends(s, take(s, 0, "a@1"), 'P');
	ends(s, take(s, 0, "b@1"), 'F');
	assert_string_equal(released(s), "a:P b:F");
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 1 failed 1 skipped 1");
}

/* D08: the failure counts at once, though an earlier test is still being repeated. */
static void
d08_defect_9_the_failing_test_is_reported_though_an_earlier_one_retries(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.quarantine = (struct quarantine_policy) { 2, 1 };
	s->spec.stop_on_first_failure = true;
	set_up(s, "abcd");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'F');
	struct run *b2 = take(s, 1, "b#2@2");
	ends(s, a, 'F'); /* waits for its second attempt */
	(void)told(s);
	ends(s, b2, 'F');
	assert_told(s, "b:F a:C !a:C !b:F job.failed");
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "failed 1 cancelled 1 skipped 2");
}

static void
running_tests_end_by_themselves_after_the_first_failure(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.stop_on_first_failure = true;
	set_up(s, "abcd>");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'F');
	take_none(s, 1);
	goes_on(a);
	ends(s, a, 'P');
	ends(s, take(s, 1, ">1@1"), 'P');
	assert_string_equal(released(s), "a:P b:F");
	assert_counts(s, "passed 1 failed 1 skipped 2");
}

/* b fails before a, which was started earlier, is released: it is held, and counts. */
static void
running_tests_are_cancelled_after_the_first_failure(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.stop_on_first_failure = s->spec.cancel_on_first_failure = true;
	set_up(s, "abcd>");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'F');
	assert_int_equal(b->state, RUN_HELD);
	assert_true(s->uow.signals.n > 0);
	obeys(s, a);
	struct run *after = take(s, 0, ">1@1");
	goes_on(after); /* what was begun is cleaned up */
	ends(s, after, 'P');
	assert_string_equal(released(s), "a:C b:F");
	assert_counts(s, "failed 1 cancelled 1 skipped 2");
}

/* The tests that a hook of the last group fails halt the groups before it as well. */
static void
a_failing_before_hook_halts_the_other_groups(void **state)
{
	struct stage *s = *state;

	s->spec.stop_on_first_failure = true;
	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "ab <c");
	struct run *one = take(s, 0, "1/a@1"), *two = take(s, 1, "2/a@1");
	ends(s, one, 'P');
	ends(s, two, 'P');
	one = take(s, 0, "1/b@1");
	two = take(s, 1, "2/b@1");
	ends(s, two, 'P');
	two = take(s, 1, "2/<2@1");
	ends(s, one, 'P');
	ends(s, two, 'F');
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 4 failed 1 skipped 1");
}

static void
failures_that_are_ignored_stop_nothing(void **state)
{
	struct stage *s = *state;

	s->spec.stop_on_first_failure = true;
	s->spec.failures_to_ignore = 1;
	set_up(s, "abcd");
	ends(s, take(s, 0, "a@1"), 'F');
	ends(s, take(s, 0, "b@1"), 'P');
	ends(s, take(s, 0, "c@1"), 'E');
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 1 failed 1 errored 1 skipped 1");
}

static void
a_job_with_ignored_failures_only_is_completed(void **state)
{
	struct stage *s = *state;

	s->spec.failures_to_ignore = 2;
	set_up(s, "<ab c");
	ends(s, take(s, 0, "<1@1"), 'F');
	play_all(s, 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1 failed 2");
}

static void
a_failed_attempt_does_not_stop_the_job(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	s->spec.stop_on_first_failure = true;
	set_up(s, "ab");
	ends(s, take(s, 0, "a@1"), 'F');
	ends(s, take(s, 0, "a#2@1"), 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
a_bad_definition_ends_the_job_though_its_result_is_held(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.retry =
		(struct retry_policy) { .max = 5, .factor = 1, .on = 1u << OUTCOME_ERRORED };
	set_up(s, "abcd");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends_with(s, b, 'E', "invalid_definition", NULL);
	assert_int_equal(b->state, RUN_HELD);
	take_none(s, 1);
	ends(s, a, 'P');
	assert_is(s, JOB_INVALID, JOB_REASON_INVALID_DEFINITION);
}

/* ---- stop, cancel, time limit, in each phase ---- */

/* D18: the running test is reported, after hooks that are due run. */
static void
d18_stop_lets_the_after_hooks_of_what_was_begun_run(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "{ <ab> <c> d }");
	ends(s, take(s, 0, "{@1"), 'P');
	ends(s, take(s, 0, "<1@1"), 'P');
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'P');
	(void)told(s);
	order(s, JOB_CMD_STOP);
	take_none(s, 1);
	obeys(s, a);
	struct run *after = take(s, 0, ">1@1");
	goes_on(after);
	take_none(s, 1);
	ends(s, after, 'P');
	ends(s, take(s, 0, "}@1"), 'P');
	assert_told(s, "job.stopping a:C +>1 >1:P !a:C !b:P +} }:P job.stopped");
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "passed 1 cancelled 1");
}

static void
cancel_lets_no_hook_run(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ <ab> }");
	ends(s, take(s, 0, "{@1"), 'P');
	ends(s, take(s, 0, "<1@1"), 'P');
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_CANCEL);
	obeys(s, a);
	assert_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_string_equal(released(s), "a:C");
}

static void
cancel_stops_an_after_hook_that_runs(void **state)
{
	struct stage *s = *state;

	set_up(s, "a>");
	ends(s, take(s, 0, "a@1"), 'P');
	struct run *after = take(s, 0, ">1@1");
	goes_on(after);
	order(s, JOB_CMD_CANCEL);
	obeys(s, after);
	assert_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_counts(s, "passed 1");
}

static void
cancel_ends_an_after_hook_that_waits(void **state)
{
	struct stage *s = *state;

	set_up(s, "a> }");
	ends(s, take(s, 0, "a@1"), 'P');
	vanishes(s, take(s, 0, ">1@1"), true);
	order(s, JOB_CMD_CANCEL);
	assert_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_counts(s, "passed 1");
}

static void
a_lost_after_hook_of_a_stopped_job_runs_again(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab>");
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_STOP);
	obeys(s, a);
	vanishes(s, take(s, 0, ">1@1"), true);
	assert_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	ends(s, take(s, 1, ">1@1"), 'P');
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
}

/* D18: within a limit, also when nobody comes to run them. */
static void
d18_a_stopped_job_ends_when_no_worker_takes_its_hooks(void **state)
{
	struct stage *s = *state;

	set_up(s, "a> b> }");
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_STOP);
	obeys(s, a);
	assert_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	pass(s, HOOKS_OVERDUE_MS - 1);
	assert_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	pass(s, 1);
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_string_equal(released(s), "a:C");
}

/* One that runs has its own limit, at its worker; lost after that it is not begun again. */
static void
a_hook_that_runs_when_hooks_are_overdue_may_end(void **state)
{
	struct stage *s = *state;

	set_up(s, "a> }");
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_STOP);
	obeys(s, a);
	struct run *after = take(s, 0, ">1@1");
	pass(s, HOOKS_OVERDUE_MS);
	assert_int_equal(s->job->due_ms, 0);
	goes_on(after);
	vanishes(s, after, true);
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
}

static void
stop_while_the_jobs_before_hook_runs(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ a }");
	struct run *hook = take(s, 0, "{@1");
	order(s, JOB_CMD_STOP);
	obeys(s, hook);
	ends(s, take(s, 0, "}@1"), 'P');
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "");
}

static void
stop_while_a_fixtures_before_hook_waits(void **state)
{
	struct stage *s = *state;

	set_up(s, "<ab>");
	vanishes(s, take(s, 0, "<1@1"), true);
	order(s, JOB_CMD_STOP);
	ends(s, take(s, 0, ">1@1"), 'P');
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "");
}

static void
stop_while_a_retry_waits(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.retry = (struct retry_policy) {
		.max = 2, .factor = 1, .delay_ms = 60000, .on = 1u << OUTCOME_FAILED
	};
	set_up(s, "ab");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'P');
	ends(s, a, 'F');
	order(s, JOB_CMD_STOP);
	assert_string_equal(released(s), "a:C b:P");
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	const struct event *event = &s->uow.events.item[0];
	while (event->type != EV_RUN_RELEASED)
		event++;
	assert_non_null(strstr(event->data.p, "\"attempts\":1,")); /* the second never began */
}

static void
stop_before_the_beginning(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ <a> }");
	order(s, JOB_CMD_STOP);
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_told(s, "job.queued job.stopped");
}

static void
the_time_limit_stops_as_stop_does(void **state)
{
	struct stage *s = *state;

	s->spec.timeout_ms = 10000;
	set_up(s, "<ab>");
	ends(s, take(s, 0, "<1@1"), 'P');
	struct run *a = take(s, 0, "a@1");
	pass(s, 10000);
	assert_is(s, JOB_STOPPING, JOB_REASON_TIMEOUT);
	obeys(s, a);
	ends(s, take(s, 0, ">1@1"), 'P');
	assert_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
	assert_string_equal(released(s), "a:C");
}

static void
stop_of_an_isolated_fixture_lets_the_hooks_of_other_groups_run(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "a> !b");
	struct run *one = take(s, 0, "1/a@1");
	ends(s, one, 'P');
	one = take(s, 0, "1/>1@1");
	order(s, JOB_CMD_STOP);
	goes_on(one);
	ends(s, one, 'P');
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "passed 1");
}

/* ---- pause ---- */

static void
a_pause_lets_runs_end_and_holds_everything_else_back(void **state)
{
	struct stage *s = *state;

	set_up(s, "<aB> <c }");
	struct run *hook = take(s, 0, "<1@1");
	order(s, JOB_CMD_PAUSE);
	assert_is(s, JOB_PAUSING, JOB_REASON_NONE);
	ends(s, hook, 'P');
	assert_is(s, JOB_PAUSED, JOB_REASON_NONE);
	take_none(s, 0);
	order(s, JOB_CMD_UNPAUSE);
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_PAUSE);
	ends(s, a, 'P');
	take_none(s, 0);
	assert_int_equal(s->job->due_ms, 0);
	order(s, JOB_CMD_UNPAUSE);
	ends(s, take(s, 0, ">1@1"), 'P');
	order(s, JOB_CMD_PAUSE);
	take_none(s, 0);
	order(s, JOB_CMD_UNPAUSE);
	play_all(s, 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2 skipped 1");
}

static void
a_paused_job_is_stopped_with_its_hooks(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab>");
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_PAUSE);
	ends(s, a, 'P');
	order(s, JOB_CMD_STOP);
	assert_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	ends(s, take(s, 0, ">1@1"), 'P');
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
}

static void
a_paused_job_is_cancelled_at_once(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab> }");
	struct run *a = take(s, 0, "a@1");
	order(s, JOB_CMD_PAUSE);
	ends(s, a, 'P');
	order(s, JOB_CMD_CANCEL);
	assert_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
}

/* ---- again ---- */

static void
a_new_incarnation_begins_the_plan_anew(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "{ <ab> }");
	ends(s, take(s, 0, "{@1"), 'P');
	ends(s, take(s, 0, "<1@1"), 'P');
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'P');
	order(s, JOB_CMD_START);
	assert_int_equal(b->state, RUN_FINISHED); /* never to be released */
	take_none(s, 1);
	obeys(s, a);
	(void)told(s);
	play_all(s, 'P');
	assert_told(s,
		"job.starting +{ job.started {:P +<1 <1:P +a a:P !a:P +b b:P +>1 >1:P "
		"!b:P +} }:P job.completed");
	assert_counts(s, "passed 2");
}

static void
an_after_hook_of_the_old_incarnation_is_not_owed(void **state)
{
	struct stage *s = *state;

	set_up(s, "a>");
	ends(s, take(s, 0, "a@1"), 'P');
	struct run *after = take(s, 0, ">1@1");
	order(s, JOB_CMD_START);
	obeys(s, after);
	play_all(s, 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1");
}

static void
stop_while_the_old_incarnation_still_runs(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ <ab> }");
	struct run *hook = take(s, 0, "{@1");
	order(s, JOB_CMD_START);
	order(s, JOB_CMD_STOP);
	assert_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	obeys(s, hook);
	assert_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
}

static void
a_deleted_job_tells_all_its_workers(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "{ ab> }");
	ends(s, take(s, 0, "{@1"), 'P');
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'P');
	struct err err;
	assert_int_equal(plan_command(&s->uow, &s->lanes, s->job, JOB_CMD_DELETE, &err), 0);
	assert_int_equal(s->job->change, ROW_DELETED);
	assert_int_equal(s->uow.signals.n, 1);
	assert_int_equal(s->uow.signals.item[0].kind, SIGNAL_DROP);
	assert_memory_equal(&s->uow.signals.item[0].run, &a->id, sizeof a->id);
	assert_int_equal(lanes_queue(&s->lanes, s->job->queue)->running, 0);
}

/* ---- lost browsers ---- */

static void
s33_d11_defect_8_the_third_loss_fails_the_test_and_the_others_go_on(void **state)
{
	struct stage *s = *state;

	set_up(s, "abc");
	for (int i = 0; i < RUN_LOSSES_MAX; i++)
		vanishes(s, take(s, 0, "a@1"), false);
	ends(s, take(s, 0, "b@1"), 'P');
	ends(s, take(s, 0, "c@1"), 'P');
	assert_string_equal(released(s), "a:E b:P c:P");
	assert_counts(s, "passed 2 errored 1");
}

static void
d10_s43_a_lost_connection_gives_its_test_to_the_others(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "abc");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	vanishes(s, a, true);
	ends(s, b, 'P');
	assert_ptr_equal(take(s, 1, "a@1"), a); /* before what is new */
	ends(s, take(s, 1, "c@2"), 'P');
	ends(s, a, 'P');
	assert_string_equal(released(s), "a:P b:P c:P");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

/* D16, defect 11: the worker ends a run that does not begin within startTimeout; the run's
 * unit is errored and holds nobody up. */
static void
d16_defect_11_a_run_that_does_not_begin_is_errored_and_the_others_go_on(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab");
	ends_with(s, take(s, 0, "a@1"), 'E', "start_timeout", NULL);
	ends(s, take(s, 0, "b@1"), 'P');
	assert_string_equal(released(s), "a:E b:P");
	assert_is(s, JOB_FAILED, JOB_REASON_RUNNER_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(s58_nothing_new_starts_after_the_first_failure),
		T(d08_defect_9_the_failing_test_is_reported_though_an_earlier_one_retries),
		T(running_tests_end_by_themselves_after_the_first_failure),
		T(running_tests_are_cancelled_after_the_first_failure),
		T(a_failing_before_hook_halts_the_other_groups),
		T(failures_that_are_ignored_stop_nothing),
		T(a_job_with_ignored_failures_only_is_completed),
		T(a_failed_attempt_does_not_stop_the_job),
		T(a_bad_definition_ends_the_job_though_its_result_is_held),
		T(d18_stop_lets_the_after_hooks_of_what_was_begun_run),
		T(cancel_lets_no_hook_run),
		T(cancel_stops_an_after_hook_that_runs),
		T(cancel_ends_an_after_hook_that_waits),
		T(a_lost_after_hook_of_a_stopped_job_runs_again),
		T(d18_a_stopped_job_ends_when_no_worker_takes_its_hooks),
		T(a_hook_that_runs_when_hooks_are_overdue_may_end),
		T(stop_while_the_jobs_before_hook_runs),
		T(stop_while_a_fixtures_before_hook_waits),
		T(stop_while_a_retry_waits),
		T(stop_before_the_beginning),
		T(the_time_limit_stops_as_stop_does),
		T(stop_of_an_isolated_fixture_lets_the_hooks_of_other_groups_run),
		T(a_pause_lets_runs_end_and_holds_everything_else_back),
		T(a_paused_job_is_stopped_with_its_hooks),
		T(a_paused_job_is_cancelled_at_once),
		T(a_new_incarnation_begins_the_plan_anew),
		T(an_after_hook_of_the_old_incarnation_is_not_owed),
		T(stop_while_the_old_incarnation_still_runs),
		T(a_deleted_job_tells_all_its_workers),
		T(s33_d11_defect_8_the_third_loss_fails_the_test_and_the_others_go_on),
		T(d10_s43_a_lost_connection_gives_its_test_to_the_others),
		T(d16_defect_11_a_run_that_does_not_begin_is_errored_and_the_others_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which run is next, and what a result means. */
#include <stdio.h>

#include "base/limits.h"
#include "scene.h"

#define ON(outcome) (1u << (outcome))

/* ---- one test ---- */

static void
one_test_passes(void **state)
{
	struct scene *s = *state;

	submit(s);
	assert_job_is(s, JOB_QUEUED, JOB_REASON_NONE);
	assert_string_equal(told(s), "job.queued");
	struct run *run = lease_unit(s, "1.0.a#1");
	assert_job_is(s, JOB_STARTING, JOB_REASON_NONE);
	assert_string_equal(told(s), "job.starting run.leased");
	plan_started(&s->uow, run);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	assert_string_equal(told(s), "job.started");
	finish(s, run, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_string_equal(told(s), "run.finished job.completed");
	assert_counts(s, "passed 1");
	assert_true(run->is_last);
}

static void
one_test_fails(void **state)
{
	struct scene *s = *state;

	submit(s);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "failed 1");
}

/* An outage is not the product's fault, and is not called so. */
static void
an_error_of_the_environment_is_not_a_failed_test(void **state)
{
	struct scene *s = *state;

	submit(s);
	play(s, OUTCOME_ERRORED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_RUNNER_ERROR);
	assert_counts(s, "errored 1");
}

static void
a_failed_test_outweighs_an_error(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	submit(s);
	play(s, OUTCOME_ERRORED);
	play(s, OUTCOME_FAILED);
	play(s, OUTCOME_ERRORED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
}

static void
a_test_that_took_too_long_counts_as_a_failure(void **state)
{
	struct scene *s = *state;

	submit(s);
	play(s, OUTCOME_TIMED_OUT);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "timed_out 1");
}

static void
a_result_without_a_start_says_both(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	(void)told(s);
	finish(s, run, OUTCOME_PASSED);
	assert_string_equal(told(s), "job.started run.finished job.completed");
}

static void
a_run_starts_once(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	later(s, 10);
	plan_started(&s->uow, run);
	later(s, 10);
	plan_started(&s->uow, run);
	assert_int_equal(run->started_ms, SCENE_START_MS + 10);
}

/* ---- the order of units ---- */

static void
units_go_by_iteration_then_target_then_test(void **state)
{
	static const char *const order[] = {
		"1.0.a#1",
		"1.0.b#1",
		"1.0.c#1",
		"1.1.a#1",
		"1.1.b#1",
		"1.1.c#1",
		"2.0.a#1",
		"2.0.b#1",
		"2.0.c#1",
		"2.1.a#1",
		"2.1.b#1",
		"2.1.c#1",
	};
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.targets = "left,right";
	s->spec.n_targets = 2;
	s->spec.iterations = 2;
	submit(s);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		finish(s, lease_unit(s, order[i]), OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 12");
}

static void
no_more_runs_at_once_than_the_concurrency(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 4;
	s->spec.concurrency = 3;
	submit(s);
	struct run *a = lease(s), *b = lease(s), *c = lease(s);
	assert_idle(s);
	assert_int_equal(lanes_queue(&s->lanes, s->job->queue)->running, 3);
	finish(s, b, OUTCOME_PASSED);
	struct run *d = lease_unit(s, "1.0.d#1");
	assert_idle(s);
	finish(s, a, OUTCOME_PASSED);
	finish(s, d, OUTCOME_PASSED);
	assert_idle(s);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	finish(s, c, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_int_equal(lanes_queue(&s->lanes, s->job->queue)->running, 0);
}

static void
tests_of_different_kinds_stand_in_different_lanes(void **state)
{
	static const char *const kinds[] = { "command", "http", "http", "command" };
	struct scene *s = *state;

	s->spec.n_tests = 4;
	for (size_t i = 0; i < 4; i++)
		s->tests[i].kind = kinds[i];
	submit(s);
	for (size_t i = 0; i < 4; i++) {
		const struct lane *lane = lanes_lane(&s->lanes, s->job->lane);
		assert_string_equal(lane->kind, kinds[i]);
		assert_true(lane->maybe_ready);
		play(s, OUTCOME_PASSED);
	}
	assert_int_equal(s->lanes.lane.n, 2);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

/* Its own run waits in the lane of its own kind, even when the cursor stands elsewhere. */
static void
a_retry_goes_back_to_the_lane_of_its_kind(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->tests[1].kind = "http";
	s->spec.retry =
		(struct retry_policy) { .max = 1, .factor = 1, .on = ON(OUTCOME_FAILED) };
	submit(s);
	play(s, OUTCOME_FAILED);
	assert_string_equal(lanes_lane(&s->lanes, s->job->lane)->kind, "command");
	finish(s, lease_unit(s, "1.0.a#2"), OUTCOME_PASSED);
	assert_string_equal(lanes_lane(&s->lanes, s->job->lane)->kind, "http");
}

static void
a_job_that_gets_no_lane_waits_and_does_no_harm(void **state)
{
	struct scene *s = *state;
	char labels[32];

	for (int i = 0; i < LANES_MAX; i++) {
		snprintf(labels, sizeof labels, "n=%d", i);
		assert_non_null(lanes_get_lane(&s->lanes, &s->uow, 1, 1, "command", labels));
	}
	s->spec.labels = "one=more";
	submit(s);
	assert_job_is(s, JOB_QUEUED, JOB_REASON_NONE);
	assert_idle(s);
}

/* ---- retries ---- */

static void
an_error_is_retried_after_its_delay(void **state)
{
	struct scene *s = *state;

	s->spec.retry = (struct retry_policy) {
		.max = 2, .delay_ms = 1000, .factor = 2, .on = ON(OUTCOME_ERRORED)
	};
	submit(s);
	struct run *first = lease(s);
	(void)told(s);
	finish(s, first, OUTCOME_ERRORED);
	assert_string_equal(told(s), "job.started run.finished run.created");
	assert_false(first->is_last);
	assert_counts(s, "");
	assert_idle(s);
	assert_int_equal(s->job->waiting, 1);
	assert_int_equal(s->job->due_ms, SCENE_START_MS + 1000);
	later(s, 999);
	assert_idle(s);
	later(s, 1);
	finish(s, lease_unit(s, "1.0.a#2"), OUTCOME_ERRORED);
	later(s, 1999);
	assert_idle(s);
	later(s, 1);
	struct run *third = lease_unit(s, "1.0.a#3");
	finish(s, third, OUTCOME_ERRORED);
	assert_true(third->is_last);
	assert_job_is(s, JOB_FAILED, JOB_REASON_RUNNER_ERROR);
	assert_counts(s, "errored 1");
}

static void
a_failure_is_retried_only_when_that_was_asked_for(void **state)
{
	struct scene *s = *state;

	s->spec.retry =
		(struct retry_policy) { .max = 3, .factor = 1, .on = ON(OUTCOME_ERRORED) };
	submit(s);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
}

static void
passed_in_a_later_attempt_is_passed_and_flaky(void **state)
{
	struct scene *s = *state;

	s->spec.retry = (struct retry_policy) {
		.max = 1, .factor = 1, .on = ON(OUTCOME_ERRORED) | ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1 flaky 1");
}

static void
other_units_go_on_while_a_retry_waits(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 5000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	finish(s, lease_unit(s, "1.0.b#1"), OUTCOME_PASSED);
	later(s, 5000);
	/* What is due goes before what is new. */
	finish(s, lease_unit(s, "1.0.a#2"), OUTCOME_PASSED);
	finish(s, lease_unit(s, "1.0.c#1"), OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
the_earliest_due_time_wakes_the_job(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 1000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	later(s, 400);
	play(s, OUTCOME_FAILED);
	assert_int_equal(s->job->due_ms, SCENE_START_MS + 1000);
	later(s, 600);
	finish(s, lease_unit(s, "1.0.a#2"), OUTCOME_PASSED);
	assert_int_equal(s->job->due_ms, SCENE_START_MS + 1400);
	later(s, 400);
	finish(s, lease_unit(s, "1.0.b#2"), OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
not_more_retries_wait_than_their_limit(void **state)
{
	struct scene *s = *state;

	s->spec.iterations = RUNS_WAITING_MAX * 2;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 60000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	for (int i = 0; i < RUNS_WAITING_MAX; i++)
		play(s, OUTCOME_FAILED);
	assert_idle(s);
	assert_int_equal(s->job->waiting, RUNS_WAITING_MAX);
	later(s, 60000);
	finish(s, lease_unit(s, "1.0.a#2"), OUTCOME_PASSED);
	assert_true(s->job->ready);
}

/* ---- how many may fail ---- */

static void
failures_up_to_the_limit_are_ignored(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 4;
	s->spec.failures_to_ignore = 3;
	submit(s);
	play(s, OUTCOME_FAILED);
	play(s, OUTCOME_ERRORED);
	play(s, OUTCOME_TIMED_OUT);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1 failed 1 errored 1 timed_out 1");
}

static void
one_failure_over_the_limit_fails_the_job_at_its_end(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 4;
	s->spec.failures_to_ignore = 1;
	submit(s);
	play(s, OUTCOME_FAILED);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	play(s, OUTCOME_PASSED);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 2 failed 2");
}

static void
stop_on_first_failure_skips_the_rest(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 5;
	s->spec.stop_on_first_failure = true;
	submit(s);
	play(s, OUTCOME_PASSED);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 1 failed 1 skipped 3");
	assert_int_equal(job_percent(s->job), 100);
}

static void
the_first_failure_is_the_first_that_is_not_ignored(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 4;
	s->spec.stop_on_first_failure = true;
	s->spec.failures_to_ignore = 1;
	submit(s);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "failed 2 skipped 2");
}

static void
runs_under_way_end_after_the_first_failure(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 4;
	s->spec.concurrency = 2;
	s->spec.stop_on_first_failure = true;
	submit(s);
	struct run *a = lease(s), *b = lease(s);
	finish(s, a, OUTCOME_FAILED);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	assert_idle(s);
	finish(s, b, OUTCOME_PASSED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 1 failed 1 skipped 2");
}

/* Nothing starts any more, a retry that was waiting as little as a new unit. */
static void
a_waiting_retry_does_not_start_after_the_first_failure(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.concurrency = 2;
	s->spec.stop_on_first_failure = true;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 100, .factor = 1, .on = ON(OUTCOME_ERRORED)
	};
	submit(s);
	struct run *a = lease(s), *b = lease(s);
	finish(s, a, OUTCOME_ERRORED);
	struct run *c = lease_unit(s, "1.0.c#1");
	finish(s, b, OUTCOME_FAILED);
	later(s, 100);
	assert_idle(s);
	finish(s, c, OUTCOME_PASSED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 1 failed 1 cancelled 1");
}

/* ---- endless ---- */

static void
an_endless_job_ends_on_failures(void **state)
{
	struct scene *s = *state;

	s->spec.iterations = 0;
	s->spec.failures_to_ignore = 2;
	submit(s);
	for (int i = 0; i < 100; i++)
		play(s, OUTCOME_PASSED);
	assert_int_equal(job_percent(s->job), -1);
	play(s, OUTCOME_FAILED);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	play(s, OUTCOME_FAILED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 100 failed 3");
}

/* A turn knows a job and its open runs: nothing else of a plan is ever in memory. */
static void
a_million_iterations_cost_no_memory(void **state)
{
	struct scene *s = *state;
	struct job job;

	s->spec.iterations = 1000000;
	job = *submit(s);
	for (int i = 0; i < 20000; i++) {
		struct uow *uow = &s->uow;
		int64_t next_run_seq = uow->next_run_seq;

		uow_deinit(uow);
		arena_reset(&s->arena);
		uow_init(uow, &s->arena, &s->rng, SCENE_START_MS + i);
		uow->next_run_seq = next_run_seq;
		job.open_runs = NULL;
		s->job = uow_add_job(uow, &job);
		play(s, OUTCOME_PASSED);
		assert_true(s->arena.used < 16384);
		assert_int_equal(uow->runs.n, 1);
	}
	assert_int_equal(job.iteration, 20001);
	assert_int_equal(job_percent(&job), 2);
	s->n_told = 0;
}

/* ---- definitions that cannot run ---- */

static void
an_invalid_definition_ends_the_job_at_once(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.failures_to_ignore = 9;
	s->spec.retry =
		(struct retry_policy) { .max = 5, .factor = 1, .on = ON(OUTCOME_ERRORED) };
	submit(s);
	finish_as(s, lease(s), OUTCOME_ERRORED, "invalid_definition");
	assert_job_is(s, JOB_INVALID, JOB_REASON_INVALID_DEFINITION);
	assert_counts(s, "errored 1 skipped 2");
}

static void
an_invalid_definition_lets_the_other_runs_end(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.concurrency = 2;
	submit(s);
	struct run *a = lease(s), *b = lease(s);
	finish_as(s, a, OUTCOME_ERRORED, "invalid_definition");
	assert_idle(s);
	finish(s, b, OUTCOME_FAILED);
	assert_job_is(s, JOB_INVALID, JOB_REASON_INVALID_DEFINITION);
}

/* ---- time ---- */

static void
a_job_does_not_start_before_its_time(void **state)
{
	struct scene *s = *state;

	s->spec.run_at_ms = SCENE_START_MS + 60000;
	submit(s);
	assert_idle(s);
	assert_int_equal(s->job->due_ms, SCENE_START_MS + 60000);
	later(s, 59999);
	assert_idle(s);
	later(s, 1);
	assert_true(s->job->ready);
	assert_int_equal(s->job->due_ms, 0);
	later(s, 40);
	(void)lease(s);
	assert_int_equal(s->job->queued_ms, 40);
}

static void
the_time_in_the_queue_is_kept(void **state)
{
	struct scene *s = *state;

	submit(s);
	later(s, 1234);
	struct run *run = lease(s);
	assert_int_equal(s->job->queued_ms, 1234);
	assert_int_equal(s->job->started_ms, SCENE_START_MS + 1234);
	assert_int_equal(run->leased_ms, SCENE_START_MS + 1234);
	later(s, 10);
	finish(s, run, OUTCOME_PASSED);
	assert_int_equal(s->job->completed_ms, SCENE_START_MS + 1244);
	assert_int_equal(run->duration_ms, 7);
}

/* ---- leases ---- */

static void
a_run_of_the_present_incarnation_is_left_alone(void **state)
{
	struct scene *s = *state;
	const char *reason;

	submit(s);
	struct run *run = lease(s);
	assert_int_equal(plan_directive(run, &reason), DIRECTIVE_NONE);
	assert_null(reason);
	assert_int_equal(run->fence, 1);
	assert_true(uuid_eq(&run->worker.u, &s->worker.id.u));
}

static void
a_job_goes_in_the_line_by_priority_and_age(void **state)
{
	struct scene *s = *state;

	int64_t plain = submit(s)->rank;
	s->spec.priority = 1;
	int64_t urgent = submit(s)->rank;
	s->spec.priority = 0;
	later(s, 1);
	int64_t younger = submit(s)->rank;
	assert_true(urgent > plain);
	assert_true(plain > younger);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(one_test_passes),
		STAGED(one_test_fails),
		STAGED(an_error_of_the_environment_is_not_a_failed_test),
		STAGED(a_failed_test_outweighs_an_error),
		STAGED(a_test_that_took_too_long_counts_as_a_failure),
		STAGED(a_result_without_a_start_says_both),
		STAGED(a_run_starts_once),
		STAGED(units_go_by_iteration_then_target_then_test),
		STAGED(no_more_runs_at_once_than_the_concurrency),
		STAGED(tests_of_different_kinds_stand_in_different_lanes),
		STAGED(a_retry_goes_back_to_the_lane_of_its_kind),
		STAGED(a_job_that_gets_no_lane_waits_and_does_no_harm),
		STAGED(an_error_is_retried_after_its_delay),
		STAGED(a_failure_is_retried_only_when_that_was_asked_for),
		STAGED(passed_in_a_later_attempt_is_passed_and_flaky),
		STAGED(other_units_go_on_while_a_retry_waits),
		STAGED(the_earliest_due_time_wakes_the_job),
		STAGED(not_more_retries_wait_than_their_limit),
		STAGED(failures_up_to_the_limit_are_ignored),
		STAGED(one_failure_over_the_limit_fails_the_job_at_its_end),
		STAGED(stop_on_first_failure_skips_the_rest),
		STAGED(the_first_failure_is_the_first_that_is_not_ignored),
		STAGED(runs_under_way_end_after_the_first_failure),
		STAGED(a_waiting_retry_does_not_start_after_the_first_failure),
		STAGED(an_endless_job_ends_on_failures),
		STAGED(a_million_iterations_cost_no_memory),
		STAGED(an_invalid_definition_ends_the_job_at_once),
		STAGED(an_invalid_definition_lets_the_other_runs_end),
		STAGED(a_job_does_not_start_before_its_time),
		STAGED(the_time_in_the_queue_is_kept),
		STAGED(a_run_of_the_present_incarnation_is_left_alone),
		STAGED(a_job_goes_in_the_line_by_priority_and_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

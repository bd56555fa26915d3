/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that vanish, leases that do not arrive, runs that come back. */
#include "base/limits.h"
#include "scene.h"

static void
a_lost_run_begins_again_under_the_next_number(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	submit(s);
	struct run *run = lease(s);
	(void)told(s);
	lose(s, run);
	assert_string_equal(told(s), "run.lost run.restarted");
	assert_int_equal(run->state, RUN_WAITING);
	assert_int_equal(s->job->running, 0);
	assert_int_equal(s->job->waiting, 1);
	/* At once, before what is new, and it is no further attempt. */
	assert_ptr_equal(lease_unit(s, "1.0.a#1"), run);
	assert_int_equal(run->fence, 2);
	assert_int_equal(run->losses, 1);
	finish(s, run, OUTCOME_PASSED);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2");
}

static void
the_third_loss_is_an_error(void **state)
{
	struct scene *s = *state;

	submit(s);
	for (int i = 1; i < RUN_LOSSES_MAX; i++)
		lose(s, lease(s));
	struct run *run = lease(s);
	(void)told(s);
	lose(s, run);
	assert_string_equal(told(s), "run.lost run.finished job.failed");
	assert_int_equal(run->outcome, OUTCOME_ERRORED);
	assert_string_equal(run->reason, "worker_lost");
	assert_non_null(strstr(run->error, "lost"));
	assert_job_is(s, JOB_FAILED, JOB_REASON_WORKER_LOST);
	assert_counts(s, "errored 1");
	assert_int_equal(lanes_queue(&s->lanes, s->job->queue)->running, 0);
}

static void
the_error_after_three_losses_may_be_retried(void **state)
{
	struct scene *s = *state;

	s->spec.retry =
		(struct retry_policy) { .max = 1, .factor = 1, .on = 1u << OUTCOME_ERRORED };
	submit(s);
	for (int i = 0; i < RUN_LOSSES_MAX; i++)
		lose(s, lease(s));
	struct run *second = lease_unit(s, "1.0.a#2");
	assert_int_equal(second->losses, 0);
	finish(s, second, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1 flaky 1");
}

/* The worker never had it: nobody was lost. */
static void
a_lease_that_did_not_arrive_is_no_loss(void **state)
{
	struct scene *s = *state;

	submit(s);
	for (int i = 0; i < RUN_LOSSES_MAX * 2; i++) {
		struct run *run = lease(s);
		(void)told(s);
		plan_lost(&s->uow, &s->lanes, run, false, NULL);
		assert_string_equal(told(s), "run.restarted");
		assert_int_equal(run->losses, 0);
	}
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

/* A worker that gives a run back, because it leaves, is as good as one that is lost. */
static void
cancelled_without_being_asked_is_a_loss(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	finish(s, run, OUTCOME_CANCELLED);
	assert_int_equal(run->state, RUN_WAITING);
	assert_int_equal(run->losses, 1);
	finish(s, lease_unit(s, "1.0.a#1"), OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1");
}

static void
a_loss_lets_a_pausing_job_pause(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_PAUSE);
	lose(s, run);
	assert_job_is(s, JOB_PAUSED, JOB_REASON_NONE);
	assert_idle(s);
	command(s, JOB_CMD_UNPAUSE);
	finish(s, lease_unit(s, "1.0.a#1"), OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
a_loss_lets_a_stopping_job_stop(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_STOP);
	lose(s, run);
	assert_int_equal(run->outcome, OUTCOME_CANCELLED);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "cancelled 1");
}

static void
a_loss_in_the_old_incarnation_lets_the_new_one_begin(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *old = lease(s);
	command(s, JOB_CMD_START);
	lose(s, old);
	assert_int_equal(old->state, RUN_FINISHED);
	struct run *run = lease(s);
	assert_ptr_not_equal(run, old);
	assert_int_equal(run->incarnation, 2);
	finish(s, run, OUTCOME_PASSED);
	assert_counts(s, "passed 1");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(a_lost_run_begins_again_under_the_next_number),
		STAGED(the_third_loss_is_an_error),
		STAGED(the_error_after_three_losses_may_be_retried),
		STAGED(a_lease_that_did_not_arrive_is_no_loss),
		STAGED(cancelled_without_being_asked_is_a_loss),
		STAGED(a_loss_lets_a_pausing_job_pause),
		STAGED(a_loss_lets_a_stopping_job_stop),
		STAGED(a_loss_in_the_old_incarnation_lets_the_new_one_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

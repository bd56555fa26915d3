/* SPDX-License-Identifier: Apache-2.0 */
/* What people may ask of a job, and its time limit. */
#include "base/limits.h"
#include "scene.h"

#define ON(outcome) (1u << (outcome))

/* ---- pause ---- */

static void
pause_waits_for_the_run_that_is_under_way(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.iterations = 2;
	submit(s);
	play(s, OUTCOME_PASSED);
	struct run *run = lease_unit(s, "1.0.b#1");
	(void)told(s);
	command(s, JOB_CMD_PAUSE);
	assert_job_is(s, JOB_PAUSING, JOB_REASON_NONE);
	assert_idle(s);
	assert_int_equal(s->uow.signals.n, 0);
	finish(s, run, OUTCOME_PASSED);
	assert_job_is(s, JOB_PAUSED, JOB_REASON_NONE);
	assert_string_equal(told(s), "job.pausing run.finished job.paused");
	assert_idle(s);
}

static void
unpause_goes_on_at_that_test_and_iteration(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 3;
	s->spec.iterations = 2;
	submit(s);
	for (int i = 0; i < 4; i++)
		play(s, OUTCOME_PASSED);
	command(s, JOB_CMD_PAUSE);
	assert_job_is(s, JOB_PAUSED, JOB_REASON_NONE);
	later(s, DAYS_MS(3));
	assert_idle(s);
	command(s, JOB_CMD_UNPAUSE);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	finish(s, lease_unit(s, "2.0.b#1"), OUTCOME_PASSED);
	finish(s, lease_unit(s, "2.0.c#1"), OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 6");
	assert_int_equal(s->job->incarnation, 1);
}

static void
a_job_that_has_not_started_is_paused_at_once_and_queues_again(void **state)
{
	struct scene *s = *state;

	submit(s);
	(void)told(s);
	command(s, JOB_CMD_PAUSE);
	assert_job_is(s, JOB_PAUSED, JOB_REASON_NONE);
	command(s, JOB_CMD_UNPAUSE);
	assert_job_is(s, JOB_QUEUED, JOB_REASON_NONE);
	assert_string_equal(told(s), "job.paused job.unpaused");
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
unpause_before_the_pause_took_hold(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_PAUSE);
	command(s, JOB_CMD_UNPAUSE);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	finish(s, run, OUTCOME_PASSED);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
a_job_that_ends_while_pausing_has_ended(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_PAUSE);
	finish(s, run, OUTCOME_FAILED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
}

static void
a_retry_that_became_due_in_the_pause_goes_first_after_it(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 1000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	command(s, JOB_CMD_PAUSE);
	assert_int_equal(s->job->due_ms, 0);
	later(s, 60000);
	assert_idle(s);
	command(s, JOB_CMD_UNPAUSE);
	finish(s, lease_unit(s, "1.0.a#2"), OUTCOME_PASSED);
	finish(s, lease_unit(s, "1.0.b#1"), OUTCOME_PASSED);
	assert_counts(s, "passed 2 flaky 1");
}

/* ---- stop and cancel ---- */

static void
stop_asks_the_worker_and_waits_for_it(void **state)
{
	struct scene *s = *state;
	const char *reason;

	s->spec.n_tests = 3;
	submit(s);
	play(s, OUTCOME_PASSED);
	struct run *run = lease(s);
	plan_started(&s->uow, run);
	(void)told(s);
	command(s, JOB_CMD_STOP);
	assert_job_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	assert_idle(s);
	assert_int_equal(s->uow.signals.n, 1);
	const struct signal *signal = &s->uow.signals.item[0];
	assert_int_equal(signal->kind, SIGNAL_STOP);
	assert_int_equal(signal->fence, run->fence);
	assert_true(uuid_eq(&signal->worker.u, &s->worker.id.u));
	assert_true(uuid_eq(&signal->run.u, &run->id.u));
	assert_int_equal(plan_directive(run, &reason), DIRECTIVE_STOP);
	assert_string_equal(reason, "stopped");
	finish(s, run, OUTCOME_CANCELLED);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_string_equal(told(s), "job.stopping run.finished job.stopped");
	assert_counts(s, "passed 1 cancelled 1");
}

static void
a_result_that_came_faster_than_the_stop_counts(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_STOP);
	finish(s, run, OUTCOME_FAILED);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "failed 1");
}

static void
nothing_is_retried_while_stopping(void **state)
{
	struct scene *s = *state;

	s->spec.retry =
		(struct retry_policy) { .max = 3, .factor = 1, .on = ON(OUTCOME_ERRORED) };
	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_STOP);
	finish(s, run, OUTCOME_ERRORED);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
}

static void
stop_ends_a_queued_job_and_a_paused_one_at_once(void **state)
{
	struct scene *s = *state;

	submit(s);
	command(s, JOB_CMD_STOP);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	submit(s);
	command(s, JOB_CMD_PAUSE);
	command(s, JOB_CMD_CANCEL);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
}

static void
stop_drops_what_waits_for_its_retry(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 1000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	(void)told(s);
	command(s, JOB_CMD_STOP);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_string_equal(told(s), "run.finished job.stopped");
	assert_counts(s, "cancelled 1");
}

static void
cancel_says_that_it_was_cancelled(void **state)
{
	struct scene *s = *state;
	const char *reason;

	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_CANCEL);
	assert_job_is(s, JOB_STOPPING, JOB_REASON_CANCELLED);
	assert_int_equal(plan_directive(run, &reason), DIRECTIVE_STOP);
	assert_string_equal(reason, "cancelled");
	finish(s, run, OUTCOME_CANCELLED);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
}

/* ---- start ---- */

static void
start_begins_again_as_a_new_incarnation(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	submit(s);
	later(s, 5);
	play(s, OUTCOME_FAILED);
	play(s, OUTCOME_PASSED);
	(void)told(s);
	later(s, 1000);
	command(s, JOB_CMD_START);
	assert_job_is(s, JOB_RESTARTING, JOB_REASON_NONE);
	assert_string_equal(told(s), "job.restarting");
	assert_int_equal(s->job->incarnation, 2);
	assert_counts(s, "");
	assert_int_equal(s->job->completed_ms, 0);

	assert_int_equal(s->uow.incarnations.n, 1);
	const struct incarnation *before = &s->uow.incarnations.item[0];
	assert_int_equal(before->number, 1);
	assert_int_equal(before->state, JOB_FAILED);
	assert_int_equal(before->reason, JOB_REASON_TESTS_FAILED);
	assert_int_equal(before->counts.failed, 1);
	assert_int_equal(before->started_ms, SCENE_START_MS + 5);
	assert_int_equal(before->completed_ms, SCENE_START_MS + 5);

	later(s, 30);
	struct run *run = lease_unit(s, "1.0.a#1");
	assert_int_equal(run->incarnation, 2);
	assert_int_equal(s->job->queued_ms, 30);
	finish(s, run, OUTCOME_PASSED);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2");
}

static void
start_waits_for_the_runs_of_the_old_incarnation(void **state)
{
	struct scene *s = *state;
	const char *reason;

	s->spec.n_tests = 3;
	s->spec.concurrency = 2;
	submit(s);
	struct run *a = lease(s), *b = lease(s);
	command(s, JOB_CMD_START);
	assert_job_is(s, JOB_RESTARTING, JOB_REASON_NONE);
	assert_int_equal(s->uow.signals.n, 2);
	assert_int_equal(plan_directive(a, &reason), DIRECTIVE_STOP);
	assert_string_equal(reason, "restarted");
	assert_idle(s);
	finish(s, a, OUTCOME_CANCELLED);
	assert_idle(s);
	finish(s, b, OUTCOME_FAILED);
	assert_counts(s, ""); /* it belonged to the old one */
	for (int i = 0; i < 3; i++)
		play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 3");
}

static void
start_drops_the_retries_of_the_old_incarnation(void **state)
{
	struct scene *s = *state;

	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 1000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	assert_int_equal(s->job->waiting, 1);
	command(s, JOB_CMD_START);
	assert_int_equal(s->job->waiting, 0);
	finish(s, lease_unit(s, "1.0.a#1"), OUTCOME_PASSED);
	assert_counts(s, "passed 1");
}

static void
a_restart_can_be_stopped_while_it_waits(void **state)
{
	struct scene *s = *state;

	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_START);
	command(s, JOB_CMD_STOP);
	assert_job_is(s, JOB_STOPPING, JOB_REASON_STOPPED);
	finish(s, run, OUTCOME_PASSED);
	assert_job_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_counts(s, "");
	assert_int_equal(s->job->incarnation, 2);
}

static void
every_final_state_can_start_again(void **state)
{
	struct scene *s = *state;

	submit(s);
	play(s, OUTCOME_PASSED);
	command(s, JOB_CMD_START);
	play(s, OUTCOME_FAILED);
	command(s, JOB_CMD_START);
	finish_as(s, lease(s), OUTCOME_ERRORED, "invalid_definition");
	command(s, JOB_CMD_START);
	command(s, JOB_CMD_STOP);
	command(s, JOB_CMD_START);
	play(s, OUTCOME_PASSED);
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_int_equal(s->job->incarnation, 5);
	static const enum job_state were[] = { JOB_COMPLETED, JOB_FAILED, JOB_INVALID,
		JOB_STOPPED };
	assert_int_equal(s->uow.incarnations.n, ARRAY_LEN(were));
	for (size_t i = 0; i < ARRAY_LEN(were); i++)
		assert_int_equal(s->uow.incarnations.item[i].state, were[i]);
}

/* ---- delete ---- */

static void
delete_tells_the_workers_that_their_runs_are_nobodys(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->spec.concurrency = 2;
	submit(s);
	(void)lease(s);
	struct run *run = lease(s);
	(void)told(s);
	command(s, JOB_CMD_DELETE);
	assert_int_equal(s->job->change, ROW_DELETED);
	assert_idle(s);
	assert_string_equal(told(s), "job.deleted");
	assert_int_equal(s->uow.signals.n, 2);
	assert_int_equal(s->uow.signals.item[1].kind, SIGNAL_DROP);
	assert_true(uuid_eq(&s->uow.signals.item[1].run.u, &run->id.u));
	assert_int_equal(lanes_queue(&s->lanes, s->job->queue)->running, 0);
}

/* ---- refusals ---- */

static void
a_refusal_names_the_state_and_what_it_allows(void **state)
{
	struct scene *s = *state;
	struct err err;

	submit(s);
	play(s, OUTCOME_PASSED);
	(void)told(s);
	assert_int_equal(plan_command(&s->uow, &s->lanes, s->job, JOB_CMD_PAUSE, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_string_equal(
		err.text, "cannot pause a job that is completed; it allows: start, delete");
	assert_string_equal(told(s), "");
	assert_job_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

/* ---- the time limit of the job ---- */

static void
the_time_limit_begins_with_the_first_lease(void **state)
{
	struct scene *s = *state;

	s->spec.timeout_ms = 10000;
	submit(s);
	later(s, 60000);
	assert_job_is(s, JOB_QUEUED, JOB_REASON_NONE);
	struct run *run = lease(s);
	assert_int_equal(s->job->due_ms, SCENE_START_MS + 70000);
	later(s, 9999);
	assert_job_is(s, JOB_STARTING, JOB_REASON_NONE);
	later(s, 1);
	assert_job_is(s, JOB_STOPPING, JOB_REASON_TIMEOUT);
	assert_int_equal(s->uow.signals.n, 1);
	assert_string_equal(s->uow.signals.item[0].reason, "timeout");
	finish(s, run, OUTCOME_CANCELLED);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
}

static void
the_time_limit_ends_a_job_between_two_attempts(void **state)
{
	struct scene *s = *state;

	s->spec.timeout_ms = 1000;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 5000, .factor = 1, .on = ON(OUTCOME_FAILED)
	};
	submit(s);
	play(s, OUTCOME_FAILED);
	assert_int_equal(s->job->due_ms, SCENE_START_MS + 1000);
	later(s, 1000);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
	assert_counts(s, "cancelled 1");
}

static void
paused_time_does_not_count(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->spec.timeout_ms = 10000;
	submit(s);
	play(s, OUTCOME_PASSED);
	later(s, 4000);
	command(s, JOB_CMD_PAUSE);
	assert_int_equal(s->job->due_ms, 0);
	later(s, HOURS_MS(5));
	assert_job_is(s, JOB_PAUSED, JOB_REASON_NONE);
	command(s, JOB_CMD_UNPAUSE);
	later(s, 5999);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	later(s, 1);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
}

/* The same when the pause had to wait for a run. */
static void
time_counts_until_the_pause_has_taken_hold(void **state)
{
	struct scene *s = *state;

	s->spec.n_tests = 2;
	s->spec.timeout_ms = 10000;
	submit(s);
	struct run *run = lease(s);
	command(s, JOB_CMD_PAUSE);
	later(s, 7000);
	finish(s, run, OUTCOME_PASSED);
	assert_job_is(s, JOB_PAUSED, JOB_REASON_NONE);
	later(s, HOURS_MS(5));
	command(s, JOB_CMD_UNPAUSE);
	later(s, 2999);
	assert_job_is(s, JOB_RUNNING, JOB_REASON_NONE);
	later(s, 1);
	assert_job_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
}

static void
a_run_that_never_ends_does_not_outlive_the_limit_by_pausing(void **state)
{
	struct scene *s = *state;

	s->spec.timeout_ms = 10000;
	submit(s);
	(void)lease(s);
	command(s, JOB_CMD_PAUSE);
	later(s, 10000);
	assert_job_is(s, JOB_STOPPING, JOB_REASON_TIMEOUT);
}

static void
a_new_incarnation_has_the_whole_time_again(void **state)
{
	struct scene *s = *state;

	s->spec.timeout_ms = 10000;
	submit(s);
	struct run *run = lease(s);
	later(s, 10000);
	finish(s, run, OUTCOME_CANCELLED);
	command(s, JOB_CMD_START);
	later(s, 5000);
	(void)lease(s);
	later(s, 9999);
	assert_job_is(s, JOB_STARTING, JOB_REASON_NONE);
	later(s, 1);
	assert_job_is(s, JOB_STOPPING, JOB_REASON_TIMEOUT);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(pause_waits_for_the_run_that_is_under_way),
		STAGED(unpause_goes_on_at_that_test_and_iteration),
		STAGED(a_job_that_has_not_started_is_paused_at_once_and_queues_again),
		STAGED(unpause_before_the_pause_took_hold),
		STAGED(a_job_that_ends_while_pausing_has_ended),
		STAGED(a_retry_that_became_due_in_the_pause_goes_first_after_it),
		STAGED(stop_asks_the_worker_and_waits_for_it),
		STAGED(a_result_that_came_faster_than_the_stop_counts),
		STAGED(nothing_is_retried_while_stopping),
		STAGED(stop_ends_a_queued_job_and_a_paused_one_at_once),
		STAGED(stop_drops_what_waits_for_its_retry),
		STAGED(cancel_says_that_it_was_cancelled),
		STAGED(start_begins_again_as_a_new_incarnation),
		STAGED(start_waits_for_the_runs_of_the_old_incarnation),
		STAGED(start_drops_the_retries_of_the_old_incarnation),
		STAGED(a_restart_can_be_stopped_while_it_waits),
		STAGED(every_final_state_can_start_again),
		STAGED(delete_tells_the_workers_that_their_runs_are_nobodys),
		STAGED(a_refusal_names_the_state_and_what_it_allows),
		STAGED(the_time_limit_begins_with_the_first_lease),
		STAGED(the_time_limit_ends_a_job_between_two_attempts),
		STAGED(paused_time_does_not_count),
		STAGED(time_counts_until_the_pause_has_taken_hold),
		STAGED(a_run_that_never_ends_does_not_outlive_the_limit_by_pausing),
		STAGED(a_new_incarnation_has_the_whole_time_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

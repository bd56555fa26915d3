/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks at a run reaches its worker; a run whose browser died begins again. */
#include "base/limits.h"
#include "stage.h"

static void
watch(struct stage *s, struct run_id run, bool is_on)
{
	struct intent *intent = intent_new(INTENT_RUN_WATCH, 1, MIB(1));

	intent->in.watch = (struct run_watch) { .run = run, .is_on = is_on };
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
}

/* The poll was answered with `watch` for that run and nothing else. */
static void
assert_watch(struct stage *s, struct intent *poll, const struct run_ref *run)
{
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 1);
	const struct poll_directive *directive = &poll->out.poll.directives[0];
	assert_int_equal(directive->what, POLL_DO_WATCH);
	assert_int_equal(directive->fence, run->fence);
	assert_true(uuid_eq(&directive->run.u, &run->run.u));
}

/* A worker with one run and room for more, so that its polls are parked. */
static struct hand
busy_hand(struct stage *s)
{
	struct hand worker = hand(s);

	(void)create(s);
	worker.capacity = 2;
	(void)ask(s, &worker);
	assert_int_equal(worker.n_holds, 1);
	return worker;
}

static void
a_look_wakes_the_worker_that_waits(void **state)
{
	struct stage *s = *state;
	struct hand worker = busy_hand(s);
	struct intent *poll = ask(s, &worker);

	assert_false(is_answered(s, poll));
	watch(s, worker.holds[0].run, true);
	assert_watch(s, poll, &worker.holds[0]);
	worker.holds[0].watching = true;
	assert_false(is_answered(s, ask(s, &worker)));
}

/* One that cannot, or whose answer got lost, is told again, but not in a circle. */
static void
a_worker_that_does_not_watch_is_told_once_in_a_lease(void **state)
{
	struct stage *s = *state;
	struct hand worker = busy_hand(s);

	watch(s, worker.holds[0].run, true);
	assert_watch(s, ask(s, &worker), &worker.holds[0]);
	for (int64_t ms = 0; ms < STAGE_LEASE_MS; ms += STAGE_LEASE_MS / 2) {
		assert_false(is_answered(s, ask(s, &worker)));
		later(s, STAGE_LEASE_MS / 2);
	}
	assert_watch(s, ask(s, &worker), &worker.holds[0]);
}

static void
who_comes_after_the_last_one_left_is_news(void **state)
{
	struct stage *s = *state;
	struct hand worker = busy_hand(s);

	watch(s, worker.holds[0].run, true);
	assert_watch(s, ask(s, &worker), &worker.holds[0]);
	worker.holds[0].watching = true; /* it has not heard that nobody looks */
	watch(s, worker.holds[0].run, false);
	struct intent *poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	watch(s, worker.holds[0].run, true);
	assert_watch(s, poll, &worker.holds[0]);
}

static void
a_look_at_what_has_no_worker_waits(void **state)
{
	struct stage *s = *state;
	struct hand worker = busy_hand(s), other = hand(s);
	struct run_ref old = worker.holds[0];

	watch(s, old.run, true);
	worker.n_holds = 0; /* its lease never arrived: the run goes to the next */
	worker.capacity = 0;
	(void)ask(s, &worker);
	other.capacity = 2;
	(void)ask(s, &other);
	assert_int_equal(other.n_holds, 1);
	assert_true(uuid_eq(&other.holds[0].run.u, &old.run.u));
	assert_watch(s, ask(s, &other), &other.holds[0]);
	watch(s, old.run, false);
	watch(s, old.run, false); /* said twice: nothing happens */
}

/* ---- lost browsers ---- */

static void
lose(struct stage *s, struct hand *worker, const struct run_ref *run, const char *reason)
{
	struct intent *poll = new_poll(worker, false);

	poll_add_result(poll, run, OUTCOME_ERRORED);
	struct poll_result *result = (struct poll_result *)&poll->in.poll.results[0];
	result->is_lost = true;
	result->result.reason = reason;
	TURN(s, poll);
	assert_int_equal(poll->status, INTENT_OK);
}

static void
a_lost_run_begins_again_and_is_no_attempt(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct run_ref run = worker.holds[0];
	lose(s, &worker, &run, "browser_disconnected");
	assert_int_equal(look(s, job)->running, 0);
	(void)told(s, job);
	lose(s, &worker, &run, "browser_disconnected"); /* again: the answer was lost */
	assert_string_equal(told(s, job), "");
	worker.n_holds = 0;
	(void)ask(s, &worker);
	assert_true(uuid_eq(&worker.holds[0].run.u, &run.run.u));
	assert_true(worker.holds[0].fence > run.fence);
	assert_int_equal(look_run(s, run.run)->losses, 1);
	assert_int_equal(look_run(s, run.run)->attempt, 1);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_state(s, job, JOB_COMPLETED);
	assert_int_equal(look(s, job)->counts.passed, 1);
}

static void
a_run_that_is_lost_too_often_is_errored(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);
	struct run_id run = { 0 };

	for (int i = 0; i < RUN_LOSSES_MAX; i++) {
		worker.n_holds = 0;
		(void)ask(s, &worker);
		run = worker.holds[0].run;
		lose(s, &worker, &worker.holds[0], NULL);
	}
	assert_state(s, job, JOB_FAILED);
	assert_int_equal(look_run(s, run)->outcome, OUTCOME_ERRORED);
	assert_string_equal(look_run(s, run)->reason, "browser_disconnected");
	assert_int_equal(look(s, job)->counts.errored, 1);
}

/* Whoever cancels does not get the run begun again. */
static void
a_lost_run_of_a_job_that_is_cancelled_ends(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	command(s, job, JOB_CMD_CANCEL);
	lose(s, &worker, &worker.holds[0], "browser_disconnected");
	assert_state(s, job, JOB_STOPPED);
	assert_int_equal(look_run(s, worker.holds[0].run)->outcome, OUTCOME_CANCELLED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(a_look_wakes_the_worker_that_waits),
		STAGED(a_worker_that_does_not_watch_is_told_once_in_a_lease),
		STAGED(who_comes_after_the_last_one_left_is_news),
		STAGED(a_look_at_what_has_no_worker_waits),
		STAGED(a_lost_run_begins_again_and_is_no_attempt),
		STAGED(a_run_that_is_lost_too_often_is_errored),
		STAGED(a_lost_run_of_a_job_that_is_cancelled_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker's poll means: docs/protocol/worker.md. */
#include "base/limits.h"
#include "stage.h"

/* ---- leases ---- */

static void
a_lease_carries_what_the_worker_needs(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.targets = "left,right";
	s->spec.n_targets = 2;
	s->spec.options = STR("{\"params\":{}}");
	s->spec.run_timeout_ms = 9000;
	struct job_id job = create(s);
	for (int i = 0; i < 2; i++) {
		struct intent *poll = ask(s, &worker);
		assert_leased(s, poll, job);
		const struct lease *lease = &poll->out.poll.leases[0];
		assert_string_equal(lease->job_name, "job");
		assert_string_equal(lease->target, i == 0 ? "left" : "right");
		assert_true(str_eqz(lease->test, "{\"argv\":[\"true\"]}"));
		assert_true(str_eqz(lease->options, "{\"params\":{}}"));
		assert_int_equal(lease->timeout_ms, 9000);
		assert_int_equal(lease->fence, 1);
		assert_int_equal(lease->attempt, 1);
		assert_int_equal(lease->iteration, 1);
		assert_int_equal(lease->incarnation, 1);
		assert_int_equal(poll->out.poll.lease_ms, STAGE_LEASE_MS);
		(void)give(s, &worker, 0, OUTCOME_PASSED);
	}
	assert_state(s, job, JOB_COMPLETED);
}

static void
a_tests_own_time_limit_goes_before_the_jobs(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.run_timeout_ms = 9000;
	s->test.timeout_ms = 70;
	(void)create(s);
	assert_int_equal(ask(s, &worker)->out.poll.leases[0].timeout_ms, 70);
}

/* The job is made and leased by one commit. */
static void
a_job_is_leased_in_the_turn_that_makes_it(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.options = STR("{\"a\":1}");
	struct intent *poll = new_poll(&worker, true), *make = new_create(s);
	TURN(s, poll, make);
	assert_leased(s, poll, make->out.jobs[0].id);
	assert_true(str_eqz(poll->out.poll.leases[0].test, "{\"argv\":[\"true\"]}"));
	assert_true(str_eqz(poll->out.poll.leases[0].options, "{\"a\":1}"));
}

static void
a_parked_poll_is_answered_in_the_turn_that_makes_work(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct intent *poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	struct job_id job = create(s);
	assert_leased(s, poll, job);
}

static void
a_parked_poll_is_answered_when_its_time_is_over(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.wait_ms = 7000;
	struct intent *poll = ask(s, &worker);
	later(s, 6999);
	assert_false(is_answered(s, poll));
	later(s, 1);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_leases, 0);
}

static void
a_poll_waits_no_longer_than_the_server_likes(void **state)
{
	struct stage *s = *state;
	struct hand idle = hand(s), busy = hand(s);

	idle.wait_ms = busy.wait_ms = HOURS_MS(1);
	(void)create(s);
	(void)ask(s, &busy);
	struct intent *of_idle = ask(s, &idle), *of_busy = ask(s, &busy);
	later(s, STAGE_LEASE_MS / 3);
	assert_true(is_answered(s, of_busy));
	assert_false(is_answered(s, of_idle));
	later(s, POLL_PARK_MS_MAX - STAGE_LEASE_MS / 3);
	assert_true(is_answered(s, of_idle));
}

static void
a_poll_that_claims_nothing_is_answered_at_once(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	(void)create(s);
	struct intent *poll = new_poll(&worker, false);
	TURN(s, poll);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_leases, 0);
}

static void
the_newest_claiming_poll_takes_the_place_of_the_older(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct intent *old = ask(s, &worker), *new = ask(s, &worker);
	assert_true(is_answered(s, old));
	assert_true(old->out.poll.superseded);
	assert_false(is_answered(s, new));
	struct job_id job = create(s);
	assert_leased(s, new, job);
	assert_int_equal(old->out.poll.n_leases, 0);
}

static void
of_two_claiming_polls_in_one_turn_the_later_one_claims(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 2;
	struct job_id job = create(s);
	struct intent *old = new_poll(&worker, true), *new = new_poll(&worker, true);
	TURN(s, old, new);
	assert_true(is_answered(s, old));
	assert_true(old->out.poll.superseded);
	assert_int_equal(old->out.poll.n_leases, 0);
	assert_leased(s, new, job);
}

static struct intent *
new_cancel(const struct hand *hand, void *user)
{
	struct intent *intent = intent_new(INTENT_POLL_CANCEL, 1, MIB(1));

	intent->in.cancel = (struct poll_cancel) { .worker = hand->id, .user = user };
	return intent;
}

static void
a_poll_whose_connection_broke_gets_no_lease(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	int connection, other;

	struct intent *poll = new_poll(&worker, true);
	poll->user = &connection;
	TURN(s, poll);
	TURN(s, new_cancel(&worker, &other));
	assert_false(is_answered(s, poll));
	TURN(s, new_cancel(&worker, &connection));
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->err.code, ERR_UNAVAILABLE);
	struct job_id job = create(s);
	assert_state(s, job, JOB_QUEUED);
}

static void
a_connection_that_broke_in_the_turn_of_its_poll(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	int connection;

	struct job_id job = create(s);
	struct intent *poll = new_poll(&worker, true);
	poll->user = &connection;
	TURN(s, poll, new_cancel(&worker, &connection));
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->err.code, ERR_UNAVAILABLE);
	assert_state(s, job, JOB_QUEUED);
}

/* ---- what arrived and what did not ---- */

static void
a_lease_that_never_arrived_goes_back_at_once(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct run_ref lost = worker.holds[0];
	worker.n_holds = 0; /* the answer was lost on its way */
	struct intent *poll = ask(s, &worker);
	assert_leased(s, poll, job);
	assert_true(uuid_eq(&poll->out.poll.leases[0].run.u, &lost.run.u));
	assert_int_equal(poll->out.poll.leases[0].fence, lost.fence + 1);
	assert_string_equal(
		told(s, job), "job.queued job.starting run.leased run.restarted run.leased");
}

static void
a_lease_that_is_reported_in_the_same_poll_is_not_lost(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct run_ref held = worker.holds[0];
	worker.n_holds = 0;
	struct intent *poll = new_poll(&worker, true);
	poll_add_result(poll, &held, OUTCOME_PASSED);
	TURN(s, poll);
	assert_state(s, job, JOB_COMPLETED);
	assert_int_equal(look_run(s, held.run)->losses, 0);
}

static void
a_side_poll_says_nothing_about_what_is_held(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	TURN(s, new_poll(&worker, false));
	assert_int_equal(look(s, job)->running, 1);
}

/* ---- silence ---- */

static void
a_silent_worker_is_lost_when_its_lease_ends(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s), other = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	(void)told(s, job);
	struct intent *poll = ask(s, &other);
	later(s, STAGE_LEASE_MS - 1);
	assert_false(is_answered(s, poll));
	later(s, 1);
	assert_leased(s, poll, job);
	assert_int_equal(poll->out.poll.leases[0].fence, 2);
	assert_string_equal(told(s, job), "run.lost run.restarted run.leased");
	assert_true(uuid_eq(&look_run(s, worker.holds[0].run)->worker.u, &other.id.u));
}

static void
a_worker_that_is_heard_of_keeps_its_runs(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	for (int i = 0; i < 30; i++) {
		later(s, STAGE_LEASE_MS - 1);
		TURN(s, new_poll(&worker, false));
	}
	assert_int_equal(look(s, job)->running, 1);
	assert_int_equal(look_run(s, worker.holds[0].run)->fence, 1);
}

static void
a_worker_that_comes_back_after_its_loss_has_nothing(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct run_ref old = worker.holds[0];
	later(s, STAGE_LEASE_MS);
	worker.capacity = 2;
	struct intent *poll = ask(s, &worker);
	assert_leased(s, poll, job);
	assert_int_equal(poll->out.poll.n_directives, 1);
	assert_int_equal(poll->out.poll.directives[0].what, POLL_DO_DROP);
	assert_int_equal(poll->out.poll.directives[0].fence, old.fence);
	assert_int_equal(poll->out.poll.leases[0].fence, old.fence + 1);
}

static void
a_worker_that_is_said_to_be_gone_is_lost_at_once(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct intent *gone = intent_new(INTENT_WORKER_GONE, 1, MIB(1));
	gone->in.worker = worker.id;
	TURN(s, gone);
	assert_int_equal(gone->status, INTENT_OK);
	assert_int_equal(look(s, job)->running, 0);
	gone = intent_new(INTENT_WORKER_GONE, 1, MIB(1));
	gone->in.worker = worker.id;
	TURN(s, gone);
	assert_int_equal(gone->err.code, ERR_NOT_FOUND);
}

/* Whatever the order in a turn, every poll gets exactly one answer. */
static void
polls_of_a_worker_that_goes_in_the_same_turn_are_answered(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct intent *a = new_poll(&worker, true), *b = new_poll(&worker, true),
		      *c = new_poll(&worker, true),
		      *gone = intent_new(INTENT_WORKER_GONE, 1, MIB(1));

	gone->in.worker = worker.id;
	TURN(s, a, b, gone, c);
	assert_true(is_answered(s, a));
	assert_true(a->out.poll.superseded);
	assert_true(is_answered(s, b));
	assert_int_equal(b->err.code, ERR_UNAVAILABLE);
	assert_true(is_answered(s, gone));
	assert_false(is_answered(s, c));
	struct job_id job = create(s);
	assert_leased(s, c, job);
}

/* ---- fencing ---- */

static void
a_result_under_an_old_number_changes_nothing_and_is_kept(void **state)
{
	struct stage *s = *state;
	struct hand slow = hand(s), other = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &slow);
	later(s, STAGE_LEASE_MS);
	(void)ask(s, &other);
	(void)told(s, job);
	(void)give(s, &slow, 0, OUTCOME_FAILED);
	assert_string_equal(told(s, job), "run.stale_result");
	assert_state(s, job, JOB_STARTING);
	(void)give(s, &other, 0, OUTCOME_PASSED);
	assert_state(s, job, JOB_COMPLETED);
	assert_int_equal(look(s, job)->counts.passed, 1);
	assert_int_equal(look(s, job)->counts.failed, 0);
}

static void
a_late_result_after_the_end_is_kept_too(void **state)
{
	struct stage *s = *state;
	struct hand slow = hand(s), other = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &slow);
	later(s, STAGE_LEASE_MS);
	(void)ask(s, &other);
	(void)give(s, &other, 0, OUTCOME_PASSED);
	(void)told(s, job);
	(void)give(s, &slow, 0, OUTCOME_FAILED);
	assert_string_equal(told(s, job), "run.stale_result");
	assert_state(s, job, JOB_COMPLETED);
}

static void
a_result_of_another_worker_changes_nothing(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s), liar = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct intent *poll = new_poll(&liar, false);
	poll_add_result(poll, &worker.holds[0], OUTCOME_PASSED);
	TURN(s, poll);
	assert_state(s, job, JOB_STARTING);
	assert_int_equal(look(s, job)->running, 1);
}

static void
a_repeated_result_is_counted_once(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.iterations = 2;
	struct job_id job = create(s);
	(void)ask(s, &worker);
	struct run_ref run = worker.holds[0];
	struct intent *a = new_poll(&worker, false), *b = new_poll(&worker, false);
	poll_add_result(a, &run, OUTCOME_PASSED);
	poll_add_result(b, &run, OUTCOME_PASSED);
	TURN(s, a, b);
	(void)told(s, job);
	struct intent *c = new_poll(&worker, false);
	poll_add_result(c, &run, OUTCOME_FAILED);
	TURN(s, c);
	assert_string_equal(told(s, job), "");
	assert_int_equal(look(s, job)->counts.passed, 1);
	assert_int_equal(look(s, job)->counts.failed, 0);
	assert_int_equal(look(s, job)->running, 0);
}

static void
a_result_of_nothing_we_know_is_ignored(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct run_ref run = { .fence = 3 };

	memset(&run.run, 9, sizeof run.run);
	struct intent *poll = new_poll(&worker, false);
	poll_add_result(poll, &run, OUTCOME_PASSED);
	poll_add_event(poll, &run, 1, EV_RUN_LOG, "{}");
	TURN(s, poll);
	assert_int_equal(poll->status, INTENT_OK);
}

/* ---- events ---- */

static void
events_are_taken_once_and_in_order(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	(void)told(s, job);
	for (int i = 0; i < 2; i++) {
		struct intent *poll = new_poll(&worker, false);
		poll_add_event(poll, &worker.holds[0], 1, EV_RUN_STARTED, "{}");
		poll_add_event(poll, &worker.holds[0], 2, EV_RUN_LOG, "{\"text\":\"a\"}");
		poll_add_event(poll, &worker.holds[0], 2, EV_RUN_LOG, "{\"text\":\"b\"}");
		TURN(s, poll);
	}
	assert_string_equal(told(s, job), "job.started run.started run.log");
	assert_state(s, job, JOB_RUNNING);
}

static void
events_of_a_new_lease_count_from_one_again(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct run_ref old = worker.holds[0];
	struct intent *poll = new_poll(&worker, false);
	poll_add_event(poll, &old, 1, EV_RUN_STARTED, "{}");
	poll_add_event(poll, &old, 2, EV_RUN_LOG, "{}");
	TURN(s, poll);
	worker.n_holds = 0;
	(void)ask(s, &worker);
	(void)told(s, job);
	poll = new_poll(&worker, false);
	poll_add_event(poll, &old, 3, EV_RUN_WARNING, "{}");
	poll_add_event(poll, &worker.holds[0], 1, EV_RUN_LOG, "{}");
	TURN(s, poll);
	assert_string_equal(told(s, job), "run.log");
}

static void
events_after_the_limit_are_dropped(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	(void)told(s, job);
	struct intent *poll = new_poll(&worker, false);
	poll_add_event(poll, &worker.holds[0], RUN_EVENTS_MAX, EV_RUN_LOG, "{}");
	poll_add_event(poll, &worker.holds[0], RUN_EVENTS_MAX + 1, EV_RUN_LOG, "{}");
	TURN(s, poll);
	assert_string_equal(told(s, job), "run.log");
}

/* ---- directives ---- */

static void
a_stop_reaches_the_worker_that_waits(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	worker.capacity = 2;
	(void)ask(s, &worker);
	struct intent *poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	command(s, job, JOB_CMD_CANCEL);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 1);
	const struct poll_directive *directive = &poll->out.poll.directives[0];
	assert_int_equal(directive->what, POLL_DO_STOP);
	assert_int_equal(directive->fence, worker.holds[0].fence);
	assert_true(uuid_eq(&directive->run.u, &worker.holds[0].run.u));
	assert_string_equal(directive->reason, "cancelled");
	/* It is said until the worker says that it knows. */
	poll = ask(s, &worker);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 1);
	worker.holds[0].stopping = true;
	poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	(void)give(s, &worker, 0, OUTCOME_CANCELLED);
	assert_state(s, job, JOB_STOPPED);
}

static void
a_run_of_a_deleted_job_is_dropped(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct intent *poll = ask(s, &worker);
	command(s, job, JOB_CMD_DELETE);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 1);
	assert_int_equal(poll->out.poll.directives[0].what, POLL_DO_DROP);
	worker.n_holds = 0;
	struct job_id next = create(s);
	assert_leased(s, ask(s, &worker), next);
}

static void
a_result_of_a_deleted_job_is_nothing(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	struct intent *poll = new_poll(&worker, false);
	poll_add_result(poll, &worker.holds[0], OUTCOME_PASSED);
	TURN(s, new_command(job, JOB_CMD_DELETE), poll);
	assert_null(look(s, job));
	assert_int_equal(poll->status, INTENT_OK);
}

static void
drain(struct stage *s, const struct hand *worker)
{
	struct intent *intent = intent_new(INTENT_WORKER_DRAIN, 1, MIB(1));

	intent->in.worker = worker->id;
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
}

static void
a_draining_worker_gets_no_more_runs(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct intent *poll = ask(s, &worker);
	drain(s, &worker);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 1);
	assert_int_equal(poll->out.poll.directives[0].what, POLL_DO_DRAIN);
	struct job_id job = create(s);
	poll = ask(s, &worker);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_leases, 0);
	assert_state(s, job, JOB_QUEUED);
	/* It is said until the worker says that it knows, and then its polls wait like others.
	 */
	worker.capacity = 0;
	poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	later(s, POLL_PARK_MS_MAX);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 0);
}

static enum worker_state
stored_state(struct stage *s, const struct hand *worker)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	struct worker_row *rows;
	size_t n;
	struct err err;

	assert_int_equal(store_reader_open(&reader, s->store, &err), 0);
	assert_int_equal(read_workers(reader, 1, true, &s->arena, &rows, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		if (uuid_eq(&rows[i].id.u, &worker->id.u))
			return rows[i].state;
	}
	fail_msg("the worker is not stored");
	return WORKER_STATE_COUNT;
}

static void
a_drained_worker_that_leaves_is_not_lost(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s), other = hand(s);

	(void)ask(s, &worker);
	(void)ask(s, &other);
	assert_int_equal(stored_state(s, &worker), WORKER_ONLINE);
	drain(s, &worker);
	assert_int_equal(stored_state(s, &worker), WORKER_DRAINING);
	later(s, POLL_PARK_MS_MAX + STAGE_LEASE_MS);
	assert_int_equal(stored_state(s, &worker), WORKER_GONE);
	assert_int_equal(stored_state(s, &other), WORKER_LOST);
}

/* ---- artifacts ---- */

static struct intent *
new_artifact(const struct run_ref *run)
{
	struct intent *intent = intent_new(INTENT_ARTIFACT_ADD, 1, MIB(1));

	intent->in.artifact = (struct artifact_add) {
		.run = run->run,
		.fence = run->fence,
		.artifact = { .name = "trace.zip",
			.kind = "trace",
			.content_type = "application/zip",
			.blob = "00",
			.size = 5 },
	};
	return intent;
}

static void
an_artifact_needs_the_lease(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	(void)told(s, job);
	struct run_ref run = worker.holds[0], old = run;
	old.fence--;
	struct intent *good = new_artifact(&run), *stale = new_artifact(&old);
	TURN(s, good, stale);
	assert_int_equal(good->status, INTENT_OK);
	assert_int_equal(stale->err.code, ERR_CONFLICT);
	assert_int_equal(stale->conflict, CONFLICT_FENCE);
	assert_string_equal(told(s, job), "run.artifact");
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	struct intent *late = new_artifact(&run);
	TURN(s, late);
	assert_int_equal(late->conflict, CONFLICT_FENCE);
	memset(&run.run, 9, sizeof run.run);
	late = new_artifact(&run);
	TURN(s, late);
	assert_int_equal(late->err.code, ERR_NOT_FOUND);
}

static void
a_worker_that_says_goodbye_is_gone_at_once(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s), other = hand(s);

	(void)create(s);
	(void)ask(s, &worker);
	assert_int_equal(worker.n_holds, 1);
	struct run_ref left = worker.holds[0];
	worker.n_holds = 0;
	worker.capacity = 0;
	worker.wait_ms = 0;
	struct intent *last = ask(s, &worker);
	assert_true(is_answered(s, last));
	assert_int_equal(last->status, INTENT_OK);
	assert_int_equal(stored_state(s, &worker), WORKER_GONE);
	/* What it left behind goes to somebody else without waiting for a lease to end. */
	(void)ask(s, &other);
	assert_int_equal(other.n_holds, 1);
	assert_true(uuid_eq(&other.holds[0].run.u, &left.run.u));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(a_lease_carries_what_the_worker_needs),
		STAGED(a_tests_own_time_limit_goes_before_the_jobs),
		STAGED(a_job_is_leased_in_the_turn_that_makes_it),
		STAGED(a_parked_poll_is_answered_in_the_turn_that_makes_work),
		STAGED(a_parked_poll_is_answered_when_its_time_is_over),
		STAGED(a_poll_waits_no_longer_than_the_server_likes),
		STAGED(a_poll_that_claims_nothing_is_answered_at_once),
		STAGED(the_newest_claiming_poll_takes_the_place_of_the_older),
		STAGED(of_two_claiming_polls_in_one_turn_the_later_one_claims),
		STAGED(a_poll_whose_connection_broke_gets_no_lease),
		STAGED(a_connection_that_broke_in_the_turn_of_its_poll),
		STAGED(a_lease_that_never_arrived_goes_back_at_once),
		STAGED(a_lease_that_is_reported_in_the_same_poll_is_not_lost),
		STAGED(a_side_poll_says_nothing_about_what_is_held),
		STAGED(a_silent_worker_is_lost_when_its_lease_ends),
		STAGED(a_worker_that_is_heard_of_keeps_its_runs),
		STAGED(a_worker_that_comes_back_after_its_loss_has_nothing),
		STAGED(a_worker_that_is_said_to_be_gone_is_lost_at_once),
		STAGED(polls_of_a_worker_that_goes_in_the_same_turn_are_answered),
		STAGED(a_result_under_an_old_number_changes_nothing_and_is_kept),
		STAGED(a_late_result_after_the_end_is_kept_too),
		STAGED(a_result_of_another_worker_changes_nothing),
		STAGED(a_repeated_result_is_counted_once),
		STAGED(a_result_of_nothing_we_know_is_ignored),
		STAGED(events_are_taken_once_and_in_order),
		STAGED(events_of_a_new_lease_count_from_one_again),
		STAGED(events_after_the_limit_are_dropped),
		STAGED(a_stop_reaches_the_worker_that_waits),
		STAGED(a_run_of_a_deleted_job_is_dropped),
		STAGED(a_result_of_a_deleted_job_is_nothing),
		STAGED(a_draining_worker_gets_no_more_runs),
		STAGED(a_drained_worker_that_leaves_is_not_lost),
		STAGED(a_worker_that_says_goodbye_is_gone_at_once),
		STAGED(an_artifact_needs_the_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

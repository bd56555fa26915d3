/* SPDX-License-Identifier: Apache-2.0 */
/* A store that fails: everybody hears it, nothing is acknowledged any more, nothing is lost. */
#include "base/limits.h"
#include "stage.h"

static void
assert_unavailable(const struct stage *s, const struct intent *intent)
{
	assert_true(is_answered(s, intent));
	assert_int_equal(intent->status, INTENT_IS_ERROR);
	assert_int_equal(intent->err.code, ERR_UNAVAILABLE);
}

static void
everybody_hears_of_the_failure(struct stage *s, enum store_fault fault)
{
	struct hand parked = hand(s), superseded = hand(s), asking = hand(s);

	stage_restart_faulty(s);
	struct intent *waiting = ask(s, &parked), *old = ask(s, &superseded);
	store_faulty_next(s->store, fault);
	struct intent *all[] = { new_create(s), new_poll(&asking, true), new_create(s),
		new_poll(&superseded, true), new_poll(&parked, false) };
	assert_int_equal(turn(s, all, ARRAY_LEN(all)), -1);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_unavailable(s, all[i]);
	assert_unavailable(s, waiting);
	assert_unavailable(s, old);
	assert_int_equal(engine_next_due(s->engine), INT64_MAX);
}

static void
nothing_is_acknowledged_afterwards(struct stage *s)
{
	for (int i = 0; i < 3; i++) {
		struct intent *make = new_create(s);
		assert_int_equal(turn(s, &make, 1), -1);
		assert_unavailable(s, make);
	}
}

static int64_t
n_stored(struct stage *s)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	struct store_stats stats;
	struct err err;

	assert_int_equal(store_reader_open(&reader, s->store, &err), 0);
	assert_int_equal(read_stats(reader, &stats, &err), 0);
	return stats.jobs_by_state[JOB_QUEUED] + stats.jobs_by_state[JOB_STARTING];
}

static void
a_load_that_fails(void **state)
{
	struct stage *s = *state;

	everybody_hears_of_the_failure(s, STORE_FAULT_LOAD);
	nothing_is_acknowledged_afterwards(s);
	stage_restart(s);
	assert_int_equal(n_stored(s), 0);
	(void)create(s);
}

static void
a_save_that_fails(void **state)
{
	struct stage *s = *state;

	everybody_hears_of_the_failure(s, STORE_FAULT_SAVE_BEFORE);
	nothing_is_acknowledged_afterwards(s);
	stage_restart(s);
	assert_int_equal(n_stored(s), 0);
	(void)create(s);
}

/* Nobody can know whether it is on disk: it is not said to be. */
static void
a_commit_whose_answer_is_lost(void **state)
{
	struct stage *s = *state;

	everybody_hears_of_the_failure(s, STORE_FAULT_SAVE_AFTER);
	nothing_is_acknowledged_afterwards(s);
	stage_restart(s);
	assert_int_equal(n_stored(s), 2);
}

static void
another_server_that_was_faster(void **state)
{
	struct stage *s = *state;

	everybody_hears_of_the_failure(s, STORE_FAULT_CONFLICT);
	nothing_is_acknowledged_afterwards(s);
}

/* The client asks again under its key and gets the job that was made. */
static void
a_request_repeated_after_the_failure_is_not_done_twice(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_create(s), *second = new_create(s);

	stage_restart_faulty(s);
	set_idem(first, "key", 1);
	set_idem(second, "key", 1);
	store_faulty_next(s->store, STORE_FAULT_SAVE_AFTER);
	assert_int_equal(turn(s, &first, 1), -1);
	stage_restart(s);
	TURN(s, second);
	assert_true(second->replayed);
	assert_int_equal(n_stored(s), 1);
}

/* The lease was saved but nobody got it: the worker does not hold it, so it goes back. */
static void
a_lease_that_was_saved_and_not_sent(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	stage_restart_faulty(s);
	store_faulty_next(s->store, STORE_FAULT_SAVE_AFTER);
	struct intent *poll = new_poll(&worker, true);
	assert_int_equal(turn(s, &poll, 1), -1);
	assert_unavailable(s, poll);
	stage_restart(s);
	assert_int_equal(look(s, job)->running, 1);
	poll = ask(s, &worker);
	assert_leased(s, poll, job);
	assert_int_equal(poll->out.poll.leases[0].fence, 2);
}

static void
closing_answers_who_is_parked(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct turn_output *out;
	struct err err;

	struct intent *poll = ask(s, &worker);
	assert_int_equal(engine_turn(s->engine, NULL, 0, s->now_ms, &out, &err), 0);
	s->engine = engine_close(s->engine, out);
	list_splice_back(&s->done, &out->done);
	turn_output_free(out);
	assert_unavailable(s, poll);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(a_load_that_fails),
		STAGED(a_save_that_fails),
		STAGED(a_commit_whose_answer_is_lost),
		STAGED(another_server_that_was_faster),
		STAGED(a_request_repeated_after_the_failure_is_not_done_twice),
		STAGED(a_lease_that_was_saved_and_not_sent),
		STAGED(closing_answers_who_is_parked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

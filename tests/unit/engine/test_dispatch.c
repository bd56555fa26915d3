/* SPDX-License-Identifier: Apache-2.0 */
/* Which job goes to which worker. */
#include "base/limits.h"
#include "stage.h"

static struct intent *
new_queue_put(const char *name, int32_t priority, int32_t concurrency, bool paused)
{
	struct intent *intent = intent_new(INTENT_QUEUE_PUT, 1, MIB(1));

	intent->in.queue = (struct queue_put) { .name = name,
		.priority = priority,
		.concurrency = concurrency,
		.paused = paused,
		.ageing_ms = AGEING_MS_DEFAULT };
	return intent;
}

static void
put_queue(struct stage *s, const char *name, int32_t priority, int32_t concurrency, bool paused)
{
	TURN(s, new_queue_put(name, priority, concurrency, paused));
}

/* The worker's next lease is of this job, which then passes. */
static void
assert_next(struct stage *s, struct hand *worker, struct job_id job)
{
	assert_leased(s, ask(s, worker), job);
	(void)give(s, worker, 0, OUTCOME_PASSED);
}

static struct job_id
create_with_priority(struct stage *s, int32_t priority)
{
	s->spec.priority = priority;
	return create(s);
}

/* ---- how many at once ---- */

/* Tests can be large: what an answer carries has a limit, and the next poll gets the rest. */
static void
an_answer_carries_a_limited_number_of_leases(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 100;
	for (int i = 0; i < LEASES_PER_POLL_MAX + 3; i++)
		(void)create(s);
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, LEASES_PER_POLL_MAX);
	for (size_t i = 0; i < LEASES_PER_POLL_MAX; i++)
		(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 3);
}

static void
a_turn_leases_a_limited_number_and_the_next_one_follows(void **state)
{
	enum { N = LEASES_PER_TURN_MAX + 10 };
	struct stage *s = *state;
	struct intent *polls[N];
	size_t n_answered = 0;

	for (int i = 0; i < N; i++) {
		struct hand worker = hand(s);
		polls[i] = new_poll(&worker, true);
		TURN(s, polls[i]);
	}
	struct job_spec *specs = arena_xalloc(&s->arena, N * sizeof *specs);
	for (int i = 0; i < N; i++)
		specs[i] = s->spec;
	struct intent *bulk = new_create(s);
	bulk->in.create = (struct job_create) { .specs = specs, .n = N };
	TURN(s, bulk);
	for (int i = 0; i < N; i++)
		n_answered += is_answered(s, polls[i]);
	assert_int_equal(n_answered, LEASES_PER_TURN_MAX);
	assert_true(engine_next_due(s->engine) <= s->now_ms);
	later(s, 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(polls[i]->out.poll.n_leases, 1);
	assert_true(engine_next_due(s->engine) > s->now_ms);
}

/* ---- order ---- */

static void
priority_goes_first_then_age(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id plain = create_with_priority(s, 0);
	struct job_id low = create_with_priority(s, -1);
	struct job_id high = create_with_priority(s, 5);
	struct job_id second_high = create_with_priority(s, 5);
	struct job_id second_plain = create_with_priority(s, 0);
	assert_next(s, &worker, high);
	assert_next(s, &worker, second_high);
	assert_next(s, &worker, plain);
	assert_next(s, &worker, second_plain);
	assert_next(s, &worker, low);
}

static void
who_waited_long_goes_before_a_newer_one_of_higher_priority(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id old = create_with_priority(s, 0);
	later(s, AGEING_MS_DEFAULT + 1);
	struct job_id one_higher = create_with_priority(s, 1);
	struct job_id two_higher = create_with_priority(s, 2);
	assert_next(s, &worker, two_higher);
	assert_next(s, &worker, old);
	assert_next(s, &worker, one_higher);
}

static void
a_queue_of_higher_priority_is_served_first(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	put_queue(s, "urgent", 1, 0, false);
	struct job_id plain = create_with_priority(s, 100);
	s->spec.queue = "urgent";
	struct job_id urgent = create_with_priority(s, 0);
	assert_next(s, &worker, urgent);
	assert_next(s, &worker, plain);
}

static void
order_is_kept_in_one_turn_as_between_turns(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id stored = create_with_priority(s, 0);
	s->spec.priority = 3;
	struct intent *make = new_create(s), *poll = new_poll(&worker, true);
	TURN(s, poll, make);
	assert_leased(s, poll, make->out.jobs[0].id);
	take(&worker, poll);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_next(s, &worker, stored);
}

static void
the_worker_that_waits_longest_comes_first(void **state)
{
	struct stage *s = *state;
	struct hand first = hand(s), second = hand(s);

	struct intent *a = ask(s, &first), *b = ask(s, &second);
	struct job_id job = create(s);
	assert_leased(s, a, job);
	assert_false(is_answered(s, b));
}

static void
work_spreads_over_the_workers(void **state)
{
	struct stage *s = *state;
	struct hand first = hand(s), second = hand(s);

	first.capacity = second.capacity = 4;
	s->spec.iterations = s->spec.concurrency = 4;
	struct intent *a = ask(s, &first), *b = ask(s, &second);
	(void)create(s);
	assert_int_equal(a->out.poll.n_leases, 2);
	assert_int_equal(b->out.poll.n_leases, 2);
}

static void
a_worker_gets_as_much_as_it_has_free(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 3;
	s->spec.iterations = 10;
	s->spec.concurrency = 10;
	(void)create(s);
	struct intent *poll = ask(s, &worker);
	assert_int_equal(poll->out.poll.n_leases, 3);
	poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_leases, 1);
}

/* ---- limits ---- */

static void
a_queue_runs_no_more_than_its_concurrency(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 8;
	put_queue(s, "default", 0, 2, false);
	for (int i = 0; i < 4; i++)
		(void)create(s);
	struct intent *poll = ask(s, &worker);
	assert_int_equal(poll->out.poll.n_leases, 2);
	poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	(void)give(s, &worker, 1, OUTCOME_PASSED);
	assert_int_equal(poll->out.poll.n_leases, 1);
	take(&worker, poll);
	/* A greater limit is felt in the turn that sets it. */
	poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	put_queue(s, "default", 0, 3, false);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_leases, 1);
}

static void
a_full_queue_does_not_hide_another(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 4;
	put_queue(s, "narrow", 5, 1, false);
	s->spec.queue = "narrow";
	struct job_id first = create(s);
	(void)create(s);
	s->spec.queue = NULL;
	struct job_id other = create(s);
	struct intent *poll = ask(s, &worker);
	assert_int_equal(poll->out.poll.n_leases, 2);
	assert_true(uuid_eq(&poll->out.poll.leases[0].job.u, &first.u));
	assert_true(uuid_eq(&poll->out.poll.leases[1].job.u, &other.u));
}

static void
a_paused_queue_gives_nothing_until_it_goes_on(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	put_queue(s, "default", 0, 0, true);
	struct job_id job = create(s);
	struct intent *poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	put_queue(s, "default", 0, 0, false);
	assert_leased(s, poll, job);
}

static void
what_runs_in_a_queue_ends_when_it_is_paused(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id job = create(s);
	(void)ask(s, &worker);
	put_queue(s, "default", 0, 0, true);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_state(s, job, JOB_COMPLETED);
}

static void
a_queue_is_changed_only_from_the_revision_that_was_seen(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_queue_put("q", 0, 1, false);
	struct intent *mine = new_queue_put("q", 0, 2, false);
	struct intent *theirs = new_queue_put("q", 0, 3, false);

	TURN(s, first);
	mine->in.queue.if_revision = theirs->in.queue.if_revision = first->out.queue->revision;
	TURN(s, mine, theirs);
	assert_int_equal(mine->out.queue->concurrency, 2);
	assert_int_equal(theirs->conflict, CONFLICT_REVISION);
}

/* ---- who may ---- */

static void
labels_are_asked_for_and_kinds_as_well(void **state)
{
	struct stage *s = *state;
	struct hand plain = hand(s), attic = hand(s), web = hand(s);

	attic.labels = "colour=red\nplace=attic";
	web.kinds = "http,playwright";
	struct intent *a = ask(s, &plain), *b = ask(s, &attic), *c = ask(s, &web);
	s->spec.labels = "place=attic";
	struct job_id job = create(s);
	assert_leased(s, b, job);
	assert_false(is_answered(s, a));
	s->spec.labels = "";
	s->test.kind = "http";
	job = create(s);
	assert_leased(s, c, job);
	assert_false(is_answered(s, a));
}

static void
a_worker_of_another_project_gets_nothing(void **state)
{
	struct stage *s = *state;
	struct hand other = hand(s), any = hand(s);

	struct intent *poll = new_poll(&other, true);
	poll->project = 2;
	TURN(s, poll);
	(void)create(s);
	assert_false(is_answered(s, poll));
	poll = new_poll(&any, true);
	poll->project = 0;
	TURN(s, poll);
	assert_int_equal(poll->out.poll.n_leases, 1);
}

static void
a_worker_may_learn_something_new(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->test.kind = "http";
	struct job_id job = create(s);
	assert_false(is_answered(s, ask(s, &worker)));
	worker.kinds = "command,http";
	assert_leased(s, ask(s, &worker), job);
}

static void
a_job_of_several_kinds_goes_from_worker_to_worker(void **state)
{
	static const char *const kinds[] = { "command", "http", "command" };
	struct stage *s = *state;
	struct hand command = hand(s), http = hand(s);
	struct test_spec tests[3];

	for (size_t i = 0; i < 3; i++) {
		tests[i] = s->test;
		tests[i].kind = kinds[i];
	}
	s->spec.tests = tests;
	s->spec.n_tests = 3;
	http.kinds = "http";
	struct job_id job = create(s);
	assert_next(s, &command, job);
	struct intent *idle = ask(s, &command);
	assert_false(is_answered(s, idle));
	assert_next(s, &http, job);
	assert_leased(s, idle, job);
	take(&command, idle);
	(void)give(s, &command, 0, OUTCOME_PASSED);
	assert_state(s, job, JOB_COMPLETED);
}

/* One poll may get runs of one job from two lanes. */
static void
a_worker_of_several_kinds_takes_a_job_of_several_kinds(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct test_spec tests[4];

	for (size_t i = 0; i < 4; i++) {
		tests[i] = s->test;
		tests[i].kind = i % 2 == 0 ? "command" : "http";
	}
	s->spec.tests = tests;
	s->spec.n_tests = 4;
	s->spec.concurrency = 4;
	worker.kinds = "command,http";
	worker.capacity = 4;
	(void)create(s);
	struct intent *poll = ask(s, &worker);
	assert_int_equal(poll->out.poll.n_leases, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(poll->out.poll.leases[i].test_index, i);
}

/* ---- nothing is forgotten ---- */

/*
 * The best job of the lane goes away in the turn that would have leased it. The one behind it
 * was not looked for, and must be found by the next turn.
 */
static void
who_stands_behind_a_job_that_went_away_is_not_forgotten(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id first = create(s), second = create(s);
	struct intent *poll = new_poll(&worker, true);
	TURN(s, new_command(first, JOB_CMD_PAUSE), poll);
	assert_false(is_answered(s, poll));
	TURN(s, new_poll(&worker, false)); /* any turn */
	assert_leased(s, poll, second);
}

/* More became free in the turn than its claim had counted. */
static void
returned_leases_leave_room_for_what_is_before_them(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id plain = create_with_priority(s, 0);
	assert_leased(s, ask(s, &worker), plain);
	struct job_id urgent = create_with_priority(s, 9);
	worker.n_holds = 0; /* the answer was lost */
	struct intent *poll = ask(s, &worker);
	assert_leased(s, poll, urgent);
}

static void
a_thousand_jobs_all_end(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	static struct job_spec specs[1000];
	struct intent *intent = intent_new(INTENT_JOB_CREATE, 1, MIB(4));
	size_t n = 0;

	for (size_t i = 0; i < 1000; i++)
		specs[i] = s->spec;
	intent->in.create = (struct job_create) { .specs = specs, .n = 1000 };
	TURN(s, intent);
	worker.capacity = HAND_HOLDS_MAX;
	for (;;) {
		struct intent *poll = ask(s, &worker);
		if (!is_answered(s, poll))
			break;
		n += poll->out.poll.n_leases;
		struct intent *done = new_poll(&worker, false);
		for (size_t i = 0; i < worker.n_holds; i++)
			poll_add_result(done, &worker.holds[i], OUTCOME_PASSED);
		worker.n_holds = 0;
		TURN(s, done);
	}
	assert_int_equal(n, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(an_answer_carries_a_limited_number_of_leases),
		STAGED(a_turn_leases_a_limited_number_and_the_next_one_follows),
		STAGED(priority_goes_first_then_age),
		STAGED(who_waited_long_goes_before_a_newer_one_of_higher_priority),
		STAGED(a_queue_of_higher_priority_is_served_first),
		STAGED(order_is_kept_in_one_turn_as_between_turns),
		STAGED(the_worker_that_waits_longest_comes_first),
		STAGED(work_spreads_over_the_workers),
		STAGED(a_worker_gets_as_much_as_it_has_free),
		STAGED(a_queue_runs_no_more_than_its_concurrency),
		STAGED(a_full_queue_does_not_hide_another),
		STAGED(a_paused_queue_gives_nothing_until_it_goes_on),
		STAGED(what_runs_in_a_queue_ends_when_it_is_paused),
		STAGED(a_queue_is_changed_only_from_the_revision_that_was_seen),
		STAGED(labels_are_asked_for_and_kinds_as_well),
		STAGED(a_worker_of_another_project_gets_nothing),
		STAGED(a_worker_may_learn_something_new),
		STAGED(a_job_of_several_kinds_goes_from_worker_to_worker),
		STAGED(a_worker_of_several_kinds_takes_a_job_of_several_kinds),
		STAGED(who_stands_behind_a_job_that_went_away_is_not_forgotten),
		STAGED(returned_leases_leave_room_for_what_is_before_them),
		STAGED(a_thousand_jobs_all_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by key, rates, shares, resources, unique and expiring jobs: docs/protocol/queues.md.
 */
#include "base/limits.h"
#include "stage.h"

static struct intent *
new_put(const char *name)
{
	struct intent *intent = intent_new(INTENT_QUEUE_PUT, 1, MIB(1));

	intent->in.queue = (struct queue_put) { .name = name, .ageing_ms = AGEING_MS_DEFAULT };
	return intent;
}

static void
put_limits(struct stage *s, const char *name, const char *limits)
{
	struct intent *put = new_put(name);

	put->in.queue.limits = limits;
	TURN(s, put);
	assert_int_equal(put->status, INTENT_OK);
}

static struct job_id
create_keyed(struct stage *s, const char *keys)
{
	s->spec.keys = keys;
	return create(s);
}

static struct intent *
explain(struct stage *s, struct job_id id)
{
	struct intent *intent = intent_new(INTENT_JOB_EXPLAIN, 1, MIB(1));

	intent->in.explain = id;
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
	return intent;
}

static void
assert_blocked_by(struct stage *s, struct job_id id, const char *kind)
{
	const struct explanation *found = explain(s, id)->out.explanation;

	for (size_t i = 0; i < found->n_blockers; i++) {
		if (strcmp(blocker_kind_name(found->blockers[i].kind), kind) == 0)
			return;
	}
	fail_msg("not blocked by %s: %s", kind, found->sentence);
}

/* ---- limits by key ---- */

static void
a_full_key_holds_its_jobs_and_no_others(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 4;
	put_limits(s, "default", "[{\"key\":\"site\",\"concurrency\":1}]");
	struct job_id a1 = create_keyed(s, "site=a"), a2 = create_keyed(s, "site=a");
	struct job_id a3 = create_keyed(s, "site=a"), b = create_keyed(s, "site=b");
	struct job_id none = create_keyed(s, "");
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 2);
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 1);
	assert_state(s, a1, JOB_STARTING);
	assert_state(s, b, JOB_STARTING);
	assert_state(s, none, JOB_STARTING);
	assert_string_equal(look(s, a2)->held_key, "1:site=a");
	assert_false(look(s, a2)->ready);
	assert_blocked_by(s, a2, "key_limit");

	struct hand other = hand(s);
	struct intent *parked = ask(s, &other);
	assert_false(is_answered(s, parked));
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	later(s, 0);
	assert_leased(s, parked, a2);
	assert_string_equal(look(s, a3)->held_key, "1:site=a");
}

static void
a_held_job_comes_back_by_rank(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	put_limits(s, "default", "[{\"key\":\"site\",\"concurrency\":1}]");
	(void)create_keyed(s, "site=a");
	(void)ask(s, &worker);
	(void)create_keyed(s, "site=a");
	s->spec.priority = 5;
	struct job_id urgent = create_keyed(s, "site=a");
	assert_non_null(look(s, urgent)->held_key);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	struct intent *next = ask(s, &worker);
	later(s, 0);
	assert_leased(s, next, urgent);
}

static void
a_value_with_its_own_entry_is_judged_by_that_alone(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 8;
	put_limits(s, "default",
		"[{\"key\":\"site\",\"concurrency\":1},"
		"{\"key\":\"site\",\"value\":\"fast\",\"concurrency\":3}]");
	for (int i = 0; i < 4; i++) {
		(void)create_keyed(s, "site=fast");
		(void)create_keyed(s, "site=slow");
	}
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 4);
}

static void
limits_of_the_project_count_all_queues(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 8;
	put_limits(s, "*", "[{\"key\":\"site\",\"concurrency\":2}]");
	for (int i = 0; i < 2; i++) {
		s->spec.queue = "one";
		(void)create_keyed(s, "site=a");
		s->spec.queue = "two";
		(void)create_keyed(s, "site=a");
	}
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 2);
	put_limits(s, "*", "[{\"key\":\"site\",\"concurrency\":3}]");
	struct intent *more = ask(s, &worker);
	later(s, 0);
	assert_int_equal(more->out.poll.n_leases, 1);
}

/* Also runs that began before there was a limit. */
static void
a_new_limit_counts_what_runs_already(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 4;
	(void)create_keyed(s, "site=a");
	(void)ask(s, &worker);
	put_limits(s, "*", "[{\"key\":\"site\",\"concurrency\":1}]");
	struct job_id second = create_keyed(s, "site=a");
	assert_string_equal(look(s, second)->held_key, "-1:site=a");
}

static void
a_restart_counts_again_and_lets_the_held_go_on(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	put_limits(s, "default", "[{\"key\":\"site\",\"concurrency\":1}]");
	(void)create_keyed(s, "site=a");
	(void)ask(s, &worker);
	struct job_id held = create_keyed(s, "site=a");
	stage_restart(s);
	struct hand other = hand(s);
	struct intent *idle = ask(s, &other);
	later(s, 10);
	assert_false(is_answered(s, idle));
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	later(s, 0);
	assert_leased(s, idle, held);
}

static void
the_one_that_came_back_may_leave_without_a_run(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	put_limits(s, "default", "[{\"key\":\"site\",\"concurrency\":1}]");
	(void)create_keyed(s, "site=a");
	(void)ask(s, &worker);
	s->spec.labels = "place=nowhere";
	s->spec.priority = 1;
	(void)create_keyed(s, "site=a"); /* nobody serves it */
	s->spec.labels = "";
	struct job_id third = create_keyed(s, "site=a");
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	struct intent *next = ask(s, &worker);
	later(s, 0);
	assert_leased(s, next, third);
}

/* Many jobs of a full key before one of another: found in few turns, and then free of cost. */
static void
many_held_jobs_do_not_hide_another(void **state)
{
	enum { N = 3000 };
	struct stage *s = *state;
	struct hand worker = hand(s), other = hand(s);
	struct engine_stats before, after;

	put_limits(s, "default", "[{\"key\":\"site\",\"concurrency\":1}]");
	s->spec.keys = "site=a";
	for (int round = 0; round < N / 1000; round++) {
		struct job_spec *specs = arena_xalloc(&s->arena, 1000 * sizeof *specs);
		struct intent *bulk = new_create(s);
		for (int i = 0; i < 1000; i++)
			specs[i] = s->spec;
		bulk->in.create = (struct job_create) { .specs = specs, .n = 1000 };
		TURN(s, bulk);
	}
	struct job_id b = create_keyed(s, "site=b");
	(void)ask(s, &worker);
	engine_stats(s->engine, &before);
	struct intent *next = ask(s, &other);
	later(s, 0);
	engine_stats(s->engine, &after);
	assert_leased(s, next, b);
	assert_true(after.turns - before.turns < 20);
}

/* ---- rates ---- */

static struct intent *
new_rate(const char *name, int64_t n, int64_t per_ms, int64_t burst)
{
	struct intent *put = new_put(name);

	put->in.queue.rate = (struct rate) { n, per_ms, burst };
	return put;
}

static void
a_rate_lets_so_many_begin_and_wakes_by_itself(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 8;
	TURN(s, new_rate("default", 2, 60000, 2));
	for (int i = 0; i < 4; i++)
		(void)create_keyed(s, "");
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 2);
	(void)give(s, &worker, 1, OUTCOME_PASSED);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	struct intent *third = ask(s, &worker);
	later(s, 29999);
	assert_false(is_answered(s, third));
	later(s, 1);
	assert_true(is_answered(s, third));
	assert_int_equal(third->out.poll.n_leases, 1);
}

static void
a_restart_gives_no_token_back(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 8;
	TURN(s, new_rate("default", 1, 60000, 1));
	(void)create_keyed(s, "");
	struct job_id second = create_keyed(s, "");
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 1);
	stage_restart(s);
	(void)ask(s, &worker);
	later(s, 1000);
	assert_state(s, second, JOB_QUEUED);
	assert_blocked_by(s, second, "queue_rate");
}

static void
a_rate_by_key_holds_until_its_token_is_there(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	put_limits(s, "default", "[{\"key\":\"site\",\"rate\":{\"limit\":1,\"per\":\"10s\"}}]");
	struct job_id first = create_keyed(s, "site=a"), second = create_keyed(s, "site=a");
	assert_leased(s, ask(s, &worker), first);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	struct intent *next = ask(s, &worker);
	assert_false(is_answered(s, next));
	assert_blocked_by(s, second, "key_rate");
	stage_restart(s);
	next = ask(s, &worker);
	later(s, 9000);
	assert_false(is_answered(s, next));
	later(s, 1100);
	assert_leased(s, next, second);
}

/* ---- pause and drain ---- */

static struct intent *
new_queue_command(const char *name, bool paused, bool draining)
{
	struct intent *put = new_put(name);

	put->in.queue.is_command = true;
	put->in.queue.paused = paused;
	put->in.queue.draining = draining;
	return put;
}

static void
a_draining_queue_serves_what_it_has_and_is_paused_then(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	(void)create_keyed(s, "");
	(void)create_keyed(s, "");
	struct intent *drain = new_queue_command("default", false, true);
	TURN(s, drain);
	assert_true(drain->out.queue->draining);
	struct intent *late = new_create(s);
	TURN(s, late);
	assert_int_equal(late->err.code, ERR_LIMIT);
	assert_int_equal(late->conflict, CONFLICT_DRAINING);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(s, &worker)->out.poll.n_leases, 1);
		(void)give(s, &worker, 0, OUTCOME_PASSED);
	}
	(void)ask(s, &worker);
	later(s, 0);
	struct intent *resume = new_queue_command("default", false, false);
	TURN(s, resume);
	assert_int_equal(resume->out.queue->revision, 4); /* made, drain, paused, resumed */
	TURN(s, late = new_create(s));
	assert_int_equal(late->status, INTENT_OK);
}

/* What comes later by itself is waited for; a job that went elsewhere is not. */
static void
a_draining_queue_waits_for_what_is_due_later(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.run_at_ms = s->now_ms + 5000;
	struct job_id job = create(s);
	s->spec.run_at_ms += 60000;
	struct job_id last = create(s);
	s->spec.run_at_ms = 0;
	struct intent *drain = new_queue_command("default", false, true);
	TURN(s, drain);
	struct intent *poll = ask(s, &worker);
	later(s, 5000);
	assert_leased(s, poll, job);
	take(&worker, poll);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	later(s, 10);
	struct intent *late = new_create(s);
	TURN(s, late);
	assert_int_equal(late->conflict, CONFLICT_DRAINING);

	struct intent *edit = intent_new(INTENT_JOB_EDIT, 1, MIB(1));
	edit->in.edit = (struct job_edit_request) {
		.id = last,
		.edit = { .queue = "night" },
	};
	TURN(s, edit);
	assert_int_equal(edit->status, INTENT_OK);
	later(s, 0);
	TURN(s, late = new_create(s));
	assert_int_equal(late->status, INTENT_OK);
}

static void
the_star_pauses_every_queue(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct intent *pause = new_put("*");

	pause->in.queue.paused = true;
	TURN(s, pause);
	struct job_id job = create_keyed(s, "");
	struct intent *next = ask(s, &worker);
	assert_false(is_answered(s, next));
	assert_blocked_by(s, job, "queue_paused");
	TURN(s, new_queue_command("*", false, false));
	later(s, 0);
	assert_leased(s, next, job);
}

static void
no_job_goes_into_the_star(void **state)
{
	struct stage *s = *state;

	s->spec.queue = "*";
	struct intent *create = new_create(s);
	TURN(s, create);
	assert_int_equal(create->err.code, ERR_INVALID);
}

/* ---- shares ---- */

static void
values_of_the_fair_key_take_turns(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct intent *put = new_put("default");

	put->in.queue.fair_by = "team";
	TURN(s, put);
	worker.capacity = 4;
	for (int i = 0; i < 6; i++)
		(void)create_keyed(s, "team=many");
	struct job_id few1 = create_keyed(s, "team=few"), few2 = create_keyed(s, "team=few");
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 4);
	assert_state(s, few1, JOB_STARTING);
	assert_state(s, few2, JOB_STARTING);
	struct job_id many = create_keyed(s, "team=many");
	(void)give(s, &worker, 3, OUTCOME_PASSED);
	(void)give(s, &worker, 2, OUTCOME_PASSED);
	(void)create_keyed(s, "team=new");
	assert_blocked_by(s, many, "share");
}

/* ---- resources ---- */

static void
a_run_goes_only_where_enough_is_left(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	worker.capacity = 8;
	worker.resources = "browsers=3000";
	s->spec.needs = "browsers=2000";
	struct job_id big = create(s), second_big = create(s);
	s->spec.needs = "browsers=1000";
	struct job_id small = create(s);
	s->spec.needs = "lines=1000";
	struct job_id other = create(s);
	assert_int_equal(ask(s, &worker)->out.poll.n_leases, 2);
	assert_state(s, big, JOB_STARTING);
	assert_state(s, small, JOB_STARTING);
	assert_blocked_by(s, second_big, "needs_busy");
	assert_blocked_by(s, other, "no_worker_needs");
	stage_restart(s);
	(void)ask(s, &worker);
	assert_state(s, second_big, JOB_QUEUED); /* what runs is counted again */
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_leased(s, ask(s, &worker), second_big);
}

/* ---- unique ---- */

static void
set_unique(struct stage *s, enum unique_mode mode, int64_t period_ms)
{
	s->spec.unique = (struct unique_spec) { mode, "deploy", period_ms };
}

static void
skip_answers_the_one_that_is_there(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	set_unique(s, UNIQUE_SKIP, 0);
	struct job_id first = create(s);
	struct intent *again = new_create(s), *and_again = new_create(s);
	TURN(s, again, and_again);
	assert_true(again->out.existing[0]);
	assert_true(uuid_eq(&again->out.jobs[0].id.u, &first.u));
	assert_true(uuid_eq(&and_again->out.jobs[0].id.u, &first.u));
	(void)ask(s, &worker);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	struct intent *later_one = new_create(s);
	TURN(s, later_one);
	assert_null(later_one->out.existing);
}

static void
two_in_one_turn_are_one(void **state)
{
	struct stage *s = *state;

	set_unique(s, UNIQUE_SKIP, 0);
	struct intent *first = new_create(s), *second = new_create(s);
	TURN(s, first, second);
	assert_null(first->out.existing);
	assert_true(second->out.existing[0]);
	assert_true(uuid_eq(&first->out.jobs[0].id.u, &second->out.jobs[0].id.u));
}

static void
a_period_outlasts_the_job(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	set_unique(s, UNIQUE_SKIP, 60000);
	struct job_id first = create(s);
	(void)ask(s, &worker);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	stage_restart(s);
	later(s, 59000);
	struct intent *soon = new_create(s);
	TURN(s, soon);
	assert_true(soon->out.existing[0]);
	assert_true(uuid_eq(&soon->out.jobs[0].id.u, &first.u));
	later(s, 1000);
	struct intent *then = new_create(s);
	TURN(s, then);
	assert_null(then->out.existing);
}

static void
replace_cancels_the_one_before(void **state)
{
	struct stage *s = *state;

	set_unique(s, UNIQUE_REPLACE, 0);
	struct job_id first = create(s), second = create(s);
	assert_state(s, first, JOB_STOPPED);
	assert_int_equal(look(s, first)->reason, JOB_REASON_SUPERSEDED);
	assert_state(s, second, JOB_QUEUED);
}

static void
debounce_puts_the_start_off(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	set_unique(s, UNIQUE_DEBOUNCE, 10000);
	struct job_id first = create(s);
	later(s, 6000);
	struct job_id second = create(s);
	assert_int_equal(look(s, first)->reason, JOB_REASON_SUPERSEDED);
	assert_blocked_by(s, second, "start_time");
	struct intent *next = ask(s, &worker);
	later(s, 9000);
	assert_false(is_answered(s, next));
	later(s, 1000);
	assert_leased(s, next, second);
	struct job_id third = create(s); /* what has begun is left alone */
	assert_state(s, second, JOB_STARTING);
	assert_state(s, third, JOB_QUEUED);
}

/* ---- expiry ---- */

static void
a_job_that_does_not_begin_in_time_expires(void **state)
{
	struct stage *s = *state;

	s->spec.expires_after_ms = 5000;
	struct job_id job = create(s), paused = create(s);
	command(s, paused, JOB_CMD_PAUSE);
	assert_blocked_by(s, job, "expires");
	later(s, 4999);
	assert_state(s, job, JOB_QUEUED);
	later(s, 1);
	assert_state(s, job, JOB_FAILED);
	assert_int_equal(look(s, job)->reason, JOB_REASON_EXPIRED);
	assert_state(s, paused, JOB_FAILED);
	command(s, job, JOB_CMD_START);
	later(s, 60000);
	assert_int_equal(look(s, job)->state, JOB_RESTARTING);
}

static void
an_expired_job_is_not_leased_in_its_last_turn(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.expires_after_ms = 5000;
	struct job_id job = create(s);
	s->now_ms += 5000;
	struct intent *next = ask(s, &worker);
	assert_false(is_answered(s, next));
	assert_state(s, job, JOB_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(a_full_key_holds_its_jobs_and_no_others),
		STAGED(a_held_job_comes_back_by_rank),
		STAGED(a_value_with_its_own_entry_is_judged_by_that_alone),
		STAGED(limits_of_the_project_count_all_queues),
		STAGED(a_new_limit_counts_what_runs_already),
		STAGED(a_restart_counts_again_and_lets_the_held_go_on),
		STAGED(the_one_that_came_back_may_leave_without_a_run),
		STAGED(many_held_jobs_do_not_hide_another),
		STAGED(a_rate_lets_so_many_begin_and_wakes_by_itself),
		STAGED(a_restart_gives_no_token_back),
		STAGED(a_rate_by_key_holds_until_its_token_is_there),
		STAGED(a_draining_queue_serves_what_it_has_and_is_paused_then),
		STAGED(a_draining_queue_waits_for_what_is_due_later),
		STAGED(the_star_pauses_every_queue),
		STAGED(no_job_goes_into_the_star),
		STAGED(values_of_the_fair_key_take_turns),
		STAGED(a_run_goes_only_where_enough_is_left),
		STAGED(skip_answers_the_one_that_is_there),
		STAGED(two_in_one_turn_are_one),
		STAGED(a_period_outlasts_the_job),
		STAGED(replace_cancels_the_one_before),
		STAGED(debounce_puts_the_start_off),
		STAGED(a_job_that_does_not_begin_in_time_expires),
		STAGED(an_expired_job_is_not_leased_in_its_last_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

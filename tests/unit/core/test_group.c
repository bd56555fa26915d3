/* SPDX-License-Identifier: Apache-2.0 */
/* Which run of a grouped job is next, on which connection, and the order of release:
 * docs/protocol/browser-jobs.md, 3 and 6. The numbers are those of
 * docs/internals/testcafe-scenarios.md. */
#include "base/limits.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

/* ---- concurrency and order ---- */

static void
s01_one_connection_runs_one_test_after_the_other(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab");
	struct run *a = take(s, 0, "a@1");
	take_none(s, 1);
	ends(s, a, 'P');
	ends(s, take(s, 1, "b@1"), 'P');
	assert_told(
		s, "job.queued job.starting +a job.started a:P !a:P +b b:P !b:P job.completed");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2");
}

static void
s02_two_connections_run_two_tests_and_the_short_one_ends_first(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "ab");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	(void)told(s);
	ends(s, b, 'P');
	assert_told(s, "job.started b:P");
	assert_int_equal(b->state, RUN_HELD);
	assert_counts(s, "");
	ends(s, a, 'P');
	assert_told(s, "a:P !a:P !b:P job.completed");
}

static void
s05_each_group_runs_every_test_on_its_own_connections(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.n_targets = 2;
	s->spec.targets = "chromium,phone";
	set_up(s, "ab");
	struct run *run[4] = { take(s, 0, "1/a@1"), take(s, 1, "2/a@1"), take(s, 0, "1/b@2"),
		take(s, 1, "2/b@2") };
	take_none(s, 2);
	assert_int_equal(s->job->running, 4);
	(void)told(s);
	ends(s, run[2], 'P');
	ends(s, run[0], 'F');
	ends(s, run[3], 'P');
	ends(s, run[1], 'P');
	assert_told(s,
		"job.started 1/b:P 1/a:F !1/a:F !1/b:P 2/b:P 2/a:P !2/a:P !2/b:P "
		"job.failed");
	assert_counts(s, "passed 3 failed 1");
}

static void
s06_the_slow_fixture_is_released_first(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "a b");
	struct run *a = take(s, 0, "a@1");
	ends(s, take(s, 0, "b@2"), 'P');
	ends(s, a, 'P');
	assert_string_equal(released(s), "a:P b:P");
}

/* The first run begins no earlier than the job; the store has both before a worker hears. */
static void
s07_the_job_starts_once_and_before_any_test(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "ab");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	plan_started(&s->uow, b);
	plan_started(&s->uow, a);
	plan_started(&s->uow, a);
	assert_told(s, "job.queued job.starting +a +b job.started");
	ends(s, a, 'P');
	ends(s, b, 'P');
	assert_told(s, "a:P !a:P b:P !b:P job.completed");
}

/* Two workers that ask in the same turn, from the same loaded rows. */
static void
d01_defect_1_two_pops_in_one_instant_get_two_tests(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "ab");
	struct run *a = plan_lease(&s->uow, &s->lanes, s->job, &s->workers[0]);
	struct run *b = plan_lease(&s->uow, &s->lanes, s->job, &s->workers[1]);
	assert_int_equal(a->test, 0);
	assert_int_equal(b->test, 1);
	assert_int_not_equal(a->connection, b->connection);
	assert_false(s->job->ready);
	ends(s, b, 'P');
	ends(s, a, 'P');
	assert_counts(s, "passed 2");
}

/* The fixture that is blocked keeps nobody from later ones; releases keep the order. */
static void
d07_defect_7_a_blocked_fixture_does_not_hold_back_later_ones(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "<ab c d");
	struct run *before = take(s, 0, "<1@1"), *c = take(s, 1, "c@2");
	ends(s, c, 'P');
	struct run *d = take(s, 1, "d@2");
	ends(s, before, 'P');
	ends(s, take(s, 0, "a@1"), 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	ends(s, d, 'P');
	assert_told(s,
		"job.queued job.starting +<1 +c job.started c:P !c:P +d <1:P +a a:P "
		"+b b:P d:P !d:P !a:P !b:P job.completed");
}

/* The end is said once, after everything, however results come in. */
static void
d03_defect_3_the_end_comes_once_and_after_the_last_release(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 3;
	set_up(s, "abc");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2"), *c = take(s, 2, "c@3");
	ends(s, c, 'P');
	ends(s, b, 'F');
	(void)told(s);
	assert_is(s, JOB_RUNNING, JOB_REASON_NONE);
	ends(s, a, 'P');
	assert_told(s, "a:P !a:P !b:F !c:P job.failed");
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
}

static void
d13_a_repeated_test_goes_first_on_any_connection_and_keeps_its_place(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	set_up(s, "abc");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'F');
	struct run *again = take(s, 1, "b#2@2");
	ends(s, a, 'F');
	ends(s, again, 'P');
	ends(s, take(s, 1, "a#2@1"), 'P');
	ends(s, take(s, 1, "c@1"), 'P');
	assert_string_equal(released(s), "a:P* b:P* c:P");
	assert_counts(s, "passed 3 flaky 2");
}

/* Groups do not wait for each other. */
static void
d14_a_slow_group_does_not_hold_back_the_other(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "fast,slow";
	set_up(s, "abc");
	struct run *fast = take(s, 0, "1/a@1"), *slow = take(s, 1, "2/a@1");
	ends(s, fast, 'P');
	ends(s, take(s, 0, "1/b@1"), 'P');
	ends(s, take(s, 0, "1/c@1"), 'P');
	take_none(s, 0);
	assert_string_equal(released(s), "1/a:P 1/b:P 1/c:P");
	ends(s, slow, 'P');
	play_all(s, 'P');
	assert_string_equal(released(s), "2/a:P 2/b:P 2/c:P");
	assert_counts(s, "passed 6");
}

/* S67 as far as it is a scheduler's: one start and one end for each test of each group. */
static void
s67_each_unit_begins_and_is_released_once(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	s->spec.concurrency = 2;
	set_up(s, "abcd");
	struct run *held[4];
	for (int i = 0; i < 4; i++)
		held[i] = plan_lease(&s->uow, &s->lanes, s->job, &s->workers[i % 2]);
	for (int i = 3; i >= 0; i--)
		ends(s, held[i], 'P');
	play_all(s, 'P');
	assert_string_equal(released(s), "2/a:P 2/b:P 1/a:P 1/b:P 1/c:P 1/d:P 2/c:P 2/d:P");
	assert_counts(s, "passed 8");
}

static void
d15_s70_a_skipped_test_reaches_no_connection_and_does_not_count_as_passed(void **state)
{
	struct stage *s = *state;

	set_up(s, "aBc D");
	ends(s, take(s, 0, "a@1"), 'P');
	struct run *c = take(s, 0, "c@1");
	ends(s, c, 'P');
	assert_string_equal(released(s), "a:P b:S c:P d:S");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2 skipped 2");
	for (size_t i = 0; i < s->uow.runs.n; i++) {
		const struct run *run = s->uow.runs.item[i];
		assert_true(run->outcome == OUTCOME_PASSED || run->duration_ms == 0);
		assert_true(run->outcome == OUTCOME_PASSED || run->fence == 0);
	}
}

/* Also when both its neighbours run at once. */
static void
a_skipped_test_keeps_its_place_between_tests_that_run(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "aBCd");
	struct run *a = take(s, 0, "a@1"), *d = take(s, 1, "d@2");
	ends(s, d, 'P');
	assert_string_equal(released(s), "");
	ends(s, a, 'P');
	assert_string_equal(released(s), "a:P b:S c:S d:P");
}

/* A connection exists while a run is on it: nothing is opened for the surplus. */
static void
d20_more_connections_than_tests_are_never_used(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 5;
	set_up(s, "ab");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	take_none(s, 2);
	ends(s, a, 'P');
	ends(s, b, 'P');
	assert_counts(s, "passed 2");
}

/* ---- one at a time ---- */

static void
s14_a_serial_fixture_uses_one_connection_and_the_others_all(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 3;
	set_up(s, "a =bcd efg");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2"), *e = take(s, 2, "e@3");
	ends(s, a, 'P');
	struct run *f = take(s, 0, "f@1");
	ends(s, b, 'P');
	struct run *c = take(s, 1, "c@2");
	ends(s, e, 'P');
	struct run *g = take(s, 2, "g@3");
	ends(s, f, 'P');
	take_none(s, 0);
	ends(s, c, 'P');
	ends(s, take(s, 1, "d@2"), 'P');
	ends(s, g, 'P');
	assert_string_equal(released(s), "a:P b:P e:P f:P c:P g:P d:P");
}

static void
s15_serial_fixtures_run_beside_each_other(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 3;
	set_up(s, "=ab =cd =ef");
	struct run *run[3] = { take(s, 0, "a@1"), take(s, 1, "c@2"), take(s, 2, "e@3") };
	take_none(s, 0);
	ends(s, run[1], 'P');
	run[1] = take(s, 1, "d@2");
	ends(s, run[2], 'P');
	run[2] = take(s, 2, "f@3");
	ends(s, run[0], 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	ends(s, run[1], 'P');
	ends(s, run[2], 'P');
	assert_counts(s, "passed 6");
}

/* Another worker gets something else, or nothing, until the fixture's own shows no life. */
static void
a_serial_fixture_keeps_its_worker_as_long_as_it_lives(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "=ab c");
	ends(s, take(s, 0, "a@1"), 'P');
	struct run *c = take(s, 1, "c@2");
	take_none(s, 1);
	ends(s, c, 'P');
	take_none(s, 1);
	assert_true(s->job->ready);
	assert_int_equal(s->job->due_ms, s->uow.now_ms + CONNECTION_KEPT_MS);
	pass(s, CONNECTION_KEPT_MS - 1);
	take_none(s, 1);
	pass(s, 1);
	assert_int_equal(s->job->due_ms, 0);
	ends(s, take(s, 1, "b@1"), 'P');
	assert_counts(s, "passed 3");
}

/* A long run is a sign of life as well: its end begins the time anew. */
static void
a_serial_fixture_keeps_its_worker_after_a_long_attempt(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	set_up(s, "=a");
	struct run *a = take(s, 0, "a@1");
	pass(s, CONNECTION_KEPT_MS * 10);
	ends(s, a, 'F');
	take_none(s, 1);
	ends(s, take(s, 0, "a#2@1"), 'P');
	assert_counts(s, "passed 1 flaky 1");
}

/* Its connection was replaced, so anybody may have the next. */
static void
a_serial_fixture_whose_browser_is_lost_goes_on_at_any_worker(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "=abc");
	vanishes(s, take(s, 0, "a@1"), true);
	ends(s, take(s, 1, "a@1"), 'P');
	take_none(s, 0);
	ends(s, take(s, 1, "b@1"), 'P');
	ends(s, take(s, 1, "c@1"), 'P');
	assert_counts(s, "passed 3");
}

/* While a repeated test waits for its time the next one does not begin. */
static void
a_serial_fixture_waits_for_a_repeated_test(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .factor = 1, .delay_ms = 5000, .on = 1u << OUTCOME_FAILED
	};
	set_up(s, "=ab c");
	ends(s, take(s, 0, "a@1"), 'F');
	ends(s, take(s, 0, "c@2"), 'P');
	take_none(s, 0);
	pass(s, 5000);
	ends(s, take(s, 0, "a#2@1"), 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	assert_string_equal(released(s), "a:P* c:P b:P");
}

/* D09 as far as it is a scheduler's: nothing of the job was on it. */
static void
d09_defect_10_a_connection_lost_while_idle_fails_nothing(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	set_up(s, "=ab c");
	ends(s, take(s, 0, "a@1"), 'P');
	pass(s, CONNECTION_KEPT_MS); /* worker 0 is gone, and has nothing that could be lost */
	ends(s, take(s, 1, "b@1"), 'P');
	ends(s, take(s, 1, "c@1"), 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 3");
}

/* ---- alone ---- */

static void
an_isolated_fixture_runs_beside_nothing(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 3;
	set_up(s, "ab !cd ef");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	take_none(s, 2);
	ends(s, a, 'P');
	take_none(s, 2);
	ends(s, b, 'P');
	struct run *c = take(s, 2, "c@1");
	take_none(s, 0);
	take_none(s, 2);
	ends(s, c, 'P');
	take_none(s, 0);
	struct run *d = take(s, 2, "d@1");
	take_none(s, 2);
	ends(s, d, 'P');
	struct run *e = take(s, 0, "e@1"), *f = take(s, 1, "f@2");
	ends(s, e, 'P');
	ends(s, f, 'P');
	assert_counts(s, "passed 6");
}

static void
an_isolated_fixture_stops_the_other_groups_and_each_has_its_turn(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "a !b c");
	struct run *one = take(s, 0, "1/a@1");
	take_none(s, 1); /* one has come to its isolated fixture */
	ends(s, one, 'P');
	one = take(s, 0, "1/b@1");
	take_none(s, 1);
	ends(s, one, 'P');
	one = take(s, 0, "1/c@1");
	struct run *two = take(s, 1, "2/a@1");
	ends(s, two, 'P');
	take_none(s, 1);
	ends(s, one, 'P');
	two = take(s, 1, "2/b@1");
	take_none(s, 0);
	ends(s, two, 'P');
	ends(s, take(s, 1, "2/c@1"), 'P');
	assert_counts(s, "passed 6");
}

/* A unit that is to be repeated is under way: the isolated fixture waits for its verdict. */
static void
an_isolated_fixture_waits_for_repeated_tests(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.retry = (struct retry_policy) {
		.max = 1, .factor = 1, .delay_ms = 5000, .on = 1u << OUTCOME_FAILED
	};
	set_up(s, "a !<b> c");
	ends(s, take(s, 0, "a@1"), 'F');
	take_none(s, 0);
	pass(s, 5000);
	ends(s, take(s, 0, "a#2@1"), 'P');
	struct run *hook = take(s, 0, "<2@1");
	take_none(s, 1);
	ends(s, hook, 'P');
	ends(s, take(s, 0, "b@1"), 'P');
	hook = take(s, 0, ">2@1");
	take_none(s, 1);
	ends(s, hook, 'P');
	ends(s, take(s, 1, "c@1"), 'P');
	assert_string_equal(released(s), "a:P* b:P c:P");
}

/* The same for those of other groups; what waits there goes on meanwhile. */
static void
an_isolated_fixture_waits_for_repeated_tests_of_other_groups(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	s->spec.retry = (struct retry_policy) {
		.max = 1, .factor = 1, .delay_ms = 5000, .on = 1u << OUTCOME_FAILED
	};
	set_up(s, "a b !c");
	struct run *one = take(s, 0, "1/a@1"), *two = take(s, 1, "2/a@1");
	ends(s, two, 'F');
	ends(s, one, 'P');
	ends(s, take(s, 0, "1/b@1"), 'P');
	take_none(s, 0);
	pass(s, 5000);
	ends(s, take(s, 1, "2/a#2@1"), 'P');
	ends(s, take(s, 0, "1/c@1"), 'P');
	play_all(s, 'P');
	assert_counts(s, "passed 6 flaky 1");
}

/* Once it is open, hooks of other groups wait too. */
static void
an_isolated_fixture_that_is_open_holds_back_the_hooks_of_other_groups(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "a> b !c");
	struct run *one = take(s, 0, "1/a@1"), *two = take(s, 1, "2/a@1");
	ends(s, two, 'P');
	ends(s, one, 'P');
	ends(s, take(s, 0, "1/>1@1"), 'P');
	ends(s, take(s, 0, "1/b@1"), 'P');
	one = take(s, 0, "1/c@1");
	take_none(s, 1);
	ends(s, one, 'P');
	ends(s, take(s, 1, "2/>1@1"), 'P');
	play_all(s, 'P');
	assert_counts(s, "passed 6");
}

/* Group one has isolated fixtures only and no end: the others must still have their turn. */
static void
isolated_fixtures_of_one_group_do_not_starve_the_others(void **state)
{
	struct stage *s = *state;

	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	s->spec.iterations = 0;
	set_up(s, "!a !b");
	ends(s, take(s, 0, "1/a@1"), 'P');
	ends(s, take(s, 0, "2/a@1"), 'P');
	ends(s, take(s, 0, "1/b@1"), 'P');
	ends(s, take(s, 0, "2/b@1"), 'P');
	ends(s, take(s, 0, "1/2.a@1"), 'P');
	ends(s, take(s, 0, "2/2.a@1"), 'P');
}

/* ---- iterations and limits ---- */

static void
iterations_follow_each_other_in_each_group(void **state)
{
	struct stage *s = *state;

	s->spec.iterations = 2;
	s->spec.concurrency = 2;
	set_up(s, "<a> b");
	struct run *hook = take(s, 0, "<1@1"), *b = take(s, 1, "b@2");
	ends(s, b, 'P');
	take_none(s, 1);
	ends(s, hook, 'P');
	assert_int_equal(s->job->iteration, 1);
	ends(s, take(s, 0, "a@1"), 'P');
	hook = take(s, 0, ">1@1");
	take_none(s, 1);
	ends(s, hook, 'P');
	assert_int_equal(s->job->iteration, 2);
	hook = take(s, 0, "2.<1@1");
	ends(s, take(s, 1, "2.b@2"), 'P');
	ends(s, hook, 'P');
	ends(s, take(s, 0, "2.a@1"), 'P');
	ends(s, take(s, 0, "2.>1@1"), 'P');
	assert_string_equal(released(s), "b:P a:P 2.b:P 2.a:P");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
endless_iterations_end_with_a_failure(void **state)
{
	struct stage *s = *state;

	s->spec.iterations = 0;
	set_up(s, "a");
	for (int i = 0; i < 5; i++)
		ends(s, take_any(s), 'P');
	ends(s, take(s, 0, "6.a@1"), 'F');
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_counts(s, "passed 5 failed 1");
}

/* A unit that waits for its turn may borrow the connection that a fixture keeps: else the one
 * would wait for the other for ever when the results of the fixture wait for it. */
static void
what_waits_may_use_a_connection_that_is_kept(void **state)
{
	struct stage *s = *state;

	s->spec.retry = (struct retry_policy) {
		.max = 1, .factor = 1, .delay_ms = 5000, .on = 1u << OUTCOME_FAILED
	};
	set_up(s, "a =bcd");
	ends(s, take(s, 0, "a@1"), 'F');
	ends(s, take(s, 0, "b@1"), 'P');
	pass(s, 5000);
	ends(s, take(s, 1, "a#2@1"), 'P');
	ends(s, take(s, 0, "c@1"), 'P');
	ends(s, take(s, 0, "d@1"), 'P');
	assert_string_equal(released(s), "a:P* b:P c:P d:P");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(s01_one_connection_runs_one_test_after_the_other),
		T(s02_two_connections_run_two_tests_and_the_short_one_ends_first),
		T(s05_each_group_runs_every_test_on_its_own_connections),
		T(s06_the_slow_fixture_is_released_first),
		T(s07_the_job_starts_once_and_before_any_test),
		T(d01_defect_1_two_pops_in_one_instant_get_two_tests),
		T(d07_defect_7_a_blocked_fixture_does_not_hold_back_later_ones),
		T(d03_defect_3_the_end_comes_once_and_after_the_last_release),
		T(d13_a_repeated_test_goes_first_on_any_connection_and_keeps_its_place),
		T(d14_a_slow_group_does_not_hold_back_the_other),
		T(s67_each_unit_begins_and_is_released_once),
		T(d15_s70_a_skipped_test_reaches_no_connection_and_does_not_count_as_passed),
		T(a_skipped_test_keeps_its_place_between_tests_that_run),
		T(d20_more_connections_than_tests_are_never_used),
		T(s14_a_serial_fixture_uses_one_connection_and_the_others_all),
		T(s15_serial_fixtures_run_beside_each_other),
		T(a_serial_fixture_keeps_its_worker_as_long_as_it_lives),
		T(a_serial_fixture_keeps_its_worker_after_a_long_attempt),
		T(a_serial_fixture_whose_browser_is_lost_goes_on_at_any_worker),
		T(a_serial_fixture_waits_for_a_repeated_test),
		T(d09_defect_10_a_connection_lost_while_idle_fails_nothing),
		T(an_isolated_fixture_runs_beside_nothing),
		T(an_isolated_fixture_stops_the_other_groups_and_each_has_its_turn),
		T(an_isolated_fixture_waits_for_repeated_tests),
		T(an_isolated_fixture_waits_for_repeated_tests_of_other_groups),
		T(an_isolated_fixture_that_is_open_holds_back_the_hooks_of_other_groups),
		T(isolated_fixtures_of_one_group_do_not_starve_the_others),
		T(iterations_follow_each_other_in_each_group),
		T(endless_iterations_end_with_a_failure),
		T(what_waits_may_use_a_connection_that_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

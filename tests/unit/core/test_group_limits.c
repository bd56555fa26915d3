/* SPDX-License-Identifier: Apache-2.0 */
/* Large and strange grouped jobs: nothing spins, nothing hangs, no turn is long. */
#include "base/limits.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

/* n tests in fixtures of `each`, the first `n_skipped` of every fixture skipped. */
static void
many(struct stage *s, int32_t n, int32_t each, int32_t n_skipped)
{
	struct test_spec *tests = arena_xalloc(&s->arena, (size_t)(n + 2) * sizeof *tests);
	struct fixture_spec *fixture =
		arena_xalloc(&s->arena, (size_t)(n / each) * sizeof *fixture);

	for (int32_t i = 0; i < n + 2; i++)
		tests[i] = (struct test_spec) {
			.name = "t",
			.kind = "browser",
			.body = STR("{}"),
			.skip = i < n && i % each < n_skipped,
		};
	for (int32_t i = 0; i < n / each; i++)
		fixture[i] = (struct fixture_spec) { .name = "",
			.first = i * each,
			.n_tests = each,
			.before = -1,
			.after = -1 };
	s->spec.tests = tests;
	s->spec.n_tests = (size_t)n;
	s->spec.n_hooks = 2;
	s->spec.fixtures = fixture;
	s->spec.n_fixtures = (size_t)(n / each);
	s->spec.before = s->spec.after = -1;
}

/* The most runs that any of these turns made. */
static size_t
longest_turn(struct stage *s)
{
	size_t longest = 0;
	int n = 0;

	while (s->job->due_ms > 0 && s->job->due_ms <= s->uow.now_ms) {
		size_t before = s->uow.runs.n;
		plan_due(&s->uow, &s->lanes, s->job);
		longest = s->uow.runs.n - before > longest ? s->uow.runs.n - before : longest;
		assert_true(n++ < 1000);
	}
	return longest;
}

static void
a_job_of_skipped_tests_needs_no_worker(void **state)
{
	struct stage *s = *state;

	set_up(s, "{ <AB> C }");
	assert_told(s,
		"job.queued job.starting job.started a:S b:S c:S !a:S !b:S !c:S "
		"job.completed");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "skipped 3");
}

static void
a_job_of_skipped_tests_waits_for_its_time(void **state)
{
	struct stage *s = *state;

	s->spec.run_at_ms = STAGE_START_MS + 5000;
	set_up(s, "A");
	assert_is(s, JOB_QUEUED, JOB_REASON_NONE);
	assert_int_equal(s->job->due_ms, STAGE_START_MS + 5000);
	pass(s, 4999);
	assert_is(s, JOB_QUEUED, JOB_REASON_NONE);
	order(s, JOB_CMD_PAUSE);
	pass(s, 1);
	assert_is(s, JOB_PAUSED, JOB_REASON_NONE);
	order(s, JOB_CMD_UNPAUSE);
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_told(s,
		"job.queued job.paused job.unpaused job.starting job.started a:S !a:S "
		"job.completed");
}

static void
a_job_of_skipped_tests_without_end_ends(void **state)
{
	struct stage *s = *state;

	s->spec.iterations = 0;
	set_up(s, "AB");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "skipped 2");
}

static void
a_job_of_skipped_tests_counts_all_its_iterations(void **state)
{
	struct stage *s = *state;

	s->spec.iterations = 5;
	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "AB");
	assert_counts(s, "skipped 20");
	order(s, JOB_CMD_START);
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "skipped 20");
}

static void
ten_thousand_skipped_tests_are_reported_in_short_turns(void **state)
{
	struct stage *s = *state;

	many(s, TESTS_PER_JOB_MAX, TESTS_PER_JOB_MAX, TESTS_PER_JOB_MAX);
	struct queue *queue = lanes_get_queue(&s->lanes, &s->uow, 1, "default");
	s->job = plan_create(&s->uow, &s->lanes, 1, queue, &s->spec);
	assert_true(longest_turn(s) <= GROUP_STEP_MAX);
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_int_equal(s->job->counts.skipped, TESTS_PER_JOB_MAX);
}

/* Each fixture has its one skipped test: the last of a turn ends with a fixture. */
static void
a_thousand_idle_fixtures_are_reported_in_short_turns(void **state)
{
	struct stage *s = *state;

	many(s, FIXTURES_PER_JOB_MAX, 1, 1);
	struct queue *queue = lanes_get_queue(&s->lanes, &s->uow, 1, "default");
	s->job = plan_create(&s->uow, &s->lanes, 1, queue, &s->spec);
	assert_true(longest_turn(s) <= GROUP_STEP_MAX);
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_int_equal(s->job->counts.skipped, FIXTURES_PER_JOB_MAX);
}

static void
ten_thousand_tests_fail_with_the_jobs_before_hook_in_short_turns(void **state)
{
	struct stage *s = *state;

	many(s, TESTS_PER_JOB_MAX, 100, 3);
	s->spec.before = TESTS_PER_JOB_MAX;
	s->spec.after = TESTS_PER_JOB_MAX + 1;
	struct queue *queue = lanes_get_queue(&s->lanes, &s->uow, 1, "default");
	s->job = plan_create(&s->uow, &s->lanes, 1, queue, &s->spec);
	struct run *hook = plan_lease(&s->uow, &s->lanes, s->job, &s->workers[0]);
	size_t before = s->uow.runs.n;
	plan_finish(
		&s->uow, &s->lanes, hook, &(struct run_result) { .outcome = OUTCOME_FAILED });
	assert_true(s->uow.runs.n - before <= GROUP_STEP_MAX);
	assert_false(s->job->ready);
	assert_true(longest_turn(s) <= GROUP_STEP_MAX);
	assert_int_equal(s->job->counts.failed, TESTS_PER_JOB_MAX - 300);
	assert_int_equal(s->job->counts.skipped, 300);
	assert_true(s->job->ready); /* its after hook */
	play_all(s, 'P');
	assert_is(s, JOB_FAILED, JOB_REASON_TESTS_FAILED);
}

/* What is left to be done is kept with the plan: another change of the job does not lose it. */
static void
a_pause_in_the_middle_of_a_long_report_loses_nothing(void **state)
{
	struct stage *s = *state;

	many(s, 1000, 1000, 1000);
	struct queue *queue = lanes_get_queue(&s->lanes, &s->uow, 1, "default");
	s->job = plan_create(&s->uow, &s->lanes, 1, queue, &s->spec);
	plan_due(&s->uow, &s->lanes, s->job);
	assert_int_equal(s->job->counts.skipped, GROUP_STEP_MAX);
	struct err err;
	assert_int_equal(plan_command(&s->uow, &s->lanes, s->job, JOB_CMD_PAUSE, &err), 0);
	assert_int_equal(turns(s), 0);
	assert_int_equal(s->job->counts.skipped, GROUP_STEP_MAX);
	order(s, JOB_CMD_UNPAUSE);
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_int_equal(s->job->counts.skipped, 1000);
}

/* 300 skipped tests, then one that is not, in each of ten fixtures. */
static void
long_rows_of_skipped_tests_stand_before_live_ones(void **state)
{
	struct stage *s = *state;

	for (int mode = 0; mode <= FIXTURE_ISOLATED; mode++) {
		many(s, 3010, 301, 300);
		struct fixture_spec *fixture = (struct fixture_spec *)s->spec.fixtures;
		for (int i = 0; i < 10; i++)
			fixture[i].mode = (enum fixture_mode)mode;
		s->spec.concurrency = 2;
		set_up(s, NULL);
		play_all(s, 'P');
		assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
		assert_counts(s, "passed 10 skipped 3000");
	}
}

static int32_t
n_held(const struct stage *s)
{
	int32_t n = 0;

	for (const struct run *run = s->job->open_runs; run; run = run->job_next)
		n += run->state == RUN_HELD;
	return n;
}

static void
no_more_than_a_thousand_results_are_held(void **state)
{
	struct stage *s = *state;

	many(s, 2500, 2500, 0);
	s->spec.concurrency = 2;
	set_up(s, NULL);
	struct run *first = plan_lease(&s->uow, &s->lanes, s->job, &s->workers[0]);
	for (int i = 0; i < RUNS_HELD_MAX; i++)
		ends(s, take_any(s), 'P');
	assert_int_equal(n_held(s), RUNS_HELD_MAX);
	take_none(s, 0);
	assert_int_equal(s->job->due_ms, 0);
	ends(s, first, 'P');
	assert_int_equal(n_held(s), 0);
	play_all(s, 'P');
	assert_counts(s, "passed 2500");
}

/* Nor of those that need no run. */
static void
no_more_than_a_thousand_skipped_tests_are_held(void **state)
{
	struct stage *s = *state;

	many(s, 5000, 1000, 999);
	s->spec.concurrency = 2;
	set_up(s, NULL);
	struct run *first = take_any(s), *second = take_any(s);
	ends(s, second, 'P');
	take_none(s, 0);
	assert_int_equal(n_held(s), RUNS_HELD_MAX);
	assert_int_equal(s->job->due_ms, 0); /* and it does not spin */
	ends(s, first, 'P');
	play_all(s, 'P');
	assert_counts(s, "passed 5 skipped 4995");
}

/* They stand between the only test and its fixture's after hook, for which it waits. */
static void
many_skipped_tests_do_not_keep_an_after_hook_away(void **state)
{
	struct stage *s = *state;

	many(s, 3000, 3000, 0);
	struct test_spec *tests = (struct test_spec *)s->spec.tests;
	for (int i = 1; i < 3000; i++)
		tests[i].skip = true;
	((struct fixture_spec *)s->spec.fixtures)->after = 3000;
	set_up(s, NULL);
	play_all(s, 'P');
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 1 skipped 2999");
}

/* {"message": as long as an error may be}, not cut by anybody before. */
static const char *
long_error(struct stage *s)
{
	char *text = arena_xalloc(&s->arena, RUN_ERROR_BYTES_MAX + 1);
	int n = snprintf(text, RUN_ERROR_BYTES_MAX, "{\"message\":\"");

	memset(text + n, 'x', (size_t)(RUN_ERROR_BYTES_MAX - n - 2));
	memcpy(text + RUN_ERROR_BYTES_MAX - 2, "\"}", 3);
	return text;
}

static int64_t
held_bytes(const struct stage *s)
{
	struct group_load load = { 0 };

	for (const struct run *run = s->job->open_runs; run; run = run->job_next)
		group_load_add(&load, run);
	return load.bytes;
}

/* A stack of text hangs on each result: fewer are held. */
static void
held_results_are_bounded_by_their_errors(void **state)
{
	struct stage *s = *state;
	const char *error = long_error(s);

	many(s, 2500, 2500, 0);
	s->spec.concurrency = 2;
	set_up(s, NULL);
	struct run *first = take_any(s);
	struct run *run;
	int n = 0;
	while ((run = try_take(s, 0))) {
		ends_with(s, run, 'F', NULL, error);
		n++;
	}
	assert_int_equal(n, RUNS_HELD_BYTES_MAX / RUN_ERROR_BYTES_MAX);
	assert_in_range(
		held_bytes(s), RUNS_HELD_BYTES_MAX, RUNS_HELD_BYTES_MAX + RUN_ERROR_BYTES_MAX);
	assert_int_equal(s->job->due_ms, 0);
	ends(s, first, 'P');
	assert_int_equal(n_held(s), 0);
	play_all(s, 'P');
	assert_int_equal(s->job->counts.failed, n);
	assert_int_equal(s->job->counts.passed, 2500 - n);
}

/* All of many connections are busy when the group becomes full. */
static void
errors_of_many_busy_connections_are_cut(void **state)
{
	struct stage *s = *state;
	const char *error = long_error(s);
	enum { BUSY = 200, GROUPS = 4 };
	struct run *runs[BUSY * GROUPS];

	many(s, 300, 300, 0);
	s->spec.concurrency = BUSY;
	s->spec.n_targets = GROUPS;
	s->spec.targets = "a,b,c,d";
	set_up(s, NULL);
	for (int i = 0; i < BUSY * GROUPS; i++)
		runs[i] = take_any(s);
	for (int i = GROUPS; i < BUSY * GROUPS; i++)
		ends_with(s, runs[i], 'F', NULL, error);
	assert_int_equal(n_held(s), (BUSY - 1) * GROUPS);
	assert_true(held_bytes(s) < 2 * RUNS_HELD_BYTES_MAX + GROUPS * RUN_ERROR_BYTES_MAX +
			(int64_t)BUSY * GROUPS * (HELD_ERROR_BYTES_MAX + 32));
	take_none(s, 0);
	for (int i = 0; i < GROUPS; i++)
		ends(s, runs[i], 'P');
	assert_int_equal(s->job->counts.failed, (BUSY - 1) * GROUPS);
	play_all(s, 'P');
	assert_int_equal(s->job->counts.passed, 300 * GROUPS - (BUSY - 1) * GROUPS);
}

/* A plan's text that nobody wrote: the plan begins anew, whatever it says. */
static void
a_corrupt_plan_begins_anew(void **state)
{
	struct stage *s = *state;
	static const char *const plans[] = {
		"",
		"nonsense",
		"[]",
		"{\"incarnation\":1}",
		"{\"incarnation\":1,\"groups\":[]}",
		"{\"incarnation\":1,\"groups\":[{}]}",
		"{\"incarnation\":1,\"groups\":[{\"phase\":9,\"iteration\":1,\"start\":1}]}",
		"{\"incarnation\":1,\"groups\":[{\"phase\":2,\"iteration\":1,\"start\":1,\"next\":3}]}",
		"{\"incarnation\":1,\"groups\":[{\"phase\":2,\"iteration\":1,\"start\":1,\"next\":2,"
		"\"open\":[{\"fixture\":2}]}]}",
		"{\"incarnation\":1,\"groups\":[{\"phase\":2,\"iteration\":1,\"start\":1,\"next\":2,"
		"\"open\":[{\"fixture\":0,\"next\":77}]}]}",
		"{\"incarnation\":1,\"groups\":[{\"phase\":2,\"iteration\":1,\"start\":1,\"next\":2,"
		"\"open\":[{\"fixture\":0,\"connection\":5000}]}]}",
		"{\"incarnation\":1,\"groups\":[{\"phase\":2,\"iteration\":1,\"start\":1,\"next\":2,"
		"\"open\":[{\"fixture\":0},{\"fixture\":0}]}]}",
	};

	set_up(s, "ab c");
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		s->job->plan = plans[i];
		s->job->grouping = NULL;
		const struct group *group = &group_of(&s->uow, s->job)->groups[0];
		assert_int_equal(group->phase, GROUP_TESTS);
		assert_int_equal(group->iteration, 1);
		assert_int_equal(group->next_fixture, 0);
		assert_int_equal(group->n_open, 0);
	}
	play_all(s, 'P');
	assert_counts(s, "passed 3");
}

/* As many hooks as there can be fail, each with as long an error as there can be. */
static void
the_errors_of_very_many_hooks_do_not_burst_the_plan(void **state)
{
	struct stage *s = *state;

	many(s, FIXTURES_PER_JOB_MAX, 1, 0);
	s->spec.n_targets = TARGETS_PER_JOB_MAX;
	set_up(s, NULL);
	struct grouping *grouping = group_of(&s->uow, s->job);
	char *error = arena_xalloc(&s->arena, HOOK_ERROR_BYTES_MAX);
	memset(error, 'x', HOOK_ERROR_BYTES_MAX - 1);
	for (int i = 0; i < TARGETS_PER_JOB_MAX; i++) {
		for (int k = 0; k < FIXTURES_PER_JOB_MAX; k++) {
			struct open_fixture *open =
				group_open(&s->uow, grouping, &grouping->groups[i], k);
			open->phase = FIXTURE_AFTER;
			open->connection = CONCURRENCY_MAX;
			open->worker = s->workers[0].id;
			open->seen_ms = s->uow.now_ms;
			open->before_run = open->last_run = INT64_MAX;
			open->failed = OUTCOME_FAILED;
			open->error = error;
		}
	}
	group_save(&s->uow, s->job);
	s->job->grouping = NULL;
	grouping = group_of(&s->uow, s->job);
	assert_int_equal(grouping->groups[31].n_open, FIXTURES_PER_JOB_MAX);
	assert_null(grouping->groups[31].open[999].error);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_job_of_skipped_tests_needs_no_worker),
		T(a_job_of_skipped_tests_waits_for_its_time),
		T(a_job_of_skipped_tests_without_end_ends),
		T(a_job_of_skipped_tests_counts_all_its_iterations),
		T(ten_thousand_skipped_tests_are_reported_in_short_turns),
		T(a_thousand_idle_fixtures_are_reported_in_short_turns),
		T(ten_thousand_tests_fail_with_the_jobs_before_hook_in_short_turns),
		T(a_pause_in_the_middle_of_a_long_report_loses_nothing),
		T(long_rows_of_skipped_tests_stand_before_live_ones),
		T(no_more_than_a_thousand_results_are_held),
		T(no_more_than_a_thousand_skipped_tests_are_held),
		T(many_skipped_tests_do_not_keep_an_after_hook_away),
		T(held_results_are_bounded_by_their_errors),
		T(errors_of_many_busy_connections_are_cut),
		T(a_corrupt_plan_begins_anew),
		T(the_errors_of_very_many_hooks_do_not_burst_the_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

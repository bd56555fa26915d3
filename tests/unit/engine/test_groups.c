/* SPDX-License-Identifier: Apache-2.0 */
/* Grouped jobs through turns: what is due at once gets the next turn, and then it is quiet. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "stage.h"

enum { N_TESTS = 1000 };

static struct test_spec tests[N_TESTS + 1];
static struct fixture_spec fixtures[N_TESTS];

/* One fixture of n tests and maybe a before hook, all skipped or none. */
static void
group_spec(struct stage *stage, int32_t n, bool skip, bool has_before)
{
	for (int32_t i = 0; i <= n; i++)
		tests[i] = (struct test_spec) {
			.name = "t",
			.kind = "command",
			.body = STR_INIT("{}"),
			.skip = skip && i < n,
		};
	fixtures[0] = (struct fixture_spec) {
		.name = "f", .n_tests = n, .before = has_before ? n : -1, .after = -1
	};
	stage->spec.tests = tests;
	stage->spec.n_tests = (size_t)n;
	stage->spec.n_hooks = has_before;
	stage->spec.is_grouped = true;
	stage->spec.fixtures = fixtures;
	stage->spec.n_fixtures = 1;
	stage->spec.before = stage->spec.after = -1;
}

static uint64_t
n_turns(const struct stage *stage)
{
	struct engine_stats stats;

	engine_stats(stage->engine, &stats);
	return stats.turns;
}

/* Nothing is to be done before the next hour's housekeeping. */
static void
assert_quiet(const struct stage *stage)
{
	assert_true(engine_next_due(stage->engine) > stage->now_ms + MINUTES_MS(1));
}

static void
a_job_of_skipped_tests_ends_in_a_few_turns_and_nothing_spins(void **state)
{
	struct stage *stage = *state;

	group_spec(stage, N_TESTS, true, false);
	struct job_id job = create(stage);
	uint64_t before = n_turns(stage);
	later(stage, 0);
	assert_state(stage, job, JOB_COMPLETED);
	assert_int_equal(look(stage, job)->counts.skipped, N_TESTS);
	assert_in_range(n_turns(stage) - before, 1, N_TESTS / GROUP_STEP_MAX + 1);
	assert_quiet(stage);
}

/* Killed in the middle, the next server goes on where this one was. */
static void
a_long_report_survives_a_restart(void **state)
{
	struct stage *stage = *state;

	group_spec(stage, N_TESTS, true, false);
	struct job_id job = create(stage);
	assert_int_equal(turn(stage, NULL, 0), 0);
	assert_int_equal(look(stage, job)->counts.skipped, GROUP_STEP_MAX);
	stage_restart(stage);
	later(stage, 0);
	assert_state(stage, job, JOB_COMPLETED);
	assert_int_equal(look(stage, job)->counts.skipped, N_TESTS);
	assert_quiet(stage);
}

static void
a_failed_hook_ends_all_its_tests_without_another_poll(void **state)
{
	struct stage *stage = *state;

	group_spec(stage, N_TESTS, false, true);
	struct job_id job = create(stage);
	struct hand worker = hand(stage);
	(void)ask(stage, &worker);
	assert_int_equal(worker.n_holds, 1);
	(void)give(stage, &worker, 0, OUTCOME_FAILED);
	later(stage, 0);
	assert_state(stage, job, JOB_FAILED);
	assert_int_equal(look(stage, job)->counts.failed, N_TESTS);
}

static void
d01_two_workers_in_one_turn_get_two_tests(void **state)
{
	struct stage *stage = *state;

	group_spec(stage, 2, false, false);
	stage->spec.concurrency = 2;
	(void)create(stage);
	struct hand one = hand(stage), two = hand(stage);
	struct intent *first = new_poll(&one, true), *second = new_poll(&two, true);
	TURN(stage, first, second);
	assert_int_equal(first->out.poll.n_leases, 1);
	assert_int_equal(second->out.poll.n_leases, 1);
	const struct lease *a = first->out.poll.leases, *b = second->out.poll.leases;
	assert_int_not_equal(a->test_index, b->test_index);
	assert_int_not_equal(a->connection, b->connection);
}

/* The result that the hook brings and the lease that carries it are of one turn. */
static void
what_a_hook_found_out_goes_with_the_next_lease(void **state)
{
	struct stage *stage = *state;

	group_spec(stage, 2, false, true);
	(void)create(stage);
	struct hand worker = hand(stage);
	(void)ask(stage, &worker);
	struct intent *poll = new_poll(&worker, true);
	poll_add_result(poll, &worker.holds[0], OUTCOME_PASSED);
	struct poll_result *result = (struct poll_result *)poll->in.poll.results;
	result->result.result = "{\"output\":{\"user\":\"ann\"}}";
	poll->in.poll.n_holds = 0;
	TURN(stage, poll);
	assert_int_equal(poll->out.poll.n_leases, 1);
	const struct lease *lease = poll->out.poll.leases;
	assert_null(lease->role);
	assert_true(str_eq(
		lease->results[RESULT_OF_FIXTURE], STR("{\"output\":{\"user\":\"ann\"}}")));
	assert_int_equal(lease->results[RESULT_OF_JOB].n, 0);
}

/* Worker two waits in a parked poll; nobody asks for anything meanwhile. */
static void
a_connection_that_is_kept_is_given_away_in_time(void **state)
{
	struct stage *stage = *state;

	group_spec(stage, 2, false, false);
	fixtures[0].mode = FIXTURE_SERIAL;
	struct job_id job = create(stage);
	struct hand one = hand(stage), two = hand(stage);
	(void)ask(stage, &one);
	(void)give(stage, &one, 0, OUTCOME_PASSED);
	struct intent *parked = ask(stage, &two);
	assert_false(is_answered(stage, parked));
	later(stage, CONNECTION_KEPT_MS - 1);
	assert_false(is_answered(stage, parked));
	later(stage, 1);
	assert_leased(stage, parked, job);
}

/* ---- jobs that are too heavy to be loaded together ---- */

enum { N_HEAVY = 8, HEAVY_BYTES = 20000 };

/* Eight jobs of a hundred fixtures; a turn may load what two of them take. */
static void
heavy_jobs(struct stage *stage, struct job_id jobs[N_HEAVY])
{
	static char name[NAME_BYTES_MAX + 1];

	memset(name, 'n', NAME_BYTES_MAX);
	group_spec(stage, 100, false, false);
	for (int32_t i = 0; i < 100; i++)
		fixtures[i] = (struct fixture_spec) {
			.name = name, .first = i, .n_tests = 1, .before = -1, .after = -1
		};
	stage->spec.n_fixtures = 100;
	for (int i = 0; i < N_HEAVY; i++)
		jobs[i] = create(stage);
	stage->load_bytes_max = 3 * HEAVY_BYTES;
	stage_restart(stage);
}

static void
ready_jobs_beyond_a_turns_memory_wait_for_the_next(void **state)
{
	struct stage *stage = *state;
	struct job_id jobs[N_HEAVY];

	heavy_jobs(stage, jobs);
	struct hand worker = hand(stage);
	worker.capacity = N_HEAVY;
	for (int i = 0; i < N_HEAVY; i++) {
		(void)ask(stage, &worker);
		assert_true(worker.n_holds > (size_t)i);
	}
	for (int i = 0; i < N_HEAVY; i++)
		assert_state(stage, jobs[i], JOB_STARTING);
}

static void
requests_beyond_a_turns_memory_are_refused_and_the_engine_goes_on(void **state)
{
	struct stage *stage = *state;
	struct job_id jobs[N_HEAVY];
	struct intent *all[N_HEAVY];
	int n_refused = 0;

	heavy_jobs(stage, jobs);
	for (int i = 0; i < N_HEAVY; i++)
		all[i] = new_command(jobs[i], JOB_CMD_PAUSE);
	assert_int_equal(turn(stage, all, N_HEAVY), 0);
	for (int i = 0; i < N_HEAVY; i++) {
		assert_true(is_answered(stage, all[i]));
		if (all[i]->status != INTENT_IS_ERROR)
			continue;
		assert_int_equal(all[i]->err.code, ERR_UNAVAILABLE);
		n_refused++;
	}
	assert_in_range(n_refused, N_HEAVY / 2, N_HEAVY - 1);
	assert_state(stage, jobs[0], JOB_PAUSED);
	assert_state(stage, jobs[N_HEAVY - 1], JOB_QUEUED);
	command(stage, jobs[N_HEAVY - 1], JOB_CMD_PAUSE);
	assert_state(stage, jobs[N_HEAVY - 1], JOB_PAUSED);
}

static void
one_request_that_is_too_much_by_itself_is_told_so(void **state)
{
	struct stage *stage = *state;
	struct job_id jobs[N_HEAVY];
	struct run_ref runs[N_HEAVY];

	heavy_jobs(stage, jobs);
	struct hand worker = hand(stage);
	worker.capacity = N_HEAVY;
	for (int i = 0; i < N_HEAVY; i++) {
		(void)ask(stage, &worker);
		runs[i] = worker.holds[i];
	}
	struct intent *poll = new_poll(&worker, false);
	for (int i = 0; i < N_HEAVY; i++)
		poll_add_result(poll, &runs[i], OUTCOME_PASSED);
	TURN(stage, poll);
	assert_int_equal(poll->status, INTENT_IS_ERROR);
	assert_int_equal(poll->err.code, ERR_LIMIT);
	for (int i = 0; i < N_HEAVY; i++)
		(void)give(stage, &worker, 0, OUTCOME_PASSED);
	for (int i = 0; i < N_HEAVY; i++)
		assert_int_equal(look(stage, jobs[i])->counts.passed, 1);
}

/* All at once, and one of them with more than a turn may load. */
static void
lost_workers_beyond_a_turns_memory_give_back_their_runs(void **state)
{
	struct stage *stage = *state;
	struct job_id jobs[N_HEAVY];
	struct hand workers[3];

	heavy_jobs(stage, jobs);
	for (size_t w = 0; w < ARRAY_LEN(workers); w++) {
		workers[w] = hand(stage);
		workers[w].capacity = w == 0 ? 6 : 1;
		while (workers[w].n_holds < (size_t)workers[w].capacity)
			(void)ask(stage, &workers[w]);
	}
	later(stage, 2 * STAGE_LEASE_MS + 30000);
	for (int i = 0; i < N_HEAVY; i++)
		assert_int_equal(look(stage, jobs[i])->running, 0);
	stage_restart(stage);
	assert_int_equal(turn(stage, NULL, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
		STAGED(a_job_of_skipped_tests_ends_in_a_few_turns_and_nothing_spins),
		STAGED(a_long_report_survives_a_restart),
		STAGED(a_failed_hook_ends_all_its_tests_without_another_poll),
		STAGED(d01_two_workers_in_one_turn_get_two_tests),
		STAGED(what_a_hook_found_out_goes_with_the_next_lease),
		STAGED(a_connection_that_is_kept_is_given_away_in_time),
		STAGED(ready_jobs_beyond_a_turns_memory_wait_for_the_next),
		STAGED(requests_beyond_a_turns_memory_are_refused_and_the_engine_goes_on),
		STAGED(one_request_that_is_too_much_by_itself_is_told_so),
		STAGED(lost_workers_beyond_a_turns_memory_give_back_their_runs),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}

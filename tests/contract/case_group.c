/* SPDX-License-Identifier: Apache-2.0 */
/* Grouped jobs: their plan looks at all their open runs, whichever way they come into a turn.
 */
#include "cases.h"
#include "kit.h"

#include <string.h>

static struct job *
new_grouped_job(struct fixture *fx)
{
	struct job *job = new_job(fx, "grouped");

	job->layout =
		"{\"fixtures\":[[\"é\",0,3,1,3,-1]],\"before\":-1,\"after\":-1,\"skip\":[]}";
	job->plan = "{\"incarnation\":1,\"groups\":[{\"phase\":2}]}";
	job->n_tests = 3;
	job->concurrency = 2;
	job->cancel_on_first_failure = true;
	job->quarantine = (struct quarantine_policy) { 5, 3 };
	return job;
}

/* A run of the job in that state. */
static struct run *
new_run_in(struct fixture *fx, struct job *job, struct worker_id worker, enum run_state state,
	int32_t test)
{
	struct run *run = new_run(fx, job, worker);

	run->test = test;
	run->start_n = test + 1;
	run->connection = 1 + test % 2;
	run->state = state;
	job->running -= state != RUN_LEASED;
	job->waiting += state == RUN_WAITING;
	if (state >= RUN_HELD) {
		run->outcome = OUTCOME_FAILED;
		run->error = "{\"message\":\"so\"}";
		run->result = "{\"output\":{\"n\":7}}";
		run->finished_ms = fx->now_ms;
		run->is_last = true;
		run->passes = 2;
		run->quarantine = 9;
	}
	job->ready = true;
	return run;
}

/* Ids of what put_mixed made. */
struct mixed {
	struct job_id job;
	int64_t seq;
	struct worker_id worker;
	struct run_id leased, waiting, held, finished;
	int64_t held_seq, finished_seq;
};

/* A job that has a run in each state. */
static struct mixed
put_mixed(struct fixture *fx, bool is_grouped)
{
	turn(fx);
	load(fx);
	struct job *job = is_grouped ? new_grouped_job(fx) : new_job(fx, "plain");
	struct worker_row *worker = new_worker(fx, "w");
	const struct run *leased = new_run_in(fx, job, worker->id, RUN_LEASED, 0);
	const struct run *waiting = new_run_in(fx, job, worker->id, RUN_WAITING, 1);
	const struct run *held = new_run_in(fx, job, worker->id, RUN_HELD, 2);
	const struct run *finished = new_run_in(fx, job, worker->id, RUN_FINISHED, 3);
	struct mixed mixed = {
		.job = job->id,
		.seq = job->seq,
		.worker = worker->id,
		.leased = leased->id,
		.waiting = waiting->id,
		.held = held->id,
		.finished = finished->id,
		.held_seq = held->seq,
		.finished_seq = finished->seq,
	};
	job->due_ms = fx->now_ms;
	save(fx);
	return mixed;
}

/* Leased, waiting, held: in order of age, each once. */
static void
assert_all_open(struct fixture *fx, const struct mixed *mixed)
{
	const struct job *job = job_of(fx, mixed->job);
	const struct run *run = job->open_runs;
	const struct run_id expected[] = { mixed->leased, mixed->waiting, mixed->held };

	assert_true(job->runs_loaded);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++, run = run->job_next) {
		assert_non_null(run);
		assert_memory_equal(&run->id, &expected[i], sizeof run->id);
		assert_ptr_equal(run->job, job);
	}
	assert_null(run);
}

static void
a_grouped_job_comes_with_all_its_open_runs(void **state)
{
	struct fixture *fx = *state;
	const struct mixed mixed = put_mixed(fx, true);

	for (int round = 0; round < 6; round++) {
		turn(fx);
		if (round == 0)
			want_claim(fx, 1, 10);
		else if (round == 1)
			want_run(fx, mixed.leased);
		else if (round == 2)
			want_job(fx, mixed.job);
		else if (round == 3)
			want_worker(fx, mixed.worker);
		else if (round == 4)
			want_run(fx, mixed.finished);
		fx->keys.due_ms = round == 5 ? fx->now_ms : 0;
		fx->keys.due_max = round == 5 ? 10 : 0;
		load(fx);
		assert_all_open(fx, &mixed);
		reopen(fx);
	}
}

/* All ways at once: still each run once. */
static void
a_grouped_job_is_loaded_once(void **state)
{
	struct fixture *fx = *state;
	const struct mixed mixed = put_mixed(fx, true);

	turn(fx);
	want_claim(fx, 1, 10);
	want_run(fx, mixed.held);
	want_run(fx, mixed.leased);
	want_worker(fx, mixed.worker);
	want_job(fx, mixed.job);
	load(fx);
	assert_all_open(fx, &mixed);
}

/* A plain job that is claimed brings only what could go next. */
static void
a_plain_job_is_claimed_with_what_waits(void **state)
{
	struct fixture *fx = *state;
	const struct mixed mixed = put_mixed(fx, false);

	turn(fx);
	want_claim(fx, 1, 10);
	load(fx);
	const struct run *run = job_of(fx, mixed.job)->open_runs;
	assert_memory_equal(&run->id, &mixed.waiting, sizeof run->id);
	assert_null(run->job_next);
}

static void
a_grouped_job_keeps_its_columns(void **state)
{
	struct fixture *fx = *state;
	const struct mixed mixed = put_mixed(fx, true);

	reopen(fx);
	const struct job *job = read_back(fx, mixed.job);
	assert_non_null(strstr(job->layout, "é"));
	assert_non_null(strstr(job->plan, "\"phase\":2"));
	assert_true(job->cancel_on_first_failure);
	assert_int_equal(job->quarantine.attempt_limit, 5);
	assert_int_equal(job->quarantine.success_threshold, 3);

	turn(fx);
	want_job(fx, mixed.job);
	load(fx);
	job_of(fx, mixed.job)->plan = NULL;
	job_of(fx, mixed.job)->counts.quarantined = 4;
	uow_touch_job(&fx->uow, job_of(fx, mixed.job));
	save(fx);
	job = read_back(fx, mixed.job);
	assert_null(job->plan);
	assert_int_equal(job->counts.quarantined, 4);
}

/* What is held has its outcome and may get another; then it is finished and leaves the plan. */
static void
a_held_run_is_released(void **state)
{
	struct fixture *fx = *state;
	const struct mixed mixed = put_mixed(fx, true);

	turn(fx);
	want_job(fx, mixed.job);
	load(fx);
	struct run *run = run_of(fx, mixed.held);
	assert_int_equal(run->outcome, OUTCOME_FAILED);
	assert_int_equal(run->start_n, 3);
	assert_int_equal(run->connection, 1);
	assert_int_equal(run->passes, 2);
	assert_int_equal(run->quarantine, 9);
	run->outcome = OUTCOME_ERRORED;
	run->reason = "after_hook";
	run->state = RUN_FINISHED;
	uow_touch_run(&fx->uow, run);
	uow_touch_job(&fx->uow, run->job);
	save(fx);

	reopen(fx);
	turn(fx);
	want_job(fx, mixed.job);
	want_run(fx, mixed.held);
	load(fx);
	run = run_of(fx, mixed.held);
	assert_int_equal(run->state, RUN_FINISHED);
	assert_int_equal(run->outcome, OUTCOME_ERRORED);
	assert_string_equal(run->reason, "after_hook");
	const struct run *open = job_of(fx, mixed.job)->open_runs;
	assert_memory_equal(&open->id, &mixed.leased, sizeof open->id);
	assert_memory_equal(&open->job_next->id, &mixed.waiting, sizeof open->id);
	assert_null(open->job_next->job_next);
}

/* A lease brings the results of the hooks before it, those that are held as well. */
static void
results_come_with_a_lease(void **state)
{
	struct fixture *fx = *state;
	const struct mixed mixed = put_mixed(fx, true);
	const struct test_key keys[] = {
		{ mixed.seq, 0, { mixed.finished_seq, mixed.held_seq } },
		{ mixed.seq, 0, { 0, mixed.finished_seq } },
		{ mixed.seq, 0, { 99999, 0 } },
		{ mixed.seq, 0, { 0, 0 } },
	};
	struct job_test tests[ARRAY_LEN(keys)];
	struct job_options options[ARRAY_LEN(keys)];
	const struct str expected = STR_INIT("{\"output\":{\"n\":7}}");

	reopen(fx);
	turn(fx);
	load(fx);
	assert_done(fx,
		store_load_tests(fx->store, keys, ARRAY_LEN(keys), &fx->arena, tests, options,
			&fx->err));
	assert_true(str_eq(tests[0].results[RESULT_OF_JOB], expected));
	assert_true(str_eq(tests[0].results[RESULT_OF_FIXTURE], expected));
	assert_int_equal(tests[1].results[RESULT_OF_JOB].n, 0);
	assert_true(str_eq(tests[1].results[RESULT_OF_FIXTURE], expected));
	assert_int_equal(tests[2].results[RESULT_OF_JOB].n, 0);
	assert_int_equal(tests[3].results[RESULT_OF_JOB].n, 0);
	assert_int_equal(tests[3].results[RESULT_OF_FIXTURE].n, 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_string_equal(tests[i].name, "only");
}

/* Ten ready jobs of 10 KiB each in each of two lanes. */
enum { N_HEAVY = 10, HEAVY_BYTES = 10240 };

static void
put_heavy(struct fixture *fx, struct job_id ids[2 * N_HEAVY])
{
	static char layout[HEAVY_BYTES + 1];

	memset(layout, 'x', HEAVY_BYTES);
	turn(fx);
	load(fx);
	for (int i = 0; i < 2 * N_HEAVY; i++) {
		struct job *job = new_job(fx, "heavy");
		job->layout = layout;
		job->lane = 1 + i % 2;
		job->ready = true;
		job->due_ms = fx->now_ms;
		ids[i] = job->id;
	}
	save(fx);
}

static void
claims_stop_at_their_share_of_the_memory(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[2 * N_HEAVY];
	size_t of_lane[3] = { 0 };

	put_heavy(fx, ids);
	turn(fx);
	fx->keys.bytes_max = 2 * 8 * HEAVY_BYTES;
	want_claim(fx, 1, N_HEAVY);
	want_claim(fx, 2, N_HEAVY);
	load(fx);
	for (size_t i = 0; i < fx->uow.jobs.n; i++)
		of_lane[fx->uow.jobs.item[i]->lane]++;
	assert_in_range(of_lane[1], 3, 5);
	assert_in_range(of_lane[2], 3, 5);
	assert_true(fx->uow.is_cut);

	turn(fx);
	fx->keys.bytes_max = 2 * 3 * N_HEAVY * HEAVY_BYTES;
	want_claim(fx, 1, N_HEAVY);
	want_claim(fx, 2, N_HEAVY);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 2 * N_HEAVY);
	assert_false(fx->uow.is_cut);
}

static void
what_is_due_stops_at_half_of_the_memory(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[2 * N_HEAVY];

	put_heavy(fx, ids);
	turn(fx);
	fx->keys.bytes_max = 2 * 5 * HEAVY_BYTES;
	fx->keys.due_ms = fx->now_ms;
	fx->keys.due_max = 2 * N_HEAVY;
	load(fx);
	assert_in_range(fx->uow.due_jobs.n, 4, 6);
	assert_true(fx->uow.is_cut);
}

static void
too_much_that_is_named_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[2 * N_HEAVY];

	put_heavy(fx, ids);
	turn(fx);
	fx->keys.bytes_max = 5 * HEAVY_BYTES;
	for (int i = 0; i < N_HEAVY; i++)
		want_job(fx, ids[i]);
	assert_int_equal(store_load(fx->store, &fx->keys, &fx->uow, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);

	turn(fx);
	fx->keys.bytes_max = 5 * HEAVY_BYTES;
	for (int i = 0; i < 4; i++)
		want_job(fx, ids[i]);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 4);
	assert_false(fx->uow.is_cut);
}

const struct contract_case group_cases[] = {
	{ "a grouped job comes with all its open runs",
		a_grouped_job_comes_with_all_its_open_runs },
	{ "a grouped job is loaded once", a_grouped_job_is_loaded_once },
	{ "a plain job is claimed with what waits", a_plain_job_is_claimed_with_what_waits },
	{ "claims stop at their share of the memory",
		claims_stop_at_their_share_of_the_memory },
	{ "what is due stops at half of the memory", what_is_due_stops_at_half_of_the_memory },
	{ "too much that is named is refused", too_much_that_is_named_is_refused },
	{ "a grouped job keeps its columns", a_grouped_job_keeps_its_columns },
	{ "a held run is released", a_held_run_is_released },
	{ "results come with a lease", results_come_with_a_lease },
	{ NULL, NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands, losses and failures at any moment: whatever happens, the job comes to its end, and
 * nothing is left over. The simulator does the same with servers and networks; here a turn
 * costs nothing, so very many moments are tried. STORM_FIRST=N STORMS=1 repeats number N.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/parse.h"
#include "group_scene.h"

enum { STORMS = 700, STEPS_MAX = 3000 };

static const char *const lines[] = {
	"{ <ab> =<cD> !e> F }",
	"ab =cd =ef",
	"!<a> !b c",
	"<abcd> <e> f",
	"A B cD =E f }",
	"{ a> b> c> }",
};

static void
random_job(struct stage *s)
{
	static const char *const names[] = { NULL, "one", "one,two", "one,two,three" };
	struct rng *rng = &s->rng;

	s->spec.n_targets = 1 + rng_below(rng, 3);
	s->spec.targets = names[s->spec.n_targets];
	s->spec.concurrency = 1 + (int32_t)rng_below(rng, 3);
	s->spec.iterations = 1 + (int64_t)rng_below(rng, 2);
	s->spec.failures_to_ignore = (int64_t)rng_below(rng, 3);
	s->spec.stop_on_first_failure = rng_below(rng, 3) == 0;
	s->spec.cancel_on_first_failure =
		s->spec.stop_on_first_failure && rng_below(rng, 2) == 0;
	s->spec.timeout_ms = rng_below(rng, 6) == 0 ? 20000 : 0;
	s->spec.run_at_ms = rng_below(rng, 6) == 0 ? STAGE_START_MS + 3000 : 0;
	if (rng_below(rng, 2) == 0)
		s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	else
		s->spec.retry = (struct retry_policy) { .max = 1,
			.factor = 1,
			.delay_ms = (int64_t)rng_below(rng, 2) * 4000,
			.on = 1u << OUTCOME_FAILED | 1u << OUTCOME_ERRORED };
	fixtures(s, lines[rng_below(rng, ARRAY_LEN(lines))]);
}

static struct run *
any_leased(struct stage *s)
{
	struct run *found = NULL;
	uint64_t n = 0;

	for (struct run *run = s->job->open_runs; run; run = run->job_next) {
		if (run->state == RUN_LEASED && rng_below(&s->rng, ++n) == 0)
			found = run;
	}
	return found;
}

static void
end_some_run(struct stage *s, struct run *run)
{
	static const char outcomes[] = "PPPPPPPPFFETS";
	const char *reason;
	char outcome = outcomes[rng_below(&s->rng, sizeof outcomes - 1)];

	if (plan_directive(run, &reason) == DIRECTIVE_STOP)
		ends(s, run, 'C');
	else if (rng_below(&s->rng, 12) == 0)
		vanishes(s, run, rng_below(&s->rng, 2) == 0);
	else if (outcome == 'E' && rng_below(&s->rng, 8) == 0)
		ends_with(s, run, 'E', "invalid_definition", NULL);
	else
		ends(s, run, outcome);
}

static void
give_some_command(struct stage *s)
{
	static const enum job_command commands[] = { JOB_CMD_PAUSE, JOB_CMD_UNPAUSE,
		JOB_CMD_STOP, JOB_CMD_CANCEL, JOB_CMD_START };
	enum job_command command = commands[rng_below(&s->rng, ARRAY_LEN(commands))];

	if (job_allows(s->job->state, command))
		order(s, command);
}

/* One thing that may happen. */
static void
step(struct stage *s, bool has_commands)
{
	struct run *run = any_leased(s);
	uint64_t dice = rng_below(&s->rng, 100);

	if (has_commands && dice < 4)
		give_some_command(s);
	else if (run && dice < 45)
		end_some_run(s, run);
	else if (dice < 90)
		(void)try_take(s, (int)rng_below(&s->rng, STAGE_WORKERS));
	else
		pass(s, 1 + (int64_t)rng_below(&s->rng, 3000));
}

static void
check_rest(struct stage *s)
{
	const struct job *job = s->job;
	bool ran_out = job->state == JOB_COMPLETED ||
		(job->state == JOB_FAILED && job->reason != JOB_REASON_TIMEOUT);

	assert_int_equal(job->running, 0);
	assert_int_equal(job->waiting, 0);
	assert_int_equal(job->due_ms, 0);
	assert_false(job->ready);
	assert_int_equal(lanes_queue(&s->lanes, job->queue)->running, 0);
	for (size_t i = 0; i < s->uow.runs.n; i++)
		assert_int_equal(s->uow.runs.item[i]->state, RUN_FINISHED);
	if (ran_out)
		assert_int_equal(job_units_done(job), job_units_total(job));
	assert_true(job_units_done(job) <= job_units_total(job));
}

/* Troubled first, then only what ends a job. */
static void
storm(uint64_t seed)
{
	void *state = NULL;
	int n = 0;

	assert_int_equal(stage_setup(&state), 0);
	struct stage *s = state;
	rng_seed(&s->rng, seed);
	random_job(s);
	set_up(s, NULL);
	for (uint64_t i = rng_below(&s->rng, 120); i > 0; i--)
		step(s, true);
	if (job_allows(s->job->state, JOB_CMD_UNPAUSE))
		order(s, JOB_CMD_UNPAUSE);
	while (!job_state_is_final(s->job->state)) {
		if (n++ > STEPS_MAX)
			fail_msg("seed %llu: the job is %s for ever: %s",
				(unsigned long long)seed, job_state_name(s->job->state),
				s->job->plan);
		step(s, false);
	}
	check_rest(s);
	(void)stage_teardown(&state);
}

static void
whatever_happens_the_job_ends_and_leaves_nothing(void **state)
{
	const char *first_text = getenv("STORM_FIRST"), *n_text = getenv("STORMS");
	int64_t first = 1, n = STORMS;
	struct err err;

	(void)state;
	if (first_text)
		assert_int_equal(parse_i64(str_of(first_text), 1, INT64_MAX, &first, &err), 0);
	if (n_text)
		assert_int_equal(parse_i64(str_of(n_text), 1, INT64_MAX, &n, &err), 0);
	for (int64_t seed = first; seed < first + n; seed++)
		storm((uint64_t)seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_the_job_ends_and_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

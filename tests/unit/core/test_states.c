/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of states, walked. What a command may meet is written down here a second time,
 * cell by cell, so that a change of the table has to be meant.
 */
#include "base/cleanup.h"
#include "core/definition.h"
#include "core/run.h"
#include "core/worker_row.h"
#include "unit.h"

static unsigned
reachable_from(enum job_state start)
{
	unsigned seen = 1u << start, before = 0;

	while (seen != before) {
		before = seen;
		for (int from = 0; from < JOB_STATE_COUNT; from++) {
			for (int to = 0; to < JOB_STATE_COUNT; to++) {
				if ((seen & 1u << from) && job_state_may(from, to))
					seen |= 1u << to;
			}
		}
	}
	return seen;
}

static void
every_state_of_a_job_can_be_reached(void **state)
{
	(void)state;
	assert_int_equal(reachable_from(JOB_QUEUED), (1u << JOB_STATE_COUNT) - 1);
}

static void
a_job_can_end_from_every_state(void **state)
{
	const unsigned final =
		1u << JOB_COMPLETED | 1u << JOB_FAILED | 1u << JOB_STOPPED | 1u << JOB_INVALID;

	(void)state;
	for (int from = 0; from < JOB_STATE_COUNT; from++)
		assert_true(reachable_from(from) & final);
}

static void
a_final_state_has_one_exit_to_a_new_incarnation(void **state)
{
	(void)state;
	for (int from = 0; from < JOB_STATE_COUNT; from++) {
		if (!job_state_is_final(from))
			continue;
		for (int to = 0; to < JOB_STATE_COUNT; to++)
			assert_int_equal(job_state_may(from, to), to == JOB_RESTARTING);
	}
	assert_true(job_state_is_final(JOB_COMPLETED));
	assert_true(job_state_is_final(JOB_FAILED));
	assert_true(job_state_is_final(JOB_STOPPED));
	assert_true(job_state_is_final(JOB_INVALID));
	assert_false(job_state_is_final(JOB_QUEUED));
	assert_false(job_state_is_final(JOB_PAUSED));
	assert_false(job_state_is_final(JOB_STOPPING));
}

static void
no_state_leads_to_itself(void **state)
{
	(void)state;
	for (int s = 0; s < JOB_STATE_COUNT; s++)
		assert_false(job_state_may(s, s));
}

/* p: pause, u: unpause, s: stop, r: start, c: cancel, d: delete; a dot where it is refused. */
static const struct {
	enum job_state state;
	const char *allows;
} cells[] = {
	{ JOB_QUEUED, "p.s.cd" },
	{ JOB_STARTING, "p.srcd" },
	{ JOB_RUNNING, "p.srcd" },
	{ JOB_PAUSING, ".usrcd" },
	{ JOB_PAUSED, ".usrcd" },
	{ JOB_STOPPING, ".....d" },
	{ JOB_RESTARTING, "..s.cd" },
	{ JOB_COMPLETED, "...r.d" },
	{ JOB_FAILED, "...r.d" },
	{ JOB_STOPPED, "...r.d" },
	{ JOB_INVALID, "...r.d" },
};

static void
each_state_allows_the_commands_of_its_row(void **state)
{
	static const enum job_command order[] = { JOB_CMD_PAUSE, JOB_CMD_UNPAUSE, JOB_CMD_STOP,
		JOB_CMD_START, JOB_CMD_CANCEL, JOB_CMD_DELETE };

	(void)state;
	assert_int_equal(ARRAY_LEN(cells), JOB_STATE_COUNT);
	assert_int_equal(ARRAY_LEN(order), JOB_CMD_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		for (size_t k = 0; k < ARRAY_LEN(order); k++) {
			bool allowed = cells[i].allows[k] != '.';
			if (job_allows(cells[i].state, order[k]) != allowed)
				fail_msg("%s a job that is %s: expected %s",
					job_command_name(order[k]),
					job_state_name(cells[i].state),
					allowed ? "allowed" : "refused");
		}
	}
}

static void
the_mover_moves_along_an_edge(void **state)
{
	struct job job = { .state = JOB_QUEUED };
	struct run run = { .state = RUN_WAITING };

	(void)state;
	job_move(&job, JOB_STARTING);
	assert_int_equal(job.state, JOB_STARTING);
	run_move(&run, RUN_LEASED);
	assert_int_equal(run.state, RUN_LEASED);
}

static void
a_run_goes_back_and_forth_until_it_is_finished(void **state)
{
	(void)state;
	assert_true(run_state_may(RUN_WAITING, RUN_LEASED));
	assert_true(run_state_may(RUN_LEASED, RUN_WAITING));
	assert_true(run_state_may(RUN_LEASED, RUN_FINISHED));
	assert_true(run_state_may(RUN_WAITING, RUN_FINISHED));
	for (int to = 0; to < RUN_STATE_COUNT; to++)
		assert_false(run_state_may(RUN_FINISHED, to));
}

/* ---- words ---- */

static void
names_come_back_as_what_they_name(void **state)
{
	enum job_state job_state;
	enum job_reason reason;
	enum run_state run_state;
	enum run_outcome outcome;

	(void)state;
	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		assert_int_equal(job_state_parse(job_state_name(i), &job_state), 0);
		assert_int_equal(job_state, i);
	}
	for (int i = 1; i < JOB_REASON_COUNT; i++) {
		assert_int_equal(job_reason_parse(job_reason_name(i), &reason), 0);
		assert_int_equal(reason, i);
	}
	for (int i = 0; i < RUN_STATE_COUNT; i++) {
		assert_int_equal(run_state_parse(run_state_name(i), &run_state), 0);
		assert_int_equal(run_state, i);
	}
	for (int i = 1; i < OUTCOME_COUNT; i++) {
		assert_int_equal(run_outcome_parse(run_outcome_name(i), &outcome), 0);
		assert_int_equal(outcome, i);
	}
}

static void
words_that_name_nothing_are_refused(void **state)
{
	enum job_state job_state;
	enum job_reason reason;
	enum run_state run_state;
	enum run_outcome outcome;

	(void)state;
	assert_int_equal(job_state_parse("Queued", &job_state), -1);
	assert_int_equal(job_reason_parse("", &reason), -1);
	assert_int_equal(run_state_parse("lease", &run_state), -1);
	assert_int_equal(run_outcome_parse("none", &outcome), -1);
	assert_null(job_reason_name(JOB_REASON_NONE));
	assert_null(run_outcome_name(OUTCOME_NONE));
}

/* They are in databases and in other people's programs: they do not change. */
static void
words_are_those_of_the_design(void **state)
{
	(void)state;
	assert_string_equal(job_state_name(JOB_QUEUED), "queued");
	assert_string_equal(job_state_name(JOB_STOPPING), "stopping");
	assert_string_equal(job_state_name(JOB_RESTARTING), "restarting");
	assert_string_equal(job_reason_name(JOB_REASON_TESTS_FAILED), "tests_failed");
	assert_string_equal(job_reason_name(JOB_REASON_WORKER_LOST), "worker_lost");
	assert_string_equal(run_outcome_name(OUTCOME_TIMED_OUT), "timed_out");
	assert_string_equal(job_command_name(JOB_CMD_UNPAUSE), "unpause");
	assert_string_equal(def_kind_name(DEF_TEST), "test");
	assert_string_equal(def_kind_name(DEF_TEMPLATE), "template");
	assert_string_equal(worker_state_name(WORKER_ONLINE), "online");
	assert_string_equal(worker_state_name(WORKER_GONE), "gone");
}

/* ---- arithmetic ---- */

static void
progress_counts_units_not_attempts(void **state)
{
	struct job job = {
		.iterations = 5,
		.n_tests = 3,
		.n_targets = 2,
		.counts = { .passed = 4,
			.failed = 3,
			.errored = 2,
			.timed_out = 1,
			.skipped = 5,
			.flaky = 2 },
	};

	(void)state;
	assert_int_equal(job_units_total(&job), 30);
	assert_int_equal(job_units_done(&job), 15);
	assert_int_equal(job_failures(&job), 6);
	assert_int_equal(job_percent(&job), 50);
	job.iterations = 0;
	assert_int_equal(job_units_total(&job), -1);
	assert_int_equal(job_percent(&job), -1);
}

static void
a_reason_is_shown_once_the_job_ends_or_is_being_ended(void **state)
{
	struct job job = { .reason = JOB_REASON_TESTS_FAILED };

	(void)state;
	for (int s = 0; s < JOB_STATE_COUNT; s++) {
		job.state = s;
		bool shown = job_state_is_final(s) || s == JOB_STOPPING;
		assert_int_equal(job_shown_reason(&job),
			shown ? JOB_REASON_TESTS_FAILED : JOB_REASON_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_of_a_job_can_be_reached),
		cmocka_unit_test(a_job_can_end_from_every_state),
		cmocka_unit_test(a_final_state_has_one_exit_to_a_new_incarnation),
		cmocka_unit_test(no_state_leads_to_itself),
		cmocka_unit_test(each_state_allows_the_commands_of_its_row),
		cmocka_unit_test(the_mover_moves_along_an_edge),
		cmocka_unit_test(a_run_goes_back_and_forth_until_it_is_finished),
		cmocka_unit_test(names_come_back_as_what_they_name),
		cmocka_unit_test(words_that_name_nothing_are_refused),
		cmocka_unit_test(words_are_those_of_the_design),
		cmocka_unit_test(progress_counts_units_not_attempts),
		cmocka_unit_test(a_reason_is_shown_once_the_job_ends_or_is_being_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

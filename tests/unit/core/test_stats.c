/* SPDX-License-Identifier: Apache-2.0 */
/* What a turn adds to the figures, and what tables make of it. */
#include "core/stats.h"

#include <stdlib.h>

#include "base/limits.h"
#include "core/histogram.h"
#include "core/stats_table.h"
#include "unit.h"

#define NOON_MS (DAYS_MS(20000) + HOURS_MS(12))

static struct arena arena;
static struct rng rng;
static struct uow uow;
static struct job job;
static struct run runs[8];
static struct stat_unit units[8];
static size_t n_units;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(4));
	rng_seed(&rng, 1);
	uow_init(&uow, &arena, &rng, NOON_MS);
	job = (struct job) {
		.seq = 1,
		.project = 1,
		.queue = 3,
		.kind = "command",
		.n_tests = 1,
		.tags = "[\"smoke\",\"shop\"]",
		.keys = "site=a\nteam=payments",
		.state = JOB_COMPLETED,
		.reason = JOB_REASON_PASSED,
		.created_ms = NOON_MS - 500,
		.queued_ms = 100,
		.started_ms = NOON_MS - 400,
		.completed_ms = NOON_MS,
		.incarnation = 1,
		.change = ROW_CHANGED,
	};
	n_units = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	uow_deinit(&uow);
	arena_deinit(&arena);
	return 0;
}

/* A unit of the test "pays" that was decided in this turn. */
static struct stat_unit *
unit(enum run_outcome outcome, int64_t finished_ms)
{
	struct run *run = &runs[n_units];
	struct stat_unit *one = &units[n_units++];

	*run = (struct run) {
		.seq = (int64_t)n_units,
		.job_seq = 1,
		.project = 1,
		.incarnation = 1,
		.attempt = 1,
		.fence = 1,
		.state = RUN_FINISHED,
		.outcome = outcome,
		.is_last = true,
		.finished_ms = finished_ms,
		.duration_ms = 40,
		.job = &job,
		.change = ROW_CHANGED,
	};
	*one = (struct stat_unit) {
		.run = run,
		.is_unit = true,
		.is_finished = true,
		.name = "pays",
		.kind = "command",
	};
	return one;
}

static void
collect(void)
{
	stats_collect(&uow, units, n_units);
}

/* The cell with these attributes; NULL: the turn made none. */
static const struct stat_cell *
cell_of(enum stat_subject subject, enum stat_scale scale, const char *tag)
{
	for (size_t i = 0; i < uow.stats.n; i++) {
		const struct stat_cell *cell = uow.stats.item[i];

		if (cell->subject == (int32_t)subject && cell->scale == (int32_t)scale &&
			strcmp(cell->tag, tag) == 0)
			return cell;
	}
	return NULL;
}

/* The same, and it must be there. */
static const struct stat_cell *
the_cell(enum stat_subject subject, enum stat_scale scale, const char *tag)
{
	const struct stat_cell *cell = cell_of(subject, scale, tag);

	if (!cell)
		fail_msg("no cell of subject %d, scale %d, tag \"%s\"", subject, scale, tag);
	return cell;
}

static void
a_turn_in_which_nothing_ended_makes_nothing(void **state)
{
	(void)state;
	collect();
	assert_int_equal(uow.stats.n, 0);
	assert_int_equal(uow.known_tests.n, 0);
}

static void
a_job_is_counted_without_a_tag_and_under_each(void **state)
{
	(void)state;
	UOW_PUSH(&uow, &uow.ended, &job);
	collect();
	assert_int_equal(uow.stats.n, 4); /* its day, that under two tags, its hour */
	const struct stat_cell *day = the_cell(STAT_JOB, STAT_DAY, "");

	assert_int_equal(day->at_ms, NOON_MS - HOURS_MS(12));
	assert_int_equal(day->n, 1);
	assert_int_equal(day->queued_ms, 100);
	assert_int_equal(day->run_ms, 400);
	assert_string_equal(day->team, "payments");
	assert_string_equal(day->state, "completed");
	assert_non_null(cell_of(STAT_JOB, STAT_DAY, "smoke"));
	assert_non_null(cell_of(STAT_JOB, STAT_DAY, "shop"));
	const struct stat_cell *hour = the_cell(STAT_JOB, STAT_HOUR, "");

	assert_int_equal(hour->at_ms, NOON_MS);
	assert_string_equal(hour->team, "");
	assert_null(cell_of(STAT_JOB, STAT_HOUR, "smoke"));
}

static void
a_job_that_never_ran_has_no_durations(void **state)
{
	(void)state;
	job.state = JOB_STOPPED;
	job.started_ms = 0;
	UOW_PUSH(&uow, &uow.ended, &job);
	collect();
	const struct stat_cell *day = the_cell(STAT_JOB, STAT_DAY, "");

	assert_int_equal(day->n, 1);
	assert_int_equal(day->run_ms, 0);
	assert_string_equal(day->run_hist, "");
	assert_string_equal(day->queued_hist, "");
}

static void
a_deleted_job_is_not_counted(void **state)
{
	(void)state;
	job.change = ROW_DELETED;
	UOW_PUSH(&uow, &uow.ended, &job);
	collect();
	assert_int_equal(uow.stats.n, 0);
}

static void
other_verdicts_are_transitions(void **state)
{
	(void)state;
	unit(OUTCOME_PASSED, NOON_MS);
	unit(OUTCOME_FAILED, NOON_MS + 1);
	unit(OUTCOME_TIMED_OUT, NOON_MS + 2); /* the same verdict as failed */
	unit(OUTCOME_SKIPPED, NOON_MS + 3);   /* none */
	unit(OUTCOME_PASSED, NOON_MS + 4);
	collect();
	const struct stat_cell *tests = the_cell(STAT_TEST, STAT_DAY, "");

	assert_int_equal(tests->n, 5);
	assert_int_equal(tests->passed, 2);
	assert_int_equal(tests->failed, 1);
	assert_int_equal(tests->timed_out, 1);
	assert_int_equal(tests->skipped, 1);
	assert_int_equal(tests->transitions, 2);
	assert_int_equal(tests->attempts, 5);
	assert_int_equal(uow.known_tests.n, 1);
	assert_int_equal(uow.known_tests.item[0]->n, 5);
	assert_int_equal(uow.known_tests.item[0]->streak, 1);
	assert_int_equal(uow.known_tests.item[0]->outcome, OUTCOME_PASSED);
	assert_int_equal(runs[0].test_key, stats_test_key(1, "pays"));
	assert_int_equal(the_cell(STAT_ERROR, STAT_DAY, "")->n, 1);
}

/* As those of the backlog are. */
static void
an_older_unit_changes_no_verdict(void **state)
{
	struct stat_unit *late;

	(void)state;
	late = unit(OUTCOME_FAILED, NOON_MS - DAYS_MS(3));
	late->known = (struct known_test) {
		.n = 7, .outcome = OUTCOME_PASSED, .last_ms = NOON_MS, .streak = 7
	};
	collect();
	const struct known_test *known = uow.known_tests.item[0];

	assert_int_equal(known->n, 8);
	assert_int_equal(known->outcome, OUTCOME_PASSED);
	assert_int_equal(known->last_ms, NOON_MS);
	assert_int_equal(known->streak, 7);
	assert_int_equal(the_cell(STAT_TEST, STAT_DAY, "")->transitions, 0);
	assert_int_equal(
		cell_of(STAT_TEST, STAT_DAY, "")->at_ms, NOON_MS - HOURS_MS(12) - DAYS_MS(3));
}

static void
a_quarantined_failure_is_in_no_other_figure(void **state)
{
	(void)state;
	unit(OUTCOME_FAILED, NOON_MS)->run->quarantine = 5;
	unit(OUTCOME_PASSED, NOON_MS)->run->attempt = 2;
	collect();
	const struct stat_cell *tests = the_cell(STAT_TEST, STAT_DAY, "");

	assert_int_equal(tests->quarantined, 1);
	assert_int_equal(tests->failed, 0);
	assert_int_equal(tests->passed, 1);
	assert_int_equal(tests->flaky, 1);
}

/* ---- tables ---- */

static struct stat_groups groups;

static void
add(const char *name, int64_t passed, int64_t failed, int64_t transitions)
{
	const struct stat_cell cell = {
		.subject = STAT_TEST,
		.name = name,
		.kind = "command",
		.tmpl = "",
		.tag = "",
		.team = "",
		.state = "",
		.reason = "",
		.n = passed + failed,
		.passed = passed,
		.failed = failed,
		.transitions = transitions,
		.queued_hist = "",
		.run_hist = "",
	};
	struct err err;

	assert_int_equal(stat_groups_add(&groups, &cell, &err), 0);
}

static const char *
names(void)
{
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < groups.n; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? " " : "",
			groups.item[i]->key);
	}
	return text;
}

static void
groups_are_sorted_and_those_without_a_value_stand_last(void **state)
{
	double rate;

	(void)state;
	stat_groups_init(&groups, STAT_TEST, STAT_BY_NAME, &arena);
	add("half", 1, 1, 1);
	add("none", 0, 0, 0);
	add("good", 4, 0, 0);
	add("half", 0, 2, 0);
	add("bad", 0, 4, 2);
	assert_int_equal(groups.n, 4);
	assert_int_equal(groups.total.cell.n, 12);
	stat_groups_sort(&groups, STAT_SORT_SUCCESS_RATE, false);
	assert_string_equal(names(), "bad half good none");
	stat_groups_sort(&groups, STAT_SORT_SUCCESS_RATE, true);
	assert_string_equal(names(), "good half bad none");
	stat_groups_sort(&groups, STAT_SORT_N, true);
	assert_string_equal(names(), "bad good half none");
	assert_true(stat_success_rate(&groups.item[2]->sum, STAT_TEST, &rate));
	assert_true(rate == 0.25);
	assert_false(stat_success_rate(&groups.item[3]->sum, STAT_TEST, &rate));
	assert_false(stat_flakiness(&groups.item[3]->sum, &rate));

	stat_groups_keep(&groups, 4, true);
	assert_string_equal(names(), "bad half");
	stat_groups_deinit(&groups);
}

int
main(void)
{
#define WITH_TURN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_TURN(a_turn_in_which_nothing_ended_makes_nothing),
		WITH_TURN(a_job_is_counted_without_a_tag_and_under_each),
		WITH_TURN(a_job_that_never_ran_has_no_durations),
		WITH_TURN(a_deleted_job_is_not_counted),
		WITH_TURN(other_verdicts_are_transitions),
		WITH_TURN(an_older_unit_changes_no_verdict),
		WITH_TURN(a_quarantined_failure_is_in_no_other_figure),
		WITH_TURN(groups_are_sorted_and_those_without_a_value_stand_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

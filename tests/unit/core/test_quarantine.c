/* SPDX-License-Identifier: Apache-2.0 */
/* Quarantine: docs/protocol/browser-jobs.md, 5. Each row of the table is checked twice: by the
 * rule alone, and by a job that lives through it. */
#include <stdio.h>

#include "base/limits.h"
#include "group_scene.h"

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

struct row {
	int32_t limit, successes;
	const char *sequence; /* P and F, an attempt each */
	bool passed, unstable;
};

/* clang-format off */
static const struct row rows[] = {
	{  5, 3, "P",          true,  false },
	{  5, 3, "FFF",        false, false },
	{  5, 3, "FPPP",       true,  true  },
	{  5, 3, "FPFF",       false, true  },
	{  5, 3, "FPFPP",      true,  true  },
	{  5, 3, "FPFPF",      false, true  },
	{  5, 2, "FFPP",       true,  true  },
	{  3, 1, "FP",         true,  true  },
	{  3, 1, "FFP",        true,  true  },
	{  3, 1, "FFF",        false, false },
	{  2, 1, "FP",         true,  true  },
	{  2, 1, "FF",         false, false },
	{  4, 3, "FF",         false, false },
	{ 10, 3, "FFFFFFFF",   false, false },
	{ 10, 9, "FPPPPPPPPP", true,  true  },
};
/* clang-format on */

static void
check_rule(const struct row *row)
{
	struct quarantine_policy policy = { row->limit, row->successes };
	struct quarantine_tally tally = { 0 };
	size_t n = strlen(row->sequence);

	for (size_t i = 0; i < n; i++) {
		tally.attempts++;
		tally.last_passed = row->sequence[i] == 'P';
		tally.passes += tally.last_passed;
		assert_int_equal(quarantine_again(&policy, &tally), i + 1 < n);
	}
	assert_int_equal(tally.last_passed, row->passed);
	assert_int_equal(quarantine_is_unstable(&tally), row->unstable);
}

/* One test between two others, on two connections; each attempt is its own run. */
static void
check_plan(struct stage *s, const struct row *row)
{
	size_t n = strlen(row->sequence);
	char text[64];

	s->spec.concurrency = 2;
	s->spec.quarantine = (struct quarantine_policy) { row->limit, row->successes };
	set_up(s, "abc");
	struct run *a = take(s, 0, "a@1"), *run = NULL;
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, i == 0 ? "b@2" : "b#%zu@2", i + 1);
		run = take(s, 1, text);
		assert_int_equal(run->attempt, i + 1);
		ends(s, run, row->sequence[i]);
	}
	ends(s, take(s, 1, "c@2"), 'P'); /* nothing of b is left to be tried */
	ends(s, a, 'P');
	snprintf(text, sizeof text, "a:P b:%c%s c:P", row->passed ? 'P' : 'F',
		row->unstable ? "*" : "");
	assert_string_equal(released(s), text);
	assert_is(s, row->passed ? JOB_COMPLETED : JOB_FAILED,
		row->passed ? JOB_REASON_PASSED : JOB_REASON_TESTS_FAILED);
	snprintf(text, sizeof text, "\"attempts\":%zu", n);
	size_t found = 0;
	for (size_t i = 0; i < s->uow.events.n; i++) {
		const struct event *event = &s->uow.events.item[i];
		found += event->type == EV_RUN_RELEASED && strstr(event->data.p, text) &&
			uuid_eq(&event->run.u, &run->id.u);
	}
	assert_int_equal(found, 1);
}

/* One test for each row, so that its number is in the name. */
#define ROW_TEST(name, index)                     \
	static void name(void **state)            \
	{                                         \
		check_rule(&rows[index]);         \
		check_plan(*state, &rows[index]); \
	}

ROW_TEST(table_2_2_row_01_5_3_P, 0)
ROW_TEST(table_2_2_row_02_5_3_FFF, 1)
ROW_TEST(table_2_2_row_03_s21_5_3_FPPP, 2)
ROW_TEST(table_2_2_row_04_s22_5_3_FPFF, 3)
ROW_TEST(table_2_2_row_05_5_3_FPFPP, 4)
ROW_TEST(table_2_2_row_06_5_3_FPFPF, 5)
ROW_TEST(table_2_2_row_07_s19_5_2_FFPP, 6)
ROW_TEST(table_2_2_row_08_3_1_FP, 7)
ROW_TEST(table_2_2_row_09_3_1_FFP, 8)
ROW_TEST(table_2_2_row_10_3_1_FFF, 9)
ROW_TEST(table_2_2_row_11_2_1_FP, 10)
ROW_TEST(table_2_2_row_12_2_1_FF, 11)
ROW_TEST(table_2_2_row_13_4_3_FF, 12)
ROW_TEST(table_2_2_row_14_s18_10_3_FFFFFFFF, 13)
ROW_TEST(table_2_2_row_15_10_9_FPPPPPPPPP, 14)

static void
without_quarantine_nothing_is_repeated(void **state)
{
	(void)state;
	struct quarantine_policy none = { 0 };

	assert_false(quarantine_again(&none, &(struct quarantine_tally) { .attempts = 1 }));
}

/* Every policy and every sequence ends within the limit, by the threshold that was reached. */
static void
every_sequence_ends_with_a_verdict_within_the_limit(void **state)
{
	(void)state;
	for (int limit = 2; limit <= 8; limit++) {
		for (int successes = 1; successes < limit; successes++) {
			for (unsigned bits = 0; bits < 1u << limit; bits++) {
				struct quarantine_policy policy = { limit, successes };
				struct quarantine_tally tally = { 0 };
				do {
					tally.last_passed = bits >> tally.attempts & 1;
					tally.passes += tally.last_passed;
					tally.attempts++;
					assert_true(tally.attempts <= limit);
				} while (quarantine_again(&policy, &tally));
				bool passed = tally.attempts == 1 || tally.passes >= successes;
				assert_int_equal(tally.last_passed, passed);
			}
		}
	}
}

/* ---- with the rest of the plan ---- */

/* Defect 4, D04: what counts is the attempt, however many errors it has. */
static void
d04_defect_4_before_done_is_said_once_for_each_unit(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 5, 3 };
	set_up(s, "a");
	ends_with(s, take(s, 0, "a@1"), 'F', NULL,
		"{\"message\":\"One.\\nTwo.\\nThree.\",\"errors\":[{},{},{}]}");
	for (int i = 0; i < 3; i++)
		ends(s, take_any(s), 'P');
	assert_told(s,
		"job.queued job.starting +a job.started a~F +a a~P +a a~P +a a:P !a:P* "
		"job.completed");
}

static void
s17_a_repeated_test_of_a_serial_fixture_stays_on_its_connection(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	set_up(s, "=ab c");
	struct run *a = take(s, 0, "a@1"), *c = take(s, 1, "c@2");
	ends(s, c, 'P');
	ends(s, a, 'F');
	take_none(s, 1);
	ends(s, take(s, 0, "a#2@1"), 'P');
	take_none(s, 1);
	ends(s, take(s, 0, "b@1"), 'P');
	assert_counts(s, "passed 3 flaky 1");
}

static void
d02_defect_2_the_last_test_of_a_serial_fixture_stays_too(void **state)
{
	struct stage *s = *state;

	s->spec.concurrency = 2;
	s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	set_up(s, "=ab cd");
	struct run *a = take(s, 0, "a@1"), *c = take(s, 1, "c@2");
	ends(s, a, 'P');
	struct run *b = take(s, 0, "b@1");
	ends(s, c, 'P');
	ends(s, b, 'F');
	ends(s, take(s, 1, "d@2"), 'P'); /* worker 1 gets something else */
	take_none(s, 1);
	b = take(s, 0, "b#2@1");
	take_none(s, 1);
	ends(s, b, 'F');
	ends(s, take(s, 0, "b#3@1"), 'P');
	assert_string_equal(released(s), "a:P c:P b:P* d:P");
}

static void
d12_a_lost_browser_in_the_second_attempt_is_no_attempt(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 2, 1 };
	set_up(s, "a");
	ends(s, take(s, 0, "a@1"), 'F');
	struct run *second = take(s, 0, "a#2@1");
	vanishes(s, second, false);
	assert_ptr_equal(take(s, 0, "a#2@1"), second);
	vanishes(s, second, true);
	ends(s, take(s, 0, "a#2@1"), 'P');
	assert_told(s,
		"job.queued job.starting +a job.started a~F +a a< +a a< +a a:P !a:P* "
		"job.completed");
}

/* A loss that is final is an attempt that did not pass. */
static void
errored_attempts_count_as_not_passed(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 3, 1 };
	set_up(s, "a");
	ends(s, take(s, 0, "a@1"), 'E');
	ends(s, take(s, 0, "a#2@1"), 'T');
	ends(s, take(s, 0, "a#3@1"), 'E');
	assert_string_equal(released(s), "a:E");
}

static void
s23_five_attempts_in_each_group(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 5, 3 };
	s->spec.n_targets = 2;
	s->spec.targets = "one,two";
	set_up(s, "a");
	for (int target = 0; target < 2; target++) {
		for (int attempt = 1; attempt <= 5; attempt++) {
			struct run *run = take_any(s);
			assert_int_equal(run->target, target);
			assert_int_equal(run->attempt, attempt);
			ends(s, run, attempt == 1 ? 'F' : attempt == 2 ? 'E' : 'P');
		}
	}
	assert_string_equal(released(s), "1/a:P* 2/a:P*");
}

/* A test that a hook failed, or that its runner skipped, has no attempts to be repeated. */
static void
what_did_not_run_is_not_repeated(void **state)
{
	struct stage *s = *state;

	s->spec.quarantine = (struct quarantine_policy) { 5, 3 };
	set_up(s, "<a b");
	ends(s, take(s, 0, "<1@1"), 'F');
	ends(s, take(s, 0, "b@1"), 'S');
	assert_string_equal(released(s), "a:F b:S");
	assert_counts(s, "failed 1 skipped 1");
}

/* On the quarantine list a failure is reported and fails nothing. */
static void
a_failure_on_the_list_does_not_fail_the_job(void **state)
{
	struct stage *s = *state;

	s->spec.stop_on_first_failure = true;
	s->spec.concurrency = 2;
	set_up(s, "abc");
	struct run *a = take(s, 0, "a@1"), *b = take(s, 1, "b@2");
	b->quarantine = 7;
	ends(s, b, 'F');
	struct run *c = take(s, 1, "c@2"); /* a held one stops nothing either */
	c->quarantine = 8;
	ends(s, a, 'P');
	ends(s, c, 'P');
	assert_string_equal(released(s), "a:P b:F c:P");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2 quarantined 1");
	assert_int_equal(s->uow.quarantine_marks.n, 2);
	assert_int_equal(s->uow.quarantine_marks.item[0].entry, 7);
	assert_false(s->uow.quarantine_marks.item[0].is_clean);
	assert_int_equal(s->uow.quarantine_marks.item[1].entry, 8);
	assert_true(s->uow.quarantine_marks.item[1].is_clean);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(table_2_2_row_01_5_3_P),
		T(table_2_2_row_02_5_3_FFF),
		T(table_2_2_row_03_s21_5_3_FPPP),
		T(table_2_2_row_04_s22_5_3_FPFF),
		T(table_2_2_row_05_5_3_FPFPP),
		T(table_2_2_row_06_5_3_FPFPF),
		T(table_2_2_row_07_s19_5_2_FFPP),
		T(table_2_2_row_08_3_1_FP),
		T(table_2_2_row_09_3_1_FFP),
		T(table_2_2_row_10_3_1_FFF),
		T(table_2_2_row_11_2_1_FP),
		T(table_2_2_row_12_2_1_FF),
		T(table_2_2_row_13_4_3_FF),
		T(table_2_2_row_14_s18_10_3_FFFFFFFF),
		T(table_2_2_row_15_10_9_FPPPPPPPPP),
		cmocka_unit_test(without_quarantine_nothing_is_repeated),
		cmocka_unit_test(every_sequence_ends_with_a_verdict_within_the_limit),
		T(d04_defect_4_before_done_is_said_once_for_each_unit),
		T(s17_a_repeated_test_of_a_serial_fixture_stays_on_its_connection),
		T(d02_defect_2_the_last_test_of_a_serial_fixture_stays_too),
		T(d12_a_lost_browser_in_the_second_attempt_is_no_attempt),
		T(errored_attempts_count_as_not_passed),
		T(s23_five_attempts_in_each_group),
		T(what_did_not_run_is_not_repeated),
		T(a_failure_on_the_list_does_not_fail_the_job),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

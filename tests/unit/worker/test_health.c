/* SPDX-License-Identifier: Apache-2.0 */
/* A kind that does not come up is paused for longer and longer; what /proc says of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "worker/health.h"
#include "worker/memory.h"

static void
failures_in_a_row_pause(void **state)
{
	struct health health = { 0 };

	(void)state;
	for (int i = 1; i < KIND_FAILURES_MAX; i++)
		assert_false(health_failed(&health, 0));
	health_worked(&health); /* begins anew */
	for (int i = 1; i < KIND_FAILURES_MAX; i++)
		assert_false(health_failed(&health, 0));
	assert_false(health.is_paused);
	assert_true(health_failed(&health, 1000));
	assert_true(health.is_paused);
	assert_false(health_is_due(&health, 1000 + KIND_PAUSE_MS_MIN - 1));
	assert_true(health_is_due(&health, 1000 + KIND_PAUSE_MS_MIN));
}

static void
pauses_grow_up_to_their_limit(void **state)
{
	struct health health = { 0 };
	int64_t now = 0, last = 0;

	(void)state;
	for (int i = 0; i < KIND_FAILURES_MAX; i++)
		(void)health_failed(&health, now);
	for (int i = 0; i < 20; i++) {
		assert_true(health.pause_ms > last || last == KIND_PAUSE_MS_MAX);
		assert_true(health.pause_ms <= KIND_PAUSE_MS_MAX);
		last = health.pause_ms;
		now = health.due_mono_ms;
		assert_true(health_is_due(&health, now));
		if (i % 2) {
			health_postpone(&health, now); /* plainly not there */
		} else {
			health_resume(&health);
			assert_false(health.is_paused);
			assert_true(health_failed(&health, now)); /* one try */
		}
	}
	assert_int_equal(last, KIND_PAUSE_MS_MAX);
	health_resume(&health);
	health_worked(&health);
	for (int i = 0; i < KIND_FAILURES_MAX; i++)
		(void)health_failed(&health, now);
	assert_int_equal(health.pause_ms, KIND_PAUSE_MS_MIN);
}

static void
memory_is_read_line_by_line(void **state)
{
	const struct str text =
		STR("MemTotal:       8000000 kB\nMemAvailable:     300 kB\nX: y\n");

	(void)state;
	assert_int_equal(memory_line(text, STR("MemAvailable")), 300 * 1024);
	assert_int_equal(memory_line(text, STR("Mem")), -1);
	assert_int_equal(memory_line(text, STR("X")), -1);
	assert_int_equal(memory_line(STR(""), STR("X")), -1);
	assert_true(memory_of_tree(getpid()) > 0);
	assert_int_equal(memory_of_tree(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_in_a_row_pause),
		cmocka_unit_test(pauses_grow_up_to_their_limit),
		cmocka_unit_test(memory_is_read_line_by_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include "unit.h"

static void
nth_hit_fails_once(void **state)
{
	(void)state;
	assert_false(fault_hit(FAULT_WRITE));
	fault_arm(FAULT_WRITE, 3);
	assert_false(fault_hit(FAULT_FSYNC));
	assert_false(fault_hit(FAULT_WRITE));
	assert_false(fault_hit(FAULT_WRITE));
	assert_true(fault_hit(FAULT_WRITE));
	assert_false(fault_hit(FAULT_WRITE));
	assert_int_equal(fault_armed, 0);
}

static void
reset_disarms(void **state)
{
	(void)state;
	fault_arm(FAULT_WRITE, 1);
	fault_arm(FAULT_OPEN, 1);
	fault_arm(FAULT_OPEN, 0);
	assert_false(fault_hit(FAULT_OPEN));
	fault_reset();
	assert_false(fault_hit(FAULT_WRITE));
}

static void
arms_from_text(void **state)
{
	(void)state;
	assert_int_equal(fault_arm_text("fsync:2,commit:1"), 0);
	assert_false(fault_hit(FAULT_FSYNC));
	assert_true(fault_hit(FAULT_FSYNC));
	assert_true(fault_hit(FAULT_COMMIT));
	assert_int_equal(fault_arm_text(""), 0);
	assert_int_equal(fault_arm_text("nothing:1"), -1);
	assert_int_equal(fault_arm_text("fsync"), -1);
	assert_int_equal(fault_arm_text("fsync:0"), -1);
	assert_int_equal(fault_armed, 0);
	for (int point = 0; point < FAULT_POINT_COUNT; point++)
		assert_non_null(fault_name((enum fault_point)point));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nth_hit_fails_once),
		cmocka_unit_test(reset_disarms),
		cmocka_unit_test(arms_from_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

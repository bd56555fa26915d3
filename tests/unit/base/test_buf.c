/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "unit.h"

static void
grows_and_stays_terminated(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(100000);
	assert_string_equal(buf_text(&buf), "");
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_addc(&buf, (char)('a' + i % 26)), 0);
		assert_int_equal(buf.data[buf.len], 0);
	}
	assert_int_equal(buf.len, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
}

static void
maximum_is_exact_and_leaves_no_trace(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(5);
	assert_int_equal(buf_adds(&buf, "abcdef"), -1);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	assert_int_equal(buf_adds(&buf, "def"), -1);
	assert_int_equal(buf_addf(&buf, "%s", "def"), -1);
	assert_string_equal(buf_text(&buf), "abc");
	assert_int_equal(buf_reserve(&buf, 3), -1);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -1);
	assert_int_equal(buf_addf(&buf, "%d", 12), 0);
	assert_string_equal(buf_text(&buf), "abc12");
	assert_int_equal(buf_addc(&buf, 'x'), -1);
	assert_int_equal(buf_add(&buf, "", 0), 0);

	_cleanup_(buf_deinit) struct buf none = BUF_INIT(0);
	assert_int_equal(buf_addc(&none, 'x'), -1);
	assert_int_equal(buf_add(&none, NULL, 0), 0);
	_cleanup_(buf_deinit) struct buf endless = BUF_INIT(SIZE_MAX);
	assert_int_equal(buf_reserve(&endless, SIZE_MAX), -1);
	assert_int_equal(buf_adds(&endless, "x"), 0);
}

static void
formats_into_new_and_old_memory(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(1000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_addf(&buf, "%d,", i % 10), 0);
	assert_int_equal(buf.len, 200);
	assert_string_equal(buf_text(&buf) + 194, "7,8,9,");
}

static void
consume_truncate_clear_steal(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(100);
	assert_int_equal(buf_adds(&buf, "hello world"), 0);
	buf_consume(&buf, 6);
	assert_string_equal(buf_text(&buf), "world");
	buf_truncate(&buf, 3);
	assert_string_equal(buf_text(&buf), "wor");
	assert_true(str_eqz(buf_str(&buf), "wor"));
	_cleanup_free_ char *text = buf_steal(&buf);
	assert_string_equal(text, "wor");
	assert_int_equal(buf.len, 0);
	buf_clear(&buf);
	_cleanup_free_ char *empty = buf_steal(&buf);
	assert_string_equal(empty, "");
	buf_consume(&buf, 0);
	assert_int_equal(buf_adds(&buf, "again"), 0);
	buf_clear(&buf);
	assert_string_equal(buf_text(&buf), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(maximum_is_exact_and_leaves_no_trace),
		cmocka_unit_test(formats_into_new_and_old_memory),
		cmocka_unit_test(consume_truncate_clear_steal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

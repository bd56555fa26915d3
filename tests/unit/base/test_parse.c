/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include "unit.h"

#define OK 0
#define BAD ERR_INVALID
#define FAR ERR_LIMIT

static void
whole_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max, value;
		int code;
	} cases[] = {
		{ "0", -10, 10, 0, OK },
		{ "-10", -10, 10, -10, OK },
		{ "+7", -10, 10, 7, OK },
		{ "007", -10, 10, 7, OK },
		{ "11", -10, 10, 0, FAR },
		{ "-11", -10, 10, 0, FAR },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, OK },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, OK },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, 0, FAR },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, 0, FAR },
		{ "99999999999999999999999999", INT64_MIN, INT64_MAX, 0, FAR },
		{ "", -10, 10, 0, BAD },
		{ "-", -10, 10, 0, BAD },
		{ " 1", -10, 10, 0, BAD },
		{ "1 ", -10, 10, 0, BAD },
		{ "1x", -10, 10, 0, BAD },
		{ "0x1", -10, 10, 0, BAD },
		{ "--1", -10, 10, 0, BAD },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 0;
		struct err err = { 0 };
		int rc = parse_i64(
			str_of(cases[i].text), cases[i].min, cases[i].max, &value, &err);
		assert_int_equal(rc, cases[i].code == OK ? 0 : -1);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(value, cases[i].value);
	}
}

static void
numbers(void **state)
{
	(void)state;
	double value;
	struct err err;
	assert_int_equal(parse_double(STR("-1.5e2"), -1000, 1000, &value, &err), 0);
	assert_true(value == -150);
	assert_int_equal(parse_double(STR("0"), -1000, 1000, &value, &err), 0);
	assert_int_equal(parse_double(STR("1001"), -1000, 1000, &value, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(parse_double(STR("1e999"), -1e308, 1e308, &value, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	static const char *const bad[] = { "", "-", ".5", "5.", "1e", "1e+", "01", "nan", "inf",
		"0x10", " 1", "1 ", "1,5", "+1" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse_double(str_of(bad[i]), -1000, 1000, &value, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void
durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
		int code;
	} cases[] = {
		{ "0", 0, OK },
		{ "1500", 1500, OK },
		{ "250ms", 250, OK },
		{ "30s", 30000, OK },
		{ "5m", 300000, OK },
		{ "2h", 7200000, OK },
		{ "1d", 86400000, OK },
		{ "1h30m", 5400000, OK },
		{ "1d2h3m4s5ms", 93784005, OK },
		{ "10d", 864000000, OK },
		{ "864000001", 0, FAR },
		{ "11d", 0, FAR },
		{ "9999999999999999999d", 0, FAR },
		{ "99999999999999999999", 0, FAR },
		{ "106751991168d", 0, FAR },
		{ "", 0, BAD },
		{ "-1s", 0, BAD },
		{ "s", 0, BAD },
		{ "1 s", 0, BAD },
		{ "1.5s", 0, BAD },
		{ "30m1h", 0, BAD },
		{ "1h1h", 0, BAD },
		{ "1h30", 0, BAD },
		{ "1w", 0, BAD },
		{ "1S", 0, BAD },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 0;
		struct err err = { 0 };
		int rc = parse_duration_ms(str_of(cases[i].text), 864000000, &ms, &err);
		assert_int_equal(rc, cases[i].code == OK ? 0 : -1);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void
sizes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t bytes;
		int code;
	} cases[] = {
		{ "0", 0, OK },
		{ "1000", 1000, OK },
		{ "5B", 5, OK },
		{ "10KB", 10000, OK },
		{ "10kB", 10000, OK },
		{ "1KiB", 1024, OK },
		{ "64MiB", 67108864, OK },
		{ "1GiB", 1073741824, OK },
		{ "1073741825", 0, FAR },
		{ "2GiB", 0, FAR },
		{ "9000000TiB", 0, FAR },
		{ "", 0, BAD },
		{ "MiB", 0, BAD },
		{ "-1", 0, BAD },
		{ "1 MiB", 0, BAD },
		{ "1mib", 0, BAD },
		{ "1MiB1", 0, BAD },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t bytes = 0;
		struct err err = { 0 };
		int rc = parse_size(str_of(cases[i].text), 1073741824, &bytes, &err);
		assert_int_equal(rc, cases[i].code == OK ? 0 : -1);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void
truths(void **state)
{
	(void)state;
	bool value = false;
	struct err err;
	assert_int_equal(parse_bool(STR("yes"), &value, &err), 0);
	assert_true(value);
	assert_int_equal(parse_bool(STR("0"), &value, &err), 0);
	assert_false(value);
	assert_int_equal(parse_bool(STR("True"), &value, &err), -1);
	assert_int_equal(parse_bool(STR(""), &value, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(numbers),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(truths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

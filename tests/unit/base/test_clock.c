/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

#include "unit.h"

static void
formats(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ INT64_C(951782400123), "2000-02-29T00:00:00.123Z" },
		{ INT64_C(1796090400000), "2026-12-01T02:00:00.000Z" },
		{ TIME_MS_MIN, "0000-01-01T00:00:00.000Z" },
		{ TIME_MS_MAX, "9999-12-31T23:59:59.999Z" },
		{ INT64_MIN, "0000-01-01T00:00:00.000Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TIME_TEXT_LEN + 1];
		time_format(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
agrees_with_the_system_on_every_day(void **state)
{
	(void)state;
	/* Every day from 1890 to 2110, at an odd time of day. */
	for (int64_t day = -29220; day < 51135; day++) {
		time_t seconds = day * 86400 + 45296;
		struct tm tm;
		assert_non_null(gmtime_r(&seconds, &tm));
		struct civil civil;
		civil_from_ms(seconds * INT64_C(1000) + 7, &civil);
		assert_int_equal(civil.year, tm.tm_year + 1900);
		assert_int_equal(civil.month, tm.tm_mon + 1);
		assert_int_equal(civil.day, tm.tm_mday);
		assert_int_equal(civil.weekday, tm.tm_wday);
		assert_int_equal(civil.hour, 12);
		assert_int_equal(civil.minute, 34);
		assert_int_equal(civil.second, 56);
		assert_int_equal(civil.ms, 7);
		assert_int_equal(civil_to_ms(&civil), seconds * INT64_C(1000) + 7);
	}
}

static void
parses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01t00:00:00z", 0 },
		{ "1970-01-01 00:00:00.5Z", 500 },
		{ "1970-01-01T00:00:00.0019Z", 1 },
		{ "1970-01-01T00:00:00.123456789012345Z", 123 },
		{ "1970-01-01T01:30:00+01:30", 0 },
		{ "1969-12-31T19:00:00-05:00", 0 },
		{ "1969-12-31T23:59:60Z", 0 },
		{ "2000-02-29T00:00:00.123Z", INT64_C(951782400123) },
		{ "9999-12-31T23:59:59.999Z", TIME_MS_MAX },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 42;
		struct err err;
		assert_int_equal(time_parse(str_of(cases[i].text), &ms, &err), 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void
refuses(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		"1970",
		"1970-01-01",
		"1970-01-01T00:00:00",
		"1970-01-01T00:00Z",
		"1970-13-01T00:00:00Z",
		"1970-00-01T00:00:00Z",
		"1970-01-32T00:00:00Z",
		"1970-01-00T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2001-02-29T00:00:00Z",
		"1970-01-01T24:00:00Z",
		"1970-01-01T00:60:00Z",
		"1970-01-01T00:00:61Z",
		"1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00ZZ",
		"1970-01-01T00:00:00+1:00",
		"1970-01-01T00:00:00+0100",
		"1970-01-01T00:00:00+24:00",
		" 1970-01-01T00:00:00Z",
		"+970-01-01T00:00:00Z",
		"1970-1-01T00:00:00Z",
		"1970-01-01X00:00:00Z",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 42;
		struct err err;
		assert_int_equal(time_parse(str_of(cases[i]), &ms, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_int_equal(ms, 42);
	}
	int64_t ms;
	assert_int_equal(time_parse(STR("1970-01-01T00:00:00\0"), &ms, NULL), -1);
}

static void
clocks_run(void **state)
{
	(void)state;
	/* 2024-01-01: this code is younger than that. */
	assert_true(clock_wall_ms() > INT64_C(1704067200000));
	int64_t ns = clock_mono_ns();
	assert_true(clock_mono_ns() >= ns);
	assert_true(clock_mono_ms() >= ns / 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(agrees_with_the_system_on_every_day),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

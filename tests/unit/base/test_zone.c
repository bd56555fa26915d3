/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: what the system's own library says of them is the measure. */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rand.h"
#include "unit.h"

static const struct zone *
zone(const char *name)
{
	const struct zone *found = NULL;
	struct err err;

	if (zone_find(name, &found, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return found;
}

static int64_t
at(const char *text)
{
	int64_t ms;
	struct err err;

	assert_int_equal(time_parse(str_of(text), &ms, &err), 0);
	return ms / 1000;
}

static void
assert_refused(const char *name, const char *says)
{
	const struct zone *found;
	struct err err = { 0 };

	assert_int_equal(zone_find(name, &found, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void
unknown_names_get_near_ones(void **state)
{
	(void)state;
	assert_refused("Europe/Berlim", "did you mean \"Europe/Berlin\"");
	assert_refused("berlin", "did you mean \"Europe/Berlin\"");
	assert_refused("asia/kolkata", "did you mean \"Asia/Kolkata\"");
	assert_refused("Neverland/Nowhere", "names are like");
	assert_refused("", "names are like");
}

static void
names_are_no_paths(void **state)
{
	(void)state;
	assert_refused("../../etc/passwd", "no time zone");
	assert_refused("/etc/passwd", "no time zone");
	assert_refused("Europe", "no time zone");
	assert_refused("Europe/", "no time zone");
	assert_refused("posix/Europe/Berlin", "no time zone");
	assert_refused("right/Europe/Berlin", "no time zone");
	assert_refused("zone.tab", "no time zone");
}

static void
a_zone_is_read_once(void **state)
{
	(void)state;
	assert_ptr_equal(zone("Europe/Berlin"), zone("Europe/Berlin"));
	assert_ptr_equal(zone("UTC"), zone_utc());
	assert_string_equal(zone_name(zone("Europe/Berlin")), "Europe/Berlin");
}

static void
spans_have_their_ends(void **state)
{
	struct tz_span span;

	(void)state;
	zone_span(zone("Europe/Berlin"), at("2026-03-29T00:59:59Z"), &span);
	assert_int_equal(span.offset_s, 3600);
	assert_int_equal(span.end_s, at("2026-03-29T01:00:00Z"));
	zone_span(zone("Europe/Berlin"), at("2026-03-29T01:00:00Z"), &span);
	assert_int_equal(span.begin_s, at("2026-03-29T01:00:00Z"));
	assert_int_equal(span.end_s, at("2026-10-25T01:00:00Z"));
	assert_int_equal(span.before_s, 3600);
	assert_int_equal(span.offset_s, 7200);
	/* Behind the table, by the rule. */
	zone_span(zone("Europe/Berlin"), at("2326-07-01T00:00:00Z"), &span);
	assert_int_equal(span.offset_s, 7200);
	assert_int_equal(span.before_s, 3600);
	/* Half an hour of daylight-saving time, and a year that turns in it. */
	zone_span(zone("Australia/Lord_Howe"), at("2100-01-01T00:00:00Z"), &span);
	assert_int_equal(span.offset_s, 39600);
	assert_int_equal(span.before_s, 37800);
	/* Irish winter time is what is saved. */
	zone_span(zone("Europe/Dublin"), at("2099-12-24T00:00:00Z"), &span);
	assert_int_equal(span.offset_s, 0);
	assert_int_equal(span.before_s, 3600);
	zone_span(zone_utc(), 0, &span);
	assert_int_equal(span.begin_s, TZ_BEGIN_S);
	assert_int_equal(span.end_s, TZ_END_S);
}

static void
local_time_is_shown_with_its_offset(void **state)
{
	char text[ZONE_TIME_TEXT_LEN + 1];

	(void)state;
	zone_format(zone("America/New_York"), at("2026-07-01T12:00:00Z") * 1000 + 999, text);
	assert_string_equal(text, "2026-07-01T08:00:00-04:00");
	zone_format(zone("Asia/Kathmandu"), at("2026-07-01T12:00:00Z") * 1000, text);
	assert_string_equal(text, "2026-07-01T17:45:00+05:45");
	zone_format(zone_utc(), -1, text);
	assert_string_equal(text, "1969-12-31T23:59:59+00:00");
}

/* 20 zones of every sort × 5,000 instants from 1890 to 2400. */
static void
the_c_library_says_the_same(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo",
		"Africa/Casablanca", "Europe/Dublin", "America/St_Johns", "Asia/Tehran",
		"Antarctica/Troll", "Pacific/Chatham", "America/Asuncion", "Africa/Cairo",
		"Asia/Gaza", "Europe/Moscow", "Etc/GMT+12", "Pacific/Kiritimati",
		"America/Godthab", "Africa/Monrovia" };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		setenv("TZ", names[i], 1);
		tzset();
		for (int k = 0; k < 5000; k++) {
			time_t when =
				(time_t)rng_below(&rng, UINT64_C(16000000000)) - 2500000000;
			struct tz_span span;
			struct tm tm;

			assert_non_null(localtime_r(&when, &tm));
			zone_span(zone(names[i]), when, &span);
			if (span.offset_s != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", names[i], (long long)when,
					span.offset_s, tm.tm_gmtoff);
			assert_true(span.begin_s <= when && when < span.end_s);
		}
	}
	unsetenv("TZ");
}

static void
a_span_ends_where_the_next_begins(void **state)
{
	int64_t from_s = at("2020-01-01T00:00:00Z"), end_s = at("2120-01-01T00:00:00Z");
	const struct zone *one = zone("America/New_York");
	struct tz_span last, span;
	int n = 0;

	(void)state;
	zone_span(one, from_s, &last);
	while (last.end_s < end_s) {
		zone_span(one, last.end_s, &span);
		assert_int_equal(span.begin_s, last.end_s);
		assert_int_equal(span.before_s, last.offset_s);
		last = span;
		n++;
	}
	assert_int_equal(n, 200);
}

static void
broken_files_are_refused(void **state)
{
	static const unsigned char head[44] = "TZif2";
	struct tz_table table;
	struct err err;

	(void)state;
	assert_int_equal(tzif_parse("", 0, &table, &err), -1);
	assert_int_equal(tzif_parse("TZif", 4, &table, &err), -1);
	assert_int_equal(err.code, ERR_CORRUPT);
	assert_int_equal(tzif_parse(head, sizeof head, &table, &err), -1);
	assert_non_null(strstr(err.text, "it counts what cannot be"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names_get_near_ones),
		cmocka_unit_test(names_are_no_paths),
		cmocka_unit_test(a_zone_is_read_once),
		cmocka_unit_test(spans_have_their_ends),
		cmocka_unit_test(local_time_is_shown_with_its_offset),
		cmocka_unit_test(the_c_library_says_the_same),
		cmocka_unit_test(a_span_ends_where_the_next_begins),
		cmocka_unit_test(broken_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

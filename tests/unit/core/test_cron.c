/* SPDX-License-Identifier: Apache-2.0 */
/* Cron expressions. The calendar and the zones at large are in tests/cron/table.tsv. */
#include "core/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rand.h"
#include "unit.h"

static const struct zone *
zone(const char *name)
{
	const struct zone *found = NULL;
	struct err err;

	if (zone_find(name, &found, &err) < 0)
		fail_msg("%s", err.text);
	return found;
}

static struct cron
cron(const char *text)
{
	struct cron parsed = { 0 };
	struct err err;

	if (cron_parse(str_of(text), &parsed, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return parsed;
}

static int64_t
at(const char *text)
{
	int64_t ms;
	struct err err;

	assert_int_equal(time_parse(str_of(text), &ms, &err), 0);
	return ms;
}

/* The next times behind `after`, local, one for each that is expected. */
static void
assert_next(const char *text, const char *zone_text, const char *after, const char *expected)
{
	struct cron parsed = cron(text);
	struct str rest = str_of(expected);
	int64_t now = at(after);

	while (rest.p) {
		struct str one = str_split_first(&rest, ' ');
		char local[ZONE_TIME_TEXT_LEN + 1];

		if (cron_next(&parsed, zone(zone_text), now, &now) != 0)
			fail_msg("%s never fires", text);
		zone_format(zone(zone_text), now, local);
		if (!str_eqz(one, local))
			fail_msg(
				"%s in %s: %s, not %.*s", text, zone_text, local, STR_ARG(one));
	}
}

static void
a_gap_is_made_up_for_once_by_fixed_times(void **state)
{
	(void)state;
	assert_next("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
		"2026-03-28T02:30:00+01:00 2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00");
	assert_next("0,15,30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
		"2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00");
	assert_next("0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
		"2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00");
	assert_next("0 4 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
		"2026-03-29T04:00:00+02:00");
	assert_next("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
		"2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00");
	/* A day that was none. */
	assert_next("0 12 * * *", "Pacific/Apia", "2011-12-30T00:00:00Z",
		"2011-12-31T00:00:00+14:00 2011-12-31T12:00:00+14:00");
	/* Midnight that was none. */
	assert_next("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z",
		"2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00");
	/* From inside: the instant itself is not behind itself. */
	assert_next("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z",
		"2026-03-30T02:30:00+02:00");
	assert_next("30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59.999Z",
		"2026-03-29T03:00:00+02:00");
}

static void
intervals_have_no_times_in_a_gap(void **state)
{
	(void)state;
	assert_next("*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
		"2026-03-30T02:00:00+02:00");
	assert_next("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
		"2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00");
}

static void
a_repeat_is_one_for_fixed_times_and_two_for_intervals(void **state)
{
	(void)state;
	assert_next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
		"2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00");
	assert_next("0 1-4 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
		"2026-10-25T01:00:00+02:00 2026-10-25T02:00:00+02:00 2026-10-25T03:00:00+01:00 2026-10-25T04:00:00+01:00");
	assert_next("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
		"2026-10-25T02:00:00+02:00 2026-10-25T02:30:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T02:30:00+01:00 2026-10-26T02:00:00+01:00");
	assert_next("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z",
		"2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00 2026-10-25T03:30:00+01:00");
	assert_next("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
		"2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30");
	/* Asked in the second of the two hours, the first one has been. */
	assert_next("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z",
		"2026-10-26T02:30:00+01:00");
}

static void
what_can_never_be_is_never(void **state)
{
	static const char *const never[] = { "0 0 30 FEB *", "0 0 31 2,4,6,9,11 *",
		"0 0 31W APR *" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		struct cron parsed = cron(never[i]);
		assert_int_equal(cron_next(&parsed, zone("Europe/Berlin"), 0, &ms), CRON_NEVER);
	}
	/* Eight years without one. */
	assert_next("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00+00:00");
	struct cron parsed = cron("@yearly");
	assert_int_equal(
		cron_next(&parsed, zone_utc(), at("9999-06-01T00:00:00Z"), &ms), CRON_NEVER);
	assert_next("@yearly", "UTC", "9998-06-01T00:00:00Z", "9999-01-01T00:00:00+00:00");
}

static void
mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "0 fields where 5" },
		{ "* * * *", "4 fields where 5" },
		{ "0 0 1 1 * * 2026", "years are no part of it" },
		{ "60 * * * *", "minute: values are 0 to 59 (at 1)" },
		{ "0 24 * * *", "hour: values are 0 to 23 (at 3)" },
		{ "0 0 0 * *", "day of month: values are 1 to 31 (at 5)" },
		{ "0 0 1 13 *", "month: values are 1 to 12 (at 7)" },
		{ "0 0 * * 8", "day of week: values are 0 to 7 (at 9)" },
		{ "0 0 * * MOM",
			"day of week: names have three letters, such as JAN or MON (at 9)" },
		{ "0 0 * JANUARY *", "month: names have three letters" },
		{ "a * * * *", "minute: \"a\" where a number is expected (at 1)" },
		{ "0 0 * * é", "day of week: \"é\" where a number or name is expected (at 9)" },
		{ "1, * * * *", "minute: a number is expected (at 3)" },
		{ "1- * * * *", "minute: a number is expected (at 3)" },
		{ "*/0 * * * *", "minute: a step is 1 to 59 (at 3)" },
		{ "*/99999999999 * * * *", "a step is 1 to 59" },
		{ "0 */24 * * *", "hour: a step is 1 to 23 (at 5)" },
		{ "? * * * *", "minute: \"?\" where a number is expected (at 1)" },
		{ "1;2 * * * *", "minute: \";\" where a comma or a blank is expected (at 2)" },
		{ "0 0 L-31 * *", "day of month: L-1 to L-30" },
		{ "0 0 32W * *", "day of month: values are 1 to 31 (at 5)" },
		{ "0 0 1-5W * *", "day of month: \"W\" where a comma" },
		{ "0 0 * * L", "L alone is no day" },
		{ "0 0 * * 5#6", "day of week: #1 to #5 are the weeks of a month (at 11)" },
		{ "0 0 * * MON#", "day of week: a number is expected (at 13)" },
		{ "@reboot", "is none of @yearly" },
		{ "@", "is none of @yearly" },
	};
	char longer[CRON_BYTES_MAX + 2];
	struct cron parsed;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(cron_parse(str_of(rows[i].text), &parsed, &err), -1);
		if (err.code != ERR_INVALID || !strstr(err.text, rows[i].says))
			fail_msg(
				"%s: \"%s\", not \"%s\"", rows[i].text, err.text, rows[i].says);
	}
	memset(longer, ' ', sizeof longer);
	assert_int_equal(cron_parse(str_from(longer, sizeof longer), &parsed, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void
spellings_mean_the_same(void **state)
{
	static const char *const same[][2] = {
		{ "0 0 * * 0", "0 0 * * 7" },
		{ "0 0 * * 0", " 0\t0  * * sun " },
		{ "0 0 * * 5,6,0,1", "0 0 * * FRI-MON" },
		{ "0 0 * * 5,6,0", "0 0 * * FRI-SUN" },
		{ "0 0 * * 5,6,0", "0 0 * * 5-7" },
		{ "0 0 * * 0-6", "0 0 * * 0-7" },
		{ "0 0 * * 0", "0 0 * * 7-7" },
		{ "0 0 * * 0,1", "0 0 * * 7-1" },
		{ "0 22,23,0,1,2 * * *", "0 22-2 * * *" },
		{ "0 22,0,2 * * *", "0 22-2/2 * * *" },
		{ "50,55,0,5 * * * *", "50-5/5 * * * *" },
		{ "5,25,45 * * * *", "5/20 * * * *" },
		{ "0 0 30,31,1,2 * *", "0 0 30-2 * *" },
		{ "0 0 1 11,12,1,2 *", "0 0 1 NOV-FEB *" },
		{ "0 0 * * ?", "0 0 ? * *" },
		{ "0 0 * * 5L", "0 0 * * FRIL" },
		{ "0 0 * * 1#2", "0 0 * * MON#2" },
		{ "0 0 1 1 *", "@Yearly" },
		{ "0 0 0 1 1 *", "@annually" },
		{ "0 0 * * 0", "@weekly" },
		{ "0 0 * * *", "@midnight" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct cron one = cron(same[i][0]), two = cron(same[i][1]);
		if (memcmp(&one, &two, sizeof one) != 0)
			fail_msg("%s is not %s", same[i][0], same[i][1]);
	}
}

/* ---- against a search minute by minute ---- */

/* A field with its own set, which the text is made from: the parser has no say in it. */
struct random_field {
	uint64_t set;
	bool is_any, has_star;
	char text[64];
};

static void
make_field(struct rng *rng, int min, int max, bool is_day, struct random_field *ret)
{
	int span = max - min + 1;
	int a = min + (int)rng_below(rng, (uint64_t)span);
	int b = min + (int)rng_below(rng, (uint64_t)span);
	int step = 1 + (int)rng_below(rng, (uint64_t)span / 2);

	*ret = (struct random_field) { 0 };
	switch (rng_below(rng, 6)) {
	case 0:
	case 1:
		ret->is_any = is_day;
		ret->has_star = true;
		for (int v = min; v <= max; v++)
			ret->set |= UINT64_C(1) << v;
		(void)snprintf(ret->text, sizeof ret->text, "*");
		break;
	case 2:
		ret->set = UINT64_C(1) << a;
		(void)snprintf(ret->text, sizeof ret->text, "%d", a);
		break;
	case 3:
		ret->set = UINT64_C(1) << a | UINT64_C(1) << b;
		(void)snprintf(ret->text, sizeof ret->text, "%d,%d", a, b);
		break;
	case 4:
		for (int v = a;; v = v == max ? min : v + 1) {
			ret->set |= UINT64_C(1) << v;
			if (v == b)
				break;
		}
		(void)snprintf(ret->text, sizeof ret->text, "%d-%d", a, b);
		break;
	default:
		ret->has_star = true;
		for (int v = min; v <= max; v += step)
			ret->set |= UINT64_C(1) << v;
		(void)snprintf(ret->text, sizeof ret->text, "*/%d", step);
		break;
	}
}

struct random_cron {
	struct random_field minute, hour, day, month, weekday;
	char text[400];
};

static void
make_cron(struct rng *rng, struct random_cron *ret)
{
	make_field(rng, 0, 59, false, &ret->minute);
	make_field(rng, 0, 23, false, &ret->hour);
	make_field(rng, 1, 31, true, &ret->day);
	make_field(rng, 1, 12, false, &ret->month);
	make_field(rng, 0, 6, true, &ret->weekday);
	(void)snprintf(ret->text, sizeof ret->text, "%s %s %s %s %s", ret->minute.text,
		ret->hour.text, ret->day.text, ret->month.text, ret->weekday.text);
}

static bool
fits_local(const struct random_cron *c, int64_t local_ms)
{
	struct civil t;

	civil_from_ms(local_ms, &t);
	bool day = c->day.set >> t.day & 1, weekday = c->weekday.set >> t.weekday & 1;
	bool fits_day = c->day.is_any || c->weekday.is_any ? day && weekday : day || weekday;
	return t.second == 0 && c->minute.set >> t.minute & 1 && c->hour.set >> t.hour & 1 &&
		c->month.set >> t.month & 1 && fits_day;
}

/* The rule of docs/protocol/schedules.md, 3, stated anew: no span is known but by asking for
 * the offset of each minute. */
static bool
fits_instant(const struct random_cron *c, const struct zone *z, int64_t utc_s)
{
	bool is_fixed = !c->minute.has_star && !c->hour.has_star;
	struct tz_span now, before;

	zone_span(z, utc_s, &now);
	zone_span(z, utc_s - 60, &before);
	if (is_fixed && now.offset_s > before.offset_s) {
		for (int64_t local = utc_s + before.offset_s; local < utc_s + now.offset_s;
			local += 60)
			if (fits_local(c, local * 1000))
				return true;
	}
	if (!fits_local(c, (utc_s + now.offset_s) * 1000))
		return false;
	/* Was the same local time there up to three hours ago? */
	for (int64_t ago = 60; is_fixed && ago <= 3 * 3600; ago += 60) {
		zone_span(z, utc_s - ago, &before);
		if (before.offset_s - ago == now.offset_s)
			return false;
	}
	return true;
}

static void
it_is_the_first_instant_that_fits(void **state)
{
	static const struct {
		const char *zone, *around;
	} rows[] = {
		{ "Europe/Berlin", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-10-25T01:00:00Z" },
		{ "Australia/Lord_Howe", "2026-04-04T15:00:00Z" },
		{ "Australia/Lord_Howe", "2026-10-03T15:30:00Z" },
		{ "America/Sao_Paulo", "2018-11-04T03:00:00Z" },
		{ "Asia/Kolkata", "2026-02-28T12:00:00Z" },
	};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 20261122);
	for (int i = 0; i < 3000; i++) {
		size_t r = (size_t)i % ARRAY_LEN(rows);
		const struct zone *z = zone(rows[r].zone);
		int64_t begin = at(rows[r].around) / 1000 - (int64_t)rng_below(&rng, 300) * 60;
		int64_t end = begin + 3 * 86400, next = 0, expected = begin;
		struct random_cron c;

		make_cron(&rng, &c);
		struct cron parsed = cron(c.text);
		int rc = cron_next(&parsed, z, begin * 1000 - 1, &next);
		while (expected < end && !fits_instant(&c, z, expected))
			expected += 60;
		if (expected < end && (rc != 0 || next != expected * 1000))
			fail_msg("%s in %s from %lld: %lld, not %lld", c.text, rows[r].zone,
				(long long)begin, (long long)next / 1000, (long long)expected);
		if (expected >= end && rc == 0)
			assert_true(next >= end * 1000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_is_made_up_for_once_by_fixed_times),
		cmocka_unit_test(intervals_have_no_times_in_a_gap),
		cmocka_unit_test(a_repeat_is_one_for_fixed_times_and_two_for_intervals),
		cmocka_unit_test(what_can_never_be_is_never),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(spellings_mean_the_same),
		cmocka_unit_test(it_is_the_first_instant_that_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

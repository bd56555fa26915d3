/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next instant is looked for in local time, span after span without a change of offset.
 * Local times are seconds since 1970-01-01T00:00:00 as if that were UTC.
 *
 * A span that begins with a gap has one more instant for a fixed expression: its beginning,
 * when a time of the expression is inside the gap. In a span that begins with a repeat a fixed
 * expression is looked for only behind what has been before.
 */
#include "core/cron.h"

#include "base/clock.h"
#include "base/limits.h"

enum {
	DAY_S = 86400,
	YEARS_MAX = 400, /* then days and weekdays repeat */
};

/* No local time that fits. */
#define NONE INT64_MAX

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* ---- days ---- */

struct month {
	int year, month; /* month: 1 … 12 */
	int64_t first;   /* its first day, days since 1970 */
	int n_days;
	int weekday; /* of the first day */
};

static struct month
month_of(int year, int month)
{
	struct civil civil = { .year = year, .month = month, .day = 1 };
	int64_t first = floor_div(civil_to_ms(&civil), DAYS_MS(1));

	return (struct month) {
		.year = year,
		.month = month,
		.first = first,
		.n_days = civil_month_days(year, month),
		.weekday = (int)((first % 7 + 11) % 7), /* 1970-01-01: Thursday */
	};
}

static int
weekday_of(const struct month *month, int day)
{
	return (month->weekday + day - 1) % 7;
}

/* Monday to Friday nearest to a day, in the same month. */
static int
near_weekday(const struct month *month, int day)
{
	int weekday = weekday_of(month, day);

	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < month->n_days ? day + 1 : day - 2;
	return day;
}

static uint32_t
fitting_month_days(const struct cron *cron, const struct month *month)
{
	uint32_t days = cron->month_days;

	for (int day = 1; day <= month->n_days; day++) {
		if (cron->days_from_end >> (month->n_days - day) & 1)
			days |= UINT32_C(1) << day;
		if (cron->near_weekdays >> day & 1)
			days |= UINT32_C(1) << near_weekday(month, day);
	}
	if (cron->last_weekday)
		days |= UINT32_C(1) << near_weekday(month, month->n_days);
	return days;
}

static uint32_t
fitting_weekdays(const struct cron *cron, const struct month *month)
{
	uint32_t days = 0;

	for (int day = 1; day <= month->n_days; day++) {
		int weekday = weekday_of(month, day);
		bool is_last = day + 7 > month->n_days;

		if (cron->weekdays >> weekday & 1 ||
			(is_last && cron->last_weekdays >> weekday & 1) ||
			cron->nth_weekdays[weekday] >> ((day + 6) / 7) & 1)
			days |= UINT32_C(1) << day;
	}
	return days;
}

/* Days of a month that fit, bits 1 … 31. */
static uint32_t
fitting_days(const struct cron *cron, const struct month *month)
{
	uint32_t all = (UINT32_C(0xffffffff) >> (31 - month->n_days)) & ~UINT32_C(1);

	if (!(cron->months >> month->month & 1))
		return 0;
	if (cron->any_month_day && cron->any_weekday)
		return all;
	if (cron->any_month_day)
		return fitting_weekdays(cron, month);
	if (cron->any_weekday)
		return fitting_month_days(cron, month) & all;
	return (fitting_month_days(cron, month) & all) | fitting_weekdays(cron, month);
}

/* ---- local time ---- */

/* The first member of a set from `from` on; -1: there is none. */
static int
next_bit(uint64_t set, int from)
{
	uint64_t rest = from > 63 ? 0 : set >> from;

	return rest ? from + __builtin_ctzll(rest) : -1;
}

/* The first second of a day that fits, from in_day_s on; -1: there is none. */
static int
next_in_day(const struct cron *cron, int in_day_s)
{
	int hour = in_day_s / 3600, minute = in_day_s / 60 % 60, second = in_day_s % 60;
	int fit = next_bit(cron->hours, hour);

	if (fit < 0)
		return -1;
	if (fit > hour) {
		hour = fit;
		minute = second = 0;
	}
	fit = next_bit(cron->minutes, minute);
	if (fit != minute)
		second = 0;
	if (fit >= 0 && next_bit(cron->seconds, second) < 0) {
		fit = next_bit(cron->minutes, fit + 1);
		second = 0;
	}
	if (fit < 0) {
		hour = next_bit(cron->hours, hour + 1);
		if (hour < 0)
			return -1;
		fit = next_bit(cron->minutes, 0);
		second = 0;
	}
	return hour * 3600 + fit * 60 + next_bit(cron->seconds, second);
}

/* The first local time in [from_s, end_s) that fits, or NONE. */
static int64_t
next_local(const struct cron *cron, int64_t from_s, int64_t end_s)
{
	int64_t day = floor_div(from_s, DAY_S);
	int in_day_s = (int)(from_s - day * DAY_S);
	struct civil civil;

	civil_from_ms(day * DAYS_MS(1), &civil);
	int year = civil.year, number = civil.month, first = civil.day;
	for (;;) {
		struct month month = month_of(year, number);
		uint32_t days = fitting_days(cron, &month);

		for (int d = next_bit(days, first); d > 0; d = next_bit(days, d + 1)) {
			int64_t begin_s = (month.first + d - 1) * DAY_S;
			int fit = next_in_day(cron, begin_s < from_s ? in_day_s : 0);

			if (begin_s >= end_s)
				return NONE;
			if (fit >= 0)
				return begin_s + fit < end_s ? begin_s + fit : NONE;
		}
		if ((month.first + month.n_days) * DAY_S >= end_s)
			return NONE;
		first = 1;
		number = number % 12 + 1;
		year += number == 1;
	}
}

/* ---- instants ---- */

/* The first instant of a span from from_s on, or NONE. */
static int64_t
next_in_span(const struct cron *cron, const struct tz_span *span, int64_t from_s, int64_t end_s)
{
	int64_t local_s = from_s + span->offset_s;

	if (!cron->is_interval && span->begin_s > TZ_BEGIN_S) {
		int64_t before_end_s = span->begin_s + span->before_s;
		int64_t begin_s = span->begin_s + span->offset_s;

		if (begin_s > before_end_s && from_s <= span->begin_s &&
			next_local(cron, before_end_s, begin_s) != NONE)
			return span->begin_s;
		if (local_s < before_end_s)
			local_s = before_end_s; /* it has been already */
	}
	if (end_s > span->end_s)
		end_s = span->end_s;
	local_s = next_local(cron, local_s, end_s + span->offset_s);
	return local_s == NONE ? NONE : local_s - span->offset_s;
}

int
cron_next(const struct cron *cron, const struct zone *zone, int64_t after_ms, int64_t *ret_ms)
{
	int64_t from_s = floor_div(after_ms, 1000) + 1;
	int64_t end_s = from_s + (int64_t)YEARS_MAX * 366 * DAY_S;

	if (after_ms < TIME_MS_MIN)
		from_s = TIME_MS_MIN / 1000;
	if (end_s > TIME_MS_MAX / 1000)
		end_s = TIME_MS_MAX / 1000;
	while (from_s < end_s) {
		struct tz_span span;
		zone_span(zone, from_s, &span);
		int64_t found_s = next_in_span(cron, &span, from_s, end_s);
		if (found_s != NONE) {
			*ret_ms = found_s * 1000;
			return 0;
		}
		from_s = span.end_s;
	}
	return CRON_NEVER;
}

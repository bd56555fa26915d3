/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <stdbool.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)

static int64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail for the two clocks that we name. */
	int rc = clock_gettime(id, &ts);
	assert(rc == 0);
	(void)rc;
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t
clock_wall_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t
clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Division that rounds down, so that times before 1970 fall into the right day. */
static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * Days since 1970-01-01. The year is counted from March, so that the leap day is its last day
 * and the lengths of the months follow one line: 153 days every five months.
 */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;
	int64_t leap_days = floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400);

	return 365 * y + leap_days + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int
civil_month_days(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	assert(month >= 1 && month <= 12);
	return days[month - 1] + (month == 2 && is_leap(year));
}

void
civil_from_ms(int64_t wall_ms, struct civil *ret)
{
	int64_t days = floor_div(wall_ms, DAY_MS);
	int in_day = (int)(wall_ms - days * DAY_MS);

	/* A guess that is at most one year off, then the month by walking: no tricks needed. */
	int64_t year = 1970 + floor_div(days * 400, 146097);
	while (days_of(year, 1, 1) > days)
		year--;
	while (days_of(year + 1, 1, 1) <= days)
		year++;
	int rest = (int)(days - days_of(year, 1, 1));
	int month = 1;
	while (rest >= civil_month_days((int)year, month))
		rest -= civil_month_days((int)year, month++);

	*ret = (struct civil) {
		.year = (int)year,
		.month = month,
		.day = rest + 1,
		.hour = in_day / 3600000,
		.minute = in_day / 60000 % 60,
		.second = in_day / 1000 % 60,
		.ms = in_day % 1000,
		.weekday = (int)(days + 4 - 7 * floor_div(days + 4, 7)),
	};
}

int64_t
civil_to_ms(const struct civil *civil)
{
	int64_t days = days_of(civil->year, civil->month, civil->day);
	int64_t in_day = ((int64_t)civil->hour * 60 + civil->minute) * 60 + civil->second;

	return days * DAY_MS + in_day * 1000 + civil->ms;
}

/* Writes `width` decimal digits and returns the place behind them. */
static char *
put_digits(char *out, int value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

void
time_format(int64_t wall_ms, char out[TIME_TEXT_LEN + 1])
{
	if (wall_ms < TIME_MS_MIN)
		wall_ms = TIME_MS_MIN;
	if (wall_ms > TIME_MS_MAX)
		wall_ms = TIME_MS_MAX;

	struct civil civil;
	civil_from_ms(wall_ms, &civil);
	out = put_digits(out, civil.year, 4);
	*out++ = '-';
	out = put_digits(out, civil.month, 2);
	*out++ = '-';
	out = put_digits(out, civil.day, 2);
	*out++ = 'T';
	out = put_digits(out, civil.hour, 2);
	*out++ = ':';
	out = put_digits(out, civil.minute, 2);
	*out++ = ':';
	out = put_digits(out, civil.second, 2);
	*out++ = '.';
	out = put_digits(out, civil.ms, 3);
	*out++ = 'Z';
	*out = '\0';
}

/* Takes exactly `width` digits off the text; false when they are not there. */
static bool
take_digits(struct str *text, int width, int *ret)
{
	int value = 0;

	if (text->n < (size_t)width)
		return false;
	for (int i = 0; i < width; i++) {
		char c = text->p[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*text = str_from(text->p + width, text->n - (size_t)width);
	*ret = value;
	return true;
}

/* Takes one character off the text when it is one of `set`; else NUL. */
static char
take_char(struct str *text, const char *set)
{
	if (text->n == 0 || text->p[0] == '\0' || !strchr(set, text->p[0]))
		return '\0';
	char c = text->p[0];
	*text = str_from(text->p + 1, text->n - 1);
	return c;
}

/* "[.digits]" to ms; further digits are dropped. */
static bool
take_fraction(struct str *text, int *ret_ms)
{
	int digit, scale = 100;

	*ret_ms = 0;
	if (!take_char(text, "."))
		return true;
	if (!take_digits(text, 1, &digit))
		return false;
	do {
		*ret_ms += digit * scale;
		scale /= 10;
	} while (take_digits(text, 1, &digit));
	return true;
}

/* "Z" or "+hh:mm" to the minutes that local time is ahead. */
static bool
take_offset(struct str *text, int *ret_minutes)
{
	int hours, minutes;

	*ret_minutes = 0;
	if (take_char(text, "Zz"))
		return true;
	char sign = take_char(text, "+-");
	if (!sign || !take_digits(text, 2, &hours) || !take_char(text, ":") ||
		!take_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	return true;
}

static bool
take_date(struct str *text, struct civil *civil)
{
	return take_digits(text, 4, &civil->year) && take_char(text, "-") &&
		take_digits(text, 2, &civil->month) && take_char(text, "-") &&
		take_digits(text, 2, &civil->day) && civil->month >= 1 && civil->month <= 12 &&
		civil->day >= 1 && civil->day <= civil_month_days(civil->year, civil->month);
}

static bool
take_clock(struct str *text, struct civil *civil)
{
	return take_digits(text, 2, &civil->hour) && take_char(text, ":") &&
		take_digits(text, 2, &civil->minute) && take_char(text, ":") &&
		take_digits(text, 2, &civil->second) && take_fraction(text, &civil->ms) &&
		civil->hour <= 23 && civil->minute <= 59 && civil->second <= 60;
}

int
time_parse(struct str text, int64_t *ret_wall_ms, struct err *err)
{
	struct str rest = text;
	struct civil civil = { 0 };
	int ahead_minutes;

	if (!take_date(&rest, &civil) || !take_char(&rest, "Tt ") ||
		!take_clock(&rest, &civil) || !take_offset(&rest, &ahead_minutes) ||
		rest.n > 0) {
		size_t n = text.n < 40 ? text.n : 40; /* cut between characters */

		while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
		return err_set(err, ERR_INVALID,
			"\"" STR_FMT "\" is not a time such as 2026-12-01T02:00:00Z",
			STR_ARG(str_from(text.p, n)));
	}
	*ret_wall_ms = civil_to_ms(&civil) - ahead_minutes * INT64_C(60000);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks, and RFC 3339 text without the C library's time zones.
 *
 * Wall time is ms since 1970-01-01T00:00:00Z and may jump; monotonic time has no fixed start
 * and only runs forward. Never mix the two. The core reads neither: it is given now.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

enum {
	TIME_TEXT_LEN = 24, /* "2026-12-01T02:00:00.000Z", without the NUL */
};

/* 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of year can say. */
#define TIME_MS_MIN INT64_C(-62167219200000)
#define TIME_MS_MAX INT64_C(253402300799999)

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);

/* UTC with ms and Z. A time outside TIME_MS_MIN … TIME_MS_MAX is shown as the nearer end. */
void time_format(int64_t wall_ms, char out[TIME_TEXT_LEN + 1]);

/*
 * Reads RFC 3339: date, "T" or "t" or a space, time with optional fraction (digits past the ms
 * are dropped), and "Z", "z" or an offset. A second of 60 counts as the next second. -1:
 * INVALID.
 */
int time_parse(struct str text, int64_t *ret_wall_ms, struct err *err) MUST_CHECK;

struct civil {
	int year;         /* proleptic Gregorian, any sign */
	int month, day;   /* 1 … 12, 1 … 31 */
	int hour, minute; /* 0 … 23, 0 … 59 */
	int second, ms;   /* 0 … 59, 0 … 999 */
	int weekday;      /* 0 = Sunday; ignored by civil_to_ms() */
};

void civil_from_ms(int64_t wall_ms, struct civil *ret);
int64_t civil_to_ms(const struct civil *civil);

/* Days in a month (1 … 12) of a year. */
int civil_month_days(int year, int month);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron expressions: text to sets of fields, and the instants that fit
 * (docs/protocol/schedules.md, 2 and 3). Pure: the zone is data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/zone.h"

/* One bit for each value. A zeroed one has no meaning: cron_parse() makes them. */
struct cron {
	uint64_t seconds, minutes;       /* 0 … 59 */
	uint32_t hours;                  /* 0 … 23 */
	uint32_t month_days;             /* 1 … 31 */
	uint32_t days_from_end;          /* L-n: bit n, 0 … 30 */
	uint32_t near_weekdays;          /* nW: bit n, 1 … 31 */
	bool last_weekday;               /* LW */
	uint16_t months;                 /* 1 … 12 */
	uint8_t weekdays;                /* 0 … 6, Sunday first */
	uint8_t last_weekdays;           /* 5L */
	uint8_t nth_weekdays[7];         /* of that weekday, bits 1 … 5: MON#2 */
	bool any_month_day, any_weekday; /* the field is * or ? */
	bool is_interval; /* a * in minute or hour: what happens in gaps and repeats */
};

/* -1: INVALID or LIMIT; the text names the field and the character (from 1). */
int cron_parse(struct str text, struct cron *ret, struct err *err) MUST_CHECK;

enum { CRON_NEVER = 1 };

/*
 * The first instant behind after_ms at which it fires, in whole seconds. CRON_NEVER: there is
 * none in the 400 years behind it (then there is none at all) or before the year 10000.
 */
int cron_next(const struct cron *cron, const struct zone *zone, int64_t after_ms,
	int64_t *ret_ms) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled time zones (TZif, RFC 9636): bytes to a table of offsets. Pure, no I/O.
 *
 * Only what says how far local time is from UTC is kept; abbreviations and daylight-saving
 * flags are not. Leap seconds ("right/" zones) are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* A day of the year at which the offset changes, every year. */
struct tz_rule_day {
	enum { TZ_DAY_MONTH, TZ_DAY_JULIAN, TZ_DAY_ZERO } kind;
	int month, week, weekday; /* MONTH: 1 … 12, 1 … 5 (last), 0 … 6 */
	int day;                  /* JULIAN: 1 … 365 without 29 February; ZERO: 0 … 365 */
	int32_t time_s;           /* local, may be negative or over a day */
};

/* What holds behind the last change of the table: a POSIX TZ text. */
struct tz_rule {
	int32_t standard_s, daylight_s; /* east of UTC */
	bool has_daylight;
	struct tz_rule_day begin, end; /* of daylight-saving time */
};

struct tz_change {
	int64_t at_s;     /* UTC */
	int32_t offset_s; /* from then on */
};

struct tz_table {
	int32_t first_s;          /* offset before the first change */
	struct tz_change *change; /* owned, ascending */
	size_t n;
	struct tz_rule rule;
};

/* -1: CORRUPT, *ret untouched. */
int tzif_parse(const void *data, size_t len, struct tz_table *ret, struct err *err) MUST_CHECK;
void tz_table_deinit(struct tz_table *table);

/* A span of time without a change of offset. */
struct tz_span {
	int64_t begin_s, end_s; /* UTC, end excluded; TZ_BEGIN_S, TZ_END_S: no change */
	int32_t offset_s;
	int32_t before_s; /* offset of the span before; offset_s when there is none */
};

/* Far outside everything that four digits of year can say. */
#define TZ_BEGIN_S INT64_C(-1000000000000)
#define TZ_END_S INT64_C(1000000000000)

/* The span that holds the instant, which is between TZ_BEGIN_S and TZ_END_S. Thread-safe. */
void tz_span_at(const struct tz_table *table, int64_t utc_s, struct tz_span *ret);

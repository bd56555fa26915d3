/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file has one or two blocks with the same form: header, changes (4 or 8 bytes each), the
 * type of each, types, texts. The second block has 8-byte times and ends in a TZ text between
 * two newlines, which rules all later years. A file of version 1 has only the first.
 */
#include "base/tzif.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	OFFSET_S_MAX = 26 * 3600, /* what POSIX and the data need is less */
};

struct header {
	uint8_t version;
	uint32_t n_ut, n_std, n_leap, n_times, n_types, n_chars;
};

struct input {
	const uint8_t *p;
	size_t n;
	struct err *err;
};

static int
corrupt(const struct input *in, const char *what)
{
	return err_set(in->err, ERR_CORRUPT, "no time zone file: %s", what);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* ---- the two blocks ---- */

static int
read_header(struct input *in, struct header *ret)
{
	const uint8_t *p = in->p;

	if (in->n < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return corrupt(in, "it does not begin with TZif");
	*ret = (struct header) {
		.version = p[4],
		.n_ut = be32(p + 20),
		.n_std = be32(p + 24),
		.n_leap = be32(p + 28),
		.n_times = be32(p + 32),
		.n_types = be32(p + 36),
		.n_chars = be32(p + 40),
	};
	if (ret->n_times > ZONE_CHANGES_MAX || ret->n_types > 256 || ret->n_types == 0 ||
		ret->n_chars > 4096 || ret->n_ut > 256 || ret->n_std > 256)
		return corrupt(in, "it counts what cannot be");
	if (ret->n_leap > 0)
		return corrupt(in, "it has leap seconds");
	in->p += HEADER_BYTES;
	in->n -= HEADER_BYTES;
	return 0;
}

static size_t
block_bytes(const struct header *header, size_t time_bytes)
{
	return header->n_times * (time_bytes + 1) + (size_t)header->n_types * TYPE_BYTES +
		header->n_chars + header->n_std + header->n_ut;
}

static int
read_block(
	struct input *in, const struct header *header, size_t time_bytes, struct tz_table *ret)
{
	size_t n = header->n_times;
	size_t len = block_bytes(header, time_bytes);

	if (in->n < len)
		return corrupt(in, "it is cut off");
	const uint8_t *times = in->p, *kinds = times + n * time_bytes, *types = kinds + n;

	for (size_t i = 0; i < header->n_types; i++) {
		int32_t offset = (int32_t)be32(types + i * TYPE_BYTES);
		if (offset < -OFFSET_S_MAX || offset > OFFSET_S_MAX)
			return corrupt(in, "an offset is over a day");
	}
	ret->first_s = (int32_t)be32(types);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *at = times + i * time_bytes;
		int64_t at_s = time_bytes == 8 ? be64(at) : (int32_t)be32(at);

		if (kinds[i] >= header->n_types)
			return corrupt(in, "a change is of no type");
		if (at_s <= TZ_BEGIN_S) { /* before all history */
			ret->first_s = (int32_t)be32(types + kinds[i] * TYPE_BYTES);
			continue;
		}
		if (at_s >= TZ_END_S || (ret->n > 0 && at_s <= ret->change[ret->n - 1].at_s))
			return corrupt(in, "its changes are not in order");
		ret->change[ret->n++] = (struct tz_change) {
			.at_s = at_s,
			.offset_s = (int32_t)be32(types + kinds[i] * TYPE_BYTES),
		};
	}
	in->p += len;
	in->n -= len;
	return 0;
}

/* ---- the TZ text ---- */

struct rule_text {
	const char *p, *end;
};

static bool
take(struct rule_text *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

/* Up to three digits; -1: there are none. */
static int
take_number(struct rule_text *t)
{
	int value = -1;

	for (int n = 0; n < 3 && t->p < t->end && *t->p >= '0' && *t->p <= '9'; n++)
		value = (value < 0 ? 0 : value * 10) + (*t->p++ - '0');
	return value;
}

/* EST or <+0330>. */
static bool
take_name(struct rule_text *t)
{
	const char *begin = t->p;

	if (take(t, '<')) {
		while (t->p < t->end && *t->p != '>')
			t->p++;
		return take(t, '>');
	}
	while (t->p < t->end &&
		((*t->p >= 'A' && *t->p <= 'Z') || (*t->p >= 'a' && *t->p <= 'z')))
		t->p++;
	return t->p - begin >= 3;
}

/* [+-]h[hh][:mm[:ss]], up to a week. */
static bool
take_time(struct rule_text *t, int32_t *ret_s)
{
	int sign = take(t, '-') ? -1 : 1;
	int part[3] = { 0 };

	if (sign > 0)
		(void)take(t, '+'); /* it may be there */
	for (int i = 0; i < 3; i++) {
		if (i > 0 && !take(t, ':'))
			break;
		part[i] = take_number(t);
		if (part[i] < 0 || part[i] > (i == 0 ? 167 : 59))
			return false;
	}
	*ret_s = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

/* TZ texts count westwards. */
static bool
take_offset(struct rule_text *t, int32_t *ret_s)
{
	int32_t west_s;

	if (!take_time(t, &west_s) || west_s < -OFFSET_S_MAX || west_s > OFFSET_S_MAX)
		return false;
	*ret_s = -west_s;
	return true;
}

/* ,M3.5.0/3 or ,J60 or ,59 */
static bool
take_day(struct rule_text *t, struct tz_rule_day *ret)
{
	struct tz_rule_day day = { .time_s = 2 * 3600 };

	if (!take(t, ','))
		return false;
	if (take(t, 'M')) {
		day.kind = TZ_DAY_MONTH;
		day.month = take_number(t);
		if (!take(t, '.'))
			return false;
		day.week = take_number(t);
		if (!take(t, '.'))
			return false;
		day.weekday = take_number(t);
		if (day.month < 1 || day.month > 12 || day.week < 1 || day.week > 5 ||
			day.weekday < 0 || day.weekday > 6)
			return false;
	} else {
		day.kind = take(t, 'J') ? TZ_DAY_JULIAN : TZ_DAY_ZERO;
		day.day = take_number(t);
		if (day.day < (day.kind == TZ_DAY_JULIAN) || day.day > 365)
			return false;
	}
	if (take(t, '/') && !take_time(t, &day.time_s))
		return false;
	*ret = day;
	return true;
}

static bool
read_rule(struct rule_text t, struct tz_rule *ret)
{
	struct tz_rule rule = { 0 };

	if (!take_name(&t) || !take_offset(&t, &rule.standard_s))
		return false;
	rule.has_daylight = t.p < t.end;
	if (rule.has_daylight) {
		if (!take_name(&t))
			return false;
		rule.daylight_s = rule.standard_s + 3600;
		if (t.p < t.end && *t.p != ',' && !take_offset(&t, &rule.daylight_s))
			return false;
		if (!take_day(&t, &rule.begin) || !take_day(&t, &rule.end))
			return false;
	}
	*ret = rule;
	return t.p == t.end;
}

static int
read_footer(struct input *in, struct tz_rule *ret)
{
	const char *text = (const char *)in->p;

	if (in->n < 2 || text[0] != '\n' || text[in->n - 1] != '\n')
		return corrupt(in, "it has no last line");
	if (!read_rule((struct rule_text) { text + 1, text + in->n - 1 }, ret))
		return corrupt(in, "its last line is no TZ text");
	return 0;
}

/* ---- the whole ---- */

static int32_t
last_offset(const struct tz_table *table)
{
	return table->n > 0 ? table->change[table->n - 1].offset_s : table->first_s;
}

static int
parse(struct input *in, struct tz_table *table)
{
	struct header header;
	bool has_footer = false;

	if (read_header(in, &header) < 0)
		return -1;
	size_t time_bytes = 4, skip = block_bytes(&header, 4);
	if (header.version >= '2') {
		if (in->n < skip)
			return corrupt(in, "it is cut off");
		in->p += skip;
		in->n -= skip;
		if (read_header(in, &header) < 0)
			return -1;
		time_bytes = 8;
		has_footer = true;
	}
	table->change = xcalloc(header.n_times + 1, sizeof *table->change);
	if (read_block(in, &header, time_bytes, table) < 0)
		return -1;
	table->rule = (struct tz_rule) { .standard_s = last_offset(table) };
	/* An empty last line: nothing is known, the last offset stays. */
	if (!has_footer || (in->n == 2 && memcmp(in->p, "\n\n", 2) == 0))
		return 0;
	return read_footer(in, &table->rule);
}

int
tzif_parse(const void *data, size_t len, struct tz_table *ret, struct err *err)
{
	struct input in = { data, len, err };
	struct tz_table table = { 0 };

	if (parse(&in, &table) < 0) {
		tz_table_deinit(&table);
		return -1;
	}
	*ret = table;
	return 0;
}

void
tz_table_deinit(struct tz_table *table)
{
	free(table->change);
	*table = (struct tz_table) { 0 };
}

/* ---- looking up ---- */

/* Days since 1970 of the rule's day in a year. */
static int64_t
rule_day(const struct tz_rule_day *day, int year)
{
	struct civil first = { .year = year, .month = 1, .day = 1 };
	int64_t days;

	if (day->kind == TZ_DAY_MONTH)
		first.month = day->month;
	days = civil_to_ms(&first) / DAYS_MS(1);
	if (day->kind == TZ_DAY_ZERO)
		return days + day->day;
	if (day->kind == TZ_DAY_JULIAN)
		return days + day->day - 1 +
			(day->day >= 60 && civil_month_days(year, 2) == 29);

	/* 1970-01-01 was a Thursday. */
	int64_t weekday = ((days + 4) % 7 + 7) % 7;
	int64_t in_month = (day->weekday - weekday + 7) % 7 + (day->week - 1) * 7;
	if (in_month >= civil_month_days(year, day->month))
		in_month -= 7;
	return days + in_month;
}

static struct tz_change
yearly_change(const struct tz_rule *rule, int year, bool begins)
{
	const struct tz_rule_day *day = begins ? &rule->begin : &rule->end;
	int32_t before_s = begins ? rule->standard_s : rule->daylight_s;

	return (struct tz_change) {
		.at_s = rule_day(day, year) * 86400 + day->time_s - before_s,
		.offset_s = begins ? rule->daylight_s : rule->standard_s,
	};
}

/* Takes a change into the span: it is before the instant, or behind it. */
static void
narrow(struct tz_span *span, int64_t utc_s, struct tz_change change)
{
	if (change.at_s <= utc_s && change.at_s >= span->begin_s) {
		span->before_s = span->offset_s;
		span->begin_s = change.at_s;
		span->offset_s = change.offset_s;
	} else if (change.at_s > utc_s && change.at_s < span->end_s) {
		span->end_s = change.at_s;
	}
}

/* The instant is behind the table: the changes of the years around it, in order. */
static void
narrow_by_rule(const struct tz_table *table, struct tz_span *span, int64_t utc_s)
{
	const struct tz_rule *rule = &table->rule;
	int64_t last_s = table->n > 0 ? table->change[table->n - 1].at_s : TZ_BEGIN_S;
	struct civil civil;

	civil_from_ms(utc_s * 1000, &civil);
	for (int year = civil.year - 1; year <= civil.year + 1; year++) {
		struct tz_change one = yearly_change(rule, year, true);
		struct tz_change two = yearly_change(rule, year, false);
		bool in_order = one.at_s <= two.at_s;

		if ((in_order ? one : two).at_s > last_s)
			narrow(span, utc_s, in_order ? one : two);
		if ((in_order ? two : one).at_s > last_s)
			narrow(span, utc_s, in_order ? two : one);
	}
}

/* Number of changes at or before the instant. */
static size_t
changes_until(const struct tz_table *table, int64_t utc_s)
{
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (table->change[mid].at_s <= utc_s)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
tz_span_at(const struct tz_table *table, int64_t utc_s, struct tz_span *ret)
{
	size_t n = changes_until(table, utc_s);
	struct tz_span span = { .begin_s = TZ_BEGIN_S, .end_s = TZ_END_S };

	span.offset_s = span.before_s = n > 0 ? table->change[n - 1].offset_s : table->first_s;
	if (n > 0) {
		span.begin_s = table->change[n - 1].at_s;
		span.before_s = n > 1 ? table->change[n - 2].offset_s : table->first_s;
	}
	if (n < table->n)
		span.end_s = table->change[n].at_s;
	else if (table->rule.has_daylight)
		narrow_by_rule(table, &span, utc_s);
	*ret = span;
}

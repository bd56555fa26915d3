/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each field is a list of items; what an item may be is in the table of fields. What only the
 * two day fields know (L, W, #) is tried first.
 */
#include "core/cron.h"

#include <string.h>

#include "base/limits.h"

struct field {
	const char *name;
	int min, max;             /* as written */
	int modulus;              /* values behind the last are the first again */
	const char *const *names; /* of min, min + 1, …; NULL: numbers only */
};

static const char *const month_names[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
	"AUG", "SEP", "OCT", "NOV", "DEC", NULL };
static const char *const weekday_names[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT",
	NULL };

enum { SECOND, MINUTE, HOUR, MONTH_DAY, MONTH, WEEKDAY, FIELD_COUNT };

static const struct field fields[FIELD_COUNT] = {
	[SECOND] = { "second", 0, 59, 60, NULL },
	[MINUTE] = { "minute", 0, 59, 60, NULL },
	[HOUR] = { "hour", 0, 23, 24, NULL },
	[MONTH_DAY] = { "day of month", 1, 31, 31, NULL },
	[MONTH] = { "month", 1, 12, 12, month_names },
	[WEEKDAY] = { "day of week", 0, 7, 7, weekday_names },
};

static const struct {
	const char *name, *means;
} nicknames[] = {
	{ "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
	{ "@monthly", "0 0 1 * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@daily", "0 0 * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@hourly", "0 * * * *" },
};

struct parser {
	struct str text;
	size_t at, end; /* of the field */
	const struct field *field;
	struct cron *cron;
	struct err *err;
};

/* ---- characters ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The character i places on, in upper case; NUL at the field's end. */
static char
peek(const struct parser *p, size_t i)
{
	char c = p->at + i < p->end ? p->text.p[p->at + i] : '\0';

	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool
take(struct parser *p, char c)
{
	if (peek(p, 0) != c)
		return false;
	p->at++;
	return true;
}

static bool
item_ends(const struct parser *p, size_t i)
{
	return peek(p, i) == '\0' || peek(p, i) == ',';
}

static int
refuse(const struct parser *p, size_t at, const char *what)
{
	return err_set(p->err, ERR_INVALID, "%s: %s (at %zu)", p->field->name, what, at + 1);
}

/* What is there instead of what was expected. */
static int
unexpected(const struct parser *p, const char *expected)
{
	if (p->at >= p->end)
		return err_set(p->err, ERR_INVALID, "%s: %s is expected (at %zu)",
			p->field->name, expected, p->at + 1);
	size_t n = utf8_char_len(p->text.p + p->at, p->text.n - p->at);
	return err_set(p->err, ERR_INVALID, "%s: \"%.*s\" where %s is expected (at %zu)",
		p->field->name, n > 0 ? (int)n : 0, p->text.p + p->at, expected, p->at + 1);
}

/* ---- values ---- */

static int
parse_number(struct parser *p, int *ret)
{
	int value = 0;

	if (!is_digit(peek(p, 0)))
		return unexpected(p, "a number");
	while (is_digit(peek(p, 0))) {
		if (value < 10000)
			value = value * 10 + (peek(p, 0) - '0');
		p->at++;
	}
	*ret = value;
	return 0;
}

static int
parse_name(struct parser *p, int *ret)
{
	for (int i = 0; p->field->names[i]; i++) {
		const char *name = p->field->names[i];
		if (peek(p, 0) != name[0] || peek(p, 1) != name[1] || peek(p, 2) != name[2])
			continue;
		p->at += 3;
		/* FRIL is one, FRIDAY is not. */
		if (is_letter(peek(p, 0)) && !(peek(p, 0) == 'L' && item_ends(p, 1)))
			return refuse(p, p->at - 3,
				"names have three letters, such as "
				"JAN or MON");
		*ret = p->field->min + i;
		return 0;
	}
	return refuse(p, p->at, "names have three letters, such as JAN or MON");
}

static int
parse_value(struct parser *p, int *ret)
{
	const struct field *field = p->field;
	size_t begin = p->at;

	if (field->names && is_letter(peek(p, 0)))
		return parse_name(p, ret);
	if (!is_digit(peek(p, 0)))
		return unexpected(p, field->names ? "a number or name" : "a number");
	if (parse_number(p, ret) < 0)
		return -1;
	if (*ret < field->min || *ret > field->max)
		return err_set(p->err, ERR_INVALID, "%s: values are %d to %d (at %zu)",
			field->name, field->min, field->max, begin + 1);
	return 0;
}

/* ---- sets ---- */

static void
add_value(struct parser *p, int value)
{
	switch (p->field - fields) {
	case SECOND:
		p->cron->seconds |= UINT64_C(1) << value;
		break;
	case MINUTE:
		p->cron->minutes |= UINT64_C(1) << value;
		break;
	case HOUR:
		p->cron->hours |= UINT32_C(1) << value;
		break;
	case MONTH_DAY:
		p->cron->month_days |= UINT32_C(1) << value;
		break;
	case MONTH:
		p->cron->months |= (uint16_t)(1 << value);
		break;
	default:
		p->cron->weekdays |= (uint8_t)(1 << value % 7);
		break;
	}
}

/* From `first` on, wrapping around where `last` is before it. */
static void
add_range(struct parser *p, int first, int last, int step)
{
	const struct field *field = p->field;

	/* 7 is Sunday too; 0-7 is the whole week. */
	if (field == &fields[WEEKDAY]) {
		last = first == 0 && last == 7 ? 6 : last % 7;
		first %= 7;
	}
	int length = (last - first + field->modulus) % field->modulus;
	for (int i = 0; i <= length; i += step) {
		int value = first - field->min + i;
		add_value(p, value % field->modulus + field->min);
	}
}

static int
parse_step(struct parser *p, int *ret)
{
	int most = p->field->modulus - 1;
	size_t begin;

	*ret = 1;
	if (!take(p, '/'))
		return 0;
	begin = p->at;
	if (parse_number(p, ret) < 0)
		return -1;
	if (*ret < 1 || *ret > most)
		return err_set(p->err, ERR_INVALID, "%s: a step is 1 to %d (at %zu)",
			p->field->name, most, begin + 1);
	return 0;
}

/* ---- what only day fields know ---- */

enum { NOT_SPECIAL, WAS_SPECIAL };

static int
parse_last_day(struct parser *p)
{
	int back = 0;

	p->at++;
	if (take(p, 'W')) {
		p->cron->last_weekday = true;
		return WAS_SPECIAL;
	}
	if (take(p, '-')) {
		size_t begin = p->at;
		if (parse_number(p, &back) < 0)
			return -1;
		if (back < 1 || back > 30)
			return refuse(p, begin, "L-1 to L-30 are before the last day");
	}
	p->cron->days_from_end |= UINT32_C(1) << back;
	return WAS_SPECIAL;
}

/* 15W */
static int
parse_near_weekday(struct parser *p)
{
	size_t digits = 0;
	int day;

	while (is_digit(peek(p, digits)))
		digits++;
	if (digits == 0 || peek(p, digits) != 'W')
		return NOT_SPECIAL;
	if (parse_value(p, &day) < 0)
		return -1;
	p->at++;
	p->cron->near_weekdays |= UINT32_C(1) << day;
	return WAS_SPECIAL;
}

/* 5L, FRIL, MON#2: what follows the value decides. */
static int
parse_weekday_of_month(struct parser *p)
{
	size_t begin = p->at;
	int day, nth;

	if (peek(p, 0) == 'L' && item_ends(p, 1))
		return refuse(p, begin, "L alone is no day; 5L is the last Friday");
	if (!is_digit(peek(p, 0)) && !is_letter(peek(p, 0)))
		return NOT_SPECIAL;
	if (parse_value(p, &day) < 0)
		return -1;
	if (take(p, 'L')) {
		p->cron->last_weekdays |= (uint8_t)(1 << day % 7);
		return WAS_SPECIAL;
	}
	if (!take(p, '#')) {
		p->at = begin;
		return NOT_SPECIAL;
	}
	begin = p->at;
	if (parse_number(p, &nth) < 0)
		return -1;
	if (nth < 1 || nth > 5)
		return refuse(p, begin, "#1 to #5 are the weeks of a month");
	p->cron->nth_weekdays[day % 7] |= (uint8_t)(1 << nth);
	return WAS_SPECIAL;
}

static int
parse_special(struct parser *p)
{
	if (p->field == &fields[WEEKDAY])
		return parse_weekday_of_month(p);
	if (p->field != &fields[MONTH_DAY])
		return NOT_SPECIAL;
	return peek(p, 0) == 'L' ? parse_last_day(p) : parse_near_weekday(p);
}

/* ---- items and fields ---- */

static int
parse_item(struct parser *p)
{
	const struct field *field = p->field;
	int first = field->min, last = field->max, step;
	bool is_single = false;

	if (take(p, '*')) {
		if (field == &fields[MINUTE] || field == &fields[HOUR])
			p->cron->is_interval = true;
		if (field == &fields[WEEKDAY])
			last = 6;
	} else {
		int special = parse_special(p);
		if (special != NOT_SPECIAL)
			return special < 0 ? -1 : 0;
		if (parse_value(p, &first) < 0)
			return -1;
		is_single = !take(p, '-');
		if (!is_single && parse_value(p, &last) < 0)
			return -1;
		/* a/n goes to the end; 7 is there only as another Sunday. */
		if (is_single && peek(p, 0) == '/')
			last = field == &fields[WEEKDAY] ? 6 : field->max;
		else if (is_single)
			last = first;
	}
	if (parse_step(p, &step) < 0)
		return -1;
	add_range(p, first, last, step);
	return 0;
}

/* True when the field is * or ?, which only day fields may be. */
static bool
takes_any(struct parser *p)
{
	bool is_day = p->field == &fields[MONTH_DAY] || p->field == &fields[WEEKDAY];

	if (!is_day || p->end - p->at != 1 || (peek(p, 0) != '*' && peek(p, 0) != '?'))
		return false;
	if (p->field == &fields[MONTH_DAY])
		p->cron->any_month_day = true;
	else
		p->cron->any_weekday = true;
	p->at++;
	return true;
}

static int
parse_field(struct parser *p)
{
	if (takes_any(p))
		return 0;
	do {
		if (parse_item(p) < 0)
			return -1;
	} while (take(p, ','));
	if (p->at < p->end)
		return unexpected(p, "a comma or a blank");
	return 0;
}

/* Sets the parser on the next field; false: there is none. */
static bool
next_field(struct parser *p)
{
	p->at = p->end;
	while (p->at < p->text.n && is_blank(p->text.p[p->at]))
		p->at++;
	p->end = p->at;
	while (p->end < p->text.n && !is_blank(p->text.p[p->end]))
		p->end++;
	return p->end > p->at;
}

static int
count_fields(struct parser p)
{
	int n = 0;

	while (next_field(&p))
		n++;
	return n;
}

static int
find_nickname(struct str text, struct str *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(nicknames); i++) {
		if (!str_eq_nocase(text, str_of(nicknames[i].name)))
			continue;
		*ret = str_of(nicknames[i].means);
		return 0;
	}
	return err_set(err, ERR_INVALID,
		"\"%.*s\" is none of @yearly @annually @monthly @weekly @daily @midnight @hourly",
		text.n > 20 ? 20 : (int)text.n, text.p);
}

int
cron_parse(struct str text, struct cron *ret, struct err *err)
{
	struct cron cron = { 0 };
	struct parser p = { .cron = &cron, .err = err };
	struct str trimmed = str_trim(text);

	if (text.n > CRON_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "longer than %d bytes", CRON_BYTES_MAX);
	p.text = text;
	if (trimmed.n > 0 && trimmed.p[0] == '@' && find_nickname(trimmed, &p.text, err) < 0)
		return -1;
	int n = count_fields(p);
	if (n == 7)
		return err_set(err, ERR_INVALID,
			"7 fields: years are no part of it, startsAt and endsAt bound it");
	if (n != 5 && n != 6)
		return err_set(err, ERR_INVALID,
			"%d field%s where 5 (minute hour day month weekday) or 6 (seconds first) "
			"are expected",
			n, n == 1 ? "" : "s");
	if (n == 5)
		cron.seconds = 1;
	for (int i = n == 5 ? MINUTE : SECOND; i < FIELD_COUNT; i++) {
		p.field = &fields[i];
		(void)next_field(&p); /* it was counted */
		if (parse_field(&p) < 0)
			return -1;
	}
	*ret = cron;
	return 0;
}

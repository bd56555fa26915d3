/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum {
	SHOWN_BYTES_MAX = 40,   /* of a bad text in an error */
	NUMBER_BYTES_MAX = 400, /* a double written out in full has about 330 */
};

/* Bytes of a text that an error shows; cut between characters. */
static int
shown_len(struct str text)
{
	size_t n = text.n < SHOWN_BYTES_MAX ? text.n : SHOWN_BYTES_MAX;

	while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return (int)n;
}

/* Arguments for "%.*s" that show the start of a text. */
#define SHOWN(text) shown_len(text), ((text).n > 0 ? (text).p : "")

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Takes the leading digits off *text. Returns how many; *ret_overflow tells when the value does
 * not fit (all digits are taken nevertheless).
 */
static size_t
take_number(struct str *text, int64_t *ret, bool *ret_overflow)
{
	size_t n = 0;
	int64_t value = 0;
	bool overflow = false;

	for (; n < text->n && is_digit(text->p[n]); n++) {
		overflow = overflow || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, text->p[n] - '0', &value);
	}
	*text = str_from(text->p + n, text->n - n);
	*ret = value;
	*ret_overflow = overflow;
	return n;
}

int
parse_i64(struct str text, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	struct str rest = text;
	bool negative = rest.n > 0 && rest.p[0] == '-';

	if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+'))
		rest = str_from(rest.p + 1, rest.n - 1);

	/* Collected below zero, where there is room for one more than above. */
	int64_t value = 0;
	bool overflow = false;
	size_t n = 0;
	for (; n < rest.n && is_digit(rest.p[n]); n++) {
		overflow = overflow || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, rest.p[n] - '0', &value);
	}
	if (n == 0 || n < rest.n)
		return err_set(err, ERR_INVALID, "\"%.*s\" is not a whole number", SHOWN(text));
	if (!negative)
		overflow = overflow || __builtin_sub_overflow(0, value, &value);
	if (overflow || value < min || value > max)
		return err_set(err, ERR_LIMIT, "%.*s is not in %" PRId64 " … %" PRId64,
			SHOWN(text), min, max);
	*ret = value;
	return 0;
}

/* Length of the digits at `at`. */
static size_t
digits_at(struct str text, size_t at)
{
	size_t n = 0;

	while (at + n < text.n && is_digit(text.p[at + n]))
		n++;
	return n;
}

/* JSON's grammar of a number. */
static bool
is_json_number(struct str text)
{
	size_t at = text.n > 0 && text.p[0] == '-';
	size_t n = digits_at(text, at);

	if (n == 0 || (n > 1 && text.p[at] == '0'))
		return false;
	at += n;
	if (at < text.n && text.p[at] == '.') {
		n = digits_at(text, at + 1);
		if (n == 0)
			return false;
		at += 1 + n;
	}
	if (at < text.n && (text.p[at] == 'e' || text.p[at] == 'E')) {
		at++;
		if (at < text.n && (text.p[at] == '+' || text.p[at] == '-'))
			at++;
		n = digits_at(text, at);
		if (n == 0)
			return false;
		at += n;
	}
	return at == text.n;
}

int
parse_double(struct str text, double min, double max, double *ret, struct err *err)
{
	char copy[NUMBER_BYTES_MAX + 1];

	if (text.n > NUMBER_BYTES_MAX || !is_json_number(text))
		return err_set(err, ERR_INVALID, "\"%.*s\" is not a number", SHOWN(text));
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';

	/* The program never calls setlocale(), so the decimal point is a point. */
	double value = strtod(copy, NULL);
	if (!(value >= min && value <= max) || value - value != 0)
		return err_set(err, ERR_LIMIT, "%.*s is not in %g … %g", SHOWN(text), min, max);
	*ret = value;
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* Takes a run of letters off the text and finds it in the table: its place, or -1. */
static int
take_unit(struct str *text, const struct unit *units, int n_units)
{
	size_t n = 0;

	while (n < text->n && !is_digit(text->p[n]))
		n++;
	struct str name = str_from(text->p, n);
	*text = str_from(text->p + n, text->n - n);
	for (int i = 0; i < n_units; i++) {
		if (str_eqz(name, units[i].name))
			return i;
	}
	return -1;
}

int
parse_duration_ms(struct str text, int64_t max_ms, int64_t *ret_ms, struct err *err)
{
	static const struct unit units[] = {
		{ "d", 86400000 },
		{ "h", 3600000 },
		{ "m", 60000 },
		{ "s", 1000 },
		{ "ms", 1 },
	};
	struct str rest = text;
	int64_t total = 0;
	bool too_long = false, bad = text.n == 0;

	for (int last = -1; rest.n > 0 && !bad;) {
		int64_t value;
		bool overflow;
		size_t digits = take_number(&rest, &value, &overflow);
		bool plain = last == -1 && rest.n == 0;
		int unit = plain ? 4 : take_unit(&rest, units, (int)ARRAY_LEN(units));
		bad = digits == 0 || unit <= last;
		if (bad)
			break;
		last = unit;
		too_long = too_long || overflow ||
			__builtin_mul_overflow(value, units[unit].factor, &value) ||
			__builtin_add_overflow(total, value, &total);
	}
	if (bad)
		return err_set(err, ERR_INVALID,
			"\"%.*s\" is not a duration such as 250ms, 30s or 1h30m", SHOWN(text));
	if (too_long || total > max_ms)
		return err_set(err, ERR_LIMIT, "%.*s is longer than %" PRId64 " ms",
			SHOWN(text), max_ms);
	*ret_ms = total;
	return 0;
}

int
parse_size(struct str text, int64_t max_bytes, int64_t *ret_bytes, struct err *err)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "kB", 1000 },
		{ "KB", 1000 },
		{ "MB", 1000000 },
		{ "GB", 1000000000 },
		{ "TB", 1000000000000 },
		{ "KiB", 1024 },
		{ "MiB", 1048576 },
		{ "GiB", 1073741824 },
		{ "TiB", 1099511627776 },
	};
	struct str rest = text;
	int64_t value;
	bool overflow;

	size_t digits = take_number(&rest, &value, &overflow);
	int unit = take_unit(&rest, units, (int)ARRAY_LEN(units));
	if (digits == 0 || unit < 0 || rest.n > 0)
		return err_set(err, ERR_INVALID, "\"%.*s\" is not a size such as 1000 or 64MiB",
			SHOWN(text));
	if (overflow || __builtin_mul_overflow(value, units[unit].factor, &value) ||
		value > max_bytes)
		return err_set(err, ERR_LIMIT, "%.*s is more than %" PRId64 " bytes",
			SHOWN(text), max_bytes);
	*ret_bytes = value;
	return 0;
}

int
parse_bool(struct str text, bool *ret, struct err *err)
{
	static const char *const words[2][4] = {
		{ "false", "no", "off", "0" },
		{ "true", "yes", "on", "1" },
	};

	for (int value = 0; value < 2; value++) {
		for (size_t i = 0; i < ARRAY_LEN(words[0]); i++) {
			if (str_eqz(text, words[value][i])) {
				*ret = value;
				return 0;
			}
		}
	}
	return err_set(err, ERR_INVALID, "\"%.*s\" is neither true nor false", SHOWN(text));
}

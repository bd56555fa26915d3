/* SPDX-License-Identifier: Apache-2.0 */
/* The five formats that can be checked. */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "core/json_schema_impl.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A template of the same length: 9 a digit, x a hexadecimal one, anything else itself. */
static bool
fits_template(struct str text, const char *template)
{
	if (text.n != strlen(template))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char want = template[i], c = text.p[i];

		if (want == '9' ? !is_digit(c) : want == 'x' ? !is_hex(c) : c != want)
			return false;
	}
	return true;
}

static int
two_digits(const char *p)
{
	return (p[0] - '0') * 10 + (p[1] - '0');
}

static bool
is_date(struct str text)
{
	if (!fits_template(text, "9999-99-99"))
		return false;
	int year = two_digits(text.p) * 100 + two_digits(text.p + 2);
	int month = two_digits(text.p + 5), day = two_digits(text.p + 8);

	return month >= 1 && month <= 12 && day >= 1 && day <= civil_month_days(year, month);
}

/* A leap second ends a day of UTC. */
static bool
is_date_time(struct str text)
{
	int64_t wall_ms;
	struct err ignored;

	if (text.n < 20 || (text.p[10] != 'T' && text.p[10] != 't') ||
		time_parse(text, &wall_ms, &ignored) < 0)
		return false;
	return two_digits(text.p + 17) != 60 || (wall_ms - wall_ms % 1000) % DAYS_MS(1) == 0;
}

/* RFC 3986: a scheme, and no character that must be escaped. */
static bool
is_uri(struct str text)
{
	const char *colon = memchr(text.p, ':', text.n);
	size_t n_fragments = 0;

	if (!colon || !is_letter(text.p[0]))
		return false;
	for (const char *p = text.p; p < colon; p++)
		if (!is_letter(*p) && !is_digit(*p) && !strchr("+-.", *p))
			return false;
	for (size_t i = (size_t)(colon - text.p) + 1; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%' &&
			(i + 2 >= text.n || !is_hex(text.p[i + 1]) || !is_hex(text.p[i + 2])))
			return false;
		n_fragments += c == '#';
		if (!is_letter(c) && !is_digit(c) &&
			(c == '\0' || !strchr("-._~:/?#[]@!$&'()*+,;=%", c)))
			return false;
	}
	return n_fragments <= 1;
}

/* What mail servers take without quotes: atoms with dots, @, labels with dots. */
static bool
is_email(struct str text)
{
	const char *at = memrchr(text.p, '@', text.n);
	size_t n = at ? (size_t)(at - text.p) : 0;

	if (!at || n == 0 || n > 64 || text.n > 254 || n + 1 == text.n)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool is_dot = c == '.' || i == n;

		if (is_dot &&
			(i == 0 || i + 1 == text.n || text.p[i - 1] == '.' ||
				text.p[i + 1] == '.' || text.p[i + 1] == '@'))
			return false;
		if (is_dot || is_letter(c) || is_digit(c) || c == '-' ||
			(unsigned char)c >= 0x80)
			continue;
		if (i > n || c == '\0' || !strchr("!#$%&'*+/=?^_`{|}~", c))
			return false;
	}
	return true;
}

bool
schema_format_fits(enum schema_format format, struct str text)
{
	if (!text.p || text.n == 0)
		return format == FORMAT_NONE;
	switch (format) {
	case FORMAT_DATE_TIME:
		return is_date_time(text);
	case FORMAT_DATE:
		return is_date(text);
	case FORMAT_URI:
		return is_uri(text);
	case FORMAT_EMAIL:
		return is_email(text);
	case FORMAT_UUID:
		return fits_template(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
	case FORMAT_NONE:
		break;
	}
	return true;
}

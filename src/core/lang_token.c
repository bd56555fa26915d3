/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of expressions, and the place of an error. */
#include "core/lang_token.h"

#include <string.h>

#include "core/lang_value.h"

int
lang_error(
	struct str text, size_t at, enum err_code code, struct err *err, const char *fmt, ...)
{
	size_t character = lang_length(str_from(text.p, at < text.n ? at : text.n)) + 1;
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	return err_wrap(err, "character %zu", character);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool
lang_is_member_char(char c)
{
	return begins_name(c) || is_digit(c) || c == '-';
}

char
lang_char_at(const struct lang_parser *p, size_t at)
{
	return at < p->text.n ? p->text.p[at] : '\0';
}

static size_t
skip_digits(const struct lang_parser *p, size_t at)
{
	while (is_digit(lang_char_at(p, at)))
		at++;
	return at;
}

static int
scan_number(struct lang_parser *p)
{
	size_t at = skip_digits(p, p->begin);

	if (lang_char_at(p, at) == '.' && is_digit(lang_char_at(p, at + 1)))
		at = skip_digits(p, at + 1);
	if (lang_char_at(p, at) == 'e' || lang_char_at(p, at) == 'E') {
		size_t digits = at + 1;

		if (lang_char_at(p, digits) == '+' || lang_char_at(p, digits) == '-')
			digits++;
		if (is_digit(lang_char_at(p, digits)))
			at = skip_digits(p, digits);
	}
	if (begins_name(lang_char_at(p, at)))
		return lang_error(p->text, p->begin, ERR_INVALID, p->err,
			"a number ends where a name begins: texts need quotes");
	p->kind = LANG_TOKEN_NUMBER;
	p->at = at;
	return 0;
}

/* Finds the end; what the escapes mean is read_text()'s. */
static int
scan_text(struct lang_parser *p, char quote)
{
	size_t at = p->begin + 1;

	for (; at < p->text.n; at++) {
		if (quote == '"' && p->text.p[at] == '\\')
			at++;
		else if (p->text.p[at] == quote && quote == '\'' &&
			lang_char_at(p, at + 1) == quote)
			at++;
		else if (p->text.p[at] == quote)
			break;
	}
	if (at >= p->text.n)
		return lang_error(p->text, p->begin, ERR_INVALID, p->err,
			"the quote that begins here is not closed");
	p->kind = LANG_TOKEN_TEXT;
	p->at = at + 1;
	return 0;
}

static int
scan_sign(struct lang_parser *p)
{
	static const char *const signs[] = { "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+",
		"-", "*", "/", "%", "!", "?", ":", "(", ")", "[", "]", ",", "." };
	struct str rest = str_from(p->text.p + p->begin, p->text.n - p->begin);

	p->kind = LANG_TOKEN_SIGN;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (str_starts(rest, str_of(signs[i]))) {
			p->at = p->begin + strlen(signs[i]);
			return 0;
		}
	}
	const char *hint = rest.p[0] == '=' ? "; == compares"
		: rest.p[0] == '&'          ? "; && is \"and\""
		: rest.p[0] == '|'          ? "; || is \"or\""
		: rest.p[0] == '{'          ? "; there are no object literals"
					    : "";
	size_t n = utf8_char_len(rest.p, rest.n);

	return lang_error(p->text, p->begin, ERR_INVALID, p->err,
		"\"" STR_FMT "\" means nothing%s", STR_ARG(str_from(rest.p, n)), hint);
}

int
lang_next_token(struct lang_parser *p)
{
	p->last_end = p->at;
	while (is_blank(lang_char_at(p, p->at)))
		p->at++;
	p->begin = p->at;
	char c = lang_char_at(p, p->at);
	int r = 0;

	if (p->at == p->text.n) {
		p->kind = LANG_TOKEN_END;
	} else if (begins_name(c)) {
		p->kind = LANG_TOKEN_NAME;
		while (begins_name(lang_char_at(p, p->at)) || is_digit(lang_char_at(p, p->at)))
			p->at++;
	} else if (is_digit(c)) {
		r = scan_number(p);
	} else if (c == '"' || c == '\'') {
		r = scan_text(p, c);
	} else {
		r = scan_sign(p);
	}
	p->token = str_from(p->text.p + p->begin, p->at - p->begin);
	return r;
}

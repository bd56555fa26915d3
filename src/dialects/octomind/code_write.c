/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known variables are members of `vars`, what steps set are members of `found`. A text is cut
 * at its variables first and quoted after, so that no value is ever read as code.
 */
#include "dialects/octomind/code_write.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dialects/octomind/code.h"
#include "dialects/octomind/vars.h"

/* --- Pieces --- */

void
ts_put(struct ts *ts, const char *text)
{
	if (buf_adds(ts->out, text) < 0)
		ts->has_failed = true;
}

void
ts_putf(struct ts *ts, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (buf_vaddf(ts->out, fmt, ap) < 0)
		ts->has_failed = true;
	va_end(ap);
}

void
ts_begin_line(struct ts *ts)
{
	for (unsigned i = 0; i < ts->indent; i++)
		ts_put(ts, "\t");
}

void
ts_line(struct ts *ts, const char *text)
{
	ts_begin_line(ts);
	ts_put(ts, text);
	ts_put(ts, "\n");
}

/* --- Literals --- */

/* How the character at the start must be written between these quotes; NULL: as it is. */
static const char *
escape_of(struct str s, char quote, char scratch[8])
{
	unsigned char c = (unsigned char)s.p[0];

	if (c == (unsigned char)quote || c == '\\') {
		(void)snprintf(scratch, 8, "\\%c", c);
		return scratch;
	}
	if (c == '\n')
		return quote == '`' ? NULL : "\\n";
	if (c == '\t')
		return "\\t";
	if (c == '$' && quote == '`')
		return "\\$";
	/* "</script>" and "<!--" end or change a script inside HTML. */
	if (c < 0x20 || c == 0x7f ||
		(c == '<' && s.n > 1 && (s.p[1] == '/' || s.p[1] == '!'))) {
		(void)snprintf(scratch, 8, "\\x%02X", c);
		return scratch;
	}
	/* U+2028 and U+2029 are ends of lines to some readers. */
	if (s.n > 2 && memcmp(s.p, "\xe2\x80", 2) == 0 &&
		((unsigned char)s.p[2] & 0xfe) == 0xa8)
		return (unsigned char)s.p[2] == 0xa8 ? "\\u2028" : "\\u2029";
	return NULL;
}

static int
add_escaped(struct buf *out, struct str text, char quote)
{
	while (text.n > 0) {
		char scratch[8];
		const char *escape = escape_of(text, quote, scratch);
		size_t used = escape && strncmp(escape, "\\u", 2) == 0 ? 3 : 1;

		if (escape ? buf_adds(out, escape) < 0 : buf_add(out, text.p, 1) < 0)
			return -1;
		text = str_from(text.p + used, text.n - used);
	}
	return 0;
}

int
octo_code_quote(struct buf *out, struct str text)
{
	if (buf_addc(out, '\'') < 0 || add_escaped(out, text, '\'') < 0)
		return -1;
	return buf_addc(out, '\'');
}

void
ts_quoted(struct ts *ts, struct str text)
{
	if (octo_code_quote(ts->out, text) < 0)
		ts->has_failed = true;
}

static void
put_variable(struct ts *ts, const struct octo_piece *piece)
{
	bool is_static = piece->kind == OCTO_PIECE_STATIC;

	*(is_static ? &ts->uses_vars : &ts->uses_found) = true;
	if (is_static && ts->run->otp_key && str_eqz(piece->text, "OCTO_OTP")) {
		ts->uses_otp = true;
		ts_put(ts, "oneTimePassword(vars.OCTO_OTP)");
		return;
	}
	ts_putf(ts, "%s." STR_FMT, is_static ? "vars" : "found", STR_ARG(piece->text));
}

/* One piece of a text that is written between back quotes. */
static void
put_part(struct ts *ts, const struct octo_piece *piece)
{
	if (piece->kind == OCTO_PIECE_TEXT) {
		if (add_escaped(ts->out, piece->text, '`') < 0)
			ts->has_failed = true;
		return;
	}
	ts_put(ts, "${");
	put_variable(ts, piece);
	ts_put(ts, "}");
}

/* A text of the case: quoted, a variable, or both in a template. */
static void
ts_text(struct ts *ts, struct str text)
{
	struct str rest = text;
	struct octo_piece piece;

	if (!octo_vars_next(&rest, ts->statics, ts->dynamics, &piece) ||
		(rest.n == 0 && piece.kind == OCTO_PIECE_TEXT)) {
		ts_quoted(ts, text);
		return;
	}
	if (rest.n == 0) {
		put_variable(ts, &piece);
		return;
	}
	ts_put(ts, "`");
	do
		put_part(ts, &piece);
	while (octo_vars_next(&rest, ts->statics, ts->dynamics, &piece));
	ts_put(ts, "`");
}

void
ts_textz(struct ts *ts, const char *text)
{
	ts_text(ts, str_of(text));
}

/* A text to look for: one between slashes is a regular expression, as in our own tests. */
static void
put_pattern(struct ts *ts, const char *text)
{
	size_t len = strlen(text);
	const char *slash = text[0] == '/' ? memrchr(text + 1, '/', len - 1) : NULL;

	if (!slash || slash == text + 1 || slash[1 + strspn(slash + 1, "dgimsuvy")]) {
		ts_textz(ts, text);
		return;
	}
	ts_put(ts, "new RegExp(");
	ts_text(ts, str_from(text + 1, (size_t)(slash - text - 1)));
	ts_put(ts, ", '");
	for (const char *flag = slash + 1; *flag; flag++)
		if (*flag != 'g' && *flag != 'y')
			ts_putf(ts, "%c", *flag);
	ts_put(ts, "')");
}

void
ts_code(struct ts *ts, const char *before, const char *code, const char *after)
{
	ts_put(ts, "`");
	ts_put(ts, before);
	if (add_escaped(ts->out, str_of(code), '`') < 0)
		ts->has_failed = true;
	ts_put(ts, after);
	ts_put(ts, "`");
}

void
ts_number(struct ts *ts, double number)
{
	ts_putf(ts, "%.10g", number);
}

/* --- Locators --- */

void
ts_option(struct ts_options *options, const char *name)
{
	ts_put(options->ts, options->is_open ? ", " : options->before);
	ts_put(options->ts, options->is_open ? "" : "{ ");
	ts_put(options->ts, name);
	ts_put(options->ts, ": ");
	options->is_open = true;
}

void
ts_options_end(struct ts_options *options)
{
	if (options->is_open)
		ts_put(options->ts, " }");
}

void
ts_option_state(struct ts_options *options, const char *name, enum octo_flag state)
{
	if (state == OCTO_FLAG_ANY)
		return;
	ts_option(options, name);
	ts_put(options->ts, state == OCTO_FLAG_TRUE ? "true" : "false");
}

static void
option_pattern(struct ts_options *options, const char *name, const char *text)
{
	if (!text)
		return;
	ts_option(options, name);
	put_pattern(options->ts, text);
}

static void
put_role_options(struct ts_options *options, const struct octo_selector *s)
{
	option_pattern(options, "name", s->name);
	ts_option_state(options, "checked", s->checked);
	ts_option_state(options, "disabled", s->disabled);
	ts_option_state(options, "expanded", s->expanded);
	ts_option_state(options, "includeHidden", s->include_hidden);
	if (s->level) {
		ts_option(options, "level");
		ts_putf(options->ts, "%lld", (long long)s->level);
	}
	ts_option_state(options, "pressed", s->pressed);
	ts_option_state(options, "selected", s->selected);
}

static void
put_filter(struct ts *ts, const struct octo_selector *s)
{
	struct ts_options options = { .ts = ts, .before = "" };

	if (!s->has_text && !s->has_not_text)
		return;
	ts_put(ts, ".filter(");
	option_pattern(&options, "hasText", s->has_text);
	option_pattern(&options, "hasNotText", s->has_not_text);
	ts_options_end(&options);
	ts_put(ts, ")");
}

static void
put_located(struct ts *ts, const char *method, const struct octo_selector *s)
{
	bool is_literal = s->type == OCTO_CSS || s->type == OCTO_FRAME ||
		s->type == OCTO_TEST_ID || s->type == OCTO_ROLE;
	struct ts_options options = { .ts = ts, .before = ", " };

	ts_putf(ts, ".%s(", method);
	if (is_literal)
		ts_textz(ts, s->text);
	else
		put_pattern(ts, s->text);
	if (s->type == OCTO_ROLE)
		put_role_options(&options, s);
	if (s->exact == OCTO_FLAG_TRUE && (!is_literal || s->type == OCTO_ROLE))
		ts_option_state(&options, "exact", s->exact);
	ts_options_end(&options);
	ts_put(ts, ")");
	put_filter(ts, s);
}

static void
put_selector(struct ts *ts, const struct octo_selector *s)
{
	/* clang-format off */
	static const char *const methods[OCTO_SELECTOR_TYPE_COUNT] = {
		[OCTO_FRAME] = "frameLocator", [OCTO_CSS] = "locator", [OCTO_TEXT] = "getByText",
		[OCTO_ROLE] = "getByRole", [OCTO_ALT_TEXT] = "getByAltText",
		[OCTO_LABEL] = "getByLabel", [OCTO_TEST_ID] = "getByTestId",
		[OCTO_TITLE] = "getByTitle", [OCTO_PLACEHOLDER] = "getByPlaceholder",
	};
	/* clang-format on */

	if (s->text) {
		put_located(ts, methods[s->type], s);
		return;
	}
	if (s->type == OCTO_FILTER)
		put_filter(ts, s);
	else if (s->type == OCTO_NTH)
		ts_putf(ts, ".nth(%lld)", (long long)s->nth);
	else
		ts_put(ts,
			s->type == OCTO_FRAME           ? ".contentFrame()"
				: s->type == OCTO_FIRST ? ".first()"
							: ".last()");
}

void
ts_locator(struct ts *ts, const struct octo_selectors *selectors)
{
	ts_put(ts, "page");
	for (size_t i = 0; i < selectors->n; i++)
		put_selector(ts, &selectors->item[i]);
}

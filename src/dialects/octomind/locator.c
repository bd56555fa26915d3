/* SPDX-License-Identifier: Apache-2.0 */
/* A parser of one screen: a chain of calls, whose arguments are a text or number and options.
 */
#include "dialects/octomind/locator.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/parse.h"

struct reader {
	const char *line, *at;
	struct arena *arena;
	struct err *err;
	struct octo_selector *selector; /* that is read now */
};

static int
fail(struct reader *r, const char *what)
{
	return err_set(r->err, ERR_INVALID, "at character %zu: %s is expected",
		(size_t)(r->at - r->line) + 1, what);
}

static void
skip_space(struct reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static bool
take(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	skip_space(r);
	if (strncmp(r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

static struct str
read_word(struct reader *r)
{
	skip_space(r);
	struct str word = str_from(
		r->at, strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"));

	r->at += word.n;
	return word;
}

/* A text in any of the three quotes; NULL: err. */
static const char *
read_text(struct reader *r)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(BROWSER_LABEL_BYTES_MAX);
	char quote;

	skip_space(r);
	quote = *r->at;
	if (quote == '\0' || !strchr("'\"`", quote)) {
		(void)fail(r, "a text in quotes");
		return NULL;
	}
	for (r->at++; *r->at != quote; r->at++) {
		bool is_escaped = *r->at == '\\';

		r->at += is_escaped;
		if (*r->at == '\0') {
			(void)fail(r, "the end of the text");
			return NULL;
		}
		char c = is_escaped && *r->at == 'n' ? '\n' : *r->at;

		if (buf_addc(&out, c) < 0) {
			(void)err_set(r->err, ERR_LIMIT, "a text of the locator is too long");
			return NULL;
		}
	}
	r->at++;
	return arena_strndup(r->arena, buf_text(&out), out.len);
}

static int
read_number(struct reader *r, int64_t *ret)
{
	skip_space(r);
	struct str digits = str_from(r->at, strspn(r->at, "-0123456789"));

	if (parse_i64(digits, -1000000, 1000000, ret, r->err) < 0)
		return fail(r, "a number");
	r->at += digits.n;
	return 0;
}

/* --- Options --- */

static const struct {
	const char *name;
	size_t offset; /* of an enum octo_flag */
} flags[] = {
	{ "exact", offsetof(struct octo_selector, exact) },
	{ "checked", offsetof(struct octo_selector, checked) },
	{ "disabled", offsetof(struct octo_selector, disabled) },
	{ "expanded", offsetof(struct octo_selector, expanded) },
	{ "includeHidden", offsetof(struct octo_selector, include_hidden) },
	{ "pressed", offsetof(struct octo_selector, pressed) },
	{ "selected", offsetof(struct octo_selector, selected) },
};

static const struct {
	const char *name;
	size_t offset; /* of a text */
} texts[] = {
	{ "name", offsetof(struct octo_selector, name) },
	{ "hasText", offsetof(struct octo_selector, has_text) },
	{ "hasNotText", offsetof(struct octo_selector, has_not_text) },
};

static int
read_flag(struct reader *r, enum octo_flag *ret)
{
	if (take(r, "true"))
		*ret = OCTO_FLAG_TRUE;
	else if (take(r, "false"))
		*ret = OCTO_FLAG_FALSE;
	else
		return fail(r, "true or false");
	return 0;
}

static int
read_option(struct reader *r)
{
	struct str name = read_word(r);
	char *selector = (char *)r->selector;

	if (!take(r, ":"))
		return fail(r, "a colon");
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (str_eqz(name, flags[i].name))
			return read_flag(
				r, (enum octo_flag *)(void *)(selector + flags[i].offset));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char **slot = (const char **)(void *)(selector + texts[i].offset);

		if (str_eqz(name, texts[i].name))
			return (*slot = read_text(r)) ? 0 : -1;
	}
	if (str_eqz(name, "level"))
		return read_number(r, &r->selector->level);
	r->at = name.p;
	return fail(r, "an option that is known");
}

static int
read_options(struct reader *r)
{
	if (!take(r, "{"))
		return fail(r, "{ options }");
	while (!take(r, "}")) {
		if (read_option(r) < 0)
			return -1;
		if (!take(r, ",") && !(skip_space(r), *r->at == '}'))
			return fail(r, "a comma or }");
	}
	return 0;
}

/* --- Calls --- */

enum arguments { TAKES_TEXT, TAKES_NUMBER, TAKES_OPTIONS, TAKES_NOTHING };

static const struct {
	const char *name;
	enum octo_selector_type type;
	enum arguments arguments;
} calls[] = {
	{ "locator", OCTO_CSS, TAKES_TEXT },
	{ "frameLocator", OCTO_FRAME, TAKES_TEXT },
	{ "contentFrame", OCTO_FRAME, TAKES_NOTHING },
	{ "getByText", OCTO_TEXT, TAKES_TEXT },
	{ "getByRole", OCTO_ROLE, TAKES_TEXT },
	{ "getByAltText", OCTO_ALT_TEXT, TAKES_TEXT },
	{ "getByLabel", OCTO_LABEL, TAKES_TEXT },
	{ "getByTestId", OCTO_TEST_ID, TAKES_TEXT },
	{ "getByTitle", OCTO_TITLE, TAKES_TEXT },
	{ "getByPlaceholder", OCTO_PLACEHOLDER, TAKES_TEXT },
	{ "filter", OCTO_FILTER, TAKES_OPTIONS },
	{ "first", OCTO_FIRST, TAKES_NOTHING },
	{ "last", OCTO_LAST, TAKES_NOTHING },
	{ "nth", OCTO_NTH, TAKES_NUMBER },
};

static int
read_arguments(struct reader *r, enum arguments arguments)
{
	switch (arguments) {
	case TAKES_TEXT:
		r->selector->text = read_text(r);
		if (!r->selector->text)
			return -1;
		return take(r, ",") ? read_options(r) : 0;
	case TAKES_NUMBER:
		return read_number(r, &r->selector->nth);
	case TAKES_OPTIONS:
		return read_options(r);
	case TAKES_NOTHING:
		break;
	}
	return 0;
}

static int
read_call(struct reader *r)
{
	struct str name = read_word(r);

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (!str_eqz(name, calls[i].name))
			continue;
		r->selector->type = calls[i].type;
		if (!take(r, "("))
			return fail(r, "an opening parenthesis");
		if (read_arguments(r, calls[i].arguments) < 0)
			return -1;
		return take(r, ")") ? 0 : fail(r, "a closing parenthesis");
	}
	r->at = name.p;
	return fail(r, "getByRole, locator, filter, first or another locator");
}

int
octo_locator_read(
	const char *line, struct arena *arena, struct octo_selectors *ret, struct err *err)
{
	struct reader r = { .line = line, .at = line, .arena = arena, .err = err };
	struct octo_selector *list = arena_xalloc(arena, OCTO_SELECTORS_MAX * sizeof *list);
	size_t n = 0;

	(void)take(&r, "await");
	if (take(&r, "page") && !take(&r, "."))
		return fail(&r, "a dot");
	do {
		if (n == OCTO_SELECTORS_MAX)
			return err_set(err, ERR_LIMIT, "the chain has more than %d locators",
				OCTO_SELECTORS_MAX);
		r.selector = &list[n++];
		if (read_call(&r) < 0)
			return -1;
	} while (take(&r, "."));
	(void)take(&r, ";");
	skip_space(&r);
	if (*r.at)
		return fail(&r, "the end");
	*ret = (struct octo_selectors) { .item = list, .n = n };
	return 0;
}

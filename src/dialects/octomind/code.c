/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written line by line through struct ts, which remembers the first line that did not fit, so
 * that only the end asks for errors.
 *
 * Known variables are members of `vars`, what steps set are members of `found`; both are there
 * only when a text needs them. Code of a case runs in the page as a text: it cannot end the
 * function around it here.
 */
#include "dialects/octomind/code.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dialects/octomind/otp.h"
#include "dialects/octomind/vars.h"

struct ts {
	struct buf *out;
	const struct octo_run *run;
	json_t *statics, *dynamics;
	unsigned indent;
	bool has_failed;
	/* What the lines used, so that the head can declare it. */
	bool uses_vars, uses_found, uses_otp, follows_tabs;
};

/* --- Pieces --- */

static void
put(struct ts *ts, const char *text)
{
	if (buf_adds(ts->out, text) < 0)
		ts->has_failed = true;
}

static void putf(struct ts *ts, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
putf(struct ts *ts, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (buf_vaddf(ts->out, fmt, ap) < 0)
		ts->has_failed = true;
	va_end(ap);
}

static void
begin_line(struct ts *ts)
{
	for (unsigned i = 0; i < ts->indent; i++)
		put(ts, "\t");
}

static void
line(struct ts *ts, const char *text)
{
	begin_line(ts);
	put(ts, text);
	put(ts, "\n");
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

static void
put_quoted(struct ts *ts, struct str text)
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
		put(ts, "oneTimePassword(vars.OCTO_OTP)");
		return;
	}
	putf(ts, "%s." STR_FMT, is_static ? "vars" : "found", STR_ARG(piece->text));
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
	put(ts, "${");
	put_variable(ts, piece);
	put(ts, "}");
}

/* A text of the case: quoted, a variable, or both in a template. */
static void
put_text(struct ts *ts, struct str text)
{
	struct str rest = text;
	struct octo_piece piece;

	if (!octo_vars_next(&rest, ts->statics, ts->dynamics, &piece) ||
		(rest.n == 0 && piece.kind == OCTO_PIECE_TEXT)) {
		put_quoted(ts, text);
		return;
	}
	if (rest.n == 0) {
		put_variable(ts, &piece);
		return;
	}
	put(ts, "`");
	do
		put_part(ts, &piece);
	while (octo_vars_next(&rest, ts->statics, ts->dynamics, &piece));
	put(ts, "`");
}

static void
put_z(struct ts *ts, const char *text)
{
	put_text(ts, str_of(text));
}

/* A text to look for: one between slashes is a regular expression, as in our own tests. */
static void
put_pattern(struct ts *ts, const char *text)
{
	size_t len = strlen(text);
	const char *slash = text[0] == '/' ? memrchr(text + 1, '/', len - 1) : NULL;

	if (!slash || slash == text + 1 || slash[1 + strspn(slash + 1, "dgimsuvy")]) {
		put_z(ts, text);
		return;
	}
	put(ts, "new RegExp(");
	put_text(ts, str_from(text + 1, (size_t)(slash - text - 1)));
	put(ts, ", '");
	for (const char *flag = slash + 1; *flag; flag++)
		if (*flag != 'g' && *flag != 'y')
			putf(ts, "%c", *flag);
	put(ts, "')");
}

/* Code of the case: a text that keeps its lines. */
static void
put_code(struct ts *ts, const char *before, const char *code, const char *after)
{
	put(ts, "`");
	put(ts, before);
	if (add_escaped(ts->out, str_of(code), '`') < 0)
		ts->has_failed = true;
	put(ts, after);
	put(ts, "`");
}

static void
put_number(struct ts *ts, double number)
{
	putf(ts, "%.10g", number);
}

/* --- Locators --- */

/* Members of an object of options; the braces appear with the first one. */
struct options {
	struct ts *ts;
	const char *before; /* of the opening brace: ", " or "" */
	bool is_open;
};

static void
option(struct options *options, const char *name)
{
	put(options->ts, options->is_open ? ", " : options->before);
	put(options->ts, options->is_open ? "" : "{ ");
	put(options->ts, name);
	put(options->ts, ": ");
	options->is_open = true;
}

static void
options_end(struct options *options)
{
	if (options->is_open)
		put(options->ts, " }");
}

static void
option_state(struct options *options, const char *name, enum octo_flag state)
{
	if (state == OCTO_FLAG_ANY)
		return;
	option(options, name);
	put(options->ts, state == OCTO_FLAG_TRUE ? "true" : "false");
}

static void
option_pattern(struct options *options, const char *name, const char *text)
{
	if (!text)
		return;
	option(options, name);
	put_pattern(options->ts, text);
}

static void
put_role_options(struct options *options, const struct octo_selector *s)
{
	option_pattern(options, "name", s->name);
	option_state(options, "checked", s->checked);
	option_state(options, "disabled", s->disabled);
	option_state(options, "expanded", s->expanded);
	option_state(options, "includeHidden", s->include_hidden);
	if (s->level) {
		option(options, "level");
		putf(options->ts, "%lld", (long long)s->level);
	}
	option_state(options, "pressed", s->pressed);
	option_state(options, "selected", s->selected);
}

static void
put_filter(struct ts *ts, const struct octo_selector *s)
{
	struct options options = { .ts = ts, .before = "" };

	if (!s->has_text && !s->has_not_text)
		return;
	put(ts, ".filter(");
	option_pattern(&options, "hasText", s->has_text);
	option_pattern(&options, "hasNotText", s->has_not_text);
	options_end(&options);
	put(ts, ")");
}

static void
put_located(struct ts *ts, const char *method, const struct octo_selector *s)
{
	bool is_literal = s->type == OCTO_CSS || s->type == OCTO_FRAME ||
		s->type == OCTO_TEST_ID || s->type == OCTO_ROLE;
	struct options options = { .ts = ts, .before = ", " };

	putf(ts, ".%s(", method);
	if (is_literal)
		put_z(ts, s->text);
	else
		put_pattern(ts, s->text);
	if (s->type == OCTO_ROLE)
		put_role_options(&options, s);
	if (s->exact == OCTO_FLAG_TRUE && (!is_literal || s->type == OCTO_ROLE))
		option_state(&options, "exact", s->exact);
	options_end(&options);
	put(ts, ")");
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
		putf(ts, ".nth(%lld)", (long long)s->nth);
	else
		put(ts,
			s->type == OCTO_FRAME           ? ".contentFrame()"
				: s->type == OCTO_FIRST ? ".first()"
							: ".last()");
}

static void
put_locator(struct ts *ts, const struct octo_selectors *selectors)
{
	put(ts, "page");
	for (size_t i = 0; i < selectors->n; i++)
		put_selector(ts, &selectors->item[i]);
}

/* --- Interactions; each writes one or more whole lines --- */

static void
begin_await(struct ts *ts, const struct octo_element *element)
{
	begin_line(ts);
	put(ts, "await ");
	if (octo_has_target(element))
		put_locator(ts, &element->selectors);
	else
		put(ts, "page");
}

static void
write_click(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;
	struct options options = { .ts = ts, .before = "" };

	begin_await(ts, element);
	put(ts, called->is_double ? ".dblclick(" : ".click(");
	if (called->button != OCTO_BUTTON_LEFT) {
		option(&options, "button");
		putf(ts, "'%s'", octo_button_names[called->button]);
	}
	if (called->is_forced)
		option_state(&options, "force", OCTO_FLAG_TRUE);
	options_end(&options);
	put(ts, ");\n");
	if (ts->follows_tabs && element->action == OCTO_CLICK)
		line(ts, "page = await newest(page);");
}

/* await TARGET.METHOD(text) */
static void
write_with_text(struct ts *ts, const struct octo_element *element, const char *method)
{
	begin_await(ts, element);
	putf(ts, ".%s(", method);
	put_z(ts, element->called.text);
	put(ts, ");\n");
}

static void
write_typing(struct ts *ts, const struct octo_element *element)
{
	struct options options = { .ts = ts, .before = ", " };

	begin_await(ts, element);
	put(ts, octo_has_target(element) ? ".pressSequentially(" : ".keyboard.type(");
	put_z(ts, element->called.text);
	if (element->called.delay_ms > 0) {
		option(&options, "delay");
		putf(ts, "%lld", (long long)element->called.delay_ms);
	}
	options_end(&options);
	put(ts, ");\n");
}

static void
put_option(struct ts *ts, const struct octo_option *one)
{
	if (one->any) {
		put_z(ts, one->any);
	} else if (one->index >= 0) {
		putf(ts, "{ index: %lld }", (long long)one->index);
	} else {
		put(ts, one->value ? "{ value: " : "{ label: ");
		put_z(ts, one->value ? one->value : one->label);
		put(ts, " }");
	}
}

static void
write_select(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;

	begin_await(ts, element);
	put(ts, ".selectOption(");
	if (called->n_options != 1)
		put(ts, "[");
	for (size_t i = 0; i < called->n_options; i++) {
		put(ts, i > 0 ? ", " : "");
		put_option(ts, &called->option[i]);
	}
	put(ts, called->n_options != 1 ? "]);\n" : ");\n");
}

static void
write_goto(struct ts *ts, const char *path)
{
	_cleanup_free_ char *url = octo_url_join(ts->run->url, path);

	begin_line(ts);
	put(ts, "await page.goto(");
	put_z(ts, url);
	put(ts, ");\n");
}

static void
write_download(struct ts *ts, const struct octo_element *element)
{
	line(ts, "{");
	ts->indent++;
	line(ts, "const download = page.waitForEvent('download');");
	write_click(ts, element);
	line(ts, "await (await download).path();");
	ts->indent--;
	line(ts, "}");
}

static void
write_drag(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;

	begin_await(ts, element);
	put(ts, ".dragTo(");
	put_locator(ts, &called->to);
	if (called->has_x && called->has_y) {
		put(ts, ", { targetPosition: { x: ");
		put_number(ts, called->x);
		put(ts, ", y: ");
		put_number(ts, called->y);
		put(ts, " } }");
	}
	put(ts, ");\n");
}

static void
write_extract(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;

	ts->uses_found = true;
	begin_line(ts);
	putf(ts, "found.%s = (await ", called->name);
	put_locator(ts, &element->selectors);
	if (called->attribute) {
		put(ts, ".getAttribute(");
		put_z(ts, called->attribute);
		put(ts, ")) ?? '';\n");
	} else {
		put(ts, ".innerText()).replace(/\\s+/g, ' ').trim();\n");
	}
}

static void
write_script(struct ts *ts, const char *code)
{
	ts->uses_vars = ts->uses_found = true;
	begin_line(ts);
	put(ts, "Object.assign(found, await page.evaluate(");
	put_code(ts, "(async (vars) => {\n", code, "\n})");
	put(ts, " + `(${JSON.stringify({ ...vars, ...found })})`));\n");
}

static void
write_scroll(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;
	bool is_far = called->has_x || called->has_y;

	if (octo_has_target(element)) {
		begin_await(ts, element);
		put(ts, is_far ? ".hover();\n" : ".scrollIntoViewIfNeeded();\n");
	} else if (!is_far) {
		line(ts,
			"await page.evaluate(() => window.scrollTo(0, "
			"document.body.scrollHeight));");
	}
	if (!is_far)
		return;
	begin_line(ts);
	put(ts, "await page.mouse.wheel(");
	put_number(ts, called->x);
	put(ts, ", ");
	put_number(ts, called->y);
	put(ts, ");\n");
}

static void
write_wait(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;
	const char *code = octo_wait_code(called->wait);

	if (called->wait == OCTO_WAIT_CODE)
		code = called->text && called->text[0] ? called->text : "true";
	begin_await(ts, element);
	if (octo_has_target(element)) {
		put(ts, ".waitFor();\n");
	} else if (called->wait == OCTO_WAIT_FIXED_TIME) {
		putf(ts, ".waitForTimeout(%lld);\n", (long long)called->delay_ms);
	} else if (code) {
		put(ts, ".waitForFunction(");
		put_code(ts, "", code, "");
		put(ts, ");\n");
	} else {
		putf(ts, ".waitForLoadState('%s');\n",
			called->wait == OCTO_WAIT_DOM_CONTENT_LOADED     ? "domcontentloaded"
				: called->wait == OCTO_WAIT_NETWORK_IDLE ? "networkidle"
									 : "load");
	}
}

static void
write_interaction(struct ts *ts, const struct octo_element *element)
{
	switch (element->action) {
	case OCTO_CLICK:
		write_click(ts, element);
		break;
	case OCTO_ENTER_TEXT:
		write_with_text(ts, element, "fill");
		break;
	case OCTO_SELECT_OPTION:
		write_select(ts, element);
		break;
	case OCTO_GO_TO:
		write_goto(ts, element->called.text);
		break;
	case OCTO_KEY_PRESS:
		write_with_text(
			ts, element, octo_has_target(element) ? "press" : "keyboard.press");
		break;
	case OCTO_HOVER:
		begin_await(ts, element);
		put(ts, ".hover();\n");
		break;
	case OCTO_UPLOAD:
		write_with_text(ts, element, "setInputFiles");
		break;
	case OCTO_DOWNLOAD:
		write_download(ts, element);
		break;
	case OCTO_DRAG_AND_DROP:
		write_drag(ts, element);
		break;
	case OCTO_TYPE_TEXT:
		write_typing(ts, element);
		break;
	case OCTO_EXTRACT:
		write_extract(ts, element);
		break;
	case OCTO_JAVASCRIPT:
		write_script(ts, element->called.text);
		break;
	case OCTO_CLOSE_PAGE:
		line(ts, "await page.close();");
		line(ts, "page = context.pages().at(-1)!;");
		break;
	case OCTO_SCROLL:
		write_scroll(ts, element);
		break;
	case OCTO_WAIT_FOR:
		write_wait(ts, element);
		break;
	case OCTO_OPEN_EMAIL: /* refused before */
	case OCTO_ACTION_COUNT:
		break;
	}
}

/* --- Assertions --- */

static void
write_assertion(struct ts *ts, const struct octo_element *element)
{
	/* clang-format off */
	static const char *const matchers[OCTO_EXPECTATION_COUNT] = {
		[OCTO_VISIBLE] = ".toBeVisible(", [OCTO_NOT_VISIBLE] = ".not.toBeVisible(",
		[OCTO_DISABLED] = ".toBeDisabled(", [OCTO_TO_HAVE_VALUE] = ".toHaveValue(",
		[OCTO_TO_BE_CHECKED] = ".toBeChecked(",
		[OCTO_NOT_TO_BE_CHECKED] = ".not.toBeChecked(",
		[OCTO_TO_CONTAIN_TEXT] = ".toContainText(", [OCTO_TO_HAVE_STYLE] = ".toHaveCSS(",
	};
	/* clang-format on */
	const struct octo_called *called = &element->called;

	begin_line(ts);
	if (element->expectation == OCTO_RESPONSE_OK) {
		_cleanup_free_ char *url = octo_url_join(ts->run->url, called->text);

		put(ts, "await expect(await page.request.get(");
		put_z(ts, url);
		put(ts, ")).toBeOK();\n");
		return;
	}
	put(ts, "await expect(");
	put_locator(ts, &element->selectors);
	put(ts, ")");
	put(ts, matchers[element->expectation]);
	if (element->expectation == OCTO_TO_HAVE_STYLE) {
		put_z(ts, called->name);
		put(ts, ", ");
	}
	if (called->text)
		put_z(ts, called->text);
	put(ts, ");\n");
}

/* --- Elements and cases --- */

static const char *
word_of(const struct octo_element *element)
{
	return element->kind == OCTO_INTERACTION ? octo_action_names[element->action]
						 : octo_expectation_names[element->expectation];
}

static void
write_element(struct ts *ts, const struct octo_element *element)
{
	const char *why = octo_refusal(element, ts->statics);

	if (why) {
		begin_line(ts);
		if (element->ignores_failure)
			putf(ts, "/* Not carried out, and ignored: %s: %s. */\n",
				word_of(element), why);
		else
			putf(ts, "throw new Error('%s: %s');\n", word_of(element), why);
		return;
	}
	if (element->ignores_failure) {
		line(ts, "try {");
		ts->indent++;
	}
	if (element->kind == OCTO_INTERACTION)
		write_interaction(ts, element);
	else
		write_assertion(ts, element);
	if (element->ignores_failure) {
		ts->indent--;
		line(ts, "} catch {");
		line(ts, "\t/* Its failure is ignored. */");
		line(ts, "}");
	}
}

static void
write_elements(struct ts *ts, const struct octo_case *c)
{
	for (size_t i = 0; i < c->n_elements; i++)
		write_element(ts, &c->element[i]);
}

static void
put_title(struct ts *ts, const char *before, const struct octo_case *c)
{
	const char *own = c->description[0] ? c->description : "a test case without a name";
	_cleanup_free_ char *title = xasprintf("%s%s", before, own);
	size_t n = utf8_cut_len(title, NAME_BYTES_MAX);

	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)title[i]))
			title[i] = ' ';
	put_quoted(ts, str_from(title, n));
}

static void
write_group(struct ts *ts, const struct octo_case *c, const char *before, const char *end)
{
	begin_line(ts);
	put(ts, "await test.step(");
	put_title(ts, before, c);
	put(ts, ", async () => {\n");
	ts->indent++;
	write_elements(ts, c);
	ts->indent--;
	line(ts, end);
}

static void
write_chain(struct ts *ts, const struct octo_chain *chain, bool has_teardowns)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct octo_case *c = chain->item[i];

		if (has_teardowns && i > 0 && chain->teardown[i]) {
			begin_line(ts);
			putf(ts, "began = %zu;\n", i);
		}
		if (i == 0 || (c->entry_path && c->entry_path[0]))
			write_goto(ts, c->entry_path);
		if (i + 1 < chain->n)
			write_group(ts, c, "first: ", "});");
		else
			write_elements(ts, c);
	}
}

static void
write_teardowns(struct ts *ts, const struct octo_chain *chain)
{
	for (size_t i = chain->n; i-- > 0;) {
		if (!chain->teardown[i])
			continue;
		if (i > 0) {
			begin_line(ts);
			putf(ts, "if (began >= %zu)\n", i);
			ts->indent++;
		}
		write_group(ts, chain->teardown[i], "teardown: ", "}).catch(() => undefined);");
		ts->indent -= i > 0;
	}
}

static void
write_body(struct ts *ts, const struct octo_chain *chain)
{
	bool has_teardowns = false;

	for (size_t i = 0; i < chain->n; i++)
		has_teardowns |= chain->teardown[i] != NULL;
	if (!has_teardowns) {
		write_chain(ts, chain, false);
		return;
	}
	line(ts, "let began = 0;");
	line(ts, "try {");
	ts->indent++;
	write_chain(ts, chain, true);
	ts->indent--;
	line(ts, "} finally {");
	ts->indent++;
	write_teardowns(ts, chain);
	ts->indent--;
	line(ts, "}");
}

static bool
closes_pages(const struct octo_case *c)
{
	for (size_t i = 0; c && i < c->n_elements; i++)
		if (c->element[i].kind == OCTO_INTERACTION &&
			c->element[i].action == OCTO_CLOSE_PAGE)
			return true;
	return false;
}

/* --- The file --- */

static void
write_vars(struct ts *ts)
{
	const char *name;
	json_t *value;

	put(ts, "\tconst vars: Record<string, string> = {\n");
	json_object_foreach(ts->statics, name, value)
	{
		putf(ts, "\t\t%s: ", name);
		put_quoted(ts, str_from(json_string_value(value), json_string_length(value)));
		put(ts, ",\n");
	}
	put(ts, "\t};\n");
}

static void
write_newest(struct ts *ts)
{
	put(ts,
		"/* What a click opens is where the test goes on. */\n"
		"async function newest(page: Page): Promise<Page> {\n"
		"\tawait page.waitForTimeout(250);\n"
		"\treturn page.context().pages().at(-1)!;\n"
		"}\n\n");
}

/* The body is written first: it says what the head must declare. */
static void
write_file(struct ts *ts, const struct octo_chain *chain)
{
	struct buf body = BUF_INIT((size_t)OCTO_CODE_BYTES_MAX);
	struct buf *out = ts->out;

	ts->out = &body;
	ts->indent = 1;
	write_body(ts, chain);
	ts->out = out;
	if (ts->uses_otp)
		put(ts, octo_otp_node_import());
	put(ts,
		ts->follows_tabs
			? "import { expect, test, type Page } from '@playwright/test';\n\n"
			: "import { expect, test } from '@playwright/test';\n\n");
	if (ts->uses_otp)
		put(ts, octo_otp_node_code());
	if (ts->follows_tabs)
		write_newest(ts);
	put(ts, "test(");
	put_title(ts, "", chain->item[chain->n - 1]);
	put(ts,
		ts->follows_tabs ? ", async ({ context, page: first }) => {\n"
				 : ", async ({ page }) => {\n");
	if (ts->uses_vars)
		write_vars(ts);
	if (ts->uses_found)
		put(ts, "\tconst found: Record<string, string> = {};\n");
	if (ts->follows_tabs)
		put(ts, "\tlet page = first;\n");
	if (ts->uses_vars || ts->uses_found || ts->follows_tabs)
		put(ts, "\n");
	if (body.len > 0 && buf_add(out, body.data, body.len) < 0)
		ts->has_failed = true;
	put(ts, "});\n");
	buf_deinit(&body);
}

int
octo_code(const struct octo_chain *chain, const struct octo_run *run, struct buf *out,
	struct err *err)
{
	_cleanup_(json_unrefp) json_t *statics = octo_run_statics(run);
	_cleanup_(json_unrefp) json_t *dynamics = octo_run_dynamics(chain);
	struct ts ts = { .out = out, .run = run, .statics = statics, .dynamics = dynamics };

	for (size_t i = 0; i < chain->n; i++)
		ts.follows_tabs |= closes_pages(chain->item[i]);
	write_file(&ts, chain);
	if (ts.has_failed)
		return err_set(err, ERR_LIMIT, "the code of \"%.60s\" is too long",
			chain->item[chain->n - 1]->description);
	return 0;
}

void
octo_code_file_name(const struct octo_case *c, char ret[100])
{
	char id[UUID_TEXT_LEN + 1], slug[48];
	size_t n = 0;

	for (const char *at = c->description; *at && n + 1 < sizeof slug; at++) {
		if (isalnum((unsigned char)*at) && (unsigned char)*at < 0x80)
			slug[n++] = (char)tolower((unsigned char)*at);
		else if (n > 0 && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	while (n > 0 && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
	uuid_format(&c->id, id);
	(void)snprintf(ret, 100, "%s%s%s.spec.ts", slug, n > 0 ? "-" : "", id);
}

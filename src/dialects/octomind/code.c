/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of the file is written first; what it used decides what the head declares. Code of a
 * case runs in the page as a text: it cannot end the function around it here.
 */
#include "dialects/octomind/code.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dialects/octomind/code_write.h"
#include "dialects/octomind/otp.h"

/* --- Interactions; each writes one or more whole lines --- */

static void
begin_await(struct ts *ts, const struct octo_element *element)
{
	ts_begin_line(ts);
	ts_put(ts, "await ");
	if (octo_has_target(element))
		ts_locator(ts, &element->selectors);
	else
		ts_put(ts, "page");
}

static void
write_click(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;
	struct ts_options options = { .ts = ts, .before = "" };

	begin_await(ts, element);
	ts_put(ts, called->is_double ? ".dblclick(" : ".click(");
	if (called->button != OCTO_BUTTON_LEFT) {
		ts_option(&options, "button");
		ts_putf(ts, "'%s'", octo_button_names[called->button]);
	}
	if (called->is_forced)
		ts_option_state(&options, "force", OCTO_FLAG_TRUE);
	ts_options_end(&options);
	ts_put(ts, ");\n");
	if (ts->follows_tabs && element->action == OCTO_CLICK)
		ts_line(ts, "page = await newest(page);");
}

/* await TARGET.METHOD(text) */
static void
write_with_text(struct ts *ts, const struct octo_element *element, const char *method)
{
	begin_await(ts, element);
	ts_putf(ts, ".%s(", method);
	ts_textz(ts, element->called.text);
	ts_put(ts, ");\n");
}

static void
write_typing(struct ts *ts, const struct octo_element *element)
{
	struct ts_options options = { .ts = ts, .before = ", " };

	begin_await(ts, element);
	ts_put(ts, octo_has_target(element) ? ".pressSequentially(" : ".keyboard.type(");
	ts_textz(ts, element->called.text);
	if (element->called.delay_ms > 0) {
		ts_option(&options, "delay");
		ts_putf(ts, "%lld", (long long)element->called.delay_ms);
	}
	ts_options_end(&options);
	ts_put(ts, ");\n");
}

static void
put_option(struct ts *ts, const struct octo_option *one)
{
	if (one->any) {
		ts_textz(ts, one->any);
	} else if (one->index >= 0) {
		ts_putf(ts, "{ index: %lld }", (long long)one->index);
	} else {
		ts_put(ts, one->value ? "{ value: " : "{ label: ");
		ts_textz(ts, one->value ? one->value : one->label);
		ts_put(ts, " }");
	}
}

static void
write_select(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;

	begin_await(ts, element);
	ts_put(ts, ".selectOption(");
	if (called->n_options != 1)
		ts_put(ts, "[");
	for (size_t i = 0; i < called->n_options; i++) {
		ts_put(ts, i > 0 ? ", " : "");
		put_option(ts, &called->option[i]);
	}
	ts_put(ts, called->n_options != 1 ? "]);\n" : ");\n");
}

static void
write_goto(struct ts *ts, const char *path)
{
	_cleanup_free_ char *url = octo_url_join(ts->run->url, path);

	ts_begin_line(ts);
	ts_put(ts, "await page.goto(");
	ts_textz(ts, url);
	ts_put(ts, ");\n");
}

static void
write_download(struct ts *ts, const struct octo_element *element)
{
	ts_line(ts, "{");
	ts->indent++;
	ts_line(ts, "const download = page.waitForEvent('download');");
	write_click(ts, element);
	ts_line(ts, "await (await download).path();");
	ts->indent--;
	ts_line(ts, "}");
}

static void
write_drag(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;

	begin_await(ts, element);
	ts_put(ts, ".dragTo(");
	ts_locator(ts, &called->to);
	if (called->has_x && called->has_y) {
		ts_put(ts, ", { targetPosition: { x: ");
		ts_number(ts, called->x);
		ts_put(ts, ", y: ");
		ts_number(ts, called->y);
		ts_put(ts, " } }");
	}
	ts_put(ts, ");\n");
}

static void
write_extract(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;

	ts->uses_found = true;
	ts_begin_line(ts);
	ts_putf(ts, "found.%s = (await ", called->name);
	ts_locator(ts, &element->selectors);
	if (called->attribute) {
		ts_put(ts, ".getAttribute(");
		ts_textz(ts, called->attribute);
		ts_put(ts, ")) ?? '';\n");
	} else {
		ts_put(ts, ".innerText()).replace(/\\s+/g, ' ').trim();\n");
	}
}

static void
write_script(struct ts *ts, const char *code)
{
	ts->uses_vars = ts->uses_found = true;
	ts_begin_line(ts);
	ts_put(ts, "Object.assign(found, await page.evaluate(");
	ts_code(ts, "(async (vars) => {\n", code, "\n})");
	ts_put(ts, " + `(${JSON.stringify({ ...vars, ...found })})`));\n");
}

static void
write_scroll(struct ts *ts, const struct octo_element *element)
{
	const struct octo_called *called = &element->called;
	bool is_far = called->has_x || called->has_y;

	if (octo_has_target(element)) {
		begin_await(ts, element);
		ts_put(ts, is_far ? ".hover();\n" : ".scrollIntoViewIfNeeded();\n");
	} else if (!is_far) {
		ts_line(ts,
			"await page.evaluate(() => window.scrollTo(0, "
			"document.body.scrollHeight));");
	}
	if (!is_far)
		return;
	ts_begin_line(ts);
	ts_put(ts, "await page.mouse.wheel(");
	ts_number(ts, called->x);
	ts_put(ts, ", ");
	ts_number(ts, called->y);
	ts_put(ts, ");\n");
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
		ts_put(ts, ".waitFor();\n");
	} else if (called->wait == OCTO_WAIT_FIXED_TIME) {
		ts_putf(ts, ".waitForTimeout(%lld);\n", (long long)called->delay_ms);
	} else if (code) {
		ts_put(ts, ".waitForFunction(");
		ts_code(ts, "", code, "");
		ts_put(ts, ");\n");
	} else {
		ts_putf(ts, ".waitForLoadState('%s');\n",
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
		ts_put(ts, ".hover();\n");
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
		ts_line(ts, "await page.close();");
		ts_line(ts, "page = context.pages().at(-1)!;");
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

	ts_begin_line(ts);
	if (element->expectation == OCTO_RESPONSE_OK) {
		_cleanup_free_ char *url = octo_url_join(ts->run->url, called->text);

		ts_put(ts, "await expect(await page.request.get(");
		ts_textz(ts, url);
		ts_put(ts, ")).toBeOK();\n");
		return;
	}
	ts_put(ts, "await expect(");
	ts_locator(ts, &element->selectors);
	ts_put(ts, ")");
	ts_put(ts, matchers[element->expectation]);
	if (element->expectation == OCTO_TO_HAVE_STYLE) {
		ts_textz(ts, called->name);
		ts_put(ts, ", ");
	}
	if (called->text)
		ts_textz(ts, called->text);
	ts_put(ts, ");\n");
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
		ts_begin_line(ts);
		if (element->ignores_failure)
			ts_putf(ts, "/* Not carried out, and ignored: %s: %s. */\n",
				word_of(element), why);
		else
			ts_putf(ts, "throw new Error('%s: %s');\n", word_of(element), why);
		return;
	}
	if (element->ignores_failure) {
		ts_line(ts, "try {");
		ts->indent++;
	}
	if (element->kind == OCTO_INTERACTION)
		write_interaction(ts, element);
	else
		write_assertion(ts, element);
	if (element->ignores_failure) {
		ts->indent--;
		ts_line(ts, "} catch {");
		ts_line(ts, "\t/* Its failure is ignored. */");
		ts_line(ts, "}");
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
	ts_quoted(ts, str_from(title, n));
}

static void
write_group(struct ts *ts, const struct octo_case *c, const char *before, const char *end)
{
	ts_begin_line(ts);
	ts_put(ts, "await test.step(");
	put_title(ts, before, c);
	ts_put(ts, ", async () => {\n");
	ts->indent++;
	write_elements(ts, c);
	ts->indent--;
	ts_line(ts, end);
}

static void
write_chain(struct ts *ts, const struct octo_chain *chain, bool has_teardowns)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct octo_case *c = chain->item[i];

		if (has_teardowns && i > 0 && chain->teardown[i]) {
			ts_begin_line(ts);
			ts_putf(ts, "began = %zu;\n", i);
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
			ts_begin_line(ts);
			ts_putf(ts, "if (began >= %zu)\n", i);
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
	ts_line(ts, "let began = 0;");
	ts_line(ts, "try {");
	ts->indent++;
	write_chain(ts, chain, true);
	ts->indent--;
	ts_line(ts, "} finally {");
	ts->indent++;
	write_teardowns(ts, chain);
	ts->indent--;
	ts_line(ts, "}");
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

	ts_put(ts, "\tconst vars: Record<string, string> = {\n");
	json_object_foreach(ts->statics, name, value)
	{
		ts_putf(ts, "\t\t%s: ", name);
		ts_quoted(ts, str_from(json_string_value(value), json_string_length(value)));
		ts_put(ts, ",\n");
	}
	ts_put(ts, "\t};\n");
}

static void
write_newest(struct ts *ts)
{
	ts_put(ts,
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
		ts_put(ts, octo_otp_node_import());
	ts_put(ts,
		ts->follows_tabs
			? "import { expect, test, type Page } from '@playwright/test';\n\n"
			: "import { expect, test } from '@playwright/test';\n\n");
	if (ts->uses_otp)
		ts_put(ts, octo_otp_node_code());
	if (ts->follows_tabs)
		write_newest(ts);
	ts_put(ts, "test(");
	put_title(ts, "", chain->item[chain->n - 1]);
	ts_put(ts,
		ts->follows_tabs ? ", async ({ context, page: first }) => {\n"
				 : ", async ({ page }) => {\n");
	if (ts->uses_vars)
		write_vars(ts);
	if (ts->uses_found)
		ts_put(ts, "\tconst found: Record<string, string> = {};\n");
	if (ts->follows_tabs)
		ts_put(ts, "\tlet page = first;\n");
	if (ts->uses_vars || ts->uses_found || ts->follows_tabs)
		ts_put(ts, "\n");
	if (body.len > 0 && buf_add(out, body.data, body.len) < 0)
		ts->has_failed = true;
	ts_put(ts, "});\n");
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

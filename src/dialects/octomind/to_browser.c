/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each thing that an element may be; each appends steps to a list.
 *
 * Texts become templates: static variables lie below {{octo}}, what EXTRACT sets has its own
 * name, what JAVASCRIPT sets lies below {{octo-script}}. Literal braces are a variable as well,
 * and so is a backslash, dollar or brace in front of braces: they would be read together.
 */
#include "dialects/octomind/to_browser.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/steps.h"
#include "dialects/octomind/otp.h"
#include "dialects/octomind/vars.h"

struct maker {
	const struct octo_run *run;
	json_t *statics, *dynamics;
	json_t *vars;      /* of the test */
	json_t *extracted; /* { NAME: "{{NAME}}" } of the steps so far */
	bool follows_tabs; /* pages are closed: what a click opens is gone to */
	bool is_too_long;  /* a text passed its limit */
};

/* --- Texts --- */

static void
add(struct maker *m, struct buf *out, const char *text, size_t len)
{
	if (buf_add(out, text, len) < 0)
		m->is_too_long = true;
}

/* Of what must not stand before braces: how many bytes at the end of the text. */
static size_t
specials_at_end(const struct buf *out)
{
	size_t n = 0;

	while (n < out->len && strchr("$\\{", out->data[out->len - 1 - n]))
		n++;
	return n;
}

static void
add_name(struct maker *m, struct buf *out, const char *before, struct str name)
{
	add(m, out, "{{", 2);
	add(m, out, before, strlen(before));
	add(m, out, name.p, name.n);
	add(m, out, "}}", 2);
}

/* Puts variables in the place of what stands at the end and would be read with the braces. */
static void
part_from_braces(struct maker *m, struct buf *out)
{
	size_t n = specials_at_end(out);
	_cleanup_free_ char *specials =
		xstrndup(out->len > 0 ? out->data + out->len - n : "", n);

	buf_truncate(out, out->len - n);
	for (size_t i = 0; i < n; i++) {
		const char *name = specials[i] == '$' ? "octo-dollar"
			: specials[i] == '{'          ? "octo-brace"
						      : "octo-backslash";

		json_object_set_new(m->vars, name, json_stringn(&specials[i], 1));
		add_name(m, out, "", str_of(name));
	}
}

static void
add_variable(struct maker *m, struct buf *out, const char *before, struct str name)
{
	part_from_braces(m, out);
	add_name(m, out, before, name);
}

/* Braces that mean nothing are a variable whose value they are. */
static void
add_literal(struct maker *m, struct buf *out, struct str text)
{
	while (text.n > 0) {
		const char *hit = memmem(text.p, text.n, "{{", 2);
		size_t n = hit ? (size_t)(hit - text.p) : text.n;

		add(m, out, text.p, n);
		if (!hit)
			return;
		json_object_set_new(m->vars, "octo-braces", json_string("{{"));
		add_variable(m, out, "", STR("octo-braces"));
		text = str_from(text.p + n + 2, text.n - n - 2);
	}
}

static void
add_piece(struct maker *m, struct buf *out, const struct octo_piece *piece)
{
	bool is_own = piece->kind == OCTO_PIECE_DYNAMIC &&
		json_object_getn(m->dynamics, piece->text.p, piece->text.n);

	switch (piece->kind) {
	case OCTO_PIECE_TEXT:
		add_literal(m, out, piece->text);
		break;
	case OCTO_PIECE_STATIC:
		if (m->run->otp_key && str_eqz(piece->text, "OCTO_OTP"))
			add_variable(m, out, "", STR("octo-otp"));
		else
			add_variable(m, out, "octo.", piece->text);
		break;
	case OCTO_PIECE_DYNAMIC:
		add_variable(m, out, is_own ? "" : "octo-script.", piece->text);
	}
}

/* A text of a case as a template. */
static json_t *
text_of(struct maker *m, const char *text)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)BROWSER_TEXT_BYTES_MAX);
	struct str rest = str_of(text);
	struct octo_piece piece;

	while (octo_vars_next(&rest, m->statics, m->dynamics, &piece))
		add_piece(m, &out, &piece);
	return json_stringn(out.data ? out.data : "", out.len);
}

/* The same of code, in which variables have no place: it gets them as an object. */
static json_t *
code_of(struct maker *m, const char *code)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)BROWSER_TEXT_BYTES_MAX);

	add_literal(m, &out, str_of(code));
	return json_stringn(out.data ? out.data : "", out.len);
}

/* --- Targets --- */

static void
set_state(json_t *target, const char *name, enum octo_flag state)
{
	if (state != OCTO_FLAG_ANY)
		json_object_set_new(target, name, json_boolean(state == OCTO_FLAG_TRUE));
}

/*
 * A target that more can be asked of: consumes `target` and gives it, or one that means the
 * same elements, when what it says already would change the meaning of what is added.
 */
static json_t *
open_target(json_t *target)
{
	static const char *const closing[] = { "nth", "first", "last", "exact", "hasText",
		"hasNotText", NULL };

	for (const char *const *name = closing; *name; name++)
		if (json_object_get(target, *name))
			return json_pack("{s:o}", "and", target);
	return target;
}

/* Consumes target. */
static json_t *
filtered(struct maker *m, json_t *target, const struct octo_selector *s)
{
	if (!s->has_text && !s->has_not_text)
		return target;
	target = open_target(target);
	if (s->has_text)
		json_object_set_new(target, "hasText", text_of(m, s->has_text));
	if (s->has_not_text)
		json_object_set_new(target, "hasNotText", text_of(m, s->has_not_text));
	return target;
}

/* What a selector names by itself; NULL for those that choose among what is there. */
static const char *
engine_of(enum octo_selector_type type)
{
	/* clang-format off */
	static const char *const engines[OCTO_SELECTOR_TYPE_COUNT] = {
		[OCTO_FRAME] = "css", [OCTO_CSS] = "css", [OCTO_TEXT] = "text",
		[OCTO_ROLE] = "role", [OCTO_ALT_TEXT] = "alt", [OCTO_LABEL] = "label",
		[OCTO_TEST_ID] = "testId", [OCTO_TITLE] = "title",
		[OCTO_PLACEHOLDER] = "placeholder",
	};
	/* clang-format on */

	return engines[type];
}

/* Consumes inside, which may be NULL. */
static json_t *
located(struct maker *m, json_t *inside, const struct octo_selector *s)
{
	json_t *target =
		json_pack("{s:o}", engine_of(s->type), text_of(m, s->text ? s->text : ""));

	if (inside)
		json_object_set_new(target, "inside", inside);
	if (s->type == OCTO_ROLE) {
		if (s->name)
			json_object_set_new(target, "name", text_of(m, s->name));
		set_state(target, "checked", s->checked);
		set_state(target, "disabled", s->disabled);
		set_state(target, "expanded", s->expanded);
		set_state(target, "pressed", s->pressed);
		set_state(target, "selected", s->selected);
		if (s->include_hidden == OCTO_FLAG_TRUE)
			json_object_set_new(target, "includeHidden", json_true());
		if (s->level)
			json_object_set_new(target, "level", json_integer(s->level));
	}
	if (s->exact == OCTO_FLAG_TRUE && s->type != OCTO_CSS && s->type != OCTO_FRAME)
		json_object_set_new(target, "exact", json_true());
	return filtered(m, target, s);
}

/* One of several; consumes target. */
static json_t *
chosen(json_t *target, const struct octo_selector *s)
{
	if (json_object_get(target, "nth") || json_object_get(target, "first") ||
		json_object_get(target, "last"))
		target = json_pack("{s:o}", "and", target);
	if (s->type == OCTO_NTH)
		json_object_set_new(target, "nth", json_integer(s->nth));
	else
		json_object_set_new(
			target, s->type == OCTO_FIRST ? "first" : "last", json_true());
	return target;
}

/* The next selector of a chain; *target is what those before it mean, or NULL. */
static void
follow(struct maker *m, const struct octo_selector *s, json_t **target, json_t *frames)
{
	switch (s->type) {
	case OCTO_FRAME:
		if (s->text)
			*target = located(m, *target, s);
		json_array_append_new(frames, *target);
		*target = NULL;
		break;
	case OCTO_FILTER:
		*target = filtered(m, *target, s);
		break;
	case OCTO_FIRST:
	case OCTO_LAST:
	case OCTO_NTH:
		*target = chosen(*target, s);
		break;
	case OCTO_CSS:
	case OCTO_TEXT:
	case OCTO_ROLE:
	case OCTO_ALT_TEXT:
	case OCTO_LABEL:
	case OCTO_TEST_ID:
	case OCTO_TITLE:
	case OCTO_PLACEHOLDER:
	case OCTO_SELECTOR_TYPE_COUNT:
		*target = located(m, *target, s);
	}
}

/* The target of a chain of selectors that octo_refusal() has nothing against. */
static json_t *
target_of(struct maker *m, const struct octo_selectors *selectors)
{
	_cleanup_(json_unrefp) json_t *frames = json_array();
	json_t *target = NULL;

	for (size_t i = 0; i < selectors->n; i++)
		follow(m, &selectors->item[i], &target, frames);
	if (json_array_size(frames) > 0)
		json_object_set(target, "frame", frames);
	return target;
}

/* --- What cannot be done --- */

static json_t *
refusal(const struct octo_element *element, const char *why)
{
	const char *word = element->kind == OCTO_INTERACTION
		? octo_action_names[element->action]
		: octo_expectation_names[element->expectation];
	_cleanup_free_ char *text = xasprintf("%s: %s", word, why);

	if (element->ignores_failure)
		return json_pack("{s:s+}", "log", "not carried out, and ignored: ", text);
	return json_pack("{s:{s:s, s:b}}", "fail", "text", text, "errored", true);
}

/* --- Interactions: each gives one step; target is consumed, NULL where none is needed --- */

static json_t *
step_of(const char *verb, json_t *value)
{
	return json_pack("{s:o}", verb, value);
}

static json_t *
make_click(const struct octo_element *element, json_t *target)
{
	const struct octo_called *called = &element->called;

	if (called->button != OCTO_BUTTON_LEFT)
		json_object_set_new(
			target, "button", json_string(octo_button_names[called->button]));
	if (called->is_forced)
		json_object_set_new(target, "force", json_true());
	return step_of(called->is_double ? "doubleClick" : "click", target);
}

static bool
is_secret(struct maker *m, const char *text)
{
	return octo_vars_uses(text, m->statics, "OCTO_PASSWORD");
}

static json_t *
make_typing(struct maker *m, const struct octo_element *element, json_t *target)
{
	const struct octo_called *called = &element->called;
	json_t *type = json_pack("{s:o}", "text", text_of(m, called->text));

	if (target)
		json_object_set_new(type, "into", target);
	if (element->action == OCTO_TYPE_TEXT) {
		/* Keys, and no text at once: 1 ms where no pause is asked for. */
		int64_t delay_ms = called->delay_ms > 0 ? called->delay_ms : 1;

		json_object_set_new(type, "delay", json_integer(delay_ms));
		json_object_set_new(type, "append", json_true());
	}
	if (is_secret(m, called->text))
		json_object_set_new(type, "secret", json_true());
	return step_of("type", type);
}

static json_t *
option_of(struct maker *m, const struct octo_option *option)
{
	if (option->any)
		return text_of(m, option->any);
	if (option->value)
		return json_pack("{s:o}", "value", text_of(m, option->value));
	if (option->label)
		return json_pack("{s:o}", "label", text_of(m, option->label));
	return json_pack("{s:I}", "index", (json_int_t)option->index);
}

static json_t *
make_select(struct maker *m, const struct octo_called *called, json_t *target)
{
	json_t *options = json_array();

	for (size_t i = 0; i < called->n_options; i++)
		json_array_append_new(options, option_of(m, &called->option[i]));
	if (called->n_options == 1) {
		json_t *one = json_incref(json_array_get(options, 0));

		json_decref(options);
		options = one;
	}
	return step_of("select", json_pack("{s:o, s:o}", "in", target, "option", options));
}

static json_t *
make_press(struct maker *m, const struct octo_called *called, json_t *target)
{
	json_t *press = json_pack("{s:o}", "key", text_of(m, called->text));

	if (target)
		json_object_set_new(press, "on", target);
	return step_of("press", press);
}

static json_t *
make_open(struct maker *m, const char *path)
{
	_cleanup_free_ char *url = octo_url_join(m->run->url, path);

	return step_of("open", text_of(m, url));
}

static json_t *
make_extract(struct maker *m, const struct octo_called *called, json_t *target)
{
	_cleanup_free_ char *template = xasprintf("{{%s}}", called->name);
	json_t *source;

	if (called->attribute)
		source = json_pack(
			"{s:o, s:o}", "attribute", text_of(m, called->attribute), "of", target);
	else
		source = json_pack("{s:o}", "text", target);
	json_object_set_new(m->extracted, called->name, json_string(template));
	return step_of("extract", json_pack("{s:o}", called->name, source));
}

/*
 * The code is the body of an async function with `vars`, all variables by their names; the
 * members of an object that it returns are set.
 */
static json_t *
make_script(struct maker *m, const struct octo_called *called)
{
	static const char before[] =
		"const vars = { ...args.statics, ...args.extracted, ...args.script };\n"
		"const result = await (async (vars) => {\n";
	static const char after[] =
		"\n})(vars);\n"
		"return { ...args.script, ...(result !== null && typeof result === 'object' && "
		"!Array.isArray(result) ? result : {}) };";
	_cleanup_free_ char *code = xasprintf("%s%s%s", before, called->text, after);

	json_object_set_new(m->vars, "octo-script", json_object());
	return step_of("eval",
		json_pack("{s:o, s:s, s:{s:s, s:s, s:O}}", "code", code_of(m, code), "save",
			"octo-script", "args", "statics", "{{octo}}", "script",
			"{{octo-script}}", "extracted", m->extracted));
}

static json_t *
make_scroll(const struct octo_called *called, json_t *target)
{
	json_t *by;

	if (!called->has_x && !called->has_y)
		return target ? step_of("scroll", json_pack("{s:o}", "to", target))
			      : step_of("scroll", json_string("bottom"));
	by = json_pack("{s:{s:f, s:f}}", "by", "x", called->x, "y", called->y);
	if (target)
		json_object_set_new(by, "in", target);
	return step_of("scroll", by);
}

static json_t *
make_wait(struct maker *m, const struct octo_called *called, json_t *target)
{
	const char *code = octo_wait_code(called->wait);

	if (called->wait == OCTO_WAIT_CODE)
		code = called->text && called->text[0] ? called->text : "true";
	if (target)
		return step_of("wait", json_pack("{s:o}", "for", target));
	if (called->wait == OCTO_WAIT_FIXED_TIME)
		return step_of("wait", json_integer(called->delay_ms));
	if (code)
		return step_of("wait", json_pack("{s:o}", "until", code_of(m, code)));
	return step_of("wait",
		json_pack("{s:s}", "load",
			called->wait == OCTO_WAIT_DOM_CONTENT_LOADED     ? "domcontentloaded"
				: called->wait == OCTO_WAIT_NETWORK_IDLE ? "networkidle"
									 : "load"));
}

static json_t *
make_download(const struct octo_element *element, json_t *target)
{
	return json_pack(
		"{s:[o, {s:b}]}", "group", make_click(element, target), "download", true);
}

static json_t *
make_drag(struct maker *m, const struct octo_called *called, json_t *target)
{
	json_t *drag = json_pack("{s:o, s:o}", "from", target, "to", target_of(m, &called->to));

	if (called->has_x && called->has_y)
		json_object_set_new(drag, "position",
			json_pack("{s:f, s:f}", "x", called->x, "y", called->y));
	return step_of("drag", drag);
}

static json_t *
make_interaction(struct maker *m, const struct octo_element *element, json_t *target)
{
	const struct octo_called *called = &element->called;

	switch (element->action) {
	case OCTO_CLICK:
		return make_click(element, target);
	case OCTO_ENTER_TEXT:
	case OCTO_TYPE_TEXT:
		return make_typing(m, element, target);
	case OCTO_SELECT_OPTION:
		return make_select(m, called, target);
	case OCTO_GO_TO:
		return make_open(m, called->text);
	case OCTO_KEY_PRESS:
		return make_press(m, called, target);
	case OCTO_HOVER:
		return step_of("hover", target);
	case OCTO_UPLOAD:
		return step_of("upload",
			json_pack("{s:o, s:o}", "into", target, "files",
				text_of(m, called->text)));
	case OCTO_DOWNLOAD:
		return make_download(element, target);
	case OCTO_DRAG_AND_DROP:
		return make_drag(m, called, target);
	case OCTO_EXTRACT:
		return make_extract(m, called, target);
	case OCTO_JAVASCRIPT:
		return make_script(m, called);
	case OCTO_CLOSE_PAGE:
		return step_of("tab", json_string("close"));
	case OCTO_SCROLL:
		return make_scroll(called, target);
	case OCTO_WAIT_FOR:
		return make_wait(m, called, target);
	case OCTO_OPEN_EMAIL:
	case OCTO_ACTION_COUNT:
		break;
	}
	return NULL; /* refused before */
}

/* --- Assertions --- */

static json_t *
make_response_ok(struct maker *m, const char *url)
{
	_cleanup_free_ char *full = octo_url_join(m->run->url, url);

	return json_pack("{s:{s:{s:o, s:s, s:b}}}", "expect", "response", "url",
		text_of(m, full), "status", "2xx", "ask", true);
}

static json_t *
make_assertion(struct maker *m, const struct octo_element *element, json_t *target)
{
	/* clang-format off */
	static const char *const states[OCTO_EXPECTATION_COUNT] = {
		[OCTO_VISIBLE] = "visible", [OCTO_NOT_VISIBLE] = "hidden",
		[OCTO_DISABLED] = "disabled", [OCTO_TO_BE_CHECKED] = "checked",
		[OCTO_NOT_TO_BE_CHECKED] = "unchecked",
	};
	/* clang-format on */
	const struct octo_called *called = &element->called;
	const char *state = states[element->expectation];

	if (state)
		return step_of("expect", json_pack("{s:o}", state, target));
	if (element->expectation == OCTO_RESPONSE_OK)
		return make_response_ok(m, called->text);
	if (element->expectation == OCTO_TO_HAVE_VALUE)
		return step_of("expect",
			json_pack(
				"{s:o, s:o}", "value", target, "is", text_of(m, called->text)));
	if (element->expectation == OCTO_TO_CONTAIN_TEXT)
		return step_of("expect",
			json_pack("{s:o, s:o}", "text", target, "contains",
				text_of(m, called->text)));
	return step_of("expect",
		json_pack("{s:o, s:o, s:o}", "css", text_of(m, called->name), "of", target,
			"is", text_of(m, called->text)));
}

/* --- Elements and cases --- */

static json_t *
make_step(struct maker *m, const struct octo_element *element)
{
	const char *why = octo_refusal(element, m->statics);
	json_t *target = NULL, *step;

	if (why)
		return refusal(element, why);
	if (octo_has_target(element))
		target = target_of(m, &element->selectors);
	if (element->kind == OCTO_INTERACTION)
		step = make_interaction(m, element, target);
	else
		step = make_assertion(m, element, target);
	if (element->ignores_failure)
		json_object_set_new(step, "optional", json_true());
	return step;
}

/* A one-time password is made right before it is used. */
static void
add_otp(struct maker *m, const struct octo_element *element, json_t *steps)
{
	const char *text = element->called.text;

	if (!m->run->otp_key || !text || !octo_vars_uses(text, m->statics, "OCTO_OTP"))
		return;
	json_object_set_new(m->vars, "octo-otp-key", json_string(m->run->otp_key));
	json_array_append_new(steps,
		json_pack("{s:s, s:{s:s, s:{s:s}, s:s}}", "name", "one-time password", "eval",
			"code", octo_otp_page_code(), "args", "key", "{{octo-otp-key}}", "save",
			"octo-otp"));
}

static void
add_steps(struct maker *m, const struct octo_case *c, json_t *steps)
{
	for (size_t i = 0; i < c->n_elements; i++) {
		const struct octo_element *element = &c->element[i];

		add_otp(m, element, steps);
		json_array_append_new(steps, make_step(m, element));
		if (m->follows_tabs && element->kind == OCTO_INTERACTION &&
			element->action == OCTO_CLICK)
			json_array_append_new(steps, step_of("tab", json_string("last")));
	}
}

/* A name that is a name of ours: not empty, not too long, without braces that mean something.
 */
static json_t *
name_of(const char *before, const struct octo_case *c)
{
	const char *own = c->description[0] ? c->description : "a test case without a name";
	_cleanup_free_ char *name = xasprintf("%s%s", before, own);

	for (char *at = name; (at = strstr(at, "{{"));)
		at[1] = ' ';
	return json_stringn(name, utf8_cut_len(name, NAME_BYTES_MAX));
}

/* A group, or nothing for a case without steps. */
static void
add_group(struct maker *m, const struct octo_case *c, const char *before, json_t *ret)
{
	json_t *steps = json_array();

	add_steps(m, c, steps);
	if (json_array_size(steps) == 0) {
		json_decref(steps);
		return;
	}
	json_array_append_new(
		ret, json_pack("{s:o, s:o}", "group", steps, "name", name_of(before, c)));
}

/* Variable that says that the case at that place of the chain began. */
static char *
began_name(size_t place)
{
	return xasprintf("octo-began-%zu", place);
}

/* Its teardown is to run only when it began; the first always does. */
static void
note_beginning(const struct octo_chain *chain, size_t place, json_t *steps)
{
	_cleanup_free_ char *name = began_name(place);

	if (place > 0 && chain->teardown[place])
		json_array_append_new(steps, json_pack("{s:{s:b}}", "set", name, true));
}

static void
add_chain(struct maker *m, const struct octo_chain *chain, json_t *steps)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct octo_case *c = chain->item[i];

		note_beginning(chain, i, steps);
		if (i == 0 || (c->entry_path && c->entry_path[0]))
			json_array_append_new(steps, make_open(m, c->entry_path));
		if (i + 1 < chain->n)
			add_group(m, c, "first: ", steps);
		else
			add_steps(m, c, steps);
	}
}

static void
add_teardowns(struct maker *m, const struct octo_chain *chain, json_t *after)
{
	for (size_t i = chain->n; i-- > 0;) {
		size_t n = json_array_size(after);

		if (!chain->teardown[i])
			continue;
		add_group(m, chain->teardown[i], "teardown: ", after);
		if (json_array_size(after) == n)
			continue;
		json_t *group = json_array_get(after, n);
		_cleanup_free_ char *name = began_name(i);

		json_object_set_new(group, "optional", json_true());
		if (i > 0)
			json_object_set_new(group, "if", json_string(name));
	}
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

static json_t *
make_config(const struct octo_run *run)
{
	static const char *const devices[] = { NULL, "phone", "tablet" };
	json_t *config = json_pack("{s:s}", "baseURL", run->url);
	const struct octo_account *basic = &run->basic_auth;
	_cleanup_free_ char *origin = octo_url_origin(run->url);

	if (devices[run->breakpoint])
		json_object_set_new(config, "device", json_string(devices[run->breakpoint]));
	if (run->headers && json_object_size(run->headers) > 0)
		json_object_set(config, "extraHeaders", run->headers);
	if (basic->username)
		json_object_set_new(config, "httpCredentials",
			json_pack("{s:s, s:s, s:s}", "username", basic->username, "password",
				basic->password ? basic->password : "", "origin", origin));
	if (run->step_timeout_ms > 0) {
		json_object_set_new(
			config, "actionTimeout", json_integer(run->step_timeout_ms));
		json_object_set_new(
			config, "expectTimeout", json_integer(run->step_timeout_ms));
	}
	return config;
}

static json_t *
make_tags(const struct octo_case *c)
{
	json_t *tags = json_array();

	for (size_t i = 0; i < c->tags.n; i++)
		json_array_append_new(tags, json_string(c->tags.item[i]));
	return tags;
}

/* What EXTRACT may leave out because its failure is ignored is empty then. */
static void
set_unsure(struct maker *m)
{
	const char *name;
	json_t *is_sure;

	json_object_foreach(m->dynamics, name, is_sure)
	{
		if (json_is_false(is_sure))
			json_object_set_new(m->vars, name, json_string(""));
	}
}

static json_t *
make_steps(struct maker *m, const struct octo_chain *chain)
{
	json_t *steps = json_array();

	if (m->run->browser != OCTO_CHROMIUM) {
		_cleanup_free_ char *text =
			xasprintf("%s is not here: test cases run in Chromium only",
				octo_browser_names[m->run->browser]);

		json_array_append_new(steps,
			json_pack("{s:{s:s, s:b}}", "fail", "text", text, "errored", true));
		return steps;
	}
	add_chain(m, chain, steps);
	return steps;
}

static json_t *
make_test(struct maker *m, const struct octo_chain *chain)
{
	const struct octo_case *c = chain->item[chain->n - 1];
	json_t *steps = make_steps(m, chain), *after = json_array();
	json_t *test;

	if (m->run->browser == OCTO_CHROMIUM)
		add_teardowns(m, chain, after);
	test = json_pack("{s:o, s:s, s:o, s:o, s:o, s:O}", "name", name_of("", c), "kind",
		"browser", "tags", make_tags(c), "config", make_config(m->run), "steps", steps,
		"vars", m->vars);
	if (json_array_size(after) > 0)
		json_object_set(test, "after", after);
	if (m->run->test_id_attribute)
		json_object_set_new(
			test, "testIdAttribute", json_string(m->run->test_id_attribute));
	json_decref(after);
	return test;
}

enum {
	DEPTH_MAX = JSON_DEPTH_MAX - 8, /* a job and a lease have their own around it */
};

static unsigned
depth_of(json_t *value)
{
	unsigned deepest = 0, own;
	const char *name;
	json_t *item;
	size_t i;

	json_object_foreach(value, name, item)
	{
		own = depth_of(item);
		deepest = own > deepest ? own : deepest;
	}
	json_array_foreach(value, i, item)
	{
		own = depth_of(item);
		deepest = own > deepest ? own : deepest;
	}
	return deepest + (json_is_object(value) || json_is_array(value));
}

/* What the case could not say wrongly is right; the rest is looked at as any test is. */
static int
check(json_t *test, struct err *err)
{
	if (depth_of(test) > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "an element has too many selectors in a row");
	_cleanup_(arena_deinit) struct arena arena;
	struct issues *issues;

	arena_init(&arena, (size_t)MIB(16));
	issues = arena_xalloc(&arena, sizeof *issues);
	issues->arena = &arena;
	browser_test_check(test, NULL, "", issues);
	if (issues->n == 0)
		return 0;
	return err_set(
		err, ERR_INVALID, "%s: %s", issues->item[0].pointer, issues->item[0].detail);
}

json_t *
octo_to_browser(const struct octo_chain *chain, const struct octo_run *run, struct err *err)
{
	_cleanup_(json_unrefp) json_t *statics = octo_run_statics(run);
	_cleanup_(json_unrefp) json_t *dynamics = octo_run_dynamics(chain);
	_cleanup_(json_unrefp) json_t *extracted = json_object();
	_cleanup_(json_unrefp) json_t *vars = json_pack("{s:o}", "octo", json_copy(statics));
	struct maker m = { .run = run,
		.statics = statics,
		.dynamics = dynamics,
		.vars = vars,
		.extracted = extracted };

	for (size_t i = 0; i < chain->n; i++)
		m.follows_tabs |= closes_pages(chain->item[i]);
	if (run->otp_key)
		(void)json_object_del(json_object_get(vars, "octo"), "OCTO_OTP");
	set_unsure(&m);
	_cleanup_(json_unrefp) json_t *test = make_test(&m, chain);

	if (m.is_too_long)
		return err_set(err, ERR_LIMIT, "a text is too long with its variables"), NULL;
	if (check(test, err) < 0)
		return NULL;
	return TAKE(test);
}

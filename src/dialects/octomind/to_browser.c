/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each thing that an element may be; each gives one step. */
#include "dialects/octomind/to_browser.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/steps.h"
#include "dialects/octomind/maker.h"
#include "dialects/octomind/otp.h"
#include "dialects/octomind/vars.h"

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
	json_t *type = json_pack("{s:o}", "text", maker_text(m, called->text));

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
		return maker_text(m, option->any);
	if (option->value)
		return json_pack("{s:o}", "value", maker_text(m, option->value));
	if (option->label)
		return json_pack("{s:o}", "label", maker_text(m, option->label));
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
	json_t *press = json_pack("{s:o}", "key", maker_text(m, called->text));

	if (target)
		json_object_set_new(press, "on", target);
	return step_of("press", press);
}

static json_t *
make_open(struct maker *m, const char *path)
{
	_cleanup_free_ char *url = octo_url_join(m->run->url, path);

	return step_of("open", maker_text(m, url));
}

static json_t *
make_extract(struct maker *m, const struct octo_called *called, json_t *target)
{
	_cleanup_free_ char *template = xasprintf("{{%s}}", called->name);
	json_t *source;

	if (called->attribute)
		source = json_pack("{s:o, s:o}", "attribute", maker_text(m, called->attribute),
			"of", target);
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
		json_pack("{s:o, s:s, s:{s:s, s:s, s:O}}", "code", maker_code(m, code), "save",
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
		return step_of("wait", json_pack("{s:o}", "until", maker_code(m, code)));
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
	json_t *drag =
		json_pack("{s:o, s:o}", "from", target, "to", maker_target(m, &called->to));

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
				maker_text(m, called->text)));
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
		maker_text(m, full), "status", "2xx", "ask", true);
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
			json_pack("{s:o, s:o}", "value", target, "is",
				maker_text(m, called->text)));
	if (element->expectation == OCTO_TO_CONTAIN_TEXT)
		return step_of("expect",
			json_pack("{s:o, s:o}", "text", target, "contains",
				maker_text(m, called->text)));
	return step_of("expect",
		json_pack("{s:o, s:o, s:o}", "css", maker_text(m, called->name), "of", target,
			"is", maker_text(m, called->text)));
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
		target = maker_target(m, &element->selectors);
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs that look: wait, expect, extract, eval, screenshot; and conditions, which are
 * expectations without patience. What concerns elements is asked of the page in one go; what is
 * known here (responses, dialogs, variables, the console) is compared by the page's script all
 * the same, so that there is one idea of what a comparison means.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/template.h"
#include "runners/browser/evidence.h"
#include "runners/browser/network.h"
#include "runners/browser/tester.h"
#include "runners/kit/kit.h"

enum {
	ANSWER_MS = 2000,
	LOOK_AGAIN_MS = 50, /* what does not announce itself is looked at so often */
	MASKS_MAX = 100,
	VALUE_THREW = 1, /* see value_fn */
};

static const char *
text_of(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* --- JavaScript of the test, in the page's own world --- */

/*
 * Whether the code is an expression; else it is the body of a function. The browser is asked,
 * which compiles it without running it: what has been run cannot be tried again.
 */
static bool
is_expression(struct tester *t, struct frame *frame, const char *code)
{
	_cleanup_free_ char *wrapped = xasprintf("(async () => (%s\n))", code);
	_cleanup_(json_unrefp) json_t *result = NULL;
	struct err err = { 0 };

	return cdp_call(t->cdp, frame->session->id, "Runtime.compileScript",
		       json_pack("{s:s, s:s, s:b}", "expression", wrapped, "sourceURL", "",
			       "persistScript", 0),
		       t->deadline + ANSWER_MS, &result, &err) == 0 &&
		!json_object_get(result, "exceptionDetails");
}

static char *
function_of(struct tester *t, struct frame *frame, const char *code)
{
	return is_expression(t, frame, code)
		? xasprintf("async (element, args) => (%s\n)", code)
		: xasprintf("async (element, args) => { %s\n}", code);
}

static int
eval_once(struct tester *t, struct frame *frame, const char *code, json_t *args,
	int64_t deadline, json_t **ret, struct err *err)
{
	_cleanup_free_ char *function = function_of(t, frame, code);

	return frame_eval(frame, WORLD_PAGE, function, json_incref(args), deadline, ret, err);
}

/* Once, with the time that the step has. */
static int
run_code(struct tester *t, const char *code, json_t *given, json_t **ret)
{
	_cleanup_(json_unrefp) json_t *args = json_pack("[n, O]", given ? given : json_null());
	struct frame *frame = NULL;
	struct err err = { 0 };
	int r;

	if (frame_now(t, &frame) < 0)
		return -1;
	r = eval_once(t, frame, code, args, t->deadline, ret, &err);
	if (r == FRAME_THREW) {
		(void)trouble_set(t, TROUBLE_FAILED, "action", "%s", json_string_value(*ret));
		json_decref(TAKE(*ret));
		return -1;
	}
	return r < 0 ? trouble_err(t, &err) : 0;
}

/*
 * With an element: the page's world cannot see what ours found, so the element gets a name that
 * only this moment knows.
 */
static int
run_code_on(struct tester *t, json_t *value, json_t **ret)
{
	static const char mark[] =
		"(name) => globalThis.proctor.element().setAttribute(name, '')";
	static const char unmark[] =
		"(name) => globalThis.proctor.element().removeAttribute(name)";
	_cleanup_(spot_deinit) struct spot spot = { 0 };
	_cleanup_free_ char *name =
		xasprintf("data-proctor-%llx", (unsigned long long)clock_mono_ns());
	_cleanup_free_ char *code = NULL, *finder = NULL;
	_cleanup_(json_unrefp) json_t *args = NULL;
	struct err err = { 0 };
	json_t *given = json_object_get(value, "args");
	int r;

	if (find_spot(t, json_object_get(value, "on"), "", NULL, &spot) < 0)
		return -1;
	if (frame_eval(spot.frame, WORLD_OWN, mark, json_pack("[s]", name), t->deadline, NULL,
		    &err) != 0)
		return trouble_err(t, &err);
	args = json_pack("[s, O]", name, given ? given : json_null());
	code = function_of(t, spot.frame, text_of(value, "code"));
	finder = xasprintf(
		"(name, args) => { const find = (root) => root.querySelector(`[${name}]`) ?? "
		"[...root.querySelectorAll('*')].map((e) => e.shadowRoot && "
		"find(e.shadowRoot)).find(Boolean) ?? null; return (%s)(find(document), args); }",
		code);
	r = frame_eval(
		spot.frame, WORLD_PAGE, finder, json_incref(args), t->deadline, ret, &err);
	(void)!frame_eval(spot.frame, WORLD_OWN, unmark, json_pack("[s]", name),
		t->deadline + ANSWER_MS, NULL, &(struct err) { 0 });
	if (r == FRAME_THREW) {
		(void)trouble_set(t, TROUBLE_FAILED, "action", "%s", json_string_value(*ret));
		json_decref(TAKE(*ret));
		return -1;
	}
	return r < 0 ? trouble_err(t, &err) : 0;
}

int
look_eval(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	const char *save = text_of(value, "save");
	int r;

	(void)step;
	if (json_object_get(value, "on"))
		r = run_code_on(t, value, &result);
	else
		r = run_code(t,
			json_is_string(value) ? json_string_value(value)
					      : text_of(value, "code"),
			json_object_get(value, "args"), &result);
	if (r == 0 && save)
		set_variable(t, save, json_incref(result));
	return r;
}

/* --- Responses --- */

static bool
status_fits(json_t *wanted, int64_t status)
{
	const char *text = json_string_value(wanted);
	json_t *item;
	size_t i;

	if (!wanted)
		return true;
	if (json_is_integer(wanted))
		return json_integer_value(wanted) == status;
	json_array_foreach(wanted, i, item) if (status_fits(item, status)) return true;
	if (!text)
		return false;
	char own[24];

	(void)snprintf(own, sizeof own, "%lld", (long long)status);
	if (strlen(text) == 3 && strcasecmp(text + 1, "xx") == 0)
		return own[0] == text[0] && strlen(own) == 3;
	return strcmp(own, text) == 0;
}

/* 0: there is one; NETWORK_NONE; -1: trouble. *ret_seen: one with another status. */
static int
find_response(struct tester *t, json_t *wanted, int64_t *ret_seen)
{
	struct network_want want = { .url = text_of(wanted, "url"),
		.method = text_of(wanted, "method"),
		.needs_answer = true };
	const struct network_entry *entry = NULL;
	struct err err = { 0 };

	if (!want.url)
		want.url = "**";
	for (;;) {
		int r = network_find(t->network, &want, &entry, &err);

		if (r < 0)
			return trouble_set(
				t, TROUBLE_ERRORED, "invalid_definition", "%s", err.text);
		if (r == NETWORK_NONE)
			return NETWORK_NONE;
		if (status_fits(json_object_get(wanted, "status"), entry->status))
			return 0;
		*ret_seen = entry->status;
		while (want.since < network_count(t->network) &&
			network_get(t->network, want.since) != entry)
			want.since++;
		want.since++;
	}
}

/* The last hop of what the page asked for at that address, from that entry on, or NULL. */
static const struct network_entry *
answer_of(struct tester *t, size_t since, const char *url)
{
	const struct network_entry *asked = NULL, *answer = NULL;

	for (size_t i = since; i < network_count(t->network); i++) {
		const struct network_entry *entry = network_get(t->network, i);

		if (strcmp(entry->url, url) == 0)
			asked = entry;
		if (asked && strcmp(entry->request_id, asked->request_id) == 0)
			answer = entry;
	}
	return answer;
}

/*
 * Asks for an address from within the page, so that cookies, credentials, mocks and blocked
 * hosts are the page's. What another origin does not let a page read is asked for again
 * blindly, and its status taken from the network's record.
 */
static int
ask_status(struct tester *t, const char *url, int64_t *ret_status)
{
	static const char function[] =
		"async (given) => {\n"
		"	const url = new URL(given, location.href).href.replace(/#.*/s, '');\n"
		"	const options = { credentials: 'include', cache: 'no-store' };\n"
		"	try {\n"
		"		return { url, status: (await fetch(url, options)).status };\n"
		"	} catch {\n"
		"		await fetch(url, { ...options, mode: 'no-cors' });\n"
		"		return { url, status: 0 };\n"
		"	}\n"
		"}";
	_cleanup_(json_unrefp) json_t *answer = NULL;
	size_t since = network_count(t->network);
	struct frame *frame;
	struct err err = { 0 };

	if (frame_now(t, &frame) < 0)
		return -1;
	int r = frame_eval(
		frame, WORLD_OWN, function, json_pack("[s]", url), t->deadline, &answer, &err);

	*ret_status = 0;
	if (r == FRAME_THREW)
		return 0;
	if (r < 0 && err.code == ERR_TIMEOUT && cdp_state(t->cdp) == CDP_OPEN)
		return 0;
	if (r < 0)
		return trouble_err(t, &err);
	*ret_status = cdp_int(answer, "status", 0);
	const struct network_entry *entry =
		*ret_status ? NULL : answer_of(t, since, cdp_str(answer, "url"));

	if (entry)
		*ret_status = entry->status;
	return 0;
}

static int
expect_asked(struct tester *t, json_t *wanted, bool is_negated, const char *reason)
{
	const char *url = text_of(wanted, "url");
	int64_t status;

	if (!url)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
			"what is asked for needs an address");
	if (ask_status(t, url, &status) < 0)
		return -1;
	if (status == 0)
		return is_negated
			? 0
			: trouble_set(t, TROUBLE_FAILED, reason, "%s did not answer", url);
	if (status_fits(json_object_get(wanted, "status"), status) != is_negated)
		return 0;
	return trouble_set(t, TROUBLE_FAILED, reason,
		is_negated ? "expected another status of %s than %lld"
			   : "expected another status of %s; it was %lld",
		url, (long long)status);
}

static int
expect_response(struct tester *t, json_t *wanted, bool is_negated, const char *reason)
{
	int64_t seen = -1;

	if (json_is_true(json_object_get(wanted, "ask")))
		return expect_asked(t, wanted, is_negated, reason);
	for (;;) {
		int r = find_response(t, wanted, &seen);

		if (r < 0)
			return -1;
		if ((r == 0) != is_negated)
			return 0;
		if (time_left(t) == 0)
			break;
		if (pass_time(t, LOOK_AGAIN_MS) < 0)
			return -1;
	}
	const char *url = text_of(wanted, "url");

	if (is_negated)
		return trouble_set(t, TROUBLE_FAILED, reason,
			"expected no response of %s; there was one", url ? url : "any address");
	if (seen >= 0)
		return trouble_set(t, TROUBLE_FAILED, reason,
			"expected a response of %s with another status; it was %lld (waited %.3g s)",
			url ? url : "any address", (long long)seen,
			(double)t->patience_ms / 1000);
	return trouble_set(t, TROUBLE_FAILED, reason, "no response of %s came (waited %.3g s)",
		url ? url : "any address", (double)t->patience_ms / 1000);
}

/* --- Values that are known here --- */

/* VALUE_THREW: there is no value, *ret says what was thrown instead. */
typedef int value_fn(struct tester *t, json_t *expect, json_t **ret);

static int
value_of_var(struct tester *t, json_t *expect, json_t **ret)
{
	const char *name = text_of(expect, "var");
	_cleanup_(json_unrefp) json_t *text = json_sprintf("{{%s}}", name);
	struct err err = { 0 };

	*ret = template_fill(text, t->scope, NULL, &err);
	if (!*ret)
		*ret = json_null();
	return 0;
}

static int
value_of_dialog(struct tester *t, json_t *expect, json_t **ret)
{
	struct list_node *last = t->context->dialogs.prev;

	(void)expect;
	*ret = last == &t->context->dialogs
		? json_null()
		: json_string(container_of(last, struct dialog, node)->message);
	return 0;
}

static int
value_of_code(struct tester *t, json_t *expect, json_t **ret)
{
	_cleanup_(json_unrefp) json_t *args = json_pack("[n, n]");
	struct frame *frame = NULL;
	struct err err = { 0 };
	int r;

	if (frame_now(t, &frame) < 0)
		return -1;
	r = eval_once(t, frame, text_of(expect, "eval"), args,
		clock_mono_ms() + time_left(t) + ANSWER_MS, ret, &err);
	if (r < 0 && (err.code != ERR_CONFLICT || cdp_state(t->cdp) != CDP_OPEN))
		return trouble_err(t, &err);
	if (r < 0)
		*ret = json_null();
	return r == FRAME_THREW ? VALUE_THREW : 0;
}

static json_t *
comparison_of(json_t *expect, const char *match)
{
	json_t *inner = match ? json_object_get(expect, match) : NULL;
	json_t *spec = json_is_string(inner) ? json_pack("{s:O}", "is", inner)
		: json_is_object(inner)      ? json_copy(inner)
					     : json_copy(expect);

	if (json_object_get(expect, "not"))
		json_object_set(spec, "not", json_object_get(expect, "not"));
	return spec;
}

static int
expect_value(struct tester *t, json_t *expect, const char *what, const char *match,
	value_fn *fn, const char *reason)
{
	_cleanup_(json_unrefp) json_t *spec = comparison_of(expect, match);

	for (;;) {
		_cleanup_(json_unrefp) json_t *value = NULL;
		_cleanup_(json_unrefp) json_t *answer = NULL;
		int r = fn(t, expect, &value);

		if (r < 0 || (r == 0 && ask_compare(t, what, spec, value, &answer) < 0))
			return -1;
		if (r == 0 && cdp_flag(answer, "ok"))
			return 0;
		/* What was thrown is a text, and a text that is there would count as true. */
		if (time_left(t) == 0)
			return r == 0 ? trouble_answer(t, reason, answer)
				      : trouble_set(t, TROUBLE_FAILED, reason,
						"%s: it threw %s (waited %.3g s)", what,
						json_string_value(value),
						(double)t->patience_ms / 1000);
		if (pass_time(t, LOOK_AGAIN_MS) < 0)
			return -1;
	}
}

static int
expect_console(struct tester *t, json_t *console)
{
	size_t errors = evidence_console_errors(t->evidence, CONSOLE_FAIL_ERRORS);
	json_t *ignore = json_object_get(console, "ignore");
	size_t allowed = (size_t)cdp_int(console, "errors", 0);
	size_t n = 0;
	const char *first = NULL;

	for (size_t i = 0; i < errors; i++) {
		const char *text = evidence_console_error(t->evidence, CONSOLE_FAIL_ERRORS, i);
		bool is_ignored = false;
		json_t *part;
		size_t k;

		json_array_foreach(ignore, k, part) is_ignored |=
			text && strstr(text, json_string_value(part)) != NULL;
		if (is_ignored)
			continue;
		n++;
		if (!first)
			first = text;
	}
	if (n <= allowed)
		return 0;
	return trouble_set(t, TROUBLE_FAILED, "assertion",
		"expected the console to hold at most %zu errors; it has %zu, the first is: %s",
		allowed, n, first ? first : "");
}

/* --- Pictures --- */

/* The session of the page; NULL: it is closed or has crashed, which is the step's trouble. */
static const char *
session_now(struct tester *t)
{
	struct err err = { 0 };

	if (page_check(t->page, &err) == 0)
		return t->page->session->id;
	(void)trouble_err(t, &err);
	return NULL;
}

/* Boxes of all elements of a target, in the document. Frames are not followed. */
static int
boxes_of(struct tester *t, json_t *target, struct rect *ret, size_t max, size_t *ret_n)
{
	_cleanup_(json_unrefp) json_t *spec = spec_new(t, target, NULL);
	_cleanup_(json_unrefp) json_t *boxes = NULL;
	json_t *box;
	size_t i;

	if (ask(t, "boxes", spec, &boxes) < 0)
		return -1;
	json_array_foreach(boxes, i, box)
	{
		if (*ret_n < max)
			ret[(*ret_n)++] = (struct rect) { cdp_num(box, "x"), cdp_num(box, "y"),
				cdp_num(box, "width"), cdp_num(box, "height") };
	}
	return 0;
}

/* Fills in what both kinds of pictures have in common. clip and masks are the caller's. */
static int
shot_of(struct tester *t, json_t *value, struct shot *shot, struct rect *clip,
	struct rect masks[MASKS_MAX])
{
	json_t *of = json_object_get(value, "of");
	json_t *target;
	size_t i, n = 0;

	if (of) {
		_cleanup_(spot_deinit) struct spot spot = { 0 };

		if (find_spot(t, of, "visible", NULL, &spot) < 0 ||
			boxes_of(t, of, clip, 1, &n) < 0)
			return -1;
		if (n == 0)
			return trouble_set(
				t, TROUBLE_FAILED, "action", "the element went away");
		shot->clip = clip;
	}
	json_array_foreach(json_object_get(value, "mask"), i, target)
	{
		if (boxes_of(t, target, masks, MASKS_MAX, &shot->n_masks) < 0)
			return -1;
	}
	shot->masks = masks;
	shot->full_page = cdp_flag(value, "fullPage");
	return 0;
}

int
look_screenshot(struct tester *t, json_t *value, json_t *step)
{
	struct shot shot = { .name = json_is_string(value) ? json_string_value(value)
							   : text_of(value, "name") };
	struct rect clip, masks[MASKS_MAX];
	struct err err = { 0 };

	(void)step;
	if (json_is_object(value) && shot_of(t, value, &shot, &clip, masks) < 0)
		return -1;
	const char *session = session_now(t);

	if (!session)
		return -1;
	if (evidence_shot(t->evidence, session, &shot, t->deadline, NULL, &err) < 0)
		return trouble_err(t, &err);
	return 0;
}

static int
expect_screenshot(struct tester *t, json_t *expect)
{
	const char *name = text_of(expect, "screenshot");
	struct config_compare compare = t->config->compare;
	struct shot shot = { .name = name };
	struct shot_result result = { 0 };
	struct rect clip, masks[MASKS_MAX];
	struct err err = { 0 };
	size_t len = strlen(name);
	bool has_end = len > 4 && strcmp(name + len - 4, ".png") == 0;
	_cleanup_free_ char *baseline = xasprintf("%s%s", name, has_end ? "" : ".png");

	if (json_object_get(expect, "maxDiffPixels"))
		compare.max_diff_pixels = cdp_int(expect, "maxDiffPixels", 0);
	if (json_object_get(expect, "maxDiffRatio"))
		compare.max_diff_ratio = cdp_num(expect, "maxDiffRatio");
	if (json_object_get(expect, "threshold"))
		compare.threshold = cdp_num(expect, "threshold");
	if (shot_of(t, expect, &shot, &clip, masks) < 0)
		return -1;
	const char *session = session_now(t);

	if (!session)
		return -1;
	int r = evidence_compare(
		t->evidence, session, &shot, baseline, &compare, t->deadline, &result, &err);

	if (r < 0)
		return trouble_err(t, &err);
	if (r == 0)
		return 0;
	return trouble_set(
		t, TROUBLE_FAILED, "assertion", "screenshot \"%s\": %s", name, result.text);
}

/* --- Expectations --- */

/* The target whose `frame` counts. */
static json_t *
subject_of(json_t *expect)
{
	const char *name;
	json_t *value;

	json_object_foreach(expect, name, value)
	{
		if (strcmp(name, "is") != 0 && json_object_get(value, "frame"))
			return value;
	}
	return NULL;
}

static int
expect_of_page(struct tester *t, json_t *expect, const char *reason)
{
	_cleanup_(buf_deinit) struct buf words = BUF_INIT(BROWSER_TITLE_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *spec = NULL;
	json_t *outer;
	int r;

	words_expect(&words, expect);
	spec = spec_new(
		t, NULL, json_pack("{s:O, s:s}", "expect", expect, "words", buf_text(&words)));
	outer = frames_enter(t, subject_of(expect));
	r = ask_ok(t, "expectation", spec, reason, NULL);
	frames_leave(t, outer);
	return r;
}

static int
expect(struct tester *t, json_t *value, const char *reason)
{
	if (json_object_get(value, "response"))
		return expect_response(
			t, json_object_get(value, "response"), cdp_flag(value, "not"), reason);
	if (json_object_get(value, "var")) {
		/* A variable does not change while one waits. */
		t->deadline = clock_mono_ms();
		t->patience_ms = 0;
		_cleanup_free_ char *what = xasprintf("variable %s", text_of(value, "var"));

		return expect_value(t, value, what, NULL, value_of_var, reason);
	}
	if (json_object_get(value, "dialog"))
		return expect_value(t, value, "the message of the last dialog", "dialog",
			value_of_dialog, reason);
	if (json_object_get(value, "eval"))
		return expect_value(
			t, value, "the value of the script", NULL, value_of_code, reason);
	if (json_object_get(value, "console"))
		return expect_console(t, json_object_get(value, "console"));
	if (json_object_get(value, "screenshot"))
		return expect_screenshot(t, value);
	return expect_of_page(t, value, reason);
}

int
look_expect(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return expect(t, value, "assertion");
}

/* --- Conditions --- */

static int ask_condition(struct tester *t, json_t *condition);

/* all: 1 unless one does not hold; any: 1 if one does; none: the opposite of any. */
static int
ask_conditions(struct tester *t, json_t *list, bool wants_any)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		int r = ask_condition(t, item);

		if (r < 0)
			return -1;
		if ((r == 1) == wants_any)
			return wants_any;
	}
	return !wants_any;
}

static bool
is_truth(json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) > 0 &&
			strcmp(json_string_value(value), "false") != 0;
	if (json_is_number(value))
		return json_number_value(value) != 0;
	return value && !json_is_null(value) && !json_is_false(value);
}

static int
ask_condition(struct tester *t, json_t *condition)
{
	json_t *all = json_object_get(condition, "all");
	json_t *any = json_object_get(condition, "any");
	json_t *none = json_object_get(condition, "none");
	int r;

	if (!json_is_object(condition)) {
		_cleanup_(json_unrefp) json_t *value = NULL;
		_cleanup_(json_unrefp) json_t *named = NULL;

		if (!json_is_string(condition))
			return is_truth(condition);
		named = json_pack("{s:O}", "var", condition);
		(void)!value_of_var(t, named, &value);
		return is_truth(value);
	}
	if (all)
		return ask_conditions(t, all, false);
	if (any)
		return ask_conditions(t, any, true);
	if (none) {
		r = ask_conditions(t, none, true);
		return r < 0 ? r : !r;
	}
	t->patience_ms = duration_of(json_object_get(condition, "within"), 0);
	t->deadline = clock_mono_ms() + t->patience_ms;
	if (expect(t, condition, "assertion") == 0)
		return 1;
	/* What cannot be asked does not hold; what ends the run ends it. */
	if (t->trouble.kind == TROUBLE_FAILED)
		return 0;
	return -1;
}

int
look_condition(struct tester *t, json_t *condition)
{
	_cleanup_(json_unrefp) json_t *filled = NULL;
	struct err err = { 0 };
	int64_t deadline = t->deadline, patience = t->patience_ms;

	filled = template_fill(condition, t->scope, NULL, &err);
	if (!filled)
		return trouble_set(t, TROUBLE_ERRORED, "variable", "%s", err.text);
	int r = ask_condition(t, filled);

	t->deadline = deadline;
	t->patience_ms = patience;
	return r;
}

/* --- Waiting --- */

static int
wait_load(struct tester *t, const char *name)
{
	enum load_state state = LOAD_LOAD;
	struct err err = { 0 };

	(void)!load_state_parse(name, &state);
	if (page_wait_load(t->page, state, t->deadline, &err) < 0)
		return trouble_err(t, &err);
	return 0;
}

static int
wait_for(struct tester *t, json_t *value)
{
	json_t *target = json_object_get(value, "for");
	const char *state = text_of(value, "state");
	_cleanup_(json_unrefp) json_t *spec =
		spec_new(t, target, json_pack("{s:s}", "state", state ? state : "visible"));
	json_t *outer = frames_enter(t, target);
	int r = ask_ok(t, "waiting", spec, "action", NULL);

	frames_leave(t, outer);
	return r;
}

int
look_wait(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	if (!json_is_object(value)) {
		int64_t ms = duration_of(value, 0);

		t->deadline = clock_mono_ms() + ms;
		return pass_time(t, ms);
	}
	if (json_object_get(value, "for"))
		return wait_for(t, value);
	if (text_of(value, "load"))
		return wait_load(t, text_of(value, "load"));
	if (json_object_get(value, "response"))
		return expect_response(t, json_object_get(value, "response"), false, "action");
	if (json_object_get(value, "until")) {
		_cleanup_(json_unrefp) json_t *expect_code =
			json_pack("{s:O}", "eval", json_object_get(value, "until"));

		return expect_value(t, expect_code, "the value of the script", NULL,
			value_of_code, "action");
	}
	return expect_of_page(t, value, "action");
}

/* --- Extracting --- */

static int
extract_cookie(struct tester *t, const char *name, json_t **ret)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	struct err err = { 0 };
	json_t *cookie;
	size_t i;

	if (page_call(t->page, "Network.getCookies", NULL, t->deadline + ANSWER_MS, &result,
		    &err) < 0)
		return trouble_err(t, &err);
	json_array_foreach(json_object_get(result, "cookies"), i, cookie)
	{
		if (strcmp(cdp_str(cookie, "name"), name) == 0) {
			*ret = json_incref(json_object_get(cookie, "value"));
			return 0;
		}
	}
	return trouble_set(t, TROUBLE_FAILED, "action", "the page has no cookie \"%s\"", name);
}

/* A value that was read here takes the conversions of the script. */
static int
convert(struct tester *t, json_t *source, json_t **value)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err = { 0 };
	int r;

	if (!json_object_get(source, "as") && !json_object_get(source, "matches"))
		return 0;
	r = frame_eval(t->page->main, WORLD_OWN,
		"(value, source) => globalThis.proctor.convert(value, source)",
		json_pack("[O, O]", *value, source), t->deadline + ANSWER_MS, &answer, &err);
	if (r < 0)
		return trouble_err(t, &err);
	if (r == FRAME_THREW || !cdp_flag(answer, "ok"))
		return trouble_set(t, TROUBLE_FAILED, "action", "%s",
			r == FRAME_THREW ? json_string_value(answer)
					 : cdp_str(answer, "message"));
	json_decref(*value);
	*value = json_incref(json_object_get(answer, "value"));
	return 0;
}

static int
extract_from_page(struct tester *t, json_t *source, json_t **ret)
{
	_cleanup_(buf_deinit) struct buf words = BUF_INIT(BROWSER_TITLE_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *spec = NULL;
	_cleanup_(json_unrefp) json_t *answer = NULL;
	json_t *outer;
	int r;

	words_expect(&words, source);
	spec = spec_new(
		t, NULL, json_pack("{s:O, s:s}", "source", source, "words", buf_text(&words)));
	outer = frames_enter(t, subject_of(source));
	r = ask_ok(t, "extraction", spec, "action", &answer);
	frames_leave(t, outer);
	if (r == 0)
		*ret = json_incref(json_object_get(answer, "value"));
	return r;
}

static int
extract_one(struct tester *t, json_t *given, json_t **ret)
{
	_cleanup_(json_unrefp) json_t *source =
		json_is_string(given) ? json_pack("{s:O}", "text", given) : json_incref(given);
	_cleanup_(json_unrefp) json_t *value = NULL;
	int r;

	if (text_of(source, "cookie"))
		r = extract_cookie(t, text_of(source, "cookie"), &value);
	else if (text_of(source, "eval"))
		r = run_code(t, text_of(source, "eval"), NULL, &value);
	else
		return extract_from_page(t, source, ret);
	if (r < 0 || convert(t, source, &value) < 0)
		return -1;
	*ret = TAKE(value);
	return 0;
}

int
look_extract(struct tester *t, json_t *value, json_t *step)
{
	const char *name;
	json_t *source;

	(void)step;
	json_object_foreach(value, name, source)
	{
		json_t *found = NULL;

		if (extract_one(t, source, &found) < 0)
			return -1;
		json_object_set(t->output, name, found);
		set_variable(t, name, found);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Targets and steps in plain words, for titles and messages. What does not fit is cut. */
#include <string.h>

#include "base/limits.h"
#include "runners/browser/tester.h"

enum { WORD_BYTES = 80, PLAIN_BYTES = 120 };

/* Titles are for people: what does not fit into the buffer is left away. */
static void
add(struct buf *out, const char *text)
{
	(void)!buf_adds(out, text);
}

/* A text in quotes, cut between characters. */
static void
add_quoted(struct buf *out, const char *text)
{
	size_t len = utf8_cut_len(text, WORD_BYTES);

	add(out, "“");
	(void)!buf_add(out, text, len);
	add(out, text[len] ? "…”" : "”");
}

static void
add_value(struct buf *out, json_t *value)
{
	if (json_is_string(value)) {
		add_quoted(out, json_string_value(value));
		return;
	}
	_cleanup_free_ char *text =
		json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (text && strlen(text) <= WORD_BYTES)
		add(out, text);
	else
		add(out, json_is_array(value) ? "a list" : "a value");
}

/* --- Targets --- */

static const struct {
	const char *engine, *words;
} engines[] = {
	{ "css", "" },
	{ "text", "text " },
	{ "label", "field " },
	{ "placeholder", "placeholder " },
	{ "testId", "test id " },
	{ "alt", "picture " },
	{ "title", "title " },
	{ "hasText", "what has " },
};

static const char *
text_member(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
words_of_text(struct buf *out, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals && strncmp(text, "role=", 5) == 0) {
		const char *space = strchr(text, ' ');

		(void)!buf_add(
			out, text + 5, space ? (size_t)(space - text - 5) : strlen(text + 5));
		if (space) {
			add(out, " ");
			add_quoted(out, space + 1);
		}
		return;
	}
	for (size_t i = 0; equals && i < ARRAY_LEN(engines); i++) {
		size_t n = strlen(engines[i].engine);

		if (n == (size_t)(equals - text) && strncmp(text, engines[i].engine, n) == 0) {
			add(out, engines[i].words);
			add_quoted(out, equals + 1);
			return;
		}
	}
	add_quoted(out, text);
}

static void
words_of_object(struct buf *out, json_t *target)
{
	const char *role = text_member(target, "role");
	size_t start = out->len;

	if (role) {
		add(out, role);
		if (text_member(target, "name")) {
			add(out, " ");
			add_quoted(out, text_member(target, "name"));
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		const char *text = text_member(target, engines[i].engine);

		if (!text)
			continue;
		if (out->len > start)
			add(out,
				strcmp(engines[i].engine, "hasText") == 0 ? " with " : " and ");
		if (out->len == start || strcmp(engines[i].engine, "hasText") != 0)
			add(out, engines[i].words);
		add_quoted(out, text);
	}
	if (json_object_get(target, "has")) {
		add(out, out->len > start ? " with " : "what has ");
		words_target(out, json_object_get(target, "has"));
	}
	if (json_object_get(target, "and")) {
		if (out->len > start)
			add(out, " and ");
		words_target(out, json_object_get(target, "and"));
	}
}

void
words_target(struct buf *out, json_t *target)
{
	json_t *nth = json_object_get(target, "nth");

	if (json_is_string(target)) {
		words_of_text(out, json_string_value(target));
		return;
	}
	if (json_is_true(json_object_get(target, "first")))
		add(out, "the first ");
	if (json_is_true(json_object_get(target, "last")))
		add(out, "the last ");
	words_of_object(out, target);
	if (json_is_integer(nth))
		(void)!buf_addf(out, " number %d", (int)json_integer_value(nth));
	if (json_object_get(target, "inside")) {
		add(out, " in ");
		words_target(out, json_object_get(target, "inside"));
	}
	if (json_object_get(target, "frame") &&
		!json_is_array(json_object_get(target, "frame"))) {
		add(out, " in frame ");
		words_target(out, json_object_get(target, "frame"));
	}
}

/* --- Expectations --- */

void
words_expect(struct buf *out, json_t *expect)
{
	static const char *const subjects[] = { "visible", "hidden", "attached", "enabled",
		"disabled", "editable", "checked", "unchecked", "focused", "empty", "text",
		"value", "count", "html", "of", NULL };

	if (json_is_string(expect)) {
		add(out, "text ");
		add_quoted(out, json_string_value(expect));
		return;
	}
	for (const char *const *name = subjects; *name; name++) {
		json_t *target = json_object_get(expect, *name);

		if (json_is_string(target) || json_is_object(target)) {
			words_target(out, target);
			return;
		}
	}
}

static void
add_comparison(struct buf *out, json_t *spec)
{
	static const char *const words[] = { "is", "contains", "matches", "starts with",
		"ends with", "is at least", "is at most", "is one of" };
	bool is_first = true;

	if (json_is_string(spec)) {
		add(out, " is ");
		add_value(out, spec);
		return;
	}
	for (size_t i = 0; comparison_names[i]; i++) {
		json_t *value = json_object_get(spec, comparison_names[i]);

		if (!value)
			continue;
		add(out, is_first ? " " : " and ");
		add(out, words[i]);
		add(out, " ");
		add_value(out, value);
		is_first = false;
	}
}

static void
words_of_expect(struct buf *out, json_t *expect)
{
	const char *subject = "visible";

	add(out, json_is_true(json_object_get(expect, "not")) ? "expect not " : "expect ");
	for (const char *const *name = expect_subjects; *name; name++)
		if (json_object_get(expect, *name))
			subject = *name;
	json_t *value = json_object_get(expect, subject);

	if (json_is_string(expect) || json_equal(value, json_object_get(expect, "visible"))) {
		words_expect(out, expect);
		add(out, " to be visible");
	} else if (strcmp(subject, "url") == 0 || strcmp(subject, "title") == 0) {
		add(out, strcmp(subject, "url") == 0 ? "the address" : "the title");
		add_comparison(out, value);
	} else if (strcmp(subject, "text") == 0 || strcmp(subject, "value") == 0 ||
		strcmp(subject, "count") == 0) {
		add(out, subject);
		add(out, " of ");
		words_target(out, value);
		add_comparison(out, expect);
	} else if (strcmp(subject, "attribute") == 0 || strcmp(subject, "css") == 0) {
		add(out, json_string_value(value));
		add(out, " of ");
		words_expect(out, expect);
		add_comparison(out, expect);
	} else if (json_is_string(value) || strcmp(subject, "response") == 0 ||
		strcmp(subject, "console") == 0 || strcmp(subject, "dialog") == 0) {
		add(out, subject);
		if (json_is_string(value)) {
			add(out, " ");
			add_quoted(out, json_string_value(value));
		}
		add_comparison(out, expect);
	}
	/* The flags: enabled, hidden, … */
	if (json_is_object(expect) && buf_str(out).p[out->len - 1] == ' ') {
		words_expect(out, expect);
		add(out, " to be ");
		add(out, subject);
	}
}

/* --- Steps --- */

static const char *const phrases[VERB_COUNT] = {
	[VERB_OPEN] = "open ",
	[VERB_RELOAD] = "reload",
	[VERB_BACK] = "go back",
	[VERB_FORWARD] = "go forward",
	[VERB_TAB] = "tab ",
	[VERB_CLICK] = "click ",
	[VERB_DOUBLE_CLICK] = "double-click ",
	[VERB_TAP] = "tap ",
	[VERB_HOVER] = "hover over ",
	[VERB_FOCUS] = "focus ",
	[VERB_CHECK] = "check ",
	[VERB_UNCHECK] = "uncheck ",
	[VERB_CLEAR] = "clear ",
	[VERB_TYPE] = "type ",
	[VERB_PRESS] = "press ",
	[VERB_SELECT] = "select ",
	[VERB_UPLOAD] = "upload into ",
	[VERB_DRAG] = "drag ",
	[VERB_SCROLL] = "scroll ",
	[VERB_WAIT] = "wait ",
	[VERB_EXPECT] = "",
	[VERB_EXTRACT] = "extract ",
	[VERB_EVAL] = "evaluate ",
	[VERB_SCREENSHOT] = "screenshot ",
	[VERB_LOG] = "log ",
	[VERB_SET] = "set ",
	[VERB_USE] = "use ",
	[VERB_GROUP] = "group",
	[VERB_THEN] = "if",
	[VERB_REPEAT] = "repeat",
	[VERB_FAIL] = "fail: ",
	[VERB_SKIP] = "skip: ",
	[VERB_DIALOG] = "dialogs: ",
	[VERB_DOWNLOAD] = "download",
	[VERB_COOKIES] = "cookies",
	[VERB_STORAGE] = "storage",
	[VERB_AUTH] = "authentication",
	[VERB_MOCK] = "mock ",
	[VERB_NETWORK] = "network ",
	[VERB_VIEWPORT] = "viewport ",
};

static void
words_of_type(struct buf *out, json_t *value)
{
	json_t *text = json_is_string(value) ? value : json_object_get(value, "text");

	if (json_is_true(json_object_get(value, "secret")))
		add(out, "•••");
	else
		add_value(out, text);
	if (json_object_get(value, "into")) {
		add(out, " into ");
		words_target(out, json_object_get(value, "into"));
	}
}

static void
words_of_select(struct buf *out, json_t *value)
{
	json_t *option = json_object_get(value, "option");
	const char *name;
	json_t *only;

	json_object_foreach(option, name, only) option = only;
	add_value(out, option);
	add(out, " in ");
	words_target(out, json_object_get(value, "in"));
}

static void
words_of_drag(struct buf *out, json_t *value)
{
	words_target(out, json_object_get(value, "from"));
	if (json_object_get(value, "to")) {
		add(out, " to ");
		words_target(out, json_object_get(value, "to"));
	}
}

static void
words_of_wait(struct buf *out, json_t *value)
{
	if (json_is_string(value)) {
		add(out, json_string_value(value));
	} else if (json_is_integer(value)) {
		(void)!buf_addf(out, "%d ms", (int)json_integer_value(value));
	} else if (json_object_get(value, "for")) {
		add(out, "for ");
		words_target(out, json_object_get(value, "for"));
		if (text_member(value, "state")) {
			add(out, " to be ");
			add(out, text_member(value, "state"));
		}
	} else if (text_member(value, "load")) {
		add(out, "for ");
		add(out, text_member(value, "load"));
	} else {
		add(out,
			json_object_get(value, "url")                ? "for the address"
				: json_object_get(value, "response") ? "for a response"
								     : "for a condition");
		add_comparison(out, json_object_get(value, "url"));
	}
}

static void
words_of_names(struct buf *out, json_t *object)
{
	const char *name;
	json_t *value;
	bool is_first = true;

	json_object_foreach(object, name, value)
	{
		add(out, is_first ? "" : ", ");
		add(out, name);
		is_first = false;
	}
}

/* A text, or the member of the object that says most. */
static void
words_of_plain(struct buf *out, json_t *value)
{
	static const char *const members[] = { "url", "name", "key", "steps", "action", "open",
		"code", NULL };

	if (json_is_string(value)) {
		const char *text = json_string_value(value);

		(void)!buf_add(out, text, utf8_cut_len(text, PLAIN_BYTES));
		return;
	}
	for (const char *const *name = members; *name; name++)
		if (text_member(value, *name)) {
			words_of_plain(out, json_object_get(value, *name));
			return;
		}
	if (json_is_number(value))
		add_value(out, value);
}

void
words_step(struct buf *out, enum verb verb, json_t *value, json_t *step)
{
	const char *name = text_member(step, "name");

	if (name) {
		add(out, name);
		return;
	}
	add(out, phrases[verb]);
	/* Most verbs are about a target or a text: the others have words of their own. */
	if (verb >= VERB_CLICK && verb <= VERB_CLEAR)
		words_target(out, value);
	else if (verb == VERB_TYPE)
		words_of_type(out, value);
	else if (verb == VERB_SELECT)
		words_of_select(out, value);
	else if (verb == VERB_UPLOAD)
		words_target(out, json_object_get(value, "into"));
	else if (verb == VERB_DRAG)
		words_of_drag(out, value);
	else if (verb == VERB_WAIT)
		words_of_wait(out, value);
	else if (verb == VERB_EXPECT)
		words_of_expect(out, value);
	else if (verb == VERB_EXTRACT || verb == VERB_SET)
		words_of_names(out, value);
	else if (verb == VERB_SCROLL && json_object_get(value, "to"))
		words_target(out, json_object_get(value, "to"));
	else if (verb == VERB_FAIL && json_is_object(value))
		words_of_plain(out, json_object_get(value, "text"));
	else
		words_of_plain(out, value);
	if (verb == VERB_PRESS && json_object_get(value, "on")) {
		add(out, " on ");
		words_target(out, json_object_get(value, "on"));
	}
}

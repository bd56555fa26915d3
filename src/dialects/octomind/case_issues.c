/* SPDX-License-Identifier: Apache-2.0 */
/* Places become text only when there is something to say about them. */
#include "dialects/octomind/case_issues.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum {
	WORD_SHOWN_BYTES = 60, /* of what was received */
	EXPECTED_BYTES_MAX = 1000,
};

static const char *
type_name(const json_t *value)
{
	if (!value)
		return "undefined";
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

static void
write_path(const struct octo_at *at, struct jw *jw)
{
	if (!at)
		return;
	write_path(at->up, jw);
	if (at->name)
		jw_str(jw, at->name);
	else
		jw_i64(jw, (int64_t)at->index);
}

static const char *
path_of(struct arena *arena, const struct octo_at *at)
{
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(JSON_POINTER_BYTES_MAX);
	char *path;
	struct jw jw;

	jw_init(&jw, &buf);
	jw_arr(&jw);
	write_path(at, &jw);
	jw_end_arr(&jw);
	if (jw_done(&jw) < 0)
		return "[]";
	path = arena_strdup(arena, buf.data);
	return path ? path : "[]";
}

static const char *
pointer_of(struct arena *arena, const struct octo_at *at)
{
	if (!at)
		return "";
	const char *up = pointer_of(arena, at->up);

	return at->name ? json_pointer_member(arena, up, at->name)
			: json_pointer_index(arena, up, at->index);
}

/* A copy in the arena, cut between characters; "" when there is no room. */
static const char *
copy(struct arena *arena, const char *text, size_t max)
{
	char *own = arena_strndup(arena, text, utf8_cut_len(text, max));

	return own ? own : "";
}

void
octo_issues_add(struct octo_issues *issues, const struct octo_at *at, const char *code,
	const char *expected, const char *received, const char *fmt, ...)
{
	va_list ap;

	if (issues->n == JSON_ISSUES_MAX) {
		issues->n_more++;
		return;
	}
	va_start(ap, fmt);
	char *message = arena_vprintf(issues->arena, fmt, ap);

	va_end(ap);
	issues->item[issues->n++] = (struct octo_issue) {
		.code = code,
		.expected = copy(issues->arena, expected, EXPECTED_BYTES_MAX),
		.received = copy(issues->arena, received, WORD_SHOWN_BYTES),
		.path = path_of(issues->arena, at),
		.pointer = pointer_of(issues->arena, at),
		.message = message ? message : "invalid",
	};
}

void
octo_issues_type(struct octo_issues *issues, const struct octo_at *at, const char *expected,
	const json_t *value)
{
	const char *received = type_name(value);

	if (!value)
		octo_issues_add(issues, at, "invalid_type", expected, received,
			"this is required: %s is expected", expected);
	else
		octo_issues_add(issues, at, "invalid_type", expected, received,
			"%s is expected, not %s", expected, received);
}

void
octo_issues_word(struct octo_issues *issues, const struct octo_at *at, const char *const *names,
	const char *word)
{
	_cleanup_(buf_deinit) struct buf list = BUF_INIT(EXPECTED_BYTES_MAX);
	bool fits = true;

	for (size_t i = 0; names[i]; i++)
		fits = fits && buf_addf(&list, "%s'%s'", i > 0 ? " | " : "", names[i]) == 0;
	octo_issues_add(issues, at, "invalid_enum_value", list.data ? list.data : "", word,
		"'%s' is none of %s", copy(issues->arena, word, WORD_SHOWN_BYTES),
		list.data ? list.data : "the known words");
}

void
octo_issues_write(const struct octo_issues *issues, struct jw *jw)
{
	jw_arr(jw);
	for (size_t i = 0; i < issues->n; i++) {
		const struct octo_issue *issue = &issues->item[i];

		jw_obj(jw);
		jw_kstr(jw, "code", issue->code);
		jw_kstr(jw, "expected", issue->expected);
		jw_kstr(jw, "received", issue->received);
		jw_kraw(jw, "path", issue->path);
		jw_kstr(jw, "message", issue->message);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cases, steps and errors as runners tell them, read leniently. */
#include "core/report_read.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

#define PATH_SEPARATOR " \xe2\x80\xba "

/* --- Texts --- */

/* Length of a terminal's escape sequence at s, 0 when there is none. */
static size_t
escape_len(const char *s)
{
	size_t n = 2;

	if (s[0] != '\x1b' || s[1] != '[')
		return 0;
	while (s[n] && !(s[n] >= '@' && s[n] <= '~'))
		n++;
	return s[n] ? n + 1 : n;
}

/* A copy without escape sequences and control characters; NULL for none. */
const char *
report_clean(struct arena *arena, const char *text)
{
	size_t len = utf8_cut_len(text, REPORT_TEXT_BYTES_MAX);
	char *copy = text[len] ? arena_printf(arena, "%.*s \xe2\x80\xa6 (cut)", (int)len, text)
			       : arena_strndup(arena, text, len);
	char *out = copy;

	if (!copy)
		return NULL;
	for (const char *in = copy; *in;) {
		size_t skip = escape_len(in);
		if (skip > 0) {
			in += skip;
			continue;
		}
		if ((unsigned char)*in >= ' ' || *in == '\n' || *in == '\t')
			*out++ = *in;
		in++;
	}
	*out = '\0';
	return copy;
}

static const char *
member_text(struct arena *arena, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && text[0] ? report_clean(arena, text) : NULL;
}

/* Texts as they are, other values as JSON. */
static const char *
member_any(struct arena *arena, const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (!value || json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return report_clean(arena, json_string_value(value));
	_cleanup_free_ char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	return dump ? report_clean(arena, dump) : NULL;
}

int64_t
report_int(const json_t *object, const char *name, int64_t otherwise)
{
	json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		return json_integer_value(value);
	double real = json_is_real(value) ? json_real_value(value) : -1;
	return real >= 0 && real < 9e15 ? (int64_t)real : otherwise;
}

const struct report_error *
report_error_read(struct arena *arena, const json_t *object)
{
	if (!json_is_object(object))
		return NULL;
	struct report_error *error = arena_alloc(arena, sizeof *error);
	if (!error)
		return NULL;
	error->message = member_text(arena, object, "message");
	if (!error->message)
		error->message = "no message";
	error->stack = member_text(arena, object, "stack");
	error->file = member_text(arena, object, "file");
	error->snippet = member_text(arena, object, "snippet");
	error->expected = member_any(arena, object, "expected");
	error->actual = member_any(arena, object, "actual");
	error->screenshot = member_text(arena, object, "screenshot");
	error->line = report_int(object, "line", 0);
	error->column = report_int(object, "column", 0);
	return error;
}

/* --- Cases and steps --- */

static bool
is_step_status(const char *status)
{
	return status && (strcmp(status, "passed") == 0 || strcmp(status, "failed") == 0);
}

bool
report_is_step(const json_t *object)
{
	return is_step_status(json_string_value(json_object_get(object, "status"))) &&
		json_string_length(json_object_get(object, "title")) > 0;
}

bool
report_step_read(struct arena *arena, const json_t *object, struct report_step *ret)
{
	const char *status = json_string_value(json_object_get(object, "status"));
	const char *title = member_text(arena, object, "title");

	if (!is_step_status(status) || !title)
		return false;
	*ret = (struct report_step) { .title = title,
		.status = strcmp(status, "failed") == 0 ? "failed" : "passed",
		.duration_ms = report_int(object, "durationMs", -1),
		.attempt = 1,
		.error = report_error_read(arena, json_object_get(object, "error")) };
	return true;
}

/* Appends to an array that doubles at powers of two; false when the arena is full. */
bool
report_push(struct arena *arena, void **items, size_t *n, size_t size, const void *item)
{
	if (*n == 0 || (*n & (*n - 1)) == 0) {
		void *more = arena_calloc(arena, *n == 0 ? 1 : *n * 2, size);
		if (!more)
			return false;
		if (*n > 0)
			memcpy(more, *items, *n * size);
		*items = more;
	}
	memcpy((char *)*items + *n * size, item, size);
	++*n;
	return true;
}

void
report_push_step(struct arena *arena, struct report_step **steps, size_t *n,
	const struct report_step *step)
{
	void *items = *steps;

	if (report_push(arena, &items, n, sizeof *step, step))
		*steps = items;
}

const char *
report_case_status(const json_t *object)
{
	const char *status = json_string_value(json_object_get(object, "status"));
	static const char *const known[] = { "passed", "failed", "skipped", "flaky",
		"running" };

	for (size_t i = 0; status && i < ARRAY_LEN(known); i++) {
		if (strcmp(status, known[i]) == 0)
			return known[i];
	}
	return "failed";
}

static const char *
join_path(struct arena *arena, const json_t *path)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(8));
	json_t *part;
	size_t i;

	json_array_foreach(path, i, part)
	{
		const char *word = json_string_value(part);
		if (!word || !word[0])
			continue;
		if (buf_addf(&text, "%s%s", text.len ? PATH_SEPARATOR : "", word) < 0)
			break; /* cut: a path is a courtesy */
	}
	const char *joined = report_clean(arena, buf_text(&text));
	return joined ? joined : "";
}

void
report_case_read(struct arena *arena, const json_t *object, struct report_case *ret)
{
	json_t *one;
	size_t i;

	ret->id = member_any(arena, object, "id");
	ret->title = member_text(arena, object, "title");
	if (!ret->id)
		ret->id = "";
	if (!ret->title)
		ret->title = ret->id[0] ? ret->id : "unnamed";
	ret->path = join_path(arena, json_object_get(object, "path"));
	ret->status = report_case_status(object);
	ret->file = member_text(arena, object, "file");
	ret->line = report_int(object, "line", 0);
	ret->last_attempt = report_int(object, "attempt", 1);
	ret->attempts = report_int(object, "attempts", report_int(object, "attempt", 1));
	ret->duration_ms = report_int(object, "durationMs", -1);
	ret->error = report_error_read(arena, json_object_get(object, "error"));
	json_array_foreach(json_object_get(object, "steps"), i, one)
	{
		struct report_step step;
		if (report_step_read(arena, one, &step))
			report_push_step(arena, &ret->steps, &ret->n_steps, &step);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One scanner that cuts a text into literal pieces and names; the rest is what to do with them.
 */
#include "browser_format/template.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/parse.h"

enum {
	NAME_BYTES = 200,
	FILL_DEPTH_MAX = 64, /* deeper than any document that was read */
};

/* A piece of a text: a literal, or the name between braces. */
struct piece {
	struct str text;
	bool is_name;
};

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-' || c == '.';
}

static bool
name_is_valid(struct str name)
{
	if (name.n == 0 || name.n > NAME_BYTES || name.p[0] == '.' || name.p[name.n - 1] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_char(name.p[i]) || (name.p[i] == '.' && name.p[i - 1] == '.'))
			return false;
	return true;
}

static size_t
find(struct str text, const char *what, size_t from)
{
	const char *hit =
		from < text.n ? memmem(text.p + from, text.n - from, what, strlen(what)) : NULL;

	return hit ? (size_t)(hit - text.p) : text.n;
}

static struct str
tail(struct str text, size_t at)
{
	return str_from(text.p + at, text.n - at);
}

/* Takes the next piece off *rest. 1: there was one; 0: the end; -1: err. */
static int
next_piece(struct str *rest, struct piece *ret, struct err *err)
{
	if (rest->n == 0)
		return 0;
	size_t open = find(*rest, "{{", 0);

	if (open > 0 && open < rest->n && rest->p[open - 1] == '\\') {
		/* The backslash goes, the braces stay. */
		if (open > 1) {
			*ret = (struct piece) { .text = str_from(rest->p, open - 1) };
			*rest = tail(*rest, open - 1);
			return 1;
		}
		*ret = (struct piece) { .text = str_from(rest->p + 1, 2) };
		*rest = tail(*rest, 3);
		return 1;
	}
	if (open > 0 && open < rest->n && rest->p[open - 1] == '$') {
		size_t end = find(*rest, "}}", open);

		end = end < rest->n ? end + 2 : rest->n;
		*ret = (struct piece) { .text = str_from(rest->p, end) };
		*rest = tail(*rest, end);
		return 1;
	}
	if (open > 0) {
		*ret = (struct piece) { .text = str_from(rest->p, open) };
		*rest = tail(*rest, open);
		return 1;
	}
	size_t close = find(*rest, "}}", 2);

	if (close == rest->n)
		return err_set(err, ERR_INVALID,
			"\"{{\" without \"}}\" (\\{{ stands for the braces themselves)");
	*ret = (struct piece) { .is_name = true,
		.text = str_trim(str_from(rest->p + 2, close - 2)) };
	*rest = tail(*rest, close + 2);
	if (!name_is_valid(ret->text))
		return err_set(err, ERR_INVALID,
			"\"{{%.*s}}\" is no name of a variable (\\{{ stands for the braces "
			"themselves)",
			(int)(ret->text.n < 40 ? ret->text.n : 40),
			ret->text.n > 0 ? ret->text.p : "");
	return 1;
}

bool
template_is_whole(struct str text)
{
	struct piece piece;
	struct err err;

	text = str_trim(text);
	return str_starts(text, STR("{{")) && next_piece(&text, &piece, &err) == 1 &&
		piece.is_name && text.n == 0;
}

int
template_check(struct str text, struct err *err)
{
	struct piece piece;
	int r;

	do
		r = next_piece(&text, &piece, err);
	while (r > 0);
	return r;
}

/* --- Filling in --- */

static json_t *
step_into(json_t *value, struct str name)
{
	int64_t index;
	struct err err;

	if (json_is_object(value))
		return json_object_getn(value, name.p, name.n);
	if (json_is_array(value) && parse_i64(name, 0, INT32_MAX, &index, &err) == 0)
		return json_array_get(value, (size_t)index);
	return NULL;
}

/* Of the first part of a name, when that is what does not exist. */
static const char *
near_variable(json_t *scope, struct str name)
{
	struct str first = str_split_first(&name, '.');
	const char *names[64] = { 0 };
	char word[NAME_BYTES + 1];
	const char *key;
	json_t *value;
	size_t n = 0;

	if (first.n >= sizeof word || step_into(scope, first))
		return NULL;
	memcpy(word, first.p, first.n);
	word[first.n] = '\0';
	json_object_foreach(scope, key, value)
	{
		if (n < ARRAY_LEN(names) - 1 && key[0] != ' ')
			names[n++] = key;
	}
	return near_name(word, names);
}

static json_t *
look_up(json_t *scope, struct str name, struct err *err)
{
	json_t *value = scope;
	struct str rest = name;

	while (rest.p && value)
		value = step_into(value, str_split_first(&rest, '.'));
	if (!value) {
		const char *near = near_variable(scope, name);

		(void)err_set(err, ERR_NOT_FOUND, "there is no variable {{" STR_FMT "}}%s%s%s",
			STR_ARG(name), near ? " (did you mean {{" : "", near ? near : "",
			near ? "}}?)" : "");
	}
	return value;
}

static int
add_value(struct buf *out, json_t *value, struct str name, struct err *err)
{
	_cleanup_free_ char *text = NULL;

	if (json_is_string(value)) {
		if (buf_add(out, json_string_value(value), json_string_length(value)) < 0)
			return err_set(err, ERR_LIMIT, "a text with variables grew too long");
		return 0;
	}
	if (json_is_object(value) || json_is_array(value))
		return err_set(err, ERR_INVALID,
			"{{" STR_FMT "}} is no text or number and cannot stand inside a text",
			STR_ARG(name));
	text = json_dumps(value, JSON_ENCODE_ANY);
	if (!text || buf_add(out, text, strlen(text)) < 0)
		return err_set(err, ERR_LIMIT, "a text with variables grew too long");
	return 0;
}

static json_t *
fill_text(json_t *value, json_t *scope, struct err *err)
{
	struct str rest = str_from(json_string_value(value), json_string_length(value));
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)BODY_BYTES_MAX);
	struct piece piece;
	int r;

	if (template_is_whole(rest)) {
		rest = str_trim(rest);
		if (next_piece(&rest, &piece, err) < 0)
			return NULL;
		return json_incref(look_up(scope, piece.text, err));
	}
	while ((r = next_piece(&rest, &piece, err)) > 0) {
		json_t *inserted = piece.is_name ? look_up(scope, piece.text, err) : NULL;

		if (piece.is_name && !inserted)
			return NULL;
		if (inserted ? add_value(&out, inserted, piece.text, err) < 0
			     : buf_add(&out, piece.text.p, piece.text.n) < 0)
			return NULL;
	}
	if (r < 0)
		return NULL;
	return json_stringn(out.len ? out.data : "", out.len);
}

static bool
is_kept(const char *const *keep, const char *name)
{
	for (; keep && *keep; keep++)
		if (strcmp(*keep, name) == 0)
			return true;
	return false;
}

static json_t *fill(
	json_t *tree, json_t *scope, const char *const *keep, unsigned depth, struct err *err);

static json_t *
fill_object(
	json_t *tree, json_t *scope, const char *const *keep, unsigned depth, struct err *err)
{
	_cleanup_(json_unrefp) json_t *out = json_object();
	const char *name;
	json_t *value;

	json_object_foreach(tree, name, value)
	{
		json_t *filled = is_kept(keep, name) ? json_incref(value)
						     : fill(value, scope, NULL, depth + 1, err);

		if (!filled)
			return NULL;
		json_object_set_new(out, name, filled);
	}
	return TAKE(out);
}

static json_t *
fill(json_t *tree, json_t *scope, const char *const *keep, unsigned depth, struct err *err)
{
	if (depth > FILL_DEPTH_MAX) {
		(void)err_set(err, ERR_LIMIT, "nested too deep");
		return NULL;
	}
	if (json_is_string(tree))
		return fill_text(tree, scope, err);
	if (json_is_object(tree))
		return fill_object(tree, scope, keep, depth, err);
	if (!json_is_array(tree))
		return json_incref(tree);
	_cleanup_(json_unrefp) json_t *out = json_array();
	json_t *item;
	size_t i;

	json_array_foreach(tree, i, item)
	{
		json_t *filled = fill(item, scope, NULL, depth + 1, err);

		if (!filled)
			return NULL;
		json_array_append_new(out, filled);
	}
	return TAKE(out);
}

json_t *
template_fill(json_t *tree, json_t *scope, const char *const *keep, struct err *err)
{
	return fill(tree, scope, keep, 0, err);
}

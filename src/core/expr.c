/* SPDX-License-Identifier: Apache-2.0 */
/* Scanning texts for `${{ … }}`, and walking a JSON tree to expand them. */
#include "core/expr.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/parse.h"

enum {
	PATH_BYTES = 200, /* of one expression, without the braces */
};

const char *const expr_run_facts[] = { "id", "job", "jobName", "iteration", "test", "target",
	"attempt", NULL };

struct walk {
	const struct expr_scope *scope;
	struct issues *issues;
	bool only_check;
	bool texts;  /* inside a member that holds nothing but texts: argv, env */
	bool braces; /* inside `instructions`: {{name}} is ${{ params.name }} */
};

static bool
starts_at(struct str text, size_t at, const char *what)
{
	size_t n = strlen(what);

	return text.n - at >= n && memcmp(text.p + at, what, n) == 0;
}

static size_t
find_from(struct str text, size_t at, const char *what)
{
	const char *hit =
		at <= text.n ? memmem(text.p + at, text.n - at, what, strlen(what)) : NULL;

	return hit ? (size_t)(hit - text.p) : text.n;
}

bool
expr_in_text(struct str text)
{
	return text.n >= 3 && memmem(text.p, text.n, "${{", 3) != NULL;
}

bool
expr_is_whole(struct str text)
{
	text = str_trim(text);
	if (!str_starts(text, STR("${{")) || !str_ends(text, STR("}}")))
		return false;
	return find_from(text, 3, "}}") == text.n - 2;
}

static bool
is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-' || c == '.';
}

static bool
path_is_valid(struct str path)
{
	if (path.n == 0 || path.n > PATH_BYTES || path.p[0] == '.' || path.p[path.n - 1] == '.')
		return false;
	for (size_t i = 0; i < path.n; i++)
		if (!is_path_char(path.p[i]) || (path.p[i] == '.' && path.p[i - 1] == '.'))
			return false;
	return true;
}

static json_t *
step_into(json_t *value, struct str name)
{
	int64_t index;
	struct err ignored;

	if (json_is_object(value))
		return json_object_getn(value, name.p, name.n);
	if (json_is_array(value) && parse_i64(name, 0, INT32_MAX, &index, &ignored) == 0)
		return json_array_get(value, (size_t)index);
	return NULL;
}

static bool
is_run_fact(struct str name)
{
	for (size_t i = 0; expr_run_facts[i]; i++)
		if (str_eqz(name, expr_run_facts[i]))
			return true;
	return false;
}

/* What an expression means in this pass. */
enum found { FOUND_VALUE, FOUND_LATER, FOUND_WRONG };

static enum found
wrong(struct walk *walk, const char *pointer, const char *detail, struct str path)
{
	issues_add(walk->issues, pointer, ISSUE_INVALID, "${{ " STR_FMT " }}: %s",
		STR_ARG(path), detail);
	return FOUND_WRONG;
}

static enum found
look_up_param(
	struct walk *walk, struct str path, struct str rest, const char *pointer, json_t **ret)
{
	json_t *value = walk->scope->params;
	struct str name = str_split_first(&rest, '.');

	if (walk->only_check && !value)
		return FOUND_LATER;
	value = step_into(value, name);
	if (!value)
		return wrong(walk, pointer, "there is no such parameter", path);
	if (walk->only_check)
		return FOUND_LATER;
	while (rest.p && value)
		value = step_into(value, str_split_first(&rest, '.'));
	if (!value)
		return wrong(walk, pointer, "the parameter has no such member", path);
	*ret = value;
	return FOUND_VALUE;
}

static enum found
look_up(struct walk *walk, struct str path, const char *pointer, json_t **ret)
{
	struct str rest = path;

	if (!path_is_valid(path))
		return wrong(walk, pointer, "a path such as params.name is expected", path);
	struct str root = str_split_first(&rest, '.');

	if (str_eqz(root, "params") && rest.p) {
		if (walk->scope->run)
			return FOUND_LATER; /* text that looks like one: left as it is */
		return look_up_param(walk, path, rest, pointer, ret);
	}
	if (str_eqz(root, "run") && rest.p) {
		if (!is_run_fact(rest))
			return wrong(walk, pointer,
				"known are run.id, job, jobName, iteration, test, target, attempt",
				path);
		*ret = walk->scope->run ? json_object_getn(walk->scope->run, rest.p, rest.n)
					: NULL;
		return *ret ? FOUND_VALUE : FOUND_LATER;
	}
	if (str_eqz(root, "secrets") || str_eqz(root, "stage"))
		return wrong(
			walk, pointer, "secrets and stages are not available in a job", path);
	return wrong(walk, pointer, "must begin with params. or run.", path);
}

/* Appends text whose `${{` must survive the second pass. */
static int
add_escaped(struct buf *out, struct str text, bool escape)
{
	size_t at = 0;

	while (escape) {
		size_t hit = find_from(text, at, "${{");

		if (hit == text.n)
			break;
		if (buf_add(out, text.p + at, hit - at) < 0 || buf_adds(out, "$${{") < 0)
			return -1;
		at = hit + 3;
	}
	return buf_add(out, text.p + at, text.n - at);
}

static int
add_value(
	struct walk *walk, struct buf *out, json_t *value, struct str path, const char *pointer)
{
	bool escape = !walk->scope->run;
	int r;

	if (json_is_string(value)) {
		r = add_escaped(out,
			str_from(json_string_value(value), json_string_length(value)), escape);
	} else if (json_is_integer(value)) {
		r = buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else if (json_is_number(value)) {
		r = buf_addf(out, "%.17g", json_real_value(value));
	} else if (json_is_boolean(value)) {
		r = buf_adds(out, json_is_true(value) ? "true" : "false");
	} else {
		(void)wrong(walk, pointer,
			"its value is no text, number or boolean, so it must stand alone",
			path);
		return -1;
	}
	if (r < 0)
		issues_add(walk->issues, pointer, ISSUE_LIMIT, "the expanded text is too long");
	return r;
}

/* A value in the place of a whole text: copied, with its texts escaped in the first pass. */
static json_t *
copy_value(const struct walk *walk, json_t *value)
{
	json_t *copy = json_deep_copy(value);
	const char *key;
	size_t index;
	json_t *item;

	if (walk->scope->run)
		return copy;
	if (json_is_string(copy) &&
		expr_in_text(str_from(json_string_value(copy), json_string_length(copy)))) {
		_cleanup_(buf_deinit) struct buf text = BUF_INIT(2 * DEFINITION_BYTES_MAX);

		if (add_escaped(&text,
			    str_from(json_string_value(copy), json_string_length(copy)),
			    true) == 0)
			(void)json_string_setn(copy, buf_text(&text), text.len);
	}
	json_object_foreach(copy, key, item)(void)
		json_object_set_new(copy, key, copy_value(walk, item));
	json_array_foreach(copy, index, item)(void)
		json_array_set_new(copy, index, copy_value(walk, item));
	return copy;
}

/*
 * The next place in the text that means something. Returns where it begins (text.n: none), and
 * the path inside the braces; an empty path stands for the escape `$${{`.
 */
static size_t
next_expr(const struct walk *walk, struct str text, size_t at, struct str *ret_path,
	size_t *ret_end, bool *ret_is_brace)
{
	for (; at < text.n; at++) {
		size_t open = starts_at(text, at, "$${{")           ? 0
			: starts_at(text, at, "${{")                ? 3
			: walk->braces && starts_at(text, at, "{{") ? 2
								    : SIZE_MAX;

		if (open == SIZE_MAX)
			continue;
		*ret_is_brace = open == 2;
		*ret_path = (struct str) { 0 };
		*ret_end = at + 4;
		if (open == 0)
			return at;
		size_t close = find_from(text, at + open, "}}");

		*ret_end = close < text.n ? close + 2 : SIZE_MAX;
		*ret_path = str_trim(str_from(text.p + at + open, close - at - open));
		return at;
	}
	return text.n;
}

static enum found
look_up_brace(struct walk *walk, struct str name, const char *pointer, json_t **ret)
{
	if (walk->scope->run || !path_is_valid(name))
		return FOUND_LATER; /* other people's braces */
	return look_up_param(walk, name, name, pointer, ret);
}

static int
expand_text(struct walk *walk, struct str text, const char *pointer, struct buf *out)
{
	size_t at = 0, end = 0;
	struct str path;
	bool is_brace = false;
	int r = 0;

	for (;;) {
		size_t begin = next_expr(walk, text, at, &path, &end, &is_brace);
		json_t *value = NULL;

		if (buf_add(out, text.p + at, begin - at) < 0)
			goto too_long;
		if (begin == text.n)
			return r;
		if (end == SIZE_MAX) {
			issues_add(walk->issues, pointer, ISSUE_INVALID,
				"\"${{\" without \"}}\"; write $${{ for a literal one");
			return -1;
		}
		if (!path.p) { /* $${{ */
			if (buf_adds(out, walk->scope->run ? "${{" : "$${{") < 0)
				goto too_long;
			at = end;
			continue;
		}
		switch (is_brace ? look_up_brace(walk, path, pointer, &value)
				 : look_up(walk, path, pointer, &value)) {
		case FOUND_WRONG:
			r = -1;
			break;
		case FOUND_LATER:
			if (buf_add(out, text.p + begin, end - begin) < 0)
				goto too_long;
			break;
		case FOUND_VALUE:
			if (add_value(walk, out, value, path, pointer) < 0)
				return -1;
			break;
		}
		at = end;
	}
too_long:
	issues_add(walk->issues, pointer, ISSUE_LIMIT, "the expanded text is too long");
	return -1;
}

/* A text: *value is replaced when it means something. */
static int
walk_text(struct walk *walk, json_t **value, const char *pointer)
{
	struct str text = str_from(json_string_value(*value), json_string_length(*value));
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(2 * DEFINITION_BYTES_MAX);
	json_t *found = NULL;

	if (!expr_in_text(text) && !(walk->braces && find_from(text, 0, "{{") < text.n))
		return 0;
	/* Types were checked in the first pass, so the facts of the run are always text. */
	if (expr_is_whole(text) && !walk->scope->run && !walk->texts) {
		struct str trimmed = str_trim(text);
		struct str path = str_trim(str_from(trimmed.p + 3, trimmed.n - 5));

		switch (look_up(walk, path, pointer, &found)) {
		case FOUND_WRONG:
			return -1;
		case FOUND_LATER:
			return 0;
		case FOUND_VALUE:
			found = copy_value(walk, found);
			json_decref(*value);
			*value = found;
			return 0;
		}
	}
	if (expand_text(walk, text, pointer, &out) < 0)
		return -1;
	if (!walk->only_check) {
		json_decref(*value);
		*value = json_stringn(buf_text(&out), out.len);
	}
	return 0;
}

static int walk_value(struct walk *walk, json_t **value, const char *pointer);

/* Members that hold nothing but texts: a whole number there is its digits. */
static bool
holds_texts(const char *key)
{
	static const char *const keys[] = { "argv", "command", "env", "headers" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

static int
walk_object(struct walk *walk, json_t *object, const char *pointer)
{
	void *tmp;
	const char *key;
	json_t *item;
	int r = 0;

	json_object_foreach_safe(object, tmp, key, item)
	{
		bool braces = walk->braces, texts = walk->texts;
		json_t *now = item;

		if (!json_is_string(item) && !json_is_object(item) && !json_is_array(item))
			continue;
		json_incref(now);
		walk->braces = braces || strcmp(key, "instructions") == 0;
		walk->texts = texts || holds_texts(key);
		if (walk_value(walk, &now,
			    json_pointer_member(walk->issues->arena, pointer, key)) < 0)
			r = -1;
		walk->braces = braces;
		walk->texts = texts;
		if (now != item)
			(void)json_object_set(object, key, now);
		json_decref(now);
	}
	return r;
}

static int
walk_array(struct walk *walk, json_t *array, const char *pointer)
{
	size_t index;
	json_t *item;
	int r = 0;

	json_array_foreach(array, index, item)
	{
		json_t *now = json_incref(item);

		if (walk_value(walk, &now,
			    json_pointer_index(walk->issues->arena, pointer, index)) < 0)
			r = -1;
		if (now != item)
			(void)json_array_set(array, index, now);
		json_decref(now);
	}
	return r;
}

/* The depth is bounded by json_read(). */
static int
walk_value(struct walk *walk, json_t **value, const char *pointer)
{
	if (json_is_string(*value))
		return walk_text(walk, value, pointer);
	if (json_is_object(*value))
		return walk_object(walk, *value, pointer);
	if (json_is_array(*value))
		return walk_array(walk, *value, pointer);
	return 0;
}

int
expr_expand(json_t **tree, const struct expr_scope *scope, const char *pointer,
	struct issues *issues)
{
	struct walk walk = { .scope = scope, .issues = issues };

	return walk_value(&walk, tree, pointer);
}

int
expr_check(
	const json_t *tree, json_t *params_or_null, const char *pointer, struct issues *issues)
{
	struct expr_scope scope = { .params = params_or_null };
	struct walk walk = { .scope = &scope, .issues = issues, .only_check = true };
	/* Nothing is changed while only checking; the walk is written for both. */
	union {
		const json_t *in;
		json_t *out;
	} value = { .in = tree };

	return walk_value(&walk, &value.out, pointer);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Scanning texts for `${{ … }}`, and walking a JSON tree to expand or check them. */
#include "core/expr.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/lang_value.h"

enum {
	ROOTS_MAX = 16,    /* of a pass, later ones included */
	SHOWN_BYTES = 100, /* of an expression in an offence */
	NODE_BYTES = 64,   /* of a JSON value in memory, about */
};

/* Of one parsed expression: its nodes, its patterns. */
#define EXPR_ARENA_BYTES_MAX MIB(4)

const char *const expr_run_facts[] = { "id", "job", "jobName", "iteration", "test", "target",
	"attempt", NULL };

const char *const expr_later_than_job[] = { "run", NULL };
const char *const expr_later_than_flow[] = { "stages", "flow", "signals", "matrix", "run",
	NULL };

struct walk {
	const struct expr_scope *scope;        /* NULL: expressions are only shown to fn */
	struct lang_root roots[ROOTS_MAX + 1]; /* that this pass and later ones know */
	expr_each_fn *fn;
	void *arg;
	struct issues *issues;
	struct arena arena; /* of the expression in hand */
	bool texts;         /* inside a member that holds nothing but texts: argv, env */
	bool braces;        /* inside `instructions`: {{name}} is ${{ params.name }} */
	int64_t steps;      /* that are left of EXPR_STEPS_MAX */
	int64_t bytes;      /* the same of EXPR_BYTES_MAX */
};

static bool
is_last_pass(const struct walk *walk)
{
	return walk->scope && !walk->scope->later;
}

/* --- Texts --- */

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

/* The "}}" that ends an expression: the first that stands in no quoted text. */
static size_t
find_close(struct str text, size_t begin)
{
	char quote = '\0';

	for (size_t at = begin; at < text.n; at++) {
		char c = text.p[at];

		if (quote == '"' && c == '\\')
			at++;
		else if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (starts_at(text, at, "}}"))
			return at;
	}
	return find_from(text, begin, "}}"); /* a quote is missing: the parser says so */
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
	return str_starts(text, STR("${{")) && text.n >= 5 && find_close(text, 3) == text.n - 2;
}

/* `name`, `name.member`: what {{…}} may hold; anything else there is other people's. */
static bool
is_plain_path(struct str path)
{
	if (path.n == 0 || path.p[0] == '.' || path.p[path.n - 1] == '.')
		return false;
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
			return false;
	}
	return true;
}

/* --- One expression --- */

/* What an expression means in this pass. */
enum found { FOUND_VALUE, FOUND_LATER, FOUND_WRONG };

static enum found
wrong(struct issues *issues, const char *pointer, struct str text, const char *detail)
{
	struct str shown = lang_cut(text, SHOWN_BYTES);

	issues_add(issues, pointer, ISSUE_INVALID, "${{ " STR_FMT "%s }}: %s", STR_ARG(shown),
		shown.n < text.n ? "…" : "", detail);
	return FOUND_WRONG;
}

static void
look_for_others(void *arg, const struct lang_path *path)
{
	bool *found = arg;

	*found = *found || !str_eqz(path->root, "run");
}

/* `run` is filled in last and alone: no other root is known then. */
static bool
mixes_run(const struct lang *lang)
{
	bool others = false;

	if (lang_reads(lang, "run"))
		lang_each_path(lang, look_for_others, &others);
	return others;
}

static const char mixed_run[] = "run is filled in later than the rest, so nothing else can "
				"be read beside it: write two expressions";

static bool
reads_any(const struct lang *lang, const char *const *roots)
{
	for (; *roots; roots++)
		if (lang_reads(lang, *roots))
			return true;
	return false;
}

/* Whether the last pass knows everything that is read. */
static bool
is_known(const struct walk *walk, const struct lang *lang)
{
	const struct lang_rules rules = { .roots = walk->roots, .has_now = true };
	struct err ignored;

	return lang_check(lang, &rules, &ignored) == 0 || lang_reads(lang, "run");
}

static enum found
look_up_lang(struct walk *walk, const struct lang *lang, struct str text, const char *pointer,
	json_t **ret)
{
	const struct expr_scope *scope = walk->scope;
	const struct lang_rules rules = { .roots = walk->roots, .has_now = scope->now_ms != 0 };
	const struct lang_scope seen = {
		.root = scope->roots, .now_ms = scope->now_ms, .steps = &walk->steps
	};
	struct err why;

	if (is_last_pass(walk) && !is_known(walk, lang))
		return FOUND_LATER; /* text that looks like one */
	if (!is_last_pass(walk) && lang_check(lang, &rules, &why) < 0)
		return wrong(walk->issues, pointer, text, why.text);
	if (!is_last_pass(walk) && reads_any(lang, scope->later))
		return mixes_run(lang) ? wrong(walk->issues, pointer, text, mixed_run)
				       : FOUND_LATER;
	if (lang_eval(lang, &seen, ret, &why) < 0)
		return wrong(walk->issues, pointer, text, why.text);
	return FOUND_VALUE;
}

/* *ret is a new reference. */
static enum found
look_up(struct walk *walk, struct str text, const char *pointer, json_t **ret)
{
	struct lang *lang;
	struct err why;
	enum found found = FOUND_LATER;

	if (walk->steps < 0 || walk->bytes < 0)
		return wrong(walk->issues, pointer, text,
			"the expressions take too much together: steps, or what they put in");
	arena_reset(&walk->arena);
	if (lang_parse(text, &walk->arena, &lang, &why) < 0)
		return wrong(walk->issues, pointer, text, why.text);
	if (walk->scope)
		found = look_up_lang(walk, lang, text, pointer, ret);
	else if (mixes_run(lang))
		found = wrong(walk->issues, pointer, text, mixed_run);
	else if (walk->fn(walk->arg, lang, pointer, walk->issues) < 0)
		found = FOUND_WRONG;
	return found;
}

/* --- Inserting --- */

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
	struct walk *walk, struct buf *out, json_t *value, struct str text, const char *pointer)
{
	int r;

	if (json_is_object(value) || json_is_array(value) || json_is_null(value)) {
		(void)wrong(walk->issues, pointer, text,
			"its value is no text, number or boolean, so it must stand alone");
		return -1;
	}
	r = json_is_string(value) ? add_escaped(out, lang_str(value), !is_last_pass(walk))
				  : lang_write(value, out);
	if (r < 0)
		issues_add(walk->issues, pointer, ISSUE_LIMIT, "the expanded text is too long");
	return r;
}

/* Takes what a value costs in memory. False: a small document would become a huge one. */
static bool
pay_for(struct walk *walk, json_t *value)
{
	const char *key;
	size_t index;
	json_t *item;

	walk->bytes -= NODE_BYTES + (int64_t)json_string_length(value);
	json_object_foreach(value, key, item)
	{
		walk->bytes -= (int64_t)strlen(key);
		if (!pay_for(walk, item))
			return false;
	}
	json_array_foreach(value, index, item)
	{
		if (!pay_for(walk, item))
			return false;
	}
	return walk->bytes >= 0;
}

/* A value in the place of a whole text: copied, with its texts escaped in the first pass. */
static json_t *
copy_value(const struct walk *walk, json_t *value)
{
	json_t *copy = json_deep_copy(value);
	const char *key;
	size_t index;
	json_t *item;

	if (is_last_pass(walk))
		return copy;
	if (json_is_string(copy) && expr_in_text(lang_str(copy))) {
		_cleanup_(buf_deinit) struct buf text = BUF_INIT(2 * DEFINITION_BYTES_MAX);

		if (add_escaped(&text, lang_str(copy), true) == 0)
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
 * what is inside the braces; no text at all stands for the escape `$${{`.
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
		size_t close = open == 3 ? find_close(text, at + open)
					 : find_from(text, at + open, "}}");

		*ret_end = close < text.n ? close + 2 : SIZE_MAX;
		*ret_path = str_trim(str_from(text.p + at + open, close - at - open));
		return at;
	}
	return text.n;
}

static enum found
look_up_brace(struct walk *walk, struct str name, const char *pointer, json_t **ret)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(LANG_BYTES_MAX);

	if (is_last_pass(walk) || !is_plain_path(name))
		return FOUND_LATER; /* other people's braces */
	if (buf_adds(&text, "params.") < 0 || buf_add_str(&text, name) < 0)
		return FOUND_LATER;
	return look_up(walk, buf_str(&text), pointer, ret);
}

/* A text with all its expressions; those that are wrong stay as they are. */
static int
expand_text(struct walk *walk, struct str text, const char *pointer, struct buf *out)
{
	size_t at = 0, end = 0;
	struct str inside;
	bool is_brace = false;
	int r = 0;

	for (;; at = end) {
		size_t begin = next_expr(walk, text, at, &inside, &end, &is_brace);
		_cleanup_(json_unrefp) json_t *value = NULL;

		if (buf_add(out, text.p + at, begin - at) < 0)
			goto too_long;
		if (begin == text.n)
			return r;
		if (end == SIZE_MAX) {
			issues_add(walk->issues, pointer, ISSUE_INVALID,
				"\"${{\" without \"}}\"; write $${{ for a literal one");
			return -1;
		}
		if (!inside.p) { /* $${{ */
			if (buf_adds(out, is_last_pass(walk) ? "${{" : "$${{") < 0)
				goto too_long;
			continue;
		}
		enum found found = is_brace ? look_up_brace(walk, inside, pointer, &value)
					    : look_up(walk, inside, pointer, &value);

		if (found == FOUND_VALUE) {
			if (add_value(walk, out, value, inside, pointer) < 0)
				return -1;
			continue;
		}
		r = found == FOUND_WRONG ? -1 : r;
		if (buf_add(out, text.p + begin, end - begin) < 0)
			goto too_long;
	}
too_long:
	issues_add(walk->issues, pointer, ISSUE_LIMIT, "the expanded text is too long");
	return -1;
}

/* A text that is one expression: *value becomes what it gives. */
static int
walk_whole(struct walk *walk, json_t **value, const char *pointer)
{
	struct str text = str_trim(lang_str(*value));
	_cleanup_(json_unrefp) json_t *found = NULL;

	switch (look_up(walk, str_trim(str_from(text.p + 3, text.n - 5)), pointer, &found)) {
	case FOUND_WRONG:
		return -1;
	case FOUND_LATER:
		break;
	case FOUND_VALUE:
		if (!pay_for(walk, found)) {
			issues_add(walk->issues, pointer, ISSUE_LIMIT,
				"the expressions put in more than %d MiB together",
				(int)(EXPR_BYTES_MAX / MIB(1)));
			return -1;
		}
		json_decref(*value);
		*value = copy_value(walk, found);
		break;
	}
	return 0;
}

/* A text: *value is replaced when it means something. */
static int
walk_text(struct walk *walk, json_t **value, const char *pointer)
{
	struct str text = lang_str(*value);
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(2 * DEFINITION_BYTES_MAX);
	int r;

	if (!expr_in_text(text) && !(walk->braces && find_from(text, 0, "{{") < text.n))
		return 0;
	/* Types were checked in earlier passes, so the facts of the run are always text. */
	if (expr_is_whole(text) && !is_last_pass(walk) && !walk->texts)
		return walk_whole(walk, value, pointer);
	r = expand_text(walk, text, pointer, &out);
	if (walk->scope)
		walk->bytes -= NODE_BYTES + (int64_t)out.len;
	if (r == 0 && walk->scope) {
		json_decref(*value);
		*value = json_stringn(buf_text(&out), out.len);
	}
	return r;
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

/* --- The passes --- */

static int
run_walk(struct walk *walk, json_t **tree, const char *pointer)
{
	int r;

	walk->steps = EXPR_STEPS_MAX;
	walk->bytes = EXPR_BYTES_MAX;
	arena_init(&walk->arena, EXPR_ARENA_BYTES_MAX);
	r = walk_value(walk, tree, pointer);
	arena_deinit(&walk->arena);
	return r;
}

int
expr_expand(json_t **tree, const struct expr_scope *scope, const char *pointer,
	struct issues *issues)
{
	struct walk walk = { .scope = scope, .issues = issues };
	size_t n = 0;

	for (void *at = json_object_iter(scope->roots); at;
		at = json_object_iter_next(scope->roots, at)) {
		assert(n < ROOTS_MAX);
		walk.roots[n++].name = json_object_iter_key(at);
	}
	for (size_t i = 0; scope->later && scope->later[i]; i++) {
		bool is_run = strcmp(scope->later[i], "run") == 0;

		assert(n < ROOTS_MAX);
		walk.roots[n++] =
			(struct lang_root) { scope->later[i], is_run ? expr_run_facts : NULL };
	}
	return run_walk(&walk, tree, pointer);
}

int
expr_each(const json_t *tree, expr_each_fn *fn, void *arg, const char *pointer,
	struct issues *issues)
{
	struct walk walk = { .fn = fn, .arg = arg, .issues = issues };
	/* Nothing is changed while only looking; the walk is written for both. */
	union {
		const json_t *in;
		json_t *out;
	} value = { .in = tree };

	return run_walk(&walk, &value.out, pointer);
}

static int
check_one(void *arg, const struct lang *lang, const char *pointer, struct issues *issues)
{
	const struct lang_rules *rules = arg;
	struct err why;

	if (lang_check(lang, rules, &why) == 0)
		return 0;
	(void)wrong(issues, pointer, lang_text(lang), why.text);
	return -1;
}

int
expr_check_rules(const json_t *tree, const struct lang_rules *rules, const char *pointer,
	struct issues *issues)
{
	struct lang_rules copy = *rules;

	return expr_each(tree, check_one, &copy, pointer, issues);
}

int
expr_check(
	const json_t *tree, json_t *params_or_null, const char *pointer, struct issues *issues)
{
	_cleanup_free_ const char **names =
		xcalloc(json_object_size(params_or_null) + 1, sizeof *names);
	const struct lang_root roots[] = { { "params", params_or_null ? names : NULL },
		{ "run", expr_run_facts }, { 0 } };
	const struct lang_rules rules = { .roots = roots };
	size_t n = 0;

	for (void *at = json_object_iter(params_or_null); at;
		at = json_object_iter_next(params_or_null, at))
		names[n++] = json_object_iter_key(at);
	return expr_check_rules(tree, &rules, pointer, issues);
}

bool
tree_has_expr(const json_t *tree)
{
	const char *key;
	size_t index;
	json_t *item;
	struct str text;
	/* The iteration macros want a pointer that is not const; nothing is changed. */
	union {
		const json_t *in;
		json_t *out;
	} value = { .in = tree };

	if (json_is_string(tree)) {
		text = str_from(json_string_value(tree), json_string_length(tree));
		return text.n >= 2 && memmem(text.p, text.n, "{{", 2) != NULL;
	}
	json_object_foreach(value.out, key, item)
	{
		if (tree_has_expr(item))
			return true;
	}
	json_array_foreach(value.out, index, item)
	{
		if (tree_has_expr(item))
			return true;
	}
	return false;
}

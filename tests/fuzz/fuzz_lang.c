/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions: faults have a place, paths lie in the text, what is evaluated twice is the same,
 * `(e)` is `e`, and nothing takes long.
 */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "core/lang.h"

static const char root_text[] =
	"{\"params\":{\"url\":\"http://x\",\"n\":3,\"f\":2.5,\"on\":true,\"nil\":null,"
	"\"hosts\":[\"a\",\"b\"],\"o\":{\"a\":{\"b\":[1,2]}}},\"stages\":{\"s\":{\"results\":{}}}}";
static const char value_text[] =
	"{\"state\":\"SUCCESS\",\"tasks\":[{\"id\":1,\"state\":\"ok\"},{\"id\":2}],\"log\":\"aaaa\"}";

static void
check_path(void *arg, const struct lang_path *path)
{
	const size_t *size = arg;

	FUZZ_CHECK(path->at >= 1 && path->at <= *size);
	FUZZ_CHECK(path->n <= LANG_PATH_NAMES_MAX && path->root.n <= *size);
}

static void
check_err(const struct err *err)
{
	FUZZ_CHECK(err->code == ERR_INVALID || err->code == ERR_LIMIT ||
		err->code == ERR_NOT_FOUND);
	FUZZ_CHECK(err->text[0] != '\0' && utf8_valid(err->text, strlen(err->text)));
}

/* Evaluates; NULL with an error that was looked at. */
static json_t *
evaluate(const struct lang *lang, const struct lang_scope *scope)
{
	json_t *value = NULL;
	struct err err = { 0 };
	bool is_true;

	if (lang_eval(lang, scope, &value, &err) < 0) {
		check_err(&err);
		FUZZ_CHECK(lang_test(lang, scope, &is_true, &err) < 0);
		return NULL;
	}
	FUZZ_CHECK((lang_test(lang, scope, &is_true, &err) == 0) == json_is_boolean(value));
	return value;
}

static void
check_lang(const struct lang *lang, size_t size, const struct lang_scope *scope)
{
	static const struct lang_root roots[] = { { "params", NULL }, { "stages", NULL },
		{ 0 } };
	const struct lang_rules rules = { .roots = roots, .has_value = true, .has_now = true };
	_cleanup_(json_unrefp) json_t *first = evaluate(lang, scope);
	_cleanup_(json_unrefp) json_t *second = evaluate(lang, scope);
	struct err err = { 0 };

	FUZZ_CHECK((first == NULL) == (second == NULL));
	FUZZ_CHECK(!first || json_equal(first, second));
	lang_each_path(lang, check_path, &size);
	(void)lang_reads_now(lang);
	if (lang_check(lang, &rules, &err) < 0) {
		check_err(&err);
		FUZZ_CHECK(strncmp(err.text, "character ", 10) == 0);
	}
}

/* Parentheses around it change nothing but depth. */
static void
check_parentheses(struct str text, struct arena *arena, const struct lang_scope *scope,
	const struct lang *lang)
{
	_cleanup_(json_unrefp) json_t *plain = evaluate(lang, scope);
	_cleanup_(buf_deinit) struct buf inside = BUF_INIT(2 * LANG_BYTES_MAX);
	struct lang *other;
	struct err err;

	FUZZ_CHECK(buf_adds(&inside, "(") == 0 && buf_add_str(&inside, text) == 0 &&
		buf_adds(&inside, ")") == 0);
	if (lang_parse(buf_str(&inside), arena, &other, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_LIMIT);
		return;
	}
	_cleanup_(json_unrefp) json_t *same = evaluate(other, scope);

	FUZZ_CHECK((plain == NULL) == (same == NULL));
	FUZZ_CHECK(!plain || json_equal(plain, same));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_from((const char *)data, size);
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *root =
		json_read(root_text, sizeof root_text - 1, JSON_DEPTH_MAX, &err);
	_cleanup_(json_unrefp) json_t *value =
		json_read(value_text, sizeof value_text - 1, JSON_DEPTH_MAX, &err);
	const struct lang_scope scope = { .root = root, .value = value, .now_ms = 1000 };
	struct lang *lang;
	struct arena arena;

	arena_init(&arena, MIB(16));
	if (lang_parse(text, &arena, &lang, &err) < 0) {
		check_err(&err);
	} else {
		FUZZ_CHECK(str_eq(lang_text(lang), text));
		check_lang(lang, size, &scope);
		check_parentheses(text, &arena, &scope, lang);
	}
	arena_deinit(&arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "unit.h"

static json_t *
read_text(const char *text, struct err *err)
{
	return json_read(text, strlen(text), JSON_DEPTH_MAX, err);
}

static void
reads_any_value(void **state)
{
	(void)state;
	static const char *const good[] = { "{}", "[]", "1", "\"x\"", "null", " true \n",
		"{\"a\":[1,2.5,\"\\u20ac\",{\"a\":null}]}" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err;
		_cleanup_(json_unrefp) json_t *value = read_text(good[i], &err);
		assert_non_null(value);
	}
}

static void
refuses_what_is_not_strict(void **state)
{
	(void)state;
	static const char *const bad[] = { "", " ", "{", "{}x", "{} {}", "{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}", "[1,]", "{a:1}", "'a'", "\"\xff\"",
		"\"\xed\xa0\x80\"", "\"\\u0000\"", "{\"\\u0000\":1}", "[NaN]", "\"\\ud800\"",
		"01", "1e999", "99999999999999999999", "\"a\nb\"", "\xef\xbb\xbf{}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };
		assert_null(read_text(bad[i], &err));
		assert_int_equal(err.code, ERR_INVALID);
		assert_non_null(strstr(err.text, "line "));
	}
	struct err err;
	assert_null(json_read("\"a\0b\"", 5, JSON_DEPTH_MAX, &err));
	assert_null(read_text("{\n \"a\": 1,\n \"a\": 2}", &err));
	assert_non_null(strstr(err.text, "line 3"));
	assert_non_null(strstr(err.text, "duplicate"));
}

static void
depth_is_checked_before_parsing(void **state)
{
	(void)state;
	enum { HUGE_DEPTH = 1000000 };
	static char deep[HUGE_DEPTH];
	struct err err;

	memset(deep, '[', sizeof(deep));
	assert_null(json_read(deep, sizeof(deep), 32, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "line 1 column 33"));

	_cleanup_(json_unrefp) json_t *flat = json_read("[[1],[1],[1]]", 13, 2, &err);
	assert_non_null(flat);
	assert_null(json_read("[[[1]]]", 7, 2, &err));
	assert_null(json_read("\n[[{\"a\":1}]]", 12, 2, &err));
	assert_non_null(strstr(err.text, "line 2 column 3"));
	/* Brackets in texts do not count, nor does a quote that is escaped. */
	_cleanup_(json_unrefp) json_t *text = json_read("[\"[[[\\\"[[[\"]", 12, 1, &err);
	assert_non_null(text);
}

static void
pointers(void **state)
{
	(void)state;
	struct err err;
	struct arena arena;
	_cleanup_(json_unrefp) json_t *root =
		read_text("{\"a\":{\"b\":[10,20,{\"c\":30}]},\"x/y\":1,\"t~\":2,\"\":3}", &err);
	static const struct {
		const char *pointer;
		int value; /* 0: none */
	} cases[] = {
		{ "/a/b/0", 10 },
		{ "/a/b/1", 20 },
		{ "/a/b/2/c", 30 },
		{ "/x~1y", 1 },
		{ "/t~0", 2 },
		{ "/", 3 },
		{ "/a/b/3", 0 },
		{ "/a/b/01", 0 },
		{ "/a/b/-", 0 },
		{ "/a/b/", 0 },
		{ "a", 0 },
		{ "/t~", 0 },
		{ "/t~2", 0 },
		{ "/a/b/99999999999999999999", 0 },
		{ "/a/b/0/x", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *value = json_pointer_get(root, cases[i].pointer);
		assert_int_equal(json_integer_value(value), cases[i].value);
	}
	assert_ptr_equal(json_pointer_get(root, ""), root);

	arena_init(&arena, 10000);
	assert_string_equal(json_pointer_member(&arena, "/a", "x/~y"), "/a/x~1~0y");
	assert_string_equal(json_pointer_index(&arena, "/a", 12), "/a/12");
	arena_deinit(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_any_value),
		cmocka_unit_test(refuses_what_is_not_strict),
		cmocka_unit_test(depth_is_checked_before_parsing),
		cmocka_unit_test(pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>

#include "unit.h"

static void
writes_everything_in_place(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(10000);
	struct uuid id = { { 0 } };
	json_t *tree = json_pack("{s:[i,b]}", "t", 1, 1);
	struct jw jw;
	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_kstr(&jw, "s", "x");
	jw_kstr(&jw, "none", NULL);
	jw_kstr_opt(&jw, "left", NULL);
	jw_ki64(&jw, "min", INT64_MIN);
	jw_ki64(&jw, "max", INT64_MAX);
	jw_ki64(&jw, "zero", 0);
	jw_kbool(&jw, "yes", true);
	jw_ktime(&jw, "left", 0);
	jw_ktime(&jw, "at", 1000);
	jw_kuuid(&jw, "id", &id);
	jw_kraw(&jw, "raw", "{\"a\":1}");
	jw_kraw(&jw, "left", "");
	jw_karr(&jw, "list");
	jw_obj(&jw);
	jw_end_obj(&jw);
	jw_arr(&jw);
	jw_end_arr(&jw);
	jw_f64(&jw, 0.1);
	jw_f64(&jw, NAN);
	jw_tree(&jw, tree);
	jw_null(&jw);
	jw_end_arr(&jw);
	jw_kobj(&jw, "o");
	jw_knull(&jw, "n");
	jw_kf64(&jw, "f", -2.5e300);
	jw_kstrn(&jw, "k", "abc", 2);
	jw_end_obj(&jw);
	jw_end_obj(&jw);
	assert_int_equal(jw_done(&jw), 0);
	json_decref(tree);
	assert_string_equal(buf_text(&out),
		"{\"s\":\"x\",\"none\":null,\"min\":-9223372036854775808,"
		"\"max\":9223372036854775807,\"zero\":0,\"yes\":true,"
		"\"at\":\"1970-01-01T00:00:01.000Z\","
		"\"id\":\"00000000-0000-0000-0000-000000000000\",\"raw\":{\"a\":1},"
		"\"list\":[{},[],0.1,null,{\"t\":[1,true]},null],"
		"\"o\":{\"n\":null,\"f\":-2.5e+300,\"k\":\"ab\"}}");
}

/* The text that jansson reads back from what we wrote. */
static void
expect_read_back(const char *data, size_t len, const char *wanted, size_t wanted_len)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(10000);
	struct jw jw;
	jw_init(&jw, &out);
	jw_strn(&jw, data, len);
	assert_int_equal(jw_done(&jw), 0);
	_cleanup_(json_unrefp) json_t *value =
		json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(value);
	assert_int_equal(json_string_length(value), wanted_len);
	assert_memory_equal(json_string_value(value), wanted, wanted_len);
}

static void
escapes_all_ascii(void **state)
{
	(void)state;
	char all[128];
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	expect_read_back(all, sizeof(all), all, sizeof(all));

	_cleanup_(buf_deinit) struct buf out = BUF_INIT(100);
	struct jw jw;
	jw_init(&jw, &out);
	jw_str(&jw, "a\"\\\n\x01/\x7f");
	assert_int_equal(jw_done(&jw), 0);
	assert_string_equal(buf_text(&out), "\"a\\\"\\\\\\n\\u0001/\\u007f\"");
}

static void
repairs_what_is_not_utf8(void **state)
{
	(void)state;
	expect_read_back("\xe2\x82\xac ok", 6, "\xe2\x82\xac ok", 6);
	expect_read_back("a\xff", 2, "a\xef\xbf\xbd", 4);
	expect_read_back("\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd", 6);
	expect_read_back("\xed\xa0\x80x", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx", 10);
	expect_read_back("", 0, "", 0);
}

static void
doubles_read_back(void **state)
{
	(void)state;
	static const double values[] = { 0, 0.1, 1.0 / 3, 1e21, 5e-324, 1.7976931348623157e308,
		-123456789.123456789, 9007199254740993.0 };
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		_cleanup_(buf_deinit) struct buf out = BUF_INIT(100);
		struct jw jw;
		jw_init(&jw, &out);
		jw_f64(&jw, values[i]);
		assert_int_equal(jw_done(&jw), 0);
		_cleanup_(json_unrefp) json_t *value =
			json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
		assert_true(json_number_value(value) == values[i]);
	}
}

static void
fails_once_and_for_all(void **state)
{
	(void)state;
	/* {"a":"bb"} has ten bytes: every smaller maximum must fail, the exact one must do. */
	for (size_t max = 0; max <= 10; max++) {
		_cleanup_(buf_deinit) struct buf out = BUF_INIT(max);
		struct jw jw;
		jw_init(&jw, &out);
		jw_obj(&jw);
		jw_kstr(&jw, "a", "bb");
		jw_end_obj(&jw);
		assert_int_equal(jw_done(&jw), max < 10 ? -1 : 0);
		assert_true(out.len <= max);
	}
}

static void
a_tree_is_text_that_fits_or_none(void **state)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_(json_unrefp) json_t *tree = json_pack("{s:[i,n]}", "a", 1);

	(void)state;
	arena_init(&arena, 1 << 20);
	struct str text = json_tree_text(&arena, tree, 14);
	assert_int_equal(text.n, 14);
	assert_string_equal(text.p, "{\"a\":[1,null]}");
	for (size_t max = 0; max < 14; max++)
		assert_null(json_tree_text(&arena, tree, max).p);
	arena_deinit(&arena);
	arena_init(&arena, 4); /* the memory does not do */
	text = json_tree_text(&arena, tree, 100);
	assert_null(text.p);
	assert_int_equal(text.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_everything_in_place),
		cmocka_unit_test(escapes_all_ascii),
		cmocka_unit_test(repairs_what_is_not_utf8),
		cmocka_unit_test(doubles_read_back),
		cmocka_unit_test(fails_once_and_for_all),
		cmocka_unit_test(a_tree_is_text_that_fits_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/buf.h"
#include "unit.h"

static void
compares(void **state)
{
	(void)state;
	struct str none = { NULL, 0 };
	assert_true(str_eq(none, STR("")));
	assert_true(str_eqz(STR("abc"), "abc"));
	assert_false(str_eqz(STR("abc"), "ab"));
	assert_false(str_eqz(STR("a\0b"), "a"));
	assert_true(str_eqz(none, NULL));
	assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
	assert_false(str_eq_nocase(STR("a["), STR("A{")));
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_true(str_starts(none, none));
	assert_false(str_starts(STR("ab"), STR("abc")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_true(str_ends(none, STR("")));
	assert_false(str_ends(STR("bc"), STR("abc")));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("b"), STR("ab")) > 0);
	assert_true(str_cmp(none, STR("")) == 0);
}

static void
trims_and_splits(void **state)
{
	(void)state;
	assert_true(str_eqz(str_trim(STR(" \t a b\r\n")), "a b"));
	assert_int_equal(str_trim(STR(" \n ")).n, 0);

	struct str rest = STR("a,,b,");
	static const char *const parts[] = { "a", "", "b", "" };
	size_t n = 0;
	while (rest.p)
		assert_true(str_eqz(str_split_first(&rest, ','), parts[n++]));
	assert_int_equal(n, 4);
	rest = STR("");
	assert_int_equal(str_split_first(&rest, ',').n, 0);
	assert_null(rest.p);
}

static void
utf8(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		bool valid;
	} cases[] = {
		{ STR_INIT(""), true },
		{ STR_INIT("plain ascii that is longer than a word"), true },
		{ STR_INIT("longer than a word \xc3\xa9 and on and on"), true },
		{ STR_INIT("\xe2\x82\xac\xf0\x9f\x99\x82"), true },
		{ STR_INIT("\xf4\x8f\xbf\xbf"), true },  /* U+10FFFF */
		{ STR_INIT("\xf4\x90\x80\x80"), false }, /* one more */
		{ STR_INIT("\xed\x9f\xbf"), true },      /* before the surrogates */
		{ STR_INIT("\xed\xa0\x80"), false },     /* the first of them */
		{ STR_INIT("\xee\x80\x80"), true },
		{ STR_INIT("\xc0\xaf"), false }, /* overlong slash */
		{ STR_INIT("\xc1\xbf"), false },
		{ STR_INIT("\xe0\x9f\xbf"), false },
		{ STR_INIT("\xf0\x8f\xbf\xbf"), false },
		{ STR_INIT("\xf5\x80\x80\x80"), false },
		{ STR_INIT("\x80"), false },
		{ STR_INIT("\xc3"), false },
		{ STR_INIT("\xe2\x82"), false },
		{ STR_INIT("\xe2\x82x"), false },
		{ STR_INIT("eight ch\xff"), false },
		{ STR_INIT("a\0b"), true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(utf8_valid(cases[i].text.p, cases[i].text.n), cases[i].valid);
	assert_int_equal(utf8_char_len("\xe2\x82\xac", 3), 3);
	assert_int_equal(utf8_char_len("\xe2\x82\xac", 2), 0);
	assert_int_equal(utf8_char_len("", 0), 0);
	assert_int_equal(utf8_cut_len("ab", 2), 2);
	assert_int_equal(utf8_cut_len("abc", 2), 2);
	assert_int_equal(utf8_cut_len("a\xe2\x82\xac", 4), 4);
	assert_int_equal(utf8_cut_len("a\xe2\x82\xac", 3), 1);
	assert_int_equal(utf8_cut_len("\xe2\x82\xac", 1), 0);
}

static void
hex(void **state)
{
	(void)state;
	char text[9];
	unsigned char out[4];
	size_t len = 99;
	hex_encode("\x00\xff\x1a\xB2", 4, text);
	assert_string_equal(text, "00ff1ab2");
	assert_int_equal(hex_decode(STR("00fF1AB2"), out, sizeof(out), &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "\x00\xff\x1a\xb2", 4);
	assert_int_equal(hex_decode(STR(""), out, sizeof(out), &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(hex_decode(STR("0"), out, sizeof(out), &len), -1);
	assert_int_equal(hex_decode(STR("0g"), out, sizeof(out), &len), -1);
	assert_int_equal(hex_decode(STR("0011223344"), out, sizeof(out), &len), -1);
}

static void
base64(void **state)
{
	(void)state;
	static const struct {
		struct str data;
		const char *standard, *url;
	} cases[] = {
		{ STR_INIT(""), "", "" },
		{ STR_INIT("f"), "Zg==", "Zg" },
		{ STR_INIT("fo"), "Zm8=", "Zm8" },
		{ STR_INIT("foo"), "Zm9v", "Zm9v" },
		{ STR_INIT("foob"), "Zm9vYg==", "Zm9vYg" },
		{ STR_INIT("\xfb\xff\xfe"), "+//+", "-__-" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(buf_deinit) struct buf out = BUF_INIT(100);
		struct str data = cases[i].data;
		assert_int_equal(base64_encode(&out, data.p, data.n, BASE64_STANDARD), 0);
		assert_string_equal(buf_text(&out), cases[i].standard);
		buf_clear(&out);
		assert_int_equal(base64_encode(&out, data.p, data.n, BASE64_URL), 0);
		assert_string_equal(buf_text(&out), cases[i].url);
		buf_clear(&out);
		/* The maximum is the decoded length, exactly. */
		out.max = data.n;
		assert_int_equal(
			base64_decode(&out, str_of(cases[i].standard), BASE64_STANDARD), 0);
		assert_true(str_eq(buf_str(&out), data));
		buf_clear(&out);
		assert_int_equal(base64_decode(&out, str_of(cases[i].url), BASE64_URL), 0);
		assert_true(str_eq(buf_str(&out), data));
	}
}

static void
base64_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9v!", "Zm 9v",
		"-__-", "====", "=" };
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(100);
	assert_int_equal(buf_adds(&out, "x"), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(base64_decode(&out, str_of(bad[i]), BASE64_STANDARD), -1);
		assert_string_equal(buf_text(&out), "x");
	}
	assert_int_equal(base64_decode(&out, STR("Zg=="), BASE64_URL), -1);
	out.max = 3;
	assert_int_equal(base64_encode(&out, "abc", 3, BASE64_STANDARD), -1);
	assert_int_equal(base64_decode(&out, STR("Zm9v"), BASE64_STANDARD), -1);
	assert_string_equal(buf_text(&out), "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(trims_and_splits),
		cmocka_unit_test(utf8),
		cmocka_unit_test(hex),
		cmocka_unit_test(base64),
		cmocka_unit_test(base64_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

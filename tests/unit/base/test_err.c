/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>

#include "base/str.h"
#include "unit.h"

static void
set_wrap_and_sys(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_set(&err, ERR_LIMIT, "%d is over %d", 5, 3), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "5 is over 3");

	assert_int_equal(err_wrap(&err, "run %s", "a"), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.text, "run a: 5 is over 3");

	assert_int_equal(err_sys(&err, ERR_UNAVAILABLE, ENOSPC, "%s", "/data"), -1);
	assert_int_equal(err.sys, ENOSPC);
	assert_string_equal(err.text, "/data: No space left on device");

	/* The old text may be a value of the new one. */
	err_set(&err, ERR_INTERNAL, "again: %s", err.text);
	assert_string_equal(err.text, "again: /data: No space left on device");
	assert_int_equal(err.sys, 0);
}

static void
accepts_no_place(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), -1);
	assert_int_equal(err_sys(NULL, ERR_LIMIT, EIO, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void
cuts_between_characters(void **state)
{
	(void)state;
	/* Two-, three- and four-byte characters at every offset from the end. */
	static const char *const characters[] = { "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x99\x82" };
	for (size_t c = 0; c < 3; c++) {
		for (size_t pad = 0; pad < 5; pad++) {
			char text[1000] = { 0 };
			memset(text, 'a', pad);
			for (size_t at = pad; at < 600; at += strlen(characters[c]))
				memcpy(text + at, characters[c], strlen(characters[c]));
			struct err err;
			err_set(&err, ERR_INVALID, "%s", text);
			assert_true(strlen(err.text) > ERR_TEXT_BYTES_MAX - 5);
			assert_true(utf8_valid(err.text, strlen(err.text)));
			err_wrap(&err, "b");
			assert_true(utf8_valid(err.text, strlen(err.text)));
		}
	}
}

static void
names(void **state)
{
	(void)state;
	for (int code = 1; code < ERR_CODE_COUNT; code++)
		assert_string_not_equal(err_code_name((enum err_code)code), "unknown");
	assert_string_equal(err_code_name((enum err_code)0), "unknown");
	assert_string_equal(err_code_name(ERR_CODE_COUNT), "unknown");
	assert_string_equal(err_code_name(ERR_NOT_FOUND), "not_found");
	assert_int_equal(err_code_of_errno(ENOENT), ERR_NOT_FOUND);
	assert_int_equal(err_code_of_errno(EACCES), ERR_DENIED);
	assert_int_equal(err_code_of_errno(ENOSPC), ERR_UNAVAILABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_wrap_and_sys),
		cmocka_unit_test(accepts_no_place),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns over URLs, as mocks and expectations of responses have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runners/browser/network_match.h"

static const struct {
	const char *pattern, *base, *url;
	bool matches;
} rows[] = {
	{ "/api/*", "http://h.test/x/", "http://h.test/api/a", true },
	{ "/api/*", "http://h.test/x/", "http://h.test/api/a?q=1#f", true },
	{ "/api/*", "http://h.test", "http://h.test/api/a/b", false },
	{ "/api/**", "http://h.test", "http://h.test/api/a/b", true },
	{ "/api/*", "http://h.test", "http://other.test/api/a", false },
	{ "/api/*", NULL, "https://any.test:8/api/a", true },
	{ "/a?x=1", NULL, "http://h/a?x=1", true },
	{ "/a?x=1", NULL, "http://h/a?x=2", false },
	{ "/a", NULL, "http://h/a?x=2", true },
	{ "http://h.test/a.b", NULL, "http://h.test/aXb", false },
	{ "**", NULL, "http://h/anything/at/all", true },
	{ "**/*.png", NULL, "http://h/a/b.png?v=1", true },
	{ "/cart\\d+$/", NULL, "http://h/cart12", true },
	{ "/cart\\d+$/", NULL, "http://h/cart", false },
	{ "/CART/", NULL, "http://h/cart/", false },
	{ "[a]", NULL, "a", false },
};

static void
test_urls(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(pattern_freep) struct pattern *pattern = NULL;
		assert_int_equal(pattern_url(&pattern, rows[i].pattern, rows[i].base, &err), 0);
		if (pattern_matches(pattern, str_of(rows[i].url)) != rows[i].matches)
			fail_msg("%s and %s", rows[i].pattern, rows[i].url);
	}
}

static void
test_bad_pattern(void **state)
{
	struct pattern *pattern = NULL;
	struct err err;

	(void)state;
	assert_int_equal(pattern_url(&pattern, "/(/", NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(pattern_regex(&pattern, "[", &err), -1);
	assert_null(pattern);
}

/* One that would take ages ends, and does not match. */
static void
test_costly_pattern(void **state)
{
	_cleanup_(pattern_freep) struct pattern *pattern = NULL;
	char text[60];
	struct err err;

	(void)state;
	memset(text, 'a', sizeof text);
	assert_int_equal(pattern_regex(&pattern, "^(a+)+b$", &err), 0);
	assert_false(pattern_matches(pattern, str_from(text, sizeof text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_bad_pattern),
		cmocka_unit_test(test_costly_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the routes: prefixes, ids of versions, filters, locators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dialects/octomind/filter.h"
#include "dialects/octomind/locator.h"
#include "dialects/octomind/octomind.h"
#include "dialects/octomind/service.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)MIB(4));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static void
prefixes(void **state)
{
	static const struct {
		const char *path, *rest; /* NULL: not ours */
	} rows[] = {
		{ "/api/apiKey/v3/test-targets", "/test-targets" },
		{ "/apiKey/v3/test-targets", "/test-targets" },
		{ "/apiKey/beta/test-targets/x/push", "/test-targets/x/push" },
		{ "/api/bearer/v1/test-targets/x", "/test-targets/x" },
		{ "/api/v2/execute", "/execute" },
		{ "/v2/execute", "/execute" },
		{ "/apiKey/v3", "/" },
		{ "/apiKey/v3/", "/" },
		{ "/apiKey/v4/execute", NULL },
		{ "/api/api/apiKey/v3/execute", NULL },
		{ "/apiKeyv3/execute", NULL },
		{ "/v2/executes", NULL },
		{ "/api", NULL },
		{ "/api/", NULL },
		{ "/", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = octomind_dialect.claim(str_of(rows[i].path));

		assert_int_equal(rest.p != NULL, rows[i].rest != NULL);
		if (rows[i].rest)
			assert_true(str_eqz(rest, rows[i].rest));
	}
}

static void
versions_are_read_back_and_nothing_else(void **state)
{
	static const int64_t keys[] = { 1, 2, 77, INT64_C(1) << 40, (INT64_C(1) << 47) - 1 };
	static const int64_t revisions[] = { 1, 2, 1000000, UINT32_MAX };
	int64_t seq, revision;
	struct uuid id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		for (size_t j = 0; j < ARRAY_LEN(revisions); j++) {
			octo_version_id(keys[i], revisions[j], &id);
			assert_int_equal(id.b[6] >> 4, 8);
			assert_int_equal(id.b[8] >> 6, 2);
			assert_int_equal(octo_version_parse(&id, &seq, &revision), 0);
			assert_int_equal(seq, keys[i]);
			assert_int_equal(revision, revisions[j]);
			id.b[7] ^= 1;
			assert_int_equal(octo_version_parse(&id, &seq, &revision), -1);
		}
	octo_version_id(1, 0, &id);
	assert_int_equal(octo_version_parse(&id, &seq, &revision), -1);
}

static void
filters(void **state)
{
	static const struct octo_filter_facts facts = {
		.id = "1", .description = "d", .status = "ENABLED", .run_status = "ON"
	};
	static const struct {
		const char *filter;
		int fits; /* -1: it is refused */
	} rows[] = {
		{ "{}", 1 },
		{ "{\"id\":\"1\",\"status\":\"ENABLED\"}", 1 },
		{ "{\"id\":\"1\",\"status\":\"DRAFT\"}", 0 },
		{ "{\"externalId\":null}", 1 },
		{ "{\"description\":null}", 0 },
		{ "{\"OR\":[{\"id\":\"2\"},{\"description\":\"d\"}]}", 1 },
		{ "{\"OR\":[]}", 0 },
		{ "{\"AND\":[]}", 1 },
		{ "{\"AND\":{\"id\":\"2\"}}", 0 },
		{ "{\"NOT\":[{\"id\":\"2\"},{\"id\":\"3\"}]}", 1 },
		{ "{\"NOT\":{\"OR\":[{\"id\":\"1\"}]}}", 0 },
		{ "{\"id\":\"1\",\"NOT\":{\"id\":\"1\"}}", 0 },
		{ "[]", -1 },
		{ "{\"colour\":\"red\"}", -1 },
		{ "{\"AND\":[1]}", -1 },
		{ "{\"NOT\":{\"NOT\":{\"NOT\":{\"NOT\":{\"NOT\":{\"NOT\":{\"NOT\":{\"NOT\":{}}}}}}}}}",
			-1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct octo_issues issues = { .arena = &arena };
		struct err err;
		json_t *filter =
			json_read(rows[i].filter, strlen(rows[i].filter), JSON_DEPTH_MAX, &err);
		int r = octo_filter_check(filter, &issues);

		assert_int_equal(r < 0 ? -1 : octo_filter_fits(filter, &facts), rows[i].fits);
		json_decref(filter);
	}
	assert_true(octo_filter_fits(NULL, &facts));
}

static void
locators(void **state)
{
	struct octo_selectors list;
	struct err err;

	(void)state;
	assert_int_equal(
		octo_locator_read("await page.frameLocator(\"#a\") . getByRole('button', "
				  "{ name: 'It\\'s\\\\n', exact: true, level: 2, }).nth(-1);",
			&arena, &list, &err),
		0);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.item[0].type, OCTO_FRAME);
	assert_string_equal(list.item[0].text, "#a");
	assert_string_equal(list.item[1].name, "It's\\n");
	assert_int_equal(list.item[1].exact, OCTO_FLAG_TRUE);
	assert_int_equal(list.item[1].level, 2);
	assert_int_equal(list.item[2].nth, -1);
	assert_int_equal(octo_locator_read("locator('li').filter({ hasText: `a\\nb` }).first()",
				 &arena, &list, &err),
		0);
	assert_string_equal(list.item[1].has_text, "a\nb");
}

static void
lines_that_are_no_locators(void **state)
{
	static const char *const lines[] = { "", "page", "page.", "page.evaluate('x')",
		"getByText(", "getByText('a", "getByText('a\\", "getByText('a') x",
		"getByText(a)", "getByText('a', { name: })", "getByText('a', { exact: 1 })",
		"getByText('a', { evil: true })", "nth('a')", "nth(99999999999999999999)",
		"getByText('a').", "getByText('a' 'b')", "first(1)" };
	struct octo_selectors list;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(octo_locator_read(lines[i], &arena, &list, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void
chains_have_an_end(void **state)
{
	_cleanup_(buf_deinit) struct buf line = BUF_INIT(KIB(4));
	struct octo_selectors list;
	struct err err;

	(void)state;
	for (int i = 0; i < OCTO_SELECTORS_MAX + 1; i++)
		assert_int_equal(buf_addf(&line, "%sfirst()", i ? "." : ""), 0);
	assert_int_equal(octo_locator_read(buf_text(&line), &arena, &list, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(prefixes),
		CASE(versions_are_read_back_and_nothing_else),
		CASE(filters),
		CASE(locators),
		CASE(lines_that_are_no_locators),
		CASE(chains_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

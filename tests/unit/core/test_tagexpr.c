/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tagexpr.h"

#include "base/limits.h"
#include "unit.h"

static const char *const tags[] = { "smoke", "ui", "and" };

static bool
matches(const char *text)
{
	struct arena arena;
	struct tagexpr *expr;
	struct err err;

	arena_init(&arena, MIB(1));
	assert_int_equal(tagexpr_parse(str_of(text), &arena, &expr, &err), 0);
	bool result = tagexpr_matches(expr, tags, ARRAY_LEN(tags));

	arena_deinit(&arena);
	return result;
}

static void
refused(const char *text, const char *part_of_why)
{
	struct arena arena;
	struct tagexpr *expr;
	struct err err;

	arena_init(&arena, MIB(1));
	assert_int_equal(tagexpr_parse(str_of(text), &arena, &expr, &err), -1);
	if (!strstr(err.text, part_of_why))
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, err.text, part_of_why);
	arena_deinit(&arena);
}

static void
binds_not_before_and_before_or(void **state)
{
	(void)state;
	assert_true(matches("smoke"));
	assert_false(matches("slow"));
	assert_true(matches("smoke and not slow"));
	assert_true(matches("slow and slow or ui"));
	assert_false(matches("slow and (slow or ui)"));
	assert_false(matches("not smoke or not ui"));
	assert_true(matches("not not smoke"));
	assert_true(matches("(((smoke)))and(ui)"));
}

static void
quotes_make_tags_of_words(void **state)
{
	(void)state;
	assert_true(matches("'and' and \"ui\""));
	assert_false(matches("\"or\""));
}

static void
tells_where_it_is_wrong(void **state)
{
	(void)state;
	refused("", "at 1");
	refused("smoke ui", "at 7");
	refused("smoke and", "at 10");
	refused("(smoke", "\")\" is expected at 7");
	refused("smoke)", "at 6");
	refused("'smoke", "quote");
	refused("''", "1 to");
}

static void
bounds_depth_and_length(void **state)
{
	char deep[300], chain[TAG_EXPR_BYTES_MAX + 2];

	(void)state;
	memset(deep, '(', 200);
	deep[200] = '\0';
	refused(deep, "deeper");
	memset(chain, 'a', sizeof chain - 1);
	chain[sizeof chain - 1] = '\0';
	refused(chain, "longer");
	/* A long chain is not a deep one. */
	size_t n = 0;
	for (; n + 8 < 4000; n += 8)
		memcpy(chain + n, "slow or ", 8);
	memcpy(chain + n, "ui", 3);
	assert_true(matches(chain));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_not_before_and_before_or),
		cmocka_unit_test(quotes_make_tags_of_words),
		cmocka_unit_test(tells_where_it_is_wrong),
		cmocka_unit_test(bounds_depth_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

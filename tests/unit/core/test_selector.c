/* SPDX-License-Identifier: Apache-2.0 */
/* Which saved tests a selector means, whose last result it asks for, and why it means none. */
#include "core/selector.h"

#include "base/limits.h"
#include "unit.h"

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

/* What a request is decoded from: {"tags": …, "name": …, "last": …, "exclude": …}. */
static int
read_selector(const char *text, bool is_template, struct issues *issues, struct selector *ret)
{
	struct err err;
	json_t *tree = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);
	struct selector_request request = {
		.tags = json_object_get(tree, "tags"),
		.name = json_object_get(tree, "name"),
		.last = json_object_get(tree, "last"),
		.exclude = json_object_get(tree, "exclude"),
	};
	int r;

	assert_non_null(tree);
	*issues = (struct issues) { .arena = &arena };
	r = selector_read(&request, is_template, "", &arena, issues, ret);
	json_decref(tree);
	return r;
}

/* Four tests, and how they ended last. */
static const struct {
	const char *name;
	const char *tags[2];
	size_t n_tags;
	enum last_result last;
} kept[] = {
	{ "login", { "smoke" }, 1, LAST_PASSED },
	{ "pay-card", { "smoke", "slow" }, 2, LAST_FAILED },
	{ "pay-bank", { "slow" }, 1, LAST_FLAKY },
	{ "report", { NULL }, 0, LAST_NEW },
};

static int n_asked;

static int
last_of(void *arg, const char *name, enum last_result *ret, struct err *err)
{
	if (arg)
		return err_set(err, ERR_UNAVAILABLE, "no store");
	n_asked++;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (strcmp(kept[i].name, name) == 0)
			*ret = kept[i].last;
	return 0;
}

/* Bits of the tests that are meant. */
static unsigned
chosen(const struct selector *selector, struct selector_counts *counts)
{
	unsigned bits = 0;

	*counts = (struct selector_counts) { 0 };
	n_asked = 0;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const struct selector_test test = { .name = kept[i].name,
			.tags = kept[i].tags,
			.n_tags = kept[i].n_tags,
			.last = last_of };
		struct err err;
		int r = selector_judge(selector, &test, counts, &err);

		assert_true(r == 0 || r == SELECTOR_LEFT_OUT);
		bits |= (r == 0 ? 1u : 0u) << i;
	}
	return bits;
}

static void
all_parts_must_hold_but_not_the_excluded(void **state)
{
	static const struct {
		const char *text;
		unsigned meant;
		int asked; /* for how many tests the last result */
	} rows[] = {
		{ "{\"tags\":\"smoke and not slow\"}", 0x1, 0 },
		{ "{\"tags\":[\"smoke\",\"slow\"]}", 0x7, 0 },
		{ "{\"tags\":\"not smoke\"}", 0xc, 0 },
		{ "{\"name\":\"pay*\"}", 0x6, 0 },
		{ "{\"name\":[\"*bank\",\"report\"]}", 0xc, 0 },
		{ "{\"last\":\"failed\"}", 0x2, 4 },
		{ "{\"last\":[\"flaky\",\"new\"]}", 0xc, 4 },
		{ "{\"tags\":\"slow\",\"last\":\"failed\"}", 0x2, 2 },
		{ "{\"exclude\":{\"tags\":[\"slow\"]}}", 0x9, 0 },
		{ "{\"tags\":\"smoke\",\"exclude\":{\"name\":\"pay*\",\"last\":\"failed\"}}",
			0x1, 2 },
		{ "{\"name\":\"pay*\",\"exclude\":{\"name\":\"*\",\"last\":\"failed\"}}", 0x4,
			2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct selector_counts counts;
		struct selector selector;
		struct issues issues;

		assert_int_equal(read_selector(rows[i].text, false, &issues, &selector), 0);
		assert_int_equal(chosen(&selector, &counts), rows[i].meant);
		assert_int_equal(n_asked, rows[i].asked);
		assert_int_equal(counts.all, ARRAY_LEN(kept));
		assert_int_equal(counts.chosen, __builtin_popcount(rows[i].meant));
	}
}

static void
the_part_that_left_nothing_is_named(void **state)
{
	static const struct {
		const char *text, *why, *member;
	} rows[] = {
		{ "{\"tags\":\"x\"}", "of 4 saved tests none has the tags x", "tags" },
		{ "{\"tags\":[\"x\",\"y\"]}", "of 4 saved tests none has the tags x or y",
			"tags" },
		{ "{\"tags\":\"smoke\",\"name\":\"no*\"}",
			"of 4 saved tests 2 have the tags smoke, of those none is named no*",
			"name" },
		{ "{\"name\":\"login\",\"last\":[\"new\",\"failed\"]}",
			"of 4 saved tests 1 is named login, of those none has the last result "
			"new or failed",
			"last" },
		{ "{\"name\":\"login\",\"exclude\":{\"tags\":\"smoke\"}}",
			"of 4 saved tests 1 is named login, of those all are excluded",
			"exclude" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct selector_counts counts;
		struct selector selector;
		struct issues issues;
		const char *member;

		assert_int_equal(read_selector(rows[i].text, false, &issues, &selector), 0);
		assert_int_equal(chosen(&selector, &counts), 0);
		assert_string_equal(
			selector_why_none(&selector, &counts, &arena, &member), rows[i].why);
		assert_string_equal(member, rows[i].member);
	}
}

static void
without_tests_no_part_is_to_blame(void **state)
{
	struct selector_counts counts = { 0 };
	const char *member = "?";
	struct selector selector;
	struct issues issues;

	(void)state;
	assert_int_equal(read_selector("{\"tags\":\"x\"}", false, &issues, &selector), 0);
	assert_string_equal(selector_why_none(&selector, &counts, &arena, &member),
		"there are no saved tests");
	assert_null(member);
}

static void
what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct {
		const char *text, *pointer;
	} rows[] = {
		{ "{\"tags\":\"a and\"}", "/tags" },
		{ "{\"tags\":[]}", "/tags" },
		{ "{\"tags\":4}", "/tags" },
		{ "{\"tags\":[\"\"]}", "/tags" },
		{ "{\"name\":[\"a\",4]}", "/name" },
		{ "{\"last\":\"broken\"}", "/last" },
		{ "{\"exclude\":{}}", "/exclude" },
		{ "{\"exclude\":{\"last\":\"broken\"}}", "/exclude/last" },
		{ "{\"exclude\":{\"kind\":\"http\"}}", "/exclude/kind" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct selector selector;
		struct issues issues;

		assert_int_equal(read_selector(rows[i].text, false, &issues, &selector), -1);
		assert_int_equal(issues.n, 1);
		assert_string_equal(issues.item[0].pointer, rows[i].pointer);
	}
}

static void
a_template_may_leave_words_open(void **state)
{
	static const char open[] =
		"{\"tags\":\"${{ params.t }}\",\"last\":\"${{ params.l }}\"}";
	struct selector selector;
	struct issues issues;

	(void)state;
	assert_int_equal(read_selector(open, true, &issues, &selector), 0);
	assert_int_equal(read_selector(open, false, &issues, &selector), -1);
}

static void
a_store_that_fails_is_no_verdict(void **state)
{
	const struct selector_test test = {
		.name = "login", .last = last_of, .arg = (void *)&arena
	};
	struct selector_counts counts = { 0 };
	struct selector selector;
	struct issues issues;
	struct err err;

	(void)state;
	assert_int_equal(read_selector("{\"last\":\"new\"}", false, &issues, &selector), 0);
	assert_int_equal(selector_judge(&selector, &test, &counts, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(all_parts_must_hold_but_not_the_excluded),
		CASE(the_part_that_left_nothing_is_named),
		CASE(without_tests_no_part_is_to_blame),
		CASE(what_is_wrong_is_named_with_its_place),
		CASE(a_template_may_leave_words_open),
		CASE(a_store_that_fails_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

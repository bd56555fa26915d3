/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions before they are evaluated: faults with their places, paths, what may be read. */
#include "core/lang.h"

#include "base/buf.h"
#include "base/limits.h"
#include "unit.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(16));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static struct lang *
parse(const char *text)
{
	struct lang *lang = NULL;
	struct err err;

	if (lang_parse(str_of(text), &arena, &lang, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return lang;
}

static void
refuses(const char *text, const char *why)
{
	struct lang *lang;
	struct err err;

	if (lang_parse(str_of(text), &arena, &lang, &err) == 0)
		fail_msg("%s was not refused", text);
	if (strcmp(err.text, why) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", text, err.text, why);
}

static void
faults_have_a_place_and_say_what_is_expected(void **state)
{
	(void)state;
	refuses("", "character 1: a value is expected, here is the end");
	refuses("1 +", "character 4: a value is expected, here is the end");
	refuses("1 + )", "character 5: a value is expected, here is )");
	refuses("1 2", "character 3: an operator or the end is expected, here is 2");
	refuses("\"ü\" x", "character 5: an operator or the end is expected, here is x");
	refuses("(1", "character 3: \")\" is expected, here is the end");
	refuses("[1, ", "character 5: a value is expected, here is the end");
	refuses("[1; 2]", "character 3: \";\" means nothing");
	refuses("[1 2]", "character 4: \",\" or \"]\" is expected, here is 2");
	refuses(".a[", "character 4: a value is expected, here is the end");
	refuses(".a[1", "character 5: \"]\" is expected, here is the end");
	refuses("a ? b", "character 6: \":\" is expected, here is the end");
	refuses("\"abc", "character 1: the quote that begins here is not closed");
	refuses("'it's'", "character 5: an operator or the end is expected, here is s");
	refuses("\"\\d\"",
		"character 1: this is no text as JSON has it (single quotes take everything as it "
		"stands)");
	refuses("\"\\u0000\"",
		"character 1: this is no text as JSON has it (single quotes take everything as it "
		"stands)");
	refuses("a . b", "character 3: an operator or the end is expected, here is .");
	refuses("a. b",
		"character 3: a member's name is expected behind the dot; other names are written "
		"[\"so\"]");
	refuses("12abc", "character 1: a number ends where a name begins: texts need quotes");
	refuses("1 not 2", "character 7: \"in\" behind \"not\" is expected, here is 2");
	refuses("and", "character 1: a value is expected, here is and");
}

static void
near_misses_get_a_hint(void **state)
{
	(void)state;
	refuses("a = b", "character 3: \"=\" means nothing; == compares");
	refuses("a & b", "character 3: \"&\" means nothing; && is \"and\"");
	refuses("a | b", "character 3: \"|\" means nothing; || is \"or\"");
	refuses("{}", "character 1: \"{\" means nothing; there are no object literals");
	refuses("a AND b",
		"character 3: an operator is expected, here is AND; did you mean \"and\"?");
	refuses("a match b",
		"character 3: an operator is expected, here is match; did you mean \"matches\"?");
	refuses("startswith(a, b)",
		"character 1: there is no function startswith; did you mean \"startsWith\"?");
	refuses("a < b < c",
		"character 7: comparisons do not chain: put \"and\" or parentheses between them");
	refuses("a == b == c",
		"character 8: comparisons do not chain: put \"and\" or parentheses between them");
	refuses("lower()", "character 1: it is lower(text): 0 arguments do not fit");
	refuses("now(1)", "character 1: it is now(): 1 arguments do not fit");
}

static void
expressions_are_bounded(void **state)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	struct lang *lang;
	struct err err;

	(void)state;
	for (int i = 0; i < 33; i++)
		assert_int_equal(buf_adds(&text, "("), 0);
	assert_int_equal(lang_parse(buf_str(&text), &arena, &lang, &err), -1);
	assert_string_equal(err.text, "character 33: nested deeper than 32 levels");
	assert_int_equal(err.code, ERR_LIMIT);

	buf_clear(&text);
	assert_int_equal(buf_adds(&text, "1"), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(buf_adds(&text, "+1"), 0);
	assert_int_equal(lang_parse(buf_str(&text), &arena, &lang, &err), -1);
	assert_non_null(strstr(err.text, "more than 250 operators build on each other"));

	buf_clear(&text);
	for (int i = 0; i < LANG_BYTES_MAX + 1; i++)
		assert_int_equal(buf_adds(&text, " "), 0);
	assert_int_equal(lang_parse(buf_str(&text), &arena, &lang, &err), -1);
	assert_string_equal(err.text, "the expression is longer than 4096 bytes");

	assert_int_equal(lang_parse(STR("\"\xff\""), &arena, &lang, &err), -1);
	assert_string_equal(err.text, "the expression is not UTF-8");
}

/* Paths one behind the other: root/name/name@character, ? when it may be absent. */
static void
write_path(void *arg, const struct lang_path *path)
{
	struct buf *out = arg;

	assert_int_equal(
		buf_addf(out, "%s" STR_FMT, out->len > 0 ? " " : "", STR_ARG(path->root)), 0);
	for (size_t i = 0; i < path->n; i++)
		assert_int_equal(buf_addf(out, "/" STR_FMT, STR_ARG(path->name[i])), 0);
	assert_int_equal(buf_addf(out, "@%zu%s", path->at, path->is_guarded ? "?" : ""), 0);
}

static void
reads_paths(const char *text, const char *wanted)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(4));

	lang_each_path(parse(text), write_path, &out);
	assert_string_equal(buf_text(&out), wanted);
}

static void
tells_the_paths_that_are_read(void **state)
{
	(void)state;
	reads_paths("1 + 2", "");
	reads_paths("params.url", "params/url@1");
	reads_paths("stages.login.results[0].id", "stages/login/results@1");
	reads_paths("stages[\"odd name\"].results", "stages/odd name/results@1");
	reads_paths("stages[params.key].results", "stages@1 params/key@8");
	reads_paths("exists(a.b) and a.b == 3", "a/b@8? a/b@17");
	reads_paths("default(a.b, c.d)", "a/b@9? c/d@14");
	reads_paths("exists(a[b.c])", "a@8? b/c@10");
	reads_paths("any(.tasks, .state == params.x)", "/tasks@5 params/x@23");
	reads_paths("any([.], any(.x, . == y))", "@6 y@23");
	reads_paths("(a or b).c", "a@2 b@7");
	reads_paths("split(a.b, \",\")[c]", "a/b@7 c@17");
	assert_true(lang_reads(parse("a.b + c.d"), "c"));
	assert_false(lang_reads(parse("a.b + c.d"), "d"));
	assert_true(lang_reads_now(parse("[1, -now()]")));
	assert_false(lang_reads_now(parse("now.x")));
}

static void
checks(const char *text, const struct lang_rules *rules, const char *why)
{
	struct err err = { 0 };
	int r = lang_check(parse(text), rules, &err);

	if ((why == NULL) != (r == 0) || (why && strcmp(err.text, why) != 0))
		fail_msg("%s: \"%s\", not \"%s\"", text, err.text, why ? why : "");
}

static void
what_may_be_read_is_checked_beforehand(void **state)
{
	static const char *const names[] = { "url", "host", NULL };
	static const struct lang_root roots[] = { { "params", names }, { "stages", NULL },
		{ 0 } };
	const struct lang_rules rules = { .roots = roots };
	const struct lang_rules waits = { .roots = roots, .has_value = true, .has_now = true };

	(void)state;
	checks("params.url + stages.a.b", &rules, NULL);
	checks("params == stages", &rules, NULL);
	checks("params.uri", &rules,
		"character 1: params has no \"uri\"; did you mean \"url\"?");
	checks("1 + params.zzzz", &rules,
		"character 5: params has no \"zzzz\"; it has url, host");
	checks("exists(params.zzzz)", &rules, NULL);
	checks("exists(param.url)", &rules,
		"character 8: there is no \"param\"; did you mean \"params\"?");
	checks("[FAILURE]", &rules,
		"character 2: there is no \"FAILURE\"; a text needs quotes, a path begins with "
		"params, stages");
	checks(".x", &rules, "character 1: there is no value at hand here (\".\")");
	checks("any(stages.a, .x)", &rules, NULL);
	checks("now()", &rules, "character 1: now() is not available here");
	checks(".x + now()", &waits, NULL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(faults_have_a_place_and_say_what_is_expected),
		TEST(near_misses_get_a_hint),
		TEST(expressions_are_bounded),
		TEST(tells_the_paths_that_are_read),
		TEST(what_may_be_read_is_checked_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

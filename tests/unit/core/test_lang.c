/* SPDX-License-Identifier: Apache-2.0 */
/* Values, operators and functions of expressions: what comes out, and what errors say. */
#include "core/lang.h"

#include "base/json.h"
#include "base/limits.h"
#include "unit.h"

static struct arena arena;
static json_t *root, *value;

static const char root_text[] =
	"{\"params\":{\"url\":\"http://x\",\"n\":3,\"on\":true,\"nil\":null,\"a-b\":1,\"hosts\":"
	"[\"a\",\"b\"],\"key\":\"odd name\"},"
	"\"stages\":{\"login\":{\"state\":\"passed\",\"results\":{\"finalUrl\":\"http://y\"}},"
	"\"odd name\":{\"items\":[{\"id\":7},{\"id\":8}]}}}";
static const char value_text[] =
	"{\"state\":\"SUCCESS\",\"n\":2.5,\"tasks\":[{\"id\":1,\"state\":\"ok\"},"
	"{\"id\":2,\"state\":\"bad\"}],\"empty\":[],\"a b\":5,\"not\":true,\"log\":\"ünï DONE\"}";

static json_t *
read_json(const char *text)
{
	struct err err;
	json_t *read = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);

	if (!read)
		fail_msg("%s: %s", text, err.text);
	return read;
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(16));
	root = read_json(root_text);
	value = read_json(value_text);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(root);
	json_decref(value);
	arena_deinit(&arena);
	return 0;
}

/* Parses and evaluates; -1 with the error. */
static int
evaluate(const char *text, json_t **ret, struct err *err)
{
	struct lang_scope scope = { .root = root, .value = value, .now_ms = 1700000000000 };
	struct lang *lang;

	if (lang_parse(str_of(text), &arena, &lang, err) < 0)
		return -1;
	return lang_eval(lang, &scope, ret, err);
}

/* The value of an expression as JSON. */
static void
gives(const char *text, const char *wanted_text)
{
	_cleanup_(json_unrefp) json_t *wanted = read_json(wanted_text);
	_cleanup_(json_unrefp) json_t *found = NULL;
	struct err err = { 0 };

	if (evaluate(text, &found, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (!json_equal(found, wanted))
		fail_msg("%s gave %s, not %s", text, json_dumps(found, JSON_ENCODE_ANY),
			wanted_text);
}

static void
fails(const char *text, enum err_code code, const char *why)
{
	_cleanup_(json_unrefp) json_t *found = NULL;
	struct err err = { 0 };

	if (evaluate(text, &found, &err) == 0)
		fail_msg("%s gave %s", text, json_dumps(found, JSON_ENCODE_ANY));
	if (!strstr(err.text, why) || err.code != code)
		fail_msg("%s: %s \"%s\", not \"%s\"", text, err_code_name(err.code), err.text,
			why);
}

static void
literals_are_those_of_json(void **state)
{
	(void)state;
	gives("12", "12");
	gives(" -3.5 ", "-3.5");
	gives("1e3", "1000.0");
	gives("-9223372036854775808", "-9223372036854775808");
	gives("true", "true");
	gives("null", "null");
	gives("\"a\\n\\u00fc\\\"\"", "\"a\\nü\\\"\"");
	gives("'\\d+ it''s'", "\"\\\\d+ it's\"");
	gives("''", "\"\"");
	gives("[1, [\"a\"], []]", "[1,[\"a\"],[]]");
}

static void
paths_reach_members_and_items(void **state)
{
	(void)state;
	gives("params.url", "\"http://x\"");
	gives("params.a-b", "1");
	gives("params.hosts.1", "\"b\"");
	gives("params.hosts[-2]", "\"a\"");
	gives("stages.login.results.finalUrl", "\"http://y\"");
	gives("stages[\"odd name\"].items[0].id", "7");
	gives("stages[params.key].items[1].id", "8");
	gives("params.nil", "null");
	gives(".state", "\"SUCCESS\"");
	gives(".tasks[0].id", "1");
	gives(".[\"a b\"]", "5");
	gives(".['a b'] + .n", "7.5");
	gives(".not", "true");
	gives("(.tasks)[1].id", "2");
	gives("split(\"a,b\", \",\")[1]", "\"b\"");
	gives("[.state, .n]", "[\"SUCCESS\",2.5]");
	gives("[[1, 2], [3]][0][1]", "2");
	gives(". == .", "true");
}

static void
operators_bind_as_documented(void **state)
{
	(void)state;
	gives("1 + 2 * 3", "7");
	gives("(1 + 2) * 3", "9");
	gives("10 - 2 - 3", "5");
	gives("2 * 3 % 4", "2");
	gives("-2 * -3", "6");
	gives("- 2 - -3", "1");
	gives("true or false and false", "true");
	gives("not 1 == 2", "true");
	gives("!false == true", "true");
	gives("not false and false", "false");
	gives("not not true", "true");
	gives("1 < 2 and 2 < 3", "true");
	gives("1 + 1 in [2]", "true");
	gives("true ? 1 : false ? 2 : 3", "1");
	gives("false ? 1 : false ? 2 : 3", "3");
	gives("params.n -1", "2");
	gives("false || true && true", "true");
}

static void
logic_stops_early(void **state)
{
	(void)state;
	gives("exists(.nope) and .nope > 3", "false");
	gives("true or .nope", "true");
	gives("true ? 1 : .nope", "1");
	gives("any(.empty, .nope)", "false");
}

static void
comparisons_know_their_types(void **state)
{
	(void)state;
	gives("1 == 1.0", "true");
	gives("9007199254740993 == 9007199254740992.0", "false");
	gives("9007199254740993 > 9007199254740992.0", "true");
	gives("\"3\" == 3", "false");
	gives("[1, [2.0]] == [1.0, [2]]", "true");
	gives(".tasks[0] != .tasks[1]", "true");
	gives("null == null", "true");
	gives("\"ab\" < \"b\"", "true");
	gives("\"ü\" > \"z\"", "true");
	gives("2 >= 2", "true");
	gives("1 <= 0.5", "false");
	fails("1 < \"2\"", ERR_INVALID,
		"character 3: \"<\" wants two numbers or two texts, here are the number 1 and the "
		"text \"2\"");
	fails("null < 1", ERR_INVALID, "here are null and the number 1");
}

static void
in_and_matches_look_inside(void **state)
{
	(void)state;
	gives(".state in [\"FAILURE\", \"SUCCESS\"]", "true");
	gives("1 in [1.0]", "true");
	gives(".state not in [\"FAILURE\"]", "true");
	gives("\"login\" in stages", "true");
	gives("\"DON\" in .log", "true");
	gives("\"\" in .log", "true");
	gives(".log matches \"^.n. D\"", "true");
	gives(".log matches '\\bDONE$'", "true");
	gives("\"x\" matches params.url", "false");
	fails("1 in 2", ERR_INVALID, "looks in a list");
	fails("1 matches \"1\"", ERR_INVALID,
		"wants a text and a pattern, here is the number 1");
	fails(".log matches \"(\"", ERR_INVALID, "character 14: the pattern \"(\" is wrong");
	fails("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\" matches \"^(a+)+$\"", ERR_LIMIT,
		"costs too much to match");
}

static void
arithmetic_is_exact_or_an_error(void **state)
{
	(void)state;
	gives("7 / 2", "3.5");
	gives("6 / 2", "3");
	gives("-7 % 3", "-1");
	gives("7.5 % 2", "1.5");
	gives("0.5 + 1", "1.5");
	gives("\"a\" + \"b\"", "\"ab\"");
	gives("-9223372036854775808 % -1", "0");
	fails("9223372036854775807 + 1", ERR_INVALID, "does not fit 64 bits");
	fails("-9223372036854775808 / -1", ERR_INVALID, "does not fit 64 bits");
	fails("- params.n * 9223372036854775807", ERR_INVALID, "does not fit 64 bits");
	fails("9223372036854775808", ERR_INVALID, "does not fit 64 bits");
	fails("1 / 0", ERR_INVALID, "character 3: division by zero");
	fails("1 % 0", ERR_INVALID, "division by zero");
	fails("1.5 / 0.0", ERR_INVALID, "division by zero");
	fails("1e308 * 10", ERR_INVALID, "no finite number");
	fails("\"n\" + 1", ERR_INVALID, "(text() makes a text)");
	fails("-\"a\"", ERR_INVALID, "\"-\" wants a number, here is the text \"a\"");
}

static void
conditions_are_booleans(void **state)
{
	struct lang_scope scope = { .root = root };
	struct lang *lang;
	struct err err;
	bool is_true;

	(void)state;
	fails(".state and true", ERR_INVALID,
		"character 8: \"and\" wants true or false, here is the text \"SUCCESS\"");
	fails("not null", ERR_INVALID, "\"not\" wants true or false, here is null");
	fails("1 ? 2 : 3", ERR_INVALID, "\"?\" wants true or false, here is the number 1");
	assert_int_equal(lang_parse(STR("params.on"), &arena, &lang, &err), 0);
	assert_int_equal(lang_test(lang, &scope, &is_true, &err), 0);
	assert_true(is_true);
	assert_int_equal(lang_parse(STR("params.n"), &arena, &lang, &err), 0);
	assert_int_equal(lang_test(lang, &scope, &is_true, &err), -1);
	assert_non_null(strstr(err.text, "a condition is expected"));
}

static void
absent_parts_are_named(void **state)
{
	(void)state;
	fails("stages.login.result", ERR_NOT_FOUND,
		"character 14: stages.login has no \"result\"; did you mean \"results\"?");
	fails("stages.login.zzz", ERR_NOT_FOUND, "it has state, results");
	fails("stages.nope.results", ERR_NOT_FOUND, "character 8: stages has no \"nope\"");
	fails("stage.login", ERR_NOT_FOUND, "there is no \"stage\"; did you mean \"stages\"?");
	fails("params.hosts[2]", ERR_NOT_FOUND, "params.hosts has no item 2; it has 2");
	fails("params.hosts[-3]", ERR_NOT_FOUND, "no item -3");
	fails("params.hosts.name", ERR_NOT_FOUND, "no item name");
	fails("params.url.host", ERR_NOT_FOUND,
		"params.url has no \"host\": it is the text \"http://x\"");
	fails("params.nil.x", ERR_NOT_FOUND, "it is null");
	fails(".nope", ERR_NOT_FOUND, ". has no \"nope\"; it has state, n, tasks");
	fails("params[1]", ERR_INVALID, "wants a text, here is the number 1");
	fails("params.hosts[1.5]", ERR_INVALID, "a text or a whole number");
	fails("first(.empty)", ERR_NOT_FOUND, "first() of an empty list");
}

static void
absence_can_be_asked_for(void **state)
{
	(void)state;
	gives("exists(.state)", "true");
	gives("exists(params.nil)", "true");
	gives("exists(params.nil.x)", "false");
	gives("exists(nothing.at.all)", "false");
	gives("exists(params.hosts[7])", "false");
	gives("default(params.zz, 5)", "5");
	gives("default(params.nil, 5)", "5");
	gives("default(params.n, 5)", "3");
	gives("default(first(.empty).id, \"none\")", "\"none\"");
	fails("default(params.zz, .nope)", ERR_NOT_FOUND, "nope");
	fails("exists(params[1 / 0])", ERR_INVALID, "division by zero");
	fails("exists(1 + 2)", ERR_INVALID, "character 8: exists() takes a path");
}

static void
functions_do_what_they_say(void **state)
{
	(void)state;
	gives("length(\"ünï\")", "3");
	gives("length(.tasks)", "2");
	gives("length(stages)", "2");
	gives("lower(\"ÄBC\") + upper(\"äbc\")", "\"ÄbcäBC\"");
	gives("trim(\" \\n a b \")", "\"a b\"");
	gives("contains(.log, \"DONE\")", "true");
	gives("contains([1, 2], 3)", "false");
	gives("startsWith(params.url, \"http:\") and endsWith(params.url, \"/x\")", "true");
	gives("join([\"a\", 1, 0.1, true], \"-\")", "\"a-1-0.1-true\"");
	gives("split(\"a,,b\", \",\")", "[\"a\",\"\",\"b\"]");
	gives("split(\"\", \",\")", "[\"\"]");
	gives("first(params.hosts) + last(params.hosts)", "\"ab\"");
	gives("keys(stages)", "[\"login\",\"odd name\"]");
	gives("any(.tasks, .state == \"bad\")", "true");
	gives("all(.tasks, .state == \"bad\")", "false");
	gives("all(.empty, false)", "true");
	gives("count(.tasks, .id >= 1)", "2");
	gives("any(.tasks, any([1, 2], . == 2))", "true");
	gives("any(params.hosts, . == params.hosts[1])", "true");
	gives("round(2.5)", "3");
	gives("round(-2.5)", "-3");
	gives("floor(-0.5)", "-1");
	gives("min(3, 1.5, 2)", "1.5");
	gives("max([1, 5, 2])", "5");
	gives("number(\" 12 \")", "12");
	gives("number(\"1.5\")", "1.5");
	gives("text(0.1)", "\"0.1\"");
	gives("text(null)", "\"null\"");
	gives("text(\"a\")", "\"a\"");
	gives("json(\"a\")", "\"\\\"a\\\"\"");
	gives("json([1, \"b\"])", "\"[1,\\\"b\\\"]\"");
	gives("fromJson('{\"a\":[1]}').a[0]", "1");
	gives("now()", "1700000000000");
	gives("time(\"1970-01-01T00:00:01Z\")", "1000");
	gives("duration(\"1h30m\")", "5400000");
	gives("now() - time(\"2023-11-14T22:13:20Z\") < duration(\"1s\")", "true");
}

static void
functions_refuse_what_does_not_fit(void **state)
{
	(void)state;
	fails("length(1)", ERR_INVALID,
		"character 1: length() wants a text, a list or an object, here is the number 1");
	fails("lower(null)", ERR_INVALID, "lower() wants a text, here is null");
	fails("startsWith(\"a\", 1)", ERR_INVALID, "wants texts");
	fails("join([[1]], \"\")", ERR_INVALID, "texts, numbers and booleans, here is a list");
	fails("split(\"a\", \"\")", ERR_INVALID, "wants a separator");
	fails("first(1)", ERR_INVALID, "wants a list");
	fails("keys([])", ERR_INVALID, "wants an object");
	fails("any(.tasks, .id)", ERR_INVALID, "a condition, true or false, for each item");
	fails("any(1, true)", ERR_INVALID, "any() wants a list");
	fails("min([])", ERR_NOT_FOUND, "min() of an empty list");
	fails("max(\"a\")", ERR_INVALID, "wants numbers");
	fails("number(\"x1\")", ERR_INVALID, "or a text that is one, here is the text \"x1\"");
	fails("round(1e300)", ERR_INVALID, "does not fit 64 bits");
	fails("fromJson(\"{\")", ERR_INVALID, "fromJson(): line 1");
	fails("time(\"soon\")", ERR_INVALID, "time(): ");
	fails("duration(\"1 parsec\")", ERR_INVALID, "duration(): ");
}

static void
nothing_runs_for_long(void **state)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	json_t *list = json_array();

	(void)state;
	for (int i = 0; i < 200; i++)
		(void)json_array_append_new(list, json_integer(i));
	(void)json_object_set_new(json_object_get(root, "params"), "list", list);
	gives("count(params.list, . in params.list)", "200");
	fails("count(params.list, any(params.list, any(params.list, . == -1)))", ERR_LIMIT,
		"more than 100000 steps");

	/* 40 KiB and 40 KiB are more than a text may have. */
	for (int i = 0; i < 4096; i++)
		assert_int_equal(buf_adds(&text, "0123456789"), 0);
	(void)json_object_set_new(json_object_get(root, "params"), "long",
		json_stringn(buf_text(&text), text.len));
	fails("params.long + params.long", ERR_LIMIT, "longer than 65536 bytes");
	fails("[params.long, params.long]", ERR_LIMIT, "the list is larger than 65536 bytes");
	fails("join([params.long, \"ab\"], params.long)", ERR_LIMIT, "longer than 65536 bytes");
	gives("length(params.long)", "40960");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(literals_are_those_of_json),
		TEST(paths_reach_members_and_items),
		TEST(operators_bind_as_documented),
		TEST(logic_stops_early),
		TEST(comparisons_know_their_types),
		TEST(in_and_matches_look_inside),
		TEST(arithmetic_is_exact_or_an_error),
		TEST(conditions_are_booleans),
		TEST(absent_parts_are_named),
		TEST(absence_can_be_asked_for),
		TEST(functions_do_what_they_say),
		TEST(functions_refuse_what_does_not_fit),
		TEST(nothing_runs_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the validator says: places and words of offences, of values and of schemas; limits. That
 * its verdicts are right is json_schema_suite.c's and json_schema_pairs.py's matter.
 */
#include "core/json_schema.h"

#include "base/limits.h"
#include "core/json_schema_impl.h"
#include "unit.h"

static struct arena arena;
static struct issues issues;
static json_t *schema, *value;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(64));
	issues = (struct issues) { .arena = &arena };
	return 0;
}

static void
forget(void)
{
	json_decref(schema);
	json_decref(value);
	schema = value = NULL;
	arena_reset(&arena);
	issues = (struct issues) { .arena = &arena };
}

static int
teardown(void **state)
{
	(void)state;
	forget();
	arena_deinit(&arena);
	return 0;
}

static json_t *
read_json(const char *text)
{
	struct err err;
	json_t *read = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);

	if (!read)
		fail_msg("%s: %s", text, err.text);
	return read;
}

static struct json_schema *
compile(const char *text)
{
	struct json_schema *compiled = NULL;

	forget();
	schema = read_json(text);
	if (json_schema_compile(schema, &arena, &compiled, &issues) < 0)
		fail_msg("%s: \"%s\": %s", text, issues.item[0].pointer, issues.item[0].detail);
	return compiled;
}

static void
fits(const char *schema_text, const char *value_text)
{
	struct json_schema *compiled = compile(schema_text);

	value = read_json(value_text);
	if (json_schema_validate(compiled, value, "", &issues) < 0)
		fail_msg("%s: %s: %s", schema_text, value_text, issues.item[0].detail);
}

/* Offences one behind the other: "/pointer: words | …". */
static void
offences(const char *wanted)
{
	_cleanup_(buf_deinit) struct buf found = BUF_INIT(KIB(16));

	for (size_t i = 0; i < issues.n; i++)
		assert_int_equal(buf_addf(&found, "%s%s: %s", i > 0 ? " | " : "",
					 issues.item[i].pointer, issues.item[i].detail),
			0);
	assert_string_equal(buf_text(&found), wanted);
}

static void
says(const char *schema_text, const char *value_text, const char *wanted)
{
	struct json_schema *compiled = compile(schema_text);

	json_schema_check_formats(compiled);
	value = read_json(value_text);
	assert_int_equal(json_schema_validate(compiled, value, "/at", &issues), -1);
	offences(wanted);
}

static void
refuses(const char *schema_text, const char *wanted)
{
	struct json_schema *compiled;

	forget();
	schema = read_json(schema_text);
	assert_int_equal(json_schema_compile(schema, &arena, &compiled, &issues), -1);
	offences(wanted);
}

static void
offences_say_what_was_wanted_and_what_is_there(void **state)
{
	(void)state;
	says("{\"type\":\"string\"}", "3", "/at: a text is expected, here is the number 3");
	says("{\"type\":[\"integer\",\"null\"]}", "1.5",
		"/at: null or a whole number is expected, here is the number 1.5");
	says("{\"enum\":[\"a\",1,[2]]}", "\"b\"",
		"/at: one of \"a\", 1, [2] is expected, here is the text \"b\"");
	says("{\"const\":\"x\"}", "null", "/at: the text \"x\" is expected, here is null");
	says("{\"const\":[1]}", "[2]", "/at: a list is expected, here is another: a list");
	says("{\"minimum\":3}", "2",
		"/at: at least the number 3 is expected, here is the number 2");
	says("{\"exclusiveMaximum\":3}", "3",
		"/at: less than the number 3 is expected, here is the number 3");
	says("{\"multipleOf\":2}", "3",
		"/at: a multiple of the number 2 is expected, here is the number 3");
	says("{\"minLength\":3}", "\"üb\"",
		"/at: at least 3 characters are expected, here are 2");
	says("{\"maxItems\":1}", "[1,2]", "/at: at most 1 items are expected, here are 2");
	says("{\"pattern\":\"^a\"}", "\"b\"",
		"/at: a text that matches \"^a\" is expected, here is the text \"b\"");
	says("{\"format\":\"uuid\"}", "\"b\"",
		"/at: a text of the format \"uuid\" is expected, here is the text \"b\"");
	says("{\"uniqueItems\":true}", "[1,\"a\",1.0]",
		"/at: items that differ are expected, items 0 and 2 are the same");
	says("{\"contains\":{\"const\":1}}", "[2]",
		"/at: at least 1 items that fit \"contains\" are expected, here are 0");
	says("{\"not\":{\"type\":\"null\"}}", "null", "/at: null is what \"not\" excludes");
	says("false", "1", "/at: nothing may stand here");
	says("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "3",
		"/at: a value that fits exactly one of 2 alternatives is expected, the number 3 fits "
		"several");
	says("{\"anyOf\":[{\"type\":\"null\"},{\"minimum\":2}]}", "1",
		"/at: a value that fits one of 2 alternatives is expected, the number 1 fits none");
}

static void
offences_have_places(void **state)
{
	static const char text[] =
		"{\"properties\":{\"name\":{\"type\":\"string\"},\"a/b\":{\"items\":{\"type\":\"null\"}}},"
		"\"required\":[\"name\",\"id\"],\"additionalProperties\":false}";

	(void)state;
	says(text, "{\"names\":1,\"a/b\":[null,2]}",
		"/at/name: the member is required | /at/id: the member is required | "
		"/at/a~1b/1: null is expected, here is the number 2 | "
		"/at/names: there is no such member; did you mean \"name\"?");
	assert_string_equal(issues.item[0].code, ISSUE_MISSING);
	assert_string_equal(issues.item[3].code, ISSUE_UNKNOWN);
	says("{\"anyOf\":[{\"properties\":{\"a\":{\"type\":\"null\"}}}]}", "{\"a\":1}",
		"/at/a: null is expected, here is the number 1");
	says("{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}",
		"/at/ab: at most 1 characters are expected, here are 2");
	says("{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"items\":{\"$ref\":\"#\"}}},"
	     "\"unevaluatedItems\":false,\"minItems\":1}",
		"[[[]]]", "/at/0/0: at least 1 items are expected, here are 0");
}

static void
bad_schemas_are_refused_with_places(void **state)
{
	(void)state;
	refuses("3",
		": a schema, which is an object, true or false, is expected, here is the number 3");
	refuses("{\"type\":\"text\"}",
		"/type: null, boolean, integer, number, string, array, object, or a list of them, is "
		"expected, here is the text \"text\"");
	refuses("{\"type\":[\"null\",\"null\"]}",
		"/type/1: each type once is expected, here is the text \"null\"");
	refuses("{\"properties\":{\"a\":{\"minLength\":-1}}}",
		"/properties/a/minLength: a whole number, 0 or more, is expected, here is the number -1");
	refuses("{\"required\":[\"a\",\"a\"]}",
		"/required/1: each name once is expected, here is the text \"a\"");
	refuses("{\"multipleOf\":0}",
		"/multipleOf: a number greater than 0 is expected, here is the number 0");
	refuses("{\"anyOf\":[]}",
		"/anyOf: a list of schemas that is not empty is expected, here is a list");
	refuses("{\"patternProperties\":{\"(\":true}}",
		"/patternProperties/(: the pattern \"(\" is wrong at offset 1: missing closing "
		"parenthesis");
	refuses("{\"items\":[true]}",
		"/items: a schema, which is an object, true or false, is expected, here is a list");
	refuses("{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}",
		"/$schema: known are https://json-schema.org/draft/2020-12/schema and "
		"http://json-schema.org/draft-07/schema");
	refuses("{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
		"/$defs/b/$anchor: another schema has this anchor");
	refuses("{\"$id\":\"http://a/#b\"}",
		"/$id: an $id has no fragment; $anchor names a place");
}

static void
references_stay_inside(void **state)
{
	(void)state;
	refuses("{\"items\":{\"$ref\":\"https://example.com/s\"}}",
		"/items/$ref: \"https://example.com/s\" is not inside this schema, and nothing is "
		"fetched");
	refuses("{\"$ref\":\"#/$defs/nope\"}",
		"/$ref: \"#/$defs/nope\" names no schema of this document");
	refuses("{\"$ref\":\"#/$comment\",\"$comment\":\"text\"}",
		"/$ref: \"#/$comment\" names no schema of this document");
	refuses("{\"$ref\":\"#%zz\"}", "/$ref: \"#%zz\" is malformed or too long");
	fits("{\"$id\":\"http://a/b/c\",\"$ref\":\"../d\",\"$defs\":{\"x\":{\"$id\":\"/d\",\"type\":"
	     "\"null\"}}}",
		"null");
	fits("{\"$ref\":\"#/$defs/a~1%25\",\"$defs\":{\"a/%\":{\"type\":\"null\"}}}", "null");
}

/* A tree whose nodes are open, and the same tree where they are not. */
static void
dynamic_references_follow_the_outermost(void **state)
{
	static const char tree[] =
		"{\"$id\":\"http://x/strict\",\"$dynamicAnchor\":\"node\",\"$ref\":\"tree\","
		"\"unevaluatedProperties\":false,\"$defs\":{\"tree\":{\"$id\":\"tree\","
		"\"$dynamicAnchor\":\"node\",\"properties\":{\"value\":true,"
		"\"kids\":{\"items\":{\"$dynamicRef\":\"#node\"}}}}}}";

	(void)state;
	fits(tree, "{\"kids\":[{\"value\":1}]}");
	says(tree, "{\"kids\":[{\"values\":1}]}", "/at/kids/0/values: there is no such member");
}

static void
differs(const char *schema_text, const char *value_text)
{
	struct json_schema *compiled = compile(schema_text);

	value = read_json(value_text);
	if (json_schema_validate(compiled, value, "", &issues) == 0)
		fail_msg("%s: %s fits", schema_text, value_text);
}

static void
unevaluated_is_what_no_schema_that_fits_has_looked_at(void **state)
{
	static const char branches[] =
		"{\"anyOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},"
		"{\"properties\":{\"b\":true},\"required\":[\"b\"]}],\"unevaluatedProperties\":false}";
	static const char condition[] =
		"{\"if\":{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},"
		"\"then\":{\"properties\":{\"b\":true}},\"else\":{\"properties\":{\"c\":true}},"
		"\"unevaluatedProperties\":false}";
	static const char list[] =
		"{\"prefixItems\":[true],\"contains\":{\"type\":\"null\"},\"unevaluatedItems\":"
		"{\"type\":\"string\"}}";

	(void)state;
	fits(branches, "{\"a\":1,\"b\":2}");
	differs(branches, "{\"a\":2,\"b\":2}");
	differs(branches, "{\"a\":1,\"c\":2}");
	fits(condition, "{\"a\":1,\"b\":2}");
	differs(condition, "{\"a\":1,\"c\":2}");
	differs(condition, "{\"a\":2,\"c\":2}");
	fits(condition, "{\"c\":2}");
	fits(list, "[1,null,\"a\",null]");
	differs(list, "[1,null,2]");
	/* Those of a schema beside it count, those of a neighbour do not, nor do those of
	 * `not`. */
	differs("{\"allOf\":[{\"properties\":{\"a\":true}},{\"unevaluatedProperties\":false}]}",
		"{\"a\":1}");
	fits("{\"$ref\":\"#/$defs/x\",\"unevaluatedProperties\":false,"
	     "\"$defs\":{\"x\":{\"properties\":{\"a\":true}}}}",
		"{\"a\":1}");
	differs("{\"not\":{\"not\":{\"properties\":{\"a\":true}}},\"unevaluatedProperties\":false}",
		"{\"a\":1}");
	/* A schema that does not fit is blamed for that alone. */
	says("{\"properties\":{\"a\":{\"type\":\"null\"}},\"unevaluatedProperties\":false}",
		"{\"a\":1}", "/at/a: null is expected, here is the number 1");
}

static void
drafts_differ(void **state)
{
	(void)state;
	fits("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"items\":[{\"type\":\"null\"}],"
	     "\"additionalItems\":{\"type\":\"boolean\"}}",
		"[null,true]");
	fits("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$ref\":\"#/definitions/x\","
	     "\"type\":\"string\",\"definitions\":{\"x\":{\"type\":\"null\"}}}",
		"null");
	says("{\"$ref\":\"#/$defs/x\",\"type\":\"string\",\"$defs\":{\"x\":{\"type\":\"null\"}}}",
		"null", "/at: a text is expected, here is null");
}

static void
format_is_an_annotation_until_asked_for(void **state)
{
	(void)state;
	fits("{\"format\":\"uuid\"}", "\"no\"");
	fits("{\"format\":\"anything\"}", "\"no\"");
	assert_true(schema_format_fits(FORMAT_DATE_TIME, STR("2024-02-29T23:59:60Z")));
	assert_false(schema_format_fits(FORMAT_DATE_TIME, STR("2024-02-29T23:58:60Z")));
	assert_false(schema_format_fits(FORMAT_DATE_TIME, STR("2024-02-29 23:59:00Z")));
	assert_true(schema_format_fits(FORMAT_DATE, STR("2024-02-29")));
	assert_false(schema_format_fits(FORMAT_DATE, STR("2023-02-29")));
	assert_true(schema_format_fits(FORMAT_URI, STR("urn:isbn:1")));
	assert_true(schema_format_fits(FORMAT_URI, STR("http://u@[::1]:8/a?b=%20#c")));
	assert_false(schema_format_fits(FORMAT_URI, STR("/relative")));
	assert_false(schema_format_fits(FORMAT_URI, STR("http://a b")));
	assert_false(schema_format_fits(FORMAT_URI, STR("http://a/%2")));
	assert_true(schema_format_fits(FORMAT_EMAIL, STR("a.b+c@d-e.org")));
	assert_false(schema_format_fits(FORMAT_EMAIL, STR("a..b@c")));
	assert_false(schema_format_fits(FORMAT_EMAIL, STR(".a@c")));
	assert_false(schema_format_fits(FORMAT_EMAIL, STR("a@.c")));
	assert_false(schema_format_fits(FORMAT_EMAIL, STR("a@b@c")));
	assert_false(schema_format_fits(FORMAT_EMAIL, STR("@")));
	assert_true(
		schema_format_fits(FORMAT_UUID, STR("2EB8AA08-aa98-11ea-b4aa-73b441d16380")));
	assert_false(
		schema_format_fits(FORMAT_UUID, STR("2EB8AA08-aa98-11ea-b4aa-73b441d1638")));
}

static void
hostile_schemas_and_values_end(void **state)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));

	(void)state;
	says("{\"$ref\":\"#\"}", "1", "/at: schemas refer to each other without end");
	assert_string_equal(issues.item[0].code, ISSUE_LIMIT);
	says("{\"not\":{\"pattern\":\"^(a+)+$\"}}",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
		"/at: the pattern \"^(a+)+$\" costs too much to match");
	/* Both sides of every pair: 2^20 checks of one value and far more. */
	says("{\"allOf\":[{\"$ref\":\"#/$defs/0\"}],\"$defs\":{"
	     "\"0\":{\"allOf\":[{\"$ref\":\"#/$defs/1\"},{\"$ref\":\"#/$defs/1\"}]},"
	     "\"1\":{\"allOf\":[{\"$ref\":\"#/$defs/2\"},{\"$ref\":\"#/$defs/2\"}]},"
	     "\"2\":{\"anyOf\":[{\"$ref\":\"#/$defs/0\"},{\"$ref\":\"#/$defs/1\"}]}}}",
		"1", "/at: schemas refer to each other without end");

	assert_int_equal(buf_adds(&text, "{\"allOf\":["), 0);
	for (int i = 0; i < JSON_SCHEMA_NODES_MAX; i++)
		assert_int_equal(buf_adds(&text, i > 0 ? ",{}" : "{}"), 0);
	assert_int_equal(buf_adds(&text, "]}"), 0);
	forget();
	schema = read_json(buf_text(&text));
	struct json_schema *compiled;

	assert_int_equal(json_schema_compile(schema, &arena, &compiled, &issues), -1);
	assert_string_equal(issues.item[0].code, ISSUE_LIMIT);
}

static void
steps_are_bounded(void **state)
{
	struct json_schema *compiled =
		compile("{\"items\":{\"contains\":{\"const\":-1},\"minContains\":0}}");
	json_t *list = json_array();

	(void)state;
	for (int i = 0; i < 2000; i++)
		(void)json_array_append_new(list, json_integer(i));
	value = json_array();
	for (int i = 0; i < 2000; i++)
		(void)json_array_append(value, list);
	json_decref(list);
	assert_int_equal(json_schema_validate(compiled, value, "", &issues), -1);
	assert_int_equal(issues.n, 1);
	assert_string_equal(issues.item[0].code, ISSUE_LIMIT);
	assert_string_equal(
		issues.item[0].detail, "the value takes too many steps to validate");
}

static void
steps_may_be_fewer_for_one_schema(void **state)
{
	static const char list[] = "{\"items\":{\"type\":\"integer\"}}";
	struct json_schema *compiled;

	(void)state;
	fits(list, "[1,2,3,4,5,6,7,8]");
	compiled = compile(list);
	json_schema_limit_steps(compiled, 8);
	value = read_json("[1,2,3,4,5,6,7,8]");
	assert_int_equal(json_schema_validate(compiled, value, "", &issues), -1);
	offences("/7: the value takes too many steps to validate");
}

/* Places are kept of those offences that are told, not of all that are counted. */
static void
many_offences_take_little_memory(void **state)
{
	struct json_schema *compiled = compile("{\"items\":{\"items\":{\"type\":\"string\"}}}");
	json_t *list = json_array();
	size_t before = arena.used;

	(void)state;
	value = json_array();
	(void)json_array_append_new(value, list);
	for (int i = 0; i < 20000; i++)
		(void)json_array_append_new(list, json_integer(i));
	assert_int_equal(json_schema_validate(compiled, value, "", &issues), -1);
	assert_int_equal(issues.n + issues.n_more, 20000);
	assert_true(arena.used - before < KIB(8));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(offences_say_what_was_wanted_and_what_is_there),
		TEST(offences_have_places),
		TEST(bad_schemas_are_refused_with_places),
		TEST(references_stay_inside),
		TEST(dynamic_references_follow_the_outermost),
		TEST(unevaluated_is_what_no_schema_that_fits_has_looked_at),
		TEST(drafts_differ),
		TEST(format_is_an_annotation_until_asked_for),
		TEST(hostile_schemas_and_values_end),
		TEST(steps_are_bounded),
		TEST(steps_may_be_fewer_for_one_schema),
		TEST(many_offences_take_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

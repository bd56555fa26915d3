/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: types, refusals by line, and where a pointer's line is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/yaml.h"

static char *
to_json(const char *text)
{
	struct yaml yaml;
	struct err err;

	if (yaml_read(&yaml, text, strlen(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
	char *json = json_dumps(yaml.root, JSON_COMPACT | JSON_ENCODE_ANY);
	yaml_deinit(&yaml);
	return json;
}

static void
test_values(void **state)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
		{ "a: 1", "{\"a\":1}" },
		{ "[no, yes, on, off, y, n, No, TRUE]",
			"[\"no\",\"yes\",\"on\",\"off\",\"y\",\"n\",\"No\",\"TRUE\"]" },
		{ "[true, false, null, ~]", "[true,false,null,null]" },
		{ "a:", "{\"a\":null}" },
		{ "[1, -2, 0, 1.5, 1e3, -0.25]", "[1,-2,0,1.5,1000.0,-0.25]" },
		{ "[0x10, 0o7, 010, 1_000, +1, .5, 1., 12:30, 1:30:00, .inf, .nan]",
			"[\"0x10\",\"0o7\",\"010\",\"1_000\",\"+1\",\".5\",\"1.\",\"12:30\","
			"\"1:30:00\",\".inf\",\".nan\"]" },
		{ "[\"1\", '2', \"true\", 'null']", "[\"1\",\"2\",\"true\",\"null\"]" },
		{ "[2026-12-01, 1.2.3, <<, =]", "[\"2026-12-01\",\"1.2.3\",\"<<\",\"=\"]" },
		{ "a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}" },
		{ "a: >-\n  x\n  y\n", "{\"a\":\"x y\"}" },
		{ "{\"a\": [1, {\"b\": \"c\"}]}", "{\"a\":[1,{\"b\":\"c\"}]}" },
		{ "a: { b: [x, y], c: }", "{\"a\":{\"b\":[\"x\",\"y\"],\"c\":null}}" },
		{ "1: x\ntrue: y", "{\"1\":\"x\",\"true\":\"y\"}" },
		{ "a: ${{ params.x }}", "{\"a\":\"${{ params.x }}\"}" },
		{ "text", "\"text\"" },
		{ "99999999999999999999", "1e20" },
		{ "%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}" },
		{ "a: \"\\u00e9\"", "{\"a\":\"\xc3\xa9\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *json = to_json(rows[i].yaml);
		assert_string_equal(json, rows[i].json);
		free(json);
	}
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *yaml, *says;
	} rows[] = {
		{ "", "line 1: the file is empty" },
		{ "# only a comment\n", "line 1: the file is empty" },
		{ "a: 1\na: 2\n", "line 2: \"a\" is there twice" },
		{ "x: &b 1\n", "line 1: anchors and aliases" },
		{ "a: 1\nx: *b\n", "line 2: anchors and aliases" },
		{ "a: !!binary aGk=\n", "line 1: tags" },
		{ "a: !own x\n", "line 1: tags" },
		{ "a: 1\n---\nb: 2\n", "a second document" },
		{ "? [a]\n: b\n", "line 1: a key must be text" },
		{ "a: [1, 2\n", "line " },
		{ "a: \"x\\0y\"\n", "line 1: text with a NUL" },
		{ "\"a\\0b\": 1\n", "line 1: a key must be UTF-8 text" },
		{ "a: \xff\n", "line " },
		{ "a:\n\t- b\n", "line 2: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct yaml yaml;
		struct err err;
		assert_int_equal(
			yaml_read(&yaml, rows[i].yaml, strlen(rows[i].yaml), &err), -1);
		if (!strstr(err.text, rows[i].says))
			fail_msg("\"%s\" is not in \"%s\"", rows[i].says, err.text);
	}
}

static void
test_depth(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 3] = "";
	struct yaml yaml;
	struct err err;

	(void)state;
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(yaml_read(&yaml, deep, strlen(deep), &err), 0);
	yaml_deinit(&yaml);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(yaml_read(&yaml, deep, strlen(deep), &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void
test_lines(void **state)
{
	static const char text[] = "name: x\n"         /* 1 */
				   "tests:\n"          /* 2 */
				   "  - name: a\n"     /* 3 */
				   "    argv: [x,\n"   /* 4 */
				   "           y]\n"   /* 5 */
				   "  - name: b/c~d\n" /* 6 */
				   "odd/key~: 1\n";    /* 7 */
	struct yaml yaml;
	struct err err;

	(void)state;
	assert_int_equal(yaml_read(&yaml, text, strlen(text), &err), 0);
	assert_int_equal(yaml_line(&yaml, ""), 1);
	assert_int_equal(yaml_line(&yaml, "/tests"), 2);
	assert_int_equal(yaml_line(&yaml, "/tests/0"), 3);
	assert_int_equal(yaml_line(&yaml, "/tests/0/argv"), 4);
	assert_int_equal(yaml_line(&yaml, "/tests/0/argv/1"), 5);
	assert_int_equal(yaml_line(&yaml, "/tests/1/name"), 6);
	assert_int_equal(yaml_line(&yaml, "/odd~1key~0"), 7);
	/* What is not there is where its nearest surroundings are. */
	assert_int_equal(yaml_line(&yaml, "/tests/1/argv/0"), 6);
	assert_int_equal(yaml_line(&yaml, "/testsandmore"), 1);
	yaml_deinit(&yaml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* {{name}} in texts: what is one, what it becomes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "browser_format/template.h"

static json_t *
scope(void)
{
	struct err err;
	static const char text[] =
		"{\"n\":7,\"who\":\"Ann\",\"yes\":true,\"list\":[{\"a\":1},{\"a\":2}],"
		"\"sly\":\"{{n}}\",\"none\":null}";

	return json_read(text, sizeof text - 1, 16, &err);
}

/* The text as JSON text (quoted) filled in, as JSON text; "!" and the error when refused. */
static char *
filled(const char *json)
{
	_cleanup_(json_unrefp) json_t *variables = scope();
	_cleanup_(json_unrefp) json_t *result = NULL;
	_cleanup_(json_unrefp) json_t *tree = NULL;
	static const char *const keep[] = { "later", NULL };
	struct err err = { 0 };

	tree = json_read(json, strlen(json), 16, &err);
	assert_non_null(tree);
	result = template_fill(tree, variables, keep, &err);
	if (!result) {
		char *text = malloc(sizeof err.text + 2);

		assert_non_null(text);
		(void)snprintf(text, sizeof err.text + 2, "!%s", err.text);
		return text;
	}
	return json_dumps(result, JSON_ENCODE_ANY | JSON_COMPACT | JSON_PRESERVE_ORDER);
}

static void
becomes(const char *json, const char *wanted)
{
	_cleanup_free_ char *got = filled(json);

	assert_string_equal(got, wanted);
}

static void
refused(const char *json, const char *part)
{
	_cleanup_free_ char *got = filled(json);

	assert_int_equal(got[0], '!');
	assert_non_null(strstr(got, part));
}

static void
test_values_keep_their_type(void **state)
{
	(void)state;
	becomes("\"{{n}}\"", "7");
	becomes("\" {{ yes }} \"", "true");
	becomes("\"{{list}}\"", "[{\"a\":1},{\"a\":2}]");
	becomes("\"{{list.1.a}}\"", "2");
	becomes("\"{{none}}\"", "null");
}

static void
test_inside_a_text_they_become_text(void **state)
{
	(void)state;
	becomes("\"a{{n}}b{{who}}\"", "\"a7bAnn\"");
	becomes("[\"x\", {\"y\": \"{{who}}!\"}]", "[\"x\",{\"y\":\"Ann!\"}]");
	becomes("\"\"", "\"\"");
	becomes("5", "5");
}

static void
test_what_is_left_alone(void **state)
{
	(void)state;
	becomes("\"a\\\\{{b}}\"", "\"a{{b}}\"");
	becomes("\"\\\\{{\"", "\"{{\"");
	becomes("\"${{ params.x }} {{n}}\"", "\"${{ params.x }} 7\"");
	becomes("\"{ {n} }\"", "\"{ {n} }\"");
	becomes("{\"later\": \"{{nobody}}\", \"now\": \"{{n}}\"}",
		"{\"later\":\"{{nobody}}\",\"now\":7}");
}

static void
test_what_is_inserted_is_not_read_again(void **state)
{
	(void)state;
	becomes("\"{{sly}}\"", "\"{{n}}\"");
	becomes("\"<{{sly}}>\"", "\"<{{n}}>\"");
}

static void
test_refusals(void **state)
{
	(void)state;
	refused("\"{{nobody}}\"", "no variable {{nobody}}");
	refused("\"{{list.9.a}}\"", "no variable");
	refused("\"x{{list}}\"", "cannot stand inside a text");
	refused("\"{{n\"", "without");
	refused("\"{{a b}}\"", "\"{{a b}}\" is no name");
	refused("\"{{.}}\"", "no name");
	refused("\"{{}}\"", "no name");
}

static void
test_whole(void **state)
{
	(void)state;
	assert_true(template_is_whole(STR("{{n}}")));
	assert_true(template_is_whole(STR(" {{ n.a }} ")));
	assert_false(template_is_whole(STR("{{n}}{{n}}")));
	assert_false(template_is_whole(STR("{{n}} x")));
	assert_false(template_is_whole(STR("${{n}}")));
	assert_false(template_is_whole(STR("{{n")));
	assert_false(template_is_whole(STR("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_keep_their_type),
		cmocka_unit_test(test_inside_a_text_they_become_text),
		cmocka_unit_test(test_what_is_left_alone),
		cmocka_unit_test(test_what_is_inserted_is_not_read_again),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

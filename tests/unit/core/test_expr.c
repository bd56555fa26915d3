/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr.h"

#include "base/limits.h"
#include "unit.h"

static struct arena arena;
static struct issues issues;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(4));
	issues = (struct issues) { .arena = &arena };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static json_t *
read_json(const char *text)
{
	struct err err;
	json_t *value = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);

	assert_non_null(value);
	return value;
}

/* One pass over a document; compares what comes out. */
static void
expands(const char *params, const char *run, const char *in, const char *out)
{
	json_t *p = params ? read_json(params) : NULL, *r = run ? read_json(run) : NULL;
	json_t *tree = read_json(in), *wanted = read_json(out);
	struct expr_scope scope = { .params = p, .run = r };

	assert_int_equal(expr_expand(&tree, &scope, "", &issues), 0);
	if (!json_equal(tree, wanted))
		fail_msg("%s gave %s", in, json_dumps(tree, JSON_ENCODE_ANY));
	json_decref(p);
	json_decref(r);
	json_decref(tree);
	json_decref(wanted);
}

static void
refuses(const char *params, const char *in, const char *pointer, const char *why)
{
	json_t *p = read_json(params), *tree = read_json(in);
	struct expr_scope scope = { .params = p };

	assert_int_equal(expr_expand(&tree, &scope, "", &issues), -1);
	assert_string_equal(issues.item[0].pointer, pointer);
	assert_non_null(strstr(issues.item[0].detail, why));
	issues.n = 0;
	json_decref(p);
	json_decref(tree);
}

static const char params[] =
	"{\"url\":\"http://x\",\"n\":3,\"on\":true,\"o\":{\"a\":[10,20]},\"evil\":\"${{ run.id }}\"}";

static void
keeps_the_type_of_a_whole_value(void **state)
{
	(void)state;
	expands(params, NULL, "[\"${{ params.n }}\",\"${{params.on}}\",\" ${{ params.o }} \"]",
		"[3,true,{\"a\":[10,20]}]");
	expands(params, NULL, "{\"a\":\"${{ params.o.a.1 }}\"}", "{\"a\":20}");
}

static void
writes_into_longer_texts(void **state)
{
	(void)state;
	expands(params, NULL, "\"${{ params.url }}/${{ params.n }}?${{params.on}}\"",
		"\"http://x/3?true\"");
}

static void
names_what_is_missing(void **state)
{
	(void)state;
	refuses(params, "{\"a\":{\"b\":[\"\",\"${{ params.nope }}\"]}}", "/a/b/1",
		"no such parameter");
	refuses(params, "{\"a/b\":\"${{ params.o.zz }}\"}", "/a~1b", "no such member");
	refuses(params, "\"${{ secrets.k }}\"", "", "not available");
	refuses(params, "\"${{ env.HOME }}\"", "", "must begin");
	refuses(params, "\"${{ params.url\"", "", "without");
	refuses(params, "\"x ${{ params.o }}\"", "", "stand alone");
	refuses(params, "\"${{ run.nope }}\"", "", "known are");
}

/* What a parameter holds is data, even when it looks like an expression. */
static void
never_evaluates_values(void **state)
{
	(void)state;
	expands(params, NULL, "\"${{ params.evil }}\"", "\"$${{ run.id }}\"");
	expands(params, NULL, "\"a ${{ params.evil }}\"", "\"a $${{ run.id }}\"");
	expands(NULL, "{\"id\":\"7\"}", "\"a $${{ run.id }}\"", "\"a ${{ run.id }}\"");
}

static void
leaves_runs_to_the_second_pass(void **state)
{
	(void)state;
	expands(params, NULL, "\"${{ run.iteration }} $${{ x }}\"",
		"\"${{ run.iteration }} $${{ x }}\"");
	expands(NULL, "{\"iteration\":4}",
		"[\"${{ run.iteration }}\",\"n${{ run.iteration }} $${{ x }}\"]",
		"[\"4\",\"n4 ${{ x }}\"]");
}

static void
braces_count_in_instructions_only(void **state)
{
	(void)state;
	expands(params, NULL, "{\"instructions\":\"go to {{url}}\",\"other\":\"{{url}}\"}",
		"{\"instructions\":\"go to http://x\",\"other\":\"{{url}}\"}");
	refuses(params, "{\"instructions\":\"{{nope}}\"}", "/instructions",
		"no such parameter");
}

static void
values_are_text_where_only_text_may_stand(void **state)
{
	static const char port[] = "{\"port\":8080}";

	(void)state;
	expands(port, NULL,
		"{\"argv\":[\"${{ params.port }}\"],\"env\":{\"P\":\"${{ params.port }}\"}}",
		"{\"argv\":[\"8080\"],\"env\":{\"P\":\"8080\"}}");
	expands(port, NULL, "{\"status\":\"${{ params.port }}\"}", "{\"status\":8080}");
}

static void
checking_changes_nothing(void **state)
{
	json_t *tree = read_json("[\"${{ params.url }}\",\"${{ params.zz }}\"]");
	json_t *names = read_json("{\"url\":{}}");

	(void)state;
	assert_int_equal(expr_check(tree, names, "", &issues), -1);
	assert_int_equal(issues.n, 1);
	assert_string_equal(issues.item[0].pointer, "/1");
	assert_int_equal(expr_check(tree, NULL, "", &issues), 0);
	assert_string_equal(json_string_value(json_array_get(tree, 0)), "${{ params.url }}");
	json_decref(tree);
	json_decref(names);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_the_type_of_a_whole_value),
		TEST(writes_into_longer_texts),
		TEST(names_what_is_missing),
		TEST(never_evaluates_values),
		TEST(leaves_runs_to_the_second_pass),
		TEST(braces_count_in_instructions_only),
		TEST(values_are_text_where_only_text_may_stand),
		TEST(checking_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

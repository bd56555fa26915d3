/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr.h"

#include "base/limits.h"
#include "base/mem.h"
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

/* `{ "params": … }`, owned; NULL without text. */
static json_t *
roots_of(const char *name, const char *text)
{
	return text ? json_pack("{s:o}", name, read_json(text)) : NULL;
}

static void
expands_in(const struct expr_scope *scope, const char *in, const char *out)
{
	json_t *tree = read_json(in), *wanted = read_json(out);

	if (expr_expand(&tree, scope, "", &issues) < 0)
		fail_msg("%s: %s", in, issues.item[0].detail);
	if (!json_equal(tree, wanted))
		fail_msg("%s gave %s", in, json_dumps(tree, JSON_ENCODE_ANY));
	json_decref(tree);
	json_decref(wanted);
}

/* The pass that makes a job (params), or the last one (run). */
static void
expands(const char *params, const char *run, const char *in, const char *out)
{
	json_t *roots = params ? roots_of("params", params) : roots_of("run", run);
	struct expr_scope scope = { .roots = roots,
		.later = params ? expr_later_than_job : NULL };

	expands_in(&scope, in, out);
	json_decref(roots);
}

static void
refuses_in(const struct expr_scope *scope, const char *in, const char *pointer, const char *why)
{
	json_t *tree = read_json(in);

	assert_int_equal(expr_expand(&tree, scope, "", &issues), -1);
	assert_string_equal(issues.item[0].pointer, pointer);
	if (!strstr(issues.item[0].detail, why))
		fail_msg("%s: \"%s\", not \"%s\"", in, issues.item[0].detail, why);
	issues.n = 0;
	json_decref(tree);
}

static void
refuses(const char *params, const char *in, const char *pointer, const char *why)
{
	json_t *roots = roots_of("params", params);
	struct expr_scope scope = { .roots = roots, .later = expr_later_than_job };

	refuses_in(&scope, in, pointer, why);
	json_decref(roots);
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
		"params has no \"nope\"");
	refuses(params, "{\"a/b\":\"${{ params.o.zz }}\"}", "/a~1b",
		"params.o has no \"zz\"; it has a");
	refuses(params, "\"${{ secrets.k }}\"", "", "a path begins with params, run");
	refuses(params, "\"${{ env.HOME }}\"", "", "there is no \"env\"");
	refuses(params, "\"${{ params.url\"", "", "without");
	refuses(params, "\"x ${{ params.o }}\"", "", "stand alone");
	refuses(params, "\"${{ run.nope }}\"", "",
		"run has no \"nope\"; it has id, job, jobName");
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
		"params has no \"nope\"");
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

/* The language itself is test_lang.c's; here is what the braces make of it. */
static void
evaluates_expressions(void **state)
{
	(void)state;
	expands(params, NULL, "\"${{ params.n * 2 }}\"", "6");
	expands(params, NULL, "\"${{ params.n > 2 ? params.url : 'none' }}\"", "\"http://x\"");
	expands(params, NULL, "\"${{ default(params.zz, []) }}\"", "[]");
	expands(params, NULL, "\"a ${{ 1 / 4 }} b\"", "\"a 0.25 b\"");
	expands(params, NULL, "\"${{ '}}' + params.url }}\"", "\"}}http://x\"");
	expands(params, NULL, "\"${{ '}}' }} ${{ params.n }}\"", "\"}} 3\"");
	expands(params, NULL, "\"${{ \\\"\\\\\\\"}}\\\" }}\"", "\"\\\"}}\"");
	refuses(params, "\"${{ params.n + }}\"", "",
		"${{ params.n + }}: character 11: a value is expected, here is the end");
	refuses(params, "\"x ${{ 'a }}\"", "", "the quote that begins here is not closed");
	refuses(params, "\"${{ params.n + params.url }}\"", "",
		"wants two numbers or two texts");
	refuses(params, "\"${{ now() }}\"", "", "now() is not available here");
	refuses(params, "\"${{ . }}\"", "", "there is no value at hand");
}

static void
run_is_read_alone(void **state)
{
	(void)state;
	refuses(params, "\"${{ params.n + run.iteration }}\"", "", "write two expressions");
	expands(params, NULL, "\"${{ run.iteration + 1 }}\"", "\"${{ run.iteration + 1 }}\"");
	expands(NULL, "{\"iteration\":4}", "\"${{ run.iteration + 1 }}\"", "\"5\"");
}

/* The last pass has nobody left to tell: what fails stays, the rest is filled in. */
static void
last_pass_leaves_what_fails(void **state)
{
	json_t *roots = roots_of("run", "{\"id\":\"7\"}");
	struct expr_scope scope = { .roots = roots };
	json_t *tree = read_json("[\"${{ run.id - 1 }}\",\"${{ run.id }} ${{ params.x }}\"]");
	json_t *wanted = read_json("[\"${{ run.id - 1 }}\",\"7 ${{ params.x }}\"]");

	(void)state;
	assert_int_equal(expr_expand(&tree, &scope, "", &issues), -1);
	assert_int_equal(issues.n, 1);
	assert_string_equal(issues.item[0].pointer, "/0");
	assert_true(json_equal(tree, wanted));
	json_decref(roots);
	json_decref(tree);
	json_decref(wanted);
}

/* A flow: started with params, each stage launched with what the earlier ones gave. */
static void
flows_take_three_passes(void **state)
{
	json_t *given =
		read_json("{\"params\":{\"url\":\"http://x\",\"evil\":\"${{ run.id }}\"}}");
	json_t *all = json_deep_copy(given);
	struct expr_scope start = { given, expr_later_than_flow, 1000 };
	struct expr_scope launch = { all, expr_later_than_job, 2000 };
	json_t *run = roots_of("run", "{\"id\":\"7\"}");
	struct expr_scope lease = { .roots = run };
	json_t *tree = read_json(
		"[\"${{ params.url }}\",\"${{ params.url + stages.a.results.path }}\","
		"\"${{ stages.a.results.n }}\",\"${{ params.evil }} ${{ run.id }}\","
		"\"${{ stages.a.results.evil }}\",\"${{ now() + stages.a.results.n }}\","
		"\"${{ now() }}\"]");
	json_t *wanted = read_json("[\"http://x\",\"http://x/p\",5,\"${{ run.id }} 7\","
				   "\"${{ run.id }}\",2005,1000]");

	(void)state;
	(void)json_object_set_new(all, "stages",
		read_json("{\"a\":{\"results\":{\"path\":\"/p\",\"n\":5,\"evil\":\"${{ run.id "
			  "}}\"}}}"));
	assert_int_equal(expr_expand(&tree, &start, "", &issues), 0);
	assert_string_equal(json_string_value(json_array_get(tree, 1)),
		"${{ params.url + stages.a.results.path }}");
	assert_int_equal(expr_expand(&tree, &launch, "", &issues), 0);
	assert_int_equal(expr_expand(&tree, &lease, "", &issues), 0);
	if (!json_equal(tree, wanted))
		fail_msg("%s", json_dumps(tree, 0));
	refuses_in(&start, "\"${{ stage.a }}\"", "", "did you mean \"stages\"?");
	refuses_in(&launch, "\"${{ stages.b }}\"", "", "stages has no \"b\"; it has a");
	json_decref(given);
	json_decref(all);
	json_decref(run);
	json_decref(tree);
	json_decref(wanted);
}

static int
write_expression(
	void *arg, const struct lang *lang, const char *pointer, struct issues *collected)
{
	struct buf *out = arg;

	(void)collected;
	return buf_addf(out, "%s=" STR_FMT ";", pointer, STR_ARG(lang_text(lang)));
}

static void
shows_every_expression(void **state)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(1));
	json_t *tree =
		read_json("{\"a\":\"${{ x.y }} $${{ no }} ${{ 1 }}\",\"b\":[\"${{ z }}\"],"
			  "\"instructions\":\"{{u.v}} {{ other }}\"}");

	(void)state;
	assert_int_equal(expr_each(tree, write_expression, &out, "/t", &issues), 0);
	assert_string_equal(buf_text(&out),
		"/t/a=x.y;/t/a=1;/t/b/0=z;/t/instructions=params.u.v;/t/instructions=params.other;");
	json_decref(tree);
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

/* A small document must not become a huge one, nor take long. */
static void
all_expressions_together_are_bounded(void **state)
{
	static const char *const texts[] = { "${{ params.big }}", "<${{ params.big.0 }}>",
		"${{ -1 in params.list }}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct issues found = { .arena = &arena };
		char *text = xcalloc(1, MIB(1) + 1);
		json_t *given = json_object(), *big = json_array(), *list = json_array();
		json_t *tree = json_array(), *roots = json_object();
		const struct expr_scope scope = {
			.roots = roots, .later = expr_later_than_job, .now_ms = 1
		};

		memset(text, 'x', MIB(1));
		(void)json_array_append_new(big, json_string(text));
		for (int k = 0; k < 10000; k++)
			(void)json_array_append_new(list, json_integer(k));
		(void)json_object_set_new(given, "big", big);
		(void)json_object_set_new(given, "list", list);
		(void)json_object_set_new(roots, "params", given);
		for (int k = 0; k < 1000; k++)
			(void)json_array_append_new(tree, json_string(texts[i]));
		assert_int_equal(expr_expand(&tree, &scope, "", &found), -1);
		assert_non_null(strstr(found.item[found.n - 1].detail, "together"));
		json_decref(tree);
		json_decref(roots);
		free(text);
	}
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
		TEST(evaluates_expressions),
		TEST(run_is_read_alone),
		TEST(all_expressions_together_are_bounded),
		TEST(last_pass_leaves_what_fails),
		TEST(flows_take_three_passes),
		TEST(shows_every_expression),
		TEST(checking_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The check of steps: what passes, and every kind of offence by its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/steps.h"

/* Texts use ' for ". */
static json_t *
parse(const char *text)
{
	static char json[64 * 1024];
	struct err err = { 0 };
	size_t n = strlen(text);

	assert_true(n < sizeof json);
	for (size_t i = 0; i < n; i++)
		json[i] = text[i] == '\'' ? '"' : text[i];
	json_t *tree = json_read(json, n, JSON_DEPTH_MAX, &err);

	if (!tree)
		fail_msg("%s: %s", text, err.text);
	return tree;
}

/* The offences of a test, as "pointer: detail" lines. */
static const char *
offences(const char *test)
{
	static char text[4096];
	_cleanup_(json_unrefp) json_t *tree = parse(test);
	_cleanup_(arena_deinit) struct arena arena;
	struct issues issues = { .arena = &arena };
	size_t len = 0;

	arena_init(&arena, MIB(4));
	text[0] = '\0';
	browser_test_check(tree, NULL, "", &issues);
	for (size_t i = 0; i < issues.n && len < sizeof text - 600; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s: %s\n",
			issues.item[i].pointer, issues.item[i].detail);
	return text;
}

static void
good(const char *steps)
{
	_cleanup_free_ char *test = xasprintf("{'steps': %s}", steps);

	assert_string_equal(offences(test), "");
}

static void
bad(const char *steps, const char *wanted)
{
	_cleanup_free_ char *test = xasprintf("{'steps': %s}", steps);
	const char *got = offences(test);

	if (!strstr(got, wanted))
		fail_msg("%s\nwanted: %s\ngot: %s", steps, wanted, got);
}

static void
test_every_verb_has_a_form_that_passes(void **state)
{
	static const char *const forms[VERB_COUNT] = {
		[VERB_OPEN] = "{'open': '/x'}",
		[VERB_RELOAD] = "{'reload': true}",
		[VERB_BACK] = "{'back': {'waitUntil': 'load'}}",
		[VERB_FORWARD] = "{'forward': true}",
		[VERB_TAB] = "{'tab': 'new'}",
		[VERB_CLICK] =
			"{'click': {'role': 'button', 'name': 'Buy', 'button': 'right'}}",
		[VERB_DOUBLE_CLICK] = "{'doubleClick': '#a'}",
		[VERB_TAP] = "{'tap': '#a'}",
		[VERB_HOVER] = "{'hover': {'css': '#a', 'position': {'x': 1, 'y': 2}}}",
		[VERB_FOCUS] = "{'focus': 'label=Name'}",
		[VERB_CHECK] =
			"{'check': {'label': 'Agree', 'inside': {'css': 'form', 'nth': 1}}}",
		[VERB_UNCHECK] = "{'uncheck': '#a'}",
		[VERB_CLEAR] = "{'clear': '#a'}",
		[VERB_TYPE] = "{'type': {'into': '#a', 'text': 'x', 'delay': '5ms'}}",
		[VERB_PRESS] = "{'press': {'key': 'Enter', 'times': 2}}",
		[VERB_SELECT] = "{'select': {'in': '#a', 'option': ['a', {'index': 1}]}}",
		[VERB_UPLOAD] =
			"{'upload': {'into': '#a', 'files': {'name': 'a', 'content': ''}}}",
		[VERB_DRAG] = "{'drag': {'from': '#a', 'by': {'x': 1, 'y': 0.5}}}",
		[VERB_SCROLL] = "{'scroll': 'bottom'}",
		[VERB_WAIT] = "{'wait': {'for': '#a', 'state': 'hidden'}}",
		[VERB_EXPECT] = "{'expect': {'text': '#a', 'is': ['a', 'b']}, 'soft': true}",
		[VERB_EXTRACT] = "{'extract': {'a': '#a', 'b': {'css': 'color', 'of': '#a'}}}",
		[VERB_EVAL] = "{'eval': {'code': '1', 'save': 'x'}}",
		[VERB_SCREENSHOT] = "{'screenshot': {'name': 'a', 'mask': ['#a']}}",
		[VERB_LOG] = "{'log': 'x'}",
		[VERB_SET] = "{'set': {'a': [1, {'b': null}]}}",
		[VERB_USE] = "{'use': '{{which}}'}",
		[VERB_GROUP] = "{'group': [{'log': 'x'}], 'frame': ['#a', '#b']}",
		[VERB_THEN] = ("{'if': {'any': [{'visible': '#a'}, {'var': 'x', 'is': 1}]},"
			       " 'then': [{'log': 'x'}], 'else': [{'log': 'y'}]}"),
		[VERB_REPEAT] = "{'repeat': {'times': 3, 'steps': [{'log': 'x'}]}}",
		[VERB_FAIL] = "{'fail': 'x'}",
		[VERB_SKIP] = "{'skip': 'x', 'if': 'flag'}",
		[VERB_DIALOG] = "{'dialog': {'action': 'accept', 'text': 'x'}}",
		[VERB_DOWNLOAD] = "{'download': {'name': {'endsWith': '.csv'}}}",
		[VERB_COOKIES] = "{'cookies': {'set': [{'name': 'a', 'value': 'b'}]}}",
		[VERB_STORAGE] = "{'storage': {'restore': '{{ctx.job.login}}'}}",
		[VERB_AUTH] = "{'auth': 'none'}",
		[VERB_MOCK] = "{'mock': {'url': '**'}}",
		[VERB_NETWORK] = "{'network': 'offline'}",
		[VERB_VIEWPORT] = "{'viewport': {'width': 100, 'height': 100}}",
	};

	(void)state;
	for (int verb = 0; verb < VERB_COUNT; verb++) {
		_cleanup_free_ char *steps = xasprintf("[%s]", forms[verb]);
		_cleanup_(json_unrefp) json_t *tree = parse(forms[verb]);
		json_t *value;

		good(steps);
		assert_int_equal(step_verb(tree, &value), verb);
		assert_ptr_equal(value, json_object_get(tree, verb_name((enum verb)verb)));
	}
}

static void
test_other_forms_that_pass(void **state)
{
	(void)state;
	good("[{'click': {'and': {'css': 'li', 'nth': 2}, 'hasText': 'Tea'}}]");
	good("[{'click': {'role': 'button', 'includeHidden': true}}]");
	good("[{'fail': {'text': 'no mailbox', 'errored': true}}]");
	good("[{'expect': {'response': {'url': '/x', 'ask': true, 'status': '2xx'}}}]");
	good("[{'drag': {'from': '#a', 'to': '#b', 'position': {'x': 1, 'y': 0}}}]");
}

static void
test_wrong_verbs(void **state)
{
	(void)state;
	bad("[{'clik': '#a'}]",
		"/steps/0/clik: \"clik\" is no step and no member of one (did you mean click?)");
	bad("[{'timeout': 5}]", "/steps/0: a step needs a verb");
	bad("[{'click': '#a', 'hover': '#a'}]",
		"/steps/0: one step says only one thing, here are 2");
	bad("['click']", "/steps/0: a step is expected");
	bad("[]", "/steps: between 1 and 1000");
	bad("{}", "/steps: a list of steps is expected");
}

static void
test_wrong_values(void **state)
{
	(void)state;
	bad("[{'log': 'x'}, {'click': 5}]",
		"/steps/1/click: a target (a selector or an object) is expected");
	bad("[{'click': {'name': 'Buy'}}]",
		"/steps/0/click: a target needs at least one of css, role, …");
	bad("[{'click': {'css': '#a', 'nht': 1}}]",
		"/steps/0/click/nht: \"nht\" is no member here (did you mean nth?)");
	bad("[{'click': {'css': '#a', 'button': 'up'}}]",
		"/steps/0/click/button: one of left, right, middle");
	bad("[{'click': ''}]", "/steps/0/click: the text must not be empty");
	bad("[{'type': {'into': '#a'}}]", "/steps/0/type/text: a text is expected");
	bad("[{'wait': 'soon'}]", "/steps/0/wait: a duration");
	bad("[{'wait': -1}]", "/steps/0/wait: a duration");
	bad("[{'press': {'key': 'a', 'times': 0}}]", "/steps/0/press/times: between 1 and");
	bad("[{'press': {'key': 'a', 'times': 1.5}}]", "/steps/0/press/times: a whole number");
	bad("[{'viewport': {'width': 10}}]",
		"/steps/0/viewport/height: a whole number is expected");
	bad("[{'log': '{{a b}}'}]", "/steps/0/log: \"{{");
	bad("[{'reload': false}]", "/steps/0/reload: true");
}

static void
test_rules_between_members(void **state)
{
	(void)state;
	bad("[{'expect': {'text': '#a'}}]",
		"/steps/0/expect: text needs a comparison beside it");
	bad("[{'expect': {'css': 'color', 'is': 'red'}}]",
		"/steps/0/expect/of: a target is expected");
	bad("[{'expect': {'visible': '#a', 'hidden': '#b'}}]",
		"/steps/0/expect: one object says only one thing");
	bad("[{'expect': {}}]", "/steps/0/expect: an expectation needs exactly one member");
	bad("[{'then': [{'log': 'x'}]}]", "/steps/0/if: then needs a condition");
	bad("[{'log': 'x', 'else': [{'log': 'y'}]}]",
		"/steps/0/else: else stands beside if and then");
	bad("[{'click': '#a', 'soft': true}]", "/steps/0/soft: only an expectation");
	bad("[{'fail': {'errored': true}}]", "/steps/0/fail/text: a text is expected");
	bad("[{'click': {'and': {'role': 'buton'}}}]", "/steps/0/click/and/role: there is no");
	bad("[{'expect': {'response': {'ask': true}}}]", "/steps/0/expect/response: ");
	bad("[{'expect': {'response': {'status': 200, 'ask': true}}}]",
		"/steps/0/expect/response/url: an address is expected");
	bad("[{'use': 'log in'}]", "/steps/0/use: the library has no \"log in\"");
	bad("[{'extract': {'a': {'attribute': 'href'}}}]", "/steps/0/extract/a/of: a target");
	bad("[{'group': [{'repeat': {'times': 1, 'steps': [{'clik': 1}]}}]}]",
		"/steps/0/group/0/repeat/steps/0/clik: ");
	bad("[{'drag': {'from': '#a', 'to': '#b', 'by': {'x': 1, 'y': 1}}}]",
		"/steps/0/drag: one object says only one thing");
}

static void
test_other_members_of_a_test(void **state)
{
	(void)state;
	assert_string_equal(
		offences("{'steps': [{'use': 'a'}], 'library': {'a': [{'log': 'x'}], "
			 "'b': {'params': ['p'], 'steps': [{'use': 'a'}]}}, 'setup': "
			 "[{'in': 'x', 'steps': [{'log': 'x'}]}], 'before': []}"),
		"");
	assert_non_null(
		strstr(offences("{'steps': [{'log': 'x'}], 'library': {'a/b': [{'clik': 1}]}}"),
			"/library/a~1b/0/clik: "));
	assert_non_null(strstr(
		offences("{'steps': [{'log': 'x'}], 'setup': [{'steps': [{'log': 'x'}]}]}"),
		"/setup/0/in: "));
	assert_non_null(
		strstr(offences("{'steps': [{'log': 'x'}], 'after': [{'use': 'nothing'}]}"),
			"/after/0/use: "));
	assert_non_null(strstr(offences("{'steps': [{'log': 'x'}], 'config': {'viewport': 5}}"),
		"/config/viewport: "));
}

static void
test_variables_stand_for_anything(void **state)
{
	(void)state;
	good("[{'press': {'key': 'a', 'times': '{{n}}'}}, {'click': {'css': '#a', 'nth': '{{index}}'}}]");
	good("[{'type': {'into': '{{target}}', 'text': 'a{{b}}c'}, 'timeout': '{{patience}}'}]");
	bad("[{'press': {'key': 'a', 'times': 'n{{n}}'}}]",
		"/steps/0/press/times: a whole number");
}

static void
test_filled_in_steps(void **state)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *fine = parse("{'press': {'key': '{{a', 'times': 2}}");
	_cleanup_(json_unrefp) json_t *wrong =
		parse("{'press': {'key': 'a', 'times': '{{n}}'}}");

	(void)state;
	assert_int_equal(step_check_filled(fine, &err), 0);
	assert_int_equal(step_check_filled(wrong, &err), -1);
	assert_string_equal(err.text, "press/times: a whole number is expected");
}

/* What a variable holds becomes a text where one is wanted, and only there. */
static void
test_numbers_become_texts(void **state)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *log = parse("{'log': 3}");
	_cleanup_(json_unrefp) json_t *type =
		parse("{'type': {'into': '#a', 'text': true, 'append': true}}");

	(void)state;
	assert_int_equal(step_check_filled(log, &err), 0);
	assert_string_equal(json_string_value(json_object_get(log, "log")), "3");
	assert_int_equal(step_check_filled(type, &err), 0);
	json_t *value = json_object_get(type, "type");

	assert_string_equal(json_string_value(json_object_get(value, "text")), "true");
	assert_true(json_is_true(json_object_get(value, "append")));
}

static void
test_targets_that_cannot_be(void **state)
{
	(void)state;
	bad("[{'click': 'rolle=button Buy'}]",
		"/steps/0/click: there is no engine \"rolle\" (did you mean role?)");
	bad("[{'click': '//a'}]", "/steps/0/click: XPath is not supported");
	bad("[{'click': 'role=buton Buy'}]",
		"there is no ARIA role \"buton\" (did you mean button?)");
	bad("[{'expect': {'visible': {'css': 'a', 'inside': {'role': 'dialogue'}}}}]",
		"/steps/0/expect/visible/inside/role: there is no ARIA role \"dialogue\"");
	bad("[{'click': '#a', 'frame': ['//iframe']}]", "/steps/0/frame/0: XPath");
	bad("[{'expect': 'role=button X'}]",
		"/steps/0/expect: a text is looked for as it stands");
	bad("[{'type': {'in': '#a', 'text': 'x'}}]", "did you mean into?");
	good("[{'click': 'a[href=x]'}, {'click': 'role={{r}} Buy'}, {'expect': 'a=b'}]");
}

static void
test_depth_and_number(void **state)
{
	struct buf deep = BUF_INIT(KIB(64)), many = BUF_INIT(KIB(64));

	(void)state;
	for (int i = 0; i < BROWSER_STEP_DEPTH_MAX; i++)
		assert_int_equal(buf_adds(&deep, "[{'group': "), 0);
	assert_int_equal(buf_adds(&deep, "[{'log': 'x'}]"), 0);
	for (int i = 0; i < BROWSER_STEP_DEPTH_MAX; i++)
		assert_int_equal(buf_adds(&deep, "}]"), 0);
	bad(buf_text(&deep), "steps stand at most 8 deep inside steps");
	assert_int_equal(buf_adds(&many, "[{'log': 'x'}"), 0);
	for (int i = 0; i < BROWSER_STEPS_MAX; i++)
		assert_int_equal(buf_adds(&many, ",{'log': 'x'}"), 0);
	assert_int_equal(buf_adds(&many, "]"), 0);
	bad(buf_text(&many), "/steps: between 1 and 1000 are expected, here are 1001");
	buf_deinit(&deep);
	buf_deinit(&many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_verb_has_a_form_that_passes),
		cmocka_unit_test(test_other_forms_that_pass),
		cmocka_unit_test(test_wrong_verbs),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_rules_between_members),
		cmocka_unit_test(test_other_members_of_a_test),
		cmocka_unit_test(test_variables_stand_for_anything),
		cmocka_unit_test(test_filled_in_steps),
		cmocka_unit_test(test_numbers_become_texts),
		cmocka_unit_test(test_targets_that_cannot_be),
		cmocka_unit_test(test_depth_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

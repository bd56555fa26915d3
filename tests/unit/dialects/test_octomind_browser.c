/* SPDX-License-Identifier: Apache-2.0 */
/* What a case becomes as a browser test; what it then does is in
 * tests/runners/octomind.test.js. */
#include "octo.h"

#include "dialects/octomind/to_browser.h"

static const struct octo_case *
nobody(void *arg, const struct uuid *id)
{
	(void)arg;
	(void)id;
	return NULL;
}

/* The test of one case with these elements; NULL and err when refused. */
static json_t *
test_of(const char *elements, const struct octo_run *run, struct err *err)
{
	_cleanup_(json_unrefp) json_t *document = octo_document(elements, "");
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_chain chain;

	arena_init(&arena, (size_t)MIB(4));
	struct octo_case c = octo_case_of(&arena, document);

	assert_int_equal(octo_chain_of(&c, nobody, NULL, &chain, err), 0);
	return octo_to_browser(&chain, run, err);
}

static char *
quoted_softly(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);

	assert_non_null(text);
	for (char *at = text; *at; at++)
		if (*at == '"')
			*at = '\'';
	return text;
}

/* The steps behind the first one, which opens the address. */
static void
becomes(const char *element, const char *wanted)
{
	_cleanup_(json_unrefp) json_t *vars = octo_json("{'A':'1'}");
	struct octo_run run = { .url = "http://site.example/dir/",
		.vars = vars,
		.test_account = { "ann", "secret" } };
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *test = test_of(element, &run, &err);

	if (!test)
		fail_msg("%s: %s", element, err.text);
	json_t *steps = json_object_get(test, "steps");

	json_array_remove(steps, 0);
	_cleanup_free_ char *text = quoted_softly(steps);

	assert_string_equal(text, wanted);
}

#define CSS(s) "{'selectorType':'CSS','selector':'" s "'}"

static void
selectors_become_targets(void **state)
{
	static const struct {
		const char *selectors, *target;
	} rows[] = {
		{ CSS("a"), "{'css':'a'}" },
		{ CSS("ul") "," CSS("li"), "{'css':'li','inside':{'css':'ul'}}" },
		{ "{'selectorType':'ROLE','selector':'button','options':{'name':'Buy','exact':true,"
		  "'disabled':false,'level':2,'includeHidden':true}}",
			"{'role':'button','name':'Buy','disabled':false,'includeHidden':true,"
			"'level':2,'exact':true}" },
		{ CSS("li") ",{'selectorType':'NTH','selector':'2'},{'selectorType':'FIRST'}",
			"{'and':{'css':'li','nth':2},'first':true}" },
		{ CSS("li") ",{'selectorType':'FILTER','options':{'hasText':'a'}},"
			    "{'selectorType':'FILTER','options':{'hasText':'b'}}",
			"{'and':{'css':'li','hasText':'a'},'hasText':'b'}" },
		{ "{'selectorType':'TEXT','selector':'x','options':{'exact':true}},"
		  "{'selectorType':'FILTER','options':{'hasNotText':'y'}}",
			"{'and':{'text':'x','exact':true},'hasNotText':'y'}" },
		{ "{'selectorType':'FRAME','selector':'#f'}," CSS(
			  "p") ",{'selectorType':'FRAME'},"
			       "{'selectorType':'LABEL','selector':'L'}",
			"{'label':'L','frame':[{'css':'#f'},{'css':'p'}]}" },
		{ "{'selectorType':'TEST_ID','selector':'$A-{{x'}",
			"{'testId':'{{octo.A}}-{{octo-braces}}x'}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_free_ char *element =
			xasprintf("{'assertion':{'expectation':'VISIBLE'},'selectors':[%s]}",
				rows[i].selectors);
		_cleanup_free_ char *wanted =
			xasprintf("[{'expect':{'visible':%s}}]", rows[i].target);

		becomes(element, wanted);
	}
}

static void
selectors_that_name_nothing_are_told(void **state)
{
	static const struct {
		const char *selectors, *why;
	} rows[] = {
		{ "", "it has no selectors" },
		{ "{'selectorType':'FIRST'}",
			"its selectors begin with one that chooses among others" },
		{ "{'selectorType':'FRAME','selector':'i'},{'selectorType':'NTH','selector':'0'}",
			"its selectors begin with one that chooses among others" },
		{ "{'selectorType':'FRAME','selector':'i'}", "its selectors end with a frame" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_free_ char *element =
			xasprintf("{'interaction':{'action':'CLICK'},'selectors':[%s]}",
				rows[i].selectors);
		_cleanup_free_ char *wanted = xasprintf(
			"[{'fail':{'text':'CLICK: %s','errored':true}}]", rows[i].why);

		becomes(element, wanted);
	}
}

static void
variables_become_templates(void **state)
{
	(void)state;
	becomes("{'interaction':{'action':'EXTRACT','calledWith':{'variableName':'B','type':'TEXT'}"
		"},'selectors':[" CSS(
			"b") "],'ignoreFailure':true},"
			     "{'interaction':{'action':'TYPE_TEXT','calledWith':{'text':'$A$$B$C $$D'}},"
			     "'selectors':[]}",
		"[{'extract':{'B':{'text':{'css':'b'}}},'optional':true},"
		"{'type':{'text':'{{octo.A}}{{B}}$C $$D','delay':1,'append':true}}]");
	becomes("{'interaction':{'action':'ENTER_TEXT','calledWith':'{$A{{{$A\\\\$A'},'selectors':[" CSS(
			"b") "]}",
		"[{'type':{'text':'{{octo-brace}}{{octo.A}}{{octo-braces}}{{octo-brace}}"
		"{{octo.A}}{{octo-backslash}}{{octo.A}}','into':{'css':'b'}}}]");
	becomes("{'interaction':{'action':'ENTER_TEXT','calledWith':'$OCTO_PASSWORD'},'selectors':[" CSS(
			"b") "]}",
		"[{'type':{'text':'{{octo.OCTO_PASSWORD}}','into':{'css':'b'},'secret':true}}]");
}

static void
one_time_passwords_are_made_before_they_are_typed(void **state)
{
	struct octo_run run = { .url = "http://site.example", .otp_key = "ABC" };
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *test = test_of(
		"{'interaction':{'action':'ENTER_TEXT','calledWith':'<$OCTO_OTP>'},'selectors':[" CSS(
			"b") "]}",
		&run, &err);

	(void)state;
	assert_non_null(test);
	assert_string_equal(
		json_string_value(json_pointer_get(test, "/steps/1/eval/save")), "octo-otp");
	assert_string_equal(json_string_value(json_pointer_get(test, "/steps/2/type/text")),
		"<{{octo-otp}}>");
	assert_string_equal(
		json_string_value(json_pointer_get(test, "/vars/octo-otp-key")), "ABC");
	assert_null(json_pointer_get(test, "/vars/octo/OCTO_OTP"));
	run.otp_key = NULL;
	becomes("{'interaction':{'action':'ENTER_TEXT','calledWith':'$OCTO_OTP'},'selectors':[" CSS(
			"b") "]}",
		"[{'fail':{'text':'ENTER_TEXT: the environment has no key for one-time passwords "
		"($OCTO_OTP)','errored':true}}]");
}

static void
addresses_are_joined(void **state)
{
	static const struct {
		const char *base, *path, *wanted;
	} rows[] = {
		{ "http://a.example", NULL, "http://a.example" },
		{ "http://a.example", "", "http://a.example" },
		{ "http://a.example", "x", "http://a.example/x" },
		{ "http://a.example/b/c?d#e", "x", "http://a.example/b/x" },
		{ "http://a.example:80/b/c", "/x", "http://a.example:80/x" },
		{ "http://a.example/b?c", "?x", "http://a.example/b?x" },
		{ "http://a.example/b?c#d", "#x", "http://a.example/b?c#x" },
		{ "https://a.example/b", "//b.example/x", "https://b.example/x" },
		{ "http://a.example/b", "https://x.example/", "https://x.example/" },
		{ "http://a.example/b", "$OCTO_URL/x", "$OCTO_URL/x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_free_ char *url = octo_url_join(rows[i].base, rows[i].path);

		assert_string_equal(url, rows[i].wanted);
	}
}

static void
the_run_becomes_config_and_vars(void **state)
{
	_cleanup_(json_unrefp) json_t *headers = octo_json("{'x-a':'b'}");
	struct octo_run run = { .url = "https://site.example:8443/dir/",
		.headers = headers,
		.basic_auth = { "user", NULL },
		.stable_uuid = "u-u",
		.breakpoint = OCTO_TABLET,
		.step_timeout_ms = 7000,
		.test_id_attribute = "data-qa" };
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *test = test_of("", &run, &err);

	(void)state;
	assert_non_null(test);
	_cleanup_free_ char *text = quoted_softly(test);

	assert_string_equal(text,
		"{'name':'A case','kind':'browser','tags':[],'config':{'baseURL':"
		"'https://site.example:8443/dir/','device':'tablet','extraHeaders':{'x-a':'b'},"
		"'httpCredentials':{'username':'user','password':'','origin':"
		"'https://site.example:8443'},'actionTimeout':7000,'expectTimeout':7000},"
		"'steps':[{'open':'https://site.example:8443/dir/'}],'vars':{'octo':{'OCTO_URL':"
		"'https://site.example:8443/dir','OCTO_STABLE_UUID':'u-u'}},"
		"'testIdAttribute':'data-qa'}");
}

static void
what_a_test_may_not_be_is_refused(void **state)
{
	struct octo_run run = { .url = "http://site.example/" };
	_cleanup_(json_unrefp) json_t *headers = octo_json("{'bad name':'b'}");
	struct err err = { 0 };

	(void)state;
	_cleanup_(buf_deinit) struct buf element = BUF_INIT((size_t)MIB(1));

	assert_int_equal(
		buf_adds(&element, "{'assertion':{'expectation':'VISIBLE'},'selectors':["), 0);
	for (int i = 0; i < OCTO_SELECTORS_MAX; i++)
		assert_int_equal(buf_adds(&element, i > 0 ? "," CSS("a") : CSS("a")), 0);
	assert_int_equal(buf_adds(&element, "]}"), 0);
	assert_null(test_of(element.data, &run, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	run.headers = headers;
	assert_null(test_of("", &run, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "/config/extraHeaders"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_become_targets),
		cmocka_unit_test(selectors_that_name_nothing_are_told),
		cmocka_unit_test(variables_become_templates),
		cmocka_unit_test(one_time_passwords_are_made_before_they_are_typed),
		cmocka_unit_test(addresses_are_joined),
		cmocka_unit_test(the_run_becomes_config_and_vars),
		cmocka_unit_test(what_a_test_may_not_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

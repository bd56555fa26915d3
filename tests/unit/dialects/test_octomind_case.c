/* SPDX-License-Identifier: Apache-2.0 */
/* The case model: what is read, what is refused and how that is told, chains, selection. */
#include "octo.h"

#include "dialects/octomind/vars.h"

static char *
written(const struct octo_case *c)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(1));
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	octo_case_write_sync(c, &jw);
	jw_end_obj(&jw);
	assert_int_equal(jw_done(&jw), 0);
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] == '"')
			out.data[i] = '\'';
	return xstrdup(out.data);
}

/* The element comes back as it is, or as `wanted`. */
static void
element_becomes(const char *element, const char *wanted)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_(json_unrefp) json_t *document = octo_document(element, "");
	_cleanup_free_ char *tail = xasprintf("'elements':[%s]}", wanted);

	arena_init(&arena, MIB(1));
	struct octo_case c = octo_case_of(&arena, document);
	_cleanup_free_ char *text = written(&c);
	const char *elements = strstr(text, "'elements':");

	assert_non_null(elements);
	assert_string_equal(elements, tail);
}

static void
elements_come_back(void **state)
{
	static const char *const elements[] = {
		"{'interaction':{'action':'CLICK','calledWith':null},'selectors':"
		"[{'selectorType':'ROLE','selector':'button','options':{'name':'Buy','exact':true}}]}",
		"{'interaction':{'action':'CLICK','calledWith':{'button':'right','double':true,"
		"'force':true}},'selectors':[{'selectorType':'CSS','selector':'#a'}],"
		"'ignoreFailure':true}",
		"{'interaction':{'action':'SELECT_OPTION','calledWith':['a',{'label':'B'}]},"
		"'selectors':[{'selectorType':'LABEL','selector':'L'}]}",
		"{'interaction':{'action':'SELECT_OPTION','calledWith':{'index':2}},'selectors':[]}",
		"{'interaction':{'action':'TYPE_TEXT','calledWith':{'text':'x','delay':20}},"
		"'selectors':[]}",
		"{'interaction':{'action':'EXTRACT','calledWith':{'variableName':'ORDER','type':"
		"'ATTRIBUTE','attributeName':'data-id'}},'selectors':[]}",
		"{'interaction':{'action':'JAVASCRIPT','calledWith':{'code':'return 1','execType':"
		"'sandbox'}},'selectors':[]}",
		"{'interaction':{'action':'DRAG_AND_DROP','calledWith':{'selectors':"
		"[{'selectorType':'CSS','selector':'#to'}],'options':{'targetPosition':"
		"{'x':1,'y':2.5}}}},'selectors':[{'selectorType':'CSS','selector':'#from'}]}",
		"{'interaction':{'action':'WAIT_FOR','calledWith':{'type':'fixedTime',"
		"'timeMilliseconds':50}},'selectors':[]}",
		"{'interaction':{'action':'SCROLL','calledWith':{'y':300}},'selectors':[]}",
		"{'assertion':{'expectation':'TO_HAVE_STYLE','calledWith':['color','red']},"
		"'selectors':[{'selectorType':'NTH','selector':'-1'}]}",
		"{'assertion':{'expectation':'VISIBLE','calledWith':null},'selectors':"
		"[{'selectorType':'FRAME','selector':'iframe'},{'selectorType':'TEXT','selector':'x'},"
		"{'selectorType':'FILTER','options':{'hasText':'y','hasNotText':'z'}},"
		"{'selectorType':'FIRST'}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elements); i++)
		element_becomes(elements[i], elements[i]);
}

static void
other_forms_become_one(void **state)
{
	(void)state;
	element_becomes("{'id':'x','index':3,'interaction':{'action':'HOVER'},'assertion':null,"
			"'selectors':[{'selectorType':'NTH','selector':2,'options':null}]}",
		"{'interaction':{'action':'HOVER','calledWith':null},'selectors':"
		"[{'selectorType':'NTH','selector':'2'}]}");
	element_becomes("{'interaction':{'action':'DRAG_AND_DROP','calledWith':['#a','#b']},"
			"'selectors':[]}",
		"{'interaction':{'action':'DRAG_AND_DROP','calledWith':{'selectors':"
		"[{'selectorType':'CSS','selector':'#b'}]}},'selectors':"
		"[{'selectorType':'CSS','selector':'#a'}]}");
	element_becomes("{'interaction':{'action':'EXTRACT','calledWith':{'variableName':'$$A',"
			"'type':'TEXT'}},'selectors':[]}",
		"{'interaction':{'action':'EXTRACT','calledWith':{'variableName':'A','type':"
		"'TEXT'}},'selectors':[]}");
}

static void
members_come_back(void **state)
{
	static const char members[] =
		",'type':'LOGIN','tagNames':['a','b'],'excludedEnvironmentNames':['prod'],"
		"'dependencyId':'aaaaaaaa-2222-4333-8444-555555555555',"
		"'teardownId':'bbbbbbbb-2222-4333-8444-555555555555','entryPointUrlPath':'/x',"
		"'folderName':'F','externalId':'E','localEditingStatus':'DONE',"
		"'filePath':'/home/me/x.yaml'";
	_cleanup_(json_unrefp) json_t *document = octo_document("", members);
	_cleanup_(arena_deinit) struct arena arena;

	(void)state;
	arena_init(&arena, MIB(1));
	struct octo_case c = octo_case_of(&arena, document);
	_cleanup_free_ char *text = written(&c);

	assert_string_equal(text,
		"{'version':'1','id':'" OCTO_ID
		"','type':'LOGIN','description':'A case','prompt':'','runStatus':'ON',"
		"'entryPointUrlPath':'/x','folderName':'F','externalId':'E',"
		"'excludedEnvironmentNames':['prod'],'localEditingStatus':'DONE',"
		"'tagNames':['a','b'],'dependencyId':'aaaaaaaa-2222-4333-8444-555555555555',"
		"'teardownId':'bbbbbbbb-2222-4333-8444-555555555555','elements':[]}");
}

static void
a_test_case_can_be_read_again(void **state)
{
	_cleanup_(json_unrefp) json_t *document = octo_document(
		"{'interaction':{'action':'CLICK'},'selectors':[]},"
		"{'assertion':{'expectation':'VISIBLE'},'selectors':[]}",
		",'dependencyId':'aaaaaaaa-2222-4333-8444-555555555555','tagNames':['t']");
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(1));
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_case_facts facts = { .status = OCTO_ENABLED,
		.created_wall_ms = 1000,
		.updated_wall_ms = 2000,
		.discovery_status = "SUCCESS" };
	struct err err;
	struct jw jw;

	(void)state;
	arena_init(&arena, MIB(1));
	struct octo_case c = octo_case_of(&arena, document);

	jw_init(&jw, &out);
	jw_obj(&jw);
	octo_case_write(&c, &facts, &jw);
	jw_end_obj(&jw);
	assert_int_equal(jw_done(&jw), 0);
	_cleanup_(json_unrefp) json_t *tree = json_read(out.data, out.len, 32, &err);
	struct octo_case again = octo_case_of(&arena, tree);

	assert_string_equal(json_string_value(json_pointer_get(tree, "/createdAt")),
		"1970-01-01T00:00:01.000Z");
	assert_string_equal(json_string_value(json_pointer_get(tree, "/tags/0")), "t");
	assert_true(uuid_eq(&again.dependency, &c.dependency));
	assert_int_equal(again.tags.n, 1);
	for (size_t i = 0; i < 2; i++) {
		char pointer[40];
		struct uuid id;

		(void)snprintf(pointer, sizeof pointer, "/elements/%zu/id", i);
		const char *text = json_string_value(json_pointer_get(tree, pointer));

		assert_int_equal(uuid_parse(str_of(text), &id), 0);
		assert_int_equal(octo_element_find(&c, &id), (int)i);
	}
	assert_int_equal(octo_element_find(&c, &c.id), -1);
}

/* The issues of a document as the answer has them, with single quotes. */
static char *
issues_of(json_t *document)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(1));
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_issues issues = { .arena = &arena };
	struct octo_case c;
	struct jw jw;

	arena_init(&arena, MIB(1));
	assert_int_equal(octo_case_decode(document, NULL, &issues, &c), -1);
	jw_init(&jw, &out);
	octo_issues_write(&issues, &jw);
	assert_int_equal(jw_done(&jw), 0);
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] == '"')
			out.data[i] = '\'';
	return xstrdup(out.data);
}

static void
has_issue(const char *elements, const char *members, const char *wanted)
{
	_cleanup_(json_unrefp) json_t *document = octo_document(elements, members);
	_cleanup_free_ char *text = issues_of(document);

	if (!strstr(text, wanted))
		fail_msg("%s\nis not in\n%s", wanted, text);
}

static void
offences_are_told_with_their_place(void **state)
{
	_cleanup_(json_unrefp) json_t *empty = json_object();
	_cleanup_free_ char *text = issues_of(empty);

	(void)state;
	for (const char *const *name = (const char *const[]) { "version", "id", "runStatus",
		     "description", "prompt", "elements", NULL };
		*name; name++) {
		_cleanup_free_ char *path =
			xasprintf("'received':'undefined','path':['%s']", *name);

		if (!strstr(text, path))
			fail_msg("%s is not in %s", path, text);
	}
	has_issue("{'interaction':{'action':'JUMP'},'selectors':[]}", "",
		"'received':'JUMP','path':['elements',0,'interaction','action']");
	has_issue("{'interaction':{'action':'CLICK'},'selectors':[{'selectorType':'CSS'}]}", "",
		"'path':['elements',0,'selectors',0,'selector']");
	has_issue("{'interaction':{'action':'CLICK'},'selectors':"
		  "[{'selectorType':'ROLE','selector':'buton'}]}",
		"", "'received':'buton','path':['elements',0,'selectors',0,'selector']");
	has_issue("{'selectors':[]}", "", "either an interaction or an assertion");
	has_issue("{'interaction':{'action':'ENTER_TEXT'},'selectors':[]}", "",
		"'path':['elements',0,'interaction','calledWith']");
	has_issue(
		"{'interaction':{'action':'CLICK','calledWith':{'button':'up'}},'selectors':[]}",
		"",
		"'invalid_enum_value','expected':''left' | 'right' | 'middle'','received':'up'");
	has_issue("{'interaction':{'action':'EXTRACT','calledWith':{'variableName':'octo',"
		  "'type':'TEXT'}},'selectors':[]}",
		"", "'path':['elements',0,'interaction','calledWith','variableName']");
	has_issue("{'interaction':{'action':'EXTRACT','calledWith':{'variableName':'a',"
		  "'type':'ATTRIBUTE'}},'selectors':[]}",
		"", "'attributeName'");
	has_issue("{'interaction':{'action':'SELECT_OPTION','calledWith':[{'index':1,"
		  "'label':'x'}]},'selectors':[]}",
		"", "'path':['elements',0,'interaction','calledWith',0]");
	has_issue(
		"{'assertion':{'expectation':'TO_HAVE_STYLE','calledWith':['a']},'selectors':[]}",
		"", "'path':['elements',0,'assertion','calledWith']");
	has_issue("", ",'dependencyId':'x'",
		"'code':'invalid_string','expected':'uuid','received':'string','path':['dependencyId']");
	has_issue("", ",'teardownId':7", "'received':'number','path':['teardownId']");
	has_issue("", ",'tagNames':[1]", "'path':['tagNames',0]");
}

static void
places_begin_at_the_document(void **state)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(1));
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_issues issues = { .arena = &arena };
	struct jw jw;

	(void)state;
	arena_init(&arena, MIB(1));
	octo_issues_type(&issues, NULL, "object", NULL);
	octo_issues_type(&issues, OCTO_MEMBER(NULL, "a/b"), "object", NULL);
	octo_issues_type(&issues, OCTO_MEMBER(OCTO_ITEM(NULL, 0), "c"), "object", NULL);
	jw_init(&jw, &out);
	octo_issues_write(&issues, &jw);
	assert_int_equal(jw_done(&jw), 0);
	assert_non_null(strstr(out.data, "\"path\":[],"));
	assert_non_null(strstr(out.data, "\"path\":[\"a/b\"],"));
	assert_non_null(strstr(out.data, "\"path\":[0,\"c\"],"));
	assert_string_equal(issues.item[0].pointer, "");
	assert_string_equal(issues.item[1].pointer, "/a~1b");
	assert_string_equal(issues.item[2].pointer, "/0/c");
}

/* --- Chains --- */

struct shelf {
	struct octo_case item[40];
	size_t n;
};

static const struct octo_case *
on_shelf(void *arg, const struct uuid *id)
{
	struct shelf *shelf = arg;

	for (size_t i = 0; i < shelf->n; i++)
		if (uuid_eq(&shelf->item[i].id, id))
			return &shelf->item[i];
	return NULL;
}

/* n cases, each of which depends on the one before it. */
static void
fill_shelf(struct shelf *shelf, size_t n)
{
	*shelf = (struct shelf) { .n = n };
	for (size_t i = 0; i < n; i++) {
		shelf->item[i].id.b[0] = (uint8_t)(i + 1);
		shelf->item[i].dependency.b[0] = (uint8_t)i;
		shelf->item[i].description = "one";
	}
}

static void
chains_run_from_the_outside_in(void **state)
{
	struct octo_chain chain;
	struct shelf shelf;
	struct err err;

	(void)state;
	fill_shelf(&shelf, 4);
	shelf.item[1].teardown = shelf.item[3].id;
	assert_int_equal(octo_chain_of(&shelf.item[2], on_shelf, &shelf, &chain, &err), 0);
	assert_int_equal(chain.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(chain.item[i], &shelf.item[i]);
	assert_null(chain.teardown[0]);
	assert_ptr_equal(chain.teardown[1], &shelf.item[3]);
}

static void
chains_that_never_end_are_refused(void **state)
{
	struct octo_chain chain;
	struct shelf shelf;
	struct err err;

	(void)state;
	fill_shelf(&shelf, 3);
	shelf.item[0].dependency = shelf.item[2].id;
	assert_int_equal(octo_chain_of(&shelf.item[2], on_shelf, &shelf, &chain, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	fill_shelf(&shelf, 3);
	shelf.item[1].dependency = shelf.item[1].id;
	assert_int_equal(octo_chain_of(&shelf.item[2], on_shelf, &shelf, &chain, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	fill_shelf(&shelf, 3);
	shelf.item[2].teardown = shelf.item[0].id;
	assert_int_equal(octo_chain_of(&shelf.item[2], on_shelf, &shelf, &chain, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	fill_shelf(&shelf, 3);
	shelf.item[0].dependency.b[5] = 1;
	assert_int_equal(octo_chain_of(&shelf.item[2], on_shelf, &shelf, &chain, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	fill_shelf(&shelf, OCTO_CHAIN_MAX);
	assert_int_equal(
		octo_chain_of(&shelf.item[OCTO_CHAIN_MAX - 1], on_shelf, &shelf, &chain, &err),
		0);
	fill_shelf(&shelf, OCTO_CHAIN_MAX + 1);
	assert_int_equal(
		octo_chain_of(&shelf.item[OCTO_CHAIN_MAX], on_shelf, &shelf, &chain, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void
tags_and_environments_choose(void **state)
{
	_cleanup_(json_unrefp) json_t *document =
		octo_document("", ",'tagNames':['a','b'],'excludedEnvironmentNames':['prod']");
	static const char *const other[] = { "x", "b" };
	_cleanup_(arena_deinit) struct arena arena;

	(void)state;
	arena_init(&arena, MIB(1));
	struct octo_case c = octo_case_of(&arena, document);

	assert_true(octo_case_is_chosen(&c, OCTO_ENABLED, "default", NULL, 0));
	assert_true(octo_case_is_chosen(&c, OCTO_ENABLED, NULL, other, 2));
	assert_false(octo_case_is_chosen(&c, OCTO_ENABLED, NULL, other, 1));
	assert_false(octo_case_is_chosen(&c, OCTO_ENABLED, "prod", NULL, 0));
	assert_false(octo_case_is_chosen(&c, OCTO_DRAFT, "default", NULL, 0));
	c.run_status = OCTO_OFF;
	assert_false(octo_case_is_chosen(&c, OCTO_ENABLED, "default", NULL, 0));
}

/* --- Variables --- */

static void
one_value_is_picked(void **state)
{
	_cleanup_(json_unrefp) json_t *vars =
		octo_json("{'A':['1','2','3'],'B':'b','$C':['c']}");
	_cleanup_(json_unrefp) json_t *overrides = octo_json("{'B':['other']}");
	unsigned seen = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (int i = 0; i < 100; i++) {
		_cleanup_(json_unrefp) json_t *picked = octo_vars_pick(vars, overrides, &rng);

		seen |= 1u << (json_string_value(json_object_get(picked, "A"))[0] - '0');
		assert_string_equal(json_string_value(json_object_get(picked, "B")), "other");
		assert_string_equal(json_string_value(json_object_get(picked, "C")), "c");
	}
	assert_int_equal(seen, 2 + 4 + 8);
}

static void
texts_are_cut_at_known_names(void **state)
{
	_cleanup_(json_unrefp) json_t *statics = octo_json("{'A':'1','AB':'2'}");
	_cleanup_(json_unrefp) json_t *dynamics = octo_json("{'D':true}");
	_cleanup_(json_unrefp) json_t *any = octo_json("{'*':true}");
	struct str rest = STR("$5 $$A $AB$A.$$D$ABC$$E$");
	static const struct {
		enum octo_piece_kind kind;
		const char *text;
	} wanted[] = {
		{ OCTO_PIECE_TEXT, "$5 $" },
		{ OCTO_PIECE_STATIC, "A" },
		{ OCTO_PIECE_TEXT, " " },
		{ OCTO_PIECE_STATIC, "AB" },
		{ OCTO_PIECE_STATIC, "A" },
		{ OCTO_PIECE_TEXT, "." },
		{ OCTO_PIECE_DYNAMIC, "D" },
		{ OCTO_PIECE_TEXT, "$ABC$$E$" },
	};
	struct octo_piece piece;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_true(octo_vars_next(&rest, statics, dynamics, &piece));
		assert_int_equal(piece.kind, wanted[i].kind);
		assert_true(str_eqz(piece.text, wanted[i].text));
	}
	assert_false(octo_vars_next(&rest, statics, dynamics, &piece));
	rest = STR("$$E");
	assert_true(octo_vars_next(&rest, statics, any, &piece));
	assert_int_equal(piece.kind, OCTO_PIECE_DYNAMIC);
	assert_true(octo_vars_uses("x$AB", statics, "AB"));
	assert_false(octo_vars_uses("x$ABC", statics, "AB"));
}

static void
wrong_variables_are_refused(void **state)
{
	static const char *const wrong[] = { "[]", "{'a b':'x'}", "{'A':[]}", "{'A':[1]}",
		"{'A':7}", "{'1A':'x'}" };
	_cleanup_(arena_deinit) struct arena arena;

	(void)state;
	arena_init(&arena, MIB(1));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		_cleanup_(json_unrefp) json_t *vars = octo_json(wrong[i]);
		struct octo_issues issues = { .arena = &arena };

		assert_int_equal(octo_vars_check(vars, NULL, &issues), -1);
		assert_true(issues.n > 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_come_back),
		cmocka_unit_test(other_forms_become_one),
		cmocka_unit_test(members_come_back),
		cmocka_unit_test(a_test_case_can_be_read_again),
		cmocka_unit_test(offences_are_told_with_their_place),
		cmocka_unit_test(places_begin_at_the_document),
		cmocka_unit_test(chains_run_from_the_outside_in),
		cmocka_unit_test(chains_that_never_end_are_refused),
		cmocka_unit_test(tags_and_environments_choose),
		cmocka_unit_test(one_value_is_picked),
		cmocka_unit_test(texts_are_cut_at_known_names),
		cmocka_unit_test(wrong_variables_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

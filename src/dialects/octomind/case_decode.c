/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to test cases. A walk and no table of fields, because what `calledWith` must be depends
 * on the word beside it and most of it has several forms.
 */
#include <string.h>

#include "base/parse.h"
#include "browser_format/target.h"
#include "dialects/octomind/case.h"
#include "dialects/octomind/case_read.h"

/* --- Selectors --- */

static void
check_role(struct octo_issues *issues, const char *role, const struct octo_at *at)
{
	struct issues *found = arena_alloc(issues->arena, sizeof *found);
	_cleanup_(json_unrefp) json_t *target = json_pack("{s:s}", "role", role);

	if (!found || strchr(role, '$'))
		return;
	found->arena = issues->arena;
	target_check(target, "", found);
	if (found->n > 0)
		octo_issues_add(issues, at, "invalid_enum_value", "an ARIA role", role, "%s",
			found->item[0].detail);
}

static int64_t
read_nth(struct octo_issues *issues, json_t *value, const struct octo_at *at)
{
	int64_t nth = 0;
	struct err err;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!json_is_string(value))
		octo_issues_type(issues, at, "string", value);
	else if (parse_i64(str_of(json_string_value(value)), -1000000, 1000000, &nth, &err) < 0)
		octo_issues_add(issues, at, "invalid_string", "a whole number", "string",
			"a place is a whole number, from 0 or negative from the end");
	return nth;
}

static void
read_options(struct octo_issues *issues, json_t *options, const struct octo_at *at,
	struct octo_selector *ret)
{
	double level = 0;

	if (!json_is_object(options)) {
		octo_issues_type(issues, at, "object", options);
		return;
	}
	ret->name = read_opt_text_in(issues, options, at, "name", BROWSER_LABEL_BYTES_MAX);
	ret->has_text =
		read_opt_text_in(issues, options, at, "hasText", BROWSER_LABEL_BYTES_MAX);
	ret->has_not_text =
		read_opt_text_in(issues, options, at, "hasNotText", BROWSER_LABEL_BYTES_MAX);
	ret->exact = read_state_in(issues, options, at, "exact");
	ret->checked = read_state_in(issues, options, at, "checked");
	ret->disabled = read_state_in(issues, options, at, "disabled");
	ret->expanded = read_state_in(issues, options, at, "expanded");
	ret->include_hidden = read_state_in(issues, options, at, "includeHidden");
	ret->pressed = read_state_in(issues, options, at, "pressed");
	ret->selected = read_state_in(issues, options, at, "selected");
	if (read_number_in(issues, options, at, "level", 0, 100, &level))
		ret->level = (int64_t)level;
}

static void
read_selector(struct octo_issues *issues, json_t *value, const struct octo_at *at,
	struct octo_selector *ret)
{
	json_t *text = read_member(value, "selector");
	const struct octo_at *text_at = OCTO_MEMBER(at, "selector");

	if (!json_is_object(value)) {
		octo_issues_type(issues, at, "object", value);
		return;
	}
	ret->type = (enum octo_selector_type)read_word_in(
		issues, value, at, "selectorType", octo_selector_type_names, true, OCTO_CSS);
	switch (ret->type) {
	case OCTO_FILTER:
	case OCTO_FIRST:
	case OCTO_LAST:
		break;
	case OCTO_NTH:
		ret->nth = read_nth(issues, text, text_at);
		break;
	case OCTO_FRAME:
		if (text)
			ret->text =
				read_text(issues, text, text_at, 1, BROWSER_LABEL_BYTES_MAX);
		break;
	case OCTO_CSS:
	case OCTO_TEXT:
	case OCTO_ROLE:
	case OCTO_ALT_TEXT:
	case OCTO_LABEL:
	case OCTO_TEST_ID:
	case OCTO_TITLE:
	case OCTO_PLACEHOLDER:
	case OCTO_SELECTOR_TYPE_COUNT:
		ret->text = read_text(issues, text, text_at, 1, BROWSER_LABEL_BYTES_MAX);
	}
	if (ret->type == OCTO_ROLE && ret->text)
		check_role(issues, ret->text, text_at);
	if (read_member(value, "options"))
		read_options(
			issues, read_member(value, "options"), OCTO_MEMBER(at, "options"), ret);
}

static struct octo_selectors
read_selectors(struct octo_issues *issues, json_t *list, const struct octo_at *at)
{
	struct octo_selectors selectors = { 0 };
	json_t *value;
	size_t i;

	if (!read_is_list(issues, list, at, OCTO_SELECTORS_MAX))
		return selectors;
	selectors.item = read_items_for(issues, list, at, sizeof *selectors.item);
	if (!selectors.item)
		return selectors;
	json_array_foreach(list, i, value)
		read_selector(issues, value, OCTO_ITEM(at, i), &selectors.item[i]);
	selectors.n = json_array_size(list);
	return selectors;
}

/* --- calledWith --- */

/* What a reader of calledWith gets: the value is NULL when absent. */
struct called_at {
	struct octo_issues *issues;
	json_t *value;
	const struct octo_at *at;
	struct octo_element *element; /* whose calledWith is filled */
};

/* An object, or nothing when `is_optional`; else an issue. */
static bool
is_object(const struct called_at *in, bool is_optional)
{
	if (json_is_object(in->value))
		return true;
	if (in->value || !is_optional)
		octo_issues_type(in->issues, in->at, "object", in->value);
	return false;
}

static void
called_text(const struct called_at *in, int64_t min, int64_t max)
{
	in->element->called.text = read_text(in->issues, in->value, in->at, min, max);
}

static void
called_click(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;

	if (!is_object(in, true))
		return;
	called->button = (enum octo_button)read_word_in(in->issues, in->value, in->at, "button",
		octo_button_names, false, OCTO_BUTTON_LEFT);
	called->is_double = read_flag_in(in->issues, in->value, in->at, "double", false);
	called->is_forced = read_flag_in(in->issues, in->value, in->at, "force", false);
}

static void
read_option(struct octo_issues *issues, json_t *value, const struct octo_at *at,
	struct octo_option *ret)
{
	double index;
	int n;

	*ret = (struct octo_option) { .index = -1 };
	if (json_is_string(value)) {
		ret->any = read_text(issues, value, at, 0, BROWSER_LABEL_BYTES_MAX);
		return;
	}
	if (!json_is_object(value)) {
		octo_issues_type(issues, at, "string", value);
		return;
	}
	ret->value = read_opt_text_in(issues, value, at, "value", BROWSER_LABEL_BYTES_MAX);
	ret->label = read_opt_text_in(issues, value, at, "label", BROWSER_LABEL_BYTES_MAX);
	if (read_number_in(issues, value, at, "index", 0, 100000, &index))
		ret->index = (int64_t)index;
	n = (ret->value != NULL) + (ret->label != NULL) + (ret->index >= 0);
	if (n != 1)
		octo_issues_add(issues, at, "custom", "one of value, label, index", "object",
			"an option is named by one of value, label and index");
}

static void
called_options(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;
	bool is_one = !json_is_array(in->value);
	json_t *value;
	size_t i;

	if (!in->value || (!is_one && !read_is_list(in->issues, in->value, in->at, 1000)))
		return;
	called->option = read_items_for(in->issues, in->value, in->at, sizeof *called->option);
	if (!called->option)
		return;
	called->n_options = is_one ? 1 : json_array_size(in->value);
	if (is_one)
		read_option(in->issues, in->value, in->at, &called->option[0]);
	json_array_foreach(in->value, i, value)
		read_option(in->issues, value, OCTO_ITEM(in->at, i), &called->option[i]);
}

/* An end of the short form: CSS, or a list of selectors. */
static struct octo_selectors
drag_end(struct octo_issues *issues, json_t *value, const struct octo_at *at)
{
	struct octo_selectors one = { 0 };

	if (!json_is_string(value))
		return read_selectors(issues, value, at);
	const char *css = read_text(issues, value, at, 1, BROWSER_LABEL_BYTES_MAX);

	one.item = css ? arena_alloc(issues->arena, sizeof *one.item) : NULL;
	if (one.item) {
		one.item[0] = (struct octo_selector) { .type = OCTO_CSS, .text = css };
		one.n = 1;
	}
	return one;
}

/* { selectors, options: { targetPosition } } of where to, or [from, to]. */
static void
called_drag(const struct called_at *in)
{
	struct octo_element *element = in->element;
	json_t *options = read_member(in->value, "options");
	json_t *position = read_member(options, "targetPosition");
	const struct octo_at *at =
		OCTO_MEMBER(OCTO_MEMBER(in->at, "options"), "targetPosition");

	if (json_is_array(in->value)) {
		if (json_array_size(in->value) != 2) {
			octo_issues_add(in->issues, in->at, "custom", "two places", "array",
				"from where and to where is expected");
			return;
		}
		struct octo_selectors from = drag_end(
			in->issues, json_array_get(in->value, 0), OCTO_ITEM(in->at, 0));

		if (element->selectors.n == 0)
			element->selectors = from;
		element->called.to = drag_end(
			in->issues, json_array_get(in->value, 1), OCTO_ITEM(in->at, 1));
		return;
	}
	if (!is_object(in, false))
		return;
	element->called.to = read_selectors(in->issues, json_object_get(in->value, "selectors"),
		OCTO_MEMBER(in->at, "selectors"));
	element->called.has_x = read_number_in(
		in->issues, position, at, "x", -1000000, 1000000, &element->called.x);
	element->called.has_y = read_number_in(
		in->issues, position, at, "y", -1000000, 1000000, &element->called.y);
}

static void
called_type(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;
	double delay = -1;

	called->delay_ms = -1;
	if (!is_object(in, false))
		return;
	called->text =
		read_text_in(in->issues, in->value, in->at, "text", 0, BROWSER_TEXT_BYTES_MAX);
	if (read_number_in(
		    in->issues, in->value, in->at, "delay", 0, BROWSER_WAIT_MS_MAX, &delay))
		called->delay_ms = (int64_t)delay;
}

/* Names that a test of ours has already (docs/protocol/browser-tests.md, 7), and our own. */
static const char *const taken_names[] = { "params", "ctx", "run", "index", "octo", NULL };

static bool
is_variable_name(const char *name)
{
	size_t n =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= 100 && name[n] == '\0' && !(name[0] >= '0' && name[0] <= '9');
}

static void
called_extract(const struct called_at *in)
{
	static const char *const types[] = { "TEXT", "ATTRIBUTE", NULL };
	struct octo_called *called = &in->element->called;

	if (!is_object(in, false))
		return;
	called->name =
		read_text_in(in->issues, in->value, in->at, "variableName", 1, NAME_BYTES_MAX);
	/* The dollars belong to where a variable is used; some write them here as well. */
	if (called->name)
		called->name += strspn(called->name, "$");
	if (called->name &&
		(!is_variable_name(called->name) || octo_word(taken_names, called->name) >= 0))
		octo_issues_add(in->issues, OCTO_MEMBER(in->at, "variableName"),
			"invalid_string", "a name", "string",
			"a name has letters, digits and underscores, and is none of params, "
			"ctx, run, index and octo");
	if (read_word_in(in->issues, in->value, in->at, "type", types, true, 0) == 1)
		called->attribute = read_text_in(in->issues, in->value, in->at, "attributeName",
			1, BROWSER_LABEL_BYTES_MAX);
}

static void
called_script(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;

	if (!is_object(in, false))
		return;
	called->text =
		read_text_in(in->issues, in->value, in->at, "code", 0, BROWSER_TEXT_BYTES_MAX);
	called->exec = (enum octo_exec)read_word_in(in->issues, in->value, in->at, "execType",
		octo_exec_names, false, OCTO_EXEC_SANDBOX);
}

static void
called_scroll(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;

	if (!is_object(in, true))
		return;
	called->has_x = read_number_in(
		in->issues, in->value, in->at, "x", -1000000, 1000000, &called->x);
	called->has_y = read_number_in(
		in->issues, in->value, in->at, "y", -1000000, 1000000, &called->y);
}

static void
called_wait(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;
	double ms = 0;

	called->wait = OCTO_WAIT_ELEMENT;
	if (!is_object(in, true))
		return;
	called->wait = (enum octo_wait)read_word_in(
		in->issues, in->value, in->at, "type", octo_wait_names, true, OCTO_WAIT_LOAD);
	if (called->wait == OCTO_WAIT_FIXED_TIME &&
		read_number_in(in->issues, in->value, in->at, "timeMilliseconds", 0,
			BROWSER_WAIT_MS_MAX, &ms))
		called->delay_ms = (int64_t)ms;
	if (called->wait == OCTO_WAIT_CODE)
		called->text = read_opt_text_in(
			in->issues, in->value, in->at, "code", BROWSER_TEXT_BYTES_MAX);
}

static void
called_style(const struct called_at *in)
{
	struct octo_called *called = &in->element->called;

	if (!json_is_array(in->value) || json_array_size(in->value) != 2) {
		octo_issues_add(in->issues, in->at, "invalid_type", "[property, value]", "",
			"the name of a property and its value are expected");
		return;
	}
	called->name = read_text(in->issues, json_array_get(in->value, 0), OCTO_ITEM(in->at, 0),
		1, BROWSER_LABEL_BYTES_MAX);
	called->text = read_text(in->issues, json_array_get(in->value, 1), OCTO_ITEM(in->at, 1),
		0, BROWSER_LABEL_BYTES_MAX);
}

static void
called_of_action(const struct called_at *in)
{
	switch (in->element->action) {
	case OCTO_CLICK:
		called_click(in);
		break;
	case OCTO_ENTER_TEXT:
		called_text(in, 0, BROWSER_TEXT_BYTES_MAX);
		break;
	case OCTO_GO_TO:
		called_text(in, 1, URL_BYTES_MAX);
		break;
	case OCTO_KEY_PRESS:
	case OCTO_UPLOAD:
		called_text(in, 1, BROWSER_LABEL_BYTES_MAX);
		break;
	case OCTO_SELECT_OPTION:
		called_options(in);
		break;
	case OCTO_DRAG_AND_DROP:
		called_drag(in);
		break;
	case OCTO_TYPE_TEXT:
		called_type(in);
		break;
	case OCTO_EXTRACT:
		called_extract(in);
		break;
	case OCTO_JAVASCRIPT:
		called_script(in);
		break;
	case OCTO_SCROLL:
		called_scroll(in);
		break;
	case OCTO_WAIT_FOR:
		called_wait(in);
		break;
	case OCTO_HOVER:
	case OCTO_DOWNLOAD:
	case OCTO_OPEN_EMAIL:
	case OCTO_CLOSE_PAGE:
	case OCTO_ACTION_COUNT:
		break;
	}
}

static void
called_of_expectation(const struct called_at *in)
{
	switch (in->element->expectation) {
	case OCTO_RESPONSE_OK:
		called_text(in, 1, URL_BYTES_MAX);
		break;
	case OCTO_TO_HAVE_VALUE:
	case OCTO_TO_CONTAIN_TEXT:
		called_text(in, 0, BROWSER_TEXT_BYTES_MAX);
		break;
	case OCTO_TO_HAVE_STYLE:
		called_style(in);
		break;
	case OCTO_VISIBLE:
	case OCTO_NOT_VISIBLE:
	case OCTO_DISABLED:
	case OCTO_TO_BE_CHECKED:
	case OCTO_NOT_TO_BE_CHECKED:
	case OCTO_EXPECTATION_COUNT:
		break;
	}
}

/* --- Elements --- */

static void
read_what(struct octo_issues *issues, json_t *value, const struct octo_at *up,
	struct octo_element *ret)
{
	bool is_action = ret->kind == OCTO_INTERACTION;
	const struct octo_at *at = OCTO_MEMBER(up, is_action ? "interaction" : "assertion");
	size_t before = issues->n + issues->n_more;
	struct called_at called = { .issues = issues,
		.at = OCTO_MEMBER(at, "calledWith"),
		.value = read_member(value, "calledWith"),
		.element = ret };

	if (!json_is_object(value)) {
		octo_issues_type(issues, at, "object", value);
		return;
	}
	if (is_action)
		ret->action = (enum octo_action)read_word_in(
			issues, value, at, "action", octo_action_names, true, 0);
	else
		ret->expectation = (enum octo_expectation)read_word_in(
			issues, value, at, "expectation", octo_expectation_names, true, 0);
	if (issues->n + issues->n_more > before)
		return;
	if (is_action)
		called_of_action(&called);
	else
		called_of_expectation(&called);
}

static void
read_element(struct octo_issues *issues, json_t *value, const struct octo_at *at,
	struct octo_element *ret)
{
	json_t *interaction = read_member(value, "interaction");
	json_t *assertion = read_member(value, "assertion");

	if (!json_is_object(value)) {
		octo_issues_type(issues, at, "object", value);
		return;
	}
	if (read_member(value, "selectors"))
		ret->selectors = read_selectors(
			issues, read_member(value, "selectors"), OCTO_MEMBER(at, "selectors"));
	ret->ignores_failure = read_flag_in(issues, value, at, "ignoreFailure", false);
	if ((interaction != NULL) == (assertion != NULL)) {
		octo_issues_add(issues, at, "custom", "interaction or assertion", "object",
			"an element has either an interaction or an assertion");
		return;
	}
	ret->kind = interaction ? OCTO_INTERACTION : OCTO_ASSERTION;
	read_what(issues, interaction ? interaction : assertion, at, ret);
}

int
octo_elements_decode(json_t *list, const struct octo_at *at, struct octo_issues *issues,
	struct octo_element **ret, size_t *ret_n)
{
	size_t before = issues->n + issues->n_more, i;
	struct octo_element *elements;
	json_t *value;

	if (!read_is_list(issues, list, at, OCTO_ELEMENTS_MAX))
		return -1;
	elements = read_items_for(issues, list, at, sizeof *elements);
	if (!elements)
		return -1;
	json_array_foreach(list, i, value)
		read_element(issues, value, OCTO_ITEM(at, i), &elements[i]);
	if (issues->n + issues->n_more > before)
		return -1;
	*ret = elements;
	*ret_n = json_array_size(list);
	return 0;
}

/* --- Cases --- */

/* The member under its name in a SyncTestCase, else under that in a TestCase. */
static const char *
name_of(json_t *document, const char *sync, const char *other)
{
	return !read_member(document, sync) && read_member(document, other) ? other : sync;
}

static void
read_version(struct octo_issues *issues, json_t *document, const struct octo_at *at)
{
	static const char *const versions[] = { "1", NULL };

	(void)read_word_in(issues, document, at, "version", versions, true, 0);
}

static void
read_head(json_t *document, const struct octo_at *at, struct octo_issues *issues,
	struct octo_case *ret)
{
	read_version(issues, document, at);
	ret->id = read_uuid_in(issues, document, at, "id", true);
	ret->type = (enum octo_case_type)read_word_in(
		issues, document, at, "type", octo_case_type_names, false, OCTO_CASE_PLAIN);
	ret->run_status = (enum octo_run_status)read_word_in(
		issues, document, at, "runStatus", octo_run_status_names, true, OCTO_OFF);
	ret->editing = (enum octo_editing)read_word_in(issues, document, at,
		"localEditingStatus", octo_editing_names, false, OCTO_EDITING_NONE);
	ret->dependency = read_uuid_in(issues, document, at,
		name_of(document, "dependencyId", "prerequisiteId"), false);
	ret->teardown = read_uuid_in(issues, document, at,
		name_of(document, "teardownId", "teardownTestCaseId"), false);
	ret->description =
		read_text_in(issues, document, at, "description", 0, MESSAGE_BYTES_MAX);
	ret->prompt = read_text_in(issues, document, at, "prompt", 0, BROWSER_TEXT_BYTES_MAX);
	ret->entry_path =
		read_opt_text_in(issues, document, at, "entryPointUrlPath", URL_BYTES_MAX);
	ret->folder = read_opt_text_in(issues, document, at, "folderName", MESSAGE_BYTES_MAX);
	ret->external_id =
		read_opt_text_in(issues, document, at, "externalId", MESSAGE_BYTES_MAX);
	ret->tags = read_texts_in(issues, document, at, name_of(document, "tagNames", "tags"));
	ret->excluded_environments =
		read_texts_in(issues, document, at, "excludedEnvironmentNames");
}

int
octo_case_decode(json_t *document, const struct octo_at *at, struct octo_issues *issues,
	struct octo_case *ret)
{
	size_t before = issues->n + issues->n_more;
	struct octo_case c = { 0 };

	if (!json_is_object(document)) {
		octo_issues_type(issues, at, "object", document);
		return -1;
	}
	read_head(document, at, issues, &c);
	if (octo_elements_decode(json_object_get(document, "elements"),
		    OCTO_MEMBER(at, "elements"), issues, &c.element, &c.n_elements) < 0 ||
		issues->n + issues->n_more > before)
		return -1;
	*ret = c;
	return 0;
}

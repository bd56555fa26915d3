/* SPDX-License-Identifier: Apache-2.0 */
/* Test cases to JSON, in the two shapes that the clients know. */
#include "dialects/octomind/case.h"

static void
write_state(struct jw *jw, const char *key, enum octo_flag state)
{
	if (state != OCTO_FLAG_ANY)
		jw_kbool(jw, key, state == OCTO_FLAG_TRUE);
}

static bool
has_options(const struct octo_selector *s)
{
	return s->name || s->has_text || s->has_not_text || s->level || s->exact ||
		s->checked || s->disabled || s->expanded || s->include_hidden || s->pressed ||
		s->selected;
}

static void
write_options(const struct octo_selector *s, struct jw *jw)
{
	if (!has_options(s))
		return;
	jw_kobj(jw, "options");
	jw_kstr_opt(jw, "name", s->name);
	write_state(jw, "exact", s->exact);
	write_state(jw, "checked", s->checked);
	write_state(jw, "disabled", s->disabled);
	write_state(jw, "expanded", s->expanded);
	write_state(jw, "includeHidden", s->include_hidden);
	if (s->level)
		jw_ki64(jw, "level", s->level);
	write_state(jw, "pressed", s->pressed);
	write_state(jw, "selected", s->selected);
	jw_kstr_opt(jw, "hasText", s->has_text);
	jw_kstr_opt(jw, "hasNotText", s->has_not_text);
	jw_end_obj(jw);
}

static void
write_selectors(const struct octo_selectors *selectors, struct jw *jw)
{
	jw_karr(jw, "selectors");
	for (size_t i = 0; i < selectors->n; i++) {
		const struct octo_selector *s = &selectors->item[i];
		char nth[24];

		jw_obj(jw);
		jw_kstr(jw, "selectorType", octo_selector_type_names[s->type]);
		(void)snprintf(nth, sizeof nth, "%lld", (long long)s->nth);
		jw_kstr_opt(jw, "selector", s->type == OCTO_NTH ? nth : s->text);
		write_options(s, jw);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* --- calledWith; the key stands there already --- */

static void
write_number(struct jw *jw, const char *key, double number)
{
	if (number == (double)(int64_t)number)
		jw_ki64(jw, key, (int64_t)number);
	else
		jw_kf64(jw, key, number);
}

static void
write_click(const struct octo_called *called, struct jw *jw)
{
	if (!called->is_double && !called->is_forced && called->button == OCTO_BUTTON_LEFT) {
		jw_null(jw);
		return;
	}
	jw_obj(jw);
	jw_kstr(jw, "button", octo_button_names[called->button]);
	if (called->is_double)
		jw_kbool(jw, "double", true);
	if (called->is_forced)
		jw_kbool(jw, "force", true);
	jw_end_obj(jw);
}

static void
write_option(const struct octo_option *option, struct jw *jw)
{
	if (option->any) {
		jw_str(jw, option->any);
		return;
	}
	jw_obj(jw);
	jw_kstr_opt(jw, "value", option->value);
	jw_kstr_opt(jw, "label", option->label);
	if (option->index >= 0)
		jw_ki64(jw, "index", option->index);
	jw_end_obj(jw);
}

static void
write_select(const struct octo_called *called, struct jw *jw)
{
	if (called->n_options == 0) {
		jw_null(jw);
	} else if (called->n_options == 1) {
		write_option(&called->option[0], jw);
	} else {
		jw_arr(jw);
		for (size_t i = 0; i < called->n_options; i++)
			write_option(&called->option[i], jw);
		jw_end_arr(jw);
	}
}

static void
write_point(const struct octo_called *called, struct jw *jw)
{
	if (called->has_x)
		write_number(jw, "x", called->x);
	if (called->has_y)
		write_number(jw, "y", called->y);
}

static void
write_drag(const struct octo_called *called, struct jw *jw)
{
	jw_obj(jw);
	write_selectors(&called->to, jw);
	if (called->has_x || called->has_y) {
		jw_kobj(jw, "options");
		jw_kobj(jw, "targetPosition");
		write_point(called, jw);
		jw_end_obj(jw);
		jw_end_obj(jw);
	}
	jw_end_obj(jw);
}

static void
write_type(const struct octo_called *called, struct jw *jw)
{
	jw_obj(jw);
	jw_kstr(jw, "text", called->text);
	if (called->delay_ms >= 0)
		jw_ki64(jw, "delay", called->delay_ms);
	jw_end_obj(jw);
}

static void
write_extract(const struct octo_called *called, struct jw *jw)
{
	jw_obj(jw);
	jw_kstr(jw, "variableName", called->name);
	jw_kstr(jw, "type", called->attribute ? "ATTRIBUTE" : "TEXT");
	jw_kstr_opt(jw, "attributeName", called->attribute);
	jw_end_obj(jw);
}

static void
write_script(const struct octo_called *called, struct jw *jw)
{
	jw_obj(jw);
	jw_kstr(jw, "code", called->text);
	jw_kstr(jw, "execType", octo_exec_names[called->exec]);
	jw_end_obj(jw);
}

static void
write_scroll(const struct octo_called *called, struct jw *jw)
{
	jw_obj(jw);
	write_point(called, jw);
	jw_end_obj(jw);
}

static void
write_wait(const struct octo_called *called, struct jw *jw)
{
	if (called->wait == OCTO_WAIT_ELEMENT) {
		jw_null(jw);
		return;
	}
	jw_obj(jw);
	jw_kstr(jw, "type", octo_wait_names[called->wait]);
	if (called->wait == OCTO_WAIT_FIXED_TIME)
		jw_ki64(jw, "timeMilliseconds", called->delay_ms);
	jw_kstr_opt(jw, "code", called->text);
	jw_end_obj(jw);
}

static void
write_called_action(const struct octo_element *element, struct jw *jw)
{
	const struct octo_called *called = &element->called;

	switch (element->action) {
	case OCTO_CLICK:
		write_click(called, jw);
		break;
	case OCTO_SELECT_OPTION:
		write_select(called, jw);
		break;
	case OCTO_DRAG_AND_DROP:
		write_drag(called, jw);
		break;
	case OCTO_TYPE_TEXT:
		write_type(called, jw);
		break;
	case OCTO_EXTRACT:
		write_extract(called, jw);
		break;
	case OCTO_JAVASCRIPT:
		write_script(called, jw);
		break;
	case OCTO_SCROLL:
		write_scroll(called, jw);
		break;
	case OCTO_WAIT_FOR:
		write_wait(called, jw);
		break;
	case OCTO_ENTER_TEXT:
	case OCTO_GO_TO:
	case OCTO_KEY_PRESS:
	case OCTO_HOVER:
	case OCTO_UPLOAD:
	case OCTO_DOWNLOAD:
	case OCTO_OPEN_EMAIL:
	case OCTO_CLOSE_PAGE:
	case OCTO_ACTION_COUNT:
		jw_str(jw, called->text);
	}
}

static void
write_called_expectation(const struct octo_element *element, struct jw *jw)
{
	if (element->expectation != OCTO_TO_HAVE_STYLE) {
		jw_str(jw, element->called.text);
		return;
	}
	jw_arr(jw);
	jw_str(jw, element->called.name);
	jw_str(jw, element->called.text);
	jw_end_arr(jw);
}

/* --- Elements --- */

static void
write_what(const struct octo_element *element, struct jw *jw)
{
	bool is_action = element->kind == OCTO_INTERACTION;

	jw_kobj(jw, is_action ? "interaction" : "assertion");
	if (is_action)
		jw_kstr(jw, "action", octo_action_names[element->action]);
	else
		jw_kstr(jw, "expectation", octo_expectation_names[element->expectation]);
	jw_key(jw, "calledWith");
	if (is_action)
		write_called_action(element, jw);
	else
		write_called_expectation(element, jw);
	jw_end_obj(jw);
}

static void
write_element(const struct octo_element *element, struct jw *jw)
{
	write_what(element, jw);
	write_selectors(&element->selectors, jw);
	if (element->ignores_failure)
		jw_kbool(jw, "ignoreFailure", true);
}

void
octo_element_write(const struct octo_case *c, size_t index, struct jw *jw)
{
	struct uuid id;

	octo_element_id(c, index, &id);
	jw_obj(jw);
	jw_kuuid(jw, "id", &id);
	jw_ki64(jw, "index", (int64_t)index);
	jw_kuuid(jw, "testCaseId", &c->id);
	write_element(&c->element[index], jw);
	jw_end_obj(jw);
}

/* --- Cases --- */

static void
write_texts(struct jw *jw, const char *key, const struct strs *texts)
{
	jw_karr(jw, key);
	for (size_t i = 0; i < texts->n; i++)
		jw_str(jw, texts->item[i]);
	jw_end_arr(jw);
}

/* What both shapes have under the same name. */
static void
write_head(const struct octo_case *c, struct jw *jw)
{
	jw_kstr(jw, "version", "1");
	jw_kuuid(jw, "id", &c->id);
	if (c->type != OCTO_CASE_PLAIN)
		jw_kstr(jw, "type", octo_case_type_names[c->type]);
	jw_kstr(jw, "description", c->description);
	jw_kstr(jw, "prompt", c->prompt);
	jw_kstr(jw, "runStatus", octo_run_status_names[c->run_status]);
	jw_kstr_opt(jw, "entryPointUrlPath", c->entry_path);
	jw_kstr_opt(jw, "folderName", c->folder);
	jw_kstr_opt(jw, "externalId", c->external_id);
	if (c->excluded_environments.n > 0)
		write_texts(jw, "excludedEnvironmentNames", &c->excluded_environments);
	if (c->editing != OCTO_EDITING_NONE)
		jw_kstr(jw, "localEditingStatus", octo_editing_names[c->editing]);
}

void
octo_case_write_sync(const struct octo_case *c, struct jw *jw)
{
	write_head(c, jw);
	write_texts(jw, "tagNames", &c->tags);
	if (!uuid_is_zero(&c->dependency))
		jw_kuuid(jw, "dependencyId", &c->dependency);
	if (!uuid_is_zero(&c->teardown))
		jw_kuuid(jw, "teardownId", &c->teardown);
	jw_karr(jw, "elements");
	for (size_t i = 0; i < c->n_elements; i++) {
		jw_obj(jw);
		write_element(&c->element[i], jw);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

static void
write_facts(const struct octo_case_facts *facts, struct jw *jw)
{
	jw_kuuid(jw, "testTargetId", &facts->test_target);
	jw_kstr(jw, "status", octo_status_names[facts->status]);
	jw_ktime(jw, "createdAt", facts->created_wall_ms);
	jw_ktime(jw, "updatedAt", facts->updated_wall_ms);
	jw_kstr(jw, "createdBy", facts->created_by ? facts->created_by : "EDIT");
	jw_kstr_opt(jw, "folderId", facts->folder_id);
	if (!facts->discovery_status)
		return;
	jw_kobj(jw, "discovery");
	jw_kstr(jw, "status", facts->discovery_status);
	jw_ktime(jw, "updatedAt", facts->updated_wall_ms);
	jw_end_obj(jw);
}

void
octo_case_write(const struct octo_case *c, const struct octo_case_facts *facts, struct jw *jw)
{
	write_head(c, jw);
	write_facts(facts, jw);
	write_texts(jw, "tags", &c->tags);
	if (!uuid_is_zero(&c->dependency))
		jw_kuuid(jw, "prerequisiteId", &c->dependency);
	if (!uuid_is_zero(&c->teardown))
		jw_kuuid(jw, "teardownTestCaseId", &c->teardown);
	jw_karr(jw, "elements");
	for (size_t i = 0; i < c->n_elements; i++)
		octo_element_write(c, i, jw);
	jw_end_arr(jw);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Test cases one by one: list, show, change, delete. */
#include <string.h>

#include "base/clock.h"
#include "dialects/octomind/filter.h"
#include "dialects/octomind/locator.h"
#include "dialects/octomind/service.h"

/* --- Reading --- */

static bool
fits(json_t *filter, const struct octo_saved *saved, const char *target)
{
	const struct octo_case *c = &saved->c;
	char id[UUID_TEXT_LEN + 1], before[UUID_TEXT_LEN + 1], folder[UUID_TEXT_LEN + 1];

	uuid_format(&c->id, id);
	uuid_format(&c->dependency, before);
	const struct octo_filter_facts facts = {
		.id = id,
		.test_target = target,
		.description = c->description,
		.status = octo_status_names[saved->status],
		.run_status = octo_run_status_names[c->run_status],
		.folder_id = c->folder ? octo_folder_id(c->folder, folder) : NULL,
		.folder_name = c->folder,
		.external_id = c->external_id,
		.prerequisite = uuid_is_zero(&c->dependency) ? NULL : before,
	};

	return octo_filter_fits(filter, &facts);
}

static int
write_list(struct call *call, const struct octo_target *target, const struct octo_saves *cases,
	json_t *filter, struct err *err)
{
	char id[UUID_TEXT_LEN + 1];
	struct jw jw = call_jw(call);

	uuid_format(&target->project->id, id);
	jw_arr(&jw);
	for (size_t i = 0; i < cases->n; i++)
		if (fits(filter, &cases->item[i], id))
			octo_saved_write(&jw, &cases->item[i], &target->project->id);
	jw_end_arr(&jw);
	return call_written(call, &jw, err);
}

int
octo_cases_list(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_issues issues = { .arena = call->arena };
	_cleanup_(json_unrefp) json_t *filter = octo_json_param(call, "filter", &issues);
	struct octo_target target;
	struct octo_saves cases;

	if (octo_target(call, call->arg[0], &target, err) < 0)
		return -1;
	if (issues.n > 0 || octo_filter_check(filter, &issues) < 0)
		return octo_refuse_read(call, &issues, err);
	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	return write_list(call, &target, &cases, filter, err);
}

/* The case of the path's second part. -1: NOT_FOUND. */
static struct octo_saved *
find(struct call *call, const struct octo_saves *cases, struct err *err)
{
	struct octo_saved *found = NULL;
	struct uuid id;

	if (uuid_parse(str_of(call->arg[1]), &id) == 0)
		found = octo_saved_find(cases, &id);
	if (!found)
		(void)err_set(
			err, ERR_NOT_FOUND, "there is no test case \"%.60s\"", call->arg[1]);
	return found;
}

int
octo_case_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct octo_saves cases;
	const struct octo_saved *saved;
	struct jw jw = call_jw(call);

	if (octo_target(call, call->arg[0], &target, err) < 0 ||
		octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	saved = find(call, &cases, err);
	if (!saved)
		return -1;
	octo_saved_write(&jw, saved, &target.project->id);
	return call_written(call, &jw, err);
}

/* --- Changing --- */

struct case_edit {
	struct octo_puts puts; /* first: octo_puts_submit() makes it the call's state */
	struct octo_put put;
	struct octo_target target;
	int64_t element; /* that is changed alone; -1: the case */
	bool is_answered;
};

static int
prepare(struct call *call, struct case_edit *edit, struct store_reader *reader,
	struct octo_saves *cases, struct octo_saved *changed, struct err *err)
{
	struct octo_environments list;
	struct octo_run run;
	int r;

	edit->put.saved = *changed;
	edit->puts.item = &edit->put;
	edit->puts.n = 1;
	if (octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	octo_run_init(&run, &edit->target, octo_environment_find(&list, NULL));
	r = octo_puts_prepare(
		&edit->puts, reader, call->project, cases, &run, call->arena, err);
	octo_environments_deinit(&list);
	return r;
}

/* Texts that are given replace; null takes one away. */
static void
patch_text(const char **slot, json_t *body, const char *name, struct octo_issues *issues)
{
	const char *text = octo_text(body, name, false, issues);

	if (text)
		*slot = arena_strdup(issues->arena, text);
	else if (json_is_null(json_object_get(body, name)))
		*slot = NULL;
}

static void
patch_tags(struct octo_case *c, json_t *tags, struct octo_issues *issues)
{
	const struct octo_at *at = OCTO_MEMBER(NULL, "assignedTagNames");
	size_t n = 0, index;
	json_t *tag;

	if (!json_is_array(tags)) {
		octo_issues_type(issues, at, "array", tags);
		return;
	}
	const char **item =
		arena_xalloc(issues->arena, (json_array_size(tags) + 1) * sizeof *item);

	json_array_foreach(tags, index, tag)
	{
		if (json_is_string(tag))
			item[n++] = arena_strdup(issues->arena, json_string_value(tag));
		else
			octo_issues_type(issues, OCTO_ITEM(at, index), "string", tag);
	}
	c->tags = (struct strs) { .item = item, .n = n };
}

static void
patch_case(struct octo_saved *saved, json_t *body, struct octo_issues *issues)
{
	struct octo_case *c = &saved->c;
	json_t *elements = json_object_get(body, "elements");
	json_t *tags = json_object_get(body, "assignedTagNames");
	int run_status;

	patch_text(&c->description, body, "description", issues);
	patch_text(&c->entry_path, body, "entryPointUrlPath", issues);
	patch_text(&c->folder, body, "folderName", issues);
	patch_text(&c->external_id, body, "externalId", issues);
	patch_text(&c->prompt, body, "createBackendDiscoveryPrompt", issues);
	c->description = c->description ? c->description : "";
	c->prompt = c->prompt ? c->prompt : "";
	saved->status = (enum octo_status)octo_word_in(
		body, "status", octo_status_names, (int)saved->status, issues);
	run_status = octo_word_in(
		body, "runStatus", octo_run_status_names, (int)c->run_status, issues);
	c->run_status = (enum octo_run_status)run_status;
	if (tags)
		patch_tags(c, tags, issues);
	/* What is wrong is in issues. */
	if (elements)
		(void)(octo_elements_decode(elements, OCTO_MEMBER(NULL, "elements"), issues,
			       &c->element, &c->n_elements) < 0);
}

static void
patch_element(struct octo_saved *saved, int64_t at, json_t *body, struct octo_issues *issues)
{
	const char *line = octo_text(body, "locatorLine", true, issues);
	struct octo_case *c = &saved->c;
	struct err err;

	if (!line)
		return;
	struct octo_element *copy =
		arena_xalloc(issues->arena, (c->n_elements + 1) * sizeof *copy);

	memcpy(copy, c->element, c->n_elements * sizeof *copy);
	c->element = copy;
	if (octo_locator_read(line, issues->arena, &copy[at].selectors, &err) < 0)
		octo_issues_add(issues, OCTO_MEMBER(NULL, "locatorLine"), "custom",
			"a chain of Playwright's locators", "string", "%s", err.text);
}

static int
read_edit(struct call *call, struct store_reader *reader, struct err *err)
{
	struct case_edit *edit = call->state;
	struct octo_issues issues = { .arena = call->arena };
	struct octo_saves cases;
	struct octo_saved *saved;
	struct uuid element;

	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	saved = find(call, &cases, err);
	if (!saved)
		return -1;
	if (call->arg[2]) {
		edit->element = uuid_parse(str_of(call->arg[2]), &element) < 0
			? -1
			: octo_element_find(&saved->c, &element);
		if (edit->element < 0)
			return err_set(err, ERR_NOT_FOUND, "there is no element \"%.60s\"",
				call->arg[2]);
		patch_element(saved, edit->element, call->json, &issues);
	} else {
		patch_case(saved, call->json, &issues);
	}
	if (issues.n > 0) {
		edit->is_answered = true;
		return octo_refuse_read(call, &issues, err);
	}
	return prepare(call, edit, reader, &cases, saved, err);
}

static void
on_saved(struct call *call)
{
	const struct case_edit *edit = call->state;
	struct jw jw = call_jw(call);

	if (edit->element >= 0)
		octo_element_write(&edit->put.saved.c, (size_t)edit->element, &jw);
	else
		octo_saved_write(&jw, &edit->put.saved, &edit->target.project->id);
	octo_reply(call, &jw, 200);
}

static void
on_edit(struct call *call)
{
	struct case_edit *edit = call->state;

	if (call->read_result < 0 || edit->is_answered)
		call_finish_read(call);
	else
		octo_puts_submit(call, &edit->puts, on_saved);
}

static struct case_edit *
edit_new(struct call *call)
{
	struct case_edit *edit = arena_xalloc(call->arena, sizeof *edit);

	edit->element = -1;
	call->state = edit;
	return octo_path_target(call, &edit->target) ? edit : NULL;
}

void
octo_case_patch(struct call *call)
{
	if (octo_body(call) && edit_new(call))
		call_read(call, read_edit, on_edit);
}

void
octo_element_patch(struct call *call)
{
	octo_case_patch(call);
}

/* --- Deleting --- */

/* Cases that cannot do without it: the answer names them. True: there are some. */
static bool
refuse_dependent(struct call *call, const struct octo_saves *cases, const struct uuid *id)
{
	struct jw jw = call_jw(call);
	size_t n = 0;

	jw_obj(&jw);
	jw_kstr(&jw, "status", "has dependencies");
	jw_karr(&jw, "dependencyIds");
	for (size_t i = 0; i < cases->n; i++) {
		const struct octo_case *c = &cases->item[i].c;

		if (uuid_eq(&c->id, id) ||
			(!uuid_eq(&c->dependency, id) && !uuid_eq(&c->teardown, id)))
			continue;
		jw_uuid(&jw, &c->id);
		n++;
	}
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return n > 0 && jw_done(&jw) == 0;
}

static int
read_to_delete(struct call *call, struct store_reader *reader, struct err *err)
{
	struct case_edit *edit = call->state;
	struct octo_saves cases;
	const struct octo_saved *saved;

	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	saved = find(call, &cases, err);
	if (!saved)
		return -1;
	edit->put.saved = *saved;
	edit->is_answered = refuse_dependent(call, &cases, &saved->c.id);
	call->status = edit->is_answered ? 400 : 0;
	return 0;
}

static void
on_deleted(struct call *call)
{
	struct jw jw;

	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	jw = call_jw(call);
	jw_obj(&jw);
	jw_kstr(&jw, "status", "deleted");
	jw_end_obj(&jw);
	octo_reply(call, &jw, 200);
}

static void
on_to_delete(struct call *call)
{
	const struct case_edit *edit = call->state;

	if (call->read_result < 0 || edit->is_answered) {
		call_finish_read(call);
		return;
	}
	buf_clear(&call->out);
	call->intent = call_intent(call, INTENT_DEF_DELETE);
	if (!call->intent)
		return;
	call->intent->in.def_delete =
		(struct def_delete) { .kind = DEF_TEST, .id = edit->put.saved.id };
	call_submit(call, call->intent, on_deleted);
}

void
octo_case_delete(struct call *call)
{
	if (edit_new(call))
		call_read(call, read_to_delete, on_to_delete);
}

/* --- Discoveries --- */

static int
read_discovery(struct call *call, struct store_reader *reader, struct err *err)
{
	struct case_edit *edit = call->state;
	struct octo_saved *saved = &edit->put.saved;
	struct octo_saves cases;
	const char *before = json_string_value(json_object_get(call->json, "prerequisiteName"));

	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	for (size_t i = 0; before && i < cases.n; i++)
		if (strcmp(cases.item[i].c.description, before) == 0)
			saved->c.dependency = cases.item[i].c.id;
	if (before && *before && uuid_is_zero(&saved->c.dependency))
		return err_set(err, ERR_INVALID, "there is no test case \"%.100s\"", before);
	return prepare(call, edit, reader, &cases, saved, err);
}

static void
on_discovered(struct call *call)
{
	const struct case_edit *edit = call->state;
	struct jw jw = call_jw(call);

	jw_obj(&jw);
	jw_kuuid(&jw, "discoveryId", &edit->put.saved.c.id);
	jw_kuuid(&jw, "testCaseId", &edit->put.saved.c.id);
	jw_end_obj(&jw);
	octo_reply(call, &jw, 200);
}

static void
on_discovery(struct call *call)
{
	struct case_edit *edit = call->state;

	if (call->read_result < 0)
		call_finish_read(call);
	else
		octo_puts_submit(call, &edit->puts, on_discovered);
}

void
octo_discovery(struct call *call)
{
	struct octo_issues issues = { .arena = call->arena };
	struct case_edit *edit = octo_body(call) ? edit_new(call) : NULL;
	struct octo_case *c;
	struct rng rng;
	json_t *tags;

	if (!edit)
		return;
	c = &edit->put.saved.c;
	rng_seed_os(&rng);
	uuid_v7(&c->id, clock_wall_ms(), &rng);
	c->type = OCTO_CASE_PLAIN;
	c->editing = OCTO_EDITING_NONE;
	c->run_status = OCTO_OFF;
	(void)(octo_text(call->json, "name", true, &issues) &&
		octo_text(call->json, "prompt", true, &issues)); /* issues say it */
	patch_text(&c->description, call->json, "name", &issues);
	patch_text(&c->prompt, call->json, "prompt", &issues);
	patch_text(&c->entry_path, call->json, "entryPointUrlPath", &issues);
	patch_text(&c->external_id, call->json, "externalId", &issues);
	patch_text(&c->folder, call->json, "folderName", &issues);
	c->type = (enum octo_case_type)octo_word_in(
		call->json, "type", octo_case_type_names, OCTO_CASE_PLAIN, &issues);
	tags = json_object_get(call->json, "tagNames");
	if (tags && !json_is_null(tags))
		patch_tags(c, tags, &issues);
	edit->put.saved.status = OCTO_DRAFT;
	edit->put.saved.created_by = "DISCOVERY";
	edit->put.saved.discovery_status = "FAILED";
	if (issues.n > 0)
		octo_refuse(call, &issues);
	else
		call_read(call, read_discovery, on_discovery);
}

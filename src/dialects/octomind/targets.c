/* SPDX-License-Identifier: Apache-2.0 */
/* Test targets are projects; what a project has no member for lies in its extra.octomind. */
#include <string.h>

#include "core/environment.h"
#include "dialects/octomind/service.h"

enum {
	STEP_TIMEOUT_MS_MIN = 5000,
	STEP_TIMEOUT_MS_MAX = 30000,
};

static const json_t *
octomind_of(const json_t *settings)
{
	return json_object_get(json_object_get(settings, "extra"), "octomind");
}

int
octo_target(struct call *call, const char *id, struct octo_target *ret, struct err *err)
{
	struct project *project;

	if (api_project_find(call->api, id, call->arena, &project) != 0 ||
		(call->who->role != ROLE_ADMIN && call->who->project != project->seq))
		return err_set(err, ERR_NOT_FOUND, "there is no test target \"%.100s\"", id);
	_cleanup_(json_unrefp) json_t *settings = project_settings(project);
	const json_t *own = octomind_of(settings);
	const char *attribute = json_string_value(json_object_get(own, "testIdAttribute"));

	call->project = project->seq;
	*ret = (struct octo_target) {
		.project = project,
		.test_id_attribute = attribute ? arena_strdup(call->arena, attribute) : NULL,
		.step_timeout_ms = json_integer_value(json_object_get(own, "timeoutPerStep")),
	};
	return 0;
}

bool
octo_path_target(struct call *call, struct octo_target *ret)
{
	if (octo_target(call, call->arg[0], ret, &call->err) == 0)
		return true;
	call_error(call, &call->err);
	return false;
}

/* --- Reading --- */

static void
write_members(struct jw *jw, const struct project *project)
{
	_cleanup_(json_unrefp) json_t *settings = project_settings(project);
	const json_t *own = octomind_of(settings);
	const char *key;
	json_t *value;

	jw_kuuid(jw, "id", &project->id);
	jw_kstr(jw, "app", project->name);
	json_object_foreach((json_t *)own, key, value)
	{
		jw_key(jw, key);
		jw_tree(jw, value);
	}
	jw_karr(jw, "tags");
	jw_end_arr(jw);
}

static void
write_target(struct jw *jw, const struct project *project, const struct octo_environments *list)
{
	jw_obj(jw);
	write_members(jw, project);
	jw_karr(jw, "environments");
	for (size_t i = 0; list && i < list->n; i++)
		octo_environment_write(jw, &list->item[i], &project->id);
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static int
read_one(struct jw *jw, const struct project *project, struct call *call,
	struct store_reader *reader, struct err *err)
{
	struct octo_environments list;

	if (octo_environments_load(reader, project->seq, call->arena, &list, err) < 0)
		return -1;
	write_target(jw, project, &list);
	octo_environments_deinit(&list);
	return 0;
}

int
octo_target_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct jw jw = call_jw(call);

	if (octo_target(call, call->arg[0], &target, err) < 0 ||
		read_one(&jw, target.project, call, reader, err) < 0)
		return -1;
	return call_written(call, &jw, err);
}

static int
read_all(struct call *call, struct store_reader *reader, struct err *err)
{
	struct project *projects;
	size_t n;
	struct jw jw = call_jw(call);

	api_projects(call->api, call->arena, &projects, &n);
	jw_arr(&jw);
	for (size_t i = 0; i < n; i++) {
		if (call->who->role != ROLE_ADMIN && call->who->project != projects[i].seq)
			continue;
		if (read_one(&jw, &projects[i], call, reader, err) < 0)
			return -1;
	}
	jw_end_arr(&jw);
	return call_written(call, &jw, err);
}

void
octo_targets_list(struct call *call)
{
	call_read(call, read_all, NULL);
}

/* --- Writing --- */

static int
read_after_write(struct call *call, struct store_reader *reader, struct err *err)
{
	struct jw jw = call_jw(call);

	if (read_one(&jw, call->state, call, reader, err) < 0)
		return -1;
	return call_written(call, &jw, err);
}

/* What came of a project's intent; its copy is call->state then. False: answered. */
static bool
take_project(struct call *call)
{
	struct project *project = call->intent->out.project;
	char id[UUID_TEXT_LEN + 1];

	if (call->intent->status == INTENT_IS_ERROR) {
		/* A name that is taken, a project that must stay: of no use to try again. */
		if (call->intent->err.code == ERR_CONFLICT)
			call_problem(call, PROBLEM_INVALID_FIELD, "%s", call->intent->err.text);
		else
			call_intent_error(call);
		return false;
	}
	if (!call->intent->replayed)
		api_project_learn(call->api, project);
	uuid_format(
		call->intent->replayed ? &call->intent->out.jobs[0].id.u : &project->id, id);
	if (api_project_find(call->api, id, call->arena, &project) != 0) {
		call_problem(call, PROBLEM_NOT_FOUND, "it was deleted meanwhile");
		return false;
	}
	call->project = project->seq;
	call->state = project;
	return true;
}

static void
on_first_environment(struct call *call)
{
	/* The name is taken when the request is a repeated one: it is as it should be. */
	if (call->intent->status == INTENT_IS_ERROR && call->intent->err.code != ERR_CONFLICT)
		call_intent_error(call);
	else
		call_read(call, read_after_write, NULL);
}

static void
on_created(struct call *call)
{
	json_t *asked = json_object_get(call->json, "testTarget");
	const char *url = json_string_value(json_object_get(asked, "discoveryUrl"));
	struct intent *intent;

	if (!take_project(call))
		return;
	_cleanup_(json_unrefp) json_t *body =
		json_pack("{s:s, s:b}", "name", "default", "isDefault", true);

	if (url)
		(void)json_object_set_new(body, "url", json_string(url));
	call->intent = intent_free(call->intent);
	intent = intent_new(INTENT_DEF_PUT, call->project, ARENA_REQUEST_BYTES_MAX);
	call->intent = intent;
	intent->in.def_put = (struct def_put) {
		.key.kind = DEF_ENVIRONMENT,
		.name = "default",
		.tags = "[]",
		.body = json_tree_text(&intent->arena, body, DEFINITION_BYTES_MAX).p,
		.if_revision = -1,
	};
	call_submit(call, intent, on_first_environment);
}

static void
submit(struct call *call, const struct uuid *id, json_t *settings,
	void (*then)(struct call *call))
{
	const char *name = NULL;

	if (project_read(settings, &call->issues, &name) < 0) {
		call_issues(call);
		return;
	}
	call->intent = project_put_intent(call, id, settings);
	if (call->intent)
		call_submit(call, call->intent, then);
}

void
octo_target_create(struct call *call)
{
	struct octo_issues issues = { .arena = call->arena };
	const struct uuid none = { 0 };
	json_t *body = octo_body(call), *asked;
	const char *app, *url;

	if (!body)
		return;
	asked = json_object_get(body, "testTarget");
	if (!json_is_object(asked))
		octo_issues_type(&issues, OCTO_MEMBER(NULL, "testTarget"), "object", asked);
	app = octo_text(asked, "app", true, &issues);
	url = octo_text(asked, "discoveryUrl", true, &issues);
	if (issues.n > 0) {
		octo_refuse(call, &issues);
		return;
	}
	(void)url; /* on_created() reads it again */
	_cleanup_(json_unrefp) json_t *settings = json_pack("{s:s}", "name", app);

	submit(call, &none, settings, on_created);
}

static void
on_patched(struct call *call)
{
	if (take_project(call))
		call_read(call, read_after_write, NULL);
}

/* Members of the PATCH into extra.octomind. */
static void
merge(json_t *own, json_t *body, struct octo_issues *issues)
{
	json_t *timeout = json_object_get(body, "timeoutPerStep");
	json_t *rail = json_object_get(body, "testRailIntegration");
	const char *attribute = octo_text(body, "testIdAttribute", false, issues);

	if (attribute)
		(void)json_object_set_new(own, "testIdAttribute", json_string(attribute));
	if (timeout && !json_is_integer(timeout))
		octo_issues_type(
			issues, OCTO_MEMBER(NULL, "timeoutPerStep"), "number", timeout);
	else if (timeout &&
		(json_integer_value(timeout) < STEP_TIMEOUT_MS_MIN ||
			json_integer_value(timeout) > STEP_TIMEOUT_MS_MAX))
		octo_issues_add(issues, OCTO_MEMBER(NULL, "timeoutPerStep"), "too_big",
			"5000 to 30000", "number", "milliseconds from %d to %d are expected",
			STEP_TIMEOUT_MS_MIN, STEP_TIMEOUT_MS_MAX);
	else if (timeout)
		(void)json_object_set(own, "timeoutPerStep", timeout);
	if (rail && !json_is_object(rail)) {
		octo_issues_type(
			issues, OCTO_MEMBER(NULL, "testRailIntegration"), "object", rail);
	} else if (rail) {
		_cleanup_(json_unrefp) json_t *kept = json_deep_copy(rail);

		(void)json_object_del(kept, "apiKey"); /* nobody here uses it */
		(void)json_object_set(own, "testRailIntegration", kept);
	}
}

void
octo_target_patch(struct call *call)
{
	struct octo_issues issues = { .arena = call->arena };
	struct octo_target target;
	json_t *body = octo_body(call), *extra, *own;
	const char *app;

	if (!body || !octo_path_target(call, &target))
		return;
	_cleanup_(json_unrefp) json_t *settings = project_settings(target.project);

	extra = json_object_get(settings, "extra");
	if (!extra)
		(void)json_object_set_new(settings, "extra", extra = json_object());
	own = json_object_get(extra, "octomind");
	if (!own)
		(void)json_object_set_new(extra, "octomind", own = json_object());
	app = octo_text(body, "app", false, &issues);
	if (app)
		(void)json_object_set_new(settings, "name", json_string(app));
	merge(own, body, &issues);
	if (issues.n > 0)
		octo_refuse(call, &issues);
	else
		submit(call, &target.project->id, settings, on_patched);
}

static void
on_deleted(struct call *call)
{
	const struct project *gone = call->intent->out.project;

	if (call->intent->status == INTENT_IS_ERROR) {
		(void)take_project(call);
		return;
	}
	api_project_learn(call->api, gone);
	api_purge(call->api, gone->seq);
	call_reply_empty(call, 204);
}

void
octo_target_delete(struct call *call)
{
	struct octo_target target;

	if (octo_path_target(call, &target))
		project_remove(call, target.project, 0, on_deleted);
}

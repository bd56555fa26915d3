/* SPDX-License-Identifier: Apache-2.0 */
/* Projects: the list of them, their settings, making and deleting them. */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "core/environment.h"

static void
project_write(struct jw *jw, const struct project *project, const char *durable)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &project->id);
	jw_kstr(jw, "name", project->name);
	jw_ki64(jw, "revision", project->revision);
	splice_members(jw, str_of(project->body));
	jw_ktime(jw, "createdAt", project->created_ms);
	jw_ktime(jw, "updatedAt", project->updated_ms);
	jw_kstr_opt(jw, "durable", durable);
	jw_end_obj(jw);
}

/* Whether the token reaches into that project. */
static bool
may_see(const struct call *call, const struct project *project)
{
	return call->who->role == ROLE_ADMIN || call->who->project == project->seq;
}

/* The project of the path; NULL: answered. */
static struct project *
path_project(struct call *call)
{
	struct project *project;

	if (api_project_find(call->api, call->arg[0], call->arena, &project) == 0 &&
		may_see(call, project))
		return project;
	call_problem(call, PROBLEM_NOT_FOUND, "there is no project \"%.100s\"", call->arg[0]);
	return NULL;
}

static void
reply_written(struct call *call, struct jw *jw, unsigned status)
{
	if (call_written(call, jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, status);
}

/* --- Reading --- */

void
projects_list(struct call *call)
{
	struct project *projects;
	size_t n;
	struct jw jw = call_jw(call);

	api_projects(call->api, call->arena, &projects, &n);
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		if (may_see(call, &projects[i]))
			project_write(&jw, &projects[i], NULL);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	reply_written(call, &jw, 200);
}

void
project_show(struct call *call)
{
	const struct project *project = path_project(call);
	struct jw jw;

	if (!project)
		return;
	call_etag(call, project->revision);
	if (call_not_modified(call, project->revision)) {
		call_reply_empty(call, call->status);
		return;
	}
	jw = call_jw(call);
	project_write(&jw, project, NULL);
	reply_written(call, &jw, 200);
}

/* --- Writing --- */

static void
on_put(struct call *call)
{
	const struct intent *intent = call->intent;
	struct project *project = intent->out.project;
	unsigned ok = uuid_is_zero(&intent->in.project_change.id) ? 201 : 200;
	struct jw jw;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	if (intent->replayed) {
		char id[UUID_TEXT_LEN + 1];

		uuid_format(&intent->out.jobs[0].id.u, id);
		if (api_project_find(call->api, id, call->arena, &project) != 0) {
			call_problem(call, PROBLEM_NOT_FOUND, "it was deleted since");
			return;
		}
		http_header_add(call->req, "Idempotency-Replayed", "true");
		call->api->counters.idem_replays++;
	} else {
		api_project_learn(call->api, project);
	}
	call_etag(call, project->revision);
	jw = call_jw(call);
	project_write(&jw, project, call->api->durable);
	reply_written(call, &jw, ok);
}

struct intent *
project_put_intent(struct call *call, const struct uuid *id, json_t *settings)
{
	_cleanup_(buf_deinit) struct buf body = BUF_INIT(PROJECT_BYTES_MAX);
	struct intent *intent = call_intent(call, INTENT_PROJECT_PUT);
	const char *name = json_string_value(json_object_get(settings, "name"));
	struct jw jw;

	if (!intent)
		return NULL;
	intent->in.project_change.id = *id;
	intent->in.project_change.put.name = arena_strdup(&intent->arena, name);
	(void)json_object_del(settings, "name"); /* in a column of its own */
	jw_init(&jw, &body);
	jw_tree(&jw, settings);
	if (jw_done(&jw) < 0) {
		call_problem(call, PROBLEM_LIMIT_EXCEEDED,
			"the settings of a project have at most %d bytes",
			(int)PROJECT_BYTES_MAX);
		return intent_free(intent);
	}
	intent->in.project_change.put.body = arena_strndup(&intent->arena, body.data, body.len);
	return intent;
}

/* Checks the settings and saves them. `old` NULL: a new project. */
static void
put(struct call *call, const struct project *old, json_t *settings)
{
	const struct uuid none = { 0 };
	int64_t if_match = call_if_match(call);
	const char *name = NULL;

	if (project_read(settings, &call->issues, &name) == 0 && !name)
		issues_add(&call->issues, "/name", ISSUE_MISSING, "a project has a name");
	if (call->issues.n > 0) {
		call_issues(call);
		return;
	}
	if (if_match < 0) {
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
		return;
	}
	call->intent = project_put_intent(call, old ? &old->id : &none, settings);
	if (!call->intent)
		return;
	call->intent->in.project_change.if_revision = if_match;
	call_submit(call, call->intent, on_put);
}

void
project_create(struct call *call)
{
	put(call, NULL, call->json);
}

json_t *
project_settings(const struct project *project)
{
	struct err ignored;
	json_t *settings =
		json_read(project->body, strlen(project->body), JSON_DEPTH_MAX, &ignored);

	if (!json_is_object(settings)) { /* we wrote it: only a damaged row has none */
		json_decref(settings);
		settings = json_object();
	}
	(void)json_object_set_new(settings, "name", json_string(project->name));
	return settings;
}

/* JSON Merge Patch (RFC 7396) of the settings: null takes a member away. */
void
project_patch(struct call *call)
{
	const struct project *old = path_project(call);
	const char *key;
	json_t *value;

	if (!old)
		return;
	if (!json_is_object(call->json)) {
		issues_add(&call->issues, "", ISSUE_INVALID, "an object is expected");
		call_issues(call);
		return;
	}
	_cleanup_(json_unrefp) json_t *settings = project_settings(old);

	json_object_foreach(call->json, key, value)
	{
		if (json_is_null(value))
			(void)json_object_del(settings, key);
		else
			(void)json_object_set(settings, key, value);
	}
	put(call, old, settings);
}

static void
on_deleted(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	api_project_learn(call->api, call->intent->out.project);
	api_purge(call->api, call->intent->out.project->seq);
	call_reply_empty(call, 204);
}

void
project_remove(struct call *call, const struct project *project, int64_t if_match,
	void (*then)(struct call *call))
{
	call->intent = call_intent(call, INTENT_PROJECT_DELETE);
	if (!call->intent)
		return;
	call->intent->in.project_change.id = project->id;
	call->intent->in.project_change.if_revision = if_match;
	call_submit(call, call->intent, then ? then : on_deleted);
}

void
project_delete(struct call *call)
{
	const struct project *project = path_project(call);
	int64_t if_match = call_if_match(call);

	if (!project)
		return;
	if (if_match < 0)
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
	else
		project_remove(call, project, if_match, NULL);
}

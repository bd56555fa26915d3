/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API knows of projects: a mirror of the engine's list, read once at the start and
 * kept with every change. Requests name projects by name or id, rows by number.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_impl.h"
#include "base/mem.h"

/* --- Names for answers --- */

/*
 * Writers of JSON know a row and no server, and a name that was handed out must stay: names are
 * kept for the whole process, one for each project and each new name of it.
 */
struct kept_name {
	struct kept_name *older; /* that the project had before */
	char text[];
};

static struct {
	pthread_mutex_t lock;
	struct kept_name **item; /* by seq */
	size_t n;
} names = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
keep_name(const struct project *project)
{
	size_t at = (size_t)project->seq, n = strlen(project->name) + 1;

	(void)pthread_mutex_lock(&names.lock);
	if (at >= names.n) {
		names.item = xrealloc(names.item, (at + 1) * sizeof(*names.item));
		memset(&names.item[names.n], 0, (at + 1 - names.n) * sizeof(*names.item));
		names.n = at + 1;
	}
	if (!names.item[at] || strcmp(names.item[at]->text, project->name) != 0) {
		struct kept_name *name = xcalloc(1, sizeof *name + n);

		memcpy(name->text, project->name, n);
		name->older = names.item[at];
		names.item[at] = name;
	}
	(void)pthread_mutex_unlock(&names.lock);
}

const char *
api_project_name(int64_t seq)
{
	const struct kept_name *name = NULL;

	(void)pthread_mutex_lock(&names.lock);
	if (seq >= 0 && (size_t)seq < names.n)
		name = names.item[seq];
	(void)pthread_mutex_unlock(&names.lock);
	return name ? name->text : "default";
}

/* --- The mirror --- */

int
api_projects_start(struct api *api, struct err *err)
{
	struct store_reader *reader = api_reader_take(api, err);
	_cleanup_(arena_deinit) struct arena arena;
	struct project *rows;
	size_t n;

	if (!reader)
		return -1;
	arena_init(&arena, PROJECTS_MAX * (size_t)PROJECT_BYTES_MAX);
	int r = read_projects(reader, &arena, &rows, &n, err);

	api_reader_give(api, reader);
	for (size_t i = 0; r == 0 && i < n; i++)
		api_project_learn(api, &rows[i]);
	return r < 0 ? -1 : 0;
}

void
api_project_learn(struct api *api, const struct project *project)
{
	uv_mutex_lock(&api->lock);
	project_list_set(&api->projects, project);
	uv_mutex_unlock(&api->lock);
	keep_name(project);
}

static struct project *
copy(const struct project *project, struct arena *arena)
{
	struct project *row = arena_xalloc(arena, sizeof *row);

	*row = *project;
	row->name = arena_strdup(arena, project->name);
	row->body = arena_strdup(arena, project->body);
	return row;
}

int
api_project(struct api *api, int64_t seq, struct arena *arena, struct project **ret)
{
	uv_mutex_lock(&api->lock);
	const struct project *found = project_by_seq(&api->projects, seq);

	if (found)
		*ret = copy(found, arena);
	uv_mutex_unlock(&api->lock);
	return found ? 0 : STORE_NONE;
}

int
api_project_find(
	struct api *api, const char *id_or_name, struct arena *arena, struct project **ret)
{
	struct uuid id;
	bool is_id = uuid_parse(str_of(id_or_name), &id) == 0;

	uv_mutex_lock(&api->lock);
	const struct project *found = is_id ? project_by_id(&api->projects, &id)
					    : project_by_name(&api->projects, id_or_name);

	if (found)
		*ret = copy(found, arena);
	uv_mutex_unlock(&api->lock);
	return found ? 0 : STORE_NONE;
}

void
api_projects(struct api *api, struct arena *arena, struct project **ret, size_t *ret_n)
{
	size_t n = 0;

	uv_mutex_lock(&api->lock);
	struct project *rows = arena_xalloc(arena, (api->projects.n + 1) * sizeof *rows);

	for (size_t i = 0; i < api->projects.n; i++)
		if (api->projects.item[i]->deleted_ms == 0)
			rows[n++] = *copy(api->projects.item[i], arena);
	uv_mutex_unlock(&api->lock);
	*ret = rows;
	*ret_n = n;
}

/* --- Which one a request means --- */

/* The query parameter, taken out of the request: no route has it in its table. */
static const char *
take_parameter(struct http_request *req)
{
	const char *value = NULL;
	size_t n = 0;

	for (size_t i = 0; i < req->n_query; i++) {
		if (strcmp(req->query[i].name, "project") == 0)
			value = req->query[i].value;
		else
			req->query[n++] = req->query[i];
	}
	req->n_query = n;
	return value;
}

bool
call_select_project(struct call *call)
{
	const char *name = take_parameter(call->req);
	struct project *project;

	if (!name)
		name = http_header_get(call->req, "X-Proctor-Project");
	if (!name) {
		/* Workers of the administrator serve every project. */
		if (call->route->scope == SCOPE_WORK && call->who->role == ROLE_ADMIN)
			call->project = 0;
		return true;
	}
	if (api_project_find(call->api, name, call->arena, &project) == STORE_NONE) {
		call_problem(call, PROBLEM_NOT_FOUND, "there is no project \"%.100s\"", name);
		return false;
	}
	if (call->who->role != ROLE_ADMIN && call->who->project != project->seq) {
		call_problem(call, PROBLEM_FORBIDDEN, "this token belongs to another project");
		return false;
	}
	call->project = project->seq;
	return true;
}

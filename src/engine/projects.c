/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intents about projects, and what a deleted one leaves beside its jobs: cleared away in slices
 * between turns. The list itself is core/project.h.
 *
 * Nothing is noted about how far that came: at a start every deleted project is looked at once
 * more. No figures are made of one (stats.c); whatever else a late turn writes for it comes
 * with an event, which has its rows looked for again.
 */
#include "core/project.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "engine/engine_impl.h"

enum { GONE_CAP_MIN = 16 };

static void
answer_project(struct turn *turn, struct intent *intent, const struct project *project)
{
	struct project *copy = arena_xalloc(&intent->arena, sizeof *copy);

	*copy = *project;
	copy->name = arena_strdup(&intent->arena, project->name);
	copy->body = arena_strdup(&intent->arena, project->body);
	intent->out.project = copy;
	intent_keep_idem(turn, intent, &project->id, 1);
	intent_answer(turn, intent);
}

static void
refuse(struct turn *turn, struct intent *intent, const struct err *err)
{
	if (err->code == ERR_CONFLICT)
		intent_conflict(turn, intent, CONFLICT_REVISION, err->text);
	else
		(void)intent_fail(turn, intent, err->code, "%s", err->text);
}

void
project_put_apply(struct turn *turn, struct intent *intent)
{
	const struct project_change *change = &intent->in.project_change;
	const struct project *project;
	struct err err;

	if (project_list_put(&turn->engine->projects, &turn->uow, &change->id, &change->put,
		    change->if_revision, &project, &err) < 0)
		refuse(turn, intent, &err);
	else
		answer_project(turn, intent, project);
}

/* --- What is left of deleted ones --- */

static void
clear_soon(struct engine *engine, int64_t project)
{
	engine->remains_due_ms = engine->now_ms;
	for (size_t i = 0; i < engine->gone.n; i++)
		if (engine->gone.item[i] == project)
			return;
	if (engine->gone.n == engine->gone.cap) {
		engine->gone.cap = engine->gone.cap > 0 ? 2 * engine->gone.cap : GONE_CAP_MIN;
		engine->gone.item = xrealloc(
			engine->gone.item, engine->gone.cap * sizeof *engine->gone.item);
	}
	engine->gone.item[engine->gone.n++] = project;
}

void
projects_boot(struct engine *engine)
{
	for (size_t i = 0; i < engine->projects.n; i++)
		if (engine->projects.item[i]->deleted_ms > 0)
			clear_soon(engine, engine->projects.item[i]->seq);
}

void
projects_deinit(struct engine *engine)
{
	project_list_deinit(&engine->projects);
	free(engine->gone.item);
}

void
projects_see_late(struct turn *turn)
{
	struct engine *engine = turn->engine;
	int64_t seen = 0;

	for (size_t i = 0; i < turn->uow.events.n; i++) {
		int64_t project = turn->uow.events.item[i].project;

		if (project == seen)
			continue;
		seen = project;
		if (project_is_deleted(&engine->projects, project))
			clear_soon(engine, project);
	}
}

int
projects_clear(struct engine *engine, struct err *err)
{
	if (engine->gone.n == 0)
		return 0;
	int rc = store_purge_project(
		engine->store, engine->gone.item[engine->gone.n - 1], DELETE_ROWS_MAX, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		engine->gone.n--;
	return engine->gone.n > 0 ? STORE_MORE : 0;
}

/* --- Intents --- */

/* What would go on acting for a project that nobody can name any more. Jobs and definitions
 * take many turns: whoever deletes the project asks for them (api/purge.c). */
static void
drop_rules(struct turn *turn, int64_t project)
{
	struct engine *engine = turn->engine;

	schedule_list_drop_project(&engine->schedules, &turn->uow, project);
	retention_list_drop_project(&engine->retention, &turn->uow, project);
	quarantine_list_drop_project(&engine->quarantine, &turn->uow, project);
}

void
project_delete_apply(struct turn *turn, struct intent *intent)
{
	const struct project_change *change = &intent->in.project_change;
	const struct project *project;
	struct err err;

	if (project_list_remove(&turn->engine->projects, &turn->uow, &change->id,
		    change->if_revision, &project, &err) < 0) {
		refuse(turn, intent, &err);
		return;
	}
	drop_rules(turn, project->seq);
	clear_soon(turn->engine, project->seq);
	answer_project(turn, intent, project);
}

/* A store without the table's first row (tests make such) has the default project all the
 * same. */
bool
project_is_open(struct turn *turn, struct intent *intent)
{
	if (intent->project <= PROJECT_DEFAULT ||
		project_by_seq(&turn->engine->projects, intent->project))
		return true;
	(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such project");
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Intents about projects. The list itself is core/project.h. */
#include "core/project.h"

#include "engine/engine_impl.h"

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

/* SPDX-License-Identifier: Apache-2.0 */
/* Intents about schedules, and the jobs of their occurrences. */
#include <string.h>

#include "engine/engine_impl.h"

static void
answer_schedule(struct turn *turn, struct intent *intent, const struct schedule *schedule)
{
	intent->out.schedule = arena_xalloc(&intent->arena, sizeof *intent->out.schedule);
	schedule_snapshot(&intent->arena, schedule, intent->out.schedule);
	intent_answer(turn, intent);
}

static void
refuse(struct turn *turn, struct intent *intent, const struct err *err,
	enum intent_conflict conflict)
{
	if (err->code == ERR_CONFLICT)
		intent_conflict(turn, intent, conflict, err->text);
	else
		(void)intent_fail(turn, intent, err->code, "%s", err->text);
}

/* False: If-Match does not fit, and the intent is answered so. */
static bool
is_wanted_revision(struct turn *turn, struct intent *intent, const struct schedule *schedule)
{
	int64_t wanted = intent->in.schedule.if_revision;
	bool fits = wanted == 0 || (wanted > 0 && schedule && wanted == schedule->revision) ||
		(wanted < 0 && !schedule);

	if (!fits)
		intent_conflict(turn, intent, CONFLICT_REVISION,
			schedule ? "it was changed meanwhile" : "there is no such schedule");
	return fits;
}

/* The schedule that is meant; NULL: the intent was refused. */
static struct schedule *
find_schedule(struct turn *turn, struct intent *intent)
{
	const struct schedule_list *list = &turn->engine->schedules;
	const struct schedule_change *change = &intent->in.schedule;
	struct schedule *schedule = uuid_is_zero(&change->id)
		? schedule_list_named(list, intent->project, change->name)
		: schedule_list_get(list, intent->project, &change->id);

	if (!schedule) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such schedule");
		return NULL;
	}
	return is_wanted_revision(turn, intent, schedule) ? schedule : NULL;
}

/* With an id it must be there; with a name alone it may be, unless it must not. */
static void
put_apply(struct turn *turn, struct intent *intent)
{
	struct schedule_list *list = &turn->engine->schedules;
	const struct schedule_change *change = &intent->in.schedule;
	struct schedule *schedule = NULL;
	struct err err;

	if (!project_is_open(turn, intent))
		return;
	if (!uuid_is_zero(&change->id)) {
		schedule = find_schedule(turn, intent);
		if (!schedule)
			return;
	} else if (change->if_revision != -1) {
		schedule = schedule_list_named(list, intent->project, change->name);
		if (!is_wanted_revision(turn, intent, schedule))
			return;
	}
	if (schedule_list_put(
		    list, &turn->uow, intent->project, schedule, change, &schedule, &err) < 0) {
		refuse(turn, intent, &err, CONFLICT_TAKEN);
		return;
	}
	intent_keep_idem(turn, intent, &schedule->id, 1);
	answer_schedule(turn, intent, schedule);
}

static void
command_apply(struct turn *turn, struct intent *intent)
{
	struct schedule_list *list = &turn->engine->schedules;
	const struct schedule_change *change = &intent->in.schedule;
	struct schedule *schedule = find_schedule(turn, intent);
	struct err err;

	if (!schedule)
		return;
	if (change->command != SCHEDULE_FIRE)
		schedule_list_pause(
			list, &turn->uow, schedule, change->command == SCHEDULE_PAUSE);
	else if (schedule_list_fire_now(list, &turn->uow, schedule, change->overlap,
			 &intent->out.schedule_at_ms, &err) < 0) {
		refuse(turn, intent, &err, CONFLICT_NONE);
		return;
	}
	intent_keep_idem(turn, intent, &schedule->id, 1);
	answer_schedule(turn, intent, schedule);
}

static void
delete_apply(struct turn *turn, struct intent *intent)
{
	struct schedule *schedule = find_schedule(turn, intent);

	if (!schedule)
		return;
	answer_schedule(turn, intent, schedule);
	schedule_list_remove(&turn->engine->schedules, &turn->uow, schedule);
}

/* One that is no longer pending has had its job, or its schedule is gone: nothing happens. */
static void
fire_apply(struct turn *turn, struct intent *intent)
{
	struct schedule_list *list = &turn->engine->schedules;
	const struct schedule_report *report = &intent->in.schedule_report;
	struct schedule *schedule = schedule_list_get(list, intent->project, &report->schedule);

	if (!schedule || !schedule_is_pending(schedule, report->at_ms)) {
		intent_answer(turn, intent);
		return;
	}
	if (!report->spec) {
		schedule_failed(list, &turn->uow, schedule, report->at_ms, report->error);
		intent_answer(turn, intent);
		return;
	}
	struct job_spec spec = *report->spec;
	spec.schedule = schedule->seq;
	struct job *job = intent_make_job(turn, intent, &spec);
	if (!job) {
		schedule_failed(list, &turn->uow, schedule, report->at_ms, intent->err.text);
		return;
	}
	schedule_fired(list, &turn->uow, schedule, report->at_ms, job);
	intent_answer(turn, intent);
}

void
schedule_apply(struct turn *turn, struct intent *intent)
{
	if (intent->kind == INTENT_SCHEDULE_FIRE)
		fire_apply(turn, intent);
	else if (intent->kind == INTENT_SCHEDULE_COMMAND)
		command_apply(turn, intent);
	else if (intent->kind == INTENT_SCHEDULE_DELETE)
		delete_apply(turn, intent);
	else
		put_apply(turn, intent);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of what waits, of one job or of many: docs/protocol/queues.md §8. */
#include <string.h>

#include "base/limits.h"
#include "engine/engine_impl.h"

void
edit_keys(struct turn *turn, struct intent *intent)
{
	const struct job_edit *edit = &intent->in.edit.edit;

	if (intent->kind == INTENT_JOB_EACH) {
		for (size_t i = 0; i < intent->in.each.n; i++)
			UOW_PUSH(&turn->uow, &turn->keys.jobs, intent->in.each.ids[i]);
		return;
	}
	UOW_PUSH(&turn->uow, &turn->keys.jobs, intent->in.edit.id);
	if (edit->place == PLACE_BEFORE || edit->place == PLACE_AFTER)
		UOW_PUSH(&turn->uow, &turn->keys.jobs, edit->neighbour);
}

/* Text of the turn in the memory of the turn: the intent's ends with its answer, and rows are
 * saved before that. */
static int
edit_one(struct turn *turn, const struct intent *intent, struct job *job,
	const struct job_edit *edit, struct err *err)
{
	struct lanes *lanes = &turn->engine->lanes;
	struct queue *queue = NULL;
	const struct job *neighbour = NULL;

	if (edit->pin != PIN_KEPT) {
		plan_pin(&turn->uow, job, edit->pin == PIN_SET, edit->pin_note);
		retention_list_forget(&turn->engine->retention, job->project);
		return 0;
	}
	if (edit->queue) {
		queue = lanes_get_queue(lanes, &turn->uow, job->project, edit->queue);
		if (!queue)
			return err_set(
				err, ERR_LIMIT, "there are %d queues, the maximum", QUEUES_MAX);
		if (strcmp(edit->queue, QUEUE_STAR) == 0 || queue->draining)
			return err_set(err, ERR_INVALID, "queue \"%.100s\" takes no jobs",
				edit->queue);
	}
	if (edit->place == PLACE_BEFORE || edit->place == PLACE_AFTER) {
		neighbour = intent_find_job(turn, intent, edit->neighbour);
		if (!neighbour)
			return err_set(err, ERR_NOT_FOUND, "there is no such neighbour");
	}
	return plan_edit(&turn->uow, lanes, job, edit, queue, neighbour, err);
}

void
edit_apply(struct turn *turn, struct intent *intent)
{
	const struct job_edit_request *request = &intent->in.edit;
	struct job *job = intent_find_job(turn, intent, request->id);

	if (!job) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such job");
		return;
	}
	intent->out.state = job->state;
	if (request->if_version > 0 && job->version != request->if_version) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "it was changed meanwhile");
		return;
	}
	if (edit_one(turn, intent, job, &request->edit, &intent->err) < 0) {
		intent->status = INTENT_IS_ERROR;
		if (intent->err.code == ERR_CONFLICT)
			intent->conflict = CONFLICT_STATE;
		intent_answer(turn, intent);
		return;
	}
	intent->out.jobs = arena_xalloc(&intent->arena, sizeof *intent->out.jobs);
	intent->out.n_jobs = 1;
	job_snapshot(&intent->arena, job, intent->out.jobs);
	intent->out.jobs->version++; /* what it is once it is saved */
	intent_keep_idem(turn, intent, &job->id.u, 1);
	intent_answer(turn, intent);
}

static enum each_result
apply_to(struct turn *turn, const struct intent *intent, struct job_id id)
{
	const struct job_each *each = &intent->in.each;
	struct job *job = intent_find_job(turn, intent, id);
	struct err err;

	if (!job)
		return EACH_NOT_FOUND;
	int rc = each->is_edit
		? edit_one(turn, intent, job, &each->edit, &err)
		: plan_command(&turn->uow, &turn->engine->lanes, job, each->command, &err);
	if (rc == 0)
		return EACH_DONE;
	return err.code == ERR_CONFLICT ? EACH_WRONG_STATE : EACH_REFUSED;
}

void
each_apply(struct turn *turn, struct intent *intent)
{
	const struct job_each *each = &intent->in.each;

	intent->out.each = arena_xalloc(&intent->arena, each->n + 1);
	for (size_t i = 0; i < each->n; i++)
		intent->out.each[i] = (uint8_t)apply_to(turn, intent, each->ids[i]);
	intent_answer(turn, intent);
}

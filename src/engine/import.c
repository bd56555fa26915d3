/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of archives, some rows in each turn. Until the last of them the rows stand under a key
 * that the store hides; then the job's own row comes, and all of it is there at once.
 *
 * Whoever submits has looked at every line: here only what the store knows is judged.
 */
#include <string.h>

#include "base/limits.h"
#include "engine/engine_impl.h"

void
import_keys(struct turn *turn, struct intent *intent)
{
	const struct job_import *import = &intent->in.import;

	UOW_PUSH(&turn->uow, &turn->keys.jobs, import->job->job->id);
	for (size_t i = 0; i < import->n; i++)
		if (import->lines[i].kind == ARCHIVE_RUN)
			UOW_PUSH(&turn->uow, &turn->keys.new_runs, import->lines[i].run->id);
}

/* --- May it come in? --- */

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What never changes once a job has ended. */
static bool
is_same(const struct job *here, const struct job *job)
{
	return same_text(here->name, job->name) && here->created_ms == job->created_ms &&
		here->started_ms == job->started_ms &&
		here->completed_ms == job->completed_ms && here->state == job->state &&
		here->reason == job->reason && here->incarnation == job->incarnation &&
		memcmp(&here->counts, &job->counts, sizeof here->counts) == 0;
}

static bool
is_taken(const struct turn *turn, const struct job_import *import, size_t at)
{
	const struct run_id *id = &import->lines[at].run->id;

	for (size_t i = 0; i < turn->uow.taken.n; i++)
		if (uuid_eq(&turn->uow.taken.item[i].u, &id->u))
			return true;
	for (size_t i = 0; i < at; i++)
		if (import->lines[i].kind == ARCHIVE_RUN &&
			uuid_eq(&import->lines[i].run->id.u, &id->u))
			return true;
	return uow_run(&turn->uow, *id) != NULL;
}

/* Rows of a job that was deleted may still be there: whoever asks again finds them gone. */
static bool
runs_are_new(struct turn *turn, struct intent *intent)
{
	const struct job_import *import = &intent->in.import;

	for (size_t i = 0; i < import->n; i++) {
		if (import->lines[i].kind != ARCHIVE_RUN || !is_taken(turn, import, i))
			continue;
		if (turn->engine->remains_due_ms > 0)
			(void)intent_fail(turn, intent, ERR_UNAVAILABLE,
				"deleted jobs are still being cleared away");
		else
			intent_conflict(turn, intent, CONFLICT_TAKEN,
				"a run of the archive is here already, of another job");
		return false;
	}
	return true;
}

/* True when there is nothing more to do: the intent is answered. */
static bool
is_settled(struct turn *turn, struct intent *intent)
{
	const struct job_import *import = &intent->in.import;
	const struct job *here = uow_job(&turn->uow, import->job->job->id);

	if (!project_is_open(turn, intent))
		return true;
	if (here && here->change != ROW_DELETED) {
		intent->out.import.is_there = import->seq == 0 &&
			here->project == intent->project && is_same(here, import->job->job);
		if (intent->out.import.is_there)
			intent_answer(turn, intent);
		else
			intent_conflict(turn, intent, CONFLICT_TAKEN,
				"a job of the archive is here already, with other content");
		return true;
	}
	return (here &&
		       (intent_fail(turn, intent, ERR_UNAVAILABLE, "it is being deleted"),
			       true)) ||
		!runs_are_new(turn, intent);
}

/* --- Its rows --- */

/* What the job has here, whatever it had where it comes from. */
static struct job *
make_job(struct turn *turn, const struct intent *intent, int64_t seq, const struct queue *queue)
{
	struct uow *uow = &turn->uow;
	struct job *job = arena_xalloc(uow->arena, sizeof *job);

	*job = *intent->in.import.job->job;
	job->seq = seq;
	job->project = intent->project;
	job->queue = queue ? queue->id : 0;
	job->version = 1;
	job->updated_ms = job->imported_ms = uow->now_ms;
	job->unique_until_ms = -1;
	job->pinned = true;
	job->pin_note = "imported";
	job->runs_loaded = true;
	job->change = ROW_CLEAN;
	return job;
}

static void
add_run(struct turn *turn, struct intent *intent, struct job *job, const struct run *line)
{
	struct uow *uow = &turn->uow;
	struct run *run = arena_xalloc(uow->arena, sizeof *run);

	*run = *line;
	run->seq = uow->next_run_seq++;
	run->job_seq = job->seq;
	run->project = intent->project;
	run->version = 1;
	run->change = ROW_NEW;
	run->job = job;
	uow_add_run(uow, run);
	intent->out.import.run_seq = run->seq;
}

static void
add_artifact(struct turn *turn, struct intent *intent, const struct job *job,
	const struct artifact *line)
{
	struct artifact artifact = *line;

	artifact.job_seq = job->seq;
	artifact.job = job->id;
	artifact.project = intent->project;
	artifact.run_seq = intent->out.import.run_seq;
	UOW_PUSH(&turn->uow, &turn->uow.artifacts, artifact);
}

static void
add_event(struct turn *turn, struct intent *intent, const struct job *job,
	const struct event *line)
{
	struct event event = *line;

	event.project = intent->project;
	event.job_seq = job->seq;
	event.job = job->id;
	/* The clock of the engine never begins before the latest event. */
	if (event.at_ms > turn->uow.now_ms)
		event.at_ms = turn->uow.now_ms;
	uow_event(&turn->uow, &event);
}

static void
add_line(struct turn *turn, struct intent *intent, struct job *job,
	const struct archive_line *line)
{
	struct uow *uow = &turn->uow;

	switch (line->kind) {
	case ARCHIVE_JOB:
		if (line->options.n > 0) {
			struct job_options options = { job->seq, line->options };
			UOW_PUSH(uow, &uow->options, options);
		}
		break;
	case ARCHIVE_INCARNATION: {
		struct incarnation row = *line->incarnation;
		row.job_seq = job->seq;
		UOW_PUSH(uow, &uow->incarnations, row);
		break;
	}
	case ARCHIVE_TEST: {
		struct job_test row = *line->test;
		row.job_seq = job->seq;
		UOW_PUSH(uow, &uow->tests, row);
		break;
	}
	case ARCHIVE_RUN:
		add_run(turn, intent, job, line->run);
		break;
	case ARCHIVE_ARTIFACT:
		add_artifact(turn, intent, job, line->artifact);
		break;
	case ARCHIVE_EVENT:
		add_event(turn, intent, job, line->event);
		break;
	case ARCHIVE_END:
	case ARCHIVE_LINE_KIND_COUNT:
		break;
	}
}

static enum stage_step
step_of(const struct job_import *import)
{
	if (import->is_drop)
		return STAGE_DROP;
	if (import->is_last) /* all in one turn: nothing is to be hidden */
		return import->seq > 0 ? STAGE_SHOW : STAGE_MORE;
	return import->seq > 0 ? STAGE_MORE : STAGE_BEGIN;
}

static void
take_lines(struct turn *turn, struct intent *intent)
{
	const struct job_import *import = &intent->in.import;
	struct uow *uow = &turn->uow;
	struct queue *queue = NULL;
	struct job *job;

	if (import->is_last) {
		queue = lanes_get_queue(
			&turn->engine->lanes, uow, intent->project, import->job->queue);
		if (!queue) {
			(void)intent_fail(turn, intent, ERR_LIMIT,
				"there are %d queues, the maximum", QUEUES_MAX);
			return;
		}
	}
	struct staged staged = { import->seq > 0 ? import->seq : uow->next_job_seq++,
		step_of(import) };
	UOW_PUSH(uow, &uow->staged, staged);
	job = make_job(turn, intent, staged.job_seq, queue);
	if (import->is_last) {
		job->change = ROW_NEW;
		job = uow_add_job(uow, job);
	}
	intent->out.import.seq = staged.job_seq;
	intent->out.import.run_seq = import->run_seq;
	for (size_t i = 0; i < import->n; i++)
		add_line(turn, intent, job, &import->lines[i]);
	intent_answer(turn, intent);
}

void
import_apply(struct turn *turn, struct intent *intent)
{
	const struct job_import *import = &intent->in.import;

	if (import->is_drop) {
		struct staged staged = { import->seq, STAGE_DROP };

		UOW_PUSH(&turn->uow, &turn->uow.staged, staged);
		intent_answer(turn, intent);
		return;
	}
	if (!is_settled(turn, intent))
		take_lines(turn, intent);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What people may ask of a job, and what becomes due by itself. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "core/flow.h"
#include "core/plan_impl.h"

static void
do_pause(struct uow *uow, struct job *job)
{
	if (job->flow) {
		flow_pause(uow, job);
		return;
	}
	if (job->running > 0) {
		job_move(job, JOB_PAUSING);
		plan_event(uow, job, EV_JOB_PAUSING);
		return;
	}
	/* Between two runs, or not started: nothing has to end first. */
	job_move(job, JOB_PAUSED);
	if (job->deadline_ms > 0)
		job->deadline_ms =
			job->deadline_ms > uow->now_ms ? job->deadline_ms - uow->now_ms : 1;
	plan_event(uow, job, EV_JOB_PAUSED);
}

static void
do_unpause(struct uow *uow, struct job *job)
{
	if (job->flow) {
		flow_unpause(uow, job);
		return;
	}
	if (job->state == JOB_PAUSED && job->deadline_ms > 0)
		job->deadline_ms += uow->now_ms;
	job_move(job,
		job->state == JOB_PAUSED && job->started_ms == 0 ? JOB_QUEUED : JOB_RUNNING);
	plan_event(uow, job, EV_JOB_UNPAUSED);
}

/* To stopped (or, for a passed time limit, failed) by way of stopping while runs are still to
 * be ended. */
static void
do_stop(struct uow *uow, struct job *job, enum job_reason reason)
{
	if (job->flow) {
		flow_stop(uow, job, reason);
		return;
	}
	job->reason = reason; /* says whether hooks that wait are still owed */
	plan_drop_waiting(uow, job, true);
	if (job->running == 0 && (!job->layout || job->started_ms == 0)) {
		plan_end(uow, job, reason == JOB_REASON_TIMEOUT ? JOB_FAILED : JOB_STOPPED,
			reason);
		return;
	}
	job_move(job, JOB_STOPPING);
	if (job->layout)
		job->deadline_ms = uow->now_ms + HOOKS_OVERDUE_MS;
	plan_event_stopping(uow, job);
	plan_stop_leased(uow, job, job_reason_name(reason), false);
	if (job->layout)
		plan_advance(uow, job, false);
}

/*
 * Begins again under the next incarnation number. Runs that a worker still has belong to the
 * old one: they are asked to end, and the new one waits for that, so that two incarnations
 * never run at once.
 */
static void
do_start(struct uow *uow, struct job *job)
{
	struct incarnation previous = {
		.job_seq = job->seq,
		.number = job->incarnation,
		.state = job->state,
		.reason = job_shown_reason(job),
		.counts = job->counts,
		.started_ms = job->started_ms,
		.completed_ms = job->completed_ms > 0 ? job->completed_ms : uow->now_ms,
	};

	UOW_PUSH(uow, &uow->incarnations, previous);
	plan_drop_waiting(uow, job, false);
	plan_stop_leased(uow, job, "restarted", true);
	job_move(job, JOB_RESTARTING);
	job->incarnation++;
	job->reason = JOB_REASON_NONE;
	job->counts = (struct job_counts) { 0 };
	job->iteration = 1;
	job->next_test = job->next_target = 0;
	job->deadline_ms = job->started_ms = job->completed_ms = job->queued_ms = 0;
	job->cpu_ms = job->tokens = job->peak_kib = 0;
	plan_event_restarting(uow, job, &previous);
	if (job->flow)
		flow_restart(uow, job);
	else
		job->plan = NULL;
}

/* The rows go with the job (store_save); workers that still have runs of it hear that they are
 * nobody's. */
static void
do_delete(struct uow *uow, struct lanes *lanes, struct job *job)
{
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state != RUN_LEASED)
			continue;
		struct signal signal = {
			.worker = run->worker,
			.run = run->id,
			.fence = run->fence,
			.kind = SIGNAL_DROP,
			.reason = "deleted",
		};
		UOW_PUSH(uow, &uow->signals, signal);
		lanes_release(lanes, job, uow->now_ms);
	}
	if (job->flow)
		flow_delete(uow, job);
	plan_event_deleted(uow, job);
	job->ready = false;
	job->held_key = NULL;
	job->change = ROW_DELETED;
}

void
plan_supersede(struct uow *uow, struct lanes *lanes, struct job *job)
{
	do_stop(uow, job, JOB_REASON_SUPERSEDED);
	plan_update(uow, lanes, job);
}

/* "pause, stop, cancel, delete": for the text of a refusal. */
static void
allowed_text(enum job_state state, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (int c = 0; c < JOB_CMD_COUNT; c++) {
		if (job_allows(state, (enum job_command)c))
			n += (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "",
				job_command_name((enum job_command)c));
	}
}

int
plan_command(struct uow *uow, struct lanes *lanes, struct job *job, enum job_command command,
	struct err *err)
{
	if (!job_allows(job->state, command)) {
		char allowed[80];
		allowed_text(job->state, allowed, sizeof allowed);
		return err_set(err, ERR_CONFLICT, "cannot %s a job that is %s; it allows: %s",
			job_command_name(command), job_state_name(job->state), allowed);
	}
	if (command == JOB_CMD_START && job->imported_ms > 0)
		return err_set(err, ERR_CONFLICT,
			"it came with an archive and does not run again: make a new job of it");
	switch (command) {
	case JOB_CMD_PAUSE:
		do_pause(uow, job);
		break;
	case JOB_CMD_UNPAUSE:
		do_unpause(uow, job);
		break;
	case JOB_CMD_STOP:
		do_stop(uow, job, JOB_REASON_STOPPED);
		break;
	case JOB_CMD_CANCEL:
		do_stop(uow, job, JOB_REASON_CANCELLED);
		break;
	case JOB_CMD_START:
		do_start(uow, job);
		break;
	case JOB_CMD_DELETE:
		do_delete(uow, lanes, job);
		return 0;
	case JOB_CMD_COUNT:
		assert(!"not a command");
	}
	plan_update(uow, lanes, job);
	return 0;
}

void
plan_due(struct uow *uow, struct lanes *lanes, struct job *job)
{
	if (plan_may_expire(job) && job->expires_ms <= uow->now_ms)
		plan_end(uow, job, JOB_FAILED, JOB_REASON_EXPIRED);
	if (job->flow)
		flow_step(uow, job, false);
	else if (plan_is_active(job) && job->deadline_ms > 0 && job->deadline_ms <= uow->now_ms)
		do_stop(uow, job, JOB_REASON_TIMEOUT);
	if (job->layout)
		plan_advance(uow, job, false);
	plan_update(uow, lanes, job);
}

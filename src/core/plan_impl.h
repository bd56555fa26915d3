/* SPDX-License-Identifier: Apache-2.0 */
/* What plan.c, plan_command.c and plan_event.c share. */
#pragma once

#include "core/lanes.h"
#include "core/plan.h"

/* ---- plan.c ---- */

/* Recomputes what follows from the rest: ready, lane, due_ms. Last step of every change. */
void plan_update(struct uow *uow, struct lanes *lanes, struct job *job);

/* Moves the job on when its last run has ended: to paused, stopped, failed, completed. */
void plan_settle(struct uow *uow, struct job *job);

/* True while a worker may hold runs of the present incarnation that are not asked to stop. */
bool plan_is_active(const struct job *job);

/* Ends every waiting run of the job as cancelled; counts them when `counted`. */
void plan_drop_waiting(struct uow *uow, struct job *job, bool counted);

/* Asks the workers of all leased runs to stop. */
void plan_stop_leased(struct uow *uow, struct job *job, const char *reason);

/* To a final state, with its event. */
void plan_end(struct uow *uow, struct job *job, enum job_state state, enum job_reason reason);

/* ---- plan_event.c ---- */

void plan_event(
	struct uow *uow, const struct job *job, enum event_type type); /* no data of its own */
void plan_event_queued(struct uow *uow, const struct job *job);
void plan_event_starting(struct uow *uow, const struct job *job);
void plan_event_progress(struct uow *uow, const struct job *job);
void plan_event_restarting(
	struct uow *uow, const struct job *job, const struct incarnation *previous);
void plan_event_stopping(struct uow *uow, const struct job *job);
void plan_event_end(struct uow *uow, const struct job *job, enum event_type type);
void plan_event_deleted(struct uow *uow, const struct job *job);
void plan_event_run_created(struct uow *uow, const struct job *job, const struct run *run);
void plan_event_run_leased(
	struct uow *uow, const struct job *job, const struct run *run, bool is_new);
void plan_event_run_finished(struct uow *uow, const struct job *job, const struct run *run);
void plan_event_run_lost(struct uow *uow, const struct job *job, const struct run *run);
void plan_event_run_restarted(
	struct uow *uow, const struct job *job, const struct run *run, const char *reason);

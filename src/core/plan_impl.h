/* SPDX-License-Identifier: Apache-2.0 */
/* What plan.c, plan_command.c and plan_event.c share. */
#pragma once

#include "core/group.h"
#include "core/lanes.h"
#include "core/plan.h"

/* ---- plan.c ---- */

/* Recomputes what follows from the rest: ready, lane, due_ms. Last step of every change. */
void plan_update(struct uow *uow, struct lanes *lanes, struct job *job);

/* Moves the job on when its last run has ended: to paused, stopped, failed, completed. */
void plan_settle(struct uow *uow, struct job *job);

/* Does what needs no worker, moves the job on and tells of its progress. */
void plan_advance(struct uow *uow, struct job *job, bool shows_progress);

/* True while a worker may hold runs of the present incarnation that are not asked to stop. */
bool plan_is_active(const struct job *job);

/* Ends every waiting run of the job as cancelled; counts them when `counted`. */
void plan_drop_waiting(struct uow *uow, struct job *job, bool counted);

/* Asks the workers of leased runs to stop: of all, or of those that are not owed. */
void plan_stop_leased(struct uow *uow, struct job *job, const char *reason, bool all);

/* True for the after hook of what was begun: it goes on while its job is being ended. */
bool plan_is_owed(const struct job *job, const struct run *run);

/* The runner says that the definition cannot run: no retry and no other test will mend that. */
bool plan_says_invalid(enum run_outcome outcome, const char *reason);

/* No new unit is started any more: enough have failed, or the definition itself cannot run. */
bool plan_is_halted(const struct job *job);

/* In a state in which runs are started; and one may start now. */
bool plan_takes_runs(const struct job *job);
bool plan_may_start(const struct uow *uow, const struct job *job);

/* Cancelled, for another job with its unique key. */
void plan_supersede(struct uow *uow, struct lanes *lanes, struct job *job);

/* When the key of a new job is free again; 0: with its end (job->unique_until_ms). */
int64_t plan_unique_until(int64_t now_ms, const struct unique_spec *unique);
void plan_let_unique_go(struct uow *uow, struct job *job);

/* It ends when it has not begun by expires_ms. */
bool plan_may_expire(const struct job *job);
/* When a job expires that may begin at run_at_ms (0: now); 0: never. */
int64_t plan_expiry(int64_t now_ms, int64_t run_at_ms, int64_t after_ms);

/* The first lease of an incarnation starts its clocks. */
void plan_note_start(struct uow *uow, struct job *job);

/* A new run, waiting. */
struct run *plan_new_run(struct uow *uow, struct job *job, int64_t iteration, int32_t test,
	int32_t target, int32_t attempt);

/* The waiting run that goes next: the smallest seq among the due ones. *ret_next_due: the
 * earliest of the others, or 0. */
struct run *plan_first_due(const struct job *job, int64_t now_ms, int64_t *ret_next_due);

/* The run is over: to RUN_HELD or RUN_FINISHED. */
void plan_set_result(struct uow *uow, struct run *run, const struct run_result *result,
	enum run_state state);

/* The unit is counted; its last attempt is `run`. */
void plan_count_unit(struct uow *uow, struct job *job, const struct run *run);

/* The smaller one of those that are not 0. */
int64_t plan_earlier(int64_t a, int64_t b);

/* ---- plan_group.c, plan_group_step.c: the same for a grouped job ---- */

enum { START_N_BEFORE_HOOK = 0, START_N_AFTER_HOOK = -1 }; /* run->start_n of hooks */

/* True when it is to begin without a worker, because every test of it is skipped. */
bool plan_group_begins_idle(const struct uow *uow, const struct job *job);

/* A unit that ends without a run: skipped, or failed by a hook. */
void plan_group_add_unit(struct uow *uow, struct job *job, int32_t target, int32_t test,
	const struct run_result *result);
extern const struct run_result plan_skipped_result;

/* The test of the run that may start next, or -1; sets due_ms. */
int32_t plan_group_next_test(struct uow *uow, struct job *job);

/* The next run of that kind for the worker, its place in the plan taken; NULL: none for it. */
struct run *plan_group_take(struct uow *uow, struct job *job, const char *kind,
	const struct worker_row *worker, bool *ret_is_new);

/*
 * Cuts the error of a run that has just come to be held, when it and the others of its group
 * would weigh too much: connections that were busy when the group became full go on bringing
 * results.
 */
void plan_group_bound_error(struct uow *uow, struct job *job, struct run *run);

/* What the end of a run means for the plan. */
void plan_group_unit_ended(struct uow *uow, struct job *job, const struct run *run);
void plan_group_hook_ended(struct uow *uow, struct job *job, const struct run *run);
void plan_group_run_lost(struct uow *uow, struct job *job, const struct run *run);

/* Does all that needs no worker: ends fixtures, reports what is skipped, releases results.
 * Returns how many units were released. */
int64_t plan_group_step(struct uow *uow, struct job *job);

/* See plan_drop_waiting; without `counted` results that are held are let go too. */
void plan_group_drop_waiting(struct uow *uow, struct job *job, bool counted);

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
void plan_event_run_released(struct uow *uow, const struct job *job, const struct run *run);
void plan_event_run_lost(
	struct uow *uow, const struct job *job, const struct run *run, const char *reason);
void plan_event_run_restarted(
	struct uow *uow, const struct job *job, const struct run *run, const char *reason);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a job's life: which run is next, what a result means, what a command does.
 *
 * Pure: every function changes rows of the unit of work and appends events; none reads a clock,
 * a file or a socket. The caller has loaded the job's open runs where a function says so.
 */
#pragma once

#include "base/err.h"
#include "core/job_spec.h"
#include "core/uow.h"

struct lanes; /* core/lanes.h: lanes and queues known to the engine */

/* A new job, queued; its rows are in the uow. */
struct job *plan_create(struct uow *uow, struct lanes *lanes, int64_t project,
	struct queue *queue, const struct job_spec *spec);

/* What the lane is like in which a run of that kind stands; texts are the arena's or the
 * job's. */
struct lane plan_lane(struct arena *arena, const struct lanes *lanes, const struct job *job,
	const char *kind);

/*
 * Before plan_create: what the unique key means for the job that holds it, whose open runs are
 * loaded. That job, when it stays and no new one is made; else NULL.
 */
struct job *plan_unique(struct uow *uow, struct lanes *lanes, int64_t project,
	const struct unique_spec *unique);

/* Members of a job that waits, and its place. What is not set stays. */
struct job_edit {
	bool has_priority, has_run_at, has_expires, has_labels, has_keys, has_needs;
	int32_t priority;
	const char *queue;                 /* name; NULL: stays */
	int64_t run_at_ms;                 /* 0: at once */
	int64_t expires_after_ms;          /* from now; 0: never */
	const char *labels, *keys, *needs; /* canonical */
	enum job_place { PLACE_KEPT, PLACE_TOP, PLACE_BEFORE, PLACE_AFTER } place;
	struct job_id neighbour;                             /* BEFORE, AFTER */
	enum job_pin { PIN_KEPT, PIN_SET, PIN_CLEARED } pin; /* not KEPT: nothing else counts */
	const char *pin_note;                                /* or NULL */
};

/* Retention spares the job, or no longer; in any state. The note may be NULL. */
void plan_pin(struct uow *uow, struct job *job, bool is_pinned, const char *note);

/*
 * Changes a job that waits. `queue`: the one that edit->queue names; `neighbour`: the job of
 * edit->neighbour. -1: CONFLICT, a run of it is leased or it has ended; INVALID, the neighbour
 * stands elsewhere; LIMIT, there are too many lanes.
 */
int plan_edit(struct uow *uow, struct lanes *lanes, struct job *job,
	const struct job_edit *edit, struct queue *queue, const struct job *neighbour,
	struct err *err) MUST_CHECK;

/*
 * Takes the job's next run for the worker: a waiting one that is due, or a new one at the
 * cursor. The job must be ready. NULL: a grouped job has none for this worker now.
 */
struct run *plan_lease(
	struct uow *uow, struct lanes *lanes, struct job *job, const struct worker_row *worker);

struct run_result {
	enum run_outcome outcome;
	const char *reason; /* or NULL */
	const char *error;  /* JSON, or NULL */
	const char *result; /* JSON kept with the run, or NULL */
	int64_t duration_ms;
	int64_t cpu_ms, peak_kib, tokens; /* as its worker measured; 0: it did not */
};

/* The run's worker says it is over. The run must be leased. */
void plan_finish(
	struct uow *uow, struct lanes *lanes, struct run *run, const struct run_result *result);

/*
 * A run's worker is gone, or never got its lease, or its runner lost what the run needs: back
 * into the line, or errored after RUN_LOSSES_MAX losses. reason: of run.restarted, NULL for the
 * usual one; it lives as long as the turn.
 */
void plan_lost(struct uow *uow, struct lanes *lanes, struct run *run, bool is_loss,
	const char *reason);

/* The worker reports that the test itself has begun. */
void plan_started(struct uow *uow, struct run *run);

/* Does the command. Open runs must be loaded. -1 ERR_CONFLICT: not in this state; the text
 * names what is allowed. */
int plan_command(struct uow *uow, struct lanes *lanes, struct job *job,
	enum job_command command, struct err *err) MUST_CHECK;

/* The job's due time has come: a retry, a start time, a time limit. Open runs must be loaded.
 */
void plan_due(struct uow *uow, struct lanes *lanes, struct job *job);

/* What the run's worker should do about a run that it holds. */
enum directive { DIRECTIVE_NONE, DIRECTIVE_STOP };
enum directive plan_directive(const struct run *run, const char **ret_reason);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job: one durable execution of tests. Its state machine, its limits and its counts.
 *
 * The row is small on purpose: what a turn needs is in plain members, what only answers need
 * (tests, options) lies beside it and is read on demand.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "core/ids.h"
#include "core/quarantine.h"
#include "core/retry.h"

enum job_state {
	JOB_QUEUED,
	JOB_STARTING,
	JOB_RUNNING,
	JOB_PAUSING,
	JOB_PAUSED,
	JOB_STOPPING,
	JOB_RESTARTING,
	JOB_COMPLETED,
	JOB_FAILED,
	JOB_STOPPED,
	JOB_INVALID,
	JOB_STATE_COUNT
};

enum job_reason {
	JOB_REASON_NONE,
	JOB_REASON_PASSED,
	JOB_REASON_TESTS_FAILED,
	JOB_REASON_TIMEOUT,
	JOB_REASON_RUNNER_ERROR,
	JOB_REASON_WORKER_LOST,
	JOB_REASON_STOPPED,
	JOB_REASON_CANCELLED,
	JOB_REASON_INVALID_DEFINITION,
	JOB_REASON_HOOK_FAILED,
	JOB_REASON_STAGE_FAILED,   /* a flow: a stage that carries out tests */
	JOB_REASON_WAIT_FAILED,    /* a flow: what was waited for cannot come any more */
	JOB_REASON_WAIT_TIMED_OUT, /* a flow: it did not come in time */
	JOB_REASON_REJECTED,       /* a flow: somebody refused the approval */
	JOB_REASON_EXPIRED,        /* it did not start in time */
	JOB_REASON_SUPERSEDED,     /* a newer job with its unique key took its place */
	JOB_REASON_COUNT
};

/* Commands that people give. Which state accepts which is one table (job_allows). */
enum job_command {
	JOB_CMD_PAUSE,
	JOB_CMD_UNPAUSE,
	JOB_CMD_STOP,
	JOB_CMD_START,
	JOB_CMD_CANCEL,
	JOB_CMD_DELETE,
	JOB_CMD_COUNT
};

/*
 * Results of units; a unit is one test on one target in one iteration, whatever number of
 * attempts it took. flaky counts units that are also counted in passed.
 */
struct job_counts {
	int64_t passed, failed, errored, timed_out, cancelled, skipped, flaky;
	int64_t quarantined; /* failed, but on the quarantine list: in none of the others */
};

/* What a row is to the turn that holds it; the store acts on it when it saves. */
enum row_change { ROW_CLEAN, ROW_NEW, ROW_CHANGED, ROW_DELETED };

struct job {
	/* identity, never changed */
	int64_t seq; /* the store's key, grows with age */
	struct job_id id;
	int64_t project;
	const char *name;
	const char *tags;          /* JSON array of strings */
	struct def_id template_id; /* zero: none */
	int64_t created_ms;

	/* limits of the plan, fixed at creation */
	int32_t priority;    /* PRIORITY_MIN … PRIORITY_MAX */
	int64_t rank;        /* place in the line, greater first: core/lane.h */
	int64_t queue;       /* key of its queue */
	const char *labels;  /* canonical label text: core/lane.h */
	const char *kind;    /* kind of every test, or NULL when they differ */
	const char *kinds;   /* comma-separated kind of each test, when they differ */
	const char *targets; /* comma-separated target names; NULL: no targets */
	const char
		*layout; /* fixtures and hooks of a grouped job, core/layout.h; NULL: not one */
	int32_t n_tests; /* 1 … TESTS_PER_JOB_MAX; a grouped job's hooks are not counted */
	int32_t n_targets;   /* at least 1: a job without targets has one nameless target */
	int64_t iterations;  /* 0: endless */
	int32_t concurrency; /* runs at once; in a grouped job: connections of each group */
	int64_t failures_to_ignore;
	bool stop_on_first_failure;
	bool cancel_on_first_failure; /* and the runs under way are cancelled */
	struct retry_policy retry;
	struct quarantine_policy quarantine; /* attempt_limit 0: none */
	int64_t timeout_ms;                  /* of the job, from its first lease; 0: none */
	int64_t run_timeout_ms;              /* of each run; 0: none */
	int64_t run_at_ms;                   /* not before; 0: at once */
	int64_t expires_ms; /* ends as expired when it has not started by then; 0: never */
	const char *keys;   /* canonical label text, what limits by key count it under; "" */
	const char *needs;  /* canonical label text, amounts of a worker's resources; "" */

	/* what it belongs to, fixed at creation */
	struct job_id parent;   /* the flow whose stage it carries out; zero: none */
	const char *stage;      /* name of that stage; NULL: none */
	int32_t stage_item;     /* place in the stage's matrix, from 0 */
	int32_t stage_attempt;  /* of that item, from 1 */
	int64_t schedule;       /* seq of the schedule that fired it; 0: none */
	const char *unique_key; /* other jobs of it are refused, replaced or put off; NULL */
	const char *flow;       /* JSON: the stages of a flow, core/flow.h; NULL: not a flow */

	/* what happens to it */
	enum job_state state;
	enum job_reason
		reason; /* why it is final; before that, what it would be (job_shown_reason) */
	int32_t incarnation; /* 1, then + 1 for every start */
	int64_t iteration;   /* cursor: the next unit to start is (iteration, test, target) */
	int32_t next_test;
	int32_t next_target;
	int32_t running; /* runs leased now */
	int32_t waiting; /* runs that wait for their retry or go back after a loss */
	struct job_counts counts;
	const char *plan; /* a grouped job's place in its plan, core/group.h; a flow's,
			     core/flow.h; NULL: not begun */
	int64_t lane;     /* lane of the next run, 0 until known */
	bool ready;       /* a worker could take a run of it now */
	int64_t due_ms;   /* when the engine must look at it again without being asked; 0: never
			   */
	int64_t deadline_ms; /* end of timeout_ms, set at the first lease; while paused: what is
				left of it; 0: none */
	int64_t started_ms;  /* first lease of this incarnation */
	int64_t completed_ms;
	int64_t updated_ms;
	int64_t queued_ms;    /* time from (re)queueing to first lease, once leased */
	int64_t version;      /* + 1 with every save: the store's optimistic lock */
	const char *held_key; /* "key=value" whose limit keeps it out of its lane; NULL: none */
	int64_t unique_until_ms; /* the end of its unique key's period; 0: with the job */
	bool pinned;             /* retention spares it */
	const char *pin_note;    /* why, or NULL */
	int64_t imported_ms;     /* it came with an archive: it never runs; 0: it did not */
	int64_t cpu_ms;          /* processor time of all its runs, as workers measured it */
	int64_t tokens;          /* of language models, likewise */
	int64_t peak_kib;        /* greatest memory of a run */

	/* the turn's own */
	enum row_change change;
	bool is_edited; /* members that are fixed else have changed: columns of use EDITED */
	struct grouping *grouping; /* layout and plan, decoded: core/group.h */
	struct flow_run *flow_run; /* flow and plan, decoded: core/flow.h */
	struct run *open_runs; /* runs of it that are loaded and not finished (run->job_next) */
	struct run *last_open_run;
	bool runs_loaded;            /* open_runs is complete */
	bool is_stored;              /* the store has it: set by store_load, as is the next */
	enum job_state stored_state; /* its state there: the store counts jobs by state */
};

/* "queued", …; the same words in the database, the API and the dashboard. */
const char *job_state_name(enum job_state state);
/* 0, or -1 when there is no such state. */
int job_state_parse(const char *name, enum job_state *ret);
bool job_state_is_final(enum job_state state);
/* True when the table has an edge. */
bool job_state_may(enum job_state from, enum job_state to);

const char *job_reason_name(enum job_reason reason); /* NULL for JOB_REASON_NONE */
int job_reason_parse(const char *name, enum job_reason *ret);

const char *job_command_name(enum job_command command);
bool job_allows(enum job_state state, enum job_command command);

/* The only writer of job->state. Aborts when the table has no such edge: callers ask job_allows
 * first. */
void job_move(struct job *job, enum job_state to);

/* The reason as people may see it: a job that still goes on has none, one that is being stopped
 * has. */
enum job_reason job_shown_reason(const struct job *job);

/* Units that ended, and units in all (-1: endless). */
int64_t job_units_done(const struct job *job);
int64_t job_units_total(const struct job *job);
/* Units that count as failures against failuresToIgnore. */
int64_t job_failures(const struct job *job);
/* 0 … 100; -1 for an endless job. */
int job_percent(const struct job *job);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: one attempt at one test on one target in one iteration of a job. A row exists from the
 * first lease on (or from the moment a retry is planned), so a plan of a million runs costs
 * nothing before they start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/ids.h"
#include "core/job.h"

enum run_state {
	RUN_WAITING, /* planned: a retry before its time, or back in the line after its worker
			was lost */
	RUN_LEASED,  /* a worker owns it under the fencing number `fence` */
	RUN_HELD, /* has an outcome, which is released when its turn has come (core/group.h) */
	RUN_FINISHED, /* has an outcome; never changes again */
	RUN_STATE_COUNT
};

enum run_outcome {
	OUTCOME_NONE,
	OUTCOME_PASSED,
	OUTCOME_FAILED,  /* the product is wrong */
	OUTCOME_ERRORED, /* we or the environment are wrong */
	OUTCOME_SKIPPED,
	OUTCOME_CANCELLED,
	OUTCOME_TIMED_OUT,
	OUTCOME_COUNT
};

struct run {
	int64_t seq; /* the store's key */
	struct run_id id;
	int64_t job_seq;
	int64_t project;
	int32_t incarnation;
	int64_t iteration; /* from 1 */
	int32_t test;      /* index in the job's tests, from 0 */
	int32_t target;    /* index in the job's targets */
	int32_t attempt;   /* from 1 */
	int64_t created_ms;

	enum run_state state;
	enum run_outcome outcome;
	const char *reason;      /* stable word, or NULL */
	const char *error;       /* JSON object of the runner protocol, or NULL */
	bool is_last;            /* its outcome is the unit's: no retry follows */
	int64_t fence;           /* + 1 with every lease */
	struct worker_id worker; /* who has it or had it last */
	int32_t losses;          /* workers and browsers lost under it */
	int32_t passes;          /* earlier attempts at its unit that passed */
	int32_t connection;      /* of its group, from 1; 0: not in a grouped job */
	int64_t start_n; /* place of its unit in the order of release; 0: a hook, or not grouped
			  */
	int64_t quarantine; /* entry of the quarantine list that it began under; 0: none */
	int64_t event_n;    /* number of the last event taken from its worker, for this fence */
	int64_t due_ms;     /* waiting: not before */
	int64_t leased_ms, started_ms, finished_ms;
	int64_t duration_ms; /* as the worker measured it */
	int64_t cpu_ms;      /* processor time of its processes, likewise; 0: not measured */
	int64_t peak_kib;    /* their greatest memory, likewise */
	int64_t tokens;      /* of language models, as the runner says */
	int64_t test_key; /* name of its test, when it decided a unit: core/stats.h; 0: it did
			     not */
	int64_t error_class; /* of its error, likewise; 0: none */
	int64_t version;

	/* the turn's own */
	enum row_change change;
	struct job *job;      /* always loaded with it */
	struct run *job_next; /* next in job->open_runs */
	const char *result; /* JSON to be kept with it, set in the turn that finishes it; NULL:
			       nothing */
};

const char *run_state_name(enum run_state state);
int run_state_parse(const char *name, enum run_state *ret);
const char *run_outcome_name(enum run_outcome outcome); /* NULL for OUTCOME_NONE */
int run_outcome_parse(const char *name, enum run_outcome *ret);
bool run_state_may(enum run_state from, enum run_state to);

/* The only writer of run->state; aborts when the table has no such edge. */
void run_move(struct run *run, enum run_state to);

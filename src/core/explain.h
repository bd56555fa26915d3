/* SPDX-License-Identifier: Apache-2.0 */
/* One answer to "why is this job not running?". Pure: facts in, a sentence and the list of
 * blockers out. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/job.h"
#include "core/lane.h"

enum blocker_kind {
	BLOCKER_START_TIME, /* runAt is still to come */
	BLOCKER_PAUSED,     /* the job itself is paused */
	BLOCKER_QUEUE_PAUSED,
	BLOCKER_QUEUE_LIMIT,     /* the queue's concurrency is used up */
	BLOCKER_QUEUE_RATE,      /* the queue's rate has no token */
	BLOCKER_KEY_LIMIT,       /* as many runs with one of its keys as may be */
	BLOCKER_KEY_RATE,        /* the rate of one of its keys has no token */
	BLOCKER_UNIQUE,          /* put off until no other job with its unique key comes */
	BLOCKER_NO_WORKER_NEEDS, /* workers match, none has so much of a resource */
	BLOCKER_NEEDS_BUSY,      /* those that have so much use it for other runs */
	BLOCKER_SHARE,           /* others run less than their share */
	BLOCKER_EXPIRES,         /* no blocker: what happens when it does not begin in time */
	BLOCKER_NO_WORKER_KIND,  /* no worker online offers the kind */
	BLOCKER_NO_WORKER_LABEL, /* workers offer the kind, none has the labels */
	BLOCKER_WORKERS_BUSY,
	BLOCKER_AHEAD,         /* jobs that stand before it */
	BLOCKER_RETRY_WAIT,    /* a retry waits for its time */
	BLOCKER_CONCURRENCY,   /* its own runs use up its concurrency */
	BLOCKER_HOOK,          /* a hook has to end before what it stands before */
	BLOCKER_ALONE,         /* a fixture runs alone, or is to */
	BLOCKER_KEPT,          /* a fixture keeps to a connection of one worker */
	BLOCKER_HELD,          /* too many results wait for the release of an earlier one */
	BLOCKER_FLOW_RUN,      /* jobs of a stage have to end */
	BLOCKER_FLOW_HTTP,     /* a stage looks at an address */
	BLOCKER_FLOW_SIGNAL,   /* a stage waits for a signal */
	BLOCKER_FLOW_TIMER,    /* a stage waits for a time */
	BLOCKER_FLOW_APPROVAL, /* a stage waits for a person */
	BLOCKER_FLOW_JOB,      /* a stage waits for the end of another job */
	BLOCKER_FLOW_DEADLINE, /* no blocker: when a stage gives up waiting */
	BLOCKER_KIND_COUNT
};

struct blocker {
	enum blocker_kind kind;
	const char *text;    /* a sentence */
	const char *subject; /* queue, kind or label text it is about; or NULL */
	int64_t until_ms;    /* when it will end, when known; else 0 */
	int64_t count;       /* limit used up, jobs ahead, workers busy; else 0 */
};

struct explanation {
	struct job_id id;
	enum job_state state;
	const char *sentence;
	struct blocker *blockers;
	size_t n_blockers;

	/* for a forecast */
	int64_t ahead;             /* jobs that stand before it */
	int64_t connections, busy; /* of workers that could run it */
	int64_t until_ms;          /* the latest of the times that blockers name; 0: none */
};

struct explain_facts {
	const struct job *job; /* a grouped one with its open runs and its grouping */
	const struct queue *queue;
	const struct lane *lane;  /* of its next run */
	const struct queue *star; /* the project's queue "*"; or NULL */
	const char *held;         /* place whose limit keeps it out of its lane; or NULL */
	const struct key_limit *held_limit;
	int32_t held_running;     /* runs counted there */
	int64_t held_until_ms;    /* when its rate has a token; 0: it is not the rate */
	int64_t rate_until_ms;    /* the same of its queue, or of "*" */
	size_t n_workers_needs;   /* of those that match, with so much of everything */
	size_t n_workers_room;    /* and with so much left */
	struct str scarce_name;   /* the same, while it is being looked for */
	int64_t scarce_most;      /* thousandths of it that the best worker has */
	const char *scarce;       /* resource that is missing or busy */
	const char *served_first; /* whose share is smaller: a text; or NULL */
	bool is_debounced;        /* its start time is its unique key's */
	int64_t now_ms;
	int64_t ahead;                      /* ready jobs before it in its lane */
	int64_t retry_due_ms;               /* earliest waiting run; 0: none */
	size_t n_workers_kind;              /* online workers that offer the kind */
	size_t n_workers_match;             /* of those, with the labels */
	int64_t capacity_match, busy_match; /* their connections, and how many are in use */
};

const char *blocker_kind_name(enum blocker_kind kind);
struct explanation *explain_job(const struct explain_facts *facts, struct arena *arena);

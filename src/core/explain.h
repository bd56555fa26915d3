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
	BLOCKER_NO_WORKER_KIND,  /* no worker online offers the kind */
	BLOCKER_NO_WORKER_LABEL, /* workers offer the kind, none has the labels */
	BLOCKER_WORKERS_BUSY,
	BLOCKER_AHEAD,       /* jobs that stand before it */
	BLOCKER_RETRY_WAIT,  /* a retry waits for its time */
	BLOCKER_CONCURRENCY, /* its own runs use up its concurrency */
	BLOCKER_HOOK,        /* a hook has to end before what it stands before */
	BLOCKER_ALONE,       /* a fixture runs alone, or is to */
	BLOCKER_KEPT,        /* a fixture keeps to a connection of one worker */
	BLOCKER_HELD,        /* too many results wait for the release of an earlier one */
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
};

struct explain_facts {
	const struct job *job; /* a grouped one with its open runs and its grouping */
	const struct queue *queue;
	const struct lane *lane; /* of its next run */
	int64_t now_ms;
	int64_t ahead;                      /* ready jobs before it in its lane */
	int64_t retry_due_ms;               /* earliest waiting run; 0: none */
	size_t n_workers_kind;              /* online workers that offer the kind */
	size_t n_workers_match;             /* of those, with the labels */
	int64_t capacity_match, busy_match; /* their connections, and how many are in use */
};

const char *blocker_kind_name(enum blocker_kind kind);
struct explanation *explain_job(const struct explain_facts *facts, struct arena *arena);

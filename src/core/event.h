/* SPDX-License-Identifier: Apache-2.0 */
/* Events: docs/protocol/events.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/ids.h"

enum event_type {
	EV_JOB_QUEUED,
	EV_JOB_STARTING,
	EV_JOB_STARTED,
	EV_JOB_PROGRESS,
	EV_JOB_PAUSING,
	EV_JOB_PAUSED,
	EV_JOB_UNPAUSED,
	EV_JOB_RESTARTING,
	EV_JOB_STOPPING,
	EV_JOB_STOPPED,
	EV_JOB_COMPLETED,
	EV_JOB_FAILED,
	EV_JOB_INVALID,
	EV_JOB_DELETED,
	EV_RUN_CREATED,
	EV_RUN_LEASED,
	EV_RUN_STARTED,
	EV_RUN_CASE,
	EV_RUN_STEP,
	EV_RUN_PROGRESS,
	EV_RUN_LOG,
	EV_RUN_WARNING,
	EV_RUN_ARTIFACT,
	EV_RUN_FINISHED,
	EV_RUN_RESTARTED,
	EV_RUN_LOST,
	EV_RUN_STALE_RESULT,
	EV_WORKER_JOINED,
	EV_WORKER_LOST,
	EV_WORKER_DRAINED,
	EV_RUN_RELEASED,
	EV_QUARANTINE_ADDED,
	EV_QUARANTINE_CHANGED,
	EV_QUARANTINE_LEFT,
	EV_FLOW_STAGE,
	EV_WAIT_OBSERVED,
	EV_JOB_EDITED,
	EV_QUEUE_CHANGED,
	EV_QUEUE_PAUSED,
	EV_QUEUE_RESUMED,
	EV_SCHEDULE_CHANGED,
	EV_SCHEDULE_FIRED,
	EV_SCHEDULE_MISSED,
	EV_SCHEDULE_FAILED,
	EV_JOB_PINNED,
	EV_JOB_UNPINNED,
	EVENT_TYPE_COUNT
};

struct event {
	int64_t seq; /* given when the turn is saved */
	int64_t at_ms;
	int64_t project;
	int64_t job_seq;   /* 0: about no job */
	struct job_id job; /* zero: about no job */
	struct run_id run; /* zero: about the job */
	enum event_type type;
	struct str data; /* JSON object text */
};

const char *event_type_name(enum event_type type);
int event_type_parse(struct str name, enum event_type *ret);
/* True when a job's stream ends after it. */
bool event_type_is_final(enum event_type type);
/* True for the types that a worker may send. */
bool event_type_from_worker(enum event_type type);

/* Appends the event as one JSON object (docs/protocol/events.md). -1: the buffer is full. */
int event_write(const struct event *event, struct buf *out);

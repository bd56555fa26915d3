/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants to know what: streams of events and calls that wait for a job.
 *
 * A stream first catches up from the store, page by page on the pool, while what happens
 * meanwhile is set aside; then it is live and gets each turn's events as the engine hands them
 * out. An event is encoded once, whatever the number of its readers. The engine copies events
 * only while somebody is interested; a turn without copies makes everybody look into the store
 * again.
 */
#pragma once

#include "api/api_impl.h"

struct hub;

int hub_start(struct hub **ret, struct api *api, struct err *err) MUST_CHECK;

/* Drops streams at once; calls that wait must be answered before. The memory goes with the
 * loop. */
void hub_stop(struct hub *hub);
bool hub_is_closed(const struct hub *hub);
void hub_free(struct hub *hub);

/* What a turn did. */
void hub_turn(struct hub *hub, const struct turn_output *output);

/*
 * Calls then(call) once, at the end of the job (or when it may have come) or after wait_ms. The
 * call must not be waiting already.
 */
void hub_wait(struct hub *hub, struct call *call, const struct job_id *job, int64_t wait_ms,
	void (*then)(struct call *call));
/* Every wait is over now. */
void hub_wake(struct hub *hub);
/* The call does not wait any more; harmless when it does not. True when it did. */
bool hub_unwait(struct hub *hub, struct call *call);

/*
 * Answers the call with a stream of the job's events (job != NULL) or the project's, after
 * number `after` (-1: a job from its beginning, the project from now on). types: set of event
 * types; 0: all.
 */
void hub_stream(struct hub *hub, struct call *call, const struct job_id *job, int64_t after,
	uint64_t types);

/* Somebody else wants turns to hand out copies of their events (+1), or does no more (-1). */
void hub_interest(struct hub *hub, int change);

struct sse_stream;
/* Begins an event stream of somebody else's on the socket (owned); closed at hub_stop. */
void hub_open(struct hub *hub, struct sse_stream *stream, int fd,
	void (*closed)(struct sse_stream *stream));

size_t hub_streams(const struct hub *hub);
uint64_t hub_dropped(const struct hub *hub);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events from bytes as they come. Pure: pieces of a stream in, the JSON of each
 * event out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"

/* Gets each event that has data; borrowed. < 0 ends the reading. */
typedef int sse_event_fn(void *arg, json_t *event);

struct sse_reader {
	struct buf line; /* the line under way */
	struct buf data; /* `data:` of the event under way */
	bool was_cr;     /* the last byte was CR: an LF after it belongs to it */
	int64_t last_id; /* of the last complete event; -1: none yet */
	int64_t id;      /* of the event under way; -1: none */
	bool dropped;    /* the server said that this reader was too slow */
	bool is_dropped_event;
	sse_event_fn *event;
	void *arg;
};

void sse_reader_init(struct sse_reader *reader, sse_event_fn *event, void *arg);
void sse_reader_deinit(struct sse_reader *reader);

/* A connection begins anew; last_id stays. */
void sse_reader_restart(struct sse_reader *reader);

/* -1: the callback said so, or a line or event was longer than an event may be. */
int sse_reader_feed(struct sse_reader *reader, const char *data, size_t len) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as they lie on disk: those of one job in one turn are one packed row.
 *
 *	row   = 1 byte: format, now 1
 *	        1 byte: 1 when a job id follows, else 0
 *	        16 bytes: job id
 *	        events
 *	event = number: bytes of the type's name; the name
 *	        1 byte: 0 about no run, 1 a run id follows, 2 about the run of the event before
 *	        16 bytes: run id
 *	        number: ms, as the zigzag difference to the event before (to 0 at first)
 *	        number: bytes of the data; the data (JSON text)
 *
 * Numbers are little-endian base 128: seven bits a byte, the eighth says that more follow.
 * Types are names and not values, so the enumeration may change its order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/event.h"

/* Appends the row of n >= 1 events of one job. -1: past out's maximum. */
int event_pack(const struct event *events, size_t n, struct buf *out) MUST_CHECK;

struct event_unpack {
	struct str rest;    /* bytes not yet read; borrowed */
	struct event event; /* members that are common, and the last event read */
};

/* `row` must outlive the events: their data points into it. -1: ERR_CORRUPT. */
int event_unpack_init(struct event_unpack *unpack, struct str row, int64_t first_seq,
	int64_t project, int64_t job_seq, struct err *err) MUST_CHECK;

enum { EVENT_UNPACK_END = 1 };

/* Reads the next event into unpack->event. */
int event_unpack_next(struct event_unpack *unpack, struct err *err) MUST_CHECK;

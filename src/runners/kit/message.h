/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner protocol's messages (docs/protocol/runner.md): one table of types for both
 * directions, a checked parser, and the framing of lines. Used by both sides.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum {
	MESSAGE_REQUEST_BYTES_MAX = 1024 * 1024, /* a line from the worker, without its LF */
	MESSAGE_REPLY_BYTES_MAX = 256 * 1024,    /* a line from the runner, without its LF */
	MESSAGE_VERSION = 1,
};

enum message_type {
	/* worker → runner */
	MESSAGE_HELLO,
	MESSAGE_RUN,
	MESSAGE_CANCEL,
	MESSAGE_SCREEN,
	MESSAGE_BYE,
	/* runner → worker */
	MESSAGE_READY,
	MESSAGE_STARTED,
	MESSAGE_CASE,
	MESSAGE_STEP,
	MESSAGE_PROGRESS,
	MESSAGE_LOG,
	MESSAGE_ARTIFACT,
	MESSAGE_FRAME,
	MESSAGE_RESULT,
	MESSAGE_TYPE_COUNT
};

/* Who wrote it. */
enum message_side { MESSAGE_FROM_WORKER, MESSAGE_FROM_RUNNER };

struct message {
	enum message_type type;
	json_t *body;    /* owned; the whole object */
	const char *run; /* inside body; NULL where the type has none */
};

/*
 * Reads one line (without its LF). Checks that it is an object of a type that this side may
 * send and that the members which the type needs are there with the right kind. -1: INVALID,
 * LIMIT.
 */
int message_parse(struct message *ret, enum message_side from, const char *line, size_t len,
	struct err *err) MUST_CHECK;
void message_deinit(struct message *message);

const char *message_type_name(enum message_type type);

/* One of passed, failed, errored, skipped, cancelled, timed_out, lost. */
bool message_outcome_valid(const char *outcome);

/* --- Framing --- */

/* Cuts a stream into lines. Initialise with LINES_INIT(longest line). */
struct lines {
	struct buf buf;
	size_t start;   /* of the line that is not yet given out */
	size_t scanned; /* bytes from start that hold no LF */
	size_t line_max;
};

#define LINES_INIT(max_bytes)                                                     \
	{                                                                         \
		.buf = BUF_INIT(2 * (max_bytes) + 65536), .line_max = (max_bytes) \
	}

enum { LINES_MORE = 1 };

void lines_deinit(struct lines *lines);

/*
 * Room for the next read: at least 1 byte, *ret_len says how many. Call lines_next() until it
 * says LINES_MORE between two reads, and lines_filled() with what arrived.
 */
char *lines_room(struct lines *lines, size_t *ret_len);
void lines_filled(struct lines *lines, size_t len);

/*
 * 0 and the next line without its LF, valid until lines_room(); LINES_MORE when none is
 * complete; -1 with LIMIT when it is longer than the maximum.
 */
int lines_next(struct lines *lines, struct str *ret, struct err *err) MUST_CHECK;

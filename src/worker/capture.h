/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runner and its children print: kept in a file up to a limit, counted beyond it, and
 * cut into lines for the live log.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"

enum {
	CAPTURE_LINE_BYTES_MAX = 4096, /* of a line in the live log; cut */
	CAPTURE_OVER = 1,
};

/* Written altogether: over this it is a defect of the test, and it is ended. */
#define CAPTURE_FLOOD_BYTES_MAX MIB(64)

typedef void capture_line_fn(void *arg, const char *level, const char *text, size_t len);

struct capture {
	int fd;          /* the file; -1: not open */
	int64_t kept;    /* bytes in the file */
	int64_t seen;    /* bytes that came */
	bool is_cut;     /* the file is full and says so */
	struct buf line; /* the line that is not complete */
	bool line_cut;   /* the rest of an overlong line is being passed over */
	capture_line_fn *on_line;
	void *arg;
};

int capture_open(struct capture *ret, const char *path, capture_line_fn *on_line, void *arg,
	struct err *err) MUST_CHECK;

/* Takes output. 0, or CAPTURE_OVER once more than CAPTURE_FLOOD_BYTES_MAX came. */
int capture_add(struct capture *capture, const char *data, size_t len);

/* Adds a line of our own to the file (not to the live log). */
void capture_note(struct capture *capture, const char *level, const char *text, size_t len);

/* Gives out the last line and closes the file. Harmless when it is not open. */
void capture_close(struct capture *capture);

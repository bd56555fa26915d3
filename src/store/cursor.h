/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of job lists: the place behind the last row of a page, as opaque text. The next page
 * is what stands after (key, seq), so rows that come or go in between move nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

struct job_cursor {
	int64_t seq;
	int64_t now_ms;  /* of the first page, so that durations of running jobs hold still */
	int64_t number;  /* sort key, where it is a number */
	struct str text; /* sort key of JOB_SORT_NAME */
};

/* Base64url text; NULL: past the arena's maximum. */
const char *cursor_write(const struct job_cursor *cursor, const struct job_filter *filter,
	struct arena *arena) MUST_CHECK;

/* -1: ERR_INVALID when the text is not a cursor of ours, or of a list in another order. */
int cursor_read(const struct job_filter *filter, struct arena *arena, struct job_cursor *ret,
	struct err *err) MUST_CHECK;

/* Milliseconds that a job has run so far, or did run; 0: it never started. */
int64_t job_run_ms(const struct job *job, int64_t now_ms);

/* The sort key of a job. */
void cursor_of_job(
	struct job_cursor *ret, const struct job *job, enum job_sort sort, int64_t now_ms);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows one job in a loop of its own: its events into the progress display, Ctrl-C into a
 * cancel, until the job is over.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/embedded.h"
#include "cli/progress.h"

enum follow_end {
	FOLLOW_OVER = 0,        /* the job is final */
	FOLLOW_INTERRUPTED = 1, /* the job is cancelled because of a signal */
	FOLLOW_GAVE_UP = 2,     /* the same because of the time limit */
	FOLLOW_LEFT = 3,        /* a second signal: the job may still be running */
};

/* give_up_ms 0: never. -1: UNAVAILABLE when the server is gone. */
int follow_job(struct embedded *embedded, const char *job, struct progress *progress,
	int64_t give_up_ms, struct err *err) MUST_CHECK;

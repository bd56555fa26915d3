/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a job's end through the long poll. */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/remote.h"

enum { JOB_WAIT_GAVE_UP = 1 };

/*
 * Waits until the job is final, at most timeout_ms (0: for ever). *ret is the job as it was
 * last seen, owned by the caller, also with JOB_WAIT_GAVE_UP. A server that is away for a
 * moment is waited for too.
 */
int job_wait(struct remote *remote, const char *id, int64_t timeout_ms, json_t **ret,
	struct err *err) MUST_CHECK;

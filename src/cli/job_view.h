/* SPDX-License-Identifier: Apache-2.0 */
/* How jobs, runs and events look in a terminal, and what a job's end means for the exit status.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"

/* True for the four final states. */
bool job_is_over(const json_t *job);

/* The exit status for a job that is over: passed, tests failed, errored. */
int job_exit_status(const json_t *job);

/* "3 passed, 1 failed"; "nothing ran". From a `counts` object. */
void job_put_counts(struct buf *out, const json_t *counts);

/* "850 ms", "12 s", "3 min 5 s". */
void job_put_duration(struct buf *out, int64_t ms);

void job_print_head(void);
void job_print_line(const json_t *job);
void job_print(const json_t *job);
void job_print_runs(const json_t *runs);

/* One line for an event, without colours; run_name, "" for none, says whose it is. */
void job_print_event(const json_t *event, const char *run_name);

/* Members as text; "" when they are not there. */
const char *json_text(const json_t *object, const char *name);
int64_t json_int(const json_t *object, const char *name);

/* Text of others for a terminal: control characters and escape sequences taken out. */
void put_plain(struct buf *out, const char *text);

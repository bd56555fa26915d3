/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures of a run on their way to the server, while somebody looks (docs/protocol/worker.md
 * §5): one request at a time, the newest picture wins, none is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

struct http_exchange;
struct task;
struct worker;

/* Part of a task. */
struct screen {
	bool is_wanted;                 /* the server asked, and has not said enough */
	struct http_exchange *exchange; /* under way, or NULL */
	struct buf waiting;             /* the picture that goes next; empty: none */
	int width, height;              /* of it */
	int64_t sent_mono_ms;           /* of the last one */
	int n_failures;                 /* in a row */
};

void screen_timer_init(struct worker *worker);

/* The server wants pictures of the run. */
void screen_watch(struct task *task);

/* A `frame` of its runner. */
void screen_frame(struct task *task, json_t *body);

/* The run is over, or nobody looks: tells the runner, drops what waits. */
void screen_off(struct task *task);

/* The same when the task goes, without a word. */
void screen_deinit(struct task *task);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run in this worker's hands, from its lease to the server's receipt of its result.
 *
 * Its verdict is decided once: the first cause wins (a stop, a time limit, a limit passed, the
 * runner's result, the runner's end). What the runner's result tells besides is kept in any
 * case.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/json.h"
#include "base/list.h"
#include "worker/kinds.h"
#include "worker/screen.h"

struct worker;
struct runner;

enum task_phase {
	TASK_WAITING,  /* for its bundle, or for a runner */
	TASK_RUNNING,  /* has a runner */
	TASK_ENDED,    /* over; artifacts may still be on their way */
	TASK_REPORTED, /* its result is in the outbox */
};

struct task {
	struct list_node node; /* worker->tasks */
	struct worker *worker;
	struct runner *runner; /* while RUNNING, and ENDED until its folder is free */
	enum task_phase phase;
	char run[UUID_TEXT_LEN + 1];
	int64_t fence;
	json_t *lease; /* as the server gave it; owned */
	const struct kind *kind;
	int64_t timeout_ms;        /* 0: none */
	int64_t start_timeout_ms;  /* from the lease to `started`; 0: none */
	const char *job;           /* inside lease; "" when it does not say */
	int64_t group, connection; /* of a grouped job; connection 0: none */
	const char *bundle;        /* hex digest, inside lease; NULL: none */
	bool is_prepared;          /* the folder is filled: bundle fetched and unpacked */
	bool is_sent;              /* its runner has got it */
	unsigned n_starts;         /* runners that it was given */

	bool has_started; /* the runner said so */
	bool is_stopping; /* asked to end */
	bool is_dropped;  /* not ours any more: report nothing */
	bool hands_back;  /* leaves with us unfinished: the server gives it to another worker */

	const char *outcome; /* static; NULL: not decided */
	char *reason;        /* owned, or NULL */
	json_t *error;       /* owned, or NULL */
	json_t *result;      /* the runner's message; owned, or NULL */
	json_t *warnings;    /* ours; owned, or NULL */

	struct screen screen;

	int64_t leased_mono_ms;
	int64_t started_mono_ms;
	int64_t duration_ms;
	int64_t cpu_ms, peak_kib; /* of its processes; 0: not measured */
	int64_t n_events;
	int64_t n_log_lines;
	int64_t progress_mono_ms; /* of the last one that was sent on */
	unsigned n_artifacts;     /* accepted for upload */
	unsigned n_uploads;       /* not yet over */
};

/* From a lease; NULL with err when it makes no sense. Takes a reference to lease. */
struct task *task_new(struct worker *worker, json_t *lease, struct err *err) MUST_CHECK;
struct task *task_free(struct task *task);
struct task *task_find(struct worker *worker, const char *run);

/* Decides the verdict; does nothing when there is one. reason and fmt may be NULL. */
void task_decide(struct task *task, const char *outcome, const char *reason, const char *fmt,
	...) PRINTF_LIKE(4, 5);

/* Takes the runner's result message (a reference). */
void task_take_result(struct task *task, json_t *body);

/* Adds a warning to the result and sends it as an event. */
void task_warn(struct task *task, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sends an event with a runner's message as data, without its type and run. */
void task_event(struct task *task, const char *type, json_t *body);

/* Sends a line of the log, unless there were too many. */
void task_log_line(struct task *task, const char *level, const char *text, size_t len);

/* Writes the `results` entry of a poll. */
void task_write_result(const struct task *task, struct jw *jw);

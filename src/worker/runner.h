/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One runner process with its shepherd, pipes, folder and log, led by the table of supervise.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/spawn.h"
#include "runners/kit/message.h"
#include "worker/capture.h"
#include "worker/kinds.h"
#include "worker/supervise.h"

struct task;
struct worker;

/* A descriptor of ours and its handle. */
struct runner_pipe {
	uv_poll_t poll;
	int fd;       /* -1: closed */
	bool is_open; /* the handle */
};

struct runner {
	struct list_node node; /* worker->runners */
	struct worker *worker;
	const struct kind *kind;
	unsigned n;
	char *dir;    /* owned */
	char *cgroup; /* owned, or NULL */
	enum supervise_state state;
	struct task *task; /* the run in hand, until its folder is free again; NULL: none */
	bool is_run_over;  /* task has ended; only its artifacts keep the folder */

	struct spawn_child shepherd;
	struct runner_pipe exit, control, requests, replies, log;
	uv_timer_t timer;
	int n_handles; /* not yet closed */

	struct lines lines;
	struct buf out;       /* requests that wait for room in the pipe */
	bool closes_requests; /* after `out` */
	struct capture capture;

	bool is_reusable;
	bool has_served; /* a run before this one */
	bool was_ready;  /* ever */
	bool is_judged;  /* its failed start has been counted */
	unsigned n_lost; /* runs that it lost in a row */
	char last_job[UUID_TEXT_LEN +
		1]; /* what it served last: that place's browser is warm */
	int64_t last_group, last_connection; /* 0: none */
	bool saw_empty;                      /* the shepherd left in order */
	bool has_exited;                     /* the runner itself; code and status are known */
	int code, status;
	int64_t cpu_ms;    /* of its processes, when it was measured last */
	char failure[200]; /* why it could not be started */

	bool is_busy; /* the pool clears, fills or measures its folder in another thread */
	bool is_measured;
	bool is_clean;    /* its folder is ready for a run */
	bool is_released; /* the pool has let go of it: freed once its handles are closed */
	char *unpack_from;
	struct err work_err;
	uv_work_t work;
	uv_work_t measure_work;
	int64_t bytes;
};

/* Starts a process. NULL with err. */
struct runner *runner_start(struct worker *worker, const struct kind *kind, struct err *err)
	MUST_CHECK;

/* Moves it along the table. */
void runner_event(struct runner *runner, enum supervise_event event);

/* Tells it whether somebody looks at its run. */
void runner_screen(struct runner *runner);

/* Begins a fresh output.log in its folder, which has been cleared. */
void runner_open_log(struct runner *runner);

/* An idle runner leaves after a while unless it is reserved for a run that is being prepared.
 */
void runner_reserve(struct runner *runner, bool is_reserved);

/* Decides the verdict of its run by how the process ended: there was no result. */
void runner_decide(struct runner *runner);

/* Lets go of one that is GONE; the memory follows once its handles are closed. */
void runner_release(struct runner *runner);

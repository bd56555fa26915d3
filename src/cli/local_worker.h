/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker that `proctor serve` starts beside itself: a child process of the same program
 * that works for the server over HTTP like any other.
 *
 * It leaves when its stdin ends, so it does not outlive the server. When it dies it is started
 * again after a pause that grows; the owner hears of it at once, with the id under which the
 * server knew it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/rand.h"
#include "core/ids.h"

struct local_worker_options {
	const char *url, *token_file, *data_dir;
	const char *runners_dir; /* or NULL */
	const char *log_level;
	const char *const *resources; /* NAME=AMOUNT; n_resources of them */
	size_t n_resources;
	int64_t capacity;
};

struct local_worker {
	uv_loop_t *loop;
	struct local_worker_options options; /* texts borrowed */
	void (*gone)(void *arg, struct worker_id id, bool is_last);
	void *arg;
	uv_poll_t exit_poll;
	uv_timer_t restart_timer;
	bool is_running, is_stopping;
	int pid, pidfd;
	int stdin_fd; /* its end tells the child to leave */
	struct worker_id id;
	int64_t started_mono_ms;
	int64_t pause_ms; /* before the next start */
	struct rng rng;
};

/*
 * Starts it. `gone` is called from the loop whenever a child has ended; is_last when no other
 * follows because of local_worker_stop(). Borrows the loop and the texts until it is closed.
 */
int local_worker_start(struct local_worker *worker, uv_loop_t *loop,
	const struct local_worker_options *options,
	void (*gone)(void *arg, struct worker_id id, bool is_last), void *arg, struct err *err)
	MUST_CHECK;

/* A child that the process before us started: what this one needs to be its parent. */
struct local_worker_child {
	int pid, pidfd, stdin_fd;
	struct worker_id id;
};

/* Lets go of the child without ending it. False: there is none. */
bool local_worker_release(struct local_worker *worker, struct local_worker_child *ret);
/* Goes on with one that was released, instead of local_worker_start(). */
int local_worker_adopt(struct local_worker *worker, uv_loop_t *loop,
	const struct local_worker_options *options, const struct local_worker_child *child,
	void (*gone)(void *arg, struct worker_id id, bool is_last), void *arg, struct err *err)
	MUST_CHECK;

/* Asks it to leave in order (SIGTERM). False: there is none, nothing will come. */
bool local_worker_stop(struct local_worker *worker);

/* Ends it at once. */
void local_worker_kill(struct local_worker *worker);

/* Closes the handles; the loop must run once more. The child is killed if it still lives. */
void local_worker_close(struct local_worker *worker);

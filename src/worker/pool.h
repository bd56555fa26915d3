/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings runs and runner processes together, and sees every run through: bundle, runner,
 * artifacts, result. All functions are called on the loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct runner;
struct task;
struct worker;

enum pool_haste {
	POOL_PATIENT, /* runs end by themselves */
	POOL_SOON,    /* runs are asked to end and go back to the server */
	POOL_NOW,     /* runs are killed and go back to the server */
};

/* --- From the server --- */

void pool_start(struct task *task);

/* End it through the protocol; its verdict is that outcome and reason. */
void pool_stop(struct task *task, const char *outcome, const char *reason);

/* It is not ours any more: end it at once, report nothing. May free the task. */
void pool_drop(struct task *task);
void pool_drop_all(struct worker *worker);

/* The server has its result: frees it. */
void pool_reported(struct task *task);

/* The server does not take the result: a short one is sent in its place, once. */
void pool_result_refused(struct task *task);

/* Take no more runs; leave when all is done. May be called again with more haste. */
void pool_drain(struct worker *worker, enum pool_haste haste);

/* Leaves when draining is complete. */
void pool_check_end(struct worker *worker);

/* Ends the worker with an error. */
void pool_fail(struct worker *worker, enum err_code code, const char *text);

/* --- From the parts of a run --- */

void pool_bundle_done(struct task *task, const struct err *err);
void pool_upload_done(struct task *task);
void pool_runner_ready(struct runner *runner);

/* runner->task has ended (its verdict is decided or in its result). */
void pool_run_over(struct runner *runner);

/* Nothing of the process is left. */
void pool_runner_gone(struct runner *runner);

/* Kills children of ours that are no shepherds. Returns how many there were. */
int pool_end_orphans(struct worker *worker);

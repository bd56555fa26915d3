/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a job file wants beside its tests: started before, waited for, stopped after.
 *
 * Each stands under a shepherd (worker/shepherd.h), so nothing of it is left behind, not even
 * when this process is killed.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

struct service {
	char *name;   /* owned; for messages */
	char *log;    /* owned; file with its output */
	char *dir;    /* owned; private folder of its shepherd */
	int pidfd;    /* of the shepherd; -1: not running */
	int control;  /* the shepherd's socket */
	bool is_over; /* the program itself has ended */
};

struct services {
	struct service *item; /* owned */
	size_t n;
};

/*
 * Starts them in order; each must be ready before the next one starts. `specs` is an array of
 * { command: [text …], ready?: "GET address", name?, cwd?, env?: {}, timeout? }; relative
 * paths are relative to dir. Logs go to log_dir. `is_cancelled` is asked while waiting (may be
 * NULL).
 *
 * -1: INVALID for a spec, UNAVAILABLE when one does not start or get ready; what had started is
 * stopped. The text names the service; services_log_tail() has its last words.
 */
int services_start(struct services *ret, const json_t *specs, const char *dir,
	const char *log_dir, bool (*is_cancelled)(void), struct err *err) MUST_CHECK;

/* Asks all to end, kills what does not within a few seconds, and everything they started. */
void services_stop(struct services *services);

/* The end of a log file, for people: at most `lines` lines. Owned by the caller; "" when empty.
 */
char *log_tail(const char *path, int lines);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one image of the server leaves to the next: its listening sockets, in which connections
 * wait meanwhile, and its local worker, whose runs go on. The process stays the same (exec), so
 * descriptors and children are inherited; a variable of the environment says which they are,
 * and counts only for the process that it names.
 *
 * Also takes sockets that systemd has opened (LISTEN_FDS).
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/local_worker.h"

struct hand_over {
	int listen_fd, view_fd; /* 0: none */
	bool has_worker;
	struct local_worker_child worker;
	const char *program; /* path of the executable at the start */
	char **argv;         /* of the process; NULL-terminated */
};

/* What was left to this process, and how it was started. Takes it out of the environment. */
int hand_over_read(struct hand_over *ret, struct arena *arena, struct err *err) MUST_CHECK;

/* Whether there is a program to go on with. */
int hand_over_check(const struct hand_over *self, struct err *err) MUST_CHECK;

/* Runs the program anew with what is left. Returns only when that failed. */
void hand_over_exec(
	const struct hand_over *self, const struct hand_over *next, struct err *err);

/* Signals that came during the exec are delivered from here on. */
void hand_over_unblock(void);

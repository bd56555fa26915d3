/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that `proctor run` works with: one that already has the data directory, or a child
 * of this process that leaves when the command does.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/remote.h"

struct embedded {
	struct remote remote;
	int pidfd;    /* of the child; -1: somebody else's server */
	int stdin_fd; /* its end tells the child to leave */
	char *log;    /* owned; the child's log file, or NULL */
};

/*
 * A child has `connections`, or as many as the machine has processors when that is more or 0.
 * -1: UNAVAILABLE with the child's last words in the text where there are some.
 */
int embedded_start(struct embedded *ret, const char *data_dir, int connections, struct err *err)
	MUST_CHECK;

/* Lets the child leave in order and waits for it. */
void embedded_stop(struct embedded *embedded);

/* True when the child has ended, which it does not by itself. */
bool embedded_is_dead(const struct embedded *embedded);

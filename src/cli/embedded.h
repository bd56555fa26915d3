/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that `proctor run` works with: one that already has the data directory, or a child
 * of this process that leaves when the command does.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "cli/remote.h"

struct embedded {
	struct remote remote;
	int pidfd;    /* of the child; -1: somebody else's server */
	int stdin_fd; /* its end tells the child to leave */
	char *log;    /* owned; the child's log file, or NULL */
};

/* What a child is to have for the job that it is started for. */
struct embedded_wants {
	int connections; /* as many as the machine has processors, or more */
	const char *resources[RESOURCES_MAX]; /* names; borrowed */
	size_t n_resources;
};

/* Wants what the job, or the jobs of the flow's stages, need besides cpu and memory. */
void embedded_want_needs(struct embedded_wants *wants, const json_t *job);

/* -1: UNAVAILABLE with the child's last words in the text where there are some. */
int embedded_start(struct embedded *ret, const char *data_dir,
	const struct embedded_wants *wants, struct err *err) MUST_CHECK;

/* Lets the child leave in order and waits for it. */
void embedded_stop(struct embedded *embedded);

/* True when the child has ended, which it does not by itself. */
bool embedded_is_dead(const struct embedded *embedded);

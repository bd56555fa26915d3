/* SPDX-License-Identifier: Apache-2.0 */
/* What chromium.c, profile.c and context.c tell each other; nobody else includes this. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "runners/browser/chromium.h"

/*
 * Makes a private folder below `parent` (NULL: the best place), locked by *ret_fd as long as
 * that is open, and removes what dead runners left there.
 */
int profile_new(char **ret_path, int *ret_fd, const char *parent, struct err *err) MUST_CHECK;

/* Removes it and closes the descriptor. NULL and -1 are fine. */
void profile_remove(const char *path, int fd);

struct group_usage {
	unsigned n_processes; /* zombies included */
	int64_t memory_bytes; /* private pages of all, and the shared ones of the largest */
};

/* What the processes of a process group use, read from /proc. */
struct group_usage group_usage(pid_t group);

/* Where context.c keeps the spare one; NULL inside: none yet. NULL: none is wanted. */
struct context **chromium_spare(struct chromium *chromium);

/* A context was used: counts for chromium_worn(). */
void chromium_count_run(struct chromium *chromium);

/*
 * Tells the browser to end a context, without waiting: that goes on beside the next run. One
 * that does not end, or not within CONTEXT_DISPOSE_MS, makes the browser worn.
 */
void chromium_close_context(struct chromium *chromium, const char *id);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's private folders:
 *
 *	DATA/worker/cache/           outlives runs and workers: bundles and each kind's own
 *	DATA/worker/w-TAG/lock       locked while the worker TAG lives
 *	DATA/worker/w-TAG/N/         one runner process: run/ artifacts/ tmp/ output.log
 *
 * Names are short because programs make sockets below them, whose paths hold 107 bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct rundir {
	char *base;  /* DATA/worker/w-TAG, absolute; owned */
	char *cache; /* DATA/worker/cache, absolute; owned */
	int lock_fd;
};

/* Makes them, and first removes what dead workers left: processes, groups, folders. */
int rundir_init(struct rundir *ret, const char *data_dir, const char *tag, struct err *err)
	MUST_CHECK;

/* Removes the worker's own folder. */
void rundir_deinit(struct rundir *dirs);

/* Makes base/N with its folders. *ret is owned. */
int rundir_make(const struct rundir *dirs, unsigned n, char **ret, struct err *err) MUST_CHECK;

/* Empties the folders of dir, which stay themselves, and removes the log: ready for a next run.
 * With keeps_tmp its tmp/ is left as it is: something that lives on has files there. */
int rundir_clear(const char *dir, bool keeps_tmp, struct err *err) MUST_CHECK;

/* Bytes on disk of everything below, counted until they pass `enough`. Blocks: not in the loop.
 */
int64_t rundir_bytes(const char *dir, int64_t enough);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing out a Playwright project: one test of the job becomes one for each of the project's
 * tests or files, which workers then pull one by one. And the choice among tests by what
 * happened last time.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/job_file.h"
#include "cli/remote.h"

enum {
	SHARD_NOTHING_FAILED = 1, /* --last-failed, and the last job passed: nothing is to be
				     run; it was said */
};

/*
 * Carries out --shard, a test's own `shard` member, and --last-failed on the job's tests, with
 * paths made absolute before. Tests that were shared out stand longest first. 0 or
 * SHARD_NOTHING_FAILED. Runs the project's Playwright on this machine to list its tests.
 */
int shard_apply(struct job_file *file, const struct cli *cli, struct remote *remote,
	struct err *err) MUST_CHECK;

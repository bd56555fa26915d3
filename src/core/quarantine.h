/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quarantine: how often an unstable test is tried before its verdict counts
 * (docs/protocol/browser-jobs.md, 5). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	QUARANTINE_ATTEMPTS_MAX = 1000,
	QUARANTINE_ATTEMPTS_DEFAULT = 5,
	QUARANTINE_SUCCESSES_DEFAULT = 3,
};

struct run;

struct quarantine_policy {
	int32_t attempt_limit;     /* 2 … QUARANTINE_ATTEMPTS_MAX; 0: no quarantine */
	int32_t success_threshold; /* 1 … attempt_limit - 1 */
};

/* Attempts at one unit, the one that just ended included. */
struct quarantine_tally {
	int32_t attempts; /* at least 1 */
	int32_t passes;
	bool last_passed;
};

/* True when the unit is to be tried again; else the last attempt's outcome is its verdict. */
bool quarantine_again(
	const struct quarantine_policy *policy, const struct quarantine_tally *tally);

/* True when attempts did not agree: more than one, and at least one of them passed. */
bool quarantine_is_unstable(const struct quarantine_tally *tally);

/* The same of the unit whose last attempt is this run. */
bool quarantine_run_is_unstable(const struct run *run);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --last-failed: leaves in a job what failed in an earlier one, whatever the shape of either: a
 * project may have been one run then and be shared out by tests or by files now, or the other
 * way round. A failure that cannot be found again costs time, never a test: what it may have
 * been of is run whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct last_failed {
	size_t n_failed;  /* tests of the earlier job that did not pass */
	size_t n_kept;    /* tests that are left in the job */
	bool is_good;     /* the earlier job passed as a whole */
	json_t *unplaced; /* owned: names of those that failed and were not found again */
	json_t *whole;    /* owned: names of the tests that are run whole instead */
};

/*
 * Removes from the job's `tests` and `fixtures` what passed in the report (format json). Hooks
 * stay, and so does every test when the job failed without any failed test. The caller deinits.
 */
void last_failed_keep(json_t *job, const json_t *report, struct last_failed *ret);
void last_failed_deinit(struct last_failed *it);

/* SPDX-License-Identifier: Apache-2.0 */
/* What a job gave: the outputs of its tests as one JSON value (docs/protocol/flows.md §4). */
#pragma once

#include "store/store.h"

/*
 * With one test: the output of its last deciding run, `{}` when there is none. With several: an
 * object by name of test, of those that have one. A flow's: an object by stage, of what each
 * gave. More than JOB_RESULTS_BYTES_MAX, or more runs than anybody wants to read:
 * `{"truncated":true}`. Blocks.
 */
int read_job_results(struct store_reader *reader, const struct job *job, struct arena *arena,
	struct str *ret, struct err *err) MUST_CHECK;

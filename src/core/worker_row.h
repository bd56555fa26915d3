/* SPDX-License-Identifier: Apache-2.0 */
/* A worker as the server knows it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/ids.h"
#include "core/job.h"

enum worker_state {
	WORKER_ONLINE,
	WORKER_DRAINING,
	WORKER_LOST,
	WORKER_GONE,
	WORKER_STATE_COUNT
};

struct worker_row {
	struct worker_id id;
	int64_t project; /* 0: serves every project */
	const char *name, *version;
	const char *kinds;     /* comma-separated */
	const char *labels;    /* canonical: core/lane.h */
	const char *resources; /* what it offers: core/needs.h; NULL: nothing */
	int32_t capacity;
	enum worker_state state;
	int64_t lease_until_ms; /* end of the lease of all its runs; 0: it has had none since it
				   joined */
	int64_t joined_ms, seen_ms; /* seen_ms is written with the rest, never on its own */

	enum row_change change;
	struct run **runs; /* its leased runs, complete, when loaded with it */
	size_t n_runs;
};

const char *worker_state_name(enum worker_state state);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public identities. One struct each, so that a job's id cannot be passed for a run's.
 * All are UUIDv7; the store's integer keys ("seq") stay below the API.
 */
#pragma once

#include "base/id.h"

struct job_id {
	struct uuid u;
};
struct run_id {
	struct uuid u;
};
struct worker_id {
	struct uuid u;
};
struct def_id {
	struct uuid u;
};

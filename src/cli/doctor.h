/* SPDX-License-Identifier: Apache-2.0 */
/* What `proctor doctor` looks at: one function for each thing, all in one table. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "worker/kinds.h"

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
	enum finding_level level;
	const char *text; /* what there is; in the arena */
	const char *mend; /* what to do about it, or NULL */
};

struct doctor {
	struct arena *arena;
	const char *data_dir; /* or NULL: there is no home */
	struct kind_places places;
};

struct doctor_check {
	const char *name;
	struct finding (*look)(struct doctor *doctor);
};

/* Ends with an entry whose name is NULL. */
extern const struct doctor_check doctor_checks[];

/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions: saved, revisioned documents. They differ only in their kind and their schema. */
#pragma once

#include <stdint.h>

#include "core/ids.h"
#include "core/job.h"

enum def_kind {
	DEF_TEST,
	DEF_TEMPLATE,
	DEF_FLOW,        /* core/flow.h */
	DEF_ENVIRONMENT, /* where tests run: address, variables, headers, accounts */
	DEF_KIND_COUNT
};

struct definition {
	int64_t seq;
	struct def_id id;
	int64_t project;
	enum def_kind kind;
	const char *name; /* unique in project and kind */
	const char *tags; /* JSON array of strings */
	const char *body; /* JSON object, as validated */
	int64_t revision; /* 1, 2, …; every earlier revision is kept */
	int64_t created_ms, updated_ms;
	enum row_change change;
};

const char *def_kind_name(enum def_kind kind); /* "test", "template", … */

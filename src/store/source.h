/* SPDX-License-Identifier: Apache-2.0 */
/* Saved tests and templates out of the store, for core/job_json.h. */
#pragma once

#include "core/job_json.h"
#include "store/store.h"

struct store_source {
	struct store_reader *reader;
	int64_t project;
	struct arena *arena;
};

/* Borrows *state as long as the source is used. */
struct job_source store_source(struct store_source *state);

/* A definition by id or name. STORE_NONE: there is none. */
int source_definition(struct store_reader *reader, int64_t project, enum def_kind kind,
	const char *id_or_name, int64_t revision, struct arena *arena, struct definition **ret,
	struct err *err) MUST_CHECK;

/* How a test of that name ended last; arg: struct store_source. For selector_test.last. */
int source_last_result(void *arg, const char *name, enum last_result *ret, struct err *err)
	MUST_CHECK;

/* selector_judge() of a saved test. */
int source_judge(struct store_source *state, const struct selector *selector,
	const struct definition *def, struct selector_counts *counts, struct err *err)
	MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a job that say how it stands in line: docs/protocol/queues.md. From JSON. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "core/job_spec.h"
#include "core/plan.h"

/* "unique" of a request, as its fields decode it. */
struct job_unique {
	const char *key;
	int mode; /* as in unique_mode_names */
	int64_t period_ms;
};
extern const struct json_field job_unique_fields[];
extern const char *const unique_mode_names[]; /* enum unique_mode − 1 */

/* What job_request has of it. */
struct job_queueing {
	json_t *keys, *needs;
	struct job_unique unique;
	bool has_unique;
	int64_t expires_after_ms;
};

/* Into the spec; offences go to issues. */
void job_queueing_read(const struct job_queueing *in, const char *pointer, struct arena *arena,
	struct issues *issues, struct job_spec *spec);

/* Bodies of PATCH /jobs/{id} and of its move. Texts are the arena's. -1: issues. */
extern const struct json_field job_edit_fields[], job_move_fields[];
int job_edit_read(json_t *body, const char *pointer, struct arena *arena, struct issues *issues,
	struct job_edit *ret) MUST_CHECK;
int job_move_read(json_t *body, struct issues *issues, struct job_edit *ret) MUST_CHECK;

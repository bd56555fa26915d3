/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as JSON, by their tables of columns: a member for each column that is not zero and means
 * something outside of one database.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "store/columns.h"

/* Columns that are neither written nor read; NULL-terminated. */
extern const char *const row_skip_job[],
	*const row_skip_part[], *const row_skip_run[], *const row_skip_artifact[];

/* Appends the row as an object. */
void arc_row_write(
	struct jw *jw, const struct table *table, const char *const *skip, const void *row);

/*
 * Fills a zeroed row; texts are the arena's. -1: CORRUPT when a member is no column, or no
 * value of its kind; LIMIT when the arena is full.
 */
int arc_row_read(json_t *json, const struct table *table, const char *const *skip,
	struct arena *arena, void *row, struct err *err) MUST_CHECK;

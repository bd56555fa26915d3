/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which member of which row is which column: one table for each kind of row.
 *
 * The tables serve every backend: the SQL ones generate column lists from them and move values
 * in both directions, the one in memory copies rows with them, and the contract suite compares
 * rows with them. A new member of a row is one line here and one line in a migration.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum column_kind {
	COLUMN_I64,
	COLUMN_I32,
	COLUMN_U32,
	COLUMN_BOOL,
	COLUMN_F64,
	COLUMN_TEXT, /* const char *, NULL stays NULL */
	COLUMN_STR,  /* struct str, { NULL, 0 } is stored as "" */
	COLUMN_UUID, /* struct uuid or a struct of one; zero is stored as NULL */

	/* Enumerations are stored as the words of the API; a member without a word as NULL. */
	COLUMN_JOB_STATE,
	COLUMN_JOB_REASON,
	COLUMN_RUN_STATE,
	COLUMN_RUN_OUTCOME,
	COLUMN_WORKER_STATE,
	COLUMN_DEF_KIND,
};

enum column_use {
	COLUMN_FIXED,  /* written once, with the row */
	COLUMN_LIVE,   /* written by every update */
	COLUMN_EDITED, /* written with the row, and when the job is edited */
	COLUMN_ENDED,  /* written by updates after which, or before which, the row had ended */
};

struct column {
	const char *name;
	uint16_t offset;
	uint8_t kind; /* enum column_kind */
	uint8_t use;  /* enum column_use */
};

struct table {
	const char *name;
	const struct column *columns;
	size_t n_columns;
	size_t row_bytes; /* size of the struct */
};

extern const struct table job_table;
extern const struct table job_brief_table; /* without layout, flow and plan */
extern const struct table run_table;
extern const struct table job_test_table;
extern const struct table job_options_table;
extern const struct table incarnation_table;
extern const struct table artifact_table;
extern const struct table definition_table;
extern const struct table queue_table;
extern const struct table lane_table;
extern const struct table worker_table;
extern const struct table quarantine_table;
extern const struct table retention_table;
extern const struct table schedule_table;
extern const struct table firing_table;
extern const struct table stat_table;
extern const struct table known_test_table;
extern const struct table error_class_table;
extern const struct table project_table;

/* The word of an enumeration's value; NULL: it has none. `kind` is one of the enumerations. */
const char *column_word(enum column_kind kind, int value);

/* The value of a word (NULL: the value without one). -1: no such word. */
int column_word_parse(enum column_kind kind, const char *word, int *ret) MUST_CHECK;

/*
 * A copy of the columns' members, texts included, in one block; all other members are zero.
 * row_dup: free() releases it. row_copy: the arena's; NULL: past the arena's maximum.
 */
void *row_dup(const struct table *table, const void *row) __attribute__((returns_nonnull));
void *row_copy(const struct table *table, const void *row, struct arena *arena) MUST_CHECK;

/* The first column in which the rows differ, or NULL. */
const struct column *row_differs(const struct table *table, const void *a, const void *b);

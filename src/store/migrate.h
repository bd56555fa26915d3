/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered schema changes, forward only. The number of the last one applied is the version of
 * the database. Each is applied in one transaction with its number.
 */
#pragma once

#include <sqlite3.h>

#include "base/err.h"

struct migration {
	int number; /* from 1; 0 ends a table */
	const char *title;
	const char *text; /* SQL */
};

/* Made by tools/embed_sql.py from sql/sqlite/NNNN_title.sql. */
extern const struct migration sqlite_migrations[];

/*
 * Applies what is missing. -1: INVALID when the database was written by a newer program
 * (nothing is touched), CORRUPT when it holds something that is not ours.
 */
int migrate_sqlite(sqlite3 *db, const struct migration *migrations, struct err *err) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the file, with its prepared statements. Used by the store (one connection
 *that writes) and by each reader (one that cannot).
 *
 * A statement is taken with sql_get(), bound, stepped and reset; bindings are never copied, so
 *what is bound must live until the reset:
 *
 *	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_RUNS_OPEN, err);
 *	if (!stmt)
 *		return -1;
 *	sql_bind_i64(stmt, 1, job->seq);
 *	int rc;
 *	while ((rc = sql_step(db, stmt, err)) > 0)
 *		...
 *	return rc;
 */
#pragma once

#include <assert.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "store/columns.h"
#include "store/sqlite_sql.h"

struct sqlite_db {
	sqlite3 *handle;
	sqlite3_stmt *stmt[SQL_COUNT]; /* prepared at first use, or all by sql_prepare_all() */
};

/* Opens an existing file for reading, or makes and opens it for writing. */
int sqlite_db_open(struct sqlite_db *db, const char *path, bool writes, struct err *err)
	MUST_CHECK;
void sqlite_db_close(struct sqlite_db *db);

/* Fills err from the connection's last error; -1. */
int sqlite_db_err(const struct sqlite_db *db, struct err *err);

/* Functions of ours that statements call: sqlite_stats.c. */
int sqlite_add_functions(struct sqlite_db *db, struct err *err) MUST_CHECK;

int sql_prepare_all(struct sqlite_db *db, struct err *err) MUST_CHECK;

/* NULL with err when it cannot be prepared. */
sqlite3_stmt *sql_get(struct sqlite_db *db, enum sql_id id, struct err *err) MUST_CHECK;

/* 1: a row, 0: no more, -1. */
int sql_step(const struct sqlite_db *db, sqlite3_stmt *stmt, struct err *err) MUST_CHECK;

/* Runs a statement without rows and resets it. STORE_CONFLICT (1): a unique key is taken. */
int sql_exec(const struct sqlite_db *db, sqlite3_stmt *stmt, struct err *err) MUST_CHECK;

/* The same for one without parameters. */
int sql_run(struct sqlite_db *db, enum sql_id id, struct err *err) MUST_CHECK;

/* One number from a statement without parameters; NULL and no row read as 0. */
int sql_number(struct sqlite_db *db, enum sql_id id, int64_t *ret, struct err *err) MUST_CHECK;

static inline void
sql_resetp(sqlite3_stmt **slot)
{
	/* The result repeats the error of the last step, which has been reported. */
	(void)sqlite3_reset(*slot);
}

static inline void
sql_bound(int rc)
{
	/* All else is a mistake in our code: sizes are limited long before. */
	assert(rc == SQLITE_OK);
}

static inline void
sql_bind_i64(sqlite3_stmt *stmt, int at, int64_t value)
{
	sql_bound(sqlite3_bind_int64(stmt, at, value));
}

/* NULL becomes SQL's NULL. */
static inline void
sql_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sql_bound(sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC));
}

/* Always a text, perhaps an empty one. */
static inline void
sql_bind_str(sqlite3_stmt *stmt, int at, struct str text)
{
	sql_bound(sqlite3_bind_text64(
		stmt, at, text.p ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8));
}

static inline void
sql_bind_bytes(sqlite3_stmt *stmt, int at, const void *data, size_t len)
{
	sql_bound(sqlite3_bind_blob64(stmt, at, data ? data : "", len, SQLITE_STATIC));
}

static inline void
sql_bind_uuid(sqlite3_stmt *stmt, int at, const struct uuid *id)
{
	sql_bound(sqlite3_bind_blob(stmt, at, id->b, sizeof id->b, SQLITE_STATIC));
}

/*
 * Binds the columns of a row from parameter `at` on: all of them, or only the live ones.
 * Returns the parameter after the last.
 */
int row_bind_used(sqlite3_stmt *stmt, int at, const struct table *table, const void *row,
	enum column_use use); /* only the columns of that use */
int row_bind(
	sqlite3_stmt *stmt, int at, const struct table *table, const void *row, bool only_live);

/*
 * Reads result columns 0 … into a zeroed row; texts are copied to the arena. -1: CORRUPT when
 * a value is not of its column's kind, LIMIT when the arena is full.
 */
int row_fetch(sqlite3_stmt *stmt, const struct table *table, struct arena *arena, void *row,
	struct err *err) MUST_CHECK;

/* Copies a text or blob of the current row; { NULL, 0 } for NULL. */
int fetch_str(sqlite3_stmt *stmt, int column, struct arena *arena, struct str *ret,
	struct err *err) MUST_CHECK;

/* Reads an id of the current row; zero for NULL. */
int fetch_uuid(sqlite3_stmt *stmt, int column, struct uuid *ret, struct err *err) MUST_CHECK;

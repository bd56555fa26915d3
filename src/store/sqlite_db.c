/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_db.h"

#include <pthread.h>

#include "base/buf.h"
#include "store/store.h"

enum {
	SQL_BYTES_MAX = 16384,
	BUSY_TIMEOUT_MS =
		10000, /* a reader that meets a checkpoint waits; nobody else writes */
};

/* SQLite's own memory statistics cost a lock for each allocation and nobody reads them. */
static void
configure_library(void)
{
	/* Fails when somebody else in the process has started SQLite: then it is merely slower.
	 */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err_code
err_code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return ERR_DENIED;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_IOERR:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return ERR_UNAVAILABLE;
	default:
		return ERR_INTERNAL;
	}
}

int
sqlite_db_err(const struct sqlite_db *db, struct err *err)
{
	int rc = sqlite3_extended_errcode(db->handle);
	return err_set(
		err, err_code_of(rc), "database: %s (%d)", sqlite3_errmsg(db->handle), rc);
}

int
sqlite_db_open(struct sqlite_db *db, const char *path, bool writes, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, configure_library);

	*db = (struct sqlite_db) { 0 };
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	flags |= writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		sqlite_db_err(db, err);
		sqlite_db_close(db);
		return err_wrap(err, "open %s", path);
	}
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	if (sqlite_add_functions(db, err) < 0) {
		sqlite_db_close(db);
		return -1;
	}
	return 0;
}

void
sqlite_db_close(struct sqlite_db *db)
{
	for (size_t i = 0; i < ARRAY_LEN(db->stmt); i++)
		(void)sqlite3_finalize(db->stmt[i]);
	/* Cannot fail: every statement is gone. */
	(void)sqlite3_close(db->handle);
	*db = (struct sqlite_db) { 0 };
}

static int
prepare(struct sqlite_db *db, enum sql_id id, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(SQL_BYTES_MAX);
	if (sql_text(id, &text) < 0)
		return err_set(err, ERR_INTERNAL, "statement %d is too long", (int)id);
	int rc = sqlite3_prepare_v3(db->handle, text.data, (int)text.len + 1,
		SQLITE_PREPARE_PERSISTENT, &db->stmt[id], NULL);
	if (rc != SQLITE_OK) {
		sqlite_db_err(db, err);
		return err_wrap(err, "statement %d", (int)id);
	}
	return 0;
}

int
sql_prepare_all(struct sqlite_db *db, struct err *err)
{
	for (int id = 0; id < SQL_COUNT; id++) {
		if (!db->stmt[id] && prepare(db, (enum sql_id)id, err) < 0)
			return -1;
	}
	return 0;
}

sqlite3_stmt *
sql_get(struct sqlite_db *db, enum sql_id id, struct err *err)
{
	if (!db->stmt[id] && prepare(db, id, err) < 0)
		return NULL;
	return db->stmt[id];
}

int
sql_step(const struct sqlite_db *db, sqlite3_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return sqlite_db_err(db, err);
}

int
sql_exec(const struct sqlite_db *db, sqlite3_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);
	int result = 0;
	if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		rc == SQLITE_CONSTRAINT_ROWID)
		result = STORE_CONFLICT;
	else if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		result = sqlite_db_err(db, err);
	(void)sqlite3_reset(stmt);
	return result;
}

int
sql_run(struct sqlite_db *db, enum sql_id id, struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db, id, err);
	if (!stmt)
		return -1;
	return sql_exec(db, stmt, err);
}

int
sql_number(struct sqlite_db *db, enum sql_id id, int64_t *ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, id, err);
	if (!stmt)
		return -1;
	int rc = sql_step(db, stmt, err);
	if (rc < 0)
		return -1;
	*ret = rc > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	return 0;
}

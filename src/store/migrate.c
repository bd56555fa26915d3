/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite's part: the version is user_version, and application_id keeps us from touching a
 * database of somebody else.
 */
#include "store/migrate.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	APPLICATION_ID = 0x50726f63, /* "Proc" */
	PRAGMA_BYTES_MAX = 80,
};

static int
db_err(sqlite3 *db, struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "%s", sqlite3_errmsg(db));
}

static int
read_number(sqlite3 *db, const char *query, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, query, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	int result = rc == SQLITE_ROW ? 0 : db_err(db, err);
	sqlite3_finalize(stmt);
	if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT)
		err_set(err, ERR_CORRUPT, "the file is not a database, or damaged");
	return result;
}

static int
write_number(sqlite3 *db, const char *pragma, int64_t value, struct err *err)
{
	char text[PRAGMA_BYTES_MAX];
	snprintf(text, sizeof text, "PRAGMA %s = %" PRId64, pragma, value);
	return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_err(db, err);
}

static int
apply_inside(sqlite3 *db, const struct migration *migration, struct err *err)
{
	if (sqlite3_exec(db, migration->text, NULL, NULL, NULL) != SQLITE_OK)
		return db_err(db, err);
	if (write_number(db, "application_id", APPLICATION_ID, err) < 0 ||
		write_number(db, "user_version", migration->number, err) < 0)
		return -1;
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return db_err(db, err);
	return 0;
}

static int
apply(sqlite3 *db, const struct migration *migration, struct err *err)
{
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return db_err(db, err);
	if (apply_inside(db, migration, err) < 0) {
		/* SQLite may have rolled back on its own: nothing more to do about an error. */
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return err_wrap(
			err, "schema change %d (%s)", migration->number, migration->title);
	}
	return 0;
}

static int
check_owner(sqlite3 *db, struct err *err)
{
	int64_t owner, n_tables;
	if (read_number(db, "PRAGMA application_id", &owner, err) < 0 ||
		read_number(db, "SELECT count(*) FROM sqlite_schema", &n_tables, err) < 0)
		return -1;
	if (owner != APPLICATION_ID && n_tables > 0)
		return err_set(err, ERR_CORRUPT, "the database belongs to another program");
	return 0;
}

int
migrate_sqlite(sqlite3 *db, const struct migration *migrations, struct err *err)
{
	int64_t version;
	if (check_owner(db, err) < 0 ||
		read_number(db, "PRAGMA user_version", &version, err) < 0)
		return -1;

	int newest = 0;
	for (const struct migration *m = migrations; m->number > 0; m++)
		newest = m->number;
	if (version > newest)
		return err_set(err, ERR_INVALID,
			"the database has schema %" PRId64 ", this program knows up to %d: "
			"it was written by a newer version",
			version, newest);

	for (const struct migration *m = migrations; m->number > 0; m++) {
		if (m->number > version && apply(db, m, err) < 0)
			return -1;
	}
	return 0;
}

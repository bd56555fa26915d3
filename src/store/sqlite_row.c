/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to parameters and result columns to rows, as the tables of columns say. */
#include "store/sqlite_db.h"

#include <string.h>

/* Members are read and written where the column says; their types are checked by the kind. */
#define MEMBER(T, at) (*(T *)(void *)(at))
#define CONST_MEMBER(T, at) (*(const T *)(const void *)(at))

static void
bind_column(sqlite3_stmt *stmt, int at, enum column_kind kind, const char *member)
{
	switch (kind) {
	case COLUMN_I64:
		sql_bind_i64(stmt, at, CONST_MEMBER(int64_t, member));
		return;
	case COLUMN_I32:
		sql_bind_i64(stmt, at, CONST_MEMBER(int32_t, member));
		return;
	case COLUMN_U32:
		sql_bind_i64(stmt, at, CONST_MEMBER(uint32_t, member));
		return;
	case COLUMN_BOOL:
		sql_bind_i64(stmt, at, CONST_MEMBER(bool, member));
		return;
	case COLUMN_F64:
		sql_bound(sqlite3_bind_double(stmt, at, CONST_MEMBER(double, member)));
		return;
	case COLUMN_TEXT:
		sql_bind_text(stmt, at, CONST_MEMBER(char *, member));
		return;
	case COLUMN_STR:
		sql_bind_str(stmt, at, CONST_MEMBER(struct str, member));
		return;
	case COLUMN_UUID: {
		const struct uuid *id = (const struct uuid *)(const void *)member;
		if (uuid_is_zero(id))
			sql_bound(sqlite3_bind_null(stmt, at));
		else
			sql_bind_uuid(stmt, at, id);
		return;
	}
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		break;
	}
	sql_bind_text(stmt, at, column_word(kind, CONST_MEMBER(int, member)));
}

int
row_bind_used(sqlite3_stmt *stmt, int at, const struct table *table, const void *row,
	enum column_use use)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		if (column->use == use)
			bind_column(stmt, at++, (enum column_kind)column->kind,
				(const char *)row + column->offset);
	}
	return at;
}

int
row_bind(sqlite3_stmt *stmt, int at, const struct table *table, const void *row, bool only_live)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		if (only_live && column->use != COLUMN_LIVE && column->use != COLUMN_ENDED)
			continue;
		bind_column(stmt, at++, (enum column_kind)column->kind,
			(const char *)row + column->offset);
	}
	return at;
}

int
fetch_str(sqlite3_stmt *stmt, int column, struct arena *arena, struct str *ret, struct err *err)
{
	*ret = (struct str) { 0 };
	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return 0;
	const char *bytes = sqlite3_column_blob(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt, column);
	const char *copy = arena_strndup(arena, bytes ? bytes : "", len);
	if (!copy)
		return err_set(err, ERR_LIMIT, "more data than the memory of one request");
	*ret = str_from(copy, len);
	return 0;
}

int
fetch_uuid(sqlite3_stmt *stmt, int column, struct uuid *ret, struct err *err)
{
	*ret = (struct uuid) { 0 };
	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return 0;
	const void *bytes = sqlite3_column_blob(stmt, column);
	if (!bytes || sqlite3_column_bytes(stmt, column) != (int)sizeof ret->b)
		return err_set(err, ERR_CORRUPT, "an id in the database is damaged");
	memcpy(ret->b, bytes, sizeof ret->b);
	return 0;
}

static int
fetch_word(sqlite3_stmt *stmt, int at, const struct column *column, int *ret, struct err *err)
{
	const char *word = (const char *)sqlite3_column_text(stmt, at);
	if (column_word_parse((enum column_kind)column->kind, word, ret) < 0)
		return err_set(err, ERR_CORRUPT, "column %s of the database holds \"%s\"",
			column->name, word ? word : "");
	return 0;
}

static int
fetch_column(sqlite3_stmt *stmt, int at, const struct column *column, struct arena *arena,
	char *member, struct err *err)
{
	struct str text;

	switch ((enum column_kind)column->kind) {
	case COLUMN_I64:
		MEMBER(int64_t, member) = sqlite3_column_int64(stmt, at);
		return 0;
	case COLUMN_I32:
		MEMBER(int32_t, member) = sqlite3_column_int(stmt, at);
		return 0;
	case COLUMN_U32:
		MEMBER(uint32_t, member) = (uint32_t)sqlite3_column_int64(stmt, at);
		return 0;
	case COLUMN_BOOL:
		MEMBER(bool, member) = sqlite3_column_int(stmt, at) != 0;
		return 0;
	case COLUMN_F64:
		MEMBER(double, member) = sqlite3_column_double(stmt, at);
		return 0;
	case COLUMN_TEXT:
		if (fetch_str(stmt, at, arena, &text, err) < 0)
			return -1;
		MEMBER(const char *, member) = text.p;
		return 0;
	case COLUMN_STR:
		return fetch_str(stmt, at, arena, &MEMBER(struct str, member), err);
	case COLUMN_UUID:
		return fetch_uuid(stmt, at, &MEMBER(struct uuid, member), err);
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		break;
	}
	return fetch_word(stmt, at, column, &MEMBER(int, member), err);
}

int
row_fetch(sqlite3_stmt *stmt, const struct table *table, struct arena *arena, void *row,
	struct err *err)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		if (fetch_column(
			    stmt, (int)i, column, arena, (char *)row + column->offset, err) < 0)
			return err_wrap(err, "table %s", table->name);
	}
	return 0;
}

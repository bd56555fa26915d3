/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures in SQLite. Cells are added by one statement each, in which histogram_sum(a, b) adds
 * two histograms as text; it is a function of ours.
 */
#include <string.h>

#include "base/limits.h"
#include "core/histogram.h"
#include "store/sqlite.h"

enum {
	CELL_BYTES_MAX = KIB(256), /* texts of a cell, and its histograms */
};

/* ---- a function of ours ---- */

static void
histogram_sum(sqlite3_context *context, int n, sqlite3_value **value)
{
	struct arena arena;
	struct histogram sum = { .arena = &arena };

	arena_init(&arena, CELL_BYTES_MAX);
	for (int i = 0; i < n; i++)
		histogram_add_text(&sum, (const char *)sqlite3_value_text(value[i]));
	sqlite3_result_text(context, histogram_text(&sum), -1, SQLITE_TRANSIENT);
	arena_deinit(&arena);
}

int
sqlite_add_functions(struct sqlite_db *db, struct err *err)
{
	if (sqlite3_create_function(db->handle, "histogram_sum", 2,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, histogram_sum,
		    NULL, NULL) != SQLITE_OK)
		return sqlite_db_err(db, err);
	return 0;
}

/* ---- the turn ---- */

static int
read_name(struct sqlite_db *db, struct stat_unit *unit, struct arena *arena, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_JOB_TEST_NAME, err);
	struct str name, kind;
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, unit->run->job_seq);
	sql_bind_i64(stmt, 2, unit->run->test);
	int rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	if (fetch_str(stmt, 0, arena, &name, err) < 0 ||
		fetch_str(stmt, 1, arena, &kind, err) < 0)
		return -1;
	unit->name = name.p;
	unit->kind = kind.p ? kind.p : "";
	return 0;
}

static int
read_known(struct sqlite_db *db, struct stat_unit *unit, struct arena *arena, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_KNOWN_TEST, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, stats_test_key(unit->run->project, unit->name));
	int rc = sql_step(db, stmt, err);
	return rc <= 0 ? rc : row_fetch(stmt, &known_test_table, arena, &unit->known, err);
}

int
sqlite_load_units(struct store *store, struct stat_unit *units, size_t n, struct arena *arena,
	struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!units[i].name && read_name(&sqlite->db, &units[i], arena, err) < 0)
			return -1;
		if (units[i].name && units[i].is_unit &&
			read_known(&sqlite->db, &units[i], arena, err) < 0)
			return -1;
	}
	return 0;
}

static int
put_each(struct sqlite_db *db, enum sql_id id, const struct table *table,
	const void *const *rows, size_t n, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		sqlite3_stmt *stmt = sql_get(db, id, err);
		if (!stmt)
			return -1;
		row_bind(stmt, 1, table, rows[i], false);
		rc = sql_exec(db, stmt, err);
	}
	return rc;
}

/* Pointers to rows of any kind have one form. */
#define ROWS(array) ((const void *const *)(const void *)(array)->item), (array)->n

int
sqlite_save_stats(struct sqlite_db *db, const struct uow *uow, struct err *err)
{
	int rc = put_each(db, SQL_STAT_ADD, &stat_table, ROWS(&uow->stats), err);
	if (rc == 0)
		rc = put_each(db, SQL_KNOWN_TEST_PUT, &known_test_table,
			ROWS(&uow->known_tests), err);
	if (rc == 0)
		rc = put_each(db, SQL_ERROR_CLASS_ADD, &error_class_table,
			ROWS(&uow->error_classes), err);
	return rc;
}

/* ---- reading ---- */

static struct sqlite_db *
db_of(struct store_reader *reader)
{
	return &container_of(reader, struct sqlite_reader, reader)->db;
}

static void
bind_filter(sqlite3_stmt *stmt, const struct stat_filter *f, int64_t from_ms, int64_t to_ms)
{
	sql_bind_i64(stmt, 1, f->project);
	sql_bind_i64(stmt, 2, f->subject);
	sql_bind_i64(stmt, 3, f->scale);
	sql_bind_i64(stmt, 4, from_ms);
	sql_bind_i64(stmt, 5, to_ms);
	sql_bind_text(stmt, 6, f->name);
	sql_bind_text(stmt, 7, f->kind);
	sql_bind_i64(stmt, 8, f->queue);
	sql_bind_text(stmt, 9, f->tmpl);
	sql_bind_i64(stmt, 10, f->schedule);
	sql_bind_text(stmt, 11, f->tag || f->by_tag ? f->tag : "");
	sql_bind_text(stmt, 12, f->team);
}

static int
visit_rows(struct sqlite_db *db, sqlite3_stmt *bound, stat_visit_fn *visit, void *arg,
	struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = bound;
	_cleanup_(arena_deinit) struct arena arena;
	int rc;

	arena_init(&arena, CELL_BYTES_MAX);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct stat_cell cell = { 0 };

		if (row_fetch(stmt, &stat_table, &arena, &cell, err) < 0 ||
			visit(arg, &cell, err) < 0)
			return -1;
		arena_reset(&arena);
	}
	return rc;
}

/* Of one name: a look-up for each hour or day, not a walk over all names. */
int
sqlite_stat_cells(struct store_reader *reader, const struct stat_filter *filter,
	stat_visit_fn *visit, void *arg, struct err *err)
{
	struct sqlite_db *db = db_of(reader);
	int64_t span = filter->scale == STAT_HOUR ? HOURS_MS(1) : DAYS_MS(1);
	sqlite3_stmt *stmt = sql_get(db, filter->name ? SQL_STATS_NAMED : SQL_STATS, err);
	if (!stmt)
		return -1;
	if (!filter->name) {
		bind_filter(stmt, filter, filter->from_ms, filter->to_ms);
		return visit_rows(db, stmt, visit, arg, err);
	}
	for (int64_t at = stats_floor(filter->from_ms + span - 1, filter->scale);
		at < filter->to_ms; at += span) {
		bind_filter(stmt, filter, at, 0);
		if (visit_rows(db, stmt, visit, arg, err) < 0)
			return -1;
	}
	return 0;
}

static int
fetch_job_of(
	struct sqlite_db *db, struct history_item *item, struct arena *arena, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_JOB_ID_NAME, err);
	struct str name = { 0 };
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, item->run->job_seq);
	int rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	if (fetch_uuid(stmt, 0, &item->job.u, err) < 0 ||
		fetch_str(stmt, 1, arena, &name, err) < 0)
		return -1;
	item->job_name = name.p;
	return 0;
}

int
sqlite_history(struct store_reader *reader, const struct history_filter *filter,
	struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err)
{
	struct sqlite_db *db = db_of(reader);
	bool by_test = filter->test_key != 0;
	sqlite3_stmt *stmt = sql_get(db, by_test ? SQL_RUNS_OF_TEST : SQL_RUNS_OF_ERROR, err);
	struct run *runs;
	size_t n;
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, by_test ? filter->test_key : filter->error_class);
	sql_bind_i64(stmt, 2, filter->before_seq > 0 ? filter->before_seq : INT64_MAX);
	sql_bind_i64(stmt, 3, (int64_t)filter->limit);
	if (fetch_all(db, stmt, &run_table, arena, &runs, &n, err) < 0)
		return -1;
	struct history_item *items = arena_calloc(arena, n > 0 ? n : 1, sizeof *items);
	if (!items)
		return err_set(err, ERR_LIMIT, "more rows than the memory of one request");
	for (size_t i = 0; i < n; i++) {
		items[i].run = &runs[i];
		if (fetch_job_of(db, &items[i], arena, err) < 0)
			return -1;
	}
	*ret = items;
	*ret_n = n;
	return 0;
}

static int
row_by_key(struct store_reader *reader, enum sql_id id, const struct table *table, int64_t key,
	struct arena *arena, void *ret, struct err *err)
{
	struct sqlite_db *db = db_of(reader);
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, id, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key);
	int rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc < 0 ? -1 : STORE_NONE;
	return fetch_row(stmt, table, arena, ret, err);
}

int
sqlite_known_test(struct store_reader *reader, int64_t key, struct arena *arena,
	struct known_test **ret, struct err *err)
{
	return row_by_key(reader, SQL_KNOWN_TEST, &known_test_table, key, arena, ret, err);
}

int
sqlite_error_class(struct store_reader *reader, int64_t key, struct arena *arena,
	struct error_class **ret, struct err *err)
{
	return row_by_key(reader, SQL_ERROR_CLASS, &error_class_table, key, arena, ret, err);
}

int
sqlite_job_counts(struct store_reader *reader, int64_t project,
	int64_t ret_jobs[JOB_STATE_COUNT], int64_t *ret_backlog, struct err *err)
{
	struct sqlite_db *db = db_of(reader);
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_COUNTS_OF, err);
	int rc;
	if (!stmt)
		return -1;
	memset(ret_jobs, 0, JOB_STATE_COUNT * sizeof *ret_jobs);
	sql_bind_i64(stmt, 1, project);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		enum job_state state;
		const char *word = (const char *)sqlite3_column_text(stmt, 0);
		if (!word || job_state_parse(word, &state) < 0)
			return err_set(err, ERR_CORRUPT, "a count is of no known state");
		ret_jobs[state] = sqlite3_column_int64(stmt, 1);
	}
	return rc < 0 ? -1 : sql_number(db, SQL_BACKLOG_COUNT, ret_backlog, err);
}

/* ---- the backlog ---- */

/* The job, and the runs that decided its units, as if they had ended in this turn. */
static int
take_old_job(struct sqlite_db *db, int64_t seq, struct uow *uow, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_JOB_BY_SEQ, err);
	struct job *job;
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, seq);
	int rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	if (fetch_row(stmt, &job_table, uow->arena, &job, err) < 0)
		return -1;
	if (!job_state_is_final(job->state))
		return 0;
	UOW_PUSH(uow, &uow->ended, uow_add_job(uow, job));

	sqlite3_stmt *runs = sql_get(db, SQL_RUNS_DECIDED, err);
	struct run *items;
	size_t n;
	if (!runs)
		return -1;
	sql_bind_i64(runs, 1, seq);
	sql_bind_i64(runs, 2, job->incarnation);
	if (fetch_all(db, runs, &run_table, uow->arena, &items, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		items[i].job = job;
		UOW_PUSH(uow, &uow->units, uow_add_run(uow, &items[i]));
	}
	return 0;
}

int
sqlite_load_backlog(
	struct store *store, size_t max, struct uow *uow, size_t *ret, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	struct sqlite_db *db = &sqlite->db;
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = NULL;
	int rc;

	*ret = 0;
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	stmt = sql_get(db, SQL_BACKLOG, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, (int64_t)max);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		int64_t seq = sqlite3_column_int64(stmt, 0);

		if (take_old_job(db, seq, uow, err) < 0)
			return -1;
		UOW_PUSH(uow, &uow->stat_backlog, seq);
		(*ret)++;
	}
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite store share. */
#pragma once

#include "store/event_pack.h"
#include "store/sqlite_db.h"
#include "store/store_impl.h"

struct sqlite_store {
	struct store store; /* first: what the seam hands out */
	struct sqlite_db db;
	char *path;               /* owned */
	int lock_fd;              /* holds the lock that keeps a second server away */
	bool is_broken;           /* a save failed: its fate is unknown, so nothing goes on */
	struct buf pack;          /* scratch for packed events */
	int64_t buckets_swept_ms; /* when those that have all their tokens were last dropped */

	/* keys of the next new rows */
	int64_t next_job_seq, next_run_seq, next_def_seq, next_event_seq;
};

struct sqlite_reader {
	struct store_reader reader; /* first */
	struct sqlite_db db;
	char *path; /* owned */
};

static inline struct sqlite_store *
sqlite_of(struct store *store)
{
	return container_of(store, struct sqlite_store, store);
}

/* -1 once a save has failed. */
int sqlite_usable(const struct sqlite_store *sqlite, struct err *err) MUST_CHECK;

/* A new row of the table, read from the statement's current result. */
int fetch_row(sqlite3_stmt *stmt, const struct table *table, struct arena *arena, void *ret,
	struct err *err) MUST_CHECK;

/*
 * All rows of a bound statement as one array of structs. Resets the statement. `ret` is the
 * address of a pointer to the struct.
 */
int fetch_all(const struct sqlite_db *db, sqlite3_stmt *stmt, const struct table *table,
	struct arena *arena, void *ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* Begins to unpack the current row of a statement that selects a batch; its bytes go to the
 * arena. */
int fetch_batch(sqlite3_stmt *stmt, struct arena *arena, struct event_unpack *ret,
	struct err *err) MUST_CHECK;

/* ---- sqlite_boot.c ---- */
int sqlite_load_next_keys(struct sqlite_store *sqlite, struct err *err) MUST_CHECK;
int sqlite_boot(struct store *store, struct arena *arena, struct store_boot *ret,
	struct err *err) MUST_CHECK;
int sqlite_next_due(struct store *store, int64_t *ret_ms, struct err *err) MUST_CHECK;

/* ---- sqlite_load.c ---- */
int sqlite_load(struct store *store, const struct turn_keys *keys, struct uow *uow,
	struct err *err) MUST_CHECK;
int sqlite_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err) MUST_CHECK;
int sqlite_count_ahead(struct store *store, int64_t lane, int64_t rank, int64_t seq,
	int64_t max, int64_t *ret, struct err *err) MUST_CHECK;
int sqlite_count_due(struct store *store, int64_t queue, int64_t max, int64_t *ret,
	struct err *err) MUST_CHECK;

/* ---- sqlite_stats.c ---- */
int sqlite_load_units(struct store *store, struct stat_unit *units, size_t n,
	struct arena *arena, struct err *err) MUST_CHECK;
int sqlite_load_backlog(struct store *store, size_t max, struct uow *uow, size_t *ret,
	struct err *err) MUST_CHECK;
int sqlite_save_stats(struct sqlite_db *db, const struct uow *uow, struct err *err) MUST_CHECK;
int sqlite_stat_cells(struct store_reader *reader, const struct stat_filter *filter,
	stat_visit_fn *visit, void *arg, struct err *err) MUST_CHECK;
int sqlite_history(struct store_reader *reader, const struct history_filter *filter,
	struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err)
	MUST_CHECK;
int sqlite_known_test(struct store_reader *reader, int64_t key, struct arena *arena,
	struct known_test **ret, struct err *err) MUST_CHECK;
int sqlite_error_class(struct store_reader *reader, int64_t key, struct arena *arena,
	struct error_class **ret, struct err *err) MUST_CHECK;
int sqlite_job_counts(struct store_reader *reader, int64_t project,
	int64_t ret_jobs[JOB_STATE_COUNT], int64_t *ret_backlog, struct err *err) MUST_CHECK;

/* ---- sqlite_save.c ---- */
int sqlite_save(struct store *store, struct uow *uow, struct err *err) MUST_CHECK;
int sqlite_purge_idem(struct store *store, int64_t before_ms, size_t max, struct err *err)
	MUST_CHECK;
int sqlite_purge_deleted(struct store *store, size_t max, struct uow *uow, struct err *err)
	MUST_CHECK;
int sqlite_purge_project(struct store *store, int64_t project, size_t max, struct err *err)
	MUST_CHECK;
int sqlite_purge_workers(struct store *store, int64_t before_ms, size_t max, struct err *err)
	MUST_CHECK;
int sqlite_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err)
	MUST_CHECK;
int sqlite_token_put(struct store *store, const struct token_row *token, struct err *err)
	MUST_CHECK;

/* ---- sqlite_read.c ---- */
int sqlite_reader_open(struct store_reader **ret, struct store *store, struct err *err)
	MUST_CHECK;

/* ---- sqlite_list.c ---- */
int sqlite_list_jobs(struct store_reader *reader, const struct job_filter *filter,
	struct arena *arena, struct job_page *ret, struct err *err) MUST_CHECK;

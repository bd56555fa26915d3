/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store in memory share. It is meant to be obviously right, not fast:
 * rows are kept as owned copies in order of their keys, and what is not found by key is
 * searched for.
 */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "store/columns.h"
#include "store/store_impl.h"

/* Owned copies (row_dup) of rows of one kind. */
struct rows {
	const struct table *table;
	void **item;
	size_t n, cap;
};

/* A result of a run. */
struct memory_result {
	int64_t run_seq;
	char *body; /* owned */
};

struct memory_db {
	char *name; /* owned */
	struct memory_db *next;
	size_t n_handles;
	bool is_forgotten;    /* goes with its last handle */
	pthread_mutex_t lock; /* of everything below */

	struct rows jobs, runs;        /* in order of seq */
	struct map job_seqs, run_seqs; /* id → seq as a pointer */
	struct rows tests, options, incarnations, artifacts;
	struct rows defs, old_defs; /* old_defs: earlier revisions, in order of age */
	struct rows stats, known_tests, error_classes;
	struct rows queues, lanes, workers, quarantine, projects;
	struct rows retention;
	struct rows schedules, firings; /* firings: as they came */

	UOW_ARRAY(struct event *) events; /* owned, with their data behind them */
	UOW_ARRAY(struct idem *) idems;   /* owned, with key and ids behind them */
	UOW_ARRAY(struct memory_result) results;
	UOW_ARRAY(struct bucket) buckets; /* names are owned */
	UOW_ARRAY(struct token_row *) tokens;
	UOW_ARRAY(int64_t) staged; /* job.seq */

	int64_t next_job_seq, next_run_seq, next_def_seq, next_event_seq;
};

struct memory_store {
	struct store store; /* first */
	struct memory_db *db;
};

struct memory_reader {
	struct store_reader reader; /* first */
	struct memory_db *db;
};

static inline struct memory_db *
memory_db_of(struct store *store)
{
	return container_of(store, struct memory_store, store)->db;
}

/* Holds the lock until the scope ends: _cleanup_(memory_unlockp) struct memory_db *db = … */
struct memory_db *memory_lock(struct memory_db *db);

static inline void
memory_unlockp(struct memory_db **slot)
{
	(void)pthread_mutex_unlock(&(*slot)->lock);
}

/* Room for one more in an array of the heap. */
void *memory_grow(void *items, size_t item_size, size_t n, size_t *cap);
#define MEMORY_PUSH(array, value)                                                         \
	do {                                                                              \
		(array)->item = memory_grow(                                              \
			(array)->item, sizeof *(array)->item, (array)->n, &(array)->cap); \
		(array)->item[(array)->n++] = (value);                                    \
	} while (0)

/* Adds a copy at the end. */
void rows_add(struct rows *rows, const void *row);
/* Replaces the row at `at` by a copy. */
void rows_replace(struct rows *rows, size_t at, const void *row);
void rows_remove(struct rows *rows, size_t at);
void rows_deinit(struct rows *rows);

struct job *memory_job(const struct memory_db *db, int64_t seq); /* NULL: not there */
struct job *memory_job_by_id(const struct memory_db *db, struct job_id id);
struct run *memory_run(const struct memory_db *db, int64_t seq);
struct run *memory_run_by_id(const struct memory_db *db, struct run_id id);
/* Place of a row in rows that are in order of their first column, a seq; rows->n: not there. */
size_t memory_find_seq(const struct rows *rows, int64_t seq);

struct definition *memory_definition(const struct memory_db *db, const struct def_key *key);

bool memory_has_leased_runs(const struct memory_db *db, const struct worker_row *worker);

/* ERR_LIMIT: the arena is full. */
int memory_no_room(struct err *err);

/* ---- memory_load.c ---- */
int memory_load(struct store *store, const struct turn_keys *keys, struct uow *uow,
	struct err *err) MUST_CHECK;
int memory_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err) MUST_CHECK;

/* ---- memory_stats.c ---- */
int memory_load_units(struct store *store, struct stat_unit *units, size_t n,
	struct arena *arena, struct err *err) MUST_CHECK;
int memory_load_backlog(struct store *store, size_t max, struct uow *uow, size_t *ret,
	struct err *err) MUST_CHECK;
int memory_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err);
void memory_save_stats(struct memory_db *db, const struct uow *uow);
int memory_stat_cells(struct store_reader *reader, const struct stat_filter *filter,
	stat_visit_fn *visit, void *arg, struct err *err) MUST_CHECK;
int memory_history(struct store_reader *reader, const struct history_filter *filter,
	struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err)
	MUST_CHECK;
int memory_known_test(struct store_reader *reader, int64_t key, struct arena *arena,
	struct known_test **ret, struct err *err) MUST_CHECK;
int memory_error_class(struct store_reader *reader, int64_t key, struct arena *arena,
	struct error_class **ret, struct err *err) MUST_CHECK;
int memory_job_counts(struct store_reader *reader, int64_t project,
	int64_t ret_jobs[JOB_STATE_COUNT], int64_t *ret_backlog, struct err *err) MUST_CHECK;

/* ---- memory_save.c ---- */
int memory_save(struct store *store, struct uow *uow, struct err *err) MUST_CHECK;

/* True while the job comes in: no reader sees its rows. */
bool memory_is_staged(const struct memory_db *db, int64_t job_seq);
/* What jobs left that did not come in as a whole. */
void memory_drop_staged(struct memory_db *db, struct uow *uow);

/* ---- memory_read.c ---- */
int memory_reader_open(struct store_reader **ret, struct store *store, struct err *err)
	MUST_CHECK;

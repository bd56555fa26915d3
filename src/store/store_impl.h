/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind the seam: a store and a reader are a table of functions each, embedded as
 * the first member of the backend's own struct. The functions have the contracts of store.h.
 */
#pragma once

#include "store/store.h"
#include "store/store_stats.h"

struct store_ops {
	struct store *(*close)(struct store *store);
	int (*boot)(struct store *store, struct arena *arena, struct store_boot *ret,
		struct err *err);
	int (*load)(struct store *store, const struct turn_keys *keys, struct uow *uow,
		struct err *err);
	int (*load_tests)(struct store *store, const struct test_key *keys, size_t n,
		struct arena *arena, struct job_test *ret_tests,
		struct job_options *ret_options, struct err *err);
	int (*save)(struct store *store, struct uow *uow, struct err *err);
	int (*load_units)(struct store *store, struct stat_unit *units, size_t n,
		struct arena *arena, struct err *err);
	int (*load_backlog)(
		struct store *store, size_t max, struct uow *uow, size_t *ret, struct err *err);
	int (*next_due)(struct store *store, int64_t *ret_ms, struct err *err);
	int (*count_ahead)(struct store *store, int64_t lane, int64_t rank, int64_t seq,
		int64_t max, int64_t *ret, struct err *err);
	int (*count_due)(
		struct store *store, int64_t queue, int64_t max, int64_t *ret, struct err *err);
	int (*purge_idem)(struct store *store, int64_t before_ms, size_t max, struct err *err);
	int (*purge_deleted)(struct store *store, size_t max, struct uow *uow, struct err *err);
	int (*purge_project)(struct store *store, int64_t project, size_t max, struct err *err);
	int (*purge_workers)(
		struct store *store, int64_t before_ms, size_t max, struct err *err);
	int (*purge_hours)(struct store *store, int64_t before_ms, size_t max, struct err *err);
	int (*token_put)(struct store *store, const struct token_row *token, struct err *err);
	int (*check)(struct store *store, struct err *err);
	int (*reader_open)(struct store_reader **ret, struct store *store, struct err *err);
};

struct store {
	const struct store_ops *ops;
};

struct reader_ops {
	struct store_reader *(*close)(struct store_reader *reader);
	/* Between them everything that is read is one snapshot. */
	int (*begin)(struct store_reader *reader, struct err *err);
	void (*end)(struct store_reader *reader);

	int (*jobs)(struct store_reader *reader, const struct job_filter *filter,
		struct arena *arena, struct job_page *ret, struct err *err);
	int (*job)(struct store_reader *reader, int64_t project, struct job_id id,
		struct arena *arena, struct job **ret, struct err *err);
	int (*job_tests)(struct store_reader *reader, int64_t job_seq, struct arena *arena,
		struct job_test **ret, size_t *ret_n, struct err *err);
	int (*job_options)(struct store_reader *reader, int64_t job_seq, struct arena *arena,
		struct str *ret, struct err *err);
	int (*incarnations)(struct store_reader *reader, int64_t job_seq, struct arena *arena,
		struct incarnation **ret, size_t *ret_n, struct err *err);
	int (*runs)(struct store_reader *reader, const struct run_filter *filter,
		struct arena *arena, struct run **ret, size_t *ret_n, struct err *err);
	int (*run)(struct store_reader *reader, int64_t project, struct run_id id,
		struct arena *arena, struct run **ret, struct job_id *ret_job, struct err *err);
	int (*run_result)(struct store_reader *reader, int64_t run_seq, struct arena *arena,
		struct str *ret, struct err *err);
	int (*artifacts)(struct store_reader *reader, int64_t job_seq, int64_t run_seq,
		struct arena *arena, struct artifact **ret, size_t *ret_n, struct err *err);
	int (*artifact)(struct store_reader *reader, int64_t run_seq, const char *name,
		struct arena *arena, struct artifact **ret, struct err *err);
	int (*blob_in_use)(
		struct store_reader *reader, const char *blob, bool *ret, struct err *err);
	int (*events)(struct store_reader *reader, const struct event_filter *filter,
		struct arena *arena, struct event **ret, size_t *ret_n, struct err *err);
	int (*last_event_seq)(struct store_reader *reader, int64_t *ret, struct err *err);
	int (*definitions)(struct store_reader *reader, const struct def_filter *filter,
		struct arena *arena, struct definition **ret, size_t *ret_n, struct err *err);
	int (*definition)(struct store_reader *reader, const struct def_key *key,
		int64_t revision, struct arena *arena, struct definition **ret,
		struct err *err);
	int (*definition_revisions)(struct store_reader *reader, int64_t def_seq,
		struct arena *arena, struct definition **ret, size_t *ret_n, struct err *err);
	int (*queue_figures)(struct store_reader *reader, int64_t queue,
		struct queue_figures *ret, struct err *err);
	int (*queues)(struct store_reader *reader, int64_t project, struct arena *arena,
		struct queue **ret, size_t *ret_n, struct err *err);
	int (*quarantine)(struct store_reader *reader, int64_t project, struct arena *arena,
		struct quarantine_entry **ret, size_t *ret_n, struct err *err);
	int (*schedules)(struct store_reader *reader, int64_t project, struct arena *arena,
		struct schedule **ret, size_t *ret_n, struct err *err);
	int (*schedule)(struct store_reader *reader, int64_t seq, struct arena *arena,
		struct schedule **ret, struct err *err);
	int (*firings)(struct store_reader *reader, int64_t schedule, int64_t before_ms,
		size_t limit, struct arena *arena, struct firing **ret, size_t *ret_n,
		struct err *err);
	int (*retention)(struct store_reader *reader, int64_t project, struct arena *arena,
		struct retention **ret, size_t *ret_n, struct err *err);
	int (*projects)(struct store_reader *reader, struct arena *arena, struct project **ret,
		size_t *ret_n, struct err *err);
	int (*workers)(struct store_reader *reader, int64_t project, bool all,
		struct arena *arena, struct worker_row **ret, size_t *ret_n, struct err *err);
	int (*stats)(struct store_reader *reader, struct store_stats *ret, struct err *err);
	int (*stat_cells)(struct store_reader *reader, const struct stat_filter *filter,
		stat_visit_fn *visit, void *arg, struct err *err);
	int (*history)(struct store_reader *reader, const struct history_filter *filter,
		struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err);
	int (*known_test)(struct store_reader *reader, int64_t key, struct arena *arena,
		struct known_test **ret, struct err *err);
	int (*error_class)(struct store_reader *reader, int64_t key, struct arena *arena,
		struct error_class **ret, struct err *err);
	int (*job_counts)(struct store_reader *reader, int64_t project,
		int64_t ret_jobs[JOB_STATE_COUNT], int64_t *ret_backlog, struct err *err);
	int (*tokens)(struct store_reader *reader, struct arena *arena, struct token_row **ret,
		size_t *ret_n, struct err *err);
};

struct store_reader {
	const struct reader_ops *ops;
};

/* Reads with `call` between begin and end of a snapshot. */
#define STORE_READ(reader, err, call)                        \
	__extension__({                                      \
		int rc_ = (reader)->ops->begin(reader, err); \
		if (rc_ == 0) {                              \
			rc_ = (call);                        \
			(reader)->ops->end(reader);          \
		}                                            \
		rc_;                                         \
	})

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: a seam at the level of jobs and runs, in sets, never row by row and never SQL.
 *
 * Writing side: struct store, used by the engine thread alone. A turn is store_load, (perhaps
 * store_load_tests), store_save. Reading side: struct store_reader, one per thread, each query
 * on its own consistent snapshot.
 *
 * Implementations: sqlite.c, memory.c (simulator, tests). One contract suite runs against all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "core/project.h"
#include "core/quarantine_list.h"
#include "core/retention.h"
#include "core/schedule.h"
#include "core/uow.h"

struct store;
struct store_reader;

enum store_durability { STORE_FSYNC, STORE_OS };

struct store_options {
	enum store_durability durability;
	int64_t cache_bytes; /* page cache of the writer; 0: default */
};

/* Leased runs of a job that has keys. */
struct boot_keys {
	int64_t queue;
	const char *keys;
	int32_t running;
};

/* What is on disk when the engine starts; arrays are the arena's. */
struct store_boot {
	struct lane *lanes;
	size_t n_lanes; /* maybe_ready set where ready jobs exist */
	struct queue *queues;
	size_t n_queues; /* running = leased runs now */
	struct worker_row *workers;
	size_t n_workers; /* online and draining ones, without their runs */
	struct quarantine_entry *quarantine;
	size_t n_quarantine;
	struct schedule *schedules;
	size_t n_schedules;
	struct project *projects;
	size_t n_projects; /* deleted ones too */
	struct retention *retention;
	size_t n_retention;
	bool has_remains; /* rows of deleted jobs: store_purge_deleted */
	struct boot_keys *keyed;
	size_t n_keyed;
	const char **held; /* distinct held_key of jobs */
	size_t n_held;
	struct bucket *buckets;
	size_t n_buckets;
	struct job_id *flows; /* that go on */
	size_t n_flows;
	struct job_id *orphans; /* flows that are gone and whose children are not, each once */
	size_t n_orphans;
	int64_t next_due_ms;  /* of jobs, and of leases of workers that have runs; 0: none */
	int64_t now_floor_ms; /* the latest time that turns wrote into jobs and events */
};

/* Which candidates a turn wants: the best ready jobs of a lane. */
struct claim_key {
	int64_t lane; /* 0: those that `held` holds */
	size_t n;
	const char *held; /* job.held_key */
};

/* The job that holds a unique key. */
struct unique_key {
	int64_t project;
	const char *key;
};

/* Children of a flow, whatever their state. */
struct parent_key {
	struct job_id flow;
	size_t n; /* at most so many */
};

struct def_key {
	int64_t project;
	enum def_kind kind;
	struct def_id id; /* zero: by name */
	const char *name;
};

struct idem_key {
	int64_t project;
	struct str key;
};

/*
 * Everything the collected intents name. Unknown keys are simply not found in the uow
 * afterwards. Every job that is loaded, for whatever reason, brings its waiting runs; a loaded
 * job has is_stored and stored_state set, and runs_loaded when all its open runs are there.
 */
struct turn_keys {
	UOW_ARRAY(struct job_id)
	jobs; /* with all their open (waiting or leased) runs: runs_loaded is set */
	UOW_ARRAY(struct run_id)
	runs; /* in any state, each with its job (and the job's waiting runs when job.waiting >
		 0) */
	UOW_ARRAY(struct worker_id) workers; /* each with its leased runs and their jobs */
	UOW_ARRAY(struct claim_key)
	claims; /* ready jobs, best first, with their waiting runs when job.waiting > 0 */
	UOW_ARRAY(struct parent_key)
	parents; /* with all their open runs; stops as claims do */
	UOW_ARRAY(struct def_key) defs;
	UOW_ARRAY(struct idem_key) idems;
	UOW_ARRAY(struct run_id)
	new_runs; /* into uow->taken when any row has the id, hidden or not */
	UOW_ARRAY(struct unique_key) uniques; /* into uow->job_by_unique, with open runs */
	int64_t due_ms; /* > 0: jobs and workers due at this time, into due_jobs, due_workers */
	size_t due_max; /* at most this many of each */
	size_t bytes_max; /* memory for rows; 0: the arena's. Claims and what is due stop at
			     half of it (uow->is_cut), each claim at its share but not before
			     its first job; more for what the other keys name is ERR_LIMIT */
};

/* A test that a lease carries. */
struct test_key {
	int64_t job_seq;
	int32_t index;
	int64_t results[RESULTS_PER_LEASE]; /* run.seq of results to bring along; 0: none */
};

int store_open_sqlite(struct store **ret, const char *path, const struct store_options *options,
	struct err *err) MUST_CHECK;
/* Shared by every handle opened on the same name, so that a "restart" finds what was committed.
 */
int store_open_memory(struct store **ret, const char *name, struct err *err) MUST_CHECK;
struct store *store_close(struct store *store); /* always NULL */
DEFINE_CLEANUP(struct store *, store_close)
void store_memory_forget(const char *name); /* drops what store_open_memory(name) kept */

int store_boot(struct store *store, struct arena *arena, struct store_boot *ret,
	struct err *err) MUST_CHECK;

/*
 * Loads what the keys name into the uow, and reserves keys for new rows (uow->next_*_seq). At
 * most two set-based rounds. With SQLite the turn's transaction begins at the first save, so a
 * turn that changes nothing costs no commit.
 */
int store_load(struct store *store, const struct turn_keys *keys, struct uow *uow,
	struct err *err) MUST_CHECK;

/* Second round: tests and options of jobs that will be leased; fills ret[i] in the order of
 * keys (body.n = 0: not there). */
int store_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err) MUST_CHECK;

enum {
	STORE_CONFLICT = 1
}; /* store_save: another server changed a row first; nothing was saved */

/*
 * Saves every row whose change is not ROW_CLEAN, the events and the rest, and commits once; a
 * turn without any of these costs nothing. Numbers the events unless uow_number_events() has.
 * Changed jobs and runs get version + 1, in memory as well. A changed definition must have the
 * next revision; the one before is kept. A deleted job takes with it its runs, tests, options,
 * results, incarnations, artifact rows and events (all but job.deleted of this turn). Of these
 * a turn deletes DELETE_ROWS_MAX at most: what remains is nobody's, no reader finds it, and
 * uow->has_remains asks for store_purge_deleted().
 *
 * STORE_CONFLICT also stands for a unique name, lane or key that is taken.
 *
 * After -1 the caller must not go on: what was in the turn may or may not be on disk, and the
 * store refuses everything until it is opened again.
 */
int store_save(struct store *store, struct uow *uow, struct err *err) MUST_CHECK;

/* Smallest due time as in store_boot; 0: none. */
int store_next_due(struct store *store, int64_t *ret_ms, struct err *err) MUST_CHECK;

/* How many ready jobs of the lane stand before (rank, seq); counts up to max. */
int store_count_ahead(struct store *store, int64_t lane, int64_t rank, int64_t seq, int64_t max,
	int64_t *ret, struct err *err) MUST_CHECK;

/* How many jobs of the queue wait for their time (a start, a further attempt); up to max. */
int store_count_due(struct store *store, int64_t queue, int64_t max, int64_t *ret,
	struct err *err) MUST_CHECK;

enum { STORE_MORE = 1 };

/* Drops idempotency keys older than before_ms, at most max of them. Its own small commit.
 * STORE_MORE: max of them went, there may be more. */
int store_purge_idem(struct store *store, int64_t before_ms, size_t max, struct err *err)
	MUST_CHECK;

/* Deletes rows of deleted jobs, about max of them. Its own commit. STORE_MORE: there are more.
 * Blobs that the rows named go to uow->loose; nothing else of it is used. */
int store_purge_deleted(struct store *store, size_t max, struct uow *uow, struct err *err)
	MUST_CHECK;
/*
 * Deletes what a deleted project has beside its jobs and definitions, at most max rows:
 * figures, events, kept answers, workers that are gone. Queues and lanes stay. Its own commit.
 * STORE_MORE: max of them went, there may be more.
 */
int store_purge_project(struct store *store, int64_t project, size_t max, struct err *err)
	MUST_CHECK;
/* Forgets workers that have been gone since before_ms, at most max; likewise. */
int store_purge_workers(struct store *store, int64_t before_ms, size_t max, struct err *err)
	MUST_CHECK;

/* ---- reading side ---- */

int store_reader_open(struct store_reader **ret, struct store *store, struct err *err)
	MUST_CHECK; /* any thread */
struct store_reader *store_reader_close(struct store_reader *reader);
DEFINE_CLEANUP(struct store_reader *, store_reader_close)

enum { STORE_NONE = 1 }; /* read functions: the thing is not there */

enum job_sort {
	JOB_SORT_CREATED,
	JOB_SORT_UPDATED,
	JOB_SORT_COMPLETED,
	JOB_SORT_PRIORITY,
	JOB_SORT_NAME,
	JOB_SORT_DURATION,
	JOB_SORT_COUNT
};

/*
 * Members that are 0, NULL or empty do not filter; this holds for `project` everywhere. Times:
 * from …_after_ms on, up to but without …_before_ms.
 */
struct job_filter {
	int64_t project;
	uint32_t states;         /* set of 1 << enum job_state */
	uint32_t reasons;        /* set of 1 << enum job_reason */
	const char *const *tags; /* all of them */
	size_t n_tags;
	const char *name;          /* exact */
	const char *name_contains; /* case-insensitive for ASCII */
	struct def_id template_id;
	int64_t queue;
	struct job_id parent; /* jobs of this flow's stages */
	int64_t schedule;     /* jobs that this one fired: its seq */
	bool is_flow;         /* only flows */
	const char *kind;
	int64_t created_after_ms, created_before_ms;
	int64_t completed_after_ms, completed_before_ms;
	int64_t min_run_ms; /* ran at least so long (until now_ms when it still runs) */
	int64_t now_ms;
	enum job_sort sort;
	bool descending;
	struct str cursor; /* opaque, from the previous page; empty: first page */
	size_t limit;      /* 1 … */
	bool count;        /* also fill ret_total */
};

struct job_page {
	struct job **items;
	size_t n;
	const char *next_cursor; /* NULL: last page */
	int64_t total;           /* -1 unless asked */
};

/* Everything that is read lives in the arena. ERR_INVALID: the cursor is not one of ours. The
 * jobs of a list have no plan, and grouped ones the layout "": both may be megabytes. */
int read_jobs(struct store_reader *reader, const struct job_filter *filter, struct arena *arena,
	struct job_page *ret, struct err *err) MUST_CHECK;
int read_job(struct store_reader *reader, int64_t project, struct job_id id,
	struct arena *arena, struct job **ret, struct err *err) MUST_CHECK;
int read_job_tests(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct job_test **ret, size_t *ret_n, struct err *err) MUST_CHECK;
int read_job_options(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct str *ret, struct err *err) MUST_CHECK;
int read_incarnations(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct incarnation **ret, size_t *ret_n, struct err *err) MUST_CHECK;

struct run_filter {
	int64_t job_seq;
	int32_t incarnation; /* 0: every one */
	uint32_t states;     /* set of 1 << enum run_state */
	uint32_t outcomes;   /* set of 1 << enum run_outcome */
	int32_t test;        /* -1: every one */
	int64_t iteration;   /* 0: every one */
	bool only_last;      /* the attempts that decided their unit */
	int64_t after_seq;   /* page: greater than */
	size_t limit;
};
/* In order of seq. run->job is NULL, run->result is not read. */
int read_runs(struct store_reader *reader, const struct run_filter *filter, struct arena *arena,
	struct run **ret, size_t *ret_n, struct err *err) MUST_CHECK;
int read_run(struct store_reader *reader, int64_t project, struct run_id id,
	struct arena *arena, struct run **ret, struct job_id *ret_job, struct err *err)
	MUST_CHECK;
int read_run_result(struct store_reader *reader, int64_t run_seq, struct arena *arena,
	struct str *ret, struct err *err) MUST_CHECK;
int read_artifacts(struct store_reader *reader, int64_t job_seq,
	int64_t run_seq /* 0: every run */, struct arena *arena, struct artifact **ret,
	size_t *ret_n, struct err *err) MUST_CHECK;
/* True when some artifact row names the blob. */
int read_blob_in_use(struct store_reader *reader, const char *blob, bool *ret, struct err *err)
	MUST_CHECK;
int read_artifact(struct store_reader *reader, int64_t run_seq, const char *name,
	struct arena *arena, struct artifact **ret, struct err *err) MUST_CHECK;

struct event_filter {
	int64_t project; /* events of no project (0: of workers that serve all) come along */
	int64_t job_seq; /* 0: every job of the project */
	int64_t after_seq;
	uint64_t types;   /* set of 1ull << enum event_type; 0: all */
	size_t limit;     /* at most this many events */
	size_t bytes_max; /* and at most about so many bytes of data */
};
int read_events(struct store_reader *reader, const struct event_filter *filter,
	struct arena *arena, struct event **ret, size_t *ret_n, struct err *err) MUST_CHECK;
int read_last_event_seq(struct store_reader *reader, int64_t *ret, struct err *err) MUST_CHECK;

struct def_filter {
	int64_t project;
	enum def_kind kind;
	const char *name_contains;
	const char *const *tags; /* all of them */
	size_t n_tags;
	const char *after_name; /* page, in order of name */
	size_t limit;
};
int read_definitions(struct store_reader *reader, const struct def_filter *filter,
	struct arena *arena, struct definition **ret, size_t *ret_n, struct err *err)
	MUST_CHECK;
/* revision 0: the newest. */
int read_definition(struct store_reader *reader, const struct def_key *key, int64_t revision,
	struct arena *arena, struct definition **ret, struct err *err) MUST_CHECK;
int read_definition_revisions(struct store_reader *reader, int64_t def_seq, struct arena *arena,
	struct definition **ret, size_t *ret_n, struct err *err) MUST_CHECK;

int read_workers(struct store_reader *reader, int64_t project, bool all, struct arena *arena,
	struct worker_row **ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* Of a project, 0: of all; in order of name. */
int read_queues(struct store_reader *reader, int64_t project, struct arena *arena,
	struct queue **ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* Live figures of a queue: jobs that wait, counted up to FIGURES_COUNT_MAX of each lane. */
struct queue_figures {
	int64_t running;   /* leased runs */
	int64_t ready;     /* jobs that a worker could take */
	int64_t held;      /* jobs that wait for a key's limit */
	int64_t oldest_ms; /* when the oldest of those counted as ready was made; 0: none */
	bool at_least;     /* there are more than were counted */
	int64_t drain_ms; /* the reader's caller may forecast when all have ended; 0: unknown */
};
int read_queue_figures(struct store_reader *reader, int64_t queue, struct queue_figures *ret,
	struct err *err) MUST_CHECK;

/* Oldest first. */
int read_quarantine(struct store_reader *reader, int64_t project, struct arena *arena,
	struct quarantine_entry **ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* In order of name; project 0: of all. */
int read_schedules(struct store_reader *reader, int64_t project, struct arena *arena,
	struct schedule **ret, size_t *ret_n, struct err *err) MUST_CHECK;
/* By its seq. STORE_NONE: it is gone. */
int read_schedule(struct store_reader *reader, int64_t seq, struct arena *arena,
	struct schedule **ret, struct err *err) MUST_CHECK;
/* Latest first, occurrences before before_ms, at most limit. */
int read_firings(struct store_reader *reader, int64_t schedule, int64_t before_ms, size_t limit,
	struct arena *arena, struct firing **ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* In the order in which they are asked; project 0: of all. */
int read_retention(struct store_reader *reader, int64_t project, struct arena *arena,
	struct retention **ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* In order of seq, deleted ones too. */
int read_projects(struct store_reader *reader, struct arena *arena, struct project **ret,
	size_t *ret_n, struct err *err) MUST_CHECK;

/* Figures for /metrics and lists; index look-ups, never a scan of all jobs. */
struct store_stats {
	int64_t jobs_by_state[JOB_STATE_COUNT]; /* of states that are not final; finals are
						   counted up to stats_max */
	int64_t runs_waiting, runs_leased;
	int64_t bytes; /* on disk */
};
int read_stats(struct store_reader *reader, struct store_stats *ret, struct err *err)
	MUST_CHECK;

/* API tokens: hashed at rest. */
struct token_row {
	uint8_t hash[32]; /* SHA-256 of the token */
	int64_t project;
	const char *name, *role;
	int64_t created_ms;
};
int store_token_put(struct store *store, const struct token_row *token, struct err *err)
	MUST_CHECK; /* its own commit, before the engine starts */
int read_tokens(struct store_reader *reader, struct arena *arena, struct token_row **ret,
	size_t *ret_n, struct err *err) MUST_CHECK;

/* Backup-quality check of the file: 0 fine, -1 with what is wrong. */
int store_check(struct store *store, struct err *err) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* What only a file can show: crashes, broken disks, other servers, other versions, its schema.
 */
#include "kit.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/mem.h"
#include "faulty_vfs.h"
#include "store/faulty.h"
#include "store/migrate.h"
#include "store/sqlite_sql.h"

static char *
path_of(struct fixture *fx)
{
	return xasprintf("%s/proctor.db", fx->place);
}

/* Opens the file with plain SQLite. */
static sqlite3 *
open_plain(struct fixture *fx)
{
	_cleanup_free_ char *path = path_of(fx);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void
run_plain(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

/* ---- who may open it ---- */

static void
a_second_server_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct store *second;
	assert_int_equal(fx->backend->open(fx, &second, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CONFLICT);
	assert_non_null(strstr(fx->err.text, "in use"));
	put_job(fx, "the first goes on");
	reopen(fx);
}

/* The newest of src/store/sql/sqlite. */
#define SCHEMA_VERSION "PRAGMA user_version = 9"

static void
a_newer_file_is_left_alone(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "from the future");
	close_store(fx);
	sqlite3 *db = open_plain(fx);
	run_plain(db, "PRAGMA user_version = 9999");
	sqlite3_close(db);
	assert_int_equal(fx->backend->open(fx, &fx->store, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_INVALID);
	assert_non_null(strstr(fx->err.text, "newer"));
	db = open_plain(fx);
	run_plain(db, SCHEMA_VERSION);
	sqlite3_close(db);
	open_store(fx);
	assert_string_equal(read_back(fx, id)->name, "from the future");
}

static void
files_of_others_are_left_alone(void **state)
{
	struct fixture *fx = *state;
	_cleanup_free_ char *path = path_of(fx);
	close_store(fx);
	assert_int_equal(unlink(path), 0);
	sqlite3 *db = open_plain(fx);
	run_plain(db, "CREATE TABLE theirs (x)");
	sqlite3_close(db);
	assert_int_equal(fx->backend->open(fx, &fx->store, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);

	const char text[] = "this is not a database, it is a letter to a friend";
	assert_done(fx, file_write_atomic(path, text, sizeof text, 0600, &fx->err));
	assert_int_equal(fx->backend->open(fx, &fx->store, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
	open_store(fx);
}

/* ---- schema ---- */

static void
a_failing_change_of_schema_changes_nothing(void **state)
{
	struct fixture *fx = *state;
	const struct migration changes[] = {
		{ 1, "initial", "CREATE TABLE never_again (x)" },
		{ 9000, "half", "CREATE TABLE half (x); CREATE TABLE job (x)" },
		{ 0, NULL, NULL },
	};
	put_job(fx, "kept");
	close_store(fx);
	sqlite3 *db = open_plain(fx);
	assert_int_equal(migrate_sqlite(db, changes, &fx->err), -1);
	assert_non_null(strstr(fx->err.text, "half"));
	assert_int_equal(sqlite3_table_column_metadata(
				 db, NULL, "half", NULL, NULL, NULL, NULL, NULL, NULL),
		SQLITE_ERROR);
	sqlite3_close(db);
	open_store(fx);
	assert_done(fx, store_check(fx->store, &fx->err));
}

static int
add_line(void *out, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	return buf_addf(out, "%s;\n", values[0]);
}

/* To take a change over: SCHEMA_WRITE=1 test_contract_store_sqlite, and read the difference. */
static void
the_schema_is_the_committed_one(void **state)
{
	struct fixture *fx = *state;
	_cleanup_(buf_deinit) struct buf got = BUF_INIT(1 << 20);
	_cleanup_(buf_deinit) struct buf expected = BUF_INIT(1 << 20);
	sqlite3 *db = open_plain(fx);
	assert_int_equal(buf_adds(&got, "-- SPDX-License-Identifier: Apache-2.0\n"), 0);
	assert_int_equal(
		sqlite3_exec(db,
			"SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name",
			add_line, &got, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	if (getenv("SCHEMA_WRITE"))
		assert_done(
			fx, file_write_atomic(SCHEMA_FILE, got.data, got.len, 0644, &fx->err));
	assert_done(fx, file_read(SCHEMA_FILE, 1 << 20, &expected, &fx->err));
	assert_string_equal(got.data, expected.data);
}

/* ---- plans of the statements that every turn runs ---- */

static int
add_detail(void *out, int n, char **values, char **names)
{
	(void)names;
	return buf_addf(out, "%s\n", values[n - 1]);
}

/* A line "SCAN name": SQLite names the index behind it when there is one. */
static bool
scans_a_table(const char *plan)
{
	static const char *const tables[] = { "job", "job_test", "run", "worker", "artifact",
		"event_batch", "definition", "idem" };
	struct str rest = str_of(plan);
	while (rest.p) {
		struct str line = str_split_first(&rest, '\n');
		if (!str_starts(line, STR("SCAN ")))
			continue;
		struct str name = str_from(line.p + 5, line.n - 5);
		for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
			if (str_eqz(name, tables[i]))
				return true;
		}
	}
	return false;
}

/* None of them may ever read a table from end to end or sort. */
static void
hot_statements_use_their_indexes(void **state)
{
	struct fixture *fx = *state;
	static const struct {
		enum sql_id id;
		const char *index;
	} hot[] = {
		{ SQL_JOB_BY_ID, "sqlite_autoindex_job_1" },
		{ SQL_JOB_BY_SEQ, "INTEGER PRIMARY KEY" },
		{ SQL_JOBS_DUE, "job_due" },
		{ SQL_JOBS_READY, "job_ready" },
		{ SQL_JOBS_AHEAD, "job_ready" },
		{ SQL_LANE_IS_READY, "job_ready" },
		{ SQL_RUN_BY_ID, "sqlite_autoindex_run_1" },
		{ SQL_RUNS_OPEN, "run_open" },
		{ SQL_RUNS_WAITING, "run_open" },
		{ SQL_RUNS_OF_WORKER, "run_leased" },
		{ SQL_RUNS, "run_job" },
		{ SQL_NEXT_DUE_JOB, "job_due" },
		{ SQL_NEXT_DUE_WORKER, "run_leased" },
		{ SQL_WORKERS_DUE, "worker_lease" },
		{ SQL_WORKER_BY_ID, "PRIMARY KEY" },
		{ SQL_JOB_TEST, "PRIMARY KEY" },
		{ SQL_JOB_OPTIONS, "INTEGER PRIMARY KEY" },
		{ SQL_JOB_UPDATE, "INTEGER PRIMARY KEY" },
		{ SQL_RUN_UPDATE, "INTEGER PRIMARY KEY" },
		{ SQL_JOB_DELETE_RUNS, "run_job" },
		{ SQL_JOB_DELETE_EVENTS, "event_batch_job" },
		{ SQL_EVENTS, "INTEGER PRIMARY KEY" },
		{ SQL_EVENTS_OF_JOB, "event_batch_job" },
		{ SQL_BLOB_IN_USE, "artifact_blob" },
		{ SQL_IDEM, "PRIMARY KEY" },
		{ SQL_IDEM_PURGE, "idem_created" },
		{ SQL_DEFINITIONS, "sqlite_autoindex_definition_2" },
		{ SQL_JOB_TEST_NAME, "PRIMARY KEY" },
		{ SQL_JOB_NEXT_NAME, "job_ended_name" },
		{ SQL_KNOWN_TEST, "INTEGER PRIMARY KEY" },
		{ SQL_ERROR_CLASS, "INTEGER PRIMARY KEY" },
		{ SQL_RUNS_OF_TEST, "run_test" },
		{ SQL_RUNS_OF_ERROR, "run_error" },
		{ SQL_STATS,
			"PRIMARY KEY (project=? AND subject=? AND scale=? AND at_ms>? AND at_ms<?)" },
		{ SQL_STATS_NAMED,
			"PRIMARY KEY (project=? AND subject=? AND scale=? AND at_ms=? AND name=?)" },
		{ SQL_JOB_ID_NAME, "INTEGER PRIMARY KEY" },
		{ SQL_BACKLOG, "stat_backlog" },
		{ SQL_PROJECT_DELETE_STATS, "PRIMARY KEY (project=?)" },
		{ SQL_PROJECT_DELETE_TESTS, "known_test_project" },
		{ SQL_PROJECT_DELETE_ERRORS, "error_class_project" },
		{ SQL_PROJECT_DELETE_IDEMS, "PRIMARY KEY (project=?)" },
		{ SQL_PROJECT_DELETE_EVENTS, "event_batch_project" },
		{ SQL_PROJECT_DELETE_COUNTS, "PRIMARY KEY (project=?)" },
		{ SQL_RUNS_DECIDED, "run_job" },
	};
	sqlite3 *db = open_plain(fx);
	for (size_t i = 0; i < ARRAY_LEN(hot); i++) {
		_cleanup_(buf_deinit) struct buf sql = BUF_INIT(1 << 16);
		_cleanup_(buf_deinit) struct buf plan = BUF_INIT(1 << 16);
		assert_int_equal(buf_adds(&sql, "EXPLAIN QUERY PLAN "), 0);
		assert_int_equal(sql_text(hot[i].id, &sql), 0);
		assert_int_equal(
			sqlite3_exec(db, sql.data, add_detail, &plan, NULL), SQLITE_OK);
		if (!strstr(buf_text(&plan), hot[i].index) || scans_a_table(plan.data) ||
			strstr(plan.data, "TEMP B-TREE"))
			fail_msg("%s\n%s", sql.data, buf_text(&plan));
	}
	sqlite3_close(db);
}

/* ---- failures ---- */

static void
a_failed_commit_ends_the_store(void **state)
{
	struct fixture *fx = *state;
	struct job_id kept = put_job(fx, "kept");
	turn(fx);
	load(fx);
	struct job_id lost = new_job(fx, "lost")->id;
	fault_arm(FAULT_COMMIT, 1);
	assert_int_equal(try_save(fx), -1);
	fault_reset();
	assert_int_equal(fx->err.code, ERR_UNAVAILABLE);

	int64_t due_ms;
	assert_int_equal(try_save(fx), -1);
	assert_int_equal(store_load(fx->store, &fx->keys, &fx->uow, &fx->err), -1);
	assert_int_equal(store_next_due(fx->store, &due_ms, &fx->err), -1);
	assert_int_equal(store_purge_idem(fx->store, 1, 1, &fx->err), -1);

	reopen(fx);
	struct job *job;
	assert_string_equal(read_back(fx, kept)->name, "kept");
	assert_int_equal(read_job(fx->reader, 0, lost, &fx->arena, &job, &fx->err), STORE_NONE);
	put_job(fx, "next");
	assert_done(fx, store_check(fx->store, &fx->err));
}

enum {
	TORTURE_TURNS = 4,
};

/* Saves turns until one fails. Returns how many were acknowledged. */
static int
save_until_failure(struct fixture *fx, struct job_id ids[TORTURE_TURNS])
{
	struct err err;
	int n_acknowledged = 0;
	for (int i = 0; i < TORTURE_TURNS; i++) {
		turn(fx);
		if (store_load(fx->store, &fx->keys, &fx->uow, &err) < 0)
			break;
		ids[i] = new_job(fx, "torture")->id;
		for (int k = 0; k < 5; k++)
			new_job(fx, "filler");
		if (store_save(fx->store, &fx->uow, &err) != 0)
			break;
		n_acknowledged++;
	}
	return n_acknowledged;
}

/* The disk fails at the nth write or sync, for every n: what was acknowledged is there, and
 * whole. */
static void
a_broken_disk_loses_nothing_acknowledged(void **state)
{
	struct fixture *fx = *state;
	const struct store_options options = { .durability = STORE_FSYNC };
	_cleanup_free_ char *path = path_of(fx);
	close_store(fx);
	faulty_vfs_install();
	bool was_hit = true;
	unsigned n;
	for (n = 1; was_hit; n++) {
		struct job_id ids[TORTURE_TURNS];
		struct job *job;
		int n_done = 0;
		assert_done(fx, store_open_sqlite(&fx->store, path, &options, &fx->err));
		faulty_vfs_arm(n);
		n_done = save_until_failure(fx, ids);
		was_hit = faulty_vfs_hit();
		assert_true(was_hit || n_done == TORTURE_TURNS);
		fx->store = store_close(fx->store);
		faulty_vfs_arm(0);

		open_store(fx);
		for (int i = 0; i < n_done; i++)
			read_back(fx, ids[i]);
		assert_true(read_job(fx->reader, 0, ids[0], &fx->arena, &job, &fx->err) >= 0);
		assert_done(fx, store_check(fx->store, &fx->err));
		close_store(fx);
		arena_reset(&fx->arena);
	}
	faulty_vfs_remove();
	assert_true(n > TORTURE_TURNS * 4);
	open_store(fx);
}

/* ---- kill -9 ---- */

struct report {
	int64_t last_event_seq;
	struct job_id last_job;
	int64_t n_jobs;
};

/* Takes turns for ever and reports each one after its commit. */
static _Noreturn void
take_turns(struct fixture *fx, int out, int64_t n_jobs)
{
	const struct store_options options = { .durability = STORE_FSYNC };
	_cleanup_free_ char *path = path_of(fx);
	struct err err;
	if (store_open_sqlite(&fx->store, path, &options, &err) < 0)
		_exit(1);
	for (;;) {
		struct claim_key key = { .lane = 1, .n = 3 };
		turn(fx);
		UOW_PUSH_IN(&fx->arena, &fx->keys.claims, key);
		if (store_load(fx->store, &fx->keys, &fx->uow, &err) < 0)
			_exit(2);
		size_t n_claimed = fx->uow.jobs.n;
		for (size_t i = 0; i < n_claimed; i++) {
			struct worker_id worker = { new_uuid(fx) };
			struct run *run = new_run(fx, fx->uow.jobs.item[i], worker);
			if (i % 2)
				finish_run(fx, run, OUTCOME_PASSED);
		}
		struct report report;
		for (int i = 0; i < 4; i++)
			report.last_job = new_job(fx, "mortal")->id;
		n_jobs += 4;
		if (store_save(fx->store, &fx->uow, &err) != 0)
			_exit(3);
		report.n_jobs = n_jobs;
		report.last_event_seq = fx->uow.next_event_seq - 1;
		if (write(out, &report, sizeof report) != (ssize_t)sizeof report)
			_exit(4);
		uow_deinit(&fx->uow);
		arena_reset(&fx->arena);
		uow_init(&fx->uow, &fx->arena, &fx->rng, fx->now_ms);
	}
}

/* Kills the child after so many reports. Returns the last one that it made. */
static struct report
kill_after(pid_t child, int in, int n_reports)
{
	struct report last = { 0 };
	struct report report;
	int status;
	while (n_reports-- > 0 && read(in, &report, sizeof report) == (ssize_t)sizeof report)
		last = report;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(in, &report, sizeof report) == (ssize_t)sizeof report)
		last = report;
	return last;
}

static int64_t
count_jobs(struct fixture *fx)
{
	struct store_stats stats;
	int64_t n = 0;
	assert_done(fx, read_stats(fx->reader, &stats, &fx->err));
	for (int i = 0; i < JOB_STATE_COUNT; i++)
		n += stats.jobs_by_state[i];
	return n;
}

static void
nothing_reported_is_lost_by_kill_9(void **state)
{
	struct fixture *fx = *state;
	int64_t n_jobs = 0;
	close_store(fx);
	for (int round = 1; round <= 6; round++) {
		int pipe_fds[2];
		assert_int_equal(pipe(pipe_fds), 0);
		fflush(NULL);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(pipe_fds[0]);
			rng_seed(&fx->rng, (uint64_t)round);
			take_turns(fx, pipe_fds[1], n_jobs);
		}
		close(pipe_fds[1]);
		struct report last = kill_after(child, pipe_fds[0], round * 7);
		close(pipe_fds[0]);

		int64_t last_event_seq;
		struct event *events;
		open_store(fx);
		assert_done(fx, store_check(fx->store, &fx->err));
		read_back(fx, last.last_job);
		assert_done(fx, read_last_event_seq(fx->reader, &last_event_seq, &fx->err));
		assert_true(last_event_seq >= last.last_event_seq);
		n_jobs = count_jobs(fx);
		/* The turn that was being saved is there as a whole or not at all. */
		assert_true(n_jobs == last.n_jobs || n_jobs == last.n_jobs + 4);
		size_t n = read_events_after(fx, 0, 0, &events);
		for (size_t i = 1; i < n; i++)
			assert_int_equal(events[i].seq, events[i - 1].seq + 1);
		close_store(fx);
	}
	open_store(fx);
}

/* ---- the store that fails on demand ---- */

static void
a_faulty_store_fails_as_told(void **state)
{
	struct fixture *fx = *state;
	struct store *faulty;
	struct store *inner = fx->store;
	assert_done(fx, store_open_faulty(&faulty, inner, (struct fault_plan) { 0 }));
	fx->store = faulty;
	put_job(fx, "no fault");

	turn(fx);
	store_faulty_next(faulty, STORE_FAULT_LOAD);
	assert_int_equal(store_load(faulty, &fx->keys, &fx->uow, &fx->err), -1);
	load(fx);
	struct job_id id = new_job(fx, "try")->id;
	struct job *job;
	store_faulty_next(faulty, STORE_FAULT_CONFLICT);
	assert_int_equal(try_save(fx), STORE_CONFLICT);
	store_faulty_next(faulty, STORE_FAULT_SAVE_BEFORE);
	assert_int_equal(try_save(fx), -1);
	assert_int_equal(read_job(fx->reader, 0, id, &fx->arena, &job, &fx->err), STORE_NONE);
	store_faulty_next(faulty, STORE_FAULT_SAVE_AFTER);
	assert_int_equal(try_save(fx), -1);
	assert_string_equal(read_back(fx, id)->name, "try");
}

int
main(void)
{
#define CASE(f)                                                                            \
	{                                                                                  \
#f, f, fixture_setup, fixture_teardown, (void *)(uintptr_t)&sqlite_backend \
	}
	const struct CMUnitTest tests[] = {
		CASE(a_second_server_is_refused),
		CASE(a_newer_file_is_left_alone),
		CASE(files_of_others_are_left_alone),
		CASE(a_failing_change_of_schema_changes_nothing),
		CASE(the_schema_is_the_committed_one),
		CASE(hot_statements_use_their_indexes),
		CASE(a_failed_commit_ends_the_store),
		CASE(a_broken_disk_loses_nothing_acknowledged),
		CASE(nothing_reported_is_lost_by_kill_9),
		CASE(a_faulty_store_fails_as_told),
	};
	return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine needs to know at its start, and when it must wake up. */
#include "store/sqlite.h"

#include <string.h>

static int64_t
max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* One more than the greatest key there is or, by the floor, ever was. */
static int
next_key(struct sqlite_db *db, enum sql_id last, const char *floor_name, int64_t *ret,
	struct err *err)
{
	int64_t greatest;
	if (sql_number(db, last, &greatest, err) < 0)
		return -1;

	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_FLOOR, err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, floor_name);
	int rc = sql_step(db, stmt, err);
	if (rc < 0)
		return -1;
	*ret = max_i64(greatest + 1, rc > 0 ? sqlite3_column_int64(stmt, 0) : 1);
	return 0;
}

int
sqlite_load_next_keys(struct sqlite_store *sqlite, struct err *err)
{
	struct sqlite_db *db = &sqlite->db;
	if (next_key(db, SQL_LAST_JOB, "job", &sqlite->next_job_seq, err) < 0 ||
		next_key(db, SQL_LAST_RUN, "run", &sqlite->next_run_seq, err) < 0 ||
		next_key(db, SQL_LAST_DEFINITION, "definition", &sqlite->next_def_seq, err) < 0)
		return -1;
	return next_key(db, SQL_LAST_EVENT, "event", &sqlite->next_event_seq, err);
}

/* All rows of a statement. */
static int
boot_rows(struct sqlite_db *db, enum sql_id id, const struct table *table, struct arena *arena,
	void *ret, size_t *ret_n, struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db, id, err);
	return stmt ? fetch_all(db, stmt, table, arena, ret, ret_n, err) : -1;
}

static int
boot_lanes(struct sqlite_db *db, struct arena *arena, struct store_boot *boot, struct err *err)
{
	if (boot_rows(db, SQL_LANES, &lane_table, arena, &boot->lanes, &boot->n_lanes, err) < 0)
		return -1;

	_cleanup_(sql_resetp) sqlite3_stmt *ready = sql_get(db, SQL_LANE_IS_READY, err);
	if (!ready)
		return -1;
	for (size_t i = 0; i < boot->n_lanes; i++) {
		sql_bind_i64(ready, 1, boot->lanes[i].id);
		if (sql_step(db, ready, err) < 0)
			return -1;
		boot->lanes[i].maybe_ready = sqlite3_column_int(ready, 0) != 0;
		(void)sqlite3_reset(ready);
	}
	return 0;
}

static int
boot_queues(struct sqlite_db *db, struct arena *arena, struct store_boot *boot, struct err *err)
{
	if (boot_rows(db, SQL_QUEUES, &queue_table, arena, &boot->queues, &boot->n_queues,
		    err) < 0)
		return -1;

	_cleanup_(sql_resetp) sqlite3_stmt *running = sql_get(db, SQL_QUEUES_RUNNING, err);
	if (!running)
		return -1;
	int rc;
	while ((rc = sql_step(db, running, err)) > 0) {
		int64_t id = sqlite3_column_int64(running, 0);
		for (size_t i = 0; i < boot->n_queues; i++) {
			if (boot->queues[i].id == id)
				boot->queues[i].running = sqlite3_column_int(running, 1);
		}
	}
	return rc;
}

static int
boot_keys(struct sqlite_db *db, struct arena *arena, struct store_boot *boot, struct err *err)
{
	UOW_ARRAY(struct boot_keys) keyed = { 0 };
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_KEYS_RUNNING, err);
	if (!stmt)
		return -1;
	int rc;
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct boot_keys row = {
			.queue = sqlite3_column_int64(stmt, 0),
			.running = sqlite3_column_int(stmt, 2),
		};
		struct str keys;
		if (fetch_str(stmt, 1, arena, &keys, err) < 0)
			return -1;
		row.keys = keys.p;
		UOW_PUSH_IN(arena, &keyed, row);
	}
	boot->keyed = keyed.item;
	boot->n_keyed = keyed.n;
	return rc;
}

static int
boot_held(struct sqlite_db *db, struct arena *arena, struct store_boot *boot, struct err *err)
{
	UOW_ARRAY(const char *) held = { 0 };
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_HELD_KEYS, err);
	if (!stmt)
		return -1;
	int rc;
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct str name;
		if (fetch_str(stmt, 0, arena, &name, err) < 0)
			return -1;
		UOW_PUSH_IN(arena, &held, name.p);
	}
	boot->held = held.item;
	boot->n_held = held.n;
	return rc;
}

static int
boot_buckets(
	struct sqlite_db *db, struct arena *arena, struct store_boot *boot, struct err *err)
{
	UOW_ARRAY(struct bucket) buckets = { 0 };
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_BUCKETS, err);
	if (!stmt)
		return -1;
	int rc;
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct str name;
		if (fetch_str(stmt, 0, arena, &name, err) < 0)
			return -1;
		struct bucket bucket = { name.p, sqlite3_column_int64(stmt, 1) };
		UOW_PUSH_IN(arena, &buckets, bucket);
	}
	boot->buckets = buckets.item;
	boot->n_buckets = buckets.n;
	return rc;
}

static int
boot_remains(struct sqlite_db *db, bool *ret, struct err *err)
{
	int64_t remains;
	if (sql_run(db, SQL_STAGED_DROP, err) != 0)
		return -1;
	if (sql_number(db, SQL_HAS_REMAINS, &remains, err) < 0)
		return -1;
	*ret = remains != 0;
	return 0;
}

static int
boot_ids(struct sqlite_db *db, enum sql_id id, struct arena *arena, struct job_id **ret,
	size_t *ret_n, struct err *err)
{
	UOW_ARRAY(struct job_id) ids = { 0 };
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, id, err);
	if (!stmt)
		return -1;
	int rc;
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct job_id one;
		if (sqlite3_column_bytes(stmt, 0) != (int)sizeof one)
			return err_set(err, ERR_CORRUPT, "an id of a flow is not one");
		memcpy(&one, sqlite3_column_blob(stmt, 0), sizeof one);
		UOW_PUSH_IN(arena, &ids, one);
	}
	*ret = ids.item;
	*ret_n = ids.n;
	return rc;
}

/* Every turn that changes a job writes an event: the last batch is of the latest of them. */
static int
boot_now_floor(struct sqlite_db *db, struct arena *arena, int64_t *ret_ms, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_LAST_BATCH, err);
	if (!stmt)
		return -1;
	*ret_ms = 0;
	int rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;

	struct event_unpack unpack;
	if (fetch_batch(stmt, arena, &unpack, err) < 0)
		return -1;
	*ret_ms = sqlite3_column_int64(stmt, 5);
	while ((rc = event_unpack_next(&unpack, err)) == 0) {
		/* Workers' events carry the workers' clocks. */
		if (!event_type_from_worker(unpack.event.type))
			*ret_ms = max_i64(*ret_ms, unpack.event.at_ms);
	}
	return rc < 0 ? -1 : 0;
}

static int
next_due(struct sqlite_db *db, int64_t *ret_ms, struct err *err)
{
	int64_t job_ms, worker_ms;
	if (sql_number(db, SQL_NEXT_DUE_JOB, &job_ms, err) < 0 ||
		sql_number(db, SQL_NEXT_DUE_WORKER, &worker_ms, err) < 0)
		return -1;
	bool worker_first = worker_ms > 0 && (job_ms == 0 || worker_ms < job_ms);
	*ret_ms = worker_first ? worker_ms : job_ms;
	return 0;
}

int
sqlite_next_due(struct store *store, int64_t *ret_ms, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	return next_due(&sqlite->db, ret_ms, err);
}

int
sqlite_boot(struct store *store, struct arena *arena, struct store_boot *ret, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	struct sqlite_db *db = &sqlite->db;
	struct store_boot boot = { 0 };
	if (sqlite_usable(sqlite, err) < 0 || boot_lanes(db, arena, &boot, err) < 0 ||
		boot_queues(db, arena, &boot, err) < 0 ||
		boot_keys(db, arena, &boot, err) < 0 || boot_held(db, arena, &boot, err) < 0 ||
		boot_buckets(db, arena, &boot, err) < 0 ||
		boot_rows(db, SQL_WORKERS_LIVE, &worker_table, arena, &boot.workers,
			&boot.n_workers, err) < 0 ||
		boot_rows(db, SQL_QUARANTINE, &quarantine_table, arena, &boot.quarantine,
			&boot.n_quarantine, err) < 0 ||
		boot_rows(db, SQL_SCHEDULES, &schedule_table, arena, &boot.schedules,
			&boot.n_schedules, err) < 0 ||
		boot_rows(db, SQL_RETENTION, &retention_table, arena, &boot.retention,
			&boot.n_retention, err) < 0 ||
		boot_rows(db, SQL_PROJECTS, &project_table, arena, &boot.projects,
			&boot.n_projects, err) < 0 ||
		boot_remains(db, &boot.has_remains, err) < 0 ||
		boot_ids(db, SQL_FLOWS_OPEN, arena, &boot.flows, &boot.n_flows, err) < 0 ||
		boot_ids(db, SQL_FLOWS_GONE, arena, &boot.orphans, &boot.n_orphans, err) < 0 ||
		boot_now_floor(db, arena, &boot.now_floor_ms, err) < 0 ||
		next_due(db, &boot.next_due_ms, err) < 0)
		return -1;
	*ret = boot;
	return 0;
}

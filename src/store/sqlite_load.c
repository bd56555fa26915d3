/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a turn. Each row is read by its key with a prepared statement: with the file in the
 * same process a set of look-ups costs no more than one statement with a set.
 *
 * A row that is loaded twice in a turn keeps its first copy: the identity maps of the uow
 * decide.
 */
#include "store/sqlite.h"

#include <string.h>

struct loader {
	struct sqlite_db *db;
	struct uow *uow;
	struct err *err;
	size_t began;     /* uow->arena->used */
	size_t bytes_max; /* turn_keys.bytes_max */
	size_t n_claims;
};

/* Memory that the rows of this load take. */
static size_t
loaded_bytes(const struct loader *loader)
{
	return loader->uow->arena->used - loader->began;
}

/* True when nothing more is loaded of what is ready or due: notes that there is more. */
static bool
is_enough(struct loader *loader)
{
	bool enough = loader->bytes_max > 0 && loaded_bytes(loader) >= loader->bytes_max / 2;

	loader->uow->is_cut = loader->uow->is_cut || enough;
	return enough;
}

/* The same for one of n claims, that began to be loaded at so many bytes. */
static bool
is_enough_of_claim(struct loader *loader, size_t began, size_t n_claims)
{
	size_t share = loader->bytes_max / 2 / n_claims;
	bool enough = loader->bytes_max > 0 && loaded_bytes(loader) - began >= share;

	loader->uow->is_cut = loader->uow->is_cut || enough;
	return enough || is_enough(loader);
}

static int
load_row(struct loader *loader, sqlite3_stmt *stmt, const struct table *table, void *ret)
{
	if (loader->bytes_max > 0 && loaded_bytes(loader) >= loader->bytes_max)
		return err_set(loader->err, ERR_LIMIT, "more rows than a turn may load");
	return fetch_row(stmt, table, loader->uow->arena, ret, loader->err);
}

/* ---- runs and their jobs ---- */

/* Reads the runs of a bound statement; all belong to `job`. */
static int
add_runs(struct loader *loader, sqlite3_stmt *stmt, struct job *job)
{
	int rc;
	while ((rc = sql_step(loader->db, stmt, loader->err)) > 0) {
		struct run *run;
		if (load_row(loader, stmt, &run_table, &run) < 0)
			return -1;
		run->job = job;
		uow_add_run(loader->uow, run);
	}
	return rc;
}

static int
load_runs_of(struct loader *loader, struct job *job, enum sql_id id)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(loader->db, id, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, job->seq);
	return add_runs(loader, stmt, job);
}

static int
load_open_runs(struct loader *loader, struct job *job)
{
	if (job->runs_loaded)
		return 0;
	job->runs_loaded = true;
	return load_runs_of(loader, job, SQL_RUNS_OPEN);
}

/* Puts the job of the statement's current row into the uow, with its waiting runs. */
static int
add_job(struct loader *loader, sqlite3_stmt *stmt, struct job **ret)
{
	struct job *job;
	if (load_row(loader, stmt, &job_table, &job) < 0)
		return -1;
	*ret = uow_add_job(loader->uow, job);
	if (*ret != job)
		return 0;

	job->is_stored = true;
	job->stored_state = job->state;
	if (job->layout)
		return load_open_runs(loader, job); /* its plan looks at all of them */
	job->runs_loaded = job->running == 0;       /* then waiting ones are all there are */
	return job->waiting > 0 ? load_runs_of(loader, job, SQL_RUNS_WAITING) : 0;
}

static int
load_job_of_run(struct loader *loader, const struct run *run, struct job **ret)
{
	*ret = uow_job_by_seq(loader->uow, run->job_seq);
	if (*ret)
		return 0;

	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_JOB_BY_SEQ, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, run->job_seq);
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc == 0)
		return err_set(
			loader->err, ERR_CORRUPT, "run %lld has no job", (long long)run->seq);
	return rc < 0 ? -1 : add_job(loader, stmt, ret);
}

/* Gives a run that was just read its job. `ret` is the copy that counts. */
static int
add_run_and_job(struct loader *loader, struct run *run, struct run **ret)
{
	if (load_job_of_run(loader, run, &run->job) < 0)
		return -1;
	*ret = uow_add_run(loader->uow, run);
	return 0;
}

/* ---- one function for each kind of key ---- */

static int
load_job(struct loader *loader, const struct job_id *id)
{
	struct job *job = uow_job(loader->uow, *id);
	if (!job) {
		_cleanup_(sql_resetp) sqlite3_stmt *stmt =
			sql_get(loader->db, SQL_JOB_BY_ID, loader->err);
		if (!stmt)
			return -1;
		sql_bind_uuid(stmt, 1, &id->u);
		int rc = sql_step(loader->db, stmt, loader->err);
		if (rc <= 0)
			return rc;
		if (add_job(loader, stmt, &job) < 0)
			return -1;
	}
	return load_open_runs(loader, job);
}

static int
load_run(struct loader *loader, const struct run_id *id)
{
	if (uow_run(loader->uow, *id))
		return 0;

	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_RUN_BY_ID, loader->err);
	if (!stmt)
		return -1;
	sql_bind_uuid(stmt, 1, &id->u);
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc <= 0)
		return rc;
	struct run *run;
	if (load_row(loader, stmt, &run_table, &run) < 0)
		return -1;
	return add_run_and_job(loader, run, &run);
}

/* All rows first: loading their jobs uses statements of its own, but the cursor must be done.
 */
static int
load_worker_runs(struct loader *loader, struct worker_row *worker)
{
	UOW_ARRAY(struct run *) runs = { 0 };
	{
		_cleanup_(sql_resetp) sqlite3_stmt *stmt =
			sql_get(loader->db, SQL_RUNS_OF_WORKER, loader->err);
		if (!stmt)
			return -1;
		sql_bind_uuid(stmt, 1, &worker->id.u);
		int rc;
		while ((rc = sql_step(loader->db, stmt, loader->err)) > 0) {
			struct run *run;
			if (load_row(loader, stmt, &run_table, &run) < 0)
				return -1;
			UOW_PUSH(loader->uow, &runs, run);
		}
		if (rc < 0)
			return -1;
	}
	for (size_t i = 0; i < runs.n; i++) {
		if (add_run_and_job(loader, runs.item[i], &runs.item[i]) < 0)
			return -1;
	}
	worker->runs = runs.item;
	worker->n_runs = runs.n;
	return 0;
}

static int
add_worker(struct loader *loader, sqlite3_stmt *stmt, struct worker_row **ret)
{
	struct worker_row *worker;
	if (load_row(loader, stmt, &worker_table, &worker) < 0)
		return -1;
	*ret = uow_add_worker(loader->uow, worker);
	return *ret == worker ? load_worker_runs(loader, worker) : 0;
}

static int
load_worker(struct loader *loader, const struct worker_id *id)
{
	if (uow_worker(loader->uow, *id))
		return 0;

	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_WORKER_BY_ID, loader->err);
	if (!stmt)
		return -1;
	sql_bind_uuid(stmt, 1, &id->u);
	int rc = sql_step(loader->db, stmt, loader->err);
	struct worker_row *worker;
	return rc <= 0 ? rc : add_worker(loader, stmt, &worker);
}

static int
load_unique(struct loader *loader, const struct unique_key *key)
{
	if (uow_unique(loader->uow, key->project, key->key))
		return 0;
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_JOB_UNIQUE, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key->project);
	sql_bind_text(stmt, 2, key->key);
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc <= 0)
		return rc;
	struct job *job;
	if (add_job(loader, stmt, &job) < 0)
		return -1;
	return load_open_runs(loader, job);
}

static int
load_claim(struct loader *loader, const struct claim_key *key)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, key->held ? SQL_JOBS_HELD : SQL_JOBS_READY, loader->err);
	if (!stmt)
		return -1;
	if (key->held)
		sql_bind_text(stmt, 1, key->held);
	else
		sql_bind_i64(stmt, 1, key->lane);
	sql_bind_i64(stmt, 2, (int64_t)key->n);
	size_t began = loaded_bytes(loader);
	int rc;
	while ((rc = sql_step(loader->db, stmt, loader->err)) > 0) {
		struct job *job;
		if (is_enough(loader) ||
			(loaded_bytes(loader) > began &&
				is_enough_of_claim(loader, began, loader->n_claims)))
			return 0;
		if (add_job(loader, stmt, &job) < 0)
			return -1;
	}
	return rc;
}

static int
load_children(struct loader *loader, const struct parent_key *key)
{
	UOW_ARRAY(struct job *) children = { 0 };
	{
		_cleanup_(sql_resetp) sqlite3_stmt *stmt =
			sql_get(loader->db, SQL_JOBS_OF_PARENT, loader->err);
		if (!stmt)
			return -1;
		sql_bind_uuid(stmt, 1, &key->flow.u);
		sql_bind_i64(stmt, 2, (int64_t)key->n);
		int rc;
		while ((rc = sql_step(loader->db, stmt, loader->err)) > 0 &&
			!is_enough(loader)) {
			struct job *job;
			if (add_job(loader, stmt, &job) < 0)
				return -1;
			UOW_PUSH(loader->uow, &children, job);
		}
		if (rc < 0)
			return -1;
	}
	for (size_t i = 0; i < children.n; i++) {
		if (load_open_runs(loader, children.item[i]) < 0)
			return -1;
	}
	return 0;
}

static int
load_definition(struct loader *loader, const struct def_key *key)
{
	bool by_name = uuid_is_zero(&key->id.u);
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(loader->db,
		by_name ? SQL_DEFINITION_BY_NAME : SQL_DEFINITION_BY_ID, loader->err);
	if (!stmt)
		return -1;
	if (by_name)
		sql_bind_text(stmt, 1, key->name);
	else
		sql_bind_uuid(stmt, 1, &key->id.u);
	sql_bind_i64(stmt, 2, key->project);
	sql_bind_text(stmt, 3, def_kind_name(key->kind));
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc <= 0)
		return rc;

	struct definition *def;
	if (load_row(loader, stmt, &definition_table, &def) < 0)
		return -1;
	for (size_t i = 0; i < loader->uow->defs.n; i++) {
		if (loader->uow->defs.item[i]->seq == def->seq)
			return 0;
	}
	UOW_PUSH(loader->uow, &loader->uow->defs, def);
	return 0;
}

static int
load_idem(struct loader *loader, const struct idem_key *key)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(loader->db, SQL_IDEM, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key->project);
	sql_bind_str(stmt, 2, key->key);
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc <= 0)
		return rc;

	struct arena *arena = loader->uow->arena;
	struct idem *idem = arena_xalloc(arena, sizeof *idem);
	struct str ids;
	if (fetch_str(stmt, 2, arena, &ids, loader->err) < 0)
		return -1;
	const void *hash = sqlite3_column_blob(stmt, 0);
	if (!hash || sqlite3_column_bytes(stmt, 0) != (int)sizeof idem->hash ||
		ids.n % sizeof *idem->ids != 0)
		return err_set(loader->err, ERR_CORRUPT, "an idempotency key is damaged");
	memcpy(idem->hash, hash, sizeof idem->hash);
	idem->project = key->project;
	idem->key = key->key;
	idem->created_ms = sqlite3_column_int64(stmt, 1);
	idem->ids = (struct uuid *)(void *)(uintptr_t)ids.p;
	idem->n_ids = ids.n / sizeof *idem->ids;
	UOW_PUSH(loader->uow, &loader->uow->idems, idem);
	return 0;
}

/* ---- what is due ---- */

static int
load_due_jobs(struct loader *loader, int64_t due_ms, size_t max)
{
	struct uow *uow = loader->uow;
	{
		_cleanup_(sql_resetp) sqlite3_stmt *stmt =
			sql_get(loader->db, SQL_JOBS_DUE, loader->err);
		if (!stmt)
			return -1;
		sql_bind_i64(stmt, 1, due_ms);
		sql_bind_i64(stmt, 2, (int64_t)max);
		int rc;
		while ((rc = sql_step(loader->db, stmt, loader->err)) > 0) {
			struct job *job;
			if (is_enough(loader))
				return 0;
			if (add_job(loader, stmt, &job) < 0 || load_open_runs(loader, job) < 0)
				return -1;
			UOW_PUSH(uow, &uow->due_jobs, job);
		}
		return rc;
	}
}

static int
load_due_workers(struct loader *loader, int64_t due_ms, size_t max)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_WORKERS_DUE, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, due_ms);
	sql_bind_i64(stmt, 2, (int64_t)max);
	int rc;
	while ((rc = sql_step(loader->db, stmt, loader->err)) > 0) {
		struct worker_row *worker;
		if (is_enough(loader))
			return 0;
		if (add_worker(loader, stmt, &worker) < 0)
			return -1;
		UOW_PUSH(loader->uow, &loader->uow->due_workers, worker);
	}
	return rc;
}

/* Of a new run: some row, even one that no reader sees, may have its id. */
static int
load_taken(struct loader *loader, const struct run_id *id)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_RUN_EXISTS, loader->err);
	if (!stmt)
		return -1;
	sql_bind_uuid(stmt, 1, &id->u);
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc > 0)
		UOW_PUSH(loader->uow, &loader->uow->taken, *id);
	return rc < 0 ? -1 : 0;
}

/* ---- the turn ---- */

#define LOAD_EACH(loader, keys, load)                     \
	for (size_t i = 0; i < (keys)->n; i++) {          \
		if (load((loader), &(keys)->item[i]) < 0) \
			return -1;                        \
	}

static int
load_all(struct loader *loader, const struct turn_keys *keys)
{
	LOAD_EACH(loader, &keys->jobs, load_job)
	LOAD_EACH(loader, &keys->runs, load_run)
	LOAD_EACH(loader, &keys->workers, load_worker)
	if (keys->due_ms > 0 &&
		(load_due_jobs(loader, keys->due_ms, keys->due_max) < 0 ||
			load_due_workers(loader, keys->due_ms, keys->due_max) < 0))
		return -1;
	LOAD_EACH(loader, &keys->claims, load_claim)
	LOAD_EACH(loader, &keys->parents, load_children)
	LOAD_EACH(loader, &keys->defs, load_definition)
	LOAD_EACH(loader, &keys->idems, load_idem)
	LOAD_EACH(loader, &keys->uniques, load_unique)
	LOAD_EACH(loader, &keys->new_runs, load_taken)
	return 0;
}

int
sqlite_load(struct store *store, const struct turn_keys *keys, struct uow *uow, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	struct loader loader = { .db = &sqlite->db,
		.uow = uow,
		.err = err,
		.began = uow->arena->used,
		.bytes_max = keys->bytes_max,
		.n_claims = keys->claims.n };
	if (sqlite_usable(sqlite, err) < 0)
		return -1;

	uow->next_job_seq = sqlite->next_job_seq;
	uow->next_run_seq = sqlite->next_run_seq;
	uow->next_def_seq = sqlite->next_def_seq;
	uow->next_event_seq = sqlite->next_event_seq;
	if (sql_run(&sqlite->db, SQL_BEGIN_READ, err) != 0)
		return -1;
	int rc = load_all(&loader, keys);
	/* Ends a transaction that wrote nothing: an error here has nothing to lose. */
	struct err ignored;
	(void)!sql_run(&sqlite->db, SQL_COMMIT, &ignored);
	return rc;
}

static int
load_test(struct loader *loader, const struct test_key *key, struct arena *arena,
	struct job_test *ret)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_JOB_TEST, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key->job_seq);
	sql_bind_i64(stmt, 2, key->index);
	*ret = (struct job_test) { .job_seq = key->job_seq, .index = key->index };
	int rc = sql_step(loader->db, stmt, loader->err);
	return rc <= 0 ? rc : row_fetch(stmt, &job_test_table, arena, ret, loader->err);
}

static int
load_result(struct loader *loader, int64_t run_seq, struct arena *arena, struct str *ret)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_RUN_RESULT, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, run_seq);
	int rc = sql_step(loader->db, stmt, loader->err);
	if (rc <= 0)
		return rc;

	int n = sqlite3_column_bytes(stmt, 0);
	char *copy = arena_xalloc(arena, (size_t)n + 1);
	memcpy(copy, sqlite3_column_text(stmt, 0), (size_t)n);
	*ret = str_from(copy, (size_t)n);
	return 0;
}

static int
load_options(struct loader *loader, const struct test_key *key, struct arena *arena,
	struct job_options *ret)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(loader->db, SQL_JOB_OPTIONS, loader->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key->job_seq);
	*ret = (struct job_options) { .job_seq = key->job_seq };
	int rc = sql_step(loader->db, stmt, loader->err);
	return rc <= 0 ? rc : row_fetch(stmt, &job_options_table, arena, ret, loader->err);
}

int
sqlite_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	struct loader loader = { .db = &sqlite->db, .err = err };
	if (sqlite_usable(sqlite, err) < 0 || sql_run(&sqlite->db, SQL_BEGIN_READ, err) != 0)
		return -1;

	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = load_test(&loader, &keys[i], arena, &ret_tests[i]);
		if (rc == 0)
			rc = load_options(&loader, &keys[i], arena, &ret_options[i]);
		for (int k = 0; k < RESULTS_PER_LEASE && rc == 0; k++) {
			if (keys[i].results[k] > 0)
				rc = load_result(&loader, keys[i].results[k], arena,
					&ret_tests[i].results[k]);
		}
	}
	struct err ignored;
	(void)!sql_run(&sqlite->db, SQL_COMMIT, &ignored);
	return rc;
}

int
sqlite_count_ahead(struct store *store, int64_t lane, int64_t rank, int64_t seq, int64_t max,
	int64_t *ret, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = NULL;
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	stmt = sql_get(&sqlite->db, SQL_JOBS_AHEAD, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, lane);
	sql_bind_i64(stmt, 2, rank);
	sql_bind_i64(stmt, 3, seq);
	sql_bind_i64(stmt, 4, max);
	int rc = sql_step(&sqlite->db, stmt, err);
	*ret = rc > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	return rc < 0 ? -1 : 0;
}

int
sqlite_count_due(struct store *store, int64_t queue, int64_t max, int64_t *ret, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = NULL;
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	stmt = sql_get(&sqlite->db, SQL_JOBS_DUE_OF_QUEUE, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, queue);
	sql_bind_i64(stmt, 2, max);
	int rc = sql_step(&sqlite->db, stmt, err);
	*ret = rc > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	return rc < 0 ? -1 : 0;
}

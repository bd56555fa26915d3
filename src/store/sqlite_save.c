/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving a turn: one write transaction, one commit.
 *
 * A row that exists is updated where its version is still the one that was loaded; when it is
 * not, the whole turn is rolled back and reported as STORE_CONFLICT. Any other failure leaves
 * the fate of the turn open, so the store refuses everything after it.
 */
#include "store/sqlite.h"

#include "base/fault.h"
#include "base/limits.h"

struct saver {
	struct sqlite_store *sqlite;
	struct sqlite_db *db;
	struct uow *uow;
	struct err *err;
	bool has_deleted;  /* some job of the turn is deleted */
	int64_t rows_left; /* of deleted jobs that the turn may still take */
	UOW_ARRAY(struct count_delta {
		int64_t project;
		enum job_state state;
		int64_t n;
	})
	counts;
};

/* Runs a statement whose only parameter is a number. */
static int
run_i64(struct saver *saver, enum sql_id id, int64_t value)
{
	sqlite3_stmt *stmt = sql_get(saver->db, id, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, value);
	return sql_exec(saver->db, stmt, saver->err);
}

/* Writes all columns of a row. */
static int
put_row(struct saver *saver, enum sql_id id, const struct table *table, const void *row)
{
	sqlite3_stmt *stmt = sql_get(saver->db, id, saver->err);
	if (!stmt)
		return -1;
	row_bind(stmt, 1, table, row, false);
	return sql_exec(saver->db, stmt, saver->err);
}

/* The key and the version that was loaded are the last parameters, from `at` on. */
static int
exec_update(struct saver *saver, sqlite3_stmt *stmt, int at, int64_t seq, int64_t version)
{
	sql_bind_i64(stmt, at, seq);
	sql_bind_i64(stmt, at + 1, version);
	int rc = sql_exec(saver->db, stmt, saver->err);
	if (rc == 0 && sqlite3_changes(saver->db->handle) == 0)
		return STORE_CONFLICT;
	return rc;
}

/* Writes the live columns where the row still has the version that was loaded. */
static int
update_row(struct saver *saver, enum sql_id id, const struct table *table, const void *row,
	int64_t seq, int64_t version)
{
	sqlite3_stmt *stmt = sql_get(saver->db, id, saver->err);
	if (!stmt)
		return -1;
	return exec_update(saver, stmt, row_bind(stmt, 1, table, row, true), seq, version);
}

/* ---- counts of jobs by state ---- */

static void
count_job(struct saver *saver, int64_t project, enum job_state state, int64_t n)
{
	for (size_t i = 0; i < saver->counts.n; i++) {
		struct count_delta *delta = &saver->counts.item[i];
		if (delta->project == project && delta->state == state) {
			delta->n += n;
			return;
		}
	}
	struct count_delta delta = { project, state, n };
	UOW_PUSH(saver->uow, &saver->counts, delta);
}

static int
save_counts(struct saver *saver)
{
	for (size_t i = 0; i < saver->counts.n; i++) {
		const struct count_delta *delta = &saver->counts.item[i];
		if (delta->n == 0)
			continue;
		sqlite3_stmt *stmt = sql_get(saver->db, SQL_JOB_COUNT_ADD, saver->err);
		if (!stmt)
			return -1;
		sql_bind_i64(stmt, 1, delta->project);
		sql_bind_text(stmt, 2, job_state_name(delta->state));
		sql_bind_i64(stmt, 3, delta->n);
		int rc = sql_exec(saver->db, stmt, saver->err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- jobs ---- */

/* What a job has beside its row and its files; each statement is told how many rows it may
 * take. */
static const enum sql_id job_parts[] = {
	SQL_JOB_DELETE_RESULTS,
	SQL_JOB_DELETE_RUNS,
	SQL_JOB_DELETE_EVENTS,
	SQL_JOB_DELETE_TESTS,
	SQL_JOB_DELETE_INCARNATIONS,
	SQL_JOB_DELETE_OPTIONS,
};

/* Rows of artifacts; the blobs that they named are noted. Returns how many, or -1. */
static int64_t
delete_files(
	struct sqlite_db *db, int64_t job_seq, int64_t max, struct uow *uow, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_JOB_DELETE_ARTIFACTS, err);
	int64_t n = 0;
	int rc;
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, job_seq);
	sql_bind_i64(stmt, 2, max);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		const char *blob = (const char *)sqlite3_column_text(stmt, 0);
		if (blob)
			UOW_PUSH(uow, &uow->loose, arena_strdup(uow->arena, blob));
		n++;
	}
	return rc < 0 ? -1 : n;
}

/* Deletes rows of a deleted job while *left lasts. Its events go up to number `event`. */
static int
delete_parts(struct sqlite_db *db, int64_t job_seq, int64_t event, int64_t *left,
	struct uow *uow, struct err *err)
{
	int64_t n_files = *left > 0 ? delete_files(db, job_seq, *left, uow, err) : 0;
	if (n_files < 0)
		return -1;
	*left -= n_files;
	for (size_t i = 0; i < ARRAY_LEN(job_parts) && *left > 0; i++) {
		sqlite3_stmt *stmt = sql_get(db, job_parts[i], err);
		if (!stmt)
			return -1;
		sql_bind_i64(stmt, 1, job_seq);
		sql_bind_i64(stmt, 2, *left);
		if (job_parts[i] == SQL_JOB_DELETE_EVENTS)
			sql_bind_i64(stmt, 3, event);
		int rc = sql_exec(db, stmt, err);
		if (rc != 0)
			return rc;
		/* Results go with their runs, which are counted. */
		if (job_parts[i] != SQL_JOB_DELETE_RESULTS)
			*left -= sqlite3_changes(db->handle);
	}
	return 0;
}

/* What is left of it is found through deleted_job; no reader sees it. */
static int
leave_remains(struct saver *saver, const struct job *job, int64_t event)
{
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_DELETED_JOB_PUT, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, job->seq);
	sql_bind_i64(stmt, 2, event);
	saver->uow->has_remains = true;
	return sql_exec(saver->db, stmt, saver->err);
}

static int
delete_job(struct saver *saver, const struct job *job)
{
	int64_t event =
		saver->uow->events.n > 0 ? saver->uow->events.item[0].seq : INT64_MAX - 1;
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_JOB_DELETE, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, job->seq);
	sql_bind_i64(stmt, 2, job->version);
	int rc = sql_exec(saver->db, stmt, saver->err);
	if (rc == 0 && sqlite3_changes(saver->db->handle) == 0)
		return STORE_CONFLICT;
	/* Workers' runs are looked for without their jobs. */
	if (rc == 0)
		rc = run_i64(saver, SQL_JOB_DELETE_OPEN_RESULTS, job->seq);
	if (rc == 0)
		rc = run_i64(saver, SQL_JOB_DELETE_OPEN_RUNS, job->seq);
	if (rc == 0)
		rc = delete_parts(
			saver->db, job->seq, event, &saver->rows_left, saver->uow, saver->err);
	return rc == 0 && saver->rows_left <= 0 ? leave_remains(saver, job, event) : rc;
}

/* Where fixed members have changed; the version is seen to by the update of the rest. */
static int
edit_job(struct saver *saver, const struct job *job)
{
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_JOB_EDIT, saver->err);
	if (!stmt)
		return -1;
	int at = row_bind_used(stmt, 1, &job_table, job, COLUMN_EDITED);
	sql_bind_i64(stmt, at, job->seq);
	return sql_exec(saver->db, stmt, saver->err);
}

/* Jobs that ended stand under their tags. */
static int
save_tags(struct saver *saver, const struct job *job)
{
	bool was = job->is_stored && job_state_is_final(job->stored_state);
	bool is = job->change != ROW_DELETED && job_state_is_final(job->state);
	if (was == is || job->change == ROW_CLEAN || !job->tags)
		return 0;
	sqlite3_stmt *stmt =
		sql_get(saver->db, is ? SQL_JOB_TAGS_ADD : SQL_JOB_TAGS_DROP, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, job->project);
	sql_bind_i64(stmt, 2, job->seq);
	sql_bind_text(stmt, 3, job->tags);
	return sql_exec(saver->db, stmt, saver->err);
}

/* Writes SQL_ROWS new jobs. */
static int
insert_jobs(struct saver *saver, struct job *const *jobs)
{
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_JOBS_INSERT, saver->err);
	int at = 1;
	if (!stmt)
		return -1;
	for (size_t i = 0; i < SQL_ROWS; i++) {
		count_job(saver, jobs[i]->project, jobs[i]->state, 1);
		at = row_bind(stmt, at, &job_table, jobs[i], false);
	}
	return sql_exec(saver->db, stmt, saver->err);
}

static int
update_job(struct saver *saver, struct job *job)
{
	bool has_ended = job->completed_ms > 0 || job_state_is_final(job->stored_state);
	sqlite3_stmt *stmt = sql_get(
		saver->db, has_ended ? SQL_JOB_UPDATE : SQL_JOB_UPDATE_OPEN, saver->err);
	if (!stmt)
		return -1;
	int at = has_ended ? row_bind(stmt, 1, &job_table, job, true)
			   : row_bind_used(stmt, 1, &job_table, job, COLUMN_LIVE);
	return exec_update(saver, stmt, at, job->seq, job->version - 1);
}

static int
save_job(struct saver *saver, struct job *job)
{
	int rc;

	switch (job->change) {
	case ROW_CLEAN:
		return 0;
	case ROW_NEW:
		count_job(saver, job->project, job->state, 1);
		return put_row(saver, SQL_JOB_INSERT, &job_table, job);
	case ROW_CHANGED:
		if (job->state != job->stored_state) {
			count_job(saver, job->project, job->stored_state, -1);
			count_job(saver, job->project, job->state, 1);
		}
		job->version++;
		rc = update_job(saver, job);
		return rc == 0 && job->is_edited ? edit_job(saver, job) : rc;
	case ROW_DELETED:
		saver->has_deleted = true;
		if (!job->is_stored) /* made and deleted in the same turn */
			return 0;
		count_job(saver, job->project, job->stored_state, -1);
		return delete_job(saver, job);
	}
	return 0;
}

/* True when that many jobs are new, and none has ended already. */
static bool
are_new(struct job *const *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->change != ROW_NEW || job_state_is_final(jobs[i]->state))
			return false;
	}
	return true;
}

static int
save_jobs(struct saver *saver)
{
	struct job *const *jobs = saver->uow->jobs.item;
	int rc = 0;
	for (size_t i = 0, n = saver->uow->jobs.n; i < n && rc == 0;) {
		if (n - i >= SQL_ROWS && are_new(&jobs[i], SQL_ROWS)) {
			rc = insert_jobs(saver, &jobs[i]);
			i += SQL_ROWS;
			continue;
		}
		rc = save_job(saver, jobs[i]);
		if (rc == 0)
			rc = save_tags(saver, jobs[i]);
		i++;
	}
	return rc;
}

/* What belongs to a job that this turn deletes is not written. */
static bool
is_deleted(const struct saver *saver, int64_t job_seq)
{
	if (!saver->has_deleted)
		return false;
	const struct job *job = uow_job_by_seq(saver->uow, job_seq);
	return job && job->change == ROW_DELETED;
}

/* Rows of a table that are only ever added, each belonging to a job. */
#define SAVE_EACH(saver, array, id, table)                                   \
	for (size_t i = 0; i < (array)->n; i++) {                            \
		if (is_deleted((saver), (array)->item[i].job_seq))           \
			continue;                                            \
		int rc = put_row((saver), (id), (table), &(array)->item[i]); \
		if (rc != 0)                                                 \
			return rc;                                           \
	}

static int
save_parts(struct saver *saver)
{
	struct uow *uow = saver->uow;
	SAVE_EACH(saver, &uow->tests, SQL_JOB_TEST_INSERT, &job_test_table)
	SAVE_EACH(saver, &uow->options, SQL_JOB_OPTIONS_PUT, &job_options_table)
	SAVE_EACH(saver, &uow->incarnations, SQL_INCARNATION_PUT, &incarnation_table)
	SAVE_EACH(saver, &uow->artifacts, SQL_ARTIFACT_PUT, &artifact_table)
	return 0;
}

/* ---- runs ---- */

static int
save_run_result(struct saver *saver, const struct run *run)
{
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_RUN_RESULT_PUT, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, run->seq);
	sql_bind_text(stmt, 2, run->result);
	return sql_exec(saver->db, stmt, saver->err);
}

static int
save_run(struct saver *saver, struct run *run)
{
	int rc = 0;
	if (run->change == ROW_CLEAN || run->job->change == ROW_DELETED)
		return 0;
	if (run->change == ROW_NEW) {
		rc = put_row(saver, SQL_RUN_INSERT, &run_table, run);
	} else {
		run->version++;
		rc = update_row(
			saver, SQL_RUN_UPDATE, &run_table, run, run->seq, run->version - 1);
	}
	if (rc == 0 && run->result)
		rc = save_run_result(saver, run);
	return rc;
}

static int
save_runs(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->runs.n && rc == 0; i++)
		rc = save_run(saver, saver->uow->runs.item[i]);
	return rc;
}

/* ---- what stands around them ---- */

static int
save_line(struct saver *saver)
{
	struct uow *uow = saver->uow;
	int rc = 0;
	for (size_t i = 0; i < uow->changed_queues.n && rc == 0; i++)
		rc = put_row(saver, SQL_QUEUE_PUT, &queue_table, uow->changed_queues.item[i]);
	for (size_t i = 0; i < uow->new_lanes.n && rc == 0; i++)
		rc = put_row(saver, SQL_LANE_INSERT, &lane_table, uow->new_lanes.item[i]);
	return rc;
}

static int
save_buckets(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->buckets.n && rc == 0; i++) {
		const struct bucket *bucket = &saver->uow->buckets.item[i];
		sqlite3_stmt *stmt = sql_get(saver->db, SQL_BUCKET_PUT, saver->err);
		if (!stmt)
			return -1;
		sql_bind_text(stmt, 1, bucket->name);
		sql_bind_i64(stmt, 2, bucket->full_us);
		rc = sql_exec(saver->db, stmt, saver->err);
	}
	int64_t now_ms = saver->uow->now_ms;
	if (rc != 0 || saver->uow->buckets.n == 0 ||
		now_ms < saver->sqlite->buckets_swept_ms + MINUTES_MS(1))
		return rc;
	saver->sqlite->buckets_swept_ms = now_ms;
	return run_i64(saver, SQL_BUCKETS_OLD, now_ms * 1000);
}

static int
save_quarantine_entry(struct saver *saver, const struct quarantine_entry *entry)
{
	if (entry->change != ROW_DELETED)
		return put_row(saver, SQL_QUARANTINE_PUT, &quarantine_table, entry);

	sqlite3_stmt *stmt = sql_get(saver->db, SQL_QUARANTINE_DELETE, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, entry->seq);
	return sql_exec(saver->db, stmt, saver->err);
}

static int
save_quarantine(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->quarantine.n && rc == 0; i++)
		rc = save_quarantine_entry(saver, saver->uow->quarantine.item[i]);
	return rc;
}

static int
save_retention(struct saver *saver)
{
	const struct uow *uow = saver->uow;
	int rc = 0;
	for (size_t i = 0; i < uow->retention.n && rc == 0; i++) {
		const struct retention *policy = uow->retention.item[i];
		rc = policy->change == ROW_DELETED
			? run_i64(saver, SQL_RETENTION_DELETE, policy->seq)
			: put_row(saver, SQL_RETENTION_PUT, &retention_table, policy);
	}
	return rc;
}

static int
save_fileless(struct saver *saver)
{
	struct uow *uow = saver->uow;
	for (size_t i = 0; i < uow->fileless.n; i++) {
		if (delete_files(saver->db, uow->fileless.item[i], SWEEP_FILES_MAX, uow,
			    saver->err) < 0)
			return -1;
	}
	return 0;
}

/* The mark that hides the rows of a job, and has them cleared away after a crash. */
static int
save_stage(struct saver *saver, const struct staged *staged)
{
	if (staged->step == STAGE_MORE)
		return 0;
	if (staged->step == STAGE_SHOW)
		return run_i64(saver, SQL_DELETED_JOB_DONE, staged->job_seq);
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_DELETED_JOB_PUT, saver->err);
	if (!stmt)
		return -1;
	bool is_drop = staged->step == STAGE_DROP;
	sql_bind_i64(stmt, 1, staged->job_seq);
	sql_bind_i64(stmt, 2, is_drop ? INT64_MAX - 1 : INT64_MAX);
	saver->uow->has_remains = saver->uow->has_remains || is_drop;
	saver->has_deleted = true; /* the key is used up, though no row has it yet */
	return sql_exec(saver->db, stmt, saver->err);
}

static int
save_stages(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->staged.n && rc == 0; i++)
		rc = save_stage(saver, &saver->uow->staged.item[i]);
	return rc;
}

static int
delete_schedule(struct saver *saver, const struct schedule *schedule)
{
	int rc = run_i64(saver, SQL_FIRINGS_DELETE, schedule->seq);

	return rc != 0 ? rc : run_i64(saver, SQL_SCHEDULE_DELETE, schedule->seq);
}

static int
save_schedules(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->schedules.n && rc == 0; i++) {
		const struct schedule *schedule = saver->uow->schedules.item[i];
		if (schedule->change == ROW_DELETED)
			rc = delete_schedule(saver, schedule);
		else if (schedule->change == ROW_NEW)
			rc = put_row(saver, SQL_SCHEDULE_INSERT, &schedule_table, schedule);
		else
			rc = update_row(saver, SQL_SCHEDULE_UPDATE, &schedule_table, schedule,
				schedule->seq, schedule->version - 1);
	}
	return rc;
}

/* A row that is there already is another server's: nothing of the turn is kept. */
static int
save_firings(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->firings.n && rc == 0; i++) {
		const struct firing *firing = &saver->uow->firings.item[i];
		rc = put_row(saver, SQL_FIRING_INSERT, &firing_table, firing);
		sqlite3_stmt *stmt =
			rc == 0 ? sql_get(saver->db, SQL_FIRINGS_PRUNE, saver->err) : NULL;
		if (!stmt)
			return rc != 0 ? rc : -1;
		sql_bind_i64(stmt, 1, firing->schedule);
		sql_bind_i64(stmt, 2, FIRINGS_KEPT_MAX);
		rc = sql_exec(saver->db, stmt, saver->err);
	}
	return rc;
}

static int
save_projects(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->projects.n && rc == 0; i++)
		rc = put_row(
			saver, SQL_PROJECT_PUT, &project_table, saver->uow->projects.item[i]);
	return rc;
}

static int
save_worker(struct saver *saver, const struct worker_row *worker)
{
	if (worker->change == ROW_CLEAN)
		return 0;
	if (worker->change != ROW_DELETED)
		return put_row(saver, SQL_WORKER_PUT, &worker_table, worker);

	sqlite3_stmt *stmt = sql_get(saver->db, SQL_WORKER_DELETE, saver->err);
	if (!stmt)
		return -1;
	sql_bind_uuid(stmt, 1, &worker->id.u);
	return sql_exec(saver->db, stmt, saver->err);
}

static int
save_workers(struct saver *saver)
{
	int rc = 0;
	for (size_t i = 0; i < saver->uow->workers.n && rc == 0; i++)
		rc = save_worker(saver, saver->uow->workers.item[i]);
	return rc;
}

/* Keeps the revision that is replaced. */
static int
update_definition(struct saver *saver, const struct definition *def)
{
	int64_t before = def->revision - 1;
	sqlite3_stmt *keep = sql_get(saver->db, SQL_DEFINITION_KEEP, saver->err);
	if (!keep)
		return -1;
	sql_bind_i64(keep, 1, def->seq);
	sql_bind_i64(keep, 2, before);
	int rc = sql_exec(saver->db, keep, saver->err);
	if (rc != 0)
		return rc;
	return update_row(
		saver, SQL_DEFINITION_UPDATE, &definition_table, def, def->seq, before);
}

static int
save_definition(struct saver *saver, const struct definition *def)
{
	switch (def->change) {
	case ROW_CLEAN:
		return 0;
	case ROW_NEW:
		return put_row(saver, SQL_DEFINITION_INSERT, &definition_table, def);
	case ROW_CHANGED:
		return update_definition(saver, def);
	case ROW_DELETED:
		break;
	}
	saver->has_deleted = true;
	int rc = run_i64(saver, SQL_DEFINITION_DELETE, def->seq);
	return rc != 0 ? rc : run_i64(saver, SQL_DEFINITION_DELETE_REVISIONS, def->seq);
}

static int
save_idem(struct saver *saver, const struct idem *idem)
{
	if (idem->change == ROW_CLEAN)
		return 0;
	bool is_gone = idem->change == ROW_DELETED;
	sqlite3_stmt *stmt =
		sql_get(saver->db, is_gone ? SQL_IDEM_DELETE : SQL_IDEM_PUT, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, idem->project);
	sql_bind_str(stmt, 2, idem->key);
	if (!is_gone) {
		sql_bind_bytes(stmt, 3, idem->hash, sizeof idem->hash);
		sql_bind_i64(stmt, 4, idem->created_ms);
		sql_bind_bytes(stmt, 5, idem->ids, idem->n_ids * sizeof *idem->ids);
	}
	return sql_exec(saver->db, stmt, saver->err);
}

static int
save_documents(struct saver *saver)
{
	struct uow *uow = saver->uow;
	int rc = 0;
	for (size_t i = 0; i < uow->defs.n && rc == 0; i++)
		rc = save_definition(saver, uow->defs.item[i]);
	for (size_t i = 0; i < uow->idems.n && rc == 0; i++)
		rc = save_idem(saver, uow->idems.item[i]);
	return rc;
}

/* ---- events ---- */

/* Of a deleted job only the word that it is gone is kept. */
static bool
is_kept(const struct saver *saver, const struct event *event)
{
	return event->type == EV_JOB_DELETED || !is_deleted(saver, event->job_seq);
}

/* How many events from here on share a row: same job, numbers without a gap. */
static size_t
batch_len(const struct saver *saver, const struct event *events, size_t n)
{
	size_t len = 1;
	while (len < n && events[len].job_seq == events[0].job_seq &&
		events[len].project == events[0].project && is_kept(saver, &events[len]))
		len++;
	return len;
}

static int
save_batch(struct saver *saver, const struct event *events, size_t n)
{
	struct buf *pack = &saver->sqlite->pack;
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_EVENT_BATCH_INSERT, saver->err);
	if (!stmt)
		return -1;
	buf_clear(pack);
	if (event_pack(events, n, pack) < 0)
		return err_set(saver->err, ERR_LIMIT, "too many events of one job in one turn");
	sql_bind_i64(stmt, 1, events[n - 1].seq);
	sql_bind_i64(stmt, 2, events[0].seq);
	sql_bind_i64(stmt, 3, events[0].project);
	if (events[0].job_seq != 0)
		sql_bind_i64(stmt, 4, events[0].job_seq);
	else
		sql_bound(sqlite3_bind_null(stmt, 4));
	sql_bind_bytes(stmt, 5, pack->data, pack->len);
	return sql_exec(saver->db, stmt, saver->err);
}

static int
save_events(struct saver *saver)
{
	const struct event *events = saver->uow->events.item;
	size_t n = saver->uow->events.n;
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0;) {
		if (!is_kept(saver, &events[i])) {
			i++;
			continue;
		}
		size_t len = batch_len(saver, &events[i], n - i);
		rc = save_batch(saver, &events[i], len);
		i += len;
	}
	return rc;
}

/* ---- the turn ---- */

static int
put_floor(struct saver *saver, const char *name, int64_t next)
{
	sqlite3_stmt *stmt = sql_get(saver->db, SQL_FLOOR_PUT, saver->err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, name);
	sql_bind_i64(stmt, 2, next);
	return sql_exec(saver->db, stmt, saver->err);
}

/* Rows that go must not give their numbers to others after a restart. */
static int
save_floors(struct saver *saver)
{
	if (!saver->has_deleted)
		return 0;
	int rc = put_floor(saver, "job", saver->uow->next_job_seq);
	if (rc == 0)
		rc = put_floor(saver, "run", saver->uow->next_run_seq);
	if (rc == 0)
		rc = put_floor(saver, "definition", saver->uow->next_def_seq);
	return rc != 0 ? rc : put_floor(saver, "event", saver->uow->next_event_seq);
}

static int
save_stats(struct saver *saver)
{
	int rc = sqlite_save_stats(saver->db, saver->uow, saver->err);
	for (size_t i = 0; i < saver->uow->stat_backlog.n && rc == 0; i++)
		rc = run_i64(saver, SQL_BACKLOG_DONE, saver->uow->stat_backlog.item[i]);
	return rc;
}

static int
save_all(struct saver *saver)
{
	static int (*const steps[])(struct saver *) = {
		save_line,
		save_buckets,
		save_quarantine,
		save_schedules,
		save_firings,
		save_projects,
		save_retention,
		save_fileless,
		save_stages,
		save_workers,
		save_jobs,
		save_parts,
		save_runs,
		save_documents,
		save_events,
		save_counts,
		save_stats,
		save_floors,
	};

	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(steps) && rc == 0; i++)
		rc = steps[i](saver);
	return rc;
}

static int
commit(struct saver *saver)
{
	if (fault_hit(FAULT_COMMIT))
		return err_set(saver->err, ERR_UNAVAILABLE, "injected fault: commit");
	return sql_run(saver->db, SQL_COMMIT, saver->err);
}

int
sqlite_save(struct store *store, struct uow *uow, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	struct saver saver = { .sqlite = sqlite,
		.db = &sqlite->db,
		.uow = uow,
		.err = err,
		.rows_left = DELETE_ROWS_MAX };
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	if (uow_is_empty(uow))
		return 0;

	int rc = sql_run(&sqlite->db, SQL_BEGIN_WRITE, err);
	if (rc == 0)
		rc = save_all(&saver);
	if (rc == 0)
		rc = commit(&saver);
	if (rc == 0) {
		sqlite->next_job_seq = uow->next_job_seq;
		sqlite->next_run_seq = uow->next_run_seq;
		sqlite->next_def_seq = uow->next_def_seq;
		sqlite->next_event_seq = uow->next_event_seq;
		return 0;
	}

	/* When even this fails, the store is broken and nothing is written any more. */
	struct err ignored;
	int undone = sql_run(&sqlite->db, SQL_ROLLBACK, &ignored);
	if (rc < 0 || undone != 0)
		sqlite->is_broken = true;
	if (rc > 0 && undone != 0)
		return err_set(err, ERR_UNAVAILABLE, "roll back: %s", ignored.text);
	return rc;
}

/* A statement outside a turn has committed by itself, or has left an open fate. */
static int
own_commit(struct sqlite_store *sqlite, int rc)
{
	if (rc < 0)
		sqlite->is_broken = true;
	return rc;
}

/* The first deleted job that has rows left: some of them, and its mark when that were all. */
static int
purge_one(struct sqlite_db *db, int64_t *left, struct uow *uow, struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db, SQL_DELETED_JOB_FIRST, err);
	if (!stmt)
		return -1;
	int rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc < 0 ? -1 : STORE_NONE;
	int64_t job = sqlite3_column_int64(stmt, 0), event = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	if (delete_parts(db, job, event, left, uow, err) < 0)
		return -1;
	if (*left <= 0)
		return 0;
	stmt = sql_get(db, SQL_DELETED_JOB_DONE, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, job);
	return sql_exec(db, stmt, err);
}

int
sqlite_purge_deleted(struct store *store, size_t max, struct uow *uow, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	int64_t left = (int64_t)max;
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	int rc = sql_run(&sqlite->db, SQL_BEGIN_WRITE, err);
	while (rc == 0 && left > 0)
		rc = purge_one(&sqlite->db, &left, uow, err);
	if (rc < 0 || sql_run(&sqlite->db, SQL_COMMIT, err) != 0) {
		sqlite->is_broken = true;
		return -1;
	}
	return rc == STORE_NONE ? 0 : STORE_MORE;
}

/* What a deleted project has beside its jobs and definitions; each statement is told how many
 * rows it may take. Queues and lanes stay: their numbers have no gaps. */
static const enum sql_id project_parts[] = {
	SQL_PROJECT_DELETE_STATS,
	SQL_PROJECT_DELETE_TESTS,
	SQL_PROJECT_DELETE_ERRORS,
	SQL_PROJECT_DELETE_IDEMS,
	SQL_PROJECT_DELETE_EVENTS,
	SQL_PROJECT_DELETE_WORKERS,
	SQL_PROJECT_DELETE_COUNTS,
};

static int
delete_project_part(struct saver *saver, enum sql_id id, int64_t project, int64_t *left)
{
	sqlite3_stmt *stmt = sql_get(saver->db, id, saver->err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, project);
	sql_bind_i64(stmt, 2, *left);
	if (sql_exec(saver->db, stmt, saver->err) != 0)
		return -1;
	int n = sqlite3_changes(saver->db->handle);
	*left -= n;
	/* The last event may be among them. */
	if (id == SQL_PROJECT_DELETE_EVENTS && n > 0)
		return put_floor(saver, "event", saver->sqlite->next_event_seq);
	return 0;
}

int
sqlite_purge_project(struct store *store, int64_t project, size_t max, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	struct saver saver = { .sqlite = sqlite, .db = &sqlite->db, .err = err };
	int64_t left = (int64_t)max;
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	int rc = sql_run(&sqlite->db, SQL_BEGIN_WRITE, err);
	for (size_t i = 0; i < ARRAY_LEN(project_parts) && rc == 0 && left > 0; i++)
		rc = delete_project_part(&saver, project_parts[i], project, &left);
	if (rc != 0 || sql_run(&sqlite->db, SQL_COMMIT, err) != 0) {
		sqlite->is_broken = true;
		return -1;
	}
	return left <= 0 ? STORE_MORE : 0;
}

/* A statement that deletes at most max rows from before a time. */
static int
purge_before(
	struct store *store, enum sql_id id, int64_t before_ms, size_t max, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	sqlite3_stmt *stmt = sql_get(&sqlite->db, id, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, before_ms);
	sql_bind_i64(stmt, 2, (int64_t)max);
	if (own_commit(sqlite, sql_exec(&sqlite->db, stmt, err)) < 0)
		return -1;
	return max > 0 && (size_t)sqlite3_changes(sqlite->db.handle) == max ? STORE_MORE : 0;
}

int
sqlite_purge_workers(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return purge_before(store, SQL_WORKERS_PURGE, before_ms, max, err);
}

int
sqlite_purge_idem(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return purge_before(store, SQL_IDEM_PURGE, before_ms, max, err);
}

int
sqlite_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return purge_before(store, SQL_STAT_PURGE_HOURS, before_ms, max, err);
}

int
sqlite_token_put(struct store *store, const struct token_row *token, struct err *err)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	if (sqlite_usable(sqlite, err) < 0)
		return -1;
	sqlite3_stmt *stmt = sql_get(&sqlite->db, SQL_TOKEN_PUT, err);
	if (!stmt)
		return -1;
	sql_bind_bytes(stmt, 1, token->hash, sizeof token->hash);
	sql_bind_i64(stmt, 2, token->project);
	sql_bind_text(stmt, 3, token->name);
	sql_bind_text(stmt, 4, token->role);
	sql_bind_i64(stmt, 5, token->created_ms);
	return own_commit(sqlite, sql_exec(&sqlite->db, stmt, err));
}

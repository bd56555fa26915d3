/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of statements. In a text that goes with a table of columns,
 *	$columns  stands for all its columns: a, b, c
 *	$values   for as many parameters:     ?1, ?2, ?3
 *	$rows     for SQL_ROWS times them:    (?1, ?2, ?3), (?4, ?5, ?6)
 *	$edited   for the columns that an edit changes: d = ?1, e = ?2
 *	$live     for its live columns:       b = ?1, c = ?2
 *	$open     for those of them that change before the row has ended
 *	$again    for the live columns of an upsert: b = excluded.b, c = excluded.c
 * A plain ? after them is the next parameter.
 */
#include "store/sqlite_sql.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "store/columns.h"

/* clang-format off */

static const struct {
	const char *text;
	const struct table *table;
} statements[SQL_COUNT] = {
	[SQL_BEGIN_READ] = {
		"BEGIN",
		NULL,
	},
	[SQL_BEGIN_WRITE] = {
		"BEGIN IMMEDIATE",
		NULL,
	},
	[SQL_COMMIT] = {
		"COMMIT",
		NULL,
	},
	[SQL_ROLLBACK] = {
		"ROLLBACK",
		NULL,
	},

	/* ---- start ---- */

	/* An event outlives its job when it says that the job was deleted. */
	[SQL_LAST_JOB] = {
		"SELECT max(coalesce((SELECT max(seq) FROM job), 0), coalesce((SELECT"
		" max(job) FROM event_batch WHERE job IS NOT NULL), 0))",
		NULL,
	},
	[SQL_LAST_RUN] = {
		"SELECT max(seq) FROM run",
		NULL,
	},
	[SQL_LAST_DEFINITION] = {
		"SELECT max(seq) FROM definition",
		NULL,
	},
	[SQL_LAST_EVENT] = {
		"SELECT max(last_seq) FROM event_batch",
		NULL,
	},
	[SQL_FLOOR] = {
		"SELECT next FROM key_floor WHERE name = ?",
		NULL,
	},
	[SQL_LAST_BATCH] = {
		"SELECT last_seq, first_seq, project, job, body, (SELECT updated_ms"
		" FROM job WHERE seq = event_batch.job) FROM event_batch"
		" ORDER BY last_seq DESC LIMIT 1",
		NULL,
	},
	[SQL_LANES] = {
		"SELECT $columns FROM lane ORDER BY id",
		&lane_table,
	},
	[SQL_LANE_IS_READY] = {
		"SELECT EXISTS (SELECT 1 FROM job WHERE lane = ?"
		" AND ready = 1)",
		NULL,
	},
	[SQL_QUEUES] = {
		"SELECT $columns FROM queue ORDER BY id",
		&queue_table,
	},
	[SQL_QUEUES_RUNNING] = {
		"SELECT job.queue, count(*) FROM run JOIN job"
		" ON job.seq = run.job WHERE run.state = 'leased'"
		" GROUP BY job.queue",
		NULL,
	},
	[SQL_PROJECTS] = {
		"SELECT $columns FROM project ORDER BY seq",
		&project_table,
	},
	[SQL_KEYS_RUNNING] = {
		"SELECT job.queue, job.keys, count(*) FROM run JOIN job"
		" ON job.seq = run.job WHERE run.state = 'leased' AND job.keys <> ''"
		" GROUP BY job.queue, job.keys",
		NULL,
	},
	/* From one value to the next in the index, whatever the number of jobs of each. */
	[SQL_HELD_KEYS] = {
		"WITH RECURSIVE held (name) AS (SELECT min(held_key) FROM job"
		" WHERE held_key IS NOT NULL UNION ALL SELECT (SELECT min(held_key)"
		" FROM job WHERE held_key IS NOT NULL AND held_key > held.name) FROM held"
		" WHERE held.name IS NOT NULL) SELECT name FROM held WHERE name IS NOT NULL",
		NULL,
	},
	[SQL_BUCKETS] = {
		"SELECT name, full_us FROM bucket",
		NULL,
	},
	[SQL_RETENTION] = {
		"SELECT $columns FROM retention ORDER BY project, place",
		&retention_table,
	},
	[SQL_HAS_REMAINS] = {
		"SELECT EXISTS (SELECT 1 FROM deleted_job)",
		NULL,
	},
	[SQL_STAGED_DROP] = {
		"UPDATE deleted_job SET event = 9223372036854775806"
		" WHERE event = 9223372036854775807",
		NULL,
	},
	[SQL_RUN_EXISTS] = { "SELECT 1 FROM run WHERE id = ?", NULL },
	[SQL_QUARANTINE] = {
		"SELECT $columns FROM quarantine ORDER BY seq",
		&quarantine_table,
	},
	[SQL_SCHEDULES] = {
		"SELECT $columns FROM schedule ORDER BY seq",
		&schedule_table,
	},
	[SQL_WORKERS_LIVE] = {
		"SELECT $columns FROM worker WHERE state IN ('online', 'draining')"
		" ORDER BY id",
		&worker_table,
	},
	/* The planner takes a partial index only for a condition that it finds word for word. */
	[SQL_FLOWS_OPEN] = {
		"SELECT id FROM job WHERE flow IS NOT NULL"
		" AND state NOT IN ('completed', 'failed', 'stopped', 'invalid')"
		" ORDER BY seq",
		NULL,
	},
	/* From one parent to the next in the index, whatever the number of children. */
	[SQL_FLOWS_GONE] = {
		"WITH RECURSIVE flow (id) AS (SELECT min(parent) FROM job"
		" WHERE parent IS NOT NULL UNION ALL SELECT (SELECT min(parent)"
		" FROM job WHERE parent IS NOT NULL AND parent > flow.id) FROM flow"
		" WHERE flow.id IS NOT NULL) SELECT id FROM flow WHERE id IS NOT NULL"
		" AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = flow.id)",
		NULL,
	},
	[SQL_NEXT_DUE_JOB] = {
		"SELECT min(due_ms) FROM job WHERE due_ms > 0",
		NULL,
	},
	[SQL_NEXT_DUE_WORKER] = {
		"SELECT lease_until_ms FROM worker WHERE lease_until_ms > 0"
		" AND EXISTS (SELECT 1 FROM run WHERE run.worker = worker.id"
		" AND run.state = 'leased') ORDER BY lease_until_ms LIMIT 1",
		NULL,
	},

	/* ---- load ---- */

	[SQL_JOB_BY_ID] = {
		"SELECT $columns FROM job WHERE id = ?",
		&job_table,
	},
	[SQL_JOB_BY_SEQ] = {
		"SELECT $columns FROM job WHERE seq = ?",
		&job_table,
	},
	/* The last column says whether the job is grouped. */
	[SQL_JOB_BRIEF] = {
		"SELECT $columns, layout IS NOT NULL FROM job WHERE seq = ?",
		&job_brief_table,
	},
	[SQL_JOBS_DUE] = {
		"SELECT $columns FROM job WHERE due_ms > 0"
		" AND due_ms <= ? ORDER BY due_ms, seq LIMIT ?",
		&job_table,
	},
	[SQL_JOBS_READY] = {
		"SELECT $columns FROM job WHERE lane = ? AND ready = 1"
		" ORDER BY rank DESC, seq LIMIT ?",
		&job_table,
	},
	[SQL_JOBS_OF_PARENT] = {
		"SELECT $columns FROM job WHERE parent = ?"
		" ORDER BY seq LIMIT ?",
		&job_table,
	},
	[SQL_JOBS_HELD] = {
		"SELECT $columns FROM job WHERE held_key = ?"
		" ORDER BY rank DESC, seq LIMIT ?",
		&job_table,
	},
	[SQL_JOB_UNIQUE] = {
		"SELECT $columns FROM job WHERE project = ? AND unique_key = ?"
		" AND unique_until_ms >= 0",
		&job_table,
	},
	[SQL_JOBS_AHEAD] = {
		"SELECT count(*) FROM (SELECT 1 FROM job"
		" WHERE lane = ?1 AND ready = 1 AND rank >= ?2"
		" AND (rank > ?2 OR seq < ?3) LIMIT ?4)",
		NULL,
	},
	[SQL_JOBS_DUE_OF_QUEUE] = {
		"SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_due"
		" WHERE due_ms > 0 AND queue = ?1 AND flow IS NULL"
		" AND state IN ('queued', 'starting', 'running') LIMIT ?2)",
		NULL,
	},
	[SQL_RUN_BY_ID] = {
		"SELECT $columns FROM run WHERE id = ?"
		" AND job NOT IN (SELECT job FROM deleted_job)",
		&run_table,
	},
	/* The planner takes a partial index only for a condition that it finds word for word. */
	[SQL_RUNS_OPEN] = {
		"SELECT $columns FROM run WHERE job = ? AND state <> 'finished'"
		" ORDER BY seq",
		&run_table,
	},
	[SQL_RUNS_WAITING] = {
		"SELECT $columns FROM run WHERE job = ? AND state <> 'finished'"
		" AND state = 'waiting' ORDER BY seq",
		&run_table,
	},
	[SQL_RUNS_OF_WORKER] = {
		"SELECT $columns FROM run WHERE worker = ?"
		" AND state = 'leased' ORDER BY seq",
		&run_table,
	},
	[SQL_WORKER_BY_ID] = {
		"SELECT $columns FROM worker WHERE id = ?",
		&worker_table,
	},
	[SQL_WORKERS_DUE] = {
		"SELECT $columns FROM worker WHERE lease_until_ms > 0"
		" AND lease_until_ms <= ? AND EXISTS (SELECT 1"
		" FROM run WHERE run.worker = worker.id AND run.state = 'leased')"
		" ORDER BY lease_until_ms, id LIMIT ?",
		&worker_table,
	},
	[SQL_DEFINITION_BY_ID] = {
		"SELECT $columns FROM definition WHERE id = ?"
		" AND project = ? AND kind = ?",
		&definition_table,
	},
	[SQL_DEFINITION_BY_NAME] = {
		"SELECT $columns FROM definition WHERE name = ?"
		" AND project = ? AND kind = ?",
		&definition_table,
	},
	[SQL_IDEM] = {
		"SELECT hash, created_ms, ids FROM idem WHERE project = ?"
		" AND key = ?",
		NULL,
	},
	[SQL_JOB_NEXT_NAME] = {
		"SELECT coalesce(name, '') FROM job INDEXED BY job_ended_name"
		" WHERE completed_ms > 0 AND project = ? AND coalesce(name, '') > ?"
		" ORDER BY coalesce(name, '') LIMIT 1",
		NULL,
	},
	[SQL_JOB_TEST_NAME] = {
		"SELECT name, kind FROM job_test WHERE job = ? AND idx = ?",
		NULL,
	},
	[SQL_KNOWN_TEST] = {
		"SELECT $columns FROM known_test WHERE key = ?",
		&known_test_table,
	},
	[SQL_BACKLOG] = {
		"SELECT job FROM stat_backlog ORDER BY job LIMIT ?",
		NULL,
	},
	[SQL_RUNS_DECIDED] = {
		"SELECT $columns FROM run WHERE job = ? AND incarnation = ?"
		" AND is_last = 1 AND state = 'finished' ORDER BY seq LIMIT 20000",
		&run_table,
	},
	[SQL_JOB_TEST] = {
		"SELECT $columns FROM job_test WHERE job = ?"
		" AND idx = ?",
		&job_test_table,
	},
	[SQL_JOB_OPTIONS] = {
		"SELECT $columns FROM job_options WHERE job = ?",
		&job_options_table,
	},

	/* ---- save ---- */

	[SQL_JOB_INSERT] = {
		"INSERT INTO job ($columns) VALUES ($values)",
		&job_table,
	},
	[SQL_JOBS_INSERT] = {
		"INSERT INTO job ($columns) VALUES $rows",
		&job_table,
	},
	[SQL_JOB_UPDATE] = {
		"UPDATE job SET $live WHERE seq = ? AND version = ?",
		&job_table,
	},
	/* It was open and stays so: indexes of jobs that ended are not even opened. */
	[SQL_JOB_UPDATE_OPEN] = {
		"UPDATE job SET $open WHERE seq = ? AND version = ?",
		&job_table,
	},
	[SQL_JOB_EDIT] = {
		"UPDATE job SET $edited WHERE seq = ?",
		&job_table,
	},
	[SQL_JOB_DELETE] = {
		"DELETE FROM job WHERE seq = ? AND version = ?",
		NULL,
	},
	/* ?1: the job, ?2: how many rows at most */
	[SQL_JOB_DELETE_TESTS] = {
		"DELETE FROM job_test WHERE (job, idx) IN (SELECT job, idx"
		" FROM job_test WHERE job = ?1 LIMIT ?2)",
		NULL,
	},
	[SQL_JOB_DELETE_OPTIONS] = {
		"DELETE FROM job_options WHERE job = ?1 AND ?2 > 0",
		NULL,
	},
	[SQL_JOB_DELETE_INCARNATIONS] = {
		"DELETE FROM incarnation WHERE (job, number) IN (SELECT job, number"
		" FROM incarnation WHERE job = ?1 LIMIT ?2)",
		NULL,
	},
	[SQL_JOB_DELETE_ARTIFACTS] = {
		"DELETE FROM artifact WHERE (run, name) IN (SELECT run, name"
		" FROM artifact WHERE job = ?1 LIMIT ?2) RETURNING blob",
		NULL,
	},
	/* Of those runs that the next statement takes. */
	[SQL_JOB_DELETE_RESULTS] = {
		"DELETE FROM run_result WHERE run IN (SELECT seq"
		" FROM run WHERE job = ?1 ORDER BY seq LIMIT ?2)",
		NULL,
	},
	[SQL_JOB_DELETE_RUNS] = {
		"DELETE FROM run WHERE seq IN (SELECT seq"
		" FROM run WHERE job = ?1 ORDER BY seq LIMIT ?2)",
		NULL,
	},
	/* ?3: only those before this number */
	[SQL_JOB_DELETE_EVENTS] = {
		"DELETE FROM event_batch WHERE last_seq IN (SELECT last_seq"
		" FROM event_batch WHERE job = ?1 AND last_seq < ?3 LIMIT ?2)",
		NULL,
	},
	[SQL_JOB_DELETE_OPEN_RESULTS] = {
		"DELETE FROM run_result WHERE run IN (SELECT seq"
		" FROM run WHERE job = ? AND state <> 'finished')",
		NULL,
	},
	[SQL_JOB_DELETE_OPEN_RUNS] = {
		"DELETE FROM run WHERE job = ? AND state <> 'finished'",
		NULL,
	},
	[SQL_DELETED_JOB_PUT] = {
		"INSERT INTO deleted_job (job, event) VALUES (?1, ?2)"
		" ON CONFLICT (job) DO UPDATE SET event = ?2",
		NULL,
	},
	[SQL_DELETED_JOB_FIRST] = {
		"SELECT job, event FROM deleted_job WHERE event < 9223372036854775807 LIMIT 1",
		NULL,
	},
	[SQL_DELETED_JOB_DONE] = {
		"DELETE FROM deleted_job WHERE job = ?",
		NULL,
	},
	[SQL_PROJECT_DELETE_STATS] = {
		"DELETE FROM stat WHERE (project, subject, scale, at_ms, name, kind, queue,"
		" template, schedule, tag, team, state, reason) IN (SELECT project,"
		" subject, scale, at_ms, name, kind, queue, template, schedule, tag,"
		" team, state, reason FROM stat WHERE project = ?1 LIMIT ?2)",
		NULL,
	},
	/* The planner takes a partial index only for a condition that it finds word for word. */
	[SQL_PROJECT_DELETE_TESTS] = {
		"DELETE FROM known_test WHERE key IN (SELECT key FROM known_test"
		" WHERE project = ?1 AND project > 1 LIMIT ?2)",
		NULL,
	},
	[SQL_PROJECT_DELETE_ERRORS] = {
		"DELETE FROM error_class WHERE key IN (SELECT key FROM error_class"
		" WHERE project = ?1 AND project > 1 LIMIT ?2)",
		NULL,
	},
	[SQL_PROJECT_DELETE_IDEMS] = {
		"DELETE FROM idem WHERE (project, key) IN (SELECT project, key FROM idem"
		" WHERE project = ?1 LIMIT ?2)",
		NULL,
	},
	[SQL_PROJECT_DELETE_EVENTS] = {
		"DELETE FROM event_batch WHERE last_seq IN (SELECT last_seq FROM event_batch"
		" WHERE project = ?1 AND project > 1 LIMIT ?2)",
		NULL,
	},
	[SQL_PROJECT_DELETE_WORKERS] = {
		"DELETE FROM worker WHERE id IN (SELECT id FROM worker"
		" WHERE project = ?1 AND state IN ('gone', 'lost') AND NOT EXISTS"
		" (SELECT 1 FROM run WHERE run.worker = worker.id"
		" AND run.state = 'leased') LIMIT ?2)",
		NULL,
	},
	[SQL_PROJECT_DELETE_COUNTS] = {
		"DELETE FROM job_count WHERE (project, state) IN (SELECT project, state"
		" FROM job_count WHERE project = ?1 AND n = 0 LIMIT ?2)",
		NULL,
	},
	[SQL_RETENTION_PUT] = {
		"INSERT INTO retention ($columns) VALUES ($values)"
		" ON CONFLICT (seq) DO UPDATE SET $again",
		&retention_table,
	},
	[SQL_RETENTION_DELETE] = {
		"DELETE FROM retention WHERE seq = ?",
		NULL,
	},
	[SQL_WORKERS_PURGE] = {
		"DELETE FROM worker WHERE id IN (SELECT id FROM worker"
		" WHERE state IN ('gone', 'lost') AND seen_ms < ?1 AND NOT EXISTS"
		" (SELECT 1 FROM run WHERE run.worker = worker.id"
		" AND run.state = 'leased') LIMIT ?2)",
		NULL,
	},
	[SQL_JOB_COUNT_ADD] = {
		"INSERT INTO job_count (project, state, n)"
		" VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
		NULL,
	},
	[SQL_JOB_TEST_INSERT] = {
		"INSERT INTO job_test ($columns) VALUES ($values)",
		&job_test_table,
	},
	[SQL_JOB_OPTIONS_PUT] = {
		"INSERT OR REPLACE INTO job_options ($columns)"
		" VALUES ($values)",
		&job_options_table,
	},
	[SQL_INCARNATION_PUT] = {
		"INSERT OR REPLACE INTO incarnation ($columns)"
		" VALUES ($values)",
		&incarnation_table,
	},
	[SQL_RUN_INSERT] = {
		"INSERT INTO run ($columns) VALUES ($values)",
		&run_table,
	},
	[SQL_RUN_UPDATE] = {
		"UPDATE run SET $live WHERE seq = ? AND version = ?",
		&run_table,
	},
	[SQL_RUN_RESULT_PUT] = {
		"INSERT OR REPLACE INTO run_result (run, body)"
		" VALUES (?, ?)",
		NULL,
	},
	[SQL_ARTIFACT_PUT] = {
		"INSERT OR REPLACE INTO artifact ($columns)"
		" VALUES ($values)",
		&artifact_table,
	},
	[SQL_LANE_INSERT] = {
		"INSERT INTO lane ($columns) VALUES ($values)",
		&lane_table,
	},
	[SQL_QUEUE_PUT] = {
		"INSERT INTO queue ($columns) VALUES ($values)"
		" ON CONFLICT (id) DO UPDATE SET $again",
		&queue_table,
	},
	[SQL_PROJECT_PUT] = {
		"INSERT INTO project ($columns) VALUES ($values)"
		" ON CONFLICT (seq) DO UPDATE SET $again",
		&project_table,
	},
	[SQL_BUCKET_PUT] = {
		"INSERT OR REPLACE INTO bucket (name, full_us) VALUES (?, ?)",
		NULL,
	},
	[SQL_BUCKETS_OLD] = {
		"DELETE FROM bucket WHERE full_us < ?",
		NULL,
	},
	[SQL_QUARANTINE_PUT] = {
		"INSERT INTO quarantine ($columns) VALUES ($values)"
		" ON CONFLICT (seq) DO UPDATE SET $again",
		&quarantine_table,
	},
	[SQL_QUARANTINE_DELETE] = {
		"DELETE FROM quarantine WHERE seq = ?",
		NULL,
	},
	[SQL_SCHEDULE_INSERT] = {
		"INSERT INTO schedule ($columns) VALUES ($values)",
		&schedule_table,
	},
	[SQL_SCHEDULE_UPDATE] = {
		"UPDATE schedule SET $live WHERE seq = ? AND version = ?",
		&schedule_table,
	},
	[SQL_SCHEDULE_DELETE] = {
		"DELETE FROM schedule WHERE seq = ?",
		NULL,
	},
	[SQL_FIRING_INSERT] = {
		"INSERT INTO firing ($columns) VALUES ($values)",
		&firing_table,
	},
	[SQL_FIRINGS_PRUNE] = {
		"DELETE FROM firing WHERE schedule = ?1 AND at_ms <= (SELECT at_ms FROM firing"
		" WHERE schedule = ?1 ORDER BY at_ms DESC LIMIT 1 OFFSET ?2)",
		NULL,
	},
	[SQL_FIRINGS_DELETE] = {
		"DELETE FROM firing WHERE schedule = ?",
		NULL,
	},
	[SQL_JOB_TAGS_ADD] = {
		"INSERT OR IGNORE INTO job_tag (project, tag, job)"
		" SELECT ?1, value, ?2 FROM json_each(iif(json_valid(?3), ?3, '[]'))",
		NULL,
	},
	[SQL_JOB_TAGS_DROP] = {
		"DELETE FROM job_tag WHERE (project, tag, job) IN"
		" (SELECT ?1, value, ?2 FROM json_each(iif(json_valid(?3), ?3, '[]')))",
		NULL,
	},
	[SQL_STAT_ADD] = {
		"INSERT INTO stat ($columns) VALUES ($values) ON CONFLICT DO UPDATE SET"
		" n = n + excluded.n, passed = passed + excluded.passed,"
		" failed = failed + excluded.failed, errored = errored + excluded.errored,"
		" timed_out = timed_out + excluded.timed_out,"
		" cancelled = cancelled + excluded.cancelled,"
		" skipped = skipped + excluded.skipped, flaky = flaky + excluded.flaky,"
		" quarantined = quarantined + excluded.quarantined,"
		" transitions = transitions + excluded.transitions,"
		" attempts = attempts + excluded.attempts,"
		" queued_ms = queued_ms + excluded.queued_ms,"
		" run_ms = run_ms + excluded.run_ms, busy_ms = busy_ms + excluded.busy_ms,"
		" measured = measured + excluded.measured,"
		" cpu_ms = cpu_ms + excluded.cpu_ms,"
		" peak_kib = max(peak_kib, excluded.peak_kib),"
		" tokens = tokens + excluded.tokens,"
		" queued_hist = histogram_sum(queued_hist, excluded.queued_hist),"
		" run_hist = histogram_sum(run_hist, excluded.run_hist)",
		&stat_table,
	},
	[SQL_KNOWN_TEST_PUT] = {
		"INSERT INTO known_test ($columns) VALUES ($values)"
		" ON CONFLICT (key) DO UPDATE SET $again",
		&known_test_table,
	},
	[SQL_ERROR_CLASS_ADD] = {
		"INSERT INTO error_class ($columns) VALUES ($values)"
		" ON CONFLICT (key) DO UPDATE SET test = excluded.test,"
		" last_ms = excluded.last_ms, n = n + excluded.n, job = excluded.job,"
		" run = excluded.run",
		&error_class_table,
	},
	[SQL_BACKLOG_DONE] = {
		"DELETE FROM stat_backlog WHERE job = ?",
		NULL,
	},
	[SQL_WORKER_PUT] = {
		"INSERT INTO worker ($columns) VALUES ($values)"
		" ON CONFLICT (id) DO UPDATE SET $again",
		&worker_table,
	},
	[SQL_WORKER_DELETE] = {
		"DELETE FROM worker WHERE id = ?",
		NULL,
	},
	[SQL_DEFINITION_INSERT] = {
		"INSERT INTO definition ($columns) VALUES ($values)",
		&definition_table,
	},
	[SQL_DEFINITION_KEEP] = {
		"INSERT INTO definition_revision SELECT seq, revision, name, tags, body,"
		" updated_ms FROM definition WHERE seq = ?"
		" AND revision = ?",
		NULL,
	},
	[SQL_DEFINITION_UPDATE] = {
		"UPDATE definition SET $live WHERE seq = ?"
		" AND revision = ?",
		&definition_table,
	},
	[SQL_DEFINITION_DELETE] = {
		"DELETE FROM definition WHERE seq = ?",
		NULL,
	},
	[SQL_DEFINITION_DELETE_REVISIONS] = {
		"DELETE FROM definition_revision WHERE definition = ?",
		NULL,
	},
	[SQL_IDEM_PUT] = {
		"INSERT OR REPLACE INTO idem (project, key, hash, created_ms, ids)"
		" VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[SQL_IDEM_DELETE] = {
		"DELETE FROM idem WHERE project = ? AND key = ?",
		NULL,
	},
	[SQL_IDEM_PURGE] = {
		"DELETE FROM idem WHERE (project, key) IN (SELECT project, key"
		" FROM idem WHERE created_ms < ? ORDER BY created_ms LIMIT ?)",
		NULL,
	},
	/* Only jobs have hours; each project's oldest stand first in the key. */
	[SQL_STAT_PURGE_HOURS] = {
		"DELETE FROM stat WHERE (project, subject, scale, at_ms, name, kind, queue,"
		" template, schedule, tag, team, state, reason) IN (SELECT stat.project,"
		" subject, scale, at_ms, stat.name, kind, queue, template, schedule, tag,"
		" team, state, reason FROM project CROSS JOIN stat"
		" ON stat.project = project.seq AND subject = 0 AND scale = 1"
		" AND at_ms < ?1 LIMIT ?2)",
		NULL,
	},
	[SQL_EVENT_BATCH_INSERT] = {
		"INSERT INTO event_batch (last_seq, first_seq, project, job, body)"
		" VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[SQL_FLOOR_PUT] = {
		"INSERT OR REPLACE INTO key_floor (name, next)"
		" VALUES (?, ?)",
		NULL,
	},
	[SQL_TOKEN_PUT] = {
		"INSERT OR REPLACE INTO token (hash, project, name, role, created_ms)"
		" VALUES (?, ?, ?, ?, ?)",
		NULL,
	},

	/* ---- read ---- */

	[SQL_JOB_TESTS] = {
		"SELECT $columns FROM job_test WHERE job = ?"
		" ORDER BY idx",
		&job_test_table,
	},
	[SQL_INCARNATIONS] = {
		"SELECT $columns FROM incarnation WHERE job = ?"
		" ORDER BY number",
		&incarnation_table,
	},
	/* Words of wanted states and outcomes come as ",a,b,"; NULL: every one. */
	[SQL_RUNS] = {
		"SELECT $columns FROM run WHERE job = ?1 AND seq > ?2"
		" AND (?3 = 0 OR incarnation = ?3) AND (?4 IS NULL OR instr(?4, ',' ||"
		" state || ',') > 0) AND (?5 IS NULL OR instr(?5, ',' || outcome || ',') >"
		" 0) AND (?6 < 0 OR test = ?6) AND (?7 = 0 OR iteration = ?7)"
		" AND (?8 = 0 OR is_last = 1) ORDER BY seq LIMIT ?9",
		&run_table,
	},
	[SQL_RUN_RESULT] = {
		"SELECT body FROM run_result WHERE run = ?",
		NULL,
	},
	[SQL_ARTIFACTS_OF_JOB] = {
		"SELECT $columns FROM artifact WHERE job = ?"
		" ORDER BY run, name",
		&artifact_table,
	},
	[SQL_ARTIFACTS_OF_RUN] = {
		"SELECT $columns FROM artifact WHERE run = ?"
		" ORDER BY name",
		&artifact_table,
	},
	[SQL_ARTIFACT] = {
		"SELECT $columns FROM artifact WHERE run = ?"
		" AND name = ?",
		&artifact_table,
	},
	[SQL_RETENTION_OF] = {
		"SELECT $columns FROM retention WHERE ?1 IN (0, project)"
		" ORDER BY project, place",
		&retention_table,
	},
	[SQL_BLOB_IN_USE] = {
		"SELECT EXISTS (SELECT 1 FROM artifact WHERE blob = ?"
		" AND job NOT IN (SELECT job FROM deleted_job"
		" WHERE event < 9223372036854775807))",
		NULL,
	},
	[SQL_EVENTS_OF_JOB] = {
		"SELECT last_seq, first_seq, project, job, body"
		" FROM event_batch WHERE job = ?1 AND (?2 = 0 OR project = ?2)"
		" AND last_seq > ?3 ORDER BY last_seq",
		NULL,
	},
	[SQL_EVENTS] = {
		"SELECT last_seq, first_seq, project, job, body"
		" FROM event_batch AS batch WHERE (?2 = 0 OR project IN (0, ?2))"
		" AND last_seq > ?3 AND NOT EXISTS (SELECT 1 FROM deleted_job AS gone"
		" WHERE gone.job = batch.job AND batch.last_seq < gone.event)"
		" ORDER BY last_seq",
		NULL,
	},
	[SQL_DEFINITIONS] = {
		"SELECT $columns FROM definition WHERE project = ?1"
		" AND kind = ?2 AND name > ?3 AND (?4 IS NULL OR instr(lower(name),"
		" lower(?4)) > 0) AND (?5 IS NULL OR NOT EXISTS (SELECT 1"
		" FROM json_each(?5) AS wanted WHERE wanted.value NOT IN (SELECT value"
		" FROM json_each(tags)))) ORDER BY name LIMIT ?6",
		&definition_table,
	},
	[SQL_DEFINITION_REVISION] = {
		"SELECT name, tags, body, updated_ms FROM definition_revision"
		" WHERE definition = ? AND revision = ?",
		NULL,
	},
	/* The columns of definition_table; the present revision is one of them. */
	[SQL_DEFINITION_REVISIONS] = {
		"SELECT d.seq, d.id, d.project, d.kind, r.name, r.tags, r.body,"
		" r.revision, d.created_ms, r.updated_ms FROM definition_revision AS r"
		" JOIN definition AS d ON d.seq = r.definition"
		" WHERE r.definition = ?1 UNION ALL SELECT seq, id, project, kind, name,"
		" tags, body, revision, created_ms, updated_ms"
		" FROM definition WHERE seq = ?1 ORDER BY 8",
		NULL,
	},
	[SQL_QUEUES_OF] = {
		"SELECT $columns FROM queue WHERE ?1 = 0 OR project = ?1"
		" ORDER BY name",
		&queue_table,
	},
	[SQL_QUEUE_RUNNING] = {
		"SELECT count(*) FROM run JOIN job ON job.seq = run.job"
		" WHERE run.state = 'leased' AND job.queue = ?",
		NULL,
	},
	[SQL_LANES_OF_QUEUE] = {
		"SELECT id FROM lane WHERE queue = ?",
		NULL,
	},
	[SQL_LANE_FIGURES] = {
		"SELECT count(*), min(created_ms) FROM (SELECT created_ms FROM job"
		" WHERE lane = ? AND ready = 1 ORDER BY rank DESC LIMIT ?)",
		NULL,
	},
	[SQL_HELD_OF_QUEUE] = {
		"SELECT count(*) FROM (SELECT 1 FROM job WHERE held_key IS NOT NULL"
		" AND queue = ? LIMIT ?)",
		NULL,
	},
	[SQL_QUARANTINE_OF] = {
		"SELECT $columns FROM quarantine WHERE ?1 IN (0, project)"
		" ORDER BY seq",
		&quarantine_table,
	},
	[SQL_SCHEDULES_OF] = {
		"SELECT $columns FROM schedule WHERE ?1 IN (0, project)"
		" ORDER BY name, seq",
		&schedule_table,
	},
	[SQL_SCHEDULE_BY_SEQ] = {
		"SELECT $columns FROM schedule WHERE seq = ?",
		&schedule_table,
	},
	[SQL_FIRINGS_OF] = {
		"SELECT $columns FROM firing WHERE schedule = ? AND at_ms < ?"
		" ORDER BY at_ms DESC LIMIT ?",
		&firing_table,
	},
	[SQL_WORKERS] = {
		"SELECT $columns FROM worker WHERE (?1 = 0 OR project IN (0, ?1))"
		" AND (?2 OR state IN ('online', 'draining'))"
		" ORDER BY joined_ms, id",
		&worker_table,
	},
	[SQL_TOKENS] = {
		"SELECT hash, project, name, role, created_ms"
		" FROM token ORDER BY created_ms, hash",
		NULL,
	},
	[SQL_COUNTS_OF] = {
		"SELECT state, sum(n) FROM job_count WHERE ?1 IN (0, project) GROUP BY state",
		NULL,
	},
	[SQL_BACKLOG_COUNT] = { "SELECT count(*) FROM stat_backlog", NULL },
	[SQL_STATS] = {
		"SELECT $columns FROM stat WHERE project = ?1 AND subject = ?2 AND scale = ?3"
		" AND at_ms >= ?4 AND at_ms < ?5 AND ?6 IS NULL"
		" AND (?7 IS NULL OR kind = ?7) AND (?8 = 0 OR queue = ?8)"
		" AND (?9 IS NULL OR template = ?9) AND (?10 = 0 OR schedule = ?10)"
		" AND (CASE WHEN ?11 IS NULL THEN tag <> '' ELSE tag = ?11 END)"
		" AND (?12 IS NULL OR team = ?12)"
		" ORDER BY at_ms",
		&stat_table,
	},
	/* Of one hour or day: ?5 is not needed. */
	[SQL_STATS_NAMED] = {
		"SELECT $columns FROM stat WHERE project = ?1 AND subject = ?2 AND scale = ?3"
		" AND at_ms = ?4 AND ?5 = 0 AND name = ?6"
		" AND (?7 IS NULL OR kind = ?7) AND (?8 = 0 OR queue = ?8)"
		" AND (?9 IS NULL OR template = ?9) AND (?10 = 0 OR schedule = ?10)"
		" AND (CASE WHEN ?11 IS NULL THEN tag <> '' ELSE tag = ?11 END)"
		" AND (?12 IS NULL OR team = ?12)",
		&stat_table,
	},
	[SQL_RUNS_OF_TEST] = {
		"SELECT $columns FROM run WHERE test_key = ? AND test_key <> 0"
		" AND job NOT IN (SELECT job FROM deleted_job)"
		" AND seq < ? ORDER BY seq DESC LIMIT ?",
		&run_table,
	},
	[SQL_RUNS_OF_ERROR] = {
		"SELECT $columns FROM run WHERE error_class = ? AND error_class <> 0"
		" AND job NOT IN (SELECT job FROM deleted_job)"
		" AND seq < ? ORDER BY seq DESC LIMIT ?",
		&run_table,
	},
	[SQL_JOB_ID_NAME] = { "SELECT id, name FROM job WHERE seq = ?", NULL },
	[SQL_ERROR_CLASS] = {
		"SELECT $columns FROM error_class WHERE key = ?",
		&error_class_table,
	},
	[SQL_COUNTS] = {
		"SELECT state, sum(n) FROM job_count GROUP BY state",
		NULL,
	},
	[SQL_RUNS_COUNT_OPEN] = {
		"SELECT count(*) FROM run WHERE state <> 'finished'",
		NULL,
	},
	[SQL_RUNS_COUNT_LEASED] = {
		"SELECT count(*) FROM run WHERE state = 'leased'",
		NULL,
	},
	[SQL_PAGES] = {
		"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
		NULL,
	},
	[SQL_COUNTS_CHECK] = {
		"SELECT count(*) FROM (SELECT project, state, count(*) AS n"
		" FROM job GROUP BY project, state) AS job"
		" FULL JOIN (SELECT * FROM job_count WHERE n <> 0) AS kept USING (project,"
		" state) WHERE job.n IS NOT kept.n",
		NULL,
	},
	[SQL_INTEGRITY_CHECK] = { "PRAGMA integrity_check(1)", NULL },
};

/* clang-format on */

static int
add_columns(const struct table *table, struct buf *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (buf_addf(out, "%s%s", i > 0 ? ", " : "", table->columns[i].name) < 0)
			return -1;
	}
	return 0;
}

static int
add_values(const struct table *table, size_t first, struct buf *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (buf_addf(out, "%s?%zu", i > 0 ? ", " : "", first + i) < 0)
			return -1;
	}
	return 0;
}

static int
add_rows(const struct table *table, struct buf *out)
{
	for (size_t i = 0; i < SQL_ROWS; i++) {
		if (buf_adds(out, i > 0 ? ", (" : "(") < 0 ||
			add_values(table, i * table->n_columns + 1, out) < 0 ||
			buf_adds(out, ")") < 0)
			return -1;
	}
	return 0;
}

/* "a = ?1, …", or "a = excluded.a, …": of columns whose use is in a set of 1 << use */
static int
add_used(const struct table *table, unsigned uses, bool from_insert, struct buf *out)
{
	size_t n = 0;
	for (size_t i = 0; i < table->n_columns; i++) {
		const char *name = table->columns[i].name;
		if (!(uses & 1u << table->columns[i].use))
			continue;
		if (buf_addf(out, "%s%s = ", n > 0 ? ", " : "", name) < 0)
			return -1;
		n++;
		if (from_insert ? buf_addf(out, "excluded.%s", name) < 0
				: buf_addf(out, "?%zu", n) < 0)
			return -1;
	}
	return 0;
}

int
sql_text(enum sql_id id, struct buf *out)
{
	const struct table *table = statements[id].table;
	struct str rest = str_of(statements[id].text);
	while (rest.p) {
		if (buf_add_str(out, str_split_first(&rest, '$')) < 0)
			return -1;
		if (!rest.p)
			break;

		int rc;
		size_t word_len;
		if (str_starts(rest, STR("columns"))) {
			rc = add_columns(table, out);
			word_len = sizeof "columns" - 1;
		} else if (str_starts(rest, STR("values"))) {
			rc = add_values(table, 1, out);
			word_len = sizeof "values" - 1;
		} else if (str_starts(rest, STR("rows"))) {
			rc = add_rows(table, out);
			word_len = sizeof "rows" - 1;
		} else if (str_starts(rest, STR("edited"))) {
			rc = add_used(table, 1u << COLUMN_EDITED, false, out);
			word_len = sizeof "edited" - 1;
		} else if (str_starts(rest, STR("open"))) {
			rc = add_used(table, 1u << COLUMN_LIVE, false, out);
			word_len = sizeof "open" - 1;
		} else {
			bool from_insert = str_starts(rest, STR("again"));
			rc = add_used(table, 1u << COLUMN_LIVE | 1u << COLUMN_ENDED,
				from_insert, out);
			word_len = from_insert ? sizeof "again" - 1 : sizeof "live" - 1;
		}
		if (rc < 0)
			return -1;
		rest.p += word_len;
		rest.n -= word_len;
	}
	return 0;
}

-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE artifact (
	run INTEGER NOT NULL,                   -- run.seq
	name TEXT NOT NULL,                     -- may contain '/'
	job INTEGER NOT NULL,                   -- job.seq
	project INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	run_id BLOB NOT NULL,
	kind TEXT,
	content_type TEXT,
	case_id TEXT,
	blob TEXT NOT NULL,                     -- hex SHA-256
	size INTEGER NOT NULL,                  -- bytes
	created_ms INTEGER NOT NULL,
	PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE bucket (
	name    TEXT NOT NULL PRIMARY KEY,      -- "scope:key=value"
	full_us INTEGER NOT NULL                -- as in queue; of the past: nothing is known of it
) STRICT, WITHOUT ROWID;
CREATE TABLE definition (
	seq INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE,
	project INTEGER NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	tags TEXT,                              -- JSON array of strings
	body TEXT NOT NULL,                     -- JSON object
	revision INTEGER NOT NULL,              -- from 1
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	UNIQUE (project, kind, name)
) STRICT;
CREATE TABLE definition_revision (
	definition INTEGER NOT NULL,            -- definition.seq
	revision INTEGER NOT NULL,
	name TEXT NOT NULL,
	tags TEXT,
	body TEXT NOT NULL,
	updated_ms INTEGER NOT NULL,            -- when this revision was made
	PRIMARY KEY (definition, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE deleted_job (
	job   INTEGER PRIMARY KEY,             -- job.seq, never used again
	event INTEGER NOT NULL                 -- its events before this number go too; the greatest there
	                                       -- is: the job is coming in, and nothing goes
) STRICT;
CREATE TABLE error_class (
	key INTEGER PRIMARY KEY,                -- hash of project and text
	project INTEGER NOT NULL,
	text TEXT NOT NULL,                     -- with placeholders for what varies
	sample TEXT NOT NULL,                   -- the first that was seen
	test TEXT,                              -- the last test that had it
	first_ms INTEGER NOT NULL,
	last_ms INTEGER NOT NULL,
	n INTEGER NOT NULL,                     -- units ever
	job BLOB,                               -- job.id of the last
	run BLOB                                -- run.id of the last
) STRICT;
CREATE TABLE event_batch (
	last_seq INTEGER PRIMARY KEY,
	first_seq INTEGER NOT NULL,
	project INTEGER NOT NULL,
	job INTEGER,                            -- job.seq; NULL: about no job
	body BLOB NOT NULL
) STRICT;
CREATE TABLE firing (
	schedule   INTEGER NOT NULL,
	at_ms      INTEGER NOT NULL,           -- the occurrence
	project    INTEGER NOT NULL,
	job        BLOB NOT NULL,              -- job.id; the job may be gone
	cause      INTEGER NOT NULL,           -- 0 time, 1 missed, 2 manual
	fired_ms   INTEGER NOT NULL,
	PRIMARY KEY (schedule, at_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE idem (
	project INTEGER NOT NULL,
	key TEXT NOT NULL,
	hash BLOB NOT NULL,                     -- of the request
	created_ms INTEGER NOT NULL,
	ids BLOB NOT NULL,                      -- 16 bytes for each object
	PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE incarnation (
	job INTEGER NOT NULL,                   -- job.seq
	number INTEGER NOT NULL,
	state TEXT NOT NULL,
	reason TEXT,
	passed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	errored INTEGER NOT NULL,
	timed_out INTEGER NOT NULL,
	cancelled INTEGER NOT NULL,
	skipped INTEGER NOT NULL,
	flaky INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	completed_ms INTEGER NOT NULL, quarantined INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE job (
	seq INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE,
	project INTEGER NOT NULL,
	name TEXT,
	tags TEXT,                              -- JSON array of strings
	template BLOB,                          -- id of the definition that it was made from
	created_ms INTEGER NOT NULL,

	-- the plan, fixed at creation
	priority INTEGER NOT NULL,
	rank INTEGER NOT NULL,                  -- place in its lane, greater first
	queue INTEGER NOT NULL,                 -- queue.id
	labels TEXT,                            -- wanted of a worker: "key=value" lines, sorted
	kind TEXT,                              -- of every test; NULL when they differ
	kinds TEXT,                             -- comma-separated, one for each test, when they differ
	targets TEXT,                           -- comma-separated names
	n_tests INTEGER NOT NULL,
	n_targets INTEGER NOT NULL,
	iterations INTEGER NOT NULL,            -- 0: endless
	concurrency INTEGER NOT NULL,           -- runs at once
	failures_to_ignore INTEGER NOT NULL,
	stop_on_first_failure INTEGER NOT NULL, -- 0 or 1
	retry_max INTEGER NOT NULL,             -- further attempts at a unit
	retry_delay_ms INTEGER NOT NULL,
	retry_factor REAL NOT NULL,
	retry_delay_max_ms INTEGER NOT NULL,    -- 0: no maximum
	retry_jitter REAL NOT NULL,             -- 0 … 1
	retry_on INTEGER NOT NULL,              -- set of 1 << outcome
	timeout_ms INTEGER NOT NULL,            -- of the job, from its first lease
	run_timeout_ms INTEGER NOT NULL,        -- of each run
	run_at_ms INTEGER NOT NULL,             -- not before

	-- what happens to it
	state TEXT NOT NULL,
	reason TEXT,                            -- why it is in a final state
	incarnation INTEGER NOT NULL,           -- from 1, + 1 for every restart
	iteration INTEGER NOT NULL,             -- the next unit: iteration, test, target
	next_test INTEGER NOT NULL,
	next_target INTEGER NOT NULL,
	running INTEGER NOT NULL,               -- runs leased now
	waiting INTEGER NOT NULL,               -- runs that wait to be leased (again)
	passed INTEGER NOT NULL,                -- results of units
	failed INTEGER NOT NULL,
	errored INTEGER NOT NULL,
	timed_out INTEGER NOT NULL,
	cancelled INTEGER NOT NULL,
	skipped INTEGER NOT NULL,
	flaky INTEGER NOT NULL,                 -- counted in passed as well
	lane INTEGER NOT NULL,                  -- lane.id of its next run, 0 until known
	ready INTEGER NOT NULL,                 -- 1: a worker could take a run of it now
	due_ms INTEGER NOT NULL,                -- when the engine must look at it unasked
	deadline_ms INTEGER NOT NULL,           -- end of timeout_ms
	started_ms INTEGER NOT NULL,            -- first lease of this incarnation
	completed_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	queued_ms INTEGER NOT NULL,             -- duration from queueing to first lease
	version INTEGER NOT NULL                -- optimistic lock, + 1 with every save
, layout TEXT, cancel_on_first_failure INTEGER NOT NULL DEFAULT 0, quarantine_attempts INTEGER NOT NULL DEFAULT 0, quarantine_successes INTEGER NOT NULL DEFAULT 0, quarantined INTEGER NOT NULL DEFAULT 0, plan TEXT, parent BLOB, stage TEXT, stage_item INTEGER NOT NULL DEFAULT 0, stage_attempt INTEGER NOT NULL DEFAULT 0, flow TEXT, schedule INTEGER NOT NULL DEFAULT 0, expires_ms INTEGER NOT NULL DEFAULT 0, keys TEXT, needs TEXT, held_key TEXT, unique_key TEXT, unique_until_ms INTEGER NOT NULL DEFAULT 0, cpu_ms INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, peak_kib INTEGER NOT NULL DEFAULT 0, pinned INTEGER NOT NULL DEFAULT 0, pin_note TEXT, imported_ms INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE job_count (
	project INTEGER NOT NULL,
	state TEXT NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (project, state)
) STRICT, WITHOUT ROWID;
CREATE TABLE job_options (
	job INTEGER PRIMARY KEY,                -- job.seq
	body TEXT NOT NULL                      -- JSON object
) STRICT;
CREATE TABLE job_tag (
	project INTEGER NOT NULL,
	tag TEXT NOT NULL,
	job INTEGER NOT NULL,                   -- job.seq
	PRIMARY KEY (project, tag, job)
) STRICT, WITHOUT ROWID;
CREATE TABLE job_test (
	job INTEGER NOT NULL,                   -- job.seq
	idx INTEGER NOT NULL,                   -- from 0
	name TEXT,
	kind TEXT,
	body TEXT NOT NULL,                     -- JSON object
	timeout_ms INTEGER NOT NULL,            -- own limit of its runs; 0: the job's
	PRIMARY KEY (job, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE key_floor (
	name TEXT NOT NULL PRIMARY KEY,         -- job, run, definition, event
	next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE known_test (
	key INTEGER PRIMARY KEY,                -- hash of project and name
	project INTEGER NOT NULL,
	name TEXT NOT NULL,
	kind TEXT,
	outcome TEXT,                           -- the last that passed or failed
	first_ms INTEGER NOT NULL,
	last_ms INTEGER NOT NULL,
	n INTEGER NOT NULL,                     -- units ever
	streak INTEGER NOT NULL                 -- units in a row with this verdict
) STRICT;
CREATE TABLE "lane" (
	id INTEGER PRIMARY KEY,
	project INTEGER NOT NULL,
	queue INTEGER NOT NULL,                 -- queue.id
	kind TEXT NOT NULL,
	labels TEXT NOT NULL,                   -- "key=value" lines, sorted
	needs TEXT NOT NULL,                    -- as in job
	fair TEXT NOT NULL,                     -- value of the queue's fair_by
	UNIQUE (project, queue, kind, labels, needs, fair)
) STRICT;
CREATE TABLE project (
	seq        INTEGER PRIMARY KEY,        -- job.project and the like
	id         BLOB NOT NULL UNIQUE,       -- UUIDv7
	name       TEXT NOT NULL,
	body       TEXT NOT NULL,              -- JSON object: settings
	revision   INTEGER NOT NULL,           -- from 1
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	deleted_ms INTEGER NOT NULL            -- 0: it is there; else the row only keeps its seq
) STRICT;
CREATE TABLE quarantine (
	seq            INTEGER PRIMARY KEY,        -- in run.quarantine; never used again
	id             BLOB NOT NULL UNIQUE,       -- UUIDv7
	project        INTEGER NOT NULL,
	test           TEXT NOT NULL,              -- name of a test; each * stands for any text. One entry each, which the
	                                           -- engine sees to: two may trade theirs in one turn
	owner          TEXT NOT NULL,              -- who looks after it
	reason         TEXT NOT NULL,              -- why it is here
	clean_runs     INTEGER NOT NULL,           -- clean units in a row after which it leaves; 0: only by time
	clean_streak   INTEGER NOT NULL,           -- of them up to now
	failures       INTEGER NOT NULL,           -- units of it that failed and were not counted as such
	last_failed_ms INTEGER NOT NULL,           -- 0: never
	expires_ms     INTEGER NOT NULL,           -- when it leaves at the latest
	created_ms     INTEGER NOT NULL,
	updated_ms     INTEGER NOT NULL,
	revision       INTEGER NOT NULL            -- + 1 for every change by people
) STRICT;
CREATE TABLE queue (
	id INTEGER PRIMARY KEY,
	project INTEGER NOT NULL,
	name TEXT NOT NULL,
	priority INTEGER NOT NULL,
	concurrency INTEGER NOT NULL,           -- runs at once; 0: no limit
	paused INTEGER NOT NULL,                -- 0 or 1
	ageing_ms INTEGER NOT NULL,             -- waiting that weighs one step of priority
	revision INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL, draining INTEGER NOT NULL DEFAULT 0, rate_n INTEGER NOT NULL DEFAULT 0, rate_per_ms INTEGER NOT NULL DEFAULT 0, rate_burst INTEGER NOT NULL DEFAULT 0, full_us INTEGER NOT NULL DEFAULT 0, limits TEXT, fair_by TEXT, share INTEGER NOT NULL DEFAULT 0,
	UNIQUE (project, name)
) STRICT;
CREATE TABLE retention (
	seq        INTEGER PRIMARY KEY,
	id         BLOB NOT NULL UNIQUE,       -- UUIDv7
	project    INTEGER NOT NULL,
	name       TEXT NOT NULL,              -- unique in the project: the engine sees to it
	place      INTEGER NOT NULL,           -- from 1: the first that is about a job decides
	body       TEXT NOT NULL,              -- JSON object: as it was asked for
	is_paused  INTEGER NOT NULL,           -- 1: never sweeps
	last       TEXT,                       -- JSON object: figures of the last sweep
	last_ms    INTEGER NOT NULL,           -- when that began
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	revision   INTEGER NOT NULL            -- from 1
) STRICT;
CREATE TABLE run (
	seq INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE,
	job INTEGER NOT NULL,                   -- job.seq
	project INTEGER NOT NULL,
	incarnation INTEGER NOT NULL,
	iteration INTEGER NOT NULL,             -- from 1
	test INTEGER NOT NULL,                  -- job_test.idx
	target INTEGER NOT NULL,                -- place in job.targets
	attempt INTEGER NOT NULL,               -- from 1
	created_ms INTEGER NOT NULL,
	state TEXT NOT NULL,
	outcome TEXT,
	reason TEXT,
	error TEXT,                             -- JSON object
	is_last INTEGER NOT NULL,               -- 1: its outcome is the unit's
	fence INTEGER NOT NULL,                 -- + 1 with every lease
	worker BLOB,                            -- worker.id of the last lease
	losses INTEGER NOT NULL,                -- workers lost under it
	event_n INTEGER NOT NULL,               -- last event taken from its worker, for this fence
	due_ms INTEGER NOT NULL,                -- waiting: not before
	leased_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	finished_ms INTEGER NOT NULL,
	duration_ms INTEGER NOT NULL,           -- as the worker measured it
	version INTEGER NOT NULL                -- optimistic lock
, passes INTEGER NOT NULL DEFAULT 0, connection INTEGER NOT NULL DEFAULT 0, start_n INTEGER NOT NULL DEFAULT 0, quarantine INTEGER NOT NULL DEFAULT 0, cpu_ms INTEGER NOT NULL DEFAULT 0, peak_kib INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, test_key INTEGER NOT NULL DEFAULT 0, error_class INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE run_result (
	run INTEGER PRIMARY KEY,                -- run.seq
	body TEXT NOT NULL                      -- JSON object
) STRICT;
CREATE TABLE schedule (
	seq        INTEGER PRIMARY KEY,        -- job.schedule; never used again
	id         BLOB NOT NULL UNIQUE,       -- UUIDv7
	project    INTEGER NOT NULL,
	name       TEXT NOT NULL,              -- unique in the project: the engine sees to it, so that two may swap theirs
	spec       TEXT NOT NULL,              -- JSON object: as it was asked for
	state      TEXT NOT NULL,              -- JSON object: where it stands
	paused     INTEGER NOT NULL,           -- 1: nothing fires
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	revision   INTEGER NOT NULL,           -- from 1; changes by people
	version    INTEGER NOT NULL            -- from 1; every save
) STRICT;
CREATE TABLE stat (
	project INTEGER NOT NULL,
	subject INTEGER NOT NULL,               -- 0 jobs, 1 tests, 2 workers, 3 classes of errors
	scale INTEGER NOT NULL,                 -- 0 day, 1 hour
	at_ms INTEGER NOT NULL,                 -- beginning of it, UTC
	name TEXT NOT NULL,                     -- test, worker.id as text, error_class.key in hex; of jobs ''
	kind TEXT NOT NULL,                     -- '': mixed
	queue INTEGER NOT NULL,                 -- queue.id
	template TEXT NOT NULL,                 -- its id as text; '': none
	schedule INTEGER NOT NULL,              -- schedule.seq; 0: none
	tag TEXT NOT NULL,                      -- one tag of the job; '': whatever its tags
	team TEXT NOT NULL,                     -- key "team" of the job; '': none
	state TEXT NOT NULL,                    -- of jobs
	reason TEXT NOT NULL,                   -- of jobs
	n INTEGER NOT NULL,
	passed INTEGER NOT NULL,                -- results of units
	failed INTEGER NOT NULL,
	errored INTEGER NOT NULL,
	timed_out INTEGER NOT NULL,
	cancelled INTEGER NOT NULL,
	skipped INTEGER NOT NULL,
	flaky INTEGER NOT NULL,                 -- counted in passed as well
	quarantined INTEGER NOT NULL,
	transitions INTEGER NOT NULL,           -- units with another verdict than the one before
	attempts INTEGER NOT NULL,              -- runs, repetitions included
	queued_ms INTEGER NOT NULL,             -- sums
	run_ms INTEGER NOT NULL,
	busy_ms INTEGER NOT NULL,               -- over all attempts
	measured INTEGER NOT NULL,              -- attempts with the next two
	cpu_ms INTEGER NOT NULL,
	peak_kib INTEGER NOT NULL,              -- greatest
	tokens INTEGER NOT NULL,
	queued_hist TEXT NOT NULL,              -- "place:count …": src/core/histogram.h
	run_hist TEXT NOT NULL,
	PRIMARY KEY (project, subject, scale, at_ms, name, kind, queue, template, schedule, tag,
		team, state, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE stat_backlog (
	job INTEGER PRIMARY KEY                 -- job.seq
) STRICT;
CREATE TABLE token (
	hash BLOB NOT NULL PRIMARY KEY,         -- SHA-256
	project INTEGER NOT NULL,
	name TEXT,
	role TEXT,
	created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE worker (
	id BLOB NOT NULL PRIMARY KEY,
	project INTEGER NOT NULL,               -- 0: serves every project
	name TEXT,
	version TEXT,
	kinds TEXT,                             -- comma-separated
	labels TEXT,                            -- "key=value" lines, sorted
	capacity INTEGER NOT NULL,
	state TEXT NOT NULL,
	lease_until_ms INTEGER NOT NULL,        -- end of the lease of all its runs
	joined_ms INTEGER NOT NULL,
	seen_ms INTEGER NOT NULL
, resources TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_blob ON artifact (blob);
CREATE INDEX artifact_job ON artifact (job);
CREATE INDEX error_class_project ON error_class (project) WHERE project > 1;
CREATE INDEX event_batch_job ON event_batch (job) WHERE job IS NOT NULL;
CREATE INDEX event_batch_project ON event_batch (project) WHERE project > 1;
CREATE INDEX idem_created ON idem (created_ms);
CREATE INDEX job_due ON job (due_ms) WHERE due_ms > 0;
CREATE INDEX job_ended_completed ON job (project, completed_ms) WHERE completed_ms > 0;
CREATE INDEX job_ended_created ON job (project, created_ms) WHERE completed_ms > 0;
CREATE INDEX job_ended_kind ON job (project, coalesce(kind, '')) WHERE completed_ms > 0;
CREATE INDEX job_ended_name ON job (project, coalesce(name, '')) WHERE completed_ms > 0;
CREATE INDEX job_ended_priority ON job (project, priority) WHERE completed_ms > 0;
CREATE INDEX job_ended_queue ON job (project, queue) WHERE completed_ms > 0;
CREATE INDEX job_ended_run ON job (project, iif(started_ms = 0, 0, completed_ms - started_ms)) WHERE completed_ms > 0;
CREATE INDEX job_ended_template ON job (project, template) WHERE completed_ms > 0 AND template IS NOT NULL;
CREATE INDEX job_ended_updated ON job (project, updated_ms) WHERE completed_ms > 0;
CREATE INDEX job_flow ON job (project) WHERE flow IS NOT NULL;
CREATE INDEX job_flow_open ON job (seq) WHERE flow IS NOT NULL AND state NOT IN ('completed', 'failed', 'stopped', 'invalid');
CREATE INDEX job_held ON job (held_key, rank DESC) WHERE held_key IS NOT NULL;
CREATE INDEX job_notable ON job (project, state, reason) WHERE state NOT IN ('queued', 'completed');
CREATE INDEX job_open ON job (project, created_ms) WHERE completed_ms = 0;
CREATE INDEX job_parent ON job (parent) WHERE parent IS NOT NULL;
CREATE INDEX job_ready ON job (lane, rank DESC) WHERE ready = 1;
CREATE INDEX job_schedule ON job (schedule, seq) WHERE schedule <> 0;
CREATE UNIQUE INDEX job_unique ON job (project, unique_key) WHERE unique_key IS NOT NULL AND unique_until_ms >= 0;
CREATE INDEX known_test_project ON known_test (project) WHERE project > 1;
CREATE UNIQUE INDEX project_name ON project (name) WHERE deleted_ms = 0;
CREATE INDEX run_error ON run (error_class) WHERE error_class <> 0;
CREATE INDEX run_job ON run (job);
CREATE INDEX run_leased ON run (worker) WHERE state = 'leased';
CREATE INDEX run_open ON run (job) WHERE state <> 'finished';
CREATE INDEX run_test ON run (test_key) WHERE test_key <> 0;
CREATE INDEX worker_lease ON worker (lease_until_ms) WHERE lease_until_ms > 0;

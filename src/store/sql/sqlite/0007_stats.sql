-- SPDX-License-Identifier: Apache-2.0
-- Figures: what jobs and runs cost, and roll-ups of both.

ALTER TABLE job ADD COLUMN cpu_ms INTEGER NOT NULL DEFAULT 0;   -- processor time of its runs
ALTER TABLE job ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;   -- of language models
ALTER TABLE job ADD COLUMN peak_kib INTEGER NOT NULL DEFAULT 0; -- greatest memory of a run
ALTER TABLE run ADD COLUMN cpu_ms INTEGER NOT NULL DEFAULT 0;   -- processor time of its processes
ALTER TABLE run ADD COLUMN peak_kib INTEGER NOT NULL DEFAULT 0; -- their greatest memory
ALTER TABLE run ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;   -- of language models
ALTER TABLE run ADD COLUMN test_key INTEGER NOT NULL DEFAULT 0;    -- known_test.key, when it decided a unit
ALTER TABLE run ADD COLUMN error_class INTEGER NOT NULL DEFAULT 0; -- error_class.key of its error

-- The history of a test, and the runs of a class of errors, newest last.
CREATE INDEX run_test ON run (test_key) WHERE test_key <> 0;
CREATE INDEX run_error ON run (error_class) WHERE error_class <> 0;

-- Sums over what ended in an hour or day, by its attributes (src/core/stats.h). Added to in the
-- commit in which it ended.
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

-- Tests by name, whatever job they are in: the last verdict, which tells a transition.
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

-- What error texts have in common.
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

-- Jobs that ended before there were figures; taken into them little by little.
CREATE TABLE stat_backlog (
	job INTEGER PRIMARY KEY                 -- job.seq
) STRICT;
INSERT INTO stat_backlog (job) SELECT seq FROM job WHERE state IN ('completed', 'failed', 'stopped', 'invalid');

-- Lists of jobs that ended, in each order and by each filter that can be alone. A job gets its
-- entries when it ends, so that a submit pays for none of them but job_open, whose end grows.
CREATE INDEX job_open ON job (project, created_ms) WHERE completed_ms = 0;
CREATE INDEX job_ended_created ON job (project, created_ms) WHERE completed_ms > 0;
CREATE INDEX job_ended_completed ON job (project, completed_ms) WHERE completed_ms > 0;
CREATE INDEX job_ended_updated ON job (project, updated_ms) WHERE completed_ms > 0;
CREATE INDEX job_ended_priority ON job (project, priority) WHERE completed_ms > 0;
CREATE INDEX job_ended_name ON job (project, coalesce(name, '')) WHERE completed_ms > 0;
CREATE INDEX job_ended_run ON job (project, iif(started_ms = 0, 0, completed_ms - started_ms)) WHERE completed_ms > 0;
CREATE INDEX job_ended_queue ON job (project, queue) WHERE completed_ms > 0;
CREATE INDEX job_ended_kind ON job (project, coalesce(kind, '')) WHERE completed_ms > 0;
CREATE INDEX job_ended_template ON job (project, template) WHERE completed_ms > 0 AND template IS NOT NULL;
CREATE INDEX job_flow ON job (project) WHERE flow IS NOT NULL;
DROP INDEX job_notable;
CREATE INDEX job_notable ON job (project, state, reason) WHERE state NOT IN ('queued', 'completed');

-- Tags of jobs that ended.
CREATE TABLE job_tag (
	project INTEGER NOT NULL,
	tag TEXT NOT NULL,
	job INTEGER NOT NULL,                   -- job.seq
	PRIMARY KEY (project, tag, job)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO job_tag (project, tag, job) SELECT job.project, value, job.seq FROM job, json_each(job.tags) WHERE completed_ms > 0 AND tags IS NOT NULL;

-- SPDX-License-Identifier: Apache-2.0
-- Schedules: what is started when.

ALTER TABLE job ADD COLUMN schedule INTEGER NOT NULL DEFAULT 0; -- schedule.seq that fired it; 0: none

-- Read whole at the start and kept in memory.
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

-- Occurrences that have their job: there is at most one row, and so one job, of each.
CREATE TABLE firing (
	schedule   INTEGER NOT NULL,
	at_ms      INTEGER NOT NULL,           -- the occurrence
	project    INTEGER NOT NULL,
	job        BLOB NOT NULL,              -- job.id; the job may be gone
	cause      INTEGER NOT NULL,           -- 0 time, 1 missed, 2 manual
	fired_ms   INTEGER NOT NULL,
	PRIMARY KEY (schedule, at_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_schedule ON job (schedule, seq) WHERE schedule <> 0;

-- SPDX-License-Identifier: Apache-2.0
-- Retention: what is kept for how long.

ALTER TABLE job ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0; -- 1: retention spares it
ALTER TABLE job ADD COLUMN pin_note TEXT;       -- why
ALTER TABLE job ADD COLUMN imported_ms INTEGER NOT NULL DEFAULT 0; -- it came with an archive

-- Policies. Read whole at the start and kept in memory.
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

-- Jobs that are gone while some of their rows are not.
CREATE TABLE deleted_job (
	job   INTEGER PRIMARY KEY,             -- job.seq, never used again
	event INTEGER NOT NULL                 -- its events before this number go too; the greatest there
	                                       -- is: the job is coming in, and nothing goes
) STRICT;

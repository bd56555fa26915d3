-- SPDX-License-Identifier: Apache-2.0
-- Limits by key, rates, shares, weighted slots, unique and expiring jobs.

ALTER TABLE job ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;      -- ends when it has not started by then; 0: never
ALTER TABLE job ADD COLUMN keys TEXT;           -- "key=value" lines, sorted: what limits by key count it under
ALTER TABLE job ADD COLUMN needs TEXT;          -- "resource=thousandths" lines, sorted: of each run
ALTER TABLE job ADD COLUMN held_key TEXT;       -- "scope:key=value" whose limit keeps it out of its lane
ALTER TABLE job ADD COLUMN unique_key TEXT;     -- others of it are refused, replaced or put off
ALTER TABLE job ADD COLUMN unique_until_ms INTEGER NOT NULL DEFAULT 0; -- end of its hold of unique_key; 0: its end; -1: it
                                                                       -- holds it no more

-- Jobs that wait for a place of their key, best first.
CREATE INDEX job_held ON job (held_key, rank DESC) WHERE held_key IS NOT NULL;
-- One job holds a unique key.
CREATE UNIQUE INDEX job_unique ON job (project, unique_key) WHERE unique_key IS NOT NULL AND unique_until_ms >= 0;

ALTER TABLE queue ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;      -- 1: takes no new jobs
ALTER TABLE queue ADD COLUMN rate_n INTEGER NOT NULL DEFAULT 0;        -- runs that begin in rate_per_ms; 0: no limit
ALTER TABLE queue ADD COLUMN rate_per_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN rate_burst INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN full_us INTEGER NOT NULL DEFAULT 0;       -- when the rate has all its tokens again, in microseconds
ALTER TABLE queue ADD COLUMN limits TEXT;                              -- JSON array: limits by key
ALTER TABLE queue ADD COLUMN fair_by TEXT;                             -- key whose values share the queue
ALTER TABLE queue ADD COLUMN share INTEGER NOT NULL DEFAULT 0;         -- of "*": the project's part; 0: 1

-- What is left of rates by key.
CREATE TABLE bucket (
	name    TEXT NOT NULL PRIMARY KEY,      -- "scope:key=value"
	full_us INTEGER NOT NULL                -- as in queue; of the past: nothing is known of it
) STRICT, WITHOUT ROWID;

-- What a lane is now also says what its runs need and whose they are.
CREATE TABLE lane_of_needs (
	id INTEGER PRIMARY KEY,
	project INTEGER NOT NULL,
	queue INTEGER NOT NULL,                 -- queue.id
	kind TEXT NOT NULL,
	labels TEXT NOT NULL,                   -- "key=value" lines, sorted
	needs TEXT NOT NULL,                    -- as in job
	fair TEXT NOT NULL,                     -- value of the queue's fair_by
	UNIQUE (project, queue, kind, labels, needs, fair)
) STRICT;
INSERT INTO lane_of_needs SELECT id, project, queue, kind, labels, '', '' FROM lane;
DROP TABLE lane;
ALTER TABLE lane_of_needs RENAME TO lane;

ALTER TABLE worker ADD COLUMN resources TEXT;   -- "resource=thousandths" lines, sorted: what it offers

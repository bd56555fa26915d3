-- SPDX-License-Identifier: Apache-2.0
-- The quarantine list: tests whose failures do not count for a while.

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

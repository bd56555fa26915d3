-- SPDX-License-Identifier: Apache-2.0
-- Limits by key, weighted slots, unique and expiring jobs.

ALTER TABLE job ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;      -- ends when it has not started by then; 0: never
ALTER TABLE job ADD COLUMN keys TEXT;           -- "key=value" lines, sorted: what limits by key count it under
ALTER TABLE job ADD COLUMN needs TEXT;          -- "resource=amount" lines, sorted
ALTER TABLE job ADD COLUMN held_key TEXT;       -- "key=value" whose limit keeps it out of its lane
ALTER TABLE job ADD COLUMN unique_key TEXT;     -- others of it are refused, replaced or put off
ALTER TABLE job ADD COLUMN unique_until_ms INTEGER NOT NULL DEFAULT 0; -- end of the period of unique_key; 0: with the job

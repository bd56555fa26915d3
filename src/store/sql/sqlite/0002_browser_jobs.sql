-- SPDX-License-Identifier: Apache-2.0
-- Grouped jobs: fixtures, hooks, connections, release in start order, quarantine.

ALTER TABLE job ADD COLUMN layout TEXT;         -- JSON: fixtures and hooks of a grouped job; NULL: not one
ALTER TABLE job ADD COLUMN cancel_on_first_failure INTEGER NOT NULL DEFAULT 0; -- 0 or 1
ALTER TABLE job ADD COLUMN quarantine_attempts INTEGER NOT NULL DEFAULT 0;  -- attempts at most; 0: no quarantine
ALTER TABLE job ADD COLUMN quarantine_successes INTEGER NOT NULL DEFAULT 0; -- attempts that must pass
ALTER TABLE job ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;          -- failures of tests on the quarantine list
ALTER TABLE job ADD COLUMN plan TEXT;           -- JSON: a grouped job's place in its plan; NULL: not begun

ALTER TABLE incarnation ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;

ALTER TABLE run ADD COLUMN passes INTEGER NOT NULL DEFAULT 0;     -- earlier attempts at its unit that passed
ALTER TABLE run ADD COLUMN connection INTEGER NOT NULL DEFAULT 0; -- of its group, from 1
ALTER TABLE run ADD COLUMN start_n INTEGER NOT NULL DEFAULT 0;    -- place of its unit in the order of release
ALTER TABLE run ADD COLUMN quarantine INTEGER NOT NULL DEFAULT 0; -- entry of the quarantine list that it began under

-- SPDX-License-Identifier: Apache-2.0
-- Flows: jobs whose stages are jobs and waits.

ALTER TABLE job ADD COLUMN parent BLOB;         -- job.id of the flow whose stage it carries out; NULL: none
ALTER TABLE job ADD COLUMN stage TEXT;          -- name of that stage
ALTER TABLE job ADD COLUMN stage_item INTEGER NOT NULL DEFAULT 0;    -- place in the stage's matrix, from 0
ALTER TABLE job ADD COLUMN stage_attempt INTEGER NOT NULL DEFAULT 0; -- of that item, from 1
ALTER TABLE job ADD COLUMN flow TEXT;           -- JSON: the stages of a flow; NULL: not a flow

CREATE INDEX job_parent ON job (parent) WHERE parent IS NOT NULL;
-- Flows that go on: looked at when the engine starts.
CREATE INDEX job_flow_open ON job (seq) WHERE flow IS NOT NULL AND state NOT IN ('completed', 'failed', 'stopped', 'invalid');

-- SPDX-License-Identifier: Apache-2.0
-- Figures: what jobs and runs cost, and roll-ups of both.

ALTER TABLE job ADD COLUMN cpu_ms INTEGER NOT NULL DEFAULT 0;   -- processor time of its runs
ALTER TABLE job ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;   -- of language models
ALTER TABLE job ADD COLUMN peak_kib INTEGER NOT NULL DEFAULT 0; -- greatest memory of a run
ALTER TABLE run ADD COLUMN cpu_ms INTEGER NOT NULL DEFAULT 0;   -- processor time of its processes
ALTER TABLE run ADD COLUMN peak_kib INTEGER NOT NULL DEFAULT 0; -- their greatest memory
ALTER TABLE run ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;   -- of language models

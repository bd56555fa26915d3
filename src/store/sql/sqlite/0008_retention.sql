-- SPDX-License-Identifier: Apache-2.0
-- Retention: what is kept for how long.

ALTER TABLE job ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0; -- 1: retention spares it

-- SPDX-License-Identifier: Apache-2.0
-- Schedules: what is started when.

ALTER TABLE job ADD COLUMN schedule INTEGER NOT NULL DEFAULT 0; -- schedule.seq that fired it; 0: none

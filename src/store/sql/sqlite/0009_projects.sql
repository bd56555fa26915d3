-- SPDX-License-Identifier: Apache-2.0
-- Projects: the boundaries that every row belongs to.

CREATE TABLE project (
	seq        INTEGER PRIMARY KEY,        -- job.project and the like
	id         BLOB NOT NULL UNIQUE,       -- UUIDv7
	name       TEXT NOT NULL UNIQUE,
	body       TEXT NOT NULL,              -- JSON object: settings
	revision   INTEGER NOT NULL,           -- from 1
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;

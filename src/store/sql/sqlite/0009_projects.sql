-- SPDX-License-Identifier: Apache-2.0
-- Projects: the boundaries that every row belongs to.

CREATE TABLE project (
	seq        INTEGER PRIMARY KEY,        -- job.project and the like
	id         BLOB NOT NULL UNIQUE,       -- UUIDv7
	name       TEXT NOT NULL,
	body       TEXT NOT NULL,              -- JSON object: settings
	revision   INTEGER NOT NULL,           -- from 1
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	deleted_ms INTEGER NOT NULL            -- 0: it is there; else the row only keeps its seq
) STRICT;

CREATE UNIQUE INDEX project_name ON project (name) WHERE deleted_ms = 0;

-- Everything there was up to now. The same id everywhere, so that it can be written down.
INSERT INTO project (seq, id, name, body, revision, created_ms, updated_ms, deleted_ms)
VALUES (1, X'00000000000070008000000000000001', 'default', '{}', 1, 0, 0, 0);

-- What a deleted project leaves is found by these. The default one is never deleted and pays for
-- none of them.
CREATE INDEX event_batch_project ON event_batch (project) WHERE project > 1;
CREATE INDEX known_test_project ON known_test (project) WHERE project > 1;
CREATE INDEX error_class_project ON error_class (project) WHERE project > 1;

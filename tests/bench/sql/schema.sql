-- SPDX-License-Identifier: Apache-2.0
-- The plain queue table that everybody writes first.
CREATE TABLE job (
	id bigserial PRIMARY KEY,
	priority integer NOT NULL DEFAULT 0,
	state smallint NOT NULL DEFAULT 0,
	body text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	completed_at timestamptz
);
CREATE INDEX job_ready ON job (priority DESC, id) WHERE state = 0;

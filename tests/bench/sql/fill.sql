-- SPDX-License-Identifier: Apache-2.0
INSERT INTO job (body) SELECT repeat('x', :body) FROM generate_series(1, :jobs);
ANALYZE job;
CHECKPOINT;

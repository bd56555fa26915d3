-- SPDX-License-Identifier: Apache-2.0
-- Two commits, as between them the job is carried out.
UPDATE job SET state = 1 WHERE id = (
	SELECT id FROM job WHERE state = 0 ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id AS claimed \gset
UPDATE job SET state = 2, completed_at = now() WHERE id = :claimed;

/* SPDX-License-Identifier: Apache-2.0 */
/* Unique jobs: docs/protocol/queues.md §5. */
#include "core/plan_impl.h"

int64_t
plan_unique_until(int64_t now_ms, const struct unique_spec *unique)
{
	bool has_period = unique->mode == UNIQUE_SKIP || unique->mode == UNIQUE_REPLACE;

	return has_period && unique->period_ms > 0 ? now_ms + unique->period_ms : 0;
}

void
plan_let_unique_go(struct uow *uow, struct job *job)
{
	job->unique_until_ms = -1;
	uow_touch_job(uow, job);
}

struct job *
plan_unique(
	struct uow *uow, struct lanes *lanes, int64_t project, const struct unique_spec *unique)
{
	if (unique->mode == UNIQUE_NONE)
		return NULL;
	struct job *holder = uow_unique(uow, project, unique->key);
	if (!holder)
		return NULL;
	bool is_over = holder->unique_until_ms > 0 && holder->unique_until_ms <= uow->now_ms;
	bool has_begun = holder->started_ms > 0 || holder->incarnation > 1;

	if (unique->mode == UNIQUE_SKIP && !is_over)
		return holder;
	plan_let_unique_go(uow, holder);
	if (!is_over && job_allows(holder->state, JOB_CMD_CANCEL) &&
		(unique->mode == UNIQUE_REPLACE ||
			(unique->mode == UNIQUE_DEBOUNCE && !has_begun)))
		plan_supersede(uow, lanes, holder);
	return NULL;
}

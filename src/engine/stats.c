/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of what ended: in the turn's own commit, so that they are neither behind nor twice
 * what happened. Jobs that ended before there were figures are taken in slices between turns,
 * each its own commit.
 */
#include "core/stats.h"

#include "base/limits.h"
#include "engine/engine_impl.h"
#include "store/store_stats.h"

enum { BACKLOG_PAUSE_MS = 50 };

/* Deleted projects have none: what is left of theirs goes, and must not come back. */
#define DROP_DELETED(projects, array)                                                   \
	do {                                                                            \
		size_t kept_ = 0;                                                       \
		for (size_t i = 0; i < (array)->n; i++)                                 \
			if (!project_is_deleted((projects), (array)->item[i]->project)) \
				(array)->item[kept_++] = (array)->item[i];              \
		(array)->n = kept_;                                                     \
	} while (0)

static int
collect(struct engine *engine, struct uow *uow, struct err *err)
{
	struct stat_unit *units = NULL;
	size_t n;

	stats_units(uow, &units, &n);
	if (n > 0 && store_load_units(engine->store, units, n, uow->arena, err) < 0)
		return -1;
	stats_collect(uow, units, n);
	DROP_DELETED(&engine->projects, &uow->stats);
	DROP_DELETED(&engine->projects, &uow->known_tests);
	DROP_DELETED(&engine->projects, &uow->error_classes);
	return 0;
}

int
stats_boot(struct engine *engine, struct err *err)
{
	struct uow slice;
	size_t n = 0;

	uow_init(&slice, &engine->arena, &engine->rng, engine->now_ms);
	int rc = store_load_backlog(engine->store, 1, &slice, &n, err);

	engine->backlog_due_ms = n > 0 ? engine->now_ms : 0;
	uow_deinit(&slice);
	return rc;
}

int
stats_of_turn(struct turn *turn, struct err *err)
{
	struct engine *engine = turn->engine;

	if (turn->uow.ended.n > 0 && engine->workers_due_ms == 0)
		engine->workers_due_ms = engine->now_ms + HOURS_MS(1);
	return collect(engine, &turn->uow, err);
}

/* The keys that the turn left are the next ones still. */
static int
save_slice(struct engine *engine, struct uow *slice, const struct uow *turn, struct err *err)
{
	slice->next_job_seq = turn->next_job_seq;
	slice->next_run_seq = turn->next_run_seq;
	slice->next_def_seq = turn->next_def_seq;
	slice->next_event_seq = turn->next_event_seq;
	int rc = store_save(engine->store, slice, err);

	if (rc == STORE_CONFLICT)
		return err_set(err, ERR_UNAVAILABLE, "another server changed the same rows");
	return rc;
}

int
stats_backlog(struct turn *turn, struct err *err)
{
	struct engine *engine = turn->engine;
	struct uow slice;
	size_t n = 0;

	if (engine->backlog_due_ms == 0 || engine->backlog_due_ms > engine->now_ms)
		return 0;
	uow_init(&slice, &engine->arena, &engine->rng, engine->now_ms);
	int rc = store_load_backlog(engine->store, STAT_BACKLOG_JOBS, &slice, &n, err);

	if (rc == 0)
		rc = collect(engine, &slice, err);
	if (rc == 0 && n > 0)
		rc = save_slice(engine, &slice, &turn->uow, err);
	engine->backlog_due_ms = n > 0 ? engine->now_ms + BACKLOG_PAUSE_MS : 0;
	uow_deinit(&slice);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that somebody looks at. In memory only: who looks is connected to this process. A worker
 * is told once for each lease of the run, and again when it says for a whole lease that it
 * sends no pictures.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine_impl.h"

struct watched {
	struct run_id run;
	int64_t told_fence; /* -1: nobody was told */
	int64_t told_ms;
};

static struct watched *
find(const struct engine *engine, struct run_id run)
{
	/* The usual case costs nothing. */
	if (map_count(&engine->watched) == 0)
		return NULL;
	return map_get(&engine->watched, &run, sizeof run);
}

void
watch_apply(struct engine *engine, const struct run_watch *watch)
{
	struct watched *watched = find(engine, watch->run);

	if (!watch->is_on) {
		if (watched)
			(void)map_remove(&engine->watched, &watched->run, sizeof watched->run);
		free(watched);
		return;
	}
	if (!watched) {
		watched = xcalloc(1, sizeof *watched);
		watched->run = watch->run;
		(void)map_put(&engine->watched, &watched->run, sizeof watched->run, watched);
	}
	watched->told_fence = -1;
}

bool
watch_is_news(const struct engine *engine, const struct run_ref *hold)
{
	const struct watched *watched = find(engine, hold->run);

	if (!watched)
		return false;
	if (watched->told_fence != hold->fence)
		return true;
	return !hold->watching && engine->now_ms - watched->told_ms >= engine->options.lease_ms;
}

void
watch_told(struct engine *engine, const struct run_ref *hold)
{
	struct watched *watched = find(engine, hold->run);

	if (!watched)
		return;
	watched->told_fence = hold->fence;
	watched->told_ms = engine->now_ms;
}

void
watches_deinit(struct engine *engine)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&engine->watched, &at, &entry);)
		free(entry.value);
	map_deinit(&engine->watched);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that are online: who they are, what they hold, whether they are still heard of. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "engine/engine_impl.h"

struct member *
member_find(const struct engine *engine, struct worker_id id)
{
	return map_get(&engine->members, &id, sizeof id);
}

static bool
take_text(char **slot, const char **ret, const char *text)
{
	if (*slot && strcmp(*slot, text ? text : "") == 0)
		return false;
	free(*slot);
	*slot = xstrdup(text ? text : "");
	*ret = *slot;
	return true;
}

static void
split_kinds(struct member *member)
{
	size_t n = 0;

	free(member->kinds_split);
	member->kinds_split = xstrdup(member->row.kinds);
	member->kind_list = xreallocarray(member->kind_list,
		strlen(member->kinds_split) / 2 + 1, sizeof *member->kind_list);
	for (char *kind = member->kinds_split; kind && *kind;) {
		char *comma = strchr(kind, ',');
		if (comma)
			*comma++ = '\0';
		member->kind_list[n++] = kind;
		kind = comma;
	}
	member->n_kinds = n;
}

bool
member_describe(struct member *member, const struct worker_row *row)
{
	struct worker_row *mine = &member->row;
	bool kinds_new = take_text(&member->texts[2], &mine->kinds, row->kinds);
	bool is_new = kinds_new || mine->capacity != row->capacity;

	is_new = take_text(&member->texts[0], &mine->name, row->name) || is_new;
	is_new = take_text(&member->texts[1], &mine->version, row->version) || is_new;
	is_new = take_text(&member->texts[3], &mine->labels, row->labels) || is_new;
	is_new = take_text(&member->texts[4], &mine->resources, row->resources) || is_new;
	mine->capacity = row->capacity;
	if (kinds_new)
		split_kinds(member);
	return is_new;
}

struct member *
member_add(struct engine *engine, const struct worker_row *row)
{
	if (map_count(&engine->members) >= WORKERS_MAX)
		return NULL;

	struct member *member = xcalloc(1, sizeof *member);
	member->row = *row;
	member->row.runs = NULL;
	member->row.n_runs = 0;
	list_init(&member->node);
	(void)member_describe(member, row); /* everything is new */
	map_put(&engine->members, &member->row.id, sizeof member->row.id, member);
	atomic_fetch_add_explicit(&engine->stats.online, 1, memory_order_relaxed);
	return member;
}

static void
member_free(struct member *member)
{
	for (size_t i = 0; i < ARRAY_LEN(member->texts); i++)
		free(member->texts[i]);
	free(member->kinds_split);
	free(member->kind_list);
	free(member->runs);
	intent_free(member->parked);
	free(member);
}

void
member_drop(struct engine *engine, struct member *member)
{
	heap_remove(&engine->timers, &member->timer);
	list_remove(&member->node);
	map_remove(&engine->members, &member->row.id, sizeof member->row.id);
	atomic_fetch_sub_explicit(&engine->stats.online, 1, memory_order_relaxed);
	member_free(member);
}

void
members_deinit(struct engine *engine)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&engine->members, &at, &entry);)
		member_free(entry.value);
	map_deinit(&engine->members);
}

struct member_run *
member_run(const struct member *member, struct run_id run, int64_t fence)
{
	for (size_t i = 0; i < member->n_runs; i++) {
		if (uuid_eq(&member->runs[i].run.u, &run.u) && member->runs[i].fence == fence)
			return &member->runs[i];
	}
	return NULL;
}

void
member_add_run(struct member *member, struct run_id run, int64_t fence, const char *needs)
{
	if (member->n_runs == member->cap_runs) {
		member->cap_runs = member->cap_runs > 0 ? member->cap_runs * 2 : 2;
		member->runs =
			xreallocarray(member->runs, member->cap_runs, sizeof *member->runs);
	}
	member->runs[member->n_runs++] =
		(struct member_run) { .run = run, .fence = fence, .needs = needs };
}

void
member_adopt_runs(
	const struct engine *engine, struct member *member, const struct worker_row *row)
{
	for (size_t i = 0; i < row->n_runs; i++) {
		const struct run *run = row->runs[i];
		const char *reason;

		if (run->state != RUN_LEASED)
			continue;
		member_add_run(member, run->id, run->fence,
			lanes_lane(&engine->lanes, run->job->lane)->needs);
		if (plan_directive(run, &reason) == DIRECTIVE_STOP)
			member->runs[member->n_runs - 1].stop_reason = reason;
	}
}

void
member_remove_run(struct engine *engine, struct worker_id worker, struct run_id run)
{
	struct member *member = member_find(engine, worker);

	for (size_t i = 0; member && i < member->n_runs; i++) {
		if (uuid_eq(&member->runs[i].run.u, &run.u)) {
			member->runs[i] = member->runs[--member->n_runs];
			return;
		}
	}
}

void
member_park(struct engine *engine, struct member *member, struct intent *intent)
{
	member->parked = intent;
	list_push_back(&engine->parked, &member->node);
	heap_update(&engine->timers, &member->timer, intent->park_until_ms);
	atomic_fetch_add_explicit(&engine->stats.parked, 1, memory_order_relaxed);
}

struct intent *
member_unpark(struct engine *engine, struct member *member)
{
	struct intent *intent = member->parked;

	if (!intent)
		return NULL;
	member->parked = NULL;
	list_remove(&member->node);
	atomic_fetch_sub_explicit(&engine->stats.parked, 1, memory_order_relaxed);
	member_heard(engine, member);
	return intent;
}

void
member_heard(struct engine *engine, struct member *member)
{
	member->row.seen_ms = engine->now_ms;
	if (!member->parked)
		heap_update(&engine->timers, &member->timer,
			engine->now_ms + engine->options.lease_ms);
}

void
member_save(struct turn *turn, struct member *member, enum row_change change)
{
	struct uow *uow = &turn->uow;
	struct worker_row *row = uow_worker(uow, member->row.id);

	if (!row) {
		row = arena_xalloc(uow->arena, sizeof *row);
		*row = (struct worker_row) { .id = member->row.id };
		row = uow_add_worker(uow, row);
	}
	enum row_change known = row->change;
	struct run **runs = row->runs;
	size_t n_runs = row->n_runs;
	*row = member->row;
	row->runs = runs;
	row->n_runs = n_runs;
	row->change = known == ROW_NEW ? ROW_NEW : change;
	row->name = arena_strdup(uow->arena, member->row.name);
	row->version = arena_strdup(uow->arena, member->row.version);
	row->kinds = arena_strdup(uow->arena, member->row.kinds);
	row->labels = arena_strdup(uow->arena, member->row.labels);
	row->resources = arena_strdup(uow->arena, member->row.resources);
}

void
member_renew_lease(struct turn *turn, struct member *member)
{
	struct engine *engine = turn->engine;
	int64_t lease_ms = engine->options.lease_ms;

	if (member->n_runs == 0 ||
		member->row.lease_until_ms > engine->now_ms + lease_ms * 2 / 3)
		return;
	member->row.lease_until_ms = engine->now_ms + lease_ms;
	member_save(turn, member, ROW_CHANGED);
}

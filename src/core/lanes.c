/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of lanes and queues. */
#include "core/lanes.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

void
lanes_init(struct lanes *lanes, int64_t ageing_ms)
{
	*lanes = (struct lanes) { .ageing_ms = ageing_ms };
	arena_init(&lanes->arena, LANES_BYTES_MAX);
	map_init(&lanes->lane_by_key, MAP_KEYS_COPIED);
	map_init(&lanes->queue_by_key, MAP_KEYS_COPIED);
}

void
lanes_deinit(struct lanes *lanes)
{
	map_deinit(&lanes->lane_by_key);
	map_deinit(&lanes->queue_by_key);
	arena_deinit(&lanes->arena);
}

/* Names never contain control characters, so a unit separator keeps the parts apart. */
static char *
lane_key(int64_t project, int64_t queue, const char *kind, const char *labels)
{
	return xasprintf(
		"%lld\x1f%lld\x1f%s\x1f%s", (long long)project, (long long)queue, kind, labels);
}

static char *
queue_key(int64_t project, const char *name)
{
	return xasprintf("%lld\x1f%s", (long long)project, name);
}

static const char *
keep(struct lanes *lanes, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(arena_xalloc(&lanes->arena, n), text, n);
}

static struct lane *
add_lane(struct lanes *lanes, const char *key, const struct lane *lane)
{
	struct lane *mine = arena_xalloc(&lanes->arena, sizeof *mine);

	*mine = *lane;
	mine->kind = keep(lanes, lane->kind);
	mine->labels = keep(lanes, lane->labels);
	UOW_PUSH_IN(&lanes->arena, &lanes->lane, mine);
	map_put(&lanes->lane_by_key, key, strlen(key), mine);
	return mine;
}

static struct queue *
add_queue(struct lanes *lanes, const char *key, const struct queue *queue)
{
	struct queue *mine = arena_xalloc(&lanes->arena, sizeof *mine);

	*mine = *queue;
	mine->name = keep(lanes, queue->name);
	UOW_PUSH_IN(&lanes->arena, &lanes->queue, mine);
	map_put(&lanes->queue_by_key, key, strlen(key), mine);
	return mine;
}

void
lanes_restore_lane(struct lanes *lanes, const struct lane *lane)
{
	_cleanup_free_ char *key =
		lane_key(lane->project, lane->queue, lane->kind, lane->labels);

	assert(lane->id == (int64_t)lanes->lane.n + 1);
	(void)add_lane(lanes, key, lane);
}

void
lanes_restore_queue(struct lanes *lanes, const struct queue *queue)
{
	_cleanup_free_ char *key = queue_key(queue->project, queue->name);

	assert(queue->id == (int64_t)lanes->queue.n + 1);
	(void)add_queue(lanes, key, queue);
}

struct lane *
lanes_lane(const struct lanes *lanes, int64_t id)
{
	assert(id >= 1 && (size_t)id <= lanes->lane.n);
	return lanes->lane.item[id - 1];
}

struct queue *
lanes_queue(const struct lanes *lanes, int64_t id)
{
	assert(id >= 1 && (size_t)id <= lanes->queue.n);
	return lanes->queue.item[id - 1];
}

struct queue *
lanes_find_queue(const struct lanes *lanes, int64_t project, const char *name)
{
	_cleanup_free_ char *key = queue_key(project, name);

	return map_get(&lanes->queue_by_key, key, strlen(key));
}

struct queue *
lanes_get_queue(struct lanes *lanes, struct uow *uow, int64_t project, const char *name)
{
	_cleanup_free_ char *key = queue_key(project, name);
	struct queue *queue = map_get(&lanes->queue_by_key, key, strlen(key));

	if (queue || lanes->queue.n >= QUEUES_MAX)
		return queue;
	queue = add_queue(lanes, key,
		&(struct queue) {
			.id = (int64_t)lanes->queue.n + 1,
			.project = project,
			.name = name,
			.ageing_ms = lanes->ageing_ms,
			.revision = 1,
			.updated_ms = uow->now_ms,
		});
	UOW_PUSH(uow, &uow->changed_queues, queue);
	return queue;
}

struct lane *
lanes_get_lane(struct lanes *lanes, struct uow *uow, int64_t project, int64_t queue,
	const char *kind, const char *labels)
{
	_cleanup_free_ char *key = lane_key(project, queue, kind, labels);
	struct lane *lane = map_get(&lanes->lane_by_key, key, strlen(key));

	if (lane || lanes->lane.n >= LANES_MAX)
		return lane;
	lane = add_lane(lanes, key,
		&(struct lane) {
			.id = (int64_t)lanes->lane.n + 1,
			.project = project,
			.queue = queue,
			.kind = kind,
			.labels = labels,
		});
	UOW_PUSH(uow, &uow->new_lanes, lane);
	return lane;
}

bool
queue_is_open(const struct queue *queue)
{
	return !queue->paused &&
		(queue->concurrency == 0 || queue->running < queue->concurrency);
}

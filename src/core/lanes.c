/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of lanes and queues. */
#include "core/lanes.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/rate.h"

const char QUEUE_STAR[] = "*";

void
lanes_init(struct lanes *lanes, int64_t ageing_ms)
{
	*lanes = (struct lanes) { .ageing_ms = ageing_ms };
	arena_init(&lanes->arena, LANES_BYTES_MAX);
	map_init(&lanes->lane_by_key, MAP_KEYS_COPIED);
	map_init(&lanes->queue_by_key, MAP_KEYS_COPIED);
	places_init(&lanes->places);
}

void
lanes_deinit(struct lanes *lanes)
{
	map_deinit(&lanes->lane_by_key);
	map_deinit(&lanes->queue_by_key);
	places_deinit(&lanes->places);
	arena_deinit(&lanes->arena);
}

/* Names never contain control characters, so a unit separator keeps the parts apart. */
static char *
lane_key(const struct lane *lane)
{
	return xasprintf("%lld\x1f%lld\x1f%s\x1f%s\x1f%s\x1f%s", (long long)lane->project,
		(long long)lane->queue, lane->kind, lane->labels,
		lane->needs ? lane->needs : "", lane->fair ? lane->fair : "");
}

static char *
queue_key(int64_t project, const char *name)
{
	return xasprintf("%lld\x1f%s", (long long)project, name);
}

static const char *
keep(struct lanes *lanes, const char *text)
{
	if (!text)
		text = "";
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
	mine->needs = keep(lanes, lane->needs);
	mine->fair = keep(lanes, lane->fair);
	UOW_PUSH_IN(&lanes->arena, &lanes->lane, mine);
	map_put(&lanes->lane_by_key, key, strlen(key), mine);
	return mine;
}

static struct project_load *
load_of(struct lanes *lanes, int64_t project)
{
	struct project_load *load;

	for (size_t i = 0; i < lanes->load.n; i++) {
		if (lanes->load.item[i]->project == project)
			return lanes->load.item[i];
	}
	load = arena_xalloc(&lanes->arena, sizeof *load);
	load->project = project;
	UOW_PUSH_IN(&lanes->arena, &lanes->load, load);
	return load;
}

const struct queue *
lanes_star(const struct lanes *lanes, int64_t project)
{
	for (size_t i = 0; i < lanes->load.n; i++) {
		if (lanes->load.item[i]->project == project)
			return lanes->load.item[i]->star;
	}
	return NULL;
}

/* What the store has was accepted once: offences only mean that the limits of one queue do not
 * hold. */
static void
read_limits(struct lanes *lanes, struct queue *queue)
{
	struct issues issues = { .arena = &lanes->arena };
	struct err err;

	queue->limit = NULL;
	queue->n_limits = 0;
	if (!queue->limits || !*queue->limits)
		return;
	_cleanup_(json_unrefp) json_t *array =
		json_read(queue->limits, strlen(queue->limits), JSON_DEPTH_MAX, &err);
	if (!array ||
		key_limits_read(
			array, "", &lanes->arena, &issues, &queue->limit, &queue->n_limits) < 0)
		queue->n_limits = 0;
}

void
lanes_set_queue(struct lanes *lanes, struct queue *queue, const struct queue *settings)
{
	queue->priority = settings->priority;
	queue->concurrency = settings->concurrency;
	queue->paused = settings->paused;
	queue->draining = settings->draining;
	queue->ageing_ms = settings->ageing_ms;
	queue->rate = settings->rate;
	queue->share = settings->share;
	/* Old texts stay in the arena: settings are changed by people. */
	if (strcmp(settings->fair_by ? settings->fair_by : "",
		    queue->fair_by ? queue->fair_by : "") != 0)
		queue->fair_by = settings->fair_by ? keep(lanes, settings->fair_by) : NULL;
	if (strcmp(settings->limits ? settings->limits : "",
		    queue->limits ? queue->limits : "") == 0)
		return;
	queue->limits = settings->limits ? keep(lanes, settings->limits) : NULL;
	read_limits(lanes, queue);
	places_limits_changed(lanes, queue);
}

static struct queue *
add_queue(struct lanes *lanes, const char *key, const struct queue *queue)
{
	struct queue *mine = arena_xalloc(&lanes->arena, sizeof *mine);

	*mine = *queue;
	mine->name = keep(lanes, queue->name);
	mine->fair_by = queue->fair_by ? keep(lanes, queue->fair_by) : NULL;
	mine->limits = queue->limits ? keep(lanes, queue->limits) : NULL;
	read_limits(lanes, mine);
	mine->load = load_of(lanes, mine->project);
	mine->load->running += mine->running;
	if (strcmp(mine->name, QUEUE_STAR) == 0)
		mine->load->star = mine;
	UOW_PUSH_IN(&lanes->arena, &lanes->queue, mine);
	map_put(&lanes->queue_by_key, key, strlen(key), mine);
	return mine;
}

void
lanes_restore_lane(struct lanes *lanes, const struct lane *lane)
{
	_cleanup_free_ char *key = lane_key(lane);

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
lanes_get_lane_like(struct lanes *lanes, struct uow *uow, const struct lane *like)
{
	_cleanup_free_ char *key = lane_key(like);
	struct lane *lane = map_get(&lanes->lane_by_key, key, strlen(key));

	if (lane || lanes->lane.n >= LANES_MAX)
		return lane;
	lane = add_lane(lanes, key,
		&(struct lane) {
			.id = (int64_t)lanes->lane.n + 1,
			.project = like->project,
			.queue = like->queue,
			.kind = like->kind,
			.labels = like->labels,
			.needs = like->needs,
			.fair = like->fair,
		});
	UOW_PUSH(uow, &uow->new_lanes, lane);
	return lane;
}

struct lane *
lanes_get_lane(struct lanes *lanes, struct uow *uow, int64_t project, int64_t queue,
	const char *kind, const char *labels)
{
	return lanes_get_lane_like(lanes, uow,
		&(struct lane) {
			.project = project,
			.queue = queue,
			.kind = kind,
			.labels = labels,
		});
}

void
lanes_touch_queue(struct uow *uow, struct queue *queue)
{
	for (size_t i = 0; i < uow->changed_queues.n; i++) {
		if (uow->changed_queues.item[i] == queue)
			return;
	}
	UOW_PUSH(uow, &uow->changed_queues, queue);
}

static void
take_token(struct uow *uow, struct queue *queue)
{
	if (queue->rate.n == 0)
		return;
	queue->full_us = rate_take(&queue->rate, queue->full_us, uow->now_ms);
	lanes_touch_queue(uow, queue);
}

void
lanes_lease(struct lanes *lanes, struct uow *uow, const struct job *job)
{
	struct queue *queue = lanes_queue(lanes, job->queue);

	queue->running++;
	queue->load->running++;
	take_token(uow, queue);
	if (queue->load->star)
		take_token(uow, queue->load->star);
	if (job->keys && *job->keys)
		places_lease(lanes, uow, job);
}

void
lanes_release(struct lanes *lanes, const struct job *job, int64_t now_ms)
{
	struct queue *queue = lanes_queue(lanes, job->queue);

	queue->running--;
	queue->load->running--;
	if (job->keys && *job->keys)
		places_release(lanes, job, now_ms);
}

bool
queue_is_open(const struct queue *queue)
{
	return !queue->paused &&
		(queue->concurrency == 0 || queue->running < queue->concurrency);
}

static bool
has_token(const struct queue *queue, int64_t now_ms, int64_t *ret_until_ms)
{
	if (rate_tokens(&queue->rate, queue->full_us, now_ms) > 0)
		return true;
	*ret_until_ms = rate_next_ms(&queue->rate, queue->full_us, now_ms);
	return false;
}

bool
queue_may_lease(const struct queue *queue, int64_t now_ms, int64_t *ret_until_ms)
{
	const struct queue *star = queue->load ? queue->load->star : NULL;

	*ret_until_ms = 0;
	if (!queue_is_open(queue))
		return false;
	if (star &&
		(star->paused ||
			(star->concurrency > 0 && queue->load->running >= star->concurrency)))
		return false;
	return has_token(queue, now_ms, ret_until_ms) &&
		(!star || has_token(star, now_ms, ret_until_ms));
}

int
lanes_compare_shares(const struct queue *a, const struct queue *b)
{
	const struct queue *star_a = a->load->star, *star_b = b->load->star;
	int64_t share_a = star_a && star_a->share > 0 ? star_a->share : 1;
	int64_t share_b = star_b && star_b->share > 0 ? star_b->share : 1;
	int64_t left = a->load->running * share_b, right = b->load->running * share_a;

	return (left > right) - (left < right);
}

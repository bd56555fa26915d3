/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places. A job of two keys is counted under four: each key in its queue and in "*". It is held
 * by the first that is full; when it comes back, the others are asked again.
 */
#include "core/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "core/lanes.h"
#include "core/rate.h"

/* ---- settings ---- */

struct limit_in {
	const char *key, *value;
	int64_t concurrency;
	struct rate_in rate;
	bool has_rate;
};

/* clang-format off */
#define RATE(member) .offset = offsetof(struct rate_in, member)
const struct json_field rate_fields[] = {
	{ .name = "limit", .kind = FIELD_INT, RATE(limit), .min = 1, .max = RATE_MAX, .required = true },
	{ .name = "per", .kind = FIELD_DURATION, RATE(per_ms), .min = 1, .max = RATE_PER_MS_MAX, .required = true },
	{ .name = "burst", .kind = FIELD_INT, RATE(burst), .min = 1, .max = RATE_MAX },
	{ 0 },
};

#define LIMIT(member) .offset = offsetof(struct limit_in, member)
const struct json_field key_limit_fields[] = {
	{ .name = "key", .kind = FIELD_STR, LIMIT(key), .min = 1, .max = LABEL_BYTES_MAX, .required = true },
	{ .name = "value", .kind = FIELD_STR, LIMIT(value), .min = 0, .max = LABEL_BYTES_MAX },
	{ .name = "concurrency", .kind = FIELD_INT, LIMIT(concurrency), .min = 0, .max = CONCURRENCY_MAX },
	{ .name = "rate", .kind = FIELD_SUB, LIMIT(rate), .sub = rate_fields, .set_offset = offsetof(struct limit_in, has_rate) },
	{ 0 },
};
/* clang-format on */

/* A rate's interval is at least a microsecond. */
struct rate
rate_of(const struct rate_in *in)
{
	struct rate rate = { in->limit, in->per_ms, in->burst > 0 ? in->burst : in->limit };

	return rate;
}

static bool
is_same_limit(const struct key_limit *a, const struct key_limit *b)
{
	if (strcmp(a->key, b->key) != 0 || !a->value != !b->value)
		return false;
	return !a->value || strcmp(a->value, b->value) == 0;
}

int
key_limits_read(json_t *array, const char *pointer, struct arena *arena, struct issues *issues,
	struct key_limit **ret, size_t *ret_n)
{
	size_t n = json_array_size(array), first = issues->n;
	struct key_limit *limits = arena_xalloc(arena, (n + 1) * sizeof *limits);

	if (!json_is_array(array) || n > KEY_LIMITS_MAX) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"a list of at most %d limits is expected", KEY_LIMITS_MAX);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *at = json_pointer_index(arena, pointer, i);
		struct limit_in in = { 0 };

		if (json_decode(json_array_get(array, i), key_limit_fields, &in, at, issues) <
			0)
			continue;
		limits[i] = (struct key_limit) {
			.key = in.key,
			.value = in.value,
			.concurrency = (int32_t)in.concurrency,
		};
		if (in.has_rate)
			limits[i].rate = rate_of(&in.rate);
		for (size_t k = 0; k < i; k++) {
			if (limits[k].key && is_same_limit(&limits[k], &limits[i]))
				issues_add(issues, at, ISSUE_DUPLICATE,
					"there is an entry for this key and value already");
		}
	}
	*ret = limits;
	*ret_n = n;
	return issues->n > first ? -1 : 0;
}

struct str
keys_value(const char *keys, struct str key)
{
	struct str rest = str_of(keys);

	while (rest.n > 0) {
		struct str value = str_split_first(&rest, '\n');
		if (str_eq(str_split_first(&value, '='), key))
			return value.p ? value : STR("");
	}
	return (struct str) { 0 };
}

const struct key_limit *
queue_key_limit(const struct queue *queue, struct str key, struct str value)
{
	const struct key_limit *found = NULL;

	for (size_t i = 0; i < queue->n_limits; i++) {
		const struct key_limit *limit = &queue->limit[i];
		if (!str_eqz(key, limit->key))
			continue;
		if (limit->value && str_eqz(value, limit->value))
			return limit;
		if (!limit->value)
			found = limit;
	}
	return found;
}

/* ---- places ---- */

void
places_init(struct places *places)
{
	map_init(&places->by_name, MAP_KEYS_BORROWED);
	list_init(&places->wanted);
	heap_init(&places->timers);
}

static void
place_free(struct place *place)
{
	list_remove(&place->wanted);
	free(place->name);
	free(place);
}

void
places_deinit(struct places *places)
{
	struct map_entry entry;

	heap_deinit(&places->timers);
	for (size_t at = 0; map_next(&places->by_name, &at, &entry);)
		place_free(entry.value);
	map_deinit(&places->by_name);
}

struct place *
places_find(const struct lanes *lanes, const char *name)
{
	return map_get(&lanes->places.by_name, name, strlen(name));
}

/* Finds or makes; takes over `name`. */
static struct place *
get_place(struct lanes *lanes, char *name, int64_t scope)
{
	struct place *place = places_find(lanes, name);

	if (place) {
		free(name);
		return place;
	}
	place = xcalloc(1, sizeof *place);
	place->name = name;
	place->scope = scope;
	list_init(&place->wanted);
	map_put(&lanes->places.by_name, name, strlen(name), place);
	return place;
}

static char *
place_name(int64_t scope, struct str line)
{
	return xasprintf("%lld:" STR_FMT, (long long)scope, STR_ARG(line));
}

/* Where the scope's limits are; NULL: a project without settings of its own. */
static const struct queue *
queue_of_scope(const struct lanes *lanes, int64_t scope)
{
	return scope > 0 ? lanes_queue(lanes, scope) : lanes_star(lanes, -scope);
}

/* Nothing of it is to be remembered. */
static void
drop_if_idle(struct lanes *lanes, struct place *place, int64_t now_ms)
{
	if (place->running > 0 || place->maybe_held)
		return;
	if (place->full_us > now_ms * 1000) {
		heap_update(&lanes->places.timers, &place->timer, place->full_us / 1000 + 1);
		return;
	}
	heap_remove(&lanes->places.timers, &place->timer);
	map_remove(&lanes->places.by_name, place->name, strlen(place->name));
	place_free(place);
}

/* "site=shop.example" of the place's name. */
static struct str
line_of(const struct place *place)
{
	struct str rest = str_of(place->name);

	(void)str_split_first(&rest, ':');
	return rest;
}

const struct key_limit *
place_limit(const struct lanes *lanes, const struct place *place)
{
	struct str value = line_of(place);
	struct str key = str_split_first(&value, '=');

	const struct queue *queue = queue_of_scope(lanes, place->scope);

	return queue ? queue_key_limit(queue, key, value) : NULL;
}

static bool
is_full(const struct place *place, const struct key_limit *limit, int64_t now_ms,
	int64_t *ret_until_ms)
{
	*ret_until_ms = 0;
	if (limit->concurrency > 0 && place->running >= limit->concurrency)
		return true;
	if (rate_tokens(&limit->rate, place->full_us, now_ms) > 0)
		return false;
	*ret_until_ms = rate_next_ms(&limit->rate, place->full_us, now_ms);
	return true;
}

size_t
places_room(const struct lanes *lanes, const struct place *place, int64_t now_ms, size_t max)
{
	const struct key_limit *limit = place_limit(lanes, place);
	int64_t room = (int64_t)max;

	if (!limit)
		return max;
	if (limit->concurrency > 0 && limit->concurrency - place->running < room)
		room = limit->concurrency - place->running;
	int64_t tokens = rate_tokens(&limit->rate, place->full_us, now_ms);
	if (tokens < room)
		room = tokens;
	return room > 0 ? (size_t)room : 0;
}

static void
want(struct lanes *lanes, struct place *place)
{
	if (!place->maybe_held || list_linked(&place->wanted))
		return;
	list_push_back(&lanes->places.wanted, &place->wanted);
	lanes->places.has_news = true;
}

/* ---- what happens to jobs ---- */

enum { SCOPES = 2 };

/* The job's queue, then its project. */
static int64_t
scope_of(int64_t project, int64_t queue, int which)
{
	return which == 0 ? queue : -project;
}

struct place *
places_full(struct lanes *lanes, const struct job *job, int64_t now_ms, int64_t *ret_until_ms)
{
	for (int which = 0; which < SCOPES; which++) {
		int64_t scope = scope_of(job->project, job->queue, which);
		const struct queue *queue = queue_of_scope(lanes, scope);
		struct str rest = str_of(job->keys);

		while (queue && queue->n_limits > 0 && rest.n > 0) {
			struct str line = str_split_first(&rest, '\n'), value = line;
			struct str key = str_split_first(&value, '=');
			const struct key_limit *limit = queue_key_limit(queue, key, value);
			if (!limit)
				continue;
			_cleanup_free_ char *name = place_name(scope, line);
			struct place *place = places_find(lanes, name);
			if (place && is_full(place, limit, now_ms, ret_until_ms))
				return place;
		}
	}
	return NULL;
}

void
places_lease(struct lanes *lanes, struct uow *uow, const struct job *job)
{
	for (int which = 0; which < SCOPES; which++) {
		int64_t scope = scope_of(job->project, job->queue, which);
		struct str rest = str_of(job->keys);

		while (rest.n > 0) {
			struct str line = str_split_first(&rest, '\n');
			struct place *place = get_place(lanes, place_name(scope, line), scope);
			const struct key_limit *limit = place_limit(lanes, place);

			place->running++;
			if (!limit || limit->rate.n == 0)
				continue;
			place->full_us = rate_take(&limit->rate, place->full_us, uow->now_ms);
			struct bucket bucket = { arena_strdup(uow->arena, place->name),
				place->full_us };
			UOW_PUSH(uow, &uow->buckets, bucket);
		}
	}
}

void
places_release(struct lanes *lanes, const struct job *job, int64_t now_ms)
{
	for (int which = 0; which < SCOPES; which++) {
		int64_t scope = scope_of(job->project, job->queue, which);
		struct str rest = str_of(job->keys);

		while (rest.n > 0) {
			struct str line = str_split_first(&rest, '\n');
			_cleanup_free_ char *name = place_name(scope, line);
			struct place *place = places_find(lanes, name);

			if (!place)
				continue;
			if (place->running > 0)
				place->running--;
			want(lanes, place);
			drop_if_idle(lanes, place, now_ms);
		}
	}
}

void
places_hold(struct lanes *lanes, struct uow *uow, struct job *job, struct place *place,
	int64_t until_ms)
{
	job->held_key = arena_strdup(uow->arena, place->name);
	job->ready = false;
	place->maybe_held = true;
	if (until_ms > 0)
		heap_update(&lanes->places.timers, &place->timer, until_ms);
}

void
places_unwant(struct lanes *lanes, struct place *place, int64_t now_ms)
{
	const struct key_limit *limit = place_limit(lanes, place);

	list_remove(&place->wanted);
	if (limit && rate_tokens(&limit->rate, place->full_us, now_ms) == 0)
		heap_update(&lanes->places.timers, &place->timer,
			rate_next_ms(&limit->rate, place->full_us, now_ms));
}

void
places_wake(struct lanes *lanes, int64_t now_ms)
{
	struct heap_node *node;

	while ((node = heap_peek(&lanes->places.timers)) && node->key <= now_ms) {
		struct place *place = container_of(node, struct place, timer);
		heap_remove(&lanes->places.timers, node);
		want(lanes, place);
		drop_if_idle(lanes, place, now_ms);
	}
}

void
places_limits_changed(struct lanes *lanes, const struct queue *queue)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&lanes->places.by_name, &at, &entry);) {
		struct place *place = entry.value;
		if (queue_of_scope(lanes, place->scope) == queue)
			want(lanes, place);
	}
}

/* ---- at start ---- */

void
places_restore_running(struct lanes *lanes, int64_t queue, const char *keys, int32_t running)
{
	int64_t project = lanes_queue(lanes, queue)->project;

	for (int which = 0; which < SCOPES; which++) {
		int64_t scope = scope_of(project, queue, which);
		struct str rest = str_of(keys);

		while (rest.n > 0) {
			struct str line = str_split_first(&rest, '\n');
			get_place(lanes, place_name(scope, line), scope)->running += running;
		}
	}
}

/* The place of a name that the store kept; NULL: not one of ours. */
static struct place *
restore(struct lanes *lanes, const char *name)
{
	struct str rest = str_of(name);
	struct err ignored;
	int64_t scope;

	if (parse_i64(str_split_first(&rest, ':'), INT64_MIN + 1, (int64_t)lanes->queue.n,
		    &scope, &ignored) < 0 ||
		scope == 0)
		return NULL;
	return get_place(lanes, xstrdup(name), scope);
}

void
places_restore_held(struct lanes *lanes, const char *name)
{
	struct place *place = restore(lanes, name);

	if (!place)
		return;
	place->maybe_held = true;
	want(lanes, place);
}

void
places_restore_bucket(struct lanes *lanes, const struct bucket *bucket)
{
	struct place *place = restore(lanes, bucket->name);

	if (!place)
		return;
	place->full_us = bucket->full_us;
	/* When all its tokens are back, it is forgotten like one that was used since. */
	heap_update(&lanes->places.timers, &place->timer, place->full_us / 1000 + 1);
}

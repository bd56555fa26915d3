/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits by key: what of each value of each key runs now, and who waits for it.
 *
 * A place is one value of one key within a queue, or within the project (its queue "*"). Runs
 * are counted whether or not a limit is set, so that a new limit finds the truth. Places exist
 * only while something is to be remembered of them. Part of struct lanes; pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "core/uow.h"

struct lanes;

struct place {
	char *name;         /* "<scope>:<key>=<value>", as in job.held_key; owned */
	int64_t scope;      /* a queue's id; of a project: its number, negative */
	int32_t running;    /* leased runs */
	int64_t full_us;    /* core/rate.h */
	bool maybe_held;    /* the store may have jobs that wait for it */
	int32_t look_ahead; /* more of them than it has room for are loaded: the last ones that
			       came back were taken by nobody */
	size_t n_claimed, n_loaded; /* the present turn's */
	struct list_node wanted;    /* in places.wanted: it has room, and perhaps jobs wait */
	struct heap_node timer;     /* in places.timers: when its rate has a token again */
};

struct places {
	struct map by_name;      /* struct place */
	struct list_node wanted; /* in the order in which they got room */
	struct heap timers;
	bool has_news; /* one of them became wanted since the last dispatch */
};

void places_init(struct places *places);
void places_deinit(struct places *places);

/* Decodes a queue's `limits`; items and texts are the arena's. -1: issues. */
int key_limits_read(json_t *array, const char *pointer, struct arena *arena,
	struct issues *issues, struct key_limit **ret, size_t *ret_n) MUST_CHECK;
extern const struct json_field key_limit_fields[], rate_fields[];
/* One { limit, per, burst } as decoded with rate_fields. */
struct rate_in {
	int64_t limit, per_ms, burst;
};
struct rate rate_of(const struct rate_in *in);

/* The value of a key in canonical text; p is NULL when it is not there. */
struct str keys_value(const char *keys, struct str key);

/* The limit of a queue for that value: the entry that names it, or the one for all. */
const struct key_limit *queue_key_limit(
	const struct queue *queue, struct str key, struct str value);

/* The place that keeps the job from starting a run now; NULL: none. *ret_until_ms: when its
 * rate has a token; 0: it is not the rate. */
struct place *places_full(
	struct lanes *lanes, const struct job *job, int64_t now_ms, int64_t *ret_until_ms);

/* A run of the job is leased; has ended. */
void places_lease(struct lanes *lanes, struct uow *uow, const struct job *job);
void places_release(struct lanes *lanes, const struct job *job, int64_t now_ms);

/* The job waits for the place from now on. */
void places_hold(struct lanes *lanes, struct uow *uow, struct job *job, struct place *place,
	int64_t until_ms);

/* It has no room: it is wanted again when a run of it ends or its rate has a token. */
void places_unwant(struct lanes *lanes, struct place *place, int64_t now_ms);
/* Places whose rate has a token again become wanted. */
void places_wake(struct lanes *lanes, int64_t now_ms);
/* The limits of the queue have changed. */
void places_limits_changed(struct lanes *lanes, const struct queue *queue);

/* How many more runs could begin there, at most `max`. */
size_t places_room(
	const struct lanes *lanes, const struct place *place, int64_t now_ms, size_t max);
const struct key_limit *place_limit(const struct lanes *lanes, const struct place *place);
struct place *places_find(const struct lanes *lanes, const char *name); /* NULL: none */

/* At start: what the store counted. */
void places_restore_running(
	struct lanes *lanes, int64_t queue, const char *keys, int32_t running);
void places_restore_held(struct lanes *lanes, const char *name);
void places_restore_bucket(struct lanes *lanes, const struct bucket *bucket);

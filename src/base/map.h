/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from bytes to a pointer.
 *
 * Open addressing over SipHash with a key of the process, so that chosen names cannot make it
 * slow. Entries are kept in insertion order and iteration follows it: what a program does never
 * depends on the hash key. Values are borrowed and must not be NULL. At most 2^31 - 1 entries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum map_keys {
	MAP_KEYS_COPIED,   /* the map keeps its own copy of each key */
	MAP_KEYS_BORROWED, /* the key must live as long as its entry, e.g. inside the value */
};

struct map_entry {
	const void *key; /* NULL in a removed entry that is not yet swept */
	size_t key_len;  /* bytes */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entry; /* in insertion order; owned */
	uint32_t *index;         /* power of two; 0 empty, else entry + 1 */
	size_t n_entries;        /* removed ones included */
	size_t n_live;
	size_t cap; /* of index; entries have room for cap / 2 */
	enum map_keys keys;
};

void map_init(struct map *map, enum map_keys keys);

/* Frees the table and copied keys, not the values. */
void map_deinit(struct map *map);

/* The value, or NULL. */
void *map_get(const struct map *map, const void *key, size_t len);

/* Sets the value of a key. Returns the value it replaced, or NULL. */
void *map_put(struct map *map, const void *key, size_t len, void *value);

/* Takes the entry out. Returns its value, or NULL when there was none. */
void *map_remove(struct map *map, const void *key, size_t len);

/* Takes all entries out. */
void map_clear(struct map *map);

static inline size_t
map_count(const struct map *map)
{
	return map->n_live;
}

/*
 * Visits the entries in insertion order: start with *at = 0; false at the end. Removing any
 * entry in between is fine; adding one ends the iteration's validity.
 *
 *	for (size_t at = 0; map_next(&map, &at, &entry);) ...
 */
bool map_next(const struct map *map, size_t *at, struct map_entry *ret_entry);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries stand in an array in insertion order; a table of entry numbers is probed linearly.
 * Removing closes the gap in the table by shifting later numbers back, so there are no
 * tombstones to fill it up; the hole in the array is swept when the array is full.
 */
#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"

enum {
	MAP_FIRST_CAP = 16,
};

static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void
make_hash_key(void)
{
	rand_bytes(hash_key, sizeof(hash_key));
}

static uint64_t
hash_of(const void *key, size_t len)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t hash;

	_Static_assert(sizeof(hash) == sizeof(out), "SipHash gives 64 bits");
	crypto_shorthash(out, key, len, hash_key);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

void
map_init(struct map *map, enum map_keys keys)
{
	pthread_once(&hash_key_once, make_hash_key);
	*map = (struct map) { .keys = keys };
}

static void
free_keys(struct map *map)
{
	if (map->keys != MAP_KEYS_COPIED)
		return;
	for (size_t i = 0; i < map->n_entries; i++)
		free((void *)map->entry[i].key);
}

void
map_deinit(struct map *map)
{
	free_keys(map);
	free(map->entry);
	free(map->index);
	*map = (struct map) { .keys = map->keys };
}

void
map_clear(struct map *map)
{
	free_keys(map);
	map->n_entries = map->n_live = 0;
	if (map->cap > 0)
		memset(map->index, 0, map->cap * sizeof(*map->index));
}

static void
index_add(struct map *map, size_t entry)
{
	size_t at = map->entry[entry].hash & (map->cap - 1);

	while (map->index[at] != 0)
		at = (at + 1) & (map->cap - 1);
	map->index[at] = (uint32_t)entry + 1;
}

/* Sweeps holes out of the array, and doubles the table when it is really full. */
static void
make_room(struct map *map)
{
	if (map->n_entries < map->cap / 2)
		return;
	if (map->n_live >= map->cap / 2 - map->cap / 8) {
		size_t cap = map->cap > 0 ? 2 * map->cap : MAP_FIRST_CAP;
		assert(cap / 2 <= INT32_MAX);
		map->entry = xreallocarray(map->entry, cap / 2, sizeof(*map->entry));
		map->index = xreallocarray(map->index, cap, sizeof(*map->index));
		map->cap = cap;
	}

	size_t n = 0;
	for (size_t i = 0; i < map->n_entries; i++) {
		if (map->entry[i].value)
			map->entry[n++] = map->entry[i];
	}
	map->n_entries = n;
	memset(map->index, 0, map->cap * sizeof(*map->index));
	for (size_t i = 0; i < n; i++)
		index_add(map, i);
}

/* Place in the table of the key's entry, or SIZE_MAX. */
static size_t
find(const struct map *map, const void *key, size_t len, uint64_t hash)
{
	if (map->n_live == 0)
		return SIZE_MAX;
	size_t at = hash & (map->cap - 1);
	for (; map->index[at] != 0; at = (at + 1) & (map->cap - 1)) {
		const struct map_entry *entry = &map->entry[map->index[at] - 1];
		if (entry->hash == hash && entry->key_len == len &&
			(len == 0 || memcmp(entry->key, key, len) == 0))
			return at;
	}
	return SIZE_MAX;
}

void *
map_get(const struct map *map, const void *key, size_t len)
{
	if (map->n_live == 0)
		return NULL;
	size_t at = find(map, key, len, hash_of(key, len));
	return at == SIZE_MAX ? NULL : map->entry[map->index[at] - 1].value;
}

void *
map_put(struct map *map, const void *key, size_t len, void *value)
{
	assert(value);
	uint64_t hash = hash_of(key, len);
	size_t at = find(map, key, len, hash);
	if (at != SIZE_MAX) {
		struct map_entry *entry = &map->entry[map->index[at] - 1];
		void *old = entry->value;
		entry->value = value;
		/* A borrowed key may live in the value that goes away now. */
		if (map->keys == MAP_KEYS_BORROWED)
			entry->key = key;
		return old;
	}

	make_room(map);
	map->entry[map->n_entries] = (struct map_entry) {
		.key = map->keys == MAP_KEYS_COPIED ? xmemdup(key, len) : key,
		.key_len = len,
		.value = value,
		.hash = hash,
	};
	index_add(map, map->n_entries++);
	map->n_live++;
	return NULL;
}

/* Empties a place in the table and moves back what was pushed past it. */
static void
index_close_gap(struct map *map, size_t gap)
{
	size_t mask = map->cap - 1;

	for (size_t at = (gap + 1) & mask; map->index[at] != 0; at = (at + 1) & mask) {
		size_t home = map->entry[map->index[at] - 1].hash & mask;
		/* It may move when its home is not between the gap and where it stands. */
		if (((at - home) & mask) >= ((at - gap) & mask)) {
			map->index[gap] = map->index[at];
			gap = at;
		}
	}
	map->index[gap] = 0;
}

void *
map_remove(struct map *map, const void *key, size_t len)
{
	if (map->n_live == 0)
		return NULL;
	size_t at = find(map, key, len, hash_of(key, len));
	if (at == SIZE_MAX)
		return NULL;

	struct map_entry *entry = &map->entry[map->index[at] - 1];
	void *value = entry->value;
	index_close_gap(map, at);
	if (map->keys == MAP_KEYS_COPIED)
		free((void *)entry->key);
	*entry = (struct map_entry) { 0 };
	map->n_live--;
	if (entry == &map->entry[map->n_entries - 1])
		map->n_entries--;
	return value;
}

bool
map_next(const struct map *map, size_t *at, struct map_entry *ret_entry)
{
	while (*at < map->n_entries) {
		const struct map_entry *entry = &map->entry[(*at)++];
		if (entry->value) {
			*ret_entry = *entry;
			return true;
		}
	}
	return false;
}

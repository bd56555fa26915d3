/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdio.h>

#include "base/rand.h"
#include "base/str.h"
#include "unit.h"

enum {
	KEYS = 500,
};

static void
agrees_with_a_plain_array(void **state)
{
	(void)state;
	static int value[KEYS];
	bool inside[KEYS] = { false };
	size_t n = 0;
	struct rng rng;
	struct map map;
	rng_seed(&rng, 11);
	map_init(&map, MAP_KEYS_COPIED);
	for (int round = 0; round < 50000; round++) {
		size_t k = rng_below(&rng, KEYS);
		char key[20];
		size_t len = (size_t)snprintf(key, sizeof(key), "key-%zu", k);
		assert_ptr_equal(map_get(&map, key, len), inside[k] ? &value[k] : NULL);
		/* Grows for a while, then shrinks, over and over. */
		if (rng_below(&rng, 10) < (round / 5000 % 2 ? 3 : 7)) {
			assert_ptr_equal(map_put(&map, key, len, &value[k]),
				inside[k] ? &value[k] : NULL);
			n += !inside[k];
			inside[k] = true;
		} else {
			assert_ptr_equal(
				map_remove(&map, key, len), inside[k] ? &value[k] : NULL);
			n -= inside[k];
			inside[k] = false;
		}
		assert_int_equal(map_count(&map), n);
	}
	size_t seen = 0;
	struct map_entry entry;
	for (size_t at = 0; map_next(&map, &at, &entry); seen++)
		assert_true(inside[(int *)entry.value - value]);
	assert_int_equal(seen, n);
	map_deinit(&map);
}

static void
iterates_in_insertion_order_and_allows_removal(void **state)
{
	(void)state;
	static const char *const keys[] = { "zeta", "alpha", "mid", "beta", "omega" };
	struct map map;
	struct map_entry entry;
	map_init(&map, MAP_KEYS_BORROWED);
	for (size_t i = 0; i < 5; i++)
		map_put(&map, keys[i], strlen(keys[i]), (void *)keys[i]);
	size_t i = 0;
	for (size_t at = 0; map_next(&map, &at, &entry); i++) {
		assert_ptr_equal(entry.value, keys[i]);
		assert_ptr_equal(entry.key, keys[i]);
		if (i % 2 == 0)
			assert_ptr_equal(map_remove(&map, entry.key, entry.key_len), keys[i]);
	}
	assert_int_equal(i, 5);
	assert_int_equal(map_count(&map), 2);
	assert_non_null(map_get(&map, "alpha", 5));
	assert_null(map_get(&map, "mid", 3));
	map_clear(&map);
	assert_int_equal(map_count(&map), 0);
	assert_null(map_get(&map, "alpha", 5));
	map_deinit(&map);
}

static void
keys_are_bytes(void **state)
{
	(void)state;
	int a, b, c;
	struct map map;
	map_init(&map, MAP_KEYS_COPIED);
	assert_null(map_get(&map, "x", 1));
	assert_null(map_remove(&map, "x", 1));
	map_put(&map, "a\0b", 3, &a);
	map_put(&map, "a\0c", 3, &b);
	map_put(&map, "", 0, &c);
	assert_ptr_equal(map_get(&map, "a\0b", 3), &a);
	assert_ptr_equal(map_get(&map, "a\0c", 3), &b);
	assert_ptr_equal(map_get(&map, "", 0), &c);
	assert_null(map_get(&map, "a", 1));
	assert_ptr_equal(map_put(&map, "a\0b", 3, &c), &a);
	assert_int_equal(map_count(&map), 3);
	map_deinit(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_plain_array),
		cmocka_unit_test(iterates_in_insertion_order_and_allows_removal),
		cmocka_unit_test(keys_are_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

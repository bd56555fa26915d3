/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "unit.h"

static void
is_zeroed_and_aligned(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	for (size_t size = 0; size < 300; size += 7) {
		unsigned char *p = arena_alloc(&arena, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	/* Memory that was used before the reset comes back zeroed. */
	arena_reset(&arena);
	unsigned char *p = arena_alloc(&arena, 3000);
	for (size_t i = 0; i < 3000; i++)
		assert_int_equal(p[i], 0);
	arena_deinit(&arena);
}

static void
allocations_do_not_overlap(void **state)
{
	(void)state;
	struct arena arena;
	unsigned char *part[200];
	arena_init(&arena, 64 << 20);
	for (size_t i = 0; i < 200; i++) {
		/* Sizes around the chunk sizes, big ones among small ones. */
		size_t size = i % 10 == 9 ? 70000 : 100 + i * 13;
		part[i] = arena_alloc(&arena, size);
		memset(part[i], (int)i, size);
	}
	for (size_t i = 0; i < 200; i++) {
		size_t size = i % 10 == 9 ? 70000 : 100 + i * 13;
		for (size_t j = 0; j < size; j++)
			assert_int_equal(part[i][j], i);
	}
	arena_deinit(&arena);
}

static void
maximum_is_refused_and_reset_gives_it_back(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 100);
	assert_non_null(arena_alloc(&arena, 96));
	assert_null(arena_alloc(&arena, 1));
	assert_null(arena_strdup(&arena, "x"));
	assert_null(arena_printf(&arena, "%d", 1));
	assert_null(arena_memdup(&arena, "x", 1));
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 96));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_calloc(&arena, SIZE_MAX / 2, 4));
	assert_null(arena_strndup(&arena, "x", SIZE_MAX));
	arena_deinit(&arena);
}

static void
texts(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	assert_string_equal(arena_strdup(&arena, "abc"), "abc");
	assert_null(arena_strdup(&arena, NULL));
	assert_string_equal(arena_strndup(&arena, "abc", 2), "ab");
	assert_string_equal(arena_strndup(&arena, NULL, 0), "");
	assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
	assert_string_equal(arena_time(&arena, 1000), "1970-01-01T00:00:01.000Z");
	assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
	arena_deinit(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_zeroed_and_aligned),
		cmocka_unit_test(allocations_do_not_overlap),
		cmocka_unit_test(maximum_is_refused_and_reset_gives_it_back),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "base/cleanup.h"
#include "base/rand.h"
#include "unit.h"

static void
check_order(const struct heap *heap)
{
	for (size_t i = 0; i < heap->n; i++) {
		assert_int_equal(heap->node[i]->pos, i + 1);
		if (i == 0)
			continue;
		const struct heap_node *up = heap->node[(i - 1) / 2], *node = heap->node[i];
		assert_true(
			up->key < node->key || (up->key == node->key && up->tie <= node->tie));
	}
}

static void
random_operations_keep_the_order(void **state)
{
	(void)state;
	static struct heap_node node[300];
	struct rng rng;
	struct heap heap;
	rng_seed(&rng, 7);
	heap_init(&heap);
	for (size_t i = 0; i < ARRAY_LEN(node); i++)
		node[i] = (struct heap_node) { .tie = i };
	for (int round = 0; round < 20000; round++) {
		struct heap_node *n = &node[rng_below(&rng, ARRAY_LEN(node))];
		switch (rng_below(&rng, 4)) {
		case 0:
			heap_remove(&heap, n);
			assert_false(heap_contains(n));
			break;
		case 1:
			n = heap_pop(&heap);
			assert_true(!n || !heap_contains(n));
			break;
		default:
			heap_update(&heap, n, (int64_t)rng_below(&rng, 50));
			assert_true(heap_contains(n));
		}
		if (round % 50 == 0)
			check_order(&heap);
	}
	int64_t key = INT64_MIN;
	uint64_t tie = 0;
	while (heap_peek(&heap)) {
		struct heap_node *n = heap_pop(&heap);
		assert_true(n->key > key || (n->key == key && n->tie > tie));
		key = n->key;
		tie = n->tie;
	}
	assert_null(heap_pop(&heap));
	heap_deinit(&heap);
}

static void
deinit_lets_nodes_go(void **state)
{
	(void)state;
	struct heap_node a = { .key = 2 }, b = { .key = 1 };
	struct heap heap;
	heap_init(&heap);
	heap_push(&heap, &a);
	heap_push(&heap, &b);
	assert_ptr_equal(heap_peek(&heap), &b);
	heap_deinit(&heap);
	assert_false(heap_contains(&a));
	assert_false(heap_contains(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_keep_the_order),
		cmocka_unit_test(deinit_lets_nodes_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

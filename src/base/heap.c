/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	HEAP_FIRST_NODES = 16,
};

void
heap_init(struct heap *heap)
{
	*heap = (struct heap) { 0 };
}

void
heap_deinit(struct heap *heap)
{
	for (size_t i = 0; i < heap->n; i++)
		heap->node[i]->pos = 0;
	free(heap->node);
	heap_init(heap);
}

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void
place(struct heap *heap, size_t at, struct heap_node *node)
{
	heap->node[at] = node;
	node->pos = at + 1;
}

/* Moves a node from `at` towards the root as far as it belongs; returns where it ends. */
static size_t
sift_up(struct heap *heap, size_t at, struct heap_node *node)
{
	while (at > 0) {
		size_t parent = (at - 1) / 2;
		if (!before(node, heap->node[parent]))
			break;
		place(heap, at, heap->node[parent]);
		at = parent;
	}
	place(heap, at, node);
	return at;
}

static void
sift_down(struct heap *heap, size_t at, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= heap->n)
			break;
		if (child + 1 < heap->n && before(heap->node[child + 1], heap->node[child]))
			child++;
		if (!before(heap->node[child], node))
			break;
		place(heap, at, heap->node[child]);
		at = child;
	}
	place(heap, at, node);
}

static void
settle(struct heap *heap, size_t at, struct heap_node *node)
{
	at = sift_up(heap, at, node);
	sift_down(heap, at, node);
}

void
heap_push(struct heap *heap, struct heap_node *node)
{
	assert(node->pos == 0);
	if (heap->n == heap->cap) {
		heap->cap = heap->cap > 0 ? 2 * heap->cap : HEAP_FIRST_NODES;
		heap->node = xreallocarray(heap->node, heap->cap, sizeof(*heap->node));
	}
	sift_up(heap, heap->n++, node);
}

struct heap_node *
heap_peek(const struct heap *heap)
{
	return heap->n > 0 ? heap->node[0] : NULL;
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	if (node->pos == 0)
		return;
	size_t at = node->pos - 1;
	assert(at < heap->n && heap->node[at] == node);

	struct heap_node *last = heap->node[--heap->n];
	node->pos = 0;
	if (last != node)
		settle(heap, at, last);
}

struct heap_node *
heap_pop(struct heap *heap)
{
	struct heap_node *node = heap_peek(heap);

	if (node)
		heap_remove(heap, node);
	return node;
}

void
heap_update(struct heap *heap, struct heap_node *node, int64_t key)
{
	node->key = key;
	if (node->pos == 0) {
		heap_push(heap, node);
		return;
	}
	assert(node->pos <= heap->n && heap->node[node->pos - 1] == node);
	settle(heap, node->pos - 1, node);
}

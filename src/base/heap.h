/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive binary min-heap: smallest `key` first, equal keys by smallest `tie`.
 *
 * The node is a member of its owner and remembers its place, so that remove and update cost
 * O(log n) without a search. A zeroed node is in no heap. The heap owns only its array of
 * pointers. Used for due times (key = ms) and for ready queues (key = rank).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint64_t tie;
	size_t pos; /* index + 1; 0 while in no heap; belongs to the heap */
};

struct heap {
	struct heap_node **node; /* owned array of borrowed nodes */
	size_t n, cap;
};

void heap_init(struct heap *heap);

/* Frees the array; nodes that are still inside are marked as outside. */
void heap_deinit(struct heap *heap);

/* Adds a node that is in no heap. */
void heap_push(struct heap *heap, struct heap_node *node);

/* The smallest node, or NULL; stays inside. */
struct heap_node *heap_peek(const struct heap *heap);

/* Takes the smallest node out; NULL when the heap is empty. */
struct heap_node *heap_pop(struct heap *heap);

/* Takes the node out; harmless when it is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* Sets the key and moves the node to its place; pushes it when it is in no heap. */
void heap_update(struct heap *heap, struct heap_node *node, int64_t key);

static inline bool
heap_contains(const struct heap_node *node)
{
	return node->pos != 0;
}

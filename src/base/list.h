/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive doubly linked list: the node is a member of its owner, nothing is allocated.
 *
 * The head is a struct list_node too and must be initialised with list_init(); a member node is
 * either zeroed, list_init()ed or in a list, and list_remove() is harmless in all three cases.
 * The owner's destructor removes its own node.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct list_node {
	struct list_node *next, *prev;
};

static inline void
list_init(struct list_node *node)
{
	node->next = node->prev = node;
}

static inline bool
list_empty(const struct list_node *head)
{
	return head->next == head;
}

/* True while the member node is in some list. */
static inline bool
list_linked(const struct list_node *node)
{
	return node->next && node->next != node;
}

/* Puts a node that is in no list right before `at`. */
static inline void
list_insert_before(struct list_node *at, struct list_node *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void
list_push_back(struct list_node *head, struct list_node *node)
{
	list_insert_before(head, node);
}

static inline void
list_push_front(struct list_node *head, struct list_node *node)
{
	list_insert_before(head->next, node);
}

static inline void
list_remove(struct list_node *node)
{
	if (node->next) {
		node->prev->next = node->next;
		node->next->prev = node->prev;
	}
	list_init(node);
}

/* Takes the first node off; NULL when the list is empty. */
static inline struct list_node *
list_pop_front(struct list_node *head)
{
	if (list_empty(head))
		return NULL;
	struct list_node *node = head->next;
	list_remove(node);
	return node;
}

/* Moves all nodes of `from` to the end of `to`; `from` is then empty. */
static inline void
list_splice_back(struct list_node *to, struct list_node *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* The struct of `type` that embeds `node` as `member`. */
#define list_entry(node, type, member) container_of(node, type, member)

/* Visits the nodes in order; the body must not remove any. */
#define LIST_FOR_EACH(node, head) \
	for (struct list_node *node = (head)->next; node != (head); node = node->next)

/* The same, and the body may remove (and free) the node that it was given. */
#define LIST_FOR_EACH_SAFE(node, head)                                          \
	for (struct list_node *node = (head)->next, *node##_next_ = node->next; \
		node != (head); node = node##_next_, node##_next_ = node->next)

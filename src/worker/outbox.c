/* SPDX-License-Identifier: Apache-2.0 */
/* A list in order of arrival; a batch is always a prefix of it. */
#include "worker/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

void
outbox_init(struct outbox *outbox)
{
	*outbox = (struct outbox) { .batch_max = POLL_EVENTS_MAX };
	list_init(&outbox->items);
}

static struct outbox_item *
item_of(struct list_node *node)
{
	return list_entry(node, struct outbox_item, node);
}

static void
drop(struct outbox *outbox, struct outbox_item *item)
{
	list_remove(&item->node);
	outbox->n--;
	outbox->bytes -= item->len;
	outbox->n_results -= item->kind == OUTBOX_RESULT;
	free(item);
}

void
outbox_deinit(struct outbox *outbox)
{
	LIST_FOR_EACH_SAFE(node, &outbox->items)
		drop(outbox, item_of(node));
}

bool
outbox_add(
	struct outbox *outbox, enum outbox_kind kind, void *owner, const char *text, size_t len)
{
	if (kind == OUTBOX_EVENT && outbox->bytes + len > OUTBOX_BYTES_MAX)
		return false;
	struct outbox_item *item = xmalloc(sizeof *item + len + 1);
	*item = (struct outbox_item) { .kind = kind, .owner = owner, .len = len };
	memcpy(item->text, text, len);
	item->text[len] = '\0';
	list_push_back(&outbox->items, &item->node);
	outbox->n++;
	outbox->bytes += len;
	outbox->n_results += kind == OUTBOX_RESULT;
	return true;
}

/* Marks the prefix that makes the next batch. */
static void
choose_batch(struct outbox *outbox)
{
	size_t n = 0, bytes = 0;

	LIST_FOR_EACH(node, &outbox->items) {
		struct outbox_item *item = item_of(node);

		if (n >= outbox->batch_max ||
			(n > 0 && bytes + item->len > OUTBOX_BATCH_BYTES_MAX))
			break;
		item->under_way = true;
		n++;
		bytes += item->len;
	}
	outbox->under_way = n > 0;
}

static void
write_items(struct outbox *outbox, struct jw *jw, const char *key, enum outbox_kind kind)
{
	jw_karr(jw, key);
	LIST_FOR_EACH(node, &outbox->items) {
		struct outbox_item *item = item_of(node);

		if (!item->under_way)
			break;
		if (item->kind == kind)
			jw_rawn(jw, item->text, item->len);
	}
	jw_end_arr(jw);
}

void
outbox_write(struct outbox *outbox, struct jw *jw)
{
	assert(!outbox->under_way);
	choose_batch(outbox);
	write_items(outbox, jw, "results", OUTBOX_RESULT);
	write_items(outbox, jw, "events", OUTBOX_EVENT);
}

void
outbox_arrived(struct outbox *outbox, void (*done)(void *owner))
{
	LIST_FOR_EACH_SAFE(node, &outbox->items) {
		struct outbox_item *item = item_of(node);
		void *owner = item->kind == OUTBOX_RESULT ? item->owner : NULL;

		if (!item->under_way)
			break;
		drop(outbox, item);
		if (owner)
			done(owner);
	}
	outbox->under_way = false;
	outbox->batch_max = POLL_EVENTS_MAX;
}

void
outbox_failed(struct outbox *outbox)
{
	LIST_FOR_EACH_SAFE(node, &outbox->items) {
		struct outbox_item *item = item_of(node);

		if (!item->under_way)
			break;
		item->under_way = false;
		if (!item->owner)
			drop(outbox, item); /* forgotten meanwhile */
	}
	outbox->under_way = false;
}

bool
outbox_refused(struct outbox *outbox, void **ret_owner)
{
	size_t n = 0;
	bool was_owned = !list_empty(&outbox->items) && item_of(outbox->items.next)->owner;

	LIST_FOR_EACH(node, &outbox->items)
		n += item_of(node)->under_way;
	outbox_failed(outbox);
	*ret_owner = NULL;
	if (n > 1) {
		outbox->batch_max = n / 2;
		return false;
	}
	if (n == 1) {
		/* Forgotten meanwhile, it is gone already. */
		if (list_empty(&outbox->items) || !was_owned)
			return true;
		struct outbox_item *item = item_of(outbox->items.next);

		*ret_owner = item->kind == OUTBOX_RESULT ? item->owner : NULL;
		drop(outbox, item);
	}
	return n == 1;
}

void
outbox_forget(struct outbox *outbox, void *owner)
{
	LIST_FOR_EACH_SAFE(node, &outbox->items) {
		struct outbox_item *item = item_of(node);

		if (item->owner != owner)
			continue;
		item->owner = NULL;
		if (!item->under_way)
			drop(outbox, item);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and results on their way to the server, in order. At most one batch is under way; it
 * stays in the outbox until the server has answered, and is sent again until it has
 * (docs/protocol/worker.md §1).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/list.h"

enum outbox_kind { OUTBOX_EVENT, OUTBOX_RESULT };

struct outbox_item {
	struct list_node node;
	enum outbox_kind kind;
	void *owner; /* of the run; NULL once it was forgotten */
	bool under_way;
	size_t len;
	char text[]; /* one JSON object */
};

struct outbox {
	struct list_node items;
	size_t n, bytes;
	size_t n_results;
	bool under_way;   /* a batch waits for its answer */
	size_t batch_max; /* items in the next batch; smaller after a refusal */
};

enum {
	OUTBOX_BATCH_BYTES_MAX = 1
		<< 20,               /* of one batch: far below the server's limit of a poll */
	OUTBOX_BYTES_MAX = 64 << 20, /* altogether: events beyond it are dropped */
};

void outbox_init(struct outbox *outbox);
void outbox_deinit(struct outbox *outbox);

/* Adds one JSON object. False: dropped, the outbox is full (never for results). */
bool outbox_add(struct outbox *outbox, enum outbox_kind kind, void *owner, const char *text,
	size_t len);

/*
 * Writes the members "results" and "events" of the next batch, which is then under way. Nothing
 * may be under way before.
 */
void outbox_write(struct outbox *outbox, struct jw *jw);

/* The batch arrived: removes it. Calls done for each result in it. */
void outbox_arrived(struct outbox *outbox, void (*done)(void *owner));

/* It did not: the same items come again in the next batch. */
void outbox_failed(struct outbox *outbox);

/*
 * The server refuses the batch for what it says: the next one is smaller; one that consisted of
 * a single item drops it, *ret_owner is the owner of a dropped result or NULL.
 */
bool outbox_refused(struct outbox *outbox, void **ret_owner);

/* Drops everything of one run that is not under way; what is under way loses its owner. */
void outbox_forget(struct outbox *outbox, void *owner);

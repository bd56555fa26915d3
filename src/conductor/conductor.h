/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conductor: what the rules ask for and a turn cannot do. It resolves names and makes job
 * requests ready (launches), reads what ended jobs gave (collections), and looks at addresses
 * (probes); it reports with an intent (docs/protocol/flows.md §5).
 *
 * It keeps nothing: what is under way when it ends is asked for again at the next start. Lives
 * on the loop's thread; names and the store are looked up on libuv's pool. Launches and
 * collections of one flow are carried out one after the other, in the order they were asked
 * for.
 */
#pragma once

#include <stddef.h>
#include <uv.h>

#include "base/mac.h"
#include "engine/engine.h"
#include "http/guard.h"

struct blob_store;
struct conductor;
struct store_reader;

struct conductor_options {
	struct store *store;              /* borrowed until conductor_free() */
	const struct guard_policy *guard; /* borrowed likewise: where looks may go */
	const char *url;                  /* of this server, as others reach it; copied */
	const struct mac_key *signal_key; /* of callback addresses; borrowed likewise */
	/* Hands an intent to the engine; it comes back through intent->then. */
	void (*submit)(void *arg, struct intent *intent);
	void *arg;
	/* Removes the blob unless a row names it or somebody is about to. On the pool. NULL:
	 * blobs stay. */
	void (*drop_blob)(void *arg, struct store_reader *reader, const char *blob);
	/* For archives of what policies let go; both borrowed. NULL: none can be written. */
	struct blob_store *blobs;
	const char *archive_dir;
};

/* Borrows the loop. */
struct conductor *conductor_new(uv_loop_t *loop, const struct conductor_options *options)
	__attribute__((returns_nonnull));

/* Takes copies of what a committed turn asked for, and begins. */
void conductor_take(struct conductor *conductor, const struct turn_output *output);

/*
 * Breaks off what is under way; the loop is run until the pool has let go. Submits nothing any
 * more. Call it outside of any callback. NULL is fine.
 */
void conductor_stop(struct conductor *conductor);

/* Once every intent has come back (the engine has ended). Always NULL. */
struct conductor *conductor_free(struct conductor *conductor);
DEFINE_CLEANUP(struct conductor *, conductor_free)

struct conductor_stats {
	size_t waiting, under_way; /* now */
	uint64_t done;
};
struct conductor_stats conductor_stats(const struct conductor *conductor);

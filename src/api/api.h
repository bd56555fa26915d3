/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native HTTP API as one object: listeners, access, routes, event streams, and the engine's
 * thread behind them. The composition root opens store, blobs and engine, hands them in, and
 * runs the loop.
 *
 * Everything here is for the loop's thread, outside of each other's callbacks where it says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "core/ids.h"

struct api;
struct blob_store;
struct dialect;
struct engine;
struct intent;
struct mac_key;
struct store;
struct store_reader;
struct turn_output;

/* Everything is borrowed until api_start() returns. Zero or NULL means the default named here.
 */
struct api_options {
	const char *listen; /* "127.0.0.1:7070", "[::1]:0"; required, loopback only */
	const char
		*view_listen; /* second origin for kept reports; default: next port, else any */
	int listen_fd, view_fd; /* sockets that listen already; 0: none */
	const char *data_dir;   /* admin.token lives here; required */
	const char *durable;    /* word in answers to writes: "fsync" (default), "os" */
	const struct dialect *const *dialects; /* NULL-terminated, static; NULL: none */
	unsigned connections_max;              /* default CONNECTIONS_MAX */
	unsigned streams_max;                  /* open event streams; default SSE_STREAMS_MAX */
	unsigned request_idle_ms; /* an unfinished request that stops arriving; default
				     REQUEST_IDLE_MS */
	/* Told once, on the loop's thread, when the store has failed: nothing is accepted any
	 * more, and only a new process can find out what is on the disk. NULL: nobody is. */
	void (*store_failed)(void *arg, const struct err *why);
	/* Gets what each committed turn asked for, on the loop's thread; borrowed. NULL: nobody
	 * does. */
	void (*effects)(void *arg, const struct turn_output *output);
	void *arg;
	const char *public_url; /* how others reach it, for callback addresses; NULL: where it
				   listens */
	const struct mac_key *signal_key; /* of callback addresses, borrowed until api_stop();
					     NULL: there are none */
};

/*
 * Makes project and admin token on the first start (DATA/admin.token, 0600), puts the engine on
 * its own thread, listens, and answers from the next turn of the loop on.
 *
 * On success owns `engine` (closed by api_stop()); borrows loop, store and blobs until then. On
 * failure (-1: INVALID options, UNAVAILABLE address, what the store said) the engine stays the
 * caller's.
 */
int api_start(struct api **ret, uv_loop_t *loop, struct engine *engine, struct store *store,
	struct blob_store *blobs, const struct api_options *options, struct err *err)
	MUST_CHECK;

/* Where it listens, after a start with port 0: "http://127.0.0.1:40123". Borrowed. */
const char *api_url(const struct api *api);
uint16_t api_port(const struct api *api);

/* True when this start made the admin token; its file's path (borrowed). */
bool api_token_is_new(const struct api *api);
const char *api_token_path(const struct api *api);

/* Hands an intent with `then` to the engine; answered at once when api_stop() has begun. */
void api_submit(struct api *api, struct intent *intent);

/* Removes the blob unless a row names it or somebody is about to. On the pool. */
void api_drop_blob(struct api *api, struct store_reader *reader, const char *blob);

/* The worker's process is known to be dead: its runs go back to the queue at once. */
void api_worker_gone(struct api *api, struct worker_id worker);

/* Stops accepting connections and refuses new writes (503); what is under way is answered. */
void api_drain(struct api *api);

/*
 * Gives the listening sockets away and brings what is under way to an end, answered and without
 * a refusal: waits and polls are answered as if their time were over, each connection ends with
 * its answer. New connections wait in the sockets for the next process.
 */
void api_hand_over(struct api *api, int *ret_fd, int *ret_view_fd);
/* Afterwards: nobody is owed an answer. */
bool api_is_handed_over(const struct api *api);

/* True once nothing is under way any more after api_drain(). Streams and parked polls do not
 * count. */
bool api_is_drained(const struct api *api);

/*
 * Ends everything: streams, parked polls, the engine's thread (after what was submitted is
 * done), the listeners. Call it outside of any callback, when uv_run() has returned; it runs
 * the loop itself until its own handles are closed. NULL is fine. Always NULL.
 */
struct api *api_stop(struct api *api);
DEFINE_CLEANUP(struct api *, api_stop)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: one turn at a time, every change of every job (docs/ARCHITECTURE.md, "The engine
 * turn").
 *
 * collect → load → apply (pure core) → save → commit once → answer. engine_turn is the whole of
 * it and may be called by anybody who owns the engine (the simulator does); engine_thread.h
 * puts it on a thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "engine/intent.h"
#include "store/store.h"

struct engine;

struct engine_options {
	int64_t lease_ms;  /* LEASE_MS_MIN … LEASE_MS_MAX; 0: default */
	uint64_t seed;     /* of the engine's generator (ids, jitter); 0: from the system */
	int64_t ageing_ms; /* of queues that do not say; -1: default */
	int32_t quarantine_max; /* entries of a project's quarantine list; 0: default */
	size_t load_bytes_max;  /* of a turn; 0: TURN_LOAD_BYTES_MAX, less for tests */
};

/* What a turn gave. */
struct turn_output {
	struct list_node node;
	struct list_node done; /* answered intents (intent.node); ownership goes to the taker */
	struct arena arena;
	struct effect *effects; /* what is to be carried out now (core/uow.h) */
	size_t n_effects;
	struct event *
		events; /* in order of seq, when somebody is interested (engine_set_interest) */
	size_t n_events;
	int64_t last_event_seq; /* of the store, after the turn; 0: no event in this turn */
};

/* Reads what the store holds (lanes, queues, workers, due times). Borrows the store until
 * engine_close. */
int engine_open(struct engine **ret, struct store *store, const struct engine_options *options,
	int64_t now_ms, struct err *err) MUST_CHECK;
/* Answers parked polls and whatever else it holds with ERR_UNAVAILABLE into out (may be NULL:
 * frees them). Always NULL. */
struct engine *engine_close(struct engine *engine, struct turn_output *out);

/*
 * One turn: takes ownership of the intents; those that are answered come out in *ret, in order;
 * claiming polls with nothing to give stay parked inside. Also does what is due at now_ms. -1:
 * the store failed; every intent of the turn and every parked poll is answered with
 * ERR_UNAVAILABLE, and the engine refuses all further turns.
 */
int engine_turn(struct engine *engine, struct intent **intents, size_t n, int64_t now_ms,
	struct turn_output **ret, struct err *err) MUST_CHECK;

/* When the engine wants a turn without any intent (a due time, the end of a parked poll);
 * INT64_MAX: never. */
int64_t engine_next_due(const struct engine *engine);

/* The latest time that the engine knows of: after engine_open, not less than any time in the
 * store. */
int64_t engine_now(const struct engine *engine);

/* Whether turns hand out copies of their events. Any thread. */
void engine_set_interest(struct engine *engine, bool interested);

struct turn_output *turn_output_free(
	struct turn_output *out); /* with the intents still in it; always NULL */

struct engine_stats {
	uint64_t turns, commits, intents;
	uint64_t jobs_created, jobs_finished, runs_leased, runs_finished, runs_lost,
		stale_results;
	uint64_t polls_parked;   /* now */
	uint64_t workers_online; /* now */
	uint64_t turn_ns_sum;    /* time spent in turns, as engine_note_turn was told */
};
/* Whoever calls engine_turn has the clock: adds the time that a turn took to the figures. */
void engine_note_turn(struct engine *engine, int64_t took_ns);
void engine_stats(const struct engine *engine,
	struct engine_stats *ret); /* any thread; figures may be from different turns */

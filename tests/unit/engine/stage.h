/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server without its network: an engine on the store in memory, a clock that stands still
 * between steps, and hands: workers that do what a test tells them.
 *
 * Intents that were answered stay readable until the test ends; who is not answered is parked.
 */
#pragma once

#include "engine/engine.h"
#include "store/faulty.h"
#include "unit.h"

#define STAGE_START_MS INT64_C(1767225600000)
#define STAGE_LEASE_MS 15000

struct stage {
	char name[32]; /* of the store */
	struct store *store;
	struct engine *engine;
	int64_t now_ms;
	struct rng rng;
	struct arena arena;
	struct list_node done; /* answered intents */
	struct test_spec test;
	struct job_spec
		spec; /* of create(): one test "t" of kind "command"; change it before */
	size_t load_bytes_max;            /* of a turn, from the next restart on; 0: default */
	UOW_ARRAY(struct effect) effects; /* that turns asked for, of the arena */
	size_t n_told;
	char text[8192];
};

int stage_setup(void **state);
int stage_teardown(void **state);
/* The process ends and another one starts on the same store; parked polls are lost with it. */
void stage_restart(struct stage *stage);
/* The same on a store that fails when it is told to (store_faulty_next(stage->store, …)). */
void stage_restart_faulty(struct stage *stage);

/* ---- turns ---- */

/* A turn with these intents. -1: the store failed. */
int turn(struct stage *stage, struct intent **intents, size_t n);
#define TURN(stage, ...)                                                       \
	assert_int_equal(turn(stage, (struct intent *[]) { __VA_ARGS__ },      \
				 sizeof((struct intent *[]) { __VA_ARGS__ }) / \
					 sizeof(struct intent *)),             \
		0)
bool is_answered(const struct stage *stage, const struct intent *intent);
/* Time passes; the engine gets its turn whenever it wanted one. */
void later(struct stage *stage, int64_t ms);

/* ---- jobs ---- */

struct intent *new_create(struct stage *stage);
struct job_id create(struct stage *stage); /* accepted in a turn of its own */
struct intent *new_command(struct job_id job, enum job_command command);
void command(struct stage *stage, struct job_id job, enum job_command command);
void set_idem(struct intent *intent, const char *key, uint8_t hash);

/* ---- workers ---- */

enum { HAND_HOLDS_MAX = 16 };

struct hand {
	struct worker_id id;
	const char *kinds, *labels; /* "command", "" */
	const char *resources;      /* NULL */
	int32_t capacity;           /* 1 */
	int64_t wait_ms;            /* 30,000 */
	struct run_ref holds[HAND_HOLDS_MAX];
	size_t n_holds;
};

struct hand hand(struct stage *stage);
struct intent *new_poll(const struct hand *hand, bool claim);
void poll_add_result(struct intent *poll, const struct run_ref *run, enum run_outcome outcome);
void poll_add_event(struct intent *poll, const struct run_ref *run, int64_t n,
	enum event_type type, const char *data);
/* A claiming poll in a turn of its own; what it gets is held from then on. */
struct intent *ask(struct stage *stage, struct hand *hand);
/* What an answered poll brought. */
void take(struct hand *hand, const struct intent *poll);
/* A side poll with the result of the hold number `at`, which is held no more. */
struct intent *give(
	struct stage *stage, struct hand *hand, size_t at, enum run_outcome outcome);

/* ---- what is stored ---- */

struct job *look(struct stage *stage, struct job_id job); /* NULL: not there */
struct run *look_run(struct stage *stage, struct run_id run);
/* Names of the job's events so far, but for those told before. */
const char *told(struct stage *stage, struct job_id job);
void assert_state(struct stage *stage, struct job_id job, enum job_state state);
/* The poll was answered with a lease of this job. */
void assert_leased(const struct stage *stage, const struct intent *poll, struct job_id job);

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: the real core and engine, with a simulated clock, network, workers, clients
 * and crashes. One thread, one seed: everything that happens follows from it, so every failure
 * replays (`sim --seed N --verbose`).
 *
 *   world.c    time, the lossy network, the server that crashes
 *   specs.c    the jobs that are asked for
 *   actors.c   clients that retry until they are answered; workers that die and freeze
 *   checks.c   the promises of docs/ARCHITECTURE.md, checked against what the store holds
 *   checks_group.c  those of docs/protocol/browser-jobs.md, checked against the event log
 *   flows.c    flows, the conductor, people who send signals
 *   checks_flow.c   the promises of docs/protocol/flows.md
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/rand.h"
#include "base/steady.h"
#include "engine/engine.h"

enum {
	SIM_CLIENTS = 3,
	SIM_WORKERS = 3,
	SIM_JOBS_MAX = 64,
	SIM_HELD_MAX = 16,
};

struct world;

/* One thing that will happen. */
struct action {
	struct heap_node node;
	void (*run)(struct world *world, void *arg);
	void *arg;
};

/* A request under way, in world->arena. The answer callback runs exactly once; intent is NULL
 * when no answer came. */
struct request {
	struct list_node node; /* in world->requests until it is answered */
	struct world *world;
	void (*answer)(struct world *world, void *arg, struct intent *intent);
	void *arg;
	bool answered;
};

struct sim_job {
	char key[32]; /* its Idempotency-Key */
	bool accepted, deleted, delete_asked;
	struct job_id id;
	struct job_spec spec; /* texts are static or in world->arena */
};

struct held {
	bool used, done, stopping, is_started;
	bool is_grouped, is_hook, is_lost;
	const char *reason;
	struct run_id run;
	int64_t fence;
	enum run_outcome outcome;
	int64_t serial; /* tells a slot's uses apart */
};

/* What a worker found out about a run that it held, whether or not the server ever heard it. */
struct finding {
	struct worker_id worker;
	struct run_id run;
	int64_t fence;
	enum run_outcome outcome;
};

struct sim_worker {
	int index;
	struct worker_id id;
	int life; /* + 1 with every death: late answers of an earlier life are ignored */
	bool alive, frozen, polling;
	int32_t capacity;
	const char *kinds;
	const char *const *kind_list;
	size_t n_kinds;
	const char *labels;
	int64_t heard_ms;
	struct held held[SIM_HELD_MAX];
};

struct sim_client {
	int index;
	bool busy;
};

/* Limit of the key "site" over all queues. */
#define SITE_RUNS_MAX 1
#define SITE_RUNS_TEXT "1"

struct world {
	uint64_t seed;
	struct rng rng;
	struct arena arena;
	int64_t mono_ms;        /* simulated time */
	int64_t wall_offset_ms; /* the wall clock jumps by changing this */
	struct heap actions;
	uint64_t next_tie;

	const char *sqlite_dir; /* NULL: the memory store */
	char store_name[256];   /* or the path of the file */
	struct store *store;
	struct engine *engine; /* NULL: the server is down */
	struct steady_clock clock;
	struct list_node inbox; /* intents that arrived */
	struct list_node requests;
	bool turn_planned;
	int64_t wake_planned_ms;
	bool store_is_sound; /* opened without faults */
	bool calm;           /* the last phase: no more faults */
	int crashes;

	struct sim_client clients[SIM_CLIENTS];
	struct sim_worker workers[SIM_WORKERS];
	struct sim_job jobs[SIM_JOBS_MAX];
	size_t n_jobs, n_jobs_wanted;
	struct finding *findings; /* in the arena */
	size_t n_findings, cap_findings;
	int64_t serial;
	bool verbose;
};

/* Prints the seed and what is wrong, and ends the process. */
void sim_fail(const struct world *world, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void sim_say(const struct world *world, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool chance(struct world *world, int percent);
int64_t between(struct world *world, int64_t low, int64_t high);
int64_t wall_ms(const struct world *world);

/* ---- world.c ---- */

/* sqlite_dir: where to keep a real database file; NULL: in memory. */
void world_init(struct world *world, uint64_t seed, const char *sqlite_dir, bool verbose);
void world_deinit(struct world *world);
void after(
	struct world *world, int64_t delay_ms, void (*run)(struct world *, void *), void *arg);
/* Sends the intents that `make` builds (one, or two when the network doubles it). */
void world_send(struct world *world, struct intent *(*make)(struct world *, void *),
	void *make_arg, void (*answer)(struct world *, void *, struct intent *), void *arg);
/* From inside the server, by nobody who waits for the answer: an intent of the conductor. */
void world_submit(struct world *world, struct intent *intent);
/* Lets time pass until done() or the limit; false: the limit was reached. */
bool world_run(struct world *world, int64_t until_ms, bool (*done)(struct world *));

/* ---- specs.c ---- */

void random_spec(struct world *world, struct job_spec *spec);

/* ---- flows.c ---- */

void random_flow(struct world *world, struct job_spec *spec);
/* Carries out what a turn asked for, when its time has come. */
void conduct(struct world *world, const struct turn_output *out);
void people_signal(struct world *world, void *arg);

/* ---- actors.c ---- */

void actors_start(struct world *world);
void actors_calm(struct world *world); /* everybody lives, nothing new is asked for but ends */
bool actors_done(struct world *world); /* every accepted job is final in the store */

/* ---- checks.c ---- */

void check_now(struct world *world); /* what holds at any moment */
void say_unfinished(struct world *world);
void check_end(struct world *world); /* what holds when everything has ended */

/* ---- checks_group.c ---- */

/* What the events say about a grouped job that is final. */
struct group_facts {
	struct world *world;
	const char *key; /* of the job, for what is said when a promise is broken */
	const struct job_spec *spec;
	const struct job *job;
	const struct run *runs;
	size_t n_runs;
	const struct event *events;
	size_t n_events;
};

void check_grouped(const struct group_facts *facts);

/* ---- checks_flow.c ---- */

/* A flow that is final, and all jobs that there are. */
struct flow_facts {
	struct world *world;
	const char *key;
	const struct job *job;
	const struct event *events;
	size_t n_events;
	struct job *const *all;
	size_t n_all;
};

void check_flow(const struct flow_facts *facts);
void check_orphans(const struct flow_facts *facts);

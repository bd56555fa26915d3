/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the suites of the contracts share: a store of some kind under a fixture, one turn at a
 *time, and rows made in one line.
 *
 *	turn(fx);                                  begins: nothing is wanted yet
 *	want_job(fx, id); load(fx);                loads what is wanted
 *	struct job *job = new_job(fx, "smoke");    changes the unit of work
 *	save(fx);                                  must succeed
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "store/columns.h"
#include "store/store.h"

struct fixture;

/* One kind of store. */
struct backend {
	const char *name;
	int (*open)(struct fixture *fx, struct store **ret, struct err *err);
	void (*clean)(struct fixture *fx);
};

extern const struct backend sqlite_backend;
extern const struct backend memory_backend;

struct fixture {
	const struct backend *backend;
	char *place; /* folder, or name of a database in memory; owned */
	struct store *store;
	struct store_reader *reader;
	struct arena arena; /* of the turn, and of what is read in it */
	struct uow uow;
	struct turn_keys keys;
	struct rng rng;
	int64_t now_ms;
	struct err err;
};

/* cmocka set-up and tear-down; *state is the backend before, the fixture after. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes and opens again: what was saved must still be there. */
void reopen(struct fixture *fx);
void open_store(struct fixture *fx);
void close_store(struct fixture *fx);

/* Begins a turn: nothing is loaded, nothing is wanted, now is 10 ms later. */
void turn(struct fixture *fx);
void load(struct fixture *fx);
void save(struct fixture *fx);
int try_save(struct fixture *fx);

void want_job(struct fixture *fx, struct job_id id);
void want_run(struct fixture *fx, struct run_id id);
void want_worker(struct fixture *fx, struct worker_id id);
void want_claim(struct fixture *fx, int64_t lane, size_t n);

/* The job of the turn; fails the test when it was not loaded. */
struct job *job_of(struct fixture *fx, struct job_id id);
struct run *run_of(struct fixture *fx, struct run_id id);

/* A new queued job with one test and a job.queued event: project 1, queue 1, lane 1, ready. */
struct job *new_job(struct fixture *fx, const char *name);
/* The same in a turn of its own. */
struct job_id put_job(struct fixture *fx, const char *name);

/* A new leased run of a job of this turn (its counters follow), with a run.leased event. */
struct run *new_run(struct fixture *fx, struct job *job, struct worker_id worker);
void finish_run(struct fixture *fx, struct run *run, enum run_outcome outcome);
struct worker_row *new_worker(struct fixture *fx, const char *name);
struct definition *new_definition(struct fixture *fx, enum def_kind kind, const char *name);

struct uuid new_uuid(struct fixture *fx);

/* Sets every column of a row, each to another value; the row's texts are the arena's. */
void fill_row(struct fixture *fx, const struct table *table, void *row, int64_t salt);
/* The same for its live columns only. */
void fill_live(struct fixture *fx, const struct table *table, void *row, int64_t salt);

/* Fails with the name of the first column that differs. */
void assert_same_row(const struct table *table, const void *expected, const void *got);

#define assert_done(fx, call)                                                \
	do {                                                                 \
		(fx)->err.text[0] = '\0';                                    \
		int done_ = (call);                                          \
		if (done_ != 0)                                              \
			fail_msg("%s: %d %s", #call, done_, (fx)->err.text); \
	} while (0)

/* Reads through the fixture's reader: job by id, events of a job. */
struct job *read_back(struct fixture *fx, struct job_id id);
size_t read_events_after(
	struct fixture *fx, int64_t job_seq, int64_t after_seq, struct event **ret);

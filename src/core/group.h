/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a grouped job (docs/protocol/browser-jobs.md): for each browser group a cursor
 * over its fixtures, the fixtures that are open, and the connections in use.
 *
 * What is kept (job->plan) is small: a cursor and the open fixtures of each group. Everything
 * else is seen in the job's open runs, which are always loaded with a grouped job: leased ones
 * occupy connections, waiting ones stand at the front, held ones wait for their release. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "core/job.h"
#include "core/layout.h"
#include "core/run.h"
#include "core/worker_row.h"

enum group_phase {
	GROUP_NEW,    /* the job's before hook is due */
	GROUP_BEFORE, /* the job's before hook is under way */
	GROUP_TESTS,
	GROUP_AFTER, /* the job's after hook is due or under way */
	GROUP_DONE,
	GROUP_PHASE_COUNT
};

enum fixture_phase {
	FIXTURE_BEFORE, /* its before hook is under way */
	FIXTURE_TESTS,
	FIXTURE_AFTER, /* its after hook is due or under way */
	FIXTURE_PHASE_COUNT
};

/* A fixture of a group that was begun and is not over. */
struct open_fixture {
	int32_t fixture;
	enum fixture_phase phase;
	int32_t next;            /* test to start next */
	bool has_begun;          /* a run of it was leased, so its after hook is owed */
	bool is_hook_running;    /* the after hook of FIXTURE_AFTER was leased */
	bool is_busy;            /* during a step: a test of it is leased or waits */
	int32_t connection;      /* that it keeps to; 0: any */
	struct worker_id worker; /* whose connection; zero: any worker's */
	int64_t seen_ms;         /* last sign of life there */
	int64_t before_run;      /* seq of its before hook that passed; 0: none */
	int64_t last_run;        /* seq of the unit that ended last; 0: none */
	enum run_outcome failed; /* outcome that its before hook gives to its units */
	const char *error;       /* JSON, with `failed` */
};

struct group {
	enum group_phase phase;
	int64_t iteration; /* from 1 */
	int32_t next_fixture;
	int64_t next_start_n;      /* from 1 */
	bool is_hook_running;      /* the after hook of GROUP_AFTER was leased */
	bool has_begun;            /* a run of it was leased */
	int64_t before_run;        /* seq of the job's before hook that passed; 0: none */
	enum run_outcome failed;   /* outcome that the job's before hook gives to all units */
	const char *error;         /* JSON, with `failed` */
	struct open_fixture *open; /* in source order */
	int32_t n_open, cap_open;
};

struct grouping {
	struct layout layout;
	struct group *groups; /* by target */
	int32_t n_groups;
	int32_t incarnation; /* that the plan belongs to */
	bool hook_failed;    /* one that no unit answers for: the job fails */
	bool has_more;       /* there is more to do that needs no worker */
	bool is_changed;     /* job->plan is to be written */
};

/* What may be started next, and where. */
struct candidate {
	int32_t group;
	int32_t connection; /* from 1 */
	int32_t test;       /* a hook's place is behind the tests */
	enum run_role role;
	struct run *waiting; /* take this one; NULL: a new run */
	int32_t opens;       /* the list is to be opened up to this fixture; -1: no further */
};

struct arena;
struct uow;

/*
 * The job's grouping, decoded at the first call of a turn; never NULL for a grouped job. A text
 * that cannot be read begins the plan anew: nothing but this program writes it.
 */
struct grouping *group_of(struct uow *uow, struct job *job) __attribute__((returns_nonnull));

/* Writes the grouping back into job->plan. */
void group_save(struct uow *uow, struct job *job);

/* The same for all jobs whose grouping has changed: once in a turn, before it is saved. */
void group_save_changed(struct uow *uow);

struct group_ask {
	const struct worker_row *worker; /* NULL: any */
	const char *kind;                /* NULL: any */
	int64_t now_ms;
	bool starts_units; /* units may be started; else only hooks that are due */
};

/*
 * The next run of the job, by the order of browser-jobs.md, 3. *ret_until_ms: when to ask again
 * because a connection is kept for a worker, or 0. False: nothing may start.
 */
bool group_next(const struct job *job, const struct grouping *grouping,
	const struct group_ask *ask, struct candidate *ret, int64_t *ret_until_ms);

/* The open fixture, or NULL. */
struct open_fixture *group_open_fixture(struct group *group, int32_t fixture);

/* Opens it, in source order. */
struct open_fixture *group_open(
	struct uow *uow, struct grouping *grouping, struct group *group, int32_t fixture);
void group_close(struct group *group, struct open_fixture *open);

/* True when it is the turn of the group's next fixture, and it is not opened by its first run
 * but by the plan's own step: there will be none, or much is skipped before it. */
bool group_opens_without_run(const struct grouping *grouping, const struct group *group);

/* The next test of the open fixture that is not skipped, or -1. */
int32_t group_live_test(const struct grouping *grouping, const struct open_fixture *open);

/* True when every group is over. */
bool group_is_done(const struct grouping *grouping);

/* Final results of units that count against the job and are not released yet. */
int64_t group_held_failures(const struct job *job);

/* What a group has under way, and what its held results weigh: see group_is_full(). */
struct group_load {
	int64_t n_begun; /* runs that are not finished */
	int64_t bytes;   /* errors of those that are held */
};

void group_load_add(struct group_load *load, const struct run *run);

/* The group's share of RUNS_HELD_BYTES_MAX. */
static inline int64_t
group_bytes_max(const struct job *job)
{
	return RUNS_HELD_BYTES_MAX / job->n_targets;
}

/* The earliest unit of a group is not over; all others that were begun could come to be held.
 */
static inline bool
group_is_full(const struct job *job, const struct group_load *load)
{
	return load->n_begun > RUNS_HELD_MAX || load->bytes >= group_bytes_max(job);
}

/* True for a run of the present incarnation that carries out a test, not a hook. */
static inline bool
run_is_unit(const struct job *job, const struct run *run)
{
	return run->test < job->n_tests;
}

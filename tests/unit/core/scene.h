/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for one job: time, a queue, a worker and the unit of work that a turn would have. The
 * steps are named as an engine would take them, so that a scenario reads like the rule it
 * holds.
 */
#pragma once

#include "core/plan_impl.h"
#include "unit.h"

#define SCENE_START_MS INT64_C(1767225600000)

enum { SCENE_TESTS_MAX = 8 };

struct scene {
	struct arena arena;
	struct rng rng;
	struct lanes lanes;
	struct uow uow;
	struct worker_row worker;
	struct test_spec tests[SCENE_TESTS_MAX]; /* named "a", "b", …; kind "command" */
	struct job_spec spec;                    /* to be changed before submit() */
	struct job *job;
	size_t n_told;   /* events that told() has returned */
	char text[4096]; /* what told() returned */
};

/* As cmocka's set-up and tear-down: *state is the scene. */
int scene_setup(void **state);
int scene_teardown(void **state);

/* A job of the spec. n_tests is taken from the spec. */
struct job *submit(struct scene *scene);

/* Time passes; what became due of the job is done, as a turn does it first. */
void later(struct scene *scene, int64_t ms);

/* The worker takes the next run, which must be there. */
struct run *lease(struct scene *scene);
/* The same, and it must be this unit: "iteration.target.test#attempt", test a letter. */
struct run *lease_unit(struct scene *scene, const char *unit);
void finish(struct scene *scene, struct run *run, enum run_outcome outcome);
void finish_as(
	struct scene *scene, struct run *run, enum run_outcome outcome, const char *reason);
/* Leases the next run and finishes it. */
void play(struct scene *scene, enum run_outcome outcome);
/* The worker under the run is gone. */
void lose(struct scene *scene, struct run *run);

/* The command must be accepted. */
void command(struct scene *scene, enum job_command what);

/* Names of the events since the last call, with a space between them. */
const char *told(struct scene *scene);

/* Ends with the state and the reason that people would see. */
void assert_job_is(const struct scene *scene, enum job_state state, enum job_reason reason);
/* "passed 1 failed 2", what is 0 left out; flaky as well. */
void assert_counts(struct scene *scene, const char *expected);
/* No run may be taken now. */
void assert_idle(const struct scene *scene);

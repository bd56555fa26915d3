/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for one grouped job: several workers, fixtures written as a line of text, runs known
 * by short names, and what was said about them as one line.
 *
 * The line: a word for each fixture, tests are letters from 'a' on, upper case is skipped.
 *	"ab c"      two fixtures, of two tests and of one
 *	"<ab>"      with a before and an after hook (either may be alone)
 *	"=ab"       one test at a time on one connection; "!ab" isolated
 *	"{ ab c }"  the job has a before and an after hook
 *
 * A run's name: GROUP/ITERATION.TEST#ATTEMPT@CONNECTION, of which the group is left out when
 * there is one, the iteration and the attempt when they are 1. A hook's test is '<' or '>' and
 * the number of its fixture from 1, the job's are '{' and '}'.
 */
#pragma once

#include "core/plan_impl.h"
#include "unit.h"

#define STAGE_START_MS INT64_C(1767225600000)

enum { STAGE_TESTS_MAX = 32, STAGE_WORKERS = 4, STAGE_TEXT_BYTES = 16384 };

struct stage {
	struct arena arena;
	struct rng rng;
	struct lanes lanes;
	struct uow uow;
	struct worker_row workers[STAGE_WORKERS];
	struct fixture_spec fixtures[STAGE_TESTS_MAX];
	struct test_spec tests[STAGE_TESTS_MAX];
	struct job_spec spec; /* to be changed before set_up() */
	struct job *job;
	size_t n_told;
	bool tells_attempts; /* told() names what it is told about with its attempt */
	char text[STAGE_TEXT_BYTES];
};

/* As cmocka's set-up and tear-down: *state is the stage. */
int stage_setup(void **state);
int stage_teardown(void **state);

/* Reads the line into the spec, to which more may be said before set_up(). */
void fixtures(struct stage *stage, const char *line);
/* The job of the spec, and of the line when it is not NULL. */
struct job *set_up(struct stage *stage, const char *line);

/* Time passes; what is due is done. */
void pass(struct stage *stage, int64_t ms);
/* All turns that are due now, each from what the store would have kept. Returns how many. */
int turns(struct stage *stage);

/* Worker number w takes the next run, when there is one for it. */
struct run *try_take(struct stage *stage, int w);
/* Worker number w takes the next run, which must have that name. */
struct run *take(struct stage *stage, int w, const char *name);
/* Worker 0 takes the next run, which must be there. */
struct run *take_any(struct stage *stage);
/* There is nothing for worker number w now. */
void take_none(struct stage *stage, int w);
/* The run ends as 'P'assed, 'F'ailed, 'E'rrored, 'T'imed out, 'C'ancelled or 'S'kipped. */
void ends(struct stage *stage, struct run *run, char outcome);
void ends_with(struct stage *stage, struct run *run, char outcome, const char *reason,
	const char *error);
/* Its browser is lost; its worker with it when `with_worker`. */
void vanishes(struct stage *stage, struct run *run, bool with_worker);
void order(struct stage *stage, enum job_command command);
/* Takes and ends whatever comes, by worker 0, all as `outcome`, until nothing comes. */
void play_all(struct stage *stage, char outcome);

/*
 * What was said since the last call: "+NAME" leased, "NAME:P" ended, "NAME~F" ended and to be
 * repeated, "NAME<" begins again, "!NAME:P" released ("!NAME:P*" unstable), else the event's
 * own name. Names have no connection here. job.progress, run.created and run.lost are left out.
 */
const char *told(struct stage *stage);
#define assert_told(stage, text) assert_string_equal(told(stage), text)
/* Only what was released, as "a:P b:F". */
const char *released(struct stage *stage);

void assert_is(const struct stage *stage, enum job_state state, enum job_reason reason);
/* "passed 1 failed 2", what is 0 left out. */
void assert_counts(struct stage *stage, const char *expected);

/* SPDX-License-Identifier: Apache-2.0 */
/* The run's state machine and its words. */
#include "core/run.h"

#include <assert.h>
#include <string.h>

#define TO(s) (1u << (s))

static const struct {
	const char *name;
	unsigned next;
} states[RUN_STATE_COUNT] = {
	[RUN_WAITING] = { "waiting", TO(RUN_LEASED) | TO(RUN_HELD) | TO(RUN_FINISHED) },
	[RUN_LEASED] = { "leased", TO(RUN_WAITING) | TO(RUN_HELD) | TO(RUN_FINISHED) },
	[RUN_HELD] = { "held", TO(RUN_FINISHED) },
	[RUN_FINISHED] = { "finished", 0 },
};

static const char *const outcomes[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = NULL,
	[OUTCOME_PASSED] = "passed",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_ERRORED] = "errored",
	[OUTCOME_SKIPPED] = "skipped",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_TIMED_OUT] = "timed_out",
};

const char *
run_state_name(enum run_state state)
{
	return states[state].name;
}

int
run_state_parse(const char *name, enum run_state *ret)
{
	for (int i = 0; i < RUN_STATE_COUNT; i++) {
		if (strcmp(states[i].name, name) == 0) {
			*ret = (enum run_state)i;
			return 0;
		}
	}
	return -1;
}

const char *
run_outcome_name(enum run_outcome outcome)
{
	return outcomes[outcome];
}

int
run_outcome_parse(const char *name, enum run_outcome *ret)
{
	for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
		if (strcmp(outcomes[i], name) == 0) {
			*ret = (enum run_outcome)i;
			return 0;
		}
	}
	return -1;
}

bool
run_state_may(enum run_state from, enum run_state to)
{
	return states[from].next & TO(to);
}

void
run_move(struct run *run, enum run_state to)
{
	assert(run_state_may(run->state, to));
	run->state = to;
}

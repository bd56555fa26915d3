/* SPDX-License-Identifier: Apache-2.0 */
/* The job's state machine as data: two tables and one mover. */
#include "core/job.h"

#include <assert.h>
#include <string.h>

#define TO(s) (1u << (s))
#define ON(c) (1u << (c))

#define STOPPABLE (ON(JOB_CMD_STOP) | ON(JOB_CMD_CANCEL) | ON(JOB_CMD_DELETE))

_Static_assert(JOB_STATE_COUNT <= 32, "next is a 32-bit set");

/*
 * `next` are the edges that job_move takes, `commands` what people may ask for. A final state
 * has one exit: a new incarnation, begun by `start`.
 */
/* clang-format off */
static const struct {
	const char *name;
	unsigned next, commands;
	bool is_final;
} states[JOB_STATE_COUNT] = {
	[JOB_QUEUED] = { "queued",
		TO(JOB_STARTING) | TO(JOB_PAUSED) | TO(JOB_STOPPED) | TO(JOB_FAILED),
		ON(JOB_CMD_PAUSE) | STOPPABLE, false },
	[JOB_STARTING] = { "starting",
		TO(JOB_RUNNING) | TO(JOB_PAUSING) | TO(JOB_PAUSED) | TO(JOB_STOPPING) | TO(JOB_STOPPED) |
		TO(JOB_RESTARTING) | TO(JOB_FAILED),
		ON(JOB_CMD_PAUSE) | ON(JOB_CMD_START) | STOPPABLE, false },
	[JOB_RUNNING] = { "running",
		TO(JOB_PAUSING) | TO(JOB_PAUSED) | TO(JOB_STOPPING) | TO(JOB_STOPPED) | TO(JOB_RESTARTING) |
		TO(JOB_COMPLETED) | TO(JOB_FAILED) | TO(JOB_INVALID),
		ON(JOB_CMD_PAUSE) | ON(JOB_CMD_START) | STOPPABLE, false },
	[JOB_PAUSING] = { "pausing",
		TO(JOB_PAUSED) | TO(JOB_RUNNING) | TO(JOB_STOPPING) | TO(JOB_RESTARTING) |
		TO(JOB_COMPLETED) | TO(JOB_FAILED) | TO(JOB_INVALID),
		ON(JOB_CMD_UNPAUSE) | ON(JOB_CMD_START) | STOPPABLE, false },
	[JOB_PAUSED] = { "paused",
		TO(JOB_QUEUED) | TO(JOB_RUNNING) | TO(JOB_STOPPING) | TO(JOB_STOPPED) | TO(JOB_RESTARTING) |
		TO(JOB_FAILED),
		ON(JOB_CMD_UNPAUSE) | ON(JOB_CMD_START) | STOPPABLE, false },
	[JOB_STOPPING] = { "stopping",
		TO(JOB_STOPPED) | TO(JOB_FAILED),
		ON(JOB_CMD_DELETE), false },
	[JOB_RESTARTING] = { "restarting",
		TO(JOB_STARTING) | TO(JOB_STOPPING) | TO(JOB_STOPPED),
		STOPPABLE, false },
	[JOB_COMPLETED] = { "completed", TO(JOB_RESTARTING), ON(JOB_CMD_START) | ON(JOB_CMD_DELETE), true },
	[JOB_FAILED] = { "failed", TO(JOB_RESTARTING), ON(JOB_CMD_START) | ON(JOB_CMD_DELETE), true },
	[JOB_STOPPED] = { "stopped", TO(JOB_RESTARTING), ON(JOB_CMD_START) | ON(JOB_CMD_DELETE), true },
	[JOB_INVALID] = { "invalid", TO(JOB_RESTARTING), ON(JOB_CMD_START) | ON(JOB_CMD_DELETE), true },
};

static const char *const reasons[JOB_REASON_COUNT] = {
	[JOB_REASON_NONE] = NULL,
	[JOB_REASON_PASSED] = "passed",
	[JOB_REASON_TESTS_FAILED] = "tests_failed",
	[JOB_REASON_TIMEOUT] = "timeout",
	[JOB_REASON_RUNNER_ERROR] = "runner_error",
	[JOB_REASON_WORKER_LOST] = "worker_lost",
	[JOB_REASON_STOPPED] = "stopped",
	[JOB_REASON_CANCELLED] = "cancelled",
	[JOB_REASON_INVALID_DEFINITION] = "invalid_definition",
	[JOB_REASON_HOOK_FAILED] = "hook_failed",
	[JOB_REASON_STAGE_FAILED] = "stage_failed",
	[JOB_REASON_WAIT_FAILED] = "wait_failed",
	[JOB_REASON_WAIT_TIMED_OUT] = "wait_timed_out",
	[JOB_REASON_REJECTED] = "rejected",
	[JOB_REASON_EXPIRED] = "expired",
	[JOB_REASON_SUPERSEDED] = "superseded",
};

static const char *const commands[JOB_CMD_COUNT] = {
	[JOB_CMD_PAUSE] = "pause",
	[JOB_CMD_UNPAUSE] = "unpause",
	[JOB_CMD_STOP] = "stop",
	[JOB_CMD_START] = "start",
	[JOB_CMD_CANCEL] = "cancel",
	[JOB_CMD_DELETE] = "delete",
};
/* clang-format on */

const char *
job_state_name(enum job_state state)
{
	return states[state].name;
}

int
job_state_parse(const char *name, enum job_state *ret)
{
	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		if (strcmp(states[i].name, name) == 0) {
			*ret = (enum job_state)i;
			return 0;
		}
	}
	return -1;
}

bool
job_state_is_final(enum job_state state)
{
	return states[state].is_final;
}

bool
job_state_may(enum job_state from, enum job_state to)
{
	return states[from].next & TO(to);
}

const char *
job_reason_name(enum job_reason reason)
{
	return reasons[reason];
}

int
job_reason_parse(const char *name, enum job_reason *ret)
{
	for (int i = JOB_REASON_NONE + 1; i < JOB_REASON_COUNT; i++) {
		if (strcmp(reasons[i], name) == 0) {
			*ret = (enum job_reason)i;
			return 0;
		}
	}
	return -1;
}

const char *
job_command_name(enum job_command command)
{
	return commands[command];
}

bool
job_allows(enum job_state state, enum job_command command)
{
	return states[state].commands & ON(command);
}

void
job_move(struct job *job, enum job_state to)
{
	assert(job_state_may(job->state, to));
	job->state = to;
}

enum job_reason
job_shown_reason(const struct job *job)
{
	if (job_state_is_final(job->state) || job->state == JOB_STOPPING)
		return job->reason;
	return JOB_REASON_NONE;
}

int64_t
job_units_done(const struct job *job)
{
	const struct job_counts *c = &job->counts;

	return c->passed + c->failed + c->errored + c->timed_out + c->cancelled + c->skipped +
		c->quarantined;
}

int64_t
job_units_total(const struct job *job)
{
	if (job->n_tests == 0)
		return job_units_done(job); /* a flow: those of its stages' jobs that ended */
	if (job->iterations == 0)
		return -1;
	return job->iterations * job->n_tests * job->n_targets;
}

int64_t
job_failures(const struct job *job)
{
	return job->counts.failed + job->counts.errored + job->counts.timed_out;
}

int
job_percent(const struct job *job)
{
	int64_t total = job_units_total(job);

	if (job->n_tests == 0)
		return job->next_target * 100 / (job->n_targets > 0 ? job->n_targets : 1);
	if (total < 0)
		return -1;
	return (int)((double)job_units_done(job) * 100.0 / (double)total);
}

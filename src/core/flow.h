/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: jobs whose stages are other jobs and waits (docs/protocol/flows.md). Pure, like
 * core/plan.h: rows and events change, effects and follow-ups are asked for.
 *
 * job->flow is what was asked for and never changes; job->plan is where it stands. Both are
 * decoded once in a turn (flow_of) and the plan is written back before the save
 * (flow_save_changed). plan_create, plan_command and plan_due call these rules for a job that
 * is a flow.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "core/explain.h"
#include "core/job_spec.h"
#include "core/uow.h"

/*
 * What the rules hand to the conductor (struct effect):
 *
 * LAUNCH: body is the stage's `run` as kept in the flow, with what `pass` adds; scope an object
 * with `params`, `flow`, `stages` and `matrix`. COLLECT: the ended job; of a wait for a job,
 * item is the place of the condition. PROBE: body is the condition's `http` object as kept in
 * the flow (request, headers, body, select, timeout in milliseconds: the rest is not looked
 * at); scope as for LAUNCH. Expressions inside body are filled in by the conductor, which adds
 * `signals` and `flow.url` to the scope; `until` and `failIf` are the rules' own.
 */

/* One look at what a stage waits for. */
struct wait_look {
	int32_t status; /* of HTTP; 0: there was no answer */
	int64_t took_ms;
	struct str value;       /* JSON: what was selected; empty: nothing. At most
				   PROBE_BODY_BYTES_MAX */
	struct str headers;     /* JSON object of texts, names in lower case; empty: none */
	struct str body;        /* JSON: the whole body, a text when it is none */
	int64_t retry_after_ms; /* of the answer; 0: not said */
	const char *error;      /* why there is no value; NULL: there is one */
	bool is_transport;      /* nobody was reached: counts against transportErrors */
};

/* What came of an effect. `error` alone when it could not be carried out for good. */
struct flow_report {
	enum effect_kind what; /* FLOW_LAUNCH, FLOW_COLLECT, FLOW_PROBE */
	struct job_id flow;
	const char *stage;
	int32_t item, attempt;       /* as in the effect */
	const struct job_spec *spec; /* LAUNCH */
	struct str outputs;          /* COLLECT: JSON object */
	struct wait_look look;       /* PROBE */
	const char *error; /* for good: what was asked for cannot be done. Texts of the guard,
			      of names that do not exist, of job requests that are wrong */
};

/* Something from outside for a stage that waits, or will. */
struct flow_signal {
	struct job_id flow;
	const char *stage;
	int32_t condition;  /* place in the stage's conditions; -1: its only one of that kind */
	struct str payload; /* JSON; empty: none */
	bool is_approval, is_approved;
	const char *by, *note; /* of an approval; NULL: not said */
};

/* Where a final flow begins again. */
enum flow_from {
	FLOW_FROM_FAILED, /* with the stages that did not succeed */
	FLOW_FROM_BEGIN,
	FLOW_FROM_STAGE, /* with this one and all that need it */
};

struct flow_start {
	enum flow_from from;
	const char *stage; /* FROM_STAGE */
};

/* How another job stands that a stage made or waits for. */
struct flow_job_end {
	struct job_id job;
	enum job_state state; /* a final one */
	enum job_reason reason;
	struct job_counts counts;
	bool is_gone; /* there is no such job, or no more: the rest is empty */
};

/* ---- the rules ---- */

/* A new flow begins, or waits for its runAt. */
void flow_create(struct uow *uow, struct job *job, int32_t depth);

/* How deep the flow is inside others; 0: it was not made by one. */
int32_t flow_depth(struct uow *uow, struct job *job);

/*
 * Does all that can be done now. Idempotent. With `again`, what is under way is asked for once
 * more: after a start of the engine, which may have lost it.
 */
void flow_step(struct uow *uow, struct job *job, bool again);

/* What commands do, once plan_command has asked the table whether the state allows them. */
void flow_pause(struct uow *uow, struct job *job);
void flow_unpause(struct uow *uow, struct job *job);
void flow_stop(struct uow *uow, struct job *job, enum job_reason reason);
void flow_delete(struct uow *uow, struct job *job);

/* The next incarnation; job->incarnation says so already. */
void flow_restart(struct uow *uow, struct job *job);

/* Where the `start` that comes next begins; without it, with what failed. -1: NOT_FOUND, there
 * is no such stage. */
int flow_start_from(struct uow *uow, struct job *job, const struct flow_start *start,
	struct err *err) MUST_CHECK;

/* When it must be looked at without being asked; 0: never. */
int64_t flow_due_ms(struct uow *uow, struct job *job);

/*
 * True when the report says that the stage's job can be made and the stage still wants it: the
 * caller makes it, with parent, stage, item and attempt, and calls flow_launched in the same
 * turn.
 */
bool flow_wants_job(struct uow *uow, struct job *job, const struct flow_report *report);
void flow_launched(struct uow *uow, struct job *job, const struct flow_report *report,
	const struct job *child);

/* Everything else that a report may say. One that does not fit changes nothing. */
void flow_report(struct uow *uow, struct job *job, const struct flow_report *report);

/* A child has ended. */
void flow_child_ended(struct uow *uow, struct job *job, const struct flow_job_end *end);

/* A job that a stage waits for has ended, or is not there. */
void flow_job_ended(struct uow *uow, struct job *job, const struct flow_job_end *end);

/* -1: NOT_FOUND (no such stage or condition), CONFLICT (an approval that nobody waits for). */
int flow_signal(struct uow *uow, struct job *job, const struct flow_signal *signal,
	struct err *err) MUST_CHECK;

/* Writes plans that have changed: once in a turn, before it is saved. */
void flow_save_changed(struct uow *uow);

/* ---- views ---- */

/*
 * The array of stages as people see it: name, state, needs, times, items with their jobs,
 * conditions with the last and next look, value, error. The job has flow and plan. -1: they
 * cannot be read.
 */
int flow_stages_write(
	struct jw *jw, const struct job *job, struct arena *arena, struct err *err) MUST_CHECK;

/* Why the flow is where it is. */
struct explanation *flow_explain(struct uow *uow, struct job *job, struct arena *arena);

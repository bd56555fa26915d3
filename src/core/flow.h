/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: jobs whose stages are other jobs and waits (docs/protocol/flows.md). Pure, like
 * core/plan.h: rows and events change, effects are asked for.
 *
 * job->flow is what was asked for and never changes; job->plan is where it stands. Both are
 * decoded once in a turn (flow_of) and written back before the save (flow_save_changed).
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "core/job_spec.h"
#include "core/uow.h"

struct lanes;

/*
 * What the rules hand to the conductor (struct effect):
 *
 * LAUNCH: body is the stage's `run` as kept in the flow; scope an object with `params`, `flow`,
 * `stages` and `matrix`. COLLECT: the ended job. PROBE: body is the condition's `http` object
 * as kept in the flow (request, headers, body, select, timeout: the rest is not looked at);
 * scope as for LAUNCH. Expressions inside body are filled in by the conductor, which adds
 * `signals` to the scope; `until` and `failIf` are the rules' own.
 */

/* One look at what a stage waits for. */
struct wait_look {
	int32_t status; /* of HTTP; 0: there was no answer */
	int64_t took_ms;
	struct str value; /* JSON: what was selected; empty: nothing. At most
			     PROBE_BODY_BYTES_MAX */
	struct str headers;     /* JSON object of texts, names in lower case; empty: none */
	struct str body;        /* JSON: the whole body, a text when it is none */
	int64_t retry_after_ms; /* of the answer; 0: not said */
	const char *error; /* why there is no value; NULL: there is one */
	bool is_transport; /* nobody was reached: counts against transportErrors */
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
	const char *error; /* for good: what was asked for cannot be done. Texts of the guard, of
			      names that do not exist, of job requests that are wrong */
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

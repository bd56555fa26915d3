/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for one flow: time, a unit of work, and a world that answers what the flow asks for
 * when the scenario says so. Steps are named as a reader of docs/protocol/flows.md would.
 */
#pragma once

#include "core/flow.h"
#include "core/flow_impl.h"
#include "core/job_json.h"
#include "core/plan_impl.h"
#include "unit.h"

#define FLOW_START_MS INT64_C(1767225600000)

struct flow_scene {
	struct arena arena;
	struct rng rng;
	struct lanes lanes;
	struct uow uow;
	struct job *job;
	size_t n_effects; /* that asked() has looked at */
	size_t n_follow;  /* that followed() has looked at */
	size_t n_told;
	char text[8192];
};

int flow_scene_setup(void **state);
int flow_scene_teardown(void **state);

/* A flow of this request, single quotes for double ones; it must be a good one. */
struct job *flow_begin(struct flow_scene *s, const char *request);

/* Time passes; what is due is done. */
void flow_later(struct flow_scene *s, int64_t ms);

/* The engine forgets everything but the rows and begins again. */
void flow_reboot(struct flow_scene *s);

/* What was asked for since the last call: "launch a.0#1 probe w.0#1 collect a.0#1". */
const char *flow_asked(struct flow_scene *s);

/* What was asked of other jobs since the last call: "pause a.0 watch <id>". */
const char *flow_followed(struct flow_scene *s);

/* The last effect that was asked for about the stage, item and attempt. */
const struct effect *flow_effect(struct flow_scene *s, enum effect_kind kind, const char *stage,
	int32_t item, int32_t attempt);

/* The launch is carried out: a job is made. NULL: the flow did not want it. */
struct job *flow_launch(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt);
/* It cannot be. */
void flow_launch_fails(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt,
	const char *error);

/* The child ends, and the flow is told. */
void flow_ends(struct flow_scene *s, const struct job *child, enum job_state state,
	enum job_reason reason);
void flow_collects(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt,
	const char *results);
/* Launch, end as completed, collect: the whole life of an item's attempt. */
void flow_passes(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt,
	const char *results);
/* Launch and end with failed tests; an attempt that ends the stage is collected. */
void flow_fails(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt);

/* A look is answered with a status and a selected value (JSON). */
void flow_looks(struct flow_scene *s, const char *stage, int32_t condition, int32_t n,
	int32_t status, const char *value);
void flow_looks_nowhere(struct flow_scene *s, const char *stage, int32_t condition, int32_t n);

/* 0, or -1 with what was wrong in *err. */
int flow_signals(struct flow_scene *s, const char *stage, const char *payload, struct err *err);
int flow_decides(struct flow_scene *s, const char *stage, bool is_approved, struct err *err);

void flow_command(struct flow_scene *s, enum job_command command);
void flow_starts(struct flow_scene *s, enum flow_from from, const char *stage);

/* "prepare succeeded, done running". */
void assert_stages(struct flow_scene *s, const char *expected);
void assert_flow_is(struct flow_scene *s, enum job_state state, enum job_reason reason);

/* Names of the events since the last call. */
const char *flow_told(struct flow_scene *s);

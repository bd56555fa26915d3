/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows in JSON: from a job request's `stages`, `chain`, `parallel` or `attempts` to the text
 * that job->flow keeps, with every check of docs/protocol/flows.md that needs no server.
 */
#pragma once

#include <jansson.h>

#include "base/json.h"
#include "core/job_json.h"
#include "core/retry.h"

/* Field tables, for the decoder, for OpenAPI and for the JSON Schema. */
extern const struct json_field flow_stage_fields[];
extern const struct json_field flow_wait_fields[]; /* one condition, or any, or all */
extern const struct json_field flow_condition_fields[];
extern const struct json_field flow_http_fields[];
extern const struct json_field flow_interval_fields[];
extern const struct json_field flow_timer_fields[];
extern const struct json_field flow_approval_fields[];
extern const struct json_field flow_attempts_fields[]; /* of the short form */
extern const struct json_field flow_fields[];          /* a saved flow */

/* True when the request is a flow. */
bool flow_is_asked_for(const json_t *job);

/*
 * Writes the short forms out as stages, in the request. Done before parameters are filled in.
 */
void flow_write_out(json_t *job, const char *pointer, struct issues *issues);

/* The members that say the stages, NULL-terminated; the one that is used, or NULL. */
extern const char *const flow_forms[];
const char *flow_form(const json_t *job);

/*
 * Stages that were written out are in no file: offences from the first-th on get the places of
 * the form that they come from.
 */
void flow_name_places(
	const char *form, const char *pointer, struct issues *issues, size_t first);

/*
 * In a `run` with tests of its own, `params` are those of that job request, laid over the
 * flow's, when it has any or gets some by `pass`. They have values when the stage is launched,
 * so such a run is taken out while the flow's are filled in, all but its `params`. What is
 * taken is for flow_give_back_runs and to be released after it.
 */
json_t *flow_take_runs(json_t *job);
void flow_give_back_runs(json_t *job, json_t *taken);

/* Whether `params` in its texts may be the run's own; whether the stage's are. */
bool flow_run_is_inline(const json_t *run);
bool flow_stage_has_params(const json_t *stage);

/*
 * Checks the stages of a request whose short forms are written out and whose parameters are
 * filled in, or, with is_saved, a flow that is to be saved. Gives the text for job->flow
 * in *ret (may be NULL). -1: issues.
 */
int flow_stages_check(json_t *job, json_t *params, bool is_saved, const char *pointer,
	struct arena *arena, struct issues *issues, const char **ret) MUST_CHECK;

/* Whether a stage of a request, in any form, names something saved. */
bool flow_names_saved_things(const json_t *job);

/*
 * Looks up the saved things that the stages of a request name, short forms written out, and
 * holds the parameters they get against those they declare. -1: err says why the source failed;
 * what is missing is in issues.
 */
int flow_names_check(const json_t *job, const struct job_source *source, const char *pointer,
	struct issues *issues, struct err *err) MUST_CHECK;

/* Checks a flow that is to be saved. -1: issues. */
int flow_definition_read(json_t *flow, struct arena *arena, struct issues *issues,
	struct definition_head *ret) MUST_CHECK;

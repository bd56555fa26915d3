/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a flow's request before it is checked: short forms become stages, and runs
 * with parameters of their own are kept from the flow's.
 */
#include "core/flow_json.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

/* clang-format off */
struct attempts_request {
	int64_t max, delay_ms, delay_max_ms, timeout_ms;
	double factor, jitter;
	struct strs on;
	json_t *run;
};

#define ATTEMPTS(member) .offset = offsetof(struct attempts_request, member)
const struct json_field flow_attempts_fields[] = {
	{ .name = "max", .kind = FIELD_INT, .required = true, ATTEMPTS(max), .min = 1, .max = RETRIES_MAX + 1 },
	{ .name = "delay", .kind = FIELD_DURATION, ATTEMPTS(delay_ms), .min = 0, .max = RETRY_DELAY_MS_MAX },
	{ .name = "factor", .kind = FIELD_NUM, ATTEMPTS(factor), .min = 1, .max = RETRY_FACTOR_MAX },
	{ .name = "maxDelay", .kind = FIELD_DURATION, ATTEMPTS(delay_max_ms), .min = 0, .max = RETRY_DELAY_MS_MAX },
	{ .name = "jitter", .kind = FIELD_NUM, ATTEMPTS(jitter), .min = 0, .max = 1 },
	{ .name = "on", .kind = FIELD_STRS, ATTEMPTS(on), .min = 1, .max = 3, .item_max = 20 },
	{ .name = "timeout", .kind = FIELD_DURATION, ATTEMPTS(timeout_ms), .min = 1, .max = STAGE_TIMEOUT_MS_MAX },
	{ .name = "run", .kind = FIELD_OBJ, .required = true, ATTEMPTS(run), .min = 1, .max = 1000 },
	{ 0 },
};
/* clang-format on */

/* ---- short forms ---- */

const char *const flow_forms[] = { "stages", "chain", "parallel", "attempts", NULL };

const char *
flow_form(const json_t *job)
{
	for (size_t i = 0; flow_forms[i]; i++) {
		if (json_object_get(job, flow_forms[i]))
			return flow_forms[i];
	}
	return NULL;
}

bool
flow_is_asked_for(const json_t *job)
{
	return flow_form(job) || json_object_get(job, "flow") != NULL;
}

static json_t *
new_stage(size_t place, json_t *run)
{
	char name[12];

	(void)snprintf(name, sizeof name, "%u", (unsigned)(place + 1) % 1000000);
	return json_pack("{s:s, s:O}", "name", name, "run", run);
}

static json_t *
write_chain(json_t *job)
{
	json_t *stages = json_array(), *run, *pass = json_object_get(job, "pass");
	size_t i;

	json_array_foreach(json_object_get(job, "chain"), i, run)
	{
		json_t *stage = new_stage(i, run);

		if (i > 0 && pass)
			(void)json_object_set(stage, "pass", pass);
		(void)json_array_append_new(stages, stage);
	}
	return stages;
}

static json_t *
write_parallel(json_t *job)
{
	json_t *stages = json_array(), *run;
	bool goes_on = json_is_true(json_object_get(job, "allowFailures"));
	size_t i;

	json_array_foreach(json_object_get(job, "parallel"), i, run)
	{
		json_t *stage = new_stage(i, run);

		(void)json_object_set_new(stage, "needs", json_array());
		if (goes_on)
			(void)json_object_set_new(stage, "continueOnFailure", json_true());
		(void)json_array_append_new(stages, stage);
	}
	return stages;
}

/* A number of attempts is one more than a number of retries. */
static json_t *
write_attempts(json_t *job, const char *pointer, struct issues *issues)
{
	struct attempts_request in = { .max = 1, .factor = 1 };
	json_t *attempts = json_object_get(job, "attempts");
	json_t *retry = json_copy(attempts), *stage;

	(void)(json_decode(attempts, flow_attempts_fields, &in,
		       json_pointer_member(issues->arena, pointer, "attempts"), issues) < 0);
	(void)json_object_del(retry, "run");
	(void)json_object_del(retry, "timeout");
	(void)json_object_set_new(retry, "max", json_integer(in.max - 1));
	stage = json_pack("{s:s, s:o}", "name", "run", "retry", retry);
	if (in.run)
		(void)json_object_set(stage, "run", in.run);
	if (json_object_get(attempts, "timeout"))
		(void)json_object_set(stage, "timeout", json_object_get(attempts, "timeout"));
	return json_pack("[o]", stage);
}

static bool
is_list(json_t *job, const char *name, const char *pointer, struct issues *issues)
{
	json_t *list = json_object_get(job, name);

	if (json_is_array(list) && json_array_size(list) > 0 &&
		json_array_size(list) <= FLOW_STAGES_MAX)
		return true;
	issues_add_member(issues, pointer, name, ISSUE_INVALID,
		"a list of 1 to %d job requests is expected", FLOW_STAGES_MAX);
	return false;
}

void
flow_write_out(json_t *job, const char *pointer, struct issues *issues)
{
	json_t *stages = NULL;
	size_t n = 0;

	for (size_t i = 0; flow_forms[i]; i++)
		n += json_object_get(job, flow_forms[i]) != NULL;
	if (n > 1) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"only one of stages, chain, parallel and attempts is possible");
		return;
	}
	if (json_object_get(job, "chain") && is_list(job, "chain", pointer, issues))
		stages = write_chain(job);
	else if (json_object_get(job, "parallel") && is_list(job, "parallel", pointer, issues))
		stages = write_parallel(job);
	else if (json_is_object(json_object_get(job, "attempts")))
		stages = write_attempts(job, pointer, issues);
	if (json_object_get(job, "pass") && !json_object_get(job, "chain"))
		issues_add_member(issues, pointer, "pass", ISSUE_INVALID,
			"it belongs to a chain; a stage has its own");
	if (json_object_get(job, "allowFailures") && !json_object_get(job, "parallel"))
		issues_add_member(issues, pointer, "allowFailures", ISSUE_INVALID,
			"it belongs to parallel; a stage has continueOnFailure");
	if (!stages)
		return;
	(void)json_object_set_new(job, "stages", stages);
	for (size_t i = 1; flow_forms[i]; i++)
		(void)json_object_del(job, flow_forms[i]);
	(void)json_object_del(job, "pass");
	(void)json_object_del(job, "allowFailures");
}

/* What follows when the place is the member `name` or below it; NULL: it is not. */
static const char *
below(const char *place, const char *name)
{
	size_t n = strlen(name);

	return strncmp(place, name, n) == 0 && (place[n] == '/' || !place[n]) ? place + n
									      : NULL;
}

/* What follows "/stages/N" in the words of the form. */
static const char *
place_in_form(struct arena *arena, const char *form, const char *number, const char *rest)
{
	int n = (int)strspn(number, "0123456789");
	const char *run = below(rest, "/run"), *pass = below(rest, "/pass");
	const char *retry = below(rest, "/retry"), *timeout = below(rest, "/timeout");

	if (strcmp(form, "attempts") != 0)
		return pass
			? arena_printf(arena, "/pass%s", pass)
			: arena_printf(arena, "/%s/%.*s%s", form, n, number, run ? run : "");
	return run        ? arena_printf(arena, "/attempts/run%s", run)
		: retry   ? arena_printf(arena, "/attempts%s", retry)
		: timeout ? "/attempts/timeout"
			  : "/attempts";
}

void
flow_name_places(const char *form, const char *pointer, struct issues *issues, size_t first)
{
	size_t n = strlen(pointer);

	if (!form || strcmp(form, "stages") == 0)
		return;
	for (size_t i = first; i < issues->n; i++) {
		const char *place = issues->item[i].pointer;
		const char *number = below(place + n, "/stages");

		if (strncmp(place, pointer, n) != 0 || !number || !number[0])
			continue;
		number++;
		issues->item[i].pointer = arena_printf(issues->arena, "%s%s", pointer,
			place_in_form(issues->arena, form, number,
				number + strspn(number, "0123456789")));
	}
}

/* ---- parameters of a run ---- */

bool
flow_run_is_inline(const json_t *run)
{
	return json_is_object(run) && !json_object_get(run, "template") &&
		!json_object_get(run, "flow");
}

bool
flow_stage_has_params(const json_t *stage)
{
	const json_t *run = json_object_get(stage, "run");

	return flow_run_is_inline(run) &&
		(json_object_size(json_object_get(run, "params")) > 0 ||
			json_object_size(json_object_get(stage, "pass")) > 0);
}

json_t *
flow_take_runs(json_t *job)
{
	json_t *taken = json_array(), *stage;
	size_t i;

	json_array_foreach(json_object_get(job, "stages"), i, stage)
	{
		json_t *rest, *left, *params;

		if (!flow_stage_has_params(stage)) {
			(void)json_array_append_new(taken, json_null());
			continue;
		}
		left = json_object();
		rest = json_copy(json_object_get(stage, "run"));
		params = json_object_get(rest, "params");
		if (params)
			(void)json_object_set(left, "params", params);
		(void)json_object_del(rest, "params");
		(void)json_object_set_new(stage, "run", left);
		(void)json_array_append_new(taken, rest);
	}
	return taken;
}

void
flow_give_back_runs(json_t *job, json_t *taken)
{
	json_t *stages = json_object_get(job, "stages"), *rest;
	size_t i;

	json_array_foreach(taken, i, rest)
	{
		json_t *run = json_object_get(json_array_get(stages, i), "run");

		if (json_is_object(rest) && run)
			(void)json_object_update(run, rest);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The promises of docs/protocol/flows.md, checked against events, children and what is kept. */
#include <string.h>

#include "base/limits.h"
#include "sim.h"

#define TO(s) (1u << (s))

enum { WAITING, READY, STARTING, RUNNING, SUCCEEDED, FAILED, TIMED_OUT, CANCELLED, SKIPPED, N };

static const char *const names[N] = { "waiting", "ready", "starting", "running", "succeeded",
	"failed", "timed_out", "cancelled", "skipped" };

/* §2: waiting → ready → starting → running → an end; what is skipped never began. */
static const unsigned next[N] = {
	[WAITING] = TO(READY) | TO(SKIPPED),
	[READY] = TO(STARTING) | TO(RUNNING) | TO(SKIPPED),
	[STARTING] = TO(RUNNING) | TO(FAILED) | TO(TIMED_OUT) | TO(CANCELLED),
	[RUNNING] = TO(SUCCEEDED) | TO(FAILED) | TO(TIMED_OUT) | TO(CANCELLED),
};

enum { STAGES_MAX = 8 };

static int
state_of(const char *name)
{
	for (int i = 0; i < N; i++) {
		if (name && strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static json_t *
read_data(struct world *world, const char *key, struct str text)
{
	struct err err;
	json_t *data = json_read(text.p, text.n, 40, &err);

	if (!data)
		sim_fail(world, "flow %s: %s", key, err.text);
	return data;
}

static void
check_move(const struct flow_facts *facts, const json_t *data, int *states)
{
	const char *stage = json_string_value(json_object_get(data, "stage"));
	int to = state_of(json_string_value(json_object_get(data, "state")));
	int place = stage ? stage[1] - '0' : -1;

	if (place < 0 || place >= STAGES_MAX || to < 0)
		sim_fail(facts->world, "flow %s: an event names no stage", facts->key);
	if (json_object_get(data, "item")) {
		if (to != states[place])
			sim_fail(facts->world, "flow %s: stage %s is %s and said to be %s",
				facts->key, stage, names[states[place]], names[to]);
		return;
	}
	if (!(next[states[place]] & TO(to)))
		sim_fail(facts->world, "flow %s: stage %s goes from %s to %s", facts->key,
			stage, names[states[place]], names[to]);
	states[place] = to;
}

/* The present incarnation; the ones before may end in any way. */
static void
check_stages(const struct flow_facts *facts)
{
	int states[STAGES_MAX] = { 0 };
	bool is_fresh = true;

	for (size_t i = 0; i < facts->n_events; i++) {
		const struct event *event = &facts->events[i];

		if (event->type == EV_JOB_RESTARTING)
			is_fresh = false; /* which stages are kept is not said */
		if (event->type != EV_FLOW_STAGE || !is_fresh)
			continue;
		json_t *data = read_data(facts->world, facts->key, event->data);
		check_move(facts, data, states);
		json_decref(data);
	}
	if (facts->job->state != JOB_COMPLETED || !is_fresh)
		return;
	for (int i = 0; i < facts->job->n_targets; i++) {
		if (states[i] < SUCCEEDED)
			sim_fail(facts->world, "flow %s is completed and stage s%d is %s",
				facts->key, i, names[states[i]]);
	}
}

/* Looks and signals of a condition are numbered without a hole and never twice. */
static void
check_looks(const struct flow_facts *facts)
{
	int64_t last[STAGES_MAX][4] = { 0 };

	for (size_t i = 0; i < facts->n_events; i++) {
		if (facts->events[i].type != EV_WAIT_OBSERVED)
			continue;
		json_t *data = read_data(facts->world, facts->key, facts->events[i].data);
		int stage = json_string_value(json_object_get(data, "stage"))[1] - '0';
		int64_t condition = json_integer_value(json_object_get(data, "condition"));
		int64_t n = json_integer_value(json_object_get(data, "n"));

		if (stage < 0 || stage >= STAGES_MAX || condition < 0 || condition > 3 ||
			n <= last[stage][condition])
			sim_fail(facts->world, "flow %s: look %lld after %lld", facts->key,
				(long long)n, (long long)last[stage][condition]);
		last[stage][condition] = n;
		json_decref(data);
	}
}

/* A child is made at most once for a stage, item and attempt, and has ended with its flow. */
static void
check_children(const struct flow_facts *facts)
{
	for (size_t i = 0; i < facts->n_all; i++) {
		const struct job *a = facts->all[i];

		if (!uuid_eq(&a->parent.u, &facts->job->id.u))
			continue;
		if (!job_state_is_final(a->state))
			sim_fail(facts->world, "flow %s has ended and a child of it is %s",
				facts->key, job_state_name(a->state));
		for (size_t k = i + 1; k < facts->n_all; k++) {
			const struct job *b = facts->all[k];

			if (uuid_eq(&b->parent.u, &a->parent.u) &&
				strcmp(a->stage, b->stage) == 0 &&
				a->stage_item == b->stage_item &&
				a->stage_attempt == b->stage_attempt)
				sim_fail(facts->world, "flow %s: %s.%d#%d was made twice",
					facts->key, a->stage, (int)a->stage_item,
					(int)a->stage_attempt);
		}
	}
}

/* Results and signals that are kept are the flow's own and of the job that is named. */
static void
check_item(const struct flow_facts *facts, const json_t *item, const char *flow)
{
	const json_t *results = json_object_get(item, "results");
	const char *whose = json_string_value(json_object_get(results, "flow"));
	const char *job = json_string_value(json_object_get(item, "job"));
	const char *of = json_string_value(json_object_get(results, "job"));

	if (!results || json_object_size(results) == 0)
		return;
	if (!whose || strcmp(whose, flow) != 0 || !job || !of || strcmp(job, of) != 0)
		sim_fail(facts->world, "flow %s keeps the results of another job", facts->key);
}

static void
check_kept(const struct flow_facts *facts)
{
	json_t *plan = read_data(facts->world, facts->key, str_of(facts->job->plan));
	char flow[UUID_TEXT_LEN + 1];
	size_t i, k;
	json_t *stage, *part;

	uuid_format(&facts->job->id.u, flow);
	json_array_foreach(json_object_get(plan, "stages"), i, stage)
	{
		json_array_foreach(json_object_get(stage, "items"), k, part)
			check_item(facts, part, flow);
		json_array_foreach(json_object_get(stage, "conditions"), k, part)
		{
			const char *value = json_string_value(json_object_get(part, "value"));

			if (value && strcmp(value, flow) != 0)
				sim_fail(facts->world, "flow %s keeps the signal of another",
					facts->key);
		}
	}
	json_decref(plan);
}

void
check_flow(const struct flow_facts *facts)
{
	check_stages(facts);
	check_looks(facts);
	check_children(facts);
	check_kept(facts);
}

/* Children whose flow is no more are no more, too. */
void
check_orphans(const struct flow_facts *facts)
{
	for (size_t i = 0; i < facts->n_all; i++) {
		bool has_parent = uuid_is_zero(&facts->all[i]->parent.u);

		for (size_t k = 0; k < facts->n_all && !has_parent; k++)
			has_parent = uuid_eq(&facts->all[k]->id.u, &facts->all[i]->parent.u);
		if (!has_parent)
			sim_fail(facts->world, "a child is there and its flow is not");
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that are asked for, the conductor that carries out what they ask for, and people who
 * send signals and decide. The conductor loses everything when the server crashes, is slow,
 * finds out bad news, and sometimes says a thing twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "sim.h"

/* ---- what is asked for ---- */

static void
add_needs(struct world *world, struct jw *jw, int64_t place)
{
	char name[8];

	if (chance(world, 50))
		return; /* the one before */
	jw_karr(jw, "needs");
	for (int64_t i = 0; i < place; i++) {
		if (!chance(world, 40))
			continue;
		snprintf(name, sizeof name, "s%d", (int)i);
		jw_str(jw, name);
	}
	jw_end_arr(jw);
}

static void
add_condition(struct world *world, struct jw *jw)
{
	jw_obj(jw);
	switch (rng_below(&world->rng, 4)) {
	case 0:
		jw_kraw(jw, "http",
			"{\"request\":\"GET http://x/\",\"select\":\"\",\"until\":\". == 1\","
			"\"failIf\":\". == 2\",\"transportErrors\":2,"
			"\"interval\":{\"every\":\"500ms\",\"factor\":2,\"max\":\"4s\"}}");
		break;
	case 1:
		jw_kraw(jw, "signal", "{}");
		break;
	case 2:
		jw_kraw(jw, "timer",
			chance(world, 50) ? "{\"for\":\"3s\"}" : "{\"for\":\"20s\"}");
		break;
	default:
		jw_kraw(jw, "approval", "{}");
		break;
	}
	jw_end_obj(jw);
}

static void
add_wait(struct world *world, struct jw *jw)
{
	jw_kstr(jw, "timeout", chance(world, 50) ? "15s" : "2m");
	jw_key(jw, "wait");
	if (chance(world, 60)) {
		add_condition(world, jw);
		return;
	}
	jw_obj(jw);
	jw_karr(jw, chance(world, 50) ? "any" : "all");
	for (int64_t i = between(world, 1, 3); i > 0; i--)
		add_condition(world, jw);
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static void
add_run(struct world *world, struct jw *jw)
{
	jw_kraw(jw, "run", "{\"template\":\"t\"}");
	if (chance(world, 30)) {
		jw_kraw(jw, "matrix", "{\"a\":[1,2],\"b\":[\"x\",\"y\"]}");
		jw_ki64(jw, "maxParallel", between(world, 1, 4));
	}
	if (chance(world, 40))
		jw_kraw(jw, "retry",
			"{\"max\":2,\"delay\":\"1s\",\"factor\":2,\"jitter\":0.3}");
	if (chance(world, 20))
		jw_kstr(jw, "timeout", "30s");
}

static const char *
random_stages(struct world *world)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(64));
	int64_t n = between(world, 1, 5);
	struct jw jw;
	char name[8];

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kraw(&jw, "params", "{}");
	if (chance(world, 20))
		jw_ki64(&jw, "limit", between(world, 1, 2));
	jw_karr(&jw, "stages");
	for (int64_t i = 0; i < n; i++) {
		jw_obj(&jw);
		snprintf(name, sizeof name, "s%d", (int)i);
		jw_kstr(&jw, "name", name);
		add_needs(world, &jw, i);
		if (i > 0 && chance(world, 25))
			jw_kstr(&jw, "when", chance(world, 50) ? "always" : "failure");
		if (chance(world, 20))
			jw_kbool(&jw, "continueOnFailure", true);
		if (chance(world, 65))
			add_run(world, &jw);
		else
			add_wait(world, &jw);
		jw_end_obj(&jw);
	}
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		sim_fail(world, "a flow is too large");
	return arena_strndup(&world->arena, text.data, text.len);
}

void
random_flow(struct world *world, struct job_spec *spec)
{
	*spec = (struct job_spec) {
		.name = "flow",
		.tags = "[]",
		.labels = "",
		.n_targets = 1,
		.before = -1,
		.after = -1,
		.iterations = 1,
		.concurrency = 1,
		.retry = { .factor = 1 },
		.timeout_ms = chance(world, 15) ? between(world, 10000, 90000) : 0,
		.run_at_ms = chance(world, 10) ? wall_ms(world) + between(world, 0, 60000) : 0,
		.flow = random_stages(world),
	};
}

/* ---- the conductor ---- */

/* An effect under way: it comes to nothing when the server crashes meanwhile. */
struct errand {
	struct effect effect;
	int crashes;
};

static struct job_spec *
child_spec(struct world *world, struct arena *arena, const struct effect *effect)
{
	struct job_spec *spec = arena_xalloc(arena, sizeof *spec);
	struct test_spec *test = arena_xalloc(arena, sizeof *test);

	*test = (struct test_spec) { .name = "t", .kind = "command", .body = STR_INIT("{}") };
	*spec = (struct job_spec) {
		.name = "child",
		.tags = "[]",
		.labels = "",
		.tests = test,
		.n_tests = 1,
		.n_targets = 1,
		.before = -1,
		.after = -1,
		.iterations = 1,
		.concurrency = 1,
		.retry = { .factor = 1 },
		.queue = chance(world, 20) ? "narrow" : NULL,
		.parent = effect->flow,
		.stage = arena_strdup(arena, effect->stage),
		.stage_item = effect->item,
		.stage_attempt = effect->attempt,
	};
	return spec;
}

/* What a job gave: whose it was, so that a mix-up shows. */
static struct str
results_of(struct arena *arena, const struct effect *effect)
{
	char flow[UUID_TEXT_LEN + 1], job[UUID_TEXT_LEN + 1];

	uuid_format(&effect->flow.u, flow);
	uuid_format(&effect->job.u, job);
	return str_of(arena_printf(arena,
		"{\"flow\":\"%s\",\"job\":\"%s\",\"stage\":\"%s\",\"item\":%d,\"attempt\":%d}",
		flow, job, effect->stage, (int)effect->item, (int)effect->attempt));
}

static struct wait_look
random_look(struct world *world)
{
	struct wait_look look = { .status = 200, .took_ms = 5 };

	if (chance(world, 25)) {
		look.is_transport = true;
		look.error = "nobody is there";
		look.status = 0;
	} else if (chance(world, 20)) {
		look.status = 500;
	} else {
		look.value = chance(world, 30) ? STR("1")
			: chance(world, 8)     ? STR("2")
					       : STR("0");
	}
	return look;
}

static struct intent *
make_report(struct world *world, const struct effect *effect)
{
	struct intent *intent = intent_new(INTENT_FLOW_REPORT, 1, MIB(1));
	struct flow_report *report = &intent->in.flow_report;

	*report = (struct flow_report) {
		.what = effect->kind,
		.flow = effect->flow,
		.stage = arena_strdup(&intent->arena, effect->stage),
		.item = effect->item,
		.attempt = effect->attempt,
	};
	if (chance(world, 3))
		report->error = "it cannot be done";
	else if (effect->kind == EFFECT_FLOW_LAUNCH)
		report->spec = child_spec(world, &intent->arena, effect);
	else if (effect->kind == EFFECT_FLOW_COLLECT)
		report->outputs = results_of(&intent->arena, effect);
	else
		report->look = random_look(world);
	return intent;
}

static void
carry_out(struct world *world, void *arg)
{
	const struct errand *errand = arg;
	int copies = chance(world, 10) ? 2 : 1;

	if (errand->crashes != world->crashes || !world->engine)
		return;
	for (int i = 0; i < copies; i++)
		world_submit(world, make_report(world, &errand->effect));
	if (chance(world, 3)) /* and once more, much later */
		after(world, between(world, 1000, 30000), carry_out, arg);
}

void
conduct(struct world *world, const struct turn_output *out)
{
	for (size_t i = 0; i < out->n_effects; i++) {
		struct errand *errand = arena_xalloc(&world->arena, sizeof *errand);

		errand->effect = out->effects[i];
		errand->effect.stage = arena_strdup(&world->arena, out->effects[i].stage);
		errand->effect.body = errand->effect.scope = (struct str) { 0 };
		errand->crashes = world->crashes;
		after(world, between(world, 0, chance(world, 10) ? 5000 : 50), carry_out,
			errand);
	}
}

/* ---- people ---- */

static struct intent *
make_signal(struct world *world, const struct sim_job *job)
{
	struct intent *intent = intent_new(INTENT_FLOW_SIGNAL, 1, MIB(1));
	struct flow_signal *signal = &intent->in.flow_signal;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&job->id.u, id);
	*signal = (struct flow_signal) {
		.flow = job->id,
		.stage = arena_printf(&intent->arena, "s%d", (int)between(world, 0, 4)),
		.condition = chance(world, 70) ? -1 : (int32_t)between(world, 0, 2),
		.payload = str_of(arena_printf(&intent->arena, "\"%s\"", id)),
		.is_approval = chance(world, 50),
		.is_approved = chance(world, 80),
		.by = "somebody",
	};
	return intent;
}

/* Somebody sends signals to whatever is there; most of them meet nobody who waits. */
void
people_signal(struct world *world, void *arg)
{
	for (size_t i = 0; i < world->n_jobs && world->engine; i++) {
		if (world->jobs[i].accepted && world->jobs[i].spec.flow && chance(world, 50))
			world_submit(world, make_signal(world, &world->jobs[i]));
	}
	after(world, between(world, 200, 4000), people_signal, arg);
}

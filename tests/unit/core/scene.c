/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

static const char *const letters[SCENE_TESTS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };

int
scene_setup(void **state)
{
	struct scene *scene = xcalloc(1, sizeof *scene);

	arena_init(&scene->arena, MIB(64));
	rng_seed(&scene->rng, 11);
	lanes_init(&scene->lanes, AGEING_MS_DEFAULT);
	uow_init(&scene->uow, &scene->arena, &scene->rng, SCENE_START_MS);
	scene->uow.next_job_seq = scene->uow.next_run_seq = scene->uow.next_event_seq = 1;
	uuid_v7(&scene->worker.id.u, SCENE_START_MS, &scene->rng);
	for (size_t i = 0; i < SCENE_TESTS_MAX; i++)
		scene->tests[i] = (struct test_spec) {
			.name = letters[i], .kind = "command", .body = STR("{}")
		};
	scene->spec = (struct job_spec) {
		.name = "job",
		.tags = "[]",
		.labels = "",
		.tests = scene->tests,
		.n_tests = 1,
		.n_targets = 1,
		.iterations = 1,
		.concurrency = 1,
		.retry = { .factor = 1 },
	};
	*state = scene;
	return 0;
}

int
scene_teardown(void **state)
{
	struct scene *scene = *state;

	uow_deinit(&scene->uow);
	lanes_deinit(&scene->lanes);
	arena_deinit(&scene->arena);
	free(scene);
	return 0;
}

struct job *
submit(struct scene *scene)
{
	struct queue *queue = lanes_get_queue(&scene->lanes, &scene->uow, 1, "default");

	scene->job = plan_create(&scene->uow, &scene->lanes, 1, queue, &scene->spec);
	return scene->job;
}

void
later(struct scene *scene, int64_t ms)
{
	struct job *job = scene->job;

	scene->uow.now_ms += ms;
	if (job->due_ms > 0 && job->due_ms <= scene->uow.now_ms)
		plan_due(&scene->uow, &scene->lanes, job);
}

struct run *
lease(struct scene *scene)
{
	assert_true(scene->job->ready);
	return plan_lease(&scene->uow, &scene->lanes, scene->job, &scene->worker);
}

struct run *
lease_unit(struct scene *scene, const char *unit)
{
	struct run *run = lease(scene);
	char text[64];

	snprintf(text, sizeof text, "%lld.%d.%s#%d", (long long)run->iteration,
		(int)run->target, letters[run->test], (int)run->attempt);
	assert_string_equal(text, unit);
	return run;
}

void
finish_as(struct scene *scene, struct run *run, enum run_outcome outcome, const char *reason)
{
	struct run_result result = { .outcome = outcome, .reason = reason, .duration_ms = 7 };

	plan_finish(&scene->uow, &scene->lanes, run, &result);
}

void
finish(struct scene *scene, struct run *run, enum run_outcome outcome)
{
	finish_as(scene, run, outcome, NULL);
}

void
play(struct scene *scene, enum run_outcome outcome)
{
	finish(scene, lease(scene), outcome);
}

void
lose(struct scene *scene, struct run *run)
{
	plan_lost(&scene->uow, &scene->lanes, run, true, NULL);
}

void
command(struct scene *scene, enum job_command what)
{
	struct err err;

	assert_int_equal(plan_command(&scene->uow, &scene->lanes, scene->job, what, &err), 0);
}

const char *
told(struct scene *scene)
{
	size_t n = 0;

	scene->text[0] = '\0';
	for (; scene->n_told < scene->uow.events.n; scene->n_told++) {
		const struct event *event = &scene->uow.events.item[scene->n_told];
		n += (size_t)snprintf(scene->text + n, sizeof scene->text - n, "%s%s",
			n > 0 ? " " : "", event_type_name(event->type));
		assert_true(n < sizeof scene->text);
	}
	return scene->text;
}

void
assert_job_is(const struct scene *scene, enum job_state state, enum job_reason reason)
{
	assert_string_equal(job_state_name(scene->job->state), job_state_name(state));
	assert_int_equal(job_shown_reason(scene->job), reason);
	if (job_state_is_final(state)) {
		assert_int_equal(scene->job->running, 0);
		assert_int_equal(scene->job->waiting, 0);
		assert_int_equal(scene->job->due_ms, 0);
		assert_false(scene->job->ready);
	}
}

void
assert_counts(struct scene *scene, const char *expected)
{
	const struct job_counts *counts = &scene->job->counts;
	const struct {
		const char *name;
		int64_t n;
	} all[] = {
		{ "passed", counts->passed },
		{ "failed", counts->failed },
		{ "errored", counts->errored },
		{ "timed_out", counts->timed_out },
		{ "cancelled", counts->cancelled },
		{ "skipped", counts->skipped },
		{ "flaky", counts->flaky },
	};
	char text[200] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].n != 0)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %lld",
				n > 0 ? " " : "", all[i].name, (long long)all[i].n);
	}
	assert_string_equal(text, expected);
}

void
assert_idle(const struct scene *scene)
{
	assert_false(scene->job->ready);
}

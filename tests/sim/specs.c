/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as the clients ask for them: small, so that many of their turns meet. */
#include "base/limits.h"
#include "sim.h"

enum { FIXTURES_MAX = 4, TESTS_PER_FIXTURE_MAX = 4 };

static const char *const kinds[] = { "command", "http", "playwright" };

static const char *
any_kind(struct world *world)
{
	return kinds[rng_below(&world->rng, 3)];
}

static void
random_retry(struct world *world, struct retry_policy *retry)
{
	*retry = (struct retry_policy) {
		.max = (int32_t)between(world, 0, 2),
		.delay_ms = between(world, 0, 3000),
		.factor = 2,
		.delay_max_ms = 10000,
		.jitter = 0.2,
		.on = 1u << OUTCOME_ERRORED,
	};
	if (chance(world, 50))
		retry->on |= 1u << OUTCOME_FAILED | 1u << OUTCOME_TIMED_OUT;
}

/* ---- grouped ---- */

/* A test or hook; its place. */
static int32_t
add_test(struct world *world, struct test_spec *tests, size_t *n, const char *kind, bool skip)
{
	tests[*n] = (struct test_spec) {
		.name = "t",
		.kind = chance(world, 5) ? any_kind(world) : kind,
		.body = STR_INIT("{}"),
		.skip = skip,
	};
	return (int32_t)(*n)++;
}

static void
random_fixtures(struct world *world, struct job_spec *spec, const char *kind)
{
	size_t n_fixtures = (size_t)between(world, 1, FIXTURES_MAX), n = 0;
	struct fixture_spec *fixtures =
		arena_xalloc(&world->arena, n_fixtures * sizeof *fixtures);
	struct test_spec *tests = arena_xalloc(&world->arena,
		(FIXTURES_MAX * (TESTS_PER_FIXTURE_MAX + 2) + 2) * sizeof *tests);
	int skips = chance(world, 5) ? 100 : 12;

	for (size_t i = 0; i < n_fixtures; i++) {
		int64_t n_tests = between(world, 1, TESTS_PER_FIXTURE_MAX);
		fixtures[i] = (struct fixture_spec) {
			.name = "f",
			.first = (int32_t)n,
			.n_tests = (int32_t)n_tests,
			.mode = chance(world, 60)   ? FIXTURE_SHARED
				: chance(world, 60) ? FIXTURE_SERIAL
						    : FIXTURE_ISOLATED,
		};
		while (n_tests-- > 0)
			(void)add_test(world, tests, &n, kind, chance(world, skips));
	}
	spec->n_tests = n;
	for (size_t i = 0; i < n_fixtures; i++) {
		fixtures[i].before =
			chance(world, 35) ? add_test(world, tests, &n, kind, false) : -1;
		fixtures[i].after =
			chance(world, 35) ? add_test(world, tests, &n, kind, false) : -1;
	}
	spec->before = chance(world, 25) ? add_test(world, tests, &n, kind, false) : -1;
	spec->after = chance(world, 25) ? add_test(world, tests, &n, kind, false) : -1;
	spec->n_hooks = n - spec->n_tests;
	spec->tests = tests;
	spec->fixtures = fixtures;
	spec->n_fixtures = n_fixtures;
	spec->is_grouped = true;
}

static void
make_grouped(struct world *world, struct job_spec *spec)
{
	static const char *const names[] = { NULL, "one", "one,two", "one,two,three" };

	random_fixtures(world, spec, any_kind(world));
	spec->n_targets = (size_t)(chance(world, 50) ? 1 : between(world, 2, 3));
	spec->targets = names[spec->n_targets];
	spec->iterations = chance(world, 5) ? 0 : chance(world, 70) ? 1 : 2;
	spec->cancel_on_first_failure = spec->stop_on_first_failure && chance(world, 50);
	if (chance(world, 40)) {
		spec->retry = (struct retry_policy) { .factor = 1 };
		spec->quarantine.attempt_limit = (int32_t)between(world, 2, 5);
		spec->quarantine.success_threshold =
			(int32_t)between(world, 1, spec->quarantine.attempt_limit - 1);
	}
}

/* ---- any ---- */

static void
random_tests(struct world *world, struct job_spec *spec)
{
	size_t n = (size_t)between(world, 1, 4);
	struct test_spec *tests = arena_xalloc(&world->arena, n * sizeof *tests);
	const char *kind = any_kind(world);

	for (size_t i = 0; i < n; i++) {
		tests[i].name = "t";
		tests[i].kind = chance(world, 10) ? any_kind(world) : kind;
		tests[i].body = STR("{}");
	}
	spec->tests = tests;
	spec->n_tests = n;
	if (chance(world, 20)) {
		spec->targets = "left,right";
		spec->n_targets = 2;
	}
}

void
random_spec(struct world *world, struct job_spec *spec)
{
	*spec = (struct job_spec) {
		.name = "job",
		.tags = "[]",
		.labels = chance(world, 15) ? "place=attic" : "",
		.priority = (int32_t)between(world, -2, 2),
		.queue = chance(world, 30) ? "narrow" : NULL,
		.n_targets = 1,
		.before = -1,
		.after = -1,
		.iterations = chance(world, 8) ? 0 : between(world, 1, 3),
		.concurrency = (int32_t)between(world, 1, 3),
		.failures_to_ignore = between(world, 0, 3),
		.stop_on_first_failure = chance(world, 20),
		.timeout_ms = chance(world, 10) ? between(world, 5000, 60000) : 0,
		.run_at_ms = chance(world, 10) ? wall_ms(world) + between(world, 0, 60000) : 0,
	};
	static const char *const keys[] = { "site=a", "site=b\nteam=x", "team=x", "team=y" };
	if (chance(world, 30))
		spec->keys = keys[rng_below(&world->rng, 4)];
	if (chance(world, 10))
		spec->needs = "slots=1000";
	if (chance(world, 5))
		spec->expires_after_ms = between(world, 1000, 60000);
	random_retry(world, &spec->retry);
	if (chance(world, 45))
		make_grouped(world, spec);
	else
		random_tests(world, spec);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Job requests, tests and templates: refused with offences, or complete and within the limits.
 */
#include "fuzz.h"

#include "core/job_json.h"

static json_t *
parse(const uint8_t *data, size_t size)
{
	struct err err = { 0 };

	return json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
}

static bool
is_hook(const struct job_spec *spec, int32_t place)
{
	return place == -1 ||
		((size_t)place >= spec->n_tests &&
			(size_t)place < spec->n_tests + spec->n_hooks);
}

/* The fixtures cover all tests in order, and every hook has a place behind them. */
static void
check_layout(const struct job_spec *spec)
{
	size_t next = 0;

	FUZZ_CHECK(is_hook(spec, spec->before) && is_hook(spec, spec->after));
	for (size_t i = 0; i < spec->n_fixtures; i++) {
		const struct fixture_spec *fixture = &spec->fixtures[i];

		FUZZ_CHECK((size_t)fixture->first == next && fixture->n_tests > 0);
		FUZZ_CHECK(is_hook(spec, fixture->before) && is_hook(spec, fixture->after));
		next += (size_t)fixture->n_tests;
	}
	FUZZ_CHECK(next == spec->n_tests);
}

static void
as_job(json_t *tree, struct arena *arena)
{
	struct issues issues = { .arena = arena };
	struct job_spec spec = { 0 };
	struct err err = { 0 };
	int r = job_spec_read(tree, NULL, "", arena, &issues, &spec, &err);

	if (r == JOB_NEEDS_SOURCE)
		return;
	if (r < 0) {
		FUZZ_CHECK(issues.n > 0 || err.text[0] != '\0');
		return;
	}
	FUZZ_CHECK(spec.n_tests >= 1 && spec.n_tests <= TESTS_PER_JOB_MAX);
	FUZZ_CHECK(spec.n_targets >= 1 && spec.n_targets <= TARGETS_PER_JOB_MAX);
	FUZZ_CHECK(spec.iterations >= 0 && spec.iterations <= ITERATIONS_MAX);
	FUZZ_CHECK(spec.concurrency >= 1 && spec.concurrency <= CONCURRENCY_MAX);
	FUZZ_CHECK(spec.priority >= PRIORITY_MIN && spec.priority <= PRIORITY_MAX);
	FUZZ_CHECK(spec.timeout_ms >= 0 && spec.timeout_ms <= JOB_TIMEOUT_MS_MAX);
	FUZZ_CHECK(spec.name && spec.tags && spec.labels);
	FUZZ_CHECK(spec.quarantine.attempt_limit == 0 ||
		(spec.quarantine.success_threshold >= 1 &&
			spec.quarantine.success_threshold < spec.quarantine.attempt_limit));
	check_layout(&spec);
	for (size_t i = 0; i < spec.n_tests + spec.n_hooks; i++)
		FUZZ_CHECK(spec.tests[i].kind && spec.tests[i].body.n >= 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	json_t *tree = parse(data, size);

	if (!tree)
		return 0;
	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	as_job(tree, &arena);
	json_decref(tree);

	for (int i = 0; i < 2; i++) {
		struct issues issues = { .arena = &arena };
		struct definition_head head = { 0 };
		int r;

		tree = parse(data, size);
		r = i == 0 ? test_definition_read(tree, &arena, &issues, &head)
			   : template_definition_read(tree, &arena, &issues, &head);
		FUZZ_CHECK((r < 0) == (issues.n > 0));
		FUZZ_CHECK(r < 0 || head.name);
		json_decref(tree);
	}
	arena_deinit(&arena);
	return 0;
}

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
	for (size_t i = 0; i < spec.n_tests; i++)
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

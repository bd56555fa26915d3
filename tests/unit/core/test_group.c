/* SPDX-License-Identifier: Apache-2.0 */
/* Which run is next, hooks and the order of release: docs/protocol/browser-jobs.md, 3, 4, 6. */
#include "base/limits.h"
#include "group_scene.h"

/* S01: concurrency 1, a long and a short test: one after the other. */
static void
s01_one_connection_runs_one_test_after_the_other(void **state)
{
	struct stage *s = *state;

	set_up(s, "ab");
	struct run *a = take(s, 0, "a@1");
	take_none(s, 1);
	ends(s, a, 'P');
	ends(s, take(s, 1, "b@1"), 'P');
	assert_told(s, "job.queued job.starting +a job.started a:P !a:P +b b:P !b:P "
		       "job.completed");
	assert_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_counts(s, "passed 2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(s01_one_connection_runs_one_test_after_the_other,
			stage_setup, stage_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "core/retry.h"
#include "core/run.h"
#include "unit.h"

#define ON(outcome) (1u << (outcome))

static void
wanted_for_its_outcomes_until_the_attempts_are_used_up(void **state)
{
	const struct retry_policy policy = { .max = 2, .factor = 1, .on = ON(OUTCOME_ERRORED) };

	(void)state;
	assert_true(retry_wanted(&policy, 1, OUTCOME_ERRORED));
	assert_true(retry_wanted(&policy, 2, OUTCOME_ERRORED));
	assert_false(retry_wanted(&policy, 3, OUTCOME_ERRORED));
	assert_false(retry_wanted(&policy, 1, OUTCOME_FAILED));
	assert_false(retry_wanted(&policy, 1, OUTCOME_PASSED));
	assert_false(retry_wanted(&policy, 1, OUTCOME_TIMED_OUT));
}

static void
several_outcomes_may_be_named(void **state)
{
	const struct retry_policy policy = {
		.max = 1, .factor = 1, .on = ON(OUTCOME_FAILED) | ON(OUTCOME_TIMED_OUT)
	};

	(void)state;
	assert_true(retry_wanted(&policy, 1, OUTCOME_FAILED));
	assert_true(retry_wanted(&policy, 1, OUTCOME_TIMED_OUT));
	assert_false(retry_wanted(&policy, 1, OUTCOME_ERRORED));
}

static void
none_without_a_policy(void **state)
{
	const struct retry_policy policy = { .on = ON(OUTCOME_ERRORED) };

	(void)state;
	assert_false(retry_wanted(&policy, 1, OUTCOME_ERRORED));
}

static void
the_delay_grows_by_its_factor_up_to_its_maximum(void **state)
{
	const struct retry_policy policy = {
		.max = 10, .delay_ms = 1000, .factor = 3, .delay_max_ms = 20000
	};
	static const int64_t expected[] = { 1000, 3000, 9000, 20000, 20000 };

	(void)state;
	for (int32_t attempt = 1; attempt <= 5; attempt++)
		assert_int_equal(retry_delay_ms(&policy, attempt, NULL), expected[attempt - 1]);
}

static void
a_delay_without_a_maximum_does_not_overflow(void **state)
{
	const struct retry_policy policy = {
		.max = RETRIES_MAX, .delay_ms = RETRY_DELAY_MS_MAX, .factor = RETRY_FACTOR_MAX
	};

	(void)state;
	assert_in_range(retry_delay_ms(&policy, RETRIES_MAX, NULL), RETRY_DELAY_MS_MAX,
		INT64_C(9000000000000000));
}

static void
jitter_spreads_to_both_sides_and_stays_within_its_share(void **state)
{
	const struct retry_policy policy = {
		.max = 1, .delay_ms = 10000, .factor = 2, .jitter = 0.2
	};
	int64_t least = INT64_MAX, most = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (int i = 0; i < 2000; i++) {
		int64_t delay = retry_delay_ms(&policy, 1, &rng);
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
	}
	assert_in_range(least, 8000, 8100);
	assert_in_range(most, 11900, 12000);
}

static void
jitter_never_passes_the_maximum(void **state)
{
	const struct retry_policy policy = {
		.max = 1, .delay_ms = 10000, .factor = 1, .delay_max_ms = 10000, .jitter = 1
	};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (int i = 0; i < 2000; i++)
		assert_in_range(retry_delay_ms(&policy, 1, &rng), 0, 10000);
}

static void
no_delay_is_no_delay(void **state)
{
	const struct retry_policy policy = { .max = 1, .factor = 2, .jitter = 0.5 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	assert_int_equal(retry_delay_ms(&policy, 3, &rng), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_for_its_outcomes_until_the_attempts_are_used_up),
		cmocka_unit_test(several_outcomes_may_be_named),
		cmocka_unit_test(none_without_a_policy),
		cmocka_unit_test(the_delay_grows_by_its_factor_up_to_its_maximum),
		cmocka_unit_test(a_delay_without_a_maximum_does_not_overflow),
		cmocka_unit_test(jitter_spreads_to_both_sides_and_stays_within_its_share),
		cmocka_unit_test(jitter_never_passes_the_maximum),
		cmocka_unit_test(no_delay_is_no_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

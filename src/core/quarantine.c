/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of TestCafe's quarantine mode, counted in attempts and never in errors. */
#include "core/quarantine.h"

#include "core/run.h"

bool
quarantine_again(const struct quarantine_policy *policy, const struct quarantine_tally *tally)
{
	int32_t failures = tally->attempts - tally->passes;
	int32_t failure_threshold = policy->attempt_limit - policy->success_threshold + 1;

	if (policy->attempt_limit == 0)
		return false;
	if (tally->attempts == 1)
		return !tally->last_passed;
	return tally->passes < policy->success_threshold && failures < failure_threshold;
}

bool
quarantine_is_unstable(const struct quarantine_tally *tally)
{
	return tally->attempts > 1 && tally->passes > 0;
}

/* One that was planned and never begun is no attempt. */
bool
quarantine_run_is_unstable(const struct run *run)
{
	struct quarantine_tally tally = {
		.attempts = run->attempt - (run->fence == 0),
		.passes = run->passes + (run->outcome == OUTCOME_PASSED),
	};

	return quarantine_is_unstable(&tally);
}

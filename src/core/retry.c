/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential backoff with a maximum and jitter. */
#include "core/retry.h"

#include <math.h>

bool
retry_wanted(const struct retry_policy *policy, int32_t attempt, int outcome)
{
	return attempt <= policy->max && (policy->on & (1u << outcome));
}

int64_t
retry_delay_ms(const struct retry_policy *policy, int32_t attempt, struct rng *rng)
{
	double max = policy->delay_max_ms > 0 ? (double)policy->delay_max_ms : 9e15;
	double delay = (double)policy->delay_ms * pow(policy->factor, attempt - 1);

	if (policy->jitter > 0)
		delay *= 1.0 + policy->jitter * (2.0 * rng_unit(rng) - 1.0);
	if (!(delay < max))
		delay = max;
	return delay > 0 ? (int64_t)delay : 0;
}

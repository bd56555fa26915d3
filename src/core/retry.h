/* SPDX-License-Identifier: Apache-2.0 */
/* When a unit gets another attempt, and after what delay. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"

struct retry_policy {
	int32_t max;          /* further attempts, 0 … RETRIES_MAX */
	int64_t delay_ms;     /* before the first of them */
	double factor;        /* >= 1: each next delay is that much longer */
	int64_t delay_max_ms; /* 0: no maximum */
	double jitter; /* 0 … 1: share of the delay that is drawn at random, to both sides */
	uint32_t on;   /* set of 1 << enum run_outcome */
};

/* attempt: the one that just ended, from 1. outcome: an enum run_outcome. */
bool retry_wanted(const struct retry_policy *policy, int32_t attempt, int outcome);

/* Milliseconds to wait after `attempt` ended; never negative, never above delay_max_ms. */
int64_t retry_delay_ms(const struct retry_policy *policy, int32_t attempt, struct rng *rng);

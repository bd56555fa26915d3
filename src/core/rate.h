/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates: a token bucket as one number, the time at which all tokens are there again ("full",
 * in microseconds; 0 or the past: they all are). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/lane.h"

/* How many tokens there are now; INT64_MAX without a limit. */
int64_t rate_tokens(const struct rate *rate, int64_t full_us, int64_t now_ms);

/* The moment from which there is a token, not before now. */
int64_t rate_next_ms(const struct rate *rate, int64_t full_us, int64_t now_ms);

/* The new "full" after a token was taken. */
int64_t rate_take(const struct rate *rate, int64_t full_us, int64_t now_ms);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic cell rate algorithm: each token pushes "full" further by one interval, and there
 * is a token as long as "full" is less than the whole bucket ahead.
 */
#include "core/rate.h"

/* Microseconds until one more token; rounded up, so that the rate is never passed. */
static int64_t
interval_us(const struct rate *rate)
{
	return (rate->per_ms * 1000 + rate->n - 1) / rate->n;
}

/* How far ahead "full" may be for a token to be there. */
static int64_t
allowance_us(const struct rate *rate)
{
	return (rate->burst > 1 ? rate->burst - 1 : 0) * interval_us(rate);
}

int64_t
rate_tokens(const struct rate *rate, int64_t full_us, int64_t now_ms)
{
	if (rate->n <= 0)
		return INT64_MAX;
	int64_t now_us = now_ms * 1000;
	if (full_us < now_us)
		full_us = now_us;
	int64_t left_us = now_us + allowance_us(rate) - full_us;

	return left_us < 0 ? 0 : left_us / interval_us(rate) + 1;
}

int64_t
rate_next_ms(const struct rate *rate, int64_t full_us, int64_t now_ms)
{
	if (rate_tokens(rate, full_us, now_ms) > 0)
		return now_ms;
	return (full_us - allowance_us(rate) + 999) / 1000;
}

int64_t
rate_take(const struct rate *rate, int64_t full_us, int64_t now_ms)
{
	int64_t now_us = now_ms * 1000;

	if (rate->n <= 0)
		return full_us;
	return (full_us > now_us ? full_us : now_us) + interval_us(rate);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/steady.h"

void
steady_clock_init(
	struct steady_clock *clock, int64_t wall_ms, int64_t floor_ms, int64_t mono_ms)
{
	clock->now_ms = wall_ms > floor_ms ? wall_ms : floor_ms;
	clock->mono_ms = mono_ms;
}

int64_t
steady_clock_ms(struct steady_clock *clock, int64_t wall_ms, int64_t mono_ms)
{
	int64_t passed = mono_ms > clock->mono_ms ? mono_ms - clock->mono_ms : 0;
	int64_t next = clock->now_ms + passed;
	int64_t error = wall_ms - next;
	int64_t lean = passed / 2;

	clock->mono_ms += passed;
	clock->now_ms = next + (error > lean ? lean : error < -lean ? -lean : error);
	return clock->now_ms;
}

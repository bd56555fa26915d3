/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wall clock that never jumps. Leases and time limits would all end at once when somebody
 * sets the clock an hour forward, and never when it is set back; so the time that rules read
 * runs with the monotonic clock and leans towards the wall clock by at most half of what
 * passes.
 */
#pragma once

#include <stdint.h>

struct steady_clock {
	int64_t now_ms;  /* last answer */
	int64_t mono_ms; /* monotonic time of the last answer */
};

/* Begins at wall_ms, but not before floor_ms (the latest time that was ever written down). */
void steady_clock_init(
	struct steady_clock *clock, int64_t wall_ms, int64_t floor_ms, int64_t mono_ms);

/* The time now; never less than the last answer. */
int64_t steady_clock_ms(struct steady_clock *clock, int64_t wall_ms, int64_t mono_ms);

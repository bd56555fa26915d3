/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failure on purpose, for tests: code asks fault_hit() before an operation that the outside can
 * make fail and takes its error path when the answer is true.
 *
 * Always compiled in; costs one relaxed load while nothing is armed. Thread-safe.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum fault_point {
	FAULT_OPEN,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_FSYNC,
	FAULT_RENAME,
	FAULT_FORK,
	FAULT_EXEC,
	FAULT_CONNECT,
	FAULT_COMMIT, /* the store's commit */
	FAULT_POINT_COUNT,
};

_Static_assert(FAULT_POINT_COUNT <= 32, "the armed points are a 32-bit set");

/* Internal to fault_hit(). */
extern _Atomic uint32_t fault_armed;
bool fault_count(enum fault_point point);

/* True when this operation must fail now. */
static inline bool
fault_hit(enum fault_point point)
{
	if (!(atomic_load_explicit(&fault_armed, memory_order_relaxed) & (1u << point)))
		return false;
	return fault_count(point);
}

/* The nth hit from now on fails (1: the next), once; 0 disarms the point. */
void fault_arm(enum fault_point point, uint32_t nth);

/* Disarms all points. */
void fault_reset(void);

/* "open", "read", …; static text. */
const char *fault_name(enum fault_point point);

/*
 * Arms from text: "fsync:3,commit:1". 0, or -1 for an unknown name or number; what stood before
 * the offence is armed then.
 */
int fault_arm_text(const char *text) __attribute__((warn_unused_result));

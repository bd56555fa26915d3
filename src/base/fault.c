/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <assert.h>
#include <string.h>

#include "base/parse.h"

_Atomic uint32_t fault_armed;

static _Atomic uint32_t hits_left[FAULT_POINT_COUNT];

static const char *const names[FAULT_POINT_COUNT] = {
	[FAULT_OPEN] = "open",
	[FAULT_READ] = "read",
	[FAULT_WRITE] = "write",
	[FAULT_FSYNC] = "fsync",
	[FAULT_RENAME] = "rename",
	[FAULT_FORK] = "fork",
	[FAULT_EXEC] = "exec",
	[FAULT_CONNECT] = "connect",
	[FAULT_COMMIT] = "commit",
};

bool
fault_count(enum fault_point point)
{
	/* Of several threads exactly one brings the count from 1 to 0, and that one fails. */
	uint32_t left = atomic_load(&hits_left[point]);
	do {
		if (left == 0)
			return false;
	} while (!atomic_compare_exchange_weak(&hits_left[point], &left, left - 1));
	if (left > 1)
		return false;
	atomic_fetch_and(&fault_armed, ~(1u << point));
	return true;
}

void
fault_arm(enum fault_point point, uint32_t nth)
{
	assert((unsigned)point < FAULT_POINT_COUNT);
	atomic_store(&hits_left[point], nth);
	if (nth > 0)
		atomic_fetch_or(&fault_armed, 1u << point);
	else
		atomic_fetch_and(&fault_armed, ~(1u << point));
}

void
fault_reset(void)
{
	for (int point = 0; point < FAULT_POINT_COUNT; point++)
		fault_arm((enum fault_point)point, 0);
}

const char *
fault_name(enum fault_point point)
{
	assert((unsigned)point < FAULT_POINT_COUNT);
	return names[point];
}

static int
arm_one(struct str item)
{
	struct str name = str_split_first(&item, ':');
	int64_t nth;

	if (parse_i64(item, 1, UINT32_MAX, &nth, NULL) < 0)
		return -1;
	for (int point = 0; point < FAULT_POINT_COUNT; point++) {
		if (str_eqz(name, names[point])) {
			fault_arm((enum fault_point)point, (uint32_t)nth);
			return 0;
		}
	}
	return -1;
}

int
fault_arm_text(const char *text)
{
	struct str rest = str_of(text);

	while (rest.n > 0) {
		if (arm_one(str_split_first(&rest, ',')) < 0)
			return -1;
	}
	return 0;
}

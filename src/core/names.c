/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the small enumerations that have no machine behind them. */
#include "core/definition.h"
#include "core/worker_row.h"

const char *
def_kind_name(enum def_kind kind)
{
	static const char *const names[DEF_KIND_COUNT] = {
		[DEF_TEST] = "test",
		[DEF_TEMPLATE] = "template",
		[DEF_FLOW] = "flow",
		[DEF_ENVIRONMENT] = "environment",
	};

	return names[kind];
}

const char *
worker_state_name(enum worker_state state)
{
	static const char *const names[WORKER_STATE_COUNT] = {
		[WORKER_ONLINE] = "online",
		[WORKER_DRAINING] = "draining",
		[WORKER_LOST] = "lost",
		[WORKER_GONE] = "gone",
	};

	return names[state];
}

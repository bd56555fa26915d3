/* SPDX-License-Identifier: Apache-2.0 */
/* Intents about schedules, and the firing of occurrences. */
#include "engine/engine_impl.h"

void
schedule_apply(struct turn *turn, struct intent *intent)
{
	(void)intent_fail(turn, intent, ERR_INVALID, "there are no schedules yet");
}

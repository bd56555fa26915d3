/* SPDX-License-Identifier: Apache-2.0 */
/* Intents about flows: what came of effects, signals, approvals. */
#include "engine/engine_impl.h"

void
flow_keys(struct turn *turn, struct intent *intent)
{
	(void)turn, (void)intent;
}

void
flow_apply(struct turn *turn, struct intent *intent)
{
	(void)intent_fail(turn, intent, ERR_INVALID, "there are no flows yet");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Intents that change a job which waits. */
#include "engine/engine_impl.h"

void
edit_keys(struct turn *turn, struct intent *intent)
{
	(void)turn, (void)intent;
}

void
edit_apply(struct turn *turn, struct intent *intent)
{
	(void)intent_fail(turn, intent, ERR_INVALID, "jobs cannot be changed yet");
}

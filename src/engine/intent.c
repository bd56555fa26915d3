/* SPDX-License-Identifier: Apache-2.0 */
/* Birth and end of intents. */
#include "engine/intent.h"

#include <stdlib.h>

#include "base/mem.h"

struct intent *
intent_new(enum intent_kind kind, int64_t project, size_t arena_max)
{
	struct intent *intent = xcalloc(1, sizeof *intent);

	intent->kind = kind;
	intent->project = project;
	list_init(&intent->node);
	arena_init(&intent->arena, arena_max);
	return intent;
}

struct intent *
intent_free(struct intent *intent)
{
	if (intent) {
		list_remove(&intent->node);
		arena_deinit(&intent->arena);
		free(intent);
	}
	return NULL;
}

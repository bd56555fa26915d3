/* SPDX-License-Identifier: Apache-2.0 */
/* Intents about the quarantine list, and what a lease takes from it. */
#include <string.h>

#include "core/group.h"
#include "engine/engine_impl.h"

static void
answer_entry(struct turn *turn, struct intent *intent, const struct quarantine_entry *entry)
{
	struct quarantine_entry *copy = arena_xalloc(&intent->arena, sizeof *copy);

	*copy = *entry;
	copy->test = arena_strdup(&intent->arena, entry->test);
	copy->owner = arena_strdup(&intent->arena, entry->owner);
	copy->reason = arena_strdup(&intent->arena, entry->reason);
	intent->out.quarantine = copy;
	intent_answer(turn, intent);
}

/* The entry that is to be changed; NULL: the intent was refused. */
static struct quarantine_entry *
find_entry(struct turn *turn, struct intent *intent)
{
	const struct quarantine_change *change = &intent->in.quarantine;
	struct quarantine_entry *entry =
		quarantine_list_get(&turn->engine->quarantine, intent->project, &change->id);

	if (!entry) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND,
			"there is no such entry on the quarantine list");
		return NULL;
	}
	if (change->if_revision > 0 && change->if_revision != entry->revision) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "it was changed meanwhile");
		return NULL;
	}
	return entry;
}

static void
refuse(struct turn *turn, struct intent *intent, const struct err *err)
{
	if (err->code == ERR_CONFLICT)
		intent_conflict(turn, intent, CONFLICT_TAKEN, err->text);
	else
		(void)intent_fail(turn, intent, err->code, "%s", err->text);
}

void
quarantine_put_apply(struct turn *turn, struct intent *intent)
{
	struct quarantine_list *list = &turn->engine->quarantine;
	const struct quarantine_change *change = &intent->in.quarantine;
	struct quarantine_entry *entry;
	struct err err;
	int r;

	if (!project_is_open(turn, intent))
		return;
	if (uuid_is_zero(&change->id)) {
		r = quarantine_list_add(
			list, &turn->uow, intent->project, &change->put, &entry, &err);
	} else {
		entry = find_entry(turn, intent);
		if (!entry)
			return;
		r = quarantine_list_change(list, &turn->uow, entry, &change->put, &err);
		if (r == 0) /* it is another one now */
			entry = quarantine_list_get(list, intent->project, &change->id);
	}
	if (r < 0) {
		refuse(turn, intent, &err);
		return;
	}
	intent_keep_idem(turn, intent, &entry->id, 1);
	answer_entry(turn, intent, entry);
}

void
quarantine_delete_apply(struct turn *turn, struct intent *intent)
{
	struct quarantine_entry *entry = find_entry(turn, intent);

	if (!entry)
		return;
	quarantine_list_remove(&turn->uow, entry);
	answer_entry(turn, intent, entry);
}

/* Hooks are no units: what they do is never counted. */
void
quarantine_note_lease(const struct turn *turn, struct run *run, const char *test)
{
	run->quarantine = run_is_unit(run->job, run) && test
		? quarantine_list_find(
			  &turn->engine->quarantine, run->project, test, turn->uow.now_ms)
		: 0;
}

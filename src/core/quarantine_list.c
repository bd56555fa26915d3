/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries are one allocation each, with their texts behind the struct, so that the unit of work
 * and the answers of a turn can take copies and the list may change meanwhile.
 */
#include "core/quarantine_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

enum {
	ITEMS_CAP_MIN = 16,
};

static size_t
text_bytes(const struct quarantine_entry *entry)
{
	return strlen(entry->test) + strlen(entry->owner) + strlen(entry->reason) + 3;
}

static const char *
move_text(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = memcpy(*at, text, n);

	*at += n;
	return copy;
}

/* `block` has room for the struct and text_bytes(). */
static struct quarantine_entry *
copy_into(void *block, const struct quarantine_entry *entry)
{
	struct quarantine_entry *copy = block;
	char *texts = (char *)(copy + 1);

	*copy = *entry;
	copy->test = move_text(&texts, entry->test);
	copy->owner = move_text(&texts, entry->owner);
	copy->reason = move_text(&texts, entry->reason);
	return copy;
}

static struct quarantine_entry *
entry_dup(const struct quarantine_entry *entry)
{
	return copy_into(xcalloc(1, sizeof *entry + text_bytes(entry)), entry);
}

/* ---- the list ---- */

void
quarantine_list_init(struct quarantine_list *list, size_t max)
{
	*list = (struct quarantine_list) { .max = max > 0 ? max : QUARANTINE_ENTRIES_DEFAULT };
}

void
quarantine_list_deinit(struct quarantine_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct quarantine_list) { 0 };
}

static struct quarantine_entry *
append(struct quarantine_list *list, const struct quarantine_entry *entry)
{
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : ITEMS_CAP_MIN;
		list->item = xrealloc(list->item, list->cap * sizeof(*list->item));
	}
	if (entry->seq > list->last_seq)
		list->last_seq = entry->seq;
	return list->item[list->n++] = entry_dup(entry);
}

void
quarantine_list_restore(struct quarantine_list *list, const struct quarantine_entry *entry)
{
	append(list, entry)->change = ROW_CLEAN;
}

struct quarantine_entry *
quarantine_list_get(const struct quarantine_list *list, int64_t project, const struct uuid *id)
{
	for (size_t i = 0; i < list->n; i++) {
		struct quarantine_entry *entry = list->item[i];
		if (entry->project == project && uuid_eq(&entry->id, id) &&
			entry->change != ROW_DELETED)
			return entry;
	}
	return NULL;
}

/* Goes back to the last * when something behind it does not fit: no more than
 * strlen(pattern) × strlen(name) steps. */
bool
quarantine_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *mark = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			mark = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

int64_t
quarantine_list_find(
	const struct quarantine_list *list, int64_t project, const char *test, int64_t now_ms)
{
	int64_t found = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct quarantine_entry *entry = list->item[i];
		if (entry->project != project || entry->change == ROW_DELETED ||
			entry->expires_ms <= now_ms)
			continue;
		if (strcmp(entry->test, test) == 0)
			return entry->seq;
		if (found == 0 && quarantine_matches(entry->test, test))
			found = entry->seq;
	}
	return found;
}

/* ---- events ---- */

static void
add_event(struct uow *uow, const struct quarantine_entry *entry, enum event_type type,
	const char *why)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kuuid(&jw, "id", &entry->id);
	jw_kstr(&jw, "test", entry->test);
	jw_kstr(&jw, "owner", entry->owner);
	jw_kstr(&jw, "reason", entry->reason);
	jw_ktime(&jw, "expiresAt", entry->expires_ms);
	jw_ki64(&jw, "cleanRuns", entry->clean_runs);
	jw_ki64(&jw, "failures", entry->failures);
	jw_kstr_opt(&jw, "why", why);
	jw_end_obj(&jw);
	int r = jw_done(&jw);
	assert(r == 0); /* names and texts have limits far below */
	(void)r;

	struct event event = {
		.at_ms = uow->now_ms,
		.project = entry->project,
		.type = type,
		.data = str_from(arena_strndup(uow->arena, text.data, text.len), text.len),
	};
	uow_event(uow, &event);
}

/* ---- changes ---- */

static const struct quarantine_entry *
with_test(const struct quarantine_list *list, int64_t project, const char *test)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct quarantine_entry *entry = list->item[i];
		if (entry->project == project && entry->change != ROW_DELETED &&
			strcmp(entry->test, test) == 0)
			return entry;
	}
	return NULL;
}

static size_t
count_of(const struct quarantine_list *list, int64_t project)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->item[i]->project == project && list->item[i]->change != ROW_DELETED;
	return n;
}

static void
touch(struct uow *uow, struct quarantine_entry *entry)
{
	if (entry->change == ROW_CLEAN)
		entry->change = ROW_CHANGED;
	entry->updated_ms = uow->now_ms;
}

int
quarantine_list_add(struct quarantine_list *list, struct uow *uow, int64_t project,
	const struct quarantine_put *put, struct quarantine_entry **ret, struct err *err)
{
	struct quarantine_entry entry = {
		/* Those that have left are forgotten: time keeps their numbers from coming
		 * again. */
		.seq = uow->now_ms > list->last_seq ? uow->now_ms : list->last_seq + 1,
		.project = project,
		.test = put->test,
		.owner = put->owner,
		.reason = put->reason,
		.clean_runs = put->clean_runs,
		.expires_ms = put->expires_ms,
		.created_ms = uow->now_ms,
		.updated_ms = uow->now_ms,
		.revision = 1,
		.change = ROW_NEW,
	};

	if (with_test(list, project, put->test))
		return err_set(err, ERR_CONFLICT, "the test is on the quarantine list already");
	if (count_of(list, project) >= list->max)
		return err_set(err, ERR_LIMIT,
			"the quarantine list has %zu entries, the most it may have: a test must "
			"leave it first",
			list->max);
	uuid_v7(&entry.id, uow->now_ms, uow->rng);
	*ret = append(list, &entry);
	add_event(uow, *ret, EV_QUARANTINE_ADDED, NULL);
	return 0;
}

/* The texts are part of the allocation: the entry is another one afterwards. */
static struct quarantine_entry *
replace(struct quarantine_list *list, struct quarantine_entry *entry,
	const struct quarantine_entry *next)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->item[i] != entry)
			continue;
		list->item[i] = entry_dup(next);
		free(entry);
		return list->item[i];
	}
	abort(); /* it was of this list */
}

int
quarantine_list_change(struct quarantine_list *list, struct uow *uow,
	struct quarantine_entry *entry, const struct quarantine_put *put, struct err *err)
{
	const struct quarantine_entry *same = with_test(list, entry->project, put->test);
	struct quarantine_entry next = *entry;

	if (same && same != entry)
		return err_set(err, ERR_CONFLICT, "another entry is for that test");
	next.test = put->test;
	next.owner = put->owner;
	next.reason = put->reason;
	next.clean_runs = put->clean_runs;
	next.expires_ms = put->expires_ms;
	next.revision++;
	entry = replace(list, entry, &next);
	touch(uow, entry);
	add_event(uow, entry, EV_QUARANTINE_CHANGED, NULL);
	return 0;
}

static void
take_off(struct uow *uow, struct quarantine_entry *entry, const char *why)
{
	entry->change = ROW_DELETED;
	add_event(uow, entry, EV_QUARANTINE_LEFT, why);
}

void
quarantine_list_remove(struct uow *uow, struct quarantine_entry *entry)
{
	take_off(uow, entry, "removed");
}

void
quarantine_list_drop_project(struct quarantine_list *list, struct uow *uow, int64_t project)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->project == project && list->item[i]->change != ROW_DELETED)
			quarantine_list_remove(uow, list->item[i]);
}

/* ---- what happens by itself ---- */

void
quarantine_list_expire(struct quarantine_list *list, struct uow *uow)
{
	for (size_t i = 0; i < list->n; i++) {
		struct quarantine_entry *entry = list->item[i];
		if (entry->change != ROW_DELETED && entry->expires_ms <= uow->now_ms)
			take_off(uow, entry, "expired");
	}
}

static void
settle_one(struct quarantine_list *list, struct uow *uow, const struct quarantine_mark *mark)
{
	for (size_t i = 0; i < list->n; i++) {
		struct quarantine_entry *entry = list->item[i];
		if (entry->seq != mark->entry || entry->change == ROW_DELETED)
			continue;
		touch(uow, entry);
		if (!mark->is_clean) {
			entry->clean_streak = 0;
			entry->failures++;
			entry->last_failed_ms = uow->now_ms;
		} else if (++entry->clean_streak == entry->clean_runs) {
			take_off(uow, entry, "clean");
		}
		return;
	}
}

void
quarantine_list_settle(struct quarantine_list *list, struct uow *uow)
{
	for (size_t i = 0; i < uow->quarantine_marks.n; i++)
		settle_one(list, uow, &uow->quarantine_marks.item[i]);
	uow->quarantine_marks.n = 0;
}

void
quarantine_list_save(struct quarantine_list *list, struct uow *uow)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct quarantine_entry *entry = list->item[i];

		if (entry->change != ROW_CLEAN) {
			void *block =
				arena_xalloc(uow->arena, sizeof *entry + text_bytes(entry));
			UOW_PUSH(uow, &uow->quarantine, copy_into(block, entry));
		}
		if (entry->change == ROW_DELETED) {
			free(entry);
			continue;
		}
		entry->change = ROW_CLEAN;
		list->item[n++] = entry;
	}
	list->n = n;
}

int64_t
quarantine_list_due(const struct quarantine_list *list)
{
	int64_t due = 0;

	for (size_t i = 0; i < list->n; i++)
		if (due == 0 || list->item[i]->expires_ms < due)
			due = list->item[i]->expires_ms;
	return due;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The policies in memory, and when each is to sweep. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/retention.h"

enum {
	ITEMS_CAP_MIN = 8,
};

static void
set_text(const char **slot, const char *text)
{
	char *copy = text ? xstrdup(text) : NULL;

	free((char *)(uintptr_t)*slot);
	*slot = copy;
}

static void
policy_free(struct retention *policy)
{
	set_text(&policy->name, NULL);
	set_text(&policy->body, NULL);
	set_text(&policy->last, NULL);
	free(policy);
}

void
retention_list_init(struct retention_list *list)
{
	*list = (struct retention_list) { 0 };
}

void
retention_list_deinit(struct retention_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		policy_free(list->item[i]);
	free(list->item);
	*list = (struct retention_list) { 0 };
}

void
retention_snapshot(struct arena *arena, const struct retention *policy, struct retention *ret)
{
	*ret = *policy;
	ret->name = arena_strdup(arena, policy->name);
	ret->body = arena_strdup(arena, policy->body);
	ret->last = policy->last ? arena_strdup(arena, policy->last) : NULL;
}

static void
insert(struct retention_list *list, size_t at, struct retention *policy)
{
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : ITEMS_CAP_MIN;
		list->item = xreallocarray(list->item, list->cap, sizeof(*list->item));
	}
	memmove(&list->item[at + 1], &list->item[at], (list->n - at) * sizeof(*list->item));
	list->item[at] = policy;
	list->n++;
}

static size_t
index_of(const struct retention_list *list, const struct retention *policy)
{
	size_t at = 0;

	while (list->item[at] != policy)
		at++;
	return at;
}

/* Where a policy of the project with this place stands. */
static size_t
slot_of(const struct retention_list *list, int64_t project, int64_t place)
{
	size_t at = 0;

	while (at < list->n &&
		(list->item[at]->project < project ||
			(list->item[at]->project == project && list->item[at]->place < place)))
		at++;
	return at;
}

/* The cadence is in the body; a body of ours can be read. */
static int64_t
every_of(const char *body)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_(json_unrefp) json_t *json = json_loads(body, 0, NULL);
	struct issues issues = { .arena = &arena };
	struct retention_spec spec;

	arena_init(&arena, MIB(1));
	if (retention_spec_read(json, true, &issues, &spec) < 0)
		return RETENTION_EVERY_MS_DEFAULT;
	return spec.every_ms;
}

static struct retention *
policy_dup(const struct retention *row)
{
	struct retention *policy = xcalloc(1, sizeof *policy);

	*policy = *row;
	policy->name = xstrdup(row->name);
	policy->body = xstrdup(row->body);
	policy->last = row->last ? xstrdup(row->last) : NULL;
	policy->change = ROW_CLEAN;
	return policy;
}

void
retention_list_restore(struct retention_list *list, const struct retention *row)
{
	struct retention *policy = policy_dup(row);

	policy->every_ms = every_of(policy->body);
	policy->due_ms =
		policy->last_ms > 0 ? policy->last_ms + policy->every_ms : policy->updated_ms;
	insert(list, slot_of(list, row->project, row->place + (int64_t)1), policy);
	if (policy->seq > list->last_seq)
		list->last_seq = policy->seq;
}

struct retention *
retention_list_get(const struct retention_list *list, int64_t project, const struct uuid *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->project == project && uuid_eq(&list->item[i]->id, id))
			return list->item[i];
	return NULL;
}

/* --- Changing --- */

static void
save(struct uow *uow, const struct retention *policy, enum row_change change)
{
	struct retention *copy = arena_xalloc(uow->arena, sizeof *copy);

	retention_snapshot(uow->arena, policy, copy);
	copy->change = change;
	UOW_PUSH(uow, &uow->retention, copy);
}

/* Places of the project are 1, 2, … again. */
static void
renumber(struct retention_list *list, struct uow *uow, int64_t project)
{
	int32_t place = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct retention *policy = list->item[i];

		if (policy->project != project || policy->place == ++place)
			continue;
		policy->place = place;
		save(uow, policy, ROW_CHANGED);
	}
}

static int
check_name(const struct retention_list *list, int64_t project, const struct retention *policy,
	const char *name, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct retention *other = list->item[i];

		if (other->project != project)
			continue;
		n++;
		if (other != policy && strcmp(other->name, name) == 0)
			return err_set(err, ERR_CONFLICT,
				"there is a policy \"%.100s\" already", name);
	}
	if (!policy && n >= RETENTION_POLICIES_MAX)
		return err_set(err, ERR_LIMIT, "there are %zu policies, the maximum", n);
	return 0;
}

int
retention_list_put(struct retention_list *list, struct uow *uow, int64_t project,
	struct retention *policy, const struct retention_put *put, struct retention **ret,
	struct err *err)
{
	bool is_new = !policy;
	int64_t place = put->place;

	if (check_name(list, project, policy, put->name, err) < 0)
		return -1;
	if (is_new) {
		policy = xcalloc(1, sizeof *policy);
		policy->seq = ++list->last_seq;
		uuid_v7(&policy->id, uow->now_ms, uow->rng);
		policy->project = project;
		policy->created_ms = uow->now_ms;
	} else {
		size_t at = index_of(list, policy);

		place = place > 0 ? place : policy->place;
		memmove(&list->item[at], &list->item[at + 1],
			(list->n - at - 1) * sizeof(*list->item));
		list->n--;
		renumber(list, uow, project);
	}
	set_text(&policy->name, put->name);
	set_text(&policy->body, put->body);
	policy->is_paused = put->is_paused;
	policy->every_ms = put->every_ms;
	policy->due_ms = uow->now_ms;
	policy->files_done_ms = 0;
	policy->updated_ms = uow->now_ms;
	policy->revision++;
	size_t at = slot_of(list, project, place > 0 ? place : INT32_MAX);
	insert(list, at, policy);
	policy->place = 0;
	renumber(list, uow, project);
	*ret = policy;
	return 0;
}

void
retention_list_remove(struct retention_list *list, struct uow *uow, struct retention *policy)
{
	size_t at = index_of(list, policy);
	int64_t project = policy->project;

	save(uow, policy, ROW_DELETED);
	memmove(&list->item[at], &list->item[at + 1], (list->n - at - 1) * sizeof(*list->item));
	list->n--;
	policy_free(policy);
	renumber(list, uow, project);
}

/* From the last on, so that no place moves. */
void
retention_list_drop_project(struct retention_list *list, struct uow *uow, int64_t project)
{
	for (size_t i = list->n; i > 0; i--)
		if (list->item[i - 1]->project == project)
			retention_list_remove(list, uow, list->item[i - 1]);
}

/* --- Sweeping --- */

/* The policies before it: what they are about is not its. */
static struct str
earlier_of(const struct retention_list *list, struct uow *uow, const struct retention *policy)
{
	_cleanup_(buf_deinit) struct buf text =
		BUF_INIT(RETENTION_POLICIES_MAX * RETENTION_BODY_BYTES_MAX + KIB(1));
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_ki64(&jw, "revision", policy->revision);
	jw_ki64(&jw, "filesDone", policy->files_done_ms);
	jw_karr(&jw, "earlier");
	for (size_t i = 0; i < list->n && list->item[i] != policy; i++)
		if (list->item[i]->project == policy->project && !list->item[i]->is_paused)
			jw_raw(&jw, list->item[i]->body);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return (struct str) { 0 };
	return str_from(arena_strndup(uow->arena, text.data, text.len), text.len);
}

void
retention_list_run(struct retention_list *list, struct uow *uow)
{
	for (size_t i = 0; i < list->n; i++) {
		struct retention *policy = list->item[i];

		if (policy->is_under_way || policy->is_paused || policy->due_ms > uow->now_ms)
			continue;
		struct effect effect = {
			.kind = EFFECT_SWEEP,
			.project = policy->project,
			.what = policy->id,
			.at_ms = uow->now_ms,
			.body = str_of(arena_strdup(uow->arena, policy->body)),
			.scope = earlier_of(list, uow, policy),
		};
		UOW_PUSH(uow, &uow->effects, effect);
		policy->is_under_way = true;
		policy->is_wanted = false;
	}
}

void
retention_sweep_now(struct retention *policy)
{
	if (policy->is_under_way)
		policy->is_wanted = true;
	else
		policy->due_ms = 0;
}

static const char *
figures_text(struct uow *uow, const struct sweep_figures *figures)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(16));
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_ktime(&jw, "at", figures->began_ms);
	jw_ki64(&jw, "tookMs", figures->took_ms);
	jw_ki64(&jw, "jobs", figures->jobs);
	jw_ki64(&jw, "artifacts", figures->files);
	jw_ki64(&jw, "bytes", figures->bytes);
	jw_kstr_opt(&jw, "archive", figures->archive);
	jw_kstr_opt(&jw, "error", figures->error);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return "{}";
	return arena_strndup(uow->arena, text.data, text.len);
}

void
retention_swept(struct retention_list *list, struct uow *uow, struct retention *policy,
	const struct sweep_figures *figures)
{
	(void)list;
	policy->is_under_way = false;
	policy->last_ms = figures->began_ms;
	policy->due_ms = policy->is_wanted ? uow->now_ms : uow->now_ms + policy->every_ms;
	set_text(&policy->last, figures_text(uow, figures));
	save(uow, policy, ROW_CHANGED);
}

void
retention_list_forget(struct retention_list *list, int64_t project)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->project == project)
			list->item[i]->files_done_ms = 0;
}

int64_t
retention_list_due(const struct retention_list *list)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < list->n; i++) {
		const struct retention *policy = list->item[i];

		if (!policy->is_under_way && !policy->is_paused && policy->due_ms < due)
			due = policy->due_ms;
	}
	return due;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A project is one allocation with its texts behind it, replaced whole when it changes. */
#include "core/project.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/uow.h"

enum {
	ITEMS_CAP_MIN = 16,
};

static struct project *
project_dup(const struct project *project)
{
	size_t name = strlen(project->name) + 1, body = strlen(project->body) + 1;
	struct project *copy = xcalloc(1, sizeof *copy + name + body);
	char *texts = (char *)(copy + 1);

	*copy = *project;
	copy->name = memcpy(texts, project->name, name);
	copy->body = memcpy(texts + name, project->body, body);
	copy->change = ROW_CLEAN;
	return copy;
}

void
project_list_deinit(struct project_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct project_list) { 0 };
}

void
project_list_set(struct project_list *list, const struct project *project)
{
	size_t at = 0;

	while (at < list->n && list->item[at]->seq < project->seq)
		at++;
	if (at < list->n && list->item[at]->seq == project->seq) {
		struct project *old = list->item[at];

		list->item[at] = project_dup(project);
		free(old); /* `project` may be the old one */
		return;
	}
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : ITEMS_CAP_MIN;
		list->item = xrealloc(list->item, list->cap * sizeof(*list->item));
	}
	memmove(&list->item[at + 1], &list->item[at], (list->n - at) * sizeof(*list->item));
	list->item[at] = project_dup(project);
	list->n++;
}

/* --- Looking up --- */

const struct project *
project_by_id(const struct project_list *list, const struct uuid *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->deleted_ms == 0 && uuid_eq(&list->item[i]->id, id))
			return list->item[i];
	return NULL;
}

const struct project *
project_by_name(const struct project_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->deleted_ms == 0 && strcmp(list->item[i]->name, name) == 0)
			return list->item[i];
	return NULL;
}

const struct project *
project_by_seq(const struct project_list *list, int64_t seq)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i]->deleted_ms == 0 && list->item[i]->seq == seq)
			return list->item[i];
	return NULL;
}

bool
project_is_deleted(const struct project_list *list, int64_t seq)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->item[middle]->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->n && list->item[low]->seq == seq && list->item[low]->deleted_ms > 0;
}

/* --- Changing --- */

/* Into the list, and into the turn. */
static const struct project *
keep(struct project_list *list, struct uow *uow, struct project *row)
{
	struct project *saved = arena_xalloc(uow->arena, sizeof *saved);

	row->updated_ms = uow->now_ms;
	*saved = *row;
	saved->name = arena_strdup(uow->arena, row->name);
	saved->body = arena_strdup(uow->arena, row->body);
	UOW_PUSH(uow, &uow->projects, saved);
	project_list_set(list, saved);
	return saved;
}

static int
check_revision(const struct project *project, int64_t if_revision, struct err *err)
{
	if (if_revision > 0 && project->revision != if_revision)
		return err_set(err, ERR_CONFLICT, "it was changed meanwhile");
	return 0;
}

static int
new_row(const struct project_list *list, struct uow *uow, struct project *ret, struct err *err)
{
	size_t there = 0;

	for (size_t i = 0; i < list->n; i++)
		there += list->item[i]->deleted_ms == 0;
	if (there >= PROJECTS_MAX)
		return err_set(
			err, ERR_LIMIT, "there are %d projects, the maximum", PROJECTS_MAX);
	*ret = (struct project) {
		.seq = list->n > 0 ? list->item[list->n - 1]->seq + 1 : PROJECT_DEFAULT,
		.created_ms = uow->now_ms,
		.change = ROW_NEW,
	};
	uuid_v7(&ret->id, uow->now_ms, uow->rng);
	return 0;
}

int
project_list_put(struct project_list *list, struct uow *uow, const struct uuid *id,
	const struct project_put *put, int64_t if_revision, const struct project **ret,
	struct err *err)
{
	const struct project *named = project_by_name(list, put->name), *old = NULL;
	struct project row;

	if (!uuid_is_zero(id)) {
		old = project_by_id(list, id);
		if (!old)
			return err_set(err, ERR_NOT_FOUND, "there is no such project");
		if (check_revision(old, if_revision, err) < 0)
			return -1;
		row = *old;
		row.change = ROW_CHANGED;
	}
	if (named && named != old)
		return err_set(err, ERR_CONFLICT, "another project has this name");
	if (!old && new_row(list, uow, &row, err) < 0)
		return -1;
	row.name = put->name;
	row.body = put->body;
	row.revision++;
	*ret = keep(list, uow, &row);
	return 0;
}

int
project_list_remove(struct project_list *list, struct uow *uow, const struct uuid *id,
	int64_t if_revision, const struct project **ret, struct err *err)
{
	const struct project *old = project_by_id(list, id);

	if (!old)
		return err_set(err, ERR_NOT_FOUND, "there is no such project");
	if (old->seq == PROJECT_DEFAULT)
		return err_set(err, ERR_CONFLICT, "the default project cannot be deleted");
	if (check_revision(old, if_revision, err) < 0)
		return -1;
	struct project row = *old;

	row.change = ROW_CHANGED;
	row.deleted_ms = uow->now_ms;
	row.body = "{}";
	row.revision++;
	*ret = keep(list, uow, &row);
	return 0;
}

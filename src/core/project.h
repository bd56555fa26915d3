/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projects: the boundaries that every row belongs to, and what is set for all of one.
 *
 * There are few, so the engine and the API each keep all of them in memory. A deleted project
 * stays as a stone without a name, so that its key is never given again and what is left of it
 * can be cleared away at leisure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "core/job.h"

struct uow;

enum { PROJECT_DEFAULT = 1 }; /* seq of the one that is always there */

struct project {
	int64_t seq; /* job.project and the like */
	struct uuid id;
	const char *name; /* unique among those that are not deleted */
	const char *body; /* JSON object: its settings */
	int64_t revision; /* from 1 */
	int64_t created_ms, updated_ms;
	int64_t deleted_ms; /* 0: it is there */
	enum row_change change;
};

struct project_list {
	struct project **item; /* owned, in order of seq; deleted ones too */
	size_t n, cap;
};

struct project_put {
	const char *name, *body;
};

void project_list_deinit(struct project_list *list);

/* A project as the store or the engine has it, new or in place of the one with its seq; texts
 * are copied. */
void project_list_set(struct project_list *list, const struct project *project);

/* NULL: there is none, or it is deleted. The result is valid until the list changes. */
const struct project *project_by_id(const struct project_list *list, const struct uuid *id);
const struct project *project_by_name(const struct project_list *list, const char *name);
const struct project *project_by_seq(const struct project_list *list, int64_t seq);
/* False also of one that never was. */
bool project_is_deleted(const struct project_list *list, int64_t seq);

/*
 * Changes of a turn: the list and the unit of work. `id` zero: a new one. ERR_NOT_FOUND,
 * ERR_CONFLICT (the name is taken, the revision is another), ERR_LIMIT.
 */
int project_list_put(struct project_list *list, struct uow *uow, const struct uuid *id,
	const struct project_put *put, int64_t if_revision, const struct project **ret,
	struct err *err) MUST_CHECK;

/* ERR_CONFLICT: the default project stays, or the revision is another. */
int project_list_remove(struct project_list *list, struct uow *uow, const struct uuid *id,
	int64_t if_revision, const struct project **ret, struct err *err) MUST_CHECK;

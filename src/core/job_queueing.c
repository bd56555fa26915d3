/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, needs, unique keys and edits: decoded by tables, checked against each other. */
#include "core/job_queueing.h"

#include <string.h>

#include "base/limits.h"
#include "core/lane.h"
#include "core/needs.h"

const char *const unique_mode_names[] = { "skip", "replace", "debounce", NULL };

struct edit_in {
	int64_t priority, run_at_ms, expires_after_ms;
	const char *queue;
	json_t *labels, *keys, *needs;
	bool has_priority, has_run_at, has_expires;
};

struct move_in {
	struct uuid before, after;
	bool has_before, has_after, top;
};

/* The end of the year 9999: what four digits can say. */
#define TIME_AT_MS_MAX INT64_C(253402300799999)

/* clang-format off */
#define UNIQUE(member) .offset = offsetof(struct job_unique, member)
const struct json_field job_unique_fields[] = {
	{ .name = "key", .kind = FIELD_STR, UNIQUE(key), .min = 1, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "mode", .kind = FIELD_ENUM, UNIQUE(mode), .names = unique_mode_names },
	{ .name = "period", .kind = FIELD_DURATION, UNIQUE(period_ms), .min = 1, .max = UNIQUE_PERIOD_MS_MAX },
	{ 0 },
};

#define EDIT(member) .offset = offsetof(struct edit_in, member)
#define SET(member) .set_offset = offsetof(struct edit_in, member)
const struct json_field job_edit_fields[] = {
	{ .name = "priority", .kind = FIELD_INT, EDIT(priority), SET(has_priority), .min = PRIORITY_MIN, .max = PRIORITY_MAX },
	{ .name = "queue", .kind = FIELD_STR, EDIT(queue), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "runAt", .kind = FIELD_INSTANT, EDIT(run_at_ms), SET(has_run_at), .min = 0, .max = TIME_AT_MS_MAX },
	{ .name = "expiresAfter", .kind = FIELD_DURATION, EDIT(expires_after_ms), SET(has_expires), .min = 0, .max = EXPIRES_MS_MAX },
	{ .name = "labels", .kind = FIELD_OBJ, EDIT(labels), .min = 0, .max = LABELS_MAX },
	{ .name = "keys", .kind = FIELD_OBJ, EDIT(keys), .min = 0, .max = JOB_KEYS_MAX },
	{ .name = "needs", .kind = FIELD_OBJ, EDIT(needs), .min = 0, .max = RESOURCES_MAX },
	{ 0 },
};

#define MOVE(member) .offset = offsetof(struct move_in, member)
const struct json_field job_move_fields[] = {
	{ .name = "before", .kind = FIELD_UUID, MOVE(before), .set_offset = offsetof(struct move_in, has_before) },
	{ .name = "after", .kind = FIELD_UUID, MOVE(after), .set_offset = offsetof(struct move_in, has_after) },
	{ .name = "top", .kind = FIELD_FLAG, MOVE(top) },
	{ 0 },
};
/* clang-format on */

void
job_queueing_read(const struct job_queueing *in, const char *pointer, struct arena *arena,
	struct issues *issues, struct job_spec *spec)
{
	spec->expires_after_ms = in->expires_after_ms;
	if (in->keys)
		spec->keys = labels_canonical(
			arena, in->keys, json_pointer_member(arena, pointer, "keys"), issues);
	if (in->needs)
		spec->needs = needs_canonical(
			arena, in->needs, json_pointer_member(arena, pointer, "needs"), issues);
	if (!in->has_unique || !in->unique.key)
		return;
	spec->unique = (struct unique_spec) {
		.mode = (enum unique_mode)(in->unique.mode + 1),
		.key = in->unique.key,
		.period_ms = in->unique.period_ms,
	};
	if (spec->unique.mode == UNIQUE_DEBOUNCE && spec->unique.period_ms == 0)
		issues_add_member(issues, json_pointer_member(arena, pointer, "unique"),
			"period", ISSUE_MISSING, "debounce needs a period");
}

int
job_edit_read(json_t *body, const char *pointer, struct arena *arena, struct issues *issues,
	struct job_edit *ret)
{
	struct edit_in in = { 0 };
	size_t first = issues->n;

	*ret = (struct job_edit) { 0 };
	if (json_decode(body, job_edit_fields, &in, pointer, issues) < 0)
		return -1;
	if (json_object_size(body) == 0) {
		issues_add(issues, pointer, ISSUE_MISSING, "nothing is to be changed");
		return -1;
	}
	*ret = (struct job_edit) {
		.has_priority = in.has_priority,
		.priority = (int32_t)in.priority,
		.queue = in.queue ? arena_strdup(arena, in.queue) : NULL,
		.has_run_at = in.has_run_at,
		.run_at_ms = in.run_at_ms,
		.has_expires = in.has_expires,
		.expires_after_ms = in.expires_after_ms,
		.has_labels = in.labels != NULL,
		.has_keys = in.keys != NULL,
		.has_needs = in.needs != NULL,
	};
	if (in.labels)
		ret->labels = labels_canonical(arena, in.labels,
			json_pointer_member(arena, pointer, "labels"), issues);
	if (in.keys)
		ret->keys = labels_canonical(
			arena, in.keys, json_pointer_member(arena, pointer, "keys"), issues);
	if (in.needs)
		ret->needs = needs_canonical(
			arena, in.needs, json_pointer_member(arena, pointer, "needs"), issues);
	return issues->n > first ? -1 : 0;
}

int
job_move_read(json_t *body, struct issues *issues, struct job_edit *ret)
{
	struct move_in in = { 0 };

	*ret = (struct job_edit) { 0 };
	if (json_decode(body, job_move_fields, &in, "", issues) < 0)
		return -1;
	if (in.has_before + in.has_after + in.top != 1) {
		issues_add(
			issues, "", ISSUE_INVALID, "one of before, after and top is expected");
		return -1;
	}
	ret->place = in.top ? PLACE_TOP : in.has_before ? PLACE_BEFORE : PLACE_AFTER;
	ret->neighbour.u = in.has_before ? in.before : in.after;
	return 0;
}

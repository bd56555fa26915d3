/* SPDX-License-Identifier: Apache-2.0 */
/* What a retention policy says, and which jobs it is about. */
#include "core/retention.h"

#include <string.h>

#include "base/limits.h"

struct match_in {
	struct strs states, reasons, tags;
	const char *template, *queue, *kind;
	int64_t older_ms;
};

struct keep_in {
	int64_t age_ms, count, bytes;
};

struct retention_in {
	const char *name;
	struct match_in match;
	struct keep_in keep;
	int64_t files_age_ms, every_ms, place;
	bool is_paused;
	json_t *archive;
};

/* clang-format off */
#define MATCH(member) .offset = offsetof(struct match_in, member)
const struct json_field retention_match_fields[] = {
	{ .name = "status", .kind = FIELD_STRS, MATCH(states), .min = 0, .max = JOB_STATE_COUNT, .item_max = NAME_BYTES_MAX },
	{ .name = "reason", .kind = FIELD_STRS, MATCH(reasons), .min = 0, .max = JOB_REASON_COUNT, .item_max = NAME_BYTES_MAX },
	{ .name = "template", .kind = FIELD_STR, MATCH(template), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "queue", .kind = FIELD_STR, MATCH(queue), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "kind", .kind = FIELD_STR, MATCH(kind), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "tags", .kind = FIELD_STRS, MATCH(tags), .min = 0, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX },
	{ .name = "olderThan", .kind = FIELD_DURATION, MATCH(older_ms), .min = 0, .max = RETENTION_AGE_MS_MAX },
	{ 0 },
};

#define KEEP(member) .offset = offsetof(struct keep_in, member)
const struct json_field retention_keep_fields[] = {
	{ .name = "age", .kind = FIELD_DURATION, KEEP(age_ms), .min = 0, .max = RETENTION_AGE_MS_MAX },
	{ .name = "count", .kind = FIELD_INT, KEEP(count), .min = 0, .max = RETENTION_COUNT_MAX },
	{ .name = "bytes", .kind = FIELD_SIZE, KEEP(bytes), .min = 0, .max = INT64_MAX / 2 },
	{ 0 },
};

#define RETENTION(member) .offset = offsetof(struct retention_in, member)
const struct json_field retention_fields[] = {
	{ .name = "name", .kind = FIELD_STR, RETENTION(name), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "place", .kind = FIELD_INT, RETENTION(place), .min = 1, .max = RETENTION_POLICIES_MAX },
	{ .name = "match", .kind = FIELD_SUB, RETENTION(match), .sub = retention_match_fields },
	{ .name = "keep", .kind = FIELD_SUB, RETENTION(keep), .sub = retention_keep_fields },
	{ .name = "artifactsAge", .kind = FIELD_DURATION, RETENTION(files_age_ms), .min = 0, .max = RETENTION_AGE_MS_MAX },
	{ .name = "archive", .kind = FIELD_ANY, RETENTION(archive) },
	{ .name = "every", .kind = FIELD_DURATION, RETENTION(every_ms), .min = RETENTION_EVERY_MS_MIN, .max = RETENTION_EVERY_MS_MAX },
	{ .name = "paused", .kind = FIELD_FLAG, RETENTION(is_paused) },
	{ 0 },
};
/* clang-format on */

/* ---- reading ---- */

static void
read_states(const struct strs *words, struct issues *issues, uint32_t *ret)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *at = json_pointer_index(issues->arena, "/match/status", i);
		enum job_state state;

		if (job_state_parse(words->item[i], &state) < 0)
			issues_add(issues, at, ISSUE_INVALID, "there is no such status");
		else if (!job_state_is_final(state))
			issues_add(issues, at, ISSUE_INVALID,
				"a job that is %s has not ended: it is kept anyway",
				words->item[i]);
		else
			*ret |= UINT32_C(1) << state;
	}
}

static void
read_reasons(const struct strs *words, struct issues *issues, uint32_t *ret)
{
	for (size_t i = 0; i < words->n; i++) {
		enum job_reason reason;

		if (job_reason_parse(words->item[i], &reason) < 0)
			issues_add(issues,
				json_pointer_index(issues->arena, "/match/reason", i),
				ISSUE_INVALID, "there is no such reason");
		else
			*ret |= UINT32_C(1) << reason;
	}
}

/* A folder's name, with folders before it: nothing that leads out, nothing hidden. */
static bool
is_folder(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
	struct str rest = str_of(name);

	if (rest.n == 0 || rest.n > NAME_BYTES_MAX || strspn(name, allowed) != rest.n)
		return false;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');

		if (part.n == 0 || part.p[0] == '.')
			return false;
	}
	return true;
}

static void
read_archive(const json_t *json, struct issues *issues, struct retention_spec *ret)
{
	const char *folder = json_string_value(json);

	ret->archives = json_is_true(json) || folder;
	if (folder && is_folder(folder))
		ret->archive = arena_strdup(issues->arena, folder);
	else if (json && !json_is_boolean(json))
		issues_add(issues, "/archive", ISSUE_INVALID,
			"true, false, or the name of a folder");
}

/* What would do nothing, or something other than was meant. */
static void
check(const struct retention_spec *spec, bool is_draft, struct issues *issues)
{
	if (!spec->name && !is_draft)
		issues_add(issues, "/name", ISSUE_MISSING, "a policy has a name");
	if (spec->age_ms < 0 && spec->count < 0 && spec->bytes < 0 && spec->files_age_ms < 0)
		issues_add(issues, "/keep", ISSUE_MISSING,
			"what is kept: age, count, bytes, or artifactsAge beside it");
	if (spec->age_ms >= 0 && spec->files_age_ms > spec->age_ms)
		issues_add(issues, "/artifactsAge", ISSUE_INVALID,
			"by then the jobs are gone already");
}

int
retention_spec_read(
	json_t *json, bool is_draft, struct issues *issues, struct retention_spec *ret)
{
	struct retention_in in = {
		.keep = { .age_ms = -1, .count = -1, .bytes = -1 },
		.files_age_ms = -1,
		.every_ms = RETENTION_EVERY_MS_DEFAULT,
	};

	if (json_decode(json, retention_fields, &in, "", issues) < 0)
		return -1;
	struct retention_spec spec = {
		.name = in.name,
		.template = in.match.template,
		.queue = in.match.queue,
		.kind = in.match.kind,
		.tags = in.match.tags.item,
		.n_tags = in.match.tags.n,
		.older_ms = in.match.older_ms,
		.age_ms = in.keep.age_ms,
		.count = in.keep.count,
		.bytes = in.keep.bytes,
		.files_age_ms = in.files_age_ms,
		.every_ms = in.every_ms,
		.is_paused = in.is_paused,
		.place = in.place,
	};
	read_states(&in.match.states, issues, &spec.states);
	read_reasons(&in.match.reasons, issues, &spec.reasons);
	read_archive(in.archive, issues, &spec);
	check(&spec, is_draft, issues);
	*ret = spec;
	return issues->n > 0 ? -1 : 0;
}

/* ---- matching ---- */

static bool
has_tag(const char *tags, const char *wanted)
{
	_cleanup_(json_unrefp) json_t *list = tags ? json_loads(tags, 0, NULL) : NULL;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
			return true;
	}
	return false;
}

static bool
has_kind(const struct job *job, const char *wanted)
{
	const char *kinds = job->kinds ? job->kinds : job->kind;
	size_t n = strlen(wanted);

	for (const char *at = kinds; at && *at;) {
		size_t len = strcspn(at, ",");

		if (len == n && memcmp(at, wanted, n) == 0)
			return true;
		at += len + (at[len] == ',');
	}
	return false;
}

static bool
is_template(const struct job *job, const char *wanted, const char *name)
{
	struct uuid id;

	if (name && strcmp(name, wanted) == 0)
		return true;
	return uuid_parse(str_of(wanted), &id) == 0 && !uuid_is_zero(&id) &&
		uuid_eq(&id, &job->template_id.u);
}

bool
retention_is_about(const struct retention_spec *spec, const struct job *job, const char *queue,
	const char *template)
{
	if (!job_state_is_final(job->state))
		return false;
	if (spec->states && !(spec->states & UINT32_C(1) << job->state))
		return false;
	if (spec->reasons && !(spec->reasons & UINT32_C(1) << job->reason))
		return false;
	if (spec->queue && (!queue || strcmp(spec->queue, queue) != 0))
		return false;
	if (spec->kind && !has_kind(job, spec->kind))
		return false;
	if (spec->template && !is_template(job, spec->template, template))
		return false;
	for (size_t i = 0; i < spec->n_tags; i++)
		if (!has_tag(job->tags, spec->tags[i]))
			return false;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

const char *const schedule_missed_names[] = { "skip", "once", "all", NULL };
const char *const schedule_overlap_names[] = { "skip", "queue", "cancel", "parallel", NULL };

struct blackout_in {
	const char *cron;
	int64_t duration_ms, from_ms, to_ms;
};

/* A request as the table decodes it. */
struct schedule_in {
	const char *name, *cron, *timezone;
	json_t *at, *start, *labels;
	struct strs tags;
	struct subs blackouts;
	int64_t every_ms, missed_max, jitter_ms, starts_ms, ends_ms;
	int missed, overlap;
	bool is_paused;
};

/* The end of the year 9999: what four digits can say. */
#define TIME_AT_MS_MAX INT64_C(253402300799999)

/* clang-format off */
#define BLACKOUT(member) .offset = offsetof(struct blackout_in, member)
const struct json_field schedule_blackout_fields[] = {
	{ .name = "from", .kind = FIELD_INSTANT, BLACKOUT(from_ms), .min = 0, .max = TIME_AT_MS_MAX },
	{ .name = "to", .kind = FIELD_INSTANT, BLACKOUT(to_ms), .min = 0, .max = TIME_AT_MS_MAX },
	{ .name = "cron", .kind = FIELD_STR, BLACKOUT(cron), .min = 1, .max = CRON_BYTES_MAX },
	{ .name = "duration", .kind = FIELD_DURATION, BLACKOUT(duration_ms), .min = 1000, .max = SCHEDULE_EVERY_MS_MAX },
	{ 0 },
};

#define SCHEDULE(member) .offset = offsetof(struct schedule_in, member)
const struct json_field schedule_fields[] = {
	{ .name = "name", .kind = FIELD_STR, SCHEDULE(name), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "cron", .kind = FIELD_STR, SCHEDULE(cron), .min = 1, .max = CRON_BYTES_MAX },
	{ .name = "every", .kind = FIELD_DURATION, SCHEDULE(every_ms), .min = SCHEDULE_EVERY_MS_MIN, .max = SCHEDULE_EVERY_MS_MAX },
	{ .name = "at", .kind = FIELD_ANY, SCHEDULE(at) },
	{ .name = "timezone", .kind = FIELD_STR, SCHEDULE(timezone), .min = 1, .max = ZONE_NAME_BYTES_MAX },
	{ .name = "start", .kind = FIELD_OBJ, SCHEDULE(start), .min = 1, .max = 100 },
	{ .name = "tags", .kind = FIELD_STRS, SCHEDULE(tags), .min = 0, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX },
	{ .name = "labels", .kind = FIELD_OBJ, SCHEDULE(labels), .min = 0, .max = LABELS_MAX },
	{ .name = "missed", .kind = FIELD_ENUM, SCHEDULE(missed), .names = schedule_missed_names },
	{ .name = "missedMax", .kind = FIELD_INT, SCHEDULE(missed_max), .min = 1, .max = SCHEDULE_MISSED_MAX },
	{ .name = "overlap", .kind = FIELD_ENUM, SCHEDULE(overlap), .names = schedule_overlap_names },
	{ .name = "jitter", .kind = FIELD_DURATION, SCHEDULE(jitter_ms), .min = 0, .max = SCHEDULE_JITTER_MS_MAX },
	{ .name = "blackout", .kind = FIELD_SUBS, SCHEDULE(blackouts), .min = 0, .max = SCHEDULE_BLACKOUTS_MAX,
		.sub = schedule_blackout_fields, .sub_bytes = sizeof(struct blackout_in) },
	{ .name = "startsAt", .kind = FIELD_INSTANT, SCHEDULE(starts_ms), .min = 0, .max = TIME_AT_MS_MAX },
	{ .name = "endsAt", .kind = FIELD_INSTANT, SCHEDULE(ends_ms), .min = 0, .max = TIME_AT_MS_MAX },
	{ .name = "paused", .kind = FIELD_FLAG, SCHEDULE(is_paused) },
	{ 0 },
};
/* clang-format on */

/* ---- when ---- */

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool
read_instant(const json_t *value, const char *pointer, struct issues *issues, int64_t *ret)
{
	struct err err;

	if (!json_is_string(value)) {
		issues_add(issues, pointer, ISSUE_INVALID, "an instant (RFC 3339) is expected");
		return false;
	}
	if (time_parse(str_from(json_string_value(value), json_string_length(value)), ret,
		    &err) == 0)
		return true;
	issues_add(issues, pointer, ISSUE_INVALID, "%s", err.text);
	return false;
}

/* One instant or a list; doubled ones count once. */
static void
read_at(const json_t *at, struct issues *issues, struct schedule_spec *ret)
{
	size_t n = json_is_array(at) ? json_array_size(at) : 1;
	int64_t *times;

	if (n == 0 || n > SCHEDULE_AT_MAX) {
		issues_add(issues, "/at", ISSUE_LIMIT, "1 to %d instants", SCHEDULE_AT_MAX);
		return;
	}
	times = arena_xalloc(issues->arena, n * sizeof *times);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(at) ? json_array_get(at, i) : at;
		const char *pointer =
			json_is_array(at) ? json_pointer_index(issues->arena, "/at", i) : "/at";
		if (!read_instant(one, pointer, issues, &times[i]))
			return;
	}
	qsort(times, n, sizeof *times, by_time);
	size_t kept = 1;
	for (size_t i = 1; i < n; i++)
		if (times[i] != times[kept - 1])
			times[kept++] = times[i];
	ret->at = times;
	ret->n_at = kept;
}

static void
read_when(const struct schedule_in *in, struct issues *issues, struct schedule_spec *ret)
{
	int n = (in->cron != NULL) + (in->every_ms > 0) + (in->at != NULL);
	struct err err;

	if (n != 1) {
		issues_add(issues,
			n == 0             ? ""
				: in->cron ? "/cron"
					   : "/every",
			n == 0 ? ISSUE_MISSING : ISSUE_INVALID,
			"exactly one of cron, every and at says when");
		return;
	}
	ret->cron_text = in->cron;
	ret->every_ms = in->every_ms;
	if (in->at)
		read_at(in->at, issues, ret);
	if (in->cron && cron_parse(str_of(in->cron), &ret->cron, &err) < 0)
		issues_add(issues, "/cron", ISSUE_INVALID, "%s", err.text);
	if (in->ends_ms > 0 && in->ends_ms <= in->starts_ms)
		issues_add(issues, "/endsAt", ISSUE_INVALID, "it is not after startsAt");
}

static void
read_zone(const char *name, struct issues *issues, struct schedule_spec *ret)
{
	struct err err;

	ret->zone = zone_utc();
	if (name && zone_find(name, &ret->zone, &err) < 0)
		issues_add(issues, "/timezone", ISSUE_INVALID, "%s", err.text);
}

/* One that never begins is a mistake, and finding that out each time is dear. */
static void
read_blackout_cron(const struct blackout_in *in, const struct zone *zone, const char *pointer,
	struct issues *issues, struct blackout *ret)
{
	int64_t ignored_ms;
	struct err err;

	if (cron_parse(str_of(in->cron), &ret->cron, &err) < 0)
		issues_add_member(issues, pointer, "cron", ISSUE_INVALID, "%s", err.text);
	else if (cron_next(&ret->cron, zone, 0, &ignored_ms) != 0)
		issues_add_member(
			issues, pointer, "cron", ISSUE_INVALID, "it would never begin");
}

static void
read_blackout(const struct blackout_in *in, const struct zone *zone, const char *pointer,
	struct issues *issues, struct blackout *ret)
{
	bool has_span = in->from_ms > 0 && in->to_ms > 0;
	bool has_cron = in->cron && in->duration_ms > 0;

	if (has_span == has_cron || (has_span && (in->cron || in->duration_ms > 0)) ||
		(has_cron && (in->from_ms > 0 || in->to_ms > 0))) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"a window has from and to, or cron and duration");
		return;
	}
	*ret = (struct blackout) {
		.is_cron = has_cron,
		.duration_ms = in->duration_ms,
		.from_ms = in->from_ms,
		.to_ms = in->to_ms,
	};
	if (has_cron)
		read_blackout_cron(in, zone, pointer, issues, ret);
	else if (in->to_ms <= in->from_ms)
		issues_add_member(issues, pointer, "to", ISSUE_INVALID, "it is not after from");
}

static void
read_blackouts(const struct schedule_in *in, struct issues *issues, struct schedule_spec *ret)
{
	const struct blackout_in *items = in->blackouts.items;
	struct blackout *windows =
		arena_xalloc(issues->arena, (in->blackouts.n + 1) * sizeof *windows);

	for (size_t i = 0; i < in->blackouts.n; i++)
		read_blackout(&items[i], ret->zone,
			json_pointer_index(issues->arena, "/blackout", i), issues, &windows[i]);
	ret->blackouts = windows;
	ret->n_blackouts = in->blackouts.n;
}

/* ---- what ---- */

static bool
has_text(const json_t *array, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

/* The job request with the schedule's tags and labels. */
static json_t *
merged_start(const struct schedule_in *in)
{
	json_t *start = json_deep_copy(in->start);
	json_t *tags = json_object_get(start, "tags");

	if (in->tags.n > 0 && !json_is_array(tags)) {
		tags = json_array();
		(void)json_object_set_new(start, "tags", tags);
	}
	for (size_t i = 0; i < in->tags.n; i++)
		if (!has_text(tags, in->tags.item[i]))
			(void)json_array_append_new(tags, json_string(in->tags.item[i]));
	if (in->labels && !json_is_object(json_object_get(start, "labels")))
		(void)json_object_set_new(start, "labels", json_object());
	if (in->labels)
		(void)json_object_update(json_object_get(start, "labels"), in->labels);
	return start;
}

static void
read_start(const struct schedule_in *in, struct issues *issues, struct schedule_spec *ret)
{
	static const char *const out_of_place[] = { "runAt", "parent", "schedule" };
	static const char *const needed[] = { "template", "tests", "flow", "stages", "chain",
		"parallel", "attempts" };
	_cleanup_(json_unrefp) json_t *start = merged_start(in);
	bool has_work = false;

	for (size_t i = 0; i < ARRAY_LEN(out_of_place); i++)
		if (json_object_get(start, out_of_place[i]))
			issues_add_member(issues, "/start", out_of_place[i], ISSUE_INVALID,
				"it has no place in a schedule");
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		has_work = has_work || json_object_get(start, needed[i]);
	if (!has_work)
		issues_add(issues, "/start", ISSUE_INVALID,
			"a job request is expected: with template, tests, flow or stages");
	ret->start = json_tree_text(issues->arena, start, SCHEDULE_BYTES_MAX);
	if (!ret->start.p)
		issues_add(issues, "/start", ISSUE_LIMIT, "over %d bytes",
			(int)SCHEDULE_BYTES_MAX);
}

int
schedule_spec_read(
	json_t *json, bool is_draft, struct issues *issues, struct schedule_spec *ret)
{
	struct schedule_in in = { .missed_max = SCHEDULE_MISSED_DEFAULT };
	struct schedule_spec spec = { 0 };

	if (json_decode(json, schedule_fields, &in, "", issues) < 0)
		return -1;
	spec = (struct schedule_spec) {
		.name = in.name,
		.missed = (enum schedule_missed)in.missed,
		.missed_max = (int32_t)in.missed_max,
		.overlap = (enum schedule_overlap)in.overlap,
		.jitter_ms = in.jitter_ms,
		.starts_ms = in.starts_ms,
		.ends_ms = in.ends_ms,
		.is_paused = in.is_paused,
	};
	read_when(&in, issues, &spec);
	read_zone(in.timezone, issues, &spec);
	read_blackouts(&in, issues, &spec);
	if (in.start)
		read_start(&in, issues, &spec);
	else if (!is_draft)
		issues_add(issues, "/start", ISSUE_MISSING, "what is to be started");
	if (!in.name && !is_draft)
		issues_add(issues, "/name", ISSUE_MISSING, "a schedule has a name");
	*ret = spec;
	return issues->n > 0 ? -1 : 0;
}

/* ---- occurrences ---- */

static int
next_of_interval(
	const struct schedule_spec *spec, int64_t created_ms, int64_t after_ms, int64_t *ret_ms)
{
	int64_t first_ms = spec->starts_ms > 0 ? spec->starts_ms : created_ms + spec->every_ms;

	*ret_ms = first_ms;
	if (after_ms >= first_ms)
		*ret_ms += ((after_ms - first_ms) / spec->every_ms + 1) * spec->every_ms;
	return 0;
}

static int
next_of_list(const struct schedule_spec *spec, int64_t after_ms, int64_t *ret_ms)
{
	for (size_t i = 0; i < spec->n_at; i++) {
		if (spec->at[i] <= after_ms)
			continue;
		*ret_ms = spec->at[i];
		return 0;
	}
	return SCHEDULE_NEVER;
}

int
schedule_spec_next(
	const struct schedule_spec *spec, int64_t created_ms, int64_t after_ms, int64_t *ret_ms)
{
	int64_t next_ms = 0;
	int rc;

	if (spec->starts_ms > 0 && after_ms < spec->starts_ms - 1)
		after_ms = spec->starts_ms - 1;
	if (spec->cron_text)
		rc = cron_next(&spec->cron, spec->zone, after_ms, &next_ms) == 0
			? 0
			: SCHEDULE_NEVER;
	else if (spec->every_ms > 0)
		rc = next_of_interval(spec, created_ms, after_ms, &next_ms);
	else
		rc = next_of_list(spec, after_ms, &next_ms);
	if (rc != 0 || next_ms > TIME_MS_MAX || (spec->ends_ms > 0 && next_ms >= spec->ends_ms))
		return SCHEDULE_NEVER;
	*ret_ms = next_ms;
	return 0;
}

bool
schedule_spec_is_black(const struct schedule_spec *spec, int64_t at_ms)
{
	for (size_t i = 0; i < spec->n_blackouts; i++) {
		const struct blackout *window = &spec->blackouts[i];
		int64_t from_ms = window->from_ms, to_ms = window->to_ms;

		if (window->is_cron) {
			/* The first beginning that can still cover the instant. */
			if (cron_next(&window->cron, spec->zone, at_ms - window->duration_ms,
				    &from_ms) != 0)
				continue;
			to_ms = from_ms + window->duration_ms;
		}
		if (from_ms <= at_ms && at_ms < to_ms)
			return true;
	}
	return false;
}

int64_t
schedule_spec_jitter(const struct schedule_spec *spec, const struct uuid *id, int64_t at_ms)
{
	uint64_t low, high;
	struct rng rng;

	if (spec->jitter_ms <= 0)
		return 0;
	memcpy(&low, id->b, sizeof low);
	memcpy(&high, id->b + sizeof low, sizeof high);
	rng_seed(&rng, low ^ high ^ (uint64_t)at_ms * UINT64_C(0x9e3779b97f4a7c15));
	return (int64_t)rng_below(&rng, (uint64_t)spec->jitter_ms);
}

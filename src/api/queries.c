/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of query parameters: for the decoder, for OpenAPI. */
#include "api/handlers.h"
#include "core/selector.h"

/* Index / 2 = enum job_sort, odd: descending. */
static const char *const sort_names[] = { "createdAt", "-createdAt", "updatedAt", "-updatedAt",
	"completedAt", "-completedAt", "priority", "-priority", "name", "-name", "duration",
	"-duration", NULL };
static const char *const event_formats[] = { "stream", "json", NULL };
static const char *const report_formats[] = { "html", "junit", "json", NULL };

#define TIME_MAX INT64_C(253402300799999)

/* clang-format off */
#define PAGE_PARAMS(T) \
	{ .name = "cursor", .kind = FIELD_STR, .offset = offsetof(struct T, cursor), .min = 1, .max = CURSOR_BYTES_MAX }, \
	{ .name = "limit", .kind = FIELD_INT, .offset = offsetof(struct T, limit), .min = PAGE_MIN, .max = PAGE_MAX }

#define AT(member) .offset = offsetof(struct T, member)

#define T dry_query
const struct json_field dry_query_fields[] = {
	{ .name = "dryRun", .kind = FIELD_FLAG, AT(dry_run) },
	{ 0 },
};
#undef T

#define T next_query
const struct next_query next_query_defaults = { .n = 10 };
const struct json_field next_query_fields[] = {
	{ .name = "n", .kind = FIELD_INT, AT(n), .min = 1, .max = SCHEDULE_NEXT_MAX },
	{ 0 },
};
#undef T

#define T wait_query
const struct json_field wait_query_fields[] = {
	{ .name = "wait", .kind = FIELD_DURATION, AT(wait_ms), .min = 0, .max = WAIT_MS_MAX },
	{ 0 },
};
#undef T

#define T page_query
const struct page_query page_query_defaults = { .limit = PAGE_DEFAULT };
const struct json_field page_query_fields[] = {
	PAGE_PARAMS(page_query),
	{ 0 },
};
#undef T

#define JOB_FILTER_PARAMS \
	{ .name = "status", .kind = FIELD_STRS, AT(status), .min = 1, .max = FILTER_VALUES_MAX, .item_max = 40 }, \
	{ .name = "reason", .kind = FIELD_STRS, AT(reason), .min = 1, .max = FILTER_VALUES_MAX, .item_max = 40 }, \
	{ .name = "tag", .kind = FIELD_STRS, AT(tag), .min = 1, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX }, \
	{ .name = "name", .kind = FIELD_STR, AT(name), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "search", .kind = FIELD_STR, AT(search), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "template", .kind = FIELD_STR, AT(tmpl), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "queue", .kind = FIELD_STR, AT(queue), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "kind", .kind = FIELD_STR, AT(kind), .min = 1, .max = 40 }, \
	{ .name = "parent", .kind = FIELD_STR, AT(parent), .min = 1, .max = UUID_TEXT_LEN }, \
	{ .name = "schedule", .kind = FIELD_STR, AT(schedule), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "createdAfter", .kind = FIELD_INSTANT, AT(created_after), .min = 1, .max = TIME_MAX }, \
	{ .name = "createdBefore", .kind = FIELD_INSTANT, AT(created_before), .min = 1, .max = TIME_MAX }, \
	{ .name = "completedAfter", .kind = FIELD_INSTANT, AT(completed_after), .min = 1, .max = TIME_MAX }, \
	{ .name = "completedBefore", .kind = FIELD_INSTANT, AT(completed_before), .min = 1, .max = TIME_MAX }, \
	{ .name = "minRun", .kind = FIELD_DURATION, AT(min_run_ms), .min = 1, .max = DAYS_MS(3650) }

#define T jobs_query
const struct jobs_query jobs_query_defaults = { .limit = PAGE_DEFAULT, .sort = 1 };
const struct json_field jobs_query_fields[] = {
	PAGE_PARAMS(jobs_query),
	{ .name = "count", .kind = FIELD_FLAG, AT(count) },
	{ .name = "sort", .kind = FIELD_ENUM, AT(sort), .names = sort_names },
	JOB_FILTER_PARAMS,
	{ 0 },
};

/* The same filter, of all pages at once. */
const struct json_field archive_query_fields[] = {
	JOB_FILTER_PARAMS,
	{ 0 },
};
#undef T

#define T runs_query
const struct runs_query runs_query_defaults = { .limit = PAGE_DEFAULT, .incarnation = -1, .test = -1 };
const struct json_field runs_query_fields[] = {
	PAGE_PARAMS(runs_query),
	{ .name = "incarnation", .kind = FIELD_INT, AT(incarnation), .min = 0, .max = INT32_MAX },
	{ .name = "iteration", .kind = FIELD_INT, AT(iteration), .min = 1, .max = INT64_MAX },
	{ .name = "test", .kind = FIELD_INT, AT(test), .min = 0, .max = TESTS_PER_JOB_MAX },
	{ .name = "status", .kind = FIELD_STRS, AT(status), .min = 1, .max = 10, .item_max = 40 },
	{ .name = "outcome", .kind = FIELD_STRS, AT(outcome), .min = 1, .max = 10, .item_max = 40 },
	{ .name = "last", .kind = FIELD_FLAG, AT(last) },
	{ 0 },
};
#undef T

#define T defs_query
const struct defs_query defs_query_defaults = { .limit = PAGE_DEFAULT };
const struct json_field defs_query_fields[] = {
	PAGE_PARAMS(defs_query),
	{ .name = "tag", .kind = FIELD_STRS, AT(tag), .min = 1, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX },
	{ .name = "search", .kind = FIELD_STR, AT(search), .min = 1, .max = NAME_BYTES_MAX },
	{ 0 },
};

/* Tests are also found as a job finds them. */
const struct defs_query tests_query_defaults = { .limit = PAGE_DEFAULT };
const struct json_field tests_query_fields[] = {
	PAGE_PARAMS(defs_query),
	{ .name = "tag", .kind = FIELD_STRS, AT(tag), .min = 1, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX },
	{ .name = "search", .kind = FIELD_STR, AT(search), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "tags", .kind = FIELD_STR, AT(tags), .min = 1, .max = TAG_EXPR_BYTES_MAX },
	{ .name = "name", .kind = FIELD_STRS, AT(name), .min = 1, .max = TAGS_MAX, .item_max = NAME_BYTES_MAX },
	{ .name = "last", .kind = FIELD_STRS, AT(last), .min = 1, .max = LAST_RESULT_COUNT, .item_max = 20 },
	{ .name = "exclude", .kind = FIELD_STR, AT(exclude), .min = 1, .max = TAG_EXPR_BYTES_MAX },
	{ 0 },
};
#undef T

#define T events_query
const struct events_query events_query_defaults = { .after = -1, .format = -1 };
const struct json_field events_query_fields[] = {
	PAGE_PARAMS(events_query),
	{ .name = "after", .kind = FIELD_INT, AT(after), .min = 0, .max = INT64_MAX },
	{ .name = "type", .kind = FIELD_STRS, AT(type), .min = 1, .max = FILTER_VALUES_MAX, .item_max = 40 },
	{ .name = "format", .kind = FIELD_ENUM, AT(format), .names = event_formats },
	{ 0 },
};
#undef T

#define T report_query
const struct json_field report_query_fields[] = {
	{ .name = "format", .kind = FIELD_ENUM, AT(format), .names = report_formats },
	{ .name = "artifacts", .kind = FIELD_STR, AT(artifacts), .min = 1, .max = 1024 },
	{ 0 },
};
#undef T

#define T artifact_put_query
const struct json_field artifact_put_query_fields[] = {
	{ .name = "fence", .kind = FIELD_INT, AT(fence), .min = 0, .max = INT64_MAX, .required = true },
	{ .name = "kind", .kind = FIELD_STR, AT(kind), .min = 1, .max = 40 },
	{ .name = "case", .kind = FIELD_STR, AT(case_id), .min = 1, .max = NAME_BYTES_MAX },
	{ 0 },
};
#undef T

#define T screen_put_query
const struct json_field screen_put_query_fields[] = {
	{ .name = "fence", .kind = FIELD_INT, AT(fence), .min = 0, .max = INT64_MAX, .required = true },
	{ .name = "width", .kind = FIELD_INT, AT(width), .min = 1, .max = SCREEN_SIDE_MAX, .required = true },
	{ .name = "height", .kind = FIELD_INT, AT(height), .min = 1, .max = SCREEN_SIDE_MAX, .required = true },
	{ 0 },
};
#undef T

#define T workers_query
const struct json_field workers_query_fields[] = {
	{ .name = "all", .kind = FIELD_FLAG, AT(all) },
	{ 0 },
};
#undef T

#define T signal_query
const struct signal_query signal_query_defaults = { .condition = -1 };
const struct json_field signal_query_fields[] = {
	{ .name = "condition", .kind = FIELD_INT, AT(condition), .min = 0, .max = WAIT_CONDITIONS_MAX - 1 },
	{ 0 },
};
#undef T

#define T stats_query
/* As enum stat_group_by, without names and times. */
static const char *const stat_groups[] = { "template", "queue", "kind", "tag", "team",
	"schedule", "status", "reason", "name", NULL };
/* Index / 2 = enum stat_sort, odd: descending. */
static const char *const stat_sorts[] = { "n", "-n", "failures", "-failures", "successRate",
	"-successRate", "flaky", "-flaky", "transitions", "-transitions", "flakiness",
	"-flakiness", "queueP95", "-queueP95", "runMean", "-runMean", "runP50", "-runP50",
	"runP95", "-runP95", "runP99", "-runP99", "busy", "-busy", "cpu", "-cpu", "peak",
	"-peak", "tokens", "-tokens", "name", "-name", NULL };
static const char *const stat_spans[] = { "day", "hour", NULL };
const struct stats_query stats_query_defaults = { .limit = PAGE_DEFAULT,
	.last_ms = DAYS_MS(STAT_DAYS_DEFAULT), .group_by = -1, .sort = -1, .by = -1, .n_min = -1,
	.threshold_ms = MINUTES_MS(10) };
#define SPAN_PARAMS \
	{ .name = "from", .kind = FIELD_INSTANT, AT(from_ms), .min = 1, .max = TIME_MAX }, \
	{ .name = "to", .kind = FIELD_INSTANT, AT(to_ms), .min = 1, .max = TIME_MAX }, \
	{ .name = "last", .kind = FIELD_DURATION, AT(last_ms), .min = 1, .max = DAYS_MS(STAT_DAYS_MAX) }
#define FILTER_PARAMS \
	{ .name = "queue", .kind = FIELD_STR, AT(queue), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "kind", .kind = FIELD_STR, AT(kind), .min = 1, .max = 40 }, \
	{ .name = "tag", .kind = FIELD_STR, AT(tag), .min = 1, .max = TAG_BYTES_MAX }
#define MORE_PARAMS \
	{ .name = "template", .kind = FIELD_STR, AT(tmpl), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "team", .kind = FIELD_STR, AT(team), .min = 1, .max = LABEL_BYTES_MAX }
#define THRESHOLD_PARAM \
	{ .name = "threshold", .kind = FIELD_DURATION, AT(threshold_ms), .min = 1, .max = DAYS_MS(3650) }
const struct json_field stats_table_query_fields[] = {
	PAGE_PARAMS(stats_query), SPAN_PARAMS, FILTER_PARAMS, MORE_PARAMS,
	{ .name = "groupBy", .kind = FIELD_ENUM, AT(group_by), .names = stat_groups },
	{ .name = "sort", .kind = FIELD_ENUM, AT(sort), .names = stat_sorts },
	{ .name = "minRuns", .kind = FIELD_INT, AT(n_min), .min = 0, .max = INT32_MAX },
	{ .name = "worker", .kind = FIELD_STR, AT(worker), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "test", .kind = FIELD_STR, AT(test), .min = 1, .max = NAME_BYTES_MAX },
	{ 0 },
};
const struct json_field stats_trend_query_fields[] = {
	SPAN_PARAMS, FILTER_PARAMS, MORE_PARAMS,
	{ .name = "by", .kind = FIELD_ENUM, AT(by), .names = stat_spans },
	{ .name = "test", .kind = FIELD_STR, AT(test), .min = 1, .max = NAME_BYTES_MAX },
	{ 0 },
};
const struct json_field stats_summary_query_fields[] = {
	SPAN_PARAMS, FILTER_PARAMS, MORE_PARAMS, THRESHOLD_PARAM,
	{ 0 },
};
const struct json_field stats_errors_query_fields[] = {
	PAGE_PARAMS(stats_query), SPAN_PARAMS, FILTER_PARAMS, MORE_PARAMS,
	{ 0 },
};
const struct json_field stats_list_query_fields[] = {
	PAGE_PARAMS(stats_query), SPAN_PARAMS, FILTER_PARAMS, THRESHOLD_PARAM,
	{ 0 },
};
const struct json_field stats_history_query_fields[] = {
	PAGE_PARAMS(stats_query),
	{ 0 },
};
#undef T

#define T revision_query
const struct json_field revision_query_fields[] = {
	{ .name = "revision", .kind = FIELD_INT, AT(revision), .min = 1, .max = INT64_MAX },
	{ 0 },
};
#undef T
/* clang-format on */

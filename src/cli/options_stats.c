/* SPDX-License-Identifier: Apache-2.0 */
/* Options of figures. */
#include "cli/options.h"

#include "base/limits.h"

/* Of every figure: what is counted. */
#define STATS_FILTERS                                                 \
	{ .name = "last",                                             \
		.kind = OPTION_TEXT,                                  \
		.value = "TIME",                                      \
		.help = "how far back, as 24h or 30d (7d)" },         \
		{ .name = "queue",                                    \
			.kind = OPTION_TEXT,                          \
			.value = "NAME",                              \
			.help = "only jobs of this queue" },          \
		{ .name = "template",                                 \
			.kind = OPTION_TEXT,                          \
			.value = "NAME",                              \
			.help = "only jobs of this template" },       \
		{ .name = "tag",                                      \
			.kind = OPTION_TEXT,                          \
			.value = "TAG",                               \
			.help = "only jobs with this tag" },          \
		{ .name = "kind",                                     \
			.kind = OPTION_TEXT,                          \
			.value = "KIND",                              \
			.help = "only tests of this kind" },          \
	{                                                             \
		.name = "team", .kind = OPTION_TEXT, .value = "NAME", \
		.help = "only jobs with this key \"team\""            \
	}

#define STATS_LIMIT                                                                 \
	{                                                                           \
		.name = "limit", .kind = OPTION_INT, .value = "N", .min = PAGE_MIN, \
		.max = PAGE_MAX, .help = "at most so many rows (50)"                \
	}

/* clang-format off */
static const char *const stats_groups[] = { "template", "queue", "kind", "tag", "team", "schedule",
	"status", "reason", "name", NULL };
const struct cli_option cli_stats_table_options[] = {
	STATS_FILTERS,
	STATS_LIMIT,
	{ .name = "by", .kind = OPTION_CHOICE, .value = "ATTRIBUTE", .choices = stats_groups, .help = "one row for each of these" },
	{ .name = "sort", .kind = OPTION_TEXT, .value = "FIGURE", .help = "n, failures, successRate, runP95 …; - before it: greatest first" },
	{ .name = "min-runs", .kind = OPTION_INT, .value = "N", .min = 0, .max = INT32_MAX, .help = "only rows with so many" },
	{ 0 },
};
const struct cli_option cli_stats_summary_options[] = {
	STATS_FILTERS,
	{ .name = "threshold", .kind = OPTION_TEXT, .value = "TIME", .help = "running for longer is long (10m)" },
	{ 0 },
};
static const char *const stats_spans[] = { "day", "hour", NULL };
const struct cli_option cli_stats_trend_options[] = {
	STATS_FILTERS,
	{ .name = "by", .kind = OPTION_CHOICE, .value = "SPAN", .choices = stats_spans, .help = "one row for each day or hour" },
	{ .name = "test", .kind = OPTION_TEXT, .value = "NAME", .help = "of this test instead of jobs" },
	{ 0 },
};
const struct cli_option cli_stats_error_options[] = {
	STATS_FILTERS,
	STATS_LIMIT,
	{ 0 },
};
const struct cli_option cli_stats_history_options[] = {
	STATS_LIMIT,
	{ 0 },
};
/* clang-format on */

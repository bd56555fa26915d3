/* SPDX-License-Identifier: Apache-2.0 */
/* Options of jobs that are there, and of what they leave behind. */
#include "cli/options.h"

#include "base/limits.h"

#define JOB_FILTERS                                                  \
	{ .name = "status",                                          \
		.kind = OPTION_TEXT,                                 \
		.many = true,                                        \
		.value = "STATUS",                                   \
		.help = "all jobs in this state" },                  \
		{ .name = "tag",                                     \
			.kind = OPTION_TEXT,                         \
			.many = true,                                \
			.value = "TAG",                              \
			.help = "all jobs with this tag" },          \
		{ .name = "name",                                    \
			.kind = OPTION_TEXT,                         \
			.value = "NAME",                             \
			.help = "all jobs of this name" },           \
		{ .name = "queue",                                   \
			.kind = OPTION_TEXT,                         \
			.value = "NAME",                             \
			.help = "all jobs of this queue" },          \
		{ .name = "template",                                \
			.kind = OPTION_TEXT,                         \
			.value = "NAME",                             \
			.help = "all jobs of this template" },       \
		{ .name = "created-after",                           \
			.kind = OPTION_TEXT,                         \
			.value = "TIME",                             \
			.help = "only younger ones" },               \
		{ .name = "created-before",                          \
			.kind = OPTION_TEXT,                         \
			.value = "TIME",                             \
			.help = "only older ones" },                 \
		{ .name = "dry-run",                                 \
			.kind = OPTION_FLAG,                         \
			.help = "show which they are, do nothing" }, \
	{                                                            \
		.name = "yes", .letter = 'y', .kind = OPTION_FLAG,   \
		.help = "do it without asking"                       \
	}

const struct cli_option cli_command_options[] = { JOB_FILTERS, { 0 } };

const struct cli_option cli_edit_options[] = {
	{ .name = "priority",
		.kind = OPTION_INT,
		.value = "N",
		.min = PRIORITY_MIN,
		.max = PRIORITY_MAX,
		.help = "greater goes first" },
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME", .help = "queue to stand in" },
	{ .name = "run-at",
		.kind = OPTION_TEXT,
		.value = "TIME",
		.help = "not before this time" },
	{ .name = "expires-after",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.max = EXPIRES_MS_MAX,
		.help = "ends when it has not begun by then; 0: never" },
	{ .name = "label",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=VALUE",
		.help = "label that a worker must have" },
	{ .name = "job-key",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=VALUE",
		.help = "what limits by key count it under" },
	{ .name = "need",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=AMOUNT",
		.help = "resource that each run takes" },
	{ 0 },
};

const struct cli_option cli_move_options[] = {
	{ .name = "before", .kind = OPTION_TEXT, .value = "ID", .help = "ahead of this job" },
	{ .name = "after", .kind = OPTION_TEXT, .value = "ID", .help = "behind this job" },
	{ .name = "top", .kind = OPTION_FLAG, .help = "ahead of all others" },
	{ 0 },
};

const struct cli_option cli_list_options[] = {
	{ .name = "status",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "STATUS",
		.help = "only jobs in this state" },
	{ .name = "tag",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "TAG",
		.help = "only jobs with this tag" },
	{ .name = "name", .kind = OPTION_TEXT, .value = "NAME", .help = "only this name" },
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME", .help = "only of this queue" },
	{ .name = "template",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "only jobs of this template" },
	{ .name = "created-after",
		.kind = OPTION_TEXT,
		.value = "TIME",
		.help = "only younger ones" },
	{ .name = "created-before",
		.kind = OPTION_TEXT,
		.value = "TIME",
		.help = "only older ones" },
	{ .name = "sort",
		.kind = OPTION_TEXT,
		.value = "MEMBER",
		.preset = "-createdAt",
		.help = "order; a leading - turns it round" },
	{ .name = "limit",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.preset = "20",
		.min = 1,
		.max = PAGE_MAX,
		.help = "at most so many" },
	{ .name = "cursor",
		.kind = OPTION_TEXT,
		.value = "TEXT",
		.help = "the page after this one" },
	{ 0 },
};

const struct cli_option cli_wait_options[] = {
	{ .name = "timeout",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = JOB_TIMEOUT_MS_MAX,
		.help = "give up after so long (exit 5)" },
	{ 0 },
};

const struct cli_option cli_follow_options[] = {
	{ .name = "after",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 0,
		.max = INT64_MAX,
		.help = "only events after this number" },
	{ .name = "type",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "TYPE",
		.help = "only this type; run.* for all of a kind" },
	{ 0 },
};

const struct cli_option cli_report_options[] = {
	{ .name = "format",
		.kind = OPTION_CHOICE,
		.value = "FORMAT",
		.preset = "html",
		.choices = CHOICES("html", "junit", "json", "playwright"),
		.help = "html, junit, json, or playwright: its own report of all runs, a folder" },
	{ .name = "output",
		.letter = 'o',
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "where to write it; default: stdout" },
	{ 0 },
};

const struct cli_option cli_trace_options[] = {
	{ .name = "port",
		.kind = OPTION_TEXT,
		.value = "PORT",
		.help = "where the viewer listens on 127.0.0.1; default: a free port" },
	{ 0 },
};

const struct cli_option cli_artifacts_options[] = {
	{ .name = "output",
		.letter = 'o',
		.kind = OPTION_DIR,
		.value = "DIR",
		.help = "fetch them into this directory" },
	{ .name = "kind",
		.kind = OPTION_TEXT,
		.value = "KIND",
		.help = "only this kind: report, trace, screenshot, video, log, recording, file" },
	{ 0 },
};

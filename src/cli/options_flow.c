/* SPDX-License-Identifier: Apache-2.0 */
/* Options of flows. */
#include "cli/options.h"

#include "base/limits.h"

#define FLOW_LINE_OPTIONS                                                                    \
	{ .name = "param",                                                                   \
		.letter = 'p',                                                               \
		.kind = OPTION_PAIR,                                                         \
		.many = true,                                                                \
		.value = "NAME=VALUE",                                                       \
		.help = "value of a parameter" },                                            \
		{ .name = "name",                                                            \
			.kind = OPTION_TEXT,                                                 \
			.value = "NAME",                                                     \
			.help = "name of the flow's job" },                                  \
		{ .name = "prepare",                                                         \
			.kind = OPTION_TEXT,                                                 \
			.value = "NAME",                                                     \
			.help = "carried out first: a template, a test, tags, a job file" }, \
		{ .name = "until",                                                           \
			.kind = OPTION_TEXT,                                                 \
			.value = "LOOK",                                                     \
			.help = "then waited for: METHOD ADDRESS CONDITION" },               \
		{ .name = "fail-if",                                                         \
			.kind = OPTION_TEXT,                                                 \
			.value = "CONDITION",                                                \
			.help = "the wait fails at once when this holds" },                  \
		{ .name = "timeout",                                                         \
			.kind = OPTION_DURATION,                                             \
			.value = "TIME",                                                     \
			.min = 1,                                                            \
			.max = STAGE_TIMEOUT_MS_MAX,                                         \
			.help = "how long it is waited for; default 1h" },                   \
		{ .name = "every",                                                           \
			.kind = OPTION_DURATION,                                             \
			.value = "TIME",                                                     \
			.min = WAIT_EVERY_MS_MIN,                                            \
			.max = WAIT_INTERVAL_MS_MAX,                                         \
			.help = "time between two looks; default 5s" },                      \
	{                                                                                    \
		.name = "then", .kind = OPTION_TEXT, .value = "NAME",                        \
		.help = "carried out at the end, as --prepare"                               \
	}

#define QUIET_OPTION                                                                        \
	{                                                                                   \
		.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .help = "only the end" \
	}

const struct cli_option cli_flow_run_options[] = {
	FLOW_LINE_OPTIONS,
	{ .name = "html",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the report as one HTML page" },
	{ .name = "junit",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the results as JUnit XML" },
	QUIET_OPTION,
	{ 0 },
};

const struct cli_option cli_flow_watch_options[] = {
	QUIET_OPTION,
	{ 0 },
};

const struct cli_option cli_flow_start_options[] = {
	FLOW_LINE_OPTIONS,
	{ 0 },
};

const struct cli_option cli_flow_list_options[] = {
	{ .name = "status",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "STATUS",
		.help = "only flows in this state" },
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

#define CONDITION_OPTION                                                                       \
	{                                                                                      \
		.name = "condition", .kind = OPTION_TEXT, .value = "NAME",                     \
		.help = "which of several that the stage waits for: its name, or place from 0" \
	}

const struct cli_option cli_flow_decide_options[] = {
	{ .name = "by",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "who decides; default: who is logged in" },
	{ .name = "note", .kind = OPTION_TEXT, .value = "TEXT", .help = "why" },
	CONDITION_OPTION,
	{ 0 },
};

const struct cli_option cli_flow_signal_options[] = {
	{ .name = "payload",
		.kind = OPTION_TEXT,
		.value = "JSON",
		.help = "what the stage gets as its value" },
	CONDITION_OPTION,
	{ 0 },
};

const struct cli_option cli_flow_restart_options[] = {
	{ .name = "from",
		.kind = OPTION_CHOICE,
		.value = "WHERE",
		.preset = "failed",
		.choices = CHOICES("failed", "begin"),
		.help = "failed: keep what succeeded; begin: everything again" },
	{ .name = "stage",
		.kind = OPTION_TEXT,
		.value = "STAGE",
		.help = "this stage and all that need it" },
	{ 0 },
};

#define FLOW_SHORT_OPTIONS                                            \
	{ .name = "param",                                            \
		.letter = 'p',                                        \
		.kind = OPTION_PAIR,                                  \
		.many = true,                                         \
		.value = "NAME=VALUE",                                \
		.help = "value of a parameter" },                     \
	{                                                             \
		.name = "name", .kind = OPTION_TEXT, .value = "NAME", \
		.help = "name of the flow's job"                      \
	}

const struct cli_option cli_flow_chain_options[] = {
	FLOW_SHORT_OPTIONS,
	{ .name = "pass",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "PARAM=MEMBER",
		.help = "a parameter that is a member of the results before, as url=finalUrl" },
	{ 0 },
};

const struct cli_option cli_flow_parallel_options[] = {
	FLOW_SHORT_OPTIONS,
	{ .name = "limit",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 1,
		.max = FLOW_STAGES_MAX,
		.help = "jobs at a time" },
	{ .name = "allow-failures",
		.kind = OPTION_FLAG,
		.help = "the flow completes though some of them fail" },
	{ 0 },
};

const struct cli_option cli_flow_retry_options[] = {
	FLOW_SHORT_OPTIONS,
	{ .name = "attempts",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.preset = "3",
		.min = 1,
		.max = RETRIES_MAX,
		.help = "at most so many" },
	{ .name = "delay",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 0,
		.max = RETRY_DELAY_MS_MAX,
		.help = "before the second one" },
	{ .name = "factor",
		.kind = OPTION_TEXT,
		.value = "NUMBER",
		.help = "each further delay is longer by it" },
	{ .name = "timeout",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = STAGE_TIMEOUT_MS_MAX,
		.help = "of all attempts together" },
	{ 0 },
};

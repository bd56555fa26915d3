/* SPDX-License-Identifier: Apache-2.0 */
/* Options of schedules. */
#include "cli/options.h"

#include "base/limits.h"

#define SCHEDULE_SAVE_OPTION                                    \
	{                                                       \
		.name = "dry-run", .kind = OPTION_FLAG,         \
		.help = "only show the next runs, save nothing" \
	}

#define OVERLAP_OPTION(about)                                                            \
	{                                                                                \
		.name = "overlap", .kind = OPTION_CHOICE, .value = "RULE",               \
		.choices = CHOICES("skip", "queue", "cancel", "parallel"), .help = about \
	}

const struct cli_option cli_schedule_put_options[] = { SCHEDULE_SAVE_OPTION, { 0 } };

const struct cli_option cli_schedule_add_options[] = {
	{ .name = "cron",
		.kind = OPTION_TEXT,
		.value = "EXPRESSION",
		.help = "when: five fields, or six with seconds first" },
	{ .name = "every",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = SCHEDULE_EVERY_MS_MIN,
		.max = SCHEDULE_EVERY_MS_MAX,
		.help = "when: each time after so long" },
	{ .name = "at",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "INSTANT",
		.help = "when: once (RFC 3339)" },
	{ .name = "zone",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "time zone, such as Europe/Berlin; without it UTC" },
	{ .name = "template",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "template that is invoked" },
	{ .name = "flow",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "flow that is started" },
	{ .name = "param",
		.letter = 'p',
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=VALUE",
		.help = "value of a parameter" },
	{ .name = "missed",
		.kind = OPTION_CHOICE,
		.value = "RULE",
		.choices = CHOICES("skip", "once", "all"),
		.help = "what came while no server ran: skip it, run once, or all" },
	OVERLAP_OPTION("an earlier job goes on: skip, queue, cancel it, or parallel"),
	{ .name = "jitter",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.max = SCHEDULE_JITTER_MS_MAX,
		.help = "delay of each run, at random up to so long" },
	{ .name = "paused", .kind = OPTION_FLAG, .help = "fires only once it is resumed" },
	SCHEDULE_SAVE_OPTION,
	{ 0 },
};

const struct cli_option cli_schedule_next_options[] = {
	{ .name = "count",
		.letter = 'n',
		.kind = OPTION_INT,
		.value = "N",
		.min = 1,
		.max = SCHEDULE_NEXT_MAX,
		.preset = "10",
		.help = "how many" },
	{ 0 },
};

const struct cli_option cli_schedule_fire_options[] = {
	OVERLAP_OPTION("in place of the schedule's own rule"),
	{ 0 },
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Help, completion and parsing know nothing that is not in it. */
#include "cli/cli.h"

#include <string.h>

#include "base/limits.h"

#define EXAMPLES(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define CHOICES(...) ((const char *const[]) { __VA_ARGS__, NULL })

static const struct cli_option serve_options[] = {
	{ .name = "listen",
		.kind = OPTION_TEXT,
		.value = "ADDRESS:PORT",
		.env = "PROCTOR_LISTEN",
		.preset = "127.0.0.1:7070",
		.help = "where to listen, a loopback address; port 0 takes a free one" },
	{ .name = "view-listen",
		.kind = OPTION_TEXT,
		.value = "ADDRESS:PORT",
		.env = "PROCTOR_VIEW_LISTEN",
		.help = "second origin, for reports that tests made; by default the next port" },
	{ .name = "data",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_DATA",
		.help = "where database, artifacts and token are" },
	{ .name = "workers",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.env = "PROCTOR_WORKERS",
		.min = 0,
		.max = WORKER_SLOTS_MAX,
		.help = "connections of the local worker; 0 for none; default: one a processor" },
	{ .name = "durability",
		.kind = OPTION_CHOICE,
		.value = "LEVEL",
		.env = "PROCTOR_DURABILITY",
		.preset = "fsync",
		.choices = CHOICES("fsync", "os"),
		.help = "when a write is answered: fsync (it is on the disk) or os (the system has it)" },
	{ .name = "lease",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.env = "PROCTOR_LEASE",
		.preset = "15s",
		.min = LEASE_MS_MIN,
		.max = LEASE_MS_MAX,
		.help = "a worker that is silent for so long is lost" },
	{ .name = "quarantine-cap",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.env = "PROCTOR_QUARANTINE_CAP",
		.preset = "50",
		.min = 1,
		.max = QUARANTINE_ENTRIES_MAX,
		.help = "entries of a project's quarantine list" },
	{ .name = "public-url",
		.kind = OPTION_TEXT,
		.value = "URL",
		.env = "PROCTOR_PUBLIC_URL",
		.help = "how others reach this server, for callback addresses; default: where it listens" },
	{ .name = "allow-address",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "ADDRESS[/BITS]",
		.env = "PROCTOR_ALLOW_ADDRESS",
		.help = "flows may look at it though it is not public, e.g. 10.0.0.0/8" },
	{ .name = "allow-port",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "PORT",
		.env = "PROCTOR_ALLOW_PORT",
		.help = "flows may look at this port besides 80 and 443" },
	{ .name = "connections",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.env = "PROCTOR_CONNECTIONS",
		.min = 16,
		.max = 65536,
		.help = "HTTP connections at a time" },
	{ .name = "runners",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_RUNNERS_DIR",
		.help = "where the runners written in JavaScript are" },
	{ .name = "log",
		.kind = OPTION_CHOICE,
		.value = "LEVEL",
		.env = "PROCTOR_LOG",
		.preset = "info",
		.choices = CHOICES("error", "warn", "info", "debug"),
		.help = "what to log on stderr" },
	{ .name = "embedded",
		.kind = OPTION_FLAG,
		.hidden = true,
		.help = "leave when stdin ends" },
	{ 0 },
};

static const struct cli_option worker_options[] = {
	{ .name = "url",
		.kind = OPTION_TEXT,
		.value = "URL",
		.env = "PROCTOR_URL",
		.help = "server to work for" },
	{ .name = "token-file",
		.kind = OPTION_FILE,
		.value = "FILE",
		.env = "PROCTOR_TOKEN_FILE",
		.help = "file with the access token" },
	{ .name = "token",
		.kind = OPTION_TEXT,
		.value = "TOKEN",
		.env = "PROCTOR_TOKEN",
		.hidden = true,
		.help = "access token; better in the environment or a file" },
	{ .name = "data",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_DATA",
		.help = "where runs have their private directories" },
	{ .name = "name",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.env = "PROCTOR_WORKER_NAME",
		.help = "name for people; default: the host's" },
	{ .name = "id",
		.kind = OPTION_TEXT,
		.value = "UUID",
		.hidden = true,
		.help = "id chosen by who starts it" },
	{ .name = "label",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "KEY=VALUE",
		.help = "what jobs may ask for, e.g. location=office" },
	{ .name = "resource",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=AMOUNT",
		.help = "how much of it runs may take together, e.g. browsers=4" },
	{ .name = "kind",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "KIND",
		.help = "carry out only this kind of test; default: all that work here" },
	{ .name = "capacity",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.env = "PROCTOR_WORKERS",
		.min = 1,
		.max = WORKER_SLOTS_MAX,
		.help = "runs at a time; default: one a processor" },
	{ .name = "runners",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_RUNNERS_DIR",
		.help = "where the runners written in JavaScript are" },
	{ .name = "node",
		.kind = OPTION_FILE,
		.value = "FILE",
		.env = "PROCTOR_NODE",
		.help = "Node's program; default: node in PATH" },
	{ .name = "grace",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 0,
		.max = STOP_GRACE_MS_MAX,
		.help = "from asking a run to end to SIGTERM" },
	{ .name = "log",
		.kind = OPTION_CHOICE,
		.value = "LEVEL",
		.env = "PROCTOR_LOG",
		.preset = "info",
		.choices = CHOICES("error", "warn", "info", "debug"),
		.help = "what to log on stderr" },
	{ .name = "embedded",
		.kind = OPTION_FLAG,
		.hidden = true,
		.help = "leave when stdin ends" },
	{ 0 },
};

#define SHARD_OPTIONS                                                                     \
	{ .name = "shard",                                                                \
		.kind = OPTION_CHOICE,                                                    \
		.value = "tests|files",                                                   \
		.choices = CHOICES("tests", "files", "test", "file"),                     \
		.help = "make a run of each of a Playwright project's tests, or files" }, \
	{                                                                                 \
		.name = "last-failed", .kind = OPTION_FLAG,                               \
		.help = "only what failed in the last job of that name"                   \
	}

/* Which kept tests, in the words of a job's selector. */
#define SELECT_OPTIONS                                                                         \
	{ .name = "tags",                                                                      \
		.kind = OPTION_TEXT,                                                           \
		.value = "EXPRESSION",                                                         \
		.help = "kept tests by tags, as \"smoke and not slow\"" },                     \
		{ .name = "test",                                                              \
			.kind = OPTION_TEXT,                                                   \
			.many = true,                                                          \
			.value = "PATTERN",                                                    \
			.help = "kept tests by name; * stands for any text" },                 \
		{ .name = "last",                                                              \
			.kind = OPTION_TEXT,                                                   \
			.many = true,                                                          \
			.value = "RESULT",                                                     \
			.help = "kept tests by last result: new, passed, flaky, failed" },     \
	{                                                                                      \
		.name = "exclude", .kind = OPTION_TEXT, .value = "EXPRESSION",                 \
		.help = "but none with these tags"                                             \
	}

static const struct cli_option run_options[] = {
	SELECT_OPTIONS,
	SHARD_OPTIONS,
	{ .name = "grep",
		.letter = 'g',
		.kind = OPTION_TEXT,
		.value = "REGEX",
		.help = "only tests whose name matches; Playwright and TestCafe ones: title" },
	{ .name = "project",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "only this project of the Playwright configuration" },
	{ .name = "update-screenshots",
		.kind = OPTION_FLAG,
		.help = "browser tests keep what they see as the pictures to compare with" },
	{ .name = "param",
		.letter = 'p',
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=VALUE",
		.help = "value of a parameter of the job file" },
	{ .name = "iterations",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 0,
		.max = ITERATIONS_MAX,
		.help = "how many times; 0 for ever" },
	{ .name = "concurrency",
		.letter = 'c',
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 1,
		.max = CONCURRENCY_MAX,
		.help = "runs at a time" },
	{ .name = "retries",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 0,
		.max = RETRIES_MAX,
		.help = "further attempts at a run that failed or errored" },
	{ .name = "timeout",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = JOB_TIMEOUT_MS_MAX,
		.help = "time limit of the job" },
	{ .name = "give-up",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = JOB_TIMEOUT_MS_MAX,
		.help = "stop the job and exit 5 when it is not over after so long" },
	{ .name = "html",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the report as one HTML page" },
	{ .name = "junit",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the results as JUnit XML" },
	{ .name = "json",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the results as JSON; - for stdout" },
	{ .name = "artifacts",
		.kind = OPTION_DIR,
		.value = "DIR",
		.help = "fetch traces, videos, screenshots and logs into this directory" },
	{ .name = "data",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_DATA",
		.help = "keep database and artifacts there" },
	{ .name = "name", .kind = OPTION_TEXT, .value = "NAME", .help = "name of the job" },
	{ .name = "quiet",
		.letter = 'q',
		.kind = OPTION_FLAG,
		.help = "no progress; only failures and the last line" },
	{ 0 },
};

static const struct cli_option submit_options[] = {
	SELECT_OPTIONS,
	SHARD_OPTIONS,
	{ .name = "param",
		.letter = 'p',
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=VALUE",
		.help = "value of a parameter" },
	{ .name = "name", .kind = OPTION_TEXT, .value = "NAME", .help = "name of the job" },
	{ .name = "priority",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = PRIORITY_MIN,
		.max = PRIORITY_MAX,
		.help = "greater is sooner" },
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME", .help = "queue to stand in" },
	{ .name = "iterations",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 0,
		.max = ITERATIONS_MAX,
		.help = "how many times; 0 for ever" },
	{ .name = "run-at",
		.kind = OPTION_TEXT,
		.value = "TIME",
		.help = "not before, as 2026-12-01T02:00:00Z" },
	{ .name = "key",
		.kind = OPTION_TEXT,
		.value = "TEXT",
		.help = "idempotency key: the same key submits once" },
	{ .name = "dry-run", .kind = OPTION_FLAG, .help = "show the plan, submit nothing" },
	{ .name = "wait",
		.letter = 'w',
		.kind = OPTION_FLAG,
		.help = "wait for its end; the exit status says how it went" },
	{ .name = "timeout",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = JOB_TIMEOUT_MS_MAX,
		.help = "with --wait: give up after so long (exit 5)" },
	{ 0 },
};

#define JOB_FILTERS                                                                            \
	{ .name = "status", .kind = OPTION_TEXT, .many = true, .value = "STATUS",              \
		.help = "all jobs in this state" },                                            \
	{ .name = "tag", .kind = OPTION_TEXT, .many = true, .value = "TAG",                    \
		.help = "all jobs with this tag" },                                            \
	{ .name = "name", .kind = OPTION_TEXT, .value = "NAME",                                \
		.help = "all jobs of this name" },                                             \
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME",                               \
		.help = "all jobs of this queue" },                                            \
	{ .name = "template", .kind = OPTION_TEXT, .value = "NAME",                            \
		.help = "all jobs of this template" },                                         \
	{ .name = "created-after", .kind = OPTION_TEXT, .value = "TIME",                       \
		.help = "only younger ones" },                                                 \
	{ .name = "created-before", .kind = OPTION_TEXT, .value = "TIME",                      \
		.help = "only older ones" },                                                   \
	{ .name = "yes", .letter = 'y', .kind = OPTION_FLAG, .help = "do it without asking" }

static const struct cli_option command_options[] = { JOB_FILTERS, { 0 } };

static const struct cli_option queue_options[] = {
	{ .name = "priority",
		.kind = OPTION_INT,
		.value = "N",
		.min = PRIORITY_MIN,
		.max = PRIORITY_MAX,
		.help = "queues of greater priority are served first" },
	{ .name = "concurrency",
		.kind = OPTION_INT,
		.value = "N",
		.max = CONCURRENCY_MAX,
		.help = "runs at once; 0: no limit" },
	{ .name = "rate",
		.kind = OPTION_TEXT,
		.value = "N/TIME[/BURST]",
		.help = "runs that begin in that time, as 10/1m; none: no limit" },
	{ .name = "limit",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "KEY=[VALUE:]N",
		.help = "runs at once for each value of a key, or for one of them; N may be a rate" },
	{ .name = "fair-by",
		.kind = OPTION_TEXT,
		.value = "KEY",
		.help = "values of this key share the queue evenly" },
	{ .name = "share",
		.kind = OPTION_INT,
		.value = "N",
		.min = 1,
		.max = SHARE_MAX,
		.help = "of the queue '*': the project's part of the workers" },
	{ .name = "ageing",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.max = DAYS_MS(365),
		.help = "waiting that weighs one step of priority; 0: strict priority" },
	{ 0 },
};

static const struct cli_option edit_options[] = {
	{ .name = "priority",
		.kind = OPTION_INT,
		.value = "N",
		.min = PRIORITY_MIN,
		.max = PRIORITY_MAX,
		.help = "greater goes first" },
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME", .help = "queue to stand in" },
	{ .name = "run-at", .kind = OPTION_TEXT, .value = "TIME", .help = "not before this time" },
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

static const struct cli_option move_options[] = {
	{ .name = "before", .kind = OPTION_TEXT, .value = "ID", .help = "ahead of this job" },
	{ .name = "after", .kind = OPTION_TEXT, .value = "ID", .help = "behind this job" },
	{ .name = "top", .kind = OPTION_FLAG, .help = "ahead of all others" },
	{ 0 },
};

static const struct cli_option list_options[] = {
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

static const struct cli_option wait_options[] = {
	{ .name = "timeout",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = JOB_TIMEOUT_MS_MAX,
		.help = "give up after so long (exit 5)" },
	{ 0 },
};

static const struct cli_option follow_options[] = {
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

static const struct cli_option report_options[] = {
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

static const struct cli_option trace_options[] = {
	{ .name = "port",
		.kind = OPTION_TEXT,
		.value = "PORT",
		.help = "where the viewer listens on 127.0.0.1; default: a free port" },
	{ 0 },
};

static const struct cli_option artifacts_options[] = {
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

static const struct cli_option delete_options[] = {
	{ .name = "if-revision",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 1,
		.max = INT64_MAX,
		.help = "only when this is the newest revision" },
	{ 0 },
};

static const struct cli_option put_options[] = {
	{ .name = "name",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "name to keep it under; default: the one in the file" },
	{ .name = "if-revision",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.min = 1,
		.max = INT64_MAX,
		.help = "only when this is the newest revision" },
	{ 0 },
};

static const struct cli_option test_list_options[] = {
	{ .name = "tags",
		.kind = OPTION_TEXT,
		.value = "EXPRESSION",
		.help = "by tags, as \"smoke and not slow\"" },
	{ .name = "name",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "PATTERN",
		.help = "by name; * stands for any text" },
	{ .name = "last",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "RESULT",
		.help = "by last result: new, passed, flaky, failed" },
	{ .name = "tag",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "TAG",
		.help = "only those with this tag" },
	{ .name = "limit",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.preset = "50",
		.min = 1,
		.max = PAGE_MAX,
		.help = "at most so many" },
	{ .name = "cursor",
		.kind = OPTION_TEXT,
		.value = "TEXT",
		.help = "the page after this one" },
	{ 0 },
};

static const struct cli_option def_list_options[] = {
	{ .name = "tag",
		.kind = OPTION_TEXT,
		.many = true,
		.value = "TAG",
		.help = "only those with this tag" },
	{ .name = "limit",
		.kind = OPTION_INT,
		.value = "NUMBER",
		.preset = "50",
		.min = 1,
		.max = PAGE_MAX,
		.help = "at most so many" },
	{ .name = "cursor",
		.kind = OPTION_TEXT,
		.value = "TEXT",
		.help = "the page after this one" },
	{ 0 },
};

static const struct cli_option invoke_options[] = {
	{ .name = "param",
		.letter = 'p',
		.kind = OPTION_PAIR,
		.many = true,
		.value = "NAME=VALUE",
		.help = "value of a parameter" },
	{ .name = "key",
		.kind = OPTION_TEXT,
		.value = "TEXT",
		.help = "idempotency key: the same key submits once" },
	{ .name = "wait",
		.letter = 'w',
		.kind = OPTION_FLAG,
		.help = "wait for its end; the exit status says how it went" },
	{ .name = "timeout",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = JOB_TIMEOUT_MS_MAX,
		.help = "with --wait: give up after so long (exit 5)" },
	{ 0 },
};

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

static const struct cli_option schedule_put_options[] = { SCHEDULE_SAVE_OPTION, { 0 } };

static const struct cli_option schedule_add_options[] = {
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

static const struct cli_option schedule_next_options[] = {
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

static const struct cli_option schedule_fire_options[] = {
	OVERLAP_OPTION("in place of the schedule's own rule"),
	{ 0 },
};

static const struct cli_option quarantine_options[] = {
	{ .name = "owner",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "who looks after the test (needed)" },
	{ .name = "reason",
		.kind = OPTION_TEXT,
		.value = "TEXT",
		.help = "why it fails, or the number of the issue (needed)" },
	{ .name = "expires",
		.kind = OPTION_DURATION,
		.value = "TIME",
		.min = 1,
		.max = QUARANTINE_MS_MAX,
		.help = "counts again after so long (30d)" },
	{ .name = "clean-runs",
		.kind = OPTION_INT,
		.value = "N",
		.min = 0,
		.max = QUARANTINE_CLEAN_RUNS_MAX,
		.help = "counts again after so many clean runs in a row (20; 0: only by time)" },
	{ 0 },
};

/* Of every figure: what is counted. */
#define STATS_FILTERS \
	{ .name = "last", .kind = OPTION_TEXT, .value = "TIME", .help = "how far back, as 24h or 30d (7d)" }, \
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME", .help = "only jobs of this queue" }, \
	{ .name = "template", .kind = OPTION_TEXT, .value = "NAME", .help = "only jobs of this template" }, \
	{ .name = "tag", .kind = OPTION_TEXT, .value = "TAG", .help = "only jobs with this tag" }, \
	{ .name = "kind", .kind = OPTION_TEXT, .value = "KIND", .help = "only tests of this kind" }, \
	{ .name = "team", .kind = OPTION_TEXT, .value = "NAME", .help = "only jobs with this key \"team\"" }
#define STATS_LIMIT \
	{ .name = "limit", .kind = OPTION_INT, .value = "N", .min = PAGE_MIN, .max = PAGE_MAX, .help = "at most so many rows (50)" }

/* clang-format off */
static const char *const stats_groups[] = { "template", "queue", "kind", "tag", "team", "schedule",
	"status", "reason", "name", NULL };
static const struct cli_option stats_table_options[] = {
	STATS_FILTERS,
	STATS_LIMIT,
	{ .name = "by", .kind = OPTION_CHOICE, .value = "ATTRIBUTE", .choices = stats_groups, .help = "one row for each of these" },
	{ .name = "sort", .kind = OPTION_TEXT, .value = "FIGURE", .help = "n, failures, successRate, runP95 …; - before it: greatest first" },
	{ .name = "min-runs", .kind = OPTION_INT, .value = "N", .min = 0, .max = INT32_MAX, .help = "only rows with so many" },
	{ 0 },
};
static const struct cli_option stats_summary_options[] = {
	STATS_FILTERS,
	{ .name = "threshold", .kind = OPTION_TEXT, .value = "TIME", .help = "running for longer is long (10m)" },
	{ 0 },
};
static const char *const stats_spans[] = { "day", "hour", NULL };
static const struct cli_option stats_trend_options[] = {
	STATS_FILTERS,
	{ .name = "by", .kind = OPTION_CHOICE, .value = "SPAN", .choices = stats_spans, .help = "one row for each day or hour" },
	{ .name = "test", .kind = OPTION_TEXT, .value = "NAME", .help = "of this test instead of jobs" },
	{ 0 },
};
static const struct cli_option stats_error_options[] = {
	STATS_FILTERS,
	STATS_LIMIT,
	{ 0 },
};
static const struct cli_option stats_history_options[] = {
	STATS_LIMIT,
	{ 0 },
};
#define STATS_TABLE(word, text) \
	{ .noun = "stats", .verb = word, .arguments = "", .summary = text, .options = stats_table_options, \
		.more_options = cli_server_options, .examples = EXAMPLES("proctor stats " word " --last 30d"), .handle = cmd_stats_table }
/* clang-format on */

static const struct cli_option data_options[] = {
	{ .name = "data",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_DATA",
		.help = "data directory to look at" },
	{ 0 },
};

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

static const struct cli_option flow_run_options[] = {
	FLOW_LINE_OPTIONS,
	{ .name = "html",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the report as one HTML page" },
	{ .name = "junit",
		.kind = OPTION_FILE,
		.value = "FILE",
		.help = "write the results as JUnit XML" },
	{ .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .help = "only the end" },
	{ 0 },
};

static const struct cli_option flow_start_options[] = {
	FLOW_LINE_OPTIONS,
	{ 0 },
};

static const struct cli_option flow_list_options[] = {
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

static const struct cli_option flow_decide_options[] = {
	{ .name = "by",
		.kind = OPTION_TEXT,
		.value = "NAME",
		.help = "who decides; default: $USER" },
	{ .name = "note", .kind = OPTION_TEXT, .value = "TEXT", .help = "why" },
	{ 0 },
};

static const struct cli_option flow_signal_options[] = {
	{ .name = "payload",
		.kind = OPTION_TEXT,
		.value = "JSON",
		.help = "what the stage gets as its value" },
	{ 0 },
};

static const struct cli_option flow_restart_options[] = {
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

static const struct cli_option flow_chain_options[] = {
	FLOW_SHORT_OPTIONS,
	{ .name = "pass",
		.kind = OPTION_PAIR,
		.many = true,
		.value = "PARAM=MEMBER",
		.help = "a parameter that is a member of the results before, as url=finalUrl" },
	{ 0 },
};

static const struct cli_option flow_parallel_options[] = {
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

static const struct cli_option flow_retry_options[] = {
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

#define JOB_COMMAND(word, what)                                                                \
	{                                                                                      \
		.noun = "job", .verb = word, .arguments = "[ID...]", .args_min = 0,            \
		.args_max = -1, .summary = what, .options = command_options,                   \
		.more_options = cli_server_options,                                            \
		.details = "Without ids for all jobs that the filters let through: their number is shown and asked for.", \
		.examples =                                                                    \
			EXAMPLES("proctor job " word " 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"), \
		.handle = cmd_job_command,                                                     \
	}

#define DEFINITIONS(word, file, list_options, list_example)                                                                \
	{ .noun = word,                                                                        \
		.verb = "list",                                                                \
		.arguments = "",                                                               \
		.summary = "List " word "s.",                                                  \
		.options = list_options,                                                   \
		.more_options = cli_server_options,                                            \
		.examples = EXAMPLES("proctor " word " list " list_example),                     \
		.handle = cmd_def_list },                                                      \
		{ .noun = word,                                                                \
			.verb = "show",                                                        \
			.arguments = "NAME",                                                   \
			.args_min = 1,                                                         \
			.args_max = 1,                                                         \
			.summary = "Show a " word ", by name or id.",                          \
			.more_options = cli_server_options,                                    \
			.examples = EXAMPLES("proctor " word " show checkout"),                \
			.handle = cmd_def_show },                                              \
		{ .noun = word,                                                                \
			.verb = "put",                                                         \
			.arguments = "FILE",                                                   \
			.args_min = 1,                                                         \
			.args_max = 1,                                                         \
			.summary = "Keep a " word " (YAML or JSON), or a new revision of it.", \
			.options = put_options,                                                \
			.more_options = cli_server_options,                                    \
			.examples = EXAMPLES("proctor " word " put " file),                    \
			.handle = cmd_def_put },                                               \
	{                                                                                      \
		.noun = word, .verb = "delete", .arguments = "NAME...", .args_min = 1,         \
		.args_max = -1, .summary = "Delete a " word ", by name or id.",                \
		.options = delete_options, .more_options = cli_server_options,                 \
		.examples = EXAMPLES("proctor " word " delete checkout"),                      \
		.handle = cmd_def_delete                                                       \
	}

const struct cli_command cli_commands[] = {
	{ .noun = "run",
		.arguments = "[PATH...]",
		.args_min = 0,
		.args_max = -1,
		.summary =
			"Run Playwright or TestCafe files or a job file, without a server of their own.",
		.details =
			"Each PATH is a folder with Playwright or TestCafe tests, a test file, or a job file "
			"(YAML or JSON).\n"
			"With --tags, --test or --last it is kept tests that run, instead of those of a job file.\n"
			"An embedded server on the data directory carries the job out; a server that\n"
			"already has the directory is used instead.\n\n"
			"Exit status: 0 passed, 1 tests failed, 2 wrong use, 4 the environment failed,\n"
			"5 gave up waiting, 130 interrupted (the job is stopped).",
		.options = run_options,
		.examples = EXAMPLES("proctor run tests/",
			"proctor run --grep checkout --retries 1 --html report.html tests/",
			"proctor run smoke.proctor.yaml --param url=http://127.0.0.1:8080"),
		.handle = cmd_run },
	{ .noun = "serve",
		.arguments = "",
		.summary = "Hold queue, jobs and results, and answer the HTTP interface.",
		.details = "Prints one line, \"listening on URL\", when it is ready. SIGTERM "
			   "and SIGINT end it\nin order, a second one at once. SIGHUP and SIGUSR2 "
			   "restart it without refusing\nanybody (proctor server restart).",
		.options = serve_options,
		.examples = EXAMPLES("proctor serve",
			"proctor serve --listen 127.0.0.1:0 --data ./data --workers 2"),
		.handle = cmd_serve },
	{ .noun = "worker",
		.arguments = "",
		.summary = "Take runs from a server and carry them out on this machine.",
		.options = worker_options,
		.examples = EXAMPLES(
			"proctor worker --url http://127.0.0.1:7070 --token-file token",
			"proctor worker --label location=office --kind playwright --capacity 4"),
		.handle = cmd_worker },
	{ .noun = "worker",
		.verb = "list",
		.arguments = "",
		.summary = "List the workers that a server knows.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor worker list"),
		.handle = cmd_worker_list },
	{ .noun = "job",
		.verb = "submit",
		.arguments = "[FILE]",
		.args_min = 0,
		.args_max = 1,
		.summary =
			"Submit a job file (YAML or JSON) with the Playwright and TestCafe tests that it names.",
		.details = "With --tags, --test or --last the job is of kept tests instead of those of the file, which\n"
			   "may be missing then. A selection that means no test is refused, and says why.",
		.options = submit_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job submit nightly.yaml",
			"proctor job submit nightly.yaml --param url=http://shop.test --wait",
			"proctor job submit --tags 'smoke and not slow' --last failed --last new"),
		.handle = cmd_job_submit },
	{ .noun = "job",
		.verb = "list",
		.arguments = "",
		.summary = "List jobs, newest first.",
		.options = list_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job list --status failed --limit 10",
			"proctor job list --tag nightly --sort -completedAt --json"),
		.handle = cmd_job_list },
	{ .noun = "job",
		.verb = "show",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show one job and its runs.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job show 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"),
		.handle = cmd_job_show },
	{ .noun = "job",
		.verb = "wait",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Return when the job is over; the exit status says how it went.",
		.options = wait_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor job wait 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --timeout 10m"),
		.handle = cmd_job_wait },
	{ .noun = "job",
		.verb = "follow",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show the job's events until it is over.",
		.options = follow_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor job follow 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --type 'job.*'"),
		.handle = cmd_job_follow },
	JOB_COMMAND("pause", "Let the job's current runs end, then wait."),
	JOB_COMMAND("unpause", "Go on at the same test and iteration."),
	JOB_COMMAND("stop", "End the job's runs at once and set it back to its beginning."),
	JOB_COMMAND("start", "Clear the job's results and begin again."),
	JOB_COMMAND("cancel", "End the job for good."),
	JOB_COMMAND("delete", "Delete the job and everything that belongs to it."),
	JOB_COMMAND("pin", "Let retention spare the job."),
	JOB_COMMAND("unpin", "Let retention judge the job again."),
	{ .noun = "job",
		.verb = "edit",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Change a job of which no run is under way.",
		.options = edit_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job edit 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --priority 5",
			"proctor job edit 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --queue night --run-at 2026-12-01T02:00:00Z"),
		.handle = cmd_job_edit },
	{ .noun = "job",
		.verb = "move",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Give a waiting job another place in its queue.",
		.options = move_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job move 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --top"),
		.handle = cmd_job_move },
	{ .noun = "job",
		.verb = "explain",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Say why the job is not running.",
		.more_options = cli_server_options,
		.examples =
			EXAMPLES("proctor job explain 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"),
		.handle = cmd_job_explain },
	{ .noun = "job",
		.verb = "report",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Fetch the job's report.",
		.options = report_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor job report 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 -o report.html",
			"proctor job report 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --format junit"),
		.handle = cmd_job_report },
	{ .noun = "job",
		.verb = "artifacts",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "List or fetch what the job's runs left.",
		.options = artifacts_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor job artifacts 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17",
			"proctor job artifacts 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 -o traces --kind "
			"trace"),
		.handle = cmd_job_artifacts },
	{ .noun = "job",
		.verb = "view",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary =
			"Print where to watch the job's browser tests and read its Playwright reports.",
		.details =
			"Each address opens in a browser, without a token: a page that shows what a running\n"
			"browser test shows, or a report with traces and videos that a run has kept.\n"
			"It is good for eight hours, or until the server is started again.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job view 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"),
		.handle = cmd_job_view },
	{ .noun = "job",
		.verb = "trace",
		.arguments = "ID [RUN]",
		.args_min = 1,
		.args_max = 2,
		.summary =
			"Open a trace that a Playwright run kept in Playwright's trace viewer.",
		.options = trace_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor job trace 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"),
		.handle = cmd_job_trace },
	DEFINITIONS("test", "checkout.yaml", test_list_options, "--tags 'smoke and not slow' --last failed"),
	DEFINITIONS("template", "nightly.yaml", def_list_options, "--tag smoke"),
	{ .noun = "template",
		.verb = "invoke",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Make a job from a template.",
		.options = invoke_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor template invoke nightly --param url=http://shop.test"),
		.handle = cmd_template_invoke },
	{ .noun = "flow",
		.verb = "run",
		.arguments = "[FILE|FOLDER|NAME]",
		.args_min = 0,
		.args_max = 1,
		.summary = "Carry out a flow and show each step of it.",
		.details =
			"A file or folder holds the flow; a name is that of a saved one; without either,\n"
			"--prepare, --until and --then say it in one line. Works without a server, as\n"
			"`proctor run` does. $NAME in an address is a parameter or of the environment, $name\n"
			"a member of the preparation's results. Exits 0 when it completed, 1 when a stage\n"
			"failed that nothing is waited for behind, 10 when a preparation failed, 11 when the\n"
			"wait failed, 12 when its time was over, 13 when it was rejected, 14 when cancelled,\n"
			"5 when the flow's own time was over.",
		.options = flow_run_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow run examples/two-phase",
			"proctor flow run --prepare preparation --until 'GET $URL/tasks/$id .state == \"SUCCESS\"' --fail-if '.state in [\"FAILURE\",\"REVOKED\"]' --timeout 2h --then validation"),
		.handle = cmd_flow_run },
	{ .noun = "flow",
		.verb = "start",
		.arguments = "[FILE|FOLDER|NAME]",
		.args_min = 0,
		.args_max = 1,
		.summary = "Start a flow on the server and print its id.",
		.options = flow_start_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow start nightly --param url=http://shop.test"),
		.handle = cmd_flow_start },
	{ .noun = "flow",
		.verb = "watch",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show the steps of a flow from its beginning until it ends.",
		.details = "Exits as `proctor flow run` does.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow watch 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"),
		.handle = cmd_flow_watch },
	{ .noun = "flow",
		.verb = "show",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show a flow that runs or ran, with its stages.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow show 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"),
		.handle = cmd_flow_show },
	{ .noun = "flow",
		.verb = "list",
		.arguments = "",
		.summary = "List flows that run or ran, newest first.",
		.options = flow_list_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow list --status running"),
		.handle = cmd_flow_list },
	{ .noun = "flow",
		.verb = "signal",
		.arguments = "ID STAGE",
		.args_min = 2,
		.args_max = 2,
		.summary = "Send a stage the signal that it waits for, or will.",
		.options = flow_signal_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor flow signal 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 deployed --payload '{\"version\": 7}'"),
		.handle = cmd_flow_signal },
	{ .noun = "flow",
		.verb = "approve",
		.arguments = "ID STAGE",
		.args_min = 2,
		.args_max = 2,
		.summary = "Approve what a stage waits for.",
		.options = flow_decide_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor flow approve 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 release --note 'looks right'"),
		.handle = cmd_flow_decide },
	{ .noun = "flow",
		.verb = "reject",
		.arguments = "ID STAGE",
		.args_min = 2,
		.args_max = 2,
		.summary = "Refuse what a stage waits for: it fails.",
		.options = flow_decide_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor flow reject 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 release --note 'wrong prices'"),
		.handle = cmd_flow_decide },
	{ .noun = "flow",
		.verb = "restart",
		.arguments = "ID",
		.args_min = 1,
		.args_max = 1,
		.summary =
			"Start a flow that has ended again, with the stages that did not succeed.",
		.options = flow_restart_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor flow restart 0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17 --stage validate"),
		.handle = cmd_flow_restart },
	{ .noun = "flow",
		.verb = "chain",
		.arguments = "NAME...",
		.args_min = 1,
		.args_max = FLOW_STAGES_MAX,
		.summary = "Start templates, tests or job files one after the other.",
		.options = flow_chain_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor flow chain login search checkout --pass url=finalUrl"),
		.handle = cmd_flow_chain },
	{ .noun = "flow",
		.verb = "parallel",
		.arguments = "NAME...",
		.args_min = 1,
		.args_max = FLOW_STAGES_MAX,
		.summary = "Start templates, tests or job files side by side.",
		.options = flow_parallel_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow parallel login search checkout --limit 2"),
		.handle = cmd_flow_parallel },
	{ .noun = "flow",
		.verb = "retry",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Start a template, test or job file; again when its job fails.",
		.options = flow_retry_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor flow retry checkout --attempts 5 --delay 10s --factor 2"),
		.handle = cmd_flow_retry },
	{ .noun = "flow",
		.verb = "saved",
		.arguments = "",
		.summary = "List saved flows.",
		.options = def_list_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow saved --tag nightly"),
		.handle = cmd_def_list },
	{ .noun = "flow",
		.verb = "put",
		.arguments = "FILE",
		.args_min = 1,
		.args_max = 1,
		.summary = "Keep a flow (YAML or JSON), or a new revision of it.",
		.options = put_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow put nightly.yaml"),
		.handle = cmd_def_put },
	{ .noun = "flow",
		.verb = "delete",
		.arguments = "NAME...",
		.args_min = 1,
		.args_max = -1,
		.summary = "Delete a saved flow, by name or id.",
		.options = delete_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor flow delete nightly"),
		.handle = cmd_def_delete },
	{ .noun = "schedule",
		.verb = "add",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Start a template or a flow at certain times.",
		.details =
			"Shows the next ten runs before it saves. One of --cron, --every and --at says "
			"when.",
		.options = schedule_add_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor schedule add nightly --cron '30 2 * * MON-FRI' --zone Europe/Berlin --template shop",
			"proctor schedule add probe --every 15m --template probe --overlap skip --dry-run"),
		.handle = cmd_schedule_add },
	{ .noun = "schedule",
		.verb = "put",
		.arguments = "FILE",
		.args_min = 1,
		.args_max = 1,
		.summary = "Save a schedule from a file (YAML or JSON), new or changed.",
		.options = schedule_put_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule put nightly.schedule.yaml"),
		.handle = cmd_schedule_put },
	{ .noun = "schedule",
		.verb = "list",
		.arguments = "",
		.summary = "List schedules with their next run.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule list"),
		.handle = cmd_schedule_list },
	{ .noun = "schedule",
		.verb = "show",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show a schedule: what it waits for, its next runs, what it fired.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule show nightly"),
		.handle = cmd_schedule_show },
	{ .noun = "schedule",
		.verb = "next",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show the next runs of a schedule.",
		.options = schedule_next_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule next nightly -n 20"),
		.handle = cmd_schedule_next },
	{ .noun = "schedule",
		.verb = "pause",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Let a schedule fire nothing until it is resumed.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule pause nightly"),
		.handle = cmd_schedule_command },
	{ .noun = "schedule",
		.verb = "resume",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary =
			"Let a paused schedule go on; what came meanwhile is not made up for.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule resume nightly"),
		.handle = cmd_schedule_command },
	{ .noun = "schedule",
		.verb = "fire",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Start a schedule's job now.",
		.options = schedule_fire_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule fire nightly"),
		.handle = cmd_schedule_fire },
	{ .noun = "schedule",
		.verb = "delete",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Delete a schedule; its jobs stay.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor schedule delete nightly"),
		.handle = cmd_schedule_delete },
	/* clang-format off */
	{ .noun = "stats", .verb = "summary", .arguments = "", .summary = "Show how jobs fare: success, times, what runs and what failed.",
		.options = stats_summary_options, .more_options = cli_server_options, .examples = EXAMPLES("proctor stats summary --last 24h"), .handle = cmd_stats_summary },
	{ .noun = "stats", .verb = "trends", .arguments = "", .summary = "Show figures day by day, or hour by hour.",
		.options = stats_trend_options, .more_options = cli_server_options, .examples = EXAMPLES("proctor stats trends --last 30d", "proctor stats trends --test 'pays by card'"), .handle = cmd_stats_trends },
	STATS_TABLE("jobs", "Show figures of jobs by template, or another attribute."),
	STATS_TABLE("tests", "Show figures of tests by name."),
	STATS_TABLE("flaky", "Show the tests whose verdict changes, the flakiest first."),
	STATS_TABLE("slow", "Show the tests that take longest."),
	STATS_TABLE("cost", "Show what tests cost: processor time, memory, duration, tokens."),
	STATS_TABLE("queues", "Show figures of jobs by queue."),
	STATS_TABLE("workers", "Show figures of runs by worker."),
	STATS_TABLE("teams", "Show figures of tests by team."),
	{ .noun = "stats", .verb = "errors", .arguments = "", .summary = "Show clusters of alike errors, the most frequent first.",
		.options = stats_error_options, .more_options = cli_server_options, .examples = EXAMPLES("proctor stats errors --last 24h"), .handle = cmd_stats_errors },
	{ .noun = "stats", .verb = "history", .arguments = "TEST", .args_min = 1, .args_max = 1, .summary = "Show the last results of a test by its name.",
		.options = stats_history_options, .more_options = cli_server_options, .examples = EXAMPLES("proctor stats history 'pays by card'"), .handle = cmd_stats_history },
	/* clang-format on */
	{ .noun = "queue",
		.verb = "list",
		.arguments = "",
		.summary = "List queues with what waits and runs in them.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor queue list"),
		.handle = cmd_queue_list },
	{ .noun = "queue",
		.verb = "show",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show a queue's settings and figures.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor queue show default"),
		.handle = cmd_queue_show },
	{ .noun = "queue",
		.verb = "set",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Change a queue's limits, or make it.",
		.details = "The queue '*' is the settings of the whole project: its limits count all queues together.",
		.options = queue_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor queue set nightly --concurrency 5 --rate 10/1m",
			"proctor queue set '*' --limit site=2 --limit site=slow.example:1"),
		.handle = cmd_queue_set },
	{ .noun = "queue",
		.verb = "pause",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Let no run of the queue begin.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor queue pause nightly"),
		.handle = cmd_queue_command },
	{ .noun = "queue",
		.verb = "resume",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "End a pause or the draining of a queue.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor queue resume nightly"),
		.handle = cmd_queue_command },
	{ .noun = "queue",
		.verb = "drain",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Take no new jobs, serve what is there, then pause the queue.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor queue drain nightly"),
		.handle = cmd_queue_command },
	{ .noun = "retention",
		.verb = "list",
		.arguments = "",
		.summary = "List the policies that say which ended jobs are kept.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor retention list"),
		.handle = cmd_retention_list },
	{ .noun = "retention",
		.verb = "put",
		.arguments = "FILE",
		.args_min = 1,
		.args_max = 1,
		.summary = "Save a policy from a YAML or JSON file, under its name.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor retention put nightly.yaml"),
		.handle = cmd_retention_put },
	{ .noun = "retention",
		.verb = "preview",
		.arguments = "FILE",
		.args_min = 1,
		.args_max = 1,
		.summary = "Show what a policy would let go now; nothing is deleted.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor retention preview nightly.yaml"),
		.handle = cmd_retention_preview },
	{ .noun = "retention",
		.verb = "sweep",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Let a policy sweep now instead of when it is due.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor retention sweep nightly"),
		.handle = cmd_retention_sweep },
	{ .noun = "retention",
		.verb = "delete",
		.arguments = "NAME",
		.args_min = 1,
		.args_max = 1,
		.summary = "Delete a policy; no job goes by it any more.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor retention delete nightly"),
		.handle = cmd_retention_delete },
	{ .noun = "server",
		.verb = "restart",
		.arguments = "",
		.summary = "Restart this machine's server without refusing anybody.",
		.details =
			"The process stays, its program is run anew: from the same path, so that a new\n"
			"version takes over. Requests that come meanwhile wait; runs go on.",
		.options = data_options,
		.examples = EXAMPLES("proctor server restart",
			"proctor server restart --data /var/lib/proctor"),
		.handle = cmd_server_restart },
	{ .noun = "quarantine",
		.verb = "list",
		.arguments = "",
		.summary = "List the tests whose failures do not count.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor quarantine list"),
		.handle = cmd_quarantine_list },
	{ .noun = "quarantine",
		.verb = "add",
		.arguments = "TEST",
		.args_min = 1,
		.args_max = 1,
		.summary = "Let failures of a test not count for a while.",
		.details =
			"TEST is the name of a test, in which each * stands for any text. It runs and is\n"
			"reported as before, but never fails a job. It leaves the list by itself: after\n"
			"--clean-runs clean runs in a row, or after --expires.",
		.options = quarantine_options,
		.more_options = cli_server_options,
		.examples = EXAMPLES(
			"proctor quarantine add 'pays by card' --owner ann --reason PAY-12 --expires 14d"),
		.handle = cmd_quarantine_add },
	{ .noun = "quarantine",
		.verb = "remove",
		.arguments = "TEST...",
		.args_min = 1,
		.args_max = -1,
		.summary = "Let failures of a test count again, by its name or the entry's id.",
		.more_options = cli_server_options,
		.examples = EXAMPLES("proctor quarantine remove 'pays by card'"),
		.handle = cmd_quarantine_remove },
	{ .noun = "doctor",
		.arguments = "",
		.summary = "Tell what works on this machine and how to mend what does not.",
		.details = "Exits 4 when something that Proctor cannot do without is missing.",
		.options = data_options,
		.examples = EXAMPLES("proctor doctor", "proctor doctor --json"),
		.handle = cmd_doctor },
	{ .noun = "check",
		.arguments = "",
		.summary = "Check the database of a data directory.",
		.options = data_options,
		.examples = EXAMPLES("proctor check --data /var/lib/proctor"),
		.handle = cmd_check },
	{ .noun = "completion",
		.arguments = "bash|zsh",
		.args_min = 1,
		.args_max = 1,
		.summary = "Print the completion script of a shell.",
		.examples = EXAMPLES("source <(proctor completion bash)"),
		.handle = cmd_completion },
	{ .noun = "schema",
		.arguments = "job|browser-test",
		.args_min = 1,
		.args_max = 1,
		.summary =
			"Print the JSON Schema of job files or of a kind of test, for editors.",
		.examples = EXAMPLES("proctor schema job > job.schema.json"),
		.handle = cmd_schema },
	{ .noun = "version",
		.arguments = "",
		.summary = "Print the version.",
		.examples = EXAMPLES("proctor version --json"),
		.handle = cmd_version },
	{ .noun = "runner",
		.arguments = "command|http|browser",
		.args_min = 1,
		.args_max = 1,
		.hidden = true,
		.summary = "Carry out runs on descriptors 3 and 4.",
		.examples = EXAMPLES("proctor runner command"),
		.handle = cmd_runner },
	{ .noun = "runner-shepherd",
		.arguments = "...",
		.hidden = true,
		.raw = true,
		.summary = "Stand between a worker and a runner.",
		.examples = EXAMPLES("proctor runner-shepherd"),
		.handle = cmd_shepherd },
	{ 0 },
};

const struct cli_command *
cli_find(char *const *words, size_t n, size_t *ret_words)
{
	const struct cli_command *found = NULL;

	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (n == 0 || strcmp(c->noun, words[0]) != 0)
			continue;
		if (!c->verb && !found) {
			found = c;
			*ret_words = 1;
		} else if (c->verb && n > 1 && strcmp(c->verb, words[1]) == 0) {
			*ret_words = 2;
			return c;
		}
	}
	return found;
}

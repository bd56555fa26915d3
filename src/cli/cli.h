/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of commands (commands.c) that parsing, help, completion and the
 * handlers share.
 *
 * A handler gets what was parsed and returns the exit status. It prints its answer on stdout
 * and everything else on stderr.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

/* What the program's exit status means; the manual page lists the same. */
enum cli_exit {
	CLI_OK = 0,
	CLI_TESTS_FAILED = 1,
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3,
	CLI_ERRORED = 4, /* the environment failed, not the thing under test */
	CLI_GAVE_UP = 5, /* the time to wait was over */
	/* Of flows. */
	CLI_PREPARATION_FAILED = 10, /* a stage with a wait behind it */
	CLI_WAIT_FAILED = 11,        /* what was waited for cannot come any more */
	CLI_WAIT_TIMED_OUT = 12,     /* it did not come in time */
	CLI_REJECTED = 13,           /* somebody refused an approval */
	CLI_CANCELLED = 14,
	CLI_INTERRUPTED = 130,
};

enum option_kind {
	OPTION_FLAG, /* takes no value */
	OPTION_TEXT,
	OPTION_FILE, /* completed as a path */
	OPTION_DIR,
	OPTION_INT,      /* min … max */
	OPTION_DURATION, /* ms, min … max */
	OPTION_CHOICE,
	OPTION_PAIR, /* NAME=VALUE */
};

struct cli_option {
	const char *name; /* without the dashes; NULL ends a table */
	char letter;      /* short form, or 0 */
	bool many;        /* may be given several times */
	bool hidden;
	enum option_kind kind;
	const char *value; /* what help calls its value; NULL for a flag */
	const char *help;
	const char *env;    /* environment variable that stands in for it, or NULL */
	const char *preset; /* value when neither is given, as text; NULL: none */
	int64_t min, max;
	const char *const *choices; /* NULL-terminated */
};

struct cli;

struct cli_command {
	const char *noun;                      /* first word; NULL ends the table */
	const char *verb;                      /* second word, or NULL */
	const char *arguments;                 /* as help shows them, "" for none */
	int args_min, args_max;                /* how many; max -1: any number */
	const char *summary;                   /* one line, for the list of commands */
	const char *details;                   /* further paragraphs of help, or NULL */
	const struct cli_option *options;      /* its own, or NULL */
	const struct cli_option *more_options; /* shared ones, or NULL */
	const char *const *examples;           /* NULL-terminated, at least one */
	int (*handle)(struct cli *cli);
	bool hidden;
	bool raw; /* the handler reads its arguments itself: nothing is parsed */
};

/* Values of one option in the order they came. */
struct cli_value {
	const struct cli_option *option;
	const char **text;
	size_t n;
	int64_t number; /* of INT and DURATION, of the last one */
	bool from_env;  /* not from the command line */
};

struct cli {
	const struct cli_command *command;
	struct cli_value *values; /* one for each option of the command; owned */
	size_t n_values;
	const char **args; /* what is no option; owned array of borrowed texts */
	size_t n_args;
	bool json;
	char **argv; /* of a raw command: its name and what follows */
	int argc;
};

/* --- The table (commands.c) --- */

extern const struct cli_command cli_commands[];

/* Options of every command, and of those that talk to a server (options.c). */
extern const struct cli_option cli_common_options[];
extern const struct cli_option cli_server_options[];

/* The command that the words name; *ret_words becomes how many belong to it. NULL: none. */
const struct cli_command *cli_find(char *const *words, size_t n, size_t *ret_words);

/* --- Parsing (args.c) --- */

/* Parses what follows the command's words. -1 with err: INVALID, ready to be shown. */
int cli_parse(struct cli *ret, const struct cli_command *command, char *const *argv, size_t n,
	struct err *err) MUST_CHECK;
void cli_deinit(struct cli *cli);

/* True when `--help` is among the arguments before "--". */
bool cli_wants_help(char *const *argv, size_t n);

/* Reading options by name; a name that is not in the command's tables aborts. */
bool cli_flag(const struct cli *cli, const char *name);
bool cli_given(const struct cli *cli, const char *name);
bool cli_from_env(const struct cli *cli, const char *name);
const char *cli_text(const struct cli *cli, const char *name); /* last one, or NULL */
int64_t cli_number(const struct cli *cli, const char *name);   /* 0 when not given */
const struct cli_value *cli_all(const struct cli *cli, const char *name);

/* Visits the command's option tables: own, shared, common. NULL at the end. Start with *at = 0.
 */
const struct cli_option *cli_next_option(const struct cli_command *command, size_t *at);

/* --- Help and completion (help.c, completion.c) --- */

/* The list of commands; noun NULL: all of them, else those of the noun. */
int cli_help_list(const char *noun, struct buf *out) MUST_CHECK;
int cli_help(const struct cli_command *command, struct buf *out) MUST_CHECK;
/* shell is "bash" or "zsh". */
int cli_completion(const char *shell, struct buf *out) MUST_CHECK;

/* --- Printing (print.c) --- */

/* Writes to stdout; a closed pipe ends the program quietly. */
void cli_write(const char *text, size_t len);
void cli_print(const char *fmt, ...) PRINTF_LIKE(1, 2);
void cli_print_json(const json_t *value);              /* indented, with a newline */
void cli_note(const char *fmt, ...) PRINTF_LIKE(1, 2); /* a line on stderr */

/* Shows the error on stderr (as JSON with --json) and returns the status that belongs to it. */
int cli_fail(const struct cli *cli, const struct err *err);
int cli_fail_with(const struct cli *cli, enum cli_exit status, const struct err *err);
enum cli_exit cli_exit_of(enum err_code code);

/* "proctor run", for messages. Static until the next call. */
const char *cli_command_name(const struct cli_command *command);

/* --- Handlers (cmd_….c) --- */

int cmd_check(struct cli *cli);
int cmd_completion(struct cli *cli);
int cmd_doctor(struct cli *cli);
int cmd_help(struct cli *cli);
int cmd_flow_chain(struct cli *cli);
int cmd_flow_decide(struct cli *cli); /* approve, reject */
int cmd_flow_list(struct cli *cli);
int cmd_flow_parallel(struct cli *cli);
int cmd_flow_restart(struct cli *cli);
int cmd_flow_retry(struct cli *cli);
int cmd_flow_run(struct cli *cli);
int cmd_flow_show(struct cli *cli);
int cmd_flow_signal(struct cli *cli);
int cmd_flow_start(struct cli *cli);
int cmd_flow_watch(struct cli *cli);
int cmd_job_artifacts(struct cli *cli);
int cmd_job_view(struct cli *cli);
int cmd_job_edit(struct cli *cli);
int cmd_job_move(struct cli *cli);
int cmd_queue_command(struct cli *cli); /* pause, resume, drain */
int cmd_queue_list(struct cli *cli);
int cmd_queue_set(struct cli *cli);
int cmd_queue_show(struct cli *cli);
/* The command for all jobs that its filters let through, after a question (cmd_queue.c). */
int cli_job_each(struct cli *cli);
bool cli_has_filter(const struct cli *cli);
int cmd_job_command(struct cli *cli); /* pause, unpause, stop, start, cancel, delete */
int cmd_job_explain(struct cli *cli);
int cmd_job_follow(struct cli *cli);
int cmd_job_list(struct cli *cli);
int cmd_job_report(struct cli *cli);
int cmd_job_show(struct cli *cli);
int cmd_job_submit(struct cli *cli);
int cmd_job_trace(struct cli *cli);
int cmd_job_wait(struct cli *cli);
int cmd_def_delete(struct cli *cli); /* of tests and templates */
int cmd_def_list(struct cli *cli);
int cmd_def_put(struct cli *cli);
int cmd_def_show(struct cli *cli);
int cmd_stats_errors(struct cli *cli);
int cmd_stats_history(struct cli *cli);
int cmd_stats_summary(struct cli *cli);
int cmd_stats_table(
	struct cli *cli); /* jobs, tests, queues, workers, teams, slow, flaky, cost */
int cmd_stats_trends(struct cli *cli);
int cmd_quarantine_add(struct cli *cli);
int cmd_archive_export(struct cli *cli);
int cmd_archive_import(struct cli *cli);
int cmd_archive_show(struct cli *cli);
int cmd_retention_delete(struct cli *cli);
int cmd_retention_list(struct cli *cli);
int cmd_retention_preview(struct cli *cli);
int cmd_retention_put(struct cli *cli);
int cmd_retention_sweep(struct cli *cli);
int cmd_server_restart(struct cli *cli);
int cmd_schedule_add(struct cli *cli);
int cmd_schedule_command(struct cli *cli); /* pause, resume */
int cmd_schedule_delete(struct cli *cli);
int cmd_schedule_fire(struct cli *cli);
int cmd_schedule_list(struct cli *cli);
int cmd_schedule_next(struct cli *cli);
int cmd_schedule_put(struct cli *cli);
int cmd_schedule_show(struct cli *cli);
int cmd_quarantine_list(struct cli *cli);
int cmd_quarantine_remove(struct cli *cli);
int cmd_run(struct cli *cli);
int cmd_runner(struct cli *cli);
int cmd_serve(struct cli *cli);
int cmd_shepherd(struct cli *cli);
int cmd_template_invoke(struct cli *cli);
int cmd_schema(struct cli *cli);
int cmd_version(struct cli *cli);
int cmd_worker(struct cli *cli);
int cmd_worker_list(struct cli *cli);

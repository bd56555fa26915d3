/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test definition of kind `command`, read and checked: argv, env, files, cwd, stdin, parse
 * and report. See docs/protocol/runner.md for the frame around it.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

enum command_parse {
	COMMAND_PARSE_EXIT,  /* exit status 0: passed */
	COMMAND_PARSE_JUNIT, /* XML files named by `report` */
	COMMAND_PARSE_TAP,   /* standard output */
	COMMAND_PARSE_JSON,  /* last line of standard output */
	COMMAND_PARSE_COUNT
};

/* Pointers are into the definition but for the arrays, which are owned. */
struct command {
	const char **argv;
	const char **env; /* "NAME=value": ours with the test's over it; texts owned */
	size_t n_env;
	const char *cwd;   /* absolute, or relative to the files; NULL: the files' folder */
	const char *input; /* for stdin, or NULL */
	size_t input_len;
	json_t *files; /* path → content, or NULL */
	enum command_parse parse;
	const char **reports; /* glob patterns, relative to cwd */
};

/* -1: INVALID, LIMIT; the text names the member. */
int command_read(struct command *ret, json_t *test, struct err *err) MUST_CHECK;
void command_deinit(struct command *command);

/*
 * True for a path that stays below the folder it is relative to: not empty, not absolute, no
 * "..",
 * "." or empty part, no NUL, at most 255 bytes a part.
 */
bool command_path_valid(const char *path);

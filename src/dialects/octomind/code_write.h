/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand that writes TypeScript: pieces of lines, texts of a case quoted so that they can be
 * nothing but texts, options and locators. What does not fit is remembered until the end.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "dialects/octomind/run.h"

struct ts {
	struct buf *out;            /* borrowed */
	const struct octo_run *run; /* the same */
	json_t *statics, *dynamics; /* the same; octo_run_statics(), octo_run_dynamics() */
	unsigned indent;            /* tabs before a line */
	bool has_failed;            /* something did not fit */
	bool uses_vars, uses_found; /* what the lines used, so that the head can declare it */
	bool uses_otp, follows_tabs;
};

void ts_put(struct ts *ts, const char *text);
void ts_putf(struct ts *ts, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The tabs of a line; a whole one. */
void ts_begin_line(struct ts *ts);
void ts_line(struct ts *ts, const char *text);

/* A literal. */
void ts_quoted(struct ts *ts, struct str text);

/* A text of the case: quoted, a variable, or both in a template. */
void ts_textz(struct ts *ts, const char *text);

/* Code of the case between texts of ours: a text that keeps its lines. */
void ts_code(struct ts *ts, const char *before, const char *code, const char *after);

void ts_number(struct ts *ts, double number);

/* Members of an object of options; the braces appear with the first one. */
struct ts_options {
	struct ts *ts;
	const char *before; /* of the opening brace: ", " or "" */
	bool is_open;
};

/* The name of the next member; its value is to follow. */
void ts_option(struct ts_options *options, const char *name);
void ts_option_state(struct ts_options *options, const char *name, enum octo_flag state);
void ts_options_end(struct ts_options *options);

/* page and what the selectors add to it. */
void ts_locator(struct ts *ts, const struct octo_selectors *selectors);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test command reported about its cases, in one form for JUnit XML, TAP and a JSON line.
 *
 * The parsers are pure functions of bytes: no files, no clock, no globals.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

enum {
	REPORT_CASES_MAX = 10000,          /* the runner protocol's limit of result.cases */
	REPORT_NAME_BYTES_MAX = 1024,      /* of a case or suite; cut */
	REPORT_MESSAGE_BYTES_MAX = 2048,   /* of a failure; cut: the log has all of it */
	REPORT_XML_DEPTH_MAX = 64,         /* nested elements */
	REPORT_BYTES_IN_MAX = 64 * 1048576 /* one report as read */
};

struct report {
	json_t *cases; /* array in the form of the protocol's result.cases; owned */
	size_t passed, failed, skipped, flaky;
	size_t n_dropped; /* cases past REPORT_CASES_MAX; they are counted all the same */
	char *message;  /* the first failure, or why the report is broken; owned; NULL: none */
	bool is_bailed; /* TAP: the program gave up */
	bool is_broken; /* TAP: plan and cases do not agree, or no plan */
};

/* How one case ended, while a parser puts it together. All borrowed. */
struct report_case {
	struct str title;
	const struct str *path; /* suites from the outside in */
	size_t n_path;
	const char *status; /* passed, failed, skipped, flaky */
	double duration_ms; /* < 0: unknown */
	struct str file;    /* empty: unknown */
	long long line;     /* 0: unknown */
	struct str message; /* of a failure */
	struct str detail;  /* stack or text of a failure */
};

void report_init(struct report *report);
void report_deinit(struct report *report);
void report_add(struct report *report, const struct report_case *one);

/* Adds the cases of one JUnit XML document. -1: not well-formed, a limit, entities declared. */
int junit_parse(struct report *report, const char *data, size_t len, struct err *err)
	MUST_CHECK;

/* Adds the cases of one TAP stream (versions 12 to 14). Never fails: what is no TAP is passed
 * over. */
void tap_parse(struct report *report, const char *data, size_t len);

/*
 * The verdict in the last line of text that is not blank: { outcome, reason?, message?,
 * output?, cases?, … }, checked. NULL with err when there is none.
 */
json_t *verdict_parse(const char *data, size_t len, struct err *err) MUST_CHECK;

/* Entry point of `proctor runner command`. */
int runner_command_main(void);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions (PCRE2) of definitions, with bounds on time and memory. Pure.
 *
 * A pattern lives in an arena with everything that PCRE2 makes of it; there is nothing to free,
 * and several threads may match it at once.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct lang_pattern;

enum lang_pattern_kind {
	LANG_PATTERN_PERL, /* as PCRE2 has it */
	LANG_PATTERN_ECMA, /* nearer to ECMAScript: $ only at the very end, \uXXXX, [] */
};

/* What lang_pattern_match() says beside 0, which is: found. */
enum {
	LANG_PATTERN_NO = 1, /* not in the text */
};

/* -1: INVALID with PCRE2's reason and the offset in the pattern, LIMIT. */
int lang_pattern_compile(struct str text, enum lang_pattern_kind kind, struct arena *arena,
	struct lang_pattern **ret, struct err *err) MUST_CHECK;

/* The steps that compiling it was worth. */
int64_t lang_pattern_cost(const struct lang_pattern *pattern);

/*
 * Looks for the pattern anywhere in the text and takes what that costs off *steps. 0;
 * LANG_PATTERN_NO; -1: LIMIT when it costs more than PATTERN_STEPS_MAX or *steps allow.
 */
int lang_pattern_match(const struct lang_pattern *pattern, struct str text, int64_t *steps,
	struct err *err) MUST_CHECK;

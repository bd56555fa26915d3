/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag expressions: `smoke and not slow`, `(ui or api) and nightly`.
 *
 * Grammar: or < and < not < tag or parentheses. Tags are words without blanks and parentheses,
 * or texts in single or double quotes; `and`, `or`, `not` need quotes to be tags. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct tagexpr;

/* Parses; the expression lives in the arena. -1: INVALID with the place (from 1), LIMIT. */
int tagexpr_parse(struct str text, struct arena *arena, struct tagexpr **ret, struct err *err)
	MUST_CHECK;

/* Whether a thing with exactly these tags is meant. */
bool tagexpr_matches(const struct tagexpr *expr, const char *const *tags, size_t n_tags);

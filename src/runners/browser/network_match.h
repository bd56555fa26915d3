/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns over URLs and texts (docs/protocol/browser-config.md §5): globs and regular
 * expressions, matched under limits of steps and memory, because both sides come from outside.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct pattern;

/* A glob, or a regular expression between slashes; base_url may be NULL. */
int pattern_url(struct pattern **ret, const char *text, const char *base_url, struct err *err)
	MUST_CHECK;

/* A regular expression over any text. */
int pattern_regex(struct pattern **ret, const char *text, struct err *err) MUST_CHECK;

struct pattern *pattern_free(struct pattern *pattern);
DEFINE_CLEANUP(struct pattern *, pattern_free)

/* Whether it matches; one that costs too much does not. */
bool pattern_matches(const struct pattern *pattern, struct str text);

/*
 * A pattern in the browser's own wildcards that matches everything that this one does, and
 * perhaps more. Owned by the caller.
 */
char *pattern_wildcard(const char *text) __attribute__((returns_nonnull));

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `{{name}}` in the texts of a browser test, filled in by the runner when a step begins
 * (docs/protocol/browser-tests.md §7). `\{{` stands for two braces. `${{ … }}` is the server's
 * and is left alone. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* True when the text is one {{name}} and nothing else: the value keeps its type. */
bool template_is_whole(struct str text);

/* -1 with INVALID: braces without an end, or something between them that is no name. */
int template_check(struct str text, struct err *err) MUST_CHECK;

/*
 * A copy of the tree with every text filled in from `scope`, an object of variables. What is
 * inserted is not looked at again. Members whose names are in `keep` (NULL-terminated, or NULL)
 * are taken over as they are, at the outermost level: steps of their own. The caller owns the
 * result. NULL with err: NOT_FOUND (no such variable), INVALID (syntax, or an object inside a
 * longer text), LIMIT (a text grew too long).
 */
json_t *template_fill(json_t *tree, json_t *scope, const char *const *keep, struct err *err)
	MUST_CHECK;

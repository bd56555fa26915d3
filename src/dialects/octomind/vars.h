/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of Octomind's texts: `$NAME` is static, known when a run begins; `$$NAME` is
 * dynamic, set by a step of the run. A name that nobody knows is no variable: "$5" and
 * "US$PRICE" without a PRICE stay what they are.
 *
 * Known without being given: OCTO_URL (the address that is tested), OCTO_STABLE_UUID (the same
 * in everything that one run does), OCTO_USERNAME and OCTO_PASSWORD (the test account of the
 * environment) and OCTO_OTP (its one-time password, made when it is typed: otp.h). Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/str.h"
#include "dialects/octomind/case_issues.h"

/* Checks an object of variables, { NAME: [text, …] } or { NAME: text }. -1: issues were added.
 */
int octo_vars_check(json_t *vars, const struct octo_at *at, struct octo_issues *issues)
	MUST_CHECK;

/*
 * One value for each variable, { NAME: text }: of several values one is picked by chance; those
 * of `overrides` win. Both are checked, either may be NULL. The caller owns the result.
 */
json_t *octo_vars_pick(json_t *vars, json_t *overrides, struct rng *rng)
	__attribute__((returns_nonnull));

enum octo_piece_kind { OCTO_PIECE_TEXT, OCTO_PIECE_STATIC, OCTO_PIECE_DYNAMIC };

struct octo_piece {
	enum octo_piece_kind kind;
	struct str text; /* without the dollars of a variable */
};

/*
 * Takes the next piece off *rest; false at the end. `statics` are the known static variables,
 * `dynamics` an object with the names of those that steps set ("*": any); NULL: none.
 */
bool octo_vars_next(
	struct str *rest, json_t *statics, json_t *dynamics, struct octo_piece *ret);

/* Whether the text uses that static variable. */
bool octo_vars_uses(const char *text, json_t *statics, const char *name);

/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: declarations of a job file and NAME=VALUE from the command line. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/json.h"

/*
 * Values of the declared parameters, as a new object that the caller owns. A declaration is an
 * object with `type`, `default`, `required` or `enum`; anything else is the value itself.
 * `given` are n texts NAME=VALUE, which take the type of what they replace.
 *
 * Offences are added below `/params`; the result is then incomplete.
 */
json_t *params_resolve(const json_t *declared, const char *const *given, size_t n,
	struct issues *issues) MUST_CHECK;

/* A declaration, and not a value. */
bool params_is_declaration(const json_t *value);

/*
 * Turns values that are texts into what the declarations say they are. -1 INVALID: one of them
 * is no such value. Names that are not declared stay, for the server to refuse.
 */
int params_retype(json_t *values, const json_t *declared, struct err *err) MUST_CHECK;

/* The given ones alone, all of them text: for a template, whose declarations the server has. */
json_t *params_given(const char *const *given, size_t n) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of templates and job files: declarations, given values, defaults. Pure. */
#pragma once

#include <jansson.h>

#include "base/json.h"

/* One declaration: { type, required, default, enum, description }. For OpenAPI too. */
extern const struct json_field template_param_fields[];

/* Checks declarations. -1: issues. */
int params_check(json_t *declared, const char *pointer, struct issues *issues) MUST_CHECK;

/* A declaration, as job files have them, of a value that must be given. */
bool params_is_required(const json_t *value);

/*
 * What can be said of the values that a template will get before expressions in them have
 * values; those of `passed` (may be NULL) come later. Offences are in issues.
 */
void params_foresee(json_t *declared, json_t *given, json_t *passed, const char *pointer,
	struct issues *issues);

/*
 * Settles the values. `declared` (may be NULL) are a template's declarations; given values must
 * then be declared ones (`strict`). Without a template, a given value that is itself a
 * declaration (an object with a known `type`, as in a job file) counts with its default. *ret
 * is a new object.
 */
int params_settle(json_t *declared, bool strict, json_t *given, const char *pointer,
	struct issues *issues, json_t **ret) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema, draft 2020-12 and draft 7 (chosen by `$schema`; without it 2020-12). Pure.
 *
 * References stay inside the document: `#`, JSON Pointers, `$anchor`, `$id`, `$dynamicRef`.
 * Others are refused when compiling: nothing is ever fetched. Patterns are PCRE2 in the dialect
 * nearest to ECMAScript's, unanchored; \d, \w and \s are those of ASCII. Keywords that are not
 * known are annotations, and so is `format` unless it is asked for.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/json.h"

struct json_schema;

/*
 * Compiles into the arena. Borrows `schema`, which must live and stay unchanged as long as the
 * result. -1: issues with JSON Pointers into the schema.
 */
int json_schema_compile(json_t *schema, struct arena *arena, struct json_schema **ret,
	struct issues *issues) MUST_CHECK;

/* From now on `format` of date-time, date, uri, email and uuid is checked, not only noted. */
void json_schema_check_formats(struct json_schema *schema);

/* From now on a value may take at most so many steps, not JSON_SCHEMA_STEPS_MAX: for those whom
 * others wait for. */
void json_schema_limit_steps(struct json_schema *schema, int64_t steps);

/*
 * 0; or -1 when the value does not fit: issues say where (below `pointer`), what was wanted and
 * what is there. A value that costs too much to validate does not fit either (ISSUE_LIMIT).
 */
int json_schema_validate(const struct json_schema *schema, json_t *value, const char *pointer,
	struct issues *issues) MUST_CHECK;

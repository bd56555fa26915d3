/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values as expressions and schemas see them: what they are called, when two are the same,
 * which number is greater. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

enum {
	LANG_SHOWN_BYTES = 80, /* of what lang_show() writes, with the NUL */
};

static inline struct str
lang_str(const json_t *text)
{
	return str_from(json_string_value(text), json_string_length(text));
}

/* The text, at most max bytes of it; cut between characters. */
struct str lang_cut(struct str text, size_t max);

/* "a number", "a text", "an object", "true", … Static. */
const char *lang_type(const json_t *value);

/* The value for an error: `the text "yes"`, `the number 3`, `a list`. Returns out. */
const char *lang_show(const json_t *value, char out[LANG_SHOWN_BYTES]);

/* < 0, 0, > 0. Exact, whichever of the two is a fraction. */
int lang_compare_numbers(const json_t *a, const json_t *b);

/*
 * Whether two values are the same, deep: 1 is 1.0, the order of members does not matter. 1 or
 * 0; -1 when *steps, of which each value takes one, were not enough.
 */
int lang_same(const json_t *a, const json_t *b, int64_t *steps) MUST_CHECK;

/* Values that are the same have the same. Takes a step for each value in it. */
uint64_t lang_hash(const json_t *value, int64_t *steps);

/* Bytes of the value as JSON, about; counting stops when it is more than max. */
size_t lang_size(const json_t *value, size_t max);

/* Characters of UTF-8 text. */
size_t lang_length(struct str text);

/* A text itself, anything else as JSON. -1: longer than out's maximum. */
int lang_write(const json_t *value, struct buf *out) MUST_CHECK;

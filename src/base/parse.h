/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to values: whole text or nothing, no blanks, no locale, every range explicit.
 *
 * All return 0 and write *ret, or -1 with err: INVALID for a text that is no such value, LIMIT
 * for a value outside the range. The error names the text (shortened) and what was expected.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

/* Decimal digits with an optional sign. */
int parse_i64(struct str text, int64_t min, int64_t max, int64_t *ret, struct err *err)
	MUST_CHECK;

/* JSON's number form; infinities and NaN do not exist. */
int parse_double(struct str text, double min, double max, double *ret, struct err *err)
	MUST_CHECK;

/*
 * Milliseconds: "1500", or parts of digits and a unit (d h m s ms), each unit at most once,
 * from the greatest to the least: "250ms", "30s", "1h30m". At most max_ms, never negative.
 */
int parse_duration_ms(struct str text, int64_t max_ms, int64_t *ret_ms, struct err *err)
	MUST_CHECK;

/*
 * Bytes: digits alone, or with B, kB or KB, MB, GB, TB (powers of 1,000) or KiB, MiB, GiB, TiB
 * (powers of 1,024). At most max_bytes.
 */
int parse_size(struct str text, int64_t max_bytes, int64_t *ret_bytes, struct err *err)
	MUST_CHECK;

/* "true" "yes" "on" "1" or "false" "no" "off" "0". */
int parse_bool(struct str text, bool *ret, struct err *err) MUST_CHECK;

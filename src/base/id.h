/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs. New ones are version 7: 48 bits of wall time in ms, then a counter and random bits, so
 * that ids sort by their time of birth and ids of one generator grow strictly.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "base/str.h"

enum {
	UUID_TEXT_LEN = 36, /* without the NUL */
};

struct uuid {
	uint8_t b[16];
};

/*
 * Makes an id for wall_ms (0 … 2^48 - 1; ms since 1970). Greater than any id that this rng made
 * before, even when the clock went back or more than 4,096 are made in a millisecond: the time
 * inside then runs ahead of wall_ms.
 */
void uuid_v7(struct uuid *ret, int64_t wall_ms, struct rng *rng);

/* Strict 8-4-4-4-12 hex of either case, any version. 0, or -1. */
int uuid_parse(struct str text, struct uuid *ret) MUST_CHECK;

/* Lower-case text with the NUL. */
void uuid_format(const struct uuid *id, char out[UUID_TEXT_LEN + 1]);

bool uuid_eq(const struct uuid *a, const struct uuid *b);
bool uuid_is_zero(const struct uuid *id);

/* Byte order, which is time order for version 7: < 0, 0, > 0. */
int uuid_cmp(const struct uuid *a, const struct uuid *b);

/* Wall time in ms inside a version 7 id. */
int64_t uuid_time_ms(const struct uuid *id);

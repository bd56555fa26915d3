/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of durations on a logarithmic scale: what percentiles are read from.
 *
 * Up to 20 ms each millisecond has a place of its own; beyond, each place is 8 % wider than the
 * one before, so that a percentile is off by at most 5 %, whatever its size. As text, "place:n"
 * with blanks between and only places that have a count: two texts are added without knowing
 * the values.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"

enum { HISTOGRAM_PLACES = 300 };

struct histogram {
	int64_t *count;      /* of the places lo … lo + n - 1; the arena's */
	int32_t lo, n;       /* n 0: nothing was counted */
	int64_t total;       /* sum of all counts */
	struct arena *arena; /* borrowed */
};

/* The place of a duration; negative ones count as 0. */
int32_t histogram_place(int64_t ms);
/* What stands for the values of a place. */
int64_t histogram_value(int32_t place);

void histogram_add(struct histogram *histogram, int64_t ms);
/* Adds what a text holds; what is malformed in it is left out. */
void histogram_add_text(struct histogram *histogram, const char *text);

/* The smallest value that at least `percent` of a hundred values do not pass; -1: there are
 * none. */
int64_t histogram_percentile(const struct histogram *histogram, int percent);

/* Its text, from its arena; "" when nothing was counted. */
const char *histogram_text(const struct histogram *histogram);

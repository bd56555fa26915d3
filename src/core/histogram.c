/* SPDX-License-Identifier: Apache-2.0 */
/* Only the window of places that have counts is kept: a test's durations are near each other.
 */
#include "core/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum {
	EXACT_MAX = 20, /* places below are their values */
	TEXT_BYTES_MAX = HISTOGRAM_PLACES * 26,
};

#define GROWTH 1.08

int32_t
histogram_place(int64_t ms)
{
	if (ms < EXACT_MAX)
		return ms > 0 ? (int32_t)ms : 0;
	double steps = log((double)ms / EXACT_MAX) / log(GROWTH);

	return steps < HISTOGRAM_PLACES - EXACT_MAX ? EXACT_MAX + (int32_t)steps
						    : HISTOGRAM_PLACES - 1;
}

int64_t
histogram_value(int32_t place)
{
	if (place < EXACT_MAX)
		return place;
	/* The middle of the place, by ratio. */
	return llround(EXACT_MAX * pow(GROWTH, place - EXACT_MAX + 0.5));
}

/* Makes place one of the window's. */
static void
cover(struct histogram *h, int32_t place)
{
	if (h->n > 0 && place >= h->lo && place < h->lo + h->n)
		return;
	/* Some room on both sides: the next value is near. */
	int32_t lo = place > 2 ? place - 2 : 0;
	int32_t end = place + 3 < HISTOGRAM_PLACES ? place + 3 : HISTOGRAM_PLACES;

	if (h->n > 0 && h->lo < lo)
		lo = h->lo;
	if (h->n > 0 && h->lo + h->n > end)
		end = h->lo + h->n;
	int64_t *count = arena_xalloc(h->arena, (size_t)(end - lo) * sizeof *count);

	memset(count, 0, (size_t)(end - lo) * sizeof *count);
	if (h->n > 0)
		memcpy(count + (h->lo - lo), h->count, (size_t)h->n * sizeof *count);
	h->count = count;
	h->lo = lo;
	h->n = end - lo;
}

static void
add_count(struct histogram *h, int32_t place, int64_t n)
{
	cover(h, place);
	h->count[place - h->lo] += n;
	h->total += n;
}

void
histogram_add(struct histogram *histogram, int64_t ms)
{
	add_count(histogram, histogram_place(ms), 1);
}

/* Digits at *at, which moves behind them; -1: none, or too many. */
static int64_t
digits(const char **at)
{
	int64_t value = -1;
	bool fits = true;

	for (; **at >= '0' && **at <= '9'; (*at)++) {
		fits = fits && value < INT64_MAX / 20;
		if (fits)
			value = (value < 0 ? 0 : value * 10) + (**at - '0');
	}
	return fits ? value : -1;
}

void
histogram_add_text(struct histogram *histogram, const char *text)
{
	const char *at = text ? text : "";

	while (*at) {
		int64_t place = digits(&at), n = -1;

		if (*at == ':') {
			at++;
			n = digits(&at);
		}
		if (place >= 0 && place < HISTOGRAM_PLACES && n > 0)
			add_count(histogram, (int32_t)place, n);
		if (*at)
			at++;
	}
}

int64_t
histogram_percentile(const struct histogram *histogram, int percent)
{
	if (histogram->total == 0)
		return -1;
	/* Rounded up: the 50th percentile of two values is the first of them. */
	int64_t wanted = (histogram->total / 100) * percent +
		((histogram->total % 100) * percent + 99) / 100;
	int64_t seen = 0;

	for (int32_t i = 0; i < histogram->n; i++) {
		seen += histogram->count[i];
		if (seen >= wanted && seen > 0)
			return histogram_value(histogram->lo + i);
	}
	return histogram_value(histogram->lo + histogram->n - 1);
}

const char *
histogram_text(const struct histogram *histogram)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(TEXT_BYTES_MAX);
	int rc = 0;

	for (int32_t i = 0; i < histogram->n; i++) {
		if (histogram->count[i] > 0)
			rc |= buf_addf(&out, "%s%" PRId32 ":%" PRId64, out.len > 0 ? " " : "",
				histogram->lo + i, histogram->count[i]);
	}
	/* 26 bytes hold the longest entry. */
	return rc == 0 && out.len > 0 ? arena_strdup(histogram->arena, buf_text(&out)) : "";
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "core/histogram.h"
#include "unit.h"

static struct arena arena;

static struct histogram
of(const int64_t *values, size_t n)
{
	struct histogram h = { .arena = &arena };

	for (size_t i = 0; i < n; i++)
		histogram_add(&h, values[i]);
	return h;
}

/* The promise of the header, for every duration up to a quarter of an hour and samples beyond.
 */
static void
a_value_is_off_by_at_most_five_percent(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < DAYS_MS(60); ms += ms < 900000 ? 1 : ms / 1000) {
		int64_t shown = histogram_value(histogram_place(ms));

		if (llabs(shown - ms) * 100 > ms * 5)
			fail_msg("%" PRId64 " ms is shown as %" PRId64, ms, shown);
	}
}

static void
places_grow_with_values(void **state)
{
	int32_t before = -1;

	(void)state;
	for (int64_t ms = 0; ms < 2000000; ms++) {
		int32_t place = histogram_place(ms);

		assert_true(place == before || place == before + 1);
		before = place;
	}
	assert_int_equal(histogram_place(-5), 0);
	assert_int_equal(histogram_place(INT64_MAX), HISTOGRAM_PLACES - 1);
}

static void
percentiles_are_of_what_was_counted(void **state)
{
	int64_t values[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		values[99 - i] = i < 95 ? 7 : i < 99 ? 15 : 19;
	struct histogram h = of(values, 100);

	assert_int_equal(histogram_percentile(&h, 50), 7);
	assert_int_equal(histogram_percentile(&h, 95), 7);
	assert_int_equal(histogram_percentile(&h, 96), 15);
	assert_int_equal(histogram_percentile(&h, 99), 15);
	assert_int_equal(histogram_percentile(&h, 100), 19);
}

static void
nothing_has_no_percentile(void **state)
{
	struct histogram h = { .arena = &arena };

	(void)state;
	assert_int_equal(histogram_percentile(&h, 50), -1);
	assert_string_equal(histogram_text(&h), "");
	h = of((const int64_t[]) { 3 }, 1);
	assert_int_equal(histogram_percentile(&h, 1), 3);
	assert_int_equal(histogram_percentile(&h, 99), 3);
}

static void
texts_add_up_to_the_whole(void **state)
{
	const int64_t values[] = { 0, 5, 5, 19, 300, 40000, 40000, 86400000 };
	struct histogram whole = of(values, 8), a = of(values, 3), b = of(values + 3, 5);
	struct histogram sum = { .arena = &arena };

	(void)state;
	histogram_add_text(&sum, histogram_text(&b));
	histogram_add_text(&sum, histogram_text(&a));
	assert_int_equal(sum.total, 8);
	assert_string_equal(histogram_text(&sum), histogram_text(&whole));
	assert_string_equal(histogram_text(&a), "0:1 5:2");
}

static void
malformed_parts_are_left_out(void **state)
{
	static const char *const texts[] = { NULL, "", "x", "5", "5:", ":3", "300:1", "5:0",
		"99999999999999999999:1", "5:99999999999999999999999", "::::", "1 2 3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct histogram h = { .arena = &arena };

		histogram_add_text(&h, texts[i]);
		assert_int_equal(h.total, 0);
	}
	struct histogram h = { .arena = &arena };

	histogram_add_text(&h, "7:2 nonsense 9:1");
	assert_string_equal(histogram_text(&h), "7:2 9:1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_off_by_at_most_five_percent),
		cmocka_unit_test(places_grow_with_values),
		cmocka_unit_test(percentiles_are_of_what_was_counted),
		cmocka_unit_test(nothing_has_no_percentile),
		cmocka_unit_test(texts_add_up_to_the_whole),
		cmocka_unit_test(malformed_parts_are_left_out),
	};

	arena_init(&arena, MIB(16));
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return rc;
}

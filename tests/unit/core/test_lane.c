/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "core/lane.h"
#include "unit.h"

enum { MINUTE = 60000 };

/* The rank says the same as the effective priority, at whatever moment one asks. */
static void
rank_orders_by_priority_plus_waiting(void **state)
{
	const int64_t ageing = 10 * MINUTE;

	(void)state;
	for (int32_t p = -3; p <= 3; p++) {
		for (int32_t q = -3; q <= 3; q++) {
			for (int64_t a = 0; a <= 60; a += 7) {
				for (int64_t b = 0; b <= 60; b += 7) {
					int64_t now = 200 * MINUTE;
					int64_t mine = p * ageing + (now - a * MINUTE);
					int64_t other = q * ageing + (now - b * MINUTE);
					assert_int_equal(rank_of(p, a * MINUTE, ageing) >
							rank_of(q, b * MINUTE, ageing),
						mine > other);
				}
			}
		}
	}
}

static void
one_step_is_overtaken_after_exactly_one_ageing_time(void **state)
{
	const int64_t ageing = 10 * MINUTE, old = 1000000;

	(void)state;
	assert_true(rank_of(0, old, ageing) < rank_of(1, old + ageing - 1, ageing));
	assert_int_equal(rank_of(0, old, ageing), rank_of(1, old + ageing, ageing));
	assert_true(rank_of(0, old, ageing) > rank_of(1, old + ageing + 1, ageing));
}

static void
without_ageing_priority_is_strict(void **state)
{
	const int64_t century = INT64_C(100) * 365 * 24 * 60 * MINUTE;

	(void)state;
	assert_true(rank_of(1, 2000000000000 + century, 0) > rank_of(0, 2000000000000, 0));
	assert_true(rank_of(0, 1, 0) > rank_of(0, 2, 0));
	assert_true(rank_of(PRIORITY_MAX, 0, 0) > rank_of(PRIORITY_MAX - 1, 0, 0));
	assert_true(rank_of(PRIORITY_MIN, 0, 0) < rank_of(PRIORITY_MIN + 1, 0, 0));
}

static void
labels_are_covered_when_every_wanted_one_is_there(void **state)
{
	(void)state;
	assert_true(labels_cover("", ""));
	assert_true(labels_cover("a=1", ""));
	assert_true(labels_cover("a=1\nb=2\nc=3", "a=1\nc=3"));
	assert_false(labels_cover("a=1\nb=2", "a=2"));
	assert_false(labels_cover("a=1", "a=1\nb=2"));
	assert_false(labels_cover("", "a=1"));
	assert_false(labels_cover("a=12", "a=1"));
	assert_false(labels_cover("a=1", "a=12"));
}

static const char *const both[] = { "command", "http" };

static void
an_offer_matches_by_project_kind_and_labels(void **state)
{
	const struct lane lane = { .project = 4, .kind = "http", .labels = "place=attic" };
	struct offer offer = { 4, both, 2, "colour=red\nplace=attic", NULL };

	(void)state;
	assert_true(lane_matches(&lane, &offer));
	offer.n_kinds = 1;
	assert_false(lane_matches(&lane, &offer));
	offer.n_kinds = 2;
	offer.labels = "place=cellar";
	assert_false(lane_matches(&lane, &offer));
	offer.labels = "place=attic";
	offer.project = 5;
	assert_false(lane_matches(&lane, &offer));
	offer.project = 0;
	assert_true(lane_matches(&lane, &offer));
}

/* ---- canonical labels ---- */

static void
check_labels(const char *json, const char *expected, size_t n_issues)
{
	struct arena arena;
	struct issues issues = { .arena = &arena };
	json_t *object = json_loads(json, 0, NULL);

	arena_init(&arena, MIB(1));
	const char *text = labels_canonical(&arena, object, "/labels", &issues);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
	assert_int_equal(issues.n, n_issues);
	json_decref(object);
	arena_deinit(&arena);
}

static void
labels_are_written_sorted(void **state)
{
	(void)state;
	check_labels("{}", "", 0);
	check_labels("{\"b\":\"2\",\"a\":\"1\"}", "a=1\nb=2", 0);
	check_labels("{\"a\":\"\"}", "a=", 0);
	check_labels("{\"a\":\"x=y\"}", "a=x=y", 0);
}

static void
what_is_not_a_label_is_refused(void **state)
{
	(void)state;
	check_labels("{\"a\":1}", NULL, 1);
	check_labels("{\"\":\"1\"}", NULL, 1);
	check_labels("{\"a=b\":\"1\"}", NULL, 1);
	check_labels("{\"a\":\"x\\ny\"}", NULL, 1);
	check_labels("{\"a\\u0001\":\"x\"}", NULL, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rank_orders_by_priority_plus_waiting),
		cmocka_unit_test(one_step_is_overtaken_after_exactly_one_ageing_time),
		cmocka_unit_test(without_ageing_priority_is_strict),
		cmocka_unit_test(labels_are_covered_when_every_wanted_one_is_there),
		cmocka_unit_test(an_offer_matches_by_project_kind_and_labels),
		cmocka_unit_test(labels_are_written_sorted),
		cmocka_unit_test(what_is_not_a_label_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rates, resources and limits by key, each by itself. */
#include "core/lanes.h"
#include "core/needs.h"
#include "core/places.h"
#include "core/rate.h"
#include "unit.h"

/* ---- rates ---- */

static void
a_full_bucket_gives_its_burst_and_then_one_by_one(void **state)
{
	const struct rate rate = { 6, 60000, 3 };
	int64_t full_us = 0, now_ms = 1000000;

	(void)state;
	assert_int_equal(rate_tokens(&rate, full_us, now_ms), 3);
	for (int i = 0; i < 3; i++)
		full_us = rate_take(&rate, full_us, now_ms);
	assert_int_equal(rate_tokens(&rate, full_us, now_ms), 0);
	assert_int_equal(rate_next_ms(&rate, full_us, now_ms), now_ms + 10000);
	assert_int_equal(rate_tokens(&rate, full_us, now_ms + 9999), 0);
	assert_int_equal(rate_tokens(&rate, full_us, now_ms + 10000), 1);
	assert_int_equal(rate_tokens(&rate, full_us, now_ms + 1000000), 3);
}

/* Over any stretch of time no more than the burst and what came back. */
static void
a_rate_is_never_passed(void **state)
{
	const struct rate rate = { 7, 1000, 7 };
	int64_t full_us = 0, taken = 0;

	(void)state;
	for (int64_t now_ms = 0; now_ms < 10000; now_ms++) {
		while (rate_tokens(&rate, full_us, now_ms) > 0) {
			full_us = rate_take(&rate, full_us, now_ms);
			taken++;
		}
		assert_true(taken <= 7 + now_ms * 7 / 1000);
	}
	assert_true(taken >= 7 + 69);
}

static void
without_a_limit_there_are_always_tokens(void **state)
{
	const struct rate none = { 0 };

	(void)state;
	assert_int_equal(rate_tokens(&none, 5, 0), INT64_MAX);
	assert_int_equal(rate_take(&none, 5, 0), 5);
}

/* ---- resources ---- */

static const char *
canonical(struct arena *arena, const char *json)
{
	struct issues issues = { .arena = arena };
	struct err err;
	_cleanup_(json_unrefp) json_t *tree = json_read(json, strlen(json), 4, &err);

	assert_non_null(tree);
	return needs_canonical(arena, tree, "", &issues);
}

static void
amounts_are_thousandths_in_order_of_name(void **state)
{
	_cleanup_(arena_deinit) struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	assert_string_equal(canonical(&arena, "{\"memory\":\"1KiB\",\"cpu\":0.5,\"x\":0}"),
		"cpu=500\nmemory=1024000");
	assert_string_equal(canonical(&arena, "{}"), "");
	assert_null(canonical(&arena, "{\"cpu\":-1}"));
	assert_null(canonical(&arena, "{\"cpu\":\"much\"}"));
	assert_null(canonical(&arena, "{\"a b\":1}"));
	assert_null(canonical(&arena, "{\"cpu\":1e30}"));
}

static void
what_is_taken_is_not_there_any_more(void **state)
{
	const char *have = "browsers=3000\ncpu=2000";
	const char *taken[] = { "browsers=1000", "", "browsers=1000\ncpu=2000" };

	(void)state;
	assert_int_equal(needs_scarce("browsers=3000", have, NULL, 0).n, 0);
	assert_true(str_eqz(needs_scarce("browsers=3001", have, NULL, 0), "browsers"));
	assert_int_equal(needs_scarce("browsers=1000", have, taken, 3).n, 0);
	assert_true(str_eqz(needs_scarce("browsers=1000\ncpu=1", have, taken, 3), "cpu"));
	assert_true(str_eqz(needs_scarce("lines=1", have, NULL, 0), "lines"));
	assert_true(str_eqz(needs_scarce("lines=1", NULL, NULL, 0), "lines"));
	assert_int_equal(needs_scarce("", NULL, NULL, 0).n, 0);
	assert_int_equal(needs_scarce(NULL, NULL, NULL, 0).n, 0);
}

/* ---- keys ---- */

static void
a_limit_with_the_value_takes_the_place_of_the_one_for_all(void **state)
{
	struct key_limit limits[] = { { .key = "site", .concurrency = 2 },
		{ .key = "site", .value = "slow", .concurrency = 1 },
		{ .key = "team", .concurrency = 9 } };
	const struct queue queue = { .limit = limits, .n_limits = 3 };

	(void)state;
	assert_ptr_equal(queue_key_limit(&queue, STR("site"), STR("any")), &limits[0]);
	assert_ptr_equal(queue_key_limit(&queue, STR("site"), STR("slow")), &limits[1]);
	assert_null(queue_key_limit(&queue, STR("sit"), STR("slow")));
	assert_true(str_eqz(keys_value("a=1\nsite=x=y", STR("site")), "x=y"));
	assert_null(keys_value("a=1\nsite=x", STR("b")).p);
}

static void
nothing_is_remembered_of_what_is_over(void **state)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct rng rng;
	struct lanes lanes;
	struct uow uow;
	int64_t until_ms;

	(void)state;
	arena_init(&arena, 1 << 20);
	rng_seed(&rng, 3);
	lanes_init(&lanes, 0);
	uow_init(&uow, &arena, &rng, 1000);
	const struct queue *queue = lanes_get_queue(&lanes, &uow, 1, "q");
	const struct job job = { .project = 1, .queue = queue->id, .keys = "site=a\nteam=b" };
	lanes_lease(&lanes, &uow, &job);
	lanes_lease(&lanes, &uow, &job);
	assert_int_equal(map_count(&lanes.places.by_name), 4); /* two keys, queue and project */
	assert_int_equal(places_find(&lanes, "-1:site=a")->running, 2);
	assert_null(places_full(&lanes, &job, 1000, &until_ms));
	lanes_release(&lanes, &job, 1000);
	lanes_release(&lanes, &job, 1000);
	assert_int_equal(map_count(&lanes.places.by_name), 0);
	assert_int_equal(queue->running, 0);
	uow_deinit(&uow);
	lanes_deinit(&lanes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_gives_its_burst_and_then_one_by_one),
		cmocka_unit_test(a_rate_is_never_passed),
		cmocka_unit_test(without_a_limit_there_are_always_tokens),
		cmocka_unit_test(amounts_are_thousandths_in_order_of_name),
		cmocka_unit_test(what_is_taken_is_not_there_any_more),
		cmocka_unit_test(a_limit_with_the_value_takes_the_place_of_the_one_for_all),
		cmocka_unit_test(nothing_is_remembered_of_what_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

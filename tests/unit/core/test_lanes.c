/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/limits.h"
#include "core/lanes.h"
#include "unit.h"

static struct arena arena;
static struct rng rng;
static struct uow uow;
static struct lanes lanes;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(64));
	rng_seed(&rng, 3);
	uow_init(&uow, &arena, &rng, 1000);
	lanes_init(&lanes, 77);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	uow_deinit(&uow);
	lanes_deinit(&lanes);
	arena_deinit(&arena);
	return 0;
}

static void
a_queue_is_made_once_and_kept_for_the_store(void **state)
{
	(void)state;
	assert_null(lanes_find_queue(&lanes, 1, "night"));
	struct queue *queue = lanes_get_queue(&lanes, &uow, 1, "night");
	assert_int_equal(queue->id, 1);
	assert_int_equal(queue->ageing_ms, 77);
	assert_int_equal(queue->revision, 1);
	assert_ptr_equal(lanes_get_queue(&lanes, &uow, 1, "night"), queue);
	assert_ptr_equal(lanes_find_queue(&lanes, 1, "night"), queue);
	assert_ptr_equal(lanes_queue(&lanes, 1), queue);
	assert_int_equal(uow.changed_queues.n, 1);
	assert_ptr_not_equal(lanes_get_queue(&lanes, &uow, 2, "night"), queue);
	assert_int_equal(uow.changed_queues.n, 2);
}

static void
a_lane_is_one_combination(void **state)
{
	(void)state;
	struct lane *lane = lanes_get_lane(&lanes, &uow, 1, 1, "http", "a=1");
	assert_ptr_equal(lanes_get_lane(&lanes, &uow, 1, 1, "http", "a=1"), lane);
	assert_ptr_not_equal(lanes_get_lane(&lanes, &uow, 2, 1, "http", "a=1"), lane);
	assert_ptr_not_equal(lanes_get_lane(&lanes, &uow, 1, 2, "http", "a=1"), lane);
	assert_ptr_not_equal(lanes_get_lane(&lanes, &uow, 1, 1, "command", "a=1"), lane);
	assert_ptr_not_equal(lanes_get_lane(&lanes, &uow, 1, 1, "http", ""), lane);
	assert_int_equal(uow.new_lanes.n, 5);
	assert_ptr_equal(lanes_lane(&lanes, lane->id), lane);
}

static void
what_is_restored_is_found_again(void **state)
{
	char name[] = "night", kind[] = "http", labels[] = "a=1";
	const struct queue queue = { .id = 1, .project = 9, .name = name, .priority = 4 };
	const struct lane lane = {
		.id = 1, .project = 9, .queue = 1, .kind = kind, .labels = labels
	};

	(void)state;
	lanes_restore_queue(&lanes, &queue);
	lanes_restore_lane(&lanes, &lane);
	name[0] = kind[0] = labels[0] = '?'; /* it keeps copies */
	assert_int_equal(lanes_find_queue(&lanes, 9, "night")->priority, 4);
	assert_int_equal(lanes_get_lane(&lanes, &uow, 9, 1, "http", "a=1")->id, 1);
	assert_int_equal(uow.new_lanes.n, 0);
	assert_int_equal(lanes_get_queue(&lanes, &uow, 9, "day")->id, 2);
}

static void
queues_and_lanes_are_limited(void **state)
{
	char text[32];

	(void)state;
	for (int i = 0; i < QUEUES_MAX; i++) {
		snprintf(text, sizeof text, "q%d", i);
		assert_non_null(lanes_get_queue(&lanes, &uow, 1, text));
	}
	assert_null(lanes_get_queue(&lanes, &uow, 1, "one more"));
	assert_non_null(lanes_get_queue(&lanes, &uow, 1, "q7"));
	for (int i = 0; i < LANES_MAX; i++) {
		snprintf(text, sizeof text, "n=%d", i);
		assert_non_null(lanes_get_lane(&lanes, &uow, 1, 1, "http", text));
	}
	assert_null(lanes_get_lane(&lanes, &uow, 1, 1, "http", "one=more"));
	assert_non_null(lanes_get_lane(&lanes, &uow, 1, 1, "http", "n=7"));
}

static void
a_queue_is_open_below_its_concurrency_unless_paused(void **state)
{
	struct queue queue = { .concurrency = 2, .running = 1 };

	(void)state;
	assert_true(queue_is_open(&queue));
	queue.running = 2;
	assert_false(queue_is_open(&queue));
	queue.concurrency = 0;
	assert_true(queue_is_open(&queue));
	queue.paused = true;
	assert_false(queue_is_open(&queue));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_queue_is_made_once_and_kept_for_the_store, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lane_is_one_combination, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_restored_is_found_again, setup, teardown),
		cmocka_unit_test_setup_teardown(queues_and_lanes_are_limited, setup, teardown),
		cmocka_unit_test(a_queue_is_open_below_its_concurrency_unless_paused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

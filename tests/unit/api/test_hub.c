/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for a job, without a server: who is told, and once. */
#include "api/hub.h"
#include "api/screens.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "unit.h"

struct room {
	struct store *store;
	struct engine *engine;
	uv_loop_t loop;
	struct api api;
	struct hub *hub;
};

static int n_told;

static void
told(struct call *call)
{
	assert_null(call->waiter);
	n_told++;
}

static int
open_room(void **state)
{
	struct room *room = calloc(1, sizeof *room);
	struct engine_options options = { .seed = 1, .ageing_ms = -1 };
	struct err err;

	n_told = 0;
	assert_int_equal(store_open_memory(&room->store, "hub", &err), 0);
	assert_int_equal(engine_open(&room->engine, room->store, &options, 1000, &err), 0);
	assert_int_equal(uv_loop_init(&room->loop), 0);
	room->api.loop = &room->loop;
	room->api.engine = room->engine;
	room->api.screens = screens_new(&room->api);
	assert_int_equal(hub_start(&room->hub, &room->api, &err), 0);
	*state = room;
	return 0;
}

static int
close_room(void **state)
{
	struct room *room = *state;

	hub_stop(room->hub);
	while (!hub_is_closed(room->hub))
		(void)uv_run(&room->loop, UV_RUN_ONCE);
	hub_free(room->hub);
	screens_free(room->api.screens);
	assert_int_equal(uv_loop_close(&room->loop), 0);
	engine_close(room->engine, NULL);
	store_close(room->store);
	store_memory_forget("hub");
	free(room);
	return 0;
}

static void
all_who_wait_for_a_job_hear_of_its_end(void **state)
{
	struct room *room = *state;
	struct call calls[3] = { 0 };
	struct job_id job = { { { 1 } } }, other = { { { 2 } } };
	struct event event = {
		.seq = 7, .job = job, .type = EV_JOB_COMPLETED, .data = STR_INIT("{}")
	};
	struct turn_output output = { .events = &event, .n_events = 1, .last_event_seq = 7 };

	hub_wait(room->hub, &calls[0], &job, HOURS_MS(1), told);
	hub_wait(room->hub, &calls[1], &job, HOURS_MS(1), told);
	hub_wait(room->hub, &calls[2], &other, HOURS_MS(1), told);
	hub_turn(room->hub, &output);
	assert_int_equal(n_told, 2);
	assert_true(hub_unwait(room->hub, &calls[2]));
}

/* A turn whose events nobody copied: everybody looks again, also several at one job. */
static void
after_a_gap_everybody_looks_again(void **state)
{
	struct room *room = *state;
	struct call calls[3] = { 0 };
	struct job_id job = { { { 1 } } }, other = { { { 2 } } };
	struct turn_output output = { .last_event_seq = 7 };

	hub_wait(room->hub, &calls[0], &job, HOURS_MS(1), told);
	hub_wait(room->hub, &calls[1], &other, HOURS_MS(1), told);
	hub_wait(room->hub, &calls[2], &job, HOURS_MS(1), told);
	hub_turn(room->hub, &output);
	assert_int_equal(n_told, 3);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		assert_false(hub_unwait(room->hub, &calls[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_who_wait_for_a_job_hear_of_its_end, open_room, close_room),
		cmocka_unit_test_setup_teardown(
			after_a_gap_everybody_looks_again, open_room, close_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

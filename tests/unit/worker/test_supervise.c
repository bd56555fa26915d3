/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's table has no hole, always comes to an end, and never keeps a process alive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "worker/supervise.h"

static void
every_cell_is_filled(void **state)
{
	(void)state;
	for (int s = 0; s < SUPERVISE_STATE_COUNT; s++) {
		assert_non_null(supervise_state_name((enum supervise_state)s));
		for (int e = 0; e < SUPERVISE_EVENT_COUNT; e++) {
			struct supervise_step step = supervise_step(
				(enum supervise_state)s, (enum supervise_event)e);
			assert_int_not_equal(step.action, SUPERVISE_UNSET);
			assert_true(step.action < SUPERVISE_ACTION_COUNT);
			assert_true(step.next < SUPERVISE_STATE_COUNT);
		}
	}
}

static void
the_end_is_reported_from_everywhere_and_once(void **state)
{
	(void)state;
	for (int s = 0; s < SUPERVISE_STATE_COUNT; s++) {
		struct supervise_step step =
			supervise_step((enum supervise_state)s, SUPERVISE_EV_EXITED);
		assert_int_equal(step.next, SUPERVISE_GONE);
		assert_int_equal(step.action,
			s == SUPERVISE_GONE ? SUPERVISE_NOTHING : SUPERVISE_REPORT);
	}
	for (int e = 0; e < SUPERVISE_EVENT_COUNT; e++)
		assert_int_equal(supervise_step(SUPERVISE_GONE, (enum supervise_event)e).next,
			SUPERVISE_GONE);
}

/* Deadlines alone lead from every state to SIGKILL; a breach does so at once. */
static void
deadlines_end_in_a_kill(void **state)
{
	(void)state;
	for (int s = 0; s < SUPERVISE_GONE; s++) {
		enum supervise_state at = (enum supervise_state)s;
		int n = 0;

		while (at != SUPERVISE_KILLED) {
			at = supervise_step(at, SUPERVISE_EV_DEADLINE).next;
			assert_true(++n < SUPERVISE_STATE_COUNT);
		}
		assert_int_equal(
			supervise_step((enum supervise_state)s, SUPERVISE_EV_BREACH).next,
			SUPERVISE_KILLED);
	}
}

/* What is being ended never goes back to work. */
static void
there_is_no_way_back(void **state)
{
	static const enum supervise_state ending[] = { SUPERVISE_ASKED, SUPERVISE_TERMED,
		SUPERVISE_LEAVING, SUPERVISE_KILLED, SUPERVISE_GONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		for (int e = 0; e < SUPERVISE_EVENT_COUNT; e++) {
			enum supervise_state next =
				supervise_step(ending[i], (enum supervise_event)e).next;
			assert_int_not_equal(next, SUPERVISE_RUNNING);
			assert_int_not_equal(next, SUPERVISE_STARTING);
		}
}

static void
a_run_goes_its_usual_way(void **state)
{
	static const struct {
		enum supervise_event event;
		enum supervise_action action;
	} way[] = {
		{ SUPERVISE_EV_READY, SUPERVISE_OFFER },
		{ SUPERVISE_EV_RUN, SUPERVISE_SEND },
		{ SUPERVISE_EV_RESULT, SUPERVISE_SETTLE },
		{ SUPERVISE_EV_CLEANED, SUPERVISE_FINISH },
		{ SUPERVISE_EV_RUN, SUPERVISE_SEND },
		{ SUPERVISE_EV_DEADLINE, SUPERVISE_TIME_OUT },
		{ SUPERVISE_EV_STOP, SUPERVISE_NOTHING },
		{ SUPERVISE_EV_DEADLINE, SUPERVISE_TERM },
		{ SUPERVISE_EV_RESULT, SUPERVISE_NOTHING },
		{ SUPERVISE_EV_DEADLINE, SUPERVISE_KILL },
		{ SUPERVISE_EV_DEADLINE, SUPERVISE_KILL },
		{ SUPERVISE_EV_EXITED, SUPERVISE_REPORT },
	};
	enum supervise_state at = SUPERVISE_STARTING;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(way); i++) {
		struct supervise_step step = supervise_step(at, way[i].event);
		assert_int_equal(step.action, way[i].action);
		at = step.next;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_filled),
		cmocka_unit_test(the_end_is_reported_from_everywhere_and_once),
		cmocka_unit_test(deadlines_end_in_a_kill),
		cmocka_unit_test(there_is_no_way_back),
		cmocka_unit_test(a_run_goes_its_usual_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

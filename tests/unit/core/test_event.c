/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/limits.h"
#include "core/event.h"
#include "unit.h"

static void
names_come_back_as_what_they_name(void **state)
{
	enum event_type type;

	(void)state;
	for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
		assert_int_equal(event_type_parse(str_of(event_type_name(i)), &type), 0);
		assert_int_equal(type, i);
	}
	assert_int_equal(event_type_parse(STR("job.finished"), &type), -1);
	assert_int_equal(event_type_parse(STR("job"), &type), -1);
	assert_int_equal(event_type_parse(STR(""), &type), -1);
}

/* One for each final state of a job, and its deletion. */
static void
a_stream_ends_with_a_final_event(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < EVENT_TYPE_COUNT; i++)
		n += event_type_is_final(i);
	assert_int_equal(n, 5);
	assert_true(event_type_is_final(EV_JOB_STOPPED));
	assert_true(event_type_is_final(EV_JOB_COMPLETED));
	assert_true(event_type_is_final(EV_JOB_FAILED));
	assert_true(event_type_is_final(EV_JOB_INVALID));
	assert_true(event_type_is_final(EV_JOB_DELETED));
}

/* What decides about a job is never taken from a worker's word. */
static void
a_worker_may_only_tell_what_it_sees(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
		bool may = i == EV_RUN_STARTED || i == EV_RUN_CASE || i == EV_RUN_STEP ||
			i == EV_RUN_PROGRESS || i == EV_RUN_LOG || i == EV_RUN_WARNING;
		assert_int_equal(event_type_from_worker(i), may);
	}
}

static void
check_written(const struct event *event, const char *expected)
{
	struct buf buf = BUF_INIT(KIB(4));

	assert_int_equal(event_write(event, &buf), 0);
	assert_int_equal(buf.len, strlen(expected));
	assert_memory_equal(buf.data, expected, buf.len);
	buf_deinit(&buf);
}

static void
written_as_the_protocol_says(void **state)
{
	struct event event = {
		.seq = 1187,
		.at_ms = INT64_C(1796090400120),
		.type = EV_RUN_FINISHED,
		.data = STR_INIT("{\"outcome\":\"passed\"}"),
	};

	(void)state;
	memset(event.job.u.b, 0x11, sizeof event.job.u.b);
	memset(event.run.u.b, 0x22, sizeof event.run.u.b);
	check_written(&event,
		"{\"seq\":1187,\"at\":\"2026-12-01T02:00:00.120Z\","
		"\"job\":\"11111111-1111-1111-1111-111111111111\","
		"\"run\":\"22222222-2222-2222-2222-222222222222\","
		"\"type\":\"run.finished\",\"data\":{\"outcome\":\"passed\"}}");
}

static void
members_that_say_nothing_are_left_out(void **state)
{
	const struct event event = { .seq = 5, .at_ms = 1, .type = EV_WORKER_JOINED };

	(void)state;
	check_written(&event,
		"{\"seq\":5,\"at\":\"1970-01-01T00:00:00.001Z\",\"type\":\"worker.joined\","
		"\"data\":{}}");
}

static void
a_full_buffer_is_an_error(void **state)
{
	const struct event event = { .seq = 5, .type = EV_WORKER_JOINED };
	struct buf buf = BUF_INIT(20);

	(void)state;
	assert_int_equal(event_write(&event, &buf), -1);
	buf_deinit(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back_as_what_they_name),
		cmocka_unit_test(a_stream_ends_with_a_final_event),
		cmocka_unit_test(a_worker_may_only_tell_what_it_sees),
		cmocka_unit_test(written_as_the_protocol_says),
		cmocka_unit_test(members_that_say_nothing_are_left_out),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event_pack.h"

#include "base/rand.h"
#include "unit.h"

enum {
	EVENTS = 6,
};

/* Six events of one job, with and without runs, times that go both ways, data of many sizes. */
static void
make_events(struct event events[EVENTS])
{
	static char long_data[300];
	struct rng rng;
	rng_seed(&rng, 5);
	memset(long_data, 'x', sizeof long_data);
	for (int i = 0; i < EVENTS; i++) {
		events[i] = (struct event) {
			.seq = 40 + i,
			.at_ms = i == 3 ? INT64_MIN
				: i % 2 ? INT64_MAX
					: -3 * i,
			.project = 2,
			.job_seq = 9,
			.type = (enum event_type)(i * 5),
			.data = str_from(long_data, (size_t)i * 60),
		};
		memset(events[i].job.u.b, 0x33, sizeof events[i].job.u.b);
		if (i == 1 || i == 3)
			uuid_v7(&events[i].run.u, 1000, &rng);
		if (i == 4)
			events[i].run = events[3].run;
	}
}

static void
packed_events_come_back(void **state)
{
	(void)state;
	struct event events[EVENTS];
	_cleanup_(buf_deinit) struct buf row = BUF_INIT(10000);
	struct event_unpack unpack;
	struct err err;
	make_events(events);
	assert_int_equal(event_pack(events, EVENTS, &row), 0);
	assert_int_equal(event_unpack_init(&unpack, buf_str(&row), 40, 2, 9, &err), 0);
	for (int i = 0; i < EVENTS; i++) {
		const struct event *event = &unpack.event;
		assert_int_equal(event_unpack_next(&unpack, &err), 0);
		assert_int_equal(event->seq, events[i].seq);
		assert_int_equal(event->at_ms, events[i].at_ms);
		assert_int_equal(event->type, events[i].type);
		assert_true(uuid_eq(&event->job.u, &events[i].job.u));
		assert_true(uuid_eq(&event->run.u, &events[i].run.u));
		assert_true(str_eq(event->data, events[i].data));
	}
	assert_int_equal(event_unpack_next(&unpack, &err), EVENT_UNPACK_END);
}

/* Reads a row to its end or first damage; must do so without touching what is not its own. */
static void
read_through(const char *data, size_t len, int64_t job_seq)
{
	/* A copy of exactly that size, so that the sanitizer sees a step too far. */
	char *copy = malloc(len > 0 ? len : 1);
	struct event_unpack unpack;
	struct err err;
	int rc;
	memcpy(copy, data, len);
	rc = event_unpack_init(&unpack, str_from(copy, len), 1, 1, job_seq, &err);
	while (rc == 0)
		rc = event_unpack_next(&unpack, &err);
	if (rc < 0)
		assert_int_equal(err.code, ERR_CORRUPT);
	free(copy);
}

static void
damaged_rows_are_refused(void **state)
{
	(void)state;
	struct event events[EVENTS];
	_cleanup_(buf_deinit) struct buf row = BUF_INIT(10000);
	struct event_unpack unpack;
	struct err err;
	make_events(events);
	assert_int_equal(event_pack(events, EVENTS, &row), 0);
	for (size_t len = 0; len < row.len; len++)
		read_through(row.data, len, 9);
	for (size_t at = 0; at < row.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			row.data[at] ^= (char)(1 << bit);
			read_through(row.data, row.len, 9);
			row.data[at] ^= (char)(1 << bit);
		}
	}
	assert_int_equal(event_unpack_init(&unpack, buf_str(&row), 1, 1, 0, &err), -1);
	row.data[0] = 2; /* another format */
	assert_int_equal(event_unpack_init(&unpack, buf_str(&row), 1, 1, 9, &err), -1);
	assert_int_equal(err.code, ERR_CORRUPT);
}

static void
a_full_buffer_is_reported(void **state)
{
	(void)state;
	struct event events[EVENTS];
	make_events(events);
	for (size_t max = 0; max < 200; max += 7) {
		_cleanup_(buf_deinit) struct buf row = BUF_INIT(max);
		assert_int_equal(event_pack(events, EVENTS, &row), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_events_come_back),
		cmocka_unit_test(damaged_rows_are_refused),
		cmocka_unit_test(a_full_buffer_is_reported),
	};
	return cmocka_run_group_tests_name("event_pack", tests, NULL, NULL);
}

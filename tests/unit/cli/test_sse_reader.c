/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of events, cut into pieces at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "cli/sse_reader.h"

struct seen {
	int n;
	json_int_t seq[10];
	int stop_after;
};

static int
on_event(void *arg, json_t *event)
{
	struct seen *seen = arg;

	seen->seq[seen->n++] = json_integer_value(json_object_get(event, "seq"));
	return seen->n == seen->stop_after ? -1 : 0;
}

static const char stream[] = ": keep-alive\n\n"
			     "id: 7\nevent: job.queued\ndata: {\"seq\":7}\n\n"
			     "id:8\r\ndata:{\"seq\":\r\ndata: 8}\r\n\r\n"
			     "id: 9\rdata: {\"seq\":9}\r\r"
			     "id: 10\ndata: no JSON\n\n"
			     "unknown: field\nid: x\nretry: 5\ndata: {\"seq\":11}\n\n"
			     "event: dropped\ndata: {\"reason\":\"slow\"}\n\n"
			     "id: 12\ndata: {\"seq\":12}\n";

static void
test_pieces(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < sizeof stream - 1; cut++) {
		struct sse_reader reader;
		struct seen seen = { 0 };
		sse_reader_init(&reader, on_event, &seen);
		assert_int_equal(sse_reader_feed(&reader, stream, cut), 0);
		assert_int_equal(
			sse_reader_feed(&reader, stream + cut, sizeof stream - 1 - cut), 0);
		assert_int_equal(seen.n, 4);
		assert_int_equal(seen.seq[0], 7);
		assert_int_equal(seen.seq[1], 8);
		assert_int_equal(seen.seq[2], 9);
		assert_int_equal(seen.seq[3], 11);
		/* The last event never ended, so it was not seen and does not count. */
		assert_int_equal(reader.last_id, 10);
		assert_true(reader.dropped);
		sse_reader_restart(&reader);
		assert_int_equal(reader.last_id, 10);
		sse_reader_deinit(&reader);
	}
}

static void
test_stop(void **state)
{
	struct sse_reader reader;
	struct seen seen = { .stop_after = 2 };

	(void)state;
	sse_reader_init(&reader, on_event, &seen);
	assert_int_equal(sse_reader_feed(&reader, stream, sizeof stream - 1), -1);
	assert_int_equal(seen.n, 2);
	sse_reader_deinit(&reader);
}

static void
test_too_long(void **state)
{
	struct sse_reader reader;
	struct seen seen = { 0 };
	char piece[4096];
	int r = 0;

	(void)state;
	memset(piece, 'x', sizeof piece);
	sse_reader_init(&reader, on_event, &seen);
	for (size_t fed = 0; r == 0 && fed <= SSE_QUEUE_BYTES_MAX; fed += sizeof piece)
		r = sse_reader_feed(&reader, piece, sizeof piece);
	assert_int_equal(r, -1);
	sse_reader_deinit(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

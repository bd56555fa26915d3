/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an event stream: the same events however the bytes arrive. */
#include "fuzz.h"

#include "cli/sse_reader.h"

static int
on_event(void *arg, json_t *event)
{
	size_t *n = arg;

	FUZZ_CHECK(event != NULL);
	++*n;
	return 0;
}

static size_t
count_events(const char *data, size_t size, size_t piece)
{
	struct sse_reader reader;
	size_t n = 0;

	sse_reader_init(&reader, on_event, &n);
	while (size > 0) {
		size_t len = piece < size ? piece : size;

		if (sse_reader_feed(&reader, data, len) < 0)
			break;
		data += len;
		size -= len;
	}
	sse_reader_deinit(&reader);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole = count_events((const char *)data, size, size);

	FUZZ_CHECK(count_events((const char *)data, size, 5) == whole);
	FUZZ_CHECK(count_events((const char *)data, size, 1) == whole);
	return 0;
}

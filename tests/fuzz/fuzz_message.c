/* SPDX-License-Identifier: Apache-2.0 */
/* The runner protocol: lines out of a stream, messages out of lines. */
#include "fuzz.h"

#include <string.h>

#include "runners/kit/message.h"

enum { LINE_MAX_BYTES = 4096 };

static uint64_t
hash(uint64_t sum, struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		sum = (sum ^ (uint8_t)line.p[i]) * 0x100000001b3u;
	return (sum ^ '\n') * 0x100000001b3u;
}

static void
one_line(struct str line)
{
	for (int side = MESSAGE_FROM_WORKER; side <= MESSAGE_FROM_RUNNER; side++) {
		struct message message = { 0 };
		struct err err = { 0 };

		if (message_parse(&message, (enum message_side)side, line.p, line.n, &err) <
			0) {
			FUZZ_CHECK(err.text[0] != '\0');
			continue;
		}
		FUZZ_CHECK(message.type < MESSAGE_TYPE_COUNT);
		FUZZ_CHECK(json_is_object(message.body));
		FUZZ_CHECK(message_type_name(message.type) != NULL);
		message_deinit(&message);
	}
}

/* The lines of a stream that arrives in pieces of at most `piece` bytes, as one number. */
static uint64_t
read_stream(const char *data, size_t size, size_t piece, bool parse)
{
	struct lines lines = LINES_INIT(LINE_MAX_BYTES);
	uint64_t sum = 0xcbf29ce484222325u;
	struct err err;
	struct str line;
	int r = LINES_MORE;

	while (size > 0 && r == LINES_MORE) {
		size_t room;
		char *in = lines_room(&lines, &room);
		size_t n = piece < room ? piece : room;

		FUZZ_CHECK(room > 0);
		n = n < size ? n : size;
		memcpy(in, data, n);
		lines_filled(&lines, n);
		data += n;
		size -= n;
		while ((r = lines_next(&lines, &line, &err)) == 0) {
			sum = hash(sum, line);
			if (parse)
				one_line(line);
		}
	}
	lines_deinit(&lines);
	return r < 0 ? 0 : sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole = read_stream((const char *)data, size, size, true);

	/* How the bytes arrive makes no difference. */
	FUZZ_CHECK(read_stream((const char *)data, size, 7, false) == whole);
	FUZZ_CHECK(read_stream((const char *)data, size, 1, false) == whole);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The line and field rules of text/event-stream, as far as our server uses them. */
#include "cli/sse_reader.h"

#include <string.h>

#include "base/limits.h"
#include "base/parse.h"

void
sse_reader_init(struct sse_reader *reader, sse_event_fn *event, void *arg)
{
	*reader = (struct sse_reader) { .line = BUF_INIT(SSE_QUEUE_BYTES_MAX),
		.data = BUF_INIT(SSE_QUEUE_BYTES_MAX),
		.last_id = -1,
		.id = -1,
		.event = event,
		.arg = arg };
}

void
sse_reader_deinit(struct sse_reader *reader)
{
	buf_deinit(&reader->line);
	buf_deinit(&reader->data);
}

void
sse_reader_restart(struct sse_reader *reader)
{
	buf_clear(&reader->line);
	buf_clear(&reader->data);
	reader->was_cr = reader->is_dropped_event = false;
	reader->id = -1;
}

/* An empty line: the event is complete. */
static int
dispatch(struct sse_reader *reader)
{
	int r = 0;

	if (reader->is_dropped_event) {
		reader->dropped = true;
	} else if (reader->data.len > 0) {
		/* What does not parse is not ours; the numbers tell what is missing. */
		_cleanup_(json_unrefp) json_t *event =
			json_read(reader->data.data, reader->data.len, JSON_DEPTH_MAX, NULL);
		if (event)
			r = reader->event(reader->arg, event);
	}
	if (reader->id >= 0)
		reader->last_id = reader->id;
	buf_clear(&reader->data);
	reader->id = -1;
	reader->is_dropped_event = false;
	return r;
}

static int
take_line(struct sse_reader *reader)
{
	struct str rest = buf_str(&reader->line);

	if (rest.n == 0)
		return dispatch(reader);
	struct str field = str_split_first(&rest, ':');
	struct str value = rest.p ? rest : STR("");
	if (value.n > 0 && value.p[0] == ' ')
		value = str_from(value.p + 1, value.n - 1);
	if (str_eqz(field, "data")) {
		if (reader->data.len > 0 && buf_addc(&reader->data, '\n') < 0)
			return -1;
		return buf_add_str(&reader->data, value);
	}
	if (str_eqz(field, "id"))
		(void)parse_i64(value, 0, INT64_MAX, &reader->id, NULL); /* else it has none */
	else if (str_eqz(field, "event"))
		reader->is_dropped_event = str_eqz(value, "dropped");
	return 0;
}

int
sse_reader_feed(struct sse_reader *reader, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool ends = data[i] == '\n' || data[i] == '\r';
		bool second_half = data[i] == '\n' && reader->was_cr;
		reader->was_cr = data[i] == '\r';
		if (second_half)
			continue;
		if (!ends) {
			if (buf_addc(&reader->line, data[i]) < 0)
				return -1;
			continue;
		}
		int r = take_line(reader);
		buf_clear(&reader->line);
		if (r < 0)
			return -1;
	}
	return 0;
}

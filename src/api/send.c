/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges as RFC 9110 has them; several at once are answered with the whole, as it allows. */
#include "api/send.h"

#include <string.h>

#include "base/parse.h"
#include "blob/blob.h"

int
range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	struct str text = str_of(header), first;
	int64_t from, to;
	struct err ignored;

	if (!header || !str_starts(text, STR("bytes=")))
		return 1;
	text = str_from(text.p + 6, text.n - 6);
	if (memchr(text.p, ',', text.n) || !memchr(text.p, '-', text.n))
		return 1;
	first = str_split_first(&text, '-');
	if (first.n == 0) { /* the last n bytes */
		if (parse_i64(text, 0, INT64_MAX, &to, &ignored) < 0)
			return 1;
		if (to == 0 || size == 0)
			return -1;
		*ret_first = (uint64_t)to >= size ? 0 : size - (uint64_t)to;
		*ret_last = size - 1;
		return 0;
	}
	if (parse_i64(first, 0, INT64_MAX, &from, &ignored) < 0)
		return 1;
	to = INT64_MAX;
	if (text.n > 0 && parse_i64(text, 0, INT64_MAX, &to, &ignored) < 0)
		return 1;
	if (to < from)
		return 1;
	if ((uint64_t)from >= size)
		return -1;
	*ret_first = (uint64_t)from;
	*ret_last = (uint64_t)to >= size ? size - 1 : (uint64_t)to;
	return 0;
}

static void
set_range(struct call *call, uint64_t size)
{
	uint64_t first = 0, last = 0;
	int r = range_parse(http_header_get(call->req, "Range"), size, &first, &last);
	char text[96];

	if (r > 0)
		return;
	if (r < 0) {
		(void)snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
		call->code = PROBLEM_RANGE;
	} else {
		(void)snprintf(text, sizeof text, "bytes %llu-%llu/%llu",
			(unsigned long long)first, (unsigned long long)last,
			(unsigned long long)size);
		call->status = 206;
		call->out_offset = first;
		call->out_size = last - first + 1;
	}
	http_header_add(call->req, "Content-Range", text);
}

int
send_blob(struct call *call, const char *hex, const char *type, struct err *err)
{
	const char *seen = http_header_get(call->req, "If-None-Match");
	char tag[BLOB_HEX_LEN + 3];
	int r = blob_open_read(call->api->blobs, hex, &call->out_fd, &call->out_size, err);

	if (r == BLOB_NONE)
		return err_set(err, ERR_NOT_FOUND, "its bytes are not there any more");
	if (r < 0)
		return -1;
	(void)snprintf(tag, sizeof tag, "\"%.64s\"", hex);
	http_header_add(call->req, "ETag", tag);
	http_header_add(call->req, "Accept-Ranges", "bytes");
	http_header_add(call->req, "X-Content-Type-Options", "nosniff");
	call->type =
		arena_strdup(call->arena, type && *type ? type : "application/octet-stream");
	if (seen && strcmp(seen, tag) == 0) {
		(void)close(call->out_fd);
		call->out_fd = -1;
		call->status = 304;
		call->is_done = true;
		return 0;
	}
	set_range(call, call->out_size);
	if (call->code == PROBLEM_RANGE) {
		(void)close(call->out_fd);
		call->out_fd = -1;
		return err_set(err, ERR_INVALID, "the file has fewer bytes");
	}
	return 0;
}

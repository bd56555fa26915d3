/* SPDX-License-Identifier: Apache-2.0 */
/* Cursor = format, sort, direction, seq, now, number (8 bytes each, big-endian), text. */
#include "store/cursor.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

enum {
	FORMAT = 1,
	HEAD_BYTES = 3,
	FIXED_BYTES = HEAD_BYTES + 3 * 8,
};

static void
put_i64(uint8_t *at, int64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

static int64_t
get_i64(const uint8_t *at)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return (int64_t)value;
}

const char *
cursor_write(
	const struct job_cursor *cursor, const struct job_filter *filter, struct arena *arena)
{
	uint8_t fixed[FIXED_BYTES] = { FORMAT, (uint8_t)filter->sort, filter->descending };
	put_i64(fixed + HEAD_BYTES, cursor->seq);
	put_i64(fixed + HEAD_BYTES + 8, cursor->now_ms);
	put_i64(fixed + HEAD_BYTES + 16, cursor->number);

	_cleanup_(buf_deinit) struct buf raw = BUF_INIT(CURSOR_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(CURSOR_BYTES_MAX * 2);
	if (buf_add(&raw, fixed, sizeof fixed) < 0 || buf_add_str(&raw, cursor->text) < 0 ||
		base64_encode(&text, raw.data, raw.len, BASE64_URL) < 0)
		return NULL;
	return arena_strndup(arena, text.data, text.len);
}

int
cursor_read(const struct job_filter *filter, struct arena *arena, struct job_cursor *ret,
	struct err *err)
{
	_cleanup_(buf_deinit) struct buf raw = BUF_INIT(CURSOR_BYTES_MAX);
	if (base64_decode(&raw, filter->cursor, BASE64_URL) < 0 || raw.len < FIXED_BYTES)
		return err_set(err, ERR_INVALID, "the cursor is not one of this server");

	const uint8_t *bytes = (const uint8_t *)raw.data;
	if (bytes[0] != FORMAT || bytes[1] != filter->sort || bytes[2] != filter->descending)
		return err_set(
			err, ERR_INVALID, "the cursor belongs to a list in another order");

	size_t text_len = raw.len - FIXED_BYTES;
	char *text = arena_strndup(arena, raw.data + FIXED_BYTES, text_len);
	if (!text)
		return err_set(err, ERR_LIMIT, "no room for the cursor");
	*ret = (struct job_cursor) {
		.seq = get_i64(bytes + HEAD_BYTES),
		.now_ms = get_i64(bytes + HEAD_BYTES + 8),
		.number = get_i64(bytes + HEAD_BYTES + 16),
		.text = str_from(text, text_len),
	};
	return 0;
}

int64_t
job_run_ms(const struct job *job, int64_t now_ms)
{
	if (job->started_ms == 0)
		return 0;
	return (job->completed_ms > 0 ? job->completed_ms : now_ms) - job->started_ms;
}

void
cursor_of_job(struct job_cursor *ret, const struct job *job, enum job_sort sort, int64_t now_ms)
{
	*ret = (struct job_cursor) { .seq = job->seq, .now_ms = now_ms };
	switch (sort) {
	case JOB_SORT_UPDATED:
		ret->number = job->updated_ms;
		break;
	case JOB_SORT_COMPLETED:
		ret->number = job->completed_ms;
		break;
	case JOB_SORT_PRIORITY:
		ret->number = job->priority;
		break;
	case JOB_SORT_DURATION:
		ret->number = job_run_ms(job, now_ms);
		break;
	case JOB_SORT_NAME:
		ret->text = str_of(job->name);
		break;
	case JOB_SORT_CREATED:
		ret->number = job->created_ms;
		break;
	case JOB_SORT_COUNT:
		break;
	}
}

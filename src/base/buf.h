/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that cannot exist without a limit.
 *
 * `data` is NULL until the first byte or reservation; from then on data[len] is a NUL that
 * `len` does not count, so text can be used as a C string (buf_text() is right in both cases).
 * An addition that would pass `max` returns -1 and changes nothing. Growth doubles; running out
 * of memory below the limit aborts.
 *
 *	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LOG_LINE_BYTES_MAX);
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

struct buf {
	char *data; /* owned */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated, the NUL included */
	size_t max; /* limit of len */
};

#define BUF_INIT(max_bytes)        \
	{                          \
		.max = (max_bytes) \
	}

/* Frees the bytes; the buffer is empty, keeps its maximum and can be used again. */
void buf_deinit(struct buf *buf);

/* Makes room for `more` bytes behind len. -1: would pass max. */
int buf_reserve(struct buf *buf, size_t more) MUST_CHECK;

/*
 * Appends. -1: would pass max; the buffer is unchanged. `data` must not be inside the buffer.
 */
static inline int MUST_CHECK
buf_add(struct buf *buf, const void *data, size_t len)
{
	if (buf->cap - buf->len <= len && buf_reserve(buf, len) < 0)
		return -1;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

static inline int MUST_CHECK
buf_addc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

static inline int MUST_CHECK
buf_adds(struct buf *buf, const char *cstr)
{
	return buf_add(buf, cstr, strlen(cstr));
}

static inline int MUST_CHECK
buf_add_str(struct buf *buf, struct str s)
{
	return buf_add(buf, s.p, s.n);
}

int buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
int buf_vaddf(struct buf *buf, const char *fmt, va_list ap) PRINTF_LIKE(2, 0) MUST_CHECK;

/* Drops the first n bytes (n <= len). Moves the rest to the front. */
void buf_consume(struct buf *buf, size_t n);

/* Shortens to n bytes (n <= len); the memory stays. */
void buf_truncate(struct buf *buf, size_t n);

/* Empties; the memory stays for the next use. */
void buf_clear(struct buf *buf);

/*
 * Hands the bytes to the caller (free()), NUL-terminated, never NULL; the buffer is then empty.
 */
char *buf_steal(struct buf *buf) __attribute__((returns_nonnull)) MUST_CHECK;

/* The content as a C string: valid until the buffer changes, never NULL. */
static inline const char *
buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

/* The content, borrowed until the buffer changes. */
static inline struct str
buf_str(const struct buf *buf)
{
	return (struct str) { buf_text(buf), buf->len };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

enum {
	BUF_FIRST_BYTES = 64,
};

void
buf_deinit(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = buf->cap = 0;
}

int
buf_reserve(struct buf *buf, size_t more)
{
	if (buf->len > buf->max || more > buf->max - buf->len)
		return -1;
	size_t need = buf->len + more + 1;
	if (need == 0)
		return -1; /* max is SIZE_MAX and the NUL does not fit */
	if (need <= buf->cap)
		return 0;

	size_t cap = buf->cap > 0 ? buf->cap : BUF_FIRST_BYTES;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : 2 * cap;
	if (buf->max < SIZE_MAX && cap > buf->max + 1)
		cap = buf->max + 1;
	buf->data = xrealloc(buf->data, cap);
	buf->cap = cap;
	buf->data[buf->len] = '\0';
	return 0;
}

int
buf_vaddf(struct buf *buf, const char *fmt, va_list ap)
{
	/* Most texts fit in what is there; the others are formatted twice. */
	size_t room = buf->cap - buf->len;
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room) {
		if (buf_reserve(buf, (size_t)n) < 0)
			n = -1;
		else
			vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n < 0) {
		if (buf->data)
			buf->data[buf->len] = '\0';
		return -1;
	}
	buf->len += (size_t)n;
	return 0;
}

int
buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int rc = buf_vaddf(buf, fmt, ap);
	va_end(ap);
	return rc;
}

void
buf_consume(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	if (n == 0)
		return;
	memmove(buf->data, buf->data + n, buf->len - n + 1);
	buf->len -= n;
}

void
buf_truncate(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	buf->len = n;
	if (buf->data)
		buf->data[n] = '\0';
}

void
buf_clear(struct buf *buf)
{
	buf_truncate(buf, 0);
}

char *
buf_steal(struct buf *buf)
{
	char *data = buf->data ? buf->data : xstrdup("");

	buf->data = NULL;
	buf->len = buf->cap = 0;
	return data;
}

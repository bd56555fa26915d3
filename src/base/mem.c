/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* write(2) and not stdio, which might want memory of its own. */
static _Noreturn void
out_of_memory(void)
{
	static const char line[] = "proctor: out of memory\n";

	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)n; /* aborting either way */
	abort();
}

void *
xmalloc(size_t size)
{
	void *ptr = malloc(size > 0 ? size : 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *
xcalloc(size_t n, size_t size)
{
	void *ptr = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *
xrealloc(void *ptr, size_t size)
{
	void *next = realloc(ptr, size > 0 ? size : 1);

	if (!next)
		out_of_memory();
	return next;
}

void *
xreallocarray(void *ptr, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory();
	return xrealloc(ptr, total);
}

void *
xmemdup(const void *data, size_t len)
{
	void *copy = xmalloc(len);

	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

char *
xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

char *
xstrndup(const char *s, size_t len)
{
	size_t n = strnlen(s, len);
	char *copy = xmalloc(n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
xvasprintf(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory();
	return text;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail: out of memory writes one line to stderr and aborts, which is
 * safe because the store makes a restart safe.
 *
 * Only for sizes that we decide. A size that comes from outside goes through struct buf or
 * struct arena, which have a maximum and return an error. Everything returned is freed with
 * free().
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

void *xmalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *xrealloc(void *ptr, size_t size) __attribute__((alloc_size(2), returns_nonnull));

/* n * size with the overflow checked. */
void *xreallocarray(void *ptr, size_t n, size_t size)
	__attribute__((alloc_size(2, 3), returns_nonnull));

char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));

/* At most len bytes of s, NUL-terminated; s need not be. */
char *xstrndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));

void *xmemdup(const void *data, size_t len) __attribute__((malloc, returns_nonnull));

char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0)
	__attribute__((returns_nonnull));

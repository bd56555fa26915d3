/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is released together: what one request or one turn builds lives in its arena.
 *
 * A bump allocator over a list of chunks with a maximum. All results are 16-aligned and are
 * valid until arena_reset() or arena_deinit(). Not thread-safe: an arena has one owner.
 *
 * arena_alloc() and the text functions return NULL when the sum of the (rounded) sizes would
 * pass the maximum: use them where the size comes from outside and report ERR_LIMIT.
 * arena_xalloc() aborts instead and is for sizes that we decide.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk; /* newest first; owned */
	size_t used;               /* bytes handed out since the last reset, rounded to 16 */
	size_t max;                /* limit of used */
};

void arena_init(struct arena *arena, size_t max);

/*
 * Frees everything. Usable as `_cleanup_(arena_deinit) struct arena arena;` once initialised.
 */
void arena_deinit(struct arena *arena);

/* Forgets everything that was allocated; keeps the first chunk for the next use. */
void arena_reset(struct arena *arena);

/* Zeroed, 16-aligned; size 0 gives a unique pointer. NULL: would pass the maximum. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;

/* The same for n elements, with the multiplication checked. */
void *arena_calloc(struct arena *arena, size_t n, size_t size) MUST_CHECK;

/* The same as arena_alloc(), but passing the maximum aborts. */
void *arena_xalloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));

void *arena_memdup(struct arena *arena, const void *data, size_t len) MUST_CHECK;

/* NULL for s == NULL or past the maximum. */
char *arena_strdup(struct arena *arena, const char *s) MUST_CHECK;

/* The first len bytes of s, all of which must be there, and a NUL. */
char *arena_strndup(struct arena *arena, const char *s, size_t len) MUST_CHECK;

/* As time_format() writes it. */
char *arena_time(struct arena *arena, int64_t wall_ms) MUST_CHECK;

char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap) PRINTF_LIKE(2, 0)
	MUST_CHECK;

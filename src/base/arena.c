/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	CHUNK_FIRST_BYTES = 4096,
	CHUNK_BYTES_MAX = 65536, /* growth stops here; what is greater gets its own chunk */
	ALIGN = 16,
};

struct arena_chunk {
	struct arena_chunk *older;
	size_t size, used; /* bytes of data */
	_Alignas(ALIGN) unsigned char data[];
};

void
arena_init(struct arena *arena, size_t max)
{
	*arena = (struct arena) { .max = max };
}

void
arena_deinit(struct arena *arena)
{
	while (arena->chunk) {
		struct arena_chunk *older = arena->chunk->older;
		free(arena->chunk);
		arena->chunk = older;
	}
	arena->used = 0;
}

void
arena_reset(struct arena *arena)
{
	while (arena->chunk && arena->chunk->older) {
		struct arena_chunk *older = arena->chunk->older;
		free(arena->chunk);
		arena->chunk = older;
	}
	if (arena->chunk)
		arena->chunk->used = 0;
	arena->used = 0;
}

static struct arena_chunk *
chunk_new(size_t size)
{
	struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + size);

	chunk->older = NULL;
	chunk->size = size;
	chunk->used = 0;
	return chunk;
}

/* Makes a chunk with room for `need` bytes and returns it. */
static struct arena_chunk *
arena_grow(struct arena *arena, size_t need)
{
	size_t size = CHUNK_FIRST_BYTES;

	if (arena->chunk && arena->chunk->size >= CHUNK_FIRST_BYTES)
		size = arena->chunk->size * 2;
	if (size > CHUNK_BYTES_MAX)
		size = CHUNK_BYTES_MAX;

	struct arena_chunk *chunk = chunk_new(need > size ? need : size);
	if (arena->chunk && need > CHUNK_BYTES_MAX / 4) {
		/* A big one goes behind the current chunk, whose room stays in use. */
		chunk->older = arena->chunk->older;
		arena->chunk->older = chunk;
	} else {
		chunk->older = arena->chunk;
		arena->chunk = chunk;
	}
	return chunk;
}

/* Memory that is not zeroed. */
static void *
arena_take(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX - ALIGN)
		return NULL;
	size_t need = size > 0 ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
	if (need > arena->max || arena->used > arena->max - need)
		return NULL;

	struct arena_chunk *chunk = arena->chunk;
	if (!chunk || chunk->size - chunk->used < need)
		chunk = arena_grow(arena, need);
	void *ptr = chunk->data + chunk->used;
	chunk->used += need;
	arena->used += need;
	return ptr;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	void *ptr = arena_take(arena, size);

	if (ptr)
		memset(ptr, 0, size);
	return ptr;
}

void *
arena_calloc(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

void *
arena_xalloc(struct arena *arena, size_t size)
{
	void *ptr = arena_alloc(arena, size);

	if (!ptr) {
		fprintf(stderr, "proctor: arena of %zu bytes is too small for %zu more\n",
			arena->max, size);
		abort();
	}
	return ptr;
}

void *
arena_memdup(struct arena *arena, const void *data, size_t len)
{
	void *copy = arena_take(arena, len);

	if (copy && len > 0)
		memcpy(copy, data, len);
	return copy;
}

char *
arena_strndup(struct arena *arena, const char *s, size_t len)
{
	if (len == SIZE_MAX)
		return NULL;
	char *copy = arena_take(arena, len + 1);
	if (!copy)
		return NULL;
	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *s)
{
	return s ? arena_strndup(arena, s, strlen(s)) : NULL;
}

char *
arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	char *text = len < 0 ? NULL : arena_take(arena, (size_t)len + 1);
	if (text)
		vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return text;
}

char *
arena_time(struct arena *arena, int64_t wall_ms)
{
	char text[TIME_TEXT_LEN + 1];

	time_format(wall_ms, text);
	return arena_strdup(arena, text);
}

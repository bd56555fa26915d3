/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound release, moves of ownership, and the few compiler helpers that every file uses.
 *
 * A local that owns something carries `_cleanup_(release)`; the only way to move it out is
 * TAKE() or TAKE_FD(), so whatever a function did not hand over is released on every path out
 * of it.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls fn(&variable) when the variable leaves its scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/*
 * Makes `fn` + "p", which takes the address of a variable of type T, from a destructor in the
 * project's form `T fn(T)` (NULL is fine, NULL is returned). No semicolon behind it.
 */
#define DEFINE_CLEANUP(T, fn)             \
	static inline void fn##p(T *slot) \
	{                                 \
		*slot = fn(*slot);        \
	}

/*
 * Moves a pointer out of a variable: the value of the expression owns it, the variable is NULL.
 */
#define TAKE(ptr)                                          \
	__extension__({                                    \
		__typeof__(ptr) *take_slot_ = &(ptr);      \
		__typeof__(ptr) take_value_ = *take_slot_; \
		*take_slot_ = NULL;                        \
		take_value_;                               \
	})

/* The same for a file descriptor; the variable becomes -1. */
#define TAKE_FD(fd)                            \
	__extension__({                        \
		int *take_slot_ = &(fd);       \
		int take_value_ = *take_slot_; \
		*take_slot_ = -1;              \
		take_value_;                   \
	})

static inline void
cleanup_free(void *slot)
{
	free(*(void **)slot);
}

static inline void
cleanup_close(int *slot)
{
	/* An error of close() here has nobody to go to; writers sync before they let go. */
	if (*slot >= 0)
		(void)close(*slot);
}

/* Frees memory of malloc() and the xmalloc() family. */
#define _cleanup_free_ _cleanup_(cleanup_free)

/* Closes a file descriptor; -1 means empty. */
#define _cleanup_close_ _cleanup_(cleanup_close)

/* The result says whether it worked: ignoring it is a warning. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Argument `a` (from 1) is a printf format, its values start at argument `b` (0: a va_list). */
#define PRINTF_LIKE(a, b) __attribute__((format(printf, a, b)))

/* The struct of `type` whose `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Number of elements of an array (not of a pointer: that does not compile). */
#define ARRAY_LEN(a)                                                  \
	(sizeof(a) / sizeof((a)[0]) +                                 \
		0 *                                                   \
			sizeof(char[1 -                               \
				2 *                                   \
					__builtin_types_compatible_p( \
						__typeof__(a), __typeof__(&(a)[0]))]))

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markup into a buffer: what is ours goes in as it is, what others wrote goes in escaped. The
 * first addition that does not fit makes it fail; check once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

struct out {
	struct buf *buf; /* borrowed */
	bool failed;
};

/* Our own markup. */
void out_put(struct out *out, const char *markup);
void out_putf(struct out *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Text of others, for content and for attributes in double quotes alike: & < > " ' are escaped;
 * bytes that are not UTF-8 and characters that XML 1.0 does not allow become U+FFFD. NULL:
 * none.
 */
void out_text(struct out *out, const char *text);
void out_textn(struct out *out, const char *text, size_t len);

/* The same for attributes where line ends must survive (XML turns them into spaces). */
void out_attr(struct out *out, const char *text);

/* "0.2 s", "1 min 5 s", "2 h 3 min"; for people. -1: nothing known. */
void out_duration(struct out *out, int64_t ms);

/* "12.3 KiB"; for people. */
void out_size(struct out *out, int64_t bytes);

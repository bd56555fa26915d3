/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed text as pointer and length, and the text codecs (UTF-8 check, hex, base64).
 *
 * A struct str never owns its bytes, need not end in NUL and may hold any byte. { NULL, 0 } is
 * the empty text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

struct buf;

struct str {
	const char *p;
	size_t n; /* bytes */
};

/* From a literal, without counting; also usable as a static initialiser with STR_INIT. */
#define STR(lit) ((struct str) { "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit)                   \
	{                               \
		"" lit, sizeof(lit) - 1 \
	}

/* printf("..." STR_FMT "...", STR_ARG(s)); texts over 2 GiB are cut. */
#define STR_FMT "%.*s"
#define STR_ARG(s) ((s).n > 0x7fffffff ? 0x7fffffff : (int)(s).n), ((s).p ? (s).p : "")

/* Borrows a C string; NULL gives the empty text. */
static inline struct str
str_of(const char *cstr)
{
	return (struct str) { cstr, cstr ? strlen(cstr) : 0 };
}

static inline struct str
str_from(const char *p, size_t n)
{
	return (struct str) { p, n };
}

bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *cstr);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* memcmp order, a prefix before the longer text: < 0, 0, > 0. */
int str_cmp(struct str a, struct str b);

/* Without leading and trailing space, tab, CR, LF. */
struct str str_trim(struct str s);

/*
 * Cuts the part before the first `sep` off *rest and returns it; without a `sep` returns all
 * and leaves *rest = { NULL, 0 }. So `while (rest.p)` visits every part, empty ones included.
 */
struct str str_split_first(struct str *rest, char sep);

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing over U+10FFFF. */
bool utf8_valid(const char *s, size_t len);

/*
 * Length in bytes (1 … 4) of the well-formed UTF-8 character at the start of s[0 … len - 1],
 * 0 when there is none.
 */
size_t utf8_char_len(const char *s, size_t len);

/* The text's length, or where to cut it: between characters, at most max bytes. */
size_t utf8_cut_len(const char *text, size_t max);

/* Lower-case hex of data into out, 2 * len + 1 bytes with the NUL. */
void hex_encode(const void *data, size_t len, char *out);

/*
 * Decodes hex of either case into out. Returns 0 and *ret_len bytes; -1 when the text has an
 * odd length, another character, or more than out_max bytes.
 */
int hex_decode(struct str text, void *out, size_t out_max, size_t *ret_len) MUST_CHECK;

enum base64_kind {
	BASE64_STANDARD, /* + and /, padded */
	BASE64_URL,      /* - and _, without padding */
};

/* Appends the encoded text to out. -1: would pass out's maximum; out unchanged. */
int base64_encode(struct buf *out, const void *data, size_t len, enum base64_kind kind)
	MUST_CHECK;

/* Appends the decoded bytes to out. -1: not base64 of that kind, or past out's maximum. */
int base64_decode(struct buf *out, struct str text, enum base64_kind kind) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <sodium.h>

#include "base/buf.h"

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_eqz(struct str a, const char *cstr)
{
	return str_eq(a, str_of(cstr));
}

static char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	}
	return true;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_from(s.p, prefix.n), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	if (suffix.n == 0)
		return true;
	return s.n >= suffix.n && str_eq(str_from(s.p + (s.n - suffix.n), suffix.n), suffix);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_split_first(struct str *rest, char sep)
{
	struct str all = *rest;
	const char *at = all.n > 0 ? memchr(all.p, sep, all.n) : NULL;

	if (!at) {
		*rest = (struct str) { NULL, 0 };
		return all;
	}
	size_t head = (size_t)(at - all.p);
	*rest = str_from(at + 1, all.n - head - 1);
	return str_from(all.p, head);
}

size_t
utf8_char_len(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;

	/* The second byte's range is what keeps out overlong forms, surrogates and the rest. */
	size_t n;
	unsigned char low = 0x80, high = 0xbf;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (len < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool
utf8_valid(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		/* Nearly all of what we see is ASCII: eight bytes at a time. */
		while (len - i >= sizeof(uint64_t)) {
			uint64_t word;
			memcpy(&word, s + i, sizeof(word));
			if (word & UINT64_C(0x8080808080808080))
				break;
			i += sizeof(word);
		}
		if (i == len)
			break;
		size_t n = utf8_char_len(s + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t
utf8_cut_len(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	len = max;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
hex_encode(const void *data, size_t len, char *out)
{
	sodium_bin2hex(out, 2 * len + 1, data, len);
}

int
hex_decode(struct str text, void *out, size_t out_max, size_t *ret_len)
{
	size_t len;

	if (text.n % 2 != 0 || text.n / 2 > out_max)
		return -1;
	if (text.n == 0) {
		*ret_len = 0;
		return 0;
	}
	const char *end;
	if (sodium_hex2bin(out, out_max, text.p, text.n, NULL, &len, &end) != 0)
		return -1;
	if (end != text.p + text.n)
		return -1;
	*ret_len = len;
	return 0;
}

static int
base64_variant(enum base64_kind kind)
{
	return kind == BASE64_URL ? sodium_base64_VARIANT_URLSAFE_NO_PADDING
				  : sodium_base64_VARIANT_ORIGINAL;
}

int
base64_encode(struct buf *out, const void *data, size_t len, enum base64_kind kind)
{
	if (len > out->max)
		return -1; /* also keeps the length below from overflowing */
	size_t text_bytes = sodium_base64_encoded_len(len, base64_variant(kind)); /* with NUL */
	if (buf_reserve(out, text_bytes - 1) < 0)
		return -1;
	sodium_bin2base64(out->data + out->len, text_bytes, data, len, base64_variant(kind));
	out->len += strlen(out->data + out->len);
	return 0;
}

int
base64_decode(struct buf *out, struct str text, enum base64_kind kind)
{
	size_t len;
	const char *end;

	if (text.n == 0)
		return 0;
	size_t most = text.n / 4 * 3 + (text.n % 4 > 1 ? text.n % 4 - 1 : 0);
	if (kind == BASE64_STANDARD) {
		for (size_t i = 0; i < 2 && text.n > i && text.p[text.n - 1 - i] == '='; i++)
			most--;
	}
	if (buf_reserve(out, most) < 0)
		return -1;
	int rc = sodium_base642bin((unsigned char *)out->data + out->len, most, text.p, text.n,
		NULL, &len, &end, base64_variant(kind));
	if (rc != 0 || end != text.p + text.n) {
		out->data[out->len] = '\0';
		return -1;
	}
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

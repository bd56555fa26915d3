/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the bytes, which knows just enough of JSON to tell strings from structure. */
#include "runners/browser/json.h"

#include <stdbool.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"

enum {
	ESCAPE_LEN = 6, /* \uXXXX */
};

/* The value of \uXXXX at p, or -1. */
static int
escape_value(const char *p, size_t left)
{
	unsigned char bytes[2];
	size_t n;

	if (left < ESCAPE_LEN || p[0] != '\\' || p[1] != 'u')
		return -1;
	if (hex_decode(str_from(p + 2, 4), bytes, sizeof bytes, &n) < 0 || n != 2)
		return -1;
	return bytes[0] << 8 | bytes[1];
}

/* Mends the escape at p; returns how many bytes it covers. */
static size_t
clean_escape(char *p, size_t left)
{
	int value = escape_value(p, left);

	if (value < 0)
		return left < 2 ? left : 2; /* \n and its like, or a fault for the reader */
	if (value >= 0xd800 && value <= 0xdbff) {
		int low = escape_value(p + ESCAPE_LEN, left - ESCAPE_LEN);

		if (low >= 0xdc00 && low <= 0xdfff)
			return 2 * ESCAPE_LEN;
	}
	if (value == 0 || (value >= 0xd800 && value <= 0xdfff))
		memcpy(p + 2, "fffd", 4);
	return ESCAPE_LEN;
}

/* Mends a string whose first byte is p[0]; returns its length with the closing quote. */
static size_t
clean_string(char *p, size_t left)
{
	size_t at = 0;

	while (at < left) {
		unsigned char c = (unsigned char)p[at];

		if (c == '"')
			return at + 1;
		if (c == '\\') {
			at += clean_escape(p + at, left - at);
		} else if (c < 0x80) {
			at++;
		} else {
			size_t n = utf8_char_len(p + at, left - at);

			if (n == 0)
				p[at] = '?';
			at += n ? n : 1;
		}
	}
	return at;
}

size_t
browser_json_clean(char *text, size_t len)
{
	size_t depth = 0, depth_max = 0;
	size_t at = 0;

	while (at < len) {
		char c = text[at++];

		if (c == '"') {
			at += clean_string(text + at, len - at);
		} else if (c == '{' || c == '[') {
			depth++;
			depth_max = depth > depth_max ? depth : depth_max;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return depth_max;
}

json_t *
browser_json_read(char *text, size_t len, struct err *err)
{
	json_error_t error;

	if (browser_json_clean(text, len) > CDP_DEPTH_MAX) {
		err_set(err, ERR_LIMIT, "a message of the browser nests deeper than %d levels",
			CDP_DEPTH_MAX);
		return NULL;
	}
	json_t *value = json_loadb(text, len, 0, &error);
	if (!value && json_error_code(&error) == json_error_numeric_overflow)
		value = json_loadb(text, len, JSON_DECODE_INT_AS_REAL, &error);
	if (value && json_is_object(value))
		return value;
	json_decref(value);
	err_set(err, ERR_INVALID, "a message of the browser cannot be read: %s",
		value ? "not an object" : error.text);
	return NULL;
}

int64_t
browser_json_id(const char *text, size_t len)
{
	static const char start[] = "{\"id\":";
	size_t at = sizeof start - 1;
	int64_t id = 0;

	if (len < at || memcmp(text, start, at) != 0)
		return 0;
	for (; at < len && text[at] >= '0' && text[at] <= '9' && id < INT32_MAX; at++)
		id = id * 10 + (text[at] - '0');
	return id;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON text straight into a buffer: the hot path of every answer and event. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

void
jw_init(struct jw *jw, struct buf *out)
{
	*jw = (struct jw) { .out = out };
}

int
jw_done(struct jw *jw)
{
	if (jw->failed)
		return -1;
	assert(jw->depth == 0);
	return 0;
}

static void
put(struct jw *jw, const char *text, size_t len)
{
	if (!jw->failed && buf_add(jw->out, text, len) < 0)
		jw->failed = true;
}

/* What stands before a value; the next one then needs a comma. */
static void
before_value(struct jw *jw)
{
	if (jw->comma)
		put(jw, ",", 1);
	jw->comma = true;
}

static void
open_level(struct jw *jw, const char *bracket)
{
	before_value(jw);
	put(jw, bracket, 1);
	jw->depth++;
	jw->comma = false;
}

static void
close_level(struct jw *jw, const char *bracket)
{
	assert(jw->depth > 0);
	jw->depth--;
	put(jw, bracket, 1);
	jw->comma = true;
}

void
jw_obj(struct jw *jw)
{
	open_level(jw, "{");
}

void
jw_end_obj(struct jw *jw)
{
	close_level(jw, "}");
}

void
jw_arr(struct jw *jw)
{
	open_level(jw, "[");
}

void
jw_end_arr(struct jw *jw)
{
	close_level(jw, "]");
}

/*
 * What a byte of a string becomes: 0 itself, 'u' \u00XX, 'x' look at the UTF-8, else \ and
 * this.
 */
/* clang-format off */
#define U 'u'
#define X 'x'
static const char escapes[256] = {
	U, U, U, U, U, U, U, U, 'b', 't', 'n', U, 'f', 'r', U, U, /* 00 */
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, /* 10 */
	0, 0, '"', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 20 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 30 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 40 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '\\', 0, 0, 0, /* 50 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 60 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, U, /* 70 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 80 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* 90 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* a0 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* b0 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* c0 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* d0 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* e0 */
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, /* f0 */
};
#undef U
#undef X
/* clang-format on */

static void
put_escape(struct jw *jw, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = { '\\', escapes[byte], '0', '0', digits[byte >> 4], digits[byte & 15] };

	put(jw, text, text[1] == 'u' ? 6 : 2);
}

/* The quoted string, without a comma. */
static void
put_string(struct jw *jw, const char *s, size_t len)
{
	size_t start = 0, i = 0;

	/* No form is shorter than the text itself, so this cannot refuse what would fit. */
	if (jw->failed || len > jw->out->max || buf_reserve(jw->out, len + 2) < 0) {
		jw->failed = true;
		return;
	}
	put(jw, "\"", 1);
	while (i < len) {
		unsigned char byte = (unsigned char)s[i];
		char escape = escapes[byte];
		if (escape == 0) {
			i++;
			continue;
		}
		size_t n = escape == 'x' ? utf8_char_len(s + i, len - i) : 0;
		if (n > 0) {
			i += n;
			continue;
		}
		put(jw, s + start, i - start);
		if (escape == 'x')
			put(jw, "\xef\xbf\xbd", 3);
		else
			put_escape(jw, byte);
		start = ++i;
	}
	put(jw, s + start, len - start);
	put(jw, "\"", 1);
}

void
jw_key(struct jw *jw, const char *key)
{
	before_value(jw);
	put_string(jw, key, strlen(key));
	put(jw, ":", 1);
	jw->comma = false;
}

void
jw_strn(struct jw *jw, const char *s, size_t len)
{
	before_value(jw);
	put_string(jw, s, len);
}

void
jw_str(struct jw *jw, const char *cstr)
{
	if (cstr)
		jw_strn(jw, cstr, strlen(cstr));
	else
		jw_null(jw);
}

void
jw_rawn(struct jw *jw, const char *json, size_t len)
{
	if (len == 0) {
		jw_null(jw);
		return;
	}
	before_value(jw);
	put(jw, json, len);
}

void
jw_raw(struct jw *jw, const char *json)
{
	jw_rawn(jw, json, json ? strlen(json) : 0);
}

void
jw_i64(struct jw *jw, int64_t value)
{
	char text[20]; /* a sign and 19 digits */
	char *p = text + sizeof(text);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--p = '-';
	jw_rawn(jw, p, (size_t)(text + sizeof(text) - p));
}

void
jw_f64(struct jw *jw, double value)
{
	char text[32];

	if (!isfinite(value)) {
		jw_null(jw);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	jw_raw(jw, text);
}

void
jw_bool(struct jw *jw, bool value)
{
	jw_raw(jw, value ? "true" : "false");
}

void
jw_null(struct jw *jw)
{
	jw_rawn(jw, "null", 4);
}

void
jw_time(struct jw *jw, int64_t wall_ms)
{
	char text[TIME_TEXT_LEN + 3];

	text[0] = '"';
	time_format(wall_ms, text + 1);
	text[TIME_TEXT_LEN + 1] = '"';
	jw_rawn(jw, text, TIME_TEXT_LEN + 2);
}

void
jw_uuid(struct jw *jw, const struct uuid *id)
{
	char text[UUID_TEXT_LEN + 3];

	text[0] = '"';
	uuid_format(id, text + 1);
	text[UUID_TEXT_LEN + 1] = '"';
	jw_rawn(jw, text, UUID_TEXT_LEN + 2);
}

static int
dump_to_buf(const char *data, size_t len, void *buf)
{
	return buf_add(buf, data, len);
}

void
jw_tree(struct jw *jw, const json_t *value)
{
	before_value(jw);
	if (jw->failed)
		return;
	if (json_dump_callback(value, dump_to_buf, jw->out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		jw->failed = true;
}

void
jw_kobj(struct jw *jw, const char *key)
{
	jw_key(jw, key);
	jw_obj(jw);
}

void
jw_karr(struct jw *jw, const char *key)
{
	jw_key(jw, key);
	jw_arr(jw);
}

void
jw_kstr(struct jw *jw, const char *key, const char *value)
{
	jw_key(jw, key);
	jw_str(jw, value);
}

void
jw_kstr_opt(struct jw *jw, const char *key, const char *value)
{
	if (value)
		jw_kstr(jw, key, value);
}

void
jw_kstrn(struct jw *jw, const char *key, const char *value, size_t len)
{
	jw_key(jw, key);
	jw_strn(jw, value, len);
}

void
jw_ki64(struct jw *jw, const char *key, int64_t value)
{
	jw_key(jw, key);
	jw_i64(jw, value);
}

void
jw_kf64(struct jw *jw, const char *key, double value)
{
	jw_key(jw, key);
	jw_f64(jw, value);
}

void
jw_kbool(struct jw *jw, const char *key, bool value)
{
	jw_key(jw, key);
	jw_bool(jw, value);
}

void
jw_knull(struct jw *jw, const char *key)
{
	jw_key(jw, key);
	jw_null(jw);
}

void
jw_ktime(struct jw *jw, const char *key, int64_t wall_ms)
{
	if (wall_ms == 0)
		return;
	jw_key(jw, key);
	jw_time(jw, wall_ms);
}

void
jw_kuuid(struct jw *jw, const char *key, const struct uuid *id)
{
	jw_key(jw, key);
	jw_uuid(jw, id);
}

void
jw_kraw(struct jw *jw, const char *key, const char *json)
{
	if (!json || json[0] == '\0')
		return;
	jw_key(jw, key);
	jw_raw(jw, json);
}

struct str
json_tree_text(struct arena *arena, const json_t *value, size_t max)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(max);
	struct jw jw;

	jw_init(&jw, &out);
	jw_tree(&jw, value);
	if (jw_done(&jw) < 0)
		return (struct str) { 0 };
	char *copy = arena_strndup(arena, out.data, out.len);

	return str_from(copy, copy ? out.len : 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Every walk here is as deep as the value, which json_read() bounds. */
#include "core/lang_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum {
	SHOWN_TEXT_BYTES = 40, /* of a text in an error */
	BYTES_PER_STEP = 64,
};

struct str
lang_cut(struct str text, size_t max)
{
	if (text.n <= max)
		return text;
	while (max > 0 && ((unsigned char)text.p[max] & 0xc0) == 0x80)
		max--;
	return str_from(text.p, max);
}

const char *
lang_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	}
	return "nothing";
}

const char *
lang_show(const json_t *value, char out[LANG_SHOWN_BYTES])
{
	struct str text = lang_str(value);

	if (json_is_string(value) && text.n > SHOWN_TEXT_BYTES)
		snprintf(out, LANG_SHOWN_BYTES, "the text \"" STR_FMT "…\"",
			STR_ARG(lang_cut(text, SHOWN_TEXT_BYTES)));
	else if (json_is_string(value))
		snprintf(out, LANG_SHOWN_BYTES, "the text \"" STR_FMT "\"", STR_ARG(text));
	else if (json_is_integer(value))
		snprintf(out, LANG_SHOWN_BYTES, "the number %" JSON_INTEGER_FORMAT,
			json_integer_value(value));
	else if (json_is_real(value))
		snprintf(out, LANG_SHOWN_BYTES, "the number %.15g", json_real_value(value));
	else
		snprintf(out, LANG_SHOWN_BYTES, "%s", lang_type(value));
	return out;
}

static int
order(double a, double b)
{
	return a < b ? -1 : a > b;
}

static int
compare_mixed(int64_t a, double b)
{
	if (b >= 0x1p63)
		return -1;
	if (b < -0x1p63)
		return 1;
	double whole = trunc(b);

	if (a != (int64_t)whole)
		return a < (int64_t)whole ? -1 : 1;
	return order(whole, b);
}

int
lang_compare_numbers(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b))
		return json_integer_value(a) < json_integer_value(b)
			? -1
			: json_integer_value(a) > json_integer_value(b);
	if (json_is_integer(a))
		return compare_mixed(json_integer_value(a), json_real_value(b));
	if (json_is_integer(b))
		return -compare_mixed(json_integer_value(b), json_real_value(a));
	return order(json_real_value(a), json_real_value(b));
}

static int
same_lists(const json_t *a, const json_t *b, int64_t *steps)
{
	int r = json_array_size(a) == json_array_size(b);

	for (size_t i = 0; r == 1 && i < json_array_size(a); i++)
		r = lang_same(json_array_get(a, i), json_array_get(b, i), steps);
	return r;
}

static int
same_objects(const json_t *a, const json_t *b, int64_t *steps)
{
	int r = json_object_size(a) == json_object_size(b);
	/* jansson iterates over objects that are not const only, and changes nothing. */
	union {
		const json_t *in;
		json_t *out;
	} object = { .in = a };

	for (void *at = json_object_iter(object.out); r == 1 && at;
		at = json_object_iter_next(object.out, at)) {
		const json_t *other = json_object_getn(
			b, json_object_iter_key(at), json_object_iter_key_len(at));

		r = other ? lang_same(json_object_iter_value(at), other, steps) : 0;
	}
	return r;
}

int
lang_same(const json_t *a, const json_t *b, int64_t *steps)
{
	if (--*steps < 0)
		return -1;
	if (json_is_number(a) && json_is_number(b))
		return lang_compare_numbers(a, b) == 0;
	if (json_typeof(a) != json_typeof(b))
		return 0;
	if (json_is_array(a))
		return same_lists(a, b, steps);
	if (json_is_object(a))
		return same_objects(a, b, steps);
	if (!json_is_string(a))
		return 1;
	*steps -= (int64_t)(json_string_length(a) / BYTES_PER_STEP);
	return str_eq(lang_str(a), lang_str(b));
}

/* FNV-1a. Chosen collisions cost steps, nothing else. */
static uint64_t
hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t
lang_hash(const json_t *value, int64_t *steps)
{
	/* The type's number; both kinds of number and both zeros count as one. */
	unsigned char type =
		(unsigned char)(json_is_number(value) ? JSON_REAL : json_typeof(value));
	uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), &type, 1);
	union {
		const json_t *in;
		json_t *out;
	} object = { .in = value };

	--*steps;
	if (json_is_number(value)) {
		double number = json_number_value(value) + 0.0;

		return hash_bytes(hash, &number, sizeof number);
	}
	if (json_is_string(value)) {
		*steps -= (int64_t)(json_string_length(value) / BYTES_PER_STEP);
		return hash_bytes(hash, json_string_value(value), json_string_length(value));
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		uint64_t item = lang_hash(json_array_get(value, i), steps);

		hash = hash_bytes(hash, &item, sizeof item);
	}
	/* A sum: members have no order. */
	for (void *at = json_object_iter(object.out); at;
		at = json_object_iter_next(object.out, at)) {
		uint64_t item = lang_hash(json_object_iter_value(at), steps);

		hash += hash_bytes(
			item, json_object_iter_key(at), json_object_iter_key_len(at));
	}
	return hash;
}

size_t
lang_size(const json_t *value, size_t max)
{
	size_t size = 4 + json_string_length(value);
	union {
		const json_t *in;
		json_t *out;
	} object = { .in = value };

	for (size_t i = 0; size <= max && i < json_array_size(value); i++)
		size += 1 + lang_size(json_array_get(value, i), max - size);
	for (void *at = json_object_iter(object.out); size <= max && at;
		at = json_object_iter_next(object.out, at))
		size += 4 + json_object_iter_key_len(at) +
			lang_size(json_object_iter_value(at), max - size);
	return size;
}

size_t
lang_length(struct str text)
{
	size_t n = 0;

	/* All bytes but those that continue a character. */
	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

int
lang_write(const json_t *value, struct buf *out)
{
	struct jw jw;

	if (json_is_string(value))
		return buf_add_str(out, lang_str(value));
	jw_init(&jw, out);
	if (json_is_real(value))
		jw_f64(&jw, json_real_value(value)); /* the shortest form */
	else
		jw_tree(&jw, value);
	return jw_done(&jw);
}

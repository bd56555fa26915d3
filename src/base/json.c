/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: the depth check before jansson, jansson's errors in our form, JSON Pointers. */
#include "base/json.h"

#include <stdlib.h>

struct place {
	size_t line, column; /* from 1; the column in bytes */
};

static struct place
place_of(const char *data, size_t at)
{
	struct place place = { 1, 1 };

	for (size_t i = 0; i < at; i++) {
		if (data[i] == '\n')
			place = (struct place) { place.line + 1, 1 };
		else
			place.column++;
	}
	return place;
}

/*
 * Where the nesting first passes depth_max, or SIZE_MAX. One pass without recursion; only
 * strings need to be understood, whatever else is wrong is left to the parser.
 */
static size_t
find_too_deep(const char *data, size_t len, size_t depth_max)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = data[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > depth_max)
				return i;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return SIZE_MAX;
}

json_t *
json_read(const char *data, size_t len, size_t depth_max, struct err *err)
{
	if (len == 0) {
		err_set(err, ERR_INVALID, "line 1 column 1: there is no JSON value");
		return NULL;
	}
	size_t at = find_too_deep(data, len, depth_max);
	if (at != SIZE_MAX) {
		struct place place = place_of(data, at);
		err_set(err, ERR_LIMIT, "line %zu column %zu: nested deeper than %zu levels",
			place.line, place.column, depth_max);
		return NULL;
	}

	json_error_t fault;
	json_t *value = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	if (!value)
		err_set(err, ERR_INVALID, "line %d column %d: %s", fault.line, fault.column,
			fault.text);
	return value;
}

/* Takes the first reference token off *rest and unescapes it into out; false: malformed. */
static bool
take_token(struct str *rest, char *out, size_t out_max)
{
	size_t n = 0;
	struct str token = str_split_first(rest, '/');

	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];
		if (c == '~') {
			if (i + 1 == token.n ||
				(token.p[i + 1] != '0' && token.p[i + 1] != '1'))
				return false;
			c = token.p[++i] == '0' ? '~' : '/';
		}
		if (n + 1 >= out_max)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

/* RFC 6901: digits without a leading zero. */
static json_t *
array_item(json_t *array, const char *token)
{
	size_t index = 0;

	if (token[0] == '\0' || (token[0] == '0' && token[1] != '\0') || strlen(token) > 9)
		return NULL;
	for (const char *p = token; *p; p++) {
		if (*p < '0' || *p > '9')
			return NULL;
		index = index * 10 + (size_t)(*p - '0');
	}
	return json_array_get(array, index);
}

json_t *
json_pointer_get(json_t *root, const char *pointer)
{
	char token[JSON_POINTER_BYTES_MAX];
	struct str rest = str_of(pointer);

	if (rest.n == 0)
		return root;
	if (rest.p[0] != '/')
		return NULL;
	rest = str_from(rest.p + 1, rest.n - 1);
	json_t *value = root;
	while (rest.p && value) {
		if (!take_token(&rest, token, sizeof(token)))
			return NULL;
		if (json_is_array(value))
			value = array_item(value, token);
		else
			value = json_object_get(value, token);
	}
	return value;
}

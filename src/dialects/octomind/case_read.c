/* SPDX-License-Identifier: Apache-2.0 */
/* Each says what is wrong and goes on, so that all offences are told at once. */
#include "dialects/octomind/case_read.h"

#include <string.h>

#include "base/limits.h"

json_t *
read_member(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

const char *
read_text(struct octo_issues *issues, json_t *value, const struct octo_at *at, int64_t min,
	int64_t max)
{
	size_t len = json_string_length(value);

	if (!json_is_string(value)) {
		octo_issues_type(issues, at, "string", value);
		return NULL;
	}
	if ((int64_t)len < min) {
		octo_issues_add(
			issues, at, "too_small", "a text", "", "this must not be empty");
		return NULL;
	}
	char *own = (int64_t)len <= max
		? arena_strndup(issues->arena, json_string_value(value), len)
		: NULL;

	if (!own)
		octo_issues_add(issues, at, "too_big", "a shorter text", "string",
			"this has %zu bytes, at most %lld are possible", len, (long long)max);
	return own;
}

const char *
read_text_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, int64_t min, int64_t max)
{
	return read_text(
		issues, json_object_get(object, name), OCTO_MEMBER(up, name), min, max);
}

const char *
read_opt_text_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, int64_t max)
{
	if (!read_member(object, name))
		return NULL;
	return read_text_in(issues, object, up, name, 0, max);
}

int
read_word_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, const char *const *names, bool is_required, int otherwise)
{
	json_t *value = read_member(object, name);
	const struct octo_at *at = OCTO_MEMBER(up, name);

	if (!value && !is_required)
		return otherwise;
	if (!json_is_string(value)) {
		octo_issues_type(issues, at, "string", json_object_get(object, name));
		return otherwise;
	}
	int index = octo_word(names, json_string_value(value));

	if (index < 0)
		octo_issues_word(issues, at, names, json_string_value(value));
	return index < 0 ? otherwise : index;
}

bool
read_flag_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, bool otherwise)
{
	json_t *value = read_member(object, name);

	if (!value)
		return otherwise;
	if (!json_is_boolean(value))
		octo_issues_type(issues, OCTO_MEMBER(up, name), "boolean", value);
	return json_is_true(value);
}

enum octo_flag
read_state_in(
	struct octo_issues *issues, json_t *object, const struct octo_at *up, const char *name)
{
	if (!read_member(object, name))
		return OCTO_FLAG_ANY;
	return read_flag_in(issues, object, up, name, false) ? OCTO_FLAG_TRUE : OCTO_FLAG_FALSE;
}

bool
read_number_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, double min, double max, double *ret)
{
	json_t *value = read_member(object, name);
	const struct octo_at *at = OCTO_MEMBER(up, name);

	if (!value)
		return false;
	if (!json_is_number(value)) {
		octo_issues_type(issues, at, "number", value);
		return false;
	}
	double number = json_number_value(value);

	if (!(number >= min && number <= max)) {
		octo_issues_add(issues, at, number > max ? "too_big" : "too_small", "number",
			"number", "this must be %g … %g", min, max);
		return false;
	}
	*ret = number;
	return true;
}

struct uuid
read_uuid_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, bool is_required)
{
	json_t *value = read_member(object, name);
	const struct octo_at *at = OCTO_MEMBER(up, name);
	struct uuid id = { 0 };

	if (!value && !is_required)
		return id;
	if (!json_is_string(value))
		octo_issues_type(issues, at, "string", json_object_get(object, name));
	else if (uuid_parse(str_of(json_string_value(value)), &id) < 0)
		octo_issues_add(
			issues, at, "invalid_string", "uuid", "string", "this must be a UUID");
	return id;
}

bool
read_is_list(struct octo_issues *issues, json_t *value, const struct octo_at *at, size_t max)
{
	if (!json_is_array(value)) {
		octo_issues_type(issues, at, "array", value);
		return false;
	}
	if (json_array_size(value) > max) {
		octo_issues_add(issues, at, "too_big", "a shorter list", "array",
			"this has %zu items, at most %zu are possible", json_array_size(value),
			max);
		return false;
	}
	return true;
}

void *
read_items_for(
	struct octo_issues *issues, json_t *list, const struct octo_at *at, size_t item_bytes)
{
	void *items = arena_calloc(issues->arena, json_array_size(list) + 1, item_bytes);

	if (!items)
		octo_issues_add(issues, at, "too_big", "a smaller document", "array",
			"the document is too large");
	return items;
}

struct strs
read_texts_in(
	struct octo_issues *issues, json_t *object, const struct octo_at *up, const char *name)
{
	const struct octo_at *at = OCTO_MEMBER(up, name);
	json_t *list = read_member(object, name), *value;
	struct strs texts = { 0 };
	size_t i;

	if (!list || !read_is_list(issues, list, at, TAGS_MAX))
		return texts;
	texts.item = read_items_for(issues, list, at, sizeof *texts.item);
	if (!texts.item)
		return texts;
	json_array_foreach(list, i, value)
	{
		const char *text = read_text(issues, value, OCTO_ITEM(at, i), 1, TAG_BYTES_MAX);

		if (text)
			texts.item[texts.n++] = text;
	}
	return texts;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two walks over the same tree: one that says what is wrong, one that decides. */
#include "dialects/octomind/filter.h"

#include <stddef.h>
#include <string.h>

enum {
	FILTER_DEPTH_MAX = 8,
};

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{ "id", offsetof(struct octo_filter_facts, id) },
	{ "testTargetId", offsetof(struct octo_filter_facts, test_target) },
	{ "description", offsetof(struct octo_filter_facts, description) },
	{ "status", offsetof(struct octo_filter_facts, status) },
	{ "runStatus", offsetof(struct octo_filter_facts, run_status) },
	{ "folderId", offsetof(struct octo_filter_facts, folder_id) },
	{ "folderName", offsetof(struct octo_filter_facts, folder_name) },
	{ "externalId", offsetof(struct octo_filter_facts, external_id) },
	{ "prerequisiteId", offsetof(struct octo_filter_facts, prerequisite) },
};

enum joint { JOINT_AND, JOINT_OR, JOINT_NOT, JOINT_NONE };

static enum joint
joint_of(const char *name)
{
	static const char *const names[] = { "AND", "OR", "NOT" };

	for (int i = 0; i < JOINT_NONE; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum joint)i;
	return JOINT_NONE;
}

static int
field_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(name, fields[i].name) == 0)
			return (int)i;
	return -1;
}

/* --- Checking --- */

static void check(
	json_t *filter, const struct octo_at *at, unsigned depth, struct octo_issues *issues);

/* A list of filters, or one. */
static void
check_joint(json_t *value, const struct octo_at *at, unsigned depth, struct octo_issues *issues)
{
	size_t index;
	json_t *item;

	if (!json_is_array(value)) {
		check(value, at, depth, issues);
		return;
	}
	json_array_foreach(value, index, item)
	{
		check(item, OCTO_ITEM(at, index), depth, issues);
	}
}

static void
check(json_t *filter, const struct octo_at *at, unsigned depth, struct octo_issues *issues)
{
	const char *key;
	json_t *value;

	if (!json_is_object(filter)) {
		octo_issues_type(issues, at, "object", filter);
		return;
	}
	if (depth == FILTER_DEPTH_MAX) {
		octo_issues_add(issues, at, "too_big", "", "", "filters nest at most %d deep",
			FILTER_DEPTH_MAX);
		return;
	}
	json_object_foreach(filter, key, value)
	{
		const struct octo_at *inner = OCTO_MEMBER(at, key);

		if (joint_of(key) != JOINT_NONE)
			check_joint(value, inner, depth + 1, issues);
		else if (field_of(key) < 0)
			octo_issues_add(issues, inner, "unrecognized_keys", "", key,
				"there is no field \"%.60s\" to filter by", key);
		else if (!json_is_string(value) && !json_is_null(value))
			octo_issues_type(issues, inner, "string", value);
	}
}

int
octo_filter_check(json_t *filter, struct octo_issues *issues)
{
	size_t before = issues->n;

	if (filter)
		check(filter, OCTO_MEMBER(NULL, "filter"), 0, issues);
	return issues->n > before ? -1 : 0;
}

/* --- Deciding --- */

static bool
has_value(const struct octo_filter_facts *facts, int field, const char *wanted)
{
	const char *text = *(const char *const *)((const char *)facts + fields[field].offset);

	if (!text || !wanted)
		return text == wanted;
	return strcmp(text, wanted) == 0;
}

/* How many of the list fit; one filter alone is a list of one. */
static bool
joint_fits(enum joint joint, json_t *value, const struct octo_filter_facts *facts)
{
	size_t n = 0, of = 1, index;
	json_t *item;

	if (json_is_array(value)) {
		of = json_array_size(value);
		json_array_foreach(value, index, item)
		{
			n += octo_filter_fits(item, facts);
		}
	} else {
		n = octo_filter_fits(value, facts);
	}
	if (joint == JOINT_NOT)
		return n == 0;
	return joint == JOINT_AND ? n == of : n > 0;
}

bool
octo_filter_fits(json_t *filter, const struct octo_filter_facts *facts)
{
	const char *key;
	json_t *value;

	json_object_foreach(filter, key, value)
	{
		enum joint joint = joint_of(key);

		if (joint != JOINT_NONE && !joint_fits(joint, value, facts))
			return false;
		if (joint == JOINT_NONE &&
			!has_value(facts, field_of(key), json_string_value(value)))
			return false;
	}
	return true;
}

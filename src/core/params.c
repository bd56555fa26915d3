/* SPDX-License-Identifier: Apache-2.0 */
/* Types of parameters, and who gives the value: the caller, else the default. */
#include "core/params.h"

#include <string.h>

#include "base/limits.h"
#include "core/expr.h"

enum param_type {
	PARAM_STRING,
	PARAM_NUMBER,
	PARAM_INTEGER,
	PARAM_BOOLEAN,
	PARAM_OBJECT,
	PARAM_ARRAY,
};

static const char *const param_type_names[] = { "string", "number", "integer", "boolean",
	"object", "array", NULL };

#define UNKNOWN_PARAM "the template has no such parameter"
#define MISSING_PARAM "the parameter \"%s\" is required"

struct param {
	json_t *fallback, *allowed;
	int type;
	bool required;
	const char *description;
};

/* clang-format off */
#define PARAM(member) .offset = offsetof(struct param, member)
const struct json_field template_param_fields[] = {
	{ .name = "type", .kind = FIELD_ENUM, PARAM(type), .names = param_type_names },
	{ .name = "required", .kind = FIELD_FLAG, PARAM(required) },
	{ .name = "default", .kind = FIELD_ANY, PARAM(fallback) },
	{ .name = "enum", .kind = FIELD_ARR, PARAM(allowed), .min = 1, .max = 1000 },
	{ .name = "description", .kind = FIELD_STR, PARAM(description), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ 0 },
};
/* clang-format on */

static bool
has_type(const json_t *value, enum param_type type)
{
	switch (type) {
	case PARAM_STRING:
		return json_is_string(value);
	case PARAM_NUMBER:
		return json_is_number(value);
	case PARAM_INTEGER:
		return json_is_integer(value);
	case PARAM_BOOLEAN:
		return json_is_boolean(value);
	case PARAM_OBJECT:
		return json_is_object(value);
	case PARAM_ARRAY:
		return json_is_array(value);
	}
	return false;
}

static bool
is_allowed(const json_t *value, json_t *allowed)
{
	size_t index;
	json_t *item;

	if (!allowed)
		return true;
	json_array_foreach(allowed, index, item)
	{
		if (json_equal(item, value))
			return true;
	}
	return false;
}

/* `required` says that the caller must give it; true unless there is a default. */
static int
read_param(json_t *declaration, const char *pointer, struct issues *issues, struct param *ret)
{
	*ret = (struct param) { .required = true };
	if (!json_is_object(declaration)) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"a declaration is expected: { type, required, default, enum }");
		return -1;
	}
	return json_decode(declaration, template_param_fields, ret, pointer, issues);
}

static int
check_value(
	const struct param *param, json_t *value, const char *pointer, struct issues *issues)
{
	if (!has_type(value, (enum param_type)param->type)) {
		issues_add(issues, pointer, ISSUE_INVALID, "a value of type %s is expected",
			param_type_names[param->type]);
		return -1;
	}
	if (!is_allowed(value, param->allowed)) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"the value is none of those that `enum` lists");
		return -1;
	}
	return 0;
}

static bool
name_is_valid(const char *name)
{
	size_t n = strspn(
		name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && n <= NAME_BYTES_MAX && name[n] == '\0';
}

int
params_check(json_t *declared, const char *pointer, struct issues *issues)
{
	const char *name;
	json_t *declaration;
	struct param param;
	int r = 0;

	json_object_foreach(declared, name, declaration)
	{
		const char *at = json_pointer_member(issues->arena, pointer, name);

		if (!name_is_valid(name)) {
			issues_add(issues, at, ISSUE_INVALID,
				"a parameter's name has letters, digits, _ and -");
			r = -1;
		}
		if (read_param(declaration, at, issues, &param) < 0 ||
			(param.fallback &&
				check_value(&param, param.fallback,
					json_pointer_member(issues->arena, at, "default"),
					issues) < 0))
			r = -1;
	}
	return r;
}

/* An object that can only be meant as a declaration, as job files have them. */
static bool
is_declaration(const json_t *value)
{
	static const char *const members[] = { "type", "required", "default", "enum",
		"description" };
	const char *type = json_string_value(json_object_get(value, "type"));
	size_t n = 0;
	bool known = false;

	for (size_t i = 0; type && param_type_names[i]; i++)
		known = known || strcmp(type, param_type_names[i]) == 0;
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		n += json_object_get(value, members[i]) != NULL;
	return known && n == json_object_size(value);
}

bool
params_is_required(const json_t *value)
{
	return is_declaration(value) && !json_object_get(value, "default") &&
		!json_is_false(json_object_get(value, "required"));
}

static int
settle_declared(const char *name, json_t *declaration, json_t *value, const char *pointer,
	struct issues *issues, json_t *ret)
{
	struct param param;

	if (read_param(declaration, pointer, issues, &param) < 0)
		return -1;
	if (!value)
		value = param.fallback;
	if (!value && param.required) {
		issues_add(issues, pointer, ISSUE_MISSING, MISSING_PARAM, name);
		return -1;
	}
	if (!value)
		return 0;
	if (check_value(&param, value, pointer, issues) < 0)
		return -1;
	(void)json_object_set(ret, name, value);
	return 0;
}

static int
settle_given(json_t *declared, bool strict, json_t *given, const char *pointer,
	struct issues *issues, json_t *ret)
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach(given, name, value)
	{
		const char *at = json_pointer_member(issues->arena, pointer, name);

		if (declared && json_object_get(declared, name))
			continue;
		if (strict) {
			issues_add(issues, at, ISSUE_UNKNOWN, UNKNOWN_PARAM);
			r = -1;
		} else if (is_declaration(value)) {
			r = settle_declared(name, value, NULL, at, issues, ret) < 0 ? -1 : r;
		} else {
			(void)json_object_set(ret, name, value);
		}
	}
	return r;
}

int
params_settle(json_t *declared, bool strict, json_t *given, const char *pointer,
	struct issues *issues, json_t **ret)
{
	json_t *values = json_object();
	const char *name;
	json_t *declaration;
	int r = settle_given(declared, strict, given, pointer, issues, values);

	json_object_foreach(declared, name, declaration)
	{
		const char *at = json_pointer_member(issues->arena, pointer, name);

		if (settle_declared(name, declaration, json_object_get(given, name), at, issues,
			    values) < 0)
			r = -1;
	}
	if (r < 0)
		json_decref(values);
	else
		*ret = values;
	return r;
}

void
params_foresee(json_t *declared, json_t *given, json_t *passed, const char *pointer,
	struct issues *issues)
{
	const char *name;
	json_t *value;

	json_object_foreach(given, name, value)
	{
		json_t *declaration = json_object_get(declared, name);
		const char *at = json_pointer_member(issues->arena, pointer, name);
		struct param param;

		if (!declaration)
			issues_add(issues, at, ISSUE_UNKNOWN, UNKNOWN_PARAM);
		else if (!tree_has_expr(value) &&
			read_param(declaration, at, issues, &param) == 0)
			(void)!check_value(&param, value, at, issues);
	}
	json_object_foreach(declared, name, value)
	{
		struct param param;

		if (read_param(value, pointer, issues, &param) == 0 && param.required &&
			!param.fallback && !json_object_get(given, name) &&
			!json_object_get(passed, name))
			issues_add_member(
				issues, pointer, name, ISSUE_MISSING, MISSING_PARAM, name);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: declarations and values. */
#include "cli/params.h"

#include <string.h>

#include "base/limits.h"
#include "base/parse.h"

bool
params_is_declaration(const json_t *value)
{
	return json_object_get(value, "type") || json_object_get(value, "default") ||
		json_object_get(value, "required") || json_object_get(value, "enum");
}

static const char *
type_of(const json_t *declared)
{
	const char *type = json_string_value(json_object_get(declared, "type"));
	const json_t *sample = params_is_declaration(declared)
		? json_object_get(declared, "default")
		: declared;

	if (type)
		return type;
	if (json_is_integer(sample))
		return "integer";
	if (json_is_real(sample))
		return "number";
	if (json_is_boolean(sample))
		return "boolean";
	return "string";
}

/* A text from the command line as a value of the type; NULL: it is none. */
static json_t *
typed(struct str text, const char *type)
{
	int64_t integer;
	double number;
	bool flag;

	if (strcmp(type, "integer") == 0)
		return parse_i64(text, INT64_MIN, INT64_MAX, &integer, NULL) == 0
			? json_integer(integer)
			: NULL;
	if (strcmp(type, "number") == 0)
		return parse_double(text, -1.7e308, 1.7e308, &number, NULL) == 0
			? json_real(number)
			: NULL;
	if (strcmp(type, "boolean") == 0)
		return parse_bool(text, &flag, NULL) == 0 ? json_boolean(flag) : NULL;
	if (strcmp(type, "object") == 0 || strcmp(type, "array") == 0)
		return json_read(text.p, text.n, JSON_DEPTH_MAX, NULL);
	return json_stringn(text.p, text.n);
}

/* The last NAME=VALUE of that name; { NULL, 0 }: not given. */
static struct str
find_given(const char *name, const char *const *given, size_t n)
{
	struct str found = { 0 };
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(given[i], name, len) == 0 && given[i][len] == '=')
			found = str_of(given[i] + len + 1);
	}
	return found;
}

static bool
is_allowed(const json_t *declared, const json_t *value)
{
	const json_t *allowed = json_object_get(declared, "enum");
	json_t *one;
	size_t i;

	if (!json_is_array(allowed))
		return true;
	json_array_foreach(allowed, i, one)
	{
		if (json_equal(one, value))
			return true;
	}
	return false;
}

static void
resolve_one(json_t *values, const char *name, const json_t *declared, struct str given,
	struct issues *issues)
{
	bool declares = params_is_declaration(declared);
	json_t *value;

	if (given.p) {
		value = typed(given, type_of(declared));
		if (!value) {
			issues_add_member(issues, "/params", name, ISSUE_INVALID,
				"\"" STR_FMT "\" is no %s", STR_ARG(given), type_of(declared));
			return;
		}
	} else {
		value = declares ? json_object_get(declared, "default") : (json_t *)declared;
		json_incref(value);
	}
	if (!value) {
		/* Without a default a parameter is wanted unless it says that it is not. */
		if (!json_is_false(json_object_get(declared, "required")))
			issues_add_member(issues, "/params", name, ISSUE_MISSING,
				"needs a value: --param %s=…", name);
		return;
	}
	if (declares && !is_allowed(declared, value))
		issues_add_member(issues, "/params", name, ISSUE_INVALID,
			"is none of the values in enum");
	(void)json_object_set_new(values, name, value);
}

static void
refuse_unknown(
	const json_t *declared, const char *const *given, size_t n, struct issues *issues)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(given[i], "=");
		char *name = arena_strndup(issues->arena, given[i], len);
		if (name && !json_object_get(declared, name))
			issues_add_member(issues, "/params", name, ISSUE_UNKNOWN,
				"there is no such parameter");
	}
}

json_t *
params_resolve(
	const json_t *declared, const char *const *given, size_t n, struct issues *issues)
{
	json_t *values = json_object();
	const char *name;
	json_t *one;

	if (declared && !json_is_object(declared)) {
		issues_add(issues, "/params", ISSUE_INVALID, "an object is expected");
		return values;
	}
	json_object_foreach((json_t *)declared, name, one)
		resolve_one(values, name, one, find_given(name, given, n), issues);
	refuse_unknown(declared, given, n, issues);
	return values;
}

json_t *
params_given(const char *const *given, size_t n)
{
	json_t *values = json_object();

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(given[i], "=");
		(void)json_object_setn_new_nocheck(
			values, given[i], len, json_string(given[i] + len + 1));
	}
	return values;
}

int
params_retype(json_t *values, const json_t *declared, struct err *err)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(values, next, name, value)
	{
		const json_t *one = json_object_get(declared, name);
		if (!json_is_string(value) || !one)
			continue;
		struct str text = { json_string_value(value), json_string_length(value) };
		json_t *converted = typed(text, type_of(one));
		if (!converted)
			return err_set(err, ERR_INVALID, "--param: %.80s: \"%.80s\" is no %s",
				name, json_string_value(value), type_of(one));
		(void)json_object_set_new(values, name, converted);
	}
	return 0;
}

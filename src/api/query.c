/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query strings through the same field tables as bodies: parameters become a JSON object by the
 * kinds of their fields, which is then decoded. Offences have pointers that begin with "?".
 */
#include <string.h>

#include "api/api_impl.h"
#include "base/parse.h"

static const struct json_field *
find_field(const struct json_field *fields, const char *name)
{
	for (; fields && fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

/* The text as a value of the field's kind; as text where it is none, for the decoder to refuse.
 */
static json_t *
value_of(const struct json_field *field, const char *text)
{
	struct err ignored;
	int64_t number;
	double real;
	bool flag;

	switch (field->kind) {
	case FIELD_INT:
		if (parse_i64(str_of(text), INT64_MIN, INT64_MAX, &number, &ignored) == 0)
			return json_integer(number);
		break;
	case FIELD_NUM:
		if (parse_double(str_of(text), -1e300, 1e300, &real, &ignored) == 0)
			return json_real(real);
		break;
	case FIELD_FLAG:
		if (*text == '\0')
			return json_true();
		if (parse_bool(str_of(text), &flag, &ignored) == 0)
			return json_boolean(flag);
		break;
	case FIELD_STR:
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_INSTANT:
	case FIELD_ENUM:
	case FIELD_UUID:
	case FIELD_OBJ:
	case FIELD_ARR:
	case FIELD_STRS:
	case FIELD_SUB:
	case FIELD_SUBS:
	case FIELD_ANY:
		break;
	}
	return json_string(text);
}

static void
report_unknown(struct call *call, const char *name)
{
	const char *names[64] = { 0 };
	const char *near;
	size_t n = 0;

	for (const struct json_field *f = call->route->query; f && f->name && n < 63; f++)
		names[n++] = f->name;
	near = near_name(name, names);
	issues_add_member(&call->issues, "?", name, ISSUE_UNKNOWN,
		"there is no such parameter here%s%s%s", near ? "; did you mean " : "",
		near ? near : "", near ? "?" : "");
}

static void
add_param(struct call *call, json_t *object, const struct http_param *param)
{
	const struct json_field *field = find_field(call->route->query, param->name);
	json_t *old = json_object_get(object, param->name);

	if (!field && call->dialect) {
		return; /* its clients send more than they need */
	} else if (!field) {
		report_unknown(call, param->name);
	} else if (field->kind == FIELD_STRS) {
		if (!old) {
			old = json_array();
			(void)json_object_set_new(object, param->name, old);
		}
		(void)json_array_append_new(old, json_string(param->value));
	} else if (old) {
		issues_add_member(&call->issues, "?", param->name, ISSUE_DUPLICATE,
			"the parameter may be given once");
	} else {
		(void)json_object_set_new(object, param->name, value_of(field, param->value));
	}
}

int
query_read(struct call *call)
{
	const struct route *route = call->route;

	if (route->query) {
		call->query = arena_xalloc(call->arena, route->query_bytes);
		if (route->query_defaults)
			memcpy(call->query, route->query_defaults, route->query_bytes);
	}
	if (!route->query && (call->req->n_query == 0 || call->dialect))
		return 0;
	_cleanup_(json_unrefp) json_t *object = json_object();

	for (size_t i = 0; i < call->req->n_query; i++)
		add_param(call, object, &call->req->query[i]);
	if (route->query &&
		json_decode(object, route->query, call->query, "?", &call->issues) < 0)
		return -1;
	return call->issues.n > 0 ? -1 : 0;
}

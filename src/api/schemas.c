/* SPDX-License-Identifier: Apache-2.0 */
/* From the tables to JSON Schema. */
#include "api/schemas.h"

#include <string.h>

#include "api/schema_tables.h"
#include "core/test_kinds.h"

/* --- Writing answers --- */

void
schema_write_ref(struct jw *jw, struct str name)
{
	char text[120];

	(void)snprintf(text, sizeof text, "#/components/schemas/" STR_FMT, STR_ARG(name));
	jw_obj(jw);
	jw_kstr(jw, "$ref", text);
	jw_end_obj(jw);
}

static void
write_words(struct jw *jw, words_fn *words)
{
	jw_kstr(jw, "type", "string");
	jw_karr(jw, "enum");
	for (int i = 0; words(i); i++)
		jw_str(jw, words(i));
	jw_end_arr(jw);
}

/* The keywords of a shape, inside an object that is open. */
static void
write_shape(struct jw *jw, const struct member *m)
{
	char ref[120];

	switch (m->shape) {
	case SHAPE_TEXT:
		jw_kstr(jw, "type", "string");
		break;
	case SHAPE_ID:
		jw_kstr(jw, "type", "string");
		jw_kstr(jw, "format", "uuid");
		break;
	case SHAPE_TIME:
		jw_kstr(jw, "type", "string");
		jw_kstr(jw, "format", "date-time");
		break;
	case SHAPE_INT:
	case SHAPE_MS:
		jw_kstr(jw, "type", "integer");
		break;
	case SHAPE_NUM:
		jw_kstr(jw, "type", "number");
		break;
	case SHAPE_FLAG:
		jw_kstr(jw, "type", "boolean");
		break;
	case SHAPE_OBJECT:
		jw_kstr(jw, "type", "object");
		break;
	case SHAPE_ANY:
		break;
	case SHAPE_TEXTS:
		jw_kstr(jw, "type", "object");
		jw_kraw(jw, "additionalProperties", "{\"type\":\"string\"}");
		break;
	case SHAPE_REF:
		(void)snprintf(ref, sizeof ref, "#/components/schemas/%s", m->of);
		jw_kstr(jw, "$ref", ref);
		break;
	case SHAPE_WORD:
		write_words(jw, m->words);
		break;
	case SHAPE_CONST:
		jw_kraw(jw, "const", m->of);
		break;
	}
}

static void
write_member(struct jw *jw, const struct member *m)
{
	jw_kobj(jw, m->name);
	if (m->flags & LIST) {
		jw_kstr(jw, "type", "array");
		jw_kobj(jw, "items");
		write_shape(jw, m);
		jw_end_obj(jw);
	} else {
		write_shape(jw, m);
	}
	jw_kstr_opt(jw, "description", m->about);
	jw_end_obj(jw);
}

/* --- Writing requests --- */

static void
write_limits(struct jw *jw, const struct json_field *field, const char *least, const char *most)
{
	if (field->min == 0 && field->max == 0)
		return;
	jw_ki64(jw, least, field->min);
	if (field->max != INT64_MAX)
		jw_ki64(jw, most, field->max);
}

static void
write_number_limits(struct jw *jw, const struct json_field *field)
{
	write_limits(jw, field, "minimum", "maximum");
}

/* The range is about the value, whichever way it is written. */
static void
write_duration(struct jw *jw, const struct json_field *field)
{
	char text[80];

	jw_kstr(jw, "$ref", "#/components/schemas/Duration");
	if (field->max == 0)
		return;
	(void)snprintf(text, sizeof text, "%lld to %lld ms.", (long long)field->min,
		(long long)field->max);
	jw_kstr(jw, "description", text);
}

static void write_fields(struct jw *jw, const struct json_field *fields,
	const struct detail *details, bool takes_exprs);

static void
write_sub(struct jw *jw, const struct json_field *sub)
{
	jw_kstr(jw, "type", "object");
	write_fields(jw, sub, NULL, false);
	jw_kbool(jw, "additionalProperties", false);
}

/* The keywords of a field's kind, inside an object that is open. */
static void
write_kind(struct jw *jw, const struct json_field *field)
{
	switch (field->kind) {
	case FIELD_STR:
		/* Ours are counted in bytes: at least as many as characters. */
		jw_kstr(jw, "type", "string");
		write_limits(jw, field, "minLength", "maxLength");
		break;
	case FIELD_INT:
		jw_kstr(jw, "type", "integer");
		write_number_limits(jw, field);
		break;
	case FIELD_NUM:
		jw_kstr(jw, "type", "number");
		write_number_limits(jw, field);
		break;
	case FIELD_FLAG:
		jw_kstr(jw, "type", "boolean");
		break;
	case FIELD_DURATION:
		write_duration(jw, field);
		break;
	case FIELD_SIZE:
		/* A number, or a text with a unit: 64MiB, 10kB. */
		jw_kraw(jw, "type", "[\"integer\",\"string\"]");
		jw_kstr(jw, "pattern", "^[0-9]+([kKMGT]i?)?B?$");
		write_limits(jw, field, "minimum", "maximum");
		break;
	case FIELD_INSTANT:
		jw_kstr(jw, "type", "string");
		jw_kstr(jw, "format", "date-time");
		break;
	case FIELD_ENUM:
		jw_kstr(jw, "type", "string");
		jw_karr(jw, "enum");
		for (const char *const *word = field->names; *word; word++)
			jw_str(jw, *word);
		jw_end_arr(jw);
		break;
	case FIELD_UUID:
		jw_kstr(jw, "type", "string");
		jw_kstr(jw, "format", "uuid");
		break;
	case FIELD_OBJ:
		jw_kstr(jw, "type", "object");
		write_limits(jw, field, "minProperties", "maxProperties");
		break;
	case FIELD_ARR:
		jw_kstr(jw, "type", "array");
		write_limits(jw, field, "minItems", "maxItems");
		break;
	case FIELD_STRS:
		jw_kstr(jw, "type", "array");
		write_limits(jw, field, "minItems", "maxItems");
		jw_kobj(jw, "items");
		jw_kstr(jw, "type", "string");
		if (field->item_max > 0)
			jw_ki64(jw, "maxLength", (int64_t)field->item_max);
		jw_end_obj(jw);
		break;
	case FIELD_SUB:
		write_sub(jw, field->sub);
		break;
	case FIELD_SUBS:
		jw_kstr(jw, "type", "array");
		write_limits(jw, field, "minItems", "maxItems");
		jw_kobj(jw, "items");
		write_sub(jw, field->sub);
		jw_end_obj(jw);
		break;
	case FIELD_ANY:
		break;
	}
}

void
schema_write_field(struct jw *jw, const struct json_field *field)
{
	jw_obj(jw);
	write_kind(jw, field);
	jw_end_obj(jw);
}

static const char *
find_detail(const struct detail *details, const char *member)
{
	for (; details && details->member; details++)
		if (strcmp(details->member, member) == 0)
			return details->json;
	return NULL;
}

/* Any text fits a text already, and anything fits anything. */
static bool
needs_expr(const struct json_field *field)
{
	return field->kind != FIELD_STR && field->kind != FIELD_ANY;
}

static void
write_field(struct jw *jw, const struct json_field *field, const struct detail *details,
	bool takes_exprs)
{
	const char *json = find_detail(details, field->name);
	bool either = (takes_exprs && needs_expr(field)) || field->null_ok;

	jw_key(jw, field->name);
	if (either) {
		jw_obj(jw);
		jw_karr(jw, "anyOf");
	}
	if (json)
		jw_raw(jw, json);
	else
		schema_write_field(jw, field);
	if (!either)
		return;
	if (takes_exprs)
		schema_write_ref(jw, STR("Expression"));
	if (field->null_ok)
		jw_raw(jw, "{\"type\":\"null\"}");
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static void
write_required(struct jw *jw, const struct json_field *fields, const char *more)
{
	struct str rest = str_of(more);
	bool any = rest.n > 0;

	for (const struct json_field *f = fields; f->name; f++)
		any = any || f->required;
	if (!any)
		return;
	jw_karr(jw, "required");
	for (const struct json_field *f = fields; f->name; f++)
		if (f->required)
			jw_str(jw, f->name);
	while (rest.n > 0) {
		struct str name = str_split_first(&rest, ',');
		jw_strn(jw, name.p, name.n);
	}
	jw_end_arr(jw);
}

static void
write_fields(struct jw *jw, const struct json_field *fields, const struct detail *details,
	bool takes_exprs)
{
	write_required(jw, fields, NULL);
	jw_kobj(jw, "properties");
	for (const struct json_field *f = fields; f->name; f++)
		write_field(jw, f, details, takes_exprs);
	jw_end_obj(jw);
}

static void
write_request(struct jw *jw, const struct request *request)
{
	jw_kobj(jw, request->name);
	jw_kstr(jw, "type", "object");
	jw_kstr_opt(jw, "description", request->about);
	write_required(jw, request->fields, request->required);
	jw_kobj(jw, "properties");
	for (const struct json_field *f = request->fields; f->name; f++)
		write_field(jw, f, request->details, request->takes_exprs);
	jw_end_obj(jw);
	jw_kbool(jw, "additionalProperties", false);
	jw_end_obj(jw);
}

/* --- Kinds of tests --- */

/* "command" → "CommandTest". */
static void
kind_schema_name(const struct test_kind *kind, char out[64])
{
	(void)snprintf(out, 64, "%sTest", kind->name);
	if (*out >= 'a' && *out <= 'z')
		*out = (char)(*out - 'a' + 'A');
}

static void
write_test_field(struct jw *jw, const struct json_field *field, const char *kind)
{
	if (kind && strcmp(field->name, "kind") == 0) {
		jw_kobj(jw, "kind");
		jw_kstr(jw, "const", kind);
		jw_end_obj(jw);
	} else {
		write_field(jw, field, schema_test_details, true);
	}
}

static void
write_test_kind(struct jw *jw, const struct test_kind *kind)
{
	char name[64];

	kind_schema_name(kind, name);
	jw_kobj(jw, name);
	jw_kstr(jw, "type", "object");
	jw_kstr(jw, "description", kind->summary);
	write_required(jw, kind->fields, NULL);
	jw_kobj(jw, "properties");
	for (const struct json_field *f = kind->fields; f->name; f++)
		write_test_field(jw, f, kind->name);
	jw_end_obj(jw);
	jw_kbool(jw, "additionalProperties", false);
	jw_end_obj(jw);
}

static void
write_test_request(struct jw *jw)
{
	char name[64], ref[120];

	jw_kobj(jw, "TestRequest");
	jw_kstr(jw, "description", "One runnable check; its kind says what carries it out.");
	jw_karr(jw, "oneOf");
	for (const struct test_kind *kind = test_kinds; kind->name; kind++) {
		kind_schema_name(kind, name);
		schema_write_ref(jw, str_of(name));
	}
	jw_end_arr(jw);
	jw_kobj(jw, "discriminator");
	jw_kstr(jw, "propertyName", "kind");
	jw_kobj(jw, "mapping");
	for (const struct test_kind *kind = test_kinds; kind->name; kind++) {
		kind_schema_name(kind, name);
		(void)snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
		jw_kstr(jw, kind->name, ref);
	}
	jw_end_obj(jw);
	jw_end_obj(jw);
	jw_end_obj(jw);
}

/* --- The whole --- */

static bool
has_field(const struct json_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return true;
	return false;
}

/* Members of every kind, each once. */
static void
write_all_test_members(struct jw *jw)
{
	for (const struct test_kind *kind = test_kinds; kind->name; kind++) {
		for (const struct json_field *f = kind->fields; f->name; f++) {
			bool is_known = false;

			for (const struct test_kind *k = test_kinds; k < kind; k++)
				is_known = is_known || has_field(k->fields, f->name);
			if (!is_known)
				write_test_field(jw, f, NULL);
		}
	}
}

/* Members of the request that a saved document was made by. */
static void
write_request_members(struct jw *jw, const char *name)
{
	for (const struct request *r = schema_requests; r->name; r++) {
		if (strcmp(r->name, name) != 0)
			continue;
		for (const struct json_field *f = r->fields; f->name; f++)
			write_field(jw, f, r->details, r->takes_exprs);
	}
}

static void
write_answer(struct jw *jw, const struct answer *answer)
{
	jw_kobj(jw, answer->name);
	jw_kstr(jw, "type", "object");
	jw_kstr_opt(jw, "description", answer->about);
	jw_karr(jw, "required");
	for (const struct member *m = answer->members; m->name; m++)
		if (!(m->flags & MAY))
			jw_str(jw, m->name);
	if (answer->has_test_members || answer->saved)
		jw_str(jw, "name");
	jw_end_arr(jw);
	jw_kobj(jw, "properties");
	for (const struct member *m = answer->members; m->name; m++)
		write_member(jw, m);
	if (answer->has_test_members)
		write_all_test_members(jw);
	if (answer->saved)
		write_request_members(jw, answer->saved);
	jw_end_obj(jw);
	jw_end_obj(jw);
}

void
schemas_write(struct jw *jw)
{
	jw_obj(jw);
	for (const struct request *request = schema_requests; request->name; request++)
		write_request(jw, request);
	write_test_request(jw);
	for (const struct test_kind *kind = test_kinds; kind->name; kind++)
		write_test_kind(jw, kind);
	for (size_t i = 0; schema_others[i].name; i++)
		jw_kraw(jw, schema_others[i].name, schema_others[i].json);
	for (const struct answer *answer = schema_answers; answer->name; answer++)
		write_answer(jw, answer);
	jw_end_obj(jw);
}

bool
schema_exists(struct str name)
{
	for (const struct request *request = schema_requests; request->name; request++)
		if (str_eqz(name, request->name))
			return true;
	for (const struct answer *answer = schema_answers; answer->name; answer++)
		if (str_eqz(name, answer->name))
			return true;
	for (size_t i = 0; schema_others[i].name; i++)
		if (str_eqz(name, schema_others[i].name))
			return true;
	return str_eqz(name, "TestRequest");
}

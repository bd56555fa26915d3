/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema from shapes. What has a title goes to $defs: a first walk collects the titled
 * shapes, each once, a second writes them.
 *
 * A text {{name}} may stand for a value of any type, so the schema allows one wherever numbers,
 * flags or objects are wanted.
 */
#include "browser_format/shape.h"

#include <assert.h>
#include <stdio.h>

enum { TITLES_MAX = 64 };

struct titles {
	const struct shape *item[TITLES_MAX];
	size_t n;
};

static void write_shape(const struct shape *shape, struct jw *jw);

static void
collect(struct titles *titles, const struct shape *shape)
{
	if (shape->title) {
		for (size_t i = 0; i < titles->n; i++)
			if (titles->item[i] == shape)
				return;
		assert(titles->n < TITLES_MAX);
		titles->item[titles->n++] = shape;
	}
	if (shape->item)
		collect(titles, shape->item);
	for (const struct shape_member *m = shape->members; m && m->name; m++)
		collect(titles, m->shape);
	for (const struct shape *const *e = shape->either; e && *e; e++)
		collect(titles, *e);
}

static void
write_ref(const char *title, struct jw *jw)
{
	char ref[100];

	(void)snprintf(ref, sizeof ref, "#/$defs/%s", title);
	jw_kstr(jw, "$ref", ref);
}

static void
write_range(const struct shape *shape, const char *min, const char *max, struct jw *jw)
{
	if (!shape->min && !shape->max)
		return;
	jw_ki64(jw, min, shape->min);
	jw_ki64(jw, max, shape->max);
}

static void
write_names(const char *key, const char *const *names, struct jw *jw)
{
	jw_karr(jw, key);
	for (; *names; names++)
		jw_str(jw, *names);
	jw_end_arr(jw);
}

/* [{ required: [a] }, { required: [b] }, …] */
static void
write_choice(const char *key, const char *const *names, struct jw *jw)
{
	jw_karr(jw, key);
	for (; *names; names++) {
		jw_obj(jw);
		jw_karr(jw, "required");
		jw_str(jw, *names);
		jw_end_arr(jw);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

static void
write_members(const struct shape *shape, struct jw *jw)
{
	bool has_required = false;

	jw_kstr(jw, "type", "object");
	jw_kobj(jw, "properties");
	for (const struct shape_member *m = shape->members; m->name; m++) {
		jw_kobj(jw, m->name);
		jw_kstr_opt(jw, "description", m->about);
		if (m->shape->title)
			write_ref(m->shape->title, jw);
		else
			write_shape(m->shape, jw);
		jw_end_obj(jw);
		has_required |= m->required;
	}
	jw_end_obj(jw);
	jw_kbool(jw, "additionalProperties", false);
	if (has_required) {
		jw_karr(jw, "required");
		for (const struct shape_member *m = shape->members; m->name; m++)
			if (m->required)
				jw_str(jw, m->name);
		jw_end_arr(jw);
	}
	if (shape->one_of)
		write_choice("oneOf", shape->one_of, jw);
	if (shape->any_of)
		write_choice("anyOf", shape->any_of, jw);
}

static void
write_in_place(const struct shape *shape, struct jw *jw)
{
	jw_obj(jw);
	if (shape->title)
		write_ref(shape->title, jw);
	else
		write_shape(shape, jw);
	jw_end_obj(jw);
}

static void
write_item(const struct shape *shape, const char *key, struct jw *jw)
{
	jw_key(jw, key);
	write_in_place(shape->item, jw);
}

static void
write_either(const struct shape *shape, struct jw *jw)
{
	jw_karr(jw, "anyOf");
	for (const struct shape *const *e = shape->either; *e; e++)
		write_in_place(*e, jw);
	jw_end_arr(jw);
}

/* The members of the schema of what the shape is, a variable left aside. */
static void
write_plain(const struct shape *shape, struct jw *jw)
{
	switch (shape->kind) {
	case SHAPE_TEXT:
		jw_kstr(jw, "type", "string");
		if (shape->min)
			jw_ki64(jw, "minLength", shape->min);
		break;
	case SHAPE_FLAG:
		jw_kstr(jw, "type", "boolean");
		break;
	case SHAPE_TRUE:
		jw_kbool(jw, "const", true);
		break;
	case SHAPE_INT:
		jw_kstr(jw, "type", "integer");
		write_range(shape, "minimum", "maximum", jw);
		break;
	case SHAPE_NUM:
		jw_kstr(jw, "type", "number");
		write_range(shape, "minimum", "maximum", jw);
		break;
	case SHAPE_DURATION:
		jw_karr(jw, "type");
		jw_str(jw, "string");
		jw_str(jw, "integer");
		jw_end_arr(jw);
		break;
	case SHAPE_WORD:
		write_names("enum", shape->words, jw);
		break;
	case SHAPE_ANY:
		break;
	case SHAPE_OBJECT:
		write_members(shape, jw);
		break;
	case SHAPE_MAP:
		jw_kstr(jw, "type", "object");
		write_item(shape, "additionalProperties", jw);
		write_range(shape, "minProperties", "maxProperties", jw);
		break;
	case SHAPE_LIST:
		jw_kstr(jw, "type", "array");
		write_item(shape, "items", jw);
		write_range(shape, "minItems", "maxItems", jw);
		break;
	case SHAPE_EITHER:
		write_either(shape, jw);
		break;
	}
}

/* Texts may hold variables anyway, steps cannot come from one. */
static bool
takes_variable(const struct shape *shape)
{
	switch (shape->kind) {
	case SHAPE_FLAG:
	case SHAPE_TRUE:
	case SHAPE_INT:
	case SHAPE_NUM:
	case SHAPE_WORD:
		return true;
	case SHAPE_TEXT:
	case SHAPE_DURATION:
	case SHAPE_ANY:
	case SHAPE_OBJECT:
	case SHAPE_MAP:
	case SHAPE_LIST:
	case SHAPE_EITHER:
		return false;
	}
	return false;
}

static void
write_shape(const struct shape *shape, struct jw *jw)
{
	if (!takes_variable(shape)) {
		write_plain(shape, jw);
		return;
	}
	jw_karr(jw, "anyOf");
	jw_obj(jw);
	write_plain(shape, jw);
	jw_end_obj(jw);
	jw_obj(jw);
	write_ref("variable", jw);
	jw_end_obj(jw);
	jw_end_arr(jw);
}

static void
write_variable(struct jw *jw)
{
	jw_kobj(jw, "variable");
	jw_kstr(jw, "description", "{{name}}: a value that is known at run time");
	jw_kstr(jw, "type", "string");
	jw_kstr(jw, "pattern", "\\{\\{[^}]+\\}\\}");
	jw_end_obj(jw);
}

void
shape_schema(const struct shape *shape, const char *id, struct jw *jw)
{
	struct titles titles = { .n = 0 };

	collect(&titles, shape);
	jw_obj(jw);
	jw_kstr(jw, "$schema", "https://json-schema.org/draft/2020-12/schema");
	jw_kstr(jw, "title", id);
	write_members(shape, jw);
	jw_kobj(jw, "$defs");
	write_variable(jw);
	for (size_t i = 0; i < titles.n; i++) {
		jw_kobj(jw, titles.item[i]->title);
		jw_kstr_opt(jw, "description", titles.item[i]->about);
		write_shape(titles.item[i], jw);
		jw_end_obj(jw);
	}
	jw_end_obj(jw);
	jw_end_obj(jw);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling: a table says what each keyword looks like; what does not is refused with its
 * place. References are resolved at the end, when every name is known.
 */
#include "core/json_schema.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "core/json_schema_impl.h"
#include "core/lang_pattern.h"
#include "core/lang_value.h"

enum {
	DRAFT_7 = 1,
	DRAFT_2020 = 2,
	DRAFT_BOTH = 3,
};

/* What a keyword's value looks like. */
enum form {
	FORM_SCHEMA,
	FORM_SCHEMAS,      /* a list that is not empty */
	FORM_SCHEMA_MAP,   /* an object of schemas */
	FORM_PATTERN_MAP,  /* the same, its names are patterns */
	FORM_ITEMS,        /* a schema; in draft 7 a list as well */
	FORM_DEPENDENCIES, /* an object of schemas or lists of names */
	FORM_TEXTS_MAP,    /* an object of lists of names */
	FORM_REF,
	FORM_TYPES,
	FORM_ANY,
	FORM_LIST,
	FORM_NUMBER,
	FORM_POSITIVE, /* a number greater than 0 */
	FORM_COUNT,    /* a whole number, 0 or more */
	FORM_FLAG,
	FORM_PATTERN,
	FORM_FORMAT,
	FORM_TEXTS, /* a list of names, each once */
};

/* clang-format off */
static const struct keyword_row {
	const char *name;
	enum form form;
	unsigned drafts;
} keywords[KEYWORD_COUNT] = {
	[KEYWORD_REF]                    = { "$ref",                  FORM_REF,          DRAFT_BOTH },
	[KEYWORD_DYNAMIC_REF]            = { "$dynamicRef",           FORM_REF,          DRAFT_2020 },
	[KEYWORD_TYPE]                   = { "type",                  FORM_TYPES,        DRAFT_BOTH },
	[KEYWORD_ENUM]                   = { "enum",                  FORM_LIST,         DRAFT_BOTH },
	[KEYWORD_CONST]                  = { "const",                 FORM_ANY,          DRAFT_BOTH },
	[KEYWORD_MULTIPLE_OF]            = { "multipleOf",            FORM_POSITIVE,     DRAFT_BOTH },
	[KEYWORD_MAXIMUM]                = { "maximum",               FORM_NUMBER,       DRAFT_BOTH },
	[KEYWORD_EXCLUSIVE_MAXIMUM]      = { "exclusiveMaximum",      FORM_NUMBER,       DRAFT_BOTH },
	[KEYWORD_MINIMUM]                = { "minimum",               FORM_NUMBER,       DRAFT_BOTH },
	[KEYWORD_EXCLUSIVE_MINIMUM]      = { "exclusiveMinimum",      FORM_NUMBER,       DRAFT_BOTH },
	[KEYWORD_MAX_LENGTH]             = { "maxLength",             FORM_COUNT,        DRAFT_BOTH },
	[KEYWORD_MIN_LENGTH]             = { "minLength",             FORM_COUNT,        DRAFT_BOTH },
	[KEYWORD_PATTERN]                = { "pattern",               FORM_PATTERN,      DRAFT_BOTH },
	[KEYWORD_FORMAT]                 = { "format",                FORM_FORMAT,       DRAFT_BOTH },
	[KEYWORD_PREFIX_ITEMS]           = { "prefixItems",           FORM_SCHEMAS,      DRAFT_2020 },
	[KEYWORD_ITEMS]                  = { "items",                 FORM_ITEMS,        DRAFT_BOTH },
	[KEYWORD_ADDITIONAL_ITEMS]       = { "additionalItems",       FORM_SCHEMA,       DRAFT_7 },
	[KEYWORD_MAX_ITEMS]              = { "maxItems",              FORM_COUNT,        DRAFT_BOTH },
	[KEYWORD_MIN_ITEMS]              = { "minItems",              FORM_COUNT,        DRAFT_BOTH },
	[KEYWORD_UNIQUE_ITEMS]           = { "uniqueItems",           FORM_FLAG,         DRAFT_BOTH },
	[KEYWORD_CONTAINS]               = { "contains",              FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_MIN_CONTAINS]           = { "minContains",           FORM_COUNT,        DRAFT_2020 },
	[KEYWORD_MAX_CONTAINS]           = { "maxContains",           FORM_COUNT,        DRAFT_2020 },
	[KEYWORD_MAX_PROPERTIES]         = { "maxProperties",         FORM_COUNT,        DRAFT_BOTH },
	[KEYWORD_MIN_PROPERTIES]         = { "minProperties",         FORM_COUNT,        DRAFT_BOTH },
	[KEYWORD_REQUIRED]               = { "required",              FORM_TEXTS,        DRAFT_BOTH },
	[KEYWORD_PROPERTIES]             = { "properties",            FORM_SCHEMA_MAP,   DRAFT_BOTH },
	[KEYWORD_PATTERN_PROPERTIES]     = { "patternProperties",     FORM_PATTERN_MAP,  DRAFT_BOTH },
	[KEYWORD_ADDITIONAL_PROPERTIES]  = { "additionalProperties",  FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_PROPERTY_NAMES]         = { "propertyNames",         FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_DEPENDENT_REQUIRED]     = { "dependentRequired",     FORM_TEXTS_MAP,    DRAFT_2020 },
	[KEYWORD_DEPENDENT_SCHEMAS]      = { "dependentSchemas",      FORM_SCHEMA_MAP,   DRAFT_2020 },
	[KEYWORD_DEPENDENCIES]           = { "dependencies",          FORM_DEPENDENCIES, DRAFT_7 },
	[KEYWORD_ALL_OF]                 = { "allOf",                 FORM_SCHEMAS,      DRAFT_BOTH },
	[KEYWORD_ANY_OF]                 = { "anyOf",                 FORM_SCHEMAS,      DRAFT_BOTH },
	[KEYWORD_ONE_OF]                 = { "oneOf",                 FORM_SCHEMAS,      DRAFT_BOTH },
	[KEYWORD_NOT]                    = { "not",                   FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_IF]                     = { "if",                    FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_THEN]                   = { "then",                  FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_ELSE]                   = { "else",                  FORM_SCHEMA,       DRAFT_BOTH },
	[KEYWORD_DEFS]                   = { "$defs",                 FORM_SCHEMA_MAP,   DRAFT_2020 },
	[KEYWORD_DEFINITIONS]            = { "definitions",           FORM_SCHEMA_MAP,   DRAFT_BOTH },
	[KEYWORD_UNEVALUATED_ITEMS]      = { "unevaluatedItems",      FORM_SCHEMA,       DRAFT_2020 },
	[KEYWORD_UNEVALUATED_PROPERTIES] = { "unevaluatedProperties", FORM_SCHEMA,       DRAFT_2020 },
};

static const struct {
	const char *name;
	unsigned bit;
} types[] = {
	{ "null", SCHEMA_NULL },     { "boolean", SCHEMA_BOOLEAN }, { "integer", SCHEMA_INTEGER },
	{ "number", SCHEMA_NUMBER }, { "string", SCHEMA_STRING },   { "array", SCHEMA_ARRAY },
	{ "object", SCHEMA_OBJECT },
};

static const struct {
	const char *name;
	enum schema_format format;
} formats[] = {
	{ "date-time", FORMAT_DATE_TIME }, { "date", FORMAT_DATE }, { "uri", FORMAT_URI },
	{ "email", FORMAT_EMAIL },         { "uuid", FORMAT_UUID },
};
/* clang-format on */

void *
schema_alloc(struct schema_compiler *c, size_t n, size_t size)
{
	void *memory = arena_calloc(c->arena, n, size);

	if (!memory && !c->is_full)
		issues_add(c->issues, "", ISSUE_LIMIT, "the schema is too large");
	c->is_full = c->is_full || !memory;
	return memory;
}

/* What is expected at a pointer, and what is there. Always -1. */
static int
offend(struct schema_compiler *c, const char *pointer, const char *expected,
	const json_t *value)
{
	char shown[LANG_SHOWN_BYTES];

	issues_add(c->issues, pointer, ISSUE_INVALID, "%s is expected, here is %s", expected,
		lang_show(value, shown));
	return -1;
}

/* --- Plain values --- */

static int
take_count(struct schema_compiler *c, struct schema_rule *rule, const char *pointer)
{
	double real = json_number_value(rule->value);

	if (!json_is_number(rule->value) || real < 0 || real > trunc(real))
		return offend(c, pointer, "a whole number, 0 or more,", rule->value);
	rule->count = json_is_integer(rule->value) ? json_integer_value(rule->value)
		: real < 0x1p63                    ? (int64_t)real
						   : INT64_MAX;
	return 0;
}

static int
take_number(struct schema_compiler *c, struct schema_rule *rule, const char *pointer,
	bool is_positive)
{
	if (!json_is_number(rule->value))
		return offend(c, pointer, "a number", rule->value);
	if (is_positive && !(json_number_value(rule->value) > 0))
		return offend(c, pointer, "a number greater than 0", rule->value);
	return 0;
}

static unsigned
type_bit(const json_t *name)
{
	for (size_t i = 0; json_is_string(name) && i < ARRAY_LEN(types); i++)
		if (strcmp(json_string_value(name), types[i].name) == 0)
			return types[i].bit;
	return 0;
}

static int
take_types(struct schema_compiler *c, struct schema_rule *rule, const char *pointer)
{
	static const char expected[] =
		"null, boolean, integer, number, string, array, object, or a list of them,";
	size_t n = json_array_size(rule->value);

	rule->types = type_bit(rule->value);
	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_array_get(rule->value, i);
		unsigned bit = type_bit(name);

		if (bit == 0 || (rule->types & bit))
			return offend(c, json_pointer_index(c->arena, pointer, i),
				bit == 0 ? expected : "each type once", name);
		rule->types |= bit;
	}
	return rule->types == 0 ? offend(c, pointer, expected, rule->value) : 0;
}

static int
check_texts(struct schema_compiler *c, const json_t *list, const char *pointer)
{
	_cleanup_(json_unrefp) json_t *seen = json_object();

	if (!json_is_array(list))
		return offend(c, pointer, "a list of names", list);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *name = json_array_get(list, i);
		const char *at = json_pointer_index(c->arena, pointer, i);

		if (!json_is_string(name))
			return offend(c, at, "a name", name);
		if (json_object_getn(seen, json_string_value(name), json_string_length(name)))
			return offend(c, at, "each name once", name);
		(void)json_object_setn_new(
			seen, json_string_value(name), json_string_length(name), json_true());
	}
	return 0;
}

static int
take_pattern(struct schema_compiler *c, struct str text, const char *pointer,
	struct lang_pattern **ret)
{
	struct err why;

	if (++c->n_patterns > JSON_SCHEMA_PATTERNS_MAX) {
		issues_add(c->issues, pointer, ISSUE_LIMIT, "more than %d patterns",
			JSON_SCHEMA_PATTERNS_MAX);
		return -1;
	}
	if (lang_pattern_compile(text, LANG_PATTERN_ECMA, c->arena, ret, &why) == 0)
		return 0;
	issues_add(c->issues, pointer, why.code == ERR_LIMIT ? ISSUE_LIMIT : ISSUE_INVALID,
		"%s", why.text);
	return -1;
}

static int
take_format(struct schema_compiler *c, struct schema_rule *rule, const char *pointer)
{
	if (!json_is_string(rule->value))
		return offend(c, pointer, "a text", rule->value);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(json_string_value(rule->value), formats[i].name) == 0)
			rule->format = formats[i].format;
	return 0;
}

/* --- Schemas inside schemas --- */

static int
take_schemas(struct schema_compiler *c, struct schema_rule *rule, const char *pointer,
	struct schema_resource *resource)
{
	size_t n = json_array_size(rule->value);

	if (n == 0)
		return offend(c, pointer, "a list of schemas that is not empty", rule->value);
	rule->entry = schema_alloc(c, n, sizeof *rule->entry);
	for (size_t i = 0; rule->entry && i < n; i++) {
		struct schema *schema = schema_compile_at(c, json_array_get(rule->value, i),
			json_pointer_index(c->arena, pointer, i), resource);

		rule->entry[rule->n++].schema = schema;
	}
	return 0;
}

/* One member of an object of schemas. */
static int
take_member(struct schema_compiler *c, struct schema_entry *entry, json_t *value,
	enum form form, const char *pointer, struct schema_resource *resource)
{
	if (form == FORM_PATTERN_MAP &&
		take_pattern(c, entry->name, pointer, &entry->pattern) < 0)
		return -1;
	if (form == FORM_TEXTS_MAP || (form == FORM_DEPENDENCIES && json_is_array(value))) {
		entry->texts = value;
		return check_texts(c, value, pointer);
	}
	entry->schema = schema_compile_at(c, value, pointer, resource);
	return entry->schema ? 0 : -1;
}

static int
take_map(struct schema_compiler *c, struct schema_rule *rule, enum form form,
	const char *pointer, struct schema_resource *resource)
{
	int r = 0;

	if (!json_is_object(rule->value))
		return offend(c, pointer, "an object", rule->value);
	rule->entry = schema_alloc(c, json_object_size(rule->value), sizeof *rule->entry);
	for (void *at = json_object_iter(rule->value); rule->entry && at;
		at = json_object_iter_next(rule->value, at)) {
		struct schema_entry *entry = &rule->entry[rule->n++];
		const char *name = json_object_iter_key(at);

		entry->name = str_from(name, json_object_iter_key_len(at));
		if (take_member(c, entry, json_object_iter_value(at), form,
			    json_pointer_member(c->arena, pointer, name), resource) < 0)
			r = -1;
	}
	return rule->entry ? r : -1;
}

static int
take_keyword(struct schema_compiler *c, enum form form, struct schema_rule *rule,
	const char *pointer, struct schema_resource *resource)
{
	switch (form) {
	case FORM_ITEMS:
	case FORM_SCHEMA:
		rule->schema = schema_compile_at(c, rule->value, pointer, resource);
		return rule->schema ? 0 : -1;
	case FORM_SCHEMAS:
		return take_schemas(c, rule, pointer, resource);
	case FORM_SCHEMA_MAP:
	case FORM_PATTERN_MAP:
	case FORM_DEPENDENCIES:
	case FORM_TEXTS_MAP:
		return take_map(c, rule, form, pointer, resource);
	case FORM_TYPES:
		return take_types(c, rule, pointer);
	case FORM_LIST:
		return json_is_array(rule->value) ? 0
						  : offend(c, pointer, "a list", rule->value);
	case FORM_NUMBER:
	case FORM_POSITIVE:
		return take_number(c, rule, pointer, form == FORM_POSITIVE);
	case FORM_COUNT:
		return take_count(c, rule, pointer);
	case FORM_FLAG:
		return json_is_boolean(rule->value)
			? 0
			: offend(c, pointer, "true or false", rule->value);
	case FORM_PATTERN:
		return json_is_string(rule->value)
			? take_pattern(c, lang_str(rule->value), pointer, &rule->pattern)
			: offend(c, pointer, "a pattern", rule->value);
	case FORM_FORMAT:
		return take_format(c, rule, pointer);
	case FORM_TEXTS:
		return check_texts(c, rule->value, pointer);
	case FORM_REF:
		return json_is_string(rule->value)
			? schema_add_ref(c, rule, rule->anchor != NULL, pointer, resource)
			: offend(c, pointer, "a reference", rule->value);
	case FORM_ANY:
		break;
	}
	return 0;
}

/* Where a keyword's rule goes: draft 7's list of items is what prefixItems became. */
static enum keyword
place_of(const struct schema_compiler *c, enum keyword keyword, const json_t *value)
{
	return keyword == KEYWORD_ITEMS && c->is_draft7 && json_is_array(value)
		? KEYWORD_PREFIX_ITEMS
		: keyword;
}

/* In draft 7 a reference stands alone, whatever is beside it. */
static bool
counts(const struct schema_compiler *c, json_t *object, enum keyword keyword)
{
	if (!(keywords[keyword].drafts & (c->is_draft7 ? DRAFT_7 : DRAFT_2020)))
		return false;
	return !c->is_draft7 || keyword == KEYWORD_REF || keyword == KEYWORD_DEFINITIONS ||
		!json_is_string(json_object_get(object, "$ref"));
}

static int
take_keywords(struct schema_compiler *c, struct schema *schema, json_t *object,
	const char *pointer, struct schema_resource *resource)
{
	int r = 0;

	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const char *name = keywords[i].name;
		json_t *value = json_object_get(object, name);
		enum keyword place = place_of(c, (enum keyword)i, value);
		struct schema_rule *rule;

		if (!value || !counts(c, object, (enum keyword)i))
			continue;
		rule = schema_alloc(c, 1, sizeof *rule);
		if (!rule)
			return -1;
		rule->value = value;
		rule->anchor = i == KEYWORD_DYNAMIC_REF ? "" : NULL;
		schema->rule[place] = rule;
		c->out->tracks = c->out->tracks || i == KEYWORD_UNEVALUATED_ITEMS ||
			i == KEYWORD_UNEVALUATED_PROPERTIES;
		if (take_keyword(c,
			    place == KEYWORD_PREFIX_ITEMS ? FORM_SCHEMAS : keywords[i].form,
			    rule, json_pointer_member(c->arena, pointer, name), resource) < 0)
			r = -1;
	}
	return r;
}

struct schema *
schema_compile_at(struct schema_compiler *c, json_t *value, const char *pointer,
	struct schema_resource *resource)
{
	struct schema *schema = map_get(&c->known, &value, sizeof value);

	if (schema)
		return schema;
	if (!json_is_object(value) && !json_is_boolean(value)) {
		offend(c, pointer, "a schema, which is an object, true or false,", value);
		return NULL;
	}
	if (++c->n_schemas > JSON_SCHEMA_NODES_MAX || c->depth >= JSON_SCHEMA_DEPTH_MAX) {
		issues_add(c->issues, pointer, ISSUE_LIMIT,
			"there are more than %d schemas, or %d inside each other",
			JSON_SCHEMA_NODES_MAX, JSON_SCHEMA_DEPTH_MAX);
		return NULL;
	}
	schema = schema_alloc(c, 1, sizeof *schema);
	if (!schema)
		return NULL;
	schema->resource = resource;
	schema->is_false = json_is_false(value);
	/* true and false are the same value everywhere. */
	if (json_is_boolean(value))
		return schema;
	(void)map_put(&c->known, &value, sizeof value, schema);
	c->depth++;
	if (schema_take_names(c, value, pointer, schema, &schema->resource) == 0)
		(void)(take_keywords(c, schema, value, pointer, schema->resource) < 0);
	c->depth--;
	return schema;
}

/* Which draft, by `$schema`. */
static int
take_draft(struct schema_compiler *c, json_t *schema)
{
	const json_t *value = json_object_get(schema, "$schema");
	struct str uri = lang_str(value);

	if (!value)
		return 0;
	if (uri.n > 0 && uri.p[uri.n - 1] == '#')
		uri.n--;
	c->is_draft7 = str_eqz(uri, "http://json-schema.org/draft-07/schema") ||
		str_eqz(uri, "https://json-schema.org/draft-07/schema");
	if (c->is_draft7 || str_eqz(uri, "https://json-schema.org/draft/2020-12/schema"))
		return 0;
	issues_add(c->issues, "/$schema", ISSUE_INVALID,
		"known are https://json-schema.org/draft/2020-12/schema and "
		"http://json-schema.org/draft-07/schema");
	return -1;
}

int
json_schema_compile(
	json_t *schema, struct arena *arena, struct json_schema **ret, struct issues *issues)
{
	struct schema_compiler c = { .arena = arena, .issues = issues };
	size_t before = issues->n + issues->n_more;
	struct schema_resource *document;

	c.out = schema_alloc(&c, 1, sizeof *c.out);
	document = schema_alloc(&c, 1, sizeof *document);
	if (!document || take_draft(&c, schema) < 0)
		return -1;
	document->uri = "json-schema:///";
	document->root = schema;
	c.resources = document;
	map_init(&c.known, MAP_KEYS_COPIED);
	c.out->steps_max = JSON_SCHEMA_STEPS_MAX;
	c.out->top = schema_compile_at(&c, schema, "", document);
	if (c.out->top)
		(void)(schema_resolve_refs(&c) < 0);
	map_deinit(&c.known);
	if (issues->n + issues->n_more > before)
		return -1;
	*ret = c.out;
	return 0;
}

void
json_schema_check_formats(struct json_schema *schema)
{
	schema->check_formats = true;
}

void
json_schema_limit_steps(struct json_schema *schema, int64_t steps)
{
	schema->steps_max = steps;
}

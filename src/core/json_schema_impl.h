/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled JSON Schema, shared by the files that compile and check, and by nobody else. */
#pragma once

#include "base/map.h"
#include "core/json_schema.h"

struct lang_pattern;
struct schema_pending;

enum {
	/* Schemas at work inside each other: several for each level of the value. */
	SCHEMA_CHECK_DEPTH_MAX = 256,
};

/* In the order in which they are checked: what looks at what others left comes behind them. */
enum keyword {
	KEYWORD_REF,
	KEYWORD_DYNAMIC_REF,
	KEYWORD_TYPE,
	KEYWORD_ENUM,
	KEYWORD_CONST,
	KEYWORD_MULTIPLE_OF,
	KEYWORD_MAXIMUM,
	KEYWORD_EXCLUSIVE_MAXIMUM,
	KEYWORD_MINIMUM,
	KEYWORD_EXCLUSIVE_MINIMUM,
	KEYWORD_MAX_LENGTH,
	KEYWORD_MIN_LENGTH,
	KEYWORD_PATTERN,
	KEYWORD_FORMAT,
	KEYWORD_PREFIX_ITEMS,
	KEYWORD_ITEMS, /* draft 7 with a list: stored as KEYWORD_PREFIX_ITEMS */
	KEYWORD_ADDITIONAL_ITEMS,
	KEYWORD_MAX_ITEMS,
	KEYWORD_MIN_ITEMS,
	KEYWORD_UNIQUE_ITEMS,
	KEYWORD_CONTAINS,
	KEYWORD_MIN_CONTAINS,
	KEYWORD_MAX_CONTAINS,
	KEYWORD_MAX_PROPERTIES,
	KEYWORD_MIN_PROPERTIES,
	KEYWORD_REQUIRED,
	KEYWORD_PROPERTIES,
	KEYWORD_PATTERN_PROPERTIES,
	KEYWORD_ADDITIONAL_PROPERTIES,
	KEYWORD_PROPERTY_NAMES,
	KEYWORD_DEPENDENT_REQUIRED,
	KEYWORD_DEPENDENT_SCHEMAS,
	KEYWORD_DEPENDENCIES,
	KEYWORD_ALL_OF,
	KEYWORD_ANY_OF,
	KEYWORD_ONE_OF,
	KEYWORD_NOT,
	KEYWORD_IF,
	KEYWORD_THEN,
	KEYWORD_ELSE,
	KEYWORD_DEFS,
	KEYWORD_DEFINITIONS,
	KEYWORD_UNEVALUATED_ITEMS,
	KEYWORD_UNEVALUATED_PROPERTIES,
	KEYWORD_COUNT,
};

/* Bits of a rule's `types`. */
enum schema_type {
	SCHEMA_NULL = 1,
	SCHEMA_BOOLEAN = 2,
	SCHEMA_INTEGER = 4,
	SCHEMA_NUMBER = 8,
	SCHEMA_STRING = 16,
	SCHEMA_ARRAY = 32,
	SCHEMA_OBJECT = 64,
};

enum schema_format {
	FORMAT_NONE,
	FORMAT_DATE_TIME,
	FORMAT_DATE,
	FORMAT_URI,
	FORMAT_EMAIL,
	FORMAT_UUID,
};

/* One of several schemas under a keyword. */
struct schema_entry {
	struct str name;              /* member or pattern, where the keyword has such */
	struct schema *schema;        /* NULL: `texts` instead */
	struct lang_pattern *pattern; /* patternProperties */
	const json_t *texts;          /* dependencies: names that are required then */
};

/* A keyword of a schema; which members mean something follows from the keyword. */
struct schema_rule {
	json_t *value;
	struct schema *schema;
	struct schema_entry *entry;
	size_t n;
	int64_t count;
	unsigned types;
	enum schema_format format;
	struct lang_pattern *pattern;
	const char *anchor; /* $dynamicRef to a $dynamicAnchor: its name */
};

struct schema {
	bool is_false; /* the schema `false` */
	struct schema_resource *resource;
	struct schema_rule *rule[KEYWORD_COUNT];
};

struct schema_anchor {
	struct schema_anchor *next;
	struct str name;
	struct schema *schema;
};

/* A schema with an address of its own: the document, and what has an $id. */
struct schema_resource {
	struct schema_resource *next;
	const char *uri;
	json_t *root;
	struct schema_anchor *anchors;         /* by either keyword */
	struct schema_anchor *dynamic_anchors; /* $dynamicAnchor alone */
};

struct json_schema {
	struct schema *top;
	bool tracks; /* an unevaluated… is somewhere */
	bool check_formats;
	int64_t steps_max; /* of one value */
};

/* --- Compiling --- */

struct schema_compiler {
	struct arena *arena;
	struct issues *issues;
	struct json_schema *out;
	bool is_draft7;
	size_t n_schemas, n_patterns;
	unsigned depth;
	struct map known;                  /* by json_t *: struct schema * */
	struct schema_resource *resources; /* the document is the last */
	struct schema_pending *pending;    /* references, not resolved yet */
	bool is_full;                      /* the arena: told once */
};

/* Compiles a schema found at the pointer; NULL when there is no room or it is none. */
struct schema *schema_compile_at(struct schema_compiler *c, json_t *value, const char *pointer,
	struct schema_resource *resource);

/* From the arena; NULL, told as an offence, when it is full. */
void *schema_alloc(struct schema_compiler *c, size_t n, size_t size);

/* Takes $id, $anchor and $dynamicAnchor of an object; *resource becomes its own. */
int schema_take_names(struct schema_compiler *c, json_t *value, const char *pointer,
	struct schema *schema, struct schema_resource **resource);

/* Remembers a reference; its rule gets the schema when all names are known. */
int schema_add_ref(struct schema_compiler *c, struct schema_rule *rule, bool is_dynamic,
	const char *pointer, struct schema_resource *resource);

/* Resolves what was remembered, and what turns up while doing so. */
int schema_resolve_refs(struct schema_compiler *c);

/* --- Checking --- */

/* Where the value is; made a JSON Pointer only for an offence. */
struct schema_place {
	const struct schema_place *up; /* NULL: the whole value */
	const char *name;              /* of a member; NULL: an item */
	size_t index;
};

/* The resources that led here; the outermost decides what $dynamicRef means. */
struct schema_scope {
	const struct schema_scope *up;
	const struct schema_resource *resource;
};

/* What schemas that fit have looked at. Members are the names in a set. */
struct schema_seen {
	json_t *members;
	bool *item;
	size_t n_items;
};

struct schema_validation {
	const struct json_schema *schema;
	struct issues *issues;
	const char *pointer;
	const struct schema_scope *scope;
	int64_t steps;
	unsigned depth;
	unsigned quiet; /* alternatives that are being tried */
	bool is_over;   /* a limit was passed: nothing fits any more */
};

/* A keyword at work. */
struct schema_look {
	struct schema_validation *v;
	const struct schema *schema;
	const struct schema_rule *rule;
	json_t *value;
	const struct schema_place *place;
	struct schema_seen *seen; /* of the schema; only where tracked */
};

/* Adds an offence unless alternatives are being tried. Always false. */
bool schema_offend(const struct schema_look *look, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The value took too much. Told once, however quiet. Always false. */
bool schema_give_up(
	struct schema_validation *v, const struct schema_place *place, const char *what);

/* Takes steps; false when there are none left. */
bool schema_pay(const struct schema_look *look, int64_t steps);

/* Whether a text matches: 1 or 0; -1: it costs too much. */
int schema_matches(
	const struct schema_look *look, const struct lang_pattern *pattern, struct str text);

/* The check of a keyword that looks at the value itself; NULL: json_schema_check.c has it. */
typedef bool schema_check_fn(const struct schema_look *look);
extern schema_check_fn *const schema_value_checks[KEYWORD_COUNT];

/* Whether a text has the format. */
bool schema_format_fits(enum schema_format format, struct str text);

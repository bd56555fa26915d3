/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the tables that schemas are written from. */
#pragma once

#include <stdbool.h>

#include "base/json.h"

enum shape {
	SHAPE_TEXT,
	SHAPE_ID,   /* UUID */
	SHAPE_TIME, /* RFC 3339 */
	SHAPE_INT,
	SHAPE_MS, /* integer milliseconds */
	SHAPE_NUM,
	SHAPE_FLAG,
	SHAPE_OBJECT, /* any members */
	SHAPE_ANY,
	SHAPE_TEXTS, /* object whose members are texts */
	SHAPE_REF,   /* `of` is a schema's name */
	SHAPE_WORD,  /* `words` are the values */
	SHAPE_CONST, /* always `of` */
};

enum {
	MAY = 1,  /* may be absent */
	LIST = 2, /* an array of the shape */
};

/* Word i of an enumeration; NULL: no such word. */
typedef const char *words_fn(int i);

struct member {
	const char *name;
	enum shape shape;
	unsigned flags;
	const char *of;
	words_fn *words;
	const char *about;
};

struct answer {
	const char *name, *about;
	const struct member *members;
	/* Members of a saved document that stand among the others: of tests of every kind, or
	 * of the named request. */
	bool has_test_members;
	const char *saved;
};

/* What a member of a request is, more exactly than its field's kind says. */
struct detail {
	const char *member;
	const char *json; /* its schema */
};

struct request {
	const char *name, *about;
	const struct json_field *fields;
	const struct detail *details;
	const char *required; /* members that the table leaves to code, separated by commas */
	bool takes_exprs;     /* "${{ … }}" may stand for any value */
};

struct plain_schema {
	const char *name, *json;
};

/* Each ends with an entry whose name is NULL. */
extern const struct answer schema_answers[];
extern const struct request schema_requests[];
extern const struct plain_schema schema_others[]; /* what no table describes */
extern const struct detail schema_test_details[]; /* of tests, whatever kind has the member */

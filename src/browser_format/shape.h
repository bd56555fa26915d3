/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of JSON values: what a table says about a document, and the three things that are made
 * of it: the check with JSON Pointers, the JSON Schema, and the knowledge of the runner which
 * parts are steps of their own.
 *
 * base/json.h decodes into structs, one kind for each member. Steps are written by people, in
 * short forms and long ones, and nest without end: that is what shapes are for. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

enum shape_kind {
	SHAPE_TEXT,     /* min … max: bytes */
	SHAPE_FLAG,     /* true or false */
	SHAPE_TRUE,     /* only true */
	SHAPE_INT,      /* min … max */
	SHAPE_NUM,      /* min … max */
	SHAPE_DURATION, /* ms as a number, or a text; min … max: ms */
	SHAPE_WORD,     /* one of words */
	SHAPE_ANY,      /* any value */
	SHAPE_OBJECT,   /* members */
	SHAPE_MAP,      /* any names, each value an item; min … max: how many */
	SHAPE_LIST,     /* of items; min … max: how many */
	SHAPE_EITHER,   /* the alternative whose JSON type the value has */
};

struct shape;

/* Ends with an entry whose name is NULL. */
struct shape_member {
	const char *name;
	const struct shape *shape;
	bool required;
	const char *about; /* one line for the schema, or NULL */
};

struct shape {
	enum shape_kind kind;
	const char *title; /* its name below $defs of the schema; NULL: written in place */
	const char *about; /* what it is, for people: "a target is expected"; or NULL */
	int64_t min, max;  /* 0, 0: not checked */
	const char *const *words;
	const struct shape_member *members;
	const struct shape *item;
	const struct shape *const *either; /* NULL-terminated, no two of one JSON type */
	const char *const *one_of;         /* exactly one of these members */
	const char *const *any_of;         /* at least one of these members */
	bool is_step;                      /* an object whose one_of are verbs */
	/* Looks at a value that fits, for what a table cannot say; or NULL. */
	void (*also)(json_t *value, const char *pointer, struct issues *issues);
};

/*
 * Checks the value and adds what is wrong to issues. A text that is one {{name}} passes where
 * another type is wanted, unless `is_filled_in`: then numbers and flags inside that stand where
 * a text is wanted become texts.
 */
void shape_check(const struct shape *shape, json_t *value, bool is_filled_in,
	const char *pointer, struct issues *issues);

/* The JSON Schema (2020-12) of a document of this shape. */
void shape_schema(const struct shape *shape, const char *id, struct jw *jw);

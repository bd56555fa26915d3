/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a request, in the form that the dialect's clients know: a list of
 * `{ code, expected, received, path, message }`, one for each offence that was found.
 *
 * The walk over the document says where it is with a chain of places on the stack, so that
 * nothing is built for a document that is right. Pure.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"

/* A member or item on the way from the document to a value; the document itself is NULL. */
struct octo_at {
	const struct octo_at *up; /* where it is; NULL: in the document */
	const char *name;         /* of a member; NULL: an item */
	size_t index;
};

#define OCTO_MEMBER(up, name) (&(const struct octo_at) { (up), (name), 0 })
#define OCTO_ITEM(up, index) (&(const struct octo_at) { (up), NULL, (index) })

struct octo_issue {
	const char *code;     /* "invalid_type", "invalid_enum_value", "too_big", …; static */
	const char *expected; /* what should stand there */
	const char *received; /* its type, or the word that stands there */
	const char *path;     /* JSON array of names and indexes */
	const char *pointer;  /* the same as a JSON Pointer */
	const char *message;  /* one sentence for people */
};

/* Initialise: { .arena = &arena }. Texts of issues and of what is decoded go there. */
struct octo_issues {
	struct arena *arena;
	struct octo_issue item[JSON_ISSUES_MAX];
	size_t n;      /* items in use */
	size_t n_more; /* offences that found no room */
};

/* `value` is what stands there, or NULL: nothing. */
void octo_issues_type(struct octo_issues *issues, const struct octo_at *at,
	const char *expected, const json_t *value);

/* A word that is none of `names` (NULL-terminated; NULL members inside are no names). */
void octo_issues_word(struct octo_issues *issues, const struct octo_at *at,
	const char *const *names, const char *word);

/* Anything else, with its own code. */
void octo_issues_add(struct octo_issues *issues, const struct octo_at *at, const char *code,
	const char *expected, const char *received, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* The body of the answer 400: an array, one object for each. */
void octo_issues_write(const struct octo_issues *issues, struct jw *jw);

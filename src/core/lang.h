/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expression language: `.state in ["FAILURE", "REVOKED"]`, `stages.login.results.url`.
 * Typed, pure, bounded; docs/protocol/expressions.md is its definition.
 *
 * An expression is parsed once into an arena and may then be evaluated any number of times, by
 * several threads at once. Errors begin with "character N: ", from 1.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct lang;

/* What an expression sees. All is borrowed. */
struct lang_scope {
	json_t *root;   /* object: the roots by name; NULL: none */
	json_t *value;  /* the value at hand, `.`; NULL: none */
	int64_t now_ms; /* now(), wall time; 0: there is none */
	int64_t *steps; /* what evaluations may take together: goes down; NULL: nobody counts */
};

/*
 * Parses; the expression and a copy of the text live in the arena. -1: INVALID with the place
 * and what was expected, LIMIT (text too long, nested too deep, arena full).
 */
int lang_parse(struct str text, struct arena *arena, struct lang **ret, struct err *err)
	MUST_CHECK;

/* The text that it was parsed from; lives as long as the expression. */
struct str lang_text(const struct lang *lang);

/*
 * Evaluates. 0: *ret is a new reference, perhaps to a part of the scope: do not change it. -1:
 * NOT_FOUND (a root, member or item is absent), INVALID (types that do not fit, a division by
 * zero, …), LIMIT (steps or size).
 */
int lang_eval(const struct lang *lang, const struct lang_scope *scope, json_t **ret,
	struct err *err) MUST_CHECK;

/* The same for a condition: anything but true and false is INVALID. */
int lang_test(const struct lang *lang, const struct lang_scope *scope, bool *ret,
	struct err *err) MUST_CHECK;

/* --- Looking at an expression before there is anything to evaluate --- */

enum {
	LANG_PATH_NAMES_MAX = 8, /* members of a path that are told */
};

/* A path that an expression reads. Texts live as long as the expression. */
struct lang_path {
	struct str root; /* "stages"; empty: the value at hand */
	/* Members behind it that are written out, up to the first that is worked out or an
	 * item's number: "login", "results" of stages.login.results[0].id. */
	struct str name[LANG_PATH_NAMES_MAX];
	size_t n;
	size_t at;       /* character of the text where the path begins, from 1 */
	bool is_guarded; /* inside exists() or the first argument of default(): may be absent */
};

typedef void lang_path_fn(void *arg, const struct lang_path *path);

/* Calls fn for every path, in the order of the text. Items inside any() and its like are left
 * out. */
void lang_each_path(const struct lang *lang, lang_path_fn *fn, void *arg);

/* Whether the expression reads this root. */
bool lang_reads(const struct lang *lang, const char *root);

/* Whether it calls now(). */
bool lang_reads_now(const struct lang *lang);

struct lang_root {
	const char *name;
	const char *const *members; /* NULL-terminated; NULL: not known yet, any is allowed */
};

/* What an expression may read. */
struct lang_rules {
	const struct lang_root *roots; /* ends with name NULL */
	bool has_value;                /* `.` */
	bool has_now;                  /* now() */
};

/*
 * Whether everything that is read is allowed. -1: INVALID with the place, and the nearest known
 * name. A guarded path may name a member that is not known, never a root that is not.
 */
int lang_check(const struct lang *lang, const struct lang_rules *rules, struct err *err)
	MUST_CHECK;

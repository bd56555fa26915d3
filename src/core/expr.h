/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions in texts of jobs, tests, templates and flows: `${{ params.url }}`. Pure.
 *
 * What may stand inside the braces is core/lang.h's. A text that is one expression and nothing
 * else becomes the value with its type; inside a longer text, texts and numbers and booleans
 * are written, other values are refused. `$${{` stands for a literal `${{`.
 *
 * Several passes use this. Each fills in the roots that it knows and leaves expressions that
 * read a root of a later pass as they are, `$${{` too; a later pass therefore gets the roots of
 * the earlier ones as well. The last pass fills in `run`, alone, when a run is leased; there
 * `$${{` becomes `${{`. What a pass inserts is escaped for the next, so that no value is ever
 * taken for an expression. docs/protocol/expressions.md has the table.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "core/lang.h"

/* All borrowed. */
struct expr_scope {
	json_t *roots;            /* object: what this pass fills in, by name */
	const char *const *later; /* roots of later passes, NULL-terminated; NULL: this is the
				     last pass, which leaves every root that it does not know */
	int64_t now_ms;           /* now(), wall time; 0: it is refused */
};

/* Names after `run.` that exist; NULL-terminated. */
extern const char *const expr_run_facts[];

/* `later` of the pass that makes a job or launches a stage (run), and of the one that starts a
 * flow (stages, flow, signals, matrix, run). */
extern const char *const expr_later_than_job[];
extern const char *const expr_later_than_flow[];

/* True when the text holds an expression or an escaped one: whether expanding changes anything.
 */
bool expr_in_text(struct str text);

/* True when the text is one expression and nothing else, whose value may have any type. */
bool expr_is_whole(struct str text);

/*
 * Expands every text inside *tree, replacing values in place (the tree must not be shared).
 * *tree itself may be replaced. 0; -1 when offences were added, with their pointers below
 * `pointer`; texts without offence are expanded even then.
 */
int expr_expand(json_t **tree, const struct expr_scope *scope, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* Called with each expression, parsed; it lives until the call returns. -1: an offence was
 * added. */
typedef int expr_each_fn(
	void *arg, const struct lang *lang, const char *pointer, struct issues *issues);

/*
 * Parses every expression of a tree and shows it, without changing or looking up anything. -1:
 * one is malformed, reads `run` beside another root, or fn said so.
 */
int expr_each(const json_t *tree, expr_each_fn *fn, void *arg, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* Whether a text of the tree may hold an expression. */
bool tree_has_expr(const json_t *tree);

/* Checks a tree against rules. */
int expr_check_rules(const json_t *tree, const struct lang_rules *rules, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* The same for texts of jobs: `run`, and `params` whose names may be known. */
int expr_check(const json_t *tree, json_t *params_or_null, const char *pointer,
	struct issues *issues) MUST_CHECK;

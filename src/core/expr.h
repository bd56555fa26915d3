/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions in texts of jobs, tests and templates: `${{ params.url }}`. Typed, no code. Pure.
 *
 * A path is a root and members or indexes: `params.user.name`, `params.hosts.0`. A text that is
 * one expression and nothing else becomes the value with its type; inside a longer text, texts
 * and numbers and booleans are written, other values are refused. `$${{` stands for a literal
 * `${{`.
 *
 * Two passes use this. When a job is made, `params` is filled in; `run.…` and `$${{` stay as
 * they are. When a run is leased, the facts of the run are filled in and `$${{` becomes `${{`.
 * What the first pass inserts is escaped, so that a parameter's value is never taken for an
 * expression.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

struct expr_scope {
	json_t *params; /* first pass: object; NULL: second pass */
	json_t *run;    /* second pass: object of the run's facts; NULL: first pass */
};

/* Names after `run.` that exist; NULL-terminated. */
extern const char *const expr_run_facts[];

/* True when the text holds an expression or an escaped one: whether expanding changes anything.
 */
bool expr_in_text(struct str text);

/* True when the text is one expression and nothing else, whose value may have any type. */
bool expr_is_whole(struct str text);

/*
 * Expands every text inside *tree, replacing values in place (the tree must not be shared).
 * *tree itself may be replaced. 0; -1 when offences were added, with their pointers below
 * `pointer`.
 */
int expr_expand(json_t **tree, const struct expr_scope *scope, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* The same without changing or looking up anything: checks syntax, roots and, when given,
 * names. */
int expr_check(const json_t *tree, json_t *params_or_null, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts and targets of a browser test that is made of a test case.
 *
 * Texts become templates (browser_format/template.h): static variables lie below {{octo}}, what
 * EXTRACT sets has its own name, what JAVASCRIPT sets lies below {{octo-script}}.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "dialects/octomind/run.h"

struct maker {
	const struct octo_run *run;
	json_t *statics, *dynamics;
	json_t *vars;      /* of the test */
	json_t *extracted; /* { NAME: "{{NAME}}" } of the steps so far */
	bool follows_tabs; /* pages are closed: what a click opens is gone to */
	bool is_too_long;  /* a text passed its limit */
};

/* A text of a case as a template. */
json_t *maker_text(struct maker *m, const char *text);

/* The same of code, in which variables have no place: it gets them as an object. */
json_t *maker_code(struct maker *m, const char *code);

/* The target of a chain of selectors that octo_refusal() has nothing against. */
json_t *maker_target(struct maker *m, const struct octo_selectors *selectors);

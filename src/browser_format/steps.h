/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of `browser` tests (docs/protocol/browser-tests.md): one table of verbs for the
 * check at submit, the JSON Schema and the runner. Pure.
 */
#pragma once

#include <jansson.h>

#include "base/json.h"
#include "browser_format/library.h"
#include "browser_format/shape.h"

enum verb {
	VERB_OPEN,
	VERB_RELOAD,
	VERB_BACK,
	VERB_FORWARD,
	VERB_TAB,
	VERB_CLICK,
	VERB_DOUBLE_CLICK,
	VERB_TAP,
	VERB_HOVER,
	VERB_FOCUS,
	VERB_CHECK,
	VERB_UNCHECK,
	VERB_CLEAR,
	VERB_TYPE,
	VERB_PRESS,
	VERB_SELECT,
	VERB_UPLOAD,
	VERB_DRAG,
	VERB_SCROLL,
	VERB_WAIT,
	VERB_EXPECT,
	VERB_EXTRACT,
	VERB_EVAL,
	VERB_SCREENSHOT,
	VERB_LOG,
	VERB_SET,
	VERB_USE,
	VERB_GROUP,
	VERB_THEN,
	VERB_REPEAT,
	VERB_FAIL,
	VERB_SKIP,
	VERB_DIALOG,
	VERB_DOWNLOAD,
	VERB_COOKIES,
	VERB_STORAGE,
	VERB_AUTH,
	VERB_MOCK,
	VERB_NETWORK,
	VERB_VIEWPORT,
	VERB_COUNT
};

/* How long a step may wait when it does not say. */
enum verb_patience {
	PATIENCE_NONE, /* waits for nothing */
	PATIENCE_ACTION,
	PATIENCE_EXPECT,
	PATIENCE_NAVIGATION,
};

/* "click", … */
const char *verb_name(enum verb verb);
enum verb_patience verb_patience(enum verb verb);

/* The verb of a checked step, and its value. */
enum verb step_verb(json_t *step, json_t **ret_value);

/* Shapes that are used alone too. */
extern const struct shape steps_shape;  /* a list of steps */
extern const struct shape step_shape;   /* one step */
extern const struct shape target_shape; /* names elements */
extern const struct shape browser_test_shape;

/*
 * What a subject of `expect` is: the names of an expectation's one_of, NULL-terminated; and of
 * the comparisons.
 */
extern const char *const expect_subjects[];
extern const char *const comparison_names[];

/*
 * Checks everything of a test that is particular to browser tests: steps, hooks, vars, library
 * and what `use` names, there or in the libraries around it (NULL: none). Adds what is wrong to
 * issues.
 */
void browser_test_check(json_t *test, const struct libraries *around, const char *pointer,
	struct issues *issues);

/* The same of a library that stands in a fixture or job. */
void browser_library_check(json_t *library, const struct libraries *around, const char *pointer,
	struct issues *issues);

/* The JSON Schema of a browser test, indented. -1: it does not fit into the buffer. */
int browser_test_schema(struct buf *out) MUST_CHECK;

/*
 * Checks one step whose variables have been filled in: what stood for a value of another type
 * must be one now. -1 with err INVALID: the first offence, with its place in the step.
 */
int step_check_filled(json_t *step, struct err *err) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named steps that stand outside of the tests which use them: in a fixture, in a job. The
 * nearest library that has a name counts. Pure.
 */
#pragma once

#include <jansson.h>

enum { LIBRARIES_MAX = 2 }; /* around a test: its fixture's and its job's */

/* From near to far; borrowed objects, or NULL. */
struct libraries {
	json_t *around[LIBRARIES_MAX];
};

/* The steps of that name; NULL: there are none. `own` is the test's, `around` may be NULL. */
json_t *library_find(json_t *own, const struct libraries *around, const char *name);

/* The name that a `use` says; NULL: none, or one that variables decide at run time. */
const char *library_used(json_t *use);

/*
 * Puts into the library of a browser test, with its setup and teardown, what it uses of those
 * around it, through whatever its entries use: all of it when a name is decided at run time.
 * What stands in the test is not changed, only added to.
 */
void library_lend(json_t *test, const struct libraries *around);

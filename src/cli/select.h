/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -g and --project: which tests of a job are run. Playwright and TestCafe look into their
 * files by themselves; of all other tests the name decides.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

/*
 * Narrows the job's tests and fixtures; hooks stay. grep: a regular expression, looked for in a
 * test's name, and in its fixture's name and its own with a space between them; NULL: all.
 * project: of the Playwright configuration; NULL: all. INVALID when nothing is left, when an
 * option means no test of this job, or for an expression that is none.
 */
int select_tests(json_t *job, const char *grep, const char *project, struct err *err)
	MUST_CHECK;

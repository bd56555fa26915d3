/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octomind's test cases as `browser` tests of ours (docs/protocol/browser-tests.md).
 *
 * One test for one case: its prerequisites are groups of steps before it in the same browser,
 * teardowns are groups in `after`, the innermost first; they run when their case began, and
 * their failure is a warning. What cannot be carried out here (an e-mail, code in a sandbox,
 * browsers other than Chromium) is a step that ends the test as `errored`
 * and says so; with ignoreFailure it is a line in the log. docs/protocol/octomind-cases.md.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "dialects/octomind/run.h"

/*
 * The test { name, kind, tags, config, vars, steps, after, testIdAttribute }, owned by the
 * caller. NULL with err: LIMIT when the chain has more steps than a test may have, INVALID when
 * the test is not as it must be (an address that is none).
 */
json_t *octo_to_browser(
	const struct octo_chain *chain, const struct octo_run *run, struct err *err) MUST_CHECK;

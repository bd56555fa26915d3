/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which variables a process must have had from its start: Node, Playwright and what they load read
 * these while they load, or hand them to a thread that is running already. All others are looked at
 * when they are needed, or by the test's own code, which is never loaded early.
 */
"use strict";

const EARLY = /^(NODE_|PW|PLAYWRIGHT_|DEBUG|FORCE_COLOR$|NO_COLOR$|COLORTERM$|TERM|LD_|LANG$|LC_|XDG_|HOME$|PATH$|TMPDIR$|BABEL_|BROWSERSLIST|BABEL|UV_|INIT_CWD$)|proxy/i;
/* Of these, the ones that Playwright reads late, and those that it sets for itself while it loads. */
const LATE = new Set(["PLAYWRIGHT_TEST", "BROWSERSLIST_IGNORE_OLD_DATA",
	"PLAYWRIGHT_HTML_OUTPUT_DIR", "PLAYWRIGHT_HTML_REPORT", "PLAYWRIGHT_BLOB_OUTPUT_FILE",
	"PLAYWRIGHT_TEST_BASE_URL", "PW_TEST_CONNECT_WS_ENDPOINT"]);

/* The name of a variable that speaks against going from one environment to the other, if any. */
function
differs(before, after)
{
	const names = new Set([...Object.keys(before), ...Object.keys(after)]);
	for (const name of names) {
		if (before[name] !== after[name] && EARLY.test(name) && !LATE.has(name))
			return name;
	}
	return undefined;
}

/*
 * Gives this process, started with the variables `before`, those of `after`. What was set since, by
 * what was loaded, stays: a process that loads it later has it too.
 */
function
assume(before, after)
{
	for (const name of Object.keys(before)) {
		if (!Object.hasOwn(after, name))
			delete process.env[name];
	}
	for (const [name, value] of Object.entries(after)) {
		if (value !== undefined)
			process.env[name] = value;
	}
}

module.exports = { differs, assume };

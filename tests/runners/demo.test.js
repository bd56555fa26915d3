/* SPDX-License-Identifier: Apache-2.0 */
/* The demonstration's own check: it must notice when Proctor did not do what it should. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { spawnSync } = require("child_process");
const { test } = require("node:test");
const { temporary } = require("./peer");

const DEMO = path.join(__dirname, "../../examples/shop/demo.sh");

const ERROR = { message: "no", file: "contact.spec.ts", line: 10 };
const CASES = [
	{ title: "deliberate failure: x", status: "failed", error: ERROR },
	{ title: "flaky on purpose: y", status: "flaky" },
	...Array.from({ length: 10 }, (_, n) => ({ title: `t${n}`, status: "passed" })),
];

/* Runs the demonstration with a program in Proctor's place that leaves the given traces. */
function
demo(t, { status = 1, cases = CASES, files = ["html", "junit", "json"] } = {})
{
	const base = temporary(t);
	const report = { tests: [{ units: [{ runs: [{ cases: [] }, { cases }] }] }] };
	fs.writeFileSync(path.join(base, "report.json"), JSON.stringify(report));
	const proctor = path.join(base, "proctor");
	fs.writeFileSync(proctor, `#!/bin/sh
shift 2
while [ $# -gt 0 ]; do
	case " ${files.map((file) => `--${file}`).join(" ")} " in *" $1 "*) cp ${base}/report.json "$2" ;; esac
	shift 2
done
exit ${status}
`, { mode: 0o755 });
	return spawnSync(DEMO, { encoding: "utf8", cwd: base,
		env: { ...process.env, PROCTOR_BIN: proctor, DEMO_DIR: path.join(base, "demo") } });
}

test("exactly the expected failure: success, and the way to the report and the server", (t) => {
	const { status, stdout, stderr } = demo(t);
	assert.equal(status, 0, stderr);
	assert.match(stdout, /Report +demo\/report\.html/);
	assert.match(stdout, /proctor serve --data demo\/data/);
});

const WRONG = {
	"the run passes": [{ status: 0 }, /status 0/],
	"the environment fails": [{ status: 4 }, /status 4/],
	"another test fails": [{ cases: [...CASES.slice(0, 11), { title: "t9", status: "failed", error: ERROR }] }, /one failed test/],
	"the failure has no place": [{ cases: [{ ...CASES[0], error: { message: "no" } }, ...CASES.slice(1)] }, /file and line/],
	"the flaky test is not flaky": [{ cases: [CASES[0], { ...CASES[1], status: "passed" }, ...CASES.slice(2)] }, /one flaky test/],
	"a test is missing": [{ cases: CASES.slice(0, 11) }, /12 tests were expected, not 11/],
	"no page is written": [{ files: ["json", "junit"] }, /report\.html was not written/],
	"no results are written": [{ files: ["html", "junit"] }, /ENOENT/],
};

for (const [what, [traces, pattern]] of Object.entries(WRONG)) {
	test(`noticed: ${what}`, (t) => {
		const { status, stderr } = demo(t, traces);
		assert.equal(status, 1);
		assert.match(stderr, pattern);
	});
}

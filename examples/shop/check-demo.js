/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the JSON report of the demo: the expected failure, the expected flaky test, nothing else. */
"use strict";

const fs = require("fs");

const TESTS = 12;
const FAILURE = /^deliberate failure: /;
const FLAKY = /^flaky on purpose: /;

/* The cases of the last attempt at every unit of every test. */
function
lastCases(report)
{
	return report.tests.flatMap((test) => test.units)
		.flatMap((unit) => unit.runs[unit.runs.length - 1].cases || []);
}

function
problems(report)
{
	const cases = lastCases(report);
	const titles = (status) => cases.filter((one) => one.status === status).map(({ title }) => title);
	const found = [];
	const expectOnly = (status, pattern) => {
		const list = titles(status);
		if (list.length !== 1 || !pattern.test(list[0]))
			found.push(`one ${status} test (${pattern.source}…) was expected, not ${JSON.stringify(list)}`);
	};
	if (cases.length !== TESTS)
		found.push(`${TESTS} tests were expected, not ${cases.length}`);
	expectOnly("failed", FAILURE);
	expectOnly("flaky", FLAKY);
	if (titles("passed").length !== TESTS - 2)
		found.push(`${TESTS - 2} passed tests were expected, not ${titles("passed").length}`);
	const failure = cases.find(({ status }) => status === "failed");
	if (failure && !(failure.error && failure.error.file && failure.error.line > 0))
		found.push("the failure does not name its file and line");
	return found;
}

const found = problems(JSON.parse(fs.readFileSync(process.argv[2], "utf8")));
for (const problem of found)
	console.error(`demo: ${problem}`);
process.exitCode = found.length > 0 ? 1 : 0;

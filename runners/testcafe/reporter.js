/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reporter plugin of TestCafe that hands on what happens as messages. Every method waits until
 * the message is taken, and TestCafe waits for the method: a slow worker slows the run, not its
 * memory.
 */
"use strict";

const STEPS_MAX = 5000; /* of one test; a loop in a test must not flood the job's events */
const TEXT_MAX = 300;

/*
 * Returns the plugin's factory. send(message) resolves when there is room for the next one;
 * fileOf(id) is the file of a test, as far as it is known when the tests begin.
 */
function
reporter(send, fileOf)
{
	return () => ({
		noColors: true,
		steps: new Map(), /* test's id → number of its steps so far */

		reportTaskStart(startTime, userAgents, testCount, structure) {
			return send({ type: "begin", userAgents, total: testCount, tests: listTests(structure, fileOf) });
		},

		reportFixtureStart() {},

		reportTestStart(name, meta, { testId, skipped }) {
			return skipped ? undefined : send({ type: "testBegin", id: testId });
		},

		reportTestActionDone(name, { command, test, err, duration }) {
			const n = (this.steps.get(test.id) || 0) + 1;
			this.steps.set(test.id, n);
			if (n > STEPS_MAX)
				return undefined;
			return send({ type: "step", id: test.id, title: titleOf(name, command), durationMs: duration,
				error: err && stepError(err) });
		},

		reportTestDone(name, info, meta) {
			const steps = this.steps.get(info.testId) || 0;
			return send({
				type: "testEnd", id: info.testId, title: name, meta, fixture: info.fixture,
				skipped: Boolean(info.skipped), unstable: Boolean(info.unstable), durationMs: info.durationMs,
				errors: info.errs.map((error) => this.shape(error)), warnings: info.warnings,
				attempts: this.attemptsOf(info), screenshots: info.screenshots, videos: info.videos,
				reportData: Object.values(info.reportData || {}).flat(),
				browsers: info.browsers.map(({ testRunId, prettyUserAgent, alias }) =>
					({ testRunId, name: prettyUserAgent || alias })),
				stepsLeftOut: Math.max(0, steps - STEPS_MAX),
			});
		},

		reportWarnings({ message, testRunId }) {
			return send({ type: "warning", text: message, testRunId });
		},

		reportTaskDone(endTime, passed, warnings) {
			return send({ type: "done", warnings });
		},

		/* Quarantine: {passed, errors} of each attempt of each browser; nothing without it. */
		attemptsOf({ quarantine, browsers }) {
			if (!quarantine)
				return [];
			const lists = browsers.map((one) => (one.quarantineAttemptsTestRunIds || []).map((id) => quarantine[id]));
			const longest = Math.max(0, ...lists.map((list) => list.length));
			return Array.from({ length: longest }, (none, n) => {
				const found = lists.map((list) => list[n]).filter(Boolean);
				return {
					passed: found.every((one) => one.passed),
					errors: found.flatMap(({ errors = [] }) => errors).map((error) => this.shape(error)),
				};
			});
		},

		/* One error: TestCafe's own text of it and, apart, what a program can use. */
		shape(error) {
			let text;
			try {
				text = this.formatError(error);
			} catch {
				text = String(error.errMsg || error.message || error.code);
			}
			return { code: error.code, text, place: placeOf(error), browser: error.userAgent,
				screenshot: error.screenshotPath, testRunId: error.testRunId };
		},
	});
}

/* [{id, title, fixture, file?}] in source order. */
function
listTests(structure, fileOf)
{
	return (structure || []).flatMap(({ fixture }) => fixture.tests.map(({ id, name }) =>
		({ id, title: name, fixture: fixture.name, file: fileOf(id) })));
}

function
placeOf({ callsite })
{
	if (!callsite || typeof callsite !== "object")
		return undefined;
	const frame = callsite.stackFrames && callsite.stackFrames[callsite.callsiteFrameIdx];
	const file = callsite.filename || (frame && frame.getFileName && frame.getFileName());
	if (!file)
		return undefined;
	/* TestCafe counts lines from 0. */
	const line = Number.isInteger(callsite.lineNum) ? callsite.lineNum + 1 : undefined;
	return { file: file.replace(/^file:\/\//, ""), line };
}

/* `click Selector('#add')`, `expect eql "3"`: what was done to what. */
function
titleOf(name, command)
{
	if (command.type === "assertion")
		return clip(`expect ${command.assertionType} ${[command.expected, command.expected2]
			.filter((value) => value !== undefined).map((value) => JSON.stringify(value)).join(", ")}`);
	const words = [name];
	if (command.selector)
		words.push(command.selector.expression || String(command.selector));
	/* TestCafe itself covers the text of password fields and what is said to be confidential. */
	if (typeof command.text === "string")
		words.push(JSON.stringify(command.text));
	for (const member of ["url", "keys", "phase"]) {
		if (typeof command[member] === "string")
			words.push(command[member]);
	}
	return clip(words.join(" "));
}

function
clip(text)
{
	const line = text.replace(/\s+/g, " ").trim();
	return line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX - 1)}…` : line;
}

function
stepError(error)
{
	return { message: String(error.errMsg || error.message || error.code || error), place: placeOf(error) };
}

module.exports = { reporter, titleOf };

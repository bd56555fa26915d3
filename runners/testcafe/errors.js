/* SPDX-License-Identifier: Apache-2.0 */
/* Makes TestCafe's errors into the protocol's, and tells the product's fault from the machine's. */
"use strict";

const path = require("path");

/* eslint-disable-next-line no-control-regex */
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;
const FOREIGN = /\/node_modules\/|\bnode:/;
const ASSERTION = "E53";
const TIME_LIMIT = "E84";

/* What ends a run before or between its tests, by TestCafe's name of it. The rest is `testcafe`. */
const FAILURES = {
	browserDisconnected: "browser_disconnected",
	cannotRunAgainstDisconnectedBrowsers: "browser_disconnected",
	cannotEstablishBrowserConnection: "browser_launch",
	unableToOpenBrowser: "browser_launch",
	browserConnectionError: "browser_launch",
	cannotFindBrowser: "browser_missing",
	browserProviderNotFound: "browser_missing",
	cannotRunLocalNonHeadlessBrowserWithoutDisplay: "browser_missing",
	cannotFindFFMPEG: "ffmpeg_missing",
	testFilesNotFound: "no_tests",
	noTestsToRun: "no_tests",
	noTestsToRunDueFiltering: "no_tests",
	testedAppFailedWithError: "web_server",
	portIsNotFree: "port_in_use",
	uncaughtErrorInReporter: "reporter",
};

/* Everything that the suite's owner has written and TestCafe refuses. */
const CONFIG = /^(cannot(Prepare|Parse|Read|Find|Set|Customize|Enable|Import|Load|Divide)|invalid|optionValue|browserNotSet|forbidden|relative|setNative|setUser|multiple|client|typeScript|ports|role|selector|uncaught)/;

function
plain(text)
{
	return typeof text === "string" ? text.replace(ANSI, "") : text;
}

function
reasonOfFailure({ name })
{
	if (!name)
		return "testcafe";
	return FAILURES[name] || (CONFIG.test(name) ? "config" : "testcafe");
}

/*
 * A run that TestCafe ended with an error of its own: its first place in a file of the project, and
 * the text without the calls.
 */
function
shapeFailure({ message }, root)
{
	const text = plain(message).trim();
	const calls = text.split("\n").filter((line) => /^\s+at /.test(line) && !FOREIGN.test(line));
	const head = text.split("\n").filter((line) => !/^\s+at /.test(line)).join("\n").trim();
	const place = [...calls, head].map(placeIn).find((one) => one && !FOREIGN.test(one.file));
	return { message: head || "TestCafe ended without a word",
		stack: calls.length > 0 ? calls.map((line) => line.trim()).join("\n") : undefined,
		...(place ? { ...place, file: relative(root, place.file) } : {}) };
}

/* "/dir/a.js:3:7", "/dir/a.js: … (3:7)", "/dir/a.ts (3, 7)" */
function
placeIn(text)
{
	const match = /(\/[^\s:()"']+\.[cm]?[jt]sx?)(?::(\d+)(?::(\d+))?|[^\n]*\((\d+)[:,] ?(\d+)\))/.exec(text);
	if (!match)
		return undefined;
	return { file: match[1], line: Number(match[2] || match[4]), column: Number(match[3] || match[5]) || undefined };
}

/*
 * One error of a test, from TestCafe's own text: message, browser and screenshot lines, the lines
 * of the source, the calls. What the protocol has a member for is taken out of the text.
 */
function
shapeError({ text, place }, root, fallback)
{
	const lines = plain(text).split("\n");
	const isCode = (line) => /^\s*(> )?\s*\d+ \|/.test(line);
	const isCall = (line) => /^\s+at /.test(line);
	const isNote = (line) => /^(Browser: |Screenshot: )/.test(line.trim());
	const message = lines.filter((line) => !isCode(line) && !isCall(line) && !isNote(line))
		.join("\n").replace(/\n{3,}/g, "\n\n").trim();
	const snippet = lines.filter(isCode).map((line) => line.replace(/^ {3}/, "  ").replace(/^ > /, "> "));
	const calls = lines.filter(isCall).map((line) => line.trim());
	const at = place || placeIn(calls[0] || "") || fallback || {};
	return {
		message: message || "The test failed without an error",
		stack: calls.length > 0 ? calls.join("\n") : undefined,
		snippet: snippet.length > 0 ? snippet.join("\n") : undefined,
		file: at.file && relative(root, at.file),
		line: at.line,
		...comparison(message),
	};
}

/* Several errors of one test are one of the protocol: the first one's places, everybody's words. */
function
shapeErrors(errors, root, fallback)
{
	const shaped = errors.map((error) => shapeError(error, root, fallback));
	const first = shaped[0] || shapeError({ text: "" }, root, fallback);
	const more = shaped.slice(1).map(({ message }) => message).filter((message) => message !== first.message);
	return { ...first, message: [first.message, ...more].join("\n\n") };
}

/* The two sides from "AssertionError: expected 1 to deeply equal 2". */
function
comparison(message)
{
	const match = /AssertionError: (?:.*: )?expected (.+?) (?:not )?to (?:deeply |strictly )?equal (.+)$/m.exec(message);
	return match ? { actual: match[1], expected: match[2] } : {};
}

function
reasonOf(errors)
{
	const codes = errors.map(({ code }) => code);
	if (codes.includes(ASSERTION))
		return "assertion";
	return codes.includes(TIME_LIMIT) ? "test_timeout" : "test_failed";
}

function
relative(root, file)
{
	const name = path.relative(root, file);
	return name.startsWith(".." + path.sep) ? file : name;
}

module.exports = { plain, placeIn, reasonOf, reasonOfFailure, relative, shapeErrors, shapeFailure };

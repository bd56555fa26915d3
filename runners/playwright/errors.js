/* SPDX-License-Identifier: Apache-2.0 */
/* Makes errors of Playwright readable for people, and tells the product's fault from the machine's. */
"use strict";

const path = require("path");

/* eslint-disable-next-line no-control-regex */
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

/*
 * What a missing or broken environment looks like in Playwright's words, in the order in which it
 * is looked for. isFatal: every other test would fail the same way, so the run ends at once.
 */
const ENVIRONMENT = [
	{
		sign: /Video rendering requires ffmpeg|Executable doesn't exist at \S*ffmpeg/,
		reason: "ffmpeg_missing",
		isFatal: true,
		text: "Recording video needs ffmpeg. Install it on the worker's machine: apt-get install ffmpeg",
	},
	{
		sign: /Executable doesn't exist at \S*\/(?:chrome-linux|chromium-)\S*\/chrome\b/,
		reason: "browser_missing",
		isFatal: true,
		text: "The test asks for full Chromium, which is not there. Install it on the worker's machine: "
			+ "apt-get install chromium (the headless shell is enough without `channel` and `headless: false`)",
	},
	{
		sign: /Executable doesn't exist at \S*(?:chrom|headless)/,
		reason: "browser_missing",
		isFatal: true,
		text: "Chromium is not there. Install it on the worker's machine: apt-get install chromium-headless-shell",
	},
	{
		sign: /Executable doesn't exist at|distribution '[^']*' is not found/,
		reason: "browser_unavailable",
		isFatal: false,
		text: "The test asks for a browser that this worker does not have; Debian's Chromium is what there is",
	},
	{
		sign: /browserType\.launch(?:PersistentContext|Server)?:/,
		reason: "browser_launch",
		isFatal: false,
	},
	{
		sign: /worker process exited unexpectedly|Worker process failed to start/i,
		reason: "worker_exited",
		isFatal: false,
	},
];

function
plain(text)
{
	return typeof text === "string" ? text.replace(ANSI, "") : text;
}

/* The environment's fault behind a message: {reason, isFatal, text?}, or undefined. */
function
environmentFault(message)
{
	return ENVIRONMENT.find(({ sign }) => sign.test(message));
}

/*
 * Joins what Playwright says about one failed attempt to one error of the protocol. A time limit
 * is told first and without a place, the call that was waiting second and with it.
 */
function
shapeErrors(errors, root, fallback)
{
	const located = errors.find((one) => one.location) || errors[0];
	const first = errors[0];
	let message = located ? wording(located.message) : "The test failed without an error";
	if (first && first !== located)
		message = `${wording(first.message)}\n${message}`;
	const fault = environmentFault(message);
	if (fault && fault.text)
		message = `${fault.text}\n\n${message}`;
	return {
		message,
		stack: located && frames(located.stack),
		snippet: located && plain(located.snippet),
		...place(located && located.location, root, fallback),
		...comparison(message),
	};
}

/* "Error: " in front of a text that is shown as an error says nothing; "TypeError: " does. */
function
wording(message)
{
	return plain(message).replace(/^Error: /, "").trimEnd();
}

const FOREIGN = /node_modules\/(?:@playwright|playwright)|node:internal|<anonymous>\)$/;

/* The calls alone: the message is told elsewhere, and functions that are not the user's help nobody. */
function
frames(stack)
{
	const calls = plain(stack || "").split("\n")
		.filter((line) => /^ +at /.test(line) && !FOREIGN.test(line) && !line.includes(__dirname));
	return calls.length > 0 ? calls.map((line) => line.trim()).join("\n") : undefined;
}

function
place(location, root, fallback)
{
	const at = location || fallback;
	if (!at || !at.file)
		return {};
	return { file: relative(root, at.file), line: at.line, column: at.column };
}

function
relative(root, file)
{
	const name = path.relative(root, file);
	return name.startsWith(".." + path.sep) ? file : name;
}

/* The two sides of a comparison, from lines such as `Expected string: "a"` and `Received: "b"`. */
function
comparison(message)
{
	const expected = /^Expected[^:\n]*: *(.+)$/m.exec(message);
	const actual = /^Received[^:\n]*: *(.+)$/m.exec(message);
	return {
		expected: expected ? expected[1] : undefined,
		actual: actual ? actual[1] : undefined,
	};
}

const FILE = "(\\/[^\\s:()]+\\.[cm]?[jt]sx?)";
const AT_FRAME = new RegExp(`${FILE}:(\\d+):(\\d+)`);
const AT_SYNTAX = new RegExp(`${FILE}:[^\\n]*\\((\\d+):(\\d+)\\)`);
const CODE_FRAME = /\n+((?:^>? +\d* ?\|.*\n?)+)/m;

/*
 * The error that the command line printed before any reporter was there to be told: the text up to
 * the calls, the code frame apart from it, and the first place that is the user's own.
 */
function
fromOutput(output, root)
{
	const text = plain(output).trim();
	const head = text.split(/\n +at /)[0].trim() || "Playwright ended without a word";
	const code = CODE_FRAME.exec(head);
	const location = AT_SYNTAX.exec(head) || AT_FRAME.exec(frames(text) || head);
	return {
		message: wording(code ? head.replace(code[0], "").trim() : head),
		snippet: code ? code[1].trimEnd() : undefined,
		stack: frames(text),
		...(location && !location[1].includes("/node_modules/")
			? { file: relative(root, location[1]), line: Number(location[2]), column: Number(location[3]) }
			: {}),
	};
}

module.exports = { plain, environmentFault, shapeErrors, fromOutput, relative };

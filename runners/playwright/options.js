/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the `config` of job and test into what Playwright understands: arguments of its command
 * line, and members of `use` that win over the project's own configuration.
 *
 * Each option is one row: how it is checked, and where it goes. A name that is not in the table is
 * left out with a warning, because a job's config may serve tests of several kinds.
 */
"use strict";

const { Refusal } = require("./refusal");

const CAPTURE = {
	video: words({ off: "off", on: "on", "on-failure": "retain-on-failure", "on-retry": "on-first-retry" }),
	screenshot: words({ off: "off", on: "on", "on-failure": "only-on-failure" }),
	trace: words({ off: "off", on: "on", "on-failure": "retain-on-failure", "on-retry": "on-first-retry" }),
};

const OPTIONS = {
	video: { check: CAPTURE.video, use: "video" },
	screenshot: { check: CAPTURE.screenshot, use: "screenshot" },
	trace: { check: CAPTURE.trace, use: "trace" },
	viewport: { check: viewport, use: "viewport" },
	baseURL: { check: text, use: "baseURL" },
	locale: { check: text, use: "locale" },
	timezone: { check: text, use: "timezoneId" },
	userAgent: { check: text, use: "userAgent" },
	colorScheme: { check: words({ light: "light", dark: "dark", "no-preference": "no-preference" }), use: "colorScheme" },
	reducedMotion: { check: flag, context: (value) => ({ reducedMotion: value ? "reduce" : "no-preference" }) },
	ignoreHTTPSErrors: { check: flag, use: "ignoreHTTPSErrors" },
	offline: { check: flag, use: "offline" },
	actionTimeout: { check: integer(0, 86400000), use: "actionTimeout" },
	navigationTimeout: { check: integer(0, 86400000), use: "navigationTimeout" },
	retries: { check: integer(0, 100), args: (value) => [`--retries=${value}`] },
	workers: { check: integer(1, 64), args: (value) => [`--workers=${value}`] },
	testTimeout: { check: integer(0, 86400000), args: (value) => [`--timeout=${value}`] },
	repeatEach: { check: integer(1, 10000), args: (value) => [`--repeat-each=${value}`] },
	maxFailures: { check: integer(0, 10000), args: (value) => [`--max-failures=${value}`] },
	blob: { check: flag, reporter: (value) => (value ? ["blob"] : []) },
	fullyParallel: { check: flag, args: (value) => (value ? ["--fully-parallel"] : []) },
};

/*
 * Reads request.config and request.test.config (the test's wins, member by member).
 * Returns {args, use, reporters, unknown}.
 */
function
readOptions(request, defaults = {})
{
	const config = { workers: 1, ...defaults, ...request.config, ...request.test.config };
	const options = { args: [], use: {}, reporters: [], unknown: [] };
	for (const [name, value] of Object.entries(config)) {
		if (value === undefined || value === null)
			continue;
		if (!Object.hasOwn(OPTIONS, name)) {
			options.unknown.push(name);
			continue;
		}
		apply(options, OPTIONS[name], OPTIONS[name].check(value, name));
	}
	options.args.push(...selection(request.test));
	return options;
}

function
apply(options, row, value)
{
	if (row.use)
		options.use[row.use] = value;
	if (row.context)
		options.use.contextOptions = { ...options.use.contextOptions, ...row.context(value) };
	if (row.reporter)
		options.reporters.push(...row.reporter(value));
	if (row.args)
		options.args.push(...row.args(value));
}

/* Which tests: grep, grepInvert, projectName (one or several). */
function
selection(test)
{
	const args = [];
	for (const [member, option] of [["grep", "--grep"], ["grepInvert", "--grep-invert"]]) {
		if (test[member] !== undefined)
			args.push(`${option}=${pattern(test[member], member)}`);
	}
	const projects = test.projectName === undefined ? [] : [test.projectName].flat();
	for (const name of projects)
		args.push(`--project=${text(name, "projectName")}`);
	return args;
}

function
pattern(value, name)
{
	try {
		return new RegExp(text(value, name)) && value;
	} catch (error) {
		throw new Refusal("config", `${name} is not a regular expression: ${error.message}`);
	}
}

function
refuse(name, wanted, value)
{
	throw new Refusal("config", `config.${name} must be ${wanted}, not ${JSON.stringify(value)}`);
}

function
text(value, name)
{
	return typeof value === "string" && value !== "" && value.length <= 4096 ? value : refuse(name, "text", value);
}

function
flag(value, name)
{
	return typeof value === "boolean" ? value : refuse(name, "true or false", value);
}

function
integer(min, max)
{
	return (value, name) => Number.isInteger(value) && value >= min && value <= max
		? value : refuse(name, `a whole number from ${min} to ${max}`, value);
}

/* Our words, and Playwright's own as they are; true and false for on and off. */
function
words(table)
{
	return (value, name) => {
		const word = value === true ? "on" : value === false ? "off" : value;
		if (Object.hasOwn(table, word))
			return table[word];
		if (Object.values(table).includes(word))
			return word;
		return refuse(name, `one of ${Object.keys(table).join(", ")}`, value);
	};
}

function
viewport(value, name)
{
	const isSize = (side) => Number.isInteger(side) && side >= 1 && side <= 16384;
	if (value !== null && typeof value === "object" && isSize(value.width) && isSize(value.height))
		return { width: value.width, height: value.height };
	return refuse(name, "{width, height} in pixels", value);
}

module.exports = { readOptions };

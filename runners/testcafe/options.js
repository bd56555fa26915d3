/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the members and the `config` of job and test into options of TestCafe's runner.
 *
 * Each option is one row: how it is checked and what TestCafe calls it. A name that is not in the
 * table is left out with a warning, because a job's config may serve tests of several kinds.
 */
"use strict";

const { Refusal } = require("./refusal");

const DAY_MS = 86400000;
const FILTER_WORDS_MAX = 4096;
const PLAIN_BROWSERS = new Set(["chromium", "chrome", "edge", "firefox"]);

const OPTIONS = {
	concurrency: { check: integer(1, 64) },
	speed: { check: number(0.01, 1) },
	selectorTimeout: { check: integer(0, DAY_MS) },
	assertionTimeout: { check: integer(0, DAY_MS) },
	pageLoadTimeout: { check: integer(0, DAY_MS) },
	pageRequestTimeout: { check: integer(0, DAY_MS) },
	ajaxRequestTimeout: { check: integer(0, DAY_MS) },
	testExecutionTimeout: { check: integer(0, DAY_MS) },
	runExecutionTimeout: { check: integer(0, DAY_MS) },
	testTimeout: { check: integer(0, DAY_MS), name: "testExecutionTimeout" }, /* Proctor's word */
	browserInitTimeout: { check: integer(1000, DAY_MS) },
	quarantineMode: { check: quarantine },
	stopOnFirstFail: { check: flag },
	skipJsErrors: { check: flag },
	skipUncaughtErrors: { check: flag },
	disablePageReloads: { check: flag },
	disablePageCaching: { check: flag },
	disableMultipleWindows: { check: flag },
	disableNativeAutomation: { check: flag },
	appCommand: { check: text },
	appInitDelay: { check: integer(0, DAY_MS) },
	baseURL: { check: text, name: "baseUrl" },
	baseUrl: { check: text },
	proxy: { check: text },
	screenshot: { check: words(["off", "on-failure"]) },
	video: { check: words(["off", "on", "on-failure"]) },
};

/*
 * Reads the configuration of job, browser group and test (later ones win, member by member).
 * Returns {run, screenshot?, video?, filter?, browsers?, unknown}: run holds TestCafe's own options.
 */
function
readOptions(request)
{
	const { test } = request;
	const config = { ...request.config, ...(request.browser && request.browser.config), ...test.config };
	const options = { run: {}, unknown: [] };
	for (const [name, value] of Object.entries(config)) {
		if (value === undefined || value === null)
			continue;
		if (!Object.hasOwn(OPTIONS, name))
			options.unknown.push(name);
		else if (name === "screenshot" || name === "video")
			options[name] = OPTIONS[name].check(value, `config.${name}`);
		else
			options.run[OPTIONS[name].name || name] = OPTIONS[name].check(value, `config.${name}`);
	}
	options.filter = readFilter(test);
	options.browsers = readBrowsers(request);
	return options;
}

/* Which tests: all that is named must match, as on TestCafe's command line. */
function
readFilter(test)
{
	const filter = {};
	for (const [member, name] of [["grep", "testGrep"], ["fixtureGrep", "fixtureGrep"]]) {
		if (test[member] !== undefined)
			filter[name] = pattern(test[member], member);
	}
	for (const [member, name] of [["testName", "test"], ["fixture", "fixture"]]) {
		if (test[member] !== undefined)
			filter[name] = text(test[member], member);
	}
	for (const [member, name] of [["meta", "testMeta"], ["fixtureMeta", "fixtureMeta"]]) {
		if (test[member] !== undefined)
			filter[name] = pairs(test[member], member);
	}
	return Object.keys(filter).length > 0 ? filter : undefined;
}

/*
 * The group's browser, else the test's own list in TestCafe's words, else the job's target; nobody:
 * undefined. In Proctor's words a browser has no window, so that need not be said.
 */
function
readBrowsers({ browser, target, test })
{
	if (browser && browser.browser)
		return [withoutWindow(text(browser.browser, "browser"))];
	if (test.browsers === undefined)
		return target ? [withoutWindow(text(target, "target"))] : undefined;
	const names = [test.browsers].flat();
	if (names.length === 0 || names.length > 32)
		throw new Refusal("config", "browsers must be a browser or a list of 1 to 32");
	return names.map((name) => text(name, "browsers"));
}

function
withoutWindow(name)
{
	return PLAIN_BROWSERS.has(name) ? `${name}:headless` : name;
}

function
pattern(value, name)
{
	try {
		return new RegExp(text(value, name)) && value;
	} catch (error) {
		throw error instanceof Refusal ? error
			: new Refusal("config", `${name} is not a regular expression: ${error.message}`);
	}
}

function
pairs(value, name)
{
	const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
	if (!isObject || !Object.values(value).every((one) => typeof one === "string"))
		return refuse(name, "an object of texts", value);
	return value;
}

function
refuse(name, wanted, value)
{
	throw new Refusal("config", `${name} must be ${wanted}, not ${JSON.stringify(value)}`);
}

function
text(value, name)
{
	return typeof value === "string" && value !== "" && value.length <= FILTER_WORDS_MAX
		? value : refuse(name, "text", value);
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

function
number(min, max)
{
	return (value, name) => typeof value === "number" && value >= min && value <= max
		? value : refuse(name, `a number from ${min} to ${max}`, value);
}

/* true and false for on(-failure) and off. */
function
words(known)
{
	return (value, name) => {
		const word = value === true ? known[known.length - 1] : value === false ? "off" : value;
		return known.includes(word) ? word : refuse(name, `one of ${known.join(", ")}`, value);
	};
}

/* true, or both thresholds with what is missing filled in; TestCafe's own rules. */
function
quarantine(value, name)
{
	if (typeof value === "boolean")
		return value;
	const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
	const { attemptLimit = 5, successThreshold = 3, ...rest } = isObject ? value : { wrong: true };
	if (Object.keys(rest).length > 0)
		return refuse(name, "true, false or {attemptLimit, successThreshold}", value);
	integer(2, 1000)(attemptLimit, `${name}.attemptLimit`);
	integer(1, attemptLimit - 1)(successThreshold, `${name}.successThreshold`);
	return { attemptLimit, successThreshold };
}

module.exports = { readOptions };

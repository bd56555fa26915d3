/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the testcafe runner that need no browser. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { execFileSync } = require("child_process");
const { describe, test } = require("node:test");
const { temporary } = require("./peer");

const RUNNERS = path.join(__dirname, "../../runners/testcafe");
const part = (name) => require(path.join(RUNNERS, name));
const { adapt } = part("browsers");
const { lineOf } = part("collect");
const { reasonOfFailure, shapeErrors, shapeFailure } = part("errors");
const { filterOf, ownReporters } = part("host");
const { readOptions } = part("options");
const { chooseTestCafe, locate } = part("project");
const { titleOf } = part("reporter");

const HERE = { chromium: "/usr/bin/chromium", hasChrome: false, hasDisplay: false, isRoot: true, hasShm: true };

function
options(members, config)
{
	return readOptions({ config, test: { name: "x", ...members } });
}

describe("browsers", () => {
	const adapted = (text, here = {}) => {
		const warnings = [];
		return [adapt(text, { ...HERE, ...here }, (said) => warnings.push(said)), warnings.length];
	};
	const QUIET = "--disable-component-update --disable-domain-reliability";

	test("Chromium is the machine's, without a sandbox for root alone", () => {
		assert.deepEqual(adapted("chromium:headless"),
			[`chromium:/usr/bin/chromium:headless ${QUIET} --no-sandbox`, 0]);
		assert.deepEqual(adapted("chromium:headless", { isRoot: false, hasShm: false }),
			[`chromium:/usr/bin/chromium:headless ${QUIET} --disable-dev-shm-usage`, 0]);
	});

	test("flags that are there already stay single", () => {
		assert.deepEqual(adapted("chromium:headless --no-sandbox --lang=de"),
			[`chromium:/usr/bin/chromium:headless --no-sandbox --lang=de ${QUIET}`, 0]);
	});

	test("Chrome that is missing is replaced, a window without a display is not shown: both are told", () => {
		assert.deepEqual(adapted("chrome:headless")[1], 1);
		assert.match(adapted("chrome")[0], /^chromium:\/usr\/bin\/chromium:headless /);
		assert.equal(adapted("chrome")[1], 2);
		assert.match(adapted("chrome", { hasChrome: true, hasDisplay: true })[0], /^chrome --/);
	});

	test("a path of one's own, device emulation and other browsers stay as they are", () => {
		assert.match(adapted("chromium:/opt/c:headless")[0], /^chromium:\/opt\/c:headless /);
		assert.match(adapted("chromium:headless:device=iphone X")[0], /^chromium:\/usr\/bin\/chromium:headless:device=iphone X/);
		assert.deepEqual(adapted("firefox:headless"), ["firefox:headless", 0]);
	});
});

describe("options", () => {
	test("job, group and test: the later wins; names of several kinds are no error", () => {
		const read = readOptions({ config: { speed: 0.5, viewport: 1 }, browser: { browser: "chromium", config: { speed: 0.6 } },
			test: { config: { testTimeout: 5 } } });
		assert.deepEqual(read.run, { speed: 0.6, testExecutionTimeout: 5 });
		assert.deepEqual(read.unknown, ["viewport"]);
		assert.deepEqual(read.browsers, ["chromium:headless"]);
	});

	for (const [name, value] of [["concurrency", 0], ["concurrency", 1.5], ["speed", 0], ["speed", "1"], ["speed", NaN],
		["selectorTimeout", -1], ["quarantineMode", { attemptLimit: 1 }],
		["quarantineMode", { attemptLimit: 3, successThreshold: 3 }], ["quarantineMode", { successThreshold: 1.5 }],
		["quarantineMode", { limit: 3 }], ["quarantineMode", "on"], ["stopOnFirstFail", "yes"], ["appCommand", ""],
		["video", "sometimes"]]) {
		test(`config.${name} is not ${JSON.stringify(value)}`, () => {
			assert.throws(() => options({}, { [name]: value }), (error) =>
				error.reason === "config" && error.message.includes(`config.${name}`));
		});
	}

	test("missing thresholds of quarantine are TestCafe's own", () => {
		assert.deepEqual(options({}, { quarantineMode: { attemptLimit: 7 } }).run.quarantineMode,
			{ attemptLimit: 7, successThreshold: 3 });
		assert.equal(options({}, { quarantineMode: true }).run.quarantineMode, true);
	});

	test("a wrong filter is named", () => {
		assert.throws(() => options({ grep: "(" }), /grep is not a regular expression/);
		assert.throws(() => options({ meta: { a: 1 } }), /meta must be an object of texts/);
		assert.throws(() => options({ browsers: [] }), /browsers must be/);
	});

	test("all filters must match, the project's own too", async () => {
		const matches = (wanted, ...facts) => filterOf(wanted, (name) => name !== "private")(...facts);
		const facts = ["pays", "Shop", "/a.js", { kind: "smoke" }, { area: "money" }];
		assert.equal(await matches({ testGrep: "^pa", fixture: "Shop", testMeta: { kind: "smoke" } }, ...facts), true);
		assert.equal(await matches({ testGrep: "^x" }, ...facts), false);
		assert.equal(await matches({ fixtureMeta: { area: "other" } }, ...facts), false);
		assert.equal(await matches({ test: "private" }, "private", "Shop", "/a.js", {}, {}), false);
	});

	test("reporters of the project stay where they do not want standard output", () => {
		assert.deepEqual(ownReporters([{ name: "spec" }, { name: "json", output: "x.json" }, { name: "slack" }])
			.map(({ name }) => name), ["json", "slack"]);
	});
});

describe("projects", () => {
	const locatePath = (start, paths, files) => locate({ files, test: { path: start, paths } });

	test("root is the folder of the configuration; its files are its own choice only from there", (t) => {
		const base = fs.realpathSync(temporary(t));
		fs.mkdirSync(path.join(base, "suite/e2e"), { recursive: true });
		fs.writeFileSync(path.join(base, "suite/.testcaferc.json"), "{}");
		fs.writeFileSync(path.join(base, "suite/e2e/a.js"), "");
		const suite = path.join(base, "suite");
		assert.deepEqual(locatePath(suite),
			{ root: suite, configFile: path.join(suite, ".testcaferc.json"), sources: undefined });
		assert.deepEqual(locatePath(path.join(suite, "e2e")).sources, [path.join(suite, "e2e")]);
		assert.deepEqual(locatePath(path.join(suite, "e2e")).root, suite);
		assert.deepEqual(locatePath(suite, ["e2e/a.js"]).sources, [path.join(suite, "e2e/a.js")]);
	});

	test("paths stay inside a bundle and exist", (t) => {
		const base = fs.realpathSync(temporary(t));
		assert.throws(() => locatePath("..", undefined, base), /leads out of the bundle/);
		assert.throws(() => locatePath(undefined, ["../x.js"], base), /leads out of the bundle/);
		assert.throws(() => locatePath("nowhere", undefined, base), /no such file or folder/);
		assert.throws(() => locatePath("relative"), /path must be absolute/);
	});

	test("the project's own TestCafe is taken when it is of version 3", (t) => {
		const base = fs.realpathSync(temporary(t));
		const own = path.join(base, "node_modules/testcafe");
		fs.mkdirSync(own, { recursive: true });
		fs.mkdirSync(path.join(base, "a/b"), { recursive: true });
		fs.writeFileSync(path.join(own, "package.json"), JSON.stringify({ version: "3.6.0" }));
		assert.deepEqual(chooseTestCafe(path.join(base, "a/b")), { directory: own, version: "3.6.0", isOwn: true });
		fs.writeFileSync(path.join(own, "package.json"), JSON.stringify({ version: "15.1.317922" }));
		if (!fs.existsSync(path.join(RUNNERS, "node_modules/testcafe")))
			return;
		const { isOwn, passed, version } = chooseTestCafe(base);
		assert.deepEqual([isOwn, passed, version], [false, "15.1.317922", "3.7.5"]);
	});

	test("our TestCafe is the release that is under the MIT licence", () => {
		const lock = JSON.parse(fs.readFileSync(path.join(RUNNERS, "package-lock.json"), "utf8")).packages;
		assert.deepEqual([lock["node_modules/testcafe"].version, lock["node_modules/testcafe"].license], ["3.7.5", "MIT"]);
		assert.deepEqual(Object.values(lock).filter((one) => one.resolved || one.hasInstallScript), []);
	});

	test("the line of a test", (t) => {
		const file = path.join(temporary(t), "a.js");
		fs.writeFileSync(file, "fixture('a');\n\ntest('one', f);\ntest.meta('k', 'v')(`two (2)`, f);\n");
		assert.deepEqual(["one", "two (2)", "three"].map((title) => lineOf(file, title)), [3, 4, undefined]);
	});
});

describe("words", () => {
	test("a step says what was done to what", () => {
		assert.equal(titleOf("click", { type: "click", selector: { expression: "Selector('#a')\n  .nth(1)" } }),
			"click Selector('#a') .nth(1)");
		assert.equal(titleOf("eql", { type: "assertion", assertionType: "eql", actual: "1", expected: "2" }), 'expect eql "2"');
	});

	test("an error of TestCafe is taken apart", () => {
		const shaped = shapeErrors([{ text: "AssertionError: expected 1 to deeply equal 2\n\nBrowser: Chrome\n"
			+ "Screenshot: /x/1.png\n\n   1 |a\n > 2 |b\n\n   at f (/s/a.js:2:3)", place: { file: "/s/a.js", line: 2 } },
		{ text: "And another" }], "/s");
		assert.deepEqual([shaped.message, shaped.file, shaped.line, shaped.expected, shaped.actual],
			["AssertionError: expected 1 to deeply equal 2\n\nAnd another", "a.js", 2, "2", "1"]);
		assert.equal(shaped.snippet, "  1 |a\n> 2 |b");
		assert.equal(shaped.stack, "at f (/s/a.js:2:3)");
	});

	test("what ended a run has a reason", () => {
		const reasons = ["browserDisconnected", "noTestsToRunDueFiltering", "cannotPrepareTestsDueToError",
			"testedAppFailedWithError", "cannotFindBrowser", undefined].map((name) => reasonOfFailure({ name }));
		assert.deepEqual(reasons, ["browser_disconnected", "no_tests", "config", "web_server", "browser_missing", "testcafe"]);
		assert.equal(shapeFailure({ message: "Bad.\n    at x (/s/node_modules/a/b.js:4:5)\n    at node:net:1:2" }, "/s").stack, undefined);
		assert.deepEqual(shapeFailure({ message: "Bad.\n    at x (/s/b.ts:4:5)" }, "/s"),
			{ message: "Bad.", stack: "at x (/s/b.ts:4:5)", file: "b.ts", line: 4, column: 5 });
	});
});

test("a server without a host listens on the loopback interface, one with a host where it says", () => {
	const program = `
		const net = require("net");
		const forms = [[0], [{ port: 0 }], [() => {}], [0, 5], [undefined, () => {}], ["0"], [0, "127.0.0.2"], [{ port: 0, host: "127.0.0.2" }]];
		const all = forms.map((form) => new Promise((resolve) => {
			const server = net.createServer();
			server.listen(...form);
			server.on("listening", () => { resolve(server.address().address); server.close(); });
		}));
		Promise.all(all).then((found) => console.log(JSON.stringify(found)));`;
	const out = execFileSync(process.execPath, ["-r", path.join(RUNNERS, "loopback.js"), "-e", program], { encoding: "utf8" });
	assert.deepEqual(JSON.parse(out), [...Array(6).fill("127.0.0.1"), "127.0.0.2", "127.0.0.2"]);
});

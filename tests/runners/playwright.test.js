/* SPDX-License-Identifier: Apache-2.0 */
/* The playwright runner over the protocol, with a real Chromium. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { describe, test } = require("node:test");
const { Peer, request, temporary } = require("./peer");
const { marked, MARK } = require("../../runners/sweep");

const RUNNER = path.join(__dirname, "../../runners/playwright/runner.js");
const MODULES = path.join(__dirname, "../../runners/playwright/node_modules");
const TIMEOUT = { timeout: 120000 };
const IMPORT = "import { test, expect } from '@playwright/test';\n";
const PAGE = "await page.setContent('<title>T</title><h1>Hello</h1>');";

/* A runner that has greeted, closed with the test. */
async function
start(t, env = {})
{
	const peer = new Peer([process.execPath, RUNNER], { env: { ...process.env, ...env } });
	t.after(() => peer.close());
	await peer.greet();
	return peer;
}

/* One run on a fresh runner; returns {result, peer, run}. */
async function
carryOut(t, testMembers, { config = {}, env, ...members } = {})
{
	const peer = await start(t, env);
	const run = request(temporary(t), { config, test: { name: "sample", kind: "playwright", ...testMembers }, ...members });
	peer.send(run);
	const result = await peer.expect("result");
	return { result, peer, run };
}

function
write(directory, files)
{
	for (const [name, text] of Object.entries(files)) {
		fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
		fs.writeFileSync(path.join(directory, name), text);
	}
	return directory;
}

/* Every file below a directory, to show that nothing was written into a project. */
function
listing(directory)
{
	return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => entry.isDirectory()
		? listing(path.join(directory, entry.name)).map((name) => `${entry.name}/${name}`)
		: [entry.name]).sort();
}

function
artifacts(peer)
{
	return Object.fromEntries(peer.of("artifact").map((one) => [one.name, one]));
}

function
isAlive(pid)
{
	try {
		return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
	} catch {
		return false;
	}
}

describe("scripts", () => {
	test("a passing script: cases, steps, counts and report", TIMEOUT, async (t) => {
		const { result, peer, run } = await carryOut(t, { script: `${IMPORT}
test.describe('suite', () => {
	test('greets', async ({ page }) => {
		await test.step('open', async () => { ${PAGE} });
		await expect(page.getByRole('heading')).toHaveText('Hello');
	});
});` });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
		assert.deepEqual(result.counts, { passed: 1, failed: 0, skipped: 0, flaky: 0 });
		assert.deepEqual(peer.of("started").map(({ total }) => total), [1]);
		assert.deepEqual(peer.of("case").map(({ status, title, path: names, file, line, attempt }) =>
			[status, title, names, file, line, attempt]), [
			["running", "greets", ["sample.spec.ts", "suite"], "sample.spec.ts", 4, 1],
			["passed", "greets", ["sample.spec.ts", "suite"], "sample.spec.ts", 4, 1],
		]);
		const steps = peer.of("step").map(({ status, title }) => `${status} ${title}`);
		assert.deepEqual(steps.slice(0, 3), ["running open", "passed open › Set content", "passed open"]);
		assert.match(steps[3], /^passed Expect "toHaveText"/);
		assert.equal(peer.of("progress").pop().percent, 100);

		const { report } = artifacts(peer);
		assert.equal(report.kind, "report");
		assert.ok(fs.existsSync(path.join(run.artifacts, report.path, "index.html")));
	});

	test("a failing script names file, line, snippet, both values and a screenshot", TIMEOUT, async (t) => {
		const { result, peer, run } = await carryOut(t, { script: `${IMPORT}
test('compares', async ({ page }) => {
	${PAGE}
	await expect(page.getByRole('heading')).toHaveText('Goodbye', { timeout: 200 });
});` });
		assert.equal(result.outcome, "failed");
		assert.equal(result.reason, "assertion");
		const { error } = result;
		assert.match(error.message, /^expect\(locator\)\.toHaveText\(expected\) failed/);
		assert.deepEqual([error.file, error.line, error.expected, error.actual], ["sample.spec.ts", 5, '"Goodbye"', '"Hello"']);
		assert.match(error.snippet, /^> 5 \|.*Goodbye/m);
		assert.doesNotMatch(JSON.stringify(result), /\\u001b/);
		const screenshot = artifacts(peer)[error.screenshot];
		assert.equal(screenshot.kind, "screenshot");
		assert.equal(fs.readFileSync(path.join(run.artifacts, screenshot.path)).subarray(1, 4).toString(), "PNG");
		assert.deepEqual(result.cases.map(({ status, attempts }) => [status, attempts]), [["failed", 1]]);
		assert.equal(peer.of("step").filter(({ status }) => status === "failed").length, 1);
	});

	test("a syntax error is errored with its place", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: `${IMPORT}\ntest('x', async ( => {});\n` });
		assert.deepEqual([result.outcome, result.reason], ["errored", "config"]);
		assert.deepEqual([result.error.file, result.error.line], ["sample.spec.ts", 3]);
	});

	test("an import that is not there is errored", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: `${IMPORT}import 'no-such-module';\ntest('x', () => {});` });
		assert.deepEqual([result.outcome, result.reason], ["errored", "config"]);
		assert.match(result.error.message, /no-such-module/);
	});

	test("no tests, or none that grep matches, is errored", TIMEOUT, async (t) => {
		const none = await carryOut(t, { script: IMPORT });
		assert.deepEqual([none.result.outcome, none.result.reason], ["errored", "no_tests"]);
		const other = await carryOut(t, { script: `${IMPORT}test('a', () => {});`, grep: "zebra" });
		assert.deepEqual([other.result.outcome, other.result.reason], ["errored", "no_tests"]);
		assert.match(other.result.error.message, /grep "zebra"/);
	});

	test("grep chooses, skipped tests are counted, all skipped is skipped", TIMEOUT, async (t) => {
		const script = `${IMPORT}
test('apple', () => {}); test.skip('apple pie', () => {}); test('pear', () => {});`;
		const some = await carryOut(t, { script, grep: "apple" });
		assert.equal(some.result.outcome, "passed");
		assert.deepEqual(some.result.counts, { passed: 1, failed: 0, skipped: 1, flaky: 0 });
		const none = await carryOut(t, { script, grep: "pie" });
		assert.equal(none.result.outcome, "skipped");
	});

	test("a test that passes at its second attempt is flaky", TIMEOUT, async (t) => {
		const { result, peer } = await carryOut(t, { script: `${IMPORT}
test('wobbles', async ({}, info) => { expect(info.retry).toBe(1); });` }, { config: { retries: 2 } });
		assert.equal(result.outcome, "passed");
		assert.deepEqual(result.counts, { passed: 0, failed: 0, skipped: 0, flaky: 1 });
		assert.deepEqual(peer.of("case").map(({ status, attempt }) => [status, attempt]),
			[["running", 1], ["failed", 1], ["running", 2], ["flaky", 2]]);
		assert.equal(result.cases[0].attempts, 2);
		assert.match(result.cases[0].error.message, /toBe/);
	});

	test("a test over its own time limit fails with the call that waited", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: `${IMPORT}
test('waits', async ({ page }) => {
	${PAGE}
	await page.click('#never');
});` }, { config: { testTimeout: 1500 } });
		assert.deepEqual([result.outcome, result.reason], ["failed", "test_timeout"]);
		assert.match(result.error.message, /Test timeout of 1500ms exceeded/);
		assert.match(result.error.message, /#never/);
		assert.equal(result.error.line, 5);
	});

	test("the run's time limit ends it early and says during which test", TIMEOUT, async (t) => {
		const { result, peer } = await carryOut(t, { script: `${IMPORT}
test('endless', async () => { test.setTimeout(0); await new Promise(() => {}); });` }, { timeoutMs: 12000 });
		assert.deepEqual([result.outcome, result.reason], ["timed_out", "timeout"]);
		assert.match(result.error.message, /12000 ms passed during: sample\.spec\.ts › endless/);
		assert.equal(peer.of("result").length, 1);
	});

	test("a time limit too short for anything says so", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: `${IMPORT}test('x', () => {});` }, { timeoutMs: 50 });
		assert.deepEqual([result.outcome, result.reason], ["timed_out", "timeout"]);
		assert.match(result.error.message, /50 ms passed before the first test began/);
	});

	test("a failing hook is the failure, with its step", TIMEOUT, async (t) => {
		const { result, peer } = await carryOut(t, { script: `${IMPORT}
test.beforeEach(() => { throw new TypeError('no set-up'); });
test('never begins', () => {});` });
		assert.equal(result.outcome, "failed");
		assert.match(result.error.message, /TypeError: no set-up/);
		assert.equal(result.error.line, 3);
		const failed = peer.of("step").filter(({ status }) => status === "failed");
		assert.equal(failed.length, 1);
		assert.match(failed[0].title, /beforeEach/);
	});

	test("attachments become artifacts with safe names, bodies too", TIMEOUT, async (t) => {
		const { result, peer, run } = await carryOut(t, { script: `${IMPORT}
test('Größe / ../../etc', async ({}, info) => {
	await info.attach('notes', { body: 'first', contentType: 'text/plain' });
	await info.attach('notes', { body: 'second', contentType: 'text/plain' });
	await info.attach('../../../evil.json', { body: '{}', contentType: 'application/json' });
	console.log('printed by the test');
});` });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
		const names = Object.keys(artifacts(peer));
		assert.deepEqual(names.slice(0, 3), ["sample-grosse-etc/notes.txt", "sample-grosse-etc/notes-2.txt", "sample-grosse-etc/evil.json"]);
		assert.equal(fs.readFileSync(path.join(run.artifacts, names[1]), "utf8"), "second");
		assert.match(peer.output, /printed by the test/);
	});

	test("a test's folder is never the report's", TIMEOUT, async (t) => {
		const { peer, run } = await carryOut(t, { name: "report", script: `${IMPORT}
test('日本', async ({}, info) => { await info.attach('notes', { body: 'kept', contentType: 'text/plain' }); });` });
		const [notes] = Object.values(artifacts(peer));
		assert.doesNotMatch(notes.name, /^report\//);
		assert.equal(fs.readFileSync(path.join(run.artifacts, notes.path), "utf8"), "kept");
		assert.ok(fs.existsSync(path.join(run.artifacts, "report/index.html")));
	});

	test("wrong options are refused before anything starts", TIMEOUT, async (t) => {
		const script = `${IMPORT}test('x', () => {});`;
		for (const [config, members, pattern] of [
			[{ video: "sometimes" }, {}, /config\.video must be one of off, on, on-failure/],
			[{ retries: -1 }, {}, /config\.retries must be a whole number from 0 to 100/],
			[{ viewport: { width: "wide" } }, {}, /config\.viewport must be/],
			[{}, { grep: "(" }, /grep is not a regular expression/],
			[{}, { env: { "A B": "x" } }, /env\.A B must be/],
		]) {
			const { result, peer } = await carryOut(t, { script, ...members }, { config });
			assert.deepEqual([result.outcome, result.reason], ["errored", "config"]);
			assert.match(result.error.message, pattern);
			assert.equal(peer.of("started").length, 0);
		}
	});

	test("foreign config members are left out with a warning, env reaches the test", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { env: { GREETING: "hi" }, script: `${IMPORT}
test('x', () => { expect(process.env.GREETING).toBe('hi'); });` }, { config: { blockAds: true } });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
		assert.match(result.warnings[0], /do not use blockAds/);
	});

	test("the job's options reach the browser", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: `${IMPORT}
test('x', async ({ page }) => {
	const seen = await page.evaluate(() => [innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches,
		matchMedia('(prefers-reduced-motion: reduce)').matches, navigator.language]);
	expect(seen).toEqual([640, 360, true, true, 'de-AT']);
});` }, { config: { viewport: { width: 640, height: 360 }, colorScheme: "dark", reducedMotion: true, locale: "de-AT" } });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
	});
});

describe("projects", () => {
	const SPEC = `${IMPORT}
test('one', async ({ page }) => { ${PAGE} await expect(page).toHaveTitle('T'); });
test('two', async () => {});`;

	test("a directory with the user's own video, trace and screenshot; nothing is written into it", TIMEOUT, async (t) => {
		const project = write(temporary(t), {
			"playwright.config.ts": `import { defineConfig } from '@playwright/test';
export default defineConfig({ testDir: './e2e', reporter: [['html', { outputFolder: 'mine' }], ['list']],
	use: { video: 'on', trace: 'on', screenshot: 'on' } });`,
			"e2e/a.spec.ts": SPEC,
			"package.json": "{}",
		});
		const files = listing(project);
		const { result, peer, run } = await carryOut(t, { path: project });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
		assert.deepEqual(listing(project), files);
		const kept = artifacts(peer);
		const one = Object.values(kept).filter(({ name }) => name.startsWith("a-one/"));
		assert.deepEqual(one.map(({ kind }) => kind).sort(), ["screenshot", "trace", "video"]);
		const video = one.find(({ kind }) => kind === "video");
		assert.equal(fs.readFileSync(path.join(run.artifacts, video.path)).readUInt32BE(0), 0x1a45dfa3, "a WebM file");
		const trace = one.find(({ kind }) => kind === "trace");
		assert.equal(fs.readFileSync(path.join(run.artifacts, trace.path)).readUInt32BE(0), 0x504b0304, "a zip file");
		assert.ok(fs.existsSync(path.join(run.artifacts, "report/trace/index.html")), "the trace viewer");
	});

	test("the job's options win over the user's configuration", TIMEOUT, async (t) => {
		const project = write(temporary(t), {
			"playwright.config.js": "module.exports = { retries: 3, use: { video: 'on', trace: 'on', screenshot: 'on' } };",
			"a.spec.js": "const { test } = require('@playwright/test'); test('x', async ({ page }) => { throw new Error('once'); });",
		});
		const { result, peer } = await carryOut(t, { path: project },
			{ config: { retries: 0, video: "off", trace: "off", screenshot: "off" } });
		assert.equal(result.outcome, "failed");
		assert.equal(result.cases[0].attempts, 1);
		assert.deepEqual(Object.values(artifacts(peer)).map(({ kind }) => kind).filter((kind) => kind !== "file"), ["report"]);
	});

	test("one file, files by path, and a line; the configuration is found above", TIMEOUT, async (t) => {
		const project = write(temporary(t), {
			"playwright.config.ts": "export default { use: {} };",
			"e2e/a+b (1).spec.ts": SPEC, "e2e/other.spec.ts": SPEC, "e2e/sub/deep.spec.ts": SPEC,
		});
		const titles = async (members) => {
			const { result } = await carryOut(t, members);
			assert.equal(result.outcome, "passed", result.error && result.error.message);
			return result.cases.map(({ file, title }) => `${file} ${title}`);
		};
		assert.deepEqual(await titles({ path: path.join(project, "e2e/a+b (1).spec.ts") }),
			["e2e/a+b (1).spec.ts one", "e2e/a+b (1).spec.ts two"]);
		assert.deepEqual(await titles({ path: path.join(project, "e2e/other.spec.ts:3") }), ["e2e/other.spec.ts one"]);
		assert.deepEqual(await titles({ path: path.join(project, "e2e/sub"), grep: "two" }), ["e2e/sub/deep.spec.ts two"]);
		assert.deepEqual(await titles({ path: project, grep: "one",
			paths: [path.join(project, "e2e/other.spec.ts"), "e2e/sub/deep.spec.ts"] }),
			["e2e/other.spec.ts one", "e2e/sub/deep.spec.ts one"]);
	});

	test("ES modules find Playwright without a node_modules of their own", TIMEOUT, async (t) => {
		const project = write(temporary(t), {
			"package.json": '{ "type": "module" }',
			"playwright.config.mjs": "import { defineConfig } from '@playwright/test'; export default defineConfig({});",
			"helper.js": "import { expect } from '@playwright/test'; export const check = (x) => expect(x).toBe(1);",
			"a.spec.ts": `${IMPORT}import { check } from './helper.js'; test('x', () => check(1));`,
		});
		const { result } = await carryOut(t, { path: project });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
	});

	test("the project's own Playwright wins", TIMEOUT, async (t) => {
		const project = temporary(t);
		for (const name of ["@playwright/test", "playwright", "playwright-core"])
			fs.cpSync(path.join(MODULES, name), path.join(project, "node_modules", name), { recursive: true });
		const manifest = path.join(project, "node_modules/@playwright/test/package.json");
		fs.writeFileSync(manifest, fs.readFileSync(manifest, "utf8").replace('"1.61.0"', '"1.61.0-own"'));
		write(project, { "a.spec.ts": `${IMPORT}
test('x', async ({ page }) => {
	${PAGE}
	expect(require.resolve('@playwright/test')).toContain(${JSON.stringify(path.basename(project))});
});` });
		const { result, peer } = await carryOut(t, { path: project }, { config: { screenshot: "on" } });
		assert.equal(result.outcome, "passed", result.error && result.error.message);
		assert.match(peer.of("log")[0].text, /1\.61\.0-own \(the project's own\)/);
		assert.deepEqual(result.warnings, undefined);
	});

	test("a bundle's files, and a path inside it", TIMEOUT, async (t) => {
		const base = temporary(t);
		const files = write(path.join(base, "files"), { "tests/a.spec.ts": SPEC, "tests/b.spec.ts": SPEC });
		const all = await carryOut(t, { bundle: "upload" }, { files });
		assert.equal(all.result.counts.passed, 4);
		const one = await carryOut(t, { bundle: "upload", path: "tests/b.spec.ts" }, { files });
		assert.deepEqual(one.result.cases.map(({ file }) => file), ["b.spec.ts", "b.spec.ts"]);
		const out = await carryOut(t, { bundle: "upload", path: "../../etc" }, { files });
		assert.match(out.result.error.message, /leads out of the bundle/);
	});

	test("a broken configuration is errored with its place", TIMEOUT, async (t) => {
		const project = write(temporary(t), { "playwright.config.ts": "export default {\n\tretries: = 2 };", "a.spec.ts": SPEC });
		const { result } = await carryOut(t, { path: project });
		assert.deepEqual([result.outcome, result.reason], ["errored", "config"]);
		assert.deepEqual([result.error.file, result.error.line], ["playwright.config.ts", 2]);
	});

	test("an unknown project name is errored and lists what there is", TIMEOUT, async (t) => {
		const project = write(temporary(t), {
			"playwright.config.ts": "export default { projects: [{ name: 'desktop' }, { name: 'phone' }] };", "a.spec.ts": SPEC });
		const { result } = await carryOut(t, { path: project, projectName: "tablet" });
		assert.deepEqual([result.outcome, result.reason], ["errored", "config"]);
		assert.match(result.error.message, /desktop/);
		const both = await carryOut(t, { path: project, grep: "two" });
		assert.deepEqual(both.result.cases.map(({ title, project: name }) => [title, name]),
			[["two [desktop]", "desktop"], ["two [phone]", "phone"]]);
	});

	test("a web server that does not start is errored", TIMEOUT, async (t) => {
		const project = write(temporary(t), {
			"playwright.config.ts": "export default { webServer: { command: 'exit 3', url: 'http://127.0.0.1:9/' } };", "a.spec.ts": SPEC });
		const { result } = await carryOut(t, { path: project });
		assert.deepEqual([result.outcome, result.reason], ["errored", "web_server"]);
	});

	test("a path that is not there, or not absolute, is errored", TIMEOUT, async (t) => {
		for (const members of [{ path: "/no/such/place" }, { path: "relative" }, {}]) {
			const { result } = await carryOut(t, members);
			assert.deepEqual([result.outcome, result.reason], ["errored", "config"]);
		}
	});
});

describe("browsers", () => {
	const PROJECTS = `export default { projects: [
		{ name: 'chromium', use: { browserName: 'chromium' } },
		{ name: 'firefox', use: { browserName: 'firefox' } }] };`;
	const SPEC = `${IMPORT}test('x', async ({ page }) => { ${PAGE} });`;

	test("a project for Firefox is refused before a test runs, and says what to choose", TIMEOUT, async (t) => {
		const project = write(temporary(t), { "playwright.config.ts": PROJECTS, "a.spec.ts": SPEC });
		const { result, peer } = await carryOut(t, { path: project });
		assert.deepEqual([result.outcome, result.reason], ["errored", "browser_unavailable"]);
		assert.match(result.error.message, /project "firefox" wants Firefox.*projectName: chromium/);
		assert.equal(peer.of("case").length, 0);

		const chosen = await carryOut(t, { path: project, projectName: "chromium" });
		assert.equal(chosen.result.outcome, "passed");
		const target = await carryOut(t, { path: project }, { target: "chromium" });
		assert.equal(target.result.outcome, "passed", target.result.error && target.result.error.message);
		assert.deepEqual(target.peer.of("started").length, 1);
		const firefox = await carryOut(t, { path: project }, { target: "firefox" });
		assert.deepEqual([firefox.result.outcome, firefox.result.reason], ["errored", "browser_unavailable"]);
	});

	test("no Chromium: errored, says how to install it, and stops at the first test", TIMEOUT, async (t) => {
		const missing = { PROCTOR_CHROMIUM_HEADLESS_SHELL: "/nonexistent", PROCTOR_CHROMIUM: "/nonexistent" };
		const script = `${IMPORT}${[1, 2, 3].map((n) => `test('t${n}', async ({ page }) => { ${PAGE} });`).join("\n")}`;
		const { result } = await carryOut(t, { script }, { env: missing });
		assert.deepEqual([result.outcome, result.reason], ["errored", "browser_missing"]);
		assert.match(result.error.message, /apt-get install chromium-headless-shell/);
		const plain = await carryOut(t, { script: `${IMPORT}test('x', () => {});` }, { env: missing });
		assert.equal(plain.result.outcome, "passed", "a test without a page needs no browser");
	});

	test("no ffmpeg: errored, and says how to install it", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: SPEC },
			{ env: { PROCTOR_FFMPEG: "/nonexistent" }, config: { video: "on" } });
		assert.deepEqual([result.outcome, result.reason], ["errored", "ffmpeg_missing"]);
		assert.match(result.error.message, /apt-get install ffmpeg/);
	});

	test("a browser that does not start is the environment's fault", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: SPEC },
			{ env: { PROCTOR_CHROMIUM_HEADLESS_SHELL: "/bin/false" } });
		assert.deepEqual([result.outcome, result.reason], ["errored", "browser_launch"]);
	});

	test("a product's fault beside an environment's is failed, with a warning", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { script: `${SPEC}\ntest('y', () => { expect(1).toBe(2); });` },
			{ env: { PROCTOR_CHROMIUM_HEADLESS_SHELL: "/bin/false" } });
		assert.deepEqual([result.outcome, result.reason], ["failed", "assertion"]);
		assert.match(result.error.message, /toBe/);
		assert.match(result.warnings[0], /1 of 2 failures were the environment's/);
	});
});

describe("nothing outlives its run", () => {
	/* A web server and a daemon in sessions of their own, a browser, and a test that never ends. */
	const files = (log) => ({
		"playwright.config.ts": `export default { timeout: 0, webServer: {
			command: "node -e \\"require('fs').appendFileSync('${log}', process.pid + ' '); console.log('up'); setInterval(() => {}, 1000); process.on('SIGTERM', () => {})\\"",
			wait: { stdout: /up/ } } };`,
		"a.spec.ts": `${IMPORT}
import { spawn } from 'child_process';
import fs from 'fs';
test('endless', async ({ page }) => {
	${PAGE}
	const daemon = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
	daemon.unref();
	fs.appendFileSync('${log}', process.pid + ' ' + daemon.pid + ' ');
	await test.step('forever', () => new Promise(() => {}));
});`,
	});

	async function
	startEndless(t)
	{
		const base = temporary(t);
		const log = path.join(base, "pids");
		const project = write(path.join(base, "project"), files(log));
		const peer = await start(t);
		const run = request(base, { test: { name: "endless", kind: "playwright", path: project } });
		peer.send(run);
		await peer.expect(({ type, title }) => type === "step" && title === "forever");
		const pids = fs.readFileSync(log, "utf8").trim().split(" ").map(Number);
		assert.equal(pids.length, 3);
		const [, worker] = pids;
		const mark = new RegExp(`${MARK}=([0-9a-f-]+)`).exec(fs.readFileSync(`/proc/${worker}/environ`, "latin1"))[1];
		assert.ok(marked(mark).length >= 5, "the command line, its worker, the server, the daemon, the browser");
		assert.ok(pids.every(isAlive));
		return { peer, run, mark };
	}

	test("cancel in mid-run", TIMEOUT, async (t) => {
		const { peer, run, mark } = await startEndless(t);
		const cancelledAt = Date.now();
		peer.send({ type: "cancel", run: run.run, reason: "stop_requested" });
		const result = await peer.expect("result");
		assert.deepEqual([result.outcome, result.reason], ["cancelled", "stop_requested"]);
		assert.ok(Date.now() - cancelledAt < 10000, "within the protocol's grace time");
		assert.deepEqual(marked(mark).filter(isAlive), []);
		/* The runner is good for the next run. */
		const next = request(temporary(t), { test: { kind: "playwright", script: `${IMPORT}test('x', () => {});` } });
		peer.send(next);
		assert.equal((await peer.expect((message) => message.type === "result" && message.run === next.run)).outcome, "passed");
	});

	test("end of file in mid-run", TIMEOUT, async (t) => {
		const { peer, mark } = await startEndless(t);
		assert.equal((await peer.close()).code, 0);
		assert.deepEqual(marked(mark).filter(isAlive), []);
	});

	test("the runner itself is killed", TIMEOUT, async (t) => {
		const { peer, mark } = await startEndless(t);
		peer.child.kill("SIGKILL");
		await peer.exited;
		/* The command line notices that its reporter's socket is closed, and cleans up. */
		while (marked(mark).filter(isAlive).length > 0)
			await new Promise((resolve) => setTimeout(resolve, 100));
	});

	test("what a passed test leaves behind is gone with its result", TIMEOUT, async (t) => {
		const base = temporary(t);
		const log = path.join(base, "pid");
		const { result } = await carryOut(t, { script: `${IMPORT}
import { spawn } from 'child_process';
import fs from 'fs';
test('x', () => {
	const daemon = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
	daemon.unref();
	fs.writeFileSync('${log}', String(daemon.pid));
});` });
		assert.equal(result.outcome, "passed");
		assert.equal(isAlive(Number(fs.readFileSync(log, "utf8"))), false);
	});

	test("temporary files of a run are in its directory, however long its name", TIMEOUT, async (t) => {
		const base = path.join(temporary(t), "x".repeat(120), "y".repeat(120));
		fs.mkdirSync(base, { recursive: true });
		const peer = await start(t);
		const run = request(base, { config: { video: "on" }, test: { kind: "playwright", script: `${IMPORT}
import os from 'os';
test('x', async ({ page }) => { ${PAGE} console.log('TMP=' + os.tmpdir()); });` } });
		peer.send(run);
		const result = await peer.expect("result");
		assert.equal(result.outcome, "passed", result.error && result.error.message);
		assert.ok(peer.output.includes(`TMP=${run.dir}/tmp\n`), peer.output);
	});
});

describe("as installed", () => {
	test("the shop's suite: one deliberate failure, one flaky test, the rest passes", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { path: path.join(__dirname, "../../examples/shop/tests") });
		assert.equal(result.outcome, "failed", result.error && result.error.message);
		assert.deepEqual(result.counts, { passed: 10, failed: 1, skipped: 0, flaky: 1 });
		assert.deepEqual([result.error.file, result.error.line], ["contact.spec.ts", 10]);
		assert.match(result.cases.find(({ status }) => status === "failed").title, /^deliberate failure: /);
	});

	const NOBODY = 65534;
	const isRoot = process.getuid() === 0;
	test("an ordinary user can run it", { ...TIMEOUT, skip: !isRoot && "not started as root: every other test shows it" }, async (t) => {
		const base = temporary(t);
		fs.chownSync(base, NOBODY, NOBODY);
		const run = request(base, { test: { name: "x", kind: "playwright",
			script: `${IMPORT}test('x', async ({ page }) => { ${PAGE} expect(process.getuid!()).toBe(${NOBODY}); });` } });
		for (const directory of [run.dir, run.artifacts, run.cache])
			fs.chownSync(directory, NOBODY, NOBODY);
		const peer = new Peer([process.execPath, RUNNER], { uid: NOBODY, gid: NOBODY, cwd: base,
			env: { PATH: process.env.PATH, HOME: base } });
		t.after(() => peer.close());
		await peer.greet();
		peer.send(run);
		const result = await peer.expect("result");
		assert.equal(result.outcome, "passed", result.error && result.error.message);
	});

	const hasOwnCache = Boolean(require("module").enableCompileCache);
	test("damaged entries of the compile cache are made again", { ...TIMEOUT, skip: hasOwnCache && "this Node has a cache of its own" }, async (t) => {
		const peer = await start(t);
		const base = temporary(t);
		const directory = path.join(base, "cache/compiled");
		const once = async () => {
			const run = request(base, { test: { name: "x", kind: "playwright", script: `${IMPORT}test('x', async ({ page }) => { ${PAGE} });` } });
			peer.send(run);
			const result = await peer.expect((message) => message.type === "result" && message.run === run.run);
			assert.equal(result.outcome, "passed", result.error && result.error.message);
			return Object.fromEntries(fs.readdirSync(directory).map((name) => [name, fs.statSync(path.join(directory, name))]));
		};
		await once();
		const before = await once();
		const names = Object.keys(before);
		assert.ok(names.length >= 3 && names.every((name) => /^[0-9a-f]{40}$/.test(name)), `${names}`);
		const [flipped, short] = names;
		const bytes = fs.readFileSync(path.join(directory, flipped));
		bytes[bytes.length >> 1] ^= 0xff;
		fs.writeFileSync(path.join(directory, flipped), bytes);
		fs.truncateSync(path.join(directory, short), 1000);
		const after = await once();
		for (const name of names) {
			const isNew = after[name].ino !== before[name].ino;
			assert.equal(isNew, name === flipped || name === short, name);
		}
	});

	test("runners that make the browsers' folder at once do not disturb each other", TIMEOUT, async (t) => {
		const base = temporary(t);
		const script = `const { shim, findPrograms } = require(${JSON.stringify(path.join(__dirname, "../../runners/playwright/shim"))});
process.stdout.write(shim(${JSON.stringify(path.join(MODULES, "playwright-core"))}, ${JSON.stringify(base)}, findPrograms()));`;
		const { execFile } = require("child_process");
		const all = () => Promise.all(Array.from({ length: 8 }, () => new Promise((resolve, reject) => {
			execFile(process.execPath, ["-e", script], (error, stdout) => (error ? reject(error) : resolve(stdout)));
		})));
		const roots = new Set(await all());
		assert.equal(roots.size, 1);
		const [root] = roots;
		assert.deepEqual(fs.readdirSync(path.dirname(root)), [path.basename(root)], "no drafts are left");
		/* The cache may lose parts at any time: they are made again. */
		const shell = listing(root).find((name) => name.endsWith("/chrome-headless-shell"));
		fs.rmSync(path.join(root, path.dirname(shell)), { recursive: true });
		await all();
		assert.ok(fs.existsSync(path.join(root, shell)));
		assert.deepEqual(fs.readdirSync(path.dirname(root)), [path.basename(root)]);
	});
});

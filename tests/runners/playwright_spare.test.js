/* SPDX-License-Identifier: Apache-2.0 */
/* Spares of the playwright runner: the same results as a plain start, case by case, and none of their surprises. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { describe, test } = require("node:test");
const { Peer, request, temporary } = require("./peer");

const HOME = path.join(__dirname, "../../runners");
const TIMEOUT = { timeout: 180000 };
const IMPORT = "import { test, expect } from '@playwright/test';\n";
const TRIVIAL = `${IMPORT}test('adds', () => { expect(1 + 1).toBe(2); });`;

/* Everything that ends in its own way, in one project. */
const SUITE = {
	"package.json": '{ "name": "suite", "private": true }',
	"playwright.config.ts": `
import { defineConfig } from '@playwright/test';
process.env.FROM_CONFIG = 'configured';
export default defineConfig({
	globalSetup: './setup.ts',
	globalTeardown: './teardown.ts',
	timeout: 4000,
	webServer: { command: 'node server.js', url: 'http://127.0.0.1:' + process.env.SUITE_PORT, reuseExistingServer: false },
	projects: [
		{ name: 'first', use: { baseURL: 'http://127.0.0.1:' + process.env.SUITE_PORT } },
		{ name: 'second', testMatch: /small/, use: { viewport: { width: 320, height: 200 } } },
	],
});`,
	"setup.ts": "export default () => { process.env.FROM_SETUP = 'set up'; console.log('setup ran'); };",
	"teardown.ts": "export default () => { console.log('teardown ran'); };",
	"server.js": "require('http').createServer((q, r) => { r.setHeader('content-type', 'text/html'); r.end('<title>Shop</title><h1>Served</h1>'); }).listen(process.env.SUITE_PORT, '127.0.0.1');",
	"help.ts": "export const word: string = 'helper';",
	"a.spec.ts": `${IMPORT}import { word } from './help';
test('passes', async ({ page }) => { await page.goto('/'); await expect(page).toHaveTitle('Shop'); });
test('fails', async ({ page }) => { await page.goto('/'); await expect(page.locator('h1')).toHaveText('Other', { timeout: 100 }); });
test.describe('again', () => {
	test.describe.configure({ retries: 1 });
	test('wobbles', async ({}, info) => { expect(info.retry).toBe(1); });
});
test.skip('is skipped', () => {});
test.fixme('is to be fixed', () => {});
test.fail('is expected to fail', () => { throw new Error('as known'); });
test('is slow', async ({ page }) => { test.setTimeout(700); await page.goto('/'); await page.click('#never'); });
test('imports TypeScript', () => { expect(word).toBe('helper'); });
test('attaches', async ({}, info) => { await info.attach('note', { body: 'text', contentType: 'text/plain' }); });
test('sees the environment', () => {
	expect([process.env.FROM_CONFIG, process.env.FROM_SETUP, process.env.FROM_JOB]).toEqual(['configured', 'set up', 'given']);
	expect([process.env.TEST_WORKER_INDEX, process.env.PROCTOR_PRELOAD === undefined]).toEqual([expect.stringMatching(/^\\d+$/), false]);
});
test('knows its place', () => { console.log('in', require('path').basename(process.cwd()), require('path').basename(process.argv[1])); });
test('prints and breaks', async () => { console.error('to stderr'); throw new TypeError('no such thing'); });
test('fails softly', async ({}, info) => { expect.soft(1).toBe(2); expect.soft('a').toBe('b'); });`,
	"hooks.spec.ts": `${IMPORT}
test.describe('before all', () => {
	test.beforeAll(() => { throw new Error('no set-up'); });
	test('one', () => {});
	test('two', () => {});
});
test.describe('after all', () => {
	test.afterAll(() => { throw new Error('no clean-up'); });
	test('three', () => {});
});
test.describe.serial('serial', () => {
	test('breaks', () => { expect(true).toBe(false); });
	test('never runs', () => {});
});`,
	"module.spec.mts": "import { test, expect } from '@playwright/test';\nimport { basename } from 'node:path';\ntest('is a module', () => { expect(basename(import.meta.url)).toBe('module.spec.mts'); });",
	"small.spec.js": "const { test, expect } = require('@playwright/test');\ntest('is small', async ({ page, viewport }) => { expect(await page.evaluate(() => innerWidth)).toBe(viewport.width); });",
	"dies.spec.ts": `${IMPORT}test('takes its process with it', async () => { process.exit(7); });`,
};

function
write(directory, files)
{
	for (const [name, text] of Object.entries(files)) {
		fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
		fs.writeFileSync(path.join(directory, name), text);
	}
	return directory;
}

/* A runner that has been told where its run will be, and had the time to get ready for it. */
async function
prepare(t, { home = HOME, env = {}, cache } = {})
{
	const run = request(temporary(t), { config: {} });
	const peer = new Peer([process.execPath, path.join(home, "playwright/runner.js")],
		{ env: { ...process.env, ...env } });
	t.after(() => peer.close());
	peer.send({ type: "hello", versions: [1], worker: "test", dir: run.dir, cache: cache || run.cache });
	await peer.expect("ready");
	return { peer, run: cache ? { ...run, cache } : run };
}

async function
carryOut({ peer, run }, testMembers, members = {})
{
	const whole = { ...run, ...members, test: { name: "sample", kind: "playwright", ...testMembers } };
	peer.send(whole);
	return { result: await peer.expect("result"), peer, run: whole };
}

function
notes(peer)
{
	return peer.of("log").filter(({ level }) => level === "debug").map(({ text }) => text);
}

/* What was said, without what differs from run to run: times, folders, ports, order of output. */
function
essence({ peer, result }, root)
{
	const clean = (value) => JSON.parse(JSON.stringify(value, (key, one) =>
		["durationMs", "run", "lineBytes", "timings"].includes(key) ? undefined
			: typeof one === "string" ? one.replaceAll(root, "ROOT").replace(/run-[\w-]{6,}/g, "RUN")
				.replace(/\b\d+(\.\d+)?m?s\b/g, "TIME")
				/* How often a page was asked before a time limit is up to the machine. */
				.replace(/\n +(- |\d+ × )(locator resolved|unexpected value)[^\n]*/g, "") : one));
	return {
		result: clean(result),
		cases: clean(peer.of("case")),
		steps: clean(peer.of("step")),
		artifacts: clean(peer.of("artifact")),
		started: clean(peer.of("started")),
		output: peer.output.split("\n").filter((line) => /^(in |to stderr|setup|teardown)/.test(line)).sort(),
	};
}

function
isAlive(pid)
{
	return fs.existsSync(`/proc/${pid}`);
}

/* Processes whose temporary folder is the run's: the spare, its worker, its browser. */
function
processesOf(run)
{
	const needle = `TMPDIR=${path.join(run.dir, "tmp")}\0`;
	return fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
		try {
			return fs.readFileSync(`/proc/${pid}/environ`).includes(needle);
		} catch {
			return false;
		}
	}).map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

function
commandOf(pid)
{
	try {
		return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ");
	} catch {
		return "";
	}
}

async function
until(condition, what)
{
	for (let n = 0; n < 1500; n++) {
		const value = condition();
		if (value)
			return value;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	return assert.fail(`it never came to this: ${what}`);
}

function
browserOf(run)
{
	return processesOf(run).find(({ command }) => /--remote-debugging-pipe/.test(command) && !/--type=/.test(command));
}

/* The runner's folder with some of its files changed; its modules are the real ones. */
function
changedRunner(t, files)
{
	const home = temporary(t);
	const target = path.join(home, "playwright");
	for (const file of ["kit.js", "sweep.js"])
		fs.copyFileSync(path.join(HOME, file), path.join(home, file));
	fs.mkdirSync(target);
	for (const name of fs.readdirSync(path.join(HOME, "playwright"))) {
		const source = path.join(HOME, "playwright", name);
		if (name === "node_modules")
			fs.symlinkSync(source, path.join(target, name));
		else
			fs.copyFileSync(source, path.join(target, name));
	}
	for (const [name, change] of Object.entries(files)) {
		const file = path.join(target, name);
		fs.writeFileSync(file, change(fs.readFileSync(file, "utf8")));
	}
	return home;
}

describe("a spare and a plain start", () => {
	test("give the same results over a whole suite", TIMEOUT, async (t) => {
		const root = write(temporary(t), SUITE);
		const port = 20000 + process.pid % 20000;
		const members = { path: root, env: { FROM_JOB: "given", SUITE_PORT: String(port) } };
		const all = {};
		for (const way of ["off", "on"]) {
			const prepared = await prepare(t, { env: { PROCTOR_PLAYWRIGHT_SPARE: way } });
			all[way] = await carryOut(prepared, members);
		}
		assert.deepEqual(notes(all.off.peer), []);
		assert.deepEqual(notes(all.on.peer), ["started from a spare"]);
		const [plain, warm] = [essence(all.off, root), essence(all.on, root)];
		assert.equal(plain.result.outcome, "failed", JSON.stringify(plain.result.error));
		assert.equal(plain.result.cases.length, 22, JSON.stringify(plain.result.cases.map(({ title }) => title)));
		assert.deepEqual(warm.result.cases.map(({ title, status }) => [title, status]),
			plain.result.cases.map(({ title, status }) => [title, status]));
		assert.deepEqual(warm, plain);
	});

	test("refuse the same nonsense in the same words", TIMEOUT, async (t) => {
		for (const script of [`${IMPORT}test('x', async ( => {});`, IMPORT, `${IMPORT}import 'no-such-module';`]) {
			const said = {};
			for (const way of ["off", "on"]) {
				const done = await carryOut(await prepare(t, { env: { PROCTOR_PLAYWRIGHT_SPARE: way } }), { script });
				said[way] = essence(done, done.run.dir);
			}
			assert.equal(said.on.result.outcome, "errored");
			assert.deepEqual(said.on, said.off);
		}
	});
});

describe("a spare", () => {
	test("is used whole: command line, worker process, browser; and nothing of it stays", TIMEOUT, async (t) => {
		const prepared = await prepare(t);
		const { pid } = await until(() => browserOf(prepared.run), "a browser before the run");
		const { peer, result, run } = await carryOut(prepared, { script: `${IMPORT}
import fs from 'fs';
test('looks around', async ({ page }) => {
	await page.setContent('<h1>here</h1>');
	const mine = (name) => fs.readFileSync('/proc/' + name + '/cmdline', 'utf8').replaceAll('\\0', ' ');
	console.log('worker:', mine('self'));
	console.log('browser:', fs.readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim());
});` });
		assert.equal(result.outcome, "passed", JSON.stringify(result.error));
		assert.deepEqual(notes(peer), ["started from a spare"]);
		assert.match(peer.output, /worker: .*spare-worker\.js/);
		assert.match(peer.output, new RegExp(`browser: ${pid}$`, "m"));
		peer.send({ type: "bye" });
		await peer.exited;
		await until(() => processesOf(run).length === 0 && !isAlive(pid), "nothing is left");
	});

	test("leaves when the worker does, without a run", TIMEOUT, async (t) => {
		const { peer, run } = await prepare(t);
		await until(() => browserOf(run), "a browser");
		peer.requests.end();
		assert.deepEqual(await peer.exited, { code: 0, signal: null });
		await until(() => processesOf(run).length === 0, "nothing is left");
	});

	test("leaves when its runner is killed", TIMEOUT, async (t) => {
		const { peer, run } = await prepare(t);
		await until(() => browserOf(run), "a browser");
		peer.child.kill("SIGKILL");
		await until(() => processesOf(run).length === 0, "nothing is left");
	});

	test("has its browser replaced when the project launches another way", TIMEOUT, async (t) => {
		const root = write(temporary(t), {
			"playwright.config.js": "module.exports = { use: { launchOptions: { args: ['--user-agent=Mine'] } } };",
			"a.spec.js": "const { test, expect } = require('@playwright/test');\n"
				+ "test('is mine', async ({ page }) => { expect(await page.evaluate(() => navigator.userAgent)).toContain('Mine'); });",
		});
		const prepared = await prepare(t);
		const { pid } = await until(() => browserOf(prepared.run), "a browser before the run");
		const { result } = await carryOut(prepared, { path: root });
		assert.equal(result.outcome, "passed", JSON.stringify(result.error));
		assert.ok(!isAlive(pid));
	});

	test("has its browser replaced when the time zone is another", TIMEOUT, async (t) => {
		const prepared = await prepare(t);
		await until(() => browserOf(prepared.run), "a browser before the run");
		const { result } = await carryOut(prepared, { env: { TZ: "Asia/Tokyo" }, script: `${IMPORT}
test('is in Tokyo', async ({ page }) => {
	expect(new Date(0).getHours()).toBe(9);
	expect(await page.evaluate(() => new Date(0).getHours())).toBe(9);
});` });
		assert.equal(result.outcome, "passed", JSON.stringify(result.error));
	});

	test("is passed over for a variable that Playwright reads early", TIMEOUT, async (t) => {
		const { peer, result } = await carryOut(await prepare(t), { script: TRIVIAL, env: { DEBUG: "pw:nothing" } });
		assert.equal(result.outcome, "passed", JSON.stringify(result.error));
		assert.deepEqual(notes(peer), ["started without its spare: the run sets DEBUG"]);
	});

	test("is passed over for a project with a Playwright of its own", TIMEOUT, async (t) => {
		const root = write(temporary(t), { "a.spec.ts": TRIVIAL });
		fs.mkdirSync(path.join(root, "node_modules/@playwright"), { recursive: true });
		for (const name of ["playwright", "playwright-core", "@playwright/test"])
			fs.cpSync(path.join(HOME, "playwright/node_modules", name), path.join(root, "node_modules", name), { recursive: true });
		const { peer, result } = await carryOut(await prepare(t), { path: root });
		assert.equal(result.outcome, "passed", JSON.stringify(result.error));
		assert.deepEqual(notes(peer), ["started without its spare: the project has a Playwright of its own"]);
	});

	test("that is cancelled before it answers ends the run all the same", TIMEOUT, async (t) => {
		const { peer, run } = await prepare(t);
		peer.send({ ...run, test: { name: "sample", kind: "playwright", script: `${IMPORT}
test('endless', async () => { test.setTimeout(0); await new Promise(() => {}); });` } });
		peer.send({ type: "cancel", run: run.run, reason: "stopped" });
		const result = await peer.expect("result");
		assert.deepEqual([result.outcome, result.reason], ["cancelled", "stopped"]);
		await until(() => processesOf(run).length === 0, "nothing is left");
	});
});

describe("broken on purpose, the plain start takes over", () => {
	const cases = {
		"the spare ends at once": { "spare-main.js": () => "process.exit(3);" },
		"the spare throws": { "spare-main.js": () => "throw new Error('surprise');" },
		"the spare says something else": {
			"spare-main.js": (text) => text.replace('"going\\n"', '"gone\\n"') },
		"the runner knows another version": { "spare.js": (text) => text.replace('"1.61.0"', '"1.0.0"') },
		"what was to be loaded early is not there": {
			"spare-modules.js": (text) => text.replaceAll("index.js", "gone.js").replace("program.js", "gone.js") },
		"the worker is another file": {
			"spare-modules.js": (text) => text.replace("worker/workerProcessEntry.js", "worker/gone.js") },
		"the spare worker ends": { "spare-worker.js": () => "process.exit(5);" },
		"the spare browser cannot be started": {
			"spare-browser.js": (text) => text.replace("childProcess.spawn(found.command", "childProcess.spawn('/nowhere'") },
		"the spare browser dies": {
			"spare-browser.js": (text) => text.replace("\tchild.on(\"error\"", "\tchild.kill('SIGKILL');\n\tchild.on(\"error\"") },
	};
	for (const [name, files] of Object.entries(cases)) {
		test(name, TIMEOUT, async (t) => {
			const prepared = await prepare(t, { home: changedRunner(t, files) });
			const { result } = await carryOut(prepared, { script: `${IMPORT}
test('shows', async ({ page }) => { await page.setContent('<h1>x</h1>'); await expect(page.locator('h1')).toHaveText('x'); });` });
			assert.equal(result.outcome, "passed", JSON.stringify(result.error));
			prepared.peer.send({ type: "bye" });
			await prepared.peer.exited;
			await until(() => processesOf(prepared.run).length === 0, "nothing is left");
		});
	}
});

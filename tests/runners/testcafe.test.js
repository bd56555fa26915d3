/* SPDX-License-Identifier: Apache-2.0 */
/* The testcafe runner over the protocol, with a real Chromium. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { describe, test } = require("node:test");
const { Peer, request, temporary } = require("./peer");

const RUNNERS = path.join(__dirname, "../../runners/testcafe");
const { browserPids, isAlive } = require(path.join(RUNNERS, "watch"));
const TIMEOUT = { timeout: 90000 };
const PAGE = `<title>T</title><h1 id=h>Hello</h1><input id=i>
<button onclick="h.textContent = 1; console.log('was clicked')">b</button>`;
const HEAD = "import { Selector } from 'testcafe';\nfixture('Sample').page('./page.html');\n";

const missing = !fs.existsSync(path.join(RUNNERS, "node_modules/testcafe/package.json")) ? "no testcafe"
	: !require(path.join(RUNNERS, "browsers")).findChromium() ? "no Chromium" : false;

function
write(directory, files)
{
	for (const [name, text] of Object.entries({ "page.html": PAGE, ...files })) {
		fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
		fs.writeFileSync(path.join(directory, name), text);
	}
	return directory;
}

/* A greeted runner and the request for a suite of these files; not sent yet. */
async function
prepare(t, files, testMembers = {}, members = {}, env = {})
{
	const base = temporary(t);
	const suite = write(path.join(base, "suite"), files);
	const peer = new Peer([process.execPath, path.join(RUNNERS, "runner.js")], { env: { ...process.env, ...env } });
	t.after(() => peer.close());
	await peer.greet();
	const run = request(base, { ...members, test: { name: "sample", kind: "testcafe", path: suite, ...testMembers } });
	return { peer, run, suite };
}

async function
carryOut(t, ...rest)
{
	const prepared = await prepare(t, ...rest);
	prepared.peer.send(prepared.run);
	const result = await prepared.peer.expect("result");
	return { ...prepared, result };
}

function
artifacts(peer)
{
	return Object.fromEntries(peer.of("artifact").map((one) => [one.name, one]));
}

/* The processes of one run: everything that has its directory for temporary files. */
function
processesOf(run)
{
	const needle = `TMPDIR=${path.join(run.dir, "tmp")}\0`;
	return fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
		try {
			return fs.readFileSync(`/proc/${pid}/environ`, "utf8").includes(needle) && isAlive(pid);
		} catch {
			return false;
		}
	}).map(Number);
}

/* The mark that the run's processes carry. */
function
markOf(run)
{
	return JSON.parse(fs.readFileSync(path.join(run.dir, "plan.json"), "utf8")).mark;
}

/* Looks until there is nothing more; the test's own time limit is the end of that. */
async function
gone(isGone)
{
	while (!isGone())
		await new Promise((resolve) => setTimeout(resolve, 50));
}

async function
begun(peer)
{
	await peer.expect((message) => message.type === "case" && message.status === "running");
}

describe("suites", { skip: missing }, () => {
	test("cases, steps, errors, pictures, console, reported data and reports", TIMEOUT, async (t) => {
		const { result, peer, run } = await carryOut(t, { "a.js": `${HEAD}
test('passes', async (t) => {
	await t.typeText('#i', 'abc').click('button').expect(Selector('#h').innerText).eql('1');
	await t.report({ order: 7 });
});
test.skip('is skipped', async () => {});
test('fails', async (t) => {
	await t.click('button');
	await t.expect(Selector('#h').innerText).eql('2', { timeout: 100 });
});` });
		assert.deepEqual([result.outcome, result.reason], ["failed", "assertion"], JSON.stringify(result.error));
		assert.deepEqual(result.counts, { passed: 1, failed: 1, skipped: 1, flaky: 0 });
		assert.equal(peer.of("started")[0].total, 3);
		assert.deepEqual(peer.of("case").map(({ status, title, path: names, line }) => [status, title, names, line]), [
			["running", "passes", ["a.js", "Sample"], 4],
			["passed", "passes", ["a.js", "Sample"], 4],
			["skipped", "is skipped", ["a.js", "Sample"], 8],
			["running", "fails", ["a.js", "Sample"], 9],
			["failed", "fails", ["a.js", "Sample"], 9],
		]);
		assert.deepEqual(peer.of("step").map(({ status, title }) => `${status} ${title}`), [
			"passed typeText Selector('#i') \"abc\"", "passed click Selector('button')", "passed expect eql \"1\"",
			"passed report", "passed click Selector('button')", "failed expect eql \"2\""]);
		const { error } = result;
		assert.match(error.message, /^AssertionError: expected '1' to deeply equal '2'/);
		assert.doesNotMatch(error.message, /Browser:|Screenshot:| at /);
		assert.deepEqual([error.file, error.line, error.expected, error.actual], ["a.js", 11, "'2'", "'1'"]);
		assert.match(error.snippet, /^> 11 \|.*eql\('2'/m);

		const kept = artifacts(peer);
		const bytes = fs.readFileSync(path.join(run.artifacts, kept[error.screenshot].path));
		assert.equal(bytes.subarray(1, 4).toString(), "PNG");
		const console = Object.values(kept).find(({ kind }) => kind === "log");
		assert.match(fs.readFileSync(path.join(run.artifacts, console.path), "utf8"), /^log: was clicked$/m);
		assert.deepEqual(result.output, { reportData: [{ file: "a.js", fixture: "Sample", test: "passes", data: [{ order: 7 }] }] });
		const json = JSON.parse(fs.readFileSync(path.join(run.artifacts, kept["testcafe.json"].path), "utf8"));
		assert.deepEqual([json.passed, json.total, json.skipped], [1, 2, 1]);
		assert.match(fs.readFileSync(path.join(run.artifacts, kept["testcafe.xml"].path), "utf8"), /<testsuite /);
		assert.deepEqual(processesOf(run), [], "nothing is left of the run");
	});

	test("quarantine: attempts are told, an unstable test is flaky", TIMEOUT, async (t) => {
		const { result, peer } = await carryOut(t, { "a.js": `${HEAD}
let n = 0;
test('second time lucky', async (t) => { await t.expect(++n).gte(2); });
test('never', async (t) => { await t.expect(1).eql(2); });` },
		{ config: { quarantineMode: { attemptLimit: 3, successThreshold: 1 }, assertionTimeout: 100 } });
		assert.equal(result.outcome, "failed");
		assert.deepEqual(result.cases.map(({ status, attempts }) => [status, attempts]), [["flaky", 2], ["failed", 3]]);
		assert.match(result.cases[0].error.message, /expected 1 to be at least 2/);
		assert.deepEqual(peer.of("case").filter(({ title }) => title === "second time lucky")
			.map(({ status, attempt }) => [status, attempt]),
		[["running", 1], ["failed", 1], ["running", 2], ["flaky", 2]]);
	});

	test("the project's configuration counts; what the job says wins and is told", TIMEOUT, async (t) => {
		const { result, suite, peer } = await carryOut(t, {
			".testcaferc.json": JSON.stringify({ src: ["mine"], speed: 0.5, selectorTimeout: 77,
				browsers: "chrome:headless", reporter: [{ name: "list", output: "own/list.txt" }] }),
			"mine/a.js": `${HEAD.replace("./page", "../page")}
test('sees options', async (t) => { await t.expect(process.env.WORD).eql('yes'); });
test.meta('kind', 'odd')('other', async (t) => { await t.expect(Selector('b').exists).notOk(); });
fixture('More');
test('sees nothing', async () => {});`,
			"other/b.js": `${HEAD}test('is not in src', async (t) => { await t.expect(1).eql(2); });`,
		}, { grep: "^(sees|other)", fixture: "Sample", env: { WORD: "yes" } },
		{ config: { speed: 1, unheardOf: 1 }, target: "chromium" });
		assert.equal(result.outcome, "passed", JSON.stringify(result.error));
		assert.deepEqual(result.cases.map(({ title }) => title), ["sees options", "other"]);
		assert.match(result.warnings.join("\n"), /job's speed, browsers wins over \.testcaferc\.json/);
		assert.match(result.warnings.join("\n"), /do not use unheardOf/);
		assert.match(fs.readFileSync(path.join(suite, "own/list.txt"), "utf8"), /sees options/);
		assert.doesNotMatch(result.warnings.join("\n"), /will be ignored/);
		assert.match(peer.output, /Running tests in/);
	});

	test("what is wrong with the suite is errored, with its place", TIMEOUT, async (t) => {
		const syntax = await carryOut(t, { "a.js": `${HEAD}test('x', async (t => {});\n` });
		assert.deepEqual([syntax.result.outcome, syntax.result.reason], ["errored", "config"], JSON.stringify(syntax.result));
		assert.deepEqual([syntax.result.error.file, syntax.result.error.line], ["a.js", 3]);
		const none = await carryOut(t, { "a.js": `${HEAD}test('a', async () => {});` }, { grep: "zebra" });
		assert.deepEqual([none.result.outcome, none.result.reason], ["errored", "no_tests"]);
		assert.match(none.result.error.message, /grep "zebra"/);
		const browser = await carryOut(t, { "a.js": `${HEAD}test('a', async () => {});` }, { browsers: ["safari"] });
		assert.deepEqual([browser.result.outcome, browser.result.reason], ["errored", "browser_missing"]);
	});

	test("stop on the first failure: what did not run is skipped", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, { "a.js": `${HEAD}
test('breaks', async (t) => { await t.expect(1).eql(2); });
test('waits in vain', async () => {});` }, { config: { stopOnFirstFail: true, screenshot: "off", assertionTimeout: 100 } });
		assert.equal(result.outcome, "failed");
		assert.deepEqual(result.cases.map(({ status }) => status), ["failed", "skipped"]);
	});
});

describe("life and death", { skip: missing }, () => {
	const slow = { "a.js": `${HEAD}test('takes long', async (t) => { await t.wait(60000); });` };

	test("in proxy mode too, every port is of the loopback interface", TIMEOUT, async (t) => {
		const { peer, run } = await prepare(t, slow, {}, { config: { disableNativeAutomation: true } });
		peer.send(run);
		await begun(peer);
		const inodes = new Set(processesOf(run).flatMap(socketsOf));
		const listening = ["tcp", "tcp6"].flatMap((table) => fs.readFileSync(`/proc/net/${table}`, "utf8").trim()
			.split("\n").slice(1).map((line) => line.trim().split(/\s+/)))
			.filter((words) => words[3] === "0A" && inodes.has(words[9]));
		assert.ok(listening.length >= 2, "the two ports of the proxy are there");
		assert.deepEqual(listening.map((words) => words[1].split(":")[0]).filter((address) => address !== "0100007F"), []);
		peer.send({ type: "cancel", run: run.run, reason: "asked" });
		const result = await peer.expect("result");
		assert.deepEqual([result.outcome, result.reason], ["cancelled", "asked"]);
		assert.deepEqual(processesOf(run), [], "nothing is left of the run");
	});

	test("a browser that dies is noticed at once: lost, not failed", TIMEOUT, async (t) => {
		const { peer, run } = await prepare(t, slow);
		peer.send(run);
		await begun(peer);
		const [browser] = browserPids(markOf(run));
		const from = Date.now();
		process.kill(browser, "SIGKILL");
		const result = await peer.expect("result");
		assert.deepEqual([result.outcome, result.reason], ["lost", "browser_disconnected"]);
		assert.match(result.error.message, /Sample › takes long/);
		assert.ok(Date.now() - from < 20000, "TestCafe itself waits two minutes");
		assert.deepEqual(processesOf(run), [], "nothing is left of the run");
	});

	test("an application that ends at once is told by its own words", TIMEOUT, async (t) => {
		const { result } = await carryOut(t, slow, { config: { appCommand: "echo no port left >&2; exit 3" } });
		assert.equal(result.outcome, "errored");
		assert.equal(result.reason, "web_server");
		assert.doesNotMatch(result.error.message, /pendingTaskDonePromise/);
		assert.match(result.error.message, /exit 3|no port left/);
	});

	test("a runner that is killed takes everything of its run along", TIMEOUT, async (t) => {
		const { peer, run } = await prepare(t, slow);
		peer.send(run);
		await begun(peer);
		peer.child.kill("SIGKILL");
		await peer.exited;
		await gone(() => processesOf(run).length === 0);
	});

	test("the time limit names the test that was under way", TIMEOUT, async (t) => {
		const { result, run } = await carryOut(t, slow, {}, { timeoutMs: 15000 });
		assert.deepEqual([result.outcome, result.reason], ["timed_out", "timeout"]);
		/* A machine that is very busy does not even get to the test within that time. */
		assert.match(result.error.message,
			/15000 ms passed (during: a\.js › Sample › takes long|before the first test began)/);
		assert.deepEqual(processesOf(run), [], "nothing is left of the run");
	});
});

function
socketsOf(pid)
{
	try {
		return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`))
			.map((name) => (/^socket:\[(\d+)\]$/.exec(name) || [])[1]).filter(Boolean);
	} catch {
		return [];
	}
}


// SPDX-License-Identifier: Apache-2.0
// `proctor run` with commands: exit statuses, output, reports, services, signals.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { folder, processesWith, proctor, said, start, write } from "./lib/cli.mjs";

function
job(dir, tests, more = {}, name = "job.yaml")
{
	return write(dir, name, { name: "sample", tests, ...more });
}

const command = (name, script) => ({ name, kind: "command", argv: ["sh", "-c", script] });

function
run(dir, ...args)
{
	return proctor(["run", "--data", path.join(dir, "data"), ...args]);
}

test("passed: status 0, one line a test, a last line that sums up", async (t) => {
	const dir = folder(t);
	const { status, stdout, stderr } = await run(dir, job(dir, [command("one", "true"), command("two", "true")]));
	assert.equal(status, 0, stderr);
	assert.match(stdout, /^ {2}ok {6}one/m);
	assert.match(stdout, /^ {2}ok {6}two/m);
	assert.match(stdout, /^completed: 2 passed in /m);
	assert.doesNotMatch(stdout, /\x1b/, "no colours or cursor movement outside a terminal");
});

test("failed: status 1 and what failed", async (t) => {
	const dir = folder(t);
	const { status, stdout } = await run(dir, job(dir, [command("good", "true"), command("bad", "exit 3")]));
	assert.equal(status, 1);
	assert.match(stdout, /^ {2}1\) bad$/m);
	assert.match(stdout, /ended with status 3/);
	assert.match(stdout, /^failed: 1 passed, 1 failed/m);
});

test("errored: status 4, because nothing is known about the product", async (t) => {
	const dir = folder(t);
	const { status, stdout } = await run(dir, job(dir, [{ name: "x", kind: "command", argv: ["./no-such-program"] }]));
	assert.equal(status, 4);
	assert.match(stdout, /1\) x {2}errored/);
});

test("gave up waiting: status 5, and nothing goes on", async (t) => {
	const dir = folder(t);
	const mark = `sleep 3${process.pid}`;
	const { status, stdout } = await run(dir, "--give-up", "300ms", job(dir, [command("slow", mark)]));
	assert.equal(status, 5, stdout);
	assert.match(stdout, /^stopped: 1 cancelled/m);
	assert.deepEqual(processesWith(mark), []);
});

test("Ctrl-C stops the job for real: status 130", async (t) => {
	const dir = folder(t);
	const mark = `sleep 4${process.pid}`;
	const one = start(["run", "--data", path.join(dir, "data"),
		job(dir, [command("first", "true"), command("slow", `${mark} & ${mark}`)], { concurrency: 1 })]);
	await said(one, "stdout", /ok {6}first/);
	one.child.kill("SIGINT");
	const { status, stdout } = await one.end;
	assert.equal(status, 130, stdout);
	assert.match(stdout, /^stopped: 1 passed, 1 cancelled/m);
	assert.deepEqual(processesWith(mark), []);
});

test("killed by force, it leaves no process behind, and the job is still there", async (t) => {
	const dir = folder(t);
	const data = path.join(dir, "data");
	const mark = `sleep 5${process.pid}`;
	const one = start(["run", "--data", data, job(dir, [command("first", "true"), command("slow", mark)], { concurrency: 1 })]);
	await said(one, "stdout", /ok {6}first/);
	one.child.kill("SIGKILL");
	await one.end;
	/* The server leaves when its parent is gone; then its lock is free and the next one gets it. */
	const deadline = Date.now() + 20_000;
	while (processesWith(data).length > 0 && Date.now() < deadline)
		await new Promise((resolve) => { setTimeout(resolve, 20); });
	assert.deepEqual(processesWith(data), []);
	assert.deepEqual(processesWith(mark), []);
	const server = start(["serve", "--listen", "127.0.0.1:0", "--workers", "0", "--data", data]);
	await said(server, "stdout", /listening on/);
	const list = JSON.parse((await proctor(["job", "list", "--json", "--data", data])).stdout);
	server.child.kill("SIGTERM");
	await server.end;
	assert.equal(list.items.length, 1);
	assert.equal(list.items[0].counts.passed, 1);
});

test("reports: HTML, JUnit and JSON", async (t) => {
	const dir = folder(t);
	const file = (name) => path.join(dir, name);
	const { status, stdout } = await run(dir, "--artifacts", file("left"), "--html", file("r.html"), "--junit", file("r.xml"), "--json", file("r.json"),
		job(dir, [command("good", "true"), command("a<b", "echo oh; exit 1")]));
	assert.equal(status, 1);
	assert.ok(stdout.endsWith(`report: ${file("r.html")}\n`));
	const report = JSON.parse(fs.readFileSync(file("r.json"), "utf8"));
	assert.equal(report.status, "failed");
	assert.equal(report.results.passed, 1);
	assert.equal(report.tests[1].units[0].runs[0].outcome, "failed");
	assert.ok(fs.existsSync(path.join(file("left"), report.tests[1].units[0].runs[0].id, "output.log")));
	const html = fs.readFileSync(file("r.html"), "utf8");
	assert.match(html, /^<!doctype html>[^]*a&lt;b[^]*<\/html>\n$/);
	const [, link] = /<a href="(left\/[^"]*\/output\.log)">/.exec(html);
	assert.ok(fs.existsSync(file(link)), "the page links what --artifacts fetched");
	assert.match(fs.readFileSync(file("r.xml"), "utf8"), /<testcase name="a&lt;b"[^]*<failure /);
});

test("--json - keeps stdout for the JSON alone", async (t) => {
	const dir = folder(t);
	const { status, stdout } = await run(dir, "--json", "-", job(dir, [command("good", "true")]));
	assert.equal(status, 0);
	assert.equal(JSON.parse(stdout).results.passed, 1);
});

test("a report that cannot be written is said so", async (t) => {
	const dir = folder(t);
	const { status, stderr } = await run(dir, "--html", path.join(dir, "no/such/r.html"), job(dir, [command("good", "true")]));
	assert.equal(status, 2);
	assert.match(stderr, /--html.*No such file/);
});

test("options go over the file: iterations, name, retries", async (t) => {
	const dir = folder(t);
	const marker = path.join(dir, "ran");
	const flaky = command("flaky", `test -e ${marker} || { touch ${marker}; exit 1; }`);
	const { status, stdout } = await run(dir, "--iterations", "2", "--name", "renamed", "--retries", "1", "--json", "-",
		job(dir, [flaky], { retries: { max: 0, delay: "1ms" } }));
	const report = JSON.parse(stdout);
	assert.equal(report.name, "renamed");
	assert.equal(report.tests[0].units.length, 2);
	assert.equal(status, 1, "a failed run is repeated only when the file says so in `on`");
	const again = await run(dir, "--retries", "1", "--json", "-", job(folder(t), [command("flaky",
		`test -e ${marker}2 || { touch ${marker}2; exit 1; }`)]));
	assert.equal(again.status, 0, again.stdout);
	assert.equal(JSON.parse(again.stdout).results.flaky, 1);
});

test("parameters: default, given, typed, unknown, missing", async (t) => {
	const dir = folder(t);
	const file = write(dir, "p.yaml", `
params:
  word: { type: string, default: no }
  count: { type: integer, default: 1 }
tests:
  - name: p
    kind: command
    argv: [sh, -c, 'test "\${{ params.word }}/\${{ params.count }}" = yes/7']
`);
	assert.equal((await run(dir, file)).status, 1);
	assert.equal((await run(dir, file, "-p", "word=yes", "--param", "count=7")).status, 0);
	const unknown = await run(dir, file, "-p", "wrd=yes");
	assert.equal(unknown.status, 2);
	assert.match(unknown.stderr, /\/params\/wrd: there is no such parameter/);
	const wrong = await run(dir, file, "-p", "count=many");
	assert.equal(wrong.status, 2);
	assert.match(wrong.stderr, /p\.yaml:4: \/params\/count: "many" is no integer/);
	const missing = await run(dir, write(dir, "m.yaml", "params:\n  word: { type: string }\ntests: []\n"));
	assert.equal(missing.status, 2);
	assert.match(missing.stderr, /m\.yaml:2: \/params\/word: needs a value/);
});

test("paths are relative to the job file", async (t) => {
	const dir = folder(t);
	fs.mkdirSync(path.join(dir, "sub"));
	write(path.join(dir, "sub"), "here", "");
	const file = write(path.join(dir, "sub"), "j.yaml", "tests:\n  - { name: a, kind: command, argv: [test, -e, here] }\n" +
		"  - { name: b, kind: command, argv: [test, -e, sub/here], cwd: .. }\n");
	const { status, stdout } = await run(dir, file);
	assert.equal(status, 0, stdout);
});

const broken = [
	["unknown member", "name: x\ntests:\n  - name: a\n    kind: command\n    argv: [x]\n    colour: red\n", /j\.yaml:6: \/tests\/0\/colour/],
	["near miss", "name: x\nconcurrencyy: 2\ntests: []\n", /j\.yaml:2: \/concurrencyy: .*did you mean "concurrency"/],
	["wrong type", "tests:\n  - name: a\n    kind: command\n    argv: yes\n", /j\.yaml:4: \/tests\/0\/argv/],
	["syntax", "tests: [\n  a: b: c\n", /j\.yaml: line \d+: /],
	["duplicate key", "name: a\ntests: []\nname: b\n", /line 3: "name" is there twice/],
	["alias", "a: &x 1\nb: *x\n", /line 1: anchors and aliases/],
	["no object", "- a\n", /a job is expected/],
	["empty", "", /the file is empty/],
	["bad expression in a service", "services:\n  - command: [\"${{ params.nope }}\"]\ntests: []\n", /j\.yaml:2: \/services\/0\/command\/0/],
];

for (const [what, text, message] of broken) {
	test(`a job file with ${what} is refused by line: status 2`, async (t) => {
		const dir = folder(t);
		const { status, stderr } = await run(dir, write(dir, "j.yaml", text));
		assert.equal(status, 2, stderr);
		assert.match(stderr, message);
	});
}

test("paths that are nothing to run are refused and say what was looked for", async (t) => {
	const dir = folder(t);
	const nothing = await run(dir, dir);
	assert.equal(nothing.status, 2);
	assert.match(nothing.stderr, /found no playwright\.config\.\*, \*\.spec/);
	assert.equal((await run(dir, path.join(dir, "absent"))).status, 2);
	const both = await run(dir, job(dir, []), write(dir, "a.spec.ts", ""));
	assert.equal(both.status, 2);
	assert.match(both.stderr, /stands alone/);
});

test("a folder's own *.proctor.yaml is its job file", async (t) => {
	const dir = folder(t);
	job(dir, [command("inside", "true")], {}, "my.proctor.yaml");
	const { status, stdout } = await run(dir, dir);
	assert.equal(status, 0);
	assert.match(stdout, /ok {6}inside/);
});

const server = `require("http").createServer((q, s) => s.end("up " + process.env.WORD)).listen(+process.argv[1], "127.0.0.1");
	require("child_process").spawn("sleep", [process.argv[2]], { detached: true });`;

async function
freePort()
{
	const { createServer } = await import("node:net");
	return new Promise((resolve) => {
		const one = createServer().listen(0, "127.0.0.1", () => {
			const { port } = one.address();
			one.close(() => resolve(port));
		});
	});
}

test("services are started before, waited for, and gone afterwards with all their children", async (t) => {
	const dir = folder(t);
	const port = await freePort();
	const mark = `6${process.pid}`;
	const services = [{ name: "web", command: ["node", "-e", server, String(port), mark], env: { WORD: "hello" },
		ready: `GET http://127.0.0.1:${port}/` }];
	const check = { name: "web", kind: "http", request: `GET http://127.0.0.1:${port}/`, expect: { status: 200, body: { contains: "up hello" } } };
	const { status, stdout, stderr } = await run(dir, job(dir, [check], { services }));
	assert.equal(status, 0, stdout + stderr);
	assert.deepEqual(processesWith(`sleep ${mark}`), []);
});

test("a service that ends, or never gets ready, is the environment's fault: status 4", async (t) => {
	const dir = folder(t);
	const dead = [{ name: "db", command: ["sh", "-c", "echo no disk >&2; exit 7"], ready: "GET http://127.0.0.1:1/" }];
	const one = await run(dir, job(dir, [command("never", "true")], { services: dead }));
	assert.equal(one.status, 4);
	assert.match(one.stderr, /no disk/);
	assert.match(one.stderr, /service db is not there: it ended with status 7/);
	const mute = [{ name: "db", command: ["sleep", `7${process.pid}`], ready: "GET http://127.0.0.1:1/", timeout: "300ms" }];
	const two = await run(dir, job(dir, [command("never", "true")], { services: mute }));
	assert.equal(two.status, 4);
	assert.match(two.stderr, /service db is not ready/);
	assert.deepEqual(processesWith(`sleep 7${process.pid}`), []);
});

test("a server that has the data directory is used, and left alone", async (t) => {
	const dir = folder(t);
	const data = path.join(dir, "data");
	const one = start(["serve", "--listen", "127.0.0.1:0", "--data", data]);
	t.after(async () => { one.child.kill("SIGTERM"); await one.end; });
	await said(one, "stdout", /listening on/);
	assert.equal((await run(dir, job(dir, [command("x", "true")]))).status, 0);
	const list = await proctor(["job", "list", "--data", data, "--json"]);
	assert.equal(JSON.parse(list.stdout).items.length, 1);
});

test("a job that cannot begin says why", async (t) => {
	const dir = folder(t);
	const data = path.join(dir, "data");
	const one = start(["serve", "--listen", "127.0.0.1:0", "--workers", "0", "--data", data]);
	t.after(async () => { one.child.kill("SIGTERM"); await one.end; });
	await said(one, "stdout", /listening on/);
	const waiting = start(["run", "--data", data, job(dir, [command("x", "true")])]);
	await said(waiting, "stdout", /No worker/);
	waiting.child.kill("SIGINT");
	assert.equal((await waiting.end).status, 130);
});

test("the JUnit report is well-formed whatever the names are", async (t) => {
	if (spawnSync("xmllint", ["--version"]).error)
		return t.skip("no xmllint here");
	const dir = folder(t);
	const file = path.join(dir, "r.xml");
	await run(dir, "--junit", file, job(dir, [command("]]>&\u0001 <x> \u{1F600} \uFFFE", "printf '\\033[31m\\377\\001'; exit 1")], {}, "job.json"));
	const lint = spawnSync("xmllint", ["--noout", file], { encoding: "utf8" });
	assert.equal(lint.status, 0, lint.stderr);
});

const browserHere = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].some((file) => fs.existsSync(file));

test("a browser test's failure names its step, and optional steps that failed are noted", { skip: !browserHere }, async (t) => {
	const dir = folder(t);
	const file = write(dir, "j.json", { browsers: ["chromium"], tests: [{ name: "clicks", kind: "browser", steps: [
		{ open: "data:text/html,<h1>Hi</h1>" },
		{ click: "#may", optional: true, timeout: 200 },
		{ click: "#must", timeout: 200 },
	] }] });
	const { status, stdout } = await proctor(["run", "--data", path.join(dir, "data"), file]);
	assert.equal(status, 1, stdout);
	assert.match(stdout, /1\) clicks\n.*#must.*\n +in step: click .*#must/);
	assert.match(stdout, /note clicks\n +optional step failed: click .*#may/);
});

// SPDX-License-Identifier: Apache-2.0
// Grouped jobs and the quarantine list from the command line.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { folder, proctor, serve, write } from "./lib/cli.mjs";

const command = (name, script, more = {}) => ({ name, kind: "command", argv: ["sh", "-c", script], ...more });

async function
run(t, job, ...args)
{
	const dir = folder(t);
	return { dir, ...await proctor(["run", "--data", path.join(dir, "data"), ...args, write(dir, "j.json", job)]) };
}

// The lines that tell an end: sign and name.
const told = (stdout) => [...stdout.matchAll(/^ {2}(ok|FAILED|skip|ERROR) +(\S.*?)(?:  .*)?$/gm)].map((m) => [m[1], m[2]]);

test("results are told in the order of release, hooks only when they fail", async (t) => {
	// The slow one waits for the quick one's file: it ends later without any sleep.
	const file = path.join(folder(t), "flag");
	const { stdout, status } = await run(t, { concurrency: 2, hooks: { before: command("b", "true") }, fixtures: [
		{ name: "A", tests: [command("slow", `until [ -e ${file} ]; do :; done`)] },
		{ name: "B", tests: [command("quick", `: > ${file}`), command("left", "true", { skip: true })] },
	] });
	assert.equal(status, 0, stdout);
	assert.deepEqual(told(stdout), [["ok", "slow"], ["ok", "quick"], ["skip", "left"]]);
});

test("a hook that fails is told, and what it spoils", async (t) => {
	const { stdout, status } = await run(t, { fixtures: [
		{ name: "A", before: command("b", "exit 3"), tests: [command("one", "true")] }] });
	assert.equal(status, 1, stdout);
	assert.deepEqual(told(stdout), [["FAILED", "before of fixture A"], ["FAILED", "one"]]);
	assert.match(stdout, /1\) A › one\n +The before hook of fixture "A" failed/);
	assert.doesNotMatch(stdout, /2\)/);
});

test("a hook of the job that nobody answers for fails the job", async (t) => {
	const { stdout, status } = await run(t, { hooks: { after: command("b", "exit 3") }, tests: [command("one", "true")] });
	assert.equal(status, 1, stdout);
	assert.match(stdout, /1\) after of the job/);
	assert.match(stdout, /failed: 1 passed .*\(hook_failed\)/);
});

test("D17: 256 failures are no success", async (t) => {
	const tests = Array.from({ length: 256 }, (_, i) => command(`t${i}`, "false"));
	const { status, stdout } = await run(t, { browsers: ["a"], concurrency: 4, tests });
	assert.equal(status, 1);
	assert.match(stdout, /failed: 256 failed/);
});

test("offences of fixtures and hooks have their lines", async (t) => {
	const dir = folder(t);
	const file = write(dir, "j.yaml", `name: x
fixtures:
  - name: A
    before:
      - clic: "#a"
    tests:
      - name: a
        steps:
          - click: 7
quarantine:
  attemptLimit: abc
`);
	for (const args of [["run", "--data", path.join(dir, "data"), file]]) {
		const { status, stderr } = await proctor(args);
		assert.equal(status, 2);
		assert.match(stderr, /j\.yaml:9: \/fixtures\/0\/tests\/0\/steps\/0\/click: /);
		assert.match(stderr, /j\.yaml:11: \/quarantine\/attemptLimit: /);
	}
	const hook = write(dir, "h.yaml", `tests: [{ kind: command, argv: ["true"] }]
hooks:
  before:
    - log: x
    - clic: "#a"
`);
	const { status, stderr } = await proctor(["run", "--data", path.join(dir, "data"), hook]);
	assert.equal(status, 2);
	assert.match(stderr, /h\.yaml:5: \/hooks\/before\/1\/clic: /);
});

test("offences of config and browsers have their lines", async (t) => {
	const dir = folder(t);
	const file = write(dir, "j.yaml", `name: x
config:
  viewport: { width: 0, height: 600 }
browsers:
  - chromium
  - browser: firefox
    config:
      mobile: 7
tests:
  - kind: browser
    steps: [{ open: / }]
    config:
      viewprt: 1
`);
	const { status, stderr } = await proctor(["run", "--data", path.join(dir, "data"), file]);
	assert.equal(status, 2);
	assert.match(stderr, /j\.yaml:3: \/config\/viewport\/width: /);
	assert.match(stderr, /j\.yaml:6: \/browsers\/1\/browser: .*not in "firefox"/);
	assert.match(stderr, /j\.yaml:8: \/browsers\/1\/config\/mobile: /);
	assert.match(stderr, /j\.yaml:13: \/tests\/0\/config\/viewprt: /);
});

test("tests of fixtures start in the file's folder as well", async (t) => {
	const dir = folder(t);
	fs.writeFileSync(path.join(dir, "here"), "");
	const file = write(dir, "j.json", { fixtures: [{ name: "A", before: command("b", "test -e here"), tests: [command("one", "test -e here")] }] });
	const { status, stdout } = await proctor(["run", "--data", path.join(dir, "data"), file]);
	assert.equal(status, 0, stdout);
});

test("quarantine add, list, remove", async (t) => {
	const server = await serve(t);
	const added = await server.call("quarantine", "add", "pays *", "--owner", "ann", "--reason", "PAY-12", "--expires", "14d", "--clean-runs", "2");
	assert.equal(added.status, 0, added.stderr);
	assert.match(added.stdout, /^pays \* {2}in quarantine until \d{4}-/);
	assert.match((await server.call("quarantine", "list")).stdout, /^pays \* +ann +\S{10} +0\/2 +0 +PAY-12$/m);

	const dir = folder(t);
	const job = await server.call("job", "submit", write(dir, "j.json", { tests: [command("pays by card", "exit 1")] }), "--wait");
	assert.equal(job.status, 0, job.stdout);
	assert.match(job.stdout, /1 failed in quarantine/);
	const { items } = JSON.parse((await server.call("quarantine", "list", "--json")).stdout);
	assert.equal(items[0].failures, 1);

	const twice = await server.call("quarantine", "add", "pays *", "--owner", "ann", "--reason", "x");
	assert.notEqual(twice.status, 0);
	assert.match(twice.stderr, /already/);
	assert.equal((await server.call("quarantine", "add", "x")).status, 2);
	const removed = await server.call("quarantine", "remove", "pays *");
	assert.equal(removed.status, 0, removed.stderr);
	assert.match(removed.stdout, /^pays \* {2}counts again/);
	assert.notEqual((await server.call("quarantine", "remove", "pays *")).status, 0);
});

test("job show and job list mark what the status does not tell", async (t) => {
	const server = await serve(t);
	const dir = folder(t), flag = path.join(dir, "flag");
	assert.equal((await server.call("quarantine", "add", "known", "--owner", "ann", "--reason", "PAY-12")).status, 0);
	const job = { name: "marks", quarantine: { attemptLimit: 2, successThreshold: 1 }, fixtures: [{ name: "A", after: command("a", "exit 3"), tests: [
		command("moody", `[ -e ${flag} ] || { : > ${flag}; false; }`), command("known", "false"), command("calm", "true")] }] };
	const submitted = await server.call("job", "submit", write(dir, "j.json", job), "--wait");
	assert.equal(submitted.status, 1, submitted.stdout);
	const { id } = JSON.parse((await server.call("job", "list", "--json")).stdout).items[0];
	const { stdout } = await server.call("job", "show", id);
	assert.match(stdout, /passed .* moody {2}\(unstable\)$/m);
	assert.match(stdout, /failed .* known {2}\(quarantined\)$/m);
	assert.match(stdout, /failed .* after of fixture A {2}\(hook\)$/m);
	assert.match(stdout, /failed .* calm$/m); // the hook is its failure
	assert.match((await server.call("job", "list")).stdout, /  marks {2}\(1 unstable, 1 failed in quarantine\)$/m);
	const broken = await server.call("job", "submit", write(dir, "h.json", { name: "late", hooks: { after: command("a", "exit 3") },
		tests: [command("one", "true")] }), "--wait");
	assert.equal(broken.status, 1);
	assert.match((await server.call("job", "list")).stdout, / failed +hook_failed .* late$/m);
});

test("what never began is counted on the last line", async (t) => {
	const { stdout, status } = await run(t, { stopOnFirstFailure: true, browsers: ["a"],
		tests: [command("bad", "false"), command("late", "true"), command("later", "true")] });
	assert.equal(status, 1, stdout);
	assert.match(stdout, /failed: 1 failed, 2 not run in /);
});

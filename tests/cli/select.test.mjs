// SPDX-License-Identifier: Apache-2.0
// Which tests of a job are run: -g, --project, --last-failed.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { folder, proctor, write } from "./lib/cli.mjs";

const command = (name, script = "true") => ({ name, kind: "command", argv: ["sh", "-c", script] });

// A folder of data, and a function that runs a job there: its answer with the report's names.
function
runner(t)
{
	const dir = folder(t), json = path.join(dir, "report.json");
	return async (job, ...args) => {
		fs.rmSync(json, { force: true });
		const done = await proctor(["run", "--data", path.join(dir, "data"), "--json", json, ...args,
			write(dir, "j.json", { name: "suite", ...job })]);
		const report = fs.existsSync(json) ? JSON.parse(fs.readFileSync(json)) : undefined;
		const names = (list) => list?.map((one) => [one.fixture, one.name].filter(Boolean).join(" "));
		return { ...done, report, tests: names(report?.tests), hooks: names(report?.hooks) };
	};
}

const grouped = (good) => ({
	hooks: { before: command("h") },
	fixtures: [
		{ name: "cart", before: command("b"), tests: [command("adds"), command("pays", good ? "true" : "false")] },
		{ name: "search", tests: [command("adds"), command("finds")] },
	],
});

test("-g chooses by name and by fixture, and keeps the hooks", async (t) => {
	const run = runner(t);
	const byName = await run(grouped(true), "-g", "^finds$");
	assert.equal(byName.status, 0, byName.stderr);
	assert.deepEqual(byName.tests, ["search finds"]);
	assert.ok(byName.hooks.length > 0);
	assert.deepEqual((await run(grouped(true), "-g", "search adds|pays")).tests, ["cart pays", "search adds"]);
});

test("a choice that means nothing is refused", async (t) => {
	const run = runner(t);
	for (const [args, said] of [
		[["-g", "nowhere"], /-g nowhere: no test of the job has such a name/],
		[["-g", "("], /-g \(: not a regular expression/],
		[["--project", "chromium"], /--project is for Playwright tests/],
	]) {
		const { status, stderr } = await run({ tests: [command("one")] }, ...args);
		assert.equal(status, 2, stderr);
		assert.match(stderr, said);
	}
});

test("--shard says when there is nothing to share out", async (t) => {
	const { status, stderr } = await runner(t)({ tests: [command("one")] }, "--shard", "files");
	assert.equal(status, 0, stderr);
	assert.match(stderr, /--shard: no Playwright project/);
});

test("--last-failed goes by fixture and name, says which job, and keeps the hooks", async (t) => {
	const run = runner(t);
	const first = await run(grouped(false));
	assert.equal(first.status, 1);
	const second = await run(grouped(true), "--last-failed");
	assert.equal(second.status, 0, second.stderr);
	assert.deepEqual(second.tests, ["cart pays"]);
	assert.ok(second.hooks.length > 0);
	assert.ok(second.stderr.includes(first.report.id), second.stderr);
	const third = await run(grouped(true), "--last-failed");
	assert.equal(third.status, 0);
	assert.ok(third.stderr.includes(`nothing failed in ${second.report.id}`), third.stderr);
	assert.equal(third.report, undefined);
});

test("--last-failed runs what it cannot find again whole, and never passes in silence", async (t) => {
	const run = runner(t);
	await run({ tests: [command("old", "false"), command("good")] });
	const renamed = await run({ tests: [command("new"), command("good")] }, "--last-failed");
	assert.equal(renamed.status, 0, renamed.stderr);
	assert.deepEqual(renamed.tests, ["new"]);
	assert.match(renamed.stderr, /not found again: "old"\n.*run whole instead: "new"/);

	await run({ tests: [command("old", "false"), command("good")] });
	const gone = await run({ tests: [command("good")] }, "--last-failed");
	assert.equal(gone.status, 2);
	assert.match(gone.stderr, /what failed in \S+ is not in this job/);
});

test("--last-failed runs all when only a hook failed", async (t) => {
	const run = runner(t);
	await run({ hooks: { after: command("h", "false") }, tests: [command("one"), command("two")] });
	const again = await run({ hooks: { after: command("h") }, tests: [command("one"), command("two")] }, "--last-failed");
	assert.equal(again.status, 0, again.stderr);
	assert.deepEqual(again.tests, ["one", "two"]);
	assert.match(again.stderr, /failed, but none of its tests did: all are run/);
});

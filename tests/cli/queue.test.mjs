// SPDX-License-Identifier: Apache-2.0
// `proctor queue …`, and changes of jobs that wait.
import assert from "node:assert/strict";
import test from "node:test";
import { folder, serve, write } from "./lib/cli.mjs";

async function
submit(t, server, more)
{
	const file = write(folder(t), "j.json", { name: "waits", labels: { nobody: "here" },
		tests: [{ kind: "command", argv: ["true"] }], ...more });
	const { stdout, stderr, status } = await server.call("job", "submit", file);

	assert.equal(status, 0, stderr);
	return stdout.trim();
}

test("settings, and what they are", async (t) => {
	const server = await serve(t);
	const set = await server.call("queue", "set", "night", "--concurrency", "3", "--rate", "10/1m/2",
		"--limit", "site=2", "--limit", "site=slow.example:1/1h", "--fair-by", "team", "--json");

	assert.equal(set.status, 0, set.stderr);
	const queue = JSON.parse(set.stdout);

	assert.equal(queue.concurrency, 3);
	assert.deepEqual(queue.rate, { limit: 10, per: 60000, burst: 2 });
	assert.deepEqual(queue.limits, [{ key: "site", concurrency: 2 },
		{ key: "site", value: "slow.example", rate: { limit: 1, per: "1h" } }]);
	await server.call("queue", "set", "night", "--rate", "none", "--limit", "none");
	const bare = JSON.parse((await server.call("queue", "show", "night")).stdout);

	assert.equal(bare.rate ?? bare.limits, undefined);
	for (const wrong of [["--rate", "ten"], ["--rate", "1/"], ["--limit", "site"], ["--limit", "=1"]])
		assert.equal((await server.call("queue", "set", "night", ...wrong)).status, 2, wrong.join(" "));
	assert.match((await server.call("queue", "pause", "night")).stdout, /^night {2}paused$/m);
	assert.match((await server.call("queue", "list")).stdout, /^night +paused +0 +0 +3 +0 +0/m);
	assert.match((await server.call("queue", "resume", "night")).stdout, /open/);
	assert.equal((await server.call("queue", "drain", "none")).status, 2);
});

test("a job that waits is changed and moved", async (t) => {
	const server = await serve(t);
	const id = await submit(t, server, {});
	const edited = await server.call("job", "edit", id, "--priority", "4", "--job-key", "site=a",
		"--need", "cpu=0.5", "--expires-after", "1h", "--json");

	assert.equal(edited.status, 0, edited.stderr);
	const job = JSON.parse(edited.stdout);

	assert.deepEqual([job.priority, job.keys, job.needs], [4, { site: "a" }, { cpu: 0.5 }]);
	assert.equal((await server.call("job", "move", id, "--top")).status, 0);
	assert.notEqual((await server.call("job", "move", id)).status, 0);
});

test("many jobs at once: the number first, then --yes", async (t) => {
	const server = await serve(t);

	for (let i = 0; i < 3; i++) await submit(t, server, { tags: ["nightly"] });
	const asked = await server.call("job", "cancel", "--status", "queued", "--tag", "nightly");

	assert.equal(asked.status, 2);
	assert.match(asked.stderr, /cancel 3 jobs\?/);
	const dry = await server.call("job", "cancel", "--tag", "nightly", "--dry-run", "--yes");

	assert.equal(dry.status, 0, dry.stderr);
	assert.match(dry.stdout, /waits\n.*waits\n.*waits\ncancel: 3 jobs match; nothing was done\n$/);
	assert.equal((await server.call("job", "cancel", "0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17", "--dry-run")).status, 2);
	const done = await server.call("job", "cancel", "--status", "queued", "--tag", "nightly", "--yes");

	assert.equal(done.status, 0, done.stderr);
	assert.match(done.stdout, /^cancel: 3 done, 0 not$/m);
	const none = await server.call("job", "cancel", "--status", "queued", "--yes");

	assert.match(none.stderr, /nothing was done: 0 jobs match/);
	assert.equal((await server.call("job", "cancel")).status, 2);
});

test("tags that are given with the job are those that filters use", async (t) => {
	const server = await serve(t);
	const file = write(folder(t), "j.json", { name: "tagged", tags: ["own"], labels: { nobody: "here" },
		tests: [{ kind: "command", argv: ["true"] }] });
	const { status, stdout, stderr } = await server.call("job", "submit", file, "--tag", "batch", "--tag", "seven");

	assert.equal(status, 0, stderr);
	const listed = await server.call("job", "list", "--tag", "batch", "--json");

	assert.deepEqual(JSON.parse(listed.stdout).items.map(({ id, tags }) => ({ id, tags })),
		[{ id: stdout.trim(), tags: ["own", "batch", "seven"] }]);
});

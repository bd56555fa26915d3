// SPDX-License-Identifier: Apache-2.0
// proctor schedule: the next runs are seen before anything is saved.

import assert from "node:assert/strict";
import test from "node:test";
import { folder, serve, write } from "./lib/cli.mjs";

const template = { name: "shop", params: { url: { type: "string", default: "x" } },
	tests: [{ name: "good", kind: "command", argv: ["true"] }] };

test("add, list, next, show, fire, pause, resume, delete", async (t) => {
	const server = await serve(t);

	assert.equal((await server.call("template", "put", write(folder(t), "t.json", template))).status, 0);
	const options = ["--cron", "30 2 * * MON-FRI", "--zone", "Europe/Berlin", "--template", "shop", "--param", "url=http://shop.test"];
	const dry = await server.call("schedule", "add", "nightly", ...options, "--dry-run");

	assert.equal(dry.status, 0, dry.stderr);
	assert.equal(dry.stderr, "");
	assert.equal(dry.stdout.match(/T02:30:00\+0[12]:00/g).length, 10);
	assert.deepEqual(JSON.parse((await server.call("schedule", "list", "--json")).stdout).items, []);

	const add = await server.call("schedule", "add", "nightly", ...options);

	assert.equal(add.status, 0, add.stderr);
	assert.match(add.stdout, /^nightly +revision 1 +active$/m);
	assert.match(add.stderr, /next runs \(Europe\/Berlin\)/);
	assert.match((await server.call("schedule", "list")).stdout, /^nightly +30 2 \* \* MON-FRI +Europe\/Berlin +active/m);
	const next = await server.call("schedule", "next", "nightly", "-n", "3");

	assert.equal(next.stdout.trim().split("\n").length, 3);
	const fire = await server.call("schedule", "fire", "nightly", "--json");

	assert.equal(fire.status, 0, fire.stderr);
	let show;

	do
		show = await server.call("schedule", "show", "nightly");
	while (!/manual/.test(show.stdout));
	assert.match(show.stdout, /next runs:\n(  .*T02:30:00.*\n){5}/);
	const [job] = JSON.parse((await server.call("job", "list", "--json")).stdout).items;

	assert.equal(job.schedule.name, "nightly");
	assert.match((await server.call("job", "show", job.id)).stdout, /^schedule +nightly$/m);
	assert.match((await server.call("schedule", "pause", "nightly")).stdout, /paused/);
	assert.equal((await server.call("schedule", "next", "nightly")).stdout, "");
	assert.match((await server.call("schedule", "resume", "nightly")).stdout, /active/);
	assert.equal((await server.call("schedule", "delete", "nightly")).status, 0);
	assert.notEqual((await server.call("schedule", "show", "nightly")).status, 0);
});

test("put saves a file, new or changed; mistakes are named", async (t) => {
	const server = await serve(t);
	const put = (text, ...args) => server.call("schedule", "put", write(folder(t), "s.yaml", text), ...args);
	const file = "name: weekly\ncron: '0 6 * * MON#1'\nstart: { tests: [{ name: t, kind: command, argv: ['true'] }] }\n";

	assert.match((await put(file)).stdout, /revision 1/);
	assert.match((await put(`${file}overlap: queue\n`)).stdout, /revision 2/);
	const wrong = await put(file.replace("0 6", "0 66"));

	assert.equal(wrong.status, 2);
	assert.match(wrong.stderr, /\/cron.*hour: values are 0 to 23 \(at 3\)/);
	const lost = await server.call("schedule", "add", "x", "--every", "1h", "--template", "nowhere");

	assert.equal(lost.status, 2);
	assert.match(lost.stderr, /there is no template "nowhere"/);
	assert.equal((await server.call("schedule", "add", "x", "--every", "1h")).status, 2);
});

test("the list says when in words", async (t) => {
	const server = await serve(t);
	const job = "start: { tests: [{ name: t, kind: command, argv: ['true'] }] }\n";

	for (const [name, when] of [["fast", "every: 2000"], ["slow", "every: 90m"], ["once", "at: ['2099-01-02T03:04:05Z']"]])
		await server.call("schedule", "put", write(folder(t), "s.yaml", `name: ${name}\n${when}\n${job}`));
	const { stdout } = await server.call("schedule", "list");

	assert.match(stdout, /^fast +every 2s /m);
	assert.match(stdout, /^slow +every 90m /m);
	assert.match(stdout, /^once +at 2099-01-02T03:04:05/m);
});

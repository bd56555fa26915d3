/* SPDX-License-Identifier: Apache-2.0 */
/* The JavaScript kit against docs/protocol/runner.md, over real pipes. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { test } = require("node:test");
const { Peer, request, temporary } = require("./peer");
const { LIMITS, LineReader, clip, fitLine } = require("../../runners/kit");

const RUNNER = path.join(__dirname, "fixtures/scripted-runner.js");
const TIMEOUT = { timeout: 30000 };

function
start(options)
{
	return new Peer([process.execPath, RUNNER], options);
}

test("shakes hands, runs one after another, leaves at bye", TIMEOUT, async (t) => {
	const base = temporary(t);
	const peer = start();
	const ready = await peer.greet();
	assert.deepEqual({ version: ready.version, kinds: ready.kinds, reusable: ready.reusable },
		{ version: 1, kinds: ["scripted"], reusable: true });

	for (const name of ["first", "second"]) {
		const run = request(base, { run: name, test: { say: [["started", { total: 1 }], ["log", "info", name]] } });
		peer.send(run);
		const result = await peer.expect((message) => message.type === "result" && message.run === name);
		assert.equal(result.outcome, "passed");
	}
	assert.deepEqual(peer.of("log").map(({ run, text }) => [run, text]), [["first", "first"], ["second", "second"]]);
	peer.send({ type: "bye" });
	assert.deepEqual(await peer.exited, { code: 0, signal: null });
});

test("every message of a run names it, and none follows its result", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { say: [
		["started"], ["case", { id: "c", title: "t", path: [], status: "running", attempt: 1 }],
		["step", { case: "c", title: "s", status: "passed" }], ["progress", { percent: 5 }],
		["artifact", { name: "a", path: "a.txt" }],
	], sayLater: [["log", "info", "too late"]] } }));
	await peer.expect("result");
	peer.send({ type: "bye" });
	await peer.exited;
	assert.deepEqual(peer.messages.map(({ type }) => type),
		["ready", "started", "case", "step", "progress", "artifact", "result"]);
	assert.ok(peer.messages.slice(1).every(({ run }) => run === "r1"));
});

test("a cancelled run answers cancelled, with the request's reason", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { say: [["started"]], waitForCancel: true } }));
	await peer.expect("started");
	peer.send({ type: "cancel", run: "another", reason: "not this one" });
	peer.send({ type: "cancel", run: "r1", reason: "stop_requested" });
	const result = await peer.expect("result");
	assert.equal(result.outcome, "cancelled");
	assert.equal(result.reason, "stop_requested");
	await peer.close();
});

test("a cancel right behind its run counts", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { say: [["started"]], waitForCancel: true } }));
	peer.send({ type: "cancel", run: "r1", reason: "stop_requested" });
	assert.equal((await peer.expect("result")).outcome, "cancelled");
	await peer.close();
});

test("end of file ends the process although something keeps its loop alive", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { say: [["started"]], waitForCancel: true, keepAlive: true } }));
	await peer.expect("started");
	assert.deepEqual(await peer.close(), { code: 0, signal: null });
});

test("end of file ends a run that ignores its cancel, after the grace time", TIMEOUT, async (t) => {
	const peer = start({ env: { ...process.env, SCRIPTED_LEAVE_MS: "200" } });
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { say: [["started"]], waitForEver: true } }));
	await peer.expect("started");
	assert.deepEqual(await peer.close(), { code: 0, signal: null });
});

test("SIGTERM cancels the run in progress and ends the process", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { say: [["started"]], waitForCancel: true } }));
	await peer.expect("started");
	peer.child.kill("SIGTERM");
	assert.equal((await peer.expect("result")).outcome, "cancelled");
	assert.equal((await peer.exited).code, 143);
});

test("what a run throws becomes errored, and a planned refusal keeps its reason", TIMEOUT, async (t) => {
	const base = temporary(t);
	const peer = start();
	await peer.greet();
	peer.send(request(base, { run: "r1", test: { fail: { message: "broke" } } }));
	const thrown = await peer.expect((message) => message.type === "result" && message.run === "r1");
	assert.deepEqual([thrown.outcome, thrown.reason, thrown.error.message], ["errored", "runner_error", "broke"]);

	peer.send(request(base, { run: "r2", test: { fail: { message: "no", outcome: "skipped", reason: "not_here" } } }));
	const planned = await peer.expect((message) => message.type === "result" && message.run === "r2");
	assert.deepEqual([planned.outcome, planned.reason, planned.error], ["skipped", "not_here", { message: "no" }]);
	await peer.close();
});

const BREACHES = {
	"a line that is not JSON": ["{"],
	"a line that is not an object": ["[]"],
	"an unknown type": ['{"type":"dance"}'],
	"a run before hello": ['{"type":"run","run":"r"}'],
	"no common version": ['{"type":"hello","versions":[7]}'],
	"a line over 1 MiB": [JSON.stringify({ type: "hello", versions: [1], pad: "x".repeat(LIMITS.requestBytes) })],
	"a run during another": ['{"type":"hello","versions":[1]}',
		'{"type":"run","run":"a","test":{"waitForCancel":true}}', '{"type":"run","run":"b","test":{}}'],
};

for (const [what, lines] of Object.entries(BREACHES)) {
	test(`protocol error: ${what}`, TIMEOUT, async () => {
		const peer = start();
		for (const line of lines)
			peer.send(line);
		assert.equal((await peer.exited).code, 2);
		assert.match(peer.output, /protocol error/);
	});
}

test("unknown members are ignored", TIMEOUT, async (t) => {
	const peer = start();
	peer.send({ type: "hello", versions: [1, 2], novelty: true });
	await peer.expect("ready");
	peer.send(request(temporary(t), { run: "r1", novelty: {}, test: {} }));
	assert.equal((await peer.expect("result")).outcome, "passed");
	await peer.close();
});

test("no line is longer than the limit, whatever the runner says", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { flood: { cases: 12000, text: 2000 } } }));
	const result = await peer.expect("result");
	assert.ok(peer.messages.every(({ lineBytes }) => lineBytes <= LIMITS.replyBytes));
	assert.equal(result.outcome, "failed");
	assert.deepEqual(result.counts, { passed: 12000 });
	assert.ok(result.cases.length > 100, `${result.cases.length} cases are left`);
	assert.match(result.warnings.join("\n"), /12000 cases/);
	assert.ok(Buffer.byteLength(result.error.message) <= LIMITS.messageBytes);
	await peer.close();
});

test("a worker that does not read holds the runner back instead of filling its memory", TIMEOUT, async (t) => {
	const base = temporary(t);
	const peer = start();
	await peer.greet();
	peer.replies.pause();
	const mark = path.join(base, "sent");
	peer.send(request(base, { run: "r1", test: { logs: { count: 2000, bytes: 10000, mark } } }));
	const sent = await settled(() => (fs.existsSync(mark) ? fs.readFileSync(mark).length : 0));
	assert.ok(sent > 0 && sent < 1000, `${sent} of 2000 lines were handed over`);
	peer.replies.resume();
	await peer.expect("result");
	assert.equal(peer.of("log").length, 2000);
	await peer.close();
});

/* The value of a counter once it has not moved in ten looks. */
async function
settled(read)
{
	let value = 0;
	for (let same = 0; same < 10; same++) {
		await new Promise((resolve) => setTimeout(resolve, 50));
		const next = read();
		if (next !== value || next === 0)
			same = 0;
		value = next;
	}
	return value;
}

test("progress is thinned out to what the protocol keeps, and the last one is told", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { progress: 500 } }));
	await peer.expect("result");
	const told = peer.of("progress");
	assert.equal(told[0].percent, 0);
	assert.equal(told[told.length - 1].percent, 499);
	assert.ok(told.length < 20, `${told.length} of 500 were told`);
	await peer.close();
});

test("artifacts stay inside their directory", TIMEOUT, async (t) => {
	const base = temporary(t);
	const peer = start();
	await peer.greet();
	for (const [n, bad] of ["../secret", "/etc/passwd", "a/../../b", ".."].entries()) {
		peer.send(request(base, { run: `r${n}`, test: { say: [["artifact", { name: "x", path: bad }]] } }));
		const result = await peer.expect((message) => message.type === "result" && message.run === `r${n}`);
		assert.equal(result.reason, "runner_error");
		assert.match(result.error.message, /outside the artifacts directory/);
	}
	await peer.close();
});

test("lines are cut right wherever the chunks end", () => {
	const text = "alpha\nβeta\n\nlast\n";
	const bytes = Buffer.from(text);
	for (let size = 1; size <= bytes.length; size++) {
		const lines = [];
		const reader = new LineReader(100, (line) => lines.push(line), () => assert.fail("too long"));
		for (let at = 0; at < bytes.length; at += size)
			reader.push(bytes.subarray(at, at + size));
		assert.deepEqual(lines, ["alpha", "βeta", "", "last"]);
	}
});

test("a line exactly at the limit passes, one byte more does not", () => {
	for (const [length, want] of [[10, ["ok"]], [11, ["too long"]]]) {
		const seen = [];
		const reader = new LineReader(10, () => seen.push("ok"), () => seen.push("too long"));
		reader.push(Buffer.from("x".repeat(length) + "\n"));
		assert.deepEqual(seen, want);
	}
});

test("text is clipped between characters", () => {
	assert.equal(clip("short", 100), "short");
	for (let max = 20; max < 40; max++) {
		const cut = clip("€".repeat(50), max);
		assert.ok(Buffer.byteLength(cut) <= max);
		assert.match(cut, /^€+ … \(cut\)$/);
	}
});

test("a message of any shape fits after its losses", () => {
	const wide = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k${n}`, "x".repeat(500)]));
	for (const message of [
		{ type: "result", run: "r", outcome: "passed", output: wide },
		{ type: "case", run: "r", id: "i", title: "t", status: "failed", path: Array(100000).fill("deep") },
		{ type: "log", run: "r", level: "info", text: "\u0001".repeat(200000) },
	]) {
		const line = fitLine(message);
		assert.ok(Buffer.byteLength(line) <= LIMITS.replyBytes);
		assert.equal(JSON.parse(line).type, message.type);
		assert.equal(JSON.parse(line).run, "r");
	}
});

test("pictures are sent only while somebody looks at this run", TIMEOUT, async (t) => {
	const base = temporary(t);
	const peer = start();
	await peer.greet();
	peer.send(request(base, { run: "r1", test: { say: [["started"]], show: true, waitForCancel: true } }));
	await peer.expect("started");
	peer.send({ type: "screen", run: "another", on: true });
	peer.send({ type: "screen", run: "r1", on: true, maxWidth: 300 });
	const frame = await peer.expect("frame");
	assert.deepEqual({ run: frame.run, data: Buffer.from(frame.data, "base64").toString(), width: frame.width },
		{ run: "r1", data: "jpeg 300", width: 2 });
	peer.send({ type: "screen", run: "r1", on: false });
	peer.send({ type: "cancel", run: "r1" });
	await peer.expect("result");
	assert.equal(peer.of("frame").length, 1);
	peer.send({ type: "bye" });
	await peer.exited;
});

test("a runner that leaves after a result says so and ends", TIMEOUT, async (t) => {
	const peer = start();
	await peer.greet();
	peer.send(request(temporary(t), { run: "r1", test: { result: { outcome: "lost", reason: "browser_disconnected", leaves: true } } }));
	const result = await peer.expect("result");
	assert.deepEqual([result.outcome, result.leaves], ["lost", true]);
	assert.deepEqual(await peer.exited, { code: 0, signal: null });
});

/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's life: a browser that dies, runs that are cancelled, what is left behind. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { execFileSync } = require("child_process");
const { test } = require("node:test");
const { Lab, hasChromium } = require("./lab");

const skip = !hasChromium() && "no chromium";

async function
started(t)
{
	const lab = await new Lab().start();
	t.after(() => lab.stop());
	return lab;
}

/* Living processes whose parent, or parent's parent and so on, is pid. */
function
children(pid)
{
	const parents = new Map();
	for (const name of fs.readdirSync("/proc")) {
		if (!/^\d+$/.test(name))
			continue;
		try {
			const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
			parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
		} catch {
			/* gone meanwhile */
		}
	}
	return [...parents.keys()].filter((one) => {
		for (let at = parents.get(one); at > 1; at = parents.get(at))
			if (at === pid)
				return true;
		return false;
	});
}

/* The browser itself: the runner's direct child. */
function
browserOf(lab)
{
	const pid = lab.peer.child.pid;
	return children(pid).find((one) => Number(fs.readFileSync(`/proc/${one}/stat`, "utf8").split(") ")[1].split(" ")[1]) === pid);
}

const WAIT = [{ expect: "hello" }, { wait: "60s" }];

/* Sends a test that waits, and resolves when it does. */
async function
waitingRun(lab)
{
	lab.site.pages = { "/": "<p>hello</p>" };
	const message = lab.send({ url: `${lab.site.url}/`, steps: WAIT });
	await lab.peer.expect((reply) => reply.type === "step" && reply.run === message.run && /hello/.test(reply.title));
	return message;
}

test("a browser that is killed in the middle: lost, and the next run has another", { skip }, async (t) => {
	const lab = await started(t);
	const message = await waitingRun(lab);
	const killed = process.hrtime.bigint();
	process.kill(browserOf(lab), "SIGKILL");
	const result = await lab.result(message);
	assert.equal(result.outcome, "lost");
	assert.equal(result.reason, "browser_disconnected");
	assert.ok(Number(process.hrtime.bigint() - killed) / 1e6 < 2000);
	await lab.passes("<p>again</p>", [{ expect: "again" }]);
});

test("a browser that dies between two runs: nobody hears of it", { skip }, async (t) => {
	const lab = await started(t);
	await lab.passes("<p>one</p>", [{ expect: "one" }]);
	process.kill(browserOf(lab), "SIGKILL");
	await lab.passes("<p>two</p>", [{ expect: "two" }]);
});

test("three lost in a row: the runner leaves", { skip }, async (t) => {
	const lab = await started(t);
	for (let n = 0; n < 3; n++) {
		const message = await waitingRun(lab);
		process.kill(browserOf(lab), "SIGKILL");
		assert.equal((await lab.result(message)).outcome, "lost");
	}
	assert.deepEqual(await lab.peer.exited, { code: 0, signal: null });
});

test("cancelled while it waits: at once, teardown does not run, the next run is well", { skip }, async (t) => {
	const lab = await started(t);
	lab.site.pages = { "/": "<p>hello</p>" };
	const message = lab.send({ url: `${lab.site.url}/`, steps: [{ log: "here" }, { click: "#never", timeout: "60s" }], after: [{ log: "not reached" }] });
	await lab.peer.expect((reply) => reply.type === "log" && reply.run === message.run);
	const begun = Date.now();
	lab.peer.send({ type: "cancel", run: message.run, reason: "stopped" });
	const result = await lab.result(message);
	assert.equal(result.outcome, "cancelled");
	assert.ok(Date.now() - begun < 5000);
	assert.deepEqual(result.logs.map((log) => log.text), ["here"]);
	await lab.passes("<p>well</p>", [{ expect: "well" }]);
});

test("cancelled while its video is encoded: at once, and the encoder goes", { skip }, async (t) => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "proctor-encoder-"));
	const { PATH } = process.env;
	/* An encoder that has no end. */
	execFileSync("mkfifo", [path.join(folder, "begun")]);
	fs.writeFileSync(path.join(folder, "ffmpeg"), `#!/bin/sh\necho $$ >"${folder}/begun"\nexec sleep 600\n`, { mode: 0o755 });
	t.after(() => fs.rmSync(folder, { recursive: true }));
	process.env.PATH = `${folder}:${PATH}`;
	const lab = await started(t);
	process.env.PATH = PATH;
	lab.site.pages = { "/": "<p>hello</p><script>setInterval(() => document.body.append('x'), 50)</script>" };
	const message = lab.send({ url: `${lab.site.url}/`, steps: [{ wait: 500 }] }, { config: { video: "on", har: "off" } });
	const encoder = Number(await fs.promises.readFile(path.join(folder, "begun"), "utf8"));
	const begun = Date.now();
	lab.peer.send({ type: "cancel", run: message.run, reason: "stopped" });
	await lab.result(message);
	assert.ok(Date.now() - begun < 10000);
	assert.ok(!fs.existsSync(`/proc/${encoder}`));
	assert.ok(!fs.existsSync(path.join(message.artifacts, "video.mp4")));
	await lab.passes("<p>well</p>", [{ expect: "well" }]);
});

test("the browser stays warm, contexts do not", { skip }, async (t) => {
	const lab = await started(t);
	await lab.passes("<p>", [{ log: "x" }]);
	const browser = browserOf(lab);
	for (let n = 0; n < 10; n++)
		await lab.passes("<p>x</p>", [{ expect: "x" }]);
	assert.equal(browserOf(lab), browser);
	const files = fs.readdirSync(`/proc/${lab.peer.child.pid}/fd`).length;
	for (let n = 0; n < 10; n++)
		await lab.passes("<p>x</p>", [{ expect: "x" }]);
	assert.equal(fs.readdirSync(`/proc/${lab.peer.child.pid}/fd`).length, files);
});

test("bye leaves no process", { skip }, async () => {
	const lab = await new Lab().start();
	await lab.passes("<p>", [{ log: "x" }]);
	const all = children(lab.peer.child.pid);
	assert.ok(all.length > 0);
	await lab.stop();
	assert.deepEqual(all.filter((pid) => fs.existsSync(`/proc/${pid}`)), []);
});

test("a browser that we do not know", { skip }, async (t) => {
	const lab = await started(t);
	const result = await lab.run("<p>", [{ log: "x" }], { browser: { name: "f", browser: "firefox" } });
	assert.equal(result.outcome, "errored");
	assert.equal(result.reason, "config");
	assert.match(result.error.message, /"firefox"/);
});

test("no browser on the machine", async (t) => {
	const old = process.env.PROCTOR_CHROMIUM;
	process.env.PROCTOR_CHROMIUM = path.join(__dirname, "nowhere");
	const lab = await started(t);
	if (old === undefined)
		delete process.env.PROCTOR_CHROMIUM;
	else
		process.env.PROCTOR_CHROMIUM = old;
	const result = await lab.run("<p>", [{ log: "x" }]);
	assert.equal(result.outcome, "errored");
	assert.equal(result.reason, "browser_missing");
});

test("the live view: frames while somebody looks", { skip }, async (t) => {
	const lab = await started(t);
	lab.site.pages = { "/": "<p id=a>0</p><script>setInterval(() => { a.textContent++ }, 50)</script>" };
	const message = lab.send({ url: `${lab.site.url}/`, steps: [{ log: "here" }, { wait: "60s" }] });
	await lab.peer.expect((reply) => reply.type === "log");
	lab.peer.send({ type: "screen", run: message.run, on: true, maxWidth: 640, maxHeight: 480 });
	const frame = await lab.peer.expect("frame");
	assert.deepEqual([...Buffer.from(frame.data, "base64").subarray(0, 2)], [0xff, 0xd8]);
	lab.peer.send({ type: "cancel", run: message.run, reason: "seen" });
	assert.equal((await lab.result(message)).outcome, "cancelled");
});

test("timings, and the warning that root has no sandbox", { skip }, async (t) => {
	const lab = await started(t);
	const result = await lab.passes("<p>", [{ log: "x" }]);
	for (const name of ["launch", "setup", "steps", "teardown"])
		assert.ok(result.timings[name] >= 0, name);
	if (process.getuid() === 0)
		assert.match(result.warnings.join(), /sandbox/);
});

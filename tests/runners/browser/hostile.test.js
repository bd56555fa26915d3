/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that mean harm: what holds them in, and that the next run does not notice. */
"use strict";

const assert = require("node:assert/strict");
const dgram = require("node:dgram");
const { test } = require("node:test");
const { Lab, Site, hasChromium } = require("./lab");

const skip = !hasChromium() && "no chromium";

async function
started(t)
{
	const lab = await new Lab().start();
	t.after(() => lab.stop());
	return lab;
}

test("a page that opens windows while its run ends harms nobody", { skip }, async (t) => {
	const lab = await started(t);
	const page = "<p>hello</p><script>setInterval(() => { for (let i = 0; i < 20; i++) window.open('/') }, 1)</script>";

	for (let i = 0; i < 4; i++)
		await lab.passes(page, [{ expect: "hello" }, { wait: "300ms" }]);
	await lab.passes("<p>calm</p>", [{ expect: "calm" }]);
});

test("a host is blocked however its name is written", { skip }, async (t) => {
	const lab = await started(t);
	const other = await new Site({ "/x": "reached" }).listen();
	t.after(() => other.close());
	const names = ["localhost", "localhost.", "LOCALHOST", "a.localhost", "user@localhost"];
	const page = `<p>hello</p><script>Promise.allSettled(${JSON.stringify(names)}.map((name) =>
		fetch('http://' + name + ':${other.port}/x', { mode: 'no-cors' })))
		.then(() => { document.title = 'done' })</script>`;

	await lab.passes(page, [{ expect: { title: "done" } }],
		{ config: { blockHosts: [`localhost:${other.port}`], har: "off", dom: "off" } });
	assert.deepEqual(other.seen.map((request) => request.headers.host), []);
});

test("allowHosts lets no files through", { skip }, async (t) => {
	const lab = await started(t);
	const config = { allowHosts: ["127.0.0.1"], har: "off", dom: "off", screenshot: "off" };

	for (const url of ["file:///etc/passwd", "view-source:file:///etc/passwd"])
		await lab.fails("<p>hello</p>", [{ open: url }], "navigation", /allowHosts forbids/, { config });
	await lab.passes("<p>hello</p>", [{ open: "data:text/html,<p>made here" }, { expect: "made here" },
		{ open: "about:blank" }], { config });
});

test("allowHosts lets no calls between browsers through", { skip }, async (t) => {
	const lab = await started(t);
	const heard = [];
	const socket = dgram.createSocket("udp4");
	socket.on("message", (bytes) => heard.push(bytes.length));
	await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
	t.after(() => socket.close());
	const call = `function call(w) { try { const c = new w.RTCPeerConnection({ iceServers: [{ urls:
		'stun:127.0.0.1:${socket.address().port}' }] }); c.createDataChannel('x');
		c.createOffer().then((offer) => c.setLocalDescription(offer)); return 'calls' } catch { return 'no' } }`;
	const page = `<p>hello</p><script>${call}
		const frame = document.createElement('iframe'); document.body.append(frame);
		document.title = [call(window), call(frame.contentWindow), call(window.open('about:blank'))]</script>`;

	await lab.passes(page, [{ expect: { title: "no,no,no" } }],
		{ config: { allowHosts: ["127.0.0.1"], har: "off", dom: "off", screenshot: "off" } });
	assert.deepEqual(heard, []);
});

test("a page that hangs is asked for evidence once", { skip }, async (t) => {
	const lab = await started(t);
	const begin = Date.now();

	await lab.fails("<button>b</button><script>setTimeout(() => { for (;;); }, 200)</script>",
		[{ wait: "400ms" }, { click: "text=b" }], "action", /did not answer/,
		{ config: { actionTimeout: 500 } });
	/* A picture that does not come costs ten seconds; the page's text would cost as much again. */
	assert.ok(Date.now() - begin < 22000, `${Date.now() - begin} ms`);
	await lab.passes("<p>calm</p>", [{ expect: "calm" }]);
});

test("what was typed in secret is told nowhere", { skip }, async (t) => {
	const lab = await started(t);
	const SECRET = 'open "sesame"';
	const typed = { type: { into: "input", text: "{{word}}", secret: true } };
	const members = { test: { vars: { word: SECRET } }, config: { expectTimeout: 300, actionTimeout: 300 } };

	for (const step of [{ expect: { value: "input", is: "other" } }, { expect: { value: "p", is: "{{word}}" } },
		{ expect: { title: "{{word}}" } }, { click: { text: "{{word}}" } }, { fail: "not {{word}}" }]) {
		const result = await lab.run("<p>hello</p><input>", [typed, step], members);
		const said = lab.peer.messages.filter((message) => message.run === result.run);

		assert.equal(result.outcome, "failed", result.error?.message);
		assert.ok(!JSON.stringify(said).includes("sesame"), JSON.stringify(said));
		assert.match(JSON.stringify(said), /•••/);
	}
	const kept = await lab.run("<p>hello</p><input>",
		[typed, { log: "it is {{word}}" }, { extract: { got: { value: "input" } } }], members);
	const told = lab.peer.messages.filter((message) => message.run === kept.run);

	assert.equal(kept.outcome, "passed", kept.error?.message);
	assert.deepEqual(kept.output, { got: "•••" });
	assert.ok(!JSON.stringify(told).includes("sesame"), JSON.stringify(told));
});

test("a run that is cancelled while its page hangs ends within the grace time", { skip }, async (t) => {
	const lab = await started(t);
	lab.site.pages = { "/": "<p>hello</p><script>setTimeout(() => { for (;;); }, 300)</script>" };
	const message = lab.send({ url: `${lab.site.url}/`, steps: [{ expect: "hello" }, { wait: "500ms" }, { click: "text=hello" }] });

	await lab.peer.expect((reply) => reply.type === "step" && reply.run === message.run && /wait/.test(reply.title));
	const begin = Date.now();
	lab.peer.send({ type: "cancel", run: message.run, reason: "test" });
	assert.equal((await lab.result(message)).outcome, "cancelled");
	assert.ok(Date.now() - begin < 9000, `${Date.now() - begin} ms`);
});

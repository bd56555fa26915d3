/* SPDX-License-Identifier: Apache-2.0 */
/* Each member of `config`, proved by what the page sees or the server gets. */
"use strict";

const assert = require("node:assert/strict");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const path = require("path");
const { after, before, test } = require("node:test");
const { Lab, hasChromium } = require("./lab");

const skip = !hasChromium() && "no chromium";
const lab = new Lab();

before(() => skip || lab.start());
after(() => skip || lab.stop());

const QUIET = { actionTimeout: 1500, expectTimeout: 1500, har: "off", dom: "off", screenshot: "off" };

/* The value of an expression in a page that was opened under this config. */
async function
seen(config, expression, { page = "<title>t</title>", ...options } = {})
{
	const result = await lab.passes(page, [{ extract: { v: { eval: expression } } }],
		{ config: { ...QUIET, ...config }, ...options });
	return result.output.v;
}

/* One row: config, expression, value. */
const sees = (title, config, expression, value, options) => test(title, { skip }, async () =>
	assert.deepEqual(await seen(config, expression, options), value));

/* --- The page --- */

const SIZE = "[innerWidth, innerHeight, devicePixelRatio]";
const media = (query) => `matchMedia("${query}").matches`;

sees("default viewport", {}, SIZE, [1280, 720, 1]);
sees("viewport and deviceScaleFactor", { viewport: { width: 640, height: 480 }, deviceScaleFactor: 1.5 }, SIZE, [640, 480, 1.5]);
sees("device", { device: "laptop" }, SIZE, [1366, 768, 1]);
sees("mobile", { mobile: true }, `[innerWidth, devicePixelRatio, navigator.maxTouchPoints > 0, "ontouchstart" in window,
	${media("(pointer: coarse)")}, / Mobile /.test(navigator.userAgent), navigator.userAgentData?.mobile ?? true]`,
[375, 2, true, true, true, true, true], { page: "<meta name=viewport content='width=device-width'>" });
sees("mobile: the page without a meta viewport is laid out wide", { mobile: true }, "document.documentElement.clientWidth", 980);
sees("touch without mobile", { touch: true }, "[innerWidth, navigator.maxTouchPoints > 0]", [1280, true]);
sees("userAgent", { userAgent: "Checker/1.0" }, "navigator.userAgent", "Checker/1.0");
sees("locale", { locale: "de-DE" }, "[navigator.language, (1234.5).toLocaleString(), Intl.DateTimeFormat().resolvedOptions().locale]",
	["de-DE", "1.234,5", "de-DE"]);
sees("timezone", { timezone: "Asia/Tokyo" },
	"[Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).getHours()]", ["Asia/Tokyo", 9]);
sees("geolocation is granted and given", { geolocation: { latitude: 48.5, longitude: 9.25 } },
	"await new Promise((ok, no) => navigator.geolocation.getCurrentPosition((p) => ok([p.coords.latitude, p.coords.longitude]), no))",
	[48.5, 9.25]);
sees("permissions", { permissions: ["notifications"] }, `[(await navigator.permissions.query({ name: "notifications" })).state,
	(await navigator.permissions.query({ name: "geolocation" })).state === "granted"]`, ["granted", false]);
sees("colorScheme", { colorScheme: "dark" }, media("(prefers-color-scheme: dark)"), true);
sees("colorScheme is light by default", {}, media("(prefers-color-scheme: light)"), true);
sees("reducedMotion", { reducedMotion: true }, media("(prefers-reduced-motion: reduce)"), true);
sees("reducedMotion off", {}, media("(prefers-reduced-motion: reduce)"), false);
sees("forcedColors", { forcedColors: true }, media("(forced-colors: active)"), true);
sees("media: print", { media: "print" }, media("print"), true);

test("disableJavaScript: the page's scripts do not run, steps do", { skip }, () =>
	lab.passes("<p id=a>plain</p><script>a.textContent = 'changed'</script>", [{ expect: { text: "#a", is: "plain" } }],
		{ config: { ...QUIET, disableJavaScript: true } }));

test("a popup and a frame of another site have the config too", { skip }, async () => {
	const page = `<iframe src="${lab.site.other}/inner"></iframe>`;
	const inner = "<script>document.title = Intl.DateTimeFormat().resolvedOptions().timeZone;"
		+ "document.write('<p id=p>' + document.title + matchMedia('(prefers-color-scheme: dark)').matches + '</p>')</script>";
	await lab.passes(page, [{ expect: { text: { css: "#p", frame: "iframe" }, is: "Asia/Tokyotrue" } }],
		{ pages: { "/inner": inner }, config: { ...QUIET, timezone: "Asia/Tokyo", colorScheme: "dark" } });
});

/* --- What the server gets --- */

test("extraHeaders, locale and userAgent reach the server", { skip }, async () => {
	await lab.passes("<img src=/i.png>", [{ wait: 1 }], {
		config: { ...QUIET, extraHeaders: { "X-Run": "7" }, locale: "fr-FR", userAgent: "Checker/1.0" } });
	const first = lab.site.seen[0].headers;
	assert.equal(first["x-run"], "7");
	assert.match(first["accept-language"], /^fr-FR/);
	assert.equal(first["user-agent"], "Checker/1.0");
});

test("cookies and storageState are there before the first document", { skip }, async () => {
	const state = { cookies: [{ name: "c", value: "3", url: lab.site.url }],
		origins: [{ origin: lab.site.url, localStorage: [{ name: "who", value: "ann" }] }] };
	const v = await seen({ baseURL: lab.site.url, cookies: [{ name: "a", value: "1" }], storageState: state },
		"document.title + document.cookie", { page: "<script>document.title = localStorage.who + ':'</script>" });
	assert.match(v, /^ann:(a=1; c=3|c=3; a=1)$/);
	assert.match(lab.site.seen[0].headers.cookie, /a=1/);
});

test("storageState: what the site clears stays cleared", { skip }, async () => {
	const state = { origins: [{ origin: lab.site.url, localStorage: [{ name: "who", value: "ann" }] }] };
	await lab.passes("<title>t</title>", [{ expect: { eval: "localStorage.who === 'ann'" } },
		{ eval: "localStorage.clear()" }, { reload: true }, { expect: { eval: "localStorage.length === 0" } }],
	{ config: { ...QUIET, storageState: state } });
});

test("storageState of a bundle's file, and one that is not there", { skip }, async () => {
	const files = fs.mkdtempSync(path.join(lab.base, "files-"));
	fs.writeFileSync(path.join(files, "s.json"), JSON.stringify({ cookies: [{ name: "f", value: "1", url: lab.site.url }] }));
	assert.equal(await seen({ storageState: "s.json" }, "document.cookie", { files }), "f=1");
	await lab.fails("x", [{ wait: 1 }], "config", /storageState.*none\.json/,
		{ files, config: { ...QUIET, storageState: "none.json" }, outcome: "errored" });
});

const guarded = (incoming, response) => {
	if (incoming.headers.authorization === `Basic ${Buffer.from("ann:pw").toString("base64")}`)
		response.writeHead(200, { "content-type": "text/html" }).end("<title>in</title>");
	else
		response.writeHead(401, { "www-authenticate": "Basic realm=x", "content-type": "text/html" }).end("<title>out</title>");
};

test("httpCredentials", { skip }, async () => {
	const login = { username: "ann", password: "pw" };
	assert.equal(await seen({ httpCredentials: login }, "document.title", { page: guarded, pages: { "/": guarded } }), "in");
	assert.equal(await seen({ httpCredentials: { ...login, password: "no" } }, "document.title", { pages: { "/": guarded } }), "out");
	assert.equal(await seen({ httpCredentials: { ...login, origin: lab.site.other } }, "document.title",
		{ pages: { "/": guarded } }), "out");
	assert.equal(await seen({ httpCredentials: { ...login, origin: lab.site.url } }, "document.title",
		{ pages: { "/": guarded } }), "in");
});

/* --- What is let through --- */

const LOAD = (url) => `await new Promise((done) => { const s = document.createElement("script"); s.src = "${url}";
	s.onload = () => done("loaded"); s.onerror = () => done("blocked"); document.head.append(s); })`;
const script = (_, response) => response.writeHead(200, { "content-type": "text/javascript", "access-control-allow-origin": "*" }).end("1");

test("blockAds: built-in hosts and a list", { skip }, async () => {
	/* The mock shows that only the host decides: what is not blocked is answered here. */
	const pages = { "/a.js": script };
	assert.equal(await seen({ blockAds: ["localhost"] }, LOAD(`${lab.site.other}/a.js`), { pages }), "blocked");
	assert.equal(await seen({ blockAds: true }, LOAD(`${lab.site.other}/a.js`), { pages }), "loaded");
	assert.equal(lab.site.seen.filter((one) => one.url === "/a.js").length, 1);
	const har = await harOf({ blockAds: true }, [{ eval: LOAD("http://ad.doubleclick.net/x.js") }]);
	assert.equal(har.entries.find((one) => /doubleclick/.test(one.request.url))._blocked, "blockAds");
});

test("blockAds: a file of the bundle, its wrong lines are a warning", { skip }, async () => {
	const files = fs.mkdtempSync(path.join(lab.base, "files-"));
	fs.writeFileSync(path.join(files, "ads.txt"), "# ads\n0.0.0.0 localhost.ads ads.test\n*.localhost\n=localhost\nnot a host\n");
	const result = await lab.passes("x", [{ extract: { v: { eval: LOAD(`${lab.site.other}/a.js`) } } }],
		{ pages: { "/a.js": script }, files, config: { ...QUIET, blockAds: "ads.txt" } });
	assert.equal(result.output.v, "blocked");
	assert.match(result.warnings.join(), /ads\.txt: 1 lines .* line 5/);
});

test("disableImages", { skip }, async () => {
	const page = "<img id=i src=/i.svg onload=\"document.title='shown'\" onerror=\"document.title='none'\">";
	const svg = (_, response) => response.writeHead(200, { "content-type": "image/svg+xml" })
		.end("<svg xmlns='http://www.w3.org/2000/svg' width='5' height='5'/>");
	const steps = (title) => [{ expect: { title } }];
	await lab.passes(page, steps("shown"), { pages: { "/i.svg": svg }, config: QUIET });
	await lab.passes(page, steps("none"), { pages: { "/i.svg": svg }, config: { ...QUIET, disableImages: true } });
	assert.equal(lab.site.seen.filter((one) => one.url === "/i.svg").length, 0);
});

test("blockHosts stops a navigation and says which member did", { skip }, () =>
	lab.fails("x", [{ open: `${lab.site.other}/` }], "navigation", /blockHosts/,
		{ config: { ...QUIET, blockHosts: ["localhost"] } }));

test("allowHosts: pages, scripts, workers and WebSockets elsewhere do not get through", { skip }, async (t) => {
	const sockets = [];
	const onUpgrade = (incoming, socket) => {
		sockets.push(incoming.headers.host);
		const key = crypto.createHash("sha1").update(`${incoming.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
		socket.write(`HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key.digest("base64")}\r\n\r\n`);
		t.after(() => socket.destroy());
	};
	lab.site.server.on("upgrade", onUpgrade);
	t.after(() => lab.site.server.off("upgrade", onUpgrade));
	const ws = (host) => `await new Promise((done) => { const w = new WebSocket("ws://${host}:${lab.site.port}/");
		w.onopen = () => done("open"); w.onerror = () => done("blocked"); })`;
	const worker = `await new Promise((done) => { const w = new Worker(URL.createObjectURL(new Blob([
		\`fetch("${lab.site.other}/a.js").then(() => postMessage("loaded"), () => postMessage("blocked"))\`]))); w.onmessage = (e) => done(e.data); })`;
	const config = { allowHosts: ["127.0.0.1"] };
	const pages = { "/a.js": script };
	assert.equal(await seen(config, LOAD(`${lab.site.url}/a.js`), { pages }), "loaded");
	assert.equal(await seen(config, LOAD(`${lab.site.other}/a.js`), { pages }), "blocked");
	assert.equal(await seen(config, worker, { pages }), "blocked");
	assert.equal(await seen(config, ws("127.0.0.1")), "open");
	assert.equal(await seen(config, ws("localhost")), "blocked");
	assert.deepEqual(sockets, [`127.0.0.1:${lab.site.port}`]);
	await lab.fails("x", [{ open: `${lab.site.other}/` }], "navigation", /allowHosts/, { config: { ...QUIET, ...config } });
});

test("offline", { skip }, () =>
	lab.fails("x", [], "navigation", /ERR_INTERNET_DISCONNECTED/, { steps: undefined,
		test: { url: `${lab.site.url}/`, steps: [{ wait: 1 }] }, config: { ...QUIET, offline: true } }));

test("network: a slow one takes its time", { skip }, async () => {
	const ms = await seen({ network: { latency: 300 } },
		"await (async () => { const t = performance.now(); await (await fetch('/x')).text(); return performance.now() - t; })()",
		{ pages: { "/x": "x" } });
	assert.ok(ms >= 290, `${ms} ms`);
});

test("proxy: everything goes through it, loopback too, with its credentials", { skip }, async (t) => {
	const asked = [];
	const proxy = http.createServer((incoming, response) => {
		if (!incoming.headers["proxy-authorization"]) {
			response.writeHead(407, { "proxy-authenticate": "Basic realm=p" }).end();
			return;
		}
		asked.push(incoming.url, Buffer.from(incoming.headers["proxy-authorization"].split(" ")[1], "base64").toString());
		response.writeHead(200, { "content-type": "text/html" }).end("<title>by proxy</title>");
	});
	await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
	t.after(() => { proxy.closeAllConnections?.(); proxy.close(); });
	const server = `127.0.0.1:${proxy.address().port}`;
	assert.equal(await seen({ proxy: { server, username: "u", password: "p" } }, "document.title"), "by proxy");
	assert.deepEqual(asked.slice(0, 2), [`${lab.site.url}/`, "u:p"]);
	assert.equal(await seen({ proxy: { server, bypass: "127.0.0.1" } }, "document.title"), "t");
});

/* --- Mocks --- */

test("mocks: json, status, times, abort, delay, file, the newest wins", { skip }, async () => {
	const files = fs.mkdtempSync(path.join(lab.base, "files-"));
	fs.writeFileSync(path.join(files, "m.json"), "{\"from\":\"file\"}");
	const get = (url, init = "{}") => `await fetch("${url}", ${init}).then(async (r) => r.status + " " + (await r.text()), () => "failed")`;
	const mocks = [
		{ url: "/api/*", json: { old: true } },
		{ url: "/api/*", method: "post", status: 201, body: "made" },
		{ url: "/once", body: "mocked", times: 1 },
		{ url: "/gone", abort: "refused" },
		{ url: "/file", file: "m.json" },
		{ url: "/late$/".slice(0, -1) + "/", body: "late", delay: 200 },
		{ url: `${lab.site.other}/**`, json: 1 },
	];
	const result = await lab.passes("x", [{ extract: {
		a: { eval: get("/api/x?y=1") }, b: { eval: get("/api/x", "{method:'POST'}") }, c: { eval: get("/once") },
		d: { eval: get("/once") }, e: { eval: get("/gone") }, f: { eval: get("/file") },
		g: { eval: `await (async () => { const t = performance.now(); ${get("/very-late").replace("await", "const v = await")}; return [v, performance.now() - t > 190]; })()` },
		h: { eval: get(`${lab.site.other}/deep/er`, "{method:'PUT', headers:{'x-a':'1'}}") },
	} }], { pages: { "/once": "real" }, files, config: { ...QUIET, baseURL: lab.site.url, mocks } });
	assert.deepEqual(result.output, { a: "200 {\"old\":true}", b: "201 made", c: "200 mocked", d: result.output.d,
		e: "failed", f: "200 {\"from\":\"file\"}", g: ["200 late", true], h: "200 1" });
	assert.match(result.output.d, /^200 .*real/);
});

/* --- Evidence --- */

/* The network log of a run. */
async function
harOf(config, steps, options = {})
{
	const result = await lab.passes("<title>t</title>", steps, { config: { ...QUIET, har: "on", ...config }, ...options });
	const artifact = result.artifacts.find((one) => one.name === "network.har");
	assert.equal(artifact.contentType, "application/json");
	return JSON.parse(fs.readFileSync(path.join(result.request.artifacts, artifact.path), "utf8")).log;
}

/* What HAR 1.2 asks for. */
function
checkHar(log)
{
	assert.equal(log.version, "1.2");
	assert.equal(typeof log.creator.name, "string");
	for (const entry of log.entries) {
		assert.ok(!Number.isNaN(Date.parse(entry.startedDateTime)));
		assert.ok(entry.time >= 0);
		assert.deepEqual(typeof entry.cache, "object");
		for (const side of [entry.request, entry.response]) {
			assert.equal(typeof side.httpVersion, "string");
			assert.ok(Array.isArray(side.cookies));
			assert.ok(side.headers.every((h) => typeof h.name === "string" && typeof h.value === "string"));
			assert.equal(typeof side.headersSize, "number");
			assert.equal(typeof side.bodySize, "number");
		}
		assert.ok(entry.request.queryString.every((q) => typeof q.name === "string" && typeof q.value === "string"));
		assert.equal(typeof entry.response.status, "number");
		assert.equal(typeof entry.response.redirectURL, "string");
		assert.equal(typeof entry.response.content.size, "number");
		assert.equal(typeof entry.response.content.mimeType, "string");
		const { blocked, dns, connect, send, wait, receive } = entry.timings;
		assert.ok(send >= 0 && wait >= 0 && receive >= 0);
		const sum = [blocked, dns, connect, send, wait, receive].reduce((all, one) => all + Math.max(one, 0), 0);
		assert.ok(Math.abs(sum - entry.time) < 0.1, `${sum} ${entry.time}`);
	}
}

test("har: redirects, failures, mocks, query, secrets left out", { skip }, async () => {
	const pages = { "/r": (_, response) => response.writeHead(302, { location: "/end?a=b%20c&d", "set-cookie": "s=secret" }).end(),
		"/end": "done" };
	const log = await harOf({ mocks: [{ url: "/mocked", body: "m" }], extraHeaders: { "X-Api-Key": "k3y", "X-Auth-Token": "t0k" } }, [
		{ eval: "await fetch('/r'); await fetch('/mocked'); await fetch('http://127.0.0.1:1/').catch(() => 0); await fetch('/nope')" }],
	{ pages });
	checkHar(log);
	const at = (part) => log.entries.filter((one) => one.request.url.includes(part));
	assert.equal(at("/r")[0].response.status, 302);
	assert.ok(at("/r")[0].response.redirectURL.endsWith("/end?a=b%20c&d"));
	assert.deepEqual(at("/end")[0].request.queryString, [{ name: "a", value: "b c" }, { name: "d", value: "" }]);
	assert.equal(at("/end")[0].response.status, 200);
	assert.equal(at("/mocked")[0]._mocked, true);
	assert.match(at(":1/")[0]._error, /net::ERR_/);
	assert.equal(at("/nope")[0].response.status, 404);
	const text = JSON.stringify(log);
	for (const secret of ["k3y", "t0k", "s=secret"])
		assert.ok(!text.includes(secret), secret);
	assert.ok(text.includes("[redacted]"));
	const shown = await harOf({ har: { redact: false, bodies: true }, extraHeaders: { "X-Api-Key": "k3y" } }, [
		{ eval: "await (await fetch('/end', { method: 'POST', body: 'sent' })).text()" }], { pages });
	assert.ok(JSON.stringify(shown).includes("k3y"));
	const post = shown.entries.find((one) => one.request.method === "POST");
	assert.equal(post.request.postData.text, "sent");
	assert.match(post.response.content.text, /done/);
});

test("har: secrets in addresses", { skip }, async () => {
	const pages = { "/in": (_, response) => response.writeHead(302, { location: "/out?code=s3cret5#id_token=s3cret6" }).end(), "/out": "out" };
	const step = [{ eval: "history.replaceState({}, '', '/?access_token=s3cret0'); await fetch('/in?apiKey=s3cret1&monkey=shown1&user_p%61ssword=s3cret2&key=s3cret3&q=a%20b&session%00=s3cret4');" }];
	const log = await harOf({}, step, { pages });
	const text = JSON.stringify(log);
	checkHar(log);
	assert.doesNotMatch(text, /s3cret/);
	const first = log.entries.find((one) => one.request.url.includes("/in?"));
	assert.ok(first.request.url.endsWith("/in?apiKey=[redacted]&monkey=shown1&user_p%61ssword=[redacted]&key=[redacted]&q=a%20b&session%00=[redacted]"), first.request.url);
	assert.deepEqual(first.request.queryString.map(({ value }) => value), ["[redacted]", "shown1", "[redacted]", "[redacted]", "a b", "[redacted]"]);
	assert.ok(first.response.redirectURL.includes("/out?code=[redacted]"), first.response.redirectURL);
	assert.match(JSON.stringify(await harOf({ har: { mode: "on", redact: false } }, step, { pages })), /s3cret1.*s3cret5/);
});

const names = (result) => result.artifacts.map((one) => one.name).sort();

test("evidence of a failure: picture, page, network, console; nothing of a pass", { skip }, async () => {
	const page = "<h1>Hello</h1><script>console.error('oh', { a: 1 }); setTimeout(() => { throw new Error('late') })</script>";
	const config = { expectTimeout: 300 };
	const result = await lab.run(page, [{ wait: 50 }, { expect: { visible: "#none" } }], { config });
	assert.equal(result.outcome, "failed");
	assert.deepEqual(names(result), ["console.ndjson", "failure.png", "network.har", "page.mhtml"]);
	for (const one of result.artifacts)
		assert.ok(fs.statSync(path.join(result.request.artifacts, one.path)).size > 0, one.name);
	const read = (name) => fs.readFileSync(path.join(result.request.artifacts, name), "utf8");
	assert.match(read("page.mhtml"), /Hello/);
	const lines = read("console.ndjson").trim().split("\n").map((line) => JSON.parse(line));
	const said = lines.find((one) => one.source === "console");
	assert.match(said.text, /^oh /);
	assert.equal(said.level, "error");
	assert.ok(said.url && said.line > 0);
	assert.match(lines.find((one) => one.source === "exception").text, /late/);
	const passed = await lab.passes("<title>t</title>", [{ wait: 1 }], { config: {} });
	assert.deepEqual(names(passed).filter((name) => name !== "console.ndjson"), []);
	assert.ok(passed.timings["page.load"] > 0);
});

test("console: errors fail a test that says so, but those to ignore", { skip }, async () => {
	const page = "<script>console.error('known thing'); </script>";
	await lab.passes(page, [{ wait: 1 }], { config: { ...QUIET } });
	await lab.fails(page, [{ wait: 1 }], "assertion", /known thing/, { config: { ...QUIET, console: "errors" } });
	await lab.passes(page, [{ wait: 1 }], { config: { ...QUIET, console: "exceptions" } });
	await lab.passes(page, [{ wait: 1 }], { config: { ...QUIET, console: { failOn: "errors", ignore: ["known", "favicon"] } } });
});

test("screenshot and fullPage of a pass", { skip }, async () => {
	const result = await lab.passes("<div style='height:3000px'>tall</div>", [{ wait: 1 }],
		{ config: { ...QUIET, screenshot: "on", fullPage: true, viewport: { width: 300, height: 200 } } });
	const png = fs.readFileSync(path.join(result.request.artifacts, "end.png"));
	assert.equal(png.readUInt32BE(16), 300);
	assert.ok(png.readUInt32BE(20) >= 3000);
});

test("expect screenshot: missing, equal, different, within tolerance, masked, update", { skip }, async () => {
	const files = fs.mkdtempSync(path.join(lab.base, "files-"));
	const box = (colour) => `<style>body{margin:0;background:#fff}</style><div id=d style="width:20px;height:20px;background:${colour}"></div>`;
	const config = { ...QUIET, expectTimeout: 300, viewport: { width: 100, height: 80 } };
	const look = (more) => [{ expect: { screenshot: "box", ...more } }];
	const missing = await lab.run(box("#00f"), look(), { files, config });
	assert.equal(missing.outcome, "failed");
	assert.match(missing.error.message, /no baseline box\.png/);
	const updated = await lab.passes(box("#00f"), look(), { files, config: { ...config, compare: { update: true } } });
	assert.match(updated.warnings.join(), /baselines\/box\.png/);
	fs.copyFileSync(path.join(updated.request.artifacts, "baselines/box.png"), path.join(files, "box.png"));
	await lab.passes(box("#00f"), look(), { files, config });
	const different = await lab.run(box("#f00"), look(), { files, config });
	assert.equal(different.outcome, "failed");
	assert.match(different.error.message, /400 of 8000 pixels differ \(5 %\), the first at 0, 0/);
	assert.deepEqual(names(different).filter((name) => name.startsWith("box")), ["box-actual.png", "box-diff.png", "box-expected.png"]);
	await lab.passes(box("#f00"), look({ maxDiffPixels: 400 }), { files, config });
	await lab.passes(box("#f00"), look({ mask: ["#d"] }), { files, config }).catch(() => {}); /* the baseline has no mask */
	const size = await lab.run(box("#00f"), look(), { files, config: { ...config, viewport: { width: 101, height: 80 } } });
	assert.match(size.error.message, /101 × 80 pixels, the baseline 100 × 80/);
	fs.writeFileSync(path.join(files, "box.png"), "no picture");
	const broken = await lab.run(box("#00f"), look(), { files, config });
	assert.notEqual(broken.outcome, "passed");
	assert.match(broken.error.message, /baseline box\.png: not a PNG/);
});

test("video: pictures become an MP4 file, and nothing is left of them", { skip }, async () => {
	const page = "<h1 id=h>0</h1><script>let n = 0; setInterval(() => { h.textContent = ++n; document.body.style.background = `hsl(${n * 40},80%,80%)`; }, 60)</script>";
	const result = await lab.passes(page, [{ wait: 900 }], { config: { ...QUIET, video: "on", viewport: { width: 321, height: 241 } } });
	if (!["/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg"].some((file) => fs.existsSync(file))) {
		assert.match(result.warnings.join(), /ffmpeg/);
		return;
	}
	const artifact = result.artifacts.find((one) => one.kind === "video");
	assert.equal(artifact?.contentType, "video/mp4", JSON.stringify(result.warnings));
	const data = fs.readFileSync(path.join(result.request.artifacts, "video.mp4"));
	assert.equal(data.subarray(4, 8).toString(), "ftyp");
	assert.ok(data.includes("avc1"));
	assert.deepEqual(fs.readdirSync(result.request.artifacts), ["video.mp4"]);
});

test("screen: frames come while somebody looks", { skip }, async () => {
	lab.site.pages = { "/": "<h1>live</h1>" };
	const message = lab.send({ url: `${lab.site.url}/`, steps: [{ wait: 1500 }] }, { config: QUIET });
	await lab.peer.expect((reply) => reply.type === "started" && reply.run === message.run);
	lab.peer.send({ type: "screen", run: message.run, on: true });
	const frame = await lab.peer.expect((reply) => reply.type === "frame" && reply.run === message.run);
	assert.ok(frame.width > 0 && frame.height > 0);
	assert.equal(Buffer.from(frame.data, "base64").readUInt16BE(0), 0xffd8);
	await lab.result(message);
});

/* --- What is wrong --- */

test("a wrong config is an error that names the places", { skip }, () =>
	lab.fails("x", [{ wait: 1 }], "config", [/\/config\/viewport\/width/, /\/config\/locale/], { outcome: "errored",
		config: { viewport: { width: 0, height: 5 }, locale: "x_y" } }));

test("what only the browser can refuse names its member", { skip }, () =>
	lab.fails("x", [{ wait: 1 }], "config", /config\.timezone/, { outcome: "errored", config: { ...QUIET, timezone: "No/Where" } }));

test("layers: the group's config is laid over the job's, the test's over both", { skip }, async () => {
	const result = await lab.passes("x", [{ extract: { v: { eval: "[innerWidth, navigator.userAgent, matchMedia('(prefers-color-scheme: dark)').matches]" } } }], {
		config: { ...QUIET, viewport: { width: 500, height: 400 }, userAgent: "job", colorScheme: "dark" },
		browser: { name: "b", browser: "chromium", config: { userAgent: "group", viewport: { width: 600, height: 400 } } },
		test: { config: { viewport: { width: 700, height: 400 }, colorScheme: null } } });
	assert.deepEqual(result.output.v, [700, "group", false]);
});

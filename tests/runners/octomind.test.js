/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octomind's test cases, carried out twice: as a browser test by our own runner, and as generated
 * code by Playwright. A table of what every action, assertion and selector must come to, and both
 * must come to it.
 */
"use strict";

const assert = require("node:assert/strict");
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const { spawnSync } = require("child_process");
const { after, before, describe, test } = require("node:test");
const { Peer, request, temporary } = require("./peer");
const { Lab, hasChromium } = require("./browser/lab");

const PROCTOR = process.env.PROCTOR_BIN ?? path.join(__dirname, "../../build/proctor");
const TRANSLATE = process.env.OCTOMIND_TRANSLATE ?? path.join(path.dirname(PROCTOR), "tests/unit/dialects/octomind_translate");
const RUNNER = path.join(__dirname, "../../runners/playwright/runner.js");
/* What is to happen has time on a busy machine; what is never to happen need not be waited for long. */
const STEP_MS = { passed: 5000, failed: 1000 };

const skip = (!hasChromium() && "no chromium")
	|| (!fs.existsSync(TRANSLATE) && "octomind_translate is not built");

/* --- The site --- */

const LAB = `<title>Lab</title>
<script>
	const say = (text) => { document.querySelector("#out").textContent = text; };
	setTimeout(() => { document.querySelector("#late").textContent = "here at last"; }, 300);
</script>
<h1>Octomind lab</h1><p id=out>nothing</p><p id=late style="height: 1.2em"></p>
<form onsubmit="event.preventDefault(); say('sent ' + user.value + ':' + pass.value)">
	<label>User <input id=user placeholder="your name" title="who are you" onkeydown="document.body.dataset.keys = (document.body.dataset.keys ?? '') + event.key"></label>
	<label>Password <input id=pass type=password></label><button>Log in</button>
</form>
<ul><li>Tea <button onclick="say('tea')">Buy</button></li>
	<li>Mug <button onclick="say('mug')">Buy</button></li>
	<li>Mug XL <button onclick="say('mug xl')">Buy</button></li></ul>
<select id=size onchange="say('size ' + value)"><option value=s>Small<option value=m>Middle<option value=l>Large</select>
<label><input type=checkbox id=box> Agree</label><label><input type=checkbox checked id=full> Full</label>
<button disabled>Never</button><button style="display:none">Unseen</button>
<img alt="Our logo" width=20 height=20 src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" onclick="say('logo')">
<div data-testid=area data-kind=red style="color: rgb(255, 0, 0); width: 100px" onmouseover="say('hover')">Area   51</div>
<div id=pad style="width: 100px; height: 30px; background: #ccc" oncontextmenu="say('menu'); return false" ondblclick="say('double')" onmousedown="event.button === 1 && say('middle')">Pad</div>
<div style="position: relative"><button onclick="say('covered')">Covered</button><div onclick="say('cover')" style="position: absolute; inset: 0"></div></div>
<a href="/file" download="a.txt">Save</a> <a href="/other" target=_blank>Elsewhere</a>
<input type=file id=up onchange="say('file ' + files[0].name)">
<div id=from style="user-select: none; width: 40px; height: 40px; background: red" onmousedown="window.dragged = true">From</div>
<div id=to style="width: 100px; height: 40px; background: blue" onmouseup="window.dragged && say('dropped ' + (event.offsetX > 60 ? 'right' : 'left'))">To</div>
<iframe name=inner src="/frame" width=300 height=80></iframe>
<div style="height: 3000px"></div><p id=end>The end</p>
<script>addEventListener("scroll", () => { document.title = scrollY > 100 ? "far" : "Lab"; });</script>`;

const PAGES = {
	"/": LAB,
	"/frame": "<button onclick=\"this.textContent = 'Pressed'\">Press</button><iframe srcdoc='<b>deep</b>'></iframe>",
	"/other": "<title>Other</title><h1>Elsewhere</h1><p id=query></p><script>query.textContent = location.search</script>",
	"/file": (incoming, response) => response.writeHead(200, { "content-type": "text/plain" }).end("hello"),
	"/broken": (incoming, response) => response.writeHead(500).end(),
	"/health": "fine",
};

/* --- Cases --- */

const by = (selectorType, selector, options) => ({ selectorType, selector, options });
const act = (action, calledWith, ...selectors) => ({ interaction: { action, calledWith }, selectors });
const see = (expectation, calledWith, ...selectors) => ({ assertion: { expectation, calledWith }, selectors });
const css = (selector) => by("CSS", selector);
const says = (text) => see("TO_CONTAIN_TEXT", text, css("#out"));
const first = by("FIRST"), last = by("LAST");
const ignored = (element) => ({ ...element, ignoreFailure: true });

/* Title, elements, what it comes to. */
const ROWS = [
	["CLICK, by ROLE and name", [act("CLICK", null, by("ROLE", "button", { name: "log in" })), says("sent :")], "passed"],
	["CLICK, exact name of another case", [act("CLICK", null, by("ROLE", "button", { name: "log in", exact: true }))], "failed"],
	["CLICK with the right and the middle button, twice", [
		act("CLICK", { button: "right" }, css("#pad")), says("menu"), act("CLICK", { button: "middle" }, css("#pad")), says("middle"),
		act("CLICK", { double: true }, css("#pad")), says("double")], "passed"],
	["CLICK on what is covered", [act("CLICK", null, by("TEXT", "Covered"))], "failed"],
	["CLICK with force goes to what covers it", [act("CLICK", { force: true }, by("TEXT", "Covered")), says("cover")], "passed"],
	["CLICK on several", [act("CLICK", null, by("TEXT", "Buy"))], "failed"],
	["FIRST, LAST, NTH", [
		act("CLICK", null, by("TEXT", "Buy"), first), says("tea"), act("CLICK", null, by("TEXT", "Buy"), last), says("mug xl"),
		act("CLICK", null, by("TEXT", "Buy"), by("NTH", "1")), says("mug"), act("CLICK", null, by("TEXT", "Buy"), by("NTH", "-3")), says("tea")], "passed"],
	["FILTER before and after a place", [
		act("CLICK", null, css("li"), by("FILTER", undefined, { hasText: "Mug" }), by("NTH", "1"), by("ROLE", "button")), says("mug xl"),
		act("CLICK", null, css("li"), by("FILTER", undefined, { hasText: "mug", hasNotText: "XL" }), by("ROLE", "button", { name: "Buy", exact: true })), says("mug"),
		see("NOT_VISIBLE", null, css("li"), first, by("FILTER", undefined, { hasText: "Mug" })),
		see("VISIBLE", null, css("li"), by("NTH", "1"), by("FILTER", undefined, { hasText: "mug" }))], "passed"],
	["FILTER of a place that does not have it", [see("VISIBLE", null, css("li"), first, by("FILTER", undefined, { hasText: "Mug" }))], "failed"],
	["LABEL, PLACEHOLDER, TITLE, ALT_TEXT, TEST_ID", [
		act("ENTER_TEXT", "ann", by("LABEL", "user")), see("TO_HAVE_VALUE", "ann", by("PLACEHOLDER", "Your Name")),
		see("TO_HAVE_VALUE", "ann", by("TITLE", "who are you", { exact: true })), act("CLICK", null, by("ALT_TEXT", "our logo")), says("logo"),
		see("TO_CONTAIN_TEXT", "Area 51", by("TEST_ID", "area"))], "passed"],
	["TEST_ID is exact", [see("VISIBLE", null, by("TEST_ID", "are"))], "failed"],
	["TEXT as a regular expression", [act("CLICK", null, by("ROLE", "button", { name: "/^LOG/i" })), see("VISIBLE", null, by("TEXT", "/^sent .*$/"))], "passed"],
	["ROLE with states", [
		see("VISIBLE", null, by("ROLE", "button", { disabled: true })), see("VISIBLE", null, by("ROLE", "checkbox", { checked: true })),
		see("VISIBLE", null, by("ROLE", "heading", { level: 1 })), see("NOT_VISIBLE", null, by("ROLE", "button", { name: "Unseen", includeHidden: true })),
		see("TO_CONTAIN_TEXT", "Unseen", by("ROLE", "button", { name: "Unseen", includeHidden: true }))], "passed"],
	["ROLE of what is hidden", [see("TO_CONTAIN_TEXT", "Unseen", by("ROLE", "button", { name: "Unseen" }))], "failed"],
	["FRAME, and one inside", [
		act("CLICK", null, by("FRAME", "iframe[name=inner]"), by("ROLE", "button", { name: "Press" })),
		see("VISIBLE", null, css("iframe[name=inner]"), by("FRAME"), by("TEXT", "Pressed")),
		see("VISIBLE", null, by("FRAME", "iframe[name=inner]"), by("FRAME", "iframe"), by("TEXT", "deep"))], "passed"],
	["FRAME that has it not", [see("VISIBLE", null, by("FRAME", "iframe[name=inner]"), by("TEXT", "Log in"))], "failed"],
	["ENTER_TEXT replaces, TYPE_TEXT adds key by key, KEY_PRESS", [
		act("ENTER_TEXT", "old", css("#user")), act("ENTER_TEXT", "$NAME \"it's\" {{n}} \\ `${x}`", css("#user")),
		see("TO_HAVE_VALUE", "Ann \"it's\" {{n}} \\ `${x}`", css("#user")), act("ENTER_TEXT", "", css("#user")),
		act("TYPE_TEXT", { text: "ab", delay: 5 }, css("#user")), act("TYPE_TEXT", { text: "c" }), act("KEY_PRESS", "Backspace", css("#user")),
		see("TO_HAVE_VALUE", "ab", css("#user")), see("VISIBLE", null, css("body[data-keys$=abcBackspace]")),
		act("KEY_PRESS", "Enter"), says("sent ab:")], "passed"],
	["TO_HAVE_VALUE of another", [act("ENTER_TEXT", "x", css("#user")), see("TO_HAVE_VALUE", "y", css("#user"))], "failed"],
	["SELECT_OPTION by label, value, place", [
		act("SELECT_OPTION", "Large", css("#size")), says("size l"), act("SELECT_OPTION", "s", css("#size")), says("size s"),
		act("SELECT_OPTION", { label: "Middle" }, css("#size")), says("size m"), act("SELECT_OPTION", [{ index: 2 }], css("#size")), says("size l"),
		act("SELECT_OPTION", { value: "s" }, css("#size")), see("TO_HAVE_VALUE", "s", css("#size"))], "passed"],
	["SELECT_OPTION that is not there", [act("SELECT_OPTION", "Huge", css("#size"))], "failed"],
	["TO_BE_CHECKED, NOT_TO_BE_CHECKED, DISABLED", [
		see("NOT_TO_BE_CHECKED", null, css("#box")), act("CLICK", null, by("LABEL", "Agree")), see("TO_BE_CHECKED", null, css("#box")),
		see("DISABLED", null, by("TEXT", "Never"))], "passed"],
	["TO_BE_CHECKED of an empty one", [see("TO_BE_CHECKED", null, css("#box"))], "failed"],
	["NOT_TO_BE_CHECKED of a full one", [see("NOT_TO_BE_CHECKED", null, css("#full"))], "failed"],
	["DISABLED of one that is not", [see("DISABLED", null, by("TEXT", "Log in"))], "failed"],
	["HOVER, TO_HAVE_STYLE", [act("HOVER", null, by("TEST_ID", "area")), says("hover"), see("TO_HAVE_STYLE", ["color", "rgb(255, 0, 0)"], by("TEST_ID", "area"))], "passed"],
	["TO_HAVE_STYLE of another", [see("TO_HAVE_STYLE", ["color", "rgb(0, 0, 0)"], by("TEST_ID", "area"))], "failed"],
	["VISIBLE waits", [see("VISIBLE", null, by("TEXT", "here at last"))], "passed"],
	["VISIBLE of what is not there", [see("VISIBLE", null, by("TEXT", "nowhere"))], "failed"],
	["NOT_VISIBLE of what is there", [see("NOT_VISIBLE", null, css("h1"))], "failed"],
	["TO_CONTAIN_TEXT is about case", [see("TO_CONTAIN_TEXT", "octomind Lab", css("h1"))], "failed"],
	["GO_TO a path, an address, a variable", [
		act("GO_TO", "/other?a=1"), see("VISIBLE", null, by("TEXT", "?a=1")), act("GO_TO", "$OCTO_URL"), see("VISIBLE", null, by("TEXT", "Octomind lab"))], "passed"],
	["GO_TO nowhere", [act("GO_TO", "http://127.0.0.1:9/")], "failed"],
	["EXTRACT a text and an attribute", [
		act("EXTRACT", { variableName: "AREA", type: "TEXT" }, by("TEST_ID", "area")), act("EXTRACT", { variableName: "$$KIND", type: "ATTRIBUTE", attributeName: "data-kind" }, by("TEST_ID", "area")),
		act("ENTER_TEXT", "$$AREA/$$KIND/$$NOBODY/$5", css("#user")), see("TO_HAVE_VALUE", "Area 51/red/$$NOBODY/$5", css("#user"))], "passed"],
	["EXTRACT of nothing", [act("EXTRACT", { variableName: "X", type: "TEXT" }, css("#nothing"))], "failed"],
	["JAVASCRIPT sets variables and sees them", [
		act("EXTRACT", { variableName: "AREA", type: "TEXT" }, by("TEST_ID", "area")),
		act("JAVASCRIPT", { code: "// {{ `${1}` \\n\nreturn { SUM: `${vars.NAME} in ${vars.AREA}` };", execType: "browser" }),
		act("ENTER_TEXT", "$$SUM", css("#user")), see("TO_HAVE_VALUE", "Ann in Area 51", css("#user"))], "passed"],
	["JAVASCRIPT that throws", [act("JAVASCRIPT", { code: "throw new Error('no')", execType: "browser" })], "failed"],
	["UPLOAD", [act("UPLOAD", "hello.txt", css("#up")), says("file hello.txt")], "passed"],
	["DOWNLOAD", [act("DOWNLOAD", null, by("TEXT", "Save"))], "passed"],
	["DRAG_AND_DROP", [
		act("DRAG_AND_DROP", { selectors: [css("#to")], options: { targetPosition: { x: 90, y: 10 } } }, css("#from")), says("dropped right"),
		act("DRAG_AND_DROP", { selectors: [css("#to")], options: { targetPosition: { x: 10, y: 10 } } }, css("#from")), says("dropped left")], "passed"],
	["CLOSE_PAGE after a click that opened one", [
		act("CLICK", null, by("TEXT", "Elsewhere")), see("VISIBLE", null, by("ROLE", "heading", { name: "Elsewhere" })), act("CLOSE_PAGE"),
		see("VISIBLE", null, by("TEXT", "Octomind lab"))], "passed"],
	["SCROLL by a distance, to an element, to the end", [
		act("SCROLL", { y: 900 }), act("WAIT_FOR", { type: "code", code: "document.title === 'far'" }), act("GO_TO", "/"),
		act("SCROLL", null, css("#end")), act("WAIT_FOR", { type: "code", code: "document.title === 'far'" }), act("GO_TO", "/"),
		act("SCROLL"), act("WAIT_FOR", { type: "code", code: "document.title === 'far'" })], "passed"],
	["WAIT_FOR its types", [
		...["load", "domContentLoaded", "networkIdle", "nuxtHydration", "nuxtDelayHydration", "webComponentsHydration", "preactHydration", "qwikHydration"]
			.map((type) => act("WAIT_FOR", { type })),
		act("WAIT_FOR", { type: "fixedTime", timeMilliseconds: 20 }), act("WAIT_FOR", null, by("TEXT", "here at last")), act("WAIT_FOR")], "passed"],
	["WAIT_FOR what never comes", [act("WAIT_FOR", { type: "code", code: "false" })], "failed"],
	["RESPONSE_OK", [see("RESPONSE_OK", "/health"), see("RESPONSE_OK", "$OCTO_URL/health")], "passed"],
	["RESPONSE_OK of a broken one", [see("RESPONSE_OK", "/broken")], "failed"],
	["ignoreFailure", [
		ignored(act("CLICK", null, css("#nothing"))), ignored(act("OPEN_EMAIL")), ignored(see("VISIBLE", null, css("#nothing"))), ignored(act("JAVASCRIPT", { code: "x" })),
		see("VISIBLE", null, css("h1"))], "passed"],
];

const id = (place) => `00000000-0000-4000-8000-${String(place).padStart(12, "0")}`;

const document = (place, description, elements, members = {}) => (
	{ version: "1", id: id(place), runStatus: "ON", description, prompt: "", elements, ...members });

/* -> { tests, code, names, config, zip } */
function
translate(list, run, more = {})
{
	const { status, stdout, stderr } = spawnSync(TRANSLATE, { input: JSON.stringify({ cases: list, run, ...more }), maxBuffer: 1 << 26 });
	assert.equal(status, 0, String(stderr));
	return JSON.parse(stdout);
}

/* Runs a folder of generated files; title -> status. */
async function
playwright(t, directory)
{
	const peer = new Peer([process.execPath, RUNNER]);
	t.after(() => peer.close());
	await peer.greet();
	peer.send(request(temporary(t), { test: { name: "octomind", kind: "playwright", path: directory } }));
	const result = await peer.expect("result");
	const ends = peer.of("case").filter(({ status }) => status !== "running");
	assert.ok(ends.length > 0, result.error?.message);
	return new Map(ends.map(({ title, status, error }) => [title, { status, message: error?.message }]));
}

function
writeProject(t, { code, names, config })
{
	const directory = fs.mkdtempSync(path.join(temporary(t), "project-"));
	code.forEach((text, i) => fs.writeFileSync(path.join(directory, names[i]), text));
	fs.writeFileSync(path.join(directory, "playwright.config.ts"), config);
	fs.writeFileSync(path.join(directory, "hello.txt"), "hello");
	return directory;
}

/* All of them take three minutes (make octomind): every day it is each third one. */
const STRIDE = process.env.OCTOMIND_ROWS === "all" ? 1 : 3;
const CHOSEN = ROWS.filter((_, place) => place % STRIDE === 0);

describe(`the same verdict twice, ${CHOSEN.length} of ${ROWS.length} cases`, { skip }, () => {
	const lab = new Lab();
	const quiet = { har: "off", dom: "off", screenshot: "off" };
	const rowsOf = (verdict) => CHOSEN.filter(([, , wanted]) => wanted === verdict);
	const translated = {};
	let run, files;

	before(async () => {
		await lab.start();
		run = { url: lab.site.url, vars: { NAME: "Ann" }, stepTimeout: STEP_MS.passed };
		for (const verdict of ["passed", "failed"])
			translated[verdict] = translate(rowsOf(verdict).map(([title, elements], place) => document(place, title, elements)),
				{ ...run, stepTimeout: STEP_MS[verdict] });
		files = fs.mkdtempSync(path.join(lab.base, "files-"));
		fs.writeFileSync(path.join(files, "hello.txt"), "hello");
	});
	after(() => lab.stop());

	for (const verdict of ["passed", "failed"]) {
		for (const [place, [title]] of rowsOf(verdict).entries())
			test(`ours, ${verdict}: ${title}`, async () => {
				lab.site.pages = PAGES;
				const result = await lab.result(lab.send({ ...translated[verdict].tests[place], files }, { config: quiet }));
				assert.equal(result.outcome, verdict, result.error?.message);
			});

		test(`Playwright's, of the generated code: ${verdict}`, { timeout: 300000 }, async (t) => {
			lab.site.pages = PAGES;
			const verdicts = await playwright(t, writeProject(t, translated[verdict]));
			const others = rowsOf(verdict).map(([title]) => [title, verdicts.get(title)])
				.filter(([, got]) => got?.status !== verdict);
			assert.deepEqual(others, []);
		});
	}

	/* What was asked for, in order, by our runner and by Playwright. */
	async function visits(t, list, place, more = {})
	{
		const pages = Object.fromEntries(list.map((_, i) => [`/${i}`, "<h1>Page</h1>"]));
		const { tests, code, names, config } = translate(list, { ...run, ...more });
		const paths = () => lab.site.seen.map(({ url }) => url).filter((url) => url !== "/favicon.ico");

		lab.site.pages = { ...pages, "/": "<h1>Start</h1>" };
		lab.site.seen = [];
		const ours = { ...await lab.result(lab.send(tests[place], { config: quiet })), paths: paths() };
		lab.site.seen = [];
		const verdicts = await playwright(t, writeProject(t, { code: [code[place]], names: [names[place]], config }));
		return { ours, theirs: { ...verdicts.get(list[place].description), paths: paths() } };
	}

	const goes = (path) => act("GO_TO", path);
	const breaks = see("VISIBLE", null, css("#nothing"));

	test("prerequisites first, teardowns last and from the inside out; they fail nothing", { timeout: 120000 }, async (t) => {
		const { ours, theirs } = await visits(t, [
			document(0, "outer", [goes("/0")], { teardownId: id(3) }),
			document(1, "inner", [goes("/1")], { dependencyId: id(0), entryPointUrlPath: "/?inner" }),
			document(2, "the case", [goes("/2")], { dependencyId: id(1), teardownId: id(4) }),
			document(3, "outer teardown", [goes("/3")], { type: "TEARDOWN" }),
			document(4, "own teardown", [goes("/4"), breaks, goes("/0")], { type: "TEARDOWN" }),
		], 2);

		assert.deepEqual(ours.paths, ["/", "/0", "/?inner", "/1", "/2", "/4", "/3"]);
		assert.equal(ours.outcome, "passed", ours.error?.message);
		assert.match(ours.warnings.join("\n"), /optional step failed: .*teardown: own teardown/);
		assert.deepEqual([theirs.status, theirs.paths], ["passed", ours.paths]);
	});

	test("a prerequisite that fails: the case does not begin, nor what it would tear down", { timeout: 120000 }, async (t) => {
		const { ours, theirs } = await visits(t, [
			document(0, "outer", [goes("/0"), breaks], { teardownId: id(2) }),
			document(1, "the case", [goes("/1")], { dependencyId: id(0), teardownId: id(3) }),
			document(2, "outer teardown", [goes("/2")]),
			document(3, "own teardown", [goes("/3")]),
		], 1);

		assert.deepEqual(ours.paths, ["/", "/0", "/2"]);
		assert.equal(ours.outcome, "failed");
		assert.deepEqual([theirs.status, theirs.paths], ["failed", ours.paths]);
	});

	for (const [title, element, more, message] of [
		["an e-mail", act("OPEN_EMAIL"), {}, /^OPEN_EMAIL: there is no mailbox here/],
		["code in a sandbox", act("JAVASCRIPT", { code: "1" }), {}, /^JAVASCRIPT: code outside the browser/],
		["a one-time password without a key", act("ENTER_TEXT", "$OCTO_OTP", css("#user")), {}, /^ENTER_TEXT: the environment has no key/],
		["Firefox", act("CLICK", null, css("h1")), { browser: "FIREFOX" }, /^FIREFOX is not here/],
	])
		test(`${title} is errored, and says so`, async () => {
			const { tests } = translate([document(0, "x", [element])], { ...run, ...more });

			lab.site.pages = PAGES;
			const result = await lab.result(lab.send(tests[0]));
			assert.deepEqual([result.outcome, result.reason], ["errored", "unsupported"]);
			assert.match(result.error.message, message);
		});

	test("a screen of the form that was asked for, credentials, headers, the account", { timeout: 120000 }, async (t) => {
		const more = { breakpoint: "MOBILE", headers: { "x-team": "it's" }, basicUser: "u", basicPassword: "p", username: "ann", password: "se'cret" };
		const list = [document(0, "the case", [
			act("ENTER_TEXT", "$OCTO_USERNAME:$OCTO_PASSWORD", css("input")), see("TO_HAVE_VALUE", "ann:se'cret", css("input")), see("VISIBLE", null, css("body.small"))])];
		const { tests, code, names, config } = translate(list, { ...run, ...more });
		const guarded = (incoming, response) => {
			const isKnown = incoming.headers.authorization === `Basic ${Buffer.from("u:p").toString("base64")}` && incoming.headers["x-team"] === "it's";
			response.writeHead(isKnown ? 200 : 401, { "www-authenticate": "Basic realm=x", "content-type": "text/html" })
				.end("<!doctype html><meta name=viewport content='width=device-width'><body><input><script>document.body.className = innerWidth < 400 ? 'small' : 'large'</script>");
		};

		lab.site.pages = { "/": guarded };
		const ours = await lab.result(lab.send(tests[0]));
		assert.equal(ours.outcome, "passed", ours.error?.message);
		assert.doesNotMatch(JSON.stringify([ours.steps, ours.output]), /se'cret/);
		assert.equal((await playwright(t, writeProject(t, { code, names, config }))).get("the case").status, "passed");
	});

	/* Its own calculation, held against the first value of RFC 6238, appendix B. */
	const passwordOf = (key, now) => {
		const counter = Buffer.alloc(8);
		counter.writeBigUInt64BE(BigInt(Math.floor(now / 30000)));
		const mac = crypto.createHmac("sha1", key).update(counter).digest();
		return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
	};

	test("one-time passwords are those of the account's key", { timeout: 120000 }, async (t) => {
		const key = "12345678901234567890";
		const list = [document(0, "the case", [act("ENTER_TEXT", "<$OCTO_OTP>", css("input")), act("CLICK", null, css("button")), says("right")])];
		const { tests, code, names, config } = translate(list, { ...run, otpKey: "GEZD GNBV-GY3T QOJQ gezd GNBV GY3T QOJQ" });
		const asked = [];

		assert.equal(passwordOf(key, 59000), "287082");
		const [first] = tests[0].steps.filter((step) => step.eval);
		for (const now of [59000, 1111111109000, 20000000000000])
			assert.equal(new Function("args", first.eval.code)({ key: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now }), passwordOf(key, now));
		assert.equal(new Function("args", first.eval.code)({ key: "A".repeat(200), now: 0 }), passwordOf(Buffer.alloc(125), 0));
		lab.site.pages = {
			"/": "<input><button onclick=\"fetch('/check?' + document.querySelector('input').value.slice(1, -1)).then((r) => r.text()).then((text) => { out.textContent = text; })\">go</button><p id=out></p>",
			"/check": (incoming, response) => {
				const now = Date.now();

				asked.push(incoming.url.split("?")[1]);
				response.end([0, 30000].some((age) => passwordOf(key, now - age) === asked.at(-1)) ? "right" : "wrong");
			},
		};
		const ours = await lab.result(lab.send(tests[0]));
		assert.equal(ours.outcome, "passed", ours.error?.message);
		assert.equal((await playwright(t, writeProject(t, { code, names, config }))).get("the case").status, "passed");
		assert.equal(asked.length, 2);
	});

	test("texts that try to be code are texts", { timeout: 120000 }, async (t) => {
		const nasty = ["', process.exit(3)); //", "\\', process.exit(3)); //", "`${process.exit(3)}`", "\n');process.exit(3)//", "</script><!--", "\u2028process.exit(3)", "${{ secrets.X }}", "{{run.id}}", "\\{{x}}", "{{{", "$$$ ", "\\", "\u0001"];
		const list = nasty.map((text, i) => document(i, `${text} ${i}`, [
			act("ENTER_TEXT", text, css("#one")), act("ENTER_TEXT", `$NAME${text}$NAME`, css("#one")),
			act("JAVASCRIPT", { code: `return { SAW: document.querySelector("#one").value }; // ${text.replaceAll(/[\n\u2028]/g, " ")}`, execType: "browser" }),
			act("ENTER_TEXT", "$$SAW", css("#other")), see("TO_HAVE_VALUE", `Ann${text}Ann`, css("#other"))]));
		const { tests, code, names, config } = translate(list, run);

		lab.site.pages = { "/": "<textarea id=one></textarea><textarea id=other></textarea>" };
		for (const [i, one] of tests.entries()) {
			assert.doesNotMatch(JSON.stringify(one), /\$\{\{/, "the server would read this");
			const ours = await lab.result(lab.send(one, { config: quiet }));
			assert.equal(ours.outcome, "passed", `${JSON.stringify(nasty[i])}: ${ours.error?.message}`);
		}
		for (const text of code)
			assert.doesNotMatch(text, /<\/script|<!--/);
		const verdicts = await playwright(t, writeProject(t, { code, names, config }));
		assert.equal(verdicts.size, nasty.length);
		for (const [title, { status, message }] of verdicts)
			assert.equal(status, "passed", `${title}: ${message}`);
	});
});

/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations, variables, ways through a test, hooks, and what is around the page. */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const path = require("path");
const { after, before, test } = require("node:test");
const { Lab, hasChromium } = require("./lab");

const skip = !hasChromium() && "no chromium";
const lab = new Lab();

before(() => skip || lab.start());
after(() => skip || lab.stop());

const passes = (title, page, steps, options) => test(title, { skip }, () => lab.passes(page, steps, options));
const fails = (title, page, steps, reason, patterns, options) =>
	test(title, { skip }, () => lab.fails(page, steps, reason, patterns, options));
const QUICK = { timeout: 200 };

/* --- Expectations --- */

passes("every subject that is about elements", `<title>T</title><input id=i value=v class="a b" style="color:red"><p id=p>Hello  <b>World</b></p>
	<button disabled>off</button><input id=r readonly><p id=e></p><input id=x type=checkbox checked><li>1<li>2`, [
	{ expect: "hello world" }, { expect: { visible: "#p" } }, { expect: { hidden: "#nothing" } }, { expect: { attached: "#e" } },
	{ expect: { enabled: "#i" } }, { expect: { disabled: "button" } }, { expect: { editable: "#i" } }, { expect: { editable: "#r", not: true } },
	{ expect: { checked: "#x" } }, { expect: { empty: "#e" } }, { focus: "#i" }, { expect: { focused: "#i" } },
	{ expect: { text: "#p", is: "Hello World" } }, { expect: { text: "#p", contains: "lo W" } }, { expect: { text: "#p", matches: "^H.*d$" } },
	{ expect: { text: "#p", startsWith: "Hello", endsWith: "World" } }, { expect: { text: "#p", is: "hello world", exact: false } },
	{ expect: { text: "#p", oneOf: ["Bye", "Hello World"] } }, { expect: { text: "#p", is: "Bye", not: true } },
	{ expect: { value: "#i", is: "v" } }, { expect: { attribute: "class", of: "#i", is: "a b" } }, { expect: { attribute: "disabled", of: "button" } },
	{ expect: { css: "color", of: "#i", is: "rgb(255, 0, 0)" } }, { expect: { count: "li", is: 2 } }, { expect: { count: "li", min: 1, max: 2 } },
	{ expect: { text: "li", is: ["1", "2"] } }, { expect: { title: "T" } }, { expect: { url: { endsWith: "/" } } }, { expect: { url: "/" } },
	{ expect: { eval: "1 + 1", is: 2 } }, { expect: { eval: "document.title === 'T'" } }]);
passes("numbers in texts", "<p id=a>1 200</p>", [{ expect: { text: "#a", is: 1200 } }, { expect: { text: "#a", min: 1000 } }]);
passes("expectations are retried", "<p id=a>1</p><script>setTimeout(() => { a.textContent = 2 }, 200)</script>", [{ expect: { text: "#a", is: "2" } }]);
passes("not is retried too", "<p id=a>1</p><script>setTimeout(() => a.remove(), 200)</script>", [{ expect: { visible: "#a", not: true } }]);

fails("text: expected and actual", "<p id=a>12.50</p>", [{ expect: { text: "#a", is: "24.00" }, ...QUICK }], "assertion", /expected the text of “#a” to be “24.00”; it is “12.50” \(waited 0.2 s\)/);
fails("count", "<li>", [{ expect: { count: "li", min: 2 }, ...QUICK }], "assertion", /the number of “li” to be at least 2; it is 1/);
fails("hidden", "<p id=a>x</p>", [{ expect: { hidden: "#a" }, ...QUICK }], "assertion", /to be hidden; <p id="a">x<\/p> is visible/);
fails("url", "<p>", [{ expect: { url: "/cart" }, ...QUICK }], "assertion", /the address to be “http:.*\/cart”; it is/);
fails("attribute that is not there", "<p id=a>", [{ expect: { attribute: "href", of: "#a" }, ...QUICK }], "assertion", /attribute href/);

test("expected and actual are members of the error", { skip }, async () => {
	const result = await lab.fails("<p id=a>1</p>", [{ expect: { text: "#a", is: "2" }, ...QUICK }], "assertion", /expected/);
	assert.equal(result.error.expected, "2");
	assert.equal(result.error.actual, "1");
});

passes("responses: past, to come, status", "<script>setTimeout(() => fetch('/api/order?x=1'), 150)</script>", [
	{ expect: { response: { url: "**/api/order?*", status: 201 } } }, { expect: { response: { url: "**/api/order?*", status: "2xx" } } },
	{ wait: { response: { url: "**/api/order?*" } } }, { expect: { response: { url: "**/nothing" }, not: true } }],
{ pages: { "/api/order": (incoming, response) => response.writeHead(201).end("{}") } });
fails("a response with another status", "<script>fetch('/gone')</script>", [{ expect: { response: { url: "**/gone", status: 200 } }, timeout: 500 }],
	"assertion", /with another status; it was 404/);
passes("console clean", "<script>console.log('fine')</script>", [{ expect: { console: "clean" } }]);
fails("console with errors", "<script>console.error('broken thing')</script><p>x</p>", [{ expect: "x" }, { expect: { console: "clean" } }], "assertion", /broken thing/);
passes("console with errors that are known", "<script>console.error('broken thing')</script><p>x</p>",
	[{ expect: "x" }, { expect: { console: { errors: 0, ignore: ["broken"] } } }]);

fails("console with an error that is too long to keep whole", "<script>setTimeout(() => { throw 'long ' + 'x'.repeat(20000) })</script>",
	[{ wait: 100 }, { expect: { console: "clean" } }], "assertion", /it has 1, the first is: exception: Uncaught long x/);
fails("code that throws is not true", "<p>", [{ wait: { until: "nothing.here" }, ...QUICK }], "action", /it threw ReferenceError: nothing is not defined/);
fails("nor is its opposite", "<p>", [{ expect: { eval: "nothing.here", not: true }, ...QUICK }], "assertion", /it threw ReferenceError/);
passes("nor is it as a condition", "<p>", [{ if: { eval: "nothing.here" }, then: [{ fail: "it held" }] }]);
passes("code that throws is asked again", "<script>setTimeout(() => { window.nothing = { here: 1 } }, 150)</script>", [{ wait: { until: "nothing.here" } }]);

test("a screenshot marks what was looked for", { skip }, async () => {
	const result = await lab.fails("<p id=a>x</p><p>y</p>", [{ click: "p", ...QUICK }], "action", /means 2/,
		{ config: { actionTimeout: 1000 } });
	assert.match(result.error.screenshot, /\.png$/);
	const file = result.artifacts.find((artifact) => artifact.name === result.error.screenshot);
	assert.equal(file.kind, "screenshot");
	const bytes = fs.readFileSync(path.join(result.request.artifacts, file.path));
	assert.deepEqual([...bytes.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
});

test("a screenshot by name, and one of an element", { skip }, async () => {
	const { artifacts } = await lab.passes("<div id=a style='width:50px;height:40px;background:red'></div>",
		[{ screenshot: "whole" }, { screenshot: { name: "part", of: "#a" } }]);
	assert.deepEqual(artifacts.map((artifact) => artifact.name), ["whole.png", "part.png"]);
});

test("pictures of one name are all kept, a long name is cut between characters", { skip }, async () => {
	const { artifacts, request } = await lab.passes("<p>x</p>",
		[{ screenshot: "one" }, { screenshot: "one" }, { screenshot: "one.png" }, { screenshot: "failure" }, { screenshot: `a${"é".repeat(90)}` }]);
	assert.deepEqual(artifacts.map((artifact) => artifact.name),
		["one.png", "one (2).png", "one (3).png", "failure (2).png", `a${"é".repeat(74)}.png`]);
	assert.deepEqual(fs.readdirSync(request.artifacts).sort(), artifacts.map((artifact) => artifact.path).sort());
});

/* --- Variables and ways --- */

test("extract: sources, conversions, the output", { skip }, async () => {
	const result = await lab.passes(`<title>Shop</title><p id=t>Order no. 4711</p><input id=i value="1,250.50 €"><a id=l href=/x data-n=5>x</a><li>a</li><li>b</li>
		<p id=j>{"a": [1]}</p><script>document.cookie = "sid=abc"</script>`, [{ extract: {
		whole: "#t", order: { text: "#t", matches: "no\\. (\\d+)", as: "number" }, price: { value: "#i", matches: "[\\d.,]+", as: "number" },
		n: { attribute: "data-n", of: "#l" }, items: { text: "li", all: true }, count: { count: "li" }, title: { title: true },
		json: { text: "#j", as: "json" }, sid: { cookie: "sid" }, sum: { eval: "1 + 2" }, path: { url: true, matches: "(/)$" } } },
	{ expect: { var: "order", is: 4711 } }, { expect: { var: "json.a.0", is: 1 } }, { log: "order {{order}} of {{json.a.0}}" }]);
	assert.deepEqual(result.output, { whole: "Order no. 4711", order: 4711, price: 1250.5, n: "5", items: ["a", "b"], count: 2,
		title: "Shop", json: { a: [1] }, sid: "abc", sum: 3, path: "/" });
	assert.equal(result.logs[0].text, "order 4711 of 1");
});

passes("variables: vars, set, params, ctx, run, types, two braces", "<p id=a>7</p>", { steps: [
	{ set: { n: 7, where: "#a", list: "{{ctx.fixture.items}}" } }, { expect: { text: "{{where}}", is: "{{n}}" } }, { expect: { var: "list", is: [1, 2] } },
	{ expect: { var: "params.user", is: "ann" } }, { expect: { var: "run.attempt", is: 2 } }, { expect: { var: "run.browser", is: "phone" } },
	{ set: { text: "a\\{{b" } }, { expect: { var: "text", is: "a\\{{b" } }, { expect: { var: "greet", is: "hello" } }],
}, { test: { vars: { greet: "hello" } }, params: { user: "ann" }, attempt: 2, browser: { name: "phone", browser: "chromium" }, ctx: { fixture: { items: [1, 2] } } });
fails("an unknown variable", "<p>", [{ expect: "{{nobody}}" }], "variable", /there is no variable \{\{nobody\}\}/, { outcome: "errored" });
fails("a variable of the wrong type", "<p>", [{ set: { n: "many" } }, { press: { key: "a", times: "{{n}}" } }], "variable", /press\/times: a whole number is expected/, { outcome: "errored" });
passes("page text is never a variable", "<p id=a>{{run.id}}</p>", [{ extract: { x: "#a" } }, { expect: { text: "#a", is: "{{x}}" } }]);

passes("if, then, else, conditions", "<p id=a>x</p>", [
	{ set: { yes: true, no: false, log: "" } },
	{ if: { visible: "#a" }, then: [{ set: { r1: "then" } }], else: [{ set: { r1: "else" } }] }, { expect: { var: "r1", is: "then" } },
	{ if: { visible: "#b" }, then: [{ set: { r2: "then" } }], else: [{ set: { r2: "else" } }] }, { expect: { var: "r2", is: "else" } },
	{ fail: "not reached", if: "no" }, { set: { r3: 1 }, if: "yes" }, { expect: { var: "r3", is: 1 } }, { fail: "not reached", if: "unknown" },
	{ set: { r4: 1 }, if: { all: [{ visible: "#a" }, { any: [{ visible: "#b" }, { text: "#a", is: "x" }] }, { none: [{ visible: "#b" }] }] } }, { expect: { var: "r4", is: 1 } }]);
passes("a condition that waits", "<p></p><script>setTimeout(() => { document.body.innerHTML = '<b>banner</b>' }, 200)</script>",
	[{ if: { visible: "b", within: "1s" }, then: [{ set: { seen: 1 } }] }, { expect: { var: "seen", is: 1 } }]);
passes("repeat: times, each, until, while, index", "<p id=a>0</p><button onclick='a.textContent++'>+</button>", [
	{ repeat: { times: 3, steps: [{ click: "button" }] } }, { expect: { text: "#a", is: "3" } },
	{ repeat: { until: { text: "#a", is: "5" }, steps: [{ click: "button" }] } }, { expect: { text: "#a", is: "5" } },
	{ repeat: { while: { text: "#a", max: 6 }, steps: [{ click: "button" }] } }, { expect: { text: "#a", is: "7" } },
	{ set: { seen: "" } }, { repeat: { each: ["x", "y"], as: "word", steps: [{ set: { seen: "{{seen}}{{word}}{{index}}" } }] } }, { expect: { var: "seen", is: "x0y1" } }]);
fails("repeat without end", "<p>", [{ repeat: { until: { visible: "#never" }, max: 3, steps: [{ log: "x" }] } }], "action", /repeated 3 times, and still/);

test("use: parameters, titles, variables of its own", { skip }, async () => {
	const library = { "log in": { params: ["user"], steps: [{ type: { into: "#u", text: "{{user}}" } }] }, plain: [{ expect: { value: "#u", is: "ann" } }] };
	const page = "<input id=u>";
	const result = await lab.passes(page, [{ set: { user: "before" } }, { use: { steps: "log in", with: { user: "ann" } } }, { use: "plain" },
		{ expect: { var: "user", is: "before" } }], { test: { library } });
	assert.ok(result.steps.some((step) => step.title === "log in › type “ann” into “#u”"));
	await lab.fails(page, [{ use: "log in" }], "variable", /needs \{\{user\}\}/, { test: { library }, outcome: "errored" });
	await lab.fails(page, [{ use: "log im" }], "invalid_definition", /no "log im" \(did you mean log in\?\)/, { test: { library }, outcome: "errored" });
	await lab.fails(page, [{ use: "round" }], "invalid_definition", /used inside itself/, { test: { library: { round: [{ use: "round" }] } }, outcome: "errored" });
});

test("optional, soft, fail, skip", { skip }, async () => {
	const result = await lab.fails("<p id=a>1</p>", [
		{ click: "#cookie-banner", optional: true, timeout: 100 },
		{ expect: { text: "#a", is: "2" }, soft: true, timeout: 100 },
		{ set: { on: 1 } }, { fail: "the end" }, { log: "not reached" }], "assertion", [/to be “2”/, /then: the end/]);
	assert.match(result.warnings.join(), /optional step failed: click “#cookie-banner”/);
	assert.equal(result.logs.length, 0);
	const skipped = await lab.run("<p>", [{ skip: "not today" }, { fail: "not reached" }]);
	assert.equal(skipped.outcome, "skipped");
	assert.match(skipped.error.message, /not today/);
});

/* --- Hooks --- */

const part = (name, ...steps) => ({ in: name, steps });

test("a tab that was opened a moment ago is gone to, and looked at when it is there", { skip }, async () => {
	const page = "<title>one</title><button onclick=\"window.open('/second')\">open</button>";

	for (let i = 0; i < 5; i++)
		await lab.passes(page, [{ click: "text=open" }, { tab: "last" }, { expect: { title: "two" } }, { tab: "close" }, { expect: { title: "one" } }],
			{ pages: { "/second": "<title>two</title>" } });
});

test("fail, because it cannot be carried out here", { skip }, () =>
	lab.fails("<p>", [{ fail: { text: "no mailbox", errored: true } }], "unsupported", /^no mailbox$/, { outcome: "errored" }));

test("a response that is asked for: here, elsewhere, of another status, of nobody", { skip }, async () => {
	const pages = {
		"/moved": (incoming, response) => response.writeHead(302, { location: "/there" }).end(),
		"/there": "<p>",
		"/broken": (incoming, response) => response.writeHead(500).end(),
	};
	const ask = (url, members = {}) => [{ expect: { response: { url, status: "2xx", ask: true }, ...members } }];

	await lab.passes("<p>", ask("/there"), { pages });
	assert.equal(lab.site.seen.filter(({ url }) => url === "/there").length, 1);
	await lab.passes("<p>", ask("/moved"), { pages });
	/* Another origin, which does not let pages read it. */
	await lab.passes("<p>", ask(`${lab.site.other}/there`), { pages });
	await lab.passes("<p>", ask(`${lab.site.other}/moved`), { pages });
	await lab.passes("<p>", ask("/broken", { not: true }), { pages });
	await lab.fails("<p>", ask("/broken"), "assertion", /another status of \/broken; it was 500/, { pages });
	await lab.fails("<p>", ask(`${lab.site.other}/nowhere`), "assertion", /it was 404/, { pages });
	await lab.fails("<p>", ask("http://127.0.0.1:9/"), "assertion", /did not answer/, { pages });
});

test("setup, body, teardown: the order, and titles", { skip }, async () => {
	const { steps } = await lab.passes("<p>", [{ log: "body" }], { test: {
		setup: [part("beforeEach of the job", { log: "1" }), part("before of the test", { log: "2" })], teardown: [part("after of the test", { log: "3" })] } });
	assert.deepEqual(steps.map((step) => step.title.replace(/open .*/, "open")), ["beforeEach of the job › log 1", "before of the test › log 2", "open", "log body",
		"after of the test › log 3"]);
});
test("S53: a failure in setup: neither body nor teardown", { skip }, async () => {
	const result = await lab.fails("<p>", [{ log: "body" }], "hook", /^in a: no basket$/, { test: {
		setup: [part("a", { fail: "no basket" }), part("b", { log: "b" })], teardown: [part("c", { log: "c" })] } });
	assert.deepEqual(result.logs, []);
});
test("S54: errors of body and teardown are added, in order", { skip }, async () => {
	const result = await lab.fails("<p>", [{ fail: "body" }, { log: "not" }], "assertion", /^body\nthen: in a: first\nthen: in b: second$/, { test: {
		teardown: [part("a", { fail: "first" }), part("b", { fail: "second" }), part("c", { log: "ran" })] } });
	assert.deepEqual(result.logs.map((log) => log.text), ["ran"]);
});
test("a failure in teardown alone fails the test", { skip }, () =>
	lab.fails("<p>", [{ log: "fine" }], "hook", /left over/, { test: { teardown: [part("a", { fail: "left over" })] } }));
passes("before and after of a test alone", "<p>", [{ expect: { var: "made", is: 1 } }], { test: { before: [{ set: { made: 1 } }], after: [{ log: "x" }] } });

/* --- Around the page --- */

passes("going: open, reload, back, forward, relative addresses", "<title>One</title>", [
	{ open: "/two" }, { expect: { title: "Two" } }, { back: true }, { expect: { title: "One" } }, { forward: true }, { expect: { title: "Two" } },
	{ reload: true }, { expect: { title: "Two" } }, { open: { url: "two?x=1", waitUntil: "commit" } }, { expect: { url: "/two?x=1" } }],
{ pages: { "/two": "<title>Two</title>" } });
fails("nobody answers", "<p>", [{ open: "http://127.0.0.1:1/" }], "navigation", /http:\/\/127.0.0.1:1\/ was not opened: .*(REFUSED|UNSAFE)/);
fails("no history", "<p>", [{ back: true }, { back: true }, { back: true }], "navigation", /no page before/);

passes("dialogs: policy, text, message", `<p id=o></p><button onclick="o.textContent = [confirm('Sure?'), prompt('Name?', 'd')].join()">Ask</button>`, [
	{ click: "button" }, { expect: { text: "#o", is: "false," } }, { dialog: { action: "accept", text: "Ann" } }, { click: "button" },
	{ expect: { text: "#o", is: "true,Ann" } }, { expect: { dialog: { startsWith: "Name" } } }, { dialog: "dismiss" }, { click: "button" }, { expect: { text: "#o", is: "false," } }]);
fails("dialogs: another message", "<script>alert('hello')</script>", [{ expect: { dialog: "bye" }, ...QUICK }], "assertion", /expected the message of the last dialog to be “bye”; it is “hello”/);

passes("tabs: new, switch, close, open, numbers", "<title>One</title><a href=/two target=_blank>go</a>", [
	{ click: "text=go" }, { tab: "new" }, { expect: { title: "Two" } }, { tab: "first" }, { expect: { title: "One" } }, { tab: 1 }, { expect: { title: "Two" } },
	{ tab: "close" }, { expect: { title: "One" } }, { tab: { open: "/three" } }, { expect: { title: "Three" } }, { tab: { switch: { title: "One" } } }, { expect: { title: "One" } },
	{ tab: { switch: { url: { endsWith: "/three" } } } }, { expect: { title: "Three" } }], { pages: { "/two": "<title>Two</title>", "/three": "<title>Three</title>" } });
fails("tabs: none was opened", "<p>", [{ tab: "new", ...QUICK }], "action", /no new tab was opened/);
fails("tabs: no such", "<p>", [{ tab: 4 }], "action", /there is no tab 4: there are 1/);
fails("a tab that closed itself", "<button onclick=\"window.open('/two')\">go</button>", [{ click: "button" }, { tab: "new" }, { click: "text=bye" }, { expect: "x", ...QUICK }], "action", /page was closed/,
	{ pages: { "/two": "<button onclick='window.close()'>bye</button>" } });
fails("a picture of a tab that closed itself", "<button onclick=\"window.open('/two')\">go</button>", [{ click: "button" }, { tab: "new" }, { click: "text=bye" }, { screenshot: "gone" }],
	"action", /page was closed/, { pages: { "/two": "<button onclick='window.close()'>bye</button>" } });

const REPORT = { "/report": (incoming, response) => response.writeHead(200, { "content-type": "text/csv", "content-disposition": "attachment; filename=report.csv" }).end("a,b\n1,2\n") };
test("download: name, size, a variable, an artifact", { skip }, async () => {
	const { artifacts, request } = await lab.passes("<a href=/report>get</a>", [{ click: "text=get" }, { download: { name: { endsWith: ".csv" }, minBytes: 8, maxBytes: 8, save: "file" } },
		{ expect: { var: "file.name", is: "report.csv" } }], { pages: REPORT });
	const file = artifacts.find((artifact) => artifact.name === "report.csv");
	assert.equal(fs.readFileSync(path.join(request.artifacts, file.path), "utf8"), "a,b\n1,2\n");
});
test("download: names that are taken, by another one or by what a run leaves itself", { skip }, async () => {
	const named = (name) => (_, response) => response.writeHead(200, { "content-disposition": `attachment; filename=${name}` }).end("theirs");
	const pages = { "/1": named("report.csv"), "/2": named("report.csv"), "/3": named("network.har") };
	const steps = ["1", "2", "3"].flatMap((name) => [{ click: `#a${name}` }, { download: true }]);
	const { artifacts, request } = await lab.passes("<a id=a1 href=/1>1</a> <a id=a2 href=/2>2</a> <a id=a3 href=/3>3</a>", steps,
		{ pages, config: { har: "on", dom: "off", screenshot: "off" } });
	assert.deepEqual(artifacts.map((artifact) => artifact.name), ["report.csv", "report (2).csv", "network (2).har", "network.har"]);
	assert.equal(fs.readFileSync(path.join(request.artifacts, "network (2).har"), "utf8"), "theirs");
	assert.equal(JSON.parse(fs.readFileSync(path.join(request.artifacts, "network.har"), "utf8")).log.version, "1.2");
});
fails("download: none", "<p>", [{ download: true, ...QUICK }], "action", /nothing was downloaded/);
fails("download: another name", "<a href=/report>get</a>", [{ click: "text=get" }, { download: { name: "x.csv" } }], "assertion", /the name of the file to be “x.csv”; it is “report.csv”/, { pages: REPORT });

passes("cookies", "<p>", [{ cookies: { set: [{ name: "a", value: "1" }, { name: "b", value: "2" }] } }, { reload: true }, { expect: { eval: "document.cookie", is: "a=1; b=2" } },
	{ cookies: { clear: "a" } }, { expect: { eval: "document.cookie", is: "b=2" } }, { cookies: { clear: true } }, { expect: { eval: "document.cookie", is: "" } }]);
passes("storage: set, remove, clear, session", "<p>", [{ storage: { set: { a: "1", b: "2" } } }, { storage: { set: { s: "3" }, session: true } },
	{ expect: { eval: "localStorage.a + localStorage.b + sessionStorage.s", is: "123" } }, { storage: { remove: "a" } }, { expect: { eval: "localStorage.length", is: 1 } },
	{ storage: { clear: true } }, { expect: { eval: "localStorage.length", is: 0 } }]);
test("storage: what one test saved another restores", { skip }, async () => {
	const first = await lab.passes("<p>", [{ cookies: { set: [{ name: "sid", value: "s1" }] } }, { storage: { set: { token: "t1" } } }, { storage: { save: "login" } }]);
	await lab.passes("<p>", [{ storage: { restore: "{{ctx.fixture.login}}" } }, { reload: true },
		{ expect: { eval: "document.cookie + localStorage.token", is: "sid=s1t1" } }], { ctx: { fixture: first.output } });
});
passes("nothing is left of one test for the next", "<p>", [{ expect: { eval: "document.cookie + localStorage.length", is: "0" } }]);

const GUARDED = { "/guarded": (incoming, response) => (incoming.headers.authorization === `Basic ${Buffer.from("ann:pw").toString("base64")}`
	? response.writeHead(200, { "content-type": "text/html" }).end("<p>inside</p>") : response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end()) };
passes("auth", "<p>", [{ auth: { username: "ann", password: "pw" } }, { open: "/guarded" }, { expect: "inside" }], { pages: GUARDED });
passes("mock: an answer, JSON, then off again", "<p id=o></p>", [
	{ mock: { url: "**/api/items", json: [1, 2] } }, { eval: "o.textContent = await (await fetch('/api/items')).text()" }, { expect: { text: "#o", is: "[1,2]" } },
	{ mock: "none" }, { eval: "o.textContent = (await fetch('/api/items')).status" }, { expect: { text: "#o", is: "404" } }]);
fails("mock: a bad one", "<p>", [{ mock: { url: "**", status: "many" } }], "invalid_definition", /mock\/status/, { outcome: "errored" });
passes("network: offline and online", "<p id=o></p>", [{ network: "offline" }, { eval: "o.textContent = await fetch('/').then(() => 'there', () => 'gone')" },
	{ expect: { text: "#o", is: "gone" } }, { network: "online" }, { eval: "o.textContent = await fetch('/').then(() => 'there', () => 'gone')" }, { expect: { text: "#o", is: "there" } }]);
passes("viewport", "<p>", [{ viewport: { width: 400, height: 300 } }, { expect: { eval: "innerWidth + 'x' + innerHeight", is: "400x300" } }]);
passes("eval: expressions, bodies, elements, arguments", "<p id=a>x</p>", [{ eval: "a.textContent = 'expression'" }, { expect: "expression" },
	{ eval: "const n = 2; return n * 2", if: true }, { eval: { code: "const n = args.n; return n * 2", args: { n: 4 }, save: "r" } }, { expect: { var: "r", is: 8 } },
	{ eval: { code: "element.id", on: "text=expression", save: "id" } }, { expect: { var: "id", is: "a" } }, { expect: { eval: "a.attributes.length", is: 1 } }]);
passes("eval: code that throws a SyntaxError itself is not run twice", "<p id=a>0</p>", [
	{ eval: "(a.textContent++, JSON.parse('{'))", optional: true }, { expect: { text: "#a", is: "1" } }]);
test("a failure inside of a repeat is told once", { skip }, async () => {
	const { steps } = await lab.fails("<p>", [{ repeat: { times: 2, steps: [{ group: [{ fail: "no" }] }] } }], "assertion", /^no$/);
	assert.deepEqual(steps.filter((step) => step.status === "failed").map((step) => step.title), ["round 1 › fail: no"]);
});
fails("eval: what it throws", "<p>", [{ eval: "throw new Error('no luck')" }], "action", /no luck/);
passes("wait: states, load, address, code, time", "<p id=a>x</p><script>setTimeout(() => { a.remove(); history.pushState({}, '', '/later') }, 150)</script>", [
	{ wait: { for: "#a", state: "detached" } }, { wait: { url: "/later" } }, { wait: { load: "networkidle" } }, { wait: { until: "document.readyState === 'complete'" } }, { wait: 10 }]);
fails("wait: what did not come", "<p id=a>x</p>", [{ wait: { for: "#a", state: "hidden" }, ...QUICK }], "action", /“#a” is still visible/);

fails("a page that crashed", "<p>x</p>", [{ open: "chrome://crash", optional: true }, { expect: "x", ...QUICK }], "page_crashed", /crashed/);
test("config.timeout: the whole test", { skip }, async () => {
	const result = await lab.run("<p>", [{ expect: { visible: "#never" }, timeout: "10s" }], { config: { timeout: 400, har: "off", dom: "off", screenshot: "off" } });
	assert.equal(result.outcome, "timed_out");
});
test("a definition that is none", { skip }, () => lab.fails("<p>", [{ clik: "x" }], "invalid_definition", /\/steps\/0\/clik.*did you mean click/, { outcome: "errored" }));
test("a config that is none", { skip }, () => lab.fails("<p>", [{ log: "x" }], "config", /\/config\/viewport/, { outcome: "errored", config: { viewport: 3 } }));

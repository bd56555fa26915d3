/* SPDX-License-Identifier: Apache-2.0 */
/* Acting on elements: what each verb does, what it waits for, and what its failures say. */
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
const fails = (title, page, steps, patterns, options) =>
	test(title, { skip }, () => lab.fails(page, steps, "action", patterns, options));

/* A line that tells what happened. */
const SAY = "<p id=out style='min-height:1.5em'></p><script>const say = (text) => { out.textContent += text + ' ' };</script>";
const said = (is) => ({ expect: { text: "#out", is } });

/* --- The mouse --- */

passes("click: events in their order, trusted", `${SAY}<button>Go</button><script>
	for (const type of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"])
		document.querySelector("button").addEventListener(type, (e) => say(type + e.isTrusted));</script>`,
[{ click: "button" }, said("pointerdowntrue mousedowntrue pointeruptrue mouseuptrue clicktrue")]);

passes("click with the right button, modifiers and a position", `${SAY}<div id=d style="width:200px;height:100px"></div><script>
	d.oncontextmenu = (e) => { e.preventDefault(); say("menu"); };
	d.onclick = (e) => say([e.ctrlKey, e.shiftKey, e.offsetX, e.offsetY].join());</script>`,
[{ click: { css: "#d", button: "right" } },
	{ click: { css: "#d", modifiers: ["Control", "Shift"], position: { x: 10, y: 20 } } }, said("menu true,true,10,20")]);

passes("doubleClick", `${SAY}<b ondblclick="say('double')" onclick="say('click')">x</b>`,
	[{ doubleClick: "b" }, said("click click double")]);

passes("hover", "<style>#m{display:none} #h:hover #m{display:block}</style><div id=h>Menu<a id=m href=#>Item</a></div>",
	[{ hover: "#h" }, { click: "text=Item" }]);

passes("tap", `${SAY}<b id=b style="display:block;padding:40px">x</b><script>b.addEventListener("touchstart", () => say("touch"))</script>`,
	[{ tap: "#b" }, said("touch")], { config: { mobile: true, har: "off", dom: "off", screenshot: "off" } });

passes("click on a label ticks its box", "<label for=c style='padding:20px'>Agree</label><input id=c type=checkbox style='opacity:0'>",
	[{ click: "text=Agree" }, { expect: { checked: "#c" } }]);

passes("click on what is inside, and inside a shadow root", `${SAY}<my-b></my-b><script>customElements.define("my-b", class extends HTMLElement {
	constructor() { super(); const root = this.attachShadow({ mode: "open" }); root.innerHTML = "<button><i>Go</i></button>";
	root.firstChild.onclick = () => say("inner"); } });</script>`, [{ click: "role=button Go" }, said("inner")]);

/* --- Waiting --- */

passes("waits until it is attached", `${SAY}<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend",
	"<button onclick=\\"say('late')\\">Go</button>"), 200)</script>`, [{ click: "button" }, said("late")]);
passes("waits until it is visible", `${SAY}<button style="display:none" onclick="say('seen')">Go</button><script>
	setTimeout(() => { document.querySelector("button").style.display = "" }, 200)</script>`, [{ click: "button" }, said("seen")]);
passes("waits until it is enabled", `${SAY}<button disabled onclick="say('on')">Go</button><script>
	setTimeout(() => { document.querySelector("button").disabled = false }, 200)</script>`, [{ click: "button" }, said("on")]);
passes("waits until it stands still", `${SAY}<style>@keyframes m{from{margin-left:0}to{margin-left:400px}}
	button{animation:m .4s linear forwards}</style><button onclick="say(Math.round(this.getBoundingClientRect().x))">Go</button>`,
[{ click: "button" }, said("408")]);
passes("waits until it is uncovered", `${SAY}<button onclick="say('hit')">Go</button><div id=cover style="position:fixed;inset:0"
	onclick="say('cover')"></div><script>setTimeout(() => cover.remove(), 200)</script>`, [{ click: "button" }, said("hit")]);
passes("scrolls to it", `${SAY}<div style="height:3000px"></div><button onclick="say('far')">Go</button>`, [{ click: "button" }, said("far")]);
passes("scrolls inside of boxes", `${SAY}<div style="height:100px;width:200px;overflow:auto"><div style="height:900px"></div><button onclick="say('in')">Go</button></div>`,
	[{ click: "button" }, said("in")]);
passes("scrolls from under a sticky header", `${SAY}<div style="position:fixed;top:0;left:0;right:0;height:60%;background:#ccc" onclick="say('header')"></div>
	<div style="height:1500px"></div><button onclick="say('under')">Go</button><div style="height:1500px"></div>`,
[{ click: "button" }, said("under")]);
passes("an element that is replaced while it is looked for", `${SAY}<div id=d><button>Go</button></div><script>let n = 0;
	const timer = setInterval(() => { d.innerHTML = "<button onclick=\\"say('new')\\">Go</button>"; if (++n > 10) clearInterval(timer); }, 20)</script>`,
[{ click: "role=button Go" }, said("new")]);
passes("something that comes between at the last moment is not hit", `${SAY}<style>#c{position:fixed;inset:0;display:none}</style>
	<button id=b onclick="say('button')">Go</button><div id=c onclick="say('cover')"></div><script>
	let once = true; addEventListener("pointermove", () => { if (once) { once = false; c.style.display = "block";
	setTimeout(() => { c.style.display = "none" }, 300); } }, true);</script>`, [{ click: "#b" }, said("button")]);
passes("force clicks all the same", `${SAY}<button style="pointer-events:none">Go</button><script>document.onclick = () => say("page")</script>`,
	[{ click: { css: "button", force: true } }, said("page")]);

const SHORT = { timeout: 400 };

fails("covered: by what", "<button>Go</button><div id=banner class=cookie style='position:fixed;inset:0'>We value your privacy</div>",
	[{ click: "button", ...SHORT }], [/button.* is covered by <div id="banner" class="cookie">We value/, /waited 0.4 s/]);
fails("disabled", "<fieldset disabled><button>Go</button></fieldset>", [{ click: "role=button Go", ...SHORT }], /button “Go” .* is disabled/);
fails("moving", "<style>@keyframes m{from{margin-left:0}to{margin-left:400px}} button{animation:m .5s infinite alternate linear}</style><button>Go</button>",
	[{ click: "button", ...SHORT }], /keeps moving/);
fails("not visible", "<button style='visibility:hidden'>Go</button>", [{ click: "button", ...SHORT }], /is not visible \(visibility: hidden\)/);
fails("several", "<button>Go</button><button>Go</button>", [{ click: "text=Go", ...SHORT }], /text “Go” means 2 elements/);
fails("outside of what can be scrolled to", "<button style='position:fixed;left:-500px'>Go</button>", [{ click: "button", ...SHORT }],
	/cannot be scrolled into view/);

/* --- Fields --- */

passes("type replaces, append adds, clear empties", `<input id=i value=old>`, [
	{ type: { into: "#i", text: "new" } }, { expect: { value: "#i", is: "new" } },
	{ type: { into: "#i", text: "er", append: true } }, { expect: { value: "#i", is: "newer" } },
	{ clear: "#i" }, { expect: { empty: "#i" } }]);
passes("type fires input as from outside, change when it is left", `${SAY}<input id=i><button>x</button><script>
	i.oninput = (e) => say("input" + e.isTrusted); i.onchange = () => say("change")</script>`,
[{ type: { into: "#i", text: "a" } }, { focus: "button" }, said("inputtrue change")]);
passes("type key by key", `${SAY}<input id=i onkeydown="say(event.key)">`, [{ type: { into: "#i", text: "aB1", delay: 1 } }, said("a B 1"),
	{ expect: { value: "#i", is: "aB1" } }]);
passes("type and submit", `<form action=/done><input name=q></form>`, [{ type: { into: "[name=q]", text: "mugs", submit: true } },
	{ expect: { url: "/done?q=mugs" } }], { pages: { "/done": "done" } });
passes("type into areas, editable elements, dates and ranges", `<textarea id=t>x</textarea><div id=e contenteditable>old</div><input id=d type=date>
	<input id=r type=range max=10><input id=n type=number>`, [
	{ type: { into: "#t", text: "two\nlines" } }, { expect: { value: "#t", is: "two\nlines" } },
	{ type: { into: "#e", text: "new" } }, { expect: { text: "#e", is: "new" } },
	{ type: { into: "#d", text: "2026-11-22" } }, { expect: { value: "#d", is: "2026-11-22" } },
	{ type: { into: "#r", text: "7" } }, { expect: { value: "#r", is: "7" } },
	{ type: { into: "#n", text: "42" } }, { expect: { value: "#n", is: "42" } }]);
passes("type where the focus is", "<input id=i autofocus>", [{ focus: "#i" }, { type: "abc" }, { expect: { value: "#i", is: "abc" } }]);
passes("type by a label, emoji too", "<label>Name<input></label>", [{ type: { into: "text=Name", text: "Zoë 🙂" } }, { expect: { value: "label=Name", is: "Zoë 🙂" } }]);
test("type with a delay ends with the whole test's time", { skip }, async () => {
	const config = { timeout: 1000, har: "off", dom: "off", screenshot: "off" };
	const steps = [{ type: { into: "#i", text: "slow", delay: "1h" } }];
	const result = await lab.run("<input id=i>", steps, { config });
	assert.equal(result.outcome, "timed_out", result.error?.message);
	assert.equal(result.reason, "timeout");
});
fails("read only", "<input id=i readonly>", [{ type: { into: "#i", text: "x" }, ...SHORT }], /“#i” .* cannot be edited/);
fails("a date that is none", "<input id=i type=date>", [{ type: { into: "#i", text: "soon" } }], /does not take “soon”/);
fails("a list is not typed into", "<select id=s><option>a</select>", [{ type: { into: "#s", text: "a" } }], /use select/);

passes("press: keys, with modifiers, on an element, several times", `${SAY}<input id=i onkeydown="say((event.ctrlKey ? 'C-' : '') + event.key)">`, [
	{ press: { key: "Control+k", on: "#i" } }, { press: { key: "ArrowDown", times: 2 } }, { press: "F2" },
	said("C-Control C-k ArrowDown ArrowDown F2")]);
test("press: a key that is none", { skip }, () => lab.fails("<p>", [{ press: "Entr" }], "invalid_definition", /Entr/, { outcome: "errored" }));

passes("check and uncheck", `${SAY}<input id=c type=checkbox onchange="say(this.checked)"><label><input type=radio name=r>Red</label>`, [
	{ check: "#c" }, { check: "#c" }, { expect: { checked: "#c" } }, { uncheck: "#c" }, { expect: { unchecked: "#c" } }, said("true false"),
	{ check: "label=Red" }, { expect: { checked: "label=Red" } }]);
passes("check of an ARIA switch", `<div role=switch aria-checked=false tabindex=0 onclick="this.ariaChecked = 'true'">Dark</div>`, [{ check: "role=switch Dark" }]);
fails("a box that does not stay ticked", "<input id=c type=checkbox onclick='return false'>", [{ check: "#c", ...SHORT }], /to be checked; it is not/);

passes("select by text, value, label, index, several", `${SAY}<select id=s onchange="say(this.value)"><option value=r>Red<option value=g>Green<option value=b>Blue</select>
	<select id=m multiple><option>1<option>2<option>3</select>`, [
	{ select: { in: "#s", option: "Green" } }, { select: { in: "#s", option: "b" } }, { select: { in: "#s", option: { label: "Red" } } },
	{ select: { in: "#s", option: { index: 1 } } }, said("g b r g"),
	{ select: { in: "#m", option: ["1", "3"] } }, { expect: { value: "#m", is: ["1", "3"] } }]);
passes("select waits for its option", "<select id=s></select><script>setTimeout(() => { s.innerHTML = '<option>Late' }, 200)</script>",
	[{ select: { in: "#s", option: "Late" } }]);
fails("select: no such option", "<select id=s><option>Red<option>Green</select>", [{ select: { in: "#s", option: "Blue" }, ...SHORT }],
	[/has no option "Blue"/, /“Red”, “Green”/]);
fails("select: no list", "<p id=s>x</p>", [{ select: { in: "#s", option: "Blue" }, ...SHORT }], /is no list of options/);

test("upload: files of the test, of the bundle, and none", { skip }, async () => {
	const files = fs.mkdtempSync(path.join(lab.base, "files-"));
	fs.writeFileSync(path.join(files, "b.txt"), "from the bundle");
	await lab.passes(`${SAY}<input id=f type=file multiple><script>f.onchange = async () => { for (const file of f.files)
		say(file.name + ":" + await file.text()); say(f.files.length) }</script>`, [
		{ upload: { into: "#f", files: [{ name: "a.txt", content: "written here" }, "b.txt"] } }, said("a.txt:written here b.txt:from the bundle 2"),
		{ upload: { into: "#f", files: [] } }, { expect: { text: "#out", endsWith: " 0" } }], { files });
});
fails("upload: a file that is not there", "<input id=f type=file>", [{ upload: { into: "#f", files: "nowhere.txt" } }], /there is no file "nowhere.txt"/);
test("upload: not out of the folder", { skip }, () =>
	lab.fails("<input id=f type=file>", [{ upload: { into: "#f", files: "../../etc/passwd" } }], "invalid_definition", /inside the test's files/, { outcome: "errored" }));
fails("upload: not a field for files", "<p id=f>x</p>", [{ upload: { into: "#f", files: { name: "a", content: "" } } }], /is no <input type=file> but a <p>/);

passes("drag with the mouse, and HTML drag and drop", `${SAY}<div id=a style="width:50px;height:50px;background:red">A</div>
	<div id=b style="margin-top:100px;width:90px;height:90px;background:#ccc" onmouseup="say('up')">B</div>
	<p id=c draggable=true ondragstart="event.dataTransfer.setData('text', 'C')">C</p>
	<p id=d ondragover="event.preventDefault()" ondrop="say('drop' + event.dataTransfer.getData('text'))">D</p>`, [
	{ drag: { from: "#a", to: "#b" } }, said("up"), { drag: { from: "#c", to: "#d" } }, said("up dropC")]);
passes("drag to a place in an element", `<div id=a style="width:50px;height:50px;background:red">A</div>
	<div id=b style="width:200px;height:100px;background:blue" onmouseup="document.title = event.offsetX + ',' + event.offsetY">B</div>`,
	[{ drag: { from: "#a", to: "#b", position: { x: 150, y: 20 } } }, { expect: { title: "150,20" } }]);
passes("drag by a distance", `<input id=r type=range min=0 max=100 value=0 style="width:300px">`,
	[{ drag: { from: { css: "#r" }, by: { x: 140, y: 0 } } }, { expect: { value: "#r", min: 1 } }]);

passes("scroll: bottom, top, to, by, in", `<div style="height:3000px"><div id=box style="height:100px;overflow:auto"><div style="height:900px"></div></div></div><p id=end>end</p>`, [
	{ scroll: "bottom" }, { expect: { eval: "scrollY", min: 1000 } }, { scroll: "top" }, { expect: { eval: "scrollY", is: 0 } },
	{ scroll: { to: "#end" } }, { expect: { eval: "scrollY", min: 1000 } }, { scroll: "top" },
	{ scroll: { by: { x: 0, y: 120 }, in: "#box" } }, { expect: { eval: "box.scrollTop", is: 120 } }]);

/* --- Navigations that actions begin --- */

const SLOW = (incoming, response) => setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end("<title>Next</title><p>next</p>"), 250);

passes("a click that opens a page ends when that is there", "<title>First</title><a href=/slow>go</a><p>first</p>",
	[{ click: "text=go" }, { expect: { text: "p", is: "next" }, timeout: 1 }], { pages: { "/slow": SLOW } });
passes("so does a form", "<form action=/slow><input type=submit value=Send></form>",
	[{ click: "text=Send" }, { expect: { title: "Next" }, timeout: 1 }], { pages: { "/slow": SLOW } });
passes("a page that navigates by script while it is looked at", "<p id=a>first</p><script>setTimeout(() => { location = '/slow' }, 100)</script>",
	[{ expect: { text: "p", is: "next" } }, { expect: { title: "Next" } }], { pages: { "/slow": SLOW } });
passes("three documents one after the other", "<script>location = '/b'</script>", [{ click: "role=button End" }, { expect: { text: "p", is: "done" } }], {
	pages: { "/b": "<script>setTimeout(() => { location = '/c' }, 50)</script><button>Not yet</button>",
		"/c": "<p></p><button onclick=\"document.querySelector('p').textContent = 'done'\">End</button>" } });
passes("a click on an address inside the page", "<a href=#end>jump</a><p id=end>x</p>", [{ click: "text=jump" }, { expect: { url: "/#end" } }]);
passes("a click that answers 204 changes nothing", "<p>here</p><a href=/none>go</a>", [{ click: "text=go" }, { expect: { text: "p", is: "here" } }],
	{ pages: { "/none": (incoming, response) => response.writeHead(204).end() } });

test("a busy page: the step ends, the next test is well", { skip }, async () => {
	await lab.fails("<button onclick='for(;;);'>Hang</button><p>x</p>", [{ click: "text=Hang", timeout: 300 }, { expect: { text: "p", is: "y" }, timeout: 300 }],
		"action", /did not answer|busy|in time|timed out/i);
	await lab.passes("<p>well</p>", [{ expect: "well" }]);
});

test("titles of failed steps carry the error", { skip }, async () => {
	const result = await lab.fails("<p>", [{ click: "role=button Buy", ...SHORT }], "action", /no button “Buy”/);
	const last = result.steps.at(-1);
	assert.equal(last.status, "failed");
	assert.equal(last.title, "click button “Buy”");
	assert.equal(last.error.message, result.error.message);
	assert.ok(last.durationMs >= 400);
});

/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: every way to name an element, what is strict, and what a failure says of the rest. */
"use strict";

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { Lab, hasChromium } = require("./lab");

const skip = !hasChromium() && "no chromium";
const lab = new Lab();

before(() => skip || lab.start());
after(() => skip || lab.stop());

/* The text of the element that the target means. */
function
finds(title, page, target, text, options)
{
	test(title, { skip }, async () => {
		await lab.passes(page, [{ expect: { text: target, is: text } }], options);
	});
}

function
misses(title, page, target, patterns, reason = "assertion")
{
	test(title, { skip }, () => lab.fails(page, [{ expect: { visible: target }, timeout: 200 }], reason, patterns));
}

const LIST = "<ul><li>one</li><li class=b>two</li><li>three</li></ul>";

finds("css, short", "<p id=a>A</p><p>B</p>", "#a", "A");
finds("css=", "<p id=a>A</p>", "css=p#a", "A");
finds("text is part of it, without case, white space collapsed", "<div><span>Hello   big\n World</span></div>", "text=hello BIG world", "Hello big World");
finds("text: the smallest element", "<div>x <b>pay now</b></div>", "text=pay now", "pay now");
finds("text spread over elements belongs to what holds both", "<p>pay <b>now</b></p>", "text=pay now", "pay now");
finds("text, exact", "<p>Buy more</p><p>Buy</p>", { text: "Buy", exact: true }, "Buy");
finds("text as a regular expression", "<p>no 12</p><p>no 7</p>", "text=/^no \\d$/", "no 7");
finds("text of a button that is an input", "<input type=submit value='Send it'>", "text=send it", "Send it");
finds("text in scripts is no text", "<script>var pay = 1</script><p>pay</p>", "text=pay", "pay");
finds("role and name", "<button>No</button><button>Buy</button>", { role: "button", name: "Buy" }, "Buy");
finds("role and name, short", "<button>No</button><button>Buy now</button>", "role=button buy", "Buy now");
finds("role by attribute", "<div role=button>Buy</div>", "role=button", "Buy");
finds("an explicit role replaces the implied one", "<button role=tab>One</button><button>Two</button>", "role=button", "Two");
finds("hidden elements have no role", "<button style='display:none'>A</button><button aria-hidden=true>B</button><button>C</button>", "role=button", "C");
finds("link only with href", "<a>one</a><a href=#>two</a>", "role=link", "two");
finds("heading by level", "<h1>A</h1><h2>B</h2>", { role: "heading", level: 2 }, "B");
finds("name from aria-label", "<button aria-label=Close>x</button><button>y</button>", "role=button Close", "x");
finds("name from aria-labelledby, in its order", "<span id=a>Pay</span><span id=b>now</span><button aria-labelledby='a b'>x</button><button>y</button>", "role=button Pay now", "x");
finds("name of hidden labels that are referred to", "<span id=a hidden>Secret name</span><button aria-labelledby=a>x</button>", "role=button Secret name", "x");
finds("name from the picture inside", "<a href=#><img alt=Home>i</a><a href=#>b</a>", "role=link Home", "i");
finds("name from generated content", "<style>.c::before{content:'Go '}</style><button class=c>on</button><button>x</button>", "role=button go on", "on");
finds("name leaves out what is hidden inside", "<button>Save<span style='display:none'> all</span></button>", { role: "button", name: "Save", exact: true }, "Save");
finds("name from title when there is nothing else", "<button title=Info></button><button>j</button>", "role=button Info", "");
finds("expanded", "<button aria-expanded=true>A</button><button aria-expanded=false>B</button>", { role: "button", expanded: false }, "B");
finds("disabled", "<button disabled>A</button><button>B</button>", { role: "button", disabled: true }, "A");
finds("cells and headers of tables", "<table><tr><th>H<td>C</table>", "role=columnheader", "H");
finds("hidden elements have a role when they are asked for", "<button style='display:none'>A</button>", { role: "button", includeHidden: true }, "A");
misses("hidden elements are not visible for it", "<button style='display:none'>A</button>", { role: "button", includeHidden: true }, /button/);
finds("and: what was counted is looked at again", LIST, { and: { css: "li", nth: 1 }, hasText: "w" }, "two");
finds("and: the second of those that have it", LIST, { and: { css: "li", hasText: "o" }, nth: 1 }, "two");
misses("and: what was counted must fit", LIST, { and: { css: "li", nth: 0 }, hasText: "two" }, /“li” number 0|what has “two”/);
finds("nth", LIST, { css: "li", nth: 1 }, "two");
finds("nth from the end", LIST, { css: "li", nth: -1 }, "three");
finds("first", LIST, { css: "li", first: true }, "one");
finds("last", LIST, { css: "li", last: true }, "three");
finds("inside", "<div id=a><b>x</b></div><div id=b><b>y</b></div>", { css: "b", inside: "#b" }, "y");
finds("hasText", "<li>apple <b>1</b></li><li>pear <b>2</b></li>", { css: "li", hasText: "pear" }, "pear 2");
finds("hasNotText", "<li>apple</li><li>pear</li>", { css: "li", hasNotText: "pear" }, "apple");
finds("has", "<li>a<i></i></li><li>b<b></b></li>", { css: "li", has: "b" }, "b");
finds("hasNot", "<li>a<i></i></li><li>b<b></b></li>", { css: "li", hasNot: "b" }, "a");
finds("visible", "<p class=x style='display:none'>a</p><p class=x>b</p>", { css: ".x", visible: true }, "b");
finds("members together: all must hold", "<button class=a>Buy</button><button class=b>Buy</button>", { role: "button", name: "Buy", css: ".b" }, "Buy");
finds("test id", "<p data-testid=total>5</p>", { testId: "total" }, "5");
finds("test id by another attribute", "<p data-qa=total>5</p>", "testId=total", "5", { test: { testIdAttribute: "data-qa" } });
finds("title", "<p title='More about it'>x</p>", "title=more about", "x");

const SHADOW = `<my-card></my-card><script>customElements.define("my-card", class extends HTMLElement {
	constructor() { super(); this.attachShadow({ mode: "open" }).innerHTML = "<button>Inner</button><my-in></my-in>"; } });
	customElements.define("my-in", class extends HTMLElement {
	constructor() { super(); this.attachShadow({ mode: "open" }).innerHTML = "<p class=deep>Deep down</p>"; } });</script>`;

finds("css through open shadow roots", SHADOW, "p.deep", "Deep down");
finds("role through open shadow roots", SHADOW, "role=button Inner", "Inner");
finds("text through open shadow roots", SHADOW, "text=deep down", "Deep down");
finds("inside crosses shadow roots", `<p class=deep>Not here</p>${SHADOW}`, { css: ".deep", inside: "my-card" }, "Deep down");

test("form controls by their labels", { skip }, () => lab.passes(`
	<label for=a>Email address</label><input id=a value=1>
	<label>Name <input value=2></label>
	<input aria-label=Phone value=3>
	<span id=z>Zip</span><input aria-labelledby=z value=4>
	<input placeholder="Search here" value=5>
	<label>Colour <select><option>red</select></label>`, [
	{ expect: { value: { label: "email" }, is: "1" } },
	{ expect: { value: "label=Name", is: "2" } },
	{ expect: { value: "label=Phone", is: "3" } },
	{ expect: { value: "label=Zip", is: "4" } },
	{ expect: { value: "placeholder=search", is: "5" } },
	{ expect: { value: { role: "combobox", name: "Colour" }, is: "red" } },
	{ expect: { value: { role: "textbox", name: "Email address" }, is: "1" } },
]));

test("checkboxes by state", { skip }, () => lab.passes("<label><input type=checkbox checked>A</label><label><input type=checkbox>B</label>", [
	{ expect: { count: { role: "checkbox", checked: true }, is: 1 } },
	{ expect: { checked: "label=A" } },
	{ expect: { unchecked: "label=B" } },
]));

misses("nothing: what is like it is named", "<button>Buy now</button><button>Cancel</button>", "role=button Bye now",
	[/no button “Bye now” was found/, /button “Buy now”/]);
misses("nothing: hidden ones are counted", "<button style='display:none'>Buy</button>", "role=button Buy", /1 such is hidden/);
misses("nothing: ids", "<p id=total-price></p>", "#total-prise", /#total-price/);
misses("nothing: test ids", "<p data-testid=order-number>", "testId=order-numbr", /“order-number”/);
misses("nothing: labels", "<label>Email address <input></label>", "label=Emial address", /“Email address”/);
misses("nothing: texts", "<p>Thank you for your order</p>", "text=Thank you for the order", /“Thank you for your order”/);
misses("several: they are listed", LIST, "li", [/“li” means 3 elements, not one/, /<li>one<\/li>/, /nth, first, last or inside/]);
misses("hidden: why", "<div id=h style='display:none'><p id=a>x</p></div>", "#a", /display: none on <div id="h">/);
misses("hidden: no box", "<div id=a></div>", "#a", /its box is \d+ × 0/);

test("a selector that is none is the test's fault", { skip }, () =>
	lab.fails("<p>", [{ click: "p >> q[" }], "invalid_definition", /is no CSS selector; others begin with text=/, { outcome: "errored" }));

test("a page that broke its prototypes deceives nobody", { skip }, () => lab.passes(`<p id=a>real</p><button onclick="a.textContent='clicked'">Go</button><script>
	document.querySelectorAll = () => []; Element.prototype.querySelectorAll = () => []; Array.prototype.filter = () => [];
	Element.prototype.getBoundingClientRect = () => ({ x: 0, y: 0, width: 0, height: 0 }); window.Promise = null;
	window.requestAnimationFrame = () => {}; String.prototype.includes = () => false; window.proctor = 1;
	Document.prototype.elementFromPoint = () => null; Element.prototype.getClientRects = () => [];</script>`, [
	{ expect: { text: "#a", is: "real" } }, { click: "role=button Go" }, { expect: { text: "#a", is: "clicked" } },
]));

test("frames: same origin, other origin, one in the other", { skip }, async () => {
	const { site } = lab;
	const pages = {
		"/inner": "<p id=t>inner</p><button onclick=\"t.textContent='hit'\">Press</button>",
		"/outer": `<p>outer</p><div style="height:40px"></div><iframe id=deep src="${site.other}/inner"></iframe>`,
	};
	await lab.passes(`<iframe id=same src=/inner></iframe><iframe id=far src="${site.other}/inner"></iframe><iframe id=nest src=/outer></iframe>`, [
		{ click: { role: "button", name: "Press", frame: "#same" } },
		{ expect: { text: { css: "#t", frame: "#same" }, is: "hit" } },
		{ expect: { text: { css: "#t", frame: "#far" }, is: "inner" } },
		{ click: "role=button Press", frame: "#far" },
		{ expect: { text: "#t", is: "hit" }, frame: "#far" },
		{ group: [{ click: "role=button Press" }, { expect: { text: "#t", is: "hit" } }], frame: ["#nest", "#deep"] },
	], { pages });
});

test("an element that is no frame", { skip }, () =>
	lab.fails("<p id=a>x</p>", [{ click: "button", frame: "#a", timeout: 300 }], "action", /“#a” is no frame/));

test("a frame that comes late", { skip }, () => lab.passes(`<script>setTimeout(() => {
	const f = document.createElement("iframe"); f.srcdoc = "<p>late</p>"; document.body.append(f); }, 150)</script><p></p>`,
	[{ expect: { text: { css: "p", frame: "iframe" }, is: "late" } }]));

test("titles of steps are plain words", { skip }, async () => {
	const { steps } = await lab.passes("<button>Buy</button><label>Name <input></label><ul><li>a</ul>", [
		{ click: "role=button Buy" },
		{ type: { into: { label: "Name" }, text: "Ann" } },
		{ type: { into: "label=Name", text: "hidden", secret: true } },
		{ expect: { count: "li", is: 1 } },
		{ expect: { visible: { css: "li", first: true, inside: "ul" } } },
		{ name: "my own words", press: "Tab" },
	]);
	assert.deepEqual(steps.slice(1).map((step) => step.title), ["click button “Buy”", "type “Ann” into field “Name”",
		"type ••• into field “Name”", "expect count of “li” is 1", "expect the first “li” in “ul” to be visible", "my own words"]);
	assert.ok(steps.every((step) => step.status === "passed" && Number.isInteger(step.durationMs)));
});

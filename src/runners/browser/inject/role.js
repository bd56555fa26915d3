/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles and accessible names: the part of ARIA in HTML and of the accessible name computation
 * that pages use. Names come, in this order, from aria-labelledby, aria-label, what the element
 * offers itself (label, alt, legend, caption, …), its content where the role allows, and title.
 */
"use strict";

const INPUT_ROLES = {
	button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox",
	radio: "radio", range: "slider", number: "spinbutton", search: "searchbox", email: "textbox",
	tel: "textbox", text: "textbox", url: "textbox", password: "textbox", file: "button", color: "textbox",
	date: "textbox", "datetime-local": "textbox", month: "textbox", week: "textbox", time: "textbox",
};

const TAG_ROLES = {
	ARTICLE: "article", ASIDE: "complementary", BLOCKQUOTE: "blockquote", BUTTON: "button", CAPTION: "caption",
	CODE: "code", DATALIST: "listbox", DD: "definition", DEL: "deletion", DETAILS: "group", DFN: "term",
	DIALOG: "dialog", DT: "term", EM: "emphasis", FIELDSET: "group", FIGURE: "figure", H1: "heading",
	H2: "heading", H3: "heading", H4: "heading", H5: "heading", H6: "heading", HR: "separator", HTML: "document",
	INS: "insertion", LI: "listitem", MAIN: "main", MATH: "math", MENU: "list", METER: "meter", NAV: "navigation",
	OL: "list", OPTGROUP: "group", OPTION: "option", OUTPUT: "status", P: "paragraph", PROGRESS: "progressbar",
	SEARCH: "search", STRONG: "strong", SUMMARY: "button", TABLE: "table", TBODY: "rowgroup", TEXTAREA: "textbox",
	TFOOT: "rowgroup", THEAD: "rowgroup", TIME: "time", TR: "row", UL: "list",
};

const NAMED_BY_CONTENT = new Set(["button", "caption", "cell", "checkbox", "columnheader", "gridcell", "heading",
	"link", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio", "row", "rowheader", "switch",
	"tab", "tooltip", "treeitem", "term", "definition", "listitem"]);

const SECTIONING = "article, aside, main, nav, section, [role=article], [role=complementary], [role=main], [role=navigation], [role=region]";

function
impliedRole(element)
{
	const tag = element.tagName.toUpperCase();
	switch (tag) {
	case "A":
	case "AREA":
		return element.hasAttribute("href") ? "link" : null;
	case "INPUT":
		if (element.hasAttribute("list") && ["text", "search", "email", "tel", "url"].includes(element.type))
			return "combobox";
		return INPUT_ROLES[element.type] ?? null;
	case "SELECT":
		return element.multiple || element.size > 1 ? "listbox" : "combobox";
	case "IMG":
		return element.getAttribute("alt") === "" && !element.hasAttribute("title") ? "presentation" : "img";
	case "SVG":
		return "img";
	case "HEADER":
		return element.closest(SECTIONING) ? null : "banner";
	case "FOOTER":
		return element.closest(SECTIONING) ? null : "contentinfo";
	case "SECTION":
		return ownLabel(element) ? "region" : null;
	case "FORM":
		return ownLabel(element) ? "form" : null;
	case "TD": {
		const table = element.closest("table, [role=grid], [role=treegrid]");
		return table && ["grid", "treegrid"].includes(table.getAttribute("role")) ? "gridcell" : "cell";
	}
	case "TH":
		return element.scope === "row" || element.scope === "rowgroup" ? "rowheader" : "columnheader";
	default:
		return TAG_ROLES[tag] ?? null;
	}
}

function
roleOf(element)
{
	const own = (element.getAttribute("role") || "").trim().split(/\s+/)[0].toLowerCase();
	const role = own || impliedRole(element);
	return role === "none" ? "presentation" : role === "image" ? "img" : role;
}

function
isAriaHidden(element)
{
	if (!element.checkVisibility() && styleOf(element).display !== "contents")
		return !(element instanceof HTMLOptionElement && element.closest("select"));
	if (styleOf(element).visibility !== "visible")
		return true;
	for (let at = element; at; at = parentOf(at))
		if (at.getAttribute("aria-hidden") === "true")
			return true;
	return false;
}

/* --- Names --- */

function
elementsById(element, ids)
{
	const root = element.getRootNode();
	return (ids || "").split(/\s+/).filter(Boolean).map((id) => root.getElementById?.(id)).filter(Boolean);
}

function
labelledBy(element, seen)
{
	const labels = elementsById(element, element.getAttribute("aria-labelledby"));
	return collapse(labels.map((label) => nameFrom(label, seen, true)).join(" "));
}

function
ownLabel(element)
{
	return labelledBy(element, new Set([element])) || collapse(element.getAttribute("aria-label") || "")
		|| collapse(element.getAttribute("title") || "");
}

function
labelsOf(element)
{
	return element.labels ? [...element.labels] : [];
}

function
generated(element, which)
{
	const content = element.ownerDocument.defaultView.getComputedStyle(element, which).content;
	const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(content || "");
	return quoted ? quoted[1].replace(/\\(.)/g, "$1") : "";
}

/* What a control inside a label or a link says of itself: its value. */
function
embeddedValue(element)
{
	const role = roleOf(element);
	if (role === "textbox" || role === "searchbox" || role === "spinbutton" || role === "slider")
		return element.getAttribute("aria-valuetext") ?? element.value ?? element.textContent;
	if (element instanceof HTMLSelectElement)
		return [...element.selectedOptions].map((option) => option.textContent).join(" ");
	return null;
}

function
contentName(element, seen)
{
	let text = generated(element, "::before");
	const add = (node) => {
		if (node.nodeType === Node.TEXT_NODE) {
			text += node.data;
		} else if (node instanceof Element && !NOT_TEXT.has(node.tagName) && !isAriaHidden(node)) {
			const inner = nameFrom(node, seen, false);
			const block = !styleOf(node).display.startsWith("inline");
			text += block ? ` ${inner} ` : inner;
		}
	};
	const nodes = element instanceof HTMLSlotElement && element.assignedNodes().length ? element.assignedNodes()
		: element.shadowRoot ? element.shadowRoot.childNodes : element.childNodes;
	for (const node of nodes)
		add(node);
	return text + generated(element, "::after");
}

function
nativeName(element, seen)
{
	const tag = element.tagName.toUpperCase();
	const button = buttonText(element);
	if (button !== null && !labelsOf(element).length)
		return button;
	if (labelsOf(element).length)
		return labelsOf(element).map((label) => nameFrom(label, new Set([...seen, element]), true)).join(" ");
	if (tag === "IMG" || tag === "AREA" || (tag === "INPUT" && element.type === "image"))
		return element.getAttribute("alt") || "";
	const child = { FIELDSET: "legend", FIGURE: "figcaption", TABLE: "caption", SVG: "title" }[tag];
	const source = child && element.querySelector(`:scope > ${child}`);
	if (source)
		return tag === "SVG" ? source.textContent : nameFrom(source, seen, true);
	if (tag === "INPUT" || tag === "TEXTAREA")
		return "";
	return null;
}

/* The name of an element that is itself asked, or that lends its text to another. */
function
nameFrom(element, seen, isReferred)
{
	if (seen.has(element))
		return "";
	const inside = new Set(seen).add(element);
	if (!isReferred || seen.size === 0) {
		const given = seen.size < 2 && labelledBy(element, inside);
		if (given)
			return given;
	}
	const label = collapse(element.getAttribute("aria-label") || "");
	if (label)
		return label;
	if (seen.size > 0) {
		const value = embeddedValue(element);
		if (value !== null && !isReferred)
			return value;
	}
	const native = nativeName(element, inside);
	if (native)
		return native;
	const role = roleOf(element);
	if (native === null && (isReferred || seen.size > 0 || NAMED_BY_CONTENT.has(role))) {
		const content = contentName(element, inside);
		if (collapse(content))
			return content;
	}
	return element.getAttribute("title") || element.getAttribute("placeholder") || "";
}

function
nameOf(element)
{
	return collapse(nameFrom(element, new Set(), false));
}

/* --- States of a role --- */

function
isChecked(element)
{
	if (element instanceof HTMLInputElement && ["checkbox", "radio"].includes(element.type))
		return element.checked;
	return element.getAttribute("aria-checked") === "true";
}

function
isDisabled(element)
{
	if (element.matches(":disabled"))
		return true;
	for (let at = element; at; at = parentOf(at))
		if (at.getAttribute("aria-disabled") === "true")
			return true;
	return false;
}

function
roleState(element, name)
{
	switch (name) {
	case "checked":
		return isChecked(element);
	case "disabled":
		return isDisabled(element);
	case "selected":
		return element instanceof HTMLOptionElement ? element.selected
			: element.getAttribute("aria-selected") === "true";
	case "expanded":
		if (element.tagName === "SUMMARY")
			return Boolean(element.parentElement?.open);
		return element.getAttribute("aria-expanded") === "true";
	case "level": {
		const tag = /^H([1-6])$/.exec(element.tagName);
		return Number(element.getAttribute("aria-level") || (tag ? tag[1] : 0));
	}
	default:
		return element.getAttribute(`aria-${name}`) === "true";
	}
}

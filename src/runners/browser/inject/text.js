/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and boxes of elements: what a person would read, see and point at. These files are put
 * together into one function that runs in a world of its own in every document, so that
 * nothing here can be reached or changed by the page.
 */
"use strict";

const TEXT_MAX = 100000;
const NOT_TEXT = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "HEAD", "META", "LINK"]);

function
collapse(text)
{
	return String(text).replace(/[\s\u00a0\u200b]+/g, " ").trim();
}

function
cut(text, max)
{
	return text.length <= max ? text : text.slice(0, max - 1) + "…";
}

/* The element that holds this one, out of a shadow root to its host. */
function
parentOf(element)
{
	if (element.assignedSlot)
		return element.assignedSlot;
	const parent = element.parentNode;
	if (parent instanceof ShadowRoot)
		return parent.host;
	return parent instanceof Element ? parent : null;
}

/* Inside in the sense of the page as it is shown, itself included. */
function
isInside(outer, inner)
{
	for (let at = inner; at; at = parentOf(at))
		if (at === outer)
			return true;
	/* Content that no slot shows still belongs to its host. */
	for (let at = inner; at; at = at.parentNode instanceof ShadowRoot ? at.parentNode.host : at.parentNode)
		if (at === outer)
			return true;
	return false;
}

/* Every element below root in document order, shadow content before the host's own children. */
function
allBelow(root)
{
	const found = [];
	const walk = (node) => {
		if (node.shadowRoot)
			walk(node.shadowRoot);
		for (const child of node.children) {
			found.push(child);
			walk(child);
		}
	};
	walk(root);
	return found;
}

function
buttonText(element)
{
	if (!(element instanceof HTMLInputElement) || !["submit", "button", "reset"].includes(element.type))
		return null;
	return element.value || { submit: "Submit", reset: "Reset", button: "" }[element.type];
}

/* All text inside, shown or not; cache is a Map for one search. */
function
contentText(node, cache)
{
	if (node instanceof Element) {
		const known = cache.get(node);
		if (known !== undefined)
			return known;
		if (NOT_TEXT.has(node.tagName))
			return "";
	}
	let text = node instanceof Element ? buttonText(node) : null;
	if (text === null) {
		text = "";
		const collect = (parent) => {
			for (const child of parent.childNodes) {
				if (child.nodeType === Node.TEXT_NODE)
					text += child.data;
				else if (child instanceof Element)
					text += contentText(child, cache);
				if (text.length > TEXT_MAX)
					break;
			}
		};
		if (node.shadowRoot)
			collect(node.shadowRoot);
		collect(node);
	}
	if (node instanceof Element)
		cache.set(node, text);
	return text;
}

/* What is rendered. */
function
shownText(element)
{
	const button = buttonText(element);
	if (button !== null)
		return collapse(button);
	if (element.shadowRoot)
		return collapse(contentText(element, new Map()));
	return collapse(element instanceof HTMLElement ? element.innerText : element.textContent);
}

/* A text to look for: contained without regard to case, whole when exact, or /…/flags. */
function
textMatcher(wanted, exact)
{
	const pattern = /^\/(.+)\/([dgimsuvy]*)$/s.exec(wanted);
	if (pattern) {
		const regexp = makeRegExp(pattern[1], pattern[2].replace(/[gy]/g, ""));
		return (text) => regexp.test(collapse(text));
	}
	if (exact) {
		const whole = collapse(wanted);
		return (text) => collapse(text) === whole;
	}
	const part = collapse(wanted).toLowerCase();
	return (text) => collapse(text).toLowerCase().includes(part);
}

class Refusal extends Error {}

function
makeRegExp(source, flags)
{
	try {
		return new RegExp(source, flags);
	} catch (error) {
		throw new Refusal(`/${source}/${flags} is no regular expression: ${error.message}`);
	}
}

/* --- What can be seen --- */

function
styleOf(element)
{
	return element.ownerDocument.defaultView.getComputedStyle(element);
}

function
hasBox(element)
{
	const box = element.getBoundingClientRect();
	return box.width > 0 && box.height > 0;
}

function
isVisible(element)
{
	if (!element.isConnected)
		return false;
	if (element instanceof HTMLOptionElement || element instanceof HTMLOptGroupElement) {
		const select = element.closest("select");
		return select ? isVisible(select) : false;
	}
	const style = styleOf(element);
	if (style.display === "contents")
		return [...element.childNodes].some((child) => child instanceof Element ? isVisible(child)
			: child.nodeType === Node.TEXT_NODE && rangeHasBox(child));
	if (style.visibility !== "visible" || !element.checkVisibility())
		return false;
	return hasBox(element);
}

function
rangeHasBox(node)
{
	const range = node.ownerDocument.createRange();
	range.selectNode(node);
	const box = range.getBoundingClientRect();
	return box.width > 0 && box.height > 0;
}

/* Why it cannot be seen, for people. */
function
whyHidden(element)
{
	for (let at = element; at; at = parentOf(at)) {
		const style = styleOf(at);
		const where = at === element ? "" : ` on ${describe(at)}`;
		if (style.display === "none")
			return `display: none${where}`;
		if (style.contentVisibility === "hidden")
			return `content-visibility: hidden${where}`;
	}
	if (styleOf(element).visibility !== "visible")
		return `visibility: ${styleOf(element).visibility}`;
	const box = element.getBoundingClientRect();
	return `its box is ${Math.round(box.width)} × ${Math.round(box.height)}`;
}

/* The element in a few words, as it might stand in the source. */
function
describe(element)
{
	const tag = element.tagName.toLowerCase();
	let text = `<${tag}`;
	for (const name of ["id", "type", "name", "role", "href", "placeholder", "aria-label", "class", "data-testid"]) {
		const value = element.getAttribute(name);
		if (value && text.length < 100)
			text += ` ${name}="${cut(collapse(value), 40)}"`;
	}
	const content = collapse(contentText(element, new Map()));
	return content ? `${text}>${cut(content, 50)}</${tag}>` : `${text}>`;
}

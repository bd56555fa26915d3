/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until an element can be acted upon. One promise does the whole waiting inside the
 * page: it looks again when something changed and at the latest every LOOK_MS.
 */
"use strict";

const LOOK_MS = 50;
const UNDRAWN_MS = 1000;
const HITS = ["pointerdown", "mousedown", "pointerup", "mouseup", "click", "dblclick", "auxclick", "contextmenu",
	"touchstart", "touchend"];

/* Elements that were found, by slot; the default one is "main". */
const slots = new Map();
let marked = [];

/* The next moment to look: a frame, or sooner or later when the page draws none. */
function
nextFrame()
{
	return new Promise((resolve) => {
		let timer = 0;
		const done = () => {
			clearTimeout(timer);
			resolve();
		};
		timer = setTimeout(done, LOOK_MS);
		requestAnimationFrame(done);
	});
}

/* Resolves at the next change of the document or after LOOK_MS. */
function
nextChange()
{
	return new Promise((resolve) => {
		const observer = new MutationObserver(() => done());
		let timer = 0;
		const done = () => {
			observer.disconnect();
			clearTimeout(timer);
			resolve();
		};
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		timer = setTimeout(done, LOOK_MS);
	}).then(nextFrame);
}

/* Calls look() until it gives ok or the time is over; the last answer either way. */
async function
until(timeout, look)
{
	const end = performance.now() + timeout;
	for (;;) {
		let answer;
		try {
			answer = await look();
		} catch (error) {
			if (!(error instanceof Refusal))
				throw error;
			return { ok: false, why: "invalid", message: error.message };
		}
		if (answer.ok || performance.now() >= end)
			return answer;
		await nextChange();
	}
}

/* --- One element --- */

function
notFound(spec, target)
{
	const near = candidates(target);
	marked = [...near.values()];
	const there = near.size ? `; what is there: ${[...near.keys()].join(", ")}` : "";
	const hidden = target.role !== undefined && findAll({ ...target, visible: false }).length;
	return { ok: false, why: "none", message: `no ${spec.words} was found${there}`
		+ (hidden ? `; ${hidden} such ${hidden > 1 ? "are" : "is"} hidden` : "") };
}

function
tooMany(spec, found)
{
	marked = found.slice(0, 10);
	const list = found.slice(0, 10).map((element, i) => `${i}: ${describe(element)}`).join(", ");
	return { ok: false, why: "many", message: `${spec.words} means ${found.length} elements, not one: ${list}`
		+ (found.length > 10 ? ", …" : "") + " (choose with nth, first, last or inside)" };
}

/* Exactly one element, or why not. */
function
one(spec)
{
	testIdAttribute = spec.testIdAttribute ?? "data-testid";
	const target = parseTarget(spec.target);
	const found = findAll(target);
	if (found.length === 0)
		return notFound(spec, target);
	if (found.length > 1)
		return tooMany(spec, found);
	marked = found;
	slots.set(spec.slot ?? "main", found[0]);
	return { ok: true, element: found[0] };
}

/* A label stands for its control where something is typed or ticked. */
function
retarget(element)
{
	return element instanceof HTMLLabelElement && element.control ? element.control : element;
}

function
isEditable(element)
{
	if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)
		return !element.readOnly;
	return element.isContentEditable || element instanceof HTMLSelectElement
		|| ["textbox", "searchbox", "combobox"].includes(roleOf(element));
}

/* --- Where to point --- */

function
viewport()
{
	return { width: document.documentElement.clientWidth || innerWidth,
		height: document.compatMode === "BackCompat" ? innerHeight : document.documentElement.clientHeight || innerHeight };
}

/* The middle of what is seen of the element, or the place that the step names. */
function
pointOf(element, position)
{
	if (position) {
		const box = element.getBoundingClientRect();
		return { x: box.left + position.x, y: box.top + position.y };
	}
	const view = viewport();
	const boxes = [...element.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
	for (const box of boxes.length ? boxes : [element.getBoundingClientRect()]) {
		const left = Math.max(0, box.left), right = Math.min(view.width, box.right);
		const top = Math.max(0, box.top), bottom = Math.min(view.height, box.bottom);
		if (right > left && bottom > top)
			return { x: (left + right) / 2, y: (top + bottom) / 2 };
	}
	const box = element.getBoundingClientRect();
	return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
}

function
isInView(point)
{
	return point.x >= 0 && point.y >= 0 && point.x < innerWidth && point.y < innerHeight;
}

function
elementAt(x, y)
{
	let hit = document.elementFromPoint(x, y);
	while (hit?.shadowRoot) {
		const inner = hit.shadowRoot.elementFromPoint(x, y);
		if (!inner || inner === hit)
			break;
		hit = inner;
	}
	return hit;
}

/* A hit on the element, on what is inside it, or on the label that stands for it. */
function
isHit(element, hit)
{
	if (!hit)
		return false;
	if (isInside(element, hit))
		return true;
	return labelsOf(element).some((label) => isInside(label, hit));
}

/*
 * Asked of the outer documents: null when the iframe is what stands at the point, else what does.
 * Scrolls, so that the next try may find it there.
 */
function
hits(element, x, y)
{
	const seen = isInView({ x, y });
	const hit = seen ? elementAt(x, y) : null;
	if (hit && isInside(element, hit))
		return null;
	if (seen)
		element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
	else
		window.scrollBy({ left: x - innerWidth / 2, top: y - innerHeight / 2, behavior: "instant" });
	return hit ? describe(hit) : "the edge of the page";
}

const BLOCKS = ["center", "end", "start", "nearest"];

/* -> the point, or what is in the way. Scrolls, another way at each try. */
function
aim(spec, element, attempt)
{
	let point = pointOf(element, spec.position);
	let hit = isInView(point) ? elementAt(point.x, point.y) : null;
	if (!hit || !isHit(element, hit)) {
		const block = BLOCKS[attempt % BLOCKS.length];
		element.scrollIntoView({ block, inline: block, behavior: "instant" });
		point = pointOf(element, spec.position);
		hit = isInView(point) ? elementAt(point.x, point.y) : null;
	}
	const what = `${spec.words} ${describe(element)}`;
	if (!isInView(point))
		return { ok: false, why: "outside", message: `${what} cannot be scrolled into view` };
	if (!isHit(element, hit))
		return { ok: false, why: "covered", message: `${what} is covered by ${hit ? describe(hit) : "nothing that"
			+ " takes events"} at ${Math.round(point.x)}, ${Math.round(point.y)}` };
	return { ok: true, ...point };
}

/* A frame that is really drawn; a page that draws none for a while does not move either. */
function
drawnFrame()
{
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, UNDRAWN_MS);
		requestAnimationFrame(() => {
			clearTimeout(timer);
			resolve();
		});
	});
}

function
sameBox(a, b)
{
	return ["x", "y", "width", "height"].every((side) => Math.abs(a[side] - b[side]) < 0.01);
}

/* The same box in two frames after the one that may be under way. */
async function
isStable(element)
{
	await drawnFrame();
	const before = element.getBoundingClientRect();
	await drawnFrame();
	return sameBox(before, element.getBoundingClientRect());
}

/* The states in the order in which they are asked; each gives words when it does not hold. */
function
missing(spec, element)
{
	const what = `${spec.words} ${describe(element)}`;
	const needs = (state) => spec.states.includes(state);
	if (needs("visible") && !isVisible(element))
		return { ok: false, why: "hidden", message: `${what} is not visible (${whyHidden(element)})` };
	if (spec.force)
		return null;
	if (needs("enabled") && isDisabled(element))
		return { ok: false, why: "disabled", message: `${what} is disabled` };
	if (needs("editable") && !isEditable(element))
		return { ok: false, why: "readonly", message: `${what} cannot be edited` };
	return null;
}

async function
readyOnce(spec, attempt)
{
	const found = one(spec);
	if (!found.ok)
		return found;
	const element = spec.states.includes("editable") || spec.retarget ? retarget(found.element) : found.element;
	slots.set(spec.slot ?? "main", element);
	const lacks = missing(spec, element);
	if (lacks)
		return lacks;
	const box = element.getBoundingClientRect();
	const answer = { ok: true, tag: element.tagName.toLowerCase(), checked: isChecked(element),
		box: { x: box.x, y: box.y, width: box.width, height: box.height } };
	if (!spec.states.includes("point"))
		return answer;
	if (!spec.force && !await isStable(element))
		return { ok: false, why: "moving", message: `${spec.words} ${describe(element)} keeps moving` };
	if (spec.force) {
		element.scrollIntoViewIfNeeded?.();
		return { ...answer, ...pointOf(element, spec.position) };
	}
	const aimed = aim(spec, element, attempt);
	if (!aimed.ok)
		return aimed;
	/* The scrolling may have set something in motion. */
	if (element !== one(spec).element && !spec.states.includes("editable") && !spec.retarget)
		return { ok: false, why: "moving", message: `${spec.words} was replaced meanwhile` };
	if (spec.guard)
		guard(element);
	return { ...answer, ...aimed };
}

function
ready(spec)
{
	let attempt = 0;
	return until(spec.timeout, () => readyOnce(spec, attempt++));
}

/* --- What an event really hits --- */

let watch = null;

function
guard(element)
{
	unguard();
	watch = { element, missed: null, seen: false };
	const own = watch;
	own.listener = (event) => {
		if (!event.isTrusted)
			return;
		if (!own.seen) {
			own.seen = true;
			const hit = event.composedPath()[0];
			if (hit instanceof Element && !isHit(own.element, hit))
				own.missed = describe(hit);
		}
		if (own.missed) {
			event.preventDefault();
			event.stopImmediatePropagation();
		}
	};
	for (const type of HITS)
		window.addEventListener(type, own.listener, { capture: true, passive: false });
}

function
unguard()
{
	const own = watch;
	watch = null;
	if (!own)
		return { missed: null };
	for (const type of HITS)
		window.removeEventListener(type, own.listener, { capture: true });
	return { missed: own.missed };
}

/* --- Acting where no event from outside is needed --- */

/* Makes ready for text: "insert" when it may now be inserted, "done" when the value is set. */
function
prepareText(text, append)
{
	const element = slots.get("main");
	const value = (field) => {
		field.focus();
		field.value = append ? field.value + text : text;
		field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
		field.dispatchEvent(new Event("change", { bubbles: true }));
		return { ok: true, how: "done", value: field.value };
	};
	if (element instanceof HTMLSelectElement)
		return { ok: false, why: "kind", message: `${describe(element)} is a list: use select` };
	if (element instanceof HTMLInputElement) {
		const type = element.type;
		if (["checkbox", "radio", "file", "button", "submit", "reset", "image"].includes(type))
			return { ok: false, why: "kind", message: `${describe(element)} takes no text` };
		if (["color", "date", "datetime-local", "month", "range", "time", "week"].includes(type)) {
			const answer = value(element);
			return answer.value === text || append ? answer : { ok: false, why: "kind",
				message: `${describe(element)} does not take “${text}”, it became “${answer.value}”` };
		}
	}
	element.focus();
	if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
		if (append) {
			try {
				element.setSelectionRange(element.value.length, element.value.length);
			} catch {
				return value(element); /* number and email have no selection */
			}
		} else {
			element.select();
		}
		return { ok: true, how: "insert", empty: element.value === "" };
	}
	const range = document.createRange();
	range.selectNodeContents(element);
	if (append)
		range.collapse(false);
	const selection = element.ownerDocument.getSelection();
	selection.removeAllRanges();
	selection.addRange(range);
	return { ok: true, how: "insert", empty: element.textContent === "" };
}

/* The browser says nothing when a choice of files is emptied from outside. */
function
noFiles()
{
	const field = slots.get("main");
	field.value = "";
	field.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
	field.dispatchEvent(new Event("change", { bubbles: true }));
}

function
optionWords(option)
{
	return `“${collapse(option.label)}”`;
}

function
findOption(select, wanted)
{
	return [...select.options].find((option, index) => {
		if (typeof wanted === "string")
			return option.value === wanted || collapse(option.label) === collapse(wanted);
		if (wanted.index !== undefined)
			return index === wanted.index;
		return wanted.value !== undefined ? option.value === wanted.value
			: collapse(option.label) === collapse(wanted.label);
	});
}

function
selectOnce(spec)
{
	const select = slots.get("main");
	if (!(select instanceof HTMLSelectElement))
		return { ok: false, why: "kind", message: `${spec.words} ${describe(select)} is no list of options` };
	const wanted = Array.isArray(spec.option) ? spec.option : [spec.option];
	if (wanted.length !== 1 && !select.multiple)
		return { ok: false, why: "kind", message: `${spec.words} takes one option, not ${wanted.length}` };
	const options = [];
	for (const each of wanted) {
		const option = findOption(select, each);
		if (!option)
			return { ok: false, why: "option", message: `${spec.words} has no option ${JSON.stringify(each)}; it has `
				+ `${[...select.options].slice(0, 20).map(optionWords).join(", ") || "none"}` };
		if (option.disabled)
			return { ok: false, why: "option", message: `option ${optionWords(option)} of ${spec.words} is disabled` };
		options.push(option);
	}
	select.focus();
	for (const option of select.options)
		option.selected = options.includes(option);
	select.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
	select.dispatchEvent(new Event("change", { bubbles: true }));
	return { ok: true, chosen: options.map((option) => collapse(option.label)) };
}

function
chooseOptions(spec)
{
	return until(spec.timeout, async () => {
		const answer = await readyOnce(spec, 0);
		return answer.ok ? selectOnce(spec) : answer;
	});
}

/* --- Marks for the screenshot of a failure --- */

const marks = [];

function
mark()
{
	for (const element of marked.slice(0, 10)) {
		if (!element.isConnected)
			continue;
		const box = element.getBoundingClientRect();
		const frame = document.createElement("div");
		frame.style.cssText = `all: initial; position: fixed; z-index: 2147483647; pointer-events: none;`
			+ ` left: ${box.left - 3}px; top: ${box.top - 3}px; width: ${Math.max(box.width, 4)}px;`
			+ ` height: ${Math.max(box.height, 4)}px; border: 3px solid #e5005b; border-radius: 3px;`
			+ ` box-shadow: 0 0 0 2px #fff;`;
		document.documentElement.append(frame);
		marks.push(frame);
	}
	return marks.length;
}

function
unmark()
{
	for (const frame of marks.splice(0))
		frame.remove();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: from what a step says to the elements that it means, in document order. */
"use strict";

const ENGINES = ["css", "text", "role", "label", "placeholder", "testId", "alt", "title"];
const STATES = ["checked", "pressed", "expanded", "selected", "disabled", "level"];

let testIdAttribute = "data-testid";

/* The long form of a target. */
function
parseTarget(target)
{
	if (typeof target !== "string")
		return target;
	const match = /^([A-Za-z]+)=(.*)$/s.exec(target);
	if (!match || !ENGINES.includes(match[1]))
		return { css: target };
	const role = match[1] === "role" && /^(\S+)\s+(.+)$/s.exec(match[2].trim());
	if (role)
		return { role: role[1], name: role[2] };
	return { [match[1]]: match[2] };
}

function
rootsBelow(root)
{
	const roots = [root];
	for (const element of allBelow(root))
		if (element.shadowRoot)
			roots.push(element.shadowRoot);
	if (root instanceof Element && root.shadowRoot)
		roots.push(root.shadowRoot);
	return roots;
}

function
matchingCss(selector)
{
	const found = new Set();
	for (const root of rootsBelow(document)) {
		try {
			for (const element of root.querySelectorAll(selector))
				found.add(element);
		} catch {
			throw new Refusal(`“${selector}” is no CSS selector; others begin with text=, role=, label=, placeholder=, testId=, alt= or title=`);
		}
	}
	return (element) => found.has(element);
}

/* The smallest: no child has the text as well. */
function
matchingText(wanted, exact)
{
	const matches = textMatcher(wanted, exact);
	const cache = new Map();
	const known = new Map();
	const test = (element) => {
		if (!known.has(element))
			known.set(element, !NOT_TEXT.has(element.tagName) && matches(contentText(element, cache)));
		return known.get(element);
	};
	return (element) => test(element) && ![...element.children, ...(element.shadowRoot?.children ?? [])].some(test);
}

function
matchingRole(target)
{
	const role = target.role.toLowerCase();
	const wanted = role === "image" ? "img" : role === "none" ? "presentation" : role;
	const name = target.name === undefined ? null : textMatcher(target.name, target.exact);
	const states = STATES.filter((state) => target[state] !== undefined);
	return (element) => roleOf(element) === wanted
		&& (target.visible === false || target.includeHidden || !isAriaHidden(element))
		&& states.every((state) => roleState(element, state) === target[state])
		&& (!name || name(nameOf(element)));
}

/* All texts by which a control is labelled. */
function
labelTexts(element)
{
	const texts = labelsOf(element).map((label) => contentText(label, new Map()));
	const by = elementsById(element, element.getAttribute("aria-labelledby"));
	if (by.length)
		texts.push(by.map((label) => contentText(label, new Map())).join(" "));
	if (element.hasAttribute("aria-label"))
		texts.push(element.getAttribute("aria-label"));
	return texts.map(collapse).filter(Boolean);
}

function
matchingAttribute(attribute, wanted, exact)
{
	const matches = textMatcher(wanted, exact);
	return (element) => element.hasAttribute(attribute) && matches(element.getAttribute(attribute));
}

/* One test for each member that is given. */
function
testsOf(target)
{
	const tests = [];
	if (target.css !== undefined)
		tests.push(matchingCss(target.css));
	if (target.testId !== undefined)
		tests.push((element) => element.getAttribute(testIdAttribute) === target.testId);
	if (target.role !== undefined)
		tests.push(matchingRole(target));
	for (const attribute of ["placeholder", "alt", "title"])
		if (target[attribute] !== undefined)
			tests.push(matchingAttribute(attribute, target[attribute], target.exact));
	if (target.label !== undefined) {
		const matches = textMatcher(target.label, target.exact);
		tests.push((element) => labelTexts(element).some(matches));
	}
	if (target.text !== undefined)
		tests.push(matchingText(target.text, target.exact));
	for (const [member, wanted] of [["hasText", true], ["hasNotText", false]]) {
		if (target[member] === undefined)
			continue;
		const matches = textMatcher(target[member], target.exact);
		const cache = new Map();
		tests.push((element) => matches(contentText(element, cache)) === wanted);
	}
	for (const [member, wanted] of [["has", true], ["hasNot", false]]) {
		if (target[member] === undefined)
			continue;
		const inner = findAll(target[member]);
		tests.push((element) => inner.some((one) => one !== element && isInside(element, one)) === wanted);
	}
	if (target.and !== undefined) {
		const others = new Set(findAll(target.and));
		tests.push((element) => others.has(element));
	}
	if (target.inside !== undefined) {
		const scopes = findAll(target.inside);
		tests.push((element) => scopes.some((scope) => scope !== element && isInside(scope, element)));
	}
	if (target.visible !== undefined)
		tests.push((element) => isVisible(element) === target.visible);
	return tests;
}

function
chosen(target, found)
{
	if (target.first)
		return found.slice(0, 1);
	if (target.last)
		return found.slice(-1);
	if (target.nth !== undefined) {
		const at = target.nth < 0 ? found.length + target.nth : target.nth;
		return found[at] ? [found[at]] : [];
	}
	return found;
}

/* Every element that the target means. */
function
findAll(target)
{
	const parsed = parseTarget(target);
	const tests = testsOf(parsed);
	return chosen(parsed, allBelow(document).filter((element) => tests.every((test) => test(element))));
}

/* --- What else there is, when nothing was found --- */

function
likeness(a, b)
{
	const pairs = (text) => {
		const set = new Map();
		for (let i = 0; i + 1 < text.length; i++)
			set.set(text.slice(i, i + 2), (set.get(text.slice(i, i + 2)) ?? 0) + 1);
		return set;
	};
	const x = collapse(a).toLowerCase(), y = collapse(b).toLowerCase();
	if (!x || !y)
		return 0;
	if (x.includes(y) || y.includes(x))
		return 0.6 + 0.4 * Math.min(x.length, y.length) / Math.max(x.length, y.length);
	const one = pairs(x), two = pairs(y);
	let common = 0;
	for (const [pair, n] of one)
		common += Math.min(n, two.get(pair) ?? 0);
	return 2 * common / Math.max(1, x.length + y.length - 2);
}

/* What each engine compares, of every element that has it: [element, text, words]. */
function
comparable(target)
{
	const all = allBelow(document).slice(0, 5000);
	const quote = (text) => `“${cut(collapse(text), 60)}”`;
	if (target.role !== undefined) {
		const role = target.role.toLowerCase();
		return all.filter((element) => roleOf(element) && !isAriaHidden(element)).map((element) => {
			const name = nameOf(element);
			const same = roleOf(element) === role;
			return [element, `${same ? role : roleOf(element)} ${name}`,
				`${roleOf(element)}${name ? ` ${quote(name)}` : " without a name"}`, same ? 0.3 : 0];
		});
	}
	if (target.testId !== undefined)
		return all.filter((element) => element.hasAttribute(testIdAttribute)).map((element) =>
			[element, element.getAttribute(testIdAttribute), quote(element.getAttribute(testIdAttribute)), 0]);
	if (target.label !== undefined)
		return all.flatMap((element) => labelTexts(element).map((text) => [element, text, quote(text), 0]));
	for (const attribute of ["placeholder", "alt", "title"])
		if (target[attribute] !== undefined)
			return all.filter((element) => element.getAttribute(attribute)).map((element) =>
				[element, element.getAttribute(attribute), quote(element.getAttribute(attribute)), 0]);
	const id = /^[\w-]*#([\w-]+)$/.exec(target.css ?? "");
	if (id)
		return all.filter((element) => element.id).map((element) => [element, element.id, `#${element.id}`, 0]);
	const name = /^[\w-]*\.([\w-]+)$/.exec(target.css ?? "");
	if (name)
		return all.flatMap((element) => [...element.classList].map((word) => [element, word, `.${word}`, 0]));
	const text = target.text ?? target.hasText;
	if (text !== undefined)
		return all.filter((element) => isVisible(element) && [...element.childNodes].some((node) =>
			node.nodeType === Node.TEXT_NODE && collapse(node.data))).map((element) =>
			[element, contentText(element, new Map()), quote(contentText(element, new Map())), 0]);
	return [];
}

function
candidates(target)
{
	const wanted = target.role !== undefined ? `${target.role} ${target.name ?? ""}` : target.testId ?? target.label
		?? target.placeholder ?? target.alt ?? target.title ?? target.text ?? target.hasText
		?? (target.css ?? "").replace(/^[\w-]*[#.]/, "");
	const ranked = comparable(target)
		.map(([element, text, words, extra]) => ({ element, words, score: likeness(wanted, text) + extra }))
		.filter((one) => one.score > 0.3).sort((a, b) => b.score - a.score);
	const best = new Map();
	for (const one of ranked)
		if (!best.has(one.words) && best.size < 5)
			best.set(one.words, one.element);
	return best;
}

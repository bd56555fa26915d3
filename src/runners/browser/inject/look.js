/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations and what is read from the page. Comparing is done here for every subject. */
"use strict";

const COMPARISONS = ["is", "contains", "matches", "startsWith", "endsWith", "min", "max", "oneOf"];

const COMPARISON_WORDS = {
	is: "to be", contains: "to contain", matches: "to match", startsWith: "to start with", endsWith: "to end with",
	min: "to be at least", max: "to be at most", oneOf: "to be one of",
};

function
show(value)
{
	return typeof value === "string" ? `“${cut(value, 300)}”` : cut(JSON.stringify(value) ?? "nothing", 300);
}

function
sameValue(wanted, actual, fold)
{
	if (typeof wanted === "string" && typeof actual === "string")
		return fold(wanted) === fold(actual);
	if (typeof wanted === "number" && typeof actual === "string" && actual.trim() !== "")
		return Number(actual.replace(/[\s\u00a0]/g, "")) === wanted;
	if (typeof wanted === "string" && typeof actual === "number")
		return wanted === String(actual);
	if (Array.isArray(wanted) && Array.isArray(actual))
		return wanted.length === actual.length && wanted.every((item, i) => sameValue(item, actual[i], fold));
	if (wanted && actual && typeof wanted === "object" && typeof actual === "object" && !Array.isArray(wanted)
		&& !Array.isArray(actual)) {
		const names = Object.keys(wanted);
		return names.length === Object.keys(actual).length
			&& names.every((name) => name in actual && sameValue(wanted[name], actual[name], fold));
	}
	return wanted === actual;
}

function
numberOf(actual)
{
	if (typeof actual === "number")
		return actual;
	if (Array.isArray(actual))
		return actual.length;
	const text = String(actual).replace(/[\s\u00a0]/g, "");
	return text === "" ? NaN : Number(text);
}

function
holds(name, wanted, actual, fold)
{
	const text = fold(typeof actual === "string" ? actual : JSON.stringify(actual) ?? "");
	switch (name) {
	case "is":
		return sameValue(wanted, actual, fold);
	case "contains":
		return Array.isArray(actual) ? actual.some((item) => sameValue(wanted, item, fold)) : text.includes(fold(wanted));
	case "matches":
		return makeRegExp(wanted, fold === folded ? "iu" : "u").test(typeof actual === "string" ? actual : text);
	case "startsWith":
		return text.startsWith(fold(wanted));
	case "endsWith":
		return text.endsWith(fold(wanted));
	case "min":
		return numberOf(actual) >= wanted;
	case "max":
		return numberOf(actual) <= wanted;
	default:
		return wanted.some((item) => sameValue(item, actual, fold));
	}
}

const folded = (text) => text.toLowerCase();

/*
 * -> { ok, message, expected, actual }. `what` are words for the value. spec.not turns it round.
 * Without a comparison the value must be true.
 */
function
compare(what, spec, actual)
{
	const fold = spec.exact === false ? folded : (text) => text;
	const names = COMPARISONS.filter((name) => spec[name] !== undefined);
	const all = names.length ? names.every((name) => holds(name, spec[name], actual, fold)) : Boolean(actual);
	const words = names.length ? names.map((name) => `${COMPARISON_WORDS[name]} ${show(spec[name])}`).join(" and ")
		: "to be true";
	const ok = all !== Boolean(spec.not);
	return { ok, actual: actual ?? null, expected: names.length === 1 ? spec[names[0]] : words,
		message: ok ? undefined : `expected ${what} ${spec.not ? "not " : ""}${words}; it is ${show(actual)}` };
}

/* --- Subjects --- */

function
matchSpec(match)
{
	return typeof match === "string" ? { is: match } : match;
}

function
fieldValue(element)
{
	if (element instanceof HTMLSelectElement && element.multiple)
		return [...element.selectedOptions].map((option) => option.value);
	return element.value !== undefined && !(element instanceof HTMLLIElement) ? element.value : collapse(element.textContent);
}

const FLAGS = {
	visible: (element) => isVisible(element),
	attached: () => true,
	enabled: (element) => !isDisabled(element),
	disabled: (element) => isDisabled(element),
	editable: (element) => isEditable(element) && !isDisabled(element),
	checked: (element) => isChecked(element),
	unchecked: (element) => !isChecked(element),
	focused: (element) => element.getRootNode().activeElement === element,
	empty: (element) => (element.value ?? collapse(contentText(element, new Map()))) === "",
};

function
flagAnswer(spec, name)
{
	const found = one({ ...spec, target: spec.expect[name] });
	const wanted = !spec.expect.not;
	if (!found.ok) {
		const gone = found.why === "none" && !wanted && (name === "visible" || name === "attached");
		return gone ? { ok: true } : found;
	}
	const is = FLAGS[name](retarget(found.element));
	const why = name === "visible" && !is ? ` (${whyHidden(found.element)})` : "";
	return is === wanted ? { ok: true } : { ok: false, why: "state",
		message: `expected ${spec.words} ${describe(found.element)} ${wanted ? "" : "not "}to be ${name}; it is `
			+ `${wanted ? "not" : "so"}${why}` };
}

/* Holds when nothing that is meant can be seen. */
function
hiddenAnswer(spec)
{
	testIdAttribute = spec.testIdAttribute ?? "data-testid";
	const shown = findAll(spec.expect.hidden).filter(isVisible);
	marked = shown;
	if ((shown.length === 0) !== Boolean(spec.expect.not))
		return { ok: true };
	return { ok: false, why: "state", message: shown.length
		? `expected ${spec.words} to be hidden; ${describe(shown[0])} is visible${shown.length > 1
			? `, and ${shown.length - 1} more` : ""}`
		: `expected ${spec.words} not to be hidden; nothing of it is visible` };
}

function
readers(expect)
{
	return {
		text: shownText,
		value: (element) => fieldValue(retarget(element)),
		attribute: (element) => element.getAttribute(expect.attribute),
		css: (element) => styleOf(element).getPropertyValue(expect.css),
		html: (element) => element.innerHTML,
	};
}

function
valueAnswer(spec, name)
{
	const expect = spec.expect;
	const target = name === "attribute" || name === "css" ? expect.of : expect[name];
	const read = readers(expect)[name];
	const what = { text: `the text of ${spec.words}`, value: `the value of ${spec.words}`,
		attribute: `attribute ${expect.attribute} of ${spec.words}`, css: `${expect.css} of ${spec.words}` }[name];
	testIdAttribute = spec.testIdAttribute ?? "data-testid";
	if (Array.isArray(expect.is) && name !== "value") {
		const found = findAll(target);
		marked = found;
		return compare(what.replace("the text", "the texts"), expect, found.map(read));
	}
	const found = one({ ...spec, target });
	if (!found.ok)
		return found;
	const plain = name === "attribute" && !COMPARISONS.some((comparison) => expect[comparison] !== undefined);
	if (plain)
		return compare(`${what} to be there, and`, expect, found.element.hasAttribute(expect.attribute));
	const wanted = name === "text" && typeof expect.is === "string" ? { ...expect, is: collapse(expect.is) } : expect;
	return compare(what, wanted, read(found.element));
}

function
countAnswer(spec)
{
	testIdAttribute = spec.testIdAttribute ?? "data-testid";
	const target = parseTarget(spec.expect.count);
	const found = findAll(target);
	const answer = compare(`the number of ${spec.words}`, spec.expect, found.length);
	marked = found;
	if (!answer.ok && found.length === 0) {
		const near = candidates(target);
		if (near.size)
			answer.message += `; what is there: ${[...near.keys()].join(", ")}`;
	}
	return answer;
}

function
urlAnswer(match)
{
	const spec = { ...matchSpec(match) };
	if (typeof spec.is === "string" && spec.is.startsWith("/"))
		spec.is = new URL(spec.is, location.href).href;
	return compare("the address", spec, location.href);
}

function
expectOnce(spec)
{
	const expect = spec.expect;
	if (typeof expect === "string")
		return flagAnswer({ ...spec, expect: { visible: { text: expect, visible: true, first: true } } }, "visible");
	for (const name of Object.keys(FLAGS))
		if (expect[name] !== undefined)
			return flagAnswer(spec, name);
	if (expect.hidden !== undefined)
		return hiddenAnswer(spec);
	if (expect.count !== undefined)
		return countAnswer(spec);
	if (expect.url !== undefined)
		return urlAnswer({ ...matchSpec(expect.url), not: expect.not });
	if (expect.title !== undefined)
		return compare("the title", { ...matchSpec(expect.title), not: expect.not }, document.title);
	for (const name of ["attribute", "css", "text", "value"])
		if (expect[name] !== undefined)
			return valueAnswer(spec, name);
	throw new Refusal("this is not expected of a page");
}

function
expectation(spec)
{
	return until(spec.timeout, () => expectOnce(spec));
}

/* --- Reading --- */

function
convert(value, source)
{
	let text = value;
	if (source.matches !== undefined) {
		const match = makeRegExp(source.matches, "u").exec(String(text));
		if (!match)
			return { ok: false, message: `${show(text)} does not match ${source.matches}` };
		text = match[1] ?? match[0];
	}
	switch (source.as) {
	case "number": {
		const number = Number(String(text).replace(/[^\d.,+-eE]/g, "").replace(/,(?=\d{3}\b)/g, "").replace(",", "."));
		return Number.isNaN(number) || String(text).trim() === "" ? { ok: false, message: `${show(text)} is no number` }
			: { ok: true, value: number };
	}
	case "boolean":
		return { ok: true, value: !["", "false", "0", "no", "off"].includes(String(text).trim().toLowerCase()) };
	case "json":
		if (typeof text !== "string")
			return { ok: true, value: text }; /* what `eval` gave is a value already */
		try {
			return { ok: true, value: JSON.parse(text) };
		} catch {
			return { ok: false, message: `${show(text)} is no JSON` };
		}
	default:
		return { ok: true, value: text };
	}
}

function
convertAll(values, source)
{
	const converted = values.map((value) => convert(value, source));
	return converted.find((one) => !one.ok) ?? { ok: true, value: converted.map((one) => one.value) };
}

function
extractOnce(spec)
{
	const source = spec.source;
	testIdAttribute = spec.testIdAttribute ?? "data-testid";
	if (source.url)
		return convert(location.href, source);
	if (source.title)
		return convert(document.title, source);
	if (source.count !== undefined)
		return { ok: true, value: findAll(source.count).length };
	const name = ["text", "value", "html", "attribute", "css"].find((each) => source[each] !== undefined);
	const target = source.of ?? source[name];
	const read = readers(source)[name];
	if (source.all)
		return convertAll(findAll(target).map(read), source);
	const found = one({ ...spec, target });
	if (!found.ok)
		return found;
	const value = read(found.element);
	return value === null ? { ok: false, why: "attribute",
		message: `${spec.words} has no attribute ${source.attribute}` } : convert(value, source);
}

function
extraction(spec)
{
	return until(spec.timeout, () => extractOnce(spec));
}

/* Waits for a state: attached, visible, hidden, detached. */
function
waiting(spec)
{
	return until(spec.timeout, () => {
		testIdAttribute = spec.testIdAttribute ?? "data-testid";
		const target = parseTarget(spec.target);
		const found = findAll(target);
		marked = found;
		const shown = found.filter(isVisible);
		const ok = { attached: found.length > 0, detached: found.length === 0, visible: shown.length > 0,
			hidden: shown.length === 0 }[spec.state];
		if (ok)
			return { ok };
		if (!found.length)
			return notFound(spec, target);
		return { ok, why: "state", message: spec.state === "visible"
			? `${spec.words} ${describe(found[0])} is not visible (${whyHidden(found[0])})`
			: `${spec.words} is still ${spec.state === "hidden" ? "visible" : "there"}: ${describe(found[0])}` };
	});
}

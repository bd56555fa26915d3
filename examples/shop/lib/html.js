/* SPDX-License-Identifier: Apache-2.0 */
/* HTML that cannot be forgotten to escape: html`…` escapes every value that is not itself html`…`. */
"use strict";

class Safe {
	constructor(text) {
		this.text = text;
	}

	toString() {
		return this.text;
	}
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function
escape(value)
{
	if (value instanceof Safe)
		return value.text;
	if (Array.isArray(value))
		return value.map(escape).join("");
	if (value === undefined || value === null || value === false)
		return "";
	return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

function
html(parts, ...values)
{
	return new Safe(parts.reduce((text, part, n) => text + escape(values[n - 1]) + part));
}

module.exports = { html };

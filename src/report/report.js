/* SPDX-License-Identifier: Apache-2.0 */
/* The report without this script is complete; the script filters, enlarges and prints. */
(() => {
	"use strict";
	const search = document.getElementById("search");
	const buttons = [...document.querySelectorAll(".choices button")];
	const shown = document.getElementById("shown");
	const none = document.getElementById("none");
	const leaves = [...document.querySelectorAll("[data-state]")];
	const groups = [...document.querySelectorAll(".group, section.fixture")].reverse();
	let state = "all";

	const matches = (leaf, words) => {
		const isState = state === "all" || leaf.dataset.state === state ||
			(state === "failed" && ["errored", "timed_out"].includes(leaf.dataset.state)) ||
			(state === "skipped" && ["cancelled", "waiting", "leased"].includes(leaf.dataset.state));
		if (!isState)
			return false;
		const head = leaf.closest(".test").querySelector("h3");
		/* Names and errors; ids and times would match nearly every number. */
		const parts = [head, ...leaf.querySelectorAll(".name, .note, .message")];
		const text = parts.map((part) => part ? part.textContent : "").join(" ").toLowerCase();
		return words.every((word) => text.includes(word));
	};

	const apply = () => {
		const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
		let n = 0;
		for (const leaf of leaves) {
			leaf.hidden = !matches(leaf, words);
			n += leaf.hidden ? 0 : 1;
		}
		/* A group is shown while it has something to show; inner ones come first. What has no state at all, as hooks, is there while all is. */
		const isAll = state === "all" && words.length === 0;
		for (const group of groups)
			group.hidden = !group.querySelector("[data-state]:not([hidden])") &&
				!(isAll && !group.querySelector("[data-state]"));
		shown.textContent = n === leaves.length ? `${n} shown` : `${n} of ${leaves.length} shown`;
		none.hidden = n > 0;
	};

	for (const button of buttons) {
		button.addEventListener("click", () => {
			state = button.value;
			for (const one of buttons)
				one.setAttribute("aria-pressed", String(one === button));
			apply();
		});
	}
	if (search) {
		search.addEventListener("input", apply);
		document.querySelector(".filter").hidden = false;
		addEventListener("keydown", (event) => {
			if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
				event.preventDefault();
				search.focus();
			}
		});
		apply();
	}

	/* A link into closed details opens them. */
	const reveal = () => {
		const target = location.hash && document.getElementById(location.hash.slice(1));
		for (let at = target; at; at = at.parentElement) {
			if (at.tagName === "DETAILS")
				at.open = true;
			at.hidden = false;
		}
		if (target)
			target.scrollIntoView();
	};
	addEventListener("hashchange", reveal);
	reveal();

	const dialog = document.querySelector("dialog");
	for (const button of document.querySelectorAll(".shots button")) {
		button.addEventListener("click", () => {
			const image = button.querySelector("img");
			dialog.querySelector("img").src = image.src;
			dialog.querySelector("img").alt = image.alt;
			dialog.querySelector("span").textContent = image.alt;
			dialog.showModal();
		});
	}
	if (dialog)
		dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

	let closed = [];
	addEventListener("beforeprint", () => {
		closed = [...document.querySelectorAll("details:not([open])")].filter((one) => !one.classList.contains("more"));
		closed.forEach((one) => { one.open = true; });
	});
	addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));
})();

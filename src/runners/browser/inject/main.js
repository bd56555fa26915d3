/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner may call; the last of the files. */
"use strict";

globalThis.proctor = {
	ready, unguard, prepareText, chooseOptions, expectation, extraction, waiting, mark, unmark,
	/* The element that was found last, or where it is now. */
	element: (slot) => slots.get(slot ?? "main"),
	point: (slot, position) => pointOf(slots.get(slot ?? "main"), position),
	focus: () => slots.get("main").focus(),
	scroll: () => slots.get("main").scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" }),
	isChecked: () => isChecked(slots.get("main")),
	hits, noFiles,
	boxes: (spec) => {
		testIdAttribute = spec.testIdAttribute ?? "data-testid";
		return findAll(spec.target).filter(isVisible).map((element) => {
			const box = element.getBoundingClientRect();
			return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
		});
	},
	compare: (what, spec, actual) => {
		try {
			return compare(what, spec, actual);
		} catch (error) {
			return { ok: false, why: "invalid", message: error.message };
		}
	},
	convert,
	store: (session) => (session ? sessionStorage : localStorage),
};

// SPDX-License-Identifier: Apache-2.0
// The table of cron expressions against two other programs. That we say what it says is a unit test (core-cron-table).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { CASES } from "./cases.mjs";
import { PEERS } from "./peers.mjs";
import { REASONS, reasonFor } from "./reasons.mjs";

const ROWS_MIN = 200;

const rows = readFileSync(new URL("table.tsv", import.meta.url), "utf8").split("\n")
	.filter((line) => line && !line.startsWith("#"))
	.map((line) => {
		const [expression, zone, after, ours, ...cells] = line.split("\t");

		return { expression, zone, after, ours, cells };
	});

test("the table has every case, and enough of them", () => {
	assert.deepEqual(rows.map(({ expression, zone, after }) => [expression, zone, after]), CASES);
	assert.ok(rows.length >= ROWS_MIN);
});

Object.entries(PEERS).forEach(([name, peer], column) => {
	test(`${name} says the same, or has its reason`, () => {
		for (const { expression, zone, after, ours, cells } of rows) {
			const theirs = peer(expression, zone, after);
			const reason = theirs === ours ? "=" : reasonFor(name, expression, zone, after, ours, theirs);

			assert.equal(reason, cells[column], `${expression} in ${zone} after ${after}: ours ${ours}, theirs ${theirs}`);
			assert.ok(reason === "=" || REASONS[reason]);
		}
	});
	test(`${name} agrees in ${ROWS_MIN} rows and more`, () => {
		assert.ok(rows.filter(({ cells }) => cells[column] === "=").length >= ROWS_MIN);
	});
});

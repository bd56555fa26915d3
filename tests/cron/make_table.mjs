// SPDX-License-Identifier: Apache-2.0
// Writes table.tsv: node tests/cron/make_table.mjs BUILD/tests/unit/core/cron_print
//
// A row has our times, and for each peer "=" or the reason why it says something else (reasons.mjs). What has no
// reason is printed, and nothing is written.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { CASES } from "./cases.mjs";
import { PEERS } from "./peers.mjs";
import { reasonFor } from "./reasons.mjs";

const here = new URL(".", import.meta.url);
const input = CASES.map((row) => row.join("\t")).join("\n") + "\n";
const ours = execFileSync(process.argv[2], { input, encoding: "utf8" }).trimEnd().split("\n");
const lines = ["# expression, zone, after, our next times; then for each peer \"=\" or the key of the reason why it differs"];
const counts = {};
let failed = false;

CASES.forEach(([expression, zone, after], i) => {
	const cells = Object.entries(PEERS).map(([name, peer]) => {
		const theirs = peer(expression, zone, after);
		const reason = theirs === ours[i] ? "=" : reasonFor(name, expression, zone, after, ours[i], theirs);

		counts[`${name} ${reason}`] = (counts[`${name} ${reason}`] ?? 0) + 1;
		if (!reason) {
			failed = true;
			console.error(`${expression} | ${zone} | ${after}\n  ours   ${ours[i]}\n  ${name} ${theirs}`);
		}
		return reason;
	});
	lines.push([expression, zone, after, ours[i], ...cells].join("\t"));
});
console.log(counts);
if (failed)
	process.exit(1);
writeFileSync(new URL("table.tsv", here), lines.join("\n") + "\n");

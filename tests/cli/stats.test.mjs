// SPDX-License-Identifier: Apache-2.0
// `proctor stats …`: tables, filters and JSON over jobs that ended.
import assert from "node:assert/strict";
import test from "node:test";
import { folder, serve, write } from "./lib/cli.mjs";

const command = (name, script) => ({ name, kind: "command", argv: ["sh", "-c", script] });

// Two jobs pass and one fails, each of the two tests.
async function
played(t)
{
	const server = await serve(t);
	const dir = folder(t);

	for (const [i, script] of ["true", "exit 1", "true"].entries()) {
		const job = { name: "shop", tags: ["smoke"], keys: { team: "payments" },
			tests: [command("pays by card", script), command("\u001b[31mlogs in", "true")] };

		await server.call("job", "submit", write(dir, `${i}.json`, job), "--wait");
	}
	return server;
}

test("what ended is in every table", async (t) => {
	const server = await played(t);
	const text = async (...args) => {
		const { status, stdout, stderr } = await server.call("stats", ...args);

		assert.equal(status, 0, `${args}: ${stderr}`);
		return stdout;
	};

	const { total } = JSON.parse(await text("jobs", "--json"));

	assert.equal(total.n, 3);
	assert.deepEqual(total.byStatus, { completed: 2, failed: 1 });
	assert.match(await text("summary"), /66\.7/);
	assert.match(await text("tests"), /^pays by card +3 +1 +66\.7%/m);
	assert.doesNotMatch(await text("tests"), /\u001b/);
	assert.match(await text("tests", "--by", "team"), /^payments +6 +1 /m);
	assert.match(await text("teams"), /^payments +6 +1 /m);
	assert.match(await text("jobs", "--by", "tag"), /^smoke +3 +1 /m);
	assert.match(await text("jobs", "--by", "tag", "--last", "1h"), /^\d{4}-\d\d-\d\d … \d{4}-\d\d-\d\d UTC, by day$/m);
	assert.match(await text("queues", "--last", "1h"), /T\d\d:00 … .*T\d\d:00 UTC, by hour$/m);
	assert.match(await text("queues"), /^default +3 +1 /m);
	assert.match(await text("flaky", "--min-runs", "3"), /^pays by card +3 +2 /m);
	assert.match(await text("cost"), /^pays by card +3 +3 /m);
	assert.match(await text("slow"), /^pays by card +3 /m);
	assert.match(await text("workers"), / 6 +1 /);
	assert.match(await text("errors"), /1/);
	assert.equal((await text("history", "pays by card")).match(/passed|failed/g).length, 3);
	assert.equal(JSON.parse(await text("trends", "--last", "3d", "--json")).items.at(-1).n, 3);
});

test("filters leave nothing or everything, and wrong ones are refused", async (t) => {
	const server = await played(t);
	const n = async (...args) =>
		JSON.parse((await server.call("stats", "jobs", "--json", ...args)).stdout).total.n;

	assert.equal(await n("--tag", "smoke", "--team", "payments", "--kind", "command"), 3);
	assert.equal(await n("--tag", "nightly"), 0);
	assert.equal(await n("--team", "search"), 0);
	for (const wrong of [["jobs", "--by", "colour"], ["jobs", "--last", "soon"], ["jobs", "--sort", "luck"],
		["history"]])
		assert.notEqual((await server.call("stats", ...wrong)).status, 0, wrong.join(" "));
});

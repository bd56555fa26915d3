// SPDX-License-Identifier: Apache-2.0
// The schemas for editors: whole, and true of what the program takes and refuses.
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { Document } from "../api/lib/schema.mjs";
import { folder, proctor, write } from "./lib/cli.mjs";

// The offences of a job by the schema that is printed.
async function
offences()
{
	const { stdout, status } = await proctor(["schema", "job"]);
	assert.equal(status, 0);
	const { $schema, $defs, title, ...job } = JSON.parse(stdout.replaceAll("#/$defs/", "#/components/schemas/"));
	assert.match($schema, /2020-12/);
	assert.equal(title, "job");
	const document = new Document({ components: { schemas: $defs } });
	for (const ref of stdout.matchAll(/"#\/\$defs\/([^"]+)"/g))
		assert.ok($defs[ref[1]], ref[1]);
	return (value) => document.check(value, job);
}

const page = { name: "a", steps: [{ open: "/" }, { click: "text=Buy" }] };
const good = {
	name: "shop", params: { url: { type: "string", default: "http://127.0.0.1" } },
	services: [{ command: ["node", "server.js"], ready: "GET http://127.0.0.1:8080/" }],
	browsers: ["chromium", { browser: "chromium", name: "phone", config: { mobile: true } }],
	hooks: { before: [{ open: "/" }], beforeEach: [] },
	library: { "log in": [{ open: "/login" }], buy: { params: ["what"], steps: [{ use: "log in" }] } },
	fixtures: [{ name: "F", library: { leave: [{ open: "/logout" }] }, disableConcurrency: "isolated", after: { kind: "http", request: "GET http://x/" },
		tests: [page, { ...page, kind: "browser" }, { kind: "command", argv: ["true"] }] }],
	tests: [{ kind: "playwright", path: "./tests", shard: "file" }, { kind: "http", request: "GET ${{ params.url }}" },
		{ test: "saved" }],
	retries: { max: 1, on: ["errored"], delay: "1s" }, timeout: "10m", stopOnFirstFailure: "cancel",
};

test("schema job: a file of everything fits", async () => {
	assert.deepEqual((await offences())(good), []);
});

test("schema job: what the program refuses does not fit", async (t) => {
	const check = await offences(), dir = folder(t);
	const command = { kind: "command", argv: ["true"] };
	for (const job of [
		{ test: [command] },
		{ tests: [{ kind: "command" }] },
		{ tests: [{ ...page, kind: "browser", steps: [{ clik: "#a" }] }] },
		{ fixtures: [{ name: "F", tests: [{ name: "a", steps: [{ open: 7 }] }] }] },
		{ fixtures: [{ name: "F", tests: [page], beforeEach: [{ wait: { sleep: 1 } }] }] },
		{ tests: [command], hooks: { before: [{ clik: "#a" }] } },
		{ tests: [command], library: { a: [{ clik: "#a" }] } },
		{ fixtures: [{ name: "F", tests: [page], library: { a: { params: ["b"] } } }] },
		{ tests: [command], retries: { on: ["passed"] } },
		{ tests: [command], timeout: "soon" },
	]) {
		assert.notDeepEqual(check(job), [], JSON.stringify(job));
		const file = write(dir, "j.json", JSON.stringify(job));
		const { status, stderr } = await proctor(["run", "--data", path.join(dir, "data"), file]);
		assert.equal(status, 2, `${JSON.stringify(job)}: ${stderr}`);
	}
});

test("schema: others are named when there is none", async () => {
	const { status, stderr } = await proctor(["schema", "report"]);
	assert.equal(status, 2);
	assert.match(stderr, /job, flow and browser-test/);
	assert.equal(JSON.parse((await proctor(["schema", "browser-test"])).stdout).title, "A browser test of Proctor");
});

// SPDX-License-Identifier: Apache-2.0
// `proctor retention …` and pins.
import assert from "node:assert/strict";
import test from "node:test";
import { folder, serve, write } from "./lib/cli.mjs";

test("a preview says how many it does not show; a pinned job says so", async (t) => {
	const server = await serve(t, ["--workers", "0"]);
	const dir = folder(t);
	const job = write(dir, "j.json", { name: "x", tests: [{ kind: "command", argv: ["true"] }] });
	let id;

	for (let i = 0; i < 22; i++)
		id = (await server.call("job", "submit", job)).stdout.trim();
	assert.doesNotMatch((await server.call("job", "show", id)).stdout, /pinned/);
	await server.call("job", "pin", id);
	assert.match((await server.call("job", "show", id)).stdout, /^pinned +yes$/m);
	await server.call("job", "cancel", "--status", "queued", "--yes");
	const policy = write(dir, "p.json", { name: "all", keep: { count: 0 } });
	const { stdout, stderr } = await server.call("retention", "preview", policy);

	assert.match(stdout, /^21 jobs would go/, stderr);
	assert.match(stdout, /^and 1 more$/m);
});

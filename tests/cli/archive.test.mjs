// SPDX-License-Identifier: Apache-2.0
// `proctor archive …`: out, a look, and in again.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { folder, proctor, serve, write } from "./lib/cli.mjs";

test("export, show, import", async (t) => {
	const server = await serve(t);
	const dir = folder(t);
	const file = path.join(dir, "old.tar.gz");
	const job = write(dir, "j.json", { name: "old", tests: [{ name: "one", kind: "command", argv: ["true"] }] });
	const submitted = await server.call("job", "submit", job);
	const id = submitted.stdout.trim();

	assert.equal((await server.call("job", "wait", id)).status, 0);
	const exported = await server.call("archive", "export", "--name", "old", file);

	assert.equal(exported.status, 0, exported.stderr);
	assert.match(exported.stdout, /1 jobs, 1 runs, \d+ events/);
	assert.ok(!fs.existsSync(`${file}.part`));

	const shown = await proctor(["archive", "show", file]);
	assert.equal(shown.status, 0, shown.stderr);
	assert.match(shown.stdout, new RegExp(`^${id} {2}completed +\\S+ {2}old$`, "m"));
	const listed = JSON.parse((await proctor(["archive", "show", file, "--json"])).stdout);
	assert.deepEqual([listed.version, listed.counts.jobs, listed.jobs[0].id], [1, 1, id]);

	assert.match((await server.call("archive", "import", file)).stdout, /0 jobs.*1 jobs were here already/);
	assert.equal((await server.call("job", "delete", id)).status, 0);
	const dry = await server.call("archive", "import", "--dry-run", "--json", file);
	assert.equal(JSON.parse(dry.stdout).jobs, 1, dry.stderr);
	const imported = await server.call("archive", "import", file);
	assert.equal(imported.status, 0, imported.stderr);
	assert.match(imported.stdout, /1 jobs, 1 runs/);
	assert.equal((await server.call("job", "show", id)).status, 0);
	assert.equal((await server.call("job", "start", id)).status, 2);
});

test("what is no archive", async (t) => {
	const dir = folder(t);
	const file = write(dir, "x.tar.gz", "hello");
	const { status, stderr } = await proctor(["archive", "show", file]);

	assert.equal(status, 4);
	assert.match(stderr, /proctor archive show: this is no archive/);
	assert.equal((await proctor(["archive", "show", path.join(dir, "none")])).status, 2);
	fs.writeFileSync(path.join(dir, "kept"), "kept");
	const failed = await proctor(["archive", "export", "--url", "http://127.0.0.1:1", "--token", "t",
		path.join(dir, "kept")]);
	assert.equal(failed.status, 3);
	assert.equal(fs.readFileSync(path.join(dir, "kept"), "utf8"), "kept");
});

// SPDX-License-Identifier: Apache-2.0
// Kept tests by --tags, --test, --last and --exclude: of `job submit`, `run` and `test list`.
import assert from "node:assert/strict";
import test from "node:test";
import { folder, serve, write } from "./lib/cli.mjs";

async function
serveTests(t)
{
	const server = await serve(t);

	for (const [name, tags, program] of [["good", ["smoke"], "true"], ["bad", ["smoke"], "false"], ["other", [], "true"]])
		assert.equal((await server.call("test", "put", write(folder(t), "t.json",
			{ name, tags, kind: "command", argv: [program] }))).status, 0);
	return server;
}

/* Submits and waits; the exit status, and the names of the tests. */
async function
submit(server, ...args)
{
	const { status, stdout, stderr } = await server.call("job", "submit", "--wait", "--json", ...args);

	assert.ok(status <= 1, stderr);
	return { status, names: JSON.parse(stdout).tests.map(({ name }) => name) };
}

test("a job of kept tests, without a file and with one", async (t) => {
	const server = await serveTests(t);

	assert.deepEqual(await submit(server, "--last", "new"), { status: 1, names: ["bad", "good", "other"] });
	assert.deepEqual(await submit(server, "--tags", "smoke", "--last", "failed"), { status: 1, names: ["bad"] });
	assert.deepEqual(await submit(server, "--test", "go*", "--test", "oth*"), { status: 0, names: ["good", "other"] });
	assert.deepEqual(await submit(server, "--last", "passed", "--exclude", "smoke"), { status: 0, names: ["other"] });
	const file = write(folder(t), "j.json", { name: "mine", tests: [{ kind: "command", argv: ["false"] }] });

	assert.deepEqual(await submit(server, file, "--test", "good"), { status: 0, names: ["good"] });
});

test("nothing is meant: the reason", async (t) => {
	const server = await serveTests(t);
	const { status, stderr } = await server.call("job", "submit", "--tags", "smoke", "--last", "flaky");

	assert.equal(status, 2);
	assert.match(stderr, /of 3 saved tests 2 have the tags smoke, of those none has the last result flaky/);
	assert.match((await server.call("job", "submit")).stderr, /a path is expected, or kept tests/);
});

test("test list takes the same words", async (t) => {
	const server = await serveTests(t);
	const names = async (...args) => JSON.parse((await server.call("test", "list", "--json", ...args)).stdout)
		.items.map(({ name }) => name);

	assert.deepEqual(await names("--tags", "not smoke"), ["other"]);
	assert.deepEqual(await names("--name", "*d", "--last", "new"), ["bad", "good"]);
	assert.deepEqual(await names("--last", "failed"), []);
	assert.deepEqual(await names("--last", "new", "--exclude", "smoke"), ["other"]);
	assert.equal((await server.call("test", "list", "--last", "odd")).status, 2);
});

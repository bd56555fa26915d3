// SPDX-License-Identifier: Apache-2.0
// `proctor flow …`: files as stages, and what is shown of flows.
import assert from "node:assert/strict";
import http from "node:http";
import test from "node:test";
import { folder, proctor, serve, write } from "./lib/cli.mjs";

const says = (output) => ({ kind: "command", name: "says", parse: "json",
	argv: ["printf", "%s", JSON.stringify({ outcome: "passed", output })] });
const wants = (name, expected) => ({ kind: "command", name: "wants",
	argv: ["sh", "-c", 'test "$1" = "$2"', "sh", `\${{ params.${name} }}`, expected] });

// What answers every look with the path that it was asked for.
async function
answering(t)
{
	const server = http.createServer((request, response) => {
		response.setHeader("content-type", "application/json");
		response.end(JSON.stringify({ path: request.url }));
	});

	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	return `http://127.0.0.1:${server.address().port}`;
}

test("a chain of files passes results on", async (t) => {
	const server = await serve(t);
	const dir = folder(t);
	const one = write(dir, "one.json", { tests: [says({ token: "abc" })] });
	const two = write(dir, "two.json", { params: { tok: { type: "string" } }, tests: [wants("tok", "abc")] });
	const { stdout, stderr, status } = await server.call("flow", "chain", one, two, "--pass", "tok=token");

	assert.equal(status, 0, stderr);
	const watched = await server.call("flow", "watch", stdout.trim());

	assert.equal(watched.status, 0, watched.stdout + watched.stderr);
	const never = await server.call("flow", "chain", one, two);

	assert.equal(never.status, 2);
	assert.match(never.stderr, /\/chain\/1\/params\/tok: the parameter "tok" is required/);
});

test("offences in a chain have the lines of its file", async (t) => {
	const file = write(folder(t), "chain.yaml", `name: chain
chain:
  - tests: [ { kind: command, argv: [ 'true' ] } ]
  - params: { tok: { type: string, default: a } }
    tests:
      - kind: command
        argv: [ echo, '\${{ params.tik }}' ]
`);
	const { stderr, status } = await proctor(["flow", "run", file, "--data", folder(t)]);

	assert.equal(status, 2);
	assert.match(stderr, /chain\.yaml:7: \/chain\/1\/tests\/0\/argv\/1: .*params has no "tik"; did you mean "tok"/);
});

test("files in one line: what is required is a result of the preparation", async (t) => {
	const dir = folder(t);
	const prepare = write(dir, "prepare.json", { tests: [says({ id: "7", to: "u" })] });
	const then = write(dir, "then.json", { params: { id: { type: "string", required: true }, to: { type: "string" } },
		tests: [wants("id", "7"), wants("to", "given")].map((one, i) => ({ ...one, name: `wants ${i}` })) });
	const { stdout, stderr, status } = await proctor(["flow", "run", "--data", folder(t), "--prepare", prepare,
		"--until", 'GET $URL/tasks/$id .path == "/tasks/7"', "--then", then,
		"--param", `url=${await answering(t)}`, "--param", "to=given"]);

	assert.equal(status, 0, stdout + stderr);
});

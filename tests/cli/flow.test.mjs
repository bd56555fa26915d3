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
	assert.match(never.stderr, /^ {2}\S+two\.json: \/params\/tok: the parameter "tok" is required/m);
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
	const wrong = await proctor(["flow", "run", "--data", folder(t), "--until", "GET http://127.0.0.1:1/ .x ==", "--then", then]);

	assert.equal(wrong.status, 2);
	assert.match(wrong.stderr, /^ {2}--until: \/http\/until: /m);
	assert.match(wrong.stderr, /^ {2}\S+then\.json: \/params\/id: the parameter "id" is required/m);
});

test("what is shown of numbered stages: what they run, and where to read on", async (t) => {
	const server = await serve(t);
	const dir = folder(t);
	const good = write(dir, "good.json", { name: "good", tests: [says({})] });
	const bad = write(dir, "bad.json", { name: "bad", tests: [{ kind: "command", argv: ["false"] }] });
	const start = (...words) => server.call("flow", ...words).then(({ stdout }) => stdout.trim());
	const id = await start("parallel", good, bad);
	const { stdout, status } = await server.call("flow", "watch", "-q", id);

	assert.equal(status, 1);
	assert.doesNotMatch(stdout, /starting/);
	assert.match(stdout, /^ {2}1 +succeeded {2}good$/m);
	assert.match(stdout, /^ {2}2 +failed {2}bad: /m);
	const [, child] = /why: proctor job show (\S+)$/m.exec(stdout);
	const { stdout: why } = await server.call("job", "explain", id);

	assert.match(why, new RegExp(`Stage "2" failed: .*; see job ${child} for why\\.`));
	const ladder = await start("retry", bad, "--attempts", "2", "--delay", "10ms");
	const { stdout: shown } = await server.call("flow", "watch", "-q", ladder);

	assert.match(shown, /^\S+ {2}bad {2}failed/);
	assert.match(shown, /failed {2}attempt 2/);
});

test("items of a matrix have their places, the first one too", async (t) => {
	const file = write(folder(t), "m.json", { name: "m", stages: [{ name: "m", matrix: { a: [1, 2] },
		run: { tests: [{ kind: "command", argv: ["true"] }] } }] });
	const { stdout, status } = await proctor(["flow", "run", file, "--data", folder(t)]);

	assert.equal(status, 0, stdout);
	for (const place of [0, 1])
		assert.match(stdout, new RegExp(`m +\\[${place}\\] succeeded`));
});

test("which of several signals and approvals", async (t) => {
	const server = await serve(t);
	const file = write(folder(t), "w.json", { name: "w", stages: [{ name: "w", wait: { all: [
		{ name: "one", signal: {} }, { name: "two", signal: {} },
		{ name: "boss", approval: {} }, { name: "ops", approval: {} }] } },
	{ name: "by", when: 'stages.w.values.boss.by == "ann" and stages.w.values.ops.by != null', wait: { timer: { for: 1 } } }] });
	const id = (await server.call("flow", "start", file)).stdout.trim();
	const vague = await server.call("flow", "signal", id, "w");

	assert.equal(vague.status, 2);
	assert.match(vague.stderr, /0 \(one\), 1 \(two\)/);
	assert.match((await server.call("flow", "signal", id, "w", "--condition", "three")).stderr, /"three"/);
	assert.equal((await server.call("flow", "signal", id, "w", "--condition", "two", "--payload", "7")).status, 0);
	assert.match((await server.call("flow", "show", id)).stdout, /signal two {2}satisfied {2}seen 1 time$/m);
	assert.equal((await server.call("flow", "signal", id, "w", "--condition", "0")).status, 0);
	await server.call("flow", "approve", id, "w", "--condition", "boss", "--by", "ann");
	/* In a container nobody says who it is. */
	const last = await proctor(["flow", "approve", id, "w", "--condition", "ops", "--data", server.data], { env: { USER: "" } });

	assert.equal(last.status, 0, last.stderr);
	const { stdout, status } = await server.call("flow", "watch", id);

	assert.equal(status, 0, stdout);
	assert.match(stdout, /^ {2}by +succeeded/m);
});

test("where to begin again is said once", async (t) => {
	const { status, stderr } = await proctor(["flow", "restart", "x", "--from", "begin", "--stage", "c", "--data", folder(t)]);

	assert.equal(status, 2);
	assert.match(stderr, /do not go together/);
});

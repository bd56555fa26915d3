// SPDX-License-Identifier: Apache-2.0
// The completion scripts, by asking a shell what it would offer.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { proctor } from "./lib/cli.mjs";

// What bash offers for the last of the words.
async function
offered(...words)
{
	const { stdout } = await proctor(["completion", "bash"]);
	const script = `${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length - 1}
_proctor
printf '%s\\n' "\${COMPREPLY[@]}"`;
	const result = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
	assert.equal(result.status, 0, result.stderr);
	return result.stdout.split("\n").filter(Boolean);
}

test("bash completes nouns, verbs, options and choices", async () => {
	assert.deepEqual(await offered("proctor", "do"), ["doctor"]);
	assert.ok((await offered("proctor", "")).includes("run"));
	assert.ok(!(await offered("proctor", "")).includes("runner-shepherd"));
	assert.deepEqual(await offered("proctor", "job", "unp"), ["unpause", "unpin"]);
	assert.deepEqual(await offered("proctor", "job", "report", "--form"), ["--format"]);
	assert.deepEqual(await offered("proctor", "job", "report", "x", "--format", "j"), ["junit", "json"]);
	assert.deepEqual(await offered("proctor", "serve", "--durability", ""), ["fsync", "os"]);
	assert.deepEqual(await offered("proctor", "worker", "--cap"), ["--capacity"]);
	assert.deepEqual(await offered("proctor", "worker", "li"), ["list"]);
	assert.ok(!(await offered("proctor", "job", "list", "--")).includes("--token"));
});

test("zsh's script is well-formed", async (t) => {
	const { stdout, status } = await proctor(["completion", "zsh"]);
	assert.equal(status, 0);
	assert.match(stdout, /^#compdef proctor/);
	assert.match(stdout, /'job report'\)/);
	if (spawnSync("zsh", ["--version"]).status !== 0)
		return t.skip("no zsh here to read it");
	assert.equal(spawnSync("zsh", ["-n"], { input: stdout }).status, 0);
});

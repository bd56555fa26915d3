// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { folder, proctor } from "./lib/cli.mjs";

test("doctor --json has every check with a level, and a way out where something is wrong", async (t) => {
	const { stdout, status } = await proctor(["doctor", "--json", "--data", path.join(folder(t), "data")]);
	const answer = JSON.parse(stdout);
	const names = answer.checks.map((check) => check.name);
	for (const name of ["chromium", "node", "playwright", "ffmpeg", "pidfd", "namespaces", "cgroup", "data", "space", "sync", "port"])
		assert.ok(names.includes(name), name);
	for (const check of answer.checks) {
		assert.match(check.level, /^(ok|warn|fail)$/);
		assert.ok(check.text.length > 5);
		if (check.level === "fail")
			assert.ok(check.mend, check.name);
	}
	assert.equal(answer.ok, !answer.checks.some((check) => check.level === "fail"));
	assert.equal(status, answer.ok ? 0 : 4);
});

test("doctor finds what is missing: no Node, no Chromium, a data directory that others can read", async (t) => {
	const dir = folder(t);
	fs.chmodSync(dir, 0o755);
	const { stdout, status } = await proctor(["doctor", "--json", "--data", dir], { env: { PATH: dir } });
	const level = Object.fromEntries(JSON.parse(stdout).checks.map((check) => [check.name, check.level]));
	assert.equal(status, 4);
	assert.equal(level.node, "fail");
	assert.equal(level.chromium, "fail");
	assert.equal(level.ffmpeg, "warn");
	assert.equal(level.data, "warn");
});

test("doctor for people: one line a check", async (t) => {
	const { stdout } = await proctor(["doctor", "--data", path.join(folder(t), "data")], { env: { PATH: "/nowhere" } });
	assert.match(stdout, /^fail {2}node {8}no Node/m);
	assert.match(stdout, /to mend it: apt-get install/);
});

// SPDX-License-Identifier: Apache-2.0
// What Playwright's own tools make of a job: the trace viewer, and one report of all runs.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { folder, processesWith, root, said, serve, start, write } from "./lib/cli.mjs";

const missing = fs.existsSync(path.join(root, "runners/playwright/node_modules/@playwright/test")) ? false : "no Playwright";

const spec = `import { test, expect } from "@playwright/test";
test("greets", async ({ page }) => {
	await page.setContent("<h1>Hi</h1>");
	await expect(page.locator("h1")).toHaveText("Hi");
});
`;

// Runs two suites of one test and answers with the job's id.
async function
runJob(server, dir, config)
{
	const tests = ["a", "b"].map((name) => {
		fs.mkdirSync(path.join(dir, name), { recursive: true });
		write(path.join(dir, name), `${name}.spec.ts`, spec);
		return { name, kind: "playwright", path: name, config };
	});
	const file = write(dir, "job.json", { name: "traced", tests });
	const { status, stdout, stderr } = await server.call("job", "submit", file, "--wait", "--json");
	assert.equal(status, 0, stdout + stderr);
	return JSON.parse(stdout).id;
}

// A viewer that has said where it listens.
async function
openTrace(t, server, job, tmp)
{
	const viewer = start(["job", "trace", job, "--data", server.data], { env: { TMPDIR: tmp } });
	t.after(() => viewer.child.kill("SIGKILL"));
	const [url] = await said(viewer, "stdout", /http:\/\/\S+/);
	return { ...viewer, url };
}

describe("the tools of Playwright", { skip: missing, timeout: 180000 }, () => {
	test("job trace: the viewer shows a trace on loopback and leaves nothing behind", async (t) => {
		const server = await serve(t), dir = folder(t), tmp = folder(t);
		const job = await runJob(server, dir, { trace: "on", blob: true });

		for (const signal of ["SIGINT", "SIGTERM"]) {
			const viewer = await openTrace(t, server, job, tmp);
			assert.match(viewer.url, /^http:\/\/127\.0\.0\.1:\d+/);
			const page = await fetch(viewer.url);
			assert.equal(page.status, 200);
			assert.match(await page.text(), /<html/);
			const [held] = fs.readdirSync(tmp);
			assert.match(viewer.result.stderr, /2 traces/);
			viewer.child.kill(signal);
			const { status, signal: killed } = await viewer.end;
			assert.equal(killed, null);
			assert.equal(status, signal === "SIGINT" ? 0 : 143);
			assert.deepEqual(fs.readdirSync(tmp).filter((name) => name === held), []);
			assert.deepEqual(processesWith(path.join(tmp, held)), []);
		}

		const report = path.join(dir, "merged");
		const made = await server.call("job", "report", job, "--format", "playwright", "-o", report);
		assert.equal(made.status, 0, made.stdout + made.stderr);
		const page = fs.readFileSync(path.join(report, "index.html"), "utf8");
		assert.match(page, /<html/);

		const nowhere = await server.call("job", "report", job, "--format", "playwright");
		assert.equal(nowhere.status, 2);
		assert.match(nowhere.stderr, /--output FOLDER/);
	});

	test("a job without traces and blobs says how to get them", async (t) => {
		const server = await serve(t), dir = folder(t);
		const file = write(dir, "j.json", { name: "plain", tests: [{ kind: "command", argv: ["true"] }] });
		const { stdout } = await server.call("job", "submit", file, "--wait", "--json");
		const { id } = JSON.parse(stdout);

		const trace = await server.call("job", "trace", id);
		assert.notEqual(trace.status, 0);
		assert.match(trace.stderr, /no trace.*config\.trace/);
		const report = await server.call("job", "report", id, "--format", "playwright", "-o", path.join(dir, "r"));
		assert.notEqual(report.status, 0);
		assert.match(report.stderr, /blob report/);
	});
});

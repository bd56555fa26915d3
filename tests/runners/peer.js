/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's side of the runner protocol, for tests: starts a runner with real pipes on
 * descriptors 3 and 4, and collects what it says.
 */
"use strict";

const fs = require("fs");
const os = require("os");
const path = require("path");
const { spawn } = require("child_process");

class Peer {
	constructor(argv, options = {}) {
		this.messages = [];
		this.waiters = [];
		this.output = "";
		this.child = spawn(argv[0], argv.slice(1), {
			stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
			...options,
		});
		this.requests = this.child.stdio[3];
		this.replies = this.child.stdio[4];
		this.requests.on("error", () => {});
		this.child.stdout.on("data", (chunk) => { this.output += chunk; });
		this.child.stderr.on("data", (chunk) => { this.output += chunk; });
		let rest = "";
		this.replies.setEncoding("utf8");
		this.replies.on("data", (chunk) => {
			const lines = (rest + chunk).split("\n");
			rest = lines.pop();
			for (const line of lines)
				this.take(line);
		});
		this.exited = new Promise((resolve) => {
			this.child.on("exit", (code, signal) => resolve({ code, signal }));
		});
		this.exited.then(() => this.wake());
	}

	take(line) {
		const message = JSON.parse(line);
		message.lineBytes = Buffer.byteLength(line) + 1;
		this.messages.push(message);
		this.wake();
	}

	wake() {
		for (const waiter of [...this.waiters])
			waiter();
	}

	send(message) {
		this.requests.write((typeof message === "string" ? message : JSON.stringify(message)) + "\n");
	}

	/* The first message, from the start, that the predicate or type matches. */
	expect(want) {
		const matches = typeof want === "string" ? (message) => message.type === want : want;
		return new Promise((resolve, reject) => {
			const look = () => {
				const found = this.messages.find(matches);
				if (!found && this.child.exitCode === null && this.child.signalCode === null)
					return;
				this.waiters.splice(this.waiters.indexOf(look), 1);
				if (found)
					resolve(found);
				else
					reject(new Error(`the runner ended without ${want}; it printed:\n${this.output}`
						+ `\nand said: ${JSON.stringify(this.messages).slice(0, 4000)}`));
			};
			this.waiters.push(look);
			look();
		});
	}

	async greet() {
		this.send({ type: "hello", versions: [1], worker: "test" });
		return this.expect("ready");
	}

	of(type) {
		return this.messages.filter((message) => message.type === type);
	}

	/* Ends the runner as the worker does, by closing its end. */
	async close() {
		this.requests.end();
		return this.exited;
	}
}

/* A run request with directories of its own below base. */
function
request(base, members)
{
	const dir = fs.mkdtempSync(path.join(base, "run-"));
	const artifacts = fs.mkdtempSync(path.join(base, "artifacts-"));
	const cache = path.join(base, "cache");
	fs.mkdirSync(cache, { recursive: true });
	return {
		type: "run", run: `run-${path.basename(dir)}`, job: "job", jobName: "job", config: {}, params: {},
		iteration: 1, attempt: 1, timeoutMs: 0, dir, artifacts, cache, ...members,
	};
}

function
temporary(t, prefix = "proctor-test-")
{
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
	t.after(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
	return directory;
}

module.exports = { Peer, request, temporary };

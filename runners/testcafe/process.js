/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process of TestCafe (host.js): starts it, hands on what it says, stops it, and leaves nothing
 * of it behind, browsers and tested applications included.
 */
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const { spawn } = require("child_process");
const { LineReader } = require("../kit");
const { sweep, MARK } = require("../sweep");

const CHANNEL_FD = 3;
const LINE_MAX = 16 * 1024 * 1024; /* the report data of a test stands in one line */
const OUTPUT_TAIL_MAX = 16 * 1024;
const OUTPUT_LINGER_MS = 1000;

class HostProcess {
	/*
	 * plan: what host.js is to do, and {cwd, env, dir} for the process itself. onMessage takes each
	 * message and may return a promise; the next one waits for it, and so does TestCafe.
	 */
	constructor(plan, { cwd, env, dir }, onMessage) {
		this.mark = crypto.randomUUID();
		this.plan = { ...plan, mark: this.mark };
		this.place = { cwd, env, dir };
		this.onMessage = onMessage;
		this.tail = "";
		this.killTimer = null;
	}

	/* Resolves to {code, signal, output} when the process and its channel are closed. */
	async run() {
		const child = this.start();
		let failure;
		const messages = this.read(child.stdio[CHANNEL_FD]).catch((error) => {
			failure = error;
			this.kill();
		});
		child.stderr.on("data", (chunk) => this.onErrorOutput(chunk));
		/* A process that got away may hold stderr open: the end of node is the end all the same. */
		child.on("exit", () => this.onExit());
		try {
			const end = await new Promise((resolve, reject) => {
				child.on("error", reject);
				child.on("close", (code, signal) => resolve({ code, signal }));
			});
			await messages;
			if (failure)
				throw failure;
			return { ...end, output: this.tail };
		} finally {
			clearTimeout(this.killTimer);
			sweep(this.mark);
		}
	}

	start() {
		const { cwd, env, dir } = this.place;
		/* Browser profiles and the like go where they vanish with the run. */
		const tmp = path.join(dir, "tmp");
		const file = path.join(dir, "plan.json");
		fs.mkdirSync(tmp, { recursive: true });
		fs.writeFileSync(file, JSON.stringify(this.plan));
		this.child = spawn(process.execPath,
			["-r", path.join(__dirname, "loopback.js"), path.join(__dirname, "host.js"), file], {
				cwd,
				env: { ...env, TMPDIR: tmp, [MARK]: this.mark },
				stdio: ["ignore", "inherit", "pipe", "pipe"],
			});
		return this.child;
	}

	async read(socket) {
		const lines = [];
		const reader = new LineReader(LINE_MAX, (line) => lines.push(line), () => socket.destroy());
		try {
			for await (const chunk of socket) {
				reader.push(chunk);
				while (lines.length > 0)
					await this.onMessage(JSON.parse(lines.shift()));
			}
		} catch (error) {
			/* The socket breaks when the process is killed: its exit status tells more. */
			if (error instanceof SyntaxError || !error.code)
				throw error;
		}
	}

	onErrorOutput(chunk) {
		process.stderr.write(chunk);
		this.tail = (this.tail + chunk.toString("utf8")).slice(-OUTPUT_TAIL_MAX);
	}

	/* Asks TestCafe to stop and to close its browsers. After graceMs everything of it is killed. */
	stop(graceMs) {
		if (this.killTimer || !this.child || this.child.exitCode !== null)
			return;
		this.child.stdio[CHANNEL_FD].write('{"type":"stop"}\n', () => {});
		this.killTimer = setTimeout(() => this.kill(), graceMs);
	}

	kill() {
		this.child.kill("SIGKILL");
		sweep(this.mark);
	}

	onExit() {
		sweep(this.mark);
		setTimeout(() => this.child.stderr.destroy(), OUTPUT_LINGER_MS).unref();
	}
}

module.exports = { HostProcess };

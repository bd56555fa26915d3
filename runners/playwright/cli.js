/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process of Playwright's command line: starts it, hands on what its reporter says, stops it,
 * and leaves nothing of it behind.
 *
 * It is started with node directly: npx costs a second and adds nothing. A pool of processes that
 * have Playwright already loaded can take the place of start() here; nothing else would change.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { spawn } = require("child_process");
const crypto = require("crypto");
const { LineReader } = require("../kit");
const { sweep, MARK } = require("./sweep");

const REPORT_FD = 3;
const REPORT_LINE_MAX = 4 * 1024 * 1024;
const OUTPUT_TAIL_MAX = 16 * 1024;
const OUTPUT_LINGER_MS = 1000;

class Cli {
	/*
	 * plan: {cli, args, cwd, env, dir, use, preload}. onMessage takes each message of
	 * the reporter and may return a promise; the next one waits for it, and so does Playwright.
	 */
	constructor(plan, onMessage) {
		this.plan = plan;
		this.onMessage = onMessage;
		this.mark = crypto.randomUUID();
		this.tail = "";
		this.killTimer = null;
	}

	/* Resolves to {code, signal, output} when the process and its reporter's socket are closed. */
	run() {
		const child = this.start();
		this.child = child;
		let failure;
		const reports = this.readReports(child.stdio[REPORT_FD]).catch((error) => {
			failure = error;
			this.kill();
		});
		child.stderr.on("data", (chunk) => this.onErrorOutput(chunk));
		const ended = new Promise((resolve, reject) => {
			child.on("error", reject);
			child.on("close", (code, signal) => resolve({ code, signal }));
		});
		/* A process that got away may hold stderr open: the end of node is the end all the same. */
		child.on("exit", () => this.onExit());
		return ended.then(async (end) => {
			await reports;
			if (failure)
				throw failure;
			return { ...end, output: this.tail };
		}).finally(() => this.cleanUp());
	}

	start() {
		const { plan } = this;
		/* Browser profiles and the like go where they vanish with the run. */
		const tmp = path.join(plan.dir, "tmp");
		const attachments = path.join(plan.dir, "attachments");
		for (const directory of [tmp, attachments])
			fs.mkdirSync(directory, { recursive: true });
		const report = { fd: REPORT_FD, attachments, use: plan.use, mark: this.mark };
		return spawn(process.execPath, ["-r", path.join(__dirname, "preload.js"), plan.cli, ...plan.args], {
			cwd: plan.cwd,
			env: {
				...plan.env,
				PROCTOR_REPORT: JSON.stringify(report),
				PROCTOR_PRELOAD: JSON.stringify(plan.preload),
				TMPDIR: tmp,
				[MARK]: this.mark,
			},
			stdio: ["ignore", "inherit", "pipe", "pipe"],
		});
	}

	async readReports(socket) {
		const lines = [];
		const reader = new LineReader(REPORT_LINE_MAX, (line) => lines.push(line), () => socket.destroy());
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

	/*
	 * Asks Playwright to stop: it ends the test in progress, closes browsers and web servers and
	 * writes its report. After graceMs everything of it is killed.
	 */
	stop(graceMs) {
		if (this.killTimer || !this.child || this.child.exitCode !== null)
			return;
		this.child.kill("SIGINT");
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

	cleanUp() {
		clearTimeout(this.killTimer);
		sweep(this.mark);
	}
}

module.exports = { Cli };

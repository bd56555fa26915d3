/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process of Playwright's command line: starts it, hands on what its reporter says, stops it,
 * and leaves nothing of it behind.
 *
 * It is started with node directly: npx costs a second and adds nothing. A spare (spare.js) can
 * take the place of the new process; whatever goes wrong with that, a new process is started.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { spawn } = require("child_process");
const crypto = require("crypto");
const { LineReader } = require("../kit");
const { sweep, MARK } = require("../sweep");

const REPORT_FD = 3;
const REPORT_LINE_MAX = 4 * 1024 * 1024;
const OUTPUT_TAIL_MAX = 16 * 1024;
const OUTPUT_LINGER_MS = 1000;

class Cli {
	/*
	 * plan: {cli, args, cwd, env, dir, use, preload, spare?, note}: spare is ended if it is not used, and
	 * note(text) is told which way it went. onMessage takes each message of
	 * the reporter and may return a promise; the next one waits for it, and so does Playwright.
	 */
	constructor(plan, onMessage) {
		this.plan = plan;
		this.onMessage = onMessage;
		this.mark = crypto.randomUUID();
		this.tail = "";
		this.killTimer = null;
		this.stopAfter = undefined; /* was to be stopped before there was a process */
	}

	/* Resolves to {code, signal, output} when the process and its reporter's socket are closed. */
	async run() {
		try {
			this.child = await this.start();
			if (this.stopAfter !== undefined)
				this.stop(this.stopAfter);
			return await this.follow(this.child);
		} finally {
			this.cleanUp();
		}
	}

	async follow(child) {
		let failure;
		const reports = this.readReports(child.stdio[REPORT_FD]).catch((error) => {
			failure = error;
			this.kill();
		});
		child.stderr.on("data", (chunk) => this.onErrorOutput(chunk));
		/* A process that got away may hold stderr open: the end of node is the end all the same. */
		child.on("exit", () => this.onExit());
		const end = await new Promise((resolve, reject) => {
			child.on("error", reject);
			child.on("close", (code, signal) => resolve({ code, signal }));
		});
		await reports;
		if (failure)
			throw failure;
		return { ...end, output: this.tail };
	}

	async start() {
		const { plan } = this;
		/* Browser profiles and the like go where they vanish with the run. */
		for (const directory of [path.join(plan.dir, "tmp"), this.attachments()])
			fs.mkdirSync(directory, { recursive: true });
		const child = plan.spare && await this.startWith(plan.spare);
		return child || this.startPlainly();
	}

	async startWith(spare) {
		const { cli, args, cwd, note } = this.plan;
		const plainMark = this.mark;
		this.mark = spare.mark;
		const env = this.environment();
		try {
			const objection = spare.objection({ cli, env });
			if (!objection) {
				const child = await spare.take({ args, cwd, env });
				note("started from a spare");
				return child;
			}
			note(`started without its spare: ${objection}`);
		} catch (error) {
			note(`started without its spare: ${error.message}`);
		}
		spare.end();
		this.mark = plainMark;
		return undefined;
	}

	startPlainly() {
		const { plan } = this;
		return spawn(process.execPath, ["-r", path.join(__dirname, "preload.js"), plan.cli, ...plan.args], {
			cwd: plan.cwd,
			env: this.environment(),
			stdio: ["ignore", "inherit", "pipe", "pipe"],
		});
	}

	environment() {
		const { plan } = this;
		const report = { fd: REPORT_FD, attachments: this.attachments(), use: plan.use, mark: this.mark };
		return {
			...plan.env,
			PROCTOR_REPORT: JSON.stringify(report),
			PROCTOR_PRELOAD: JSON.stringify(plan.preload),
			TMPDIR: path.join(plan.dir, "tmp"),
			[MARK]: this.mark,
		};
	}

	attachments() {
		return path.join(this.plan.dir, "attachments");
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
		if (!this.child)
			this.stopAfter = graceMs;
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

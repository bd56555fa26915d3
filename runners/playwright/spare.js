/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spare: Playwright's command line and its first worker process, started before there is a run
 * for them, used for one run and never again. Three quarters of a short run's time is JavaScript
 * being loaded, twice; a spare has that behind it. What it waits in is spare-main.js.
 *
 * What is loaded early has read the environment early. So a spare is started with the variables
 * that the run will have, as far as they are known, and a run that differs in one that matters then
 * is not given to it. Everything that speaks against a spare leads to the plain start.
 */
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { spawn } = require("child_process");
const { pathToFileURL } = require("url");
const { MARK, sweep } = require("../sweep");
const { differs } = require("./spare-env");
const { libraries, LOADER } = require("./spare-modules");

const VERSION = "1.61.0"; /* the Playwright whose insides the spare knows */
const REPORT_FD = 3;
const ORDER_FD = 4;
const ANSWER_MS = 30000; /* from the order to its receipt: loading is in it */
const MEMORY_MIN = 768 * 1024 * 1024; /* a spare holds a third of it, */
const MEMORY_BROWSER_MIN = 1536 * 1024 * 1024; /* and its browser some more */
const MAIN = path.join(__dirname, "spare-main.js");
const PRELOAD = path.join(__dirname, "preload.js");

class Spare {
	/* plan: {playwright, env, cwd, preload}, as a run's, but for what only the run knows. */
	constructor({ playwright, env, cwd, preload }) {
		this.cli = playwright.cli;
		this.mark = crypto.randomUUID();
		const early = pathToFileURL(path.join(libraries(playwright.cli), LOADER)).href;
		this.env = { ...env, PROCTOR_PRELOAD: JSON.stringify({ ...preload, early }), [MARK]: this.mark };
		this.child = spawn(process.execPath, ["-r", PRELOAD, MAIN, playwright.cli, mode()], {
			cwd,
			env: this.env,
			stdio: ["ignore", "inherit", "pipe", "pipe", "pipe"],
		});
		this.order = this.child.stdio[ORDER_FD];
		this.ended = new Promise((resolve) => {
			this.child.once("error", resolve);
			this.child.once("exit", resolve);
		});
		/* A socket that breaks: the end of the process says it. */
		this.order.on("error", () => {});
		this.child.stdio[REPORT_FD].on("error", () => {});
		this.unref(true);
	}

	/* Waiting must not keep the runner alive. */
	unref(isIdle) {
		for (const one of [this.child, this.order, this.child.stderr, this.child.stdio[REPORT_FD]])
			one[isIdle ? "unref" : "ref"]();
	}

	/* Why this run cannot have this spare; undefined when it can. */
	objection({ cli, env }) {
		if (this.child.exitCode !== null || this.child.signalCode !== null)
			return "the spare has ended";
		if (cli !== this.cli)
			return "the project has a Playwright of its own";
		const name = differs(this.env, env);
		return name && `the run sets ${name}`;
	}

	/*
	 * Sends it on its way: {args, cwd, env, preload}. Resolves to the process, in which Playwright's
	 * command line then runs as if it had been started plainly; rejects when it does not answer.
	 */
	async take(orders) {
		this.unref(false);
		const answer = this.answer();
		this.order.write(JSON.stringify(orders) + "\n");
		if (await answer !== "going\n") {
			this.end();
			throw new Error(`the spare ${this.child.exitCode === null ? "did not answer"
				: `ended with status ${this.child.exitCode}`}`);
		}
		this.order.destroy();
		return this.child;
	}

	answer() {
		let timer;
		const late = new Promise((resolve) => {
			timer = setTimeout(resolve, ANSWER_MS);
		});
		const said = new Promise((resolve) => {
			this.order.once("data", (chunk) => resolve(String(chunk)));
		});
		return Promise.race([said, this.ended, late]).finally(() => clearTimeout(timer));
	}

	end() {
		this.child.kill("SIGKILL");
		sweep(this.mark);
	}
}

/* Why no spare is to be had on this machine, now; undefined when one is. */
function
unwanted(playwright)
{
	if (playwright.version !== VERSION)
		return `spares know Playwright ${VERSION}, not ${playwright.version}`;
	if (process.env.PROCTOR_PLAYWRIGHT_SPARE === "off")
		return "PROCTOR_PLAYWRIGHT_SPARE is off";
	if (memoryAvailable() < MEMORY_MIN)
		return "memory is short";
	return undefined;
}

/* Whether the worker process of the spare is to start a browser. */
function
mode()
{
	const isWanted = process.env.PROCTOR_PLAYWRIGHT_SPARE !== "process";
	return isWanted && memoryAvailable() >= MEMORY_BROWSER_MIN ? "browser" : "process";
}

/* os.freemem() leaves out what the kernel's caches would give back on Node 18. */
function
memoryAvailable()
{
	try {
		const match = /^MemAvailable:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/meminfo", "utf8"));
		return Number(match[1]) * 1024;
	} catch {
		return os.freemem();
	}
}

module.exports = { Spare, unwanted };

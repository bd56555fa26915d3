/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside Playwright's command line and tells the runner what happens, as one JSON object a
 * line on a socket (descriptor PROCTOR_REPORT_FD). It states facts; what they mean for the run is
 * decided in collect.js. Only Playwright's public reporter interface is used, so that a project's
 * own version works too; the one exception is overrideUse().
 *
 *	begin     {version, total, projects: [{name, browser}], missed?}
 *	testBegin {id, attempt}           + {title, path, file, line, project} at its first attempt
 *	step      {id, status, title, durationMs?, error?}
 *	testEnd   {id, attempt, status, outcome, isFinal, durationMs, errors, attachments}
 *	error     {error}                 outside of any test
 *	end       {status}
 *
 * The socket's other end closing means that the runner is gone: then nothing of this may go on.
 */
"use strict";

const fs = require("fs");
const net = require("net");
const path = require("path");

const STEPS_MAX = 1000; /* an attempt: a loop of a test must not fill the job's history */
const TEXT_MAX = 16 * 1024;
const ORPHAN_GRACE_MS = 2000;
const SHOWN = new Set(["test.step", "expect", "pw:api"]);

class ProctorReporter {
	constructor() {
		const settings = JSON.parse(process.env.PROCTOR_REPORT);
		this.settings = settings;
		this.known = new Set();
		this.stepCounts = new Map(); /* result → steps told so far */
		this.socket = new net.Socket({ fd: settings.fd, readable: true, writable: true });
		this.socket.on("error", () => {});
		this.socket.on("close", () => this.leave());
		this.socket.resume();
		this.socket.unref();
	}

	/* What tests print is the run's log; and with it Playwright adds no reporter of its own. */
	printsToStdio() {
		return true;
	}

	onBegin(config, suite) {
		const projects = suite.suites.filter((one) => one.allTests().length > 0).map((one) => one.project());
		this.hasProjects = projects.length > 1;
		this.tell("begin", {
			version: config.version,
			total: suite.allTests().length,
			projects: projects.filter(Boolean).map((project) => ({
				name: project.name,
				browser: project.use.browserName || project.use.defaultBrowserType || "chromium",
			})),
			isOverridden: overrideUse(config, this.settings.use),
		});
	}

	onTestBegin(test, result) {
		const message = { id: test.id, attempt: result.retry + 1 };
		if (!this.known.has(test.id)) {
			this.known.add(test.id);
			Object.assign(message, this.describe(test));
		}
		this.tell("testBegin", message);
	}

	/* titlePath() is: "", project, file, describe blocks …, title. */
	describe(test) {
		const [, project, file, ...titles] = test.titlePath();
		const title = titles.pop();
		return {
			title: this.hasProjects && project ? `${title} [${project}]` : title,
			path: [file, ...titles],
			project: project || undefined,
			file: test.location.file,
			line: test.location.line,
		};
	}

	onStepBegin(test, result, step) {
		if (step.category === "test.step" && isShown(step))
			this.tell("step", { id: test.id, title: titleOf(step), status: "running" });
	}

	onStepEnd(test, result, step) {
		if (!isShown(step))
			return;
		const count = (this.stepCounts.get(result) || 0) + 1;
		this.stepCounts.set(result, count);
		if (count > STEPS_MAX && !step.error)
			return;
		this.tell("step", {
			id: test.id,
			title: titleOf(step),
			status: step.error ? "failed" : "passed",
			durationMs: step.duration,
			error: step.error && plainError(step.error),
		});
	}

	onTestEnd(test, result) {
		const count = this.stepCounts.get(result) || 0;
		this.stepCounts.delete(result);
		const outcome = test.outcome();
		this.tell("testEnd", {
			id: test.id,
			...(this.known.has(test.id) ? {} : this.describe(test)), /* skipped: it never began */
			attempt: result.retry + 1,
			status: result.status,
			outcome,
			isFinal: outcome !== "unexpected" || result.retry >= test.retries
				|| result.status === "interrupted",
			durationMs: result.duration,
			errors: (result.errors || []).slice(0, 20).map(plainError),
			attachments: (result.attachments || []).map((one, n) => this.attachment(one, test, result, n)),
			stepsLeftOut: Math.max(0, count - STEPS_MAX) || undefined,
		});
		this.known.add(test.id);
	}

	/* What a test attached as bytes becomes a file, so that every attachment is one. */
	attachment({ name, path: file, body, contentType }, test, result, n) {
		if (file || !body)
			return { name, contentType, path: file };
		const target = path.join(this.settings.attachments, `${test.id}-${result.retry}-${n}`);
		fs.writeFileSync(target, body);
		return { name, contentType, path: target };
	}

	onStdOut(chunk) {
		process.stdout.write(chunk);
	}

	onStdErr(chunk) {
		process.stderr.write(chunk);
	}

	onError(error) {
		this.tell("error", { error: plainError(error) });
	}

	onEnd(result) {
		this.tell("end", { status: result.status });
	}

	/* The process ends by exit() soon after: everything told must have been taken before. */
	onExit() {
		return new Promise((resolve) => {
			this.isDone = true;
			if (this.socket.destroyed)
				return resolve();
			this.socket.ref();
			this.socket.once("close", resolve);
			this.socket.end();
		});
	}

	tell(type, members) {
		if (!this.socket.destroyed)
			this.socket.write(JSON.stringify({ type, ...members }) + "\n");
	}

	/* Playwright closes browsers and servers on SIGINT; whatever then remains is killed. */
	leave() {
		if (this.isDone)
			return;
		process.on("exit", () => require("../sweep").sweep(this.settings.mark));
		process.kill(process.pid, "SIGINT");
		setTimeout(() => process.exit(1), ORPHAN_GRACE_MS);
	}
}

/*
 * Makes the job's options win over `use` of the project's configuration. Playwright's command line
 * has options for a few of them only, and hands what it has to every worker process in
 * configCLIOverrides: members added there before the first worker starts reach them all, whatever
 * language the configuration is written in. Returns false when this version keeps it elsewhere.
 */
function
overrideUse(config, use)
{
	if (Object.keys(use).length === 0)
		return true;
	for (const symbol of Object.getOwnPropertySymbols(config)) {
		const overrides = config[symbol] && config[symbol].configCLIOverrides;
		if (overrides && typeof overrides === "object") {
			overrides.use = { ...overrides.use, ...use };
			return true;
		}
	}
	return false;
}

/*
 * The steps a reader wants: what the test itself says and does, at its top or inside its own
 * test.step blocks; and the failing one, wherever it is, unless a shown one carries its error.
 */
function
isShown(step)
{
	if (SHOWN.has(step.category) && ancestors(step).every((one) => one.category === "test.step"))
		return true;
	return Boolean(step.error) && !step.steps.some((one) => one.error) && !ancestors(step).some(isShown);
}

function
ancestors(step)
{
	const found = [];
	for (let at = step.parent; at; at = at.parent)
		found.unshift(at);
	return found;
}

function
titleOf(step)
{
	return [...ancestors(step), step].map((one) => one.title).join(" › ").slice(0, 1000);
}

function
plainError(error)
{
	return {
		message: clip(error.message || error.value || "unknown error"),
		stack: clip(error.stack),
		snippet: clip(error.snippet),
		location: error.location,
	};
}

function
clip(text)
{
	return typeof text === "string" ? text.slice(0, TEXT_MAX) : undefined;
}

module.exports = ProctorReporter;

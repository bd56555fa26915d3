/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns what the reporter says into cases, steps and artifacts of the run, and at the end into its
 * result. One Collector serves one start of Playwright's command line.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { environmentFault, fromOutput, plain, relative, shapeErrors } = require("./errors");
const { slug } = require("./project");

const REPORT = "report"; /* the HTML report's folder below the artifacts */
const BLOB = "blob.zip"; /* the same for Playwright's own merging, when it was asked for */
const CASE_STATUS = { expected: "passed", unexpected: "failed", flaky: "flaky", skipped: "skipped" };

class Collector {
	/* root: what files are named relative to. onFatal(reason) is told when going on is pointless. */
	constructor(request, ctx, root, onFatal) {
		this.request = request;
		this.ctx = ctx;
		this.root = root;
		this.onFatal = onFatal;
		this.cases = new Map(); /* id → case, in the order of their beginning */
		this.running = new Set();
		this.names = new Set(); /* artifacts' names */
		this.errors = []; /* outside of any test */
		this.begun = null;
		this.status = null;
		this.done = 0;
	}

	/* Resolves when the worker has taken enough for the next message. */
	onMessage(message) {
		switch (message.type) {
		case "begin": this.onBegin(message); break;
		case "testBegin": this.onTestBegin(message); break;
		case "step": this.onStep(message); break;
		case "testEnd": this.onTestEnd(message); break;
		case "error": this.onError(message); break;
		case "end": this.status = message.status; break;
		default: throw new TypeError(`unknown message of the reporter: ${message.type}`);
		}
		return this.ctx.drained();
	}

	onBegin(message) {
		this.begun = { ...message, at: Date.now() };
		if (!message.isOverridden)
			this.ctx.warn(`config: Playwright ${message.version} does not let the job's options win over the project's`);
		/* Playwright says "begin" even when it could not collect the tests: then nothing has begun. */
		if (message.total > 0)
			this.ctx.started({ total: message.total });
	}

	onTestBegin({ id, attempt, ...facts }) {
		const one = this.caseOf(id, facts);
		one.attempts = attempt;
		this.running.add(one);
		this.ctx.case({ ...head(one), status: "running", attempt });
		this.sayProgress(one);
	}

	caseOf(id, facts) {
		if (!this.cases.has(id)) {
			this.cases.set(id, {
				id,
				title: facts.title,
				path: facts.path,
				project: facts.project,
				status: "skipped",
				durationMs: 0,
				attempts: 0,
				file: relative(this.root, facts.file),
				line: facts.line,
				source: { file: facts.file, line: facts.line },
			});
		}
		return this.cases.get(id);
	}

	onStep({ id, type, error, durationMs, ...step }) {
		this.ctx.step({
			case: id,
			...step,
			durationMs: durationMs === undefined ? undefined : Math.max(0, Math.round(durationMs)),
			error: error && shapeErrors([error], this.root),
		});
	}

	onTestEnd(message) {
		const one = this.caseOf(message.id, message);
		const failed = message.errors.length > 0 && message.outcome !== "expected";
		one.attempts = message.attempt;
		one.durationMs += Math.max(0, message.durationMs);
		/* A flaky test keeps the error of the attempt that failed: that is what one wants to know. */
		if (failed)
			one.error = shapeErrors(message.errors, this.root, one.source);
		const screenshot = this.keepAttachments(one, message);
		if (failed && screenshot)
			one.error.screenshot = screenshot;

		this.running.delete(one);
		one.status = message.status === "interrupted" ? "skipped"
			: message.isFinal ? CASE_STATUS[message.outcome] : "failed";
		if (message.isFinal)
			this.done++;
		one.isTimeout = message.status === "timedOut";
		this.ctx.case({
			...head(one),
			status: one.status,
			attempt: message.attempt,
			durationMs: Math.max(0, message.durationMs),
			error: failed ? one.error : undefined,
		});
		this.sayProgress();
		if (message.stepsLeftOut)
			this.ctx.log("info", `${one.title}: ${message.stepsLeftOut} further steps are not listed`);
		this.lookForFatal(one.error);
	}

	onError({ error }) {
		const shaped = shapeErrors([error], this.root);
		this.errors.push(shaped);
		this.ctx.log("error", shaped.message);
	}

	sayProgress(one) {
		const total = this.begun ? this.begun.total : 0;
		this.ctx.progress({
			percent: total > 0 ? Math.min(100, Math.floor((100 * this.done) / total)) : undefined,
			message: one ? [...one.path, one.title].join(" › ") : `${this.done} of ${total}`,
		});
	}

	lookForFatal(error) {
		const fault = error && environmentFault(error.message);
		if (fault && fault.isFatal)
			this.onFatal(fault.reason);
	}

	/* Takes an attempt's files into the artifacts; returns the name of its first screenshot. */
	keepAttachments(one, message) {
		let screenshot;
		for (const attachment of message.attachments) {
			if (!attachment.path || !fs.existsSync(attachment.path))
				continue;
			const name = this.artifactName(one, message.attempt, attachment);
			const kind = kindOf(attachment);
			take(attachment.path, path.join(this.request.artifacts, name));
			this.ctx.artifact({ name, path: name, kind, case: one.id,
				contentType: attachment.contentType || "application/octet-stream" });
			if (kind === "screenshot" && !screenshot)
				screenshot = name;
		}
		return screenshot;
	}

	/* <file>-<title>[-retryN]/<name>, unique, safe in file systems and addresses. */
	artifactName(one, attempt, { name, path: file, contentType }) {
		const folder = this.folderOf(one) + (attempt > 1 ? `-retry${attempt - 1}` : "");
		const isOwnName = !/^[0-9a-f-]{20,}/.test(path.basename(file));
		const extension = path.extname(name) || path.extname(file) || extensionOf(contentType);
		const base = isOwnName && ["trace", "video", "screenshot"].includes(name)
			? path.basename(file, path.extname(file)) : path.basename(name, path.extname(name));
		let full;
		for (let n = 1; full === undefined || this.names.has(full); n++)
			full = `${folder}/${slug(base, 60)}${n > 1 ? `-${n}` : ""}${extension}`;
		this.names.add(full);
		return full;
	}

	folderOf(one) {
		if (!one.folder) {
			const file = path.basename(one.source.file).replace(/\.(spec|test)?\.?[cm]?[jt]sx?$/, "");
			const base = slug(`${file}-${one.title}`, 70);
			const isTaken = base === REPORT || [...this.cases.values()].some((other) => other.folder === base);
			one.folder = isTaken ? `${base}-${slug(one.id, 30)}` : base;
		}
		return one.folder;
	}

	/* Playwright's reports are complete only after the command line has ended. */
	keepReports() {
		if (fs.existsSync(path.join(this.request.artifacts, BLOB)))
			this.ctx.artifact({ name: BLOB, path: BLOB, kind: "file", contentType: "application/zip" });
		if (fs.existsSync(path.join(this.request.artifacts, REPORT, "index.html")))
			this.ctx.artifact({ name: REPORT, path: REPORT, kind: "report", contentType: "text/html" });
	}

	/* What the run comes to. end: {code, signal, output} of the command line. */
	result(end) {
		const cases = [...this.cases.values()];
		const summary = {
			cases: cases.map(({ source, folder, isTimeout, ...one }) => one),
			counts: count(cases),
		};
		return { ...this.verdict(end, cases), ...summary };
	}

	verdict(end, cases) {
		const failed = cases.filter((one) => one.status === "failed");
		if (failed.length > 0)
			return this.failure(failed);
		if (this.errors.length > 0)
			return { outcome: "errored", reason: this.globalReason(), error: this.globalError() };
		if (this.status === "passed" && end.code === 0)
			return cases.some((one) => one.status !== "skipped")
				? { outcome: "passed" }
				: { outcome: "skipped", reason: "all_skipped" };
		if (this.status === "timedout")
			return { outcome: "timed_out", reason: "global_timeout",
				error: { message: "The project's globalTimeout passed before all tests were done" } };
		if (this.status === null)
			return { outcome: "errored", reason: this.begun ? "runner_exited" : "config", error: this.exitError(end) };
		return { outcome: "errored", reason: "playwright",
			error: { message: `Playwright ended with status ${this.status} and exit code ${end.code}, but no test failed` } };
	}

	/* Only when every failure is the environment's is the run errored: one product fault is a fault. */
	failure(failed) {
		const faults = failed.map((one) => one.error && environmentFault(one.error.message));
		if (faults.every(Boolean))
			return { outcome: "errored", reason: faults[0].reason, error: failed[0].error };
		const n = faults.filter(Boolean).length;
		if (n > 0)
			this.ctx.warn(`${n} of ${failed.length} failures were the environment's, not the product's`);
		const first = failed[faults.findIndex((fault) => !fault)];
		return { outcome: "failed", reason: reasonOf(first), error: first.error };
	}

	globalReason() {
		const { message } = this.errors[0];
		if (/No tests? found/i.test(message))
			return "no_tests";
		if (/config\.webServer/.test(message))
			return "web_server";
		const fault = environmentFault(message);
		if (fault)
			return fault.reason;
		return this.cases.size > 0 ? "error_outside_test" : "config";
	}

	globalError() {
		const error = this.errors[0];
		if (!/No tests? found/i.test(error.message))
			return error;
		const { grep, projectName, path: start } = this.request.test;
		const limits = [
			start && `path ${start}`,
			grep && `grep ${JSON.stringify(grep)}`,
			projectName && `project ${JSON.stringify(projectName)}`,
		].filter(Boolean);
		return { message: `No tests found${limits.length > 0 ? ` with ${limits.join(", ")}` : ""}. `
			+ "Playwright looks for *.spec.* and *.test.* files unless the project's testMatch says otherwise." };
	}

	exitError({ code, signal, output }) {
		if (output.trim())
			return fromOutput(output, this.root);
		return { message: signal
			? `Playwright was ended by ${signal}`
			: `Playwright exited with code ${code} before its tests were done` };
	}

	/* The tests that were under way, for the message of a time limit. */
	runningTitles() {
		return [...this.running].map((one) => [...one.path, one.title].join(" › "));
	}
}

function
head({ id, title, path: names, file, line })
{
	return { id, title, path: names, file, line };
}

function
count(cases)
{
	const counts = { passed: 0, failed: 0, skipped: 0, flaky: 0 };
	for (const { status } of cases)
		counts[status]++;
	return counts;
}

function
reasonOf(one)
{
	if (one.isTimeout)
		return "test_timeout";
	return one.error && /\bexpect\(/.test(plain(one.error.message)) ? "assertion" : "test_failed";
}

function
kindOf({ name, contentType = "" })
{
	if (name === "trace" && contentType === "application/zip")
		return "trace";
	if (contentType.startsWith("image/"))
		return "screenshot";
	if (contentType.startsWith("video/"))
		return "video";
	return "file";
}

function
extensionOf(contentType = "")
{
	const known = { "text/plain": ".txt", "application/json": ".json", "text/html": ".html",
		"image/png": ".png", "image/jpeg": ".jpg", "text/markdown": ".md", "application/zip": ".zip" };
	return known[contentType.split(";")[0]] || "";
}

/* A second name costs nothing; the report that Playwright writes later still finds the first. */
function
take(source, target)
{
	fs.mkdirSync(path.dirname(target), { recursive: true });
	try {
		fs.linkSync(source, target);
	} catch {
		fs.copyFileSync(source, target);
	}
}

module.exports = { BLOB, Collector, REPORT };

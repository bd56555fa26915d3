/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns what TestCafe's process says into cases, steps and artifacts of the run, and at the end
 * into its result. A case is one test, whatever the number of browsers that run it.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { reasonOf, reasonOfFailure, relative, shapeErrors, shapeFailure } = require("./errors");

const REPORTS = [
	{ name: "testcafe.json", contentType: "application/json" },
	{ name: "testcafe.xml", contentType: "application/xml" },
];
const DATA_FILE = "report-data.json";
const DATA_OUTPUT_MAX = 64 * 1024; /* of the result's output; the artifact has all of it */

class Collector {
	/* root: what files are named relative to. */
	constructor(request, ctx, root) {
		this.request = request;
		this.ctx = ctx;
		this.root = root;
		this.cases = new Map(); /* id → case, in source order */
		this.running = new Set();
		this.consoles = new Map(); /* id → lines */
		this.names = new Set(); /* artifacts' names */
		this.data = []; /* what tests gave to t.report() */
		this.begunAt = null;
		this.done = 0;
		this.ended = null; /* {failed} */
		this.failure = null; /* the error that ended the run */
		this.lost = null;
	}

	/* Resolves when the worker has taken enough for the next message. */
	onMessage(message) {
		switch (message.type) {
		case "ready": this.onReady(message); break;
		case "begin": this.onBegin(message); break;
		case "testBegin": this.onTestBegin(message); break;
		case "step": this.onStep(message); break;
		case "console": this.consoles.set(message.id, [...(this.consoles.get(message.id) || []), ...message.lines]); break;
		case "testEnd": this.onTestEnd(message); break;
		case "warning": this.ctx.log("warn", message.text); break;
		case "done": this.onDone(message); break;
		case "end": this.ended = message; break;
		case "failure": this.failure = message; break;
		case "lost": this.lost = message; break;
		case "bye": break;
		default: throw new TypeError(`unknown message of TestCafe's process: ${message.type}`);
		}
		return this.ctx.drained();
	}

	onReady({ browsers, warnings }) {
		this.ctx.log("info", `Browsers: ${browsers.join(", ")}`);
		warnings.forEach((text) => this.ctx.warn(text));
	}

	onBegin({ tests, userAgents }) {
		this.begunAt = Date.now();
		for (const { id, title, fixture, file } of tests) {
			const one = { id, title, path: [fixture], status: "skipped", durationMs: 0, attempts: 0 };
			if (file)
				this.locate(one, { name: fixture, path: file });
			this.cases.set(id, one);
		}
		this.ctx.log("info", `Running in ${[...new Set(userAgents)].join(", ")}`);
		this.ctx.started({ total: tests.length });
	}

	onTestBegin({ id }) {
		const one = this.cases.get(id);
		this.running.add(one);
		this.ctx.case({ ...head(one), status: "running", attempt: 1 });
		this.sayProgress(one);
	}

	onStep({ id, title, durationMs, error }) {
		this.ctx.step({
			case: id, title,
			status: error ? "failed" : "passed",
			durationMs: durationMs === undefined ? undefined : Math.max(0, Math.round(durationMs)),
			error: error && { message: error.message, ...this.placed(error.place) },
		});
	}

	placed(place) {
		return place ? { file: relative(this.root, place.file), line: place.line } : {};
	}

	onTestEnd(message) {
		const one = this.cases.get(message.id);
		this.locate(one, message.fixture);
		const attempts = Math.max(1, message.attempts.length);
		const isFailed = message.errors.length > 0;
		const errors = isFailed ? message.errors : message.attempts.flatMap((attempt) => attempt.errors);
		one.attempts = message.skipped ? 0 : attempts;
		one.durationMs = Math.max(0, message.durationMs || 0);
		one.status = message.skipped ? "skipped" : isFailed ? "failed" : message.unstable ? "flaky" : "passed";
		one.reason = reasonOf(message.errors);
		/* A flaky test keeps the error of the attempt that failed: that is what one wants to know. */
		if (errors.length > 0)
			one.error = shapeErrors(errors, this.root, one.source);
		this.keep(one, message);
		this.sayAttempts(one, message.attempts);
		this.running.delete(one);
		this.done++;
		this.ctx.case({ ...head(one), status: one.status, attempt: attempts, durationMs: one.durationMs,
			error: isFailed ? one.error : undefined });
		this.sayProgress();
		if (message.stepsLeftOut)
			this.ctx.log("info", `${one.title}: ${message.stepsLeftOut} further steps are not listed`);
	}

	/* Every attempt but the last, which is the case's own end. */
	sayAttempts(one, attempts) {
		attempts.slice(0, -1).forEach(({ passed, errors }, n) => {
			this.ctx.case({ ...head(one), status: passed ? "passed" : "failed", attempt: n + 1,
				error: passed ? undefined : shapeErrors(errors, this.root, one.source) });
			this.ctx.case({ ...head(one), status: "running", attempt: n + 2 });
		});
	}

	/* The file, the fixture and, as far as the text of the file tells, the line of a test. */
	locate(one, fixture) {
		const file = relative(this.root, fixture.path);
		one.path = [file, fixture.name];
		one.file = file;
		one.line = lineOf(fixture.path, one.title);
		one.source = { file: fixture.path, line: one.line };
	}

	sayProgress(one) {
		const total = this.cases.size;
		this.ctx.progress({
			percent: total > 0 ? Math.min(100, Math.floor((100 * this.done) / total)) : undefined,
			message: one ? [...one.path, one.title].join(" › ") : `${this.done} of ${total}`,
		});
	}

	/* The pictures, videos, console and reported data of a test. */
	keep(one, { screenshots, videos, errors, reportData, warnings, fixture }) {
		const shots = [...(screenshots || []).map((shot) => shot.screenshotPath), ...errors.map((error) => error.screenshot)];
		const kept = [...new Set(shots)].map((file) => this.keepFile(file, "screenshot", "image/png", one)).filter(Boolean);
		const onFail = errors.map((error) => error.screenshot).find(Boolean);
		if (one.error && (onFail || kept.length > 0))
			one.error.screenshot = onFail ? this.nameOf(onFail) : kept[kept.length - 1];
		for (const video of videos || [])
			this.keepFile(video.videoPath, "video", "video/mp4", one);
		if (errors.length > 0)
			this.keepConsole(one);
		if (reportData.length > 0)
			this.data.push({ file: one.file, fixture: fixture.name, test: one.title, data: reportData });
		for (const text of warnings || [])
			this.ctx.warn(`${one.title}: ${text}`);
	}

	nameOf(file) {
		return path.relative(this.request.artifacts, file);
	}

	/* A file that TestCafe wrote below the artifacts; returns its name. */
	keepFile(file, kind, contentType, one) {
		const name = file && this.nameOf(file);
		if (!name || name.startsWith("..") || !fs.existsSync(file))
			return undefined;
		if (!this.names.has(name))
			this.ctx.artifact({ name, path: name, kind, contentType, case: one && one.id });
		this.names.add(name);
		return name;
	}

	keepConsole(one) {
		const lines = this.consoles.get(one.id);
		if (!lines)
			return;
		const file = path.join(this.request.artifacts, "console", `${slug(one.title)}-${slug(one.id)}.txt`);
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.writeFileSync(file, lines.map(({ level, text }) => `${level}: ${text}\n`).join(""));
		this.keepFile(file, "log", "text/plain", one);
	}

	onDone({ warnings }) {
		for (const text of warnings || []) {
			/* Which options win is told by the runner, in the job's words. */
			if (!/from the configuration file will be ignored/.test(text))
				this.ctx.warn(text);
		}
	}

	/* What is complete only after the process has ended. */
	keepReports() {
		for (const { name, contentType } of REPORTS)
			this.keepReport(name, contentType);
		if (this.data.length === 0)
			return;
		fs.writeFileSync(path.join(this.request.artifacts, DATA_FILE), JSON.stringify(this.data, null, "\t"));
		this.keepReport(DATA_FILE, "application/json");
	}

	keepReport(name, contentType) {
		const file = path.join(this.request.artifacts, name);
		if (fs.existsSync(file) && fs.statSync(file).size > 0)
			this.ctx.artifact({ name, path: name, kind: "report", contentType });
	}

	/* What the run comes to. end: {code, signal, output} of the process. */
	result(end) {
		const cases = [...this.cases.values()];
		return {
			...this.verdict(end, cases),
			cases: cases.map(({ source, reason, ...one }) => one),
			counts: count(cases),
			output: this.output(),
		};
	}

	output() {
		if (this.data.length === 0)
			return undefined;
		const isSmall = Buffer.byteLength(JSON.stringify(this.data)) <= DATA_OUTPUT_MAX;
		return isSmall ? { reportData: this.data } : { reportDataFile: DATA_FILE };
	}

	verdict(end, cases) {
		if (this.lost)
			return this.lossVerdict();
		if (this.failure)
			return this.failureVerdict();
		const failed = cases.filter((one) => one.status === "failed");
		if (failed.length > 0)
			return { outcome: "failed", reason: failed[0].reason, error: failed[0].error };
		if (!this.ended)
			return { outcome: "errored", reason: "runner_exited", error: this.exitError(end) };
		if (this.ended.failed > 0)
			return { outcome: "errored", reason: "testcafe",
				error: { message: `TestCafe counted ${this.ended.failed} failed tests, but reported none` } };
		return cases.some((one) => one.status !== "skipped")
			? { outcome: "passed" } : { outcome: "skipped", reason: "all_skipped" };
	}

	/* A browser that died at its work is lost and the run begins again; one that never came up is broken. */
	lossVerdict() {
		const during = this.runningTitles();
		return this.lost.wasOpen
			? { outcome: "lost", reason: "browser_disconnected", error: { message:
				`The browser is gone${during.length > 0 ? ` during: ${during.join(", ")}` : ""}` } }
			: { outcome: "errored", reason: "browser_launch", error: { message:
				"The browser ended before it had connected to TestCafe" } };
	}

	failureVerdict() {
		const reason = reasonOfFailure(this.failure);
		const error = shapeFailure(this.failure, this.root);
		if (reason === "no_tests")
			error.message += this.limits();
		return { outcome: reason === "browser_disconnected" ? "lost" : "errored", reason, error };
	}

	limits() {
		const { test } = this.request;
		const said = ["path", "grep", "testName", "fixture", "fixtureGrep", "meta", "fixtureMeta"]
			.filter((name) => test[name] !== undefined).map((name) => `${name} ${JSON.stringify(test[name])}`);
		return said.length > 0 ? ` (${said.join(", ")})` : "";
	}

	exitError({ code, signal, output }) {
		if (output.trim())
			return shapeFailure({ message: output.trim() }, this.root);
		return { message: signal ? `TestCafe was ended by ${signal}`
			: `TestCafe exited with code ${code} before its tests were done` };
	}

	/* The tests that were under way, for messages about an early end. */
	runningTitles() {
		return [...this.running].map((one) => [...one.path, one.title].join(" › "));
	}
}

/* The line of `test("title"` in a file, or undefined: TestCafe does not tell. */
function
lineOf(file, title)
{
	let text;
	try {
		text = fs.readFileSync(file, "utf8");
	} catch {
		return undefined;
	}
	const exact = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
	const match = new RegExp(`\\btest\\b[^\\n;]*?\\(?\\s*(["'\`])${exact}\\1`).exec(text);
	return match ? text.slice(0, match.index).split("\n").length : undefined;
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

/* A name for files and addresses: lower-case letters, digits, dash. Never empty. */
function
slug(text)
{
	const words = String(text).toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").slice(0, 60);
	return words.replace(/^-+|-+$/g, "") || "unnamed";
}

module.exports = { Collector, lineOf };

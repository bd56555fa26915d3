/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run from request to result: what to run (project.js) and how (options.js); then TestCafe in a
 * process of its own (process.js, host.js), told live by its reporter (reporter.js) and summed up
 * (collect.js).
 */
"use strict";

const { Collector } = require("./collect");
const { readOptions } = require("./options");
const { HostProcess } = require("./process");
const { chooseTestCafe, defaultSources, locate } = require("./project");
const { Refusal } = require("./refusal");

const STOP_GRACE_MS = 6000; /* below the worker's 10 s, so that the result still gets through */
const LEAVE_GRACE_MS = 1500;
const DEADLINE_MARGIN = 0.1; /* of timeoutMs, at most … */
const DEADLINE_MARGIN_MAX_MS = 3000;
/* What TestCafe wants to know before its runner exists. */
const INIT = ["disableNativeAutomation", "cache"];

async function
run(request, ctx)
{
	const project = locate(request);
	const testcafe = chooseTestCafe(project.root);
	const options = readOptions(request);
	if (options.unknown.length > 0)
		ctx.warn(`config: testcafe tests do not use ${options.unknown.join(", ")}`);
	if (testcafe.passed)
		ctx.warn(`the project's own TestCafe ${testcafe.passed} cannot be used, only versions 3.x; ${testcafe.version} is`);
	ctx.log("info", `TestCafe ${testcafe.version}${testcafe.isOwn ? " (the project's own)" : ""}`);
	return new Attempt({ request, ctx, project, testcafe, options }).run();
}

/* One start of TestCafe, with what may end it early: a cancel or the time limit. */
class Attempt {
	constructor(setting) {
		const { request, ctx, project } = setting;
		this.setting = setting;
		this.ending = null; /* why it is being stopped: {cancel} or {deadline} */
		this.startedAt = Date.now();
		this.collector = new Collector(request, ctx, project.root);
		this.host = new HostProcess(plan(setting),
			{ cwd: project.root, env: environment(request), dir: request.dir },
			(message) => this.collector.onMessage(message));
	}

	async run() {
		const release = this.guard();
		let end;
		try {
			end = await this.host.run();
		} finally {
			release();
		}
		this.collector.keepReports();
		return { ...this.conclude(this.collector.result(end)), timings: this.timings() };
	}

	/* The first reason counts. */
	stop(why, graceMs) {
		this.ending = this.ending || { ...why, running: this.collector.runningTitles() };
		this.host.stop(graceMs);
	}

	/* Watches for the cancel and the time limit until the returned function is called. */
	guard() {
		const { ctx, request } = this.setting;
		const onAbort = () => this.stop({ cancel: String(ctx.signal.reason) },
			ctx.isLeaving() ? LEAVE_GRACE_MS : STOP_GRACE_MS);
		ctx.signal.addEventListener("abort", onAbort, { once: true });
		if (ctx.signal.aborted)
			setImmediate(onAbort);
		const limit = request.timeoutMs;
		const margin = Math.min(limit * DEADLINE_MARGIN, DEADLINE_MARGIN_MAX_MS);
		const timer = limit > 0 && setTimeout(() => this.stop({ deadline: true }, margin / 2), limit - margin);
		return () => {
			clearTimeout(timer);
			ctx.signal.removeEventListener("abort", onAbort);
		};
	}

	conclude(result) {
		const { ending, collector } = this;
		if (ending && ending.cancel)
			return { ...result, outcome: "cancelled", reason: ending.cancel };
		if (!ending || !ending.deadline)
			return result;
		const during = ending.running.length > 0 ? ` during: ${ending.running.join(", ")}`
			: collector.done === 0 ? " before the first test began" : "";
		return { ...result, outcome: "timed_out", reason: "timeout",
			error: { message: `The run's time limit of ${this.setting.request.timeoutMs} ms passed${during}` } };
	}

	timings() {
		const now = Date.now();
		const { begunAt } = this.collector;
		return {
			totalMs: now - this.startedAt,
			loadMs: begunAt ? begunAt - this.startedAt : undefined,
			testsMs: begunAt ? now - begunAt : undefined,
		};
	}
}

/* What host.js is to do; JSON, because it goes to another process. */
function
plan({ request, project, testcafe, options })
{
	const own = { ...options.run };
	const init = {};
	for (const name of INIT) {
		if (Object.hasOwn(own, name))
			init[name] = own[name];
	}
	return {
		testcafe: testcafe.directory,
		configFile: project.configFile,
		sources: project.sources,
		defaultSources: defaultSources(project.root),
		browsers: options.browsers,
		filter: options.filter,
		init,
		run: own,
		screenshot: options.screenshot,
		video: options.video,
		artifacts: request.artifacts,
		reports: request.artifacts,
	};
}

function
environment(request)
{
	return { ...process.env, FORCE_COLOR: "0", ...ownVariables(request.test.env) };
}

function
ownVariables(env = {})
{
	if (env === null || typeof env !== "object" || Array.isArray(env))
		throw new Refusal("config", "env must be an object of names and values");
	return Object.fromEntries(Object.entries(env).map(([name, value]) => {
		const isScalar = ["string", "number", "boolean"].includes(typeof value);
		if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || !isScalar || String(value).includes("\0"))
			throw new Refusal("config", `env.${name} must be a text, number or boolean under a plain name`);
		return [name, String(value)];
	}));
}

module.exports = { run };

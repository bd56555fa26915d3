/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run from request to result: what to run (project.js), how (options.js), with which browser
 * (shim.js); then Playwright's command line (cli.js), told live by its reporter (reporter.js) and
 * summed up (collect.js).
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { Cli } = require("./cli");
const { BLOB, Collector, REPORT } = require("./collect");
const { readOptions } = require("./options");
const { bundledPlaywright, choosePlaywright, locate } = require("./project");
const { Refusal } = require("./refusal");
const { findPrograms, offered, shim } = require("./shim");
const { Spare, unwanted } = require("./spare");

const STOP_GRACE_MS = 6000; /* below the worker's 10 s, so that the result still gets through */
const LEAVE_GRACE_MS = 1500;
const DEADLINE_MARGIN = 0.1; /* of timeoutMs, at most … */
const DEADLINE_MARGIN_MAX_MS = 3000;
const BROWSERS = { chromium: "Chromium", firefox: "Firefox", webkit: "WebKit" };

let spare; /* for the next run; none on most roads to a surprise */

/*
 * Starts what the next run will need and can be had without knowing it. hello's members are those of
 * runner.md.
 */
function
prepare({ dir, cache })
{
	try {
		const playwright = dir && cache && bundledPlaywright();
		if (!playwright || unwanted(playwright))
			return;
		const request = { cache, dir, artifacts: dir, test: {} };
		const env = environment(request, prepareBrowsers(cache, playwright));
		const tmp = path.join(dir, "tmp");
		fs.mkdirSync(tmp, { recursive: true });
		spare = new Spare({
			playwright,
			env: { ...env, TMPDIR: tmp },
			cwd: request.dir,
			preload: preload(request, playwright),
		});
	} catch {
		spare = undefined; /* the run itself will say what is wrong */
	}
}

async function
run(request, ctx)
{
	const project = locate(request);
	const playwright = choosePlaywright(project.root);
	/* A script has no configuration of its own in which somebody could have asked for more. */
	const options = readOptions(request, project.configFile ? {} : { screenshot: "on-failure" });
	if (options.unknown.length > 0)
		ctx.warn(`config: playwright tests do not use ${options.unknown.join(", ")}`);
	const browsers = prepareBrowsers(request.cache, playwright);
	refuseTarget(request.target, browsers);
	ctx.log("info", `Playwright ${playwright.version}${playwright.isOwn ? " (the project's own)" : ""}`);

	const setting = { request, ctx, project, playwright, options, browsers };
	const first = await new Attempt(setting).run();
	if (!first.only)
		return first.result;
	const chosen = { ...options, args: [...options.args, ...first.only] };
	return (await new Attempt({ ...setting, options: chosen }).run()).result;
}

/* The browsers' folder: the operator's own when the environment names one, otherwise the shim. */
function
prepareBrowsers(cache, playwright)
{
	const own = process.env.PLAYWRIGHT_BROWSERS_PATH;
	const root = own || shim(playwright.coreDir, cache, findPrograms());
	return { root, names: offered(root) };
}

function
refuseTarget(target, browsers)
{
	if (Object.hasOwn(BROWSERS, String(target)) && target !== "chromium" && !browsers.names.has(target))
		throw new Refusal("browser_unavailable", `This worker has no ${BROWSERS[target]}; `
			+ "Playwright tests run in Debian's Chromium here");
}

/* One start of Playwright, with what may end it early: a cancel, the time limit, a hopeless case. */
class Attempt {
	constructor(setting) {
		this.setting = setting;
		this.ending = null; /* why it is being stopped: one of {cancel}, {deadline}, {fatal}, {refused, begun} */
		this.startedAt = Date.now();
		const { request, ctx, project } = setting;
		this.collector = new Collector(request, ctx, project.root, (reason) => this.stop({ fatal: reason }));
		this.cli = new Cli(plan(setting), (message) => this.onMessage(message));
	}

	/*
	 * Resolves to {result}, or to {only: arguments} when the project wants browsers that are not
	 * there and the run's target says which of its projects are meant.
	 */
	async run() {
		const release = this.guard();
		let end;
		try {
			end = await this.cli.run();
		} finally {
			release();
		}
		this.collector.keepReports();
		if (this.ending && this.ending.refused)
			return refusal(this.ending, this.setting.request);
		return { result: { ...this.conclude(this.collector.result(end)), timings: this.timings() } };
	}

	onMessage(message) {
		if (message.type === "begin") {
			const refused = refusedProjects(message, this.setting.browsers);
			/* Not a test is run of a project whose other half cannot be. */
			if (refused.length > 0)
				this.stop({ refused, begun: message }, 0);
		}
		return this.ending && this.ending.refused ? undefined : this.collector.onMessage(message);
	}

	/* The first reason counts. */
	stop(why, graceMs = STOP_GRACE_MS) {
		this.ending = this.ending || { ...why, running: this.collector.runningTitles() };
		this.cli.stop(graceMs);
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
		const message = `The run's time limit of ${this.setting.request.timeoutMs} ms passed`
			+ (ending.running.length > 0 ? ` during: ${ending.running.join(", ")}`
				: collector.done === 0 ? " before the first test began" : "")
			+ (collector.runningTitles().length > 0 ? "; it did not stop when asked" : "");
		return { ...result, outcome: "timed_out", reason: "timeout", error: { message } };
	}

	timings() {
		const now = Date.now();
		const { begun } = this.collector;
		return {
			totalMs: now - this.startedAt,
			loadMs: begun ? begun.at - this.startedAt : undefined,
			testsMs: begun ? now - begun.at : undefined,
		};
	}
}

function
refusedProjects({ projects }, browsers)
{
	/* Without any browser the launch itself says what to install, and tests without one can run. */
	return projects.filter(({ browser }) => browser !== "chromium" && !browsers.names.has(browser));
}

function
refusal({ refused, begun }, { target, test })
{
	const usable = begun.projects.filter((one) => !refused.includes(one));
	if (target === "chromium" && test.projectName === undefined && usable.length > 0)
		return { only: usable.map(({ name }) => `--project=${name}`) };
	const list = refused.map(({ name, browser }) => `${name ? `project "${name}" wants ` : ""}${BROWSERS[browser] || browser}`);
	throw new Refusal("browser_unavailable", `Not available on this worker: ${list.join(", ")}. `
		+ "Playwright tests run in Debian's Chromium here"
		+ (usable.length > 0 ? `; choose with projectName: ${usable.map(({ name }) => name).join(", ")}` : ""));
}

function
plan({ request, ctx, project, playwright, options, browsers })
{
	const reporters = [path.join(__dirname, "reporter.js"), "html", ...options.reporters];
	const args = ["test", `--reporter=${reporters}`,
		`--output=${path.join(request.dir, "results")}`, ...options.args, ...project.filters];
	if (project.configFile)
		args.push(`--config=${project.configFile}`);
	return {
		cli: playwright.cli,
		args,
		cwd: project.root,
		dir: request.dir,
		use: options.use,
		preload: preload(request, playwright),
		env: environment(request, browsers),
		spare: takeSpare(),
		note: (text) => ctx.log("debug", text),
	};
}

/* A spare serves one start; the second one of a run (Attempt.run) is plain. */
function
takeSpare()
{
	const taken = spare;
	spare = undefined;
	return taken;
}

function
preload({ cache }, { modules })
{
	return { modules, compiled: path.join(cache, "compiled") };
}

function
environment(request, browsers)
{
	const cache = path.join(request.cache, "transform");
	fs.mkdirSync(cache, { recursive: true });
	const report = path.join(request.artifacts, REPORT);
	return {
		...process.env,
		FORCE_COLOR: "0",
		...ownVariables(request.test.env),
		PLAYWRIGHT_BROWSERS_PATH: browsers.root,
		PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
		PLAYWRIGHT_HTML_OPEN: "never",
		PW_TEST_HTML_REPORT_OPEN: "never", /* the name before 1.45 */
		PLAYWRIGHT_HTML_OUTPUT_DIR: report,
		PLAYWRIGHT_HTML_REPORT: report, /* the name before 1.45 */
		PLAYWRIGHT_BLOB_OUTPUT_FILE: path.join(request.artifacts, BLOB),
		PWTEST_CACHE_DIR: cache,
		NODE_COMPILE_CACHE: path.join(request.cache, "compiled"), /* Node 22 and later */
	};
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

module.exports = { run, prepare };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that TestCafe lives in, one for each run: node -r loopback.js host.js PLAN.
 *
 * PLAN is a file with what to do (see plan() in run.js). Descriptor 3 carries messages both ways,
 * one JSON text a line: what the reporter says and how it ended go out, `stop` comes in.
 */
"use strict";

const fs = require("fs");
const net = require("net");
const path = require("path");
const { LineReader } = require("../kit");
const { sweep } = require("../sweep");
const { DEFAULT, adapt, machine } = require("./browsers");
const { reporter } = require("./reporter");
const { watchBrowsers } = require("./watch");

const LINE_MAX = 1024 * 1024;
const CONSOLE_LINES_MAX = 1000; /* of one test run */
const STOP_MS = 1000; /* for TestCafe to close its browsers */

/* Descriptor 3: send() resolves when the message has been taken. */
class Channel {
	constructor(onMessage, onGone) {
		this.socket = new net.Socket({ fd: 3, readable: true, writable: true });
		const lines = new LineReader(LINE_MAX, (line) => onMessage(JSON.parse(line)), onGone);
		this.socket.on("data", (chunk) => lines.push(chunk));
		this.socket.on("end", onGone);
		this.socket.on("error", onGone);
	}

	send(message) {
		return new Promise((resolve) => this.socket.write(JSON.stringify(message) + "\n", resolve));
	}
}

class Host {
	constructor(plan) {
		this.plan = plan;
		this.isStopping = false;
		this.files = new Map(); /* test's id → its file */
		this.channel = new Channel((message) => message.type === "stop" && this.stop(), () => this.abandon());
		this.send = (message) => this.channel.send(message);
	}

	async main() {
		try {
			await this.carryOut();
		} catch (error) {
			if (!this.isStopping)
				await this.send({ type: "failure", ...this.describe(this.causeOf(error)) });
		}
		await this.close();
		await this.send({ type: "bye" });
		process.exit(0);
	}

	async carryOut() {
		const { plan } = this;
		const create = require(plan.testcafe);
		/* isCli: the browsers of the configuration are looked for only when they are used. */
		this.testCafe = await create({ isCli: true, hostname: "127.0.0.1", ...plan.init,
			...(plan.configFile ? { configFile: plan.configFile } : {}) });
		this.own = (name) => this.testCafe.configuration.getOption(name);
		this.watchApp();
		const runner = this.testCafe.createRunner();
		await this.configure(runner);
		this.endWatch = watchBrowsers(plan.mark, () => Object.values(this.connections()),
			(facts) => this.onLost(facts));
		this.task = runner.run(plan.run);
		this.listen(runner);
		const failed = await this.task;
		this.endWatch();
		await this.send({ type: "end", failed });
	}

	/*
	 * An application that ends before the reporters know of a task makes TestCafe stumble over them
	 * and lose the application's own words, so these are kept here.
	 */
	watchApp() {
		let app;
		try {
			app = require(path.join(this.plan.testcafe, "lib/runner/tested-app")).prototype;
		} catch {
			return; /* another version: what it says itself has to do */
		}
		const { start } = app;
		const keep = (error) => {
			this.appError = this.appError || error;
		};
		app.start = async function (...args) {
			const started = start.apply(this, args);
			if (this.errorPromise)
				this.errorPromise.catch(keep);
			return started;
		};
	}

	connections() {
		const gateway = this.testCafe.browserConnectionGateway;
		return gateway && gateway.getConnections ? gateway.getConnections() : {};
	}

	async configure(runner) {
		const { plan, own } = this;
		const warnings = [];
		const here = machine();
		const names = plan.browsers || ownBrowsers(own("browsers")) || [DEFAULT];
		const browsers = names.map((name) => adapt(name, here, (text) => warnings.push(text)));

		runner.src(plan.sources || own("src") || plan.defaultSources)
			.browsers(browsers)
			.reporter([
				{ name: reporter(this.send, (id) => this.files.get(id)) },
				{ name: "spec", output: process.stdout },
				{ name: "json", output: path.join(plan.reports, "testcafe.json") },
				{ name: "xunit", output: path.join(plan.reports, "testcafe.xml") },
				...ownReporters(own("reporter")),
			])
			.screenshots(this.screenshots());
		this.setVideo(runner);
		const filter = filterOf(plan.filter, own("filter"));
		if (filter)
			runner.filter(filter);
		await this.send({ type: "ready", browsers, warnings: [...warnings, ...this.overridden()] });
	}

	screenshots() {
		const own = this.own("screenshots") || {};
		const { screenshot, artifacts } = this.plan;
		return {
			...own,
			path: path.join(artifacts, "screenshots"),
			takeOnFails: screenshot ? screenshot === "on-failure" : own.takeOnFails !== false,
			thumbnails: false,
		};
	}

	setVideo(runner) {
		const { video, artifacts } = this.plan;
		const isWanted = video ? video !== "off" : Boolean(this.own("videoPath"));
		if (isWanted)
			runner.video(path.join(artifacts, "videos"),
				{ ...this.own("videoOptions"), ...(video ? { failedOnly: video === "on-failure" } : {}) },
				this.own("videoEncodingOptions") || {});
	}

	/* What the project's configuration says and the job says otherwise. */
	overridden() {
		const { plan, own } = this;
		const names = Object.entries({ ...plan.run, browsers: plan.browsers, src: plan.sources })
			.filter(([name, value]) => value !== undefined && plan.configFile && own(name) !== undefined
				&& JSON.stringify(own(name)) !== JSON.stringify(value))
			.map(([name]) => name);
		const said = names.length > 0
			? [`config: the job's ${names.join(", ")} wins over ${path.basename(plan.configFile)}`] : [];
		const folder = own("screenshots") && own("screenshots").path;
		if (folder)
			said.push(`config: screenshots are kept with the run, not in ${folder}`);
		return said;
	}

	/*
	 * What reporters are not told: the files of the tests before they run, and what the pages wrote
	 * to their consoles. A TestCafe that keeps these elsewhere does without.
	 */
	listen(runner) {
		const bus = runner._messageBus;
		if (!bus || typeof bus.on !== "function")
			return;
		bus.on("start", (task) => {
			for (const { id, fixture } of task.tests || [])
				this.files.set(id, fixture && fixture.path);
		});
		bus.on("test-run-done", ({ id, test, consoleMessages }) => {
			const lines = consoleLines(consoleMessages);
			return lines.length > 0
				? this.send({ type: "console", id: test.id, testRunId: id, lines }) : undefined;
		});
	}

	/* Nothing more is waited for: what TestCafe would do now is to wait two minutes. */
	async onLost(facts) {
		if (this.isStopping)
			return;
		this.isStopping = true;
		await this.send({ type: "lost", ...facts });
		process.exit(0);
	}

	/* A cancelled run never settles in TestCafe: what is left after a moment is killed from outside. */
	async stop() {
		if (this.isStopping)
			return;
		this.isStopping = true;
		if (this.task) {
			const tooLong = new Promise((resolve) => setTimeout(resolve, STOP_MS));
			await Promise.race([this.task.cancel(), tooLong]).catch(() => {});
		}
		process.exit(0);
	}

	/* Whoever started this is gone: nobody wants the rest, and nobody else ends the browsers. */
	abandon() {
		sweep(this.plan.mark);
		process.kill(process.pid, "SIGKILL");
	}

	async close() {
		if (this.endWatch)
			this.endWatch();
		/* What a browser does at its end is its own affair; what is left of it is killed later. */
		if (this.testCafe)
			await this.testCafe.close().catch(() => {});
	}

	causeOf(error) {
		const isStumble = !error || error instanceof TypeError;
		return isStumble && this.appError ? this.appError : error;
	}

	/* A failed run by the name of TestCafe's error, which outlives its number. */
	describe(error) {
		let names = {};
		try {
			names = require(path.join(this.plan.testcafe, "lib/errors/types")).RUNTIME_ERRORS;
		} catch {
			/* Another version keeps them elsewhere: then only the text tells. */
		}
		const found = Object.entries(names).find(([, code]) => code === error.code);
		return {
			name: found && found[0],
			message: String((error && error.message) || error),
			stack: error && error.stack,
		};
	}
}

/* [{level, text}] over all windows of one test run. */
function
consoleLines(consoleMessages)
{
	if (!consoleMessages || typeof consoleMessages.getCopy !== "function")
		return [];
	return Object.values(consoleMessages.getCopy())
		.flatMap((levels) => Object.entries(levels).flatMap(([level, texts]) =>
			texts.map((text) => ({ level, text }))))
		.slice(0, CONSOLE_LINES_MAX);
}

function
ownBrowsers(value)
{
	const list = value === undefined || value === null ? [] : [value].flat();
	/* A text may name several, as on the command line. */
	const names = list.filter((one) => typeof one === "string" && one !== "");
	return names.length > 0 ? names : undefined;
}

/* The project's own reporters that write to a file or nowhere; standard output is ours. */
function
ownReporters(list)
{
	return (list || []).filter(({ name, output }) => output !== undefined
		|| !["spec", "list", "minimal", "json", "xunit", "dot"].includes(name));
}

function
filterOf(wanted, own)
{
	if (!wanted)
		return undefined;
	const grep = { ...wanted };
	for (const name of ["testGrep", "fixtureGrep"])
		grep[name] = wanted[name] && new RegExp(wanted[name]);
	const isPart = (part, whole = {}) => Object.entries(part || {}).every(([name, value]) => whole[name] === value);
	return async (testName, fixtureName, fixturePath, testMeta, fixtureMeta) =>
		(!grep.test || testName === grep.test) && (!grep.testGrep || grep.testGrep.test(testName))
		&& (!grep.fixture || fixtureName === grep.fixture) && (!grep.fixtureGrep || grep.fixtureGrep.test(fixtureName))
		&& isPart(grep.testMeta, testMeta) && isPart(grep.fixtureMeta, fixtureMeta)
		&& (typeof own !== "function" || Boolean(await own(testName, fixtureName, fixturePath, testMeta, fixtureMeta)));
}

if (require.main === module)
	new Host(JSON.parse(fs.readFileSync(process.argv[2], "utf8"))).main();

module.exports = { filterOf, ownReporters };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker process of a spare: loads what a worker of Playwright loads, waits for one message
 * {cwd, env, entry}, and is that worker from then on. Its channel closing instead is its end.
 */
"use strict";

const Module = require("module");
const { assume } = require("./spare-env");
const { entryOfWorkers, preload } = require("./spare-modules");

const library = process.argv[2];
const started = { ...process.env };

/* As in spare-main.js: a process without a run has nothing to keep. */
function
leave()
{
	process.removeAllListeners("exit");
	process.exit(0);
}

/*
 * At its end a worker tells which variables the tests have set; it compares with those that it
 * had when Playwright was loaded, which here was before it got its own.
 */
function
tellOwnVariables(before)
{
	const send = process.send;
	process.send = function (message, ...rest) {
		if (message && message.method === "__env_produced__") {
			const names = new Set([...Object.keys(before), ...Object.keys(process.env)]);
			const params = [...names].filter((name) => before[name] !== process.env[name])
				.map((name) => [name, process.env[name] ?? null]);
			return send.call(this, { ...message, params }, ...rest);
		}
		return send.call(this, message, ...rest);
	};
}

/* Its profile goes where everything of the run goes. */
function
startBrowser()
{
	try {
		const { chromium } = require(require.resolve("playwright-core", { paths: [library] }));
		require("./spare-browser").startEarly({ chromium }).catch(() => {});
	} catch {
		/* Then tests launch theirs. */
	}
}

process.once("disconnect", leave);
process.once("message", ({ cwd, env, entry }) => {
	process.off("disconnect", leave);
	process.chdir(cwd);
	assume(started, env);
	tellOwnVariables({ ...process.env });
	process.argv = [process.argv[0], entry];
	/* It says that it is ready at once, so it must not be loaded before it is. */
	Module._load(entry, null, true);
});
preload(library, "worker", entryOfWorkers(library));
if (process.argv[3] === "browser")
	startBrowser();

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is worth being loaded early of Playwright 1.61.0. Its package lets nobody require these
 * files by name, so they are required by their place.
 */
"use strict";

const path = require("path");
const Module = require("module");

/* A worker process gets what the command line has transformed, and hardly ever needs Babel itself. */
const BOTH = ["common/index.js", "index.js", "matchers/expect.js", "../test.js"];
const FILES = {
	runner: ["program.js", "runner/index.js", "transform/babelBundle.js", ...BOTH],
	worker: BOTH,
};

/* What it registers in Node's loader thread, before it reads a configuration. */
const LOADER = "transform/esmLoader.js";

/* The folder lib/ of the package `playwright` behind a command line (of it, or @playwright/test). */
function
libraries(cli)
{
	return path.join(path.dirname(Module.createRequire(cli).resolve("playwright/package.json")), "lib");
}

/* What Playwright forks to have a worker process. */
function
entryOfWorkers(library)
{
	return path.join(library, "worker/workerProcessEntry.js");
}

/* The first test to be transformed otherwise pays for Babel's plugins. */
const SAMPLE = "import { test } from 'x'; type T = { a?: number }; test('s', async ({ page }) => {"
	+ " const b = page as unknown as T; await test.step(`${b?.a ?? 1}`, async () => {}); });";

/*
 * Loads what there is, for "runner" or "worker", as if `main` had asked for it: Node names that file
 * when a test imports what is not there. What fails is met again when it is needed.
 */
function
preload(library, part, main)
{
	const parent = new Module(main);

	parent.filename = main;
	for (const file of FILES[part])
		attempt(() => Module._load(path.join(library, file), parent, false));
	if (part === "runner")
		attempt(() => require(path.join(library, "transform/babelBundle.js"))
			.babelTransform(SAMPLE, "/sample.spec.ts", false, [], []));
}

function
attempt(load)
{
	try {
		load();
	} catch {
		/* This is an advance, not the thing itself. */
	}
}

module.exports = { libraries, preload, entryOfWorkers, LOADER };

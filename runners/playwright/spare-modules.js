/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is worth being loaded early of Playwright 1.61.0. Its package lets nobody require these
 * files by name, so they are required by their place.
 */
"use strict";

const path = require("path");
const { createRequire } = require("module");

const FILES = {
	both: ["common/index.js", "index.js", "matchers/expect.js", "transform/babelBundle.js", "../test.js"],
	runner: ["runner/index.js", "program.js"],
	worker: [],
};

/* What it registers in Node's loader thread, before it reads a configuration. */
const LOADER = "transform/esmLoader.js";

/* The folder lib/ of the package `playwright` behind a command line (of it, or @playwright/test). */
function
libraries(cli)
{
	return path.join(path.dirname(createRequire(cli).resolve("playwright/package.json")), "lib");
}

/* The first test to be transformed otherwise pays for Babel's plugins. */
const SAMPLE = "import { test } from 'x'; type T = { a?: number }; test('s', async ({ page }) => {"
	+ " const b = page as unknown as T; await test.step(`${b?.a ?? 1}`, async () => {}); });";

/* Loads what there is, for "runner" or "worker". What fails is met again when it is needed. */
function
preload(library, part)
{
	for (const file of [...FILES.both, ...FILES[part]])
		attempt(() => require(path.join(library, file)));
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

module.exports = { libraries, preload, LOADER };

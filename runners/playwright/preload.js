/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded (node -r) before Playwright's command line and its worker processes. PROCTOR_PRELOAD holds
 * {modules?, compiled?, early?}.
 *
 * modules is there when a project has no Playwright of its own: `@playwright/test` then resolves to
 * ours in that folder, after everything that the project itself can offer. It must be the very
 * copy that the command line runs from, because Playwright refuses to work with two. ES modules
 * are resolved in a thread of older versions of Node, which Playwright starts in any case; early is a
 * file that this thread loads at once. compiled is where compile-cache.js keeps its entries.
 */
"use strict";

const Module = require("module");
const path = require("path");
const { pathToFileURL } = require("url");

const { modules, compiled, early } = JSON.parse(process.env.PROCTOR_PRELOAD || "{}");
const OURS = /^(@playwright\/test|playwright|playwright-core)(\/|$)/;

/* Node reads NODE_PATH only here; the variable itself stays as it was for the test's children. */
function
extendRequire()
{
	const before = process.env.NODE_PATH;
	process.env.NODE_PATH = before ? before + path.delimiter + modules : modules;
	Module._initPaths();
	if (before === undefined)
		delete process.env.NODE_PATH;
	else
		process.env.NODE_PATH = before;
}

function
extendImport()
{
	const parent = pathToFileURL(path.join(path.dirname(modules), "index.js")).href;
	if (Module.registerHooks)
		Module.registerHooks({ resolve: resolver(parent) });
	else if (Module.register)
		Module.register(pathToFileURL(path.join(__dirname, "resolve.mjs")), { data: { parent, early } });
}

function
resolver(parent)
{
	return (specifier, context, nextResolve) => {
		try {
			return nextResolve(specifier, context);
		} catch (error) {
			if (!OURS.test(specifier))
				throw error;
			return nextResolve(specifier, { ...context, parentURL: parent });
		}
	};
}

if (compiled && !Module.enableCompileCache)
	require("./compile-cache").install(compiled, Boolean(modules));
if (modules) {
	extendRequire();
	extendImport();
}

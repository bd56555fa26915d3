/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out what a test of kind `playwright` means on this machine: the project's root, which of
 * its files to run, and which Playwright carries them out. Nothing outside the run's own directory
 * is written.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");
const { Refusal } = require("./refusal");

const CONFIG_NAMES = ["ts", "js", "mts", "mjs", "cts", "cjs"].map((ext) => `playwright.config.${ext}`);
const SCRIPT_BYTES_MAX = 1024 * 1024;
const PATHS_MAX = 1000;

/*
 * Returns {root, configFile?, filters}: the working directory, the configuration's file
 * when there is one, and the filters that Playwright's command line takes.
 */
function
locate(request)
{
	const { test } = request;
	if (typeof test.script === "string")
		return locateScript(request);
	if (request.files)
		return locatePath(test.path ? inside(request.files, test.path) : request.files, test.paths, request.files);
	if (typeof test.path === "string" && path.isAbsolute(test.path))
		return locatePath(test.path, test.paths);
	throw new Refusal("config", test.path === undefined
		? "a playwright test needs one of: script, bundle, path"
		: `path must be absolute: ${JSON.stringify(test.path)}`);
}

function
locateScript({ test, dir })
{
	if (Buffer.byteLength(test.script) > SCRIPT_BYTES_MAX)
		throw new Refusal("config", "the script is longer than 1 MiB; send it as a bundle");
	const root = path.join(dir, "script");
	fs.mkdirSync(root, { recursive: true });
	fs.writeFileSync(path.join(root, `${slug(test.name || "script", 60)}.spec.ts`), test.script);
	return { root, configFile: undefined, filters: [] };
}

/* A path from a bundle's test must not lead out of the bundle. */
function
inside(root, name)
{
	const full = path.resolve(root, name);
	if (full !== root && !full.startsWith(root + path.sep))
		throw new Refusal("config", `path leads out of the bundle: ${name}`);
	return full;
}

function
locatePath(start, paths, top)
{
	const first = splitLine(start);
	const info = statOrRefuse(first.file);
	const directory = info.isDirectory() ? first.file : path.dirname(first.file);
	const configFile = findConfig(directory, top);
	const root = configFile ? path.dirname(configFile) : directory;

	const targets = paths === undefined ? [start] : checkPaths(paths, directory, root);
	const filters = targets.map(filterFor).filter((filter) => filter !== filterFor(root));
	return { root, configFile, filters };
}

/* Relative to the path, or to the configuration above it. */
function
checkPaths(paths, directory, root)
{
	if (!Array.isArray(paths) || paths.length === 0 || paths.length > PATHS_MAX)
		throw new Refusal("config", `paths must be a list of 1 to ${PATHS_MAX} files`);
	return paths.map((name) => [directory, root].map((base) => path.resolve(base, String(name)))
		.find((full) => fs.existsSync(splitLine(full).file)) || path.resolve(directory, String(name)));
}

/* Playwright matches filters as regular expressions against absolute paths; `:line` may follow. */
function
filterFor(target)
{
	const { file, suffix } = splitLine(target);
	const info = statOrRefuse(file);
	const exact = fs.realpathSync(file).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
	return info.isDirectory() ? `^${exact}/` : `^${exact}$${suffix}`;
}

function
splitLine(target)
{
	const match = /^(.+?)(:\d+(?::\d+)?)$/.exec(target);
	if (match && !fs.existsSync(target))
		return { file: match[1], suffix: match[2] };
	return { file: target, suffix: "" };
}

function
statOrRefuse(file)
{
	try {
		return fs.statSync(file);
	} catch (error) {
		throw new Refusal("config", error.code === "ENOENT"
			? `${file}: there is no such file or folder`
			: `cannot read ${file}: ${error.code}`);
	}
}

/* The nearest configuration at or above directory; not beyond a repository's or bundle's top. */
function
findConfig(directory, top)
{
	for (let at = directory; ; at = path.dirname(at)) {
		for (const name of CONFIG_NAMES) {
			if (fs.existsSync(path.join(at, name)))
				return path.join(at, name);
		}
		if (at === top || at === path.dirname(at) || fs.existsSync(path.join(at, ".git")))
			return undefined;
	}
}

function
readJson(file)
{
	try {
		return JSON.parse(fs.readFileSync(file, "utf8"));
	} catch {
		return undefined;
	}
}

/*
 * Chooses the Playwright: the project's own when there is one at or above root, otherwise ours.
 * Returns {cli, version, coreDir, isOwn, modules?}; modules is the folder that files of a project
 * without an own Playwright find theirs in.
 */
function
choosePlaywright(root)
{
	for (let at = root; ; at = path.dirname(at)) {
		for (const name of ["@playwright/test", "playwright"]) {
			const directory = path.join(at, "node_modules", name);
			if (fs.existsSync(path.join(directory, "cli.js")))
				return { ...describe(directory), isOwn: true };
		}
		if (at === path.dirname(at))
			return bundledPlaywright();
	}
}

function
bundledPlaywright()
{
	let manifest;
	try {
		manifest = require.resolve("@playwright/test/package.json");
	} catch {
		throw new Refusal("playwright_missing",
			`Playwright is not installed beside the runner; run: npm ci --prefix ${__dirname}`);
	}
	const directory = path.dirname(manifest);
	return { ...describe(directory), isOwn: false, modules: path.resolve(directory, "../..") };
}

function
describe(directory)
{
	const real = fs.realpathSync(directory);
	const manifest = readJson(path.join(real, "package.json"));
	return {
		cli: path.join(real, "cli.js"),
		version: manifest ? manifest.version : "unknown",
		coreDir: findCore(path.join(real, "package.json")),
	};
}

/* @playwright/test → playwright → playwright-core; package managers nest them in several ways. */
function
findCore(manifest)
{
	for (const name of ["playwright", "playwright-core"]) {
		try {
			manifest = createRequire(manifest).resolve(`${name}/package.json`);
		} catch {
			/* Old versions have no `playwright` in between. */
		}
	}
	if (!fs.existsSync(path.join(path.dirname(manifest), "browsers.json")))
		throw new Refusal("config", `the project's Playwright is incomplete: no playwright-core for ${manifest}`);
	return path.dirname(manifest);
}

/* A name for files and addresses: lower-case letters, digits, dot, dash. Never empty. */
function
slug(text, max)
{
	const plain = String(text).toLowerCase().replace(/ß/g, "ss").normalize("NFKD")
		.replace(/[\u0300-\u036f]/g, "")
		.replace(/[^a-z0-9.]+/g, "-")
		.replace(/(?<![a-z0-9])[-.]*\.[-.]*|[-.]*\.[-.]*(?![a-z0-9])/g, "-") /* dots only inside words */
		.replace(/-{2,}/g, "-")
		.slice(0, max)
		.replace(/^[-.]+|[-.]+$/g, "");
	return plain || "unnamed";
}

module.exports = { locate, choosePlaywright, bundledPlaywright, slug };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out what a test of kind `testcafe` means on this machine: the project's root, its
 * configuration, which files to run, and which TestCafe carries them out.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { Refusal } = require("./refusal");

const CONFIG_NAMES = ["js", "json", "cjs"].map((extension) => `.testcaferc.${extension}`);
const DEFAULT_FOLDERS = ["tests", "test"]; /* what TestCafe takes when nobody names files */
const PATHS_MAX = 1000;
const MAJOR = 3; /* other major versions have another API */

/*
 * Returns {root, configFile?, sources}: the working directory, the configuration's file when there
 * is one, and the files and folders to run; sources is undefined when the configuration decides.
 */
function
locate(request)
{
	const { test } = request;
	if (request.files)
		return locatePath(test.path ? inside(request.files, test.path) : request.files, test.paths, request.files);
	if (typeof test.path === "string" && path.isAbsolute(test.path))
		return locatePath(test.path, test.paths);
	throw new Refusal("config", test.path === undefined
		? "a testcafe test needs one of: bundle, path"
		: `path must be absolute: ${JSON.stringify(test.path)}`);
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
	const directory = statOrRefuse(start).isDirectory() ? start : path.dirname(start);
	const isConfig = CONFIG_NAMES.includes(path.basename(start));
	const configFile = isConfig ? start : findConfig(directory, top);
	const root = configFile ? path.dirname(configFile) : findManifest(directory, top) || directory;

	if (paths !== undefined)
		return { root, configFile, sources: checkPaths(paths, directory, top) };
	if (!isConfig && (start !== root || !configFile))
		return { root, configFile, sources: [start] };
	return { root, configFile, sources: undefined };
}

function
checkPaths(paths, directory, top)
{
	if (!Array.isArray(paths) || paths.length === 0 || paths.length > PATHS_MAX)
		throw new Refusal("config", `paths must be a list of 1 to ${PATHS_MAX} files`);
	return paths.map((name) => {
		const full = top ? inside(top, path.relative(top, path.resolve(directory, String(name))))
			: path.resolve(directory, String(name));
		statOrRefuse(full);
		return full;
	});
}

/* For a project whose configuration names no files: TestCafe's own folders, else all of it. */
function
defaultSources(root)
{
	const found = DEFAULT_FOLDERS.map((name) => path.join(root, name)).filter((name) => fs.existsSync(name));
	return found.length > 0 ? found : [root];
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
	return findUpwards(directory, top, (at) => CONFIG_NAMES.map((name) => path.join(at, name)).find(fs.existsSync));
}

function
findManifest(directory, top)
{
	return findUpwards(directory, top, (at) => fs.existsSync(path.join(at, "package.json")) ? at : undefined);
}

function
findUpwards(directory, top, look)
{
	for (let at = directory; ; at = path.dirname(at)) {
		const found = look(at);
		if (found)
			return found;
		if (at === top || at === path.dirname(at) || fs.existsSync(path.join(at, ".git")))
			return undefined;
	}
}

/*
 * Chooses the TestCafe: the project's own when it is of version 3, otherwise ours.
 * Returns {directory, version, isOwn, passed?}; passed is an own version that cannot be used.
 */
function
chooseTestCafe(root)
{
	let passed;
	for (let at = root; at !== path.dirname(at); at = path.dirname(at)) {
		const directory = path.join(at, "node_modules", "testcafe");
		const version = versionOf(directory);
		if (version && Number.parseInt(version, 10) === MAJOR)
			return { directory: fs.realpathSync(directory), version, isOwn: true };
		passed = passed || version;
	}
	const directory = path.join(__dirname, "node_modules", "testcafe");
	const version = versionOf(directory);
	if (!version)
		throw new Refusal("testcafe_missing",
			`TestCafe is not installed beside the runner; run: npm ci --prefix ${__dirname}`);
	return { directory, version, isOwn: false, passed };
}

function
versionOf(directory)
{
	try {
		return String(JSON.parse(fs.readFileSync(path.join(directory, "package.json"), "utf8")).version);
	} catch {
		return undefined;
	}
}

module.exports = { locate, chooseTestCafe, defaultSources };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets an unmodified Playwright project use the distribution's browser.
 *
 * Playwright looks for its own downloads below PLAYWRIGHT_BROWSERS_PATH, in folders named after
 * revisions that its browsers.json lists. shim() makes such a folder in the cache, with links to
 * Debian's headless shell, Chromium and ffmpeg. The folder's name is a digest of what it holds, it
 * is made under a temporary name and renamed: two runners that make it at once cannot disturb each
 * other, and a new browser or another Playwright gets a new folder.
 */
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

/* The ELF files, not Debian's wrapper scripts: those add flags of their own. */
const CANDIDATES = {
	"chromium-headless-shell": [
		"/usr/lib/chromium/chromium-headless-shell",
		"/usr/lib/chromium/headless_shell",
		"/usr/bin/chromium-headless-shell",
	],
	chromium: ["/usr/lib/chromium/chromium", "/usr/bin/chromium"],
	ffmpeg: ["/usr/bin/ffmpeg"],
};

/*
 * Where Playwright expects each file below <name>_<revision>/. It changed over the years, so every
 * known place is linked; a project's own older or newer version finds the one it asks for.
 */
const PLACES = {
	"chromium-headless-shell": [
		"chrome-headless-shell-linux64/chrome-headless-shell",
		"chrome-linux/headless_shell",
	],
	chromium: ["chrome-linux64/chrome", "chrome-linux/chrome"],
	ffmpeg: ["ffmpeg-linux"],
};

const FAR_FUTURE = new Date("2100-01-01T00:00:00Z");

/* Finds the machine's programs: name → path, absent when not installed. */
function
findPrograms(env = process.env)
{
	const found = {};
	for (const [name, paths] of Object.entries(CANDIDATES)) {
		const own = env[`PROCTOR_${name.toUpperCase().replace(/-/g, "_")}`];
		const program = (own ? [own] : paths).find(isExecutable);
		if (program)
			found[name] = program;
	}
	/* Full Chromium does the headless shell's work too, at about three times the cost. */
	if (!found["chromium-headless-shell"] && found.chromium)
		found["chromium-headless-shell"] = found.chromium;
	return found;
}

function
isExecutable(file)
{
	try {
		fs.accessSync(file, fs.constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/*
 * Makes (or finds) the folder for the Playwright whose playwright-core is in coreDir, below cache.
 * Returns the value for PLAYWRIGHT_BROWSERS_PATH.
 */
function
shim(coreDir, cache, programs)
{
	const wanted = plan(coreDir, programs);
	const digest = crypto.createHash("sha256").update(JSON.stringify(wanted)).digest("hex").slice(0, 16);
	const root = path.join(cache, "browsers", digest);
	if (isComplete(root, wanted))
		return root;
	build(root, wanted);
	return root;
}

/* [[directory, [[link, target], …]], …] for every program of the machine that this version uses. */
function
plan(coreDir, programs)
{
	const { browsers } = JSON.parse(fs.readFileSync(path.join(coreDir, "browsers.json"), "utf8"));
	const wanted = [];
	for (const { name, revision } of browsers) {
		if (programs[name])
			wanted.push([directoryName(name, revision), PLACES[name].map((place) => [place, programs[name]])]);
	}
	/* Before the headless shell had an entry of its own it shared Chromium's revision. */
	const shell = programs["chromium-headless-shell"];
	if (shell && !browsers.some(({ name }) => name === "chromium-headless-shell")) {
		const chromium = browsers.find(({ name }) => name === "chromium");
		wanted.push([directoryName("chromium", chromium.revision), PLACES.chromium.map((place) => [place, shell])]);
	}
	return wanted;
}

function
directoryName(name, revision)
{
	return `${name.replace(/-/g, "_")}-${revision}`;
}

/* A cache may lose files at any time, so the links themselves are looked at, not a mark. */
function
isComplete(root, wanted)
{
	return wanted.every(([directory, links]) =>
		links.every(([place]) => fs.existsSync(path.join(root, directory, place))));
}

function
build(root, wanted)
{
	fs.mkdirSync(path.dirname(root), { recursive: true });
	const draft = fs.mkdtempSync(root + ".");
	for (const [directory, links] of wanted) {
		for (const [place, target] of links) {
			const link = path.join(draft, directory, place);
			fs.mkdirSync(path.dirname(link), { recursive: true });
			fs.symlinkSync(target, link);
		}
		fs.writeFileSync(path.join(draft, directory, "INSTALLATION_COMPLETE"), "");
		/* Playwright checks shared libraries every 30 days; the distribution has seen to them. */
		const validated = path.join(draft, directory, "DEPENDENCIES_VALIDATED");
		fs.writeFileSync(validated, "");
		fs.utimesSync(validated, FAR_FUTURE, FAR_FUTURE);
	}
	fs.chmodSync(draft, 0o755);
	publish(draft, root);
}

function
publish(draft, root)
{
	try {
		fs.renameSync(draft, root);
	} catch (error) {
		if (!["ENOTEMPTY", "EEXIST"].includes(error.code))
			throw error;
		/* Somebody was faster, or the cache has lost parts of an old one: fill in what is not there. */
		copyMissing(draft, root);
		fs.rmSync(draft, { recursive: true, force: true });
	}
}

function
copyMissing(from, to)
{
	for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
		const source = path.join(from, entry.name);
		const target = path.join(to, entry.name);
		if (entry.isDirectory()) {
			fs.mkdirSync(target, { recursive: true });
			copyMissing(source, target);
		} else {
			renameIfFree(source, target);
		}
	}
}

function
renameIfFree(source, target)
{
	if (!fs.existsSync(target))
		fs.renameSync(source, target);
}

/* The browsers ("chromium", "firefox", "webkit") that a browsers path offers. */
function
offered(root)
{
	const names = new Set();
	for (const entry of readNames(root)) {
		const match = /^(chromium|firefox|webkit)(?:_headless_shell)?-\d/.exec(entry);
		if (match)
			names.add(match[1]);
	}
	return names;
}

function
readNames(directory)
{
	try {
		return fs.readdirSync(directory);
	} catch {
		return [];
	}
}

module.exports = { findPrograms, shim, offered };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the browsers that a suite names into ones that this machine has: Chrome and Chromium are
 * Debian's Chromium, without a window where there is no display. Other names stay as they are.
 */
"use strict";

const fs = require("fs");
const path = require("path");

const DEFAULT = "chromium:headless";
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/chromium-headless-shell"];
const CHROME = ["google-chrome", "google-chrome-stable", "chrome"];
const ALIAS = /^(chrome|chromium)(?=$|[: ])/;
const SHM_BYTES_MIN = 256 * 1024 * 1024; /* Chromium's renderers need about this much */
const QUIET = ["--disable-component-update", "--disable-domain-reliability"];

/* Path of the machine's Chromium, or undefined. */
function
findChromium(env = process.env)
{
	return (env.PROCTOR_CHROMIUM ? [env.PROCTOR_CHROMIUM] : CHROMIUM).find(isExecutable);
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

/* What is particular about this machine: {chromium?, hasChrome, hasDisplay, isRoot, hasShm}. */
function
machine(env = process.env)
{
	const folders = (env.PATH || "").split(path.delimiter);
	return {
		chromium: findChromium(env),
		hasChrome: CHROME.some((name) => folders.some((folder) => isExecutable(path.join(folder, name)))),
		hasDisplay: Boolean(env.DISPLAY || env.WAYLAND_DISPLAY),
		isRoot: process.getuid() === 0,
		hasShm: shmBytes() >= SHM_BYTES_MIN,
	};
}

function
shmBytes()
{
	try {
		const { bavail, bsize } = fs.statfsSync("/dev/shm");
		return bavail * bsize;
	} catch {
		return 0;
	}
}

/*
 * One of TestCafe's browser texts ("chrome:headless --flag") for this machine. Calls warn with
 * what is different from what was asked for.
 */
function
adapt(text, here, warn)
{
	const match = ALIAS.exec(text);
	if (!match)
		return text;
	const [modes, ...flags] = text.split(" ");
	const parts = modes.split(":");
	const alias = parts.shift();
	const isMissing = alias === "chrome" && !here.hasChrome;
	if (isMissing && here.chromium)
		warn(`"${text}": Chrome is not installed here; Chromium takes its place`);
	if (!here.hasDisplay && !parts.includes("headless") && !flags.includes("--headless")) {
		warn(`"${text}": there is no display here; the browser runs headless`);
		parts.splice(parts[0] && parts[0].startsWith("/") ? 1 : 0, 0, "headless");
	}
	/* An own path in the text wins; TestCafe itself looks for the alias in $PATH. */
	const hasPath = Boolean(parts[0] && parts[0].startsWith("/"));
	if ((alias === "chromium" || isMissing) && here.chromium && !hasPath)
		parts.unshift(here.chromium);
	const name = isMissing && here.chromium ? "chromium" : alias;
	return [[name, ...parts].join(":"), ...flags, ...ownFlags(flags, here)].join(" ");
}

/* The sandbox does not work for root; a small /dev/shm ends Chromium in the middle of a page. */
function
ownFlags(flags, here)
{
	const own = [...QUIET];
	if (here.isRoot)
		own.push("--no-sandbox");
	if (!here.hasShm)
		own.push("--disable-dev-shm-usage");
	return own.filter((flag) => !flags.includes(flag));
}

module.exports = { DEFAULT, adapt, findChromium, machine };

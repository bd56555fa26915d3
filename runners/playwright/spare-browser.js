/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The browser of a spare's worker process, started before a test asks for one.
 *
 * Nobody is told to connect to it. Playwright itself is asked to launch its default browser, and at
 * the moment when it would start the process its command line is kept, the launch fails, and the
 * process is started here. When a test's launch then wants a process with the very same command
 * line and no variable that a browser looks at has changed, it is given that one, and everything else
 * is Playwright's own work as ever. Any other wish is carried out as it is, and the process is ended.
 */
"use strict";

const childProcess = require("child_process");
const fs = require("fs");
const { isDeepStrictEqual } = require("util");

const SEEN_BY_BROWSERS = /^(TZ|LANG|LANGUAGE|LC_|HOME$|TMPDIR$|PATH$|DISPLAY|WAYLAND|XDG_|DBUS_|FONTCONFIG|CHROM|GOOGLE_|SSL|NSS|LD_|GTK_|GDK_|LIBGL|MESA|ASAN|PULSE)|proxy/i;
const PROFILE = /^--user-data-dir=(.*)$/;

/* Resolves when it is started, or when it is clear that there will be none. */
async function
startEarly({ chromium })
{
	const found = await captureLaunch(chromium);
	if (!found)
		return;
	const child = childProcess.spawn(found.command, found.args, found.options);
	const profile = found.args.map((arg) => PROFILE.exec(arg)).find(Boolean);
	child.on("error", () => {});
	for (const one of [child, ...child.stdio])
		one && one.unref();
	lend({ ...found, child, profile: profile && profile[1] });
}

/* What Playwright would start: {command, args, options}. */
async function
captureLaunch(chromium)
{
	const { spawn } = childProcess;
	let found;
	childProcess.spawn = function (command, args, options) {
		found = { command, args, options: { ...options, env: { ...options.env } } };
		throw new Error("not now");
	};
	try {
		/* As the browser fixture does. */
		await chromium.launch({ handleSIGINT: false, headless: true });
	} catch {
		/* That it fails is the point. */
	} finally {
		childProcess.spawn = spawn;
	}
	return found;
}

function
lend(spare)
{
	const { spawn } = childProcess;

	childProcess.spawn = function (command, args, options, ...rest) {
		if (command !== spare.command)
			return spawn.call(this, command, args, options, ...rest);
		childProcess.spawn = spawn;
		if (!suits(spare, args, options)) {
			end(spare);
			return spawn.call(this, command, args, options, ...rest);
		}
		for (const one of [spare.child, ...spare.child.stdio])
			one && one.ref();
		return spare.child;
	};
}

function
suits({ child, args, options, profile }, wantedArgs, wanted)
{
	const { env, ...others } = options;
	const { env: wantedEnv, ...wantedOthers } = wanted;
	const isSameProfileKind = wantedArgs.filter((arg) => PROFILE.test(arg)).length === 1;

	return child.pid !== undefined && child.exitCode === null && child.signalCode === null
		&& isSameProfileKind && fs.existsSync(profile)
		&& isDeepStrictEqual(withoutProfile(args), withoutProfile(wantedArgs))
		&& isDeepStrictEqual(others, wantedOthers)
		&& !seesADifference(env, wantedEnv);
}

/* A fresh, empty folder either way; but not the one of a test that keeps its own. */
function
withoutProfile(args)
{
	return args.map((arg) => {
		const match = PROFILE.exec(arg);
		return match && /playwright_chromiumdev_profile-\w+$/.test(match[1]) ? "--user-data-dir" : arg;
	});
}

function
seesADifference(before, after)
{
	return [...new Set([...Object.keys(before), ...Object.keys(after)])]
		.some((name) => before[name] !== after[name] && SEEN_BY_BROWSERS.test(name));
}

function
end({ child })
{
	try {
		process.kill(-child.pid, "SIGKILL");
	} catch {
		/* Gone already. */
	}
}

module.exports = { startEarly };

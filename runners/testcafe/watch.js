/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices a browser that dies. TestCafe waits two minutes for a heartbeat before it believes so;
 * here the processes themselves are looked at.
 *
 * A browser's process is one that carries the run's mark, has a debugging port and is no child of
 * another browser. One that was seen and is gone is lost when fewer are left than TestCafe has
 * connections that it is not closing.
 */
"use strict";

const fs = require("fs");
const { marked } = require("../sweep");

const INTERVAL_MS = 200;
const SHELLS = new Set(["sh", "dash", "bash"]);

/* Every browser process of the run: the shell that starts one has the same words on its line. */
function
browserPids(mark)
{
	return marked(mark).filter((pid) => {
		try {
			const words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
			return words.some((word) => word.startsWith("--remote-debugging-port="))
				&& !words.some((word) => word.startsWith("--type="))
				&& !SHELLS.has(fs.readlinkSync(`/proc/${pid}/exe`).split("/").pop());
		} catch {
			return false;
		}
	});
}

function
isAlive(pid)
{
	try {
		/* The state stands behind the name, which may hold anything, spaces and brackets too. */
		const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
		return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
	} catch {
		return false;
	}
}

/*
 * Calls onLost({wasOpen}) once when a browser has died. connections() gives TestCafe's connections.
 * Returns a function that ends the watch.
 */
function
watchBrowsers(mark, connections, onLost)
{
	const seen = new Set();
	let wasOpen = false;

	function
	look()
	{
		const open = connections().filter(({ status }) => !["closing", "closed"].includes(status));
		wasOpen = wasOpen || open.some(({ status }) => status === "opened");
		if (open.length === 0)
			return;
		/* Looking through all processes is only needed until each connection has its browser. */
		if ([...seen].filter(isAlive).length < open.length)
			browserPids(mark).forEach((pid) => seen.add(pid));
		const alive = [...seen].filter(isAlive).length;
		if (seen.size > alive && alive < open.length) {
			clearInterval(timer);
			onLost({ wasOpen });
		}
	}

	const timer = setInterval(look, INTERVAL_MS);
	timer.unref();
	return () => clearInterval(timer);
}

module.exports = { watchBrowsers, browserPids, isAlive };

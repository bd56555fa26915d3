/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and kills what a run has left behind.
 *
 * Playwright and TestCafe start browsers and web servers in sessions of their own, so the process
 * group does not hold them together. What does is the environment: every process that a run starts
 * inherits a mark, whoever its parent is by now. A process that clears its environment escapes
 * this; the worker's control group is for that.
 */
"use strict";

const fs = require("fs");

const MARK = "PROCTOR_RUN_MARK";
const ROUNDS = 5;

/* Kills every process that carries the mark, but this one. Returns how many there were. */
function
sweep(mark)
{
	let killed = 0;
	/* What is killed may have forked in the moment before: look again until nothing is found. */
	for (let round = 0; round < ROUNDS; round++) {
		const found = marked(mark);
		for (const pid of found)
			kill(pid);
		killed += found.length;
		if (found.length === 0)
			break;
	}
	return killed;
}

function
marked(mark)
{
	const needle = Buffer.from(`${MARK}=${mark}\0`);
	const found = [];
	for (const entry of fs.readdirSync("/proc")) {
		if (!/^\d+$/.test(entry) || Number(entry) === process.pid)
			continue;
		try {
			if (fs.readFileSync(`/proc/${entry}/environ`).includes(needle))
				found.push(Number(entry));
		} catch {
			/* Gone in the meantime, or somebody else's. */
		}
	}
	return found;
}

function
kill(pid)
{
	try {
		process.kill(pid, "SIGKILL");
	} catch {
		/* Gone in the meantime. */
	}
}

module.exports = { sweep, marked, MARK };

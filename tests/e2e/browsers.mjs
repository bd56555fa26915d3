// SPDX-License-Identifier: Apache-2.0
/* Which browser there is, and what processes hold: for tests that look for leaks. */
import { accessSync, constants, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export function findChromium() {
	if (process.env.PROCTOR_CHROMIUM) return process.env.PROCTOR_CHROMIUM;
	for (const name of ['chromium-headless-shell', 'chromium'])
		for (const dir of (process.env.PATH ?? '').split(':')) {
			try {
				accessSync(path.join(dir, name), constants.X_OK);
				return path.join(dir, name);
			} catch { /* not there */ }
		}
	return null;
}

/* Every process: pid → { ppid, name, state }. */
function table() {
	const all = new Map();

	for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			const [, name, state, ppid] = /\((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'));

			all.set(Number(pid), { ppid: Number(ppid), name, state });
		} catch { /* it has just ended */ }
	}
	return all;
}

/* All below a process, zombies too, as [{ pid, name, state, depth }]. */
export function descendants(root) {
	const all = table();
	const found = [];
	const add = (parent, depth) => {
		for (const [pid, { ppid, name, state }] of all)
			if (ppid === parent) {
				found.push({ pid, name, state, depth });
				add(pid, depth + 1);
			}
	};

	add(root, 1);
	return found;
}

/* Main processes of a worker's browsers: worker, shepherd, runner, browser. */
export function browsersOf(worker) {
	return descendants(worker.pid).filter(({ depth, state }) => depth === 3 && state !== 'Z').map(({ pid }) => pid);
}

/* What the descriptors of a process are, with their numbers left out. */
export function descriptors(pid) {
	return readdirSync(`/proc/${pid}/fd`).map((fd) => {
		try {
			return readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d+/g, 'N');
		} catch {
			return null;
		}
	}).filter((name) => name !== null).sort();
}

/* Resident memory in KiB. A process that is about to end has given its memory back already. */
export function resident(pid) {
	const known = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));

	if (!known) throw Object.assign(new Error(`process ${pid} ends`), { code: 'ESRCH' });
	return Number(known[1]);
}

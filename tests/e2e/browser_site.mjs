// SPDX-License-Identifier: Apache-2.0
/*
 * A site whose pages do what a test of the scheduler needs: they wait until they are let go, they
 * fail on the visits that they are told to fail on, and they remember who came when. So a test is
 * driven by events: "both pages were asked for" means that both runs are in the middle of a step.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { descendants } from './browsers.mjs';

const page = (title, isGood) => `<!doctype html><title>${title}</title>
<link rel="icon" href="data:,"><h1>${title}</h1><p id="verdict">${isGood ? 'good' : 'bad'}</p>`;

/* Inode of the socket that sits at the other end of a connection from this port. */
function socketOf(port) {
	const hex = port.toString(16).toUpperCase().padStart(4, '0');

	for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
		const fields = line.trim().split(/\s+/);

		if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '01') return fields[9];
	}
	return null;
}

function holds(pid, inode) {
	try {
		return readdirSync(`/proc/${pid}/fd`).some((fd) => {
			try {
				return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
			} catch {
				return false;
			}
		});
	} catch {
		return false;
	}
}

/*
 * The browser's main process that a request came from, as the kernel knows it: the process with
 * the other end of the connection is one of the browser's. null: none of this worker's.
 */
function browserOf(port, worker) {
	const inode = socketOf(port);
	const all = descendants(worker.pid);
	let browser = null;

	/* Worker, shepherd, runner, browser: descendants come in the order of a walk down. */
	for (const { pid, depth } of all) {
		if (depth === 3) browser = pid;
		if (depth >= 3 && inode && holds(pid, inode)) return browser;
	}
	return null;
}

export class Site {
	static async start(t) {
		const site = new Site();

		await site.listen();
		t?.after(() => site.close());
		return site;
	}

	constructor() {
		this.visits = [];    /* { path, browser, agent, cookie, ended } in order of coming */
		this.held = new Map();
		this.plans = new Map();
		this.barriers = new Map();
		this.askers = [];
		this.server = http.createServer((request, response) => {
			void this.answer(request, response);
		});
	}

	async listen() {
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${this.server.address().port}`;
	}

	close() {
		this.server.closeAllConnections();
		this.server.close();
	}

	/* From now on visits' browsers are looked for among this worker's. */
	watch(worker) {
		this.worker = worker;
	}

	/* Visits of the path ("/a"), or only the n-th ("/a#2"), wait until release(); also those to come. */
	hold(...paths) {
		for (const path of paths) {
			const gate = {};

			gate.open = new Promise((resolve) => { gate.release = resolve; });
			this.held.set(path, gate);
		}
	}

	release(...paths) {
		for (const path of paths) {
			this.held.get(path)?.release();
			this.held.delete(path);
		}
	}

	/* Visit n of the path is good (P) or bad (F), as the n-th letter says; the last one stays. */
	plan(path, letters) {
		this.plans.set(path, letters);
	}

	/* Pages of these paths are answered when n of them are asked for at once. */
	meet(n, ...paths) {
		const barrier = { n, came: 0 };

		barrier.full = new Promise((resolve) => { barrier.open = resolve; });
		for (const path of paths) this.barriers.set(path, barrier);
	}

	seen(path) {
		return this.visits.filter((visit) => visit.path === path);
	}

	get paths() {
		return this.visits.map(({ path }) => path);
	}

	/* Browsers (process ids) that asked for the paths, each once. */
	browsersOf(...paths) {
		const found = this.visits.filter(({ path }) => paths.includes(path));

		assert.ok(found.every(({ browser }) => browser > 0), 'every visit is a known browser\'s');
		return [...new Set(found.map(({ browser }) => browser))];
	}

	/* When the path has been asked for so often. Fails by itself after a while. */
	arrived(path, n = 1) {
		if (this.seen(path).length >= n) return Promise.resolve();
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(
				`visit ${n} of ${path} did not come; there were ${this.paths.join(' ')}`)), 45000);

			this.askers.push({ path, n, resolve: () => { clearTimeout(timer); resolve(); } });
		});
	}

	tell() {
		this.askers = this.askers.filter(({ path, n, resolve }) => {
			if (this.seen(path).length < n) return true;
			resolve();
			return false;
		});
	}

	async answer(request, response) {
		const path = request.url;
		const visit = { path, agent: request.headers['user-agent'],
			browser: this.worker ? browserOf(request.socket.remotePort, this.worker) : null };
		const n = this.seen(path).length;
		const plan = this.plans.get(path) ?? 'P';
		const barrier = this.barriers.get(path);

		this.visits.push(visit);
		this.tell();
		await (this.held.get(`${path}#${n + 1}`) ?? this.held.get(path))?.open;
		if (barrier) {
			if (++barrier.came === barrier.n) barrier.open();
			await barrier.full;
		}
		response.setHeader('content-type', 'text/html');
		response.end(page(path, (plan[n] ?? plan.at(-1)) === 'P'));
		visit.ended = true;
	}
}

/* Steps that visit a page of the site and want it good. */
export const visit = (path) => [
	{ open: path }, { expect: { text: { css: '#verdict' }, is: 'good' } },
];

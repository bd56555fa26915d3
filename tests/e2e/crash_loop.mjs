#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * The crash loop: a real server, a real worker and real clients, while one of the two processes is
 * killed with SIGKILL again and again at random moments and started again at once. Then the whole
 * history is checked: what was accepted is there and over, nothing is counted twice, nothing is
 * left behind.
 *
 *   KILLS=1000 SEED=7 PROCTOR_BIN=build/proctor node tests/e2e/crash_loop.mjs
 *
 * The clients' jobs run commands that write a line into a journal of their own, outside of Proctor.
 * So a double execution (allowed, when a lease was lost, and then it is visible in the events) is
 * told from a double count (never allowed).
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkHistory } from './history.mjs';
import { checkGroupedHistory } from './history_grouped.mjs';
import {
	Client, describe, finalStatus, freePort, processesWith, proctor, random, Server, sleep,
	temporary, until, Worker, workerRemains,
} from './helper.mjs';

const CLIENTS = 4;
const OPEN_JOBS_MAX = 24;        // so that the end is not far when the killing stops
const TEST_MS_MAX = 300;
const KILL_PAUSE_MS = [50, 1800]; // between two kills
const GROUPED_SHARE = 0.5;
const AIM_MS_MAX = 3;             // from a submit's start to the kill
const LEASE = '1s';               // a lost worker is noticed soon
const QUIET_MS = 120000;          // for everything to be over after the last kill

/* Hooks are tests behind the units: those of each fixture, then the job's. */
function numberHooks(wanted) {
	let next = wanted.units;

	for (const owner of [...wanted.fixtures, wanted])
		for (const hook of ['before', 'after']) owner[hook] = owner[hook] ? next++ : -1;
}

export async function crashLoop({ kills = 100, seed = 1, log = () => {} } = {}) {
	const loop = new CrashLoop(kills, seed, log);

	try {
		await loop.start();
		await loop.work();
		await loop.settle();
		return await loop.check();
	} finally {
		await loop.finish();
	}
}

class CrashLoop {
	constructor(kills, seed, log) {
		this.kills = kills;
		this.seed = seed;
		this.log = log;
		this.random = random(seed);
		this.accepted = new Map();  // id → what was asked for
		this.snapshots = new Map(); // id → the final state as first seen
		this.isOver = false;
		this.killed = { server: 0, worker: 0 };
		this.retries = 0;
		this.replays = 0;
	}

	// ---- the two processes --------------------------------------------------------------------

	async start() {
		this.dir = temporary(null, 'proctor-crash-');
		this.journal = path.join(this.dir, 'journal');
		this.data = path.join(this.dir, 'data');
		this.workerData = path.join(this.dir, 'worker');
		mkdirSync(this.workerData);
		writeFileSync(this.journal, '');
		this.port = await freePort();
		await this.startServer();
		this.startWorker();
	}

	async startServer() {
		this.server = await Server.start(null,
			{ data: this.data, port: this.port, args: ['--lease', LEASE] });
		this.token = this.server.token;
		this.url = this.server.url;
	}

	startWorker() {
		this.worker = Worker.start(null, { url: this.url, token: this.token },
			{ data: this.workerData, capacity: 4, args: ['--kind', 'command', '--grace', '1s'] });
	}

	between([from, to]) {
		return from + this.random() * (to - from);
	}

	async killOne() {
		await sleep(this.between(KILL_PAUSE_MS));
		this.server.checkAlive();
		this.worker.checkAlive();
		if (this.random() < 0.5) {
			await this.aim();
			await this.server.kill();
			this.server.api.close();
			this.killed.server++;
			await this.startServer();
		} else {
			await this.worker.kill();
			this.killed.worker++;
			this.startWorker();
		}
	}

	/* Half of the time a submit is to be under way: its answer may or may not come. */
	async aim() {
		if (this.random() < 0.5) return;
		const submitted = new Promise((resolve) => { this.onSubmit = resolve; });

		await Promise.race([submitted, sleep(500)]);
		const end = performance.now() + this.random() * AIM_MS_MAX;

		while (performance.now() < end) await new Promise(setImmediate);
	}

	// ---- the clients --------------------------------------------------------------------------

	wanted(key) {
		return this.random() < GROUPED_SHARE ? this.wantedGrouped(key) : this.wantedPlain(key);
	}

	/* Groups, fixtures and hooks; hooks pass, so that all units are carried out. */
	wantedGrouped(key) {
		const chance = (share) => this.random() < share;
		const test = (name, exit = 0) => {
			const seconds = (this.random() * TEST_MS_MAX / 2000).toFixed(3);

			return { name, kind: 'command', argv: ['sh', '-c',
				`echo "${key} ${name}" >> "$1"; sleep ${seconds}; exit ${exit}`, 'sh', this.journal] };
		};
		const groups = chance(0.5) ? [''] : ['one', 'two'];
		const iterations = chance(0.7) ? 1 : 2;
		const job = { hooks: {}, fixtures: [] };
		const wanted = { key, groups, iterations, failing: 0, units: 0, fixtures: [] };

		for (let i = 1 + Math.floor(this.random() * 3); i > 0; i--) {
			const count = 1 + Math.floor(this.random() * 3);
			const fails = chance(0.1);
			const before = chance(0.5), after = chance(0.5), serial = chance(0.5);

			wanted.fixtures.push({ first: wanted.units, count, before, after, serial });
			job.fixtures.push({
				name: `f${i}`, disableConcurrency: serial,
				...(before ? { before: test(`before${i}`) } : {}),
				...(after ? { after: test(`after${i}`) } : {}),
				tests: Array.from({ length: count }, (_, k) =>
					test(`t${i}-${k}`, fails && k === 0 ? 1 : 0)),
			});
			wanted.units += count;
			if (fails) wanted.failing += groups.length * iterations;
		}
		for (const hook of ['before', 'after'])
			if ((wanted[hook] = chance(0.5))) job.hooks[hook] = test(hook);
		numberHooks(wanted);
		wanted.body = { name: key, iterations, concurrency: 1 + Math.floor(this.random() * 3),
			...(groups[0] ? { browsers: groups } : {}), ...job };
		return wanted;
	}

	/* A random job, and what must come of it. */
	wantedPlain(key) {
		const n = 1 + Math.floor(this.random() * 3);
		const fails = this.random() < 0.15;
		const tests = Array.from({ length: n }, (_, i) => {
			const seconds = (this.random() * TEST_MS_MAX / 1000).toFixed(3);
			const exit = fails && i === 0 ? 1 : 0;

			return {
				name: `t${i}`, kind: 'command',
				argv: ['sh', '-c', `echo "${key} ${i}" >> "$1"; sleep ${seconds}; exit ${exit}`,
					'sh', this.journal],
			};
		});
		const iterations = 1 + Math.floor(this.random() * 3);

		return {
			units: n * iterations, failing: fails ? iterations : 0, key,
			body: {
				name: key, tests, iterations, concurrency: 1 + Math.floor(this.random() * 3),
			},
		};
	}

	/* Asks until there is an answer: the key makes that safe. */
	async submit(api, wanted) {
		for (;;) {
			try {
				const sent = api.request('POST', '/jobs', wanted.body,
					{ 'idempotency-key': wanted.key });

				this.onSubmit?.();
				const { status, json, text, headers } = await sent;

				if (headers['idempotency-replayed']) this.replays++;
				if (status >= 200 && status < 300) return json.id;
				assert.ok(status === 503 || status === 429, `submit: ${status} ${text}`);
			} catch (error) {
				if (error.code === 'ERR_ASSERTION') throw error;
			}
			this.retries++;
			await sleep(20);
		}
	}

	/* Looks at some jobs; what was final once must stay as it was. */
	async look(api, ids) {
		for (const id of ids) {
			try {
				const { status, json } = await api.request('GET', `/jobs/${id}`);

				if (status === 200) this.remember(json);
				else assert.ok(status === 503, `an accepted job is not there: ${id}, ${status}`);
			} catch (error) {
				if (error.code === 'ERR_ASSERTION') throw error;
				await sleep(20);
			}
		}
	}

	remember(job) {
		if (!finalStatus.has(job.status)) return;
		const shown = JSON.stringify([job.status, job.reason, job.counts, job.completedAt,
			job.incarnation]);
		const before = this.snapshots.get(job.id);

		if (before === undefined) this.snapshots.set(job.id, shown);
		else assert.equal(shown, before, `the final state of ${job.id} changed`);
	}

	async client(number) {
		const api = new Client(this.port, this.token);

		for (let i = 0; !this.isOver; i++) {
			const open = [...this.accepted.keys()].filter((id) => !this.snapshots.has(id));

			if (open.length < OPEN_JOBS_MAX) {
				const wanted = this.wanted(`c${number}-${i}`);

				this.accepted.set(await this.submit(api, wanted), wanted);
			} else {
				await sleep(50);
			}
			const all = [...this.accepted.keys()];

			await this.look(api, [...open.slice(0, 4), all[Math.floor(this.random() * all.length)]]
				.filter(Boolean));
		}
		api.close();
	}

	async work() {
		let failed = null;
		const clients = Array.from({ length: CLIENTS }, (_, i) => this.client(i).catch((error) => {
			failed ??= error;
		}));

		for (let i = 0; i < this.kills && !failed; i++) {
			await this.killOne();
			if ((i + 1) % 25 === 0)
				this.log(`${i + 1} kills, ${this.accepted.size} jobs accepted, ` +
					`${this.snapshots.size} seen final`);
		}
		this.isOver = true;
		await Promise.all(clients);
		if (failed) throw failed;
	}

	// ---- the history --------------------------------------------------------------------------

	async settle() {
		const api = this.server.api;
		const end = Date.now() + QUIET_MS;

		for (const id of this.accepted.keys()) {
			this.server.checkAlive();
			this.remember(await api.final(id, Math.max(1000, end - Date.now())));
		}
	}

	async check() {
		const api = this.server.api;
		const journal = this.readJournal();
		const total = { kills: this.killed, jobs: this.accepted.size, runs: 0, grouped: 0, lost: 0,
			executions: 0, repeated: 0, retries: this.retries,
			replays: this.replays };

		for (const [id, wanted] of this.accepted) {
			const job = await api.get(`/jobs/${id}`);
			const runs = await api.all(`/jobs/${id}/runs`);
			const events = await api.events(id);
			const executions = journal.get(wanted.key) ?? 0;

			this.remember(job);
			if (wanted.fixtures) checkGroupedHistory({ job, runs, events, wanted });
			else checkHistory({ job, runs, events, wanted, executions });
			total.grouped += wanted.fixtures ? 1 : 0;
			total.runs += runs.length;
			total.lost += events.filter((e) => e.type === 'run.lost').length;
			total.executions += executions;
			if (!wanted.fixtures) total.repeated += Math.max(0, executions - wanted.units);
		}
		await this.checkTotals(api);
		await this.checkNothingIsLeft(total);
		return total;
	}

	readJournal() {
		const counts = new Map();

		for (const line of readFileSync(this.journal, 'utf8').split('\n').filter(Boolean)) {
			const [key] = line.split(' ');

			counts.set(key, (counts.get(key) ?? 0) + 1);
		}
		return counts;
	}

	async checkTotals(api) {
		const jobs = await api.all('/jobs');

		assert.equal(jobs.length, this.accepted.size, 'as many jobs as were accepted');
		for (const job of jobs) assert.ok(this.accepted.has(job.id), `nobody asked for ${job.id}`);
	}

	async checkNothingIsLeft() {
		await this.worker.stop();
		await this.server.stop();
		await until('no process of a run is left', 10000, () =>
			processesWith(this.journal).length === 0).catch(() => {
			assert.fail(`left: ${processesWith(this.journal).map(describe).join('; ')}`);
		});
		assert.deepEqual(workerRemains(this.workerData), [], 'folders of runs');
		const check = await proctor(['check', '--data', this.data]);

		assert.equal(check.code, 0, check.said);
	}

	async finish() {
		for (const child of [this.worker, this.server])
			if (child && !child.ended) await child.kill();
		this.server?.api?.close();
		if (process.env.KEEP) this.log(`kept: ${this.dir}`);
		else rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
	}
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
	const kills = Number(process.env.KILLS ?? 100);
	const seed = Number(process.env.SEED ?? Date.now() % 1000000);

	console.log(`seed ${seed}, ${kills} kills`);
	console.log(await crashLoop({ kills, seed, log: console.log }));
}

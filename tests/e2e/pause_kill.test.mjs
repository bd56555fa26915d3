// SPDX-License-Identifier: Apache-2.0
/* A job of 3 tests × 5 iterations is paused in the middle; then server and worker are killed. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { freePort, Server, temporary, until, Worker } from './helper.mjs';

const TESTS = 3;
const ITERATIONS = 5;
const UNITS = TESTS * ITERATIONS;
const HELD = 8; // the run that is under way when the job is paused, counted from 1

/* Server and worker that can be killed and started again on the same data and port. */
class Pair {
	constructor(t) {
		this.t = t;
		this.dir = temporary(t);
		this.data = path.join(this.dir, 'data');
		this.workerData = path.join(this.dir, 'worker');
		this.journal = path.join(this.dir, 'journal');
		this.gate = path.join(this.dir, 'gate');
		writeFileSync(this.journal, '');
	}

	async start() {
		this.port ??= await freePort();
		this.server = await Server.start(this.t,
			{ data: this.data, port: this.port, args: ['--lease', '1s'] });
		this.worker = Worker.start(this.t, this.server, { data: this.workerData, capacity: 2 });
		this.api = this.server.api;
	}

	async killBoth() {
		await Promise.all([this.server.kill(), this.worker.kill()]);
		this.api.close();
	}

	/* Each run writes a line; from the HELD-th on they wait for the gate. */
	job() {
		const script = 'echo "$1" >> "$2"; ' +
			`if [ $(wc -l < "$2") -ge ${HELD} ]; then ` +
			'while [ ! -e "$3" ]; do sleep 0.02; done; fi';
		const tests = Array.from({ length: TESTS }, (_, i) => ({
			name: `t${i}`, kind: 'command',
			argv: ['sh', '-c', script, 'sh', String(i), this.journal, this.gate],
		}));

		return { name: 'pause', tests, iterations: ITERATIONS, concurrency: 1 };
	}

	lines() {
		return readFileSync(this.journal, 'utf8').split('\n').filter(Boolean).map(Number);
	}

	openGate() {
		writeFileSync(this.gate, '');
	}

	closeGate() {
		if (existsSync(this.gate)) rmSync(this.gate);
	}

	async status(id, wanted) {
		return until(`job ${wanted}`, 30000, async () => {
			const job = await this.api.get(`/jobs/${id}`);

			return job.status === wanted && job;
		});
	}

	/* 15 results, each once, in the order of iterations and tests. */
	async checkResults(id) {
		const job = await this.api.final(id);
		const runs = await this.api.all(`/jobs/${id}/runs`);
		const units = runs.map((run) => `${run.iteration}/${run.testIndex}`).sort();
		const expected = Array.from({ length: UNITS },
			(_, i) => `${Math.floor(i / TESTS) + 1}/${i % TESTS}`).sort();

		assert.equal(job.status, 'completed');
		assert.deepEqual(units, expected);
		assert.equal(job.counts.passed, UNITS);
		return runs;
	}
}

test('paused, both killed, restarted, unpaused: goes on at the right test and iteration',
	{ timeout: 120000 }, async (t) => {
		const pair = new Pair(t);

		await pair.start();
		const { id } = await pair.api.post('/jobs', pair.job());

		await until('the run that is held', 30000, () => pair.lines().length === HELD);
		await pair.api.post(`/jobs/${id}/pause`);
		await pair.status(id, 'pausing');
		pair.openGate();
		const paused = await pair.status(id, 'paused');

		assert.equal(paused.progress.runsDone, HELD);
		assert.equal(pair.lines().length, HELD, 'a paused job starts nothing');

		await pair.killBoth();
		await pair.start();
		const again = await pair.api.get(`/jobs/${id}`);

		assert.equal(again.status, 'paused');
		assert.equal(again.progress.runsDone, HELD);
		assert.deepEqual(again.counts, paused.counts);

		pair.closeGate();
		await pair.api.post(`/jobs/${id}/unpause`);
		await until('the next run', 30000, () => pair.lines().length === HELD + 1);
		assert.equal(pair.lines()[HELD], HELD % TESTS, 'goes on at the right test');
		const open = (await pair.api.all(`/jobs/${id}/runs`)).filter((run) => !run.outcome);

		assert.equal(open.length, 1);
		assert.equal(open[0].iteration, Math.floor(HELD / TESTS) + 1, 'and iteration');
		assert.equal(open[0].testIndex, HELD % TESTS);

		pair.openGate();
		await pair.checkResults(id);
		assert.deepEqual(pair.lines(), Array.from({ length: UNITS }, (_, i) => i % TESTS),
			'every unit was carried out once, in order');
	});

test('killed while pausing: the run that was lost is repeated, visibly, and counts once',
	{ timeout: 120000 }, async (t) => {
		const pair = new Pair(t);

		await pair.start();
		const { id } = await pair.api.post('/jobs', pair.job());

		await until('the run that is held', 30000, () => pair.lines().length === HELD);
		await pair.api.post(`/jobs/${id}/pause`);
		await pair.status(id, 'pausing');
		await pair.killBoth();
		pair.openGate();
		await pair.start();

		await pair.status(id, 'paused');
		await pair.api.post(`/jobs/${id}/unpause`);
		await pair.checkResults(id);

		const events = await pair.api.events(id);
		const lost = events.filter((e) => e.type === 'run.lost' || e.type === 'run.restarted');
		const leased = events.filter((e) => e.type === 'run.leased');

		assert.ok(lost.length >= 1, 'the repetition is shown');
		assert.ok(leased.length >= UNITS + 1);
		assert.equal(pair.lines().length, UNITS + 1);
		assert.equal(events.filter((e) => e.type === 'run.finished').length, UNITS);
	});

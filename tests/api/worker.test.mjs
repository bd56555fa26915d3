// SPDX-License-Identifier: Apache-2.0
/* The worker protocol (docs/protocol/worker.md) as a worker sees it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, until, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

describe('workers', () => {
	let server, number = 0;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	/* A worker and jobs that only it can take. */
	function alone(options = {}) {
		const labels = { only: `w${number++}` };

		return { worker: new Worker(server, { labels, ...options }), labels };
	}

	const events = async (job) => (await server.all(`/jobs/${job.id}/events?format=json`));
	const types = async (job) => (await events(job)).map((e) => e.type);

	test('a lease carries everything that the run needs', async () => {
		const { worker, labels } = alone();
		const job = await server.job({ name: 'n', labels, browsers: ['chromium'], iterations: 2,
			config: { a: 1 }, params: { p: 2 }, outputSchema: { type: 'object' }, runTimeout: '2m',
			tests: [commandTest({ name: 't', timeout: '7s' })] });
		const lease = await worker.take();

		assert.match(lease.run, /^[0-9a-f-]{36}$/);
		assert.ok(lease.fence >= 1);
		assert.deepEqual({ ...lease, run: 0, fence: 0 }, {
			run: 0, fence: 0, job: job.id, jobName: 'n', incarnation: 1, iteration: 1, testIndex: 0,
			target: 'chromium', browser: { browser: 'chromium', name: 'chromium' }, group: 0, connection: 1,
			ctx: {}, attempt: 1, config: { a: 1 }, params: { p: 2 },
			outputSchema: { type: 'object' }, timeoutMs: 7000,
			test: { name: 't', kind: 'command', argv: ['true'], timeout: '7s' },
		});
		await worker.finish(lease);
		const next = await worker.take();

		assert.equal(next.iteration, 2);
		assert.notEqual(next.run, lease.run);
	});

	test('only browsers must begin within a minute, unless the job says how long', async () => {
		const browserTest = { name: 'page', kind: 'browser', steps: [{ log: 'x' }] };
		const limits = async (members) => {
			const { worker, labels } = alone({ capacity: 2, kinds: ['browser', 'command'] });
			const job = await server.job({ labels, tests: [commandTest(), browserTest], concurrency: 2, ...members });
			const { leases } = await worker.poll();

			for (const lease of leases) await worker.finish(lease);
			assert.equal((await server.get(`/jobs/${job.id}?wait=10s`)).status, 'completed');
			return Object.fromEntries(leases.map((l) => [l.test.kind, l.startTimeoutMs]));
		};
		const usual = { command: undefined, browser: 60000 };

		assert.deepEqual(await limits({}), usual);
		assert.deepEqual(await limits({ browsers: ['chromium'] }), usual);
		assert.deepEqual(await limits({ startTimeout: '2m' }), { command: 120000, browser: 120000 });
		assert.deepEqual(await limits({ browsers: ['chromium'], startTimeout: '5s' }), { command: 5000, browser: 5000 });
	});

	test('the answer says how long leases are and when to poll again', async () => {
		const { worker, labels } = alone();
		const idle = await worker.poll();

		assert.equal(idle.leaseMs, 15000);
		assert.deepEqual(idle.leases, []);
		assert.deepEqual(idle.directives, []);
		await server.job({ labels });
		const busy = await worker.poll();

		assert.equal(busy.leases.length, 1);
		assert.ok(busy.pollMs <= busy.leaseMs / 3);
	});

	test('no more runs than connections, however many polls', async () => {
		const { worker, labels } = alone({ capacity: 2 });

		for (let i = 0; i < 5; i++) await server.job({ labels });
		assert.equal((await worker.poll()).leases.length, 2);
		assert.equal((await worker.poll()).leases.length, 0);
		const [first] = worker.holds.values();

		await worker.finish(first);
		assert.equal((await worker.poll()).leases.length, 1);
	});

	test('kinds and labels decide who gets what', async () => {
		const { worker, labels } = alone({ kinds: ['http'], capacity: 10 });
		const http = await server.job({ labels, tests: [{ kind: 'http', request: 'GET http://x' }] });

		await server.job({ labels });
		await server.job({ labels: { ...labels, size: 'xl' },
			tests: [{ kind: 'http', request: 'GET http://x' }] });
		const { leases } = await worker.poll();

		assert.deepEqual(leases.map((l) => l.job), [http.id]);
		worker.labels.size = 'xl';
		assert.equal((await worker.poll()).leases.length, 1);
		worker.kinds.push('command');
		assert.equal((await worker.poll()).leases.length, 1);
	});

	test('priority, then age', async () => {
		const { worker, labels } = alone({ capacity: 1 });
		const ids = [];

		for (const priority of [0, 5, 0, 5, -5])
			ids.push((await server.job({ labels, priority })).id);
		const order = [];

		for (let i = 0; i < ids.length; i++) {
			const lease = await worker.take();

			order.push(ids.indexOf(lease.job));
			await worker.finish(lease);
		}
		assert.deepEqual(order, [1, 3, 0, 2, 4]);
	});

	test('a parked poll is answered in the turn that brings work', async () => {
		const { worker, labels } = alone();
		const parked = worker.poll({ waitMs: 30000 });

		await until('the poll is parked', async () =>
			/^proctor_polls_parked [1-9]/m.test((await server.request('GET', '/metrics')).text));
		const began = Date.now();

		await server.job({ labels });
		const { leases } = await parked;

		assert.equal(leases.length, 1);
		assert.ok(Date.now() - began < 5000, 'not at the end of its wait');
	});

	test('a parked poll hears of a stop at once', async () => {
		const { worker, labels } = alone();
		const job = await server.job({ labels });
		const lease = await worker.take();
		const parked = worker.poll({ waitMs: 5000 });

		await server.post(`/jobs/${job.id}/stop`);
		assert.deepEqual((await parked).directives.map((d) => [d.run, d.do]), [[lease.run, 'stop']]);
	});

	test('a newer claiming poll takes the place of the older one', async () => {
		const { worker, labels } = alone();
		const old = worker.request({ claim: true, waitMs: 30000 });

		await until('the worker is known', async () =>
			(await server.get('/workers')).items.some((w) => w.id === worker.id));
		const fresh = worker.poll({ waitMs: 20000 });
		const answer = await old;

		assert.ok(answer.status === 409 || answer.json.leases.length === 0, answer.text);
		await server.job({ labels });
		assert.equal((await fresh).leases.length, 1);
	});

	test('a poll whose peer left gets no work', async () => {
		const { worker, labels } = alone();
		const other = new Worker(server, { labels });
		const parked = async () => Number(/^proctor_polls_parked (\d+)$/m.exec(
			(await server.request('GET', '/metrics')).text)[1]);
		const before = await parked();
		const cut = new AbortController();
		const lost = fetch(`${server.url}/api/v1/workers/poll`, {
			method: 'POST', signal: cut.signal,
			headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
			body: JSON.stringify({ worker: worker.id, name: 'x', version: '1', kinds: ['command'],
				labels, capacity: 1, claim: true, waitMs: 30000, holds: [] }),
		});

		await until('the poll is parked', async () => await parked() > before);
		cut.abort();
		await assert.rejects(lost);
		await until('the poll is forgotten', async () => await parked() === before);
		const job = await server.job({ labels });

		assert.equal((await other.poll()).leases.length, 1, 'another worker has the run at once');
		assert.ok(!(await types(job)).includes('run.restarted'));
	});

	test('a lease that never arrived goes back at once', async () => {
		const { worker, labels } = alone();
		const job = await server.job({ labels });
		const { leases: [lost] } = await worker.poll();

		worker.holds.clear(); // as if the answer had been lost
		const again = await worker.take();

		assert.equal(again.job, job.id);
		assert.equal(again.run, lost.run);
		assert.ok(again.fence > lost.fence);
		assert.equal(again.attempt, 1, 'not an attempt');
	});

	test('an old fencing number changes nothing and is seen', async () => {
		const { worker, labels } = alone();
		const job = await server.job({ labels });
		const { leases: [lost] } = await worker.poll();

		worker.holds.clear();
		const current = await worker.take();

		await worker.report({ results: [{ run: lost.run, fence: lost.fence, outcome: 'failed' }],
			events: [{ run: lost.run, fence: lost.fence, n: 1, type: 'run.log', data: { text: 'old' } }] });
		assert.equal((await server.get(`/jobs/${job.id}/runs/${lost.run}`)).status, 'leased');
		assert.ok((await types(job)).includes('run.stale_result'));
		assert.ok(!(await types(job)).includes('run.log'));
		await worker.finish(current, 'passed');
		await worker.report({ results: [{ run: lost.run, fence: lost.fence, outcome: 'failed' }] });
		assert.equal((await server.get(`/jobs/${job.id}`)).status, 'completed');
	});

	test('a worker that holds what is not its own is told to drop it', async () => {
		const { worker } = alone();
		const run = uuid7();
		const { directives } = await worker.poll({ holds: [{ run, fence: 9, stopping: false }] });

		assert.deepEqual(directives.map((d) => [d.run, d.fence, d.do]), [[run, 9, 'drop']]);
	});

	test('results and events may come twice and count once', async () => {
		const { worker, labels } = alone();
		const job = await server.job({ labels, iterations: 2 });
		const lease = await worker.take();
		const sent = [worker.event(lease, 'run.started', {}), worker.event(lease, 'run.step', { a: 1 })];

		for (let i = 0; i < 3; i++) await worker.report({ events: sent });
		for (let i = 0; i < 3; i++) await worker.finish(lease, 'passed');
		const seen = await types(job);

		for (const type of ['run.started', 'run.step', 'run.finished'])
			assert.equal(seen.filter((t) => t === type).length, 1, type);
		assert.equal((await server.get(`/jobs/${job.id}`)).counts.passed, 1);
	});

	test('a result travels with a poll that claims: one request frees and fills', async () => {
		const { worker, labels } = alone();

		await server.job({ labels, iterations: 2 });
		const lease = await worker.take();

		worker.holds.clear();
		const { leases } = await worker.poll({ results: [
			{ run: lease.run, fence: lease.fence, outcome: 'passed', durationMs: 1 }] });

		assert.equal(leases.length, 1);
		assert.equal(leases[0].iteration, 2);
	});

	test('every outcome, with the reason and error of the worker', async () => {
		const { worker, labels } = alone();
		const expected = { passed: 'completed', failed: 'failed', errored: 'failed',
			timed_out: 'failed', skipped: 'completed' };

		for (const [outcome, status] of Object.entries(expected)) {
			const job = await server.job({ labels });
			const lease = await worker.take();

			await worker.finish(lease, outcome, { reason: null, error: null, result: null });
			const final = await server.get(`/jobs/${job.id}`);
			const member = outcome.replace(/_(.)/, (_, c) => c.toUpperCase());

			assert.equal(final.status, status, outcome);
			assert.equal(final.counts[member], 1, outcome);
		}
	});

	test('retries wait for their delay and count as attempts', async () => {
		const { worker, labels } = alone();
		const job = await server.job({ labels, retries: { max: 2, delay: 1, on: ['errored'] } });

		for (let attempt = 1; attempt <= 3; attempt++) {
			const lease = await worker.take();

			assert.equal(lease.attempt, attempt);
			await worker.finish(lease, 'errored');
		}
		assert.equal((await server.get(`/jobs/${job.id}`)).status, 'failed');
		assert.equal((await server.all(`/jobs/${job.id}/runs?`)).length, 3);
	});

	test('failuresToIgnore and stopOnFirstFailure', async () => {
		const { worker, labels } = alone();
		const lenient = await server.job({ labels, iterations: 3, failuresToIgnore: 3 });

		assert.equal((await worker.finishJob(lenient.id, 'failed')).status, 'completed');
		const strict = await server.job({ labels, iterations: 3, stopOnFirstFailure: true });
		const final = await worker.finishJob(strict.id, 'failed');

		assert.equal(final.status, 'failed');
		assert.equal(final.counts.failed, 1);
	});

	test('the list of workers: online ones, all of them, one', async () => {
		const { worker, labels } = alone({ capacity: 4, name: 'listed' });

		await worker.poll();
		const found = (await server.get('/workers')).items.find((w) => w.id === worker.id);

		assert.equal(found.name, 'listed');
		assert.equal(found.status, 'online');
		assert.equal(found.capacity, 4);
		assert.deepEqual(found.labels, labels);
		assert.deepEqual(found.kinds, worker.kinds);
		assert.equal(found.version, '0.0.1');
		assert.equal((await server.get(`/workers/${worker.id}`)).id, worker.id);
		assertProblem(await server.request('GET', `/workers/${uuid7()}`), 404, 'not_found');
		assert.ok((await server.get('/workers?all=true')).items.some((w) => w.id === worker.id));
	});

	test('drain: no further runs, and a directive that says so', async () => {
		const { worker, labels } = alone();

		await server.job({ labels, iterations: 2 });
		const lease = await worker.take();
		const got = await server.post(`/workers/${worker.id}/drain`);

		assert.equal(got.status, 'draining');
		assert.deepEqual((await worker.poll()).directives.map((d) => d.do), ['drain']);
		await worker.finish(lease);
		const after_ = await worker.poll();

		assert.deepEqual(after_.leases, []);
		assertProblem(await server.request('POST', `/workers/${uuid7()}/drain`, {}), 404, 'not_found');
	});

	test('a malformed poll is refused at every place', async () => {
		const { worker } = alone();

		assertProblem(await worker.request({
			worker: 'me', kinds: ['UPPER'], capacity: -1, claim: 'yes', waitMs: -1, extra: 1,
		}), 400, 'invalid_field', [['/worker', 'invalid_field'],
			['/capacity', 'invalid_field'], ['/claim', 'invalid_field'],
			['/waitMs', 'invalid_field'], ['/extra', 'unknown_field']]);
		assertProblem(await worker.request({
			holds: [{ fence: 1 }], results: [{ run: uuid7(), fence: 1, outcome: 'great' }],
			events: [{ run: uuid7(), fence: 1, n: 0, type: 'run.log' }],
		}), 400, 'invalid_field', [['/holds/0/run', 'missing_field'],
			['/results/0/outcome', 'invalid_field'], ['/events/0/n', 'invalid_field']]);
		assertProblem(await worker.request({
			events: [{ run: uuid7(), fence: 1, n: 1, type: 'job.completed' }],
		}), 400, 'invalid_field', [['/events/0/type', 'invalid_field']]);
		assertProblem(await worker.request({
			events: [{ run: uuid7(), fence: 1, n: 1, type: 'run.log', data: { t: 'x'.repeat(70000) } }],
		}), 400, 'limit_exceeded', [['/events/0/data', 'limit_exceeded']]);
		assertProblem(await worker.request({
			events: Array.from({ length: 1001 }, (_, i) =>
				({ run: uuid7(), fence: 1, n: i + 1, type: 'run.log' })),
		}), 400, 'limit_exceeded', [['/events', 'limit_exceeded']]);
	});

	test('a job with a thousand tests is carried out by four workers together', async () => {
		const labels = { only: `w${number++}` };
		const workers = Array.from({ length: 4 }, () => new Worker(server, { labels, capacity: 50 }));
		const job = await server.job({ labels, concurrency: 1000,
			tests: Array.from({ length: 1000 }, (_, i) => commandTest({ name: `t${i}` })) });
		const seen = new Map();

		await Promise.all(workers.map(async (worker) => {
			for (;;) {
				const { leases } = await worker.poll({ waitMs: 100 });

				if (leases.length === 0 && seen.size === 1000) return;
				for (const lease of leases) {
					assert.ok(!seen.has(lease.test.name), `${lease.test.name} twice`);
					seen.set(lease.test.name, worker.id);
				}
				await worker.report({ results: leases.map(({ run, fence }) =>
					({ run, fence, outcome: 'passed', durationMs: 1 })) });
				for (const lease of leases) worker.holds.delete(lease.run);
			}
		}));
		const final = await server.get(`/jobs/${job.id}?wait=10s`);

		assert.equal(final.status, 'completed');
		assert.equal(final.counts.passed, 1000);
		assert.equal(new Set(seen.values()).size, 4);
	});
});

describe('a silent worker', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start({ args: ['--lease', '1s'] }); });

	test('is lost after its lease; its run goes on elsewhere, visibly', async () => {
		const silent = new Worker(server), other = new Worker(server);
		const job = await server.job();
		const lease = await silent.take();
		const again = await other.take(); // parked until the first lease has ended

		assert.equal(again.run, lease.run);
		assert.ok(again.fence > lease.fence);
		const run = await server.get(`/jobs/${job.id}/runs/${lease.run}`);

		assert.equal(run.losses, 1);
		assert.equal(run.worker, other.id);
		const seen = (await server.all(`/jobs/${job.id}/events?format=json`)).map((e) => e.type);

		assert.ok(seen.includes('run.lost'));
		const late = await silent.request({ claim: false,
			results: [{ run: lease.run, fence: lease.fence, outcome: 'failed' }] });

		assert.equal(late.status, 200);
		await other.finish(again, 'passed');
		assert.equal((await server.get(`/jobs/${job.id}`)).status, 'completed');
		assert.equal((await silent.upload(lease, 'late.txt', 'x')).status, 409);
	});
});

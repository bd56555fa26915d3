// SPDX-License-Identifier: Apache-2.0
/* Queues, and the explanation why a job is not running. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server, number = 0;

after(() => server?.close());
before(async () => { server = await Server.start(); });

/* A queue, worker and labels that no other test touches. */
function alone(options = {}) {
	const name = `q${number++}`;

	return { queue: name, labels: { only: name }, worker: new Worker(server,
		{ labels: { only: name }, kinds: ['command'], ...options }) };
}

describe('queues', () => {
	test('are made by a put, shown and listed', async () => {
		const got = await server.request('PUT', '/queues/fresh',
			{ concurrency: 3, priority: 5, ageing: '2m' });

		assert.equal(got.status, 200, got.text);
		assert.equal(got.json.name, 'fresh');
		assert.equal(got.json.concurrency, 3);
		assert.equal(got.json.priority, 5);
		assert.equal(got.json.ageingMs, 120000);
		assert.equal(got.json.paused, false);
		assert.equal(got.json.durable, 'fsync');
		const shown = await server.request('GET', '/queues/fresh');

		assert.equal(shown.headers.get('etag'), `"${got.json.revision}"`);
		const { figures, ...settings } = shown.json;

		assert.deepEqual(settings, (({ durable, ...rest }) => rest)(got.json));
		assert.deepEqual(figures, { running: 0, ready: 0, held: 0, atLeast: false });
		assert.ok((await server.get('/queues')).items.some((q) => q.name === 'fresh'));
	});

	test('the first job of a queue makes it, with defaults', async () => {
		await server.job({ queue: 'by job', labels: { nobody: 'here' } });
		const queue = await server.get('/queues/by%20job');

		assert.equal(queue.concurrency, 0);
		assert.equal(queue.priority, 0);
		assert.equal(queue.paused, false);
	});

	test('members that are not given stay', async () => {
		await server.put('/queues/partial', { concurrency: 3, priority: 5 });
		const queue = await server.put('/queues/partial', { paused: true });

		assert.deepEqual([queue.concurrency, queue.priority, queue.paused], [3, 5, true]);
	});

	test('ETag, If-Match, If-None-Match', async () => {
		const { revision } = await server.put('/queues/tagged', { concurrency: 1 });
		const put = (etag) => server.request('PUT', '/queues/tagged', { concurrency: 2 },
			{ headers: { 'if-match': etag } });

		assert.equal((await server.request('GET', '/queues/tagged', undefined,
			{ headers: { 'if-none-match': `"${revision}"` } })).status, 304);
		assert.equal((await put(`"${revision}"`)).status, 200);
		assertProblem(await put(`"${revision}"`), 412, 'revision_mismatch');
		assert.equal((await put('*')).status, 200);
	});

	test('offences', async () => {
		assertProblem(await server.request('PUT', '/queues/bad',
			{ concurrency: -1, priority: 5000, paused: 'yes', ageing: 'old', colour: 1, name: 7 }),
		400, 'invalid_field', [['/concurrency', 'invalid_field'], ['/priority', 'limit_exceeded'],
			['/paused', 'invalid_field'], ['/ageing', 'invalid_field'], ['/colour', 'unknown_field'],
			['/name', 'invalid_field']]);
		assertProblem(await server.request('PUT', '/queues/bad', { name: 'other' }), 400,
			'invalid_field', [['/name', 'invalid_field']]);
		assertProblem(await server.request('GET', '/queues/bad'), 404, 'not_found');
	});

	test('the limit holds over all jobs of the queue', async () => {
		const { queue, labels, worker } = alone({ capacity: 10 });

		await server.put(`/queues/${queue}`, { concurrency: 2 });
		for (let i = 0; i < 3; i++) await server.job({ queue, labels, concurrency: 2, iterations: 2 });
		const { leases } = await worker.poll();

		assert.equal(leases.length, 2);
		assert.equal((await worker.poll()).leases.length, 0);
		await worker.finish(leases[0]);
		assert.equal((await worker.poll()).leases.length, 1);
		await server.put(`/queues/${queue}`, { concurrency: 4 });
		assert.equal((await worker.poll()).leases.length, 2);
	});

	test('a paused queue gives nothing; what runs goes on', async () => {
		const { queue, labels, worker } = alone({ capacity: 2 });

		await server.job({ queue, labels, iterations: 3 });
		const lease = await worker.take();

		await server.put(`/queues/${queue}`, { paused: true });
		assert.deepEqual((await worker.poll()).directives, []);
		await worker.finish(lease);
		assert.deepEqual((await worker.poll()).leases, []);
		const parked = worker.poll({ waitMs: 20000 });

		await server.put(`/queues/${queue}`, { paused: false });
		assert.equal((await parked).leases.length, 1);
	});

	test('a queue of greater priority is served first', async () => {
		const { queue, labels, worker } = alone();

		await server.put(`/queues/${queue}`, { priority: 0 });
		await server.put(`/queues/${queue}-vip`, { priority: 10 });
		const low = await server.job({ queue, labels, priority: 1000 });
		const high = await server.job({ queue: `${queue}-vip`, labels });
		const first = await worker.take();

		assert.equal(first.job, high.id);
		await worker.finish(first);
		assert.equal((await worker.take()).job, low.id);
	});
});

describe('explain', () => {
	const explain = (job) => server.get(`/jobs/${job.id}/explain`);

	/* The explanation has this blocker, and says something about it. */
	async function assertBlocked(job, kind, sentence) {
		const told = await explain(job);
		const blocker = told.blockers.find((b) => b.kind === kind);

		assert.ok(blocker, JSON.stringify(told));
		assert.ok(blocker.text.length > 5);
		assert.equal(told.job, job.id);
		assert.match(told.sentence, sentence);
		return blocker;
	}

	test('start time', async () => {
		const job = await server.job({ runAt: '2031-05-06T07:08:09.000Z', labels: { nobody: 'here' } });
		const blocker = await assertBlocked(job, 'start_time', /2031-05-06T07:08:09/);

		assert.equal(blocker.until, '2031-05-06T07:08:09.000Z');
	});

	test('paused job, paused queue', async () => {
		const { queue, labels } = alone();
		const job = await server.job({ queue, labels });

		await server.put(`/queues/${queue}`, { paused: true });
		await assertBlocked(job, 'queue_paused', new RegExp(queue));
		await server.post(`/jobs/${job.id}/pause`);
		await assertBlocked(job, 'paused', /paused/);
	});

	test('no worker of the kind, none with the labels, all busy, jobs ahead', async () => {
		const { labels, worker, queue } = alone({ kinds: ['http'] });
		const test_ = { kind: 'http', request: 'GET http://x' };

		await worker.poll();
		const wrongKind = await server.job({ labels, queue,
			tests: [{ kind: 'playwright', script: 'x' }] });

		assert.equal((await assertBlocked(wrongKind, 'no_worker_kind', /playwright/)).subject,
			'playwright');
		const wrongLabel = await server.job({ labels: { ...labels, moon: 'yes' }, tests: [test_] });

		await assertBlocked(wrongLabel, 'no_worker_label', /moon/);
		const runs = await server.job({ labels, tests: [test_] });

		await worker.take();
		const next = await server.job({ labels, tests: [test_] });

		await assertBlocked(next, 'workers_busy', /busy|use/);
		const last = await server.job({ labels, tests: [test_] });

		assert.equal((await assertBlocked(last, 'jobs_ahead', /./)).count, 1);
		assert.deepEqual((await explain(runs)).status, 'starting');
	});

	test('limit of the queue, own concurrency, retry', async () => {
		const { queue, labels, worker } = alone({ capacity: 5 });

		await server.put(`/queues/${queue}`, { concurrency: 1 });
		await server.job({ queue, labels });
		await worker.take();
		const job = await server.job({ queue, labels });

		await assertBlocked(job, 'queue_limit', new RegExp(queue));
		const second = alone({ capacity: 5 });
		const own = await server.job({ labels: second.labels, iterations: 3 });

		await second.worker.take();
		assert.ok((await explain(own)).blockers.some((b) => b.kind === 'own_concurrency'));
		const third = alone();
		const retried = await server.job({ labels: third.labels,
			retries: { max: 1, delay: '1h', on: ['errored'] } });

		await third.worker.finish(await third.worker.take(), 'errored');
		const blocker = await assertBlocked(retried, 'retry_wait', /attempt/);

		assert.ok(Date.parse(blocker.until) > Date.now() + 3000000);
	});

	test('a job that is over says so; an unknown one is not found', async () => {
		const job = await server.job({ tests: [commandTest()] });

		await server.post(`/jobs/${job.id}/cancel`);
		const told = await explain(job);

		assert.equal(told.status, 'stopped');
		assert.deepEqual(told.blockers, []);
		assert.ok(told.sentence.length > 5);
		assertProblem(await server.request('GET', `/jobs/${uuid7()}/explain`), 404, 'not_found');
	});
});

// SPDX-License-Identifier: Apache-2.0
/* What was accepted is kept, however the server ends. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

for (const signal of ['SIGTERM', 'SIGKILL']) {
	describe(`after ${signal}`, () => {
		let server;

		after(() => server?.close());
		before(async () => { server = await Server.start(); });

		test('everything is as it was', async () => {
			const worker = new Worker(server);
			const key = uuid7();
			const keyed = { name: 'keyed', tests: [commandTest()], labels: { nobody: 'x' } };

			await server.put('/queues/q', { concurrency: 7, priority: 3 });
			await server.post('/tests', commandTest({ name: 'saved', tags: ['t'] }));
			await server.put('/tests/saved', commandTest({ name: 'saved', description: 'r2' }));
			await server.post('/templates', { name: 'tpl', tests: [{ test: 'saved' }] });
			const done = await server.job({ name: 'done', config: { a: 1 } });
			const lease = await worker.take();

			await worker.send(lease, ['run.log', { text: 'kept' }]);
			assert.equal((await worker.upload(lease, 'a/b.txt', 'bytes')).status, 201);
			await worker.finish(lease, 'failed', { error: { message: 'm' }, result: { r: 1 } });
			const paused = await server.job({ name: 'paused', labels: { nobody: 'x' } });

			await server.post(`/jobs/${paused.id}/pause`);
			const first = await server.request('POST', '/jobs', keyed, { headers: { 'idempotency-key': key } });
			const gone = await server.job({ name: 'gone', labels: { nobody: 'x' } });

			await server.call('DELETE', `/jobs/${gone.id}`);
			const { bundle } = await server.post('/bundles', 'tar');
			const look = async () => ({
				jobs: await server.all('/jobs?sort=createdAt'), done: await server.get(`/jobs/${done.id}`),
				run: await server.get(`/jobs/${done.id}/runs/${lease.run}`),
				events: await server.all(`/jobs/${done.id}/events?format=json`),
				artifact: (await server.request('GET',
					`/jobs/${done.id}/runs/${lease.run}/artifacts/a/b.txt`)).text,
				bundle: (await server.request('GET', `/bundles/${bundle}`)).text,
				tests: await server.all('/tests?'), revisions: await server.get('/tests/saved/revisions'),
				templates: await server.all('/templates?'), queues: await server.get('/queues'),
			});
			const before_ = await look();

			assert.equal(before_.jobs.length, 3);
			const ended = await server.stop(signal);

			if (signal === 'SIGTERM') assert.deepEqual(ended, { code: 0, signal: null });
			await server.launch();
			assert.deepEqual(await look(), before_);
			const replayed = await server.request('POST', '/jobs', keyed,
				{ headers: { 'idempotency-key': key } });

			assert.equal(replayed.json.id, first.json.id);
			assert.equal(replayed.headers.get('idempotency-replayed'), 'true');
		});

		test('a leased run goes on with the same worker', async () => {
			const worker = new Worker(server, { labels: { only: 'this' } });
			const job = await server.job({ labels: { only: 'this' }, iterations: 2 });
			const lease = await worker.take();

			await server.restart(signal);
			assert.deepEqual((await worker.poll()).directives, []);
			assert.equal((await server.get(`/jobs/${job.id}/runs/${lease.run}`)).status, 'leased');
			await worker.finish(lease);
			const final = await worker.finishJob(job.id);

			assert.equal(final.status, 'completed');
			assert.equal(final.counts.passed, 2);
			assert.equal((await server.all(`/jobs/${job.id}/runs?`)).length, 2);
		});

		test('nothing that was answered with 201 is lost, with 32 clients at work', async () => {
			const accepted = [];
			let over = false;
			const clients = Array.from({ length: 32 }, async () => {
				while (!over) {
					try {
						const got = await server.request('POST', '/jobs',
							{ tests: [commandTest()], labels: { nobody: 'x' } });

						if (got.status === 201) accepted.push(got.json.id);
					} catch {
						return; // the server is gone
					}
				}
			});

			while (accepted.length < 300) await new Promise((resolve) => setImmediate(resolve));
			await server.stop(signal);
			over = true;
			await Promise.all(clients);
			await server.launch();
			const known = new Set((await server.all('/jobs?', 1000)).map((j) => j.id));

			assert.deepEqual(accepted.filter((id) => !known.has(id)), []);
		});
	});
}

describe('two servers', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	test('do not share a data directory', async () => {
		const second = new Server();

		Object.assign(second, { data: server.data, args: [], program: server.program });
		await assert.rejects(second.launch(), /did not start/);
		assert.equal((await server.request('GET', '/healthz')).status, 200);
		const { code } = await second.gone;

		assert.notEqual(code, 0);
	});
});

// SPDX-License-Identifier: Apache-2.0
/* Events (docs/protocol/events.md): streams that can be cut anywhere, pages, filters. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, until, uuid7 } from './lib/server.mjs';
import { Stream } from './lib/events.mjs';
import { Worker } from './lib/worker.mjs';

describe('events', () => {
	let server, number = 0;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	async function pair(members = {}, options = {}) {
		const labels = { only: `w${number++}` };
		const worker = new Worker(server, { labels, ...options });

		return { worker, job: await server.job({ labels, ...members }) };
	}

	test('the life of a job, in order, until its stream ends', async () => {
		const { worker, job } = await pair();
		const stream = await Stream.open(server, `/jobs/${job.id}/events`);

		assert.equal(stream.status, 200);
		assert.match(stream.headers['content-type'], /^text\/event-stream/);
		assert.match(stream.headers['cache-control'] ?? '', /no-(cache|store)/);
		const lease = await worker.take();

		await worker.send(lease, ['run.started', { total: 1 }], ['run.step', { title: 'ü "x"\n2' }]);
		await worker.finish(lease, 'passed', { durationMs: 12 });
		const events = await stream.toEnd();
		const types = events.map((e) => e.event).filter((t) => t !== 'job.progress');

		assert.deepEqual(types, ['job.queued', 'job.starting', 'run.leased', 'job.started',
			'run.started', 'run.step', 'run.finished', 'job.completed'].filter((t) =>
			types.includes(t)));
		for (const must of ['job.queued', 'job.starting', 'run.leased', 'run.started', 'run.step',
			'run.finished', 'job.completed'])
			assert.ok(types.includes(must), must);
		let last = 0;

		for (const event of events) {
			assert.equal(event.json.seq, Number(event.id));
			assert.equal(event.json.type, event.event);
			assert.equal(event.json.job, job.id);
			assert.equal('run' in event.json, event.event.startsWith('run.'));
			assert.match(event.json.at, /^\d{4}-.*Z$/);
			assert.ok(Number(event.id) > last);
			last = Number(event.id);
		}
		const by = Object.fromEntries(events.map((e) => [e.event, e.json.data]));

		assert.equal(by['job.queued'].incarnation, 1);
		assert.equal(by['run.leased'].worker, worker.id);
		assert.equal(by['run.leased'].fence, lease.fence);
		assert.equal(by['run.step'].title, 'ü "x"\n2');
		assert.equal(by['run.finished'].outcome, 'passed');
		assert.equal(by['run.finished'].durationMs, 12);
		assert.equal(by['job.completed'].reason, 'passed');
		assert.equal(by['job.completed'].counts.passed, 1);
	});

	test('cut off 20 times, a reader has every event exactly once, in order', async () => {
		const { worker, job } = await pair({ iterations: 30 });
		const seen = [];
		let lastEventId, cuts = 0, over = false;
		const work = worker.finishJob(job.id);

		while (!over) {
			const stream = await Stream.open(server, `/jobs/${job.id}/events`, { lastEventId });

			assert.equal(stream.status, 200);
			/* Each time a little further than the last one, then the line is cut. */
			for (let i = 0; cuts >= 20 || i < 1 + (cuts % 5); i++) {
				const event = await stream.next();

				if (event === null) {
					over = true;
					break;
				}
				seen.push(event);
				lastEventId = event.id;
			}
			if (!over) {
				stream.cut();
				cuts++;
			}
		}
		await work;
		assert.equal(cuts, 20);
		const all = await server.all(`/jobs/${job.id}/events?format=json`);

		assert.deepEqual(seen.map((e) => e.json), all);
		assert.equal(all.filter((e) => e.type === 'run.finished').length, 30);
		assert.equal(all.at(-1).type, 'job.completed');
	});

	test('a cut in the middle of an event loses nothing', async () => {
		const { worker, job } = await pair({ iterations: 5 });

		await worker.finishJob(job.id);
		const all = await server.all(`/jobs/${job.id}/events?format=json`);
		const head = `GET /api/v1/jobs/${job.id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
			`Authorization: Bearer ${server.token}\r\n`;

		for (let bytes = 400; bytes < 2500; bytes += 300) {
			const part = await server.raw(`${head}\r\n`, { enough: (got) => got.length >= bytes });
			const ids = [...part.matchAll(/id: (\d+)\nevent: .*\ndata: .*\n\n/g)].map((m) => m[1]);
			const rest = await Stream.open(server, `/jobs/${job.id}/events`,
				{ lastEventId: ids.at(-1) });

			if (rest.status === 204) continue;
			const after_ = (await rest.toEnd()).map((e) => e.id);

			assert.deepEqual([...ids, ...after_], all.map((e) => String(e.seq)));
		}
	});

	test('?after= and Last-Event-ID mean the same; the header wins', async () => {
		const { worker, job } = await pair({ iterations: 3 });

		await worker.finishJob(job.id);
		const all = await server.all(`/jobs/${job.id}/events?format=json`);
		const middle = all[4].seq;
		const ids = async (target, options) =>
			(await (await Stream.open(server, target, options)).toEnd()).map((e) => Number(e.id));
		const expected = all.slice(5).map((e) => e.seq);

		assert.deepEqual(await ids(`/jobs/${job.id}/events?after=${middle}`), expected);
		assert.deepEqual(await ids(`/jobs/${job.id}/events`, { lastEventId: middle }), expected);
		assert.deepEqual(await ids(`/jobs/${job.id}/events?after=0`, { lastEventId: middle }), expected);
	});

	test('a job that is over: what was missed, then the end; then 204', async () => {
		const { worker, job } = await pair();

		await worker.finishJob(job.id);
		const events = await (await Stream.open(server, `/jobs/${job.id}/events`)).toEnd();
		const again = await Stream.open(server, `/jobs/${job.id}/events`,
			{ lastEventId: events.at(-1).id });

		assert.equal(events.at(-1).event, 'job.completed');
		assert.equal(again.status, 204);
		again.cut();
	});

	test('a job that starts again has a stream again', async () => {
		const { worker, job } = await pair();

		await worker.finishJob(job.id);
		const first = await (await Stream.open(server, `/jobs/${job.id}/events`)).toEnd();

		await server.post(`/jobs/${job.id}/start`);
		const stream = await Stream.open(server, `/jobs/${job.id}/events`,
			{ lastEventId: first.at(-1).id });

		assert.equal(stream.status, 200);
		await worker.finishJob(job.id, 'failed');
		const second = await stream.toEnd();

		assert.equal(second[0].event, 'job.restarting');
		assert.equal(second[0].json.data.incarnation, 2);
		assert.equal(second[0].json.data.previous.status, 'completed');
		assert.equal(second.at(-1).event, 'job.failed');
	});

	test('every end ends the stream: stopped, failed, deleted', async () => {
		for (const [what, type] of [['stop', 'job.stopped'], ['delete', 'job.deleted']]) {
			const { job } = await pair();
			const stream = await Stream.open(server, `/jobs/${job.id}/events`);

			await stream.until('job.queued');
			if (what === 'delete') await server.call('DELETE', `/jobs/${job.id}`);
			else await server.post(`/jobs/${job.id}/${what}`);
			assert.equal((await stream.toEnd()).at(-1).event, type);
		}
	});

	test('filters: by type, by prefix, several; the end comes all the same', async () => {
		const { worker, job } = await pair({ iterations: 2 });
		const open = (query) => Stream.open(server, `/jobs/${job.id}/events?${query}`);
		const streams = await Promise.all([open('type=run.finished'), open('type=job.*'),
			open('type=run.leased&type=job.completed')]);

		await worker.finishJob(job.id);
		const [one, two, three] = await Promise.all(streams.map(async (s) =>
			(await s.toEnd()).map((e) => e.event)));

		assert.deepEqual(one, ['run.finished', 'run.finished']);
		assert.ok(two.every((t) => t.startsWith('job.')) && two.includes('job.completed'));
		assert.deepEqual(three, ['run.leased', 'run.leased', 'job.completed']);
		assertProblem(await server.request('GET', `/jobs/${job.id}/events?type=run.dance`), 400,
			'invalid_parameter', [['?type', 'invalid_field']]);
	});

	test('the project stream: from now on, all jobs, workers too', async () => {
		const stream = await Stream.open(server, '/events');

		assert.equal(stream.status, 200);
		const { worker, job } = await pair();

		await worker.finishJob(job.id);
		const seen = [];

		for (;;) {
			const event = await stream.next();

			seen.push(event);
			if (event.event === 'job.completed' && event.json.job === job.id) break;
		}
		assert.equal(seen[0].event, 'job.queued');
		assert.equal(seen[0].json.job, job.id);
		assert.ok(seen.some((e) => e.event === 'worker.joined' && e.json.data.worker === worker.id));
		stream.cut();
	});

	test('the project stream with ?after=0 begins at the first kept event', async () => {
		const stream = await Stream.open(server, '/events?after=0&type=job.*');
		const [first] = await stream.until('job.queued');
		const { items: [known] } = await server.get('/events?after=0&type=job.*&limit=1');

		assert.equal(Number(first.id), known.seq);
		stream.cut();
	});

	test('a page instead of a stream: by format, limit or Accept', async () => {
		const { worker, job } = await pair({ iterations: 10 });

		await worker.finishJob(job.id);
		const target = `/jobs/${job.id}/events`;
		const all = (await server.get(`${target}?format=json&limit=1000`)).items;
		const paged = await server.all(`${target}?format=json`, 7);

		assert.deepEqual(paged, all);
		assert.deepEqual((await server.get(target, { headers: { accept: 'application/json' } })).items,
			all.slice(0, 50));
		assert.deepEqual((await server.get(`${target}?limit=3`)).items, all.slice(0, 3));
		assert.deepEqual((await server.get(`${target}?format=json&after=${all[3].seq}&limit=2`)).items,
			all.slice(4, 6));
		assertProblem(await server.request('GET', `${target}?cursor=x&format=json`), 400,
			'invalid_parameter', [['?cursor', 'invalid_field']]);
	});

	test('an unknown job has no stream', async () => {
		for (const id of [uuid7(), 'x']) {
			const got = await server.request('GET', `/jobs/${id}/events`,
				undefined, { headers: { accept: 'text/event-stream' } });

			assertProblem(got, 404, 'not_found');
		}
	});

	test('a bad Last-Event-ID is refused', async () => {
		const { job } = await pair();

		assert.equal((await server.request('GET', `/jobs/${job.id}/events`, undefined,
			{ headers: { 'last-event-id': 'abc' } })).status, 400);
	});

	test('a hundred readers of one job all get everything', async () => {
		const { worker, job } = await pair({ iterations: 5 });
		const streams = await Promise.all(Array.from({ length: 100 }, () =>
			Stream.open(server, `/jobs/${job.id}/events`)));

		await worker.finishJob(job.id);
		const expected = (await server.all(`/jobs/${job.id}/events?format=json`)).map((e) => e.seq);

		for (const stream of streams)
			assert.deepEqual((await stream.toEnd()).map((e) => Number(e.id)), expected);
	});

	test('a reader that does not read is dropped and resumes without loss', async () => {
		const { worker, job } = await pair();
		const lease = await worker.take();
		const socket = net.connect({ port: server.port, host: '127.0.0.1' });

		await new Promise((resolve) => socket.on('connect', resolve));
		socket.pause();
		socket.write(`GET /api/v1/jobs/${job.id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
			`Authorization: Bearer ${server.token}\r\n\r\n`);
		const figure = async (name) => Number(new RegExp(`^proctor_${name} (\\d+)$`, 'm').exec(
			(await server.request('GET', '/metrics')).text)[1]);

		await until('the stream is open', async () => (await figure('streams')) > 0);
		const text = 'x'.repeat(60000);

		/* Far more than the queue and the buffers of the kernel hold. */
		for (let i = 0; i < 40; i++)
			await worker.send(lease, ...Array.from({ length: 10 }, () => ['run.log', { text }]));
		await until('the stream is dropped', async () => (await figure('streams_dropped_total')) > 0);
		let got = '';

		socket.setEncoding('latin1');
		socket.on('data', (part) => { got += part; });
		socket.resume();
		await new Promise((resolve) => socket.on('close', resolve));
		const tail = got.slice(-300);

		assert.match(tail, /event: dropped\n/);
		assert.ok(!/id: .*\nevent: dropped/.test(tail), 'without an id');
		const ids = [...got.matchAll(/^id: (\d+)$/gm)].map((m) => m[1]);

		await worker.finish(lease);
		const rest = await Stream.open(server, `/jobs/${job.id}/events`, { lastEventId: ids.at(-1) });
		const after_ = (await rest.toEnd()).map((e) => e.id);
		const all = (await server.all(`/jobs/${job.id}/events?format=json`, 1000))
			.map((e) => String(e.seq));

		assert.deepEqual([...ids, ...after_], all);
	});

	test('HEAD of a stream does not hang', async () => {
		const { job } = await pair();
		const got = await server.raw(`HEAD /api/v1/jobs/${job.id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
			`Authorization: Bearer ${server.token}\r\nConnection: close\r\n\r\n`, { ms: 5000 });

		assert.match(got, /^HTTP\/1\.1 (200|405)/);
	});
});

describe('events and a restart', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	test('a stream that the death of the server cut goes on where it was', async () => {
		const worker = new Worker(server);
		const job = await server.job({ iterations: 3, tests: [commandTest()] });
		const stream = await Stream.open(server, `/jobs/${job.id}/events`);

		await worker.finish(await worker.take());
		const seen = await stream.until('run.finished');

		await server.restart('SIGKILL');
		seen.push(...await stream.toEnd());
		const rest = await Stream.open(server, `/jobs/${job.id}/events`,
			{ lastEventId: seen.at(-1).id });

		await worker.finishJob(job.id);
		seen.push(...await rest.toEnd());
		const all = await server.all(`/jobs/${job.id}/events?format=json`);

		assert.deepEqual(seen.map((e) => e.json), all);
	});
});

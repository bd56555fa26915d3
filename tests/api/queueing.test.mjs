// SPDX-License-Identifier: Apache-2.0
/* What lets waiting jobs go and what keeps them, and changes of them: docs/protocol/queues.md. */
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

const submit = ({ queue, labels }, more = {}) =>
	server.request('POST', '/jobs', { tests: [commandTest()], queue, labels, ...more });
const blockers = async (id) => (await server.get(`/jobs/${id}/explain`)).blockers;

describe('settings', () => {
	test('rate, limits and fairBy stay until they are taken off', async () => {
		const limits = [{ key: 'site', concurrency: 2 }, { key: 'site', value: 'slow', rate: { limit: 1, per: '1m' } }];

		await server.put('/queues/set', { rate: { limit: 10, per: '1m' }, limits, fairBy: 'team' });
		const kept = await server.put('/queues/set', { priority: 2 });

		assert.deepEqual(kept.rate, { limit: 10, per: 60000, burst: 10 });
		assert.deepEqual(kept.limits, limits);
		assert.equal(kept.fairBy, 'team');
		const bare = await server.put('/queues/set', { rate: null, limits: null, fairBy: null });

		assert.equal(bare.rate ?? bare.limits ?? bare.fairBy, undefined);
	});

	test('what is wrong is refused with its place', async () => {
		const put = (body) => server.request('PUT', '/queues/wrong', body);

		assertProblem(await put({ limits: [{ concurrency: 1 }] }), 400, 'invalid_field', [['/limits/0/key', 'missing_field']]);
		assertProblem(await put({ limits: [{ key: 'a' }, { key: 'a' }] }), 400, 'invalid_field', [['/limits/1', 'duplicate']]);
		assertProblem(await put({ rate: { limit: 0, per: '1s' } }), 400, 'invalid_field');
		assertProblem(await put({ share: 2 }), 400, 'invalid_field', [['/share', 'invalid_field']]);
		assertProblem(await submit({ queue: '*' }), 400, 'invalid_field');
	});

	test('pause, resume, drain', async () => {
		const own = alone();
		const { json: job } = await submit(own);

		assert.equal((await server.post(`/queues/${own.queue}/pause`)).state, 'paused');
		assert.deepEqual((await own.worker.poll()).leases, []);
		assert.equal((await server.post(`/queues/${own.queue}/drain`)).state, 'draining');
		assertProblem(await submit(own), 429, 'queue_draining');
		const lease = await own.worker.take();

		assert.equal(lease.job, job.id);
		await own.worker.finish(lease);
		await own.worker.poll();
		assert.equal((await server.get(`/queues/${own.queue}`)).state, 'paused');
		assert.equal((await server.post(`/queues/${own.queue}/resume`)).state, 'open');
		assertProblem(await server.request('POST', '/queues/none/pause'), 404, 'not_found');
	});
});

describe('limits', () => {
	test('a full key holds its jobs, and a restart changes nothing', async () => {
		const own = alone({ capacity: 4 });

		await server.put(`/queues/${own.queue}`, { limits: [{ key: 'site', concurrency: 1 }] });
		const first = (await submit(own, { keys: { site: 'a' } })).json;
		const second = (await submit(own, { keys: { site: 'a' } })).json;
		const other = (await submit(own, { keys: { site: 'b' } })).json;
		const taken = new Map();

		for (let i = 0; i < 2; i++)
			for (const lease of (await own.worker.poll()).leases) taken.set(lease.job, lease);
		assert.deepEqual([...taken.keys()].sort(), [first.id, other.id].sort());
		assert.equal((await server.get(`/jobs/${second.id}`)).heldBy, 'site=a');
		assert.deepEqual((await server.get(`/queues/${own.queue}`)).figures.held, 1);
		await server.restart('SIGKILL');
		const why = await blockers(second.id);

		assert.equal(why[0].kind, 'key_limit');
		assert.equal(why[0].subject, 'site=a');
		await own.worker.finish(taken.get(first.id));
		assert.equal((await own.worker.take()).job, second.id);
	});

	test('needs go to a worker that has so much', async () => {
		const own = alone({ capacity: 4 });
		const { json: job } = await submit(own, { needs: { browsers: 2, memory: '1GiB' } });

		assert.deepEqual(job.needs, { browsers: 2, memory: 2 ** 30 });
		await own.worker.poll({ resources: { browsers: 1, memory: '4GiB' } });
		const [why] = await blockers(job.id);

		assert.equal(why.kind, 'no_worker_needs');
		assert.equal(why.subject, 'browsers');
		assert.match(why.text, /a run takes 2, the most that one has is 1; .* --resource browsers=N\.$/);
		const { leases } = await own.worker.poll({ resources: { browsers: 2, memory: '4GiB' } });

		assert.equal(leases[0].job, job.id);
		assert.deepEqual((await server.get(`/workers/${own.worker.id}`)).resources,
			{ browsers: 2, memory: 2 ** 32 });
	});
});

describe('unique jobs', () => {
	test('skip answers the one that is there, also in a bulk', async () => {
		const own = alone();
		const unique = { key: uuid7() };
		const first = await submit(own, { unique });
		const again = await submit(own, { unique });

		assert.equal(first.status, 201);
		assert.equal(first.json.unique, undefined);
		assert.equal(again.status, 200);
		assert.equal(again.json.id, first.json.id);
		assert.equal(again.json.unique, 'existing');
		const fresh = { tests: [commandTest()], ...own, worker: undefined, unique: { key: uuid7() } };
		const { items } = await server.post('/jobs:bulk', { jobs: [fresh, fresh] });

		assert.equal(items[0].id, items[1].id);
		assert.deepEqual(items.map((job) => job.unique), [undefined, 'existing']);
	});

	test('many at once make one', async () => {
		const own = alone();
		const unique = { key: uuid7(), period: '1h' };
		const made = await Promise.all(Array.from({ length: 20 }, () => submit(own, { unique })));

		assert.equal(new Set(made.map(({ json }) => json.id)).size, 1);
		assert.equal(made.filter(({ status }) => status === 201).length, 1);
	});

	test('replace and debounce', async () => {
		const own = alone();
		const unique = { key: uuid7(), mode: 'replace' };
		const { json: first } = await submit(own, { unique });
		const { json: second } = await submit(own, { unique });

		assert.equal((await server.get(`/jobs/${first.id}`)).reason, 'superseded');
		assert.equal((await server.get(`/jobs/${second.id}`)).uniqueKey.holds, true);
		const late = { key: uuid7(), mode: 'debounce', period: '1h' };
		const { json: third } = await submit(own, { unique: late });

		assert.ok(Date.parse(third.runAt) > Date.now() + 3500e3);
		await submit(own, { unique: late });
		assert.equal((await server.get(`/jobs/${third.id}`)).reason, 'superseded');
		assertProblem(await submit(own, { unique: { key: 'x', mode: 'debounce' } }), 400,
			'invalid_field', [['/unique/period', 'missing_field']]);
	});
});

test('a job expires when it has not begun', async () => {
	const { json: job } = await submit(alone(), { expiresAfter: 50 });
	const ended = await server.get(`/jobs/${job.id}?wait=20s`);

	assert.deepEqual([ended.status, ended.reason], ['failed', 'expired']);
});

describe('changes of what waits', () => {
	test('a patch, its ETag and its event', async () => {
		const own = alone();
		const { json: job } = await submit(own);
		const edited = await server.request('PATCH', `/jobs/${job.id}`,
			{ priority: 7, keys: { team: 'web' }, expiresAfter: '1h', runAt: '2030-01-01T00:00:00Z' });

		assert.equal(edited.status, 200, edited.text);
		assert.equal(edited.json.priority, 7);
		assert.deepEqual(edited.json.keys, { team: 'web' });
		const etag = edited.headers.get('etag');
		const stale = await server.request('PATCH', `/jobs/${job.id}`, { priority: 1 },
			{ headers: { 'if-match': '"1"' } });

		assertProblem(stale, 412, 'revision_mismatch');
		const good = await server.request('PATCH', `/jobs/${job.id}`, { priority: 1 },
			{ headers: { 'if-match': etag } });

		assert.equal(good.status, 200, good.text);
		const events = await server.get(`/jobs/${job.id}/events?format=json`);

		assert.equal(events.items.filter((e) => e.type === 'job.edited').length, 2);
	});

	test('places', async () => {
		const own = alone();
		const ids = [];

		for (let i = 0; i < 3; i++) {
			ids.push((await submit(own)).json.id);
			await new Promise((resolve) => { setTimeout(resolve, 5); }); /* places are milliseconds of age */
		}
		await server.post(`/jobs/${ids[2]}/move`, { before: ids[0] });
		await server.post(`/jobs/${ids[1]}/move`, { top: true });
		for (const at of [1, 2, 0]) {
			const lease = await own.worker.take();

			assert.equal(lease.job, ids[at]);
			await own.worker.finish(lease);
		}
		assertProblem(await server.request('POST', `/jobs/${ids[0]}/move`, { top: true }), 409, 'wrong_state');
		assertProblem(await server.request('POST', `/jobs/${ids[0]}/move`, {}), 400, 'invalid_field');
	});

	test('an action for many: counted, expected, told', async () => {
		const own = alone();

		for (let i = 0; i < 3; i++) await submit(own, { tags: ['nightly'] });
		await submit(own);
		const filter = { queue: own.queue, tag: 'nightly', status: 'queued' };
		const dry = await server.post('/jobs:action', { action: 'cancel', filter, dryRun: true });

		assert.equal(dry.count, 3);
		assert.equal(dry.sample.length, 3);
		assertProblem(await server.request('POST', '/jobs:action', { action: 'cancel', filter, expect: 2 }),
			409, 'conflict');
		const edit = await server.post('/jobs:action', { action: 'edit', filter, set: { priority: 9 } });

		assert.equal(edit.done, 3);
		const done = await server.post('/jobs:action', { action: 'cancel', filter, expect: 3 });

		assert.deepEqual([done.count, done.done, done.failed], [3, 3, 0]);
		const again = await server.post('/jobs:action',
			{ action: 'cancel', filter: { queue: own.queue, tag: 'nightly' } });

		assert.deepEqual([again.done, again.failed, again.reasons.wrong_state], [0, 3, 3]);
		const gone = await server.post('/jobs:action', { action: 'delete', filter: { queue: own.queue } });

		assert.equal(gone.done, 4);
		assert.equal((await server.get(`/jobs?queue=${own.queue}`)).items.length, 0);
		assertProblem(await server.request('POST', '/jobs:action',
			{ action: 'cancel', filter: { ...filter, limit: 1, sort: '-createdAt' } }), 400, 'invalid_field',
		[['/filter/limit', 'unknown_field'], ['/filter/sort', 'unknown_field']]);
		assertProblem(await server.request('POST', '/jobs:action', { action: 'edit', filter }), 400,
			'invalid_field', [['/set', 'invalid_field']]);
	});
});

test('the figures of * are those of all queues', async () => {
	const own = alone();

	await server.call('PUT', '/queues/*', { share: 1 });
	await submit(own, {});
	await submit(own, {});
	const lease = await own.worker.take();
	const { items } = await server.get('/queues');
	const sum = (name) => items.filter((queue) => queue.name !== '*')
		.reduce((all, queue) => all + queue.figures[name], 0);
	const star = (await server.get('/queues/*')).figures;

	assert.ok(star.running >= 1 && star.ready >= 1);
	assert.deepEqual(items.find((queue) => queue.name === '*').figures, star);
	assert.deepEqual([star.running, star.ready, star.held], [sum('running'), sum('ready'), sum('held')]);
	await own.worker.finish(lease);
});

test('a forecast from history, and an honest unknown', async () => {
	const own = alone();
	const name = uuid7();
	const { json: first } = await submit(own, { name });
	const before = (await server.get(`/jobs/${first.id}/explain`)).forecast;

	assert.equal(before.startAt, undefined);
	assert.ok(before.basis.unknown);
	await own.worker.finish(await own.worker.take());
	await submit(own, { name });
	const { json: third } = await submit(own, { name });
	const { forecast } = await server.get(`/jobs/${third.id}/explain`);

	assert.equal(forecast.basis.samples, 1);
	assert.equal(forecast.basis.ahead, 1);
	assert.ok(Date.parse(forecast.startAt) <= Date.parse(forecast.endAt));
	assert.ok((await server.get(`/queues/${own.queue}`)).figures.drainAt);
});

test('a forecast counts the rate of the queue, and does not guess at keys', async () => {
	const own = alone();
	const name = uuid7();
	const at = async (id) => Date.parse((await server.get(`/jobs/${id}/explain`)).forecast.startAt);

	await submit(own, { name });
	await own.worker.finish(await own.worker.take());
	await server.call('PUT', `/queues/${own.queue}`, { rate: { limit: 1, per: '1h', burst: 1 } });
	await submit(own, { name });
	const ahead = await own.worker.take();
	const jobs = [];

	for (let i = 0; i < 3; i++) jobs.push((await submit(own, { name })).json.id);
	assert.ok(await at(jobs[2]) - Date.now() > 2.5 * 3600e3);
	assert.ok(Date.parse((await server.get(`/queues/${own.queue}`)).figures.drainAt) - Date.now() > 2.5 * 3600e3);
	await server.call('PUT', `/queues/${own.queue}`, { rate: null, limits: [{ key: 'site', concurrency: 1 }] });
	for (const id of jobs) await server.post(`/jobs/${id}/cancel`);
	await own.worker.finish(ahead);
	await submit(own, { name, keys: { site: 'a' } });
	const first = await own.worker.take();
	const { json: held } = await submit(own, { name, keys: { site: 'a' } });
	const { forecast } = await server.get(`/jobs/${held.id}/explain`);

	assert.equal(forecast.startAt, undefined);
	assert.match(forecast.basis.unknown, /key/);
	assert.equal((await server.get(`/queues/${own.queue}`)).figures.drainAt, undefined);
	await own.worker.finish(first);
});

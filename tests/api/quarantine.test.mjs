// SPDX-License-Identifier: Apache-2.0
/*
 * The quarantine list: who may stand on it, what it does to counts, and how entries leave.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server, worker;

after(() => server?.close());
before(async () => {
	server = await Server.start();
	worker = new Worker(server);
});

const inHours = (n) => new Date(Date.now() + n * 3600e3).toISOString();
const entry = (members) => ({ test: 'flappy', owner: 'ann', reason: 'PAY-12', ...members });
const add = (members, options) => server.request('POST', '/quarantine', entry(members), options);
const remove = (id) => server.request('DELETE', `/quarantine/${id}`);
const list = async () => (await server.get('/quarantine')).items;

/* Runs a job of one test of that name; its end. */
async function run(name, outcome, members = {}) {
	const job = await server.job({ tests: [commandTest({ name })], ...members });

	return worker.finishJob(job.id, outcome);
}

describe('the list', () => {
	test('what is put on it is shown, changed and taken off', async () => {
		const made = await add({ expiresAt: inHours(2), cleanRuns: 5 });

		assert.equal(made.status, 201, made.text);
		assert.equal(made.json.durable, 'fsync');
		assert.equal(made.json.cleanStreak, 0);
		assert.deepEqual((await list()).map((e) => [e.id, e.test, e.owner, e.reason, e.cleanRuns]),
			[[made.json.id, 'flappy', 'ann', 'PAY-12', 5]]);
		const changed = await server.request('PUT', `/quarantine/${made.json.id}`,
			{ ...made.json, owner: 'bob' });

		assert.equal(changed.status, 200, changed.text);
		assert.equal(changed.json.revision, 2);
		assert.equal((await server.get(`/quarantine/${made.json.id}`)).owner, 'bob');
		assert.equal((await server.request('PUT', `/quarantine/${made.json.id}`, entry(),
			{ headers: { 'if-match': '"1"' } })).status, 412);
		assert.equal((await remove(made.json.id)).status, 204);
		assert.deepEqual(await list(), []);
		assertProblem(await remove(made.json.id), 404, 'not_found');
		assertProblem(await server.request('GET', `/quarantine/${uuid7()}`), 404, 'not_found');
	});

	test('defaults: 30 days, 20 clean runs', async () => {
		const { json } = await add();
		const days = (Date.parse(json.expiresAt) - Date.now()) / 86400e3;

		assert.ok(days > 29.9 && days <= 30);
		assert.equal(json.cleanRuns, 20);
		await remove(json.id);
	});

	test('bad values are named', async () => {
		for (const [members, pointer] of [[{ test: '' }, '/test'], [{ owner: undefined }, '/owner'],
			[{ reason: '' }, '/reason'], [{ cleanRuns: -1 }, '/cleanRuns'], [{ cleanRuns: 1.5 }, '/cleanRuns'],
			[{ expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'], [{ expiresAt: inHours(24 * 400) }, '/expiresAt'],
			[{ expiresAt: 'soon' }, '/expiresAt'], [{ expires: 1 }, '/expires']]) {
			const got = await add(members);

			assert.equal(got.status, 400, JSON.stringify(members));
			assert.ok(got.json.errors.some((e) => e.pointer === pointer), got.text);
		}
	});

	test('a test stands on it once; an Idempotency-Key gives the same answer again', async () => {
		const headers = { 'idempotency-key': uuid7() };
		const first = await add({}, { headers }), again = await add({}, { headers });

		assert.equal(again.status, 201, again.text);
		assert.equal(again.json.id, first.json.id);
		assertProblem(await add(), 409, 'conflict');
		await remove(first.json.id);
	});

	test('it has a cap', async () => {
		const ids = [];

		for (let i = 0; i < 50; i++) ids.push((await add({ test: `t${i}` })).json.id);
		const got = await add({ test: 'one more' });

		assertProblem(got, 429, 'limit_exceeded');
		assert.match(got.json.detail, /50/);
		for (const id of ids) await remove(id);
	});

	test('its cap is a setting', async () => {
		const own = await Server.start({ args: ['--quarantine-cap', '1'] });

		try {
			const put = (test) => own.request('POST', '/quarantine', entry({ test }));

			assert.equal((await put('a')).status, 201);
			assertProblem(await put('b'), 429, 'limit_exceeded');
		} finally {
			await own.close();
		}
	});

	test('it survives a restart', async () => {
		const { json } = await add({ cleanRuns: 2 });

		await server.stop();
		await server.launch();
		assert.deepEqual((await list()).map((e) => [e.id, e.test, e.expiresAt]),
			[[json.id, 'flappy', json.expiresAt]]);
		const end = await run('flappy', 'failed');

		assert.equal(end.status, 'completed');
		assert.equal((await list())[0].failures, 1);
		await remove(json.id);
	});
});

describe('what it does', () => {
	test('a failure is counted apart and does not fail the job', async () => {
		const { json } = await add();
		const end = await run('flappy', 'failed', { stopOnFirstFailure: true });

		assert.equal(end.status, 'completed', JSON.stringify(end.counts));
		assert.equal(end.counts.quarantined, 1);
		assert.equal(end.counts.failed, 0);
		const [only] = await server.all(`/jobs/${end.id}/runs?`);

		assert.equal(only.outcome, 'failed');
		assert.equal(only.quarantined, true);
		const after = (await list())[0];

		assert.equal(after.failures, 1);
		assert.ok(after.lastFailedAt);
		await remove(json.id);
		assert.equal((await run('flappy', 'failed')).status, 'failed');
	});

	test('a pattern covers many, other tests count as ever', async () => {
		const { json } = await add({ test: 'pays *' });

		assert.equal((await run('pays by card', 'failed')).status, 'completed');
		assert.equal((await run('home', 'failed')).status, 'failed');
		await remove(json.id);
	});

	test('after so many clean runs in a row it leaves by itself', async () => {
		const { json } = await add({ cleanRuns: 2 });

		await run('flappy', 'passed');
		await run('flappy', 'failed');
		await run('flappy', 'passed');
		assert.equal((await list())[0].cleanStreak, 1);
		await run('flappy', 'passed');
		assert.deepEqual(await list(), []);
		const { items } = await server.get(`/events?format=json&limit=1000&type=quarantine.left`);
		const left = items.at(-1);

		assert.equal(left.data.id, json.id);
		assert.equal(left.data.why, 'clean');
		assert.equal(left.data.failures, 1);
	});

	test('at its time it leaves by itself, without a request', async () => {
		const { json } = await add({ expiresAt: new Date(Date.now() + 300).toISOString() });
		let items = [];

		/* The event is waited for on the stream, not by asking the list. */
		while (!items.some((e) => e.data.id === json.id))
			({ items } = await server.get('/events?format=json&limit=1000&type=quarantine.left'));
		assert.equal(items.find((e) => e.data.id === json.id).data.why, 'expired');
		assert.deepEqual(await list(), []);
	});
});

// SPDX-License-Identifier: Apache-2.0
/* Retention: policies, pins, previews and sweeps; large jobs that go in slices. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Server, assertProblem, commandTest, until } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server;
let worker;

before(async () => {
	server = await Server.start();
	worker = new Worker(server);
});
after(() => server?.close());

const blobs = () => readdirSync(path.join(server.data, 'blobs'), { recursive: true, withFileTypes: true })
	.filter((entry) => entry.isFile()).length;

/* A job that has ended; with `file`, one that left a file of these bytes. */
const ended = async (members = {}, file = null, outcome = 'passed') => {
	const job = await server.job(members);
	const lease = await worker.take();

	if (file !== null) {
		const got = await server.request('PUT',
			`/runs/${lease.run}/artifacts/a.txt?fence=${lease.fence}`, Buffer.from(file),
			{ headers: { 'content-type': 'text/plain' } });

		assert.ok(got.status < 300, got.text);
	}
	await worker.finish(lease, outcome);
	return job.id;
};

const status = async (id) => (await server.request('GET', `/jobs/${id}`)).status;

/* Sweeps now, and gives the figures of that sweep. */
const sweep = async (policy) => {
	const { json } = await server.request('POST', `/retention/${policy.id}/sweep`, {});

	for (let i = 0; i < 500; i++) {
		const { lastSweep } = await server.get(`/retention/${policy.id}`);

		if (lastSweep && lastSweep.at !== json.lastSweep?.at) return lastSweep;
		await pause(10);
	}
	return assert.fail('no sweep');
};

const archives = () => readdirSync(path.join(server.data, 'archive'), { recursive: true });

const make = (members) => server.post('/retention', members);
const drop = (policy) => server.request('DELETE', `/retention/${policy.id}`);

describe('policies', () => {
	test('made, moved, changed, deleted', async () => {
		const a = await make({ name: 'a', keep: { age: '30d' }, paused: true });
		const b = await make({ name: 'b', keep: { bytes: '10GiB' }, match: { status: ['failed'] }, paused: true, place: 1 });
		const list = async () => (await server.get('/retention')).items.map((p) => `${p.place} ${p.name}`);

		assert.deepEqual(await list(), ['1 b', '2 a']);
		assert.deepEqual(a.keep, { age: '30d' });
		await server.put(`/retention/${a.id}`, { ...a, place: 1 });
		assert.deepEqual(await list(), ['1 a', '2 b']);
		assertProblem(await server.request('POST', '/retention', { name: 'a', keep: { count: 1 } }), 409, 'conflict');
		assert.equal((await drop(a)).status, 204);
		assert.deepEqual(await list(), ['1 b']);
		await server.restart();
		assert.deepEqual(await list(), ['1 b']);
		assert.equal((await drop(b)).status, 204);
	});

	test('what makes no sense is refused with its place', async () => {
		const refused = async (members, errors) => assertProblem(
			await server.request('POST', '/retention', members), 400, 'invalid_field', errors);

		await refused({ name: 'x' }, [['/keep', 'missing_field']]);
		await refused({ name: 'x', keep: { age: '1d' }, artifactsAge: '2d' }, [['/artifactsAge', 'invalid_field']]);
		await refused({ name: 'x', keep: { age: '1d' }, match: { status: ['running', 'gone'] } },
			[['/match/status/0', 'invalid_field'], ['/match/status/1', 'invalid_field']]);
		await refused({ keep: { count: 1 } }, [['/name', 'missing_field']]);
	});
});

describe('sweeps', () => {
	test('count keeps the newest; a pin spares; files go with their jobs', async () => {
		const before = blobs();
		const ids = [];

		for (let i = 0; i < 5; i++) ids.push(await ended({ tags: ['c'] }, `bytes ${i}`));
		const pinned = await server.post(`/jobs/${ids[0]}/pin`, { note: 'evidence' });

		assert.equal(pinned.pinned, true);
		assert.equal(pinned.pinNote, 'evidence');
		const body = { name: 'few', match: { tags: ['c'] }, keep: { count: 2 } };
		const preview = await server.post('/retention:preview', body);

		assert.equal(preview.jobs, 2);
		assert.equal(preview.artifacts, 2);
		assert.deepEqual(preview.sample.map((job) => job.id), [ids[1], ids[2]]);
		const policy = await make(body);
		const last = await sweep(policy);

		assert.equal(last.error, undefined);
		assert.deepEqual(await Promise.all(ids.map(status)), [200, 404, 404, 200, 200]);
		while (blobs() > before + 3) await pause(10);
		await server.post(`/jobs/${ids[0]}/unpin`);
		await sweep(policy);
		assert.equal(await status(ids[0]), 404);
		await drop(policy);
	});

	test('files before jobs; a file that another job names stays', async () => {
		const old = await ended({ tags: ['f'] }, 'the same');
		const other = await ended({ tags: ['g'] }, 'the same');
		const policy = await make({ name: 'files', match: { tags: ['f'] }, artifactsAge: 0, keep: { age: '1d' } });
		const last = await sweep(policy);

		assert.equal(last.error, undefined);
		assert.equal(await status(old), 200);
		assert.deepEqual((await server.get(`/jobs/${old}/artifacts`)).items, []);
		const { items } = await server.get(`/jobs/${other}/artifacts`);
		assert.equal(items.length, 1);
		assert.equal((await server.request('GET', `/jobs/${other}/runs/${items[0].run}/artifacts/a.txt`)).text, 'the same');
		await drop(policy);
	});

	test('the first policy that is about a job decides', async () => {
		const failed = await ended({ tags: ['o'] }, null, 'failed');
		const passed = await ended({ tags: ['o'] });
		const first = await make({ name: 'failures', match: { status: ['failed'], tags: ['o'] }, keep: { age: '90d' } });
		const second = await make({ name: 'all', match: { tags: ['o'] }, keep: { age: 0 } });

		await sweep(second);
		assert.equal(await status(failed), 200);
		assert.equal(await status(passed), 404);
		await drop(first);
		await drop(second);
	});

	test('a flow takes its children and their files along; its pin keeps them', async () => {
		const before = blobs();
		const flow = await server.post('/jobs', { stages: [{ name: 'a', run: { tests: [commandTest()] } }], tags: ['w'] });
		const lease = await worker.take();

		await server.request('PUT', `/runs/${lease.run}/artifacts/a.txt?fence=${lease.fence}`,
			Buffer.from('of a child'), { headers: { 'content-type': 'text/plain' } });
		await worker.finish(lease);
		while ((await server.get(`/jobs/${flow.id}?wait=10s`)).status !== 'completed') await pause(10);
		await server.post(`/jobs/${flow.id}/pin`);
		const all = await make({ name: 'flows', keep: { age: 0 } });

		await sweep(all);
		assert.deepEqual([await status(flow.id), await status(lease.job)], [200, 200]);
		await server.post(`/jobs/${flow.id}/unpin`);
		await sweep(all);
		assert.equal(await status(flow.id), 404);
		while (await status(lease.job) !== 404) await pause(10);
		while (blobs() > before) await pause(10);
		await drop(all);
	});

	test('bytes: the newest that fit', async () => {
		const ids = [];

		for (let i = 0; i < 3; i++) ids.push(await ended({ tags: ['b'] }, `${i}`.repeat(1000)));
		const policy = await make({ name: 'room', match: { tags: ['b'] }, keep: { bytes: 2500 } });

		await sweep(policy);
		assert.deepEqual(await Promise.all(ids.map(status)), [404, 200, 200]);
		await drop(policy);
	});
});

describe('large jobs', () => {
	test('are gone at once, and their rows in slices; no request waits long', async () => {
		const n = 600;
		const tests = [];

		for (let i = 0; i < n; i++) tests.push({ name: `t${i}`, kind: 'command', argv: ['true'] });
		const job = await server.job({ tests, concurrency: 50 });
		const many = new Worker(server, { capacity: 50 });

		for (let left = n; left > 0;) {
			const { leases } = await many.poll({ waitMs: 1000 });

			left -= leases.length;
			await many.report({ results: leases.map(({ run, fence }) => ({ run, fence, outcome: 'passed', durationMs: 1 })) });
			many.holds.clear();
		}
		const { items } = await server.get(`/jobs/${job.id}/runs?limit=1`);
		assert.equal((await server.get(`/jobs/${job.id}`)).status, 'completed');
		assert.equal((await server.request('DELETE', `/jobs/${job.id}`)).status, 200);
		assert.equal(await status(job.id), 404);
		assert.equal((await server.request('GET', `/runs/${items[0].id}`)).status, 404);
		await server.restart('SIGKILL');
		assert.equal((await server.request('GET', `/runs/${items[0].id}`)).status, 404);
	});
});

describe('archives', () => {
	/* A policy sweeps when it is made, and again when it is asked to. */
	const gone = (id) => until('it is gone', async () => await status(id) === 404);

	test('what goes is in a file, and comes back from it', async () => {
		const id = await ended({ name: 'kept away', queue: 'arc' }, 'arc');
		const policy = await make({ name: 'arc/../hive', match: { queue: 'arc' }, keep: { count: 0 }, archive: true });

		await gone(id);
		const [folder, file] = archives().sort();

		assert.equal(folder, 'default');
		assert.match(file, /^default\/arc____hive-\d{8}T\d{9}Z\.tar\.gz$/);
		const swept = await until('it says so', async () => (await server.get(`/retention/${policy.id}`)).lastSweep);

		assert.deepEqual([swept.jobs, swept.artifacts, swept.archive, swept.error], [1, 1, file, undefined]);
		const back = await server.request('POST', '/archive:import',
			readFileSync(path.join(server.data, 'archive', file)));

		assert.equal(back.json.jobs, 1, back.text);
		assert.equal((await sweep(policy)).jobs, 0); /* pinned */
		assert.equal(await status(id), 200);
		await server.request('POST', `/jobs/${id}/unpin`, {});
		await sweep(policy);
		await gone(id);
		assert.equal(archives().length, 3);
		await drop(policy);
	});

	test('nothing goes that cannot be written', async () => {
		const id = await ended({ name: 'stays', queue: 'blocked' });

		writeFileSync(path.join(server.data, 'archive', 'wall'), '');
		const policy = await make({ name: 'blocked', match: { queue: 'blocked' }, keep: { count: 0 }, archive: 'wall' });
		const figures = await sweep(policy);

		assert.equal(figures.jobs, 0);
		assert.match(figures.error, /folder for archives/);
		assert.equal(await status(id), 200);
		await drop(policy);
	});

	test('folders that lead out', async () => {
		for (const archive of ['../up', '/etc', '', '.hidden', 'a//b', 7, null]) {
			const got = await server.request('POST', '/retention', { name: 'x', keep: { count: 1 }, archive });

			assertProblem(got, 400, 'invalid_field');
		}
	});
});

// SPDX-License-Identifier: Apache-2.0
/*
 * Projects: their list, which of them a request means, and what deleting one clears away.
 * Environments, whose secrets nobody reads back.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const DEFAULT = '00000000-0000-7000-8000-000000000001';
let server;

after(() => server?.close());
before(async () => { server = await Server.start(); });

const make = (members) => server.post('/projects', members);
const names = async () => (await server.get('/projects')).items.map((p) => p.name);

describe('projects', () => {
	test('the default one is there, always', async () => {
		const one = await server.get('/projects/default');

		assert.equal(one.id, DEFAULT);
		assert.equal(one.revision, 1);
		assert.deepEqual(await server.get(`/projects/${DEFAULT}`), one);
		assertProblem(await server.request('DELETE', '/projects/default'), 409, 'conflict');
	});

	test('made, changed, deleted; a name is free again then', async () => {
		const made = await make({ name: 'shop', description: 'mugs', extra: { a: 1 } });

		assert.equal(made.revision, 1);
		assert.deepEqual(made.extra, { a: 1 });
		assertProblem(await server.request('POST', '/projects', { name: 'shop' }), 409, 'conflict');
		const changed = await server.call('PATCH', '/projects/shop', { description: null, name: 'store' });

		assert.equal(changed.id, made.id);
		assert.equal(changed.revision, 2);
		assert.ok(!('description' in changed));
		assert.deepEqual(changed.extra, { a: 1 });
		assertProblem(await server.request('PATCH', `/projects/${made.id}`, { name: 'x' },
			{ headers: { 'if-match': '"1"' } }), 412, 'revision_mismatch');
		assertProblem(await server.request('PATCH', '/projects/store', { nmae: 'x' }), 400, 'invalid_field');
		assertProblem(await server.request('POST', '/projects', {}), 400, 'invalid_field');
		assert.ok((await names()).includes('store'));
		assert.equal((await server.request('DELETE', '/projects/store')).status, 204);
		assertProblem(await server.request('GET', `/projects/${made.id}`), 404, 'not_found');
		const again = await make({ name: 'store' });

		assert.notEqual(again.id, made.id);
		await server.restart();
		assert.equal((await server.get('/projects/store')).id, again.id);
		assert.ok(!(await names()).includes('shop'));
	});

	test("a job's queue has its name in each project, also after a restart", async () => {
		await make({ name: 'queued' });
		const job = await server.post('/jobs?project=queued', { tests: [commandTest()], queue: 'apart' });

		await server.restart();
		assert.equal((await server.get(`/jobs/${job.id}?project=queued`)).queue, 'apart');
		assert.equal((await server.request('DELETE', '/projects/queued')).status, 204);
	});

	test('a repeated POST with its key makes one', async () => {
		const options = { headers: { 'idempotency-key': 'p-1' } };
		const first = await server.request('POST', '/projects', { name: 'once' }, options);
		const second = await server.request('POST', '/projects', { name: 'once' }, options);

		assert.deepEqual([first.status, second.status], [201, 201]);
		assert.equal(second.json.id, first.json.id);
		assert.equal(second.headers.get('idempotency-replayed'), 'true');
	});

	test('gates are checked', async () => {
		const got = await server.request('POST', '/projects',
			{ name: 'gated', gates: [{ tag: 'x', wait: { timer: { for: '1s' } } }, { tag: 'y' }] });

		assertProblem(got, 400, 'invalid_field');
		assert.deepEqual(got.json.errors.map((e) => e.pointer), ['/gates/1/wait']);
	});
});

describe('which project a request means', () => {
	test('parameter and header, name and id; jobs of one are not seen in another', async () => {
		const project = await make({ name: 'other' });
		const job = await server.post(`/jobs?project=${project.id}`, { tests: [commandTest()] });

		assert.equal(job.project, 'other');
		assertProblem(await server.request('GET', `/jobs/${job.id}`), 404, 'not_found');
		assert.equal((await server.get(`/jobs/${job.id}?project=other`)).id, job.id);
		assert.equal((await server.get(`/jobs/${job.id}`,
			{ headers: { 'x-proctor-project': 'other' } })).id, job.id);
		assertProblem(await server.request('GET', '/jobs?project=nobody'), 404, 'not_found');
		assert.ok(!(await server.get('/jobs')).items.some((j) => j.id === job.id));
	});

	test('a worker of the administrator serves every project', async () => {
		const worker = new Worker(server);
		const job = await server.post('/jobs?project=other', { tests: [commandTest()] });

		for (;;) {
			const { leases } = await worker.poll({ waitMs: 200 });

			for (const lease of leases) {
				assert.equal((await worker.upload(lease, 'a.txt', 'x')).status, 201);
				await worker.finish(lease);
			}
			if ((await server.get(`/jobs/${job.id}?project=other`)).status === 'completed') break;
		}
		assert.equal((await server.get('/workers?project=other')).items.length, 1);
	});
});

describe('deleting a project', () => {
	/* Of all projects; two are of the tests above. */
	async function jobsLeft() {
		const { text } = await server.request('GET', '/metrics', undefined, { root: true });

		return [...text.matchAll(/^proctor_jobs\{[^}]*\} (\d+)$/gm)]
			.reduce((sum, [, n]) => sum + Number(n), 0);
	}

	test('its jobs are cancelled, and everything of it goes', async () => {
		const worker = new Worker(server);
		const project = await make({ name: 'doomed' });
		const P = `project=${project.id}`;

		await server.put(`/tests/kept?${P}`, commandTest({ name: 'kept' }));
		await server.put(`/environments/here?${P}`, { url: 'http://x.test/' });
		const jobs = [];

		for (let i = 0; i < 60; i++)
			jobs.push(await server.post(`/jobs?${P}`, { tests: [commandTest()] }));
		const { leases: [lease] } = await worker.poll();

		await worker.upload(lease, 'a.txt', `only here ${project.id}`);
		assert.equal((await server.request('DELETE', `/projects/${project.id}`)).status, 204);
		assertProblem(await server.request('GET', `/jobs?${P}`), 404, 'not_found');
		/* Events of the deletion, of the project that is not there any more, go to nobody: the
		 * worker hears of its run, and the rest is seen in the figures. */
		for (;;) {
			const { directives } = await worker.poll({ waitMs: 100 });

			if (directives.some((d) => d.run === lease.run)) break;
		}
		await worker.finish(lease, 'cancelled');
		while (await jobsLeft() !== 2) await worker.poll({ waitMs: 50 });
	});

	test('what was left when the server was killed goes after its next start', async () => {
		const project = await make({ name: 'doomed too' });
		const jobs = Array.from({ length: 300 }, () => ({ tests: [commandTest()], labels: { nobody: 'x' } }));

		await server.post(`/jobs:bulk?project=${project.id}`, { jobs });
		assert.equal((await server.request('DELETE', `/projects/${project.id}`)).status, 204);
		await server.restart('SIGKILL');
		while (await jobsLeft() !== 2) await server.get('/projects');
		assert.ok(!(await names()).includes('doomed too'));
	});
});

describe('what a deleted project leaves', () => {
	/* Rows of projects other than the default one, and of jobs, runs and definitions that are not
	 * there, by table. */
	const count = `
import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
parents = {"job": "job", "run": "run", "definition": "definition"}
left = {}
for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    where = ["project > 1"] if "project" in columns else [
        f"{c} NOT IN (SELECT seq FROM {parents[c]})" for c in columns if c in parents]
    for condition in where:
        n, = db.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()
        if n: left[table] = n
print(json.dumps(left))
`;
	const tables = () => JSON.parse(execFileSync('/usr/bin/python3',
		['-c', count, path.join(own.data, 'proctor.db')], { encoding: 'utf8' }));
	const failed = { error: { message: 'the shop is closed' } };
	let own;

	after(() => own?.close());
	before(async () => { own = await Server.start(); });

	/* Jobs that passed, failed, were deleted; and what stands around them. */
	async function fill(worker, project) {
		const post = (target, body, options) => own.post(`${target}?project=${project}`, body, options);
		const jobs = [];

		for (const outcome of ['passed', 'failed', 'passed']) {
			jobs.push((await post('/jobs', { tests: [commandTest({ name: 't' })], tags: ['a', 'b'] },
				{ headers: { 'idempotency-key': `k-${jobs.length}` } })).id);
			await worker.finish(await worker.take(), outcome, outcome === 'failed' ? failed : {});
		}
		await own.call('DELETE', `/jobs/${jobs[2]}?project=${project}`);
		for (const url of ['http://a.test/', 'http://b.test/'])
			await own.put(`/environments/here?project=${project}`, { url });
		await post('/retention', { name: 'short', keep: { age: '1d' } });
		await post('/quarantine', { test: 't', owner: 'ann', reason: 'odd',
			expiresAt: new Date(Date.now() + 86400000).toISOString() });
	}

	test('no row but of its queues, also of what ends after it and over a power cut', { timeout: 120000 }, async () => {
		const worker = new Worker(own);
		const { id } = await own.post('/projects', { name: 'shop' });

		await fill(worker, id);
		const kept = await own.post('/jobs', { tests: [commandTest({ name: 't' })] });

		await worker.finish(await worker.take(), 'failed', failed);
		await own.post(`/jobs?project=${id}`, { tests: [commandTest({ name: 'late' })] });
		const lease = await worker.take();
		const before = tables();

		for (const table of ['stat', 'known_test', 'error_class', 'idem', 'event_batch', 'job'])
			assert.ok(before[table] > 0, `${table}: ${JSON.stringify(before)}`);
		assert.equal((await own.request('DELETE', `/projects/${id}`)).status, 204);
		await own.restart('SIGKILL');
		for (;;) {
			const { directives } = await worker.poll({ waitMs: 100 });

			if (directives.some((d) => d.run === lease.run)) break;
		}
		await worker.finish(lease, 'failed', failed);
		for (let left = before; Object.keys(left).some((t) => t !== 'queue' && t !== 'lane'); left = tables())
			await own.get('/projects');

		/* One of that name begins with nothing, and the others' are as they were. */
		await own.post('/projects', { name: 'shop' });
		assert.deepEqual((await own.get('/stats/tests?project=shop')).items, []);
		assert.equal((await own.get('/stats/jobs?project=shop')).total.n, 0);
		assert.equal((await own.get('/stats/tests')).total.n, 1);
		assert.equal((await own.get('/stats/tests/t/history')).items[0].job, kept.id);
		assert.equal((await own.get('/stats/errors')).items.length, 1);
	});
});

describe('environments', () => {
	const secret = { name: 'staging', url: 'http://x.test/', variables: { A: 'a', B: ['b', 'c'] },
		headers: { Authorization: 'hush-1' }, basicAuth: { username: 'ann', password: 'hush-2' },
		account: { username: 'bob', password: 'hush-3', otpKey: 'hush-4' }, labels: { os: 'linux' } };

	test('secrets are masked; the mask sent back means what is stored', async () => {
		const made = await server.request('POST', '/environments', secret);

		assert.equal(made.status, 201, made.text);
		assert.equal(made.json.basicAuth.password, '********');
		assert.equal(made.json.headers.Authorization, '********');
		assert.deepEqual(made.json.variables, secret.variables);
		const put = await server.request('PUT', `/environments/${made.json.id}`,
			{ ...made.json, url: 'http://y.test/' });

		assert.equal(put.status, 200, put.text);
		assert.equal(put.json.revision, 2);
		const texts = [made, put, await server.request('GET', '/environments'),
			await server.request('GET', '/environments/staging?revision=1'),
			await server.request('GET', '/environments/staging/revisions'),
			await server.request('GET', '/events?format=json&after=0')];

		for (const { text, status } of texts) {
			assert.equal(Math.floor(status / 100), 2);
			assert.doesNotMatch(text, /hush/);
		}
		assertProblem(await server.request('POST', '/environments',
			{ name: 'new', headers: { X: '********' } }), 400, 'invalid_field');
		assert.equal((await server.request('DELETE', '/environments/staging')).status, 204);
	});

	test('what is wrong has its place', async () => {
		const got = await server.request('POST', '/environments', {
			name: 'bad', variables: { A: 1 }, headers: { B: ['x'] }, account: { username: 'a' },
		});

		assertProblem(got, 400, 'invalid_field');
		assert.ok(got.json.errors.some((e) => e.pointer === '/account/password'), got.text);
	});
});

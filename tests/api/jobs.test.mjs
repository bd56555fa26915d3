// SPDX-License-Identifier: Apache-2.0
/* Making jobs in every way, showing them, waiting for them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server;

after(() => server?.close());
before(async () => { server = await Server.start(); });

describe('inline jobs', () => {
	test('are accepted with 201, Location, defaults and how durable they are', async () => {
		const got = await server.request('POST', '/jobs', {
			name: 'first', tests: [commandTest({ name: 'unit', argv: ['echo', 'ü'] })],
		});

		assert.equal(got.status, 201, got.text);
		const job = got.json;

		assert.equal(got.headers.get('location'), `/api/v1/jobs/${job.id}`);
		assert.match(job.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		assert.equal(job.name, 'first');
		assert.equal(job.project, 'default');
		assert.equal(job.status, 'queued');
		assert.equal(job.durable, 'fsync');
		assert.equal(job.incarnation, 1);
		assert.equal(job.queue, 'default');
		assert.equal(job.iterations, 1);
		assert.equal(job.concurrency, 1);
		assert.equal(job.priority, 0);
		assert.deepEqual(job.tags, []);
		assert.deepEqual(job.labels, {});
		assert.equal(job.kind, 'command');
		assert.equal(job.progress.runsTotal, 1);
		assert.equal(job.progress.percent, 0);
		for (const member of ['reason', 'startedAt', 'completedAt', 'runMs'])
			assert.ok(!(member in job), `${member} is absent before the job has it`);
		assert.match(job.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

		const shown = await server.get(`/jobs/${job.id}`);

		assert.deepEqual(shown.tests, [{ name: 'unit', kind: 'command', argv: ['echo', 'ü'] }]);
		for (const [member, value] of Object.entries(job))
			if (member !== 'durable') assert.deepEqual(shown[member], value, member);
	});

	test('keep every member that was given', async () => {
		const given = {
			name: 'all of it', tests: [commandTest(), commandTest({ name: 'two' })],
			browsers: ['chromium', 'firefox'], concurrency: 3, iterations: 4,
			failuresToIgnore: 2, stopOnFirstFailure: true, queue: 'slow', priority: 7,
			labels: { location: 'office', size: 'xl' }, tags: ['nightly', 'shop'],
			config: { viewport: { width: 800, height: 600 } }, outputSchema: { type: 'object' },
			extra: { ticket: 'A-1' }, params: { url: 'http://127.0.0.1' },
			runAt: '2030-01-02T03:04:05.678Z',
		};
		const job = await server.post('/jobs', {
			...given, timeout: '1h30m', runTimeout: 90000,
			retries: { max: 2, delay: '10s', factor: 2, maxDelay: '5m', jitter: 0.25,
				on: ['failed', 'errored'] },
		});

		for (const [member, value] of Object.entries(given))
			if (member !== 'tests') assert.deepEqual(job[member], value, member);
		assert.equal(job.timeoutMs, 5400000);
		assert.equal(job.runTimeoutMs, 90000);
		assert.deepEqual(job.retries, { max: 2, delayMs: 10000, factor: 2, maxDelayMs: 300000,
			jitter: 0.25, on: ['failed', 'errored'] });
		assert.equal(job.testCount, 2);
		assert.equal(job.progress.runsTotal, 2 * 2 * 4);
		assert.equal(job.blockedBy[0].kind, 'start_time');
		assert.equal(job.blockedBy[0].until, given.runAt);
	});

	test('an endless job has no total and no percentage', async () => {
		const job = await server.job({ iterations: 0 });

		assert.equal(job.iterations, 0);
		assert.ok(!('runsTotal' in job.progress));
		assert.ok(!('percent' in job.progress));
	});

	test('tests of two kinds: the job has no kind of its own', async () => {
		const job = await server.job({ tests: [commandTest(),
			{ kind: 'http', request: 'GET http://127.0.0.1/healthz', expect: { status: 200 } }] });

		assert.ok(!('kind' in job));
		assert.deepEqual((await server.get(`/jobs/${job.id}`)).tests.map((t) => t.name),
			['one', 'http']);
	});

	test('parameters are filled in, typed when they stand alone', async () => {
		const { id } = await server.post('/jobs', {
			params: { count: 3, host: 'shop', flags: ['a', 'b'] }, priority: 1000,
			iterations: '${{ params.count }}',
			tests: [commandTest({
				argv: ['echo', 'http://${{ params.host }}/${{ params.count }}',
					'$${{ params.host }}', 'no. ${{ run.iteration }}'],
			})],
		});
		const job = await server.get(`/jobs/${id}`);

		assert.equal(job.iterations, 3);
		assert.deepEqual(job.params, { count: 3, host: 'shop', flags: ['a', 'b'] });
		/* What is literal is written so until a run is leased. */
		assert.deepEqual(job.tests[0].argv,
			['echo', 'http://shop/3', '$${{ params.host }}', 'no. ${{ run.iteration }}']);
		const lease = await new Worker(server).take();

		assert.equal(lease.job, id);
		assert.deepEqual(lease.test.argv, ['echo', 'http://shop/3', '${{ params.host }}', 'no. 1']);
		assert.deepEqual(lease.params, job.params);
	});

	test('what is literal in a name, tag or extra is literal from the start', async () => {
		for (const work of [{ tests: [commandTest()] }, { stages: [{ name: 'a', wait: { timer: { for: '1h' } } }] }]) {
			const { id } = await server.post('/jobs', {
				...work, params: { title: 'a ${{ title }}' }, name: '${{ params.title }}, $${{ b }}',
				tags: ['$${{ c'], extra: { note: ['$${{ params.title }}', 'for ${{ params.title }}'] },
			});
			const job = await server.get(`/jobs/${id}`);

			assert.equal(job.name, 'a ${{ title }}, ${{ b }}');
			assert.deepEqual(job.tags, ['${{ c']);
			assert.deepEqual(job.extra, { note: ['${{ params.title }}', 'for a ${{ title }}'] });
			await server.post(`/jobs/${id}/cancel`);
		}
	});

	test('an unknown parameter is an offence at its place', async () => {
		assertProblem(await server.request('POST', '/jobs', {
			params: { host: 'x' }, tests: [commandTest({ argv: ['echo', '${{ params.hots }}'] })],
		}), 400, 'invalid_field', [['/tests/0/argv/1', 'invalid_field']]);
	});
});

describe('jobs from saved tests', () => {
	before(async () => {
		await server.post('/tests', commandTest({ name: 'login', tags: ['smoke', 'fast'] }));
		await server.post('/tests', commandTest({ name: 'report', tags: ['smoke', 'slow'] }));
		await server.post('/tests', commandTest({ name: 'export', tags: ['slow'] }));
		await server.post('/tests', commandTest({
			name: 'greet', argv: ['echo', '${{ params.who }}'],
		}));
	});

	const names = async (id) => (await server.get(`/jobs/${id}`)).tests.map((t) => t.name);

	test('by name and by id', async () => {
		const { id } = await server.get('/tests/export');
		const job = await server.post('/jobs', { tests: [{ test: 'login' }, { test: id }] });

		assert.deepEqual(await names(job.id), ['login', 'export']);
	});

	test('by tags', async () => {
		const expected = {
			smoke: ['login', 'report'],
			'smoke and not slow': ['login'],
			'slow or fast': ['export', 'login', 'report'],
			'not (slow or fast) or (smoke and slow)': ['greet', 'report'],
		};

		for (const [tags, found] of Object.entries(expected)) {
			const job = await server.post('/jobs', { tests: [{ tags }], params: { who: 'x' } });

			assert.deepEqual(await names(job.id), found, tags);
		}
	});

	test('mixed with inline ones, in the order given', async () => {
		const job = await server.post('/jobs', {
			tests: [commandTest({ name: 'inline' }), { tags: 'fast' }, { test: 'export' }],
		});

		assert.deepEqual(await names(job.id), ['inline', 'login', 'export']);
	});

	test('with parameters', async () => {
		const { id } = await server.post('/jobs', {
			tests: [{ test: 'greet' }], params: { who: 'you' },
		});

		assert.deepEqual((await server.get(`/jobs/${id}`)).tests[0].argv, ['echo', 'you']);
	});

	test('keep their definition when the saved test changes', async () => {
		await server.put('/tests/moving', commandTest({ name: 'moving', argv: ['echo', '1'] }));
		const old = await server.post('/jobs', { tests: [{ test: 'moving' }] });

		await server.put('/tests/moving', commandTest({ name: 'moving', argv: ['echo', '2'] }));
		const fresh = await server.post('/jobs', { tests: [{ test: 'moving' }] });
		const pinned = await server.post('/jobs', { tests: [{ test: 'moving', revision: 1 }] });
		const said = async (job) => (await server.get(`/jobs/${job.id}`)).tests[0].argv[1];

		assert.deepEqual([await said(old), await said(fresh), await said(pinned)], ['1', '2', '1']);
	});

	test('what is not there is named', async () => {
		assertProblem(await server.request('POST', '/jobs', {
			tests: [{ test: 'nowhere' }, { tags: 'nothing' }, { test: 'login', revision: 99 },
				{ tags: 'smoke and' }],
		}), 400, 'invalid_field', [['/tests/0/test', 'invalid_field'],
			['/tests/1/tags', 'invalid_field'], ['/tests/2/test', 'invalid_field'],
			['/tests/3/tags', 'invalid_field']]);
	});
});

describe('jobs from templates', () => {
	const template = {
		name: 'shop', tags: ['web'], concurrency: 2, config: { a: 1, b: 2 },
		params: {
			url: { type: 'string', required: true },
			count: { type: 'integer', default: 2 },
			size: { type: 'string', enum: ['s', 'm'], default: 's' },
		},
		iterations: '${{ params.count }}',
		tests: [commandTest({ argv: ['curl', '${{ params.url }}', '${{ params.size }}'] })],
	};
	let saved;

	before(async () => { saved = await server.post('/templates', template); });

	test('invoke: values, defaults and overrides', async () => {
		const got = await server.request('POST', '/templates/shop/invoke', {
			params: { url: 'http://x' }, overrides: { name: 'tonight', config: { b: 3 } },
		});

		assert.equal(got.status, 201, got.text);
		const job = await server.get(`/jobs/${got.json.id}`);

		assert.equal(job.name, 'tonight');
		assert.equal(job.template, 'shop');
		assert.equal(job.templateId, saved.id);
		assert.equal(job.templateRevision, 1);
		assert.equal(job.iterations, 2);
		assert.equal(job.concurrency, 2);
		assert.deepEqual(job.tags, ['web']);
		assert.deepEqual(job.config, { a: 1, b: 3 });
		assert.deepEqual(job.params, { url: 'http://x', count: 2, size: 's' });
		assert.deepEqual(job.tests[0].argv, ['curl', 'http://x', 's']);
	});

	test('by id, and as a member of a job', async () => {
		const one = await server.post(`/templates/${saved.id}/invoke`, { params: { url: 'u' } });
		const two = await server.post('/jobs', { template: 'shop', params: { url: 'u', count: 5 } });

		assert.equal(one.name, 'shop');
		assert.equal(two.iterations, 5);
	});

	test('parameters are checked: required, type, choice, unknown', async () => {
		const refused = async (params, errors) => assertProblem(
			await server.request('POST', '/templates/shop/invoke', { params }),
			400, 'invalid_field', errors);

		await refused({}, [['/params/url', 'missing_field']]);
		await refused({ url: 5 }, [['/params/url', 'invalid_field']]);
		await refused({ url: 'x', size: 'xxl' }, [['/params/size', 'invalid_field']]);
		await refused({ url: 'x', cuont: 1 }, [['/params/cuont', 'unknown_field']]);
		await refused({ url: 'x', count: 1.5, size: 7 },
			[['/params/count', 'invalid_field'], ['/params/size', 'invalid_field']]);
	});

	test('an unknown template: 404 by its path, an offence in a body', async () => {
		assert.ok([400, 404].includes((await server.request('POST', '/templates/nope/invoke', {})).status));
		assertProblem(await server.request('POST', '/jobs', { template: 'nope' }),
			400, 'invalid_field', [['/template', 'invalid_field']]);
	});

	test('overrides are checked like a job', async () => {
		const got = await server.request('POST', '/templates/shop/invoke', {
			params: { url: 'x' }, overrides: { concurrency: 0 },
		});

		assertProblem(got, 400, 'invalid_field');
		assert.match(got.json.errors[0].pointer, /\/concurrency$/);
	});
});

describe('bulk', () => {
	test('many jobs in one request, in order', async () => {
		const got = await server.request('POST', '/jobs:bulk', {
			jobs: Array.from({ length: 250 }, (_, i) => ({ name: `bulk ${i}`, tests: [commandTest()] })),
		});

		assert.equal(got.status, 201, got.text);
		assert.equal(got.json.durable, 'fsync');
		assert.deepEqual(got.json.items.map((j) => j.name),
			Array.from({ length: 250 }, (_, i) => `bulk ${i}`));
		assert.equal(new Set(got.json.items.map((j) => j.id)).size, 250);
		const last = await server.get(`/jobs/${got.json.items[249].id}`);

		assert.equal(last.name, 'bulk 249');
	});

	test('a few bytes that name more tests than a request may hold', async () => {
		for (let i = 0; i < 10; i++)
			await server.post('/tests', commandTest({ name: `large ${i}`, tags: ['large'],
				stdin: 'x'.repeat(200000) }));
		const jobs = Array.from({ length: 40 }, () => ({ tests: [{ tags: 'large' }] }));
		const got = await server.request('POST', '/jobs:bulk', { jobs });

		assert.equal(got.status, 400, got.text);
		assert.equal(got.json.code, 'limit_exceeded');
		assert.match(got.json.errors[0].pointer, /^\/jobs\/\d+$/);
		await server.post('/jobs:bulk', { jobs: jobs.slice(0, 5) });
	});

	test('one bad job and none is made', async () => {
		const { total } = await server.get('/jobs?count=true&limit=1');

		assertProblem(await server.request('POST', '/jobs:bulk', {
			jobs: [{ tests: [commandTest()] }, { tests: [commandTest({ argv: [] })] }, { namee: 'x' }],
		}), 400, 'invalid_field', [['/jobs/1/tests/0/argv', 'invalid_field'],
			['/jobs/2/namee', 'unknown_field'], ['/jobs/2/tests', 'missing_field']]);
		assert.equal((await server.get('/jobs?count=true&limit=1')).total, total);
	});

	test('limits and form', async () => {
		const one = { tests: [commandTest()] };

		for (const body of [{ jobs: [] }, { jobs: Array(1001).fill(one) }])
			assertProblem(await server.request('POST', '/jobs:bulk', body), 400,
				'limit_exceeded', [['/jobs', 'limit_exceeded']]);
		for (const body of [[one], { jobs: {} }, {}, { jobs: [one], more: 1 }])
			assert.equal((await server.request('POST', '/jobs:bulk', body)).status, 400);
	});
});

describe('dry run', () => {
	test('shows the plan and makes nothing', async () => {
		const { total } = await server.get('/jobs?count=true&limit=1');
		const got = await server.request('POST', '/jobs?dryRun=true', {
			name: 'would be', browsers: ['chromium', 'firefox'], iterations: 3,
			tests: [commandTest({ name: 'a' }), commandTest({ name: 'b' })], labels: { l: 'x' },
		});

		assert.equal(got.status, 200, got.text);
		assert.equal(got.json.dryRun, true);
		const [plan] = got.json.jobs;

		assert.equal(plan.name, 'would be');
		assert.equal(plan.runsTotal, 12);
		assert.equal(plan.testCount, 2);
		assert.equal(plan.targetCount, 2);
		assert.deepEqual(plan.firstRuns.slice(0, 5).map((r) => [r.iteration, r.test, r.target]), [
			[1, 'a', 'chromium'], [1, 'b', 'chromium'], [1, 'a', 'firefox'], [1, 'b', 'firefox'],
			[2, 'a', 'chromium'],
		]);
		assert.deepEqual(plan.lanes, [{
			kind: 'command', queue: 'default', labels: { l: 'x' }, workers: 0, capacity: 0,
		}]);
		assert.equal((await server.get('/jobs?count=true&limit=1')).total, total);
	});

	test('counts the workers that could do it', async (t) => {
		const worker = new Worker(server, { capacity: 3, labels: { l: 'dry' }, kinds: ['http'] });

		await worker.poll();
		t.after(() => server.request('POST', `/workers/${worker.id}/drain`, {}));
		const plan = await server.post('/jobs?dryRun=true', {
			tests: [{ kind: 'http', request: 'GET http://x' }], labels: { l: 'dry' },
		});

		assert.equal(plan.jobs[0].lanes[0].workers, 1);
		assert.equal(plan.jobs[0].lanes[0].capacity, 3);
	});

	test('validates like the real thing; works for bulk and invoke', async () => {
		assertProblem(await server.request('POST', '/jobs?dryRun=true', { tests: [{ kind: 'x' }] }),
			400, 'invalid_field', [['/tests/0/kind', 'invalid_field']]);
		const bulk = await server.request('POST', '/jobs:bulk?dryRun=true',
			{ jobs: [{ tests: [commandTest()] }, { tests: [commandTest()] }] });

		assert.equal(bulk.status, 200, bulk.text);
		assert.equal(bulk.json.jobs.length, 2);
		const invoke = await server.request('POST', '/templates/shop/invoke?dryRun=true',
			{ params: { url: 'x' } });

		assert.equal(invoke.status, 200, invoke.text);
		assert.equal(invoke.json.jobs[0].runsTotal, 2);
	});
});

describe('Idempotency-Key', () => {
	const post = (target, body, key) =>
		server.request('POST', target, body, { headers: { 'idempotency-key': key } });

	test('the same request again: the same job, marked as replayed', async () => {
		const body = { name: 'once', tests: [commandTest()] };
		const key = uuid7();
		const first = await post('/jobs', body, key);
		const again = await post('/jobs', body, key);

		assert.equal(first.status, 201);
		assert.equal(first.headers.get('idempotency-replayed'), null);
		assert.equal(again.status, 201);
		assert.equal(again.headers.get('idempotency-replayed'), 'true');
		assert.equal(again.json.id, first.json.id);
		assert.equal(again.headers.get('location'), first.headers.get('location'));
		assert.equal((await server.get('/jobs?name=once&count=true')).total, 1);
	});

	test('at the same moment: still one job', async () => {
		const key = uuid7();
		const all = await Promise.all(Array.from({ length: 20 }, () =>
			post('/jobs', { name: 'at once', tests: [commandTest()] }, key)));

		assert.deepEqual(new Set(all.map((got) => got.status)), new Set([201]));
		assert.equal(new Set(all.map((got) => got.json.id)).size, 1);
		assert.equal((await server.get('/jobs?name=at%20once&count=true')).total, 1);
	});

	test('another body or path with the same key: 409', async () => {
		const key = uuid7();

		await post('/jobs', { name: 'a', tests: [commandTest()] }, key);
		assertProblem(await post('/jobs', { name: 'b', tests: [commandTest()] }, key),
			409, 'idempotency_mismatch');
		assertProblem(await post('/tests', commandTest({ name: 'other' }), key),
			409, 'idempotency_mismatch');
		assert.equal((await server.request('GET', '/tests/other')).status, 404);
	});

	test('a refused request leaves the key free', async () => {
		const key = uuid7();

		assert.equal((await post('/jobs', { tests: [] }, key)).status, 400);
		assert.equal((await post('/jobs', { tests: [commandTest()] }, key)).status, 201);
	});

	test('for bulk, definitions and commands too', async () => {
		const key = uuid7();
		const jobs = { jobs: [{ tests: [commandTest()] }, { tests: [commandTest()] }] };
		const first = await post('/jobs:bulk', jobs, key);
		const again = await post('/jobs:bulk', jobs, key);

		assert.deepEqual(again.json.items.map((j) => j.id), first.json.items.map((j) => j.id));
		assert.equal(again.headers.get('idempotency-replayed'), 'true');

		const saved = await post('/tests', commandTest({ name: 'idem' }), `${key}t`);
		const replay = await post('/tests', commandTest({ name: 'idem' }), `${key}t`);

		assert.equal(replay.status, 201, replay.text);
		assert.equal(replay.json.id, saved.json.id);

		const { id } = first.json.items[0];

		assert.equal((await post(`/jobs/${id}/pause`, {}, `${key}p`)).status, 200);
		const paused = await post(`/jobs/${id}/pause`, {}, `${key}p`);

		assert.equal(paused.status, 200, paused.text);
		assert.equal(paused.headers.get('idempotency-replayed'), 'true');
		assert.equal(paused.json.status, 'paused');
	});

	test('at most 200 bytes', async () => {
		assert.equal((await post('/jobs', { tests: [commandTest()] }, 'k'.repeat(200))).status, 201);
		assertProblem(await post('/jobs', { tests: [commandTest()] }, 'k'.repeat(201)),
			400, 'limit_exceeded');
	});
});

describe('show and wait', () => {
	test('an unknown job: 404, whatever the id looks like', async () => {
		for (const id of [uuid7(), 'x', '%00', '..%2f..', 'a'.repeat(300)])
			assertProblem(await server.request('GET', `/jobs/${id}`), 404, 'not_found');
	});

	test('?wait= answers when the job is final', async () => {
		const worker = new Worker(server, { labels: { w: 'wait' } });
		const job = await server.job({ labels: { w: 'wait' }, priority: 1000 });
		const lease = await worker.take();
		const waiting = server.get(`/jobs/${job.id}?wait=30s`);

		await worker.finish(lease);
		const final = await waiting;

		assert.equal(final.status, 'completed');
		assert.equal(final.reason, 'passed');
		assert.equal(final.counts.passed, 1);
		assert.equal(final.progress.percent, 100);
		assert.ok(final.runMs >= 0 && final.queuedMs >= 0);
		assert.ok(final.completedAt >= final.startedAt);
	});

	test('?wait= answers at once for a final job, and when the time is over', async () => {
		const job = await server.job({ labels: { w: 'nobody' } });
		const began = Date.now();

		assert.equal((await server.get(`/jobs/${job.id}?wait=150ms`)).status, 'queued');
		assert.ok(Date.now() - began >= 140);
		await server.post(`/jobs/${job.id}/cancel`);
		assert.equal((await server.get(`/jobs/${job.id}?wait=60s`)).status, 'stopped');
	});

	test('a hundred waiting clients do not hold up others', async () => {
		const job = await server.job({ labels: { w: 'nobody' } });
		const waiting = Array.from({ length: 100 }, () => server.get(`/jobs/${job.id}?wait=30s`));
		const other = await server.job({ labels: { w: 'nobody' } });

		assert.equal((await server.get(`/jobs/${other.id}`)).status, 'queued');
		await server.post(`/jobs/${job.id}/stop`);
		for (const final of await Promise.all(waiting)) assert.equal(final.status, 'stopped');
	});

	test('?wait= has a limit and a form', async () => {
		const { id } = await server.job({ labels: { w: 'nobody' } });

		assertProblem(await server.request('GET', `/jobs/${id}?wait=61s`), 400,
			'invalid_parameter', [['?wait', 'limit_exceeded']]);
		assertProblem(await server.request('GET', `/jobs/${id}?wait=soon`), 400,
			'invalid_parameter', [['?wait', 'invalid_field']]);
	});

	test('a waiting client sees the deletion of its job', async () => {
		const { id } = await server.job({ labels: { w: 'nobody' } });
		const waiting = server.request('GET', `/jobs/${id}?wait=30s`);

		await server.call('DELETE', `/jobs/${id}`);
		assertProblem(await waiting, 404, 'not_found');
	});
});

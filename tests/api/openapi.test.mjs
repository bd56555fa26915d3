// SPDX-License-Identifier: Apache-2.0
/*
 * The OpenAPI document against the server: every operation is called and answers as described,
 * every described member is seen, every member of a request is known to its decoder.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, commandTest, uuid7 } from './lib/server.mjs';
import { Document } from './lib/schema.mjs';
import { Worker } from './lib/worker.mjs';

let server, document, paths;

after(() => server?.close());
before(async () => {
	server = await Server.start();
	document = new Document(await server.get('/openapi.json'));
	paths = document.document.paths;
});

const operations = () => Object.entries(paths).flatMap(([path, item]) =>
	Object.entries(item).filter(([, o]) => o.responses)
		.map(([method, operation]) => ({ path, method, operation })));

describe('the document', () => {
	test('is OpenAPI 3.1 with what every reader needs', () => {
		const { openapi, info, servers, components } = document.document;

		assert.equal(openapi, '3.1.0');
		assert.equal(info.title, 'Proctor');
		assert.match(info.version, /^\d+\.\d+\.\d+/);
		assert.deepEqual(servers, [{ url: '/api/v1' }]);
		assert.equal(components.securitySchemes.bearer.scheme, 'bearer');
	});

	test('is the same each time, and not small', async () => {
		const again = await server.request('GET', '/openapi.json');

		assert.deepEqual(again.json, document.document);
		assert.ok(operations().length >= 40);
	});

	test('every reference leads somewhere, every schema is used', () => {
		const used = new Set();

		(function walk(value) {
			if (value === null || typeof value !== 'object') return;
			if (typeof value.$ref === 'string') {
				const target = value.$ref.slice(2).split('/')
					.reduce((at, part) => at?.[part], document.document);

				assert.ok(target, value.$ref);
				used.add(value.$ref);
			}
			for (const mapped of Object.values(value.mapping ?? {})) used.add(mapped);
			Object.values(value).forEach(walk);
		})(document.document);
		for (const name of Object.keys(document.document.components.schemas))
			assert.ok(used.has(`#/components/schemas/${name}`), `${name} is not used`);
	});

	test('every operation has an id of its own, a summary and its path parameters', () => {
		const ids = new Set();

		for (const { path, operation } of operations()) {
			assert.ok(operation.operationId && !ids.has(operation.operationId), path);
			ids.add(operation.operationId);
			assert.ok(operation.summary.length > 4, path);
			const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((m) => m[1]);

			assert.deepEqual(operation.parameters.filter((p) => p.in === 'path').map((p) => p.name),
				inPath);
			assert.ok(operation.responses.default);
		}
	});
});

describe('answers', () => {
	const called = new Set();

	/* Calls an operation and holds the answer against its description. */
	async function call(method, path, { args = {}, query = '', body, headers, raw } = {}) {
		const item = paths[path];

		assert.ok(item?.[method], `${method} ${path} is not described`);
		const target = path.replace(/\{([^}]+)\}/g, (_, name) => encodeURIComponent(args[name]));
		const got = raw
			? await raw(target)
			: await server.request(method.toUpperCase(), target + query, body, { headers });
		const operation = item[method];
		const described = operation.responses[got.status];

		assert.ok(got.status < 400, `${method} ${target}: ${got.status} ${got.text}`);
		assert.ok(described, `${operation.operationId}: ${got.status} is not described`);
		called.add(operation.operationId);
		if (!described.content) {
			assert.equal(got.bytes.length, 0, operation.operationId);
			return got;
		}
		const types = Object.keys(described.content);
		const type = got.type.split(';')[0].trim();

		if (got.json !== undefined && types.includes('application/json')) {
			const errors = document.check(got.json, described.content['application/json'].schema,
				operation.operationId);

			assert.deepEqual(errors, [], got.text);
		} else {
			assert.ok(types.includes(type) || types.includes('application/octet-stream'),
				`${operation.operationId}: ${type} is none of ${types}`);
		}
		return got;
	}

	test('every operation, route by route', async () => {
		const post = (path, body, more) => call('post', path, { body, ...more });
		const get = (path, args, query) => call('get', path, { args, query });
		const labels = { os: 'linux' };
		const worker = new Worker(server, { labels });
		const poll = async (members) => {
			const { json } = await post('/workers/poll', { worker: worker.id, name: worker.name,
				version: worker.version, kinds: worker.kinds, labels, capacity: 1, ...members });

			return json;
		};

		for (const target of ['/healthz', '/readyz', '/metrics', '/openapi.json']) await get(target);
		/* Tests and templates. */
		const kinds = [
			commandTest({ name: 'c', description: 'd', owner: 'o', tags: ['t'], timeout: '1m', config: {},
				outputSchema: {}, env: { A: 'b', N: 1 }, files: { 'a/b': 'x' }, cwd: 'a', stdin: 'x',
				parse: 'json', report: ['r.xml'], bundle: `sha256:${'0'.repeat(64)}`,
				secrets: ['/env/A'], extra: { e: 1 } }),
			{ name: 'h', kind: 'http', request: { method: 'GET', url: 'http://x', headers: {},
				body: 'x', followRedirects: true, insecure: false, timeout: 5 },
			expect: { status: 200, headers: {}, json: {}, body: 'x', within: '1s', certificateDays: 5 } },
			{ name: 'p', kind: 'playwright', bundle: `sha256:${'0'.repeat(64)}`, path: 'a',
				paths: ['a'], grep: 'g', grepInvert: 'h', projectName: 'x', env: {} },
			{ name: 's', kind: 'playwright', script: 'x' },
			{ name: 'tc', kind: 'testcafe', path: 'a', browsers: ['chromium:headless'], testName: 'n',
				fixture: 'f', fixtureGrep: 'g', meta: { a: 'b' }, fixtureMeta: { a: 'b' } },
			{ name: 'b', kind: 'browser', url: 'http://x/', steps: [{ log: 'x' }], before: [{ log: 'x' }],
				after: [], fixture: 'f', setup: [{ in: 'x', steps: [{ log: 'x' }] }], teardown: [],
				vars: { a: 1 }, library: { l: [{ log: 'x' }] }, testIdAttribute: 'data-id', skip: false,
				only: false },
		];

		for (const body of kinds) {
			assert.deepEqual(document.check(body, document.schema('TestRequest')), []);
			await post('/tests', body);
		}
		await get('/tests');
		await get('/tests/{test}', { test: 'c' });
		await call('put', '/tests/{test}', { args: { test: 'c' }, body: kinds[0] });
		await call('put', '/tests/{test}', { args: { test: 'by put' }, body: commandTest({ name: 'by put' }) })
			.catch((error) => assert.fail(error));
		await get('/tests/{test}/revisions', { test: 'c' });
		const template = { name: 'tpl', description: 'd', params: { p: { type: 'integer', default: 1,
			required: false, enum: [1, 2], description: 'x' } }, tests: [commandTest({ name: 't', argv: ['x',
			'no ${{ params.p }}'] })], browsers: ['chromium'], concurrency: 2, iterations: 1,
		failuresToIgnore: 1, stopOnFirstFailure: false, retries: { max: 1, delay: 1, factor: 2,
			maxDelay: '1s', jitter: 0.5, on: ['failed'] }, timeout: '1h', runTimeout: '1m', queue: 'q',
		priority: 1, labels, runAt: '2020-01-01T00:00:00.000Z', config: { a: 1 }, outputSchema: { b: 1 },
		tags: ['t'], extra: { e: 1 } };

		assert.deepEqual(document.check(template, document.schema('TemplateRequest')), []);
		await post('/templates', template);
		await post('/templates', { name: 'groups', fixtures: [{ name: 'F', tests: [commandTest()] }],
			hooks: { before: [{ log: 'x' }] }, library: { greet: [{ log: 'hi' }] },
				quarantine: true, startTimeout: '5s', hookTimeout: '5s', expiresAfter: '1h', keys: { site: 'a' },
				needs: { cpu: 0.5 }, unique: { key: 'k', period: '1h' } });
		await get('/templates');
		await get('/templates/{template}', { template: 'tpl' });
		await call('put', '/templates/{template}', { args: { template: 'tpl' }, body: template });
		await get('/templates/{template}/revisions', { template: 'tpl' });
		/* A job with a failure, a retry, an artifact and a second life. */
		await post('/templates/{template}/invoke', { params: { p: 2 } },
			{ args: { template: 'tpl' }, query: '?dryRun=true' });
		await post('/jobs', { tests: [{ test: 'c' }] }, { query: '?dryRun=1' });
		const { json: job } = await post('/templates/{template}/invoke',
			{ params: { p: 2 }, overrides: { name: 'over' } }, { args: { template: 'tpl' } });
		const at = { id: job.id };

		await get('/jobs/{id}/explain', at);
		await poll({ claim: true, waitMs: 0, holds: [] });
		const lease = worker.holds.size ? null : (await server.all(`/jobs/${job.id}/runs?`))[0];

		assert.ok(lease, 'leased by the poll');
		const run = { ...at, run: lease.id };
		const put = await worker.upload({ run: lease.id, fence: lease.fence }, 'shot.png', 'png',
			{ kind: 'screenshot', caseId: 'c1' });

		assert.deepEqual(document.check(put.json, document.schema('Stored'), '', 'Stored'), []);
		called.add('putArtifact');
		await get('/jobs', {}, '?status=starting&count=true');
		const { json: behind } = await post('/jobs', { name: 'behind', tests: [commandTest()], labels });

		await get('/jobs/{id}/explain', { id: behind.id });
		await post('/jobs/{id}/cancel', {}, { args: { id: behind.id } });
		await poll({ events: [
			worker.event({ run: lease.id, fence: lease.fence }, 'run.started', { total: 1 }),
			worker.event({ run: lease.id, fence: lease.fence }, 'run.case', { id: 'c1', title: 't',
				status: 'failed', attempt: 2, path: ['f.ts', 'suite'], file: 'f.ts', line: 3, durationMs: 5, error: { message: 'm' } }),
			worker.event({ run: lease.id, fence: lease.fence }, 'run.step', { title: 's', case: 'c1',
				status: 'failed', attempt: 2, durationMs: 1, error: { message: 'm' } }),
			worker.event({ run: lease.id, fence: lease.fence }, 'run.step', { title: 'of no case',
				status: 'passed' }),
			worker.event({ run: lease.id, fence: lease.fence }, 'run.warning', { text: 'w' })],
		results: [{ run: lease.id, fence: lease.fence, outcome: 'failed', reason: 'r', durationMs: 7,
			error: { message: 'm', file: 'f', line: 1, column: 2, snippet: 's', stack: 'k', expected: '1',
				actual: '2', screenshot: 'shot.png' }, result: { output: { o: 1 }, warnings: ['w'] } }] });
		await get('/jobs/{id}/runs', at);
		await get('/jobs/{id}/runs/{run}', run);
		await get('/jobs/{id}/runs/{run}/log', run);
		await get('/jobs/{id}/runs/{run}/artifacts', run);
		await get('/jobs/{id}/runs/{run}/artifacts/{name}', { ...run, name: 'shot.png' });
		await get('/jobs/{id}/artifacts', at);
		await post('/jobs/{id}/runs/{run}/view', {}, { args: run });
		/* A run of another kind has no pictures: the stream says so and ends. */
		await get('/jobs/{id}/runs/{run}/screen', run);
		called.add('postScreen'); // screen.test.mjs
		for (const format of ['html', 'junit', 'json'])
			await get('/jobs/{id}/report', at, `?format=${format}`);
		await get('/jobs/{id}/events', at, '?format=json');
		await get('/events', {}, '?format=json&limit=5');
		await get('/jobs/{id}/explain', at);
		/* The retry passes; then it starts again. */
		for (let life = 1; life <= 2; life++) {
			const holds = [];

			while ((await poll({ claim: true, waitMs: 500, holds })).leases.length === 0);
			const { items: [open] } = await server.get(`/jobs/${job.id}/runs?status=leased`);

			await poll({ results: [{ run: open.id, fence: open.fence, outcome: 'passed', durationMs: 1 }] });
			await get('/jobs/{id}', at);
			await get('/jobs/{id}/report', at, '?format=json');
			if (life === 1) await post('/jobs/{id}/start', {}, { args: at });
		}
		/* Commands. */
		const { json: other } = await post('/jobs', { name: 'other', tests: [commandTest()],
			labels: { nobody: 'x' }, runAt: '2031-01-01T00:00:00.000Z' });

		await get('/jobs/{id}/explain', { id: other.id });
		for (const command of ['pause', 'unpause', 'stop', 'start', 'cancel'])
			await post(`/jobs/{id}/${command}`, {}, { args: { id: other.id } });
		await get('/jobs/{id}', { id: other.id });
		await get('/jobs/{id}/explain', { id: other.id });
		await call('delete', '/jobs/{id}', { args: { id: other.id } });
		const { json: final } = await post('/jobs', { name: 'final', tests: [commandTest()], labels,
			priority: 9 });

		await poll({ claim: true, waitMs: 0, holds: [] });
		const [second] = await server.all(`/jobs/${final.id}/runs?`);

		await post(`/jobs/{id}/stop`, {}, { args: { id: final.id } });
		const told = await poll({ claim: true, waitMs: 0,
			holds: [{ run: second.id, fence: second.fence, stopping: false }] });

		assert.equal(told.directives.length, 1);
		await poll({ results: [{ run: second.id, fence: second.fence, outcome: 'cancelled' }] });
		await post('/jobs:bulk', { jobs: [{ tests: [commandTest()], labels: { nobody: 'x' } }] });
		await post('/jobs:bulk', { jobs: [{ tests: [commandTest()] }] }, { query: '?dryRun=true' });
		/* The quarantine list, and a grouped job that meets it. */
		const entry = { test: 'bad *', owner: 'ann', reason: 'PAY-12', cleanRuns: 3,
			expiresAt: new Date(Date.now() + 3600e3).toISOString() };
		const { json: listed } = await post('/quarantine', entry);

		await get('/quarantine');
		await get('/quarantine/{entry}', { entry: listed.id });
		await call('put', '/quarantine/{entry}', { args: { entry: listed.id }, body: listed });
		const grouped = { name: 'grouped', labels, browsers: ['a'], startTimeout: '5s', hookTimeout: '5s',
			quarantine: { attemptLimit: 2, successThreshold: 1 }, stopOnFirstFailure: 'cancel',
			hooks: { before: commandTest() }, fixtures: [{ name: 'F', disableConcurrency: true,
				tests: [commandTest({ name: 'bad one' }), commandTest({ name: 'left', skip: true })] }] };

		assert.deepEqual(document.check(grouped, document.schema('JobRequest')), []);
		await post('/jobs', grouped, { query: '?dryRun=true' });
		const { json: whole } = await post('/jobs', grouped);

		for (const outcome of ['passed', 'failed', 'failed']) {
			let leases = [];

			while (leases.length === 0) ({ leases } = await poll({ claim: true, waitMs: 500, holds: [] }));
			await poll({ results: [{ run: leases[0].run, fence: leases[0].fence, outcome, durationMs: 1 }] });
		}
		await get('/jobs/{id}', { id: whole.id });
		await get('/jobs/{id}/runs', { id: whole.id });
		await get('/jobs/{id}/report', { id: whole.id }, '?format=json');
		await get('/quarantine/{entry}', { entry: listed.id });
		await call('delete', '/quarantine/{entry}', { args: { entry: listed.id } });
		/* Workers, queues, bundles. */
		await get('/workers');
		await get('/workers/{worker}', { worker: worker.id });
		await post('/workers/{worker}/drain', {}, { args: { worker: worker.id } });
		await call('put', '/queues/{queue}', { args: { queue: 'q' }, body: { concurrency: 2, name: 'q',
			priority: 1, paused: false, ageing: '5m' } });
		await call('put', '/queues/{queue}', { args: { queue: '*' }, body: { share: 2, fairBy: 'team',
			rate: { limit: 1000, per: '1s' }, limits: [{ key: 'site', concurrency: 3 }] } });
		for (const verb of ['pause', 'drain', 'resume'])
			await post(`/queues/{queue}/${verb}`, {}, { args: { queue: 'q' } });
		const line = { tests: [commandTest()], labels: { nobody: 'here' }, queue: 'q', keys: { site: 'a' },
			needs: { cpu: 0.5 }, unique: { key: 'k', period: '1h' }, expiresAfter: '1h' };
		const waiting = await server.post('/jobs', line);

		await post('/jobs', line, { status: 200 });
		await call('patch', '/jobs/{id}', { args: { id: waiting.id }, body: { priority: 3 } });
		await post('/jobs/{id}/move', { top: true }, { args: { id: waiting.id } });
		await get('/jobs/{id}/explain', { id: waiting.id });
		await post('/jobs:action', { action: 'cancel', filter: { queue: 'q' }, dryRun: true });
		await post('/jobs:action', { action: 'cancel', filter: { queue: 'q' } });
		await get('/queues');
		await get('/queues/{queue}', { queue: 'q' });
		await server.put('/queues/*', { rate: null, limits: null, fairBy: null });
		/* Schedules: one that waits behind its own job, and one that cannot fire. */
		const schedule = { name: 's', cron: '0 3 * * *', timezone: 'Europe/Berlin', jitter: '10s', overlap: 'queue',
			missed: 'all', missedMax: 3, startsAt: '2020-01-01T00:00:00.000Z', endsAt: '2900-01-01T00:00:00.000Z',
			blackout: [{ cron: '0 0 * * SUN', duration: '1d' }], tags: ['t'], labels: { nobody: 'x' }, paused: false,
			start: { tests: [commandTest()] } };
		const named = { args: { schedule: 's' } };
		const until = async (name, member) => { while ((await server.get(`/schedules/${name}`))[member] === 0); };

		assert.deepEqual(document.check(schedule, document.schema('ScheduleRequest')), []);
		await post('/schedules', schedule, { query: '?dryRun=true' });
		await post('/schedules:preview', { at: '2900-01-01T00:00:00.000Z' });
		await post('/schedules', schedule);
		await call('put', '/schedules/{schedule}', { ...named, body: schedule });
		await post('/schedules/{schedule}/fire', {}, named);
		await until('s', 'fired');
		await post('/schedules/{schedule}/fire', { overlap: 'queue' }, named);
		await get('/schedules/{schedule}', named.args);
		await get('/schedules/{schedule}/next', named.args);
		await get('/jobs/{id}', { id: (await server.get('/schedules/s')).lastJob });
		await get('/schedules/{schedule}/firings', named.args);
		for (const verb of ['pause', 'resume']) await post(`/schedules/{schedule}/${verb}`, {}, named);
		await server.post('/templates', { name: 'short-lived', tests: [commandTest()] });
		await server.post('/schedules', { name: 'lost', every: '1d', start: { template: 'short-lived' } });
		await server.call('DELETE', '/templates/short-lived');
		await server.post('/schedules/lost/fire');
		await until('lost', 'failed');
		await get('/schedules');
		await call('delete', '/schedules/{schedule}', named);
		/* Flows: one that ends well, with every kind of answer on its way, and one that is refused. */
		const hand = new Worker(server, { labels: { flows: 'x' }, capacity: 2 });
		const saved = { name: 'fl', description: 'd', params: { p: { type: 'string', default: 'x' } }, timeout: '1h',
			tags: ['t'], stages: [
				{ name: 'a', maxParallel: 2, retry: { max: 1, delay: 1 }, timeout: '1m', continueOnFailure: false,
					run: { name: 'a', tests: [commandTest()], labels: { flows: 'x' }, outputSchema: { required: ['n'] } } },
				{ name: 'ok', needs: ['a'], when: 'success', wait: { approval: { text: 't' } } },
				{ name: 'hook', wait: { any: [{ name: 's', signal: {} }, { timer: { for: '1h' } }] } },
				{ name: 'look', wait: { http: { request: `GET ${server.url}/healthz`, select: '/status',
					interval: { every: '1s', factor: 1, max: '2s', jitter: 0 }, transportErrors: 3, timeout: '5s' } } },
			] };
		const byName = { args: { flow: 'fl' } };

		assert.deepEqual(document.check(saved, document.schema('FlowRequest')), []);
		const one = { name: 'one', tests: [commandTest()] };

		await post('/flows', saved);
		await post('/flows', { name: 'fc', chain: [one, one], pass: { url: 'finalUrl' }, extra: { e: 1 } });
		await post('/flows', { name: 'fp', parallel: [one, one], limit: 2, allowFailures: true });
		await post('/flows', { name: 'fr', attempts: { max: 2, run: one } });
		await get('/flows');
		await get('/flows/{flow}', byName.args);
		await call('put', '/flows/{flow}', { ...byName, body: saved });
		await get('/flows/{flow}/revisions', byName.args);
		await post('/flows/{flow}/start', {}, { ...byName, query: '?dryRun=true' });
		for (const decision of ['approve', 'reject']) {
			const { json: { id } } = await post('/flows/{flow}/start', { params: { p: 'y' } }, byName);
			const lease = await hand.take();

			await hand.finish(lease, 'passed', { result: { output: { m: 1 } } });
			while ((await server.get(`/flow-runs/${id}`)).stages[1].state !== 'running');
			await get('/jobs/{id}/explain', { id });
			await post(`/flow-runs/{id}/stages/{stage}/${decision}`, { by: 'ann', note: 'n' },
				{ args: { id, stage: 'ok' } });
			await get('/jobs/{id}', { id: lease.job });
			if (decision === 'reject') continue;
			const { json: { signals } } = await get('/flow-runs/{id}/signals', { id });

			await post('/signals/{token}', { v: 1 }, { args: { token: signals.hook.s.url.split('/').at(-1) } });
			await post('/flow-runs/{id}/stages/{stage}/signal', {}, { args: { id, stage: 'hook' }, query: '?condition=0' });
			await server.get(`/jobs/${id}?wait=20s`);
			await get('/flow-runs/{id}', { id });
			await get('/flow-runs/{id}/observations', { id });
			await get('/jobs/{id}/report', { id }, '?format=json');
		}
		await get('/flow-runs');
		await call('delete', '/flows/{flow}', byName);
		/* Figures, of a job that failed while another one was held. */
		await server.put('/queues/*', { limits: [{ key: 'site', concurrency: 1 }] });
		const counted = { name: 'counted', tests: [commandTest({ name: 'fails' })], labels: { flows: 'x' },
			keys: { site: 'z' } };
		const failed = await server.job(counted), held = await server.job(counted);
		const counting = await hand.take();

		assert.deepEqual((await hand.poll()).leases, []);
		await get('/jobs/{id}', { id: held.id });
		await hand.finish(counting, 'failed', { error: { message: 'm' }, usage: { cpuMs: 4, peakKib: 5, tokens: 6 } });
		await get('/jobs/{id}/runs', { id: failed.id });
		for (const table of ['summary', 'jobs', 'tests', 'queues', 'workers', 'teams', 'slowest', 'flakiest', 'cost',
			'trends', 'failures', 'long-running'])
			await get(`/stats/${table}`);
		const { json: errors } = await get('/stats/errors');

		await get('/stats/errors/{class}', { class: errors.items[0].classes[0].id });
		await get('/stats/tests/{name}/history', { name: 'fails' });
		await server.post('/tests', commandTest({ name: 'fails' }));
		await get('/tests/{test}/history', { test: 'fails' });
		await post('/stats/jobs:analyze', { ids: [failed.id] });
		await server.put('/queues/*', { limits: null });
		/* Projects and environments. */
		const project = { name: 'pr', description: 'd', extra: { a: 1 },
			gates: [{ tag: 't', wait: { timer: { for: '1s' } }, timeout: '1m' }] };
		const environment = { name: 'en', url: 'http://x/', description: 'd', isDefault: true,
			variables: { A: 'a' }, headers: { B: 'b' }, basicAuth: { username: 'u', password: 'p' },
			account: { username: 'u', password: 'p', otpKey: 'o' }, privateLocation: 'l', labels,
			gates: project.gates, extra: { a: 1 } };

		assert.deepEqual(document.check(project, document.schema('ProjectRequest')), []);
		assert.deepEqual(document.check(environment, document.schema('EnvironmentRequest')), []);
		await post('/projects', project);
		await get('/projects');
		await get('/projects/{project}', { project: 'pr' });
		await call('patch', '/projects/{project}', { args: { project: 'pr' }, body: { gates: null } });
		await call('delete', '/projects/{project}', { args: { project: 'pr' } });
		await post('/environments', environment);
		await get('/environments');
		await get('/environments/{environment}', { environment: 'en' });
		await call('put', '/environments/{environment}', { args: { environment: 'en' }, body: environment });
		await get('/environments/{environment}/revisions', { environment: 'en' });
		await call('delete', '/environments/{environment}', { args: { environment: 'en' } });
		const policy = { name: 'po', match: { status: ['completed'], reason: ['passed'], template: 'none', queue: 'none', kind: 'http',
			tags: ['x'], olderThan: '1d' }, keep: { age: '30d', count: 1000, bytes: '1GiB' }, artifactsAge: '7d', every: '1h', place: 1, paused: true, archive: true };
		const archive = await get('/archive', {}, '?status=completed');

		const back = (await server.get('/jobs?status=completed')).items.find((job) => job.name === 'over');

		await call('delete', '/jobs/{id}', { args: { id: back.id } });
		await call('post', '/archive:import', { raw: (target) => server.request('POST', target, archive.bytes) });
		await get('/jobs/{id}', { id: back.id });
		const { json: kept } = await post('/retention', policy);

		await get('/retention');
		await get('/retention/{policy}', { policy: kept.id });
		await call('put', '/retention/{policy}', { args: { policy: kept.id }, body: kept });
		await call('post', '/retention/{policy}/sweep', { args: { policy: kept.id }, body: {} });
		await post('/retention:preview', { keep: { count: 1 } });
		await call('delete', '/retention/{policy}', { args: { policy: kept.id } });
		const { id: toPin } = await server.job();

		await call('post', '/jobs/{id}/pin', { args: { id: toPin }, body: { note: 'why' } });
		await call('post', '/jobs/{id}/unpin', { args: { id: toPin }, body: {} });
		const bundle = await call('post', '/bundles', { body: 'tar', headers: { 'content-type': 'application/x-tar' } });

		await get('/bundles/{bundle}', { bundle: bundle.json.bundle });
		await call('delete', '/tests/{test}', { args: { test: 'h' } });
		await call('delete', '/templates/{template}', { args: { template: 'tpl' } });

		const all = operations().map(({ operation }) => operation.operationId).sort();

		assert.deepEqual(all.filter((id) => !called.has(id)), []);
	});

	test('conditional requests are described', async () => {
		await server.put('/queues/cond', {});
		const got = await server.request('GET', '/queues/cond');

		await call('get', '/queues/{queue}', { args: { queue: 'cond' },
			headers: { 'if-none-match': got.headers.get('etag') } });
	});

	test('problems are described', async () => {
		const { id } = await server.job({ labels: { nobody: 'x' } });
		const problems = [
			await server.request('POST', '/jobs', { x: 1 }),
			await server.request('GET', '/jobs?x=1'),
			await server.request('GET', `/jobs/${uuid7()}`),
			await server.request('POST', `/jobs/${id}/unpause`, {}),
			await server.request('POST', '/jobs', Object.fromEntries(
				Array.from({ length: 30 }, (_, i) => [`z${i}`, 1]))),
		];

		for (const got of problems)
			assert.deepEqual(document.check(got.json, document.schema('Problem'), '', 'Problem'), []);
	});

	test('every described member of an answer was seen', () => {
		/* What these suites cannot bring about without hours or a broken disk. */
		const unseen = new Set(['Schedule.pending', 'Health.detail', 'JobReport.runsLeftOut',
			'JobReport.casesLeftOut', 'JobReport.stepsLeftOut', 'JobReport.warningsLeftOut',
			'JobReport.outputsLeftOut', 'JobReport.artifactsLeftOut', 'JobReport.jobsLeftOut',
			/* grouped.test.mjs. */
			'Run.unstable', 'ReportUnit.unstable', 'ReportTest.notRun']);
		const answers = ['Job', 'Progress', 'Counts', 'Retries', 'BlockedBy', 'Incarnation', 'Plan',
			'PlannedJob', 'PlannedLane', 'PlannedRun', 'Run', 'RunError', 'Artifact', 'Event',
			'Explanation', 'Blocker', 'Queue', 'Worker', 'PollAnswer', 'Lease', 'Directive', 'Bundle',
			'Stored', 'Deleted', 'View', 'Health', 'JobReport', 'ReportTest', 'ReportUnit', 'ReportRun',
			'ReportArtifact', 'ReportCase', 'ReportStep', 'Issue', 'Problem', 'Test', 'Template',
			'QuarantineEntry', 'Fixture', 'Hook', 'Project', 'Environment', 'Flow', 'Signals', 'Accepted'];
		const missing = [];

		for (const name of answers)
			for (const member of Object.keys(document.schema(name).properties))
				if (!document.seen.has(`${name}.${member}`) && !unseen.has(`${name}.${member}`))
					missing.push(`${name}.${member}`);
		assert.deepEqual(missing, []);
	});
});

describe('requests', () => {
	/* Sends one member of a wrong type: its decoder must know it and refuse it. */
	async function assertKnown(send, schemaName, pointer) {
		const { properties } = document.schema(schemaName);

		for (const member of Object.keys(properties)) {
			const got = await send({ [member]: wrongFor(properties[member]) });

			assert.equal(got.status, 400, `${schemaName}.${member}: ${got.text}`);
			const errors = got.json.errors.filter((e) => e.pointer.startsWith(`${pointer}/${member}`));

			assert.ok(errors.length > 0, `${schemaName}.${member}: ${got.text}`);
			assert.ok(errors.every((e) => e.code !== 'unknown_field'), `${schemaName}.${member}`);
		}
		const unknown = await send({ zzzunknownzzz: 1 });

		assert.ok(unknown.json.errors.some((e) =>
			e.pointer === `${pointer}/zzzunknownzzz` && e.code === 'unknown_field'), unknown.text);
	}

	/* A value that a schema does not take. */
	function wrongFor(schema) {
		for (const value of [5.25, { a: { b: {} } }, 'x'.repeat(20), [[]], true, -7])
			if (document.check(value, schema).length > 0) return value;
		return null;
	}

	const jobs = (body) => server.request('POST', '/jobs', { tests: [commandTest()], ...body });

	test('jobs', () => assertKnown(jobs, 'JobRequest', ''));
	test('retries', () => assertKnown((retries) => jobs({ retries }), 'RetriesRequest', '/retries'));
	test('references to tests', () => assertKnown(
		(ref) => jobs({ tests: [{ test: 'x', ...ref }] }), 'TestRef', '/tests/0'));
	test('templates', () => assertKnown((body) => server.request('POST', '/templates',
		{ name: 'x', tests: [commandTest()], ...body }), 'TemplateRequest', ''));
	test('declarations of parameters', () => assertKnown((p) => server.request('POST', '/templates',
		{ name: 'x', tests: [commandTest()], params: { p: { type: 'string', ...p } } }),
	'ParamDeclaration', '/params/p'));
	test('queues', () => assertKnown((body) => server.request('PUT', '/queues/known', body),
		'QueueRequest', ''));
	test('polls', () => assertKnown((body) => server.request('POST', '/workers/poll',
		{ worker: uuid7(), ...body }), 'Poll', ''));
	for (const [schema, base] of [['CommandTest', { kind: 'command', argv: ['x'] }],
		['HttpTest', { kind: 'http', request: 'GET http://x' }],
		['PlaywrightTest', { kind: 'playwright', script: 'x' }]])
		test(schema, () => assertKnown((body) => server.request('POST', '/tests',
			{ name: 'x', ...base, ...body }), schema, ''));

	test('query parameters: each is known to its route, and nothing else', async () => {
		const { id } = await server.job({ labels: { nobody: 'x' } });

		for (const { path, method, operation } of operations()) {
			if (method !== 'get' || /\{(run|name|bundle|worker|queue)\}/.test(path)) continue;
			const names = operation.parameters.filter((p) => p.in === 'query');
			const target = path.replace('{id}', id).replace(/\{[^}]+\}/, 'none');

			for (const { name, schema } of names) {
				if (schema.type === 'string' && !schema.enum) continue; // any text will do
				const got = await server.request('GET', `${target}?${name}=%7Bnonsense%7D`);

				if (got.status === 404 || got.status === 200) continue; // words are checked by the handler
				assert.equal(got.status, 400, `${target} ${name}`);
				assert.equal(got.json.errors[0].parameter, name);
				assert.notEqual(got.json.errors[0].code, 'unknown_field');
			}
			const unknown = await server.request('GET', `${target}?zzz=1`);

			assert.equal(unknown.json.errors?.[0].code, 'unknown_field', `${target}: ${unknown.text}`);
		}
	});
});

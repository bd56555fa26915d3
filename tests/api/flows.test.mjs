// SPDX-License-Identifier: Apache-2.0
/*
 * Flows over the API: stages in order, what they hand on, looks, signals, approvals, restarts
 * (docs/protocol/flows.md). A worker of the tests carries the jobs out.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';

import { Stream } from './lib/events.mjs';
import { Server, assertProblem, commandTest, finalStates } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server, worker, tasks;

/* What flows look at: a path answers what the test says, and counts. */
class Tasks {
	static async start() {
		const tasks = new Tasks();

		tasks.answers = new Map();
		tasks.seen = [];
		tasks.waiters = [];
		tasks.http = http.createServer((request, response) => {
			const answer = tasks.answers.get(request.url) ?? { status: 404, body: {} };
			const { status = 200, body, headers = {} } = typeof answer === 'function'
				? answer(request) : answer;

			tasks.seen.push(request.url);
			for (const wake of tasks.waiters.splice(0)) wake();
			response.writeHead(status, { 'content-type': 'application/json', ...headers });
			response.end(JSON.stringify(body));
		});
		await tasks.listen();
		return tasks;
	}

	async listen(port = 0) {
		await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve));
		this.port = this.http.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
	}

	async close() {
		this.http.closeAllConnections();
		await new Promise((resolve) => this.http.close(resolve));
	}

	/* Until a path was looked at so many times. */
	async looked(path, n = 1) {
		while (this.seen.filter((one) => one === path).length < n)
			await new Promise((resolve) => this.waiters.push(resolve));
	}
}

before(async () => {
	server = await Server.start();
	tasks = await Tasks.start();
});
after(async () => {
	await server?.close();
	await tasks?.close();
});
beforeEach(() => {
	worker = new Worker(server);
	tasks.answers.clear();
	tasks.seen.length = 0;
});

const run = (name, members = {}) => ({ tests: [commandTest({ name })], name, ...members });
const wait = (http, members = {}) => ({ wait: { http: { interval: { every: 100 }, ...http } }, ...members });
const stageOf = (flow, name) => flow.stages.find((stage) => stage.name === name);
const statesOf = (flow) => Object.fromEntries(flow.stages.map((stage) => [stage.name, stage.state]));
const show = (id) => server.get(`/flow-runs/${id}`);

const start = (stages, members = {}) => server.post('/jobs', { name: 'flow', stages, ...members });

/* The events of a flow up to one that fits. */
async function until(id, fits) {
	const stream = await Stream.open(server, `/jobs/${id}/events?after=0`);

	try {
		for (;;) {
			const event = await stream.next();

			assert.ok(event, 'the stream ended before');
			if (fits(event.event, event.json.data)) return event.json;
		}
	} finally {
		stream.cut();
	}
}

const stageIs = (id, stage, state) => until(id, (type, data) =>
	type === 'flow.stage' && data.stage === stage && data.state === state);

async function ended(id) {
	for (;;) {
		const job = await server.get(`/jobs/${id}?wait=20s`);

		if (finalStates.includes(job.status)) return job;
	}
}

/* Carries out the next run with an output. */
async function give(output, outcome = 'passed') {
	const lease = await worker.take();

	await worker.finish(lease, outcome, { result: { output } });
	return lease;
}

describe('two phases', () => {
	const twoPhases = (path, members = {}) => start([
		{ name: 'prepare', run: run('prepare') },
		{ name: 'done', timeout: '30s', ...wait({
			request: `GET ${tasks.url}${path}?id=\${{ stages.prepare.results.id }}`,
			select: '/state', until: '. == "SUCCESS"', failIf: '. in ["FAILURE", "REVOKED"]',
		}) },
		{ name: 'validate', run: { name: 'validate', tests: [commandTest({
			name: 'validate', argv: ['check', '${{ stages.done.value }}', '${{ stages.prepare.results.id }}'],
		})] } },
	], members);

	test('a result leads to a look, and what it found to the next test', async () => {
		let n = 0;

		tasks.answers.set('/a?id=t1', () => ({ body: { state: ++n < 3 ? 'PENDING' : 'SUCCESS' } }));
		const { id } = await twoPhases('/a');

		await give({ id: 't1' });
		const lease = await worker.take();

		assert.deepEqual(lease.test.argv, ['check', 'SUCCESS', 't1']);
		await worker.finish(lease);
		const flow = await ended(id);

		assert.equal(flow.status, 'completed', JSON.stringify(flow.stages));
		assert.equal(flow.reason, 'passed');
		assert.equal(flow.kind, 'flow');
		assert.deepEqual(statesOf(flow), { prepare: 'succeeded', done: 'succeeded', validate: 'succeeded' });
		assert.equal(stageOf(flow, 'done').value, 'SUCCESS');
		assert.deepEqual(flow.results, { prepare: { id: 't1' }, done: 'SUCCESS', validate: {} });
		assert.deepEqual(stageOf(flow, 'prepare').results, { id: 't1' });
		assert.equal(tasks.seen.length, 3);

		const { items } = await server.get(`/flow-runs/${id}/observations`);

		assert.deepEqual(items.map((event) => [event.type, event.data.n, event.data.status, event.data.value]), [
			['wait.observed', 1, 200, 'PENDING'],
			['wait.observed', 2, 200, 'PENDING'],
			['wait.observed', 3, 200, 'SUCCESS'],
		]);
		const children = await server.all(`/jobs?parent=${id}&sort=createdAt`);

		assert.deepEqual(children.map((job) => [job.parent, job.stage, job.stageItem, job.stageAttempt]),
			[[id, 'prepare', 0, 1], [id, 'validate', 0, 1]]);
		assert.deepEqual((await server.get(`/jobs/${children[0].id}`)).results, { id: 't1' });
	});

	test('a task that failed ends the wait at once', async () => {
		tasks.answers.set('/b?id=t1', { body: { state: 'FAILURE' } });
		const { id } = await twoPhases('/b');

		await give({ id: 't1' });
		const flow = await ended(id);

		assert.equal(flow.status, 'failed');
		assert.equal(flow.reason, 'wait_failed');
		assert.deepEqual(statesOf(flow), { prepare: 'succeeded', done: 'failed', validate: 'skipped' });
		assert.equal(tasks.seen.length, 1);
	});

	test('a preparation that failed is not waited for', async () => {
		const { id } = await twoPhases('/c');

		await give({}, 'failed');
		const flow = await ended(id);

		assert.equal(flow.reason, 'stage_failed');
		assert.deepEqual(statesOf(flow), { prepare: 'failed', done: 'skipped', validate: 'skipped' });
		assert.equal(tasks.seen.length, 0);
	});

	test('two flows at once are not mixed up', async () => {
		const flows = [];

		for (const name of ['x', 'y']) {
			tasks.answers.set(`/d?id=${name}`, { body: { state: name === 'x' ? 'SUCCESS' : 'FAILURE' } });
			flows.push((await twoPhases('/d')).id);
			await give({ id: name });
		}
		const lease = await worker.take();

		assert.deepEqual(lease.test.argv, ['check', 'SUCCESS', 'x']);
		await worker.finish(lease);
		const [x, y] = [await ended(flows[0]), await ended(flows[1])];

		assert.deepEqual([x.status, y.status], ['completed', 'failed']);
		assert.deepEqual([stageOf(x, 'prepare').results.id, stageOf(y, 'prepare').results.id], ['x', 'y']);
	});

	test('a server that is killed goes on with the wait', async () => {
		let state = 'PENDING';

		tasks.answers.set('/e?id=t1', () => ({ body: { state } }));
		const { id } = await twoPhases('/e');

		await give({ id: 't1' });
		await tasks.looked('/e?id=t1', 2);
		await server.restart('SIGKILL');
		const looks = tasks.seen.length;

		await tasks.looked('/e?id=t1', looks + 1);
		state = 'SUCCESS';
		worker = new Worker(server);
		await give({});
		assert.equal((await ended(id)).status, 'completed');
		const numbers = (await server.get(`/flow-runs/${id}/observations?limit=1000`)).items
			.map((event) => event.data.n);

		assert.deepEqual(numbers, numbers.map((_, i) => i + 1));
	});
});

describe('names', () => {
	test('a slip in a later stage is refused before the first one begins', async () => {
		const asked = { stages: [
			{ name: 'a', run: { tests: [commandTest()] } },
			{ name: 'b', run: { template: 'validatoin' } },
			{ name: 'c', run: { tests: [{ tags: 'smokee' }] } },
		] };

		assertProblem(await server.request('POST', '/jobs', asked), 400, 'invalid_field',
			[['/stages/1/run/template', 'invalid_field'], ['/stages/2/run/tests/0', 'invalid_field']]);
		assertProblem(await server.request('POST', '/jobs?dryRun=true', asked), 400, 'invalid_field',
			[['/stages/1/run/template', 'invalid_field'], ['/stages/2/run/tests/0', 'invalid_field']]);
	});
});

describe('looks', () => {
	const once = (http, members = {}) => start([{ name: 'w', timeout: '20s', ...wait(http), ...members }]);

	test('an API that is away for a while is asked again', async () => {
		const port = tasks.port;

		tasks.answers.set('/up', { body: { ok: true } });
		await tasks.close();
		const { id } = await once({ request: `GET http://127.0.0.1:${port}/up`, until: '.ok' });

		await until(id, (type, data) => type === 'wait.observed' && data.n === 3 && data.error);
		tasks = Object.assign(await Tasks.start(), {});
		await tasks.close();
		tasks.http = http.createServer((_, response) => response.end('{"ok":true}'));
		await tasks.listen(port);
		assert.equal((await ended(id)).status, 'completed');
		await tasks.close();
		tasks = await Tasks.start();
	});

	test('one that stays away uses up its budget', async () => {
		const { id } = await once({ request: 'GET http://127.0.0.1:1/', transportErrors: 2 });
		const flow = await ended(id);

		assert.equal(flow.reason, 'wait_failed');
		assert.equal((await server.get(`/flow-runs/${id}/observations`)).items.length, 3);
	});

	test('what answers in no known protocol is asked again', async () => {
		const says = ['hello\r\n', 'HTTP/1.1 000 none\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'];
		const babbler = net.createServer((socket) => {
			socket.on('error', () => {});
			socket.once('data', () => socket.end(says.shift()));
		});

		await new Promise((resolve) => babbler.listen(0, '127.0.0.1', resolve));
		const { id } = await once({ request: `GET http://127.0.0.1:${babbler.address().port}/` });
		const flow = await ended(id);

		babbler.close();
		assert.equal(flow.status, 'completed', JSON.stringify(flow.stages));
	});

	test('a deadline that passes is no failure of the product', async () => {
		tasks.answers.set('/slow', { body: { state: 'PENDING' } });
		const { id } = await once({ request: `GET ${tasks.url}/slow`, until: '.state == "SUCCESS"' },
			{ timeout: 400 });
		const flow = await ended(id);

		assert.equal(flow.reason, 'wait_timed_out');
		assert.equal(stageOf(flow, 'w').state, 'timed_out');
	});

	test('addresses that are not public are refused, for good', async () => {
		for (const url of ['http://169.254.169.254/latest/meta-data/', 'http://10.0.0.1/',
			'http://[fe80::1]/', 'file:///etc/passwd']) {
			const { id } = await once({ request: `GET ${url}` });
			const flow = await ended(id);

			assert.equal(flow.reason, 'wait_failed', url);
			assert.match(stageOf(flow, 'w').error, /not public|only http/, url);
		}
	});

	test('a host with a dot at its end is reached at the address that was checked', async () => {
		tasks.answers.set('/dot', { body: {} });
		for (const host of ['127.0.0.1.', 'LOCALHOST.']) {
			const { id } = await start([{ name: 'look', timeout: '30s', ...wait({
				request: `GET http://${host}:${tasks.port}/dot`, transportErrors: 1,
			}) }]);
			const flow = await ended(id);

			assert.equal(flow.status, 'completed', JSON.stringify(flow.stages));
		}
	});

	test('a redirect is an answer like any other', async () => {
		tasks.answers.set('/away', { status: 302, headers: { location: `${tasks.url}/secret` }, body: {} });
		const { id } = await once({ request: `GET ${tasks.url}/away`, statuses: [302] });

		assert.equal((await ended(id)).status, 'completed');
		assert.deepEqual(tasks.seen, ['/away']);
	});

	test('slow hosts of one project do not hold up looks of another', async () => {
		const sockets = new Set();
		let wake;
		const mute = net.createServer((socket) => {
			socket.on('error', () => {});
			sockets.add(socket);
			if (sockets.size === 192) wake();
		});
		const many = new Promise((resolve) => { wake = resolve; });

		await new Promise((resolve) => mute.listen(0, '127.0.0.1', resolve));
		await server.post('/projects', { name: 'busy' });
		await server.post('/jobs:bulk?project=busy', { jobs: Array.from({ length: 300 }, () => ({ name: 'slow', stages: [
			{ name: 'w', ...wait({ request: `GET http://127.0.0.1:${mute.address().port}/`, timeout: '60s' }) }] })) });
		await many;
		tasks.answers.set('/quick', { body: {} });
		const { id } = await once({ request: `GET ${tasks.url}/quick` });

		assert.equal((await ended(id)).status, 'completed');
		assert.equal(sockets.size, 192);
		assert.equal((await server.request('DELETE', '/projects/busy')).status, 204);
		for (const socket of sockets) socket.destroy();
		mute.close();
	});

	test('headers and body can be judged', async () => {
		tasks.answers.set('/h', { status: 202, headers: { 'x-state': 'ready' }, body: { n: 3 } });
		const { id } = await once({ request: `POST ${tasks.url}/h`, body: { a: 1 }, statuses: [200, 202],
			until: 'status == 202 and headers["x-state"] == "ready" and body.n > 2' });

		assert.equal((await ended(id)).status, 'completed');
	});
});

describe('signals', () => {
	const listening = () => start([
		{ name: 'first', run: run('first', {}) },
		{ name: 'hook', timeout: '30s', wait: { signal: {} } },
		{ name: 'last', run: { name: 'last', tests: [commandTest({
			name: 'last', argv: ['got', '${{ stages.hook.value.version }}'],
		})] } },
	]);
	const address = async (id) => {
		const { signals } = await server.get(`/flow-runs/${id}/signals`);

		return signals.hook.url;
	};
	const send = (url, body) => fetch(url, { method: 'POST',
		headers: body === undefined ? {} : { 'content-type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body) });

	test('one that comes while it is waited for; a second changes nothing', async () => {
		const { id } = await listening();

		await give({});
		await stageIs(id, 'hook', 'running');
		const url = await address(id);

		assert.equal((await send(url, { version: 7 })).status, 200);
		assert.equal((await send(url, { version: 8 })).status, 200);
		const lease = await worker.take();

		assert.deepEqual(lease.test.argv, ['got', '7']);
		await worker.finish(lease);
		assert.equal((await ended(id)).status, 'completed');
		assert.equal((await send(url, { version: 9 })).status, 200, 'late ones are answered');
	});

	test('one that comes before the stage has begun counts', async () => {
		const { id } = await listening();

		assert.equal((await send(await address(id), { version: 1 })).status, 200);
		await give({});
		assert.deepEqual((await worker.take()).test.argv, ['got', '1']);
		await server.post(`/jobs/${id}/cancel`);
	});

	test('curl calls it as it is, by its own type', async () => {
		const { id } = await listening();
		const headers = { 'content-type': 'application/x-www-form-urlencoded' };

		assert.equal((await fetch(await address(id), { method: 'POST', headers, body: 'a=b' })).status, 400);
		assert.equal((await fetch(await address(id), { method: 'POST', headers, body: '{ "version": 3 }' })).status, 200);
		await give({});
		assert.deepEqual((await worker.take()).test.argv, ['got', '3']);
		await server.post(`/jobs/${id}/cancel`);
	});

	test('the address is in the scope of expressions', async () => {
		const { id } = await start([
			{ name: 'ask', needs: [], run: { name: 'ask', tests: [commandTest({
				name: 'ask', argv: ['call', '${{ signals.hook.url }}'],
			})] } },
			{ name: 'hook', needs: [], wait: { signal: {} } },
		]);
		const lease = await worker.take();

		assert.equal(lease.test.argv[1], await address(id));
		assert.equal((await send(lease.test.argv[1])).status, 200);
		await worker.finish(lease);
		assert.equal((await ended(id)).status, 'completed');
	});

	test('everything wrong is the same 404', async () => {
		const { id } = await listening();
		const url = await address(id);
		const texts = new Set();

		for (const wrong of [`${url}x`, url.slice(0, -1), url.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')),
			`${server.url}/api/v1/signals/AAAA`, `${server.url}/api/v1/signals/%00`]) {
			const answer = await send(wrong, {});
			const text = await answer.text();

			assert.equal(answer.status, 404, wrong);
			texts.add(text);
		}
		assert.equal(texts.size, 1, [...texts].join('\n'));
		assert.equal((await send(url, { big: 'x'.repeat(70000) })).status, 413);
		await server.call('POST', `/jobs/${id}/cancel`, {});
		await server.call('DELETE', `/jobs/${id}`);
		assert.equal((await send(url, {})).status, 404, 'a flow that is gone');
	});

	test('guesses keep no real signal out', async () => {
		const { id } = await listening();
		const url = await address(id);
		const guess = async () => {
			const statuses = new Set();

			for (let i = 0; i < 100; i++) {
				const answer = await send(`${url}x`, {});

				await answer.arrayBuffer();
				statuses.add(answer.status);
			}
			return [...statuses];
		};

		assert.deepEqual(new Set((await Promise.all(Array.from({ length: 20 }, guess))).flat()), new Set([404]));
		assert.equal((await send(url, { version: 1 })).status, 200);
		await server.call('POST', `/jobs/${id}/cancel`, {});
	});

	test('whoever may write sends one by the name of the stage', async () => {
		const { id } = await start([{ name: 'hook', wait: { signal: {} } }]);

		await server.post(`/flow-runs/${id}/stages/hook/signal`, { version: 3 });
		const flow = await ended(id);

		assert.deepEqual(stageOf(flow, 'hook').value, { version: 3 });
		assertProblem(await server.request('POST', `/flow-runs/${id}/stages/no/signal`, {}), 404, 'not_found');
	});
});

describe('approvals', () => {
	const asking = async () => {
		const { id } = await start([{ name: 'ok', wait: { approval: { text: 'Release?' } } }]);

		await stageIs(id, 'ok', 'running');
		return id;
	};

	test('a person lets it go on', async () => {
		const id = await asking();

		await server.post(`/flow-runs/${id}/stages/ok/approve`, { by: 'ann', note: 'fine' });
		const flow = await ended(id);

		assert.equal(flow.status, 'completed');
		assert.deepEqual(stageOf(flow, 'ok').value, { by: 'ann', note: 'fine' });
	});

	test('or refuses', async () => {
		const id = await asking();

		await server.post(`/flow-runs/${id}/stages/ok/reject`, { by: 'bob', note: 'no' });
		const flow = await ended(id);

		assert.equal(flow.reason, 'rejected');
	});
});

describe('short forms', () => {
	test('chain passes a result on', async () => {
		await server.post('/templates', { name: 'opens', params: { url: { type: 'string', default: 'none' } },
			tests: [commandTest({ name: 'two', argv: ['open', '${{ params.url }}'] })] });
		const { id } = await server.post('/jobs', {
			name: 'chain', pass: { url: 'finalUrl' }, chain: [run('one'), { template: 'opens' }],
		});

		await give({ finalUrl: 'http://shop.test/done' });
		const lease = await worker.take();

		assert.deepEqual(lease.test.argv, ['open', 'http://shop.test/done']);
		await worker.finish(lease);
		assert.equal((await ended(id)).status, 'completed');
	});

	test('chain passes a result to a job that brings its own tests', async () => {
		const { id } = await server.post('/jobs', {
			name: 'chain', pass: { url: 'finalUrl' }, params: { who: 'ann' }, chain: [run('one'), {
				name: 'two', params: { url: { type: 'string' }, n: { type: 'integer', default: 7 }, by: '${{ params.who }}' },
				tests: [commandTest({ argv: ['open', '${{ params.url }}', '${{ params.by }}', '${{ params.n + 1 }}', '${{ params.who }}'] })],
			}],
		});

		await give({ finalUrl: 'http://shop.test/$done' });
		const lease = await worker.take();

		assert.deepEqual(lease.test.argv, ['open', 'http://shop.test/$done', 'ann', '8', 'ann']);
		await worker.finish(lease);
		assert.equal((await ended(id)).status, 'completed');
		const [{ job }] = stageOf(await show(id), '2').items;

		assert.deepEqual((await server.get(`/jobs/${job}`)).params,
			{ url: 'http://shop.test/$done', n: 7, by: 'ann' });
	});

	test('a parameter that is declared and not passed', async () => {
		const { id } = await server.post('/jobs', {
			name: 'chain', pass: { url: 'finalUrl' }, chain: [run('one'), {
				params: { url: { type: 'string' } }, tests: [commandTest({ argv: ['open', '${{ params.url }}'] })],
			}],
		});

		await give({});
		const flow = await ended(id);

		assert.equal(flow.reason, 'stage_failed');
		assert.match(stageOf(flow, '2').error, /"url" is required/);
	});

	test('parallel runs all of them, at most so many at a time', async () => {
		const wide = new Worker(server, { capacity: 10 });
		const { id } = await server.post('/jobs', {
			name: 'parallel', limit: 2, allowFailures: true,
			parallel: ['a', 'b', 'c'].map((name) => run(name)),
		});
		const leases = [];

		while (leases.length < 2) leases.push(...(await wide.poll({ waitMs: 5000 })).leases);
		assert.equal(leases.length, 2);
		await wide.finish(leases[0], 'failed');
		const third = await wide.take();

		await wide.finish(leases[1]);
		await wide.finish(third);
		const flow = await ended(id);

		assert.equal(flow.status, 'completed');
		assert.deepEqual(flow.stages.map((stage) => stage.state).sort(), ['failed', 'succeeded', 'succeeded']);
	});

	test('attempts are whole jobs', async () => {
		const { id } = await server.post('/jobs', {
			name: 'ladder', attempts: { max: 3, delay: 10, run: run('shaky') },
		});

		await give({}, 'failed');
		await give({}, 'failed');
		await give({ third: true });
		const flow = await ended(id);

		assert.equal(flow.status, 'completed');
		assert.equal((await server.all(`/jobs?parent=${id}`)).length, 3);
	});
});

describe('restarts', () => {
	const failing = async () => {
		const { id } = await start([
			{ name: 'a', run: run('a') },
			{ name: 'b', run: run('b') },
		]);

		await give({ n: 1 });
		await give({}, 'failed');
		assert.equal((await ended(id)).reason, 'stage_failed');
		return id;
	};

	test('what succeeded is kept', async () => {
		const id = await failing();

		await server.post(`/jobs/${id}/start`);
		assert.equal((await worker.take()).jobName, 'b');
		const flow = await show(id);

		assert.equal(flow.incarnation, 2);
		assert.deepEqual(stageOf(flow, 'a').results, { n: 1 });
		const report = await server.get(`/jobs/${id}/report?format=json`);

		assert.equal(report.results.failed, 0, 'what the first incarnation did is no result');
		assert.equal(report.results.passed, 1);
		assert.deepEqual(report.stages.find((stage) => stage.name === 'b').jobs.map((job) => job.earlier),
			[true, undefined]);
		await server.post(`/jobs/${id}/cancel`);
	});

	test('or everything begins again', async () => {
		const id = await failing();

		await server.post(`/jobs/${id}/start`, { from: 'begin' });
		assert.equal((await worker.take()).jobName, 'a');
		await server.post(`/jobs/${id}/cancel`);
	});

	test('or a stage and what needs it', async () => {
		const id = await failing();

		assertProblem(await server.request('POST', `/jobs/${id}/start`, { from: 'stage' }), 400, 'invalid_field');
		await server.post(`/jobs/${id}/start`, { from: 'stage', stage: 'b' });
		assert.equal((await worker.take()).jobName, 'b');
		await server.post(`/jobs/${id}/cancel`);
	});
});

describe('saved flows', () => {
	const saved = { name: 'nightly', params: { shop: { type: 'string', required: true } },
		stages: [{ name: 'a', run: { name: 'a of ${{ params.shop }}', tests: [commandTest()] } }] };

	test('are kept with revisions and started by name', async () => {
		const made = await server.post('/flows', saved);

		assert.equal(made.revision, 1);
		assert.deepEqual(made.stages, saved.stages);
		const changed = await server.put('/flows/nightly', { ...saved, tags: ['night'] });

		assert.equal(changed.revision, 2);
		assert.deepEqual((await server.get('/flows?tag=night')).items.map((flow) => flow.name), ['nightly']);
		assert.equal((await server.get('/flows/nightly/revisions')).items.length, 2);
		const planned = await server.post('/flows/nightly/start?dryRun=true', { params: { shop: 'x' } });

		assert.deepEqual(planned.jobs[0].stages.map((stage) => stage.name), ['a']);
		const { id } = await server.post('/flows/nightly/start', { params: { shop: 'x' } });

		assert.equal((await worker.take()).jobName, 'a of x');
		await server.post(`/jobs/${id}/cancel`);
		assertProblem(await server.request('POST', '/flows/nightly/start', {}), 400, 'invalid_field');
		assertProblem(await server.request('POST', '/flows/none/start', {}), 400, 'invalid_field');
		assert.equal((await server.request('DELETE', '/flows/nightly')).status, 204);
	});

	test('wrong ones are refused with the place', async () => {
		for (const [stages, pointer] of [
			[[{ name: 'a', run: run('a'), needs: ['b'] }], '/stages/0/needs/0'],
			[[{ name: 'a', run: run('a') }, { name: 'a', run: run('a') }], '/stages/1/name'],
			[[{ name: 'a', wait: { http: { request: 'GET http://x.test/', until: '. ==' } } }],
				'/stages/0/wait/http/until'],
		]) {
			const got = await server.request('POST', '/flows', { name: 'wrong', stages });

			assertProblem(got, 400, 'invalid_field');
			assert.equal(got.json.errors[0].pointer, pointer, got.text);
		}
	});
});

test('lists tell flows from their jobs', async () => {
	const { id } = await start([{ name: 'a', run: run('a') }]);
	const lease = await worker.take();
	const runs = await server.all('/flow-runs');

	assert.ok(runs.some((flow) => flow.id === id));
	assert.ok(runs.every((flow) => flow.parent === undefined));
	assertProblem(await server.request('GET', `/flow-runs/${lease.job}`), 404, 'not_found');
	await worker.finish(lease);
	await ended(id);
});

test('results that break the schema of a job are told', async () => {
	const job = await server.job({ outputSchema: {
		type: 'object', required: ['total'], properties: { total: { type: 'number' } },
	} });

	await give({ total: 'many' });
	const end = await ended(job.id);

	assert.equal(end.status, 'completed', 'the tests passed');
	assert.deepEqual(end.results, { total: 'many' });
	assert.equal(end.schemaErrors[0].pointer, '/total');
});

test('one report has all stages, what the waits saw and the tests of every job', async () => {
	tasks.answers.set('/r', { body: { state: 'DONE <b>' } });
	const { id } = await start([
		{ name: 'prepare', run: run('opens') },
		{ name: 'done', ...wait({ request: `GET ${tasks.url}/r`, select: '/state' }) },
		{ name: 'validate', run: run('checks') },
	]);

	await give({});
	await give({}, 'failed');
	await ended(id);
	const report = await server.get(`/jobs/${id}/report?format=json`);

	assert.deepEqual(report.stages.map((stage) => [stage.name, stage.kind, stage.state]),
		[['prepare', 'run', 'succeeded'], ['done', 'wait', 'succeeded'], ['validate', 'run', 'failed']]);
	assert.deepEqual(report.stages[1].observations.map((look) => [look.n, look.status, look.value]),
		[[1, 200, '"DONE <b>"']]);
	assert.equal(report.stages[2].jobs[0].tests[0].name, 'checks');
	assert.equal(report.results.passed, 1);
	assert.equal(report.results.failed, 1);
	const junit = (await server.request('GET', `/jobs/${id}/report?format=junit`)).text;

	assert.equal(junit.match(/<testsuite /g).length, 3);
	assert.match(junit, /name="validate"[^>]*failures="1"/);
	const html = (await server.request('GET', `/jobs/${id}/report?format=html`)).text;

	assert.match(html, /DONE &lt;b&gt;/);
	assert.doesNotMatch(html, /DONE <b>/);
	assert.match(html, /checks/);
});

test('a flow inside a flow hands on what its stages gave', async () => {
	await server.post('/flows', { name: 'inner', stages: [{ name: 'a', run: run('a') }] });
	const { id } = await start([
		{ name: 'outer', run: { flow: 'inner' } },
		{ name: 'after', run: { name: 'after', tests: [commandTest({
			name: 'after', argv: ['got', '${{ stages.outer.results.a.n }}'],
		})] } },
	]);

	await give({ n: 5 });
	const lease = await worker.take();

	assert.deepEqual(lease.test.argv, ['got', '5']);
	await worker.finish(lease);
	assert.equal((await ended(id)).status, 'completed');
});

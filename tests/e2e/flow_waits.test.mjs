// SPDX-License-Identifier: Apache-2.0
/*
 * Two phases by the command line alone, against a small application whose tasks the tests end, fail
 * and forget: each way in which the wait can go, its exit status, and what lasts through an outage.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, proctor, Server, temporary, until } from './helper.mjs';

/* POST /tasks begins one, GET /tasks/ID shows it, GET /gate is answered when it is opened; what is broken is a 500. */
class App {
	static async start() {
		const app = new App();

		Object.assign(app, { tasks: new Map(), seen: [], gates: [], state: 'PENDING' });
		await app.open(0);
		return app;
	}

	async open(port) {
		this.http = http.createServer((request, response) => this.answer(request, response));
		await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve));
		this.port = this.http.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
	}

	async close() {
		this.http.closeAllConnections();
		await new Promise((resolve) => this.http.close(resolve));
	}

	answer({ method, url }, response) {
		const say = (status, body) => response.writeHead(status, { 'content-type': 'application/json' })
			.end(JSON.stringify(body));

		this.seen.push(`${method} ${url}`);
		if (url === '/gate') return this.gates.push(response);
		if (this.broken && url.startsWith(this.broken)) return say(500, {});
		if (url.startsWith('/checked')) return say(200, {});
		if (method === 'POST') {
			const id = `t${this.tasks.size + 1}`;

			this.tasks.set(id, this.state);
			return say(201, { id });
		}
		const id = url.slice('/tasks/'.length);

		return say(this.tasks.has(id) ? 200 : 404, { id, state: this.tasks.get(id) });
	}

	looks(id) {
		return this.seen.filter((one) => one === `GET /tasks/${id}`).length;
	}

	/* The id of the next task that begins, once it was looked at. */
	async waitedFor(n) {
		await until(`task ${n} is looked at`, 30000, () => this.looks(`t${n}`) > 0);
		return `t${n}`;
	}
}

const ask = (words) => [process.execPath, '-e', `
const [, method, url] = process.argv;
fetch(url, { method }).then(async (answer) => console.log(JSON.stringify({
	outcome: answer.ok ? 'passed' : 'failed', output: await answer.json() })));`, ...words];
const command = (name, ...words) => ({ name, kind: 'command', parse: 'json', argv: ask(words) });

let app, server;

before(async () => {
	app = await App.start();
	server = await Server.start(undefined, { data: temporary(undefined), port: await freePort(), workers: 4 });
	const params = { url: { type: 'string', required: true } };

	await server.api.post('/templates', { name: 'preparation', params,
		tests: [command('begins', 'POST', '${{ params.url }}/tasks')] });
	await server.api.post('/templates', { name: 'validation', params: { ...params, id: { type: 'string', required: true } },
		tests: [command('checks', 'GET', '${{ params.url }}/checked?${{ params.id }}')] });
});
after(async () => {
	await server?.stop();
	await app?.close();
	if (server) rmSync(server.data, { recursive: true, force: true, maxRetries: 5 });
});

const call = (...args) => proctor([...args, '--data', server.data]);
const line = (...more) => call('flow', 'run', '--prepare', 'preparation',
	'--until', 'GET $URL/tasks/$id .state == "SUCCESS"', '--fail-if', '.state in ["FAILURE", "REVOKED"]',
	'--every', '100ms', '--then', 'validation', '--param', `url=${app.url}`,
	...(more.includes('--timeout') ? [] : ['--timeout', '1m']), ...more);
const checked = (id) => app.seen.includes(`GET /checked?${id}`);
const newest = async () => (await server.api.get('/flow-runs?limit=1')).items[0].id;
const stageOf = async (id, name) => (await server.api.get(`/flow-runs/${id}`)).stages.find((one) => one.name === name);
/* kill -9, and a new one at the same place. */
async function killServer() {
	const { data, port } = server;

	await server.kill();
	server.api.close();
	server = await Server.start(undefined, { data, port, workers: 4 });
}

const looksOf = async (id) => (await server.api.get(`/flow-runs/${id}/observations?limit=1000`)).items.map(({ data }) => data);

describe('one line', () => {
	test('two at once wait each for its own task, and hand on its id', async () => {
		app.state = 'PENDING';
		const first = line(), one = await app.waitedFor(1);
		const second = line(), two = await app.waitedFor(2);

		app.tasks.set(two, 'SUCCESS');
		const ended = await second;

		assert.equal(ended.code, 0, ended.said);
		assert.ok(checked(two) && !checked(one), app.seen.join('\n'));
		app.tasks.set(one, 'SUCCESS');
		assert.equal((await first).code, 0);
		assert.ok(checked(one));
	});

	test('the task fails at once: 11, and nothing is validated', async () => {
		app.state = 'FAILURE';
		const { code, said } = await line();

		assert.equal(code, 11, said);
		assert.equal(app.looks('t3'), 1);
		assert.ok(!checked('t3'));
	});

	test('the task never ends: 12', async () => {
		app.state = 'PENDING';
		const { code, said } = await line('--timeout', '700ms');

		assert.equal(code, 12, said);
		assert.ok(!checked('t4'));
	});

	test('the preparation fails: 10; the validation fails: 1', async () => {
		for (const [broken, status] of [['/tasks', 10], ['/checked', 1]]) {
			Object.assign(app, { broken, state: 'SUCCESS' });
			const { code, said } = await line();

			app.broken = null;
			assert.equal(code, status, said);
		}
	});

	test('a file, a kept test and tags are as good as templates', async () => {
		const file = path.join(server.data, 'begin.json');
		const kept = (name, tags) => server.api.post('/tests', { ...command(name, 'GET', `${app.url}/checked?${name}`), tags });

		app.state = 'SUCCESS';
		writeFileSync(file, JSON.stringify({ name: 'begin', params: { url: { type: 'string' } },
			tests: [command('begins', 'POST', '${{ params.url }}/tasks')] }));
		await kept('one', ['quick']);
		await kept('two', ['quick', 'slow']);
		for (const then of ['two', 'quick and not slow']) {
			const { code, said } = await call('flow', 'run', '--prepare', file, '--until', '$URL/tasks/$id', '--then', then,
				'--param', `url=${app.url}`);

			assert.equal(code, 0, said);
			assert.ok(checked(then === 'two' ? 'two' : 'one'));
		}
		assert.equal(app.seen.filter((one) => one === 'GET /checked?two').length, 1);
	});

	test('cancelled while it waits: 14', async () => {
		app.state = 'PENDING';
		const ends = line(), n = app.tasks.size + 1;

		await app.waitedFor(n);
		assert.equal((await call('job', 'cancel', await newest())).code, 0);
		const { code, said } = await ends;

		assert.equal(code, 14, said);
	});
});

describe('outages', () => {
	test('the application is down for a while: it is asked again', async () => {
		app.state = 'PENDING';
		const ends = line(), { port } = app, task = await app.waitedFor(app.tasks.size + 1), flow = await newest();

		await app.close();
		const missed = await until('looks find nobody', 30000, async () => {
			const errors = (await looksOf(flow)).filter((look) => look.error);

			return errors.length >= 2 && errors;
		});

		for (const look of missed) assert.equal(look.status, undefined);
		app.tasks.set(task, 'SUCCESS');
		await app.open(port);
		const { code, said } = await ends;

		assert.equal(code, 0, said);
		assert.ok(checked(task));
		const looks = await looksOf(flow);

		assert.equal(looks.at(-1).status, 200);
		assert.deepEqual(looks.map(({ n }) => n), looks.map((_, i) => i + 1));
	});

	test('the server is killed during the wait: who looks on sees the end', async () => {
		app.state = 'PENDING';
		const ends = line(), task = await app.waitedFor(app.tasks.size + 1), looks = app.looks(task);

		await killServer();
		await until('it looks again', 30000, () => app.looks(task) > looks);
		app.tasks.set(task, 'SUCCESS');
		const { code, said } = await ends;

		assert.equal(code, 0, said);
		assert.equal(app.seen.filter((one) => one === `GET /checked?${task}`).length, 1);
	});
});

/* A flow whose preparation lasts until the gate is opened. */
async function gated(wait) {
	const file = path.join(server.data, 'gated.json');

	writeFileSync(file, JSON.stringify({ name: 'gated', stages: [
		{ name: 'prepare', run: { name: 'prepare', tests: [command('prepare', 'GET', `${app.url}/gate`)] } },
		{ name: 'hook', timeout: '1m', wait },
		{ name: 'check', run: { name: 'check', tests: [{ name: 'check', kind: 'command',
			argv: ['test', '${{ stages.hook.value.version }}', '=', '1'] }] } },
	] }));
	const { code, stdout, said } = await call('flow', 'start', file);

	assert.equal(code, 0, said);
	await until('the preparation is under way', 30000, () => app.gates.length === 1);
	return stdout.trim();
}

const openGate = () => app.gates.pop().end('{}');

describe('signals', () => {
	const signal = (id, version) => call('flow', 'signal', id, 'hook', '--payload', JSON.stringify({ version }));
	const waits = (id) => until('it waits', 30000, async () => (await stageOf(id, 'hook')).state === 'running');

	test('one that comes before the wait has begun counts, a second changes nothing', async () => {
		const id = await gated({ signal: {} });

		for (const version of [1, 2]) assert.equal((await signal(id, version)).code, 0);
		assert.equal((await stageOf(id, 'hook')).state, 'waiting');
		openGate();
		const { code, said } = await call('flow', 'watch', id);

		assert.equal(code, 0, said);
		assert.deepEqual((await stageOf(id, 'hook')).value, { version: 1 });
	});

	test('twice while it waits, by its address: the first one counts', async () => {
		const id = await gated({ signal: {} });
		const { signals: { hook: { url } } } = await server.api.get(`/flow-runs/${id}/signals`);
		const send = async (version) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ version }) })).status;

		openGate();
		await waits(id);
		assert.deepEqual([await send(1), await send(2)], [200, 200]);
		const { code, said } = await call('flow', 'watch', id);

		assert.equal(code, 0, said);
		assert.equal(await send(3), 200, 'a late one is answered');
		assert.deepEqual((await stageOf(id, 'hook')).value, { version: 1 });
	});

	test('one that came before a kill is still there after it', async () => {
		const id = await gated({ signal: {} });

		assert.equal((await signal(id, 1)).code, 0);
		app.gates.length = 0;
		await killServer();
		await until('the preparation is under way again', 60000, () => app.gates.length > 0);
		openGate();
		const { code, said } = await call('flow', 'watch', id);

		assert.equal(code, 0, said);
		app.gates.length = 0;
	});

	test('the time of the whole flow is over: 5', async () => {
		const file = path.join(server.data, 'short.json');

		writeFileSync(file, JSON.stringify({ name: 'short', timeout: '300ms', stages: [{ name: 'hook', wait: { signal: {} } }] }));
		const { code, said } = await call('flow', 'run', file);

		assert.equal(code, 5, said);
	});

	test('an approval that is refused: 13', async () => {
		const id = await gated({ approval: { text: 'Go on?' } });

		openGate();
		await waits(id);
		assert.match((await call('job', 'explain', id)).stdout, /waits for a person to approve: Go on\?/);
		assert.equal((await call('flow', 'reject', id, 'hook', '--by', 'ann', '--note', 'no')).code, 0);
		const { code, said } = await call('flow', 'watch', id);

		assert.equal(code, 13, said);
	});
});

describe('short forms', () => {
	const watch = async (...args) => {
		const { code, stdout, said } = await call('flow', ...args);

		assert.equal(code, 0, said);
		return { ...await call('flow', 'watch', stdout.trim()), id: stdout.trim() };
	};
	const states = async (id) => (await server.api.get(`/flow-runs/${id}`)).stages.map(({ state }) => state);
	const visits = (id) => app.seen.filter((one) => one === `GET /checked?${id}`).length;

	test('chain: a member of the results becomes a parameter', async () => {
		app.state = 'SUCCESS';
		const { code, said } = await watch('chain', 'preparation', 'validation', '--pass', 'id=id', '-p', `url=${app.url}`);

		assert.equal(code, 0, said);
		assert.ok(checked(`t${app.tasks.size}`), app.seen.slice(-3).join('\n'));
	});

	test('parallel: one that fails fails it, unless that is allowed', async () => {
		const args = ['parallel', 'preparation', 'validation', '--limit', '1', '-p', `url=${app.url}`, '-p', 'id=x'];

		app.broken = '/checked';
		const strict = await watch(...args), lenient = await watch(...args, '--allow-failures');

		app.broken = null;
		assert.deepEqual([strict.code, lenient.code], [1, 0], strict.said + lenient.said);
		for (const { id } of [strict, lenient]) assert.deepEqual(await states(id), ['succeeded', 'failed']);
	});

	test('retry: as often as it is said; a restart goes on from there', async () => {
		app.broken = '/checked';
		const { code, id, said } = await watch('retry', 'validation', '--attempts', '3', '--delay', '10ms',
			'-p', `url=${app.url}`, '-p', 'id=again');

		app.broken = null;
		assert.equal(code, 1, said);
		assert.equal(visits('again'), 3);
		assert.equal((await call('flow', 'restart', id)).code, 0);
		assert.equal((await call('flow', 'watch', id)).code, 0);
		assert.equal(visits('again'), 4);
	});
});

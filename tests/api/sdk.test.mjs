// SPDX-License-Identifier: Apache-2.0
/*
 * sdk/js against a server: what it sends again and what not, its errors, waits, events and pages,
 * and the shapes of its BrowserTest class. A worker of the tests carries the jobs out.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { BrowserTest, Proctor, ProctorError, TimeoutError, UnreachableError } from '../../sdk/js/index.js';
import { Server, commandTest } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server, worker, proctor, bt;

before(async () => {
	server = await Server.start();
	worker = new Worker(server);
	proctor = new Proctor({ baseUrl: server.url, token: server.token });
	bt = new BrowserTest({ baseUrl: server.url, apiKey: server.token });
});
after(() => server?.close());

const thrown = (promise) => promise.then(() => assert.fail('nothing was thrown'), (error) => error);

/* Something between client and server: answers by the function, or hands on. */
async function between(t, answer) {
	const seen = [];
	const proxy = http.createServer(async (request, response) => {
		const chunks = [];

		for await (const chunk of request) chunks.push(chunk);
		seen.push({ method: request.method, url: request.url, headers: request.headers });
		const own = answer(seen.length, request);

		if (own === 'cut') return request.socket.destroy();
		if (own) return response.writeHead(own, { 'content-type': 'text/html' }).end('<h1>no</h1>');
		const { authorization, 'content-type': type, 'idempotency-key': key } = request.headers;
		const got = await fetch(server.url + request.url, {
			method: request.method, body: chunks.length ? Buffer.concat(chunks) : undefined,
			headers: { authorization, ...(type ? { 'content-type': type } : {}), ...(key ? { 'idempotency-key': key } : {}) },
		});

		response.writeHead(got.status, { 'content-type': got.headers.get('content-type') ?? 'text/plain' });
		response.end(Buffer.from(await got.arrayBuffer()));
	});

	await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		proxy.closeAllConnections();
		proxy.close();
	});
	return { seen, proctor: new Proctor({ baseUrl: `http://127.0.0.1:${proxy.address().port}`, token: server.token }) };
}

describe('requests', () => {
	test('the token comes from an option, a file, or the environment', async (t) => {
		const tokenFile = path.join(server.data, 'sdk.token');

		writeFileSync(tokenFile, `${server.token}\n`);
		assert.equal(new Proctor({ tokenFile }).transport.token, server.token);
		process.env.PROCTOR_TOKEN_FILE = tokenFile;
		t.after(() => { delete process.env.PROCTOR_TOKEN_FILE; });
		assert.ok(await new Proctor({ baseUrl: `${server.url}/` }).queues.list());
		assert.equal(new Proctor({ token: 'mine' }).transport.token, 'mine');
	});

	test('a refusal has status, code and the offences', async () => {
		const error = await thrown(proctor.jobs.create({ tests: [commandTest()], colour: 'red' }));

		assert.ok(error instanceof ProctorError);
		assert.equal(error.status, 400);
		assert.equal(error.errors[0].pointer, '/colour');
		assert.match(error.message, /\/colour/);
		assert.equal((await thrown(proctor.jobs.get('01900000-0000-7000-8000-000000000000'))).code, 'not_found');
		assert.equal((await thrown(new Proctor({ baseUrl: server.url, token: 'no' }).queues.list())).status, 401);
	});

	test('nobody there', async () => {
		const error = await thrown(new Proctor({ baseUrl: 'http://127.0.0.1:9', retries: 0 }).queues.list());

		assert.ok(error instanceof UnreachableError);
	});

	test('what broke off is asked again, and a POST makes one job all the same', async (t) => {
		let made;
		const middle = await between(t, (n) => [undefined, 503, 'cut'][n]);

		made = await middle.proctor.jobs.create({ name: 'once', tests: [commandTest()] });
		assert.equal(middle.seen.length, 3);
		assert.equal(new Set(middle.seen.map(({ headers }) => headers['idempotency-key'])).size, 1);
		assert.deepEqual((await proctor.jobs.list({ name: 'once' })).items.map(({ id }) => id), [made.id]);
		await proctor.jobs.cancel(made.id);
	});

	test('a PUT and a refusal are not repeated', async (t) => {
		const middle = await between(t, () => 503);

		assert.equal((await thrown(middle.proctor.queues.put('q', {}))).status, 503);
		assert.equal(middle.seen.length, 1);
		const refusing = await between(t, () => 0);

		await thrown(refusing.proctor.jobs.create({}));
		assert.equal(refusing.seen.length, 1);
	});

	test('an end to repeating', async (t) => {
		const middle = await between(t, () => 502);
		const error = await thrown(middle.proctor.queues.list());

		assert.equal(error.status, 502);
		assert.match(error.message, /<h1>no/);
		assert.equal(middle.seen.length, 4);
	});
});

describe('jobs', () => {
	test('wait: the end, or TimeoutError while the job goes on', async () => {
		const { id } = await proctor.jobs.create({ tests: [commandTest()] });
		const error = await thrown(proctor.jobs.wait(id, { maxWait: 50 }));

		assert.ok(error instanceof TimeoutError);
		assert.equal(error.jobId, id);
		assert.equal(error.job.status, 'queued');
		const waits = proctor.jobs.wait(id);

		await worker.finish(await worker.take(), 'passed', { result: { output: { n: 1 } } });
		assert.deepEqual((await waits).results, { n: 1 });
	});

	test('several at once are all made, or none', async () => {
		const jobs = await proctor.jobs.create([{ tests: [commandTest()] }, { tests: [commandTest()] }]);

		assert.equal(jobs.length, 2);
		assert.equal((await thrown(proctor.jobs.create([{ tests: [commandTest()] }, {}]))).status, 400);
		for (const { id } of jobs) await proctor.jobs.cancel(id);
	});

	test('each: every page', async () => {
		await proctor.jobs.create(Array.from({ length: 5 }, () => ({ name: 'paged', tests: [commandTest()] })));
		const ids = new Set();

		for await (const { id } of proctor.jobs.each({ name: 'paged', limit: 2 })) ids.add(id);
		assert.equal(ids.size, 5);
		assert.equal((await proctor.jobs.action('cancel', { name: 'paged' })).done, 5);
	});

	test('events: from the beginning to the end, and on after a cut', async (t) => {
		const { id } = await proctor.jobs.create({ tests: [commandTest()] });
		const types = [];

		await worker.finish(await worker.take());
		for await (const { type } of proctor.jobs.events(id)) types.push(type);
		assert.equal(types[0], 'job.queued');
		assert.equal(types.at(-1), 'job.completed');
		const middle = await between(t, (n) => [undefined, 503, 'cut'][n]);
		const again = [];

		for await (const { type } of middle.proctor.jobs.events(id)) again.push(type);
		assert.deepEqual(again, types);
		assert.equal(middle.seen.length, 3);
	});

	test('events: a signal ends it', async () => {
		const { id } = await proctor.jobs.create({ tests: [commandTest()] });
		const stop = new AbortController();

		for await (const { type } of proctor.jobs.events(id, { signal: stop.signal })) {
			assert.equal(type, 'job.queued');
			stop.abort();
		}
		await proctor.jobs.cancel(id);
	});
});

describe('saved documents', () => {
	test('tests: create, list by selection, revisions, delete', async () => {
		await proctor.tests.create({ ...commandTest({ name: 'kept' }), tags: ['sdk'] });
		const { revision } = await proctor.tests.put('kept', { ...commandTest({ name: 'kept' }), tags: ['sdk', 'two'] }, { revision: 1 });

		assert.equal(revision, 2);
		assert.equal((await thrown(proctor.tests.put('kept', commandTest({ name: 'kept' }), { revision: 1 }))).status, 412);
		assert.deepEqual((await proctor.tests.list({ tags: 'sdk and two', last: 'new' })).map(({ name }) => name), ['kept']);
		assert.deepEqual(await proctor.tests.list({ tags: ['sdk'], exclude: 'two' }), []);
		const { id } = await proctor.jobs.create({ tests: [{ tags: ['sdk', 'other'], last: ['new', 'failed'], exclude: { name: 'x*' } }] });

		assert.deepEqual((await proctor.jobs.get(id)).tests.map(({ name }) => name), ['kept']);
		await proctor.jobs.cancel(id);
		const none = await thrown(proctor.jobs.create({ tests: [{ tags: 'sdk', last: 'flaky' }] }));

		assert.equal(none.status, 400);
		assert.match(none.errors[0].detail, /of those none has the last result flaky/);
		assert.equal((await proctor.tests.revisions('kept')).length, 2);
		await proctor.tests.delete('kept');
		assert.deepEqual(await proctor.tests.list({ tags: 'sdk' }), []);
	});

	test('flows: start, approve, signal, what was seen', async () => {
		await proctor.flows.create({ name: 'gate', stages: [
			{ name: 'ask', wait: { approval: { text: 'go on?' } } }, { name: 'call', wait: { signal: {} } }] });
		const { id } = await proctor.flows.start('gate');
		const { signals } = await proctor.flows.signals(id);

		await proctor.flows.approve(id, 'ask', { by: 'ann' });
		await fetch(signals.call.url, { method: 'POST', body: '{"n":1}', headers: { 'content-type': 'application/json' } });
		const { status, stages } = await proctor.flows.wait(id);

		assert.equal(status, 'completed');
		assert.deepEqual(stages.map(({ state }) => state), ['succeeded', 'succeeded']);
		assert.ok((await proctor.flows.observations(id)).length >= 2);
		assert.deepEqual((await proctor.flows.runs({ limit: 1 })).map((run) => run.id), [id]);
	});

	test('schedules: next, pause, resume, fire', async () => {
		await proctor.schedules.create({ name: 'daily', cron: '0 9 * * *', start: { tests: [commandTest()] } });
		assert.equal((await proctor.schedules.next('daily', 3)).length, 3);
		assert.equal((await proctor.schedules.pause('daily')).state, 'paused');
		assert.equal((await proctor.schedules.resume('daily')).state, 'active');
		await proctor.schedules.fire('daily');
		await worker.finish(await worker.take());
		assert.equal((await proctor.schedules.firings('daily')).length, 1);
		await proctor.schedules.delete('daily');
	});

	test('every query of figures has an answer', async () => {
		for (const name of ['summary', 'jobs', 'tests', 'queues', 'workers', 'teams', 'slowest', 'flakiest', 'cost',
			'trends', 'errors', 'failures', 'longRunning'])
			assert.equal(typeof await proctor.stats[name](), 'object', name);
	});
});

describe('BrowserTest', () => {
	const tests = [commandTest()];

	test('the key is checked', async () => {
		assert.equal(await bt.testConnection(), true);
		assert.equal(await new BrowserTest({ apiKey: 'no', baseUrl: server.url }).testConnection(), false);
		const error = await thrown(new BrowserTest({ apiKey: 'no', baseUrl: server.url }).testing.list());

		assert.equal(error.name, 'BrowserTestAuthError');
	});

	test('create: pending; then what became of it, with the first error', async () => {
		const { jobId, status, job } = await bt.testing.create({ tests, url: 'http://shop.test/',
			config: { width: 800, height: 600, timeout: 60000 } });

		assert.equal(status, 'pending');
		assert.equal(job.id, jobId);
		assert.deepEqual(job.native.status, 'queued');
		await worker.finish(await worker.take(), 'failed', { error: { message: 'no button' } });
		await proctor.jobs.wait(jobId);
		const ended = (await bt.testing.getStatus(jobId)).job;

		assert.equal(ended.status, 'failed');
		assert.equal(ended.error, 'no button');
		assert.equal(ended.url, 'http://shop.test/');
		assert.deepEqual(ended.config.viewport, { width: 800, height: 600 });
		assert.equal(ended.results, undefined);
		assert.ok(ended.completedAt >= ended.startedAt);
	});

	test('cancelled is failed, with the reason in words', async () => {
		const { jobId } = await bt.testing.create({ tests });
		const { job } = await bt.testing.cancel(jobId);

		assert.equal(job.status, 'failed');
		assert.equal(job.error, 'Job cancelled');
		assert.equal(job.state, 'stopped');
	});

	test('execute: result and output', async () => {
		const result = bt.testing.execute({ tests, url: 'http://shop.test/' });

		await worker.finish(await worker.take(), 'passed', { result: { output: { price: 5 } } });
		const { success, results, meta } = await result;

		assert.equal(success, true);
		assert.deepEqual(results.structuredData, { price: 5 });
		assert.equal(meta.url, 'http://shop.test/');
	});

	test('templates: made, filled in, changed, deleted', async () => {
		const { template } = await bt.template.create({ name: 'bt', description: 'd', tags: ['t'], tests,
			params: { url: { type: 'string' }, user: { type: 'string' } } });

		assert.equal(template.name, 'bt');
		assert.deepEqual(template.tags, ['t']);
		const { jobId } = await bt.template.invoke(template.id, { url: 'http://a.test/', variables: { user: 'ann' } });
		const { job } = await bt.testing.getStatus(jobId);

		assert.equal(job.templateId, template.id);
		assert.equal(job.url, 'http://a.test/');
		assert.equal(job.native.params.user, 'ann');
		await bt.testing.cancel(jobId);
		assert.deepEqual((await bt.template.list()).templates.map(({ name }) => name), ['bt']);
		await bt.template.update(template.id, { name: 'bt', tags: ['u'], tests });
		assert.deepEqual((await bt.template.get(template.id)).template.tags, ['u']);
		assert.deepEqual(await bt.template.delete(template.id), { success: true });
		assert.equal((await thrown(bt.template.get(template.id))).status, 404);
	});

	test('instructions in words are refused as long as nobody carries them out', async () => {
		const error = await thrown(bt.testing.create({ instructions: 'Look around', url: 'http://a.test/' }));

		assert.equal(error.name, 'BrowserTestAPIError');
		assert.equal(error.status, 400);
		assert.match(error.message, /kind "agent"/);
	});

	test('usage is what ran; nothing is limited', async () => {
		const { plan, usage } = await bt.getUsage();

		assert.equal(plan, 'self-hosted');
		assert.equal(usage.screenshot.limit, Infinity);
		assert.equal(usage.total.agentic, 0);
	});
});

// SPDX-License-Identifier: Apache-2.0
/*
 * Schedules: saved, shown beforehand, fired once whatever happens, kept apart from each other.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Stream } from './lib/events.mjs';
import { Server, assertProblem, commandTest } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const start = (members) => ({ name: 'scheduled', tests: [commandTest()], ...members });
const make = (server, members, options) =>
	server.request('POST', '/schedules', { name: 'nightly', cron: '30 2 * * *', start: start(), ...members }, options);
const soon = (ms) => new Date(Date.now() + ms).toISOString();

/* Opens the stream first, so that nothing is missed; ends it whatever happens. */
async function events(server, during) {
	const stream = await Stream.open(server, '/events');

	try {
		return await during(async (type) => (await stream.until(type)).at(-1).json);
	} finally {
		stream.cut();
	}
}

describe('a saved schedule', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	test('is shown with its next run, changed, paused and deleted', async () => {
		const made = await make(server, { timezone: 'Europe/Berlin', tags: ['nightly'], jitter: '30s' });

		assert.equal(made.status, 201, made.text);
		assert.equal(made.headers.get('etag'), '"1"');
		assert.equal(made.json.state, 'active');
		assert.match(made.json.next.local, /T02:30:00\+0[12]:00$/);
		const late = Date.parse(made.json.next.dueAt) - Date.parse(made.json.next.at);

		assert.ok(late >= 0 && late < 30_000);
		assertProblem(await make(server), 409, 'conflict');
		const changed = await server.request('PUT', '/schedules/nightly', { ...made.json, cron: '0 5 * * MON' },
			{ headers: { 'if-match': '"1"' } });

		assert.equal(changed.status, 200, changed.text);
		assert.equal(changed.json.revision, 2);
		assert.equal(changed.json.id, made.json.id);
		assert.equal((await server.request('PUT', '/schedules/nightly', { cron: '@daily', start: start() },
			{ headers: { 'if-match': '"1"' } })).status, 412);
		assert.equal((await server.post(`/schedules/${made.json.id}/pause`)).state, 'paused');
		assert.deepEqual((await server.get('/schedules/nightly/next')).items, []);
		assert.equal((await server.post('/schedules/nightly/resume')).state, 'active');
		assert.equal((await server.get('/schedules/nightly/next?n=3')).items.length, 3);
		assert.deepEqual((await server.get('/schedules')).items.map(({ name }) => name), ['nightly']);
		assert.equal((await server.request('DELETE', '/schedules/nightly')).status, 204);
		assertProblem(await server.request('GET', '/schedules/nightly'), 404, 'not_found');
		assertProblem(await server.request('DELETE', '/schedules/nightly'), 404, 'not_found');
	});

	test('PUT makes one under a name that is new', async () => {
		const made = await server.request('PUT', '/schedules/fresh', { every: '1h', start: start() });

		assert.equal(made.status, 201, made.text);
		assert.equal(made.json.name, 'fresh');
		await server.call('DELETE', '/schedules/fresh');
	});

	test('what is wrong in it is told at once, with its place', async () => {
		const wrong = await make(server, { cron: '0 25 * * *', timezone: 'berlin' });

		assertProblem(wrong, 400, 'invalid_field');
		assert.deepEqual(wrong.json.errors.map(({ pointer }) => pointer), ['/cron', '/timezone']);
		assert.match(wrong.json.errors[0].detail, /hour: values are 0 to 23 \(at 3\)/);
		assert.match(wrong.json.errors[1].detail, /did you mean "Europe\/Berlin"/);
		for (const [members, pointer] of [
			[{ start: { template: 'nowhere' } }, '/start/template'],
			[{ start: start({ concurrency: 'many' }) }, '/start/concurrency'],
			[{ cron: '0 0 30 2 *' }, '/cron'],
			[{ cron: undefined, at: '2020-01-01T00:00:00Z' }, '/at'],
			[{ every: '1h' }, '/cron'],
			[{ colour: 'red' }, '/colour'],
		]) {
			const refused = await make(server, members);

			assert.equal(refused.status, 400, refused.text);
			assert.equal(refused.json.errors[0].pointer, pointer, refused.text);
		}
		assert.deepEqual((await server.get('/schedules')).items, []);
	});

	test('a preview shows the next runs of what is no schedule yet', async () => {
		const { next, timezone } = await server.post('/schedules:preview?n=3',
			{ cron: '0 12 * * MON', timezone: 'America/New_York' });

		assert.equal(timezone, 'America/New_York');
		assert.equal(next.length, 3);
		for (const { local } of next) {
			assert.match(local, /T12:00:00-0[45]:00$/);
			assert.equal(new Date(local.slice(0, 10)).getUTCDay(), 1);
		}
		const dry = await server.request('POST', '/schedules?dryRun=true',
			{ name: 'x', every: '1h', start: start() });

		assert.equal(dry.status, 200, dry.text);
		assert.equal(dry.json.next.length, 10);
		assert.deepEqual((await server.get('/schedules')).items, []);
	});

	test('an idempotency key makes it once', async () => {
		const headers = { 'idempotency-key': 'schedule-once' };
		const first = await make(server, { name: 'once' }, { headers });
		const again = await make(server, { name: 'once' }, { headers });

		assert.equal(again.status, 201, again.text);
		assert.equal(again.json.id, first.json.id);
		assert.equal(again.headers.get('idempotency-replayed'), 'true');
		await server.call('DELETE', '/schedules/once');
	});
});

describe('a firing', () => {
	let server, worker;

	after(() => server?.close());
	before(async () => {
		server = await Server.start();
		worker = new Worker(server);
	});

	test('makes a job of what start says then', () => events(server, async (until) => {
		await server.post('/templates', { name: 'shop', params: { day: { type: 'string' } }, tests: [commandTest()] });
		const at = soon(200);
		const { json } = await make(server, {
			name: 'one-off', cron: undefined, at, tags: ['nightly'],
			start: { template: 'shop', name: 'for ${{ schedule.name }}', params: { day: '${{ schedule.at }}' } },
		});
		const fired = await until('schedule.fired');

		assert.equal(fired.data.id, json.id);
		assert.equal(fired.data.at, at);
		const job = await server.get(`/jobs/${fired.data.job}`);

		assert.equal(job.name, 'for one-off');
		assert.deepEqual(job.schedule, { id: json.id, name: 'one-off' });
		assert.deepEqual(job.tags, ['nightly']);
		assert.equal(job.params.day, at);
		const listed = (await server.get('/jobs?schedule=one-off')).items;

		assert.deepEqual(listed.map(({ id, schedule }) => [id, schedule]), [[job.id, job.schedule]]);
		assert.deepEqual((await server.get('/jobs?schedule=nobody')).items, []);
		const { items } = await server.get('/schedules/one-off/firings');

		assert.deepEqual(items.map(({ job: id, cause }) => [id, cause]), [[job.id, 'time']]);
		const done = await server.get('/schedules/one-off');

		assert.equal(done.state, 'finished');
		assert.deepEqual(done.active, [job.id]);
		await worker.finishJob(job.id, 'passed');
		assert.deepEqual((await server.get('/schedules/one-off')).active, []);
	}));

	test('that cannot be resolved any more is told once', () => events(server, async (until) => {
		await server.post('/templates', { name: 'gone', tests: [commandTest()] });
		await make(server, { name: 'orphan', start: { template: 'gone' } });
		await server.call('DELETE', '/templates/gone');
		await server.post('/schedules/orphan/fire');
		const failed = await until('schedule.failed');

		assert.match(failed.data.error, /there is no template/);
		const shown = await server.get('/schedules/orphan');

		assert.equal(shown.failed, 1);
		assert.equal(shown.pending, undefined);
		assert.match(shown.lastError.error, /there is no template/);
	}));

	test('by hand waits its turn when overlap says so', () => events(server, async (until) => {
		await make(server, { name: 'turns', start: start({ labels: { nobody: 'x' } }) });
		await server.post('/schedules/turns/fire');
		const first = (await until('schedule.fired')).data.job;

		assertProblem(await server.request('POST', '/schedules/turns/fire'), 409, 'conflict');
		const queued = await server.request('POST', '/schedules/turns/fire', { overlap: 'queue' });

		assert.equal(queued.status, 202, queued.text);
		const shown = await server.get('/schedules/turns');

		assert.deepEqual(shown.waiting.map(({ blockedBy }) => blockedBy), [[first]]);
		await server.post(`/jobs/${first}/cancel`);
		const second = (await until('schedule.fired')).data.job;

		/* cancel: the running one goes first */
		await server.post('/schedules/turns/fire', { overlap: 'cancel' });
		const third = (await until('schedule.fired')).data.job;

		assert.equal((await server.get(`/jobs/${second}`)).status, 'stopped');
		assert.notEqual(third, second);
	}));
});

describe('when the server is killed', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	test('every occurrence makes exactly one job', { timeout: 60_000 }, async () => {
		const made = await make(server, {
			name: 'tick', cron: undefined, every: '1s', missed: 'all', overlap: 'parallel',
			start: start({ labels: { nobody: 'x' } }),
		});
		const first = Date.parse(made.json.next.at);

		/* At another distance from the second each time; nobody knows what was under way. */
		for (const away of [3, 1, 8, 30, 2, 999]) {
			const next = Math.ceil((Date.now() + 50 - first) / 1000) * 1000 + first;

			await new Promise((resolve) => setTimeout(resolve, Math.max(0, next + away - Date.now())));
			await server.restart('SIGKILL');
		}
		await events(server, (until) => until('schedule.fired'));
		await server.post('/schedules/tick/pause');
		const shown = await server.get('/schedules/tick');
		const firings = await server.all('/schedules/tick/firings?');
		const jobs = await server.all('/jobs?schedule=tick&sort=createdAt');
		const times = firings.map(({ at }) => Date.parse(at)).reverse();

		assert.equal(shown.pending, undefined);
		assert.deepEqual(times, times.map((_, i) => first + i * 1000));
		assert.ok(times.length >= 6);
		assert.equal(new Set(firings.map(({ job }) => job)).size, firings.length);
		assert.deepEqual(jobs.map(({ id }) => id).sort(), firings.map(({ job }) => job).sort());
		assert.equal(shown.missedCount, 0);
	});
});

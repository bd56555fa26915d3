// SPDX-License-Identifier: Apache-2.0
/*
 * Figures: what is counted when jobs end, and that nothing is said that cannot be
 * (docs/protocol/stats.md).
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

const TABLES = ['jobs', 'tests', 'queues', 'workers', 'teams', 'slowest', 'flakiest', 'cost'];

/* Runs a job of one test of that name, with one outcome for each attempt; its end. */
async function run(name, outcomes, members = {}, result = {}) {
	const all = [outcomes].flat();
	const job = await server.job({
		tests: [commandTest({ name })],
		retries: { max: all.length - 1, delay: 0, on: ['failed'] }, ...members,
	});

	for (const outcome of all) {
		const lease = await worker.take();

		await worker.finish(lease, outcome, { durationMs: 100, ...result });
	}
	return job;
}

const rows = async (path) => (await server.get(path)).items;
const row = async (path, group) => (await rows(path)).find((r) => r.group === group);

describe('nothing has ended', () => {
	test('every answer is there, with n 0 and no rate', async () => {
		for (const name of TABLES) {
			const table = await server.get(`/stats/${name}`);

			assert.deepEqual(table.items, [], name);
			assert.equal(table.groups, 0);
			assert.equal(table.total.n, 0);
			assert.equal('successRate' in table.total, false);
			assert.equal('run' in table.total, false);
		}
		const summary = await server.get('/stats/summary');

		assert.equal(summary.jobs.n, 0);
		assert.equal('successRate' in summary.jobs, false);
		assert.deepEqual(summary.recentFailures, []);
		assert.deepEqual((await server.get('/stats/errors')).items, []);
		const trend = await server.get('/stats/trends?last=7d&by=day');

		assert.ok(trend.items.length === 7 || trend.items.length === 8);
		assert.ok(trend.items.every((point) => point.n === 0));
		assertProblem(await server.request('GET', '/stats/tests/nobody/history'), 404, 'not_found');
	});
});

describe('tests', () => {
	test('outcomes, repetitions and transitions are counted by name', async () => {
		await run('flappy', 'passed');
		await run('flappy', 'failed');           // a transition
		await run('flappy', 'errored');          // none: it failed as well
		await run('flappy', ['failed', 'passed']); // flaky, and a transition
		const figures = await row('/stats/tests', 'flappy');

		assert.equal(figures.n, 4);
		assert.equal(figures.kind, 'command');
		assert.equal(figures.passed, 2);
		assert.equal(figures.failed, 1);
		assert.equal(figures.errored, 1);
		assert.equal(figures.flaky, 1);
		assert.equal(figures.transitions, 2);
		assert.equal(figures.attempts, 5);
		assert.equal(figures.successRate, 0.5);
		assert.equal(figures.flakiness, 0.75);
		assert.equal(figures.run.n, 4);
		assert.equal(figures.run.meanMs, 100);
		assert.ok(Math.abs(figures.run.p95Ms - 100) <= 5);
		assert.equal(figures.busyMs, 500);
		assert.equal('cost' in figures, false, 'nothing was measured');
	});

	test('the history has the newest first, page by page', async () => {
		await run('walks', 'passed');
		const second = await run('walks', ['failed', 'passed']);
		const failed = await run('walks', 'failed', {}, { error: { message: 'no /etc/x after 7 s' } });
		const history = await server.get('/stats/tests/walks/history?limit=2');

		assert.equal(history.test, 'walks');
		assert.equal(history.n, 3);
		assert.equal(history.lastOutcome, 'failed');
		assert.equal(history.streak, 1);
		assert.deepEqual(history.items.map((u) => [u.job, u.outcome, u.attempt]),
			[[failed.id, 'failed', 1], [second.id, 'passed', 2]]);
		assert.equal(history.items[1].flaky, true);
		assert.match(history.items[0].errorClass, /^[0-9a-f]{16}$/);
		const more = await server.get(`/stats/tests/walks/history?limit=2&cursor=${history.nextCursor}`);

		assert.deepEqual(more.items.map((u) => u.outcome), ['passed']);
		assert.equal(more.nextCursor, undefined);
		assertProblem(await server.request('GET', '/stats/tests/walks/history?cursor=x'), 400, 'invalid_parameter');
	});

	test('a saved test is found by its id too', async () => {
		const saved = await server.request('POST', '/tests', commandTest({ name: 'kept' }));

		assertProblem(await server.request('GET', `/tests/${saved.json.id}/history`), 404, 'not_found');
		await run('kept', 'passed');
		assert.equal((await server.get(`/tests/${saved.json.id}/history`)).n, 1);
		assert.equal((await server.get('/tests/kept/history')).n, 1);
		assertProblem(await server.request('GET', `/tests/${uuid7()}/history`), 404, 'not_found');
	});

	test('the flakiest and the slowest are in order, of enough runs', async () => {
		for (let i = 0; i < 5; i++) {
			await run('steady', 'passed', {}, { durationMs: 5000 });
			await run('wobbly', i % 2 ? 'failed' : 'passed', {}, { durationMs: 10 });
		}
		assert.deepEqual((await rows('/stats/flakiest')).map((r) => r.group), ['wobbly']);
		assert.deepEqual((await rows('/stats/flakiest?minRuns=4')).map((r) => r.group),
			['wobbly', 'flappy']);
		assert.equal((await rows('/stats/slowest'))[0].group, 'steady');
		assert.deepEqual((await rows('/stats/slowest?sort=runP95&limit=1')).map((r) => r.group), ['wobbly']);
		const page = await server.get('/stats/tests?sort=name&limit=2');

		assert.deepEqual(page.items.map((r) => r.group), ['flappy', 'kept']);
		assert.equal(page.groups, 5);
		assert.equal((await rows(`/stats/tests?sort=name&limit=2&cursor=${page.nextCursor}`))[0].group,
			'steady');
	});

	test('what is skipped and cancelled is no verdict', async () => {
		await run('idle', 'passed');
		await run('idle', 'skipped');
		await run('idle', 'passed');
		const figures = await row('/stats/tests', 'idle');

		assert.equal(figures.skipped, 1);
		assert.equal(figures.transitions, 0);
		assert.equal(figures.successRate, 1);
	});
});

describe('cost', () => {
	test('what workers measured is added up: of runs, jobs, tests and teams', async () => {
		const usage = { cpuMs: 40, peakKib: 5000, tokens: 7 };
		const job = await run('costly', ['failed', 'passed'], {}, { usage });

		await run('costly', 'passed', {}, { usage: { cpuMs: 20, peakKib: 9000 } });
		await run('costly', 'passed');
		const { cost, attempts } = await row('/stats/cost', 'costly');

		assert.equal(attempts, 4);
		assert.deepEqual(cost, { measured: 3, cpuMs: 100, peakKib: 9000, tokens: 14 });
		const runs = (await server.get(`/jobs/${job.id}/runs`)).items;

		assert.deepEqual(runs.map((r) => r.usage), [usage, usage]);
		const analysis = await server.request('POST', '/stats/jobs:analyze', { ids: [job.id] });

		assert.deepEqual(analysis.json.cost, { measured: 1, cpuMs: 80, peakKib: 5000, tokens: 14 });
	});
});

describe('jobs', () => {
	test('by queue, tag and team; apart and together', async () => {
		await server.request('PUT', '/queues/nightly', {});
		await run('a', 'passed', { queue: 'nightly', tags: ['smoke', 'slow'] });
		await run('a', 'failed', { queue: 'nightly', tags: ['smoke'] });
		const nightly = await row('/stats/queues', 'nightly');

		assert.equal(nightly.n, 2);
		assert.deepEqual(nightly.byStatus, { completed: 1, failed: 1 });
		assert.deepEqual(nightly.byReason, { passed: 1, tests_failed: 1 });
		assert.equal(nightly.successRate, 0.5);
		assert.equal(nightly.queue.n, 2);
		const tags = await rows('/stats/jobs?groupBy=tag');

		assert.deepEqual(tags.map((r) => [r.group, r.n]), [['smoke', 2], ['slow', 1]]);
		assert.equal((await server.get('/stats/jobs?tag=smoke&queue=nightly')).total.n, 2);
		assert.equal((await server.get('/stats/tests?tag=slow')).total.n, 1);
		assert.equal((await server.get('/stats/jobs?queue=nobody')).total.n, 0);
		assert.equal((await server.get('/stats/jobs?kind=http')).total.n, 0);
		assert.deepEqual((await rows('/stats/jobs?queue=nightly&groupBy=status')).map((r) => [r.group, r.n]),
			[['completed', 1], ['failed', 1]]);
	});

	test('by template, which is shown by name', async () => {
		const saved = await server.request('POST', '/templates',
			{ name: 'login', tests: [commandTest({ name: 'log in' })] });

		assert.equal(saved.status, 201, saved.text);
		await server.request('POST', '/templates/login/invoke', {});
		await worker.finish(await worker.take(), 'passed', { durationMs: 1 });
		const [first] = await rows('/stats/jobs?template=login');

		assert.equal(first.name, 'login');
		assert.equal(first.group, saved.json.id);
		assert.equal(first.n, 1);
	});

	test('trends have a point for each day and hour', async () => {
		const days = await server.get('/stats/trends?last=30d');
		const total = days.items.reduce((sum, point) => sum + point.n, 0);

		assert.equal(days.scale, 'day');
		assert.equal(total, days.total.n);
		assert.equal(days.items.at(-1).n > 0, true);
		const hours = await server.get('/stats/trends?last=24h&by=hour');

		assert.ok(hours.items.length >= 24 && hours.items.length <= 26);
		assert.equal(hours.total.n, total);
		const one = await server.get('/stats/trends?test=steady');

		assert.equal(one.total.n, 5);
		assertProblem(await server.request('GET', '/stats/trends?test=steady&by=hour'), 400, 'invalid_parameter');
	});

	test('a job that is stopped counts, but says nothing of success', async () => {
		await server.request('PUT', '/queues/dropped', {});
		const job = await server.job({ tests: [commandTest({ name: 'never' })], queue: 'dropped' });

		await server.request('POST', `/jobs/${job.id}/cancel`, {});
		const figures = await row('/stats/queues', 'dropped');

		assert.deepEqual(figures.byStatus, { stopped: 1 });
		assert.equal('successRate' in figures, false);
		assert.equal('run' in figures, false);
	});

	test('the dashboard in one call', async () => {
		const running = await server.job({ tests: [commandTest({ name: 'long' })] });
		const lease = await worker.take();

		await worker.send(lease, ['run.started']);
		const summary = await server.get('/stats/summary?threshold=1ms');

		assert.ok(summary.jobs.n > 10);
		assert.deepEqual(summary.running.map((j) => j.id), [running.id]);
		assert.deepEqual(summary.longRunning.map((j) => j.id), [running.id]);
		assert.ok(summary.recentFailures.length > 0);
		assert.ok(summary.recentFailures.every((j) => j.status === 'failed'));
		assert.ok(summary.queues.some((q) => q.group === 'nightly'));
		assert.equal(summary.workers[0].name, 'fake');
		assert.deepEqual((await rows('/stats/long-running?threshold=1h')), []);
		assert.ok((await rows('/stats/failures?limit=1')).length === 1);
		await worker.finish(lease, 'passed', { durationMs: 3 });
	});
});

describe('errors', () => {
	test('texts that differ in what varies are one class, near ones one cluster', async () => {
		const fails = (message) => run('err', 'failed', {}, { error: { message } });

		await fails('Timeout 3000 ms waiting for "#a"');
		await fails('Timeout 4500 ms waiting for "#b"');
		await fails('Timeout 4500 ms waiting at "#b"');
		const job = await fails('Quite another matter');
		const { items } = await server.get('/stats/errors');
		const timeouts = items.find((c) => c.text === "Timeout <n> ms waiting for '…'");

		assert.equal(timeouts.n, 3);
		assert.deepEqual(timeouts.classes.map((c) => c.n), [2, 1]);
		assert.equal(timeouts.classes[0].sample, 'Timeout 3000 ms waiting for "#a"');
		const other = items.find((c) => c.text === 'Quite another matter').classes[0];

		assert.equal(other.lastJob, job.id);
		const one = await server.get(`/stats/errors/${other.id}`);

		assert.deepEqual(one.units.items.map((u) => u.job), [job.id]);
		assert.equal(one.trend.items.at(-1).n, 1);
		for (const id of ['0123456789abcdef', ` ${other.id}`, `${other.id}x`, `0x${other.id}`])
			assertProblem(await server.request('GET', `/stats/errors/${encodeURIComponent(id)}`), 404, 'not_found');
		for (const filter of ['queue', 'template']) {
			const none = await server.get(`/stats/errors/${other.id}?${filter}=nobody`);

			assert.ok(none.trend.items.every((point) => point.n === 0), filter);
		}
	});
});

describe('analysis of exactly these jobs', () => {
	const analyze = (body) => server.request('POST', '/stats/jobs:analyze', body);

	test('by ids: what is missing and what still goes on is told apart', async () => {
		const good = await run('x', 'passed');
		const bad = await run('x', 'failed');
		const open = await server.job({ tests: [commandTest({ name: 'x' })], runAt: '2036-01-01T00:00:00Z' });
		const { status, json, text } = await analyze({ ids: [good.id, bad.id, open.id, uuid7(), 'x'] });

		assert.equal(status, 200, text);
		assert.equal(json.jobs, 3);
		assert.equal(json.n, 2);
		assert.deepEqual(json.open, { queued: 1 });
		assert.equal(json.missing.length, 2);
		assert.equal(json.successRate, 0.5);
		assert.deepEqual(json.failures.map((j) => j.id), [bad.id]);
		assert.equal(json.slowest.length, 2);
	});

	test('by filter, as a list of jobs has it', async () => {
		const { json } = await analyze({ filter: { queue: 'nightly', tag: ['smoke'] } });

		assert.equal(json.n, 2);
		assert.equal((await analyze({ filter: { queue: 'nobody' } })).json.n, 0);
		assertProblem(await analyze({ filter: { colour: 'red' } }), 400, 'invalid_field');
		assertProblem(await analyze({}), 400, 'invalid_field');
		assertProblem(await analyze({ ids: [uuid7()], filter: {} }), 400, 'invalid_field');
	});
});

describe('what lasts and what goes', () => {
	test('a deleted job stays in the figures and leaves the history', async () => {
		const job = await run('gone', 'failed');

		assert.equal((await server.request('DELETE', `/jobs/${job.id}`)).status, 200);
		assert.equal((await row('/stats/tests', 'gone')).n, 1);
		assert.deepEqual((await server.get('/stats/tests/gone/history')).items, []);
	});

	test('wrong spans are refused', async () => {
		assertProblem(await server.request('GET', '/stats/jobs?last=401d'), 400, 'invalid_parameter');
		assertProblem(await server.request('GET',
			'/stats/jobs?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z'), 400, 'invalid_parameter');
		assertProblem(await server.request('GET', '/stats/jobs?sort=colour'), 400, 'invalid_parameter');
		assertProblem(await server.request('GET', '/stats/jobs?cursor=no'), 400, 'invalid_parameter');
	});

	test('no answer has a null, NaN or Infinity', async () => {
		for (const name of [...TABLES, 'summary', 'errors', 'trends']) {
			const { text } = await server.request('GET', `/stats/${name}`);

			assert.doesNotMatch(text, /null|NaN|Infinity/, name);
		}
	});
});

test('flows are counted apart from the jobs that they make', async () => {
	const name = uuid7();
	const before = await server.get('/stats/summary');
	const { id } = await server.post('/jobs', { name,
		stages: [{ name: 'only', run: { name, queue: name, tests: [commandTest({ name })] } }] });

	await worker.finish(await worker.take(), 'failed');
	await server.get(`/jobs/${id}?wait=20s`);
	const after_ = await server.get('/stats/summary');

	assert.equal(after_.jobs.n, before.jobs.n + 1);
	assert.equal((await row('/stats/jobs?groupBy=queue', name)).n, 1);
	assert.equal((await row('/stats/queues', name)).n, 1);
	assert.equal((await server.get('/stats/jobs?kind=flow')).total.n, 1);
	assert.equal((await row('/stats/jobs?groupBy=kind', 'flow')).n, 1);
});

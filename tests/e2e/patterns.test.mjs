// SPDX-License-Identifier: Apache-2.0
/*
 * What people script around long test jobs, each as the one call that docs/guides/patterns.md
 * names: a real server, its own worker, and a small site that the tests visit.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { BrowserTest, Proctor } from '../../sdk/js/index.js';
import { Server, until } from './helper.mjs';

/* /login leads to /account; /slow answers when it is let go; /shaky fails as often as it is told. */
class Site {
	static async start() {
		const site = new Site();

		Object.assign(site, { held: [], visits: [], failures: new Map(), now: 0, most: 0 });
		site.http = http.createServer((request, response) => site.answer(request, response));
		await new Promise((resolve) => site.http.listen(0, '127.0.0.1', resolve));
		site.url = `http://127.0.0.1:${site.http.address().port}`;
		return site;
	}

	answer({ url }, response) {
		const [name] = url.slice(1).split('?');
		const left = this.failures.get(url) ?? 0;

		this.visits.push(url);
		if (name === 'login') return response.writeHead(302, { location: '/account?user=ann' }).end();
		if (name === 'slow') {
			this.most = Math.max(this.most, ++this.now);
			response.on('close', () => { this.now--; });
			return this.held.push(response);
		}
		this.failures.set(url, left - 1);
		return response.writeHead(name === 'broken' || left > 0 ? 500 : 200).end('<title>Shop</title>');
	}

	/* Lets every held request go, those that come later too. */
	letGo() {
		for (const response of this.held.splice(0)) response.end('late');
	}

	close() {
		this.http.closeAllConnections();
		this.http.close();
	}
}

const VISIT = `
const answer = await fetch(process.argv[1]);
await answer.text();
console.log(JSON.stringify({ outcome: answer.ok ? 'passed' : 'failed', message: 'status ' + answer.status,
	output: { finalUrl: answer.url, status: answer.status } }));`;

const visitTest = { name: 'visit', kind: 'command', parse: 'json',
	argv: [process.execPath, '--input-type=module', '-e', VISIT, '${{ params.url }}'] };

let server, site, proctor, bt, templateId;

before(async () => {
	site = await Site.start();
	server = await Server.start(undefined, { workers: 4 });
	proctor = new Proctor({ baseUrl: server.url, token: server.token });
	bt = new BrowserTest({ baseUrl: server.url, apiKey: server.token });
	({ template: { id: templateId } } = await bt.template.create({
		name: 'visit', params: { url: { type: 'string', required: true } }, tests: [visitTest], tags: ['smoke'],
		outputSchema: { type: 'object', required: ['finalUrl'], properties: { finalUrl: { type: 'string' } } },
	}));
});
after(async () => {
	site?.close();
	await server?.stop();
	if (server) rmSync(server.data, { recursive: true, force: true, maxRetries: 5 });
});

/* What a test that failed has left waiting is not the next one's trouble. */
afterEach(() => site.letGo());

const visit = (path, more = {}) => ({ template: 'visit', params: { url: site.url + path }, ...more });
const stagesOf = async (id) => (await proctor.flows.run(id)).stages;

describe('one job', () => {
	test('create and status', async () => {
		const { jobId, status } = await bt.template.invoke(templateId, { url: `${site.url}/login` });

		assert.ok(['pending', 'running'].includes(status));
		const { job } = await bt.testing.getStatus(jobId);

		assert.equal(job.id, jobId);
		assert.ok(new Date(job.createdAt) <= new Date(job.updatedAt));
		await proctor.jobs.wait(jobId);
	});

	test('polling: wait is one call, and tells what goes on', async () => {
		const { jobId } = await bt.template.invoke(templateId, { url: `${site.url}/login` });
		const seen = [];
		const job = await proctor.jobs.wait(jobId, { onProgress: ({ status }) => seen.push(status) });

		assert.equal(job.status, 'completed');
		assert.deepEqual(job.results, { finalUrl: `${site.url}/account?user=ann`, status: 200 });
		assert.equal(seen.at(-1), 'completed');
	});

	test('run: create and wait together', async () => {
		assert.equal((await proctor.run(visit('/broken'))).status, 'failed');
	});

	test('details', async () => {
		const { jobId } = await bt.template.invoke(templateId, { url: `${site.url}/login`, config: { viewport: { width: 800, height: 600 } } });

		await proctor.jobs.wait(jobId);
		const { job } = await bt.testing.getStatus(jobId);

		assert.equal(job.status, 'completed');
		assert.equal(job.templateId, templateId);
		assert.equal(job.url, `${site.url}/login`);
		assert.deepEqual(job.config.viewport, { width: 800, height: 600 });
		assert.equal(job.results.finalUrl, `${site.url}/account?user=ann`);
		assert.ok(new Date(job.startedAt) <= new Date(job.completedAt));
		assert.equal(job.error, undefined);
	});

	test('list and filters', async () => {
		const failed = await proctor.run(visit('/broken', { tags: ['listed'] }));
		const fine = await proctor.run(visit('/', { tags: ['listed'] }));
		const ids = async (filter) => (await bt.testing.list({ tag: 'listed', ...filter })).jobs.map(({ id }) => id);

		assert.deepEqual(await ids(), [fine.id, failed.id]);
		assert.deepEqual(await ids({ status: 'completed' }), [fine.id]);
		assert.deepEqual(await ids({ status: 'failed' }), [failed.id]);
		assert.deepEqual(await ids({ status: 'running' }), []);
		assert.deepEqual(await ids({ templateId, limit: 1 }), [fine.id]);
		assert.deepEqual(await ids({ sortBy: 'createdAt', sortOrder: 'asc' }), [failed.id, fine.id]);
		const { jobs, total, nextCursor } = await bt.testing.list({ tag: 'listed', limit: 1 });

		assert.equal(total, 2);
		assert.deepEqual((await bt.testing.list({ tag: 'listed', limit: 1, cursor: nextCursor })).jobs.map(({ id }) => id),
			[failed.id], jobs[0].id);
	});
});

describe('several jobs', () => {
	test('chain: each takes over the address at which the one before it ended', async () => {
		site.visits.length = 0;
		const { id } = await proctor.chain([visit('/login'), { template: 'visit' }, { template: 'visit' }]);
		const job = await proctor.jobs.wait(id);

		assert.equal(job.status, 'completed');
		assert.deepEqual(site.visits, ['/login', '/account?user=ann', '/account?user=ann', '/account?user=ann']);
		assert.deepEqual((await stagesOf(id)).map(({ state }) => state), ['succeeded', 'succeeded', 'succeeded']);
	});

	test('chain: what fails ends it, and the rest is not run', async () => {
		const { id } = await proctor.chain([visit('/broken'), { template: 'visit' }]);
		const job = await proctor.jobs.wait(id);

		assert.equal(job.status, 'failed');
		assert.equal(job.reason, 'stage_failed');
		assert.deepEqual((await stagesOf(id)).map(({ state }) => state), ['failed', 'skipped']);
	});

	test('parallel: at most so many at a time, every result is kept', async () => {
		const { id } = await proctor.parallel([visit('/?1'), visit('/broken'), visit('/?3')],
			{ limit: 2, allowFailures: true });
		const job = await proctor.jobs.wait(id);

		assert.equal(job.status, 'completed');
		const stages = await stagesOf(id);

		assert.deepEqual(stages.map(({ state }) => state), ['succeeded', 'failed', 'succeeded']);
	});

	test('retry: again after a pause that grows, under one id', async () => {
		site.failures.set('/shaky', 2);
		site.visits.length = 0;
		const { id } = await proctor.retry(visit('/shaky'), { attempts: 3, delay: '10ms', factor: 2 });
		const job = await proctor.jobs.wait(id);

		assert.equal(job.status, 'completed');
		assert.deepEqual(site.visits, ['/shaky', '/shaky', '/shaky']);
		const [{ items: [item] }] = await stagesOf(id);

		assert.equal(item.attempt ?? item.attempts, 3);
	});

	test('retry: no more attempts than asked for', async () => {
		site.visits.length = 0;
		const { id } = await proctor.retry(visit('/broken'), { attempts: 2, delay: '10ms' });

		assert.equal((await proctor.jobs.wait(id)).status, 'failed');
		assert.deepEqual(site.visits, ['/broken', '/broken']);
	});

	test('two phases with a wait between them', async () => {
		const { id } = await proctor.twoPhase({
			prepare: visit('/login'), validate: visit('/account'), timeout: '1m',
			wait: { http: { request: `GET ${site.url}/?ready`, interval: { every: '100ms' } } },
		});

		assert.equal((await proctor.jobs.wait(id)).status, 'completed');
	});

	test('queue: two at once, the more important first', async () => {
		await proctor.queues.put('two', { concurrency: 2, paused: true });
		site.visits.length = site.most = 0;
		const jobs = await proctor.jobs.create([1, 2, 1, 3, 1].map((priority, i) =>
			visit(`/slow?${i}`, { queue: 'two', priority })));

		await proctor.queues.resume('two');
		await until('two are there', 20000, () => site.held.length === 2);
		assert.deepEqual([...site.visits].sort(), ['/slow?1', '/slow?3']);
		const { figures } = await proctor.queues.get('two');

		assert.equal(figures.running, 2);
		assert.equal(figures.ready, 3);
		for (let seen = 2; seen < 5;) {
			site.held.shift().end('late');
			seen++;
			await until('the next one came', 20000, () => site.visits.length === seen);
		}
		site.letGo();
		for (const { id } of jobs) assert.equal((await proctor.jobs.wait(id)).status, 'completed');
		assert.deepEqual(site.visits.slice(2), ['/slow?0', '/slow?2', '/slow?4']);
		assert.equal(site.most, 2);
	});

	test('schedule: the cron line means what it says, and fires', async () => {
		const { next } = await proctor.schedules.preview({ cron: '0 9 * * *', timezone: 'Europe/Berlin' });

		assert.equal(next.length, 10);
		for (const { local } of next) assert.match(local, /T09:00:00/);
		await proctor.schedules.create({ name: 'often', cron: '* * * * * *', start: visit('/?scheduled') });
		const job = await until('it fired', 20000, async () =>
			(await proctor.jobs.list({ schedule: 'often' })).items[0]);

		await proctor.schedules.delete('often');
		assert.equal((await proctor.jobs.wait(job.id)).status, 'completed');
	});
});

describe('looking at many jobs', () => {
	test('analytics of these jobs: queue and run apart, no division by zero', async () => {
		const nothing = await proctor.stats.analyze([]).catch((error) => error);
		const jobs = [];

		assert.ok(!/NaN|null/.test(JSON.stringify(nothing)));
		for (const path of ['/', '/login', '/broken']) jobs.push(await proctor.run(visit(path)));
		const figures = await proctor.stats.analyze(jobs.map(({ id }) => id));

		assert.equal(figures.n, 3);
		assert.ok(Math.abs(figures.successRate - 2 / 3) < 1e-3);
		assert.equal(figures.byStatus.failed, 1);
		assert.equal(figures.run.n, 3);
		assert.equal(figures.queue.n, 3);
		assert.ok(figures.run.p50Ms <= figures.run.p95Ms);
	});

	test('dashboard: summary, recent failures, what runs for long', async () => {
		const failed = await proctor.run(visit('/broken'));
		const slow = await proctor.jobs.create(visit('/slow?long'));

		/* The visit may be seen before the worker's word that the run has begun. */
		await until('it is there', 20000, async () =>
			site.held.length === 1 && (await proctor.jobs.get(slow.id)).status === 'running');
		const board = await proctor.stats.summary({ threshold: '1ms' });

		assert.equal(board.recentFailures[0].id ?? board.recentFailures[0].job, failed.id);
		assert.ok(board.now.running >= 1);
		assert.ok(board.jobs.successRate > 0 && board.jobs.successRate < 1);
		assert.ok(board.longRunning.some(({ id, job }) => (id ?? job) === slow.id));
		const { items } = await proctor.stats.longRunning({ threshold: '1ms' });

		assert.deepEqual(items.map(({ id, job }) => id ?? job), [slow.id]);
		assert.deepEqual((await proctor.stats.longRunning({ threshold: '1h' })).items, []);
		site.letGo();
		await proctor.jobs.wait(slow.id);
	});
});

describe('recovery and clean-up', () => {
	test('a deadline of the job itself ends it, whoever waits', async () => {
		const job = await proctor.run(visit('/slow?deadline', { timeout: '1s' }));

		assert.equal(job.status, 'failed');
		assert.equal(job.reason, 'timeout');
		await until('nobody visits any more', 20000, () => site.now === 0);
	});

	test('a wait that is over cancels the job, and says which it was', async () => {
		const waits = proctor.run(visit('/slow?patience'), { maxWait: 300, cancel: true });
		const error = await waits.then(() => assert.fail('it ended'), (reason) => reason);

		assert.equal(error.name, 'TimeoutError');
		const { job } = await until('it ended', 20000, async () => {
			const found = await bt.testing.getStatus(error.jobId);

			return found.job.status === 'failed' && found;
		});

		assert.equal(job.error, 'Job cancelled');
		assert.equal(job.state, 'stopped');
	});

	test('execute: its timeout is the job\'s own, and the error says which job it was', async () => {
		const runs = bt.testing.execute({ tests: [{ kind: 'command', argv: ['sleep', '60'] }], config: { timeout: 500 } });
		const error = await runs.then(() => assert.fail('it ended'), (reason) => reason);

		assert.equal(error.name, 'BrowserTestTimeoutError');
		assert.equal((await bt.testing.getStatus(error.jobId)).job.error, 'Job timed out');
	});

	test('cancel', async () => {
		const { jobId } = await bt.template.invoke(templateId, { url: `${site.url}/slow?cancel` });

		await bt.testing.cancel(jobId);
		const { status } = await proctor.jobs.wait(jobId);

		assert.equal(status, 'stopped');
	});

	test('clean-up: the number first, then all at once', async () => {
		for (const path of ['/', '/broken']) await proctor.run(visit(path, { tags: ['old'] }));
		const filter = { tag: ['old'], status: ['completed', 'failed'] };

		assert.equal((await proctor.jobs.action('delete', filter, { dryRun: true })).count, 2);
		assert.equal((await bt.testing.list({ tag: 'old' })).total, 2);
		assert.equal((await proctor.jobs.action('delete', filter, { expect: 2 })).done, 2);
		assert.equal((await bt.testing.list({ tag: 'old' })).total, 0);
	});
});

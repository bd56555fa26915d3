// SPDX-License-Identifier: Apache-2.0
/*
 * Jobs with browsers, fixtures and hooks as answers and reports show them; a worker that does as it
 * is told stands for the browsers (docs/protocol/browser-jobs.md).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server;

after(() => server?.close());
before(async () => {
	server = await Server.start();
});

/* A worker that no other test's jobs reach, and a job for it. */
async function begin(members, { capacity = 4 } = {}) {
	const labels = { alone: uuid7() };
	const worker = new Worker(server, { labels, capacity });
	const job = await server.post('/jobs', { labels, ...members });

	return { worker, job };
}

const named = (...names) => names.map((name) => commandTest({ name }));
const events = async (job, type) => (await server.get(
	`/jobs/${job.id}/events?format=json&limit=1000${type ? `&type=${type}` : ''}`)).items;
const runsOf = (job) => server.all(`/jobs/${job.id}/runs?`);

/* Takes exactly so many leases, by the name of their test. */
async function take(worker, n) {
	const leases = new Map();

	while (leases.size < n)
		for (const lease of (await worker.poll({ waitMs: 5000 })).leases)
			leases.set(lease.test.name, lease);
	return leases;
}

describe('the order of release', () => {
	test('S06: what ends early is visible at once and announced in its turn', async () => {
		const { worker, job } = await begin({ concurrency: 2, fixtures: [
			{ name: 'A', tests: named('slow') }, { name: 'B', tests: named('quick') }] });
		const leases = await take(worker, 2);

		await worker.finish(leases.get('quick'), 'passed');
		const early = (await runsOf(job)).find((r) => r.test === 'quick');

		assert.deepEqual([early.status, early.outcome, early.released, early.startOrder, early.fixture],
			['finished', 'passed', false, 2, 'B']);
		assert.equal((await server.get(`/jobs/${job.id}`)).counts.passed, 0);
		assert.deepEqual((await server.all(`/jobs/${job.id}/runs?status=finished`)).map((r) => r.test), ['quick']);
		await worker.finish(leases.get('slow'), 'failed');
		const end = await server.get(`/jobs/${job.id}?wait=30s`);

		assert.equal(end.counts.passed + end.counts.failed, 2);
		assert.ok((await runsOf(job)).every((r) => r.released === true));
		assert.deepEqual((await events(job, 'run.released')).map((e) => [e.data.testIndex, e.data.outcome]),
			[[0, 'failed'], [1, 'passed']]);
	});

	test('held is no word of the filter', async () => {
		const { job } = await begin({ tests: named('x') });
		const got = await server.request('GET', `/jobs/${job.id}/runs?status=held`);

		assert.equal(got.status, 400);
	});
});

describe('what a job shows', () => {
	test('browsers as given, groups, fixtures, hooks', async () => {
		const browsers = ['chromium', 'chromium', { browser: 'chromium', name: 'phone', config: { mobile: true } }];
		const { job } = await begin({ browsers, startTimeout: '5s', hookTimeout: '7s',
			quarantine: { successThreshold: 1 }, stopOnFirstFailure: 'cancel',
			tests: named('home'), hooks: { after: commandTest() },
			fixtures: [{ name: 'F', disableConcurrency: 'isolated', before: commandTest(),
				tests: [commandTest({ name: 'a', skip: true }), commandTest({ name: 'b' })] }] });
		const got = await server.get(`/jobs/${job.id}`);

		assert.deepEqual(got.browsers, browsers);
		assert.deepEqual(got.groups, ['chromium', 'chromium#2', 'phone']);
		assert.deepEqual(got.fixtures, [
			{ name: '', first: 0, testCount: 1, skippedCount: 0, mode: 'shared' },
			{ name: 'F', first: 1, testCount: 2, skippedCount: 1, mode: 'isolated' }]);
		assert.deepEqual(got.hooks.map((h) => h.name), ['before of fixture F', 'after of the job']);
		assert.deepEqual(got.tests.map((t) => t.name), ['home', 'a', 'b']);
		assert.deepEqual(got.quarantine, { attemptLimit: 5, successThreshold: 1 });
		assert.equal(got.stopOnFirstFailure, 'cancel');
		assert.equal(got.startTimeoutMs, 5000);
		assert.equal(got.hookTimeoutMs, 7000);
		const listed = (await server.get('/jobs?limit=1')).items[0];

		assert.deepEqual(listed.browsers, got.groups); // a list does without what was given
	});

	test('a dry run shows the same, and no skipped test among the first', async () => {
		const { json } = await server.request('POST', '/jobs?dryRun=true', { browsers: ['a', 'b'],
			hooks: { before: commandTest() }, fixtures: [{ name: 'F',
				tests: [commandTest({ name: 'left', skip: true }), commandTest({ name: 'goes' })] }] });
		const [plan] = json.jobs;

		assert.equal(plan.skippedCount, 1);
		assert.equal(plan.hookCount, 1);
		assert.deepEqual(plan.groups, ['a', 'b']);
		assert.deepEqual(plan.firstRuns.map((r) => [r.test, r.target]), [['goes', 'a'], ['goes', 'b']]);
	});

	test('a template has fixtures, its job may replace them', async () => {
		await server.post('/templates', { name: 'groups', params: { n: { type: 'integer', default: 3 } },
			quarantine: { attemptLimit: '${{ params.n }}', successThreshold: 1 },
			fixtures: [{ name: 'F', tests: named('a') }] });
		const { json } = await server.request('POST', '/templates/groups/invoke?dryRun=true', { params: { n: 4 } });

		assert.deepEqual(json.jobs[0].fixtures.map((f) => f.name), ['F']);
		const bad = await server.request('POST', '/templates/groups/invoke', { params: { n: 1 } });

		assert.deepEqual(bad.json.errors.map((e) => e.pointer), ['/quarantine/attemptLimit']);
	});
});

describe('hooks', () => {
	test('S49: they are runs with a role, counted nowhere', async () => {
		const { worker, job } = await begin({ fixtures: [{ name: 'F', before: commandTest(),
			after: commandTest(), tests: named('a', 'b') }] }, { capacity: 1 });
		const end = await worker.finishJob(job.id);
		const runs = await runsOf(job);

		assert.equal(end.status, 'completed');
		assert.equal(end.counts.passed, 2);
		assert.deepEqual(runs.map((r) => [r.test, r.role]), [['before of fixture F', 'before_fixture'],
			['a', undefined], ['b', undefined], ['after of fixture F', 'after_fixture']]);
		assert.ok(runs.filter((r) => r.role).every((r) => r.startOrder === undefined && r.released === undefined));
		const report = await server.get(`/jobs/${job.id}/report?format=json`);

		assert.deepEqual(report.tests.map((t) => [t.name, t.fixture]), [['a', 'F'], ['b', 'F']]);
		assert.deepEqual(report.hooks.map((h) => h.name), ['before of fixture F', 'after of fixture F']);
		assert.equal(report.results.passed, 2);
	});

	test('D19: a failing before fails its tests without attempts, and after still runs', async () => {
		const { worker, job } = await begin({ quarantine: true, fixtures: [{ name: 'F', before: commandTest(),
			after: commandTest(), tests: named('a', 'b') }] }, { capacity: 1 });
		const [before] = (await take(worker, 1)).values();

		await worker.finish(before, 'failed', { error: { message: 'no shop' } });
		const end = await worker.finishJob(job.id);
		const runs = await runsOf(job);

		assert.equal(end.counts.failed, 2);
		assert.deepEqual(runs.map((r) => [r.test, r.outcome, r.attempt]), [['before of fixture F', 'failed', 1],
			['a', 'failed', 1], ['b', 'failed', 1], ['after of fixture F', 'passed', 1]]);
		assert.match(runs[1].error.message, /no shop/);
	});
});

describe('attempts', () => {
	/* Rows of the table of rules, one test each: the sequence decides attempts and verdict. */
	const rows = [
		[5, 3, 'P', 'passed', false], [5, 3, 'FFF', 'failed', false], [5, 3, 'FPPP', 'passed', true],
		[5, 3, 'FPFF', 'failed', true], [5, 3, 'FPFPP', 'passed', true], [5, 3, 'FPFPF', 'failed', true],
		[5, 2, 'FFPP', 'passed', true], [3, 1, 'FP', 'passed', true], [3, 1, 'FFP', 'passed', true],
		[3, 1, 'FFF', 'failed', false], [2, 1, 'FP', 'passed', true], [2, 1, 'FF', 'failed', false],
		[4, 3, 'FF', 'failed', false], [10, 3, 'FFFFFFFF', 'failed', false],
		[10, 9, 'FPPPPPPPPP', 'passed', true],
	];

	for (const [attemptLimit, successThreshold, sequence, verdict, unstable] of rows)
		test(`2.2: ${attemptLimit}/${successThreshold} ${sequence} is ${verdict}`, async () => {
			const { worker, job } = await begin({ browsers: ['a'], tests: named('t'),
				quarantine: { attemptLimit, successThreshold } }, { capacity: 1 });

			for (const [i, letter] of [...sequence].entries()) {
				const [lease] = (await take(worker, 1)).values();

				await worker.finish(lease, letter === 'P' ? 'passed' : 'failed',
					letter === 'P' ? {} : { error: { message: `error ${i + 1}` } });
			}
			const end = await server.get(`/jobs/${job.id}?wait=30s`);
			const runs = await runsOf(job);
			const last = runs.at(-1);

			assert.equal(runs.length, sequence.length);
			assert.deepEqual([last.outcome, last.last, last.unstable ?? false], [verdict, true, unstable]);
			assert.equal(end.counts.passed + end.counts.failed, 1);
			const [{ units: [unit] }] = (await server.get(`/jobs/${job.id}/report?format=json`)).tests;

			assert.deepEqual(unit.runs.map((r) => r.error?.message ?? 'P'),
				[...sequence].map((letter, i) => (letter === 'P' ? 'P' : `error ${i + 1}`)));
			assert.equal(unit.unstable ?? false, unstable);
			const junit = (await server.request('GET', `/jobs/${job.id}/report?format=junit`)).text;

			assert.match(junit, /<testcase name="t" classname="command"/); // its name never changes
			assert.equal(junit.includes('name="unstable" value="true"'), unstable);
		});
});

describe('what does not run', () => {
	test('D15: a skipped test reaches no connection, is reported and not counted as passed', async () => {
		const { worker, job } = await begin({ browsers: ['a'], tests: [commandTest({ name: 'left', skip: true }),
			commandTest({ name: 'goes' })] }, { capacity: 1 });
		const [lease] = (await take(worker, 1)).values();

		assert.equal(lease.test.name, 'goes');
		await worker.finish(lease);
		const end = await server.get(`/jobs/${job.id}?wait=30s`);

		assert.deepEqual([end.status, end.counts.passed, end.counts.skipped], ['completed', 1, 1]);
		assert.equal((await runsOf(job)).find((r) => r.test === 'left').outcome, 'skipped');
		assert.deepEqual((await events(job, 'run.released')).map((e) => e.data.outcome), ['skipped', 'passed']);
		const junit = (await server.request('GET', `/jobs/${job.id}/report?format=junit`)).text;

		assert.match(junit, /<testcase name="left"[^>]*><skipped\/>/);
	});

	test('D08, S58: after the first failure the rest is reported as not run', async () => {
		const { worker, job } = await begin({ browsers: ['a'], stopOnFirstFailure: true,
			tests: named('one', 'two', 'three') }, { capacity: 1 });

		for (const outcome of ['passed', 'failed']) {
			const [lease] = (await take(worker, 1)).values();

			await worker.finish(lease, outcome);
		}
		const end = await server.get(`/jobs/${job.id}?wait=30s`);

		assert.deepEqual([end.status, end.counts.passed, end.counts.failed, end.counts.skipped],
			['failed', 1, 1, 1]);
		const report = await server.get(`/jobs/${job.id}/report?format=json`);

		assert.deepEqual(report.tests.map((t) => t.notRun ?? 0), [0, 0, 1]);
		for (const format of ['html', 'junit'])
			assert.match((await server.request('GET', `/jobs/${job.id}/report?format=${format}`)).text,
				/not run: stopped after the first failure/);
	});

	test('a failure in quarantine is a skipped testcase with its error beside it', async () => {
		const { json: entry } = await server.request('POST', '/quarantine',
			{ test: 'flaps', owner: 'ann', reason: ']]> & <b>' });
		const { worker, job } = await begin({ browsers: ['a'], tests: named('flaps', 'two') }, { capacity: 1 });
		const [lease] = (await take(worker, 1)).values();

		await worker.finish(lease, 'failed', { error: { message: 'ends with ]]> & <b>' } });
		const end = await worker.finishJob(job.id);

		assert.deepEqual([end.status, end.counts.passed, end.counts.quarantined], ['completed', 1, 1]);
		const junit = (await server.request('GET', `/jobs/${job.id}/report?format=junit`)).text;

		assert.match(junit, /<testcase name="flaps"[^>]*><skipped\/>/);
		assert.match(junit, /failures="0" errors="0" skipped="1"/);
		assert.match(junit, /<property name="quarantined" value="true"\/>/);
		assert.match(junit, /<system-out>attempt 1: failed: ends with \]\]&gt; &amp; &lt;b&gt;/);
		const { tests: [flaps] } = await server.get(`/jobs/${job.id}/report?format=json`);

		assert.equal(flaps.units[0].quarantined, true);
		assert.equal(flaps.counts.quarantined, 1);
		assert.match((await server.request('GET', `/jobs/${job.id}/report?format=html`)).text, /in quarantine/);
		await server.request('DELETE', `/quarantine/${entry.id}`);
	});
});

// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of quarantine with real browsers: a page that fails on the visits that the row says
 * (P: passes, F: fails). One job for each pair of limits; its tests are the rows.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bench, goes } from './browser_jobs.mjs';
import { findChromium } from './browsers.mjs';

const skip = findChromium() ? false : 'no Chromium';

/* attemptLimit, successThreshold, what the attempts come to, verdict, unstable? */
const rows = [
	[5, 3, 'P', 'passed', false],
	[5, 3, 'FFF', 'failed', false],
	[5, 3, 'FPPP', 'passed', true, 'S21'],
	[5, 3, 'FPFF', 'failed', true, 'S22'],
	[5, 3, 'FPFPP', 'passed', true],
	[5, 3, 'FPFPF', 'failed', true],
	[5, 2, 'FFPP', 'passed', true, 'S19'],
	[3, 1, 'FP', 'passed', true],
	[3, 1, 'FFP', 'passed', true],
	[3, 1, 'FFF', 'failed', false],
	[2, 1, 'FP', 'passed', true],
	[2, 1, 'FF', 'failed', false],
	[4, 3, 'FF', 'failed', false],
	[10, 3, 'FFFFFFFF', 'failed', false, 'S18'],
	[10, 9, 'FPPPPPPPPP', 'passed', true],
];

test('the table of quarantine', { timeout: 300000, skip }, async (t) => {
	const bench = await Bench.start(t, 2);
	const { site } = bench;
	const jobs = new Map();

	for (const [attemptLimit, successThreshold, letters] of rows) {
		const key = `${attemptLimit}/${successThreshold}`;
		const path = `/${key}/${letters}`;

		if (!jobs.has(key)) jobs.set(key, { quarantine: { attemptLimit, successThreshold }, tests: [] });
		jobs.get(key).tests.push(goes(path));
		/* A visit too many would be seen: it comes to something else. */
		site.plan(path, letters + (letters.endsWith('P') ? 'F' : 'P'));
	}
	/* The first of two attempts of a row must not be in the way of another row: two connections. */
	const done = await Promise.all([...jobs].map(async ([key, body]) => [key,
		await (await bench.submit({ ...body, concurrency: 2 })).end()]));
	const results = new Map(done);

	for (const [limit, threshold, letters, verdict, isUnstable, number] of rows) {
		const name = `${limit} / ${threshold} ${letters}: ${verdict}${isUnstable ? ', unstable' : ''}`;

		await t.test(`${number ? `${number} ` : ''}§2.2 ${name}`, () => {
			const job = results.get(`${limit}/${threshold}`);
			const path = `/${limit}/${threshold}/${letters}`;
			const attempts = job.attempts(path);
			const release = job.release(path);

			assert.equal(attempts.map(({ outcome }) => outcome === 'passed' ? 'P' : 'F').join(''), letters);
			assert.deepEqual(attempts.map(({ attempt }) => attempt), [...letters].map((_, i) => i + 1));
			assert.equal(site.seen(path).length, letters.length);
			assert.deepEqual([release.outcome, release.attempts, release.unstable ?? false],
				[verdict, letters.length, isUnstable]);
			/* Every attempt but the last was told as one that is repeated. */
			const ends = job.of('run.finished').filter(({ run }) => attempts.some(({ id }) => id === run));

			assert.deepEqual(ends.map(({ data }) => data.willRetry ?? false),
				[...letters].map((_, i) => i < letters.length - 1));
		});
	}

	await bench.scene(t, 'S23 the report lists every attempt of a unit with its own error', async () => {
		const job = results.get('5/3');
		const report = await bench.api.get(`/jobs/${job.id}/report?format=json`);
		const { units } = report.tests.find(({ name }) => name === '/5/3/FPFF');

		assert.deepEqual(units[0].runs.map(({ attempt, outcome, error }) => [attempt, outcome, Boolean(error)]),
			[[1, 'failed', true], [2, 'passed', false], [3, 'failed', true], [4, 'failed', true]]);
		assert.equal(job.final.counts.flaky, 2);
	});
});

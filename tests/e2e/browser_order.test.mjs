// SPDX-License-Identifier: Apache-2.0
/*
 * Scenarios of docs/internals/testcafe-scenarios.md with real browsers: concurrency, order, groups,
 * fixtures that want no company. The numbers are those of that document.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bench, goes } from './browser_jobs.mjs';
import { findChromium } from './browsers.mjs';
import { Worker } from './helper.mjs';

const skip = findChromium() ? false : 'no Chromium';
let bench, site;

test('order and company', { timeout: 300000, skip }, async (t) => {
	bench = await Bench.start(t);
	({ site } = bench);

	await bench.scene(t, 'S01 one connection: the long test starts and ends before the short one starts', async () => {
		site.hold('/s01/long');
		const job = await bench.submit({ concurrency: 1, tests: [goes('/s01/long'), goes('/s01/short')] });

		await site.arrived('/s01/long');
		assert.equal(site.seen('/s01/short').length, 0);
		site.release('/s01/long');
		await job.end();
		assert.deepEqual(job.counts, { passed: 2, failed: 0, errored: 0, skipped: 0 });
		assert.ok(job.isBefore('end /s01/long', 'lease /s01/short'), job.timeline.join());
	});

	await bench.scene(t, 'S02 two connections: both start before either ends, the short one ends first, releases keep the order', async () => {
		for (const page of ['/s02/long', '/s02/short']) site.hold(page);
		const job = await bench.submit({ concurrency: 2, tests: [goes('/s02/long'), goes('/s02/short')] });

		for (const page of ['/s02/long', '/s02/short']) await site.arrived(page);
		site.release('/s02/short');
		await job.until('the short one has ended', () => job.of('run.finished').length === 1
			&& job.run('/s02/short').status === 'finished');
		/* What it came to is there at once, although it is not announced yet. */
		assert.deepEqual([job.run('/s02/short').status, job.run('/s02/short').outcome,
			job.run('/s02/short').released], ['finished', 'passed', false]);
		assert.equal(job.of('run.released').length, 0);
		site.release('/s02/long');
		await job.end();
		assert.ok(job.isBefore('start /s02/long', 'end /s02/short'));
		assert.ok(job.isBefore('end /s02/short', 'end /s02/long'));
		assert.deepEqual(job.released(), ['/s02/long', '/s02/short']);
		assert.equal(new Set(site.browsersOf('/s02/long', '/s02/short')).size, 2, 'two browsers');
	});

	await bench.scene(t, 'S05 each of two groups with two connections shows the picture of S02 by itself', async () => {
		site.hold('/s05/long');
		const job = await bench.submit({ browsers: ['chromium', { browser: 'chromium', name: 'other' }],
			concurrency: 2, tests: [goes('/s05/long'), goes('/s05/short')] });

		await site.arrived('/s05/long', 2);
		await job.until('both short ones have ended', () => job.of('run.finished').length === 2);
		assert.equal(job.of('run.released').length, 0);
		site.release('/s05/long');
		await job.end();
		for (const group of ['chromium', 'other'])
			assert.deepEqual(job.released(group), ['/s05/long', '/s05/short']);
		assert.deepEqual(job.counts, { passed: 4, failed: 0, errored: 0, skipped: 0 });
	});

	await bench.scene(t, 'S06 two fixtures, the first is slow: the report is in their order', async () => {
		site.hold('/s06/a');
		const job = await bench.submit({ concurrency: 2, fixtures: [
			{ name: 'A', tests: [goes('/s06/a')] }, { name: 'B', tests: [goes('/s06/b')] },
		] });

		await job.until('B has ended', () => job.of('run.finished').length === 1);
		site.release('/s06/a');
		await job.end();
		assert.deepEqual(job.released(), ['/s06/a', '/s06/b']);
		const report = await bench.api.get(`/jobs/${job.id}/report?format=json`);

		assert.deepEqual(report.tests.map(({ fixture, name }) => [fixture, name]),
			[['A', '/s06/a'], ['B', '/s06/b']]);
	});

	await bench.scene(t, 'S14 normal, alone, normal on three connections: the middle one has one browser, the others all three', async () => {
		const paths = (fixture) => [1, 2, 3].map((n) => `/s14/${fixture}${n}`);

		/* A page of the first fixture is answered when three are asked for; so in the third. */
		site.meet(3, ...paths('a'));
		site.meet(3, ...paths('c'));
		const job = await bench.run({ concurrency: 3, fixtures: [
			{ name: 'a', tests: paths('a').map((path) => goes(path)) },
			{ name: 'b', disableConcurrency: true, tests: paths('b').map((path) => goes(path)) },
			{ name: 'c', tests: paths('c').map((path) => goes(path)) },
		] });

		assert.deepEqual(job.counts, { passed: 9, failed: 0, errored: 0, skipped: 0 });
		assert.equal(site.browsersOf(...paths('a')).length, 3);
		assert.equal(site.browsersOf(...paths('b')).length, 1);
		assert.equal(site.browsersOf(...paths('c')).length, 3);
	});

	await bench.scene(t, 'S15 three fixtures without company on three connections: beside each other, each in one browser', async () => {
		const paths = (fixture) => [1, 2, 3, 4].map((n) => `/s15/${fixture}${n}`);

		site.meet(3, '/s15/a1', '/s15/b1', '/s15/c1');
		const job = await bench.run({ concurrency: 3, fixtures: ['a', 'b', 'c'].map((name) => ({
			name, disableConcurrency: true, tests: paths(name).map((path) => goes(path)),
		})) });

		assert.deepEqual(job.counts, { passed: 12, failed: 0, errored: 0, skipped: 0 });
		for (const name of ['a', 'b', 'c']) {
			assert.equal(site.browsersOf(...paths(name)).length, 1, name);
			assert.deepEqual(site.paths.filter((path) => path.startsWith(`/s15/${name}`)), paths(name));
		}
		assert.equal(site.browsersOf('/s15/a1', '/s15/b1', '/s15/c1').length, 3);
	});

	await bench.scene(t, 'S17 a fixture without company keeps its browser when its first test is repeated', async () => {
		site.plan('/s17/a', 'FP');
		const job = await bench.run({ concurrency: 2, quarantine: { attemptLimit: 3, successThreshold: 1 },
			fixtures: [{ name: 'f', disableConcurrency: true, tests: [goes('/s17/a'), goes('/s17/b')] }] });

		assert.deepEqual(site.paths.filter((path) => path.startsWith('/s17/')), ['/s17/a', '/s17/a', '/s17/b']);
		assert.equal(site.browsersOf('/s17/a', '/s17/b').length, 1);
		assert.equal(job.release('/s17/a').unstable, true);
	});

	await bench.scene(t, 'D01 two workers that ask at once get different tests: each page is visited once', async (t) => {
		const paths = Array.from({ length: 16 }, (_, n) => `/d01/${n}`);

		Worker.start(t, bench.server, { capacity: 2, args: ['--kind', 'browser'] });
		const job = await bench.run({ concurrency: 4, tests: paths.map((path) => goes(path)) });

		assert.equal(job.counts.passed, 16);
		assert.deepEqual(site.paths.filter((path) => path.startsWith('/d01/')).sort(), paths.sort());
		assert.equal(new Set(job.runs.map((run) => run.worker)).size, 2);
	});

	await bench.scene(t, 'D02 the same when the last test is repeated', async () => {
		site.plan('/d02/b', 'FP');
		const job = await bench.run({ concurrency: 2, quarantine: { attemptLimit: 3, successThreshold: 1 }, fixtures: [
			{ name: 'f', disableConcurrency: true, tests: [goes('/d02/a'), goes('/d02/b')] },
			{ name: 'g', tests: [goes('/d02/c'), goes('/d02/d')] },
		] });

		assert.deepEqual(site.paths.filter((path) => /^\/d02\/[ab]/.test(path)), ['/d02/a', '/d02/b', '/d02/b']);
		assert.equal(site.browsersOf('/d02/a', '/d02/b').length, 1);
		assert.equal(job.release('/d02/b').unstable, true);
	});

	await bench.scene(t, 'D13 what is repeated stands at the front, and its result keeps its place', async () => {
		site.plan('/d13/a', 'FP');
		site.hold('/d13/b');
		const job = await bench.submit({ concurrency: 2, quarantine: { attemptLimit: 3, successThreshold: 1 },
			tests: ['a', 'b', 'c', 'd'].map((name) => goes(`/d13/${name}`)) });

		await site.arrived('/d13/a', 2);
		assert.equal(site.seen('/d13/c').length, 0, 'the second attempt came before the next test');
		site.release('/d13/b');
		await job.end();
		assert.deepEqual(job.released(), ['/d13/a', '/d13/b', '/d13/c', '/d13/d']);
	});

	await bench.scene(t, 'D14 a slow group does not hold back another', async () => {
		site.hold('/d14/a/slow');
		const job = await bench.submit({ browsers: ['slow', 'fast'].map((name) => ({ browser: 'chromium', name })),
			concurrency: 1, tests: [goes('/d14/a/{{run.browser}}'), goes('/d14/b/{{run.browser}}')] });

		await site.arrived('/d14/a/slow');
		await job.until('the fast one is through', () => job.released('fast').length === 2);
		assert.deepEqual(job.released('slow'), []);
		site.release('/d14/a/slow');
		await job.end();
		assert.deepEqual(job.released('slow'), job.released('fast'));
		assert.deepEqual(job.counts, { passed: 4, failed: 0, errored: 0, skipped: 0 });
	});
});

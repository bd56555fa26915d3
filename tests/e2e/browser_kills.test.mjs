// SPDX-License-Identifier: Apache-2.0
/*
 * Scenarios with real browsers that are killed: the browser which asked for a page is the one that
 * dies, so each death is in the middle of a step.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bench, goes } from './browser_jobs.mjs';
import { findChromium } from './browsers.mjs';

const skip = findChromium() ? false : 'no Chromium';
let bench, site;

/* Waits for visit n of a page that is held, and kills the browser that it came from. */
async function killVisitor(path, n = 1) {
	await site.arrived(path, n);
	const { browser } = site.seen(path)[n - 1];

	assert.ok(browser > 0, 'the visit is a known browser\'s');
	process.kill(browser, 'SIGKILL');
}

test('killed browsers', { timeout: 240000, skip }, async (t) => {
	bench = await Bench.start(t, 2);
	({ site } = bench);

	await bench.scene(t, 'D10 a browser of two dies: its run goes back to the front, the other one goes on with the list', async () => {
		site.hold('/d10/a#1');
		const job = await bench.submit({ concurrency: 2, tests: ['a', 'b', 'c', 'd', 'e'].map((name) => goes(`/d10/${name}`)) });

		await job.until('the others go on meanwhile', () => job.of('run.finished').length >= 1);
		await killVisitor('/d10/a');
		await job.end();
		assert.deepEqual(job.counts, { passed: 5, failed: 0, errored: 0, skipped: 0 });
		assert.deepEqual(job.of('run.restarted').map(({ data }) => data.reason), ['browser_disconnected']);
		assert.deepEqual(job.released(), ['a', 'b', 'c', 'd', 'e'].map((name) => `/d10/${name}`));
		assert.equal(job.run('/d10/a').attempt, 1);
		assert.equal(job.runs.length, 5);
	});

	await bench.scene(t, 'S33 D11 the third loss of one test makes it errored; the others go on', async () => {
		site.hold('/s33/a');
		const job = await bench.submit({ concurrency: 2, tests: ['a', 'b', 'c', 'd'].map((name) => goes(`/s33/${name}`)) });

		for (const n of [1, 2, 3]) await killVisitor('/s33/a', n);
		await job.end();
		assert.deepEqual(job.counts, { passed: 3, failed: 0, errored: 1, skipped: 0 });
		assert.deepEqual([job.run('/s33/a').outcome, job.run('/s33/a').reason], ['errored', 'browser_disconnected']);
		assert.equal(job.of('run.restarted').length, 2);
		assert.equal(site.seen('/s33/a').length, 3);
		assert.equal(new Set(site.seen('/s33/a').map(({ browser }) => browser)).size, 3, 'a new browser each time');
		assert.equal(job.events.filter(({ type }) => type === 'job.failed').length, 1, 'and the job ends in order');
	});

	await bench.scene(t, 'D12 a browser that dies in attempt 2 of a quarantine: attempt 2 begins again and is not counted', async () => {
		/* Fails, is lost, passes. */
		site.plan('/d12/a', 'FPP');
		site.hold('/d12/a#2');
		const job = await bench.submit({ concurrency: 1, quarantine: { attemptLimit: 2, successThreshold: 1 }, tests: [goes('/d12/a')] });

		await killVisitor('/d12/a', 2);
		await job.end();
		assert.deepEqual(job.attempts('/d12/a').map(({ attempt, outcome, losses }) => [attempt, outcome, losses]),
			[[1, 'failed', 0], [2, 'passed', 1]]);
		assert.deepEqual([job.release('/d12/a').attempts, job.release('/d12/a').unstable], [2, true]);
	});

	await bench.scene(t, 'D02 D12 a fixture without company whose browser dies goes on in the same connection', async () => {
		site.hold('/d0212/b#1');
		const job = await bench.submit({ concurrency: 2, fixtures: [
			{ name: 'f', disableConcurrency: true, tests: ['a', 'b', 'c'].map((name) => goes(`/d0212/${name}`)) },
		] });

		await killVisitor('/d0212/b');
		await job.end();
		assert.equal(job.counts.passed, 3);
		assert.deepEqual(site.paths.filter((path) => path.startsWith('/d0212/')).map((path) => path.at(-1)), ['a', 'b', 'b', 'c']);
		assert.equal(new Set(job.runs.map(({ connection }) => connection)).size, 1);
	});

	await bench.scene(t, 'S49 D10 a hook whose browser dies is carried out again, and its tests wait for it', async () => {
		site.hold('/hook/before#1');
		const job = await bench.submit({ concurrency: 2, fixtures: [{ name: 'f', before: goes('/hook/before').steps,
			tests: [goes('/hook/a'), goes('/hook/b')] }] });

		await killVisitor('/hook/before');
		await job.end();
		assert.equal(job.counts.passed, 2);
		assert.deepEqual(site.paths.filter((path) => path.startsWith('/hook/')).slice(0, 2), ['/hook/before', '/hook/before']);
		assert.equal(job.hook('before_fixture').length, 1);
	});
});

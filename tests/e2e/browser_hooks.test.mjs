// SPDX-License-Identifier: Apache-2.0
/* Scenarios with real browsers: hooks, what they hold back and what they spoil, and stopping. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bench, goes } from './browser_jobs.mjs';
import { visit } from './browser_site.mjs';
import { findChromium } from './browsers.mjs';

const skip = findChromium() ? false : 'no Chromium';
const bad = /to be “good”; it is “bad”/g;
let bench, site;

/* Visits below a path, without it, in the order of their coming. */
const below = (path) => site.paths.filter((one) => one.startsWith(`${path}/`))
	.map((one) => one.slice(path.length + 1));

test('hooks and stopping', { timeout: 300000, skip }, async (t) => {
	bench = await Bench.start(t, 2);
	({ site } = bench);

	await bench.scene(t, 'S49 hooks of fixtures run once, after the last test, and not at all where all is skipped', async () => {
		site.hold('/s49/a');
		const job = await bench.submit({ concurrency: 2, fixtures: [
			{ name: 'first', before: visit('/s49/before1'), after: visit('/s49/after1'), tests: [goes('/s49/a'), goes('/s49/b')] },
			{ name: 'second', before: visit('/s49/before2'), tests: [goes('/s49/c')] },
			{ name: 'third', before: visit('/s49/before3'), after: visit('/s49/after3'),
				tests: [goes('/s49/d', { skip: true })] },
		] });

		await job.until('all but one have ended', () => job.run('/s49/b')?.outcome && job.run('/s49/c')?.outcome);
		assert.ok(!below('/s49').includes('after1'));
		site.release('/s49/a');
		await job.end();
		assert.deepEqual(below('/s49').sort(), ['a', 'after1', 'b', 'before1', 'before2', 'c']);
		assert.equal(below('/s49').at(-1), 'after1');
		assert.deepEqual(job.counts, { passed: 3, failed: 0, errored: 0, skipped: 1 });
	});

	await bench.scene(t, 'S50 failures of tests and of after hooks are told test by test, in order', async () => {
		for (const path of ['1', 'after1', '2', 'after2', '3']) site.plan(`/s50/${path}`, 'F');
		const job = await bench.run({ concurrency: 2, fixtures: [1, 2, 3].map((n) => ({ name: `f${n}`,
			...n < 3 ? { after: visit(`/s50/after${n}`) } : {}, tests: [goes(`/s50/${n}`)] })) });

		assert.deepEqual(job.released(), ['/s50/1', '/s50/2', '/s50/3']);
		const errors = [1, 2, 3].map((n) => job.run(`/s50/${n}`).error.message);

		assert.deepEqual(errors.map((message) => message.match(bad).length), [2, 2, 1]);
		assert.match(errors[0], /^expected [^]*\nThe after hook of fixture "f1" failed: expected /);
		assert.match(errors[1], /^expected [^]*\nThe after hook of fixture "f2" failed: expected /);
		/* What is announced says the same as what is stored. */
		assert.equal(job.release('/s50/1').error.message, errors[0]);
	});

	await bench.scene(t, 'S51 D19 a failed before of a fixture fails its tests in every browser, without attempts; after still runs', async () => {
		site.plan('/s51/before', 'F');
		const job = await bench.run({ browsers: ['chromium', 'chromium'], concurrency: 1, quarantine: true, fixtures: [
			{ name: 'f', before: visit('/s51/before'), after: visit('/s51/after'),
				tests: ['a', 'b', 'c'].map((name) => goes(`/s51/${name}`)) },
		] });

		assert.deepEqual(job.counts, { passed: 0, failed: 6, errored: 0, skipped: 0 });
		assert.deepEqual(below('/s51').sort(), ['after', 'after', 'before', 'before']);
		for (const group of ['chromium', 'chromium#2']) {
			assert.deepEqual(job.released(group), ['/s51/a', '/s51/b', '/s51/c']);
			for (const name of job.released(group)) {
				assert.equal(job.release(name, group).attempts, 0);
				assert.equal(job.run(name, group).reason, 'before_hook');
				assert.match(job.run(name, group).error.message, /before hook of fixture "f" failed: expected/);
			}
		}
	});

	await bench.scene(t, 'S53 a failed beforeEach: no body, no afterEach; a failed body: afterEach runs, both errors in order', async () => {
		site.plan('/s53/each1', 'F');
		for (const path of ['b', 'after2']) site.plan(`/s53/${path}`, 'F');
		const job = await bench.run({ concurrency: 1, fixtures: [
			{ name: 'f1', beforeEach: visit('/s53/each1'), afterEach: visit('/s53/after1'), tests: [goes('/s53/a')] },
			{ name: 'f2', beforeEach: visit('/s53/each2'), afterEach: [
				{ open: '/s53/after2' }, { expect: { text: { css: 'h1' }, is: 'another' } },
			], tests: [goes('/s53/b')] },
		] });

		assert.deepEqual(below('/s53'), ['each1', 'each2', 'b', 'after2']);
		assert.equal(job.run('/s53/a').reason, 'hook');
		assert.match(job.run('/s53/a').error.message, /^in beforeEach of fixture f1: expected .* it is “bad”/);
		assert.equal(job.run('/s53/b').reason, 'assertion');
		assert.match(job.run('/s53/b').error.message,
			/^expected .*“good”; it is “bad”[^]*\nthen: in afterEach of fixture f2: .*“another”; it is “\/s53\/after2”/);
	});

	await bench.scene(t, 'S54 before and after of a test take the place of those of the fixture', async () => {
		const job = await bench.run({ concurrency: 1, fixtures: [{ name: 'f', beforeEach: visit('/s54/each'),
			afterEach: visit('/s54/each-after'), tests: [
				goes('/s54/a', { before: visit('/s54/own'), after: visit('/s54/own-after') }), goes('/s54/b'),
			] }] });

		assert.equal(job.counts.passed, 2);
		assert.deepEqual(below('/s54'), ['own', 'a', 'own-after', 'each', 'b', 'each-after']);
	});

	await bench.scene(t, 'S55 hooks at every level run from the outside in and back; what they extract is handed on', async () => {
		const tells = (path, name) => [...visit(path), { extract: { [name]: { text: 'css=h1' } } }];
		const job = await bench.run({ concurrency: 1,
			hooks: { before: tells('/s55/job', 'from'), after: visit('/s55/job-after'),
				beforeEach: visit('/s55/job-each'), afterEach: visit('/s55/job-each-after') },
			fixtures: [{ name: 'f', before: tells('/s55/f?{{ctx.job.from}}', 'way'), after: visit('/s55/f-after'),
				beforeEach: visit('/s55/each'), afterEach: visit('/s55/each-after'), tests: [
					{ name: 't', steps: [...visit('/s55/t'), { extract: { way: { text: 'css=h1' } } },
						{ set: { seen: '{{ctx.fixture.way}} then {{ctx.job.from}}' } },
						{ expect: { var: 'seen', is: '/s55/f?/s55/job then /s55/job' } }] },
				] }] });

		assert.equal(job.counts.passed, 1, job.run('t')?.error?.message);
		assert.deepEqual(below('/s55'), ['job', 'f?/s55/job', 'job-each', 'each', 't', 'each-after',
			'job-each-after', 'f-after', 'job-after']);
	});

	await bench.scene(t, 'S58 stop at the first failure: what has not begun is counted as skipped, after hooks still run', async () => {
		site.plan('/s58/b', 'F');
		const job = await bench.run({ concurrency: 1, stopOnFirstFailure: true, fixtures: [
			{ name: 'f', after: visit('/s58/after'), tests: ['a', 'b', 'c'].map((name) => goes(`/s58/${name}`)) },
		] });

		assert.equal(job.final.status, 'failed');
		assert.deepEqual(job.counts, { passed: 1, failed: 1, errored: 0, skipped: 1 });
		assert.deepEqual(below('/s58'), ['a', 'b', 'after']);
		assert.deepEqual(job.released().slice(0, 2), ['/s58/a', '/s58/b']);
	});

	await bench.scene(t, 'S59 a test that hangs ends at its time limit; the next one runs in the same warm browser', async () => {
		site.hold('/s59/hangs');
		const job = await bench.run({ concurrency: 1, tests: [
			goes('/s59/hangs', { timeout: '700ms' }), goes('/s59/next'),
			/* Its own limits: what follows the failure does not wait for the server either. */
			goes('/s59/hangs', { name: 'opens', config: { navigationTimeout: '500ms' } }),
		] });

		assert.deepEqual(job.runs.map(({ outcome }) => outcome), ['timed_out', 'passed', 'failed']);
		for (const { test: name, durationMs } of job.runs) assert.ok(durationMs < 5000, `${name}: ${durationMs} ms`);
		assert.equal(site.browsersOf('/s59/hangs', '/s59/next').length, 1);
		site.release('/s59/hangs');
	});

	await bench.scene(t, 'D03 D04 each unit has one end and one release, after its last attempt, before the job is done', async () => {
		site.plan('/d04/a', 'FFP');
		const job = await bench.run({ concurrency: 2, quarantine: { attemptLimit: 3, successThreshold: 1 },
			tests: ['a', 'b', 'c'].map((name) => goes(`/d04/${name}`)) });
		const ends = job.of('run.finished').filter(({ data }) => !data.willRetry);

		assert.equal(job.of('run.finished').length, 5);
		assert.equal(ends.length, 3);
		assert.deepEqual(job.released(), ['/d04/a', '/d04/b', '/d04/c']);
		assert.equal(job.events.at(-1).type, 'job.completed');
		assert.equal(job.of('job.started').length, 1);
		assert.ok(job.of('job.started')[0].seq < job.of('run.started')[0].seq);
	});

	await bench.scene(t, 'D06 while before of the job runs, nothing else begins, on any connection', async () => {
		site.hold('/d06/job');
		const job = await bench.submit({ concurrency: 2, hooks: { before: visit('/d06/job') },
			tests: [goes('/d06/a'), goes('/d06/b')] });

		await site.arrived('/d06/job');
		await job.look();
		assert.deepEqual(job.runs.map(({ role }) => role), ['before_job']);
		site.release('/d06/job');
		await job.end();
		assert.deepEqual(below('/d06')[0], 'job');
		assert.equal(job.counts.passed, 2);
		assert.ok(job.of('run.started').slice(1).every(({ seq }) =>
			seq > job.events.find(({ type, run }) => type === 'run.finished' && run === job.hook('before_job')[0].id).seq));
	});

	await bench.scene(t, 'D07 a fixture whose before still runs does not hold back a later one', async () => {
		site.hold('/d07/before');
		const job = await bench.submit({ concurrency: 2, fixtures: [
			{ name: 'blocked', before: visit('/d07/before'), tests: [goes('/d07/a')] },
			{ name: 'free', tests: [goes('/d07/b')] },
		] });

		await job.until('the free one has ended', () => job.run('/d07/b')?.outcome);
		await site.arrived('/d07/before');
		assert.deepEqual(below('/d07').sort(), ['b', 'before']);
		site.release('/d07/before');
		await job.end();
		assert.deepEqual(job.counts, { passed: 2, failed: 0, errored: 0, skipped: 0 });
	});

	await bench.scene(t, 'D08 stop at the first failure while an earlier test is being repeated: the failure is reported, the rest is skipped', async () => {
		for (const path of ['a', 'b']) site.plan(`/d08/${path}`, 'F');
		site.hold('/d08/a#2', '/d08/b#2');
		const job = await bench.submit({ concurrency: 2, stopOnFirstFailure: 'cancel',
			quarantine: { attemptLimit: 2, successThreshold: 1 },
			tests: ['a', 'b', 'c', 'd'].map((name) => goes(`/d08/${name}`)) });

		/* The first is in its second attempt when the second fails for good. */
		await site.arrived('/d08/a', 2);
		await site.arrived('/d08/b', 2);
		site.release('/d08/b#2');
		await job.end();
		assert.equal(job.final.status, 'failed');
		assert.equal(job.release('/d08/b').outcome, 'failed');
		assert.deepEqual(below('/d08').sort(), ['a', 'a', 'b', 'b']);
		assert.equal(job.final.counts.failed, 1);
		assert.equal(job.final.counts.skipped + job.final.counts.cancelled, 3, JSON.stringify(job.final.counts));
		assert.ok(job.isBefore('release /d08/a', 'release /d08/b'), 'in order all the same');
	});

	await bench.scene(t, 'D15 S70 a skipped test reaches no browser, is reported as skipped and not as passed', async () => {
		const job = await bench.run({ concurrency: 1, tests: [goes('/d15/a'), goes('/d15/b', { skip: true }), goes('/d15/c')] });

		assert.deepEqual(below('/d15'), ['a', 'c']);
		assert.deepEqual(job.counts, { passed: 2, failed: 0, errored: 0, skipped: 1 });
		assert.deepEqual(job.released(), ['/d15/a', '/d15/b', '/d15/c']);
		assert.deepEqual([job.release('/d15/b').outcome, job.release('/d15/b').durationMs], ['skipped', 0]);
	});

	await bench.scene(t, 'D18 a job that is stopped reports the running test as cancelled; after hooks that are due still run', async () => {
		site.hold('/d18/hangs');
		const job = await bench.submit({ concurrency: 1, hooks: { after: visit('/d18/job-after') }, fixtures: [
			{ name: 'f', after: visit('/d18/after'), tests: [goes('/d18/a'), goes('/d18/hangs'), goes('/d18/b')] },
		] });

		await site.arrived('/d18/hangs');
		await bench.api.post(`/jobs/${job.id}/stop`, {});
		await job.end();
		site.release('/d18/hangs');
		assert.equal(job.final.status, 'stopped');
		assert.deepEqual(job.run('/d18/hangs').outcome, 'cancelled');
		assert.deepEqual(below('/d18'), ['a', 'hangs', 'after', 'job-after']);
	});
});

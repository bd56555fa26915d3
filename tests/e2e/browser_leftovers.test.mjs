// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing stays behind: no browser, no profile, no folder of a run, however the worker or its
 * runner ended. Looked for among the processes that were seen below the worker, in the worker's
 * data, and in a temporary folder that is its own.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Bench, goes } from './browser_jobs.mjs';
import { browsersOf, descendants, findChromium } from './browsers.mjs';
import { Worker, describe, processesWith, temporary, until, workerRemains } from './helper.mjs';

const skip = findChromium() ? false : 'no Chromium';
const options = { timeout: 120000, skip };

/* A bench whose worker has a temporary folder of its own. */
async function start(t, capacity) {
	const tmp = temporary(t, 'proctor-tmp-');
	const bench = await Bench.start(t, 0, ['--lease', '3s']);

	bench.tmp = tmp;
	bench.hire = (data) => {
		bench.worker = Worker.start(t, bench.server, { capacity, args: ['--kind', 'browser'],
			env: { TMPDIR: tmp }, ...data ? { data } : {} });
		bench.site.watch(bench.worker);
		return bench.worker;
	};
	bench.hire();
	return bench;
}

const isAlive = (pid) => existsSync(`/proc/${pid}/exe`);

/*
 * All that were there are gone, and so is what they wrote; of a killed worker only its lock stays,
 * until another one comes to the same data.
 */
async function nothingLeft(bench, data, pids, but = []) {
	const left = () => workerRemains(data).flatMap((dir) => readdirSync(dir).length
		? readdirSync(dir).map((name) => path.join(dir, name)) : [dir])
		.filter((name) => !but.includes(path.basename(name)));

	await until('no process is left', 15000, () =>
		pids.every((pid) => !isAlive(pid)) && processesWith(data).length === 0)
		.catch((error) => assert.fail(`${error.message}: ${processesWith(data).map(describe).join('; ')}`));
	await until('no folder is left', 15000, () => left().length === 0)
		.catch((error) => assert.fail(`${error.message}: ${left().join(' ')}`));
	assert.deepEqual(readdirSync(bench.tmp), []);
}

test('D20 more connections than tests: only as many browsers as there is work for', options, async (t) => {
	const bench = await start(t, 4);

	bench.site.meet(2, '/d20/a', '/d20/b');
	const job = await bench.run({ concurrency: 4, tests: [goes('/d20/a'), goes('/d20/b')] });

	assert.equal(job.counts.passed, 2);
	assert.equal(browsersOf(bench.worker).length, 2);
	const { data } = bench.worker;
	const pids = descendants(bench.worker.pid).map(({ pid }) => pid);

	await t.test('and a worker that leaves in order takes all of them along', async () => {
		await bench.worker.stop();
		await nothingLeft(bench, data, pids);
	});
});

test('kill -9 of a runner in the middle of a test: its browser goes with it, the worker goes on', options, async (t) => {
	const bench = await start(t, 1);

	bench.site.hold('/runner/a#1');
	const job = await bench.submit({ concurrency: 1, tests: [goes('/runner/a'), goes('/runner/b')] });

	await bench.site.arrived('/runner/a');
	const [{ browser }] = bench.site.seen('/runner/a');
	const before = descendants(bench.worker.pid);
	const { pid: runner } = before.find(({ depth }) => depth === 2);

	process.kill(runner, 'SIGKILL');
	await until('the browser is gone too', 15000, () => !isAlive(browser));
	await job.end();
	assert.deepEqual(job.runs.map(({ outcome, reason }) => [outcome, reason ?? null]),
		[['errored', 'runner_exited'], ['passed', null]]);
	assert.notEqual(bench.site.seen('/runner/b')[0].browser, browser);
	const pids = [...before, ...descendants(bench.worker.pid)].map(({ pid }) => pid);
	const { data } = bench.worker;

	await bench.worker.stop();
	await nothingLeft(bench, data, pids);
});

test('kill -9 of the worker in the middle of a test: all of it goes, and another worker ends the job', options, async (t) => {
	const bench = await start(t, 2);

	bench.site.hold('/worker/a#1', '/worker/b#1');
	const job = await bench.submit({ concurrency: 2, tests: [goes('/worker/a'), goes('/worker/b')] });

	await bench.site.arrived('/worker/a');
	await bench.site.arrived('/worker/b');
	const dead = bench.worker;
	const pids = descendants(dead.pid).map(({ pid }) => pid);

	assert.equal(browsersOf(dead).length, 2);
	await dead.kill();
	await nothingLeft(bench, dead.data, pids, ['lock']);
	bench.hire(dead.data);
	await job.end();
	assert.equal(workerRemains(dead.data).length, 1, 'only the new worker\'s folder');
	assert.deepEqual(job.counts, { passed: 2, failed: 0, errored: 0, skipped: 0 });
	assert.ok(job.runs.every(({ attempt, losses }) => attempt === 1 && losses === 1));
	assert.equal(job.of('run.lost').length, 2);
	const { data } = bench.worker;
	const second = descendants(bench.worker.pid).map(({ pid }) => pid);

	await bench.worker.stop();
	await nothingLeft(bench, data, second);
});

test('a job that is cancelled leaves nothing of its runs; the browsers stay warm for the next one', options, async (t) => {
	const bench = await start(t, 2);

	bench.site.hold('/cancel/a', '/cancel/b');
	const job = await bench.submit({ concurrency: 2, tests: [goes('/cancel/a'), goes('/cancel/b')] });

	await bench.site.arrived('/cancel/a');
	await bench.site.arrived('/cancel/b');
	const warm = browsersOf(bench.worker);

	await bench.api.post(`/jobs/${job.id}/cancel`, {});
	await job.end();
	bench.site.release('/cancel/a', '/cancel/b');
	await bench.run({ concurrency: 2, tests: [goes('/cancel/c'), goes('/cancel/d')] });
	assert.deepEqual(browsersOf(bench.worker).sort(), warm.sort());
	const { data } = bench.worker;
	const pids = descendants(bench.worker.pid).map(({ pid }) => pid);

	await bench.worker.stop();
	await nothingLeft(bench, data, pids);
});

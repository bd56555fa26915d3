// SPDX-License-Identifier: Apache-2.0
/* A browser that is killed in the middle of a grouped job costs nothing but time. */
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { descendants, findChromium } from './browsers.mjs';
import { Server, Worker, until } from './helper.mjs';

const skip = findChromium() ? false : 'no Chromium';

async function site(t) {
	const server = http.createServer((request, response) => {
		response.setHeader('content-type', 'text/html');
		response.end(`<!doctype html><title>${request.url}</title><h1>page ${request.url}</h1>`);
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => { server.closeAllConnections(); server.close(); });
	return `http://127.0.0.1:${server.address().port}`;
}

const waits = (url, n, ms) => Array.from({ length: n }, (_, i) => ({
	name: `t${i}`, kind: 'browser',
	steps: [{ open: `${url}/${i}` }, { wait: `${ms}ms` }, { expect: { text: { css: 'h1' }, is: `page /${i}` } }],
}));

/* The browsers themselves: children of the runners, which are children of the shepherds. */
const browsers = (worker) => descendants(worker.pid).filter(({ depth, state }) => depth === 3 && state !== 'Z');

const at = (event) => Date.parse(event.at);

test('a killed browser is noticed at once, its run begins again, results keep their order', {
	timeout: 120000, skip,
}, async (t) => {
	const url = await site(t);
	const server = await Server.start(t);
	const worker = Worker.start(t, server, { capacity: 2, args: ['--kind', 'browser'] });
	const job = await server.api.post('/jobs', {
		browsers: ['chromium'], concurrency: 2, tests: waits(url, 8, 1200),
	});

	await until('two runs under way', 30000, async () => {
		const events = await server.api.events(job.id);
		const open = events.filter((e) => e.type === 'run.started').length
			- events.filter((e) => e.type === 'run.finished').length;

		return open === 2 && events.some((e) => e.type === 'run.finished');
	});
	const killed = Date.now();

	process.kill(browsers(worker)[0].pid, 'SIGKILL');
	const final = await server.api.final(job.id);
	const events = await server.api.events(job.id);
	const restarted = events.filter((e) => e.type === 'run.restarted');

	assert.deepEqual([final.status, final.counts.passed, final.counts.flaky ?? 0], ['completed', 8, 0]);
	assert.deepEqual(restarted.map((e) => e.data.reason), ['browser_disconnected']);
	assert.ok(at(restarted[0]) - killed < 1000, `noticed after ${at(restarted[0]) - killed} ms`);
	const runs = await server.api.all(`/jobs/${job.id}/runs?`);

	assert.equal(runs.length, 8, 'a lost browser is no attempt');
	assert.ok(runs.every((run) => run.attempt === 1 && run.outcome === 'passed'));
	/* Released in the order in which they were started. */
	const started = [];

	for (const { type, run } of events)
		if (type === 'run.leased' && !started.includes(run)) started.push(run);
	const index = Object.fromEntries(runs.map((run) => [run.id, run.testIndex]));

	assert.deepEqual(events.filter((e) => e.type === 'run.released').map((e) => e.data.testIndex),
		started.map((run) => index[run]));
});

test('a browser that dies between two runs is replaced and nobody hears of it (D09)', {
	timeout: 120000, skip,
}, async (t) => {
	const url = await site(t);
	const server = await Server.start(t);
	const worker = Worker.start(t, server, { capacity: 1, args: ['--kind', 'browser'] });
	const once = async () => {
		const job = await server.api.post('/jobs', { browsers: ['chromium'], tests: waits(url, 1, 10) });
		const final = await server.api.final(job.id);

		assert.equal(final.counts.passed, 1, JSON.stringify(final) + worker.said);
		const events = await server.api.events(job.id);

		assert.ok(!events.some((e) => ['run.restarted', 'run.lost'].includes(e.type)));
	};

	await once();
	const [first] = browsers(worker);
	const runner = descendants(worker.pid).find(({ depth }) => depth === 2).pid;

	process.kill(first.pid, 'SIGKILL');
	/* Tidied up while nothing runs: no zombie waits for the next run. */
	await until('it is reaped', 10000, () => !descendants(worker.pid).some(({ pid }) => pid === first.pid));
	await once();
	assert.equal(descendants(worker.pid).find(({ depth }) => depth === 2).pid, runner, 'the same runner');
	assert.notEqual(browsers(worker)[0].pid, first.pid);
});

test('a browser that always dies makes its run errored; the worker goes on', {
	timeout: 120000, skip,
}, async (t) => {
	const url = await site(t);
	const server = await Server.start(t);
	const worker = Worker.start(t, server, { capacity: 1, args: ['--kind', 'browser'] });
	const job = await server.api.post('/jobs', { browsers: ['chromium'], tests: [
		...waits(url, 1, 60000), { ...waits(url, 1, 10)[0], name: 'good' },
	] });

	for (let i = 1; i <= 3; i++) {
		await until(`start ${i}`, 30000, async () => (await server.api.events(job.id))
			.filter((e) => e.type === 'run.started').length === i);
		process.kill(browsers(worker)[0].pid, 'SIGKILL');
	}
	const final = await server.api.final(job.id);
	const runs = await server.api.all(`/jobs/${job.id}/runs?`);

	assert.equal(final.status, 'failed');
	assert.deepEqual(runs.map((run) => [run.testIndex, run.outcome, run.reason ?? null]),
		[[0, 'errored', 'browser_disconnected'], [1, 'passed', null]]);
});

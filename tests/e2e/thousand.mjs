// SPDX-License-Identifier: Apache-2.0
/*
 * Many browser runs in a row on one worker with one connection: nothing may be left of any. The
 * everyday suite does 50; the campaign does 1,000 (make thousand):
 *
 *   RUNS=1000 PROCTOR_BIN=build/proctor node --test tests/e2e/thousand.test.mjs
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { descendants, descriptors, resident } from './browsers.mjs';
import { Server, Worker, temporary, until } from './helper.mjs';

const BATCHES = 5;

const page = `<!doctype html><title>shop</title><h1>Shop</h1><input aria-label="Name"><button>Go</button><p></p>
<script>document.querySelector("button").onclick = () => {
	localStorage.setItem("was", "here");
	document.querySelector("p").textContent = "hello " + document.querySelector("input").value
		+ (localStorage.length > 1 || document.cookie ? " again" : "");
	document.cookie = "seen=1";
};</script>`;

const steps = (url) => [
	{ open: url },
	{ type: { into: { label: 'Name' }, text: 'Ann' } },
	{ click: { role: 'button', name: 'Go' } },
	{ expect: { text: { css: 'p' }, is: 'hello Ann' } }, // a leaked context would say "again"
];

async function site(t) {
	const server = http.createServer((request, response) => {
		response.setHeader('content-type', 'text/html');
		response.end(page);
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => { server.closeAllConnections(); server.close(); });
	return `http://127.0.0.1:${server.address().port}/`;
}

/* The runner is the shepherd's child. */
function runnerOf(worker) {
	return descendants(worker.pid).find(({ depth, state }) => depth === 2 && state !== 'Z');
}

const names = (list) => [...new Set(list)].map((name) => `${list.filter((n) => n === name).length} ${name}`);

/* Files of the runner's private folders that outlive a run. */
function folders(data) {
	const found = [];
	const base = path.join(data, 'worker');

	for (const worker of readdirSync(base).filter((name) => name.startsWith('w-')))
		for (const runner of readdirSync(path.join(base, worker)).filter((name) => name !== 'lock'))
			for (const part of ['run', 'artifacts', 'tmp']) {
				const dir = path.join(base, worker, runner, part);

				if (existsSync(dir)) found.push(...readdirSync(dir).map((name) => `${part}/${name}`));
			}
	return found;
}

const shared = () => readdirSync('/dev/shm').concat(readdirSync(tmpdir()).filter((name) => /chrom/i.test(name)));

/* What there is between two jobs, once the last run's pieces have gone. */
async function measure(worker) {
	const look = () => {
		const runner = runnerOf(worker);

		if (!runner) return null;
		const below = descendants(runner.pid);

		return {
			worker: { pid: worker.pid, fds: descriptors(worker.pid), rss: resident(worker.pid) },
			runner: { pid: runner.pid, fds: descriptors(runner.pid), rss: resident(runner.pid) },
			browser: { processes: below.length, zombies: below.filter(({ state }) => state === 'Z').length,
				rss: below.reduce((sum, { pid, state }) => sum + (state === 'Z' ? 0 : resident(pid)), 0) },
			folders: folders(worker.data),
		};
	};
	/* Something may end while it is looked at: then it is not at rest. */
	const seen = () => {
		try {
			return look();
		} catch (error) {
			if (['ENOENT', 'ESRCH'].includes(error.code)) return null;
			throw error;
		}
	};
	let last = null;

	return until('a worker at rest', 20000, () => {
		const now = seen();
		const isSame = last && now && now.browser.processes === last.browser.processes
			&& now.worker.fds.length === last.worker.fds.length && now.browser.zombies === 0
			&& now.folders.every((name) => name.startsWith('tmp/'));

		last = now;
		return isSame && now;
	});
}

export async function thousand(t, { runs, log }) {
	const url = await site(t);
	const data = temporary(t);
	const before = shared();
	const server = await Server.start(t);
	const worker = Worker.start(t, server, { data, capacity: 1, args: ['--kind', 'browser'] });
	const batch = async (iterations) => {
		const job = await server.api.post('/jobs', { iterations,
			tests: [{ name: 'greets', kind: 'browser', steps: steps(url) }] });
		const began = Date.now();
		const final = await server.api.final(job.id, 60000 + iterations * 3000);

		assert.equal(final.counts.passed, iterations, JSON.stringify(final.counts) + worker.said);
		return (Date.now() - began) / iterations;
	};
	const samples = [];

	await batch(10); // everything that is made once has been made
	samples.push({ runs: 10, ms: 0, ...await measure(worker) });
	for (let i = 1; i <= BATCHES; i++) {
		const ms = await batch(Math.ceil(runs / BATCHES));

		samples.push({ runs: 10 + i * Math.ceil(runs / BATCHES), ms, ...await measure(worker) });
	}
	for (const { runs: n, ms, worker: w, runner: r, browser: b } of samples)
		log(`after ${n} runs (${ms.toFixed(0)} ms each): worker ${w.rss} KiB, ${w.fds.length} descriptors; `
			+ `runner ${r.rss} KiB, ${r.fds.length} descriptors; browser ${b.processes} processes, ${b.rss} KiB`);
	check(samples);
	await worker.stop();
	assert.deepEqual(descendants(worker.pid), []);
	assert.deepEqual(readdirSync(path.join(data, 'worker')).filter((name) => name.startsWith('w-')), []);
	assert.deepEqual(shared().filter((name) => !before.includes(name)), []);
	return samples;
}

function check(samples) {
	const [, first] = samples;
	const last = samples.at(-1);

	for (const who of ['worker', 'runner']) {
		/* A kept connection or timer more or less is no leak; one a run would be. */
		assert.ok(last[who].fds.length <= samples[0][who].fds.length + 3,
			`descriptors of the ${who}: ${names(samples[0][who].fds)} became ${names(last[who].fds)}`);
		const allowed = first[who].rss * 1.1 + 2048;

		assert.ok(process.env.SANITIZED || last[who].rss <= allowed,
			`memory of the ${who}: ${samples.map((one) => one[who].rss)} KiB`);
	}
	assert.ok(last.browser.processes <= samples[0].browser.processes + 1,
		`processes of the browser: ${samples.map((one) => one.browser.processes)}`);
	assert.ok(last.folders.length <= samples[0].folders.length,
		`files: ${samples[0].folders} became ${last.folders}`);
}

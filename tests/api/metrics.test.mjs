// SPDX-License-Identifier: Apache-2.0
/* Health, and metrics that a scraper can read and that move with what happens. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Server, until } from './lib/server.mjs';
import { Stream } from './lib/events.mjs';
import { Worker } from './lib/worker.mjs';

describe('metrics', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	/* Map of "name{labels}" to number; asserts the format on the way. */
	async function scrape() {
		const got = await server.request('GET', '/metrics', undefined, { root: true });
		const values = new Map(), types = new Map(), helped = new Set();

		assert.equal(got.status, 200);
		assert.match(got.type, /^text\/plain; version=0\.0\.4/);
		assert.ok(got.text.endsWith('\n'));
		for (const line of got.text.trimEnd().split('\n')) {
			let found = /^# HELP (\w+) \S.*$/.exec(line);

			if (found) {
				assert.ok(!helped.has(found[1]), `${found[1]} is described once`);
				helped.add(found[1]);
				continue;
			}
			found = /^# TYPE (\w+) (counter|gauge)$/.exec(line);
			if (found) {
				types.set(found[1], found[2]);
				continue;
			}
			found = /^(\w+)(\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
			assert.ok(found, line);
			assert.ok(helped.has(found[1]) && types.has(found[1]), `${found[1]} has HELP and TYPE`);
			assert.ok(found[1].startsWith('proctor_'));
			assert.equal(found[1].endsWith('_total'), types.get(found[1]) === 'counter', found[1]);
			assert.ok(!values.has(found[1] + (found[2] ?? '')), `${line} stands once`);
			values.set(found[1] + (found[2] ?? ''), Number(found[3]));
		}
		return values;
	}

	test('can be parsed; counters never go back', async () => {
		const first = await scrape();

		await server.job();
		const second = await scrape();

		assert.deepEqual([...second.keys()], [...first.keys()]);
		for (const [name, value] of first)
			if (/_total(\{|$)/.test(name)) assert.ok(second.get(name) >= value, name);
	});

	test('jobs, runs, leases and results are counted', async () => {
		const before_ = await scrape();
		const worker = new Worker(server, { capacity: 2 });
		const job = await server.job({ priority: 100 });
		const moved = async (name, by) => assert.equal(
			(await scrape()).get(name) - before_.get(name), by, name);

		await moved('proctor_jobs_created_total', 1);
		const lease = await worker.take();

		assert.equal(lease.job, job.id);
		assert.ok((await scrape()).get('proctor_runs{status="leased"}') >= 1);
		await worker.finish(lease);
		await moved('proctor_jobs_finished_total', 1);
		assert.equal((await scrape()).get('proctor_jobs{status="completed"}'), 1);
		await worker.report({ results: [{ run: lease.run, fence: lease.fence + 7, outcome: 'failed' }] });
		await moved('proctor_stale_results_total', 1);
		const after_ = await scrape();

		for (const name of ['proctor_turns_total', 'proctor_commits_total', 'proctor_intents_total',
			'proctor_runs_leased_total', 'proctor_runs_finished_total', 'proctor_poll_results_total'])
			assert.ok(after_.get(name) > before_.get(name), name);
		assert.ok(after_.get('proctor_workers_online') >= 1);
	});

	test('answers are counted by class', async () => {
		const before_ = await scrape();

		await server.request('GET', '/nothing');
		await server.request('GET', '/nothing');
		const after_ = await scrape();

		assert.equal(after_.get('proctor_http_answers_total{class="4xx"}') -
			before_.get('proctor_http_answers_total{class="4xx"}'), 2);
		assert.ok(after_.get('proctor_http_answers_total{class="2xx"}') >
			before_.get('proctor_http_answers_total{class="2xx"}'));
		assert.ok(after_.get('proctor_http_connections') >= 1);
	});

	test('streams and parked polls are gauges', async () => {
		const job = await server.job({ labels: { nobody: 'x' } });
		const stream = await Stream.open(server, `/jobs/${job.id}/events`);

		await until('a stream', async () => (await scrape()).get('proctor_streams') === 1);
		stream.cut();
		await until('no stream', async () => (await scrape()).get('proctor_streams') === 0);
		const worker = new Worker(server, { kinds: ['http'] });
		const parked = worker.request({ claim: true, waitMs: 20000, holds: [] });

		await until('a parked poll', async () => (await scrape()).get('proctor_polls_parked') === 1);
		await worker.poll(); // takes its place
		await parked;
		await until('no parked poll', async () => (await scrape()).get('proctor_polls_parked') === 0);
	});

	test('the process agrees with the kernel', async () => {
		const values = await scrape();
		const fds = readdirSync(`/proc/${server.pid}/fd`).length;
		const rss = server.residentKb() * 1024;

		assert.ok(Math.abs(values.get('proctor_process_resident_bytes') - rss) < 8 << 20);
		assert.ok(Math.abs(values.get('proctor_process_open_fds') - fds) <= 3);
		assert.ok(values.get('proctor_process_cpu_seconds_total') > 0);
		assert.ok(values.get('proctor_uptime_seconds') >= 0);
		assert.ok(values.get('proctor_store_bytes') > 0);
		const { info } = await server.get('/openapi.json');

		assert.equal(values.get(`proctor_build_info{version="${info.version}"}`), 1);
		assert.ok(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').includes('serve'));
	});
});

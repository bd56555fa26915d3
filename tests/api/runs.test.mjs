// SPDX-License-Identifier: Apache-2.0
/* What runs leave: their rows, results, artifacts, logs and the job's reports. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('runs', () => {
	let server, worker, job, leases;

	after(() => server?.close());
	before(async () => {
		server = await Server.start();
		worker = new Worker(server);
		job = await server.job({
			browsers: ['chromium', 'firefox'], iterations: 2,
			tests: [commandTest({ name: 'a' }), commandTest({ name: 'b' })],
			retries: { max: 1, on: ['failed'] },
		});
		leases = [];
		for (let i = 0; i < 9; i++) {
			const lease = await worker.take();

			leases.push(lease);
			await worker.send(lease, ['run.started', {}]);
			/* One unit fails once and passes with its second attempt. */
			if (lease.target === 'firefox' && lease.testIndex === 0 && lease.iteration === 1
				&& lease.attempt === 1)
				await worker.finish(lease, 'failed', {
					reason: 'expected', error: { message: 'no such button', file: 'a.spec.ts', line: 7 },
				});
			else
				await worker.finish(lease, 'passed', { durationMs: 100 + i, result: { i } });
		}
		await server.get(`/jobs/${job.id}?wait=30s`);
	});

	test('each is a row with its place in the plan', async () => {
		const runs = await server.all(`/jobs/${job.id}/runs?`, 4);

		assert.equal(runs.length, 9);
		assert.deepEqual(runs.slice(0, 2).map((r) =>
			[r.iteration, r.testIndex, r.test, r.kind, r.target, r.attempt]),
		[[1, 0, 'a', 'command', 'chromium', 1], [1, 1, 'b', 'command', 'chromium', 1]]);
		for (const run of runs) {
			assert.equal(run.job, job.id);
			assert.equal(run.status, 'finished');
			assert.equal(run.worker, worker.id);
			assert.ok(run.createdAt <= run.leasedAt && run.leasedAt <= run.completedAt);
		}
		const units = new Set(runs.map((r) => `${r.iteration} ${r.test} ${r.target}`));

		assert.equal(units.size, 8);
	});

	test('a retry is an attempt of its own; only the last one counts', async () => {
		const runs = await server.all(`/jobs/${job.id}/runs?test=0&iteration=1`);
		const [first, second] = runs.filter((r) => r.target === 'firefox');

		assert.deepEqual([first.attempt, first.outcome, first.last], [1, 'failed', false]);
		assert.deepEqual([second.attempt, second.outcome, second.last], [2, 'passed', true]);
		assert.deepEqual(first.error, { message: 'no such button', file: 'a.spec.ts', line: 7 });
		assert.equal(first.reason, 'expected');
		const final = await server.get(`/jobs/${job.id}`);

		assert.equal(final.status, 'completed');
		assert.equal(final.counts.passed, 8);
		assert.equal(final.counts.flaky, 1);
	});

	test('filters', async () => {
		const n = async (query) => (await server.all(`/jobs/${job.id}/runs?${query}`)).length;

		assert.equal(await n('outcome=failed'), 1);
		assert.equal(await n('outcome=failed&outcome=passed'), 9);
		assert.equal(await n('status=finished'), 9);
		assert.equal(await n('status=leased'), 0);
		assert.equal(await n('test=0'), 5);
		assert.equal(await n('test=1'), 4);
		assert.equal(await n('iteration=2'), 4);
		assert.equal(await n('last=true'), 8);
		assertProblem(await server.request('GET', `/jobs/${job.id}/runs?outcome=nice`), 400,
			'invalid_parameter', [['?outcome', 'invalid_field']]);
		assertProblem(await server.request('GET', `/jobs/${job.id}/runs?cursor=x`), 400,
			'invalid_parameter', [['?cursor', 'invalid_field']]);
	});

	test('one run shows its result', async () => {
		const { run } = leases[1];
		const shown = await server.get(`/jobs/${job.id}/runs/${run}`);

		assert.equal(shown.id, run);
		assert.equal(shown.outcome, 'passed');
		assert.equal(shown.durationMs, 101);
		assert.deepEqual(shown.result, { i: 1 });
		assert.deepEqual(shown.artifacts, []);
	});

	test('a run of another job is not found under this one', async () => {
		const other = await server.job({ queue: 'other' });

		assertProblem(await server.request('GET', `/jobs/${other.id}/runs/${leases[0].run}`),
			404, 'not_found');
		assertProblem(await server.request('GET', `/jobs/${job.id}/runs/${uuid7()}`),
			404, 'not_found');
		await server.post(`/jobs/${other.id}/cancel`);
	});
});

describe('artifacts', () => {
	let server, worker, job, lease;

	after(() => server?.close());
	const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]);
	const big = Buffer.alloc(3 * 1024 * 1024, 'proctor');

	before(async () => {
		server = await Server.start();
		worker = new Worker(server);
		job = await server.job({ tests: [commandTest({ name: 'shots' })] });
		lease = await worker.take();
		await worker.send(lease, ['run.started', {}]);
	});

	const at = (name) => `/jobs/${job.id}/runs/${lease.run}/artifacts/${name}`;

	test('upload, list, download', async () => {
		const put = await worker.upload(lease, 'shot.png', png,
			{ kind: 'screenshot', type: 'image/png', caseId: 'c1' });

		assert.equal(put.status, 201, put.text);
		assert.equal(put.json.sha256, sha256(png));
		assert.equal(put.json.size, png.length);
		const { items } = await server.get(`/jobs/${job.id}/runs/${lease.run}/artifacts`);

		assert.equal(items.length, 1);
		const [artifact] = items;

		assert.equal(artifact.name, 'shot.png');
		assert.equal(artifact.kind, 'screenshot');
		assert.equal(artifact.contentType, 'image/png');
		assert.equal(artifact.case, 'c1');
		assert.equal(artifact.size, png.length);
		assert.equal(artifact.sha256, sha256(png));
		assert.deepEqual((await server.get(`/jobs/${job.id}/artifacts`)).items, items);
		assert.deepEqual((await server.get(`/jobs/${job.id}/runs/${lease.run}`)).artifacts, items);

		const got = await server.request('GET', at('shot.png'));

		assert.equal(got.status, 200);
		assert.equal(got.type, 'image/png');
		assert.ok(got.bytes.equals(png));
		assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
		assert.match(got.headers.get('content-security-policy'), /sandbox/);
	});

	test('large ones are streamed, not kept in memory', async () => {
		const before_ = server.residentKb();
		const many = Buffer.alloc(64 * 1024 * 1024, 'x');

		assert.equal((await worker.upload(lease, 'big.bin', big)).status, 201);
		assert.equal((await worker.upload(lease, 'many.bin', many)).status, 201);
		assert.ok(server.isSanitized || server.residentKb() - before_ < 32 * 1024,
			`${server.residentKb() - before_} KiB more`);
		const got = await server.request('GET', at('big.bin'));

		assert.equal(sha256(got.bytes), sha256(big));
	});

	test('ranges', async () => {
		const range = (text) => server.request('GET', at('big.bin'), undefined,
			{ headers: { range: text } });
		const cases = {
			'bytes=0-9': big.subarray(0, 10),
			'bytes=100-': big.subarray(100),
			'bytes=-5': big.subarray(big.length - 5),
			'bytes=3145720-99999999': big.subarray(3145720),
		};

		for (const [text, bytes] of Object.entries(cases)) {
			const got = await range(text);

			assert.equal(got.status, 206, `${text} ${got.text.slice(0, 200)}`);
			assert.ok(got.bytes.equals(bytes), text);
			assert.match(got.headers.get('content-range'), new RegExp(`^bytes \\d+-\\d+/${big.length}$`));
		}
		const past = await range('bytes=99999999-');

		assert.equal(past.status, 416);
		assert.equal(past.headers.get('content-range'), `bytes */${big.length}`);
		/* What is not understood is as if it were not there (RFC 9110). */
		assert.equal((await range('lines=1-2')).status, 200);
	});

	test('names may be trees', async () => {
		assert.equal((await worker.upload(lease, 'report/index.html', '<p>hi</p>',
			{ kind: 'report', type: 'text/html' })).status, 201);
		assert.equal((await worker.upload(lease, 'report/data/ü 1.js', '1',
			{ kind: 'report', type: 'text/javascript' })).status, 201);
		assert.equal((await server.request('GET', at('report/index.html'))).text, '<p>hi</p>');
		assert.equal((await server.request('GET', at('report/data/%C3%BC%201.js'))).text, '1');
	});

	test('names that would leave the tree are refused', async () => {
		for (const name of ['..%2fx', 'a/..%2f..%2fx', 'a%2f%2fb', '%2fetc', 'a%5cb', 'a%0ab', '.',
			'x'.repeat(256)]) {
			const got = await server.request('PUT',
				`/runs/${lease.run}/artifacts/${name}?fence=${lease.fence}`, 'x');

			assert.ok([400, 404].includes(got.status), `${name}: ${got.status}`);
			assert.match(got.type, /problem/);
		}
	});

	test('the same again is harmless, other bytes replace', async () => {
		for (const bytes of ['one', 'one', 'two'])
			assert.equal((await worker.upload(lease, 'again.txt', bytes)).status, 201);
		assert.equal((await server.request('GET', at('again.txt'))).text, 'two');
		const { items } = await server.get(`/jobs/${job.id}/runs/${lease.run}/artifacts`);

		assert.equal(items.filter((a) => a.name === 'again.txt').length, 1);
	});

	test('an old fencing number: 409; no number: 400; an unknown run: 404', async () => {
		assertProblem(await worker.upload(lease, 'late.txt', 'x', { fence: lease.fence + 1 }),
			409, 'stale_lease');
		assertProblem(await server.request('PUT', `/runs/${lease.run}/artifacts/x`, 'x'), 400,
			'invalid_parameter', [['?fence', 'missing_field']]);
		assertProblem(await server.request('PUT', `/runs/${uuid7()}/artifacts/x?fence=1`, 'x'), 404,
			'not_found');
	});

	test('an artifact that is not there: 404', async () => {
		assertProblem(await server.request('GET', at('nothing')), 404, 'not_found');
	});

	test('an empty file is a file', async () => {
		assert.equal((await worker.upload(lease, 'empty', Buffer.alloc(0))).status, 201);
		const got = await server.request('GET', at('empty'));

		assert.equal(got.status, 200);
		assert.equal(got.bytes.length, 0);
	});

	test('HEAD gives the size without the bytes', async () => {
		const got = await server.request('HEAD', at('big.bin'));

		assert.equal(got.status, 200);
		assert.equal(got.headers.get('content-length'), String(big.length));
	});

	test('the log: the events of a run until its file is there', async () => {
		const log = `/jobs/${job.id}/runs/${lease.run}/log`;

		await worker.send(lease, ['run.log', { level: 'info', text: 'first line' }],
			['run.log', { level: 'error', text: 'zweite Zeile ü' }]);
		const early = await server.request('GET', log);

		assert.match(early.type, /^text\/plain/);
		assert.equal(early.text, 'first line\nzweite Zeile ü\n');
		/* More than one page of events has bytes for. */
		const line = 'x'.repeat(16000);

		for (let i = 0; i < 3; i++)
			await worker.send(lease, ...Array.from({ length: 100 }, () =>
				['run.log', { level: 'info', text: line }]));
		assert.equal((await server.request('GET', log)).text.length,
			early.text.length + 300 * (line.length + 1));
		assert.equal((await worker.upload(lease, 'output.log', 'whole log\n',
			{ kind: 'log', type: 'text/plain' })).status, 201);
		assert.equal((await server.request('GET', log)).text, 'whole log\n');
	});

	test('a ticket opens the tree on another origin, without a token', async () => {
		const view = await server.request('POST', `/jobs/${job.id}/runs/${lease.run}/view`, {});

		assert.equal(view.status, 201, view.text);
		const url = new URL(view.json.url);

		assert.notEqual(url.port, String(server.port));
		assert.ok(view.json.expiresAt > new Date().toISOString());
		const get = (path) => fetch(new URL(path, url));
		const page = await get('report/index.html');

		assert.equal(page.status, 200);
		assert.equal(await page.text(), '<p>hi</p>');
		assert.equal(page.headers.get('set-cookie'), null);
		assert.equal((await get('nothing')).status, 404);
		/* A ticket of another run, or a changed one, opens nothing. */
		const forged = new URL(url);

		forged.pathname = forged.pathname.replace(/.(\/)$/, (_, slash) => `!${slash}`);
		assert.ok([403, 404].includes((await fetch(new URL('report/index.html', forged))).status));
		/* The API is not there, whatever one sends. */
		const api = await fetch(`${url.origin}/api/v1/jobs`,
			{ headers: { authorization: `Bearer ${server.token}` } });

		assert.equal(api.status, 404);
	});

	test('bundles: upload, and get by what the answer said', async () => {
		const bytes = Buffer.from('pretend this is a tar');
		const put = await server.request('POST', '/bundles', bytes,
			{ headers: { 'content-type': 'application/x-tar' } });

		assert.equal(put.status, 201, put.text);
		assert.equal(put.json.bundle, `sha256:${sha256(bytes)}`);
		assert.equal(put.json.size, bytes.length);
		for (const name of [put.json.bundle, sha256(bytes)])
			assert.ok((await server.request('GET', `/bundles/${name}`)).bytes.equals(bytes));
		assertProblem(await server.request('GET', `/bundles/sha256:${'0'.repeat(64)}`), 404,
			'not_found');
		assertProblem(await server.request('GET', '/bundles/..%2fadmin.token'), 404, 'not_found');
	});
});

describe('reports', () => {
	let server, job;

	after(() => server?.close());
	before(async () => {
		server = await Server.start();
		const worker = new Worker(server);

		job = await server.job({ name: 'reported & <b>bold</b>', tests: [
			commandTest({ name: 'good' }), commandTest({ name: 'bad <script>alert(1)</script>' })] });
		await worker.finish(await worker.take(), 'passed');
		const lease = await worker.take();

		await worker.send(lease, ['run.started', {}],
			['run.case', { id: 'c1', title: 'pays', status: 'failed', durationMs: 3,
				error: { message: 'no money' } }]);
		await worker.finish(lease, 'failed', { error: { message: 'x < y & "z"', file: 'p.ts', line: 3 } });
	});

	test('JSON', async () => {
		const report = await server.get(`/jobs/${job.id}/report?format=json`);

		assert.equal(report.id, job.id);
		assert.equal(report.status, 'failed');
		assert.equal(report.counts.passed, 1);
		assert.equal(report.counts.failed, 1);
		assert.deepEqual(report.tests.map((t) => t.name), ['good', 'bad <script>alert(1)</script>']);
		assert.equal(report.tests[1].units[0].runs[0].error.message, 'x < y & "z"');
	});

	test('JUnit', async () => {
		const got = await server.request('GET', `/jobs/${job.id}/report?format=junit`);

		assert.match(got.type, /xml/);
		assert.match(got.text, /^<\?xml/);
		assert.match(got.text, /<testsuites/);
		assert.match(got.text, /failures="1"/);
		assert.ok(!got.text.includes('<script>'));
	});

	test('HTML: one file that loads nothing and cannot act for its reader', async () => {
		for (const query of ['', '?format=html']) {
			const got = await server.request('GET', `/jobs/${job.id}/report${query}`);

			assert.equal(got.status, 200, got.text);
			assert.match(got.type, /^text\/html/);
			assert.ok(!got.text.includes('<script>alert(1)'));
			assert.ok(!/<(script|img|link|iframe)[^>]+(src|href)="https?:/.test(got.text));
			assert.match(got.headers.get('content-security-policy'), /sandbox/);
			assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
		}
	});

	test('an unknown format or job is refused', async () => {
		assertProblem(await server.request('GET', `/jobs/${job.id}/report?format=pdf`), 400,
			'invalid_parameter', [['?format', 'invalid_field']]);
		assertProblem(await server.request('GET', `/jobs/${uuid7()}/report`), 404, 'not_found');
	});

	test('a job that has not begun has a report too', async () => {
		const fresh = await server.job({ queue: 'later' });

		assert.equal((await server.get(`/jobs/${fresh.id}/report?format=json`)).status, 'queued');
	});
});

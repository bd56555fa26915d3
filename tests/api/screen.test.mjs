// SPDX-License-Identifier: Apache-2.0
/* Live view: who looks, who sends pictures, and that nobody sends any while nobody looks. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { Stream } from './lib/events.mjs';
import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const browserTest = { name: 'looks', kind: 'browser', steps: [{ open: 'http://127.0.0.1:1/' }] };
const jpeg = (text) => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.from(text), Buffer.from([0xff, 0xd9])]);

describe('live view', () => {
	let server;
	const streams = [], jobs = [];

	before(async () => { server = await Server.start(); });
	after(() => server?.close());
	/* What a failed test leaves must not be leased to the next one's worker. */
	afterEach(async () => {
		for (const stream of streams.splice(0)) stream.cut();
		for (const { id } of jobs.splice(0)) await server.request('POST', `/jobs/${id}/cancel`, {});
	});

	async function look(job, run, options, on = server) {
		const stream = await Stream.open(on, `/jobs/${job}/runs/${run}/screen`, options);

		streams.push(stream);
		return stream;
	}

	function picture(lease, bytes, { fence = lease.fence, type = 'image/jpeg', size = 'width=640&height=480' } = {}) {
		return server.request('POST', `/runs/${lease.run}/screen?fence=${fence}&${size}`, bytes,
			{ headers: { 'content-type': type } });
	}

	async function leased(kinds = ['browser'], tests = [browserTest], on = server) {
		const worker = new Worker(on, { kinds, name: uuid7() });
		const job = await on.job({ tests });

		if (on === server) jobs.push(job);
		const lease = await worker.take();

		assert.equal(lease.job, job.id);
		return { worker, job, lease };
	}

	/* The claiming poll that is parked while somebody begins to look. */
	async function watched(worker, lease, stream) {
		for (let i = 0; i < 10; i++) {
			const { directives } = await worker.poll({ waitMs: 2000 });

			if (directives.some((d) => d.do === 'watch' && d.run === lease.run && d.fence === lease.fence)) {
				worker.holds.get(lease.run).watching = true;
				return;
			}
		}
		assert.fail(`no watch came for ${stream.status}`);
	}

	const shown = async (stream) => {
		const { event, json } = await stream.next();

		assert.equal(event, 'frame');
		assert.deepEqual(Object.keys(json), ['at', 'width', 'height', 'jpeg']);
		return Buffer.from(json.jpeg, 'base64').subarray(2, -2).toString();
	};

	test('a viewer wakes the parked poll, gets pictures, and the end with the outcome', async () => {
		const { worker, job, lease } = await leased();

		assertProblem(await picture(lease, jpeg('nobody')), 410, 'not_watched');
		const polled = worker.poll({ waitMs: 20000 });
		const began = Date.now();
		const stream = await look(job.id, lease.run);

		assert.equal(stream.status, 200);
		assert.match(stream.headers['content-type'], /^text\/event-stream/);
		assert.deepEqual((await polled).directives, [{ run: lease.run, fence: lease.fence, do: 'watch' }]);
		assert.ok(Date.now() - began < 4000, 'at once, not when the poll was over anyway');
		const got = await picture(lease, jpeg('one'));

		assert.deepEqual([got.status, got.text], [204, '']);
		assert.equal(await shown(stream), 'one');
		await picture(lease, jpeg('two'));
		assert.equal(await shown(stream), 'two');
		await worker.finish(lease, 'failed');
		const end = await stream.next();

		assert.deepEqual([end.event, end.json], ['end', { reason: 'finished', outcome: 'failed' }]);
		assert.equal(await stream.next(), null);
		assertProblem(await picture(lease, jpeg('late')), 410, 'not_watched');
		assert.equal((await look(job.id, lease.run, { lastEventId: 'end' })).status, 204);
		assert.deepEqual((await (await look(job.id, lease.run)).toEnd()).map((e) => e.json.outcome), ['failed']);
	});

	test('a poll without viewers hears nothing; one that is told is not told again', async () => {
		const own = await Server.start({ args: ['--lease', '3s'] });

		try {
			const { worker, job, lease } = await leased(['browser'], [browserTest], own);

			assert.deepEqual((await worker.poll()).directives, []);
			const stream = await look(job.id, lease.run, undefined, own);

			await watched(worker, lease, stream);
			assert.deepEqual((await worker.poll()).directives, []);
			/* Nor one that cannot watch, but for once in a lease: it must not poll in a circle. */
			worker.holds.get(lease.run).watching = false;
			assert.deepEqual((await worker.poll()).directives, []);
			await watched(worker, lease, stream);
			await worker.finish(lease);
		} finally {
			await own.close();
		}
	});

	test('many viewers share; the last one that leaves ends it, the next begins it again', async () => {
		const { worker, job, lease } = await leased();
		const first = await look(job.id, lease.run);

		await watched(worker, lease, first);
		await picture(lease, jpeg('before'));
		assert.equal(await shown(first), 'before');
		const second = await look(job.id, lease.run);

		assert.equal(await shown(second), 'before'); // the newest at once
		await picture(lease, jpeg('both'));
		assert.deepEqual([await shown(first), await shown(second)], ['both', 'both']);
		first.cut();
		await picture(lease, jpeg('one left'));
		assert.equal(await shown(second), 'one left');
		second.cut();
		let status;

		do ({ status } = await picture(lease, jpeg('none left')));
		while (status === 204); // until the server has seen it go
		assert.equal(status, 410);
		worker.holds.get(lease.run).watching = true; // it has not heard yet
		const polled = worker.poll({ waitMs: 20000 });
		const third = await look(job.id, lease.run);

		assert.deepEqual((await polled).directives.map((d) => d.do), ['watch']);
		await picture(lease, jpeg('again'));
		assert.equal(await shown(third), 'again'); // and nothing older
		await worker.finish(lease);
		assert.equal((await third.next()).event, 'end');
	});

	test('a slow viewer misses pictures, is not dropped and holds nobody up', async () => {
		const { worker, job, lease } = await leased();
		const slow = await look(job.id, lease.run);
		const quick = await look(job.id, lease.run);
		const filler = 'x'.repeat(150 * 1024);

		slow.response.pause();
		await watched(worker, lease, quick);
		for (let i = 0; i < 60; i++) {
			assert.equal((await picture(lease, jpeg(`${i} ${filler}`))).status, 204);
			assert.ok((await shown(quick)).startsWith(`${i} `));
		}
		slow.response.resume();
		const seen = [];

		while (seen.at(-1) !== 59) seen.push(parseInt(await shown(slow), 10));
		assert.ok(seen.length < 60, `${seen.length} of 60 were seen`);
		assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
		await worker.finish(lease);
		assert.equal((await slow.next()).event, 'end');
	});

	test('a viewer waits for a run that is not under way, through its loss', async () => {
		const { worker, job, lease } = await leased();
		const stream = await look(job.id, lease.run);

		await watched(worker, lease, stream);
		await picture(lease, jpeg('first'));
		assert.equal(await shown(stream), 'first');
		/* The browser died: the same run begins again, elsewhere. */
		await worker.finish(lease, 'lost', { reason: 'browser_disconnected' });
		assertProblem(await picture(lease, jpeg('stale')), 409, 'stale_lease');
		const other = new Worker(server, { kinds: ['browser'] });
		const again = await other.take();

		assert.equal(again.run, lease.run);
		assert.ok(again.fence > lease.fence);
		await watched(other, again, stream);
		assertProblem(await picture(lease, jpeg('stale')), 409, 'stale_lease');
		assert.equal((await picture(again, jpeg('second'))).status, 204);
		assertProblem(await picture(lease, jpeg('stale')), 409, 'stale_lease');
		assert.equal(await shown(stream), 'second');
		await other.finish(again);
		assert.deepEqual((await stream.next()).json, { reason: 'finished', outcome: 'passed' });
		const events = await server.all(`/jobs/${job.id}/events?format=json`);

		assert.deepEqual(events.filter((e) => e.type === 'run.restarted').map((e) => e.data.reason),
			['browser_disconnected']);
		const [run] = await server.all(`/jobs/${job.id}/runs?`);

		assert.deepEqual([run.attempt, run.outcome], [1, 'passed']); // no attempt was used up
	});

	test('a run whose browser dies again and again is errored; a repeated report changes nothing', async () => {
		const { worker, job, lease } = await leased();
		const result = { run: lease.run, fence: lease.fence, outcome: 'lost', reason: 'browser_disconnected' };

		await worker.report({ results: [result] });
		await worker.report({ results: [result] });
		worker.holds.clear();
		for (let i = 1; i < 3; i++)
			await worker.finish(await worker.take(), 'lost', { reason: 'browser_disconnected' });
		const final = await server.get(`/jobs/${job.id}?wait=10s`);
		const [run] = await server.all(`/jobs/${job.id}/runs?`);
		const events = await server.all(`/jobs/${job.id}/events?format=json`);

		assert.equal(final.status, 'failed');
		assert.deepEqual([run.outcome, run.reason], ['errored', 'browser_disconnected']);
		assert.equal(events.filter((e) => e.type === 'run.restarted').length, 2);
		assert.equal(events.filter((e) => e.type === 'run.stale_result').length, 0);
	});

	test('a run without a screen, and one that will not begin any more', async () => {
		const { worker, job, lease } = await leased(['command'], [commandTest()]);

		assert.deepEqual((await (await look(job.id, lease.run)).toEnd()).map((e) => [e.event, e.json]),
			[['end', { reason: 'no_screen' }]]);
		await worker.finish(lease);
		const one = await leased();
		const stream = await look(one.job.id, one.lease.run);

		await watched(one.worker, one.lease, stream);
		await one.worker.finish(one.lease, 'lost');
		await server.call('DELETE', `/jobs/${one.job.id}`);
		const end = (await stream.toEnd()).at(-1);

		assert.equal(end.event, 'end');
	});

	test('whoever has a view ticket sees the run in a browser', async () => {
		const { worker, job, lease } = await leased();
		const { url } = await server.call('POST', `/jobs/${job.id}/runs/${lease.run}/view`, {});
		const page = await fetch(`${url}~screen`);

		assert.equal(page.status, 200);
		assert.match(page.headers.get('content-type'), /^text\/html/);
		assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
		assert.match(await page.text(), /EventSource\("~screen\/stream"\)/);
		const stream = await fetch(`${url}~screen/stream`);
		const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();

		assert.equal(stream.headers.get('content-type'), 'text/event-stream');
		await watched(worker, lease, stream);
		await picture(lease, jpeg('seen'));
		let text = '';

		while (!text.includes('\n\n')) text += (await reader.read()).value;
		assert.ok(text.includes(jpeg('seen').toString('base64')), text);
		await worker.finish(lease);
		for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
		assert.match(text, /id: end\nevent: end\ndata: \{"reason":"finished","outcome":"passed"\}\n\n$/);
		/* A ticket is for one run. */
		assert.equal((await fetch(`${url.replace(/.\/$/, '!/')}~screen/stream`)).status, 404);
	});

	test('what is refused', async () => {
		const { worker, job, lease } = await leased();
		const other = await server.job({ tests: [commandTest()], runAt: '2031-01-01T00:00:00.000Z' });
		const get = (path, options) => server.request('GET', path, undefined, options);

		assertProblem(await get(`/jobs/${job.id}/runs/${uuid7()}/screen`), 404, 'not_found');
		assertProblem(await get(`/jobs/${other.id}/runs/${lease.run}/screen`), 404, 'not_found');
		assertProblem(await get(`/jobs/x/runs/${lease.run}/screen`), 404, 'not_found');
		assertProblem(await get(`/jobs/${job.id}/runs/${lease.run}/screen`, { token: null }), 401, 'unauthorized');
		const stream = await look(job.id, lease.run);

		await watched(worker, lease, stream);
		assertProblem(await picture(lease, jpeg('x'), { type: 'image/png' }), 415, 'unsupported_media_type');
		assertProblem(await picture(lease, Buffer.from('GIF89a')), 415, 'unsupported_media_type');
		assertProblem(await picture(lease, Buffer.alloc(0)), 415, 'unsupported_media_type');
		assertProblem(await picture(lease, jpeg('x'), { size: 'width=0&height=1' }), 400, 'invalid_parameter');
		assertProblem(await picture(lease, jpeg('x'), { size: 'width=1' }), 400, 'invalid_parameter');
		assertProblem(await picture(lease, jpeg('x'.repeat(256 * 1024))), 413, 'limit_exceeded');
		assertProblem(await picture(lease, jpeg('x'), { fence: lease.fence - 1 }), 409, 'stale_lease');
		assertProblem(await picture({ run: uuid7(), fence: 1 }, jpeg('x')), 410, 'not_watched');
		assert.equal((await picture(lease, jpeg('good'))).status, 204);
		assert.equal(await shown(stream), 'good');
		await worker.finish(lease);
	});

	test('viewers do not hold the server up when it ends', async () => {
		const own = await Server.start();

		try {
			const worker = new Worker(own, { kinds: ['browser'] });
			const job = await own.job({ tests: [browserTest] });
			const lease = await worker.take();
			const stream = await Stream.open(own, `/jobs/${job.id}/runs/${lease.run}/screen`);

			await own.request('POST', `/runs/${lease.run}/screen?fence=${lease.fence}&width=1&height=1`,
				jpeg('x'), { headers: { 'content-type': 'image/jpeg' } });
			assert.equal((await stream.next()).event, 'frame');
			await own.close();
			assert.equal(await stream.next(), null);
		} finally {
			if (own.child.exitCode === null) await own.close();
		}
	});
});

// SPDX-License-Identifier: Apache-2.0
/* A reader of the event stream that is cut off again and again misses nothing and sees nothing twice. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { freePort, random, Server, temporary, until, Worker } from './helper.mjs';

const CUTS = 20;

function job(iterations, seconds) {
	const tests = ['a', 'b', 'c'].map((name) => ({
		name, kind: 'command', argv: ['sh', '-c', `echo line; sleep ${seconds}`],
	}));

	return { name: 'stream', tests, iterations, concurrency: 2 };
}

/* Reads to the end with at least `cuts` interruptions; gives the events as they came. */
async function readWithCuts(api, id, cuts, onCut = async () => {}) {
	const next = random(42);
	const got = [];
	let done = 0;
	let last = null;

	for (;;) {
		let left = done < cuts ? 1 + Math.floor(next() * 4) : Infinity;
		const how = await api().stream(id, last, (event) => {
			assert.equal(Number(event.id), event.data.seq, 'the id is the number');
			assert.equal(event.event, event.data.type);
			got.push(event.data);
			last = event.id;
			return --left > 0;
		}).catch((error) => {
			if (!['ECONNREFUSED', 'ECONNRESET'].includes(error.code)) throw error;
			return { cut: true, refused: true };
		});

		if (how.status === 204 || how.ended) return { got, done };
		if (!how.refused) await onCut(++done);
	}
}

function checkExactlyOnce(got, expected) {
	const numbers = got.map((event) => event.seq);

	for (let i = 1; i < numbers.length; i++)
		assert.ok(numbers[i] > numbers[i - 1], `${numbers[i]} after ${numbers[i - 1]}`);
	assert.deepEqual(got, expected);
}

test(`cut off ${CUTS} times: every event exactly once, in order`, { timeout: 120000 },
	async (t) => {
		const server = await Server.start(t);

		Worker.start(t, server);
		const { id } = await server.api.post('/jobs', job(10, 0.02));
		const { got, done } = await readWithCuts(() => server.api, id, CUTS);

		assert.ok(done >= CUTS, `${done} cuts`);
		assert.ok(got.length >= 60, `${got.length} events`);
		checkExactlyOnce(got, await server.api.events(id));
		assert.equal(got.at(-1).type, 'job.completed');
	});

test('cut off by kill -9 of the server: every event exactly once, in order', { timeout: 120000 },
	async (t) => {
		const dir = temporary(t);
		const port = await freePort();
		const start = () => Server.start(t,
			{ data: path.join(dir, 'data'), port, args: ['--lease', '2s'] });
		let server = await start();

		Worker.start(t, server, { data: path.join(dir, 'worker') });
		const { id } = await server.api.post('/jobs', job(8, 0.05));
		const { got } = await readWithCuts(() => server.api, id, CUTS, async (cut) => {
			if (cut % 6 !== 0) return;
			await server.kill();
			server.api.close();
			server = await start();
		});

		await until('the job is over', 30000,
			async () => (await server.api.get(`/jobs/${id}`)).status === 'completed');
		checkExactlyOnce(got, await server.api.events(id));
	});

test('many readers of one job see the same', { timeout: 120000 }, async (t) => {
	const server = await Server.start(t);

	Worker.start(t, server);
	const { id } = await server.api.post('/jobs', job(4, 0.02));
	const readers = await Promise.all(Array.from({ length: 20 }, (_, i) =>
		readWithCuts(() => server.api, id, i)));
	const expected = await server.api.events(id);

	for (const { got } of readers) checkExactlyOnce(got, expected);
});

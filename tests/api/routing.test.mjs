// SPDX-License-Identifier: Apache-2.0
/* Paths, methods, hosts, slow and rude clients. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem } from './lib/server.mjs';

describe('routing', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	const head = (line, more = '') => `${line} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
		`Authorization: Bearer ${server.token}\r\nConnection: close\r\n${more}\r\n`;

	test('unknown paths: 404', async () => {
		for (const target of ['/', '/job', '/jobs/', '/jobs/a/b/c/d', '/../jobs', '/jobs/x/nothing',
			'//jobs', '/JOBS', '/jobs;x'])
			assertProblem(await server.request('GET', target), 404, 'not_found');
		for (const target of ['/', '/api', '/api/v1', '/api/v2/jobs', '/jobs', '/index.html'])
			assertProblem(await server.request('GET', target, undefined, { root: true }), 404,
				'not_found');
	});

	test('known paths with another method: 405 and what is allowed', async () => {
		const cases = {
			'PUT /jobs': ['GET', 'HEAD', 'POST'],
			'DELETE /jobs:bulk': ['POST'],
			'GET /jobs/x/pause': ['POST'],
			'POST /jobs/x': ['DELETE', 'GET', 'HEAD', 'PATCH'],
			'POST /tests/x': ['DELETE', 'GET', 'HEAD', 'PUT'],
			'GET /workers/poll2/drain': ['POST'],
			'POST /healthz': ['GET', 'HEAD'],
		};

		for (const [line, allowed] of Object.entries(cases)) {
			const [method, target] = line.split(' ');
			const got = await server.request(method, target, method === 'GET' ? undefined : {});

			assertProblem(got, 405, 'method_not_allowed');
			assert.deepEqual(got.headers.get('allow').split(/, */).sort(), allowed, line);
		}
	});

	test('methods that nobody knows', async () => {
		for (const method of ['PATCH', 'OPTIONS', 'TRACE', 'BREW']) {
			const got = await server.raw(head(`${method} /api/v1/jobs`));

			assert.match(got, /^HTTP\/1\.1 405 /, method);
			assert.match(got, /\r\nallow: /i);
			assert.ok(!/access-control/i.test(got), 'no CORS');
		}
	});

	test('a request that may be read in two ways is refused and nothing behind it is read', async () => {
		const behind = `GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`;
		const type = 'Content-Type: application/json\r\n';
		const cases = {
			'two hosts': 'Host: example.org\r\n',
			'length and encoding': 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
			'two lengths': 'Content-Length: 2\r\nContent-Length: 9\r\n',
			'two encodings': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
			'foreign encoding': 'Transfer-Encoding: xchunked\r\n',
			'list of encodings': 'Transfer-Encoding: gzip, chunked\r\n',
		};

		for (const [name, lines] of Object.entries(cases)) {
			const got = await server.raw(`POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
				`Authorization: Bearer ${server.token}\r\n${type}${lines}\r\n` +
				`2\r\n{}\r\n0\r\n\r\n${behind}`, { ms: 5000 });

			assert.match(got, /^HTTP\/1\.1 400 /, name);
			assert.match(got, /\r\nconnection: close\r\n/i, name);
			assert.equal(got.split('HTTP/1.1 ').length, 2, name);
		}
	});

	test('a URL with thousands of parameters is answered', async () => {
		for (const query of ['&'.repeat(7000), 'a&'.repeat(3500), 'status=queued&'.repeat(500)]) {
			const got = await server.raw(head(`GET /api/v1/jobs?${query}`));

			assert.match(got, /^HTTP\/1\.1 400 /);
			assert.match(got, /more than 100 query parameters/);
		}
	});

	test('HEAD: the head of GET, without a body', async () => {
		for (const target of ['/jobs', '/openapi.json', '/healthz', '/metrics', '/queues']) {
			const got = await server.raw(head(`HEAD /api/v1${target}`));

			assert.match(got, /^HTTP\/1\.1 200 /, target);
			assert.equal(got.split('\r\n\r\n')[1], '', target);
			assert.match(got, /\r\ncontent-length: [1-9]/i);
		}
		const missing = await server.raw(head('HEAD /api/v1/nothing'));

		assert.match(missing, /^HTTP\/1\.1 404 /);
		assert.equal(missing.split('\r\n\r\n')[1], '');
	});

	test('no answer lets itself be framed, sniffed or read by another origin', async () => {
		const got = await server.request('GET', '/jobs', undefined,
			{ headers: { origin: 'http://evil.example' } });

		assert.equal(got.headers.get('access-control-allow-origin'), null);
	});

	test('a foreign Host is refused (DNS rebinding)', async () => {
		for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1.evil.example',
			'192.168.1.1', '0.0.0.0', '']) {
			const got = await server.raw(`GET /api/v1/healthz HTTP/1.1\r\nHost: ${host}\r\n` +
				'Connection: close\r\n\r\n');

			assert.match(got, /^HTTP\/1\.1 (421|403|400) /, `"${host}"`);
			assert.match(got, /application\/problem\+json|^HTTP\/1\.1 400 /i);
		}
	});

	test('names of this machine are fine', async () => {
		for (const host of ['localhost', `localhost:${server.port}`, '127.0.0.1', '[::1]',
			`LOCALHOST:${server.port}`]) {
			const got = await server.raw(`GET /api/v1/healthz HTTP/1.1\r\nHost: ${host}\r\n` +
				'Connection: close\r\n\r\n');

			assert.match(got, /^HTTP\/1\.1 200 /, host);
		}
	});

	test('a URL that is too long: 414', async () => {
		const got = await server.raw(head(`GET /api/v1/jobs?name=${'x'.repeat(9000)}`));

		assert.match(got, /^HTTP\/1\.1 414 /);
		assert.match(got, /application\/problem\+json/);
	});

	test('headers that are too large: 431', async () => {
		const many = Array.from({ length: 60 }, (_, i) => `X-H${i}: ${'x'.repeat(1000)}\r\n`).join('');
		const got = await server.raw(head('GET /api/v1/jobs', many), { enough: (t) => t.includes('\r\n\r\n') });

		assert.match(got, /^HTTP\/1\.1 431 /);
	});

	test('what is not HTTP is refused and the server lives on', async () => {
		for (const bytes of ['hello\r\n\r\n', '\0\0\0\0\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n',
			'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', `GET /${'\r\n'.repeat(50)}`]) {
			/* When data and end arrive together the library may see the end only when the
			   request's time to arrive (30 s) is over. */
			const got = await server.raw(bytes,
				{ enough: (t) => t.length > 0, isAll: true, ms: 45000 });

			assert.ok(got === '' || /^HTTP\/1\.[01] [45]\d\d /.test(got), got);
			assert.equal((await server.request('GET', '/healthz')).status, 200);
		}
	});

	test('many requests on one connection, pipelined', async () => {
		const one = `GET /api/v1/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`;
		const got = await server.raw(one.repeat(20) +
			one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));

		assert.equal(got.match(/HTTP\/1\.1 200 /g).length, 21);
	});

	test('Connection: close closes; HTTP/1.0 too', async () => {
		assert.match(await server.raw(head('GET /api/v1/healthz')), /\r\nconnection: close/i);
		assert.match(await server.raw('GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n'),
			/^HTTP\/1\.[01] 200 /);
	});

	test('a request that arrives byte by byte is served', async () => {
		const socket = net.connect(server.port, '127.0.0.1');
		let got = '';

		socket.setNoDelay(true);
		socket.setEncoding('latin1');
		socket.on('data', (text) => { got += text; });
		for (const byte of head('GET /api/v1/healthz'))
			await new Promise((resolve) => socket.write(byte, resolve));
		await new Promise((resolve) => socket.on('close', resolve));
		assert.match(got, /^HTTP\/1\.1 200 /);
	});

	test('64 slow clients do not delay others', async () => {
		const slow = Array.from({ length: 64 }, () => {
			const socket = net.connect(server.port, '127.0.0.1');

			socket.on('error', () => {});
			socket.write('POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\nX-');
			return socket;
		});
		const drip = setInterval(() => slow.forEach((socket) => socket.write('a')), 50);

		try {
			await Promise.all(slow.map((socket) => new Promise((resolve) =>
				(socket.connecting ? socket.on('connect', resolve) : resolve()))));
			const times = [];

			for (let i = 0; i < 50; i++) {
				const began = process.hrtime.bigint();

				assert.equal((await server.request('GET', '/healthz')).status, 200);
				times.push(Number(process.hrtime.bigint() - began) / 1e6);
			}
			times.sort((a, b) => a - b);
			/* Far above what it takes, far below a slow client's patience. */
			assert.ok(times[25] < 1000, `median ${times[25]} ms`);
		} finally {
			clearInterval(drip);
			slow.forEach((socket) => socket.destroy());
		}
	});

	test('a client that leaves in the middle of its body leaves nothing behind', async () => {
		for (let i = 0; i < 50; i++) {
			const socket = net.connect(server.port, '127.0.0.1');

			socket.on('error', () => {});
			await new Promise((resolve) => socket.write('POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n' +
				`Authorization: Bearer ${server.token}\r\nContent-Type: application/json\r\n` +
				'Content-Length: 1000\r\n\r\n{"tests":', resolve));
			socket.destroy();
		}
		assert.equal((await server.get('/jobs?count=true')).total, 0);
	});
});

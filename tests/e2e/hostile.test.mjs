// SPDX-License-Identifier: Apache-2.0
/* Bodies and connections that mean no good: refused with a reason, and without any lasting cost. */
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { residentKb, Server, until } from './helper.mjs';

const REQUESTS = 2000;
const GROWTH_KB_MAX = 6 * 1024; // allocators keep some; a leak of a body a request would be 100 MiB
const SLOW_CONNECTIONS = 64;

const good = { name: 'x', tests: [{ name: 'x', kind: 'command', argv: ['true'] }] };
const text = JSON.stringify(good);

const bodies = {
	'nothing': '',
	'half an object': text.slice(0, -3),
	'two values': `${text} ${text}`,
	'not JSON': 'name=x&tests=y',
	'an array': '[]',
	'a text': '"x"',
	'null': 'null',
	'a duplicate key': '{"name":"a","name":"b","tests":[]}',
	'a duplicate key inside': text.replace('"kind"', '"name":"y","kind"'),
	'deep arrays': '['.repeat(100000) + ']'.repeat(100000),
	'deep objects': '{"a":'.repeat(50000) + '1' + '}'.repeat(50000),
	'deep inside a member': text.replace('["true"]', '['.repeat(200) + ']'.repeat(200)),
	'only opening brackets': '['.repeat(500000),
	'no UTF-8': Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]),
		Buffer.from('"}')]),
	'overlong UTF-8': Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc0, 0xaf]),
		Buffer.from('"}')]),
	'half a surrogate': '{"name":"\\ud800","tests":[]}',
	'a NUL in a text': '{"name":"a\\u0000b","tests":[]}',
	'a NUL byte': '{"name":"a\0b"}',
	'a member that nobody knows': text.replace('"name":"x",', '"surname":"x",'),
	'wrong types': '{"name":1,"tests":{},"iterations":"many"}',
	'a huge number': text.replace('}]}', '}],"iterations":1e400}'),
	'a number too large': text.replace('}]}', '}],"iterations":99999999999999999999}'),
	'a kind that nobody knows': text.replace('"command"', '"telepathy"'),
	'no tests': '{"name":"x","tests":[]}',
	'a name too long': JSON.stringify({ ...good, name: 'x'.repeat(5000) }),
	'a body too large': JSON.stringify({ ...good, extra: { pad: 'x'.repeat(1100000) } }),
};

async function checkRefused(api, what, body) {
	const { status, headers, json, text: said } = await api.request('POST', '/jobs', body);

	assert.ok(status >= 400 && status < 500, `${what}: ${status} ${said.slice(0, 200)}`);
	assert.match(headers['content-type'], /^application\/problem\+json/, what);
	assert.equal(json.status, status, what);
	assert.ok(json.code && json.title, `${what}: ${said.slice(0, 200)}`);
}

test('hostile bodies get a problem document each', async (t) => {
	const server = await Server.start(t);

	for (const [what, body] of Object.entries(bodies))
		await t.test(what, () => checkRefused(server.api, what, body));
	await t.test('and a good one is accepted afterwards', () => server.api.post('/jobs', good));
});

test(`${REQUESTS} of them leave the server's memory as it was`, { timeout: 120000 }, async (t) => {
	const server = await Server.start(t);
	const all = Object.entries(bodies);
	const send = async (n) => {
		for (let i = 0; i < n; i += 8)
			await Promise.all(Array.from({ length: 8 }, (_, j) =>
				checkRefused(server.api, ...all[(i + j) % all.length])));
	};

	await send(400);
	const before = residentKb(server.pid);

	await send(REQUESTS);
	const grown = residentKb(server.pid) - before;

	t.diagnostic(`${before} KiB resident, ${grown} KiB more after ${REQUESTS} requests`);
	/* A sanitizer keeps freed memory on purpose. */
	if (!process.env.SANITIZED)
		assert.ok(grown < GROWTH_KB_MAX, `${grown} KiB more`);
});

function connect(port, bytes) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1', () => {
			socket.write(bytes);
			resolve(socket);
		});

		socket.on('error', reject);
	});
}

async function medianMs(api, n) {
	const times = [];

	for (let i = 0; i < n; i++) {
		const begin = performance.now();

		await api.get('/jobs?limit=1');
		times.push(performance.now() - begin);
	}
	return times.sort((a, b) => a - b)[n >> 1];
}

test(`${SLOW_CONNECTIONS} connections that never finish a request delay nobody`,
	{ timeout: 60000 }, async (t) => {
		const server = await Server.start(t);
		const head = `POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n`;
		const beginnings = [
			'P', head, `${head}X-Slow: `,
			`${head}Authorization: Bearer ${server.token}\r\n` +
				'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"name":',
		];

		await medianMs(server.api, 50);
		const alone = await medianMs(server.api, 200);
		const sockets = await Promise.all(Array.from({ length: SLOW_CONNECTIONS },
			(_, i) => connect(server.port, beginnings[i % beginnings.length])));

		for (const socket of sockets) socket.on('error', () => {});
		t.after(() => sockets.forEach((socket) => socket.destroy()));
		const drip = setInterval(() => sockets.forEach((socket, i) => {
			if (!socket.destroyed && i % 4 >= 2) socket.write('a');
		}), 20);
		const beside = await medianMs(server.api, 200);

		clearInterval(drip);
		t.diagnostic(`median ${alone.toFixed(3)} ms alone, ${beside.toFixed(3)} ms beside them`);
		assert.ok(beside < 10 * alone + 1, `${beside} ms against ${alone} ms`);
		const { status } = await server.api.request('POST', '/jobs', good);

		assert.equal(status, 201);
	});

test('requests that are no HTTP are refused or cut, and the server lives on', async (t) => {
	const server = await Server.start(t);
	const junk = [
		'\0\0\0\0', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `${'A'.repeat(100000)}\r\n\r\n`,
		`GET /${'a'.repeat(20000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
		`GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(5000)}\r\n`,
		'POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
		'POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
		'POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
		'POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n' +
			'Content-Length: 5\r\n\r\n0\r\n\r\n',
		'GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
	];

	for (const bytes of junk) {
		const socket = await connect(server.port, bytes);
		let said = '';

		socket.on('error', () => {});
		socket.on('data', (data) => { said += data; });
		socket.end();
		await until('the connection is over', 40000, () => socket.destroyed || socket.readableEnded);
		socket.destroy();
		if (said) assert.match(said, /^HTTP\/1\.[01] [45]\d\d /, JSON.stringify(bytes.slice(0, 60)));
	}
	await server.api.post('/jobs', good);
});

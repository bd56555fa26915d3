// SPDX-License-Identifier: Apache-2.0
/*
 * A server that restarts while clients poll: nobody is refused, no answer is a server error, runs go
 * on. Sockets that somebody else has opened.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Server, bin, commandTest } from '../api/lib/server.mjs';

const RESTARTS = Number(process.env.PROCTOR_RESTARTS ?? 20);
let server;

before(async () => { server = await Server.start({ args: ['--workers', '2'] }); });
after(() => server?.close());

/* One GET; resolves to the status, or to the error's code. */
const ask = (path, agent) => new Promise((done) => {
	const url = new URL(`${server.url}/api/v1${path}`);
	const req = http.get(url, { agent, headers: { authorization: `Bearer ${server.token}` } }, (res) => {
		res.resume();
		res.on('end', () => done({ status: res.statusCode, reused: req.reusedSocket }));
		res.on('error', (error) => done({ error: error.code, reused: req.reusedSocket }));
	});

	req.on('error', (error) => done({ error: error.code, reused: req.reusedSocket }));
});

/* Polls until it is told to stop; keeps what was no 200. */
const poller = (path, agent) => {
	const client = { n: 0, bad: [], stop: false };

	client.ended = (async () => {
		while (!client.stop) {
			let answer = await ask(path, agent);

			// A kept connection may end between two requests: HTTP's own race, which clients repeat.
			if (answer.error === 'ECONNRESET' && answer.reused)
				answer = await ask(path, agent);
			client.n++;
			if (answer.status !== 200)
				client.bad.push(answer);
			await pause(50);
		}
	})();
	return client;
};

/* A kept connection of fetch may end between two requests, so the file tells. */
const startedAt = () => JSON.parse(readFileSync(path.join(server.data, 'server.json'), 'utf8')).startedAt;

/* Ends when the next image answers. */
const restart = async (signal) => {
	const was = startedAt();

	process.kill(server.pid, signal);
	while (startedAt() === was)
		await pause(10);
};

describe('restarts', () => {
	test('nobody is refused, and runs go on', async () => {
		const job = await server.post('/jobs', { tests: [commandTest({ argv: ['sh', '-c', 'sleep 3; exit 0'] })] });
		const keep = new http.Agent({ keepAlive: true, maxSockets: 1 });
		const clients = [poller('/jobs'), poller(`/jobs/${job.id}`, keep), poller(`/jobs/${job.id}?wait=20s`)];

		for (let i = 0; i < RESTARTS; i++)
			await restart(i % 2 ? 'SIGHUP' : 'SIGUSR2');
		for (const client of clients)
			client.stop = true;
		await Promise.all(clients.map((client) => client.ended));
		keep.destroy();
		for (const client of clients) {
			assert.deepEqual(client.bad, []);
			assert.ok(client.n > RESTARTS / 2, `${client.n} requests`);
		}
		const done = await server.get(`/jobs/${job.id}?wait=20s`);
		assert.equal(done.status, 'completed');
		const { items } = await server.get(`/jobs/${job.id}/runs`);
		assert.equal(items.length, 1);
		assert.equal(items[0].attempt, 1);
		assert.equal(items[0].losses ?? 0, 0);
	});
});

describe('sockets of systemd', () => {
	test('the first one is the interface\'s', async () => {
		const socket = net.createServer();

		await new Promise((done) => { socket.listen(0, '127.0.0.1', done); });
		const { port } = socket.address();
		const data = mkdtempSync(path.join(tmpdir(), 'proctor-socket-'));
		const child = spawn('sh', ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"', bin, 'serve',
			'--data', data, '--workers', '0', '--log', 'warn'], { stdio: ['ignore', 'pipe', 'inherit', socket._handle.fd] });
		const gone = new Promise((done) => { child.on('exit', (code) => done(code)); });

		try {
			const said = await new Promise((done) => { child.stdout.on('data', (text) => done(String(text))); });

			assert.equal(said, `listening on http://127.0.0.1:${port}\n`);
			socket.close();
			assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
		} finally {
			child.kill('SIGTERM');
			assert.equal(await gone, 0);
			rmSync(data, { recursive: true, force: true });
		}
	});
});

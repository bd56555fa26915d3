// SPDX-License-Identifier: Apache-2.0
/* A server that has few descriptors, and callers that take all of them. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Server, bin } from './lib/server.mjs';

describe('few descriptors', () => {
	let server, folder;

	/* The limit is the shell's, so the server is started through one. */
	before(async () => {
		folder = mkdtempSync(path.join(tmpdir(), 'proctor-few-'));
		const script = path.join(folder, 'proctor');
		writeFileSync(script, `#!/bin/sh\nulimit -n 64 && exec '${path.resolve(bin)}' "$@"\n`);
		chmodSync(script, 0o755);
		server = await Server.start({ program: script });
	});
	after(async () => {
		await server?.close();
		rmSync(folder, { recursive: true, force: true });
	});

	const gone = (socket) => new Promise((resolve) => {
		socket.on('close', resolve);
		socket.destroy();
	});

	const open = (text) => new Promise((resolve, reject) => {
		const socket = net.connect(server.port, '127.0.0.1', () => {
			socket.write(text);
			resolve(socket);
		});

		socket.on('error', reject);
	});

	const cases = {
		'idle connections': () => '',
		'streams': () => `GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n` +
			`Authorization: Bearer ${server.token}\r\n\r\n`,
	};

	for (const [name, text] of Object.entries(cases)) {
		test(`${name} that took all of them and left: others are served`, async () => {
			const sockets = [];

			for (let i = 0; i < 100; i++) sockets.push(await open(text()));
			await Promise.all(sockets.map(gone));
			const got = await fetch(`${server.url}/api/v1/healthz`,
				{ signal: AbortSignal.timeout(10000) });

			assert.equal(got.status, 200);
			await server.job();
		});
	}
});

// SPDX-License-Identifier: Apache-2.0
/* Who may come in: tokens, their file, and what is open to everybody. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem } from './lib/server.mjs';

describe('access', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	test('the first start makes an admin token that only its owner can read', () => {
		const file = statSync(server.tokenFile);

		assert.equal(file.mode & 0o777, 0o600);
		assert.match(server.token, /^pr_[0-9A-Za-z]{36}$/);
	});

	test('nothing on the disk but the file holds the token', () => {
		const database = readFileSync(path.join(server.data, 'proctor.db'));

		assert.equal(database.includes(server.token.slice(3)), false);
	});

	test('no token: 401, and how to send one', async () => {
		const got = await server.request('GET', '/jobs', undefined, { token: null });

		assertProblem(got, 401, 'unauthorized');
		assert.match(got.headers.get('www-authenticate'), /^Bearer/);
		assert.ok(!got.text.includes(server.token));
	});

	test('a wrong token of the right form: 401', async () => {
		const wrong = server.token.slice(0, -1) + (server.token.endsWith('a') ? 'b' : 'a');

		assertProblem(await server.request('GET', '/jobs', undefined, { token: wrong }),
			401, 'unauthorized');
		assertProblem(await server.request('GET', '/jobs', undefined, { token: 'x' }),
			401, 'unauthorized');
		assertProblem(
			await server.request('GET', '/jobs', undefined, { token: 'y'.repeat(5000) }),
			401, 'unauthorized');
	});

	test('other schemes of Authorization do not count', async () => {
		const basic = Buffer.from(`admin:${server.token}`).toString('base64');

		assertProblem(await server.request('GET', '/jobs', undefined, {
			token: null, headers: { authorization: `Basic ${basic}` },
		}), 401, 'unauthorized');
	});

	test('x-api-key works as well', async () => {
		const got = await server.request('GET', '/jobs', undefined, {
			token: null, headers: { 'x-api-key': server.token },
		});

		assert.equal(got.status, 200);
	});

	test('the scheme is not case-sensitive', async () => {
		const got = await server.request('GET', '/jobs', undefined, {
			token: null, headers: { authorization: `bearer ${server.token}` },
		});

		assert.equal(got.status, 200);
	});

	test('a token in the query string is not taken', async () => {
		const got = await server.request('GET', `/jobs?token=${server.token}`, undefined,
			{ token: null });

		assertProblem(got, 401, 'unauthorized');
	});

	test('health is open', async () => {
		for (const target of ['/healthz', '/readyz']) {
			for (const root of [true, false]) {
				const got = await server.request('GET', target, undefined,
					{ token: null, root });

				assert.equal(got.status, 200, `${target} ${got.text}`);
			}
		}
	});

	test('every other route of the document refuses a stranger', async () => {
		const { paths } = await server.get('/openapi.json');
		let tried = 0;

		for (const [name, item] of Object.entries(paths)) {
			for (const [method, operation] of Object.entries(item)) {
				if (!operation.responses || operation.security?.length === 0) continue;
				const target = name.replace(/\{[^}]+\}/g, 'x');
				const got = await server.request(method.toUpperCase(), target,
					operation.requestBody ? {} : undefined, { token: null });

				assertProblem(got, 401, 'unauthorized');
				tried++;
			}
		}
		assert.ok(tried > 30, `${tried} operations`);
	});

	test('only health and signals, whose address is the secret, are open, says the document', async () => {
		const { paths } = await server.get('/openapi.json');
		const open = Object.entries(paths)
			.filter(([, item]) => Object.values(item).some((o) => o.security?.length === 0))
			.map(([name]) => name).sort();

		assert.deepEqual(open, ['/healthz', '/readyz', '/signals/{token}']);
	});

	test('a lost file is replaced at the next start; the old token goes on working', async () => {
		const old = server.token;

		await server.stop();
		unlinkSync(server.tokenFile);
		await server.launch();
		assert.notEqual(server.token, old);
		assert.equal(statSync(server.tokenFile).mode & 0o777, 0o600);
		for (const token of [old, server.token])
			assert.equal((await server.request('GET', '/jobs', undefined, { token })).status, 200);
	});

	test('a second start keeps the token', async () => {
		const old = server.token;

		await server.restart();
		assert.equal(server.token, old);
	});
});

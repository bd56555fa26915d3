// SPDX-License-Identifier: Apache-2.0
/* Many callers change the same definitions at the same moment: turns take several at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, commandTest } from './lib/server.mjs';

describe('races for a definition', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	const at = (kind, name) => `/${kind}/${name}`;

	test('every put is a revision, and every revision is kept', async () => {
		const first = await server.put(at('tests', 'busy'), commandTest({ name: 'busy' }));
		const puts = await Promise.all(Array.from({ length: 60 }, (_, i) =>
			server.put(at('tests', 'busy'), commandTest({ name: 'busy', argv: [`n${i}`] }))));
		const revisions = puts.map((p) => p.revision).sort((a, b) => a - b);

		assert.deepEqual(revisions, Array.from({ length: 60 }, (_, i) => i + 2));
		for (const put of [first, ...puts]) {
			const kept = await server.get(`${at('tests', 'busy')}?revision=${put.revision}`);

			assert.deepEqual(kept.argv, put.argv);
		}
	});

	test('put, delete and jobs of it at once: the server goes on', async () => {
		const body = commandTest({ name: 'fought' });
		const calls = Array.from({ length: 300 }, (_, i) => [
			() => server.request('PUT', at('tests', 'fought'), body),
			() => server.request('DELETE', at('tests', 'fought')),
			() => server.request('POST', '/jobs', { tests: [{ test: 'fought' }] }),
		][i % 3]());

		for (const got of await Promise.all(calls)) assert.ok(got.status < 500, got.text);
		assert.equal((await server.request('GET', '/readyz', undefined, { root: true })).status, 200);
		await server.job();
	});
});

// SPDX-License-Identifier: Apache-2.0
/* Saved tests and templates: the same rules for both. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';

let server;

after(() => server?.close());
before(async () => { server = await Server.start(); });

const forms = {
	tests: (name, more = {}) => commandTest({ name, ...more }),
	templates: (name, more = {}) => ({ name, tests: [commandTest()], ...more }),
};

for (const [list, make] of Object.entries(forms)) {
	describe(list, () => {
		const at = (id) => `/${list}/${encodeURIComponent(id)}`;

		test('create, show by id and name, ETag', async () => {
			const body = make('first one', { tags: ['a', 'b'], description: 'about it' });
			const got = await server.request('POST', `/${list}`, body);

			assert.equal(got.status, 201, got.text);
			assert.equal(got.json.revision, 1);
			assert.equal(got.json.durable, 'fsync');
			assert.equal(got.headers.get('etag'), '"1"');
			for (const [member, value] of Object.entries(body))
				assert.deepEqual(got.json[member], value, member);
			for (const id of [got.json.id, 'first one']) {
				const shown = await server.request('GET', at(id));

				assert.equal(shown.status, 200);
				assert.equal(shown.headers.get('etag'), '"1"');
				assert.deepEqual(shown.json, (({ durable, ...rest }) => rest)(got.json));
			}
		});

		test('a name that is taken: 409', async () => {
			await server.post(`/${list}`, make('taken'));
			assertProblem(await server.request('POST', `/${list}`, make('taken')), 409, 'conflict');
			await server.post(`/${list}`, make('free'));
			assertProblem(await server.request('PUT', at('free'), make('taken')), 409, 'conflict');
			assert.equal((await server.get(at('free'))).revision, 1);
		});

		test('put: further revisions, every earlier one is kept', async () => {
			await server.post(`/${list}`, make('growing', { description: 'r1' }));
			for (const r of [2, 3]) {
				const got = await server.request('PUT', at('growing'),
					make('growing', { description: `r${r}` }));

				assert.equal(got.status, 200, got.text);
				assert.equal(got.json.revision, r);
				assert.equal(got.headers.get('etag'), `"${r}"`);
			}
			const revisions = (await server.get(`${at('growing')}/revisions`)).items;

			assert.deepEqual(revisions.map((d) => [d.revision, d.description]).sort(),
				[[1, 'r1'], [2, 'r2'], [3, 'r3']]);
			assert.equal((await server.get(`${at('growing')}?revision=1`)).description, 'r1');
			assertProblem(await server.request('GET', `${at('growing')}?revision=9`), 404,
				'not_found');
		});

		test('put under a new name makes it: 201; under an unknown id: 404', async () => {
			const got = await server.request('PUT', at('by put'), make('by put'));

			assert.equal(got.status, 201, got.text);
			assert.equal(got.json.revision, 1);
			assertProblem(await server.request('PUT', at(uuid7()), make('x')), 404, 'not_found');
		});

		test('put of what get gave is accepted', async () => {
			const saved = await server.post(`/${list}`, make('round trip'));
			const shown = await server.get(at(saved.id));
			const again = await server.put(at(saved.id), { ...shown, description: 'edited' });

			assert.equal(again.revision, 2);
			assert.equal(again.description, 'edited');
		});

		test('put may rename; the id stays', async () => {
			const saved = await server.post(`/${list}`, make('old name'));

			await server.put(at(saved.id), make('new name'));
			assert.equal((await server.get(at('new name'))).id, saved.id);
			assertProblem(await server.request('GET', at('old name')), 404, 'not_found');
		});

		test('put under one name makes nothing of another name', async () => {
			assertProblem(await server.request('PUT', at('here'), make('there')), 400, 'invalid_field',
				[['/name', 'invalid_field']]);
			assertProblem(await server.request('GET', at('there')), 404, 'not_found');
		});

		test('If-Match: only over the revision that was read', async () => {
			const saved = await server.post(`/${list}`, make('guarded'));
			const put = (etag) => server.request('PUT', at('guarded'), make('guarded'),
				{ headers: { 'if-match': etag } });

			assert.equal((await put('"1"')).status, 200);
			assertProblem(await put('"1"'), 412, 'revision_mismatch');
			assert.equal((await put('*')).json.revision, 3);
			assertProblem(await put('nonsense'), 412, 'revision_mismatch');
			assertProblem(await server.request('DELETE', at(saved.id), undefined,
				{ headers: { 'if-match': '"2"' } }), 412, 'revision_mismatch');
			assert.equal((await server.request('DELETE', at(saved.id), undefined,
				{ headers: { 'if-match': '"3"' } })).status, 204);
		});

		test('two editors at once: one of them hears of the other', async () => {
			await server.post(`/${list}`, make('contended'));
			const answers = await Promise.all(Array.from({ length: 8 }, () =>
				server.request('PUT', at('contended'), make('contended'),
					{ headers: { 'if-match': '"1"' } })));

			assert.deepEqual(answers.map((got) => got.status).sort(),
				[200, 412, 412, 412, 412, 412, 412, 412]);
		});

		test('If-None-Match: 304 without a body while it is the same', async () => {
			await server.post(`/${list}`, make('cached'));
			const get = (etag) => server.request('GET', at('cached'), undefined,
				{ headers: { 'if-none-match': etag } });
			const same = await get('"1"');

			assert.equal(same.status, 304);
			assert.equal(same.bytes.length, 0);
			assert.equal(same.headers.get('etag'), '"1"');
			assert.equal((await get('W/"1"')).status, 304);
			await server.put(at('cached'), make('cached'));
			assert.equal((await get('"1"')).status, 200);
		});

		test('list: by name, by tags, by part of the name, in pages', async () => {
			for (const [name, tags] of [['list x', ['l1']], ['list y', ['l1', 'l2']], ['LIST z', []]])
				await server.post(`/${list}`, make(name, { tags }));
			const names = async (query) =>
				(await server.all(`/${list}?${query}`, 2)).map((d) => d.name);

			assert.deepEqual(await names('tag=l1'), ['list x', 'list y']);
			assert.deepEqual(await names('tag=l1&tag=l2'), ['list y']);
			assert.deepEqual((await names('search=list')).sort(), ['LIST z', 'list x', 'list y']);
			const all = await names('');

			assert.deepEqual(all, [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
			assert.equal(new Set(all).size, all.length);
		});

		test('delete: 204, then 404; the name is free again', async () => {
			const saved = await server.post(`/${list}`, make('short-lived'));

			assert.equal((await server.request('DELETE', at('short-lived'))).status, 204);
			for (const id of [saved.id, 'short-lived'])
				assertProblem(await server.request('GET', at(id)), 404, 'not_found');
			assertProblem(await server.request('DELETE', at('short-lived')), 404, 'not_found');
			const again = await server.post(`/${list}`, make('short-lived'));

			assert.notEqual(again.id, saved.id);
			assert.equal(again.revision, 1);
		});

		test('names that need escaping', async () => {
			for (const name of ['a/b', 'ü & ß', '50 %', '?q', 'x'.repeat(200)]) {
				await server.post(`/${list}`, make(name));
				assert.equal((await server.get(at(name))).name, name);
			}
		});

		test('a definition without a name is refused', async () => {
			const { name, ...rest } = make('x');

			assertProblem(await server.request('POST', `/${list}`, rest), 400, 'invalid_field',
				[['/name', 'missing_field']]);
		});
	});
}

describe('what only tests or only templates have', () => {
	test('a saved test may hold expressions where another type is wanted', async () => {
		const saved = await server.post('/tests',
			commandTest({ name: 'expr', timeout: '${{ params.limit }}' }));

		assert.equal(saved.timeout, '${{ params.limit }}');
		const job = await server.post('/jobs', { tests: [{ test: 'expr' }], params: { limit: '9s' } });

		assert.equal((await server.get(`/jobs/${job.id}`)).tests[0].timeout, '9s');
		assertProblem(await server.request('POST', '/jobs',
			{ tests: [{ test: 'expr' }], params: { limit: 'long' } }), 400, 'invalid_field',
		[['/tests/0', 'invalid_field']]);
	});

	test('a template with an undeclared parameter is refused at its place', async () => {
		assertProblem(await server.request('POST', '/templates', {
			name: 'undeclared', params: { a: { type: 'string' } },
			tests: [commandTest({ argv: ['echo', '${{ params.b }}'] })],
		}), 400, 'invalid_field', [['/tests/0/argv/1', 'invalid_field']]);
	});

	test('declarations of parameters are checked', async () => {
		assertProblem(await server.request('POST', '/templates', {
			name: 'bad params', tests: [commandTest()],
			params: { a: { type: 'colour' }, b: { type: 'integer', default: 'x' }, c: { typee: 'string' } },
		}), 400, 'invalid_field');
	});

	test('a deleted test leaves its jobs alone', async () => {
		await server.post('/tests', commandTest({ name: 'gone soon' }));
		const job = await server.post('/jobs', { tests: [{ test: 'gone soon' }] });

		await server.call('DELETE', '/tests/gone%20soon');
		assert.equal((await server.get(`/jobs/${job.id}`)).tests[0].name, 'gone soon');
		assertProblem(await server.request('POST', '/jobs', { tests: [{ test: 'gone soon' }] }),
			400, 'invalid_field', [['/tests/0/test', 'invalid_field']]);
	});
});

describe('a list that is too large', () => {
	after(async () => {
		for (let i = 0; i < 75; i++)
			await server.call('DELETE', `/tests/bulky%20${i}`);
	});

	test('is not the fault of who asked', async () => {
		for (let i = 0; i < 75; i++)
			await server.post('/tests', commandTest({ name: `bulky ${i}`, tags: ['bulky'],
				stdin: 'x'.repeat(1000000) }));
		assertProblem(await server.request('GET', '/tests?tag=bulky&limit=1000'), 500,
			'answer_too_large');
		assert.equal((await server.get('/tests?tag=bulky&limit=10')).items.length, 10);
	});
});

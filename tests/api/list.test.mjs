// SPDX-License-Identifier: Apache-2.0
/* The list of jobs: every filter, every order, pages that hold still while jobs are added. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

describe('the list of jobs', () => {
	let server;

	after(() => server?.close());
	const jobs = {};

	/* Creation times must differ, so that "before" and "after" can tell jobs apart. */
	const tick = () => new Promise((resolve) => setTimeout(resolve, 3));

	before(async () => {
		server = await Server.start();
		await server.post('/templates', { name: 'tpl', tests: [commandTest()] });
		const worker = new Worker(server, { labels: { do: 'it' } });
		const make = async (name, members = {}) => {
			jobs[name] = await server.job({ name, ...members });
			await tick();
			return jobs[name];
		};

		await make('alpha', { tags: ['smoke', 'web'], priority: 5, labels: { do: 'it' } });
		await worker.finishJob(jobs.alpha.id, 'passed');
		await make('beta', { tags: ['smoke'], priority: -5, labels: { do: 'it' } });
		const lease = await worker.take();

		await tick();
		await worker.finish(lease, 'failed');
		await make('Gamma', { queue: 'slow', tags: ['web'], labels: { do: 'nothing' } });
		await make('delta', { tests: [{ kind: 'http', request: 'GET http://x' }] });
		await server.post(`/jobs/${jobs.delta.id}/pause`);
		jobs.epsilon = await server.post('/templates/tpl/invoke',
			{ overrides: { name: 'epsilon', priority: 9, labels: { do: 'nothing' } } });
		await tick();
		await make('zeta');
		await server.post(`/jobs/${jobs.zeta.id}/cancel`);
		await make('eta', { labels: { do: 'it' }, runTimeout: 0 });
		await worker.take();
		for (const name of Object.keys(jobs)) jobs[name] = await server.get(`/jobs/${jobs[name].id}`);
	});

	const names = async (query) => (await server.all(`/jobs?${query}`)).map((j) => j.name).sort();
	const all = ['Gamma', 'alpha', 'beta', 'delta', 'epsilon', 'eta', 'zeta'];

	test('no filter: all, newest first or oldest first, but always one order', async () => {
		assert.deepEqual(await names(''), all);
		const once = (await server.all('/jobs?')).map((j) => j.id);
		const inPages = (await server.all('/jobs?', 2)).map((j) => j.id);

		assert.deepEqual(inPages, once);
	});

	const filters = {
		'status=completed': ['alpha'],
		'status=failed': ['beta'],
		'status=failed&status=completed': ['alpha', 'beta'],
		'status=queued': ['Gamma', 'epsilon'],
		'status=paused': ['delta'],
		'status=stopped': ['zeta'],
		'status=starting&status=running': ['eta'],
		'reason=passed': ['alpha'],
		'reason=tests_failed': ['beta'],
		'reason=cancelled': ['zeta'],
		'tag=smoke': ['alpha', 'beta'],
		'tag=smoke&tag=web': ['alpha'],
		'tag=none': [],
		'name=beta': ['beta'],
		'name=bet': [],
		'queue=slow': ['Gamma'],
		'queue=unknown': [],
		'kind=http': ['delta'],
		'kind=command': ['Gamma', 'alpha', 'beta', 'epsilon', 'eta', 'zeta'],
		'template=tpl': ['epsilon'],
		'template=unknown': [],
		'status=queued&queue=slow': ['Gamma'],
		'status=failed&tag=web': [],
	};

	for (const [query, expected] of Object.entries(filters))
		test(`?${query}`, async () => assert.deepEqual(await names(query), expected));

	test('?search= looks inside of names, whatever the case', async () => {
		assert.deepEqual(await names('search=MM'), ['Gamma']);
		assert.deepEqual(await names('search=eta'), ['beta', 'eta', 'zeta']);
		assert.deepEqual(await names('search=%25'), []);
	});

	test('?template= takes the id too', async () => {
		assert.deepEqual(await names(`template=${jobs.epsilon.templateId}`), ['epsilon']);
	});

	test('times of creation and end', async () => {
		const at = encodeURIComponent(jobs.Gamma.createdAt);

		assert.deepEqual(await names(`createdBefore=${at}`), ['alpha', 'beta']);
		assert.deepEqual((await names(`createdAfter=${at}`)).filter((n) => n !== 'Gamma'),
			['delta', 'epsilon', 'eta', 'zeta']);
		const ended = encodeURIComponent(jobs.beta.completedAt);

		assert.deepEqual((await names(`completedAfter=${ended}`)).filter((n) => n !== 'beta'),
			['zeta']);
		assert.deepEqual((await names(`completedBefore=${ended}`)).filter((n) => n !== 'beta'),
			['alpha']);
	});

	test('?minRun= finds what took or takes long', async () => {
		const { parameters } = (await server.get('/openapi.json')).paths['/jobs'].get;
		const { name } = parameters.find((p) => /^min/i.test(p.name));

		assert.deepEqual(await names(`${name}=1d`), []);
		assert.ok((await names(`${name}=1ms`)).includes('eta'), 'one that still runs');
	});

	const orders = {
		createdAt: (j) => j.createdAt,
		updatedAt: (j) => j.updatedAt,
		completedAt: (j) => j.completedAt ?? '',
		priority: (j) => j.priority,
		name: (j) => j.name,
	};

	for (const [member, key] of Object.entries(orders)) {
		for (const descending of [false, true]) {
			const sort = `${descending ? '-' : ''}${member}`;

			test(`?sort=${sort}`, async () => {
				const items = await server.all(`/jobs?sort=${sort}`, 3);
				const keys = items.map(key);
				const sorted = [...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

				if (descending) sorted.reverse();
				/* Where those stand that have no such time is not promised. */
				assert.deepEqual(keys.filter((k) => k !== ''), sorted.filter((k) => k !== ''));
				assert.equal(new Set(items.map((j) => j.id)).size, items.length);
				if (member !== 'completedAt') assert.equal(items.length, all.length);
			});
		}
	}

	test('?sort= by how long a job ran', async () => {
		const { parameters } = (await server.get('/openapi.json')).paths['/jobs'].get;
		const sort = parameters.find((p) => p.name === 'sort').schema.enum;
		const word = sort.find((w) => /^-?(duration|run)/i.test(w));

		assert.ok(word, `an order by duration among ${sort}`);
		const bare = word.replace(/^-/, '');

		assert.ok(sort.includes(bare) && sort.includes(`-${bare}`));
		const ran = (items) => items.map((j) => j.runMs).filter((ms) => ms !== undefined);
		const up = ran(await server.all(`/jobs?sort=${bare}&status=completed&status=failed`));
		const down = ran(await server.all(`/jobs?sort=-${bare}&status=completed&status=failed`));

		assert.deepEqual(up, [...up].sort((a, b) => a - b));
		assert.deepEqual(down, [...down].sort((a, b) => b - a));
	});

	test('?count=true gives the number of all matches, not of the page', async () => {
		const page = await server.get('/jobs?count=true&limit=2');

		assert.equal(page.total, all.length);
		assert.equal(page.items.length, 2);
		assert.equal((await server.get('/jobs?count=true&tag=smoke')).total, 2);
		assert.ok(!('total' in await server.get('/jobs?limit=1')));
	});

	test('pages hold still while jobs are added', async () => {
		for (const sort of ['createdAt', '-createdAt', 'name', '-priority']) {
			const target = `/jobs?search=a&sort=${sort}&limit=2`;
			const expected = (await server.all(`/jobs?search=a&sort=${sort}`)).map((j) => j.id);
			const seen = [];
			let cursor = '';

			do {
				const page = await server.get(target + cursor);

				seen.push(...page.items.map((j) => j.id));
				await server.job({ name: 'added a', queue: 'added' });
				cursor = page.nextCursor && `&cursor=${encodeURIComponent(page.nextCursor)}`;
			} while (cursor);
			assert.deepEqual(seen.filter((id) => expected.includes(id)), expected, sort);
			assert.equal(new Set(seen).size, seen.length, 'none comes twice');
		}
	});

	test('bad parameters are refused by name, several at once', async () => {
		const cases = {
			'limit=0': [['?limit', 'invalid_field']],
			'limit=1001': [['?limit', 'limit_exceeded']],
			'limit=many': [['?limit', 'invalid_field']],
			'limit=5&limit=6': [['?limit', 'duplicate']],
			'sort=colour': [['?sort', 'invalid_field']],
			'stauts=failed': [['?stauts', 'unknown_field']],
			'status=happy': [['?status', 'invalid_field']],
			'reason=happy': [['?reason', 'invalid_field']],
			'createdAfter=yesterday': [['?createdAfter', 'invalid_field']],
			'count=perhaps': [['?count', 'invalid_field']],
			'limit=0&sort=x&foo=1': [['?limit', 'invalid_field'], ['?sort', 'invalid_field'],
				['?foo', 'unknown_field']],
		};

		for (const [query, errors] of Object.entries(cases)) {
			const got = await server.request('GET', `/jobs?${query}`);

			assert.equal(got.status, 400, `${query}: ${got.text}`);
			assertProblem(got, 400, 'invalid_parameter', errors);
		}
		assertProblem(await server.request('GET', '/jobs?cursor=nonsense'), 400,
			'invalid_parameter');
		assert.match((await server.request('GET', '/jobs?stauts=x')).text, /did you mean status/);
	});

	test('a cursor of another order is refused, not misread', async () => {
		const { nextCursor } = await server.get('/jobs?sort=name&limit=1');
		const got = await server.request('GET',
			`/jobs?sort=-priority&limit=1&cursor=${encodeURIComponent(nextCursor)}`);

		assertProblem(got, 400, 'invalid_parameter');
	});
});

// SPDX-License-Identifier: Apache-2.0
/* What is refused, with which words, at which place; and that refusing costs nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest } from './lib/server.mjs';

let server;

after(() => server?.close());
before(async () => { server = await Server.start(); });

const job = (members) => ({ tests: [commandTest()], ...members });
const refused = async (body, errors, code = 'invalid_field') =>
	assertProblem(await server.request('POST', '/jobs', body), 400, code, errors);

describe('members of a job', () => {
	test('an unknown one, with what was probably meant', async () => {
		const problem = await refused(job({ concurrencyy: 2 }), [['/concurrencyy', 'unknown_field']]);

		assert.match(problem.errors[0].detail, /concurrency/);
	});

	test('missing ones', async () => {
		await refused({}, [['/tests', 'missing_field']]);
		await refused(job({ tests: [{ name: 'x', timeout: '1m' }] }), [['/tests/0/kind', 'missing_field']]);
		await refused(job({ tests: [{ kind: 'command' }] }), [['/tests/0/argv', 'missing_field']]);
		await refused(job({ tests: [{ kind: 'http' }] }), [['/tests/0/request', 'missing_field']]);
		await refused(job({ tests: [{ kind: 'playwright' }] }), [['/tests/0', 'missing_field']]);
	});

	const wrong = {
		name: [5, '', 'x'.repeat(201)],
		tests: [{}, [], 'all'],
		browsers: ['chromium', [], [1], ['a,b'], [' a'], [{}], [{ browser: 'x', size: 1 }], Array(33).fill('x')],
		fixtures: [{}, [], [1], [{}], [{ name: 'A', tests: [] }], [{ name: 'A', tests: [commandTest()], skip: 1 }]],
		hooks: [[], { before: 7 }, { beforeEach: {} }, { beforeAll: [] }],
		quarantine: ['on', 5, [], null, { attemptLimit: 'abc' }, { attemptLimit: 2 }, { attemptLimit: 1e9 }],
		startTimeout: [0, 'soon'],
		hookTimeout: [0, -1],
		concurrency: [0, 1001, 1.5, '2', null],
		iterations: [-1, 1e10, '1'],
		failuresToIgnore: [-1, 'some'],
		stopOnFirstFailure: ['yes', 1, null],
		retries: [3, []],
		timeout: [-1, 'soon', '31d', true, 1.5],
		runTimeout: ['1x', '31d'],
		queue: ['', 7, 'q'.repeat(201)],
		priority: [-1001, 1001, 'high'],
		labels: [[], { a: 1 }, { 'a=b': 'x' }, { a: 'x'.repeat(201) }],
		runAt: ['tomorrow', 5, '2026-13-01T00:00:00Z', '2999-01-01T00:00:00Z'],
		config: ['x', []],
		outputSchema: ['x', true],
		tags: ['x', [5], ['t'.repeat(101)], Array.from({ length: 65 }, (_, i) => `t${i}`)],
		extra: [1],
		params: [[], 'x'],
		template: [5, ''],
	};

	for (const [member, values] of Object.entries(wrong)) {
		test(`wrong values of ${member}`, async () => {
			for (const value of values) {
				const got = await server.request('POST', '/jobs', job({ [member]: value }));

				assert.equal(got.status, 400, `${member}: ${JSON.stringify(value)} ${got.text}`);
				assert.match(got.type, /problem\+json/);
				assert.ok(['invalid_field', 'limit_exceeded'].includes(got.json.code), got.text);
				const pointers = got.json.errors.map((e) => e.pointer);

				assert.ok(pointers.some((p) => p === `/${member}` || p.startsWith(`/${member}/`)),
					got.text);
				for (const error of got.json.errors)
					assert.ok(['invalid_field', 'limit_exceeded', 'missing_field', 'unknown_field', 'duplicate']
						.includes(error.code), got.text);
			}
		});
	}

	test('beyond a maximum is limit_exceeded, another type is invalid_field', async () => {
		await refused(job({ concurrency: 1001 }), [['/concurrency', 'limit_exceeded']], 'limit_exceeded');
		await refused(job({ concurrency: 'x' }), [['/concurrency', 'invalid_field']]);
		await refused(job({ concurrency: 1001, priority: 'x' }),
			[['/concurrency', 'limit_exceeded'], ['/priority', 'invalid_field']]);
	});

	test('the edges are inside', async () => {
		for (const members of [{ concurrency: 1 }, { concurrency: 1000 }, { iterations: 0 },
			{ iterations: 1000000000 }, { priority: -1000 }, { priority: 1000 },
			{ timeout: '30d' }, { timeout: 0 }, { name: 'x'.repeat(200) }, { tags: [] },
			{ retries: { max: 100, factor: 100, jitter: 1, delay: '1d' } }])
			assert.equal((await server.request('POST', '/jobs', job(members))).status, 201,
				JSON.stringify(members));
	});

	test('inside of objects and arrays: the pointer goes all the way', async () => {
		await refused(job({
			retries: { max: -1, dely: 1, on: ['always'] }, browsers: ['ok', { name: 'x' }],
			tests: [commandTest(), commandTest({ argv: ['a', 5], env: { A: {} }, 'a/b~c': 1 })],
		}), [['/retries/max', 'invalid_field'], ['/retries/dely', 'unknown_field'],
			['/retries/on', 'invalid_field'], ['/browsers/1/browser', 'missing_field'],
			['/tests/1/argv/1', 'invalid_field'], ['/tests/1/env/A', 'invalid_field'],
			['/tests/1/a~1b~0c', 'unknown_field']]);
	});

	test('http tests', async () => {
		await refused(job({ tests: [{ kind: 'http', request: { url: 5, verb: 'GET' },
			expect: { within: 'fast', colour: 1 } }] }),
		[['/tests/0/request/url', 'invalid_field'], ['/tests/0/request/verb', 'unknown_field'],
			['/tests/0/expect/within', 'invalid_field'], ['/tests/0/expect/colour', 'unknown_field']]);
	});

	test('what a browser test is set to, wherever that is said', async () => {
		const config = { viewport: { width: 0, height: 600 } };
		const page = { name: 'a', kind: 'browser', steps: [{ open: '/' }] };
		const problem = await refused({
			config, browsers: ['chromium', { browser: 'chromium', config }, 'firefox'],
			tests: [{ ...page, config: { viewprt: 1 } }],
			fixtures: [{ name: 'F', config: { cpuThrottle: 99 }, tests: [page] }],
		}, [['/tests/0/config/viewprt', 'unknown_field'], ['/fixtures/0/config/cpuThrottle', 'invalid_field'],
			['/config/viewport/width', 'invalid_field'], ['/browsers/1/config/viewport/width', 'invalid_field'],
			['/browsers/2', 'invalid_field']]);

		assert.match(problem.errors.at(-1).detail, /chromium.*not in "firefox"/);
		assertProblem(await server.request('POST', '/tests', { ...page, config }), 400, 'invalid_field',
			[['/config/viewport/width', 'invalid_field']]);
	});

	test('what other kinds are set to is theirs', async () => {
		const members = { config: { viewport: 'any' }, browsers: ['firefox'] };

		assert.equal((await server.request('POST', '/jobs', job(members))).status, 201);
	});

	test('files that would leave the folder', async () => {
		await refused(job({ tests: [commandTest({
			files: { '../x': 'a', '/etc/x': 'a', 'a//b': 'a', 'ok/x': 'a', n: 5 } })] }),
		[['/tests/0/files/..~1x', 'invalid_field'], ['/tests/0/files/~1etc~1x', 'invalid_field'],
			['/tests/0/files/a~1~1b', 'invalid_field'], ['/tests/0/files/n', 'invalid_field']]);
	});

	test('sixteen offences are listed, the rest is counted', async () => {
		const members = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`zzz${i}`, 1]));
		const got = await server.request('POST', '/jobs', job(members));

		assertProblem(got, 400, 'invalid_field');
		assert.equal(got.json.errors.length, 16);
		assert.equal(got.json.moreErrors, 24);
	});

	test('texts of clients come back as JSON, whatever is in them', async () => {
		const name = '\u0007"<script>\\';
		const got = await server.request('POST', '/jobs', job({ [name]: 1 }));

		assert.equal(got.json.errors[0].pointer, `/${name}`);
	});
});

describe('bodies', () => {
	const raw = (body, headers = {}) => server.request('POST', '/jobs', body, { headers });

	test('no JSON at all, cut JSON, two values, nothing', async () => {
		for (const body of ['', '{', 'hello', '{"tests":[}', '{} {}', '{"a":1,}', "{'a':1}", '\0',
			'{"a":01}', '{"a":NaN}', '\ufeff{}'])
			assertProblem(await raw(body), 400, 'invalid_json');
	});

	test('the fault is said with its line', async () => {
		assert.match((await raw('{\n "a": 1,\n !\n}')).json.detail, /3/);
	});

	test('JSON that is no object', async () => {
		for (const body of ['[]', '5', '"x"', 'null', 'true'])
			assertProblem(await raw(body), 400, 'invalid_field');
	});

	test('duplicate members', async () => {
		const problem = assertProblem(await raw('{"name":"a","tests":[],"name":"b"}'), 400,
			'invalid_json');

		assert.match(problem.detail, /name|duplicate/i);
	});

	test('bytes that are not UTF-8; NUL inside of a text', async () => {
		for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
			const body = Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bytes), Buffer.from('"}')]);

			assertProblem(await raw(body), 400, 'invalid_json');
		}
		assertProblem(await raw('{"name":"a\\u0000b"}'), 400, 'invalid_json');
	});

	test('too deep', async () => {
		assertProblem(await raw(`{"extra":${'['.repeat(40)}${']'.repeat(40)}}`), 400, 'limit_exceeded');
		assertProblem(await raw('['.repeat(500000)), 400, 'limit_exceeded');
		assertProblem(await raw('{"a":'.repeat(100000)), 400, 'limit_exceeded');
	});

	test('too large: 413, announced or not', async () => {
		const big = JSON.stringify(job({ extra: { x: 'y'.repeat(1 << 20) } }));

		assertProblem(await raw(big), 413, 'limit_exceeded');
		const head = `POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ` +
			`${server.token}\r\nContent-Type: application/json\r\n`;
		const announced = await server.raw(`${head}Content-Length: 99999999999\r\n\r\n`,
			{ enough: (got) => got.includes('}') });

		assert.match(announced, /^HTTP\/1\.1 413 /);
		const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
		const chunked = await server.raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`,
			{ enough: (got) => got.includes('}') });

		assert.match(chunked, /^HTTP\/1\.1 413 /);
	});

	test('a bulk may be larger than a single job', async () => {
		const jobs = Array.from({ length: 100 }, () => job({ extra: { x: 'y'.repeat(30000) } }));

		assert.equal((await server.request('POST', '/jobs:bulk', { jobs })).status, 201);
		const more = Array.from({ length: 600 }, () => job({ extra: { x: 'y'.repeat(30000) } }));

		assertProblem(await server.request('POST', '/jobs:bulk', { jobs: more }), 413, 'limit_exceeded');
	});

	test('another content type: 415', async () => {
		for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', ''])
			assertProblem(await raw('{}', { 'content-type': type }), 415, 'unsupported_media_type');
		assert.equal((await raw(JSON.stringify(job()),
			{ 'content-type': 'Application/JSON; charset=utf-8' })).status, 201);
	});

	test('a job of a template, test or queue with bad JSON is refused as well', async () => {
		for (const [method, target] of [['POST', '/tests'], ['POST', '/templates'], ['PUT', '/queues/x'],
			['PUT', '/tests/x'], ['POST', '/workers/poll'], ['POST', '/jobs:bulk'],
			['POST', '/templates/x/invoke']])
			assertProblem(await server.request(method, target, '{'), 400, 'invalid_json');
	});

	test('ten thousand bad requests cost no memory', async () => {
		const bodies = ['{', '['.repeat(3000), JSON.stringify(job({ zzz: 'x'.repeat(5000) })),
			'{"a":1,"a":2}', Buffer.from([0x22, 0xff, 0x22])];
		const round = async (n) => {
			for (let i = 0; i < n; i += 50)
				await Promise.all(Array.from({ length: 50 }, (_, j) => raw(bodies[j % bodies.length])
					.then((got) => assert.equal(got.status, 400))));
		};

		await round(2000);
		const before_ = server.residentKb();

		await round(8000);
		assert.ok(server.isSanitized || server.residentKb() - before_ < 8 * 1024,
			`${server.residentKb() - before_} KiB more`);
	});
});

describe('query parameters', () => {
	test('each route knows its own', async () => {
		const { id } = await server.job();

		for (const target of ['/tests?x=1', '/templates?x=1', '/workers?x=1', '/queues?x=1',
			`/jobs/${id}?x=1`, `/jobs/${id}/runs?x=1`, `/jobs/${id}/events?x=1`,
			`/jobs/${id}/explain?x=1`, `/jobs/${id}/report?x=1`, `/jobs/${id}/artifacts?x=1`,
			'/metrics?x=1', '/openapi.json?x=1', '/healthz?x=1'])
			assertProblem(await server.request('GET', target), 400, 'invalid_parameter',
				[['?x', 'unknown_field']]);
		assertProblem(await server.request('POST', '/jobs?dryrun=true', job()), 400,
			'invalid_parameter', [['?dryrun', 'unknown_field']]);
	});

	test('percent-encoding that is none', async () => {
		for (const query of ['name=%', 'name=%zz', 'name=%00', 'name=%ff'])
			assert.equal((await server.request('GET', `/jobs?${query}`)).status, 400, query);
	});
});

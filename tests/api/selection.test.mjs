// SPDX-License-Identifier: Apache-2.0
/*
 * Kept tests that a job chooses: by tags, name and last result, and why nothing is chosen.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server, worker;

after(() => server?.close());
before(async () => {
	server = await Server.start();
	worker = new Worker(server);
	for (const [name, tags] of [['checkout-card', ['smoke']], ['checkout-bank', ['smoke', 'slow']],
		['login', ['smoke']], ['report', ['nightly']]])
		await server.post('/tests', { name, tags, kind: 'command', argv: ['x'] });
	await ended('checkout-card', ['failed']);
	await ended('checkout-bank', ['failed', 'passed']);
	await ended('login', ['passed']);
});

/* Runs the kept test with these outcomes, one for each attempt. */
async function ended(name, outcomes) {
	await server.job({ tests: [{ test: name }], retries: { max: outcomes.length - 1, delay: 0, on: ['failed'] } });
	for (const outcome of outcomes) await worker.finish(await worker.take(), outcome, {});
}

/* Names of the tests that a job with this selector would have. */
async function chosen(selector) {
	const job = await server.job({ tests: [selector].flat() });
	const { tests } = await server.get(`/jobs/${job.id}`);

	return tests.map(({ name }) => name).sort();
}

async function refused(selector, pointer, detail) {
	const answer = await server.request('POST', '/jobs', { tests: [selector] });

	assertProblem(answer, 400, 'invalid_field');
	const found = answer.json.errors.find((one) => one.pointer === pointer);

	assert.ok(found, JSON.stringify(answer.json));
	assert.match(found.detail, detail);
}

describe('what is chosen', () => {
	const cases = [
		[{ tags: 'smoke and not slow' }, ['checkout-card', 'login']],
		[{ tags: ['slow', 'nightly'] }, ['checkout-bank', 'report']],
		[{ name: 'checkout*' }, ['checkout-bank', 'checkout-card']],
		[{ name: ['login', '*port'] }, ['login', 'report']],
		[{ last: 'failed' }, ['checkout-card']],
		[{ last: 'flaky' }, ['checkout-bank']],
		[{ last: 'passed' }, ['login']],
		[{ last: 'new' }, ['report']],
		[{ last: ['failed', 'new'] }, ['checkout-card', 'report']],
		[{ tags: 'smoke', last: ['failed', 'flaky'], name: '*bank' }, ['checkout-bank']],
		[{ tags: 'smoke', exclude: { name: 'checkout*', last: 'failed' } }, ['checkout-bank', 'login']],
		[{ exclude: { tags: ['smoke'] } }, ['report']],
	];

	for (const [selector, names] of cases)
		test(JSON.stringify(selector), async () => assert.deepEqual(await chosen(selector), names));

	test('a test of its own has a kind', async () => {
		assert.deepEqual(await chosen({ kind: 'command', name: 'mine', tags: ['a'], argv: ['x'] }), ['mine']);
	});

	test('several selectors are taken one after the other', async () => {
		assert.deepEqual(await chosen([{ name: 'login' }, { tags: 'nightly' }]), ['login', 'report']);
	});
});

describe('the list of kept tests takes the same words', () => {
	const cases = [
		['tags=smoke%20and%20not%20slow', ['checkout-card', 'login']],
		['name=checkout*', ['checkout-bank', 'checkout-card']],
		['last=failed&last=new', ['checkout-card', 'report']],
		['tags=smoke&last=passed', ['login']],
		['last=failed&tag=nightly', []],
		['tags=smoke&exclude=slow%20or%20nightly', ['checkout-card', 'login']],
		['exclude=smoke', ['report']],
	];

	for (const [query, names] of cases)
		test(query, async () => {
			assert.deepEqual((await server.get(`/tests?${query}`)).items.map(({ name }) => name), names);
		});

	test('pages go on behind the last that was shown', async () => {
		const names = [];
		let cursor = '';

		do {
			const page = await server.get(`/tests?tags=smoke&limit=1${cursor && `&cursor=${cursor}`}`);

			names.push(...page.items.map(({ name }) => name));
			cursor = page.nextCursor;
		} while (cursor);
		assert.deepEqual(names, ['checkout-bank', 'checkout-card', 'login']);
	});

	test('wrong words are refused', async () => {
		assertProblem(await server.request('GET', '/tests?last=sometimes'), 400, 'invalid_parameter', [['?last', 'invalid_field']]);
		assertProblem(await server.request('GET', '/tests?tags=a%20and'), 400, 'invalid_parameter', [['?tags', 'invalid_field']]);
		assertProblem(await server.request('GET', '/tests?exclude=not'), 400, 'invalid_parameter', [['?exclude/tags', 'invalid_field']]);
	});
});

describe('nothing is chosen: which part left nothing', () => {
	test('tags', () => refused({ tags: 'nobody' }, '/tests/0/tags', /of 4 saved tests none has the tags nobody/));
	test('name', () => refused({ tags: 'smoke', name: 'report' }, '/tests/0/name',
		/of 4 saved tests 3 have the tags smoke, of those none is named report/));
	test('last', () => refused({ tags: 'slow or nightly', name: 'r*', last: ['failed', 'flaky'] }, '/tests/0/last',
		/2 have the tags slow or nightly, of those 1 is named r\*, of those none has the last result flaky or failed/));
	test('exclude', () => refused({ name: 'login', exclude: { tags: 'smoke' } }, '/tests/0/exclude',
		/1 is named login, of those all are excluded/));
	test('a template says it when it is used, a flow when it is asked for, or when its stage begins', async () => {
		await server.post('/templates', { name: 'chosen', params: { what: { type: 'string', required: true } }, tests: [{ tags: '${{ params.what }}' }] });
		await server.post('/templates/chosen/invoke', { params: { what: 'nightly' } });
		const none = await server.request('POST', '/templates/chosen/invoke', { params: { what: 'nobody' } });

		assertProblem(none, 400, 'invalid_field');
		assert.match(none.json.errors[0].detail, /of 4 saved tests none has the tags nobody/);
		const flow = (chosen) => ({ name: 'empty', stages: [{ name: 'a', run: { tests: [chosen] } }] });
		const refusal = await server.request('POST', '/jobs', flow({ tags: 'nobody' }));

		assertProblem(refusal, 400, 'invalid_field');
		assert.match(refusal.json.errors[0].detail, /of 4 saved tests none has the tags nobody/);
		/* How tests end may still change. */
		const { id } = await server.post('/jobs', flow({ tags: 'slow or nightly', name: 'r*', last: 'flaky' }));
		let ended;

		do ended = await server.get(`/jobs/${id}?wait=20s`); while (ended.status !== 'failed');
		assert.match(ended.stages[0].error, /of those 1 is named r\*, of those none has the last result flaky/);
	});
	test('words that do not exist', async () => {
		await refused({ last: 'broken' }, '/tests/0/last', /none of new, passed, flaky, failed/);
		await refused({ tags: 'smoke and' }, '/tests/0/tags', /./);
		await refused({ tags: 'smoke', exclude: { kind: 'http' } }, '/tests/0/exclude/kind', /./);
		await refused({ tags: [], last: 'new' }, '/tests/0/tags', /list/);
		await refused({ test: 'login', last: 'new' }, '/tests/0/last', /stand without/);
	});
});

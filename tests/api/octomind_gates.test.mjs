// SPDX-License-Identifier: Apache-2.0
/*
 * Gates of the Octomind dialect: a client that knows nothing of them sees a report that stays
 * WAITING until something else has happened.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';

import { Server } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const TARGET = '00000000-0000-7000-8000-000000000001';
let server, worker, app, url, state, asked;

after(async () => {
	await server?.close();
	app?.close();
});

/* The application under test: one task, in the state that the test says. */
before(async () => {
	app = http.createServer((request, response) => {
		asked?.(request.url);
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify({ id: 't-1', state }));
	});
	await new Promise((resolve) => { app.listen(0, '127.0.0.1', resolve); });
	url = `http://127.0.0.1:${app.address().port}`;
	server = await Server.start();
	worker = new Worker(server, { kinds: ['browser'] });
	const pushed = await octo('POST', `/test-targets/${TARGET}/push`, {
		testCases: ['preparation', 'validation', 'slow', 'asked'].map((tag) => ({
			version: '1', id: randomUUID(), description: tag, prompt: '', runStatus: 'ON',
			tagNames: [tag],
			elements: [{ interaction: { action: 'GO_TO', calledWith: '/' }, selectors: [] }],
		})),
	}, 'beta');

	assert.equal(pushed.versionIds.length, 4);
	const gate = (members) => ({
		http: {
			request: 'GET ${{ params.url }}/tasks/${{ params.variables.TASK }}',
			select: '/state', until: '. == "SUCCESS"', failIf: '. in ["FAILURE", "REVOKED"]',
			interval: { every: '100ms' }, ...members,
		},
	});
	await server.call('PATCH', '/projects/default', { gates: [
		{ tag: 'validation', timeout: '1h', wait: gate() },
		{ tag: 'slow', timeout: '300ms', wait: gate() },
		{ tag: 'asked', wait: { approval: { text: 'May it begin?' } } },
	] });
});

async function octo(method, target, body, version = 'v3') {
	const got = await server.request(method, `/api/apiKey/${version}${target}`, body, {
		root: true, token: null, headers: { 'x-api-key': server.token },
	});

	assert.equal(got.status, 200, got.text);
	return got.json;
}

const execute = async (tag) => (await octo('POST', '/execute', {
	testTargetId: TARGET, url, tags: [tag], environmentName: '',
	context: { source: 'github', repo: 'r', owner: 'o', ref: 'f', sha: 's' },
	variablesToOverwrite: { TASK: ['t-1'] },
})).testReport;

const show = (id) => octo('GET', `/test-targets/${TARGET}/test-reports/${id}`);

/* As the blocking Action, which takes any error for the end. */
async function poll(id) {
	for (;;) {
		const report = await show(id);

		if (report.status !== 'WAITING') return report;
		const { leases } = await worker.poll({ waitMs: 100 });

		for (const lease of leases) await worker.finish(lease);
	}
}

describe('gates', () => {
	test('two phases: the second waits for the task of the first', async () => {
		state = 'PENDING';
		const first = await poll((await execute('preparation')).id);

		assert.equal(first.status, 'PASSED');
		const path = new Promise((resolve) => { asked = resolve; });
		const waiting = await execute('validation');

		assert.equal(waiting.status, 'WAITING');
		assert.deepEqual(waiting.testResults.map((r) => r.status), ['WAITING']);
		assert.equal(await path, '/tasks/t-1');
		assert.equal((await show(waiting.id)).status, 'WAITING');
		assert.deepEqual((await worker.poll()).leases, []);
		await server.restart('SIGKILL');
		worker = new Worker(server, { kinds: ['browser'] });
		assert.equal((await show(waiting.id)).status, 'WAITING');
		state = 'SUCCESS';
		const second = await poll(waiting.id);

		assert.equal(second.status, 'PASSED', JSON.stringify(second));
		assert.deepEqual(second.testResults.map((r) => [r.id, r.status]),
			[[waiting.testResults[0].id, 'PASSED']]);
	});

	test('a task that failed is a report that FAILED, and no case runs', async () => {
		state = 'FAILURE';
		const report = await poll((await execute('validation')).id);

		assert.equal(report.status, 'FAILED');
		assert.match(report.errorMessage, /gate failed.*failIf holds: .*seen was .*FAILURE/);
		assert.deepEqual(report.testResults.map((r) => [r.status, r.errorMessage]),
			[['FAILED', report.errorMessage]]);
	});

	test('a task that never ends is too late', async () => {
		state = 'PENDING';
		const report = await poll((await execute('slow')).id);

		assert.equal(report.status, 'FAILED');
		assert.match(report.errorMessage, /did not open in time/);
	});

	test('cancelled while it waits', async () => {
		state = 'PENDING';
		const { id } = await execute('validation');

		await server.post(`/jobs/${id}/cancel`);
		const report = await poll(id);

		assert.equal(report.status, 'FAILED');
		assert.match(report.errorMessage, /cancelled/);
	});

	test('reports behind gates are listed like others', async () => {
		const { data } = await octo('GET', `/test-targets/${TARGET}/test-reports`);

		assert.equal(data.length, 5);
		for (const report of data) assert.equal(report.testResults.length, 1);
		const notes = await octo('GET', `/test-targets/${TARGET}/notifications`);

		assert.equal(notes.length, 5);
	});
});

// SPDX-License-Identifier: Apache-2.0
/*
 * Clients of the Octomind dialect that block: they poll a report and take any error for the end. The
 * server restarts under them while a browser carries out the cases and while a gate is closed.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { findChromium } from './browsers.mjs';
import { Server, until } from './helper.mjs';

const RESTARTS = Number(process.env.PROCTOR_RESTARTS ?? 20);
/* The Action's five seconds; each of its polls has a connection of its own, for idle ones end sooner. */
const POLL_MS = Number(process.env.PROCTOR_POLL_MS ?? 50);
const TARGET = '00000000-0000-7000-8000-000000000001';
const skip = !findChromium() && 'no Chromium';

let server, site, url, state, held = [];

before(async () => {
	site = http.createServer((request, response) => {
		response.setHeader('content-type', request.url === '/task' ? 'application/json' : 'text/html');
		if (request.url === '/slow') held.push(response);
		else response.end(request.url === '/task' ? JSON.stringify({ state }) : '<title>Shop</title><h1>Shop</h1>');
	});
	await new Promise((resolve) => { site.listen(0, '127.0.0.1', resolve); });
	url = `http://127.0.0.1:${site.address().port}`;
	if (skip) return;
	server = await Server.start(undefined, { workers: 1 });
	const cases = [['preparation', '/slow'], ['validation', '/']].map(([tag, page]) => ({
		version: '1', id: randomUUID(), description: tag, prompt: '', runStatus: 'ON', tagNames: [tag],
		elements: [{ interaction: { action: 'GO_TO', calledWith: page }, selectors: [] }],
	}));

	assert.equal((await octo('POST', `/apiKey/beta/test-targets/${TARGET}/push`, { testCases: cases })).json.success, true);
	await server.api.call('PATCH', '/projects/default', { gates: [{ tag: 'validation', timeout: '5m',
		wait: { http: { request: 'GET ${{ params.url }}/task', select: '/state', until: '. == "SUCCESS"', interval: { every: '100ms' } } } }] });
});
after(async () => {
	for (const response of held) response.end();
	await server?.stop();
	site?.closeAllConnections();
	site?.close();
	if (server) rmSync(server.data, { recursive: true, force: true, maxRetries: 5 });
});

/* One request of an original client; { status, json }, or { error }. */
function octo(method, target, body) {
	const bytes = body && JSON.stringify(body);

	return new Promise((resolve) => {
		const request = http.request(`${server.url}${target}`, { method, agent: false, headers: {
			'x-api-key': server.token, 'user-agent': 'octomind-cli/4.7.0', ...(bytes && { 'content-type': 'application/json' }),
		} }, (response) => {
			let text = '';

			response.on('data', (part) => { text += part; });
			response.on('error', (error) => resolve({ error: error.code }));
			response.on('end', () => resolve({ status: response.statusCode, json: JSON.parse(text) }));
		});

		request.on('error', (error) => resolve({ error: error.code }));
		request.end(bytes);
	});
}

const execute = (tag) => octo('POST', '/api/apiKey/v3/execute', {
	testTargetId: TARGET, url, context: { source: 'github', repo: 'r', owner: 'o', ref: 'f', sha: 's' },
	environmentName: '', tags: [tag], browser: 'CHROMIUM', breakpoint: 'DESKTOP', variablesToOverwrite: {},
});

/* As the blocking Action: to the end of the report, or to the first thing that is no good answer. */
async function block(tag, prefix, client = {}) {
	const made = await execute(tag);

	assert.equal(made.status, 200, JSON.stringify(made));
	client.id = made.json.testReport.id;
	for (client.n = 0; ; client.n++) {
		const got = await octo('GET', `${prefix}/v3/test-targets/${TARGET}/test-reports/${client.id}`);

		assert.equal(got.status, 200, `poll ${client.n}: ${JSON.stringify(got)}`);
		if (got.json.status !== 'WAITING') return got.json;
		await pause(POLL_MS);
	}
}

const startedAt = () => JSON.parse(readFileSync(path.join(server.data, 'server.json'), 'utf8')).startedAt;

async function restart(signal) {
	const was = startedAt();

	process.kill(server.pid, signal);
	await until('the next image answers', 20000, () => startedAt() !== was);
}

describe('blocking clients', { skip }, () => {
	test('see WAITING and then PASSED through every restart', async () => {
		state = 'PENDING';
		const running = {}, gated = {};
		const ends = [block('preparation', '/api/apiKey', running), block('validation', '/apiKey', gated)];
		const late = [];
		let failed;

		for (const one of ends) one.catch((error) => { failed ??= error; });
		await until('the browser is at the slow page', 60000, () => failed || held.length > 0);
		for (let i = 0; i < RESTARTS && !failed; i++) {
			await restart(i % 2 ? 'SIGHUP' : 'SIGUSR2');
			late.push(execute('validation'));
		}
		if (failed) throw failed;
		const before = [running.n, gated.n];

		state = 'SUCCESS';
		for (const response of held.splice(0)) response.end('<title>Done</title>');
		const [first, second] = await Promise.all(ends);

		assert.equal(first.status, 'PASSED', JSON.stringify(first));
		assert.equal(second.status, 'PASSED', JSON.stringify(second));
		for (const n of before) assert.ok(n > RESTARTS / 2, `${n} polls`);
		for (const made of await Promise.all(late)) assert.equal(made.status, 200, JSON.stringify(made));
		const { items } = await server.api.get(`/jobs/${running.id}/runs`);

		assert.deepEqual(items.map(({ attempt, losses }) => [attempt, losses ?? 0]), [[1, 0]]);
	});
});

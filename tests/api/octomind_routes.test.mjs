// SPDX-License-Identifier: Apache-2.0
/*
 * Every route of the Octomind dialect, with and without /api: a request as the original clients send
 * it, and the exact shape of the answer. A route without a row here fails the first test.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Server } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

let server, worker;

after(() => server?.close());
before(async () => {
	server = await Server.start();
	worker = new Worker(server, { kinds: ['browser'], labels: { location: 'cellar' } });
	await worker.poll();
});

// ---- shapes -------------------------------------------------------------------------------------

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const URI = /^https?:\/\//;
const ANY = () => {};
const nullable = (shape) => (value, at) => { if (value !== null) fits(value, shape, at); };
const oneOf = (...words) => new RegExp(`^(${words.join('|')})$`);

/* A regular expression for texts, a type's name, [items], { member, 'optional?' }: all that there is. */
function fits(value, shape, at = '') {
	if (typeof shape === 'function') return shape(value, at);
	if (typeof shape === 'string') return assert.equal(typeof value, shape, at);
	if (shape instanceof RegExp) {
		assert.equal(typeof value, 'string', at);
		return assert.match(value, shape, at);
	}
	if (Array.isArray(shape)) {
		assert.ok(Array.isArray(value), at);
		return value.forEach((one, i) => fits(one, shape[0], `${at}/${i}`));
	}
	assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), `${at}: ${JSON.stringify(value)}`);
	for (const [name, inner] of Object.entries(shape)) {
		const key = name.replace('?', '');

		if (key in value) fits(value[key], inner, `${at}/${key}`);
		else assert.ok(name.endsWith('?'), `${at}: no ${key} in ${JSON.stringify(value)}`);
	}
	const known = new Set(Object.keys(shape).map((name) => name.replace('?', '')));

	assert.deepEqual(Object.keys(value).filter((key) => !known.has(key)), [], `${at}: unknown members`);
}

const syncElement = { 'interaction?': nullable({ action: 'string', 'calledWith?': ANY }),
	'assertion?': nullable({ expectation: 'string', 'calledWith?': ANY }),
	selectors: [{ 'id?': UUID, selectorType: 'string', 'selector?': nullable('string'), 'options?': nullable('object') }], 'ignoreFailure?': 'boolean' };
const element = { ...syncElement, id: UUID, index: 'number', testCaseId: UUID };
const listedEnvironment = { id: UUID, name: 'string', testTargetId: UUID, type: oneOf('DEFAULT', 'ADDITIONAL'), discoveryUrl: URI, updatedAt: TIME,
	'additionalHeaderFields?': nullable('object'), 'testAccount?': nullable({ username: 'string', password: 'string', 'otpInitializerKey?': nullable('string') }),
	'basicAuth?': nullable({ username: 'string', password: 'string' }),
	'privateLocation?': nullable({ 'id?': UUID, name: 'string', 'status?': 'string', 'type?': 'string' }) };
const target = { id: UUID, app: 'string', 'tags?': ['string'], environments: [listedEnvironment],
	'testIdAttribute?': nullable('string'), 'timeoutPerStep?': 'number', 'testRailIntegration?': nullable('object') };
const STATUS = oneOf('WAITING', 'PASSED', 'FAILED');
const BROWSER = oneOf('CHROMIUM', 'FIREFOX', 'SAFARI'), BREAKPOINT = oneOf('DESKTOP', 'MOBILE', 'TABLET');
const result = { id: UUID, testTargetId: UUID, testReportId: UUID, testCaseId: UUID, testCaseVersionId: UUID, createdAt: TIME, updatedAt: TIME,
	status: oneOf('WAITING', 'PASSED', 'FAILED', 'ERROR'), 'errorMessage?': nullable('string'), 'error?': nullable('string'), 'traceUrl?': nullable(URI),
	'duration?': 'number', steps: [ANY], breakpoint: BREAKPOINT, browser: BROWSER };
const report = { id: UUID, testTargetId: UUID, createdAt: TIME, updatedAt: TIME, executionUrl: URI, status: STATUS,
	context: { source: 'string', 'description?': 'string', 'triggeredBy?': 'object' }, breakpoint: BREAKPOINT, browser: BROWSER,
	'environmentId?': UUID, 'errorMessage?': nullable('string'), testResults: [result] };
const discovery = { 'id?': UUID, status: 'string' };
const testCase = { version: /^1$/, id: UUID, testTargetId: UUID, description: 'string', status: oneOf('ENABLED', 'DISABLED', 'DRAFT', 'OUTDATED', 'PROVISIONAL'),
	runStatus: oneOf('ON', 'OFF'), tags: ['string'], elements: [element], 'externalId?': nullable('string'), 'entryPointUrlPath?': nullable('string'),
	'folderId?': nullable(UUID), 'prerequisiteId?': nullable(UUID), 'teardownTestCaseId?': nullable(UUID), createdBy: 'string', createdAt: TIME, updatedAt: TIME, 'discovery?': discovery, 'prompt?': 'string', 'folderName?': nullable('string') };
const syncCase = { version: /^1$/, id: UUID, runStatus: oneOf('ON', 'OFF'), elements: [syncElement], description: 'string', prompt: 'string',
	'type?': 'string', 'tagNames?': ['string'], 'excludedEnvironmentNames?': ['string'], 'dependencyId?': UUID, 'teardownId?': UUID,
	'entryPointUrlPath?': 'string', 'folderName?': 'string', 'externalId?': 'string', 'localEditingStatus?': 'string' };
const problem = { error: 'string', message: 'string' };

// ---- requests -----------------------------------------------------------------------------------

const newCase = () => ({
	version: '1', id: randomUUID(), description: 'buys a mug', prompt: 'buy a mug', runStatus: 'ON', tagNames: ['smoke'], folderName: 'shop',
	elements: [{ interaction: { action: 'CLICK', calledWith: {} }, selectors: [{ selectorType: 'ROLE', selector: 'button', options: { name: 'Buy' } }] }],
	filePath: '/home/ann/shop/.octomind/buysAMug.yaml',
});
const execution = ({ target: id }) => ({ testTargetId: id, url: 'http://127.0.0.1:9/',
	context: { source: 'manual', description: 'CLI execution', triggeredBy: { type: 'USER', userId: 'cli-user' } },
	environmentName: 'default', tags: ['smoke'], browser: 'CHROMIUM', breakpoint: 'DESKTOP' });
const json = (value) => encodeURIComponent(JSON.stringify(value));
const T = '/test-targets/{target}';

/*
 * method, route, what follows its version; then what a client sends and gets. `ctx` has ids by the
 * names in braces; keep() puts them there.
 */
const rows = [
	{ route: 'GET /test-targets', version: 'v3', shape: [target] },
	{ route: 'POST /test-targets', version: 'v3', shape: target,
		body: () => ({ testTarget: { app: `shop ${randomUUID()}`, discoveryUrl: 'http://127.0.0.1:9/shop/' } }), keep: { target: (got) => got.id } },
	{ route: `GET ${T}`, version: 'v3', shape: target },
	{ route: `PATCH ${T}`, version: 'v3', shape: target,
		body: () => ({ testIdAttribute: 'data-qa', timeoutPerStep: 7000, testRailIntegration: { domain: 'd', username: 'u', projectId: '1', apiKey: 'k' } }) },

	{ route: `GET ${T}/environments`, version: 'v3', shape: [listedEnvironment] },
	{ route: `POST ${T}/environments`, version: 'v3', status: 201, shape: listedEnvironment, keep: { environment: (got) => got.id },
		body: () => ({ name: 'staging', discoveryUrl: 'http://staging.test/', testAccount: { username: 'ann', password: 'p', otpInitializerKey: 'JBSWY3DPEHPK3PXP' },
			basicAuth: { username: 'bob', password: 'q' }, privateLocationName: 'cellar', additionalHeaderFields: { 'x-key': 'v' } }) },
	{ route: `GET ${T}/environments/{id}`, version: 'v3', ids: { id: 'environment' }, shape: listedEnvironment },
	{ route: `PATCH ${T}/environments/{id}`, version: 'v3', ids: { id: 'environment' }, shape: listedEnvironment, body: () => ({ discoveryUrl: 'http://stage.test/' }) },
	{ route: `DELETE ${T}/environments/{id}`, version: 'v3', ids: { id: 'environment' }, status: 204 },

	{ route: `POST ${T}/push`, version: 'beta', shape: { success: 'boolean', versionIds: [UUID] },
		body: (ctx) => ({ testCases: [Object.assign(ctx, { pushed: newCase() }).pushed] }), keep: { case: (_, ctx) => ctx.pushed.id } },
	{ route: `POST ${T}/draft/push`, version: 'beta', keep: { version: (got) => got.versionIds[0] }, body: (ctx) => ({ testCases: [ctx.pushed] }),
		shape: (got) => fits(got, { success: 'boolean', versionIds: [UUID],
			syncDataByStableId: { [Object.keys(got.syncDataByStableId)[0]]: { versionId: UUID, 'testResultId?': UUID } },
			versionIdByStableId: { [Object.keys(got.syncDataByStableId)[0]]: UUID } }) },
	{ route: `GET ${T}/test-cases/{id}/versions/{version}`, version: 'beta', ids: { id: 'case' },
		shape: { ...syncCase, versionId: UUID, localEditingStatus: oneOf('IN_PROGRESS', 'DONE', 'CANCELLED') } },
	{ route: `GET ${T}/pull`, version: 'beta', shape: { testCases: [syncCase] } },
	{ route: `POST ${T}/code`, version: 'beta', type: 'application/zip',
		body: (ctx) => ({ testCases: [ctx.pushed], testTargetId: ctx.target, executionUrl: 'http://127.0.0.1:9/', filterTestCaseIds: [ctx.case] }) },

	{ route: `GET ${T}/test-cases`, version: 'v3', query: `?filter=${json({ status: 'ENABLED', runStatus: 'ON' })}`, shape: [testCase],
		keep: { element: ([one]) => one.elements[0].id } },
	{ route: `GET ${T}/test-cases/{id}`, version: 'v3', ids: { id: 'case' }, shape: testCase },
	{ route: `PATCH ${T}/test-cases/{id}`, version: 'v3', ids: { id: 'case' }, shape: testCase,
		body: () => ({ description: 'buys two mugs', runStatus: 'ON', status: 'ENABLED', assignedTagNames: ['smoke'], folderName: 'shop', entryPointUrlPath: '/cart', externalId: 'X-1' }) },
	{ route: `PATCH ${T}/test-cases/{id}/elements/{element}`, version: 'v3', ids: { id: 'case' }, shape: element,
		body: () => ({ locatorLine: "page.getByRole('button', { name: 'Buy' }).first()" }) },
	{ route: `GET ${T}/test-cases/{id}/code`, version: 'v3', ids: { id: 'case' }, query: '?executionUrl=http%3A%2F%2Fx.test%2F&simpleCode=true', shape: { testCode: /@playwright\/test/ } },
	{ route: `GET ${T}/config`, version: 'v3', type: 'text/plain',
		query: '?url=http%3A%2F%2Fx.test&outputDir=out&headless=true&bypassProxy=true&browser=CHROMIUM&breakpoint=MOBILE' },

	{ route: 'POST /execute', version: 'v3', shape: { testReportUrl: URI, testReport: report }, body: execution,
		keep: { report: (got) => got.testReport.id } },
	{ route: `POST ${T}/execute`, version: 'v3', shape: { testReportUrl: URI, testReport: report }, body: execution },
	{ route: `GET ${T}/test-reports/{id}`, version: 'v3', ids: { id: 'report' }, shape: report },
	{ route: `GET ${T}/test-reports`, version: 'v3', shape: { data: [report], key: { createdAt: TIME }, hasNextPage: 'boolean' },
		query: `?filter=${json([{ key: 'status', operator: 'EQUALS', value: 'WAITING' }])}` },
	{ route: 'GET /testtargets/{target}/testreports/{id}', ids: { id: 'report' }, status: 302 },
	{ route: `GET ${T}/notifications`, version: 'v3', prepare: (ctx) => server.post(`/jobs/${ctx.report}/cancel?project=${ctx.target}`),
		shape: (got) => {
			assert.ok(got.length > 0);
			fits(got, [{ id: UUID, testTargetId: UUID, createdAt: TIME, updatedAt: TIME, ack: nullable('string'), type: /^REPORT_EXECUTION_FINISHED$/,
				payload: { 'testReportId?': UUID, 'testCaseId?': UUID, 'failed?': 'boolean', 'context?': ANY } }]);
		} },

	{ route: 'GET /private-location', version: 'v1', shape: [{ status: oneOf('ONLINE', 'OFFLINE'), address: 'string', name: 'string' }] },
	{ route: 'PUT /private-location/register', version: 'v1', shape: { success: 'boolean' },
		body: () => ({ name: 'cellar', registrationData: { address: 'a:1', username: 'u', password: 'p' } }) },
	{ route: 'PUT /private-location/unregister', version: 'v1', shape: { success: 'boolean' },
		body: () => ({ name: 'cellar', registrationData: { address: 'a:1', proxyuser: 'u', proxypass: 'p' } }) },

	{ route: `POST ${T}/discoveries`, version: 'v3', shape: { discoveryId: UUID, testCaseId: UUID },
		body: () => ({ name: 'finds mugs', prompt: 'look for mugs', tagNames: ['x'], folderName: 'shop' }) },
	// Nobody looks around here (docs/protocol/octomind.md §2): what there is not is said, in the errors' shape.
	{ route: `POST ${T}/batch-generations`, version: 'v3', status: 501, shape: problem, body: () => ({ prompt: 'x', imageUrls: [], guessDependency: true }) },
	{ route: `POST ${T}/batch-generations/from-test-plan`, version: 'v3', status: 501, shape: problem, body: () => ({ inputText: 'x', imageUrls: [], tagNames: [] }) },
	{ route: 'POST /test-plan/explore', version: 'v3', status: 501, shape: problem, body: (ctx) => ({ url: 'http://x.test/', testTargetId: ctx.target, context: {} }) },
	{ route: `GET ${T}/test-plans/{id}`, version: 'beta', ids: { id: 'case' }, status: 404, shape: problem },

	{ route: `DELETE ${T}/test-cases/{id}`, version: 'v3', ids: { id: 'case' }, shape: { status: /^deleted$/ } },
	{ route: `DELETE ${T}`, version: 'v3', status: 204 },
];

/* The page of a report has no version before it. */
const prefixOf = ({ version }, api) => (version ? `${api}/apiKey/${version}` : '');

/* The path of the row with ids in it. */
const pathOf = (row, ctx) => row.route.split(' ')[1].replace(/\{(\w+)\}/g, (_, name) => {
	const id = ctx[row.ids?.[name] ?? name];

	assert.ok(id, `${row.route} needs ${name}`);
	return id;
}) + (row.query ?? '');

async function ask(row, ctx, prefix, headers) {
	const body = row.body?.(ctx);
	const response = await fetch(`${server.url}${prefix}${pathOf(row, ctx)}`, {
		method: row.route.split(' ')[0], headers: { 'user-agent': 'octomind-cli/4.7.0', 'content-type': 'application/json', ...headers },
		body: body && JSON.stringify(body), redirect: 'manual',
	});

	return { status: response.status, location: response.headers.get('location'), type: response.headers.get('content-type') ?? '', length: response.headers.get('content-length'), text: await response.text() };
}

function judge(row, got) {
	assert.equal(got.status, row.status ?? 200, got.text);
	if (got.status === 302) return assert.match(got.location, /^(https?:\/\/[^/]+)?\/api\/v1\/jobs\/[^/]+\/report\?/);
	if (got.status === 204) return assert.deepEqual([got.text, got.length ?? '0'], ['', '0']);
	assert.ok(got.type.startsWith(row.type ?? 'application/json'), got.type);
	if (row.shape) fits(JSON.parse(got.text), row.shape);
	else assert.ok(got.text.length > 0);
}

test('every route of the dialect has a row', () => {
	const source = readFileSync(new URL('../../src/dialects/octomind/routes.c', import.meta.url), 'utf8');
	const routes = [...source.matchAll(/\{ HTTP_(\w+), (T)? ?(?:"([^"]*)")?,/g)].map(([, method, atTarget, rest = '']) =>
		`${method} ${atTarget ? T : ''}${rest}`);

	assert.ok(routes.length >= 30, `${routes.length}`);
	assert.deepEqual(rows.map(({ route }) => route).sort(), routes.sort());
});

for (const api of ['/api', ''])
	describe(`below ${api || '/'}`, () => {
		const ctx = {};

		for (const row of rows)
			test(`${row.route}${row.version ? ` (${row.version})` : ''}`, async () => {
				await row.prepare?.(ctx);
				const got = await ask(row, ctx, prefixOf(row, api), { 'x-api-key': server.token });

				judge(row, got);
				for (const [name, of] of Object.entries(row.keep ?? {})) ctx[name] = of(JSON.parse(got.text), ctx);
			});
	});

describe('a bad key: 403 and nothing else, wherever', () => {
	const ctx = new Proxy({}, { get: () => randomUUID(), set: () => true });

	for (const row of rows)
		test(row.route, async () => {
			const body = row.body ? {} : undefined;

			for (const api of ['/api', '']) {
				const got = await ask({ ...row, body: body && (() => body) }, ctx, prefixOf(row, api), { 'x-api-key': 'no' });

				judge({ status: 403, shape: problem }, got);
			}
		});
});

test('what debugtopus asks for, with its bearer token', async () => {
	const ctx = {};
	const go = async (row, prefix) => {
		const got = await ask(row, ctx, prefix, { authorization: `Bearer ${server.token}` });

		judge(row, got);
		for (const [name, of] of Object.entries(row.keep ?? {})) ctx[name] = of(JSON.parse(got.text), ctx);
	};
	const rowOf = (route) => rows.find((row) => row.route === route);

	await go(rowOf('POST /test-targets'), '/api/bearer/v1');
	await go(rowOf(`POST ${T}/push`), '/api/apiKey/beta');
	for (const api of ['/api', ''])
		for (const route of [`GET ${T}`, `GET ${T}/environments`, `GET ${T}/test-cases`, `GET ${T}/test-cases/{id}/code`, `GET ${T}/config`])
			await go(rowOf(route), `${api}/bearer/v1`);
});

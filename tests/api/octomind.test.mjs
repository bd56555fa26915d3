// SPDX-License-Identifier: Apache-2.0
/*
 * The Octomind dialect: requests as its clients send them, and the shapes that they get, with
 * and without /api (docs/protocol/octomind.md).
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { Server } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const DEFAULT = '00000000-0000-7000-8000-000000000001';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
let server;

after(() => server?.close());
before(async () => { server = await Server.start(); });

/* One request as a client of the dialect sends it. */
function octo(method, target, body, { prefix = '/api/apiKey/v3', headers = {} } = {}) {
	return server.request(method, `${prefix}${target}`, body, {
		root: true, token: null,
		headers: { 'x-api-key': server.token, 'user-agent': 'octomind-cli/4.7.0', ...headers },
	});
}

async function ok(method, target, body, options) {
	const got = await octo(method, target, body, options);

	assert.equal(got.status, options?.status ?? 200, `${method} ${target}: ${got.text}`);
	return got.json;
}

const beta = { prefix: '/api/apiKey/beta' };
const click = (name) => ({
	interaction: { action: 'CLICK', calledWith: {} },
	selectors: [{ selectorType: 'ROLE', selector: 'button', options: { name } }],
});
const syncCase = (members = {}) => ({
	version: '1', id: randomUUID(), description: 'buys a mug', prompt: 'buy a mug', runStatus: 'ON',
	elements: [click('Buy')], filePath: '/home/ann/shop/.octomind/buysAMug.yaml', ...members,
});

async function newTarget(app = `shop ${randomUUID().slice(0, 8)}`) {
	return ok('POST', '/test-targets', {
		testTarget: { app, discoveryUrl: 'http://127.0.0.1:9/shop/' },
	});
}

async function push(target, ...cases) {
	const got = await ok('POST', `/test-targets/${target}/push`, { testCases: cases }, beta);

	assert.equal(got.success, true);
	return got.versionIds;
}

const execution = (target, members = {}) => ({
	testTargetId: target, url: 'http://127.0.0.1:9/',
	context: {
		source: 'manual', description: 'CLI execution',
		triggeredBy: { type: 'USER', userId: 'cli-user' },
	},
	environmentName: 'default', browser: 'CHROMIUM', breakpoint: 'DESKTOP', ...members,
});

function assertReport(report, target) {
	assert.match(report.id, UUID);
	assert.equal(report.testTargetId, target);
	assert.match(report.createdAt, TIME);
	assert.match(report.updatedAt, TIME);
	assert.match(report.executionUrl, /^http/);
	assert.ok(['WAITING', 'PASSED', 'FAILED'].includes(report.status));
	assert.ok(report.context.source);
	assert.equal(report.breakpoint, 'DESKTOP');
	assert.equal(report.browser, 'CHROMIUM');
	for (const result of report.testResults) {
		for (const key of ['id', 'testTargetId', 'testReportId', 'testCaseId', 'testCaseVersionId'])
			assert.match(result[key], UUID, key);
		assert.match(result.createdAt, TIME);
		assert.match(result.updatedAt, TIME);
		assert.ok(['WAITING', 'PASSED', 'FAILED', 'ERROR'].includes(result.status));
		assert.ok(Array.isArray(result.steps));
	}
}

describe('access', () => {
	test('a bad key is told 403, with and without /api', async () => {
		for (const prefix of ['/api/apiKey/v3', '/apiKey/v3', '/api/apiKey/v1', '/apiKey/beta']) {
			const got = await octo('GET', '/test-targets', undefined, {
				prefix, headers: { 'x-api-key': 'no' },
			});

			assert.equal(got.status, 403, prefix);
			assert.equal(got.json.error, 'unauthorized');
		}
	});

	test('Bearer is as good, on the bearer paths too', async () => {
		for (const prefix of ['/api/bearer/v1', '/bearer/v1', '/api/apiKey/v3']) {
			const got = await server.request('GET', `${prefix}/test-targets/${DEFAULT}`, undefined,
				{ root: true });

			assert.equal(got.status, 200, got.text);
			assert.equal(got.json.app, 'default');
		}
	});

	test('unknown paths and versions', async () => {
		assert.equal((await octo('GET', '/nothing')).json.error, 'not_found');
		assert.equal((await octo('GET', '/test-targets', undefined, { prefix: '/apiKey/v9' })).status, 404);
		const wrong = await octo('PUT', '/test-targets', {});

		assert.equal(wrong.status, 405);
		assert.equal(wrong.json.error, 'method_not_allowed');
	});
});

describe('test targets and environments', () => {
	test('a target is made, listed, changed and deleted', async () => {
		const made = await newTarget('shop of targets');

		assert.match(made.id, UUID);
		assert.equal(made.app, 'shop of targets');
		assert.deepEqual(made.environments.map((e) => [e.name, e.type, e.discoveryUrl]),
			[['default', 'DEFAULT', 'http://127.0.0.1:9/shop/']]);
		const listed = await ok('GET', '/test-targets');

		assert.deepEqual(listed.map((t) => t.id).filter((id) => [DEFAULT, made.id].includes(id)),
			[DEFAULT, made.id]);
		const changed = await ok('PATCH', `/test-targets/${made.id}`, {
			app: 'shop two', testIdAttribute: 'data-qa', timeoutPerStep: 7000,
			testRailIntegration: { domain: 'd', username: 'u', projectId: '1', apiKey: 'hush' },
		});

		assert.equal(changed.app, 'shop two');
		assert.equal(changed.testIdAttribute, 'data-qa');
		assert.equal(changed.timeoutPerStep, 7000);
		assert.deepEqual(changed.testRailIntegration, { domain: 'd', username: 'u', projectId: '1' });
		const bad = await octo('PATCH', `/test-targets/${made.id}`, { timeoutPerStep: 1 });

		assert.equal(bad.status, 400);
		assert.deepEqual(bad.json.map((i) => i.path), [['timeoutPerStep']]);
		assert.equal((await octo('POST', '/test-targets',
			{ testTarget: { app: 'shop two', discoveryUrl: 'http://x/' } })).status, 400);
		const gone = await octo('DELETE', `/test-targets/${made.id}`);

		assert.deepEqual([gone.status, gone.text], [204, '']);
		assert.equal((await octo('GET', `/test-targets/${made.id}`)).status, 404);
		assert.equal((await octo('DELETE', `/test-targets/${DEFAULT}`)).status, 400);
	});

	test('environments never give a secret back', async () => {
		const { id: target } = await newTarget();
		const made = await octo('POST', `/test-targets/${target}/environments`, {
			name: 'staging', discoveryUrl: 'http://staging.test/',
			testAccount: { username: 'ann', password: 'hush-1', otpInitializerKey: 'hush-2' },
			basicAuth: { username: 'bob', password: 'hush-3' },
			privateLocationName: 'cellar', additionalHeaderFields: { 'x-key': 'hush-4' },
		});

		assert.equal(made.status, 201, made.text);
		assert.equal(made.json.type, 'ADDITIONAL');
		assert.equal(made.json.testAccount.username, 'ann');
		assert.equal(made.json.privateLocation.name, 'cellar');
		assert.deepEqual(Object.keys(made.json.additionalHeaderFields), ['x-key']);
		const changed = await ok('PATCH', `/test-targets/${target}/environments/${made.json.id}`,
			{ ...made.json, name: 'stage' });

		assert.equal(changed.name, 'stage');
		const listed = await octo('GET', `/test-targets/${target}/environments`);

		assert.deepEqual(listed.json.map((e) => [e.name, e.type]),
			[['default', 'DEFAULT'], ['stage', 'ADDITIONAL']]);
		const native = await server.request('GET',
			`/environments/${made.json.id}?project=${target}`);

		assert.equal(native.status, 200, native.text);
		for (const text of [made.text, listed.text, native.text])
			assert.doesNotMatch(text, /hush/);
		assert.equal((await octo('DELETE',
			`/test-targets/${target}/environments/${listed.json[0].id}`)).status, 400);
		assert.equal((await octo('DELETE',
			`/test-targets/${target}/environments/${made.json.id}`)).status, 204);
		const bad = await octo('POST', `/test-targets/${target}/environments`, { name: 4 });

		assert.equal(bad.status, 400);
		assert.ok(bad.json.every((i) => i.code && Array.isArray(i.path) && i.message), bad.text);
	});

	test('a target of nobody', async () => {
		for (const path of ['', '/environments', '/test-cases', '/test-reports', '/notifications', '/config'])
			assert.equal((await octo('GET', `/test-targets/${randomUUID()}${path}`)).status, 404, path);
	});
});

describe('test cases', () => {
	test('push, list with filters, show, change, delete', async () => {
		const { id: target } = await newTarget();
		const T = `/test-targets/${target}`;
		const login = syncCase({ description: 'logs in', tagNames: ['smoke'], externalId: 'X-1' });
		const buy = syncCase({ dependencyId: login.id, folderName: 'shop', runStatus: 'OFF' });
		const versions = await push(target, login, buy);

		assert.equal(versions.length, 2);
		versions.forEach((id) => assert.match(id, UUID));
		const list = async (filter) =>
			(await ok('GET', `${T}/test-cases${filter ? `?filter=${
				encodeURIComponent(JSON.stringify(filter))}` : ''}`)).map((c) => c.description).sort();

		assert.deepEqual(await list(), ['buys a mug', 'logs in']);
		assert.deepEqual(await list({ status: 'ENABLED', runStatus: 'ON' }), ['logs in']);
		assert.deepEqual(await list({ OR: [{ externalId: 'X-1' }, { runStatus: 'OFF' }] }),
			['buys a mug', 'logs in']);
		assert.deepEqual(await list({ NOT: { description: 'logs in' } }), ['buys a mug']);
		assert.deepEqual(await list({ AND: [{ externalId: null }, { testTargetId: target }] }),
			['buys a mug']);
		for (const filter of ['{', '{"nope":"x"}', '[]', '{"AND":{"status":1}}']) {
			const bad = await octo('GET', `${T}/test-cases?filter=${encodeURIComponent(filter)}`);

			assert.equal(bad.status, 400, filter);
			assert.ok(Array.isArray(bad.json), filter);
		}
		const shown = await ok('GET', `${T}/test-cases/${buy.id}`);

		assert.equal(shown.version, '1');
		assert.equal(shown.testTargetId, target);
		assert.equal(shown.status, 'ENABLED');
		assert.equal(shown.prerequisiteId, login.id);
		assert.match(shown.folderId, UUID);
		assert.ok(!('filePath' in shown));
		assert.equal(shown.elements.length, 1);
		assert.deepEqual(await list({ folderId: shown.folderId }), ['buys a mug']);
		const changed = await ok('PATCH', `${T}/test-cases/${buy.id}`, {
			description: 'buys two', runStatus: 'ON', status: 'DISABLED',
			assignedTagNames: ['night'], entryPointUrlPath: '/cart', externalId: 'X-2',
		});

		assert.deepEqual([changed.description, changed.runStatus, changed.status, changed.tags,
			changed.entryPointUrlPath, changed.externalId],
		['buys two', 'ON', 'DISABLED', ['night'], '/cart', 'X-2']);
		assert.equal((await octo('PATCH', `${T}/test-cases/${buy.id}`, { status: 'NO' })).status, 400);
		const blocked = await octo('DELETE', `${T}/test-cases/${login.id}`);

		assert.equal(blocked.status, 400);
		assert.deepEqual(blocked.json, { status: 'has dependencies', dependencyIds: [buy.id] });
		assert.deepEqual(await ok('DELETE', `${T}/test-cases/${buy.id}`), { status: 'deleted' });
		assert.deepEqual(await list(), ['logs in']);
	});

	test('an element gets another locator', async () => {
		const { id: target } = await newTarget();
		const one = syncCase();

		await push(target, one);
		const path = `/test-targets/${target}/test-cases/${one.id}`;
		const [element] = (await ok('GET', path)).elements;
		const changed = await ok('PATCH', `${path}/elements/${element.id}`, {
			locatorLine: "page.frameLocator('#f').getByRole('link', { name: 'It\\'s', exact: true }).nth(2)",
		});

		assert.equal(changed.id, element.id);
		assert.deepEqual(changed.selectors.map((s) => [s.selectorType, s.selector]),
			[['FRAME', '#f'], ['ROLE', 'link'], ['NTH', '2']].map(([type, text], i) =>
				[type, changed.selectors[i].selector ?? text]));
		assert.equal(changed.selectors[1].options.name, "It's");
		for (const line of ['page.evaluate("x")', "getByText('a", "getByRole('a', { evil: 1 })", ''])
			assert.equal((await octo('PATCH', `${path}/elements/${element.id}`,
				{ locatorLine: line })).status, 400, line);
		assert.equal((await octo('PATCH', `${path}/elements/${randomUUID()}`,
			{ locatorLine: "getByText('a')" })).status, 404);
	});

	test('what is wrong in a push is told with its places', async () => {
		const { id: target } = await newTarget();
		const bad = await octo('POST', `/test-targets/${target}/push`,
			{ testCases: [syncCase(), syncCase({ id: 'x', runStatus: 'MAYBE' })] }, beta);

		assert.equal(bad.status, 400);
		assert.ok(bad.json.some((i) => i.path.join('/') === 'testCases/1/id'), bad.text);
		assert.ok(bad.json.some((i) => i.path.join('/') === 'testCases/1/runStatus'));
		assert.deepEqual(await ok('GET', `/test-targets/${target}/test-cases`), []);
	});

	test('equal descriptions of ids that begin alike live side by side', async () => {
		const { id: target } = await newTarget();
		const ids = [1, 2, 3].map((n) => `0192abcd-0000-7000-8000-00000000000${n}`);
		const description = 'x'.repeat(300);

		await push(target, ...ids.map((id) => syncCase({ id, description })));
		const cases = await ok('GET', `/test-targets/${target}/test-cases`);

		assert.deepEqual(cases.map((c) => c.id).sort(), ids);
	});

	test('pushed twice it is the same case; equal descriptions live side by side', async () => {
		const { id: target } = await newTarget();
		const one = syncCase(), two = syncCase();
		const first = await push(target, one, two);
		const second = await push(target, one, two);

		assert.notDeepEqual(first, second);
		assert.equal((await ok('GET', `/test-targets/${target}/test-cases`)).length, 2);
		const pulled = await ok('GET', `/test-targets/${target}/pull`, undefined, beta);

		assert.deepEqual(pulled.testCases.map((c) => c.id).sort(), [one.id, two.id].sort());
		const { filePath, ...sent } = one;

		assert.ok(filePath);
		const got = pulled.testCases.find((c) => c.id === one.id);

		for (const key of ['version', 'id', 'description', 'prompt', 'runStatus'])
			assert.equal(got[key], sent[key], key);
	});

	test('texts that look like expressions come back as they went', async () => {
		const { id: target } = await newTarget();
		const odd = syncCase({ description: 'types ${{ params.x }} and {{y}}' });

		await push(target, odd);
		await push(target, odd);
		const shown = await ok('GET', `/test-targets/${target}/test-cases/${odd.id}`);

		assert.equal(shown.description, odd.description);
		const { testReport } = await ok('POST', '/execute', execution(target));

		assert.equal(testReport.testResults.length, 1);
	});

	test('so do addresses and tags of an execution, behind a gate too', async () => {
		const { id: target } = await newTarget();

		await server.call('PATCH', `/projects/${target}`,
			{ gates: [{ tag: '${{ gate', wait: { timer: { for: '1h' } } }] });
		await push(target, syncCase({ tagNames: ['${{ tag }}', '${{ gate'] }));
		for (const tag of ['${{ tag }}', '${{ gate', '${{ nobody']) {
			const { testReport } = await ok('POST', '/execute',
				execution(target, { tags: [tag], url: 'http://127.0.0.1:9/${{ x' }));
			const job = await server.get(`/jobs/${testReport.id}?project=${target}`);

			assert.equal(testReport.executionUrl, 'http://127.0.0.1:9/${{ x');
			assert.equal(testReport.testResults.length, tag === '${{ nobody' ? 0 : 1);
			assert.equal(job.kind, tag === '${{ gate' ? 'flow' : 'browser');
			assert.equal(job.name, tag);
			assert.deepEqual(job.tags, ['octomind', tag]);
			await server.request('POST', `/jobs/${job.id}/cancel?project=${target}`);
		}
	});

	test('drafts stand beside the case and have versions', async () => {
		const { id: target } = await newTarget();
		const one = syncCase();
		const T = `/test-targets/${target}`;
		const draft = async (members) => {
			const got = await ok('POST', `${T}/draft/push`,
				{ testCases: [{ ...one, ...members }] }, beta);

			assert.equal(got.success, true);
			assert.equal(got.versionIdByStableId[one.id], got.versionIds[0]);
			assert.deepEqual(got.syncDataByStableId[one.id], { versionId: got.versionIds[0] });
			return got.versionIds[0];
		};
		const first = await draft({ description: 'first', localEditingStatus: 'IN_PROGRESS' });
		const second = await draft({ description: 'second' });

		assert.notEqual(first, second);
		assert.deepEqual(await ok('GET', `${T}/test-cases`), []);
		const version = (id) => ok('GET', `${T}/test-cases/${one.id}/versions/${id}`, undefined, beta);

		assert.deepEqual([(await version(first)).description, (await version(first)).localEditingStatus],
			['first', 'IN_PROGRESS']);
		assert.deepEqual([(await version(second)).description, (await version(second)).localEditingStatus,
			(await version(second)).versionId], ['second', 'DONE', second]);
		assert.equal((await octo('GET', `${T}/test-cases/${one.id}/versions/${randomUUID()}`,
			undefined, beta)).status, 404);
		const run = await ok('POST', '/execute', execution(target, { testCaseVersionIds: [first] }));

		assert.deepEqual(run.testReport.testResults.map((r) => [r.testCaseId, r.testCaseVersionId]),
			[[one.id, first]]);
		const pulled = await ok('GET', `${T}/pull?testReportId=${run.testReport.id}`, undefined, beta);

		assert.deepEqual(pulled.testCases.map((c) => c.description), ['first']);
	});

	test('code, config and a zip of spec files', async () => {
		const { id: target } = await newTarget();
		const one = syncCase();

		await push(target, one);
		const T = `/test-targets/${target}`;
		const { testCode } = await ok('GET',
			`${T}/test-cases/${one.id}/code?executionUrl=http%3A%2F%2Fx.test%2F&simpleCode=true`);

		assert.match(testCode, /@playwright\/test/);
		assert.match(testCode, /Buy/);
		const config = await octo('GET',
			`${T}/config?url=http%3A%2F%2Fx.test&outputDir=out&headless=false&bypassProxy=true&browser=CHROMIUM&breakpoint=MOBILE`);

		assert.equal(config.status, 200, config.text);
		assert.match(config.headers.get('content-type'), /^text\/plain/);
		assert.match(config.text, /x\.test/);
		const zip = await fetch(`${server.url}/api/apiKey/beta/test-targets/${target}/code`, {
			method: 'POST',
			headers: { 'x-api-key': server.token, 'content-type': 'application/json' },
			body: JSON.stringify({ testCases: [one, syncCase()], testTargetId: target,
				executionUrl: 'http://x.test/', filterTestCaseIds: [one.id] }),
		});
		const bytes = Buffer.from(await zip.arrayBuffer());

		assert.equal(zip.status, 200);
		assert.equal(zip.headers.get('content-type'), 'application/zip');
		assert.equal(bytes.subarray(0, 2).toString(), 'PK');
		assert.equal(bytes.toString('latin1').match(/\.spec\.ts/g).length % 2, 0);
	});

	test('a discovery is a draft with the prompt, and says that nobody looked', async () => {
		const { id: target } = await newTarget();
		const got = await ok('POST', `/test-targets/${target}/discoveries`, {
			name: 'finds mugs', prompt: 'look for mugs', tagNames: ['x'], folderName: 'shop',
		});

		assert.match(got.discoveryId, UUID);
		const shown = await ok('GET', `/test-targets/${target}/test-cases/${got.testCaseId}`);

		assert.equal(shown.status, 'DRAFT');
		assert.equal(shown.discovery.status, 'FAILED');
		assert.equal(shown.prompt, 'look for mugs');
		for (const [path, prefix] of [[`/test-targets/${target}/batch-generations`],
			[`/test-targets/${target}/batch-generations/from-test-plan`], ['/test-plan/explore']])
			assert.equal((await octo('POST', path, { prompt: 'x' }, prefix)).status, 501, path);
		assert.equal((await octo('GET', `/test-targets/${target}/test-plans/${randomUUID()}`,
			undefined, beta)).status, 404);
	});
});

describe('execute', () => {
	let target, worker, cases;

	before(async () => {
		({ id: target } = await newTarget('shop of executions'));
		worker = new Worker(server, { kinds: ['browser'], labels: { location: 'cellar' }, capacity: 3 });
		cases = {
			prep: syncCase({ description: 'prepares', tagNames: ['preparation'] }),
			check: syncCase({ description: 'validates', tagNames: ['validation', 'smoke'] }),
			off: syncCase({ description: 'is off', tagNames: ['preparation'], runStatus: 'OFF' }),
			away: syncCase({ description: 'is away', tagNames: ['preparation'],
				excludedEnvironmentNames: ['default'] }),
		};
		await push(target, ...Object.values(cases));
	});

	const chosen = (report) => report.testResults.map((r) =>
		Object.keys(cases).find((key) => cases[key].id === r.testCaseId)).sort();

	for (const prefix of ['/api/apiKey/v3', '/apiKey/v3', '/api/apiKey/v2', '/api/v2', '/v2'])
		test(`the answer comes at once below ${prefix}`, async () => {
			const got = await ok('POST', '/execute', execution(target, { tags: ['preparation'] }), { prefix });

			assert.match(got.testReportUrl, /^http:\/\/127\.0\.0\.1:\d+\//);
			assertReport(got.testReport, target);
			assert.equal(got.testReport.status, 'WAITING');
			assert.deepEqual(chosen(got.testReport), ['prep']);
			const again = await ok('GET', `/test-targets/${target}/test-reports/${got.testReport.id}`,
				undefined, prefix.includes('apiKey') ? { prefix } : undefined);

			assert.deepEqual(again, got.testReport);
			await server.post(`/jobs/${got.testReport.id}/cancel?project=${target}`);
		});

	test('tags are alternatives, empty ones are dropped, none is all', async () => {
		const pick = async (members) => {
			const { testReport } = await ok('POST', '/execute', execution(target, members));

			await server.post(`/jobs/${testReport.id}/cancel?project=${target}`);
			return chosen(testReport);
		};

		assert.deepEqual(await pick({ tags: ['preparation', '', 'smoke'] }), ['check', 'prep']);
		assert.deepEqual(await pick({ tags: [] }), ['check', 'prep']);
		assert.deepEqual(await pick({ tags: ['', ''] }), ['check', 'prep']);
		assert.deepEqual(await pick({}), ['check', 'prep']);
		assert.deepEqual(await pick({ environmentName: '' }), ['check', 'prep']);
	});

	test('the address of the report opens for people, who have no token', async () => {
		const { testReportUrl, testReport } = await ok('POST', '/execute',
			execution(target, { tags: ['preparation'] }));
		const page = await fetch(testReportUrl);
		const text = await page.text();

		assert.equal(page.status, 200);
		assert.match(page.headers.get('content-type'), /^text\/html/);
		assert.match(page.headers.get('content-security-policy'), /^sandbox/);
		assert.match(text, /prepares/);
		for (const other of [testReportUrl.replace('~report', 'index.html'), testReportUrl.replace('~report', '~screen/x'),
			testReportUrl.replace('/view/', '/view/x')])
			assert.equal((await fetch(other)).status, 404, other);
		await server.post(`/jobs/${testReport.id}/cancel?project=${target}`);
		assert.match(await (await fetch(testReportUrl)).text(), /Somebody cancelled the job/);
	});

	test('with a token, the page of a report leads to the native one', async () => {
		const { testReportUrl, testReport } = await ok('POST', '/execute',
			execution(target, { tags: ['preparation'] }));
		const path = `/testtargets/${target}/testreports/${testReport.id}`;
		const page = (at, headers = { 'x-api-key': server.token }) =>
			fetch(new URL(at, server.url), { headers, redirect: 'manual' });

		assert.notEqual(new URL(testReportUrl).origin, new URL(server.url).origin);
		const away = await page(path);

		assert.equal(away.status, 302);
		assert.equal(await away.text(), '');
		const report = await page(away.headers.get('location'));

		assert.equal(report.status, 200);
		assert.match(report.headers.get('content-type'), /^text\/html/);
		assert.match(await report.text(), /prepares/);
		assert.equal((await page(away.headers.get('location'), {})).status, 401);
		for (const headers of [{}, { 'x-api-key': 'no' }])
			assert.equal((await page(path, headers)).status, 403);
		assert.equal((await page(path.replace(target, DEFAULT))).status, 404);
		assert.equal((await page(path.replace(testReport.id, randomUUID()))).status, 404);
		await server.post(`/jobs/${testReport.id}/cancel?project=${target}`);
	});

	test('nothing chosen is a report that failed and says so', async () => {
		const { testReport } = await ok('POST', '/execute', execution(target, { tags: ['nobody'] }));

		assertReport(testReport, target);
		assert.equal(testReport.status, 'FAILED');
		assert.match(testReport.errorMessage, /no test case/);
		assert.deepEqual(testReport.testResults, []);
		assert.deepEqual(await ok('GET', `/test-targets/${target}/test-reports/${testReport.id}`), testReport);
	});

	test('what is wrong is a list', async () => {
		for (const members of [{ environmentName: 'nowhere' }, { browser: 'LYNX' }, { tags: 'a' },
			{ variablesToOverwrite: { A: [1] } }, { testCaseVersionIds: [randomUUID()] },
			{ testTargetId: 4 }]) {
			const got = await octo('POST', '/execute', execution(target, members));

			assert.equal(got.status, 400, JSON.stringify(members));
			assert.ok(Array.isArray(got.json), got.text);
		}
		assert.equal((await octo('POST', '/execute', execution(randomUUID()))).status, 404);
	});

	test('the context comes back without its access token', async () => {
		const context = { source: 'azureDevOps', accessToken: 'hush-5', repo: 'r',
			build: { accessToken: 'hush-6' }, steps: [{ accessToken: 'hush-7' }] };
		const got = await octo('POST', '/execute', execution(target, { tags: ['smoke'], context }));

		assert.equal(got.status, 200);
		assert.deepEqual(got.json.testReport.context,
			{ source: 'azureDevOps', repo: 'r', build: {}, steps: [{}] });
		const native = await server.request('GET',
			`/jobs/${got.json.testReport.id}?project=${target}`);

		assert.equal(native.status, 200);
		assert.equal(native.json.project, 'shop of executions');
		assert.doesNotMatch(native.text + got.text + server.said, /hush/);
		await server.post(`/jobs/${got.json.testReport.id}/cancel?project=${target}`);
	});

	/* As the blocking Action does: polls until nothing is WAITING; any error ends it. */
	async function poll(id) {
		for (;;) {
			const report = await ok('GET', `/test-targets/${target}/test-reports/${id}`);

			assertReport(report, target);
			if (report.status !== 'WAITING') return report;
			const { leases } = await worker.poll({ waitMs: 100 });

			for (const lease of leases) await worker.outcome(lease);
		}
	}

	test('two phases, the second one fails', async () => {
		worker.outcome = async (lease) => {
			const upload = await worker.upload(lease, 'trace file.zip', 'PK', { kind: 'trace' });

			assert.equal(upload.status, 201, upload.text);
			return lease.test.name === 'prepares'
				? worker.finish(lease)
				: worker.finish(lease, 'failed', { error: { message: 'no mug', type: 'assertion' } });
		};
		const phase = async (tag) => {
			const { testReport } = await ok('POST', '/execute', execution(target, { tags: [tag] }));
			const report = await poll(testReport.id);

			assert.deepEqual(report.testResults.map((r) => r.id), testReport.testResults.map((r) => r.id));
			return report;
		};
		const first = await phase('preparation'), second = await phase('validation');

		assert.equal(first.status, 'PASSED');
		assert.deepEqual(first.testResults.map((r) => r.status), ['PASSED']);
		assert.equal(second.status, 'FAILED');
		assert.deepEqual(second.testResults.map((r) => [r.status, r.errorMessage, r.error, r.duration]),
			[['FAILED', 'no mug', 'no mug', 5]]);
		const trace = await fetch(second.testResults[0].traceUrl);

		assert.equal(trace.status, 200);
		assert.equal(await trace.text(), 'PK');
		const notes = await ok('GET', `/test-targets/${target}/notifications`);
		const note = notes.find((n) => n.payload.testReportId === second.id);

		assert.deepEqual([note.type, note.payload.failed, note.ack],
			['REPORT_EXECUTION_FINISHED', true, null]);
		assert.equal(notes.find((n) => n.payload.testReportId === first.id).payload.failed, false);
	});

	test('passwords of the environment reach the worker and nobody else', async () => {
		const { id: shop } = await newTarget();
		const account = { username: 'ann', password: 'hush-8', otpInitializerKey: 'JBSWY3DPEHPK3PXP' };

		await push(shop, syncCase({ tagNames: ['x'], elements: [
			{ interaction: { action: 'ENTER_TEXT', calledWith: '$OCTO_PASSWORD' },
				selectors: [{ selectorType: 'LABEL', selector: 'Password' }] }] }));
		await ok('POST', `/test-targets/${shop}/environments`, { name: 'with', discoveryUrl: 'http://x.test/',
			testAccount: account, basicAuth: { username: 'bob', password: 'hush-9' },
			additionalHeaderFields: { 'x-key': 'hush-10' } }, { status: 201 });
		const gate = { gates: [{ tag: 'x', wait: { timer: { for: '1h' } } }] };

		for (const gates of [{ gates: null }, gate]) {
			await server.call('PATCH', `/projects/${shop}`, gates);
			const made = await octo('POST', '/execute',
				execution(shop, { tags: ['x'], environmentName: 'with' }));

			assert.equal(made.status, 200, made.text);
			const { id } = made.json.testReport;

			if (!gates.gates) {
				let lease = await worker.take();

				for (; lease.job !== id; lease = await worker.take()) await worker.finish(lease);
				assert.equal(lease.test.vars.octo.OCTO_PASSWORD, 'hush-8');
				assert.equal(lease.test.config.httpCredentials.password, 'hush-9');
				await worker.finish(lease);
			}
			for (const path of ['', '/events?format=json', '/report?format=json', '/report?format=html',
				'/runs']) {
				const shown = await server.request('GET',
					`/jobs/${id}${path}${path.includes('?') ? '&' : '?'}project=${shop}`);

				assert.equal(shown.status, 200, path);
				assert.doesNotMatch(shown.text, /hush|JBSWY3DPEHPK3PXP/, path);
			}
			await server.request('POST', `/jobs/${id}/cancel?project=${shop}`);
		}
		assert.doesNotMatch(server.said, /hush/);
	});

	test('a cancelled execution is FAILED and says why', async () => {
		const { testReport } = await ok('POST', '/execute', execution(target, { tags: ['smoke'] }));

		await server.post(`/jobs/${testReport.id}/cancel?project=${target}`);
		const report = await poll(testReport.id);

		assert.equal(report.status, 'FAILED');
		assert.match(report.errorMessage, /cancelled/);
		assert.deepEqual(report.testResults.map((r) => r.status), ['FAILED']);
	});

	test('reports are listed page by page, filters in both forms', async () => {
		for (let i = 0; i < 22; i++)
			await ok('POST', '/execute', execution(target, { tags: [`nobody ${i}`] }));
		const T = `/test-targets/${target}`;
		const seen = new Set();

		for (let key, page; !page || page.hasNextPage; key = page.key) {
			page = await ok('GET', `${T}/test-reports${key
				? `?key=${encodeURIComponent(JSON.stringify(key))}` : ''}`);
			for (const report of page.data) {
				assertReport(report, target);
				assert.ok(!seen.has(report.id), 'twice');
				seen.add(report.id);
			}
			assert.match(page.key.createdAt, TIME);
		}
		assert.ok(seen.size >= 30, `${seen.size}`);
		const [{ id: environment }] = await ok('GET', `${T}/environments`);
		const count = async (name, value) => (await ok('GET',
			`${T}/test-reports?${name}=${encodeURIComponent(JSON.stringify(value))}`)).data.length;

		assert.ok(await count('filter',
			[{ key: 'environmentId', operator: 'EQUALS', value: environment }]) >= 20);
		assert.equal(await count('filter',
			[{ key: 'environmentId', operator: 'EQUALS', value: randomUUID() }]), 0);
		assert.ok(await count('filters',
			[{ key: 'environmentId', value: { operator: 'equals', value: environment } }]) >= 20);
	});

	test('private locations are workers with the label', async () => {
		await worker.poll();
		const [place] = await ok('GET', '/private-location', undefined, { prefix: '/api/apiKey/v1' });

		assert.deepEqual(place, { status: 'ONLINE', address: 'fake', name: 'cellar' });
		for (const [verb, data] of [['register', { address: 'a:1', username: 'u', password: 'hush-6' }],
			['unregister', { address: 'a:1', proxyuser: 'u', proxypass: 'hush-7' }]]) {
			const body = { name: 'cellar', registrationData: data };

			assert.deepEqual(await ok('PUT', `/private-location/${verb}`, body,
				{ prefix: '/apiKey/v1' }), { success: true });
			assert.equal((await octo('PUT', `/private-location/${verb}`, { ...body, name: 'attic' },
				{ prefix: '/api/apiKey/v1' })).status, 404);
		}
	});
});

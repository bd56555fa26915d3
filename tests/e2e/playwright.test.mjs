// SPDX-License-Identifier: Apache-2.0
/* The demo's suite from one command to its report: progress, the failure with its place, reports that open. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { proctor, processesWith, describe, root, temporary, until } from './helper.mjs';

const suite = path.join(root, 'examples/shop/tests');
const modules = path.join(root, 'runners/playwright/node_modules');
const chromium = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const missing = !existsSync(path.join(modules, 'playwright-core')) ? 'no playwright-core'
	: !chromium ? 'no chromium-headless-shell' : false;

/* Where the failure on purpose is, from the source itself. */
function deliberate() {
	const file = 'contact.spec.ts';
	const lines = readFileSync(path.join(suite, file), 'utf8').split('\n');
	const from = lines.findIndex((line) => line.includes('deliberate failure'));
	const to = lines.findIndex((line, at) => at > from && /^\}\);/.test(line));

	assert.ok(from >= 0 && to > from, 'the suite has its deliberate failure');
	return { file, from: from + 1, to: to + 1 };
}

test('proctor run examples/shop/tests', { skip: missing, timeout: 240000 }, async (t) => {
	const dir = temporary(t);
	const html = path.join(dir, 'report.html');
	const junit = path.join(dir, 'junit.xml');
	const json = path.join(dir, 'results.json');
	const done = await proctor(['run', suite, '--data', path.join(dir, 'data'), '--html', html,
		'--junit', junit, '--json', json], { ms: 200000 });
	const place = deliberate();

	await t.test('exits 1 and names the failure with file and line', () => {
		assert.equal(done.code, 1, done.said);
		assert.match(done.stdout + done.said, /deliberate failure/);
		const lines = [...(done.stdout + done.said).matchAll(/contact\.spec\.ts:(\d+)/g)]
			.map((found) => Number(found[1]));

		assert.ok(lines.some((line) => line >= place.from && line <= place.to),
			`a line of ${place.from}–${place.to} is named: ${lines}`);
	});

	await t.test('leaves no process and no folder of a run', async () => {
		await until('no process is left', 10000, () => processesWith(dir).length === 0)
			.catch(() => assert.fail(processesWith(dir).map(describe).join('; ')));
	});

	await t.test('JUnit XML validates and says the same', () => {
		execFileSync('xmllint', ['--noout', '--nonet', '--schema',
			path.join(root, 'tests/e2e/junit.xsd'), junit], { stdio: 'pipe' });
		const xml = readFileSync(junit, 'utf8');

		assert.equal([...xml.matchAll(/<failure\b/g)].length, 1, 'one failure');
		assert.match(xml, /deliberate failure/);
	});

	await t.test('JSON can be read', () => {
		assert.doesNotThrow(() => JSON.parse(readFileSync(json, 'utf8')));
		assert.match(readFileSync(json, 'utf8'), /deliberate failure/);
	});

	await t.test('the HTML report opens offline, silent and without a request', async () => {
		const { chromium: browserType } = createRequire(path.join(modules, 'x.js'))('playwright-core');
		const browser = await browserType.launch({ executablePath: chromium });

		try {
			const context = await browser.newContext({ offline: true });
			const page = await context.newPage();
			const said = [];
			const asked = [];

			page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
			page.on('pageerror', (error) => said.push(`error: ${error.message}`));
			context.on('request', (request) => asked.push(request.url()));
			await page.goto(pathToFileURL(html).href, { waitUntil: 'load' });
			await page.getByText('deliberate failure').first().waitFor({ timeout: 10000 });
			const body = await page.locator('body').innerText();

			assert.match(body, /contact\.spec\.ts/);
			assert.deepEqual(said, [], 'the console is empty');
			assert.deepEqual(asked.filter((url) => !/^(file|data|blob):/.test(url)), [],
				'nothing is asked of the network');
			assert.ok((await page.title()).length > 0, 'the page has a title');
		} finally {
			await browser.close();
		}
	});
});

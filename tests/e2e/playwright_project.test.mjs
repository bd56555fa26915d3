// SPDX-License-Identifier: Apache-2.0
/*
 * An unmodified Playwright project of 24 tests: `proctor run` comes to the verdicts of Playwright's
 * own command line, as one run and shared out; and only what failed can be run again.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { proctor, root, temporary } from './helper.mjs';

const runner = path.join(root, 'runners/playwright');
const modules = path.join(runner, 'node_modules');
const chromium = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const missing = !existsSync(path.join(modules, 'playwright-core')) ? 'no playwright-core'
	: !chromium ? 'no chromium-headless-shell' : false;
const from = "import { test, expect } from '@playwright/test';\n";
const files = {
	'playwright.config.ts': `import { defineConfig } from '@playwright/test';
export default defineConfig({ testDir: './specs', retries: 1, timeout: 20000,
	projects: [{ name: 'wide', use: { viewport: { width: 900, height: 600 } } }, { name: 'narrow', testMatch: /page/ }] });`,
	'specs/sums.spec.ts': `${from}
for (const n of [1, 2, 3, 4, 5, 6, 7, 8])
	test('doubles ' + n, () => { expect(n + n).toBe(2 * n); });
test('is wrong about eleven', () => { expect(5 + 5).toBe(11); });
test('is wrong at first', async ({}, info) => { expect(info.retry).toBe(1); });`,
	'specs/groups.spec.ts': `${from}
test.describe('in a row', () => {
	test.describe.configure({ mode: 'serial' });
	let seen = 0;
	test('first', () => { seen++; });
	test('second', () => { expect(seen).toBe(1); });
	test('third', () => { expect(seen).toBe(1); });
});
test.describe('apart', () => {
	test('one', () => {});
	test.skip('two', () => {});
	test.fixme('three', () => {});
	test.fail('four', () => { throw new Error('known'); });
	test('five', () => { throw new Error('broken'); });
});`,
	'specs/page.spec.ts': `${from}
test('shows a heading', async ({ page }) => { await page.setContent('<h1>Hi</h1>'); await expect(page.locator('h1')).toHaveText('Hi'); });
test('adds by script', async ({ page }) => { expect(await page.evaluate(() => 1 + 1)).toBe(2); });
test('knows its size', async ({ page, viewport }) => { expect(await page.evaluate(() => innerHeight)).toBe(viewport.height); });`,
};

function project(t) {
	const dir = path.join(temporary(t), 'project');

	for (const [name, text] of Object.entries(files)) {
		mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
		writeFileSync(path.join(dir, name), text);
	}
	symlinkSync(modules, path.join(dir, 'node_modules'));
	return dir;
}

/* title [project] → expected, unexpected, flaky or skipped. */
function ownVerdicts(dir, cache) {
	const { findPrograms, shim } = createRequire(import.meta.url)(path.join(runner, 'shim.js'));
	const done = spawnSync(process.execPath, [path.join(modules, '@playwright/test/cli.js'), 'test', '--reporter=json', '--workers=1'], {
		cwd: dir, encoding: 'utf8', maxBuffer: 1 << 26,
		env: { ...process.env, PLAYWRIGHT_BROWSERS_PATH: shim(path.join(modules, 'playwright-core'), cache, findPrograms()),
			PLAYWRIGHT_SKIP_VALIDATE_HOST_REQUIREMENTS: '1' },
	});
	const found = {};
	const visit = (suite) => {
		for (const spec of suite.specs ?? [])
			for (const one of spec.tests)
				found[`${spec.title} [${one.projectName}]`] = one.status;
		for (const inner of suite.suites ?? [])
			visit(inner);
	};

	for (const suite of JSON.parse(done.stdout).suites)
		visit(suite);
	return found;
}

const same = { passed: 'expected', failed: 'unexpected', flaky: 'flaky', skipped: 'skipped' };

/* The cases of a report, of the last attempt of each run; a shared run of one project names none. */
function verdicts(report) {
	return Object.fromEntries(report.tests.flatMap(({ name, units }) => units.flatMap(({ runs }) =>
		(runs.at(-1).cases ?? []).map(({ title, status }) =>
			[/ \[\w+\]$/.test(title) ? title : `${title} ${/\[\w+\]$/.exec(name)?.[0] ?? ''}`.trim(), same[status]]))));
}

test('a project of 24 tests', { skip: missing, timeout: 600000 }, async (t) => {
	const dir = project(t);
	const work = temporary(t);
	const own = ownVerdicts(dir, work);
	const json = path.join(work, 'results.json');
	const run = async (...args) => {
		const done = await proctor(['run', dir, '--data', path.join(work, 'data'), '--json', json, ...args], { ms: 280000 });

		return { ...done, report: existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : undefined };
	};

	assert.equal(Object.keys(own).length, 24);
	await t.test('has the verdicts of its own runner as one run', async () => {
		const { code, said, report } = await run();

		assert.equal(code, 1, said);
		assert.deepEqual(verdicts(report), own);
	});

	await t.test('and only what failed, when asked for that', async () => {
		const { code, said, report } = await run('--last-failed');

		assert.equal(code, 1, said);
		assert.deepEqual(Object.keys(verdicts(report)).sort(), ['five', 'is wrong about eleven']);
	});

	await t.test('and the same shared out by files', async () => {
		const { code, said, report } = await run('--shard', 'files');

		assert.equal(code, 1, said);
		assert.deepEqual(report.tests.map(({ name }) => name).sort(), ['specs/groups.spec.ts [wide]',
			'specs/page.spec.ts [narrow]', 'specs/page.spec.ts [wide]', 'specs/sums.spec.ts [wide]']);
		assert.deepEqual(verdicts(report), own);
	});

	/* What is run again must not depend on how the job before was shared out. */
	for (const args of [[], ['--shard', 'tests'], ['--shard', 'files'], []]) {
		await t.test(`and only what failed, after another shape: ${args.join(' ') || 'one run'}`, async () => {
			const { code, said, report } = await run(...args, '--last-failed');
			const failed = Object.entries(verdicts(report)).filter(([, verdict]) => verdict === 'unexpected');

			assert.equal(code, 1, said);
			assert.deepEqual(failed.map(([title]) => title.replace(/ \[\w+\]$/, '')).sort(), ['five', 'is wrong about eleven']);
		});
	}

	await t.test('shared out by files as before', () => run('--shard', 'files'));

	await t.test('longest first the next time, and a serial block in one piece', async () => {
		const before = JSON.parse(readFileSync(json, 'utf8'));
		const longest = before.tests.map(({ name, units: [{ runs }] }) => ({ name, ms: runs[0].durationMs }))
			.sort((a, b) => b.ms - a.ms);
		const { report } = await run('--shard', 'files', '--last-failed');

		assert.deepEqual(report.tests.map(({ name }) => name),
			longest.map(({ name }) => name).filter((name) => !name.includes('page')));
		const listed = spawnSync(process.execPath, [path.join(runner, 'list.js'), JSON.stringify({ path: dir }), 'tests', work],
			{ encoding: 'utf8' });
		const { items } = JSON.parse(listed.stdout);

		assert.equal(items.filter(({ name }) => name.includes('in a row')).length, 1);
		/* Eight tests of one line, and three of one block, cannot be told apart: 24 - 7 - 2. */
		assert.equal(items.length, 15);
	});

	await t.test('a wrong project says what is wrong before there is a job', async () => {
		writeFileSync(path.join(dir, 'specs/page.spec.ts'), `${from}test('x', async ( => {});`);
		const { code, said, stdout } = await run('--shard', 'tests');

		assert.equal(code, 2, said);
		assert.match(said + stdout, /page\.spec\.ts/);
	});
});

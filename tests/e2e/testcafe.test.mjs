// SPDX-License-Identifier: Apache-2.0
/*
 * The same suite by TestCafe's own command line and by `proctor run`: the same verdict for every
 * test. Every day a part of it; TESTCAFE_WHOLE_SUITE=1 takes all of examples/testcafe, and runs a file
 * besides a folder.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { describe, freePort, processesWith, proctor, root, temporary, until } from './helper.mjs';

const suite = path.join(root, 'examples/testcafe');
const cli = path.join(root, 'runners/testcafe/node_modules/testcafe/bin/testcafe.js');
const whole = Boolean(process.env.TESTCAFE_WHOLE_SUITE);
const parts = whole ? ['tests', 'faults'] : ['tests/catalogue.js', 'faults'];
const missing = !existsSync(cli) ? 'no testcafe' : !existsSync('/usr/bin/chromium') ? 'no chromium' : false;

/* "fixture › test" → passed, failed or skipped; none of the suite's tests is flaky. */
function verdicts(tests) {
	return Object.fromEntries(tests.map(({ fixture, name, status }) => [`${fixture} › ${name}`, status]).sort());
}

async function byItself(dir) {
	const file = path.join(dir, 'own.json');
	const noSandbox = process.getuid() === 0 ? ' --no-sandbox' : '';
	const child = spawn(process.execPath, [cli, `chromium:headless${noSandbox}`, ...parts,
		'--reporter', `json:${file}`, '-s', `path=${path.join(dir, 'screenshots')}`], {
		cwd: suite, stdio: ['ignore', 'ignore', 'inherit'],
		env: { ...process.env, SHOP_PORT: String(await freePort()) },
	});
	const failed = await new Promise((resolve) => child.on('exit', resolve));
	const { fixtures } = JSON.parse(readFileSync(file, 'utf8'));

	return { failed, tests: fixtures.flatMap(({ name: fixture, tests }) => tests.map(({ name, errs, skipped }) =>
		({ fixture, name, status: skipped ? 'skipped' : errs.length > 0 ? 'failed' : 'passed' }))) };
}

async function byProctor(dir) {
	const file = path.join(dir, 'job.yaml');
	const json = path.join(dir, 'proctor.json');

	writeFileSync(file, `name: same\ntests:\n  - { name: suite, kind: testcafe, path: ${JSON.stringify(suite)},`
		+ ` paths: ${JSON.stringify(parts)}, env: { SHOP_PORT: "${await freePort()}" } }\n`);
	const done = await proctor(['run', file, '--data', path.join(dir, 'data'), '--json', json], { ms: 300000 });
	assert.ok(existsSync(json), done.stdout + done.said);
	const [{ units: [{ runs: [{ cases }] }] }] = JSON.parse(readFileSync(json, 'utf8')).tests;

	return { code: done.code, tests: cases.map(({ title, path: names, status }) =>
		({ fixture: names.split(' › ').pop(), name: title, status })) };
}

test('a suite has the same verdicts under Proctor as by itself', { skip: missing, timeout: 600000 }, async (t) => {
	const dir = temporary(t);
	const own = await byItself(dir);
	const ours = await byProctor(dir);

	assert.equal(own.failed, 2, 'the two deliberate failures');
	assert.equal(ours.code, 1, 'proctor run says that tests failed');
	assert.ok(ours.tests.length >= (whole ? 27 : 11), `${ours.tests.length} tests`);
	assert.deepEqual(verdicts(ours.tests), verdicts(own.tests));
	await until('no process is left', 10000, () => processesWith(dir).length === 0)
		.catch(() => assert.fail(processesWith(dir).map(describe).join('; ')));
});

test('proctor run knows a TestCafe folder and a TestCafe file', { skip: missing, timeout: 120000 }, async (t) => {
	const dir = temporary(t);

	writeFileSync(path.join(dir, 'page.html'), '<h1>Hi</h1>');
	writeFileSync(path.join(dir, 'hello.test.js'),
		"import { Selector } from 'testcafe';\nfixture('Hello').page('./page.html');\n"
		+ "test('greets', async (t) => { await t.expect(Selector('h1').innerText).eql('Hi'); });\n"
		+ "test('is quiet', async () => {});\n");
	const folder = await proctor(['run', dir, '--grep', 'greets', '--data', path.join(dir, 'data')], { ms: 60000 });

	assert.equal(folder.code, 0, folder.stdout + folder.said);
	assert.match(folder.stdout + folder.said, /hello\.test\.js › Hello › greets/);
	assert.doesNotMatch(folder.stdout + folder.said, /is quiet/);
	if (!whole)
		return; // a file is known by the same text
	const file = await proctor(['run', path.join(dir, 'hello.test.js'), '--data', path.join(dir, 'data')], { ms: 60000 });

	assert.equal(file.code, 0, file.stdout + file.said);
	assert.match(file.stdout + file.said, /is quiet/);
});

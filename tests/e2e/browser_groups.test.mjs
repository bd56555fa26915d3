// SPDX-License-Identifier: Apache-2.0
/* Two groups with different settings of the same browser: own queues, own results, one report. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findChromium } from './browsers.mjs';
import { proctor, temporary } from './helper.mjs';
import { Bench } from './browser_jobs.mjs';

const skip = findChromium() ? false : 'no Chromium';

const job = (url) => ({
	name: 'groups', concurrency: 1, config: { baseURL: url },
	browsers: ['chromium', { browser: 'chromium', name: 'phone', config: { device: 'phone' } }],
	tests: [{
		name: 'has a screen', kind: 'browser', url: '/wide',
		steps: [{ extract: { width: { eval: 'screen.width' }, touch: { eval: "matchMedia('(pointer: coarse)').matches" } } }],
	}, {
		name: 'only on a desk', kind: 'browser', url: '/desk',
		steps: [{ expect: { eval: 'screen.width', min: 800 } }],
	}, {
		name: 'anywhere', kind: 'browser', url: '/any', steps: [{ expect: { text: 'css=#verdict', is: 'good' } }],
	}],
});

test('a desk and a phone', { timeout: 120000, skip }, async (t) => {
	const bench = await Bench.start(t, 2);
	const { site } = bench;
	const dir = temporary(t);
	const file = path.join(dir, 'groups.json');
	const out = (name) => path.join(dir, name);

	writeFileSync(file, JSON.stringify(job(site.url)));
	/* Both at once: the first page is answered when both have asked for it. */
	site.meet(2, '/wide');
	const ran = await proctor(['run', file, '--data', bench.server.data, '--html', out('r.html'),
		'--json', out('r.json'), '--junit', out('r.xml')]);

	assert.equal(ran.code, 1, ran.said);
	assert.match(ran.stdout, /ok +has a screen \[chromium\]/);
	assert.match(ran.stdout, /FAILED +only on a desk \[phone\]/);
	assert.match(ran.stdout, /failed: 5 passed, 1 failed/);
	const { tests } = JSON.parse(readFileSync(out('r.json'), 'utf8'));
	const units = (name) => Object.fromEntries(tests.find((one) => one.name === name).units
		.map((unit) => [unit.target, unit]));

	await t.test('each group has its own settings', () => {
		const { chromium, phone } = units('has a screen');

		assert.deepEqual(chromium.runs[0].output, { width: 1280, touch: false });
		assert.deepEqual(phone.runs[0].output, { width: 375, touch: true });
		const agents = site.seen('/wide').map(({ agent }) => /Mobile/.test(agent));

		assert.deepEqual(agents.sort(), [false, true]);
	});

	await t.test('a test may fail in one group alone', () => {
		const { chromium, phone } = units('only on a desk');

		assert.deepEqual([chromium.outcome, phone.outcome], ['passed', 'failed']);
	});

	await t.test('the page and the JUnit file tell both', () => {
		const html = readFileSync(out('r.html'), 'utf8');
		const xml = readFileSync(out('r.xml'), 'utf8');

		for (const name of ['chromium', 'phone']) {
			assert.ok(html.includes(`>${name}</`) || html.includes(`, ${name}`) || html.includes(`>${name}<`), name);
			assert.equal(xml.match(new RegExp(`<testsuite [^>]*name="[^"]*\\[${name}\\]"`, 'g'))?.length, 3, xml);
		}
	});
});

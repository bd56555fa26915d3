// SPDX-License-Identifier: Apache-2.0
/* What a person does with a grouped job on a server: submit, list, show, watch, follow, report. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findChromium } from './browsers.mjs';
import { proctor, temporary } from './helper.mjs';
import { Bench } from './browser_jobs.mjs';

const skip = findChromium() ? false : 'no Chromium';

test('submit, show, watch, follow, report', { timeout: 120000, skip }, async (t) => {
	const bench = await Bench.start(t, 2);
	const { site } = bench;
	const file = path.join(temporary(t), 'walk.yaml');
	const cli = async (...args) => {
		const ran = await proctor([...args, '--data', bench.server.data]);

		assert.equal(ran.code, 0, ran.said);
		return ran.stdout;
	};

	writeFileSync(file, `name: walk
browsers: [chromium]
concurrency: 2
config: { baseURL: "${site.url}" }
fixtures:
  - name: Walks
    beforeEach: [{ open: /start }]
    tests:
      - { name: slow, steps: [{ open: /slow }, { expect: { text: "#verdict", is: good } }] }
      - { name: quick, steps: [{ open: /quick }, { expect: { text: "#verdict", is: good } }] }
`);
	site.hold('/slow');
	const id = (await cli('job', 'submit', file)).trim();

	await site.arrived('/slow');
	await bench.until('the quick one has ended', async () =>
		(await bench.api.events(id)).some(({ type }) => type === 'run.finished'));
	assert.match(await cli('job', 'list'), /running.*walk/);
	const shown = await cli('job', 'show', id);

	assert.match(shown, /leased +1 +1 +slow \[chromium\]/);
	assert.match(shown, /passed +1 +1 .*quick \[chromium\]/);

	await t.test('view prints where to watch what runs, and nothing else', async () => {
		const addresses = (await cli('job', 'view', id)).trim().split('\n');

		assert.equal(addresses.length, 1);
		assert.match(addresses[0], /^http:\/\/127\.0\.0\.1:\d+\/view\/.*\/~screen$/);
		const page = await fetch(addresses[0]);

		assert.equal(page.status, 200);
		assert.match(await page.text(), /~screen\/stream|EventSource/);
	});

	const following = cli('job', 'follow', id);

	site.release('/slow');
	assert.equal((await proctor(['job', 'wait', id, '--data', bench.server.data])).code, 0);
	const told = (await following).split('\n').filter((line) => line.includes('run.released'));

	assert.deepEqual(told.map((line) => /released +(\w+)/.exec(line)[1]), ['slow', 'quick']);
	assert.match(await cli('job', 'list', '--json'), /"status":\s*"completed"/);
	assert.match(await cli('job', 'report', id), /<h3 class="fixture">Walks<\/h3>/);
});

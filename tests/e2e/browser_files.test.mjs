// SPDX-License-Identifier: Apache-2.0
/* The folder of files of browser tests: with `proctor run` as it is, with `job submit` as a bundle. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findChromium } from './browsers.mjs';
import { Bench } from './browser_jobs.mjs';
import { proctor, temporary } from './helper.mjs';

const skip = findChromium() ? false : 'no Chromium';
const page = (colour) => `data:text/html,<body style="margin:0"><div id=a style="width:40px;height:40px;background:${colour}">`;

function jobOf(dir, colour) {
	const file = path.join(dir, 'shop.proctor.yaml');

	writeFileSync(file, `name: shop
config: { compare: { threshold: 0.2 } }
tests:
  - name: looks right
    kind: browser
    config: { viewport: { width: 200, height: 100 }, expectTimeout: 300 }
    steps:
      - open: '${page(colour)}'
      - expect: { screenshot: box, of: "#a" }
`);
	return file;
}

test('a picture: missing, made, the same, another', { timeout: 120000, skip }, async (t) => {
	const dir = temporary(t);
	const baseline = path.join(dir, 'shop.files/baselines/box.png');
	const artifacts = path.join(dir, 'artifacts');
	const run = (file, ...more) => proctor(['run', '--data', path.join(dir, 'data'), ...more, file]);

	const missing = await run(jobOf(dir, 'red'));

	assert.equal(missing.code, 1, missing.said);
	assert.match(missing.said, /no baseline box\.png in .*\/shop\.files; `proctor run --update-screenshots` makes one/);
	const made = await run(jobOf(dir, 'red'), '--update-screenshots');

	assert.equal(made.code, 0, made.said);
	assert.equal(readFileSync(baseline).subarray(1, 4).toString(), 'PNG');
	const same = await run(jobOf(dir, 'red'));

	assert.equal(same.code, 0, same.said);
	const other = await run(jobOf(dir, 'blue'), '--artifacts', artifacts);

	assert.equal(other.code, 1, other.said);
	assert.match(other.said, /1600 of 1600 pixels differ/);
	assert.ok(readdirSync(artifacts, { recursive: true }).some((name) => name.endsWith('box-diff.png')));
	const before = readFileSync(baseline);

	assert.equal((await run(jobOf(dir, 'blue'), '--update-screenshots')).code, 0);
	assert.notDeepEqual(readFileSync(baseline), before);
	assert.equal((await run(jobOf(dir, 'blue'))).code, 0);
});

test('a folder that is submitted becomes a bundle', { timeout: 120000, skip }, async (t) => {
	const bench = await Bench.start(t, 1);
	const dir = temporary(t);
	const file = path.join(dir, 'walk.yaml');

	mkdirSync(path.join(dir, 'things'));
	writeFileSync(path.join(dir, 'things/cart.json'), '{"items":3}');
	writeFileSync(file, `name: walk
browsers: [chromium]
files: ./things
fixtures:
  - name: Walks
    tests:
      - name: mocked
        steps:
          - mock: { url: "**/cart", file: cart.json }
          - open: ${bench.site.url}/cart
          - expect: { text: body, is: '{"items":3}' }
`);
	const ran = await proctor(['job', 'submit', '--wait', file, '--data', bench.server.data]);

	assert.equal(ran.code, 0, ran.said);
	rmSync(path.join(dir, 'things'), { recursive: true });
	const gone = await proctor(['job', 'submit', file, '--data', bench.server.data]);

	assert.notEqual(gone.code, 0);
	assert.match(gone.said, /things: No such file or directory/);
	assert.ok(!existsSync(path.join(dir, 'things')));
});

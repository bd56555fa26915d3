// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import { findChromium } from './browsers.mjs';
import { thousand } from './thousand.mjs';

const runs = Number(process.env.RUNS ?? 50);

test(`${runs} browser runs in a row leave no process, descriptor, profile or context`, {
	timeout: 5 * 60 * 1000 + runs * 3000, skip: findChromium() ? false : 'no Chromium',
}, async (t) => {
	await thousand(t, { runs, log: (line) => t.diagnostic(line) });
});

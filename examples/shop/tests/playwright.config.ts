/* SPDX-License-Identifier: Apache-2.0 */
import { defineConfig, devices } from '@playwright/test';

/*
 * Starts a shop of its own on a free port, unless SHOP_URL names one that is already there. The
 * server's line "listening on …" becomes SHOP_URL for the tests' processes.
 */
export default defineConfig({
	testDir: '.',
	retries: 1,
	timeout: 20_000,
	expect: { timeout: 5_000 },
	use: {
		...devices['Desktop Chrome'],
		baseURL: process.env.SHOP_URL,
		screenshot: 'only-on-failure',
		trace: 'retain-on-failure',
	},
	webServer: process.env.SHOP_URL ? undefined : {
		command: 'exec node ../server.js --port 0',
		wait: { stdout: /listening on (?<SHOP_URL>http:\/\/[\d.:]+)\s/ },
	},
});

// SPDX-License-Identifier: Apache-2.0
/*
 * The steps of the bench with playwright-core in its fastest form: one launched browser that stays,
 * a fresh context for each test, nothing of a test runner. A line of JSON in, a line of JSON out:
 *
 *	{"tests": 20, "parallel": 2}    carry them out → {"times": [ms …], "wallMs": …}
 *	{"hold": 4}                     so many contexts stay open at the end of their test → {}
 *	{"hold": 0}                     close them → {}
 */
import { createRequire } from 'node:module';
import readline from 'node:readline';

const [modules, executablePath, shop] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(`${modules}/playwright-core`);
const browser = await chromium.launch({ executablePath });
let held = [];

async function steps(context) {
	const page = await context.newPage();

	await page.goto(shop);
	if (await page.title() !== 'Catalogue · Corner Shop') throw new Error('another title');
	await page.getByLabel('Search').fill('glass');
	await page.getByRole('button', { name: 'Find' }).click();
	await page.getByRole('heading', { level: 2, name: 'Glass teapot' }).waitFor();
	await page.getByRole('status').filter({ hasText: '1 product' }).waitFor();
}

async function one() {
	const begin = performance.now();
	const context = await browser.newContext();

	await steps(context);
	await context.close();
	return performance.now() - begin;
}

async function many({ tests, parallel = 1 }) {
	const times = [];
	let left = tests;
	const begin = performance.now();

	await Promise.all(Array.from({ length: parallel }, async () => {
		while (left-- > 0) times.push(await one());
	}));
	return { times, wallMs: performance.now() - begin };
}

async function hold(count) {
	await Promise.all(held.map((context) => context.close()));
	held = [];
	for (let i = 0; i < count; i++) {
		held.push(await browser.newContext());
		await steps(held[i]);
	}
	return {};
}

console.log('{}');
for await (const line of readline.createInterface({ input: process.stdin })) {
	const command = JSON.parse(line);

	console.log(JSON.stringify('hold' in command ? await hold(command.hold) : await many(command)));
}
await browser.close();

// SPDX-License-Identifier: Apache-2.0
/* The steps of the bench for Playwright Test; BENCH_TESTS and BENCH_SHOP say how often and where. */
import { test, expect } from '@playwright/test';

for (let i = 1; i <= Number(process.env.BENCH_TESTS ?? 20); i++)
	test(`search ${i}`, async ({ page }) => {
		await page.goto(process.env.BENCH_SHOP);
		await expect(page).toHaveTitle('Catalogue · Corner Shop');
		await page.getByLabel('Search').fill('glass');
		await page.getByRole('button', { name: 'Find' }).click();
		await expect(page.getByRole('heading', { level: 2 })).toHaveText('Glass teapot');
		await expect(page.getByRole('status')).toHaveText('1 product');
	});

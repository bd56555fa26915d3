/* SPDX-License-Identifier: Apache-2.0 */
import { test, expect } from '@playwright/test';

test.describe('catalogue', () => {
	test('lists every product with its price', async ({ page }) => {
		await page.goto('/');
		await expect(page).toHaveTitle('Catalogue · Corner Shop');
		await expect(page.getByRole('status')).toHaveText('8 products');
		const lamp = page.getByRole('listitem').filter({ hasText: 'Reading lamp' });
		await expect(lamp).toContainText('€49.00');
	});

	test('finds products by words and category', async ({ page }) => {
		await page.goto('/');
		await page.getByLabel('Search').fill('glass');
		await page.getByRole('button', { name: 'Find' }).click();
		await expect(page.getByRole('heading', { level: 2 })).toHaveText(['Glass teapot']);

		await page.getByLabel('Search').clear();
		await page.getByLabel('Category').selectOption('Desk');
		await page.getByRole('button', { name: 'Find' }).click();
		await expect(page.getByRole('status')).toHaveText('3 products');
	});

	test('shows what was searched for as text, never as markup', async ({ page }) => {
		const nasty = '"><script>document.title = "broken"</script>';
		await page.goto(`/?q=${encodeURIComponent(nasty)}`);
		await expect(page.getByLabel('Search')).toHaveValue(nasty);
		await expect(page.getByRole('status')).toHaveText('Nothing found.');
		await expect(page).toHaveTitle('Catalogue · Corner Shop');
	});

	test('fits a narrow screen', async ({ page }) => {
		await page.setViewportSize({ width: 360, height: 740 });
		for (const path of ['/', '/products/clock', '/contact']) {
			await page.goto(path);
			const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
			expect(overflow, `${path} must not scroll sideways`).toBeLessThanOrEqual(0);
		}
	});
});

/* SPDX-License-Identifier: Apache-2.0 */
import { test, expect } from '@playwright/test';

test.describe('cart', () => {
	test.beforeEach(async ({ page }) => {
		await page.goto('/products/mug');
		await page.getByRole('button', { name: 'Add to cart' }).click();
	});

	test('adds up what is in it', async ({ page }) => {
		await page.goto('/');
		await page.getByRole('button', { name: 'Add Brass pen to cart' }).click();
		await expect(page.getByTestId('cart-count')).toHaveText('2');
		await expect(page.getByTestId('total')).toHaveText('€40.50');
	});

	test('changes quantities and removes', async ({ page }) => {
		const row = page.getByRole('row', { name: 'Stoneware mug' });
		await row.getByRole('spinbutton').fill('3');
		await row.getByRole('button', { name: 'Update' }).click();
		await expect(page.getByTestId('total')).toHaveText('€43.50');

		await row.getByRole('button', { name: 'Remove' }).click();
		await expect(page.getByText('Your cart is empty.')).toBeVisible();
	});
});

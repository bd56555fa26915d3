/* SPDX-License-Identifier: Apache-2.0 */
import { test, expect } from '@playwright/test';
import { goToCheckout, pay } from './shopper';

test.describe('checkout', () => {
	test('takes the money, however slow the bank', async ({ page }) => {
		await goToCheckout(page);
		await pay(page);
		await test.step('wait for the bank', async () => {
			await expect(page.getByRole('heading', { name: 'Talking to the bank' })).toBeVisible();
			await expect(page.getByRole('progressbar', { name: 'Payment' })).toBeVisible();
			await page.waitForURL(/\/orders\/\d+$/);
		});
		await expect(page.getByText('Thank you, Ada Lovelace!')).toBeVisible();
		await expect(page.getByTestId('total')).toHaveText('€12.90');
		await expect(page.getByTestId('cart-count')).toHaveText('0');
	});

	test('says what is missing in the form', async ({ page }) => {
		await goToCheckout(page);
		await pay(page, { email: 'ada', card: '42' });
		await expect(page.getByLabel('E-mail')).toHaveAccessibleDescription(/such as ada@example.org/);
		await expect(page.getByLabel('Card number')).toHaveAccessibleDescription('A card number has 16 digits.');
		await expect(page.getByLabel('Name')).toHaveValue('Ada Lovelace');
	});

	test('keeps the cart when the card is declined', async ({ page }) => {
		await goToCheckout(page);
		await pay(page, { card: '4000 0000 0000 0000' });
		await expect(page.getByRole('alert')).toContainText('declined this card');
		await expect(page.getByTestId('cart-count')).toHaveText('1');
	});
});

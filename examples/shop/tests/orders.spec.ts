/* SPDX-License-Identifier: Apache-2.0 */
import { test, expect } from '@playwright/test';
import { goToCheckout, pay } from './shopper';

test('an order is received, packed and shipped in the background', async ({ page }) => {
	await goToCheckout(page, 'clock');
	await pay(page);
	const status = page.getByTestId('status');
	for (const stage of ['received', 'packed', 'shipped']) {
		await test.step(`wait until the order is ${stage}`, async () => {
			await expect(status).toHaveText(stage);
		});
	}
});

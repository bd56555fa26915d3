/* SPDX-License-Identifier: Apache-2.0 */
import { test, expect } from '@playwright/test';

/* The shop has a bug here, and keeps it: a demonstration needs something to find. */
test('deliberate failure: the contact form greets the sender by name', async ({ page }) => {
	await page.goto('/contact');
	await page.getByLabel('Your name').fill('Ada');
	await page.getByLabel('Message').fill('Do you sell engines?');
	await page.getByRole('button', { name: 'Send' }).click();
	await expect(page.getByRole('heading', { level: 1 })).toHaveText('Thank you, Ada!', { timeout: 2_000 });
});

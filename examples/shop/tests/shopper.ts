/* SPDX-License-Identifier: Apache-2.0 */
/* What several tests do alike. */
import { test, type Page } from '@playwright/test';

export const BUYER = {
	name: 'Ada Lovelace',
	email: 'ada@example.org',
	address: '12 St James Square, London',
	card: '4242 4242 4242 4242',
};

export async function goToCheckout(page: Page, product = 'notebook') {
	await test.step(`put ${product} into the cart`, async () => {
		await page.goto(`/products/${product}`);
		await page.getByRole('button', { name: 'Add to cart' }).click();
		await page.getByRole('link', { name: 'Check out' }).click();
	});
}

export async function pay(page: Page, buyer: Partial<typeof BUYER> = {}) {
	await test.step('pay', async () => {
		const values = { ...BUYER, ...buyer };
		await page.getByLabel('Name').fill(values.name);
		await page.getByLabel('E-mail').fill(values.email);
		await page.getByLabel('Address').fill(values.address);
		await page.getByLabel('Card number').fill(values.card);
		await page.getByRole('button', { name: 'Pay now' }).click();
	});
}

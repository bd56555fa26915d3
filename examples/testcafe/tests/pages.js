/* SPDX-License-Identifier: Apache-2.0 */
import { ClientFunction, Role, Selector } from 'testcafe';
import shop, { SHOP, pathOf } from '../shopper';

/* A visitor whom the shop knows by a cookie; the page is too busy for each first sight of one. */
const regular = Role(`${SHOP}/contact`, async (t) => {
	await t.setCookies({ name: 'visitor', value: `regular-${Date.now()}` }, SHOP);
});
const overflow = ClientFunction(() => document.documentElement.scrollWidth - window.innerWidth);

fixture('Pages').page(`${SHOP}/contact`);

test('the deals page is busy at first sight and has its deals at the second', async (t) => {
	await t.useRole(regular).navigateTo(`${SHOP}/deals`).expect(shop.heading.innerText).eql('We are too busy');
	await t.navigateTo(`${SHOP}/deals`).expect(shop.heading.innerText).eql('Deals of the day');
});

test('the menu leads to the cart', async (t) => {
	await t.click(Selector('nav a').withText('Cart')).expect(pathOf()).eql('/cart');
});

test('a page that is not there says so', async (t) => {
	await t.navigateTo(`${SHOP}/products/unicorn`).expect(shop.heading.innerText).eql('Not found');
});

test('fits a narrow screen', async (t) => {
	await t.resizeWindow(400, 740).expect(overflow()).lte(0);
});

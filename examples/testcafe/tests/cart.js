/* SPDX-License-Identifier: Apache-2.0 */
import { Selector } from 'testcafe';
import shop, { SHOP, pathOf } from '../shopper';

fixture('Cart').page(`${SHOP}/`)
	.before(async (ctx) => { ctx.price = '€14.50'; })
	.beforeEach(async (t) => {
		await shop.add('Stoneware mug');
		t.ctx.product = 'Stoneware mug';
	});

test('has what was put into it', async (t) => {
	await t.expect(pathOf()).eql('/cart')
		.expect(shop.row(t.ctx.product).innerText).contains(t.fixtureCtx.price)
		.expect(shop.count.innerText).eql('1');
});

test('adds up what is in it', async (t) => {
	await t.navigateTo(`${SHOP}/`);
	await shop.add('Brass pen');
	await t.expect(shop.count.innerText).eql('2').expect(shop.total.innerText).eql('€40.50');
});

test('counts the same thing twice', async (t) => {
	await t.navigateTo(`${SHOP}/`);
	await shop.add(t.ctx.product);
	await t.expect(shop.row(t.ctx.product).find('input[type=number]').value).eql('2')
		.expect(shop.total.innerText).eql('€29.00');
});

test('changes quantities', async (t) => {
	await t.typeText(shop.row(t.ctx.product).find('input[type=number]'), '3', { replace: true })
		.click(shop.row(t.ctx.product).find('button').withExactText('Update'))
		.expect(shop.total.innerText).eql('€43.50');
});

test('removes a line', async (t) => {
	await t.click(shop.row(t.ctx.product).find('button').withExactText('Remove'))
		.expect(Selector('main').innerText).contains('Your cart is empty.')
		.expect(shop.count.innerText).eql('0');
});

test('belongs to one visitor alone', async (t) => {
	await t.deleteCookies().navigateTo(`${SHOP}/cart`)
		.expect(Selector('main').innerText).contains('Your cart is empty.');
});

/* SPDX-License-Identifier: Apache-2.0 */
import { Selector } from 'testcafe';
import shop, { BUYER, SHOP, pathOf } from '../shopper';

const errorOf = (name: string): Selector => Selector(`#${name}-error`);

fixture`Checkout`.page(`${SHOP}/`).meta('area', 'money').beforeEach(() => shop.goToCheckout());

test.meta({ smoke: 'yes' })('takes the money, however slow the bank', async (t) => {
	await shop.pay();
	await t.expect(pathOf()).match(/^\/orders\/\d+$/)
		.expect(Selector('main').innerText).contains(`Thank you, ${BUYER.name}!`)
		.expect(shop.total.innerText).eql('€12.90')
		.expect(shop.count.innerText).eql('0');
	await t.report({ order: await pathOf() });
});

test('shows the sum before it is paid', async (t) => {
	await t.expect(shop.total.innerText).eql('€12.90');
});

test('says that an address is missing', async (t) => {
	await t.click(Selector('button').withExactText('Pay now'))
		.expect(errorOf('address').innerText).contains('where to send the parcel');
});

test('says what is wrong with e-mail and card, and keeps the rest', async (t) => {
	await shop.pay({ email: 'ada', card: '42' });
	await t.expect(errorOf('email').innerText).contains('such as ada@example.org')
		.expect(errorOf('card').innerText).eql('A card number has 16 digits.')
		.expect(Selector('#name').value).eql(BUYER.name);
});

test('keeps the cart when the card is declined', async (t) => {
	await shop.pay({ card: '4000 0000 0000 0000' });
	await t.expect(shop.alert.innerText).contains('declined this card')
		.expect(shop.count.innerText).eql('1');
});

test('follows the order until it is shipped', async (t) => {
	await shop.pay();
	await t.expect(Selector('[data-testid=status]').innerText).eql('shipped')
		.expect(Selector('.stages .done').count).eql(3);
});

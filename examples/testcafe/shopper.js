/* SPDX-License-Identifier: Apache-2.0 */
/* What several tests do alike: the shop's pages by the words that people read on them. */
import { ClientFunction, Selector, t } from 'testcafe';

export const SHOP = `http://127.0.0.1:${process.env.SHOP_PORT || 8139}`;

export const BUYER = {
	name: 'Ada Lovelace',
	email: 'ada@example.org',
	address: '12 St James Square, London',
	card: '4242 4242 4242 4242',
};

export const pathOf = ClientFunction(() => window.location.pathname);

class Shopper {
	constructor() {
		this.heading = Selector('h1');
		this.status = Selector('[role=status]');
		this.alert = Selector('[role=alert]');
		this.count = Selector('[data-testid=cart-count]');
		this.total = Selector('[data-testid=total]');
		this.cards = Selector('.card');
	}

	card(name) {
		return this.cards.withText(name);
	}

	row(name) {
		return Selector('tbody tr').withText(name);
	}

	field(label) {
		return Selector('label').withExactText(label).parent().find('input');
	}

	async add(product) {
		await t.click(this.card(product).find('button'));
	}

	async search(words) {
		await t.selectText('input[name=q]').typeText('input[name=q]', words, { replace: true })
			.click(Selector('button').withExactText('Find'));
	}

	async goToCheckout(product = 'Dotted notebook') {
		await this.add(product);
		await t.click(Selector('a').withExactText('Check out'));
	}

	async pay(changes = {}) {
		const values = { ...BUYER, ...changes };
		for (const [name, value] of Object.entries(values))
			await t.typeText(`#${name}`, value, { replace: true, paste: true });
		await t.click(Selector('button').withExactText('Pay now'));
	}
}

export default new Shopper();

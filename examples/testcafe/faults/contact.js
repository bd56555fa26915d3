/* SPDX-License-Identifier: Apache-2.0 */
/* What the shop gets wrong, for a look at failures: `src` does not name this folder. */
import { Selector } from 'testcafe';
import shop, { SHOP } from '../shopper';

fixture('Faults').page(`${SHOP}/contact`);

test('passes beside the failures', async (t) => {
	await t.expect(Selector('form.stack').exists).ok();
});

test('deliberate failure: the contact form greets the sender by name', async (t) => {
	await t.typeText('[name=fullname]', 'Ada').typeText('textarea', 'Do you sell engines?')
		.click(Selector('button').withText('Send'))
		.expect(shop.heading.innerText).eql('Thank you, Ada!', { timeout: 500 });
});

test('deliberate failure: there is a newsletter', async (t) => {
	await t.click(Selector('button', { timeout: 500 }).withText('Subscribe'));
});

/* SPDX-License-Identifier: Apache-2.0 */
import { ClientFunction, RequestLogger, Selector } from 'testcafe';
import shop, { SHOP } from '../shopper';

const pictures = RequestLogger(/\/pictures\//);
const titleOf = ClientFunction(() => document.title);

fixture('Catalogue').page(`${SHOP}/`).meta({ area: 'catalogue' });

test('lists every product with its price', async (t) => {
	await t.expect(titleOf()).eql('Catalogue · Corner Shop')
		.expect(shop.status.innerText).eql('8 products')
		.expect(shop.card('Reading lamp').innerText).contains('€49.00');
});

test('finds products by words', async (t) => {
	await shop.search('glass');
	await t.expect(shop.cards.count).eql(1).expect(shop.cards.find('h2').innerText).eql('Glass teapot');
});

test('finds products by category', async (t) => {
	const category = Selector('select[name=category]');
	await t.click(category).click(category.find('option').withText('Desk'))
		.click(Selector('button').withExactText('Find'));
	await t.expect(shop.status.innerText).eql('3 products');
});

test('says when nothing is found', async (t) => {
	await shop.search('zeppelin');
	await t.expect(shop.status.innerText).eql('Nothing found.').expect(shop.cards.exists).notOk();
});

test.page(`${SHOP}/?q=%22%3E%3Cscript%3Edocument.title%3D%22broken%22%3C%2Fscript%3E`)(
	'shows what was searched for as text, never as markup', async (t) => {
		await t.expect(titleOf()).eql('Catalogue · Corner Shop')
			.expect(Selector('input[name=q]').value).contains('<script>');
	});

test.requestHooks(pictures)('draws a picture for every product', async (t) => {
	await t.expect(pictures.count((record) => record.response && record.response.statusCode === 200)).gte(8);
});

test('leads to the page of a product', async (t) => {
	await t.click(shop.card('Quiet clock').find('a'))
		.expect(shop.heading.innerText).eql('Quiet clock')
		.expect(Selector('.price').innerText).eql('€54.00');
});

test.skip('sorts by price', async (t) => {
	await t.click(Selector('button').withText('Price'));
});

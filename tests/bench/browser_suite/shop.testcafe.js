// SPDX-License-Identifier: Apache-2.0
/* The steps of the bench for TestCafe; BENCH_TESTS and BENCH_SHOP say how often and where. */
import { Selector } from 'testcafe';

fixture('shop').page(process.env.BENCH_SHOP);

for (let i = 1; i <= Number(process.env.BENCH_TESTS ?? 20); i++)
	test(`search ${i}`, async (t) => {
		await t
			.expect(Selector('title').textContent).eql('Catalogue · Corner Shop')
			.typeText(Selector('input[name=q]'), 'glass', { replace: true, paste: true })
			.click(Selector('button').withExactText('Find'))
			.expect(Selector('h2').innerText).eql('Glass teapot')
			.expect(Selector('[role=status]').innerText).eql('1 product');
	});

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of the suite, for TestCafe's own command line and for `proctor run` alike.
 * TestCafe starts the shop and ends it; SHOP_PORT says where, when 8139 is taken.
 */
'use strict';

const port = Number(process.env.SHOP_PORT || 8139);

module.exports = {
	browsers: ['chromium:headless'],
	src: ['tests'],
	appCommand: `node ../shop/server.js --port ${port} --payment-ms 400 --stage-ms 200`,
	appInitDelay: 700,
	screenshots: { takeOnFails: true, fullPage: true },
	selectorTimeout: 5000,
	assertionTimeout: 5000,
};

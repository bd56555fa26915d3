/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for the shop's plain pages and says in TAP which of them are there. */
"use strict";

const PAGES = ["/", "/?q=lamp", "/products/mug", "/cart", "/contact", "/shop.css"];

async function
main(base)
{
	let failed = 0;
	console.log(`1..${PAGES.length}`);
	for (const [n, page] of PAGES.entries()) {
		const response = await fetch(new URL(page, base));
		const body = await response.text();
		const isFine = response.status === 200 && body.length > 0;
		failed += isFine ? 0 : 1;
		console.log(`${isFine ? "ok" : "not ok"} ${n + 1} - ${page} answers ${response.status}, ${body.length} characters`);
	}
	process.exitCode = failed > 0 ? 1 : 0;
}

main(process.argv[2] || "http://127.0.0.1:8080").catch((error) => {
	console.log(`Bail out! ${error.cause ? error.cause.message : error.message}`);
	process.exitCode = 1;
});

/* SPDX-License-Identifier: Apache-2.0 */
/* The shop's pages: functions from what is to be shown to HTML. */
"use strict";

const catalogue = require("./catalogue");
const { html } = require("./html");
const { STAGES, QUANTITY_MAX } = require("./shop");

const { price } = catalogue;

function
layout({ title, session, here }, body)
{
	const count = [...session.cart.values()].reduce((sum, n) => sum + n, 0);
	const link = (to, text) => html`<a href="${to}"${here === to ? html` aria-current="page"` : ""}>${text}</a>`;
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Corner Shop</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/shop.css">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
<a class="brand" href="/">Corner Shop</a>
<nav aria-label="Main">${link("/", "Catalogue")}${link("/deals", "Deals")}${link("/contact", "Contact")}
<a class="cart" href="/cart"${here === "/cart" ? html` aria-current="page"` : ""}>Cart <span data-testid="cart-count">${count}</span></a></nav>
</header>
<main id="main">
${body}
</main>
<footer>A small shop to try Proctor with. Nothing here is for sale.</footer>
</body>
</html>
`;
}

function
cataloguePage({ session, query, category })
{
	const products = catalogue.search(query, category);
	return layout({ title: "Catalogue", session, here: "/" }, html`
<h1>Good things for every day</h1>
<form class="search" role="search" action="/">
<label>Search <input type="search" name="q" value="${query}"></label>
<label>Category <select name="category"><option value="">All</option>${catalogue.categories().map((name) =>
	html`<option${name === category ? html` selected` : ""}>${name}</option>`)}</select></label>
<button>Find</button>
</form>
<p role="status">${products.length === 0 ? "Nothing found." : `${products.length} ${products.length === 1 ? "product" : "products"}`}</p>
<ul class="grid">${products.map(card)}</ul>`);
}

function
card(product)
{
	return html`<li class="card">
<a href="/products/${product.id}"><img src="/pictures/${product.id}.svg" alt="" width="120" height="116">
<h2>${product.name}</h2></a>
<p class="price">${price(product.cents)}</p>
<form method="post" action="/cart/items"><input type="hidden" name="product" value="${product.id}">
<button aria-label="Add ${product.name} to cart">Add to cart</button></form>
</li>`;
}

function
productPage({ session, product })
{
	return layout({ title: product.name, session }, html`
<article class="product">
<img src="/pictures/${product.id}.svg" alt="" width="240" height="232">
<div>
<p class="muted">${product.category}</p>
<h1>${product.name}</h1>
<p>${product.text}</p>
<p class="price">${price(product.cents)}</p>
<form method="post" action="/cart/items"><input type="hidden" name="product" value="${product.id}">
<button class="primary">Add to cart</button></form>
</div>
</article>`);
}

function
cartPage({ session, lines, total })
{
	if (lines.length === 0)
		return layout({ title: "Cart", session, here: "/cart" }, html`
<h1>Your cart</h1>
<p>Your cart is empty. <a href="/">Look around</a> first.</p>`);
	return layout({ title: "Cart", session, here: "/cart" }, html`
<h1>Your cart</h1>
<table>
<thead><tr><th scope="col">Product</th><th scope="col">Quantity</th><th scope="col" class="number">Price</th></tr></thead>
<tbody>${lines.map(cartLine)}</tbody>
<tfoot><tr><th scope="row" colspan="2">Total</th><td class="number" data-testid="total">${price(total)}</td></tr></tfoot>
</table>
<p><a class="button primary" href="/checkout">Check out</a></p>`);
}

function
cartLine({ product, quantity, cents })
{
	return html`<tr>
<th scope="row"><a href="/products/${product.id}">${product.name}</a></th>
<td><form class="inline" method="post" action="/cart/quantity"><input type="hidden" name="product" value="${product.id}">
<input type="number" name="quantity" min="0" max="${QUANTITY_MAX}" value="${quantity}" aria-label="Quantity of ${product.name}">
<button>Update</button>
<button name="quantity" value="0" formnovalidate aria-label="Remove ${product.name}">Remove</button></form></td>
<td class="number">${price(cents)}</td>
</tr>`;
}

const CHECKOUT_FIELDS = [
	{ name: "name", label: "Name", autocomplete: "name" },
	{ name: "email", label: "E-mail", autocomplete: "email", type: "email" },
	{ name: "address", label: "Address", autocomplete: "street-address" },
	{ name: "card", label: "Card number", autocomplete: "cc-number", inputmode: "numeric" },
];

function
checkoutPage({ session, total, values, errors, isDeclined })
{
	return layout({ title: "Checkout", session }, html`
<h1>Checkout</h1>
${isDeclined && html`<p class="alert" role="alert">The bank declined this card. Please try another one.</p>`}
<form class="stack" method="post" action="/checkout" novalidate>
${CHECKOUT_FIELDS.map((field) => inputField(field, values[field.name], errors[field.name]))}
<p class="total">To pay: <strong data-testid="total">${price(total)}</strong></p>
<button class="primary">Pay now</button>
</form>`);
}

function
inputField({ name, label, autocomplete, type, inputmode }, value, error)
{
	return html`<p class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type || "text"}" autocomplete="${autocomplete}" value="${value}"${
	inputmode && html` inputmode="${inputmode}"`}${error && html` aria-invalid="true" aria-describedby="${name}-error"`}>
${error && html`<span class="error" id="${name}-error">${error}</span>`}</p>`;
}

/* The page asks for the state until there is a next page; without scripts it reloads itself. */
function
paymentPage({ session, payment, state })
{
	return layout({ title: "Payment", session }, html`
<h1>Talking to the bank …</h1>
<noscript><meta http-equiv="refresh" content="1"></noscript>
<p>This takes a few seconds. Please stay on this page.</p>
<progress id="progress" max="100" value="${state.percent}" aria-label="Payment">${state.percent} %</progress>
<p role="status" id="state">Waiting for the bank</p>
<script>
(async () => {
	for (;;) {
		const state = await (await fetch("/payments/${payment.id}/state")).json();
		document.getElementById("progress").value = state.percent;
		if (state.next)
			return location.replace(state.next);
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
})();
</script>`);
}

function
orderPage({ session, order })
{
	return layout({ title: `Order ${order.id}`, session }, html`
<h1>Order ${order.id}</h1>
<p>Thank you, ${order.name}! We have your order over <strong data-testid="total">${price(order.cents)}</strong>.</p>
<ol class="stages" aria-label="Progress of the order">${STAGES.map((stage, n) =>
	html`<li data-stage="${stage}"${n <= order.stage ? html` class="done"` : ""}>${stage}</li>`)}</ol>
<p>Status: <strong role="status" data-testid="status">${STAGES[order.stage]}</strong></p>
<ul>${order.lines.map(({ product, quantity }) => html`<li>${quantity} × ${product.name}</li>`)}</ul>
<noscript><meta http-equiv="refresh" content="2"></noscript>
<script>
const stages = ${html([JSON.stringify(STAGES)])};
(async () => {
	for (;;) {
		const { stage } = await (await fetch("/orders/${order.id}/state")).json();
		document.querySelector('[data-testid="status"]').textContent = stages[stage];
		document.querySelectorAll("[data-stage]").forEach((item, n) => item.classList.toggle("done", n <= stage));
		if (stage === stages.length - 1)
			return;
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
})();
</script>`);
}

function
dealsPage({ session })
{
	return layout({ title: "Deals", session, here: "/deals" }, html`
<h1>Deals of the day</h1>
<p>Two for one, today only:</p>
<ul class="grid">${catalogue.search("", "Kitchen").map(card)}</ul>`);
}

function
busyPage({ session })
{
	return layout({ title: "Too busy", session, here: "/deals" }, html`
<h1>We are too busy</h1>
<p class="alert" role="alert">The deals cannot be shown right now. Please try again.</p>`);
}

function
contactPage({ session })
{
	return layout({ title: "Contact", session, here: "/contact" }, html`
<h1>Write to us</h1>
<form class="stack" method="post" action="/contact">
<p class="field"><label for="name">Your name</label><input id="name" name="fullname" autocomplete="name" required></p>
<p class="field"><label for="message">Message</label><textarea id="message" name="message" rows="4" required></textarea></p>
<button class="primary">Send</button>
</form>`);
}

function
thanksPage({ session, name })
{
	return layout({ title: "Thank you", session, here: "/contact" }, html`
<h1>Thank you, ${name}!</h1>
<p>We have your message and answer within a day.</p>`);
}

function
errorPage({ session, title, text })
{
	return layout({ title, session }, html`
<h1>${title}</h1>
<p>${text}</p>
<p><a href="/">Back to the catalogue</a></p>`);
}

module.exports = {
	cataloguePage, productPage, cartPage, checkoutPage, paymentPage, orderPage,
	dealsPage, busyPage, contactPage, thanksPage, errorPage, CHECKOUT_FIELDS,
};

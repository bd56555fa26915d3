/* SPDX-License-Identifier: Apache-2.0 */
/* What the shop sells. Prices are in cents, so that sums stay exact. */
"use strict";

const PRODUCTS = [
	{ id: "lamp", name: "Reading lamp", category: "Light", cents: 4900, hue: 42, shape: "lamp",
		text: "A warm, dimmable light with an arm that stays where you put it." },
	{ id: "lantern", name: "Garden lantern", category: "Light", cents: 2750, hue: 28, shape: "lamp",
		text: "Charges by day, glows by night, does not mind the rain." },
	{ id: "mug", name: "Stoneware mug", category: "Kitchen", cents: 1450, hue: 12, shape: "mug",
		text: "Holds a third of a litre and the heat of it for long." },
	{ id: "teapot", name: "Glass teapot", category: "Kitchen", cents: 3890, hue: 168, shape: "mug",
		text: "Watch the leaves unfold. With a strainer of steel." },
	{ id: "board", name: "Olive wood board", category: "Kitchen", cents: 3200, hue: 88, shape: "board",
		text: "Every board has a grain of its own; oil it once a month." },
	{ id: "notebook", name: "Dotted notebook", category: "Desk", cents: 1290, hue: 220, shape: "board",
		text: "192 numbered pages that lie flat." },
	{ id: "pen", name: "Brass pen", category: "Desk", cents: 2600, hue: 48, shape: "pen",
		text: "Heavy enough to slow a hasty hand. Takes standard refills." },
	{ id: "clock", name: "Quiet clock", category: "Desk", cents: 5400, hue: 262, shape: "clock",
		text: "Sweeps instead of ticking." },
];

const SHAPES = {
	lamp: '<path d="M34 52 46 22h28l12 30zM58 52h4v30h-4z"/><path d="M42 82h36v6H42z"/>',
	mug: '<path d="M36 30h40v46a10 10 0 0 1-10 10H46a10 10 0 0 1-10-10zM76 40h8a10 10 0 0 1 0 30h-8v-6h8a4 4 0 0 0 0-18h-8z"/>',
	board: '<path d="M38 20h44a6 6 0 0 1 6 6v64a6 6 0 0 1-6 6H38a6 6 0 0 1-6-6V26a6 6 0 0 1 6-6zm22 10a4 4 0 1 0 0 8 4 4 0 0 0 0-8z"/>',
	pen: '<path d="M82 22 94 34 50 78 34 82 38 66z"/>',
	clock: '<path d="M60 20a38 38 0 1 0 0 76 38 38 0 0 0 0-76zm3 16v20l14 10-4 6-16-12V36z"/>',
};

function
find(id)
{
	return PRODUCTS.find((product) => product.id === id);
}

/* Products of a category (all without one) whose name or text has every word of the query. */
function
search(query = "", category = "")
{
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	return PRODUCTS.filter((product) => (!category || product.category === category)
		&& words.every((word) => `${product.name} ${product.text}`.toLowerCase().includes(word)));
}

function
categories()
{
	return [...new Set(PRODUCTS.map(({ category }) => category))];
}

function
price(cents)
{
	return `€${(cents / 100).toFixed(2)}`;
}

function
picture({ hue, shape })
{
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 116" role="presentation">`
		+ `<rect width="120" height="116" fill="hsl(${hue} 55% 88%)"/>`
		+ `<g fill="hsl(${hue} 48% 42%)">${SHAPES[shape]}</g></svg>`;
}

module.exports = { find, search, categories, price, picture };

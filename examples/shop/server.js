#!/usr/bin/env node
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small web shop to test: catalogue, cart, checkout with a slow payment, orders that a background
 * task carries on, a page that fails every second time, and a form with a bug. It needs Node alone.
 *
 *	node server.js [--port N] [--payment-ms N] [--stage-ms N]
 *
 * It listens on 127.0.0.1 only, on any free port without --port, and prints one line when ready.
 */
"use strict";

const fs = require("fs");
const http = require("http");
const path = require("path");
const catalogue = require("./lib/catalogue");
const pages = require("./lib/pages");
const { Shop } = require("./lib/shop");

const BODY_MAX = 16 * 1024;
const DEFAULTS = { port: 0, "payment-ms": 2500, "stage-ms": 1500 };
const STYLE = fs.readFileSync(path.join(__dirname, "public/shop.css"));

/* Each route: method, pattern, handler(context, …captures) → page, or nothing when it has answered. */
const ROUTES = [
	["GET", /^\/$/, showCatalogue],
	["GET", /^\/products\/([a-z]+)$/, showProduct],
	["GET", /^\/pictures\/([a-z]+)\.svg$/, sendPicture],
	["GET", /^\/cart$/, showCart],
	["POST", /^\/cart\/items$/, addToCart],
	["POST", /^\/cart\/quantity$/, changeQuantity],
	["GET", /^\/checkout$/, showCheckout],
	["POST", /^\/checkout$/, checkOut],
	["GET", /^\/payments\/([0-9a-f-]+)$/, showPayment],
	["GET", /^\/payments\/([0-9a-f-]+)\/state$/, sendPaymentState],
	["GET", /^\/orders\/(\d+)$/, showOrder],
	["GET", /^\/orders\/(\d+)\/state$/, sendOrderState],
	["GET", /^\/deals$/, showDeals],
	["GET", /^\/contact$/, ({ session }) => pages.contactPage({ session })],
	["POST", /^\/contact$/, receiveMessage],
	["GET", /^\/shop\.css$/, ({ response }) => send(response, 200, "text/css; charset=utf-8", STYLE)],
	["GET", /^\/healthz$/, ({ response }) => sendJson(response, { status: "ok" })],
];

function
showCatalogue({ session, url })
{
	return pages.cataloguePage({
		session,
		query: url.searchParams.get("q") || "",
		category: url.searchParams.get("category") || "",
	});
}

function
showProduct(context, id)
{
	const product = catalogue.find(id);
	return product ? pages.productPage({ ...context, product }) : notFound(context);
}

function
sendPicture(context, id)
{
	const product = catalogue.find(id);
	if (!product)
		return notFound(context);
	send(context.response, 200, "image/svg+xml", catalogue.picture(product));
}

function
showCart({ shop, session })
{
	return pages.cartPage({ session, lines: shop.lines(session), total: shop.total(session) });
}

function
addToCart({ shop, session, form, response })
{
	shop.add(session, form.get("product"));
	redirect(response, "/cart");
}

/* The "Remove" button comes after the number field and wins. */
function
changeQuantity({ shop, session, form, response })
{
	shop.setQuantity(session, form.get("product"), Number(form.getAll("quantity").pop()));
	redirect(response, "/cart");
}

function
showCheckout({ shop, session, url, response })
{
	if (session.cart.size === 0)
		return redirect(response, "/cart");
	return pages.checkoutPage({ session, total: shop.total(session), values: {}, errors: {},
		isDeclined: url.searchParams.has("declined") });
}

function
checkOut({ shop, session, form, response })
{
	if (session.cart.size === 0)
		return redirect(response, "/cart");
	const values = Object.fromEntries(pages.CHECKOUT_FIELDS.map(({ name }) =>
		[name, (form.get(name) || "").trim().slice(0, 200)]));
	const errors = checkBuyer(values);
	if (Object.keys(errors).length > 0) {
		response.statusCode = 422;
		return pages.checkoutPage({ session, total: shop.total(session), values, errors, isDeclined: false });
	}
	redirect(response, `/payments/${shop.startPayment(session, values).id}`);
}

function
checkBuyer({ name, email, address, card })
{
	const errors = {};
	if (!name)
		errors.name = "Please tell us your name.";
	if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email))
		errors.email = "Please enter an e-mail address such as ada@example.org.";
	if (!address)
		errors.address = "Please tell us where to send the parcel.";
	if (!/^\d{16}$/.test(card.replace(/\s/g, "")))
		errors.card = "A card number has 16 digits.";
	return errors;
}

/* Payments and orders are shown to the session that made them, and to nobody else. */
function
owned(collection, id, session)
{
	const item = collection.get(id);
	return item && item.session === session.id ? item : undefined;
}

function
showPayment(context, id)
{
	const payment = owned(context.shop.payments, id, context.session);
	if (!payment)
		return notFound(context);
	const state = context.shop.paymentState(payment);
	return state.next ? redirect(context.response, state.next) : pages.paymentPage({ ...context, payment, state });
}

function
sendPaymentState(context, id)
{
	const payment = owned(context.shop.payments, id, context.session);
	return payment ? sendJson(context.response, context.shop.paymentState(payment)) : notFound(context);
}

function
showOrder(context, id)
{
	const order = owned(context.shop.orders, id, context.session);
	return order ? pages.orderPage({ ...context, order }) : notFound(context);
}

function
sendOrderState(context, id)
{
	const order = owned(context.shop.orders, id, context.session);
	return order ? sendJson(context.response, { stage: order.stage }) : notFound(context);
}

/* A visitor is known by the cookie of that name, which a test may set to be the same one again. */
function
showDeals({ shop, session, cookies, response })
{
	if (!shop.isOverloaded(cookies.visitor || session.id))
		return pages.dealsPage({ session });
	response.statusCode = 503;
	return pages.busyPage({ session });
}

/* The bug: the form calls its field "fullname". A test that fails on purpose finds it. */
function
receiveMessage({ session, form })
{
	return pages.thanksPage({ session, name: form.get("name") });
}

function
notFound({ session, response })
{
	response.statusCode = 404;
	return pages.errorPage({ session, title: "Not found", text: "There is no such page." });
}

function
send(response, status, type, body)
{
	response.writeHead(status, {
		"Content-Type": type,
		"Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'self' data:; script-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
	});
	response.end(body);
}

function
sendJson(response, value)
{
	send(response, 200, "application/json", JSON.stringify(value));
}

function
redirect(response, to)
{
	response.writeHead(303, { Location: to });
	response.end();
}

/* Two slashes at the front would name a host. */
function
readUrl(request)
{
	try {
		return new URL(request.url.replace(/^\/+/, "/"), "http://shop.invalid");
	} catch {
		throw Object.assign(new Error("This address cannot be read."), { status: 400 });
	}
}

function
readCookies(request)
{
	const pairs = (request.headers.cookie || "").split(";").map((pair) => pair.trim().split("="));
	return Object.fromEntries(pairs.filter(([, value]) => /^[\w-]{1,64}$/.test(value || "")));
}

async function
readForm(request)
{
	const chunks = [];
	let bytes = 0;
	for await (const chunk of request) {
		bytes += chunk.length;
		if (bytes > BODY_MAX)
			throw Object.assign(new Error("The form is too large."), { status: 413 });
		chunks.push(chunk);
	}
	return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

async function
answer(shop, request, response)
{
	const url = readUrl(request);
	const cookies = readCookies(request);
	const session = shop.session(cookies.session);
	const context = { shop, url, cookies, session, response };
	if (session.id !== cookies.session)
		response.setHeader("Set-Cookie", `session=${session.id}; Path=/; HttpOnly; SameSite=Lax`);

	const method = request.method === "HEAD" ? "GET" : request.method;
	const route = ROUTES.find(([verb, pattern]) => verb === method && pattern.test(url.pathname));
	if (method === "POST")
		context.form = await readForm(request);
	const page = route ? route[2](context, ...route[1].exec(url.pathname).slice(1)) : notFound(context);
	if (page)
		send(response, response.statusCode, "text/html; charset=utf-8", String(page));
}

function
serve(options)
{
	const shop = new Shop({ paymentMs: options["payment-ms"], stageMs: options["stage-ms"] });
	const server = http.createServer((request, response) => {
		answer(shop, request, response).catch((error) => {
			if (!response.headersSent)
				send(response, error.status || 500, "text/plain; charset=utf-8",
					error.status ? error.message : "Something went wrong.");
			if (!error.status)
				console.error(error);
		});
	});
	server.on("error", (error) => {
		console.error(`cannot listen on port ${options.port}: ${error.message}`);
		process.exit(1);
	});
	server.listen(options.port, "127.0.0.1", () => {
		console.log(`listening on http://127.0.0.1:${server.address().port}`);
	});
	for (const signal of ["SIGINT", "SIGTERM"])
		process.on(signal, () => process.exit(0));
}

function
readArguments(argv)
{
	const options = { ...DEFAULTS };
	for (let n = 0; n < argv.length; n += 2) {
		const name = argv[n].replace(/^--/, "");
		if (!Object.hasOwn(DEFAULTS, name) || !/^\d{1,6}$/.test(argv[n + 1] || "")) {
			console.error("usage: node server.js [--port N] [--payment-ms N] [--stage-ms N]");
			process.exit(2);
		}
		options[name] = Number(argv[n + 1]);
	}
	return options;
}

serve(readArguments(process.argv.slice(2)));

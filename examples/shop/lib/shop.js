/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shop's memory: sessions with their carts, payments that take their time, and orders that a
 * background task carries from "received" to "shipped". Nothing is kept on disk.
 */
"use strict";

const crypto = require("crypto");
const catalogue = require("./catalogue");

const SESSIONS_MAX = 10000;
const QUANTITY_MAX = 20;
const STAGES = ["received", "packed", "shipped"];
const DECLINED = /0000$/; /* cards that the bank does not like */

class Shop {
	/* times: {paymentMs, stageMs}: how long a payment and one stage of an order take. */
	constructor(times) {
		this.times = times;
		this.sessions = new Map();
		this.payments = new Map();
		this.orders = new Map();
		this.visits = new Map();
		this.nextOrder = 1001;
	}

	/* The session with this id, or a new one. */
	session(id) {
		const known = this.sessions.get(id);
		if (known)
			return known;
		if (this.sessions.size >= SESSIONS_MAX)
			this.sessions.delete(this.sessions.keys().next().value);
		const session = { id: crypto.randomUUID(), cart: new Map() };
		this.sessions.set(session.id, session);
		return session;
	}

	setQuantity(session, id, quantity) {
		if (!catalogue.find(id))
			return;
		const wanted = Math.min(QUANTITY_MAX, Math.trunc(quantity) || 0);
		if (wanted > 0)
			session.cart.set(id, wanted);
		else
			session.cart.delete(id);
	}

	add(session, id) {
		this.setQuantity(session, id, (session.cart.get(id) || 0) + 1);
	}

	lines(session) {
		return [...session.cart].map(([id, quantity]) => {
			const product = catalogue.find(id);
			return { product, quantity, cents: product.cents * quantity };
		});
	}

	total(session) {
		return this.lines(session).reduce((sum, { cents }) => sum + cents, 0);
	}

	/* The bank answers after paymentMs; until then the payment has a share of it done. */
	startPayment(session, buyer) {
		const payment = {
			id: crypto.randomUUID(),
			session: session.id,
			startedAt: Date.now(),
			state: "waiting",
			lines: this.lines(session),
			cents: this.total(session),
			buyer,
		};
		this.payments.set(payment.id, payment);
		setTimeout(() => this.endPayment(session, payment), this.times.paymentMs).unref();
		return payment;
	}

	endPayment(session, payment) {
		if (DECLINED.test(payment.buyer.card)) {
			payment.state = "declined";
			return;
		}
		payment.order = this.placeOrder(payment).id;
		payment.state = "paid";
		session.cart.clear();
	}

	paymentState(payment) {
		const share = (Date.now() - payment.startedAt) / this.times.paymentMs;
		return {
			state: payment.state,
			percent: payment.state === "waiting" ? Math.min(99, Math.floor(share * 100)) : 100,
			next: payment.state === "paid" ? `/orders/${payment.order}`
				: payment.state === "declined" ? "/checkout?declined=1" : undefined,
		};
	}

	placeOrder({ lines, cents, buyer, session }) {
		const order = { id: String(this.nextOrder++), session, lines, cents, name: buyer.name, stage: 0 };
		this.orders.set(order.id, order);
		this.process(order);
		return order;
	}

	/* The background task: the warehouse needs stageMs for each further stage. */
	process(order) {
		setTimeout(() => {
			order.stage++;
			if (order.stage < STAGES.length - 1)
				this.process(order);
		}, this.times.stageMs).unref();
	}

	/* True for every second look of a visitor, starting with the first: the flaky part of the shop. */
	isOverloaded(visitor) {
		const visits = (this.visits.get(visitor) || 0) + 1;
		this.visits.set(visitor, visits);
		return visits % 2 === 1;
	}
}

module.exports = { Shop, STAGES, QUANTITY_MAX };

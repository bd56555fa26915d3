/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded (node -r) before TestCafe: a server that names no host listens on 127.0.0.1 only.
 *
 * TestCafe opens its two proxy ports without a host, which means on every interface of the
 * machine; its `hostname` changes the advertised name alone. A page that may steer a browser is
 * nobody's business outside this machine. A server that names a host gets what it asks for.
 */
"use strict";

const net = require("net");

const LOOPBACK = "127.0.0.1";
const listen = net.Server.prototype.listen;

/* listen(port?, host?, backlog?, callback?) or listen({port?, host?, path?, fd?, …}, callback?) */
function
withHost(args)
{
	const [first, second] = args;
	if (first !== null && typeof first === "object") {
		const isPort = first.path === undefined && first.fd === undefined && !first._handle && !first.handle;
		return isPort && !first.host && !(first instanceof net.Server)
			? [{ ...first, host: LOOPBACK }, ...args.slice(1)] : args;
	}
	const isPort = first === undefined || first === null || typeof first === "function"
		|| typeof first === "number" || /^\d+$/.test(first);
	if (!isPort || (typeof second === "string" && second !== ""))
		return args;
	if (first === undefined || first === null || typeof first === "function")
		return [0, LOOPBACK, ...args.filter((one) => typeof one === "function")];
	return [first, LOOPBACK, ...args.slice(1).filter((one) => typeof one === "number" || typeof one === "function")];
}

net.Server.prototype.listen = function (...args) {
	return listen.apply(this, withHost(args));
};

module.exports = { withHost };

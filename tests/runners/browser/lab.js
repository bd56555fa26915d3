/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place for trying browser tests: a site on two origins whose pages are written beside the
 * tests, and one warm runner that carries out one test after the other.
 */
"use strict";

const assert = require("node:assert/strict");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const { Peer, request } = require("../peer");

const PROCTOR = process.env.PROCTOR_BIN ?? path.join(__dirname, "../../../build/proctor");

function
hasChromium()
{
	return Boolean(process.env.PROCTOR_CHROMIUM) || ["/usr/lib/chromium/chromium-headless-shell",
		"/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].some((file) => fs.existsSync(file));
}

/* Pages by path: text, or a function (request, response, body). */
class Site {
	constructor(pages = {})
	{
		this.pages = { ...pages };
		this.seen = [];
		this.server = http.createServer((incoming, response) => {
			let body = "";
			incoming.setEncoding("latin1");
			incoming.on("data", (chunk) => { body += chunk; });
			incoming.on("end", () => this.answer(incoming, response, body));
		});
	}

	answer(incoming, response, body)
	{
		const name = incoming.url.split("?")[0];
		const page = this.pages[name];
		this.seen.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
		response.setHeader("cache-control", "no-store");
		if (typeof page === "function") {
			page(incoming, response, body);
		} else if (page === undefined) {
			response.writeHead(404, { "content-type": "text/plain" }).end("nothing here");
		} else {
			response.writeHead(200, { "content-type": "text/html; charset=utf-8" })
				.end(`<!doctype html><meta charset="utf-8">${page}`);
		}
	}

	async listen()
	{
		await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
		this.port = this.server.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
		/* Another site as far as the browser is concerned: its frames get their own process. */
		this.other = `http://localhost:${this.port}`;
		return this;
	}

	close()
	{
		this.server.closeAllConnections?.();
		this.server.close();
	}
}

class Lab {
	async start()
	{
		this.base = fs.mkdtempSync(path.join(os.tmpdir(), "proctor-browser-"));
		this.site = await new Site().listen();
		this.peer = new Peer([PROCTOR, "runner", "browser"]);
		await this.peer.greet();
		return this;
	}

	async stop()
	{
		const { code, signal } = await this.peer.close();
		this.site.close();
		fs.rmSync(this.base, { recursive: true, force: true, maxRetries: 5 });
		/* A sanitizer speaks up at the end. */
		assert.deepEqual({ code, signal }, { code: 0, signal: null }, this.peer.output);
	}

	/* Sends a test; members of the request besides. -> the request. */
	send(test, members = {})
	{
		const message = request(this.base, { test: { name: "t", kind: "browser", ...test }, ...members });
		this.peer.send(message);
		return message;
	}

	async result(message)
	{
		const result = await this.peer.expect((reply) => reply.type === "result" && reply.run === message.run);
		const of = (type) => this.peer.messages.filter((reply) => reply.type === type && reply.run === message.run);
		return { ...result, steps: of("step"), artifacts: of("artifact"), logs: of("log"), request: message };
	}

	/* Steps on a page that is served as /. */
	async run(page, steps, { pages = {}, test = {}, ...members } = {})
	{
		this.site.pages = { "/": page, ...pages };
		this.site.seen = [];
		const known = Array.isArray(steps) ? { steps } : steps;
		return this.result(this.send({ url: `${this.site.url}/`, ...known, ...test },
			{ config: { actionTimeout: 1500, expectTimeout: 1500, har: "off", dom: "off", screenshot: "off" }, ...members }));
	}

	async passes(page, steps, options)
	{
		const result = await this.run(page, steps, options);
		assert.equal(result.outcome, "passed", result.error?.message);
		return result;
	}

	/* With that reason, and a message that every pattern matches. */
	async fails(page, steps, reason, patterns, options = {})
	{
		const result = await this.run(page, steps, options);
		const message = result.error?.message ?? "";
		assert.equal(result.outcome, options.outcome ?? "failed", message);
		assert.equal(result.reason, reason, message);
		for (const pattern of [patterns].flat())
			assert.match(message, pattern);
		return result;
	}
}

module.exports = { Lab, Site, hasChromium };

// SPDX-License-Identifier: Apache-2.0
/* A reader of event streams that can stop anywhere and come back. */
import http from 'node:http';

export class Stream {
	/* Opens it; resolves when the head of the answer is there. */
	static open(server, target, { lastEventId, token = server.token } = {}) {
		return new Promise((resolve, reject) => {
			const request = http.request({
				host: '127.0.0.1', port: server.port, path: `/api/v1${target}`, agent: false,
				headers: {
					authorization: `Bearer ${token}`, accept: 'text/event-stream',
					...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
				},
			}, (response) => resolve(new Stream(request, response)));

			request.on('error', reject);
			request.end();
		});
	}

	constructor(request, response) {
		this.request = request;
		this.response = response;
		this.status = response.statusCode;
		this.headers = response.headers;
		this.events = []; // that nobody asked for yet
		this.ended = false;
		this.rest = '';
		this.wake = () => {};
		response.setEncoding('utf8');
		response.on('data', (text) => this.take(text));
		response.on('error', () => this.end());
		response.on('close', () => this.end());
		request.on('error', () => this.end());
	}

	take(text) {
		const blocks = (this.rest + text).split('\n\n');

		this.rest = blocks.pop();
		for (const block of blocks) {
			const event = { comment: '' };

			for (const line of block.split('\n')) {
				const found = /^(id|event|data): ?(.*)$/.exec(line);

				if (found) event[found[1]] = found[2];
				else if (line.startsWith(':')) event.comment += line.slice(1).trim();
			}
			if (event.data !== undefined) event.json = JSON.parse(event.data);
			if (event.event !== undefined || event.data !== undefined) this.events.push(event);
		}
		this.wake();
	}

	end() {
		this.ended = true;
		this.wake();
	}

	/* The next event; null at the end of the stream. */
	async next(ms = 20000) {
		const end = Date.now() + ms;

		while (this.events.length === 0 && !this.ended) {
			let late;

			await new Promise((resolve, reject) => {
				this.wake = resolve;
				late = setTimeout(() => reject(new Error(`no event in ${ms} ms`)),
					Math.max(0, end - Date.now()));
			});
			clearTimeout(late);
		}
		return this.events.shift() ?? null;
	}

	async until(type) {
		const seen = [];

		for (;;) {
			const event = await this.next();

			if (event === null) throw new Error(`the stream ended before ${type}`);
			seen.push(event);
			if (event.event === type) return seen;
		}
	}

	async toEnd() {
		const seen = [];

		for (let event = await this.next(); event; event = await this.next()) seen.push(event);
		return seen;
	}

	cut() {
		this.request.destroy();
	}
}

// SPDX-License-Identifier: Apache-2.0
/*
 * One request and its answer. Requests that may be repeated are: those that only read, and those
 * that carry an Idempotency-Key, which is every POST.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ProctorError, TimeoutError, UnreachableError } from './errors.js';

const PAUSE_MS = 100; // before the first repetition; doubled for each
const PAUSE_MS_MAX = 5000;

export class Transport {
	constructor({ baseUrl = process.env.PROCTOR_URL ?? 'http://127.0.0.1:7070', token, tokenFile,
		project, timeout = 30000, retries = 3 } = {}) {
		this.baseUrl = String(baseUrl).replace(/\/+$/, '').replace(/\/api\/v1$/, '');
		this.token = token ?? process.env.PROCTOR_TOKEN
			?? readToken(tokenFile ?? process.env.PROCTOR_TOKEN_FILE);
		this.project = project;
		this.timeout = timeout;
		this.retries = retries;
	}

	headers(more = {}) {
		return {
			...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
			...(this.project ? { 'x-proctor-project': this.project } : {}),
			...more,
		};
	}

	url(path, query = {}) {
		const url = new URL(`${this.baseUrl}/api/v1${path}`);

		for (const [name, value] of Object.entries(query))
			for (const one of [value].flat())
				if (one !== undefined && one !== null) url.searchParams.append(name, String(one));
		return url;
	}

	/* The body of the answer; throws what errors.js names. `wait`: the server takes so long on purpose. */
	async json(method, path, { query, body, headers = {}, wait = 0, raw = false } = {}) {
		const url = this.url(path, query);
		const all = this.headers({ ...headers,
			...(body === undefined ? {} : { 'content-type': 'application/json' }),
			...(method === 'POST' && !headers['idempotency-key']
				? { 'idempotency-key': randomUUID() } : {}) });
		const isSafe = ['GET', 'HEAD', 'POST'].includes(method);

		for (let attempt = 0; ; attempt++) {
			const again = isSafe && attempt < this.retries;
			const pause = Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX) * (0.5 + Math.random() / 2);
			let answer;

			try {
				answer = await fetch(url, { method, headers: all, redirect: 'error',
					body: body === undefined ? undefined : JSON.stringify(body),
					signal: AbortSignal.timeout(this.timeout + wait) });
				if (answer.ok) return raw ? answer : await decoded(answer);
			} catch (error) {
				if (error.name === 'TimeoutError' && !again)
					throw new TimeoutError(`${method} ${url.pathname}`, this.timeout + wait);
				if (!again) throw new UnreachableError(this.baseUrl, error);
			}
			if (answer && !(again && [429, 502, 503, 504].includes(answer.status)))
				throw new ProctorError(answer.status, await problemOf(answer));
			await new Promise((resolve) => { setTimeout(resolve, retryAfter(answer) ?? pause); });
		}
	}
}

function readToken(file) {
	return file ? readFileSync(file, 'utf8').trim() : undefined;
}

async function decoded(answer) {
	const text = await answer.text();

	if (text === '') return undefined;
	return (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text;
}

async function problemOf(answer) {
	const text = await answer.text().catch(() => '');

	try {
		return JSON.parse(text);
	} catch {
		return { title: answer.statusText, detail: text.slice(0, 500) || undefined };
	}
}

function retryAfter(answer) {
	const seconds = Number(answer?.headers.get('retry-after'));

	return seconds > 0 ? Math.min(seconds * 1000, PAUSE_MS_MAX) : undefined;
}

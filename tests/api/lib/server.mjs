// SPDX-License-Identifier: Apache-2.0
/*
 * A real server without workers, on a port and a data directory of its own, and a client for it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { webcrypto as crypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

export const bin = process.env.PROCTOR_BIN ?? path.join(root, 'build/proctor');
export const finalStates = ['completed', 'failed', 'stopped', 'invalid'];

export class Server {
	/* Starts one; whoever does closes it, in an `after` of the same suite. */
	static async start({ args = [], program = bin } = {}) {
		const server = new Server();

		server.data = mkdtempSync(path.join(tmpdir(), 'proctor-api-'));
		server.args = args;
		server.program = program;
		await server.launch();
		return server;
	}

	/* Ends it for good, in order; nothing stays on the disk. */
	async close() {
		const ended = await this.stop();

		rmSync(this.data, { recursive: true, force: true, maxRetries: 5 });
		assert.deepEqual(ended, { code: 0, signal: null }, this.said);
	}

	async launch() {
		const child = spawn(this.program, ['serve', '--listen', '127.0.0.1:0',
			...(this.args.includes('--workers') ? [] : ['--workers', '0']),
			'--data', this.data, '--log', 'warn', ...this.args], {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, PROCTOR_URL: '', PROCTOR_TOKEN: '', PROCTOR_DATA: '' },
		});

		this.child = child;
		this.said = '';
		this.gone = new Promise((resolve) => {
			child.on('exit', (code, signal) => resolve({ code, signal }));
			child.on('error', (error) => {
				this.said += error;
				resolve({ code: -1, signal: null });
			});
		});
		child.stderr.on('data', (text) => { this.said = (this.said + text).slice(-65536); });
		const ready = new Promise((resolve) => {
			let out = '';

			child.stdout.on('data', (text) => {
				out += text;
				const found = /^listening on (http:\/\/127\.0\.0\.1:(\d+))$/m.exec(out);

				if (found) resolve(found);
			});
		});
		const found = await Promise.race([ready, this.gone]);

		if (!Array.isArray(found)) throw new Error(`the server did not start: ${this.said}`);
		this.url = found[1];
		this.port = Number(found[2]);
		this.pid = child.pid;
		this.tokenFile = path.join(this.data, 'admin.token');
		this.token = readFileSync(this.tokenFile, 'utf8').trim();
	}

	/* Ends it as an administrator would, or as a power cut would (SIGKILL). */
	async stop(signal = 'SIGTERM') {
		if (this.child.exitCode === null && this.child.signalCode === null)
			this.child.kill(signal);
		const late = setTimeout(() => this.child.kill('SIGKILL'), 20000);
		const ended = await this.gone;

		clearTimeout(late);
		return ended;
	}

	async restart(signal) {
		await this.stop(signal);
		await this.launch();
	}

	/*
	 * One request. body: undefined, a value to be sent as JSON, or text or bytes as they are.
	 * options.token: null for none; options.root: not below /api/v1.
	 */
	async request(method, target, body, { headers = {}, token = this.token, root: atRoot } = {}) {
		const isRaw = typeof body === 'string' || body instanceof Uint8Array;
		const response = await fetch(`${this.url}${atRoot ? '' : '/api/v1'}${target}`, {
			method,
			headers: {
				...(token === null ? {} : { authorization: `Bearer ${token}` }),
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
				...headers,
			},
			body: body === undefined ? undefined : isRaw ? body : JSON.stringify(body),
			redirect: 'manual',
		});

		return answer(response);
	}

	/* The JSON of an answer that must be a success. */
	async call(method, target, body, options) {
		const got = await this.request(method, target, body, options);

		assert.ok(got.status >= 200 && got.status < 300,
			`${method} ${target}: ${got.status} ${got.text}`);
		return got.json;
	}

	get(target, options) {
		return this.call('GET', target, undefined, options);
	}

	post(target, body = {}, options) {
		return this.call('POST', target, body, options);
	}

	put(target, body, options) {
		return this.call('PUT', target, body, options);
	}

	/* All items of a list, page by page. */
	async all(target, limit = 100) {
		const items = [];

		for (let cursor = ''; cursor !== null;) {
			const page = await this.get(
				`${target}${target.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);

			assert.ok(page.items.length <= limit);
			items.push(...page.items);
			cursor = page.nextCursor === undefined
				? null : `&cursor=${encodeURIComponent(page.nextCursor)}`;
		}
		return items;
	}

	/* A new job with one command test, unless the members say otherwise. */
	async job(members = {}) {
		return this.post('/jobs', { tests: [commandTest()], ...members });
	}

	/*
	 * Sends bytes on a connection of their own and gives everything that comes until the
	 * server closes, or until `enough` says so. isAll: nothing else will be sent, as the server
	 * may see.
	 */
	raw(bytes, { enough = () => false, ms = 20000, isAll = false } = {}) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(this.port, '127.0.0.1');
			let got = '';
			const late = setTimeout(() => socket.destroy(new Error(`no end: ${got}`)), ms);

			socket.setEncoding('latin1');
			socket.on('connect', () => (isAll ? socket.end(bytes) : socket.write(bytes)));
			socket.on('data', (text) => {
				got += text;
				if (enough(got)) socket.destroy();
			});
			socket.on('error', (error) => {
				if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return;
				clearTimeout(late);
				reject(error);
			});
			socket.on('close', () => {
				clearTimeout(late);
				resolve(got);
			});
		});
	}

	/* A sanitizer keeps what is released for a while: its memory says nothing. */
	get isSanitized() {
		return /lib(a|t|ub)san/.test(readFileSync(`/proc/${this.pid}/maps`, 'utf8'));
	}

	/* Resident memory in KiB. */
	residentKb() {
		const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');

		return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]);
	}
}

async function answer(response) {
	const bytes = Buffer.from(await response.arrayBuffer());
	const type = response.headers.get('content-type') ?? '';
	const got = { status: response.status, headers: response.headers, type, bytes };

	got.text = bytes.toString();
	if (/^application\/(problem\+)?json\b/.test(type) && bytes.length > 0)
		got.json = JSON.parse(got.text);
	return got;
}

export function commandTest(members = {}) {
	return { name: 'one', kind: 'command', argv: ['true'], ...members };
}

/*
 * Checks a problem document and gives it. errors: a list of [pointer, code] that must be exactly
 * the offences, in any order.
 */
export function assertProblem(got, status, code, errors) {
	assert.equal(got.status, status, got.text);
	assert.match(got.type, /^application\/problem\+json\b/);
	const { json } = got;

	assert.equal(json.status, status);
	assert.equal(json.code, code, got.text);
	assert.equal(typeof json.title, 'string');
	assert.equal(typeof json.type, 'string');
	if (errors) {
		const found = (json.errors ?? []).map((e) => {
			assert.ok(e.detail.length > 0);
			return `${e.parameter === undefined ? e.pointer : `?${e.parameter}`} ${e.code}`;
		});

		assert.deepEqual(found.sort(), errors.map((e) => e.join(' ')).sort(), got.text);
	}
	return json;
}

/* Asks until the answer is true: for what no event announces. */
export async function until(what, question, ms = 20000) {
	const end = Date.now() + ms;

	for (;;) {
		const found = await question();

		if (found) return found;
		assert.ok(Date.now() < end, `after ${ms} ms still not: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/* Version 7 as the server makes them; good enough for workers. */
export function uuid7() {
	const bytes = Buffer.alloc(16);

	crypto.getRandomValues(bytes);
	bytes.writeUIntBE(Date.now(), 0, 6);
	bytes[6] = 0x70 | (bytes[6] & 0x0f);
	bytes[8] = 0x80 | (bytes[8] & 0x3f);
	return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A real server, real workers and a small HTTP client for them. Whatever a suite starts is its own:
 * a private data directory, a port of its own, and processes that are ended by their own id.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const bin = process.env.PROCTOR_BIN ?? path.join(root, 'build/proctor');
export const finalStatus = new Set(['completed', 'failed', 'stopped', 'invalid']);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* A private directory that is gone after the test. */
export function temporary(t, prefix = 'proctor-e2e-') {
	const dir = mkdtempSync(path.join(tmpdir(), prefix));

	t?.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
	return dir;
}

/* Asks again and again until the answer is true; a test that needs longer than `ms` is broken. */
export async function until(what, ms, question) {
	const end = Date.now() + ms;

	for (;;) {
		const answer = await question();

		if (answer) return answer;
		if (Date.now() > end) assert.fail(`after ${ms} ms still not: ${what}`);
		await sleep(25);
	}
}

export async function freePort() {
	const probe = net.createServer();

	await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
	const { port } = probe.address();

	await new Promise((resolve) => probe.close(resolve));
	return port;
}

/* Repeatable random numbers in [0, 1). */
export function random(seed) {
	let state = seed >>> 0;

	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);

		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
	};
}

// ---- processes ----------------------------------------------------------------------------------

/* A child whose output is kept for failures, and which can be waited for. */
class Child {
	constructor(args, { env = {}, stdin = 'ignore' } = {}) {
		this.said = '';
		this.process = spawn(bin, args, {
			stdio: [stdin, 'pipe', 'pipe'],
			env: { ...process.env, PROCTOR_URL: '', PROCTOR_TOKEN: '', PROCTOR_DATA: '', ...env },
		});
		for (const stream of [this.process.stdout, this.process.stderr])
			stream.on('data', (text) => { this.said = (this.said + text).slice(-65536); });
		this.gone = new Promise((resolve) => {
			this.process.on('exit', (code, signal) => {
				this.ended = { code, signal };
				resolve(this.ended);
			});
			this.process.on('error', (error) => {
				this.said += error;
				this.ended = { code: -1, signal: null };
				resolve(this.ended);
			});
		});
	}

	get pid() {
		return this.process.pid;
	}

	/* kill -9, and gone. */
	async kill() {
		this.checkAlive();
		this.isKilled = true;
		this.process.kill('SIGKILL');
		return this.gone;
	}

	/* It has not ended by itself; a sanitizer's report would be such an end. */
	checkAlive() {
		assert.ok(!this.ended || this.isKilled,
			`process ${this.pid} ended by itself: ${JSON.stringify(this.ended)} ${this.said}`);
	}

	/* In order, with exit status 0; a process that was killed already is fine. */
	async stop(ms = 20000) {
		if (this.isKilled || this.isStopped) return this.gone;
		this.checkAlive();
		this.isStopped = true;
		this.process.kill('SIGTERM');
		const timer = setTimeout(() => this.process.kill('SIGKILL'), ms);

		await this.gone;
		clearTimeout(timer);
		assert.deepEqual(this.ended, { code: 0, signal: null }, `SIGTERM: ${this.said}`);
		return this.ended;
	}
}

export class Server extends Child {
	static async start(t, { data = temporary(t), port = 0, workers = 0, args = [], env } = {}) {
		const server = new Server(['serve', '--listen', `127.0.0.1:${port}`, '--data', data,
			'--workers', String(workers), '--log', 'warn', ...args], { env });

		t?.after(() => server.stop());
		server.data = data;
		await server.ready();
		return server;
	}

	async ready(ms = 20000) {
		const timer = setTimeout(() => this.process.kill('SIGKILL'), ms);

		this.process.stdout.on('data', () => {
			const found = /listening on (http:\/\/127\.0\.0\.1:(\d+))\n/.exec(this.said);

			if (found) this.wake?.(found);
		});
		const found = await Promise.race([
			new Promise((resolve) => { this.wake = resolve; }), this.gone,
		]);

		clearTimeout(timer);
		if (!Array.isArray(found)) throw new Error(`the server did not start: ${this.said}`);
		this.url = found[1];
		this.port = Number(found[2]);
		this.token = readFileSync(path.join(this.data, 'admin.token'), 'utf8').trim();
		this.api = new Client(this.port, this.token);
	}

	async stop(ms) {
		this.api?.close();
		return super.stop(ms);
	}
}

export class Worker extends Child {
	/* data: its private files; by default a folder of its own. */
	static start(t, server, { data = temporary(t), capacity = 2, args = [], env, log = 'warn' } = {}) {
		const worker = new Worker(['worker', '--url', server.url, '--data', data, '--capacity',
			String(capacity), '--log', log, ...args],
			{ env: { PROCTOR_TOKEN: server.token, ...env } });

		t?.after(() => worker.stop());
		worker.data = data;
		return worker;
	}
}

/* Runs the program to its end. */
export async function proctor(args, options = {}) {
	const child = new Child(args, options);
	const out = [];

	child.process.stdout.on('data', (chunk) => out.push(chunk));
	const timer = setTimeout(() => child.process.kill('SIGKILL'), options.ms ?? 120000);
	const ended = await child.gone;

	clearTimeout(timer);
	return { ...ended, stdout: Buffer.concat(out).toString(), said: child.said };
}

// ---- HTTP ---------------------------------------------------------------------------------------

export class Client {
	constructor(port, token) {
		this.port = port;
		this.token = token;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
	}

	close() {
		this.agent.destroy();
	}

	/* One request; never throws for a status. body: an object, or text or bytes as they are. */
	request(method, target, body, headers = {}) {
		const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
		const bytes = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);

		return new Promise((resolve, reject) => {
			const request = http.request({
				host: '127.0.0.1', port: this.port, method, path: `/api/v1${target}`,
				agent: this.agent,
				headers: {
					authorization: `Bearer ${this.token}`,
					...(bytes === undefined ? {} : {
						'content-type': 'application/json',
						'content-length': Buffer.byteLength(bytes),
					}),
					...headers,
				},
			}, (response) => {
				const chunks = [];

				response.on('data', (chunk) => chunks.push(chunk));
				response.on('error', reject);
				response.on('aborted', () => reject(new Error('cut off')));
				response.on('end', () => resolve(answer(response, Buffer.concat(chunks))));
			});

			request.setTimeout(90000, () => request.destroy(new Error('no answer in 90 s')));
			request.on('error', reject);
			request.end(bytes);
		});
	}

	/* The parsed answer of a request that must succeed. */
	async call(method, target, body, headers) {
		const { status, json, text } = await this.request(method, target, body, headers);

		assert.ok(status >= 200 && status < 300, `${method} ${target}: ${status} ${text}`);
		return json;
	}

	get(target) {
		return this.call('GET', target);
	}

	post(target, body, headers) {
		return this.call('POST', target, body, headers);
	}

	/* The job when it is final. */
	async final(id, ms = 60000) {
		return until(`job ${id} final`, ms, async () => {
			const job = await this.get(`/jobs/${id}?wait=10s`);

			return finalStatus.has(job.status) && job;
		});
	}

	/* All items of a list. */
	async all(target) {
		const items = [];
		let cursor = '';

		do {
			const joint = target.includes('?') ? '&' : '?';
			const page = await this.get(`${target}${joint}limit=1000${cursor}`);

			items.push(...page.items);
			cursor = page.nextCursor ? `&cursor=${encodeURIComponent(page.nextCursor)}` : null;
		} while (cursor);
		return items;
	}

	/* Every event of a job so far. */
	events(id) {
		return this.all(`/jobs/${id}/events?format=json`);
	}

	/*
	 * Reads the job's stream after event `after`. Calls take(event) for each until it answers
	 * false (then the connection is cut) or the stream ends. Resolves to how it ended.
	 */
	stream(id, after, take) {
		return new Promise((resolve, reject) => {
			const request = http.request({
				host: '127.0.0.1', port: this.port, path: `/api/v1/jobs/${id}/events`,
				headers: {
					authorization: `Bearer ${this.token}`, accept: 'text/event-stream',
					...(after === null ? {} : { 'last-event-id': String(after) }),
				},
			}, (response) => {
				let rest = '';

				if (response.statusCode !== 200) {
					response.resume();
					resolve({ status: response.statusCode });
					return;
				}
				response.setEncoding('utf8');
				response.on('data', (text) => {
					const blocks = (rest + text).split('\n\n');

					rest = blocks.pop();
					for (const block of blocks) {
						const event = parseBlock(block);

						if (event && take(event) === false) {
							request.destroy();
							resolve({ status: 200, cut: true });
							return;
						}
					}
				});
				response.on('end', () => resolve({ status: 200, ended: true }));
				response.on('error', () => resolve({ status: 200, cut: true }));
			});

			request.on('error', (error) => reject(error));
			request.end();
		});
	}
}

function parseBlock(block) {
	const event = {};

	for (const line of block.split('\n')) {
		const found = /^(id|event|data): ?(.*)$/.exec(line);

		if (found) event[found[1]] = found[2];
	}
	return event.data === undefined ? null : { ...event, data: JSON.parse(event.data) };
}

function answer(response, bytes) {
	const text = bytes.toString();
	let json;

	try {
		json = text ? JSON.parse(text) : undefined;
	} catch {
		json = undefined;
	}
	return { status: response.statusCode, headers: response.headers, text, bytes, json };
}

// ---- /proc --------------------------------------------------------------------------------------

export function processes() {
	return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

function read(pid, what) {
	try {
		return readFileSync(`/proc/${pid}/${what}`, 'utf8');
	} catch {
		return '';
	}
}

/* Living processes in whose environment or command line the text stands; zombies do not live. */
export function processesWith(text, except = []) {
	return processes().filter((pid) => {
		if (pid === process.pid || except.includes(pid)) return false;
		if (!read(pid, 'environ').includes(text) && !read(pid, 'cmdline').includes(text))
			return false;
		return !/^\d+ \(.*\) [ZX] /s.test(read(pid, 'stat'));
	});
}

export function describe(pid) {
	return `${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ').trim()}`;
}

export function residentKb(pid) {
	return Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? 0);
}

/* What workers left in a data directory: folders of runs and of workers, without the cache. */
export function workerRemains(data) {
	const dir = path.join(data, 'worker');

	if (!existsSync(dir)) return [];
	return readdirSync(dir).filter((name) => name !== 'cache').map((name) => path.join(dir, name));
}

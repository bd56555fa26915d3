// SPDX-License-Identifier: Apache-2.0
/*
 * The native client. Each group of members is a resource of the HTTP interface; what callers of
 * other systems write as loops (wait, chain, parallel, retry, two phases) is one call here and one
 * durable job there, so that it goes on when the caller has ended.
 */
import { events } from './events.js';
import { TimeoutError } from './errors.js';
import { Transport } from './transport.js';

const WAIT_MS = 25000; // one long poll: below what proxies cut

const FINAL = new Set(['completed', 'failed', 'stopped', 'invalid']);

export class Proctor {
	/* baseUrl, token or tokenFile (or PROCTOR_URL, PROCTOR_TOKEN, PROCTOR_TOKEN_FILE), project, timeout, retries. */
	constructor(options = {}) {
		const transport = new Transport(options);

		this.transport = transport;
		this.jobs = new Jobs(transport);
		this.tests = new Definitions(transport, 'tests');
		this.templates = new Definitions(transport, 'templates');
		this.environments = new Definitions(transport, 'environments');
		this.flows = new Flows(transport, this.jobs);
		this.schedules = new Schedules(transport);
		this.queues = new Queues(transport);
		this.stats = new Stats(transport);
		this.workers = { list: (query) => all(transport, '/workers', query) };
	}

	/* Submits and waits: the job as it ended. */
	async run(job, options) {
		const { id } = await this.jobs.create(job);

		return this.jobs.wait(id, options);
	}

	/* Jobs one after the other; `pass` names what each takes over from the results before it. */
	chain(jobs, { pass = { url: 'finalUrl' }, ...more } = {}) {
		return this.jobs.create({ ...more, chain: jobs, pass });
	}

	/* Jobs side by side, at most `limit` at a time; all results are collected. */
	parallel(jobs, { limit, allowFailures, ...more } = {}) {
		return this.jobs.create({ ...more, parallel: jobs, limit, allowFailures });
	}

	/* The whole job again when it fails, with pauses that grow. */
	retry(job, { attempts = 3, delay = '10s', factor = 2, jitter, on, timeout, ...more } = {}) {
		return this.jobs.create({ ...more, attempts: { max: attempts, delay, factor, jitter, on, timeout, run: job } });
	}

	/*
	 * Prepare, wait for the world, validate. `wait` is a condition of docs/protocol/flows.md:
	 * { http: { request, select, until, failIf } }, { signal: {} }, { timer: … }, { approval: … }.
	 */
	twoPhase({ prepare, wait, timeout, validate, ...more }) {
		return this.jobs.create({ ...more, stages: [
			{ name: 'prepare', run: prepare },
			{ name: 'wait', wait, ...(timeout === undefined ? {} : { timeout }) },
			{ name: 'validate', run: validate },
		] });
	}
}

class Jobs {
	constructor(transport) {
		this.transport = transport;
	}

	/* A job; several in an array are made together or not at all. */
	async create(job, { dryRun, idempotencyKey } = {}) {
		const headers = idempotencyKey ? { 'idempotency-key': idempotencyKey } : {};
		const query = dryRun ? { dryRun: true } : {};

		if (!Array.isArray(job)) return this.transport.json('POST', '/jobs', { body: job, headers, query });
		const { items } = await this.transport.json('POST', '/jobs:bulk', { body: { jobs: job }, headers, query });

		return items;
	}

	get(id) {
		return this.transport.json('GET', `/jobs/${enc(id)}`);
	}

	/* One page: { items, nextCursor, total with count }. */
	list(query = {}) {
		return this.transport.json('GET', '/jobs', { query });
	}

	/* Every job that the filter lets through, page by page. */
	async* each(query = {}) {
		yield* pages(this.transport, '/jobs', query);
	}

	/*
	 * The job once it has ended. The server holds the question until then, so nothing is polled.
	 * maxWait (ms; default: none): then TimeoutError; the job itself goes on unless `cancel` is true.
	 */
	async wait(id, { maxWait = Infinity, onProgress, cancel = false } = {}) {
		const until = Date.now() + maxWait;

		for (;;) {
			const ms = Math.max(0, Math.min(WAIT_MS, until - Date.now()));
			const job = await this.transport.json('GET', `/jobs/${enc(id)}`,
				{ query: { wait: `${Math.ceil(ms)}ms` }, wait: ms });

			onProgress?.(job);
			if (FINAL.has(job.status)) return job;
			if (Date.now() < until) continue;
			if (cancel) await this.cancel(id).catch(unlessItEnded);
			throw Object.assign(new TimeoutError(`job ${id}`, maxWait), { jobId: id, job });
		}
	}

	events(id, options) {
		return events(this.transport, `/jobs/${enc(id)}/events`, options);
	}

	runs(id, query) {
		return all(this.transport, `/jobs/${enc(id)}/runs`, query);
	}

	explain(id) {
		return this.transport.json('GET', `/jobs/${enc(id)}/explain`);
	}

	report(id, format = 'json') {
		return this.transport.json('GET', `/jobs/${enc(id)}/report`, { query: { format } });
	}

	artifacts(id) {
		return all(this.transport, `/jobs/${enc(id)}/artifacts`);
	}

	/* Changes a job that waits: priority, queue, runAt, … */
	edit(id, change) {
		return this.transport.json('PATCH', `/jobs/${enc(id)}`, { body: change });
	}

	/* The same command for all that a filter lets through; dryRun tells how many those are. */
	action(action, filter, more = {}) {
		return this.transport.json('POST', '/jobs:action', { body: { action, filter, ...more } });
	}

	pause(id) { return this.#command(id, 'pause'); }
	unpause(id) { return this.#command(id, 'unpause'); }
	stop(id) { return this.#command(id, 'stop'); }
	cancel(id) { return this.#command(id, 'cancel'); }
	start(id, body) { return this.#command(id, 'start', body); }

	delete(id) {
		return this.transport.json('DELETE', `/jobs/${enc(id)}`);
	}

	#command(id, command, body) {
		return this.transport.json('POST', `/jobs/${enc(id)}/${command}`, { body });
	}
}

/* Saved documents, revision by revision: tests, templates, flows, environments. */
class Definitions {
	constructor(transport, plural) {
		this.transport = transport;
		this.path = `/${plural}`;
	}

	create(definition) {
		return this.transport.json('POST', this.path, { body: definition });
	}

	get(name, { revision } = {}) {
		return this.transport.json('GET', `${this.path}/${enc(name)}`, { query: { revision } });
	}

	/* Replaces it, or makes it. revision: only when it is still that one. */
	put(name, definition, { revision } = {}) {
		const headers = revision === undefined ? {} : { 'if-match': `"${revision}"` };

		return this.transport.json('PUT', `${this.path}/${enc(name)}`, { body: definition, headers });
	}

	delete(name) {
		return this.transport.json('DELETE', `${this.path}/${enc(name)}`);
	}

	list(query) {
		return all(this.transport, this.path, query);
	}

	revisions(name) {
		return all(this.transport, `${this.path}/${enc(name)}/revisions`);
	}

	/* Templates: a job of it. */
	invoke(name, { params, overrides } = {}) {
		return this.transport.json('POST', `${this.path}/${enc(name)}/invoke`, { body: { params, overrides } });
	}
}

class Flows extends Definitions {
	constructor(transport, jobs) {
		super(transport, 'flows');
		this.jobs = jobs;
	}

	start(name, body = {}) {
		return this.transport.json('POST', `/flows/${enc(name)}/start`, { body });
	}

	/* A run of a flow with its stages. Its id is a job's. */
	run(id) {
		return this.transport.json('GET', `/flow-runs/${enc(id)}`);
	}

	runs(query) {
		return all(this.transport, '/flow-runs', query);
	}

	async wait(id, options) {
		await this.jobs.wait(id, options);
		return this.run(id);
	}

	observations(id, query) {
		return all(this.transport, `/flow-runs/${enc(id)}/observations`, query);
	}

	signals(id) {
		return this.transport.json('GET', `/flow-runs/${enc(id)}/signals`);
	}

	approve(id, stage, body = {}) {
		return this.transport.json('POST', `/flow-runs/${enc(id)}/stages/${enc(stage)}/approve`, { body });
	}

	reject(id, stage, body = {}) {
		return this.transport.json('POST', `/flow-runs/${enc(id)}/stages/${enc(stage)}/reject`, { body });
	}
}

class Schedules {
	constructor(transport) {
		this.transport = transport;
	}

	create(schedule, { dryRun } = {}) {
		return this.transport.json('POST', '/schedules', { body: schedule, query: dryRun ? { dryRun: true } : {} });
	}

	/* Checks it and tells the next times without keeping it. */
	preview(schedule, n = 10) {
		return this.transport.json('POST', '/schedules:preview', { body: schedule, query: { n } });
	}

	get(name) { return this.transport.json('GET', `/schedules/${enc(name)}`); }
	put(name, schedule) { return this.transport.json('PUT', `/schedules/${enc(name)}`, { body: schedule }); }
	delete(name) { return this.transport.json('DELETE', `/schedules/${enc(name)}`); }
	list(query) { return all(this.transport, '/schedules', query); }
	pause(name) { return this.transport.json('POST', `/schedules/${enc(name)}/pause`); }
	resume(name) { return this.transport.json('POST', `/schedules/${enc(name)}/resume`); }
	fire(name) { return this.transport.json('POST', `/schedules/${enc(name)}/fire`); }
	async next(name, n = 10) {
		return (await this.transport.json('GET', `/schedules/${enc(name)}/next`, { query: { n } })).items;
	}

	firings(name, query) { return all(this.transport, `/schedules/${enc(name)}/firings`, query); }
}

class Queues {
	constructor(transport) {
		this.transport = transport;
	}

	get(name) { return this.transport.json('GET', `/queues/${enc(name)}`); }
	put(name, settings) { return this.transport.json('PUT', `/queues/${enc(name)}`, { body: settings }); }
	list() { return all(this.transport, '/queues'); }
	pause(name) { return this.transport.json('POST', `/queues/${enc(name)}/pause`); }
	resume(name) { return this.transport.json('POST', `/queues/${enc(name)}/resume`); }
	drain(name) { return this.transport.json('POST', `/queues/${enc(name)}/drain`); }
}

class Stats {
	constructor(transport) {
		this.transport = transport;
	}

	/* Figures of exactly these jobs: { ids } or { filter }. */
	analyze(what) {
		return this.transport.json('POST', '/stats/jobs:analyze',
			{ body: Array.isArray(what) ? { ids: what } : what });
	}

	summary(query) { return this.#get('summary', query); }
	jobs(query) { return this.#get('jobs', query); }
	tests(query) { return this.#get('tests', query); }
	queues(query) { return this.#get('queues', query); }
	workers(query) { return this.#get('workers', query); }
	teams(query) { return this.#get('teams', query); }
	slowest(query) { return this.#get('slowest', query); }
	flakiest(query) { return this.#get('flakiest', query); }
	cost(query) { return this.#get('cost', query); }
	trends(query) { return this.#get('trends', query); }
	errors(query) { return this.#get('errors', query); }
	failures(query) { return this.#get('failures', query); }
	longRunning(query) { return this.#get('long-running', query); }
	history(test, query) { return this.#get(`tests/${enc(test)}/history`, query); }

	#get(path, query) {
		return this.transport.json('GET', `/stats/${path}`, { query });
	}
}

/* It came to its end just before the command. */
function unlessItEnded(error) {
	if (error.code !== 'wrong_state') throw error;
}

function enc(text) {
	return encodeURIComponent(text);
}

async function* pages(transport, path, query = {}) {
	let { cursor } = query;

	do {
		const page = await transport.json('GET', path, { query: { ...query, cursor } });

		yield* page.items;
		cursor = page.nextCursor;
	} while (cursor);
}

async function all(transport, path, query) {
	const items = [];

	for await (const item of pages(transport, path, query)) items.push(item);
	return items;
}

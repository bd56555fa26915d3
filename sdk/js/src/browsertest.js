// SPDX-License-Identifier: Apache-2.0
/*
 * The `bt` object of BrowserTest's documentation on Proctor's interface: same names, options and
 * shapes, some of them with more in them. Its own wire format is not public, so a client of that
 * service is moved here by its import and `baseUrl`.
 */
import { Proctor } from './client.js';
import { ProctorError, TimeoutError, UnreachableError } from './errors.js';

const EXECUTE_MS = 30 * 60000;
const GRACE_MS = 30000;

const NO_AGENT = 'instructions in words need a server that carries out tests of kind "agent", which this one does not; '
	+ 'give `tests` instead of `instructions`';

class BrowserTestError extends Error {
	constructor(name, message, more = {}) {
		super(message);
		this.name = name;
		Object.assign(this, more);
	}
}

export class BrowserTest {
	constructor({ apiKey, baseUrl, timeout = 30000, retries = 3, ...more } = {}) {
		this.proctor = new Proctor({ token: apiKey ?? process.env.BROWSERTEST_API_KEY, baseUrl, timeout, retries, ...more });
		this.testing = new Testing(this.proctor);
		this.template = new Templates(this.proctor);
		this.screenshot = new Screenshots(this.proctor);
		this.batch = new Batch(this);
	}

	/* Whether the key is taken. */
	async testConnection() {
		try {
			await this.proctor.queues.list();
			return true;
		} catch (error) {
			if (error instanceof ProctorError && [401, 403].includes(error.status)) return false;
			throw told(error);
		}
	}

	/* What was used, counted by the server; nothing limits it but the machine. */
	async getUsage() {
		const unlimited = (used) => ({ used, limit: Infinity, remaining: Infinity });
		const { items } = await asked(this.proctor.stats.jobs({ groupBy: 'kind', last: '31d' }));
		const of = (kind) => items.find(({ group }) => group === kind)?.n ?? 0;
		const screenshot = of('browser');
		const agentic = of('agent');

		return { plan: 'self-hosted', usage: { screenshot: unlimited(screenshot),
			agentic: unlimited(agentic), total: { screenshot, agentic } } };
	}
}

class Testing {
	constructor(proctor) {
		this.proctor = proctor;
	}

	async create(options) {
		return created(await asked(this.proctor.jobs.create(jobOf(options))));
	}

	/* Runs it and waits. */
	async execute(options) {
		const job = await asked(this.proctor.jobs.create(jobOf(options)));
		/* The job ends itself when its time is over: the wait is only for a server that does not. */
		const maxWait = (options.config?.timeout ?? EXECUTE_MS) + GRACE_MS;
		const ended = await asked(this.proctor.jobs.wait(job.id, { maxWait, cancel: true }));

		if (ended.reason === 'timeout')
			throw new BrowserTestError('BrowserTestTimeoutError', 'the test took longer than its timeout', { jobId: job.id });
		return {
			success: ended.status === 'completed',
			results: { actions: [], structuredData: ended.results, output: ended.results },
			meta: { timeMs: ended.runMs ?? 0, url: options.url },
			...(ended.status === 'completed' ? {} : { error: errorOf(ended) }),
			job: shown(ended),
		};
	}

	/* Of a job whose tests failed, `error` is what the first of them said. */
	async getStatus(jobId) {
		const job = shown(await asked(this.proctor.jobs.get(jobId)));

		if (job.native.reason === 'tests_failed')
			job.error = (await firstError(this.proctor, job)) ?? job.error;
		return { job };
	}

	async list({ status, limit = 50, templateId, sortBy = 'createdAt', sortOrder = 'desc', cursor, ...filters } = {}) {
		const { items, nextCursor, total } = await asked(this.proctor.jobs.list({ ...filters, cursor, limit,
			count: true, template: templateId, sort: `${sortOrder === 'asc' ? '' : '-'}${sortBy}`,
			...(status === undefined ? {} : { status: STATUS[status] ?? status }) }));

		return { jobs: items.map(shown), total, nextCursor };
	}

	async cancel(jobId) {
		return { job: shown(await asked(this.proctor.jobs.cancel(jobId))) };
	}
}

class Templates {
	constructor(proctor) {
		this.proctor = proctor;
	}

	/* `tests` instead of `instructions`: a template of Proctor's own. */
	async create(options) {
		return { template: shownTemplate(await asked(this.proctor.templates.create(templateOf(options)))) };
	}

	async invoke(templateId, { url, variables, params, config, ...more } = {}) {
		const given = { ...(url === undefined ? {} : { url }), ...params, ...variables };
		const overrides = { ...settings({ config: { ...flat(more), ...config } }), extra: { url } };

		return created(await asked(this.proctor.templates.invoke(templateId, { params: given, overrides })));
	}

	async get(templateId) {
		return { template: shownTemplate(await asked(this.proctor.templates.get(templateId))) };
	}

	async list(query) {
		return { templates: (await asked(this.proctor.templates.list(query))).map(shownTemplate) };
	}

	async update(templateId, options) {
		return { template: shownTemplate(await asked(this.proctor.templates.put(templateId, templateOf(options)))) };
	}

	async delete(templateId) {
		await asked(this.proctor.templates.delete(templateId));
		return { success: true };
	}
}

class Screenshots {
	constructor(proctor) {
		this.proctor = proctor;
	}

	async take({ url, fullPage = false, width = 1280, height = 720, format = 'png', quality = 80, waitFor = 0,
		selector = null, timeout = 10000, blockAds = true }) {
		const began = Date.now();

		if (format !== 'png')
			throw new BrowserTestError('BrowserTestAPIError',
				`format "${format}" (quality ${quality}): pictures here are PNG, without loss`, { status: 400 });
		const job = await asked(this.proctor.jobs.create({
			name: `screenshot of ${url}`.slice(0, 200), tags: ['screenshot'], timeout: timeout + waitFor + 30000,
			config: { viewport: { width, height }, blockAds, waitFor, navigationTimeout: timeout },
			tests: [{ name: 'screenshot', kind: 'browser', steps: [
				{ open: url },
				{ extract: { title: { title: true }, url: { url: true } } },
				{ screenshot: { name: 'page', fullPage, ...(selector ? { of: selector } : {}) } },
			] }],
		}));
		const ended = await asked(this.proctor.jobs.wait(job.id));

		if (ended.status !== 'completed') throw new BrowserTestError('BrowserTestAPIError',
			(await firstError(this.proctor, ended)) ?? errorOf(ended), { status: 500, jobId: job.id });
		const bytes = await asked(picture(this.proctor, job.id));

		return {
			success: true,
			data: { screenshot: bytes.toString('base64'), url: ended.results?.url ?? url, title: ended.results?.title ?? '',
				width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), format, fullPage },
			meta: { timeMs: Date.now() - began, size: bytes.length },
		};
	}
}

class Batch {
	constructor(bt) {
		this.bt = bt;
	}

	screenshots(requests, options) {
		return many(requests, options, async (one) => (await this.bt.screenshot.take(one)).data);
	}

	tests(requests, options) {
		return many(requests, options, async (one) => {
			const { success, error, ...data } = await this.bt.testing.execute(one);

			if (!success) throw new Error(error);
			return data;
		});
	}
}

/* ---- shapes ---- */

const STATUS = {
	pending: ['queued', 'starting'],
	running: ['running', 'pausing', 'paused', 'stopping', 'restarting'],
	completed: ['completed'],
	failed: ['failed', 'stopped', 'invalid'],
};

const SENTENCES = {
	cancelled: 'Job cancelled', stopped: 'Job stopped', timeout: 'Job timed out', tests_failed: 'A test failed',
	expired: 'Job did not start in time', superseded: 'A newer job took its place',
	invalid_definition: 'The definition cannot run',
};

function statusOf(state) {
	return Object.keys(STATUS).find((status) => STATUS[status].includes(state)) ?? state;
}

function errorOf({ error, reason, status }) {
	return error?.message ?? error ?? SENTENCES[reason] ?? `Job ${reason ?? status}`;
}

/* A job as the documentation shows it; `state` and `native` are what it is here. */
function shown(job) {
	const status = statusOf(job.status);

	return {
		id: job.id, status, state: job.status, templateId: job.templateId ?? job.template,
		url: job.extra?.url ?? job.params?.url, config: job.config,
		progress: job.progress?.message ?? (job.progress?.percent === undefined ? undefined : `${job.progress.percent}%`),
		results: status === 'completed' ? job.results : undefined,
		error: status === 'failed' ? errorOf(job) : undefined,
		createdAt: job.createdAt, updatedAt: job.updatedAt, startedAt: job.startedAt, completedAt: job.completedAt,
		native: job,
	};
}

function created(job) {
	return { jobId: job.id, status: statusOf(job.status), job: shown(job) };
}

/* Both spellings of the viewport; milliseconds for times. */
function settings({ config = {}, outputSchema } = {}) {
	const { timeout, width, height, viewport, ...rest } = config;
	const size = viewport ?? (width && height ? { width, height } : undefined);

	return {
		...(timeout === undefined ? {} : { timeout }),
		...(size || Object.keys(rest).length ? { config: { ...rest, ...(size ? { viewport: size } : {}) } } : {}),
		...(outputSchema ? { outputSchema } : {}),
	};
}

/* What the page spreads into an invocation besides its config. */
function flat({ name, tags, ...config }) {
	return config;
}

function jobOf({ instructions, url, tests, name, tags, ...more }) {
	return {
		name: name ?? String(instructions ?? url ?? 'job').trim().split('\n')[0].slice(0, 200), tags,
		tests: tests ?? [{ name: 'instructions', kind: 'agent', instructions, url }],
		...settings(more), extra: { url },
	};
}

/* `{{name}}` in instructions is a parameter, as is the address. */
function templateOf({ name, description, instructions, outputSchema, tags, tests, params, config }) {
	const names = [...String(instructions ?? '').matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, one]) => one);
	const own = tests ? {} : Object.fromEntries(['url', ...names].map((one) => [one, { type: 'string' }]));
	const filled = instructions?.replace(/\{\{\s*(\w+)\s*\}\}/g, '${{ params.$1 }}');

	return {
		name, description, tags, params: { ...own, ...params },
		...settings({ config, outputSchema }),
		tests: tests ?? [{ name: 'instructions', kind: 'agent', instructions: filled, url: '${{ params.url }}' }],
	};
}

function shownTemplate({ id, name, description, outputSchema, tags = [], createdAt, updatedAt, tests, ...rest }) {
	return { id, name, description, instructions: tests?.[0]?.instructions?.replace(/\$\{\{ params\.(\w+) \}\}/g, '{{$1}}'),
		outputSchema, tags, createdAt, updatedAt, tests, ...rest };
}

/* ---- errors ---- */

/* The documentation's classes are told apart by `name`. */
function told(error) {
	if (error instanceof ProctorError) {
		const more = { status: error.status, code: error.code, errors: error.errors, cause: error };

		if ([401, 403].includes(error.status)) return new BrowserTestError('BrowserTestAuthError', error.message, more);
		if (error.errors.some(({ detail }) => detail?.includes('no kind "agent"')))
			return new BrowserTestError('BrowserTestAPIError', NO_AGENT, more);
		if ([402, 429].includes(error.status))
			return new BrowserTestError('BrowserTestQuotaError', error.message, { ...more, quotaInfo: quota() });
		return new BrowserTestError('BrowserTestAPIError', error.message, more);
	}
	if (error instanceof TimeoutError)
		return new BrowserTestError('BrowserTestTimeoutError', error.message, { jobId: error.jobId, cause: error });
	if (error instanceof UnreachableError)
		return new BrowserTestError('BrowserTestAPIError', error.message, { status: 0, cause: error });
	return error;
}

function quota() {
	const none = { used: 0, limit: Infinity, remaining: 0 };

	return { plan: 'self-hosted', usage: { screenshot: none, agentic: none, total: { screenshot: 0, agentic: 0 } } };
}

async function asked(promise) {
	try {
		return await promise;
	} catch (error) {
		throw told(error);
	}
}

/* ---- runs and files ---- */

async function firstError(proctor, job) {
	const runs = await asked(proctor.jobs.runs(job.id));

	return runs.map(({ error }) => error?.message).find(Boolean);
}

async function picture(proctor, jobId) {
	const found = (await proctor.jobs.artifacts(jobId)).find(({ name }) => name.endsWith('page.png'));

	if (!found) throw new BrowserTestError('BrowserTestAPIError', 'the run left no picture', { status: 500, jobId });
	const path = `/jobs/${jobId}/runs/${found.run}/artifacts/${found.name.split('/').map(encodeURIComponent).join('/')}`;
	const answer = await proctor.transport.json('GET', path, { raw: true });

	return Buffer.from(await answer.arrayBuffer());
}

/* At most `concurrency` at a time; what failed is told beside what did not. */
async function many(requests, { concurrency = 3, continueOnError = true, timeout } = {}, carryOut) {
	const began = Date.now();
	const results = [];
	let next = 0;
	let stopped = false;

	async function work() {
		while (next < requests.length && !stopped) {
			const at = next++;
			const start = Date.now();

			try {
				const one = timeout === undefined ? requests[at] : { timeout, ...requests[at] };

				results[at] = { url: one.url, success: true, data: await carryOut(one), timeMs: Date.now() - start };
			} catch (error) {
				results[at] = { url: requests[at].url, success: false, error: error.message, timeMs: Date.now() - start };
				stopped = !continueOnError;
			}
		}
	}
	await Promise.all(Array.from({ length: Math.min(concurrency, requests.length) }, work));
	const done = results.filter(Boolean);
	const totalTimeMs = Date.now() - began;

	return { successful: done.filter(({ success }) => success).length, total: requests.length, results: done,
		meta: { totalTimeMs, averageTimeMs: done.length ? totalTimeMs / done.length : 0, concurrencyUsed: concurrency } };
}

// SPDX-License-Identifier: Apache-2.0
/* Grouped jobs against a Site: how they are given, and what became of them. */
import { Server, Worker, until } from './helper.mjs';
import { Site, visit } from './browser_site.mjs';

/* Failing on purpose needs no evidence and no patience. */
export const quick = { screenshot: 'off', dom: 'off', har: 'off', expectTimeout: '200ms' };

export class Bench {
	/* One server, one worker with so many connections (0: none yet), one site. */
	static async start(t, capacity = 4, args = []) {
		const bench = new Bench();

		bench.jobs = [];
		bench.site = await Site.start(t);
		bench.server = await Server.start(t, { args });
		if (capacity > 0) {
			bench.worker = Worker.start(t, bench.server, { capacity, args: ['--kind', 'browser'] });
			bench.site.watch(bench.worker);
		}
		bench.api = bench.server.api;
		return bench;
	}

	until(what, question) {
		return until(what, 60000, question);
	}

	/* One scenario as a sub-test. Whatever becomes of it, nothing of it is in the next one's way. */
	scene(t, name, carryOut) {
		return t.test(name, { timeout: 90000 }, async (t) => {
			try {
				await carryOut(t);
			} finally {
				await this.clear();
			}
		});
	}

	async clear() {
		this.site.release(...this.site.held.keys());
		for (const job of this.jobs.splice(0))
			if (!job.final) await this.api.request('POST', `/jobs/${job.id}/cancel`, {});
	}

	async submit(body) {
		const job = await this.api.post('/jobs', {
			browsers: ['chromium'], ...body, config: { baseURL: this.site.url, ...quick, ...body.config },
		});
		const tests = [...body.tests ?? [], ...(body.fixtures ?? []).flatMap((fixture) => fixture.tests)];

		this.jobs.push(new Job(this.api, job.id, tests.map(({ name }) => name)));
		return this.jobs.at(-1);
	}

	/* Submits and waits for the end. */
	async run(body) {
		const job = await this.submit(body);

		await job.end();
		return job;
	}
}

export class Job {
	constructor(api, id, names) {
		Object.assign(this, { api, id, names });
	}

	async look() {
		this.runs = await this.api.all(`/jobs/${this.id}/runs?`);
		this.events = await this.api.events(this.id);
	}

	/* Waits until the job is final, and reads all of it. */
	async end(ms = 90000) {
		this.final = await this.api.final(this.id, ms);
		await this.look();
		return this;
	}

	/* Waits for something that the job tells; returns it. */
	until(what, find) {
		return until(what, 45000, async () => {
			await this.look();
			return find(this);
		});
	}

	get counts() {
		const { passed = 0, failed = 0, errored = 0, skipped = 0 } = this.final.counts;

		return { passed, failed, errored, skipped };
	}

	of(type) {
		return this.events.filter((event) => event.type === type);
	}

	/* Names of units in the order of their release, with the group where there are several. */
	released(target) {
		return this.of('run.released').filter(({ data }) => !target || data.target === target)
			.map(({ data }) => this.names[data.testIndex]);
	}

	release(name, target) {
		return this.of('run.released').find(({ data }) => this.names[data.testIndex] === name
			&& (!target || data.target === target))?.data;
	}

	/* Attempts at a test, in order. */
	attempts(name, target) {
		return this.runs.filter((run) => !run.role && this.names[run.testIndex] === name
			&& (!target || run.target === target)).sort((a, b) => a.attempt - b.attempt);
	}

	run(name, target) {
		return this.attempts(name, target).at(-1);
	}

	hook(role) {
		return this.runs.filter((run) => run.role === role);
	}

	/* What happened to the tests, in order: "lease a", "start a", "end a", "release a". */
	get timeline() {
		const words = { 'run.leased': 'lease', 'run.started': 'start', 'run.finished': 'end',
			'run.released': 'release' };
		const of = Object.fromEntries(this.runs.map((run) => [run.id, run]));

		return this.events.filter(({ type, run }) => words[type] && !of[run].role)
			.map(({ type, run }) => `${words[type]} ${this.names[of[run].testIndex]}`);
	}

	/* In the timeline, one comes before the other. */
	isBefore(one, other) {
		const [a, b] = [this.timeline.indexOf(one), this.timeline.indexOf(other)];

		return a >= 0 && b >= 0 && a < b;
	}
}

/* A test that visits a page and wants it good; the page's path is its name's. */
export const goes = (path, more = {}) => ({
	name: path, kind: 'browser', steps: visit(path), ...more,
});

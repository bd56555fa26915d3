// SPDX-License-Identifier: Apache-2.0
/* Every command in every state that a client can bring a job into. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Server, assertProblem, commandTest, uuid7 } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

const commands = ['pause', 'unpause', 'stop', 'start', 'cancel', 'delete'];

/* The state after a command that is allowed; "gone" after a deletion. */
const rules = {
	queued: { pause: 'paused', stop: 'stopped', cancel: 'stopped', delete: 'gone' },
	starting: { pause: 'pausing', stop: 'stopping', start: 'restarting', cancel: 'stopping',
		delete: 'gone' },
	running: { pause: 'pausing', stop: 'stopping', start: 'restarting', cancel: 'stopping',
		delete: 'gone' },
	pausing: { unpause: 'running', stop: 'stopping', start: 'restarting', cancel: 'stopping',
		delete: 'gone' },
	/* A job that ran before it was paused. */
	paused: { unpause: 'running', stop: 'stopped', start: 'restarting', cancel: 'stopped',
		delete: 'gone' },
	stopping: { delete: 'gone' },
	restarting: { stop: 'stopping', cancel: 'stopping', delete: 'gone' },
	completed: { start: 'restarting', delete: 'gone' },
	failed: { start: 'restarting', delete: 'gone' },
	stopped: { start: 'restarting', delete: 'gone' },
};

describe('commands', () => {
	let server, number = 0;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });

	/* A job that only the worker made with it can take. */
	async function pair(members = {}) {
		const labels = { only: `w${number++}` };
		const worker = new Worker(server, { labels });

		return { worker, job: await server.job({ labels, iterations: 3, ...members }) };
	}

	const command = (id, what, options) => (what === 'delete'
		? server.request('DELETE', `/jobs/${id}`, undefined, options)
		: server.request('POST', `/jobs/${id}/${what}`, {}, options));

	const reach = {
		queued: () => pair(),
		async starting() {
			const it = await pair();

			it.lease = await it.worker.take();
			return it;
		},
		async running() {
			const it = await reach.starting();

			await it.worker.send(it.lease, ['run.started', {}]);
			return it;
		},
		async pausing() {
			const it = await reach.running();

			await server.post(`/jobs/${it.job.id}/pause`);
			return it;
		},
		async paused() {
			const it = await reach.pausing();

			await it.worker.finish(it.lease);
			return it;
		},
		async stopping() {
			const it = await reach.running();

			await server.post(`/jobs/${it.job.id}/stop`);
			return it;
		},
		async restarting() {
			const it = await reach.running();

			await server.post(`/jobs/${it.job.id}/start`);
			return it;
		},
		async completed() {
			const it = await pair();

			await it.worker.finishJob(it.job.id, 'passed');
			return it;
		},
		async failed() {
			const it = await pair();

			await it.worker.finishJob(it.job.id, 'failed');
			return it;
		},
		async stopped() {
			const it = await pair();

			await server.post(`/jobs/${it.job.id}/stop`);
			return it;
		},
	};

	for (const [state, allowed] of Object.entries(rules)) {
		for (const what of commands) {
			test(`${what} a job that is ${state}: ${allowed[what] ?? 'refused'}`, async () => {
				const { job } = await reach[state]();

				assert.equal((await server.get(`/jobs/${job.id}`)).status, state);
				const got = await command(job.id, what);

				if (!(what in allowed)) {
					const problem = assertProblem(got, 409, 'wrong_state');

					assert.equal(problem.state, state);
					assert.deepEqual([...problem.allowed].sort(), Object.keys(allowed).sort());
					assert.match(problem.detail, new RegExp(state));
					assert.equal((await server.get(`/jobs/${job.id}`)).status, state);
					return;
				}
				assert.ok(got.status === 200 || got.status === 204, got.text);
				if (allowed[what] === 'gone') {
					assertProblem(await server.request('GET', `/jobs/${job.id}`), 404, 'not_found');
					return;
				}
				assert.equal(got.json.durable, 'fsync');
				/* A restart with nothing to end is over in the same turn. */
				const states = allowed[what] === 'restarting' ? ['restarting', 'starting', 'queued']
					: [allowed[what]];

				assert.ok(states.includes(got.json.status), got.json.status);
			});
		}
	}

	test('stop and cancel say why', async () => {
		for (const [what, reason] of [['stop', 'stopped'], ['cancel', 'cancelled']]) {
			const { job } = await pair();
			const got = await command(job.id, what);

			assert.equal(got.json.status, 'stopped');
			assert.equal(got.json.reason, reason);
		}
	});

	test('a paused job goes on at the same test and iteration', async () => {
		const { worker, job } = await pair({ iterations: 2,
			tests: [commandTest({ name: 'a' }), commandTest({ name: 'b' })] });
		const order = [];

		const step = async () => {
			const lease = await worker.take();

			order.push(`${lease.iteration}${lease.test.name}`);
			return lease;
		};

		await worker.finish(await step());
		const second = await step();

		assert.equal((await command(job.id, 'pause')).json.status, 'pausing');
		await worker.finish(second);
		const paused = await server.get(`/jobs/${job.id}`);

		assert.equal(paused.status, 'paused');
		assert.equal(paused.counts.passed, 2);
		assert.deepEqual((await worker.poll()).leases, [], 'nothing is leased while it is paused');
		await command(job.id, 'unpause');
		await worker.finish(await step());
		await worker.finish(await step());
		assert.deepEqual(order, ['1a', '1b', '2a', '2b']);
		assert.equal((await server.get(`/jobs/${job.id}`)).status, 'completed');
	});

	test('stop: the worker hears it once, the run ends as cancelled', async () => {
		const { worker, job, lease } = await reach.running();

		await command(job.id, 'stop');
		const { directives } = await worker.poll();

		assert.deepEqual(directives, [{ run: lease.run, fence: lease.fence, do: 'stop',
			reason: 'stopped' }]);
		worker.holds.get(lease.run).stopping = true;
		assert.deepEqual((await worker.poll()).directives, []);
		await worker.finish(lease, 'cancelled');
		const job2 = await server.get(`/jobs/${job.id}`);

		assert.equal(job2.status, 'stopped');
		assert.equal(job2.reason, 'stopped');
		assert.deepEqual((await worker.poll()).leases, []);
	});

	test('start: a new incarnation, the old one is kept beside it', async () => {
		const { worker, job } = await reach.failed();
		const old = await server.get(`/jobs/${job.id}`);
		const got = await command(job.id, 'start');

		assert.equal(got.json.incarnation, 2);
		assert.equal(got.json.counts.failed, 0);
		await worker.finishJob(job.id, 'passed');
		const final = await server.get(`/jobs/${job.id}`);

		assert.equal(final.status, 'completed');
		assert.equal(final.incarnation, 2);
		assert.equal(final.previous.length, 1);
		assert.equal(final.previous[0].incarnation, 1);
		assert.equal(final.previous[0].status, 'failed');
		assert.equal(final.previous[0].reason, 'tests_failed');
		assert.deepEqual(final.previous[0].counts, old.counts);
		assert.equal((await server.all(`/jobs/${job.id}/runs?`)).length, 3);
		assert.equal((await server.all(`/jobs/${job.id}/runs?incarnation=1`)).length, 3);
		assert.equal((await server.all(`/jobs/${job.id}/runs?incarnation=0`)).length, 6);
	});

	test('start while it runs: two incarnations never run at once', async () => {
		const { worker, job, lease } = await reach.running();

		await command(job.id, 'start');
		worker.capacity = 5;
		const first = await worker.poll();

		assert.deepEqual(first.leases, []);
		assert.deepEqual(first.directives.map((d) => [d.run, d.do]), [[lease.run, 'stop']]);
		await worker.finish(lease, 'cancelled');
		const next = await worker.take();

		assert.equal(next.incarnation, 2);
		assert.equal(next.iteration, 1);
	});

	test('delete: rows, runs and artifacts go; the worker is told to drop', async () => {
		const { worker, job, lease } = await reach.running();

		assert.equal((await worker.upload(lease, 'a.txt', 'x')).status, 201);
		await command(job.id, 'delete');
		assert.deepEqual((await worker.poll()).directives.map((d) => [d.run, d.do]),
			[[lease.run, 'drop']]);
		worker.holds.clear();
		for (const rest of ['', '/runs', `/runs/${lease.run}`, '/artifacts', '/explain',
			`/runs/${lease.run}/artifacts/a.txt`, '/report?format=json'])
			assertProblem(await server.request('GET', `/jobs/${job.id}${rest}`), 404, 'not_found');
		assertProblem(await command(job.id, 'delete'), 404, 'not_found');
		assert.ok(!(await server.all('/jobs?')).some((j) => j.id === job.id));
	});

	test('an unknown job: 404 for every command', async () => {
		for (const what of commands) {
			assertProblem(await command(uuid7(), what), 404, 'not_found');
			assertProblem(await command('nonsense', what), 404, 'not_found');
		}
	});

	test('the body is optional, and empty if it is there', async () => {
		const { job } = await pair();
		const without = await server.request('POST', `/jobs/${job.id}/pause`);

		assert.equal(without.status, 200, without.text);
		assertProblem(await server.request('POST', `/jobs/${job.id}/unpause`, { now: true }),
			400, 'invalid_field');
		assert.equal((await server.request('POST', `/jobs/${job.id}/unpause`, {})).json.status,
			'queued');
	});
});

// SPDX-License-Identifier: Apache-2.0
/*
 * A worker that does nothing by itself: each test says what it claims, reports and sends
 * (docs/protocol/worker.md).
 */
import assert from 'node:assert/strict';

import { uuid7 } from './server.mjs';

export class Worker {
	constructor(server, { name = 'fake', kinds = ['command', 'http', 'playwright'], labels = {},
		capacity = 1, id = uuid7() } = {}) {
		Object.assign(this, { server, name, kinds, labels, capacity, id });
		this.version = '0.0.1';
		this.holds = new Map(); // run → { run, fence, stopping }
		this.numbers = new Map(); // run and fence → number of its last event
	}

	/* One poll as it is; the status is not looked at. */
	request(members = {}, options) {
		return this.server.request('POST', '/workers/poll', {
			worker: this.id, name: this.name, version: this.version, kinds: this.kinds,
			labels: this.labels, capacity: this.capacity, ...members,
		}, options);
	}

	/* A claiming poll; takes over the leases that it gives. */
	async poll(members = {}) {
		const got = await this.request({
			claim: true, waitMs: 0, holds: [...this.holds.values()], ...members,
		});

		assert.equal(got.status, 200, got.text);
		for (const { run, fence } of got.json.leases)
			this.holds.set(run, { run, fence, stopping: false });
		return got.json;
	}

	/* Waits for one lease and gives it. */
	async take() {
		for (let i = 0; i < 20; i++) {
			const { leases } = await this.poll({ waitMs: 5000 });

			if (leases.length > 0) return leases[0];
		}
		return assert.fail('no lease came');
	}

	/* Reports without claiming. */
	async report(members) {
		const got = await this.request({ claim: false, ...members });

		assert.equal(got.status, 200, got.text);
		return got.json;
	}

	/* Sends events of a lease; their numbers go on by themselves. */
	send(lease, ...events) {
		return this.report({ events: events.map(([type, data]) => this.event(lease, type, data)) });
	}

	event(lease, type, data = {}) {
		const key = `${lease.run} ${lease.fence}`;
		const n = (this.numbers.get(key) ?? 0) + 1;

		this.numbers.set(key, n);
		return { run: lease.run, fence: lease.fence, n, type, at: new Date().toISOString(), data };
	}

	async finish(lease, outcome = 'passed', members = {}) {
		const answer = await this.report({ results: [{
			run: lease.run, fence: lease.fence, outcome, durationMs: 5, ...members,
		}] });

		this.holds.delete(lease.run);
		return answer;
	}

	/* Takes and finishes runs until the job is final. */
	async finishJob(id, outcome = 'passed') {
		for (;;) {
			const job = await this.server.get(`/jobs/${id}`);

			if (['completed', 'failed', 'stopped', 'invalid'].includes(job.status)) return job;
			const { leases } = await this.poll({ waitMs: 200 });

			for (const lease of leases) await this.finish(lease, outcome);
		}
	}

	upload(lease, name, bytes, { kind, type = 'application/octet-stream', caseId, fence } = {}) {
		const query = new URLSearchParams({ fence: String(fence ?? lease.fence) });

		if (kind) query.set('kind', kind);
		if (caseId) query.set('case', caseId);
		const place = name.split('/').map(encodeURIComponent).join('/');

		return this.server.request('PUT', `/runs/${lease.run}/artifacts/${place}?${query}`,
			bytes, { headers: { 'content-type': type } });
	}
}

// SPDX-License-Identifier: Apache-2.0
/* Workers that lie: whatever one of them says, the server goes on for everybody else. */
import { after, afterEach, before, describe, test } from 'node:test';

import { Server, assertProblem } from './lib/server.mjs';
import { Worker } from './lib/worker.mjs';

describe('lying workers', () => {
	let server;

	after(() => server?.close());
	before(async () => { server = await Server.start(); });
	/* The engine still writes. */
	afterEach(() => server.job());

	test('the id of zeros is nobody', async () => {
		const zeros = '00000000-0000-0000-0000-000000000000';
		const worker = new Worker(server, { id: zeros });
		const honest = new Worker(server);

		assertProblem(await worker.request({ claim: true, waitMs: 0 }), 400, 'invalid_field',
			[['/worker', 'invalid_field']]);
		assertProblem(await honest.request({
			holds: [{ run: zeros, fence: 1 }],
			results: [{ run: zeros, fence: 1, outcome: 'passed' }],
			events: [{ run: zeros, fence: 1, n: 1, type: 'run.step', data: {} }],
		}), 400, 'invalid_field', [['/holds/0/run', 'invalid_field'],
			['/results/0/run', 'invalid_field'], ['/events/0/run', 'invalid_field']]);
	});
});

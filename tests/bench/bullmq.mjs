// SPDX-License-Identifier: Apache-2.0
/*
 * BullMQ on the Redis at --port: submit (add, or addBulk with --bulk), life (add, and a worker
 * of --pollers jobs at a time). Completed jobs are kept, as they are by default.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { closedLoop, Lives, Meter, options } from './clients.mjs';

const opts = options(process.argv.slice(2));
const connection = () => new Redis({ host: '127.0.0.1', port: opts.port, maxRetriesPerRequest: null });
const queue = new Queue('bench', { connection: connection() });
const data = { argv: ['true', 'x'.repeat(opts.body)] };

await queue.waitUntilReady();
if (opts.mode === 'submit') {
	const bulk = Array.from({ length: opts.bulk }, () => ({ name: 'bench', data }));
	const meter = new Meter(opts);

	await closedLoop(opts.clients, meter, opts.bulk,
		() => opts.bulk > 1 ? queue.addBulk(bulk) : queue.add('bench', data));
	meter.report();
} else {
	let lives = null;
	const worker = new Worker('bench', async () => 'passed',
		{ connection: connection(), concurrency: opts.pollers });

	worker.on('completed', () => lives.completed());
	worker.on('failed', (job, error) => lives.meter.error(error));
	await worker.waitUntilReady();
	const meter = new Meter(opts);

	lives = new Lives(opts, meter);
	await lives.run(() => queue.add('bench', data));
	meter.report({ submitted: lives.submitted, completed: lives.done });
}
process.exit(0);

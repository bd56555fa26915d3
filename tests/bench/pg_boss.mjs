// SPDX-License-Identifier: Apache-2.0
/*
 * pg-boss on the PostgreSQL at --port: life. It has no push, so the workers fetch in a loop, one
 * job at a time as everybody else; polling intervals would only measure themselves.
 */
import PgBoss from 'pg-boss';
import { Lives, Meter, options } from './clients.mjs';

const opts = options(process.argv.slice(2));
const boss = new PgBoss({
	host: '127.0.0.1', port: opts.port, user: 'bench', database: 'bench', max: 64,
	supervise: false, schedule: false,
});
const data = { argv: ['true', 'x'.repeat(opts.body)] };

boss.on('error', console.error);
await boss.start();
await boss.createQueue('bench');

const meter = new Meter(opts);
const lives = new Lives(opts, meter);
let isOver = false;
const worker = async () => {
	while (!isOver) {
		const jobs = await boss.fetch('bench', { batchSize: 1 });

		if (!jobs?.length) {
			await new Promise((resolve) => setTimeout(resolve, 2));
			continue;
		}
		await boss.complete('bench', jobs[0].id);
		lives.completed();
	}
};
const workers = Array.from({ length: opts.pollers }, () => worker().catch((e) => meter.error(e)));

await lives.run(() => boss.send('bench', data));
isOver = true;
await Promise.all(workers);
meter.report({ submitted: lives.submitted, completed: lives.done });
process.exit(0);

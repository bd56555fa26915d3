// SPDX-License-Identifier: Apache-2.0
/* graphile-worker on the PostgreSQL at --port: bulk submit through its own addJobs. */
import { makeWorkerUtils } from 'graphile-worker';
import { closedLoop, Meter, options } from './clients.mjs';

const opts = options(process.argv.slice(2));
const utils = await makeWorkerUtils({
	connectionString: `postgres://bench@127.0.0.1:${opts.port}/bench`, maxPoolSize: opts.clients + 1,
});
const payload = { argv: ['true', 'x'.repeat(opts.body)] };
const bulk = Array.from({ length: opts.bulk }, () => ({ identifier: 'bench', payload }));

await utils.migrate();
const meter = new Meter(opts);

await closedLoop(opts.clients, meter, opts.bulk, () => utils.addJobs(bulk));
meter.report();
process.exit(0);

// SPDX-License-Identifier: Apache-2.0
import test from 'node:test';
import { crashLoop } from './crash_loop.mjs';

const kills = Number(process.env.KILLS ?? 50);
const seed = Number(process.env.SEED ?? 20261);

test(`${kills} kills lose nothing, count nothing twice and leave nothing behind (seed ${seed})`,
	{ timeout: 4 * 60 * 1000 + kills * 4000 },
	async (t) => {
		const total = await crashLoop({ kills, seed, log: (line) => t.diagnostic(line) });

		t.diagnostic(JSON.stringify(total));
	});

// SPDX-License-Identifier: Apache-2.0
/*
 * The closed-loop client of the peers in Node, the counterpart of load.c: the same options, the
 * same line of JSON at the end.
 */

export function options(argv) {
	const found = {
		mode: argv[0], clients: 1, pollers: 0, seconds: 3, warmup: 0.3, ahead: 256, body: 200,
		bulk: 1, port: 0,
	};

	for (let i = 1; i < argv.length; i += 2) {
		const name = argv[i].replace(/^--/, '');

		if (!(name in found)) throw new Error(`unknown option ${argv[i]}`);
		found[name] = Number(argv[i + 1]);
	}
	return found;
}

/* Counts operations between the end of the warm-up and the end of the time. */
export class Meter {
	constructor({ seconds, warmup }) {
		this.measureFrom = performance.now() + warmup * 1000;
		this.end = this.measureFrom + seconds * 1000;
		this.ops = 0;
		this.errors = 0;
		this.samples = [];
	}

	over() {
		return performance.now() >= this.end;
	}

	count(n, startedAt) {
		const now = performance.now();

		if (now < this.measureFrom || now >= this.end) return;
		this.ops += n;
		this.samples.push(now - startedAt);
	}

	error(what) {
		if (this.errors++ < 5) console.error(what);
	}

	report(extra = {}) {
		const sorted = Float64Array.from(this.samples).sort();
		const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
		const seconds = (this.end - this.measureFrom) / 1000;

		console.log(JSON.stringify({
			ops: this.ops, seconds, rate: this.ops / seconds, errors: this.errors,
			p50Ms: at(0.5) ?? 0, p99Ms: at(0.99) ?? 0, ...extra,
		}));
	}
}

/* n clients that call `one` again and again, each after its answer, until the time is over. */
export async function closedLoop(n, meter, size, one) {
	const client = async () => {
		while (!meter.over()) {
			const startedAt = performance.now();

			try {
				await one();
				meter.count(size, startedAt);
			} catch (error) {
				meter.error(error);
			}
		}
	};

	await Promise.all(Array.from({ length: n }, client));
}

/*
 * Submitters that stay at most `ahead` jobs in front of the completions. `submit` puts one job;
 * whoever completes one calls completed(). Resolves when the time is over and all are completed.
 */
export class Lives {
	constructor(opts, meter) {
		this.opts = opts;
		this.meter = meter;
		this.submitted = 0;
		this.done = 0;
		this.waiting = [];
	}

	completed(n = 1) {
		this.done += n;
		this.meter.count(n, performance.now());
		for (let i = 0; i < n; i++) this.waiting.shift()?.();
	}

	async run(submit) {
		const client = async () => {
			while (!this.meter.over()) {
				if (this.submitted - this.done >= this.opts.ahead) {
					await new Promise((resolve) => this.waiting.push(resolve));
					continue;
				}
				this.submitted++;
				await submit().catch((error) => this.meter.error(error));
			}
		};

		await Promise.all(Array.from({ length: this.opts.clients }, client));
		for (let i = 0; this.done < this.submitted && i < 600; i++)
			await new Promise((resolve) => setTimeout(resolve, 50));
		if (this.done < this.submitted) this.meter.error('not over in time');
	}
}

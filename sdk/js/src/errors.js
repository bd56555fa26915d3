// SPDX-License-Identifier: Apache-2.0
/* What can go wrong, by class: the server's refusal, no server, no time left. */

/* A problem document (RFC 9457) of the server. `code` is stable, `errors` name each offence. */
export class ProctorError extends Error {
	constructor(status, problem) {
		const offences = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);

		super([problem.detail ?? problem.title ?? `the server answered ${status}`, ...offences].join('\n  '));
		this.name = 'ProctorError';
		this.status = status;
		this.code = problem.code;
		this.errors = problem.errors ?? [];
		this.problem = problem;
	}
}

export class UnreachableError extends Error {
	constructor(url, cause) {
		super(`${url} cannot be reached: ${cause?.cause?.message ?? cause?.message ?? cause}`, { cause });
		this.name = 'UnreachableError';
	}
}

export class TimeoutError extends Error {
	constructor(what, ms) {
		super(`${what} took longer than ${ms} ms`);
		this.name = 'TimeoutError';
	}
}

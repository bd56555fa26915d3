// SPDX-License-Identifier: Apache-2.0
/* Events of the server as an async iterator, which comes back by itself after a cut. */
import { ProctorError } from './errors.js';

const PAUSE_MS = 500; // before it connects again

/*
 * Yields { seq, at, job, run, type, data } until the stream ends, which a job's does after its last
 * event; the whole project's does not end.
 */
export async function* events(transport, path, { after, types, signal } = {}) {
	let last = after;

	for (;;) {
		const begun = last;
		let isOver = false;

		try {
			for await (const message of messages(transport, path, last, types, signal)) {
				if (message.isEnd) return;
				if (message.id !== undefined) last = message.id;
				if (message.data === undefined) continue;
				const event = JSON.parse(message.data);

				isOver = isLast(event);
				yield event;
			}
			if (isOver && path !== '/events') return;
		} catch (error) {
			if (signal?.aborted) return;
			if (error instanceof ProctorError && error.status < 500) throw error;
		}
		if (signal?.aborted) return;
		if (begun === last) await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
	}
}

/* Of this incarnation: when the stream goes on behind it, the job was started again. */
function isLast({ type, run }) {
	return !run && ['job.completed', 'job.failed', 'job.stopped', 'job.invalid', 'job.deleted'].includes(type);
}

async function* messages(transport, path, last, types, signal) {
	const answer = await fetch(transport.url(path, { type: types }), {
		headers: transport.headers({ accept: 'text/event-stream',
			...(last === undefined ? {} : { 'last-event-id': String(last) }) }),
		redirect: 'error', signal,
	});

	if (!answer.ok) throw new ProctorError(answer.status, await answer.json().catch(() => ({})));
	if (answer.status === 204) return yield { isEnd: true };
	const decoder = new TextDecoder();
	let rest = '';

	for await (const chunk of answer.body) {
		const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');

		rest = blocks.pop();
		for (const block of blocks) yield parse(block);
	}
}

function parse(block) {
	const message = {};

	for (const line of block.split('\n')) {
		const found = /^(id|event|data): ?(.*)$/.exec(line);

		if (found) message[found[1]] = found[1] in message ? `${message[found[1]]}\n${found[2]}` : found[2];
	}
	return message;
}

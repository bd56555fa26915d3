// SPDX-License-Identifier: Apache-2.0
/*
 * A server that leaves with its command has what the file asks for, whatever it is called: nobody
 * can tell it what else there is.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { proctor, temporary } from './helper.mjs';

const job = (needs) => ({ name: 'needs', needs, tests: [{ name: 'one', kind: 'command', argv: ['true'] }] });

async function carriedOut(t, command, body) {
	const dir = temporary(t);
	const file = path.join(dir, 'needs.json');

	writeFileSync(file, JSON.stringify(body));
	return proctor([...command, file, '--data', path.join(dir, 'data')], { ms: 30000 });
}

test('proctor run has what the job needs', async (t) => {
	const done = await carriedOut(t, ['run'], job({ lines: 2, browsers: 1, cpu: 0.1 }));

	assert.equal(done.code, 0, done.stdout + done.said);
});

test('proctor flow run has what the jobs of its stages need', async (t) => {
	const done = await carriedOut(t, ['flow', 'run'], { name: 'needs', stages: [
		{ name: 'first', run: job({ lines: 1 }) },
		{ name: 'second', run: job({ lines: 1, phones: 3 }) },
	] });

	assert.equal(done.code, 0, done.stdout + done.said);
});

test('a need with a name that is none is refused, not waited for', async (t) => {
	const done = await carriedOut(t, ['run'], job({ '=': 1 }));

	assert.equal(done.code, 2, done.stdout + done.said);
	assert.match(done.stdout + done.said, /a resource is a short name/);
});

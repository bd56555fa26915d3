/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk takes no more under a server: it stops acknowledging, says so and ends, and everything that it had acknowledged is
 * there when it is started again with room. A limit on the size of files stands for the full disk: it needs no rights.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';

const bin = process.env.PROCTOR_BIN ?? path.resolve('build/proctor');
const dir = mkdtempSync(path.join(os.tmpdir(), 'proctor-full-'));
/* Two servers, one after the other, in one folder; the first cannot write past 6 MiB. */
const script = `
trap '' XFSZ
(ulimit -f 6144 && exec "$BIN" serve --listen 127.0.0.1:0 --data "$DIR/data" --workers 0 --log warn)
echo "ended $?"
exec "$BIN" serve --listen 127.0.0.1:0 --data "$DIR/data" --workers 0 --log warn
`;
const body = JSON.stringify({
	name: 'later',
	runAt: new Date(Date.now() + 30 * 86400 * 1000).toISOString(),
	tests: [{ name: 'a', kind: 'command', argv: ['true', 'x'.repeat(20000)] }],
});

/* Lines of the child's standard output, one at a time. */
function lines(child) {
	const iterator = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

	return async () => (await iterator.next()).value;
}

test('a disk that takes no more ends the server, and nothing that was accepted is lost', async () => {
	const child = spawn('bash', ['-c', script], {
		env: { ...process.env, DIR: dir, BIN: bin },
		stdio: ['ignore', 'pipe', 'inherit'],
	});

	after(() => {
		child.kill('SIGKILL');
		rmSync(dir, { recursive: true, force: true });
	});
	const next = lines(child);
	const first = (await next()).replace('listening on ', '');
	const token = readFileSync(path.join(dir, 'data/admin.token'), 'utf8').trim();
	const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
	let accepted = 0;
	let answer;

	do {
		answer = await fetch(`${first}/api/v1/jobs`, { method: 'POST', headers, body });
		if (answer.status === 201) accepted++;
		assert.ok(accepted < 5000, 'the disk never fills up');
	} while (answer.status === 201);
	assert.equal(answer.status, 503);
	assert.equal((await answer.json()).code, 'unavailable');
	assert.ok(accepted > 10);
	assert.equal(await next(), 'ended 4');

	const second = (await next()).replace('listening on ', '');
	const list = await (await fetch(`${second}/api/v1/jobs?count=true&limit=1`, { headers })).json();

	assert.equal(list.total, accepted);
	assert.equal((await fetch(`${second}/api/v1/jobs`, { method: 'POST', headers, body })).status, 201);
});
